//! The queue of what waits for somebody else's word: many accepted or returned in one go.

use axum::Form as Body;
use axum::extract::{Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Pager;
use web::{Access, Failure, Form, Shell, encode};

use crate::model::Entry;
use crate::pages::crumbs;
use crate::review::{Outcome, Verdict, href};
use crate::service::RegisterBook;
use crate::store::list::Mark;

const PAGE: i64 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    after: String,
    page: String,
}

pub(crate) async fn list(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let context = queue(&s, &shell, &access, &actor, &asked, Form::default()).await?;
    shell.page("registers/review.html", context)
}

async fn queue(
    s: &RegisterBook,
    shell: &Shell,
    access: &Access,
    actor: &Actor,
    asked: &Asked,
    form: Form,
) -> Result<Value, Error> {
    let mark = Mark::read(&asked.after);
    let (rows, total) = s.waiting_after(&access.scope, actor, mark, PAGE).await?;
    let pages = ((total + PAGE - 1) / PAGE).max(1);
    let page = asked.page.parse().unwrap_or(1).clamp(1, pages);
    let page = if mark.is_none() { 1 } else { page };
    let next = rows.last().filter(|_| page < pages).map(|e| {
        let mark = encode(&Mark::of(e).text());
        format!("/registers/review?after={mark}&page={}", page + 1)
    });
    let pager = Pager {
        total: total as u64,
        page: page as u64,
        pages: pages as u64,
        previous: (page > 1).then(|| "/registers/review".to_owned()),
        next,
        links: Vec::new(),
    };
    let units: Vec<UnitId> = rows.iter().map(|e| e.unit).collect();
    let names = s.organization.names(&units).await?;
    let lang = shell.lang().code();
    let row = |e: &Entry| {
        let register = s.registers.get(&e.register);
        json!({
            "href": href(e), "pick": format!("{}.{}", e.id, e.version), "title": e.content.title,
            "register": register.map_or(e.register.as_str(), |r| r.name.get(lang)),
            "unit": names.get(&e.unit), "date": kernel::format_date(e.content.date),
            "files": e.content.evidence.len(), "recorded": e.recorded_at.0, "late": e.late,
            "corrected": e.version > 1, "declared": e.content.declared,
        })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    Ok(json!({ "crumbs": crumbs(shell), "rows": rows, "pager": pager, "form": form }))
}

/// An entry and the version that was looked at, as a form names them.
fn pick(text: &str) -> Option<(Id, i64)> {
    let (id, version) = text.split_once('.')?;
    Some((id.parse().ok()?, version.parse().ok()?))
}

pub(crate) async fn decide(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let value = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    };
    let picked = fields.iter().filter(|(name, _)| name == "pick");
    let picks: Option<Vec<_>> = picked.map(|(_, text)| pick(text)).collect();
    let picks = picks.ok_or(Error::NotFound)?;
    let verdict = match value("act") {
        "accept" => Verdict::Accept,
        "return" => Verdict::Return(value("reason")),
        _ => return Err(Error::NotFound.into()),
    };
    match s
        .review(&picks, verdict, &access.scope, actor.clone())
        .await
    {
        Ok(outcomes) => {
            let row = |o: &Outcome| {
                json!({
                    "href": href(&o.entry), "title": o.entry.content.title, "ok": o.refused.is_none(),
                    "date": kernel::format_date(o.entry.content.date),
                    "text": o.refused.as_ref().map(|message| shell.text(message)),
                })
            };
            let rows: Vec<Value> = outcomes.iter().map(row).collect();
            let done = outcomes.iter().filter(|o| o.refused.is_none()).count();
            let context = json!({
                "crumbs": crumbs(&shell), "rows": rows, "done": done, "failed": rows.len() - done,
                "accepted": verdict == Verdict::Accept,
            });
            shell.page("registers/reviewed.html", context)
        }
        Err(error) => {
            let form = Form::default()
                .with("reason", value("reason"))
                .reject(&shell, error)?;
            let context = queue(&s, &shell, &access, &actor, &Asked::default(), form).await?;
            shell.refused("registers/review.html", context)
        }
    }
}
