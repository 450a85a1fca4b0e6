//! Pages: opinions that are asked for with what became of each, one's own opinion, and the part of the roster that a
//! participating unit fills.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use commons::sheets::write::{Value as Cell, xlsx};
use identity::Actor;
use kernel::{
    ActivityId, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId, format_date,
};
use requests::Eyes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Shell};

use crate::opinions::{Call, LONGEST, NewCall, Opinion, Verdict};
use crate::pages::crumbs;
use crate::typed::Typed as Fields;
use crate::{Activities, Mark, Role, View, pages};

/// Who acts where a route only asks for signing in.
fn actor_of(access: &Access) -> Actor {
    Actor {
        account: Some(access.principal.account),
        on_behalf: access.principal.on_behalf.as_ref().map(|of| of.account),
        address: access.address.clone(),
    }
}

/// Codes of units typed one after another, within a scope.
pub(crate) async fn units_typed(
    s: &Activities,
    text: &str,
    scope: &Scope,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<UnitId>> {
    let mut found = Vec::new();
    let codes = text.split(|c: char| c.is_whitespace() || "、，,；;".contains(c));
    for code in codes.filter(|code| !code.is_empty()) {
        match s.organization.unit_picked("units", code, scope).await {
            Ok(unit) if found.contains(&unit.id) => {}
            Ok(unit) => found.push(unit.id),
            Err(Error::Invalid(_) | Error::NotFound) => errors.push(FieldError {
                field: "units".into(),
                message: Msg::new("participants-unknown").with("code", code),
            }),
            Err(other) => return Err(other),
        }
    }
    Ok(found)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    id: String,
    plan: String,
    activity: String,
    host: String,
    title: String,
    text: String,
    due: String,
    units: String,
    people: String,
    of: String,
    reason: String,
    verdict: String,
    nothing: String,
}

async fn call_form(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    mut form: Form,
) -> Result<Value> {
    s.asked()?;
    let get = |form: &Form, name: &str| form.values.get(name).cloned().unwrap_or_default();
    let mut title = String::new();
    if let Ok(plan) = get(&form, "plan").parse::<Id>() {
        let (plan, _) = s.planned(plan, &access.scope).await?;
        form = form.with("host", plan.host);
        title = plan.title;
    } else if let Ok(id) = get(&form, "activity").parse::<ActivityId>() {
        let (a, _) = s.activity(id, access).await?;
        form = form.with("host", a.host);
        title = a.title;
    }
    if form.values.get("title").is_none_or(String::is_empty) && !title.is_empty() {
        form = form.with("title", shell.t_with("call-title-of", &[("title", &title)]));
    }
    if form.values.get("id").is_none_or(String::is_empty) {
        form = form.with("id", s.env.new_id::<Id>());
    }
    let today = s.env.today();
    let mut groups = vec![(String::new(), "—".to_owned())];
    for body in s.organization.bodies(&access.scope).await? {
        if body.to.is_none_or(|to| today <= to) {
            groups.push((format!("body:{}", body.id), body.name));
        }
    }
    for audience in s.organization.audiences(&access.scope).await? {
        groups.push((format!("audience:{}", audience.id), audience.name));
    }
    let mut hosts = Vec::new();
    for unit in s
        .organization
        .units(&access.scope)
        .await?
        .into_iter()
        .take(200)
    {
        hosts.push((unit.id.to_string(), unit.name));
    }
    Ok(
        json!({ "form": form, "groups": groups, "hosts": hosts, "most": LONGEST, "crumbs": crumbs(shell) }),
    )
}

pub(crate) async fn new_call(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(typed): Query<Typed>,
) -> Result<Response, Failure> {
    let context = call_form(&s, &shell, &access, Form::of(&typed)).await?;
    shell.page("activities/call_form.html", context)
}

/// Those of a body or an audience.
async fn members(s: &Activities, of: &str, scope: &Scope) -> Result<Vec<PersonId>> {
    const MOST: i64 = 500;
    let today = s.env.today();
    match of.split_once(':') {
        Some(("body", id)) => {
            let id: Id = id.parse().map_err(|_| Error::NotFound)?;
            let (_, members) = s.organization.body(id, scope).await?;
            Ok(members
                .iter()
                .filter(|m| m.covers(today))
                .map(|m| m.person)
                .collect())
        }
        Some(("audience", id)) => {
            let id: Id = id.parse().map_err(|_| Error::NotFound)?;
            let audience = s.organization.audience(id, scope).await?;
            let page = s
                .organization
                .audience_page(&audience.rule, today, scope, MOST + 1, 0);
            Ok(page.await?.1.into_iter().map(|line| line.person).collect())
        }
        _ => Ok(Vec::new()),
    }
}

async fn called(s: &Activities, access: &Access, typed: &Typed) -> Result<NewCall> {
    let scope = requests::reach(access, &access.scope);
    let mut errors = Vec::new();
    let units = units_typed(s, &typed.units, &scope, &mut errors).await?;
    let mut people = members(s, typed.of.trim(), &access.scope).await?;
    for number in crate::form_page::staff_numbers(&typed.people) {
        match s.asked()?.named("", &number, &scope).await {
            Ok((_, person)) => people.extend(person),
            Err(Error::Invalid(_)) => errors.push(FieldError {
                field: "people".into(),
                message: Msg::new("observer-unknown").with("number", number),
            }),
            Err(other) => return Err(other),
        }
    }
    people.sort_unstable();
    people.dedup();
    let due = kernel::parse_date(typed.due.trim());
    if due.is_none() {
        errors.push(FieldError {
            field: "due".into(),
            message: Msg::new("activity-date-wrong"),
        });
    }
    Error::if_any(errors)?;
    Ok(NewCall {
        id: typed.id.parse().map_err(|_| Error::NotFound)?,
        host: typed.host.parse().map_err(|_| Error::NotFound)?,
        plan: typed.plan.parse().ok(),
        activity: typed.activity.parse().ok(),
        title: typed.title.clone(),
        text: typed.text.clone(),
        due: due.unwrap_or_else(|| s.env.today()),
        units,
        people,
    })
}

pub(crate) async fn keep_call(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let done = match called(&s, &access, &typed).await {
        Ok(new) => s.call_for_opinions(&new, &access, actor).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => shell.done(&format!("/activities/calls/{id}"), "call-kept"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = call_form(&s, &shell, &access, form).await?;
            shell.refused("activities/call_form.html", context)
        }
    }
}

/// Where a call belongs, as a link.
fn source(call: &Call) -> Option<String> {
    let plan = call.plan.map(|id| format!("/activities/plans/{id}"));
    call.activity.map(|id| format!("/activities/{id}")).or(plan)
}

/// Who said what, and what became of it, a line each.
async fn lines(s: &Activities, shell: &Shell, all: &[Opinion]) -> Result<Vec<Value>> {
    let units: Vec<UnitId> = all.iter().map(|o| o.unit).collect();
    let people: Vec<PersonId> = all.iter().filter_map(|o| o.person).collect();
    let units = s.organization.names(&units).await?;
    let people = s.organization.person_names(&people).await?;
    let zone = s.env.zone();
    let line = |o: &Opinion| {
        let whom = [units.get(&o.unit), o.person.and_then(|p| people.get(&p))];
        let whom: Vec<&str> = whom.into_iter().flatten().map(String::as_str).collect();
        let verdict = match (o.nothing, o.verdict) {
            (true, _) => "none",
            (_, Some(verdict)) => verdict.code(),
            (_, None) if o.answered_at.is_some() => "given",
            _ => "missing",
        };
        json!({ "id": o.id, "whom": whom.join(" · "), "text": o.text.lines().collect::<Vec<_>>(), "code": verdict,
            "said": shell.t(&format!("opinion-{verdict}")), "reason": o.reason, "answered": o.answered_at.is_some(),
            "at": o.answered_at.map(|at| at.minute_text(zone)) })
    };
    Ok(all.iter().map(line).collect())
}

async fn call_page(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    form: Form,
) -> Result<Value> {
    let (call, all) = s.call(id, &access.scope).await?;
    let rows = lines(s, shell, &all).await?;
    let count = |code: &str| rows.iter().filter(|r| r["code"] == json!(code)).count();
    let host = s.organization.names(&[call.host]).await?;
    let counts: Vec<(String, usize)> =
        ["given", "adopted", "partly", "rejected", "none", "missing"]
            .iter()
            .map(|code| (shell.t(&format!("opinion-{code}")), count(code)))
            .collect();
    let verdicts = Verdict::ALL.map(|v| (v.code(), shell.t(&format!("opinion-{}", v.code()))));
    Ok(json!({
        "id": call.id, "title": call.title, "text": call.text.lines().collect::<Vec<_>>(), "due": format_date(call.due),
        "host": host.get(&call.host), "asked": call.asked_at.minute_text(s.env.zone()), "closed": call.closed_at.is_some(),
        "source": source(&call), "rows": rows, "counts": counts, "verdicts": verdicts, "form": form,
        "crumbs": crumbs(shell),
    }))
}

fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn show_call(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = call_page(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("activities/call.html", context)
}

pub(crate) async fn call_sheet(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (call, all) = s.call(id_of(&id)?, &access.scope).await?;
    let rows = lines(&s, &shell, &all).await?;
    identity::tell_list(&s.db, &s.env, &actor, "opinions", rows.len()).await?;
    let cells = rows.iter().zip(&all).enumerate().map(|(n, (row, o))| {
        let text = |name: &str| Cell::from(row[name].as_str().unwrap_or_default());
        vec![
            Cell::from(n as i64 + 1),
            text("whom"),
            Cell::from(o.text.as_str()),
            text("said"),
            text("reason"),
        ]
    });
    let heads = [
        "call-no",
        "call-whom",
        "opinion-label",
        "opinion-verdict",
        "opinion-why",
    ];
    let heads = heads.map(|key| shell.t(key));
    let title = shell.t("call-table");
    let bytes = xlsx(&title, &heads.each_ref().map(String::as_str), cells)?;
    let name = format!("{}-{}.xlsx", title, call.title);
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// The page of a call with what was wrong.
async fn refused(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    error: Error,
) -> Result<Response, Failure> {
    let error = match error {
        Error::Conflict(message) => Error::field("reason", message),
        other => other,
    };
    let form = Form::default().reject(shell, error)?;
    let context = call_page(s, shell, access, id, form).await?;
    shell.refused("activities/call.html", context)
}

pub(crate) async fn judge(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, opinion)): Path<(String, String)>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, opinion) = (id_of(&id)?, id_of(&opinion)?);
    let verdict = Verdict::from_code(&typed.verdict).ok_or(Error::NotFound)?;
    let what = (verdict, typed.reason.as_str());
    match s
        .judge_opinion((id, opinion), what, &access.scope, actor)
        .await
    {
        Ok(()) => shell.done(&format!("/activities/calls/{id}"), "opinion-judged"),
        Err(error) => refused(&s, &shell, &access, id, error).await,
    }
}

