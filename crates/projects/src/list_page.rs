//! Projects in a list: filters, saved views, a sheet.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Shell};

use crate::WRITE;
use crate::model::{Eyes, Filter, Project, State};
use crate::service::Projects;
use crate::typed::tag;

const PAGE: i64 = 30;
pub(crate) const PLACE: &str = "/projects";
pub(crate) const SHEET: &str = "/projects/list.xlsx";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 9] = [
    Column::new("title", "projects-title").sorts(),
    Column::new("number", "projects-number").sorts(),
    Column::new("kind", "projects-kind"),
    Column::new("unit", "projects-unit"),
    Column::new("lead", "projects-lead"),
    Column::new("stage", "projects-stage"),
    Column::new("due", "projects-until").sorts(),
    Column::new("milestones", "projects-milestones").number(),
    Column::new("state", "projects-state"),
];
const USUAL: Order = Order {
    by: "from",
    down: true,
};

/// What an address asks for.
pub(crate) struct Wanted {
    pub(crate) filter: Filter,
    pub(crate) unit: Option<(String, String)>,
    pub(crate) mine: bool,
}

impl Wanted {
    pub(crate) async fn read(s: &Projects, access: &Access, asked: &Asked) -> Result<Self> {
        let given = |name| asked.get(name).unwrap_or_default();
        let unit = match given("unit") {
            "" => None,
            text => {
                let scope = crate::typed::named_in(access);
                let unit = s.organization.unit_picked("unit", text, &scope).await?;
                Some(unit)
            }
        };
        let mine = given("mine") == "1";
        let eyes = Eyes::from(access);
        let filter = Filter {
            text: given("q").trim().to_owned(),
            state: State::from_code(given("state")),
            kind: s
                .kinds
                .get(given("kind"))
                .map_or_else(String::new, |k| k.code.clone()),
            stage: given("stage").to_owned(),
            unit: unit.as_ref().map(|u| u.id),
            person: eyes.person.filter(|_| mine),
            year: given("year")
                .parse()
                .ok()
                .filter(|y| (1990..2200).contains(y)),
            late: (given("late") == "1").then(|| s.env.today()),
        };
        Ok(Self {
            filter,
            unit: unit.map(|u| (u.code, u.name)),
            mine,
        })
    }
}

pub(crate) async fn rows(s: &Projects, shell: &Shell, list: &[Project]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = list.iter().map(|p| p.unit).collect();
    let people: Vec<PersonId> = list.iter().map(|p| p.lead).collect();
    let (units, people) = (
        s.organization.names(&units).await?,
        s.organization.person_names(&people).await?,
    );
    let mut tx = s.db.read().await?;
    let rules = s
        .rules(&mut tx, list.iter().map(|p| p.rule.as_str()))
        .await?;
    drop(tx);
    let (lang, today) = (shell.lang().code(), s.env.today());
    let row = |p: &Project| {
        let kind = rules.get(&p.rule);
        let stage = kind.and_then(|k| k.stage(&p.stage));
        json!({ "href": p.href(), "title": p.content.title, "number": p.number, "kind": kind.map_or(p.kind.as_str(), |k| k.name.get(lang)),
            "unit": units.get(&p.unit), "lead": people.get(&p.lead), "stage": stage.map_or(p.stage.as_str(), |st| st.name.get(lang)),
            "due": format_date(p.until), "late": p.is_late(today), "milestones": p.counts[0], "done": p.counts[1],
            "behind": if p.state == State::Running { p.counts[2] } else { 0 }, "tag": tag(shell, p) })
    };
    Ok(list.iter().map(row).collect())
}

pub(crate) async fn list(
    Shared(s): Shared<Projects>,
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
    let states =
        State::ALL.map(|st| (st.code(), shell.t(&format!("projects-state-{}", st.code()))));
    let mut chips = Vec::new();
    if !filter.text.is_empty() {
        chips.push(asked.chip("q", filter.text.clone()));
    }
    if let Some(state) = filter.state {
        let name = shell.t(&format!("projects-state-{}", state.code()));
        chips.push(asked.chip("state", name));
    }
    if let Some((_, name)) = kinds.iter().find(|(code, _)| *code == filter.kind) {
        chips.push(asked.chip("kind", *name));
    }
    if !filter.stage.is_empty() {
        let stage = s
            .kinds
            .get(&filter.kind)
            .and_then(|k| k.stage(&filter.stage));
        let name = stage.map_or(filter.stage.as_str(), |st| st.name.get(lang));
        chips.push(asked.chip("stage", name));
    }
    if let Some((_, name)) = &wanted.unit {
        chips.push(asked.chip("unit", name.clone()));
    }
    if let Some(year) = filter.year {
        chips.push(asked.chip("year", year.to_string()));
    }
    if filter.late.is_some() {
        chips.push(asked.chip("late", shell.t("projects-late-only")));
    }
    if wanted.mine {
        chips.push(asked.chip("mine", shell.t("projects-mine")));
    }
    let year = s.env.today().year();
    let context = json!({
        "rows": rows(&s, &shell, &found).await?, "q": filter.text, "kinds": kinds, "kind": filter.kind, "states": states,
        "state": filter.state.map(State::code), "years": (0..8).map(|n| year + 1 - n).collect::<Vec<_>>(), "year": filter.year,
        "unit": wanted.unit, "chips": chips, "clear": PLACE, "may_write": access.principal.scope(WRITE).is_some(),
        "late": filter.late.is_some(), "late_href": asked.with("late", if filter.late.is_some() { "" } else { "1" }),
        "mine": wanted.mine, "mine_href": asked.with("mine", if wanted.mine { "" } else { "1" }),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
    });
    shell.page("projects/list.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (total, found) = s
        .list(&wanted.filter, &Eyes::from(&access), order, Window::EXPORT)
        .await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "projects", found.len()).await?;
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let mut header: Vec<String> = header.into();
    header.push(shell.t("projects-milestones-late"));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows(&s, &shell, &found).await?;
    let cells = rows.iter().zip(&found).map(|(row, p)| {
        let text = |key: &str| Cell::Text(row[key].as_str().unwrap_or_default().to_owned());
        vec![
            text("title"),
            text("number"),
            text("kind"),
            text("unit"),
            text("lead"),
            text("stage"),
            p.until.into(),
            Cell::Text(format!("{}/{}", p.counts[1], p.counts[0])),
            Cell::Text(row["tag"]["text"].as_str().unwrap_or_default().to_owned()),
            Cell::Text(row["behind"].to_string()),
        ]
    });
    let name = shell.t("projects-menu");
    let bytes = xlsx(&name, &header, cells)?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}
