//! Outside training (校外培训): what a record says, and what may be wrong with it.

use std::collections::HashMap;

pub use desk::Attached;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::rules::HourRules;
use kernel::days;

/// Files of one record.
pub(crate) const MOST_FILES: usize = 20;
/// No class lasts longer, in days.
const LONGEST: i64 = 400;
/// No record claims more, in thousandths of an hour.
const MOST: i64 = 3_000_000;

/// What a record says; hours and days in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it was.
    pub title: String,
    /// Who organised it.
    pub organiser: String,
    /// Way of learning.
    pub way: String,
    /// Content.
    pub content: String,
    /// First day.
    pub from: Date,
    /// Last day, on which it counts.
    pub to: Date,
    /// Hours claimed.
    pub hours: i64,
    /// Days claimed.
    pub days: i64,
    /// Hours of the whole class, where they are known.
    pub class: Option<i64>,
    /// Hours of leave of it.
    pub leave: i64,
    /// Number of the platform; empty when there is none.
    pub reference: String,
    /// Proof.
    pub evidence: Vec<Attached>,
    /// Whether it is a total of a past year (历年补录).
    pub declared: bool,
}

/// How far a record is (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waits for somebody else's word (待审核).
    Proposed,
    /// Counts (已认定).
    Accepted,
    /// Looked at again by whoever entered it (已退回).
    Returned,
    /// Taken back (已冲正).
    Reversed,
}

impl Stage {
    /// All.
    pub const ALL: [Self; 4] = [
        Self::Proposed,
        Self::Accepted,
        Self::Returned,
        Self::Reversed,
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Returned => "returned",
            Self::Reversed => "reversed",
        }
    }

    /// The stage of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// A record of outside training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Id.
    pub id: Id,
    /// Whose.
    pub person: PersonId,
    /// Where they were counted on its last day.
    pub unit: UnitId,
    /// What its last version says.
    pub entry: Entry,
    /// Number of the last version.
    pub version: i64,
    /// The version that counts; none: none yet.
    pub accepted: Option<i64>,
    /// Hours and days that were recognised.
    pub recognised: Option<(i64, i64)>,
    /// How far it is.
    pub stage: Stage,
    /// How it came in: `form`, `import`, `declared`, `api`.
    pub source: String,
    /// When.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: AccountId,
}

/// What a form or a row says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// What it was.
    pub title: String,
    /// Who organised it.
    pub organiser: String,
    /// Way: code or name.
    pub way: String,
    /// Content: code or name.
    pub content: String,
    /// First day; of a total the year.
    pub from: String,
    /// Last day; empty: the first.
    pub to: String,
    /// Hours.
    pub hours: String,
    /// Days; may be empty.
    pub days: String,
    /// Hours of the class; may be empty.
    pub class: String,
    /// Hours of leave; may be empty.
    pub leave: String,
    /// Number of the platform.
    pub reference: String,
    /// Proof.
    pub evidence: Vec<Attached>,
    /// Whether it is a total of a past year.
    pub declared: bool,
}

/// A new record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its id, made with the form: sent twice it is entered once.
    pub id: Id,
    /// Whose.
    pub person: PersonId,
    /// What it says.
    pub given: Given,
    /// How it came in.
    pub source: &'static str,
}

fn wrong(field: &str, key: &'static str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: Msg::new(key),
    }
}

/// `7.5` in thousandths; none when it is no number.
pub fn thousandths(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1000 + part)
}

/// Thousandths as people write them: `7.5`, `90`.
pub fn print(thousandths: i64) -> String {
    let (whole, part) = (thousandths / 1000, (thousandths % 1000).abs());
    if part == 0 {
        return whole.to_string();
    }
    let text = format!("{part:03}");
    format!("{whole}.{}", text.trim_end_matches('0'))
}

fn line(
    field: &str,
    text: &str,
    needed: bool,
    most: usize,
    errors: &mut Vec<FieldError>,
) -> String {
    let text = text.trim();
    let bad = text.chars().count() > most || text.contains(char::is_control);
    if bad || (needed && text.is_empty()) {
        let key = if bad {
            "hours-text-wrong"
        } else {
            "hours-text-missing"
        };
        errors.push(FieldError {
            field: field.into(),
            message: Msg::new(key).with("most", most),
        });
    }
    text.to_owned()
}

