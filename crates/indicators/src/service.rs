//! Figures for many units in a handful of queries.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use db::Db;
use kernel::{Date, Env, Error, Period, PeriodKind, Result, UnitId};
use ledger::{Definition, Ledger, Reading, Sources, Total};
use organization::Organization;

use crate::figure::{Base, Change, Figure, Ratio};
use crate::indicator::Of;
use crate::{Indicator, IndicatorList, Measure};

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Indicators {
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) list: Arc<IndicatorList>,
    pub(crate) sources: Sources,
    pub(crate) audit: Option<Db>,
}

/// What came out for a unit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    pub(crate) value: Option<Ratio>,
    /// Rows under it.
    rows: i64,
    pub(crate) computing: bool,
    /// Too few cases for a value.
    few: bool,
}

/// By indicator and unit.
pub(crate) type Values = HashMap<(String, UnitId), Found>;

impl Indicators {
    /// The reading over a ledger, with the indicators of the packs.
    pub fn new(
        env: Env,
        ledger: Ledger,
        organization: Organization,
        list: IndicatorList,
        sources: Sources,
    ) -> Self {
        Self {
            env,
            ledger,
            organization,
            list: Arc::new(list),
            sources,
            audit: None,
        }
    }

    /// The same, whose exports stand in the audit trail of a database.
    pub fn with_audit(mut self, db: Db) -> Self {
        self.audit = Some(db);
        self
    }

    /// The indicators.
    pub fn list(&self) -> &IndicatorList {
        &self.list
    }

    /// The ledger it reads.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// An indicator by its code.
    pub fn indicator(&self, code: &str) -> Result<&Indicator> {
        self.list.get(code).ok_or(Error::NotFound)
    }

    /// The indicators shown for a unit: those for everybody and those for the category of it or of a unit above.
    pub async fn shown_for(&self, unit: UnitId) -> Result<Vec<&Indicator>> {
        let path = self.organization.paths(&[unit]).await?;
        let path = path.get(&unit).map_or(&[][..], Vec::as_slice);
        let units = self
            .organization
            .units_by_id(path, &kernel::Scope::All)
            .await?;
        let categories: Vec<&str> = units.iter().map(|u| u.category.as_str()).collect();
        Ok(self.list.shown(&categories))
    }

    /// Some figures of these units over a period, in the order of the indicators, in one snapshot, compared with
    /// the year before when asked. The caller has let the units through its scope.
    pub async fn figures(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        which: &[&Indicator],
        compare: bool,
    ) -> Result<HashMap<UnitId, Vec<Figure>>> {
        let base = compare.then_some(Base::YearBefore);
        self.figures_against(reading, units, period, which, base)
            .await
    }

    /// The same, compared with a base (同比, 环比).
    pub async fn figures_against(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        which: &[&Indicator],
        against: Option<Base>,
    ) -> Result<HashMap<UnitId, Vec<Figure>>> {
        let now = self.values(reading, units, period, which).await?;
        let base = match against {
            Some(against) => {
                let before = against.of(period);
                Some(self.values(reading, units, before, which).await?)
            }
            None => None,
        };
        let declared = self
            .declared(reading, units, period, which, against)
            .await?;
        let figure = |i: &Indicator, unit: UnitId| {
            let key = (i.code.clone(), unit);
            let found = now.get(&key).copied().unwrap_or_default();
            let yoy = base.as_ref().and_then(|base| {
                let value = found.value?;
                Some(match base.get(&key).and_then(|f| f.value) {
                    None => Change::NoBase,
                    // The change of a change says nothing.
                    Some(_) if matches!(i.measure, Measure::Change { .. }) => return None,
                    Some(before) if i.is_rate() => Change::points(value, before, 1),
                    Some(before) => Change::percent(value, before, 1),
                })
            });
            Figure {
                code: i.code.clone(),
                value: found.value,
                rows: found.rows,
                yoy,
                computing: found.computing,
                declared: declared.contains(&(i.code.as_str(), unit)),
                few: found.few,
            }
        };
        let of = |unit: UnitId| which.iter().map(|i| figure(i, unit)).collect();
        Ok(units.iter().map(|u| (*u, of(*u))).collect())
    }

