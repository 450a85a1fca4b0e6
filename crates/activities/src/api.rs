//! The JSON API of activities, over the same service and scopes as the pages.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use jiff::civil::Time;
use kernel::{ActivityId, Error, Id, Msg, PersonId, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Policy, Routes, Shell};

use crate::store::Filter;
use crate::{
    Activities, Activity, CONFIRM, Confirmation, Details, HeldRole, Item, Mark, New, Pair, Part,
    READ, RECORD, REVERSE, Role, Session,
};

pub(crate) fn routes() -> Routes<Activities> {
    Routes::new()
        .get("/api/v1/activities", Policy::Permission(READ), list)
        .post("/api/v1/activities", Policy::Permission(RECORD), record)
        .get("/api/v1/activities/{id}", Policy::Permission(READ), show)
        .post(
            "/api/v1/activities/{id}/attendance",
            Policy::Permission(RECORD),
            attend,
        )
        .post(
            "/api/v1/activities/{id}/reversal",
            Policy::Permission(REVERSE),
            reverse,
        )
        .get(
            "/api/v1/activities/unconfirmed",
            Policy::Permission(CONFIRM),
            unconfirmed,
        )
        .post(
            "/api/v1/activities/confirmations",
            Policy::Permission(CONFIRM),
            confirm,
        )
        .get(
            "/api/v1/activities/{id}/confirmations",
            Policy::Permission(READ),
            confirmations,
        )
        .post(
            "/api/v1/activities/{id}/return",
            Policy::Permission(CONFIRM),
            give_back,
        )
        .put(
            "/api/v1/activities/{id}/level",
            Policy::Permission(RECORD),
            set_level,
        )
}

fn body(a: &Activity) -> Value {
    json!({
        "id": a.id, "kind": a.kind, "host": a.host, "title": a.title, "date": kernel::format_date(a.date),
        "starts": a.starts.rfc3339(), "ends": a.ends.rfc3339(), "minutes": a.minutes, "location": a.location,
        "level": a.level, "late": a.late, "recorded_at": a.recorded_at.rfc3339(),
        "changes": a.changes, "confirmation": a.confirmation().code(), "confirmed_at": a.confirmed_at.map(kernel::Timestamp::rfc3339),
        "reversed_at": a.reversed_at.map(kernel::Timestamp::rfc3339), "reversal_reason": a.reversal_reason,
    })
}

fn part_body(p: &Part) -> Value {
    json!({ "person": p.person, "unit": p.unit, "role": p.role, "minutes": p.minutes })
}

#[derive(Deserialize)]
struct ListQuery {
    unit: Option<UnitId>,
    kind: Option<String>,
    group: Option<String>,
    series: Option<Id>,
    from: Option<String>,
    to: Option<String>,
    confirmation: Option<String>,
    level: Option<String>,
    page: Option<i64>,
}

