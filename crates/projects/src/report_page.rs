//! The report of research: versions, review, the paper; what became of its problems and recommendations.

use std::collections::HashMap;

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, write};
use desk::{Typed, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Date, Error, Id, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Shell};

use crate::finding::Standing;
use crate::model::{Eyes, LONGEST, Line, Parts, Report, ReportState, SHORT, State, typed_lines};
use crate::reporting::{FINDER, Written};
use crate::service::{Projects, Whole};
use crate::typed::{DOCX, case_tag, crumbs, named_in, tabs, tag};

fn report_tag(shell: &Shell, state: ReportState) -> Tag {
    Tag {
        text: shell.t(&format!("projects-report-{}", state.code())),
        tone: match state {
            ReportState::Draft => Tone::Plain,
            ReportState::Sent => Tone::Brand,
            ReportState::Accepted => Tone::Ok,
            ReportState::Returned => Tone::Warn,
        },
        icon: (state == ReportState::Accepted).then_some("check"),
    }
}

/// A report begun from what was written down: where one was and who was heard are not typed twice.
fn begun(shell: &Shell, w: &Whole) -> String {
    let entries = w.entries.iter().rev();
    let field = entries.filter(|e| e.what.is_field_work() && e.struck.is_none());
    let line = |e: &crate::Entry| {
        let key = format!("projects-begun-{}", e.what.code());
        let day = format_date(e.day);
        shell.t_with(
            &key,
            &[("day", &day), ("place", &e.place), ("heard", &e.heard)],
        )
    };
    field.map(line).collect::<Vec<_>>().join("\n")
}

async fn standing(s: &Projects, w: &Whole) -> Result<HashMap<Id, Standing>> {
    let Some(finds) = &w.kind.finds else {
        return Ok(HashMap::new());
    };
    let raised: Vec<&crate::Raised> = w.problems.iter().collect();
    s.standing((FINDER, w.project.id), finds, &raised).await
}

async fn context(
    s: &Projects,
    shell: &Shell,
    actor: &Actor,
    w: &Whole,
    mut form: Form,
) -> Result<Value> {
    let p = &w.project;
    let units: Vec<UnitId> = w.problems.iter().map(|r| r.unit).collect();
    let units = s.organization.names(&units).await?;
    let standing = standing(s, w).await?;
    let wrote = w
        .reports
        .iter()
        .any(|r| r.author.is_some() && r.author == actor.account);
    let running = p.state == State::Running;
    let last = w.reports.first();
    let versions = w.reports.iter().map(|r| {
        json!({ "n": r.n, "tag": report_tag(shell, r.state), "who": r.name, "at": r.at.minute_text(s.env.zone()), "said": r.said,
            "reviewer": r.reviewer, "reviewed": r.reviewed_at.map(|at| at.minute_text(s.env.zone())), "parts": shown(&r.parts),
            "paper": format!("{}/report/{}.docx", p.href(), r.n), "accepted": r.state == ReportState::Accepted,
            "may_send": running && r.state == ReportState::Draft && last.is_some_and(|l| l.n == r.n) && (w.may_write || w.member),
            "may_review": running && r.state == ReportState::Sent && w.may_review && !wrote })
    });
    let accepted = w.accepted();
    let problems = accepted.map_or(&[][..], |r| &r.parts.problems);
    let mut solved = 0;
    let problems = problems.iter().map(|l| {
        let raised = w.problems.iter().find(|r| r.no == l.no);
        let found = raised.and_then(|r| standing.get(&r.case));
        solved += usize::from(found.is_some_and(|f| f.state == "solved"));
        json!({ "no": l.no, "text": l.text, "unit": raised.and_then(|r| units.get(&r.unit)), "on": raised.map(|r| format_date(r.on)),
            "case": found.map(|f| json!({ "href": f.href, "number": f.number, "tag": case_tag(shell, f) })),
            "raised": raised.is_some(), "may_raise": raised.is_none() && w.may_write })
    });
    let problems: Vec<Value> = problems.collect();
    let advice = accepted.map_or(&[][..], |r| &r.parts.advice);
    let advice = advice.iter().map(|l| {
        let adopted = w.adopted.iter().find(|a| a.no == l.no);
        json!({ "no": l.no, "text": l.text, "document": adopted.map(|a| &a.document), "on": adopted.map(|a| format_date(a.on)),
            "may": w.may_write })
    });
    let advice: Vec<Value> = advice.collect();
    let raised = w.problems.len();
    let may_write = running
        && (w.may_write || w.member)
        && w.reports.iter().all(|r| r.state != ReportState::Sent);
    if may_write && !form.values.contains_key("overview") {
        let parts = last.map(|r| r.parts.clone());
        let overview = match &parts {
            Some(parts) => parts.overview.clone(),
            None => begun(shell, w),
        };
        let parts = parts.unwrap_or_default();
        form = form
            .with("overview", overview)
            .with("problems", typed_lines(&parts.problems))
            .with("causes", &parts.causes)
            .with("advice", typed_lines(&parts.advice));
    }
    if !form.values.contains_key("day") {
        form = form.with("day", format_date(s.env.today()));
    }
    let percent = (solved * 100).checked_div(raised).unwrap_or(0);
    Ok(json!({
        "id": p.id, "title": p.content.title, "number": p.number, "tag": tag(shell, p), "kind": w.kind.name.get(shell.lang().code()),
        "versions": versions.collect::<Vec<_>>(), "problems": problems, "advice": advice, "raised": raised, "solved": solved,
        "percent": percent, "adopted": w.adopted.len(), "accepted": accepted.is_some(), "may_write": may_write,
        "most": LONGEST, "short": SHORT, "nav": tabs(shell, p.id, &w.kind, "report"), "crumbs": crumbs(shell, Some(p)), "form": form,
    }))
}

