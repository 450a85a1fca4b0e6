//! Papers (试卷): sections of questions with their points, all of them or so many drawn for each examinee. Pure.
//!
//! What somebody gets follows from the paper and a seed alone, so that each paper can be rebuilt years later.

use std::collections::HashMap;

use kernel::{Error, FieldError, Id, Msg, Result};
use questions::{Answer, Question, Rule, Scored, Shown, SplitMix, score, shuffled};
use serde::{Deserialize, Serialize};

/// Questions of a paper, drawn or not, at most.
pub const MOST_ITEMS: usize = 5_000;

/// A question on a paper (试题).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// As it was when the paper was made: what happens to it in the bank later changes nothing here.
    pub question: Question,
    /// Full marks in thousandths of a point.
    pub points: i64,
    /// Question of the bank and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<(Id, i64)>,
}

/// A section of a paper (大题).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading; may be empty.
    pub title: String,
    /// How answers that are right in part are scored.
    pub rule: Rule,
    /// How many of the questions each examinee gets; all of them when it is as many as there are.
    pub pick: usize,
    /// The questions.
    pub items: Vec<Item>,
}

/// A paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Its title.
    pub title: String,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Whether questions come in another order for each examinee (题目乱序).
    #[serde(default)]
    pub mixed: bool,
    /// Whether options do (选项乱序).
    #[serde(default)]
    pub mixed_options: bool,
}

/// A question as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number in the paper from 1, whoever gets it at whatever place.
    pub item: u16,
    /// The order of its options.
    pub shown: Shown,
}

/// What a question brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number in the paper.
    pub item: u16,
    /// Its full marks in thousandths of a point.
    pub full: i64,
    /// What it brought.
    #[serde(flatten)]
    pub scored: Scored,
}

impl Paper {
    /// What is wrong with it, by field.
    ///
    /// # Errors
    /// `Invalid` when there is nothing to answer, more is to be drawn than there is, questions of a pool differ in
    /// their points, or a question itself is faulty.
    pub fn check(&self) -> Result<()> {
        let mut found = Vec::new();
        let mut add = |field: String, message: Msg| found.push(FieldError { field, message });
        let count: usize = self.sections.iter().map(|s| s.items.len()).sum();
        if count == 0 || count > MOST_ITEMS {
            add(
                "sections".to_owned(),
                Msg::new("exam-paper-size").with("most", MOST_ITEMS),
            );
        }
        for (n, section) in self.sections.iter().enumerate() {
            if section.pick == 0 || section.pick > section.items.len() {
                let message = Msg::new("exam-paper-short")
                    .with("section", &section.title)
                    .with("needs", section.pick)
                    .with("has", section.items.len());
                add(format!("sections.{n}.pick"), message);
            }
            let first = section.items.first().map(|i| i.points);
            let alike = section.items.iter().all(|i| Some(i.points) == first);
            if section.pick < section.items.len() && !alike {
                let message = Msg::new("exam-paper-uneven").with("section", &section.title);
                add(format!("sections.{n}.items"), message);
            }
            for (at, item) in section.items.iter().enumerate() {
                if !(1..=questions::MOST_POINTS).contains(&item.points) {
                    add(
                        format!("sections.{n}.items.{at}.points"),
                        Msg::new("exam-paper-points"),
                    );
                }
                for fault in item.question.check() {
                    add(
                        format!("sections.{n}.items.{at}.{}", fault.field),
                        fault.message,
                    );
                }
            }
        }
        Error::if_any(found)
    }

    /// A question by its number in the paper, with its section.
    pub fn item(&self, number: u16) -> Option<(&Section, &Item)> {
        let mut left = usize::from(number).checked_sub(1)?;
        for section in &self.sections {
            match section.items.get(left) {
                Some(item) => return Some((section, item)),
                None => left -= section.items.len(),
            }
        }
        None
    }

    /// The same, to be changed.
    pub(crate) fn item_mut(&mut self, number: u16) -> Option<&mut Item> {
        let mut items = self.sections.iter_mut().flat_map(|s| s.items.iter_mut());
        items.nth(usize::from(number).checked_sub(1)?)
    }

    /// Questions of the bank on it, with the versions it pins.
    pub(crate) fn used(&self) -> Vec<(Id, i64)> {
        let items = self.sections.iter().flat_map(|s| &s.items);
        items.filter_map(|i| i.from).collect()
    }

    /// How many questions an examinee gets.
    pub fn length(&self) -> usize {
        self.sections.iter().map(|s| s.pick).sum()
    }

    /// Full marks of what an examinee gets, in thousandths of a point.
    pub fn full(&self) -> i64 {
        let sum = |s: &Section| s.items.iter().take(s.pick).map(|i| i.points).sum::<i64>();
        self.sections.iter().map(sum).sum()
    }

