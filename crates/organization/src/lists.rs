//! Lists of bodies and of audiences: filtered, ordered, page by page, and as spreadsheets.

use axum::extract::State;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Chip, Pager};
use web::{Access, Failure, Policy, Routes, Shell};

use crate::audience_pages::said;
use crate::bodies::BodyQuery;
use crate::pages::{MANAGE, READ, download};
use crate::person_pages::People;

const PAGE: i64 = 50;
const BODIES: &str = "/bodies";
const BODIES_SHEET: &str = "/bodies/list.xlsx";
const AUDIENCES: &str = "/audiences";
const AUDIENCES_SHEET: &str = "/audiences/list.xlsx";

pub(crate) fn routes() -> Routes<People> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get(BODIES, read, bodies)
        .get(BODIES_SHEET, read, bodies_sheet)
        .get(AUDIENCES, read, audiences)
        .get(AUDIENCES_SHEET, read, audiences_sheet)
}

const BODY_COLUMNS: [Column; 6] = [
    Column::new("name", "organization-name").sorts(),
    Column::new("kind", "body-kind").sorts(),
    Column::new("unit", "audience-owner").sorts(),
    Column::new("from", "organization-since").sorts(),
    Column::new("to", "organization-until").sorts(),
    Column::new("charter", "body-charter").on_demand(),
];
const BY_KIND: Order = Order {
    by: "kind",
    down: false,
};

fn body_query(s: &People, asked: &Asked) -> BodyQuery {
    let kind = asked.get("kind").filter(|k| s.kinds.get(k).is_some());
    BodyQuery {
        text: asked.get("q").unwrap_or_default().to_owned(),
        kind: kind.map(str::to_owned),
        standing: match asked.get("state") {
            Some("standing") => Some(true),
            Some("over") => Some(false),
            _ => None,
        },
    }
}

async fn bodies(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lang, today) = (shell.lang().code(), shell.env().today());
    let (query, order) = (
        body_query(&s, &asked),
        Table::order(&BODY_COLUMNS, &asked, BY_KIND),
    );
    let found = s
        .organization
        .body_page(&query, &access.scope, order, asked.window(PAGE));
    let (bodies, total) = found.await?;
    let units: Vec<UnitId> = bodies.iter().map(|b| b.unit).collect();
    let names = s.organization.names_in(&units, &access.scope).await?;
    let rows: Vec<Value> = bodies
        .iter()
        .map(|b| {
            json!({ "href": format!("/bodies/{}", b.id), "name": b.name, "kind": s.kind_name(&b.kind, lang),
                "unit": names.get(&b.unit), "from": format_date(b.from), "to": b.to.map(format_date),
                "charter": b.charter, "ended": b.to.is_some_and(|to| to < today) })
        })
        .collect();
    let kinds = s.kinds.iter();
    let kinds: Vec<_> = kinds.map(|k| (&k.code, k.name.get(lang))).collect();
    let mut chips: Vec<Chip> = text_chip(&asked).into_iter().collect();
    if let Some(kind) = &query.kind {
        chips.push(asked.chip("kind", s.kind_name(kind, lang)));
    }
    let state = match query.standing {
        Some(true) => "standing",
        Some(false) => "over",
        None => "",
    };
    if !state.is_empty() {
        chips.push(asked.chip("state", shell.t(&format!("organization-{state}"))));
    }
    let context = json!({
        "rows": rows, "kinds": kinds, "kind": query.kind, "state": state, "q": query.text, "chips": chips,
        "table": Table::new(&shell, &BODY_COLUMNS, &asked, order, Some(BODIES_SHEET)),
        "pager": asked.pager(total, PAGE), "may_change": access.principal.scope(MANAGE).is_some(),
    });
    shell.page("organization/bodies.html", context)
}

fn text_chip(asked: &Asked) -> Option<Chip> {
    asked.get("q").map(|q| asked.chip("q", q))
}

async fn bodies_sheet(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lang, org) = (shell.lang().code(), &s.organization);
    let (query, order) = (
        body_query(&s, &asked),
        Table::order(&BODY_COLUMNS, &asked, BY_KIND),
    );
    let found = org.body_page(&query, &access.scope, order, Window::EXPORT);
    let (bodies, total) = found.await?;
    Window::fits(total)?;
    let units: Vec<UnitId> = bodies.iter().map(|b| b.unit).collect();
    let names = org.names_in(&units, &access.scope).await?;
    org.tell_list(&access, "bodies", bodies.len()).await?;
    let rows = bodies.into_iter().map(|b| -> Vec<Cell> {
        vec![
            b.name.into(),
            s.kind_name(&b.kind, lang).into(),
            names.get(&b.unit).cloned().unwrap_or_default().into(),
            b.from.into(),
            b.to.map_or(Cell::Empty, Cell::Date),
            b.charter.into(),
        ]
    });
    sheet(&shell, "body-menu", &BODY_COLUMNS, rows)
}

