//! The JSON API of tasks, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use identity::Actor;
use kernel::{Date, Id, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::model::{
    Entry, EntryState, Eyes, Line, Plan, Report, ReportState, month_of, month_text,
};
use crate::reports::Written;
use crate::service::Tasks;
use crate::store::PlanFilter;
use crate::store::entries::EntryFilter;
use crate::store::reports::ReportFilter;
use crate::{READ, REPORT};
use desk::id_of;

const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Tasks> {
    let (read, report) = (Policy::Permission(READ), Policy::Permission(REPORT));
    Routes::new()
        .get("/api/v1/tasks/plans", read, plans)
        .get("/api/v1/tasks/entries", read, entries)
        .get("/api/v1/tasks/entries/{id}", read, entry)
        .get("/api/v1/tasks/reports", read, reports)
        .get("/api/v1/tasks/reports/{id}", read, report_one)
        .post("/api/v1/tasks/reports/{id}", report, write)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    year: Option<i16>,
    month: String,
    state: String,
    unit: Option<UnitId>,
    page: i64,
    size: i64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            year: None,
            month: String::new(),
            state: String::new(),
            unit: None,
            page: 1,
            size: 50,
        }
    }
}

impl Search {
    fn window(&self) -> Window {
        Window::new(self.page, self.size.clamp(1, MOST))
    }
}

fn day(date: Option<Date>) -> Option<String> {
    date.map(format_date)
}

fn plan_row(p: &Plan) -> Value {
    json!({ "id": p.id, "kind": p.kind.code, "unit": p.unit, "year": p.year, "title": p.title, "goals": p.goals, "state": p.state.code(),
        "n": p.n, "issued_on": day(p.issued_on), "closed_on": day(p.closed_on), "version": p.version })
}

fn entry_row(e: &Entry) -> Value {
    let c = &e.content;
    json!({ "id": e.id, "plan": e.plan, "number": e.call(), "parent": e.parent, "carried_from": e.carried_from, "text": c.text, "target": c.target,
        "unit": c.unit, "person": c.person, "leader": c.leader, "owner": c.owner, "from": format_date(c.from), "to": format_date(c.to),
        "claim": c.claim.as_ref().map(|c| &c.code), "wanted": c.wanted, "weight": c.weight, "duty": c.duty, "state": e.state.code(),
        "percent": e.percent, "said": e.said, "ended_on": day(e.ended_on), "version": e.version })
}

fn report_row(r: &Report) -> Value {
    json!({ "id": r.id, "unit": r.unit, "month": month_text(r.month), "due": format_date(r.due), "state": r.state.code(),
        "handed_on": day(r.handed_on), "accepted_on": day(r.accepted_on), "returns": r.returns, "omitted": r.omitted, "version": r.version })
}

async fn plans(
    Shared(s): Shared<Tasks>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = PlanFilter {
        year: asked.year,
        state: crate::PlanState::from_code(&asked.state),
        unit: asked.unit,
    };
    let (total, found) = s
        .plans(&filter, &Eyes::from(&access), asked.window())
        .await?;
    let rows: Value = found.iter().map(|(p, ..)| plan_row(p)).collect();
    Ok(Json(json!({ "total": total, "plans": rows })))
}

async fn entries(
    Shared(s): Shared<Tasks>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = EntryFilter {
        year: asked.year,
        state: EntryState::from_code(&asked.state),
        unit: asked.unit,
        issued: true,
        ..EntryFilter::default()
    };
    let order = Order {
        by: "number",
        down: false,
    };
    let (total, found) = s
        .list(&filter, &Eyes::from(&access), order, asked.window())
        .await?;
    let rows: Value = found.iter().map(entry_row).collect();
    Ok(Json(json!({ "total": total, "entries": rows })))
}

async fn entry(
    Shared(s): Shared<Tasks>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let w = s.entry(id_of(&id)?, &Eyes::from(&access)).await?;
    let mut answer = entry_row(&w.entry);
    answer["parts"] = w.parts.iter().map(entry_row).collect();
    let milestones = w.entry.content.milestones.iter();
    answer["milestones"] = milestones
        .map(|m| json!({ "month": month_text(m.month), "text": m.text }))
        .collect();
    Ok(Json(answer))
}

async fn reports(
    Shared(s): Shared<Tasks>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = ReportFilter {
        month: month_of(&asked.month),
        unit: asked.unit,
        states: ReportState::from_code(&asked.state).into_iter().collect(),
        ..ReportFilter::default()
    };
    let (total, found) = s.reports(&filter, &access.scope, asked.window()).await?;
    let rows: Value = found.iter().map(report_row).collect();
    Ok(Json(json!({ "total": total, "reports": rows })))
}

