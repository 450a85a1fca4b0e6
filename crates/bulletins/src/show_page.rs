//! A bulletin: as it is printed, what happened to it, and what may be done about it.

use axum::Form as Body;
use axum::extract::{Path, State as With};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Event as Moment, StepState};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::flow::{Verdict, href};
use crate::model::{Bulletin, Content, State};
use crate::pages::{crumbs, issue_text, sight, tag};
use crate::service::Bulletins;
use crate::store::{self, Event};
use crate::{REVIEW, WRITE};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

async fn may(s: &Bulletins, access: &Access, permission: &str, unit: UnitId) -> Result<bool> {
    match access.principal.scope(permission) {
        Some(scope) => s.organization.reaches(scope, unit).await,
        None => Ok(false),
    }
}

/// Whether the reader may review a bulletin.
async fn may_review(s: &Bulletins, access: &Access, b: &Bulletin) -> Result<bool> {
    match access.principal.scope(REVIEW) {
        Some(scope) => s.reviews(b, scope).await,
        None => Ok(false),
    }
}

fn moments(s: &Bulletins, shell: &Shell, events: &[Event]) -> Vec<Moment> {
    let one = |e: &Event| {
        let name = e.name.as_deref().unwrap_or("—");
        let who = match &e.on_behalf {
            Some(of) => shell.t_with("bulletin-for", &[("name", name), ("of", of)]),
            None => name.to_owned(),
        };
        let version = e.version.to_string();
        let args = [("who", &*who), ("version", &*version)];
        Moment {
            title: shell.t_with(&format!("bulletin-act-{}", e.act), &args),
            at: e.at.minute_text(s.env.zone()),
            quote: Some(e.reason.clone()).filter(|r| !r.is_empty()),
            state: match e.act.as_str() {
                "published" => StepState::Done,
                "returned" | "withdrawn" => StepState::Bad,
                _ => StepState::Now,
            },
        }
    };
    events.iter().map(one).collect()
}

/// To whom it goes, as it stands at the foot.
pub(crate) fn readers(shell: &Shell, c: &Content) -> Vec<(String, String)> {
    let all = [
        ("bulletin-up", &c.report_to),
        ("bulletin-beside", &c.send_to),
        ("bulletin-down", &c.issue_to),
    ];
    let named = all.into_iter().filter(|(_, names)| !names.is_empty());
    named
        .map(|(key, names)| (shell.t(key), names.clone()))
        .collect()
}

async fn context(
    s: &Bulletins,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let (b, versions, events) = s.whole(id, &sight(access)).await?;
    let (lang, c) = (shell.lang().code(), &b.content);
    let names = s.organization.names(&[b.unit]).await?;
    let unit = names.get(&b.unit).cloned().unwrap_or_default();
    let kind = s.kinds.get(&b.kind);
    let may_write = may(s, access, WRITE, b.unit).await?;
    let reviews = may_review(s, access, &b).await?;
    // A withdrawn text is there for those who answer for it.
    let hidden = b.state == State::Withdrawn && !may_write && !reviews;
    let reason = |act: &str| {
        let last = events.iter().rev().find(|e| e.act == act);
        last.map(|e| json!({ "at": e.at.minute_text(s.env.zone()), "reason": e.reason }))
    };
    let author = s.author_of(c.author).await?;
    let told = match c.about.filter(|_| may_write || reviews) {
        Some(about) => s.told_of(about, &access.scope).await?,
        None => None,
    };
    let first = match b.state == State::Proposed && reviews {
        true => {
            let year = s.counted_in(&b, s.env.today())?;
            let mut tx = s.db.read().await?;
            let last = store::last_issue(&mut tx, b.unit, &b.kind, year).await?;
            Some(last)
        }
        false => None,
    };
    let pictures: Vec<Value> = c
        .pictures
        .iter()
        .map(|p| json!({ "name": p.name, "href": format!("{}/pictures/{}", href(id), p.sha256) }))
        .collect();
    let earlier: Vec<Value> = versions
        .iter()
        .rev()
        .filter(|(n, _)| *n != b.version)
        .map(|(n, c)| json!({ "n": n, "title": c.title, "paragraphs": c.paragraphs().collect::<Vec<_>>() }))
        .collect();
    let level = form.values.get("reason").cloned();
    Ok(json!({
        "href": href(id), "title": c.title, "crumbs": crumbs(shell), "form": form, "tag": tag(shell, &b),
        "head": kind.map_or_else(|| unit.clone(), |k| k.head_of(&unit, lang)), "issue": issue_text(shell, &b),
        "unit": unit, "date": b.published_on.map(kernel::format_date), "version": b.version,
        "section": c.section.as_deref().map(|code| kind.map_or(code, |k| k.section(code, lang))),
        "paragraphs": if hidden { Vec::new() } else { c.paragraphs().collect() },
        "pictures": if hidden { Vec::new() } else { pictures }, "hidden": hidden,
        "author": author.map(|(_, name)| name), "readers": readers(shell, c), "mark": s.levels.mark(&c.level, lang),
        "level": s.levels.name(&c.level, lang), "house": c.house, "kind": s.kinds.name(&b.kind, lang),
        "about": told.map(|t| json!({ "title": t.title, "href": t.href })),
        "returned": reason("returned").filter(|_| b.state == State::Returned),
        "withdrawn": reason("withdrawn").filter(|_| b.state == State::Withdrawn),
        "events": if may_write || reviews { moments(s, shell, &events) } else { Vec::new() },
        "earlier": if may_write || reviews { earlier } else { Vec::new() },
        "typed_reason": level,
        "may_edit": may_write && b.state.is_open(), "may_recall": may_write && b.state == State::Proposed,
        "may_review": b.state == State::Proposed && reviews,
        "first": first.map(|last| json!({ "last": last })),
        "may_withdraw": b.state == State::Published && reviews, "may_take": !hidden,
    }))
}

