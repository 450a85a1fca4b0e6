//! The JSON API of hours.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use kernel::{Error, PersonId, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes};

use crate::READ;
use crate::book::PersonYear;
use crate::credit::Credit;
use crate::service::Hours;
use crate::sheet_page::{visible, year_of};
use crate::standing::Standing;

/// People in one answer; whoever wants more turns the page.
const PAGE: usize = 200;

pub(crate) fn routes() -> Routes<Hours> {
    Routes::new()
        .get("/api/v1/hours", Policy::Permission(READ), list)
        .get("/api/v1/hours/mine", Policy::SignedIn, mine)
        .get(
            "/api/v1/hours/people/{id}",
            Policy::Permission(READ),
            person,
        )
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    unit: Option<UnitId>,
    year: Option<i16>,
    page: Option<usize>,
}

fn thousandths(n: i64) -> f64 {
    n as f64 / 1000.0
}

fn standings(s: &Hours, of: &PersonYear) -> Vec<Value> {
    let one = |(n, st): &(usize, Standing)| {
        let date = kernel::format_date;
        let parts: Vec<Value> = st
            .parts
            .iter()
            .map(|p| {
                json!({
                    "code": p.code, "hours": p.hours.map(thousandths), "days": p.days.map(thousandths), "share": p.share,
                    "recognised": thousandths(p.has), "recognised_days": thousandths(p.has_days), "missing": thousandths(p.missing),
                })
            })
            .collect();
        json!({
            "requirement": s.rules.requirements[*n].code, "from": date(st.span.period.from), "to": date(st.span.period.to),
            "hours": st.hours.map(thousandths), "days": st.days.map(thousandths), "recognised": thousandths(st.has),
            "recognised_days": thousandths(st.has_days), "missing": thousandths(st.missing),
            "reachable": st.reachable.map(thousandths), "bound_days": st.bound.0, "of_days": st.bound.1, "parts": parts, "state": st.state,
        })
    };
    of.standings.iter().map(one).collect()
}

async fn list(
    State(s): State<Hours>,
    access: Access,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let year = year_of(q.year, s.env.today());
    if let Some(unit) = q.unit {
        s.organization.unit(unit, &access.scope).await?;
    }
    let people = s.people_of(&access.scope, q.unit, year).await?;
    let first = (q.page.unwrap_or(1).max(1) - 1).saturating_mul(PAGE);
    let few: Vec<PersonId> = people.iter().copied().skip(first).take(PAGE).collect();
    let (names, _) = s.names(&few, &[]).await?;
    let years = s.years(&few, year).await?;
    let items: Vec<Value> = years
        .iter()
        .map(|y| {
            let (no, name) = names.get(&y.person).cloned().unwrap_or_default();
            json!({ "person": y.person, "staff_no": no, "name": name, "unit": y.unit, "standings": standings(&s, y) })
        })
        .collect();
    Ok(
        Json(json!({ "year": year, "total": people.len(), "page_size": PAGE, "items": items }))
            .into_response(),
    )
}

async fn sheet(s: &Hours, person: PersonId, q: &Asked) -> Result<Response, Failure> {
    let year = year_of(q.year, s.env.today());
    let mut years = s.years(&[person], year).await?;
    let of = years.pop().ok_or(Error::NotFound)?;
    let row = |c: &Credit| {
        json!({
            "date": kernel::format_date(c.fact.date), "kind": c.fact.kind, "category": c.fact.category, "subject": c.fact.subject,
            "rule": s.rules.rules[c.rule].code, "way": c.way, "content": c.content, "hours": thousandths(c.hours),
            "before_limits": thousandths(c.before), "days": thousandths(c.days), "source": c.fact.source,
        })
    };
    let of_year = of.credits.iter().filter(|c| c.fact.date.year() == year);
    let rows: Vec<Value> = of_year.map(row).collect();
    Ok(Json(
        json!({ "person": person, "year": year, "standings": standings(s, &of), "rows": rows }),
    )
    .into_response())
}

async fn mine(
    State(s): State<Hours>,
    access: Access,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let person = access.principal.person.ok_or(Error::NotFound)?;
    sheet(&s, person, &q).await
}

async fn person(
    State(s): State<Hours>,
    access: Access,
    Path(id): Path<String>,
    Query(q): Query<Asked>,
) -> Result<Response, Failure> {
    let person: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    visible(&s, &access.scope, access.principal.person, person).await?;
    sheet(&s, person, &q).await
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let year = json!({ "name": "year", "in": "query", "schema": { "type": "integer" } });
    let query = |name: &str, format: &str| match format {
        "integer" => json!({ "name": name, "in": "query", "schema": { "type": "integer" } }),
        _ => {
            json!({ "name": name, "in": "query", "schema": { "type": "string", "format": format } })
        }
    };
    let answers = |text: &str| {
        json!({
            "200": { "description": text, "content": { "application/json": { "schema": { "type": "object" } } } },
            "default": { "$ref": "#/components/responses/Problem" },
        })
    };
    json!({
        "paths": {
            "/api/v1/hours": { "get": {
                "summary": "How people in the caller's scope stand with requirements of study hours",
                "parameters": [query("unit", "uuid"), year.clone(), query("page", "integer")],
                "responses": answers("One item a person"),
            } },
            "/api/v1/hours/mine": { "get": {
                "summary": "One's own study hours of a year, row by row",
                "parameters": [year.clone()],
                "responses": answers("Standings and rows"),
            } },
            "/api/v1/hours/people/{id}": { "get": {
                "summary": "The study hours of somebody of a year, row by row",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }, year],
                "responses": answers("Standings and rows"),
            } },
        },
    })
}
