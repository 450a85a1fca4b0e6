//! Pages of the import: upload, what the columns mean, progress, what it would do, publication.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::multipart::{Field as Part, MultipartError};
use axum::extract::{Multipart, Path, Query, State as Given};
use axum::http::StatusCode;
use axum::response::Response;
use commons::contents;
use commons::files::Held;
use commons::sheets::letters;
use commons::sheets::write::{Value as CellValue, csv, xlsx};
use futures::TryStreamExt;
use kernel::{Error, Id, Msg};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Pager;
use web::{Access, Failure, Form, Lang, Policy, Routes, Secrecy, Shell};

use super::record::{FAULT, Import, Note, State, TWIN, Twin, Upload};
use super::staged::Imports;
use super::{ChangeKind, export, forms, past};
use crate::numbers::IDENTITY;
use crate::pages::{MANAGE, download, download_as};
use crate::sheet::{self, Head, Kind, LIMITS, template};
use crate::store;

const PAGE: u64 = 50;
const PLACE: &str = "/organization/import";
/// The form around the file takes a little room too.
pub(crate) const UPLOAD: usize = LIMITS.bytes + (64 << 10);

pub(crate) fn routes() -> Routes<Imports> {
    let manage = Policy::Permission(MANAGE);
    Routes::new()
        .get("/organization/import", manage, form)
        .post_up_to("/organization/import", manage, UPLOAD, upload)
        .get("/organization/import/template.xlsx", manage, blank)
        .get("/organization/import/current.xlsx", manage, export::current)
        .get(
            "/organization/import/ties-template.xlsx",
            manage,
            blank_ties,
        )
        .get(
            "/organization/import/current-ties.xlsx",
            manage,
            export::current_ties,
        )
        .post(
            "/organization/import/current-with-numbers.xlsx",
            Policy::Permission(IDENTITY),
            export::with_numbers,
        )
        .post_up_to("/organization/import/forms", manage, UPLOAD, forms::upload)
        .post("/organization/import/forms/apply", manage, forms::apply)
        .get("/organization/import/{id}", manage, show)
        .get("/organization/import/{id}/progress", manage, progress)
        .get("/organization/import/{id}/faults.csv", manage, faults_csv)
        .get("/organization/import/{id}/faults.xlsx", manage, faults_xlsx)
        .post("/organization/import/{id}/{act}", manage, submit)
        .merge(past::routes())
}

async fn blank(Given(imports): Given<Imports>, shell: Shell) -> Result<Response, Failure> {
    let name = shell.t("organization-template-file");
    Ok(download(&name, template(&imports.attributes)?))
}

async fn blank_ties(Given(imports): Given<Imports>, shell: Shell) -> Result<Response, Failure> {
    let name = shell.t("organization-ties-template-file");
    let kinds = [Kind::Members, Kind::Pairings];
    let blank = sheet::book(kinds, &imports.attributes, Default::default())?;
    Ok(download(&name, blank))
}

#[derive(Serialize)]
struct Open {
    href: String,
    name: String,
    state: &'static str,
}

async fn form(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = start(&imports, &access, Form::default()).await?;
    shell.page("organization/import.html", context)
}

pub(crate) async fn start(imports: &Imports, access: &Access, form: Form) -> Result<Value, Error> {
    let mut tx = imports.org.db.read().await?;
    let open = store::open_imports(&mut tx, access.principal.account).await?;
    let open: Vec<Open> = open
        .iter()
        .map(|import| Open {
            href: format!("{PLACE}/{}", import.id),
            name: import.name(),
            state: import.state.code(),
        })
        .collect();
    Ok(json!({ "form": form, "open": open, "mebibytes": LIMITS.bytes >> 20 }))
}

/// What went wrong with an upload on its way.
fn broken(error: &MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Error::field("file", Msg::new("organization-upload-broken"))
}

fn too_large() -> Error {
    let message = Msg::new("sheet-file-too-large").with("mebibytes", LIMITS.bytes >> 20);
    Error::field("file", message.with("file", ""))
}

/// Keeps what a part of a form brings, without holding it in memory.
async fn keep(imports: &Imports, part: Part<'_>) -> Result<(Held, u64), Error> {
    let stream = Box::pin(part.map_err(|e| broken(&e)));
    imports.files.hold_stream(stream, LIMITS.bytes as u64).await
}

