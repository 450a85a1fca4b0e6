//! What a unit does to its own checklist (本级检查表): own sections and items are added and taken away, inherited ones
//! are made stricter. No input or output.

use std::collections::BTreeMap;

use commons::forms::{Choice, Evidence, Form, Item, Kind, Section, Stricter, Template};
use commons::packs::Name;
use kernel::{Error, Msg, Result};

/// The longest text of a name or an item, in characters.
pub(crate) const LONGEST: usize = 300;

/// One change to a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Another name and another document that it rests on.
    Head {
        /// Name.
        name: String,
        /// The document; empty: none.
        basis: String,
    },
    /// An item under a section: an inherited or own one by its code, else a new one with this title.
    Add {
        /// Code of the section; empty: a new one.
        section: String,
        /// Title of a new section.
        title: String,
        /// The item; its code is given here.
        item: Box<Item>,
    },
    /// An own item goes.
    Drop {
        /// Its code.
        item: String,
    },
    /// An inherited item is asked more strictly; a rule that asks nothing takes the rule back.
    Tighten(Stricter),
    /// It stands on another version of what it extends.
    Rebase(i64),
}

/// A name of which only the Chinese was typed.
pub(crate) fn named(text: &str) -> Name {
    let text = text.trim().to_owned();
    Name {
        en: text.clone(),
        zh: text,
    }
}

fn fits(field: &str, text: &str) -> Result<()> {
    let text = text.trim();
    match (2..=LONGEST).contains(&text.chars().count()) && !text.contains(char::is_control) {
        true => Ok(()),
        false => Err(Error::field(
            field,
            Msg::new("inspection-text-wrong").with("most", LONGEST),
        )),
    }
}

/// A code of a template's own that it does not have yet: beside those of whatever it stands on, because it bears the
/// template's own code.
fn fresh(template: &Template, letter: char) -> String {
    let mark = template.code.rsplit('-').next().unwrap_or("own");
    let taken = |code: &str| {
        let mut own = template.sections.iter();
        own.any(|s| s.code == code || s.items.iter().any(|i| i.code == code))
    };
    let mut codes = (1_u32..).map(|n| format!("{letter}{n}-{mark}"));
    codes.find(|code| !taken(code)).unwrap_or_default()
}

impl Edit {
    /// Does it to a template; `base` is what that extends, resolved.
    ///
    /// # Errors
    /// `Invalid` per field for what cannot be meant.
    pub fn apply(&self, template: &mut Template, base: Option<&Form>) -> Result<()> {
        let missing = |field: &str| Error::field(field, Msg::new("inspection-item-missing"));
        match self {
            Self::Head { name, basis } => {
                fits("name", name)?;
                if template.name.zh != name.trim() {
                    template.name = named(name);
                }
                if !basis.trim().is_empty() {
                    fits("basis", basis)?;
                }
                let known = template.basis.as_ref().map_or("", |b| b.zh.as_str());
                if known != basis.trim() {
                    template.basis = (!basis.trim().is_empty()).then(|| named(basis));
                }
            }
            Self::Add {
                section,
                title,
                item,
            } => {
                fits("text", &item.text.zh)?;
                let mut item = (**item).clone();
                item.code = fresh(template, 'i');
                let inherited = base.and_then(|b| b.sections.iter().find(|s| s.code == *section));
                let code = match (section.as_str(), inherited) {
                    ("", _) => {
                        fits("title", title)?;
                        let code = fresh(template, 's');
                        template.sections.push(Section {
                            code: code.clone(),
                            title: named(title),
                            items: Vec::new(),
                        });
                        code
                    }
                    (code, Some(upper)) => {
                        if template.sections.iter().all(|s| s.code != code) {
                            template.sections.push(Section {
                                items: Vec::new(),
                                ..upper.clone()
                            });
                        }
                        code.to_owned()
                    }
                    (code, None) => code.to_owned(),
                };
                let own = template.sections.iter_mut().find(|s| s.code == code);
                own.ok_or_else(|| missing("section"))?.items.push(item);
            }
            Self::Drop { item } => {
                let before: usize = template.sections.iter().map(|s| s.items.len()).sum();
                for section in &mut template.sections {
                    section.items.retain(|i| i.code != *item);
                }
                template.sections.retain(|s| !s.items.is_empty());
                let after: usize = template.sections.iter().map(|s| s.items.len()).sum();
                if after == before {
                    return Err(missing("item"));
                }
            }
            Self::Tighten(rule) => {
                if base.is_none_or(|b| b.item(&rule.item).is_none()) {
                    return Err(missing("item"));
                }
                template.stricter.retain(|s| s.item != rule.item);
                let nothing = !rule.required
                    && rule.evidence == Evidence::Free
                    && rule.at_least.is_none()
                    && rule.at_most.is_none();
                if !nothing {
                    template.stricter.push(rule.clone());
                }
            }
            Self::Rebase(version) => match &mut template.extends {
                Some(base) => base.version = *version,
                None => return Err(missing("version")),
            },
        }
        Ok(())
    }
}

