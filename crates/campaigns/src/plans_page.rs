//! Versions of the plan: written, sent to those who approve, issued under a number; as a paper.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State as Shared};
use axum::response::Response;
use commons::docx::{Block, Document, Official, Table, write};
use desk::{Waiting, id_of, paragraphs, told};
use identity::Actor;
use kernel::{Error, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::view::{Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::model::{Eyes, LONGEST, State, TITLE};
use crate::plans::{Plan, PlanState};
use crate::service::{Campaigns, Whole};
use crate::typed::{crumbs, tabs};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(crate) fn dated(day: kernel::Date, lang: &str) -> String {
    match lang.starts_with("zh") {
        true => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
        false => format_date(day),
    }
}

fn plan_tag(shell: &Shell, p: &Plan) -> Tag {
    Tag {
        text: shell.t(&format!("campaigns-plan-state-{}", p.state.code())),
        tone: match p.state {
            PlanState::Draft => Tone::Plain,
            PlanState::Asked => Tone::Brand,
            PlanState::Issued => Tone::Ok,
            PlanState::Refused => Tone::Warn,
            PlanState::Replaced => Tone::Plain,
        },
        icon: None,
    }
}

/// A plan written from what the campaign says: what a new version begins with.
async fn written(s: &Campaigns, shell: &Shell, w: &Whole) -> Result<String> {
    let (lang, c) = (shell.lang().code(), &w.campaign.content);
    let units: Vec<UnitId> = c.measures.iter().map(|m| m.unit).collect();
    let units = s.organization.names(&units).await?;
    let mut lines = vec![format!("# {}", shell.t("campaigns-goals")), c.goals.clone()];
    lines.push(format!("# {}", shell.t("campaigns-phases")));
    for p in &c.phases {
        let name = w
            .kind
            .phase(&p.code)
            .map_or(p.code.as_str(), |k| k.name.get(lang));
        let args = [
            ("name", name),
            ("from", &dated(p.from, lang)),
            ("to", &dated(p.to, lang)),
        ];
        lines.push(shell.t_with("campaigns-plan-phase", &args));
    }
    if !c.measures.is_empty() {
        lines.push(format!("# {}", shell.t("campaigns-measures")));
    }
    for m in &c.measures {
        let unit = units.get(&m.unit).map_or("", String::as_str);
        let no = m.no.to_string();
        let args = [
            ("no", no.as_str()),
            ("text", &m.text),
            ("unit", unit),
            ("due", &dated(m.due, lang)),
        ];
        lines.push(shell.t_with("campaigns-plan-measure", &args));
    }
    Ok(lines.join("\n"))
}

async fn context(
    s: &Campaigns,
    shell: &Shell,
    w: &Whole,
    mut form: Form,
    files: &[Waiting],
) -> Result<Value> {
    let c = &w.campaign;
    // Drafts are for those who plan.
    let plans = w.plans.iter().filter(|p| w.may_plan || p.number.is_some());
    let plans = plans.map(|p| {
        let files = p.files.iter().map(|f| json!({ "name": f.name, "href": format!("{}/files/{}", c.href(), f.sha256) }));
        json!({ "n": p.n, "title": p.title, "number": p.number, "issued": p.issued_on.map(format_date), "mark": p.mark,
            "body": paragraphs(&p.body), "files": files.collect::<Vec<_>>(), "tag": plan_tag(shell, p), "at": p.at.minute_text(s.env.zone()),
            "may_ask": w.may_plan && p.state == PlanState::Draft && w.plans.first().is_some_and(|l| l.n == p.n),
            "approval": p.approval.map(|a| format!("/approvals/{a}")), "paper": format!("{}/plans/{}.docx", c.href(), p.n) })
    });
    let asked = w.plans.iter().any(|p| p.state == PlanState::Asked);
    let may = w.may_plan && !asked && matches!(c.state, State::Planned | State::Running);
    if may && !form.values.contains_key("title") {
        let last = w.plans.first();
        form = form
            .with(
                "title",
                last.map_or_else(
                    || shell.t_with("campaigns-plan-of", &[("title", &c.content.title)]),
                    |p| p.title.clone(),
                ),
            )
            .with("mark", last.map_or("", |p| &p.mark));
        let body = match last {
            Some(last) => last.body.clone(),
            None => written(s, shell, w).await?,
        };
        form = form.with("body", body);
    }
    Ok(
        json!({ "id": c.id, "title": c.content.title, "plans": plans.collect::<Vec<_>>(), "may": may, "asked": asked,
        "waiting": desk::waiting(files), "most": LONGEST, "title_most": TITLE,
        "nav": tabs(shell, c.id, "plans"), "crumbs": crumbs(shell, None), "form": form }),
    )
}

pub(crate) async fn plans(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    shell.page(
        "campaigns/plans.html",
        context(&s, &shell, &w, Form::default(), &[]).await?,
    )
}

pub(crate) async fn keep(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let w = s.campaign(id, &eyes).await?;
    let (typed, files, asked) = s.attachments.typed(&access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let said = (typed.get("title"), typed.get("body"), typed.get("mark"));
    match s.write_plan(id, said, &files, (&eyes, &actor)).await {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/campaigns/{id}/plans"), "campaigns-done")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused(
                "campaigns/plans.html",
                context(&s, &shell, &w, form, &files).await?,
            )
        }
    }
}

pub(crate) async fn ask(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path((id, n)): Path<(String, String)>,
    Body(_): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let n = n.parse().map_err(|_| Error::NotFound)?;
    let done = async { s.ask_plan(id, n, &eyes, &approvals::By::of(&access)?).await };
    match done.await {
        Ok(()) => shell.done(&format!("/campaigns/{id}/plans"), "campaigns-done-asked"),
        Err(error) => {
            let form = Form::default().reject(&shell, told(error))?;
            let w = s.campaign(id, &eyes).await?;
            shell.refused(
                "campaigns/plans.html",
                context(&s, &shell, &w, form, &[]).await?,
            )
        }
    }
}

/// Text as blocks of a paper: a line that begins with `#` is a heading.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let lines = text.lines().filter(|l| !l.trim().is_empty());
    let block = |line: &str| match line.strip_prefix('#') {
        Some(title) => Block::Heading(1, title.trim().to_owned()),
        None => Block::text(line),
    };
    lines.map(block).collect()
}

