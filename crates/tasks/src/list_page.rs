//! The door of the room: one's own entries, plans of units; and all entries in a list with filters, saved views, a sheet.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Result, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Shell};

use crate::model::{EntryState, Eyes, PlanState};
use crate::service::Tasks;
use crate::store::PlanFilter;
use crate::store::entries::EntryFilter;
use crate::typed::{Names, crumbs, entry_row, entry_tag, plan_tag, tabs};
use crate::{PLAN, READ};

const PAGE: i64 = 30;
const OWN: i64 = 100;
pub(crate) const ENTRIES: &str = "/tasks/entries";
pub(crate) const SHEET: &str = "/tasks/entries/list.xlsx";

/// What the list of entries can show.
pub(crate) const COLUMNS: [Column; 8] = [
    Column::new("number", "tasks-number").sorts(),
    Column::new("unit", "tasks-unit"),
    Column::new("person", "tasks-person"),
    Column::new("leader", "tasks-leader"),
    Column::new("owner", "tasks-owner"),
    Column::new("due", "tasks-due").sorts(),
    Column::new("percent", "tasks-percent").number().sorts(),
    Column::new("state", "tasks-state"),
];
const USUAL: Order = Order {
    by: "due",
    down: false,
};

pub(crate) fn year_of(asked: &Asked) -> Option<i16> {
    let year = asked.get("year")?.parse().ok()?;
    (1990..2200).contains(&year).then_some(year)
}

/// Years that a filter offers.
pub(crate) fn years(s: &Tasks) -> Vec<i16> {
    let this = s.env.today().year();
    (0..6).map(|n| this + 1 - n).collect()
}

pub(crate) async fn home(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let today = s.env.today();
    let (own_total, own) = match eyes.person {
        Some(me) => s.entries_of(me, OWN).await?,
        None => (0, Vec::new()),
    };
    let filter = PlanFilter {
        year: year_of(&asked),
        state: asked.get("state").and_then(PlanState::from_code),
        unit: None,
    };
    let (total, plans) = s.plans(&filter, &eyes, asked.window(PAGE)).await?;
    let names = Names::of_entries(&s, own.iter()).await?;
    let units = plans.iter().map(|(p, ..)| p.unit);
    let units = s.organization.names(&units.collect::<Vec<_>>()).await?;
    let lang = shell.lang().code();
    let row = |(p, reached, all): &(crate::Plan, i64, i64)| {
        json!({ "href": p.href(), "title": p.title, "kind": p.kind.name.get(lang), "unit": units.get(&p.unit), "year": p.year, "reached": reached,
            "all": all, "issued": p.issued_on.map(format_date), "tag": plan_tag(&shell, p.state) })
    };
    let states =
        PlanState::ALL.map(|st| (st.code(), shell.t(&format!("tasks-plan-{}", st.code()))));
    let mut chips = Vec::new();
    chips.extend(filter.year.map(|y| asked.chip("year", y.to_string())));
    if let Some(state) = filter.state {
        chips.push(asked.chip("state", shell.t(&format!("tasks-plan-{}", state.code()))));
    }
    let practicals = match eyes.person {
        Some(me) => s.practicals_of(me).await?,
        None => Vec::new(),
    };
    let things = practicals.iter().map(|p| {
        json!({ "href": p.href(), "text": p.title, "number": p.call(), "due": format_date(p.due), "percent": p.percent,
            "tag": crate::typed::practical_tag(&shell, p, today) })
    });
    let context = json!({
        "own": own.iter().map(|e| entry_row(&s, &shell, e, &names)).collect::<Vec<_>>(), "own_left": own_total - own.len() as i64,
        "things": things.collect::<Vec<_>>(), "rows": plans.iter().map(row).collect::<Vec<_>>(), "years": years(&s), "year": filter.year,
        "states": states, "state": filter.state.map(PlanState::code), "chips": chips, "clear": "/tasks",
        "may_plan": access.principal.scope(PLAN).is_some(), "reads": access.principal.scope(READ).is_some(),
        "nav": tabs(&shell, &access, ""), "pager": asked.pager(total, PAGE),
    });
    shell.page("tasks/home.html", context)
}

type Picked = Option<(String, String)>;

async fn filter(s: &Tasks, access: &Access, asked: &Asked) -> Result<(EntryFilter, Picked)> {
    let given = |name| asked.get(name).unwrap_or_default();
    let unit = match given("unit") {
        "" => None,
        text => Some(
            s.organization
                .unit_picked("unit", text, &access.scope)
                .await?,
        ),
    };
    let late = given("state") == "late";
    let filter = EntryFilter {
        text: given("q").trim().to_owned(),
        year: year_of(asked),
        state: EntryState::from_code(given("state")),
        owner: s
            .words
            .owner(given("owner"))
            .map_or_else(String::new, |o| o.code.clone()),
        unit: unit.as_ref().map(|u| u.id),
        late: late.then(|| s.env.today()),
        issued: true,
        ..EntryFilter::default()
    };
    Ok((filter, unit.map(|u| (u.code, u.name))))
}

