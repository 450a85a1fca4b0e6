//! Days before and after a deadline (时限): `-3d` three days before it, `0d` on it, `+5wd` five working days after.

use std::fmt;

use jiff::ToSpan;
use kernel::{Calendar, Date, Shift};

/// The farthest step.
const FARTHEST: i64 = 92;

/// A step from a deadline, as packs write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// So many days after it; before it below zero.
    pub days: i64,
    /// Whether only working days are counted.
    pub working: bool,
}

impl Step {
    /// So many days of the calendar.
    pub const fn days(days: i64) -> Self {
        Self {
            days,
            working: false,
        }
    }

    /// `-3d`, `0d`, `+1d`, `+5wd`; none where it is written otherwise or is farther than 92 days.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, working) = match text.strip_suffix("wd") {
            Some(number) => (number, true),
            None => (text.strip_suffix('d')?, false),
        };
        let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let days: i64 = number.parse().ok()?;
        (days.abs() <= FARTHEST).then_some(Self { days, working })
    }

    /// The working day on which it is taken: a day off gives way to the one before it until the deadline, and to the
    /// next one after it.
    pub fn day(self, deadline: Date, calendar: &Calendar) -> Date {
        let shift = if self.days > 0 {
            Shift::Later
        } else {
            Shift::Earlier
        };
        if !self.working {
            return calendar.shift(deadline.saturating_add(self.days.days()), shift);
        }
        let (mut day, mut left) = (calendar.shift(deadline, shift), self.days.abs());
        // A deadline on a day off: the first working day after it is the first one counted.
        if self.days > 0 && day != deadline {
            left -= 1;
        }
        // No stretch without a working day is longer than a month.
        for _ in 0..FARTHEST * 31 {
            if left <= 0 {
                break;
            }
            day = day.saturating_add(self.days.signum().days());
            left -= i64::from(calendar.is_workday(day));
        }
        day
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.days > 0 { "+" } else { "" };
        let unit = if self.working { "wd" } else { "d" };
        write!(f, "{sign}{}{unit}", self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::DayKind;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for text in ["-3d", "0d", "+1d", "+5wd", "-10wd"] {
            assert_eq!(Step::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "", "d", "3", "+d", "--3d", "+-3d", "3w", "93d", "1.5d", "3 d", "９d",
        ] {
            assert_eq!(Step::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_off_give_way() {
        let calendar = Calendar::default();
        let friday = Date::constant(2026, 11, 20);
        let on = |text| Step::parse(text).unwrap().day(friday, &calendar);
        let day = |d| Date::constant(2026, 11, d);
        assert_eq!((on("0d"), on("-5d"), on("-6d")), (friday, day(13), day(13)));
        assert_eq!(
            (on("+1d"), on("+3d"), on("+1wd")),
            (day(23), day(23), day(23))
        );
        assert_eq!((on("+5wd"), on("-5wd")), (day(27), day(13)));
        let saturday = Step::parse("+1wd").unwrap().day(day(21), &calendar);
        assert_eq!(saturday, day(23));
        assert_eq!(Step::days(0).day(day(21), &calendar), friday);
    }

    proptest! {
        #[test]
        fn steps_keep_their_order_and_are_working_days(
            off in prop::collection::btree_set(0i64..300, 0..60),
            deadline in 100i64..200,
            a in -60i64..60,
            b in -60i64..60,
            working in any::<bool>(),
        ) {
            let at = |n: i64| Date::constant(2026, 1, 1).saturating_add(n.days());
            let calendar = Calendar::new(off.iter().map(|n| (at(*n), DayKind::Off)));
            let on = |days| Step { days, working }.day(at(deadline), &calendar);
            prop_assert!(a > b || on(a) <= on(b));
            // More than a month without work gives up on working days.
            if off.len() < 20 {
                prop_assert!(calendar.is_workday(on(a)));
            }
            if working && a > 0 && off.len() < 20 {
                let between = (deadline + 1..400).map(at).take_while(|d| *d <= on(a));
                prop_assert_eq!(between.filter(|d| calendar.is_workday(*d)).count() as i64, a);
            }
        }
    }
}
