//! One figure opened (点开数字): down to its rows, or to the figures and things that it is made of.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use kernel::{Error, Period, Result, UnitId};
use ledger::{Definition, Reading};
use organization::{Organization, Things, Unit};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Shell};

use crate::figure::{Base, Figure, Ratio};
use crate::pages::{PAGE, card, chosen, crumbs, open_href, period_text, references, value_text};
use crate::period::{Span, span_of};
use crate::rows::{cursor_of, cursor_text};
use crate::service::streak;
use crate::{Indicator, Indicators, Measure, Of};

/// Things of the organization on one page.
const THINGS: i64 = 500;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct OpenQuery {
    pub(crate) unit: Option<String>,
    from: Option<String>,
    to: Option<String>,
    period: Option<String>,
    at: Option<String>,
    /// What it is compared with: `year-before` or `before`.
    base: Option<String>,
    /// Where the page begins.
    after: Option<String>,
    /// Rows as they were when the ledger had this size: figures of a report.
    #[serde(default, deserialize_with = "number")]
    pub(crate) as_of: Option<i64>,
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
    pub(crate) fn span(&self) -> Span {
        Span {
            period: self.period.clone(),
            at: self.at.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
        }
    }
}

impl Indicators {
    /// The facts that a figure opens to: its own, or those of what stands above in a rate or changed.
    pub(crate) fn rows_of<'a>(&'a self, i: &'a Indicator) -> Option<&'a Definition> {
        let of = |code: &String| self.list.get(code).and_then(|i| self.rows_of(i));
        match &i.measure {
            Measure::Facts(_, definition) => Some(definition),
            Measure::Ratio { part, .. } => of(part),
            Measure::Change { of: changed, .. } => of(changed),
            Measure::Census(_) => None,
        }
    }

    /// A figure as it was when the ledger had a size; none where only the present is known.
    async fn frozen(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        unit: UnitId,
        period: Period,
        size: i64,
    ) -> Result<Option<Figure>> {
        let Measure::Facts(of, definition) = &i.measure else {
            return Ok(None);
        };
        let persons = definition.distinct.is_some();
        let total = reading
            .total_as_of(definition, unit, period, size, persons)
            .await?;
        let value = match of {
            Of::Places | Of::Streak(_) => return Ok(None),
            Of::Peak(_) | Of::Varieties => {
                let spread = reading
                    .spread(definition, &[unit], period, Some(size))
                    .await?;
                let (roles, peak) = spread.get(&unit).copied().unwrap_or_default();
                let (numerator, denominator) = match of {
                    Of::Peak(per) => (peak, *per),
                    _ => (Some(roles), 1),
                };
                numerator.map(|numerator| Ratio {
                    numerator,
                    denominator,
                    decimals: i.decimals,
                })
            }
            _ => {
                let at = period.to.min(self.env.today());
                i.value(total, self.organization.headcount(unit, at).await?)
            }
        };
        Ok(Some(Figure {
            code: i.code.clone(),
            value,
            rows: total.n,
            yoy: None,
            computing: false,
            declared: false,
            few: false,
        }))
    }

    /// The figures that one is made of: each with its name, stretch and value.
    async fn operands(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        unit: UnitId,
        period: Period,
    ) -> Result<Vec<(&Indicator, Period, Figure)>> {
        let asked = match &i.measure {
            Measure::Ratio { part, whole } => vec![(part, period), (whole, period)],
            Measure::Change { of, base, .. } => vec![(of, period), (of, base.of(period))],
            _ => Vec::new(),
        };
        let mut found = Vec::new();
        for (code, period) in asked {
            let i = self.indicator(code)?;
            let mut figures = self.figures(reading, &[unit], period, &[i], false).await?;
            let figure = figures.remove(&unit).and_then(|mut list| list.pop());
            found.push((i, period, figure.ok_or(Error::NotFound)?));
        }
        Ok(found)
    }

