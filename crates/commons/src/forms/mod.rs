//! Forms (表单): checklists, ratings and surveys as data. A form may extend another one: what it inherits stays as it
//! is, in its order, and can only be made stricter. No input or output in here: whoever asks keeps versions and answers.

mod answers;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use kernel::Msg;
use serde::{Deserialize, Serialize};

pub use answers::{Answer, Answers, Deficiency, Fault, Score, Value, check, deficiencies, score};
pub use tally::{Count, ItemTally, Tally};

use crate::packs::{Name, is_kebab};

/// Forms that stand on one another, at most.
const DEEPEST: usize = 5;
/// Items of a form, at most.
pub const MOST_ITEMS: usize = 500;
/// Points of one item, at most, in thousandths.
const MOST_POINTS: i64 = 1_000_000;

/// A form as it is written down (表单模板).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// Code: small letters, digits and hyphens.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The form that it extends (继承自), as its code and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Base>,
    /// Where it comes from (依据): document and article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Name>,
    /// Its own sections; one with the code of an inherited section adds to it.
    #[serde(default, rename = "section")]
    pub sections: Vec<Section>,
    /// What it asks of inherited items beyond what they ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stricter: Vec<Stricter>,
    /// Answers below this number are not told apart (最小统计组).
    #[serde(default = "smallest_group")]
    pub smallest_group: u32,
}

fn smallest_group() -> u32 {
    1
}

/// A form that another one stands on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its code.
    pub form: String,
    /// Its version.
    pub version: i64,
}

/// Items under one heading (一组检查项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Code.
    pub code: String,
    /// Heading.
    pub title: Name,
    /// What is asked.
    #[serde(default, rename = "item")]
    pub items: Vec<Item>,
}

/// One thing that is asked (检查项).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Item {
    /// Code, one of its kind in the whole form.
    pub code: String,
    /// The question.
    pub text: Name,
    /// What an answer is.
    pub kind: Kind,
    /// Whether it must be answered.
    #[serde(default = "yes")]
    pub required: bool,
    /// Points that it is worth, in thousandths; none: it is not scored.
    #[serde(default)]
    pub points: i64,
    /// When files go with it.
    #[serde(default)]
    pub evidence: Evidence,
    /// The rule that it looks after (检查依据).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<Name>,
    /// The field of work to which a deficiency belongs (领域).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// How grave a deficiency is (严重程度); empty: as whoever raises it says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub severity: String,
}

fn yes() -> bool {
    true
}

/// What an answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub enum Kind {
    /// Yes or no; no is a deficiency (是否).
    Check,
    /// One of some choices (单选).
    Choice {
        /// The choices.
        options: Vec<Choice>,
    },
    /// Any of some choices (多选); its points are those of what is chosen, all of them together at most all.
    Several {
        /// The choices.
        options: Vec<Choice>,
    },
    /// A whole number (数量).
    #[serde(rename_all = "kebab-case")]
    Count {
        /// Fewer are a deficiency (阈值).
        #[serde(default)]
        at_least: Option<i64>,
        /// More are a deficiency.
        #[serde(default)]
        at_most: Option<i64>,
    },
    /// Points given by whoever looks, from nothing to the points of the item (评分).
    #[serde(rename_all = "kebab-case")]
    Score {
        /// Fewer thousandths are a deficiency.
        #[serde(default)]
        at_least: Option<i64>,
    },
    /// Words (文字).
    Text {
        /// Characters, at most.
        most: usize,
    },
    /// A day (日期).
    Day,
}

/// One of the choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code.
    pub code: String,
    /// What it says.
    pub text: Name,
    /// The part of the item's points that it earns, in thousandths.
    #[serde(default)]
    pub share: i64,
    /// Whether choosing it is a deficiency.
    #[serde(default)]
    pub deficient: bool,
}

/// When files go with an answer (佐证要求), from the mildest to the strictest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// They may.
    #[default]
    Free,
    /// They must when it is deficient.
    WhenDeficient,
    /// They always must.
    Always,
}

/// What a form asks of an inherited item beyond what it asks (从严要求).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stricter {
    /// Which.
    pub item: String,
    /// It must be answered.
    #[serde(default)]
    pub required: bool,
    /// When files go with it.
    #[serde(default)]
    pub evidence: Evidence,
    /// A higher threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i64>,
    /// A lower one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i64>,
}

