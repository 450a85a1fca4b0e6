//! The JSON API of obligations.

use axum::Json;
use axum::extract::{Path, Query, State as Ax};
use axum::response::{IntoResponse, Response};
use kernel::{Error, Msg, Period, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::{Obligations, READ};

pub(crate) fn routes() -> Routes<Obligations> {
    Routes::new().get(
        "/api/v1/obligations/{code}",
        Policy::Permission(READ),
        lines,
    )
}

#[derive(Deserialize)]
struct LinesQuery {
    unit: Option<UnitId>,
    from: String,
    to: String,
}

async fn lines(
    Ax(s): Ax<Obligations>,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<LinesQuery>,
) -> Result<Response, Failure> {
    let rule = s.rule(&code)?;
    let date = |field: &str, text: &str| {
        kernel::parse_date(text).ok_or_else(|| Error::field(field, Msg::new("obligation-date")))
    };
    let period = Period {
        from: date("from", &q.from)?,
        to: date("to", &q.to)?,
    };
    if period.to < period.from || (period.to - period.from).get_days() > 800 {
        return Err(Error::field("to", Msg::new("obligation-period")).into());
    }
    let units = s.bound(rule, &access.scope, q.unit).await?;
    let Some(lines) = s.lines(rule, units, period).await? else {
        return Err(Error::Busy { retry_after: 5 }.into());
    };
    let items: Vec<Value> = lines
        .iter()
        .map(|l| {
            let (done, due) = l.tally();
            let occurrences: Vec<Value> = l
                .occurrences
                .iter()
                .map(|(o, state, first)| {
                    json!({
                        "from": kernel::format_date(o.window.from), "to": kernel::format_date(o.window.to),
                        "due": o.due.map(kernel::format_date), "state": state, "done": first.map(kernel::format_date),
                    })
                })
                .collect();
            json!({ "unit": l.unit.id, "name": l.unit.name, "done": done, "due": due, "occurrences": occurrences })
        })
        .collect();
    Ok(Json(json!({ "rule": rule.code, "items": items })).into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let date = json!({ "type": "string", "format": "date" });
    json!({
        "paths": { "/api/v1/obligations/{code}": { "get": {
            "summary": "How the units in the caller's scope stand with an obligation, occurrence by occurrence",
            "parameters": [
                { "name": "code", "in": "path", "required": true, "schema": { "type": "string" } },
                { "name": "unit", "in": "query", "schema": { "type": "string", "format": "uuid" } },
                { "name": "from", "in": "query", "required": true, "schema": date },
                { "name": "to", "in": "query", "required": true, "schema": date },
            ],
            "responses": {
                "200": { "description": "One item per unit", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        } } },
    })
}
