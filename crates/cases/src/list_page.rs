//! Cases in lists (清单): problems, duties, what is closed; by stage, unit, kind; what is done to several at once.

use axum::Form as Body;
use axum::extract::State as Shared;
use axum::response::Response;
use jiff::ToSpan;
use kernel::words::Words;
use kernel::{Date, Id, PersonId, Result, UnitId, format_date};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table};
use web::view::Chip;
use web::{Access, Failure, Shell};

use crate::RAISE;
use crate::case::Act;
use crate::kind::{Choice, Kind, Stage};
use crate::model::{Eyes, Filter, Matter, Tab, View};
use crate::pages::{actor_of, due_tag, tag};
use crate::service::{Cases, Said};
use crate::store;

const PAGE: i64 = 20;
pub(crate) const PLACE: &str = "/cases";
pub(crate) const SHEET: &str = "/cases/list.xlsx";
/// Days that are soon.
const SOON: i64 = 7;
/// Cases that something is done to at once.
const BATCH: usize = 200;

/// What the list can show.
pub(crate) const COLUMNS: [Column; 10] = [
    Column::new("number", "cases-title").sorts(),
    Column::new("kind", "cases-kind").on_demand(),
    Column::new("area", "cases-area").on_demand(),
    Column::new("source", "cases-source").on_demand(),
    Column::new("unit", "cases-unit"),
    Column::new("supervisor", "cases-supervisor").on_demand(),
    Column::new("state", "cases-state"),
    Column::new("raised", "cases-raised").on_demand(),
    Column::new("due", "cases-until").sorts(),
    Column::new("closed", "cases-closed").sorts().on_demand(),
];

/// Days since cases were raised, from and to, by which those that are long open are told apart (长期未结).
pub(crate) const AGES: [(i64, i64); 5] = [(0, 30), (31, 60), (61, 90), (91, 180), (181, 36_500)];

/// An age in an address.
pub(crate) fn age_code((from, to): (i64, i64)) -> String {
    format!("{from}-{to}")
}

/// The days on which cases of an age were raised.
pub(crate) fn raised_in((from, to): (i64, i64), today: Date) -> (Date, Date) {
    (
        today.saturating_sub(to.days()),
        today.saturating_sub(from.days()),
    )
}

/// What an address asks for, as far as its reader may.
pub(crate) struct Wanted {
    pub(crate) tab: Tab,
    pub(crate) filter: Filter,
    pub(crate) eyes: Eyes,
    pub(crate) order: Order,
    unit: Option<(String, String)>,
    words: String,
}

/// The values of a vocabulary that any kind has, each once.
pub(crate) fn all_values<'s>(
    s: &'s Cases,
    list: impl Fn(&'s Kind) -> &'s [Choice],
) -> Vec<&'s Choice> {
    let mut all: Vec<&Choice> = Vec::new();
    for choice in s.kinds.iter().flat_map(list) {
        if !all.iter().any(|c| c.code == choice.code) {
            all.push(choice);
        }
    }
    all
}

impl Wanted {
    pub(crate) async fn read(s: &Cases, access: &Access, asked: &Asked) -> Result<Self> {
        let eyes = Eyes::from(access);
        let given = |name| asked.get(name).unwrap_or_default();
        let looks = !eyes.reads.is_empty();
        let tab =
            Tab::from_code(given("tab")).unwrap_or(if looks { Tab::Unit } else { Tab::Owned });
        let view = View::from_code(given("view")).unwrap_or_default();
        let unit = match given("unit") {
            "" => None,
            // A unit that is not there must not show, or take out, what was not asked for.
            text => Some(
                s.organization
                    .unit_picked("unit", text, &eyes.reads)
                    .await?,
            ),
        };
        let today = s.env.today();
        let words = given("q").trim().to_owned();
        // Cases of units are found by the search; those in which one has a part are few.
        let (mut ids, mut text) = (None, None);
        if !words.is_empty() {
            if tab.part().is_some() {
                text = Some(words.clone());
            } else {
                let mut tx = s.db.read().await?;
                let asked = Words::new(&words);
                ids = Some(store::list::found(&mut tx, &asked, &eyes.reads).await?);
            }
        }
        let (by, down) = match view {
            View::Closed => ("closed", true),
            View::All => ("number", true),
            _ => ("due", false),
        };
        Ok(Self {
            filter: Filter {
                view,
                stage: Stage::from_code(given("stage")),
                kind: s
                    .kinds
                    .get(given("kind"))
                    .map_or_else(String::new, |k| k.code.clone()),
                area: given("area").to_owned(),
                severity: given("severity").to_owned(),
                source: given("source").to_owned(),
                unit: unit.as_ref().map(|u| u.id),
                late: (given("late") == "1").then_some(today),
                soon: (given("soon") == "1").then(|| (today, today.saturating_add(SOON.days()))),
                raised: AGES
                    .into_iter()
                    .find(|age| age_code(*age) == given("age"))
                    .map(|age| raised_in(age, today)),
                recurring: given("recurring") == "1",
                looking: given("looking") == "1",
                ids,
                text,
            },
            unit: unit.map(|u| (u.code, u.name)),
            tab,
            eyes,
            words,
            order: Order { by, down },
        })
    }
}

