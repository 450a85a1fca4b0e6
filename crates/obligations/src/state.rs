//! When an obligation falls due and how it stands: pure functions.

use jiff::ToSpan;
use kernel::{Calendar, Date, Period, PeriodKind};
use serde::Serialize;

use crate::{Cadence, Rule};

/// One time that an obligation falls due (一次应完成).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The days on which it can be fulfilled.
    pub window: Period,
    /// The day until which it is on time; `None` when the whole window is off (放假免除).
    pub due: Option<Date>,
    /// From when on it is shown as soon due.
    pub soon: Date,
}

/// How an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody works in that window (免除).
    Exempt,
    /// Not due yet (未到期).
    Upcoming,
    /// Due within days (即将到期).
    Soon,
    /// Done on time (按期完成).
    Done,
    /// Done after the due day, still within the window (补学).
    MadeUp,
    /// The due day has passed and nothing was done (逾期).
    Overdue,
}

impl State {
    /// Whether it counts among those that should have been fulfilled by now.
    pub fn counts(self) -> bool {
        matches!(self, Self::Done | Self::MadeUp | Self::Overdue)
    }

    /// Whether it was fulfilled.
    pub fn fulfilled(self) -> bool {
        matches!(self, Self::Done | Self::MadeUp)
    }
}

/// The occurrences of a rule whose window begins in a period, in order.
pub fn occurrences(rule: &Rule, calendar: &Calendar, period: Period) -> Vec<Occurrence> {
    let mut found = Vec::new();
    let mut day = period.from;
    while day <= period.to {
        let window = Period::containing(PeriodKind::Week, day);
        day = window.to.saturating_add(1.day());
        if window.from < period.from {
            continue;
        }
        // The version of the window's first day holds for the whole window.
        let Some(version) = rule.version_on(window.from) else {
            continue;
        };
        let Cadence::Week = version.every;
        let nominal = window
            .from
            .saturating_add(i64::from(version.on.to_monday_zero_offset()).days());
        let moved = calendar.shift(nominal, version.shift);
        // A due day that the holidays push out of its week leaves nothing to fulfil in it.
        let due = window.contains(moved).then_some(moved);
        let soon = due
            .unwrap_or(nominal)
            .saturating_sub(version.soon_days.days());
        found.push(Occurrence { window, due, soon });
    }
    found
}

