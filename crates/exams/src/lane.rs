//! The API of sittings, on the direct lane: who asks proves it with a ticket, the token of the attempt, or the token
//! of a session; nothing else is looked up.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use identity::Identity;
use kernel::{Error, Id, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Failure, Policy, Routes};

use crate::room::{Signal, SignalKind};
use crate::{About, Begun, Exams, Given, Outcome, Proof, Receipt};

/// What the handlers want.
struct Lane {
    exams: Exams,
    identity: Identity,
}

/// Shared, since each request takes it with it.
type Shared = State<Arc<Lane>>;

/// The routes.
pub(crate) fn routes(exams: Exams, identity: Identity) -> Routes {
    Routes::new()
        .post("/api/v1/exams/{id}/attempts", Policy::Proof, begin)
        .put("/api/v1/attempts/{id}/answers", Policy::Proof, save)
        .post("/api/v1/attempts/{id}/submission", Policy::Proof, submit)
        .get("/api/v1/attempts/{id}/result", Policy::Proof, result)
        .post("/api/v1/attempts/{id}/presence", Policy::Proof, presence)
        .get(
            "/api/v1/attempts/{id}/pictures/{hash}",
            Policy::Proof,
            picture,
        )
        .get("/api/v1/attempts/{id}/files", Policy::Proof, files)
        .post("/api/v1/attempts/{id}/files", Policy::Proof, begin_file)
        .put(
            "/api/v1/attempts/{id}/files/{upload}",
            Policy::Proof,
            put_piece,
        )
        .post(
            "/api/v1/attempts/{id}/files/{upload}",
            Policy::Proof,
            keep_file,
        )
        .with_state(Arc::new(Lane { exams, identity }))
}

/// What a request proves itself with; none: nothing that could be read.
struct Proven(Option<Proof>);

impl FromRequestParts<Arc<Lane>> for Proven {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, lane: &Arc<Lane>) -> Result<Self, Failure> {
        let value = parts.headers.get(header::AUTHORIZATION);
        let value = value.and_then(|v| v.to_str().ok()?.split_once(' '));
        let Some((scheme, text)) = value else {
            return Ok(Self(None));
        };
        let text = text.trim();
        if scheme.eq_ignore_ascii_case("ticket") {
            return Ok(Self(Some(Proof::Ticket(text.to_owned()))));
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Self(None));
        }
        Ok(Self(Some(
            match lane.identity.bearing(&parts.headers).await? {
                Some(person) => Proof::Person(person),
                None => Proof::Token(text.to_owned()),
            },
        )))
    }
}

impl Proven {
    fn proof(self) -> Result<Proof> {
        self.0.ok_or(Error::Unauthenticated)
    }
}

