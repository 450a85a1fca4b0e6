//! Pages of one person: a card with a timeline, and the forms that change it.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Crumb, Event, StepState};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::attributes::{Attribute, Attributes, EVER, full_years};
use crate::bodies::BodyKinds;
use crate::import::forms::form_of;
use crate::model::{Assignment, Nature};
use crate::number_pages;
use crate::pages::{MANAGE, READ, download_as};
use crate::people::{NewAssignment, NewPerson, PersonCard, PersonChange};
use crate::person_requests;
use crate::service::Organization;
use crate::ties::End;

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
        .get("/organization/me", Policy::SignedIn, me)
        .post(
            "/organization/people/{id}/ask/{act}",
            Policy::SignedIn,
            person_requests::ask,
        )
}

/// What the forms ask for; each shows some of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub staff_no: String,
    pub name: String,
    pub unit_code: String,
    pub post: String,
    pub from: String,
    pub to: String,
    pub kind: String,
    pub assignment: String,
    pub value: String,
    pub since: String,
    pub last: String,
    /// An attribute that is typed in, and what was typed.
    pub attribute: String,
    pub text: String,
    /// Id of the approval that is asked for, made with the form.
    pub approval: String,
    /// Id of the returned approval that is mended.
    pub mend: String,
    /// Why it is asked for, kept with what is asked for.
    pub note: String,
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
                nature: Default::default(),
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
    href: Option<String>,
    post: String,
    from: String,
    to: Option<String>,
    kind: String,
    now: bool,
}

#[derive(Serialize)]
struct Trait {
    code: String,
    name: String,
    value: String,
}

/// How somebody serves in an assignment: the end of its message keys, and its word in the form.
fn kind(a: &Assignment) -> &'static str {
    match (a.primary, a.nature) {
        (true, _) => "primary",
        (false, Nature::Ordinary) => "second",
        (false, nature) => nature.code(),
    }
}

/// What a reader may do with what is known of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum May {
    /// Change it.
    Change,
    /// Ask for changes; no unit may be opened by those who see nothing but themselves.
    Ask { reads: bool },
    /// Look.
    Read,
}

