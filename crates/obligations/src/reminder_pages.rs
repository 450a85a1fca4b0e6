//! Pages of reminders: what will be told and what was told, and what oneself was told.

use std::collections::{HashMap, HashSet};

use axum::extract::{Query, State as Ax};
use axum::response::Response;
use commons::deadlines::Step;
use jiff::ToSpan;
use kernel::{Id, Period, PersonId, Result, Timestamp, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::Asked;
use web::view::Crumb;
use web::{Access, Failure, Policy, Routes, Shell};

use crate::reminding::{Planned, Reminder, by_day};
use crate::rule::{Cadence, Timer, To};
use crate::{Obligations, READ, Rule, store};

const PLAN: &str = "/obligations/reminders";
const PAGE: i64 = 50;
/// How far ahead the plan looks.
const DAYS: i64 = 14;
/// What oneself was told lately.
const MINE: i64 = 200;
/// So many names of those who were told.
const NAMED: usize = 3;

pub(crate) fn routes() -> Routes<Obligations> {
    Routes::new().get(PLAN, Policy::Permission(READ), plan).get(
        "/obligations/reminders/mine",
        Policy::SignedIn,
        mine,
    )
}

fn step_text(shell: &Shell, step: Step) -> String {
    let working = if step.working { "-working" } else { "" };
    let n = step.days.abs().to_string();
    match step.days {
        0 => shell.t("reminder-on"),
        1.. => shell.t_with(&format!("reminder-after{working}"), &[("n", &n)]),
        _ => shell.t_with(&format!("reminder-before{working}"), &[("n", &n)]),
    }
}

fn to_text(shell: &Shell, to: &To) -> String {
    match to {
        To::Own => shell.t("reminder-to-own"),
        To::Superior => shell.t("reminder-to-superior"),
        To::InCharge => shell.t("reminder-to-in-charge"),
        To::Role(code) => shell.t_with("reminder-to-role", &[("code", code)]),
        To::Permission(_) => shell.t("reminder-to-permission"),
        To::Attribute(name, value) => {
            let code = format!("{name}.{value}");
            shell.t_with("reminder-to-attribute", &[("code", &code)])
        }
    }
}

fn kind_text(shell: &Shell, escalates: bool) -> String {
    shell.t(match escalates {
        true => "reminder-escalate",
        false => "reminder-remind",
    })
}

/// When a rule tells whom, in words.
pub(crate) fn in_words(shell: &Shell, rule: &Rule, every: Cadence) -> Vec<String> {
    let one = |t: &Timer| {
        let (step, to) = (step_text(shell, t.step), to_text(shell, &t.to));
        format!("{} {step} → {to}", kind_text(shell, t.escalates))
    };
    rule.timers(every).iter().map(one).collect()
}

/// The steps of a rule to come, a line a day.
fn days(shell: &Shell, rule: &Rule, planned: &[Planned]) -> Vec<Value> {
    let lines = by_day(planned).into_iter();
    lines
        .map(|((day, step, escalates), n)| {
            let timer = planned
                .iter()
                .find(|p| p.timer.step == step && p.timer.escalates == escalates);
            json!({
                "day": format_date(day), "rule": rule.name.get(shell.lang().code()),
                "href": format!("/obligations?rule={}", rule.code), "step": step_text(shell, step),
                "kind": kind_text(shell, escalates), "to": timer.map(|p| to_text(shell, &p.timer.to)), "n": n,
            })
        })
        .collect()
}

/// Steps that were taken, as lines of a table.
async fn lines(s: &Obligations, shell: &Shell, found: &[Reminder]) -> Result<Vec<Value>> {
    let lang = shell.lang().code();
    let subjects: Vec<(&str, Id)> = found.iter().map(|r| (r.rule.as_str(), r.subject)).collect();
    let names = s.names(&subjects).await?;
    let units: Vec<UnitId> = found.iter().map(|r| r.unit).collect();
    let units = s.organization.names(&units).await?;
    let one = |r: &Reminder| {
        let step = Step::parse(&r.step).map(|step| step_text(shell, step));
        json!({
            "id": r.id, "who": names.get(&r.subject), "unit": units.get(&r.unit),
            "rule": s.rule_name(&r.rule, lang).unwrap_or_else(|| r.rule.clone()), "due": format_date(r.due),
            "step": step.unwrap_or_else(|| r.step.clone()), "kind": kind_text(shell, r.escalates),
            "at": r.at.minute_text(s.env.zone()),
            "href": format!("/obligations/{}/{}?year={}&of={}", r.rule, r.unit, r.begin.year(), r.subject),
        })
    };
    Ok(found.iter().map(one).collect())
}

async fn plan(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let ahead = Period {
        from: today.saturating_add(1.day()),
        to: today.saturating_add(DAYS.days()),
    };
    let mut coming = Vec::new();
    for rule in s.rules.iter() {
        let planned = s.planned(rule, &access.scope, ahead).await?;
        coming.extend(days(&shell, rule, &planned));
    }
    coming.sort_by(|a, b| a["day"].as_str().cmp(&b["day"].as_str()));
    let mut tx = s.db.read().await?;
    let (found, total) =
        store::reminders(&mut tx, at.get("rule"), &access.scope, at.window(PAGE)).await?;
    let ids: Vec<Id> = found.iter().map(|r| r.id).collect();
    let told = store::told(&mut tx, &ids).await?;
    drop(tx);
    let people: HashSet<PersonId> = told.values().flatten().copied().collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let names = s.organization.person_names(&people).await?;
    let mut rows = lines(&s, &shell, &found).await?;
    for (row, reminder) in rows.iter_mut().zip(&found) {
        row["people"] = json!(said(&shell, told.get(&reminder.id), &names));
    }
    shell.page(
        "obligations/reminders.html",
        json!({
            "coming": coming, "rows": rows, "pager": at.pager(total, PAGE),
            "crumbs": [Crumb { label: shell.t("menu-obligations"), href: "/obligations".into() }],
        }),
    )
}

/// Who was told, by name, the first few.
fn said(
    shell: &Shell,
    told: Option<&Vec<PersonId>>,
    names: &HashMap<PersonId, String>,
) -> Option<String> {
    let told = told?;
    let named = told.iter().take(NAMED).filter_map(|p| names.get(p));
    let mut text = named.map(String::as_str).collect::<Vec<_>>().join("、");
    if told.len() > NAMED {
        let n = told.len().to_string();
        text += &shell.t_with("reminder-more", &[("n", &n)]);
    }
    Some(text)
}

#[derive(Deserialize)]
struct MineQuery {
    at: Option<i64>,
}

async fn mine(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Query(q): Query<MineQuery>,
) -> Result<Response, Failure> {
    let found = match access.principal.person {
        Some(me) => {
            let at = q.at.map(Timestamp);
            store::reminders_of(&mut s.db.read().await?, me, at, MINE).await?
        }
        None => Vec::new(),
    };
    let mut rows = lines(&s, &shell, &found).await?;
    let may_read = access.principal.scope(READ).is_some();
    for row in &mut rows {
        if !may_read {
            row["href"] = json!("/obligations/mine");
        }
    }
    shell.page("obligations/reminded.html", json!({ "rows": rows }))
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let row = |people: Option<&str>| {
        json!({ "id": "1", "who": "甲某", "unit": "法治科", "rule": "r", "due": "2026-01-01", "step": "x", "kind": "x",
            "at": "2026-01-01 08:00", "href": "/obligations/r/1", "people": people })
    };
    let pager = web::view::Pager::new(2, 50, 1, |n| format!("?page={n}"));
    let coming = json!([{ "day": "2026-01-02", "rule": "r", "href": "/obligations?rule=r", "step": "x", "kind": "x", "to": "y", "n": 3 }]);
    vec![
        (
            "obligations/reminders.html",
            json!({ "coming": coming, "rows": [row(Some("乙某")), row(None)], "pager": pager, "crumbs": [] }),
        ),
        (
            "obligations/reminders.html",
            json!({ "coming": [], "rows": [], "pager": pager, "crumbs": [] }),
        ),
        ("obligations/reminded.html", json!({ "rows": [row(None)] })),
        ("obligations/reminded.html", json!({ "rows": [] })),
    ]
}
