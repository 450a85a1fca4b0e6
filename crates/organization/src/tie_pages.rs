//! Pages of ties: the list of pairings, and who is in charge of what.

use axum::Form as Posted;
use axum::extract::{Query, State};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Date, Error, Id, Msg, PersonId, Result, UnitId, format_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::{self, Column, Order, Table, Window};
use web::view::{Crumb, Event, Pager, StepState};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::pages::{MANAGE, READ, date_or, download};
use crate::person_pages::{People, day, day_or_none};
use crate::ties::{End, NewTie, RESPONSIBILITY, Tie, TieQuery};

const RESPONSIBLE: &str = "/organization/responsibility";

pub(crate) fn routes() -> Routes<People> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/pairings", read, list)
        .get("/pairings/list.xlsx", read, export)
        .post("/pairings", manage, make)
        .post("/pairings/end", manage, end)
        .get(RESPONSIBLE, read, matrix)
        .post(RESPONSIBLE, manage, charge)
        .post("/organization/responsibility/end", manage, discharge)
}

impl People {
    pub(crate) fn tie_kind(&self, shell: &Shell, code: &str) -> String {
        if code == RESPONSIBILITY {
            return shell.t("responsibility");
        }
        let kind = self.kinds.pairing(code);
        kind.map_or(code, |k| k.name.get(shell.lang().code()))
            .to_owned()
    }

    /// Ties as events of a person's or a unit's page: the other end is named.
    pub(crate) fn tie_events(&self, shell: &Shell, ties: &[Tie], of: End) -> Vec<(Date, Event)> {
        let today = shell.env().today();
        let events = ties.iter().map(|tie| {
            let (key, other) = match of {
                End::Person(person) if person == tie.person => ("pairing-event", &tie.end_name),
                End::Person(_) => ("pairing-event-by", &tie.name),
                End::Unit(_) => ("pairing-event", &tie.name),
            };
            let kind = self.tie_kind(shell, &tie.kind);
            let until = tie.to.map(|to| format!(" — {}", format_date(to)));
            let event = Event {
                title: shell.t_with(key, &[("kind", &kind), ("other", other)]),
                at: format_date(tie.from) + &until.unwrap_or_default(),
                quote: (!tie.basis.is_empty()).then(|| tie.basis.clone()),
                state: if tie.covers(today) {
                    StepState::Now
                } else {
                    StepState::Done
                },
            };
            (tie.from, event)
        });
        events.collect()
    }

    fn line(&self, shell: &Shell, tie: &Tie, today: Date) -> Value {
        let end = match tie.end {
            End::Unit(unit) => format!("/organization/units/{unit}"),
            End::Person(person) => format!("/organization/people/{person}"),
        };
        json!({ "id": tie.id, "kind": self.tie_kind(shell, &tie.kind), "name": tie.name,
            "href": format!("/organization/people/{}", tie.person), "end": tie.end_name, "end_href": end,
            "from": format_date(tie.from), "to": tie.to.map(format_date), "basis": tie.basis,
            "open": tie.to.is_none_or(|to| to >= today) })
    }

    /// The unit with a code in the scope, `None` when none is typed.
    pub(crate) async fn coded(
        &self,
        field: &str,
        code: &str,
        access: &Access,
    ) -> Result<Option<UnitId>> {
        if code.trim().is_empty() {
            return Ok(None);
        }
        let found = self.organization.unit_typed(field, code, &access.scope);
        found.await.map(Some)
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    unit: String,
    date: String,
    q: String,
}

const PAGE: i64 = 50;
const COLUMNS: [Column; 6] = [
    Column::new("name", "pairing-person").sorts(),
    Column::new("kind", "pairing-kind").sorts(),
    Column::new("end", "pairing-end").sorts(),
    Column::new("from", "organization-since").sorts(),
    Column::new("to", "organization-until").sorts(),
    Column::new("basis", "pairing-basis"),
];
const USUAL: Order = Order {
    by: "kind",
    down: false,
};

/// What the forms ask for; each shows some of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    kind: String,
    staff_no: String,
    end: String,
    from: String,
    to: String,
    basis: String,
    tie: String,
    last: String,
}

