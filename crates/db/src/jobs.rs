//! Background work: one table, lease rows, safe with several nodes.
//!
//! A job is claimed by a conditional update on its lease; a node that dies lets the lease run out and
//! another takes over. Jobs must therefore be idempotent. A job with a key exists once.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Env, Error, JobId, Result, Timestamp};
use tokio::sync::watch;

use crate::{Db, Migration, Tx, args};

/// The table.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "jobs_20261121_table",
    sql: "CREATE TABLE job (
            id {blob} PRIMARY KEY,
            kind TEXT NOT NULL,
            unique_key TEXT UNIQUE,
            payload TEXT NOT NULL,
            run_at BIGINT NOT NULL,
            attempts BIGINT NOT NULL,
            lease_until BIGINT NOT NULL,
            last_error TEXT);
          CREATE INDEX job_run_at ON job (run_at);",
}];

/// How long a claimed job is left alone before another node may take it.
const LEASE_SECONDS: i64 = 300;

/// A job that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// JSON for the handler.
    pub payload: String,
    /// How often it was tried before.
    pub attempts: i64,
    lease_until: i64,
}

/// Queues a job inside the caller's transaction; with a key that is already queued nothing happens.
/// Gives whether it was queued.
pub async fn enqueue(
    tx: &mut Tx,
    env: &Env,
    kind: &str,
    key: Option<&str>,
    payload: &str,
    run_at: Timestamp,
) -> Result<bool> {
    let id: JobId = env.new_id();
    let added = tx
        .execute(
            "INSERT INTO job (id, kind, unique_key, payload, run_at, attempts, lease_until)
             VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (unique_key) DO NOTHING",
            args![id, kind, key, payload, run_at],
        )
        .await?;
    Ok(added == 1)
}

/// Claims the job that is due longest, of the given kinds; `None` when nothing is due.
pub async fn claim(db: &Db, env: &Env, kinds: &[&str]) -> Result<Option<Job>> {
    let now = env.now();
    crate::transaction!(db, |tx| {
        // A lease far in the future comes from a clock that was set back since: it does not bind.
        let mut a = args![now, now.plus_seconds(2 * LEASE_SECONDS)];
        let list = a.list(kinds.iter().copied());
        let due = tx
            .query(
                format!(
                    "SELECT id, kind, payload, attempts, lease_until FROM job
                     WHERE run_at <= $1 AND (lease_until <= $1 OR lease_until > $2) AND kind IN ({list})
                     ORDER BY run_at LIMIT 5"
                ),
                a,
            )
            .await?;
        for row in due {
            let (id, seen): (JobId, i64) = (row.get(0)?, row.get(4)?);
            let until = now.plus_seconds(LEASE_SECONDS).0;
            let won = tx
                .execute(
                    "UPDATE job SET lease_until = $3, attempts = attempts + 1 WHERE id = $1 AND lease_until = $2",
                    args![id, seen, until],
                )
                .await?;
            if won == 1 {
                return Ok(Some(Job {
                    id,
                    kind: row.get(1)?,
                    payload: row.get(2)?,
                    attempts: row.get(3)?,
                    lease_until: until,
                }));
            }
        }
        Ok(None)
    })
}

/// Takes a finished job off the table, or leaves it for a later try, doubling the pause each time up
/// to a day. Nothing happens when the lease was lost meanwhile.
pub async fn settle(db: &Db, env: &Env, job: &Job, result: &Result<()>) -> Result<()> {
    crate::transaction!(db, |tx| {
        match result {
            Ok(()) => {
                tx.execute(
                    "DELETE FROM job WHERE id = $1 AND lease_until = $2",
                    args![job.id, job.lease_until],
                )
                .await?;
            }
            Err(e) => {
                let pause = (30i64 << job.attempts.min(12)).min(86_400);
                tx.execute(
                    "UPDATE job SET lease_until = 0, run_at = $3, last_error = $4
                     WHERE id = $1 AND lease_until = $2",
                    args![
                        job.id,
                        job.lease_until,
                        env.now().plus_seconds(pause),
                        e.to_string()
                    ],
                )
                .await?;
            }
        }
        Ok(())
    })
}

/// How many jobs are due and claimed by nobody.
pub async fn due(db: &Db, env: &Env) -> Result<i64> {
    let row = db
        .read()
        .await?
        .one(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE run_at <= $1 AND lease_until <= $1",
            args![env.now()],
        )
        .await?;
    row.get(0)
}

/// Runs one kind of job.
pub type Handler = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Runs due jobs until told to stop; looks once a second when idle.
pub async fn run(
    db: Db,
    env: Env,
    handlers: HashMap<&'static str, Handler>,
    mut stop: watch::Receiver<bool>,
) {
    let kinds: Vec<_> = handlers.keys().copied().collect();
    while !*stop.borrow() {
        match claim(&db, &env, &kinds).await {
            Ok(Some(job)) => {
                let result = match handlers.get(job.kind.as_str()) {
                    // A job that panics is a failed one, like any other; the rest goes on.
                    Some(handler) => AssertUnwindSafe(async { handler(job.clone()).await })
                        .catch_unwind()
                        .await
                        .unwrap_or_else(|_| Err(Error::internal("the job panicked"))),
                    None => Err(Error::internal(format!(
                        "no handler for job kind {}",
                        job.kind
                    ))),
                };
                if let Err(e) = &result {
                    tracing::warn!(job.kind = job.kind, job.id = %job.id, error = %e, "job `{}` failed", job.kind);
                }
                if let Err(e) = settle(&db, &env, &job, &result).await {
                    tracing::warn!(error = %e, "a job could not be settled; its lease will run out");
                }
                continue;
            }
            Ok(None) => {}
            Err(e) => tracing::warn!(error = %e, "jobs cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            _ = stop.changed() => {}
        }
    }
}
