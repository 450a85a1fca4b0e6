//! What runs by the clock on every server (定时任务): backups, reminders, and the end of a rotation of keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use db::Db;
use db::jobs::Handler;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use jiff::ToSpan;
use jiff::civil::{DateTime, Time};
use kernel::{Env, Error, Msg, Result, Timestamp};

use crate::doctor::State;
use crate::rooms::Rooms;
use crate::world::{World, make_folder, not_written};
use crate::{Config, backup, keys};

/// A scheduled backup.
const BACKUP: &str = "backup";
/// Tells people of what is still to be done.
const REMINDERS: &str = "obligation-reminders";
/// When, by the clock on the wall; a server that was off then does it when it comes back.
const REMIND_AT: Time = Time::constant(8, 0, 0, 0);
/// Drafts the reports whose day has come.
const DRAFTS: &str = "report-drafts";
/// Before people come to work.
const DRAFT_AT: Time = Time::constant(6, 0, 0, 0);
/// Wraps what a rotation of keys has left.
const REWRAP: &str = "rewrap-keys";
const HOUR: i64 = 3600;
/// A daily backup that is older than this was missed.
const LATE_HOURS: i64 = 26;

/// Handlers by kind of job. A node without a schedule makes no backups for others: it has no place for
/// them.
pub fn jobs(world: &World, rooms: &Rooms) -> Vec<(&'static str, Handler)> {
    let (node, vault) = (world.clone(), rooms.vault.clone());
    let rewrap: Handler = Arc::new(move |_| {
        let (world, vault) = (node.clone(), vault.clone());
        Box::pin(async move {
            vault.reload()?;
            let done = keys::rewrap(&world.db, &vault, |_, _| {}).await?;
            if done > 0 {
                tracing::info!(done, "data keys were wrapped by the new master key");
            }
            next_rewrap(&world).await
        })
    });
    let (node, all_rooms) = (world.clone(), rooms.clone());
    let remind: Handler = Arc::new(move |_| {
        let (world, rooms) = (node.clone(), all_rooms.clone());
        Box::pin(async move {
            let began = world.env.now();
            morning(&rooms).await?;
            let at = next(REMIND_AT, &world.env, began)?;
            queue(&world, REMINDERS, at, "").await
        })
    });
    let (node, reports) = (world.clone(), rooms.reports.clone());
    let draft: Handler = Arc::new(move |_| {
        let (world, reports) = (node.clone(), reports.clone());
        Box::pin(async move {
            let began = world.env.now();
            let drafted = reports.draft_due().await?;
            if drafted > 0 {
                tracing::info!(drafted, "reports were drafted");
            }
            let at = next(DRAFT_AT, &world.env, began)?;
            queue(&world, DRAFTS, at, "").await
        })
    });
    let mut all = vec![(REWRAP, rewrap), (REMINDERS, remind), (DRAFTS, draft)];
    if let Some(at) = world.config.operation.backup_at {
        let world = world.clone();
        let backup: Handler = Arc::new(move |job| {
            let world = world.clone();
            Box::pin(async move {
                let began = world.env.now();
                scheduled(&world, &job.payload).await?;
                next_backup(&world, at, began).await
            })
        });
        all.push((BACKUP, backup));
    }
    all
}

