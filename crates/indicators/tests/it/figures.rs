//! What the figures of a small world are, sealed or not.

use indicators::{Change, Figure};
use kernel::{Period, PeriodKind};
use testkit::on_both;

use crate::house::{House, day, migrations, so_far, texts};

fn yoy(figures: &[Figure]) -> Vec<(char, String)> {
    let text = |c: Change| c.ratio().unwrap().text();
    figures
        .iter()
        .map(|f| match f.yoy.unwrap() {
            c @ Change::Percent { .. } => ('%', text(c)),
            c @ Change::Points { .. } => ('p', text(c)),
            Change::NoBase => ('-', String::new()),
        })
        .collect()
}

#[tokio::test]
async fn figures_are_exact_for_each_unit() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            let top = h.figures(h.top, so_far()).await;
            // Sessions, attendances, persons, hours of 45 minutes, coverage.
            assert_eq!(
                texts(&top),
                ["3", "7", "4", "12.7", "80.0"],
                "sealed: {sealed}"
            );
            let rows: Vec<_> = top.iter().map(|f| f.rows).collect();
            assert_eq!(rows, [3, 7, 7, 7, 7]);
            assert!(top.iter().all(|f| !f.computing));
            let hours = top[3].value.unwrap();
            assert_eq!((hours.numerator, hours.denominator), (570, 45));
            // A person counts for the own unit, wherever the session was held; who left is not in
            // the headcount of the end.
            let a = h.figures(h.a, so_far()).await;
            assert_eq!(texts(&a), ["2", "6", "3", "11.3", "100.0"]);
            let b = h.figures(h.b, so_far()).await;
            assert_eq!(texts(&b), ["1", "1", "1", "1.3", "50.0"]);
            // A stretch that begins and ends within months.
            let part = Period {
                from: day(2026, 3, 6),
                to: day(2026, 11, 6),
            };
            let part = h.figures(h.top, part).await;
            assert_eq!(texts(&part), ["2", "5", "3", "10.0", "60.0"]);
            let month = Period::containing(PeriodKind::Month, day(2026, 11, 1));
            let month = h.figures(h.top, month).await;
            assert_eq!(texts(&month), ["2", "4", "3", "6.7", "60.0"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_year_is_compared_with_the_same_stretch_before() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            // One session with three persons of six until 20 November 2025; the one of the 21st is out.
            let of = |c, text: &str| (c, text.to_owned());
            let top = yoy(&h.figures(h.top, so_far()).await);
            let want = [
                of('%', "200.0"),
                of('%', "133.3"),
                of('%', "33.3"),
                of('%', "111.1"),
                of('p', "30.0"),
            ];
            assert_eq!(top, want, "sealed: {sealed}");
            let b = yoy(&h.figures(h.b, so_far()).await);
            let none = of('-', "");
            assert_eq!(
                b,
                [
                    none.clone(),
                    none.clone(),
                    none.clone(),
                    none,
                    of('p', "50.0")
                ]
            );
            // Before 2024 there was nobody: no base for coverage either.
            let first = Period::containing(PeriodKind::Year, day(2024, 1, 1));
            let first = h.figures(h.top, first).await;
            assert!(first.iter().all(|f| f.yoy == Some(Change::NoBase)));
            // Down as well as up.
            let march = Period::containing(PeriodKind::Year, day(2025, 1, 1));
            assert_eq!(
                texts(&h.figures(h.top, march).await),
                ["2", "4", "4", "8.0", "66.7"]
            );
            let quarter = Period::containing(PeriodKind::Month, day(2026, 4, 1));
            let empty = h.figures(h.top, quarter).await;
            assert_eq!(texts(&empty), ["0", "0", "0", "0.0", "0.0"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reversal_moves_all_back() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let last = h.two_years(&t).await;
        let mut before = Vec::new();
        for unit in [h.top, h.a, h.b] {
            before.push(h.figures(unit, so_far()).await);
        }
        let same = async |why: &str| {
            for (unit, want) in [h.top, h.a, h.b].into_iter().zip(&before) {
                assert_eq!(h.figures(unit, so_far()).await, *want, "{why}");
            }
        };
        let fifth = [(5, "present"), (3, "present")];
        let more = h.session(&t, h.b, day(2026, 11, 20), 45, &fifth).await;
        assert_eq!(
            texts(&h.figures(h.top, so_far()).await),
            ["4", "9", "6", "14.7", "120.0"]
        );
        h.reverse(&t, &more).await;
        same("both on the tail").await;
        h.ledger.settle().await.unwrap();
        same("both sealed").await;
        let more = h.session(&t, h.b, day(2026, 11, 20), 45, &fifth).await;
        h.ledger.settle().await.unwrap();
        h.reverse(&t, &more).await;
        same("sealed, reversal on the tail").await;
        h.ledger.settle().await.unwrap();
        same("sealed one after the other").await;
        // One that was there at first.
        h.reverse(&t, &last).await;
        assert_eq!(
            texts(&h.figures(h.top, so_far()).await),
            ["2", "5", "3", "10.0", "60.0"]
        );
        assert_eq!(
            texts(&h.figures(h.b, so_far()).await),
            ["0", "0", "0", "0.0", "0.0"]
        );
    })
    .await;
}
