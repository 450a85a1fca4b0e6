//! What the pages share: forms as they were typed, names, crumbs, tags, tabs.

use std::collections::HashMap;

use axum::extract::State as Shared;
use axum::response::Response;
use desk::Typed;
use futures::future::BoxFuture;
use kernel::{Date, Error, Msg, PersonId, Result, Scope, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Shell};

use crate::model::{Entry, EntryState, PlanState, Report, ReportState, month_of};
use crate::practical::{Practical, PracticalState};
use crate::service::Tasks;
use crate::store::Event;
use crate::{PLAN, READ, REPORT, REVIEW};

/// The month that a field holds.
pub(crate) fn month_in(typed: &Typed, field: &str) -> Result<Date> {
    let wrong = || Error::field(field, Msg::new("tasks-month-unread"));
    month_of(typed.get(field)).ok_or_else(wrong)
}

/// The whole number that a field holds; empty: none.
pub(crate) fn number_in(typed: &Typed, field: &str) -> Result<Option<i64>> {
    match typed.get(field).trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(n) if (-1_000_000_000..=1_000_000_000).contains(&n) => Ok(Some(n)),
            _ => Err(Error::field(field, Msg::new("tasks-number-unread"))),
        },
    }
}

pub(crate) fn crumbs(shell: &Shell, more: &[(&str, String)]) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("tasks-menu"),
        href: "/tasks".into(),
    }];
    crumbs.extend(more.iter().map(|(label, href)| Crumb {
        label: (*label).to_owned(),
        href: href.clone(),
    }));
    crumbs
}

/// The pages of the room.
pub(crate) fn tabs(shell: &Shell, access: &Access, current: &str) -> Vec<Value> {
    let reads = access.principal.scope(READ).is_some();
    let tab = |code: &str| {
        let (href, word) = match code {
            "" => ("/tasks".to_owned(), "plans"),
            code => (format!("/tasks/{code}"), code),
        };
        json!({ "label": shell.t(&format!("tasks-tab-{word}")), "href": href, "current": code == current })
    };
    let all = ["", "entries", "lists", "reports", "duties", "practical"];
    all.iter()
        .filter(|c| reads || c.is_empty())
        .map(|c| tab(c))
        .collect()
}

fn tag(text: String, tone: Tone, icon: Option<&'static str>) -> Tag {
    Tag { text, tone, icon }
}

pub(crate) fn plan_tag(shell: &Shell, state: PlanState) -> Tag {
    let tone = match state {
        PlanState::Draft | PlanState::Asked => Tone::Warn,
        PlanState::Issued => Tone::Brand,
        PlanState::Closed => Tone::Plain,
    };
    tag(shell.t(&format!("tasks-plan-{}", state.code())), tone, None)
}

pub(crate) fn entry_tag(shell: &Shell, e: &Entry, today: Date) -> Tag {
    if e.is_late(today) {
        return tag(shell.t("tasks-late"), Tone::Bad, Some("alert-triangle"));
    }
    let (tone, icon) = match e.state {
        EntryState::Open => (Tone::Brand, None),
        EntryState::Reached => (Tone::Ok, Some("check")),
        EntryState::Dropped | EntryState::Carried => (Tone::Plain, None),
    };
    tag(
        shell.t(&format!("tasks-entry-{}", e.state.code())),
        tone,
        icon,
    )
}

pub(crate) fn report_tag(shell: &Shell, r: &Report, today: Date) -> Tag {
    let late = r.is_late(today);
    let (tone, icon) = match r.state {
        ReportState::Accepted if late => (Tone::Warn, Some("check")),
        ReportState::Accepted => (Tone::Ok, Some("check")),
        ReportState::Open | ReportState::Returned if late => (Tone::Bad, Some("alert-triangle")),
        ReportState::Returned => (Tone::Warn, None),
        ReportState::Open => (Tone::Plain, None),
        ReportState::Handed => (Tone::Brand, None),
    };
    let key = match (r.state, late) {
        (ReportState::Open, true) => "tasks-report-late",
        (ReportState::Open, false) => "tasks-report-open",
        (ReportState::Handed, true) => "tasks-report-handed-late",
        (ReportState::Handed, false) => "tasks-report-handed",
        (ReportState::Returned, _) => "tasks-report-returned",
        (ReportState::Accepted, true) => "tasks-report-accepted-late",
        (ReportState::Accepted, false) => "tasks-report-accepted",
    };
    tag(shell.t(key), tone, icon)
}