impl Asked {
    async fn query(&self, people: &People, access: &Access) -> Result<TieQuery> {
        let kind = (!self.kind.is_empty()).then(|| self.kind.clone());
        Ok(TieQuery {
            kind: kind.filter(|k| people.kinds.pairing(k).is_some()),
            unit: people.coded("unit", &self.unit, access).await?,
            day: day_or_none("date", &self.date)?,
            text: self.q.trim().to_owned(),
        })
    }
}

async fn page(
    s: &People,
    shell: &Shell,
    access: &Access,
    (asked, at): (&Asked, &table::Asked),
    form: Form,
    act: &str,
) -> Result<Value> {
    let (lang, today) = (shell.lang().code(), shell.env().today());
    let query = asked.query(s, access).await?;
    let order = Table::order(&COLUMNS, at, USUAL);
    let org = &s.organization;
    let found = org.tie_page(&query, &access.scope, order, at.window(PAGE));
    let (ties, total) = found.await?;
    let rows: Vec<Value> = ties.iter().map(|t| s.line(shell, t, today)).collect();
    let kinds = s.kinds.pairings();
    let kinds: Vec<_> = kinds.map(|k| (&k.code, k.name.get(lang))).collect();
    let mut chips = Vec::new();
    if !query.text.is_empty() {
        chips.push(at.chip("q", &query.text));
    }
    if let Some(kind) = &query.kind {
        chips.push(at.chip("kind", s.tie_kind(shell, kind)));
    }
    if query.unit.is_some() {
        chips.push(at.chip("unit", asked.unit.trim()));
    }
    if let Some(day) = query.day {
        let on = shell.t_with("organization-on", &[("date", &format_date(day))]);
        chips.push(at.chip("date", on));
    }
    Ok(json!({
        "rows": rows, "kinds": kinds, "kind": asked.kind, "unit": asked.unit, "date": asked.date, "q": query.text,
        "chips": chips, "table": Table::new(shell, &COLUMNS, at, order, Some("/pairings/list.xlsx")),
        "pager": at.pager(total, PAGE), "form": form, "act": act,
        "may_change": access.principal.scope(MANAGE).is_some(),
    }))
}

async fn list(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    at: table::Asked,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let today = format_date(shell.env().today());
    let form = Form::default().with("from", &today).with("last", &today);
    match page(&s, &shell, &access, (&asked, &at), form, "").await {
        Ok(context) => shell.page("organization/pairings.html", context),
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            let (all, at) = (Asked::default(), table::Asked::new("/pairings", []));
            let context = page(&s, &shell, &access, (&all, &at), form, "").await?;
            shell.refused("organization/pairings.html", context)
        }
    }
}

async fn export(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    at: table::Asked,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let query = asked.query(&s, &access).await?;
    let (org, order) = (&s.organization, Table::order(&COLUMNS, &at, USUAL));
    let found = org.tie_page(&query, &access.scope, order, Window::EXPORT);
    let (ties, total) = found.await?;
    Window::fits(total)?;
    let told = ("pairings", "");
    s.organization
        .tell_export(&access, told, ties.len())
        .await?;
    let header = [
        "pairing-kind",
        "pairing-person",
        "organization-staff-no",
        "pairing-end",
        "organization-since",
        "organization-until",
        "pairing-basis",
    ]
    .map(|k| shell.t(k));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = ties.into_iter().map(|t| -> Vec<Cell> {
        vec![
            s.tie_kind(&shell, &t.kind).into(),
            t.name.into(),
            t.staff_no.into(),
            t.end_name.into(),
            t.from.into(),
            t.to.map_or(Cell::Empty, Cell::Date),
            t.basis.into(),
        ]
    });
    let title = shell.t("pairing-menu");
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    Ok(download(&format!("{title}-{today}.xlsx"), bytes))
}

