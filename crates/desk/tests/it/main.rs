//! Drafts and views on both engines, and over HTTP.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use desk::{Desk, MIGRATIONS};
use http_body_util::BodyExt;
use kernel::{AccountId, Error};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Options, Principal};

fn fields(title: &str) -> Vec<(String, String)> {
    vec![("title".into(), title.into()), ("part".into(), "a".into())]
}

fn key<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result.expect_err("refused") {
        Error::Invalid(fields) => fields[0].message.key,
        Error::NotFound => "not-found",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_draft_is_kept_replaced_dropped_and_only_ones_own() {
    on_both(MIGRATIONS, |t| async move {
        let desk = Desk::new(t.db.clone(), t.env.clone());
        let (me, other): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let at = "/activities/new?unit=1";
        assert_eq!(desk.draft(me, at).await.unwrap(), None);
        desk.keep_draft(me, at, &fields("一")).await.unwrap();
        desk.keep_draft(me, at, &fields("二 <b>")).await.unwrap();
        let draft = desk.draft(me, at).await.unwrap().expect("a draft");
        assert_eq!(draft.fields, fields("二 <b>"));
        assert_eq!(draft.saved_at, t.env.now());
        assert_eq!(desk.draft(other, at).await.unwrap(), None);
        desk.drop_draft(other, at).await.unwrap();
        assert!(desk.draft(me, at).await.unwrap().is_some());
        for wrong in [
            "",
            "//elsewhere.test/",
            "https://elsewhere.test",
            &format!("/{}", "x".repeat(1_000)),
        ] {
            assert_eq!(
                key(desk.keep_draft(me, wrong, &[]).await),
                "desk-place",
                "{wrong}"
            );
        }
        desk.drop_draft(me, at).await.unwrap();
        assert_eq!(desk.draft(me, at).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn old_drafts_and_too_many_drafts_go() {
    on_both(MIGRATIONS, |t| async move {
        let desk = Desk::new(t.db.clone(), t.env.clone());
        let me: AccountId = t.env.new_id();
        for n in 0..55 {
            t.clock.advance(1);
            desk.keep_draft(me, &format!("/p/{n}"), &fields("x"))
                .await
                .unwrap();
        }
        let there = async |n: i32| desk.draft(me, &format!("/p/{n}")).await.unwrap().is_some();
        assert!(!there(4).await && there(5).await && there(54).await);
        t.clock.advance(30 * 24 * 3600 - 10);
        assert_eq!(desk.expire_drafts().await.unwrap(), 39);
        assert!(!there(43).await && there(44).await);
    })
    .await;
}

#[tokio::test]
async fn views_have_one_name_each_and_belong_to_one_account() {
    on_both(MIGRATIONS, |t| async move {
        let desk = Desk::new(t.db.clone(), t.env.clone());
        let (me, other): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let id = desk
            .keep_view(me, "/activities?kind=a", " 本月 ")
            .await
            .unwrap();
        let again = desk
            .keep_view(me, "/activities?kind=b", "本月")
            .await
            .unwrap();
        assert_eq!(again, id);
        desk.keep_view(me, "/reports?x=1", "本月").await.unwrap();
        let views = desk.views(me, "/activities?page=2").await.unwrap();
        assert_eq!(views.len(), 1);
        assert_eq!(
            (views[0].name.as_str(), views[0].place.as_str()),
            ("本月", "/activities?kind=b")
        );
        assert_eq!(desk.views(other, "/activities").await.unwrap(), []);
        assert_eq!(key(desk.drop_view(other, id).await), "not-found");
        assert_eq!(desk.drop_view(me, id).await.unwrap(), "/activities?kind=b");
        assert_eq!(key(desk.drop_view(me, id).await), "not-found");
        for wrong in ["", "  ", "a\nb", &"长".repeat(31)] {
            assert_eq!(
                key(desk.keep_view(me, "/a", wrong).await),
                "desk-view-name",
                "{wrong}"
            );
        }
        assert_eq!(
            key(desk.keep_view(me, "javascript:1", "x").await),
            "desk-place"
        );
        for n in 0..30 {
            desk.keep_view(me, "/a", &format!("v{n}")).await.unwrap();
        }
        assert_eq!(
            key(desk.keep_view(me, "/a?x", "v30").await),
            "desk-view-many"
        );
        desk.keep_view(me, "/a?x", "v29").await.unwrap();
    })
    .await;
}

struct App {
    router: axum::Router,
}

impl App {
    fn new(t: &TestDb, account: Option<AccountId>) -> Self {
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request
                    .extensions_mut()
                    .insert(account.map(|a| Principal::new(a, "林晓岚")));
                next.run(request)
            }))
        });
        let desk = desk::module(Desk::new(t.db.clone(), t.env.clone()));
        let router = web::assemble(vec![desk], options).expect("it fits together");
        Self { router }
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("a whole body")
            .to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_page_keeps_its_draft_for_the_account_that_opened_it() {
    on_sqlite(MIGRATIONS, |t| async move {
        let (me, other): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let (mine, theirs, nobody) = (
            App::new(&t, Some(me)),
            App::new(&t, Some(other)),
            App::new(&t, None),
        );
        let at = "/desk/draft?at=%2Factivities%2Fnew";
        let typed = serde_json::json!({ "account": me, "fields": [["title", "学习"]] }).to_string();
        let json = "application/json";
        assert_eq!(
            mine.ask("PUT", at, json, &typed).await.0,
            StatusCode::NO_CONTENT
        );
        let (status, body) = mine.ask("GET", at, "", "").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            body.contains("[[\"title\",\"学习\"]]") && body.contains("\"saved\":\"2026-"),
            "{body}"
        );
        // In another window somebody else has signed in, or nobody is signed in any more.
        assert_eq!(
            theirs.ask("PUT", at, json, &typed).await.0,
            StatusCode::CONFLICT
        );
        assert_eq!(
            theirs.ask("GET", at, "", "").await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(
            nobody.ask("PUT", at, json, &typed).await.0,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            nobody.ask("GET", "/desk/signed-in", "", "").await.0,
            StatusCode::SEE_OTHER
        );
        assert!(
            mine.ask("GET", "/desk/signed-in", "", "")
                .await
                .1
                .contains("已登录")
        );
        assert_eq!(
            mine.ask("PUT", at, json, "{").await.0,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            mine.ask("DELETE", at, "", "").await.0,
            StatusCode::NO_CONTENT
        );
        assert_eq!(mine.ask("GET", at, "", "").await.0, StatusCode::NO_CONTENT);
    })
    .await;
}

#[tokio::test]
async fn views_are_saved_and_dropped_on_a_page() {
    on_sqlite(MIGRATIONS, |t| async move {
        let app = App::new(&t, Some(t.env.new_id()));
        let list = "/desk/views?at=%2Factivities%3Fkind%3Da";
        assert!(
            app.ask("GET", list, "", "")
                .await
                .1
                .contains("还没有保存过视图")
        );
        let new = "at=%2Factivities%3Fkind%3Da&name=%3Cb%3E%E6%9C%AC%E6%9C%88";
        assert_eq!(
            app.ask("POST", "/desk/views", FORM, new).await.0,
            StatusCode::SEE_OTHER
        );
        let page = app.ask("GET", list, "", "").await.1;
        assert!(
            page.contains("&lt;b&gt;本月") && page.contains("aria-current"),
            "{page}"
        );
        let drop = page
            .split("action=\"")
            .nth(1)
            .and_then(|s| s.split('"').next())
            .expect("an address");
        assert_eq!(
            app.ask("POST", drop, FORM, "").await.0,
            StatusCode::SEE_OTHER
        );
        assert_eq!(
            app.ask("POST", drop, FORM, "").await.0,
            StatusCode::NOT_FOUND
        );
        let (status, page) = app.ask("POST", "/desk/views", FORM, "at=%2Fa&name=").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.contains("请填写视图名称"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_file_arrives_in_pieces_once_and_in_order() {
    on_both(MIGRATIONS, |t| async move {
        let desk = Desk::new(t.db.clone(), t.env.clone());
        let (me, other): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        let file: Vec<u8> = (0..1_300_000u32).map(|n| n as u8).collect();
        let id = desk
            .begin_upload(me, "名册\n.xlsx", file.len() as u64)
            .await
            .unwrap();
        let piece = 512 << 10;
        assert_eq!(key(desk.take_upload(me, id).await), "desk-upload-missing");
        assert_eq!(
            desk.put_piece(me, id, 0, &file[..piece]).await.unwrap(),
            piece as u64
        );
        // The same again, one too far on, one past the end, another's: nothing changes.
        assert_eq!(
            desk.put_piece(me, id, 0, &file[..piece]).await.unwrap(),
            piece as u64
        );
        assert_eq!(
            desk.put_piece(me, id, 900_000, &file[..10]).await.unwrap(),
            piece as u64
        );
        assert_eq!(
            desk.put_piece(me, id, piece as u64, &[0; 512 << 10])
                .await
                .unwrap(),
            2 * piece as u64
        );
        assert_eq!(
            key(desk.put_piece(other, id, 2 * piece as u64, &[1]).await),
            "not-found"
        );
        assert_eq!(key(desk.upload(other, id).await), "not-found");
        assert_eq!(
            key(desk.put_piece(me, id, 0, &[]).await),
            "desk-upload-piece"
        );
        assert_eq!(
            key(desk.put_piece(me, id, 0, &vec![0; piece + 1]).await),
            "desk-upload-piece"
        );
        let at = desk.upload(me, id).await.unwrap().received as usize;
        let past = vec![0; file.len() - at + 1];
        assert_eq!(
            desk.put_piece(me, id, at as u64, &past).await.unwrap(),
            at as u64
        );
        assert_eq!(
            desk.put_piece(me, id, at as u64, &file[at..])
                .await
                .unwrap(),
            file.len() as u64
        );
        let (name, bytes) = desk.take_upload(me, id).await.unwrap();
        assert_eq!((name.as_str(), bytes.len()), ("名册.xlsx", file.len()));
        assert_eq!(bytes[..piece], file[..piece]);
        assert_eq!(bytes[at..], file[at..]);
        assert_eq!(key(desk.take_upload(me, id).await), "not-found");
        // What is wrong from the start; what nobody takes goes.
        assert_eq!(
            key(desk.begin_upload(me, "x", 0).await),
            "desk-upload-empty"
        );
        assert_eq!(
            key(desk.begin_upload(me, " ", 1).await),
            "desk-upload-empty"
        );
        assert_eq!(
            key(desk.begin_upload(me, "x", 257 << 20).await),
            "desk-upload-large"
        );
        let first = desk.begin_upload(me, "x", 1).await.unwrap();
        for _ in 0..20 {
            t.clock.advance(1);
            desk.begin_upload(me, "x", 1).await.unwrap();
        }
        assert_eq!(key(desk.upload(me, first).await), "not-found");
        t.clock.advance(24 * 3600 + 1);
        assert_eq!(desk.expire_uploads().await.unwrap(), 20);
    })
    .await;
}

#[tokio::test]
async fn two_who_send_the_same_piece_send_it_once() {
    on_both(MIGRATIONS, |t| async move {
        let (one, two) = (
            Desk::new(t.db.clone(), t.env.clone()),
            Desk::new(t.second().await, t.env.clone()),
        );
        let me: AccountId = t.env.new_id();
        let id = one.begin_upload(me, "x", 8).await.unwrap();
        let (a, b) = tokio::join!(
            one.put_piece(me, id, 0, b"abcd"),
            two.put_piece(me, id, 0, b"abcd")
        );
        assert_eq!((a.unwrap(), b.unwrap()), (4, 4));
        one.put_piece(me, id, 4, b"efgh").await.unwrap();
        assert_eq!(two.take_upload(me, id).await.unwrap().1, b"abcdefgh");
    })
    .await;
}

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(MIGRATIONS, |t| async move {
        let module = desk::module(Desk::new(t.db.clone(), t.env.clone()));
        assert_eq!(web::samples::problems(vec![module], &t.env), [""; 0]);
    })
    .await;
}
