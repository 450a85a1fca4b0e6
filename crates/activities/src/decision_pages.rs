//! What a meeting decided on its page, and the fields by which it is entered.

use axum::Form as Body;
use axum::extract::{Path, State};
use axum::response::Response;
use identity::Actor;
use kernel::{
    ActivityId, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId, format_date,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::decisions::{Duty, NewDecision};
use crate::details::Item;
use crate::findings::DutyWay;
use crate::typed::Typed as Fields;
use crate::{Activities, Activity, pages};

/// Empty lines offered when an activity is recorded.
const SPARE: usize = 2;
/// Lines of one form.
const MOST: usize = 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Typed {
    id: String,
    decision: String,
    pub(crate) duty_unit: String,
    pub(crate) duty_person: String,
    pub(crate) duty_due: String,
    pub(crate) duty_way: String,
    reason: String,
}

/// Who is to do it: one duty for each unit that is named, one for the person.
pub(crate) async fn duties(
    s: &Activities,
    (units, person, due, way): (&str, &str, &str, &str),
    scope: &Scope,
    field: impl Fn(&str) -> String,
) -> Result<Vec<Duty>> {
    let due = match due.trim() {
        "" => None,
        text => {
            let wrong = || Error::field(field("due"), Msg::new("activity-date-wrong"));
            Some(kernel::parse_date(text).ok_or_else(wrong)?)
        }
    };
    let wrong = || Error::field(field("way"), Msg::new("duty-way-wrong"));
    let way = DutyWay::from_code(way).ok_or_else(wrong)?;
    if way != DutyWay::Request && s.intake.is_none() {
        return Err(wrong());
    }
    let Some(requests) = &s.requests else {
        return Ok(Vec::new());
    };
    let named = async |unit: &str, person: &str| {
        let named = requests.named(unit, person, scope).await;
        named.map_err(|error| match error {
            Error::Invalid(errors) => Error::Invalid(
                errors
                    .into_iter()
                    .map(|e| FieldError {
                        field: field(&e.field),
                        message: e.message,
                    })
                    .collect(),
            ),
            other => other,
        })
    };
    let mut found = Vec::new();
    let codes = units.split(|c: char| c.is_whitespace() || "、，,；;".contains(c));
    for code in codes.filter(|code| !code.is_empty()) {
        let (unit, _) = named(code, "").await?;
        found.push(Duty {
            unit,
            due,
            way,
            ..Duty::default()
        });
    }
    let (_, person) = named("", person).await?;
    match (person, &mut found[..]) {
        (Some(person), [only]) => only.person = Some(person),
        (Some(person), _) => found.push(Duty {
            person: Some(person),
            due,
            way,
            ..Duty::default()
        }),
        (None, _) => {}
    }
    Ok(found)
}

/// The decisions of the form by which an activity is recorded; a line on its own is one.
pub(crate) async fn entered(
    s: &Activities,
    typed: &Fields,
    agenda: &[Item],
    scope: &Scope,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<NewDecision>> {
    let mut found = Vec::new();
    for n in 0..MOST {
        let get = |name: &str| typed.get(&format!("decision-{name}-{n}"));
        let (title, units, person) = (get("title"), get("unit"), get("person"));
        if title.is_empty() && units.is_empty() && person.is_empty() {
            continue;
        }
        let name = |field: &str| format!("decision-{field}-{n}");
        let item = get("item").parse::<usize>().ok();
        let item = item.and_then(|n| agenda.get(n.checked_sub(1)?));
        if item.is_none() && !get("item").is_empty() {
            errors.push(FieldError {
                field: name("item"),
                message: Msg::new("decision-item"),
            });
        }
        let named = (units, person, get("due"), get("way"));
        let duties = match duties(s, named, scope, name).await {
            Ok(duties) => duties,
            Err(Error::Invalid(more)) => {
                errors.extend(more);
                Vec::new()
            }
            Err(other) => return Err(other),
        };
        let label = |i: &Item| {
            let named = s.kinds.item(&i.code).map_or("", |k| k.name.get("zh-CN"));
            let parts = [named, i.title.as_str()];
            parts
                .into_iter()
                .filter(|p| !p.is_empty())
                .collect::<Vec<_>>()
                .join("：")
        };
        let decision = NewDecision {
            item: item.map_or_else(String::new, label),
            title: title.to_owned(),
            duties,
        };
        decision.check(&name("title"), errors);
        found.push(decision);
    }
    Ok(found)
}

/// How many lines the form has: those that were typed, and some more.
pub(crate) fn lines(form: &Form) -> usize {
    let typed = (0..MOST).rev().find(|n| {
        let value = form.values.get(&format!("decision-title-{n}"));
        value.is_some_and(|v| !v.trim().is_empty())
    });
    typed.map_or(SPARE, |last| (last + 1 + SPARE).min(MOST))
}

/// What the page of an activity says of its decisions, and of what its resolutions ask for.
pub(crate) async fn card(
    s: &Activities,
    shell: &Shell,
    a: &Activity,
    page: &mut Value,
) -> Result<()> {
    let may = s.requests.is_some() && a.pair.is_none() && !a.confidential;
    page["may_decide"] = json!(may && page["may_record"] == json!(true));
    page["new_decision"] = json!(s.env.new_id::<Id>());
    let (decisions, asked) = match may {
        true => s.decisions(a.id).await?,
        false => Default::default(),
    };
    let all = || asked.values().flatten();
    let units: Vec<UnitId> = all().map(|r| r.home).collect();
    let people: Vec<PersonId> = all().filter_map(|r| r.person).collect();
    let units = s.organization.names(&units).await?;
    let people = s.organization.person_names(&people).await?;
    let today = s.env.today();
    let duties = |id: Id| -> Value {
        let list = asked.get(&id).into_iter().flatten();
        list.map(|r| {
            let whom = [units.get(&r.home), r.person.and_then(|p| people.get(&p))];
            let whom: Vec<&str> = whom.into_iter().flatten().map(String::as_str).collect();
            json!({ "id": r.id, "href": r.href(), "title": r.title, "whom": whom.join(" · "),
                "due": format_date(r.case.until()), "late": r.case.is_late(today), "open": r.case.state.is_open(),
                "tag": requests::tag(shell, r.case.state) })
        })
        .collect()
    };
    let raised = match may {
        true => s.cases(a.id).await?,
        false => Default::default(),
    };
    let cases = |id: Id| -> Value {
        let list = raised.get(&id).into_iter().flatten();
        list.map(|c| json!({ "href": c.href, "number": c.number, "closed": c.closed }))
            .collect()
    };
    // What was raised outlives the decision because of which it was.
    let stands = |id: &Id| {
        let voted = page.pointer("/votes/rows").and_then(Value::as_array);
        let voted = voted.is_some_and(|rows| rows.iter().any(|r| r["id"] == json!(id)));
        voted || decisions.iter().any(|d| d.id == *id)
    };
    let left: Vec<Value> = raised
        .iter()
        .filter(|(id, _)| a.reversed_at.is_some() || !stands(id))
        .flat_map(|(id, _)| cases(*id).as_array().cloned().unwrap_or_default())
        .collect();
    page["left_cases"] = json!(left);
    page["ways"] = json!(s.intake.is_some());
    let rows: Vec<Value> = decisions
        .iter()
        .map(|d| {
            json!({ "id": d.id, "item": d.item, "title": d.title, "duties": duties(d.id), "cases": cases(d.id) })
        })
        .collect();
    page["decisions"] = json!(rows);
    if let Some(Value::Array(rows)) = page.pointer_mut("/votes/rows") {
        for row in rows {
            let id = row["id"].as_str().and_then(|id| id.parse().ok());
            row["duties"] = id.map_or(json!([]), duties);
            row["cases"] = id.map_or(json!([]), cases);
        }
    }
    Ok(())
}

async fn answer(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    activity: ActivityId,
    typed: &Typed,
    (done, key): (Result<()>, &'static str),
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/activities/{activity}"), key),
        Err(error) => {
            let form = Form::of(typed);
            pages::refused_form(s, shell, access, activity, form, error).await
        }
    }
}

pub(crate) async fn add(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let decision: Id = typed.id.parse().map_err(|_| Error::NotFound)?;
    let named = (
        &*typed.duty_unit,
        &*typed.duty_person,
        &*typed.duty_due,
        &*typed.duty_way,
    );
    let scope = requests::reach(&access, &access.scope);
    let done = async {
        let new = NewDecision {
            item: String::new(),
            title: typed.decision.clone(),
            duties: duties(&s, named, &scope, |f| format!("duty-{f}")).await?,
        };
        s.decide((activity, decision), &new, &access, actor).await
    };
    let done = (done.await, "decision-kept");
    answer(&s, &shell, &access, activity, &typed, done).await
}

pub(crate) async fn take_back(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, decision)): Path<(String, String)>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let decision: Id = decision.parse().map_err(|_| Error::NotFound)?;
    let done = s.take_decision_back((activity, decision), &typed.reason, &access, actor);
    let done = (done.await, "decision-reversed");
    answer(&s, &shell, &access, activity, &Typed::default(), done).await
}

pub(crate) async fn change(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, request)): Path<(String, String)>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let activity: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let request: Id = request.parse().map_err(|_| Error::NotFound)?;
    let named = (
        &*typed.duty_unit,
        &*typed.duty_person,
        &*typed.duty_due,
        &*typed.duty_way,
    );
    let scope = requests::reach(&access, &access.scope);
    let done = async {
        let mut found = duties(&s, named, &scope, |f| format!("duty-{f}")).await?;
        let (1, Some(duty)) = (found.len(), found.pop()) else {
            return Err(Error::field("duty-unit", Msg::new("duty-one")));
        };
        s.change_duty((activity, request), &duty, &typed.reason, &access, actor)
            .await
    };
    let done = (done.await, "duty-changed");
    answer(&s, &shell, &access, activity, &typed, done).await
}
