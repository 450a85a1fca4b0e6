//! The secrecy check (保密提醒): before a form or a request of a program is taken, its texts are looked through
//! for words that call for care. Whoever sends it is asked once and answers for it; the answer is traced. State
//! secrets may not be kept in a system on an open network (保守国家秘密法).

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use kernel::{Error, Msg, Result};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Access, Failure, Shell};

/// What knows the words, and where it is kept that somebody answered for them.
pub trait SecrecyCheck: Send + Sync {
    /// The words that stand in a text, each once.
    fn find(&self, text: &str) -> Vec<String>;

    /// Keeps that somebody said: these words are no secret here.
    fn confirmed<'a>(
        &'a self,
        access: &'a Access,
        path: &'a str,
        words: &'a [String],
    ) -> BoxFuture<'a, Result<()>>;
}

/// Field of a form by which its sender answers for words.
const FIELD: &str = "secrecy-confirmed";
/// The same for programs.
const HEADER: &str = "x-secrecy-confirmed";

/// What the sender of a form answered for, whether or not its own texts asked for that.
#[derive(Clone)]
struct Said(String);

/// Extractor: asks about what is no text of the form itself, such as the contents of a file or a report that it
/// makes. A handler looks through it with [`Secrecy::look`], then [asks](Secrecy::ask) or [keeps the answer](Secrecy::keep).
#[derive(Clone)]
pub struct Secrecy {
    words: Option<Arc<dyn SecrecyCheck>>,
    said: String,
    shell: Shell,
    access: Access,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Secrecy {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let shell = Shell::from_request_parts(parts, state).await?;
        let said = parts.extensions.get::<Said>();
        Ok(Self {
            words: shell.app().secrecy.clone(),
            said: said.map_or_else(String::new, |said| said.0.clone()),
            access: Access::from_request_parts(parts, state).await?,
            path: parts.uri.path().to_owned(),
            shell,
        })
    }
}

impl Secrecy {
    /// The field of a form in parts by which its sender answers; that of another form is taken by the check itself.
    pub const FIELD: &str = FIELD;

    /// Takes an answer from a form in parts.
    pub fn said(&mut self, answer: String) {
        self.said = answer;
    }

    /// Adds the words that stand in a text to those found before.
    pub fn look(&self, text: &str, found: &mut Vec<String>) {
        for word in self.words.iter().flat_map(|words| words.find(text)) {
            if !found.contains(&word) {
                found.push(word);
            }
        }
    }

    /// Whether somebody has to answer for these words still.
    pub fn asks(&self, found: &[String]) -> bool {
        !answers(Some(&self.said), found)
    }

    /// The page that asks; it sends these fields again, in parts where the form was.
    ///
    /// # Errors
    /// When the page cannot be made.
    pub fn ask(
        &self,
        found: &[String],
        pairs: &[(String, String)],
        in_parts: bool,
    ) -> Result<Response, Failure> {
        // What was answered for before stays so.
        let mut all: Vec<String> = self.said.split('、').map(str::to_owned).collect();
        all.retain(|word| !word.is_empty() && !found.contains(word));
        all.extend_from_slice(found);
        let mut context = context(&self.path, pairs, &all);
        context["in_parts"] = json!(in_parts);
        self.shell.refused("secrecy.html", context)
    }

    /// Keeps that somebody answered for these words; nothing when there are none.
    ///
    /// # Errors
    /// When the answer cannot be kept: nothing may be done then.
    pub async fn keep(&self, found: &[String]) -> Result<()> {
        match &self.words {
            Some(words) if !found.is_empty() => {
                words.confirmed(&self.access, &self.path, found).await
            }
            _ => Ok(()),
        }
    }
}

