//! A small program to ask: one module with a route of every kind.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response as Reply;
use axum::{Form as Posted, Router};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use kernel::{Env, Error, FieldError, Msg, Scope, TestClock};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tower::ServiceExt;
use web::{
    Access, Asked, Failure, Form, Hit, Hits, Lang, MenuEntry, MenuGroup, Module, Options, Policy,
    Principal, Routes, SearchSource, SecrecyCheck, Shell, Tenant,
};

pub const HOSTILE: &str = "<script>alert(1)</script>\" onload=\"x";

#[derive(Serialize, Deserialize)]
struct Note {
    title: String,
}

async fn list(shell: Shell, access: Access) -> Result<Reply, Failure> {
    let under = matches!(access.scope, Scope::Under(roots) if roots.len() == 1);
    shell.page(
        "notes/list.html",
        json!({ "title": HOSTILE, "under": under }),
    )
}

async fn sign_in(shell: Shell) -> Result<Reply, Failure> {
    shell.page("notes/list.html", json!({ "title": "", "under": false }))
}

async fn create(shell: Shell, Posted(note): Posted<Note>) -> Result<Reply, Failure> {
    let errors = if note.title.is_empty() || note.title == HOSTILE {
        vec![FieldError {
            field: "title".to_owned(),
            message: Msg::new("notes-title-wrong").with("most", 20),
        }]
    } else {
        Vec::new()
    };
    match Error::if_any(errors) {
        Ok(()) => shell.done("/notes", "notes-saved"),
        Err(e) => {
            let form = Form::of(&note).reject(&shell, e)?;
            shell.refused("notes/form.html", json!({ "form": form }))
        }
    }
}

async fn fail(axum::extract::Path(kind): axum::extract::Path<String>) -> Result<Reply, Failure> {
    Err(match kind.as_str() {
        "401" => Error::Unauthenticated,
        "403" => Error::Forbidden,
        "404" => Error::NotFound,
        "409" => Error::Conflict(Msg::new("notes-changed").with("who", "<b>林</b>")),
        "422" => Error::field("title", Msg::new("notes-title-wrong").with("most", 20)),
        "busy" => Error::Busy { retry_after: 7 },
        "503" => Error::Unavailable(Msg::new("notes-away")),
        "500" => Error::internal("inner detail of the database"),
        _ => panic!("inner panic text"),
    }
    .into())
}

pub fn module() -> Module {
    let read = Policy::Permission("note.read");
    Module {
        name: "notes",
        routes: Routes::new()
            .get("/notes", read, list)
            .post("/notes", Policy::Permission("note.write"), create)
            .get("/mine", Policy::SignedIn, async |access: Access| {
                format!("{} {}", access.principal.name, access.scope.is_empty())
            })
            .get("/sign-in", Policy::Public, sign_in)
            .get("/open", Policy::Public, async || "open")
            .get("/fail/{kind}", Policy::Public, fail)
            .get("/api/v1/fail/{kind}", Policy::Public, fail)
            .get("/api/v1/notes", read, async || "[]"),
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 1,
            label_key: "notes-menu",
            href: "/notes",
            icon: "file-text",
            permission: Some("note.read"),
        }],
        messages: vec![
            (
                Lang::Zh,
                "notes-menu = 便笺\nnotes-saved = 便笺已保存\nnotes-changed = { $who } 刚刚修改过\nnotes-away = 存储暂不可用\n\
                 notes-title-wrong = 标题须为 1—{ $most } 字\n",
            ),
            (
                Lang::En,
                "notes-menu = Notes\nnotes-saved = Note saved\nnotes-changed = { $who } has changed it\n\
                 notes-away = Storage is away\nnotes-title-wrong = The title needs 1 to { $most } characters\n",
            ),
        ],
        templates: vec![
            (
                "notes/list.html",
                "{% extends \"layout.html\" %}{% block title %}{{ t(\"notes-menu\") }}{% endblock %}\
                 {% block main %}<h1 title=\"{{ title }}\">{{ title }}</h1>{% if under %}in one unit{% endif %}{% endblock %}",
            ),
            (
                "notes/form.html",
                "{% import \"components.html\" as ui %}{{ ui.error_summary(form) }}\
                 {{ ui.field(form, \"title\", t(\"notes-menu\"), required=true) }}",
            ),
        ],
        samples: vec![
            (
                "notes/list.html",
                json!({ "title": HOSTILE, "under": true }),
            ),
            ("notes/form.html", json!({ "form": Form::default() })),
        ],
        openapi: Some(json!({
            "paths": { "/api/v1/notes": { "get": { "responses": {} } } },
            "components": { "schemas": { "Note": { "type": "object" } } },
        })),
        search: vec![Arc::new(Notes)],
        ..Module::default()
    }
}