    /// Which of some figures are made of facts that somebody typed in, in part or as a whole.
    async fn declared<'i>(
        &'i self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        which: &[&'i Indicator],
        against: Option<Base>,
    ) -> Result<HashSet<(&'i str, UnitId)>> {
        // A base lies a year before, or just before: never further back than two such stretches.
        let wide = Period {
            from: period.year_before().from.min(period.before().from),
            to: period.to,
        };
        let facts = reading.declared(wide).await?;
        let mut found = HashSet::new();
        if facts.is_empty() {
            return Ok(found);
        }
        let paths = reading.paths(&facts).await?;
        let wanted: HashSet<UnitId> = units.iter().copied().collect();
        for i in which {
            let mut made_of = self.made_of(i, period);
            if let Some(against) = against {
                made_of.extend(self.made_of(i, against.of(period)));
            }
            for (definition, span) in made_of {
                let here =
                    |f: &&ledger::Fact| span.contains(f.date) && definition.predicate.matches(f);
                for fact in facts.iter().filter(here) {
                    let path = definition.place(fact).and_then(|p| paths.get(&p));
                    let path = path.into_iter().flatten().filter(|u| wanted.contains(u));
                    found.extend(path.map(|unit| (i.code.as_str(), *unit)));
                }
            }
        }
        Ok(found)
    }

    /// The definitions that a figure is made of, each with its stretch.
    fn made_of(&self, i: &Indicator, period: Period) -> Vec<(&Definition, Period)> {
        let (mut left, mut found) = (vec![(i.code.clone(), period)], Vec::new());
        while let Some((code, period)) = left.pop() {
            let Some(i) = self.list.get(&code) else {
                continue;
            };
            match &i.measure {
                Measure::Facts(_, definition) => found.push((definition, period)),
                Measure::Census(_) => {}
                Measure::Ratio { part, whole } => {
                    left.extend([part, whole].map(|code| (code.clone(), period)));
                }
                Measure::Change { of, base, .. } => {
                    left.extend([period, base.of(period)].map(|span| (of.clone(), span)));
                }
            }
        }
        found
    }

    /// The values of some indicators and of those that they are made of.
    pub(crate) async fn values(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        which: &[&Indicator],
    ) -> Result<Values> {
        let mut values = self
            .plain(reading, units, period, &self.parts(which))
            .await?;
        rates(&mut values, which, units);
        for i in which {
            let Measure::Change { of, kind, base } = &i.measure else {
                continue;
            };
            let of = self.indicator(of)?;
            let mut of_now = self
                .plain(reading, units, period, &self.parts(&[of]))
                .await?;
            rates(&mut of_now, &[of], units);
            let before = base.of(period);
            let mut of_base = self
                .plain(reading, units, before, &self.parts(&[of]))
                .await?;
            rates(&mut of_base, &[of], units);
            for unit in units {
                let key = (of.code.clone(), *unit);
                let now = of_now.get(&key).copied().unwrap_or_default();
                let base = of_base.get(&key).copied().unwrap_or_default();
                let change = match (now.value, base.value) {
                    (Some(now), Some(base)) => Change::of(*kind, now, base, i.decimals).ratio(),
                    _ => None,
                };
                let found = Found {
                    value: change,
                    rows: now.rows,
                    computing: now.computing || base.computing,
                    few: change.is_none() && (now.few || base.few),
                };
                values.insert((i.code.clone(), *unit), found);
            }
        }
        Ok(values)
    }

    /// The indicators that stand for themselves, among some and those that these are made of.
    fn parts<'a>(&'a self, which: &[&'a Indicator]) -> Vec<&'a Indicator> {
        let mut found: Vec<&Indicator> = Vec::new();
        let mut add = |i: &'a Indicator| {
            if !found.iter().any(|k| k.code == i.code) {
                found.push(i);
            }
        };
        for i in which {
            match &i.measure {
                Measure::Facts(..) | Measure::Census(_) => add(i),
                Measure::Ratio { part, whole } => {
                    let parts = [part, whole].into_iter();
                    parts.filter_map(|c| self.list.get(c)).for_each(&mut add);
                }
                Measure::Change { .. } => {}
            }
        }
        found
    }

    /// The values of indicators that stand for themselves.
    async fn plain(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        which: &[&Indicator],
    ) -> Result<Values> {
        let at: Date = period.to.min(self.env.today());
        let heads = match which.iter().any(|i| i.of() == Some(Of::Coverage)) {
            true => self.organization.headcounts(units, at).await?,
            false => HashMap::new(),
        };
        let mut totals: Vec<(&Definition, HashMap<UnitId, Total>)> = Vec::new();
        let mut values = Values::new();
        for i in which {
            let (of, definition) = match &i.measure {
                Measure::Facts(of, definition) => (*of, definition),
                Measure::Census(census) => {
                    let counts = Organization::census(reading.tx(), census, units, period).await?;
                    for unit in units {
                        let n = counts.get(unit).copied().unwrap_or(0);
                        values.insert((i.code.clone(), *unit), Found::of(n));
                    }
                    continue;
                }
                Measure::Ratio { .. } | Measure::Change { .. } => continue,
            };
            if !totals.iter().any(|(d, _)| *d == definition) {
                let persons = definition.distinct.is_some();
                let found = reading.totals(definition, units, period, persons).await?;
                totals.push((definition, found));
            }
            let totals = totals.iter().find(|(d, _)| *d == definition);
            let total = |unit: &UnitId| {
                totals
                    .and_then(|(_, t)| t.get(unit))
                    .copied()
                    .unwrap_or_default()
            };
            let special = self
                .special(reading, i, of, definition, units, period)
                .await?;
            for unit in units {
                let total = total(unit);
                let value = match &special {
                    Some(special) if !total.computing => special.get(unit).copied().flatten(),
                    Some(_) => None,
                    None => i.value(total, heads.get(unit).copied().unwrap_or(0)),
                };
                let few = match of {
                    Of::Mean(_) => i.too_few(total.n),
                    Of::Coverage => i.too_few(heads.get(unit).copied().unwrap_or(0)),
                    _ => false,
                };
                let found = Found {
                    value,
                    rows: total.n,
                    computing: total.computing,
                    few: few && !total.computing,
                };
                values.insert((i.code.clone(), *unit), found);
            }
        }
        Ok(values)
    }

    /// Values that are not made of a total.
    async fn special(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        of: Of,
        definition: &Definition,
        units: &[UnitId],
        period: Period,
    ) -> Result<Option<HashMap<UnitId, Option<Ratio>>>> {
        let ratio = |numerator, denominator| Ratio {
            numerator,
            denominator,
            decimals: i.decimals,
        };
        let mut found = HashMap::new();
        match of {
            Of::Peak(per) => {
                let spread = reading.spread(definition, units, period, None).await?;
                for (unit, (_, peak)) in spread {
                    found.insert(unit, peak.map(|peak| ratio(peak, per)));
                }
            }
            Of::Varieties => {
                let spread = reading.spread(definition, units, period, None).await?;
                for unit in units {
                    let n = spread.get(unit).map_or(0, |(roles, _)| *roles);
                    found.insert(*unit, Some(ratio(n, 1)));
                }
            }
            Of::Places => {
                for unit in units {
                    found.insert(*unit, Some(ratio(0, 1)));
                }
                for (above, _, n) in self.places(reading, i, definition, units, period).await? {
                    if n > 0
                        && let Some(Some(count)) = found.get_mut(&above)
                    {
                        count.numerator += 1;
                    }
                }
            }
            Of::Streak(every) => {
                let ever = Period {
                    from: Date::constant(1900, 1, 1),
                    to: period.to,
                };
                let months = reading.months_of(definition, units, ever).await?;
                for unit in units {
                    let list = months.get(unit);
                    let n = list.map_or(0, |list| streak(list, every, period.to).len());
                    found.insert(*unit, Some(ratio(n as i64, 1)));
                }
            }
            Of::Count | Of::Persons | Of::Sum(_) | Of::Mean(_) | Of::Coverage => return Ok(None),
        }
        Ok(Some(found))
    }

    /// The units that an indicator of places looks at: below which unit, which, and how many facts it has.
    pub(crate) async fn places(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        definition: &Definition,
        units: &[UnitId],
        period: Period,
    ) -> Result<Vec<(UnitId, UnitId, i64)>> {
        let below = Organization::places(reading.tx(), &i.categories, units, period).await?;
        let all: HashSet<UnitId> = below.iter().map(|(_, unit)| *unit).collect();
        let all: Vec<UnitId> = all.into_iter().collect();
        let totals = reading.totals(definition, &all, period, false).await?;
        let n = |unit: &UnitId| totals.get(unit).map_or(0, |t| t.n);
        Ok(below
            .into_iter()
            .map(|(above, unit)| (above, unit, n(&unit)))
            .collect())
    }

    /// The monthly values of an indicator over a stretch, oldest first, for a small line. Only numbers and sums
    /// have one: other months do not add up to a year.
    pub async fn trend(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        unit: UnitId,
        period: Period,
    ) -> Result<Vec<f64>> {
        let Measure::Facts(of @ (Of::Count | Of::Sum(_)), definition) = &i.measure else {
            return Ok(Vec::new());
        };
        let months = reading.months(definition, unit, period).await?;
        let mut values = Vec::new();
        let mut at = period.from.first_of_month();
        while at <= period.to {
            let total = months
                .get(&Period::month_code(at))
                .copied()
                .unwrap_or_default();
            values.push(match of {
                Of::Count => total.n as f64,
                _ => total.sum as f64,
            });
            at = at.last_of_month().tomorrow().map_err(Error::internal)?;
        }
        Ok(values)
    }
}

