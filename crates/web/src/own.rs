//! The web kit's own pages: preferences (显示设置), API description, component sheet (组件样张).

use axum::Form as Posted;
use axum::Json;
use axum::extract::Query;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::shell::{SIZES, THEMES};
use crate::table::{Asked, Column, Order, Table};
use crate::view::{Chip, Crumb, Day, Delta, Event, Kpi, Pager, Step, StepState, Tag, Tone};
use crate::{
    Failure, Form, FormError, Lang, Module, Policy, Routes, Shell, safe_next, searching, secrecy,
};

pub(crate) const NAME: &str = "web";

/// What the web kit itself brings.
pub(crate) fn module() -> Module {
    Module {
        name: NAME,
        routes: Routes::new()
            .post("/preferences", Policy::Public, preferences)
            .get("/openapi.json", Policy::Public, openapi)
            .get("/styleguide", Policy::SignedIn, styleguide)
            .get("/styleguide/look", Policy::SignedIn, look)
            .get("/styleguide/options", Policy::SignedIn, options)
            .merge(searching::routes()),
        menu: Vec::new(),
        messages: vec![
            (Lang::Zh, include_str!("../locales/zh-CN/web.ftl")),
            (Lang::En, include_str!("../locales/en/web.ftl")),
        ],
        templates: vec![
            ("layout.html", include_str!("../templates/layout.html")),
            (
                "components.html",
                include_str!("../templates/components.html"),
            ),
            ("error.html", include_str!("../templates/error.html")),
            (
                "styleguide.html",
                include_str!("../templates/styleguide.html"),
            ),
            (
                "styleguide-look.html",
                include_str!("../templates/styleguide-look.html"),
            ),
            (
                "styleguide-one.html",
                include_str!("../templates/styleguide-one.html"),
            ),
            (
                "styleguide-options.html",
                include_str!("../templates/styleguide-options.html"),
            ),
            ("search.html", include_str!("../templates/search.html")),
            ("secrecy.html", include_str!("../templates/secrecy.html")),
        ],
        samples: [searching::samples(), secrecy::samples(), samples()].concat(),
        openapi: Some(searching::openapi()),
        ..Module::default()
    }
}

fn samples() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        (
            "styleguide.html",
            json!(Sheet::new(
                &|key: &str| key.to_owned(),
                json!(Table::sample_with(&COLUMNS))
            )),
        ),
        ("styleguide-look.html", json!({})),
        ("styleguide-one.html", json!({})),
        (
            "styleguide-options.html",
            json!({ "options": [["a", "x"]] }),
        ),
        (
            "error.html",
            json!({
                "status": 500, "title": "Title", "text": "Text", "number": "8F2C1021",
                "fields": [["title", "Wrong"]], "sign_in": "/sign-in?next=/",
            }),
        ),
        (
            "error.html",
            json!({
                "status": 404, "title": "Title", "text": "Text", "number": null,
                "fields": [], "sign_in": null,
            }),
        ),
    ]
}

#[derive(Deserialize)]
struct Chosen {
    lang: Option<String>,
    size: Option<String>,
    theme: Option<String>,
    next: Option<String>,
}

/// Sets what was chosen, leaves the rest, goes back to where the reader was.
async fn preferences(shell: Shell, Posted(chosen): Posted<Chosen>) -> Result<Response, Failure> {
    const YEAR: u32 = 365 * 24 * 3600;
    let mut response = shell.redirect(safe_next(chosen.next.as_deref()))?;
    let known = |value: Option<String>, all: &[&'static str]| {
        value.and_then(|v| all.iter().find(|a| **a == v).copied())
    };
    let lang = chosen
        .lang
        .as_deref()
        .and_then(Lang::from_code)
        .map(Lang::code);
    let settings = [
        ("lang", lang),
        ("size", known(chosen.size, &SIZES)),
        ("theme", known(chosen.theme, &THEMES)),
    ];
    for (name, value) in settings {
        if let Some(value) = value {
            shell.set_cookie(&mut response, name, value, YEAR);
        }
    }
    Ok(response)
}