/// What an upload comes to.
pub(crate) enum Arrived {
    /// The files that are not empty, and where they are held.
    Files(Vec<(String, Held)>),
    /// Words in them call for care: the words, and the fields with which the form comes again.
    Asks(Vec<String>, Vec<(String, String)>),
}

/// Words of secrecy in held files, each once.
async fn words_in(
    imports: &Imports,
    secrecy: &Secrecy,
    files: &[Held],
) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for whole in files {
        let bytes = imports.files.held(whole).await?;
        let secrecy = secrecy.clone();
        let looked = tokio::task::spawn_blocking(move || {
            contents::texts(&bytes, &mut |text| secrecy.look(text, &mut found)).map(|_| found)
        });
        found = looked.await.map_err(Error::internal)??;
    }
    Ok(found)
}

/// Takes the files of an upload. Where words in them call for care they wait on the sender's desk for the answer.
pub(crate) async fn uploaded(
    imports: &Imports,
    secrecy: &mut Secrecy,
    access: &Access,
    form: &mut Multipart,
) -> Result<Arrived, Error> {
    let files = received(imports, secrecy, access, form).await?;
    let held: Vec<Held> = files.iter().map(|(_, whole)| whole.clone()).collect();
    let found = words_in(imports, secrecy, &held).await?;
    if !secrecy.asks(&found) {
        secrecy.keep(&found).await?;
        return Ok(Arrived::Files(files));
    }
    let mut again = Vec::new();
    for (name, whole) in files {
        let bytes = imports.files.held(&whole).await?;
        let of = access.principal.account;
        let id = imports.desk.lay_down(of, &name, &bytes).await?;
        again.push(("upload".to_owned(), id.to_string()));
        imports.release(&[whole]).await;
    }
    Ok(Arrived::Asks(found, again))
}

async fn received(
    imports: &Imports,
    secrecy: &mut Secrecy,
    access: &Access,
    form: &mut Multipart,
) -> Result<Vec<(String, Held)>, Error> {
    let mut found = Vec::new();
    while let Some(part) = form.next_field().await.map_err(|e| broken(&e))? {
        if part.name() == Some("upload") {
            // It has come in pieces before.
            let id = part.text().await.map_err(|e| broken(&e))?;
            let id = id.parse().map_err(|_| Error::NotFound)?;
            let (name, bytes) = imports
                .desk
                .take_upload(access.principal.account, id)
                .await?;
            if bytes.len() > LIMITS.bytes {
                return Err(too_large());
            }
            found.push((name, imports.files.hold(bytes).await?));
            continue;
        }
        if part.name() == Some(Secrecy::FIELD) {
            secrecy.said(part.text().await.map_err(|e| broken(&e))?);
            continue;
        }
        if part.name() == Some("file") {
            let name = part.file_name().unwrap_or_default().to_owned();
            let (held, size) = keep(imports, part).await?;
            if size > 0 {
                found.push((name, held));
            } else {
                imports.release(&[held]).await;
            }
        }
    }
    if found.is_empty() {
        return Err(Error::field("file", Msg::new("organization-file-missing")));
    }
    Ok(found)
}

/// The form again; whatever is wrong is about the file.
pub(crate) async fn refuse(
    imports: &Imports,
    shell: &Shell,
    access: &Access,
    error: Error,
) -> Result<Response, Failure> {
    let error = match error {
        Error::Invalid(mut errors) => {
            errors.iter_mut().for_each(|e| e.field = "file".into());
            Error::Invalid(errors)
        }
        other => other,
    };
    let form = Form::default().reject(shell, error)?;
    shell.refused(
        "organization/import.html",
        start(imports, access, form).await?,
    )
}

async fn upload(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    mut secrecy: Secrecy,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let opened = match uploaded(&imports, &mut secrecy, &access, &mut form).await {
        Ok(Arrived::Asks(words, again)) => return secrecy.ask(&words, &again, true),
        Ok(Arrived::Files(mut files)) => {
            files.truncate(1);
            imports.open(files, Some(access.principal.account)).await
        }
        Err(error) => Err(error),
    };
    match opened {
        Ok(id) => Ok(shell.redirect(&format!("{PLACE}/{id}"))?),
        Err(error) => refuse(&imports, &shell, &access, error).await,
    }
}

async fn find(imports: &Imports, access: &Access, id: &str) -> Result<Import, Error> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    imports.get(id, Some(access.principal.account)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    page: String,
}

