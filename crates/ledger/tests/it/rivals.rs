//! Several nodes on one database: nothing lost, nothing doubled.

use std::sync::Arc;

use futures::future::BoxFuture;
use ledger::{Checkpoint, CheckpointStore, Ledger, MIGRATIONS, Sealer, Signer, verify};
use tokio::sync::Mutex;

use crate::world::{World, attendance, day};

#[derive(Default)]
struct Kept(Mutex<Vec<Checkpoint>>);

impl CheckpointStore for Kept {
    fn put<'a>(&'a self, checkpoint: &'a Checkpoint) -> BoxFuture<'a, kernel::Result<()>> {
        Box::pin(async move {
            self.0.lock().await.push(checkpoint.clone());
            Ok(())
        })
    }
    fn all(&self) -> BoxFuture<'_, kernel::Result<Vec<Checkpoint>>> {
        Box::pin(async move { Ok(self.0.lock().await.clone()) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_sealers_and_readers_on_two_nodes_agree() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = Arc::new(World::new(&t).await);
        let other = Ledger::open(t.second().await, t.env.clone()).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..4usize {
            let (w, db) = (w.clone(), t.second().await);
            tasks.spawn(async move {
                for i in 0..15usize {
                    let ids = w
                        .record(
                            &db,
                            writer % 2,
                            i % 3,
                            day(1 + (i % 10) as i8, 6),
                            &[i % 12, (i + writer) % 12 / 2],
                        )
                        .await;
                    if i % 5 == 4 {
                        db::transaction!(db, |tx| w.ledger.reverse(tx, &ids, None).await).unwrap();
                    }
                }
            });
        }
        for ledger in [w.ledger.clone(), other.clone()] {
            tasks.spawn(async move {
                for _ in 0..20 {
                    ledger.settle().await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
        }
        let w2 = w.clone();
        tasks.spawn(async move {
            for _ in 0..40 {
                // Number and rows agree in one snapshot, whatever is being written and sealed.
                let mut reading = w2.ledger.reading().await.unwrap();
                let total = reading
                    .total(&attendance(), w2.city, w2.year(), true)
                    .await
                    .unwrap();
                let rows = reading
                    .rows(&attendance(), w2.city, w2.year(), None, None, 1000)
                    .await
                    .unwrap();
                assert_eq!(total.n, rows.facts.len() as i64);
                let mut persons: Vec<_> = rows.facts.iter().filter_map(|f| f.person).collect();
                persons.sort_unstable();
                persons.dedup();
                assert_eq!(total.persons, Some(persons.len() as i64));
            }
        });
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        other.settle().await.unwrap();
        let report = verify(&t.db, &[]).await.unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
        // 4 writers × 15 sessions × 3 facts, and 4 × 3 reversed sessions.
        assert_eq!((report.size, report.tail), (4 * 15 * 3 + 4 * 3 * 3, 0));
    })
    .await;
}

#[tokio::test]
async fn one_node_seals_at_a_time_and_another_takes_over() {
    testkit::on_both(MIGRATIONS, |t| async move {
        let w = World::new(&t).await;
        let kept = Arc::new(Kept::default());
        let out = Some((
            Signer::new(&[7; 32]),
            kept.clone() as Arc<dyn CheckpointStore>,
        ));
        let mut first = Sealer::new(w.ledger.clone(), out.clone());
        let mut second = Sealer::new(
            Ledger::open(t.second().await, t.env.clone()).await.unwrap(),
            out,
        );
        assert!(first.hold_lease().await.unwrap());
        assert!(!second.hold_lease().await.unwrap());
        w.record(&t.db, 0, 0, day(3, 6), &[0]).await;
        second.tick().await.unwrap();
        assert_eq!(w.ledger.tail().await.unwrap().0, 2, "only the holder seals");
        first.tick().await.unwrap();
        assert_eq!(w.ledger.tail().await.unwrap().0, 0);
        // The first node falls silent; after the lease the second goes on, and the first, waking up, is fenced off.
        t.clock.advance(6);
        w.record(&t.db, 0, 0, day(3, 13), &[0]).await;
        second.tick().await.unwrap();
        assert_eq!(w.ledger.tail().await.unwrap().0, 0);
        assert!(!first.hold_lease().await.unwrap());
        // A clock that is set back does not lock the ledger for ever.
        t.clock.advance(-86_400);
        assert!(first.hold_lease().await.unwrap());
        second.checkpoint(true).await.unwrap();
        let checkpoints = kept.all().await.unwrap();
        let report = verify(&t.db, &checkpoints).await.unwrap();
        assert_eq!(
            (report.problems.len(), report.checkpoints),
            (0, checkpoints.len())
        );
        assert!(report.checkpoints >= 2);
        let mut forged = checkpoints[0].clone();
        forged.root = "00".repeat(32);
        assert!(!verify(&t.db, &[forged]).await.unwrap().problems.is_empty());
        // A checkpoint beyond the ledger: facts are gone, unless a new log was started on purpose.
        let mut beyond = kept.all().await.unwrap();
        t.clock.advance(86_400);
        w.record(&t.db, 0, 0, day(3, 20), &[0]).await;
        w.ledger.settle().await.unwrap();
        let mut third = Sealer::new(
            w.ledger.clone(),
            Some((Signer::new(&[8; 32]), kept.clone())),
        );
        third.checkpoint(true).await.unwrap();
        beyond.extend(kept.all().await.unwrap());
        assert!(verify(&t.db, &beyond).await.unwrap().problems.is_empty());
        w.ledger.start_new_log("restored").await.unwrap();
        let report = verify(&t.db, &beyond).await.unwrap();
        assert_eq!((report.problems.len(), report.earlier_logs.len()), (0, 1));
    })
    .await;
}
