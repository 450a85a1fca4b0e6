//! The form of an entry: new in a plan, a part of another one, or changed.

use axum::Form as Body;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use kernel::{Error, Id, Msg, Result};
use serde_json::{Value, json};
use web::table::Asked;
use web::{Access, Failure, Form, Shell};

use crate::kind::Claim;
use crate::model::{
    Content, Entry, Eyes, LONGEST, Milestone, Plan, PlanState, TITLE, month_of, month_text,
};
use crate::service::Tasks;
use crate::typed::{crumbs, month_in, named_in, number_in};

/// Milestones as they are typed: one a line, month and text between bars.
fn milestones(text: &str) -> Result<Vec<Milestone>> {
    let mut found: Vec<Milestone> = Vec::new();
    let lines = text.lines().map(str::trim).enumerate();
    for (n, line) in lines.filter(|(_, l)| !l.is_empty()) {
        let wrong = || {
            Error::field(
                "milestones",
                Msg::new("tasks-milestone-line").with("line", n + 1),
            )
        };
        let parts = line.split_once(['|', '｜', '\t']);
        let parts = parts.or_else(|| line.split_once(' '));
        let (month, what) = parts.ok_or_else(wrong)?;
        let month = month_of(month).ok_or_else(wrong)?;
        if what.trim().is_empty() || found.iter().any(|m| m.month == month) {
            return Err(wrong());
        }
        found.push(Milestone {
            month,
            text: what.trim().to_owned(),
        });
    }
    Ok(found)
}

async fn content_of(
    s: &Tasks,
    typed: &Typed,
    before: Option<&Content>,
    access: &Access,
) -> Result<Content> {
    let scope = named_in(access);
    let unit = s
        .organization
        .unit_picked("unit", typed.get("unit"), &scope)
        .await?;
    let claim: Option<Claim> = match typed.get("claim") {
        "" => None,
        code => {
            let old = before
                .and_then(|b| b.claim.clone())
                .filter(|c| c.code == code);
            let unknown = || Error::field("claim", Msg::new("tasks-claim-unknown"));
            Some(
                old.or_else(|| s.words.claim(code).cloned())
                    .ok_or_else(unknown)?,
            )
        }
    };
    let (person, leader) = (before.and_then(|b| b.person), before.and_then(|b| b.leader));
    Ok(Content {
        goal: typed.get("goal").parse().unwrap_or(0),
        text: typed.get("text").to_owned(),
        target: typed.get("target").to_owned(),
        claim,
        wanted: number_in(typed, "wanted")?,
        owner: typed.get("owner").to_owned(),
        unit: unit.id,
        person: s
            .person("person", typed.get("person"), person, &scope)
            .await?,
        leader: s
            .person("leader", typed.get("leader"), leader, &scope)
            .await?,
        from: month_in(typed, "from")?,
        to: month_in(typed, "to")?.last_of_month(),
        milestones: milestones(typed.get("milestones"))?,
        weight: number_in(typed, "weight")?,
        duty: typed.get("duty").trim().to_owned(),
    })
}

async fn filled(s: &Tasks, c: &Content) -> Result<Form> {
    let unit = s.organization.unit(c.unit, &kernel::Scope::All).await?;
    let lines = c.milestones.iter();
    let lines = lines.map(|m| format!("{} | {}", month_text(m.month), m.text));
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let same = |there: bool| if there { "=" } else { "" };
    Ok(Form::default()
        .with("goal", c.goal)
        .with("text", &c.text)
        .with("target", &c.target)
        .with("claim", c.claim.as_ref().map_or("", |c| c.code.as_str()))
        .with("wanted", number(c.wanted))
        .with("owner", &c.owner)
        .with("unit", unit.code)
        .with("person", same(c.person.is_some()))
        .with("leader", same(c.leader.is_some()))
        .with("from", month_text(c.from))
        .with("to", month_text(c.to))
        .with("milestones", lines.collect::<Vec<_>>().join("\n"))
        .with("weight", number(c.weight))
        .with("duty", &c.duty))
}

