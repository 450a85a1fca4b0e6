//! The page of a unit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use guard::{Guard, Switch};
use indicators::{Change, Direction, Figure, Indicator, Indicators, READ, Span, span_of};
use jiff::ToSpan;
use kernel::{Date, Error, Period, PeriodKind, Result, Scope, UnitId};
use ledger::{Reading, Total};
use organization::{TreeView, Unit};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Kpi};
use web::{Access, Failure, Form, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::chart::{self, Axis, Months};
use crate::{Concern, Desk, Event, View, Views};

/// Months that are drawn.
const MONTHS: i32 = 12;
/// Units in the comparison before one asks for all.
const MOST_UNITS: usize = 20;
/// What needs attention, and what lies in this week, at most.
const MOST_CONCERNS: usize = 6;
const MOST_EVENTS: usize = 12;

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Cockpit {
    indicators: Indicators,
    organization: organization::Organization,
    env: kernel::Env,
    views: Arc<Views>,
    desks: Arc<Vec<Arc<dyn Desk>>>,
    guard: Option<Guard>,
}

impl Cockpit {
    /// The page over the indicators, with the views of the packs.
    pub fn new(
        env: kernel::Env,
        indicators: Indicators,
        organization: organization::Organization,
        views: Views,
    ) -> Self {
        Self {
            indicators,
            organization,
            env,
            views: Arc::new(views),
            desks: Arc::default(),
            guard: None,
        }
    }

    /// The same, which ranks units where the burden guard lets it; without a guard it never does.
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The same, with what other rooms put on it.
    pub fn with_desks(mut self, desks: Vec<Arc<dyn Desk>>) -> Self {
        self.desks = Arc::new(desks);
        self
    }
}

/// What the crate brings to the house.
pub fn module(cockpit: Cockpit) -> Module {
    Module {
        name: "cockpit",
        routes: Routes::new()
            .get("/cockpit", Policy::Permission(READ), show)
            .get(
                "/cockpit/unit-options",
                Policy::Permission(READ),
                unit_options,
            )
            .with_state(cockpit),
        menu: vec![MenuEntry {
            group: MenuGroup::Insight,
            order: 5,
            label_key: "menu-cockpit",
            href: "/cockpit",
            icon: "layout-dashboard",
            permission: Some(READ),
        }],
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/cockpit.ftl")),
            (Lang::En, include_str!("../locales/en/cockpit.ftl")),
        ],
        templates: vec![("cockpit/show.html", include_str!("../templates/show.html"))],
        samples: crate::samples::all(),
        ..Module::default()
    }
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    unit: Option<String>,
    /// Only units of this category are compared.
    category: Option<String>,
    /// Anything: all units are compared, not the first ones.
    all: Option<String>,
    /// Units in the order of this indicator, where that is switched on (排行).
    rank: Option<String>,
    #[serde(flatten)]
    span: Span,
}