async fn report_one(
    Shared(s): Shared<Tasks>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let w = s.report(id_of(&id)?, &Eyes::from(&access)).await?;
    let r = &w.report;
    let mut answer = report_row(r);
    answer["summary"] = json!(r.summary);
    answer["problems"] = json!(r.problems);
    answer["next"] = json!(r.next);
    let lines = w.owed.iter().map(|o| {
        json!({ "entry": o.entry.id, "number": o.entry.call(), "text": o.entry.content.text, "percent": o.line.percent, "said": o.line.said,
            "reached_on": day(o.line.reached_on), "counted": o.counted, "omitted": o.line.is_omitted() })
    });
    answer["lines"] = lines.collect();
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    version: i64,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    problems: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    lines: Vec<SentLine>,
    #[serde(default)]
    hand_in: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentLine {
    entry: Id,
    percent: i64,
    said: String,
    #[serde(default)]
    reached_on: Option<Date>,
}

async fn write(
    Shared(s): Shared<Tasks>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let line = |l: SentLine| Line {
        entry: l.entry,
        percent: l.percent,
        said: l.said,
        reached_on: l.reached_on,
        counted: None,
    };
    let written = Written {
        summary: sent.summary,
        problems: sent.problems,
        next: sent.next,
        lines: sent.lines.into_iter().map(line).collect(),
    };
    s.write((id, sent.version), &written, sent.hand_in, (&eyes, &actor))
        .await?;
    let w = s.report(id, &eyes).await?;
    Ok(Json(report_row(&w.report)))
}

/// The description of the API.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let date = json!({ "type": "string", "format": "date" });
    let maybe = json!({ "type": ["string", "null"], "format": "date" });
    let id = json!({ "type": "string", "format": "uuid" });
    let maybe_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let plan = json!({ "type": "object", "properties": { "id": id, "kind": text, "unit": id, "year": number, "title": text,
        "goals": { "type": "array", "items": text }, "state": { "type": "string", "enum": ["draft", "asked", "issued", "closed"] },
        "n": number, "issued_on": maybe, "closed_on": maybe, "version": number } });
    let entry = json!({ "type": "object", "properties": { "id": id, "plan": id, "number": text, "parent": maybe_id, "carried_from": maybe_id,
        "text": text, "target": text, "unit": id, "person": maybe_id, "leader": maybe_id, "owner": text, "from": date, "to": date,
        "claim": { "type": ["string", "null"] }, "wanted": { "type": ["integer", "null"] }, "weight": { "type": ["integer", "null"] }, "duty": text,
        "state": { "type": "string", "enum": ["open", "reached", "dropped", "carried"] }, "percent": number, "said": text, "ended_on": maybe,
        "version": number } });
    let report = json!({ "type": "object", "properties": { "id": id, "unit": id, "month": text, "due": date,
        "state": { "type": "string", "enum": ["open", "handed", "returned", "accepted"] }, "handed_on": maybe, "accepted_on": maybe,
        "returns": number, "omitted": number, "version": number } });
    let sent = json!({ "type": "object", "required": ["version"], "properties": { "version": number, "summary": text, "problems": text, "next": text,
        "hand_in": { "type": "boolean" }, "lines": { "type": "array", "items": { "type": "object", "required": ["entry", "percent", "said"],
            "properties": { "entry": id, "percent": number, "said": text, "reached_on": maybe } } } } });
    let list = |name: &str, item: &Value| {
        json!({ "200": { "description": "OK", "content": { "application/json": { "schema": { "type": "object",
        "properties": { "total": number, name: { "type": "array", "items": item } } } } } } })
    };
    let one = |item: &Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": item } } } });
    let asked = |names: &[&str]| -> Value {
        let kind = |name: &str| match name {
            "year" | "page" | "size" => number.clone(),
            "unit" => id.clone(),
            _ => text.clone(),
        };
        names
            .iter()
            .map(|name| json!({ "name": name, "in": "query", "schema": kind(name) }))
            .collect()
    };
    let at = json!([{ "name": "id", "in": "path", "required": true, "schema": id }]);
    json!({
        "tags": [{ "name": "tasks", "description": "Yearly plans, their entries, monthly reports" }],
        "paths": {
            "/api/v1/tasks/plans": { "get": { "tags": ["tasks"], "operationId": "taskPlans", "summary": "Plans of units",
                "parameters": asked(&["year", "state", "unit", "page", "size"]), "responses": list("plans", &plan) } },
            "/api/v1/tasks/entries": { "get": { "tags": ["tasks"], "operationId": "taskEntries", "summary": "Entries of issued plans",
                "parameters": asked(&["year", "state", "unit", "page", "size"]), "responses": list("entries", &entry) } },
            "/api/v1/tasks/entries/{id}": { "get": { "tags": ["tasks"], "operationId": "taskEntry", "summary": "An entry with its parts and milestones",
                "parameters": at, "responses": one(&entry) } },
            "/api/v1/tasks/reports": { "get": { "tags": ["tasks"], "operationId": "taskReports", "summary": "Monthly reports of units",
                "parameters": asked(&["month", "state", "unit", "page", "size"]), "responses": list("reports", &report) } },
            "/api/v1/tasks/reports/{id}": {
                "get": { "tags": ["tasks"], "operationId": "taskReport", "summary": "A monthly report with its lines", "parameters": at,
                    "responses": one(&report) },
                "post": { "tags": ["tasks"], "operationId": "writeTaskReport", "summary": "Writes a monthly report, or hands it in", "parameters": at,
                    "requestBody": { "required": true, "content": { "application/json": { "schema": sent } } }, "responses": one(&report) },
            },
        },
    })
}
