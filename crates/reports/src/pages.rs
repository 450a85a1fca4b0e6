//! Pages of reports: the list, making one, reading and printing one.

use axum::Form as BodyForm;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use indicators::{Span, span_of};
use kernel::{Error, Msg, ReportId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::{Asked, Column, Order, Table, Window};
use web::view::Crumb;
use web::{Access, Failure, Form, MenuEntry, MenuGroup, Module, Policy, Routes, Secrecy, Shell};

use crate::service::{Saved, Wanted, change_text, period_text};
use crate::store::Filter;
use crate::{READ, Reports, WRITE};

const PAGE: i64 = 20;

/// What the crate brings to the house.
pub fn module(reports: Reports) -> Module {
    let source = crate::searching::Source(reports.clone());
    let routes = Routes::new()
        .get("/reports", Policy::Permission(READ), list)
        .get("/reports/list.xlsx", Policy::Permission(READ), export)
        .get("/reports/new", Policy::Permission(WRITE), form)
        .get(
            "/reports/unit-options",
            Policy::Permission(WRITE),
            unit_options,
        )
        .post("/reports", Policy::Permission(WRITE), make)
        .get("/reports/{id}", Policy::Permission(READ), show)
        .post("/reports/{id}/level", Policy::Permission(WRITE), set_level)
        .get("/reports/{id}/report.docx", Policy::Permission(READ), docx)
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
        ],
        samples: crate::samples::all(),
        openapi: Some(crate::api::openapi()),
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
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, order) = (filter(&s, &asked), Table::order(&COLUMNS, &asked, USUAL));
    let mut tx = s.db.read().await?;
    let window = asked.window(PAGE);
    let (found, total) = crate::store::list(&mut tx, &access.scope, &filter, order, window).await?;
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
            "level": filter.level, "levels": s.levels.options(lang),
            "table": Table::new(&shell, &COLUMNS, &asked, order, Some("/reports/list.xlsx")),
        }),
    )
}

