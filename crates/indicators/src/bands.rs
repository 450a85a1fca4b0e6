//! Named bands of a figure (目标区间), and external figures shown beside it (外部参照), as packs write them.

use commons::packs::Name;
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

use crate::Ratio;

/// How a band is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BandTone {
    /// Neither.
    #[default]
    Plain,
    /// Good.
    Ok,
    /// To be watched.
    Warn,
    /// Bad.
    Bad,
}

/// A band: values from its begin up to that of the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Where it begins.
    pub from: Ratio,
    /// Its name.
    pub name: Name,
    /// How it is meant.
    pub tone: BandTone,
}

/// A figure of somebody else, with where it was published. It is shown beside the own figure and never reckoned with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benchmark {
    /// What it is, for example the mean of the province.
    pub name: Name,
    /// Its value, in the unit of the indicator.
    pub value: Ratio,
    /// The stretch it is about.
    pub period: String,
    /// Who published it.
    pub source: Name,
    /// Where.
    pub document: Name,
}

/// A number as TOML has it: whole, or with the decimals that were written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Written {
    Whole(i64),
    Decimal(f64),
}

/// The largest number, and the most decimals.
const LARGEST: f64 = 1e12;
const DECIMALS: usize = 6;

impl Written {
    /// The exact value of what was written.
    fn ratio(self) -> Option<Ratio> {
        let number = match self {
            Self::Whole(n) => return Some(Ratio::whole(n)),
            Self::Decimal(number) => number,
        };
        if !number.is_finite() || number.abs() > LARGEST {
            return None;
        }
        // The shortest text that is read as the same number is what was typed.
        let text = format!("{number}");
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let decimals = u32::try_from(part.len()).ok()?;
        (part.len() <= DECIMALS).then_some(Ratio {
            numerator: format!("{whole}{part}").parse().ok()?,
            denominator: 10_i64.pow(decimals),
            decimals,
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenBand {
    from: Written,
    name: Name,
    #[serde(default)]
    tone: BandTone,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenBenchmark {
    name: Name,
    value: Written,
    period: String,
    source: Name,
    document: Name,
}

/// Where something is wrong, and what.
type Mistake = (std::ops::Range<usize>, Msg);

fn is_empty(name: &Name) -> bool {
    name.zh.trim().is_empty() || name.en.trim().is_empty()
}

/// The bands of an indicator, each beginning above the one before; mistakes with their place.
pub(crate) fn bands(code: &str, written: Vec<Spanned<WrittenBand>>) -> (Vec<Band>, Vec<Mistake>) {
    let (mut bands, mut wrong): (Vec<Band>, Vec<Mistake>) = (Vec::new(), Vec::new());
    for spanned in written {
        let (span, band) = (spanned.span(), spanned.into_inner());
        let from = band.from.ratio().filter(|from| {
            let last = bands.last();
            last.is_none_or(|last| last.from.order(*from).is_lt())
        });
        match from {
            Some(from) if !is_empty(&band.name) => bands.push(Band {
                from,
                name: band.name,
                tone: band.tone,
            }),
            _ => wrong.push((span, Msg::new("indicator-band").with("code", code))),
        }
    }
    (bands, wrong)
}

/// The external figures of an indicator; one without its source is a mistake.
pub(crate) fn benchmarks(
    code: &str,
    written: Vec<Spanned<WrittenBenchmark>>,
) -> (Vec<Benchmark>, Vec<Mistake>) {
    let (mut list, mut wrong) = (Vec::new(), Vec::new());
    for spanned in written {
        let (span, b) = (spanned.span(), spanned.into_inner());
        let named = ![&b.name, &b.source, &b.document].into_iter().any(is_empty);
        match b.value.ratio() {
            Some(value) if named && !b.period.trim().is_empty() => list.push(Benchmark {
                name: b.name,
                value,
                period: b.period,
                source: b.source,
                document: b.document,
            }),
            _ => wrong.push((span, Msg::new("indicator-benchmark").with("code", code))),
        }
    }
    (list, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_was_typed() {
        let read = |number| Written::Decimal(number).ratio().map(Ratio::text);
        for text in ["93.5", "0.1", "-2.25", "1,234.567891"] {
            let number: f64 = text.replace(',', "").parse().expect("a number");
            assert_eq!(read(number).as_deref(), Some(text));
        }
        for wrong in [f64::NAN, f64::INFINITY, 1e13, 0.123_456_7] {
            assert_eq!(read(wrong), None);
        }
        assert_eq!(
            Written::Whole(95).ratio().map(Ratio::text).as_deref(),
            Some("95")
        );
    }
}
