//! The second factor: enrolled under my account, asked for at sign-in, reset by the security administrator.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kernel::Error;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell, safe_next};

use super::{accounts, crumb};
use crate::{Actor, Enrolment, Identity};

const STEP: &str = "identity/second_step.html";
const OWN: &str = "identity/second.html";
const ENROL: &str = "identity/second_enrol.html";

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

pub(crate) async fn step(shell: Shell, Query(query): Query<Next>) -> Result<Response, Failure> {
    let form = Form::default().with("next", safe_next(query.next.as_deref()));
    shell.page(STEP, json!({ "form": form }))
}

#[derive(Deserialize)]
pub(crate) struct StepInput {
    code: String,
    next: Option<String>,
}

pub(crate) async fn pass(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
    Posted(input): Posted<StepInput>,
) -> Result<Response, Failure> {
    let next = safe_next(input.next.as_deref());
    let token = identity.token(&headers).unwrap_or_default();
    match identity
        .second_step(&token, &input.code, &actor.address)
        .await
    {
        Ok(()) => shell.redirect(next),
        // Passed before, in another tab.
        Err(Error::Unauthenticated) => shell.redirect(next),
        Err(e) => {
            let form = Form::default().with("next", next).reject(&shell, e)?;
            shell.refused(STEP, json!({ "form": form }))
        }
    }
}

async fn own_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    form: Form,
) -> Result<Value, Failure> {
    let second = identity.second(access.principal.account).await?;
    Ok(json!({
        "crumbs": [crumb(shell, "account", "/account")],
        "since": second.map(|(since, _)| since.0),
        "left": second.map(|(_, left)| left),
        "possible": identity.vault.is_some(),
        "demanded": identity.settings.duty_second,
        "form": form,
    }))
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = own_context(&identity, &shell, &access, Form::default()).await?;
    shell.page(OWN, context)
}

#[derive(Deserialize)]
pub(crate) struct Begin {
    current: String,
}

pub(crate) async fn begin(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(input): Posted<Begin>,
) -> Result<Response, Failure> {
    match identity.begin_second(&actor, &input.current).await {
        Ok(enrolment) => {
            let context = enrol_context(&shell, &enrolment, Form::default())?;
            shell.page(ENROL, context)
        }
        Err(e) => {
            let form = Form::default().reject(&shell, e)?;
            let context = own_context(&identity, &shell, &access, form).await?;
            shell.refused(OWN, context)
        }
    }
}

fn enrol_context(shell: &Shell, enrolment: &Enrolment, form: Form) -> Result<Value, Failure> {
    let picture = web::qr(&enrolment.url, 200)?;
    let groups: Vec<String> = enrolment
        .secret
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    Ok(json!({
        "crumbs": [crumb(shell, "account", "/account")],
        "picture": picture,
        "secret": groups.join(" "),
        "form": form,
    }))
}

#[derive(Deserialize)]
pub(crate) struct Confirm {
    code: String,
}

pub(crate) async fn confirm(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Posted(input): Posted<Confirm>,
) -> Result<Response, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    match identity.confirm_second(&actor, &input.code, &token).await {
        Ok(codes) => recovery(&shell, &codes),
        Err(e) => {
            let form = Form::default().reject(&shell, e)?;
            let again = identity.begun_second(access.principal.account).await?;
            shell.refused(ENROL, enrol_context(&shell, &again, form)?)
        }
    }
}

/// The codes, shown this once.
fn recovery(shell: &Shell, codes: &[String]) -> Result<Response, Failure> {
    let crumbs = [crumb(shell, "account", "/account")];
    let context = json!({ "crumbs": crumbs, "codes": codes });
    shell.page("identity/recovery.html", context)
}

pub(crate) async fn renew(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(input): Posted<Begin>,
) -> Result<Response, Failure> {
    match identity.renew_recovery(&actor, &input.current).await {
        Ok(codes) => recovery(&shell, &codes),
        Err(e) => {
            let form = Form::default().reject(&shell, e)?;
            let context = own_context(&identity, &shell, &access, form).await?;
            shell.refused(OWN, context)
        }
    }
}

pub(crate) async fn reset(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let account = accounts::account_id(&id)?;
    let done = identity.reset_second(&actor, account, &access.scope);
    done.await?;
    shell.done(&format!("/accounts/{id}"), "identity-second-removed")
}
