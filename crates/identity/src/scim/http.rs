//! The SCIM server over HTTP: reads requests, answers in SCIM's own form.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::{Error, Id, Msg, Result, Timestamp};
use serde_json::{Value, json};
use web::{Access, Policy, Routes, Shell};

use super::filter::{Filter, Target};
use super::schema::{self, Choice, Resource};
use super::{Caller, Change, Query, Scim, Shown, USUAL_RESULTS};
use crate::{Actor, SCIM};

const MEDIA: &str = "application/scim+json";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

type Body = std::result::Result<Bytes, BytesRejection>;

/// The routes, all for API clients that hold `identity.scim`.
pub(crate) fn routes(scim: Scim) -> Routes {
    let may = Policy::Permission(SCIM);
    Routes::new()
        .get("/scim/v2/ServiceProviderConfig", may, config)
        .get("/scim/v2/ResourceTypes", may, types)
        .get("/scim/v2/ResourceTypes/{id}", may, one_type)
        .get("/scim/v2/Schemas", may, schemas)
        .get("/scim/v2/Schemas/{id}", may, one_schema)
        .get("/scim/v2/Users", may, list::<USERS>)
        .post("/scim/v2/Users", may, create::<USERS>)
        .post("/scim/v2/Users/.search", may, search::<USERS>)
        .get("/scim/v2/Users/{id}", may, show::<USERS>)
        .put("/scim/v2/Users/{id}", may, put::<USERS>)
        .patch("/scim/v2/Users/{id}", may, patch::<USERS>)
        .delete("/scim/v2/Users/{id}", may, delete::<USERS>)
        .get("/scim/v2/Groups", may, list::<GROUPS>)
        .post("/scim/v2/Groups", may, create::<GROUPS>)
        .post("/scim/v2/Groups/.search", may, search::<GROUPS>)
        .get("/scim/v2/Groups/{id}", may, show::<GROUPS>)
        .put("/scim/v2/Groups/{id}", may, put::<GROUPS>)
        .patch("/scim/v2/Groups/{id}", may, patch::<GROUPS>)
        .delete("/scim/v2/Groups/{id}", may, delete::<GROUPS>)
        .post("/scim/v2/.search", may, unsupported)
        .post("/scim/v2/Bulk", may, unsupported)
        .get("/scim/v2/Me", may, unsupported)
        .get("/scim/v2/{*path}", may, nowhere)
        .with_state(scim)
}

const USERS: bool = true;
const GROUPS: bool = false;

fn resource(users: bool) -> Resource {
    if users {
        Resource::User
    } else {
        Resource::Group
    }
}

/// An instant as SCIM writes it.
pub(crate) fn instant(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.0);
    at.map_or(String::new(), |at| at.to_string())
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, MEDIA)], body.to_string()).into_response()
}

/// Status and SCIM's own word for an error.
fn status_of(error: &Error) -> (StatusCode, Option<&'static str>) {
    let bad = StatusCode::BAD_REQUEST;
    let message = match error {
        Error::Invalid(errors) => errors.first().map(|e| &e.message),
        Error::Conflict(message) => Some(message),
        _ => None,
    };
    match (message.map(|m| m.key), error) {
        (Some("identity-scim-filter" | "identity-scim-deep" | "identity-scim-long"), _) => {
            (bad, Some("invalidFilter"))
        }
        (Some("identity-scim-path" | "identity-scim-unknown"), _) => (bad, Some("invalidPath")),
        (Some("identity-scim-no-target"), _) => (bad, Some("noTarget")),
        (Some("identity-scim-fixed"), _) => (bad, Some("mutability")),
        (Some("identity-scim-syntax"), _) => (bad, Some("invalidSyntax")),
        (Some("identity-scim-many"), _) => (bad, Some("tooMany")),
        (Some("identity-scim-changed"), _) => (StatusCode::PRECONDITION_FAILED, None),
        (Some("identity-scim-unsupported"), _) => (StatusCode::NOT_IMPLEMENTED, None),
        (Some("identity-scim-large"), _) => (StatusCode::PAYLOAD_TOO_LARGE, Some("tooMany")),
        (
            Some("identity-login-taken" | "identity-person-taken" | "organization-staff-no-taken"),
            _,
        ) => (StatusCode::CONFLICT, Some("uniqueness")),
        (_, Error::Invalid(_)) => (bad, Some("invalidValue")),
        // Accounts above the client, or with a duty.
        (_, Error::Conflict(_) | Error::Forbidden) => (StatusCode::FORBIDDEN, None),
        (_, Error::NotFound) => (StatusCode::NOT_FOUND, None),
        (_, Error::Unauthenticated) => (StatusCode::UNAUTHORIZED, None),
        (_, Error::Busy { .. } | Error::Unavailable(_) | Error::Retry(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, None)
        }
        (_, Error::Internal(_)) => (StatusCode::INTERNAL_SERVER_ERROR, None),
    }
}

