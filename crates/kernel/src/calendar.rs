//! The working calendar: statutory holidays (放假) and make-up workdays (调休上班) over weekends.
//! The days themselves are data, published each year by the State Council General Office.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// What an official notice says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayKind {
    /// A day off (放假).
    Off,
    /// A weekend day that is worked (调休上班).
    Work,
}

/// Where a due day goes when it falls on a day off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// It stays (不顺延).
    Stay,
    /// To the working day before (提前).
    Earlier,
    /// To the next working day (顺延).
    Later,
}

/// Weekends plus the days that notices name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    days: BTreeMap<Date, DayKind>,
}

impl Calendar {
    /// A calendar from the days that notices name; weekends need not be listed.
    pub fn new(days: impl IntoIterator<Item = (Date, DayKind)>) -> Self {
        Self {
            days: days.into_iter().collect(),
        }
    }

    /// Whether people work on that day.
    pub fn is_workday(&self, date: Date) -> bool {
        match self.days.get(&date) {
            Some(kind) => *kind == DayKind::Work,
            None => !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday),
        }
    }

    /// Whether any notice names a day of that year; without one, holidays of the year are unknown.
    pub fn knows_year(&self, year: i16) -> bool {
        self.days
            .range(Date::constant(year, 1, 1)..=Date::constant(year, 12, 31))
            .next()
            .is_some()
    }

    /// The working day on which something due on `date` is due, searched up to 31 days away.
    pub fn shift(&self, date: Date, shift: Shift) -> Date {
        if shift == Shift::Stay || self.is_workday(date) {
            return date;
        }
        let mut day = date;
        for _ in 0..31 {
            day = match shift {
                Shift::Earlier => day.saturating_sub(1.day()),
                _ => day.saturating_add(1.day()),
            };
            if self.is_workday(day) {
                return day;
            }
        }
        date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_friday_in_the_holidays_moves() {
        // National Day 2026: 1 to 7 October off, 10 October worked (notice of the State Council
        // General Office on the holidays of 2026).
        let mut days: Vec<_> = (1..=7)
            .map(|d| (Date::constant(2026, 10, d), DayKind::Off))
            .collect();
        days.push((Date::constant(2026, 10, 10), DayKind::Work));
        let calendar = Calendar::new(days);
        let friday = Date::constant(2026, 10, 2);
        assert_eq!(
            calendar.shift(friday, Shift::Earlier),
            Date::constant(2026, 9, 30)
        );
        assert_eq!(
            calendar.shift(friday, Shift::Later),
            Date::constant(2026, 10, 8)
        );
        assert_eq!(calendar.shift(friday, Shift::Stay), friday);
        assert!(calendar.is_workday(Date::constant(2026, 10, 10)));
        assert!(!calendar.is_workday(Date::constant(2026, 10, 11)));
        assert!(calendar.knows_year(2026) && !calendar.knows_year(2027));
    }
}