pub(crate) async fn page(
    people: &People,
    shell: &Shell,
    access: &Access,
    card: &PersonCard,
    form: Form,
    act: &str,
    may: May,
) -> Result<Value> {
    let number = number_pages::part(people, access, card).await?;
    // What was erased is not changed any more.
    let may = if card.erased.is_some() {
        May::Read
    } else {
        may
    };
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
            href: (may != May::Ask { reads: false })
                .then(|| format!("/organization/units/{}", a.unit)),
            post: a.post.clone(),
            from: format_date(a.from),
            to: a.to.map(format_date),
            kind: shell.t(&format!("organization-kind-{}", kind(a))),
            now: a.covers(today),
        })
        .collect();
    let mut events: Vec<(Date, Event)> = Vec::new();
    for a in &card.assignments {
        let key = format!("organization-event-{}", kind(a));
        let end = a.to.map(|to| format!(" — {}", format_date(to)));
        let post = if a.post.is_empty() { "—" } else { &a.post };
        events.push((
            a.from,
            Event {
                title: shell.t_with(&key, &[("unit", &name(&a.unit)), ("post", post)]),
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
    let own = End::Person(card.person.id);
    let ties = people.organization.ties_of(own).await?;
    events.extend(people.tie_events(shell, &ties, own));
    for (code, from, value) in card.traits.iter() {
        let attribute = people.attributes.get(code);
        if attribute.is_some_and(Attribute::is_timeless) {
            continue;
        }
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
                value: match (known, value, &a.years) {
                    (Some(known), ..) => known.name.get(lang).to_owned(),
                    (None, Some(month), Some(years)) => {
                        let full = full_years(month, today).unwrap_or_default();
                        format!("{month} · {} {full}", years.get(lang))
                    }
                    (None, value, _) => value.unwrap_or("—").to_owned(),
                },
            }
        })
        .collect();
    let choices: Vec<(String, Vec<(String, String)>)> = people
        .attributes
        .iter()
        .filter(|a| !a.values.is_empty())
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
    let texts: Vec<Value> = people
        .attributes
        .iter()
        .filter(|a| a.format.is_some())
        .map(|a| json!({ "code": a.code, "name": a.name.get(lang), "value": card.traits.on(&a.code, today), "timeless": a.is_timeless() }))
        .collect();
    let serves = card
        .assignments
        .iter()
        .find(|a| a.primary && a.covers(today));
    Ok(json!({
        "person": { "id": card.person.id, "name": card.person.name, "staff_no": card.person.staff_no },
        "serves": serves.map(|a| json!({ "unit": name(&a.unit), "post": a.post })),
        "services": services, "events": events, "traits": traits, "choices": choices, "removals": removals,
        "texts": texts, "may_change": may != May::Read, "asks": matches!(may, May::Ask { .. }),
        "crumbs": serves.filter(|_| may != May::Ask { reads: false }).map(|a| Crumb { label: name(&a.unit), href: format!("/organization?unit={}", a.unit) })
            .into_iter().collect::<Vec<_>>(),
        "form": form, "act": act, "number": number,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Mending {
    mend: String,
}

async fn show(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(mending): Query<Mending>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let card = people.organization.person(id, &access.scope).await?;
    let may = person_requests::may(&people, &access, id).await?;
    answer(&people, &shell, &access, &card, may, &mending.mend).await
}

/// One's own record (我的信息), for those too who may read nobody else's.
async fn me(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Query(mending): Query<Mending>,
) -> Result<Response, Failure> {
    let id = access.principal.person.ok_or(Error::NotFound)?;
    let card = people.organization.person(id, &Scope::All).await?;
    let may = person_requests::may(&people, &access, id).await?;
    answer(&people, &shell, &access, &card, may, &mending.mend).await
}

async fn answer(
    people: &People,
    shell: &Shell,
    access: &Access,
    card: &PersonCard,
    may: May,
    mend: &str,
) -> Result<Response, Failure> {
    let today = format_date(shell.env().today());
    let form = Form::default()
        .with("from", &today)
        .with("since", &today)
        .with("approval", shell.env().new_id::<Id>());
    let (form, act) = person_requests::mended(people, access, form, mend).await?;
    let context = page(people, shell, access, card, form, act, may).await?;
    if shell.is_htmx() {
        return shell.partial("organization/person-look.html", context);
    }
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
    let changed = async {
        let change = read_change(&people, &access.scope, &act, &asked).await?;
        let (org, attributes) = (&people.organization, &people.attributes);
        org.change_person(attributes, id, &change, &access, &access.scope)
            .await
    };
    match changed.await {
        Ok(()) => shell.done(
            &format!("/organization/people/{id}"),
            "organization-done-person",
        ),
        Err(error) => {
            let card = people.organization.person(id, &access.scope).await?;
            let form = Form::of(&asked).reject(&shell, error)?;
            let context = page(&people, &shell, &access, &card, form, &act, May::Change).await?;
            shell.refused("organization/person.html", context)
        }
    }
}

/// The change that a form of the page means.
pub(crate) async fn read_change(
    people: &People,
    scope: &Scope,
    act: &str,
    asked: &Asked,
) -> Result<PersonChange> {
    let org = &people.organization;
    Ok(match act {
        "rename" => PersonChange::Rename {
            name: asked.name.trim().to_owned(),
        },
        "assign" => {
            let unit = org.unit_typed("unit_code", &asked.unit_code, scope).await?;
            PersonChange::Assign(NewAssignment {
                unit,
                post: asked.post.trim().to_owned(),
                from: day("from", &asked.from)?,
                to: day_or_none("to", &asked.to)?,
                primary: matches!(asked.kind.as_str(), "" | "primary"),
                nature: Nature::from_code(&asked.kind),
            })
        }
        "end" => PersonChange::End {
            assignment: asked.assignment.parse().map_err(|_| Error::NotFound)?,
            last: day("last", &asked.last)?,
        },
        "attribute" if !asked.attribute.is_empty() => {
            let known = people.attributes.get(&asked.attribute);
            let timeless = known.is_some_and(Attribute::is_timeless);
            PersonChange::Describe {
                attribute: asked.attribute.clone(),
                value: asked.text.trim().to_owned(),
                from: if timeless {
                    EVER
                } else {
                    day("since", &asked.since)?
                },
            }
        }
        "attribute" => {
            let (code, value) = asked.value.split_once('.').unwrap_or_default();
            PersonChange::Describe {
                attribute: code.to_owned(),
                value: value.to_owned(),
                from: day("since", &asked.since)?,
            }
        }
        _ => return Err(Error::NotFound),
    })
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let service = json!({ "id": "1", "unit": "法治科", "href": "/organization/units/1", "post": "科长",
        "from": "2024-01-01", "to": null, "kind": "主职", "now": true });
    let mut past = service.clone();
    past["to"] = json!("2024-12-31");
    past["kind"] = json!("借调");
    past["now"] = json!(false);
    let person = json!({
        "person": { "id": "1", "name": "甲某", "staff_no": "001" }, "serves": { "unit": "法治科", "post": "" },
        "services": [service, past], "traits": [{ "code": "class", "name": "人员类别", "value": "—" }],
        "events": [{ "title": "任职：法治科", "at": "2024-01-01", "quote": null, "state": "done" }],
        "choices": [["人员类别", [["class.judge", "员额法官"]]]], "removals": [["class.", "人员类别"]],
        "crumbs": [], "may_change": true, "asks": false, "form": Form::default(), "act": "", "texts":
        [{ "code": "email", "name": "邮箱", "value": "a@b.example", "timeless": false },
            { "code": "birth", "name": "出生年月", "value": "1985-03", "timeless": true }],
        "number": { "kept": true, "masked": "1101**********002X", "shown": null, "may_see": true, "may_erase": true,
            "erased": null },
    });
    let mut shown = person.clone();
    shown["number"]["shown"] = json!("11010519491231002X");
    let mut erased = person.clone();
    erased["number"] = json!({ "kept": true, "masked": null, "shown": null, "may_see": true, "may_erase": true,
        "erased": "2026-11-20" });
    erased["may_change"] = json!(false);
    let mut left = person.clone();
    left["serves"] = json!(null);
    left["may_change"] = json!(false);
    let mut asks = left.clone();
    asks["may_change"] = json!(true);
    asks["asks"] = json!(true);
    asks["texts"][0]["value"] = json!(null);
    asks["services"][0]["href"] = json!(null);
    asks["form"] = json!(Form::default().with("mend", "1").with("approval", "2"));
    let new =
        json!({ "form": Form::default(), "unit": { "id": "1", "name": "法治科" }, "crumbs": [] });
    let look = |context: &Value| ("organization/person-look.html", context.clone());
    vec![
        look(&person),
        look(&erased),
        look(&left),
        ("organization/person.html", person),
        ("organization/person.html", shown),
        ("organization/person.html", erased),
        ("organization/person.html", left),
        ("organization/person.html", asks),
        ("organization/person-new.html", new),
    ]
}
