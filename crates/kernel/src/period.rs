//! Periods (统计期): week from Monday, month, quarter, half-year, year.

use jiff::ToSpan;
use jiff::civil::Date;

/// The kind of a period.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodKind {
    /// Monday to Sunday (周).
    Week,
    /// Calendar month (月).
    Month,
    /// Calendar quarter (季度).
    Quarter,
    /// Half of a calendar year (半年).
    Half,
    /// Calendar year (年).
    Year,
}

/// A stretch of whole days, first and last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

impl Period {
    /// The period of a kind that holds a date.
    pub fn containing(kind: PeriodKind, date: Date) -> Self {
        let first = |month: i8| Date::constant(date.year(), month, 1);
        let (from, to) = match kind {
            PeriodKind::Week => {
                let back = i64::from(date.weekday().to_monday_zero_offset());
                let monday = date.saturating_sub(back.days());
                (monday, monday.saturating_add(6.days()))
            }
            PeriodKind::Month => (date.first_of_month(), date.last_of_month()),
            PeriodKind::Quarter => {
                let month = (date.month() - 1) / 3 * 3 + 1;
                (first(month), first(month + 2).last_of_month())
            }
            PeriodKind::Half => {
                let month = if date.month() <= 6 { 1 } else { 7 };
                (first(month), first(month + 5).last_of_month())
            }
            PeriodKind::Year => (first(1), first(12).last_of_month()),
        };
        Self { from, to }
    }

    /// The period cut off after a date (year to date); `None` when it has not begun.
    pub fn up_to(self, date: Date) -> Option<Self> {
        (self.from <= date).then(|| Self {
            from: self.from,
            to: self.to.min(date),
        })
    }

    /// The same stretch one year before (同比基期): both ends move back a year, 29 February becomes
    /// 28 February, and a stretch that ends on a month's last day still does.
    pub fn year_before(self) -> Self {
        let to = if self.to == self.to.last_of_month() {
            self.to
                .first_of_month()
                .saturating_sub(1.year())
                .last_of_month()
        } else {
            self.to.saturating_sub(1.year())
        };
        Self {
            from: self.from.saturating_sub(1.year()),
            to,
        }
    }

    /// The stretch just before (环比基期): of as many whole months where this one begins with a month and ends with
    /// one or in it, else of as many days.
    pub fn before(self) -> Self {
        if self.from != self.from.first_of_month() {
            let days = i64::from((self.to - self.from).get_days()) + 1;
            let to = self.from.saturating_sub(1.day());
            let from = to.saturating_sub((days - 1).days());
            return Self { from, to };
        }
        let months = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
        let span = (months(self.to) - months(self.from) + 1).months();
        let to = match self.to == self.to.last_of_month() {
            true => self
                .to
                .first_of_month()
                .saturating_sub(span)
                .last_of_month(),
            false => self.to.saturating_sub(span),
        };
        Self {
            from: self.from.saturating_sub(span),
            to,
        }
    }

    /// Whether the date is inside.
    pub fn contains(self, date: Date) -> bool {
        self.from <= date && date <= self.to
    }

    /// Month code as the rollups use it: 202611 for November 2026.
    pub fn month_code(date: Date) -> i64 {
        i64::from(date.year()) * 100 + i64::from(date.month())
    }

    /// Splits into the first partial month, the whole months, and the last partial month.
    /// A whole month is given by its code. A stretch inside one month is one partial piece.
    pub fn whole_months(self) -> (Option<Self>, Vec<i64>, Option<Self>) {
        let mut months = Vec::new();
        let mut head = None;
        let mut at = self.from;
        if at != at.first_of_month() {
            let to = at.last_of_month().min(self.to);
            head = Some(Self { from: at, to });
            at = to.saturating_add(1.day());
        }
        while at <= self.to && at.last_of_month() <= self.to {
            months.push(Self::month_code(at));
            at = at.last_of_month().saturating_add(1.day());
        }
        let tail = (at <= self.to).then_some(Self {
            from: at,
            to: self.to,
        });
        (head, months, tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_date() -> impl Strategy<Value = Date> {
        (1990i16..2100, 1i8..=12, 1i8..=31)
            .prop_filter_map("a day of that month", |(y, m, d)| Date::new(y, m, d).ok())
    }

    proptest! {
        #[test]
        fn periods_tile_the_time(date in any_date()) {
            for kind in [PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter, PeriodKind::Half, PeriodKind::Year] {
                let p = Period::containing(kind, date);
                prop_assert!(p.contains(date));
                let next = Period::containing(kind, p.to.saturating_add(1.day()));
                prop_assert_eq!(next.from, p.to.saturating_add(1.day()));
                prop_assert_eq!(Period::containing(kind, p.from), p);
                prop_assert_eq!(Period::containing(kind, p.to), p);
            }
        }

        #[test]
        fn whole_months_and_the_rest_tile_the_stretch(a in any_date(), b in any_date()) {
            let p = Period { from: a.min(b), to: a.max(b) };
            let (head, months, tail) = p.whole_months();
            let mut days: i64 = 0;
            for piece in [head, tail].into_iter().flatten() {
                days += i64::from((piece.to - piece.from).get_days()) + 1;
            }
            for code in months {
                let first = Date::constant((code / 100) as i16, (code % 100) as i8, 1);
                prop_assert!(p.contains(first) && p.contains(first.last_of_month()));
                days += i64::from(first.days_in_month());
            }
            prop_assert_eq!(days, i64::from((p.to - p.from).get_days()) + 1);
        }
    }

    #[test]
    fn the_stretch_before_has_as_many_months_or_days() {
        let p = |a: (i16, i8, i8), b: (i16, i8, i8)| Period {
            from: Date::constant(a.0, a.1, a.2),
            to: Date::constant(b.0, b.1, b.2),
        };
        let cases = [
            (
                p((2026, 3, 1), (2026, 3, 31)),
                p((2026, 2, 1), (2026, 2, 28)),
            ),
            (
                p((2026, 4, 1), (2026, 6, 30)),
                p((2026, 1, 1), (2026, 3, 31)),
            ),
            (
                p((2026, 3, 1), (2026, 3, 30)),
                p((2026, 2, 1), (2026, 2, 28)),
            ),
            (
                p((2026, 1, 1), (2026, 11, 20)),
                p((2025, 2, 1), (2025, 12, 20)),
            ),
            (
                p((2026, 3, 9), (2026, 3, 15)),
                p((2026, 3, 2), (2026, 3, 8)),
            ),
        ];
        for (this, before) in cases {
            assert_eq!(this.before(), before, "{this:?}");
        }
    }

    #[test]
    fn the_base_of_a_comparison_aligns_over_leap_days() {
        let leap = Period {
            from: Date::constant(2024, 2, 1),
            to: Date::constant(2024, 2, 29),
        };
        assert_eq!(leap.year_before().to, Date::constant(2023, 2, 28));
        let after = Period {
            from: Date::constant(2025, 1, 1),
            to: Date::constant(2025, 2, 28),
        };
        assert_eq!(after.year_before().to, Date::constant(2024, 2, 29));
        let mid = Period {
            from: Date::constant(2026, 1, 1),
            to: Date::constant(2026, 11, 21),
        };
        assert_eq!(mid.year_before().to, Date::constant(2025, 11, 21));
    }
}
