//! Whether the program lives and can work: `/healthz`, `/readyz`, `/metrics`. Open to anybody who
//! reaches the listen address; none of them says anything about persons or content.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{Error, Result};
use metrics::gauge;
use serde_json::{Map, Value, json};
use web::{Module, Policy, Routes};

use crate::metrics::{measure_process, recorder};
use crate::modules::{migrations, texts};
use crate::schedule;
use crate::world::World;

/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// A file is written for a check at most this often.
const FILE_CHECK_EVERY: Duration = Duration::from_secs(10);

struct Health {
    world: World,
    files: Mutex<Option<(Instant, bool)>>,
}

/// The routes, and the texts of rooms that have no pages.
pub fn module(world: &World) -> Module {
    let health = Arc::new(Health {
        world: world.clone(),
        files: Mutex::default(),
    });
    Module {
        name: "suneng",
        routes: Routes::new()
            .get("/healthz", Policy::Public, async || "ok\n")
            .get("/readyz", Policy::Public, ready)
            .get("/metrics", Policy::Public, show_metrics)
            .with_state(health),
        messages: texts(),
        ..Module::default()
    }
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::internal("no answer in time")),
    }
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    let world = &health.world;
    let all = migrations();
    let (database, migrated, tail, files) = tokio::join!(
        within(world.db.ping()),
        within(async { Ok(db::pending(&world.db, &all).await?.is_empty()) }),
        within(world.ledger.tail()),
        health.files_writable(),
    );
    let checks = [
        ("database", database.is_ok()),
        ("migrations", migrated.unwrap_or(false)),
        ("files", files),
        ("tail", tail.is_ok_and(|(n, _)| n <= ledger::TAIL_LIMIT)),
    ];
    let ready = checks.iter().all(|(_, ok)| *ok);
    let checks: Map<String, Value> = checks
        .into_iter()
        .map(|(name, ok)| (name.to_owned(), json!(if ok { "ok" } else { "failed" })))
        .collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": ready, "checks": checks, "version": env!("CARGO_PKG_VERSION") });
    let mut response = (status, Json(body)).into_response();
    if !ready {
        let soon = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}

impl Health {
    async fn files_writable(&self) -> bool {
        let known = *self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, ok)) = known
            && at.elapsed() < FILE_CHECK_EVERY
        {
            return ok;
        }
        let now = self.world.env.now().0.to_string();
        let ok = within(self.world.files.put_named("health/written", now))
            .await
            .is_ok();
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), ok));
        ok
    }
}

async fn show_metrics(State(health): State<Arc<Health>>) -> Response {
    let Some(recorder) = recorder() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let world = &health.world;
    let (size, tail, due, failed) = tokio::join!(
        within(world.ledger.size()),
        within(world.ledger.tail()),
        within(db::jobs::due(&world.db, &world.env)),
        within(db::jobs::failed(&world.db)),
    );
    // What cannot be measured now is no number, never an old one.
    gauge!("ledger_size").set(size.map_or(f64::NAN, |n| n as f64));
    gauge!("jobs_failed").set(failed.map_or(f64::NAN, |n| n as f64));
    if world.config.operation.backup_at.is_some() {
        let age = schedule::newest_age(world);
        gauge!("backup_age_seconds").set(age.map_or(f64::NAN, |seconds| seconds as f64));
    }
    gauge!("jobs_due").set(due.map_or(f64::NAN, |n| n as f64));
    let (tail, age) = tail.map_or((f64::NAN, f64::NAN), |(n, age)| (n as f64, age));
    gauge!("ledger_tail").set(tail);
    gauge!("ledger_tail_age_seconds").set(age);
    measure_process();
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (kind, recorder.render()).into_response()
}