async fn openapi(shell: Shell) -> Json<serde_json::Value> {
    Json(shell.openapi().clone())
}

/// What the table of the sheet can show.
const COLUMNS: [Column; 5] = [
    Column::new("unit", "sheet-unit").sorts(),
    Column::new("attendance", "sheet-kpi-attendance")
        .sorts()
        .number(),
    Column::new("people", "sheet-people").number(),
    Column::new("state", "sheet-state"),
    Column::new("duty", "sheet-duty").on_demand(),
];

async fn styleguide(shell: Shell, asked: Asked) -> Result<Response, Failure> {
    let usual = Order {
        by: "attendance",
        down: true,
    };
    let order = Table::order(&COLUMNS, &asked, usual);
    let table = Table::new(&shell, &COLUMNS, &asked, order, Some("/styleguide"));
    let mut sheet = Sheet::new(&|key: &str| shell.t(key), json!(table));
    if (order.by, order.down) != (usual.by, usual.down) {
        sheet.rows.reverse();
    }
    shell.page("styleguide.html", sheet)
}

/// A record of the sheet: a page, or the part of it that the drawer shows.
async fn look(shell: Shell) -> Result<Response, Failure> {
    if shell.is_htmx() {
        return shell.partial("styleguide-look.html", json!({}));
    }
    shell.page("styleguide-one.html", json!({}))
}

#[derive(Deserialize)]
struct Picking {
    #[serde(default)]
    picked: String,
}

/// What the picker of the sheet offers.
async fn options(shell: Shell, Query(typed): Query<Picking>) -> Result<Response, Failure> {
    let units = [("a", "sheet-unit-a"), ("b", "sheet-unit-b")];
    let named = units.map(|(code, key)| (code, shell.t(key)));
    let fits = |(code, name): &&(&str, String)| {
        name.contains(typed.picked.trim()) || code.starts_with(typed.picked.trim())
    };
    let options: Vec<_> = named.iter().filter(fits).collect();
    shell.partial("styleguide-options.html", json!({ "options": options }))
}

/// Context of the component sheet: one of each, in made-up figures.
#[derive(Serialize)]
struct Sheet {
    crumbs: Vec<Crumb>,
    kpis: Vec<Kpi>,
    tags: Vec<Tag>,
    chips: Vec<Chip>,
    form: Form,
    steps: Vec<Step>,
    events: Vec<Event>,
    days: Vec<Day>,
    pager: Pager,
    table: serde_json::Value,
    rows: Vec<serde_json::Value>,
    tree: serde_json::Value,
}