async fn export(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    asked: Asked,
) -> Result<Response, Failure> {
    let (filter, order) = (filter(&s, &asked), Table::order(&COLUMNS, &asked, USUAL));
    let mut tx = s.db.read().await?;
    let found = crate::store::list(&mut tx, &access.scope, &filter, order, Window::EXPORT);
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

#[derive(Debug, Default, Deserialize, Serialize)]
struct NewReport {
    #[serde(default)]
    id: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    period: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    level: String,
}

/// The units that the form offers while one types.
async fn unit_options(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

impl NewReport {
    fn pairs(&self) -> Vec<(String, String)> {
        let fields = [
            ("id", &self.id),
            ("template", &self.template),
            ("unit", &self.unit),
            ("period", &self.period),
            ("at", &self.at),
            ("level", &self.level),
        ];
        fields.map(|(n, v)| (n.to_owned(), v.clone())).into()
    }
}

fn form_context(s: &Reports, shell: &Shell, form: Form) -> Value {
    let lang = shell.lang().code();
    let templates: Vec<_> = s
        .templates
        .iter()
        .map(|t| (t.code.as_str(), t.name.get(lang)))
        .collect();
    let kinds: Vec<_> = ["month", "quarter", "half", "year"]
        .iter()
        .map(|k| (*k, shell.t(&format!("report-period-{k}"))))
        .collect();
    json!({
        "form": form, "templates": templates, "kinds": kinds, "levels": s.levels.options(lang),
        "crumbs": [Crumb { label: shell.t("menu-reports"), href: "/reports".into() }],
    })
}

async fn form(State(s): State<Reports>, shell: Shell, access: Access) -> Result<Response, Failure> {
    // Most reports are about the whole of what one answers for.
    let today = s.env.today();
    let tree = s.organization.unit_tree(&access.scope, today, None).await?;
    let top = tree.tops().next().map_or("", |unit| unit.code.as_str());
    let first = s.templates.iter().next();
    let usual = first.and_then(|t| t.level.as_deref());
    let level = s.levels.take("", usual);
    let form = Form::default()
        .with("id", s.env.new_id::<ReportId>())
        .with("template", first.map_or("", |t| t.code.as_str()))
        .with("level", level.map_or("", |l| l.code.as_str()))
        .with("unit", top)
        .with("period", "year")
        .with("at", kernel::format_date(today));
    let context = form_context(&s, &shell, form);
    shell.page("reports/form.html", context)
}

async fn make(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    BodyForm(new): BodyForm<NewReport>,
) -> Result<Response, Failure> {
    let id: ReportId = new.id.parse().map_err(|_| Error::NotFound)?;
    let unit = match new.unit.trim() {
        "" => Err(Error::field("unit", Msg::new("report-unit-missing"))),
        unit => {
            s.organization
                .unit_picked("unit", unit, &access.scope)
                .await
        }
    };
    let result = match (kernel::parse_date(&new.at), unit) {
        (None, _) => Err(Error::field("at", Msg::new("report-date-wrong"))),
        (Some(at), _) if at > s.env.today() => {
            Err(Error::field("at", Msg::new("report-in-future")))
        }
        (_, Err(error)) => Err(error),
        (Some(at), Ok(unit)) => {
            let span = Span {
                period: Some(new.period.clone()),
                at: Some(kernel::format_date(at)),
                ..Span::default()
            };
            let (period, _) = span_of(&span, s.env.today());
            let wanted = Wanted {
                id,
                template: new.template.clone(),
                unit: unit.id,
                period,
                level: new.level.clone(),
            };
            s.draft(&wanted, &access.scope, &actor).await
        }
    };
    let result = match result {
        Ok(drafted) => {
            // What the sentences say once the figures and names stand in them.
            let mut found = Vec::new();
            let (zh, en) = &drafted.body.paragraphs;
            let (zh_title, en_title) = &drafted.body.title;
            for text in [zh_title, en_title, &drafted.body.unit_name] {
                secrecy.look(text, &mut found);
            }
            for paragraph in zh.iter().chain(en) {
                let text: String = paragraph.iter().map(|s| s.text.as_str()).collect();
                secrecy.look(&text, &mut found);
            }
            if secrecy.asks(&found) {
                return secrecy.ask(&found, &new.pairs(), false);
            }
            secrecy.keep(&found).await?;
            s.keep(&drafted, &actor).await
        }
        Err(e) => Err(e),
    };
    match result {
        Ok(id) => shell.done(&format!("/reports/{id}"), "report-made"),
        Err(e) => {
            let form = Form::of(&new).reject(&shell, e)?;
            let context = form_context(&s, &shell, form);
            shell.refused("reports/form.html", context)
        }
    }
}

async fn show(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let r = s.report(id, &access.scope).await?;
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
    State(s): State<Reports>,
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

async fn show_context(
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
    for f in &r.body.figures {
        let Ok(i) = s.indicators.indicator(&f.code) else {
            continue;
        };
        rows.push(json!({
            "name": i.name.get(lang), "value": i.print(f.value, lang), "href": href(&f.code),
            "yoy": change_text(f.yoy, lang).trim(), "definition": i.definition.get(lang),
        }));
        if let Some(current) = now.iter().find(|n| n.code == f.code && n.value != f.value) {
            let (then, now) = (i.print(f.value, lang), i.print(current.value, lang));
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
    Ok(json!({
            "form": form, "id": r.id, "may_level": may_level, "level_code": r.level,
            "level": s.levels.name(&r.level, lang), "levels": s.levels.options(lang), "mark": s.levels.mark(&r.level, lang),
            "title": if zh { &r.body.title.0 } else { &r.body.title.1 },
            "unit": r.body.unit_name, "period": period_text(r.period, lang), "as_of": r.as_of,
            "created_at": r.created_at.minute_text(s.env.zone()),
            "created_on": kernel::format_date(r.created_at.date(s.env.zone())),
            "paragraphs": paragraphs, "rows": rows, "changed": changed,
            "docx": format!("/reports/{}/report.docx", r.id),
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

async fn docx(
    State(s): State<Reports>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let r = s
        .report(id.parse().map_err(|_| Error::NotFound)?, &access.scope)
        .await?;
    let bytes = s.docx(&r, shell.lang().code(), &|key| shell.t(key))?;
    // What leaves the program leaves a trace.
    let entry = actor.audit(
        "report.exported",
        ("report", r.id),
        json!({ "level": r.level }),
    );
    db::transaction!(s.db, |tx| identity::record(tx, &s.env, &entry).await)?;
    let name = web::encode(&format!(
        "{}.docx",
        if shell.lang() == web::Lang::Zh {
            &r.body.title.0
        } else {
            &r.body.title.1
        }
    ));
    Ok((
        [
            (
                header::CONTENT_TYPE,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
                    .to_owned(),
            ),
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"report.docx\"; filename*=UTF-8''{name}"),
            ),
        ],
        bytes,
    )
        .into_response())
}
