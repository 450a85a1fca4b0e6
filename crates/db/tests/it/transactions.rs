//! Races, waits and failures of write transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use db::{Db, DbOptions, args, transaction};
use kernel::{Error, Result};
use testkit::{on_both, on_postgres, on_sqlite};
use tokio::sync::{Barrier, oneshot};

use crate::{TABLES, number};

async fn add(db: &Db, id: i64, body: &str) -> Result<u64> {
    transaction!(db, |tx| {
        tx.execute(
            "INSERT INTO note (id, body) VALUES ($1, $2)",
            args![id, body],
        )
        .await
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rivals_for_a_conditional_update_one_wins() {
    on_both(TABLES, |t| async move {
        let pools = [t.db.clone(), t.second().await];
        for round in 0..10_i64 {
            let rivals = (0..8).map(|n| {
                let db = pools[n % 2].clone();
                tokio::spawn(async move {
                    transaction!(db, |tx| {
                        tx.execute(
                            "UPDATE counter SET n = n + 1 WHERE name = 'a' AND n = $1",
                            args![round],
                        )
                        .await
                    })
                })
            });
            let mut won = 0;
            for rival in futures::future::join_all(rivals).await {
                won += rival.expect("no panic").expect("no error");
            }
            assert_eq!(won, 1);
        }
        assert_eq!(
            number(&t.db, "SELECT n FROM counter WHERE name = 'a'").await,
            10
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rivals_for_a_unique_key_one_wins_and_the_others_are_told() {
    on_both(TABLES, |t| async move {
        let pools = [t.db.clone(), t.second().await];
        let rivals = (0..6).map(|n| {
            let db = pools[n % 2].clone();
            tokio::spawn(async move { add(&db, 7, &format!("rival {n}")).await })
        });
        let results = futures::future::join_all(rivals).await;
        let mut lost = 0;
        for result in results {
            match result.expect("no panic") {
                Ok(changed) => assert_eq!(changed, 1),
                Err(Error::Conflict(m)) => {
                    assert_eq!(m.key, "db-duplicate");
                    lost += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(lost, 5);
        assert_eq!(
            number(&t.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM note").await,
            1
        );
    })
    .await;
}

/// Each locks one row, waits until the other has locked the other one, then wants that one too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadlock_ends_well_for_both() {
    on_postgres(TABLES, |t| async move {
        let meet = Arc::new(Barrier::new(2));
        let tries = Arc::new(AtomicUsize::new(0));
        let crosswise = |db: Db, order: [&'static str; 2]| {
            let (meet, tries) = (meet.clone(), tries.clone());
            tokio::spawn(async move {
                let mut first = true;
                transaction!(db, |tx| {
                    tries.fetch_add(1, Ordering::SeqCst);
                    for (at, name) in order.iter().enumerate() {
                        tx.execute("UPDATE counter SET n = n + 1 WHERE name = $1", args![*name])
                            .await?;
                        if at == 0 && first {
                            first = false;
                            meet.wait().await;
                        }
                    }
                    Ok(())
                })
            })
        };
        let one = crosswise(t.db.clone(), ["a", "b"]);
        let two = crosswise(t.second().await, ["b", "a"]);
        one.await.expect("no panic").expect("ends well");
        two.await.expect("no panic").expect("ends well");
        assert_eq!(
            number(&t.db, "SELECT CAST(SUM(n) AS BIGINT) FROM counter").await,
            4
        );
        assert_eq!(tries.load(Ordering::SeqCst), 3, "one of them ran again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_busy_database_holds_a_second_pool_until_it_is_free() {
    on_sqlite(TABLES, |t| async move {
        let second = t.second().await;
        let (begun, has_begun) = oneshot::channel();
        let first = t.db.clone();
        let slow = tokio::spawn(async move {
            let mut begun = Some(begun);
            transaction!(first, |tx| {
                tx.execute("INSERT INTO note (id, body) VALUES (1, 'slow')", args![])
                    .await?;
                if let Some(begun) = begun.take() {
                    begun.send(()).expect("somebody waits");
                }
                tokio::time::sleep(Duration::from_millis(400)).await;
                Ok(())
            })
        });
        has_begun.await.expect("it begins");
        let since = Instant::now();
        add(&second, 2, "waited").await.expect("stored in the end");
        assert!(since.elapsed() >= Duration::from_millis(200), "it waited");
        slow.await.expect("no panic").expect("stored");
        assert_eq!(
            number(&t.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM note").await,
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_stays_busy_is_busy_and_not_broken() {
    on_sqlite(TABLES, |t| async move {
        let options = DbOptions {
            connections: 2,
            // Also the time to get a connection at all, on a machine that is busy with other tests.
            patience: Duration::from_millis(150),
        };
        let hasty = Db::open(&t.url(), &options).await.expect("opens");
        let result = transaction!(t.db, |tx| {
            tx.execute("UPDATE counter SET n = 1", args![]).await?;
            Ok(add(&hasty, 1, "never").await)
        });
        let refused = result.expect("the first one is unharmed");
        assert!(
            matches!(refused, Err(Error::Busy { retry_after: 1.. })),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_error_rolls_everything_back() {
    on_both(TABLES, |t| async move {
        let wrong: [fn() -> Error; 2] = [|| Error::NotFound, || Error::internal("a defect")];
        for error in wrong {
            let result: Result<()> = transaction!(t.db, |tx| {
                tx.execute("UPDATE counter SET n = 99", args![]).await?;
                tx.execute("INSERT INTO note (id, body) VALUES (1, 'x')", args![])
                    .await?;
                Err(error())
            });
            assert!(result.is_err());
        }
        // A statement that fails takes the ones before it back too.
        let result: Result<()> = transaction!(t.db, |tx| {
            tx.execute("UPDATE counter SET n = 99", args![]).await?;
            tx.execute("INSERT INTO nowhere VALUES (1)", args![])
                .await?;
            Ok(())
        });
        assert!(matches!(result, Err(Error::Internal(_))));
        // So does one that is given up half way.
        let given_up = tokio::time::timeout(Duration::from_millis(300), async {
            transaction!(t.db, |tx| {
                tx.execute("UPDATE counter SET n = 99", args![]).await?;
                std::future::pending::<Result<()>>().await
            })
        });
        assert!(given_up.await.is_err());
        assert_eq!(
            number(&t.db, "SELECT CAST(SUM(n) AS BIGINT) FROM counter").await,
            0
        );
        add(&t.db, 1, "free again").await.expect("no row was left");
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_stays_what_it_was_and_cannot_write() {
    on_both(TABLES, |t| async move {
        let mut snapshot = t.db.read().await.expect("a snapshot");
        let count = "SELECT CAST(COUNT(*) AS BIGINT) FROM note";
        let before: i64 = snapshot.one(count, args![]).await.unwrap().get(0).unwrap();
        add(&t.second().await, 1, "new").await.expect("stored");
        let after: i64 = snapshot.one(count, args![]).await.unwrap().get(0).unwrap();
        assert_eq!((before, after), (0, 0));
        assert_eq!(number(&t.db, count).await, 1);
        let written = snapshot.execute("UPDATE counter SET n = 5", args![]).await;
        assert!(written.is_err(), "a snapshot writes");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable() {
    on_both(TABLES, |t| async move {
        let second = t.second().await;
        second.close().await;
        for result in [add(&second, 1, "x").await.map(|_| ()), second.ping().await] {
            match result {
                Err(Error::Unavailable(m)) => assert_eq!(m.key, "database-away"),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
