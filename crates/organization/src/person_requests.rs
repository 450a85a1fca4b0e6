//! Changes of a person's record that are asked for (人员信息变更申请) by the person, or by who keeps the records
//! of their unit, and made when they were approved.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use approvals::{Approval, Approvals, By as Approver, Kind, Line, New, Summary};
use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::response::Response;
use db::Tx;
use futures::future::BoxFuture;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId, format_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::attributes::Attributes;
use crate::model::Nature;
use crate::pages::MANAGE;
use crate::people::{PersonCard, PersonChange};
use crate::person_pages::{Asked, May, People, page, read_change};
use crate::service::{Organization, check_text};
use crate::store;
use crate::trail::By;

/// Permission to ask for changes of other people's records.
pub const PROPOSE: &str = "organization.propose";

const KIND: &str = "person-change";

/// What is asked for, as an approval keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Request {
    person: PersonId,
    change: PersonChange,
    /// What was known when it was asked for.
    before: Value,
    /// Why.
    note: String,
}

/// What a change would change, as it is known now.
fn before(card: &PersonCard, change: &PersonChange) -> Value {
    match change {
        PersonChange::Rename { .. } => json!({ "name": card.person.name }),
        PersonChange::Assign(new) => {
            let held = card.assignments.iter();
            let mut held = held.filter(|a| a.primary == new.primary && a.covers(new.from));
            let held = held.find(|a| new.primary || a.unit == new.unit);
            json!({ "unit": held.map(|a| a.unit), "post": held.map(|a| &a.post),
                "from": held.map(|a| a.from), "to": held.and_then(|a| a.to) })
        }
        PersonChange::End { assignment, .. } => {
            let held = card.assignments.iter().find(|a| a.id == *assignment);
            json!({ "unit": held.map(|a| a.unit), "post": held.map(|a| &a.post),
                "from": held.map(|a| a.from), "to": held.and_then(|a| a.to) })
        }
        PersonChange::Describe {
            attribute, from, ..
        } => json!({ "value": card.traits.on(attribute, *from) }),
    }
}

/// Whether a change changes nothing.
fn is_same(before: &Value, change: &PersonChange) -> bool {
    match change {
        PersonChange::Rename { name } => before["name"] == **name,
        PersonChange::Describe { value, .. } => {
            before["value"].as_str().unwrap_or_default() == value
        }
        PersonChange::Assign(new) => {
            before["unit"] == json!(new.unit)
                && before["post"] == *new.post
                && before["to"] == json!(new.to)
        }
        PersonChange::End { last, .. } => before["to"] == json!(last),
    }
}

/// The kind of approval: registered by the program.
pub struct PersonChanges {
    organization: Organization,
    attributes: Arc<Attributes>,
}

impl PersonChanges {
    /// Over units and people, with these attributes.
    pub fn new(organization: Organization, attributes: Attributes) -> Self {
        Self {
            organization,
            attributes: attributes.into(),
        }
    }

    fn lines(&self, asked: &Request, units: &HashMap<UnitId, String>, lang: &str) -> Vec<Line> {
        let line = |key, before: String, after: String| Line {
            label: Msg::new(key),
            before,
            after,
        };
        let known = |field: &str| asked.before[field].as_str().unwrap_or_default().to_owned();
        let day = |date: Option<Date>| date.map(format_date).unwrap_or_default();
        let unit = |id: Option<UnitId>| {
            id.and_then(|id| units.get(&id).cloned())
                .unwrap_or_default()
        };
        let here = unit(serde_json::from_value(asked.before["unit"].clone()).ok());
        let mut lines = match &asked.change {
            PersonChange::Rename { name } => {
                vec![line("organization-person", known("name"), name.clone())]
            }
            PersonChange::Assign(new) => {
                let kind = match (new.primary, new.nature) {
                    (true, _) => "organization-kind-primary",
                    (false, Nature::Ordinary) => "organization-kind-second",
                    (false, Nature::Secondment) => "organization-kind-secondment",
                    (false, Nature::Attachment) => "organization-kind-attachment",
                };
                let mut lines = vec![
                    line("organization-unit", here, unit(Some(new.unit))),
                    line("organization-post", known("post"), new.post.clone()),
                    line("organization-since", known("from"), format_date(new.from)),
                ];
                lines.push(line("organization-until", known("to"), day(new.to)));
                lines[0].label =
                    Msg::new("organization-change-item").with("name", approvals::term(kind));
                lines
            }
            PersonChange::End { last, .. } => {
                let mut post = known("post");
                if !post.is_empty() {
                    post = format!(" · {post}");
                }
                vec![
                    line(
                        "organization-services",
                        format!("{here}{post}"),
                        String::new(),
                    ),
                    line("organization-change-last", known("to"), format_date(*last)),
                ]
            }
            PersonChange::Describe {
                attribute,
                value,
                from,
            } => {
                let list = self.attributes.get(attribute);
                let name = |code: &str| {
                    let named = list.and_then(|a| a.value(code));
                    named.map_or(code, |v| v.name.get(lang)).to_owned()
                };
                let label = list.map_or(attribute.as_str(), |a| a.name.get(lang));
                let mut lines = vec![Line {
                    label: Msg::new("organization-change-item").with("name", label),
                    before: name(&known("value")),
                    after: name(value),
                }];
                if list.is_none_or(|a| !a.is_timeless()) {
                    let from = format_date(*from);
                    lines.push(line("organization-from-day", String::new(), from));
                }
                lines
            }
        };
        if !asked.note.is_empty() {
            lines.push(line(
                "organization-change-note",
                String::new(),
                asked.note.clone(),
            ));
        }
        lines
    }
}

