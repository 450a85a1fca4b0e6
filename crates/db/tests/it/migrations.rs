//! Migrations: taken up again, applied once, never forgotten.

use db::{Migration, applied, args, migrate, pending};
use testkit::on_both;

use crate::number;

const FIRST: Migration = Migration {
    name: "t_1",
    sql: "CREATE TABLE t (id BIGINT PRIMARY KEY, b {blob}, ok BOOLEAN); CREATE TABLE u (x TEXT)",
};
const BROKEN: Migration = Migration {
    name: "t_2",
    sql: "CREATE TABLE half (x TEXT); INSERT INTO half (x) VALUES ('y'); CREATE TABEL v (x TEXT)",
};
const MENDED: Migration = Migration {
    name: "t_2",
    sql: "CREATE TABLE half (x TEXT); CREATE TABLE v (x {blob} PRIMARY KEY) {clustered}",
};

#[tokio::test]
async fn a_fresh_database_is_migrated_written_and_read() {
    on_both(&[], |t| async move {
        assert_eq!(migrate(&t.db, &t.env, &[FIRST]).await.unwrap(), ["t_1"]);
        assert!(migrate(&t.db, &t.env, &[FIRST]).await.unwrap().is_empty());
        let n = db::transaction!(t.db, |tx| {
            let rows = args![
                1_i64,
                vec![1_u8],
                true,
                2_i64,
                None::<Vec<u8>>,
                None::<bool>,
                1_i64,
                vec![2_u8],
                false
            ];
            let head = "INSERT INTO t (id, b, ok) VALUES";
            tx.insert_many(head, 3, "ON CONFLICT DO NOTHING", rows)
                .await
        });
        assert_eq!(n.unwrap(), 2);
        let mut snapshot = t.db.read().await.unwrap();
        let rows = snapshot
            .query("SELECT id, b, ok FROM t ORDER BY id", args![])
            .await
            .unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get::<Vec<u8>>(1).unwrap(), [1]);
        assert_eq!(rows[1].get::<Option<bool>>(2).unwrap(), None);
        assert!(rows[1].get::<Vec<u8>>(1).is_err(), "NULL is no blob");
        let durable = t.db.durability().await.unwrap();
        let want = match t.engine {
            db::Engine::Sqlite => [("journal_mode", "wal"), ("synchronous", "FULL")],
            // The cluster of the tests gives durability up for speed, and it shows.
            db::Engine::Postgres => [
                ("fsync", durable[0].1.as_str()),
                ("synchronous_commit", durable[1].1.as_str()),
            ],
        };
        assert_eq!(durable.len(), 2);
        for ((name, value), (want_name, want_value)) in durable.iter().zip(want) {
            assert_eq!((*name, value.as_str()), (want_name, want_value));
        }
    })
    .await;
}

#[tokio::test]
async fn a_broken_migration_is_named_undone_and_taken_up_again() {
    on_both(&[], |t| async move {
        let error = migrate(&t.db, &t.env, &[FIRST, BROKEN]).await.unwrap_err();
        assert!(error.to_string().contains("t_2"), "{error}");
        let known = applied(&t.db).await.unwrap();
        assert_eq!(known.keys().collect::<Vec<_>>(), ["t_1"]);
        let left = pending(&t.db, &[FIRST, MENDED]).await.unwrap();
        assert_eq!(left.iter().map(|m| m.name).collect::<Vec<_>>(), ["t_2"]);
        // The half that was done is undone, else the mended one could not make the table again.
        let names = migrate(&t.db, &t.env, &[FIRST, MENDED]).await.unwrap();
        assert_eq!(names, ["t_2"]);
        assert_eq!(
            number(&t.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM half").await,
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_the_same_moment_apply_each_once() {
    const STEPS: &[Migration] = &[
        FIRST,
        MENDED,
        Migration {
            name: "t_3",
            sql: "INSERT INTO u (x) VALUES ('once')",
        },
    ];
    for _ in 0..5 {
        on_both(&[], |t| async move {
            let mut nodes = Vec::new();
            for _ in 0..4 {
                let (db, env) = (t.second().await, t.env.clone());
                nodes.push(tokio::spawn(async move { migrate(&db, &env, STEPS).await }));
            }
            let mut names = Vec::new();
            for node in nodes {
                names.extend(node.await.expect("no panic").expect("every node starts"));
            }
            names.sort_unstable();
            assert_eq!(names, ["t_1", "t_2", "t_3"]);
            assert_eq!(
                number(&t.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM u").await,
                1
            );
        })
        .await;
    }
}

#[tokio::test]
async fn a_changed_migration_and_a_newer_database_are_refused() {
    on_both(&[], |t| async move {
        migrate(&t.db, &t.env, &[FIRST, MENDED]).await.unwrap();
        let changed = Migration {
            sql: "CREATE TABLE t (id BIGINT)",
            ..FIRST
        };
        let error = migrate(&t.db, &t.env, &[changed, MENDED])
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("t_1") && error.to_string().contains("changed"),
            "{error}"
        );
        let error = migrate(&t.db, &t.env, &[FIRST]).await.unwrap_err();
        assert!(
            error.to_string().contains("t_2") && error.to_string().contains("newer"),
            "{error}"
        );
        assert_eq!(applied(&t.db).await.unwrap().len(), 2);
    })
    .await;
}
