//! What one's own attempt came to, question by question, and what is asked about it.

use std::collections::BTreeMap;

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use questions::{Answer, Key, Kind, Question, letter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::appeals::Appeal;
use crate::lane::id;
use crate::sit::{Looked, Outturn};
use crate::sit_pages::{moment, own};
use crate::{Exams, Proof, SUPERVISE};

/// The routes.
pub(crate) fn routes() -> Routes<Exams> {
    let supervise = Policy::Permission(SUPERVISE);
    Routes::new()
        .get("/my/exams/{attempt}", Policy::SignedIn, result)
        .post("/my/exams/{attempt}/appeal", Policy::SignedIn, appeal)
        .get("/exams/appeals/{id}", supervise, asked)
        .post("/exams/appeals/{id}", supervise, answer)
        .post("/sit/results", Policy::Public, by_ticket)
}

/// Thousandths as points.
fn points(n: i64) -> String {
    let text = format!("{:.3}", n as f64 / 1_000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn pairs(shell: &Shell, pairs: impl Iterator<Item = (usize, usize)>) -> String {
    let comma = shell.t("sit-w-comma");
    let all: Vec<String> = pairs
        .map(|(option, target)| format!("{}–{}", letter(option), letter(target)))
        .collect();
    all.join(&comma)
}

fn truth(shell: &Shell, said: bool) -> String {
    shell.t(if said { "sit-w-true" } else { "sit-w-false" })
}

/// An answer in words.
fn answer_text(shell: &Shell, answer: &Answer) -> String {
    match answer {
        Answer::None => String::new(),
        Answer::Choices(letters) | Answer::Order(letters) => letters.to_string(),
        Answer::Truth(said) => truth(shell, *said),
        Answer::Blanks(texts) => texts.join(" / "),
        Answer::Pairs(all) => {
            let all = all.iter().enumerate();
            pairs(shell, all.filter_map(|(n, target)| Some((n, (*target)?))))
        }
        Answer::Text(text) => text.clone(),
        Answer::Files(files) => files.len().to_string(),
        Answer::Parts(parts) => {
            let parts = parts.iter().zip(1..);
            let all: Vec<String> = parts
                .map(|(part, n)| format!("({n}) {}", answer_text(shell, part)))
                .collect();
            all.join("  ")
        }
    }
}

/// A key in words.
fn key_text(shell: &Shell, key: &Key, parts: &[Key]) -> String {
    match key {
        Key::None if parts.is_empty() => String::new(),
        Key::None => {
            let parts = parts.iter().zip(1..);
            let all: Vec<String> = parts
                .map(|(part, n)| format!("({n}) {}", key_text(shell, part, &[])))
                .collect();
            all.join("  ")
        }
        Key::Choices(letters) | Key::Order(letters) => letters.to_string(),
        Key::Truth(said) => truth(shell, *said),
        Key::Blanks { blanks, .. } => {
            let first = blanks.iter().map(|b| b.join(" | "));
            first.collect::<Vec<_>>().join(" / ")
        }
        Key::Pairs(all) => pairs(shell, all.iter().copied().enumerate()),
        Key::Text(text) => text.clone(),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.replace("![](#", "(").to_owned())
        .collect()
}

/// Stem and options; those of a case with those of its parts.
fn shown(q: &Question) -> (Vec<String>, Vec<String>) {
    let mut stem = lines(&q.stem);
    let lettered = |texts: &[String]| -> Vec<String> {
        let texts = texts.iter().enumerate();
        texts
            .map(|(n, text)| format!("{}. {text}", letter(n)))
            .collect()
    };
    let mut options = lettered(&q.options);
    options.extend(lettered(&q.targets));
    for (part, n) in q.parts.iter().zip(1..) {
        stem.push(format!("({n}) {}", part.stem));
        stem.extend(lettered(&part.options));
    }
    (stem, options)
}

fn looked_json(shell: &Shell, l: &Looked) -> Value {
    let (stem, options) = shown(&l.seen);
    let (key, tone) = match l.mark.scored {
        s if s.needs_person => ("sit-item-waits", Tone::Warn),
        s if s.right => ("sit-item-right", Tone::Ok),
        _ if l.answer.is_empty() => ("sit-item-empty", Tone::Plain),
        _ => ("sit-item-wrong", Tone::Bad),
    };
    let wrong = !l.mark.scored.right && !l.mark.scored.needs_person;
    let kind = Kind::code(l.seen.kind);
    json!({
        "number": l.number, "item": l.item, "kind": shell.t(&format!("sit-w-kind-{kind}")),
        "tag": Tag { text: shell.t(key), tone, icon: None }, "points": points(l.mark.scored.points),
        "full": points(l.mark.full), "stem": stem, "options": options, "answer": answer_text(shell, &l.answer),
        "key": key_text(shell, &l.key, &l.part_keys), "explanation": l.explanation, "article": l.article,
        "study": if wrong { l.points.clone() } else { Vec::new() },
    })
}

/// What to study: knowledge points of what was wrong, the most often wrong first.
fn study(items: &[Looked]) -> Vec<Value> {
    let mut wrong: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items {
        if !item.mark.scored.right && !item.mark.scored.needs_person {
            for point in &item.points {
                *wrong.entry(point).or_default() += 1;
            }
        }
    }
    let mut wrong: Vec<(&str, usize)> = wrong.into_iter().collect();
    wrong.sort_by_key(|(path, n)| (std::cmp::Reverse(*n), *path));
    let one = |(path, wrong)| json!({ "path": path, "wrong": wrong });
    wrong.into_iter().map(one).collect()
}

/// Who looks at a result.
enum By {
    /// Whose account it is.
    Account,
    /// Who holds the ticket, with the other attempts by it.
    Ticket(String, Vec<(Id, usize)>),
}

fn page(
    s: &Exams,
    shell: &Shell,
    o: &Outturn,
    appeals: &[Appeal],
    refused: Option<(&Typed, String)>,
    by: &By,
) -> Value {
    let (at, answered, hash) = &o.handed_in;
    let items: Vec<Value> = o
        .items
        .iter()
        .map(|l| {
            let mut item = looked_json(shell, l);
            let asked = appeals.iter().find(|a| a.item == l.item);
            item["appeal"] = match asked {
                Some(a) => {
                    json!({ "tag": requests::tag(shell, a.request.case.state), "href": a.request.href(), "answer": a.answer })
                }
                None => Value::Null,
            };
            item["appeal_id"] = json!(s.env.new_id::<Id>());
            let mine = refused.as_ref().filter(|(typed, _)| typed.item == l.item);
            item["error"] = json!(mine.map(|(_, said)| said));
            item["typed"] = json!(mine.map_or("", |(typed, _)| &typed.text));
            item
        })
        .collect();
    let passed = o.result.and_then(|(got, _, _, waiting)| {
        let pass = o.exam.terms.pass.filter(|_| waiting == 0)?;
        Some(got >= pass)
    });
    json!({
        "title": o.exam.terms.title, "attempt": o.attempt, "shows": o.exam.terms.shows.code(),
        "at": shell.t_with("sit-result-at", &[("at", &moment(*at, s))]),
        "crumbs": match by {
            By::Account => json!([{ "label": shell.t("sit-mine"), "href": "/my/exams" }]),
            By::Ticket(..) => json!([{ "label": shell.t("sit-door"), "href": "/sit" }]),
        },
        "ticket": match by {
            By::Account => Value::Null,
            By::Ticket(code, others) => json!({ "code": code, "others": others }),
        },
        "points": o.result.map(|r| points(r.0)), "full": o.result.map(|r| points(r.1)),
        "correct": o.result.map(|r| r.2), "waiting": o.result.map(|r| r.3), "passed": passed,
        "items": items, "study": study(&o.items), "may_appeal": matches!(by, By::Account) && s.takes_appeals(),
        "hash": hash, "answered": answered, "void": o.void,
    })
}

async fn result(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    Path(attempt): Path<String>,
) -> Result<Response, Failure> {
    let person = own(&access.principal).ok_or(Error::NotFound)?;
    let attempt = id(&attempt)?;
    let outturn = s.outturn(attempt, person).await?;
    let appeals = s.appeals(attempt).await?;
    shell.page(
        "exams/sit-result.html",
        page(&s, &shell, &outturn, &appeals, None, &By::Account),
    )
}

#[derive(Deserialize, Serialize)]
struct Shown {
    #[serde(rename = "result-ticket")]
    ticket: String,
    #[serde(default)]
    attempt: Option<Id>,
}

/// What the holder of a ticket reached: typed into a form, so that it stands in no address.
async fn by_ticket(
    State(s): State<Exams>,
    shell: Shell,
    Body(typed): Body<Shown>,
) -> Result<Response, Failure> {
    let looked = async {
        let wrong = |key| Error::field("result-ticket", Msg::new(key));
        let about = match s.by_ticket(&typed.ticket).await {
            Err(Error::NotFound) => return Err(wrong("exam-ticket-wrong")),
            other => other?,
        };
        let handed_in = about.sat.iter().zip(1..);
        let handed_in = handed_in.filter(|((_, at), _)| at.is_some());
        let mut others: Vec<(Id, usize)> = handed_in.map(|((id, _), n)| (*id, n)).collect();
        let last = others.last().map(|(id, _)| *id);
        let chosen = typed.attempt.filter(|id| others.iter().any(|o| o.0 == *id));
        let chosen = chosen.or(last).ok_or_else(|| wrong("exam-ticket-unsat"))?;
        others.retain(|(id, _)| *id != chosen);
        let proof = Proof::Ticket(typed.ticket.clone());
        Ok((s.outturn_of(chosen, &proof).await?, others))
    };
    match looked.await {
        Ok((outturn, others)) => {
            let by = By::Ticket(typed.ticket.clone(), others);
            shell.page(
                "exams/sit-result.html",
                page(&s, &shell, &outturn, &[], None, &by),
            )
        }
        Err(e @ Error::Invalid(_)) => {
            let form = Form::default().reject(&shell, e)?;
            shell.refused("exams/sit-door.html", json!({ "form": form }))
        }
        Err(e) => Err(e.into()),
    }
}

#[derive(Deserialize)]
struct Typed {
    id: Id,
    item: u16,
    text: String,
}

async fn appeal(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(attempt): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let person = own(&access.principal).ok_or(Error::NotFound)?;
    let attempt = id(&attempt)?;
    let outturn = s.outturn(attempt, person).await?;
    let number = outturn.items.iter().find(|i| i.item == typed.item);
    let number = number.map_or(0, |i| i.number).to_string();
    let title = shell.t_with(
        "sit-appeal-title",
        &[("n", &number), ("title", &outturn.exam.terms.title)],
    );
    let asked = s
        .appeal(
            (typed.id, attempt, typed.item),
            (&title, &typed.text),
            person,
            &actor,
        )
        .await;
    match asked {
        Ok(()) => shell.done(&format!("/my/exams/{attempt}"), "sit-appeal-sent"),
        Err(Error::Invalid(faults)) => {
            let said = faults.first().map(|f| shell.text(&f.message));
            let appeals = s.appeals(attempt).await?;
            let refused = said.map(|said| (&typed, said));
            shell.refused(
                "exams/sit-result.html",
                page(&s, &shell, &outturn, &appeals, refused, &By::Account),
            )
        }
        Err(e) => Err(e.into()),
    }
}

async fn asked_page(
    s: &Exams,
    shell: &Shell,
    access: &Access,
    asked: Id,
    form: &Form,
) -> Result<Value, Failure> {
    let (appeal, looked) = s.appeal_of(asked, &access.scope).await?;
    let r = &appeal.request;
    let asker = match r.asked_person {
        Some(person) => s
            .organization
            .person_names(&[person])
            .await?
            .remove(&person),
        None => None,
    };
    let own = r.asked_by == access.principal.account
        || r.asked_person.is_some() && r.asked_person == access.principal.person;
    Ok(json!({
        "id": asked, "title": r.title, "at": r.created_at.minute_text(s.env.zone()), "detail": r.detail,
        "who": asker.unwrap_or_default(), "tag": requests::tag(shell, r.case.state), "request": r.href(),
        "crumbs": [{ "label": shell.t("sit-appeals"), "href": "/requests" }],
        "looked": looked.map(|l| looked_json(shell, &l)), "answer": appeal.answer, "own": own,
        "open": r.case.state.is_open(), "form": form,
    }))
}

async fn asked(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    Path(asked): Path<String>,
) -> Result<Response, Failure> {
    let context = asked_page(&s, &shell, &access, id(&asked)?, &Form::default()).await?;
    shell.page("exams/sit-appeal.html", context)
}

#[derive(Deserialize, Serialize)]
struct Reply {
    text: String,
}

async fn answer(
    State(s): State<Exams>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(asked): Path<String>,
    Body(reply): Body<Reply>,
) -> Result<Response, Failure> {
    let asked = id(&asked)?;
    let by = (access.principal.person, &actor);
    match s.answer_appeal(asked, &reply.text, &access.scope, by).await {
        Ok(()) => shell.done(&format!("/exams/appeals/{asked}"), "sit-appeal-answered"),
        Err(e) => {
            let form = Form::of(&reply).reject(&shell, e)?;
            let context = asked_page(&s, &shell, &access, asked, &form).await?;
            shell.refused("exams/sit-appeal.html", context)
        }
    }
}
