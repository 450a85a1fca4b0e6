//! Pages: one request with its timeline and what can be done.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use desk::{FORM, Waiting};
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, Result, format_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Policy, Routes, Secrecy, Shell};

use crate::ASK;
use crate::case::{Act, Hand, State};
use crate::form_page;
use crate::list_page;
use crate::model::{Event, Ref, Request, Said};
use crate::service::{Eyes, LONGEST, Requests};

pub(crate) fn routes(requests: Requests) -> Routes {
    let (own, ask) = (Policy::SignedIn, Policy::Permission(ASK));
    Routes::new()
        .get(list_page::PLACE, own, list_page::list)
        .get(list_page::SHEET, own, list_page::sheet)
        .get("/requests/new", ask, form_page::form)
        .get("/requests/new/unit-options", ask, form_page::unit_options)
        .get(
            "/requests/new/people-options",
            ask,
            form_page::people_options,
        )
        .post(list_page::PLACE, ask, form_page::keep)
        .get("/requests/{id}", own, show)
        .get("/requests/{id}/files/{sha256}", own, file)
        .post_up_to("/requests/{id}/answer", own, FORM, answer)
        .post("/requests/{id}/{act}", own, act)
        .with_state(requests)
}

/// A state in words.
pub fn tag(shell: &Shell, state: State) -> Tag {
    let (tone, icon) = match state {
        State::Asked => (Tone::Warn, None),
        State::Accepted => (Tone::Brand, None),
        State::Answered => (Tone::Brand, Some("arrow-back-up")),
        State::Confirmed => (Tone::Ok, Some("check")),
        State::Declined => (Tone::Bad, Some("x")),
        State::Withdrawn => (Tone::Plain, None),
    };
    Tag {
        text: shell.t(&format!("requests-state-{}", state.code())),
        tone,
        icon,
    }
}

/// Who acts: a route that only asks for signing in does not know for whom.
fn actor_of(access: &Access) -> Actor {
    Actor {
        account: Some(access.principal.account),
        on_behalf: access.principal.on_behalf.as_ref().map(|of| of.account),
        address: access.address.clone(),
    }
}

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

fn line(shell: &Shell, s: &Requests, e: &Event, name: Option<&String>) -> Value {
    let day = e.day.map(format_date).unwrap_or_default();
    let text = shell.t_with(&format!("requests-event-{}", e.act), &[("day", &day)]);
    let state = match e.act.as_str() {
        "declined" | "sent-back" | "withdrawn" | "time-refused" | "escalated" => "bad",
        "reminded" | "time-wanted" => "now",
        _ => "ok",
    };
    let quote: Vec<&str> = e.text.lines().collect();
    let files: Vec<Value> = e
        .files
        .iter()
        .map(|f| json!({ "name": f.name, "sha256": f.sha256, "size": format!("{:.1} KiB", f.size as f64 / 1024.0) }))
        .collect();
    json!({ "state": state, "who": name, "text": text, "at": e.at.minute_text(s.env.zone()), "quote": quote,
        "files": files, "refs": e.refs })
}

async fn page(
    s: &Requests,
    shell: &Shell,
    (r, events, hand): (&Request, &[Event], Hand),
    mut form: Form,
    waiting: &[Waiting],
) -> Result<Value> {
    let lang = shell.lang().code();
    let (today, case) = (s.env.today(), &r.case);
    let people: Vec<PersonId> = events
        .iter()
        .filter_map(|e| e.person)
        .chain(r.person)
        .collect();
    let people = s.organization.person_names(&people).await?;
    let units = s.organization.names(&[r.home, r.from]).await?;
    let name = |id: Option<PersonId>| id.and_then(|id| people.get(&id));
    let there = s.owner(&r.kind).map(|owner| owner.href(r));
    let may = |act| case.may(hand, act);
    let later = case.until().saturating_add(jiff::Span::new().days(7));
    let kind = s.kinds.get(&r.kind);
    form.values
        .entry("seen".into())
        .or_insert(r.version.to_string());
    let waiting: Vec<Value> = waiting
        .iter()
        .map(|w| json!({ "value": w.text(), "name": w.name }))
        .collect();
    Ok(json!({
        "id": r.id, "title": r.title, "detail": r.detail.lines().collect::<Vec<_>>(), "tag": tag(shell, case.state),
        "kind": kind.map_or(r.kind.as_str(), |k| k.name.get(lang)), "unit": units.get(&r.home),
        "person": name(r.person), "from": units.get(&r.from), "asked": r.created_at.minute_text(s.env.zone()),
        "due": format_date(case.due), "extended": case.extended.map(format_date), "wanted": case.wanted.map(format_date),
        "late": case.is_late(today), "source": r.source.as_ref().map(|s| json!({ "title": s.title, "href": s.href })),
        "events": events.iter().map(|e| line(shell, s, e, name(e.person))).collect::<Value>(),
        "form": form, "there": there, "waiting": waiting, "most": LONGEST,
        "may_accept": may(Act::Accept), "may_decline": may(Act::Decline),
        "may_answer": may(Act::Answer), "may_want": may(Act::WantTime(later)),
        "may_give": may(Act::GiveTime), "may_confirm": may(Act::Confirm), "may_send_back": may(Act::SendBack),
        "own_answer": hand.asks && case.state == State::Answered && !may(Act::Confirm),
        "may_withdraw": may(Act::Withdraw), "crumbs": form_page::crumbs(shell),
    }))
}

