//! Definitions of indicators, brought by packs.

use std::collections::BTreeSet;

use commons::packs::{Name, PackProblem, Packs};
use kernel::{Msg, PeriodKind};
use ledger::{Definition, Total, Value};
use organization::Census;
use serde::Deserialize;
use toml::Spanned;

use crate::Ratio;
use crate::bands::{Band, Benchmark, WrittenBand, WrittenBenchmark, bands, benchmarks};
use crate::figure::{Base, ChangeKind, Direction};

/// What is made of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Their number (场次, 人次, 件).
    Count,
    /// Distinct persons (人数).
    Persons,
    /// The sum of their values, so many to one of what is printed (学时: 45 minutes).
    Sum(i64),
    /// The mean of their values.
    Mean(i64),
    /// The greatest of their values.
    Peak(i64),
    /// How many different parts they tell of (种类).
    Varieties,
    /// In how many units there are any, of all categories or some (参与单位).
    Places,
    /// Through how many years or months up to the last one there were any (连续年数).
    Streak(PeriodKind),
    /// Distinct persons by headcount at the end of the period, in percent (覆盖率).
    Coverage,
}

/// How a figure comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// From facts of the ledger.
    Facts(Of, Definition),
    /// From the organization itself.
    Census(Census),
    /// One figure by another, in percent (占比).
    Ratio {
        /// Code of what stands above.
        part: String,
        /// Code of what stands below.
        whole: String,
    },
    /// How a figure changed against a base (同比, 环比).
    Change {
        /// Its code.
        of: String,
        /// In percent or in points.
        kind: ChangeKind,
        /// Against what.
        base: Base,
    },
}

impl Measure {
    /// As packs write it, and the message key of its name.
    fn named(&self) -> (&'static str, &'static str) {
        match self {
            Self::Facts(Of::Count, _) => ("count", "indicator-by-count"),
            Self::Facts(Of::Persons, _) => ("persons", "indicator-by-persons"),
            Self::Facts(Of::Sum(_), _) => ("sum", "indicator-by-sum"),
            Self::Facts(Of::Mean(_), _) => ("mean", "indicator-by-mean"),
            Self::Facts(Of::Peak(_), _) => ("peak", "indicator-by-peak"),
            Self::Facts(Of::Varieties, _) => ("varieties", "indicator-by-varieties"),
            Self::Facts(Of::Places, _) => ("places", "indicator-by-places"),
            Self::Facts(Of::Streak(_), _) => ("streak", "indicator-by-streak"),
            Self::Facts(Of::Coverage, _) => ("coverage", "indicator-by-coverage"),
            Self::Census(_) => ("census", "indicator-by-census"),
            Self::Ratio { .. } => ("ratio", "indicator-by-ratio"),
            Self::Change { .. } => ("change", "indicator-by-change"),
        }
    }

    /// As packs write it.
    pub fn code(&self) -> &'static str {
        self.named().0
    }

    /// Message key of its name.
    pub fn key(&self) -> &'static str {
        self.named().1
    }
}

/// An indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Unit of the figure.
    pub unit: Name,
    /// How it is defined, in words.
    pub definition: Name,
    /// How it comes about.
    pub measure: Measure,
    /// Decimals when printed.
    pub decimals: u32,
    /// What it should be at least, or at most where less is better.
    pub target: Option<i64>,
    /// Whether more is better.
    pub direction: Direction,
    /// Below this number of cases a rate says nothing and is not printed (最小样本).
    pub minimum: i64,
    /// Categories of units that it is shown for, with all below them; empty: for all.
    pub shown_for: Vec<String>,
    /// Categories of the units that are counted; for places.
    pub categories: Vec<String>,
    /// Named bands of its values, from the lowest.
    pub bands: Vec<Band>,
    /// Figures of others that stand beside it.
    pub benchmarks: Vec<Benchmark>,
    /// Code of the pack that brings it.
    pub pack: String,
}

impl Indicator {
    /// The component it is made of, where it is made of one.
    pub fn facts(&self) -> Option<&Definition> {
        match &self.measure {
            Measure::Facts(_, definition) => Some(definition),
            _ => None,
        }
    }

    /// What is made of the facts.
    pub fn of(&self) -> Option<Of> {
        match self.measure {
            Measure::Facts(of, _) => Some(of),
            _ => None,
        }
    }

    /// Whether it is a rate: two of them differ by points, not by percent.
    pub fn is_rate(&self) -> bool {
        matches!(
            self.measure,
            Measure::Ratio { .. } | Measure::Facts(Of::Coverage, _)
        ) || self.unit.zh == "%"
    }

    /// The band that a value lies in.
    pub fn band(&self, value: Option<Ratio>) -> Option<&Band> {
        let value = value?;
        let reached = |b: &&Band| b.from.order(value).is_le();
        self.bands.iter().rev().find(reached)
    }

    /// Whether so many cases are too few for a rate or a mean to say anything.
    pub(crate) fn too_few(&self, cases: i64) -> bool {
        (1..self.minimum).contains(&cases)
    }

