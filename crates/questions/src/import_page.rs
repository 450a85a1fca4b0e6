//! Import (导入): a file is uploaded, what it would bring is shown with every fault at its place and every twin beside
//! its question, and then taken over in one transaction.

use axum::Form as Posted;
use axum::extract::{Multipart, Path, State as Has};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::bank::{Questions, State};
use crate::formats::{self, Format, Item, Limits};
use crate::importing::{Fate, Plan, Taking, Twin};
use crate::pages::{body, crumbs, fault_text};
use crate::{REVIEW, WRITE};
use desk::Waiting;

/// Questions of each sort that the preview shows.
const SHOWN: usize = 100;

fn limits() -> Limits {
    Limits {
        questions: 5_000,
        ..Limits::default()
    }
}

async fn start_context(s: &Questions, shell: &Shell, scope: &Scope, form: Form) -> Result<Value> {
    let banks: Vec<_> = s
        .banks(scope)
        .await?
        .into_iter()
        .map(|b| (b.id.to_string(), b.name))
        .collect();
    let limits = limits();
    Ok(
        json!({ "form": form, "banks": banks, "crumbs": crumbs(shell), "most": limits.questions, "mebibytes": limits.bytes >> 20 }),
    )
}

pub(crate) async fn start(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let form = Form::default().with("bank", asked.get("bank").unwrap_or_default());
    let context = start_context(&s, &shell, &access.scope, form).await?;
    shell.page("questions/import.html", context)
}

pub(crate) async fn template(Path(format): Path<String>) -> Result<Response, Failure> {
    let format = Format::of_code(&format).filter(|f| matches!(f, Format::Xlsx | Format::Csv));
    let format = format.ok_or(Error::NotFound)?;
    let bytes = formats::template(format)?;
    let name = format!("questions-template.{}", format.extension());
    Ok(web::attachment(format.mime(), &name, bytes))
}

/// What was wrong with an item, for who mends it.
fn note(shell: &Shell, file: &str, item: &Item) -> String {
    let faults: Vec<String> = item.faults.iter().map(|f| fault_text(shell, f)).collect();
    let text = format!("{file} {}：{}", shell.text(&item.place), faults.join("；"));
    text.chars().take(500).collect()
}

fn preview_context(
    shell: &Shell,
    plan: &Plan,
    bank: (&str, &str),
    file: &Waiting,
    may_review: bool,
    form: Form,
) -> Value {
    let shown = |fate: Fate| {
        let some = plan.items.iter().filter(move |p| p.fate(true) == fate);
        some.take(SHOWN)
    };
    let faulty: Vec<Value> = shown(Fate::Faulty)
        .map(|p| {
            let faults: Vec<String> = p.item.faults.iter().map(|f| fault_text(shell, f)).collect();
            json!({ "place": shell.text(&p.item.place), "faults": faults, "body": body(shell, "", &p.item.question) })
        })
        .collect();
    let twins = plan.items.iter().filter(|p| p.twin.is_some()).take(SHOWN).filter_map(|p| {
        let (likeness, twin) = p.twin?;
        let (href, question, place) = match twin {
            Twin::Question(id) => {
                let (_, question) = plan.others.get(&id)?;
                (Some(format!("/questions/{id}")), question, String::new())
            }
            Twin::Item(at) => {
                let other = &plan.items.get(at)?.item;
                (None, &other.question, shell.text(&other.place))
            }
        };
        let id = match twin {
            Twin::Question(id) => id.to_string(),
            Twin::Item(_) => String::new(),
        };
        Some(json!({
            "label": shell.t(&format!("question-like-{}", likeness.code())), "place": shell.text(&p.item.place), "href": href,
            "other_place": place, "body": body(shell, "", &p.item.question), "other": body(shell, &id, question),
        }))
    });
    let fine: Vec<Value> = shown(Fate::New)
        .filter(|p| p.twin.is_none())
        .map(|p| json!({ "place": shell.text(&p.item.place), "body": body(shell, "", &p.item.question) }))
        .collect();
    let counts = plan.counts(false);
    let near = plan.counts(true);
    json!({
        "import": {
            "bank": bank.0, "bank_name": bank.1, "file": { "value": file.text(), "name": file.name },
            "format": plan.format.code(), "imported": counts.imported, "quarantined": counts.quarantined,
            "duplicates": counts.duplicates, "near": near.imported - counts.imported, "items": plan.items.len(),
            "shown": SHOWN, "faulty": faulty, "twins": twins.collect::<Vec<_>>(), "fine": fine, "may_review": may_review,
        },
        "form": form, "crumbs": crumbs(shell), "lost": [], "lost_count": 0, "anyway": null, "format": plan.format.code(),
    })
}

/// Whether the importer answers for what is imported into a bank.
async fn may_review(s: &Questions, access: &Access, bank: Id) -> Result<bool> {
    match access.principal.scope(REVIEW) {
        Some(scope) => match s.bank(bank, scope).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(other) => Err(other),
        },
        None => Ok(false),
    }
}

pub(crate) async fn preview(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    mut posted: Multipart,
) -> Result<Response, Failure> {
    let planned = async {
        let (mut files, pairs) = s
            .attachments
            .parts(access.principal.account, &mut posted)
            .await?;
        let bank = pairs
            .iter()
            .find(|(n, _)| n == "bank")
            .map_or("", |(_, v)| v.as_str());
        let bank: Id = bank
            .parse()
            .map_err(|_| Error::field("bank", Msg::new("question-bank-choose")))?;
        let file = files
            .pop()
            .ok_or_else(|| Error::field("file", Msg::new("question-file-choose")))?;
        let bytes = s.attachments.held(&file).await?.to_vec();
        let plan = s
            .plan(&file.name, bytes, limits(), bank, &access.scope)
            .await?;
        Ok::<_, Error>((bank, file, plan))
    };
    match planned.await {
        Ok((bank, file, plan)) => {
            let found = s.bank(bank, &access.scope).await?;
            let may = may_review(&s, &access, bank).await?;
            let names = (&*bank.to_string(), &*found.name);
            let context = preview_context(&shell, &plan, names, &file, may, Form::default());
            shell.page("questions/preview.html", context)
        }
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            let scope = access.principal.scope(WRITE).unwrap_or(&access.scope);
            let context = start_context(&s, &shell, scope, form).await?;
            shell.refused("questions/import.html", context)
        }
    }
}

pub(crate) async fn publish(
    Has(s): Has<Questions>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let bank: Id = value("bank").parse().map_err(|_| Error::NotFound)?;
    let file = Waiting::read(value("file"))?;
    let files = [file.clone()];
    let found = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let state = match value("state") {
        "in-use" if may_review(&s, &access, bank).await? => State::InUse,
        _ => State::Draft,
    };
    let bytes = s.attachments.held(&file).await?.to_vec();
    let plan = s
        .plan(&file.name, bytes, limits(), bank, &access.scope)
        .await?;
    let near = value("near") == "on";
    let write_note = {
        let shell = shell.clone();
        let name = file.name.clone();
        move |item: &Item| note(&shell, &name, item)
    };
    let taking = Taking {
        bank,
        file: &file.name,
        near,
        state,
        note: &write_note,
    };
    s.publish(&plan, &taking, &access.scope, actor).await?;
    s.attachments.release(&files).await;
    let quarantined = plan.counts(near).quarantined > 0;
    let to = match quarantined {
        true => format!("/questions?bank={bank}&state=quarantined"),
        false => format!("/questions?bank={bank}"),
    };
    shell.done(
        &to,
        if quarantined {
            "question-imported-some"
        } else {
            "question-imported"
        },
    )
}
