//! Matters in a list: filters, saved views, a sheet.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Shell};

use crate::model::{Eyes, Filter, Matter, State};
use crate::service::Matters;
use crate::typed::tag;

const PAGE: i64 = 30;
pub(crate) const PLACE: &str = "/matters";
pub(crate) const SHEET: &str = "/matters/list.xlsx";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 9] = [
    Column::new("title", "matters-title").sorts(),
    Column::new("number", "matters-number").sorts(),
    Column::new("kind", "matters-kind"),
    Column::new("unit", "matters-unit"),
    Column::new("person", "matters-person"),
    Column::new("to", "matters-to"),
    Column::new("sent", "matters-sent").sorts(),
    Column::new("due", "matters-due").sorts(),
    Column::new("state", "matters-state"),
];
const USUAL: Order = Order {
    by: "new",
    down: true,
};

/// What an address asks for.
struct Wanted {
    filter: Filter,
    unit: Option<(String, String)>,
}

impl Wanted {
    async fn read(s: &Matters, access: &Access, asked: &Asked) -> Result<Self> {
        let given = |name| asked.get(name).unwrap_or_default();
        let unit = match given("unit") {
            "" => None,
            text => {
                let scope = s.named_in(access).await?;
                Some(s.organization.unit_picked("unit", text, &scope).await?)
            }
        };
        let kind = s.kinds.get(given("kind"));
        let filter = Filter {
            text: given("q").trim().to_owned(),
            state: State::from_code(given("state")),
            kind: kind.map_or_else(String::new, |k| k.code.clone()),
            unit: unit.as_ref().map(|u| u.id),
            mine: given("show") == "mine",
            incoming: given("show") == "incoming",
            year: given("year")
                .parse()
                .ok()
                .filter(|y| (1990..2200).contains(y)),
            overdue: (given("show") == "overdue").then(|| s.env.today()),
            late: given("show") == "late",
        };
        Ok(Self {
            filter,
            unit: unit.map(|u| (u.code, u.name)),
        })
    }
}

/// What is next due of a matter, and whether that day has passed.
fn due(m: &Matter, today: kernel::Date) -> (Option<kernel::Date>, bool) {
    match m.state {
        State::Sent | State::Received => (m.reply_due, m.waits_too_long(today)),
        State::Done if m.owes_after() => (m.after_due, m.after_late(today)),
        _ => (None, false),
    }
}

async fn rows(s: &Matters, shell: &Shell, list: &[Matter]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = list
        .iter()
        .flat_map(|m| m.to.into_iter().chain([m.unit]))
        .collect();
    let people: Vec<PersonId> = list.iter().filter_map(|m| m.person).collect();
    let (units, people) = (
        s.organization.names(&units).await?,
        s.organization.person_names(&people).await?,
    );
    let mut tx = s.db.read().await?;
    let rules = s
        .rules(&mut tx, list.iter().map(|m| m.rule.as_str()))
        .await?;
    drop(tx);
    let (lang, today) = (shell.lang().code(), s.env.today());
    let row = |m: &Matter| {
        let kind = rules.get(&m.rule);
        let (due, overdue) = due(m, today);
        json!({ "href": m.href(), "title": m.content.title, "number": m.number, "kind": kind.map_or(m.kind.as_str(), |k| k.name.get(lang)),
            "unit": units.get(&m.unit), "to": m.to.and_then(|u| units.get(&u)), "person": m.person.and_then(|p| people.get(&p)),
            "sent": m.sent_on.map(format_date), "late": m.late, "due": due.map(format_date), "overdue": overdue, "sealed": m.sealed,
            "tag": tag(shell, m) })
    };
    Ok(list.iter().map(row).collect())
}

pub(crate) async fn list(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let filter = &wanted.filter;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let eyes = Eyes::from(&access);
    let (total, found) = s.list(filter, &eyes, order, asked.window(PAGE)).await?;
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let states = State::ALL.map(|st| (st.code(), shell.t(&format!("matters-state-{}", st.code()))));
    let mut chips = Vec::new();
    if !filter.text.is_empty() {
        chips.push(asked.chip("q", filter.text.clone()));
    }
    if let Some(state) = filter.state {
        let name = shell.t(&format!("matters-state-{}", state.code()));
        chips.push(asked.chip("state", name));
    }
    if let Some((_, name)) = kinds.iter().find(|(code, _)| *code == filter.kind) {
        chips.push(asked.chip("kind", *name));
    }
    if let Some((_, name)) = &wanted.unit {
        chips.push(asked.chip("unit", name.clone()));
    }
    if let Some(year) = filter.year {
        chips.push(asked.chip("year", year.to_string()));
    }
    let show = asked.get("show").unwrap_or_default();
    let shows = ["", "mine", "incoming", "overdue", "late"];
    let shows = shows
        .into_iter()
        .filter(|c| *c != "incoming" || !eyes.answers.is_empty());
    let shows = shows.map(|code| {
        let word = if code.is_empty() { "all" } else { code };
        json!({ "label": shell.t(&format!("matters-show-{word}")), "href": asked.with("show", code), "current": code == show })
    });
    let year = s.env.today().year();
    let writes = access.principal.scope(crate::WRITE).is_some();
    let may_write = s.kinds.iter().any(|k| writes || k.personal);
    let context = json!({
        "rows": rows(&s, &shell, &found).await?, "q": filter.text, "kinds": kinds, "kind": filter.kind, "states": states,
        "state": filter.state.map(State::code), "years": (0..8).map(|n| year - n).collect::<Vec<_>>(), "year": filter.year,
        "unit": wanted.unit, "chips": chips, "clear": PLACE, "show": show, "shows": shows.collect::<Vec<_>>(),
        "may_write": may_write && access.principal.person.is_some(),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
    });
    shell.page("matters/list.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let eyes = Eyes::from(&access);
    let (total, found) = s.list(&wanted.filter, &eyes, order, Window::EXPORT).await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "matters", found.len()).await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let mut header: Vec<String> = header.into();
    header.push(shell.t("matters-late"));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows(&s, &shell, &found).await?;
    let cells = rows.iter().map(|row| {
        let text = |key: &str| Cell::Text(row[key].as_str().unwrap_or_default().to_owned());
        let mut cells: Vec<Cell> = COLUMNS.iter().take(8).map(|c| text(c.key)).collect();
        cells.push(Cell::Text(
            row["tag"]["text"].as_str().unwrap_or_default().to_owned(),
        ));
        let late = row["late"].as_bool().unwrap_or_default();
        cells.push(Cell::Text(if late {
            shell.t("matters-late")
        } else {
            String::new()
        }));
        cells
    });
    let name = shell.t("matters-menu");
    let bytes = xlsx(&name, &header, cells)?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}
