//! Pages of reports: the list, reading and printing one, its level.

use axum::Form as BodyForm;
use axum::extract::{Path, State as With};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{Error, ReportId, Result, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Crumb;
use web::{Access, Failure, Form, MenuEntry, MenuGroup, Module, Policy, Routes, Shell};

use crate::service::{Saved, State, change_text, period_text};
use crate::store::Filter;
use crate::{READ, Reports, WRITE};

const PAGE: i64 = 20;

/// What the crate brings to the house.
pub fn module(reports: Reports) -> Module {
    let source = crate::searching::Source(reports.clone());
    let routes = Routes::new()
        .get("/reports", Policy::Permission(READ), list)
        .get("/reports/list.xlsx", Policy::Permission(READ), export)
        .get("/reports/{id}", Policy::Permission(READ), show)
        .post("/reports/{id}/level", Policy::Permission(WRITE), set_level)
        .merge(crate::form_page::routes())
        .merge(crate::paper_page::routes())
        .merge(crate::api::routes())
        .with_state(reports);
    Module {
        name: "reports",
        search: vec![std::sync::Arc::new(source)],
        routes,
        menu: vec![MenuEntry {
            group: MenuGroup::Insight,
            order: 20,
            label_key: "menu-reports",
            href: "/reports",
            icon: "file-text",
            permission: Some(READ),
        }],
        messages: vec![
            (web::Lang::Zh, include_str!("../locales/zh-CN/reports.ftl")),
            (web::Lang::En, include_str!("../locales/en/reports.ftl")),
        ],
        templates: vec![
            ("reports/list.html", include_str!("../templates/list.html")),
            ("reports/form.html", include_str!("../templates/form.html")),
            ("reports/show.html", include_str!("../templates/show.html")),
            (
                "reports/paper.html",
                include_str!("../templates/paper.html"),
            ),
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
        ..Module::default()
    }
}

/// What the list can show.
pub(crate) const COLUMNS: [Column; 5] = [
    Column::new("title", "report-title").sorts(),
    Column::new("unit", "unit"),
    Column::new("period", "period").sorts(),
    Column::new("level", "report-level"),
    Column::new("created", "report-created-at").sorts(),
];
/// The newest first.
const USUAL: Order = Order {
    by: "created",
    down: true,
};

fn filter(s: &Reports, asked: &Asked) -> Filter {
    let template = asked.get("template").filter(|t| s.template(t).is_some());
    Filter {
        text: asked.get("q").unwrap_or_default().to_owned(),
        template: template.map(str::to_owned),
        level: asked.get("level").map(str::to_owned),
        drafts: asked.get("drafts").is_some(),
    }
}

/// Drafts are there for those who may write reports, where they may.
fn scope_of<'a>(access: &'a Access, filter: &mut Filter) -> &'a Scope {
    match access.principal.scope(WRITE) {
        Some(scope) if filter.drafts => scope,
        _ => {
            filter.drafts = false;
            &access.scope
        }
    }
}

/// The title of a report in the reader's language.
fn title<'r>(r: &'r Saved, lang: &str) -> &'r str {
    match lang.starts_with("zh") {
        true => &r.body.title.0,
        false => &r.body.title.1,
    }
}

async fn list(
    With(s): With<Reports>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (mut filter, order) = (filter(&s, &asked), Table::order(&COLUMNS, &asked, USUAL));
    let scope = scope_of(&access, &mut filter);
    let mut tx = s.db.read().await?;
    let window = asked.window(PAGE);
    let (found, total) = crate::store::list(&mut tx, scope, &filter, order, window).await?;
    let drafts = match access.principal.scope(WRITE) {
        Some(scope) if s.templates.iter().any(|t| t.schedule.is_some()) => {
            Some(crate::store::drafts::count(&mut tx, scope).await?)
        }
        _ => None,
    };
    let lang = shell.lang().code();
    let named = |code: &str| {
        s.template(code)
            .map_or(code, |t| t.name.get(lang))
            .to_owned()
    };
    let rows: Vec<Value> = found
        .iter()
        .map(|r| {
            json!({
                "href": format!("/reports/{}", r.id), "unit": r.body.unit_name, "title": title(r, lang),
                "level": s.levels.name(&r.level, lang), "template": named(&r.template),
                "period": period_text(r.period, lang), "created_at": r.created_at.minute_text(s.env.zone()),
            })
        })
        .collect();
    let mut chips = Vec::new();
    if let Some(q) = asked.get("q") {
        chips.push(asked.chip("q", q));
    }
    if let Some(template) = &filter.template {
        chips.push(asked.chip("template", named(template)));
    }
    if let Some(level) = &filter.level {
        chips.push(asked.chip("level", s.levels.name(level, lang)));
    }
    if filter.drafts {
        chips.push(asked.chip("drafts", shell.t("report-drafts")));
    }
    let templates: Vec<_> = s
        .templates
        .iter()
        .map(|t| (t.code.as_str(), t.name.get(lang)))
        .collect();
    shell.page(
        "reports/list.html",
        json!({
            "rows": rows, "may_write": access.principal.scope(WRITE).is_some(), "chips": chips, "q": filter.text,
            "template": filter.template, "templates": templates, "pager": asked.pager(total, PAGE),
            "level": filter.level, "levels": s.levels.options(lang), "drafts": drafts, "only_drafts": filter.drafts,
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/reports/list.xlsx")),
        }),
    )
}

