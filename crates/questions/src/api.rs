//! The JSON API of banks and questions, over the same service as the pages. Pictures come in files; a question that
//! is written here has none of its own, but keeps those that it has.

use axum::Json;
use axum::extract::{Path, Query, State as Has};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::bank::{Bank, Filter, Head, Opened, Questions, State};
use crate::formats::Format;
use crate::model::{Kind, Media, Question};
use crate::writing::{Draft, Verdict};
use crate::{READ, REVIEW, WRITE};

const PAGE: i64 = 100;
const ORDER: Order = Order {
    by: "changed",
    down: true,
};

pub(crate) fn routes() -> Routes<Questions> {
    let [read, write, review] = [READ, WRITE, REVIEW].map(Policy::Permission);
    Routes::new()
        .get("/api/v1/question-banks", read, banks)
        .get("/api/v1/questions", read, list)
        .get("/api/v1/questions.jsonl", read, export)
        .post("/api/v1/questions", write, create)
        .get("/api/v1/questions/{id}", read, show)
        .post("/api/v1/questions/{id}/versions", write, renew)
        .post("/api/v1/questions/{id}/proposal", write, propose)
        .post("/api/v1/questions/{id}/review", review, decide)
}

async fn banks(Has(s): Has<Questions>, access: Access) -> Result<Response, Failure> {
    let tallies = s.tallies(&access.scope).await?;
    let one = |b: &Bank| {
        let mut states = serde_json::Map::new();
        for (_, state, count) in tallies.iter().filter(|(id, ..)| *id == b.id) {
            states.insert(state.code().to_owned(), json!(count));
        }
        json!({ "id": b.id, "unit": b.unit, "name": b.name, "sealed": b.sealed, "questions": states })
    };
    let items: Vec<Value> = s.banks(&access.scope).await?.iter().map(one).collect();
    Ok(Json(json!({ "items": items })).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    q: String,
    bank: Option<Id>,
    kind: Option<String>,
    state: Option<String>,
    difficulty: Option<i64>,
    point: Option<String>,
    page: Option<i64>,
}

/// What a name in an address stands for; one that stands for nothing is refused, where it says so.
fn code<T>(field: &str, text: Option<&String>, of: fn(&str) -> Option<T>) -> Result<Option<T>> {
    let wrong = || Error::field(field, Msg::new("question-code-wrong"));
    text.map(|text| of(text).ok_or_else(wrong)).transpose()
}

impl Search {
    async fn filter(&self, s: &Questions, access: &Access) -> Result<(Filter, Words)> {
        let points = match &self.point {
            None => None,
            Some(path) => {
                let all = s.points(&access.scope).await?;
                let same = all.into_iter().filter(|p| p.path == *path);
                Some(same.map(|p| p.id).collect())
            }
        };
        let filter = Filter {
            bank: self.bank,
            kind: code("kind", self.kind.as_ref(), Kind::of_code)?,
            state: code("state", self.state.as_ref(), State::of_code)?,
            difficulty: self.difficulty,
            points,
            among: None,
        };
        Ok((filter, Words::new(&self.q)))
    }
}

/// What is known of a question; of a sealed bank without its words.
fn head(h: &Head, sealed: bool) -> Value {
    json!({ "id": h.id, "bank": h.bank, "unit": h.unit, "version": h.version, "used_version": (h.used > 0).then_some(h.used),
        "state": h.state.code(), "kind": h.kind.code(), "difficulty": (h.difficulty > 0).then_some(h.difficulty), "points": h.points,
        "stem": (!sealed).then_some(&h.stem), "changed_at": h.changed_at.rfc3339() })
}

async fn list(
    Has(s): Has<Questions>,
    access: Access,
    Query(q): Query<Search>,
) -> Result<Response, Failure> {
    let (filter, words) = q.filter(&s, &access).await?;
    let window = Window::new(q.page.unwrap_or(1), PAGE);
    let (found, total) = s
        .page(&access.scope, &filter, &words, ORDER, window)
        .await?;
    let banks = s.banks(&access.scope).await?;
    let sealed = |h: &Head| banks.iter().any(|b| b.id == h.bank && b.sealed);
    let items: Vec<Value> = found.iter().map(|h| head(h, sealed(h))).collect();
    Ok(Json(json!({ "total": total, "items": items })).into_response())
}

async fn export(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Query(q): Query<Search>,
) -> Result<Response, Failure> {
    let (filter, words) = q.filter(&s, &access).await?;
    let format = Format::Jsonl;
    let written = s
        .export(format, &access.scope, &filter, &words, ORDER, actor)
        .await?;
    Ok(web::attachment(
        format.mime(),
        "questions.jsonl",
        written.bytes,
    ))
}

fn opened(o: &Opened) -> Value {
    let mut body = head(&o.head, false);
    let newest = o.versions.first();
    body["question"] = json!(newest.map(|v| &v.question));
    let versions = o.versions.iter();
    let versions = versions
        .map(|v| json!({ "version": v.version, "note": v.note, "by": v.by, "at": v.at.rfc3339() }));
    body["versions"] = versions.collect();
    let acts = o.acts.iter();
    let acts = acts.map(|a| json!({ "version": a.version, "act": a.act, "by": a.by, "reason": a.reason, "at": a.at.rfc3339() }));
    body["acts"] = acts.collect();
    let similar = o.similar.iter();
    body["similar"] = similar.map(|(_, h, _)| json!(h.id)).collect();
    body
}

async fn shown(s: &Questions, access: &Access, actor: Actor, id: Id) -> Result<Value> {
    Ok(opened(&s.open(id, &access.scope, actor).await?))
}

async fn show(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Path(id): Path<Id>,
) -> Result<Response, Failure> {
    Ok(Json(shown(&s, &access, actor, id).await?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    /// Sent again with the same id it is made once.
    id: Option<Id>,
    bank: Id,
    question: Question,
    #[serde(default)]
    note: String,
}

/// Refuses pictures that the question does not have yet: naming a hash is not having the file.
fn no_new_media(question: &Question, known: &[Media]) -> Result<()> {
    let mut all = question
        .media
        .iter()
        .chain(question.parts.iter().flat_map(|p| &p.media));
    match all.all(|m| known.iter().any(|k| k.hash == m.hash && k.mime == m.mime)) {
        true => Ok(()),
        false => Err(Error::field("media", Msg::new("question-api-media"))),
    }
}

async fn create(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Json(new): Json<New>,
) -> Result<Response, Failure> {
    no_new_media(&new.question, &[])?;
    let draft = Draft {
        id: new.id.unwrap_or_else(|| s.env.new_id()),
        bank: new.bank,
        before: None,
        question: &new.question,
        note: &new.note,
    };
    s.write(&draft, &access.scope, actor.clone()).await?;
    let body = shown(&s, &access, actor, draft.id).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    /// The version that was looked at.
    version: i64,
    question: Question,
    #[serde(default)]
    note: String,
}

async fn renew(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Path(id): Path<Id>,
    Json(next): Json<Next>,
) -> Result<Response, Failure> {
    let before = s.open(id, &access.scope, actor.clone()).await?;
    let known: Vec<Media> = {
        let all = before.versions.iter().map(|v| &v.question);
        let with_parts = all.flat_map(|q| std::iter::once(q).chain(&q.parts));
        with_parts.flat_map(|q| q.media.clone()).collect()
    };
    no_new_media(&next.question, &known)?;
    let draft = Draft {
        id,
        bank: before.bank.id,
        before: Some(next.version),
        question: &next.question,
        note: &next.note,
    };
    s.write(&draft, &access.scope, actor.clone()).await?;
    let body = shown(&s, &access, actor, id).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    version: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    version: i64,
    /// `accept`, `return`, `retire`.
    verdict: String,
    #[serde(default)]
    reason: String,
}

async fn done(
    s: &Questions,
    access: &Access,
    actor: Actor,
    (id, version): (Id, i64),
    verdict: Verdict<'_>,
) -> Result<Response> {
    let told = s
        .decide(&[(id, version)], verdict, &access.scope, actor.clone())
        .await?;
    let (_, refused) = told.into_iter().next().ok_or(Error::NotFound)?;
    if let Some(refused) = refused {
        return Err(Error::Conflict(refused));
    }
    Ok(Json(shown(s, access, actor, id).await?).into_response())
}

async fn propose(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Path(id): Path<Id>,
    Json(p): Json<Proposal>,
) -> Result<Response, Failure> {
    Ok(done(&s, &access, actor, (id, p.version), Verdict::Propose).await?)
}

async fn decide(
    Has(s): Has<Questions>,
    access: Access,
    actor: Actor,
    Path(id): Path<Id>,
    Json(d): Json<Decision>,
) -> Result<Response, Failure> {
    let verdict = match d.verdict.as_str() {
        "accept" => Verdict::Accept,
        "return" => Verdict::Return(&d.reason),
        "retire" => Verdict::Retire(&d.reason),
        _ => return Err(Error::field("verdict", Msg::new("question-code-wrong")).into()),
    };
    Ok(done(&s, &access, actor, (id, d.version), verdict).await?)
}

/// What `/openapi.json` says of it.
pub(crate) fn openapi() -> Value {
    let (text, whole) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    let uuid = json!({ "type": "string", "format": "uuid" });
    let at = json!({ "type": "string", "format": "date-time" });
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let texts = json!({ "type": "array", "items": text });
    let kinds: Vec<&str> = Kind::ALL.into_iter().map(Kind::code).collect();
    let states: Vec<&str> = State::ALL.into_iter().map(State::code).collect();
    let query =
        |name: &str, schema: &Value| json!({ "name": name, "in": "query", "schema": schema });
    let path = json!([{ "name": "id", "in": "path", "required": true, "schema": uuid }]);
    let answer = |said: &str, schema: &Value| json!({ "description": said, "content": { "application/json": { "schema": schema } } });
    let sent = |required: Value, properties: Value| {
        json!({ "required": true, "content": { "application/json": { "schema": {
        "type": "object", "required": required, "properties": properties } } } })
    };
    let head = json!({ "id": uuid, "bank": uuid, "unit": uuid, "version": whole, "used_version": { "type": ["integer", "null"] },
        "state": { "type": "string", "enum": states }, "kind": { "type": "string", "enum": kinds },
        "difficulty": { "type": ["integer", "null"] }, "points": texts, "stem": { "type": ["string", "null"] }, "changed_at": at });
    let question = json!({ "type": "object", "required": ["kind", "stem"], "properties": {
        "kind": { "type": "string", "enum": kinds }, "stem": text, "options": texts, "targets": texts,
        "key": { "description": "What is right, as it is read here" },
        "parts": { "type": "array", "items": { "type": "object" } }, "points": texts, "difficulty": whole, "source": text,
        "article": text, "explanation": text, "score": whole, "longest": whole, "fixed": { "type": "boolean" } } });
    let one = json!({ "$ref": "#/components/schemas/BankQuestion" });
    let filters = || {
        vec![
            query("q", &text),
            query("bank", &uuid),
            query("kind", &text),
            query("state", &text),
            query("difficulty", &whole),
            query("point", &text),
        ]
    };
    let mut paged = filters();
    paged.push(query("page", &whole));
    json!({
        "tags": [{ "name": "questions", "description": "Banks of questions and their versions" }],
        "paths": {
            "/api/v1/question-banks": { "get": { "tags": ["questions"], "summary": "Banks in the caller's scope, with how many questions are in each state",
                "responses": { "200": answer("The banks", &json!({ "type": "object", "properties": { "items": { "type": "array", "items": {
                    "type": "object", "properties": { "id": uuid, "unit": uuid, "name": text, "sealed": { "type": "boolean" },
                        "questions": { "type": "object", "additionalProperties": whole } } } } } })), "default": problem } } },
            "/api/v1/questions": {
                "get": { "tags": ["questions"], "summary": "Questions in the caller's scope, the last changed first, 100 a page", "parameters": paged,
                    "responses": { "200": answer("The page", &json!({ "type": "object", "properties": { "total": whole,
                        "items": { "type": "array", "items": { "type": "object", "properties": head } } } })), "default": problem } },
                "post": { "tags": ["questions"], "summary": "Write a draft; sent again with the same id it is made once",
                    "requestBody": sent(json!(["bank", "question"]), json!({ "id": uuid, "bank": uuid, "question": question, "note": text })),
                    "responses": { "201": answer("The draft", &one), "default": problem } },
            },
            "/api/v1/questions.jsonl": { "get": { "tags": ["questions"], "summary": "The newest versions of all that match, one a line", "parameters": filters(),
                "responses": { "200": { "description": "The file", "content": { "application/jsonl": {} } }, "default": problem } } },
            "/api/v1/questions/{id}": { "get": { "tags": ["questions"], "summary": "A question with its newest version; a look into a sealed bank is written down",
                "parameters": path, "responses": { "200": answer("The question", &one), "default": problem } } },
            "/api/v1/questions/{id}/versions": { "post": { "tags": ["questions"], "summary": "Write another version of it, as it was looked at", "parameters": path,
                "requestBody": sent(json!(["version", "question"]), json!({ "version": whole, "question": question, "note": text })),
                "responses": { "201": answer("The question", &one), "default": problem } } },
            "/api/v1/questions/{id}/proposal": { "post": { "tags": ["questions"], "summary": "Hand a draft to somebody else for review", "parameters": path,
                "requestBody": sent(json!(["version"]), json!({ "version": whole })), "responses": { "200": answer("The question", &one), "default": problem } } },
            "/api/v1/questions/{id}/review": { "post": { "tags": ["questions"], "summary": "Accept, return or retire what somebody else wrote", "parameters": path,
                "requestBody": sent(json!(["version", "verdict"]), json!({ "version": whole,
                    "verdict": { "type": "string", "enum": ["accept", "return", "retire"] }, "reason": text })),
                "responses": { "200": answer("The question", &one), "default": problem } } },
        },
        "components": { "schemas": { "BankQuestion": { "allOf": [
            { "type": "object", "properties": head },
            { "type": "object", "properties": { "question": question, "similar": { "type": "array", "items": uuid },
                "versions": { "type": "array", "items": { "type": "object", "properties": { "version": whole, "note": text, "by": { "type": ["string", "null"] }, "at": at } } },
                "acts": { "type": "array", "items": { "type": "object", "properties": { "version": whole, "act": text, "by": { "type": ["string", "null"] }, "reason": text, "at": at } } } } },
        ] } } },
    })
}
