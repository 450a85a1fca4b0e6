//! Pages: the tree with the people of a unit, and the import.

use std::collections::HashMap;

use axum::Form as Posted;
use axum::extract::{Multipart, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commons::files::{FileHash, Files};
use commons::sheets::Limits;
use commons::sheets::write::{Value, xlsx};
use kernel::{Date, Error, Msg, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::view::{Crumb, Pager};
use web::{
    Access, Failure, Form, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell, encode,
};

use crate::attributes::Attributes;
use crate::bodies::BodyKinds;
use crate::import::{ChangeKind, Preview};
use crate::model::{Tree, Unit};
use crate::person_pages::{self, People};
use crate::service::Organization;
use crate::sheet::{read_rows, template};
use crate::store::RosterQuery;
use crate::{MESSAGES, api, audience_pages, body_pages, searching, unit_pages};

/// Permission to see units and people.
pub const READ: &str = "organization.read";
/// Permission to change and import them.
pub const MANAGE: &str = "organization.manage";

const PAGE: u64 = 50;
/// Lines of a preview or of an error list that a page shows; the number of all stands above.
const SHOWN: usize = 200;

#[derive(Clone)]
struct Rooms {
    organization: Organization,
    /// Uploads wait here between preview and publication.
    files: Files,
}

/// What this crate brings to the house.
pub fn module(
    organization: Organization,
    files: Files,
    attributes: Attributes,
    kinds: BodyKinds,
) -> Module {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    // The form around the file takes a little room too.
    let upload_limit = Limits::default().bytes + (64 << 10);
    let searched = organization.clone();
    let people = People {
        organization: organization.clone(),
        attributes: attributes.into(),
        kinds: kinds.into(),
    };
    let routes = Routes::new()
        .get("/organization", read, index)
        .get("/organization/roster.xlsx", read, export)
        .get("/organization/import", manage, import_form)
        .get(
            "/organization/import/template.xlsx",
            manage,
            import_template,
        )
        .post_up_to("/organization/import", manage, upload_limit, upload)
        .post("/organization/import/publish", manage, publish)
        .with_state(Rooms {
            organization: organization.clone(),
            files,
        })
        .merge(person_pages::routes().with_state(people.clone()))
        .merge(body_pages::routes().with_state(people.clone()))
        .merge(audience_pages::routes().with_state(people))
        .merge(unit_pages::routes().with_state(organization.clone()))
        .merge(api::routes(organization));
    Module {
        name: "organization",
        search: searching::sources(&searched),
        routes,
        menu: vec![
            MenuEntry {
                group: MenuGroup::Manage,
                order: 10,
                label_key: "organization-menu",
                href: "/organization",
                icon: "sitemap",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Manage,
                order: 11,
                label_key: "body-menu",
                href: "/bodies",
                icon: "hierarchy",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Manage,
                order: 12,
                label_key: "audience-menu",
                href: "/audiences",
                icon: "users-group",
                permission: Some(READ),
            },
        ],
        messages: MESSAGES
            .iter()
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        templates: vec![
            (
                "organization/index.html",
                include_str!("../templates/index.html"),
            ),
            (
                "organization/import.html",
                include_str!("../templates/import.html"),
            ),
            (
                "organization/preview.html",
                include_str!("../templates/preview.html"),
            ),
            (
                "organization/audiences.html",
                include_str!("../templates/audiences.html"),
            ),
            (
                "organization/audience.html",
                include_str!("../templates/audience.html"),
            ),
            (
                "organization/audience-form.html",
                include_str!("../templates/audience-form.html"),
            ),
            (
                "organization/audience-why.html",
                include_str!("../templates/audience-why.html"),
            ),
            (
                "organization/bodies.html",
                include_str!("../templates/bodies.html"),
            ),
            (
                "organization/body.html",
                include_str!("../templates/body.html"),
            ),
            (
                "organization/body-form.html",
                include_str!("../templates/body-form.html"),
            ),
            (
                "organization/person.html",
                include_str!("../templates/person.html"),
            ),
            (
                "organization/person-new.html",
                include_str!("../templates/person-new.html"),
            ),
            (
                "organization/unit.html",
                include_str!("../templates/unit.html"),
            ),
            (
                "organization/unit-form.html",
                include_str!("../templates/unit-form.html"),
            ),
            (
                "organization/options.html",
                include_str!("../templates/options.html"),
            ),
        ],
        samples: [
            samples(),
            unit_pages::samples(),
            person_pages::samples(),
            audience_pages::samples(),
            body_pages::samples(),
        ]
        .concat(),
        openapi: Some(api::openapi()),
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Asked {
    unit: String,
    date: String,
    q: String,
    /// `own`: only the unit's own people.
    only: String,
    page: String,
}

/// A query value, or the wanted one when it is left empty.
pub(crate) fn date_or(text: &str, today: Date) -> Result<Date, Error> {
    if text.trim().is_empty() {
        return Ok(today);
    }
    let wrong = || Error::field("date", Msg::new("organization-date").with("value", text));
    parse_date(text).ok_or_else(wrong)
}

#[derive(Serialize)]
struct Index {
    can_manage: bool,
    crumbs: Vec<Crumb>,
    tree: Vec<Node>,
    unit: Option<Selected>,
    date: String,
    q: String,
    own: bool,
    filtered: bool,
    rows: Vec<Line>,
    pager: Pager,
    query: String,
}

/// A unit in the tree beside the list.
#[derive(Serialize)]
struct Node {
    name: String,
    href: String,
    /// 1 to 6: how far it stands in.
    level: usize,
    current: bool,
    open: bool,
    has_children: bool,
    count: i64,
}

#[derive(Serialize)]
struct Selected {
    id: UnitId,
    name: String,
    code: String,
    category: String,
    count: i64,
    href: String,
}

#[derive(Serialize)]
struct Line {
    href: String,
    staff_no: String,
    name: String,
    unit_name: String,
    unit_href: String,
    post: String,
}

impl Asked {
    fn query(&self, today: Date) -> String {
        let mut query = format!("&date={}", encode(&self.date));
        if self.date.is_empty() {
            query = format!("&date={}", format_date(today));
        }
        if self.only == "own" {
            query += "&only=own";
        }
        if !self.q.trim().is_empty() {
            query += &format!("&q={}", encode(self.q.trim()));
        }
        query
    }

    fn roster(&self, unit: UnitId, date: Date) -> RosterQuery {
        RosterQuery {
            text: self.q.trim().to_owned(),
            ..RosterQuery::new(unit, date, self.only != "own")
        }
    }
}

/// The selected unit: the asked one, or the first of the topmost. `None` when there are no units.
fn select<'t>(tree: &'t Tree, tops: &[&'t Unit], asked: &str) -> Result<Option<&'t Unit>, Error> {
    if asked.is_empty() {
        return Ok(tops.first().copied());
    }
    let id: UnitId = asked.parse().map_err(|_| Error::NotFound)?;
    tree.get(id).map(Some).ok_or(Error::NotFound)
}

async fn index(
    State(rooms): State<Rooms>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let org = &rooms.organization;
    let today = shell.env().today();
    let date = date_or(&asked.date, today)?;
    let mut units = org.units(&access.scope).await?;
    // What had ended by the day is history; the page of a unit that came from it leads there.
    units.retain(|u| u.stands(date) || asked.unit == u.id.to_string());
    let tree = Tree::new(units.clone());
    let mut below: HashMap<Option<UnitId>, Vec<&Unit>> = HashMap::new();
    for unit in &units {
        // What stands above the scope is not seen: such a unit is a top.
        let parent = unit.parent.filter(|p| tree.get(*p).is_some());
        below.entry(parent).or_default().push(unit);
    }
    let tops = below.get(&None).cloned().unwrap_or_default();
    let selected = select(&tree, &tops, &asked.unit)?;
    let mut path = Vec::new();
    let mut at = selected;
    while let Some(unit) = at {
        path.insert(0, unit);
        at = unit.parent.and_then(|p| tree.get(p));
    }
    let mut shown = Vec::new();
    unfold(&below, &path, None, 1, &mut shown);
    let ids: Vec<UnitId> = shown.iter().map(|(unit, _)| unit.id).collect();
    let counts = org.headcounts(&ids, date).await?;
    let keep = format!("&date={}", format_date(date));
    let href = |unit: UnitId| format!("/organization?unit={unit}{keep}");
    let nodes = shown.iter().map(|(unit, level)| Node {
        name: unit.name.clone(),
        href: href(unit.id),
        level: (*level).min(6),
        current: selected.is_some_and(|s| s.id == unit.id),
        open: path.iter().any(|p| p.id == unit.id),
        has_children: below.contains_key(&Some(unit.id)),
        count: counts.get(&unit.id).copied().unwrap_or(0),
    });
    let page = asked.page.parse().unwrap_or(1);
    let (total, rows) = match selected {
        Some(unit) => {
            let query = asked.roster(unit.id, date);
            org.roster_page(&query, &access.scope, page, PAGE).await?
        }
        None => (0, Vec::new()),
    };
    let rest = asked.query(today);
    let pager = Pager::new(total, PAGE, page, |n| {
        let unit = selected.map_or(String::new(), |u| u.id.to_string());
        format!("/organization?unit={unit}{rest}&page={n}")
    });
    let context = Index {
        can_manage: access.principal.scope(MANAGE).is_some(),
        crumbs: path
            .iter()
            .take(path.len().saturating_sub(1))
            .map(|unit| Crumb {
                label: unit.name.clone(),
                href: href(unit.id),
            })
            .collect(),
        tree: nodes.collect(),
        unit: selected.map(|unit| Selected {
            id: unit.id,
            name: unit.name.clone(),
            code: unit.code.clone(),
            category: unit.category.clone(),
            count: counts.get(&unit.id).copied().unwrap_or(0),
            href: href(unit.id),
        }),
        date: format_date(date),
        q: asked.q.trim().to_owned(),
        own: asked.only == "own",
        filtered: !asked.q.trim().is_empty() || asked.only == "own",
        rows: rows
            .into_iter()
            .map(|e| Line {
                href: format!("/organization/people/{}", e.person),
                unit_href: href(e.unit),
                staff_no: e.staff_no,
                name: e.name,
                unit_name: e.unit_name,
                post: e.post,
            })
            .collect(),
        pager,
        query: selected.map_or(String::new(), |u| format!("unit={}{rest}", u.id)),
    };
    shell.page("organization/index.html", context)
}

/// The tops, and below each unit on the way to the selected one its children.
fn unfold<'t>(
    below: &HashMap<Option<UnitId>, Vec<&'t Unit>>,
    path: &[&Unit],
    parent: Option<UnitId>,
    level: usize,
    shown: &mut Vec<(&'t Unit, usize)>,
) {
    for unit in below.get(&parent).into_iter().flatten() {
        shown.push((unit, level));
        if path.iter().any(|p| p.id == unit.id) {
            unfold(below, path, Some(unit.id), level + 1, shown);
        }
    }
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(crate) fn download(name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename*=UTF-8''{}", encode(name));
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, XLSX.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes).into_response()
}

/// The list as the page shows it, all pages.
async fn export(
    State(rooms): State<Rooms>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let date = date_or(&asked.date, shell.env().today())?;
    let id: UnitId = asked.unit.parse().map_err(|_| Error::NotFound)?;
    let unit = rooms.organization.unit(id, &access.scope).await?;
    let query = asked.roster(id, date);
    let (_, rows) = rooms
        .organization
        .roster_page(&query, &access.scope, 1, i64::MAX.unsigned_abs())
        .await?;
    rooms
        .organization
        .tell_export(&access, ("unit", id), rows.len())
        .await?;
    let header =
        ["staff-no", "person", "unit", "post"].map(|k| shell.t(&format!("organization-{k}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows.into_iter().map(|e| -> Vec<Value> {
        vec![
            e.staff_no.into(),
            e.name.into(),
            e.unit_name.into(),
            e.post.into(),
        ]
    });
    let bytes = xlsx(&unit.name, &header, rows)?;
    Ok(download(
        &format!("{}-{}.xlsx", unit.name, format_date(date)),
        bytes,
    ))
}

#[derive(Serialize)]
struct ImportPage {
    form: Form,
    /// Cell address and what is wrong there.
    faults: Vec<(String, String)>,
    fault_count: usize,
    file_name: String,
}

async fn import_form(shell: Shell) -> Result<Response, Failure> {
    let page = ImportPage {
        form: Form::default(),
        faults: Vec::new(),
        fault_count: 0,
        file_name: String::new(),
    };
    shell.page("organization/import.html", page)
}

async fn import_template(shell: Shell) -> Result<Response, Failure> {
    Ok(download(
        &shell.t("organization-template-file"),
        template()?,
    ))
}

/// The form again, with what is wrong: about the file itself beside its field, about cells in a list.
fn refuse(shell: &Shell, file_name: &str, error: Error) -> Result<Response, Failure> {
    let Error::Invalid(errors) = error else {
        return Err(error.into());
    };
    let (about_file, about_cells): (Vec<_>, Vec<_>) = errors
        .into_iter()
        .partition(|e| e.field == "file" || e.field.is_empty());
    let about_file = about_file.into_iter().map(|mut e| {
        e.field = "file".into();
        e
    });
    let page = ImportPage {
        form: Form::default().reject(shell, Error::Invalid(about_file.collect()))?,
        fault_count: about_cells.len(),
        faults: about_cells
            .into_iter()
            .take(SHOWN)
            .map(|e| (e.field, shell.text(&e.message)))
            .collect(),
        file_name: file_name.to_owned(),
    };
    shell.refused("organization/import.html", page)
}

/// The uploaded file: its name and content.
async fn uploaded(mut form: Multipart) -> Result<(String, Vec<u8>), Error> {
    let failed = |e: axum::extract::multipart::MultipartError| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let limit = Limits::default().bytes >> 20;
            let message = Msg::new("sheet-file-too-large").with("mebibytes", limit);
            Error::field("file", message.with("file", ""))
        } else {
            Error::field("file", Msg::new("organization-upload-broken"))
        }
    };
    while let Some(field) = form.next_field().await.map_err(failed)? {
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(failed)?;
            if !bytes.is_empty() {
                return Ok((name, bytes.into()));
            }
        }
    }
    Err(Error::field("file", Msg::new("organization-file-missing")))
}

#[derive(Serialize)]
struct PreviewPage {
    file_name: String,
    sha256: String,
    version: i64,
    /// Message key of a kind of change, and how many there are.
    counts: Vec<(&'static str, usize)>,
    unchanged: usize,
    total: usize,
    /// Message key of the kind, code, name.
    changes: Vec<(&'static str, String, String)>,
}

fn kind_key(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::UnitAdded => "organization-unit-added",
        ChangeKind::UnitChanged => "organization-unit-changed",
        ChangeKind::UnitMoved => "organization-unit-moved",
        ChangeKind::PersonAdded => "organization-person-added",
        ChangeKind::PersonRenamed => "organization-person-renamed",
        ChangeKind::PersonMoved => "organization-person-moved",
    }
}

impl PreviewPage {
    fn new(file_name: String, sha256: String, preview: Preview) -> Self {
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for change in &preview.changes {
            let key = kind_key(change.kind);
            match counts.iter_mut().find(|(k, _)| *k == key) {
                Some((_, n)) => *n += 1,
                None => counts.push((key, 1)),
            }
        }
        Self {
            file_name,
            sha256,
            version: preview.version,
            counts,
            unchanged: preview.unchanged,
            total: preview.changes.len(),
            changes: preview
                .changes
                .into_iter()
                .take(SHOWN)
                .map(|c| (kind_key(c.kind), c.code, c.name))
                .collect(),
        }
    }
}

async fn upload(
    State(rooms): State<Rooms>,
    shell: Shell,
    access: Access,
    form: Multipart,
) -> Result<Response, Failure> {
    let (name, bytes) = match uploaded(form).await {
        Ok(found) => found,
        Err(error) => return refuse(&shell, "", error),
    };
    let org = &rooms.organization;
    match org.check_file(&name, bytes.clone(), &access.scope).await {
        Ok((_, preview)) => {
            let file = rooms.files.put(bytes).await?;
            let page = PreviewPage::new(name, file.sha256.to_string(), preview);
            shell.page("organization/preview.html", page)
        }
        Err(error) => refuse(&shell, &name, error),
    }
}

#[derive(Deserialize)]
struct Publication {
    sha256: String,
    name: String,
    version: i64,
}

async fn publish(
    State(rooms): State<Rooms>,
    shell: Shell,
    access: Access,
    Posted(asked): Posted<Publication>,
) -> Result<Response, Failure> {
    let hash: FileHash = asked.sha256.parse()?;
    let bytes = rooms.files.get(hash).await?;
    let name = asked.name.clone();
    let read = tokio::task::spawn_blocking(move || read_rows(&name, &bytes));
    let done = match read.await.map_err(Error::internal)? {
        Ok((rows, errors)) if errors.is_empty() => {
            let version = Some(asked.version);
            let imported = rooms
                .organization
                .import_by(&rows, &access.scope, version, &access);
            imported.await.map(|_| ())
        }
        Ok((_, errors)) => Err(Error::Invalid(errors)),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => shell.done("/organization", "organization-imported"),
        Err(error) => refuse(&shell, &asked.name, error),
    }
}

/// One context for every template, in several states.
fn samples() -> Vec<(&'static str, serde_json::Value)> {
    let pager = json!(Pager::new(1, PAGE, 1, |n| format!("?page={n}")));
    let node = json!({ "name": "法治科", "href": "/organization", "level": 2, "current": true, "open": true,
        "has_children": true, "count": 12 });
    let line = json!({ "href": "/organization/people/1", "staff_no": "001", "name": "甲某", "unit_name": "法治科", "unit_href": "/organization",
        "post": "" });
    let index = json!({ "can_manage": true, "crumbs": [{ "label": "澜州市司法局", "href": "/organization" }],
        "tree": [node], "date": "2026-11-20", "q": "", "own": false, "filtered": false, "rows": [line],
        "unit": { "id": "1", "name": "法治科", "code": "S1", "category": "科室", "count": 12, "href": "/organization" },
        "pager": pager, "query": "unit=1" });
    let mut nobody = index.clone();
    nobody["rows"] = json!([]);
    let mut no_match = nobody.clone();
    no_match["filtered"] = json!(true);
    let mut no_units = nobody.clone();
    no_units["unit"] = json!(null);
    no_units["tree"] = json!([]);
    let import =
        json!({ "form": Form::default(), "faults": [], "fault_count": 0, "file_name": "" });
    let mut faults = import.clone();
    faults["faults"] = json!([["人员!B7", "不能为空。"]]);
    faults["fault_count"] = json!(300);
    faults["file_name"] = json!("名册.xlsx");
    let preview = json!({ "file_name": "名册.xlsx", "sha256": "00", "version": 1, "unchanged": 3, "total": 1,
        "counts": [["organization-unit-added", 1]], "changes": [["organization-unit-added", "S1", "法治科"]] });
    let mut same = preview.clone();
    same["total"] = json!(0);
    same["counts"] = json!([]);
    same["changes"] = json!([]);
    vec![
        ("organization/index.html", index),
        ("organization/index.html", nobody),
        ("organization/index.html", no_match),
        ("organization/index.html", no_units),
        ("organization/import.html", import),
        ("organization/import.html", faults),
        ("organization/preview.html", preview),
        ("organization/preview.html", same),
    ]
}
