//! The JSON API of requests, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use identity::Actor;
use kernel::format_date;
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::case::State;
use crate::model::{Ref, Request, Said, Tab};
use crate::pages::{act_of, id_of};
use crate::service::{Eyes, Requests};
use crate::store::Filter;

const MOST: i64 = 200;

pub(crate) fn routes(requests: Requests) -> Routes {
    let own = Policy::SignedIn;
    Routes::new()
        .get("/api/v1/requests", own, list)
        .get("/api/v1/requests/{id}", own, one)
        .post("/api/v1/requests/{id}/{act}", own, act)
        .with_state(requests)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    tab: String,
    kind: String,
    state: String,
    page: i64,
    size: i64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            tab: String::new(),
            kind: String::new(),
            state: String::new(),
            page: 1,
            size: 50,
        }
    }
}

fn row(r: &Request) -> Value {
    let case = &r.case;
    json!({
        "id": r.id, "kind": r.kind, "title": r.title, "detail": r.detail, "unit": r.unit, "person": r.person,
        "home": r.home, "from": r.from, "state": case.state.code(), "version": r.version, "due": format_date(case.due),
        "extended": case.extended.map(format_date), "wanted": case.wanted.map(format_date),
        "source": r.source.as_ref().map(|s| json!({ "kind": s.kind, "id": s.id, "title": s.title, "href": s.href })),
        "created_at": r.created_at.rfc3339(), "updated_at": r.updated_at.rfc3339(),
    })
}

async fn list(
    Shared(s): Shared<Requests>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let tab = Tab::from_code(&asked.tab).unwrap_or_default();
    let filter = Filter {
        kind: asked.kind,
        state: State::from_code(&asked.state),
        late: None,
    };
    let order = Order {
        by: "asked",
        down: true,
    };
    let window = Window::new(asked.page.max(1), asked.size.clamp(1, MOST));
    let eyes = Eyes::from(&access);
    let found = s.list(tab, &filter, &eyes, order, window);
    let (total, found) = found.await?;
    let rows: Value = found.iter().map(row).collect();
    Ok(Json(json!({ "total": total, "requests": rows })))
}

async fn one(
    Shared(s): Shared<Requests>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let (r, events, _) = s.request(id_of(&id)?, &Eyes::from(&access)).await?;
    let events = events.iter().map(|e| {
        json!({ "seq": e.seq, "act": e.act, "person": e.person, "day": e.day.map(format_date), "text": e.text,
            "files": e.files, "refs": e.refs, "at": e.at.rfc3339() })
    });
    let mut answer = row(&r);
    answer["events"] = events.collect();
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    version: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    refs: Vec<Ref>,
}

async fn act(
    Shared(s): Shared<Requests>,
    access: Access,
    Path((id, word)): Path<(String, String)>,
    Json(body): Json<Body>,
) -> Result<Json<Value>, Failure> {
    let act = act_of(&word, &body.day)?;
    let said = Said {
        seen: Some(body.version),
        text: body.text,
        files: Vec::new(),
        refs: body.refs,
    };
    let actor = Actor {
        account: Some(access.principal.account),
        on_behalf: access.principal.on_behalf.as_ref().map(|of| of.account),
        address: access.address.clone(),
    };
    let eyes = Eyes::from(&access);
    let done = s.act(id_of(&id)?, act, &said, &eyes, &actor);
    Ok(Json(json!({ "state": done.await?.code() })))
}

pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let day = json!({ "type": "string", "format": "date" });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let at = json!({ "type": "string", "format": "date-time" });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let tabs = Tab::ALL.map(Tab::code);
    let states = State::ALL.map(State::code);
    let acts = [
        "accept",
        "decline",
        "answer",
        "want-time",
        "give-time",
        "refuse-time",
        "confirm",
        "send-back",
        "withdraw",
    ];
    let one = json!({ "$ref": "#/components/schemas/Request" });
    let record = json!({ "type": "object", "required": ["title", "href"], "properties": { "title": text, "href": text } });
    json!({
        "tags": [{ "name": "requests", "description": "What is asked of units and people, and answered" }],
        "paths": {
            "/api/v1/requests": { "get": {
                "tags": ["requests"], "operationId": "requests", "summary": "Requests that wait for the caller, or of another tab",
                "parameters": [query("tab", json!({ "type": "string", "enum": tabs, "default": "todo" })),
                    query("kind", text.clone()), query("state", json!({ "type": "string", "enum": states })),
                    query("page", json!({ "type": "integer", "default": 1 })),
                    query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                "responses": answer(json!({ "type": "object", "properties": { "total": number,
                    "requests": { "type": "array", "items": one } } })),
            } },
            "/api/v1/requests/{id}": { "get": {
                "tags": ["requests"], "operationId": "request", "summary": "A request with its events",
                "parameters": [path("id", id.clone())],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "events": { "type": "array", "items": { "type": "object" } } } }] })),
            } },
            "/api/v1/requests/{id}/{act}": { "post": {
                "tags": ["requests"], "operationId": "actOnRequest", "summary": "Takes on, answers, confirms or takes back",
                "description": "`version` is the one that was looked at: if something happened meanwhile the answer is 409.",
                "parameters": [path("id", id.clone()), path("act", json!({ "type": "string", "enum": acts }))],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object",
                    "required": ["version"], "properties": { "version": number, "text": text, "day": day,
                    "refs": { "type": "array", "items": record } } } } } },
                "responses": answer(json!({ "type": "object", "properties": { "state": text } })),
            } },
        },
        "components": { "schemas": { "Request": { "type": "object", "properties": {
            "id": id, "kind": text, "title": text, "detail": text, "unit": no_id, "person": no_id, "home": id, "from": id,
            "state": { "type": "string", "enum": states }, "version": number, "due": day, "extended": no_day,
            "wanted": no_day, "source": { "type": ["object", "null"] }, "created_at": at, "updated_at": at } } } },
    })
}