    /// What somebody with a seed gets, in the order in which they see it.
    pub fn drawn(&self, seed: u64) -> Vec<Place> {
        let mut places = Vec::with_capacity(self.length());
        let mut before = 0;
        for (n, section) in self.sections.iter().enumerate() {
            let mut order: Vec<usize> = (0..section.items.len()).collect();
            if self.mixed || section.pick < order.len() {
                let mut random = SplitMix::new(seed ^ (n as u64 + 1).rotate_left(48));
                random.shuffle(&mut order);
                order.truncate(section.pick);
            }
            if !self.mixed {
                order.sort_unstable();
            }
            for at in order {
                let number = before + at + 1;
                let own = SplitMix::new(seed ^ (number as u64)).draw();
                places.push(Place {
                    item: u16::try_from(number).unwrap_or(u16::MAX),
                    shown: shuffled(&section.items[at].question, own, self.mixed_options),
                });
            }
            before += section.items.len();
        }
        places
    }

    /// What answers, in letters of the paper, bring; one mark for each question that somebody got.
    pub fn mark(&self, drawn: &[Place], answers: &HashMap<u16, Answer>) -> Vec<Mark> {
        let mark = |place: &Place| {
            let (section, item) = self.item(place.item)?;
            let answer = answers.get(&place.item).unwrap_or(&Answer::None);
            Some(Mark {
                item: place.item,
                full: item.points,
                scored: score(&item.question, section.rule, item.points, answer),
            })
        };
        drawn.iter().filter_map(mark).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use questions::{Key, Kind};

    use super::*;

    pub(crate) fn choice(n: usize, right: &str) -> Question {
        Question {
            options: ["甲说", "乙说", "丙说", "丁说"]
                .map(|o| format!("{o}{n}"))
                .into(),
            key: Key::Choices(right.parse().unwrap()),
            ..Question::new(Kind::Single, format!("第{n}题，下列哪一项正确？"))
        }
    }

    pub(crate) fn paper(items: usize, pick: usize) -> Paper {
        let item = |n: usize| Item {
            question: choice(n, ["A", "B", "C", "D"][n % 4]),
            points: 2_000,
            from: None,
        };
        let section = |title: &str, pick| Section {
            title: title.to_owned(),
            rule: Rule::Exact,
            pick,
            items: (0..items).map(item).collect(),
        };
        Paper {
            title: "季度测试".into(),
            sections: vec![section("一", pick), section("二", items)],
            mixed: true,
            mixed_options: true,
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_explained() {
        let short = paper(9, 12);
        let Err(Error::Invalid(found)) = short.check() else {
            panic!("12 of 9");
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message.key, "exam-paper-short");
        assert_eq!(
            found[0].message.args[1..],
            [("needs", "12".to_owned()), ("has", "9".to_owned())]
        );
        let mut uneven = paper(9, 5);
        uneven.sections[0].items[3].points = 3_000;
        let Err(Error::Invalid(found)) = uneven.check() else {
            panic!("uneven");
        };
        assert_eq!(found[0].message.key, "exam-paper-uneven");
        uneven.sections[0].pick = 9;
        assert!(uneven.check().is_ok());
    }

    proptest! {
        #[test]
        fn everybody_gets_as_many_none_twice_and_the_same_again(seed: u64, items in 1usize..30, pick in 1usize..30) {
            let paper = paper(items, pick.min(items));
            prop_assert!(paper.check().is_ok());
            let drawn = paper.drawn(seed);
            prop_assert_eq!(&drawn, &paper.drawn(seed));
            prop_assert_eq!(drawn.len(), paper.length());
            let mut numbers: Vec<u16> = drawn.iter().map(|p| p.item).collect();
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), drawn.len());
            for place in &drawn {
                let (_, item) = paper.item(place.item).unwrap();
                prop_assert!(place.shown.fits(&item.question));
            }
            prop_assert!(paper.item(0).is_none() && paper.item(2 * items as u16 + 1).is_none());
            let none = paper.mark(&drawn, &HashMap::new());
            prop_assert_eq!(none.iter().map(|m| m.scored.points).sum::<i64>(), 0);
            prop_assert_eq!(none.iter().map(|m| m.full).sum::<i64>(), paper.full());
            let right = drawn.iter().map(|p| {
                let Key::Choices(letters) = paper.item(p.item).unwrap().1.question.key.clone() else { unreachable!() };
                // As it is seen, and back.
                let seen = p.shown.forth(Answer::Choices(letters));
                (p.item, p.shown.back(seen))
            });
            let all = paper.mark(&drawn, &right.collect());
            prop_assert_eq!(all.iter().map(|m| m.scored.points).sum::<i64>(), paper.full());
        }
    }
}
