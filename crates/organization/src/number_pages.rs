//! On the page of a person: the identity number, shown on purpose only, and erasure.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::response::Response;
use kernel::{Error, Msg, PersonId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::numbers::{ERASE, IDENTITY};
use crate::people::PersonCard;
use crate::person_pages::{People, page};
use crate::person_requests;

pub(crate) fn routes() -> Routes<People> {
    let identity = Policy::Permission(IDENTITY);
    Routes::new()
        .post("/organization/people/{id}/identity/show", identity, reveal)
        .post("/organization/people/{id}/identity/set", identity, set)
        .post(
            "/organization/people/{id}/erase",
            Policy::Permission(ERASE),
            erase,
        )
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    reason: String,
    number: String,
    erase_reason: String,
    typed: String,
}

/// What the page of a person says of the number, and what the reader may do.
pub(crate) async fn part(people: &People, access: &Access, card: &PersonCard) -> Result<Value> {
    let org = &people.organization;
    let id = card.person.id;
    let may = async |permission: &str| match access.principal.scope(permission) {
        None => Ok(false),
        Some(scope) => match org.person(id, scope).await {
            Ok(_) => Ok(org.vault.is_some()),
            Err(Error::NotFound) => Ok(false),
            Err(other) => Err(other),
        },
    };
    let masked = match card.erased {
        Some(_) => None,
        None => org.masked_number(id).await?,
    };
    Ok(
        json!({ "kept": org.vault.is_some(), "masked": masked, "shown": null,
        "may_see": may(IDENTITY).await?, "may_erase": may(ERASE).await?,
        "erased": card.erased.map(|at| kernel::format_date(at.date(org.env.zone()))) }),
    )
}

async fn answer(
    people: &People,
    shell: &Shell,
    access: &Access,
    id: PersonId,
    form: Form,
    act: &str,
) -> Result<Value> {
    let card = people.organization.person(id, &access.scope).await?;
    let may = person_requests::may(people, access, id).await?;
    page(people, shell, access, &card, form, act, may).await
}

async fn reveal(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let org = &people.organization;
    let shown = org
        .show_number(id, &typed.reason, &access, &access.scope)
        .await;
    match shown {
        Ok(number) => {
            // Once: the page is not kept, and whoever loads it again types a reason again.
            let form = Form::default();
            let mut context = answer(&people, &shell, &access, id, form, "reveal").await?;
            context["number"]["shown"] = json!(number.as_str());
            shell.page("organization/person.html", context)
        }
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = answer(&people, &shell, &access, id, form, "reveal").await?;
            shell.refused("organization/person.html", context)
        }
    }
}

async fn set(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let org = &people.organization;
    let set = org
        .set_number(id, &typed.number, &access, &access.scope)
        .await;
    done(&people, &shell, &access, id, (&typed, "number"), set).await
}

async fn erase(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id: PersonId = id.parse().map_err(|_| Error::NotFound)?;
    let org = &people.organization;
    let said = (typed.typed.as_str(), typed.erase_reason.as_str());
    let erased = org.erase_person(id, said, &access, &access.scope).await;
    let erased = erased.map(|()| None);
    done(&people, &shell, &access, id, (&typed, "erase"), erased).await
}

async fn done(
    people: &People,
    shell: &Shell,
    access: &Access,
    id: PersonId,
    (typed, act): (&Typed, &str),
    done: Result<Option<Msg>>,
) -> Result<Response, Failure> {
    let path = format!("/organization/people/{id}");
    match done {
        Ok(None) => shell.done(&path, "organization-done-person"),
        Ok(Some(_)) => shell.done(&path, "identity-number-done-converted"),
        Err(error) => {
            // A number that was typed is not sent back.
            let typed = Typed {
                number: String::new(),
                ..typed.clone()
            };
            let form = Form::of(&typed).reject(shell, error)?;
            let context = answer(people, shell, access, id, form, act).await?;
            shell.refused("organization/person.html", context)
        }
    }
}
