//! The form by which an activity is recorded: its kind says what stands in it.

use std::collections::BTreeMap;

use axum::Form as Body;
use axum::extract::{Query, State};
use axum::response::Response;
use identity::Actor;
use jiff::civil::Time;
use kernel::words::Words;
use kernel::{ActivityId, Date, Error, FieldError, Id, Msg, PersonId, Result, UnitId};
use organization::{Unit, initials};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::decision_pages;
use crate::details::{Item, next_session};
use crate::evidence_pages;
use crate::opinion_pages;
use crate::pages::{crumbs, usual_level};
use crate::plan::PlanState;
use crate::store::details as rows;
use crate::typed::{self, Typed, groups_of, shape, with_agenda, with_roles};
use crate::{Activities, ActivityKind, Mark, New, Role, RosterOf, View};

/// People that a field offers while one types.
const OFFERED: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormQuery {
    pub(crate) kind: String,
    pub(crate) unit: String,
    pub(crate) date: String,
    pub(crate) of: String,
    pub(crate) series: String,
    copy: String,
    pub(crate) plan: String,
}

/// What is known of who came before anybody is marked.
#[derive(Debug, Default)]
pub(crate) struct Prefill {
    pub(crate) marks: Vec<(PersonId, String)>,
    pub(crate) observers: Vec<String>,
    pub(crate) minutes: BTreeMap<PersonId, i64>,
}

/// Who signed in at the door of a plan.
async fn came_to(s: &Activities, kind: &ActivityKind, plan: &crate::Plan) -> Result<Prefill> {
    let mut known = Prefill::default();
    for came in s.came(plan.id).await? {
        if kind.roster == RosterOf::Open || came.role == Role::Observer {
            known.observers.push(came.staff_no);
        } else {
            known.marks.push((came.person, came.role.code().to_owned()));
        }
    }
    // Who has leave and came nevertheless was there.
    for leave in s.leaves(plan.id).await? {
        let granted = leave.state == crate::LeaveState::Granted;
        if granted && !known.marks.iter().any(|(p, _)| *p == leave.person) {
            known.marks.push((leave.person, Role::Leave.code().into()));
        }
    }
    Ok(known)
}

/// The form with what a sheet says, or with what is wrong in it.
pub(crate) async fn with_sheet(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    q: FormQuery,
    filled: Result<Prefill>,
) -> Result<Response, Failure> {
    open(s, shell, access, q, false, Some(filled)).await
}

pub(crate) async fn form(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(q): Query<FormQuery>,
) -> Result<Response, Failure> {
    open(&s, &shell, &access, q, false, None).await
}

/// The same form, by which something is planned.
pub(crate) async fn plan_form(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(q): Query<FormQuery>,
) -> Result<Response, Failure> {
    open(&s, &shell, &access, q, true, None).await
}

