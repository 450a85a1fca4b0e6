//! What was counted from facts, because a period began or ended inside a month, kept in memory for as long as the days
//! it looks at get no new facts. Last year's numbers, which every comparison asks for, are counted once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use kernel::{Date, Period, UnitId};

/// Numbers that are kept.
const MOST: usize = 100_000;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Net number of facts and net sum.
    Sums { n: i64, sum: i64 },
    /// Distinct persons.
    Persons(i64),
}

/// Component, whether persons were counted, first and last day.
type Key = (i64, bool, Date, Date);

/// A number of each node, with the size of the ledger at which it was counted.
type Kept = HashMap<UnitId, (i64, Counted)>;

#[derive(Default)]
struct Inner {
    /// The size of the ledger after the last fact of a day was sealed.
    days: BTreeMap<Date, i64>,
    /// The size up to which the days are known.
    upto: i64,
    kept: HashMap<Key, Kept>,
    count: usize,
}

/// The numbers that are kept, shared by all readings.
#[derive(Default)]
pub(crate) struct Memo(Mutex<Inner>);

impl Memo {
    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to which size the days are known.
    pub(crate) fn upto(&self) -> i64 {
        self.inner().upto
    }

    /// Days that got facts, with the size after the last of them, as a snapshot of this size has them.
    pub(crate) fn learn(&self, days: &[(Date, i64)], size: i64) {
        let mut inner = self.inner();
        for (date, after) in days {
            let known = inner.days.entry(*date).or_default();
            *known = (*known).max(*after);
        }
        inner.upto = inner.upto.max(size);
    }

    /// What is kept of these nodes and holds in a snapshot of this size.
    pub(crate) fn of(
        &self,
        (component, persons, period): (i64, bool, Period),
        nodes: &[UnitId],
        size: i64,
    ) -> HashMap<UnitId, Counted> {
        let inner = self.inner();
        let Some(kept) = inner
            .kept
            .get(&(component, persons, period.from, period.to))
        else {
            return HashMap::new();
        };
        let touched = inner.days.range(period.from..=period.to);
        let touched = touched.map(|(_, after)| *after).max().unwrap_or(0);
        let holds = |(at, _): &&(i64, Counted)| (touched..=size).contains(at);
        let found = |node: &UnitId| Some((*node, kept.get(node).filter(holds)?.1));
        nodes.iter().filter_map(found).collect()
    }

    /// Keeps what a snapshot of this size counted.
    pub(crate) fn keep(
        &self,
        (component, persons, period): (i64, bool, Period),
        counted: impl Iterator<Item = (UnitId, Counted)>,
        size: i64,
    ) {
        let mut inner = self.inner();
        if inner.count >= MOST {
            inner.kept.clear();
            inner.count = 0;
        }
        let key = (component, persons, period.from, period.to);
        let kept = inner.kept.entry(key).or_default();
        let before = kept.len();
        for (node, number) in counted {
            let place = kept.entry(node).or_insert((size, number));
            // A snapshot that is older than what is kept keeps its own.
            if place.0 <= size {
                *place = (size, number);
            }
        }
        let more = kept.len() - before;
        inner.count += more;
    }
}

#[cfg(test)]
mod tests {
    use kernel::Id;

    use super::*;

    fn day(n: i8) -> Date {
        Date::constant(2025, 3, n)
    }

    #[test]
    fn a_number_holds_until_its_days_get_facts() {
        let memo = Memo::default();
        let node = UnitId(Id([7; 16]));
        let march = Period {
            from: day(3),
            to: day(9),
        };
        let key = (1, false, march);
        let five = Counted::Sums { n: 5, sum: 50 };
        memo.keep(key, [(node, five)].into_iter(), 100);
        assert_eq!(memo.of(key, &[node], 100), [(node, five)].into());
        assert_eq!(memo.of(key, &[node], 180), [(node, five)].into());
        // Whoever looks at an earlier state counts for themselves.
        assert_eq!(memo.of(key, &[node], 99), HashMap::new());
        // Facts of other days change nothing, facts of its own days all.
        memo.learn(&[(day(2), 190), (day(10), 190)], 190);
        assert_eq!(memo.of(key, &[node], 190), [(node, five)].into());
        memo.learn(&[(day(9), 200)], 200);
        assert_eq!(memo.of(key, &[node], 200), HashMap::new());
        assert_eq!(
            (memo.upto(), memo.of((1, true, march), &[node], 200)),
            (200, HashMap::new())
        );
        // An older snapshot does not take the place of a newer number.
        let six = Counted::Sums { n: 6, sum: 60 };
        memo.keep(key, [(node, six)].into_iter(), 200);
        memo.keep(key, [(node, five)].into_iter(), 150);
        assert_eq!(memo.of(key, &[node], 210), [(node, six)].into());
    }
}