async fn tie(s: &People, access: &Access, kind: &str, typed: &Typed) -> Result<()> {
    let new = NewTie {
        kind: kind.to_owned(),
        staff_no: typed.staff_no.clone(),
        end: typed.end.clone(),
        to: day_or_none("to", &typed.to)?,
        basis: typed.basis.clone(),
    };
    let from = day("from", &typed.from)?;
    let org = &s.organization;
    org.tie(&s.kinds, &new, from, access, &access.scope).await?;
    Ok(())
}

async fn untie(s: &People, access: &Access, typed: &Typed) -> Result<()> {
    let id: Id = typed.tie.parse().map_err(|_| {
        let message = Msg::new("organization-empty");
        Error::field("tie", message)
    })?;
    let last = day("last", &typed.last)?;
    s.organization.untie(id, last, access, &access.scope).await
}

async fn make(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let done = match typed.kind.as_str() {
        RESPONSIBILITY => Err(Error::NotFound),
        kind => tie(&s, &access, kind, &typed).await,
    };
    answer(&s, &shell, &access, "make", &typed, done).await
}

async fn end(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let done = untie(&s, &access, &typed).await;
    answer(&s, &shell, &access, "end", &typed, done).await
}

async fn answer(
    s: &People,
    shell: &Shell,
    access: &Access,
    act: &str,
    typed: &Typed,
    done: Result<()>,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done("/pairings", "pairing-kept"),
        Err(error) => {
            let form = Form::of(typed).reject(shell, error)?;
            let (all, at) = (Asked::default(), table::Asked::new("/pairings", []));
            let context = page(s, shell, access, (&all, &at), form, act).await?;
            shell.refused("organization/pairings.html", context)
        }
    }
}

/// Leaders by departments: the units directly below one, and who is in charge of each on a day.
async fn leaders(
    s: &People,
    shell: &Shell,
    access: &Access,
    (unit, date): (&str, Date),
    form: Form,
    act: &str,
) -> Result<Value> {
    let org = &s.organization;
    let tree = org
        .unit_tree(&access.scope, date, unit.parse().ok())
        .await?;
    let top = match unit {
        "" => tree.tops().next(),
        id => Some(
            id.parse()
                .ok()
                .and_then(|id| tree.get(id))
                .ok_or(Error::NotFound)?,
        ),
    };
    let units: Vec<_> = match top {
        Some(top) => std::iter::once(top).chain(tree.below(top.id)).collect(),
        None => Vec::new(),
    };
    let query = TieQuery {
        kind: Some(RESPONSIBILITY.to_owned()),
        unit: top.map(|t| t.id),
        day: Some(date),
        ..TieQuery::default()
    };
    let shown = |tie: &&Tie| units.iter().any(|u| tie.end == End::Unit(u.id));
    let ties = org.ties(&query, &access.scope).await?;
    let ties: Vec<&Tie> = ties.iter().filter(shown).collect();
    let mut heads: Vec<(PersonId, &str)> =
        ties.iter().map(|t| (t.person, t.name.as_str())).collect();
    heads.dedup();
    let rows: Vec<Value> = units
        .iter()
        .map(|u| {
            let own = |person: PersonId| {
                ties.iter()
                    .find(|t| t.end == End::Unit(u.id) && t.person == person)
            };
            let cells = heads
                .iter()
                .map(|(p, _)| own(*p).map(|t| format_date(t.from)));
            json!({ "name": u.name, "href": format!("/organization/units/{}", u.id),
                "cells": cells.collect::<Vec<_>>() })
        })
        .collect();
    let today = shell.env().today();
    let lines: Vec<Value> = ties.iter().map(|t| s.line(shell, t, today)).collect();
    let heads: Vec<Value> = heads
        .iter()
        .map(|(id, name)| json!({ "name": name, "href": format!("/organization/people/{id}") }))
        .collect();
    let below: Vec<Value> = units
        .iter()
        .skip(1)
        .filter(|u| tree.below(u.id).next().is_some())
        .map(|u| json!({ "name": u.name, "href": format!("{RESPONSIBLE}?unit={}&date={}", u.id, format_date(date)) }))
        .collect();
    Ok(
        json!({ "unit": top.map(|t| json!({ "id": t.id, "name": t.name })), "date": format_date(date),
        "heads": heads, "rows": rows, "ties": lines, "below": below, "form": form, "act": act,
        "may_change": access.principal.scope(MANAGE).is_some(),
        "crumbs": [Crumb { label: shell.t("organization-title"), href: "/organization".into() }] }),
    )
}

