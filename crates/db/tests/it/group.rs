//! The group-commit writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use db::{Args, BatchReader, BatchWriter, Engine, GroupCommit, GroupRead, Tx, args};
use futures::future::BoxFuture;
use kernel::{Error, Msg, Result};
use testkit::{TestDb, on_both};
use tokio::sync::{Notify, Semaphore};

use crate::{TABLES, number};

/// Refused by itself, within a batch that stands.
const REFUSED: i64 = -1;
/// Breaks the whole batch.
const BREAKS: i64 = -2;
/// Makes the writer panic.
const PANICS: i64 = -3;

struct Notes {
    batches: AtomicUsize,
    /// Every batch takes a permit first.
    gate: Semaphore,
}

impl Notes {
    fn start(t: &TestDb, gate: usize, capacity: usize, most: usize) -> (Arc<Self>, Queue) {
        let writer = Arc::new(Self {
            batches: AtomicUsize::new(0),
            gate: Semaphore::new(gate),
        });
        let queue = GroupCommit::start(t.db.clone(), writer.clone(), capacity, most);
        (writer, queue)
    }
}

type Queue = GroupCommit<Notes>;

impl BatchWriter for Notes {
    type Item = i64;
    type Ack = i64;

    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Result<i64>>>> {
        Box::pin(async move {
            let _permit = self.gate.acquire().await.expect("never closed");
            self.batches.fetch_add(1, Ordering::SeqCst);
            let mut answers = Vec::new();
            for item in items {
                assert_ne!(*item, PANICS, "on purpose");
                if *item == REFUSED {
                    answers.push(Err(Error::Conflict(Msg::new("refused-on-purpose"))));
                    continue;
                }
                tx.execute("INSERT INTO note (id, body) VALUES ($1, 'n')", args![*item])
                    .await?;
                if *item == BREAKS {
                    return Err(Error::internal("breaks the batch"));
                }
                answers.push(Ok(*item));
            }
            Ok(answers)
        })
    }
}

fn submit(queue: &Queue, item: i64) -> tokio::task::JoinHandle<Result<i64>> {
    let queue = queue.clone();
    tokio::spawn(async move { queue.submit(item).await })
}