pub(crate) async fn entries(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, unit) = filter(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let eyes = Eyes::from(&access);
    let (total, found) = s.list(&filter, &eyes, order, asked.window(PAGE)).await?;
    let names = Names::of_entries(&s, found.iter()).await?;
    let lang = shell.lang().code();
    let owners: Vec<(&str, &str)> = s
        .words
        .owners()
        .iter()
        .map(|o| (o.code.as_str(), o.name.get(lang)))
        .collect();
    let mut states: Vec<(&str, String)> = vec![("late", shell.t("tasks-late"))];
    states.extend(
        EntryState::ALL.map(|st| (st.code(), shell.t(&format!("tasks-entry-{}", st.code())))),
    );
    let state = asked.get("state").unwrap_or_default();
    let mut chips = Vec::new();
    if !filter.text.is_empty() {
        chips.push(asked.chip("q", filter.text.clone()));
    }
    let chosen = states.iter().find(|(code, _)| *code == state);
    chips.extend(chosen.map(|(_, name)| asked.chip("state", name.clone())));
    let chosen = owners.iter().find(|(code, _)| *code == filter.owner);
    chips.extend(chosen.map(|(_, name)| asked.chip("owner", *name)));
    chips.extend(filter.year.map(|y| asked.chip("year", y.to_string())));
    chips.extend(
        unit.as_ref()
            .map(|(_, name)| asked.chip("unit", name.clone())),
    );
    let context = json!({
        "rows": found.iter().map(|e| entry_row(&s, &shell, e, &names)).collect::<Vec<_>>(), "q": filter.text, "owners": owners,
        "owner": filter.owner, "states": states, "state": state, "years": years(&s), "year": filter.year, "unit": unit, "chips": chips,
        "clear": ENTRIES, "nav": tabs(&shell, &access, "entries"), "crumbs": crumbs(&shell, &[]),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
    });
    shell.page("tasks/entries.html", context)
}

/// Entries as they stand, for a sheet.
pub(crate) async fn workbook(s: &Tasks, shell: &Shell, found: &[crate::Entry]) -> Result<Vec<u8>> {
    let names = Names::of_entries(s, found.iter()).await?;
    let lang = shell.lang().code();
    let header = [
        "number", "text", "target", "unit", "person", "leader", "owner", "from", "due", "weight",
        "percent", "said", "state", "ended",
    ];
    let header = header.map(|key| shell.t(&format!("tasks-{key}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let text = |t: Option<&String>| Cell::Text(t.cloned().unwrap_or_default());
    let rows = found.iter().map(|e| {
        let c = &e.content;
        let owner = s.words.owner(&c.owner);
        vec![
            Cell::Text(e.call()),
            Cell::Text(c.text.clone()),
            Cell::Text(c.target.clone()),
            text(names.units.get(&c.unit)),
            text(names.person(c.person)),
            text(names.person(c.leader)),
            owner.map_or(Cell::Empty, |o| o.name.get(lang).into()),
            c.from.into(),
            c.to.into(),
            c.weight.map_or(Cell::Empty, Cell::Int),
            e.percent.into(),
            Cell::Text(e.said.clone()),
            Cell::Text(entry_tag(shell, e, s.env.today()).text),
            e.ended_on.map_or(Cell::Empty, Cell::Date),
        ]
    });
    xlsx(&shell.t("tasks-tab-entries"), &header, rows)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, _) = filter(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let eyes = Eyes::from(&access);
    let (total, found) = s.list(&filter, &eyes, order, Window::EXPORT).await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "tasks", found.len()).await?;
    let bytes = workbook(&s, &shell, &found).await?;
    let name = format!(
        "{}-{}.xlsx",
        shell.t("tasks-tab-entries"),
        format_date(s.env.today())
    );
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// Entries of a year side by side, a list for each kind of owner (清单).
pub(crate) async fn lists(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let year = year_of(&asked).unwrap_or(s.env.today().year());
    let order = Order {
        by: "number",
        down: false,
    };
    let filter = EntryFilter {
        year: Some(year),
        issued: true,
        ..EntryFilter::default()
    };
    let (total, found) = s.list(&filter, &eyes, order, Window::new(1, 1_000)).await?;
    let names = Names::of_entries(&s, found.iter()).await?;
    let lang = shell.lang().code();
    let list = |o: &crate::OwnerKind| {
        let own: Vec<_> = found.iter().filter(|e| e.content.owner == o.code).collect();
        let reached = own
            .iter()
            .filter(|e| e.state == EntryState::Reached)
            .count();
        let late = own.iter().filter(|e| e.is_late(s.env.today())).count();
        let rows: Vec<Value> = own
            .iter()
            .map(|e| entry_row(&s, &shell, e, &names))
            .collect();
        json!({ "name": o.name.get(lang), "count": own.len(), "reached": reached, "late": late, "rows": rows,
            "href": format!("{ENTRIES}?owner={}&year={year}", o.code), "sheet": format!("{SHEET}?owner={}&year={year}", o.code) })
    };
    let context = json!({
        "lists": s.words.owners().iter().map(list).collect::<Vec<_>>(), "year": year, "years": years(&s),
        "left": (total - found.len() as i64).max(0), "nav": tabs(&shell, &access, "lists"), "crumbs": crumbs(&shell, &[]),
    });
    shell.page("tasks/lists.html", context)
}
