//! Sign in, sign out.

use axum::Form as Posted;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use kernel::{Error, Msg, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::{Failure, Form, Shell, safe_next};

use crate::oidc::Returned;
use crate::service::hash_of;
use crate::{Actor, Door, Identity, SignIn};

const TEMPLATE: &str = "identity/sign_in.html";

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
    /// Somebody who came by the provider has just left.
    left: Option<String>,
    /// Why somebody came back from the provider without a session.
    oidc: Option<String>,
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response, Failure> {
    let next = safe_next(query.next.as_deref());
    let word = query.oidc.as_deref();
    let reason = REASONS.iter().find(|(w, _)| Some(*w) == word);
    if shell.principal().is_some() && reason.is_none() {
        return shell.redirect(next);
    }
    let mut form = Form::default().with("next", next);
    if let Some((_, key)) = reason {
        form = form.reject(&shell, Error::field("login", Msg::new(key)))?;
    }
    let mut context = context(&identity, &form, next);
    if query.left.is_some()
        && let Some(oidc) = &identity.oidc
    {
        let back = format!("{}/sign-in", identity.settings.own_url(&headers));
        context["leave"] = json!(oidc.leave_url(&back).await);
    }
    shell.page(TEMPLATE, context)
}

/// What the page shows.
fn context(identity: &Identity, form: &Form, next: &str) -> serde_json::Value {
    let oidc = identity.oidc.as_ref();
    let href = format!("/sign-in/oidc?next={}", web::encode(next));
    json!({
        "form": form,
        "oidc": oidc.map(|oidc| json!({ "name": oidc.settings.name, "href": href })),
        "leave": null,
    })
}

#[derive(Deserialize)]
pub(crate) struct Returning {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

/// Name of the cookie that binds a sign-in at a provider to the browser.
const COOKIE: &str = "suneng_oidc";

/// Why somebody came back from the provider without a session, by its word in the address.
const REASONS: [(&str, &str); 5] = [
    ("away", "identity-oidc-away"),
    ("stale", "identity-oidc-stale"),
    ("denied", "identity-oidc-denied"),
    ("refused", "identity-oidc-refused"),
    ("unknown", "identity-oidc-unknown"),
];

/// Back to the sign-in page with the reason: what the provider sent stays in no address.
fn turned_away(shell: &Shell, next: &str, error: Error) -> Result<Response, Failure> {
    let key = match &error {
        Error::Invalid(errors) => errors.first().map(|e| e.message.key),
        _ => None,
    };
    match REASONS.iter().find(|(_, k)| Some(*k) == key) {
        Some((word, _)) => {
            shell.redirect(&format!("/sign-in?oidc={word}&next={}", web::encode(next)))
        }
        None => Err(error.into()),
    }
}

pub(crate) async fn to_provider(
    State(identity): State<Identity>,
    shell: Shell,
    headers: HeaderMap,
    Query(query): Query<Next>,
) -> Result<Response, Failure> {
    let next = safe_next(query.next.as_deref());
    match identity.begin_oidc(next, &headers).await {
        Ok((url, browser)) => {
            let mut response = Redirect::to(&url).into_response();
            let seconds = u32::try_from(crate::oidc::MOST_SECONDS).unwrap_or(0);
            shell.set_cookie(&mut response, COOKIE, &browser, seconds);
            Ok(response)
        }
        Err(e) => turned_away(&shell, next, e),
    }
}

pub(crate) async fn from_provider(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
    Query(query): Query<Returning>,
) -> Result<Response, Failure> {
    let returned = Returned {
        state: query.state,
        code: query.code,
        error: query.error,
        browser: web::cookie(&headers, COOKIE).unwrap_or_default().to_owned(),
    };
    let attempt = attempt(&identity, actor, &headers, String::new(), String::new());
    match identity.finish_oidc(&returned, &attempt, &headers).await {
        Ok((token, next)) => {
            let mut response = shell.redirect(safe_next(Some(&next)))?;
            identity.set_token(&shell, &mut response, &token);
            shell.set_cookie(&mut response, COOKIE, "", 0);
            Ok(response)
        }
        Err(e) => turned_away(&shell, "/", e),
    }
}

#[derive(Deserialize)]
pub(crate) struct Input {
    login: String,
    password: String,
    next: Option<String>,
}

#[derive(Serialize)]
struct Typed<'i> {
    login: &'i str,
    next: &'i str,
}

/// The attempt that a request makes; shared with the API.
pub(crate) fn attempt(
    identity: &Identity,
    actor: Actor,
    headers: &HeaderMap,
    login: String,
    password: String,
) -> SignIn {
    let agent = headers.get(header::USER_AGENT);
    SignIn {
        login,
        password,
        address: actor.address,
        agent: agent
            .and_then(|a| a.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        replaces: identity.token(headers),
    }
}

pub(crate) async fn submit(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
    Posted(input): Posted<Input>,
) -> Result<Response, Failure> {
    let next = safe_next(input.next.as_deref());
    let attempt = attempt(
        &identity,
        actor,
        &headers,
        input.login.clone(),
        input.password,
    );
    match identity.sign_in(attempt).await {
        Ok(token) => {
            let mut response = shell.redirect(next)?;
            identity.set_token(&shell, &mut response, &token);
            Ok(response)
        }
        Err(e) => {
            let typed = Typed {
                login: &input.login,
                next,
            };
            let form = Form::of(&typed).reject(&shell, e)?;
            shell.refused(TEMPLATE, context(&identity, &form, next))
        }
    }
}

pub(crate) async fn sign_out(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let mut to = "/sign-in";
    if let Some(token) = identity.token(&headers) {
        let known = identity.lookup(false, &hash_of(&token)).await?;
        if known.is_some_and(|known| known.door == Door::Oidc) {
            to = "/sign-in?left=oidc";
        }
        identity.sign_out(&token, &actor.address).await?;
    }
    let mut response = shell.done(to, "identity-signed-out")?;
    identity.clear_token(&shell, &mut response);
    Ok(response)
}
