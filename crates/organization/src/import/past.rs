//! The uploads of an account (历次导入): how far each is, and what it came to.

use axum::extract::State as Given;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Result, Timestamp, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::{Chip, Pager, Tag, Tone};
use web::{Access, Failure, Policy, Routes, Shell};

use super::record::{Import, State};
use super::staged::Imports;
use super::tidy::DONE_DAYS;
use crate::pages::{MANAGE, download};
use crate::store;

const PAGE: i64 = 50;
const PLACE: &str = "/organization/imports";
const SHEET: &str = "/organization/imports/list.xlsx";

pub(crate) fn routes() -> Routes<Imports> {
    let manage = Policy::Permission(MANAGE);
    Routes::new()
        .get(PLACE, manage, list)
        .get(SHEET, manage, sheet)
}

const COLUMNS: [Column; 7] = [
    Column::new("name", "organization-past-file"),
    Column::new("at", "organization-past-at").sorts(),
    Column::new("state", "organization-past-state").sorts(),
    Column::new("rows", "organization-past-rows").number(),
    Column::new("changes", "organization-past-changes").number(),
    Column::new("faults", "organization-past-faults").number(),
    Column::new("left_out", "organization-past-left-out")
        .number()
        .on_demand(),
];
/// Newest first.
const USUAL: Order = Order {
    by: "at",
    down: true,
};

fn tag(shell: &Shell, state: State) -> Tag {
    let (tone, icon) = match state {
        State::Done => (Tone::Ok, Some("check")),
        State::Failed => (Tone::Bad, Some("x")),
        State::Ready | State::Mapping => (Tone::Warn, None),
        State::Checking | State::Publishing => (Tone::Brand, None),
    };
    Tag {
        text: shell.t(&format!("organization-state-{}", state.code())),
        tone,
        icon,
    }
}

fn wanted(asked: &Asked) -> Option<State> {
    asked
        .get("state")
        .and_then(|code| State::from_code(code).ok())
}

/// The uploads that an address asks for with when they were sent, and how many there are.
async fn found(
    imports: &Imports,
    access: &Access,
    asked: &Asked,
    window: Window,
) -> Result<(Vec<(Import, Timestamp)>, i64)> {
    let order = Table::order(&COLUMNS, asked, USUAL);
    let (of, state) = (access.principal.account, wanted(asked));
    let mut tx = imports.org.db.read().await?;
    store::imports_of(&mut tx, of, state, order, window).await
}

async fn list(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (uploads, total) = found(&imports, &access, &asked, asked.window(PAGE)).await?;
    let row = |(import, at): &(Import, Timestamp)| {
        let summary = &import.summary;
        // What is done has been put away: nothing is behind it but the people themselves.
        let open = import.state != State::Done;
        json!({ "name": import.name(), "href": open.then(|| format!("/organization/import/{}", import.id)),
            "at": at.0, "tag": tag(&shell, import.state), "rows": import.done.max(import.total),
            "changes": summary.total(), "faults": summary.faults, "left_out": summary.left_out })
    };
    let rows: Vec<Value> = uploads.iter().map(row).collect();
    let states = State::ALL.map(|state| (state.code(), tag(&shell, state).text));
    let state = wanted(&asked);
    let chip: Option<Chip> = state.map(|state| asked.chip("state", tag(&shell, state).text));
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let context = json!({
        "rows": rows, "states": states, "state": state.map(State::code), "chips": chip.as_slice(),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
        "days": imports.keep_days, "done_days": DONE_DAYS,
    });
    shell.page("organization/imports.html", context)
}

async fn sheet(
    Given(imports): Given<Imports>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (uploads, total) = found(&imports, &access, &asked, Window::EXPORT).await?;
    Window::fits(total)?;
    let told = imports.org.tell_list(&access, "imports", uploads.len());
    told.await?;
    let zone = shell.env().zone();
    let number = |n: u64| Cell::Int(i64::try_from(n).unwrap_or(i64::MAX));
    let rows = uploads.into_iter().map(|(import, at)| {
        vec![
            import.name().into(),
            at.minute_text(zone).as_str().into(),
            tag(&shell, import.state).text.into(),
            Cell::Int(import.done.max(import.total)),
            number(import.summary.total()),
            number(import.summary.faults),
            number(import.summary.left_out),
        ]
    });
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header = header.each_ref().map(String::as_str);
    let title = shell.t("organization-past");
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    Ok(download(&format!("{title}-{today}.xlsx"), bytes))
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let tag = json!({ "text": "已完成", "tone": "ok", "icon": "check" });
    let row = |href: Option<&str>| {
        json!({ "name": "名册.xlsx", "href": href, "at": 1_763_000_000_000_000_i64, "tag": tag,
        "rows": 3000, "changes": 12, "faults": 0, "left_out": 1 })
    };
    let list = json!({ "rows": [row(None), row(Some("/organization/import/1"))], "states": [["done", "已完成"]],
        "state": null, "chips": [], "table": Table::sample_with(&COLUMNS), "days": 3, "done_days": 366,
        "pager": Pager::new(2, 50, 1, |n| format!("?page={n}")) });
    let mut none = list.clone();
    none["rows"] = json!([]);
    let mut filtered = none.clone();
    filtered["chips"] = json!([{ "label": "x", "without": "/organization/imports" }]);
    filtered["state"] = json!("done");
    let all = [list, none, filtered];
    all.map(|context| ("organization/imports.html", context))
        .to_vec()
}
