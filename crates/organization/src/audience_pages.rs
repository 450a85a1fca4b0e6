//! Pages of audiences: the list, the form with a preview, the cohort, and why somebody is in it.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Date, Error, Id, Msg, PersonId, Result, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Pager};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::audience::{Audience, Condition, Rule, Seat, belongs};
use crate::audience_form::{Typed, form_page, near_and_far};
use crate::pages::{MANAGE, READ, date_or, download};
use crate::person_pages::People;

const PAGE: u64 = 50;

pub(crate) fn routes() -> Routes<People> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/audiences/new", manage, new_form)
        .post("/audiences", manage, keep)
        .get("/audiences/{id}", read, cohort)
        .get("/audiences/{id}/people.xlsx", read, export)
        .get("/audiences/{id}/people/{person}", read, why)
        .get("/audiences/{id}/edit", manage, edit_form)
        .post("/audiences/{id}/drop", manage, drop)
}

/// A rule in words, a condition per line.
pub(crate) async fn said(
    people: &People,
    shell: &Shell,
    access: &Access,
    rule: &Rule,
) -> Result<Vec<String>> {
    let (lang, and) = (shell.lang().code(), shell.t("organization-and"));
    let mut lines = Vec::new();
    if let Some(under) = rule.under {
        let names = people
            .organization
            .names_in(&[under], &access.scope)
            .await?;
        let outside = shell.t("organization-outside-scope");
        let name = names.get(&under).unwrap_or(&outside);
        let key = if rule.own {
            "audience-own"
        } else {
            "audience-under"
        };
        lines.push(shell.t_with(key, &[("unit", name)]));
    }
    if !rule.categories.is_empty() {
        let list = rule.categories.join(&and);
        lines.push(shell.t_with("audience-category", &[("list", &list)]));
    }
    for (code, values) in &rule.attributes {
        let Some(attribute) = people.attributes.get(code) else {
            continue;
        };
        let values = values.iter().filter_map(|v| attribute.value(v));
        let values: Vec<_> = values.map(|v| v.name.get(lang)).collect();
        let (label, list) = (attribute.name.get(lang), values.join(&and));
        lines.push(shell.t_with("organization-pair", &[("label", label), ("value", &list)]));
    }
    if !rule.post.trim().is_empty() {
        lines.push(shell.t_with("audience-post", &[("words", rule.post.trim())]));
    }
    for (key, months) in [
        ("audience-from", rule.months_from),
        ("audience-to", rule.months_to),
        ("audience-in-post-from", rule.in_post_from),
        ("audience-in-post-to", rule.in_post_to),
    ] {
        if let Some(months) = months {
            lines.push(shell.t_with(key, &[("months", &months.to_string())]));
        }
    }
    for (code, years) in &rule.years {
        let known = people.attributes.get(code).and_then(|a| a.years.as_ref());
        let label = known.map_or(code.as_str(), |y| y.get(lang));
        let text = |n: Option<i32>| n.map_or(String::new(), |n| n.to_string());
        let (from, to) = (text(years.from), text(years.to));
        let key = match (years.from, years.to) {
            (Some(_), Some(_)) => "audience-years-between",
            (Some(_), None) => "audience-years-from",
            _ => "audience-years-to",
        };
        let args = [
            ("label", label),
            ("from", from.as_str()),
            ("to", to.as_str()),
        ];
        lines.push(shell.t_with(key, &args));
    }
    for (seats, key) in [
        (&rule.seats, "audience-any-of"),
        (&rule.without, "audience-none-of"),
    ] {
        let mut list = Vec::new();
        for seat in seats {
            list.push(seat_said(people, shell, access, seat).await?);
        }
        match &list[..] {
            [] => {}
            [one] if key == "audience-any-of" => lines.push(one.clone()),
            list => lines.push(shell.t_with(key, &[("list", &list.join(&and))])),
        }
    }
    if lines.is_empty() {
        lines.push(shell.t("audience-everybody"));
    }
    for (key, list) in [
        ("audience-plus-some", &rule.plus),
        ("audience-minus-some", &rule.minus),
    ] {
        if !list.is_empty() {
            lines.push(shell.t_with(key, &[("count", &list.len().to_string())]));
        }
    }
    Ok(lines)
}

