//! Pages of audiences: the list, the form with a preview, the cohort, and why somebody is in it.

use std::collections::HashSet;

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use kernel::{Date, Error, Id, Msg, PersonId, Result, UnitId, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::{Crumb, Pager};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::audience::{Audience, Condition, Rule, Seat, Years, belongs};
use crate::pages::{MANAGE, READ, date_or, download};
use crate::person_pages::People;

const PAGE: u64 = 50;
/// So many lines of places in bodies are read; the rule says how many may be kept.
const MOST_LINES: usize = 60;

pub(crate) fn routes() -> Routes<People> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/audiences", read, list)
        .get("/audiences/new", manage, new_form)
        .post("/audiences", manage, keep)
        .get("/audiences/{id}", read, cohort)
        .get("/audiences/{id}/people.xlsx", read, export)
        .get("/audiences/{id}/people/{person}", read, why)
        .get("/audiences/{id}/edit", manage, edit_form)
        .post("/audiences/{id}/drop", manage, drop)
}

async fn list(
    State(people): State<People>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let org = &people.organization;
    let (audiences, today) = (org.audiences(&access.scope).await?, shell.env().today());
    let units: Vec<UnitId> = audiences.iter().map(|a| a.unit).collect();
    let names = org.names_in(&units, &access.scope).await?;
    let mut rows = Vec::new();
    for a in &audiences {
        let said = said(&people, &shell, &access, &a.rule).await?;
        rows.push(
            json!({ "href": format!("/audiences/{}", a.id), "name": a.name, "said": said,
            "unit": names.get(&a.unit) }),
        );
    }
    shell.page(
        "organization/audiences.html",
        json!({ "rows": rows, "date": format_date(today),
            "may_change": access.principal.scope(MANAGE).is_some() }),
    )
}

