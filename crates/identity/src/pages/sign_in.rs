//! Sign in, sign out.

use axum::Form as Posted;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use kernel::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::{Failure, Form, Shell, safe_next};

use crate::{Actor, Identity, SignIn};

const TEMPLATE: &str = "identity/sign_in.html";

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

pub(crate) async fn show(shell: Shell, Query(query): Query<Next>) -> Result<Response, Failure> {
    let next = safe_next(query.next.as_deref());
    if shell.principal().is_some() {
        return shell.redirect(next);
    }
    let form = Form::default().with("next", next);
    shell.page(TEMPLATE, json!({ "form": form }))
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
            shell.refused(TEMPLATE, json!({ "form": form }))
        }
    }
}

pub(crate) async fn sign_out(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if let Some(token) = identity.token(&headers) {
        identity.sign_out(&token, &actor.address).await?;
    }
    let mut response = shell.done("/sign-in", "identity-signed-out")?;
    identity.clear_token(&shell, &mut response);
    Ok(response)
}