/// Finds fifty-five notes by their first words, those of a word that hosts use by a hostile name.
struct Notes;

impl SearchSource for Notes {
    fn code(&self) -> &'static str {
        "notes"
    }

    fn label_key(&self) -> &'static str {
        "notes-menu"
    }

    fn permission(&self) -> &'static str {
        "note.read"
    }

    fn find<'a>(
        &'a self,
        _: &'a Shell,
        scope: &'a Scope,
        asked: &'a Asked,
    ) -> BoxFuture<'a, Result<Hits, Error>> {
        assert!(!scope.is_empty());
        let titles = (0..55)
            .map(|n| format!("行政复议 {n}"))
            .chain([HOSTILE.to_owned()]);
        let found = titles
            .filter(|title| asked.words.are_in(title))
            .map(|title| Hit {
                title,
                detail: "第一处".to_owned(),
                href: "/notes".to_owned(),
            });
        let hits = Hits::cut(found.collect(), asked.limit);
        async move { Ok(hits) }.boxed()
    }
}

/// Stops at 机密 and 绝密; answers for the second cannot be kept.
struct Careful;

impl SecrecyCheck for Careful {
    fn find(&self, text: &str) -> Vec<String> {
        let words = ["机密", "绝密"].into_iter();
        words
            .filter(|w| text.contains(w))
            .map(str::to_owned)
            .collect()
    }

    fn confirmed<'a>(
        &'a self,
        access: &'a Access,
        path: &'a str,
        words: &'a [String],
    ) -> BoxFuture<'a, Result<(), Error>> {
        assert_eq!((access.principal.name.as_str(), path), ("林晓岚", "/notes"));
        let kept = if words.iter().any(|w| w == "绝密") {
            Err(Error::Forbidden)
        } else {
            Ok(())
        };
        async move { kept }.boxed()
    }
}

fn env() -> Env {
    Env::with_clock(TestClock::noon(2026, 10, 21))
}

/// The program with a principal for the header `x-test-grants: a,b`; without it nobody is signed in.
pub fn app() -> Router {
    let mut options = Options::new(env());
    options.tenant = Box::new(|| Tenant {
        name: "澜州市司法局".to_owned(),
        brand: web::Brand::Blue,
        lang: Lang::Zh,
    });
    options.auth = Box::new(|router| {
        router.layer(from_fn(|mut request: Request, next: Next| {
            let principal = request.headers().get("x-test-grants").map(|list| {
                let env = env();
                let mut principal = Principal::new(env.new_id(), "林晓岚");
                for name in list.to_str().unwrap_or_default().split(',') {
                    principal = principal.with(name, Scope::Under(vec![env.new_id()]));
                }
                principal.with("nowhere", Scope::nothing())
            });
            request.extensions_mut().insert(principal);
            next.run(request)
        }))
    });
    options.secrecy = Some(Arc::new(Careful));
    web::assemble(vec![module()], options).expect("the modules fit together")
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |v| v.to_str().expect("readable header"))
    }
}

/// Asks the program: method, path, headers as `name: value`, body of a form.
pub async fn ask(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "suneng.test");
    let own = headers.iter().any(|(name, _)| *name == "content-type");
    if method != "GET" && !own {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let response: Response<Body> = app().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
    }
}

pub async fn get(path: &str, headers: &[(&str, &str)]) -> Answer {
    ask("GET", path, headers, "").await
}
