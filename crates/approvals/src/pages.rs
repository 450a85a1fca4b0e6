//! Pages: approvals by tab, several agreed to at once, one with its timeline and what can be done.

use axum::Form as Posted;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use axum_extra::extract::Form as Repeated;
use kernel::{Error, Id, Msg, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Crumb, Pager};
use web::{Access, Failure, Form, Policy, Routes, Shell, encode};

use crate::READ;
use crate::case::State;
use crate::model::{Asked, By, Outcome, Tab};
use crate::service::Approvals;

const PAGE: u64 = 20;
/// Most that are agreed to at once.
const BATCH: usize = 100;

pub(crate) fn routes(approvals: Approvals) -> Routes {
    let own = Policy::SignedIn;
    Routes::new()
        .get("/approvals", own, list)
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

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    tab: String,
    kind: String,
    state: String,
    page: String,
}

async fn list(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Search>,
) -> Result<Response, Failure> {
    let scope = scope_of(&access);
    let me = access.principal.person;
    let tabs: Vec<Tab> = Tab::ALL
        .into_iter()
        .filter(|tab| *tab != Tab::All || !scope.is_empty())
        .collect();
    let tab = Tab::from_code(&asked.tab)
        .filter(|tab| tabs.contains(tab))
        .unwrap_or_default();
    let state = State::from_code(&asked.state).filter(|_| tab != Tab::Waiting);
    let kind = s
        .kinds
        .get(asked.kind.as_str())
        .map_or("", |kind| kind.code());
    let page = asked.page.parse().unwrap_or(1).max(1);
    let mut found = s.list(tab, (kind, state), me, &scope, (page, PAGE)).await?;
    let last = u64::try_from(found.0).unwrap_or(0).div_ceil(PAGE).max(1);
    if page > last {
        found = s.list(tab, (kind, state), me, &scope, (last, PAGE)).await?;
    }
    let rows = s.rows(&shell, me, &found.1).await?;
    let state = state.map_or("", State::code);
    let base = format!("/approvals?tab={}", tab.code());
    let href = |n| format!("{base}&kind={}&state={state}&page={n}", encode(kind));
    let mut kinds = vec![(String::new(), shell.t("approvals-all-kinds"))];
    kinds.extend(
        s.kinds
            .values()
            .map(|k| (k.code().to_owned(), shell.t(k.title()))),
    );
    let mut states = vec![(String::new(), shell.t("approvals-all-states"))];
    states.extend(State::ALL.map(|state| {
        let code = state.code();
        (code.to_owned(), shell.t(&format!("approvals-state-{code}")))
    }));
    let tabs: Vec<(&str, String)> = tabs
        .into_iter()
        .map(|tab| {
            (
                tab.code(),
                shell.t(&format!("approvals-tab-{}", tab.code())),
            )
        })
        .collect();
    let total = u64::try_from(found.0).unwrap_or(0);
    let asks = s
        .kinds
        .values()
        .filter(|k| me.is_some() && s.offers(k.code()));
    let asks = asks.filter_map(|k| Some((shell.t(k.title()), k.ask_href()?)));
    let asks: Vec<(String, &str)> = asks.collect();
    let context = json!({
        "may_batch": tab == Tab::Waiting && rows.iter().any(|row| row["pick"].is_string()),
        "rows": rows, "asks": asks, "tab": tab.code(), "tabs": tabs, "kinds": kinds, "kind": kind, "states": states,
        "state": state, "filtered": !kind.is_empty() || !state.is_empty(), "clear": base,
        "pager": Pager::new(total, PAGE, page, href),
    });
    shell.page("approvals/list.html", context)
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
