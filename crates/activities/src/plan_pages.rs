//! Pages of plans: the calendar of a month, one plan, how it is made, moved and cancelled.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Actor;
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{Date, Error, Id, Msg, Result, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Shell};

use crate::pages::crumbs;
use crate::plan::{NewPlan, PlanState};
use crate::store::Filter;
use crate::typed::Typed;
use crate::{Activities, LeaveState, PLAN, RECORD, form_page, list_page, opinion_pages};

/// Activities on one page of the calendar.
const MOST: i64 = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    month: String,
    unit: String,
}

/// The first day of the month asked for, else of this one.
fn first_day(month: &str, today: Date) -> Date {
    let asked = kernel::parse_date(&format!("{}-01", month.trim()));
    asked.unwrap_or_else(|| today.first_of_month())
}

pub(crate) async fn calendar(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let (lang, today) = (shell.lang().code(), s.env.today());
    let first = first_day(&asked.month, today);
    let last = first.last_of_month();
    let mut form = Form::default();
    let unit = match asked.unit.trim() {
        "" => None,
        text => match s
            .organization
            .unit_picked("unit", text, &access.scope)
            .await
        {
            Ok(unit) => Some(unit),
            Err(error @ Error::Invalid(_)) => {
                form = form.reject(&shell, error)?;
                None
            }
            Err(other) => return Err(other.into()),
        },
    };
    let under = unit.as_ref().map(|u| u.id);
    let filter = Filter {
        under,
        from: Some(first),
        to: Some(last),
        standing: Some(true),
        ..Filter::default()
    };
    let held = s.list(&access, &filter, list_page::USUAL, 1, MOST);
    let (held, total) = held.await?;
    let plans = s.plans((first, last), &access.scope, under).await?;
    let hosts: Vec<UnitId> = held
        .iter()
        .map(|(a, ..)| a.host)
        .chain(plans.iter().map(|p| p.host))
        .collect();
    let names = s.organization.names(&hosts).await?;
    let kind = |code: &str| {
        let kind = s.kinds.get(code);
        kind.map_or(code, |k| k.name.get(lang)).to_owned()
    };
    let zone = s.env.zone();
    let clock = |at: kernel::Timestamp| at.zoned(zone).strftime("%H:%M").to_string();
    let mut items: Vec<(Date, kernel::Timestamp, Value)> = Vec::new();
    for (a, present, expected) in &held {
        let item = json!({ "href": format!("/activities/{}", a.id), "title": a.title, "kind": kind(&a.kind),
            "host": names.get(&a.host), "at": clock(a.starts), "planned": false, "late": false,
            "note": if *expected > 0 { format!("{present}/{expected}") } else { String::new() } });
        items.push((a.date, a.starts, item));
    }
    for p in &plans {
        let item = json!({ "href": format!("/activities/plans/{}", p.id), "title": p.title, "kind": kind(&p.kind),
            "host": names.get(&p.host), "at": clock(p.starts), "planned": true, "late": p.date < today, "note": "" });
        items.push((p.date, p.starts, item));
    }
    items.sort_by_key(|(date, at, _)| (*date, *at));
    let monday = first.saturating_sub(i64::from(first.weekday().to_monday_zero_offset()).days());
    let mut weeks: Vec<Vec<Value>> = Vec::new();
    let mut day = monday;
    while day <= last {
        let mut week = Vec::with_capacity(7);
        for _ in 0..7 {
            let own: Vec<&Value> = items
                .iter()
                .filter(|(date, ..)| *date == day)
                .map(|(.., item)| item)
                .collect();
            week.push(json!({ "day": day.day(), "date": kernel::format_date(day), "own": day.month() == first.month(),
                "today": day == today, "items": own }));
            day = day.saturating_add(1.day());
        }
        weeks.push(week);
    }
    let month = |day: Date| day.strftime("%Y-%m").to_string();
    let unit_code = unit.as_ref().map_or("", |u| &u.code);
    let href = |day: Date| {
        format!(
            "/activities/calendar?month={}&unit={}",
            month(day),
            web::encode(unit_code)
        )
    };
    let before = first.saturating_sub(1.day());
    let after = last.saturating_add(1.day());
    shell.page(
        "activities/calendar.html",
        json!({
            "weeks": weeks, "month": month(first), "unit": unit_code, "unit_name": unit.as_ref().map(|u| &u.name),
            "before": href(before), "after": href(after), "form": form, "cut": total > MOST,
            "any": !items.is_empty(), "may_plan": access.principal.scope(PLAN).is_some(), "crumbs": crumbs(&shell),
        }),
    )
}

