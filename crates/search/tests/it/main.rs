//! Words of records on both engines.

use db::Db;
use kernel::words::Words;
use kernel::{Id, UnitId};
use search::MIGRATIONS;

async fn found(db: &Db, question: &str, units: &[UnitId]) -> Vec<Id> {
    let units = units.to_vec();
    let mut tx = db.read().await.expect("a reader");
    let words = Words::new(question);
    search::find(
        &mut tx,
        "activity",
        &words,
        move |column, args| {
            if units.is_empty() {
                return "1=1".to_owned();
            }
            format!("{column} IN ({})", args.list(units.clone()))
        },
        10,
    )
    .await
    .expect("an answer")
}

#[tokio::test]
async fn records_are_found_by_all_their_words_newest_first_within_a_scope() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let (here, there): (UnitId, UnitId) = (t.env.new_id(), t.env.new_id());
        let ids: Vec<Id> = (0..4).map(|_| t.env.new_id()).collect();
        let texts = [
            (here, "周五学习：行政复议法"),
            (there, "行政诉讼法讲座 2026"),
            (here, "行政复议听证演练"),
            (here, "党课"),
        ];
        db::transaction!(t.db, |tx| {
            for (id, (unit, text)) in ids.iter().zip(texts) {
                search::index(tx, "activity", *id, unit, text).await?;
            }
            // Another kind of record with the same words.
            search::index(tx, "report", t.env.new_id::<Id>(), here, "行政复议法").await
        })
        .expect("written");
        assert_eq!(found(&t.db, "行政", &[]).await, [ids[2], ids[1], ids[0]]);
        assert_eq!(found(&t.db, "行政 学习", &[]).await, [ids[0]]);
        assert_eq!(found(&t.db, "复议", &[there]).await, []);
        assert_eq!(found(&t.db, "法", &[there]).await, [ids[1]]);
        assert_eq!(found(&t.db, "202", &[]).await, [ids[1]]);
        assert_eq!(found(&t.db, "课", &[here]).await, [ids[3]]);
        assert_eq!(found(&t.db, " ", &[]).await, []);
        assert_eq!(found(&t.db, "听证会", &[]).await, []);

        // Written again it has the new words only; forgotten it has none.
        db::transaction!(t.db, |tx| {
            search::index(tx, "activity", ids[3], there, "主题党日").await?;
            search::forget(tx, ids[2]).await
        })
        .expect("changed");
        assert_eq!(found(&t.db, "党课", &[]).await, []);
        assert_eq!(found(&t.db, "党日", &[there]).await, [ids[3]]);
        assert_eq!(found(&t.db, "行政", &[]).await, [ids[1], ids[0]]);

        // What is older than the search waits to be filled in.
        let left = db::transaction!(t.db, |tx| {
            let before = search::to_fill(tx).await?;
            search::filled(tx, "activity").await?;
            Ok((before, search::to_fill(tx).await?))
        });
        let left = left.expect("a list");
        assert_eq!(left.0, ["activity", "report"]);
        assert_eq!(left.1, ["report"]);
    })
    .await;
}
