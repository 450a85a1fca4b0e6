//! The JSON API of cases, over the same service as the pages. Who told of a case is not in it.

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use desk::{day_of, id_of};
use kernel::{Error, Id, Msg, PersonId, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Order, Window};
use web::{Access, Failure, Policy, Routes};

use crate::RAISE;
use crate::case::{Act, End, Measure};
use crate::kind::{Stage, Verb};
use crate::model::{Eyes, Filter, Matter, Raise, Tab, View};
use crate::pages::actor_of;
use crate::service::{Ask, Cases, Said};

const MOST: i64 = 200;

pub(crate) fn routes() -> Routes<Cases> {
    let own = Policy::SignedIn;
    Routes::new()
        .get("/api/v1/cases", own, list)
        .post("/api/v1/cases", Policy::Permission(RAISE), raise)
        .get("/api/v1/cases/{id}", own, one)
        .post("/api/v1/cases/{id}/{verb}", own, act)
}

#[derive(Deserialize)]
#[serde(default)]
struct Search {
    tab: String,
    view: String,
    stage: String,
    kind: String,
    area: String,
    unit: Option<UnitId>,
    late: bool,
    page: i64,
    size: i64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            tab: String::new(),
            view: String::new(),
            stage: String::new(),
            kind: String::new(),
            area: String::new(),
            unit: None,
            late: false,
            page: 1,
            size: 50,
        }
    }
}

fn row(m: &Matter) -> Value {
    json!({
        "id": m.id, "number": m.number, "kind": m.kind, "title": m.title, "detail": m.detail, "severity": m.severity,
        "area": m.area, "source": m.source, "clause": m.clause, "values": m.values, "unit": m.unit, "from": m.from, "owner": m.owner,
        "supervisor": m.supervisor, "state": m.state, "stage": m.stage.code(), "end": m.end.map(End::code),
        "due": format_date(m.due), "until": format_date(m.until), "raised_on": format_date(m.raised_on),
        "closed_on": m.closed_on.map(format_date), "measures": m.measures, "measures_done": m.done,
        "extensions": m.extensions, "reopenings": m.reopenings, "recurred": m.recurred, "declared": m.declared,
        "version": m.version, "created_at": m.created_at.rfc3339(), "updated_at": m.updated_at.rfc3339(),
    })
}

