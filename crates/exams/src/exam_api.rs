//! The JSON API of officers: examinations listed, made, published; results.

use axum::Json;
use axum::extract::{Path, Query, State as With};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Error, Id, Msg, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::model::{Shows, Takes, Terms};
use crate::office::{Details, Held, Office};
use crate::results::Figures;
use crate::store::making::{self, Filter};
use crate::store::reached::{self, Mark};
use crate::{READ, RESULTS, WRITE};

const PAGE: i64 = 100;
/// Results of one page.
const RESULTS_PAGE: i64 = 1_000;

pub(crate) fn routes() -> Routes<Office> {
    let [read, write, results] = [READ, WRITE, RESULTS].map(Policy::Permission);
    Routes::new()
        .get("/api/v1/exams", read, list)
        .post("/api/v1/exams", write, make)
        .get("/api/v1/exams/{id}", read, show)
        .post("/api/v1/exams/{id}/publication", write, publish)
        .get("/api/v1/exams/{id}/results", results, results_of)
}

fn body(h: &Held, now: kernel::Timestamp) -> Value {
    let t = &h.exam.terms;
    json!({ "id": h.exam.id, "unit": t.unit, "kind": t.kind, "title": t.title, "state": h.state(now), "version": h.version,
        "opens": t.opens.rfc3339(), "closes": t.closes.rfc3339(), "seconds": t.seconds, "grace_seconds": t.grace, "late_seconds": t.late,
        "attempts": t.attempts, "takes": t.takes.code(), "pass_thousandths": t.pass, "shows": t.shows.code(), "level": h.about.level,
        "makes_up": h.about.makes_up })
}

#[derive(Deserialize)]
struct ListQuery {
    unit: Option<UnitId>,
    kind: Option<String>,
    state: Option<String>,
    page: Option<i64>,
}

async fn list(
    With(s): With<Office>,
    access: Access,
    Query(q): Query<ListQuery>,
) -> Result<Response, Failure> {
    if let Some(unit) = q.unit {
        s.exams.organization.unit(unit, &access.scope).await?;
    }
    let state = crate::exam_pages::STATES
        .into_iter()
        .find(|s| Some(*s) == q.state.as_deref());
    if q.state.is_some() && state.is_none() {
        return Err(Error::field("state", Msg::new("exam-state-wrong")).into());
    }
    let filter = Filter {
        text: String::new(),
        under: q.unit,
        kind: q.kind,
        state,
    };
    let order = Order {
        by: "opens",
        down: true,
    };
    let now = s.exams.env.now();
    let window = Window::new(q.page.unwrap_or(1), PAGE);
    let mut tx = s.exams.db.read().await?;
    let (found, total) =
        making::list(&mut tx, (&access.scope, now), &filter, order, window).await?;
    let items: Vec<Value> = found.iter().map(|h| body(h, now)).collect();
    Ok(Json(json!({ "total": total, "items": items })).into_response())
}

async fn show(
    With(s): With<Office>,
    access: Access,
    Path(id): Path<Id>,
) -> Result<Response, Failure> {
    let held = s.held(id, &access.scope).await?;
    Ok(Json(body(&held, s.exams.env.now())).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// Sent again with the same id it is made once.
    id: Option<Id>,
    unit: UnitId,
    kind: String,
    title: String,
    /// Microseconds since 1970 would be read by nobody: as RFC 3339.
    opens: String,
    closes: String,
    seconds: i64,
    #[serde(default)]
    grace_seconds: i64,
    late_seconds: Option<i64>,
    attempts: Option<i64>,
    takes: Option<String>,
    pass_thousandths: Option<i64>,
    shows: Option<String>,
    #[serde(default)]
    notice: String,
    #[serde(default)]
    level: String,
    makes_up: Option<Id>,
}

fn moment(field: &str, text: &str) -> Result<kernel::Timestamp, Error> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| kernel::Timestamp(at.as_microsecond()))
        .map_err(|_| Error::field(field, Msg::new("exam-moment-wrong")))
}