/// The units that the page offers while one types.
async fn unit_options(
    State(s): State<Cockpit>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

async fn show(
    State(s): State<Cockpit>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let tree = s.organization.unit_tree(&access.scope, today, None).await?;
    let mut form = Form::default();
    let picked = match asked.unit.as_deref().filter(|u| !u.trim().is_empty()) {
        Some(text) => match s
            .organization
            .unit_picked("unit", text, &access.scope)
            .await
        {
            Err(error @ Error::Invalid(_)) => {
                form = form.reject(&shell, error)?;
                None
            }
            unit => Some(unit?.id),
        },
        None => None,
    };
    let unit = match picked {
        Some(id) => tree.get(id),
        None => tree.tops().next(),
    };
    let unit = unit.cloned().ok_or(Error::NotFound)?;
    let below: Vec<&Unit> = tree.below(unit.id).collect();
    let mut groups: Vec<&str> = Vec::new();
    for child in &below {
        if !child.category.is_empty() && !groups.contains(&child.category.as_str()) {
            groups.push(&child.category);
        }
    }
    let group = asked.category.as_deref().filter(|c| groups.contains(c));
    let mut children: Vec<Unit> = below
        .iter()
        .filter(|u| group.is_none_or(|g| u.category == g))
        .map(|u| (*u).clone())
        .collect();
    let found = children.len();
    if asked.all.is_none() {
        children.truncate(MOST_UNITS);
    }
    let path = s.organization.paths(&[unit.id]).await?;
    let path = path.get(&unit.id).cloned().unwrap_or_default();
    let above = s.organization.units_by_id(&path, &Scope::All).await?;
    let category = |id: &UnitId| {
        above
            .iter()
            .find(|u| u.id == *id)
            .map(|u| u.category.as_str())
    };
    // From the unit itself upwards.
    let categories: Vec<&str> = path.iter().rev().filter_map(category).collect();
    let (period, kind) = span_of(&asked.span, today);
    let query = span_query(&asked.span);
    let kinds: Vec<Value> = ["month", "quarter", "half", "year"]
        .iter()
        .map(|code| {
            json!({ "label": shell.t(&format!("period-{code}")), "current": kind == Some(*code),
                    "href": format!("/cockpit?unit={}&period={code}", unit.id) })
        })
        .collect();
    let here = format!("/cockpit?unit={}&{query}", unit.id);
    let groups: Vec<Value> = std::iter::once(None)
        .chain(groups.iter().map(|g| Some(*g)))
        .map(|g| {
            let href = g.map_or_else(
                || here.clone(),
                |g| format!("{here}&category={}", web::encode(g)),
            );
            let label = g.map_or_else(|| shell.t("cockpit-all-units"), str::to_owned);
            json!({ "label": label, "href": href, "current": g == group })
        })
        .collect();
    let more = (found > children.len()).then(|| match group {
        Some(g) => format!("{here}&category={}&all=1", web::encode(g)),
        None => format!("{here}&all=1"),
    });
    let crumbs: Vec<Crumb> = path
        .iter()
        .filter(|id| **id != unit.id)
        .filter_map(|id| tree.get(*id))
        .map(|u| Crumb {
            label: u.name.clone(),
            href: format!("/cockpit?unit={}&{query}", u.id),
        })
        .collect();
    let (mut concerns, mut events) = (Vec::new(), Vec::new());
    let week = Period::containing(PeriodKind::Week, today);
    for desk in s.desks.iter() {
        let put = desk.put(&shell, &access, unit.id, (week.from, week.to));
        let put = put.await?;
        concerns.extend(put.concerns);
        events.extend(put.events);
    }
    concerns.sort_by_key(|c| c.tone != web::view::Tone::Bad);
    events.sort_by(|a, b| (a.date, &a.when, &a.title).cmp(&(b.date, &b.when, &b.title)));
    let mut context = json!({
        "unit": unit.name, "unit_code": unit.code, "span": asked.span.period, "kinds": kinds,
        "crumbs": crumbs, "form": form, "period": period_text(&shell, period),
        "as_of": s.env.now().minute_text(s.env.zone()),
        "groups": if groups.len() > 2 { groups } else { Vec::new() }, "more": more, "found": found,
        "concerns_more": concerns.len().saturating_sub(MOST_CONCERNS),
        "events_more": events.len().saturating_sub(MOST_EVENTS),
    });
    // Units stand in their own order, unless a legal basis lets them be ranked.
    let ranked = match &s.guard {
        Some(guard) => guard.is_on(Switch::Boards, unit.id).await?,
        None => false,
    };
    let rank = asked.rank.as_deref().filter(|_| ranked);
    let told = Told {
        s: &s,
        shell: &shell,
        unit: &unit,
        children: &children,
        tree: &tree,
        period,
        query: &query,
        ranked,
        rank,
    };
    let shown = match s.views.of(&categories) {
        Some(view) => told.numbers(view, &concerns).await?,
        None => json!({ "view": null }),
    };
    if let (Some(context), Value::Object(shown)) = (context.as_object_mut(), shown) {
        context.extend(shown);
    }
    concerns.truncate(MOST_CONCERNS);
    events.truncate(MOST_EVENTS);
    context["concerns"] = json!(concerns);
    context["events"] = json!(events.iter().map(event).collect::<Vec<_>>());
    shell.page("cockpit/show.html", context)
}

fn event(e: &Event) -> Value {
    json!({ "when": e.when, "title": e.title, "unit": e.unit, "href": e.href, "state": e.state })
}

/// What the numbers are told of.
struct Told<'a> {
    s: &'a Cockpit,
    shell: &'a Shell,
    unit: &'a Unit,
    children: &'a [Unit],
    tree: &'a TreeView,
    period: Period,
    query: &'a str,
    /// Whether units may be ranked here, and by which indicator they are.
    ranked: bool,
    rank: Option<&'a str>,
}

