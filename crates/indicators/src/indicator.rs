//! Definitions of indicators, brought by packs.

use commons::packs::{Name, PackProblem, Packs};
use kernel::Msg;
use ledger::{Definition, Total};
use serde::Deserialize;
use toml::Spanned;

use crate::Ratio;

/// What is made of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The number of facts (场次, 人次).
    Count,
    /// Distinct persons (人数).
    Persons,
    /// The sum of minutes in hours of so many minutes (学时).
    Hours,
    /// Distinct persons by headcount at the end of the period (覆盖率).
    Coverage,
}

/// An indicator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Indicator {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Unit of the figure.
    pub unit: Name,
    /// How it is defined, in words.
    pub definition: Name,
    /// What is made of the component.
    pub measure: Measure,
    /// Minutes of one study hour, for [`Measure::Hours`].
    #[serde(default)]
    pub minutes_per_hour: Option<i64>,
    /// What it should be at least.
    #[serde(default)]
    pub target: Option<i64>,
    /// Which facts.
    pub of: Definition,
}

impl Indicator {
    /// The value made of a total; none while computing, or without a denominator.
    pub(crate) fn value(&self, total: Total, heads: i64) -> Option<Ratio> {
        let persons = total.persons.unwrap_or(0);
        let value = match self.measure {
            Measure::Count => Some(Ratio::whole(total.n)),
            Measure::Persons => Some(Ratio::whole(persons)),
            Measure::Hours => Some(Ratio {
                numerator: total.sum,
                denominator: self.minutes_per_hour.unwrap_or(60),
                decimals: 1,
            }),
            Measure::Coverage => (heads > 0).then_some(Ratio {
                numerator: persons * 100,
                denominator: heads,
                decimals: 1,
            }),
        };
        value.filter(|_| !total.computing)
    }

    /// A value with its unit, as sentences have it.
    pub fn print(&self, value: Option<Ratio>, lang: &str) -> String {
        let value = value.map_or_else(|| "–".to_owned(), Ratio::text);
        let unit = self.unit.get(lang);
        if unit == "%" || lang.starts_with("zh") {
            format!("{value}{unit}")
        } else {
            format!("{value} {unit}")
        }
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    indicator: Vec<Spanned<Indicator>>,
}

/// All indicators of all packs.
#[derive(Debug, Clone, Default)]
pub struct IndicatorList(Vec<Indicator>);

impl IndicatorList {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut list: Vec<Indicator> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.indicator {
                let span = spanned.span();
                let i = spanned.into_inner();
                let mut wrong = |key: &'static str| {
                    problems
                        .push(pack.problem_at(span.clone(), Msg::new(key).with("code", &i.code)))
                };
                if !commons::packs::is_kebab(&i.code) || list.iter().any(|k| k.code == i.code) {
                    wrong("indicator-code");
                }
                if (i.measure == Measure::Hours) != i.minutes_per_hour.is_some_and(|m| m > 0) {
                    wrong("indicator-minutes");
                }
                if matches!(i.measure, Measure::Persons | Measure::Coverage)
                    && i.of.distinct.is_none()
                {
                    wrong("indicator-distinct");
                }
                if !i.of.predicate.mistakes().is_empty() {
                    wrong("indicator-predicate");
                }
                list.push(i);
            }
        }
        if problems.is_empty() {
            Ok(Self(list))
        } else {
            Err(problems)
        }
    }

    /// An indicator by its code.
    pub fn get(&self, code: &str) -> Option<&Indicator> {
        self.0.iter().find(|i| i.code == code)
    }

    /// All of them, in the order of the packs.
    pub fn iter(&self) -> std::slice::Iter<'_, Indicator> {
        self.0.iter()
    }

    /// The components they are made of, for the ledger to keep; equal ones once.
    pub fn definitions(&self) -> Vec<Definition> {
        let mut found: Vec<Definition> = Vec::new();
        for i in &self.0 {
            if !found.contains(&i.of) {
                found.push(i.of.clone());
            }
        }
        found
    }
}
