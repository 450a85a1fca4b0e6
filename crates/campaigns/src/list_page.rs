//! Campaigns in a list: filters, saved views, a sheet.

use axum::extract::State as Shared;
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::{Access, Failure, Shell};

use crate::PLAN;
use crate::model::{Campaign, Eyes, Filter, State};
use crate::service::Campaigns;
use crate::typed::tag;

const PAGE: i64 = 30;
pub(crate) const PLACE: &str = "/campaigns";
pub(crate) const SHEET: &str = "/campaigns/list.xlsx";

/// What the list can show.
pub(crate) const COLUMNS: [Column; 7] = [
    Column::new("title", "campaigns-title").sorts(),
    Column::new("kind", "campaigns-kind"),
    Column::new("unit", "campaigns-unit"),
    Column::new("from", "campaigns-from").sorts(),
    Column::new("to", "campaigns-to").sorts(),
    Column::new("units", "campaigns-units-joined").number(),
    Column::new("state", "campaigns-state"),
];
const USUAL: Order = Order {
    by: "from",
    down: true,
};

async fn filter(
    s: &Campaigns,
    access: &Access,
    asked: &Asked,
) -> Result<(Filter, [Option<(String, String)>; 2])> {
    let given = |name| asked.get(name).unwrap_or_default();
    let unit = async |name: &'static str| match given(name) {
        "" => Ok(None),
        text => s
            .organization
            .unit_picked(name, text, &access.scope)
            .await
            .map(Some),
    };
    let (own, taking) = (unit("unit").await?, unit("taking").await?);
    let filter = Filter {
        text: given("q").trim().to_owned(),
        state: State::from_code(given("state")),
        kind: s
            .kinds
            .get(given("kind"))
            .map_or_else(String::new, |k| k.code.clone()),
        unit: own.as_ref().map(|u| u.id),
        taking: taking.as_ref().map(|u| u.id),
        year: given("year")
            .parse()
            .ok()
            .filter(|y| (1990..2200).contains(y)),
        ..Filter::default()
    };
    Ok((filter, [own, taking].map(|u| u.map(|u| (u.code, u.name)))))
}

pub(crate) async fn rows(s: &Campaigns, shell: &Shell, list: &[Campaign]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = list.iter().map(|c| c.unit).collect();
    let names = s.organization.names(&units).await?;
    let lang = shell.lang().code();
    let row = |c: &Campaign| {
        let kind = s
            .kinds
            .get(&c.kind)
            .map_or(c.kind.as_str(), |k| k.name.get(lang));
        json!({ "href": c.href(), "title": c.content.title, "kind": kind, "unit": names.get(&c.unit),
            "from": format_date(c.content.from), "to": format_date(c.content.to), "joined": c.joined, "named": c.joined + c.absent,
            "tag": tag(shell, c.state) })
    };
    Ok(list.iter().map(row).collect())
}

pub(crate) async fn list(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, [unit, taking]) = filter(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let eyes = Eyes::from(&access);
    let (total, found) = s.list(&filter, &eyes, order, asked.window(PAGE)).await?;
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let states = State::ALL.map(|st| {
        (
            st.code(),
            shell.t(&format!("campaigns-state-{}", st.code())),
        )
    });
    let mut chips = Vec::new();
    if !filter.text.is_empty() {
        chips.push(asked.chip("q", filter.text.clone()));
    }
    if let Some(state) = filter.state {
        chips.push(asked.chip(
            "state",
            shell.t(&format!("campaigns-state-{}", state.code())),
        ));
    }
    if let Some((_, name)) = kinds.iter().find(|(code, _)| *code == filter.kind) {
        chips.push(asked.chip("kind", *name));
    }
    for (field, unit) in [("unit", &unit), ("taking", &taking)] {
        chips.extend(
            unit.as_ref()
                .map(|(_, name)| asked.chip(field, name.clone())),
        );
    }
    if let Some(year) = filter.year {
        chips.push(asked.chip("year", year.to_string()));
    }
    let year = s.env.today().year();
    let me = eyes.person.filter(|_| access.principal.on_behalf.is_none());
    let surveys = match me {
        Some(person) => s.surveys_of(person).await?,
        None => Vec::new(),
    };
    let surveys = surveys
        .iter()
        .map(|(c, _)| json!({ "title": c.content.title, "href": format!("{}/survey", c.href()) }));
    let context = json!({
        "rows": rows(&s, &shell, &found).await?, "q": filter.text, "kinds": kinds, "kind": filter.kind, "states": states,
        "state": filter.state.map(State::code), "years": (0..8).map(|n| year + 1 - n).collect::<Vec<_>>(), "year": filter.year,
        "unit": unit, "taking": taking, "chips": chips, "clear": PLACE, "may_plan": access.principal.scope(PLAN).is_some(),
        "surveys": surveys.collect::<Vec<_>>(),
        "table": Table::new(&shell, &COLUMNS, &asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
    });
    shell.page("campaigns/list.html", context)
}

pub(crate) async fn sheet(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, _) = filter(&s, &access, &asked).await?;
    let order = Table::order(&COLUMNS, &asked, USUAL);
    let (total, found) = s
        .list(&filter, &Eyes::from(&access), order, Window::EXPORT)
        .await?;
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "campaigns", found.len()).await?;
    let units: Vec<UnitId> = found.iter().map(|c| c.unit).collect();
    let names = s.organization.names(&units).await?;
    let lang = shell.lang().code();
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found.iter().map(|c| {
        let kind = s
            .kinds
            .get(&c.kind)
            .map_or(c.kind.as_str(), |k| k.name.get(lang));
        vec![
            Cell::Text(c.content.title.clone()),
            Cell::Text(kind.to_owned()),
            Cell::Text(names.get(&c.unit).cloned().unwrap_or_default()),
            c.content.from.into(),
            c.content.to.into(),
            Cell::Text(format!("{}/{}", c.joined, c.joined + c.absent)),
            Cell::Text(shell.t(&format!("campaigns-state-{}", c.state.code()))),
        ]
    });
    let name = shell.t("campaigns-menu");
    let bytes = xlsx(&name, &header, rows)?;
    Ok(web::attachment(web::XLSX, &format!("{name}.xlsx"), bytes))
}