/// What is given as a record; every mistake at its field.
pub fn check(rules: &HourRules, given: &Given, today: Date) -> Result<Entry, Vec<FieldError>> {
    let mut errors = Vec::new();
    let title = line("title", &given.title, true, 200, &mut errors);
    let organiser = line(
        "organiser",
        &given.organiser,
        !given.declared,
        100,
        &mut errors,
    );
    let reference = line("reference", &given.reference, false, 100, &mut errors);
    let named = |text: &str, code: &str, zh: &str, en: &str| {
        let text = commons::sheets::squeeze(text);
        [code, zh, en]
            .iter()
            .any(|n| commons::sheets::squeeze(n) == text)
    };
    let way = rules
        .ways
        .iter()
        .find(|w| w.outside && named(&given.way, &w.code, &w.name.zh, &w.name.en));
    if way.is_none() {
        errors.push(wrong("way", "hours-way-unknown"));
    }
    let content = rules
        .contents
        .iter()
        .find(|c| named(&given.content, &c.code, &c.name.zh, &c.name.en));
    if content.is_none() && !(given.declared && given.content.trim().is_empty()) {
        errors.push(wrong("content", "hours-content-unknown"));
    }
    let (from, to) = match given.declared {
        true => past_year(&given.from, today, &mut errors),
        false => stretch(given, today, &mut errors),
    };
    let mut amount = |field: &str, text: &str, needed: bool, least: i64| {
        if text.trim().is_empty() && !needed {
            return 0;
        }
        let found = thousandths(text).filter(|n| (least..=MOST).contains(n));
        if found.is_none() {
            errors.push(wrong(field, "hours-amount-wrong"));
        }
        found.unwrap_or(0)
    };
    let hours = amount("hours", &given.hours, true, 1);
    let claimed_days = amount("days", &given.days, false, 0);
    let class = amount("class", &given.class, false, 1);
    let leave = amount("leave", &given.leave, false, 0);
    let class = (!given.class.trim().is_empty()).then_some(class);
    if let (Some(from), Some(to)) = (from, to)
        && claimed_days > days(kernel::Period { from, to }) * 1000
    {
        errors.push(wrong("days", "hours-days-many"));
    }
    if leave > 0 && class.is_none() {
        errors.push(wrong("class", "hours-class-missing"));
    }
    if class.is_some_and(|class| leave + hours > class) {
        errors.push(wrong("class", "hours-class-short"));
    }
    let proof = given.declared || way.is_some_and(|w| w.proof);
    if proof && given.evidence.is_empty() {
        errors.push(wrong("file", "hours-proof-missing"));
    }
    if given.evidence.len() > MOST_FILES {
        errors.push(FieldError {
            field: "file".into(),
            message: Msg::new("hours-proof-many").with("most", MOST_FILES),
        });
    }
    match (way, from, to) {
        (Some(way), Some(from), Some(to)) if errors.is_empty() => Ok(Entry {
            title,
            organiser,
            way: way.code.clone(),
            content: content.map_or_else(String::new, |c| c.code.clone()),
            from,
            to,
            hours,
            days: claimed_days,
            class,
            leave,
            reference,
            evidence: given.evidence.clone(),
            declared: given.declared,
        }),
        _ => Err(errors),
    }
}

/// First and last day of something that is over.
fn stretch(
    given: &Given,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> (Option<Date>, Option<Date>) {
    let mut read = |field: &str, text: &str| match commons::sheets::date(text.trim()) {
        Ok(Some(date)) if date <= today => Some(date),
        Ok(Some(_)) => {
            errors.push(wrong(field, "hours-date-future"));
            None
        }
        Ok(None) => {
            errors.push(wrong(field, "hours-date-missing"));
            None
        }
        Err(message) => {
            errors.push(FieldError {
                field: field.into(),
                message,
            });
            None
        }
    };
    let from = read("from", &given.from);
    let to = match given.to.trim().is_empty() {
        true => from,
        false => read("to", &given.to),
    };
    if let (Some(from), Some(to)) = (from, to)
        && !(1..=LONGEST).contains(&days(kernel::Period { from, to }))
    {
        errors.push(wrong("to", "hours-date-order"));
    }
    (from, to)
}

/// The whole of a past year; its last day stands for it.
fn past_year(
    text: &str,
    today: Date,
    errors: &mut Vec<FieldError>,
) -> (Option<Date>, Option<Date>) {
    let year = text.trim().trim_end_matches('年').parse::<i16>().ok();
    let year = year.filter(|y| (1949..today.year()).contains(y));
    if year.is_none() {
        errors.push(wrong("from", "hours-year-wrong"));
    }
    (
        year.map(|y| Date::constant(y, 1, 1)),
        year.map(|y| Date::constant(y, 12, 31)),
    )
}

impl Entry {
    /// By what it is known again: person, title without spaces, first day, number of the platform.
    pub(crate) fn key(&self, person: PersonId) -> String {
        let title = commons::sheets::squeeze(&self.title);
        let kind = if self.declared { "declared" } else { "" };
        format!(
            "{person}|{}|{}|{}|{kind}",
            kernel::format_date(self.from),
            commons::sheets::squeeze(&self.reference),
            title
        )
    }
}

/// Refuses a record that was taken back or changed since a version was looked at.
pub(crate) fn changeable(record: &Record, version: i64) -> Result<()> {
    let key = match record.stage {
        Stage::Reversed => "hours-reversed",
        _ if record.version != version => "hours-changed-meanwhile",
        _ => return Ok(()),
    };
    Err(Error::Conflict(Msg::new(key)))
}

/// What is wrong with a reason.
pub(crate) fn reason_wrong(reason: &str) -> Vec<FieldError> {
    let reason = reason.trim();
    let fine = (2..=200).contains(&reason.chars().count()) && !reason.contains(char::is_control);
    match fine {
        true => Vec::new(),
        false => vec![wrong("reason", "hours-reason-missing")],
    }
}

/// Staff numbers and names.
pub(crate) type People = HashMap<PersonId, (String, String)>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn amounts_are_read_as_they_are_printed(n in 0i64..3_000_000) {
            prop_assert_eq!(thousandths(&print(n)), Some(n));
        }

        #[test]
        fn other_texts_are_no_amounts(text in "[-+eE. 学0-9a]{0,8}") {
            if let Some(n) = thousandths(&text) {
                prop_assert!(n >= 0 && text.trim().chars().all(|c| c.is_ascii_digit() || c == '.'));
            }
        }
    }
}