async fn show(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (r, events, hand) = s.request(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = page(&s, &shell, (&r, &events, hand), Form::default(), &[]).await?;
    shell.page("requests/show.html", context)
}

/// The page with what was wrong.
async fn refused(
    s: &Requests,
    shell: &Shell,
    access: &Access,
    id: Id,
    (form, waiting): (Form, &[Waiting]),
    error: Error,
) -> Result<Response, Failure> {
    // What was decided meanwhile is told on the page that shows it.
    let error = match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    };
    let mut form = form.reject(shell, error)?;
    let (r, events, hand) = s.request(id, &Eyes::from(access)).await?;
    form.values.remove("seen");
    let context = page(s, shell, (&r, &events, hand), form, waiting).await?;
    shell.refused("requests/show.html", context)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    seen: String,
    text: String,
    day: String,
}

/// An act by its word in addresses.
pub(crate) fn act_of(word: &str, day: &str) -> Result<Act> {
    let wrong = || Error::field("day", Msg::new("requests-due-wrong"));
    Ok(match word {
        "accept" => Act::Accept,
        "decline" => Act::Decline,
        "answer" => Act::Answer,
        "want-time" => Act::WantTime(kernel::parse_date(day.trim()).ok_or_else(wrong)?),
        "give-time" => Act::GiveTime,
        "refuse-time" => Act::RefuseTime,
        "confirm" => Act::Confirm,
        "send-back" => Act::SendBack,
        "withdraw" => Act::Withdraw,
        _ => return Err(Error::NotFound),
    })
}

/// What the next page says.
fn done_key(act: Act) -> &'static str {
    match act {
        Act::Accept => "requests-done-accepted",
        Act::Decline => "requests-done-declined",
        Act::Answer => "requests-done-answered",
        Act::WantTime(_) => "requests-done-time-wanted",
        Act::GiveTime => "requests-done-time-given",
        Act::RefuseTime => "requests-done-time-refused",
        Act::Confirm => "requests-done-confirmed",
        Act::SendBack => "requests-done-sent-back",
        Act::Withdraw => "requests-done-withdrawn",
    }
}

async fn act(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    Path((id, word)): Path<(String, String)>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let done = match act_of(&word, &typed.day) {
        Ok(act) => {
            let said = Said {
                seen: Some(typed.seen.parse().unwrap_or(-1)),
                text: typed.text.clone(),
                ..Said::default()
            };
            let (eyes, actor) = (Eyes::from(&access), actor_of(&access));
            s.act(id, act, &said, &eyes, &actor).await.map(|_| act)
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(act) => shell.done(&format!("/requests/{id}"), done_key(act)),
        Err(error) => refused(&s, &shell, &access, id, (Form::of(&typed), &[]), error).await,
    }
}

/// Records named by their addresses, one a line: `/registers/… what it is`.
fn refs_of(text: &str) -> Vec<Ref> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .take(50)
        .map(|line| {
            let (href, title) = line.split_once(char::is_whitespace).unwrap_or((line, line));
            Ref {
                title: title.trim().to_owned(),
                href: href.to_owned(),
            }
        })
        .collect()
}

async fn answer(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    // Whoever may not see it sends no files.
    s.request(id, &eyes).await?;
    let (mut files, fields) = match s.attachments.parts(eyes.account, &mut parts).await {
        Ok(parts) => parts,
        Err(error) => {
            return refused(&s, &shell, &access, id, (Form::default(), &[]), error).await;
        }
    };
    let value = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    };
    for (_, held) in fields.iter().filter(|(n, _)| n == "held") {
        files.push(Waiting::read(held)?);
    }
    let (text, refs) = (value("text").to_owned(), value("refs").to_owned());
    let mut form = Form::default();
    form = form.with("text", &text).with("refs", &refs);
    secrecy.said(value(Secrecy::FIELD).to_owned());
    let mut words = s.attachments.words_in(&secrecy, &files).await?;
    secrecy.look(&text, &mut words);
    if secrecy.asks(&words) {
        let mut again: Vec<(String, String)> = files
            .iter()
            .map(|f| ("held".to_owned(), f.text()))
            .collect();
        for name in ["seen", "text", "refs"] {
            again.push((name.to_owned(), value(name).to_owned()));
        }
        return secrecy.ask(&words, &again, true);
    }
    secrecy.keep(&words).await?;
    let done = async {
        let said = Said {
            seen: Some(value("seen").parse().unwrap_or(-1)),
            text,
            files: s.attachments.keep(&files).await?,
            refs: refs_of(&refs),
        };
        s.act(id, Act::Answer, &said, &eyes, &actor_of(&access))
            .await
    };
    match done.await {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/requests/{id}"), done_key(Act::Answer))
        }
        Err(error) => refused(&s, &shell, &access, id, (form, &files), error).await,
    }
}

async fn file(
    Shared(s): Shared<Requests>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (_, events, _) = s.request(id_of(&id)?, &Eyes::from(&access)).await?;
    let mut files = events.iter().flat_map(|e| &e.files);
    let found = files.find(|f| f.sha256 == sha256).ok_or(Error::NotFound)?;
    Ok(s.attachments.download(found).await?)
}
