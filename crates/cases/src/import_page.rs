//! Pages of the import: the template, what a sheet comes to, publication.

use axum::Form as Body;
use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use desk::Waiting;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Table, Window};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::import::Plan;
use crate::list_page::{COLUMNS, Wanted};
use crate::model::{Eyes, Matter};
use crate::pages::crumbs;
use crate::service::Cases;
use crate::sheet::{self, MOST_ROWS, Names};
use crate::store;

/// Faults and rows that the preview shows.
const MOST_SHOWN: usize = 200;

fn start_context(s: &Cases, shell: &Shell, form: Form) -> Value {
    let columns = sheet::header(shell.lang().code(), s.kinds());
    json!({ "crumbs": crumbs(shell), "most": MOST_ROWS, "columns": columns.join("、"),
        "form": form, "plan": Value::Null })
}

pub(crate) async fn start(Shared(s): Shared<Cases>, shell: Shell) -> Result<Response, Failure> {
    let context = start_context(&s, &shell, Form::default());
    shell.page("cases/import.html", context)
}

pub(crate) async fn template(Shared(s): Shared<Cases>, shell: Shell) -> Result<Response, Failure> {
    let name = shell.t("cases-menu");
    let bytes = sheet::template(&name, shell.lang().code(), s.kinds())?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}

/// The form of the upload with what was wrong.
fn refuse(s: &Cases, shell: &Shell, error: Error) -> Result<Response, Failure> {
    let error = match error {
        Error::Invalid(errors) => {
            let first = errors.into_iter().next().map(|e| e.message);
            Error::field(
                "file",
                first.unwrap_or_else(|| Msg::new("cases-import-sheet")),
            )
        }
        other => other,
    };
    let form = Form::default().reject(shell, error)?;
    shell.refused("cases/import.html", start_context(s, shell, form))
}

fn preview(s: &Cases, shell: &Shell, plan: &Plan, id: Id, sheet: &Waiting, form: Form) -> Value {
    let faults = plan.faults.iter().take(MOST_SHOWN);
    let faults = faults.map(|e| json!({ "cell": e.field, "text": shell.text(&e.message) }));
    let rows = plan.fine.iter().take(MOST_SHOWN).map(|f| {
        json!({ "row": f.row, "title": f.matter.title, "unit": f.unit, "raised": format_date(f.matter.raised_on),
            "due": format_date(f.matter.due), "closed": f.matter.closed_on.map(format_date) })
    });
    let mut context = start_context(s, shell, form);
    context["plan"] = json!({ "id": id, "sheet": sheet.text(), "name": sheet.name, "fine": plan.fine.len(),
        "faulty": plan.faulty, "faults": faults.collect::<Vec<_>>(), "rows": rows.collect::<Vec<_>>(),
        "more_faults": plan.faults.len().saturating_sub(MOST_SHOWN), "more_rows": plan.fine.len().saturating_sub(MOST_SHOWN) });
    context
}

pub(crate) async fn check(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    mut parts: Multipart,
) -> Result<Response, Failure> {
    let files = s
        .attachments
        .parts(access.principal.account, &mut parts)
        .await;
    let sheet = match files {
        Ok((files, _)) => files.into_iter().next(),
        Err(error) => return refuse(&s, &shell, error),
    };
    let Some(sheet) = sheet else {
        return refuse(
            &s,
            &shell,
            Error::field("file", Msg::new("cases-import-sheet")),
        );
    };
    match s.plan(&sheet, &Eyes::from(&access), &access.scope).await {
        Ok(plan) => {
            let id = s.env.new_id();
            shell.page(
                "cases/import.html",
                preview(&s, &shell, &plan, id, &sheet, Form::default()),
            )
        }
        Err(error) => refuse(&s, &shell, error),
    }
}

pub(crate) async fn publish(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let id: Id = value("id").parse().map_err(|_| Error::NotFound)?;
    let sheet = Waiting::read(value("sheet"))?;
    let files = [sheet];
    let found = s.attachments.words_in(&secrecy, &files).await?;
    if secrecy.asks(&found) {
        return secrecy.ask(&found, &pairs, false);
    }
    secrecy.keep(&found).await?;
    let eyes = Eyes::from(&access);
    let plan = s.plan(&files[0], &eyes, &access.scope).await?;
    let same = (value("fine"), value("faulty"))
        == (&*plan.fine.len().to_string(), &*plan.faulty.to_string());
    let done = match same {
        true => s.publish(id, &files[0].name, &plan, &eyes, &actor).await,
        false => Err(Error::field("file", Msg::new("cases-import-changed"))),
    };
    match done {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done("/cases?view=all", "cases-done-imported")
        }
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            shell.refused(
                "cases/import.html",
                preview(&s, &shell, &plan, id, &files[0], form),
            )
        }
    }
}

/// The list that is asked for as a workbook, in the form of the import.
pub(crate) async fn export(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, wanted.order);
    let (total, found) = s
        .list(
            wanted.tab,
            &wanted.filter,
            &wanted.eyes,
            order,
            Window::EXPORT,
        )
        .await?;
    Window::fits(total)?;
    let actor = crate::pages::actor_of(&access);
    identity::tell_list(&s.db, &s.env, &actor, "cases", found.len()).await?;
    let bytes = workbook(&s, &shell, &found).await?;
    let name = format!(
        "{}-{}.xlsx",
        shell.t("cases-menu"),
        format_date(s.env.today())
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}

async fn workbook(s: &Cases, shell: &Shell, found: &[Matter]) -> Result<Vec<u8>> {
    let lang = shell.lang().code();
    let mut tx = s.db.read().await?;
    let kinds = s
        .rules(&mut tx, found.iter().map(|m| m.rule.as_str()))
        .await?;
    let people: Vec<_> = found
        .iter()
        .flat_map(|m| [m.owner, m.supervisor])
        .flatten()
        .collect();
    let people = store::list::staff_numbers(&mut tx, &people).await?;
    drop(tx);
    let units: Vec<UnitId> = found.iter().flat_map(|m| [m.unit, m.from]).collect();
    let units = s
        .organization
        .units_by_id(&units, &kernel::Scope::All)
        .await?;
    let names = Names {
        units: units.into_iter().map(|u| (u.id, u.code)).collect(),
        people,
    };
    let fields = sheet::fields(s.kinds());
    let rows = found.iter().filter_map(|m| {
        let end = m
            .end
            .map(|end| shell.t(&format!("cases-end-{}", end.code())));
        let kind = kinds.get(&m.rule)?;
        Some(sheet::line(m, kind, &names, end, (lang, &fields)))
    });
    let header = sheet::header(lang, s.kinds());
    xlsx(
        &shell.t("cases-menu"),
        &header.iter().map(String::as_str).collect::<Vec<_>>(),
        rows.collect::<Vec<Vec<Cell>>>(),
    )
}