/// A place in a body, in words.
async fn seat_said(people: &People, shell: &Shell, access: &Access, seat: &Seat) -> Result<String> {
    let lang = shell.lang().code();
    let body = match seat.body {
        Some(id) => match people.organization.body(id, &access.scope).await {
            Err(Error::NotFound) => shell.t("organization-outside-scope"),
            found => found?.0.name,
        },
        None => people.kind_name(&seat.kind, lang),
    };
    let role = match seat.role.as_str() {
        "" => shell.t("audience-any-role"),
        role => people.role_name(&seat.kind, role, lang),
    };
    Ok(shell.t_with("audience-in-body", &[("body", &body), ("role", &role)]))
}

async fn new_form(
    State(people): State<People>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let id: Id = shell.env().new_id();
    let typed = Typed::read(&[("id".into(), id.to_string())]);
    let context = form_page(&people, &shell, &access, &typed, None).await?;
    shell.page("organization/audience-form.html", context)
}

async fn edit_form(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let audience = people.organization.audience(id, &access.scope).await?;
    let org = &people.organization;
    let wanted: Vec<UnitId> = audience
        .rule
        .under
        .into_iter()
        .chain([audience.unit])
        .collect();
    let units = org.units_by_id(&wanted, &access.scope).await?;
    let code = |unit: Option<UnitId>| {
        let found = units.iter().find(|u| Some(u.id) == unit);
        found.map_or("", |u| u.code.as_str())
    };
    let mut typed = Typed::of(
        &audience,
        code(Some(audience.unit)),
        code(audience.rule.under),
    );
    let rule = &audience.rule;
    for (field, list) in [("plus", &rule.plus), ("minus", &rule.minus)] {
        let near = org.numbers_in(list, &access.scope).await?;
        let mut numbers: Vec<&str> = near.values().map(String::as_str).collect();
        numbers.sort_unstable();
        typed.form = typed.form.with(field, numbers.join(" "));
    }
    for (list, seats) in [("seat", &rule.seats), ("without", &rule.without)] {
        let [near, _] = near_and_far(&people, &access, seats).await?;
        for (n, seat) in near.iter().enumerate() {
            let body = seat.body;
            let body = body.map_or(format!("kind:{}", seat.kind), |b| b.to_string());
            typed.form = typed.form.with(&format!("{list}.{n}.body"), body);
            if !seat.role.is_empty() {
                let role = format!("{}.{}", seat.kind, seat.role);
                typed.form = typed.form.with(&format!("{list}.{n}.role"), role);
            }
        }
    }
    let context = form_page(&people, &shell, &access, &typed, None).await?;
    shell.page("organization/audience-form.html", context)
}

async fn keep(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Posted(fields): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let mut typed = Typed::read(&fields);
    let org = &people.organization;
    let audience = match typed.audience(&people, &access).await {
        Ok(audience) => audience,
        Err(error) => return refuse(&people, &shell, &access, typed, error).await,
    };
    if typed.preview {
        let today = shell.env().today();
        let (total, rows) = org
            .audience_page(&audience.rule, today, &access.scope, 10, 0)
            .await?;
        let names: Vec<_> = rows.iter().map(|r| (&r.name, &r.unit_name)).collect();
        let preview = json!({ "total": total, "names": names });
        typed.preview = false;
        let context = form_page(&people, &shell, &access, &typed, Some(preview)).await?;
        return shell.page("organization/audience-form.html", context);
    }
    match org
        .keep_audience(&people.attributes, &audience, &access, &access.scope)
        .await
    {
        Ok(()) => shell.done(&format!("/audiences/{}", audience.id), "audience-kept"),
        Err(error) => refuse(&people, &shell, &access, typed, error).await,
    }
}