async fn show(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let import = find(&imports, &access, &id).await?;
    match import.state {
        State::Mapping => {
            let context = mapping(&imports, &shell, &import, &import.files, Form::default());
            shell.page("organization/import-map.html", context)
        }
        State::Checking | State::Publishing => {
            let context = json!({ "name": import.name(), "progress": far(&shell, &import) });
            shell.page("organization/import-progress.html", context)
        }
        State::Done => shell.redirect("/organization"),
        State::Ready | State::Failed => {
            let context = preview(&imports, &shell, &import, &asked).await?;
            shell.page("organization/preview.html", context)
        }
    }
}

/// How far an import is, for people and for the part that renews itself.
fn far(shell: &Shell, import: &Import) -> Value {
    let key = match (import.state, import.total) {
        (State::Publishing, _) => "organization-import-publishing",
        (_, 0) => "organization-import-checking",
        _ => "organization-import-reading",
    };
    let rows = import.done.max(import.total);
    json!({
        "id": import.id, "text": shell.t(key), "rows": rows,
        "publishing": import.state == State::Publishing, "stuck": import.is_stuck(shell.env().now()),
    })
}

/// The part of the page that renews itself; when the work is done it leads on.
async fn progress(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let import = find(&imports, &access, &id).await?;
    match import.state {
        State::Checking | State::Publishing => {
            let context = json!({ "progress": far(&shell, &import) });
            shell.partial("organization/import-progress-part.html", context)
        }
        State::Done => shell.done("/organization", "organization-imported"),
        _ => shell.redirect(&format!("{PLACE}/{}", import.id)),
    }
}

fn label(field: &sheet::Field, lang: Lang) -> String {
    let english = field.names.iter().find(|n| n.is_ascii());
    let name = english.filter(|_| lang == Lang::En).or(field.names.first());
    name.cloned().unwrap_or_default()
}

fn kind_code(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Units) => "units",
        Some(Kind::Persons) => "persons",
        Some(Kind::Members) => "members",
        Some(Kind::Pairings) => "pairings",
        None => "skip",
    }
}

/// The page that asks what the columns mean.
fn mapping(
    imports: &Imports,
    shell: &Shell,
    import: &Import,
    files: &[Upload],
    form: Form,
) -> Value {
    let heads = files.iter().flat_map(|f| &f.heads);
    let sheets: Vec<Value> = heads
        .enumerate()
        .map(|(n, head)| {
            let columns: Vec<(String, String)> = (0..head.header.len())
                .filter(|c| !head.header[*c].is_empty())
                .map(|c| (c.to_string(), format!("{} {}", letters(c), head.header[c])))
                .collect();
            let fields = head
                .kind
                .map(|kind| sheet::fields(kind, &imports.attributes));
            let fields: Vec<Value> = fields
                .into_iter()
                .flatten()
                .map(|f| {
                    let column = head.columns.iter().find(|(key, _)| *key == f.key);
                    json!({
                        "key": format!("h{n}.{}", f.key), "label": label(&f, shell.lang()),
                        "required": f.required, "column": column.map(|(_, c)| c.to_string()),
                    })
                })
                .collect();
            json!({ "n": n, "name": head.name, "row": head.number, "kind": kind_code(head.kind),
                "columns": columns, "fields": fields })
        })
        .collect();
    json!({ "id": import.id, "name": import.name(), "sheets": sheets, "form": form })
}

/// What the form says about the columns. A sheet that gets another kind is guessed anew.
fn said(
    imports: &Imports,
    files: &[Upload],
    posted: &HashMap<String, String>,
) -> (Vec<Upload>, bool) {
    let (mut files, mut n, mut again) = (files.to_vec(), 0, false);
    for head in files.iter_mut().flat_map(|f| &mut f.heads) {
        let kind = match posted.get(&format!("h{n}")).map(String::as_str) {
            Some("units") => Some(Kind::Units),
            Some("persons") => Some(Kind::Persons),
            Some("members") => Some(Kind::Members),
            Some("pairings") => Some(Kind::Pairings),
            _ => None,
        };
        if let Some(kind) = kind.filter(|k| head.kind != Some(*k)) {
            head.columns = sheet::guess(kind, &head.header, &imports.attributes);
            again = true;
        } else if let Some(kind) = kind {
            let fields = sheet::fields(kind, &imports.attributes).into_iter();
            head.columns = fields
                .filter_map(|f| {
                    let column = posted.get(&format!("h{n}.{}", f.key))?.parse().ok()?;
                    (column < head.header.len()).then_some((f.key, column))
                })
                .collect();
        }
        head.kind = kind;
        n += 1;
    }
    (files, again)
}

