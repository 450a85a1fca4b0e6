//! The pages over HTTP, as people with and without a role see them.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::{on_both, on_sqlite};
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::house::{House, Who, migrations};

pub fn modules(h: &House) -> Vec<Module> {
    let commons = Module {
        name: "commons",
        messages: [commons::MESSAGES, identity::MESSAGES]
            .into_iter()
            .flatten()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    };
    vec![
        commons,
        organization::module(
            h.org.clone(),
            h.files.clone(),
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        ),
        desk::module(desk::Desk::new(h.db.clone(), h.env.clone())),
        matters::module(h.matters.clone()),
    ]
}

pub struct App(Router);

impl App {
    pub fn of(h: &House, who: Who) -> Self {
        let mut principal = Principal::new(who.account, "某人");
        principal.person = Some(who.person);
        let eyes = who.eyes();
        for (permission, scope) in [
            (matters::READ, eyes.reads),
            (matters::WRITE, eyes.writes),
            (matters::ANSWER, eyes.answers),
            (matters::SEALED, eyes.sealed),
        ] {
            if !scope.is_empty() {
                principal = principal.with(permission, scope);
            }
        }
        let mut options = Options::new(h.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(modules(h), options).expect("they fit together"))
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> (u16, Vec<u8>, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, kind)
            .header(header::ACCEPT_LANGUAGE, "zh-CN")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(body))
            .unwrap();
        let answer = self.0.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let to = answer.headers().get(header::LOCATION);
        let to = to.map_or(String::new(), |v| v.to_str().unwrap().to_owned());
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, bytes.to_vec(), to)
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let (status, bytes, _) = self.send("GET", path, "text/plain", vec![]).await;
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub async fn parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &str)>,
    ) -> (u16, String) {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        if let Some((name, text)) = file {
            body += &format!(
                "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n"
            );
        }
        body += "--cut--\r\n";
        let kind = "multipart/form-data; boundary=cut";
        let (status, bytes, to) = self.send("POST", path, kind, body.into_bytes()).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, if to.is_empty() { text } else { to })
    }
}

fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&mark).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn a_request_is_written_sent_received_and_answered_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [officer, leader, member, far] =
            [h.officer, h.leader, h.member, h.far].map(|w| App::of(&h, w));
        assert!(officer.get("/matters").await.1.contains("还没有请示报告"));
        assert_eq!(
            member.get("/matters/new?kind=major-request").await.0,
            404,
            "who writes for no unit has personal matters only"
        );
        assert_eq!(member.get("/matters/new").await.0, 200);
        let (_, page) = officer.get("/matters/new?kind=major-request").await;
        assert!(
            page.contains("重大事项请示报告条例") && page.contains("单位B"),
            "{page}"
        );
        let id = hidden(&page, "id");
        let wrong = [
            ("id", id.as_str()),
            ("kind", "major-request"),
            ("unit", "C1"),
            ("title", "设<立>专班"),
            ("v-area", "x"),
        ];
        let (status, page) = officer.parts("/matters", &wrong, None).await;
        assert!(
            status == 422
                && page.contains("f-v-area")
                && page.contains("请填写正文")
                && page.contains("设&lt;立&gt;专班"),
            "{page}"
        );
        let to = h.bureau.to_string();
        let whole = [
            ("id", id.as_str()),
            ("kind", "major-request"),
            ("unit", "C1"),
            ("title", "设<立>专班"),
            ("text", "拟设立。\n请批示。"),
            ("v-area", "other"),
            ("to", to.as_str()),
        ];
        for _ in 0..2 {
            let done = officer
                .parts("/matters", &whole, Some(("方案.txt", "一二三")))
                .await;
            assert_eq!(done, (303, format!("/matters/{id}")));
        }
        let at = format!("/matters/{id}");
        assert_eq!(leader.get(&at).await.0, 404, "a draft is its writer's");
        assert_eq!(
            officer.parts(&format!("{at}/acts/send"), &[], None).await.0,
            303
        );
        h.decide(h.chief, "agree").await;
        assert_eq!(far.get(&at).await.0, 404);
        let (_, page) = leader.get(&at).await;
        assert!(
            page.contains("设&lt;立&gt;专班") && page.contains("方案.txt") && page.contains("签收"),
            "{page}"
        );
        let file = page
            .split("/files/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            leader.get(&format!("{at}/files/{file}")).await,
            (200, "一二三".to_owned())
        );
        assert_eq!(far.get(&format!("{at}/files/{file}")).await.0, 404);
        assert!(
            leader
                .get("/matters?show=incoming")
                .await
                .1
                .contains("设&lt;立&gt;专班")
        );
        assert_eq!(
            leader
                .parts(&format!("{at}/acts/receive"), &[], None)
                .await
                .0,
            303
        );
        let late = leader
            .parts(
                &format!("{at}/acts/answer"),
                &[("seen", "1"), ("outcome", "agreed"), ("text", "同意")],
                None,
            )
            .await;
        assert!(
            late.0 == 422 && late.1.contains("情况已经变化") && late.1.contains("同意"),
            "{}",
            late.1
        );
        let done = leader
            .parts(
                &format!("{at}/acts/answer"),
                &[("outcome", "agreed"), ("text", "同意设立。")],
                Some(("批复.txt", "四")),
            )
            .await;
        assert_eq!(done.0, 303, "{}", done.1);
        let (_, page) = officer.get(&at).await;
        assert!(
            page.contains("同意设立。") && page.contains("批复.txt"),
            "{page}"
        );
        for paper in ["matter.docx", "reply.docx"] {
            let (status, bytes, _) = officer
                .send("GET", &format!("{at}/paper/{paper}"), "text/plain", vec![])
                .await;
            assert_eq!((status, &bytes[..2]), (200, &b"PK"[..]));
            assert_eq!(far.get(&format!("{at}/paper/{paper}")).await.0, 404);
        }
        assert_eq!(officer.get(&format!("{at}/paper/x.docx")).await.0, 404);
        let (status, sheet, _) = officer
            .send("GET", "/matters/list.xlsx", "text/plain", vec![])
            .await;
        assert_eq!((status, &sheet[..2]), (200, &b"PK"[..]));
        let (_, text) = officer.get(&format!("/api/v1/matters/{id}")).await;
        let one: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (
                one["state"].as_str(),
                one["outcome"].as_str(),
                one["reply"]["text"].as_str()
            ),
            (Some("done"), Some("agreed"), Some("同意设立。"))
        );
        assert_eq!(far.get(&format!("/api/v1/matters/{id}")).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn programs_write_receive_and_answer() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [officer, leader] = [h.officer, h.leader].map(|w| App::of(&h, w));
        let json = "application/json";
        let body = json!({ "kind": "major-request", "unit": h.county, "title": "设立专班", "text": "请批示。", "values": { "area": "other" } });
        let (status, bytes, _) = officer.send("POST", "/api/v1/matters", json, body.to_string().into_bytes()).await;
        assert_eq!(status, 200);
        let made: Value = serde_json::from_slice(&bytes).unwrap();
        let id: kernel::Id = made["id"].as_str().unwrap().parse().unwrap();
        let (status, ..) = leader.send("POST", "/api/v1/matters", json, body.to_string().into_bytes()).await;
        assert_eq!(status, 404, "who may not write has no such route");
        h.send(id, h.officer).await.unwrap();
        h.decide(h.chief, "agree").await;
        let (_, text) = leader.get("/api/v1/matters?incoming=true").await;
        let list: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(list["total"], 1);
        let version = list["matters"][0]["version"].as_i64().unwrap();
        let receipt = json!({ "version": version });
        let at = format!("/api/v1/matters/{id}");
        let (status, bytes, _) = leader.send("POST", &format!("{at}/receipt"), json, receipt.to_string().into_bytes()).await;
        assert_eq!(status, 200);
        let version = serde_json::from_slice::<Value>(&bytes).unwrap()["version"].as_i64().unwrap();
        let answer = json!({ "version": version, "outcome": "refused", "text": "暂缓。" });
        for (nth, wanted) in [200, 409].into_iter().enumerate() {
            let (status, ..) = leader.send("POST", &format!("{at}/answer"), json, answer.to_string().into_bytes()).await;
            assert_eq!(status, wanted, "{nth}");
        }
    })
    .await;
}
