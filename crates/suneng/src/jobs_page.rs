//! `/admin/jobs`: what waits, runs and failed in the background (后台任务); a failed job can be run now
//! or dropped.

use axum::extract::{Path, State};
use axum::response::Response;
use db::jobs::JobRow;
use identity::Actor;
use kernel::{Error, JobId, Timestamp};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Failure, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::World;

/// May see and settle background jobs.
pub const JOBS: &str = "jobs.manage";
/// More jobs than this are not shown; failed ones come first.
const MOST: u32 = 200;

/// The page.
pub fn module(world: &World) -> Module {
    let allowed = Policy::Permission(JOBS);
    Module {
        name: "jobs",
        routes: Routes::new()
            .get("/admin/jobs", allowed, show)
            .post("/admin/jobs/{id}/run", allowed, run_now)
            .post("/admin/jobs/{id}/drop", allowed, drop_failed)
            .with_state(world.clone()),
        menu: vec![MenuEntry {
            group: MenuGroup::Manage,
            order: 95,
            label_key: "jobs",
            href: "/admin/jobs",
            icon: "checklist",
            permission: Some(JOBS),
        }],
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/jobs.ftl")),
            (Lang::En, include_str!("../locales/en/jobs.ftl")),
        ],
        templates: vec![("jobs/jobs.html", include_str!("../templates/jobs.html"))],
        samples: samples(),
        ..Module::default()
    }
}

/// The name of a kind in the reader's language; one without a name is shown as it is.
fn kind_name(shell: &Shell, kind: &str) -> String {
    const NAMED: [(&str, &str); 6] = [
        ("backup", "jobs-kind-backup"),
        ("rewrap-keys", "jobs-kind-rewrap-keys"),
        ("obligation-reminders", "jobs-kind-obligation-reminders"),
        ("inspection-pack", "jobs-kind-inspection-pack"),
        ("report-drafts", "jobs-kind-report-drafts"),
        ("purge-sessions", "jobs-kind-purge-sessions"),
    ];
    let named = NAMED.iter().find(|(code, _)| *code == kind);
    named.map_or_else(|| kind.to_owned(), |(_, key)| shell.t(key))
}

fn line(shell: &Shell, job: &JobRow, now: Timestamp) -> Value {
    let running = job.lease_until > now;
    let failed = job.last_error.is_some();
    let (key, tone) = match (running, failed) {
        (true, _) => ("jobs-running", Tone::Brand),
        (false, true) => ("jobs-failed", Tone::Bad),
        (false, false) if job.run_at <= now => ("jobs-due", Tone::Warn),
        (false, false) => ("jobs-waiting", Tone::Plain),
    };
    json!({
        "id": job.id.to_string(),
        "kind": kind_name(shell, &job.kind),
        "at": job.run_at.0,
        "attempts": job.attempts,
        "error": job.last_error,
        "state": Tag { text: shell.t(key), tone, icon: None },
        "open": failed && !running,
    })
}

async fn show(State(world): State<World>, shell: Shell) -> Result<Response, Failure> {
    let jobs = db::jobs::list(&world.db, MOST).await?;
    let now = world.env.now();
    let failed = jobs.iter().filter(|job| job.last_error.is_some()).count();
    let lines: Vec<Value> = jobs.iter().map(|job| line(&shell, job, now)).collect();
    let context = json!({ "lines": lines, "failed": failed });
    shell.page("jobs/jobs.html", context)
}

async fn run_now(
    State(world): State<World>,
    shell: Shell,
    actor: Actor,
    Path(id): Path<JobId>,
) -> Result<Response, Failure> {
    let entry = actor.audit("job.hastened", ("job", id), Value::Null);
    db::transaction!(world.db, |tx| {
        if !db::jobs::run_now(tx, &world.env, id).await? {
            return Err(Error::NotFound);
        }
        identity::record(tx, &world.env, &entry).await
    })?;
    shell.done("/admin/jobs", "jobs-hastened")
}

async fn drop_failed(
    State(world): State<World>,
    shell: Shell,
    actor: Actor,
    Path(id): Path<JobId>,
) -> Result<Response, Failure> {
    let jobs = db::jobs::list(&world.db, MOST).await?;
    let job = jobs.into_iter().find(|job| job.id == id);
    let job = job.ok_or(Error::NotFound)?;
    let detail = json!({ "kind": job.kind, "attempts": job.attempts, "error": job.last_error });
    let entry = actor.audit("job.dropped", ("job", id), detail);
    db::transaction!(world.db, |tx| {
        if !db::jobs::drop_failed(tx, &world.env, id).await? {
            return Err(Error::NotFound);
        }
        identity::record(tx, &world.env, &entry).await
    })?;
    // What runs by the clock goes on at its next time.
    crate::modules::schedule(&world).await?;
    shell.done("/admin/jobs", "jobs-dropped")
}

fn samples() -> Vec<(&'static str, Value)> {
    let line = |open: bool, error: Value| {
        json!({
            "id": "0", "kind": "k", "at": 0, "attempts": 1, "error": error, "open": open,
            "state": { "text": "x", "tone": "bad", "icon": null },
        })
    };
    let full = json!({ "lines": [line(true, json!("e")), line(false, Value::Null)], "failed": 1 });
    vec![
        ("jobs/jobs.html", full),
        ("jobs/jobs.html", json!({ "lines": [], "failed": 0 })),
    ]
}
