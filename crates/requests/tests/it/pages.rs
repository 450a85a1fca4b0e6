//! Pages and API, through HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use kernel::{Id, Scope};
use requests::{ANSWER, ASK, module};
use serde_json::{Value, json};
use testkit::{TestDb, on_both, on_sqlite};
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::house::{House, Who, migrations};

fn modules(h: &House, t: &TestDb) -> Vec<Module> {
    let texts = commons::MESSAGES.iter();
    let commons = Module {
        name: "commons",
        messages: texts
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    };
    vec![
        commons,
        organization::module(
            h.org.clone(),
            commons::files::Files::memory(t.env.clone()),
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        ),
        desk::module(desk::Desk::new(t.db.clone(), t.env.clone())),
        module(h.requests.clone()),
    ]
}

/// The program as somebody sees it.
struct App(Router);

impl App {
    fn of(h: &House, t: &TestDb, who: Who) -> Self {
        let eyes = h.eyes(who);
        let mut principal = Principal::new(who.account, "某人");
        principal.person = Some(who.person);
        for (permission, scope) in [(ASK, eyes.asks), (ANSWER, eyes.answers)] {
            if scope != Scope::nothing() {
                principal = principal.with(permission, scope);
            }
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(modules(h, t), options).expect("they fit together"))
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap();
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let to = response.headers().get(header::LOCATION);
        let to = to.map(|to| to.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, to.unwrap_or(text))
    }

    async fn get(&self, path: &str) -> (u16, String) {
        self.send("GET", path, "", vec![]).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let pairs = fields.iter();
        let pairs = pairs.map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        self.send("POST", path, "application/x-www-form-urlencoded", body)
            .await
    }

