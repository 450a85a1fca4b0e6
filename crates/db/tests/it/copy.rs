//! A copy of a database that is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::{Db, DbOptions, args, transaction};
use kernel::Error;
use testkit::{on_postgres, on_sqlite};

use crate::{TABLES, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_is_consistent_while_writing_goes_on() {
    on_sqlite(TABLES, |t| async move {
        let dir = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (db, ended) = (t.second().await, stop.clone());
        let writer = tokio::spawn(async move {
            let mut n = 0_i64;
            while !ended.load(Ordering::SeqCst) {
                n += 1;
                transaction!(db, |tx| {
                    tx.execute("UPDATE counter SET n = n + 1 WHERE name = 'a'", args![])
                        .await?;
                    tx.execute(
                        "INSERT INTO note (id, body) VALUES ($1, $2)",
                        args![n, "长".repeat(500)],
                    )
                    .await?;
                    tx.execute("UPDATE counter SET n = n + 1 WHERE name = 'b'", args![])
                        .await
                })
                .unwrap();
            }
            n
        });
        let mut last = 0;
        for round in 0..5 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            let path = dir.path().join(format!("copy-{round}.db"));
            t.db.copy_to(&path).await.unwrap();
            assert!(
                !dir.path().join(format!("copy-{round}.db-wal")).exists(),
                "one file holds all of it"
            );
            let copy = Db::open_sqlite(&path, &DbOptions::default()).await.unwrap();
            let a = number(&copy, "SELECT n FROM counter WHERE name = 'a'").await;
            let b = number(&copy, "SELECT n FROM counter WHERE name = 'b'").await;
            let notes = number(&copy, "SELECT CAST(COUNT(*) AS BIGINT) FROM note").await;
            assert_eq!((a, b), (notes, notes), "a transaction was cut in two");
            assert!(a > last, "writing went on");
            last = a;
            // The copy is a database like any other.
            transaction!(copy, |tx| tx
                .execute("UPDATE counter SET n = 0", args![])
                .await)
            .unwrap();
            copy.close().await;
            // An existing file is not overwritten.
            assert!(t.db.copy_to(&path).await.is_err());
        }
        stop.store(true, Ordering::SeqCst);
        let written = writer.await.unwrap();
        assert_eq!(
            number(&t.db, "SELECT n FROM counter WHERE name = 'b'").await,
            written
        );
        // The connection that copied reads only, as before.
        for _ in 0..8 {
            let mut tx = t.db.read().await.unwrap();
            assert!(
                tx.execute("UPDATE counter SET n = 5", args![])
                    .await
                    .is_err()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn on_postgres_it_says_that_it_cannot() {
    on_postgres(TABLES, |t| async move {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("copy.db");
        let refused = t.db.copy_to(&path).await;
        assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
        assert!(!path.exists());
    })
    .await;
}