async fn open(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    mut q: FormQuery,
    planning: bool,
    sheet: Option<Result<Prefill>>,
) -> Result<Response, Failure> {
    let plan = match q.plan.trim() {
        "" => None,
        id => {
            let id: Id = id.parse().map_err(|_| Error::NotFound)?;
            let (plan, _) = s.planned(id, &access.scope).await?;
            if plan.state != PlanState::Planned {
                return Err(Error::Conflict(Msg::new("plan-not-open")).into());
            }
            q.kind.clone_from(&plan.kind);
            q.unit = plan.host.to_string();
            q.date = kernel::format_date(plan.date);
            Some(plan)
        }
    };
    let mut rejected = Form::default();
    let unit = match unit_of(s, access, &q.unit).await {
        Err(error @ Error::Invalid(_)) => {
            rejected = rejected.reject(shell, error)?;
            unit_of(s, access, "").await?
        }
        found => found?,
    };
    let asked = s.kinds.get(&q.kind);
    // Those in no group stand first in the choice.
    let usual = || {
        let mut fit = s.kinds.iter().filter(|k| k.is_for(&unit.category));
        let first = fit.clone().next();
        fit.find(|k| k.group.is_none()).or(first)
    };
    let Some(kind) = asked.or_else(usual) else {
        return Err(Error::Conflict(Msg::new("no-activity-kinds")).into());
    };
    let date = kernel::parse_date(&q.date).unwrap_or_else(|| match planning {
        true => s.env.today(),
        false => kind.usual_day(s.env.today()),
    });
    let ends = kind
        .starts
        .wrapping_add(jiff::Span::new().minutes(kind.minutes));
    let agenda: Vec<Item> = kind
        .agenda_required
        .iter()
        .map(|code| Item {
            code: code.clone(),
            title: String::new(),
        })
        .collect();
    let form = with_agenda(rejected, kind, &agenda)
        .with("id", s.env.new_id::<ActivityId>())
        .with("kind", &kind.code)
        .with("unit", unit.id)
        .with("date", kernel::format_date(date))
        .with("title", kind.title.get(shell.lang().code()))
        .with("starts", kind.starts.strftime("%H:%M"))
        .with("ends", ends.strftime("%H:%M"))
        .with("location", "")
        .with("level", usual_level(s, kind))
        .with("observers", "")
        .with("of", q.of.trim())
        .with("series", q.series.trim());
    let copied = q.copy == "last";
    let form = match copied {
        true => copy_last(s, access, kind, &unit, date, form).await?,
        false => form,
    };
    // Everything that is known of what was planned.
    let form = match &plan {
        Some(plan) => {
            let planned = Typed(plan.typed.clone());
            let mut form = with_agenda(form, kind, &planned.agenda()).with("plan", plan.id);
            for (name, value) in &plan.typed {
                if !name.starts_with("agenda-") {
                    form = form.with(name, value);
                }
            }
            form
        }
        None => form,
    };
    let mut form = propose(s, kind, &unit, form).await?;
    let mut known = Prefill::default();
    let mut refused = false;
    let from_sheet = sheet.is_some();
    match sheet {
        Some(Ok(filled)) => known = filled,
        Some(Err(Error::Invalid(errors))) => {
            for error in errors {
                let text = shell.text(&error.message);
                let text = match error.field.as_str() {
                    "sheet" | "" => text,
                    cell => format!("{cell}：{text}"),
                };
                form.errors
                    .entry("sheet".into())
                    .or_insert_with(|| text.clone());
                let field = "sheet".to_owned();
                form.list.push(web::FormError { field, text });
            }
            refused = true;
        }
        Some(Err(other)) => return Err(other.into()),
        None => {
            if let Some(plan) = &plan {
                known = came_to(s, kind, plan).await?;
            }
        }
    }
    if !known.observers.is_empty() {
        form = form.with("observers", known.observers.join("，"));
    }
    for (person, minutes) in &known.minutes {
        form = form.with(&format!("minutes-{person}"), minutes);
    }
    let marks = &known.marks;
    let mut context = form_context(s, shell, access, kind, &unit, date, form, marks).await?;
    context["planning"] = json!(planning);
    context["sheet_read"] = json!(from_sheet && !marks.is_empty());
    context["came"] = json!(if from_sheet { 0 } else { marks.len() });
    match refused {
        true => shell.refused("activities/form.html", context),
        false => shell.page("activities/form.html", context),
    }
}