/// The request, if its texts need no answer or have one; otherwise the page that asks.
pub(crate) async fn check(access: &Access, request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let shell = parts.extensions.get::<Shell>().cloned();
    let kind = Kind::of(&parts.method, &parts.headers);
    let (Some(shell), Some(kind)) = (shell, kind) else {
        return Ok(Request::from_parts(parts, body));
    };
    let Some(words) = shell.app().secrecy.clone() else {
        return Ok(Request::from_parts(parts, body));
    };
    let bytes = to_bytes(body, shell.app().body_limit).await;
    let bytes = bytes.map_err(|_| Failure::http(StatusCode::PAYLOAD_TOO_LARGE).into_response())?;
    let (bytes, found) = match kind {
        Kind::Form => {
            let mut pairs: Vec<(String, String)> =
                form_urlencoded::parse(&bytes).into_owned().collect();
            let said = pairs
                .iter()
                .find(|(n, _)| n == FIELD)
                .map(|(_, v)| v.clone());
            let found = found(
                &*words,
                pairs
                    .iter()
                    .filter(|(n, _)| n != FIELD)
                    .map(|(_, v)| v.as_str()),
            );
            if found.is_empty() && said.is_none() {
                (bytes, found)
            } else if !answers(said.as_deref(), &found) {
                pairs.retain(|(n, _)| n != FIELD);
                return Err(ask(&shell, parts.uri.path(), &pairs, &found));
            } else {
                // What follows sees the form as it was.
                let mut rest = form_urlencoded::Serializer::new(String::new());
                rest.extend_pairs(pairs.iter().filter(|(n, _)| n != FIELD));
                if let Some(said) = said {
                    parts.extensions.insert(Said(said));
                }
                (Bytes::from(rest.finish()), found)
            }
        }
        Kind::Json => {
            let found = in_json(&*words, &bytes);
            let said = parts.headers.get(HEADER).and_then(|v| v.to_str().ok());
            // A header holds no Chinese: programs say yes.
            if !found.is_empty() && said != Some("yes") {
                let msg = Msg::new("secrecy-api").with("words", found.join("、"));
                return Err(Failure::from(Error::field("secrecy", msg)).into_response());
            }
            (bytes, found)
        }
    };
    if !found.is_empty() {
        let kept = words.confirmed(access, parts.uri.path(), &found).await;
        kept.map_err(|e| Failure::from(e).into_response())?;
    }
    let mut request = Request::from_parts(parts, Body::empty());
    let length = bytes.len().into();
    request.headers_mut().insert(header::CONTENT_LENGTH, length);
    *request.body_mut() = Body::from(bytes);
    Ok(request)
}

enum Kind {
    Form,
    Json,
}

impl Kind {
    fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        if ![Method::POST, Method::PUT, Method::PATCH].contains(method) {
            return None;
        }
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        if kind.starts_with("application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else if kind.contains("json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

fn found<'t>(words: &dyn SecrecyCheck, texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut all = Vec::new();
    for word in texts.flat_map(|text| words.find(text)) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

/// Texts of a JSON body; one that cannot be read is refused by whoever wants to read it.
fn in_json(words: &dyn SecrecyCheck, bytes: &[u8]) -> Vec<String> {
    // Most requests of machines hold no Chinese at all.
    if bytes.is_ascii() && !bytes.windows(2).any(|w| w == b"\\u") {
        return Vec::new();
    }
    let Ok(whole) = serde_json::from_slice::<Value>(bytes) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    let mut left = vec![&whole];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => texts.push(text.as_str()),
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.values()),
            _ => {}
        }
    }
    found(words, texts.into_iter())
}

/// Whether the sender answered for each of the words that stand there now.
fn answers(said: Option<&str>, found: &[String]) -> bool {
    let said: Vec<&str> = said.unwrap_or_default().split('、').collect();
    found.iter().all(|word| said.contains(&word.as_str()))
}

/// The page that names the words and sends the same form again with the answer.
fn ask(shell: &Shell, path: &str, pairs: &[(String, String)], found: &[String]) -> Response {
    let context = context(path, pairs, found);
    shell
        .refused("secrecy.html", context)
        .unwrap_or_else(IntoResponse::into_response)
}

fn context(path: &str, pairs: &[(String, String)], found: &[String]) -> Value {
    json!({ "action": path, "pairs": pairs, "words": found.join("、"), "field": FIELD, "in_parts": false })
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let pairs = [("title".to_owned(), "机密".to_owned())];
    vec![(
        "secrecy.html",
        context("/activities", &pairs, &["机密".to_owned()]),
    )]
}
