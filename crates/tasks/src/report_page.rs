//! A monthly report: written from what is known, judged by somebody else, as an official document.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, Table, write};
use desk::{Typed, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::model::{
    EntryState, Eyes, LONGEST, Line, REASON, ReportState, counted, figure, month_text,
};
use crate::reports::{Judgement, Owed, Whole, Written};
use crate::service::Tasks;
use crate::typed::{Names, crumbs, entry_row, history, number_in, report_tag};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn line_context(s: &Tasks, shell: &Shell, w: &Whole, o: &Owed, names: &Names) -> Value {
    let (e, lang) = (&o.entry, shell.lang().code());
    let claim = e.content.claim.as_ref().zip(o.counted).map(|(claim, n)| {
        let wanted = e.content.wanted.unwrap_or(0);
        let month = month_text(w.report.month);
        json!({ "name": claim.name.get(lang), "unit": claim.unit.get(lang), "value": figure(claim, n), "wanted": wanted,
            "met": n >= counted(claim, wanted), "href": format!("{}/rows", e.href()), "month": format!("{}/rows?month={month}", e.href()) })
    });
    let due = e
        .content
        .milestones
        .iter()
        .find(|m| m.month == w.report.month);
    let mut row = entry_row(s, shell, e, names);
    row["id"] = json!(e.id);
    row["claim"] = json!(claim);
    row["milestone"] = json!(due.map(|m| &m.text));
    row["last"] = json!(
        e.reported
            .map(|m| json!({ "month": month_text(m), "percent": e.percent, "said": e.said }))
    );
    row["rolled"] = json!(o.parts);
    row["parts"] = json!({ "open": o.open_parts.0, "all": o.open_parts.1 });
    row["omitted"] = json!(o.line.is_omitted());
    row["percent"] = json!(o.line.percent);
    row["report_said"] = json!(paragraphs(&o.line.said));
    row["reached"] = json!(o.line.reached_on.map(format_date));
    row["late"] = json!(e.state == EntryState::Open && e.content.to < w.report.month);
    row
}

async fn context(s: &Tasks, shell: &Shell, w: &Whole, form: Option<Form>) -> Result<Value> {
    let (r, today) = (&w.report, s.env.today());
    let names = Names::of_entries(s, w.owed.iter().map(|o| &o.entry).collect::<Vec<_>>()).await?;
    let unit = s.organization.names(&[r.unit]).await?.remove(&r.unit);
    let refused = form.is_some();
    let form = form.unwrap_or_else(|| {
        let form = Form::default()
            .with("summary", &r.summary)
            .with("problems", &r.problems)
            .with("next", &r.next);
        w.owed.iter().fold(form, |form, o| {
            let reached = o.line.reached_on.map(format_date).unwrap_or_default();
            form.with(&format!("percent-{}", o.entry.id), o.line.percent)
                .with(&format!("said-{}", o.entry.id), &o.line.said)
                .with(&format!("reached-{}", o.entry.id), reached)
        })
    });
    let omitted = w.omitted();
    let days = i64::from((today - r.due).get_days());
    Ok(json!({
        "id": r.id, "seen": r.version, "unit": unit, "month": month_text(r.month), "due": format_date(r.due), "tag": report_tag(shell, r, today),
        "handed": r.handed_on.map(format_date), "accepted": r.accepted_on.map(format_date), "returns": r.returns,
        "late": (r.handed_on.is_none() && days > 0).then_some(days), "omitted": omitted, "all": w.owed.len(),
        "lines": w.owed.iter().map(|o| line_context(s, shell, w, o, &names)).collect::<Vec<_>>(), "may_write": w.may_write, "may_review": w.may_review,
        "waits": r.state == ReportState::Handed && !w.may_review, "summary": paragraphs(&r.summary), "problems": paragraphs(&r.problems),
        "next": paragraphs(&r.next), "paper": format!("{}/paper.docx", r.href()), "events": history(s, shell, &w.words), "most": LONGEST,
        "reason_most": REASON, "refused": refused,
        "crumbs": crumbs(shell, &[(&shell.t("tasks-tab-reports"), format!("/tasks/reports?year={}", r.month.year()))]), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.report(id_of(&id)?, &Eyes::from(&access)).await?;
    shell.page("tasks/report.html", context(&s, &shell, &w, None).await?)
}

fn written(typed: &Typed) -> Result<Written> {
    let mut lines = Vec::new();
    for (name, text) in &typed.0 {
        let Some(id) = name.strip_prefix("said-") else {
            continue;
        };
        let reached = format!("reached-{id}");
        let reached_on = match typed.get(&reached).trim() {
            "" => None,
            _ => Some(typed.day(&reached)?),
        };
        let percent = format!("percent-{id}");
        let wrong = || Error::field(percent.clone(), Msg::new("tasks-percent-wrong"));
        let entry: Id = id_of(id)?;
        lines.push(Line {
            entry,
            percent: number_in(typed, &percent)?.ok_or_else(wrong)?,
            said: text.clone(),
            reached_on,
            counted: None,
        });
    }
    Ok(Written {
        summary: typed.get("summary").to_owned(),
        problems: typed.get("problems").to_owned(),
        next: typed.get("next").to_owned(),
        lines,
    })
}

pub(crate) async fn write_report(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let hand_in = typed.get("act") == "hand-in";
    let done = async {
        let written = written(&typed)?;
        s.write(
            (id, typed.seen().unwrap_or(-1)),
            &written,
            hand_in,
            (&eyes, &actor),
        )
        .await
    };
    match done.await {
        Ok(()) => {
            let key = if hand_in {
                "tasks-done-handed"
            } else {
                "tasks-done-kept"
            };
            shell.done(&format!("/tasks/reports/{id}"), key)
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.report(id, &eyes).await?;
            shell.refused(
                "tasks/report.html",
                context(&s, &shell, &w, Some(form)).await?,
            )
        }
    }
}

pub(crate) async fn judge(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let judgement = match typed.get("act") {
        "accept" => Judgement::Accept,
        "return" => Judgement::Return,
        _ => return Err(Error::NotFound.into()),
    };
    let of = (id, typed.seen().unwrap_or(-1));
    match s
        .judge(of, judgement, typed.get("reason"), (&eyes, &actor))
        .await
    {
        Ok(()) => shell.done(&format!("/tasks/reports/{id}"), "tasks-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.report(id, &eyes).await?;
            shell.refused(
                "tasks/report.html",
                context(&s, &shell, &w, Some(form)).await?,
            )
        }
    }
}

/// A report as an official document: what was done, a table of its entries, problems, what comes next.
pub(crate) async fn paper(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.report(id_of(&id)?, &Eyes::from(&access)).await?;
    let r = &w.report;
    let unit = s.organization.names(&[r.unit]).await?.remove(&r.unit);
    let unit = unit.unwrap_or_default();
    let (year, month) = (r.month.year().to_string(), r.month.month().to_string());
    let title = shell.t_with(
        "tasks-paper-title",
        &[("unit", &unit), ("year", &year), ("month", &month)],
    );
    let mut blocks = Vec::new();
    let section = |blocks: &mut Vec<Block>, key: &str, text: &str| {
        if !text.is_empty() {
            blocks.push(Block::Heading(1, shell.t(key)));
            blocks.extend(paragraphs(text).into_iter().map(Block::text));
        }
    };
    section(&mut blocks, "tasks-summary", &r.summary);
    let lang = shell.lang().code();
    let row = |o: &Owed| {
        let claim = o.entry.content.claim.as_ref().zip(o.counted);
        let counted = claim.map_or(String::new(), |(c, n)| {
            let wanted = o.entry.content.wanted.unwrap_or(0);
            format!("{}/{wanted}{}", figure(c, n), c.unit.get(lang))
        });
        let said = match o.line.is_omitted() {
            true => shell.t("tasks-omitted"),
            false => o.line.said.clone(),
        };
        let text = o.entry.content.text.clone();
        vec![
            o.entry.call(),
            text,
            said,
            counted,
            format!("{}%", o.line.percent),
        ]
    };
    if !w.owed.is_empty() {
        blocks.push(Block::Heading(1, shell.t("tasks-tab-entries")));
        let header = ["number", "text", "said", "figure", "percent"];
        blocks.push(Block::Table(Table {
            caption: None,
            header: header.map(|k| shell.t(&format!("tasks-{k}"))).to_vec(),
            rows: w.owed.iter().map(row).collect(),
            widths: Some(vec![3, 7, 9, 4, 2]),
        }));
    }
    section(&mut blocks, "tasks-problems", &r.problems);
    section(&mut blocks, "tasks-next", &r.next);
    let dated = r.handed_on.unwrap_or_else(|| s.env.today());
    let document = Document {
        title: title.clone(),
        blocks,
        official: Some(Official {
            organ: unit.clone(),
            signed_by: unit,
            dated: format_date(dated),
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
