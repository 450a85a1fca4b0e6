//! Activation codes: issued on slips, used on a public page.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kernel::{Error, Msg};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use super::{account, accounts, crumb};
use crate::{Activation, Actor, Identity, MANAGE, Slip};

const TEMPLATE: &str = "identity/activate.html";
const SLIPS: &str = "identity/slips.html";
const BATCH: &str = "identity/codes.html";

#[derive(Deserialize)]
pub(crate) struct Who {
    #[serde(default)]
    who: String,
}

fn context(identity: &Identity, form: &Form) -> Value {
    json!({ "form": form, "rule": account::rule(&identity.settings) })
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    Query(query): Query<Who>,
) -> Result<Response, Failure> {
    let form = Form::default().with("who", query.who);
    shell.page(TEMPLATE, context(&identity, &form))
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Input {
    who: String,
    code: String,
    #[serde(skip_serializing)]
    new: String,
    #[serde(skip_serializing)]
    again: String,
}

pub(crate) async fn activate(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    Posted(input): Posted<Input>,
) -> Result<Response, Failure> {
    let done = if input.new == input.again {
        let attempt = Activation {
            who: input.who.clone(),
            code: input.code.clone(),
            password: input.new.clone(),
            address: actor.address,
        };
        identity.activate(&attempt).await
    } else {
        Err(Error::field("again", Msg::new("identity-password-differs")))
    };
    match done {
        Ok(()) => shell.done("/sign-in", "identity-activated"),
        Err(e) => {
            let form = Form::of(&input).reject(&shell, e)?;
            shell.refused(TEMPLATE, context(&identity, &form))
        }
    }
}

/// The one time that codes are shown, ready to be printed and cut.
fn slips(shell: &Shell, slips: &[Slip], left: &[String]) -> Result<Response, Failure> {
    let slip = |s: &Slip| {
        json!({
            "login": s.login, "staff_no": s.staff_no, "name": s.name, "unit": s.unit, "code": s.code,
            "until": s.until.0,
        })
    };
    let context = json!({
        "crumbs": [crumb(shell, "identity-accounts", "/accounts")],
        "slips": slips.iter().map(slip).collect::<Vec<Value>>(),
        "left": left.join("、"),
        "back": match slips {
            [one] => format!("/accounts/{}", one.account),
            _ => "/accounts".to_owned(),
        },
    });
    shell.page(SLIPS, context)
}

pub(crate) async fn issue(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = accounts::account_id(&id)?;
    let slip = identity.issue_code(&actor, id, &access.scope).await?;
    slips(&shell, &[slip], &[])
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Batch {
    unit: String,
    #[serde(default)]
    all: String,
    #[serde(default)]
    open: String,
}

async fn batch_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    form: Form,
) -> Result<Value, Failure> {
    Ok(json!({
        "crumbs": [crumb(shell, "identity-accounts", "/accounts")],
        "days": identity.settings.code_days,
        "may_open": access.principal.scope(MANAGE).is_some(),
        "form": form,
    }))
}

pub(crate) async fn batch(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = batch_context(&identity, &shell, &access, Form::default()).await?;
    shell.page(BATCH, context)
}

pub(crate) async fn issue_batch(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(input): Posted<Batch>,
) -> Result<Response, Failure> {
    let issued = match identity.unit_typed(&input.unit, &access.scope).await? {
        Some(unit) => {
            let all = !input.all.is_empty();
            let opened = match access.principal.scope(MANAGE) {
                Some(scope) if !input.open.is_empty() => {
                    identity.open_accounts(&actor, unit, scope).await
                }
                _ => Ok((0, Vec::new())),
            };
            match opened {
                Ok((_, left)) => identity
                    .issue_codes(&actor, unit, all, &access.scope)
                    .await
                    .map(|issued| (issued, left)),
                Err(e) => Err(e),
            }
        }
        None => Err(Error::field("unit", Msg::new("identity-unit-unknown"))),
    };
    match issued {
        Ok((issued, left)) => slips(&shell, &issued, &left),
        Err(e) => {
            let form = Form::of(&input).reject(&shell, e)?;
            let context = batch_context(&identity, &shell, &access, form).await?;
            shell.refused(BATCH, context)
        }
    }
}
