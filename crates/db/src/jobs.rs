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
/// How often the lease of a running job is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(100);

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

/// Keeps a job that takes long, so that no other node takes it over; gives whether it is still ours.
pub async fn renew(db: &Db, env: &Env, job: &mut Job) -> Result<bool> {
    let until = env.now().plus_seconds(LEASE_SECONDS).0;
    let (id, seen) = (job.id, job.lease_until);
    let won = crate::transaction!(db, |tx| {
        tx.execute(
            "UPDATE job SET lease_until = $3 WHERE id = $1 AND lease_until = $2",
            args![id, seen, until],
        )
        .await
    })?;
    if won == 1 {
        job.lease_until = until;
    }
    Ok(won == 1)
}

/// A job that waits, runs or failed, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// When it is due, or due again.
    pub run_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// Until when a node has it; in the past when none has.
    pub lease_until: Timestamp,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// Jobs, failed ones first, then by when they are due.
pub async fn list(db: &Db, most: u32) -> Result<Vec<JobRow>> {
    let sql = "SELECT id, kind, run_at, attempts, lease_until, last_error FROM job
               ORDER BY CASE WHEN last_error IS NULL THEN 1 ELSE 0 END, run_at, id LIMIT $1";
    let rows = db.read().await?.query(sql, args![most]).await?;
    rows.iter()
        .map(|row| {
            Ok(JobRow {
                id: row.get(0)?,
                kind: row.get(1)?,
                run_at: row.get(2)?,
                attempts: row.get(3)?,
                lease_until: row.get(4)?,
                last_error: row.get(5)?,
            })
        })
        .collect()
}

/// How many jobs failed and wait for another try.
pub async fn failed(db: &Db) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE last_error IS NOT NULL";
    db.read().await?.one(sql, args![]).await?.get(0)
}

/// Makes a failed job that no node has due now; gives whether there was one.
pub async fn run_now(tx: &mut Tx, env: &Env, id: JobId) -> Result<bool> {
    let sql = "UPDATE job SET run_at = $2
               WHERE id = $1 AND last_error IS NOT NULL AND lease_until <= $2";
    Ok(tx.execute(sql, args![id, env.now()]).await? == 1)
}

/// Takes a failed job that no node has off the table; gives whether there was one.
pub async fn drop_failed(tx: &mut Tx, env: &Env, id: JobId) -> Result<bool> {
    let sql = "DELETE FROM job WHERE id = $1 AND last_error IS NOT NULL AND lease_until <= $2";
    Ok(tx.execute(sql, args![id, env.now()]).await? == 1)
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

/// Runs a job to its end, however long it takes.
async fn work_off(db: &Db, env: &Env, handler: &Handler, job: &mut Job) -> Result<()> {
    let given = job.clone();
    // A job that panics is a failed one, like any other; the rest goes on.
    let mut work = std::pin::pin!(AssertUnwindSafe(async { handler(given).await }).catch_unwind());
    loop {
        tokio::select! {
            done = &mut work => {
                return done.unwrap_or_else(|_| Err(Error::internal("the job panicked")));
            }
            () = tokio::time::sleep(RENEW_EVERY) => match renew(db, env, job).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(job.kind = job.kind, "another node took the job over"),
                Err(e) => tracing::warn!(error = %e, "the lease of a job was not renewed"),
            },
        }
    }
}

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
            Ok(Some(mut job)) => {
                let result = match handlers.get(job.kind.as_str()) {
                    Some(handler) => work_off(&db, &env, handler, &mut job).await,
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
