//! The JSON API of indicators.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::figure::{Figure, Ratio};
use crate::pages::chosen;
use crate::period::{Span, span_of};
use crate::{Indicators, READ};

pub(crate) fn routes() -> Routes<Indicators> {
    Routes::new().get("/api/v1/indicators", Policy::Permission(READ), figures)
}

#[derive(Deserialize)]
struct FiguresQuery {
    unit: Option<String>,
    #[serde(flatten)]
    span: Span,
}

async fn figures(
    State(s): State<Indicators>,
    access: Access,
    Query(q): Query<FiguresQuery>,
) -> Result<Response, Failure> {
    let (unit, _) = chosen(&s, &access, q.unit.as_deref()).await?;
    let (period, _) = span_of(&q.span, s.env.today());
    let mut reading = s.ledger.reading().await?;
    let which = s.shown_for(unit.id).await?;
    let found = s
        .figures(&mut reading, &[unit.id], period, &which, true)
        .await?;
    let items: Vec<Value> = found
        .get(&unit.id)
        .into_iter()
        .flatten()
        .map(|f: &Figure| {
            json!({
                "code": f.code, "value": f.value.map(Ratio::text), "exact": f.value, "rows": f.rows,
                "yoy": f.yoy, "computing": f.computing, "too_few": f.few,
            })
        })
        .collect();
    Ok(Json(json!({
        "unit": unit.id, "from": kernel::format_date(period.from), "to": kernel::format_date(period.to),
        "ledger_size": reading.size(), "unsealed": reading.tail_len(), "items": items,
    }))
    .into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let date = json!({ "type": "string", "format": "date" });
    let query =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    json!({
        "paths": { "/api/v1/indicators": { "get": {
            "summary": "All figures of a unit over a period, with exact numerator and denominator and the change against the year before",
            "parameters": [
                query("unit", json!({ "type": "string", "format": "uuid" })),
                query("period", json!({ "type": "string", "enum": ["month", "quarter", "half", "year"] })),
                query("at", date.clone()), query("from", date.clone()), query("to", date),
            ],
            "responses": {
                "200": { "description": "The figures", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        } } },
    })
}
