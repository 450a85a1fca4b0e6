//! The page of one record of outside training.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::form_page::{Pairs, value};
use crate::model::{Entry, Stage, print};
use crate::pages::{crumbs, held, stage_tags};
use crate::service::{Hours, href};
use crate::{READ, RECORD, REVIEW};

/// Those who see, enter or review the hours of others see records; everybody sees their own.
fn sight(access: &Access) -> Scope {
    let scopes = [READ, RECORD, REVIEW].map(|p| held(access, p));
    let mut roots = Vec::new();
    for scope in scopes {
        match scope {
            Scope::All => return Scope::All,
            Scope::Under(more) => roots.extend(more),
        }
    }
    Scope::Under(roots)
}

fn id_of(id: &str) -> Result<Id> {
    id.parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn show(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    page(
        &s,
        &shell,
        &access,
        &actor,
        id_of(&id)?,
        Form::default(),
        false,
    )
    .await
}

async fn page(
    s: &Hours,
    shell: &Shell,
    access: &Access,
    actor: &Actor,
    id: Id,
    form: Form,
    refused: bool,
) -> Result<Response, Failure> {
    let own = access.principal.person;
    let (record, versions, events) = s.whole(id, &sight(access), own).await?;
    let lang = shell.lang().code();
    let (names, units) = s.names(&[record.person], &[record.unit]).await?;
    let (no, name) = names.get(&record.person).cloned().unwrap_or_default();
    let officer = s
        .organization
        .reaches(&held(access, RECORD), record.unit)
        .await?;
    let reviewer = s
        .organization
        .reaches(&held(access, REVIEW), record.unit)
        .await?;
    let is_own = own == Some(record.person);
    let stands = record.stage != Stage::Reversed;
    let waits = match record.stage {
        Stage::Proposed if reviewer && !is_own => {
            s.waits_for(id, &held(access, REVIEW), actor).await?
        }
        _ => false,
    };
    let entry = &record.entry;
    let limit = entry
        .class
        .and_then(|class| s.rules.too_much_leave(entry.to, class, entry.leave));
    let timeline: Vec<Value> = events
        .iter()
        .map(|e| {
            let by = e.name.clone().unwrap_or_else(|| "—".into());
            let by = match &e.on_behalf {
                Some(of) => shell.t_with("hours-on-behalf", &[("by", &by), ("of", of)]),
                None => by,
            };
            let state = match e.act.as_str() {
                "accepted" => "done",
                "returned" | "reversed" => "bad",
                _ => "now",
            };
            json!({
                "state": state, "title": format!("{} · {by}", shell.t(&format!("hours-act-{}", e.act))),
                "at": e.at.minute_text(s.env.zone()), "quote": (!e.reason.is_empty()).then_some(&e.reason),
            })
        })
        .collect();
    let earlier: Vec<Value> = versions
        .iter()
        .rev()
        .skip(1)
        .map(|(n, e)| json!({ "n": n, "facts": facts(s, shell, e) }))
        .collect();
    let files: Vec<Value> = entry
        .evidence
        .iter()
        .map(|f| json!({ "name": f.name, "sha256": f.sha256, "kib": f.size.div_ceil(1024), "href": format!("{}/files/{}", href(id), f.sha256) }))
        .collect();
    let form = form
        .with("hours", print(entry.hours))
        .with("days", print(entry.days));
    let returned = events.iter().rev().find(|e| e.act == "returned");
    let returned = returned.filter(|_| record.stage == Stage::Returned);
    let context = json!({
        "title": entry.title, "href": href(id), "no": no, "name": name, "unit": units.get(&record.unit),
        "facts": facts(s, shell, entry), "tags": stage_tags(shell, &s.rules, &record), "version": record.version,
        "recognised": record.recognised.map(|(h, d)| json!({ "hours": print(h), "days": print(d) })),
        "pending": record.stage == Stage::Proposed && record.accepted.is_some(),
        "returned": returned.map(|e| &e.reason),
        "leave": limit.map(|l| json!({ "document": l.basis.document.get(lang), "article": l.basis.article.get(lang) })),
        "files": files, "events": timeline, "earlier": earlier, "form": form, "crumbs": crumbs(shell, access),
        "pick": waits.then(|| format!("{id}.{}", record.version)),
        "may_correct": stands && (officer || is_own),
        "may_reverse": stands && (officer || (is_own && record.accepted.is_none())),
    });
    match refused {
        true => shell.refused("hours/record.html", context),
        false => shell.page("hours/record.html", context),
    }
}

/// What a version says, line by line.
fn facts(s: &Hours, shell: &Shell, e: &Entry) -> Vec<(String, String)> {
    let lang = shell.lang().code();
    let date = kernel::format_date;
    let mut lines = vec![
        (shell.t("hours-title"), e.title.clone()),
        (shell.t("hours-organiser"), e.organiser.clone()),
        (shell.t("hours-way"), s.way_name(&e.way, lang)),
        (
            shell.t("hours-content"),
            s.content_name(Some(&e.content), lang),
        ),
        match e.declared {
            true => (shell.t("hours-year"), e.to.year().to_string()),
            false => (
                shell.t("hours-dates"),
                format!("{} – {}", date(e.from), date(e.to)),
            ),
        },
        (shell.t("hours-claimed"), print(e.hours)),
        (shell.t("hours-days"), print(e.days)),
    ];
    if let Some(class) = e.class {
        lines.push((shell.t("hours-class"), print(class)));
        lines.push((shell.t("hours-leave"), print(e.leave)));
    }
    lines.push((shell.t("hours-reference"), e.reference.clone()));
    lines.retain(|(_, text)| !text.is_empty());
    lines
}

pub(crate) async fn reverse(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let reason = value(&pairs, "reason");
    let (scope, own) = (held(&access, RECORD), access.principal.person);
    let word = value(&pairs, "confirm").trim() == shell.t("hours-reversal-word");
    let done = match word {
        true => s.reverse(id, reason, &scope, own, actor.clone()).await,
        false => {
            s.record(id, &scope, own).await?;
            Err(Error::field("reason", Msg::new("hours-reversal-confirm")))
        }
    };
    match done {
        Ok(()) => shell.done(&href(id), "hours-reversed-done"),
        Err(error) => {
            let form = Form::default()
                .with("reason", reason)
                .reject(&shell, error)?;
            page(&s, &shell, &access, &actor, id, form, true).await
        }
    }
}

pub(crate) async fn file(
    State(s): State<Hours>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let own = access.principal.person;
    Ok(s.download(id_of(&id)?, &sha256, &sight(&access), own)
        .await?)
}
