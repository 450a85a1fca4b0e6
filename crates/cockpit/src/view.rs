//! Views (版面): which figures stand where, for which kinds of units; brought by packs.

use commons::packs::{Name, PackProblem, Packs};
use indicators::{IndicatorList, Measure, Of};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// Cards and axes at most: what one glance takes in.
const MOST_CARDS: usize = 5;
const MOST_COLUMNS: usize = 6;
/// A polygon has at least so many corners, and is read with at most so many.
const AXES: std::ops::RangeInclusive<usize> = 3..=8;

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct View {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Categories of units that it is for, with all below them; empty: for all that have no other.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Indicators on cards.
    pub cards: Vec<String>,
    /// Indicators in the comparison of units.
    pub columns: Vec<String>,
    /// The indicator whose months are drawn beside those of the year before; a number or a sum.
    #[serde(default)]
    pub trend: Option<String>,
    /// The indicator that is shown by unit and month.
    #[serde(default)]
    pub heat: Option<String>,
    /// Indicators with a target, drawn as parts of it.
    #[serde(default)]
    pub radar: Vec<String>,
}

impl View {
    /// All indicators that it shows, each once.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = Vec::new();
        for code in self.cards.iter().chain(&self.columns).chain(&self.radar) {
            if !codes.contains(&code.as_str()) {
                codes.push(code);
            }
        }
        codes
    }
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    cockpit: Vec<Spanned<View>>,
}

/// All views of all packs.
#[derive(Debug, Clone, Default)]
pub struct Views(Vec<View>);

impl Views {
    /// Reads them from packs; names every mistake with its line, indicators that do not exist or do not fit too.
    pub fn read(packs: &Packs, indicators: &IndicatorList) -> Result<Self, Vec<PackProblem>> {
        let mut list: Vec<View> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.cockpit {
                let span = spanned.span();
                let view = spanned.into_inner();
                let mut wrong = |key: &'static str, what: &str| {
                    let message = Msg::new(key).with("code", &view.code).with("what", what);
                    problems.push(pack.problem_at(span.clone(), message));
                };
                if !commons::packs::is_kebab(&view.code) || list.iter().any(|v| v.code == view.code)
                {
                    wrong("cockpit-code", "");
                }
                if view.cards.is_empty() || view.cards.len() > MOST_CARDS {
                    wrong("cockpit-cards", &MOST_CARDS.to_string());
                }
                if view.columns.len() > MOST_COLUMNS {
                    wrong("cockpit-columns", &MOST_COLUMNS.to_string());
                }
                if !view.radar.is_empty() && !AXES.contains(&view.radar.len()) {
                    wrong("cockpit-axes", "");
                }
                let alone = view.trend.iter().chain(&view.heat);
                for code in view.codes().into_iter().chain(alone.map(String::as_str)) {
                    if indicators.get(code).is_none() {
                        wrong("cockpit-indicator", code);
                    }
                }
                for code in view.trend.iter().chain(&view.heat) {
                    let known = indicators.get(code);
                    let adds_up =
                        |m: &Measure| matches!(m, Measure::Facts(Of::Count | Of::Sum(_), _));
                    if known.is_some_and(|i| !adds_up(&i.measure)) {
                        wrong("cockpit-months", code);
                    }
                }
                for code in &view.radar {
                    if indicators.get(code).is_some_and(|i| i.target.is_none()) {
                        wrong("cockpit-target-missing", code);
                    }
                }
                list.push(view);
            }
        }
        if problems.is_empty() {
            Ok(Self(list))
        } else {
            Err(problems)
        }
    }

    /// The view for a unit, given the categories of it and of all above it, nearest first.
    pub fn of(&self, categories: &[&str]) -> Option<&View> {
        let for_one = |c: &&str| self.0.iter().find(|v| v.categories.iter().any(|k| k == c));
        categories
            .iter()
            .find_map(for_one)
            .or_else(|| self.0.iter().find(|v| v.categories.is_empty()))
    }
}
