//! What many answered (问卷统计). Where few answered, nobody can be told apart: then there are no numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answers, Form, Kind, Value};

/// What many answered to a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many answered.
    pub answered: usize,
    /// What they said, item by item; none when they are fewer than the form tells apart.
    pub items: Option<Vec<ItemTally>>,
}

/// What many answered to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemTally {
    /// The item.
    pub code: String,
    /// How many it applied to and who said something.
    pub answered: usize,
    /// How many chose what; for numbers and words empty.
    pub counts: Vec<Count>,
    /// Sum of the numbers; the mean is this over `answered`.
    pub sum: Option<i64>,
}

/// How often something was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What: a choice, `yes` or `no`.
    pub code: String,
    /// How often.
    pub count: usize,
}

impl Tally {
    /// Counts answers.
    pub fn of<'a>(form: &Form, all: impl IntoIterator<Item = &'a Answers>) -> Self {
        let all: Vec<&Answers> = all.into_iter().collect();
        let items = (all.len() >= form.smallest_group as usize)
            .then(|| form.items().map(|item| count(item, &all)).collect());
        Self {
            answered: all.len(),
            items,
        }
    }
}

fn count(item: &super::Item, all: &[&Answers]) -> ItemTally {
    let codes: Vec<&str> = match &item.kind {
        Kind::Check => vec!["yes", "no"],
        Kind::Choice { options } | Kind::Several { options } => {
            options.iter().map(|o| o.code.as_str()).collect()
        }
        _ => Vec::new(),
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut answered, mut sum) = (0, None);
    let said = all.iter().filter_map(|answers| answers.get(&item.code));
    for answer in said.filter(|a| a.value != Value::NotApplicable) {
        answered += 1;
        match &answer.value {
            Value::Yes(yes) => *counts.entry(if *yes { "yes" } else { "no" }).or_default() += 1,
            Value::Chosen(chosen) => {
                for code in chosen {
                    *counts.entry(code).or_default() += 1;
                }
            }
            Value::Number(n) => sum = Some(sum.unwrap_or(0) + n),
            Value::Text(_) | Value::Day(_) | Value::NotApplicable => {}
        }
    }
    let count = |code: &str| Count {
        code: code.to_owned(),
        count: counts.get(code).copied().unwrap_or(0),
    };
    ItemTally {
        code: item.code.clone(),
        answered,
        counts: codes.into_iter().map(count).collect(),
        sum,
    }
}