    /// The value made of a total; none while computing, or without a denominator. What needs more than a total
    /// is none here.
    pub(crate) fn value(&self, total: Total, heads: i64) -> Option<Ratio> {
        let ratio = |numerator, denominator| Ratio {
            numerator,
            denominator,
            decimals: self.decimals,
        };
        let persons = total.persons.unwrap_or(0);
        let value = match self.of()? {
            Of::Count => Some(ratio(total.n, 1)),
            Of::Persons => Some(ratio(persons, 1)),
            Of::Sum(per) => Some(ratio(total.sum, per)),
            Of::Mean(per) => {
                (total.n >= self.minimum.max(1)).then(|| ratio(total.sum, per * total.n))
            }
            Of::Coverage => (heads >= self.minimum.max(1)).then(|| ratio(persons * 100, heads)),
            Of::Peak(_) | Of::Varieties | Of::Places | Of::Streak(_) => None,
        };
        value.filter(|_| !total.computing)
    }
}

/// An indicator as packs write it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    code: String,
    name: Name,
    unit: Name,
    definition: Name,
    measure: String,
    #[serde(default)]
    of: Option<Definition>,
    /// So many of the ledger's (minutes, thousandths, hundredths) to one of what is printed.
    #[serde(default)]
    per: Option<i64>,
    #[serde(default)]
    every: Option<PeriodKind>,
    #[serde(default)]
    census: Option<Census>,
    #[serde(default)]
    part: Option<String>,
    #[serde(default)]
    whole: Option<String>,
    #[serde(default)]
    figure: Option<String>,
    #[serde(default)]
    kind: Option<ChangeKind>,
    #[serde(default)]
    base: Option<Base>,
    #[serde(default)]
    decimals: Option<u32>,
    #[serde(default)]
    target: Option<i64>,
    #[serde(default)]
    direction: Direction,
    #[serde(default)]
    minimum: i64,
    #[serde(default)]
    shown_for: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    bands: Vec<Spanned<WrittenBand>>,
    #[serde(default)]
    benchmark: Vec<Spanned<WrittenBenchmark>>,
}

/// The smallest parts that the ledger counts a value in.
fn parts_of(value: Value) -> Option<i64> {
    match value {
        Value::None => None,
        Value::Minutes => Some(60),
        Value::Quantity => Some(1_000),
        Value::Score => Some(100),
    }
}

impl Written {
    /// What it means, or the keys of what is wrong.
    fn meant(self) -> Result<Indicator, Vec<&'static str>> {
        let mut wrong = Vec::new();
        let facts = |of: Of, wrong: &mut Vec<&'static str>| {
            let Some(definition) = self.of.clone() else {
                wrong.push("indicator-of");
                return None;
            };
            if !definition.predicate.mistakes().is_empty() {
                wrong.push("indicator-predicate");
            }
            let persons = matches!(of, Of::Persons | Of::Coverage);
            if persons && definition.distinct.is_none() {
                wrong.push("indicator-distinct");
            }
            Some(Measure::Facts(of, definition))
        };
        let value = self.of.as_ref().map_or(Value::None, |d| d.value);
        let per = self.per.or(parts_of(value)).unwrap_or(0);
        let valued = matches!(self.measure.as_str(), "sum" | "mean" | "peak");
        if valued && (per <= 0 || value == Value::None) || !valued && self.per.is_some() {
            wrong.push("indicator-value");
        }
        let every = self.every.unwrap_or(PeriodKind::Year);
        if !matches!(every, PeriodKind::Year | PeriodKind::Month) {
            wrong.push("indicator-every");
        }
        let measure = match (self.measure.as_str(), &self.census) {
            ("count", _) => facts(Of::Count, &mut wrong),
            ("persons", _) => facts(Of::Persons, &mut wrong),
            ("sum", _) => facts(Of::Sum(per), &mut wrong),
            ("mean", _) => facts(Of::Mean(per), &mut wrong),
            ("peak", _) => facts(Of::Peak(per), &mut wrong),
            ("varieties", _) => facts(Of::Varieties, &mut wrong),
            ("places", _) => facts(Of::Places, &mut wrong),
            ("streak", _) => facts(Of::Streak(every), &mut wrong),
            ("coverage", _) => facts(Of::Coverage, &mut wrong),
            ("census", Some(census)) => Some(Measure::Census(census.clone())),
            ("ratio", _) => match (self.part.clone(), self.whole.clone()) {
                (Some(part), Some(whole)) => Some(Measure::Ratio { part, whole }),
                _ => None,
            },
            ("change", _) => self.figure.clone().map(|of| Measure::Change {
                of,
                kind: self.kind.unwrap_or(ChangeKind::Percent),
                base: self.base.unwrap_or(Base::YearBefore),
            }),
            _ => None,
        };
        let Some(measure) = measure.filter(|_| wrong.is_empty()) else {
            if wrong.is_empty() {
                wrong.push("indicator-measure");
            }
            return Err(wrong);
        };
        let decimals = match &measure {
            Measure::Facts(Of::Sum(_) | Of::Mean(_) | Of::Coverage, _) => 1,
            Measure::Ratio { .. } | Measure::Change { .. } => 2,
            _ => 0,
        };
        Ok(Indicator {
            code: self.code,
            name: self.name,
            unit: self.unit,
            definition: self.definition,
            measure,
            decimals: self.decimals.unwrap_or(decimals).min(6),
            target: self.target,
            direction: self.direction,
            minimum: self.minimum,
            shown_for: self.shown_for,
            categories: self.categories,
            bands: Vec::new(),
            benchmarks: Vec::new(),
            pack: String::new(),
        })
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    indicator: Vec<Spanned<Written>>,
}

