//! Figures for many units in a handful of queries.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Date, Env, Error, Period, Result, UnitId};
use ledger::{Definition, Ledger, Reading, Total};
use organization::Organization;

use crate::figure::{Change, Figure, Ratio};
use crate::{Indicator, IndicatorList, Measure, SubjectHref};

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Indicators {
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) list: Arc<IndicatorList>,
    pub(crate) subject_href: SubjectHref,
}

/// Totals of one stretch: by definition and unit, with headcounts.
struct Totals {
    totals: Vec<(Definition, HashMap<UnitId, Total>)>,
    headcounts: HashMap<UnitId, i64>,
}

impl Totals {
    fn value(&self, i: &Indicator, unit: UnitId) -> (Total, Option<Ratio>) {
        let found = self
            .totals
            .iter()
            .find(|(d, _)| *d == i.of)
            .and_then(|(_, t)| t.get(&unit));
        let total = found.copied().unwrap_or_default();
        let heads = self.headcounts.get(&unit).copied().unwrap_or(0);
        (total, i.value(total, heads))
    }
}

impl Indicators {
    /// The reading over a ledger, with the indicators of the packs.
    pub fn new(
        env: Env,
        ledger: Ledger,
        organization: Organization,
        list: IndicatorList,
        subject_href: SubjectHref,
    ) -> Self {
        Self {
            env,
            ledger,
            organization,
            list: Arc::new(list),
            subject_href,
        }
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

    /// All figures of these units over a period, in one snapshot, compared with the year before when asked.
    /// The caller has let the units through its scope.
    pub async fn figures(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
        compare: bool,
    ) -> Result<HashMap<UnitId, Vec<Figure>>> {
        let now = self.totals(reading, units, period).await?;
        let base = if compare {
            Some(self.totals(reading, units, period.year_before()).await?)
        } else {
            None
        };
        let figures = |unit: UnitId| {
            self.list
                .iter()
                .map(|i| {
                    let (total, value) = now.value(i, unit);
                    let yoy = base.as_ref().and_then(|base| {
                        let (_, before) = base.value(i, unit);
                        Some(match (value?, before) {
                            (value, Some(before)) if i.measure == Measure::Coverage => {
                                Change::points(value, before)
                            }
                            (value, Some(before)) => Change::percent(value, before),
                            (_, None) => Change::NoBase,
                        })
                    });
                    Figure {
                        code: i.code.clone(),
                        value,
                        rows: total.n,
                        yoy,
                        computing: total.computing,
                    }
                })
                .collect()
        };
        Ok(units.iter().map(|u| (*u, figures(*u))).collect())
    }

    async fn totals(
        &self,
        reading: &mut Reading,
        units: &[UnitId],
        period: Period,
    ) -> Result<Totals> {
        let mut totals = Vec::new();
        for definition in self.list.definitions() {
            let persons = definition.distinct.is_some();
            let found = reading.totals(&definition, units, period, persons).await?;
            totals.push((definition, found));
        }
        let at: Date = period.to.min(self.env.today());
        Ok(Totals {
            totals,
            headcounts: self.organization.headcounts(units, at).await?,
        })
    }

    /// The monthly values of an indicator over a stretch, oldest first, for a small line. Distinct persons
    /// have none: months do not add up to a year.
    pub async fn trend(
        &self,
        reading: &mut Reading,
        i: &Indicator,
        unit: UnitId,
        period: Period,
    ) -> Result<Vec<f64>> {
        if !matches!(i.measure, Measure::Count | Measure::Hours) {
            return Ok(Vec::new());
        }
        let months = reading.months(&i.of, unit, period).await?;
        let mut values = Vec::new();
        let mut at = period.from.first_of_month();
        while at <= period.to {
            let total = months
                .get(&Period::month_code(at))
                .copied()
                .unwrap_or_default();
            values.push(if i.measure == Measure::Hours {
                total.sum as f64
            } else {
                total.n as f64
            });
            at = at.last_of_month().tomorrow().map_err(Error::internal)?;
        }
        Ok(values)
    }
}