/// What is typed about a new item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedItem {
    /// The question.
    pub text: String,
    /// Code of what an answer is.
    pub kind: String,
    /// Points, with at most three decimals.
    pub points: String,
    /// Fewer are a deficiency.
    pub at_least: String,
    /// More are a deficiency.
    pub at_most: String,
    /// Choices, a line each: what it says, share of the points in percent, `!` when it is a deficiency.
    pub options: String,
    /// When files go with it.
    pub evidence: String,
    /// How grave a deficiency is.
    pub severity: String,
    /// Field of work.
    pub field: String,
    /// The rule that it looks after.
    pub clause: String,
    /// It may stay open.
    pub optional: bool,
}

/// A number with at most three decimals, in thousandths.
pub(crate) fn thousandths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || part.len() > 3 || !digits(whole) || !digits(part) {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1_000 + part)
}

/// Thousandths as they are typed.
pub(crate) fn decimal(thousandths: i64) -> String {
    let (whole, part) = (thousandths / 1_000, thousandths % 1_000);
    match part {
        0 => whole.to_string(),
        _ => format!("{whole}.{part:03}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

impl TypedItem {
    /// The item that is meant, without a code.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub fn item(&self) -> Result<Item> {
        let wrong = |field: &str, key: &'static str| Error::field(field, Msg::new(key));
        let number = |field: &str, text: &str| -> Result<Option<i64>> {
            match text.trim() {
                "" => Ok(None),
                text => text
                    .parse()
                    .map(Some)
                    .map_err(|_| wrong(field, "inspection-number-wrong")),
            }
        };
        let points = match self.points.trim() {
            "" => 0,
            text => thousandths(text).ok_or_else(|| wrong("points", "inspection-number-wrong"))?,
        };
        let kind = match self.kind.as_str() {
            "check" => Kind::Check,
            "choice" => Kind::Choice {
                options: self.choices()?,
            },
            "several" => Kind::Several {
                options: self.choices()?,
            },
            "count" => Kind::Count {
                at_least: number("at-least", &self.at_least)?,
                at_most: number("at-most", &self.at_most)?,
            },
            "score" => Kind::Score {
                at_least: match self.at_least.trim() {
                    "" => None,
                    text => Some(
                        thousandths(text)
                            .ok_or_else(|| wrong("at-least", "inspection-number-wrong"))?,
                    ),
                },
            },
            "text" => Kind::Text { most: 1_000 },
            "day" => Kind::Day,
            _ => return Err(wrong("kind", "inspection-item-kind")),
        };
        let evidence = evidence_of(&self.evidence);
        let clause = self.clause.trim();
        Ok(Item {
            code: String::new(),
            text: named(&self.text),
            kind,
            required: !self.optional,
            points,
            evidence,
            clause: (!clause.is_empty()).then(|| named(clause)),
            field: self.field.trim().to_owned(),
            severity: self.severity.trim().to_owned(),
        })
    }

    fn choices(&self) -> Result<Vec<Choice>> {
        let wrong = || Error::field("options", Msg::new("inspection-options-wrong"));
        let lines = self
            .options
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty());
        let mut choices = Vec::new();
        for (n, line) in lines.enumerate() {
            let (line, deficient) = match line.strip_suffix(['!', '！']) {
                Some(line) => (line.trim(), true),
                None => (line, false),
            };
            let (text, share) = line.rsplit_once([' ', '\t', '|']).ok_or_else(wrong)?;
            let share = share.trim().trim_end_matches(['%', '％']);
            let percent: i64 = share.parse().map_err(|_| wrong())?;
            if text.trim().is_empty() || !(0..=100).contains(&percent) {
                return Err(wrong());
            }
            choices.push(Choice {
                code: format!("o{}", n + 1),
                text: named(text.trim_end_matches('|')),
                share: percent * 10,
                deficient,
            });
        }
        Ok(choices)
    }
}

/// When files go with an answer, by its word in forms.
pub(crate) fn evidence_of(code: &str) -> Evidence {
    match code {
        "when-deficient" => Evidence::WhenDeficient,
        "always" => Evidence::Always,
        _ => Evidence::Free,
    }
}

/// How two versions of a form differ in one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It asks something else.
    Changed,
}