pub(crate) fn practical_tag(shell: &Shell, p: &Practical, today: Date) -> Tag {
    if p.state == PracticalState::Running && p.is_late(today) {
        return tag(shell.t("tasks-late"), Tone::Bad, Some("alert-triangle"));
    }
    let (tone, icon) = match p.state {
        PracticalState::Running => (Tone::Brand, None),
        PracticalState::Done => (Tone::Warn, None),
        PracticalState::Confirmed | PracticalState::Settled => (Tone::Ok, Some("check")),
        PracticalState::Dropped => (Tone::Plain, None),
    };
    let key = format!("tasks-practical-{}", p.state.code());
    tag(shell.t(&key), tone, icon)
}

/// What happened, for a timeline.
pub(crate) fn history(s: &Tasks, shell: &Shell, events: &[Event]) -> Vec<Value> {
    let event = |e: &Event| {
        let number = e.number.as_deref().unwrap_or_default();
        json!({ "text": shell.t_with(&format!("tasks-did-{}", e.act), &[("number", number)]), "who": e.name, "reason": e.reason,
            "at": e.at.minute_text(s.env.zone()) })
    };
    events.iter().map(event).collect()
}

/// Names of units and people.
pub(crate) struct Names {
    pub(crate) units: HashMap<UnitId, String>,
    pub(crate) people: HashMap<PersonId, String>,
}

impl Names {
    async fn of_ids(s: &Tasks, units: Vec<UnitId>, people: Vec<PersonId>) -> Result<Self> {
        Ok(Self {
            units: s.organization.names(&units).await?,
            people: s.organization.person_names(&people).await?,
        })
    }

    // What is borrowed by the iterators is let go before anything is waited for.
    pub(crate) fn of<'s>(
        s: &'s Tasks,
        units: impl IntoIterator<Item = UnitId>,
        people: impl IntoIterator<Item = PersonId>,
    ) -> BoxFuture<'s, Result<Self>> {
        let units = units.into_iter().collect();
        Box::pin(Self::of_ids(s, units, people.into_iter().collect()))
    }

    pub(crate) fn of_entries<'s, 'e>(
        s: &'s Tasks,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> BoxFuture<'s, Result<Self>> {
        let (mut units, mut people) = (Vec::new(), Vec::new());
        for e in entries {
            units.push(e.content.unit);
            people.extend([e.content.person, e.content.leader].into_iter().flatten());
        }
        Box::pin(Self::of_ids(s, units, people))
    }

    pub(crate) fn person(&self, id: Option<PersonId>) -> Option<&String> {
        id.and_then(|id| self.people.get(&id))
    }
}

/// A row of a table of entries.
pub(crate) fn entry_row(s: &Tasks, shell: &Shell, e: &Entry, names: &Names) -> Value {
    let lang = shell.lang().code();
    let owner = s.words.owner(&e.content.owner);
    json!({ "href": e.href(), "number": e.call(), "short": e.number, "depth": e.depth(), "text": e.content.text, "target": e.content.target,
        "unit": names.units.get(&e.content.unit), "person": names.person(e.content.person), "leader": names.person(e.content.leader),
        "owner": owner.map_or(e.content.owner.as_str(), |o| o.name.get(lang)), "due": format_date(e.content.to), "percent": e.percent,
        "said": e.said, "weight": e.content.weight, "tag": entry_tag(shell, e, s.env.today()) })
}

/// Where those may be who are named: where one plans, reports, accepts or looks.
pub(crate) fn named_in(access: &Access) -> Scope {
    access.principal.reach(&[PLAN, REPORT, REVIEW, READ])
}

type Query = axum::extract::Query<Vec<(String, String)>>;

/// The units that a field offers while one types.
pub(crate) async fn unit_options(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The people that a field offers while one types.
pub(crate) async fn people_options(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::people_options(&s.organization, &shell, &access, pairs).await
}