async fn list(
    State(s): State<Activities>,
    access: Access,
    Query(q): Query<ListQuery>,
) -> Result<Response, Failure> {
    let date = |field: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(t) => match kernel::parse_date(&t) {
            Some(d) => Ok(Some(d)),
            None => Err(Error::field(field, Msg::new("activity-date-wrong"))),
        },
    };
    let filter = Filter {
        under: q.unit,
        kind: q.kind,
        kinds: q.group.as_deref().map(|group| s.kinds.in_group(group)),
        series: q.series,
        from: date("from", q.from)?,
        to: date("to", q.to)?,
        standing: None,
        confirmation: q.confirmation.as_deref().and_then(Confirmation::from_code),
        level: q.level,
        not_of: Vec::new(),
    };
    let (rows, total) = s
        .list(
            &access,
            &filter,
            crate::list_page::USUAL,
            q.page.unwrap_or(1).max(1),
            100,
        )
        .await?;
    let items: Vec<Value> = rows
        .iter()
        .map(|(a, present, expected)| {
            let mut item = body(a);
            item["present"] = json!(present);
            item["expected"] = json!(expected);
            item
        })
        .collect();
    Ok(Json(json!({ "total": total, "items": items })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBody {
    id: Option<ActivityId>,
    kind: String,
    host: UnitId,
    title: String,
    date: String,
    starts: String,
    ends: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    roster: Vec<MarkBody>,
    #[serde(default)]
    observers: Vec<String>,
    #[serde(default)]
    another: bool,
    /// The body or audience that was expected.
    of: Option<Id>,
    #[serde(default)]
    roles: Vec<RoleBody>,
    #[serde(default)]
    agenda: Vec<Item>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    session: Option<Session>,
    pair: Option<Pair>,
    /// The plan that was held.
    plan: Option<Id>,
    /// Whether people who signed in are left out on purpose.
    #[serde(default)]
    overrule: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    role: String,
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkBody {
    person: PersonId,
    role: Role,
    /// Minutes of their own.
    minutes: Option<i64>,
}

async fn record(
    State(s): State<Activities>,
    access: Access,
    actor: Actor,
    Json(b): Json<NewBody>,
) -> Result<Response, Failure> {
    let time = |field: &str, text: &str| {
        Time::strptime("%H:%M", text)
            .map_err(|_| Error::field(field, Msg::new("activity-time-wrong")))
    };
    let own = b.roster.iter().filter_map(|m| Some((m.person, m.minutes?)));
    let minutes = own.collect();
    let new = New {
        id: b.id.unwrap_or_else(|| s.env.new_id()),
        kind: b.kind,
        host: b.host,
        title: b.title,
        date: kernel::parse_date(&b.date)
            .ok_or_else(|| Error::field("date", Msg::new("activity-date-wrong")))?,
        starts: time("starts", &b.starts)?,
        ends: time("ends", &b.ends)?,
        location: b.location,
        level: b.level,
        marks: b
            .roster
            .iter()
            .map(|m| Mark {
                person: m.person,
                role: m.role,
            })
            .collect(),
        observers: b.observers,
        another: b.another,
        details: Details {
            of: b.of,
            roles: b.roles.into_iter().map(|r| (r.role, r.person)).collect(),
            agenda: b.agenda,
            fields: b.fields,
            session: b.session,
            pair: b.pair,
            files: Vec::new(),
            plan: b.plan,
            minutes,
            overrule: b.overrule,
            decisions: Vec::new(),
            units: Vec::new(),
        },
    };
    let id = s.record(&new, &access, actor).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

async fn show(
    State(s): State<Activities>,
    access: Access,
    Path(id): Path<ActivityId>,
) -> Result<Response, Failure> {
    let (activity, parts) = s.activity(id, &access).await?;
    let mut item = body(&activity);
    item["roster"] = parts.iter().map(part_body).collect();
    let (roles, agenda, series) = s.details(&activity).await?;
    let role = |r: &HeldRole| json!({ "role": r.role, "person": r.person, "unit": r.unit });
    item["roles"] = roles.iter().map(role).collect();
    item["agenda"] = json!(agenda);
    item["fields"] = json!(activity.fields);
    item["pair"] = json!(activity.pair);
    item["of"] = json!(activity.body.or(activity.audience));
    item["session"] = match activity.session {
        Some(at) => {
            json!({ "series": series, "id": at.series, "issue": at.issue, "session": at.session })
        }
        None => Value::Null,
    };
    Ok(Json(item).into_response())
}

async fn attend(
    State(s): State<Activities>,
    access: Access,
    Path(id): Path<ActivityId>,
    Json(m): Json<MarkBody>,
) -> Result<Response, Failure> {
    let added = s
        .attend(
            id,
            m.person,
            m.role,
            &access.scope,
            access.principal.account,
        )
        .await?;
    let status = if added {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((
        status,
        Json(json!({ "activity": id, "person": m.person, "role": m.role })),
    )
        .into_response())
}

#[derive(Deserialize)]
struct ReversalBody {
    reason: String,
}

async fn reverse(
    State(s): State<Activities>,
    access: Access,
    actor: Actor,
    Path(id): Path<ActivityId>,
    Json(b): Json<ReversalBody>,
) -> Result<Response, Failure> {
    s.reverse(id, &b.reason, &access, actor).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct PageQuery {
    page: Option<i64>,
}

async fn unconfirmed(
    State(s): State<Activities>,
    access: Access,
    actor: Actor,
    Query(q): Query<PageQuery>,
) -> Result<Response, Failure> {
    let page = q.page.unwrap_or(1).max(1);
    let (rows, total) = s.waiting(&access, &actor, page, 100).await?;
    let items: Vec<Value> = rows.iter().map(|(a, ..)| body(a)).collect();
    Ok(Json(json!({ "total": total, "items": items })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    activities: Vec<PickBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PickBody {
    id: ActivityId,
    /// How often it had been changed when it was looked at.
    changes: i64,
}

async fn confirm(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Json(b): Json<ConfirmBody>,
) -> Result<Response, Failure> {
    let picks: Vec<_> = b.activities.iter().map(|p| (p.id, p.changes)).collect();
    let outcomes = s.confirm(&picks, &access, actor).await?;
    let item = |o: &crate::Outcome| {
        let refused = o.refused.as_ref();
        json!({
            "id": o.activity.id, "confirmed": refused.is_none(), "code": refused.map(|m| m.key),
            "reason": refused.map(|m| shell.text(m)),
        })
    };
    let items: Vec<Value> = outcomes.iter().map(item).collect();
    Ok(Json(json!({ "items": items })).into_response())
}

async fn confirmations(
    State(s): State<Activities>,
    access: Access,
    Path(id): Path<ActivityId>,
) -> Result<Response, Failure> {
    let history = s.confirmations(id, &access).await?;
    let item = |h: &crate::History| {
        json!({
            "act": h.act, "by": h.by, "name": h.name, "on_behalf": h.on_behalf, "reason": h.reason,
            "at": h.at.rfc3339(),
        })
    };
    let items: Vec<Value> = history.iter().map(item).collect();
    Ok(Json(json!({ "items": items })).into_response())
}

async fn give_back(
    State(s): State<Activities>,
    access: Access,
    actor: Actor,
    Path(id): Path<ActivityId>,
    Json(b): Json<ReversalBody>,
) -> Result<Response, Failure> {
    s.give_back(id, &b.reason, &access, actor).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelBody {
    level: String,
    reason: String,
}

async fn set_level(
    State(s): State<Activities>,
    access: Access,
    actor: Actor,
    Path(id): Path<ActivityId>,
    Json(b): Json<LevelBody>,
) -> Result<Response, Failure> {
    s.set_level(id, &b.level, &b.reason, &access, actor).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } });
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let with_body = |schema: &str| json!({ "required": true, "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } } });
    let answer = |text: &str, schema: Option<&str>| {
        let mut answer = json!({ "description": text });
        if let Some(schema) = schema {
            answer["content"] = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
        }
        answer
    };
    let query =
        |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    let date = json!({ "type": "string", "format": "date" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let role = json!({ "type": "string", "enum": Role::ALL.map(Role::code) });
    let confirmation =
        json!({ "type": "string", "enum": Confirmation::ALL.map(Confirmation::code) });
    json!({
        "paths": {
            "/api/v1/activities": {
                "get": {
                    "summary": "Activities in the caller's scope, newest first, 100 a page",
                    "parameters": [
                        query("unit", uuid.clone()), query("kind", json!({ "type": "string" })),
                        query("group", json!({ "type": "string" })), query("series", uuid.clone()),
                        query("from", date.clone()), query("to", date.clone()), query("confirmation", confirmation.clone()),
                        query("level", json!({ "type": "string" })), query("page", json!({ "type": "integer", "minimum": 1 })),
                    ],
                    "responses": { "200": answer("The page", Some("ActivityPage")), "default": problem },
                },
                "post": {
                    "summary": "Records an activity with its roster; with an id of the caller's own it is recorded once however often it is sent",
                    "requestBody": with_body("NewActivity"),
                    "responses": { "201": answer("Recorded", None), "422": problem.clone(), "default": problem },
                },
            },
            "/api/v1/activities/{id}": {
                "get": { "summary": "An activity with its roster", "parameters": [id], "responses": { "200": answer("The activity", Some("Activity")), "default": problem } },
            },
            "/api/v1/activities/{id}/attendance": {
                "post": {
                    "summary": "Adds one person's attendance, acknowledged when it is on disk; sent again it changes nothing",
                    "parameters": [id], "requestBody": with_body("Attendance"),
                    "responses": { "201": answer("Stored", None), "200": answer("Was stored before", None), "503": problem.clone(), "default": problem },
                },
            },
            "/api/v1/activities/unconfirmed": {
                "get": {
                    "summary": "What waits for the caller's confirmation, the oldest first, 100 a page",
                    "parameters": [query("page", json!({ "type": "integer", "minimum": 1 }))],
                    "responses": { "200": answer("The page", Some("ActivityPage")), "default": problem },
                },
            },
            "/api/v1/activities/confirmations": {
                "post": {
                    "summary": "Confirms activities in one go, each in the state in which it was looked at; those out of scope are left out of the answer",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["activities"], "properties": {
                        "activities": { "type": "array", "maxItems": crate::confirm::MOST, "items": { "type": "object", "required": ["id", "changes"], "properties": { "id": uuid, "changes": { "type": "integer" } } } },
                    } } } } },
                    "responses": { "200": answer("What became of each", Some("Confirmations")), "default": problem },
                },
            },
            "/api/v1/activities/{id}/confirmations": {
                "get": { "summary": "What was confirmed, returned and taken back of it, the oldest first", "parameters": [id],
                    "responses": { "200": answer("The history", Some("ConfirmationHistory")), "default": problem } },
            },
            "/api/v1/activities/{id}/return": {
                "post": {
                    "summary": "Returns it to whoever entered it, who is told why", "parameters": [id],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["reason"], "properties": { "reason": { "type": "string" } } } } } },
                    "responses": { "204": answer("Returned", None), "409": problem.clone(), "default": problem },
                },
            },
            "/api/v1/activities/{id}/level": {
                "put": {
                    "summary": "Raises or lowers its level of secrecy; the reason stands in the audit trail",
                    "parameters": [id],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["level", "reason"], "properties": { "level": { "type": "string" }, "reason": { "type": "string" } } } } } },
                    "responses": { "204": answer("Changed", None), "422": problem.clone(), "default": problem },
                },
            },
            "/api/v1/activities/{id}/reversal": {
                "post": {
                    "summary": "Takes the activity back: every standing fact of it is reversed",
                    "parameters": [id],
                    "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object", "required": ["reason"], "properties": { "reason": { "type": "string" } } } } } },
                    "responses": { "204": answer("Taken back", None), "409": problem.clone(), "default": problem },
                },
            },
        },
        "components": { "schemas": {
            "Attendance": { "type": "object", "required": ["person", "role"], "properties": { "person": uuid, "role": role } },
            "NewActivity": {
                "type": "object", "required": ["kind", "host", "title", "date", "starts", "ends"],
                "properties": {
                    "id": uuid, "kind": { "type": "string" }, "host": uuid, "title": { "type": "string", "maxLength": 100 },
                    "date": date, "starts": { "type": "string", "pattern": "^\\d\\d:\\d\\d$" }, "ends": { "type": "string", "pattern": "^\\d\\d:\\d\\d$" },
                    "location": { "type": "string" }, "level": { "type": "string", "description": "Code of its level of secrecy; by default the one usual for its kind" }, "observers": { "type": "array", "items": { "type": "string" } }, "another": { "type": "boolean" },
                    "roster": { "type": "array", "items": { "$ref": "#/components/schemas/Attendance" } },
                    "of": { "type": "string", "format": "uuid", "description": "The body or audience that is expected, where the kind asks for one" },
                    "roles": { "type": "array", "items": { "type": "object", "required": ["role", "person"], "properties": { "role": { "type": "string" }, "person": uuid } } },
                    "agenda": { "type": "array", "items": { "type": "object", "properties": { "code": { "type": "string" }, "title": { "type": "string" } } } },
                    "fields": { "type": "object", "additionalProperties": { "type": "string" } },
                    "session": { "type": "object", "required": ["series", "issue", "session"], "properties": { "series": { "type": "string" }, "issue": { "type": "integer" }, "session": { "type": "integer" } } },
                    "plan": { "type": "string", "format": "uuid", "description": "The plan that was held" },
                    "pair": { "type": "object", "required": ["person", "other"], "properties": { "person": uuid, "other": uuid } },
                },
            },
            "Activity": {
                "type": "object",
                "properties": {
                    "id": uuid, "kind": { "type": "string" }, "host": uuid, "title": { "type": "string" }, "date": date,
                    "starts": { "type": "string", "format": "date-time" }, "ends": { "type": "string", "format": "date-time" },
                    "minutes": { "type": "integer" }, "level": { "type": "string" }, "late": { "type": "boolean" }, "reversed_at": { "type": ["string", "null"] },
                    "changes": { "type": "integer", "description": "How often its roster was changed" }, "confirmation": confirmation, "confirmed_at": { "type": ["string", "null"], "format": "date-time" },
                    "roster": { "type": "array", "items": { "$ref": "#/components/schemas/Attendance" } },
                },
            },
            "Confirmations": { "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object", "properties": {
                "id": uuid, "confirmed": { "type": "boolean" }, "code": { "type": ["string", "null"] }, "reason": { "type": ["string", "null"] },
            } } } } },
            "ConfirmationHistory": { "type": "object", "properties": { "items": { "type": "array", "items": { "type": "object", "properties": {
                "act": { "type": "string", "enum": ["confirmed", "returned", "taken-back"] }, "by": uuid, "name": { "type": ["string", "null"] },
                "on_behalf": { "type": ["string", "null"] }, "reason": { "type": "string" }, "at": { "type": "string", "format": "date-time" },
            } } } } },
            "ActivityPage": {
                "type": "object",
                "properties": { "total": { "type": "integer" }, "items": { "type": "array", "items": { "$ref": "#/components/schemas/Activity" } } },
            },
        } },
    })
}
