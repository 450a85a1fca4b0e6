//! Pages of random samples: drawing one, all that were drawn, and one of them with its proof.

use axum::Form as Posted;
use axum::extract::{Path, State as Ax};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::table::Asked;
use web::view::Crumb;
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::draw::{Draw, Wanted, period, seed_of, seed_text};
use crate::{Obligations, READ};

const LIST: &str = "/obligations/draws";
const PAGE: i64 = 50;

pub(crate) fn routes() -> Routes<Obligations> {
    let read = Policy::Permission(READ);
    Routes::new()
        .get(LIST, read, list)
        .post(LIST, read, make)
        .get("/obligations/draws/{id}", read, show)
        .get("/obligations/draws/{id}/records.txt", read, records)
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Typed {
    rule: String,
    unit: String,
    from: String,
    to: String,
    n: String,
}

fn href(id: Id) -> String {
    format!("{LIST}/{id}")
}

async fn page(
    s: &Obligations,
    shell: &Shell,
    access: &Access,
    (at, typed): (&Asked, &Typed),
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    // A form where a rule and a unit are named.
    let about = match (s.rules.get(&typed.rule), typed.unit.parse::<UnitId>()) {
        (Some(rule), Ok(unit)) => {
            let unit = s.organization.unit(unit, &access.scope).await?;
            Some(json!({ "rule": rule.name.get(lang), "unit": unit.name }))
        }
        _ => None,
    };
    let (found, total) = s.draws(&access.scope, at.window(PAGE)).await?;
    let units: Vec<UnitId> = found.iter().map(|d| d.wanted.unit).collect();
    let units = s.organization.names(&units).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(|d| {
            json!({ "href": href(d.id), "rule": s.rule_name(&d.wanted.rule, lang).unwrap_or_else(|| d.wanted.rule.clone()),
                "unit": units.get(&d.wanted.unit), "from": format_date(d.wanted.period.from), "to": format_date(d.wanted.period.to),
                "records": d.records, "picked": d.picked.len(), "at": d.at.minute_text(s.env.zone()) })
        })
        .collect();
    Ok(json!({
        "about": about, "code": typed.rule, "unit": typed.unit, "form": form, "rows": rows, "pager": at.pager(total, PAGE),
        "crumbs": [Crumb { label: shell.t("menu-obligations"), href: "/obligations".into() }],
    }))
}

async fn list(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    at: Asked,
) -> Result<Response, Failure> {
    let today = s.env.today();
    let text = |name| at.get(name).unwrap_or_default().to_owned();
    let typed = Typed {
        rule: text("rule"),
        unit: text("unit"),
        from: format_date(today.first_of_year()),
        to: format_date(today),
        n: "5".into(),
    };
    let form = Form::of(&typed);
    let context = page(&s, &shell, &access, (&at, &typed), form).await?;
    shell.page("obligations/draws.html", context)
}

async fn make(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Posted(typed): Posted<Typed>,
) -> Result<Response, Failure> {
    let drawn = async {
        let unit: UnitId = typed.unit.parse().map_err(|_| Error::NotFound)?;
        let period = period(parse_date(&typed.from), parse_date(&typed.to));
        let period = period.ok_or_else(|| Error::field("to", Msg::new("obligation-date")))?;
        let wanted = Wanted {
            rule: typed.rule.clone(),
            unit,
            period,
            n: typed.n.trim().parse().unwrap_or(0),
        };
        s.sample(wanted, &access.scope, actor).await
    };
    match drawn.await {
        Ok(d) => shell.done(&href(d.id), "draw-done"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let at = Asked::new(LIST, []);
            let context = page(&s, &shell, &access, (&at, &typed), form).await?;
            shell.refused("obligations/draws.html", context)
        }
    }
}

async fn one(s: &Obligations, access: &Access, id: &str) -> Result<Draw> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.drawn(id, &access.scope).await
}

async fn show(
    Ax(s): Ax<Obligations>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (lang, d) = (shell.lang().code(), one(&s, &access, &id).await?);
    let rule = s.rule(&d.wanted.rule).ok();
    let facts = match rule {
        Some(rule) => s.facts_of(rule, &d.picked).await?,
        None => Default::default(),
    };
    let known: Vec<_> = facts.values().cloned().collect();
    let titles = {
        let mut tx = s.db.read().await?;
        s.sources.titles(&mut tx, &known).await?
    };
    let rows: Vec<Value> = d
        .picked
        .iter()
        .map(|id| {
            let fact = facts.get(id);
            let source = fact.and_then(|f| s.sources.of(&f.kind));
            json!({ "id": id, "title": titles.get(id), "date": fact.map(|f| format_date(f.date)),
                "href": fact.and_then(|f| Some(source?.href(f))) })
        })
        .collect();
    let same = s.repeats(&d).await?;
    let text = seed_text(d.log, d.size, &d.root, &d.wanted);
    let unit = s.organization.names(&[d.wanted.unit]).await?;
    let name = rule.map_or(d.wanted.rule.as_str(), |r| r.name.get(lang));
    shell.page(
        "obligations/draw.html",
        json!({
            "rule": name, "unit": unit.get(&d.wanted.unit), "from": format_date(d.wanted.period.from), "to": format_date(d.wanted.period.to),
            "records": d.records, "rows": rows, "at": d.at.minute_text(s.env.zone()), "size": d.size, "root": d.root,
            "seed": hex::encode(seed_of(&text)), "text": text, "digest": d.digest, "same": same,
            "list": format!("{}/records.txt", href(d.id)),
            "pack": access.principal.scope(crate::PACK).map(|_| format!("/obligations/packs?draw={}", d.id)),
            "crumbs": [Crumb { label: shell.t("draws-title"), href: LIST.into() }],
        }),
    )
}

/// The ids of all records, one a line, as their digest was made.
async fn records(
    Ax(s): Ax<Obligations>,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let d = one(&s, &access, &id).await?;
    let ids = s.records_of(&d).await?;
    let text: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"records.txt\"",
        ),
    ];
    Ok((headers, text).into_response())
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let pager = web::view::Pager::new(1, 50, 1, |n| format!("?page={n}"));
    let row = json!({ "href": "/obligations/draws/1", "rule": "r", "unit": "法治科", "from": "2026-01-01", "to": "2026-06-30",
        "records": 9, "picked": 5, "at": "2026-07-01 10:00" });
    let list = |about: Value, rows: Value| json!({ "about": about, "code": "r", "unit": "1", "form": Form::default(), "rows": rows, "pager": pager, "crumbs": [] });
    let one = |same: Value| {
        json!({ "rule": "r", "unit": "u", "from": "2026-01-01", "to": "2026-06-30", "records": 9,
            "rows": [{ "id": "1", "title": "t", "date": "2026-01-09", "href": "/activities/1" }, { "id": "2", "title": null, "date": null, "href": null }],
            "at": "2026-07-01 10:00", "size": 10, "root": "00", "seed": "00", "text": "a\nb\n", "digest": "00", "same": same,
            "list": "/x", "pack": "/x", "crumbs": [] })
    };
    vec![
        (
            "obligations/draws.html",
            list(json!({ "rule": "r", "unit": "u" }), json!([row])),
        ),
        ("obligations/draws.html", list(Value::Null, json!([]))),
        ("obligations/draw.html", one(json!(true))),
        ("obligations/draw.html", one(json!(false))),
        ("obligations/draw.html", one(Value::Null)),
    ]
}