async fn matrix(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let today = shell.env().today();
    let date = date_or(&asked.date, today)?;
    let form = Form::default()
        .with("from", format_date(today))
        .with("last", format_date(today));
    let at = (asked.unit.as_str(), date);
    let context = leaders(&s, &shell, &access, at, form, "").await?;
    shell.page("organization/responsibility.html", context)
}

async fn charge(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let done = tie(&s, &access, RESPONSIBILITY, &typed).await;
    charged(&s, &shell, &access, &asked, ("make", &typed), done).await
}

async fn discharge(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let done = untie(&s, &access, &typed).await;
    charged(&s, &shell, &access, &asked, ("end", &typed), done).await
}

async fn charged(
    s: &People,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    (act, typed): (&str, &Typed),
    done: Result<()>,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => {
            let path = format!("{RESPONSIBLE}?unit={}", web::encode(&asked.unit));
            shell.done(&path, "pairing-kept")
        }
        Err(error) => {
            let form = Form::of(typed).reject(shell, error)?;
            let at = (asked.unit.as_str(), shell.env().today());
            let context = leaders(s, shell, access, at, form, act).await?;
            shell.refused("organization/responsibility.html", context)
        }
    }
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let row = json!({ "id": "1", "kind": "联系点", "name": "甲某", "href": "/organization/people/1", "end": "法治科",
        "end_href": "/organization/units/1", "from": "2026-01-01", "to": null, "basis": "澜司〔2026〕1号", "open": true });
    let pager = Pager::new(1, 50, 1, |n| format!("?page={n}"));
    let list = json!({ "rows": [row], "kinds": [["contact-point", "联系点"]], "kind": "", "unit": "", "date": "",
        "q": "", "chips": [], "table": Table::sample_with(&COLUMNS), "pager": pager, "form": Form::default(), "act": "", "may_change": true });
    let mut none = list.clone();
    none["rows"] = json!([]);
    none["may_change"] = json!(false);
    let mut filtered = none.clone();
    filtered["chips"] = json!([{ "label": "x", "without": "/pairings" }]);
    let matrix = json!({ "unit": { "id": "1", "name": "澜州市司法局" }, "date": "2026-11-20",
        "heads": [{ "name": "甲某", "href": "/organization/people/1" }],
        "rows": [{ "name": "法治科", "href": "/organization/units/1", "cells": ["2026-01-01"] },
            { "name": "办公室", "href": "/organization/units/2", "cells": [null] }],
        "ties": [row], "below": [{ "name": "法治科", "href": "/organization/responsibility?unit=1" }],
        "form": Form::default(), "act": "", "may_change": true, "crumbs": [] });
    let mut nobody = matrix.clone();
    for part in ["heads", "ties", "below"] {
        nobody[part] = json!([]);
    }
    nobody["may_change"] = json!(false);
    let mut empty = nobody.clone();
    empty["unit"] = json!(null);
    empty["rows"] = json!([]);
    vec![
        ("organization/pairings.html", list),
        ("organization/pairings.html", none),
        ("organization/pairings.html", filtered),
        ("organization/responsibility.html", matrix),
        ("organization/responsibility.html", nobody),
        ("organization/responsibility.html", empty),
    ]
}
