//! The JSON API of reports.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kernel::{Error, ReportId};
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::{READ, Reports};

pub(crate) fn routes() -> Routes<Reports> {
    Routes::new().get("/api/v1/reports/{id}", Policy::Permission(READ), show)
}

async fn show(
    State(s): State<Reports>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?;
    Ok(Json(json!({
        "id": r.id, "template": r.template, "unit": r.unit, "from": kernel::format_date(r.period.from),
        "to": kernel::format_date(r.period.to), "ledger_size": r.as_of, "title": r.title,
        "figures": r.body.figures, "created_at": r.created_at.rfc3339(),
    }))
    .into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    json!({
        "paths": { "/api/v1/reports/{id}": { "get": {
            "summary": "A kept report with its frozen figures",
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }],
            "responses": {
                "200": { "description": "The report", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        } } },
    })
}
