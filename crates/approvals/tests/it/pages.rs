//! Pages and API, through HTTP.

use approvals::{Approvals, READ, module};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use kernel::Scope;
use serde_json::Value;
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Options, Principal};

use crate::house::{MIGRATIONS, OFFICE, by, done, house, new, p};

struct App(Router);

impl App {
    /// The program as a person uses it.
    fn of(t: &TestDb, approvals: &Approvals, n: u8, reads: bool) -> Self {
        let mut principal = Principal::new(by(n).account, format!("人{n}"));
        principal.person = Some(p(n));
        if reads {
            principal = principal.with(READ, Scope::Under(vec![OFFICE]));
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(vec![module(approvals.clone())], options).expect("they fit together"))
    }

    async fn send(&self, request: Request) -> (StatusCode, String) {
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post_as(&self, path: &str, kind: &str, body: &str) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        self.post_as(path, "application/x-www-form-urlencoded", body)
            .await
    }
}

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let problems = web::samples::problems(vec![module(approvals)], &t.env);
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn it_is_decided_on_its_page() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let id = approvals
            .start(&new(&t, "word", "<i>词"), &by(1))
            .await
            .unwrap();
        let path = format!("/approvals/{id}");
        let [one, two, five, six, seven] =
            [1, 2, 5, 6, 7].map(|n| App::of(&t, &approvals, n, false));
        assert_eq!(seven.get(&path).await.0, StatusCode::NOT_FOUND);
        let reader = App::of(&t, &approvals, 7, true);
        let (_, page) = reader.get(&path).await;
        assert!(
            page.contains("&lt;i&gt;词") && !page.contains("formaction"),
            "{page}"
        );
        let (_, page) = one.get(&path).await;
        assert!(
            page.contains("催办") && page.contains("撤回") && !page.contains("formaction"),
            "{page}"
        );
        let (_, page) = two.get(&path).await;
        for part in [
            "单位领导",
            "<b>人2</b> 待办",
            "会签",
            "已停留 0 小时",
            "期限 2026-11-24",
            "转办",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        let (status, page) = two
            .post(&format!("{path}/return"), "round=1&step=0&reason=")
            .await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("请写明理由"),
            "{page}"
        );
        let (status, page) = two
            .post(&format!("{path}/add"), "round=1&step=0&other=99")
            .await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("没有工号为“99”"),
            "{page}"
        );
        let (status, _) = two
            .post(&format!("{path}/agree"), "round=1&step=0&reason=%E5%A5%BD")
            .await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (status, page) = two.post(&format!("{path}/agree"), "round=1&step=0").await;
        assert!(
            status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("刚刚有人办理"),
            "{page}"
        );
        for app in [&five, &six] {
            let json = r#"{"round":1,"step":1}"#;
            let (status, _) = app
                .post_as(&format!("/api/v1{path}/agree"), "application/json", json)
                .await;
            assert_eq!(status, StatusCode::OK);
        }
        let (_, page) = one.get(&path).await;
        assert!(
            page.contains("已通过") && page.contains("变更已生效") && page.contains(">好<"),
            "{page}"
        );
        let (_, json) = one.get(&format!("/api/v1{path}")).await;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&json["state"], json["events"].as_array().unwrap().len()),
            (&"applied".into(), 5)
        );
        assert_eq!(
            seven.get(&format!("/api/v1{path}")).await.0,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            two.post(&format!("{path}/dance"), "round=1&step=0").await.0,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(done(&t.db).await, ["<i>词"]);
    })
    .await;
}

#[tokio::test]
async fn several_are_agreed_to_at_once_and_each_outcome_is_named() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let two = App::of(&t, &approvals, 2, false);
        let (_, page) = two.get("/approvals").await;
        assert!(page.contains("没有待审批的事项"), "{page}");
        let mut body = String::new();
        for n in 0..22 {
            let kind = if n == 21 { "signed" } else { "word" };
            approvals
                .start(&new(&t, kind, &format!("词{n}")), &by(1))
                .await
                .unwrap();
        }
        let (_, page) = two.get("/approvals?page=2").await;
        assert!(
            page.contains("词20") && page.contains("需签名") && !page.contains("词19"),
            "{page}"
        );
        let (_, page) = two.get("/approvals?kind=signed").await;
        assert!(page.contains("词21") && !page.contains("词20"), "{page}");
        let (_, page) = two
            .get("/approvals?sort=-sent&columns=kind,due&dense=1")
            .await;
        assert!(page.contains("词21") && !page.contains("词1<"), "{page}");
        assert!(page.contains("data-label=\"事项\"") && !page.contains("data-label=\"申请人\""));
        let (status, _) = two.get("/approvals/list.xlsx?kind=word").await;
        assert_eq!(status, StatusCode::OK);
        let (_, page) = two.get("/approvals").await;
        for pick in page.split("name=\"pick\" value=\"").skip(1).take(3) {
            body += &format!("pick={}&", pick.split('"').next().unwrap());
        }
        // Somebody else decides the first one meanwhile.
        let three = App::of(&t, &approvals, 3, false);
        let first = body.split(['=', ':']).nth(1).unwrap().to_owned();
        three
            .post(
                &format!("/approvals/{first}/refuse"),
                "round=1&step=0&reason=x",
            )
            .await;
        let (status, page) = two.post("/approvals/batch", &body).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            page.contains("同意 2 项，未能办理 1 项")
                && page.contains("词0")
                && page.contains("已退回或结束"),
            "{page}"
        );
        let (_, page) = two.post("/approvals/batch", "reason=x").await;
        assert!(page.contains("没有选择事项"), "{page}");
        let (_, json) = two.get("/api/v1/approvals?tab=done&size=1").await;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["total"], 2);
        let (_, page) = App::of(&t, &approvals, 7, true)
            .get("/approvals?tab=all&state=refused")
            .await;
        assert!(page.contains("词0") && !page.contains("词1<"), "{page}");
        let (_, page) = App::of(&t, &approvals, 7, false)
            .get("/approvals?tab=all")
            .await;
        assert!(
            page.contains("没有待审批的事项"),
            "no such tab without the permission: {page}"
        );
    })
    .await;
}
