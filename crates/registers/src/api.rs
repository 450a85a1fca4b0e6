//! The JSON API of registers, over the same service and scopes as the pages.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Error, Id, Msg, Timestamp, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::form_page::find;
use crate::model::{Entry, Given, New, State as Standing};
use crate::register::{Evidence, Kind, Register};
use crate::service::RegisterBook;
use crate::store::list::{By, Filter, Mark};
use crate::{READ, WRITE};

const PAGE: i64 = 100;

pub(crate) fn routes() -> Routes<RegisterBook> {
    let (read, write) = (Policy::Permission(READ), Policy::Permission(WRITE));
    Routes::new()
        .get("/api/v1/registers", read, registers)
        .get("/api/v1/registers/{code}/entries", read, list)
        .post("/api/v1/registers/{code}/entries", write, record)
        .get("/api/v1/registers/{code}/entries/{id}", read, show)
}

async fn registers(State(s): State<RegisterBook>, access: Access) -> Result<Response, Failure> {
    let numbers = s.numbers(&access.scope).await?;
    let one = |r: &Register| {
        let n = numbers.get(&r.code).copied().unwrap_or_default();
        let fields = r.fields.iter().map(|f| {
            let kind = match f.kind {
                Kind::Text => "text",
                Kind::Long => "long",
                Kind::Number => "number",
                Kind::Date => "date",
                Kind::Choice => "choice",
                Kind::Unit => "unit",
            };
            let values: Vec<_> = f.values.iter().map(|v| &v.code).collect();
            json!({ "code": f.code, "name": f.name, "kind": kind, "required": f.required, "values": values })
        });
        json!({
            "code": r.code, "name": r.name, "unit": r.unit, "fields": fields.collect::<Vec<_>>(),
            "people": r.people.as_ref().map(|p| json!({ "required": p.required, "most": p.most,
                "roles": p.roles.iter().map(|r| &r.code).collect::<Vec<_>>() })),
            "evidence": if r.evidence == Evidence::Required { "required" } else { "optional" },
            "review": r.review, "closes": r.closes, "class": r.class, "number": r.number,
            "entries_this_year": n.entries, "waiting": n.waiting,
        })
    };
    let items: Vec<Value> = s.registers.iter().map(one).collect();
    Ok(Json(json!({ "items": items })).into_response())
}

fn body(e: &Entry) -> Value {
    let c = &e.content;
    json!({
        "id": e.id, "register": e.register, "unit": e.unit, "title": c.title,
        "date": kernel::format_date(c.date), "level": c.level, "values": c.values, "people": c.people,
        "evidence": c.evidence, "declared": c.declared, "version": e.version, "accepted_version": e.accepted,
        "state": e.state, "late": e.late, "source": e.source,
        "recorded_at": Timestamp::rfc3339(e.recorded_at),
        "closed_on": e.closed_on.map(kernel::format_date), "closed_note": e.closed_note,
        "recheck_on": e.recheck_on.map(kernel::format_date),
    })
}

#[derive(Deserialize)]
struct ListQuery {
    unit: Option<UnitId>,
    class: Option<String>,
    state: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

async fn list(
    State(s): State<RegisterBook>,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<ListQuery>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    if let Some(unit) = q.unit {
        s.organization.unit(unit, &access.scope).await?;
    }
    let wrong = |field: &str, key| Error::field(field, Msg::new(key));
    let date = |field: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(t) => match kernel::parse_date(&t) {
            Some(d) => Ok(Some(d)),
            None => Err(wrong(field, "register-date-wrong")),
        },
    };
    let state = match q.state.as_deref() {
        None => None,
        Some(code) => {
            let known = Standing::from_code(code);
            Some(known.ok_or_else(|| wrong("state", "register-state-unknown"))?)
        }
    };
    let mark = match q.after.as_deref() {
        None => None,
        Some(text) => {
            let mark = Mark::read(text);
            Some(mark.ok_or_else(|| wrong("after", "register-mark-wrong"))?)
        }
    };
    let filter = Filter {
        register: Some(register.code.clone()),
        under: q.unit,
        class: q.class,
        from: date("from", q.from)?,
        to: date("to", q.to)?,
        state,
        ..Filter::default()
    };
    let by = By {
        date: true,
        down: true,
    };
    let (rows, total) = s
        .page(&access.scope, &filter, by, (mark, false), PAGE)
        .await?;
    let next = rows.last().filter(|_| rows.len() as i64 == PAGE);
    let next = next.map(|e| Mark::of(e).text());
    let items: Vec<Value> = rows.iter().map(body).collect();
    Ok(Json(json!({ "total": total, "items": items, "next": next })).into_response())
}