/// A form with all that it inherits, as it is filled in (表单).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Code.
    pub code: String,
    /// Version.
    pub version: i64,
    /// Name.
    pub name: Name,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Where inherited items come from; who extends cannot change them. Its own are not in it.
    pub inherited: BTreeMap<String, Base>,
    /// Answers below this number are not told apart.
    pub smallest_group: u32,
}

impl Form {
    /// All items in order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|s| &s.items)
    }

    /// One item.
    pub fn item(&self, code: &str) -> Option<&Item> {
        self.items().find(|i| i.code == code)
    }
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The section or item it is about; empty: the whole form.
    pub at: String,
    /// What is wrong.
    pub reason: Msg,
}

/// The form of a template, with what it inherits. `known` gives the templates that it may stand on.
///
/// # Errors
/// Every mistake: unknown or circular bases, codes that are taken, items nobody can answer, stricter rules that are not.
pub fn resolve<'t>(
    template: &'t Template,
    version: i64,
    known: &impl Fn(&Base) -> Option<&'t Template>,
) -> Result<Form, Vec<Mistake>> {
    let mut chain = vec![(
        Base {
            form: template.code.clone(),
            version,
        },
        template,
    )];
    let mut mistakes = Vec::new();
    let mut next = template.extends.as_ref();
    while let Some(base) = next {
        let wrong = |reason: Msg| Mistake {
            at: String::new(),
            reason: reason
                .with("form", &base.form)
                .with("version", base.version),
        };
        if chain.iter().any(|(known, _)| known.form == base.form) {
            return Err(vec![wrong(Msg::new("form-circle"))]);
        }
        if chain.len() >= DEEPEST {
            return Err(vec![wrong(Msg::new("form-too-deep"))]);
        }
        match known(base) {
            Some(found) => {
                chain.push((base.clone(), found));
                next = found.extends.as_ref();
            }
            None => return Err(vec![wrong(Msg::new("form-base-unknown"))]),
        }
    }
    let mut form = Form {
        code: template.code.clone(),
        version,
        name: template.name.clone(),
        sections: Vec::new(),
        inherited: BTreeMap::new(),
        smallest_group: 1,
    };
    // From the root to the template itself.
    for (n, (base, layer)) in chain.iter().enumerate().rev() {
        add(&mut form, layer, (n > 0).then_some(base), &mut mistakes);
    }
    if form.items().count() > MOST_ITEMS {
        mistakes.push(Mistake {
            at: String::new(),
            reason: Msg::new("form-too-long").with("most", MOST_ITEMS),
        });
    }
    if form.items().next().is_none() {
        mistakes.push(Mistake {
            at: String::new(),
            reason: Msg::new("form-empty"),
        });
    }
    match mistakes.is_empty() {
        true => Ok(form),
        false => Err(mistakes),
    }
}

/// Adds what one layer says; `base` names it unless it is the form itself.
fn add(form: &mut Form, layer: &Template, base: Option<&Base>, mistakes: &mut Vec<Mistake>) {
    let mut wrong = |at: &str, reason: Msg| {
        mistakes.push(Mistake {
            at: at.to_owned(),
            reason,
        });
    };
    if !is_kebab(&layer.code) {
        wrong("", Msg::new("form-code").with("code", &layer.code));
    }
    form.smallest_group = form.smallest_group.max(layer.smallest_group);
    // Stricter rules are about what was there before this layer.
    for rule in &layer.stricter {
        let found = form.sections.iter_mut().flat_map(|s| &mut s.items);
        let Some(item) = found.into_iter().find(|i| i.code == rule.item) else {
            wrong(&rule.item, Msg::new("form-stricter-unknown"));
            continue;
        };
        if !tighten(item, rule) {
            wrong(&rule.item, Msg::new("form-not-stricter"));
        }
    }
    let mut own = BTreeSet::new();
    for section in &layer.sections {
        if !is_kebab(&section.code) || !own.insert(&section.code) {
            wrong(
                &section.code,
                Msg::new("form-section").with("code", &section.code),
            );
        }
        for item in &section.items {
            if form.item(&item.code).is_some() {
                wrong(
                    &item.code,
                    Msg::new("form-item-twice").with("code", &item.code),
                );
                continue;
            }
            item.mistakes()
                .into_iter()
                .for_each(|m| wrong(&item.code, m));
            if let Some(base) = base {
                form.inherited.insert(item.code.clone(), base.clone());
            }
            match form.sections.iter_mut().find(|s| s.code == section.code) {
                Some(known) => known.items.push(item.clone()),
                None => form.sections.push(Section {
                    items: vec![item.clone()],
                    ..section.clone()
                }),
            }
        }
    }
}