pub(crate) async fn close(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let reason = shell.t("call-ended");
    match s.close_call(id, &reason, &access.scope, actor).await {
        Ok(()) => shell.done(&format!("/activities/calls/{id}"), "call-closed"),
        Err(error) => refused(&s, &shell, &access, id, error).await,
    }
}

async fn own_page(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    id: Id,
    mut form: Form,
) -> Result<Value> {
    let (call, o, open) = s.own_opinion(id, &Eyes::from(access)).await?;
    if !form.values.contains_key("text") {
        form = form.with("text", &o.text);
        form = form.with("nothing", if o.nothing { "on" } else { "" });
    }
    let row = lines(s, shell, std::slice::from_ref(&o)).await?.pop();
    let host = s.organization.names(&[call.host]).await?;
    Ok(json!({
        "id": id, "title": call.title, "text": call.text.lines().collect::<Vec<_>>(), "due": format_date(call.due),
        "host": host.get(&call.host), "form": form, "open": open, "row": row, "most": LONGEST,
        "crumbs": [Crumb { label: shell.t("requests-menu"), href: "/requests".into() }],
    }))
}

pub(crate) async fn own(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let context = own_page(&s, &shell, &access, id_of(&id)?, Form::default()).await?;
    shell.page("activities/opinion.html", context)
}

