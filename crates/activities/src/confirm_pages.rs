//! Pages of confirming: what waits, many in one go, one returned.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{ActivityId, Error, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Pager};
use web::{Access, Failure, Shell};

use crate::Activities;

const PAGE: i64 = 50;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    page: Option<i64>,
}

fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("menu-activities"),
        href: "/activities".into(),
    }]
}

pub(crate) async fn list(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(query): Query<ListQuery>,
) -> Result<Response, Failure> {
    let page = query.page.unwrap_or(1).max(1);
    let (rows, total) = s.waiting(&access, &actor, page, PAGE).await?;
    let hosts: Vec<UnitId> = rows.iter().map(|(a, ..)| a.host).collect();
    let names = s.organization.names(&hosts).await?;
    let lang = shell.lang().code();
    let row = |(a, present, expected): &(crate::Activity, i64, i64)| {
        json!({
            "href": format!("/activities/{}", a.id), "pick": format!("{}.{}", a.id, a.changes), "title": a.title,
            "kind": s.kinds.get(&a.kind).map_or(a.kind.as_str(), |k| k.name.get(lang)),
            "host": names.get(&a.host), "date": kernel::format_date(a.date), "present": present,
            "expected": expected, "recorded": a.recorded_at.0, "late": a.late,
        })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    let pager = Pager::new(total as u64, PAGE as u64, page as u64, |n| {
        format!("/activities/confirm?page={n}")
    });
    let context = json!({ "crumbs": crumbs(&shell), "rows": rows, "pager": pager });
    shell.page("activities/confirm.html", context)
}

/// An activity and the number of its changes, as a form names them.
fn pick(text: &str) -> Option<(ActivityId, i64)> {
    let (id, changes) = text.split_once('.')?;
    Some((id.parse().ok()?, changes.parse().ok()?))
}

pub(crate) async fn confirm(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let picked = fields.iter().filter(|(name, _)| name == "pick");
    let picks: Option<Vec<_>> = picked.map(|(_, text)| pick(text)).collect();
    let picks = picks.ok_or(Error::NotFound)?;
    let outcomes = s.confirm(&picks, &access, actor).await?;
    let row = |o: &crate::Outcome| {
        json!({
            "href": format!("/activities/{}", o.activity.id), "title": o.activity.title,
            "date": kernel::format_date(o.activity.date), "ok": o.refused.is_none(),
            "text": o.refused.as_ref().map(|message| shell.text(message)),
        })
    };
    let rows: Vec<Value> = outcomes.iter().map(row).collect();
    let done = outcomes.iter().filter(|o| o.refused.is_none()).count();
    let context = json!({
        "crumbs": crumbs(&shell), "rows": rows, "done": done, "failed": rows.len() - done,
    });
    shell.page("activities/confirmed.html", context)
}

#[derive(Deserialize)]
pub(crate) struct Return {
    #[serde(default)]
    reason: String,
}

pub(crate) async fn give_back(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(input): Body<Return>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    match s.give_back(id, &input.reason, &access, actor).await {
        Ok(()) => shell.done(&format!("/activities/{id}"), "activity-returned"),
        Err(e) => {
            crate::pages::refused(&s, &shell, &access, id, ("reason", &input.reason), e).await
        }
    }
}
