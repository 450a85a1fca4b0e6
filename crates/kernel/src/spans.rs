//! Stretches of days (期间): sorted, apart from each other, each with its first and last day.

use crate::{Date, Period};
use jiff::ToSpan;
use smallvec::{SmallVec, smallvec};

/// Most are one stretch, and a city has a hundred thousand of them: one needs no room of its own.
type Stretches = SmallVec<[Period; 1]>;

/// Days of a calendar as stretches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(Stretches);

impl Spans {
    /// Every day.
    pub fn always() -> Self {
        Self::one(Date::MIN, Date::MAX)
    }

    /// One stretch; none when it ends before it begins.
    pub fn one(from: Date, to: Date) -> Self {
        match from <= to {
            true => Self(smallvec![Period { from, to }]),
            false => Self::default(),
        }
    }

    /// Stretches in any order, which may meet or overlap.
    pub fn of(stretches: impl IntoIterator<Item = Period>) -> Self {
        let mut all: Stretches = stretches.into_iter().filter(|p| p.from <= p.to).collect();
        all.sort_by_key(|p| p.from);
        let mut spans = Stretches::with_capacity(all.len());
        for p in all {
            match spans.last_mut() {
                Some(last) if p.from <= last.to.saturating_add(1.day()) => {
                    last.to = last.to.max(p.to);
                }
                _ => spans.push(p),
            }
        }
        Self(spans)
    }

    /// The days of both.
    pub fn and(&self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|a| other.0.iter().map(move |b| (a, b)));
        Self::of(pairs.map(|(a, b)| Period {
            from: a.from.max(b.from),
            to: a.to.min(b.to),
        }))
    }

    /// The days of either.
    pub fn or(self, other: Self) -> Self {
        Self::of(self.0.into_iter().chain(other.0))
    }

    /// The days that are not in the other.
    pub fn without(&self, other: &Self) -> Self {
        let mut left = self.0.clone();
        for gap in &other.0 {
            let cut = |p: Period| {
                let before = Period {
                    from: p.from,
                    to: p.to.min(gap.from.saturating_sub(1.day())),
                };
                let after = Period {
                    from: p.from.max(gap.to.saturating_add(1.day())),
                    to: p.to,
                };
                [before, after].into_iter().filter(|p| p.from <= p.to)
            };
            left = left.into_iter().flat_map(cut).collect();
        }
        Self::of(left)
    }

    /// How many days of a period are in them.
    pub fn days_in(&self, period: Period) -> i64 {
        let within = self.0.iter().map(|p| {
            let (from, to) = (p.from.max(period.from), p.to.min(period.to));
            days(Period { from, to }).max(0)
        });
        within.sum()
    }

    /// Whether a day is in them.
    pub fn contains(&self, date: Date) -> bool {
        self.0.iter().any(|p| p.contains(date))
    }

    /// The stretches.
    pub fn iter(&self) -> impl Iterator<Item = Period> {
        self.0.iter().copied()
    }

    /// The first day.
    pub fn first(&self) -> Option<Date> {
        self.0.first().map(|p| p.from)
    }

    /// Whether there is no day.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many days a period has; fewer than one when it ends before it begins.
pub fn days(period: Period) -> i64 {
    i64::from((period.to - period.from).get_days()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(n: i64) -> Date {
        Date::constant(2027, 12, 1).saturating_add(n.days())
    }

    fn spans(raw: &[(i64, i64)]) -> Spans {
        Spans::of(raw.iter().map(|(from, to)| Period {
            from: at(*from),
            to: at(*to),
        }))
    }

    proptest! {
        #[test]
        fn they_are_sets_of_days(
            a in prop::collection::vec((0i64..120, 0i64..120), 0..6),
            b in prop::collection::vec((0i64..120, 0i64..120), 0..6),
        ) {
            let has = |raw: &[(i64, i64)], n: i64| raw.iter().any(|(from, to)| (*from..=*to).contains(&n));
            let (x, y) = (spans(&a), spans(&b));
            let (both, either, left) = (x.and(&y), x.clone().or(y.clone()), x.without(&y));
            for n in -1..122 {
                prop_assert_eq!(x.contains(at(n)), has(&a, n));
                prop_assert_eq!(both.contains(at(n)), has(&a, n) && has(&b, n));
                prop_assert_eq!(either.contains(at(n)), has(&a, n) || has(&b, n));
                prop_assert_eq!(left.contains(at(n)), has(&a, n) && !has(&b, n));
            }
            let all = Period { from: at(10), to: at(90) };
            let counted = (10..=90).filter(|n| has(&a, *n)).count();
            prop_assert_eq!(x.days_in(all), counted as i64);
            prop_assert_eq!(left.is_empty(), (-1..122).all(|n| !left.contains(at(n))));
        }
    }
}
