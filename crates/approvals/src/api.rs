//! The JSON API of approvals, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use kernel::{Error, Id, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes, Shell};

use crate::case::State;
use crate::model::{Approval, Asked, By, Outcome, Tab};
use crate::pages::scope_of;
use crate::service::Approvals;

const MOST: u64 = 200;

pub(crate) fn routes(approvals: Approvals) -> Routes {
    let own = Policy::SignedIn;
    Routes::new()
        .get("/api/v1/approvals", own, list)
        .get("/api/v1/approvals/{id}", own, one)
        .post("/api/v1/approvals/{id}/{act}", own, act)
        .with_state(approvals)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    tab: String,
    kind: String,
    state: String,
    page: u64,
    size: u64,
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

fn row(a: &Approval) -> Value {
    json!({
        "id": a.id, "kind": a.kind, "unit": a.unit, "applicant": a.case.applicant, "subject": a.case.subject,
        "state": a.case.state.code(), "round": a.case.round, "step": a.case.step as i64,
        "steps": a.case.route.steps.len(), "due": a.due.map(format_date), "created_at": a.created_at.rfc3339(),
        "updated_at": a.updated_at.rfc3339(), "waiting": a.case.waiting().collect::<Vec<_>>(),
    })
}

async fn list(
    Shared(s): Shared<Approvals>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let tab = Tab::from_code(&asked.tab).unwrap_or_default();
    let (me, scope) = (access.principal.person, scope_of(&access));
    let filter = (asked.kind.as_str(), State::from_code(&asked.state));
    let window = (asked.page.max(1), asked.size.clamp(1, MOST));
    let (total, found) = s.list(tab, filter, me, &scope, window).await?;
    let rows: Value = found.iter().map(row).collect();
    Ok(Json(json!({ "total": total, "approvals": rows })))
}

async fn one(
    Shared(s): Shared<Approvals>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let found = s
        .approval(id, access.principal.person, &scope_of(&access))
        .await?;
    let (a, events, turn) = found;
    let events = events.iter().map(|e| {
        json!({ "seq": e.seq, "round": e.round, "step": e.step, "act": e.act, "person": e.person,
            "acted_for": e.acted_for, "other": e.other, "reason": e.reason, "signed": e.signed,
            "at": e.at.rfc3339() })
    });
    let mut answer = row(&a);
    answer["payload"] = a.payload.clone();
    answer["hash"] = json!(a.hash);
    answer["intact"] = json!(a.intact);
    answer["erased"] = json!(a.erased_at.is_some());
    answer["my_turn"] = json!(turn.is_some());
    answer["events"] = events.collect();
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    round: i64,
    step: i64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    staff_no: String,
    #[serde(default)]
    password: String,
}

async fn act(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
    Json(body): Json<Body>,
) -> Result<Json<Value>, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let asked = Asked {
        act,
        seen: (body.round, body.step),
        reason: body.reason,
        other: body.staff_no,
        password: body.password,
    };
    let by = By::of(&access)?;
    match s.act(id, &asked, &by, &scope_of(&access)).await? {
        Outcome::Done(state) => Ok(Json(json!({ "state": state.code() }))),
        Outcome::NotApplied(why) => Ok(Json(
            json!({ "state": "open", "not_applied": notices::say(shell.catalog(), shell.lang(), why.key, &why.args) }),
        )),
    }
}

pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let at = json!({ "type": "string", "format": "date-time" });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let tabs: Vec<&str> = Tab::ALL.iter().map(|tab| tab.code()).collect();
    let states: Vec<&str> = State::ALL.iter().map(|state| state.code()).collect();
    let acts = [
        "agree", "return", "refuse", "delegate", "add", "withdraw", "remind",
    ];
    let one = json!({ "$ref": "#/components/schemas/Approval" });
    json!({
        "tags": [{ "name": "approvals", "description": "What is asked for and decided" }],
        "paths": {
            "/api/v1/approvals": { "get": {
                "tags": ["approvals"], "operationId": "approvals", "summary": "Approvals that wait for the caller, or of another tab",
                "parameters": [query("tab", json!({ "type": "string", "enum": tabs, "default": "waiting" })),
                    query("kind", text.clone()), query("state", json!({ "type": "string", "enum": states })),
                    query("page", json!({ "type": "integer", "default": 1 })),
                    query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                "responses": answer(json!({ "type": "object", "properties": { "total": number,
                    "approvals": { "type": "array", "items": one } } })),
            } },
            "/api/v1/approvals/{id}": { "get": {
                "tags": ["approvals"], "operationId": "approval", "summary": "An approval with its events",
                "parameters": [path("id", id.clone())],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "payload": { "type": "object" }, "hash": text, "intact": { "type": "boolean" },
                    "erased": { "type": "boolean" }, "my_turn": { "type": "boolean" }, "events": { "type": "array", "items": { "type": "object" } } } }] })),
            } },
            "/api/v1/approvals/{id}/{act}": { "post": {
                "tags": ["approvals"], "operationId": "actOnApproval", "summary": "Decides, hands over, takes back or reminds",
                "description": "`round` and `step` are those that were looked at: if others decided meanwhile the answer is 409.",
                "parameters": [path("id", id.clone()), path("act", json!({ "type": "string", "enum": acts }))],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object",
                    "required": ["round", "step"], "properties": { "round": number, "step": number, "reason": text,
                    "staff_no": text, "password": text } } } } },
                "responses": answer(json!({ "type": "object", "properties": { "state": text, "not_applied": text } })),
            } },
        },
        "components": { "schemas": { "Approval": { "type": "object", "properties": {
            "id": id, "kind": text, "unit": id, "applicant": id, "subject": no_id,
            "state": { "type": "string", "enum": states }, "round": number, "step": number, "steps": number,
            "due": { "type": ["string", "null"], "format": "date" }, "created_at": at, "updated_at": at,
            "waiting": { "type": "array", "items": id } } } } },
    })
}
