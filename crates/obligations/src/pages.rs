//! Pages of obligations: how all units stand over a year, and one unit week by week.

use axum::extract::{Path, Query, State as Ax};
use axum::response::Response;
use kernel::{Date, Error, Period, PeriodKind, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Kpi, Pager, Tag, Tone};
use web::{Access, Failure, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::service::Line;
use crate::state::State;
use crate::{Obligations, READ, Rule};

const PAGE: usize = 50;

/// What the crate brings to the house.
pub fn module(obligations: Obligations) -> Module {
    let source = std::sync::Arc::new(crate::searching::Source(obligations.clone()));
    let routes = Routes::new()
        .get("/obligations", Policy::Permission(READ), overview)
        .get("/obligations/{code}/{unit}", Policy::Permission(READ), unit)
        .merge(crate::api::routes())
        .with_state(obligations);
    Module {
        name: "obligations",
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Work,
            order: 30,
            label_key: "menu-obligations",
            href: "/obligations",
            icon: "checklist",
            permission: Some(READ),
        }],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/obligations.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/obligations.ftl")),
        ],
        templates: vec![
            (
                "obligations/overview.html",
                include_str!("../templates/overview.html"),
            ),
            (
                "obligations/unit.html",
                include_str!("../templates/unit.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        search: vec![source],
    }
}

#[derive(Debug, Default, Deserialize)]
struct OverviewQuery {
    rule: Option<String>,
    year: Option<i16>,
    page: Option<usize>,
}

fn year_of(asked: Option<i16>, today: Date) -> (i16, Period) {
    let year = asked
        .filter(|y| (2000..=today.year()).contains(y))
        .unwrap_or(today.year());
    (
        year,
        Period::containing(PeriodKind::Year, Date::constant(year, 1, 1)),
    )
}

pub(crate) fn tone(state: State) -> Tone {
    match state {
        State::Done => Tone::Ok,
        State::MadeUp | State::Soon => Tone::Warn,
        State::Overdue => Tone::Bad,
        State::Exempt | State::Upcoming => Tone::Plain,
    }
}

fn key(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::MadeUp => "made-up",
        State::Soon => "soon",
        State::Overdue => "overdue",
        State::Exempt => "exempt",
        State::Upcoming => "upcoming",
    }
}

fn tag(shell: &Shell, state: State) -> Tag {
    Tag {
        text: shell.t(&format!("state-{}", key(state))),
        tone: tone(state),
        icon: None,
    }
}

/// The occurrences of a line as squares of a heat calendar.
fn squares(shell: &Shell, line: &Line) -> Vec<Value> {
    line.occurrences
        .iter()
        .map(|(o, state, done)| {
            let due = o.due.unwrap_or(o.window.to);
            let mut label = format!(
                "{} {}",
                kernel::format_date(due),
                shell.t(&format!("state-{}", key(*state)))
            );
            if let Some(done) = done {
                label += &format!(" ({})", kernel::format_date(*done));
            }
            json!({ "state": key(*state), "label": label, "month": o.window.from.month() })
        })
        .collect()
}

async fn overview(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Query(q): Query<OverviewQuery>,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let rule = q
        .rule
        .as_deref()
        .and_then(|c| s.rules.get(c))
        .or_else(|| s.rules.iter().next());
    let Some(rule) = rule else {
        return shell.page(
            "obligations/overview.html",
            json!({ "rule": null, "computing": false }),
        );
    };
    let today = s.env.today();
    let (year, period) = year_of(q.year, today);
    let units = s.bound(rule, &access.scope, None).await?;
    let total = units.len();
    let Some(lines) = s.lines(rule, units, period).await? else {
        return shell.page(
            "obligations/overview.html",
            json!({ "rule": null, "computing": true }),
        );
    };
    let (done, due) = lines
        .iter()
        .map(Line::tally)
        .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let overdue = due - done;
    let late: usize = lines
        .iter()
        .flat_map(|l| &l.occurrences)
        .filter(|(_, state, _)| *state == State::MadeUp)
        .count();
    // Past the end is the last page.
    let page = q.page.unwrap_or(1).clamp(1, total.div_ceil(PAGE).max(1));
    let rows: Vec<Value> = lines
        .iter()
        .skip((page - 1) * PAGE)
        .take(PAGE)
        .map(|l| row(&shell, rule, l, year, today))
        .collect();
    let kpi = |key: &str, value: usize, unit: &str| Kpi {
        label: shell.t(key),
        value: Some(value.to_string()),
        unit: shell.t(unit),
        as_of: Some(s.env.now().minute_text(s.env.zone())),
        ..Kpi::default()
    };
    let rate = if due == 0 {
        None
    } else {
        Some(format!("{:.1}", done as f64 * 100.0 / due as f64))
    };
    let kpis = vec![
        Kpi {
            label: shell.t("obligation-rate"),
            value: Some(rate.unwrap_or_else(|| "–".into())),
            unit: "%".into(),
            definition: Some(shell.t_with(
                "obligation-rate-of",
                &[("done", &done.to_string()), ("due", &due.to_string())],
            )),
            as_of: Some(s.env.now().minute_text(s.env.zone())),
            ..Kpi::default()
        },
        kpi("obligation-due", due, "times"),
        kpi("obligation-made-up", late, "times"),
        kpi("obligation-overdue", overdue, "times"),
    ];
    let href = |y: i16| format!("/obligations?rule={}&year={y}", rule.code);
    shell.page(
        "obligations/overview.html",
        json!({
            "rule": {
                "code": rule.code, "name": rule.name.get(lang),
                "document": rule.document.get(lang), "article": rule.article.get(lang),
            },
            "rules": s.rules.iter().map(|r| (r.code.as_str(), r.name.get(lang))).collect::<Vec<_>>(),
            "year": year, "previous": href(year - 1),
            "next": (year < today.year()).then(|| href(year + 1)),
            "calendar_known": s.calendar.knows_year(year),
            "kpis": kpis, "rows": rows, "legend": legend(&shell),
            "pager": Pager::new(total as u64, PAGE as u64, page as u64, |n| format!("{}&page={n}", href(year))),
        }),
    )
}