async fn export(
    With(s): With<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (mut filter, order) = (filter(&s, &asked), Table::order(&COLUMNS, &asked, USUAL));
    let scope = scope_of(&access, &mut filter);
    let mut tx = s.db.read().await?;
    let found = crate::store::list(&mut tx, scope, &filter, order, Window::EXPORT);
    let (found, total) = found.await?;
    drop(tx);
    Window::fits(total)?;
    identity::tell_list(&s.db, &s.env, &actor, "reports", found.len()).await?;
    let lang = shell.lang().code();
    let header = COLUMNS.map(|c| shell.t(c.label_key));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = found.iter().map(|r| -> Vec<Cell> {
        vec![
            title(r, lang).to_owned().into(),
            r.body.unit_name.clone().into(),
            period_text(r.period, lang).into(),
            s.levels.name(&r.level, lang).to_owned().into(),
            r.created_at.minute_text(s.env.zone()).into(),
        ]
    });
    let name = shell.t("menu-reports");
    let bytes = xlsx(&name, &header, rows)?;
    let name = format!("{name}-{}.xlsx", kernel::format_date(s.env.today()));
    Ok(web::attachment(web::XLSX, &name, bytes))
}

async fn show(
    With(s): With<Reports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.seen(id, &access).await?;
    let context = show_context(&s, &shell, &access, &r, Form::default()).await?;
    shell.page("reports/show.html", context)
}

#[derive(Deserialize)]
struct NewLevel {
    #[serde(default)]
    level: String,
    #[serde(default, rename = "level-reason")]
    reason: String,
}

async fn set_level(
    With(s): With<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    BodyForm(new): BodyForm<NewLevel>,
) -> Result<Response, Failure> {
    let id: ReportId = id.parse().map_err(|_| Error::NotFound)?;
    let set = s.set_level(id, &new.level, &new.reason, &access.scope, &actor);
    match set.await {
        Ok(()) => shell.done(&format!("/reports/{id}"), "report-level-changed"),
        Err(e) => {
            let form = Form::default().with("level-reason", &new.reason);
            let form = form.reject(&shell, e)?;
            let r = s.report(id, &access.scope).await?;
            let context = show_context(&s, &shell, &access, &r, form).await?;
            shell.refused("reports/show.html", context)
        }
    }
}

pub(crate) async fn show_context(
    s: &Reports,
    shell: &Shell,
    access: &Access,
    r: &Saved,
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let zh = lang.starts_with("zh");
    let href = |code: &str| rows_href(r, code);
    let paragraphs = if zh {
        &r.body.paragraphs.0
    } else {
        &r.body.paragraphs.1
    };
    let paragraphs: Vec<Vec<Value>> = paragraphs
        .iter()
        .map(|p| {
            p.iter()
                .map(|s| json!({ "text": s.text, "href": s.figure.as_deref().map(href) }))
                .collect()
        })
        .collect();
    let now = s.figures_now(r).await?;
    let mut changed = Vec::new();
    let mut rows = Vec::new();
    let all = r.body.figures.iter().map(|f| (f, true));
    let others = r.body.others.iter().map(|f| (f, false));
    for (f, in_table) in all.chain(others) {
        let Ok(i) = s.indicators.indicator(&f.code) else {
            continue;
        };
        if in_table {
            rows.push(json!({
                "name": i.name.get(lang), "value": i.say(f, lang), "href": href(&f.code),
                "yoy": change_text(f.yoy, lang).trim(), "definition": i.definition.get(lang),
            }));
        }
        if let Some(current) = now.iter().find(|n| n.code == f.code && n.value != f.value) {
            let (then, now) = (i.say(f, lang), i.say(current, lang));
            changed.push(shell.t_with(
                "report-changed-one",
                &[("name", i.name.get(lang)), ("then", &then), ("now", &now)],
            ));
        }
    }
    let may_level = match access.principal.scope(WRITE) {
        Some(scope) => s.organization.reaches(scope, r.unit).await?,
        None => false,
    };
    let draft = r.state == State::Draft;
    let doubts = match access.principal.scope(WRITE) {
        Some(scope) if draft => s.doubts(r, scope).await?,
        _ => Vec::new(),
    };
    let paper = crate::paper_page::shown(s, shell, r).await?;
    let unit = s.organization.unit(r.unit, &Scope::All).await?;
    let again = format!(
        "/reports/new?template={}&unit={}&from={}&to={}",
        r.template,
        web::encode(&unit.code),
        kernel::format_date(r.period.from),
        kernel::format_date(r.period.to)
    );
    Ok(json!({
            "draft": draft, "doubts": crate::form_page::doubt_texts(shell, &doubts), "paper": paper,
            "again": (may_level && s.template(&r.template).is_some()).then_some(again),
            "form": form, "id": r.id, "may_level": may_level, "level_code": r.level,
            "level": s.levels.name(&r.level, lang), "levels": s.levels.options(lang), "mark": s.levels.mark(&r.level, lang),
            "title": if zh { &r.body.title.0 } else { &r.body.title.1 },
            "unit": r.body.unit_name, "period": period_text(r.period, lang), "as_of": r.as_of,
            "created_at": r.created_at.minute_text(s.env.zone()),
            "created_on": kernel::format_date(r.created_at.date(s.env.zone())),
            "paragraphs": paragraphs, "rows": rows, "changed": changed,
            "docx": format!("/reports/{}/report.docx", r.id), "xlsx": format!("/reports/{}/report.xlsx", r.id),
            "crumbs": [Crumb { label: shell.t("menu-reports"), href: "/reports".into() }],
    }))
}

/// The rows under a figure of a report, as they were.
fn rows_href(r: &Saved, code: &str) -> String {
    format!(
        "/indicators/{code}?unit={}&from={}&to={}&as_of={}",
        r.unit,
        kernel::format_date(r.period.from),
        kernel::format_date(r.period.to),
        r.as_of
    )
}
