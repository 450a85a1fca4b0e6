//! Excuses (豁免、免除、延期、补做): what was granted to somebody about some periods of a rule, and how that changes
//! the way they stand. The due day never changes; what was done on time stays so whatever was granted.

use jiff::civil::DateTime;
use kernel::Date;
use ledger::Done;

use crate::state::{Need, Occurrence, Standing, State, standing};

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExcuseKind {
    /// The rule does not bind for a time (豁免).
    Exempt,
    /// What these periods ask for is let off (免除).
    Waived,
    /// More time for one period (延期).
    Extended,
    /// What was missed in one period was done later (补做).
    MadeUp,
}

impl ExcuseKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exempt, Self::Waived, Self::Extended, Self::MadeUp];

    /// As tables and addresses have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Waived => "waived",
            Self::Extended => "extended",
            Self::MadeUp => "made-up",
        }
    }

    /// From a table or an address.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.code() == code)
    }

    /// Whether it names a day: until when, or when it was made up.
    pub fn has_day(self) -> bool {
        matches!(self, Self::Extended | Self::MadeUp)
    }
}

/// Something granted: for the windows that begin on its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// First day.
    pub from: Date,
    /// Last day; none: from then on.
    pub to: Option<Date>,
    /// What.
    pub kind: ExcuseKind,
    /// Until when there is more time, or when it was made up.
    pub day: Option<Date>,
}

impl Term {
    /// Whether it is about the window that begins on a day.
    pub fn covers(&self, begin: Date) -> bool {
        self.from <= begin && self.to.is_none_or(|to| begin <= to)
    }
}

/// How somebody stands with all that falls due to them, in order of the windows: what was done day by day, what was
/// granted, and now.
///
/// Where time was given beyond the end of a window, what is done in that time goes to the window that has been
/// waiting longest, and counts for no other one. Without terms each stands as [`standing`] says.
pub fn settle(
    due: impl IntoIterator<Item = (Occurrence, Need)>,
    mut done: Vec<(Date, Done)>,
    terms: &[Term],
    now: DateTime,
) -> Vec<Standing> {
    let mut all = Vec::new();
    for (o, need) in due {
        let begin = done.partition_point(|(day, _)| *day < o.window.from);
        let end = done.partition_point(|(day, _)| *day <= o.window.to);
        let mut s = standing(&o, need, done[begin..end].iter().copied(), now);
        if let Some(until) = o.until {
            let held = terms.iter().filter(|t| t.covers(o.window.from));
            let held: Vec<Term> = held.copied().collect();
            let days = |kind| {
                let days = held.iter().filter(move |t| t.kind == kind);
                days.filter_map(|t| t.day).filter(move |d| *d > until)
            };
            s.extended = days(ExcuseKind::Extended).max();
            if let (None, Some(last)) = (s.done, s.extended) {
                later(&mut s, &mut done[end..], last);
            }
            let made_up = days(ExcuseKind::MadeUp).filter(|d| *d <= now.date()).min();
            s.done = s.done.or(made_up);
            s.state = state(&s, made_up, &held, now.date());
        }
        all.push(s);
    }
    all
}

/// Takes what is still missing from what was done after the window, until the last day.
fn later(s: &mut Standing, after: &mut [(Date, Done)], last: Date) {
    for (day, more) in after.iter_mut().take_while(|(day, _)| *day <= last) {
        take(s, *day, more);
        if s.done.is_some() {
            return;
        }
    }
}

/// Turns windows that were missed into ones made up for late by what was made up day by day: first what lies in the
/// window itself, then what came after it, the latest window first, because people make up what they have just
/// missed. Each deed counts once, and only where it is enough.
pub fn make_up(all: &mut [Standing], mut deeds: Vec<(Date, Done)>) {
    for within in [true, false] {
        for s in all.iter_mut().rev().filter(|s| s.state == State::Overdue) {
            let window = s.occurrence.window;
            let fits = |day: Date| match within {
                true => window.contains(day),
                false => day > window.to,
            };
            let mut left = deeds.clone();
            let mut made = *s;
            for (day, more) in left.iter_mut().filter(|(day, _)| fits(*day)) {
                take(&mut made, *day, more);
                if made.done.is_some() {
                    break;
                }
            }
            if made.done.is_some() {
                made.state = State::MadeUpLate;
                (*s, deeds) = (made, left);
            }
        }
    }
}

