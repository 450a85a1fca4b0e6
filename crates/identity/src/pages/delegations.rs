//! Delegations: given and received under my account, overseen by those who grant roles.

use std::collections::BTreeMap;

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use commons::sheets::write::Value as Cell;
use jiff::ToSpan;
use kernel::{AccountId, Error, FieldError, Id, Msg, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Column, Table, Window};
use web::view::{Chip, Tag, Tone};
use web::{Access, Failure, Form, Shell};

use super::clients::permission_name;
use super::{crumb, picked, sheet, text_chip};
use crate::delegation::NEWEST;
use crate::{Actor, Delegation, DelegationFilter, Identity, NewDelegation, tell_list};

const NEW: &str = "identity/delegation_new.html";
const LIST: &str = "identity/delegations.html";
/// Days that a delegation lasts when nothing else is asked for.
const DAYS: i64 = 7;

impl Identity {
    fn standing(&self, shell: &Shell, d: &Delegation) -> Tag {
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
        Tag {
            text: shell.t(key),
            tone,
            icon: None,
        }
    }

    /// What a delegation lets its taker do, in words.
    fn lent(&self, shell: &Shell, d: &Delegation) -> Vec<String> {
        let permissions = d.permissions.iter();
        let decides = d.decides.then(|| shell.t("identity-delegation-decides"));
        permissions
            .map(|p| permission_name(shell, p))
            .chain(decides)
            .collect()
    }

    fn delegation_view(&self, shell: &Shell, d: &Delegation, me: Option<AccountId>) -> Value {
        let today = self.env.today();
        json!({
            "id": d.id, "giver": d.giver_name, "taker": d.taker_name, "received": me == Some(d.taker),
            "unit": d.unit_name, "what": self.lent(shell, d), "reason": d.reason,
            "from": kernel::format_date(d.from), "to": kernel::format_date(d.to), "state": self.standing(shell, d),
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

/// The units of what one holds and may lend.
async fn lendable_units(identity: &Identity, access: &Access) -> kernel::Result<Scope> {
    let held = identity.lendable(access.principal.account).await?;
    Ok(Scope::Under(
        held.into_iter().flat_map(|(_, units)| units).collect(),
    ))
}

/// The units that the form offers: where one holds what can be lent.
pub(crate) async fn unit_options(
    State(identity): State<Identity>,
    shell: Shell,
    mut access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    access.scope = lendable_units(&identity, &access).await?;
    identity.offer_units(&shell, &access, pairs).await
}

async fn new_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    form: Form,
) -> Result<Value, Failure> {
    let held = identity.lendable(access.principal.account).await?;
    let permissions = held
        .iter()
        .map(|(p, _)| (format!("p:{p}"), permission_name(shell, p)));
    Ok(json!({
        "crumbs": [crumb(shell, "identity-own", "/account")],
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

async fn read(identity: &Identity, typed: &Typed, scope: &Scope) -> kernel::Result<NewDelegation> {
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let date = |name| kernel::parse_date(text(name));
    let unit = identity.unit_typed(text("unit"), scope).await?;
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
    let units = lendable_units(&identity, &access).await?;
    let done = match read(&identity, &typed, &units).await {
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

const PAGE: i64 = 50;
const SHEET: &str = "/accounts/delegations/list.xlsx";
/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("giver", "identity-delegation-giver").sorts(),
    Column::new("taker", "identity-delegation-taker-label").sorts(),
    Column::new("unit", "identity-unit").sorts(),
    Column::new("what", "identity-delegation-what"),
    Column::new("from", "identity-from").sorts(),
    Column::new("to", "identity-to").sorts(),
    Column::new("state", "identity-account-state"),
];

fn filter(asked: &Asked) -> DelegationFilter {
    DelegationFilter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        over_too: asked.get("over").is_some(),
    }
}

pub(crate) async fn list(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, order) = (filter(&asked), Table::order(&COLUMNS, &asked, NEWEST));
    let found = identity.delegations(&filter, &access.scope, order, asked.window(PAGE));
    let (found, total) = found.await?;
    let view = |d| identity.delegation_view(&shell, d, None);
    let lines: Vec<Value> = found.iter().map(view).collect();
    let mut chips: Vec<Chip> = text_chip(&asked).into_iter().collect();
    if filter.over_too {
        chips.push(asked.chip("over", shell.t("identity-delegations-over-too")));
    }
    let context = json!({
        "crumbs": [crumb(&shell, "identity-accounts", "/accounts")], "lines": lines, "q": filter.text,
        "over": filter.over_too, "chips": chips, "pager": asked.pager(total, PAGE),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)),
    });
    shell.page(LIST, context)
}

pub(crate) async fn export(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, order) = (filter(&asked), Table::order(&COLUMNS, &asked, NEWEST));
    let found = identity.delegations(&filter, &access.scope, order, Window::EXPORT);
    let (found, total) = found.await?;
    Window::fits(total)?;
    let (db, env) = (&identity.db, &identity.env);
    tell_list(db, env, &actor, "delegations", found.len()).await?;
    let rows = found.iter().map(|d| -> Vec<Cell> {
        let (what, state) = (identity.lent(&shell, d), identity.standing(&shell, d));
        vec![
            d.giver_name.clone().into(),
            d.taker_name.clone().into(),
            d.unit_name.clone().into(),
            what.join("; ").into(),
            d.from.into(),
            d.to.into(),
            state.text.into(),
        ]
    });
    sheet(&shell, "identity-delegations", &COLUMNS, rows)
}

/// Ends one.
pub(crate) async fn end(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let ids = [delegation_id(&id)?];
    identity
        .end_delegations(&actor, &ids, &access.scope)
        .await?;
    shell.done("/accounts/delegations", "identity-delegation-ended-done")
}

/// Ends all that are ticked.
pub(crate) async fn end_many(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(fields): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let ids: Vec<Id> = picked(&fields)?;
    identity
        .end_delegations(&actor, &ids, &access.scope)
        .await?;
    shell.done("/accounts/delegations", "identity-delegation-ended-done")
}
