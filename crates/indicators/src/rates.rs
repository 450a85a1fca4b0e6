//! Rates for the pages of other rooms.

use commons::rates::{Rate, Rates, Side};
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Period, Result, UnitId};

use crate::figure::Ratio;
use crate::indicator::{Indicator, Measure, Of};
use crate::service::Indicators;

/// Both sides of a rate of counts.
fn sides<'a>(s: &'a Indicators, i: &Indicator) -> Option<[&'a Indicator; 2]> {
    let Measure::Ratio { part, whole } = &i.measure else {
        return None;
    };
    let counts = |i: &&Indicator| matches!(i.measure, Measure::Facts(Of::Count, _));
    let side = |code: &str| s.list().get(code).filter(counts);
    Some([side(part)?, side(whole)?])
}

impl Rates for Indicators {
    fn rates<'a>(
        &'a self,
        codes: &'a [&'a str],
        units: &'a [UnitId],
        period: Period,
    ) -> BoxFuture<'a, Result<Vec<Rate>>> {
        async move {
            let known = codes.iter().filter_map(|code| {
                let rate = self.list().get(code)?;
                Some((rate, sides(self, rate)?))
            });
            let known: Vec<_> = known.collect();
            let which: Vec<&Indicator> = known.iter().flat_map(|(_, sides)| *sides).collect();
            let mut reading = self.ledger().reading().await?;
            let found = self.values(&mut reading, units, period, &which).await?;
            let rate = |(rate, sides): &(&Indicator, [&Indicator; 2])| {
                let of = |side: &Indicator| {
                    let figures = units
                        .iter()
                        .filter_map(|u| found.get(&(side.code.clone(), *u)));
                    let figures: Vec<_> = figures.collect();
                    let sum = figures.iter().filter_map(|f| f.value).map(|v| v.numerator);
                    (sum.sum::<i64>(), figures.iter().any(|f| f.computing))
                };
                let ((part, waits), (whole, also)) = (of(sides[0]), of(sides[1]));
                let computing = waits || also;
                let enough = !computing && whole > 0 && whole >= rate.minimum;
                let value = Ratio {
                    numerator: part * 100,
                    denominator: whole,
                    decimals: rate.decimals,
                };
                let side = |i: &Indicator, n| Side {
                    code: i.code.clone(),
                    name: i.name.clone(),
                    n,
                };
                Rate {
                    code: rate.code.clone(),
                    name: rate.name.clone(),
                    percent: enough.then(|| value.text()),
                    part: side(sides[0], part),
                    whole: side(sides[1], whole),
                }
            };
            Ok(known.iter().map(rate).collect())
        }
        .boxed()
    }
}