fn read(payload: &Value) -> Result<Request> {
    serde_json::from_value(payload.clone()).map_err(Error::internal)
}

impl Kind for PersonChanges {
    fn code(&self) -> &'static str {
        KIND
    }

    fn title(&self) -> &'static str {
        "organization-change-title"
    }

    fn summaries<'a>(
        &'a self,
        list: &'a [Approval],
        lang: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>> {
        Box::pin(async move {
            let asked: Vec<Request> = list
                .iter()
                .map(|a| read(&a.payload))
                .collect::<Result<_>>()?;
            let people: Vec<PersonId> = asked.iter().map(|r| r.person).collect();
            let mut units: HashSet<UnitId> = HashSet::new();
            for r in &asked {
                units.extend(serde_json::from_value::<UnitId>(r.before["unit"].clone()).ok());
                if let PersonChange::Assign(new) = &r.change {
                    units.insert(new.unit);
                }
            }
            let units: Vec<UnitId> = units.into_iter().collect();
            let names = self.organization.person_names(&people).await?;
            let units = self.organization.names(&units).await?;
            let said = asked.iter().map(|r| Summary {
                about: names.get(&r.person).cloned().unwrap_or_default(),
                href: Some(format!("/organization/people/{}", r.person)),
                lines: self.lines(r, &units, lang),
            });
            Ok(said.collect())
        })
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        approval: &'a Approval,
        by: &'a Approver,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let asked = read(&approval.payload)?;
            let (org, basis) = (&self.organization, format!("approval {}", approval.id));
            store::lock(tx, self.organization.env.now()).await?;
            let card = org.card(tx, asked.person, None).await?;
            if before(&card, &asked.change) != asked.before {
                return Err(Error::Conflict(Msg::new("organization-change-since")));
            }
            let by = By {
                account: Some(by.account),
                on_behalf: by.on_behalf,
                address: by.address.clone(),
            };
            let (id, change) = (asked.person, &asked.change);
            org.change_person_in(tx, &self.attributes, id, change, (&by, &basis), &Scope::All)
                .await
        })
    }

    fn ask_href(&self) -> Option<&'static str> {
        Some("/organization/me")
    }

    fn mend_href(&self, approval: &Approval) -> Option<String> {
        let person = approval.case.subject?;
        let own = person == approval.case.applicant;
        let page = if own {
            "/organization/me".to_owned()
        } else {
            format!("/organization/people/{person}")
        };
        Some(format!("{page}?mend={}", approval.id))
    }
}

/// The approvals in which changes can be asked for, if there are any.
fn engine(people: &People) -> Option<&Approvals> {
    let approvals = people.organization.approvals.as_ref();
    approvals.filter(|a| a.offers(KIND))
}

/// What somebody may do with a person's record that they may see.
pub(crate) async fn may(people: &People, access: &Access, id: PersonId) -> Result<May> {
    let org = &people.organization;
    let within = async |scope: Option<&Scope>| match scope {
        None => Ok(false),
        Some(scope) => match org.person(id, scope).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(e) => Err(e),
        },
    };
    let principal = &access.principal;
    if within(principal.scope(MANAGE)).await? {
        return Ok(May::Change);
    }
    if engine(people).is_none() || principal.person.is_none() {
        return Ok(May::Read);
    }
    let reads = within(principal.scope(crate::pages::READ)).await?;
    let own = principal.person == Some(id);
    Ok(if own || within(principal.scope(PROPOSE)).await? {
        May::Ask { reads }
    } else {
        May::Read
    })
}

