//! Accounts and roles, for those who manage them.

use std::collections::BTreeMap;

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use commons::sheets::write::Value as Cell;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, Scope, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Chip, Tag, Tone};
use web::{Access, Failure, Form, Shell};

use super::{crumb, picked, sheet, text_chip};
use crate::{
    Account, AccountFilter, AccountState, Actor, GRANT, Grant, Identity, MANAGE, NewAccount,
    NewGrant, NewPassword, OfficeRole, RESET, tell_list,
};
use organization::Organization;

const PAGE: i64 = 50;
const LIST: &str = "identity/accounts.html";
/// What the list can show.
pub(crate) const COLUMNS: [Column; 6] = [
    Column::new("login", "identity-login-label").sorts(),
    Column::new("name", "identity-account-name").sorts(),
    Column::new("staff_no", "identity-staff-no").on_demand(),
    Column::new("roles", "identity-roles"),
    Column::new("opened", "identity-account-opened-on")
        .sorts()
        .on_demand(),
    Column::new("state", "identity-account-state"),
];
/// By login.
pub(crate) const USUAL: Order = Order {
    by: "login",
    down: false,
};

/// Which buttons the reader sees; the routes ask for themselves.
fn may(access: &Access) -> Value {
    let has = |permission| access.principal.scope(permission).is_some();
    json!({ "open": has(MANAGE), "reset": has(RESET), "grant": has(GRANT) })
}

#[derive(Serialize)]
struct Line {
    /// Empty for one's own account: what somebody may do is for others to decide.
    pick: String,
    href: String,
    login: String,
    name: Option<String>,
    staff_no: Option<String>,
    opened: i64,
    roles: Vec<String>,
    state: Tag,
}

impl Identity {
    fn state(&self, shell: &Shell, account: &Account) -> Tag {
        let state = account.state(self.env.now());
        let (tone, icon) = match state {
            AccountState::Disabled => (Tone::Bad, Some("ban")),
            AccountState::Locked => (Tone::Warn, Some("lock")),
            AccountState::New => (Tone::Plain, None),
            AccountState::Active => (Tone::Ok, None),
        };
        Tag {
            text: state_name(shell, state),
            tone,
            icon,
        }
    }

    /// Names of the roles in the reader's language, by code.
    async fn role_names(&self, shell: &Shell) -> kernel::Result<BTreeMap<String, String>> {
        let roles = self.roles().await?.into_iter();
        let lang = shell.lang().code();
        Ok(roles
            .map(|r| (r.code, r.name.get(lang).to_owned()))
            .collect())
    }

