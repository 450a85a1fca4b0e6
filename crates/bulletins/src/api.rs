//! The JSON API of bulletins: what a program may read.

use axum::Json;
use axum::extract::{Path, Query, State as With};
use axum::response::{IntoResponse, Response};
use kernel::{Error, Id, Msg, Timestamp, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::READ;
use crate::model::{Bulletin, State};
use crate::service::{Bulletins, Sight};
use crate::store::{self, Filter};

const PAGE: i64 = 100;

pub(crate) fn routes() -> Routes<Bulletins> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get("/api/v1/bulletins", read, list)
        .get("/api/v1/bulletins/{id}", read, show)
}

fn body(b: &Bulletin) -> Value {
    let c = &b.content;
    json!({
        "id": b.id, "kind": b.kind, "unit": b.unit, "state": b.state, "title": c.title, "section": c.section,
        "level": c.level, "house": c.house, "author": c.author, "about": c.about,
        "year": b.issue.map(|i| i.year).filter(|y| *y > 0), "issue": b.issue.map(|i| i.number),
        "published_on": b.published_on.map(kernel::format_date), "written_at": Timestamp::rfc3339(b.written_at),
    })
}

/// Programs read what is published.
fn published(access: &Access) -> Sight {
    Sight {
        read: access.scope.clone(),
        desk: Vec::new(),
    }
}

#[derive(Deserialize)]
struct ListQuery {
    unit: Option<UnitId>,
    kind: Option<String>,
    year: Option<i16>,
    page: Option<i64>,
}

async fn list(
    With(s): With<Bulletins>,
    access: Access,
    Query(q): Query<ListQuery>,
) -> Result<Response, Failure> {
    if let Some(unit) = q.unit {
        s.organization.unit(unit, &access.scope).await?;
    }
    if q.year.is_some_and(|y| !(1949..=9999).contains(&y)) {
        return Err(Error::field("year", Msg::new("bulletin-year-wrong")).into());
    }
    let filter = Filter {
        under: q.unit,
        kind: q.kind,
        year: q.year,
        states: vec![State::Published],
        ..Filter::default()
    };
    let order = Order {
        by: "date",
        down: true,
    };
    let window = Window::new(q.page.unwrap_or(1), PAGE);
    let mut tx = s.db.read().await?;
    let sight = published(&access);
    let (found, total) = store::list(&mut tx, &sight, &filter, order, window).await?;
    let items: Vec<Value> = found.iter().map(body).collect();
    Ok(Json(json!({ "total": total, "items": items })).into_response())
}

async fn show(
    With(s): With<Bulletins>,
    access: Access,
    Path(id): Path<Id>,
) -> Result<Response, Failure> {
    let b = s.bulletin(id, &published(&access)).await?;
    let mut item = body(&b);
    if b.state == State::Published {
        let c = &b.content;
        item["paragraphs"] = json!(c.paragraphs().collect::<Vec<_>>());
        item["pictures"] = json!(c.pictures);
        item["report_to"] = json!(c.report_to);
        item["send_to"] = json!(c.send_to);
        item["issue_to"] = json!(c.issue_to);
    }
    Ok(Json(item).into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let maybe = |kind: &str| json!({ "type": [kind, "null"] });
    let whole = json!({ "type": "integer" });
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let query =
        |name: &str, schema: &Value| json!({ "name": name, "in": "query", "schema": schema });
    let answer = |said: &str, schema: &str| json!({ "description": said, "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } } });
    json!({
        "paths": {
            "/api/v1/bulletins": {
                "get": { "summary": "Published bulletins in the caller's scope or open to the house, newest first, 100 a page",
                    "parameters": [query("unit", &uuid), query("kind", &text), query("year", &whole), query("page", &whole)],
                    "responses": { "200": answer("The page", "BulletinPage"), "default": problem } },
            },
            "/api/v1/bulletins/{id}": {
                "get": { "summary": "A published bulletin with its text; of a withdrawn one only what it was",
                    "parameters": [{ "name": "id", "in": "path", "required": true, "schema": uuid }],
                    "responses": { "200": answer("The bulletin", "Bulletin"), "default": problem } },
            },
        },
        "components": { "schemas": {
            "Bulletin": { "type": "object", "properties": {
                "id": uuid, "kind": text, "unit": uuid, "state": { "type": "string", "enum": ["published", "withdrawn"] },
                "title": text, "section": maybe("string"), "level": text, "house": { "type": "boolean" },
                "author": maybe("string"), "about": maybe("string"), "year": maybe("integer"), "issue": maybe("integer"),
                "published_on": maybe("string"), "written_at": { "type": "string", "format": "date-time" },
                "paragraphs": { "type": "array", "items": text }, "report_to": text, "send_to": text, "issue_to": text,
                "pictures": { "type": "array", "items": { "type": "object", "properties": { "name": text, "sha256": text, "size": whole } } },
            } },
            "BulletinPage": { "type": "object", "properties": { "total": whole,
                "items": { "type": "array", "items": { "$ref": "#/components/schemas/Bulletin" } } } },
        } },
    })
}