/// Pages of their own stand where an indicator with such a code would.
const RESERVED: [&str; 2] = ["catalogue", "unit-options"];

/// All indicators of all packs.
#[derive(Debug, Clone, Default)]
pub struct IndicatorList {
    all: Vec<Indicator>,
    /// Codes and names of the packs that bring any.
    packs: Vec<(String, Name)>,
}

impl IndicatorList {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut list: Vec<Indicator> = Vec::new();
        let mut codes = BTreeSet::new();
        let mut problems = Vec::new();
        let mut refers = Vec::new();
        let mut names = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            if !section.indicator.is_empty() {
                names.push((pack.code.clone(), pack.name.clone()));
            }
            for spanned in section.indicator {
                let span = spanned.span();
                let mut written = spanned.into_inner();
                let named = (
                    std::mem::take(&mut written.bands),
                    std::mem::take(&mut written.benchmark),
                );
                let code = written.code.clone();
                let mut wrong = |key: &'static str| {
                    problems.push(pack.problem_at(span.clone(), Msg::new(key).with("code", &code)));
                };
                let reserved = RESERVED.contains(&code.as_str());
                if reserved || !commons::packs::is_kebab(&code) || !codes.insert(code.clone()) {
                    wrong("indicator-code");
                }
                let meant = written.meant();
                if let Err(keys) = &meant {
                    keys.iter().copied().for_each(&mut wrong);
                }
                let (bands, more) = bands(&code, named.0);
                problems.extend(more.into_iter().map(|(at, m)| pack.problem_at(at, m)));
                let (benchmarks, more) = benchmarks(&code, named.1);
                problems.extend(more.into_iter().map(|(at, m)| pack.problem_at(at, m)));
                match meant {
                    Err(_) => {}
                    Ok(mut i) => {
                        i.pack.clone_from(&pack.code);
                        (i.bands, i.benchmarks) = (bands, benchmarks);
                        refers.push((pack.clone(), span, list.len()));
                        list.push(i);
                    }
                }
            }
        }
        // What others are made of must be there, and must not lead back: rates are made of figures that stand
        // for themselves, changes of any figure that is no change.
        for (pack, span, n) in refers {
            let i = &list[n];
            let of = |code: &String| list.iter().find(|k| k.code == *code).map(|k| &k.measure);
            let fit = match &i.measure {
                Measure::Ratio { part, whole } => [part, whole]
                    .into_iter()
                    .all(|c| matches!(of(c), Some(Measure::Facts(..) | Measure::Census(_)))),
                Measure::Change { of: base, .. } => {
                    matches!(of(base), Some(m) if !matches!(m, Measure::Change { .. }))
                }
                _ => true,
            };
            if !fit {
                let message = Msg::new("indicator-refers").with("code", &i.code);
                problems.push(pack.problem_at(span, message));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                all: list,
                packs: names,
            })
        } else {
            Err(problems)
        }
    }

    /// An indicator by its code.
    pub fn get(&self, code: &str) -> Option<&Indicator> {
        self.all.iter().find(|i| i.code == code)
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, Indicator> {
        self.all.iter()
    }

    /// The packs that bring any: code and name.
    pub fn packs<'a>(&'a self, lang: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let packs = self.packs.iter();
        packs.map(move |(code, name)| (code.as_str(), name.get(lang)))
    }

    /// The name of a pack; its code where it brings none.
    pub fn pack_name<'a>(&'a self, code: &'a str, lang: &str) -> &'a str {
        let pack = self.packs.iter().find(|(known, _)| known == code);
        pack.map_or(code, |(_, name)| name.get(lang))
    }

    /// Those shown for a unit, given the categories of it and of all above it.
    pub fn shown<'a>(&'a self, categories: &[&str]) -> Vec<&'a Indicator> {
        let shown = |i: &&Indicator| {
            i.shown_for.is_empty() || i.shown_for.iter().any(|c| categories.contains(&c.as_str()))
        };
        self.all.iter().filter(shown).collect()
    }

    /// The components they are made of, for the ledger to keep; equal ones once.
    pub fn definitions(&self) -> Vec<Definition> {
        let mut found: Vec<Definition> = Vec::new();
        for definition in self.all.iter().filter_map(Indicator::facts) {
            if !found.contains(definition) {
                found.push(definition.clone());
            }
        }
        found
    }
}
