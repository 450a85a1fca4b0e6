//! Pages of indicators: the overview of a unit, and one figure opened down to its rows.

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write;
use futures::stream;
use identity::Actor;
use kernel::{Error, Period, Result, UnitId};
use organization::Unit;
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Delta, Kpi, Tag, Tone};
use web::{Access, Failure, Form, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::bands::{Band, BandTone};
use crate::catalogue;
use crate::figure::{Base, Change, Figure, Ratio};
use crate::opened::{self, OpenQuery};
use crate::period::{KINDS, Span, span_of};
use crate::{Direction, Indicator, Indicators, READ};

pub(crate) const PAGE: usize = 50;
const EXPORT_CHUNK: usize = 1_000;

/// What the crate brings to the house.
pub fn module(indicators: Indicators) -> Module {
    let source = std::sync::Arc::new(crate::searching::Source(indicators.clone()));
    let routes = Routes::new()
        .get("/indicators", Policy::Permission(READ), overview)
        .get(
            "/indicators/unit-options",
            Policy::Permission(READ),
            unit_options,
        )
        .get(catalogue::PLACE, Policy::Permission(READ), catalogue::list)
        .get(catalogue::SHEET, Policy::Permission(READ), catalogue::sheet)
        .get("/indicators/{code}", Policy::Permission(READ), opened::open)
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
                "indicators/catalogue.html",
                include_str!("../templates/catalogue.html"),
            ),
            (
                "indicators/open.html",
                include_str!("../templates/open.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        search: vec![source],
        ..Module::default()
    }
}

#[derive(Debug, Default, Deserialize)]
struct OverviewQuery {
    unit: Option<String>,
    #[serde(flatten)]
    span: Span,
}

/// The units that the page offers while one types.
async fn unit_options(
    State(s): State<Indicators>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
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
            let picked = s
                .organization
                .unit_picked("unit", text, &access.scope)
                .await?;
            units.iter().find(|u| u.id == picked.id)
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

fn delta(shell: &Shell, i: &Indicator, change: Change, base: Base) -> Delta {
    let direction = change.direction();
    let good = match i.direction {
        Direction::Up => Some(direction > 0),
        Direction::Down => Some(direction < 0),
        Direction::None => None,
    };
    Delta {
        label: shell.t(base.key()),
        text: match (change, base) {
            (Change::NoBase, Base::Before) => shell.t("no-base-before"),
            _ => change_text(shell, change),
        },
        direction,
        good: good.filter(|_| direction != 0),
    }
}

/// An indicator's card.
pub fn card(
    s: &Indicators,
    shell: &Shell,
    i: &Indicator,
    f: &Figure,
    href: Option<String>,
    trend: Vec<f64>,
    base: Base,
) -> Kpi {
    let lang = shell.lang().code();
    Kpi {
        label: i.name.get(lang).to_owned(),
        value: value_text(shell, f),
        unit: unit_text(i, f, lang).to_owned(),
        href,
        definition: Some(i.definition.get(lang).to_owned()),
        as_of: Some(s.env.now().minute_text(s.env.zone())),
        target: i.target.map(|t| format!("{t}{}", i.unit.get(lang))),
        delta: f.yoy.map(|c| delta(shell, i, c, base)),
        trend,
        declared: f.declared,
    }
}

/// A figure's value as it is shown; none while it is being computed, a dash where there is none, words where there
/// are too few cases.
pub fn value_text(shell: &Shell, figure: &Figure) -> Option<String> {
    match figure.value {
        _ if figure.computing => None,
        Some(value) => Some(value.text()),
        None if figure.few => Some(shell.t("too-few")),
        None => Some("–".to_owned()),
    }
}

/// The unit behind a figure: none behind words.
fn unit_text<'i>(i: &'i Indicator, figure: &Figure, lang: &str) -> &'i str {
    match figure.few && figure.value.is_none() {
        true => "",
        false => i.unit.get(lang),
    }
}

/// The band that a value lies in, in words with a colour.
pub fn band_tag(shell: &Shell, band: &Band) -> Tag {
    Tag {
        text: band.name.get(shell.lang().code()).to_owned(),
        tone: match band.tone {
            BandTone::Plain => Tone::Plain,
            BandTone::Ok => Tone::Ok,
            BandTone::Warn => Tone::Warn,
            BandTone::Bad => Tone::Bad,
        },
        icon: None,
    }
}

