//! The JSON API of campaigns, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use identity::Actor;
use kernel::{Error, Id, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::model::{Campaign, Eyes, Filter, State};
use crate::service::Campaigns;
use crate::{READ, REPORT};
use desk::id_of;

const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Campaigns> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/api/v1/campaigns", read, list)
        .get("/api/v1/campaigns/{id}", read, one)
        .post(
            "/api/v1/campaigns/{id}/reports",
            Policy::Permission(REPORT),
            report,
        )
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    state: String,
    kind: String,
    unit: Option<UnitId>,
    taking: Option<UnitId>,
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
            taking: None,
            year: None,
            page: 1,
            size: 50,
        }
    }
}

fn row(c: &Campaign) -> Value {
    json!({
        "id": c.id, "kind": c.kind, "title": c.content.title, "unit": c.unit, "parent": c.parent, "node": c.node, "state": c.state.code(),
        "from": format_date(c.content.from), "to": format_date(c.content.to), "closed_on": c.closed_on.map(format_date),
        "joined": c.joined, "absent": c.absent, "version": c.version, "created_at": c.created_at.rfc3339(), "updated_at": c.updated_at.rfc3339(),
    })
}

async fn list(
    Shared(s): Shared<Campaigns>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let filter = Filter {
        state: State::from_code(&asked.state),
        kind: asked.kind,
        unit: asked.unit,
        taking: asked.taking,
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
        json!({ "total": total, "campaigns": found.iter().map(row).collect::<Value>() }),
    ))
}

async fn one(
    Shared(s): Shared<Campaigns>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let c = &w.campaign;
    let problems = s.problems(c, &w.kind, &access.scope).await?;
    let lines = s.lines(c, &access.scope).await?;
    let mut answer = row(c);
    answer["goals"] = json!(c.content.goals);
    answer["plan_number"] = json!(w.issued().and_then(|p| p.number.clone()));
    answer["phases"] = json!(c.content.phases);
    answer["measures"] = c
        .content
        .measures
        .iter()
        .map(|m| json!({ "no": m.no, "text": m.text, "unit": m.unit, "due": format_date(m.due), "done_on": w.done.get(&m.no).map(|d| format_date(d.on)) }))
        .collect();
    answer["units"] = w
        .units
        .iter()
        .map(|t| json!({ "unit": t.unit, "joined": t.joined, "reason": t.reason, "percent": w.reports.get(&t.unit).map(|r| r.percent) }))
        .collect();
    answer["claims"] = lines
        .iter()
        .map(|l| json!({ "track": l.taken.track, "claim": l.taken.claim.code, "categories": l.taken.categories, "value": l.cell.n, "rows": l.cell.rows }))
        .collect();
    answer["problems"] = json!({ "found": problems.found, "solved": problems.solved });
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    unit: UnitId,
    percent: i64,
    text: String,
}

async fn report(
    Shared(s): Shared<Campaigns>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(said): Json<Report>,
) -> Result<Json<Value>, Failure> {
    let (id, eyes): (Id, Eyes) = (id_of(&id)?, Eyes::from(&access));
    s.report(
        (id, said.unit),
        (said.percent, &said.text),
        &[],
        (&eyes, &actor),
    )
    .await?;
    let w = s.campaign(id, &eyes).await?;
    let last = w.reports.get(&said.unit).ok_or(Error::NotFound)?;
    Ok(Json(
        json!({ "unit": last.unit, "seq": last.seq, "percent": last.percent, "text": last.said, "at": last.at.rfc3339() }),
    ))
}

/// The description of this API.
pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let day = json!({ "type": "string", "format": "date" });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let at = json!({ "type": "string", "format": "date-time" });
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let states = json!({ "type": "string", "enum": State::ALL.map(State::code) });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let path = json!({ "name": "id", "in": "path", "required": true, "schema": id });
    let one = json!({ "$ref": "#/components/schemas/Campaign" });
    json!({
        "tags": [{ "name": "campaigns", "description": "Campaigns: planned, issued, run by units, scored, closed" }],
        "paths": {
            "/api/v1/campaigns": { "get": {
                "tags": ["campaigns"], "operationId": "campaigns", "summary": "Campaigns of units, and those that name them",
                "parameters": [query("state", states.clone()), query("kind", text.clone()), query("unit", id.clone()), query("taking", id.clone()),
                    query("year", number.clone()), query("page", json!({ "type": "integer", "default": 1 })),
                    query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                "responses": answer(json!({ "type": "object", "properties": { "total": number, "campaigns": { "type": "array", "items": one } } })),
            } },
            "/api/v1/campaigns/{id}": { "get": {
                "tags": ["campaigns"], "operationId": "campaign", "summary": "A campaign with units, measures and what it claims of the ledger",
                "parameters": [path],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "goals": text, "plan_number": { "type": ["string", "null"] }, "phases": objects, "measures": objects, "units": objects,
                    "claims": objects, "problems": { "type": "object", "properties": { "found": number, "solved": number } } } }] })),
            } },
            "/api/v1/campaigns/{id}/reports": { "post": {
                "tags": ["campaigns"], "operationId": "reportCampaign", "summary": "Reports how far a unit is",
                "parameters": [path],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["unit", "percent", "text"],
                    "properties": { "unit": id, "percent": { "type": "integer", "minimum": 0, "maximum": 100 }, "text": text } } } } },
                "responses": answer(json!({ "type": "object", "properties": { "unit": id, "seq": number, "percent": number, "text": text, "at": at } })),
            } },
        },
        "components": { "schemas": { "Campaign": { "type": "object", "properties": {
            "id": id, "kind": text, "title": text, "unit": id, "parent": no_id, "node": no_id, "state": states, "from": day, "to": day,
            "closed_on": no_day, "joined": number, "absent": number, "version": number, "created_at": at, "updated_at": at } } } },
    })
}
