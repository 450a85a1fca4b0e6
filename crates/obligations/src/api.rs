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

/// So many subjects in one answer; whoever wants more asks unit by unit.
const MOST: usize = 5_000;

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
    let subjects = s.subjects(rule, &units, period).await?;
    if subjects.len() > MOST {
        return Err(
            Error::field("unit", Msg::new("obligation-too-many").with("most", MOST)).into(),
        );
    }
    let Some(mut lines) = s.lines(rule, subjects, period).await? else {
        return Err(Error::Busy { retry_after: 5 }.into());
    };
    let mut subjects: Vec<_> = lines.iter_mut().map(|l| &mut l.subject).collect();
    s.name(rule, &mut subjects).await?;
    let names: std::collections::HashMap<UnitId, &str> =
        units.iter().map(|u| (u.id, u.name.as_str())).collect();
    let items: Vec<Value> = lines
        .iter()
        .map(|l| {
            let (done, due) = l.tally();
            let occurrences: Vec<Value> = l
                .occurrences
                .iter()
                .map(|s| {
                    let o = &s.occurrence;
                    json!({
                        "from": kernel::format_date(o.window.from), "to": kernel::format_date(o.window.to),
                        "due": o.due.map(kernel::format_date), "until": o.until.map(kernel::format_date), "state": s.state, "extended": s.extended.map(kernel::format_date), "done": s.done.map(kernel::format_date),
                        "times": s.so_far.n, "of_times": s.need.times, "minutes": s.so_far.sum, "of_minutes": s.need.minutes,
                    })
                })
                .collect();
            let unit = names.get(&l.subject.unit);
            json!({ "unit": l.subject.unit, "unit_name": unit, "subject": l.subject.id, "name": l.subject.name, "done": done, "due": due, "occurrences": occurrences })
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
                "200": { "description": "One item per unit, person, body or pair that the rule binds", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        } } },
    })
}