/// Bands and external figures of an indicator with the band of its value; none where it has neither.
pub fn references(shell: &Shell, i: &Indicator, f: &Figure) -> Option<Value> {
    let lang = shell.lang().code();
    if i.bands.is_empty() && i.benchmarks.is_empty() {
        return None;
    }
    let value = f.value.filter(|_| !f.computing);
    let current = i.band(value);
    let bands: Vec<Value> = i
        .bands
        .iter()
        .map(|b| json!({ "tag": band_tag(shell, b), "from": i.print(Some(b.from), lang), "current": current == Some(b) }))
        .collect();
    let others: Vec<Value> = i
        .benchmarks
        .iter()
        .map(|b| {
            json!({ "name": b.name.get(lang), "value": i.print(Some(b.value), lang), "period": b.period,
                "source": b.source.get(lang), "document": b.document.get(lang) })
        })
        .collect();
    Some(json!({
        "name": i.name.get(lang), "value": if f.computing { shell.t("computing") } else { i.say(f, lang) },
        "band": current.map(|b| band_tag(shell, b)), "bands": bands, "benchmarks": others,
    }))
}

/// Where a figure opens.
pub fn open_href(code: &str, unit: UnitId, period: Period, figure: &Figure, size: i64) -> String {
    // The number and the size of the ledger go along, so that the list can name what came since.
    format!(
        "/indicators/{code}?unit={unit}&from={}&to={}&n={}&size={size}",
        kernel::format_date(period.from),
        kernel::format_date(period.to),
        figure.rows
    )
}

pub(crate) fn period_text(shell: &Shell, period: Period) -> String {
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
    let mut form = Form::default();
    let (unit, units) = match chosen(&s, &access, q.unit.as_deref()).await {
        Err(error @ Error::Invalid(_)) => {
            form = form.reject(&shell, error)?;
            chosen(&s, &access, None).await?
        }
        found => found?,
    };
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
    let which = s.shown_for(unit.id).await?;
    let figures = s.figures(&mut reading, &ids, period, &which, true).await?;
    let own = figures.get(&unit.id).cloned().unwrap_or_default();
    let as_of = s.env.now().minute_text(s.env.zone());
    let mut kpis = Vec::new();
    let year = Period {
        from: period.to.first_of_year(),
        to: period.to,
    };
    for (i, f) in which.iter().zip(&own) {
        let href = open_href(&i.code, unit.id, period, f, size);
        let trend = s.trend(&mut reading, i, unit.id, year).await?;
        let base = Base::YearBefore;
        kpis.push(card(&s, &shell, i, f, Some(href), trend, base));
    }
    let columns: Vec<&str> = which.iter().map(|i| i.name.get(lang)).collect();
    let row = |u: &Unit, total: bool| {
        let cells: Vec<Value> = figures
            .get(&u.id)
            .into_iter()
            .flatten()
            .zip(&which)
            .map(|(f, i)| {
                json!({
                    "label": i.name.get(lang),
                    "value": value_text(&shell, f),
                    "unit": if i.unit.zh == "%" && !f.few { "%" } else { "" },
                    "href": open_href(&i.code, u.id, period, f, size),
                    "declared": f.declared,
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
    // What a change means depends on which way is better.
    let sense = |(i, f): (&&Indicator, &Figure)| {
        let way = f.yoy.map_or(0, Change::direction);
        match i.direction {
            Direction::Up => way,
            Direction::Down => -way,
            Direction::None => 0,
        }
    };
    let of = |wanted: i8| {
        let all = which.iter().zip(&own);
        all.filter(move |pair| sense(*pair) == wanted)
            .map(|(i, _)| i.name.get(lang))
    };
    let better = of(1).count();
    let worse: Vec<&str> = of(-1).collect();
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
            "unit": unit.name, "period": period_text(&shell, period), "kpis": kpis,
            "columns": columns, "rows": rows, "kinds": kinds, "headline": headline,
            "form": form, "unit_code": unit.code, "span": q.span.period, "as_of": as_of, "size": size, "tail": tail,
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
pub(crate) fn crumbs(units: &[Unit], unit: &Unit, span: &Span) -> Vec<Crumb> {
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

/// All rows under a figure as CSV, streamed from one snapshot.
async fn export(
    State(s): State<Indicators>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Query(q): Query<OpenQuery>,
) -> Result<Response, Failure> {
    let definition = s
        .rows_of(s.indicator(&code)?)
        .cloned()
        .ok_or(Error::NotFound)?;
    let (unit, _) = chosen(&s, &access, q.unit.as_deref()).await?;
    let (period, _) = span_of(&q.span(), s.env.today());
    if let Some(db) = &s.audit {
        // What leaves the program leaves a trace, before its first byte does.
        let (from, to) = (
            kernel::format_date(period.from),
            kernel::format_date(period.to),
        );
        let detail = json!({ "unit": unit.id, "from": from, "to": to, "as_of": q.as_of });
        let entry = actor.audit("indicators.exported", ("indicator", &code), detail);
        db::transaction!(db, |tx| identity::record(tx, &s.env, &entry).await)?;
    }
    let header: Vec<String> = [
        "date",
        "person",
        "unit",
        "host",
        "title",
        "role",
        "quantity",
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
                st.s.rows(&mut st.reading, &page.facts, &st.shell)
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
                        text(r.title.unwrap_or_default()),
                        text(r.role.unwrap_or_default()),
                        text(r.quantity.unwrap_or_default()),
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
