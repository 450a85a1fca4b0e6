//! Pages of past activities: the sheet, what it comes to, what was taken in, and its reversal.

use axum::Form as Body;
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use desk::{FORM, Waiting};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Policy, Routes, Secrecy, Shell};

use crate::history::{Conflict, Fine, MOST_ROWS, Plan, header, template};
use crate::pages::crumbs;
use crate::{Activities, RECORD, REVERSE};

/// Faults and rows that the preview shows.
const MOST_SHOWN: usize = 200;

/// The routes of past activities.
pub(crate) fn routes() -> Routes<Activities> {
    let record = Policy::Permission(RECORD);
    Routes::new()
        .get("/activities/history", record, start)
        .get("/activities/history/template.xlsx", record, sheet)
        .post_up_to("/activities/history", record, FORM, preview)
        .post("/activities/history/publish", record, publish)
        .get("/activities/history/{id}", record, show)
        .post(
            "/activities/history/{id}/reversal",
            Policy::Permission(REVERSE),
            reverse,
        )
}

async fn start_page(s: &Activities, shell: &Shell, access: &Access, form: Form) -> Result<Value> {
    let zone = s.env.zone();
    let rows: Vec<Value> = s
        .imports(&access.scope)
        .await?
        .iter()
        .map(|i| {
            json!({ "href": format!("/activities/history/{}", i.id), "name": i.name, "at": i.recorded_at.minute_text(zone),
                "reversed": i.reversed_at.is_some() })
        })
        .collect();
    Ok(
        json!({ "form": form, "rows": rows, "most": MOST_ROWS, "columns": header(shell.lang().code()).join("、"),
        "crumbs": crumbs(shell) }),
    )
}

async fn start(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = start_page(&s, &shell, &access, Form::default()).await?;
    shell.page("activities/history.html", context)
}

async fn sheet(shell: Shell) -> Result<Response, Failure> {
    let bytes = template(&shell.t("history-title"), shell.lang().code())?;
    let name = format!("{}.xlsx", shell.t("history-title"));
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// A row as the preview shows it.
fn line(s: &Activities, lang: &str, f: &Fine) -> Value {
    let t = &f.total;
    let kind = s
        .kinds
        .get(&t.kind)
        .map_or(t.kind.as_str(), |k| k.name.get(lang));
    json!({ "number": f.number, "title": t.title, "unit": f.unit, "date": format_date(t.date), "kind": kind,
        "sessions": t.sessions, "present": t.present, "declared": f.parts.is_empty() })
}

fn preview_page(
    s: &Activities,
    shell: &Shell,
    plan: &Plan,
    (id, sheet, scans): (Id, &Waiting, &[Waiting]),
    form: Form,
) -> Value {
    let lang = shell.lang().code();
    let faults = plan.faults.iter().take(MOST_SHOWN);
    let faults: Vec<Value> = faults
        .map(|e| json!({ "cell": e.field, "text": shell.text(&e.message) }))
        .collect();
    let rows: Vec<Value> = plan
        .fine
        .iter()
        .take(MOST_SHOWN)
        .map(|f| line(s, lang, f))
        .collect();
    let conflict = |c: &Conflict| {
        let known: Vec<Value> = c
            .known
            .iter()
            .take(20)
            .map(|(date, title, sessions, present)| {
                json!({ "date": format_date(*date), "title": title, "sessions": sessions, "present": present })
            })
            .collect();
        let rows: Vec<Value> = c.rows.iter().map(|f| line(s, lang, f)).collect();
        json!({ "field": c.field(), "rows": rows, "known": known })
    };
    let conflicts: Vec<Value> = plan.conflicts.iter().map(conflict).collect();
    let scans: Vec<Value> = scans
        .iter()
        .map(|f| json!({ "value": f.text(), "name": f.name }))
        .collect();
    json!({
        "form": form, "id": id, "sheet": { "value": sheet.text(), "name": sheet.name }, "scans": scans, "mark": plan.mark(),
        "faults": faults, "fault_count": plan.faults.len(), "faulty": plan.faulty, "rows": rows, "fine": plan.fine.len(),
        "declared": plan.fine.iter().filter(|f| f.parts.is_empty()).count(), "known": plan.known,
        "conflicts": conflicts, "shown": MOST_SHOWN,
        "crumbs": [{ "label": shell.t("history-title"), "href": "/activities/history" }],
    })
}

/// The sheet among the files, and the others, which prove it.
fn sheet_of(mut files: Vec<Waiting>) -> Result<(Waiting, Vec<Waiting>)> {
    let is_sheet = |f: &Waiting| {
        let name = f.name.to_lowercase();
        name.ends_with(".xlsx") || name.ends_with(".csv")
    };
    match files.iter().position(is_sheet) {
        Some(at) => Ok((files.remove(at), files)),
        None => Err(Error::field("file", Msg::new("history-sheet"))),
    }
}

async fn preview(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let planned = async {
        let (files, _) = s
            .attachments()?
            .parts(access.principal.account, &mut parts)
            .await?;
        let (sheet, scans) = sheet_of(files)?;
        let plan = s.plan_history(&sheet, &scans, &access.scope).await?;
        Ok::<_, Error>((sheet, scans, plan))
    };
    match planned.await {
        Ok((sheet, scans, plan)) => {
            let what = (s.env.new_id(), &sheet, &scans[..]);
            let context = preview_page(&s, &shell, &plan, what, Form::default());
            shell.page("activities/history_preview.html", context)
        }
        Err(Error::Invalid(errors)) => {
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
                let field = "file".to_owned();
                form.list.push(web::FormError { field, text });
            }
            let context = start_page(&s, &shell, &access, form).await?;
            shell.refused("activities/history.html", context)
        }
        Err(error) => Err(error.into()),
    }
}

