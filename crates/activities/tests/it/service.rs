//! Recording, correcting, attending, taking back.

use activities::Role;
use kernel::{PersonId, Scope};
use testkit::on_both;

use crate::house::{House, attendances, clock, day, migrations, refused, sessions, why};

#[tokio::test]
async fn a_session_becomes_one_fact_held_and_one_for_each_line() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(11, 20));
        new.host = h.bureau;
        new.title = "  专题学习 ".into();
        new.marks = h.marks(&[
            ("001", Role::Present),
            ("002", Role::Leave),
            ("003", Role::Present),
            ("004", Role::Absent),
        ]);
        new.observers = vec![" 006 ".into(), "".into(), "006".into()];
        let id = h.record(&new).await.unwrap();
        assert_eq!(id, new.id);

        let facts = h.standing(id).await;
        assert_eq!(facts.len(), 6);
        let paths = h
            .ledger
            .reading()
            .await
            .unwrap()
            .paths(&facts)
            .await
            .unwrap();
        let mut lines: Vec<_> = facts
            .iter()
            .map(|f| {
                assert_eq!(f.category.as_deref(), Some("friday-study"));
                assert_eq!((f.date, f.sign, f.late), (day(11, 20), 1, false));
                assert_eq!(f.recorded_by, Some(h.clerk));
                assert_eq!(*paths[&f.host].last().unwrap(), h.bureau);
                let unit = f.unit.map(|u| *paths[&u].last().unwrap()).unwrap();
                let no = h.people.iter().find(|(_, p)| Some(**p) == f.person);
                (
                    no.map_or("", |(no, _)| no),
                    f.kind.as_str(),
                    f.role.as_deref().unwrap_or(""),
                    f.minutes.unwrap(),
                    unit,
                )
            })
            .collect();
        lines.sort_unstable();
        let [o1, o2] = h.offices;
        let x1 = h.org.unit_by_code("X1", &Scope::All).await.unwrap().id;
        assert_eq!(
            lines,
            [
                ("", "held", "", 90, h.bureau),
                ("001", "attendance", "present", 90, o1),
                ("002", "attendance", "leave", 0, o1),
                ("003", "attendance", "present", 90, o2),
                ("004", "attendance", "absent", 0, o2),
                ("006", "attendance", "observer", 90, x1),
            ]
        );
        let (activity, parts) = h.activities.activity(id, &Scope::All).await.unwrap();
        assert_eq!(
            (activity.title.as_str(), activity.minutes),
            ("专题学习", 90)
        );
        assert_eq!(parts.len(), 5);
        // Present rows count for the persons' own units, the session for its host.
        assert_eq!(h.numbers(o1).await, (1, 90, 1, 0));
        assert_eq!(h.numbers(o2).await, (1, 90, 1, 0));
        assert_eq!(h.numbers(h.bureau).await, (2, 180, 2, 1));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn sent_twice_it_is_recorded_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = h.session(&t, day(11, 20));
        let id = h.record(&new).await.unwrap();
        assert_eq!(h.record(&new).await.unwrap(), id);
        assert_eq!(h.standing(id).await.len(), 3);
        assert_eq!(h.numbers(h.offices[0]).await, (1, 90, 1, 1));
        // The id of somebody else's is no key to it.
        let stranger: kernel::AccountId = t.env.new_id();
        let taken = h.activities.record(&new, &Scope::All, stranger).await;
        assert_eq!(refused(taken), why("", "not-found"));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn another_one_at_the_same_time_is_refused_until_it_is_meant() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let first = h.record(&h.session(&t, day(11, 13))).await.unwrap();
        let mut second = h.session(&t, day(11, 13));
        second.starts = clock("10:29");
        second.ends = clock("11:00");
        assert_eq!(
            refused(h.record(&second).await),
            why("another", "activity-overlaps")
        );
        assert_eq!(h.standing(second.id).await.len(), 0, "nothing half done");
        assert_eq!(
            refused(h.activities.activity(second.id, &Scope::All).await),
            why("", "not-found")
        );
        second.another = true;
        h.record(&second).await.unwrap();
        // One that begins when the other ends does not overlap; nor does another unit's.
        let mut third = h.session(&t, day(11, 13));
        (third.starts, third.ends) = (clock("11:00"), clock("12:00"));
        h.record(&third).await.unwrap();
        let mut other = h.session(&t, day(11, 13));
        other.host = h.offices[1];
        h.record(&other).await.unwrap();
        // One that was taken back leaves its time free.
        for id in [first, second.id] {
            let reversed = h.activities.reverse(id, "误录", &Scope::All, h.clerk).await;
            reversed.unwrap();
        }
        h.record(&h.session(&t, day(11, 13))).await.unwrap();
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_the_roster_is_named() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let session = || h.session(&t, day(11, 20));
        let mut twice = session();
        twice.marks = h.marks(&[("001", Role::Present), ("001", Role::Absent)]);
        assert_eq!(
            refused(h.record(&twice).await),
            why("roster", "roster-person-twice")
        );
        let mut empty = session();
        empty.marks.clear();
        assert_eq!(
            refused(h.record(&empty).await),
            why("roster", "roster-empty")
        );
        // 005 left in June, and a person who does not exist.
        let mut gone = session();
        gone.marks = h.marks(&[("001", Role::Present), ("005", Role::Present)]);
        assert_eq!(
            refused(h.record(&gone).await),
            why("roster", "roster-person-unknown")
        );
        gone.marks[1].person = t.env.new_id::<PersonId>();
        assert_eq!(
            refused(h.record(&gone).await),
            why("roster", "roster-person-unknown")
        );
        let mut observers = session();
        observers.observers = vec!["999".into(), "001".into(), "005".into(), "003".into()];
        let found = refused(h.record(&observers).await);
        let keys: Vec<_> = found.iter().map(|(f, k)| (f.as_str(), *k)).collect();
        assert_eq!(
            keys,
            [
                ("observers", "observer-unknown"),
                ("observers", "observer-on-roster"),
                ("observers", "observer-unknown"),
            ]
        );
        // Hostile staff numbers are unknown ones.
        observers.observers = vec!["' OR 1=1 --".into()];
        assert_eq!(
            refused(h.record(&observers).await),
            why("observers", "observer-unknown")
        );
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        assert_eq!(h.ledger.tail().await.unwrap().0, 0, "nothing half done");
    })
    .await;
}

