//! From facts to numbers and back to rows.

use kernel::{Error, Period};
use ledger::{Definition, MIGRATIONS, Total, Value, verify};

use crate::world::{World, attendance, day, sessions};

async fn total(w: &World, d: &Definition, node: kernel::UnitId) -> Total {
    w.ledger
        .reading()
        .await
        .unwrap()
        .total(d, node, w.year(), true)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_part_of_a_month_is_kept_until_its_days_get_facts_on_whatever_node() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        // Another node, which keeps numbers of its own.
        let other = ledger::Ledger::open(t.db.clone(), w.env.clone())
            .await
            .unwrap();
        let part = Period {
            from: day(3, 4),
            to: day(4, 10),
        };
        let read = async |ledger: &ledger::Ledger| {
            let mut reading = ledger.reading().await.unwrap();
            let nodes = [w.city, w.counties[0], w.counties[1]];
            let found = reading.totals(&attendance(), &nodes, part, true).await;
            let found = found.unwrap();
            nodes.map(|n| (found[&n].n, found[&n].sum, found[&n].persons.unwrap()))
        };
        let mut want = [(0, 0, 0); 3];
        // Beside the part, in it, in it by somebody who was there before, after it, and taken back.
        for step in 0..6 {
            match step {
                0 => drop(w.record(&t.db, 0, 0, day(3, 3), &[0, 1]).await),
                1 => {
                    w.record(&t.db, 0, 0, day(3, 6), &[0, 1, 2]).await;
                    want[0] = (3, 270, 3);
                    want[1] = want[0];
                }
                2 => {
                    w.record(&t.db, 1, 0, day(4, 10), &[0, 4]).await;
                    want[0] = (5, 450, 4);
                    want[2] = (2, 180, 2);
                }
                3 => drop(w.record(&t.db, 0, 1, day(4, 11), &[3]).await),
                4 => {
                    let facts = w.record(&t.db, 0, 1, day(4, 9), &[3]).await;
                    w.ledger.settle().await.unwrap();
                    assert_eq!(read(&other).await[0], (6, 540, 5));
                    db::transaction!(t.db, |tx| w.ledger.reverse(tx, &facts, None).await).unwrap();
                }
                _ => {}
            }
            for sealed in [false, true, true] {
                if sealed {
                    w.ledger.settle().await.unwrap();
                }
                assert_eq!(read(&w.ledger).await, want, "step {step}, sealed: {sealed}");
                assert_eq!(read(&other).await, want, "step {step}, sealed: {sealed}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_is_the_same_before_and_after_sealing_and_opens_to_its_rows() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        w.record(&t.db, 0, 0, day(3, 6), &[0, 1, 2]).await;
        w.record(&t.db, 0, 1, day(3, 13), &[2, 3]).await;
        let second = w.record(&t.db, 1, 0, day(11, 20), &[0, 4]).await;
        for sealed in [false, true, true] {
            if sealed {
                w.ledger.settle().await.unwrap();
                assert_eq!(w.ledger.tail().await.unwrap().0, 0);
            }
            let city = total(&w, &attendance(), w.city).await;
            assert_eq!(
                (city.n, city.sum, city.persons),
                (7, 630, Some(5)),
                "sealed: {sealed}"
            );
            assert_eq!(
                total(&w, &attendance(), w.counties[0]).await.persons,
                Some(4)
            );
            assert_eq!(total(&w, &attendance(), w.offices[0][1]).await.n, 2);
            assert_eq!(total(&w, &sessions(), w.city).await.n, 3);
            let mut reading = w.ledger.reading().await.unwrap();
            // Counted from the facts themselves it is the same, whether a rollup keeps it or not.
            let nodes = [w.city, w.counties[0], w.offices[0][1]];
            for d in [attendance(), sessions()] {
                let kept = reading.totals(&d, &nodes, w.year(), true).await.unwrap();
                let counted = reading.tally(&d, &nodes, w.year(), true).await.unwrap();
                assert_eq!(counted, kept, "sealed: {sealed}");
            }
            let first = reading
                .rows(&attendance(), w.city, w.year(), None, None, 5)
                .await
                .unwrap();
            assert_eq!(first.facts.len(), 5);
            assert!(
                first
                    .facts
                    .is_sorted_by(|a, b| (a.date, a.id) > (b.date, b.id))
            );
            let rest = reading
                .rows(&attendance(), w.city, w.year(), None, first.next, 5)
                .await
                .unwrap();
            assert_eq!((rest.facts.len(), rest.next), (2, None));
            let march = Period {
                from: day(3, 1),
                to: day(3, 10),
            };
            assert_eq!(
                reading
                    .total(&attendance(), w.city, march, true)
                    .await
                    .unwrap()
                    .persons,
                Some(3)
            );
            let months = reading
                .months(&attendance(), w.city, w.year())
                .await
                .unwrap();
            assert_eq!(
                months.iter().map(|(m, t)| (*m, t.n)).collect::<Vec<_>>(),
                [(202_603, 5), (202_611, 2)]
            );
            let done = reading
                .progress(&sessions(), &w.offices[0], w.year())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(done.keys().copied().collect::<Vec<_>>(), {
                let mut want = vec![(w.offices[0][0], day(3, 6)), (w.offices[0][1], day(3, 13))];
                want.sort_unstable();
                want
            });
        }

        // The reversal moves all of it back, sealed or not.
        let size = w.ledger.settle().await.unwrap();
        db::transaction!(t.db, |tx| w.ledger.reverse(tx, &second, None).await).unwrap();
        for sealed in [false, true] {
            if sealed {
                w.ledger.settle().await.unwrap();
            }
            let city = total(&w, &attendance(), w.city).await;
            assert_eq!(
                (city.n, city.sum, city.persons),
                (5, 450, Some(4)),
                "sealed: {sealed}"
            );
            assert_eq!(
                total(&w, &attendance(), w.counties[1]).await,
                Total {
                    persons: Some(0),
                    ..Total::default()
                }
            );
            let mut reading = w.ledger.reading().await.unwrap();
            let rows = reading
                .rows(&attendance(), w.city, w.year(), None, None, 50)
                .await
                .unwrap();
            assert_eq!(rows.facts.len(), 5);
            assert!(
                reading
                    .progress(&sessions(), &w.offices[1], w.year())
                    .await
                    .unwrap()
                    .unwrap()
                    .is_empty()
            );
            // A frozen number reproduces, rows and all.
            let frozen = reading
                .total_as_of(&attendance(), w.city, w.year(), size, true)
                .await
                .unwrap();
            assert_eq!((frozen.n, frozen.persons), (7, Some(5)));
            let rows = reading
                .rows(&attendance(), w.city, w.year(), Some(size), None, 50)
                .await
                .unwrap();
            assert_eq!(rows.facts.len(), 7);
        }
        let again = db::transaction!(t.db, |tx| w.ledger.reverse(tx, &second, None).await);
        assert!(matches!(again, Err(Error::Conflict(m)) if m.key == "already-reversed"));
        let reversals = {
            let mut tx = t.db.read().await.unwrap();
            let rows = tx
                .query("SELECT id FROM fact WHERE sign = -1", db::args![])
                .await
                .unwrap();
            rows.iter().map(|r| r.get(0).unwrap()).collect::<Vec<_>>()
        };
        let twice = db::transaction!(t.db, |tx| w.ledger.reverse(tx, &reversals[..1], None).await);
        assert!(matches!(twice, Err(Error::Conflict(m)) if m.key == "reversal-of-reversal"));
        assert_eq!(
            verify(&t.db, &[]).await.unwrap().problems,
            Vec::<String>::new()
        );
    })
    .await;
}

#[tokio::test]
async fn bulk_facts_are_sealed_at_once_and_count_the_same() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        for (county, office) in [(0, 0), (0, 1), (1, 2)] {
            db::transaction!(t.db, |tx| w.ledger.place(tx, &w.path(county, office)).await).unwrap();
        }
        let mut facts = Vec::new();
        for week in 0..40 {
            let date = day(1, 2).saturating_add(jiff::Span::new().weeks(week));
            facts.extend(w.session(
                0,
                (week % 2) as usize,
                date,
                &[0, 1, 2, (week % 12) as usize],
            ));
        }
        w.ledger.append_sealed(&facts).await.unwrap();
        w.record(&t.db, 1, 2, day(5, 1), &[0, 11]).await;
        let city = total(&w, &attendance(), w.city).await;
        assert_eq!((city.n, city.persons), (162, Some(12)));
        w.ledger.settle().await.unwrap();
        assert_eq!(total(&w, &attendance(), w.city).await, city);
        let report = verify(&t.db, &[]).await.unwrap();
        assert_eq!((report.problems.len(), report.size), (0, 203));
    })
    .await;
}

