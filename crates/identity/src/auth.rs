//! The sign-in middleware, and who acts from where.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use kernel::{Error, PersonId};
use serde_json::json;
use web::{Access, ClientAddress, Failure, Principal, Shell};

use crate::service::Holder;
use crate::{Actor, Identity};

/// Where a request must go first: to the second step, to a password of one's own. The only place that asks:
/// whatever must not be interrupted by a password that grows too old is let through here.
fn held_up(holder: Option<&Holder>, path: &str) -> Option<&'static str> {
    holder.and_then(|holder| holder.detour(path))
}

impl Identity {
    /// Wraps a router so that every request carries `Option<Principal>`: for `web::Options::auth`.
    pub fn layer(self) -> Box<dyn FnOnce(Router) -> Router> {
        Box::new(|router| router.layer(from_fn_with_state(self, authenticate)))
    }

    /// Name of the session's cookie. Over HTTPS it has the prefix that keeps other hosts of the same
    /// domain from setting it.
    pub fn cookie_name(&self) -> &'static str {
        if self.settings.secure {
            "__Host-suneng_session"
        } else {
            "suneng_session"
        }
    }

    /// The token of the session that a request brings, in a cookie or in a header; a client's request has none,
    /// whatever its cookies.
    pub(crate) fn token(&self, headers: &HeaderMap) -> Option<String> {
        if headers.contains_key(header::AUTHORIZATION) {
            return bearer(headers)?.strip_prefix(SESSION).map(str::to_owned);
        }
        let token = web::cookie(headers, self.cookie_name())?;
        (!token.is_empty()).then(|| token.to_owned())
    }

    /// The person whose session a request brings as a header; for routes that no session is looked up for.
    ///
    /// # Errors
    /// What the database says.
    pub async fn bearing(&self, headers: &HeaderMap) -> Result<Option<PersonId>, Error> {
        let Some(token) = bearer(headers).and_then(|token| token.strip_prefix(SESSION)) else {
            return Ok(None);
        };
        let holder = self.holder(token).await?;
        let free = holder.filter(|h| held_up(Some(h), "/").is_none());
        Ok(free.and_then(|holder| holder.principal.person))
    }

    pub(crate) fn set_token(&self, shell: &Shell, response: &mut Response, token: &str) {
        let seconds = u32::try_from(self.settings.absolute_seconds).unwrap_or(u32::MAX);
        shell.set_cookie(response, self.cookie_name(), token, seconds);
    }

    pub(crate) fn clear_token(&self, shell: &Shell, response: &mut Response) {
        shell.set_cookie(response, self.cookie_name(), "", 0);
    }
}

/// What the token of a session begins with where it is sent as a header, so that it is no client's.
pub(crate) const SESSION: &str = "session.";

/// The token of a client (`Authorization: Bearer`).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The reader's network address, as far as it is known.
fn address(extensions: &Extensions) -> String {
    let told = extensions.get::<ClientAddress>();
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    told.map(|told| told.0.clone())
        .or_else(|| peer.map(|peer| peer.0.ip().to_string()))
        .unwrap_or_default()
}

/// The answer to a token that does not hold.
fn refused(request: &Request) -> Response {
    let shell = request.extensions().get::<Shell>();
    let detail = shell.map(|shell| shell.t("identity-token-refused"));
    let problem = json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "detail": detail,
    });
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
    ];
    (StatusCode::UNAUTHORIZED, headers, problem.to_string()).into_response()
}

async fn authenticate(
    State(identity): State<Identity>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(token) = bearer(request.headers()) {
        let address = address(request.extensions());
        let found = match token.strip_prefix(SESSION) {
            Some(session) => match identity.holder(session).await {
                Ok(holder) if held_up(holder.as_ref(), request.uri().path()).is_some() => {
                    return Failure::from(Error::Forbidden).into_response();
                }
                found => found.map(|holder| holder.map(|h| h.principal)),
            },
            None => identity.bearer(token, &address).await,
        };
        let principal = match found {
            Ok(Some(principal)) => principal,
            // Whoever brings a token means it: never on as a stranger, never to the sign-in page.
            Ok(None) => return refused(&request),
            Err(e) => return Failure::from(e).into_response(),
        };
        request.extensions_mut().insert(Some(principal));
        return next.run(request).await;
    }
    let holder = match identity.token(request.headers()) {
        None => None,
        // A database that is away must not look like a session that has ended.
        Some(token) => match identity.holder(&token).await {
            Ok(holder) => holder,
            Err(e) => return Failure::from(e).into_response(),
        },
    };
    let path = request.uri().path();
    if let Some(first) = held_up(holder.as_ref(), path) {
        if path.starts_with("/api/") {
            return Failure::from(Error::Forbidden).into_response();
        }
        if let Some(shell) = request.extensions().get::<Shell>() {
            let wanted = request.uri().path_and_query().map_or(path, |p| p.as_str());
            let to = match *request.method() {
                Method::GET => format!("{first}?next={}", web::encode(wanted)),
                _ => first.to_owned(),
            };
            let to = if first == "/sign-in/second" {
                &*to
            } else {
                first
            };
            return shell.redirect(to).into_response();
        }
    }
    request.extensions_mut().insert(holder.map(|h| h.principal));
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let principal = parts.extensions.get::<Option<Principal>>();
        let access = parts.extensions.get::<Access>();
        Ok(Self {
            on_behalf: access.and_then(|access| access.on_behalf),
            account: principal.and_then(Option::as_ref).map(|p| p.account),
            address: address(&parts.extensions),
        })
    }
}
