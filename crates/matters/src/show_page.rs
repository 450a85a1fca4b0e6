//! One matter: what it says, where it stands, its answer, what is owed afterwards, and what the reader may do.

use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use desk::{Attached, Waiting};
use identity::Actor;
use kernel::{AccountId, Error, Id, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::model::{Answer, Eyes, LONGEST, Matter, Outcome, SHORT, Said, State, send_by};
use crate::service::{Matters, Whole};
use crate::typed::{Typed, crumbs, field_lines, id_of, paragraphs, tag, taken, told, waiting};

/// The way of a matter, as the stepper shows it.
fn steps(shell: &Shell, w: &Whole) -> Vec<Value> {
    let (m, kind) = (&w.matter, &w.kind);
    let day = |day: Option<kernel::Date>| day.map(format_date).unwrap_or_default();
    let mut all = vec![("matters-step-written", day(m.sent_on))];
    let now = match m.state {
        State::Draft => 0,
        State::Asked => 1,
        State::Sent | State::Received => 1 + usize::from(kind.route),
        State::Done | State::Withdrawn => usize::MAX,
    };
    if kind.route {
        all.push(("matters-step-route", String::new()));
    }
    if kind.received {
        all.push(("matters-step-received", day(m.received_on)));
    }
    if kind.asks && kind.received {
        all.push(("matters-step-answered", day(m.replied_on)));
    }
    if kind.after.is_some() {
        all.push(("matters-step-after", day(m.after_on)));
    }
    let now = match m.state {
        State::Received => now + 1,
        State::Done if m.owes_after() => all.len() - 1,
        _ => now,
    };
    let step = |(n, (label, note)): (usize, (&str, String))| {
        let state = match n {
            n if m.state == State::Withdrawn && note.is_empty() && n > 0 => "wait",
            n if n < now => "done",
            n if n == now => "now",
            _ => "wait",
        };
        json!({ "label": shell.t(label), "state": state, "note": note })
    };
    all.into_iter().enumerate().map(step).collect()
}

fn files(m: &Matter, list: &[Attached]) -> Vec<Value> {
    let file = |f: &Attached| json!({ "name": f.name, "href": format!("{}/files/{}", m.href(), f.sha256) });
    list.iter().map(file).collect()
}

fn said(m: &Matter, said: &Said) -> Value {
    json!({ "text": paragraphs(&said.text), "document": said.document, "files": files(m, &said.files) })
}

async fn context(
    s: &Matters,
    shell: &Shell,
    w: &Whole,
    mut form: Form,
    held: &[Waiting],
) -> Result<Value> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let (m, kind) = (&w.matter, &w.kind);
    let units: Vec<UnitId> = m.to.into_iter().chain([m.unit]).collect();
    let units = s.organization.names(&units).await?;
    let people = s
        .organization
        .person_names(&Vec::from_iter(m.person))
        .await?;
    let mut tx = s.db.read().await?;
    let fields = field_lines(&mut tx, kind, &m.content, lang).await?;
    drop(tx);
    let fields = fields
        .iter()
        .map(|(name, value)| json!({ "label": name, "text": paragraphs(value) }));
    let by = |account: Option<AccountId>| account.and_then(|a| w.accounts.get(&a));
    let basis = kind.basis.as_ref().map(|b| {
        let article = b.article.as_ref().map_or("", |a| a.get(lang));
        format!("{}{article}", b.document.get(lang))
    });
    let events = w.events.iter().map(|e| {
        json!({ "text": shell.t(&format!("matters-event-{}", e.act)), "who": e.name, "reason": e.reason,
            "at": e.at.minute_text(s.env.zone()) })
    });
    let outcomes = [Outcome::Agreed, Outcome::Partly, Outcome::Refused];
    let outcomes = outcomes.map(|o| (o.code(), shell.t(&format!("matters-outcome-{}", o.code()))));
    let open = m.state == State::Draft || w.returned;
    let came = matches!(m.state, State::Sent | State::Received);
    if !form.values.contains_key("seen") {
        form = form.with("seen", m.version);
    }
    let mut page = json!({
        "id": m.id, "title": m.content.title, "number": m.number, "kind": kind.name.get(lang), "asks": kind.asks, "tag": tag(shell, m),
        "unit": units.get(&m.unit), "to": m.to.and_then(|u| units.get(&u)), "person": m.person.and_then(|p| people.get(&p)),
        "author": by(m.author), "level": s.levels.name(&m.content.level, lang), "mark": s.levels.mark(&m.content.level, lang),
        "sealed": m.sealed, "basis": basis, "text": paragraphs(&m.content.text), "fields": fields.collect::<Vec<_>>(),
        "files": files(m, &m.files), "steps": steps(shell, w), "sent": m.sent_on.map(format_date), "late": m.late,
        "send_by": send_by(kind, &m.content, &s.calendar).map(format_date), "received": m.received_on.map(format_date),
        "received_by": by(m.received_by), "reply_due": m.reply_due.filter(|_| came).map(format_date),
        "overdue": m.waits_too_long(today), "outcome": m.outcome.map(|o| shell.t(&format!("matters-outcome-{}", o.code()))),
        "reply": said(m, &m.reply), "replied": m.replied_on.map(format_date), "replied_by": by(m.replied_by),
        "after_name": kind.after.as_ref().map(|a| a.name.get(lang)), "after_due": m.after_due.map(format_date),
        "after_on": m.after_on.map(format_date), "after_late": m.after_late(today), "after": said(m, &m.after),
        "approval": m.approval.map(|a| format!("/approvals/{a}")), "returned": w.returned,
        "on_route": m.state == State::Asked && !w.returned,
    });
    let more = json!({
        "events": events.collect::<Vec<_>>(), "outcomes": outcomes, "open": open && w.may_write,
        "send_late": open && send_by(kind, &m.content, &s.calendar).is_some_and(|by| by < today),
        "may_receive": w.may_answer && m.state == State::Sent, "may_answer": w.may_answer && came && kind.asks,
        "may_send_back": w.may_answer && came, "may_after": w.may_write && m.owes_after(),
        "may_withdraw": w.may_write && !matches!(m.state, State::Asked | State::Withdrawn),
        "reply_paper": m.outcome.is_some_and(|o| o != Outcome::Noted) && m.to.is_some(), "most": LONGEST, "short": SHORT,
        "waiting": waiting(held), "crumbs": crumbs(shell, None), "form": form,
    });
    if let (Value::Object(page), Value::Object(more)) = (&mut page, more) {
        page.extend(more);
    }
    Ok(page)
}

