//! Background jobs on several nodes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use db::jobs::{self, Handler, Job, MIGRATIONS};
use db::{Db, args, transaction};
use kernel::{Error, Timestamp};
use testkit::{TestDb, on_both};
use tokio::sync::watch;

use crate::number;

async fn enqueue(t: &TestDb, kind: &str, key: Option<&str>, run_at: Timestamp) -> bool {
    transaction!(t.db, |tx| jobs::enqueue(
        tx, &t.env, kind, key, "{}", run_at
    )
    .await)
    .expect("queued")
}

async fn claim(t: &TestDb, db: &Db) -> Option<Job> {
    jobs::claim(db, &t.env, &["k"]).await.expect("readable")
}

async fn count(t: &TestDb) -> i64 {
    number(&t.db, "SELECT CAST(COUNT(*) AS BIGINT) FROM job").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_claim_each_job_once() {
    on_both(MIGRATIONS, |t| async move {
        for _ in 0..30 {
            enqueue(&t, "k", None, t.env.now()).await;
        }
        enqueue(&t, "other", None, t.env.now()).await;
        enqueue(&t, "k", None, t.env.now().plus_seconds(60)).await;
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let (t, db) = (t.clone(), t.second().await);
            nodes.push(tokio::spawn(async move {
                let mut mine = Vec::new();
                // A look that finds nothing may have lost its races: look again, as `run` does.
                let mut idle = 0;
                while idle < 5 {
                    match claim(&t, &db).await {
                        Some(job) => mine.push(job),
                        None => idle += 1,
                    }
                }
                mine
            }));
        }
        let mut all = Vec::new();
        for node in nodes {
            all.extend(node.await.expect("no panic"));
        }
        let distinct: BTreeSet<_> = all.iter().map(|j| j.id).collect();
        assert_eq!((all.len(), distinct.len()), (30, 30));
        for job in &all {
            jobs::settle(&t.db, &t.env, job, &Ok(())).await.unwrap();
        }
        assert_eq!(count(&t).await, 2, "another kind, and one not due yet");
    })
    .await;
}

