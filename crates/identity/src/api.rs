//! The API of sessions.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::{AccountId, PersonId, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Shell};

use crate::pages::sign_in::attempt;
use crate::{Actor, Identity};

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

pub(crate) fn openapi() -> Value {
    let problem = |text: &str| {
        json!({
            "description": text,
            "content": { "application/problem+json": { "schema": { "type": "object" } } },
        })
    };
    let id = json!({ "type": "string", "format": "uuid" });
    json!({
        "tags": [{ "name": "session", "description": "Sign in, sign out, who am I" }],
        "paths": {
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
        } }, "schemas": { "Me": {
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