pub(crate) async fn give(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let (id, eyes) = (id_of(&id)?, Eyes::from(&access));
    let said = (typed.text.as_str(), typed.nothing == "on");
    match s.give_opinion(id, said, &eyes, actor_of(&access)).await {
        Ok(()) => shell.done(&format!("/activities/opinions/{id}"), "opinion-kept"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = own_page(&s, &shell, &access, id, form).await?;
            shell.refused("activities/opinion.html", context)
        }
    }
}

/// What the pages of a plan and of an activity say of opinions.
pub(crate) async fn calls(
    s: &Activities,
    plan: Option<Id>,
    activity: Option<ActivityId>,
) -> Result<Value> {
    let all = s.calls_of(plan, activity).await?;
    let row = |(c, asked, answered): &(Call, i64, i64)| {
        json!({ "href": format!("/activities/calls/{}", c.id), "title": c.title, "due": format_date(c.due),
            "asked": asked, "answered": answered, "closed": c.closed_at.is_some() })
    };
    Ok(all.iter().map(row).collect())
}

/// What the page of an activity says of the units that take part: each with how many of its people are on the roster.
pub(crate) async fn participants(
    s: &Activities,
    access: &Access,
    a: &crate::Activity,
    parts: &[crate::Part],
) -> Result<Value> {
    let units = s.participants(a.id).await?;
    let names = s.organization.names(&units).await?;
    let homes = parts.iter().map(|p| p.unit);
    let all: Vec<UnitId> = units.iter().copied().chain(homes).collect();
    let paths = s.organization.paths(&all).await?;
    let path = |unit: UnitId| paths.get(&unit).map_or(&[][..], Vec::as_slice);
    let scope = access.principal.scope(crate::RECORD);
    let scope = scope.filter(|_| a.reversed_at.is_none());
    let mut rows = Vec::new();
    for unit in units {
        let there = parts
            .iter()
            .filter(|p| path(p.unit).contains(&unit))
            .count();
        let may = scope.is_some_and(|scope| scope.reaches(path(unit)));
        rows.push(json!({ "id": unit, "name": names.get(&unit), "there": there, "may": may }));
    }
    Ok(json!(rows))
}