/// A column can fill one field only, and required fields need one.
fn check_columns(imports: &Imports, files: &[Upload]) -> Result<(), Error> {
    let heads: Vec<&Head> = files.iter().flat_map(|f| &f.heads).collect();
    let mut errors = Vec::new();
    let mut wrong = |n: usize, key: &str, message| {
        errors.push(kernel::FieldError {
            field: format!("h{n}.{key}"),
            message,
        });
    };
    if heads.iter().all(|h| h.kind.is_none()) {
        wrong(0, "", Msg::new("organization-map-nothing"));
    }
    for (n, head) in heads.iter().enumerate() {
        let Some(kind) = head.kind else { continue };
        for field in sheet::fields(kind, &imports.attributes) {
            let column = head.columns.iter().find(|(key, _)| *key == field.key);
            match column {
                None if field.required => {
                    let message = Msg::new("organization-map-missing");
                    wrong(n, &field.key, message.with("field", &field.names[0]));
                }
                Some((key, column)) => {
                    let mut same = head.columns.iter().filter(|(_, c)| c == column);
                    if same.next().is_some_and(|(first, _)| first != key) {
                        let message = Msg::new("organization-map-twice");
                        wrong(n, key, message.with("column", &head.header[*column]));
                    }
                }
                None => {}
            }
        }
    }
    Error::if_any(errors)
}

async fn submit(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    secrecy: Secrecy,
    Path((id, act)): Path<(String, String)>,
    Posted(posted): Posted<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let import = find(&imports, &access, &id).await?;
    let place = format!("{PLACE}/{}", import.id);
    match act.as_str() {
        "check" if matches!(import.state, State::Mapping | State::Ready | State::Failed) => {
            let (files, again) = said(&imports, &import.files, &posted);
            let checked = if again {
                Ok(())
            } else {
                check_columns(&imports, &files)
            };
            if again || checked.is_err() {
                let mut form = Form::default();
                if let Err(error) = checked {
                    form = form.reject(&shell, error)?;
                }
                let context = mapping(&imports, &shell, &import, &files, form);
                return if again {
                    imports.set_files(&import, &files).await?;
                    shell.page("organization/import-map.html", context)
                } else {
                    shell.refused("organization/import-map.html", context)
                };
            }
            imports.set_files(&import, &files).await?;
            begin(&imports, &import, &access, Work::Read).await?;
        }
        "again" => begin(&imports, &import, &access, Work::Read).await?,
        "map" => imports.back_to_mapping(import.id).await?,
        "decide" => {
            let said: Vec<(String, String)> = posted
                .into_iter()
                .filter_map(|(name, word)| Some((name.strip_prefix("twin.")?.to_owned(), word)))
                .collect();
            imports.decide(&import, &said).await?;
            begin(&imports, &import, &access, Work::Check).await?;
        }
        "publish" => {
            if import.state == State::Ready
                && (import.summary.faults > 0 || import.summary.twins > 0)
            {
                return Err(Error::Conflict(Msg::new("organization-import-not-ready")).into());
            }
            let files = import.files.iter().map(|file| file.held.parse());
            let files: Vec<Held> = files.collect::<Result<_, Error>>()?;
            let found = words_in(&imports, &secrecy, &files).await?;
            if secrecy.asks(&found) {
                let again: Vec<_> = posted.into_iter().collect();
                return secrecy.ask(&found, &again, false);
            }
            secrecy.keep(&found).await?;
            begin(&imports, &import, &access, Work::Publish).await?;
        }
        "drop" => {
            if matches!(import.state, State::Checking | State::Publishing)
                && !import.is_stuck(shell.env().now())
            {
                return Err(Error::Conflict(Msg::new("organization-import-busy")).into());
            }
            imports.discard(import.id).await?;
            return shell.redirect(PLACE);
        }
        _ => return Err(Error::NotFound.into()),
    }
    shell.redirect(&place)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Read,
    Check,
    Publish,
}

