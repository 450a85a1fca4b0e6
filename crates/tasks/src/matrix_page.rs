//! Monthly reports of units over the months of a year (单位 × 月), who has not handed in, and the same as a sheet.

use std::collections::HashMap;

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Date, Result, UnitId, format_date};
use serde_json::json;
use web::table::{Asked, Window};
use web::{Access, Failure, Shell};

use crate::list_page::{year_of, years};
use crate::model::{Report, ReportState, month_of, month_text};
use crate::service::Tasks;
use crate::store::reports;
use crate::typed::{crumbs, report_tag, tabs};

const PAGE: i64 = 50;
/// Reports named as missing.
const MISSING: i64 = 100;
pub(crate) const SHEET: &str = "/tasks/reports/list.xlsx";

struct Grid {
    total: i64,
    units: Vec<UnitId>,
    names: HashMap<UnitId, String>,
    cells: HashMap<(UnitId, Date), Report>,
}

async fn grid(s: &Tasks, access: &Access, year: i16, window: Window) -> Result<Grid> {
    let mut tx = s.db.read().await?;
    let (total, units) = reports::units(&mut tx, &access.scope, year, window).await?;
    let found = reports::of_units(&mut tx, &units, year).await?;
    drop(tx);
    Ok(Grid {
        total,
        names: s.organization.names(&units).await?,
        cells: found.into_iter().map(|r| ((r.unit, r.month), r)).collect(),
        units,
    })
}

fn months(year: i16) -> impl Iterator<Item = Date> {
    (1..=12).map(move |n| Date::constant(year, n, 1))
}

pub(crate) async fn matrix(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let year = year_of(&asked).unwrap_or(today.year());
    let g = grid(&s, &access, year, asked.window(PAGE)).await?;
    // The month whose report is due next, or the one asked for.
    let last = today
        .first_of_month()
        .saturating_sub(1.day())
        .first_of_month();
    let month = asked.get("month").and_then(month_of).unwrap_or(last);
    let mut tx = s.db.read().await?;
    let [owed, handed, accepted, late] =
        reports::month(&mut tx, &access.scope, month, today).await?;
    let filter = reports::ReportFilter {
        late: Some(today),
        ..Default::default()
    };
    let window = Window::new(1, MISSING);
    let (missing_total, missing) = reports::list(&mut tx, &access.scope, &filter, window).await?;
    drop(tx);
    let row = |unit: &UnitId| {
        let cells = months(year).map(|month| match g.cells.get(&(*unit, month)) {
            Some(r) => json!({ "href": r.href(), "tag": report_tag(&shell, r, today), "omitted": r.omitted, "month": month_text(month) }),
            None => json!({ "href": null, "month": month_text(month) }),
        });
        json!({ "name": g.names.get(unit), "cells": cells.collect::<Vec<_>>() })
    };
    let units: Vec<UnitId> = missing.iter().map(|r| r.unit).collect();
    let names = s.organization.names(&units).await?;
    let lines = missing.iter().map(|r| {
        let days = i64::from((today - r.due).get_days());
        json!({ "href": r.href(), "unit": names.get(&r.unit), "month": month_text(r.month), "due": format_date(r.due), "days": days,
            "returned": r.state == ReportState::Returned })
    });
    let choices = months(year).map(|m| (month_text(m), month_text(m)));
    let context = json!({
        "rows": g.units.iter().map(row).collect::<Vec<_>>(), "year": year, "years": years(&s), "month": month_text(month),
        "months": choices.collect::<Vec<_>>(), "heads": (1..=12).collect::<Vec<_>>(), "owed": owed, "handed": handed, "accepted": accepted,
        "late": late, "missing": lines.collect::<Vec<_>>(), "missing_left": missing_total - missing.len() as i64,
        "export": format!("{SHEET}?year={year}"), "nav": tabs(&shell, &access, "reports"), "crumbs": crumbs(&shell, &[]),
        "pager": asked.pager(g.total, PAGE),
    });
    shell.page("tasks/reports.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let year = year_of(&asked).unwrap_or(today.year());
    let g = grid(&s, &access, year, Window::EXPORT).await?;
    Window::fits(g.total)?;
    identity::tell_list(&s.db, &s.env, &actor, "task-reports", g.units.len()).await?;
    let header: Vec<String> = [shell.t("tasks-unit")]
        .into_iter()
        .chain(months(year).map(month_text))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = g.units.iter().map(|unit| {
        let name = g.names.get(unit).cloned().unwrap_or_default();
        let cells = months(year).map(|month| match g.cells.get(&(*unit, month)) {
            Some(r) => Cell::Text(report_tag(&shell, r, today).text),
            None => Cell::Empty,
        });
        [Cell::Text(name)].into_iter().chain(cells).collect()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let name = format!("{}-{year}.xlsx", shell.t("tasks-tab-reports"));
    let bytes = xlsx(&shell.t("tasks-tab-reports"), &header, rows)?;
    Ok(web::attachment(web::XLSX, &name, bytes))
}