pub(crate) fn id(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

/// A body as JSON; what is unreadable or too large is refused as such.
fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, StatusCode> {
    body.map(|Json(body)| body)
        .map_err(|rejection| rejection.status())
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Begin {
    /// A ticket, for who sends no header.
    ticket: Option<String>,
    /// What tells this device from another one; bound to the attempt.
    device: String,
}

/// Microseconds as JavaScript reads them: milliseconds.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

async fn begin(
    State(lane): Shared,
    Path(exam): Path<String>,
    proven: Proven,
    body: axum::body::Bytes,
) -> Result<Response, Failure> {
    // Who shows a ticket in a header needs no body.
    let asked: Begin = match body.is_empty() {
        true => Begin::default(),
        false => match serde_json::from_slice(&body) {
            Ok(asked) => asked,
            Err(_) => return Ok(StatusCode::BAD_REQUEST.into_response()),
        },
    };
    let proof = match asked.ticket {
        Some(ticket) => Proof::Ticket(ticket),
        None => proven.proof()?,
    };
    let begun = lane.exams.begin(id(&exam)?, &proof, &asked.device).await?;
    Ok((StatusCode::CREATED, Json(begun_json(&begun))).into_response())
}

pub(crate) fn begun_json(begun: &Begun) -> Value {
    json!({
        "attempt": begun.attempt, "number": begun.number, "title": begun.title, "token": begun.token,
        "deadline": millis(begun.deadline), "grace_seconds": begun.grace, "server_time": millis(begun.now),
        "items": begun.items,
    })
}

pub(crate) fn about_json(exams: &Exams, about: &About) -> Value {
    let terms = &about.exam.terms;
    let until = (about.until < terms.closes).then(|| millis(about.until));
    json!({
        "exam": about.exam.id, "title": terms.title, "name": about.name, "state": about.door.code(),
        "opens": millis(terms.opens), "closes": millis(terms.closes), "late": until,
        "seconds": terms.seconds, "grace": terms.grace, "items": about.items,
        "full": about.full as f64 / 1_000.0, "pass": terms.pass.map(|p| p as f64 / 1_000.0),
        "attempts": about.attempts.0, "used": about.attempts.1, "shows": terms.shows.code(),
        "now": millis(exams.env.now()),
    })
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Word {
    signals: Vec<Noticed>,
    heard: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Noticed {
    kind: String,
    amount: i64,
    at: i64,
}

/// A word from a sitting: heard of, its signals kept; told the time, its end and what was announced.
async fn presence(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
    body: Result<Json<Word>, JsonRejection>,
) -> Result<Response, Failure> {
    let word = match read(body) {
        Ok(word) => word,
        Err(refused) => return Ok(refused.into_response()),
    };
    let signals: Vec<Signal> = word
        .signals
        .iter()
        .filter_map(|s| {
            Some(Signal {
                kind: SignalKind::of_code(&s.kind)?,
                amount: s.amount,
                at: Timestamp(s.at.saturating_mul(1_000)),
            })
        })
        .collect();
    let (attempt, proof) = (id(&attempt)?, proven.proof()?);
    let told = lane
        .exams
        .word(attempt, &proof, &signals, word.heard)
        .await?;
    let news: Vec<Value> = told
        .news
        .iter()
        .map(|n| json!({ "number": n.number, "text": n.text, "at": millis(n.at) }))
        .collect();
    let body =
        json!({ "server_time": millis(told.now), "deadline": millis(told.deadline), "news": news });
    Ok(Json(body).into_response())
}

/// A picture of the paper; what it is follows from the paper, not from who asks.
async fn picture(
    State(lane): Shared,
    Path((attempt, hash)): Path<(String, String)>,
    proven: Proven,
) -> Result<Response, Failure> {
    let proof = proven.proof()?;
    let (mime, bytes) = lane.exams.picture(id(&attempt)?, &proof, &hash).await?;
    Ok(([(header::CONTENT_TYPE, mime)], bytes).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFile {
    name: String,
    size: u64,
}

async fn files(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
) -> Result<Json<Value>, Failure> {
    let files = lane.exams.files_of(id(&attempt)?, &proven.proof()?).await?;
    Ok(Json(json!({ "files": files })))
}

async fn begin_file(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
    body: Result<Json<NewFile>, JsonRejection>,
) -> Result<Response, Failure> {
    let new = match read(body) {
        Ok(new) => new,
        Err(refused) => return Ok(refused.into_response()),
    };
    let (attempt, proof) = (id(&attempt)?, proven.proof()?);
    let begun = lane.exams.begin_file(attempt, &proof, &new.name, new.size);
    let body = json!({ "upload": begun.await?, "received": 0 });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
struct Piece {
    from: u64,
}

async fn put_piece(
    State(lane): Shared,
    Path((attempt, upload)): Path<(String, String)>,
    Query(piece): Query<Piece>,
    proven: Proven,
    bytes: axum::body::Bytes,
) -> Result<Json<Value>, Failure> {
    let at = (id(&attempt)?, id(&upload)?);
    let received = lane
        .exams
        .take_piece(at, &proven.proof()?, piece.from, &bytes)
        .await?;
    Ok(Json(json!({ "received": received })))
}

async fn keep_file(
    State(lane): Shared,
    Path((attempt, upload)): Path<(String, String)>,
    proven: Proven,
) -> Result<Json<Value>, Failure> {
    let at = (id(&attempt)?, id(&upload)?);
    let file = lane.exams.keep_file(at, &proven.proof()?).await?;
    Ok(Json(json!(file)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    answers: Vec<Sent>,
}

/// An answer as it is sent; the moment in milliseconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    item: u16,
    seq: i64,
    value: Value,
    #[serde(default)]
    at: Option<i64>,
}

#[derive(Serialize)]
struct Saved {
    saved: Vec<Pair>,
    deadline: i64,
    /// Number of the last announcement that is known here.
    news: i64,
}

#[derive(Serialize)]
struct Pair {
    item: u16,
    seq: i64,
}

async fn save(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
    body: Result<Json<Answers>, JsonRejection>,
) -> Result<Response, Failure> {
    let answers = match read(body) {
        Ok(body) => body.answers,
        Err(refused) => return Ok(refused.into_response()),
    };
    let given: Vec<Given> = answers
        .into_iter()
        .map(|a| Given {
            item: a.item,
            seq: a.seq,
            value: a.value,
            at: a.at.map(|at| at.saturating_mul(1_000)),
        })
        .collect();
    let proof = proven.proof()?;
    let attempt = id(&attempt)?;
    let (saved, deadline) = lane.exams.save(attempt, &proof, &given).await?;
    let saved = saved.into_iter().map(|(item, seq)| Pair { item, seq });
    Ok(Json(Saved {
        saved: saved.collect(),
        deadline: millis(deadline),
        news: lane.exams.last_news(attempt),
    })
    .into_response())
}

fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "attempt": receipt.attempt, "answered": receipt.answered, "hash": receipt.hash, "at": millis(receipt.at),
    })
}

async fn submit(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
) -> Result<Json<Value>, Failure> {
    let proof = proven.proof()?;
    let receipt = lane.exams.submit(id(&attempt)?, &proof).await?;
    Ok(Json(json!({ "receipt": receipt_json(&receipt) })))
}

async fn result(
    State(lane): Shared,
    Path(attempt): Path<String>,
    proven: Proven,
) -> Result<Json<Value>, Failure> {
    let proof = proven.proof()?;
    let Outcome {
        receipt,
        points,
        correct,
        void,
    } = lane.exams.result(id(&attempt)?, &proof).await?;
    let mut body =
        json!({ "receipt": receipt_json(&receipt), "shown": points.is_some(), "void": void });
    if let (Some((points, full, passed)), Some((correct, waiting))) = (points, correct) {
        body["points"] = json!(points as f64 / 1_000.0);
        body["full"] = json!(full as f64 / 1_000.0);
        body["passed"] = json!(passed);
        body["correct"] = json!(correct);
        body["waiting"] = json!(waiting);
    }
    Ok(Json(body))
}

/// The part of the API description.
pub(crate) fn openapi() -> Value {
    let problem =
        |text: &str| json!({ "description": text, "content": { "application/problem+json": {} } });
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let body = |schema: Value| json!({ "application/json": { "schema": schema } });
    let path = |name: &str| {
        json!([{ "name": "id", "in": "path", "required": true, "description": name,
                 "schema": { "type": "string", "format": "uuid" } }])
    };
    let proofs = json!([{ "bearer": [] }, { "ticket": [] }]);
    let receipt = object(json!({
        "attempt": { "type": "string" }, "answered": { "type": "integer" },
        "hash": { "type": "string" }, "at": { "type": "integer" },
    }));
    let not_found = problem("Not this one's attempt, or none at all");
    let file = object(
        json!({ "hash": { "type": "string" }, "name": { "type": "string" },
        "size": { "type": "integer" }, "mime": { "type": "string" } }),
    );
    json!({
        "tags": [{ "name": "exams", "description": "Sitting an examination. Moments are milliseconds since 1970." }],
        "components": { "securitySchemes": {
            "ticket": { "type": "apiKey", "in": "header", "name": "authorization",
                        "description": "`Ticket` and the code of the ticket" },
        } },
        "paths": {
            "/api/v1/exams/{id}/attempts": { "post": {
                "tags": ["exams"], "security": proofs, "parameters": path("Examination"),
                "summary": "Begin an attempt, or go on with the one that is open",
                "requestBody": { "content": body(object(json!({
                    "ticket": { "type": "string", "description": "Instead of a header" },
                    "device": { "type": "string", "description": "Tells this device from others; bound to the attempt" },
                }))) },
                "responses": {
                    "201": { "description": "Begun or gone on with", "content": body(object(json!({
                        "attempt": { "type": "string" }, "number": { "type": "integer" },
                        "title": { "type": "string" },
                        "token": { "type": "string", "description": "Proves this device from now on" },
                        "deadline": { "type": "integer" }, "grace_seconds": { "type": "integer" },
                        "server_time": { "type": "integer" },
                        "items": { "type": "array", "items": { "type": "object" } },
                    }))) },
                    "404": problem("Not on the list"),
                    "409": problem("Not open, closed, on another device, or all attempts are used"),
                    "503": problem("Very busy: try again after the seconds in retry-after"),
                },
            } },
            "/api/v1/attempts/{id}/answers": { "put": {
                "tags": ["exams"], "security": proofs, "parameters": path("Attempt"),
                "summary": "Keep answers; acknowledged when they are on disk",
                "requestBody": { "required": true, "content": body(object(json!({
                    "answers": { "type": "array", "items": object(json!({
                        "item": { "type": "integer" },
                        "seq": { "type": "integer", "description": "Counts the changes: a later one is higher" },
                        "value": { "description": "In letters as they are seen" },
                        "at": { "type": "integer", "description": "When it was given, by the server's clock" },
                    })) },
                }))) },
                "responses": {
                    "200": { "description": "Kept", "content": body(object(json!({
                        "saved": { "type": "array", "items": object(json!({
                            "item": { "type": "integer" }, "seq": { "type": "integer" },
                        })) },
                        "deadline": { "type": "integer" },
                        "news": { "type": "integer", "description": "Number of the last announcement" },
                    }))) },
                    "404": not_found, "409": problem("Handed in, time is over, or another device"),
                    "422": problem("An answer does not belong to this paper"),
                    "503": problem("Very busy: try again after the seconds in retry-after"),
                },
            } },
            "/api/v1/attempts/{id}/presence": { "post": {
                "tags": ["exams"], "security": proofs, "parameters": path("Attempt"),
                "summary": "A word from a sitting: it is there; told the time, its end and what was announced",
                "requestBody": { "required": true, "content": body(object(json!({
                    "signals": { "type": "array", "items": object(json!({
                        "kind": { "type": "string", "enum": ["focus-lost", "pasted", "fullscreen-left"] },
                        "amount": { "type": "integer", "description": "Seconds or characters" },
                        "at": { "type": "integer" },
                    })) },
                    "heard": { "type": "integer", "description": "Announcements up to this one are confirmed" },
                }))) },
                "responses": {
                    "200": { "description": "Heard", "content": body(object(json!({
                        "server_time": { "type": "integer" }, "deadline": { "type": "integer" },
                        "news": { "type": "array", "items": object(json!({
                            "number": { "type": "integer" }, "text": { "type": "string" }, "at": { "type": "integer" },
                        })) },
                    }))) },
                    "404": not_found, "409": problem("Handed in, or another device"),
                },
            } },
            "/api/v1/attempts/{id}/pictures/{hash}": { "get": {
                "tags": ["exams"], "security": proofs, "summary": "A picture of the paper",
                "parameters": [path("Attempt")[0], { "name": "hash", "in": "path", "required": true, "schema": { "type": "string" } }],
                "responses": { "200": { "description": "The picture", "content": { "image/*": {} } }, "404": not_found },
            } },
            "/api/v1/attempts/{id}/files": {
                "parameters": path("Attempt"),
                "get": { "tags": ["exams"], "security": proofs, "summary": "Files that were handed in",
                    "responses": { "200": { "description": "The files", "content": body(object(json!({ "files": { "type": "array", "items": file } }))) }, "404": not_found } },
                "post": { "tags": ["exams"], "security": proofs, "summary": "Begin to hand in a file of an upload question",
                    "requestBody": { "required": true, "content": body(object(json!({ "name": { "type": "string" }, "size": { "type": "integer" } }))) },
                    "responses": { "201": { "description": "Begun", "content": body(object(json!({ "upload": { "type": "string" }, "received": { "type": "integer" } }))) },
                        "404": not_found, "409": problem("Handed in, time is over, or another device"), "422": problem("Empty, too large, or too many") } },
            },
            "/api/v1/attempts/{id}/files/{upload}": {
                "parameters": [path("Attempt")[0], { "name": "upload", "in": "path", "required": true, "schema": { "type": "string" } }],
                "put": { "tags": ["exams"], "security": proofs, "summary": "A piece of up to 512 KiB; one that does not fit where the file ends changes nothing",
                    "parameters": [{ "name": "from", "in": "query", "required": true, "schema": { "type": "integer" } }],
                    "requestBody": { "required": true, "content": { "application/octet-stream": {} } },
                    "responses": { "200": { "description": "How much has arrived", "content": body(object(json!({ "received": { "type": "integer" } }))) }, "404": not_found } },
                "post": { "tags": ["exams"], "security": proofs, "summary": "Keep the file, which has arrived whole; its hash is named in the answer",
                    "responses": { "200": { "description": "Kept", "content": body(file.clone()) }, "404": not_found, "422": problem("Not whole, or a kind that is not taken") } },
            },
            "/api/v1/tickets": { "post": {
                "tags": ["exams"], "summary": "Which examination a ticket is for, and its rules",
                "requestBody": { "required": true, "content": body(object(json!({ "ticket": { "type": "string" } }))) },
                "responses": { "200": { "description": "Found", "content": body(json!({ "type": "object" })) },
                    "404": problem("No such ticket") },
            } },
            "/api/v1/exams/{id}/mine": {
                "parameters": path("Examination"),
                "get": { "tags": ["exams"], "summary": "The rules, and how one stands oneself",
                    "responses": { "200": { "description": "On the list", "content": body(json!({ "type": "object" })) }, "404": problem("Not on the list") } },
                "post": { "tags": ["exams"], "summary": "As attempts, by the session of a browser",
                    "requestBody": { "content": body(object(json!({ "device": { "type": "string" } }))) },
                    "responses": { "201": { "description": "As attempts" }, "404": problem("Not on the list"), "409": problem("As attempts") } },
            },
            "/api/v1/attempts/{id}/submission": { "post": {
                "tags": ["exams"], "security": proofs, "parameters": path("Attempt"),
                "summary": "Hand in; sent again, the receipt is the same",
                "responses": {
                    "200": { "description": "Handed in", "content": body(object(json!({ "receipt": receipt }))) },
                    "404": not_found, "409": problem("Another device"),
                },
            } },
            "/api/v1/attempts/{id}/result": { "get": {
                "tags": ["exams"], "security": proofs, "parameters": path("Attempt"),
                "summary": "What was reached, as far as it is shown yet",
                "responses": {
                    "200": { "description": "The receipt, and points when they are shown",
                             "content": body(object(json!({
                        "receipt": receipt, "shown": { "type": "boolean" }, "points": { "type": "number" },
                        "full": { "type": "number" }, "passed": { "type": ["boolean", "null"] },
                        "correct": { "type": "integer" }, "waiting": { "type": "integer" },
                        "void": { "type": ["string", "null"], "description": "Why it does not count" },
                    }))) },
                    "404": not_found, "409": problem("Not handed in yet"),
                },
            } },
        },
    })
}
