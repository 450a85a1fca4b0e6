//! What is one's own: what one is expected at, leave, and what one missed and made up.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use identity::Actor;
use jiff::ToSpan;
use kernel::{ActivityId, Error, Id, Msg, PersonId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::leave::LeaveState;
use crate::makeup::{MadeUpBy, NewMakeUp};
use crate::store::leave as rows;
use crate::{Activities, View, evidence_pages, pages};

/// How far one looks ahead and back, in days.
const AHEAD: i64 = 60;
const BACK: i64 = 400;
/// How far back one may still write about something.
const REFLECT: i64 = 120;

fn me(access: &Access) -> Result<PersonId> {
    let message = || Error::Conflict(Msg::new("mine-no-person"));
    access.principal.person.ok_or_else(message)
}

async fn context(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    form: Form,
    of: &str,
) -> Result<Value> {
    let person = me(access)?;
    let (today, now, zone) = (s.env.today(), s.env.now(), s.env.zone());
    let plans = s
        .expected_of(person, today, today.saturating_add(AHEAD.days()))
        .await?;
    let ids: Vec<Id> = plans.iter().map(|p| p.id).collect();
    let leaves = rows::of_person(&mut s.db.read().await?, person, &ids).await?;
    let hosts: Vec<_> = plans.iter().map(|p| p.host).collect();
    let names = s.organization.names(&hosts).await?;
    let coming: Vec<Value> = plans
        .iter()
        .map(|p| {
            let leave = leaves.iter().find(|l| l.plan == p.id);
            let open = leave.is_some_and(|l| matches!(l.state, LeaveState::Asked | LeaveState::Granted));
            let may_ask = leave.is_none_or(|l| l.state == LeaveState::Withdrawn);
            json!({ "id": p.id, "title": p.title, "host": names.get(&p.host), "starts": p.starts.minute_text(zone),
                "location": p.location, "leave": leave.map(|l| shell.t(&format!("leave-state-{}", l.state.code()))),
                "answer": leave.map(|l| &l.answer), "may_ask": may_ask && p.starts > now,
                "may_withdraw": open && p.starts > now, "here": of == p.id.to_string() })
        })
        .collect();
    let since = today.saturating_sub(REFLECT.days());
    let written = s.to_reflect(person, since).await?;
    let written: Vec<Value> = written
        .iter()
        .map(|w| {
            let due = s.reflection_due(&w.kind, w.date);
            let state = w.state.map_or("none", |state| state.code());
            json!({ "id": w.activity, "title": w.title, "date": kernel::format_date(w.date),
                "due": due.map(kernel::format_date), "state": shell.t(&format!("reflection-state-{state}")) })
        })
        .collect();
    let missed = s.missed(person, today.saturating_sub(BACK.days())).await?;
    let missed: Vec<Value> = missed
        .iter()
        .map(|m| {
            let made = m.made_up.map(|(date, minutes)| {
                let (date, minutes) = (kernel::format_date(date), minutes.to_string());
                shell.t_with("makeup-done", &[("date", &date), ("minutes", &minutes)])
            });
            json!({ "id": m.activity, "title": m.title, "date": kernel::format_date(m.date), "minutes": m.minutes,
                "role": shell.t(&format!("role-{}", m.role.code())), "made": made, "here": of == m.activity.to_string() })
        })
        .collect();
    Ok(
        json!({ "coming": coming, "missed": missed, "written": written, "form": form, "today": kernel::format_date(today),
        "may_file": s.keeper.is_some(), "kinds": crate::evidence::KINDS.map(|k| format!(".{k}")).join(",") }),
    )
}

pub(crate) async fn show(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, Form::default(), "").await?;
    shell.page("activities/mine.html", context)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reason {
    reason: String,
}

pub(crate) async fn ask(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Reason>,
) -> Result<Response, Failure> {
    let plan: Id = id.parse().map_err(|_| Error::NotFound)?;
    match s.ask_leave(plan, me(&access)?, &typed.reason, actor).await {
        Ok(()) => shell.done("/activities/mine", "leave-asked"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = context(&s, &shell, &access, form, &id).await?;
            shell.refused("activities/mine.html", context)
        }
    }
}

pub(crate) async fn withdraw(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let plan: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.withdraw_leave(plan, me(&access)?, actor).await?;
    shell.done("/activities/mine", "leave-withdrawn")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    act: String,
    answer: String,
}

/// The organiser grants or refuses.
pub(crate) async fn decide(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, leave)): Path<(String, String)>,
    Body(typed): Body<Answer>,
) -> Result<Response, Failure> {
    let plan: Id = id.parse().map_err(|_| Error::NotFound)?;
    let leave: Id = leave.parse().map_err(|_| Error::NotFound)?;
    let grant = match typed.act.as_str() {
        "grant" => true,
        "refuse" => false,
        _ => return Err(Error::NotFound.into()),
    };
    let decided = s
        .decide_leave((plan, leave), grant, &typed.answer, &access.scope, actor)
        .await;
    match decided {
        Ok(()) => shell.done(&format!("/activities/plans/{plan}"), "leave-decided"),
        Err(error) => {
            let form = Form::default()
                .with("answer", &typed.answer)
                .reject(&shell, error)?;
            crate::plan_pages::again(&s, &shell, &access, plan, form).await
        }
    }
}

