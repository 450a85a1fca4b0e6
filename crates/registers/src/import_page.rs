//! Pages of the import: the template, what a sheet comes to, publication.

use axum::Form as Body;
use axum::extract::{Multipart, Path, Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::import::Plan;
use crate::list_page::workbook;
use crate::pages::crumbs;
use crate::register::{Evidence, Register};
use crate::service::RegisterBook;
use crate::sheet::{self, MOST_ROWS, Mode};
use desk::Waiting;

/// Faults and rows that the preview shows.
const MOST_SHOWN: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ModeQuery {
    #[serde(default)]
    mode: String,
}

fn about(shell: &Shell, register: &Register, mode: Mode) -> Value {
    let lang = shell.lang().code();
    let mut crumbs = crumbs(shell);
    crumbs.push(Crumb {
        label: register.name.get(lang).to_owned(),
        href: format!("/registers/{}", register.code),
    });
    json!({
        "code": register.code, "name": register.name.get(lang), "crumbs": crumbs, "mode": mode.code(),
        "most": MOST_ROWS, "columns": sheet::header(register, mode, lang).join("、"),
        "evidence_required": mode == Mode::Declared || register.evidence == Evidence::Required,
    })
}

pub(crate) async fn start(
    State(s): State<RegisterBook>,
    shell: Shell,
    Path(code): Path<String>,
    Query(q): Query<ModeQuery>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let mut context = about(&shell, register, Mode::from_code(&q.mode));
    context["form"] = json!(Form::default());
    shell.page("registers/import.html", context)
}

pub(crate) async fn template(
    State(s): State<RegisterBook>,
    shell: Shell,
    Path(code): Path<String>,
    Query(q): Query<ModeQuery>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let mode = Mode::from_code(&q.mode);
    let bytes = sheet::template(register, mode, shell.lang().code())?;
    Ok(workbook(&format!("{code}-{}", mode.code()), bytes))
}

/// The form of the upload with what was wrong; cells are named in the texts.
fn refuse(
    shell: &Shell,
    register: &Register,
    mode: Mode,
    error: Error,
) -> Result<Response, Failure> {
    let Error::Invalid(errors) = error else {
        return Err(error.into());
    };
    let mut form = Form::default();
    for e in errors {
        let text = shell.text(&e.message);
        let text = match e.field.as_str() {
            "file" | "" => text,
            cell => format!("{cell}: {text}"),
        };
        form.errors
            .entry("file".into())
            .or_insert_with(|| text.clone());
        form.list.push(web::FormError {
            field: "file".into(),
            text,
        });
    }
    let mut context = about(shell, register, mode);
    context["form"] = json!(form);
    shell.refused("registers/import.html", context)
}

/// The sheet among the files, and the others, which are evidence.
fn sheet_of(mut files: Vec<Waiting>) -> Result<(Waiting, Vec<Waiting>)> {
    let is_sheet = |f: &Waiting| {
        let name = f.name.to_lowercase();
        name.ends_with(".xlsx") || name.ends_with(".csv")
    };
    match files.iter().position(is_sheet) {
        Some(at) => Ok((files.remove(at), files)),
        None => Err(Error::field("file", Msg::new("register-import-sheet"))),
    }
}

fn preview_of(
    shell: &Shell,
    register: &Register,
    mode: Mode,
    plan: &Plan,
    id: Id,
    files: (&Waiting, &[Waiting]),
    form: Form,
) -> Value {
    let (sheet, scans) = files;
    let faults: Vec<Value> = plan
        .faults
        .iter()
        .take(MOST_SHOWN)
        .map(|e| json!({ "cell": e.field, "text": shell.text(&e.message) }))
        .collect();
    let rows: Vec<Value> = plan
        .fine
        .iter()
        .take(MOST_SHOWN)
        .map(|f| {
            let c = &f.entry.content;
            json!({
                "number": f.number, "title": c.title, "unit": f.unit, "similar": f.similar,
                "date": kernel::format_date(c.date), "count": c.declared,
            })
        })
        .collect();
    let similar = plan.fine.iter().filter(|f| f.similar).count();
    let mut context = about(shell, register, mode);
    context["form"] = json!(form);
    context["id"] = json!(id);
    context["sheet"] = json!({ "value": sheet.text(), "name": sheet.name });
    context["scans"] = scans
        .iter()
        .map(|f| json!({ "value": f.text(), "name": f.name }))
        .collect();
    context["faults"] = json!(faults);
    context["fault_count"] = json!(plan.faults.len());
    context["faulty"] = json!(plan.faulty);
    context["rows"] = json!(rows);
    context["fine"] = json!(plan.fine.len());
    context["similar"] = json!(similar);
    context["fresh"] = json!(plan.fine.len() - similar);
    context["left_out"] = json!(plan.left_out);
    context["shown"] = json!(MOST_SHOWN);
    context["review"] = json!(register.review);
    context
}

pub(crate) async fn preview(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(code): Path<String>,
    Query(q): Query<ModeQuery>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let mode = Mode::from_code(&q.mode);
    let planned = async {
        let (files, _) = s
            .attachments
            .parts(access.principal.account, &mut form)
            .await?;
        let (sheet, scans) = sheet_of(files)?;
        // Nothing is kept yet: the names alone say that there is evidence.
        let evidence = s.attachments.measured(&scans).await?;
        let plan = s
            .plan(register, mode, &sheet, &evidence, &access.scope, &actor)
            .await?;
        Ok::<_, Error>((sheet, scans, plan))
    };
    match planned.await {
        Ok((sheet, scans, plan)) => {
            let id = s.env.new_id();
            let files = (&sheet, &scans[..]);
            let context = preview_of(&shell, register, mode, &plan, id, files, Form::default());
            shell.page("registers/preview.html", context)
        }
        Err(error) => refuse(&shell, register, mode, error),
    }
}

pub(crate) async fn publish(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(code): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let value = |name: &str| {
        let found = pairs.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    };
    let mode = Mode::from_code(value("mode"));
    let id: Id = value("id").parse().map_err(|_| Error::NotFound)?;
    let sheet = Waiting::read(value("sheet"))?;
    let scans = pairs.iter().filter(|(n, _)| n == "scan");
    let scans: Result<Vec<Waiting>> = scans.map(|(_, v)| Waiting::read(v)).collect();
    let scans = scans?;
    let files: Vec<Waiting> = scans.iter().chain([&sheet]).cloned().collect();
    let found = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let evidence = s.attachments.keep(&scans).await?;
    let plan = s
        .plan(register, mode, &sheet, &evidence, &access.scope, &actor)
        .await?;
    let entries = plan.entries(value("another") == "on");
    let agreed = (value("fine"), value("faulty"));
    let same = agreed == (&*plan.fine.len().to_string(), &*plan.faulty.to_string());
    let done = match same {
        true => {
            s.publish(register, (id, &sheet.name), &entries, &actor)
                .await
        }
        false => Err(Error::field("file", Msg::new("register-import-changed"))),
    };
    match done {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&format!("/registers/{code}"), "register-imported")
        }
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            let files = (&sheet, &scans[..]);
            let context = preview_of(&shell, register, mode, &plan, id, files, form);
            shell.refused("registers/preview.html", context)
        }
    }
}
