//! The form of an audience: what is typed, what of a rule lies outside the reader's scope, and what can be chosen.

use std::collections::HashSet;

use kernel::{Error, Id, Msg, PersonId, Result, UnitId};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Form, Shell};

use crate::audience::{Audience, Rule, Seat, Years};
use crate::person_pages::People;

/// So many lines of places in bodies are read; the rule says how many may be kept.
const MOST_LINES: usize = 60;

/// Those of some places whose bodies lie in the scope, and those outside.
pub(crate) async fn near_and_far(
    people: &People,
    access: &Access,
    seats: &[Seat],
) -> Result<[Vec<Seat>; 2]> {
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
pub(crate) struct Typed {
    pub form: Form,
    categories: Vec<String>,
    /// `attribute.value`.
    values: Vec<String>,
    pub preview: bool,
}

impl Typed {
    pub fn read(fields: &[(String, String)]) -> Self {
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

    pub fn of(audience: &Audience, owner: &str, under: &str) -> Self {
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

    pub async fn audience(&self, people: &People, access: &Access) -> Result<Audience> {
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

pub(crate) async fn form_page(
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