impl Found {
    fn of(n: i64) -> Self {
        Self {
            value: Some(Ratio::whole(n)),
            rows: n,
            computing: false,
            few: false,
        }
    }
}

/// Adds the rates among some indicators to the values of what they are made of.
fn rates(values: &mut Values, which: &[&Indicator], units: &[UnitId]) {
    for i in which {
        let Measure::Ratio { part, whole } = &i.measure else {
            continue;
        };
        for unit in units {
            let of = |code: &String| values.get(&(code.clone(), *unit)).copied();
            let (part, whole) = (of(part).unwrap_or_default(), of(whole).unwrap_or_default());
            let value = match (part.value, whole.value) {
                (Some(p), Some(w)) if w.order(Ratio::whole(i.minimum)).is_ge() => {
                    p.by(w, i.decimals)
                }
                _ => None,
            };
            let found = Found {
                value,
                rows: part.rows,
                computing: part.computing || whole.computing,
                few: whole
                    .value
                    .is_some_and(|w| w.numerator > 0 && w.order(Ratio::whole(i.minimum)).is_lt()),
            };
            values.insert((i.code.clone(), *unit), found);
        }
    }
}

/// The years or months without a gap up to the last one, newest first, each with its number of facts.
pub(crate) fn streak(
    months: &BTreeMap<i64, Total>,
    every: PeriodKind,
    last: Date,
) -> Vec<(i64, i64)> {
    let by_year = every == PeriodKind::Year;
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for (code, total) in months {
        *counts
            .entry(if by_year { code / 100 } else { *code })
            .or_default() += total.n;
    }
    let mut at = match by_year {
        true => i64::from(last.year()),
        false => Period::month_code(last),
    };
    let mut found = Vec::new();
    while let Some(n) = counts.get(&at).filter(|n| **n > 0) {
        found.push((at, *n));
        at = match at % 100 {
            1 if !by_year => at - 89,
            _ => at - 1,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streak_ends_at_the_first_gap() {
        let total = |n| Total {
            n,
            ..Total::default()
        };
        let months: BTreeMap<i64, Total> = [
            (202_011, total(1)),
            (202_211, total(2)),
            (202_312, total(1)),
            (202_401, total(3)),
            (202_402, total(0)),
            (202_403, total(1)),
        ]
        .into();
        let last = Date::constant(2024, 3, 31);
        let years = streak(&months, PeriodKind::Year, last);
        assert_eq!(years, [(2024, 4), (2023, 1), (2022, 2)]);
        assert_eq!(streak(&months, PeriodKind::Month, last), [(202_403, 1)]);
        let january = Date::constant(2024, 1, 31);
        let months = streak(&months, PeriodKind::Month, january);
        assert_eq!(months, [(202_401, 3), (202_312, 1)]);
    }
}
