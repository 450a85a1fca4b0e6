//! The catalogue of definitions (指标目录): which indicators the packs bring, how each comes about.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::words::Words;
use kernel::{Result, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Chip, Crumb};
use web::{Failure, Shell};

use crate::{Indicator, Indicators};

const PAGE: i64 = 50;
pub(crate) const PLACE: &str = "/indicators/catalogue";
pub(crate) const SHEET: &str = "/indicators/catalogue.xlsx";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 8] = [
    Column::new("name", "indicator-name").sorts(),
    Column::new("code", "indicator-code-label")
        .sorts()
        .on_demand(),
    Column::new("definition", "indicator-definition"),
    Column::new("measure", "indicator-measure-label").sorts(),
    Column::new("unit", "indicator-unit-of-figure"),
    Column::new("target", "indicator-target").number(),
    Column::new("better", "indicator-better").on_demand(),
    Column::new("pack", "indicator-pack").sorts(),
];
const USUAL: Order = Order {
    by: "pack",
    down: false,
};

/// An indicator in the reader's language, in the order of the columns.
fn said(s: &Indicators, shell: &Shell, i: &Indicator) -> [String; 8] {
    let lang = shell.lang().code();
    let unit = i.unit.get(lang);
    [
        i.name.get(lang).to_owned(),
        i.code.clone(),
        i.definition.get(lang).to_owned(),
        shell.t(i.measure.key()),
        unit.to_owned(),
        i.target.map_or_else(String::new, |t| format!("{t}{unit}")),
        shell.t(i.direction.key()),
        s.list.pack_name(&i.pack, lang).to_owned(),
    ]
}

/// The definitions that an address asks for, in its order.
fn found<'s>(s: &'s Indicators, shell: &Shell, asked: &Asked) -> Vec<(&'s Indicator, [String; 8])> {
    let words = Words::new(asked.get("q").unwrap_or_default());
    let fits = |i: &&Indicator| {
        let given = |name, own: &str| asked.get(name).is_none_or(|wanted| wanted == own);
        let text = || {
            let (name, about) = (&i.name, &i.definition);
            format!(
                "{} {} {} {} {}",
                i.code, name.zh, about.zh, name.en, about.en
            )
        };
        given("pack", &i.pack)
            && given("measure", i.measure.code())
            && (words.is_empty() || words.are_in(&text()))
    };
    let all = s.list.iter().filter(fits);
    let mut all: Vec<_> = all.map(|i| (i, said(s, shell, i))).collect();
    let order = Table::order(&COLUMNS, asked, USUAL);
    // Stable: within a pack they stay as it has them.
    if let Some(n) = COLUMNS.iter().position(|c| c.key == order.by) {
        all.sort_by(|(_, a), (_, b)| {
            let way = a[n].cmp(&b[n]);
            if order.down { way.reverse() } else { way }
        });
    }
    all
}

pub(crate) async fn list(
    State(s): State<Indicators>,
    shell: Shell,
    asked: Asked,
) -> Result<Response, Failure> {
    let lang = shell.lang().code();
    let all = found(&s, &shell, &asked);
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let window = asked.window(PAGE);
    let skip = usize::try_from(window.offset(total)).unwrap_or(0);
    let page = all.iter().skip(skip).take(PAGE.unsigned_abs() as usize);
    let row = |(i, cells): &(&Indicator, [String; 8])| {
        let cells = COLUMNS.iter().zip(cells).map(|(c, text)| (c.key, text));
        json!({ "href": format!("/indicators/{}", i.code), "cells": cells.collect::<BTreeMap<_, _>>() })
    };
    let rows: Vec<Value> = page.map(row).collect();
    let packs: Vec<(&str, &str)> = s.list.packs(lang).collect();
    let mut measures: Vec<(&str, String)> = Vec::new();
    for i in s.list.iter() {
        let code = i.measure.code();
        if measures.iter().all(|(known, _)| *known != code) {
            measures.push((code, shell.t(i.measure.key())));
        }
    }
    let mut chips: Vec<Chip> = Vec::new();
    if let Some(q) = asked.get("q") {
        chips.push(asked.chip("q", q));
    }
    if let Some(pack) = asked.get("pack") {
        chips.push(asked.chip("pack", s.list.pack_name(pack, lang)));
    }
    if let Some(measure) = asked.get("measure") {
        let name = measures.iter().find(|(code, _)| *code == measure);
        chips.push(asked.chip("measure", name.map_or(measure, |(_, name)| name)));
    }
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let context = json!({
        "rows": rows, "q": asked.get("q").unwrap_or_default(), "packs": packs, "pack": asked.get("pack"),
        "measures": measures, "measure": asked.get("measure"), "chips": chips,
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
        "crumbs": [Crumb { label: shell.t("menu-indicators"), href: "/indicators".into() }],
    });
    shell.page("indicators/catalogue.html", context)
}

pub(crate) async fn sheet(
    State(s): State<Indicators>,
    shell: Shell,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let all = found(&s, &shell, &asked);
    Window::fits(i64::try_from(all.len()).unwrap_or(i64::MAX))?;
    if let Some(db) = &s.audit {
        identity::tell_list(db, &s.env, &actor, "indicators", all.len()).await?;
    }
    let rows = all.into_iter();
    let rows = rows.map(|(_, cells)| cells.into_iter().map(Cell::Text).collect());
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header = header.each_ref().map(String::as_str);
    let title = shell.t("indicator-catalogue");
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    let name = format!("{title}-{today}.xlsx");
    Ok(web::attachment(web::XLSX, &name, bytes))
}
