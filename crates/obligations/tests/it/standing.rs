//! How units stand, from real facts, sealed or not.

use std::collections::{HashMap, HashSet};

use jiff::ToSpan;
use kernel::{Date, Period, PeriodKind, Scope, UnitId};
use obligations::{Counts, State};
use organization::Unit;
use testkit::on_both;

use crate::house::{House, RULE, add, day, migrations};

#[tokio::test]
async fn two_units_over_a_year() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        // Today is Friday 20 November. A: on time, made up on a Saturday, nothing, on a Monday.
        for date in [day(11, 6), day(10, 31), day(10, 19), day(10, 20)] {
            h.held(&t, h.a, date).await;
        }
        h.held(&t, h.b, day(1, 9)).await;
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            for (due, want) in [
                (day(11, 6), State::Done),
                (day(10, 30), State::MadeUp),
                (day(11, 13), State::Overdue),
                (day(10, 23), State::Done),
                (day(11, 20), State::Soon),
                (day(11, 27), State::Upcoming),
            ] {
                assert_eq!(h.state(h.a, due).await, want, "{due}, sealed: {sealed}");
            }
            assert_eq!(h.state(h.b, day(1, 9)).await, State::Done);
            assert_eq!(h.state(h.b, day(11, 6)).await, State::Overdue);
            let lines = h
                .lines(Period::containing(PeriodKind::Year, day(1, 1)))
                .await;
            assert_eq!(lines.len(), 2, "the top unit is not bound");
            // 5 January is the first Monday; the Fridays until 13 November are over, two of
            // them were done by A without the current week.
            let tallies: Vec<_> = lines.iter().map(obligations::Line::tally).collect();
            assert_eq!(tallies, [(3, 45), (1, 45)]);
            assert_eq!(lines[0].occurrences.len(), 52);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_taken_back_is_overdue_again() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let due = day(11, 13);
        assert_eq!(h.state(h.a, due).await, State::Overdue);
        let first = h.held(&t, h.a, due).await;
        assert_eq!(h.state(h.a, due).await, State::Done);
        h.ledger.settle().await.unwrap();
        db::transaction!(t.db, |tx| h.ledger.reverse(tx, &[first], None).await).unwrap();
        assert_eq!(
            h.state(h.a, due).await,
            State::Overdue,
            "sealed, reversal on the tail"
        );
        h.ledger.settle().await.unwrap();
        assert_eq!(h.state(h.a, due).await, State::Overdue, "both sealed");
        // Of two, one that is taken back leaves the other.
        let one = h.held(&t, h.a, due).await;
        h.held(&t, h.a, day(11, 14)).await;
        db::transaction!(t.db, |tx| h.ledger.reverse(tx, &[one], None).await).unwrap();
        assert_eq!(h.state(h.a, due).await, State::MadeUp);
        assert_eq!(h.state(h.b, due).await, State::Overdue, "nobody else's");
    })
    .await;
}

#[tokio::test]
async fn a_unit_is_bound_from_its_first_whole_week() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        // Wednesday 10 June: the week of 8 June is not whole.
        let new = add(&h.org, Some(h.top), "N", "直属单位", day(6, 10)).await;
        let year = h.year(new).await;
        assert_eq!(year[0], (day(6, 19), State::Overdue));
        // One founded on a Monday is bound in that week.
        let monday = add(&h.org, Some(h.top), "M", "直属单位", day(6, 15)).await;
        assert_eq!(h.year(monday).await[0].0, day(6, 19));
        h.held(&t, new, day(6, 12)).await;
        assert_eq!(
            h.year(new).await[0],
            (day(6, 19), State::Overdue),
            "done before it was bound"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_to_do_is_listed_by_due_day() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for date in [day(10, 23), day(10, 30), day(11, 6), day(11, 13)] {
            h.held(&t, h.a, date).await;
        }
        let list = async |scope: &Scope, limit| {
            let todo = h.obligations.todo(scope, limit).await.unwrap();
            todo.into_iter()
                .map(|t| (t.due, t.unit.code, t.state))
                .collect::<Vec<_>>()
        };
        let all = list(&Scope::All, 99).await;
        let overdue = |d| (d, "B".to_owned(), State::Overdue);
        assert_eq!(
            all,
            [
                overdue(day(10, 23)),
                overdue(day(10, 30)),
                overdue(day(11, 6)),
                overdue(day(11, 13)),
                (day(11, 20), "A".to_owned(), State::Soon),
                (day(11, 20), "B".to_owned(), State::Soon),
            ]
        );
        assert_eq!(list(&Scope::All, 2).await, all[..2]);
        assert_eq!(list(&Scope::Under(vec![h.a]), 99).await, [all[4].clone()]);
        assert_eq!(list(&Scope::nothing(), 99).await, []);
        h.held(&t, h.a, day(11, 20)).await;
        assert_eq!(list(&Scope::Under(vec![h.a]), 99).await, []);
        assert_eq!(
            h.obligations.category(RULE).as_deref(),
            Some("friday-study")
        );
    })
    .await;
}