/// People, place and times of the last one of the same kind and unit.
async fn copy_last(
    s: &Activities,
    access: &Access,
    kind: &ActivityKind,
    unit: &Unit,
    date: Date,
    form: Form,
) -> Result<Form> {
    let view = View::from(access);
    let last = rows::last(&mut s.db.read().await?, unit.id, &kind.code, &view).await?;
    let Some(last) = last else {
        return Err(Error::Conflict(Msg::new("activity-none-to-copy")));
    };
    let (roles, _, series) = s.details(&last).await?;
    let (_, parts) = s.activity(last.id, view).await?;
    // On a roster everybody is marked anew; those who came beside it come again.
    let came = match kind.roster {
        RosterOf::Open => Role::Present,
        _ => Role::Observer,
    };
    let came: Vec<PersonId> = parts
        .iter()
        .filter(|p| p.role == came)
        .map(|p| p.person)
        .collect();
    let roles: Vec<_> = roles.into_iter().map(|r| (r.role, r.person)).collect();
    let pair = last.pair.map(|p| [p.person, p.other]);
    let people: Vec<PersonId> = came
        .iter()
        .copied()
        .chain(roles.iter().map(|(_, p)| *p))
        .chain(pair.iter().flatten().copied())
        .collect();
    let numbers = typed::numbers(s, &people, date).await?;
    let zone = s.env.zone();
    let clock = |at: kernel::Timestamp| at.zoned(zone).strftime("%H:%M").to_string();
    let came: Vec<&str> = came
        .iter()
        .filter_map(|p| numbers.get(p).map(String::as_str))
        .collect();
    let mut form = with_roles(form, &roles, &numbers)
        .with("location", &last.location)
        .with("starts", clock(last.starts))
        .with("ends", clock(last.ends))
        .with("observers", came.join("，"));
    if let Some(of) = last.body.or(last.audience) {
        form = form.with("of", of);
    }
    if let Some(series) = series {
        form = form.with("series", series);
    }
    if let Some([person, other]) = pair {
        for (name, person) in [("pair-person", person), ("pair-other", other)] {
            form = form.with(name, numbers.get(&person).map_or("", String::as_str));
        }
    }
    Ok(form)
}

/// Proposes the next place in a series: the one asked for, else the only one there is.
async fn propose(s: &Activities, kind: &ActivityKind, unit: &Unit, form: Form) -> Result<Form> {
    if !kind.series {
        return Ok(form);
    }
    let mut tx = s.db.read().await?;
    let known = rows::series_of(&mut tx, unit.id, &kind.code).await?;
    let name = form.values.get("series").cloned().unwrap_or_default();
    let found = match (name.is_empty(), known.as_slice()) {
        (true, [only]) => Some(only),
        _ => known.iter().find(|(_, n)| *n == name),
    };
    let (issue, session) = match found {
        Some((id, _)) => next_session(&rows::taken(&mut tx, *id).await?),
        None => (1, 1),
    };
    let name = found.map_or(name, |(_, n)| n.clone());
    Ok(form
        .with("series", name)
        .with("issue", issue)
        .with("session", session))
}

/// The unit that the form is about: the one asked for, else one's own, else the first.
async fn unit_of(s: &Activities, access: &Access, asked: &str) -> Result<Unit> {
    if !asked.trim().is_empty() {
        return s
            .organization
            .unit_picked("unit", asked, &access.scope)
            .await;
    }
    if let Some(person) = access.principal.person
        && let Some(own) = s.organization.unit_of(person, s.env.today()).await?
        && s.organization.reaches(&access.scope, own).await?
    {
        return s.organization.unit(own, &access.scope).await;
    }
    let first = s
        .organization
        .units(&access.scope)
        .await?
        .into_iter()
        .next();
    first.ok_or(Error::NotFound)
}