async fn refuse(
    people: &People,
    shell: &Shell,
    access: &Access,
    mut typed: Typed,
    error: Error,
) -> Result<Response, Failure> {
    typed.form = typed.form.reject(shell, error)?;
    let context = form_page(people, shell, access, &typed, None).await?;
    shell.refused("organization/audience-form.html", context)
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Asked {
    date: String,
    page: String,
}

async fn found(
    people: &People,
    shell: &Shell,
    access: &Access,
    id: &str,
    asked: &Asked,
) -> Result<(Audience, Date)> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let audience = people.organization.audience(id, &access.scope).await?;
    Ok((audience, date_or(&asked.date, shell.env().today())?))
}

async fn cohort(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (audience, date) = found(&people, &shell, &access, &id, &asked).await?;
    let page: u64 = asked.page.parse().unwrap_or(1).max(1);
    let offset = ((page - 1) * PAGE).min(i64::MAX as u64) as i64;
    let (total, rows) = people
        .organization
        .audience_page(&audience.rule, date, &access.scope, PAGE as i64, offset)
        .await?;
    let rows: Vec<Value> = rows
        .iter()
        .map(|r| {
            json!({ "href": format!("/organization/people/{}", r.person), "name": r.name, "staff_no": r.staff_no,
                "unit": r.unit_name, "post": r.post,
                "why": format!("/audiences/{id}/people/{}?date={}", r.person, format_date(date)) })
        })
        .collect();
    let pager = Pager::new(total.unsigned_abs(), PAGE, page, |n| {
        format!("/audiences/{id}?date={}&page={n}", format_date(date))
    });
    let context = json!({
        "id": audience.id, "name": audience.name, "total": total, "rows": rows, "pager": pager,
        "said": said(&people, &shell, &access, &audience.rule).await?, "date": format_date(date),
        "crumbs": [Crumb { label: shell.t("audience-menu"), href: "/audiences".into() }],
        "may_change": access.principal.scope(MANAGE).is_some(),
    });
    shell.page("organization/audience.html", context)
}

