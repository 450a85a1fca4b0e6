//! Pages of one person: a card with a timeline, and the forms that change it.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::response::Response;
use kernel::{Date, Error, Id, Msg, PersonId, Result, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Crumb, Event, StepState};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::attributes::Attributes;
use crate::bodies::BodyKinds;
use crate::import::forms::form_of;
use crate::pages::{MANAGE, READ, download_as};
use crate::people::{NewAssignment, NewPerson, PersonCard};
use crate::service::Organization;

/// What the pages work with.
#[derive(Clone)]
pub(crate) struct People {
    pub organization: Organization,
    pub attributes: std::sync::Arc<Attributes>,
    pub kinds: std::sync::Arc<BodyKinds>,
}

pub(crate) fn routes() -> Routes<People> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/organization/units/{id}/people/new", manage, new_form)
        .post("/organization/units/{id}/people/new", manage, add)
        .get("/organization/people/{id}", read, show)
        .get("/organization/people/{id}/form.lrmx", read, form_file)
        .post("/organization/people/{id}/{act}", manage, submit)
}

/// What the forms ask for; each shows some of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    staff_no: String,
    name: String,
    unit_code: String,
    post: String,
    from: String,
    to: String,
    kind: String,
    assignment: String,
    value: String,
    since: String,
    last: String,
}

pub(crate) fn day(field: &str, text: &str) -> Result<Date> {
    let wrong = || Error::field(field, Msg::new("organization-date").with("value", text));
    parse_date(text).ok_or_else(wrong)
}

pub(crate) fn day_or_none(field: &str, text: &str) -> Result<Option<Date>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    day(field, text).map(Some)
}

async fn new_form(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: UnitId = id.parse().map_err(|_| Error::NotFound)?;
    let unit = people.organization.unit(id, &access.scope).await?;
    let form = Form::default().with("from", format_date(shell.env().today()));
    let context = json!({ "form": form, "unit": { "id": id, "name": unit.name }, "crumbs": [Crumb {
        label: unit.name.clone(), href: format!("/organization?unit={id}") }] });
    shell.page("organization/person-new.html", context)
}

async fn add(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(asked): Posted<Asked>,
) -> Result<Response, Failure> {
    let id: UnitId = id.parse().map_err(|_| Error::NotFound)?;
    let unit = people.organization.unit(id, &access.scope).await?;
    let added = async {
        let new = NewPerson {
            staff_no: asked.staff_no.clone(),
            name: asked.name.clone(),
            assignment: NewAssignment {
                unit: id,
                post: asked.post.clone(),
                from: day("from", &asked.from)?,
                to: None,
                primary: true,
            },
        };
        people
            .organization
            .add_person(&new, &access, &access.scope)
            .await
    };
    match added.await {
        Ok(person) => shell.done(
            &format!("/organization/people/{person}"),
            "organization-done-person",
        ),
        Err(error) => {
            let form = Form::of(&asked).reject(&shell, error)?;
            let context = json!({ "form": form, "unit": { "id": id, "name": unit.name }, "crumbs": [Crumb {
                label: unit.name.clone(), href: format!("/organization?unit={id}") }] });
            shell.refused("organization/person-new.html", context)
        }
    }
}

#[derive(Serialize)]
struct Service {
    id: Id,
    unit: String,
    href: String,
    post: String,
    from: String,
    to: Option<String>,
    primary: bool,
    now: bool,
}

#[derive(Serialize)]
struct Trait {
    code: String,
    name: String,
    value: String,
}

