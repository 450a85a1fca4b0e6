//! The JSON API of reports.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Error, ReportId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::{READ, Reports, WRITE};

pub(crate) fn routes() -> Routes<Reports> {
    Routes::new()
        .get("/api/v1/reports/{id}", Policy::Permission(READ), show)
        .put(
            "/api/v1/reports/{id}/level",
            Policy::Permission(WRITE),
            set_level,
        )
}

async fn show(
    State(s): State<Reports>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?.kept()?;
    Ok(Json(json!({
        "id": r.id, "template": r.template, "unit": r.unit, "from": kernel::format_date(r.period.from),
        "to": kernel::format_date(r.period.to), "ledger_size": r.as_of, "title": r.title, "level": r.level,
        "figures": r.body.figures, "created_at": r.created_at.rfc3339(),
    }))
    .into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelBody {
    level: String,
    reason: String,
}

async fn set_level(
    State(s): State<Reports>,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Json(b): Json<LevelBody>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    s.set_level(id, &b.level, &b.reason, &access.scope, &actor)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } });
    json!({
        "paths": { "/api/v1/reports/{id}": { "get": {
            "summary": "A kept report with its frozen figures",
            "parameters": [id],
            "responses": {
                "200": { "description": "The report", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        } },
        "/api/v1/reports/{id}/level": { "put": {
            "summary": "Raises or lowers its level of secrecy; the reason stands in the audit trail",
            "parameters": [id],
            "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["level", "reason"],
                "properties": { "level": { "type": "string" }, "reason": { "type": "string" } } } } } },
            "responses": { "204": { "description": "Changed" }, "default": { "$ref": "#/components/responses/Problem" } },
        } } },
    })
}
