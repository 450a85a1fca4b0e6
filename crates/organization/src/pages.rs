//! Pages: the tree with the people of a unit.

use axum::extract::{Query, State};
use axum::response::Response;
use commons::files::Files;
use commons::sheets::write::{Value, xlsx};
use kernel::{Date, Error, Msg, PersonId, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::table::{self, Column, Order, Table, Window};
use web::view::{Chip, Crumb, Pager};
use web::{Access, Failure, Lang, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::attributes::Attributes;
use crate::bodies::BodyKinds;
use crate::import::pages as import_pages;
use crate::import::past;
use crate::import::staged::Imports;
use crate::model::Unit;
use crate::numbers::IDENTITY;
use crate::person_pages::{self, People};
use crate::roll::TreeView;
use crate::service::Organization;
use crate::store::RosterQuery;
use crate::{
    MESSAGES, api, audience_pages, body_pages, lists, number_pages, searching, tie_pages,
    unit_pages,
};

/// Permission to see units and people.
pub const READ: &str = "organization.read";
/// Permission to change and import them.
pub const MANAGE: &str = "organization.manage";

const PAGE: i64 = 50;

/// What a list of people can show.
const COLUMNS: [Column; 5] = [
    Column::new("name", "organization-person").sorts(),
    Column::new("staff_no", "organization-staff-no").sorts(),
    Column::new("unit", "organization-unit").sorts(),
    Column::new("post", "organization-post"),
    Column::new("marks", "organization-marks"),
];
/// Unit by unit, as rosters are written.
const USUAL: Order = Order {
    by: "unit",
    down: false,
};

/// What this crate brings to the house.
pub fn module(
    organization: Organization,
    files: Files,
    attributes: Attributes,
    kinds: BodyKinds,
) -> Module {
    let read = Policy::Permission(READ);
    let searched = organization.clone();
    let people = People {
        organization: organization.clone(),
        attributes: attributes.into(),
        kinds: kinds.into(),
    };
    let ties = tie_pages::routes()
        .merge(unit_pages::card())
        .with_state(people.clone());
    let imports = Imports::new(organization.clone(), files, people.attributes.clone())
        .with_kinds(people.kinds.clone());
    let routes = Routes::new()
        .get("/organization", read, index)
        .get("/organization/roster.xlsx", read, export)
        .with_state(people.clone())
        .merge(import_pages::routes().with_state(imports))
        .merge(person_pages::routes().with_state(people.clone()))
        .merge(number_pages::routes().with_state(people.clone()))
        .merge(body_pages::routes().with_state(people.clone()))
        .merge(lists::routes().with_state(people.clone()))
        .merge(audience_pages::routes().with_state(people))
        .merge(unit_pages::routes().with_state(organization.clone()))
        .merge(ties)
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
                label_key: "pairing-menu",
                href: "/pairings",
                icon: "users",
                permission: Some(READ),
            },
            MenuEntry {
                group: MenuGroup::Manage,
                order: 13,
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
                "organization/pairings.html",
                include_str!("../templates/pairings.html"),
            ),
            (
                "organization/responsibility.html",
                include_str!("../templates/responsibility.html"),
            ),
            (
                "organization/person.html",
                include_str!("../templates/person.html"),
            ),
            (
                "organization/person-look.html",
                include_str!("../templates/person-look.html"),
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
        ]
        .into_iter()
        .chain(import_pages::TEMPLATES)
        .collect(),
        samples: [
            samples(),
            import_pages::samples(),
            past::samples(),
            unit_pages::samples(),
            person_pages::samples(),
            audience_pages::samples(),
            body_pages::samples(),
            lists::samples(),
            tie_pages::samples(),
        ]
        .concat(),
        openapi: Some(api::openapi()),
        ..Module::default()
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
    can_identify: bool,
    crumbs: Vec<Crumb>,
    tree: Vec<Node>,
    unit: Option<Selected>,
    date: String,
    q: String,
    own: bool,
    rows: Vec<Line>,
    chips: Vec<Chip>,
    table: Table,
    pager: Pager,
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
    /// How many people it has.
    note: String,
    /// Stands for units that are left out, instead of a name.
    more: Option<String>,
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
    /// What is said beside: lent, on leave, on probation.
    marks: Vec<String>,
}

impl Asked {
    fn roster(&self, unit: UnitId, date: Date, order: Order) -> RosterQuery {
        RosterQuery {
            text: self.q.trim().to_owned(),
            order: (order != USUAL).then_some(order),
            ..RosterQuery::new(unit, date, self.only != "own")
        }
    }
}

/// The selected unit: the asked one, or the first of the topmost. `None` when there are no units.
fn select<'t>(tree: &'t TreeView, asked: &str) -> Result<Option<&'t Unit>, Error> {
    if asked.is_empty() {
        return Ok(tree.tops().next());
    }
    let id: UnitId = asked.parse().map_err(|_| Error::NotFound)?;
    tree.get(id).map(Some).ok_or(Error::NotFound)
}