async fn page(
    people: &People,
    shell: &Shell,
    access: &Access,
    card: &PersonCard,
    form: Form,
    act: &str,
) -> Result<Value> {
    let (lang, today) = (shell.lang().code(), shell.env().today());
    let units: Vec<UnitId> = card.assignments.iter().map(|a| a.unit).collect();
    // Where somebody served before may lie outside the scope; its name is part of their own record.
    let names = people.organization.names(&units).await?;
    let name = |unit: &UnitId| names.get(unit).cloned().unwrap_or_default();
    let services: Vec<Service> = card
        .assignments
        .iter()
        .rev()
        .map(|a| Service {
            id: a.id,
            unit: name(&a.unit),
            href: format!("/organization/units/{}", a.unit),
            post: a.post.clone(),
            from: format_date(a.from),
            to: a.to.map(format_date),
            primary: a.primary,
            now: a.covers(today),
        })
        .collect();
    let mut events: Vec<(Date, Event)> = Vec::new();
    for a in &card.assignments {
        let key = if a.primary {
            "organization-event-primary"
        } else {
            "organization-event-second"
        };
        let end = a.to.map(|to| format!(" — {}", format_date(to)));
        let post = if a.post.is_empty() { "—" } else { &a.post };
        events.push((
            a.from,
            Event {
                title: shell.t_with(key, &[("unit", &name(&a.unit)), ("post", post)]),
                at: format_date(a.from) + &end.unwrap_or_default(),
                quote: None,
                state: if a.covers(today) {
                    StepState::Now
                } else {
                    StepState::Done
                },
            },
        ));
    }
    for (member, body) in people.organization.memberships(card.person.id).await? {
        let end = member.to.map(|to| format!(" — {}", format_date(to)));
        let role = people.role_name(&body.kind, &member.role, lang);
        events.push((
            member.from,
            Event {
                title: shell.t_with("body-event", &[("body", &body.name), ("role", &role)]),
                at: format_date(member.from) + &end.unwrap_or_default(),
                quote: None,
                state: if member.covers(today) {
                    StepState::Now
                } else {
                    StepState::Done
                },
            },
        ));
    }
    for (code, from, value) in card.traits.iter() {
        let attribute = people.attributes.get(code);
        let label = attribute.map_or(code, |a| a.name.get(lang));
        let said = match value {
            "" => shell.t("organization-trait-none"),
            value => {
                let known = attribute.and_then(|a| a.value(value));
                known.map_or(value, |v| v.name.get(lang)).to_owned()
            }
        };
        events.push((
            from,
            Event {
                title: shell.t_with("organization-pair", &[("label", label), ("value", &said)]),
                at: format_date(from),
                quote: None,
                state: StepState::Done,
            },
        ));
    }
    events.sort_by_key(|(from, _)| std::cmp::Reverse(*from));
    let events: Vec<Event> = events.into_iter().map(|(_, e)| e).collect();
    let traits: Vec<Trait> = people
        .attributes
        .iter()
        .map(|a| {
            let value = card.traits.on(&a.code, today);
            let known = value.and_then(|v| a.value(v));
            Trait {
                code: a.code.clone(),
                name: a.name.get(lang).to_owned(),
                value: known
                    .map_or(value.unwrap_or("—"), |v| v.name.get(lang))
                    .to_owned(),
            }
        })
        .collect();
    let choices: Vec<(String, Vec<(String, String)>)> = people
        .attributes
        .iter()
        .map(|a| {
            let values = a.values.iter();
            let values =
                values.map(|v| (format!("{}.{}", a.code, v.code), v.name.get(lang).into()));
            (a.name.get(lang).to_owned(), values.collect())
        })
        .collect();
    let removals: Vec<(String, String)> = people
        .attributes
        .iter()
        .filter(|a| card.traits.on(&a.code, today).is_some())
        .map(|a| (format!("{}.", a.code), a.name.get(lang).to_owned()))
        .collect();
    let serves = card
        .assignments
        .iter()
        .find(|a| a.primary && a.covers(today));
    Ok(json!({
        "person": { "id": card.person.id, "name": card.person.name, "staff_no": card.person.staff_no },
        "serves": serves.map(|a| json!({ "unit": name(&a.unit), "post": a.post })),
        "services": services, "events": events, "traits": traits, "choices": choices, "removals": removals,
        "crumbs": serves.map(|a| Crumb { label: name(&a.unit), href: format!("/organization?unit={}", a.unit) })
            .into_iter().collect::<Vec<_>>(),
        "may_change": access.principal.scope(MANAGE).is_some(), "form": form, "act": act,
    }))
}

