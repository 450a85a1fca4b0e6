//! One entry: what it says, its evidence, what happened to it, what it counts for.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Msg, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Event as Moment, StepState};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::form_page::find;
use crate::model::{Content, Entry, State as Standing};
use crate::pages::{crumbs, tags};
use crate::register::{Kind, Register};
use crate::review::href;
use crate::service::{Event, RegisterBook};
use crate::{REVERSE, REVIEW, WRITE};
use desk::Waiting;

pub(crate) async fn show(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Path((code, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (_, entry) = find(&s, &code, &id, &access.scope).await?;
    let context = context(&s, &shell, &access, &entry, Form::default()).await?;
    shell.page("registers/show.html", context)
}

async fn may(s: &RegisterBook, access: &Access, permission: &str, unit: UnitId) -> Result<bool> {
    match access.principal.scope(permission) {
        Some(scope) => s.organization.reaches(scope, unit).await,
        None => Ok(false),
    }
}

/// Names and values of what a version says, in the order of the register.
fn said(
    register: &Register,
    c: &Content,
    units: &std::collections::HashMap<String, (String, String)>,
    lang: &str,
) -> Vec<Value> {
    let known = register.fields.iter().filter_map(|f| {
        let value = c.values.get(&f.code)?;
        let text = match f.kind {
            Kind::Choice => f.choice(value).map_or(value.as_str(), |v| v.name.get(lang)),
            Kind::Unit => units.get(value).map_or(value.as_str(), |(_, name)| name),
            _ => value,
        };
        Some(
            json!({ "label": f.name.get(lang), "lines": text.lines().collect::<Vec<_>>(),
            "number": f.kind == Kind::Number || f.kind == Kind::Date }),
        )
    });
    known.collect()
}

fn moments(s: &RegisterBook, shell: &Shell, events: &[Event]) -> Vec<Moment> {
    let one = |e: &Event| {
        let name = e.name.as_deref().unwrap_or("—");
        let who = match &e.on_behalf {
            Some(of) => shell.t_with("register-for", &[("name", name), ("of", of)]),
            None => name.to_owned(),
        };
        let day = e.day.map(kernel::format_date).unwrap_or_default();
        let version = e.version.to_string();
        let args = [("who", &*who), ("version", &*version), ("day", &*day)];
        Moment {
            title: shell.t_with(&format!("register-act-{}", e.act), &args),
            at: e.at.minute_text(s.env.zone()),
            quote: Some(e.reason.clone()).filter(|r| !r.is_empty()),
            state: match e.act.as_str() {
                "accepted" | "closed" | "rechecked" => StepState::Done,
                "returned" | "reversed" => StepState::Bad,
                _ => StepState::Now,
            },
        }
    };
    events.iter().map(one).collect()
}

async fn context(
    s: &RegisterBook,
    shell: &Shell,
    access: &Access,
    entry: &Entry,
    form: Form,
) -> Result<Value> {
    let register = s.register(&entry.register)?;
    let (entry, versions, events) = s.whole(entry.id, &access.scope).await?;
    let (lang, c) = (shell.lang().code(), &entry.content);
    let units = s
        .unit_codes(register, versions.iter().map(|(_, c)| c))
        .await?;
    let names = s.people_of(versions.iter().map(|(_, c)| c)).await?;
    let mut ids: Vec<UnitId> = c.people.iter().map(|p| p.unit).collect();
    ids.push(entry.unit);
    let unit_names = s.organization.names(&ids).await?;
    let people: Vec<Value> = c
        .people
        .iter()
        .map(|p| {
            let (no, name) = names.get(&p.person).cloned().unwrap_or_default();
            json!({ "no": no, "name": name, "unit": unit_names.get(&p.unit),
                "role": p.role.as_deref().map(|r| register.role_name(r, lang)) })
        })
        .collect();
    let at = href(&entry);
    let files: Vec<Value> = c
        .evidence
        .iter()
        .map(|f| {
            json!({ "name": f.name, "sha256": f.sha256, "kib": f.size.div_ceil(1024),
                "href": format!("{at}/evidence/{}", f.sha256) })
        })
        .collect();
    let earlier: Vec<Value> = versions
        .iter()
        .rev()
        .filter(|(n, _)| *n != entry.version)
        .map(|(n, c)| {
            json!({ "n": n, "counts": entry.counts() && entry.accepted == Some(*n), "title": c.title,
                "date": kernel::format_date(c.date), "fields": said(register, c, &units, lang),
                "people": c.people.len(), "files": c.evidence.len() })
        })
        .collect();
    let facts = {
        let mut tx = s.db.read().await?;
        s.ledger.standing(&mut tx, entry.id).await?
    };
    let count = |kind: &str| facts.iter().filter(|f| f.kind == kind).count();
    let stands = entry.state != Standing::Reversed;
    let may_write = stands && may(s, access, WRITE, entry.unit).await?;
    let reversed = events.iter().find(|e| e.act == "reversed");
    let returned = events.iter().rev().find(|e| e.act == "returned");
    let mut crumbs = crumbs(shell);
    crumbs.push(Crumb {
        label: register.name.get(lang).to_owned(),
        href: format!("/registers/{}", register.code),
    });
    let due = entry.recheck_on.is_some_and(|d| d <= s.env.today()) && stands;
    Ok(json!({
        "href": at, "title": c.title, "register": register.name.get(lang), "crumbs": crumbs, "form": form,
        "unit": unit_names.get(&entry.unit), "tags": tags(shell, &entry), "declared": c.declared,
        "date": match c.declared {
            Some(_) => c.date.year().to_string(),
            None => kernel::format_date(c.date),
        },
        "counted": register.unit.get(lang), "fields": said(register, c, &units, lang),
        "people_name": register.people.as_ref().map(|p| p.name.get(lang)), "people": people, "files": files,
        "level": s.levels.name(&c.level, lang), "mark": s.levels.mark(&c.level, lang),
        "version": entry.version, "accepted": entry.accepted, "pending": entry.has_pending(), "earlier": earlier,
        "events": moments(s, shell, &events),
        "facts": { "entry": count(crate::facts::ENTRY), "person": count(crate::facts::PERSON),
            "number": count(crate::facts::NUMBER), "closed": count(crate::facts::CLOSED) },
        "recorded_at": entry.recorded_at.minute_text(s.env.zone()),
        "closed_on": entry.closed_on.map(kernel::format_date), "closed_note": entry.closed_note,
        "recheck_on": entry.recheck_on.map(kernel::format_date), "due": due,
        "reversed": reversed.map(|e| json!({ "at": e.at.minute_text(s.env.zone()), "reason": e.reason })),
        "returned": returned.filter(|_| entry.state == Standing::Returned).map(|e| &e.reason),
        "today": kernel::format_date(s.env.today()), "may_write": may_write,
        "may_close": may_write && register.closes && entry.counts() && c.declared.is_none() && entry.closed_on.is_none(),
        "may_reopen": may_write && register.closes && entry.closed_on.is_some(),
        "may_recheck": may_write && register.review_every.is_some() && entry.counts() && c.declared.is_none(),
        "may_reverse": stands && may(s, access, REVERSE, entry.unit).await?,
        "may_review": entry.state == Standing::Proposed && may(s, access, REVIEW, entry.unit).await?,
    }))
}

/// The page of an entry with what was wrong with one of its small forms.
async fn refused(
    s: &RegisterBook,
    shell: &Shell,
    access: &Access,
    entry: &Entry,
    typed: &[(&str, &str)],
    error: Error,
) -> Result<Response, Failure> {
    let form = typed
        .iter()
        .fold(Form::default(), |form, (name, text)| form.with(name, text));
    let form = form.reject(shell, error)?;
    let context = context(s, shell, access, entry, form).await?;
    shell.refused("registers/show.html", context)
}

/// What the small forms of the page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    closed: String,
    note: String,
    reason: String,
    confirm: String,
}

pub(crate) async fn close(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((code, id)): Path<(String, String)>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    match s.close(id, &t.closed, &t.note, &access.scope, actor).await {
        Ok(()) => shell.done(&href(&entry), "register-closed-done"),
        Err(e) => {
            let typed = [("closed", &*t.closed), ("note", &*t.note)];
            refused(&s, &shell, &access, &entry, &typed, e).await
        }
    }
}

pub(crate) async fn reopen(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((code, id)): Path<(String, String)>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    match s.reopen(id, &t.reason, &access.scope, actor).await {
        Ok(()) => shell.done(&href(&entry), "register-reopened-done"),
        Err(e) => refused(&s, &shell, &access, &entry, &[("reason", &t.reason)], e).await,
    }
}

pub(crate) async fn recheck(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((code, id)): Path<(String, String)>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    match s.recheck(id, &t.note, &access.scope, actor).await {
        Ok(()) => shell.done(&href(&entry), "register-rechecked-done"),
        Err(e) => refused(&s, &shell, &access, &entry, &[("note", &t.note)], e).await,
    }
}

pub(crate) async fn reverse(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((code, id)): Path<(String, String)>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    let result = if t.confirm.trim() == shell.t("register-reversal-word") {
        s.reverse(id, &t.reason, &access.scope, actor).await
    } else {
        Err(Error::field(
            "reason",
            Msg::new("register-reversal-unconfirmed"),
        ))
    };
    match result {
        Ok(()) => shell.done(&href(&entry), "register-reversed-done"),
        Err(e) => refused(&s, &shell, &access, &entry, &[("reason", &t.reason)], e).await,
    }
}

/// Adds files to an entry; also for browsers without script.
pub(crate) async fn attach(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path((code, id)): Path<(String, String)>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    let arrived = async {
        let (mut files, fields) = s
            .attachments
            .parts(access.principal.account, &mut form)
            .await?;
        for (name, text) in fields {
            match name.as_str() {
                "held" => files.push(Waiting::read(&text)?),
                Secrecy::FIELD => secrecy.said(text),
                _ => {}
            }
        }
        let found = s.attachments.words_in(&secrecy, &files).await?;
        Ok::<_, Error>((files, found))
    };
    let (files, found) = match arrived.await {
        Ok(arrived) => arrived,
        Err(e) => return refused(&s, &shell, &access, &entry, &[], e).await,
    };
    if secrecy.asks(&found) {
        let held: Vec<_> = files
            .iter()
            .map(|w| ("held".to_owned(), w.text()))
            .collect();
        return secrecy.ask(&found, &held, true);
    }
    secrecy.keep(&found).await?;
    let kept = s.attachments.keep(&files).await?;
    let result = match kept.is_empty() {
        true => Err(Error::field("file", Msg::new("register-evidence-missing"))),
        false => s.attach(id, kept, &access.scope, actor).await,
    };
    match result {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&href(&entry), "register-attached-done")
        }
        Err(e) => refused(&s, &shell, &access, &entry, &[], e).await,
    }
}

pub(crate) async fn evidence(
    State(s): State<RegisterBook>,
    access: Access,
    Path((code, id, sha256)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let (id, _) = find(&s, &code, &id, &access.scope).await?;
    Ok(s.download(id, &sha256, &access.scope).await?)
}