fn shown(parts: &Parts) -> Value {
    json!({ "overview": paragraphs(&parts.overview), "problems": parts.problems, "causes": paragraphs(&parts.causes), "advice": parts.advice })
}

async fn research(s: &Projects, id: &str, eyes: &Eyes) -> Result<Whole> {
    let w = s.project(id_of(id)?, eyes).await?;
    match w.kind.research {
        true => Ok(w),
        false => Err(Error::NotFound),
    }
}

pub(crate) async fn show(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = research(&s, &id, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &actor, &w, Form::default()).await?;
    shell.page("projects/report.html", context)
}

async fn settled(
    s: &Projects,
    (shell, access, actor): (&Shell, &Access, &Actor),
    id: &str,
    done: Result<()>,
    typed: &Typed,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/projects/{id}/report"), "projects-done"),
        Err(error) => {
            let form = typed.form().reject(shell, told(error))?;
            let w = research(s, id, &Eyes::from(access)).await?;
            shell.refused(
                "projects/report.html",
                context(s, shell, actor, &w, form).await?,
            )
        }
    }
}

type Posted = Body<Vec<(String, String)>>;

pub(crate) async fn keep(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: web::Secrecy,
    Path(id): Path<String>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (eyes, typed) = (Eyes::from(&access), Typed(pairs));
    research(&s, &id, &eyes).await?;
    if let Some(asked) = crate::form_page::secret(&mut secrecy, &typed).await? {
        return Ok(asked);
    }
    let text = |name: &str| typed.get(name).to_owned();
    let written = Written {
        overview: text("overview"),
        problems: text("problems"),
        causes: text("causes"),
        advice: text("advice"),
    };
    let done = s.write_report(id_of(&id)?, &written, (&eyes, &actor)).await;
    let done = done.map(|_| ());
    settled(&s, (&shell, &access, &actor), &id, done, &typed).await
}