async fn index(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    list: table::Asked,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (org, today) = (&s.organization, shell.env().today());
    let date = date_or(&asked.date, today)?;
    // What had ended by the day is history; the page of a unit that came from it leads there.
    let tree = org
        .unit_tree(&access.scope, date, asked.unit.parse().ok())
        .await?;
    let selected = select(&tree, &asked.unit)?;
    let mut path = Vec::new();
    let mut at = selected;
    while let Some(unit) = at {
        path.insert(0, unit);
        at = unit.parent.and_then(|p| tree.get(p));
    }
    let mut shown = Vec::new();
    for top in tree.tops() {
        unfold(&tree, &path, !asked.unit.is_empty(), top, 1, &mut shown);
    }
    let keep = format!("&date={}", format_date(date));
    let href = |unit: UnitId| format!("/organization?unit={unit}{keep}");
    let nodes = shown.iter().map(|branch| {
        let (unit, level) = (branch.unit, branch.level.min(6));
        let node = Node {
            name: unit.name.clone(),
            href: href(unit.id),
            level,
            current: selected.is_some_and(|s| s.id == unit.id),
            open: branch.open,
            has_children: tree.below(unit.id).next().is_some(),
            note: shell.t_with(
                "organization-headcount",
                &[("count", &tree.people(unit.id).to_string())],
            ),
            more: None,
        };
        match branch.rest {
            0 => node,
            rest => Node {
                current: false,
                has_children: false,
                more: Some(shell.t_with("organization-rest", &[("count", &rest.to_string())])),
                ..node
            },
        }
    });
    let order = Table::order(&COLUMNS, &list, USUAL);
    let (total, rows) = match selected {
        Some(unit) => {
            let query = asked.roster(unit.id, date, order);
            let window = list.window(PAGE);
            org.roster_page(&query, &access.scope, window).await?
        }
        None => (0, Vec::new()),
    };
    let people: Vec<PersonId> = rows.iter().map(|e| e.person).collect();
    let mut marks = org.marks(&shell, &s.attributes, &people, date).await?;
    let mut chips = Vec::new();
    if !asked.q.trim().is_empty() {
        chips.push(list.chip("q", asked.q.trim()));
    }
    if asked.only == "own" {
        chips.push(list.chip("only", shell.t("organization-own")));
    }
    if date != today {
        let on = shell.t_with("organization-on", &[("date", &format_date(date))]);
        chips.push(list.chip("date", on));
    }
    // The export names the unit, also where the address leaves it to the page.
    let unit = selected.map_or(String::new(), |u| u.id.to_string());
    let list = table::Asked::new(
        "/organization",
        [("unit".to_owned(), unit)]
            .into_iter()
            .chain(list.besides("unit")),
    );
    let context = Index {
        can_manage: access.principal.scope(MANAGE).is_some(),
        can_identify: access.principal.scope(IDENTITY).is_some() && org.vault.is_some(),
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
            count: tree.people(unit.id),
            href: href(unit.id),
        }),
        date: format_date(date),
        q: asked.q.trim().to_owned(),
        own: asked.only == "own",
        rows: rows
            .into_iter()
            .map(|e| Line {
                href: format!("/organization/people/{}", e.person),
                unit_href: href(e.unit),
                marks: marks.remove(&e.person).unwrap_or_default(),
                staff_no: e.staff_no,
                name: e.name,
                unit_name: e.unit_name,
                post: e.post,
            })
            .collect(),
        chips,
        pager: list.pager(total, PAGE),
        table: Table::new(
            &shell,
            &COLUMNS,
            &list,
            order,
            Some("/organization/roster.xlsx"),
        ),
    };
    shell.page("organization/index.html", context)
}

/// A line of the tree.
struct Branch<'t> {
    unit: &'t Unit,
    level: usize,
    open: bool,
    /// Units beside those on the way that are left out; the line stands for them and leads to the unit above.
    rest: usize,
}