/// Goes to work beside the request; the page shows how far it is.
async fn begin(
    imports: &Imports,
    import: &Import,
    access: &Access,
    work: Work,
) -> Result<(), Error> {
    let (from, to): (&[State], _) = match work {
        Work::Read => (
            &[State::Mapping, State::Ready, State::Failed],
            State::Checking,
        ),
        Work::Check => (&[State::Ready], State::Checking),
        Work::Publish => (&[State::Ready], State::Publishing),
    };
    if !imports.take(import.id, from, to).await? {
        return Err(Error::Conflict(Msg::new("organization-import-busy")));
    }
    let (imports, access, id) = (imports.clone(), access.clone(), import.id);
    // What fails is written on the import, where the page shows it.
    tokio::spawn(async move {
        let scope = &access.scope;
        match work {
            Work::Publish => drop(imports.publish(id, scope, &access).await),
            _ => drop(imports.check(id, scope, work == Work::Read).await),
        }
    });
    Ok(())
}

fn note_text(shell: &Shell, note: &Note) -> String {
    let args: Vec<(&str, &str)> = note
        .args
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    shell.t_with(&note.key, &args)
}

/// What an import would do: one list at a time, page by page.
async fn preview(
    imports: &Imports,
    shell: &Shell,
    import: &Import,
    asked: &Asked,
) -> Result<Value, Error> {
    let summary = &import.summary;
    let place = format!("{PLACE}/{}", import.id);
    let mut lists: Vec<(&'static str, u64)> = vec![(FAULT, summary.faults), (TWIN, summary.twins)];
    let kinds = ChangeKind::ALL.map(ChangeKind::code);
    lists.extend(kinds.map(|k| (k, summary.counts.get(k).copied().unwrap_or(0))));
    lists.retain(|(_, count)| *count > 0);
    let shown = lists
        .iter()
        .find(|(kind, _)| *kind == asked.kind)
        .or(lists.first());
    let (kind, count) = shown.copied().unwrap_or((FAULT, 0));
    let page = asked.page.parse().unwrap_or(1);
    let pager = Pager::new(count, PAGE, page, |n| {
        format!("{place}?kind={kind}&page={n}")
    });
    let last = count.saturating_sub(1) / PAGE;
    let after = (page.saturating_sub(1).min(last) * PAGE) as i64;
    let mut tx = imports.org.db.read().await?;
    let found = store::findings(&mut tx, import.id, kind, after, PAGE as i64).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|f| {
            let text = match kind {
                FAULT => serde_json::from_value::<Note>(f.detail.clone())
                    .map(|note| note_text(shell, &note))
                    .unwrap_or_default(),
                _ => String::new(),
            };
            let twin = serde_json::from_value::<Twin>(f.detail.clone()).unwrap_or_default();
            json!({ "address": f.address, "code": f.code, "name": f.name, "text": text, "twin": twin })
        })
        .collect();
    let lists: Vec<Value> = lists
        .iter()
        .map(|(k, count)| {
            json!({ "key": format!("organization-{k}"), "count": count, "current": *k == kind,
                "href": format!("{place}?kind={k}") })
        })
        .collect();
    Ok(json!({
        "id": import.id, "name": import.name(), "kind": kind, "kind_key": format!("organization-{kind}"),
        "rows": rows, "lists": lists, "pager": pager, "total": summary.total(), "unchanged": summary.unchanged,
        "left_out": summary.left_out, "faults": summary.faults, "twins": summary.twins,
        "note": summary.note.as_ref().map(|n| note_text(shell, n)),
    }))
}

type Faults = (Vec<String>, Vec<Vec<CellValue>>);

async fn faults(
    imports: &Imports,
    shell: &Shell,
    access: &Access,
    id: &str,
) -> Result<Faults, Error> {
    let import = find(imports, access, id).await?;
    let mut tx = imports.org.db.read().await?;
    let found = store::findings(&mut tx, import.id, FAULT, 0, i64::MAX).await?;
    let header = ["cell", "fault"].map(|k| shell.t(&format!("organization-{k}")));
    let rows = found.into_iter().map(|f| {
        let note: Note = serde_json::from_value(f.detail).unwrap_or_default();
        vec![f.address.into(), note_text(shell, &note).into()]
    });
    Ok((header.to_vec(), rows.collect()))
}

async fn faults_csv(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (header, rows) = faults(&imports, &shell, &access, &id).await?;
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let name = format!("{}.csv", shell.t("organization-faults-list"));
    Ok(download_as(
        "text/csv; charset=utf-8",
        &name,
        csv(&header, rows)?,
    ))
}