/// Kinds to choose from, in their groups: those that the unit uses, and the one chosen.
fn kind_groups(s: &Activities, unit: &Unit, chosen: &ActivityKind, lang: &str) -> Vec<Value> {
    let of = |group: Option<&str>| -> Vec<(&str, &str)> {
        s.kinds
            .iter()
            .filter(|k| k.group.as_deref() == group)
            .filter(|k| k.is_for(&unit.category) || k.code == chosen.code)
            .map(|k| (k.code.as_str(), k.name.get(lang)))
            .collect()
    };
    let groups = s
        .kinds
        .groups()
        .map(|g| (g.name.get(lang), of(Some(&g.code))));
    let all = [("", of(None))].into_iter().chain(groups);
    all.filter(|(_, kinds)| !kinds.is_empty())
        .map(|(name, kinds)| json!({ "name": name, "kinds": kinds }))
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "all of it stands on the page")]
pub(crate) async fn form_context(
    s: &Activities,
    shell: &Shell,
    access: &Access,
    kind: &ActivityKind,
    unit: &Unit,
    date: Date,
    mut form: Form,
    marks: &[(PersonId, String)],
) -> Result<Value> {
    let (lang, scope) = (shell.lang().code(), &access.scope);
    let groups = groups_of(s, kind, unit.id, date, scope).await?;
    let typed = form.values.get("of").cloned().unwrap_or_default();
    let of: Option<Id> = match typed.parse() {
        Ok(of) if groups.iter().any(|(id, _)| *id == of) => Some(of),
        _ => groups.first().map(|(id, _)| *id),
    };
    form = form.with("of", of.map(|of| of.to_string()).unwrap_or_default());
    let roster = s.expected(kind, unit.id, of, date, scope).await?;
    let roster: Vec<Value> = roster
        .iter()
        .map(|r| {
            let mark = marks.iter().find(|(p, _)| *p == r.person).map_or("", |(_, m)| m.as_str());
            json!({
                "person": r.person, "staff_no": r.staff_no, "name": r.name, "unit": r.unit_name, "post": r.post,
                "mark": mark, "minutes": form.values.get(&format!("minutes-{}", r.person)),
            })
        })
        .collect();
    let roles: Vec<Value> = [Role::Present, Role::Leave, Role::Absent]
        .iter()
        .map(|r| json!({ "code": r.code(), "label": shell.t(&format!("role-{}", r.code())) }))
        .collect();
    let series: Vec<String> = match kind.series {
        true => rows::series_of(&mut s.db.read().await?, unit.id, &kind.code)
            .await?
            .into_iter()
            .map(|(_, name)| name)
            .collect(),
        false => Vec::new(),
    };
    let view = View::from(access);
    let last = rows::last(&mut s.db.read().await?, unit.id, &kind.code, &view).await?;
    let minutes: Vec<(&String, &String)> = form
        .values
        .iter()
        .filter(|(name, _)| name.starts_with("minutes-"))
        .collect();
    let shape = shape(s, kind, lang, &form);
    let decides = s.requests.is_some() && !kind.pair && kind.confidential.is_none();
    let decision_lines = if decides {
        decision_pages::lines(&form)
    } else {
        0
    };
    Ok(json!({
        "form": form, "kind": kind.name.get(lang), "roster": roster, "roles": roles, "shape": shape,
        "unit_code": unit.code, "unit_name": unit.name, "groups": kind_groups(s, unit, kind, lang),
        "decision_lines": decision_lines, "ways": s.intake.is_some(), "ofs": groups, "series": series, "may_copy": last.is_some(),
        "planning": false, "minutes": minutes, "sheet_read": false, "came": 0, "uploads": [], "may_file": s.keeper.is_some(), "kinds": crate::evidence::KINDS.map(|k| format!(".{k}")).join(","),
        "levels": s.levels.options(lang), "crumbs": crumbs(shell), "today": kernel::format_date(s.env.today()),
    }))
}

