//! Blueprints (组卷蓝图): how many questions of which kind, knowledge point and difficulty a paper has. Which of them can
//! be had together is found by augmenting paths, so that rows that want the same questions are served wherever it is
//! possible at all, and named where it is not. Pure.

use std::collections::{BTreeSet, HashMap, VecDeque};

use kernel::{Error, FieldError, Id, Msg, Result};
use questions::{Kind, Question, Rule};
use serde::{Deserialize, Serialize};

use crate::{Item, MOST_ITEMS, Paper, Section};

/// Rows of a blueprint.
pub const MOST_ROWS: usize = 60;
/// Papers and months that exposure looks back.
pub const MOST_BACK: i64 = 120;

/// A row of a blueprint (蓝图的一行).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Kind of the questions.
    pub kind: Kind,
    /// Knowledge point of a bank, with all below it.
    pub point: Id,
    /// Difficulties, 0: not said; none: any.
    #[serde(default)]
    pub difficulties: Vec<i64>,
    /// How many each examinee gets.
    pub count: usize,
    /// Points of each in thousandths.
    pub points: i64,
    /// Questions that are drawn from for each examinee (随机抽题的题池); 0: everybody gets the same.
    #[serde(default)]
    pub pool: usize,
    /// How answers that are right in part are scored.
    pub rule: Rule,
}

impl Row {
    /// Questions that it needs of the bank.
    pub fn needs(&self) -> usize {
        self.count.max(self.pool)
    }

    fn varies(&self) -> bool {
        self.pool > self.count
    }
}

/// A blueprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Questions in so many last papers of the unit are left out (最近几套试卷用过的不选).
    #[serde(default)]
    pub papers: i64,
    /// Questions that somebody on the list met within so many months are left out.
    #[serde(default)]
    pub months: i64,
}

impl Blueprint {
    /// What is wrong with it, by row.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self) -> Result<()> {
        let mut found = Vec::new();
        let mut wrong = |field: String, message: Msg| found.push(FieldError { field, message });
        if self.rows.is_empty() || self.rows.len() > MOST_ROWS {
            wrong("rows".into(), Msg::new("exam-rows").with("most", MOST_ROWS));
        }
        for (n, row) in self.rows.iter().enumerate() {
            let field = format!("row-{}", n + 1);
            if !(1..=1_000).contains(&row.count) {
                wrong(field, Msg::new("exam-row-count").with("row", n + 1));
            } else if !(1..=questions::MOST_POINTS).contains(&row.points) {
                wrong(field, Msg::new("exam-row-points").with("row", n + 1));
            } else if row.pool > 0 && row.pool < row.count {
                wrong(field, Msg::new("exam-row-pool").with("row", n + 1));
            }
        }
        if self.rows.iter().map(Row::needs).sum::<usize>() > MOST_ITEMS {
            wrong(
                "rows".into(),
                Msg::new("exam-paper-size").with("most", MOST_ITEMS),
            );
        }
        for (field, n) in [("papers", self.papers), ("months", self.months)] {
            if !(0..=MOST_BACK).contains(&n) {
                wrong(field.into(), Msg::new("exam-back").with("most", MOST_BACK));
            }
        }
        Error::if_any(found)
    }

    /// What it makes of the questions of each row; `title` names a section by its place and kind.
    pub fn paper(
        &self,
        name: &str,
        chosen: &[Vec<(Id, i64, Question)>],
        title: impl Fn(usize, Kind) -> String,
    ) -> Paper {
        // Rows of one kind are one section; those that are drawn from for each examinee stand alone.
        let mut sections: Vec<(Kind, bool, Section)> = Vec::new();
        for (row, chosen) in self.rows.iter().zip(chosen) {
            let items = chosen.iter().map(|(id, version, question)| Item {
                question: question.clone(),
                points: row.points,
                from: Some((*id, *version)),
            });
            let same = sections.iter_mut().find(|(kind, varies, section)| {
                *kind == row.kind && !varies && !row.varies() && section.rule == row.rule
            });
            match same {
                Some((.., section)) => {
                    section.items.extend(items);
                    section.pick = section.items.len();
                }
                None => {
                    let section = Section {
                        title: title(sections.len(), row.kind),
                        rule: row.rule,
                        pick: row.count,
                        items: items.collect(),
                    };
                    sections.push((row.kind, row.varies(), section));
                }
            }
        }
        Paper {
            title: name.to_owned(),
            sections: sections.into_iter().map(|(.., section)| section).collect(),
            mixed: true,
            mixed_options: true,
        }
    }
}