fn refuse(shell: &Shell, error: Error) -> Response {
    let (status, kind) = status_of(&error);
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        tracing::error!(%error, path = shell.path(), "a SCIM request failed");
    }
    let detail = match &error {
        Error::Invalid(errors) => errors
            .iter()
            .map(|e| format!("{}: {}", e.field, shell.text(&e.message)))
            .collect::<Vec<_>>()
            .join(" "),
        Error::Conflict(message) | Error::Unavailable(message) => shell.text(message),
        Error::NotFound => shell.t("error-not-found-text"),
        _ => shell.t("error-internal-title"),
    };
    let mut body = json!({
        "schemas": [ERROR], "status": status.as_u16().to_string(), "detail": detail,
    });
    if let Some(kind) = kind {
        body["scimType"] = json!(kind);
    }
    let mut response = answer(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = match error {
            Error::Busy { retry_after } => retry_after,
            _ => 5,
        };
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn done(shell: &Shell, result: Result<Response>) -> Response {
    result.unwrap_or_else(|e| refuse(shell, e))
}

fn caller(scim: &Scim, access: Access, actor: Actor, headers: &HeaderMap) -> Caller {
    Caller {
        actor,
        scope: access.scope,
        base: format!("{}/scim/v2", scim.identity.settings.own_url(headers)),
    }
}

fn read(body: Body) -> Result<Value> {
    let body = body.map_err(|e| {
        let large = e.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let key = if large {
            "identity-scim-large"
        } else {
            "identity-scim-syntax"
        };
        Error::Conflict(Msg::new(key))
    })?;
    // The reader refuses what is nested too deeply.
    serde_json::from_slice(&body).map_err(|_| Error::Conflict(Msg::new("identity-scim-syntax")))
}

fn found(status: StatusCode, shown: Shown, choice: &Choice) -> Response {
    let headers = [
        (header::ETAG, shown.version().to_owned()),
        (header::LOCATION, shown.location().to_owned()),
    ];
    let mut response = answer(status, &shown.cut(choice));
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn id(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

fn if_match(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::IF_MATCH)?.to_str().ok()
}

/// Reads the parameters of a query, from the address or from the body of a search.
fn query(resource: Resource, get: impl Fn(&str) -> Option<String>) -> Result<Query> {
    let number = |name: &str| {
        let Some(text) = get(name) else {
            return Ok(None);
        };
        let wrong = || {
            Error::field(
                name,
                Msg::new("identity-scim-value").with("attribute", name),
            )
        };
        let number: i64 = text.trim().parse().map_err(|_| wrong())?;
        Ok::<_, Error>(Some(usize::try_from(number).unwrap_or(0)))
    };
    let filter = get("filter").filter(|text| !text.trim().is_empty());
    let filter = filter.map(|text| Filter::read(&text)).transpose()?;
    if let Some(filter) = &filter {
        filter.check(resource)?;
    }
    let sort = get("sortBy").filter(|text| !text.trim().is_empty());
    let sort = match sort {
        None => None,
        Some(text) => {
            let name = Target::read(&text)?.name;
            name.resolve(resource)?;
            let descending = get("sortOrder").is_some_and(|o| o.eq_ignore_ascii_case("descending"));
            Some((name, descending))
        }
    };
    Ok(Query {
        filter,
        sort,
        start: number("startIndex")?.unwrap_or(1).saturating_sub(1),
        count: number("count")?.unwrap_or(USUAL_RESULTS),
        choice: choice(&get),
    })
}

fn choice(get: &impl Fn(&str) -> Option<String>) -> Choice {
    let list = |name: &str| {
        let text = get(name).unwrap_or_default();
        let names = text.split(',').map(str::trim).filter(|n| !n.is_empty());
        names.map(str::to_owned).collect()
    };
    Choice {
        only: list("attributes"),
        without: list("excludedAttributes"),
    }
}

fn parameter(raw: Option<String>) -> impl Fn(&str) -> Option<String> {
    let raw = raw.unwrap_or_default();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(raw.as_bytes())
        .into_owned()
        .collect();
    move |name| {
        let found = pairs.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.clone())
    }
}

fn page(total: usize, start: usize, resources: Vec<Value>) -> Response {
    let body = json!({
        "schemas": [LIST], "totalResults": total, "startIndex": start + 1,
        "itemsPerPage": resources.len(), "Resources": resources,
    });
    answer(StatusCode::OK, &body)
}

async fn list<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let answer = async {
        let query = query(resource(U), parameter(raw))?;
        let (total, found) = scim.list(&caller, resource(U), &query).await?;
        Ok(page(total, query.start, found))
    };
    done(&shell, answer.await)
}

async fn search<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let answer = async {
        let request = read(body)?;
        let get = |name: &str| match &request[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(names) => {
                let names = names.iter().filter_map(Value::as_str);
                Some(names.collect::<Vec<_>>().join(","))
            }
            _ => None,
        };
        let query = query(resource(U), get)?;
        let (total, found) = scim.list(&caller, resource(U), &query).await?;
        Ok(page(total, query.start, found))
    };
    done(&shell, answer.await)
}

