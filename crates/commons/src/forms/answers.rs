//! What was answered: whether it is allowed, what it comes to, and what it finds wanting.

use std::collections::BTreeMap;

use kernel::{Date, Msg};
use serde::{Deserialize, Serialize};

use super::{Choice, Evidence, Form, Item, Kind};

/// Characters of a remark, at most.
const MOST_NOTE: usize = 2_000;
/// Files with one answer, at most.
const MOST_FILES: usize = 20;
/// A count, at most.
const MOST_COUNT: i64 = 1_000_000_000;

/// Answers by the code of the item.
pub type Answers = BTreeMap<String, Answer>;

/// What was answered to an item (填报).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The answer itself.
    pub value: Value,
    /// A remark (说明).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Hashes of files that go with it (佐证).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// An answer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Yes or no.
    Yes(bool),
    /// Codes of choices.
    Chosen(Vec<String>),
    /// A whole number; of points in thousandths.
    Number(i64),
    /// Words.
    Text(String),
    /// A day.
    Day(Date),
    /// It does not apply here (不适用): neither right nor wrong, and not scored.
    NotApplicable,
}

/// Why answers cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The item.
    pub item: String,
    /// Why.
    pub message: Msg,
}

/// What answers come to (得分), in thousandths of a point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Points reached.
    pub points: i64,
    /// Points that could be reached; what does not apply is not in it.
    pub full: i64,
    /// The same by section.
    pub sections: Vec<(String, i64, i64)>,
    /// Scored items that are not answered: until there are none, it is not known.
    pub open: usize,
}

impl Score {
    /// The part of the whole that was reached, in thousandths; none while something is open or nothing applies.
    pub fn share(&self) -> Option<i64> {
        (self.open == 0 && self.full > 0).then(|| self.points * 1_000 / self.full)
    }
}

/// Something that answers found wanting (问题项).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deficiency<'f> {
    /// The item.
    pub item: &'f Item,
    /// The code of its section.
    pub section: &'f str,
    /// What was answered.
    pub answer: &'f Answer,
}

/// What is wrong with answers. While they are not handed in (`whole`), nothing is missing yet.
pub fn check(form: &Form, answers: &Answers, whole: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut wrong = |item: &str, message: Msg| {
        faults.push(Fault {
            item: item.to_owned(),
            message,
        });
    };
    for code in answers.keys().filter(|code| form.item(code).is_none()) {
        wrong(code, Msg::new("form-item-unknown"));
    }
    for item in form.items() {
        let Some(answer) = answers.get(&item.code) else {
            if whole && item.required {
                wrong(&item.code, Msg::new("form-missing"));
            }
            continue;
        };
        if let Some(message) = refused(item, &answer.value) {
            wrong(&item.code, message);
            continue;
        }
        if answer.note.chars().count() > MOST_NOTE {
            wrong(
                &item.code,
                Msg::new("form-text-most").with("most", MOST_NOTE),
            );
        }
        if answer.files.len() > MOST_FILES {
            wrong(
                &item.code,
                Msg::new("form-files-most").with("most", MOST_FILES),
            );
        }
        if !whole {
            continue;
        }
        // What does not apply says why.
        if answer.value == Value::NotApplicable && answer.note.trim().is_empty() {
            wrong(&item.code, Msg::new("form-why-not"));
        }
        let empty = matches!(&answer.value, Value::Text(text) if text.trim().is_empty());
        if item.required && empty {
            wrong(&item.code, Msg::new("form-missing"));
        }
        let asked = match item.evidence {
            Evidence::Free => false,
            Evidence::WhenDeficient => deficient(item, &answer.value),
            Evidence::Always => answer.value != Value::NotApplicable,
        };
        if asked && answer.files.is_empty() {
            wrong(&item.code, Msg::new("form-evidence"));
        }
    }
    faults
}

