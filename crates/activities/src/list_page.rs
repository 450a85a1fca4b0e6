//! The list of activities: filtered, ordered, page by page, and as a spreadsheet.

use axum::extract::{Query, State};
use axum::response::Response;
use commons::sheets::write;
use identity::Actor;
use kernel::{Error, Result, Scope, UnitId};
use organization::Unit;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Pager;
use web::{Access, Failure, Form, Shell};

use crate::pages::{confirmation_tag, group_options, kind_options, tags};
use crate::store::Filter;
use crate::{Activities, CONFIRM, Confirmation, RECORD};

const PAGE: i64 = 20;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 10] = [
    Column::new("title", "activity-title"),
    Column::new("host", "activity-host"),
    Column::new("date", "activity-date").sorts(),
    Column::new("minutes", "activity-minutes")
        .number()
        .on_demand(),
    Column::new("location", "activity-location").on_demand(),
    Column::new("present", "present-of-expected").number(),
    Column::new("recorded", "activity-recorded-at")
        .sorts()
        .on_demand(),
    Column::new("level", "activity-level").on_demand(),
    Column::new("state", "activity-state"),
    Column::new("confirmation", "activity-confirmation"),
];
/// The newest first.
pub(crate) const USUAL: Order = Order {
    by: "date",
    down: true,
};

/// What was asked for; texts that mean nothing are left out, so that an old link still works. A unit that was typed
/// and is not there is an error: the list of all units would be taken for its own.
async fn filter(s: &Activities, asked: &Asked, scope: &Scope) -> Result<(Filter, Option<Unit>)> {
    let unit = match asked.get("unit").filter(|u| !u.trim().is_empty()) {
        Some(text) => Some(s.organization.unit_picked("unit", text, scope).await?),
        None => None,
    };
    Ok((rest(s, asked, unit.as_ref().map(|u| u.id)), unit))
}

fn rest(s: &Activities, asked: &Asked, under: Option<UnitId>) -> Filter {
    let date = |name| asked.get(name).and_then(kernel::parse_date);
    Filter {
        under,
        kind: asked.get("kind").map(str::to_owned),
        kinds: asked
            .get("group")
            .filter(|g| !g.is_empty())
            .map(|group| s.kinds.in_group(group)),
        series: asked.get("series").and_then(|id| id.parse().ok()),
        from: date("from"),
        to: date("to"),
        standing: match asked.get("state") {
            Some("standing") => Some(true),
            Some("reversed") => Some(false),
            _ => None,
        },
        confirmation: asked.get("confirmation").and_then(Confirmation::from_code),
        level: asked.get("level").map(str::to_owned),
        not_of: Vec::new(),
    }
}

