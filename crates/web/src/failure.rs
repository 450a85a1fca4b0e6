//! Failures (失败): what a handler returns instead of a page. Rendered late, in the reader's language:
//! a whole page with a way out, or an RFC 9457 problem for the API.

use std::any::Any;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{Error, FieldError, Msg};
use serde::Serialize;
use serde_json::json;

use crate::Shell;

/// Why a request did not get what it asked for.
#[derive(Debug, Clone)]
pub struct Failure(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Error(Error),
    /// A form posted from another site.
    CrossSite,
    /// Asked too often; try again after so many seconds.
    TooMany(u32),
    /// Anything the HTTP layer refuses by itself: wrong method, too large, unreadable.
    Http(StatusCode),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(Arc::new(Kind::Error(error)))
    }
}

impl Failure {
    pub(crate) fn cross_site() -> Self {
        Self(Arc::new(Kind::CrossSite))
    }

    /// Too many requests from one place; the reader may try again after so many seconds.
    pub fn too_many(retry_after: u32) -> Self {
        Self(Arc::new(Kind::TooMany(retry_after)))
    }

    pub(crate) fn http(status: StatusCode) -> Self {
        Self(Arc::new(Kind::Http(status)))
    }

    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("unknown");
        Error::internal(format_args!("panic: {text}")).into()
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match &*self.0 {
            Kind::CrossSite => StatusCode::FORBIDDEN,
            Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::Http(status) => *status,
            Kind::Error(error) => match error {
                Error::Unauthenticated => StatusCode::UNAUTHORIZED,
                Error::Forbidden => StatusCode::FORBIDDEN,
                Error::NotFound => StatusCode::NOT_FOUND,
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::Conflict(_) => StatusCode::CONFLICT,
                Error::Busy { .. } | Error::Unavailable(_) | Error::Retry(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match &*self.0 {
            Kind::Error(Error::Busy { retry_after }) | Kind::TooMany(retry_after) => {
                Some(*retry_after)
            }
            Kind::Error(Error::Unavailable(_)) => Some(30),
            Kind::Error(Error::Retry(_)) => Some(1),
            _ => None,
        }
    }

    /// Stem of the message keys: `error-<stem>-title` and `error-<stem>-text`.
    fn stem(&self) -> &'static str {
        match &*self.0 {
            Kind::CrossSite => "cross-site",
            Kind::TooMany(_) => "too-many",
            Kind::Http(StatusCode::METHOD_NOT_ALLOWED) => "method",
            Kind::Http(StatusCode::PAYLOAD_TOO_LARGE) => "too-large",
            Kind::Http(StatusCode::NOT_FOUND) => "not-found",
            Kind::Http(status) if status.is_server_error() => "internal",
            Kind::Http(_) => "unreadable",
            Kind::Error(error) => match error {
                Error::Unauthenticated => "unauthenticated",
                Error::Forbidden => "forbidden",
                Error::NotFound => "not-found",
                Error::Invalid(_) => "invalid",
                Error::Conflict(_) => "conflict",
                Error::Busy { .. } | Error::Retry(_) => "busy",
                Error::Unavailable(_) => "unavailable",
                Error::Internal(_) => "internal",
            },
        }
    }

    fn said(&self) -> Option<&Msg> {
        match &*self.0 {
            Kind::Error(Error::Conflict(msg) | Error::Unavailable(msg)) => Some(msg),
            _ => None,
        }
    }

    fn fields(&self) -> &[FieldError] {
        match &*self.0 {
            Kind::Error(Error::Invalid(fields)) => fields,
            _ => &[],
        }
    }

    /// The response in the reader's language.
    pub(crate) fn render(&self, shell: &Shell) -> Response {
        let status = self.status();
        if status == StatusCode::UNAUTHORIZED
            && let Some(redirect) = shell.to_sign_in()
        {
            return redirect;
        }
        let number = (status == StatusCode::INTERNAL_SERVER_ERROR).then(|| {
            let number = hex::encode_upper(shell.env().random::<4>());
            tracing::error!(number, cause = ?self.0, path = shell.path(), "request failed");
            number
        });
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(cause = ?self.0, path = shell.path(), "request turned away");
        }
        let seconds = self.retry_after();
        let text_key = format!("error-{}-text", self.stem());
        let page = ErrorPage {
            status: status.as_u16(),
            title: shell.t(&format!("error-{}-title", self.stem())),
            text: match (self.said(), seconds) {
                (Some(msg), _) => shell.text(msg),
                (None, Some(s)) => shell.t_with(&text_key, &[("seconds", &s.to_string())]),
                (None, None) => shell.t(&text_key),
            },
            fields: self
                .fields()
                .iter()
                .map(|f| (f.field.clone(), shell.text(&f.message)))
                .collect(),
            reason: self.said().map(|msg| msg.key),
            number,
            sign_in: (status == StatusCode::UNAUTHORIZED).then(|| shell.sign_in_url()),
        };
        let mut response = if shell.is_api() {
            page.problem(shell)
        } else {
            page.html(shell)
        };
        *response.status_mut() = status;
        if shell.is_htmx() {
            // A whole page takes the place of the whole page, whatever part was asked for.
            response
                .headers_mut()
                .insert("hx-retarget", HeaderValue::from_static("body"));
        }
        if let Some(seconds) = seconds {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Context of `error.html`.
#[derive(Debug, Serialize)]
struct ErrorPage {
    status: u16,
    title: String,
    text: String,
    /// Field and what is wrong with it.
    fields: Vec<(String, String)>,
    /// Which message it is, for programs.
    #[serde(skip)]
    reason: Option<&'static str>,
    /// Number to tell the administrator; the log has it too.
    number: Option<String>,
    sign_in: Option<String>,
}

impl ErrorPage {
    fn html(&self, shell: &Shell) -> Response {
        shell.page("error.html", self).unwrap_or_else(|failure| {
            tracing::error!(?failure, "the error page itself cannot be rendered");
            format!("{} {}", self.status, self.title).into_response()
        })
    }

    fn problem(&self, shell: &Shell) -> Response {
        let mut problem = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.text,
            "instance": shell.path(),
        });
        if !self.fields.is_empty() {
            let errors = self.fields.iter();
            problem["errors"] = errors
                .map(|(field, detail)| json!({"field": field, "detail": detail}))
                .collect();
        }
        if let Some(reason) = self.reason {
            problem["reason"] = json!(reason);
        }
        if let Some(number) = &self.number {
            problem["number"] = json!(number);
        }
        let kind = HeaderValue::from_static("application/problem+json");
        (
            [(header::CONTENT_TYPE, kind)],
            Body::from(problem.to_string()),
        )
            .into_response()
    }
}

impl IntoResponse for Failure {
    /// The bare status; the shell's outer layer finds the failure in it and renders it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
