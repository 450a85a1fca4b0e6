//! Pages of the import: the template, what a sheet comes to (nothing is written), publication.

use axum::Form as Body;
use axum::extract::{Multipart, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::form_page::{Pairs, listed, value};
use crate::import::{MOST_ROWS, Plan, Usual, header, template as empty};
use crate::model::{Attached, print};
use crate::pages::crumbs;
use crate::service::Hours;
use desk::Waiting;

/// Faults and rows that the preview shows.
const MOST_SHOWN: usize = 200;

fn about(s: &Hours, shell: &Shell, access: &Access, form: Form) -> Value {
    let lang = shell.lang().code();
    let choose = (String::new(), shell.t("hours-in-rows"));
    let ways = s.rules.ways.iter().filter(|w| w.outside);
    let ways = ways.map(|w| (w.code.clone(), w.name.get(lang).to_owned()));
    let contents = s.rules.contents.iter();
    let contents = contents.map(|c| (c.code.clone(), c.name.get(lang).to_owned()));
    json!({
        "form": form, "crumbs": crumbs(shell, access), "most": MOST_ROWS, "columns": header(lang).join("、"),
        "ways": listed(&choose, ways),
        "contents": listed(&choose, contents),
    })
}

pub(crate) async fn start(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    shell.page(
        "hours/import.html",
        about(&s, &shell, &access, Form::default()),
    )
}

pub(crate) async fn template(shell: Shell) -> Result<Response, Failure> {
    let name = shell.t("hours-import");
    let bytes = empty(&name, shell.lang().code())?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

fn usual(pairs: &Pairs) -> Usual {
    Usual {
        way: value(pairs, "way").to_owned(),
        content: value(pairs, "content").to_owned(),
        declared: value(pairs, "mode") == "declared",
    }
}

/// The sheet among the files, and the proof: the other files; of a platform the sheet itself proves its rows.
fn sheet_of(files: Vec<Waiting>, declared: bool) -> Result<(Waiting, Vec<Waiting>)> {
    let is_sheet = |f: &Waiting| {
        let name = f.name.to_lowercase();
        name.ends_with(".xlsx") || name.ends_with(".csv")
    };
    let Some(at) = files.iter().position(is_sheet) else {
        return Err(Error::field("file", Msg::new("hours-import-sheet")));
    };
    let mut proof = files;
    let sheet = proof[at].clone();
    if declared {
        proof.remove(at);
        if proof.is_empty() {
            return Err(Error::field("file", Msg::new("hours-import-scan")));
        }
    }
    Ok((sheet, proof))
}

fn preview_of(
    (s, shell, access): (&Hours, &Shell, &Access),
    (pairs, plan, id): (&Pairs, &Plan, Id),
    (sheet, proof): (&Waiting, &[Waiting]),
    form: Form,
) -> Value {
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
            let e = &f.record.entry;
            json!({ "number": f.number, "name": f.name, "title": e.title, "date": kernel::format_date(e.to), "hours": print(e.hours) })
        })
        .collect();
    let mut context = about(s, shell, access, form);
    context["id"] = json!(id);
    for name in ["mode", "way", "content"] {
        context[format!("chosen_{name}")] = json!(value(pairs, name));
    }
    context["sheet"] = json!({ "value": sheet.text(), "name": sheet.name });
    context["proof"] = proof
        .iter()
        .map(|f| json!({ "value": f.text(), "name": f.name }))
        .collect();
    context["faults"] = json!(faults);
    context["fault_count"] = json!(plan.faults.len());
    context["faulty"] = json!(plan.faulty);
    context["known"] = json!(plan.known);
    context["rows"] = json!(rows);
    context["fine"] = json!(plan.fine.len());
    context["shown"] = json!(MOST_SHOWN);
    context
}

pub(crate) async fn preview(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let mut typed = Pairs::new();
    let planned = async {
        let (files, pairs) = s
            .attachments
            .parts(access.principal.account, &mut form)
            .await?;
        typed = pairs;
        let usual = usual(&typed);
        let (sheet, proof) = sheet_of(files, usual.declared)?;
        // Nothing is kept yet: the names alone say that there is proof.
        let evidence = s.attachments.measured(&proof).await?;
        let plan = s
            .plan(&usual, &sheet, &evidence, &access.scope, &actor)
            .await?;
        Ok::<_, Error>((sheet, proof, plan))
    };
    match planned.await {
        Ok((sheet, proof, plan)) => {
            let id = s.env.new_id();
            let context = preview_of(
                (&s, &shell, &access),
                (&typed, &plan, id),
                (&sheet, &proof),
                Form::default(),
            );
            shell.page("hours/preview.html", context)
        }
        Err(error) => {
            let mut form = Form::default();
            for (name, text) in &typed {
                form = form.with(name, text);
            }
            let form = form.reject(&shell, error)?;
            shell.refused("hours/import.html", about(&s, &shell, &access, form))
        }
    }
}

pub(crate) async fn publish(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let sheet = Waiting::read(value(&pairs, "sheet"))?;
    let proof = pairs.iter().filter(|(n, _)| n == "proof");
    let proof: Result<Vec<Waiting>> = proof.map(|(_, v)| Waiting::read(v)).collect();
    let proof = proof?;
    let files: Vec<Waiting> = proof.iter().chain([&sheet]).cloned().collect();
    let found = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let evidence: Vec<Attached> = s.attachments.keep(&proof).await?;
    let usual = usual(&pairs);
    let plan = s
        .plan(&usual, &sheet, &evidence, &access.scope, &actor)
        .await?;
    let agreed = (value(&pairs, "fine"), value(&pairs, "faulty"));
    let same = agreed == (&*plan.fine.len().to_string(), &*plan.faulty.to_string());
    let done = match same {
        true => s.publish((id, &sheet.name), &plan, &actor).await,
        false => Err(Error::field("file", Msg::new("hours-import-changed"))),
    };
    match done {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done("/hours", "hours-imported")
        }
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            let context = preview_of(
                (&s, &shell, &access),
                (&pairs, &plan, id),
                (&sheet, &proof),
                form,
            );
            shell.refused("hours/preview.html", context)
        }
    }
}
