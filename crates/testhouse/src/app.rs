//! The program as somebody sees it, over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt;
use kernel::Scope;
use serde_json::Value;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

use crate::{Ground, Who};

const BOUNDARY: &str = "cut";

/// Pages and API for one reader.
pub struct App(Router);

impl Ground {
    /// What every room's pages stand on: texts of engines, fields that offer units and people, drafts.
    pub fn modules(&self) -> Vec<Module> {
        let texts = [commons::MESSAGES, identity::MESSAGES, approvals::MESSAGES];
        let texts = texts.into_iter().flatten();
        let commons = Module {
            name: "commons",
            messages: texts
                .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
                .collect(),
            ..Module::default()
        };
        let (db, env) = self.place();
        vec![
            commons,
            organization::module(
                self.org.clone(),
                self.files.clone(),
                organization::Attributes::default(),
                organization::BodyKinds::default(),
            ),
            desk::module(desk::Desk::new(db, env)),
        ]
    }

    /// The program with a room, as somebody (none: a stranger) with permissions in scopes sees it.
    pub fn app(
        &self,
        room: Module,
        who: Option<Who>,
        held: impl IntoIterator<Item = (&'static str, Scope)>,
    ) -> App {
        let principal = who.map(|who| {
            let mut principal = Principal::new(who.account, "某人");
            principal.person = Some(who.person);
            let held = held.into_iter().filter(|(_, scope)| !scope.is_empty());
            held.fold(principal, |p, (permission, scope)| {
                p.with(permission, scope)
            })
        });
        let mut options = Options::new(self.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(principal.clone());
                next.run(request)
            }))
        });
        let mut modules = self.modules();
        modules.push(room);
        App(web::assemble(modules, options).expect("they fit together"))
    }

    /// What is wrong with the templates of a room, rendered in every language.
    pub fn template_problems(&self, room: Module) -> Vec<String> {
        let mut modules = self.modules();
        modules.push(room);
        web::samples::problems(modules, &self.env)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl App {
    /// One request: status, body, and where it leads.
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
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let to = response.headers().get(header::LOCATION);
        let to = to.map_or("", |to| to.to_str().expect("an address"));
        let to = to.to_owned();
        let body = response.into_body().collect().await.expect("a body");
        (status, body.to_bytes().to_vec(), to)
    }

    /// A file.
    pub async fn bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let (status, bytes, _) = self.send("GET", path, "", vec![]).await;
        (status, bytes)
    }

    /// A page.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let (status, bytes) = self.bytes(path).await;
        (status, text(&bytes))
    }

    async fn sent(&self, path: &str, kind: &str, body: Vec<u8>) -> (u16, String) {
        let (status, bytes, to) = self.send("POST", path, kind, body).await;
        (status, if to.is_empty() { text(&bytes) } else { to })
    }

    /// Sends a form; gives where it leads, or the page that refused it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let pairs = fields.iter();
        let pairs = pairs.map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        let kind = "application/x-www-form-urlencoded";
        self.sent(path, kind, body).await
    }

    /// The same in parts, with a file when there is one.
    pub async fn parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
    ) -> (u16, String) {
        let start = |rest: &str| {
            format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {rest}\r\n\r\n").into_bytes()
        };
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(start(&format!("name=\"{name}\"")));
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        if let Some((name, bytes)) = file {
            body.extend(start(&format!("name=\"file\"; filename=\"{name}\"")));
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.sent(path, &kind, body).await
    }

    /// One call of the API; `null` when the answer is no JSON.
    pub async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let sent = body.to_string().into_bytes();
        let (status, bytes, _) = self.send(method, path, "application/json", sent).await;
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }
}

/// The value of a hidden field of a page.
pub fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&mark).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}