/// The units that the filter offers while one types.
pub(crate) async fn unit_options(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

pub(crate) async fn list(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let mut form = Form::default();
    let (filter, unit) = match filter(&s, &asked, &access.scope).await {
        Ok(found) => found,
        Err(error @ Error::Invalid(_)) => {
            form = form.reject(&shell, error)?;
            (rest(&s, &asked, None), None)
        }
        Err(other) => return Err(other.into()),
    };
    let mut page = asked.page();
    let (mut rows, total) = match form.list.is_empty() {
        true => {
            s.list(
                crate::opinion_pages::reader(&access),
                &filter,
                order,
                page,
                PAGE,
            )
            .await?
        }
        false => Default::default(),
    };
    if rows.is_empty() && total > 0 {
        // Past the end is the last page.
        page = (total - 1) / PAGE + 1;
        (rows, _) = s
            .list(
                crate::opinion_pages::reader(&access),
                &filter,
                order,
                page,
                PAGE,
            )
            .await?;
    }
    let hosts: Vec<UnitId> = rows.iter().map(|(a, ..)| a.host).collect();
    let names = s.organization.names(&hosts).await?;
    let lang = shell.lang().code();
    let rows: Vec<Value> = rows
        .iter()
        .map(|(a, present, expected)| {
            json!({
                "href": format!("/activities/{}", a.id),
                "title": a.title,
                "kind": s.kinds.get(&a.kind).map_or(a.kind.as_str(), |k| k.name.get(lang)),
                "host": names.get(&a.host),
                "date": kernel::format_date(a.date),
                "minutes": a.minutes,
                "location": a.location,
                "recorded": a.recorded_at.0,
                "level": s.levels.name(&a.level, lang),
                "present": present,
                "expected": expected,
                "tags": tags(&shell, a),
                "confirmation": confirmation_tag(&shell, a),
            })
        })
        .collect();
    let mut chips = Vec::new();
    let mut chip = |label: String, name: &str| {
        chips.push(asked.chip(name, label));
    };
    match &unit {
        Some(unit) => chip(unit.name.clone(), "unit"),
        // What was typed and is no unit can be taken away like a filter.
        None if !form.list.is_empty() => {
            chip(asked.get("unit").unwrap_or_default().to_owned(), "unit")
        }
        None => {}
    }
    if let Some(kind) = filter.kind.as_ref().and_then(|k| s.kinds.get(k)) {
        chip(kind.name.get(lang).to_owned(), "kind");
    }
    if let Some(group) = asked.get("group").and_then(|g| s.kinds.group(g)) {
        chip(group.name.get(lang).to_owned(), "group");
    }
    if let Some(series) = filter.series {
        let names = s.series_names(&[series]).await?;
        chip(names.get(&series).cloned().unwrap_or_default(), "series");
    }
    for (name, date) in [("from", filter.from), ("to", filter.to)] {
        if let Some(date) = date {
            let date = kernel::format_date(date);
            let label = shell.t_with(&format!("filter-{name}"), &[("date", &date)]);
            chip(label, name);
        }
    }
    if let Some(standing) = filter.standing {
        let state = if standing { "standing" } else { "reversed" };
        chip(shell.t(&format!("state-{state}")), "state");
    }
    if let Some(confirmation) = filter.confirmation {
        let label = shell.t(&format!("confirmation-{}", confirmation.code()));
        chip(label, "confirmation");
    }
    if let Some(level) = &filter.level {
        chip(s.levels.name(level, lang).to_owned(), "level");
    }
    let given = |name| asked.get(name).unwrap_or_default();
    let date = |date: Option<_>| date.map(kernel::format_date).unwrap_or_default();
    let named = unit.as_ref().map_or(given("unit"), |u| &u.code);
    let form = form
        .with("unit", named)
        .with("kind", given("kind"))
        .with("group", given("group"))
        .with("series", given("series"))
        .with("from", date(filter.from))
        .with("to", date(filter.to))
        .with("state", given("state"))
        .with("level", given("level"))
        .with("confirmation", given("confirmation"));
    shell.page(
        "activities/list.html",
        json!({
            "rows": rows, "form": form, "chips": chips,
            "unit_name": unit.as_ref().map(|u| &u.name), "kinds": kind_options(&s, lang), "groups": group_options(&s, lang), "levels": s.levels.options(lang),
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/activities/export")),
            "pager": Pager::new(total as u64, PAGE as u64, page as u64, |n| asked.at_page(n)),
            "may_confirm": access.principal.scope(CONFIRM).is_some(),
            "may_record": access.principal.scope(RECORD).is_some(),
        }),
    )
}

/// The filtered list as a spreadsheet: the same query, the same scope.
pub(crate) async fn export(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, _) = filter(&s, &asked, &access.scope).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (rows, total) = s
        .list(&access, &filter, order, 1, Window::EXPORT.size)
        .await?;
    Window::fits(total)?;
    let hosts: Vec<UnitId> = rows.iter().map(|(a, ..)| a.host).collect();
    let names = s.organization.names(&hosts).await?;
    let zh = shell.lang().code();
    let header: Vec<String> = [
        "date",
        "kind",
        "title",
        "host",
        "minutes",
        "present",
        "expected",
        "level",
        "state",
        "confirmation",
    ]
    .iter()
    .map(|k| shell.t(&format!("activity-{k}")))
    .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let lines = rows.iter().map(|(a, present, expected)| {
        let text = |t: &str| write::Value::Text(t.to_owned());
        vec![
            write::Value::Date(a.date),
            text(
                s.kinds
                    .get(&a.kind)
                    .map_or(a.kind.as_str(), |k| k.name.get(zh)),
            ),
            text(&a.title),
            text(names.get(&a.host).map_or("", String::as_str)),
            write::Value::Int(a.minutes),
            write::Value::Int(*present),
            write::Value::Int(*expected),
            text(s.levels.name(&a.level, zh)),
            text(&shell.t(if a.reversed_at.is_some() {
                "state-reversed"
            } else {
                "state-standing"
            })),
            text(&confirmation_tag(&shell, a).text),
        ]
    });
    let title = shell.t("menu-activities");
    let bytes = write::xlsx(&title, &header, lines)?;
    // What leaves the program leaves a trace.
    let detail =
        json!({ "rows": total, "unit": filter.under, "kind": filter.kind, "level": filter.level });
    let entry = actor.audit("activities.exported", ("activities", ""), detail);
    db::transaction!(s.db, |tx| identity::record(tx, &s.env, &entry).await)?;
    let name = format!("{title}-{}.xlsx", kernel::format_date(s.env.today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}
