//! The board by step (看板), the heat of units by field of work (热力图), the wall chart (挂图作战), the list of measures (任务清单).

use std::collections::HashMap;

use axum::extract::State as Shared;
use axum::response::Response;
use commons::rates::{Rate, Side};
use commons::sheets::write::xlsx;
use kernel::{Period, PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Order, Window};
use web::{Access, Failure, Shell};

use crate::kind::Stage;
use crate::list_page::{AGES, PLACE, Wanted, age_code, all_values, raised_in, rows};
use crate::model::{Filter, Tab, Task, View};
use crate::pages::{actor_of, crumbs};
use crate::service::Cases;

/// Cards in a column of the board.
const CARDS: i64 = 8;
/// Rows of a wall chart.
const WALL: i64 = 200;
const PAGE: i64 = 50;
/// Rates of the year, by their codes in the packs.
const RATES: [&str; 3] = ["case-closed-rate", "case-on-time-rate", "case-held-rate"];
/// Permission to open indicators.
const INDICATORS: &str = "indicator.read";

pub(crate) async fn board(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let lang = shell.lang().code();
    let counts = s.counts(&wanted.eyes, &wanted.filter).await?;
    let mut columns = Vec::new();
    for stage in Stage::ALL {
        let (view, by, down) = match stage {
            Stage::Closed => (View::Closed, "closed", true),
            _ => (View::Problems, "due", false),
        };
        let filter = Filter {
            stage: Some(stage),
            view,
            ..wanted.filter.clone()
        };
        let (_, found) = s
            .list(
                Tab::Unit,
                &filter,
                &wanted.eyes,
                Order { by, down },
                Window::new(1, CARDS),
            )
            .await?;
        let n = counts
            .iter()
            .find(|(st, _)| *st == stage)
            .map_or(0, |(_, n)| *n);
        let href = Asked::read(&asked.clone().at(PLACE).with("stage", stage.code()))
            .with("view", view.code());
        columns.push(json!({ "name": shell.t(&format!("cases-stage-{}", stage.code())), "n": n, "href": href,
            "note": shell.t(&format!("cases-stage-note-{}", stage.code())), "cards": rows(&s, &shell, &found).await? }));
    }
    let heat = heat(&s, &shell, &wanted).await?;
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let rates = rates(&s, &shell, &access, &wanted).await?;
    let ages = ages(&s, &shell, &wanted).await?;
    shell.page(
        "cases/board.html",
        json!({ "columns": columns, "heat": heat, "kinds": kinds, "kind": wanted.filter.kind, "rates": rates, "ages": ages, "crumbs": crumbs(&shell) }),
    )
}

/// The units at which a reader's numbers are read: one that was asked for, or the highest that they may see.
async fn tops(s: &Cases, wanted: &Wanted) -> Result<Vec<UnitId>> {
    if let Some(unit) = wanted.filter.unit {
        return Ok(vec![unit]);
    }
    let units = s.organization.units(&wanted.eyes.reads).await?;
    let seen: std::collections::HashSet<UnitId> = units.iter().map(|u| u.id).collect();
    let tops = units
        .iter()
        .filter(|u| u.parent.is_none_or(|p| !seen.contains(&p)));
    Ok(tops.map(|u| u.id).collect())
}

/// Rates of this year (比率): what of what; each number opens its rows where its reader may.
async fn rates(s: &Cases, shell: &Shell, access: &Access, wanted: &Wanted) -> Result<Vec<Value>> {
    let Some(from) = &s.rates else {
        return Ok(Vec::new());
    };
    let today = s.env.today();
    let year = Period {
        from: today.first_of_year(),
        to: today,
    };
    let tops = tops(s, wanted).await?;
    let may = access.principal.scope(INDICATORS).is_some();
    let unit = match tops.as_slice() {
        [one] => format!("&unit={one}"),
        _ => String::new(),
    };
    let href = |code: &str| {
        let (from, to) = (format_date(year.from), format_date(year.to));
        may.then(|| format!("/indicators/{code}?from={from}&to={to}{unit}"))
    };
    let lang = shell.lang().code();
    let side =
        |side: &Side| json!({ "n": side.n, "href": href(&side.code), "name": side.name.get(lang) });
    let shown = |r: &Rate| {
        json!({ "name": r.name.get(lang), "href": href(&r.code), "percent": r.percent,
            "part": side(&r.part), "whole": side(&r.whole) })
    };
    Ok(from
        .rates(&RATES, &tops, year)
        .await?
        .iter()
        .map(shown)
        .collect())
}

/// Open cases by how long ago they were raised (长期未结); each number opens its list.
async fn ages(s: &Cases, shell: &Shell, wanted: &Wanted) -> Result<Vec<Value>> {
    let today = s.env.today();
    let stretches = AGES.map(|age| raised_in(age, today));
    let mut tx = s.db.read().await?;
    let (reads, filter) = (&wanted.eyes.reads, &wanted.filter);
    let found = crate::store::list::ages(&mut tx, reads, filter, &stretches).await?;
    drop(tx);
    let row = |(age, n): (&(i64, i64), i64)| {
        let key = if age.1 > 3_650 {
            "cases-age-over"
        } else {
            "cases-age"
        };
        let days = [("from", age.0.to_string()), ("to", age.1.to_string())];
        let days = days.each_ref().map(|(k, v)| (*k, v.as_str()));
        let mut href = format!(
            "{PLACE}?view=problems&age={}&kind={}",
            age_code(*age),
            filter.kind
        );
        if let Some(unit) = filter.unit {
            href += &format!("&unit={unit}");
        }
        json!({ "name": shell.t_with(key, &days), "n": n, "href": href, "bad": age.0 > 90 && n > 0 })
    };
    Ok(AGES.iter().zip(found).map(row).collect())
}

