//! The JSON API of units and people, over the same service as the pages.

use axum::Json;
use axum::extract::{Query, State};
use kernel::{Error, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::Window;
use web::{Access, Failure, Policy, Routes, Shell};

use crate::pages::{READ, date_or};
use crate::service::Organization;
use crate::store::RosterQuery;

const MOST: u64 = 500;

pub(crate) fn routes(organization: Organization) -> Routes {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/api/v1/units", read, units)
        .get("/api/v1/persons", read, persons)
        .with_state(organization)
}

async fn units(State(org): State<Organization>, access: Access) -> Result<Json<Value>, Failure> {
    let units = org.units(&access.scope).await?;
    // What stands above the scope is not told.
    let seen: std::collections::HashSet<UnitId> = units.iter().map(|u| u.id).collect();
    let units = units.into_iter().map(|u| {
        json!({
            "id": u.id,
            "parent": u.parent.filter(|p| seen.contains(p)),
            "code": u.code,
            "name": u.name,
            "category": u.category,
            "credit_code": Some(u.credit_code).filter(|c| !c.is_empty()),
            "from": format_date(u.from),
            "to": u.to.map(format_date),
        })
    });
    Ok(Json(json!({ "units": units.collect::<Value>() })))
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    unit: String,
    date: String,
    subtree: bool,
    q: String,
    page: u64,
    size: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            unit: String::new(),
            date: String::new(),
            subtree: true,
            q: String::new(),
            page: 1,
            size: 100,
        }
    }
}

async fn persons(
    State(org): State<Organization>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Failure> {
    let date = date_or(&asked.date, shell.env().today())?;
    let unit: UnitId = asked.unit.parse().map_err(|_| Error::NotFound)?;
    org.unit(unit, &access.scope).await?;
    let query = RosterQuery {
        text: asked.q,
        ..RosterQuery::new(unit, date, asked.subtree)
    };
    let size = asked.size.clamp(1, MOST);
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let window = Window::new(signed(asked.page), signed(size));
    let (total, rows) = org.roster_page(&query, &access.scope, window).await?;
    let persons = rows.into_iter().map(|e| {
        json!({
            "id": e.person,
            "staff_no": e.staff_no,
            "name": e.name,
            "unit": e.unit,
            "unit_name": e.unit_name,
            "post": e.post,
        })
    });
    Ok(Json(json!({
        "date": format_date(date),
        "total": total,
        "persons": persons.collect::<Value>(),
    })))
}

pub(crate) fn openapi() -> Value {
    let parameter = |name: &str, required: bool, schema: Value| json!({ "name": name, "in": "query", "required": required, "schema": schema });
    let text = json!({ "type": "string" });
    let id = json!({ "type": "string", "format": "uuid" });
    let date = json!({ "type": "string", "format": "date" });
    let no_date = json!({ "type": ["string", "null"], "format": "date" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{of}") } });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    json!({
        "tags": [{ "name": "organization", "description": "Units and people" }],
        "paths": {
            "/api/v1/units": { "get": {
                "tags": ["organization"], "operationId": "units", "summary": "Units within the caller's scope",
                "responses": answer(json!({ "type": "object", "properties": { "units": list("Unit") } })),
            } },
            "/api/v1/persons": { "get": {
                "tags": ["organization"], "operationId": "persons", "summary": "Who belongs to a unit on a day",
                "parameters": [
                    parameter("unit", true, id.clone()),
                    parameter("date", false, date.clone()),
                    parameter("subtree", false, json!({ "type": "boolean", "default": true })),
                    parameter("q", false, text.clone()),
                    parameter("page", false, json!({ "type": "integer", "default": 1 })),
                    parameter("size", false, json!({ "type": "integer", "default": 100, "maximum": MOST })),
                ],
                "responses": answer(json!({ "type": "object", "properties": {
                    "date": date.clone(), "total": { "type": "integer" }, "persons": list("Person"),
                } })),
            } },
        },
        "components": { "schemas": {
            "Unit": { "type": "object", "properties": { "id": id.clone(), "parent": no_id, "code": text.clone(),
                "name": text.clone(), "category": text.clone(), "credit_code": { "type": ["string", "null"] }, "from": date, "to": no_date } },
            "Person": { "type": "object", "properties": { "id": id.clone(), "staff_no": text.clone(),
                "name": text.clone(), "unit": id, "unit_name": text.clone(), "post": text } },
        } },
    })
}
