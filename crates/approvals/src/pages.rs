//! Pages: several approvals agreed to at once, one with its timeline and what can be done.

use axum::Form as Posted;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use axum_extra::extract::Form as Repeated;
use kernel::{Error, Id, Msg, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::READ;
use crate::case::State;
use crate::lists;
use crate::model::{Asked, By, Outcome};
use crate::service::Approvals;

/// Most that are agreed to at once.
const BATCH: usize = 100;

pub(crate) fn routes(approvals: Approvals) -> Routes {
    let own = Policy::SignedIn;
    Routes::new()
        .get(lists::PLACE, own, lists::list)
        .get(lists::SHEET, own, lists::sheet)
        .post("/approvals/batch", own, batch)
        .get("/approvals/{id}", own, show)
        .post("/approvals/{id}/{act}", own, act)
        .with_state(approvals)
}

/// Where one may see the approvals of others.
pub(crate) fn scope_of(access: &Access) -> Scope {
    let scope = access.principal.scope(READ).cloned();
    scope.unwrap_or_else(Scope::nothing)
}

fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

async fn show(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let found = s
        .approval(id_of(&id)?, access.principal.person, &scope_of(&access))
        .await?;
    let context = s
        .page(&shell, &access, &found, Form::default(), None)
        .await?;
    shell.page("approvals/show.html", context)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    round: i64,
    step: i64,
    reason: String,
    other: String,
    #[serde(skip_serializing)]
    password: String,
}

/// What the next page says.
fn done_key(act: &str, state: State) -> &'static str {
    match (act, state) {
        ("agree", State::Applied) => "approvals-done-applied",
        ("agree", _) => "approvals-done-agreed",
        ("return", _) => "approvals-done-returned",
        ("refuse", _) => "approvals-done-refused",
        ("delegate", _) => "approvals-done-delegated",
        ("add", _) => "approvals-done-added",
        ("withdraw", _) => "approvals-done-withdrawn",
        _ => "approvals-done-reminded",
    }
}

async fn act(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let (id, scope) = (id_of(&id)?, scope_of(&access));
    let by = By::of(&access)?;
    let asked = Asked {
        act: act.clone(),
        seen: (typed.round, typed.step),
        reason: typed.reason.clone(),
        other: typed.other.clone(),
        password: typed.password.clone(),
    };
    let (form, problem) = match s.act(id, &asked, &by, &scope).await {
        Ok(Outcome::Done(state)) => {
            return shell.done(&format!("/approvals/{id}"), done_key(&act, state));
        }
        Ok(Outcome::NotApplied(why)) => (Form::of(&typed), Some(why)),
        Err(Error::Conflict(why)) => (Form::of(&typed), Some(why)),
        Err(error) => (Form::of(&typed).reject(&shell, error)?, None),
    };
    let found = s.approval(id, access.principal.person, &scope).await?;
    let context = s
        .page(&shell, &access, &found, form, problem.as_ref())
        .await?;
    shell.refused("approvals/show.html", context)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Picked {
    pick: Vec<String>,
    reason: String,
}

/// Agrees to those that were ticked, each by itself: one that fails leaves the others as they are.
async fn batch(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    Repeated(picked): Repeated<Picked>,
) -> Result<Response, Failure> {
    let (by, scope) = (By::of(&access)?, scope_of(&access));
    let lang = shell.lang().code();
    let mut rows: Vec<Value> = Vec::new();
    let mut done = 0;
    for pick in picked.pick.iter().take(BATCH) {
        let mut parts = pick.split(':');
        let (id, round, step) = (parts.next(), parts.next(), parts.next());
        let id = id_of(id.unwrap_or_default())?;
        let number = |text: Option<&str>| text.and_then(|t| t.parse().ok()).unwrap_or(-1);
        let asked = Asked {
            act: "agree".into(),
            seen: (number(round), number(step)),
            reason: picked.reason.clone(),
            ..Asked::default()
        };
        // What one may not see is not named either.
        let (a, _, _) = s.approval(id, access.principal.person, &scope).await?;
        let about = s
            .summaries(&[a], lang)
            .await?
            .pop()
            .unwrap_or_default()
            .about;
        let (ok, text) = match s.act(id, &asked, &by, &scope).await {
            Ok(Outcome::Done(state)) => (true, shell.t(done_key("agree", state))),
            Ok(Outcome::NotApplied(why)) => (false, shell.text(&why)),
            Err(error) => (false, shell.text(&message_of(error)?)),
        };
        done += usize::from(ok);
        rows.push(
            json!({ "href": format!("/approvals/{id}"), "about": about, "ok": ok, "text": text }),
        );
    }
    let failed = rows.len() - done;
    let crumbs = [Crumb {
        label: shell.t("approvals-menu"),
        href: "/approvals".into(),
    }];
    let context = json!({ "rows": rows, "done": done, "failed": failed, "crumbs": crumbs });
    shell.page("approvals/batch.html", context)
}

/// What a refusal says; anything that is no refusal fails the page.
pub(crate) fn message_of(error: Error) -> Result<Msg> {
    match error {
        Error::Conflict(message) => Ok(message),
        Error::Invalid(fields) => {
            let first = fields.into_iter().next();
            Ok(first.map_or_else(|| Msg::new("approvals-not-open"), |f| f.message))
        }
        other => Err(other),
    }
}
