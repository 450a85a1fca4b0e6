//! Delegations: given and received under my account, overseen by those who grant roles.

use std::collections::BTreeMap;

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::ToSpan;
use kernel::{AccountId, Error, FieldError, Id, Msg, Scope, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Shell};

use super::clients::permission_name;
use super::crumb;
use crate::{Actor, Delegation, Identity, NewDelegation};

const NEW: &str = "identity/delegation_new.html";
const LIST: &str = "identity/delegations.html";
/// Days that a delegation lasts when nothing else is asked for.
const DAYS: i64 = 7;

impl Identity {
    fn delegation_view(&self, shell: &Shell, d: &Delegation, me: Option<AccountId>) -> Value {
        let today = self.env.today();
        let (key, tone) = if d.ended_at.is_some() {
            ("identity-delegation-ended", Tone::Plain)
        } else if d.holds(today) {
            ("identity-grant-holds", Tone::Ok)
        } else if d.from > today {
            ("identity-grant-later", Tone::Brand)
        } else {
            ("identity-grant-over", Tone::Plain)
        };
        let state = Tag {
            text: shell.t(key),
            tone,
            icon: None,
        };
        let mut what: Vec<String> = d
            .permissions
            .iter()
            .map(|p| permission_name(shell, p))
            .collect();
        if d.decides {
            what.push(shell.t("identity-delegation-decides"));
        }
        json!({
            "id": d.id, "giver": d.giver_name, "taker": d.taker_name, "received": me == Some(d.taker),
            "unit": d.unit_name, "what": what, "reason": d.reason,
            "from": kernel::format_date(d.from), "to": kernel::format_date(d.to), "state": state,
            "open": d.ended_at.is_none() && d.to >= today,
            "usable": me == Some(d.taker) && d.holds(today) && !d.permissions.is_empty(),
        })
    }

    /// What an account gave and received, for its page.
    pub(crate) async fn delegation_views(
        &self,
        shell: &Shell,
        account: AccountId,
    ) -> kernel::Result<Vec<Value>> {
        let found = self.delegations_of(account).await?;
        let view = |d| self.delegation_view(shell, d, Some(account));
        Ok(found.iter().map(view).collect())
    }
}

async fn new_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    form: Form,
) -> Result<Value, Failure> {
    let held = identity.lendable(access.principal.account).await?;
    let units: Vec<UnitId> = held.iter().flat_map(|(_, units)| units.clone()).collect();
    let permissions = held
        .iter()
        .map(|(p, _)| (format!("p:{p}"), permission_name(shell, p)));
    Ok(json!({
        "crumbs": [crumb(shell, "identity-own", "/account")],
        "units": identity.unit_choices(&Scope::Under(units)).await?,
        "permissions": permissions.collect::<Vec<_>>(),
        "most": identity.settings.delegation_days,
        "form": form,
    }))
}

pub(crate) async fn new(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let today = identity.env.today();
    let last = today.saturating_add((DAYS - 1).days());
    let form = Form::default()
        .with("from", kernel::format_date(today))
        .with("to", kernel::format_date(last));
    let context = new_context(&identity, &shell, &access, form).await?;
    shell.page(NEW, context)
}

/// What was typed: fields, and a `p:…` for every permission that was ticked.
type Typed = BTreeMap<String, String>;

fn read(typed: &Typed) -> kernel::Result<NewDelegation> {
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let date = |name| kernel::parse_date(text(name));
    let unit = text("unit").parse::<UnitId>().ok();
    let (Some(from), Some(to), Some(unit)) = (date("from"), date("to"), unit) else {
        let error = |missing: bool, field: &str, key| {
            missing.then(|| FieldError {
                field: field.to_owned(),
                message: Msg::new(key),
            })
        };
        let missing = [
            error(unit.is_none(), "unit", "identity-unit-unknown"),
            error(date("from").is_none(), "from", "identity-date"),
            error(date("to").is_none(), "to", "identity-date"),
        ];
        return Err(Error::Invalid(missing.into_iter().flatten().collect()));
    };
    let ticked = typed.keys().filter_map(|name| name.strip_prefix("p:"));
    Ok(NewDelegation {
        taker: text("taker").to_owned(),
        unit,
        permissions: ticked.map(str::to_owned).collect(),
        decides: typed.contains_key("decides"),
        reason: text("reason").to_owned(),
        from,
        to,
    })
}

pub(crate) async fn create(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let done = match read(&typed) {
        Ok(new) => identity.delegate(&actor, &new).await,
        Err(e) => Err(e),
    };
    match done {
        Ok(_) => shell.done("/account", "identity-delegation-made"),
        Err(e) => {
            let form = Form::of(&typed).reject(&shell, e)?;
            let context = new_context(&identity, &shell, &access, form).await?;
            shell.refused(NEW, context)
        }
    }
}

fn delegation_id(text: &str) -> kernel::Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn end_own(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    identity
        .end_own_delegation(&actor, delegation_id(&id)?)
        .await?;
    shell.done("/account", "identity-delegation-ended-done")
}

#[derive(Deserialize)]
pub(crate) struct Acting {
    /// The delegation; empty: for oneself again.
    #[serde(default)]
    delegation: String,
}

pub(crate) async fn act(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
    Posted(acting): Posted<Acting>,
) -> Result<Response, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    let id = match acting.delegation.as_str() {
        "" => None,
        text => Some(delegation_id(text)?),
    };
    identity.act_for(&actor, &token, id).await?;
    let (to, key) = match id {
        Some(_) => ("/", "identity-acting-began"),
        None => ("/account", "identity-acting-left"),
    };
    shell.done(to, key)
}

pub(crate) async fn list(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let found = identity.delegations(&access.scope).await?;
    let view = |d| identity.delegation_view(&shell, d, None);
    let lines: Vec<Value> = found.iter().map(view).collect();
    let crumbs = [crumb(&shell, "identity-accounts", "/accounts")];
    shell.page(LIST, json!({ "crumbs": crumbs, "lines": lines }))
}

pub(crate) async fn end(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = delegation_id(&id)?;
    identity.end_delegation(&actor, id, &access.scope).await?;
    shell.done("/accounts/delegations", "identity-delegation-ended-done")
}