async fn publish(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let value = |name: &str| {
        let found = pairs.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    };
    let id: Id = value("id").parse().map_err(|_| Error::NotFound)?;
    let sheet = Waiting::read(value("sheet"))?;
    let scans = pairs.iter().filter(|(n, _)| n == "scan");
    let scans: Result<Vec<Waiting>> = scans.map(|(_, v)| Waiting::read(v)).collect();
    let scans = scans?;
    let attachments = s.attachments()?;
    let files: Vec<Waiting> = scans.iter().chain([&sheet]).cloned().collect();
    let found = attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let plan = s.plan_history(&sheet, &scans, &access.scope).await?;
    let done = async {
        if value("mark") != plan.mark() {
            return Err(Error::field("file", Msg::new("history-changed")));
        }
        let taken = plan.chosen(|field| value(field).to_owned())?;
        let evidence = attachments.keep(&scans).await?;
        s.publish_history((id, &sheet.name), &taken, &evidence, &actor)
            .await
    };
    match done.await {
        Ok(_) => {
            attachments.release(&files).await;
            shell.done(&format!("/activities/history/{id}"), "history-imported")
        }
        Err(error) => {
            let mut form = Form::default().reject(&shell, error)?;
            for (name, value) in pairs.iter().filter(|(n, _)| n.starts_with("choose-")) {
                form = form.with(name, value);
            }
            let context = preview_page(&s, &shell, &plan, (id, &sheet, &scans), form);
            shell.refused("activities/history_preview.html", context)
        }
    }
}

async fn import_page(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let (import, activities, totals) = s.import(id, &access.scope).await?;
    let lang = shell.lang().code();
    let hosts: Vec<UnitId> = activities
        .iter()
        .map(|a| a.host)
        .chain(totals.iter().map(|t| t.host))
        .collect();
    let names = s.organization.names(&hosts).await?;
    let kind = |code: &str| {
        s.kinds
            .get(code)
            .map_or(code, |k| k.name.get(lang))
            .to_owned()
    };
    let rows: Vec<Value> = activities
        .iter()
        .map(|a| {
            json!({ "href": format!("/activities/{}", a.id), "title": a.title, "kind": kind(&a.kind),
                "unit": names.get(&a.host), "date": format_date(a.date), "reversed": a.reversed_at.is_some() })
        })
        .collect();
    let totals: Vec<Value> = totals
        .iter()
        .map(|t| {
            json!({ "title": t.title, "kind": kind(&t.kind), "unit": names.get(&t.host), "date": format_date(t.date),
                "sessions": t.sessions, "present": t.present })
        })
        .collect();
    let may = access.principal.scope(REVERSE).is_some() && import.reversed_at.is_none();
    let scans: Vec<&str> = import.evidence.iter().map(|f| f.name.as_str()).collect();
    let zone = s.env.zone();
    Ok(
        json!({ "id": id, "name": import.name, "at": import.recorded_at.minute_text(zone), "scans": scans,
        "reversed": import.reversed_at.map(|at| at.minute_text(zone)), "reason": import.reason, "rows": rows,
        "totals": totals, "may_reverse": may, "form": form,
        "crumbs": [Crumb { label: shell.t("history-title"), href: "/activities/history".into() }] }),
    )
}

async fn show(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let context = import_page(&s, &shell, &access, id, Form::default()).await?;
    shell.page("activities/history_show.html", context)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reversal {
    reason: String,
    confirm: String,
}

async fn reverse(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Reversal>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let done = match typed.confirm.trim() == shell.t("reversal-word") {
        true => {
            s.reverse_history(id, &typed.reason, &access.scope, actor)
                .await
        }
        false => Err(Error::field("reason", Msg::new("reversal-unconfirmed"))),
    };
    match done {
        Ok(()) => shell.done(&format!("/activities/history/{id}"), "history-reversed"),
        Err(error) => {
            let form = Form::default()
                .with("reason", &typed.reason)
                .reject(&shell, error)?;
            let context = import_page(&s, &shell, &access, id, form).await?;
            shell.refused("activities/history_show.html", context)
        }
    }
}
