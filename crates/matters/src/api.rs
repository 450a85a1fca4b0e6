//! The JSON API of matters, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::model::{Answer, Content, Eyes, Filter, Matter, New, Outcome, State};
use crate::service::Matters;
use crate::typed::id_of;
use crate::{ANSWER, READ, WRITE};

const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Matters> {
    let (read, write, answering) = (
        Policy::Permission(READ),
        Policy::Permission(WRITE),
        Policy::Permission(ANSWER),
    );
    Routes::new()
        .get("/api/v1/matters", read, list)
        .post("/api/v1/matters", write, written)
        .get("/api/v1/matters/{id}", read, one)
        .post("/api/v1/matters/{id}/receipt", answering, received)
        .post("/api/v1/matters/{id}/answer", answering, answered)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    state: String,
    kind: String,
    unit: Option<UnitId>,
    year: Option<i16>,
    incoming: bool,
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
            incoming: false,
            page: 1,
            size: 50,
        }
    }
}

fn row(m: &Matter) -> Value {
    json!({
        "id": m.id, "kind": m.kind, "number": m.number, "title": m.content.title, "unit": m.unit, "to": m.to, "person": m.person,
        "state": m.state.code(), "sealed": m.sealed, "level": m.content.level, "sent_on": m.sent_on.map(format_date), "late": m.late,
        "received_on": m.received_on.map(format_date), "reply_due": m.reply_due.map(format_date), "outcome": m.outcome.map(Outcome::code),
        "replied_on": m.replied_on.map(format_date), "after_due": m.after_due.map(format_date), "after_on": m.after_on.map(format_date),
        "version": m.version, "created_at": m.created_at.rfc3339(), "updated_at": m.updated_at.rfc3339(),
    })
}

async fn list(
    Shared(s): Shared<Matters>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = Filter {
        state: State::from_code(&asked.state),
        kind: asked.kind,
        unit: asked.unit,
        year: asked.year,
        incoming: asked.incoming,
        ..Filter::default()
    };
    let order = Order {
        by: "new",
        down: true,
    };
    let window = Window::new(asked.page, asked.size.clamp(1, MOST));
    let (total, found) = s.list(&filter, &Eyes::from(&access), order, window).await?;
    Ok(Json(
        json!({ "total": total, "matters": found.iter().map(row).collect::<Value>() }),
    ))
}

async fn shown(s: &Matters, id: Id, access: &Access) -> Result<Json<Value>, Failure> {
    let w = s.matter(id, &Eyes::from(access)).await?;
    let m = &w.matter;
    let said = |said: &crate::Said| {
        let files = said
            .files
            .iter()
            .map(|f| json!({ "name": f.name, "sha256": f.sha256, "size": f.size }));
        json!({ "text": said.text, "document": said.document, "files": files.collect::<Value>() })
    };
    let mut answer = row(m);
    answer["text"] = json!(m.content.text);
    answer["values"] = json!(m.content.values);
    answer["files"] = said(&crate::Said {
        files: m.files.clone(),
        ..crate::Said::default()
    })["files"]
        .take();
    answer["reply"] = said(&m.reply);
    answer["after"] = said(&m.after);
    Ok(Json(answer))
}

async fn one(
    Shared(s): Shared<Matters>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    shown(&s, id_of(&id)?, &access).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<Id>,
    kind: String,
    unit: Option<UnitId>,
    person: Option<PersonId>,
    to: Option<UnitId>,
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    values: std::collections::BTreeMap<String, String>,
}

async fn written(
    Shared(s): Shared<Matters>,
    access: Access,
    actor: Actor,
    Json(said): Json<Written>,
) -> Result<Json<Value>, Failure> {
    let new = New {
        id: said.id.unwrap_or_else(|| s.env.new_id()),
        kind: said.kind,
        unit: said.unit,
        person: said.person,
        to: said.to,
        content: Content {
            title: said.title,
            text: said.text,
            level: said.level,
            values: said.values,
        },
    };
    let eyes = Eyes::from(&access);
    let id = s.write(&new, &[], (&eyes, &actor)).await?;
    shown(&s, id, &access).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Received {
    version: i64,
    #[serde(default)]
    text: String,
}

async fn received(
    Shared(s): Shared<Matters>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(said): Json<Received>,
) -> Result<Json<Value>, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let seen = Some(said.version);
    s.receive(id, seen, &said.text, (&eyes, &actor)).await?;
    shown(&s, id, &access).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    version: i64,
    outcome: String,
    text: String,
    #[serde(default)]
    document: String,
}