/// So many units are shown below one that nobody asked for.
const FEW: usize = 15;

/// A unit, and below it, when it is on the way to the selected one, its children: all of them below the unit that
/// was asked for, otherwise only those on the way where there are many.
fn unfold<'t>(
    tree: &'t TreeView,
    path: &[&Unit],
    asked: bool,
    unit: &'t Unit,
    level: usize,
    shown: &mut Vec<Branch<'t>>,
) {
    let on_the_way = |unit: &Unit| path.iter().any(|p| p.id == unit.id);
    let all = tree.below(unit.id).count();
    let whole = all <= FEW || (asked && path.last().is_some_and(|p| p.id == unit.id));
    let below = || tree.below(unit.id).filter(|u| whole || on_the_way(u));
    let open = on_the_way(unit) && all > 0;
    let line = |level, rest| Branch {
        unit,
        level,
        open,
        rest,
    };
    shown.push(line(level, 0));
    if open {
        for below in below() {
            unfold(tree, path, asked, below, level + 1, shown);
        }
        let rest = all - below().count();
        if rest > 0 {
            shown.push(line(level + 1, rest));
        }
    }
}

pub(crate) fn download(name: &str, bytes: Vec<u8>) -> Response {
    download_as(web::XLSX, name, bytes)
}

pub(crate) fn download_as(kind: &str, name: &str, bytes: Vec<u8>) -> Response {
    web::attachment(kind, name, bytes)
}

/// The list as the page shows it, all pages.
async fn export(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    list: table::Asked,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (org, date) = (&s.organization, date_or(&asked.date, shell.env().today())?);
    let order = Table::order(&COLUMNS, &list, USUAL);
    let id: UnitId = asked.unit.parse().map_err(|_| Error::NotFound)?;
    let unit = org.unit(id, &access.scope).await?;
    let query = asked.roster(id, date, order);
    let all = Window::all();
    let (_, rows) = org.roster_page(&query, &access.scope, all).await?;
    org.tell_export(&access, ("unit", id), rows.len()).await?;
    let people: Vec<PersonId> = rows.iter().map(|e| e.person).collect();
    let mut marks = org.marks(&shell, &s.attributes, &people, date).await?;
    let header = ["staff-no", "person", "unit", "post", "marks"]
        .map(|k| shell.t(&format!("organization-{k}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let then = shell.t("organization-then");
    let rows = rows.into_iter().map(|e| -> Vec<Value> {
        let marks = marks.remove(&e.person).unwrap_or_default();
        vec![
            e.staff_no.into(),
            e.name.into(),
            e.unit_name.into(),
            e.post.into(),
            marks.join(&then).into(),
        ]
    });
    let bytes = xlsx(&unit.name, &header, rows)?;
    Ok(download(
        &format!("{}-{}.xlsx", unit.name, format_date(date)),
        bytes,
    ))
}

/// One context for every template, in several states.
fn samples() -> Vec<(&'static str, serde_json::Value)> {
    let pager = json!(Pager::new(1, 50, 1, |n| format!("?page={n}")));
    let node = json!({ "name": "法治科", "href": "/organization", "level": 2, "current": true, "open": true,
        "has_children": true, "note": "12", "more": null });
    let mut rest = node.clone();
    rest["more"] = json!("其余 90 个");
    let line = json!({ "href": "/organization/people/1", "staff_no": "001", "name": "甲某", "unit_name": "法治科", "unit_href": "/organization",
        "post": "", "marks": ["借调"] });
    let index = json!({ "can_manage": true, "can_identify": true, "crumbs": [{ "label": "澜州市司法局", "href": "/organization" }],
        "tree": [node, rest], "date": "2026-11-20", "q": "", "own": false, "chips": [], "rows": [line],
        "unit": { "id": "1", "name": "法治科", "code": "S1", "category": "科室", "count": 12, "href": "/organization" },
        "pager": pager, "table": Table::sample_with(&COLUMNS) });
    let mut nobody = index.clone();
    nobody["rows"] = json!([]);
    let mut no_match = nobody.clone();
    no_match["chips"] = json!([{ "label": "x", "without": "/organization" }]);
    let mut no_units = nobody.clone();
    no_units["unit"] = json!(null);
    no_units["tree"] = json!([]);
    vec![
        ("organization/index.html", index),
        ("organization/index.html", nobody),
        ("organization/index.html", no_match),
        ("organization/index.html", no_units),
    ]
}