async fn show(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let card = people.organization.person(id, &access.scope).await?;
    let today = format_date(shell.env().today());
    let form = Form::default().with("from", &today).with("since", &today);
    let context = page(&people, &shell, &access, &card, form, "").await?;
    shell.page("organization/person.html", context)
}

/// The appointment form of a person.
async fn form_file(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let org = &people.organization;
    let card = org.person(id, &access.scope).await?;
    let units: Vec<UnitId> = card.assignments.iter().map(|a| a.unit).collect();
    let names = org.names(&units).await?;
    org.tell_export(&access, ("person", id), 1).await?;
    let bytes = form_of(&card, &names, &people.attributes, shell.env().today());
    let name = format!("{}.lrmx", card.person.name);
    Ok(download_as("application/xml", &name, bytes))
}

async fn submit(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
    Posted(asked): Posted<Asked>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    match work(&people, &access, id, &act, &asked).await {
        Ok(()) => shell.done(
            &format!("/organization/people/{id}"),
            "organization-done-person",
        ),
        Err(error) => {
            let card = people.organization.person(id, &access.scope).await?;
            let form = Form::of(&asked).reject(&shell, error)?;
            let context = page(&people, &shell, &access, &card, form, &act).await?;
            shell.refused("organization/person.html", context)
        }
    }
}

async fn work(
    people: &People,
    access: &Access,
    id: PersonId,
    act: &str,
    asked: &Asked,
) -> Result<()> {
    let (org, scope) = (&people.organization, &access.scope);
    match act {
        "rename" => org.rename_person(id, &asked.name, access, scope).await,
        "assign" => {
            let unit = match org.unit_by_code(asked.unit_code.trim(), scope).await {
                Err(Error::NotFound) => {
                    let message = Msg::new("organization-code-unknown");
                    let message = message.with("code", asked.unit_code.trim());
                    return Err(Error::field("unit_code", message));
                }
                found => found?.id,
            };
            let new = NewAssignment {
                unit,
                post: asked.post.clone(),
                from: day("from", &asked.from)?,
                to: day_or_none("to", &asked.to)?,
                primary: asked.kind != "second",
            };
            org.assign(id, &new, access, scope).await
        }
        "end" => {
            let assignment: Id = asked.assignment.parse().map_err(|_| Error::NotFound)?;
            let last = day("last", &asked.last)?;
            org.end_assignment(id, assignment, last, access, scope)
                .await
        }
        "attribute" => {
            let (code, value) = asked.value.split_once('.').unwrap_or_default();
            let from = day("since", &asked.since)?;
            let attributes = &people.attributes;
            org.set_attribute(attributes, id, code, value, from, access, scope)
                .await
        }
        _ => Err(Error::NotFound),
    }
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let service = json!({ "id": "1", "unit": "法治科", "href": "/organization/units/1", "post": "科长",
        "from": "2024-01-01", "to": null, "primary": true, "now": true });
    let mut past = service.clone();
    past["to"] = json!("2024-12-31");
    past["primary"] = json!(false);
    past["now"] = json!(false);
    let person = json!({
        "person": { "id": "1", "name": "甲某", "staff_no": "001" }, "serves": { "unit": "法治科", "post": "" },
        "services": [service, past], "traits": [{ "code": "class", "name": "人员类别", "value": "—" }],
        "events": [{ "title": "任职：法治科", "at": "2024-01-01", "quote": null, "state": "done" }],
        "choices": [["人员类别", [["class.judge", "员额法官"]]]], "removals": [["class.", "人员类别"]],
        "crumbs": [], "may_change": true, "form": Form::default(), "act": "",
    });
    let mut left = person.clone();
    left["serves"] = json!(null);
    left["may_change"] = json!(false);
    let new =
        json!({ "form": Form::default(), "unit": { "id": "1", "name": "法治科" }, "crumbs": [] });
    vec![
        ("organization/person.html", person),
        ("organization/person.html", left),
        ("organization/person-new.html", new),
    ]
}