async fn context(
    s: &Tasks,
    shell: &Shell,
    (plan, entry, parent): (&Plan, Option<&Entry>, Option<&Entry>),
    form: Form,
) -> Result<Value> {
    let lang = shell.lang().code();
    let none = || (String::new(), shell.t("tasks-none"));
    let owners = s.words.owners().iter();
    let owners = owners.map(|o| (o.code.clone(), o.name.get(lang).to_owned()));
    let claims = s.words.claims().iter().map(|c| {
        let name = format!("{}（{}）", c.name.get(lang), c.unit.get(lang));
        (c.code.clone(), name)
    });
    let goals = plan.goals.iter().enumerate();
    let goals = goals.map(|(n, g)| ((n + 1).to_string(), format!("{}. {g}", n + 1)));
    let goals: Vec<_> = [("0".to_owned(), shell.t("tasks-none"))]
        .into_iter()
        .chain(goals)
        .collect();
    let people: Vec<_> = entry
        .map(|e| [e.content.person, e.content.leader])
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let people = s.organization.person_names(&people).await?;
    let name = |id: Option<kernel::PersonId>| id.and_then(|id| people.get(&id));
    let mut path = vec![(plan.title.as_str(), plan.href())];
    let call = parent.or(entry).map(Entry::call).unwrap_or_default();
    path.extend(parent.or(entry).map(|e| (call.as_str(), e.href())));
    let owners: Vec<_> = [none()].into_iter().chain(owners).collect();
    let claims: Vec<_> = [none()].into_iter().chain(claims).collect();
    Ok(json!({
        "plan": plan.id, "id": entry.map(|e| e.id), "parent": parent.map(|e| json!({ "id": e.id, "text": e.content.text, "number": e.call() })),
        "goals": goals, "owners": owners,
        "claims": claims, "issued": plan.state == PlanState::Issued, "title_most": TITLE,
        "most": LONGEST, "person_name": name(entry.and_then(|e| e.content.person)), "leader_name": name(entry.and_then(|e| e.content.leader)),
        "year": plan.year, "crumbs": crumbs(shell, &path), "form": form,
    }))
}

async fn above(s: &Tasks, parent: &str, eyes: &Eyes) -> Result<Option<Entry>> {
    match parent {
        "" => Ok(None),
        id => Ok(Some(s.entry(id_of(id)?, eyes).await?.entry)),
    }
}

pub(crate) async fn new(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(plan): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let eyes = Eyes::from(&access);
    let w = s.plan(id_of(&plan)?, &eyes).await?;
    let parent = above(&s, asked.get("parent").unwrap_or_default(), &eyes).await?;
    if w.plan.state == PlanState::Closed {
        return Err(crate::plan_page::closed().into());
    }
    let mut form = match &parent {
        Some(e) => {
            let part = Content {
                text: String::new(),
                target: String::new(),
                claim: None,
                wanted: None,
                person: None,
                milestones: Vec::new(),
                weight: None,
                ..e.content.clone()
            };
            // The leader in charge is who it was: there is nobody to keep in a new entry.
            filled(
                &s,
                &Content {
                    leader: None,
                    ..part
                },
            )
            .await?
        }
        None => Form::default()
            .with("from", format!("{}-01", w.plan.year))
            .with("to", format!("{}-12", w.plan.year)),
    };
    if let Some(code) = asked.get("duty") {
        form = form
            .with("duty", code)
            .with("text", asked.get("text").unwrap_or_default())
            .with("unit", asked.get("unit").unwrap_or_default());
    }
    form = form.with("id", s.env.new_id::<Id>());
    let context = context(&s, &shell, (&w.plan, None, parent.as_ref()), form).await?;
    shell.page("tasks/entry_form.html", context)
}

pub(crate) async fn create(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Path(plan): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (plan, typed, eyes) = (id_of(&plan)?, Typed(pairs), Eyes::from(&access));
    let parent = match typed.get("parent") {
        "" => None,
        id => Some(id_of(id)?),
    };
    let done = async {
        let content = content_of(&s, &typed, None, &access).await?;
        let of = (typed.id("id")?, plan);
        s.add(of, parent, &content, typed.get("reason"), (&eyes, &actor))
            .await
    };
    match done.await {
        Ok(id) if parent.is_some() => {
            shell.done(&format!("/tasks/entries/{id}"), "tasks-done-kept")
        }
        Ok(_) => shell.done(&format!("/tasks/plans/{plan}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let w = s.plan(plan, &eyes).await?;
            let parent = above(&s, typed.get("parent"), &eyes).await?;
            let context = context(&s, &shell, (&w.plan, None, parent.as_ref()), form).await?;
            shell.refused("tasks/entry_form.html", context)
        }
    }
}

pub(crate) async fn edit(
    Shared(s): Shared<Tasks>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.entry(id_of(&id)?, &Eyes::from(&access)).await?;
    if !w.may_plan {
        return Err(Error::Forbidden.into());
    }
    let form = filled(&s, &w.entry.content)
        .await?
        .with("seen", w.entry.version);
    let context = context(&s, &shell, (&w.plan, Some(&w.entry), None), form).await?;
    shell.page("tasks/entry_form.html", context)
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
    let w = s.entry(id, &eyes).await?;
    let done = async {
        let content = content_of(&s, &typed, Some(&w.entry.content), &access).await?;
        let of = (id, typed.seen().unwrap_or(-1));
        s.change_entry(of, &content, typed.get("reason"), (&eyes, &actor))
            .await
    };
    match done.await {
        Ok(()) => shell.done(&format!("/tasks/entries/{id}"), "tasks-done-kept"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let context = context(&s, &shell, (&w.plan, Some(&w.entry), None), form).await?;
            shell.refused("tasks/entry_form.html", context)
        }
    }
}