pub(crate) async fn show(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.matter(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &w, Form::default(), &[]).await?;
    shell.page("matters/show.html", context)
}

async fn acted(
    s: &Matters,
    (id, word): (Id, &str),
    access: &Access,
    (typed, files): (&Typed, &[Waiting]),
    actor: &Actor,
) -> Result<()> {
    let eyes = Eyes::from(access);
    let (seen, reason, by) = (typed.seen(), typed.get("reason"), (&eyes, actor));
    match word {
        "send" => s.send(id, seen, &eyes, &approvals::By::of(access)?).await,
        "receive" => s.receive(id, seen, typed.get("text"), by).await,
        "answer" => {
            let wrong = || Error::field("outcome", kernel::Msg::new("matters-choice-unknown"));
            let answer = Answer {
                outcome: Outcome::from_code(typed.get("outcome")).ok_or_else(wrong)?,
                text: typed.get("text").to_owned(),
                document: typed.get("document").to_owned(),
            };
            let kept = s.attachments.keep(files).await?;
            s.answer(id, seen, (&answer, &kept), by).await
        }
        "send-back" => s.send_back(id, seen, reason, by).await,
        "after" => {
            let kept = s.attachments.keep(files).await?;
            s.report_after(id, seen, (typed.get("text"), &kept), by)
                .await
        }
        "withdraw" => s.withdraw(id, seen, reason, by).await,
        _ => Err(Error::NotFound),
    }
}

pub(crate) async fn act(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path((id, word)): Path<(String, String)>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    // What one may not see takes no files either.
    if !s.is_seen(id, &eyes).await? {
        return Err(Error::NotFound.into());
    }
    let (typed, files, asked) = taken(&s, &access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    match acted(&s, (id, &word), &access, (&typed, &files), &actor).await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&crate::model::href(id), "matters-done")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.matter(id, &eyes).await?;
            // What changed meanwhile is on the page now.
            let form = form.with("seen", w.matter.version);
            shell.refused(
                "matters/show.html",
                context(&s, &shell, &w, form, &files).await?,
            )
        }
    }
}

pub(crate) async fn file(
    Shared(s): Shared<Matters>,
    access: Access,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let file = s.file(id_of(&id)?, &sha256, &Eyes::from(&access)).await?;
    Ok(s.attachments.download(&file).await?)
}
