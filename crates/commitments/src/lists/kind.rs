//! Sample lists of what a post answers for (责任清单样本) from packs.

use std::collections::HashSet;

use commons::deadlines::Step;
use commons::packs::{Name, PackProblem, Packs, is_kebab, none_or};
use kernel::{Date, Msg};
use ledger::{Axis, Definition};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// A number of the ledger that shows an item (台账数字): how many facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What is counted, in words.
    pub unit: Name,
    /// Which facts, and for whom.
    pub of: Definition,
}

/// An item of a sample (责任事项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackItem {
    /// Code, the same from version to version.
    pub code: String,
    /// What one answers for.
    pub text: Name,
    /// Where it is written (依据).
    pub basis: Name,
    /// What is expected (要求).
    pub expected: Name,
    /// The number that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
}

/// A sample list; whoever takes it over changes it as they need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnswerList {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Month and day by which the report of a year is handed in: `12-20`.
    pub due: String,
    /// Days before that on which it is opened.
    pub open_days: i64,
    /// When holders are reminded.
    #[serde(default)]
    pub remind: Vec<String>,
    /// When whoever is in charge hears of it.
    #[serde(default)]
    pub escalate: Vec<String>,
    /// Items.
    #[serde(rename = "item")]
    pub items: Vec<PackItem>,
}

impl AnswerList {
    /// The day by which the report of a year is handed in.
    pub fn due_in(&self, year: i16) -> Option<Date> {
        kernel::parse_date(&format!("{year:04}-{}", self.due))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    answer_list: Vec<Spanned<AnswerList>>,
}

/// All samples, in the order of the packs.
#[derive(Debug, Clone, Default)]
pub struct AnswerLists(Vec<AnswerList>);

impl AnswerLists {
    /// Reads them from packs; names every mistake with its line.
    ///
    /// # Errors
    /// Every mistake, with pack, line and reason.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let (mut found, mut problems): (Self, Vec<PackProblem>) = Default::default();
        for (pack, tables) in packs.read::<Tables>()? {
            for row in &tables.answer_list {
                let list = row.get_ref();
                let mut tell = |key, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&list.code) || found.get(&list.code).is_some() {
                    tell("commitments-pack-code", &list.code);
                }
                // A leap day would be missing in most years.
                if list.due_in(2025).is_none() || !(1..=180).contains(&list.open_days) {
                    tell("commitments-list-pack-due", &list.due);
                }
                let steps = list.remind.iter().chain(&list.escalate);
                for step in steps.filter(|s| Step::parse(s).is_none()) {
                    tell("commitments-list-pack-step", step);
                }
                let mut seen = HashSet::new();
                if list.items.is_empty() {
                    tell("commitments-list-pack-items", &list.code);
                }
                for item in &list.items {
                    if !is_kebab(&item.code) || !seen.insert(&item.code) {
                        tell("commitments-pack-code", &item.code);
                    }
                    let counts = |f: &Figure| {
                        !f.of.predicate.0.is_empty()
                            && f.of.predicate.mistakes().is_empty()
                            && matches!(f.of.axis, Axis::Host | Axis::Unit)
                    };
                    if item.figure.as_ref().is_some_and(|f| !counts(f)) {
                        tell("commitments-list-pack-figure", &item.code);
                    }
                }
                found.0.push(list.clone());
            }
        }
        none_or(problems, found)
    }

    /// The sample with a code.
    pub fn get(&self, code: &str) -> Option<&AnswerList> {
        self.0.iter().find(|l| l.code == code)
    }

    /// Every sample.
    pub fn iter(&self) -> std::slice::Iter<'_, AnswerList> {
        self.0.iter()
    }
}
