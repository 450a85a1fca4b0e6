//! The form of a project: proposed, or changed with a reason.

use std::collections::BTreeMap;

use axum::Form as Body;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use desk::{Typed, id_of, told};
use identity::Actor;
use jiff::ToSpan;
use kernel::{Error, Id, Result, format_date};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::kind::{FieldKind, ProjectKind};
use crate::model::{Content, Eyes, LONGEST, New, Project, SHORT, State, TITLE};
use crate::service::Projects;
use crate::typed::{crumbs, named_in};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    kind: String,
}

fn content_of(kind: &ProjectKind, typed: &Typed) -> Result<Content> {
    let value = |f: &crate::Field| {
        let text = typed.get(&format!("v-{}", f.code));
        (!text.trim().is_empty()).then(|| (f.code.clone(), text.to_owned()))
    };
    Ok(Content {
        title: typed.get("title").to_owned(),
        goals: typed.get("goals").to_owned(),
        basis: typed.get("basis").to_owned(),
        values: kind
            .fields
            .iter()
            .filter_map(value)
            .collect::<BTreeMap<_, _>>(),
        question: typed.get("question").to_owned(),
        outline: typed.get("outline").to_owned(),
        method: typed.get("method").to_owned(),
        from: typed.day("from")?,
        due: typed.day("due")?,
    })
}

fn fields(kind: &ProjectKind, lang: &str) -> Vec<Value> {
    let field = |f: &crate::Field| {
        let none = [(String::new(), String::new())];
        let values = f
            .values
            .iter()
            .map(|c| (c.code.clone(), c.name.get(lang).to_owned()));
        let values: Vec<(String, String)> = none.into_iter().chain(values).collect();
        json!({ "name": format!("v-{}", f.code), "label": f.name.get(lang), "required": f.required, "options": values,
            "kind": match f.kind { FieldKind::Text => "text", FieldKind::Long => "textarea", FieldKind::Choice => "select" } })
    };
    kind.fields.iter().map(field).collect()
}

/// The page of the form; `project` is the one that is changed, with the name of who leads.
fn context(
    s: &Projects,
    shell: &Shell,
    kind: &ProjectKind,
    project: Option<(&Project, String)>,
    form: Form,
) -> Value {
    let lang = shell.lang().code();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let stages = kind.stages.iter().map(|st| {
        let needs = st.needs.iter().map(|(need, n)| {
            shell.t_with(
                &format!("projects-need-{}", need.code()),
                &[("n", &n.to_string())],
            )
        });
        json!({ "name": st.name.get(lang), "needs": needs.collect::<Vec<_>>().join("、") })
    });
    let (of, lead) = match project {
        Some((p, lead)) => (Some(p), Some(lead)),
        None => (None, None),
    };
    json!({ "id": of.map(|p| p.id), "kind": kind.code, "kind_name": kind.name.get(lang), "kinds": kinds, "fields": fields(kind, lang),
        "stages": stages.collect::<Vec<_>>(), "research": kind.research, "running": of.is_some_and(|p| p.state == State::Running),
        "lead_name": lead, "title_most": TITLE, "most": LONGEST, "short": SHORT, "crumbs": crumbs(shell, of), "form": form })
}

pub(crate) async fn new(
    Shared(s): Shared<Projects>,
    shell: Shell,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let kind = s.kinds.get(&wanted.kind).or_else(|| s.kinds.iter().next());
    let kind = kind.ok_or(Error::NotFound)?;
    let today = s.env.today();
    let form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("from", format_date(today))
        .with("due", format_date(today.saturating_add(kind.days.days())));
    shell.page("projects/form.html", context(&s, &shell, kind, None, form))
}

/// Asks about words of secrecy in what was typed; the answer of the page, where it asks.
pub(crate) async fn secret(
    secrecy: &mut Secrecy,
    typed: &Typed,
) -> Result<Option<Response>, Failure> {
    secrecy.said(typed.get(Secrecy::FIELD).to_owned());
    let mut words = Vec::new();
    for (_, text) in typed.0.iter().filter(|(n, _)| n != Secrecy::FIELD) {
        secrecy.look(text, &mut words);
    }
    if secrecy.asks(&words) {
        let keep = |(n, _): &&(String, String)| n != Secrecy::FIELD;
        let again: Vec<(String, String)> = typed.0.iter().filter(keep).cloned().collect();
        return Ok(Some(secrecy.ask(&words, &again, false)?));
    }
    secrecy.keep(&words).await?;
    Ok(None)
}

pub(crate) async fn create(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = Typed(pairs);
    if let Some(asked) = secret(&mut secrecy, &typed).await? {
        return Ok(asked);
    }
    let kind = s.kinds.get(typed.get("kind")).ok_or(Error::NotFound)?;
    let eyes = Eyes::from(&access);
    let done = async {
        let content = content_of(kind, &typed)?;
        let unit = s
            .organization
            .unit_picked("unit", typed.get("unit"), &eyes.writes)
            .await?;
        let lead = s
            .person("lead", typed.get("lead"), &named_in(&access))
            .await?;
        let new = New {
            id: typed.id("id")?,
            kind: kind.code.clone(),
            unit: unit.id,
            lead,
            content,
        };
        s.propose(&new, &eyes, &actor).await
    };
    match done.await {
        Ok(id) => shell.done(&crate::model::href(id), "projects-done-proposed"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            shell.refused("projects/form.html", context(&s, &shell, kind, None, form))
        }
    }
}

async fn named(s: &Projects, p: &Project) -> Result<String> {
    let mut names = s.organization.person_names(&[p.lead]).await?;
    Ok(names.remove(&p.lead).unwrap_or_default())
}

pub(crate) async fn edit(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = s.project(id_of(&id)?, &Eyes::from(&access)).await?;
    if !w.may_write {
        return Err(Error::NotFound.into());
    }
    let (p, c) = (&w.project, &w.project.content);
    let mut form = Form::default()
        .with("seen", p.version)
        .with("title", &c.title)
        .with("goals", &c.goals)
        .with("basis", &c.basis)
        .with("question", &c.question)
        .with("outline", &c.outline)
        .with("method", &c.method)
        .with("from", format_date(c.from))
        .with("due", format_date(c.due))
        .with("lead", "=");
    for (code, value) in &c.values {
        form = form.with(&format!("v-{code}"), value);
    }
    let lead = named(&s, p).await?;
    shell.page(
        "projects/form.html",
        context(&s, &shell, &w.kind, Some((p, lead)), form),
    )
}

pub(crate) async fn change(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    Body(pairs): Body<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let (id, eyes, typed) = (id_of(&id)?, Eyes::from(&access), Typed(pairs));
    let w = s.project(id, &eyes).await?;
    if let Some(asked) = secret(&mut secrecy, &typed).await? {
        return Ok(asked);
    }
    let done = async {
        let content = content_of(&w.kind, &typed)?;
        let lead = match typed.get("lead").trim() {
            "=" => w.project.lead,
            text => s.person("lead", text, &named_in(&access)).await?,
        };
        let seen = typed.seen().ok_or(Error::NotFound)?;
        let what = (&content, lead);
        s.change(id, seen, what, typed.get("reason"), (&eyes, &actor))
            .await
    };
    match done.await {
        Ok(()) => shell.done(&crate::model::href(id), "projects-done"),
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let lead = named(&s, &w.project).await?;
            let of = Some((&w.project, lead));
            shell.refused("projects/form.html", context(&s, &shell, &w.kind, of, form))
        }
    }
}