/// Rows of a list; names are asked once.
pub(crate) async fn rows(s: &Cases, shell: &Shell, list: &[Matter]) -> Result<Vec<Value>> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let units: Vec<UnitId> = list.iter().map(|m| m.unit).collect();
    let people: Vec<PersonId> = list
        .iter()
        .flat_map(|m| [m.owner, m.supervisor])
        .flatten()
        .collect();
    let units = s.organization.names(&units).await?;
    let people = s.organization.person_names(&people).await?;
    let mut tx = s.db.read().await?;
    let kinds = s
        .rules(&mut tx, list.iter().map(|m| m.rule.as_str()))
        .await?;
    drop(tx);
    let name = |id: Option<PersonId>| id.and_then(|id| people.get(&id));
    let row = |m: &Matter| {
        let kind = kinds.get(&m.rule)?;
        let at = Stage::ALL.iter().position(|st| *st == m.stage).unwrap_or(0);
        let segs: Vec<&str> = (0..4)
            .map(|n| match n {
                _ if n < at => "d",
                _ if n == at && m.is_late(today) => "x",
                _ if n == at => "a",
                _ => "",
            })
            .collect();
        Some(json!({
            "id": m.id, "href": m.href(), "number": m.number, "title": m.title, "kind": kind.name.get(lang),
            "severity": kind.severity_name(&m.severity, lang), "area": kind.area_name(&m.area, lang),
            "source": kind.source_name(&m.source, lang), "unit": units.get(&m.unit), "owner": name(m.owner),
            "supervisor": name(m.supervisor), "tag": tag(kind, &m.state, lang), "segs": segs, "stage": shell.t(&format!("cases-stage-{}", m.stage.code())),
            "measures": (m.measures > 0).then(|| format!("{}/{}", m.done, m.measures)), "raised": format_date(m.raised_on),
            "until": format_date(m.until), "due_tag": due_tag(shell, m, today), "closed": m.closed_on.map(format_date),
            "extensions": m.extensions, "recurred": m.recurred, "looking": m.looking, "declared": m.declared,
            "state_open": m.end.is_none(),
        }))
    };
    Ok(list.iter().filter_map(row).collect())
}

pub(crate) async fn list(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    show(&s, &shell, &access, &asked, None).await
}