    /// The unit that a field names, by its code or id; none where the scope has no such unit.
    pub(crate) async fn unit_typed(
        &self,
        text: &str,
        scope: &Scope,
    ) -> kernel::Result<Option<UnitId>> {
        let organization = Organization::new(self.db.clone(), self.env.clone());
        match organization.unit_picked("unit", text, scope).await {
            Ok(unit) => Ok(Some(unit.id)),
            Err(Error::Invalid(_) | Error::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The units that a field offers while one types.
    pub(crate) async fn offer_units(
        &self,
        shell: &Shell,
        access: &Access,
        pairs: Vec<(String, String)>,
    ) -> Result<Response, Failure> {
        let organization = Organization::new(self.db.clone(), self.env.clone());
        organization::unit_options(&organization, shell, access, pairs).await
    }

    /// The choices of the grant form.
    async fn choices(&self, shell: &Shell) -> kernel::Result<Value> {
        let lang = shell.lang().code();
        let named = |role: crate::Role| {
            let name = role.name.get(lang);
            let text = match role.needs_end {
                true => shell.t_with("identity-role-needs-end", &[("role", name)]),
                false => name.to_owned(),
            };
            (role.code, text)
        };
        let roles: Vec<_> = self.roles().await?.into_iter().map(named).collect();
        Ok(json!({ "roles": roles }))
    }
}

fn state_name(shell: &Shell, state: AccountState) -> String {
    shell.t(match state {
        AccountState::Active => "identity-state-active",
        AccountState::New => "identity-state-new",
        AccountState::Locked => "identity-state-locked",
        AccountState::Disabled => "identity-state-disabled",
    })
}

fn filter(asked: &Asked) -> AccountFilter {
    AccountFilter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        state: asked.get("state").and_then(AccountState::from_code),
        role: asked.get("role").map(str::to_owned),
    }
}

/// The accounts that are asked for with what they hold today, and how many there are.
async fn lines(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    window: Window,
) -> Result<(Vec<Line>, i64), Error> {
    let order = Table::order(&COLUMNS, asked, USUAL);
    let (filter, scope) = (filter(asked), &access.scope);
    let (accounts, total) = identity.accounts(scope, &filter, order, window).await?;
    let ids: Vec<AccountId> = accounts.iter().map(|a| a.id).collect();
    let names = identity.role_names(shell).await?;
    let today = identity.env.today();
    let mut roles: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
    for held in identity.office_roles(&ids, &access.scope).await? {
        let role = names.get(&held.role).unwrap_or(&held.role);
        let text = format!("{role} · {}", held.unit_name);
        roles.entry(held.account).or_default().push(text);
    }
    for grant in identity.grants(&ids, &access.scope).await? {
        if grant.holds(today) {
            let role = names.get(&grant.role).unwrap_or(&grant.role);
            let text = format!("{role} · {}", grant.unit_name);
            roles.entry(grant.account).or_default().push(text);
        }
    }
    let line = |a: Account| Line {
        pick: match a.id == access.principal.account {
            true => String::new(),
            false => a.id.to_string(),
        },
        href: format!("/accounts/{}", a.id),
        state: identity.state(shell, &a),
        roles: roles.remove(&a.id).unwrap_or_default(),
        login: a.login,
        name: a.name,
        staff_no: a.staff_no,
        opened: a.created_at.0,
    };
    Ok((accounts.into_iter().map(line).collect(), total))
}

async fn list_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    problem: Option<String>,
) -> Result<Value, Failure> {
    let (lines, total) = lines(identity, shell, access, asked, asked.window(PAGE)).await?;
    let (filter, names) = (filter(asked), identity.role_names(shell).await?);
    let states = AccountState::ALL.map(|state| (state.code(), state_name(shell, state)));
    let mut chips: Vec<Chip> = text_chip(asked).into_iter().collect();
    if let Some(role) = &filter.role {
        chips.push(asked.chip("role", names.get(role).unwrap_or(role)));
    }
    if let Some(state) = filter.state {
        chips.push(asked.chip("state", state_name(shell, state)));
    }
    let order = Table::order(&COLUMNS, asked, USUAL);
    Ok(json!({
        "lines": lines, "pager": asked.pager(total, PAGE), "q": filter.text, "may": may(access), "chips": chips,
        "role": filter.role, "roles": names, "state": filter.state.map(AccountState::code), "states": states,
        "table": Table::new(shell, &COLUMNS, asked, order, Some("/accounts/list.xlsx")),
        "back": asked.here(), "problem": problem,
    }))
}

pub(crate) async fn list(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let context = list_context(&identity, &shell, &access, &asked, None).await?;
    shell.page(LIST, context)
}

pub(crate) async fn export(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lines, total) = lines(&identity, &shell, &access, &asked, Window::EXPORT).await?;
    Window::fits(total)?;
    let (db, env) = (&identity.db, &identity.env);
    tell_list(db, env, &actor, "accounts", lines.len()).await?;
    let zone = identity.env.zone();
    let rows = lines.into_iter().map(|line| -> Vec<Cell> {
        vec![
            line.login.into(),
            line.name.unwrap_or_default().into(),
            line.staff_no.unwrap_or_default().into(),
            line.roles.join("; ").into(),
            Timestamp(line.opened).date(zone).into(),
            line.state.text.into(),
        ]
    });
    sheet(&shell, "identity-accounts", &COLUMNS, rows)
}

/// Disables or enables all that are ticked, or none.
pub(crate) async fn batch(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(fields): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let given = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| &**v);
    let disabled = match given("act") {
        Some("disable") => true,
        Some("enable") => false,
        _ => return Err(Error::NotFound.into()),
    };
    let back = given("back").filter(|b| *b == "/accounts" || b.starts_with("/accounts?"));
    let back = back.unwrap_or("/accounts");
    let ids: Vec<AccountId> = picked(&fields)?;
    let done = identity.set_all_disabled(&actor, &ids, disabled, &access.scope);
    match done.await {
        Ok(()) if disabled => shell.done(back, "identity-batch-disabled"),
        Ok(()) => shell.done(back, "identity-batch-enabled"),
        Err(Error::Conflict(message)) => {
            let login = message.args.iter().find(|(name, _)| *name == "login");
            let login = login.map_or("", |(_, login)| login);
            let why = shell.text(&message);
            let problem =
                shell.t_with("identity-batch-stopped", &[("login", login), ("why", &why)]);
            let asked = Asked::read(back);
            let context = list_context(&identity, &shell, &access, &asked, Some(problem)).await?;
            shell.refused(LIST, context)
        }
        Err(other) => Err(other.into()),
    }
}

