//! The JSON API of notices, over the same service as the pages.

use axum::Json;
use axum::extract::{Path, Query, State};
use kernel::{Error, Id};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes, Shell};

use crate::model::Reader;
use crate::service::Notices;

const MOST: u32 = 200;

pub(crate) fn routes(notices: Notices) -> Routes {
    Routes::new()
        .get("/api/v1/notices", Policy::SignedIn, list)
        .post("/api/v1/notices/{id}/read", Policy::SignedIn, read)
        .with_state(notices)
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    unread: bool,
    before: Option<Id>,
    size: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            unread: false,
            before: None,
            size: 50,
        }
    }
}

async fn list(
    State(notices): State<Notices>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Failure> {
    let of = Reader::of(&access.principal);
    let size = asked.size.clamp(1, MOST);
    let rows = notices.list(&of, asked.unread, asked.before, size).await?;
    let next = rows.last().filter(|_| rows.len() == size as usize);
    let next = next.map(|last| last.id);
    let unread = notices.unread(&of).await?;
    let rows = rows.iter().map(|row| {
        json!({ "id": row.id, "text": row.said(shell.catalog(), shell.lang()), "href": row.href,
            "at": row.at.rfc3339(), "read_at": row.read_at.map(|at| at.rfc3339()) })
    });
    Ok(Json(
        json!({ "unread": unread, "notices": rows.collect::<Value>(), "next": next }),
    ))
}

async fn read(
    State(notices): State<Notices>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let of = Reader::of(&access.principal);
    notices.open(&of, id).await?;
    Ok(Json(json!({ "unread": notices.unread(&of).await? })))
}

pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let at = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer" });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let parameter = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    json!({
        "tags": [{ "name": "notices", "description": "The caller's own notices" }],
        "paths": {
            "/api/v1/notices": { "get": {
                "tags": ["notices"], "operationId": "notices", "summary": "Notices, newest first",
                "parameters": [
                    parameter("unread", json!({ "type": "boolean", "default": false })),
                    parameter("before", id.clone()),
                    parameter("size", json!({ "type": "integer", "default": 50, "maximum": MOST })),
                ],
                "responses": answer(json!({ "type": "object", "properties": { "unread": count,
                    "notices": { "type": "array", "items": { "$ref": "#/components/schemas/Notice" } },
                    "next": { "type": ["string", "null"], "format": "uuid" } } })),
            } },
            "/api/v1/notices/{id}/read": { "post": {
                "tags": ["notices"], "operationId": "readNotice", "summary": "Marks a notice as read",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": id.clone() }],
                "responses": answer(json!({ "type": "object", "properties": { "unread": count } })),
            } },
        },
        "components": { "schemas": { "Notice": { "type": "object", "properties": { "id": id,
            "text": { "type": "string" }, "href": { "type": "string" }, "at": at,
            "read_at": { "type": ["string", "null"], "format": "date-time" } } } } },
    })
}