/// Takes what is still missing from what was done on a day.
fn take(s: &mut Standing, day: Date, more: &mut Done) {
    let n = more.n.min(s.need.times - s.so_far.n).max(0);
    let sum = more.sum.min(s.need.minutes - s.so_far.sum).max(0);
    more.n -= n;
    more.sum -= sum;
    s.so_far.n += n;
    s.so_far.sum += sum;
    if s.so_far.n >= s.need.times && s.so_far.sum >= s.need.minutes {
        s.done = Some(day);
    }
}

fn state(s: &Standing, made_up: Option<Date>, held: &[Term], today: Date) -> State {
    let has = |kind| held.iter().any(|t| t.kind == kind);
    let in_time = |day: Date| s.extended.is_some_and(|last| day <= last);
    match (s.state, s.done) {
        (State::Done, _) => State::Done,
        _ if has(ExcuseKind::Exempt) => State::Exempt,
        _ if has(ExcuseKind::Waived) => State::Waived,
        (_, Some(day)) if in_time(day) => State::DoneExtended,
        (State::MadeUp, _) => State::MadeUp,
        (_, Some(_)) if made_up.is_some() => State::MadeUpLate,
        (State::Soon | State::Overdue, _) if in_time(today) => State::Extended,
        (state, _) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use kernel::Period;
    use proptest::prelude::*;

    fn at(n: i64) -> Date {
        Date::constant(2027, 12, 1).saturating_add(n.days())
    }

    fn noon(n: i64) -> DateTime {
        at(n).at(12, 0, 0, 0)
    }

    /// Windows of ten days, due on their sixth day with a day of grace, soon two days before.
    fn due(i: i64, times: i64) -> (Occurrence, Need) {
        let need = Need { times, minutes: 0 };
        let o = Occurrence {
            window: Period {
                from: at(10 * i),
                to: at(10 * i + 9),
            },
            due: Some(at(10 * i + 5)),
            until: Some(at(10 * i + 6)),
            at: None,
            soon: at(10 * i + 3),
            need,
        };
        (o, need)
    }

    fn deeds(days: &[(i64, i64)]) -> Vec<(Date, Done)> {
        let mut days: Vec<_> = days
            .iter()
            .map(|(d, n)| (at(*d), Done { n: *n, sum: 0 }))
            .collect();
        days.sort_by_key(|(day, _)| *day);
        days.dedup_by_key(|(day, _)| *day);
        days
    }

    fn term(kind: ExcuseKind, i: i64, day: Option<i64>) -> Term {
        Term {
            from: at(10 * i),
            to: Some(at(10 * i)),
            kind,
            day: day.map(at),
        }
    }

    #[test]
    fn what_was_missed_is_made_up_by_deeds_that_count_once() {
        let now = noon(45);
        let all = || settle((0..4).map(|i| due(i, 1)), deeds(&[(15, 1)]), &[], now);
        let states = |made: &[(i64, i64)]| {
            let mut found = all();
            make_up(&mut found, deeds(made));
            found.iter().map(|s| s.state).collect::<Vec<_>>()
        };
        use State::{Done, MadeUpLate as Late, Overdue};
        assert_eq!(states(&[]), [Overdue, Done, Overdue, Overdue]);
        // In its own window, though it was missed on the day.
        assert_eq!(states(&[(8, 1)]), [Late, Done, Overdue, Overdue]);
        // After it: the latest that was missed before; what is left goes to the one before that.
        assert_eq!(states(&[(31, 1)]), [Overdue, Done, Overdue, Late]);
        assert_eq!(states(&[(41, 1)]), [Overdue, Done, Overdue, Late]);
        assert_eq!(states(&[(41, 2)]), [Overdue, Done, Late, Late]);
        assert_eq!(states(&[(41, 9)]), [Late, Done, Late, Late]);
        assert_eq!(states(&[(12, 1)]), [Late, Done, Overdue, Overdue]);
        // Not enough is nothing, and takes nothing.
        let mut twice = settle((0..2).map(|i| due(i, 2)), vec![], &[], now);
        make_up(&mut twice, deeds(&[(3, 1)]));
        assert!(twice.iter().all(|s| s.state == Overdue && s.so_far.n == 0));
        make_up(&mut twice, deeds(&[(21, 1), (25, 1)]));
        assert_eq!((twice[0].state, twice[1].state), (Overdue, Late));
        assert_eq!(twice[1].done, Some(at(25)));
    }

    fn stands(days: &[(i64, i64)], terms: &[Term], today: i64) -> Vec<(State, Option<Date>)> {
        let all = settle((0..3).map(|i| due(i, 1)), deeds(days), terms, noon(today));
        all.iter().map(|s| (s.state, s.done)).collect()
    }

    #[test]
    fn each_kind_has_its_own_state_and_the_due_day_stays() {
        use ExcuseKind::{Exempt, Extended, MadeUp, Waived};
        let first = |days: &[(i64, i64)], terms: &[Term], today| stands(days, terms, today)[0];
        assert_eq!(first(&[], &[], 8), (State::Overdue, None));
        for (kind, want) in [(Exempt, State::Exempt), (Waived, State::Waived)] {
            assert_eq!(first(&[], &[term(kind, 0, None)], 8), (want, None));
            // What was done on time is done; what was done late is excused, and seen.
            let on_time = first(&[(4, 1)], &[term(kind, 0, None)], 8);
            assert_eq!(on_time, (State::Done, Some(at(4))));
            let late = first(&[(8, 1)], &[term(kind, 0, None)], 8);
            assert_eq!(late, (want, Some(at(8))));
        }
        let more = [term(Extended, 0, Some(8))];
        assert_eq!(first(&[], &more, 2), (State::Upcoming, None));
        assert_eq!(first(&[], &more, 4), (State::Extended, None));
        assert_eq!(first(&[], &more, 8), (State::Extended, None));
        assert_eq!(first(&[], &more, 9), (State::Overdue, None));
        assert_eq!(
            first(&[(8, 1)], &more, 9),
            (State::DoneExtended, Some(at(8)))
        );
        assert_eq!(first(&[(9, 1)], &more, 9), (State::MadeUp, Some(at(9))));
        let made = [term(MadeUp, 0, Some(25))];
        assert_eq!(first(&[], &made, 24), (State::Overdue, None));
        assert_eq!(first(&[], &made, 25), (State::MadeUpLate, Some(at(25))));
        let both = [term(MadeUp, 0, Some(14)), term(Extended, 0, Some(15))];
        assert_eq!(first(&[], &both, 20), (State::DoneExtended, Some(at(14))));
    }

    #[test]
    fn what_is_done_in_given_time_counts_once() {
        let more = [term(ExcuseKind::Extended, 0, Some(14))];
        // Without it the deed belongs to the second window; with it to the first, which waits longer.
        let own = stands(&[(13, 1)], &[], 29);
        assert_eq!((own[0].0, own[1].0), (State::Overdue, State::Done));
        let given = stands(&[(13, 1)], &more, 29);
        assert_eq!(given[0], (State::DoneExtended, Some(at(13))));
        assert_eq!(given[1], (State::Overdue, None));
        let two = stands(&[(13, 2)], &more, 29);
        assert_eq!((two[0].0, two[1].0), (State::DoneExtended, State::Done));
        let late = stands(&[(15, 1)], &more, 29);
        assert_eq!((late[0].0, late[1].0), (State::Overdue, State::Done));
    }

    fn any_term() -> impl Strategy<Value = Term> {
        let kind = prop::sample::select(ExcuseKind::ALL.to_vec());
        (kind, 0i64..6, 0i64..30)
            .prop_map(|(kind, i, later)| term(kind, i, kind.has_day().then_some(10 * i + later)))
    }

    fn any() -> impl Strategy<Value = (Vec<Term>, Vec<(i64, i64)>, i64)> {
        (
            prop::collection::vec(any_term(), 0..6),
            prop::collection::vec((0i64..70, 1i64..3), 0..8),
            1i64..3,
        )
    }

    proptest! {
        #[test]
        fn an_excuse_changes_no_day_and_no_debt((terms, days, times) in any(), today in 0i64..80) {
            let plain = settle((0..6).map(|i| due(i, times)), deeds(&days), &[], noon(today));
            let with = settle((0..6).map(|i| due(i, times)), deeds(&days), &terms, noon(today));
            // Looking again says the same, and so does any order of decisions.
            let mut turned = terms.clone();
            turned.reverse();
            let again = settle((0..6).map(|i| due(i, times)), deeds(&days), &turned, noon(today));
            prop_assert_eq!(&again, &with);
            for (i, (p, w)) in plain.iter().zip(&with).enumerate() {
                let (o, need) = due(i as i64, times);
                prop_assert_eq!((w.occurrence, w.need), (o, need));
                prop_assert_eq!((p.occurrence, p.need), (o, need));
                // Nothing becomes plainly done by an excuse, and without one none of its states is there.
                prop_assert!(w.state != State::Done || p.state == State::Done);
                let own = standing(&o, need, deeds(&days), noon(today));
                prop_assert_eq!(p.state, own.state);
                let about = |k| terms.iter().any(|t| t.kind == k && t.covers(o.window.from));
                let needs = match w.state {
                    State::Exempt => Some(ExcuseKind::Exempt),
                    State::Waived => Some(ExcuseKind::Waived),
                    State::Extended | State::DoneExtended => Some(ExcuseKind::Extended),
                    State::MadeUpLate => Some(ExcuseKind::MadeUp),
                    _ => None,
                };
                prop_assert!(needs.is_none_or(about), "{:?}", w.state);
                prop_assert!(!(w.state.excused() || w.state == State::Extended) || !w.state.counts());
            }
            let counted: i64 = with.iter().map(|s| s.so_far.n).sum();
            let there: i64 = deeds(&days).iter().map(|(_, d)| d.n).sum();
            prop_assert!(counted <= there);
        }

        #[test]
        fn no_state_is_skipped_and_time_takes_nothing_back((terms, days, times) in any()) {
            use State::*;
            let at_day = |today: i64| {
                let known: Vec<_> = days.iter().copied().filter(|(d, _)| *d <= today).collect();
                settle((0..6).map(|i| due(i, times)), deeds(&known), &terms, noon(today))
            };
            let idle = |today: i64| settle((0..6).map(|i| due(i, times)), vec![], &terms, noon(today));
            for today in 0..90 {
                for (b, a) in idle(today).iter().zip(&idle(today + 1)) {
                    prop_assert!(matches!(
                        (b.state, a.state),
                        (Upcoming, Upcoming | Soon | Extended)
                            | (Soon, Soon | Overdue)
                            | (Extended, Extended | DoneExtended | Overdue)
                            | (Overdue, Overdue | MadeUpLate)
                            | (Exempt, Exempt) | (Waived, Waived)
                            | (DoneExtended, DoneExtended) | (MadeUpLate, MadeUpLate)
                            // Made up on the very day after.
                            | (Soon | Extended, MadeUpLate)
                    ), "{:?} then {:?}", b.state, a.state);
                }
                for (b, a) in at_day(today).iter().zip(&at_day(today + 1)) {
                    prop_assert!(!b.state.fulfilled() || a.state.fulfilled(), "{:?} then {:?}", b, a);
                }
            }
        }
    }
}