/// The form filled from a returned approval that is to be mended, and which of the forms it is.
pub(crate) async fn mended(
    people: &People,
    access: &Access,
    form: Form,
    mend: &str,
) -> Result<(Form, &'static str)> {
    let (Ok(id), Some(engine)) = (mend.parse::<Id>(), engine(people)) else {
        return Ok((form, ""));
    };
    let approval = engine.own(id, &Approver::of(access)?).await?;
    let asked = read(&approval.payload)?;
    let day = |date: Option<Date>| date.map(format_date).unwrap_or_default();
    let form = form.with("mend", id).with("note", &asked.note);
    Ok(match &asked.change {
        PersonChange::Rename { name } => (form.with("name", name), "rename"),
        PersonChange::Assign(new) => {
            let unit = people.organization.unit(new.unit, &Scope::All).await?;
            let kind = match (new.primary, new.nature) {
                (true, _) => "primary",
                (false, Nature::Ordinary) => "second",
                (false, nature) => nature.code(),
            };
            let form = form.with("unit_code", unit.code).with("post", &new.post);
            let form = form
                .with("from", format_date(new.from))
                .with("to", day(new.to));
            (form.with("kind", kind), "assign")
        }
        PersonChange::End { assignment, last } => {
            let form = form.with("assignment", assignment);
            (form.with("last", format_date(*last)), "end")
        }
        PersonChange::Describe {
            attribute,
            value,
            from,
        } => {
            let form = form.with("since", format_date(*from)).with("text", value);
            (
                form.with("value", format!("{attribute}.{value}")),
                "attribute",
            )
        }
    })
}

/// Asks for a change, or mends one that was returned.
pub(crate) async fn ask(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
    Posted(asked): Posted<Asked>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let may = may(&people, &access, id).await?;
    if matches!(may, May::Read) {
        return Err(Error::NotFound.into());
    }
    match send(&people, &access, id, &act, &asked).await {
        Ok(approval) => shell.done(&format!("/approvals/{approval}"), "organization-asked"),
        Err(error) => {
            let card = people.organization.person(id, &Scope::All).await?;
            // What stands against it as a whole is shown like a wrong field.
            let error = match error {
                Error::Conflict(message) => Error::field("", message),
                other => other,
            };
            let form = Form::of(&asked).reject(&shell, error)?;
            let context = page(&people, &shell, &access, &card, form, &act, may).await?;
            shell.refused("organization/person.html", context)
        }
    }
}

async fn send(
    people: &People,
    access: &Access,
    id: PersonId,
    act: &str,
    asked: &Asked,
) -> Result<Id> {
    let engine = engine(people).ok_or(Error::NotFound)?;
    let by = Approver::of(access)?;
    let note = asked.note.trim().to_owned();
    if let Some(message) = check_text(&note, 200) {
        return Err(Error::field("note", message));
    }
    let org = &people.organization;
    // A transfer leads out of the unit of who asks; those who decide see where to.
    let change = read_change(people, &Scope::All, act, asked).await?;
    let attributes = &people.attributes;
    if let Ok(mended) = asked.mend.parse::<Id>() {
        let known = engine.own(mended, &by).await?;
        if known.case.subject != Some(id) || known.kind != KIND {
            return Err(Error::NotFound);
        }
        let (payload, _) = org.request(attributes, id, change, note).await?;
        engine.resubmit(mended, &payload, &by).await?;
        return Ok(mended);
    }
    let approval = asked.approval.parse().map_err(|_| Error::NotFound)?;
    org.ask_change(engine, attributes, (approval, id), change, note, &by)
        .await
}

impl Organization {
    /// Asks for a change of a person's record (人员信息变更申请); `ids` are the approval's own and the person's.
    ///
    /// # Errors
    /// What would stand against the change in the end stands against asking for it.
    pub async fn ask_change(
        &self,
        engine: &Approvals,
        attributes: &Attributes,
        (approval, person): (Id, PersonId),
        change: PersonChange,
        note: String,
        by: &Approver,
    ) -> Result<Id> {
        let (payload, unit) = self.request(attributes, person, change, note).await?;
        let new = New {
            id: approval,
            kind: KIND,
            unit,
            subject: Some(person),
            payload,
        };
        engine.start(&new, by).await
    }

    /// What is asked for as an approval keeps it, and the unit in which it is decided.
    async fn request(
        &self,
        attributes: &Attributes,
        person: PersonId,
        change: PersonChange,
        note: String,
    ) -> Result<(Value, UnitId)> {
        self.try_change(attributes, person, &change).await?;
        let card = self.person(person, &Scope::All).await?;
        let before = before(&card, &change);
        if is_same(&before, &change) {
            return Err(Error::field("", Msg::new("organization-change-same")));
        }
        let today = self.env.today();
        let served = card.assignments.iter();
        let served = served.max_by_key(|a| (a.primary && a.covers(today), a.covers(today), a.from));
        let unit = served.ok_or(Error::NotFound)?.unit;
        let request = Request {
            person,
            change,
            before,
            note,
        };
        let payload = serde_json::to_value(&request).map_err(Error::internal)?;
        Ok((payload, unit))
    }
}
