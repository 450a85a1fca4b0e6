//! What somebody did day by day (办理进度): what obligations look at.

use std::ops::AddAssign;

use kernel::{Date, Id, Period};

/// What was done on a day (办理量).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Net number of facts.
    pub n: i64,
    /// Net sum of the component's value.
    pub sum: i64,
}

impl AddAssign for Done {
    fn add_assign(&mut self, more: Self) {
        self.n += more.n;
        self.sum += more.sum;
    }
}

/// What many did, by whom and day; days on which nothing stands are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress(Vec<((Id, Date), Done)>);

impl Progress {
    /// Net amounts in any order, several of a day added up.
    pub(crate) fn of(mut amounts: Vec<((Id, Date), Done)>) -> Self {
        amounts.sort_by_key(|(key, _)| *key);
        amounts.dedup_by(|more, first| {
            let same = more.0 == first.0;
            if same {
                first.1 += more.1;
            }
            same
        });
        amounts.retain(|(_, done)| done.n > 0);
        Self(amounts)
    }

    /// What one did on the days of a period, in order.
    pub fn days(&self, who: Id, period: Period) -> &[((Id, Date), Done)] {
        let begin = self.0.partition_point(|(key, _)| *key < (who, period.from));
        let end = self.0[begin..].partition_point(|(key, _)| *key <= (who, period.to));
        &self.0[begin..begin + end]
    }

    /// Everything, by whom and day.
    pub fn iter(&self) -> impl Iterator<Item = &((Id, Date), Done)> {
        self.0.iter()
    }

    /// Whether nobody did anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use jiff::ToSpan;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map_of_sums(
            raw in prop::collection::vec((0u8..4, 0i64..6, -1i64..3), 0..40),
            (who, from, length) in (0u8..4, 0i64..6, 0i64..6),
        ) {
            let day = |n: i64| Date::constant(2027, 12, 29).saturating_add(n.days());
            let id = |n: u8| Id([n; 16]);
            let mut sums: BTreeMap<(Id, Date), i64> = BTreeMap::new();
            for (who, on, n) in &raw {
                *sums.entry((id(*who), day(*on))).or_default() += n;
            }
            let amounts = raw.iter().map(|(who, on, n)| ((id(*who), day(*on)), Done { n: *n, sum: 2 * n }));
            let progress = Progress::of(amounts.collect());
            let period = Period { from: day(from), to: day(from + length) };
            let wanted: Vec<_> = sums.iter().filter(|((w, d), n)| **n > 0 && *w == id(who) && period.contains(*d)).collect();
            let found = progress.days(id(who), period);
            prop_assert_eq!(found.len(), wanted.len());
            for ((key, done), (same, n)) in found.iter().zip(wanted) {
                prop_assert_eq!((key, done.n, done.sum), (same, *n, 2 * n));
            }
        }
    }
}