#[test]
fn the_packs_of_the_program_have_no_mistakes() {
    let texts = [
        (
            "weekly-study.toml",
            include_str!("../../../../packs/weekly-study.toml"),
        ),
        (
            "cadence-cn.toml",
            include_str!("../../../../packs/cadence-cn.toml"),
        ),
        (
            "registers-cn.toml",
            include_str!("../../../../packs/registers-cn.toml"),
        ),
    ];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let packs = commons::packs::Packs::load(texts.to_vec()).unwrap();
    let rules = obligations::Rules::read(&packs).unwrap();
    let course = rules.sets().next().unwrap();
    let every = |code: &String| rules.get(code).unwrap().versions[0].every;
    use obligations::Cadence::{Month, Quarter, Week, Year};
    let cadences: Vec<_> = course.rules.iter().map(every).collect();
    assert_eq!(cadences, [Week, Month, Quarter, Year]);
    assert_eq!(rules.checklists().count(), 2);
    // Each names its document and article.
    let named = |r: &obligations::Rule| !r.document.zh.is_empty() && !r.article.zh.is_empty();
    assert!(rules.iter().all(named));
}

/// How many stand how, as the page of each would say.
async fn counted_one_by_one(h: &House, units: &[Unit], day: Date) -> HashMap<UnitId, Counts> {
    let rule = h.rule();
    let window = h.obligations.window_on(&rule, day).unwrap().window;
    let begin = Period {
        to: window.from,
        ..window
    };
    let subjects = h.obligations.subjects(&rule, units, window).await.unwrap();
    let lines = h.obligations.lines(&rule, subjects, begin).await.unwrap();
    let mut counts: HashMap<UnitId, Counts> = HashMap::new();
    for line in lines.unwrap() {
        for s in &line.occurrences {
            counts.entry(line.subject.unit).or_default().add(s.state);
        }
    }
    counts
}

#[tokio::test]
async fn counting_all_at_once_says_what_their_pages_say() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let start = Date::constant(2024, 1, 1);
        let mut places = vec![h.a, h.b];
        for n in 0..6 {
            places.push(add(&h.org, Some(h.top), &format!("C{n}"), "处室", start).await);
        }
        // One that came in the middle of a week.
        places.push(add(&h.org, Some(h.top), "NEW", "处室", day(11, 11)).await);
        let rule = h.rule();
        let units = h.obligations.bound(&rule, &Scope::All, None).await.unwrap();
        let today = t.env.today();
        let (mut seed, mut seen) = (11_u64, HashSet::new());
        for step in 0..24_u64 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let roll = (seed >> 33) as usize;
            let date = today.saturating_sub((roll as i64 % 21).days());
            let fact = h.held(&t, places[roll / 21 % places.len()], date).await;
            if step % 3 == 1 {
                h.ledger.settle().await.unwrap();
            }
            if step % 4 == 3 {
                db::transaction!(t.db, |tx| h.ledger.reverse(tx, &[fact], None).await).unwrap();
            }
            for back in [0_i64, 3, 7, 14, 20] {
                let day = today.saturating_sub(back.days());
                let all = h
                    .obligations
                    .counts(&rule, &units, day)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!(
                    all,
                    counted_one_by_one(&h, &units, day).await,
                    "step {step}, {day}"
                );
                seen.extend(all.values().flat_map(|c| c.0.keys().copied()));
            }
        }
        // The numbers were not the same for want of states.
        assert!(
            seen.contains(&State::Done) && seen.contains(&State::Overdue),
            "{seen:?}"
        );
    })
    .await;
}