/// Makes an item stricter; false when a rule would loosen it, or asks what such an item does not have.
fn tighten(item: &mut Item, rule: &Stricter) -> bool {
    if rule.evidence != Evidence::Free && rule.evidence < item.evidence {
        return false;
    }
    item.required |= rule.required;
    item.evidence = item.evidence.max(rule.evidence);
    let raise = |known: &mut Option<i64>, new: Option<i64>| {
        let fits = new.is_none_or(|new| known.is_none_or(|known| new >= known));
        *known = new.or(*known);
        fits
    };
    let lower = |known: &mut Option<i64>, new: Option<i64>| {
        let fits = new.is_none_or(|new| known.is_none_or(|known| new <= known));
        *known = new.or(*known);
        fits
    };
    match &mut item.kind {
        Kind::Count { at_least, at_most } => {
            raise(at_least, rule.at_least) && lower(at_most, rule.at_most)
        }
        Kind::Score { at_least } => {
            rule.at_most.is_none()
                && rule.at_least.is_none_or(|least| least <= item.points)
                && raise(at_least, rule.at_least)
        }
        _ => rule.at_least.is_none() && rule.at_most.is_none(),
    }
}

impl Item {
    /// What is wrong with it.
    fn mistakes(&self) -> Vec<Msg> {
        let mut found = Vec::new();
        if !is_kebab(&self.code) {
            found.push(Msg::new("form-code").with("code", &self.code));
        }
        if self.text.zh.trim().is_empty() || self.text.en.trim().is_empty() {
            found.push(Msg::new("form-text-empty"));
        }
        if !(0..=MOST_POINTS).contains(&self.points) {
            found.push(Msg::new("form-points").with("most", MOST_POINTS / 1_000));
        }
        match &self.kind {
            Kind::Choice { options } | Kind::Several { options } => {
                let codes: BTreeSet<&str> = options.iter().map(|o| o.code.as_str()).collect();
                if codes.len() != options.len() || !codes.iter().all(|c| is_kebab(c)) {
                    found.push(Msg::new("form-options-alike"));
                }
                if options.len() < 2 {
                    found.push(Msg::new("form-options-few"));
                }
                if options.iter().any(|o| !(0..=1_000).contains(&o.share)) {
                    found.push(Msg::new("form-share"));
                }
                // Otherwise nobody could reach all points.
                let best: i64 = match &self.kind {
                    Kind::Several { .. } => options.iter().map(|o| o.share).sum(),
                    _ => options.iter().map(|o| o.share).max().unwrap_or(0),
                };
                if self.points > 0 && best < 1_000 {
                    found.push(Msg::new("form-share-out-of-reach"));
                }
            }
            Kind::Count { at_least, at_most } => {
                let crossed = matches!((at_least, at_most), (Some(a), Some(b)) if a > b);
                if crossed || at_least.is_some_and(|n| n < 0) || at_most.is_some_and(|n| n < 0) {
                    found.push(Msg::new("form-threshold"));
                }
            }
            Kind::Score { at_least } => {
                if self.points == 0 || at_least.is_some_and(|n| !(0..=self.points).contains(&n)) {
                    found.push(Msg::new("form-threshold"));
                }
            }
            Kind::Text { most } if !(1..=20_000).contains(most) => {
                found.push(Msg::new("form-text-length"));
            }
            Kind::Check | Kind::Text { .. } | Kind::Day => {}
        }
        if self.points > 0 && matches!(self.kind, Kind::Text { .. } | Kind::Day) {
            found.push(Msg::new("form-not-scored"));
        }
        found
    }
}