    /// What is counted where no fact is: units, bodies, people; units that took part; years in a row.
    async fn things(
        &self,
        reading: &mut Reading,
        shell: &Shell,
        i: &Indicator,
        unit: UnitId,
        period: Period,
    ) -> Result<Vec<Value>> {
        let thing = |name: &str, detail: &str, href: Option<String>| json!({ "name": name, "detail": detail, "href": href });
        match &i.measure {
            Measure::Census(census) => {
                let list = Organization::census_list(reading.tx(), census, unit, period, THINGS, 0)
                    .await?;
                let room = match census.of {
                    Things::Units | Things::Categories => "organization/units",
                    Things::Bodies | Things::Formed => "bodies",
                    Things::Members => "organization/people",
                };
                let row = |c: &organization::Counted| {
                    let href = c.id.map(|id| format!("/{room}/{id}"));
                    thing(&c.name, &c.detail, href)
                };
                Ok(list.iter().map(row).collect())
            }
            Measure::Facts(Of::Places, definition) => {
                let places = self.places(reading, i, definition, &[unit], period).await?;
                let ids: Vec<UnitId> = places.iter().map(|(_, unit, _)| *unit).collect();
                let names = self.organization.names(&ids).await?;
                let name = |id: &UnitId| names.get(id).cloned().unwrap_or_default();
                let mut list: Vec<_> = places
                    .iter()
                    .map(|(_, id, n)| (*n == 0, name(id), *id, *n))
                    .collect();
                list.sort();
                let size = reading.size();
                let row = |(none, name, id, n): &(bool, String, UnitId, i64)| {
                    let figure = Figure {
                        code: i.code.clone(),
                        value: None,
                        rows: *n,
                        yoy: None,
                        computing: false,
                        declared: false,
                        few: false,
                    };
                    let href = (!none).then(|| open_href(&i.code, *id, period, &figure, size));
                    let detail = match none {
                        true => shell.t("places-none"),
                        false => shell.t_with("rows-count", &[("count", &n.to_string())]),
                    };
                    thing(name, &detail, href)
                };
                Ok(list.iter().map(row).collect())
            }
            Measure::Facts(Of::Streak(every), definition) => {
                let ever = Period {
                    from: kernel::Date::constant(1900, 1, 1),
                    to: period.to,
                };
                let months = reading.months(definition, unit, ever).await?;
                let row = |(at, n): &(i64, i64)| {
                    let name = match at / 10_000 {
                        0 => at.to_string(),
                        _ => format!("{}-{:02}", at / 100, at % 100),
                    };
                    let detail = shell.t_with("rows-count", &[("count", &n.to_string())]);
                    thing(&name, &detail, None)
                };
                Ok(streak(&months, *every, period.to).iter().map(row).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// How a figure was reckoned, in words.
    async fn formula(
        &self,
        reading: &mut Reading,
        shell: &Shell,
        i: &Indicator,
        unit: UnitId,
        period: Period,
        as_of: Option<i64>,
    ) -> Result<Option<String>> {
        let Measure::Facts(of, definition) = &i.measure else {
            return Ok(None);
        };
        let persons = definition.distinct.is_some();
        let total = match as_of {
            None => reading.total(definition, unit, period, persons).await?,
            Some(size) => {
                reading
                    .total_as_of(definition, unit, period, size, persons)
                    .await?
            }
        };
        Ok(match of {
            Of::Coverage => {
                let at = period.to.min(self.env.today());
                let heads = self.organization.headcount(unit, at).await?;
                let persons = total.persons.unwrap_or(0).to_string();
                let heads = heads.to_string();
                Some(shell.t_with(
                    "formula-coverage",
                    &[("persons", &persons), ("heads", &heads)],
                ))
            }
            Of::Sum(per) if definition.value == ledger::Value::Minutes => Some(shell.t_with(
                "formula-hours",
                &[
                    ("minutes", &total.sum.to_string()),
                    ("per", &per.to_string()),
                ],
            )),
            _ => None,
        })
    }
}

pub(crate) async fn open(
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
    let children: Vec<&Unit> = units.iter().filter(|u| u.parent == Some(unit.id)).collect();
    let mut reading = s.ledger.reading().await?;
    let size = reading.size();
    let ids: Vec<UnitId> = std::iter::once(unit.id)
        .chain(children.iter().map(|c| c.id))
        .collect();
    let against = q.base.as_deref().and_then(Base::from_code);
    let against = against.unwrap_or(Base::YearBefore);
    let figures = s
        .figures_against(&mut reading, &ids, period, &[i], Some(against))
        .await?;
    let figure_of = |id: UnitId| figures.get(&id).and_then(|f| f.first()).cloned();
    let frozen = match q.as_of {
        // As the report has it: the number belongs to the rows below.
        Some(size) => s.frozen(&mut reading, i, unit.id, period, size).await?,
        None => None,
    };
    let figure = match frozen {
        Some(figure) => figure,
        None => figure_of(unit.id).ok_or(Error::NotFound)?,
    };
    let after = q.after.as_deref().and_then(cursor_of);
    let page = match s.rows_of(i) {
        Some(definition) => {
            reading
                .rows(definition, unit.id, period, q.as_of, after, PAGE)
                .await?
        }
        None => ledger::Page::default(),
    };
    let rows = s.rows(&mut reading, &page.facts, &shell).await?;
    let base = format!(
        "/indicators/{code}?unit={}&from={}&to={}",
        unit.id,
        kernel::format_date(period.from),
        kernel::format_date(period.to)
    );
    // A change has its base in its definition.
    let bases: Vec<Value> = Base::ALL
        .into_iter()
        .filter(|_| q.as_of.is_none() && !matches!(i.measure, Measure::Change { .. }))
        .map(|b| json!({ "label": shell.t(b.key()), "href": format!("{base}&base={}", b.code()), "current": b == against }))
        .collect();
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
            json!({ "name": c.name, "value": value_text(&shell, &f), "rows": f.rows, "href": open_href(&code, c.id, period, &f, size) })
        })
        .collect();
    let operands: Vec<Value> = s
        .operands(&mut reading, i, unit.id, period)
        .await?
        .iter()
        .map(|(i, period, f)| {
            json!({
                "name": i.name.get(lang), "period": period_text(&shell, *period), "value": value_text(&shell, f),
                "unit": i.unit.get(lang), "href": open_href(&i.code, unit.id, *period, f, size),
            })
        })
        .collect();
    let things = s.things(&mut reading, &shell, i, unit.id, period).await?;
    let formula = s
        .formula(&mut reading, &shell, i, unit.id, period, q.as_of)
        .await?;
    let mut path = crumbs(&units, &unit, &Span::default());
    path.push(Crumb {
        label: unit.name.clone(),
        href: format!("/indicators?unit={}", unit.id),
    });
    let export = base.replacen(
        &format!("/indicators/{code}"),
        &format!("/indicators/{code}/rows.csv"),
        1,
    );
    shell.page(
        "indicators/open.html",
        json!({
            "name": i.name.get(lang), "unit": unit.name, "period": period_text(&shell, period),
            "kpi": card(&s, &shell, i, &figure, None, Vec::new(), against), "bases": bases,
            "references": references(&shell, i, &figure),
            "formula": formula, "rows": rows, "counted": figure.rows, "parts": parts, "difference": difference,
            "operands": operands, "things": things, "from_rows": s.rows_of(i).is_some(),
            "size": size, "tail": reading.tail_len(), "frozen": q.as_of,
            "next": page.next.map(|c| format!("{base}{as_of_query}&after={}", cursor_text(c))),
            "first": after.map(|_| format!("{base}{as_of_query}")),
            "live": q.as_of.map(|_| base.clone()),
            "export": s.rows_of(i).map(|_| export + &as_of_query),
            "crumbs": path,
        }),
    )
}