/// Why a value is no answer to an item.
fn refused(item: &Item, value: &Value) -> Option<Msg> {
    let among = |options: &[Choice], chosen: &[String]| {
        let mut seen = chosen.to_vec();
        seen.sort();
        seen.dedup();
        seen.len() == chosen.len() && chosen.iter().all(|c| options.iter().any(|o| o.code == *c))
    };
    let fits = match (&item.kind, value) {
        (_, Value::NotApplicable) => true,
        (Kind::Check, Value::Yes(_)) | (Kind::Day, Value::Day(_)) => true,
        (Kind::Choice { options }, Value::Chosen(chosen)) => {
            chosen.len() == 1 && among(options, chosen)
        }
        (Kind::Several { options }, Value::Chosen(chosen)) => among(options, chosen),
        (Kind::Count { .. }, Value::Number(n)) => {
            if !(0..=MOST_COUNT).contains(n) {
                return Some(Msg::new("form-number").with("most", MOST_COUNT));
            }
            true
        }
        (Kind::Score { .. }, Value::Number(n)) => {
            if !(0..=item.points).contains(n) {
                return Some(Msg::new("form-score").with("most", item.points / 1_000));
            }
            true
        }
        (Kind::Text { most }, Value::Text(text)) => {
            if text.chars().count() > *most {
                return Some(Msg::new("form-text-most").with("most", *most));
            }
            true
        }
        _ => false,
    };
    (!fits).then(|| Msg::new("form-answer-unknown"))
}

/// Whether an answer finds something wanting.
fn deficient(item: &Item, value: &Value) -> bool {
    match (&item.kind, value) {
        (Kind::Check, Value::Yes(yes)) => !yes,
        (Kind::Choice { options } | Kind::Several { options }, Value::Chosen(chosen)) => {
            let of = |code: &String| options.iter().find(|o| o.code == *code);
            chosen.iter().filter_map(of).any(|o| o.deficient)
        }
        (Kind::Count { at_least, at_most }, Value::Number(n)) => {
            at_least.is_some_and(|least| *n < least) || at_most.is_some_and(|most| *n > most)
        }
        (Kind::Score { at_least }, Value::Number(n)) => at_least.is_some_and(|least| *n < least),
        _ => false,
    }
}

/// The points of an answer; none for what does not apply.
fn points(item: &Item, value: &Value) -> Option<i64> {
    Some(match (&item.kind, value) {
        (_, Value::NotApplicable) => return None,
        (Kind::Check, Value::Yes(true)) => item.points,
        (Kind::Choice { options } | Kind::Several { options }, Value::Chosen(chosen)) => {
            let of = |code: &String| options.iter().find(|o| o.code == *code);
            let share: i64 = chosen.iter().filter_map(of).map(|o| o.share).sum();
            item.points * share.min(1_000) / 1_000
        }
        (Kind::Count { .. }, Value::Number(_)) if !deficient(item, value) => item.points,
        (Kind::Score { .. }, Value::Number(n)) => (*n).clamp(0, item.points),
        _ => 0,
    })
}

/// What answers come to.
pub fn score(form: &Form, answers: &Answers) -> Score {
    let mut score = Score::default();
    for section in &form.sections {
        let (mut reached, mut full) = (0, 0);
        for item in section.items.iter().filter(|i| i.points > 0) {
            match answers.get(&item.code) {
                Some(answer) => {
                    if let Some(points) = points(item, &answer.value) {
                        reached += points;
                        full += item.points;
                    }
                }
                None => {
                    score.open += 1;
                    full += item.points;
                }
            }
        }
        score.points += reached;
        score.full += full;
        score.sections.push((section.code.clone(), reached, full));
    }
    score
}

/// What answers found wanting, in the order of the form.
pub fn deficiencies<'f>(form: &'f Form, answers: &'f Answers) -> Vec<Deficiency<'f>> {
    let mut found = Vec::new();
    for section in &form.sections {
        for item in &section.items {
            if let Some(answer) = answers.get(&item.code)
                && deficient(item, &answer.value)
            {
                found.push(Deficiency {
                    item,
                    section: &section.code,
                    answer,
                });
            }
        }
    }
    found
}