#[tokio::test]
async fn a_definition_made_later_says_computing_and_then_counts_all() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        w.record(&t.db, 0, 0, day(3, 6), &[0, 1]).await;
        w.ledger.settle().await.unwrap();
        let later = Definition {
            value: Value::None,
            distinct: None,
            ..attendance()
        };
        w.ledger.define(std::slice::from_ref(&later)).await.unwrap();
        w.record(&t.db, 0, 0, day(3, 13), &[0, 1, 2]).await;
        w.ledger.settle().await.unwrap();
        assert!(total(&w, &later, w.city).await.computing);
        w.ledger.backfill_all().await.unwrap();
        let now = total(&w, &later, w.city).await;
        assert_eq!((now.n, now.computing), (5, false));
        assert_eq!(
            verify(&t.db, &[]).await.unwrap().problems,
            Vec::<String>::new()
        );
    })
    .await;
}

#[tokio::test]
async fn progress_is_kept_of_people_bodies_and_pairs() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        let by = |axis| Definition {
            axis,
            progress: true,
            distinct: None,
            ..attendance()
        };
        let of_people = by(ledger::Axis::Person);
        let of_bodies = by(ledger::Axis::Body);
        let of_pairs = by(ledger::Axis::Pair);
        let first = w.record(&t.db, 0, 0, day(3, 6), &[0, 1]).await;
        w.ledger.settle().await.unwrap();
        let all = [of_people.clone(), of_bodies.clone(), of_pairs.clone()];
        w.ledger.define(&all).await.unwrap();
        let [one, other, third] = [0, 1, 2].map(|n| w.persons[n]);
        let body: kernel::Id = t.env.new_id();
        let pair = ledger::pair(other, one);
        assert_eq!(pair, ledger::pair(one, other), "whoever comes first");
        let mut facts = w.session(1, 0, day(4, 3), &[0, 2]);
        for fact in &mut facts {
            fact.body = Some(body);
            fact.other = fact.person.map(|_| other);
        }
        db::transaction!(t.db, |tx| {
            w.ledger.place(tx, &w.path(1, 0)).await?;
            w.ledger.append(tx, &facts).await
        })
        .unwrap();
        let asked = [one.0, other.0, body, pair];
        let mut reading = w.ledger.reading().await.unwrap();
        let computing = reading.progress_of(&of_people, &asked, w.year()).await;
        assert_eq!(computing.unwrap(), None);
        drop(reading);
        w.ledger.backfill_all().await.unwrap();
        let done = |n: i64| ledger::Done { n, sum: 90 * n };
        for step in [
            "on the tail",
            "sealed",
            "taken back on the tail",
            "taken back",
        ] {
            match step {
                "on the tail" => {}
                "taken back on the tail" => {
                    db::transaction!(t.db, |tx| w.ledger.reverse(tx, &first[1..2], None).await)
                        .unwrap();
                }
                _ => {
                    w.ledger.settle().await.unwrap();
                }
            }
            let mut reading = w.ledger.reading().await.unwrap();
            let mut of = async |definition: &Definition| {
                let found = reading.progress_of(definition, &asked, w.year()).await;
                found.unwrap().unwrap()
            };
            let mut people = vec![
                ((one.0, day(4, 3)), done(1)),
                ((other.0, day(3, 6)), done(1)),
            ];
            if !step.starts_with("taken back") {
                people.push(((one.0, day(3, 6)), done(1)));
            }
            people.sort_by_key(|(key, _)| *key);
            let found: Vec<_> = of(&of_people).await.iter().copied().collect();
            assert_eq!(found, people, "{step}; {third} was not asked for");
            let found: Vec<_> = of(&of_bodies).await.iter().copied().collect();
            assert_eq!(found, [((body, day(4, 3)), done(2))], "{step}");
            let found: Vec<_> = of(&of_pairs).await.iter().copied().collect();
            assert_eq!(found, [((pair, day(4, 3)), done(1))], "{step}");
            // Among so many that two readers look them up, by groups.
            let mut many: Vec<(kernel::Id, i64)> =
                (0..12_000).map(|n| (t.env.new_id(), n % 2)).collect();
            many.extend([(one.0, 7), (other.0, 8), (third.0, 9)]);
            let twice = i64::from(!step.starts_with("taken back"));
            let once = vec![(7, 1), (8, 1), (9, 1)];
            for (times, wanted) in [(1, once), (2, vec![(7, twice)])] {
                let wanted: std::collections::HashMap<i64, i64> =
                    wanted.into_iter().filter(|(_, n)| *n > 0).collect();
                for least in [ledger::Done { n: times, sum: 0 }, done(times)] {
                    let found = reading.reached(&of_people, &many, w.year(), least).await;
                    assert_eq!(found.unwrap().unwrap(), wanted, "{step}, {times} times");
                }
            }
        }
        let problems = verify(&t.db, &[]).await.unwrap().problems;
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn tampering_shows() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        w.record(&t.db, 0, 0, day(3, 6), &[0, 1, 2]).await;
        w.ledger.settle().await.unwrap();
        for (sql, what) in [
            (
                "UPDATE fact SET minutes = 900 WHERE role = 'present'",
                "was changed after it was sealed",
            ),
            ("UPDATE cell SET n = n + 1", "cell"),
            ("UPDATE progress SET n = n + 1", "progress"),
        ] {
            db::transaction!(t.db, |tx| tx.execute(sql, db::args![]).await).unwrap();
            let problems = verify(&t.db, &[]).await.unwrap().problems;
            assert!(
                problems.iter().any(|p| p.contains(what)),
                "{what}: {problems:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_fact_cannot_lie_in_the_future() {
    testkit::on_sqlite(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        let facts = w.session(0, 0, day(11, 21), &[0]);
        let written = db::transaction!(t.db, |tx| {
            w.ledger.place(tx, &w.path(0, 0)).await?;
            w.ledger.append(tx, &facts).await
        });
        assert!(matches!(written, Err(Error::Conflict(m)) if m.key == "fact-in-future"));
        assert_eq!(w.ledger.tail().await.unwrap().0, 0);
    })
    .await;
}