/// What is different in a form: item by item, those of the new one in its order, then those that are gone.
pub fn compare<'f>(
    old: &'f Form,
    new: &'f Form,
) -> Vec<(Change, Option<&'f Item>, Option<&'f Item>)> {
    let before: BTreeMap<&str, &Item> = old.items().map(|i| (i.code.as_str(), i)).collect();
    let mut found = Vec::new();
    for item in new.items() {
        match before.get(item.code.as_str()) {
            None => found.push((Change::Added, None, Some(item))),
            Some(known) if *known != item => {
                found.push((Change::Changed, Some(*known), Some(item)));
            }
            Some(_) => {}
        }
    }
    let gone = old.items().filter(|i| new.item(&i.code).is_none());
    found.extend(gone.map(|i| (Change::Removed, Some(i), None)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_typed_becomes_an_item() {
        let typed = TypedItem {
            text: "卷宗归档".into(),
            kind: "choice".into(),
            points: "2.5".into(),
            options: "规范 100\n基本规范|60\n不规范 0 !".into(),
            ..TypedItem::default()
        };
        let item = typed.item().unwrap();
        assert_eq!((item.points, item.required), (2_500, true));
        let Kind::Choice { options } = item.kind else {
            panic!("a choice")
        };
        let told: Vec<_> = options
            .iter()
            .map(|o| (o.text.zh.as_str(), o.share, o.deficient))
            .collect();
        assert_eq!(
            told,
            [
                ("规范", 1000, false),
                ("基本规范", 600, false),
                ("不规范", 0, true)
            ]
        );
        for (wrong, field) in [
            (
                TypedItem {
                    points: "x".into(),
                    ..typed.clone()
                },
                "points",
            ),
            (
                TypedItem {
                    options: "只有一项".into(),
                    ..typed.clone()
                },
                "options",
            ),
            (
                TypedItem {
                    kind: "hunch".into(),
                    ..typed.clone()
                },
                "kind",
            ),
        ] {
            let Err(Error::Invalid(errors)) = wrong.item() else {
                panic!("{wrong:?}")
            };
            assert_eq!(errors[0].field, field);
        }
    }

    proptest! {
        #[test]
        fn points_are_read_as_they_are_written(n in 0i64..1_000_000) {
            prop_assert_eq!(thousandths(&decimal(n)), Some(n));
        }

        #[test]
        fn nothing_is_read_that_is_no_number(text in "[^0-9]{1,6}") {
            prop_assert_eq!(thousandths(&text), None);
        }
    }
}