/// Rows that together want more questions than there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Which rows, from 0.
    pub rows: BTreeSet<usize>,
    /// How many they need together.
    pub needs: usize,
    /// How many there are for them together.
    pub has: usize,
}

/// Gives each row as many of the questions it is offered as it needs, none to two rows.
///
/// # Errors
/// Every set of rows that wants more than there is: each of them is short whatever the others get.
pub fn matched(needs: &[usize], offers: &[Vec<Id>]) -> Result<Vec<Vec<Id>>, Vec<Shortage>> {
    let mut numbers: HashMap<Id, usize> = HashMap::new();
    let offers: Vec<Vec<usize>> = offers
        .iter()
        .map(|ids| {
            let number = |id: &Id| {
                let next = numbers.len();
                *numbers.entry(*id).or_insert(next)
            };
            ids.iter().map(number).collect()
        })
        .collect();
    let mut ids = vec![Id::NIL; numbers.len()];
    numbers.into_iter().for_each(|(id, n)| ids[n] = id);
    let mut owner: Vec<Option<usize>> = vec![None; ids.len()];
    let mut short: Vec<Shortage> = Vec::new();
    for (row, wanted) in needs.iter().enumerate() {
        for _ in 0..*wanted {
            if let Err(rows) = augment(row, &offers, &mut owner) {
                join(&mut short, rows);
                break;
            }
        }
    }
    for s in &mut short {
        let all: BTreeSet<usize> = s
            .rows
            .iter()
            .flat_map(|r| offers[*r].iter().copied())
            .collect();
        s.needs = s.rows.iter().map(|r| needs[*r]).sum();
        s.has = all.len();
    }
    if !short.is_empty() {
        return Err(short);
    }
    let mut chosen = vec![Vec::new(); needs.len()];
    for (row, offered) in offers.iter().enumerate() {
        // In the order in which they were offered, which is that of chance.
        let own = offered.iter().filter(|q| owner[**q] == Some(row));
        chosen[row] = own.map(|q| ids[*q]).collect();
    }
    Ok(chosen)
}

/// One question more for a row, by moving what others have; or the rows among which all is used up.
fn augment(
    row: usize,
    offers: &[Vec<usize>],
    owner: &mut [Option<usize>],
) -> Result<(), BTreeSet<usize>> {
    // By which question a row was reached, and from which row.
    let mut from: HashMap<usize, (usize, usize)> = HashMap::new();
    let mut seen = BTreeSet::from([row]);
    let mut queue = VecDeque::from([row]);
    while let Some(at) = queue.pop_front() {
        for q in &offers[at] {
            match owner[*q] {
                None => {
                    // Each on the way back gives its question to the one before and takes the next.
                    let (mut to, mut question) = (at, *q);
                    owner[question] = Some(to);
                    while let Some((before, given)) = from.get(&to).copied() {
                        question = given;
                        to = before;
                        owner[question] = Some(to);
                    }
                    return Ok(());
                }
                Some(other) if seen.insert(other) => {
                    from.insert(other, (at, *q));
                    queue.push_back(other);
                }
                Some(_) => {}
            }
        }
    }
    Err(seen)
}

/// Sets of rows that share one are one.
fn join(short: &mut Vec<Shortage>, mut rows: BTreeSet<usize>) {
    short.retain(|s| match s.rows.is_disjoint(&rows) {
        true => true,
        false => {
            rows.extend(&s.rows);
            false
        }
    });
    short.push(Shortage {
        rows,
        needs: 0,
        has: 0,
    });
}