async fn show(
    State(s): State<RegisterBook>,
    access: Access,
    Path((code, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, _) = find(&s, &code, &id, &access.scope).await?;
    let (entry, versions, events) = s.whole(id, &access.scope).await?;
    let mut item = body(&entry);
    item["versions"] = versions
        .iter()
        .map(|(n, c)| json!({ "n": n, "content": c }))
        .collect();
    item["timeline"] = events
        .iter()
        .map(|e| {
            json!({ "act": e.act, "version": e.version, "by": e.by, "name": e.name, "on_behalf": e.on_behalf,
                "reason": e.reason, "day": e.day.map(kernel::format_date), "at": e.at.rfc3339() })
        })
        .collect();
    Ok(Json(item).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    id: Option<Id>,
    unit: UnitId,
    title: String,
    date: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
    #[serde(default)]
    people: Vec<PersonBody>,
    /// Files that were sent to `/desk/uploads` before.
    #[serde(default)]
    uploads: Vec<Id>,
    #[serde(default)]
    another: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonBody {
    staff_no: String,
    #[serde(default)]
    role: String,
}

async fn record(
    State(s): State<RegisterBook>,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Json(b): Json<NewBody>,
) -> Result<Response, Failure> {
    s.register(&code)?;
    let id = b.id.unwrap_or_else(|| s.env.new_id());
    let created = (StatusCode::CREATED, Json(json!({ "id": id })));
    // Sent twice: the first one stands.
    if let Ok(known) = s.entry(id, &access.scope).await
        && known.recorded_by == access.principal.account
        && known.register == code
    {
        return Ok(created.into_response());
    }
    let files = s
        .attachments
        .take(access.principal.account, &b.uploads)
        .await?;
    let people = b.people.into_iter().map(|p| (p.staff_no, p.role));
    let new = New {
        id,
        register: code,
        unit: b.unit,
        given: Given {
            title: b.title,
            date: b.date,
            level: b.level,
            values: b.values,
            people: people.collect(),
            evidence: s.attachments.keep(&files).await?,
            declared: None,
        },
        source: "api",
        another: b.another,
    };
    let recorded = s.record(&new, &access.scope, actor).await;
    s.attachments.release(&files).await;
    recorded?;
    Ok(created.into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let date = json!({ "type": "string", "format": "date" });
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let path = |name: &str, schema: &Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let query =
        |name: &str, schema: &Value| json!({ "name": name, "in": "query", "schema": schema });
    let answer = |said: &str, schema: &str| json!({ "description": said, "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } } });
    let state = json!({ "type": "string", "enum": Standing::ALL.map(Standing::code) });
    let values = json!({ "type": "object", "additionalProperties": { "type": "string" },
        "description": "By code of the field: numbers as decimals, choices by code, units by code or id" });
    json!({
        "paths": {
            "/api/v1/registers": {
                "get": { "summary": "The registers with their fields and this year's numbers in the caller's scope",
                    "responses": { "200": answer("All of them", "Registers"), "default": problem } },
            },
            "/api/v1/registers/{code}/entries": {
                "get": {
                    "summary": "Entries in the caller's scope, newest first, 100 a page; `next` is where the next page begins",
                    "parameters": [path("code", &text), query("unit", &uuid), query("class", &text), query("state", &state),
                        query("from", &date), query("to", &date), query("after", &text)],
                    "responses": { "200": answer("The page", "RegisterEntryPage"), "default": problem },
                },
                "post": {
                    "summary": "Enters something; with an id of the caller's own it is entered once however often it is sent",
                    "parameters": [path("code", &text)],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/NewRegisterEntry" } } } },
                    "responses": { "201": { "description": "Entered" }, "422": problem.clone(), "default": problem },
                },
            },
            "/api/v1/registers/{code}/entries/{id}": {
                "get": { "summary": "An entry with its versions and its timeline",
                    "parameters": [path("code", &text), path("id", &uuid)],
                    "responses": { "200": answer("The entry", "RegisterEntry"), "default": problem } },
            },
        },
        "components": { "schemas": {
            "Registers": { "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object", "properties": {
                "code": text, "review": { "type": "boolean" }, "closes": { "type": "boolean" }, "evidence": { "type": "string", "enum": ["required", "optional"] },
                "fields": { "type": "array", "items": { "type": "object" } }, "entries_this_year": { "type": "integer" }, "waiting": { "type": "integer" },
            } } } } },
            "NewRegisterEntry": {
                "type": "object", "required": ["unit", "title", "date"],
                "properties": {
                    "id": uuid, "unit": uuid, "title": { "type": "string", "maxLength": crate::model::LONGEST_LINE }, "date": date,
                    "level": { "type": "string", "description": "Code of its level of secrecy; by default the one usual for its register" },
                    "values": values, "another": { "type": "boolean" },
                    "people": { "type": "array", "items": { "type": "object", "required": ["staff_no"], "properties": { "staff_no": text, "role": text } } },
                    "uploads": { "type": "array", "items": uuid, "description": "Files sent to /desk/uploads before: the evidence" },
                },
            },
            "RegisterEntry": {
                "type": "object",
                "properties": {
                    "id": uuid, "register": text, "unit": uuid, "title": text, "date": date, "level": text, "values": values,
                    "people": { "type": "array", "items": { "type": "object", "properties": { "person": uuid, "unit": uuid, "role": text } } },
                    "evidence": { "type": "array", "items": { "type": "object", "properties": { "name": text, "sha256": text, "size": { "type": "integer" } } } },
                    "declared": { "type": ["integer", "null"], "description": "What a declared total comes to" },
                    "version": { "type": "integer" }, "accepted_version": { "type": ["integer", "null"], "description": "The version that counts" },
                    "state": state, "late": { "type": "boolean" }, "source": text, "recorded_at": { "type": "string", "format": "date-time" },
                    "closed_on": { "type": ["string", "null"], "format": "date" }, "closed_note": { "type": ["string", "null"] },
                    "recheck_on": { "type": ["string", "null"], "format": "date" },
                    "versions": { "type": "array", "items": { "type": "object" } }, "timeline": { "type": "array", "items": { "type": "object" } },
                },
            },
            "RegisterEntryPage": {
                "type": "object",
                "properties": { "total": { "type": "integer" }, "next": { "type": ["string", "null"] }, "items": { "type": "array", "items": { "$ref": "#/components/schemas/RegisterEntry" } } },
            },
        } },
    })
}