/// What was sent of something made up.
struct Sent {
    new: NewMakeUp,
    person: String,
    form: Form,
    pairs: Vec<(String, String)>,
}

async fn received(
    s: &Activities,
    secrecy: &mut Secrecy,
    access: &Access,
    mut parts: Multipart,
) -> Result<Sent> {
    let broken = |_| Error::field("file", Msg::new("evidence-broken"));
    let mut sent = Sent {
        new: NewMakeUp::default(),
        person: String::new(),
        form: Form::default(),
        pairs: Vec::new(),
    };
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file = part.file_name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(broken)?;
            if !bytes.is_empty() {
                sent.new.files.push(crate::NewFile {
                    name: file,
                    bytes,
                    dated: None,
                });
            }
            continue;
        }
        let text = part.text().await.map_err(broken)?;
        match name.as_str() {
            "upload" => {
                let found =
                    evidence_pages::arrived(s, access.principal.account, &[text.as_str()]).await?;
                sent.new.files.extend(found);
                continue;
            }
            Secrecy::FIELD => {
                secrecy.said(text);
                continue;
            }
            "date" => sent.new.date = kernel::parse_date(&text),
            // What is no number is refused as one out of range.
            "minutes" => sent.new.minutes = text.trim().parse().unwrap_or(0),
            "content" => sent.new.content.clone_from(&text),
            "person" => sent.person.clone_from(&text),
            _ => continue,
        }
        sent.form = sent.form.with(&name, &text);
        sent.pairs.push((name, text));
    }
    Ok(sent)
}

/// Words that somebody must answer for; the page that asks, if they have not.
async fn asked(
    s: &Activities,
    secrecy: &Secrecy,
    access: &Access,
    sent: &Sent,
) -> Result<Option<Response>, Failure> {
    let mut words = evidence_pages::words_in(secrecy, &sent.new.files).await?;
    secrecy.look(&sent.new.content, &mut words);
    if secrecy.asks(&words) {
        let laid = evidence_pages::lay_down(s, access.principal.account, &sent.new.files).await?;
        let mut again = sent.pairs.clone();
        again.extend(laid.into_iter().map(|(id, _)| ("upload".to_owned(), id)));
        return secrecy.ask(&words, &again, true).map(Some);
    }
    secrecy.keep(&words).await?;
    Ok(None)
}

/// Somebody records what they made up.
pub(crate) async fn make_up(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let person = me(&access)?;
    let sent = received(&s, &mut secrecy, &access, parts).await?;
    if let Some(question) = asked(&s, &secrecy, &access, &sent).await? {
        return Ok(question);
    }
    match s
        .make_up(activity, person, &sent.new, MadeUpBy::Oneself, actor)
        .await
    {
        Ok(()) => shell.done("/activities/mine", "makeup-kept"),
        Err(error) => {
            let form = sent.form.reject(&shell, error)?;
            let context = context(&s, &shell, &access, form, &id).await?;
            shell.refused("activities/mine.html", context)
        }
    }
}

/// Whoever records enters what somebody made up.
pub(crate) async fn make_up_of(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let sent = received(&s, &mut secrecy, &access, parts).await?;
    if let Some(question) = asked(&s, &secrecy, &access, &sent).await? {
        return Ok(question);
    }
    let person: PersonId = sent.person.parse().map_err(|_| Error::NotFound)?;
    let door = MadeUpBy::Recorder(View::from(&access));
    match s.make_up(activity, person, &sent.new, door, actor).await {
        Ok(()) => shell.done(&format!("/activities/{activity}"), "makeup-kept"),
        Err(error) => pages::refused_form(&s, &shell, &access, activity, sent.form, error).await,
    }
}

pub(crate) async fn take_back(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, person)): Path<(String, String)>,
    Body(typed): Body<Reason>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let person: PersonId = person.parse().map_err(|_| Error::NotFound)?;
    match s
        .take_make_up_back(activity, person, &typed.reason, &access, actor)
        .await
    {
        Ok(()) => shell.done(&format!("/activities/{activity}"), "makeup-reversed"),
        Err(error) => {
            pages::refused_form(&s, &shell, &access, activity, Form::default(), error).await
        }
    }
}
