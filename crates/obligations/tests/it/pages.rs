//! Pages and API over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use kernel::{AccountId, Scope};
use obligations::READ;
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::house::{House, RULE, day, migrations};

pub fn modules(h: &House) -> Vec<Module> {
    let texts = commons::MESSAGES.iter();
    let commons = Module {
        name: "commons",
        messages: texts
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    };
    vec![commons, obligations::module(h.obligations.clone())]
}

pub fn app(h: &House, t: &TestDb, scope: Scope) -> Router {
    app_with(h, t.env.new_id(), &[READ], scope)
}

pub fn app_with(h: &House, by: AccountId, permissions: &[&str], scope: Scope) -> Router {
    let nobody = Principal::new(by, "林晓岚");
    let hold = |p: Principal, permission: &&str| p.with(*permission, scope.clone());
    let principal = permissions.iter().fold(nobody, hold);
    let mut options = Options::new(h.env.clone());
    options.auth = Box::new(move |router| {
        router.layer(from_fn(move |mut request: Request, next: Next| {
            request.extensions_mut().insert(Some(principal.clone()));
            next.run(request)
        }))
    });
    web::assemble(modules(h), options).expect("the modules fit together")
}

pub async fn get(app: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::HOST, "suneng.test");
    let request = request.body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a whole body");
    (
        status,
        String::from_utf8_lossy(&body.to_bytes()).into_owned(),
    )
}

/// Sends a form; gives the page, or where it leads.
pub async fn post(app: &Router, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::HOST, "suneng.test")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let response = app.clone().oneshot(request).await.expect("infallible");
    let status = response.status();
    if let Some(place) = response.headers().get(header::LOCATION) {
        return (status, place.to_str().expect("text").to_owned());
    }
    let body = response.into_body().collect().await.expect("a whole body");
    (
        status,
        String::from_utf8_lossy(&body.to_bytes()).into_owned(),
    )
}

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn states_are_said_in_words_and_numbers() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.held(&t, h.a, day(11, 6)).await;
        h.held(&t, h.a, day(10, 31)).await;
        let all = app(&h, &t, Scope::All);
        let (status, page) = get(&all, "/obligations").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in ["单位A", "单位B", "2 / 45", "0 / 45", "第三条"] {
            assert!(page.contains(text), "{text}");
        }
        // Every square says its day and state, and the picture as a whole has a text.
        for title in [
            "<title>2026-11-06 按期完成 (2026-11-06)",
            "<title>2026-11-13 逾期",
            "<title>2026-10-30 补学",
        ] {
            assert!(page.contains(title), "{title}: {page}");
        }
        assert!(page.contains("role=\"img\" aria-label=\"单位A"));
        let (status, page) = get(&all, &format!("/obligations/{RULE}/{}", h.a)).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        for text in [
            "按期完成",
            "补学",
            "逾期",
            "2026-11-13",
            "/activities?unit=",
        ] {
            assert!(page.contains(text), "{text}");
        }
        for (path, want) in [
            (format!("/obligations/{RULE}/x"), 404),
            (format!("/obligations/nothing/{}", h.a), 404),
            (format!("/obligations/{RULE}/%00"), 404),
            (
                "/obligations?rule=%00&year=1&page=18446744073709551615".into(),
                200,
            ),
            (format!("/obligations/{RULE}/{}?year=-5", h.a), 200),
        ] {
            let (status, page) = get(&all, &path).await;
            assert_eq!(status.as_u16(), want, "{path}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_scope_holds_on_pages_and_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.held(&t, h.a, day(11, 13)).await;
        let mine = app(&h, &t, Scope::Under(vec![h.a]));
        let (_, page) = get(&mine, "/obligations").await;
        assert!(page.contains("单位A") && !page.contains("单位B"));
        let (status, _) = get(&mine, &format!("/obligations/{RULE}/{}", h.b)).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let api = format!("/api/v1/obligations/{RULE}?from=2026-11-09&to=2026-11-22");
        let (status, body) = get(&mine, &api).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        for text in [
            "\"done\":1,\"due\":1",
            "\"state\":\"done\"",
            "\"state\":\"soon\"",
            "单位A",
        ] {
            assert!(body.contains(text), "{text}: {body}");
        }
        assert!(!body.contains("单位B"));
        let (_, body) = get(&mine, &format!("{api}&unit={}", h.b)).await;
        assert!(!body.contains("单位"), "{body}");
        for (path, want) in [
            (
                format!("/api/v1/obligations/{RULE}?from=x&to=2026-11-22"),
                422,
            ),
            (
                format!("/api/v1/obligations/{RULE}?from=2026-11-22&to=2026-11-01"),
                422,
            ),
            (
                format!("/api/v1/obligations/{RULE}?from=1000-01-01&to=9999-12-31"),
                422,
            ),
            (
                "/api/v1/obligations/x?from=2026-11-09&to=2026-11-22".into(),
                404,
            ),
        ] {
            let (status, body) = get(&mine, &path).await;
            assert_eq!(status.as_u16(), want, "{path}: {body}");
        }
        let nobody = app(&h, &t, Scope::nothing());
        assert_eq!(get(&nobody, "/obligations").await.0, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn while_old_facts_are_counted_it_says_so() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.held(&t, h.a, day(11, 13)).await;
        h.ledger.settle().await.unwrap();
        // A rule that looks at something else than was counted so far.
        let text = include_str!("../../../../packs/weekly-study.toml").replace(
            "category = \"friday-study\" }, axis = \"host\" }\n\n[[obligation.version]]",
            "category = \"other-study\" }, axis = \"host\" }\n\n[[obligation.version]]",
        );
        let packs = commons::packs::Packs::load(vec![("t.toml".into(), text)]).unwrap();
        let rules = obligations::Rules::read(&packs).unwrap();
        h.ledger.define(&rules.definitions()).await.unwrap();
        let calendar = kernel::Calendar::default();
        let computing = House {
            obligations: obligations::Obligations::new(
                (t.db.clone(), t.env.clone()),
                h.ledger.clone(),
                h.org.clone(),
                rules,
                calendar,
            ),
            ..h
        };
        let all = app(&computing, &t, Scope::All);
        let unit = format!("/obligations/{RULE}/{}", computing.a);
        for path in ["/obligations", &unit] {
            let (status, page) = get(&all, path).await;
            assert_eq!(status, StatusCode::OK);
            assert!(
                page.contains("计算中") && !page.contains("0 / "),
                "{path}: {page}"
            );
        }
        computing.ledger.backfill_all().await.unwrap();
        let (_, page) = get(&all, &unit).await;
        assert!(page.contains("逾期"), "{page}");
    })
    .await;
}