async fn show(
    s: &Cases,
    shell: &Shell,
    access: &Access,
    asked: &Asked,
    outcome: Option<Value>,
) -> Result<Response, Failure> {
    let wanted = Wanted::read(s, access, asked).await?;
    let order = Table::order(&COLUMNS, asked, wanted.order);
    let (total, found) = s
        .list(
            wanted.tab,
            &wanted.filter,
            &wanted.eyes,
            order,
            asked.window(PAGE),
        )
        .await?;
    let rows = rows(s, shell, &found).await?;
    let lang = shell.lang().code();
    let f = &wanted.filter;
    let looks = !wanted.eyes.reads.is_empty();
    let tabs = Tab::ALL.into_iter().filter(|t| looks || t.part().is_some());
    let tabs: Vec<Value> = tabs
        .map(|t| {
            json!([
                t.code(),
                shell.t(&format!("cases-tab-{}", t.code())),
                asked.with("tab", t.code())
            ])
        })
        .collect();
    let views: Vec<Value> = View::ALL
        .iter()
        .map(|v| {
            json!([
                v.code(),
                shell.t(&format!("cases-view-{}", v.code())),
                asked.with("view", v.code())
            ])
        })
        .collect();
    // The funnel above the list: how many stand in each stage, whatever stage is chosen.
    let mut stages = Vec::new();
    if wanted.tab == Tab::Unit {
        let counts = s.counts(&wanted.eyes, f).await?;
        for stage in Stage::ALL {
            let n = counts
                .iter()
                .find(|(st, _)| *st == stage)
                .map_or(0, |(_, n)| *n);
            let view = if stage == Stage::Closed {
                View::Closed
            } else {
                View::Problems
            };
            let href = Asked::read(&asked.with("stage", stage.code())).with("view", view.code());
            let code = stage.code();
            let icon = match stage {
                Stage::Point => "bulb",
                Stage::Cause => "search",
                Stage::Solve => "tool",
                Stage::Check => "clipboard-check",
                Stage::Closed => "circle-check",
            };
            stages.push(json!({
                "code": code, "name": shell.t(&format!("cases-stage-{code}")), "icon": icon,
                "note": shell.t(&format!("cases-stage-note-{code}")), "n": n, "href": href,
            }));
        }
    }
    let named = |list: Vec<&Choice>| -> Vec<(String, String)> {
        list.into_iter()
            .map(|c| (c.code.clone(), c.name.get(lang).to_owned()))
            .collect()
    };
    let areas = named(all_values(s, |k| &k.areas));
    let sources = named(all_values(s, |k| &k.sources));
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let mut chips: Vec<Chip> = Vec::new();
    if let Some(stage) = f.stage {
        chips.push(asked.chip("stage", shell.t(&format!("cases-stage-{}", stage.code()))));
    }
    if let Some((_, name)) = kinds.iter().find(|(code, _)| *code == f.kind) {
        chips.push(asked.chip("kind", *name));
    }
    for (field, list, value) in [("area", &areas, &f.area), ("source", &sources, &f.source)] {
        if let Some((_, name)) = list.iter().find(|(code, _)| code == value) {
            chips.push(asked.chip(field, name.clone()));
        }
    }
    if let Some((_, name)) = &wanted.unit {
        chips.push(asked.chip("unit", name.clone()));
    }
    if !wanted.words.is_empty() {
        chips.push(asked.chip("q", wanted.words.clone()));
    }
    for (field, on) in [
        ("late", f.late.is_some()),
        ("soon", f.soon.is_some()),
        ("recurring", f.recurring),
        ("looking", f.looking),
    ] {
        if on {
            chips.push(asked.chip(field, shell.t(&format!("cases-only-{field}"))));
        }
    }
    let may_batch = wanted.eyes.supervises != kernel::Scope::nothing()
        && rows.iter().any(|r| r["state_open"] == json!(true));
    let context = json!({
        "rows": rows, "tab": wanted.tab.code(), "tabs": tabs, "view": f.view.code(), "views": views, "stages": stages,
        "stage": f.stage.map(Stage::code), "kinds": kinds, "kind": f.kind, "areas": areas, "area": f.area, "sources": sources,
        "source": f.source, "unit": wanted.unit, "late": f.late.is_some(), "soon": f.soon.is_some(),
        "recurring": f.recurring, "looking": f.looking, "q": wanted.words, "chips": chips,
        "clear": format!("{PLACE}?tab={}&view={}", wanted.tab.code(), f.view.code()),
        "may_evaluate": access.principal.scope(crate::SUPERVISE).is_some(),
        "may_raise": access.principal.scope(RAISE).is_some(), "may_batch": may_batch, "outcome": outcome,
        "more": (total > store::list::COUNTED && !f.is_counted()), "here": asked.here(), "wall": asked.filtered("/cases/wall"),
        "table": Table::new(shell, &COLUMNS, asked, order, Some(SHEET)), "pager": asked.pager(total, PAGE),
    });
    shell.page("cases/list.html", context)
}

/// Assigns or presses for several cases; says of each whether it was done.
pub(crate) async fn batch(
    Shared(s): Shared<Cases>,
    shell: Shell,
    access: Access,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.as_str())
    };
    let picked: Vec<Id> = pairs
        .iter()
        .filter(|(n, _)| n == "pick")
        .filter_map(|(_, v)| v.parse().ok())
        .take(BATCH)
        .collect();
    let (eyes, actor) = (Eyes::from(&access), actor_of(&access));
    let asked = Asked::read(value("back")).at(PLACE);
    let scope = Cases::named_in(&access, None);
    let said = Said {
        text: value("text").to_owned(),
        ..Said::default()
    };
    let people = async {
        let owner = s.person("owner", value("owner"), &scope).await?;
        let supervisor = s.person("supervisor", value("supervisor"), &scope).await?;
        Ok::<_, kernel::Error>((owner, supervisor))
    };
    let (mut done, mut problems) = (0, Vec::new());
    match people.await {
        Err(kernel::Error::Invalid(errors)) => {
            problems.extend(errors.iter().map(|e| shell.text(&e.message)))
        }
        Err(error) => return Err(error.into()),
        Ok((owner, supervisor)) => {
            for id in picked {
                let w = s.case(id, &eyes).await?;
                let act = match value("act") {
                    "assign" => Act::Assigned {
                        unit: w.matter.unit,
                        owner: owner.or(w.case.owner),
                        co: w.case.co.iter().copied().collect(),
                        supervisor: supervisor.or(w.matter.supervisor),
                    },
                    _ => Act::Urged,
                };
                match s.act(id, &act, &said, &eyes, &actor).await {
                    Ok(()) => done += 1,
                    Err(error) => {
                        let why = match &error {
                            kernel::Error::Conflict(message) => shell.text(message),
                            kernel::Error::Invalid(errors) => errors
                                .first()
                                .map_or(String::new(), |e| shell.text(&e.message)),
                            kernel::Error::Forbidden => shell.t("cases-batch-forbidden"),
                            _ => return Err(error.into()),
                        };
                        problems.push(format!("{} {why}", w.matter.number));
                    }
                }
            }
        }
    }
    let outcome = json!({ "text": shell.t_with("cases-batch-done", &[("done", &done.to_string()), ("left", &problems.len().to_string())]),
        "problems": problems, "good": problems.is_empty() });
    show(&s, &shell, &access, &asked, Some(outcome)).await
}