impl Told<'_> {
    fn lang(&self) -> &'static str {
        self.shell.lang().code()
    }

    /// Everything that stands on a view, in one snapshot of the ledger.
    async fn numbers(&self, view: &View, concerns: &[Concern]) -> Result<Value> {
        let indicators = &self.s.indicators;
        let codes = view.codes();
        let which: Vec<&Indicator> = codes
            .iter()
            .map(|code| indicators.indicator(code))
            .collect::<Result<_>>()?;
        let ids: Vec<UnitId> = std::iter::once(self.unit.id)
            .chain(self.children.iter().map(|c| c.id))
            .collect();
        let mut reading = indicators.ledger().reading().await?;
        let size = reading.size();
        let figures = indicators
            .figures(&mut reading, &ids, self.period, &which, true)
            .await?;
        let of = |unit: UnitId, code: &str| -> Option<(&Indicator, &Figure)> {
            let place = which.iter().position(|i| i.code == code)?;
            Some((which[place], figures.get(&unit)?.get(place)?))
        };
        let year = Period {
            from: self.period.to.first_of_year(),
            to: self.period.to,
        };
        let mut cards: Vec<Kpi> = Vec::new();
        let mut references: Vec<Value> = Vec::new();
        let mut worse = Vec::new();
        let (mut better, mut compared) = (0, 0);
        for code in &view.cards {
            let Some((i, f)) = of(self.unit.id, code) else {
                continue;
            };
            let href = indicators::open_href(code, self.unit.id, self.period, f, size);
            let trend = indicators
                .trend(&mut reading, i, self.unit.id, year)
                .await?;
            cards.push(indicators::card(
                indicators,
                self.shell,
                i,
                f,
                Some(href),
                trend,
                indicators::Base::YearBefore,
            ));
            references.extend(indicators::references(self.shell, i, f));
            compared += usize::from(f.yoy.is_some_and(|c| c.ratio().is_some()));
            match sense(i, f.yoy) {
                1 => better += 1,
                -1 => worse.push(i.name.get(self.lang())),
                _ => {}
            }
        }
        let columns: Vec<&Indicator> = view
            .columns
            .iter()
            .filter_map(|code| which.iter().find(|i| i.code == *code).copied())
            .collect();
        let mut children: Vec<&Unit> = self.children.iter().collect();
        if let Some(by) = self.rank.and_then(|r| columns.iter().find(|i| i.code == r)) {
            let value = |unit: &Unit| of(unit.id, &by.code).and_then(|(_, f)| f.value);
            children.sort_by(|a, b| match (value(a), value(b)) {
                (Some(a), Some(b)) if by.direction == Direction::Down => a.order(b),
                (Some(a), Some(b)) => b.order(a),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
        }
        let rows: Vec<Value> = std::iter::once(self.unit)
            .chain(children)
            .map(|unit| {
                let total = unit.id == self.unit.id;
                let cells = columns.iter().filter_map(|i| of(unit.id, &i.code));
                let cells: Vec<Value> = cells.map(|(i, f)| self.cell(unit, i, f, size)).collect();
                json!({
                    "name": unit.name, "total": total, "cells": cells, "people": self.tree.people(unit.id),
                    "href": (!total).then(|| format!("/cockpit?unit={}&{}", unit.id, self.query)),
                })
            })
            .collect();
        let trend = self.trend(&mut reading, view).await?;
        let heat = self.heat(&mut reading, view).await?;
        let radar = self.radar(view, |code| of(self.unit.id, code));
        let named: Vec<Value> = columns
            .iter()
            .map(|i| {
                let href = format!("/cockpit?unit={}&{}&rank={}", self.unit.id, self.query, i.code);
                json!({ "name": i.name.get(self.lang()), "href": self.ranked.then_some(href), "by": self.rank == Some(&i.code) })
            })
            .collect();
        Ok(json!({
            "view": view.name.get(self.lang()), "headline": self.headline((cards.len(), compared, better), &worse, concerns),
            "cards": cards, "columns": named, "rows": rows, "ranked": self.ranked,
            "references": references, "trend": trend, "heat": heat, "radar": radar,
            "size": size, "tail": reading.tail_len(),
        }))
    }

    /// One sentence: how many are better, which are not, and what is worst.
    fn headline(
        &self,
        (all, compared, better): (usize, usize, usize),
        worse: &[&str],
        concerns: &[Concern],
    ) -> String {
        let t = |key, pairs: &[(&str, &str)]| self.shell.t_with(key, pairs);
        let (all, better) = (all.to_string(), better.to_string());
        let counts = [("all", all.as_str()), ("better", better.as_str())];
        let key = match compared {
            0 => "cockpit-headline-alone",
            _ => "cockpit-headline",
        };
        let mut text = t(key, &counts);
        if !worse.is_empty() {
            let names = worse.join(&self.shell.t("cockpit-comma"));
            text += &t("cockpit-headline-worse", &[("names", &names)]);
        }
        if let Some(worst) = concerns.iter().find_map(|c| c.headline.as_deref()) {
            text += &t("cockpit-headline-concern", &[("what", worst)]);
        }
        text + &self.shell.t("cockpit-full-stop")
    }

    fn cell(&self, unit: &Unit, i: &Indicator, f: &Figure, size: i64) -> Value {
        let percent = f
            .value
            .filter(|_| i.unit.zh == "%")
            .map(indicators::Ratio::approximate);
        let band = i.band(f.value).map(|b| indicators::band_tag(self.shell, b));
        let tone = match (percent, i.target, i.direction) {
            _ if !i.bands.is_empty() => match band.as_ref().map(|b| b.tone) {
                Some(web::view::Tone::Bad) => "bad",
                Some(web::view::Tone::Warn) => "warn",
                _ => "",
            },
            (Some(p), Some(target), Direction::Up) if p < target as f64 => "bad",
            (Some(p), Some(target), Direction::Down) if p > target as f64 => "bad",
            _ => "",
        };
        json!({
            "label": i.name.get(self.lang()), "value": indicators::value_text(self.shell, f),
            "unit": if i.unit.zh == "%" && !f.few { "%" } else { "" }, "percent": percent, "tone": tone,
            "declared": f.declared, "nought": f.value.is_some_and(|v| v.numerator == 0),
            "href": indicators::open_href(&i.code, unit.id, self.period, f, size),
        })
    }

    /// The last twelve months and those a year before.
    async fn trend(&self, reading: &mut Reading, view: &View) -> Result<Option<Value>> {
        let Some((i, definition)) = self.of_months(view.trend.as_deref())? else {
            return Ok(None);
        };
        let (codes, span) = months_back(self.period.to, 2 * MONTHS);
        let found = reading.months(definition, self.unit.id, span).await?;
        let values: Vec<f64> = codes.iter().map(|c| value(i, found.get(c))).collect();
        let (before, now) = values.split_at(MONTHS as usize);
        let labels: Vec<String> = codes[MONTHS as usize..]
            .iter()
            .map(|c| self.month(*c))
            .collect();
        let months = Months {
            labels: labels.clone(),
            now: now.to_vec(),
            before: before.to_vec(),
        };
        let lines: Vec<Value> = (0..MONTHS as usize)
            .map(|n| {
                let text = |v: f64| whole(i, v);
                json!({ "month": self.month_long(codes[n + MONTHS as usize]), "now": text(now[n]), "before": text(before[n]) })
            })
            .collect();
        Ok(Some(json!({
            "name": i.name.get(self.lang()), "unit": i.unit.get(self.lang()), "svg": chart::lines(&months), "lines": lines,
        })))
    }

    /// A line for the unit's own and for each unit below, a field for each of the last twelve months.
    async fn heat(&self, reading: &mut Reading, view: &View) -> Result<Option<Value>> {
        let Some((i, definition)) = self.of_months(view.heat.as_deref())? else {
            return Ok(None);
        };
        let mut units: Vec<&Unit> = match self.children {
            [] => vec![self.unit],
            children => children.iter().collect(),
        };
        let ids: Vec<UnitId> = units.iter().map(|u| u.id).collect();
        let (codes, span) = months_back(self.period.to, MONTHS);
        let found: HashMap<UnitId, BTreeMap<i64, Total>> =
            reading.months_of(definition, &ids, span).await?;
        // A line of noughts says nothing; how many are left out is said.
        units.retain(|u| found.contains_key(&u.id));
        let silent = ids.len() - units.len();
        let ids: Vec<UnitId> = units.iter().map(|u| u.id).collect();
        if units.is_empty() {
            return Ok(None);
        }
        let values: Vec<f64> = ids
            .iter()
            .flat_map(|id| {
                codes
                    .iter()
                    .map(|c| value(i, found.get(id).and_then(|m| m.get(c))))
            })
            .collect();
        let shades = chart::shades(&values);
        let rows: Vec<Value> = units
            .iter()
            .enumerate()
            .map(|(row, unit)| {
                let cells = (0..codes.len()).map(|column| {
                    let n = row * codes.len() + column;
                    let (from, to) = month_days(codes[column]);
                    json!({
                        "level": shades[n], "value": whole(i, values[n]), "month": self.month_long(codes[column]),
                        "href": format!(
                            "/indicators/{}?unit={}&from={}&to={}", i.code, unit.id,
                            kernel::format_date(from), kernel::format_date(to.min(self.period.to).max(from))
                        ),
                    })
                });
                json!({ "name": unit.name, "cells": cells.collect::<Vec<_>>() })
            })
            .collect();
        let months: Vec<String> = codes.iter().map(|c| self.month(*c)).collect();
        Ok(Some(
            json!({ "name": i.name.get(self.lang()), "unit": i.unit.get(self.lang()), "months": months, "rows": rows, "silent": silent }),
        ))
    }

    /// What a target is reached to.
    fn radar<'f>(
        &self,
        view: &View,
        of: impl Fn(&str) -> Option<(&'f Indicator, &'f Figure)>,
    ) -> Option<Value> {
        let mut axes = Vec::new();
        let mut lines = Vec::new();
        for code in &view.radar {
            let Some((i, f)) = of(code) else { continue };
            let (Some(value), Some(target)) = (f.value, i.target.filter(|t| *t > 0)) else {
                continue;
            };
            let percent = value.approximate() * 100.0 / target as f64;
            let name = i.name.get(self.lang());
            axes.push(Axis {
                label: format!("{name} {percent:.0}"),
                percent,
            });
            let unit = i.unit.get(self.lang());
            lines.push(json!({ "name": name, "value": i.print(f.value, self.lang()), "target": format!("{target}{unit}"), "percent": format!("{percent:.0}%") }));
        }
        (axes.len() >= 3).then(|| json!({ "svg": chart::radar(&axes), "lines": lines }))
    }

    fn of_months(&self, code: Option<&str>) -> Result<Option<(&Indicator, &ledger::Definition)>> {
        let Some(code) = code else { return Ok(None) };
        let i = self.s.indicators.indicator(code)?;
        Ok(i.facts().map(|definition| (i, definition)))
    }

    fn month(&self, code: i64) -> String {
        self.shell
            .t_with("cockpit-month", &[("month", &(code % 100).to_string())])
    }

    fn month_long(&self, code: i64) -> String {
        let (year, month) = ((code / 100).to_string(), (code % 100).to_string());
        self.shell
            .t_with("cockpit-month-long", &[("year", &year), ("month", &month)])
    }
}