async fn list(
    Shared(s): Shared<Cases>,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Json<Value>, Failure> {
    let eyes = Eyes::from(&access);
    let usual = if eyes.reads.is_empty() {
        Tab::Owned
    } else {
        Tab::Unit
    };
    let filter = Filter {
        view: View::from_code(&asked.view).unwrap_or(View::All),
        stage: Stage::from_code(&asked.stage),
        kind: asked.kind,
        area: asked.area,
        unit: asked.unit,
        late: asked.late.then(|| s.env.today()),
        ..Filter::default()
    };
    let order = Order {
        by: "number",
        down: true,
    };
    let window = Window::new(asked.page, asked.size.clamp(1, MOST));
    let tab = Tab::from_code(&asked.tab).unwrap_or(usual);
    let (total, found) = s.list(tab, &filter, &eyes, order, window).await?;
    Ok(Json(
        json!({ "total": total, "cases": found.iter().map(row).collect::<Value>() }),
    ))
}

async fn one(
    Shared(s): Shared<Cases>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let w = s.case(id_of(&id)?, &Eyes::from(&access)).await?;
    let mut answer = row(&w.matter);
    answer["cause"] = json!(w.case.cause);
    answer["co_owners"] = json!(w.case.co);
    answer["measure_list"] = json!(w.case.measures);
    answer["events"] = w
        .events
        .iter()
        .map(|e| json!({ "seq": e.seq, "what": e.act, "state": e.state, "person": e.person, "text": e.text, "files": e.files, "at": e.at.rfc3339() }))
        .collect();
    answer["remedies"] = s.remedies_told(&w).await?;
    let verbs = Verb::ALL
        .into_iter()
        .filter(|v| w.case.can(&w.kind, &w.hand, *v));
    answer["verbs"] = verbs.map(Verb::code).collect();
    Ok(Json(answer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    id: Option<Id>,
    kind: String,
    title: String,
    #[serde(default)]
    detail: String,
    severity: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    clause: String,
    #[serde(default)]
    values: std::collections::BTreeMap<String, String>,
    unit: UnitId,
    from: UnitId,
    #[serde(default)]
    recurs: Option<bool>,
}

async fn raise(
    Shared(s): Shared<Cases>,
    access: Access,
    Json(new): Json<New>,
) -> Result<Json<Value>, Failure> {
    let scope = Cases::named_in(&access, None);
    s.organization.unit(new.unit, &scope).await?;
    let raise = Raise {
        id: new.id.unwrap_or_else(|| s.env.new_id()),
        kind: new.kind,
        title: new.title,
        detail: new.detail,
        severity: new.severity,
        area: new.area,
        source: new.source,
        clause: new.clause,
        values: new.values,
        unit: new.unit,
        from: new.from,
        owner: None,
        co: Vec::new(),
        supervisor: None,
        reporter: None,
        origin: None,
        key: None,
        recurs: new.recurs,
        fixed: None,
    };
    let eyes = Eyes::from(&access);
    let id = s.raise(&raise, &eyes, &actor_of(&access)).await?;
    let w = s.case(id, &eyes).await?;
    Ok(Json(row(&w.matter)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doing {
    version: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    measure: i64,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    measures: Vec<Planned>,
    owner: Option<PersonId>,
    #[serde(default)]
    co_owners: Vec<PersonId>,
    supervisor: Option<PersonId>,
    unit: Option<UnitId>,
    of: Option<Id>,
    #[serde(default)]
    values: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    text: String,
    owner: PersonId,
    due: String,
}

impl Cases {
    /// Refuses people whom the caller may not name.
    async fn within(
        &self,
        access: &Access,
        unit: UnitId,
        people: &[PersonId],
    ) -> kernel::Result<()> {
        let scope = Self::named_in(access, Some(unit));
        let homes = self.organization.units_of(people, self.env.today()).await?;
        for person in people {
            let unknown =
                || Error::field("owner", Msg::new("cases-person-unknown").with("no", person));
            let home = homes.get(person).ok_or_else(unknown)?;
            if !self.organization.reaches(&scope, *home).await? {
                return Err(unknown());
            }
        }
        Ok(())
    }
}

async fn act(
    Shared(s): Shared<Cases>,
    access: Access,
    Path((id, word)): Path<(String, String)>,
    Json(body): Json<Doing>,
) -> Result<Json<Value>, Failure> {
    let (id, eyes, actor) = (id_of(&id)?, Eyes::from(&access), actor_of(&access));
    let verb = Verb::from_code(&word).ok_or(Error::NotFound)?;
    let w = s.case(id, &eyes).await?;
    let said = Said {
        seen: Some(body.version),
        text: body.text,
        files: Vec::new(),
    };
    let mut people = body.co_owners.clone();
    people.extend(body.owner.iter().chain(&body.supervisor));
    people.extend(body.measures.iter().map(|m| m.owner));
    s.within(&access, w.matter.unit, &people).await?;
    let act = match verb {
        Verb::MoreTime | Verb::Transfer | Verb::Explain => {
            let ask = match verb {
                Verb::MoreTime => Ask::Time(day_of("day", &body.day)?),
                Verb::Transfer => Ask::End(End::Transferred),
                _ => Ask::End(End::Explained),
            };
            s.ask(id, ask, &said, &eyes, &approvals::By::of(&access)?)
                .await?;
            return answered(&s, id, &eyes).await;
        }
        Verb::Assign => {
            let unit = body.unit.unwrap_or(w.matter.unit);
            s.organization
                .unit(unit, &Cases::named_in(&access, Some(w.matter.unit)))
                .await?;
            Act::Assigned {
                unit,
                owner: body.owner,
                co: body.co_owners,
                supervisor: body.supervisor.or(w.matter.supervisor),
            }
        }
        Verb::Reject => Act::Rejected,
        Verb::Plan => {
            let mut measures = Vec::new();
            for m in body.measures {
                measures.push(Measure {
                    no: 0,
                    text: m.text,
                    owner: m.owner,
                    due: day_of("measures", &m.due)?,
                    done: None,
                });
            }
            Act::Planned {
                cause: body.cause,
                measures,
            }
        }
        Verb::Report => Act::Reported,
        Verb::Measure => Act::MeasureDone {
            no: body.measure,
            on: day_of("day", &body.day)?,
        },
        Verb::Submit => Act::Submitted,
        Verb::Accept => Act::Accepted,
        Verb::Refuse => Act::Refused,
        Verb::Duplicate => Act::Duplicate {
            of: body
                .of
                .ok_or_else(|| Error::field("of", Msg::new("cases-duplicate-unknown")))?,
        },
        Verb::Urge => Act::Urged,
        Verb::Hold => Act::Held,
        Verb::Reopen => Act::Reopened {
            until: day_of("day", &body.day)?,
        },
        Verb::Evaluate => Act::Evaluated {
            values: body.values,
        },
    };
    s.act(id, &act, &said, &eyes, &actor).await?;
    answered(&s, id, &eyes).await
}

async fn answered(s: &Cases, id: Id, eyes: &Eyes) -> Result<Json<Value>, Failure> {
    // Who handed it over may see it no longer.
    match s.case(id, eyes).await {
        Ok(w) => Ok(Json(row(&w.matter))),
        Err(Error::NotFound) => Ok(Json(json!({ "id": id }))),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn openapi() -> Value {
    let id = json!({ "type": "string", "format": "uuid" });
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let no_id = json!({ "type": ["string", "null"], "format": "uuid" });
    let day = json!({ "type": "string", "format": "date" });
    let no_day = json!({ "type": ["string", "null"], "format": "date" });
    let at = json!({ "type": "string", "format": "date-time" });
    let answer = |schema: Value| json!({ "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } });
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "schema": schema });
    let path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    let one = json!({ "$ref": "#/components/schemas/Case" });
    json!({
        "tags": [{ "name": "cases", "description": "Problems found and tasks given, until they are accepted and hold" }],
        "paths": {
            "/api/v1/cases": {
                "get": {
                    "tags": ["cases"], "operationId": "cases", "summary": "Cases of units, or those in which the caller has a part",
                    "parameters": [query("tab", json!({ "type": "string", "enum": Tab::ALL.map(Tab::code) })),
                        query("view", json!({ "type": "string", "enum": View::ALL.map(View::code), "default": "all" })),
                        query("stage", json!({ "type": "string", "enum": Stage::ALL.map(Stage::code) })),
                        query("kind", text.clone()), query("area", text.clone()), query("unit", id.clone()),
                        query("late", json!({ "type": "boolean", "default": false })),
                        query("page", json!({ "type": "integer", "default": 1 })),
                        query("size", json!({ "type": "integer", "default": 50, "maximum": MOST }))],
                    "responses": answer(json!({ "type": "object", "properties": { "total": number,
                        "cases": { "type": "array", "items": one } } })),
                },
                "post": {
                    "tags": ["cases"], "operationId": "raiseCase", "summary": "Raises a case",
                    "description": "The same `id` again is the same case. 422 on `recurs`: the unit had the same clause before; say whether it is the same again.",
                    "requestBody": body(json!({ "type": "object", "required": ["kind", "title", "severity", "unit", "from"], "properties": {
                        "id": id, "kind": text, "title": text, "detail": text, "severity": text, "area": text, "source": text,
                        "clause": text, "values": { "type": "object" }, "unit": id, "from": id, "recurs": { "type": "boolean" } } })),
                    "responses": answer(one.clone()),
                },
            },
            "/api/v1/cases/{id}": { "get": {
                "tags": ["cases"], "operationId": "case", "summary": "A case with its events, measures and what the caller may do",
                "parameters": [path("id", id.clone())],
                "responses": answer(json!({ "allOf": [one, { "type": "object", "properties": {
                    "cause": text, "co_owners": { "type": "array", "items": id }, "measure_list": { "type": "array", "items": { "type": "object" } },
                    "remedies": { "type": "array", "items": { "type": "object", "properties": { "no": number, "code": text, "person": id, "since": day,
                        "by": day, "needed": { "type": "boolean" }, "met_on": no_day } } },
                    "events": { "type": "array", "items": { "type": "object" } }, "verbs": { "type": "array", "items": text } } }] })),
            } },
            "/api/v1/cases/{id}/{verb}": { "post": {
                "tags": ["cases"], "operationId": "actOnCase", "summary": "Assigns, plans, hands in, accepts, opens again …",
                "description": "`version` is the one that was looked at: if something happened meanwhile the answer is 409.",
                "parameters": [path("id", id.clone()), path("verb", json!({ "type": "string", "enum": Verb::ALL.map(Verb::code) }))],
                "requestBody": body(json!({ "type": "object", "required": ["version"], "properties": { "version": number, "text": text,
                    "day": day, "measure": number, "cause": text, "measures": { "type": "array", "items": { "type": "object",
                        "required": ["text", "owner", "due"], "properties": { "text": text, "owner": id, "due": day } } },
                    "owner": no_id, "co_owners": { "type": "array", "items": id }, "supervisor": no_id, "unit": no_id, "of": no_id,
                    "values": { "type": "object", "additionalProperties": text, "description": "Evaluate: answers by field, `yes` or `no`" } } })),
                "responses": answer(one.clone()),
            } },
        },
        "components": { "schemas": { "Case": { "type": "object", "properties": {
            "id": id, "number": text, "kind": text, "title": text, "detail": text, "severity": text, "area": text, "source": text,
            "clause": text, "values": { "type": "object" }, "unit": id, "from": id, "owner": no_id, "supervisor": no_id, "state": text,
            "stage": { "type": "string", "enum": Stage::ALL.map(Stage::code) }, "end": { "type": ["string", "null"], "enum": [
                "solved", "transferred", "explained", "duplicate", "rejected", null] },
            "due": day, "until": day, "raised_on": day, "closed_on": no_day, "measures": number, "measures_done": number,
            "extensions": number, "reopenings": number, "recurred": number, "declared": { "type": "boolean" }, "version": number,
            "created_at": at, "updated_at": at } } } },
    })
}
