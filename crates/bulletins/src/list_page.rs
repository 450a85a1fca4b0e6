//! The list of bulletins: what is published, what is on the desk, what was withdrawn.

use axum::extract::{Query, State as With};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Result, UnitId};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Shell};

use crate::WRITE;
use crate::flow::href;
use crate::model::{Bulletin, State};
use crate::pages::{issue_text, sight, state_key, tag};
use crate::service::Bulletins;
use crate::store::{self, Filter};

const PAGE: i64 = 50;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 6] = [
    Column::new("title", "bulletin-title").sorts(),
    Column::new("unit", "bulletin-unit"),
    Column::new("kind", "bulletin-kind"),
    Column::new("issue", "bulletin-issue-column"),
    Column::new("date", "bulletin-published-on").sorts(),
    Column::new("state", "bulletin-state"),
];
/// The newest first.
const USUAL: Order = Order {
    by: "date",
    down: true,
};
/// Which states stand under which tab.
const SHOWS: [(&str, &[State]); 3] = [
    ("published", &[State::Published]),
    ("desk", &[State::Draft, State::Proposed, State::Returned]),
    ("withdrawn", &[State::Withdrawn]),
];

/// The units that the pages offer while one types.
pub(crate) async fn unit_options(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// What the address asks for; with the unit as it was read.
async fn filter(s: &Bulletins, access: &Access, asked: &Asked) -> (Filter, Option<String>) {
    let show = asked.get("show").unwrap_or_default();
    let tab = SHOWS.iter().find(|(code, _)| *code == show);
    let states = tab.map_or(SHOWS[0].1, |(_, states)| states);
    let state = asked.get("state").and_then(State::from_code);
    let states = match state.filter(|s| states.contains(s)) {
        Some(state) => vec![state],
        None => states.to_vec(),
    };
    let unit = match asked.get("unit") {
        Some(text) => s
            .organization
            .unit_picked("unit", text, &access.scope)
            .await
            .ok(),
        None => None,
    };
    let filter = Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        under: unit.as_ref().map(|u| u.id),
        kind: asked.get("kind").map(str::to_owned),
        states,
        year: asked.get("year").and_then(|y| y.parse().ok()),
    };
    (filter, unit.map(|u| u.name))
}

/// The cells of a row, in the order of the columns.
fn cells(s: &Bulletins, shell: &Shell, b: &Bulletin, unit: Option<&String>) -> [String; 6] {
    [
        b.content.title.clone(),
        unit.cloned().unwrap_or_default(),
        s.kinds.name(&b.kind, shell.lang().code()).to_owned(),
        issue_text(shell, b).unwrap_or_default(),
        b.published_on.map(kernel::format_date).unwrap_or_default(),
        shell.t(state_key(b.state)),
    ]
}

pub(crate) async fn list(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, unit_name) = filter(&s, &access, &asked).await;
    let (order, sight) = (Table::order(&COLUMNS, &asked, USUAL), sight(&access));
    let mut tx = s.db.read().await?;
    let (found, total) = store::list(&mut tx, &sight, &filter, order, asked.window(PAGE)).await?;
    drop(tx);
    let units: Vec<UnitId> = found.iter().map(|b| b.unit).collect();
    let names = s.organization.names(&units).await?;
    let lang = shell.lang().code();
    let row = |b: &Bulletin| {
        let [title, unit, kind, issue, date, _] = cells(&s, &shell, b, names.get(&b.unit));
        json!({ "href": href(b.id), "title": title, "unit": unit, "kind": kind, "issue": issue, "date": date,
            "house": b.content.house && b.state == State::Published, "tag": tag(&shell, b) })
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    let show = asked.get("show").unwrap_or(SHOWS[0].0).to_owned();
    // Only who writes or reviews has a desk.
    let tabs = SHOWS
        .iter()
        .filter(|(code, _)| *code != "desk" || !sight.desk.is_empty());
    let tabs: Vec<Value> = tabs
        .map(|(code, _)| {
            json!({ "label": shell.t(&format!("bulletin-show-{code}")), "href": format!("/bulletins?show={code}"),
                "current": show == *code })
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(q) = asked.get("q") {
        chips.push(asked.chip("q", q));
    }
    if let Some(name) = &unit_name {
        chips.push(asked.chip("unit", name));
    }
    if let Some(kind) = &filter.kind {
        chips.push(asked.chip("kind", s.kinds.name(kind, lang)));
    }
    if let Some(year) = filter.year {
        chips.push(asked.chip("year", year.to_string()));
    }
    if let (Some(_), [state]) = (asked.get("state"), &*filter.states) {
        chips.push(asked.chip("state", shell.t(state_key(*state))));
    }
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let year = s.env.today().year();
    let years: Vec<i16> = (0..6).map(|n| year - n).collect();
    shell.page(
        "bulletins/list.html",
        json!({
            "rows": rows, "tabs": tabs, "show": show, "chips": chips, "q": filter.text, "kinds": kinds, "kind": filter.kind,
            "years": years, "year": filter.year, "unit": asked.get("unit").unwrap_or_default(), "unit_name": unit_name,
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/bulletins/list.xlsx")),
            "pager": asked.pager(total, PAGE), "clear": format!("/bulletins?show={show}"),
            "may_write": access.principal.scope(WRITE).is_some() && !kinds.is_empty(),
        }),
    )
}

pub(crate) async fn export(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, _) = filter(&s, &access, &asked).await;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let mut tx = s.db.read().await?;
    let sight = sight(&access);
    let (found, total) = store::list(&mut tx, &sight, &filter, order, Window::EXPORT).await?;
    drop(tx);
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "bulletins", found.len()).await?;
    let units: Vec<UnitId> = found.iter().map(|b| b.unit).collect();
    let names = s.organization.names(&units).await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found.iter().map(|b| {
        cells(&s, &shell, b, names.get(&b.unit))
            .map(Cell::Text)
            .to_vec()
    });
    let name = shell.t("menu-bulletins");
    let bytes = xlsx(&name, &header, rows)?;
    let name = format!("{name}-{}.xlsx", kernel::format_date(s.env.today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}