/// Open cases of units by field of work; each number opens its list.
async fn heat(s: &Cases, shell: &Shell, wanted: &Wanted) -> Result<Value> {
    let lang = shell.lang().code();
    let mut tx = s.db.read().await?;
    let found = crate::store::list::heat(&mut tx, &wanted.eyes.reads, &wanted.filter).await?;
    drop(tx);
    let mut sums: HashMap<UnitId, i64> = HashMap::new();
    for ((unit, _), n) in &found {
        *sums.entry(*unit).or_default() += n;
    }
    let mut units: Vec<(UnitId, i64)> = sums.into_iter().collect();
    units.sort_by_key(|(unit, n)| (-n, *unit));
    units.truncate(60);
    let ids: Vec<UnitId> = units.iter().map(|(u, _)| *u).collect();
    let names = s.organization.names(&ids).await?;
    let mut areas: Vec<(String, String)> = all_values(s, |k| &k.areas)
        .into_iter()
        .map(|c| (c.code.clone(), c.name.get(lang).to_owned()))
        .collect();
    if found.keys().any(|(_, area)| area.is_empty()) {
        areas.push((String::new(), shell.t("cases-none")));
    }
    let most = found.values().copied().max().unwrap_or(0).max(1);
    let list = units.iter().map(|(unit, sum)| {
        let cells = areas.iter().map(|(area, _)| {
            let n = found.get(&(*unit, area.clone())).copied().unwrap_or(0);
            let level = if n == 0 { 0 } else { 1 + (n * 4) / most };
            let href = (n > 0 && !area.is_empty()).then(|| format!("{PLACE}?unit={unit}&area={area}&kind={}", wanted.filter.kind));
            json!({ "n": n, "level": level.min(5), "href": href })
        });
        json!({ "name": names.get(unit), "href": format!("{PLACE}?unit={unit}&kind={}", wanted.filter.kind), "sum": sum, "cells": cells.collect::<Vec<_>>() })
    });
    Ok(
        json!({ "areas": areas.iter().map(|(_, n)| n).collect::<Vec<_>>(), "rows": list.collect::<Vec<_>>() }),
    )
}

/// A sheet to hang on the wall: what is open, by day.
pub(crate) async fn wall(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let order = Order {
        by: "due",
        down: false,
    };
    let (total, found) = s
        .list(
            wanted.tab,
            &wanted.filter,
            &wanted.eyes,
            order,
            Window::new(1, WALL),
        )
        .await?;
    let context = json!({ "rows": rows(&s, &shell, &found).await?, "total": total, "left": total - found.len() as i64,
        "today": format_date(s.env.today()), "crumbs": crumbs(&shell) });
    shell.page("cases/wall.html", context)
}

async fn task_rows(s: &Cases, list: &[Task]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = list.iter().map(|t| t.unit).collect();
    let people: Vec<PersonId> = list.iter().map(|t| t.measure.owner).collect();
    let (units, people) = (
        s.organization.names(&units).await?,
        s.organization.person_names(&people).await?,
    );
    let today = s.env.today();
    let row = |t: &Task| {
        json!({ "href": crate::model::href(t.id), "number": t.number, "title": t.title, "text": t.measure.text,
            "unit": units.get(&t.unit), "owner": people.get(&t.measure.owner), "due": format_date(t.measure.due),
            "late": t.measure.due < today })
    };
    Ok(list.iter().map(row).collect())
}

pub(crate) async fn tasks(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let mine = asked.get("mine") == Some("1") || wanted.eyes.reads.is_empty();
    let person = wanted.eyes.person.filter(|_| mine);
    let (total, list) = match (mine, person) {
        (true, None) => (0, Vec::new()),
        _ => {
            s.tasks(person, &wanted.eyes, wanted.filter.unit, asked.window(PAGE))
                .await?
        }
    };
    let context = json!({ "rows": task_rows(&s, &list).await?, "mine": mine, "may_all": !wanted.eyes.reads.is_empty(),
        "pager": asked.pager(total, PAGE), "export": asked.filtered("/cases/tasks.xlsx"), "crumbs": crumbs(&shell) });
    shell.page("cases/tasks.html", context)
}

pub(crate) async fn tasks_sheet(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let mine = asked.get("mine") == Some("1") || wanted.eyes.reads.is_empty();
    let person = wanted.eyes.person.filter(|_| mine);
    let (total, list) = match (mine, person) {
        (true, None) => (0, Vec::new()),
        _ => {
            s.tasks(person, &wanted.eyes, wanted.filter.unit, Window::EXPORT)
                .await?
        }
    };
    Window::fits(total)?;
    identity::tell_list(
        &s.db,
        &s.env,
        &actor_of(&access),
        "case-measures",
        list.len(),
    )
    .await?;
    let rows = task_rows(&s, &list).await?;
    let header = ["number", "title", "text", "unit", "owner", "due"];
    let cells = rows.iter().map(|row| {
        let text = |key: &&str| row[*key].as_str().unwrap_or_default().into();
        header.iter().map(text).collect()
    });
    let names = header.map(|key| shell.t(&format!("cases-task-{key}")));
    let bytes = xlsx(
        &shell.t("cases-tasks"),
        &names.each_ref().map(String::as_str),
        cells.collect::<Vec<_>>(),
    )?;
    let name = format!(
        "{}-{}.xlsx",
        shell.t("cases-tasks"),
        format_date(s.env.today())
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}