const NEW: &str = "identity/account_new.html";

async fn new_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    form: Form,
) -> Result<Value, Failure> {
    Ok(json!({
        "may": may(access),
        "crumbs": [crumb(shell, "identity-accounts", "/accounts")],
        "choices": identity.choices(shell).await?,
        "form": form,
    }))
}

pub(crate) async fn new(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let form = Form::default().with("from", kernel::format_date(identity.env.today()));
    let context = new_context(&identity, &shell, &access, form).await?;
    shell.page(NEW, context)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct GrantInput {
    role: String,
    unit: String,
    from: String,
    #[serde(default)]
    to: String,
}

impl GrantInput {
    async fn read(&self, identity: &Identity, scope: &Scope) -> kernel::Result<NewGrant> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, key| {
            errors.push(FieldError {
                field: field.to_owned(),
                message: Msg::new(key),
            });
        };
        let from = kernel::parse_date(&self.from);
        if from.is_none() {
            wrong("from", "identity-date");
        }
        let to: Option<Date> = kernel::parse_date(&self.to);
        if to.is_none() && !self.to.trim().is_empty() {
            wrong("to", "identity-date");
        }
        let unit = identity.unit_typed(&self.unit, scope).await?;
        if unit.is_none() {
            wrong("unit", "identity-unit-unknown");
        }
        Error::if_any(errors)?;
        Ok(NewGrant {
            role: self.role.clone(),
            unit: unit.ok_or(Error::NotFound)?,
            from: from.ok_or(Error::NotFound)?,
            to,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct NewInput {
    login: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    role: String,
    unit: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// The units that the forms of accounts offer.
pub(crate) async fn unit_options(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    identity.offer_units(&shell, &access, pairs).await
}

pub(crate) async fn create(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(input): Posted<NewInput>,
) -> Result<Response, Failure> {
    let scope = &access.scope;
    let open = async {
        let unit = identity.unit_typed(&input.unit, scope).await?;
        let unit = unit.ok_or_else(|| Error::field("unit", Msg::new("identity-unit-unknown")))?;
        let mut grants = Vec::new();
        if !input.role.is_empty() {
            let grant = GrantInput {
                role: input.role.clone(),
                unit: input.unit.clone(),
                from: input.from.clone(),
                to: input.to.clone(),
            };
            grants.push(grant.read(&identity, scope).await?);
        }
        let person = match input.person.trim() {
            "" => None,
            number => Some(identity.person_by_staff_no(number, scope).await?),
        };
        let new = NewAccount {
            login: input.login.clone(),
            person,
            unit: Some(unit),
            password: NewPassword::OneTime,
            grants,
        };
        identity.create_account(&actor, &new, scope).await
    };
    match open.await {
        Ok(opened) => {
            let one_time = opened.one_time.unwrap_or_default();
            show_once(&identity, &shell, scope, opened.account, one_time).await
        }
        Err(e) => {
            let form = Form::of(&input).reject(&shell, e)?;
            let context = new_context(&identity, &shell, &access, form).await?;
            shell.refused(NEW, context)
        }
    }
}

/// The one time that a one-time password is shown.
async fn show_once(
    identity: &Identity,
    shell: &Shell,
    scope: &Scope,
    id: AccountId,
    password: String,
) -> Result<Response, Failure> {
    let account = identity.account(id, scope).await?;
    let context = json!({
        "crumbs": [crumb(shell, "identity-accounts", "/accounts")],
        "login": account.login,
        "name": account.name,
        "password": password,
        "href": format!("/accounts/{id}"),
    });
    shell.page("identity/one_time.html", context)
}

#[derive(Serialize)]
struct GrantLine {
    id: Id,
    role: String,
    unit: String,
    from: Date,
    to: Option<Date>,
    state: Tag,
    open: bool,
}

const ONE: &str = "identity/account_one.html";

async fn one_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    id: AccountId,
    form: Form,
) -> Result<Value, Failure> {
    let scope = &access.scope;
    let account = identity.account(id, scope).await?;
    let names = identity.role_names(shell).await?;
    let today = identity.env.today();
    let line = |g: Grant| {
        let (key, tone) = if g.revoked_at.is_some() {
            ("identity-grant-revoked", Tone::Plain)
        } else if g.holds(today) {
            ("identity-grant-holds", Tone::Ok)
        } else if g.from > today {
            ("identity-grant-later", Tone::Brand)
        } else {
            ("identity-grant-over", Tone::Plain)
        };
        GrantLine {
            open: g.revoked_at.is_none() && g.to.is_none_or(|to| to >= today),
            id: g.id,
            role: names.get(&g.role).unwrap_or(&g.role).clone(),
            unit: g.unit_name,
            from: g.from,
            to: g.to,
            state: Tag {
                text: shell.t(key),
                tone,
                icon: None,
            },
        }
    };
    let grants = identity.grants(&[id], scope).await?.into_iter();
    let grants: Vec<GrantLine> = grants.map(line).collect();
    let lang = shell.lang().code();
    let office = |o: OfficeRole| {
        json!({
            "role": names.get(&o.role).unwrap_or(&o.role), "unit": o.unit_name, "from": o.from, "to": o.to,
            "why": shell.t_with("identity-office-why", &[("body", &o.body), ("office", o.office.get(lang))]),
        })
    };
    let offices = identity.office_roles(&[id], scope).await?;
    let offices: Vec<Value> = offices.into_iter().map(office).collect();
    let delegations = identity.delegation_views(shell, id).await?;
    let doors = identity.doors(&account.login).await?;
    Ok(json!({
        "crumbs": [crumb(shell, "identity-accounts", "/accounts")],
        "doors": doors.into_iter().map(|d| shell.t(d.key())).collect::<Vec<_>>(),
        "groups": identity.groups_of(id).await?,
        "state": identity.state(shell, &account),
        "here": format!("/accounts/{id}"),
        "login": account.login,
        "name": account.name,
        "opened": account.created_at.0,
        "changed": account.password_changed_at.map(|at| at.0),
        "disabled": account.disabled_at.is_some(),
        "second": identity.second(id).await?.is_some(),
        "oneself": access.principal.account == id,
        "grants": grants,
        "offices": offices,
        "delegations": delegations,
        "choices": identity.choices(shell).await?,
        "may": may(access),
        "form": form,
    }))
}

pub(crate) async fn one(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let form = Form::default().with("from", kernel::format_date(identity.env.today()));
    let context = one_context(&identity, &shell, &access, account_id(&id)?, form).await?;
    shell.page(ONE, context)
}

pub(crate) fn account_id(text: &str) -> kernel::Result<AccountId> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn grant(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(input): Posted<GrantInput>,
) -> Result<Response, Failure> {
    let id = account_id(&id)?;
    let done = match input.read(&identity, &access.scope).await {
        Ok(new) => identity.grant(&actor, id, &new, &access.scope).await,
        Err(e) => Err(e),
    };
    match done {
        Ok(_) => shell.done(&format!("/accounts/{id}"), "identity-granted"),
        Err(e) => {
            let form = Form::of(&input).reject(&shell, e)?;
            let context = one_context(&identity, &shell, &access, id, form).await?;
            shell.refused(ONE, context)
        }
    }
}

pub(crate) async fn revoke(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(grant): Path<String>,
) -> Result<Response, Failure> {
    let grant: Id = grant.parse().map_err(|_| Error::NotFound)?;
    let id = identity.revoke(&actor, grant, &access.scope).await?;
    shell.done(&format!("/accounts/{id}"), "identity-revoked")
}

pub(crate) async fn disable(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = account_id(&id)?;
    let done = identity.set_disabled(&actor, id, true, &access.scope);
    done.await?;
    shell.done(&format!("/accounts/{id}"), "identity-disabled")
}

pub(crate) async fn enable(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = account_id(&id)?;
    let done = identity.set_disabled(&actor, id, false, &access.scope);
    done.await?;
    shell.done(&format!("/accounts/{id}"), "identity-enabled")
}

pub(crate) async fn reset(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = account_id(&id)?;
    let password = identity.reset_password(&actor, id, &access.scope).await?;
    show_once(&identity, &shell, &access.scope, id, password).await
}
