//! The API of sessions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::{AccountId, Error, Id, Msg, PersonId, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::auth::SESSION;
use crate::pages::sign_in::attempt;
use crate::{Actor, Delegation, Identity, NewDelegation};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    login: String,
    password: String,
}

pub(crate) async fn sign_in(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
    Json(input): Json<Input>,
) -> Result<Response, Failure> {
    let attempt = attempt(&identity, actor, &headers, input.login, input.password);
    let token = identity.sign_in(attempt).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    identity.set_token(&shell, &mut response, &token);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// A session for a program that keeps no cookies: its token goes with each request (`Authorization: Bearer`).
pub(crate) async fn login(
    State(identity): State<Identity>,
    actor: Actor,
    headers: HeaderMap,
    Json(input): Json<Login>,
) -> Result<Json<Value>, Failure> {
    let attempt = attempt(&identity, actor, &headers, input.username, input.password);
    let token = identity.sign_in(attempt).await?;
    Ok(Json(json!({ "token": format!("{SESSION}{token}") })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Second {
    code: String,
}

pub(crate) async fn second(
    State(identity): State<Identity>,
    actor: Actor,
    headers: HeaderMap,
    Json(input): Json<Second>,
) -> Result<StatusCode, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    identity
        .second_step(&token, &input.code, &actor.address)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn sign_out(
    State(identity): State<Identity>,
    shell: Shell,
    actor: Actor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if let Some(token) = identity.token(&headers) {
        identity.sign_out(&token, &actor.address).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    identity.clear_token(&shell, &mut response);
    Ok(response)
}

#[derive(Serialize)]
pub(crate) struct Me {
    account: AccountId,
    person: Option<PersonId>,
    name: String,
    /// The account in whose place it acts.
    on_behalf: Option<AccountId>,
    /// Permission → tops of the subtrees it is held on.
    permissions: BTreeMap<String, Vec<UnitId>>,
}

pub(crate) async fn me(access: Access) -> Json<Me> {
    let principal = access.principal;
    let units = |scope| match scope {
        Scope::Under(roots) => roots,
        // Never made from a grant.
        Scope::All => Vec::new(),
    };
    Json(Me {
        account: principal.account,
        person: principal.person,
        name: principal.name,
        on_behalf: principal.on_behalf.map(|of| of.account),
        permissions: principal
            .grants
            .into_iter()
            .map(|(permission, scope)| (permission, units(scope)))
            .collect(),
    })
}

fn delegation_body(d: &Delegation, me: AccountId) -> Value {
    json!({
        "id": d.id, "giver": d.giver, "giver_name": d.giver_name, "taker": d.taker, "taker_name": d.taker_name,
        "received": d.taker == me, "unit": d.unit, "unit_name": d.unit_name, "permissions": d.permissions,
        "decides": d.decides, "reason": d.reason, "from": kernel::format_date(d.from), "to": kernel::format_date(d.to),
        "made_at": d.made_at.rfc3339(), "ended_at": d.ended_at.map(kernel::Timestamp::rfc3339),
    })
}

/// What the caller gave and received.
pub(crate) async fn delegations(
    State(identity): State<Identity>,
    access: Access,
) -> Result<Json<Value>, Failure> {
    let me = access.principal.account;
    let found = identity.delegations_of(me).await?;
    let items: Vec<Value> = found.iter().map(|d| delegation_body(d, me)).collect();
    Ok(Json(json!({ "items": items })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBody {
    taker: String,
    unit: UnitId,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    decides: bool,
    reason: String,
    from: String,
    to: String,
}

pub(crate) async fn delegate(
    State(identity): State<Identity>,
    actor: Actor,
    Json(b): Json<NewBody>,
) -> Result<Response, Failure> {
    let date = |field: &str, text: &str| {
        let wrong = || Error::field(field, Msg::new("identity-date"));
        kernel::parse_date(text).ok_or_else(wrong)
    };
    let new = NewDelegation {
        from: date("from", &b.from)?,
        to: date("to", &b.to)?,
        taker: b.taker,
        unit: b.unit,
        permissions: b.permissions,
        decides: b.decides,
        reason: b.reason,
    };
    let id = identity.delegate(&actor, &new).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))).into_response())
}

pub(crate) async fn end_delegation(
    State(identity): State<Identity>,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    identity.end_own_delegation(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acting {
    /// The delegation; none: for oneself again.
    delegation: Option<Id>,
}

/// From now on the session acts under a delegation, or for itself again.
pub(crate) async fn act(
    State(identity): State<Identity>,
    actor: Actor,
    headers: HeaderMap,
    Json(acting): Json<Acting>,
) -> Result<StatusCode, Failure> {
    let token = identity.token(&headers).unwrap_or_default();
    identity.act_for(&actor, &token, acting.delegation).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn openapi() -> Value {
    let problem = |text: &str| {
        json!({
            "description": text,
            "content": { "application/problem+json": { "schema": { "type": "object" } } },
        })
    };
    let id = json!({ "type": "string", "format": "uuid" });
    let date = json!({ "type": "string", "format": "date" });
    let permissions = json!({ "type": "array", "items": { "type": "string" } });
    let own = "Own delegations only; whoever oversees them does so on pages";
    json!({
        "tags": [
            { "name": "session", "description": "Sign in, sign out, who am I" },
            { "name": "delegation", "description": own },
        ],
        "paths": {
            "/api/v1/login": {
                "post": {
                    "tags": ["session"],
                    "summary": "Sign in a program that keeps no cookies; send the token as authorization: Bearer",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["username", "password"],
                        "additionalProperties": false,
                        "properties": {
                            "username": { "type": "string" },
                            "password": { "type": "string", "format": "password" },
                        },
                    } } } },
                    "responses": {
                        "200": { "description": "Signed in", "content": { "application/json": { "schema": {
                            "type": "object", "properties": { "token": { "type": "string" } },
                        } } } },
                        "422": problem("Login or password is wrong, or the account is disabled or locked"),
                        "503": problem("Very busy: try again after the seconds in retry-after"),
                    },
                },
            },
            "/api/v1/session": {
                "post": {
                    "tags": ["session"],
                    "summary": "Sign in; the answer sets the session's cookie",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["login", "password"],
                        "additionalProperties": false,
                        "properties": {
                            "login": { "type": "string" },
                            "password": { "type": "string", "format": "password" },
                        },
                    } } } },
                    "responses": {
                        "204": { "description": "Signed in", "headers": {
                            "set-cookie": { "schema": { "type": "string" } },
                        } },
                        "422": problem("Login or password is wrong, or the account is disabled or locked"),
                        "503": problem("Very busy: try again after the seconds in retry-after"),
                    },
                },
                "delete": {
                    "tags": ["session"],
                    "summary": "Sign out",
                    "responses": {
                        "204": { "description": "Signed out" },
                        "401": problem("Not signed in"),
                    },
                },
            },
            "/api/v1/session/second": {
                "post": {
                    "tags": ["session"],
                    "summary": "The second step, where the account has a second factor; until then all else is 403",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "type": "object",
                        "required": ["code"],
                        "additionalProperties": false,
                        "properties": { "code": { "type": "string" } },
                    } } } },
                    "responses": {
                        "204": { "description": "Signed in" },
                        "401": problem("Not signed in, or no second step to come"),
                        "422": problem("The code is wrong or was used"),
                    },
                },
            },
            "/api/v1/delegations": {
                "get": {
                    "tags": ["delegation"],
                    "summary": "What the caller gave and received, the newest first",
                    "responses": { "200": { "description": "The delegations", "content": { "application/json": { "schema": {
                        "type": "object",
                        "properties": { "items": { "type": "array", "items": { "$ref": "#/components/schemas/Delegation" } } },
                    } } } }, "401": problem("Not signed in") },
                },
                "post": {
                    "tags": ["delegation"],
                    "summary": "Lets another account act in the caller's place",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "type": "object", "required": ["taker", "unit", "reason", "from", "to"], "additionalProperties": false,
                        "properties": {
                            "taker": { "type": "string", "description": "Login name or staff number" }, "unit": id,
                            "permissions": permissions, "decides": { "type": "boolean", "description": "Approvals are decided too" },
                            "reason": { "type": "string", "maxLength": 200 }, "from": date, "to": date,
                        },
                    } } } },
                    "responses": { "201": { "description": "Made" }, "401": problem("Not signed in"), "422": problem("A field is wrong") },
                },
            },
            "/api/v1/delegations/{id}": {
                "delete": {
                    "tags": ["delegation"],
                    "summary": "Ends one that the caller gave or received, at once",
                    "parameters": [{ "name": "id", "in": "path", "required": true, "schema": id }],
                    "responses": { "204": { "description": "Ended" }, "404": problem("There is none of the caller's") },
                },
            },
            "/api/v1/session/acting": {
                "put": {
                    "tags": ["delegation"],
                    "summary": "From now on the session acts under a delegation; with null for itself again",
                    "requestBody": { "required": true, "content": { "application/json": { "schema": {
                        "type": "object", "additionalProperties": false,
                        "properties": { "delegation": { "type": ["string", "null"], "format": "uuid" } },
                    } } } },
                    "responses": { "204": { "description": "Changed" }, "404": problem("There is none of the caller's"),
                        "409": problem("It does not stand today") },
                },
            },
            "/api/v1/me": {
                "get": {
                    "tags": ["session"],
                    "summary": "Who is signed in, and what they may do where",
                    "responses": {
                        "200": { "description": "The account", "content": { "application/json": { "schema": {
                            "$ref": "#/components/schemas/Me",
                        } } } },
                        "401": problem("Not signed in"),
                        "403": problem("The one-time password must be changed first"),
                    },
                },
            },
        },
        "components": { "securitySchemes": { "token": {
            "type": "http", "scheme": "bearer",
            "description": "The token of an API client; holds what the client was given",
        } }, "schemas": { "Delegation": {
            "type": "object",
            "properties": {
                "id": id, "giver": id, "giver_name": { "type": "string" }, "taker": id, "taker_name": { "type": "string" },
                "received": { "type": "boolean", "description": "The caller is the one who acts" },
                "unit": id, "unit_name": { "type": "string" }, "permissions": permissions, "decides": { "type": "boolean" },
                "reason": { "type": "string" }, "from": date, "to": date, "made_at": { "type": "string", "format": "date-time" },
                "ended_at": { "type": ["string", "null"], "format": "date-time" },
            },
        }, "Me": {
            "type": "object",
            "required": ["account", "person", "name", "on_behalf", "permissions"],
            "properties": {
                "account": id,
                "person": { "type": ["string", "null"], "format": "uuid" },
                "name": { "type": "string" },
                "on_behalf": {
                    "type": ["string", "null"], "format": "uuid",
                    "description": "The account in whose place it acts just now",
                },
                "permissions": {
                    "type": "object",
                    "description": "Permission to the tops of the subtrees of units it is held on",
                    "additionalProperties": { "type": "array", "items": id },
                },
            },
        } } },
    })
}