    async fn answer(
        &self,
        id: &str,
        fields: &[(&str, &str)],
        file: Option<&[u8]>,
    ) -> (u16, String) {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(head.as_bytes());
        }
        if let Some(bytes) = file {
            let head = "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"情况.pdf\"\r\n\r\n";
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let kind = "multipart/form-data; boundary=cut";
        self.send("POST", &format!("/requests/{id}/answer"), kind, body)
            .await
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let bytes = body.to_string().into_bytes();
        let (status, text) = self.send(method, path, "application/json", bytes).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
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
        let problems = web::samples::problems(modules(&h, &t), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn it_is_asked_by_a_form_answered_with_a_file_and_confirmed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [asker, worker, lonely] = [h.asker, h.worker, h.lonely].map(|who| App::of(&h, &t, who));
        assert_eq!(
            lonely.get("/requests/new").await.0,
            404,
            "only who may ask has the form"
        );
        let (_, page) = asker.get("/requests/new").await;
        let (_, options) = asker.get("/requests/new/unit-options?unit=O1").await;
        assert!(options.contains("单位O1"), "{options}");
        let id = hidden(&page, "id");
        let mut fields = vec![
            ("id", id.as_str()),
            ("kind", "task"),
            ("title", "报送<b>整改</b>情况"),
            ("detail", "第一行\n第二行"),
            ("from", "B"),
            ("unit", "O1"),
            ("due", "soon"),
        ];
        let (status, page) = asker.post("/requests", &fields).await;
        assert!(
            status == 422 && page.contains("请填写日期") && page.contains("第二行"),
            "{page}"
        );
        fields[6] = ("due", "2026-11-27");
        let (status, to) = asker.post("/requests", &fields).await;
        assert_eq!(
            (status, to.as_str()),
            (303, format!("/requests/{id}").as_str())
        );
        let path = to;
        assert_eq!(lonely.get(&path).await.0, 404);
        let (_, list) = worker.get("/requests").await;
        assert!(
            list.contains("报送&lt;b&gt;整改") && list.contains("2026-11-27"),
            "{list}"
        );
        assert!(lonely.get("/requests").await.1.contains("没有待办的事项"));
        let (_, page) = worker.get(&path).await;
        let seen = hidden(&page, "seen");
        assert!(page.contains("接收") && !page.contains("确认办结"));
        assert_eq!(
            worker
                .post(&format!("{path}/accept"), &[("seen", &seen)])
                .await
                .0,
            303
        );
        // What was looked at before is told to be old.
        let (status, page) = worker
            .post(
                &format!("{path}/decline"),
                &[("seen", &seen), ("text", "不归本室")],
            )
            .await;
        assert!(status == 422 && page.contains("有了新的进展"), "{page}");
        let seen = hidden(&page, "seen");
        let (status, page) = worker
            .answer(&id, &[("seen", &seen), ("text", "")], Some(b"%PDF 1"))
            .await;
        assert!(
            status == 422 && page.contains("请写明办理情况") && page.contains("情况.pdf"),
            "{page}"
        );
        let held = hidden(&page, "held");
        let said = [
            ("seen", seen.as_str()),
            ("text", "已经办结\n附后"),
            ("held", &held),
            ("refs", "/registers/x 台账"),
        ];
        let (status, told) = worker.answer(&id, &said, None).await;
        assert_eq!(status, 303, "{told}");
        let (_, page) = asker.get(&path).await;
        for text in [
            "已经办结",
            "附后",
            "情况.pdf",
            "href=\"/registers/x\"",
            "台账",
            "确认办结",
        ] {
            assert!(page.contains(text), "{text}");
        }
        let sha256 = commons::files::FileHash::of(b"%PDF 1");
        let file = format!("{path}/files/{sha256}");
        assert_eq!(asker.get(&file).await, (200, "%PDF 1".into()));
        assert_eq!(lonely.get(&file).await.0, 404);
        let seen = hidden(&page, "seen");
        assert_eq!(
            worker
                .post(&format!("{path}/confirm"), &[("seen", &seen)])
                .await
                .0,
            403
        );
        assert_eq!(
            asker
                .post(&format!("{path}/confirm"), &[("seen", &seen)])
                .await
                .0,
            303
        );
        let (_, list) = asker.get("/requests?tab=asked&state=confirmed").await;
        assert!(list.contains("已办结"));
        let late = asker.get("/requests?tab=asked&late=1").await.1;
        assert!(!late.contains("2026-11-27"));
        let (_, sheet) = asker.get("/requests/list.csv?tab=unit").await;
        assert!(
            sheet.contains("报送<b>整改</b>情况") && sheet.contains("已办结"),
            "{sheet}"
        );
        assert_eq!(h.audited("list.exported").await, 1);
        let found = worker.get("/search?q=%E6%95%B4%E6%94%B9").await.1;
        assert!(found.contains(&path), "{found}");
    })
    .await;
}

#[tokio::test]
async fn programs_read_and_answer_over_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: Id = h.ask(&h.task("报送整改情况")).await.unwrap();
        let [worker, lonely] = [h.worker, h.lonely].map(|who| App::of(&h, &t, who));
        let (_, list) = worker.json("GET", "/api/v1/requests", json!({})).await;
        assert_eq!((&list["total"], &list["requests"][0]["state"]), (&json!(1), &json!("asked")));
        let path = format!("/api/v1/requests/{id}");
        assert_eq!(lonely.json("GET", &path, json!({})).await.0, 404);
        let (_, one) = worker.json("GET", &path, json!({})).await;
        assert_eq!((&one["version"], &one["due"]), (&json!(1), &json!("2026-11-27")));
        let answer = format!("{path}/answer");
        let said = json!({ "version": 7, "text": "已办结" });
        assert_eq!(worker.json("POST", &answer, said).await.0, 409);
        let said = json!({ "version": 1, "text": "已办结", "refs": [{ "title": "台账", "href": "/registers/x" }] });
        assert_eq!(worker.json("POST", &answer, said).await, (200, json!({ "state": "answered" })));
        let (_, one) = worker.json("GET", &path, json!({})).await;
        assert_eq!(one["events"][1]["refs"][0]["title"], json!("台账"));
    })
    .await;
}