async fn show<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(name): Path<String>,
    RawQuery(raw): RawQuery,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let answer = async {
        let shown = scim.one(&caller, resource(U), id(&name)?).await?;
        let known = headers.get(header::IF_NONE_MATCH);
        let known = known.and_then(|tags| tags.to_str().ok());
        if known.is_some_and(|tags| super::must_match(Some(tags), shown.version()).is_ok()) {
            return Ok(StatusCode::NOT_MODIFIED.into_response());
        }
        Ok(found(StatusCode::OK, shown, &choice(&parameter(raw))))
    };
    done(&shell, answer.await)
}

async fn create<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
    body: Body,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let answer = async {
        let given = read(body)?;
        let shown = if U {
            scim.create_user(&caller, &given).await?
        } else {
            scim.create_group(&caller, &given).await?
        };
        Ok(found(StatusCode::CREATED, shown, &choice(&parameter(raw))))
    };
    done(&shell, answer.await)
}

struct Changing {
    caller: Caller,
    id: String,
    raw: Option<String>,
    headers: HeaderMap,
}

async fn change<const U: bool>(scim: &Scim, asked: Changing, change: Change) -> Result<Response> {
    let (id, wanted) = (id(&asked.id)?, if_match(&asked.headers));
    let shown = if U {
        scim.change_user(&asked.caller, id, &change, wanted).await?
    } else {
        let changed = scim.change_group(&asked.caller, id, &change, wanted);
        changed.await?
    };
    Ok(found(StatusCode::OK, shown, &choice(&parameter(asked.raw))))
}

#[expect(clippy::too_many_arguments, reason = "the parts of a request")]
async fn put<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    body: Body,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let asked = Changing {
        caller,
        id,
        raw,
        headers,
    };
    let answer = async { change::<U>(&scim, asked, Change::Put(read(body)?)).await };
    done(&shell, answer.await)
}

#[expect(clippy::too_many_arguments, reason = "the parts of a request")]
async fn patch<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    body: Body,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let asked = Changing {
        caller,
        id,
        raw,
        headers,
    };
    let answer = async { change::<U>(&scim, asked, Change::Patch(read(body)?)).await };
    done(&shell, answer.await)
}

async fn delete<const U: bool>(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let answer = async {
        let (id, wanted) = (id(&name)?, if_match(&headers));
        if U {
            scim.close_user(&caller, id, wanted).await?;
        } else {
            scim.drop_group(&caller, id, wanted).await?;
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    done(&shell, answer.await)
}

/// What describes the server is no resource that can be searched.
fn unfiltered(raw: Option<String>) -> bool {
    parameter(raw)("filter").is_none()
}

fn described(shell: &Shell, raw: Option<String>, resources: Vec<Value>) -> Response {
    if unfiltered(raw) {
        return page(resources.len(), 0, resources);
    }
    let status = StatusCode::FORBIDDEN;
    let detail = shell.t("identity-scim-unsupported");
    let body = json!({ "schemas": [ERROR], "status": "403", "detail": detail });
    answer(status, &body)
}

fn with_meta(mut described: Value, kind: &str, location: String) -> Value {
    described["meta"] = json!({ "resourceType": kind, "location": location });
    described
}

async fn config(
    State(scim): State<Scim>,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let at = format!("{}/ServiceProviderConfig", caller.base);
    let config = with_meta(schema::provider(), "ServiceProviderConfig", at);
    answer(StatusCode::OK, &config)
}

fn all_types(base: &str) -> Vec<Value> {
    let located = |t: Value| {
        let at = format!("{base}/ResourceTypes/{}", t["name"].as_str().unwrap_or(""));
        with_meta(t, "ResourceType", at)
    };
    schema::resource_types().into_iter().map(located).collect()
}

async fn all_schemas(scim: &Scim, caller: &Caller) -> Result<Vec<Value>> {
    let units = scim.unit_codes(caller).await?;
    let located = |s: Value| {
        let at = format!("{}/Schemas/{}", caller.base, s["id"].as_str().unwrap_or(""));
        with_meta(s, "Schema", at)
    };
    Ok(schema::schemas(&units).into_iter().map(located).collect())
}

fn named(all: Vec<Value>, name: &str) -> Result<Response> {
    let found = all.into_iter().find(|one| one["id"] == name);
    let found = found.ok_or(Error::NotFound)?;
    Ok(answer(StatusCode::OK, &found))
}

async fn types(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    described(&shell, raw, all_types(&caller.base))
}

async fn one_type(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    done(&shell, named(all_types(&caller.base), &name))
}

async fn schemas(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    match all_schemas(&scim, &caller).await {
        Ok(all) => described(&shell, raw, all),
        Err(e) => refuse(&shell, e),
    }
}

async fn one_schema(
    State(scim): State<Scim>,
    shell: Shell,
    access: Access,
    actor: Actor,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Response {
    let caller = caller(&scim, access, actor, &headers);
    let all = all_schemas(&scim, &caller).await;
    done(&shell, all.and_then(|all| named(all, &name)))
}

async fn unsupported(shell: Shell) -> Response {
    let message = Msg::new("identity-scim-unsupported");
    refuse(&shell, Error::Conflict(message))
}

async fn nowhere(shell: Shell) -> Response {
    refuse(&shell, Error::NotFound)
}
