//! Pages of bodies: the list, a body with its members of a day and its history, and the forms that change it.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kernel::{Date, Error, Id, PersonId, Result, UnitId, format_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Crumb, Event, StepState};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::bodies::{Body, Member};
use crate::pages::{MANAGE, READ, date_or};
use crate::person_pages::{People, day, day_or_none};

pub(crate) fn routes() -> Routes<People> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/bodies/new", manage, new_form)
        .post("/bodies", manage, keep)
        .get("/bodies/{id}", read, show)
        .get("/bodies/{id}/edit", manage, edit_form)
        .post("/bodies/{id}/join", manage, join)
        .post("/bodies/{id}/leave", manage, leave)
}

impl People {
    pub(crate) fn kind_name(&self, code: &str, lang: &str) -> String {
        let kind = self.kinds.get(code);
        kind.map_or(code, |k| k.name.get(lang)).to_owned()
    }

    pub(crate) fn role_name(&self, kind: &str, role: &str, lang: &str) -> String {
        let found = self.kinds.get(kind).and_then(|k| k.role(role));
        found.map_or(role, |r| r.name.get(lang)).to_owned()
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    date: String,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    id: String,
    kind: String,
    name: String,
    owner_code: String,
    charter: String,
    from: String,
    to: String,
}

fn form_page(s: &People, shell: &Shell, form: &Form, known: bool) -> Value {
    let lang = shell.lang().code();
    let kinds: Vec<_> = s
        .kinds
        .iter()
        .map(|k| (&k.code, k.name.get(lang)))
        .collect();
    json!({ "form": form, "kinds": kinds, "known": known,
        "crumbs": [Crumb { label: shell.t("body-menu"), href: "/bodies".into() }] })
}

async fn new_form(State(s): State<People>, shell: Shell) -> Result<Response, Failure> {
    let form = Form::default()
        .with("id", shell.env().new_id::<Id>())
        .with("from", format_date(shell.env().today()));
    let context = form_page(&s, &shell, &form, false);
    shell.page("organization/body-form.html", context)
}

async fn edit_form(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (body, _) = s.organization.body(id, &access.scope).await?;
    let unit = s.organization.unit(body.unit, &access.scope).await?;
    let form = Form::of(&Typed {
        id: body.id.to_string(),
        kind: body.kind,
        name: body.name,
        owner_code: unit.code,
        charter: body.charter,
        from: format_date(body.from),
        to: body.to.map(format_date).unwrap_or_default(),
    });
    let context = form_page(&s, &shell, &form, true);
    shell.page("organization/body-form.html", context)
}

async fn keep(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id: Id = typed.id.parse().map_err(|_| Error::NotFound)?;
    let known = s.organization.body(id, &access.scope).await.is_ok();
    let kept = async {
        let (org, scope) = (&s.organization, &access.scope);
        let unit = org
            .unit_typed("owner_code", &typed.owner_code, scope)
            .await?;
        let body = Body {
            id,
            kind: typed.kind.clone(),
            name: typed.name.clone(),
            unit,
            charter: typed.charter.clone(),
            from: day("from", &typed.from)?,
            to: day_or_none("to", &typed.to)?,
        };
        org.keep_body(&s.kinds, &body, &access, scope).await
    };
    match kept.await {
        Ok(()) => shell.done(&format!("/bodies/{id}"), "body-kept"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = form_page(&s, &shell, &form, known);
            shell.refused("organization/body-form.html", context)
        }
    }
}

async fn page(
    s: &People,
    shell: &Shell,
    access: &Access,
    id: Id,
    date: Date,
    form: Form,
    act: &str,
) -> Result<Value> {
    let lang = shell.lang().code();
    let (body, mut members) = s.organization.body(id, &access.scope).await?;
    let people: Vec<PersonId> = members.iter().map(|m| m.person).collect();
    let names = s.organization.person_names(&people).await?;
    let served = s.organization.units_of(&people, date).await?;
    let units: Vec<UnitId> = served.values().copied().collect();
    let units = s.organization.names(&units).await?;
    let name = |m: &Member| names.get(&m.person).cloned().unwrap_or_default();
    let history: Vec<Event> = history(s, shell, &body, &members, &names);
    members.retain(|m| m.covers(date));
    let kind = s.kinds.get(&body.kind);
    members.sort_by_key(|m| (kind.map_or(0, |k| k.rank(&m.role)), m.from, m.id));
    let rows: Vec<Value> = members
        .iter()
        .map(|m| {
            let unit = served.get(&m.person).and_then(|u| units.get(u));
            json!({ "id": m.id, "name": name(m), "href": format!("/organization/people/{}", m.person),
                "role": s.role_name(&body.kind, &m.role, lang), "unit": unit, "from": format_date(m.from) })
        })
        .collect();
    let roles = kind.map_or(&[][..], |k| &k.roles);
    let roles: Vec<_> = roles.iter().map(|r| (&r.code, r.name.get(lang))).collect();
    let unit = s.organization.unit(body.unit, &access.scope).await?;
    Ok(json!({
        "id": body.id, "name": body.name, "kind": s.kind_name(&body.kind, lang), "charter": body.charter,
        "unit": unit.name, "from": format_date(body.from), "to": body.to.map(format_date),
        "date": format_date(date), "rows": rows, "roles": roles, "history": history, "form": form, "act": act,
        "may_change": access.principal.scope(MANAGE).is_some(),
        "crumbs": [Crumb { label: shell.t("body-menu"), href: "/bodies".into() }],
    }))
}

fn history(
    s: &People,
    shell: &Shell,
    body: &Body,
    members: &[Member],
    names: &HashMap<PersonId, String>,
) -> Vec<Event> {
    let lang = shell.lang().code();
    let today = shell.env().today();
    let mut events: Vec<Event> = members
        .iter()
        .rev()
        .map(|m| {
            let end = m.to.map(|to| format!(" — {}", format_date(to)));
            let role = s.role_name(&body.kind, &m.role, lang);
            let name = names.get(&m.person).map_or("", String::as_str);
            Event {
                title: format!("{name} · {role}"),
                at: format_date(m.from) + &end.unwrap_or_default(),
                quote: None,
                state: if m.covers(today) {
                    StepState::Now
                } else {
                    StepState::Done
                },
            }
        })
        .collect();
    events.truncate(200);
    events
}

async fn show(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let date = date_or(&asked.date, shell.env().today())?;
    let form = Form::default().with("from", format_date(shell.env().today()));
    let context = page(&s, &shell, &access, id, date, form, "").await?;
    shell.page("organization/body.html", context)
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Membership {
    staff_no: String,
    role: String,
    from: String,
    member: String,
    last: String,
}

async fn join(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(typed): Posted<Membership>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let joined = async {
        let from = day("from", &typed.from)?;
        let (org, scope) = (&s.organization, &access.scope);
        org.join(
            &s.kinds,
            id,
            &typed.staff_no,
            &typed.role,
            from,
            &access,
            scope,
        )
        .await
    };
    answer(&s, &shell, &access, id, "join", &typed, joined.await).await
}

async fn leave(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(typed): Posted<Membership>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let left = async {
        let member: Id = typed.member.parse().map_err(|_| Error::NotFound)?;
        let last = day("last", &typed.last)?;
        let (org, scope) = (&s.organization, &access.scope);
        org.leave(id, member, last, &access, scope).await
    };
    answer(&s, &shell, &access, id, "leave", &typed, left.await).await
}

async fn answer(
    s: &People,
    shell: &Shell,
    access: &Access,
    id: Id,
    act: &str,
    typed: &Membership,
    done: Result<()>,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/bodies/{id}"), "body-kept"),
        Err(error) => {
            let form = Form::of(typed).reject(shell, error)?;
            let today = shell.env().today();
            let context = page(s, shell, access, id, today, form, act).await?;
            shell.refused("organization/body.html", context)
        }
    }
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let body = json!({ "id": "1", "name": "机关第一党支部", "kind": "党支部", "charter": "澜机党〔2024〕1号",
        "unit": "澜州市司法局", "from": "2024-01-01", "to": null, "date": "2026-11-20",
        "rows": [{ "id": "1", "name": "甲某", "href": "/organization/people/1", "role": "书记", "unit": "法治科",
            "from": "2024-01-01" }],
        "roles": [["secretary", "书记"]], "history": [{ "title": "甲某 · 书记", "at": "2024-01-01", "quote": null,
            "state": "now" }], "form": Form::default(), "act": "", "may_change": true, "crumbs": [] });
    let mut empty = body.clone();
    empty["rows"] = json!([]);
    empty["history"] = json!([]);
    empty["to"] = json!("2026-06-30");
    empty["may_change"] = json!(false);
    let form = |known| json!({ "form": Form::default(), "kinds": [["party-branch", "党支部"]], "known": known, "crumbs": [] });
    vec![
        ("organization/body.html", body),
        ("organization/body.html", empty),
        ("organization/body-form.html", form(false)),
        ("organization/body-form.html", form(true)),
    ]
}
