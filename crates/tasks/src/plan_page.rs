//! A plan: its form, its entries, its wall of months, its versions, what is done to it.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, format_date};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Shell};

use crate::model::{EntryState, Eyes, PlanAct, PlanState, REASON, TITLE, month_text, rolled};
use crate::plans::{NewPlan, Whole};
use crate::service::Tasks;
use crate::typed::{Names, crumbs, entry_row, history, plan_tag};

fn goals_of(text: &str) -> Vec<String> {
    let lines = text.lines().map(|l| l.trim().to_owned());
    lines.filter(|l| !l.is_empty()).collect()
}

fn form_context(s: &Tasks, shell: &Shell, form: Form, of: Option<&Whole>) -> Value {
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .words
        .plans()
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let this = s.env.today().year();
    let years: Vec<(i16, i16)> = [this, this + 1, this - 1].map(|y| (y, y)).to_vec();
    let at = of.map(|w| (w.plan.title.as_str(), w.plan.href()));
    json!({ "kinds": kinds, "years": years, "most": TITLE, "id": of.map(|w| w.plan.id), "issued": of.is_some_and(|w| w.plan.state == PlanState::Issued),
        "form": form, "crumbs": crumbs(shell, &at.into_iter().collect::<Vec<_>>()) })
}

pub(crate) async fn new(Shared(s): Shared<Tasks>, shell: Shell) -> Result<Response, Failure> {
    let form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("year", s.env.today().year());
    shell.page("tasks/plan_form.html", form_context(&s, &shell, form, None))
}

