//! Pages of indicators: the overview of a unit, and one figure opened down to its rows.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write;
use futures::stream;
use kernel::{Error, Period, Result, UnitId};
use organization::Unit;
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Delta, Kpi};
use web::{Access, Failure, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::figure::{Change, Figure, Ratio};
use crate::period::{KINDS, Span, span_of};
use crate::rows::{cursor_of, cursor_text};
use crate::{Indicators, READ};

const PAGE: usize = 50;
const EXPORT_CHUNK: usize = 1_000;

/// What the crate brings to the house.
pub fn module(indicators: Indicators) -> Module {
    let routes = Routes::new()
        .get("/indicators", Policy::Permission(READ), overview)
        .get("/indicators/{code}", Policy::Permission(READ), open)
        .get(
            "/indicators/{code}/rows.csv",
            Policy::Permission(READ),
            export,
        )
        .merge(crate::api::routes())
        .with_state(indicators);
    Module {
        name: "indicators",
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Insight,
            order: 10,
            label_key: "menu-indicators",
            href: "/indicators",
            icon: "chart-bar",
            permission: Some(READ),
        }],
        messages: vec![
            (
                web::Lang::Zh,
                include_str!("../locales/zh-CN/indicators.ftl"),
            ),
            (web::Lang::En, include_str!("../locales/en/indicators.ftl")),
        ],
        templates: vec![
            (
                "indicators/overview.html",
                include_str!("../templates/overview.html"),
            ),
            (
                "indicators/open.html",
                include_str!("../templates/open.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

#[derive(Debug, Default, Deserialize)]
struct OverviewQuery {
    unit: Option<String>,
    #[serde(flatten)]
    span: Span,
}

/// The unit asked for, or the first of the scope; out of scope it does not exist.
pub(crate) async fn chosen(
    s: &Indicators,
    access: &Access,
    asked: Option<&str>,
) -> Result<(Unit, Vec<Unit>)> {
    let units = s.organization.units(&access.scope).await?;
    let unit = match asked.filter(|u| !u.is_empty()) {
        Some(text) => {
            let id: UnitId = text.parse().map_err(|_| Error::NotFound)?;
            units.iter().find(|u| u.id == id)
        }
        // The highest one: a unit whose parent is not among those that may be seen.
        None => units
            .iter()
            .find(|u| u.parent.is_none_or(|p| !units.iter().any(|v| v.id == p))),
    };
    let unit = unit.cloned().ok_or(Error::NotFound)?;
    Ok((unit, units))
}

/// A change in words: `3.2%`, `0.6 个百分点`, or that there is nothing to compare with.
fn change_text(shell: &Shell, change: Change) -> String {
    match change {
        Change::Percent { change } => format!("{}%", absolute(change).text()),
        Change::Points { change } => shell.t_with("points", &[("value", &absolute(change).text())]),
        Change::NoBase => shell.t("no-base"),
    }
}

fn absolute(r: Ratio) -> Ratio {
    Ratio {
        numerator: r.numerator.abs(),
        ..r
    }
}

fn delta(shell: &Shell, change: Change) -> Delta {
    let direction = change.direction();
    Delta {
        label: shell.t("yoy"),
        text: change_text(shell, change),
        direction,
        // More study is the aim of every figure here.
        good: (direction != 0).then_some(direction > 0),
    }
}

fn value_text(figure: &Figure) -> Option<String> {
    if figure.computing {
        None
    } else {
        Some(figure.value.map_or_else(|| "–".to_owned(), Ratio::text))
    }
}

fn open_href(code: &str, unit: UnitId, period: Period, figure: &Figure, size: i64) -> String {
    // The number and the size of the ledger go along, so that the list can name what came since.
    format!(
        "/indicators/{code}?unit={unit}&from={}&to={}&n={}&size={size}",
        kernel::format_date(period.from),
        kernel::format_date(period.to),
        figure.rows
    )
}

fn period_text(shell: &Shell, period: Period) -> String {
    shell.t_with(
        "period-from-to",
        &[
            ("from", &kernel::format_date(period.from)),
            ("to", &kernel::format_date(period.to)),
        ],
    )
}

async fn overview(
    State(s): State<Indicators>,
    shell: Shell,
    access: Access,
    Query(q): Query<OverviewQuery>,
) -> Result<Response, Failure> {
    let (unit, units) = chosen(&s, &access, q.unit.as_deref()).await?;
    let (period, kind) = span_of(&q.span, s.env.today());
    let children: Vec<Unit> = units
        .iter()
        .filter(|u| u.parent == Some(unit.id))
        .cloned()
        .collect();
    let ids: Vec<UnitId> = std::iter::once(unit.id)
        .chain(children.iter().map(|c| c.id))
        .collect();
    let lang = shell.lang().code();
    let mut reading = s.ledger.reading().await?;
    let size = reading.size();
    let figures = s.figures(&mut reading, &ids, period, true).await?;
    let own = figures.get(&unit.id).cloned().unwrap_or_default();
    let as_of = s.env.now().minute_text(s.env.zone());
    let mut kpis = Vec::new();
    let year = Period {
        from: period.to.first_of_year(),
        to: period.to,
    };
    for (i, f) in s.list.iter().zip(&own) {
        kpis.push(Kpi {
            label: i.name.get(lang).to_owned(),
            value: value_text(f),
            unit: i.unit.get(lang).to_owned(),
            href: Some(open_href(&i.code, unit.id, period, f, size)),
            definition: Some(i.definition.get(lang).to_owned()),
            as_of: Some(as_of.clone()),
            target: i.target.map(|t| format!("{t}{}", i.unit.get(lang))),
            delta: f.yoy.map(|c| delta(&shell, c)),
            trend: s.trend(&mut reading, i, unit.id, year).await?,
            declared: false,
        });
    }
    let columns: Vec<&str> = s.list.iter().map(|i| i.name.get(lang)).collect();
    let row = |u: &Unit, total: bool| {
        let cells: Vec<Value> = figures
            .get(&u.id)
            .into_iter()
            .flatten()
            .zip(s.list.iter())
            .map(|(f, i)| {
                json!({
                    "label": i.name.get(lang),
                    "value": value_text(f),
                    "unit": if i.unit.zh == "%" { "%" } else { "" },
                    "href": open_href(&i.code, u.id, period, f, size),
                })
            })
            .collect();
        json!({
            "name": u.name, "total": total, "cells": cells,
            "href": (!total).then(|| format!("/indicators?unit={}&{}", u.id, span_query(&q.span))),
        })
    };
    let rows: Vec<Value> = std::iter::once(row(&unit, true))
        .chain(children.iter().map(|c| row(c, false)))
        .collect();
    let better = own
        .iter()
        .filter(|f| f.yoy.is_some_and(|c| c.direction() > 0))
        .count();
    let worse: Vec<&str> = s
        .list
        .iter()
        .zip(&own)
        .filter(|(_, f)| f.yoy.is_some_and(|c| c.direction() < 0))
        .map(|(i, _)| i.name.get(lang))
        .collect();
    let mut headline = shell.t_with(
        "headline",
        &[
            ("all", &own.len().to_string()),
            ("better", &better.to_string()),
        ],
    );
    if !worse.is_empty() {
        headline += &shell.t_with(
            "headline-worse",
            &[("names", &worse.join(&shell.t("list-comma")))],
        );
    }
    let kinds: Vec<Value> = KINDS
        .iter()
        .map(|(code, _)| {
            json!({ "code": code, "label": shell.t(&format!("period-{code}")), "current": kind == Some(code),
                    "href": format!("/indicators?unit={}&period={code}", unit.id) })
        })
        .collect();
    let tail = reading.tail_len();
    shell.page(
        "indicators/overview.html",
        json!({
            "unit": unit.name, "unit_id": unit.id, "period": period_text(&shell, period), "kpis": kpis,
            "columns": columns, "rows": rows, "kinds": kinds, "headline": headline,
            "units": units.iter().map(|u| (u.id.to_string(), u.name.as_str())).collect::<Vec<_>>(),
            "span": q.span.period, "as_of": as_of, "size": size, "tail": tail,
            "crumbs": crumbs(&units, &unit, &q.span),
        }),
    )
}

fn span_query(span: &Span) -> String {
    [
        ("period", &span.period),
        ("at", &span.at),
        ("from", &span.from),
        ("to", &span.to),
    ]
    .iter()
    .filter_map(|(name, value)| value.as_ref().map(|v| format!("{name}={}", web::encode(v))))
    .collect::<Vec<_>>()
    .join("&")
}

/// The units above, as far as they may be seen.
fn crumbs(units: &[Unit], unit: &Unit, span: &Span) -> Vec<Crumb> {
    let mut path = Vec::new();
    let mut at = unit.parent;
    while let Some(above) = at.and_then(|id| units.iter().find(|u| u.id == id)) {
        path.push(Crumb {
            label: above.name.clone(),
            href: format!("/indicators?unit={}&{}", above.id, span_query(span)),
        });
        at = above.parent;
    }
    path.reverse();
    path
}

#[derive(Debug, Default, Deserialize)]
struct OpenQuery {
    unit: Option<String>,
    from: Option<String>,
    to: Option<String>,
    period: Option<String>,
    at: Option<String>,
    /// Where the page begins.
    after: Option<String>,
    /// Rows as they were when the ledger had this size: figures of a report.
    #[serde(default, deserialize_with = "number")]
    as_of: Option<i64>,
    /// The number on the page that led here, and the size of the ledger then.
    #[serde(default, deserialize_with = "number")]
    n: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    size: Option<i64>,
}

/// A number of an address; what is none is left out, as if it were not there.
fn number<'de, D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Option<i64>, D::Error> {
    Ok(String::deserialize(d)?.parse().ok())
}

impl OpenQuery {
    fn span(&self) -> Span {
        Span {
            period: self.period.clone(),
            at: self.at.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
        }
    }
}

async fn open(
    State(s): State<Indicators>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<OpenQuery>,
) -> Result<Response, Failure> {
    let i = s.indicator(&code)?;
    let (unit, units) = chosen(&s, &access, q.unit.as_deref()).await?;
    let (period, _) = span_of(&q.span(), s.env.today());
    let lang = shell.lang().code();
    let children: Vec<Unit> = units
        .iter()
        .filter(|u| u.parent == Some(unit.id))
        .cloned()
        .collect();
    let mut reading = s.ledger.reading().await?;
    let size = reading.size();
    let ids: Vec<UnitId> = std::iter::once(unit.id)
        .chain(children.iter().map(|c| c.id))
        .collect();
    let figures = s.figures(&mut reading, &ids, period, true).await?;
    let position = s.list.iter().position(|k| k.code == i.code).unwrap_or(0);
    let figure_of = |id: UnitId| figures.get(&id).and_then(|f| f.get(position)).cloned();
    let heads = s
        .organization
        .headcount(unit.id, period.to.min(s.env.today()))
        .await?;
    let persons = i.of.distinct.is_some();
    let (figure, total) = match q.as_of {
        // As the report has it: the number belongs to the rows below.
        Some(size) => {
            let total = reading
                .total_as_of(&i.of, unit.id, period, size, persons)
                .await?;
            let figure = Figure {
                code: code.clone(),
                value: i.value(total, heads),
                rows: total.n,
                yoy: None,
                computing: false,
            };
            (figure, total)
        }
        None => (
            figure_of(unit.id).ok_or(Error::NotFound)?,
            reading.total(&i.of, unit.id, period, persons).await?,
        ),
    };
    let after = q.after.as_deref().and_then(cursor_of);
    let page = reading
        .rows(&i.of, unit.id, period, q.as_of, after, PAGE)
        .await?;
    let rows = s.rows(&mut reading, &page.facts).await?;
    let base = format!(
        "/indicators/{code}?unit={}&from={}&to={}",
        unit.id,
        kernel::format_date(period.from),
        kernel::format_date(period.to)
    );
    let as_of_query = q.as_of.map(|n| format!("&as_of={n}")).unwrap_or_default();
    // What changed since the number was shown.
    let difference = match (q.n, q.size, q.as_of) {
        (Some(n), Some(then), None) if n != figure.rows => Some(shell.t_with(
            "rows-changed",
            &[
                ("then", &n.to_string()),
                ("now", &figure.rows.to_string()),
                ("size", &then.to_string()),
            ],
        )),
        _ => None,
    };
    // The units below are compared as they are now, so not under a frozen number.
    let parts: Vec<Value> = children
        .iter()
        .filter(|_| q.as_of.is_none())
        .filter_map(|c| figure_of(c.id).map(|f| (c, f)))
        .map(|(c, f)| {
            json!({ "name": c.name, "value": value_text(&f), "rows": f.rows, "href": open_href(&code, c.id, period, &f, size) })
        })
        .collect();
    let formula = match i.measure {
        crate::Measure::Coverage => Some(shell.t_with(
            "formula-coverage",
            &[
                ("persons", &total.persons.unwrap_or(0).to_string()),
                ("heads", &heads.to_string()),
            ],
        )),
        crate::Measure::Hours => Some(shell.t_with(
            "formula-hours",
            &[
                ("minutes", &total.sum.to_string()),
                ("per", &i.minutes_per_hour.unwrap_or(60).to_string()),
            ],
        )),
        crate::Measure::Count | crate::Measure::Persons => None,
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|r| {
            let mut row = json!(r);
            row["role"] = json!(r.role.as_ref().map(|role| shell.t(&format!("role-{role}"))));
            row
        })
        .collect();
    let mut path = crumbs(&units, &unit, &Span::default());
    path.push(Crumb {
        label: unit.name.clone(),
        href: format!("/indicators?unit={}", unit.id),
    });
    shell.page(
        "indicators/open.html",
        json!({
            "name": i.name.get(lang), "unit": unit.name, "period": period_text(&shell, period),
            "kpi": Kpi {
                label: i.name.get(lang).to_owned(), value: value_text(&figure), unit: i.unit.get(lang).to_owned(),
                href: None, definition: Some(i.definition.get(lang).to_owned()),
                as_of: Some(s.env.now().minute_text(s.env.zone())),
                target: i.target.map(|t| format!("{t}{}", i.unit.get(lang))),
                delta: figure.yoy.map(|c| delta(&shell, c)), trend: Vec::new(), declared: false,
            },
            "formula": formula, "rows": rows, "counted": figure.rows, "parts": parts, "difference": difference,
            "size": size, "tail": reading.tail_len(), "frozen": q.as_of,
            "next": page.next.map(|c| format!("{base}{as_of_query}&after={}", cursor_text(c))),
            "first": after.map(|_| format!("{base}{as_of_query}")),
            "live": q.as_of.map(|_| base.clone()),
            "export": base.replacen(&format!("/indicators/{code}"), &format!("/indicators/{code}/rows.csv"), 1) + &as_of_query,
            "crumbs": path,
        }),
    )
}

/// All rows under a figure as CSV, streamed from one snapshot.
async fn export(
    State(s): State<Indicators>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<OpenQuery>,
) -> Result<Response, Failure> {
    let definition = s.indicator(&code)?.of.clone();
    let (unit, _) = chosen(&s, &access, q.unit.as_deref()).await?;
    let (period, _) = span_of(&q.span(), s.env.today());
    let header: Vec<String> = [
        "date",
        "person",
        "unit",
        "host",
        "role",
        "minutes",
        "late",
        "recorded-at",
        "fact",
    ]
    .iter()
    .map(|k| shell.t(&format!("row-{k}")))
    .collect();
    let head = write::csv_head(&header.iter().map(String::as_str).collect::<Vec<_>>())?;
    let reading = s.ledger.reading().await?;
    struct State {
        s: Indicators,
        shell: Shell,
        reading: ledger::Reading,
        after: Option<(kernel::Date, kernel::FactId)>,
        head: Option<Vec<u8>>,
        done: bool,
    }
    let state = State {
        s,
        shell,
        reading,
        after: None,
        head: Some(head),
        done: false,
    };
    let as_of = q.as_of;
    let body = stream::try_unfold(state, move |mut st| {
        let definition = definition.clone();
        async move {
            if let Some(head) = st.head.take() {
                return Ok(Some((Bytes::from(head), st)));
            }
            if st.done {
                return Ok(None);
            }
            let page = st
                .reading
                .rows(&definition, unit.id, period, as_of, st.after, EXPORT_CHUNK)
                .await
                .map_err(std::io::Error::other)?;
            let rows =
                st.s.rows(&mut st.reading, &page.facts)
                    .await
                    .map_err(std::io::Error::other)?;
            let text = |t: String| write::Value::Text(t);
            let lines: Vec<Vec<write::Value>> = rows
                .into_iter()
                .map(|r| {
                    vec![
                        text(r.date),
                        text(r.person.unwrap_or_default()),
                        text(r.unit),
                        text(r.host),
                        text(
                            r.role
                                .map(|role| st.shell.t(&format!("role-{role}")))
                                .unwrap_or_default(),
                        ),
                        r.minutes.map_or(write::Value::Empty, write::Value::Int),
                        text(if r.late {
                            st.shell.t("row-late")
                        } else {
                            String::new()
                        }),
                        text(r.recorded_at),
                        text(r.fact.to_string()),
                    ]
                })
                .collect();
            st.after = page.next;
            st.done = page.next.is_none();
            let bytes = write::csv_rows(&lines).map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(Some((Bytes::from(bytes), st)))
        }
    });
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{code}.csv\""),
            ),
        ],
        Body::from_stream(body),
    )
        .into_response())
}