async fn part_page(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    (id, unit): (ActivityId, UnitId),
    (form, given): (Form, &[(PersonId, String)]),
) -> Result<Value> {
    let (a, lines) = s.part_of_unit(id, unit, &access.scope).await?;
    let names = s.organization.names(&[unit, a.host]).await?;
    let roster: Vec<Value> = lines
        .iter()
        .map(|(line, part)| {
            let typed = given.iter().find(|(p, _)| *p == line.person).map(|(_, role)| role.as_str());
            let mark = typed.or(part.as_ref().map(|p| p.role.code())).unwrap_or("");
            json!({ "person": line.person, "staff_no": line.staff_no, "name": line.name, "unit": line.unit_name,
                "post": line.post, "mark": mark })
        })
        .collect();
    let roles: Vec<Value> = [Role::Present, Role::Leave, Role::Absent]
        .iter()
        .map(|r| json!({ "code": r.code(), "label": shell.t(&format!("role-{}", r.code())) }))
        .collect();
    let mut trail = crumbs(shell);
    trail.push(Crumb {
        label: a.title.clone(),
        href: format!("/activities/{id}"),
    });
    Ok(
        json!({ "id": id, "unit_id": unit, "unit": names.get(&unit), "title": a.title, "date": format_date(a.date),
        "host": names.get(&a.host), "roster": roster, "roles": roles, "form": form, "crumbs": trail }),
    )
}