pub(crate) async fn create(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (typed, eyes) = (Typed(pairs), Eyes::from(&access));
    let done = async {
        let unit = s
            .organization
            .unit_picked("unit", typed.get("unit"), &eyes.plans)
            .await?;
        let new = NewPlan {
            id: typed.id("id")?,
            kind: typed.get("kind").to_owned(),
            unit: unit.id,
            year: typed.get("year").parse().unwrap_or(0),
            title: typed.get("title").to_owned(),
            goals: goals_of(typed.get("goals")),
        };
        s.create(&new, &eyes, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(&format!("/tasks/plans/{id}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused("tasks/plan_form.html", form_context(&s, &shell, form, None))
        }
    }
}

pub(crate) async fn edit(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.plan(id_of(&id)?, &Eyes::from(&access)).await?;
    if !w.may_plan {
        return Err(Error::Forbidden.into());
    }
    let form = Form::default()
        .with("title", &w.plan.title)
        .with("goals", w.plan.goals.join("\n"))
        .with("seen", w.plan.version);
    shell.page(
        "tasks/plan_form.html",
        form_context(&s, &shell, form, Some(&w)),
    )
}

pub(crate) async fn change(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let goals = goals_of(typed.get("goals"));
    let said = (typed.get("title"), goals.as_slice());
    let of = (id, typed.seen().unwrap_or(-1));
    match s
        .change(of, said, typed.get("reason"), (&eyes, &actor))
        .await
    {
        Ok(()) => shell.done(&format!("/tasks/plans/{id}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.plan(id, &eyes).await?;
            shell.refused(
                "tasks/plan_form.html",
                form_context(&s, &shell, form, Some(&w)),
            )
        }
    }
}

async fn context(s: &Tasks, shell: &Shell, w: &Whole, form: Form) -> Result<Value> {
    let (p, lang, today) = (&w.plan, shell.lang().code(), s.env.today());
    let names = Names::of_entries(s, w.entries.iter()).await?;
    let unit = s.organization.names(&[p.unit]).await?.remove(&p.unit);
    let draft = p.state == PlanState::Draft;
    let row = |e: &crate::Entry| {
        let mut row = entry_row(s, shell, e, &names);
        let parts = w.entries.iter().filter(|x| x.parent == Some(e.id));
        row["rolled"] = json!(rolled(parts).filter(|_| e.state == EntryState::Open));
        row["goal"] = json!(e.content.goal);
        row["months"] = json!(format!(
            "{} – {}",
            month_text(e.content.from),
            month_text(e.content.to)
        ));
        row
    };
    let rows: Vec<Value> = w.entries.iter().map(row).collect();
    // By goal; what serves none comes last.
    let mut groups: Vec<Value> = Vec::new();
    for n in (1..=p.goals.len()).chain([0]) {
        let own: Vec<&Value> = rows.iter().filter(|r| r["goal"] == json!(n)).collect();
        let name = p.goals.get(n.wrapping_sub(1));
        if n > 0 || !own.is_empty() {
            groups.push(json!({ "n": n, "name": name, "rows": own }));
        }
    }
    let count = |state: EntryState| w.entries.iter().filter(|e| e.state == state).count();
    let acts = PlanAct::ALL.into_iter().filter(|act| {
        let may = match act {
            PlanAct::Ask | PlanAct::Close => w.may_plan,
            PlanAct::Issue => w.may_issue,
            PlanAct::Back => w.may_plan || w.may_issue,
        };
        may && act.after(p.state).is_some()
    });
    let acts = acts.map(|a| {
        json!({ "code": a.code(), "label": shell.t(&format!("tasks-act-{}", a.code())), "reason": a == PlanAct::Back })
    });
    let versions = w.versions.iter().map(|v| {
        json!({ "n": v.n, "href": format!("{}/versions/{}", p.href(), v.n), "reason": v.reason, "who": v.name, "at": v.at.minute_text(s.env.zone()) })
    });
    Ok(json!({
        "id": p.id, "seen": p.version, "title": p.title, "kind": p.kind.name.get(lang), "unit": unit, "year": p.year,
        "tag": plan_tag(shell, p.state), "n": p.n, "issued": p.issued_on.map(format_date), "closed": p.closed_on.map(format_date), "groups": groups,
        "all": w.entries.len(), "reached": count(EntryState::Reached), "open": count(EntryState::Open), "carried": count(EntryState::Carried),
        "late": w.entries.iter().filter(|e| e.is_late(today)).count(), "whole": rolled(w.entries.iter().filter(|e| e.parent.is_none())),
        "may_change": w.may_plan && (draft || p.state == PlanState::Issued), "acts": acts.collect::<Vec<_>>(),
        "waits": p.state == PlanState::Asked && !w.may_issue, "versions": versions.collect::<Vec<_>>(), "events": history(s, shell, &w.events),
        "most": REASON, "crumbs": crumbs(shell, &[]), "form": form,
    }))
}

pub(crate) async fn show(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.plan(id_of(&id)?, &Eyes::from(&access)).await?;
    let context = context(&s, &shell, &w, Form::default()).await?;
    shell.page("tasks/plan.html", context)
}

pub(crate) async fn act(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path((id, act)): Path<(String, String)>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, typed, eyes) = (id_of(&id)?, Typed(pairs), Eyes::from(&access));
    let act = PlanAct::from_code(&act).ok_or(Error::NotFound)?;
    let of = (id, typed.seen());
    match s.act(of, act, typed.get("reason"), (&eyes, &actor)).await {
        Ok(()) => shell.done(&format!("/tasks/plans/{id}"), "tasks-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.plan(id, &eyes).await?;
            shell.refused("tasks/plan.html", context(&s, &shell, &w, form).await?)
        }
    }
}

/// The wall of a plan (挂图): entries against the months of the year, with milestones and how they stand; made for print.
pub(crate) async fn wall(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.plan(id_of(&id)?, &Eyes::from(&access)).await?;
    let (p, today) = (&w.plan, s.env.today());
    let names = Names::of_entries(&s, w.entries.iter()).await?;
    let row = |e: &crate::Entry| {
        let mut row = entry_row(&s, &shell, e, &names);
        let cells = (1..=12).map(|n| {
            let month = kernel::Date::constant(p.year, n, 1);
            let within = (e.content.from..=e.content.to).contains(&month);
            let due = e.content.milestones.iter().find(|m| m.month == month);
            // A milestone is past when its month is over: how the entry stands says whether it holds.
            let past = due.is_some() && month.last_of_month() < today && e.state == EntryState::Open;
            json!({ "within": within, "milestone": due.map(|m| &m.text), "past": past, "now": month == today.first_of_month(),
                "end": within && e.content.to == month.last_of_month() })
        });
        row["cells"] = cells.collect();
        row
    };
    let context = json!({
        "title": p.title, "year": p.year, "today": format_date(today), "rows": w.entries.iter().map(row).collect::<Vec<_>>(),
        "tag": plan_tag(&shell, p.state), "crumbs": crumbs(&shell, &[(&p.title, p.href())]),
    });
    shell.page("tasks/wall.html", context)
}

/// What a version of a plan said.
pub(crate) async fn version(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path((id, n)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let n: i64 = n.parse().map_err(|_| Error::NotFound)?;
    let (p, v) = s.version(id_of(&id)?, n, &Eyes::from(&access)).await?;
    let content = |e: &Value| -> Option<(String, crate::Content)> {
        let number = e["number"].as_str()?.to_owned();
        Some((number, serde_json::from_value(e["content"].clone()).ok()?))
    };
    let entries = v.content["entries"].as_array();
    let entries: Vec<_> = entries.into_iter().flatten().filter_map(content).collect();
    let people = entries
        .iter()
        .flat_map(|(_, c)| [c.person, c.leader])
        .flatten();
    let names = Names::of(&s, entries.iter().map(|(_, c)| c.unit), people).await?;
    let row = |(number, c): &(String, crate::Content)| {
        json!({ "number": number, "text": c.text, "target": c.target, "unit": names.units.get(&c.unit), "person": names.person(c.person),
            "due": format_date(c.to) })
    };
    let context = json!({
        "title": v.content["title"], "goals": v.content["goals"], "n": v.n, "reason": v.reason, "who": v.name, "at": v.at.minute_text(s.env.zone()),
        "rows": entries.iter().map(row).collect::<Vec<_>>(), "crumbs": crumbs(&shell, &[(&p.title, p.href())]),
    });
    shell.page("tasks/version.html", context)
}

/// The entries of a plan as a sheet.
pub(crate) async fn sheet(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.plan(id_of(&id)?, &Eyes::from(&access)).await?;
    identity::tell_list(&s.db, &s.env, &actor, "tasks", w.entries.len()).await?;
    let bytes = crate::list_page::workbook(&s, &shell, &w.entries).await?;
    let name = format!("{}.xlsx", w.plan.title);
    Ok(web::attachment(web::XLSX, &name, bytes))
}

/// What a page refuses when a plan cannot take entries.
pub(crate) fn closed() -> Error {
    Error::Conflict(Msg::new("tasks-is-closed"))
}