/// Splits the questions of each row into two halves of as many, whose difficulties sum up to nearly the same (A、B 卷):
/// the sums never differ by more than two neighbours of one row do.
pub fn halves<T>(rows: Vec<Vec<T>>, difficulty: impl Fn(&T) -> i64) -> [Vec<Vec<T>>; 2] {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    // How much harder the first is so far.
    let mut ahead = 0;
    for mut row in rows {
        row.sort_by_key(|q| difficulty(q));
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut rest = row.into_iter();
        while let (Some(easy), Some(hard)) = (rest.next(), rest.next()) {
            let gap = difficulty(&hard) - difficulty(&easy);
            if ahead > 0 {
                ahead -= gap;
                a.push(easy);
                b.push(hard);
            } else {
                ahead += gap;
                a.push(hard);
                b.push(easy);
            }
        }
        one.push(a);
        two.push(b);
    }
    [one, two]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: usize) -> Id {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&(n as u64 + 1).to_be_bytes());
        Id(bytes)
    }

    fn ids(numbers: impl IntoIterator<Item = usize>) -> Vec<Id> {
        numbers.into_iter().map(id).collect()
    }

    #[test]
    fn rows_that_want_the_same_questions_are_served_where_it_is_possible() {
        // The second row can only have what the first would have taken first.
        let chosen = matched(&[2, 2], &[ids(0..4), ids(0..2)]).unwrap();
        assert_eq!(chosen, [ids(2..4), ids(0..2)]);
        // Through a third: 0 gives to 1, 1 gives to 2.
        let chosen = matched(&[1, 1, 1], &[ids([0, 1]), ids([0, 2]), ids([0])]).unwrap();
        assert_eq!(chosen[2], ids([0]));
    }

    #[test]
    fn every_shortage_is_named_at_once() {
        let short = matched(
            &[12, 3, 3, 1],
            &[ids(0..9), ids(20..24), ids(20..24), ids(50..60)],
        );
        let short = short.unwrap_err();
        let told: Vec<_> = short
            .iter()
            .map(|s| (s.rows.iter().copied().collect::<Vec<_>>(), s.needs, s.has))
            .collect();
        assert_eq!(told, [(vec![0], 12, 9), (vec![1, 2], 6, 4)]);
    }

    proptest! {
        /// Against the theorem of Hall, asked of every set of rows.
        #[test]
        fn it_fails_exactly_where_some_rows_want_more_than_there_is(
            needs in prop::collection::vec(0usize..5, 1..6),
            offers in prop::collection::vec(prop::collection::btree_set(0usize..14, 0..10), 6),
        ) {
            let offered: Vec<Vec<Id>> = offers[..needs.len()].iter().map(|o| ids(o.iter().copied())).collect();
            let possible = (1u32..1 << needs.len()).all(|set| {
                let rows: Vec<usize> = (0..needs.len()).filter(|r| set & (1 << r) != 0).collect();
                let there: BTreeSet<usize> = rows.iter().flat_map(|r| offers[*r].iter().copied()).collect();
                rows.iter().map(|r| needs[*r]).sum::<usize>() <= there.len()
            });
            match matched(&needs, &offered) {
                Ok(chosen) => {
                    prop_assert!(possible);
                    let mut all: Vec<Id> = chosen.concat();
                    prop_assert_eq!(all.len(), needs.iter().sum::<usize>());
                    all.sort_unstable();
                    all.dedup();
                    prop_assert_eq!(all.len(), needs.iter().sum::<usize>(), "none twice");
                    for (row, own) in chosen.iter().enumerate() {
                        prop_assert_eq!(own.len(), needs[row]);
                        prop_assert!(own.iter().all(|q| offered[row].contains(q)));
                    }
                }
                Err(short) => {
                    prop_assert!(!possible);
                    for s in short {
                        prop_assert!(s.needs > s.has, "{:?}", s);
                    }
                }
            }
        }

        #[test]
        fn halves_are_as_hard(rows in prop::collection::vec(prop::collection::vec(1i64..=5, 0..12), 1..8)) {
            let rows: Vec<Vec<i64>> = rows.into_iter().map(|mut r| { r.truncate(r.len() / 2 * 2); r }).collect();
            let [one, two] = halves(rows.clone(), |d| *d);
            for (row, (a, b)) in rows.iter().zip(one.iter().zip(&two)) {
                prop_assert_eq!((a.len(), b.len()), (row.len() / 2, row.len() / 2));
                let mut both = [a.clone(), b.clone()].concat();
                let mut before = row.clone();
                both.sort_unstable();
                before.sort_unstable();
                prop_assert_eq!(both, before);
            }
            let sum = |p: &[Vec<i64>]| p.iter().flatten().sum::<i64>();
            prop_assert!((sum(&one) - sum(&two)).abs() <= 4);
        }
    }
}