impl Sheet {
    fn new(t: &dyn Fn(&str) -> String, table: serde_json::Value) -> Self {
        let here = "/styleguide".to_owned();
        let delta = |direction, good, text: &str| Delta {
            label: t("sheet-year-on-year"),
            text: t(text),
            direction,
            good,
        };
        let kpi = |label: &str, value: &str, unit: &str, delta: Delta, trend: &[f64]| Kpi {
            label: t(label),
            value: Some(value.to_owned()),
            unit: unit.to_owned(),
            href: Some(here.clone()),
            definition: Some(t("sheet-definition")),
            as_of: Some("2026-10-21 06:00".to_owned()),
            target: Some("95%".to_owned()),
            delta: Some(delta),
            trend: trend.to_vec(),
            declared: false,
        };
        let tag = |key: &str, tone, icon| Tag {
            text: t(key),
            tone,
            icon,
        };
        let step = |key: &str, note: &str, state| Step {
            label: t(key),
            note: note.to_owned(),
            state,
        };
        let event = |key: &str, at: &str, quote: Option<&str>, state| Event {
            title: t(key),
            at: at.to_owned(),
            quote: quote.map(t),
            state,
        };
        let wrong = |field: &str, key: &str| FormError {
            field: field.to_owned(),
            text: t(key),
        };
        let list = vec![
            wrong("problem", "sheet-problem-missing"),
            wrong("due", "sheet-due-past"),
        ];
        let errors = list
            .iter()
            .map(|e| (e.field.clone(), e.text.clone()))
            .collect();
        let form = Form {
            errors,
            list,
            ..Form::default()
        };
        let row = |code: &str, name: &str, attendance: f64, people, bar: &str, tag: &Tag| {
            json!({
                "code": code, "name": t(name), "attendance": attendance, "people": people, "tone": bar, "tag": tag,
            })
        };
        let rows = vec![
            row(
                "ZG-2026-0187",
                "sheet-unit-a",
                97.8,
                3218,
                "ok",
                &tag("sheet-tag-done", Tone::Ok, Some("check")),
            ),
            row(
                "ZG-2026-0172",
                "sheet-unit-b",
                61.0,
                1615,
                "bad",
                &tag("sheet-tag-late", Tone::Bad, Some("alert-triangle")),
            ),
        ];
        let node = |name: &str, level: u8, open: bool, current: bool, note: &str| {
            json!({
                "name": t(name), "href": here, "level": level, "open": open, "current": current,
                "has_children": open || level == 2, "note": note, "more": null,
            })
        };
        let mut rest = node("sheet-unit-b", 2, false, false, "");
        rest["more"] = json!(t("sheet-tree-rest"));
        let tree = json!([
            node("sheet-all-units", 1, true, false, "12,846"),
            node("sheet-unit-a", 2, true, true, "3,218"),
            node("sheet-unit-b", 3, false, false, "1,615"),
            rest,
        ]);
        Self {
            table,
            rows,
            tree,
            crumbs: vec![Crumb {
                label: t("home"),
                href: "/".to_owned(),
            }],
            kpis: vec![
                kpi(
                    "sheet-kpi-attendance",
                    "94.6",
                    "%",
                    delta(1, Some(true), "sheet-delta-attendance"),
                    &[88.0, 90.0, 89.0, 91.0, 92.0, 93.0, 94.6],
                ),
                kpi(
                    "sheet-kpi-pass",
                    "97.1",
                    "%",
                    delta(-1, Some(false), "sheet-delta-pass"),
                    &[98.0, 97.8, 98.1, 97.6, 97.4, 97.1],
                ),
                kpi(
                    "sheet-kpi-late",
                    "7",
                    "",
                    delta(-1, Some(true), "sheet-delta-late"),
                    &[12.0, 11.0, 13.0, 9.0, 8.0, 7.0],
                ),
                Kpi {
                    label: t("sheet-kpi-declared"),
                    value: Some("12,846".to_owned()),
                    declared: true,
                    ..Kpi::default()
                },
                Kpi {
                    label: t("sheet-kpi-computing"),
                    ..Kpi::default()
                },
            ],
            tags: vec![
                tag("sheet-tag-done", Tone::Ok, Some("check")),
                tag("sheet-tag-open", Tone::Brand, None),
                tag("sheet-tag-soon", Tone::Warn, Some("clock")),
                tag("sheet-tag-late", Tone::Bad, Some("alert-triangle")),
                tag("sheet-tag-draft", Tone::Plain, None),
            ],
            chips: vec![Chip {
                label: t("sheet-chip"),
                without: here.clone(),
            }],
            form: form.with("due", "2026-10-01").with("unit", "b"),
            steps: vec![
                step("sheet-step-plan", "08-12", StepState::Done),
                step("sheet-step-do", "08-30", StepState::Done),
                step("sheet-step-check", "10-24", StepState::Now),
                step("sheet-step-close", "11-05", StepState::Wait),
            ],
            events: vec![
                event("sheet-event-sent", "10-20 09:12", None, StepState::Done),
                event(
                    "sheet-event-late",
                    "10-14 09:05",
                    Some("sheet-event-quote"),
                    StepState::Bad,
                ),
                event("sheet-event-now", "10-21 08:40", None, StepState::Now),
                event("sheet-event-wait", "", None, StepState::Wait),
            ],
            days: (0..26 * 7)
                .map(|i: u32| Day {
                    label: i.to_string(),
                    level: if i % 7 > 4 { 0 } else { (i * 7 % 11 / 2) as u8 },
                })
                .collect(),
            pager: Pager::new(412, 20, 3, |n| format!("/styleguide?page={n}")),
        }
    }
}
