//! When an obligation falls due and how it stands: pure functions.

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use kernel::{Calendar, Date, Period, Shift};
use ledger::Done;
use serde::Serialize;

use crate::rule::{Cadence, Joiners, On, Rule, Version};
use kernel::{Spans, days};

/// One time that an obligation falls due (一次应完成).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The days on which it can be fulfilled.
    pub window: Period,
    /// The day on which it is due; `None` when the whole window is off (放假免除).
    pub due: Option<Date>,
    /// Until which day it is on time: the due day and the days of grace (宽限).
    pub until: Option<Date>,
    /// The time of that last day.
    pub at: Option<Time>,
    /// From when on it is shown as soon due.
    pub soon: Date,
    /// What is owed by those who are bound for all of it.
    pub need: Need,
}

/// How much is owed (应完成量).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// So many times.
    pub times: i64,
    /// So many minutes, all together.
    pub minutes: i64,
}

/// How an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody works in that window (放假免除).
    Free,
    /// The rule was lifted from this one for a time (豁免).
    Exempt,
    /// This one was let off in this window (免除).
    Waived,
    /// Not due yet (未到期).
    Upcoming,
    /// Due within days (即将到期).
    Soon,
    /// More time was given, and it is not over yet (延期中).
    Extended,
    /// Done on time (按期完成).
    Done,
    /// Done in the time that was given beyond the due day (延期内完成).
    DoneExtended,
    /// Done after the due day, still within the window (补学).
    MadeUp,
    /// Missed, and made up for later, as was recorded and granted (逾期补做).
    MadeUpLate,
    /// The due day has passed and nothing was done (逾期).
    Overdue,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::MadeUp,
        Self::DoneExtended,
        Self::MadeUpLate,
        Self::Soon,
        Self::Extended,
        Self::Overdue,
        Self::Free,
        Self::Exempt,
        Self::Waived,
        Self::Upcoming,
    ];

    /// Whether it counts among those that should have been fulfilled by now.
    pub fn counts(self) -> bool {
        self.fulfilled() || self == Self::Overdue
    }

    /// Whether it was fulfilled after its due day, in whatever way.
    pub fn late(self) -> bool {
        matches!(self, Self::MadeUp | Self::DoneExtended | Self::MadeUpLate)
    }

    /// Whether somebody decided that nothing is owed.
    pub fn excused(self) -> bool {
        matches!(self, Self::Exempt | Self::Waived)
    }

    /// Whether it was fulfilled.
    pub fn fulfilled(self) -> bool {
        self == Self::Done || self.late()
    }
}

/// How somebody stands with an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The occurrence.
    pub occurrence: Occurrence,
    /// What this one owes of it.
    pub need: Need,
    /// How it stands.
    pub state: State,
    /// The day on which it was fulfilled.
    pub done: Option<Date>,
    /// What was done in its window so far, and in the time that was given beyond it.
    pub so_far: Done,
    /// The day until which more time was given; the due day stays what it was.
    pub extended: Option<Date>,
}

impl Standing {
    /// The day by which something is to be done now: the due day, or the one until which more time was given; none
    /// where nothing presses.
    pub fn presses_by(&self) -> Option<Date> {
        match self.state {
            State::Soon | State::Overdue => self.extended.or(self.occurrence.due),
            State::Extended => self.extended,
            _ => None,
        }
    }
}

/// The occurrences of a rule whose window begins in a period, in order. Those that follow an event are not among
/// them: see [`after`].
pub fn occurrences(rule: &Rule, calendar: &Calendar, period: Period) -> Vec<Occurrence> {
    let mut found = Vec::new();
    for (i, version) in rule.versions.iter().enumerate() {
        // A version holds for the windows that begin on its days.
        let next = rule.versions.get(i + 1);
        let until = next.map(|next| next.from.saturating_sub(1.day()));
        let last = [Some(period.to), version.to, until].into_iter().flatten();
        let last = last.min().unwrap_or(period.to);
        let mut day = period.from.max(version.from);
        while day <= last {
            let window = window(version.every, day);
            let Some(window) = window else { break };
            day = window.to.saturating_add(1.day());
            let begun = window.from < period.from || window.from < version.from;
            let free = version.every == Cadence::Workday && !calendar.is_workday(window.from);
            if !begun && !free {
                found.push(occurrence(version, calendar, window));
            }
            if day <= window.to {
                break;
            }
        }
    }
    found
}

