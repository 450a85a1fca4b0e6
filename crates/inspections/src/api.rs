//! The JSON API of inspections: plans and their tasks, as far as the caller may see them.

use axum::Json;
use axum::extract::{Path, Query};
use kernel::{Error, Id, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::READ;
use crate::model::{Plan, PlanState, Task, TaskState};
use crate::plan_pages::found;
use crate::planning::href;
use crate::service::{Eyes, Inspections};
use crate::store::plans::Filter;

/// Plans of one answer, at most.
const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Inspections> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/api/v1/inspections", read, list)
        .get("/api/v1/inspections/{id}", read, one)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    state: String,
    kind: String,
    year: Option<i16>,
    page: i64,
    size: i64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            state: String::new(),
            kind: String::new(),
            year: None,
            page: 1,
            size: 50,
        }
    }
}

fn row(p: &Plan, progress: (i64, i64, i64)) -> Value {
    let (given, done, findings) = progress;
    json!({
        "id": p.id, "kind": p.kind, "host": p.host, "form": p.form.0, "form_version": p.form.1, "title": p.title, "basis": p.basis,
        "opens": format_date(p.opens), "until": format_date(p.until), "repeats": p.repeats.code(), "state": p.state.code(),
        "round": p.round, "tasks": given, "done": done, "findings": findings, "href": href(p.id),
    })
}

fn task(t: &Task) -> Value {
    json!({
        "id": t.id, "unit": t.unit, "team": t.team, "object": t.object, "opens": format_date(t.opens), "until": format_date(t.until),
        "state": t.state.code(), "version": t.version, "share": t.share, "findings": t.findings, "done_on": t.done_on.map(format_date),
    })
}

async fn list(
    axum::extract::State(s): axum::extract::State<Inspections>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = Filter {
        text: String::new(),
        kind: (!asked.kind.is_empty()).then_some(asked.kind),
        state: PlanState::from_code(&asked.state),
        year: asked.year,
    };
    let order = Order {
        by: "opens",
        down: true,
    };
    let window = Window::new(asked.page, asked.size.clamp(1, MOST));
    let (plans, total, _, progress) =
        found(&s, &Eyes::from(&access), &filter, order, window).await?;
    let rows = plans
        .iter()
        .map(|p| row(p, progress.get(&p.id).copied().unwrap_or_default()));
    Ok(Json(
        json!({ "total": total, "inspections": rows.collect::<Vec<_>>() }),
    ))
}

async fn one(
    axum::extract::State(s): axum::extract::State<Inspections>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let (id, eyes): (Id, _) = (
        id.parse().map_err(|_| Error::NotFound)?,
        Eyes::from(&access),
    );
    let whole = s.whole(id, &eyes).await?;
    let tasks = s.tasks_seen(&whole, &eyes).await?;
    let done = tasks.iter().filter(|t| t.state.is_done()).count() as i64;
    let findings = tasks.iter().map(|t| t.findings).sum();
    let mut answer = row(&whole.plan, (tasks.len() as i64, done, findings));
    answer["task_list"] = tasks.iter().map(task).collect();
    Ok(Json(answer))
}

pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let no_number = json!({ "type": ["integer", "null"] });
    let day = json!({ "type": "string", "format": "date" });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let states = json!({ "type": "string", "enum": PlanState::ALL.map(PlanState::code) });
    let task_states = json!({ "type": "string", "enum": TaskState::ALL.map(TaskState::code) });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let one = json!({ "$ref": "#/components/schemas/Inspection" });
    let task = json!({ "type": "object", "properties": { "id": id, "unit": id, "team": no_id, "object": text, "opens": day, "until": day,
        "state": task_states, "version": number, "share": no_number, "findings": number, "done_on": no_day } });
    json!({
        "tags": [{ "name": "inspections", "description": "Inspections and self-checks: plans, tasks, what they found" }],
        "paths": {
            "/api/v1/inspections": { "get": {
                "tags": ["inspections"], "operationId": "inspections", "summary": "Plans of inspections that the caller may see",
                "parameters": [query("state", states.clone()), query("kind", text.clone()), query("year", number.clone()),
                    query("page", json!({ "type": "integer", "default": 1 })),
                    query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                "responses": answer(json!({ "type": "object", "properties": { "total": number, "inspections": { "type": "array", "items": one } } })),
            } },
            "/api/v1/inspections/{id}": { "get": {
                "tags": ["inspections"], "operationId": "inspection", "summary": "A plan with the tasks that the caller may see",
                "description": "Numbers of tasks and findings are those of the tasks that are shown; shares are thousandths of the points.",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": id }],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "task_list": { "type": "array", "items": task } } }] })),
            } },
        },
        "components": { "schemas": { "Inspection": { "type": "object", "properties": {
            "id": id, "kind": text, "host": id, "form": text, "form_version": number, "title": text, "basis": text, "opens": day,
            "until": day, "repeats": text, "state": states, "round": number, "tasks": number, "done": number, "findings": number,
            "href": text } } } },
    })
}
