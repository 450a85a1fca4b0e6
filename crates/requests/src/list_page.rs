//! Requests by tab: filtered, ordered, page by page, and as a table to take home.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, csv};
use identity::Actor;
use kernel::{PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Chip;
use web::{Access, Failure, Shell};

use crate::ASK;
use crate::case::State;
use crate::model::{Request, Tab};
use crate::pages::tag;
use crate::service::{Eyes, Requests};
use crate::store::Filter;

const PAGE: i64 = 20;
pub(crate) const PLACE: &str = "/requests";
pub(crate) const SHEET: &str = "/requests/list.csv";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("title", "requests-title-label").sorts(),
    Column::new("kind", "requests-kind").on_demand(),
    Column::new("whom", "requests-whom"),
    Column::new("asker", "requests-asker"),
    Column::new("asked", "requests-asked-at")
        .sorts()
        .on_demand(),
    Column::new("state", "requests-state"),
    Column::new("due", "requests-due-label").sorts(),
];

/// What an address asks for, as far as its reader may.
struct Wanted {
    tab: Tab,
    tabs: Vec<Tab>,
    filter: Filter,
    eyes: Eyes,
    order: Order,
}

impl Wanted {
    fn read(s: &Requests, access: &Access, asked: &Asked) -> Self {
        let eyes = Eyes::from(access);
        let looks = !eyes.asks.is_empty() || !eyes.answers.is_empty();
        let tabs = Tab::ALL.into_iter();
        let tabs: Vec<Tab> = tabs.filter(|tab| *tab != Tab::Unit || looks).collect();
        let given = |name| asked.get(name).unwrap_or_default();
        let tab = Tab::from_code(given("tab")).filter(|tab| tabs.contains(tab));
        let tab = tab.unwrap_or_default();
        // What is due first comes first where one works; elsewhere the newest.
        let (by, down) = match tab {
            Tab::Todo => ("due", false),
            _ => ("asked", true),
        };
        let kind = s.kinds.get(given("kind"));
        Self {
            tab,
            tabs,
            filter: Filter {
                kind: kind.map_or_else(String::new, |kind| kind.code.clone()),
                state: State::from_code(given("state")).filter(|_| tab != Tab::Todo),
                late: (given("late") == "1").then(|| s.env.today()),
            },
            eyes,
            order: Table::order(&COLUMNS, asked, Order { by, down }),
        }
    }

    /// The rows of a page, and how many there are.
    async fn rows(&self, s: &Requests, shell: &Shell, window: Window) -> Result<(Vec<Value>, i64)> {
        let page = s.list(self.tab, &self.filter, &self.eyes, self.order, window);
        let (total, found) = page.await?;
        Ok((rows(s, shell, &found).await?, total))
    }
}

/// Rows of a list; names are asked once.
pub(crate) async fn rows(s: &Requests, shell: &Shell, list: &[Request]) -> Result<Vec<Value>> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let units: Vec<UnitId> = list.iter().flat_map(|r| [r.home, r.from]).collect();
    let people: Vec<PersonId> = list.iter().filter_map(|r| r.person).collect();
    let units = s.organization.names(&units).await?;
    let people = s.organization.person_names(&people).await?;
    let row = |r: &Request| {
        let whom = [
            units.get(&r.home).cloned(),
            r.person.and_then(|p| people.get(&p).cloned()),
        ];
        let whom: Vec<String> = whom.into_iter().flatten().collect();
        json!({
            "href": r.href(), "title": r.title, "whom": whom.join(" · "), "asker": units.get(&r.from),
            "kind": s.kinds.get(&r.kind).map_or(r.kind.as_str(), |k| k.name.get(lang)), "at": r.created_at.0,
            "tag": tag(shell, r.case.state), "due": format_date(r.case.until()), "late": r.case.is_late(today),
            "extended": r.case.extended.is_some(), "source": r.source.as_ref().map(|s| &s.title),
        })
    };
    Ok(list.iter().map(row).collect())
}

pub(crate) async fn list(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked);
    let (rows, total) = wanted.rows(&s, &shell, asked.window(PAGE)).await?;
    let lang = shell.lang().code();
    let kinds = s.kinds.iter();
    let kinds: Vec<(&str, &str)> = kinds.map(|k| (k.code.as_str(), k.name.get(lang))).collect();
    let state_name = |state: State| shell.t(&format!("requests-state-{}", state.code()));
    let states = State::ALL.map(|state| (state.code(), state_name(state)));
    let name = |tab: &Tab| shell.t(&format!("requests-tab-{}", tab.code()));
    let tabs: Vec<(&str, String)> = wanted.tabs.iter().map(|t| (t.code(), name(t))).collect();
    let filter = &wanted.filter;
    let mut chips: Vec<Chip> = Vec::new();
    if let Some((_, title)) = kinds.iter().find(|(code, _)| *code == filter.kind) {
        chips.push(asked.chip("kind", *title));
    }
    if let Some(state) = filter.state {
        chips.push(asked.chip("state", state_name(state)));
    }
    if filter.late.is_some() {
        chips.push(asked.chip("late", shell.t("requests-late-only")));
    }
    let context = json!({
        "rows": rows, "tab": wanted.tab.code(), "tabs": tabs, "kinds": kinds, "kind": filter.kind,
        "states": states, "state": filter.state.map(State::code), "late": filter.late.is_some(), "chips": chips,
        "clear": format!("{PLACE}?tab={}", wanted.tab.code()), "may_ask": access.principal.scope(ASK).is_some(),
        "table": Table::new(&shell, &COLUMNS, &asked, wanted.order, Some(SHEET)),
        "pager": asked.pager(total, PAGE),
    });
    shell.page("requests/list.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked);
    let (rows, total) = wanted.rows(&s, &shell, Window::EXPORT).await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "requests", rows.len()).await?;
    let zone = shell.env().zone();
    let rows = rows.iter().map(|row| {
        let text = |value: &Value| Cell::from(value.as_str().unwrap_or_default());
        let at = row["at"].as_i64().map_or(Cell::Empty, |at| {
            kernel::Timestamp(at).minute_text(zone).as_str().into()
        });
        vec![
            text(&row["title"]),
            text(&row["kind"]),
            text(&row["whom"]),
            text(&row["asker"]),
            at,
            text(&row["tag"]["text"]),
            text(&row["due"]),
        ]
    });
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let bytes = csv(&header.each_ref().map(String::as_str), rows)?;
    let today = format_date(shell.env().today());
    let name = format!("{}-{today}.csv", shell.t("requests-menu"));
    Ok(web::attachment(web::CSV, &name, bytes))
}
