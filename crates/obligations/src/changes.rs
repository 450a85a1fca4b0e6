//! On which days the organisation changed in a way that asks for something (变动): from dated assignments and attributes.

use std::collections::{BTreeMap, HashMap};

use db::Tx;
use jiff::ToSpan;
use kernel::{Date, Id, Period, PersonId, Result};
use organization::finding::{self, Spell};

use crate::rule::Change;
use crate::subjects::Subject;

/// The days of a period on which each of these changed so.
pub(crate) async fn days(
    tx: &mut Tx,
    change: &Change,
    subjects: &[Subject],
    period: Period,
) -> Result<HashMap<Id, Vec<Date>>> {
    let people: Vec<PersonId> = subjects.iter().map(|s| PersonId(s.id)).collect();
    let mut found: HashMap<Id, Vec<Date>> = HashMap::new();
    match change {
        Change::Founded => {
            for s in subjects {
                let first = s.bound.first().filter(|day| period.contains(*day));
                found.extend(first.map(|day| (s.id, vec![day])));
            }
        }
        Change::Joined | Change::Appointed => {
            let known = Period {
                from: period.from.saturating_sub(1.day()),
                to: period.to,
            };
            let mut spells: BTreeMap<PersonId, Vec<Spell>> = BTreeMap::new();
            for spell in finding::spells_of(tx, &people, known).await? {
                spells.entry(spell.person).or_default().push(spell);
            }
            let appointed = *change == Change::Appointed;
            for (person, spells) in spells {
                let days = begins(spells, appointed);
                let days = days.into_iter().filter(|day| period.contains(*day));
                found.insert(person.0, days.collect());
            }
        }
        Change::Promoted(attribute, ranks) => {
            let rows = finding::trait_spells(tx, attribute, &people, period.to).await?;
            let mut values: BTreeMap<PersonId, Vec<(Date, String)>> = BTreeMap::new();
            for (person, day, value) in rows {
                values.entry(person).or_default().push((day, value));
            }
            for (person, values) in values {
                let days = rises(&values, ranks).into_iter();
                found.insert(person.0, days.filter(|day| period.contains(*day)).collect());
            }
        }
    }
    Ok(found)
}

/// The first days of assignments that follow none, or with `appointed` another one, or one with another post.
fn begins(mut spells: Vec<Spell>, appointed: bool) -> Vec<Date> {
    spells.sort_by_key(|s| s.from);
    let begins = spells.iter().filter(|s| {
        let eve = s.from.saturating_sub(1.day());
        let covers = |b: &&Spell| b.from <= eve && b.to.is_none_or(|to| eve <= to);
        let before = spells.iter().find(covers);
        match (appointed, before) {
            (false, before) => before.is_none(),
            (true, _) if s.post.trim().is_empty() => false,
            (true, None) => true,
            (true, Some(b)) => b.unit != s.unit || b.post != s.post,
        }
    });
    let mut days: Vec<Date> = begins.map(|s| s.from).collect();
    days.dedup();
    days
}

/// The days on which a value stands higher among the ranks than the one before it.
fn rises(values: &[(Date, String)], ranks: &[String]) -> Vec<Date> {
    let rank = |value: &String| ranks.iter().position(|r| r == value);
    let pairs = values.windows(2);
    let risen = pairs.filter(|pair| match (rank(&pair[0].1), rank(&pair[1].1)) {
        (Some(before), Some(now)) => now > before,
        _ => false,
    });
    risen.map(|pair| pair[1].0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::UnitId;
    use proptest::prelude::*;

    fn at(n: i64) -> Date {
        Date::constant(2026, 1, 1).saturating_add(n.days())
    }

    fn spell(unit: u8, post: &str, from: i64, to: Option<i64>) -> Spell {
        Spell {
            person: PersonId(Id::NIL),
            unit: UnitId(Id([unit; 16])),
            post: post.into(),
            from: at(from),
            to: to.map(at),
        }
    }

    #[test]
    fn who_comes_and_who_takes_a_post() {
        let all = vec![
            spell(1, "", 0, Some(9)),
            spell(1, "科长", 10, Some(19)),
            spell(1, "科长", 20, Some(29)),
            spell(2, "科长", 30, Some(39)),
            spell(2, "", 40, Some(49)),
            spell(1, "处长", 60, None),
        ];
        assert_eq!(begins(all.clone(), false), [at(0), at(60)]);
        assert_eq!(begins(all, true), [at(10), at(30), at(60)]);
    }

    #[test]
    fn only_up_is_a_promotion() {
        let ranks = ["a", "b", "c"].map(str::to_owned);
        let values = [
            (0, "b"),
            (1, "c"),
            (2, "a"),
            (3, "x"),
            (4, "c"),
            (5, "b"),
            (6, "c"),
        ];
        let values = values.map(|(n, v)| (at(n), v.to_owned()));
        assert_eq!(rises(&values, &ranks), [at(1), at(6)]);
        assert_eq!(rises(&values[..1], &ranks), []);
    }

    proptest! {
        #[test]
        fn one_joins_as_often_as_there_are_pauses(gaps in prop::collection::vec((0i64..3, 1i64..9), 1..8)) {
            let (mut day, mut spells, mut pauses) = (0, Vec::new(), 1);
            for (i, (gap, length)) in gaps.iter().enumerate() {
                pauses += i64::from(i > 0 && *gap > 0);
                day += gap;
                spells.push(spell(1, "", day, Some(day + length - 1)));
                day += length;
            }
            prop_assert_eq!(begins(spells, false).len() as i64, pauses);
        }
    }
}
