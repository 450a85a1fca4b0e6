//! `/guard`: what is on, for everybody who signed in; `/admin/guard`: proposals, decisions, history.

use axum::Form as Body;
use axum::extract::{Path, Query, State as With};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::model::{Basis, Case, Standing, Switch};
use crate::service::{Guard, New};
use crate::{CONFIRM, PROPOSE, READ};

/// Pages of the guard.
pub fn module(guard: Guard) -> Module {
    let (read, propose) = (Policy::Permission(READ), Policy::Permission(PROPOSE));
    let routes = Routes::new()
        .get("/guard", Policy::SignedIn, open)
        .get("/admin/guard", read, list)
        .get("/admin/guard/unit-options", propose, unit_options)
        .post("/admin/guard", propose, create)
        .post(
            "/admin/guard/{id}/confirmation",
            Policy::Permission(CONFIRM),
            confirm,
        )
        .post("/admin/guard/{id}/end", read, end)
        .with_state(guard);
    Module {
        name: "guard",
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Manage,
            order: 92,
            label_key: "guard",
            href: "/admin/guard",
            icon: "scale",
            permission: Some(READ),
        }],
        messages: vec![
            (Lang::Zh, crate::MESSAGES[0].1),
            (Lang::En, crate::MESSAGES[1].1),
        ],
        templates: vec![
            ("guard/open.html", include_str!("../templates/open.html")),
            ("guard/admin.html", include_str!("../templates/admin.html")),
        ],
        samples: crate::samples::all(),
        ..Module::default()
    }
}

fn tag(shell: &Shell, standing: Standing) -> Tag {
    let (key, tone) = match standing {
        Standing::Proposed => ("guard-is-proposed", Tone::Brand),
        Standing::Declined => ("guard-is-declined", Tone::Plain),
        Standing::Later => ("guard-is-later", Tone::Brand),
        Standing::On => ("guard-is-on", Tone::Warn),
        Standing::TakenBack => ("guard-is-taken-back", Tone::Plain),
        Standing::Over => ("guard-is-over", Tone::Plain),
    };
    Tag {
        text: shell.t(key),
        tone,
        icon: None,
    }
}

/// A case in words, with what the reader may do about it.
fn shown(guard: &Guard, shell: &Shell, c: &Case, unit: Option<&String>) -> Value {
    let zone = guard.env.zone();
    let act = |at: Option<(kernel::AccountId, kernel::Timestamp)>, name: &Option<String>| {
        at.map(
            |(_, at)| json!({ "name": name.as_deref().unwrap_or("—"), "at": at.minute_text(zone) }),
        )
    };
    let [proposed, confirmed, ended] = &c.names;
    json!({
        "id": c.id, "name": shell.t(c.switch.key()), "unit": unit, "document": c.basis.document, "number": c.basis.number,
        "article": c.basis.article, "text": c.basis.text, "from": kernel::format_date(c.from), "to": kernel::format_date(c.to),
        "tag": tag(shell, c.standing(guard.env.today())), "proposed": act(Some(c.proposed), proposed),
        "confirmed": act(c.confirmed, confirmed), "ended": act(c.ended, ended), "reason": c.reason,
    })
}

/// Every switch, on or off, with what it is.
fn switches(shell: &Shell, on: &[Case]) -> Vec<Value> {
    let one = |s: Switch| {
        let is_on = on.iter().any(|c| c.switch == s);
        let (key, tone) = match is_on {
            true => ("guard-is-on", Tone::Warn),
            false => ("guard-is-off", Tone::Ok),
        };
        let tag = Tag {
            text: shell.t(key),
            tone,
            icon: None,
        };
        json!({ "code": s.code(), "name": shell.t(s.key()), "about": shell.t(&format!("{}-about", s.key())), "tag": tag, "built": s.is_built() })
    };
    Switch::ALL.into_iter().map(one).collect()
}

async fn names(guard: &Guard, cases: &[Case]) -> Result<std::collections::HashMap<UnitId, String>> {
    let units: Vec<UnitId> = cases.iter().map(|c| c.unit).collect();
    guard.organization.names(&units).await
}

async fn open(With(guard): With<Guard>, shell: Shell, access: Access) -> Result<Response, Failure> {
    let on = guard.on().await?;
    let names = names(&guard, &on).await?;
    let cases: Vec<Value> = on
        .iter()
        .map(|c| shown(&guard, &shell, c, names.get(&c.unit)))
        .collect();
    shell.page(
        "guard/open.html",
        json!({ "switches": switches(&shell, &on), "cases": cases, "admin": access.principal.scope(READ).is_some() }),
    )
}