/// What each room does in the morning. A room that fails does not hold up the others: all are asked again a little later, and
/// none does a thing twice.
async fn morning(rooms: &Rooms) -> Result<()> {
    let both = |(a, b): (usize, usize)| a + b;
    let steps: [(&str, BoxFuture<'_, Result<usize>>); 12] = [
        ("requests", rooms.requests.remind().boxed()),
        ("inspections", rooms.inspections.repeat().boxed()),
        ("names of cases", rooms.cases.seal_reporters().boxed()),
        ("look backs of cases", rooms.cases.look_back().boxed()),
        ("cases", rooms.cases.remind().boxed()),
        ("campaigns", rooms.campaigns.remind().boxed()),
        ("commitments", rooms.commitments.remind().boxed()),
        ("tasks", rooms.tasks.remind().boxed()),
        ("matters", rooms.matters.remind().boxed()),
        ("self-reports", rooms.answering.mind().map_ok(both).boxed()),
        ("projects", rooms.projects.remind().map_ok(both).boxed()),
        (
            "obligations",
            rooms.obligations.remind().map_ok(both).boxed(),
        ),
    ];
    let mut failed = None;
    for (room, step) in steps {
        match step.await {
            Ok(0) => {}
            Ok(done) => tracing::info!(room, done, "what was due this morning was done"),
            Err(e) => {
                tracing::warn!(room, error = %e, "what was due this morning failed");
                failed = failed.or(Some(e));
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Queues what runs by the clock; what is queued already stays once.
pub async fn plan(world: &World) -> Result<()> {
    if let Some(at) = world.config.operation.backup_at {
        next_backup(world, at, world.env.now()).await?;
    }
    // Today's too, if its hour has gone: what was told or drafted already is not told or drafted again.
    for (kind, time) in [(REMINDERS, REMIND_AT), (DRAFTS, DRAFT_AT)] {
        let today = DateTime::from_parts(world.env.today(), time);
        let today = today
            .to_zoned(world.env.zone().clone())
            .map_err(Error::internal)?;
        let at = Timestamp(today.timestamp().as_microsecond());
        queue(world, kind, at, "").await?;
    }
    next_rewrap(world).await
}

async fn next_rewrap(world: &World) -> Result<()> {
    let hour = world.env.now().0 / (HOUR * Timestamp::SECOND) + 1;
    queue(
        world,
        REWRAP,
        Timestamp(hour * HOUR * Timestamp::SECOND),
        "",
    )
    .await
}

async fn next_backup(world: &World, at: Time, after: Timestamp) -> Result<()> {
    let next = next(at, &world.env, after)?;
    let local = jiff::Timestamp::from_microsecond(next.0).map_err(Error::internal)?;
    let name = local.to_zoned(world.env.zone().clone());
    let name = name.strftime("suneng-%Y%m%d-%H%M.tar.gz").to_string();
    queue(world, BACKUP, next, &name).await
}

async fn queue(world: &World, kind: &str, at: Timestamp, payload: &str) -> Result<()> {
    let key = format!("{kind}-{}", at.0 / Timestamp::SECOND);
    db::transaction!(world.db, |tx| {
        db::jobs::enqueue(tx, &world.env, kind, Some(&key), payload, at)
            .await
            .map(|_| ())
    })
}

/// The first instant after another at which the clock on the wall shows this time. What comes again is queued from the
/// instant at which it began, not at which it ended: otherwise work that ran past its next time would leave out a day.
fn next(at: Time, env: &Env, after: Timestamp) -> Result<Timestamp> {
    let mut date = after.date(env.zone());
    loop {
        let zoned = DateTime::from_parts(date, at)
            .to_zoned(env.zone().clone())
            .map_err(Error::internal)?;
        let instant = Timestamp(zoned.timestamp().as_microsecond());
        if instant > after {
            return Ok(instant);
        }
        date = date.checked_add(1.day()).map_err(Error::internal)?;
    }
}

/// Makes one backup and removes those that are too many.
async fn scheduled(world: &World, name: &str) -> Result<()> {
    let operation = &world.config.operation;
    make_folder(&operation.backup_folder)?;
    let to = operation.backup_folder.join(name);
    if !to.exists() {
        let (world, to) = (world.clone(), to.clone());
        let runtime = tokio::runtime::Handle::current();
        // Packing would hold up the requests that this thread answers.
        let work = move || runtime.block_on(async { backup::backup(&world, &to).await });
        let manifest = tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)??;
        for sha256 in &manifest.damaged {
            tracing::warn!(sha256, "a damaged file was backed up as it is");
        }
    }
    tracing::info!(file = %to.display(), "backed up");
    let all = made(&operation.backup_folder)?;
    for old in all.iter().rev().skip(operation.backup_keep) {
        std::fs::remove_file(old).map_err(|e| not_written(old, &e))?;
        tracing::info!(file = %old.display(), "an old backup was removed");
    }
    Ok(())
}

/// The scheduled backups of a folder, oldest first; other files are left alone.
fn made(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(not_written(folder, &e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| not_written(folder, &e))?;
        if moment(&entry.file_name().to_string_lossy()).is_some() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// When a scheduled backup was due, by its name.
fn moment(name: &str) -> Option<DateTime> {
    DateTime::strptime("suneng-%Y%m%d-%H%M.tar.gz", name).ok()
}

/// Seconds since the newest scheduled backup was due.
pub fn newest_age(world: &World) -> Option<i64> {
    newest(&world.config, &world.env).ok()?.map(|(_, age)| age)
}

fn newest(config: &Config, env: &Env) -> Result<Option<(PathBuf, i64)>> {
    let Some(file) = made(&config.operation.backup_folder)?.pop() else {
        return Ok(None);
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let at = moment(&name).and_then(|at| at.to_zoned(env.zone().clone()).ok());
    let at = at.ok_or_else(|| Error::internal("a name that was read before"))?;
    let age = env.now().0 - at.timestamp().as_microsecond();
    Ok(Some((file.clone(), age / Timestamp::SECOND)))
}

/// What `doctor` says about backups and jobs.
pub async fn findings(config: &Config, env: &Env, db: &Db) -> Result<Vec<(State, Msg)>> {
    let mut found = Vec::new();
    if config.operation.backup_at.is_some() {
        let folder = config.operation.backup_folder.display();
        found.push(match newest(config, env)? {
            None => (
                State::Warn,
                Msg::new("doctor-backup-none").with("folder", folder),
            ),
            Some((file, age)) => {
                let hours = age / HOUR;
                let (state, key) = if hours > LATE_HOURS {
                    (State::Bad, "doctor-backup-old")
                } else {
                    (State::Ok, "doctor-backup")
                };
                let msg = Msg::new(key).with("file", file.display());
                (state, msg.with("hours", hours))
            }
        });
    }
    for job in db::jobs::list(db, 20).await? {
        if let Some(reason) = job.last_error {
            let msg = Msg::new("doctor-job-failed")
                .with("kind", job.kind)
                .with("attempts", job.attempts);
            found.push((State::Warn, msg.with("reason", reason)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ran_past_its_next_time_leaves_out_no_day() {
        let clock = kernel::TestClock::noon(2026, 11, 20);
        let env = Env::with_clock(clock.clone());
        let began = env.now();
        // A server that slept, or work of many hours: it is later than the next time when it ends.
        clock.advance(3 * 24 * HOUR);
        let again = next(REMIND_AT, &env, began).unwrap();
        assert_eq!(again, began.plus_seconds(20 * HOUR));
        assert!(again < env.now(), "it is due at once");
        let then = next(REMIND_AT, &env, env.now()).unwrap();
        assert_eq!(then, began.plus_seconds((3 * 24 + 20) * HOUR));
    }
}
