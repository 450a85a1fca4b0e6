//! Pages of one unit: what it is and was, and the forms that change it.

use axum::Form as Posted;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use kernel::words::Words;
use kernel::{Date, Error, Msg, PersonId, Result, UnitId, format_date, parse_date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::view::{Crumb, Event, StepState};
use web::{Access, Failure, Form, Policy, Routes, Shell};

use crate::model::{RosterEntry, Unit, initials};
use crate::pages::{MANAGE, READ};
use crate::person_pages::People;
use crate::picking::{OFFERED, typed, unit_options};
use crate::service::Organization;
use crate::ties::{End, RESPONSIBILITY};
use crate::units::{Basis, NewUnit, SplitOff, UnitEdit, UnitPart};

pub(crate) fn routes() -> Routes<Organization> {
    let (read, manage) = (Policy::Permission(READ), Policy::Permission(MANAGE));
    Routes::new()
        .get("/organization/unit-options", read, options)
        .get("/organization/people-options", read, people_options)
        .get("/organization/units/{id}/{act}", manage, form)
        .post("/organization/units/{id}/{act}", manage, submit)
}

/// The page of a unit, which also says who is in charge of it.
pub(crate) fn card() -> Routes<People> {
    Routes::new().get("/organization/units/{id}", Policy::Permission(READ), show)
}

/// The units a field offers: code as value, name as label.
async fn options(
    State(org): State<Organization>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    unit_options(&org, &shell, &access, pairs).await
}

/// The people a field offers: staff number as value; name, pinyin initials (by which browsers sift) and unit as
/// label.
async fn people_options(
    State(org): State<Organization>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let words = Words::new(&typed(pairs)).list;
    let found = org.people_named(&words, &access.scope, OFFERED).await?;
    let label = |p: &RosterEntry| {
        let parts = [
            p.name.clone(),
            initials(&p.name),
            p.unit_name.clone(),
            p.post.clone(),
        ];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · ")
    };
    let list: Vec<_> = found
        .iter()
        .map(|p| [p.staff_no.clone(), label(p)])
        .collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}

#[derive(Serialize)]
struct StateLine {
    from: String,
    name: String,
    category: String,
    parent: String,
}

async fn show(
    State(people): State<People>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let org = &people.organization;
    let id: UnitId = id.parse().map_err(|_| Error::NotFound)?;
    let unit = org.unit(id, &access.scope).await?;
    let (states, changes) = org.unit_history(id, &access.scope).await?;
    let parts = changes.iter().flat_map(|c| c.units.iter().map(|(u, _)| *u));
    let mut named: Vec<UnitId> = parts
        .chain(states.iter().filter_map(|s| s.parent))
        .collect();
    named.extend(unit.parent);
    named.sort_unstable();
    named.dedup();
    let names = org.names_in(&named, &access.scope).await?;
    let outside = shell.t("organization-outside-scope");
    let name = |unit: UnitId| names.get(&unit).map_or(outside.as_str(), String::as_str);
    let lines: Vec<StateLine> = states
        .iter()
        .rev()
        .map(|s| StateLine {
            from: format_date(s.from),
            name: s.name.clone(),
            category: s.category.clone(),
            parent: s.parent.map_or("—".into(), |p| name(p).to_owned()),
        })
        .collect();
    let events: Vec<Event> = changes
        .iter()
        .map(|c| {
            let of = |part: UnitPart| {
                let list = c.units.iter().filter(|(_, p)| *p == part);
                let list: Vec<_> = list.map(|(u, _)| name(*u)).collect();
                list.join(&shell.t("organization-and"))
            };
            let what = shell.t(&format!("organization-change-{}", c.kind.code()));
            let (old, new) = (of(UnitPart::Old), of(UnitPart::New));
            let title = match (old.as_str(), new.as_str()) {
                ("", only) | (only, "") => format!("{what} · {only}"),
                (old, new) => format!("{what} · {old} → {new}"),
            };
            Event {
                title,
                at: format_date(c.date),
                quote: (!c.basis.is_empty()).then(|| c.basis.clone()),
                state: StepState::Done,
            }
        })
        .collect();
    let today = shell.env().today();
    let counts = org.headcounts(&[id], today).await?;
    let crumb = unit.parent.filter(|p| names.contains_key(p));
    let crumbs: Vec<Crumb> = crumb
        .map(|p| Crumb {
            label: name(p).to_owned(),
            href: format!("/organization/units/{p}"),
        })
        .into_iter()
        .collect();
    let ties = org.ties_of(End::Unit(id)).await?;
    let leaders = ties
        .iter()
        .filter(|t| t.kind == RESPONSIBILITY && t.covers(today));
    let leaders: Vec<_> = leaders
        .map(|t| json!({ "name": t.name, "href": format!("/organization/people/{}", t.person) }))
        .collect();
    let mut ties = people.tie_events(&shell, &ties, End::Unit(id));
    ties.reverse();
    let ties: Vec<Event> = ties.into_iter().map(|(_, event)| event).collect();
    let lent = org.lent(id, today).await?;
    let others: Vec<UnitId> = lent.iter().map(|l| l.other).collect();
    let others = org.names(&others).await?;
    let lent: Vec<_> = lent
        .iter()
        .map(|l| {
            json!({ "name": l.name, "href": format!("/organization/people/{}", l.person), "here": l.here,
                "kind": shell.t(&format!("organization-kind-{}", l.nature.code())), "unit": others.get(&l.other) })
        })
        .collect();
    let context = json!({
        "leaders": leaders, "ties": ties, "lent": lent,
        "unit": { "id": id, "name": unit.name, "code": unit.code, "category": unit.category,
            "credit_code": unit.credit_code, "from": format_date(unit.from), "to": unit.to.map(format_date),
            "parent": unit.parent.map(name) },
        "count": counts.get(&id), "crumbs": crumbs, "states": lines, "events": events,
        "may_change": access.principal.scope(MANAGE).is_some() && unit.stands(today),
        "top": unit.parent.is_none(),
    });
    shell.page("organization/unit.html", context)
}

/// What the forms ask for; each shows some of it.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Asked {
    code: String,
    name: String,
    category: String,
    credit_code: String,
    unit_code: String,
    date: String,
    basis: String,
    close: String,
}