async fn context(guard: &Guard, shell: &Shell, access: &Access, form: Form) -> Result<Value> {
    let cases = guard.cases(&access.scope).await?;
    let (on, names, today) = (
        guard.on().await?,
        names(guard, &cases).await?,
        guard.env.today(),
    );
    let may = |permission: &str| access.principal.scope(permission).is_some();
    let (may_propose, may_confirm) = (may(PROPOSE), may(CONFIRM));
    let own = |c: &Case| c.proposed.0 == access.principal.account;
    let rows: Vec<Value> = cases
        .iter()
        .map(|c| {
            let mut row = shown(guard, shell, c, names.get(&c.unit));
            let standing = c.standing(today);
            let live = matches!(standing, Standing::On | Standing::Later);
            row["may_confirm"] = json!(may_confirm && standing == Standing::Proposed && !own(c));
            row["may_end"] =
                json!((may_propose || may_confirm) && (live || standing == Standing::Proposed));
            row["live"] = json!(live);
            row
        })
        .collect();
    let options: Vec<(&str, String)> = Switch::ALL
        .into_iter()
        .map(|s| (s.code(), shell.t(s.key())))
        .collect();
    Ok(json!({
        "switches": switches(shell, &on), "cases": rows, "form": form, "options": options, "may_propose": may_propose,
        "crumbs": [Crumb { label: shell.t("guard-open"), href: "/guard".into() }],
    }))
}

async fn list(With(guard): With<Guard>, shell: Shell, access: Access) -> Result<Response, Failure> {
    let today = guard.env.today();
    let form = Form::default()
        .with("id", guard.env.new_id::<Id>())
        .with("from", kernel::format_date(today));
    let context = context(&guard, &shell, &access, form).await?;
    shell.page("guard/admin.html", context)
}

async fn unit_options(
    With(guard): With<Guard>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&guard.organization, &shell, &access, pairs).await
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Typed {
    id: String,
    switch: String,
    unit: String,
    document: String,
    number: String,
    article: String,
    text: String,
    from: String,
    to: String,
}

async fn create(
    With(guard): With<Guard>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = t.id.parse().map_err(|_| Error::NotFound)?;
    let result = async {
        let switch = Switch::from_code(&t.switch)
            .ok_or_else(|| Error::field("switch", Msg::new("guard-switch-wrong")))?;
        let unit = guard
            .organization
            .unit_picked("unit", &t.unit, &access.scope);
        let new = New {
            id,
            switch,
            unit: unit.await?.id,
            basis: Basis {
                document: t.document.clone(),
                number: t.number.clone(),
                article: t.article.clone(),
                text: t.text.clone(),
            },
            from: kernel::parse_date(t.from.trim()),
            to: kernel::parse_date(t.to.trim()),
        };
        guard.propose(&new, &access.scope, actor).await
    };
    match result.await {
        Ok(_) => shell.done("/admin/guard", "guard-proposed-done"),
        Err(e) => {
            let form = Form::of(&t).reject(&shell, e)?;
            let context = context(&guard, &shell, &access, form).await?;
            shell.refused("guard/admin.html", context)
        }
    }
}

async fn confirm(
    With(guard): With<Guard>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    guard.confirm(id, &access.scope, actor).await?;
    shell.done("/admin/guard", "guard-confirmed-done")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ended {
    reason: String,
}

/// Taken back, or declined, by whoever may propose or confirm.
async fn end(
    With(guard): With<Guard>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(t): Body<Ended>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let scopes = [PROPOSE, CONFIRM].map(|p| access.principal.scope(p).cloned());
    let scope = scopes.into_iter().flatten().next();
    let scope = scope.ok_or(Error::NotFound)?;
    match guard.end(id, &t.reason, &scope, actor).await {
        Ok(()) => shell.done("/admin/guard", "guard-ended-done"),
        Err(e) => {
            let form = Form::default().with("id", guard.env.new_id::<Id>());
            let form = form.with("reason", &t.reason).reject(&shell, e)?;
            let context = context(&guard, &shell, &access, form).await?;
            shell.refused("guard/admin.html", context)
        }
    }
}