async fn answered(
    Shared(s): Shared<Matters>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(said): Json<Answered>,
) -> Result<Json<Value>, Failure> {
    let wrong = || Error::field("outcome", Msg::new("matters-choice-unknown"));
    let answer = Answer {
        outcome: Outcome::from_code(&said.outcome).ok_or_else(wrong)?,
        text: said.text,
        document: said.document,
    };
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let seen = Some(said.version);
    s.answer(id, seen, (&answer, &[]), (&eyes, &actor)).await?;
    shown(&s, id, &access).await
}

/// The description of this API.
pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let yes = json!({ "type": "boolean" });
    let no_text = json!({ "type": ["string", "null"] });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let at = json!({ "type": "string", "format": "date-time" });
    let values = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let states = json!({ "type": "string", "enum": State::ALL.map(State::code) });
    let outcomes = json!({ "type": "string", "enum": ["agreed", "partly", "refused"] });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let body = |required: Value, properties: Value| json!({ "required": true, "content": { "application/json": { "schema": { "type": "object", "required": required, "properties": properties } } } });
    let path = json!({ "name": "id", "in": "path", "required": true, "schema": id });
    let one = json!({ "$ref": "#/components/schemas/Matter" });
    let file = json!({ "type": "array", "items": { "type": "object", "properties": { "name": text, "sha256": text, "size": number } } });
    let said = json!({ "type": "object", "properties": { "text": text, "document": text, "files": file } });
    let whole = json!({ "allOf": [one, { "type": "object", "properties": { "text": text, "values": values, "files": file, "reply": said, "after": said } }] });
    json!({
        "tags": [{ "name": "matters", "description": "Matters reported and asked" }],
        "paths": {
            "/api/v1/matters": {
                "get": {
                    "tags": ["matters"], "operationId": "matters", "summary": "Matters that the client may see",
                    "parameters": [query("state", states.clone()), query("kind", text.clone()), query("unit", id.clone()), query("year", number.clone()),
                        query("incoming", yes.clone()), query("page", json!({ "type": "integer", "default": 1 })),
                        query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                    "responses": answer(json!({ "type": "object", "properties": { "total": number, "matters": { "type": "array", "items": one } } })),
                },
                "post": {
                    "tags": ["matters"], "operationId": "writeMatter", "summary": "Writes a draft; the same id twice is one. A person sends it",
                    "requestBody": body(json!(["kind", "title"]), json!({ "id": id, "kind": text, "unit": id, "person": id, "to": id, "title": text,
                        "text": text, "level": text, "values": values })),
                    "responses": answer(whole.clone()),
                },
            },
            "/api/v1/matters/{id}": { "get": {
                "tags": ["matters"], "operationId": "matter", "summary": "A matter with its answer and its report afterwards",
                "parameters": [path], "responses": answer(whole.clone()),
            } },
            "/api/v1/matters/{id}/receipt": { "post": {
                "tags": ["matters"], "operationId": "receiveMatter", "summary": "Receives what came",
                "parameters": [path], "requestBody": body(json!(["version"]), json!({ "version": number, "text": text })), "responses": answer(whole.clone()),
            } },
            "/api/v1/matters/{id}/answer": { "post": {
                "tags": ["matters"], "operationId": "answerMatter", "summary": "Answers what was asked, once",
                "parameters": [path],
                "requestBody": body(json!(["version", "outcome", "text"]), json!({ "version": number, "outcome": outcomes, "text": text, "document": text })),
                "responses": answer(whole),
            } },
        },
        "components": { "schemas": { "Matter": { "type": "object", "properties": {
            "id": id, "kind": text, "number": no_text, "title": text, "unit": id, "to": no_id, "person": no_id, "state": states,
            "sealed": yes, "level": text, "sent_on": no_day, "late": yes, "received_on": no_day, "reply_due": no_day, "outcome": no_text,
            "replied_on": no_day, "after_due": no_day, "after_on": no_day, "version": number, "created_at": at, "updated_at": at } } } },
    })
}