/// The acts there are; the last part of their address.
const ACTS: [&str; 5] = ["add", "edit", "merge", "split", "close"];

async fn page(
    org: &Organization,
    shell: &Shell,
    access: &Access,
    unit: &Unit,
    act: &str,
    form: Form,
    picked: &[PersonId],
) -> Result<serde_json::Value> {
    let mut people = Vec::new();
    if act == "split" {
        let date = form.values.get("date").and_then(|d| parse_date(d));
        let date = date.unwrap_or_else(|| shell.env().today());
        for line in org.roster(unit.id, date, false, &access.scope).await? {
            people.push(
                json!({ "id": line.person, "name": line.name, "staff_no": line.staff_no,
                "post": line.post, "picked": picked.contains(&line.person) }),
            );
        }
    }
    Ok(json!({
        "form": form, "act": act, "unit": { "id": unit.id, "name": unit.name }, "people": people,
        "crumbs": [Crumb { label: unit.name.clone(), href: format!("/organization/units/{}", unit.id) }],
    }))
}

async fn form(
    State(org): State<Organization>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id: UnitId = id.parse().map_err(|_| Error::NotFound)?;
    if !ACTS.contains(&act.as_str()) {
        return Err(Error::NotFound.into());
    }
    let unit = org.unit(id, &access.scope).await?;
    let mut form = Form::default().with("date", format_date(shell.env().today()));
    if act == "edit" {
        let parents: Vec<UnitId> = unit.parent.into_iter().collect();
        let above = org.units_by_id(&parents, &access.scope).await?;
        form = form
            .with("name", &unit.name)
            .with("category", &unit.category)
            .with("credit_code", &unit.credit_code)
            .with("unit_code", above.first().map_or("", |u| u.code.as_str()));
    }
    let context = page(&org, &shell, &access, &unit, &act, form, &[]).await?;
    shell.page("organization/unit-form.html", context)
}

async fn submit(
    State(org): State<Organization>,
    shell: Shell,
    access: Access,
    Path((id, act)): Path<(String, String)>,
    Posted(fields): Posted<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let id: UnitId = id.parse().map_err(|_| Error::NotFound)?;
    let unit = org.unit(id, &access.scope).await?;
    let value = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == name);
        found.map_or_else(String::new, |(_, v)| v.trim().to_owned())
    };
    let asked = Asked {
        code: value("code"),
        name: value("name"),
        category: value("category"),
        credit_code: value("credit_code"),
        unit_code: value("unit_code"),
        date: value("date"),
        basis: value("basis"),
        close: value("close"),
    };
    let picked: Vec<PersonId> = fields
        .iter()
        .filter(|(n, _)| n == "person")
        .map(|(_, v)| v.parse().map_err(|_| Error::NotFound))
        .collect::<Result<_>>()?;
    match work(&org, &access, &unit, &act, &asked, &picked).await {
        Ok(shown) => {
            let said = match act.as_str() {
                "add" => "organization-done-add",
                "merge" => "organization-done-merge",
                "split" => "organization-done-split",
                "close" => "organization-done-close",
                _ => "organization-done-edit",
            };
            shell.done(&format!("/organization/units/{shown}"), said)
        }
        Err(error) => {
            // What stands in the way as a whole is said on top of the form.
            let error = match error {
                Error::Conflict(message) => Error::field("unit", message),
                other => other,
            };
            let form = Form::of(&asked).reject(&shell, error)?;
            let context = page(&org, &shell, &access, &unit, &act, form, &picked).await?;
            shell.refused("organization/unit-form.html", context)
        }
    }
}

