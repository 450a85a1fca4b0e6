//! Approvals by tab: filtered, ordered, page by page, and as a spreadsheet.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Result, Scope, Timestamp, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Chip;
use web::{Access, Failure, Shell};

use crate::case::State;
use crate::model::{By, Tab};
use crate::pages::scope_of;
use crate::service::Approvals;

const PAGE: i64 = 20;
pub(crate) const PLACE: &str = "/approvals";
pub(crate) const SHEET: &str = "/approvals/list.xlsx";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("about", "approvals-about"),
    Column::new("kind", "approvals-kind").sorts().on_demand(),
    Column::new("unit", "approvals-unit"),
    Column::new("applicant", "approvals-applicant"),
    Column::new("sent", "approvals-sent").sorts(),
    Column::new("state", "approvals-state"),
    Column::new("due", "approvals-due").sorts(),
];

/// What an address asks for, as far as its reader may.
struct Wanted {
    tab: Tab,
    tabs: Vec<Tab>,
    kind: String,
    state: Option<State>,
    scope: Scope,
    order: Order,
}

impl Wanted {
    fn read(s: &Approvals, access: &Access, asked: &Asked) -> Self {
        let scope = scope_of(access);
        let tabs = Tab::ALL.into_iter();
        let tabs: Vec<Tab> = tabs
            .filter(|tab| *tab != Tab::All || !scope.is_empty())
            .collect();
        let given = |name| asked.get(name).unwrap_or_default();
        let tab = Tab::from_code(given("tab")).filter(|tab| tabs.contains(tab));
        let tab = tab.unwrap_or_default();
        let kind = s.kinds.get(given("kind"));
        // What is due first comes first where one decides; elsewhere the newest.
        let (by, down) = match tab {
            Tab::Waiting => ("due", false),
            _ => ("sent", true),
        };
        Self {
            tab,
            tabs,
            kind: kind.map_or_else(String::new, |kind| kind.code().to_owned()),
            state: State::from_code(given("state")).filter(|_| tab != Tab::Waiting),
            scope,
            order: Table::order(&COLUMNS, asked, Order { by, down }),
        }
    }

    /// The rows of a page, and how many there are.
    async fn rows(
        &self,
        s: &Approvals,
        shell: &Shell,
        access: &Access,
        window: Window,
    ) -> Result<(Vec<Value>, i64)> {
        let (me, filter) = (access.principal.person, (self.kind.as_str(), self.state));
        let page = s.list_in(self.tab, filter, me, &self.scope, Some(self.order), window);
        let (total, found) = page.await?;
        Ok((s.rows(shell, me, &found).await?, total))
    }
}

fn state_name(shell: &Shell, state: State) -> String {
    shell.t(&format!("approvals-state-{}", state.code()))
}

pub(crate) async fn list(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked);
    let window = asked.window(PAGE);
    let (rows, total) = wanted.rows(&s, &shell, &access, window).await?;
    let me = access.principal.person;
    let kinds = s.kinds.values();
    let kinds: Vec<(&str, String)> = kinds.map(|k| (k.code(), shell.t(k.title()))).collect();
    let states = State::ALL.map(|state| (state.code(), state_name(&shell, state)));
    let name = |tab: &Tab| shell.t(&format!("approvals-tab-{}", tab.code()));
    let tabs: Vec<(&str, String)> = wanted.tabs.iter().map(|t| (t.code(), name(t))).collect();
    let asks = s.kinds.values();
    let asks = asks.filter(|k| me.is_some() && s.offers(k.code()));
    let asks: Vec<(String, &str)> = asks
        .filter_map(|k| Some((shell.t(k.title()), k.ask_href()?)))
        .collect();
    let mut chips: Vec<Chip> = Vec::new();
    if let Some((_, title)) = kinds.iter().find(|(code, _)| *code == wanted.kind) {
        chips.push(asked.chip("kind", title));
    }
    if let Some(state) = wanted.state {
        chips.push(asked.chip("state", state_name(&shell, state)));
    }
    // An export names who took it, so it is for people.
    let sheet = me.map(|_| SHEET);
    let context = json!({
        "may_batch": wanted.tab == Tab::Waiting && rows.iter().any(|row| row["pick"].is_string()),
        "rows": rows, "asks": asks, "tab": wanted.tab.code(), "tabs": tabs, "kinds": kinds, "kind": wanted.kind,
        "states": states, "state": wanted.state.map(State::code), "chips": chips,
        "clear": format!("{PLACE}?tab={}", wanted.tab.code()),
        "table": Table::new(&shell, &COLUMNS, &asked, wanted.order, sheet),
        "pager": asked.pager(total, PAGE),
    });
    shell.page("approvals/list.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Approvals>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (wanted, by) = (Wanted::read(&s, &access, &asked), By::of(&access)?);
    let (rows, total) = wanted.rows(&s, &shell, &access, Window::EXPORT).await?;
    Window::fits(total)?;
    s.tell_list(by, wanted.tab, rows.len()).await?;
    let zone = shell.env().zone();
    let rows = rows.iter().map(|row| {
        let text = |value: &Value| Cell::from(value.as_str().unwrap_or_default());
        let sent = row["at"].as_i64().map_or(Cell::Empty, |at| {
            Timestamp(at).minute_text(zone).as_str().into()
        });
        let (about, kind) = (text(&row["about"]), text(&row["kind"]));
        let (unit, applicant) = (text(&row["unit"]), text(&row["applicant"]));
        let (state, due) = (text(&row["tag"]["text"]), text(&row["due"]));
        vec![about, kind, unit, applicant, sent, state, due]
    });
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header = header.each_ref().map(String::as_str);
    let title = shell.t("approvals-menu");
    let bytes = xlsx(&title, &header, rows)?;
    let today = format_date(shell.env().today());
    let name = format!("{title}-{today}.xlsx");
    Ok(web::attachment(web::XLSX, &name, bytes))
}