async fn faults_xlsx(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (header, rows) = faults(&imports, &shell, &access, &id).await?;
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let title = shell.t("organization-faults-list");
    Ok(download(
        &format!("{title}.xlsx"),
        xlsx(&title, &header, rows)?,
    ))
}

pub(crate) const TEMPLATES: [(&str, &str); 7] = [
    (
        "organization/imports.html",
        include_str!("../../templates/imports.html"),
    ),
    (
        "organization/import.html",
        include_str!("../../templates/import.html"),
    ),
    (
        "organization/import-map.html",
        include_str!("../../templates/import-map.html"),
    ),
    (
        "organization/import-progress.html",
        include_str!("../../templates/import-progress.html"),
    ),
    (
        "organization/import-progress-part.html",
        include_str!("../../templates/import-progress-part.html"),
    ),
    (
        "organization/import-forms.html",
        include_str!("../../templates/import-forms.html"),
    ),
    (
        "organization/preview.html",
        include_str!("../../templates/preview.html"),
    ),
];

/// One context for every template, in several states.
pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let form = Form::default();
    let start = json!({ "form": form, "open": [], "mebibytes": 40 });
    let mut open = start.clone();
    open["open"] = json!(
        ["mapping", "checking", "ready", "publishing", "failed"].map(|state| {
            json!({ "href": "/organization/import/1", "name": "名册.xlsx", "state": state })
        })
    );
    let map = json!({ "id": "1", "name": "名册.xlsx", "form": form, "sheets": [{ "n": 0, "name": "人员", "row": 1, "kind": "persons",
        "columns": [["0", "A 工号"]], "fields": [
            { "key": "h0.staff_no", "label": "工号", "required": true, "column": "0" },
            { "key": "h0.post", "label": "职务", "required": false, "column": null }] },
        { "n": 1, "name": "说明", "row": 0, "kind": "skip", "columns": [], "fields": [] }] });
    let progress =
        json!({ "id": "1", "text": "正在检查", "rows": 3000, "publishing": false, "stuck": false });
    let mut stuck = progress.clone();
    stuck["stuck"] = json!(true);
    stuck["publishing"] = json!(true);
    let part = |progress: &Value| json!({ "name": "名册.xlsx", "progress": progress });
    let pager = json!(Pager::new(1, PAGE, 1, |n| format!("?page={n}")));
    let other = |person: Option<&str>| json!({ "person": person, "staff_no": "007", "name": "甲某", "same_number": true, "unit": "法治科", "post": "", "at": "人员!A3" });
    let row = json!({ "address": "人员!B7", "code": "S1", "name": "甲某", "text": "不能为空。",
        "twin": { "unit": "S1", "post": "科长", "others": [other(Some("1")), other(None)] } });
    let list =
        json!({ "key": "organization-fault", "count": 1, "current": true, "href": "?kind=fault" });
    let preview = |kind: &str, faults: u64, twins: u64, total: u64| {
        json!({ "id": "1", "name": "名册.xlsx", "kind": kind, "kind_key": format!("organization-{kind}"), "rows": [row],
            "lists": [list], "pager": pager, "total": total, "unchanged": 3, "left_out": 1, "faults": faults,
            "twins": twins, "note": null })
    };
    let change = json!({ "label": "职务", "before": "", "after": "科长", "from": "2026-01-01" });
    let filled = json!({ "form": form, "forms": [{ "n": 0, "file": "甲.lrmx", "held": "00", "name": "甲某", "post": "科长",
        "people": [{ "id": "1", "label": "001 甲某", "changes": [change] },
            { "id": "2", "label": "002 甲某", "changes": [] }], "notices": ["照片"] }] });
    let mut failed = preview(FAULT, 0, 0, 0);
    failed["note"] = json!("没有读完");
    failed["rows"] = json!([]);
    failed["lists"] = json!([]);
    let mut same = failed.clone();
    same["note"] = json!(null);
    vec![
        ("organization/import.html", start),
        ("organization/import.html", open),
        ("organization/import-map.html", map),
        ("organization/import-progress.html", part(&progress)),
        ("organization/import-progress.html", part(&stuck)),
        ("organization/import-progress-part.html", part(&progress)),
        ("organization/import-forms.html", filled),
        ("organization/preview.html", preview("unit-added", 0, 0, 1)),
        ("organization/preview.html", preview(FAULT, 1, 0, 1)),
        ("organization/preview.html", preview(TWIN, 0, 1, 1)),
        ("organization/preview.html", failed),
        ("organization/preview.html", same),
    ]
}
