//! The predicate language gives the same answer in Rust and in SQL.

use std::collections::BTreeMap;

use db::args;
use kernel::{Date, Id, PersonId};
use ledger::{Column, Fact, MIGRATIONS, PlaceId, Predicate, Scalar, Test};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

fn words() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "held",
        "attendance",
        "present",
        "leave",
        "roster",
        "",
        "2026-03-06",
        "2026-3-6",
        "é'\"%",
        "周五学习",
    ])
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        words().prop_map(Scalar::Text),
        (-1i64..4).prop_map(Scalar::Int),
        Just(Scalar::Int(i64::MAX))
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let bound = || prop::option::of(scalar());
    prop_oneof![
        scalar().prop_map(Test::Is),
        prop::collection::vec(scalar(), 0..4).prop_map(Test::In),
        (bound(), bound(), bound()).prop_map(|(min, max, below)| {
            let text = serde_json::json!({"min": min, "max": max, "below": below});
            serde_json::from_value(text).expect("bounds")
        }),
    ]
}

fn column() -> impl Strategy<Value = Column> {
    use Column::*;
    prop::sample::select(vec![
        Kind, Category, Role, Source, Qualifier, Date, Minutes, Quantity, Score, Late,
    ])
}

fn predicate() -> impl Strategy<Value = Predicate> {
    prop::collection::btree_map(column(), test(), 0..4).prop_map(|m: BTreeMap<_, _>| Predicate(m))
}

fn fact() -> impl Strategy<Value = Fact> {
    let text = || prop::option::of(words());
    let number = || prop::option::of(-1i64..4);
    (
        words(),
        text(),
        text(),
        text(),
        (number(), number(), number()),
        any::<bool>(),
        1i8..4,
        any::<[u8; 16]>(),
    )
        .prop_map(
            |(kind, category, role, qualifier, (minutes, quantity, score), late, month, id)| {
                let mut f = Fact::new(
                    Id(id).into(),
                    &kind,
                    PlaceId::of(&[Id([1; 16]).into()]),
                    Date::constant(2026, month, 6),
                    Id([2; 16]),
                    "roster",
                    kernel::Timestamp(1),
                );
                (f.category, f.role, f.qualifier, f.late) = (category, role, qualifier, late);
                (f.minutes, f.quantity, f.score, f.person) =
                    (minutes, quantity, score, Some(PersonId(Id([3; 16]))));
                f
            },
        )
}

#[tokio::test]
async fn rust_and_sql_agree() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let mut runner = TestRunner::deterministic();
        let facts: Vec<Fact> = prop::collection::vec(fact(), 80)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let ledger = ledger::Ledger::open(t.db.clone(), t.env.clone())
            .await
            .unwrap();
        db::transaction!(t.db, |tx| {
            ledger.place(tx, &[Id([1; 16]).into()]).await?;
            ledger.append(tx, &facts).await
        })
        .unwrap();
        let mut matched = 0;
        for _ in 0..600 {
            let p = predicate().new_tree(&mut runner).unwrap().current();
            let mut want: Vec<_> = facts
                .iter()
                .filter(|f| p.matches(f))
                .map(|f| f.id)
                .collect();
            want.sort_unstable();
            let mut a = args![];
            let sql = format!(
                "SELECT f.id FROM fact f WHERE {} ORDER BY f.id",
                p.sql(&mut a)
            );
            let mut tx = t.db.read().await.unwrap();
            let rows = tx
                .query(sql, a)
                .await
                .unwrap_or_else(|e| panic!("{p:?}: {e}"));
            let got: Vec<kernel::FactId> = rows.iter().map(|r| r.get(0).unwrap()).collect();
            assert_eq!(got, want, "{p:?}");
            matched += got.len();
            // What a predicate can be written as, it can be read from.
            let json = serde_json::to_string(&p).unwrap();
            assert_eq!(serde_json::from_str::<Predicate>(&json).unwrap(), p);
        }
        assert!(
            matched > 1000,
            "the samples must not all be empty: {matched}"
        );
    })
    .await;
}
