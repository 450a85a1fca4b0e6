//! API clients, for those who may make them.

use std::collections::BTreeMap;

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::response::Response;
use commons::sheets::write::Value as Cell;
use kernel::{Error, FieldError, Msg, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::{Asked, Column, Table, Window};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Shell};

use super::{crumb, sheet, text_chip};
use crate::clients::client_id;
use crate::store::clients::BY_NAME;
use crate::{Actor, Client, Identity, NewClient, tell_list};

const LIST: &str = "identity/clients.html";
const NEW: &str = "identity/client_new.html";
const ONE: &str = "identity/client_one.html";
const PAGE: i64 = 50;
/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("login", "identity-client-name").sorts(),
    Column::new("purpose", "identity-client-purpose"),
    Column::new("unit", "identity-unit").sorts(),
    Column::new("prefix", "identity-client-token"),
    Column::new("to", "identity-to").sorts(),
    Column::new("used", "identity-session-seen").sorts(),
    Column::new("state", "identity-account-state"),
];
/// Days that a client lasts when nothing else is asked for.
const DAYS: i64 = 365;

/// The name of a permission in the reader's language; one without a name is shown as it is.
pub(crate) fn permission_name(shell: &Shell, permission: &str) -> String {
    const NAMED: &[(&str, &str)] = &[
        ("case.read", "identity-permission-case-read"),
        ("case.raise", "identity-permission-case-raise"),
        ("case.handle", "identity-permission-case-handle"),
        ("case.supervise", "identity-permission-case-supervise"),
        ("case.reporter", "identity-permission-case-reporter"),
        ("commitment.read", "identity-permission-commitment-read"),
        ("commitment.issue", "identity-permission-commitment-issue"),
        ("task.read", "identity-permission-task-read"),
        ("task.plan", "identity-permission-task-plan"),
        ("task.issue", "identity-permission-task-issue"),
        ("task.report", "identity-permission-task-report"),
        ("task.review", "identity-permission-task-review"),
        ("project.read", "identity-permission-project-read"),
        ("project.write", "identity-permission-project-write"),
        ("project.review", "identity-permission-project-review"),
        ("matter.read", "identity-permission-matter-read"),
        ("matter.write", "identity-permission-matter-write"),
        ("matter.answer", "identity-permission-matter-answer"),
        ("matter.sealed", "identity-permission-matter-sealed"),
        ("campaign.read", "identity-permission-campaign-read"),
        ("campaign.plan", "identity-permission-campaign-plan"),
        ("campaign.report", "identity-permission-campaign-report"),
        ("campaign.score", "identity-permission-campaign-score"),
        ("activity.read", "identity-permission-activity-read"),
        ("activity.record", "identity-permission-activity-record"),
        ("activity.reverse", "identity-permission-activity-reverse"),
        ("activity.confirm", "identity-permission-activity-confirm"),
        ("register.read", "identity-permission-register-read"),
        ("register.write", "identity-permission-register-write"),
        ("register.review", "identity-permission-register-review"),
        ("bulletin.read", "identity-permission-bulletin-read"),
        ("bulletin.write", "identity-permission-bulletin-write"),
        ("bulletin.review", "identity-permission-bulletin-review"),
        ("inspection.read", "identity-permission-inspection-read"),
        ("inspection.plan", "identity-permission-inspection-plan"),
        ("inspection.fill", "identity-permission-inspection-fill"),
        ("inspection.review", "identity-permission-inspection-review"),
        ("exam.supervise", "identity-permission-exam-supervise"),
        ("guard.read", "identity-permission-guard-read"),
        ("guard.propose", "identity-permission-guard-propose"),
        ("guard.confirm", "identity-permission-guard-confirm"),
        ("pack.edit", "identity-permission-pack-edit"),
        ("hours.read", "identity-permission-hours-read"),
        ("hours.record", "identity-permission-hours-record"),
        ("hours.review", "identity-permission-hours-review"),
        ("register.reverse", "identity-permission-register-reverse"),
        ("activity.plan", "identity-permission-activity-plan"),
        (
            "activity.confidential",
            "identity-permission-activity-confidential",
        ),
        ("obligation.read", "identity-permission-obligation-read"),
        ("obligation.excuse", "identity-permission-obligation-excuse"),
        ("obligation.pack", "identity-permission-obligation-pack"),
        ("obligation.names", "identity-permission-obligation-names"),
        ("indicator.read", "identity-permission-indicator-read"),
        ("report.read", "identity-permission-report-read"),
        ("report.write", "identity-permission-report-write"),
        ("organization.read", "identity-permission-organization-read"),
        (
            "organization.manage",
            "identity-permission-organization-manage",
        ),
        (
            "organization.propose",
            "identity-permission-organization-propose",
        ),
        ("approval.read", "identity-permission-approval-read"),
        ("request.ask", "identity-permission-request-ask"),
        ("request.answer", "identity-permission-request-answer"),
        ("jobs.manage", "identity-permission-jobs-manage"),
        ("pack.read", "identity-permission-pack-read"),
        ("identity.read", "identity-permission-identity-read"),
        ("identity.manage", "identity-permission-identity-manage"),
        ("identity.reset", "identity-permission-identity-reset"),
        ("identity.grant", "identity-permission-identity-grant"),
        ("identity.client", "identity-permission-identity-client"),
        ("identity.scim", "identity-permission-identity-scim"),
        ("audit.read", "identity-permission-audit-read"),
        ("ledger.verify", "identity-permission-ledger-verify"),
    ];
    let named = NAMED.iter().find(|(code, _)| *code == permission);
    named.map_or_else(|| permission.to_owned(), |(_, key)| shell.t(key))
}