pub(crate) async fn show(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let context = context(&s, &shell, &access, id, Form::default()).await?;
    shell.page("bulletins/show.html", context)
}

/// What the small forms of the page send.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    version: i64,
    act: String,
    first: String,
    reason: String,
    confirm: String,
}

/// The page again, with what was wrong with one of its small forms.
async fn refused(
    s: &Bulletins,
    shell: &Shell,
    access: &Access,
    id: Id,
    t: &Typed,
    error: Error,
) -> Result<Response, Failure> {
    let form = Form::default().with("reason", &t.reason);
    let form = form.with("first", &t.first).reject(shell, error)?;
    let context = context(s, shell, access, id, form).await?;
    shell.refused("bulletins/show.html", context)
}

/// Handed in, taken back or given up by whoever writes.
pub(crate) async fn turn(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let (scope, to) = (&access.scope, href(id));
    match t.act.as_str() {
        "propose" => {
            s.propose(id, t.version, scope, actor).await?;
            shell.done(&to, "bulletin-proposed-done")
        }
        "recall" => {
            s.recall(id, t.version, scope, actor).await?;
            shell.done(&to, "bulletin-recalled-done")
        }
        "discard" => {
            s.discard(id, t.version, scope, actor).await?;
            shell.done("/bulletins?show=desk", "bulletin-dropped-done")
        }
        _ => Err(Error::NotFound.into()),
    }
}

/// Published or returned by whoever reviews; the words of the whole text are asked about once more before.
pub(crate) async fn decide(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(id): Path<String>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let b = s.bulletin(id, &sight(&access)).await?;
    let publish = t.act == "publish";
    if publish {
        let mut found = Vec::new();
        secrecy.look(&b.content.words(), &mut found);
        if secrecy.asks(&found) {
            let pairs = [
                ("version", t.version.to_string()),
                ("act", t.act),
                ("first", t.first),
            ];
            let pairs = pairs.map(|(name, text)| (name.to_owned(), text));
            return secrecy.ask(&found, &pairs, false);
        }
        secrecy.keep(&found).await?;
    }
    let first = match t.first.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Error::field("first", Msg::new("bulletin-first-wrong"))),
    };
    let result = match (publish, first) {
        (true, Err(e)) => Err(e),
        (true, Ok(first)) => {
            let verdict = Verdict::Publish(first);
            s.decide(id, t.version, verdict, &access.scope, actor).await
        }
        (false, _) => {
            let verdict = Verdict::Return(&t.reason);
            s.decide(id, t.version, verdict, &access.scope, actor).await
        }
    };
    match result {
        Ok(_) if publish => shell.done(&href(id), "bulletin-published-done"),
        Ok(_) => shell.done(&href(id), "bulletin-returned-done"),
        Err(e) => refused(&s, &shell, &access, id, &t, e).await,
    }
}

pub(crate) async fn withdraw(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(t): Body<Typed>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let result = if t.confirm.trim() == shell.t("bulletin-withdraw-word") {
        s.withdraw(id, &t.reason, &access.scope, actor).await
    } else {
        let message = Msg::new("bulletin-withdraw-unconfirmed");
        Err(Error::field("reason", message))
    };
    match result {
        Ok(()) => shell.done(&href(id), "bulletin-withdrawn-done"),
        Err(e) => refused(&s, &shell, &access, id, &t, e).await,
    }
}

/// A bulletin whose text the reader may have.
async fn open(s: &Bulletins, access: &Access, id: &str) -> Result<Bulletin> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let b = s.bulletin(id, &sight(access)).await?;
    let answers = b.state != State::Withdrawn
        || may(s, access, WRITE, b.unit).await?
        || may_review(s, access, &b).await?;
    match answers {
        true => Ok(b),
        false => Err(Error::NotFound),
    }
}

pub(crate) async fn picture(
    With(s): With<Bulletins>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let b = open(&s, &access, &id).await?;
    let known = b.content.pictures.iter().any(|p| p.sha256 == sha256);
    let hash = sha256.parse().map_err(|_| Error::NotFound)?;
    if !known {
        return Err(Error::NotFound.into());
    }
    let bytes = s.attachments.files().get(hash).await?;
    let picture = commons::docx::Picture::read(bytes).ok_or(Error::NotFound)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(picture.content_type()),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=3600"),
        ),
    ];
    Ok((headers, picture.bytes().clone()).into_response())
}

pub(crate) async fn docx(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let b = open(&s, &access, &id).await?;
    let bytes = s.docx(&shell, &b).await?;
    // What leaves the program leaves a trace.
    let detail = json!({ "kind": b.kind, "version": b.version });
    let entry = actor.audit("bulletin.exported", ("bulletin", b.id), detail);
    db::transaction!(s.db, |tx| identity::record(tx, &s.env, &entry).await)?;
    let name = format!("{}.docx", b.content.title);
    Ok(web::attachment(DOCX, &name, bytes))
}