async fn export(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (audience, date) = found(&people, &shell, &access, &id, &asked).await?;
    let (_, rows) = people
        .organization
        .audience_page(&audience.rule, date, &access.scope, i64::MAX, 0)
        .await?;
    let object = ("audience", audience.id);
    people
        .organization
        .tell_export(&access, object, rows.len())
        .await?;
    let header =
        ["staff-no", "person", "unit", "post"].map(|k| shell.t(&format!("organization-{k}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows = rows.into_iter().map(|e| -> Vec<Cell> {
        vec![
            e.staff_no.into(),
            e.name.into(),
            e.unit_name.into(),
            e.post.into(),
        ]
    });
    let bytes = xlsx(&audience.name, &header, rows)?;
    let file = format!("{}-{}.xlsx", audience.name, format_date(date));
    Ok(download(&file, bytes))
}

async fn why(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path((id, person)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (audience, date) = found(&people, &shell, &access, &id, &asked).await?;
    let person: PersonId = person.parse().map_err(|_| Error::NotFound)?;
    let org = &people.organization;
    let card = org.person(person, &access.scope).await?;
    let reasons = org
        .reasons(&audience.rule, person, date, &access.scope)
        .await?;
    let lang = shell.lang().code();
    let lines: Vec<Value> = reasons
        .iter()
        .map(|r| {
            let label = match &r.condition {
                Condition::Serves => shell.t("audience-why-serves"),
                Condition::Under => shell.t("audience-why-under"),
                Condition::Category => shell.t("audience-why-category"),
                Condition::Attribute(code) => {
                    let known = people.attributes.get(code);
                    known.map_or(code.as_str(), |a| a.name.get(lang)).to_owned()
                }
                Condition::Post => shell.t("audience-why-post"),
                Condition::Tenure => shell.t("audience-why-tenure"),
                Condition::InPost => shell.t("audience-why-in-post"),
                Condition::Years(code) => {
                    let known = people.attributes.get(code).and_then(|a| a.years.as_ref());
                    known.map_or(code.as_str(), |y| y.get(lang)).to_owned()
                }
                Condition::Seat => shell.t("audience-seat"),
                Condition::Without => shell.t("audience-why-without"),
                Condition::Plus => shell.t("audience-plus"),
                Condition::Minus => shell.t("audience-minus"),
            };
            json!({ "label": label, "holds": r.holds })
        })
        .collect();
    let context = json!({
        "name": audience.name, "person": card.person.name, "date": format_date(date), "lines": lines,
        "inside": belongs(&reasons),
        "by_name": reasons.iter().any(|r| r.condition == Condition::Plus),
        "said": said(&people, &shell, &access, &audience.rule).await?,
        "crumbs": [Crumb { label: audience.name.clone(), href: format!("/audiences/{}", audience.id) }],
    });
    shell.page("organization/audience-why.html", context)
}

async fn drop(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Posted(fields): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let audience = people.organization.audience(id, &access.scope).await?;
    let word = fields.iter().find(|(name, _)| name == "confirm");
    if word.is_none_or(|(_, word)| word.trim() != audience.name) {
        return Err(Error::field("confirm", Msg::new("audience-unconfirmed")).into());
    }
    people
        .organization
        .drop_audience(id, &access, &access.scope)
        .await?;
    shell.done("/audiences", "audience-dropped")
}

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let pager = Pager::new(1, PAGE, 1, |n| format!("?page={n}"));
    let cohort = json!({ "id": "1", "name": "科级干部", "total": 1, "pager": pager, "said": ["职级：乡科级"],
        "rows": [{ "href": "/organization/people/1", "name": "甲某", "staff_no": "001", "unit": "法治科", "post": "",
            "why": "/audiences/1/people/1" }],
        "date": "2026-11-20", "crumbs": [], "may_change": true });
    let mut empty = cohort.clone();
    empty["rows"] = json!([]);
    empty["may_change"] = json!(false);
    let form = json!({ "form": Form::default(), "categories": [{ "name": "科室", "picked": true }],
        "attributes": [{ "name": "职级", "values": [{ "code": "level.staff", "name": "科员", "picked": false }] }],
        "bodies": [["kind:party-branch", "任一党支部"]], "roles": [["party-branch.secretary", "党支部 · 书记"]],
        "years": [{ "code": "birth", "name": "年龄" }],
        "lines": [{ "key": "audience-seats-any", "names": ["seat.0"] }, { "key": "audience-seats-none", "names": ["without.0"] }],
        "known": false, "outside": false, "preview": null, "crumbs": [] });
    let mut preview = form.clone();
    preview["preview"] = json!({ "total": 12, "names": [["甲某", "法治科"]] });
    preview["categories"] = json!([]);
    preview["known"] = json!(true);
    preview["outside"] = json!(true);
    let why = json!({ "name": "科级干部", "person": "甲某", "date": "2026-11-20", "inside": true, "by_name": false, "said": ["x"],
        "lines": [{ "label": "职级", "holds": true }, { "label": "职务", "holds": false }], "crumbs": [] });
    let mut why_not = why.clone();
    why_not["inside"] = json!(false);
    let mut named = why.clone();
    named["by_name"] = json!(true);
    vec![
        ("organization/audience.html", cohort),
        ("organization/audience.html", empty),
        ("organization/audience-form.html", form),
        ("organization/audience-form.html", preview),
        ("organization/audience-why.html", why),
        ("organization/audience-why.html", why_not),
        ("organization/audience-why.html", named),
    ]
}