/// A rule in words, a condition per line.
async fn said(people: &People, shell: &Shell, access: &Access, rule: &Rule) -> Result<Vec<String>> {
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

/// Those of some places whose bodies lie in the scope, and those outside.
async fn near_and_far(people: &People, access: &Access, seats: &[Seat]) -> Result<[Vec<Seat>; 2]> {
    let mut parts = [Vec::new(), Vec::new()];
    for seat in seats {
        let far = match seat.body {
            Some(body) => match people.organization.body(body, &access.scope).await {
                Err(Error::NotFound) => true,
                found => found.map(|_| false)?,
            },
            None => false,
        };
        parts[usize::from(far)].push(seat.clone());
    }
    Ok(parts)
}

/// What of a rule lies outside the reader's scope: it stays as it is.
#[derive(Default)]
struct Outside {
    under: Option<UnitId>,
    seats: Vec<Seat>,
    without: Vec<Seat>,
    plus: Vec<PersonId>,
    minus: Vec<PersonId>,
}

impl Outside {
    async fn of(people: &People, access: &Access, rule: Option<&Rule>) -> Result<Self> {
        let Some(rule) = rule else {
            return Ok(Self::default());
        };
        let (org, mut outside) = (&people.organization, Self::default());
        if let Some(under) = rule.under
            && !org.reaches(&access.scope, under).await?
        {
            outside.under = Some(under);
        }
        [_, outside.seats] = near_and_far(people, access, &rule.seats).await?;
        [_, outside.without] = near_and_far(people, access, &rule.without).await?;
        let near = org
            .numbers_in(&[&rule.plus[..], &rule.minus].concat(), &access.scope)
            .await?;
        let far = |list: &[PersonId]| {
            list.iter()
                .filter(|p| !near.contains_key(p))
                .copied()
                .collect()
        };
        (outside.plus, outside.minus) = (far(&rule.plus), far(&rule.minus));
        Ok(outside)
    }

    fn is_any(&self) -> bool {
        self.under.is_some()
            || !self.seats.is_empty()
            || !self.without.is_empty()
            || !self.plus.is_empty()
            || !self.minus.is_empty()
    }
}

/// The form's fields as they were typed; the choices of several stay lists.
struct Typed {
    form: Form,
    categories: Vec<String>,
    /// `attribute.value`.
    values: Vec<String>,
    preview: bool,
}

impl Typed {
    fn read(fields: &[(String, String)]) -> Self {
        let all = |name: &str| -> Vec<String> {
            let found = fields.iter().filter(|(n, _)| n == name);
            found.map(|(_, v)| v.clone()).collect()
        };
        let mut form = Form::default();
        for name in [
            "id",
            "name",
            "owner_code",
            "unit_code",
            "own",
            "post",
            "months_from",
            "months_to",
            "in_post_from",
            "in_post_to",
            "plus",
            "minus",
        ] {
            form = form.with(name, all(name).first().map_or("", |v| v.trim()));
        }
        // Fields of which there are as many as there are places and months.
        let many = ["seat.", "without.", "years."];
        for (name, value) in fields {
            if many.iter().any(|begin| name.starts_with(begin)) && name.len() < 80 {
                form = form.with(name, value.trim());
            }
        }
        Self {
            form,
            categories: all("category"),
            values: all("value"),
            preview: all("act").iter().any(|v| v == "preview"),
        }
    }

    fn of(audience: &Audience, owner: &str, under: &str) -> Self {
        let rule = &audience.rule;
        let months = |m: Option<i32>| m.map_or(String::new(), |m| m.to_string());
        let form = Form::default()
            .with("id", audience.id)
            .with("name", &audience.name)
            .with("owner_code", owner)
            .with("unit_code", under)
            .with("own", if rule.own { "on" } else { "" })
            .with("post", &rule.post)
            .with("months_from", months(rule.months_from))
            .with("months_to", months(rule.months_to))
            .with("in_post_from", months(rule.in_post_from))
            .with("in_post_to", months(rule.in_post_to));
        let form = rule.years.iter().fold(form, |form, (code, years)| {
            form.with(&format!("years.{code}.from"), months(years.from))
                .with(&format!("years.{code}.to"), months(years.to))
        });
        let values = rule.attributes.iter();
        Self {
            form,
            categories: rule.categories.clone(),
            values: values
                .flat_map(|(code, values)| values.iter().map(move |v| format!("{code}.{v}")))
                .collect(),
            preview: false,
        }
    }

    fn value(&self, name: &str) -> &str {
        self.form.values.get(name).map_or("", String::as_str)
    }

    /// How many lines of places a form has that were filled in.
    fn lines(&self, list: &str) -> usize {
        let filled = |n: &usize| {
            ["body", "role"]
                .iter()
                .any(|part| !self.value(&format!("{list}.{n}.{part}")).is_empty())
        };
        (0..=MOST_LINES).rev().find(filled).map_or(0, |n| n + 1)
    }

    /// The places in bodies that were chosen.
    async fn seats(&self, list: &str, people: &People, access: &Access) -> Result<Vec<Seat>> {
        let mut seats = Vec::new();
        for n in 0..self.lines(list) {
            seats.extend(self.seat(&format!("{list}.{n}"), people, access).await?);
        }
        Ok(seats)
    }

    /// The place that a line says: `kind:x` or the id of a body, and perhaps `kind.role`.
    async fn seat(&self, line: &str, people: &People, access: &Access) -> Result<Option<Seat>> {
        let field = |part: &str| format!("{line}.{part}");
        let (body_field, role_field) = (field("body"), field("role"));
        let (text, role) = (self.value(&body_field), self.value(&role_field));
        if text.is_empty() {
            let message = Msg::new("audience-role-alone");
            return if role.is_empty() {
                Ok(None)
            } else {
                Err(Error::field(&body_field, message))
            };
        }
        let (kind, body) = match text.strip_prefix("kind:") {
            Some(kind) => (kind.to_owned(), None),
            None => {
                let id: Id = text.parse().map_err(|_| Error::NotFound)?;
                let (body, _) = people.organization.body(id, &access.scope).await?;
                (body.kind, Some(id))
            }
        };
        let known = people.kinds.get(&kind).ok_or(Error::NotFound)?;
        let role = match role.split_once('.') {
            None => "",
            Some((of, role)) if of == kind && known.role(role).is_some() => role,
            Some(_) => {
                let kind = known.name.get("zh-CN");
                let message = Msg::new("audience-role-other").with("kind", kind);
                return Err(Error::field(&role_field, message));
            }
        };
        Ok(Some(Seat {
            role: role.to_owned(),
            kind,
            body,
        }))
    }

    /// The people whose staff numbers stand in a field.
    async fn named(&self, field: &str, people: &People, access: &Access) -> Result<Vec<PersonId>> {
        let separates = |c: char| c.is_whitespace() || ",，、;；".contains(c);
        let mut numbers: Vec<&str> = self
            .value(field)
            .split(separates)
            .filter(|n| !n.is_empty())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let found = people
            .organization
            .by_numbers(&numbers, &access.scope)
            .await?;
        let unknown: Vec<&str> = numbers
            .iter()
            .filter(|n| !found.contains_key(**n))
            .take(10)
            .copied()
            .collect();
        if unknown.is_empty() {
            return Ok(found.into_values().collect());
        }
        let message = Msg::new("audience-unknown-people").with("list", unknown.join("、"));
        Err(Error::field(field, message))
    }

    async fn audience(&self, people: &People, access: &Access) -> Result<Audience> {
        let unit = async |field: &str| people.coded(field, self.value(field), access).await;
        let id: Id = self.value("id").parse().map_err(|_| Error::NotFound)?;
        let known = match people.organization.audience(id, &access.scope).await {
            Err(Error::NotFound) => None,
            found => Some(found?.rule),
        };
        let outside = Outside::of(people, access, known.as_ref()).await?;
        let number = |field: &str| -> Result<Option<i32>> {
            let text = self.value(field);
            if text.is_empty() {
                return Ok(None);
            }
            let wrong = |_| {
                let message = Msg::new("organization-not-a-number").with("value", text);
                Error::field(field, message)
            };
            text.parse().map(Some).map_err(wrong)
        };
        let mut rule = Rule {
            under: unit("unit_code")
                .await?
                .or(outside.under.filter(|_| self.value("unit_code").is_empty())),
            own: self.value("own") == "on",
            categories: self.categories.clone(),
            post: self.value("post").to_owned(),
            months_from: number("months_from")?,
            months_to: number("months_to")?,
            in_post_from: number("in_post_from")?,
            in_post_to: number("in_post_to")?,
            seats: self.seats("seat", people, access).await?,
            without: self.seats("without", people, access).await?,
            plus: self.named("plus", people, access).await?,
            minus: self.named("minus", people, access).await?,
            ..Rule::default()
        };
        for (attribute, _) in people.attributes.with_years() {
            let field = |end: &str| format!("years.{}.{end}", attribute.code);
            let (from, to) = (number(&field("from"))?, number(&field("to"))?);
            if from.is_some() || to.is_some() {
                rule.years
                    .insert(attribute.code.clone(), Years { from, to });
            }
        }
        rule.seats.extend(outside.seats);
        rule.without.extend(outside.without);
        rule.plus.extend(outside.plus);
        rule.minus.extend(outside.minus);
        for value in &self.values {
            let (code, value) = value.split_once('.').unwrap_or_default();
            let list = rule.attributes.entry(code.to_owned()).or_default();
            list.push(value.to_owned());
        }
        let owner = unit("owner_code").await?;
        let missing = || Error::field("owner_code", Msg::new("organization-empty"));
        Ok(Audience {
            id,
            name: self.value("name").to_owned(),
            unit: owner.ok_or_else(missing)?,
            rule,
        })
    }
}

async fn form_page(
    people: &People,
    shell: &Shell,
    access: &Access,
    typed: &Typed,
    preview: Option<Value>,
) -> Result<Value> {
    let (lang, org) = (shell.lang().code(), &people.organization);
    let id: Option<Id> = typed.value("id").parse().ok();
    let known = match id {
        Some(id) => match org.audience(id, &access.scope).await {
            Err(Error::NotFound) => None,
            found => Some(found?.rule),
        },
        None => None,
    };
    let outside = Outside::of(people, access, known.as_ref()).await?;
    let today = shell.env().today();
    let standing = org.bodies(&access.scope).await?;
    let chosen: HashSet<&str> = typed.form.values.values().map(String::as_str).collect();
    let standing = standing.iter().filter(|b| {
        b.to.is_none_or(|to| to >= today) || chosen.contains(b.id.to_string().as_str())
    });
    let kinds = people.kinds.iter().map(|k| {
        let any = shell.t_with("audience-any-body", &[("kind", k.name.get(lang))]);
        (format!("kind:{}", k.code), any)
    });
    let bodies: Vec<(String, String)> = kinds
        .chain(standing.map(|b| (b.id.to_string(), b.name.clone())))
        .collect();
    let roles: Vec<(String, String)> = people
        .kinds
        .iter()
        .flat_map(|k| {
            let label = move |role: &str| format!("{} · {role}", k.name.get(lang));
            k.roles
                .iter()
                .map(move |r| (format!("{}.{}", k.code, r.code), label(r.name.get(lang))))
        })
        .collect();
    let categories = people.organization.categories(&access.scope).await?;
    let categories: Vec<Value> = categories
        .iter()
        .map(|c| json!({ "name": c, "picked": typed.categories.contains(c) }))
        .collect();
    let attributes: Vec<Value> = people
        .attributes
        .iter()
        .filter(|a| !a.values.is_empty())
        .map(|a| {
            let values: Vec<Value> = a
                .values
                .iter()
                .map(|v| {
                    let code = format!("{}.{}", a.code, v.code);
                    json!({ "picked": typed.values.contains(&code), "code": code, "name": v.name.get(lang) })
                })
                .collect();
            json!({ "name": a.name.get(lang), "values": values })
        })
        .collect();
    let years: Vec<Value> = people
        .attributes
        .with_years()
        .map(|(a, years)| json!({ "code": a.code, "name": years.get(lang) }))
        .collect();
    // One more line than is filled in; a preview brings the next one.
    let lines = [("seat", "any"), ("without", "none")].map(|(list, key)| {
        let lines = (0..=typed.lines(list)).map(|n| format!("{list}.{n}"));
        json!({ "key": format!("audience-seats-{key}"), "names": lines.collect::<Vec<_>>() })
    });
    Ok(json!({
        "years": years, "lines": lines,
        "form": typed.form, "categories": categories, "attributes": attributes, "preview": preview,
        "bodies": bodies, "roles": roles, "known": known.is_some(), "outside": outside.is_any(),
        "crumbs": [Crumb { label: shell.t("audience-menu"), href: "/audiences".into() }],
    }))
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
    let list = json!({ "rows": [{ "href": "/audiences/1", "name": "科级干部", "said": ["职级：乡科级"],
        "unit": "澜州市司法局" }], "date": "2026-11-20", "may_change": true });
    let mut none = list.clone();
    none["rows"] = json!([]);
    let mut reader = none.clone();
    reader["may_change"] = json!(false);
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
        ("organization/audiences.html", list),
        ("organization/audiences.html", none),
        ("organization/audiences.html", reader),
        ("organization/audience.html", cohort),
        ("organization/audience.html", empty),
        ("organization/audience-form.html", form),
        ("organization/audience-form.html", preview),
        ("organization/audience-why.html", why),
        ("organization/audience-why.html", why_not),
        ("organization/audience-why.html", named),
    ]
}