fn legend(shell: &Shell) -> Vec<(&'static str, String)> {
    [
        State::Done,
        State::MadeUp,
        State::Soon,
        State::Overdue,
        State::Exempt,
        State::Upcoming,
    ]
    .into_iter()
    .map(|s| (key(s), shell.t(&format!("state-{}", key(s)))))
    .collect()
}

fn row(shell: &Shell, rule: &Rule, line: &Line, year: i16, today: Date) -> Value {
    let (done, due) = line.tally();
    let now = line
        .occurrences
        .iter()
        .find(|(o, ..)| o.window.contains(today))
        .map(|(_, s, _)| tag(shell, *s));
    json!({
        "href": format!("/obligations/{}/{}?year={year}", rule.code, line.unit.id),
        "name": line.unit.name, "done": done, "due": due, "now": now,
        "squares": squares(shell, line),
        "rate": if due == 0 { 100.0 } else { done as f64 * 100.0 / due as f64 },
        "summary": shell.t_with("obligation-summary", &[("unit", &line.unit.name), ("done", &done.to_string()), ("due", &due.to_string())]),
    })
}

#[derive(Debug, Default, Deserialize)]
struct UnitQuery {
    year: Option<i16>,
}

async fn unit(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Path((code, unit)): Path<(String, String)>,
    Query(q): Query<UnitQuery>,
) -> Result<Response, Failure> {
    let rule = s.rule(&code)?;
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(unit, &access.scope).await?;
    let lang = shell.lang().code();
    let (year, period) = year_of(q.year, s.env.today());
    let lines = s.lines(rule, vec![unit.clone()], period).await?;
    let computing = lines.is_none();
    let line = lines.and_then(|l| l.into_iter().next());
    let category = s.category(&code);
    let weeks: Vec<Value> = line
        .iter()
        .flat_map(|l| l.occurrences.iter().rev())
        .map(|(o, state, done)| {
            let date = o.due.unwrap_or(o.window.to);
            json!({
                "from": kernel::format_date(o.window.from), "to": kernel::format_date(o.window.to),
                "due": o.due.map(kernel::format_date), "done": done.map(kernel::format_date),
                "tag": tag(&shell, *state), "state": key(*state),
                "rows": done.map(|_| format!("/activities?unit={}&from={}&to={}&state=standing{}", unit.id,
                    kernel::format_date(o.window.from), kernel::format_date(o.window.to),
                    category.as_ref().map(|c| format!("&kind={c}")).unwrap_or_default())),
                "record": matches!(state, State::Soon | State::Overdue).then(|| category.as_ref().map(|c|
                    format!("/activities/new?kind={c}&unit={}&date={}", unit.id, kernel::format_date(date)))).flatten(),
            })
        })
        .collect();
    let (done, due) = line.as_ref().map_or((0, 0), Line::tally);
    shell.page(
        "obligations/unit.html",
        json!({
            "unit": unit.name, "rule": rule.name.get(lang), "document": rule.document.get(lang),
            "article": rule.article.get(lang), "year": year, "computing": computing, "weeks": weeks, "done": done, "due": due,
            "squares": line.as_ref().map(|l| squares(&shell, l)).unwrap_or_default(),
            "summary": shell.t_with("obligation-summary", &[("unit", &unit.name), ("done", &done.to_string()), ("due", &due.to_string())]),
            "legend": legend(&shell),
            "may_record": access.principal.scope("activity.record").is_some(),
            "crumbs": [Crumb { label: shell.t("menu-obligations"), href: format!("/obligations?rule={code}&year={year}") }],
        }),
    )
}