/// Does what a form asks for; gives the unit to show then.
async fn work(
    org: &Organization,
    access: &Access,
    unit: &Unit,
    act: &str,
    asked: &Asked,
    picked: &[PersonId],
) -> Result<UnitId> {
    let scope = &access.scope;
    let basis = Basis {
        date: date(&asked.date)?,
        text: asked.basis.clone(),
        by: access.into(),
    };
    let other = async || org.unit_typed("unit_code", &asked.unit_code, scope).await;
    match act {
        "add" => {
            let new = NewUnit {
                parent: Some(unit.id),
                code: asked.code.clone(),
                name: asked.name.clone(),
                category: asked.category.clone(),
                from: basis.date,
            };
            org.add_coded_unit(new, &asked.credit_code, &basis.text, access, scope)
                .await
        }
        "edit" => {
            let parent = match unit.parent {
                // The unit above may lie outside the scope: an empty field leaves it.
                Some(_) if !asked.unit_code.is_empty() => Some(other().await?),
                _ => None,
            };
            let edit = UnitEdit {
                name: Some(asked.name.clone()),
                category: Some(asked.category.clone()),
                parent,
                credit_code: Some(asked.credit_code.clone()),
            };
            org.change_unit(unit.id, &edit, &basis, scope).await?;
            Ok(unit.id)
        }
        "merge" => {
            let into = other().await?;
            org.merge_units(&[unit.id], into, &basis, scope).await?;
            Ok(into)
        }
        "split" => {
            let part = SplitOff {
                code: asked.code.clone(),
                name: asked.name.clone(),
                people: picked.to_vec(),
            };
            let close = asked.close == "on";
            let parts = [part];
            let new = org.split_unit(unit.id, &parts, close, &basis, scope);
            new.await?.first().copied().ok_or(Error::NotFound)
        }
        "close" => {
            org.close_unit(unit.id, &basis, scope).await?;
            Ok(unit.id)
        }
        _ => Err(Error::NotFound),
    }
}

fn date(text: &str) -> Result<Date> {
    let wrong = || Error::field("date", Msg::new("organization-date").with("value", text));
    parse_date(text).ok_or_else(wrong)
}

impl Unit {
    /// Whether it stands on a day.
    pub fn stands(&self, date: Date) -> bool {
        self.to.is_none_or(|to| date <= to)
    }
}

pub(crate) fn samples() -> Vec<(&'static str, serde_json::Value)> {
    let unit = json!({
        "unit": { "id": "1", "name": "法治科", "code": "S1", "category": "科室", "credit_code": "", "from": "2024-01-01", "to": null,
            "parent": "澜州市司法局" },
        "count": 12, "crumbs": [], "may_change": true, "top": false,
        "leaders": [{ "name": "甲某", "href": "/organization/people/1" }], "lent": [{ "name": "乙某", "href": "/organization/people/2", "here": true, "kind": "借调",
            "unit": "执行科" }], "ties": [{ "title": "分管：甲某",
            "at": "2024-01-01", "quote": null, "state": "now" }],
        "states": [{ "from": "2024-01-01", "name": "法治科", "category": "科室", "parent": "澜州市司法局" }],
        "events": [{ "title": "设立 · 法治科", "at": "2024-01-01", "quote": "澜编办〔2024〕1号", "state": "done" }],
    });
    let mut ended = unit.clone();
    ended["unit"]["to"] = json!("2026-06-30");
    ended["unit"]["credit_code"] = json!("11340100MB0000000A");
    ended["may_change"] = json!(false);
    ended["events"] = json!([]);
    ended["lent"] = json!([]);
    let mut list = vec![
        ("organization/unit.html", unit),
        ("organization/unit.html", ended),
        (
            "organization/options.html",
            json!({ "options": [["S1", "法治科"]] }),
        ),
    ];
    for act in ACTS {
        let person =
            json!({ "id": "1", "name": "甲某", "staff_no": "001", "post": "", "picked": true });
        for people in [json!([]), json!([person])] {
            list.push((
                "organization/unit-form.html",
                json!({ "form": Form::default(), "act": act, "unit": { "id": "1", "name": "法治科" },
                    "people": people, "crumbs": [] }),
            ));
        }
    }
    list
}