/// How an occurrence stands, given the days on which the unit did it, and today.
pub fn state(occurrence: &Occurrence, done: impl IntoIterator<Item = Date>, today: Date) -> State {
    let first = done
        .into_iter()
        .filter(|d| occurrence.window.contains(*d))
        .min();
    match (occurrence.due, first) {
        (None, None) => State::Exempt,
        (None, Some(_)) => State::Done,
        (Some(due), Some(first)) if first <= due => State::Done,
        (Some(_), Some(_)) => State::MadeUp,
        (Some(due), None) if today > due => State::Overdue,
        (Some(_), None) if today >= occurrence.soon => State::Soon,
        (Some(_), None) => State::Upcoming,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commons::packs::{Name, Packs};
    use kernel::DayKind;
    use proptest::prelude::*;

    use crate::Rules;

    fn rule() -> Rule {
        let text = r#"
            [pack]
            code = "t"
            name = { zh = "t", en = "t" }
            version = "1"
            [[obligation]]
            code = "weekly"
            name = { zh = "x", en = "x" }
            document = { zh = "x", en = "x" }
            article = { zh = "x", en = "x" }
            categories = ["x"]
            done-by = { where = { kind = "held" }, axis = "host" }
            [[obligation.version]]
            from = "2026-01-01"
            every = "week"
            on = "friday"
            shift = "earlier"
            soon-days = 2
            [[obligation.version]]
            from = "2026-07-01"
            every = "week"
            on = "thursday"
            shift = "stay"
            soon-days = 0
        "#;
        let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
        let rules = Rules::read(&packs).unwrap();
        assert_eq!(
            rules.get("weekly").unwrap().name,
            Name {
                zh: "x".into(),
                en: "x".into()
            }
        );
        rules.get("weekly").unwrap().clone()
    }

    fn day(month: i8, day: i8) -> Date {
        Date::constant(2026, month, day)
    }

    #[test]
    fn a_mistaken_rule_is_named_with_its_line() {
        let text = "[pack]\ncode = \"t\"\nname = { zh = \"t\", en = \"t\" }\nversion = \"1\"\n\n[[obligation]]\ncode = \"Weekly\"\nname = { zh = \"x\", en = \"x\" }\ndocument = { zh = \"x\", en = \"x\" }\narticle = { zh = \"x\", en = \"x\" }\ncategories = []\ndone-by = { where = { kind = 5 } }\nversion = []\n";
        let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
        let problems = Rules::read(&packs).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|p| (p.line, p.reason.key)).collect();
        for key in [
            "obligation-code",
            "obligation-nobody",
            "obligation-no-version",
            "obligation-predicate",
        ] {
            assert!(keys.contains(&(6, key)), "{key}: {keys:?}");
        }
        let unknown = text.replace("categories = []", "categorys = []");
        let packs = Packs::load(vec![("t.toml".into(), unknown)]).unwrap();
        assert_eq!(
            Rules::read(&packs).unwrap_err()[0].reason.key,
            "pack-not-understood"
        );
    }

    #[test]
    fn holidays_move_or_lift_the_due_day() {
        // Spring Festival 2026: 15 to 23 February off, 14 and 28 February worked; National Day: 1 to 7
        // October off, 20 September and 10 October worked (State Council General Office, holidays of 2026).
        let mut days: Vec<_> = (15..=23).map(|d| (day(2, d), DayKind::Off)).collect();
        days.extend([(day(2, 14), DayKind::Work), (day(2, 28), DayKind::Work)]);
        let calendar = Calendar::new(days);
        let mut rule = rule();
        rule.versions.truncate(1);
        let year = occurrences(
            &rule,
            &calendar,
            Period {
                from: day(2, 9),
                to: day(2, 28),
            },
        );
        let dues: Vec<_> = year.iter().map(|o| o.due).collect();
        assert_eq!(dues, [Some(day(2, 13)), None, Some(day(2, 27))]);
        assert_eq!(state(&year[1], [], day(12, 31)), State::Exempt);
    }

    #[test]
    fn old_periods_keep_the_old_version() {
        let calendar = Calendar::default();
        let all = occurrences(
            &rule(),
            &calendar,
            Period {
                from: day(6, 22),
                to: day(7, 12),
            },
        );
        let dues: Vec<_> = all.iter().map(|o| o.due.unwrap()).collect();
        assert_eq!(dues, [day(6, 26), day(7, 3), day(7, 9)]);
        let before = Period {
            from: Date::constant(2025, 1, 6),
            to: Date::constant(2025, 2, 2),
        };
        assert!(occurrences(&rule(), &calendar, before).is_empty());
    }

    #[test]
    fn one_week_through_all_states() {
        let o = occurrences(
            &rule(),
            &Calendar::default(),
            Period {
                from: day(3, 2),
                to: day(3, 8),
            },
        )[0];
        for (today, done, want) in [
            (day(3, 3), None, State::Upcoming),
            (day(3, 4), None, State::Soon),
            (day(3, 6), None, State::Soon),
            (day(3, 7), None, State::Overdue),
            (day(3, 7), Some(day(3, 6)), State::Done),
            (day(3, 7), Some(day(3, 2)), State::Done),
            (day(3, 9), Some(day(3, 7)), State::MadeUp),
            (day(3, 9), Some(day(3, 9)), State::Overdue),
        ] {
            assert_eq!(state(&o, done, today), want, "{today} {done:?}");
        }
    }

    proptest! {
        #[test]
        fn every_week_has_one_occurrence_and_doing_it_never_harms(
            off in prop::collection::vec(0i64..364, 0..60),
            start in 0i64..300,
            done in prop::collection::vec(0i64..364, 0..40),
            today in 0i64..400,
        ) {
            let at = |n: i64| day(1, 1).saturating_add(n.days());
            let calendar = Calendar::new(off.iter().map(|n| (at(*n), DayKind::Off)));
            let period = Period { from: at(start), to: at(start + 60) };
            let rule = rule();
            let all = occurrences(&rule, &calendar, period);
            for pair in all.windows(2) {
                prop_assert_eq!(pair[0].window.to.saturating_add(1.day()), pair[1].window.from);
            }
            for o in &all {
                prop_assert!(period.contains(o.window.from));
                if let Some(due) = o.due {
                    prop_assert!(o.window.contains(due));
                    prop_assert!(o.soon <= due);
                }
                let without = state(o, [], at(today));
                let with = state(o, done.iter().map(|n| at(*n)), at(today));
                prop_assert!(with == without || with.fulfilled());
                // Time alone never turns a fulfilled one back.
                if with.fulfilled() {
                    prop_assert_eq!(state(o, done.iter().map(|n| at(*n)), at(today + 50)), with);
                }
            }
        }
    }
}