/// A version of the plan as an official document.
pub(crate) async fn paper(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let w = s.campaign(id_of(&id)?, &Eyes::from(&access)).await?;
    let n: i64 = file
        .trim_end_matches(".docx")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let plan = w
        .plans
        .iter()
        .find(|p| p.n == n && (w.may_plan || p.number.is_some()));
    let plan = plan.ok_or(Error::NotFound)?;
    let lang = shell.lang().code();
    let ids: Vec<UnitId> = w.joined().chain([w.campaign.unit]).collect();
    let names = s.organization.names(&ids).await?;
    let unit = names.get(&w.campaign.unit).cloned().unwrap_or_default();
    let mut blocks = blocks(&plan.body);
    if !w.units.is_empty() {
        let mut rows: Vec<Vec<String>> = w
            .joined()
            .filter_map(|u| names.get(&u))
            .map(|n| vec![n.clone()])
            .collect();
        rows.sort();
        blocks.push(Block::Table(Table {
            caption: Some(shell.t("campaigns-units-joined")),
            header: vec![shell.t("campaigns-unit")],
            rows,
            widths: None,
        }));
    }
    let document = Document {
        title: plan.title.clone(),
        blocks,
        official: Some(Official {
            organ: unit.clone(),
            number: plan.number.clone(),
            signed_by: unit,
            dated: dated(plan.issued_on.unwrap_or_else(|| s.env.today()), lang),
            attachments: plan.files.iter().map(|f| f.name.clone()).collect(),
            ..Official::default()
        }),
        ..Document::default()
    };
    let name = format!("{}.docx", plan.title);
    Ok(web::attachment(DOCX, &name, write(&document)?))
}