/// 1 where a change is for the better, −1 for the worse.
fn sense(i: &Indicator, change: Option<Change>) -> i8 {
    let way = change.map_or(0, Change::direction);
    match i.direction {
        Direction::Up => way,
        Direction::Down => -way,
        Direction::None => 0,
    }
}

/// The value of a month, as the indicator's unit has it.
fn value(i: &Indicator, total: Option<&Total>) -> f64 {
    match (total, i.of()) {
        (Some(total), Some(indicators::Of::Sum(per))) => total.sum as f64 / per.max(1) as f64,
        (Some(total), _) => total.n as f64,
        (None, _) => 0.0,
    }
}

/// The same as text.
fn whole(i: &Indicator, value: f64) -> String {
    let decimals = i.decimals as usize;
    format!("{value:.decimals$}")
}

/// The codes of so many months up to that of a day, oldest first, and the stretch they fill.
fn months_back(last: Date, count: i32) -> (Vec<i64>, Period) {
    let first = last.first_of_month().saturating_sub((count - 1).months());
    let months = (0..count).map(|n| Period::month_code(first.saturating_add(n.months())));
    let span = Period {
        from: first,
        to: last.last_of_month(),
    };
    (months.collect(), span)
}

/// First and last day of a month.
fn month_days(code: i64) -> (Date, Date) {
    let (year, month) = ((code / 100) as i16, (code % 100) as i8);
    let first = Date::new(year, month, 1).unwrap_or(Date::ZERO);
    (first, first.last_of_month())
}

fn period_text(shell: &Shell, period: Period) -> String {
    let (from, to) = (
        kernel::format_date(period.from),
        kernel::format_date(period.to),
    );
    shell.t_with("period-from-to", &[("from", &from), ("to", &to)])
}

fn span_query(span: &Span) -> String {
    let parts = [
        ("period", &span.period),
        ("at", &span.at),
        ("from", &span.from),
        ("to", &span.to),
    ];
    let parts = parts
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|v| format!("{name}={}", web::encode(v))));
    parts.collect::<Vec<_>>().join("&")
}
