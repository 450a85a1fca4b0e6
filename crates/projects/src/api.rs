//! The JSON API of projects, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use identity::Actor;
use kernel::{Date, Error, Id, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::model::{Eyes, Filter, NewEntry, Project, State, What};
use crate::service::Projects;
use crate::{READ, WRITE};
use desk::id_of;

const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Projects> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/api/v1/projects", read, list)
        .get("/api/v1/projects/{id}", read, one)
        .post(
            "/api/v1/projects/{id}/notes",
            Policy::Permission(WRITE),
            note,
        )
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    state: String,
    kind: String,
    unit: Option<UnitId>,
    year: Option<i16>,
    page: i64,
    size: i64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            state: String::new(),
            kind: String::new(),
            unit: None,
            year: None,
            page: 1,
            size: 50,
        }
    }
}

fn row(p: &Project) -> Value {
    json!({
        "id": p.id, "kind": p.kind, "number": p.number, "title": p.content.title, "unit": p.unit, "lead": p.lead, "state": p.state.code(),
        "stage": p.stage, "from": format_date(p.content.from), "due": format_date(p.content.due), "until": format_date(p.until),
        "started_on": p.started_on.map(format_date), "closed_on": p.closed_on.map(format_date), "outcome": p.outcome.map(crate::Outcome::code),
        "milestones": p.counts[0], "settled": p.counts[1], "late": p.counts[2], "version": p.version,
        "created_at": p.created_at.rfc3339(), "updated_at": p.updated_at.rfc3339(),
    })
}

async fn list(
    Shared(s): Shared<Projects>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = Filter {
        state: State::from_code(&asked.state),
        kind: asked.kind,
        unit: asked.unit,
        year: asked.year,
        ..Filter::default()
    };
    let order = Order {
        by: "from",
        down: true,
    };
    let window = Window::new(asked.page, asked.size.clamp(1, MOST));
    let (total, found) = s.list(&filter, &Eyes::from(&access), order, window).await?;
    Ok(Json(
        json!({ "total": total, "projects": found.iter().map(row).collect::<Value>() }),
    ))
}

async fn one(
    Shared(s): Shared<Projects>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let w = s.project(id_of(&id)?, &Eyes::from(&access)).await?;
    let c = &w.project.content;
    let mut answer = row(&w.project);
    answer["goals"] = json!(c.goals);
    answer["values"] = json!(c.values);
    answer["milestones_list"] = w
        .milestones
        .iter()
        .map(|m| json!({ "no": m.no, "text": m.text, "owner": m.owner, "due": format_date(m.due), "until": format_date(m.until),
            "done_on": m.done_on.map(format_date), "let_go": m.dropped }))
        .collect();
    answer["members"] = w
        .members
        .iter()
        .map(|m| json!({ "person": m.person, "role": m.role, "unit": m.unit, "since": format_date(m.since), "left_on": m.left_on.map(format_date) }))
        .collect();
    answer["entries"] = w
        .entries
        .iter()
        .map(|e| json!({ "id": e.id, "what": e.what.code(), "day": format_date(e.day), "place": e.place, "text": e.text, "struck": e.struck.is_some() }))
        .collect();
    let parts = w.accepted().map(|r| &r.parts);
    answer["report"] = json!(parts);
    answer["problems"] = w
        .problems
        .iter()
        .map(|r| json!({ "no": r.no, "unit": r.unit, "case": r.case, "solved": r.solved }))
        .collect();
    answer["adopted"] = w
        .adopted
        .iter()
        .map(|a| json!({ "no": a.no, "document": a.document, "on": format_date(a.on) }))
        .collect();
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Noted {
    id: Option<Id>,
    #[serde(default)]
    what: String,
    day: String,
    text: String,
    #[serde(default)]
    place: String,
    #[serde(default)]
    heard: String,
}

async fn note(
    Shared(s): Shared<Projects>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(said): Json<Noted>,
) -> Result<Json<Value>, Failure> {
    let wrong = || Error::field("what", kernel::Msg::new("projects-choice-unknown"));
    let what = match said.what.as_str() {
        "" => What::Note,
        code => What::from_code(code).ok_or_else(wrong)?,
    };
    let day: Date = desk::day_of("day", &said.day)?;
    let new = NewEntry {
        id: said.id.unwrap_or_else(|| s.env.new_id()),
        what,
        day,
        place: said.place,
        heard: said.heard,
        text: said.text,
    };
    let eyes = Eyes::from(&access);
    let entry = s
        .write_down(id_of(&id)?, &new, &[], (&eyes, &actor))
        .await?;
    Ok(Json(
        json!({ "id": entry, "what": what.code(), "day": format_date(day) }),
    ))
}

/// The description of this API.
pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let no_text = json!({ "type": ["string", "null"] });
    let day = json!({ "type": "string", "format": "date" });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let at = json!({ "type": "string", "format": "date-time" });
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let states = json!({ "type": "string", "enum": State::ALL.map(State::code) });
    let whats = json!({ "type": "string", "enum": What::ALL.map(What::code) });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let path = json!({ "name": "id", "in": "path", "required": true, "schema": id });
    let one = json!({ "$ref": "#/components/schemas/Project" });
    json!({
        "tags": [{ "name": "projects", "description": "Projects and research: approved, run by milestones, reviewed" }],
        "paths": {
            "/api/v1/projects": { "get": {
                "tags": ["projects"], "operationId": "projects", "summary": "Projects of units",
                "parameters": [query("state", states.clone()), query("kind", text.clone()), query("unit", id.clone()), query("year", number.clone()),
                    query("page", json!({ "type": "integer", "default": 1 })),
                    query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                "responses": answer(json!({ "type": "object", "properties": { "total": number, "projects": { "type": "array", "items": one } } })),
            } },
            "/api/v1/projects/{id}": { "get": {
                "tags": ["projects"], "operationId": "project", "summary": "A project with milestones, members, entries, report and what came of it",
                "parameters": [path],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "goals": text, "values": { "type": "object" }, "milestones_list": objects, "members": objects, "entries": objects,
                    "report": { "type": ["object", "null"] }, "problems": objects, "adopted": objects } }] })),
            } },
            "/api/v1/projects/{id}/notes": { "post": {
                "tags": ["projects"], "operationId": "noteProject", "summary": "Writes down progress, a result, a visit or a hearing; the same id twice is one",
                "parameters": [path],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["day", "text"],
                    "properties": { "id": id, "what": whats, "day": day, "text": text, "place": text, "heard": text } } } } },
                "responses": answer(json!({ "type": "object", "properties": { "id": id, "what": text, "day": day } })),
            } },
        },
        "components": { "schemas": { "Project": { "type": "object", "properties": {
            "id": id, "kind": text, "number": no_text, "title": text, "unit": id, "lead": id, "state": states, "stage": text, "from": day,
            "due": day, "until": day, "started_on": no_day, "closed_on": no_day, "outcome": no_text, "milestones": number, "settled": number,
            "late": number, "version": number, "created_at": at, "updated_at": at } } } },
    })
}