pub(crate) async fn part(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Path((id, unit)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    let typed = (Form::default(), &[][..]);
    let context = part_page(&s, &shell, &access, (id, unit), typed).await?;
    shell.page("activities/part.html", context)
}

pub(crate) async fn fill_part(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, unit)): Path<(String, String)>,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    let given: Vec<(PersonId, String)> = fields
        .iter()
        .filter_map(|(n, v)| Some((n.strip_prefix("part-")?.parse().ok()?, v.clone())))
        .collect();
    let marks: Vec<Mark> = given
        .iter()
        .filter_map(|(person, role)| {
            Some(Mark {
                person: *person,
                role: Role::from_code(role).filter(|r| *r != Role::Observer)?,
            })
        })
        .collect();
    let done = match marks.is_empty() {
        true => Err(Error::field("roster", Msg::new("roster-empty"))),
        false => s.fill_part(id, unit, &marks, &access.scope, actor).await,
    };
    match done {
        Ok(()) => shell.done(&format!("/activities/{id}/units/{unit}"), "part-filled"),
        Err(error) => {
            let form = Form::default().reject(&shell, error)?;
            let context = part_page(&s, &shell, &access, (id, unit), (form, &given)).await?;
            shell.refused("activities/part.html", context)
        }
    }
}

pub(crate) async fn join(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let scope = requests::reach(&access, &access.scope);
    let done = async {
        let mut errors = Vec::new();
        let units = units_typed(&s, &typed.units, &scope, &mut errors).await?;
        if units.is_empty() && errors.is_empty() {
            errors.push(FieldError {
                field: "units".into(),
                message: Msg::new("participants-none"),
            });
        }
        Error::if_any(errors)?;
        for unit in units {
            s.set_participant(id, (unit, true), &access, actor.clone())
                .await?;
        }
        Ok(())
    };
    match done.await {
        Ok(()) => shell.done(&format!("/activities/{id}"), "participants-kept"),
        Err(error) => pages::refused_form(&s, &shell, &access, id, Form::of(&typed), error).await,
    }
}

pub(crate) async fn leave(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, unit)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id: ActivityId = id.parse().map_err(|_| Error::NotFound)?;
    let unit: UnitId = unit.parse().map_err(|_| Error::NotFound)?;
    match s.set_participant(id, (unit, false), &access, actor).await {
        Ok(()) => shell.done(&format!("/activities/{id}"), "participants-kept"),
        Err(Error::Conflict(message)) => {
            let error = Error::field("units", message);
            pages::refused_form(&s, &shell, &access, id, Form::default(), error).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The fields that name participating units, of the forms by which activities are recorded and planned.
pub(crate) async fn entered(
    s: &Activities,
    access: &Access,
    typed: &Fields,
    errors: &mut Vec<FieldError>,
) -> Result<Vec<UnitId>> {
    let scope = requests::reach(access, &access.scope);
    units_typed(s, typed.get("units"), &scope, errors).await
}

/// As whom an activity is looked at: also by those whose unit takes part in it.
pub(crate) fn reader(access: &Access) -> View {
    View::from(access).taking_part()
}

/// The routes of opinions, of participating units and of speeches.
pub(crate) fn routes() -> web::Routes<Activities> {
    use web::Policy;
    let record = Policy::Permission(crate::RECORD);
    let read = Policy::Permission(crate::READ);
    web::Routes::new()
        .post("/activities/{id}/speeches", record, crate::speeches::keep)
        .post(
            "/activities/{id}/speeches/{speech}/reversal",
            record,
            crate::speeches::take_back,
        )
        .get(
            "/activities/{id}/speeches.docx",
            read,
            crate::speeches::document,
        )
        .get("/activities/calls/new", record, new_call)
        .post("/activities/calls", record, keep_call)
        .get("/activities/calls/{id}", record, show_call)
        .get("/activities/calls/{id}/table.xlsx", record, call_sheet)
        .post("/activities/calls/{id}/close", record, close)
        .post("/activities/calls/{id}/opinions/{opinion}", record, judge)
        .get("/activities/opinions/{id}", Policy::SignedIn, own)
        .post("/activities/opinions/{id}", Policy::SignedIn, give)
        .post("/activities/{id}/units", record, join)
        .post("/activities/{id}/units/{unit}/leave", record, leave)
        .get("/activities/{id}/units/{unit}", record, part)
        .post("/activities/{id}/units/{unit}", record, fill_part)
}
