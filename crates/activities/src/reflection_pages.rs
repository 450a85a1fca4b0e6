//! Pages of reflections: one's own, and all of an activity for whoever looks at them.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{ActivityId, Error, Id, Msg, PersonId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::reflection::ReflectionState;
use crate::{Activities, ActivityKind};

/// From so many percent on it is pointed out.
const ALIKE: u8 = 30;

fn me(access: &Access) -> Result<PersonId> {
    let message = || Error::Conflict(Msg::new("mine-no-person"));
    access.principal.person.ok_or_else(message)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    text: String,
}

async fn own(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: ActivityId,
    mut form: Form,
) -> Result<Value> {
    let (a, known) = s.own_reflection(id, me(access)?).await?;
    let limits = s
        .kinds
        .get(&a.kind)
        .and_then(|k: &ActivityKind| k.reflection)
        .ok_or(Error::NotFound)?;
    if let Some(known) = known.as_ref().filter(|_| !form.values.contains_key("text")) {
        form = form.with("text", &known.text);
    }
    let due = s.reflection_due(&a.kind, a.date).map(kernel::format_date);
    Ok(json!({
        "id": id, "title": a.title, "form": form, "due": due, "least": limits.least, "most": limits.most,
        "state": known.as_ref().map(|k| shell.t(&format!("reflection-state-{}", k.state.code()))),
        "note": known.as_ref().map(|k| &k.note),
        "open": known.as_ref().is_none_or(|k| matches!(k.state, ReflectionState::Submitted | ReflectionState::Returned)),
        "crumbs": [{ "label": shell.t("mine-title"), "href": "/activities/mine" }],
    }))
}

pub(crate) async fn mine(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    shell.page(
        "activities/reflection.html",
        own(&s, &shell, &access, id, Form::default()).await?,
    )
}

pub(crate) async fn submit(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    match s.reflect(id, me(&access)?, &typed.text, actor).await {
        Ok(()) => shell.done(
            &format!("/activities/mine/{id}/reflection"),
            "reflection-kept",
        ),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            shell.refused(
                "activities/reflection.html",
                own(&s, &shell, &access, id, form).await?,
            )
        }
    }
}

async fn all(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: ActivityId,
    form: Form,
) -> Result<Value> {
    let (a, _) = s.activity(id, access).await?;
    let found = s.reflections(id, access).await?;
    let zone = s.env.zone();
    let due = s.reflection_due(&a.kind, a.date);
    let rows: Vec<Value> = found
        .iter()
        .map(|(r, like)| {
            let like = like.as_ref().filter(|(percent, _)| *percent >= ALIKE).map(|(percent, other)| {
                let own = other.person == r.person;
                let key = if own { "reflection-like-own" } else { "reflection-like" };
                shell.t_with(key, &[("percent", &percent.to_string()), ("name", &other.name)])
            });
            json!({ "id": r.id, "name": r.name, "text": r.text, "note": r.note, "at": r.submitted_at.minute_text(zone),
                "late": due.is_some_and(|due| r.submitted_at.date(zone) > due), "like": like,
                "code": r.state.code(), "state": shell.t(&format!("reflection-state-{}", r.state.code())),
                "characters": r.text.chars().filter(|c| !c.is_whitespace()).count() })
        })
        .collect();
    Ok(
        json!({ "id": id, "title": a.title, "rows": rows, "form": form, "due": due.map(kernel::format_date),
        "crumbs": [{ "label": a.title, "href": format!("/activities/{id}") }] }),
    )
}

pub(crate) async fn list(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    shell.page(
        "activities/reflections.html",
        all(&s, &shell, &access, id, Form::default()).await?,
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Review {
    act: String,
    note: String,
}

pub(crate) async fn review(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, reflection)): Path<(String, String)>,
    Body(typed): Body<Review>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let reflection: Id = reflection.parse().map_err(|_| Error::NotFound)?;
    let to = ReflectionState::from_code(&typed.act).ok_or(Error::NotFound)?;
    match s
        .review((id, reflection), to, &typed.note, &access, actor)
        .await
    {
        Ok(()) => shell.done(
            &format!("/activities/{id}/reflections"),
            "reflection-reviewed",
        ),
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            shell.refused(
                "activities/reflections.html",
                all(&s, &shell, &access, id, form).await?,
            )
        }
    }
}