pub(crate) async fn act(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, n, word)): Path<(String, String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (eyes, typed) = (Eyes::from(&access), Typed(pairs));
    let (at, n, by) = (id_of(&id)?, id_of(&n)?, (&eyes, &actor));
    let done = match word.as_str() {
        "send" => s.send_report(at, n, by).await,
        "accept" => s.review_report(at, n, (true, typed.get("said")), by).await,
        "return" => s.review_report(at, n, (false, typed.get("said")), by).await,
        _ => Err(Error::NotFound),
    };
    settled(&s, (&shell, &access, &actor), &id, done, &typed).await
}

pub(crate) async fn raise(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, no)): Path<(String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (eyes, typed) = (Eyes::from(&access), Typed(pairs));
    let (at, no) = (id_of(&id)?, id_of(&no)?);
    s.project(at, &eyes).await?;
    let done = async {
        let unit = s.responsible(typed.get("unit"), &named_in(&access)).await?;
        let done = s.raise_problem(at, no, unit, (&eyes, &actor)).await;
        done.map(|_| ())
    };
    let done = done.await;
    settled(&s, (&shell, &access, &actor), &id, done, &typed).await
}

pub(crate) async fn adopt(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, no)): Path<(String, String)>,
    Body(pairs): Posted,
) -> Result<Response, Failure> {
    let (eyes, typed) = (Eyes::from(&access), Typed(pairs));
    let (at, no, by) = (id_of(&id)?, id_of(&no)?, (&eyes, &actor));
    let done = async {
        match typed.get("back") {
            "1" => s.unadopt(at, no, typed.get("reason"), by).await,
            _ => {
                let what = (typed.get("document"), typed.day("day")?);
                s.adopt(at, no, what, by).await
            }
        }
    };
    let done = done.await;
    settled(&s, (&shell, &access, &actor), &id, done, &typed).await
}

fn dated(day: Date, lang: &str) -> String {
    match lang.starts_with("zh") {
        true => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        false => format_date(day),
    }
}

fn blocks(shell: &Shell, parts: &Parts) -> Vec<Block> {
    let texts = |text: &str| {
        text.lines()
            .filter(|l| !l.trim().is_empty())
            .map(Block::text)
            .collect::<Vec<_>>()
    };
    let numbered = |list: &[Line]| {
        let line = |(n, l): (usize, &Line)| Block::text(format!("{}. {}", n + 1, l.text));
        list.iter().enumerate().map(line).collect::<Vec<_>>()
    };
    let heading = |key: &str| vec![Block::Heading(1, shell.t(key))];
    [
        heading("projects-paper-overview"),
        texts(&parts.overview),
        heading("projects-paper-problems"),
        numbered(&parts.problems),
        heading("projects-paper-causes"),
        texts(&parts.causes),
        heading("projects-paper-advice"),
        numbered(&parts.advice),
    ]
    .concat()
}

/// A version as an official document; only one that was accepted carries the number of the project.
pub(crate) async fn paper(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = research(&s, &id, &Eyes::from(&access)).await?;
    let n: i64 = id_of(file.trim_end_matches(".docx"))?;
    let report = w.reports.iter().find(|r| r.n == n).ok_or(Error::NotFound)?;
    let lang = shell.lang().code();
    let unit = w.project.unit;
    let mut names = s.organization.names(&[unit]).await?;
    let unit = names.remove(&unit).unwrap_or_default();
    let title = shell.t_with(
        "projects-paper-title",
        &[("title", &w.project.content.title)],
    );
    let on = |r: &Report| r.reviewed_at.unwrap_or(r.at).date(s.env.zone());
    let accepted = report.state == ReportState::Accepted;
    let document = Document {
        title: title.clone(),
        blocks: blocks(&shell, &report.parts),
        official: Some(Official {
            organ: unit.clone(),
            number: w.project.number.clone().filter(|_| accepted),
            signed_by: unit,
            dated: dated(on(report), lang),
            ..Official::default()
        }),
        ..Document::default()
    };
    Ok(web::attachment(
        DOCX,
        &format!("{title}.docx"),
        write(&document)?,
    ))
}