#[tokio::test]
async fn who_moved_that_day_belongs_to_the_new_unit() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for (date, rows) in [(day(6, 30), (1, 0)), (day(7, 1), (1, 1))] {
            let mut new = h.session(&t, date);
            new.host = h.bureau;
            new.marks = h.marks(&[("004", Role::Present)]);
            h.record(&new).await.unwrap();
            let (first, second) = (h.numbers(h.offices[0]).await, h.numbers(h.offices[1]).await);
            assert_eq!((first.0, second.0), rows, "{date}");
        }
        assert_eq!(h.numbers(h.bureau).await, (2, 180, 1, 2), "one person");
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_late_entry_counts_where_the_unit_stood_on_its_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let edit = organization::UnitEdit {
            parent: Some(h.elsewhere),
            ..organization::UnitEdit::default()
        };
        let basis = organization::Basis {
            date: day(7, 1),
            text: String::new(),
            by: organization::By::default(),
        };
        h.org
            .change_unit(h.offices[0], &edit, &basis, &Scope::All)
            .await
            .unwrap();
        for (date, before, after) in [(day(6, 26), 1, 0), (day(7, 3), 1, 1)] {
            let mut new = h.session(&t, date);
            new.marks = h.marks(&[("001", Role::Present)]);
            let id = h.record(&new).await.unwrap();
            // One who comes later counts beside those who were there.
            let a = &h.activities;
            a.attend(id, h.people["002"], Role::Leave, &Scope::All, h.clerk)
                .await
                .unwrap();
            let (old, new) = (h.numbers(h.bureau).await, h.numbers(h.elsewhere).await);
            assert_eq!((old.0, new.0), (before, after), "{date}");
        }
        // Who may see the unit is a matter of today.
        let theirs = Scope::Under(vec![h.elsewhere]);
        let session = h.session(&t, day(6, 12));
        let by = h.clerk;
        h.activities.record(&session, &theirs, by).await.unwrap();
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_may_cross_midnight_and_the_year() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for (date, year) in [
            (day(11, 19), 2026),
            (kernel::Date::constant(2025, 12, 31), 2025),
        ] {
            let mut new = h.session(&t, date);
            (new.starts, new.ends) = (clock("22:30"), clock("00:45"));
            let id = h.record(&new).await.unwrap();
            let (activity, _) = h.activities.activity(id, &Scope::All).await.unwrap();
            assert_eq!((activity.date, activity.minutes), (date, 135));
            assert_eq!(activity.ends.0 - activity.starts.0, 135 * 60_000_000);
            assert_eq!(h.total(&sessions(), h.bureau, year).await.n, 1);
            let minutes = h.total(&attendances(), h.bureau, year).await;
            assert_eq!((minutes.n, minutes.sum), (1, 135));
        }
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn times_that_cannot_be_are_refused() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let session = |date| h.session(&t, date);
        // The same time twice is a whole day; a minute more than the longest is too long too.
        for (starts, ends) in [("09:00", "09:00"), ("06:00", "18:01")] {
            let mut new = session(day(11, 19));
            (new.starts, new.ends) = (clock(starts), clock(ends));
            assert_eq!(
                refused(h.record(&new).await),
                why("ends", "activity-too-long")
            );
        }
        let mut longest = session(day(11, 19));
        (longest.starts, longest.ends) = (clock("06:00"), clock("18:00"));
        h.record(&longest).await.unwrap();
        // The clock stands at noon of 20 November.
        for (date, starts) in [(day(11, 20), "12:01"), (day(11, 21), "09:00")] {
            let mut new = session(date);
            (new.starts, new.ends) = (clock(starts), clock("13:00"));
            assert_eq!(
                refused(h.record(&new).await),
                why("date", "activity-in-future")
            );
        }
        let mut just_begun = session(day(11, 20));
        (just_begun.starts, just_begun.ends) = (clock("12:00"), clock("13:00"));
        h.record(&just_begun).await.unwrap();
        // The ends of the calendar are no panic.
        for date in [kernel::Date::MIN, kernel::Date::MAX] {
            let mut new = session(date);
            (new.starts, new.ends) = (clock("23:00"), clock("01:00"));
            assert!(h.record(&new).await.is_err());
        }
        let mut unknown = session(day(11, 19));
        unknown.kind = "no-such-kind".into();
        assert_eq!(refused(h.record(&unknown).await), why("", "not-found"));
        let mut wordy = session(day(11, 19));
        wordy.title = "长".repeat(101);
        wordy.location = "a\0b".into();
        let keys: Vec<_> = refused(h.record(&wordy).await)
            .into_iter()
            .map(|(_, k)| k)
            .collect();
        assert_eq!(keys, ["activity-title-long", "activity-location-long"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_entered_days_later_is_a_late_entry() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for (date, late) in [(day(11, 17), false), (day(11, 16), true)] {
            let id = h.record(&h.session(&t, date)).await.unwrap();
            let (activity, _) = h.activities.activity(id, &Scope::All).await.unwrap();
            assert_eq!(activity.late, late, "{date}");
            assert!(h.standing(id).await.iter().all(|f| f.late == late));
        }
        // A single attendance is late by itself, whenever the session was recorded.
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        t.clock.advance(4 * 86_400);
        let added = h
            .activities
            .attend(id, h.people["004"], Role::Present, &Scope::All, h.clerk)
            .await;
        assert!(added.unwrap());
        let late: Vec<_> = h
            .standing(id)
            .await
            .iter()
            .filter(|f| f.late)
            .map(|f| f.person)
            .collect();
        assert_eq!(late, [Some(h.people["004"])]);
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn outside_of_the_scope_nothing_exists() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let scope = Scope::Under(vec![h.elsewhere]);
        let new = h.session(&t, day(11, 20));
        let outside = h.activities.record(&new, &scope, h.clerk).await;
        assert_eq!(refused(outside), why("", "not-found"));
        let id = h.record(&new).await.unwrap();
        let a = &h.activities;
        let person = h.people["001"];
        for scope in [scope, Scope::nothing()] {
            let all = [
                refused(a.activity(id, &scope).await),
                refused(a.correct(id, person, Role::Absent, &scope, h.clerk).await),
                refused(
                    a.attend(id, h.people["004"], Role::Present, &scope, h.clerk)
                        .await,
                ),
                refused(a.reverse(id, "误录一场", &scope, h.clerk).await),
            ];
            for one in all {
                assert_eq!(one, why("", "not-found"));
            }
        }
        assert_eq!(h.numbers(h.bureau).await, (1, 90, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_correction_reverses_the_old_and_moves_the_number() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(6, 26))).await.unwrap();
        let correct = async |no: &str, role| {
            let a = &h.activities;
            a.correct(id, h.people[no], role, &Scope::All, h.clerk)
                .await
        };
        correct("002", Role::Present).await.unwrap();
        assert_eq!(h.numbers(h.offices[0]).await, (2, 180, 2, 1));
        // The same again changes nothing.
        let size = h.ledger.settle().await.unwrap();
        correct("002", Role::Present).await.unwrap();
        assert_eq!(h.ledger.settle().await.unwrap(), size);
        correct("001", Role::Absent).await.unwrap();
        correct("002", Role::Absent).await.unwrap();
        assert_eq!(h.numbers(h.offices[0]).await, (0, 0, 0, 1));
        correct("002", Role::Observer).await.unwrap();
        let facts = h.standing(id).await;
        assert_eq!(facts.len(), 3, "one held, two lines");
        let observer = facts
            .iter()
            .find(|f| f.person == Some(h.people["002"]))
            .unwrap();
        assert_eq!(
            (observer.role.as_deref(), observer.minutes),
            (Some("observer"), Some(90))
        );
        assert_eq!(
            refused(correct("003", Role::Present).await),
            why("", "not-found")
        );
        // 3 facts, and 4 corrections of two facts each.
        assert_eq!(h.ledger.settle().await.unwrap(), 3 + 4 * 2);
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_correction_stays_in_the_unit_of_that_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = h.session(&t, day(6, 26));
        new.marks = h.marks(&[("004", Role::Absent)]);
        let id = h.record(&new).await.unwrap();
        // 004 has moved to the second office since.
        let a = &h.activities;
        a.correct(id, h.people["004"], Role::Present, &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.numbers(h.offices[0]).await, (1, 90, 1, 1));
        assert_eq!(h.numbers(h.offices[1]).await, (0, 0, 0, 0));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_reversal_takes_everything_back_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let kept = h.record(&h.session(&t, day(11, 13))).await.unwrap();
        let before = h.numbers(h.bureau).await;
        let mut new = h.session(&t, day(11, 20));
        new.observers = vec!["003".into()];
        let id = h.record(&new).await.unwrap();
        let a = &h.activities;
        a.correct(id, h.people["002"], Role::Present, &Scope::All, h.clerk)
            .await
            .unwrap();
        a.attend(id, h.people["004"], Role::Present, &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(
            h.numbers(h.bureau).await,
            (before.0 + 3, before.1 + 270, 3, 2)
        );
        // Half of it sealed, half of it not: the reversal reaches both.
        h.ledger.settle().await.unwrap();
        for reason in ["", " 误 ", &"长".repeat(201)] {
            assert_eq!(
                refused(a.reverse(id, reason, &Scope::All, h.clerk).await),
                why("reason", "reversal-reason-missing")
            );
        }
        a.reverse(id, " 误录 ", &Scope::All, h.clerk).await.unwrap();
        assert_eq!(h.numbers(h.bureau).await, before);
        assert_eq!(h.standing(id).await, []);
        let (activity, parts) = a.activity(id, &Scope::All).await.unwrap();
        assert_eq!(activity.reversal_reason.as_deref(), Some("误录"));
        assert_eq!((activity.reversed_by, parts.len()), (Some(h.clerk), 4));
        let size = h.ledger.settle().await.unwrap();
        for person in ["001", "005"] {
            let person = h.people[person];
            let after = [
                refused(a.reverse(id, "再来一次", &Scope::All, h.clerk).await),
                refused(
                    a.correct(id, person, Role::Absent, &Scope::All, h.clerk)
                        .await,
                ),
            ];
            for one in after {
                assert_eq!(one, why("conflict", "activity-reversed"));
            }
        }
        for person in ["001", "003"] {
            let attended = a
                .attend(id, h.people[person], Role::Present, &Scope::All, h.clerk)
                .await;
            assert_eq!(refused(attended), why("conflict", "activity-reversed"));
        }
        assert_eq!(
            h.ledger.settle().await.unwrap(),
            size,
            "nothing was written"
        );
        assert_eq!(h.standing(kept).await.len(), 3);
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn an_attendance_is_added_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let attend = async |no: &str, role| {
            let person = h.people[no];
            h.activities
                .attend(id, person, role, &Scope::All, h.clerk)
                .await
        };
        assert!(attend("003", Role::Present).await.unwrap());
        assert!(!attend("003", Role::Present).await.unwrap());
        assert!(
            !attend("001", Role::Present).await.unwrap(),
            "was on the roster"
        );
        assert_eq!(
            refused(attend("002", Role::Present).await),
            why("conflict", "already-on-roster")
        );
        assert_eq!(
            refused(attend("005", Role::Present).await),
            why("person", "roster-person-unknown")
        );
        let nobody = t.env.new_id();
        let unknown =
            h.activities
                .attend(nobody, h.people["001"], Role::Present, &Scope::All, h.clerk);
        assert_eq!(refused(unknown.await), why("", "not-found"));
        assert_eq!(h.standing(id).await.len(), 4);
        assert_eq!(h.numbers(h.bureau).await, (2, 180, 2, 1));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        h.ledger.settle().await.unwrap();
        t.clock.advance(-3600);
        let a = &h.activities;
        a.correct(id, h.people["002"], Role::Present, &Scope::All, h.clerk)
            .await
            .unwrap();
        // A node whose ids are behind those that it takes back.
        let behind = h.second(&t).await;
        t.clock.advance(-3 * 3600);
        let back = &behind.activities;
        back.correct(id, h.people["001"], Role::Absent, &Scope::All, h.clerk)
            .await
            .unwrap();
        back.reverse(id, "误录一场", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        // What has not begun by this clock is refused in words, and nothing is written.
        assert_eq!(
            refused(behind.record(&h.session(&t, day(11, 20))).await),
            why("date", "activity-in-future")
        );
        h.proven().await;
    })
    .await;
}
