//! What the lists speak of, and the rules that need no database.

use std::collections::{BTreeMap, HashSet};

use kernel::{AccountId, Date, Error, Id, Msg, PersonId, Result, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use super::kind::Figure;

/// Most items of a list.
const MOST: usize = 60;
/// Longest part of an item.
const PART: usize = 500;

/// An item of a list (责任事项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Code, the same from version to version.
    pub code: String,
    /// What one answers for.
    pub text: String,
    /// Where it is written.
    pub basis: String,
    /// What is expected.
    pub expected: String,
    /// The number of the ledger that shows it.
    pub figure: Option<Figure>,
}

/// A list of what a post or body answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Id.
    pub id: Id,
    /// Code of the sample with its days.
    pub sample: String,
    /// Whose it is: 党组书记, 分管负责人.
    pub title: String,
    /// The unit.
    pub unit: UnitId,
    /// Who answers for it now.
    pub holder: PersonId,
    /// The newest version.
    pub newest: i64,
    /// The version in use; none: not yet.
    pub used: Option<i64>,
}

/// A version of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub n: i64,
    /// Items.
    pub items: Vec<Item>,
    /// Why it was changed.
    pub reason: String,
    /// Who wrote it.
    pub author: Option<AccountId>,
    /// When.
    pub at: Timestamp,
    /// Since when it is in use.
    pub used_on: Option<Date>,
}

/// A list to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewList {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of the sample with its days.
    pub sample: String,
    /// Whose it is.
    pub title: String,
    /// The unit.
    pub unit: UnitId,
    /// Who answers for it.
    pub holder: PersonId,
    /// Items as typed; empty: those of the sample.
    pub items: String,
}

/// Where a self-report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Being written (撰写中).
    Open,
    /// Handed in (已提交).
    Handed,
    /// Returned for more (已退回).
    Returned,
    /// Accepted (已通过).
    Accepted,
}

impl ReportState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Handed, Self::Returned, Self::Accepted];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Handed => "handed",
            Self::Returned => "returned",
            Self::Accepted => "accepted",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether its holder may write.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Returned)
    }
}

/// The report of a year (年度履责报告). It keeps the items as they were when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Id.
    pub id: Id,
    /// Its list.
    pub list: Id,
    /// Whose list it is.
    pub title: String,
    /// The year.
    pub year: i16,
    /// Who reports.
    pub holder: PersonId,
    /// The unit.
    pub unit: UnitId,
    /// Items.
    pub items: Vec<Item>,
    /// What was written, by code of the item.
    pub said: BTreeMap<String, String>,
    /// What the ledger counted when it was handed in, by code.
    pub figures: BTreeMap<String, i64>,
    /// By when it is handed in.
    pub due: Date,
    /// Where it stands.
    pub state: ReportState,
    /// When it was handed in first.
    pub handed_on: Option<Date>,
    /// What who judged it said.
    pub comment: String,
    /// Who judged it.
    pub judged_by: Option<AccountId>,
    /// When.
    pub judged_on: Option<Date>,
    /// Version; each change makes the next one.
    pub version: i64,
}

impl Report {
    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/answering/reports/{}", self.id)
    }

    /// Whether it is not handed in and its day has passed.
    pub fn is_late(&self, today: Date) -> bool {
        self.state.is_open() && self.handed_on.is_none() && self.due < today
    }
}

/// Whether what was handed in on a day was in time: the first handing-in counts, who judges late makes nobody late.
pub fn timeliness(handed_on: Option<Date>, due: Date) -> &'static str {
    match handed_on.is_some_and(|on| on <= due) {
        true => "in-time",
        false => "late",
    }
}

/// Items as they stand in the form: one a line, `[code] text | basis | expected`.
pub fn items_text(items: &[Item]) -> String {
    let line = |i: &Item| format!("[{}] {} | {} | {}", i.code, i.text, i.basis, i.expected);
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Items as they are typed. A line that begins with the code of an item that was there keeps it, and its number of the ledger.
///
/// # Errors
/// `Invalid` for `items`, naming the line.
pub fn read_items(text: &str, before: &[Item]) -> Result<Vec<Item>> {
    let wrong = |key, line: usize| {
        let message = Msg::new(key).with("line", line).with("most", PART);
        Error::field("items", message)
    };
    let mut taken: HashSet<String> = HashSet::new();
    let lines = text.lines().map(str::trim).enumerate();
    let lines: Vec<(usize, &str)> = lines.filter(|(_, l)| !l.is_empty()).collect();
    let coded = |line: &str| {
        let (code, rest) = line.strip_prefix('[')?.split_once(']')?;
        let known = before.iter().find(|i| i.code == code)?;
        Some((known.clone(), rest.trim().to_owned()))
    };
    let mut found = Vec::new();
    // A new item takes no code that one of before has or had in this text.
    let mut next = 1;
    for (at, line) in lines {
        let known = coded(line).filter(|(i, _)| taken.insert(i.code.clone()));
        let (known, rest) = match known {
            Some((item, rest)) => (Some(item), rest),
            None => {
                let plain = line.strip_prefix('[').and_then(|l| l.split_once(']'));
                (None, plain.map_or(line, |(_, rest)| rest).trim().to_owned())
            }
        };
        let mut parts = rest.split('|').map(|p| p.trim().to_owned());
        let mut part = || parts.next().unwrap_or_default();
        let (text, basis, expected) = (part(), part(), part());
        if text.is_empty() || parts.next().is_some() {
            return Err(wrong("commitments-list-line-wrong", at + 1));
        }
        let long = |p: &String| p.chars().count() > PART || p.chars().any(char::is_control);
        if [&text, &basis, &expected].into_iter().any(long) {
            return Err(wrong("commitments-list-line-long", at + 1));
        }
        let code = match &known {
            Some(item) => item.code.clone(),
            None => loop {
                let code = format!("n{next}");
                next += 1;
                if before.iter().all(|i| i.code != code) && taken.insert(code.clone()) {
                    break code;
                }
            },
        };
        found.push(Item {
            code,
            text,
            basis,
            expected,
            figure: known.and_then(|i| i.figure),
        });
    }
    match found.len() {
        0 => Err(Error::field("items", Msg::new("commitments-list-empty"))),
        n if n > MOST => {
            let message = Msg::new("commitments-list-many").with("most", MOST);
            Err(Error::field("items", message))
        }
        _ => Ok(found),
    }
}