impl Identity {
    fn client_state(&self, shell: &Shell, client: &Client) -> Tag {
        let today = self.env.today();
        let (key, tone) = if client.revoked_at.is_some() {
            ("identity-grant-revoked", Tone::Bad)
        } else if client.to < today {
            ("identity-grant-over", Tone::Plain)
        } else if client.from > today {
            ("identity-grant-later", Tone::Brand)
        } else {
            ("identity-grant-holds", Tone::Ok)
        };
        Tag {
            text: shell.t(key),
            tone,
            icon: None,
        }
    }

    fn client_view(&self, shell: &Shell, client: &Client) -> Value {
        let name = |p: &String| permission_name(shell, p);
        json!({
            "href": format!("/clients/{}", client.account),
            "login": client.login,
            "purpose": client.purpose,
            "unit": client.unit,
            "permissions": client.permissions.iter().map(name).collect::<Vec<_>>(),
            "made": client.created_at.0,
            "made_by": client.made_by,
            "prefix": client.prefix,
            "from": client.from,
            "to": client.to,
            "used": client.last_used_at.map(|at| at.0),
            "address": client.last_address,
            "open": client.revoked_at.is_none(),
            "state": self.client_state(shell, client),
        })
    }
}

pub(crate) async fn list(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (text, order) = (
        asked.get("q").unwrap_or_default(),
        Table::order(&COLUMNS, &asked, BY_NAME),
    );
    let found = identity.clients(&access.scope, text, order, asked.window(PAGE));
    let (clients, total) = found.await?;
    let lines = clients.iter().map(|c| identity.client_view(&shell, c));
    let context = json!({
        "lines": lines.collect::<Vec<_>>(), "q": text, "chips": text_chip(&asked).as_slice(),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/clients/list.xlsx")),
        "pager": asked.pager(total, PAGE),
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
    let (text, order) = (
        asked.get("q").unwrap_or_default(),
        Table::order(&COLUMNS, &asked, BY_NAME),
    );
    let found = identity.clients(&access.scope, text, order, Window::EXPORT);
    let (clients, total) = found.await?;
    Window::fits(total)?;
    let (db, env) = (&identity.db, &identity.env);
    tell_list(db, env, &actor, "clients", clients.len()).await?;
    let zone = identity.env.zone();
    let rows = clients.into_iter().map(|c| -> Vec<Cell> {
        let state = identity.client_state(&shell, &c);
        vec![
            c.login.into(),
            c.purpose.into(),
            c.unit.into(),
            c.prefix.into(),
            c.to.into(),
            c.last_used_at
                .map_or(Cell::Empty, |at| at.date(zone).into()),
            state.text.into(),
        ]
    });
    sheet(&shell, "identity-clients", &COLUMNS, rows)
}

fn last_day(identity: &Identity) -> String {
    let days = jiff::Span::new().days(DAYS);
    kernel::format_date(identity.env.today().saturating_add(days))
}

async fn new_context(shell: &Shell, access: &Access, form: Form) -> Result<Value, Failure> {
    let held = access.principal.grants.keys();
    let permissions = held.map(|p| (format!("p:{p}"), permission_name(shell, p)));
    Ok(json!({
        "crumbs": [crumb(shell, "identity-clients", "/clients")],
        "permissions": permissions.collect::<Vec<_>>(),
        "form": form,
    }))
}

pub(crate) async fn new(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let form = Form::default()
        .with("from", kernel::format_date(identity.env.today()))
        .with("to", last_day(&identity));
    let context = new_context(&shell, &access, form).await?;
    shell.page(NEW, context)
}

/// What was typed: fields, and a `p:…` for every permission that was ticked.
type Typed = BTreeMap<String, String>;

async fn read(identity: &Identity, typed: &Typed, scope: &Scope) -> kernel::Result<NewClient> {
    let text = |name: &str| typed.get(name).map_or("", String::as_str);
    let (from, to) = (
        kernel::parse_date(text("from")),
        kernel::parse_date(text("to")),
    );
    let unit = identity.unit_typed(text("unit"), scope).await?;
    let (Some(from), Some(to), Some(unit)) = (from, to, unit) else {
        let error = |field: &str, key| FieldError {
            field: field.to_owned(),
            message: Msg::new(key),
        };
        let missing = [
            from.is_none().then(|| error("from", "identity-date")),
            to.is_none().then(|| error("to", "identity-date")),
            unit.is_none()
                .then(|| error("unit", "identity-unit-unknown")),
        ];
        return Err(Error::Invalid(missing.into_iter().flatten().collect()));
    };
    let ticked = typed.keys().filter_map(|name| name.strip_prefix("p:"));
    Ok(NewClient {
        login: text("login").to_owned(),
        purpose: text("purpose").to_owned(),
        permissions: ticked.map(str::to_owned).collect(),
        unit,
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
    let made = match read(&identity, &typed, &access.scope).await {
        Ok(new) => identity.create_client(&actor, &new, &access.scope).await,
        Err(e) => Err(e),
    };
    match made {
        Ok((id, token)) => {
            let client = identity.client(id, &access.scope).await?;
            show_once(&shell, &client, &token)
        }
        Err(e) => {
            let form = Form::of(&typed).reject(&shell, e)?;
            let context = new_context(&shell, &access, form).await?;
            shell.refused(NEW, context)
        }
    }
}

/// The one time that a token is shown.
fn show_once(shell: &Shell, client: &Client, token: &str) -> Result<Response, Failure> {
    let context = json!({
        "crumbs": [crumb(shell, "identity-clients", "/clients")],
        "login": client.login,
        "token": token,
        "href": format!("/clients/{}", client.account),
    });
    shell.page("identity/client_token.html", context)
}

async fn one_context(
    identity: &Identity,
    shell: &Shell,
    access: &Access,
    id: &str,
    form: Form,
) -> Result<Value, Failure> {
    let client = identity.client(client_id(id)?, &access.scope).await?;
    Ok(json!({
        "crumbs": [crumb(shell, "identity-clients", "/clients")],
        "client": identity.client_view(shell, &client),
        "form": form,
    }))
}

pub(crate) async fn show(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let form = Form::default().with("to", last_day(&identity));
    let context = one_context(&identity, &shell, &access, &id, form).await?;
    shell.page(ONE, context)
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Rotation {
    to: String,
}

pub(crate) async fn rotate(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(input): Posted<Rotation>,
) -> Result<Response, Failure> {
    let (scope, account) = (&access.scope, client_id(&id)?);
    let rotated = match kernel::parse_date(&input.to) {
        Some(to) => identity.rotate_client(&actor, account, to, scope).await,
        None => Err(Error::field("to", Msg::new("identity-date"))),
    };
    match rotated {
        Ok(token) => {
            let client = identity.client(account, scope).await?;
            show_once(&shell, &client, &token)
        }
        Err(e) => {
            let form = Form::of(&input).reject(&shell, e)?;
            let context = one_context(&identity, &shell, &access, &id, form).await?;
            shell.refused(ONE, context)
        }
    }
}

pub(crate) async fn revoke(
    State(identity): State<Identity>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let revoked = identity.revoke_client(&actor, client_id(&id)?, &access.scope);
    revoked.await?;
    shell.done(&format!("/clients/{id}"), "identity-client-revoked")
}
