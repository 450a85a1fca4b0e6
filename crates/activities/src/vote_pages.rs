//! Resolutions on the page of an activity, and the minutes of a meeting on paper.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{ActivityId, Error, Id, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::votes::NewResolution;
use crate::{Activities, Activity, Part, Role, decision_pages, pages};

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Typed {
    id: String,
    resolution: String,
    in_favour: String,
    against: String,
    abstained: String,
    invalid: String,
    duty_unit: String,
    duty_person: String,
    duty_due: String,
    duty_way: String,
}

pub(crate) async fn add(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let resolution: Id = typed.id.parse().map_err(|_| Error::NotFound)?;
    // What is no number is refused as one out of range.
    let number = |text: &str| match text.trim() {
        "" => 0,
        text => text.parse().unwrap_or(-1),
    };
    let new = NewResolution {
        title: typed.resolution.clone(),
        in_favour: number(&typed.in_favour),
        against: number(&typed.against),
        abstained: number(&typed.abstained),
        invalid: typed.invalid == "on",
        duties: Vec::new(),
    };
    let named = (
        &*typed.duty_unit,
        &*typed.duty_person,
        &*typed.duty_due,
        &*typed.duty_way,
    );
    let scope = requests::reach(&access, &access.scope);
    let done = async {
        let field = |f: &str| format!("duty-{f}");
        let duties = decision_pages::duties(&s, named, &scope, field).await?;
        let new = NewResolution { duties, ..new };
        s.resolve((activity, resolution), &new, &access, actor)
            .await
    };
    match done.await {
        Ok(_) => shell.done(&format!("/activities/{activity}"), "votes-kept"),
        Err(error) => {
            pages::refused_form(&s, &shell, &access, activity, Form::of(&typed), error).await
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    reason: String,
}

pub(crate) async fn take_back(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, resolution)): Path<(String, String)>,
    Body(typed): Body<Reason>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let resolution: Id = resolution.parse().map_err(|_| Error::NotFound)?;
    match s
        .take_resolution_back((activity, resolution), &typed.reason, &access, actor)
        .await
    {
        Ok(()) => shell.done(&format!("/activities/{activity}"), "votes-reversed"),
        Err(error) => {
            pages::refused_form(&s, &shell, &access, activity, Form::default(), error).await
        }
    }
}

/// What the page of an activity says of votes.
pub(crate) async fn card(
    s: &Activities,
    shell: &Shell,
    a: &Activity,
    parts: &[Part],
) -> Result<Value> {
    let Some((voters, all)) = s.resolutions(a, parts).await? else {
        return Ok(Value::Null);
    };
    let quorum = s.kinds.get(&a.kind).and_then(|k| k.quorum);
    let rows: Vec<Value> = all
        .iter()
        .map(|r| {
            json!({ "id": r.id, "title": r.title, "in_favour": r.in_favour, "against": r.against, "abstained": r.abstained,
                "present": r.voters.present, "expected": r.voters.expected, "outcome": r.outcome.code(),
                "said": shell.t(&format!("votes-{}", r.outcome.code())) })
        })
        .collect();
    Ok(json!({
        "expected": voters.expected, "present": voters.present, "rows": rows, "new": s.env.new_id::<Id>(),
        "quorum": quorum.map(|q| shell.t(&format!("votes-quorum-{}", q.code()))),
        "met": quorum.is_none_or(|q| q.is_met(voters.present, voters.expected)),
    }))
}

/// The record of a meeting on paper (会议记录).
pub(crate) async fn minutes(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let (a, parts) = s.activity(id, &access).await?;
    if a.pair.is_some() {
        return Err(Error::NotFound.into());
    }
    let mut page = pages::show_context(&s, &shell, &access, &a, &parts, Form::default()).await?;
    let people: Vec<_> = parts.iter().map(|p| p.person).collect();
    let names = s.organization.person_names(&people).await?;
    let named = |role: Role| -> Vec<&str> {
        let those = parts.iter().filter(|p| p.role == role);
        those
            .filter_map(|p| names.get(&p.person).map(String::as_str))
            .collect()
    };
    page["lists"] = json!([
        [shell.t("role-present"), named(Role::Present)],
        [shell.t("role-leave"), named(Role::Leave)],
        [shell.t("role-absent"), named(Role::Absent)],
        [shell.t("role-observer"), named(Role::Observer)],
    ]);
    page["crumbs"] = json!([{ "label": a.title, "href": format!("/activities/{id}") }]);
    shell.page("activities/minutes.html", page)
}
