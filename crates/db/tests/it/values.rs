//! What is put in comes out again, on both engines.

use db::{Migration, args, transaction};
use kernel::{Date, Error, Id, PersonId, Timestamp};
use testkit::on_both;

const VALUES: &[Migration] = &[Migration {
    name: "t_20261121_values",
    sql: "CREATE TABLE v (k BIGINT PRIMARY KEY, i BIGINT, s TEXT, b {blob}, f BOOLEAN, r DOUBLE PRECISION)",
}];

type Line = (
    Option<i64>,
    Option<String>,
    Option<Vec<u8>>,
    Option<bool>,
    Option<f64>,
);

#[tokio::test]
async fn every_type_comes_back_as_it_was() {
    on_both(VALUES, |t| async move {
        let text = |s: &str| Some(s.to_owned());
        let lines: Vec<Line> = vec![
            (None, None, None, None, None),
            (Some(0), text(""), Some(vec![]), Some(false), Some(0.0)),
            (
                Some(i64::MIN),
                text("it's \"quoted\" \\ $1 ? %"),
                Some(vec![0]),
                Some(true),
                Some(f64::MIN),
            ),
            (
                Some(i64::MAX),
                text("澜州市司法局 👩🏽‍⚖️ 𠮷\n\t"),
                Some((0..=255).collect()),
                Some(true),
                Some(f64::MAX),
            ),
            (
                Some(-1),
                text("'; DROP TABLE v; --"),
                Some(vec![255; 100_000]),
                Some(false),
                Some(0.1),
            ),
            (
                Some(1),
                Some("长".repeat(100_000)),
                None,
                None,
                Some(f64::MIN_POSITIVE),
            ),
        ];
        transaction!(t.db, |tx| {
            for (k, (i, s, b, f, r)) in lines.iter().enumerate() {
                tx.execute(
                    "INSERT INTO v (k, i, s, b, f, r) VALUES ($1, $2, $3, $4, $5, $6)",
                    args![k as i64, *i, s.clone(), b.clone(), *f, *r],
                )
                .await?;
            }
            Ok(())
        })
        .unwrap();
        let mut tx = t.second().await.read().await.unwrap();
        let rows = tx
            .query("SELECT i, s, b, f, r FROM v ORDER BY k", args![])
            .await
            .unwrap();
        let found: Vec<Line> = rows
            .iter()
            .map(|r| {
                (
                    r.get(0).unwrap(),
                    r.get(1).unwrap(),
                    r.get(2).unwrap(),
                    r.get(3).unwrap(),
                    r.get(4).unwrap(),
                )
            })
            .collect();
        assert_eq!(found, lines);
        // NULL, another type, a column that is not there: an error, never a panic, never a default.
        assert!(rows[0].get::<i64>(0).is_err());
        assert!(rows[0].get::<String>(1).is_err());
        assert!(rows[1].get::<i64>(1).is_err());
        assert!(rows[1].get::<i64>(9).is_err());
        // Arguments find what they stored, byte by byte.
        for (k, (_, s, b, ..)) in lines.iter().enumerate().skip(1) {
            let row = tx
                .query(
                    "SELECT k FROM v WHERE s = $1 AND k = $2",
                    args![s.clone(), k as i64],
                )
                .await
                .unwrap();
            assert_eq!(row.len(), 1, "{s:?}");
            if b.is_some() {
                let row = tx
                    .query("SELECT k FROM v WHERE b = $1", args![b.clone()])
                    .await
                    .unwrap();
                assert_eq!(row.len(), 1);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ids_dates_and_instants_come_back_as_they_were() {
    on_both(VALUES, |t| async move {
        let (id, person): (Id, PersonId) = (t.env.new_id(), t.env.new_id());
        let (date, at) = (Date::constant(2026, 2, 28), t.env.now());
        transaction!(t.db, |tx| {
            tx.execute(
                "INSERT INTO v (k, i, s, b) VALUES (1, $1, $2, $3)",
                args![at, date, id],
            )
            .await?;
            tx.execute(
                "INSERT INTO v (k, i, s, b) VALUES (2, $1, $2, $3)",
                args![None::<Timestamp>, None::<Date>, None::<Id>],
            )
            .await?;
            tx.execute(
                "INSERT INTO v (k, s, b) VALUES (3, '2026-02-30', $1)",
                args![person],
            )
            .await
        })
        .unwrap();
        let mut tx = t.db.read().await.unwrap();
        let rows = tx
            .query("SELECT i, s, b FROM v ORDER BY k", args![])
            .await
            .unwrap();
        assert_eq!(rows[0].get::<Timestamp>(0).unwrap(), at);
        assert_eq!(rows[0].get::<Date>(1).unwrap(), date);
        assert_eq!(rows[0].get::<Option<Id>>(2).unwrap(), Some(id));
        assert_eq!(rows[1].get::<Option<Timestamp>>(0).unwrap(), None);
        assert_eq!(rows[1].get::<Option<Date>>(1).unwrap(), None);
        assert_eq!(rows[1].get::<Option<PersonId>>(2).unwrap(), None);
        assert!(rows[2].get::<Date>(1).is_err(), "there is no 30 February");
        assert_eq!(rows[2].get::<PersonId>(2).unwrap(), person);
    })
    .await;
}

#[tokio::test]
async fn text_with_a_nul_is_refused_alike_and_in_words() {
    on_both(VALUES, |t| async move {
        let hostile = "a\0b";
        let stored = transaction!(t.db, |tx| {
            tx.execute("INSERT INTO v (k, s) VALUES (1, $1)", args![hostile])
                .await
        });
        let mut tx = t.db.read().await.unwrap();
        let found = tx
            .query("SELECT k FROM v WHERE s = $1", args![hostile])
            .await;
        for result in [stored.map(|_| ()), found.map(|_| ())] {
            match result {
                Err(Error::Invalid(fields)) => assert_eq!(fields[0].message.key, "text-with-nul"),
                other => panic!("{other:?}"),
            }
        }
        // Bytes may hold what they like.
        transaction!(t.db, |tx| tx
            .execute("INSERT INTO v (k, b) VALUES (2, $1)", args![vec![0_u8, 0]])
            .await)
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn many_rows_are_split_by_the_engines_limits() {
    on_both(VALUES, |t| async move {
        for (base, n) in [
            (0, 0),
            (10_000, 1),
            (20_000, 500),
            (30_000, 501),
            (40_000, 9_001),
        ] {
            let mut rows = args![];
            for k in base..base + n {
                rows.add(k);
                rows.add(-k);
            }
            let head = "INSERT INTO v (k, i) VALUES";
            let n = u64::try_from(n).unwrap();
            let changed = transaction!(t.db, |tx| tx
                .insert_many(head, 2, "ON CONFLICT (k) DO NOTHING", rows.clone())
                .await);
            assert_eq!(changed.unwrap(), n);
            let again = transaction!(t.db, |tx| tx
                .insert_many(head, 2, "ON CONFLICT (k) DO NOTHING", rows.clone())
                .await);
            assert_eq!(again.unwrap(), 0);
        }
    })
    .await;
}
