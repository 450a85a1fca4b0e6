//! The page on which parts, agenda and fields are corrected.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{ActivityId, Error, Msg, PersonId, Result};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Shell};

use crate::pages::crumbs;
use crate::typed::{self, Typed, shape, with_agenda, with_roles};
use crate::{Activities, Activity, ActivityKind, Amended};

fn context(s: &Activities, shell: &Shell, kind: &ActivityKind, a: &Activity, form: &Form) -> Value {
    let lang = shell.lang().code();
    let mut crumbs = crumbs(shell);
    crumbs.push(Crumb {
        label: a.title.clone(),
        href: format!("/activities/{}", a.id),
    });
    json!({ "form": form, "shape": shape(s, kind, lang, form), "id": a.id, "title": a.title,
        "kind": kind.name.get(lang), "crumbs": crumbs })
}

async fn known<'a>(
    s: &'a Activities,
    access: &Access,
    id: &str,
) -> Result<(Activity, &'a ActivityKind)> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let (activity, _) = s.activity(id, access).await?;
    let kind = s.kinds.get(&activity.kind).ok_or(Error::NotFound)?;
    if activity.reversed_at.is_some() {
        return Err(Error::Conflict(Msg::new("activity-reversed")));
    }
    Ok((activity, kind))
}

pub(crate) async fn form(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (activity, kind) = known(&s, &access, &id).await?;
    let (roles, agenda, _) = s.details(&activity).await?;
    let people: Vec<PersonId> = roles.iter().map(|r| r.person).collect();
    let numbers = typed::numbers(&s, &people, activity.date).await?;
    let roles: Vec<_> = roles.into_iter().map(|r| (r.role, r.person)).collect();
    let mut form = with_roles(Form::default(), &roles, &numbers);
    for (code, text) in &activity.fields {
        form = form.with(&format!("field-{code}"), text);
    }
    let form = with_agenda(form, kind, &agenda);
    shell.page(
        "activities/amend.html",
        context(&s, &shell, kind, &activity, &form),
    )
}

pub(crate) async fn keep(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (activity, kind) = known(&s, &access, &id).await?;
    let typed = Typed(fields);
    let mut errors = Vec::new();
    let details = typed.details(&s, kind, activity.date, &mut errors).await?;
    let amended = Amended {
        roles: details.roles,
        agenda: details.agenda,
        fields: details.fields,
    };
    let kept = match Error::if_any(errors) {
        Ok(()) => {
            let reason = typed.get("reason");
            s.amend(activity.id, &amended, reason, &access, actor).await
        }
        Err(error) => Err(error),
    };
    match kept {
        Ok(()) => shell.done(&format!("/activities/{}", activity.id), "activity-amended"),
        Err(error) => {
            let form = typed.form(kind).reject(&shell, error)?;
            shell.refused(
                "activities/amend.html",
                context(&s, &shell, kind, &activity, &form),
            )
        }
    }
}