#[tokio::test]
async fn another_node_takes_over_when_the_lease_runs_out() {
    on_both(MIGRATIONS, |t| async move {
        let other = t.second().await;
        enqueue(&t, "k", None, t.env.now()).await;
        let first = claim(&t, &t.db).await.expect("due");
        t.clock.advance(299);
        assert_eq!(claim(&t, &other).await, None, "still leased");
        t.clock.advance(2);
        let second = claim(&t, &other).await.expect("the lease ran out");
        assert_eq!((second.id, second.attempts), (first.id, 1));
        // The first node wakes up: what it says changes nothing any more.
        jobs::settle(&t.db, &t.env, &first, &Ok(())).await.unwrap();
        assert_eq!(count(&t).await, 1);
        let failed = Err(Error::internal("too late"));
        jobs::settle(&t.db, &t.env, &first, &failed).await.unwrap();
        assert_eq!(claim(&t, &t.db).await, None, "the second still holds it");
        jobs::settle(&other, &t.env, &second, &Ok(()))
            .await
            .unwrap();
        assert_eq!(count(&t).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_with_a_key_is_queued_once_until_it_is_done() {
    on_both(MIGRATIONS, |t| async move {
        let now = t.env.now();
        assert!(enqueue(&t, "k", Some("seal"), now).await);
        assert!(!enqueue(&t, "k", Some("seal"), now).await);
        assert!(enqueue(&t, "k", Some("other"), now).await);
        assert!(enqueue(&t, "k", None, now).await && enqueue(&t, "k", None, now).await);
        while let Some(job) = claim(&t, &t.db).await {
            jobs::settle(&t.db, &t.env, &job, &Ok(())).await.unwrap();
        }
        assert!(enqueue(&t, "k", Some("seal"), now).await, "done, so again");
        // With the caller's transaction the job is gone too.
        let result: kernel::Result<()> = transaction!(t.db, |tx| {
            jobs::enqueue(tx, &t.env, "k", Some("undone"), "{}", now).await?;
            Err(Error::NotFound)
        });
        assert!(result.is_err());
        assert_eq!(count(&t).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_failing_job_waits_longer_each_time_and_at_most_a_day() {
    on_both(MIGRATIONS, |t| async move {
        enqueue(&t, "k", None, t.env.now()).await;
        let mut pauses = Vec::new();
        for _ in 0..14 {
            let job = claim(&t, &t.db).await.expect("due");
            let failed = Err(Error::internal("no such printer"));
            jobs::settle(&t.db, &t.env, &job, &failed).await.unwrap();
            let run_at = number(&t.db, "SELECT run_at FROM job").await;
            let pause = (run_at - t.env.now().0) / Timestamp::SECOND;
            pauses.push(pause);
            t.clock.advance(pause - 1);
            assert_eq!(claim(&t, &t.db).await, None);
            t.clock.advance(1);
        }
        assert_eq!(pauses[..4], [30, 60, 120, 240]);
        assert_eq!(pauses[12..], [86_400, 86_400]);
        let mut tx = t.db.read().await.unwrap();
        let row = tx.one("SELECT last_error FROM job", args![]).await.unwrap();
        assert!(row.get::<String>(0).unwrap().contains("no such printer"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_panics_stops_no_other_job() {
    on_both(MIGRATIONS, |t| async move {
        enqueue(&t, "bad", None, t.env.now()).await;
        enqueue(&t, "good", None, t.env.now().plus_seconds(-1)).await;
        enqueue(&t, "good", None, t.env.now()).await;
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let good: Handler = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        });
        let bad: Handler = Arc::new(|_| Box::pin(async { panic!("on purpose") }));
        let (stop, stopped) = watch::channel(false);
        let handlers = HashMap::from([("bad", bad), ("good", good)]);
        let runner = tokio::spawn(jobs::run(t.db.clone(), t.env.clone(), handlers, stopped));
        for _ in 0..100 {
            let failed = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE last_error IS NOT NULL";
            if done.load(Ordering::SeqCst) == 2 && number(&t.db, failed).await == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(count(&t).await, 1, "the bad one waits for its next try");
        stop.send(true).expect("it still runs");
        runner.await.expect("it ends well");
        assert_eq!(done.load(Ordering::SeqCst), 2);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_frees_what_a_dead_node_held() {
    on_both(MIGRATIONS, |t| async move {
        enqueue(&t, "k", None, t.env.now().plus_seconds(-4 * 3600)).await;
        let held = claim(&t, &t.db).await.expect("due");
        assert!(claim(&t, &t.db).await.is_none(), "held by a lease");
        t.clock.advance(-3 * 3600);
        let again = claim(&t, &t.db).await.expect("the lease lies hours ahead");
        assert_eq!(again.id, held.id);
        assert!(claim(&t, &t.db).await.is_none(), "the new lease binds");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_takes_long_keeps_its_lease_as_long_as_it_renews_it() {
    on_both(MIGRATIONS, |t| async move {
        let other = t.second().await;
        enqueue(&t, "k", None, t.env.now()).await;
        let mut job = claim(&t, &t.db).await.expect("due");
        for _ in 0..4 {
            t.clock.advance(200);
            assert!(jobs::renew(&t.db, &t.env, &mut job).await.unwrap());
            assert_eq!(claim(&t, &other).await, None, "still leased");
        }
        t.clock.advance(301);
        let mut second = claim(&t, &other).await.expect("not renewed in time");
        assert!(!jobs::renew(&t.db, &t.env, &mut job).await.unwrap());
        assert!(jobs::renew(&other, &t.env, &mut second).await.unwrap());
        let done = jobs::settle(&other, &t.env, &second, &Ok(()));
        done.await.unwrap();
        assert_eq!(count(&t).await, 0);
    })
    .await;
}

#[tokio::test]
async fn only_failed_jobs_that_nobody_has_are_hastened_or_dropped() {
    on_both(MIGRATIONS, |t| async move {
        let now = t.env.now();
        enqueue(&t, "k", Some("fails"), now).await;
        let job = claim(&t, &t.db).await.expect("due");
        enqueue(&t, "k", Some("waits"), now.plus_seconds(50)).await;
        let hasten =
            async |id| transaction!(t.db, |tx| jobs::run_now(tx, &t.env, id).await).unwrap();
        let drop = async |id| transaction!(t.db, |tx| jobs::drop_failed(tx, &t.env, id).await);
        assert!(!hasten(job.id).await, "runs, has not failed");
        let failed = Err(Error::internal("no room"));
        jobs::settle(&t.db, &t.env, &job, &failed).await.unwrap();
        assert_eq!(jobs::failed(&t.db).await.unwrap(), 1);
        let list = jobs::list(&t.db, 10).await.unwrap();
        assert!(
            list[0].id == job.id && list[0].attempts == 1,
            "failed ones come first"
        );
        assert!(list[0].last_error.as_deref().unwrap().contains("no room"));
        assert_eq!(list[1].last_error, None);
        assert!(!hasten(list[1].id).await && !drop(list[1].id).await.unwrap());
        assert_eq!(claim(&t, &t.db).await, None, "waits for its pause");
        assert!(hasten(job.id).await);
        let again = claim(&t, &t.db).await.expect("due at once");
        assert!(!drop(job.id).await.unwrap(), "it runs");
        jobs::settle(&t.db, &t.env, &again, &failed).await.unwrap();
        assert!(drop(job.id).await.unwrap());
        assert_eq!(count(&t).await, 1);
    })
    .await;
}