fn sheet(
    shell: &Shell,
    title: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Cell>>,
) -> Result<Response, Failure> {
    let header: Vec<String> = columns.iter().map(|c| shell.t(c.label_key)).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let title = shell.t(title);
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    Ok(download(&format!("{title}-{today}.xlsx"), bytes))
}

const AUDIENCE_COLUMNS: [Column; 3] = [
    Column::new("name", "organization-name").sorts(),
    Column::new("rule", "audience-rule"),
    Column::new("unit", "audience-owner").sorts(),
];
const BY_NAME: Order = Order {
    by: "name",
    down: false,
};

/// An audience in words: id, name, rule, unit.
type Line = (kernel::Id, String, Vec<String>, Option<String>);

async fn lines(
    s: &People,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    window: Window,
) -> Result<(Vec<Line>, i64)> {
    let (org, text) = (&s.organization, asked.get("q").unwrap_or_default());
    let order = Table::order(&AUDIENCE_COLUMNS, asked, BY_NAME);
    let found = org.audience_list(text, &access.scope, order, window);
    let (audiences, total) = found.await?;
    let units: Vec<UnitId> = audiences.iter().map(|a| a.unit).collect();
    let names = org.names_in(&units, &access.scope).await?;
    let mut lines = Vec::new();
    for a in audiences {
        let rule = said(s, shell, access, &a.rule).await?;
        lines.push((a.id, a.name, rule, names.get(&a.unit).cloned()));
    }
    Ok((lines, total))
}

async fn audiences(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lines, total) = lines(&s, &shell, &access, &asked, asked.window(PAGE)).await?;
    let row = |(id, name, said, unit): Line| json!({ "href": format!("/audiences/{id}"), "name": name, "said": said, "unit": unit });
    let rows: Vec<Value> = lines.into_iter().map(row).collect();
    let order = Table::order(&AUDIENCE_COLUMNS, &asked, BY_NAME);
    let context = json!({
        "rows": rows, "q": asked.get("q").unwrap_or_default(), "chips": text_chip(&asked).as_slice(),
        "table": Table::new(&shell, &AUDIENCE_COLUMNS, &asked, order, Some(AUDIENCES_SHEET)),
        "pager": asked.pager(total, PAGE), "may_change": access.principal.scope(MANAGE).is_some(),
    });
    shell.page("organization/audiences.html", context)
}

async fn audiences_sheet(
    State(s): State<People>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (lines, total) = lines(&s, &shell, &access, &asked, Window::EXPORT).await?;
    Window::fits(total)?;
    let told = s.organization.tell_list(&access, "audiences", lines.len());
    told.await?;
    let then = shell.t("organization-then");
    let rows = lines.into_iter().map(|(_, name, said, unit)| -> Vec<Cell> {
        vec![
            name.into(),
            said.join(&then).into(),
            unit.unwrap_or_default().into(),
        ]
    });
    sheet(&shell, "audience-menu", &AUDIENCE_COLUMNS, rows)
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let pager = Pager::new(1, 50, 1, |n| format!("?page={n}"));
    let chips = json!([{ "label": "x", "without": "/bodies" }]);
    let bodies = json!({ "rows": [{ "href": "/bodies/1", "name": "机关第一党支部", "kind": "党支部",
            "unit": "澜州市司法局", "from": "2024-01-01", "to": null, "charter": "", "ended": false }],
        "kinds": [["party-branch", "党支部"]], "kind": null, "state": "", "q": "", "chips": [], "pager": pager,
        "table": Table::sample_with(&BODY_COLUMNS), "may_change": true });
    let audiences = json!({ "rows": [{ "href": "/audiences/1", "name": "科级干部", "said": ["职级：乡科级"],
            "unit": "澜州市司法局" }], "q": "", "chips": [], "pager": pager,
        "table": Table::sample_with(&AUDIENCE_COLUMNS), "may_change": true });
    let mut samples = Vec::new();
    for (name, list) in [
        ("organization/bodies.html", bodies),
        ("organization/audiences.html", audiences),
    ] {
        let mut none = list.clone();
        none["rows"] = json!([]);
        let mut filtered = none.clone();
        filtered["chips"] = chips.clone();
        let mut reader = none.clone();
        reader["may_change"] = json!(false);
        samples.extend([list, none, filtered, reader].map(|context| (name, context)));
    }
    samples
}