const NOTES: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM note";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_arrives_together_shares_transactions_and_is_there_when_acknowledged() {
    on_both(TABLES, |t| async move {
        let (writer, queue) = Notes::start(&t, 1, 1000, 100);
        let second = t.second().await;
        let mut waiting: Vec<_> = (0..400).map(|n| submit(&queue, n)).collect();
        let first = waiting.remove(0).await.expect("no panic");
        assert_eq!(first.expect("stored"), 0);
        let there = "SELECT CAST(COUNT(*) AS BIGINT) FROM note WHERE id = 0";
        assert_eq!(
            number(&second, there).await,
            1,
            "acknowledged, yet not there"
        );
        for (n, one) in waiting.into_iter().enumerate() {
            assert_eq!(one.await.expect("no panic").expect("stored"), n as i64 + 1);
        }
        assert_eq!(number(&second, NOTES).await, 400);
        let batches = writer.batches.load(Ordering::SeqCst);
        assert!(
            (4..=100).contains(&batches),
            "{batches} transactions for 400 items"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lane_that_waits_holds_up_no_other() {
    on_both(TABLES, |t| async move {
        let writer = Arc::new(Notes {
            batches: AtomicUsize::new(0),
            gate: Semaphore::new(8),
        });
        let queue = GroupCommit::in_lanes(t.db.clone(), writer, 100, 10);
        let held = t.db.engine() == Engine::Postgres;
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (db, there, until) = (t.db.clone(), begun.clone(), end.clone());
        // Somebody has the row that lane 0 wants to write, for as long as it takes.
        let other = tokio::spawn(async move {
            let result: Result<()> = db::transaction!(db, |tx| {
                let sql = "INSERT INTO note (id, body) VALUES ($1, 'n')";
                tx.execute(sql, args![0]).await?;
                there.notify_one();
                if held {
                    until.notified().await;
                }
                Err(Error::NotFound)
            });
            result
        });
        begun.notified().await;
        let (first, second) = (queue.clone(), queue.clone());
        let waiting = tokio::spawn(async move {
            let before = first.submit_in(0, 0).await;
            (before, first.submit_in(2, 2).await)
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = tokio::time::timeout(Duration::from_secs(20), second.submit_in(1, 1));
        answer.await.expect("another lane").expect("stored");
        assert!(!held || !waiting.is_finished(), "its lane waits");
        end.notify_one();
        assert!(matches!(
            other.await.expect("no panic"),
            Err(Error::NotFound)
        ));
        let (before, after) = waiting.await.expect("no panic");
        assert_eq!((before.expect("stored"), after.expect("stored")), (0, 2));
        assert_eq!(number(&t.db, NOTES).await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bad_item_harms_nobody_else() {
    on_both(TABLES, |t| async move {
        for bad in [REFUSED, BREAKS, PANICS] {
            let (writer, queue) = Notes::start(&t, 0, 1000, 100);
            let base = -bad * 100;
            let mut waiting: Vec<_> = (0..10).map(|n| submit(&queue, base + n)).collect();
            let wrong = submit(&queue, bad);
            waiting.extend((10..20).map(|n| submit(&queue, base + n)));
            // All of them stand in the queue before the first batch is taken on.
            tokio::time::sleep(Duration::from_millis(50)).await;
            writer.gate.add_permits(1);
            for one in waiting {
                one.await.expect("no panic").expect("a good item is stored");
            }
            let error = wrong.await.expect("no panic").expect_err("refused");
            match bad {
                REFUSED => assert!(error.to_string().contains("refused-on-purpose"), "{error}"),
                _ => assert!(matches!(error, Error::Internal(_)), "{error}"),
            }
            // The writer lives on.
            submit(&queue, base + 50)
                .await
                .expect("no panic")
                .expect("stored");
        }
        assert_eq!(number(&t.db, NOTES).await, 3 * 21);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_answers_busy_at_once() {
    on_both(TABLES, |t| async move {
        let (writer, queue) = Notes::start(&t, 0, 4, 1);
        let mut waiting: Vec<_> = (0..20).map(|n| submit(&queue, n)).collect();
        // Nothing is written before the gate opens, so whoever is answered now was refused. The writer may
        // take one more out of the queue, hence more than one try.
        let mut refused = false;
        for n in 100..200 {
            let one = submit(&queue, n);
            tokio::time::sleep(Duration::from_millis(20)).await;
            refused = one.is_finished();
            waiting.push(one);
            if refused {
                break;
            }
        }
        assert!(refused, "a full queue answers at once");
        writer.gate.add_permits(1);
        let mut stored = 0;
        for one in waiting {
            match one.await.expect("no panic") {
                Ok(_) => stored += 1,
                Err(Error::Busy { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert!((4..=5).contains(&stored), "{stored}");
        assert_eq!(
            number(&t.db, NOTES).await,
            stored,
            "exactly the acknowledged ones"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_database_everybody_is_told() {
    on_both(TABLES, |t| async move {
        let away = t.second().await;
        let writer = Arc::new(Notes {
            batches: AtomicUsize::new(0),
            gate: Semaphore::new(1),
        });
        let queue = GroupCommit::start(away.clone(), writer, 100, 10);
        queue.submit(1).await.expect("stored");
        away.close().await;
        let waiting: Vec<_> = (2..30).map(|n| submit(&queue, n)).collect();
        for one in waiting {
            let answer = tokio::time::timeout(Duration::from_secs(10), one).await;
            match answer.expect("no hang").expect("no panic") {
                Err(Error::Unavailable(m)) => assert_eq!(m.key, "database-away"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(number(&t.db, NOTES).await, 1);
    })
    .await;
}

/// Looks bodies of notes up and counts how often.
struct Bodies {
    batches: AtomicUsize,
    gate: Semaphore,
}

impl BatchReader for Bodies {
    type Key = i64;
    type Found = Option<String>;

    fn read<'a>(
        &'a self,
        tx: &'a mut Tx,
        keys: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<Option<String>>>> {
        Box::pin(async move {
            let _permit = self.gate.acquire().await.expect("never closed");
            self.batches.fetch_add(1, Ordering::SeqCst);
            assert!(!keys.contains(&PANICS), "on purpose");
            let mut a = Args::new();
            let list = a.list(keys.iter().copied());
            let rows = tx
                .query(format!("SELECT id, body FROM note WHERE id IN ({list})"), a)
                .await?;
            let mut found = std::collections::HashMap::new();
            for row in &rows {
                found.insert(row.get::<i64>(0)?, row.get(1)?);
            }
            Ok(keys.iter().map(|k| found.get(k).cloned()).collect())
        })
    }
}

#[tokio::test]
async fn lookups_that_come_together_share_a_snapshot() {
    on_both(TABLES, |t| async move {
        db::transaction!(t.db, |tx| {
            tx.execute("INSERT INTO note (id, body) VALUES (7, 'seven')", args![])
                .await
        })
        .expect("a note");
        let reader = Arc::new(Bodies {
            batches: AtomicUsize::new(0),
            gate: Semaphore::new(0),
        });
        let group = GroupRead::start(t.db.clone(), reader.clone(), 64, 64);
        let asked: Vec<_> = (0..40)
            .map(|n| {
                let group = group.clone();
                tokio::spawn(async move { (n, group.find(n).await) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        reader.gate.add_permits(1);
        for one in asked {
            let (n, found) = one.await.expect("answers");
            assert_eq!(
                found.expect("found"),
                (n == 7).then(|| "seven".to_owned()),
                "{n}"
            );
        }
        let batches = reader.batches.load(Ordering::SeqCst);
        assert!(batches <= 2, "{batches} reads for forty lookups");

        // One that panics harms its own batch only.
        group.find(PANICS).await.expect_err("panicked");
        assert_eq!(
            group.find(7).await.expect("found").as_deref(),
            Some("seven")
        );
    })
    .await;
}