pub(crate) async fn keep(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(fields);
    let kind = s.kinds.get(typed.get("kind")).ok_or(Error::NotFound)?;
    let host: UnitId = typed.get("unit").parse().map_err(|_| Error::NotFound)?;
    let unit = s.organization.unit(host, &access.scope).await?;
    let when = day_and_times(typed.get("date"), typed.get("starts"), typed.get("ends"));
    let date = kernel::parse_date(typed.get("date")).unwrap_or_else(|| s.env.today());
    let result = match when {
        Ok((date, starts, ends)) => {
            let mut pairs = typed.0.clone();
            pairs.retain(|(n, v)| {
                !v.trim().is_empty()
                    && !["id", "upload", "file", "issue", "session"].contains(&n.as_str())
                    && !n.starts_with("part-")
            });
            let new = NewPlan {
                id: typed.get("id").parse().map_err(|_| Error::NotFound)?,
                kind: kind.code.clone(),
                host,
                title: typed.get("title").to_owned(),
                date,
                starts,
                ends,
                location: typed.get("location").to_owned(),
                of: typed.get("of").parse().ok(),
                typed: pairs,
            };
            let mut errors = Vec::new();
            let units = opinion_pages::entered(&s, &access, &typed, &mut errors).await?;
            match Error::if_any(errors) {
                Ok(()) => s.plan_with(&new, &units, &access.scope, actor).await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(id) => shell.done(&format!("/activities/plans/{id}"), "plan-kept"),
        Err(error) => {
            let form = typed.form(kind).reject(&shell, error)?;
            let context =
                form_page::form_context(&s, &shell, &access, kind, &unit, date, form, &[]);
            let mut context = context.await?;
            context["planning"] = json!(true);
            shell.refused("activities/form.html", context)
        }
    }
}

fn day_and_times(date: &str, starts: &str, ends: &str) -> Result<(Date, Time, Time)> {
    let time = |field: &str, text: &str| {
        Time::strptime("%H:%M", text.trim())
            .map_err(|_| Error::field(field, Msg::new("activity-time-wrong")))
    };
    let wrong = || Error::field("date", Msg::new("activity-date-wrong"));
    let date = kernel::parse_date(date).ok_or_else(wrong)?;
    Ok((date, time("starts", starts)?, time("ends", ends)?))
}

async fn context(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let (plan, changes) = s.planned(id, &access.scope).await?;
    let zone = s.env.zone();
    let clock = |at: kernel::Timestamp| at.zoned(zone).strftime("%H:%M").to_string();
    let mut form = form;
    for (name, value) in [
        ("date", kernel::format_date(plan.date)),
        ("starts", clock(plan.starts)),
        ("ends", clock(plan.ends)),
    ] {
        if !form.values.contains_key(name) {
            form = form.with(name, value);
        }
    }
    let open = plan.state == PlanState::Planned;
    let reaches = async |permission: &str| match access.principal.scope(permission) {
        Some(scope) if open => s.organization.reaches(scope, plan.host).await,
        _ => Ok(false),
    };
    let host = s.organization.names(&[plan.host]).await?;
    let history: Vec<Value> = changes
        .iter()
        .map(|c| {
            let who = c.name.as_deref().unwrap_or("—");
            let key = format!("plan-act-{}", c.act);
            json!({ "title": shell.t_with(&key, &[("who", who), ("was", &c.was)]), "quote": c.reason,
                "state": if c.act == "moved" { "done" } else { "bad" }, "at": c.at.minute_text(zone) })
        })
        .collect();
    let mut crumbs = crumbs(shell);
    crumbs.push(Crumb {
        label: shell.t("activity-calendar"),
        href: format!("/activities/calendar?month={}", plan.date.strftime("%Y-%m")),
    });
    // Why somebody is away is for those who decide about it.
    let leaves = match reaches(RECORD).await? {
        true => s.leaves(id).await?,
        false => Vec::new(),
    };
    let leaves: Vec<Value> = leaves
        .iter()
        .filter(|l| l.state != LeaveState::Withdrawn)
        .map(|l| {
            json!({ "id": l.id, "name": l.name, "reason": l.reason, "answer": l.answer, "asked": l.asked_at.minute_text(zone),
                "state": shell.t(&format!("leave-state-{}", l.state.code())), "open": l.state == LeaveState::Asked })
        })
        .collect();
    let units = s.participants_of_plan(id).await?;
    let units: Vec<String> = s.organization.names(&units).await?.into_values().collect();
    let may_call = s.requests.is_some() && reaches(RECORD).await?;
    Ok(json!({
        "units": units, "may_call": may_call,
        "calls": if may_call { opinion_pages::calls(s, Some(id), None).await? } else { json!([]) },
        "id": plan.id, "title": plan.title, "host": host.get(&plan.host), "form": form, "crumbs": crumbs,
        "kind": s.kinds.get(&plan.kind).map_or(plan.kind.as_str(), |k| k.name.get(lang)),
        "starts": plan.starts.minute_text(zone), "ends": plan.ends.minute_text(zone), "location": plan.location,
        "state": plan.state.code(), "activity": plan.activity, "history": history,
        "may_plan": reaches(PLAN).await?, "may_record": reaches(RECORD).await? && plan.starts <= s.env.now(),
        "early": open && plan.starts > s.env.now(),
        "leaves": leaves, "may_door": reaches(RECORD).await?, "door": crate::door::pages::card(s, id).await?,
        "pair": s.kinds.get(&plan.kind).is_some_and(|k| k.pair),
    }))
}

/// The page of a plan with what was wrong.
pub(crate) async fn again(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Response, Failure> {
    let context = context(s, shell, access, id, form).await?;
    shell.refused("activities/plan.html", context)
}

pub(crate) async fn show(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let context = context(&s, &shell, &access, id, Form::default()).await?;
    shell.page("activities/plan.html", context)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    date: String,
    starts: String,
    ends: String,
    reason: String,
}

pub(crate) async fn shift(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Change>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let moved = match day_and_times(&typed.date, &typed.starts, &typed.ends) {
        Ok(when) => {
            let reason = &typed.reason;
            s.move_plan(id, when, reason, &access.scope, actor).await
        }
        Err(error) => Err(error),
    };
    answer(&s, &shell, &access, id, &typed, moved, "plan-moved").await
}

pub(crate) async fn cancel(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Change>,
) -> Result<Response, Failure> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let reason = &typed.reason;
    let cancelled = s.cancel_plan(id, reason, &access.scope, actor).await;
    answer(
        &s,
        &shell,
        &access,
        id,
        &Change {
            reason: typed.reason,
            ..Change::default()
        },
        cancelled,
        "plan-cancelled-done",
    )
    .await
}

async fn answer(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    typed: &Change,
    done: Result<()>,
    said: &'static str,
) -> Result<Response, Failure> {
    match done {
        Ok(()) => shell.done(&format!("/activities/plans/{id}"), said),
        Err(error) => {
            let mut form = Form::of(typed);
            form.values.retain(|_, value| !value.is_empty());
            let form = form.reject(shell, error)?;
            shell.refused(
                "activities/plan.html",
                context(s, shell, access, id, form).await?,
            )
        }
    }
}