pub(crate) async fn record(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Body(fields): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(fields);
    let kind = s.kinds.get(typed.get("kind")).ok_or(Error::NotFound)?;
    let unit: UnitId = typed.get("unit").parse().map_err(|_| Error::NotFound)?;
    let host = s.organization.unit(unit, &access.scope).await?;
    let id: ActivityId = typed.get("id").parse().map_err(|_| Error::NotFound)?;
    let uploads: Vec<&str> = typed
        .0
        .iter()
        .filter(|(n, _)| n == "upload")
        .map(|(_, v)| v.as_str())
        .collect();
    let of = access.principal.account;
    let files = match uploads.is_empty() {
        true => Vec::new(),
        false => evidence_pages::arrived(&s, of, &uploads).await?,
    };
    let words = evidence_pages::words_in(&secrecy, &files).await?;
    if secrecy.asks(&words) {
        let laid = evidence_pages::lay_down(&s, of, &files).await?;
        let mut again = typed.0.clone();
        again.retain(|(n, _)| n != "upload");
        again.extend(laid.into_iter().map(|(id, _)| ("upload".to_owned(), id)));
        return secrecy.ask(&words, &again, false);
    }
    secrecy.keep(&words).await?;
    let mut errors = Vec::new();
    let mut wrong = |field: &str, key: &'static str| {
        errors.push(FieldError {
            field: field.into(),
            message: Msg::new(key),
        })
    };
    if !typed.get("file").is_empty() {
        // Without script a browser sends the name of a file alone.
        wrong("file", "evidence-noscript");
    }
    let date = kernel::parse_date(typed.get("date"));
    if date.is_none() {
        wrong("date", "activity-date-wrong");
    }
    let time = |name: &str| Time::strptime("%H:%M", typed.get(name)).ok();
    let (starts, ends) = (time("starts"), time("ends"));
    if starts.is_none() {
        wrong("starts", "activity-time-wrong");
    }
    if ends.is_none() {
        wrong("ends", "activity-time-wrong");
    }
    let given: Vec<(PersonId, String)> = typed
        .0
        .iter()
        .filter_map(|(n, v)| Some((n.strip_prefix("part-")?.parse().ok()?, v.clone())))
        .collect();
    let roster_date = date.unwrap_or_else(|| s.env.today());
    let mut details = typed.details(&s, kind, roster_date, &mut errors).await?;
    let roster = s
        .expected(kind, unit, details.of, roster_date, &access.scope)
        .await?;
    details.files = files.clone();
    details.units = opinion_pages::entered(&s, &access, &typed, &mut errors).await?;
    let reach = requests::reach(&access, &access.scope);
    details.decisions =
        decision_pages::entered(&s, &typed, &details.agenda, &reach, &mut errors).await?;
    let marks = marks_of(&roster, &given, &mut errors);
    let result = match (Error::if_any(errors), date, starts, ends) {
        (Ok(()), Some(date), Some(starts), Some(ends)) => {
            let new = New {
                id,
                kind: kind.code.clone(),
                host: unit,
                title: typed.get("title").to_owned(),
                date,
                starts,
                ends,
                location: typed.get("location").to_owned(),
                level: typed.get("level").to_owned(),
                marks,
                observers: staff_numbers(typed.get("observers")),
                another: typed.get("another") == "on",
                details,
            };
            s.record(&new, &access, actor).await
        }
        (Err(e), ..) => Err(e),
        _ => Err(Error::internal("unreadable fields were not refused")),
    };
    match result {
        Ok(id) => shell.done(&format!("/activities/{id}"), "activity-recorded"),
        Err(e) => {
            let form = typed.form(kind).reject(&shell, e)?;
            let mut context =
                form_context(&s, &shell, &access, kind, &host, roster_date, form, &given).await?;
            // Files that came are there for the next try.
            context["uploads"] = match files.is_empty() {
                true => json!([]),
                false => json!(evidence_pages::lay_down(&s, of, &files).await?),
            };
            shell.refused("activities/form.html", context)
        }
    }
}

/// Staff numbers typed one after another.
pub(crate) fn staff_numbers(text: &str) -> Vec<String> {
    text.split([',', '，', '、', ' ', '\n', '\r'])
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The part of everybody on the roster; who has none or two is an error.
fn marks_of(
    roster: &[organization::RosterEntry],
    given: &[(PersonId, String)],
    errors: &mut Vec<FieldError>,
) -> Vec<Mark> {
    let mut wrong = |message| {
        errors.push(FieldError {
            field: "roster".into(),
            message,
        })
    };
    let mut marks = Vec::new();
    let mut missing = 0;
    for line in roster {
        let mut given = given
            .iter()
            .filter(|(p, _)| *p == line.person)
            .map(|(_, m)| m.as_str());
        match given.next().and_then(Role::from_code) {
            Some(role) => marks.push(Mark {
                person: line.person,
                role,
            }),
            None => missing += 1,
        }
        if given.next().is_some() {
            wrong(Msg::new("roster-person-twice"));
        }
    }
    if missing > 0 {
        wrong(Msg::new("roster-unmarked").with("count", missing));
    }
    marks
}

/// The people that a field offers: staff number as value; name, pinyin initials and unit as label.
pub(crate) async fn people_options(
    State(s): State<Activities>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let words = Words::new(&typed).list;
    let found = s
        .organization
        .people_named(&words, &access.scope, OFFERED)
        .await?;
    let list: Vec<[String; 2]> = found
        .into_iter()
        .map(|p| {
            let label = [initials(&p.name), p.name, p.unit_name, p.post];
            let label: Vec<String> = label.into_iter().filter(|part| !part.is_empty()).collect();
            [p.staff_no, label.join(" · ")]
        })
        .collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}
