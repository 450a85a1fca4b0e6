//! Pages of official documents: the form of their elements with its versions, and what is taken out: docx and xlsx.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, ReportId, Result, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::paper::{Paper, URGENCIES};
use crate::{READ, Reports, Saved, State as Stage, WRITE};

const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

pub(crate) fn routes() -> Routes<Reports> {
    let (read, write) = (Policy::Permission(READ), Policy::Permission(WRITE));
    Routes::new()
        .get("/reports/{id}/paper", write, form)
        .post("/reports/{id}/paper", write, keep)
        .get("/reports/{id}/report.docx", read, docx)
        .get("/reports/{id}/report.xlsx", read, xlsx)
}

impl Reports {
    /// A report as a reader may see it: a draft is there for those who may write reports on its unit.
    pub(crate) async fn seen(&self, id: ReportId, access: &Access) -> Result<Saved> {
        let r = self.report(id, &access.scope).await?;
        if r.state == Stage::Kept {
            return Ok(r);
        }
        match access.principal.scope(WRITE) {
            Some(scope) if self.organization.reaches(scope, r.unit).await? => Ok(r),
            _ => Err(Error::NotFound),
        }
    }
}

/// The labels and texts of a report's elements, for its page; none when it has none.
pub(crate) async fn shown(s: &Reports, shell: &Shell, r: &Saved) -> Result<Value> {
    let versions = s.papers(r.id, &Scope::All).await?;
    let Some(newest) = versions.first() else {
        return Ok(Value::Null);
    };
    let p = &newest.paper;
    let urgency = match p.urgency.as_str() {
        "" => String::new(),
        code => shell.t(&format!("report-urgency-{code}")),
    };
    let lines = [
        ("report-paper-organ", p.organ.clone()),
        ("report-paper-number-label", p.number.clone()),
        ("report-paper-signer", p.signer.clone()),
        ("report-paper-urgency-label", urgency),
        ("report-paper-addressees", p.addressees.clone()),
        ("report-paper-copies", p.copies.clone()),
        ("report-paper-attached", p.attachments.replace('\n', "；")),
        (
            "report-paper-signed",
            format!("{} {}", p.signed_by, p.dated),
        ),
        (
            "report-paper-print",
            format!("{} {}", p.printed_by, p.printed_on),
        ),
    ];
    let lines = lines
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty());
    let lines: Vec<_> = lines.map(|(key, text)| (shell.t(key), text)).collect();
    Ok(json!({ "lines": lines, "version": newest.version }))
}

/// What is typed, and the version it was typed over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Typed {
    #[serde(default)]
    version: String,
    #[serde(flatten)]
    paper: Paper,
}

async fn page(s: &Reports, shell: &Shell, r: &Saved, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let mut urgencies = vec![(String::new(), shell.t("report-urgency-none"))];
    for code in URGENCIES {
        urgencies.push((code.to_owned(), shell.t(&format!("report-urgency-{code}"))));
    }
    let versions = s.papers(r.id, &Scope::All).await?;
    let versions: Vec<Value> = versions
        .iter()
        .map(|v| {
            json!({ "version": v.version, "number": v.paper.number, "addressees": v.paper.addressees,
                "at": v.at.minute_text(s.env.zone()) })
        })
        .collect();
    let title = match lang.starts_with("zh") {
        true => &r.body.title.0,
        false => &r.body.title.1,
    };
    Ok(json!({
        "form": form, "id": r.id, "title": title, "urgencies": urgencies, "versions": versions,
        "level": s.levels.name(&r.level, lang),
        "crumbs": [
            Crumb { label: shell.t("menu-reports"), href: "/reports".into() },
            Crumb { label: title.clone(), href: format!("/reports/{}", r.id) },
        ],
    }))
}

async fn form(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?.kept()?;
    let (paper, version) = s.paper_form(&r).await?;
    let form = Form::of(&paper).with("version", version);
    let context = page(&s, &shell, &r, form).await?;
    shell.page("reports/paper.html", context)
}

async fn keep(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?.kept()?;
    let version = typed.version.parse().map_err(|_| Error::NotFound)?;
    let kept = s.keep_paper(id, version, &typed.paper, &access.scope, &actor);
    match kept.await {
        Ok(()) => shell.done(&format!("/reports/{id}"), "report-paper-kept"),
        Err(e) => {
            let form = Form::of(&typed).reject(&shell, e)?;
            let context = page(&s, &shell, &r, form).await?;
            shell.refused("reports/paper.html", context)
        }
    }
}

/// What leaves the program leaves a trace.
async fn trace(s: &Reports, actor: &Actor, r: &Saved, format: &str) -> Result<()> {
    let detail = json!({ "level": r.level, "format": format });
    let entry = actor.audit("report.exported", ("report", r.id), detail);
    db::transaction!(s.db, |tx| identity::record(tx, &s.env, &entry).await)?;
    Ok(())
}

fn file_name(r: &Saved, shell: &Shell, end: &str) -> String {
    let (zh, en) = &r.body.title;
    let title = if shell.lang() == web::Lang::Zh {
        zh
    } else {
        en
    };
    format!("{title}.{end}")
}

async fn docx(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?.kept()?;
    let versions = s.papers(id, &access.scope).await?;
    let paper = versions.first().map(|v| &v.paper);
    let bytes = s.docx(&r, paper, shell.lang().code(), &|key| shell.t(key))?;
    trace(&s, &actor, &r, "docx").await?;
    Ok(web::attachment(DOCX, &file_name(&r, &shell, "docx"), bytes))
}

async fn xlsx(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?.kept()?;
    let bytes = s.sheet(&r, shell.lang().code(), &|key| shell.t(key))?;
    trace(&s, &actor, &r, "xlsx").await?;
    Ok(web::attachment(
        web::XLSX,
        &file_name(&r, &shell, "xlsx"),
        bytes,
    ))
}