async fn make(
    With(s): With<Office>,
    access: Access,
    actor: Actor,
    Json(new): Json<New>,
) -> Result<Response, Failure> {
    let takes = new
        .takes
        .as_deref()
        .map_or(Some(Takes::Best), Takes::of_code);
    let shows = new
        .shows
        .as_deref()
        .map_or(Some(Shows::ByHand), Shows::of_code);
    let terms = Terms {
        unit: new.unit,
        kind: new.kind,
        title: new.title,
        opens: moment("opens", &new.opens)?,
        closes: moment("closes", &new.closes)?,
        seconds: new.seconds,
        grace: new.grace_seconds,
        late: new.late_seconds,
        attempts: new.attempts.unwrap_or(1),
        takes: takes.ok_or_else(|| Error::field("takes", Msg::new("exam-takes-wrong")))?,
        pass: new.pass_thousandths,
        shows: shows.ok_or_else(|| Error::field("shows", Msg::new("exam-shows-wrong")))?,
    };
    let about = Details {
        notice: new.notice,
        level: new.level,
        makes_up: new.makes_up,
    };
    let id = new.id.unwrap_or_else(|| s.exams.env.new_id());
    s.make(id, &terms, &about, &access.scope, actor).await?;
    let held = s.held(id, &access.scope).await?;
    Ok((StatusCode::CREATED, Json(body(&held, s.exams.env.now()))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
    version: i64,
}

async fn publish(
    With(s): With<Office>,
    access: Access,
    actor: Actor,
    Path(id): Path<Id>,
    Json(p): Json<Publication>,
) -> Result<Response, Failure> {
    s.publish(id, p.version, &access.scope, actor).await?;
    let held = s.held(id, &access.scope).await?;
    Ok(Json(body(&held, s.exams.env.now())).into_response())
}

#[derive(Deserialize)]
struct After {
    /// Where the page before ended.
    after: Option<String>,
}

async fn results_of(
    With(s): With<Office>,
    access: Access,
    Path(id): Path<Id>,
    Query(q): Query<After>,
) -> Result<Response, Failure> {
    const ORDER: Order = Order {
        by: "number",
        down: false,
    };
    let held = s.held(id, &access.scope).await?;
    let mark = match q.after.as_deref() {
        None => None,
        Some(text) => {
            let wrong = || Error::field("after", Msg::new("exam-after-wrong"));
            Some(Mark::read(text, ORDER).ok_or_else(wrong)?)
        }
    };
    let filter = reached::Filter {
        counted: true,
        ..reached::Filter::default()
    };
    let mut tx = s.exams.db.read().await?;
    let mut whole = Figures::default();
    for (_, figures) in reached::by_unit(&mut tx, &held.exam).await? {
        whole.add(&figures);
    }
    let at = (mark.as_ref(), false);
    let lines = reached::page(&mut tx, &held.exam, &filter, ORDER, at, RESULTS_PAGE).await?;
    drop(tx);
    let next = lines.last().filter(|_| lines.len() as i64 == RESULTS_PAGE);
    let next = next.map(|l| Mark::of(l, ORDER).text());
    let item = |l: &reached::Reached| {
        let c = l.counts.as_ref()?;
        Some(
            json!({ "person": l.person, "unit": l.unit, "attempt": c.attempt, "points": c.points as f64 / 1_000.0,
            "full": c.full as f64 / 1_000.0, "correct": c.correct, "role": l.state.code(), "submitted": c.submitted.rfc3339() }),
        )
    };
    let items: Vec<Value> = lines.iter().filter_map(item).collect();
    let figures = json!({ "admitted": whole.admitted, "sat": whole.sat, "counted": whole.counted, "passed": whole.passed });
    Ok(Json(json!({ "figures": figures, "items": items, "next": next })).into_response())
}

/// What `/openapi.json` says of it, beside sitting.
pub(crate) fn paths() -> Value {
    let (text, whole) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let uuid = json!({ "type": "string", "format": "uuid" });
    let at = json!({ "type": "string", "format": "date-time" });
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let query =
        |name: &str, schema: &Value| json!({ "name": name, "in": "query", "schema": schema });
    let path = json!([{ "name": "id", "in": "path", "required": true, "schema": uuid }]);
    let answer = |said: &str, schema: Value| json!({ "description": said, "content": { "application/json": { "schema": schema } } });
    let exam = json!({ "type": "object", "properties": {
        "id": uuid, "unit": uuid, "kind": text, "title": text, "version": whole, "opens": at, "closes": at, "seconds": whole,
        "state": { "type": "string", "enum": crate::exam_pages::STATES }, "grace_seconds": whole,
        "late_seconds": { "type": ["integer", "null"] }, "attempts": whole, "takes": { "type": "string", "enum": ["best", "last", "first"] },
        "pass_thousandths": { "type": ["integer", "null"] }, "shows": { "type": "string", "enum": ["at-once", "after-close", "by-hand"] },
        "level": text, "makes_up": { "type": ["string", "null"] },
    } });
    let page = json!({ "type": "object", "properties": { "total": whole, "items": { "type": "array", "items": exam } } });
    let new = json!({ "type": "object", "required": ["unit", "kind", "title", "opens", "closes", "seconds"], "properties": {
        "id": uuid, "unit": uuid, "kind": text, "title": text, "opens": at, "closes": at, "seconds": whole, "grace_seconds": whole,
        "late_seconds": whole, "attempts": whole, "takes": text, "pass_thousandths": whole, "shows": text, "notice": text, "level": text,
        "makes_up": uuid,
    } });
    let results = json!({ "type": "object", "properties": {
        "figures": { "type": "object", "properties": { "admitted": whole, "sat": whole, "counted": whole, "passed": whole } },
        "items": { "type": "array", "items": { "type": "object", "properties": {
            "person": { "type": ["string", "null"] }, "unit": { "type": ["string", "null"] }, "attempt": uuid,
            "points": { "type": "number" }, "full": { "type": "number" }, "correct": whole,
            "role": { "type": "string", "enum": ["passed", "failed", "sat"] }, "submitted": at,
        } } },
        "next": { "type": ["string", "null"], "description": "Where the next page begins; null: this was the last" },
    } });
    let sent = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    json!({
        "/api/v1/exams": {
            "get": { "tags": ["exams"], "summary": "Examinations in the caller's scope, the latest first, 100 a page",
                "parameters": [query("unit", &uuid), query("kind", &text), query("state", &text), query("page", &whole)],
                "responses": { "200": answer("The page", page), "default": problem } },
            "post": { "tags": ["exams"], "summary": "Make a draft with an empty paper; sent again with the same id it is made once",
                "requestBody": sent(new), "responses": { "201": answer("The draft", exam.clone()), "default": problem } },
        },
        "/api/v1/exams/{id}": {
            "get": { "tags": ["exams"], "summary": "An examination", "parameters": path,
                "responses": { "200": answer("The examination", exam.clone()), "default": problem } },
        },
        "/api/v1/exams/{id}/publication": {
            "post": { "tags": ["exams"], "summary": "Publish a draft as it was looked at: its rules and paper are fixed", "parameters": path,
                "requestBody": sent(json!({ "type": "object", "required": ["version"], "properties": { "version": whole } })),
                "responses": { "200": answer("The examination", exam), "default": problem } },
        },
        "/api/v1/exams/{id}/results": {
            "get": { "tags": ["exams"], "summary": "What counts of each candidate, 1,000 a page in the order of their numbers, with figures of all",
                "parameters": [path[0], query("after", &text)],
                "responses": { "200": answer("The results", results), "default": problem } },
        },
    })
}

/// The part of the API description: sitting, and the office.
pub(crate) fn openapi() -> Value {
    let mut whole = crate::lane::openapi();
    if let (Some(into), Value::Object(more)) = (whole["paths"].as_object_mut(), paths()) {
        into.extend(more);
    }
    whole
}