/// What is owed because something happened on a day: done from that day on until the days of grace are over.
pub fn after(rule: &Rule, calendar: &Calendar, happened: Date) -> Option<Occurrence> {
    let version = rule.version_on(happened)?;
    let (months, days) = version.within;
    let asked = happened
        .saturating_add(months.months())
        .saturating_add(days.days());
    let due = calendar.shift(asked, version.shift).max(happened);
    let until = due.saturating_add(version.grace.days());
    Some(Occurrence {
        window: Period {
            from: happened,
            to: until,
        },
        due: Some(due),
        until: Some(until),
        at: version.at,
        soon: match version.within {
            (0, 0) => happened,
            _ => due.saturating_sub(version.soon_days.days()).max(happened),
        },
        need: version.need(),
    })
}

impl Version {
    fn need(&self) -> Need {
        Need {
            times: self.times,
            minutes: self.minutes,
        }
    }
}

/// The window of a cadence that holds a day; none for events.
fn window(every: Cadence, day: Date) -> Option<Period> {
    match (every.period(), every) {
        (Some(kind), _) => Some(Period::containing(kind, day)),
        (None, Cadence::Event) => None,
        (None, _) => Some(Period { from: day, to: day }),
    }
}

fn occurrence(version: &Version, calendar: &Calendar, window: Period) -> Occurrence {
    let in_month = |month: Date, day: i8| {
        let day = day.clamp(1, month.days_in_month());
        Date::constant(month.year(), month.month(), day)
    };
    let (nominal, shift) = match version.on {
        On::Last => (window.to, version.shift),
        On::LastWorkday => (window.to, Shift::Earlier),
        On::FirstWorkday => (window.from, Shift::Later),
        On::Weekday(day) => {
            let offset = i64::from(day.to_monday_zero_offset());
            (window.from.saturating_add(offset.days()), version.shift)
        }
        On::Day(day) => (in_month(window.to, day), version.shift),
        On::MonthDay(month, day) => {
            let month = Date::constant(window.from.year(), month, 1);
            (in_month(month, day), version.shift)
        }
    };
    let inside = |day: Date| window.contains(day).then_some(day);
    let moved = inside(calendar.shift(nominal, shift));
    // A due day that holidays push out of its week leaves nothing to fulfil in it. Out of a longer window it goes
    // the other way instead.
    let long = !matches!(
        version.every,
        Cadence::Day | Cadence::Workday | Cadence::Week
    );
    let other = match shift {
        Shift::Later => Shift::Earlier,
        _ => Shift::Later,
    };
    let due = match long {
        true => moved.or_else(|| inside(calendar.shift(nominal, other))),
        false => moved,
    };
    let soon = due.unwrap_or(nominal);
    Occurrence {
        window,
        due,
        until: due.map(|due| due.saturating_add(version.grace.days()).min(window.to)),
        at: version.at,
        soon: soon.saturating_sub(version.soon_days.days()),
        need: version.need(),
    }
}

/// What somebody owes who is bound on some days only; none when nothing.
pub fn owed(joiners: Joiners, occurrence: &Occurrence, bound: &Spans) -> Option<Need> {
    let (held, all) = (bound.days_in(occurrence.window), days(occurrence.window));
    let Need { times, minutes } = occurrence.need;
    match joiners {
        _ if held == 0 => None,
        Joiners::Whole => (held == all).then_some(occurrence.need),
        Joiners::Full => Some(occurrence.need),
        Joiners::ProRata => {
            let need = Need {
                times: times * held / all,
                minutes: minutes * held / all,
            };
            (need.times + need.minutes > 0).then_some(need)
        }
    }
}

