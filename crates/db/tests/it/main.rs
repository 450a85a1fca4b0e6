//! The database layer, on real engines.
#![expect(missing_docs, reason = "tests")]

use db::{Db, DbOptions, Migration, args};

const ONE: Migration = Migration {
    name: "t_1",
    sql: "CREATE TABLE t (id BIGINT PRIMARY KEY, b {blob}, ok BOOLEAN); CREATE TABLE u (x TEXT)",
};

#[tokio::test]
async fn a_sqlite_database_migrates_writes_and_reads() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_sqlite(&dir.path().join("x.db"), &DbOptions::default())
        .await
        .unwrap();
    let env = kernel::Env::system();
    assert_eq!(db::migrate(&db, &env, &[ONE]).await.unwrap(), ["t_1"]);
    assert!(db::migrate(&db, &env, &[ONE]).await.unwrap().is_empty());
    let n = db::transaction!(db, |tx| {
        tx.insert_many(
            "INSERT INTO t (id, b, ok) VALUES",
            3,
            "ON CONFLICT DO NOTHING",
            args![
                1_i64,
                vec![1_u8],
                true,
                2_i64,
                None::<Vec<u8>>,
                None::<bool>,
                1_i64,
                vec![2_u8],
                false
            ],
        )
        .await
    })
    .unwrap();
    assert_eq!(n, 2);
    let mut snapshot = db.read().await.unwrap();
    let rows = snapshot
        .query("SELECT id, b, ok FROM t ORDER BY id", args![])
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].get::<Vec<u8>>(1).unwrap(), [1]);
    assert_eq!(rows[1].get::<Option<bool>>(2).unwrap(), None);
    assert_eq!(
        db.durability().await.unwrap(),
        [
            ("journal_mode", "wal".to_string()),
            ("synchronous", "FULL".to_string())
        ]
    );
    db.copy_to(&dir.path().join("copy.db")).await.unwrap();
    assert!(dir.path().join("copy.db").exists());
}
