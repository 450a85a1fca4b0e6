//! The results of a plan: unit by unit, the weakest first, beside what units said of themselves.

use axum::extract::{Path, State as With};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Result, UnitId};
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::model::Task;
use crate::plan_pages::PLACE;
use crate::planning::{href, task_href};
use crate::service::{Eyes, Inspections};
use crate::task_pages::{id_of, names};
use crate::view::{crumbs, percent};

/// A row of the results of a plan.
fn result_row(
    t: &Task,
    names: &std::collections::HashMap<UnitId, String>,
    w: &crate::Whole,
    selfs: &std::collections::HashMap<UnitId, i64>,
) -> [String; 8] {
    let own = selfs.get(&t.unit).copied();
    let gap = t.share.zip(own).map(|(share, own)| {
        let gap = share - own;
        format!("{}{}", if gap < 0 { "-" } else { "+" }, percent(gap.abs()))
    });
    [
        names.get(&t.unit).cloned().unwrap_or_default(),
        t.object.clone(),
        w.team(t.team).map(|g| g.name.clone()).unwrap_or_default(),
        t.done_on.map(kernel::format_date).unwrap_or_default(),
        t.share.map(percent).unwrap_or_default(),
        own.map(percent).unwrap_or_default(),
        gap.unwrap_or_default(),
        t.findings.to_string(),
    ]
}

const HEADS: [&str; 8] = [
    "inspection-unit",
    "inspection-object",
    "inspection-team",
    "inspection-done-on",
    "inspection-share",
    "inspection-self-share",
    "inspection-gap",
    "inspection-findings",
];

async fn results_of(
    s: &Inspections,
    access: &Access,
    id: &str,
) -> Result<(crate::Whole, Vec<Task>, Vec<[String; 8]>)> {
    let eyes = Eyes::from(access);
    let w = s.whole(id_of(id)?, &eyes).await?;
    let mut tasks = s.tasks_seen(&w, &eyes).await?;
    tasks.retain(|t| t.state.is_done());
    // The weakest first: that is where one looks.
    tasks.sort_by_key(|t| (t.share.unwrap_or(i64::MAX), std::cmp::Reverse(t.findings)));
    let selfs = s.self_shares(&w).await?;
    let names = names(s, &w).await?;
    let rows = tasks
        .iter()
        .map(|t| result_row(t, &names, &w, &selfs))
        .collect();
    Ok((w, tasks, rows))
}

pub(crate) async fn results(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (w, tasks, rows) = results_of(&s, &access, &id).await?;
    let rows = tasks.iter().zip(rows);
    let rows: Vec<Value> = rows
        .map(|(t, cells)| json!({ "href": task_href(t.id), "cells": cells }))
        .collect();
    let scored: Vec<i64> = tasks.iter().filter_map(|t| t.share).collect();
    let mean = match scored.len() {
        0 => None,
        n => Some(percent(scored.iter().sum::<i64>() / n as i64)),
    };
    let heads = HEADS.map(|key| shell.t(key));
    shell.page(
        "inspections/results.html",
        json!({ "title": w.plan.title, "crumbs": crumbs(&shell, "inspections-menu", PLACE), "href": href(w.plan.id),
            "rows": rows, "heads": heads, "mean": mean, "n": tasks.len(),
            "findings": tasks.iter().map(|t| t.findings).sum::<i64>() }),
    )
}

pub(crate) async fn results_sheet(
    With(s): With<Inspections>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (w, _, rows) = results_of(&s, &access, &id).await?;
    identity::tell_list(&s.db, &s.env, &actor, "inspection-results", rows.len()).await?;
    let heads = HEADS.map(|key| shell.t(key));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let rows = rows.into_iter().map(|cells| cells.map(Cell::Text).to_vec());
    let bytes = xlsx(&shell.t("inspection-results"), &heads, rows)?;
    let name = format!(
        "{}-{}.xlsx",
        w.plan.title,
        kernel::format_date(s.env.today())
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}