/// How an occurrence stands, given what is owed, what was done day by day in order, and now.
pub fn standing(
    occurrence: &Occurrence,
    need: Need,
    done: impl IntoIterator<Item = (Date, Done)>,
    now: DateTime,
) -> Standing {
    let mut so_far = Done::default();
    let mut full = None;
    for (date, more) in done {
        if !occurrence.window.contains(date) {
            continue;
        }
        so_far.n += more.n;
        so_far.sum += more.sum;
        if full.is_none() && so_far.n >= need.times && so_far.sum >= need.minutes {
            full = Some(date);
        }
    }
    let today = now.date();
    let state = match (occurrence.until, full) {
        (None, None) => State::Free,
        (None, Some(_)) => State::Done,
        (Some(until), Some(full)) if full <= until => State::Done,
        (Some(_), Some(_)) => State::MadeUp,
        (Some(until), None) if today > until => State::Overdue,
        (Some(until), None)
            if today == until && occurrence.at.is_some_and(|at| now.time() > at) =>
        {
            State::Overdue
        }
        (Some(_), None) if today >= occurrence.soon => State::Soon,
        (Some(_), None) => State::Upcoming,
    };
    Standing {
        occurrence: *occurrence,
        need,
        state,
        done: full,
        so_far,
        extended: None,
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

    /// The state of whoever did it once on each of these days, at noon of today.
    fn state(o: &Occurrence, done: impl IntoIterator<Item = Date>, today: Date) -> State {
        let mut days: Vec<Date> = done.into_iter().collect();
        days.sort_unstable();
        let once = Done { n: 1, sum: 0 };
        let done = days.into_iter().map(|d| (d, once));
        standing(o, o.need, done, today.at(12, 0, 0, 0)).state
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
        assert_eq!(state(&year[1], [], day(12, 31)), State::Free);
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

    fn versioned(versions: &str) -> Rule {
        let text = format!(
            r#"
            [pack]
            code = "t"
            name = {{ zh = "t", en = "t" }}
            version = "1"
            [[obligation]]
            code = "it"
            name = {{ zh = "x", en = "x" }}
            document = {{ zh = "x", en = "x" }}
            article = {{ zh = "x", en = "x" }}
            categories = ["x"]
            done-by = {{ where = {{ kind = "held" }}, axis = "host" }}
            {versions}"#
        );
        let packs = Packs::load(vec![("t.toml".into(), text)]).unwrap();
        Rules::read(&packs).unwrap().get("it").unwrap().clone()
    }

    fn once(every: &str, more: &str) -> Rule {
        versioned(&format!(
            "[[obligation.version]]\nfrom = \"2020-01-01\"\nevery = \"{every}\"\n{more}"
        ))
    }

    fn dues(rule: &Rule, from: Date, to: Date) -> Vec<Date> {
        let all = occurrences(rule, &Calendar::default(), Period { from, to });
        all.iter().filter_map(|o| o.due).collect()
    }

    #[test]
    fn due_days_of_every_cadence() {
        let date = |y, m, d| Date::constant(y, m, d);
        let year = (date(2026, 1, 1), date(2026, 12, 31));
        let of = |every: &str, more: &str| dues(&once(every, more), year.0, year.1);
        let month = of("month", "on = \"last-workday\"\nshift = \"stay\"");
        assert_eq!(month[..3], [day(1, 30), day(2, 27), day(3, 31)]);
        let month = of("month", "on = 31\nshift = \"stay\"");
        assert_eq!(month[..4], [day(1, 31), day(2, 28), day(3, 31), day(4, 30)]);
        // The last day of a month that is off: later would be the next month, so it is earlier.
        let month = of("month", "shift = \"later\"");
        assert_eq!(month[..2], [day(1, 30), day(2, 27)]);
        let quarter = of("quarter", "shift = \"stay\"");
        assert_eq!(quarter, [day(3, 31), day(6, 30), day(9, 30), day(12, 31)]);
        let half = of("half", "on = 15\nshift = \"later\"");
        assert_eq!(half, [day(6, 15), day(12, 15)]);
        assert_eq!(of("year", "on = \"02-29\"\nshift = \"stay\""), [day(2, 28)]);
        let leap = once("year", "on = \"02-29\"\nshift = \"stay\"");
        let leap = dues(&leap, date(2028, 1, 1), date(2028, 12, 31));
        assert_eq!(leap, [date(2028, 2, 29)]);
        assert_eq!(of("day", "shift = \"stay\"").len(), 365);
        assert_eq!(of("workday", "shift = \"stay\"").len(), 261);
        // A week across New Year belongs to the year in which it begins.
        let weeks = of("week", "on = \"sunday\"\nshift = \"stay\"");
        assert_eq!(weeks.last(), Some(&date(2027, 1, 3)));
        // A rule that ends has no windows after its last day.
        assert_eq!(
            of("month", "to = \"2026-03-15\"\nshift = \"stay\"").len(),
            3
        );
    }

    #[test]
    fn another_cadence_takes_over_with_its_first_whole_period() {
        let rule = versioned(
            "[[obligation.version]]\nfrom = \"2026-01-01\"\nevery = \"month\"\nshift = \"stay\"
             [[obligation.version]]\nfrom = \"2026-03-18\"\nevery = \"week\"\nshift = \"stay\"",
        );
        let found = dues(&rule, day(1, 1), day(4, 5));
        let want = [day(1, 31), day(2, 28), day(3, 31), day(3, 29), day(4, 5)];
        assert_eq!(found, want);
    }

    #[test]
    fn a_version_that_makes_no_sense_is_named() {
        for wrong in [
            "every = \"week\"\non = 3\nshift = \"stay\"",
            "every = \"month\"\non = \"friday\"\nshift = \"stay\"",
            "every = \"year\"\non = \"02-30\"\nshift = \"stay\"",
            "every = \"day\"\nat = \"25:00\"\nshift = \"stay\"",
            "every = \"month\"\ntimes = 0\nshift = \"stay\"",
            "every = \"month\"\nsoon-days = 93\nshift = \"stay\"",
        ] {
            let text = "[pack]\ncode = \"t\"\nname = { zh = \"t\", en = \"t\" }\nversion = \"1\"\n[[obligation]]\ncode = \"it\"\nname = { zh = \"x\", en = \"x\" }\ndocument = { zh = \"x\", en = \"x\" }\narticle = { zh = \"x\", en = \"x\" }\ncategories = [\"x\"]\ndone-by = { where = { kind = \"held\" } }\n[[obligation.version]]\nfrom = \"2026-01-01\"\n".to_owned() + wrong;
            let packs = Packs::load(vec![("t.toml".into(), text.clone())]).unwrap();
            let problems = Rules::read(&packs).unwrap_err();
            assert_eq!(problems[0].reason.key, "obligation-version", "{wrong}");
        }
        let text = "[pack]\ncode = \"t\"\nname = { zh = \"t\", en = \"t\" }\nversion = \"1\"\n[[obligation-set]]\ncode = \"s\"\nname = { zh = \"x\", en = \"x\" }\nrules = [\"none\"]\n";
        let packs = Packs::load(vec![("t.toml".into(), text.into())]).unwrap();
        let problems = Rules::read(&packs).unwrap_err();
        assert_eq!(problems[0].reason.key, "obligation-set");
    }

    #[test]
    fn a_time_of_day_ends_the_day() {
        let rule = once("workday", "at = \"17:30\"\nshift = \"stay\"");
        let friday = Period {
            from: day(11, 20),
            to: day(11, 20),
        };
        let o = occurrences(&rule, &Calendar::default(), friday)[0];
        let at = |h, m| standing(&o, o.need, [], day(11, 20).at(h, m, 0, 0)).state;
        assert_eq!(at(17, 30), State::Soon);
        assert_eq!(at(17, 31), State::Overdue);
    }

    #[test]
    fn times_minutes_and_grace() {
        let rule = once(
            "month",
            "times = 2\nminutes = 210\non = 20\ngrace = 3\nshift = \"stay\"",
        );
        let o = occurrences(
            &rule,
            &Calendar::default(),
            Period {
                from: day(3, 1),
                to: day(3, 1),
            },
        )[0];
        let stands = |done: &[(i8, i64, i64)], today: i8| {
            let done = done
                .iter()
                .map(|(d, n, sum)| (day(3, *d), Done { n: *n, sum: *sum }));
            let s = standing(&o, o.need, done, day(3, today).at(12, 0, 0, 0));
            (s.state, s.done)
        };
        assert_eq!(stands(&[(2, 2, 120)], 23), (State::Soon, None));
        assert_eq!(stands(&[(2, 2, 120)], 24), (State::Overdue, None));
        let full = [(2, 1, 120), (23, 1, 90)];
        assert_eq!(stands(&full, 31), (State::Done, Some(day(3, 23))));
        let late = [(2, 1, 120), (24, 1, 90)];
        assert_eq!(stands(&late, 31), (State::MadeUp, Some(day(3, 24))));
    }

    #[test]
    fn what_follows_an_event() {
        let mut rule = once("month", "grace = 2\nshift = \"later\"");
        rule.versions[0].every = Cadence::Event;
        let o = after(&rule, &Calendar::default(), day(3, 6)).unwrap();
        assert_eq!((o.due, o.until), (Some(day(3, 6)), Some(day(3, 8))));
        assert_eq!(state(&o, [day(3, 8)], day(4, 1)), State::Done);
        assert_eq!(state(&o, [day(3, 5)], day(3, 9)), State::Overdue);
        // On a Saturday it moves to Monday.
        let o = after(&rule, &Calendar::default(), day(3, 7)).unwrap();
        assert_eq!(o.due, Some(day(3, 9)));
        assert!(
            occurrences(
                &rule,
                &Calendar::default(),
                Period {
                    from: day(1, 1),
                    to: day(12, 31)
                }
            )
            .is_empty()
        );
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let every = prop::sample::select(vec![
            "day", "workday", "week", "month", "quarter", "half", "year",
        ]);
        let shift = prop::sample::select(vec!["stay", "earlier", "later"]);
        let on = prop::sample::select(vec!["last-day", "last-workday", "first-workday"]);
        (every, shift, on, 0i64..7, 0i64..9, 1i64..5).prop_map(|(every, shift, on, soon, grace, times)| {
            let on = if every.ends_with("day") { String::new() } else { format!("on = \"{on}\"\n") };
            once(every, &format!("{on}shift = \"{shift}\"\nsoon-days = {soon}\ngrace = {grace}\ntimes = {times}"))
        })
    }

    proptest! {
        #[test]
        fn windows_tile_and_due_days_are_inside(
            rule in any_rule(),
            off in prop::collection::vec(0i64..1500, 0..200),
            start in 0i64..900,
        ) {
            // Across 2028, a leap year.
            let at = |n: i64| Date::constant(2027, 1, 1).saturating_add(n.days());
            let calendar = Calendar::new(off.iter().map(|n| (at(*n), DayKind::Off)));
            let period = Period { from: at(start), to: at(start + 500) };
            let all = occurrences(&rule, &calendar, period);
            let every = rule.versions[0].every;
            for pair in all.windows(2) {
                let next = pair[0].window.to.saturating_add(1.day());
                prop_assert!(next <= pair[1].window.from);
                if every != Cadence::Workday {
                    prop_assert_eq!(next, pair[1].window.from);
                }
            }
            for o in &all {
                prop_assert!(period.contains(o.window.from));
                prop_assert!(every != Cadence::Workday || calendar.is_workday(o.window.from));
                if let (Some(due), Some(until)) = (o.due, o.until) {
                    prop_assert!(o.window.contains(due) && o.window.contains(until) && due <= until);
                    prop_assert!(o.soon <= due);
                    if rule.versions[0].shift != Shift::Stay {
                        prop_assert!(calendar.is_workday(due) || every == Cadence::Day || days(o.window) > 7);
                    }
                }
            }
        }

        #[test]
        fn no_state_is_skipped_and_time_never_takes_back(
            rule in any_rule(),
            done in prop::collection::vec((0i64..400, 1i64..3), 0..30),
        ) {
            let at = |n: i64| Date::constant(2027, 12, 1).saturating_add(n.days());
            let period = Period { from: at(0), to: at(200) };
            let mut done: Vec<(Date, Done)> = done.iter().map(|(d, n)| (at(*d), Done { n: *n, sum: 0 })).collect();
            done.sort_by_key(|(day, _)| *day);
            for o in occurrences(&rule, &Calendar::default(), period) {
                let mut before = State::Upcoming;
                let mut today = o.soon.saturating_sub(2.days());
                while o.due.is_some() && today <= o.window.to.saturating_add(2.days()) {
                    let now = today.at(12, 0, 0, 0);
                    let idle = standing(&o, o.need, [], now);
                    prop_assert!(matches!(
                        (before, idle.state),
                        (State::Upcoming, State::Upcoming | State::Soon)
                            | (State::Soon, State::Soon | State::Overdue)
                            | (State::Overdue, State::Overdue)
                    ), "{before:?} then {:?}", idle.state);
                    before = idle.state;
                    // Known until today: more never harms, and what is fulfilled stays so.
                    let known = done.iter().copied().filter(|(day, _)| *day <= today);
                    let with = standing(&o, o.need, known, now);
                    prop_assert!(with.state == idle.state || with.state.fulfilled());
                    if with.state.fulfilled() {
                        let later = standing(&o, o.need, done.iter().copied(), at(900).at(0, 0, 0, 0));
                        prop_assert_eq!((later.state, later.done), (with.state, with.done));
                    }
                    today = today.saturating_add(1.day());
                }
            }
        }

        #[test]
        fn parts_of_a_period_owe_their_part(from in 0i64..400, to in 0i64..400, times in 1i64..30) {
            let at = |n: i64| Date::constant(2027, 12, 1).saturating_add(n.days());
            let rule = once("year", &format!("times = {times}\nshift = \"stay\""));
            let year = Period { from: Date::constant(2028, 1, 1), to: Date::constant(2028, 1, 1) };
            let o = occurrences(&rule, &Calendar::default(), year)[0];
            prop_assert_eq!(days(o.window), 366);
            let bound = Spans::one(at(from), at(to));
            let held = bound.days_in(o.window);
            let owes = |joiners| owed(joiners, &o, &bound).map_or(0, |n| n.times);
            prop_assert_eq!(owes(Joiners::Whole), if held == 366 { times } else { 0 });
            prop_assert_eq!(owes(Joiners::Full), if held > 0 { times } else { 0 });
            prop_assert_eq!(owes(Joiners::ProRata), times * held / 366);
            let longer = Spans::one(at(from), at(to + 1));
            let more = owed(Joiners::ProRata, &o, &longer).map_or(0, |n| n.times);
            prop_assert!(more >= owes(Joiners::ProRata));
        }

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
