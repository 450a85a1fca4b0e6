//! The form of a matter: written, or mended before it is sent (again).

use std::collections::BTreeMap;

use axum::extract::{Multipart, Path, Query, State as Shared};
use axum::response::Response;
use commons::deadlines::Step;
use desk::{Attached, Waiting};
use identity::Actor;
use kernel::{Error, Id, PersonId, Result, UnitId};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::WRITE;
use crate::kind::{FieldKind, MatterKind};
use crate::model::{Content, Eyes, LONGEST, Matter, New, SHORT, State, TITLE};
use crate::service::{Matters, Whole};
use crate::typed::{Typed, crumbs, id_of, taken, told, waiting};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    kind: String,
}

/// What was typed, with people by id. What a field says that could not be read is left to the check of the content.
async fn content_of(
    s: &Matters,
    kind: &MatterKind,
    typed: &Typed,
    access: &Access,
    before: Option<&Matter>,
) -> Result<Content> {
    let mut values = BTreeMap::new();
    for f in &kind.fields {
        let name = format!("v-{}", f.code);
        let text = typed.get(&name).trim();
        let known = before.and_then(|m| m.content.values.get(&f.code));
        let value = match (f.kind, text) {
            (_, "") => continue,
            // Whoever was named stays until somebody else is.
            (FieldKind::Person, "=") => known.cloned().unwrap_or_default(),
            (FieldKind::Person, no) => {
                let scope = s.named_in(access).await?;
                s.person(&name, no, &scope).await?.to_string()
            }
            _ => text.to_owned(),
        };
        values.insert(f.code.clone(), value);
    }
    Ok(Content {
        title: typed.get("title").to_owned(),
        text: typed.get("text").to_owned(),
        level: typed.get("level").to_owned(),
        values,
    })
}

/// Fields of the form; `named` are people who were named before.
fn fields(
    kind: &MatterKind,
    lang: &str,
    named: &std::collections::HashMap<String, String>,
) -> Vec<Value> {
    let field = |f: &crate::Field| {
        let none = [(String::new(), String::new())];
        let values = f
            .values
            .iter()
            .map(|c| (c.code.clone(), c.name.get(lang).to_owned()));
        let values: Vec<(String, String)> = none.into_iter().chain(values).collect();
        json!({ "name": format!("v-{}", f.code), "label": f.name.get(lang), "required": f.required, "options": values,
            "said": named.get(&f.code), "kind": match f.kind { FieldKind::Text => "text", FieldKind::Long => "textarea",
            FieldKind::Choice => "select", FieldKind::Day => "date", FieldKind::Number => "number", FieldKind::Person => "person" } })
    };
    kind.fields.iter().map(field).collect()
}

/// A step from a day, in words.
fn step_words(shell: &Shell, by: &str) -> String {
    let Some(step) = Step::parse(by) else {
        return by.to_owned();
    };
    let key = match (step.days < 0, step.working) {
        (true, true) => "matters-by-working-before",
        (true, false) => "matters-by-before",
        (false, true) => "matters-by-working-after",
        (false, false) => "matters-by-after",
    };
    shell.t_with(key, &[("n", &step.days.abs().to_string())])
}

fn kind_note(shell: &Shell, kind: &MatterKind) -> Value {
    let lang = shell.lang().code();
    let basis = kind.basis.as_ref().map(|b| {
        let article = b.article.as_ref().map_or("", |a| a.get(lang));
        format!("{}{article}", b.document.get(lang))
    });
    let send = kind.send.as_ref().map(|a| {
        let field = kind.field(&a.field).map(|f| f.name.get(lang));
        json!({ "field": field, "by": step_words(shell, &a.by) })
    });
    json!({ "note": kind.note.as_ref().map(|n| n.get(lang)), "basis": basis, "asks": kind.asks, "sealed": kind.sealed, "send": send,
        "after": kind.after.as_ref().map(|a| a.name.get(lang)) })
}

struct Page<'p> {
    kind: &'p MatterKind,
    matter: Option<&'p Matter>,
    /// The unit whose matter it is, where that is known before the form is sent.
    unit: Option<UnitId>,
    files: &'p [Waiting],
}

async fn context(
    s: &Matters,
    shell: &Shell,
    access: &Access,
    page: Page<'_>,
    form: Form,
) -> Result<Value> {
    let (lang, kind) = (shell.lang().code(), page.kind);
    let writes = access.principal.scope(WRITE).is_some();
    let kinds: Vec<(&str, &str)> = s
        .kinds
        .iter()
        .filter(|k| k.personal || writes)
        .map(|k| (k.code.as_str(), k.name.get(lang)))
        .collect();
    let receivers = match page.unit {
        Some(unit) if kind.received => s.receivers(unit).await?,
        _ => Vec::new(),
    };
    let names = s.organization.names(&receivers).await?;
    let receivers = receivers
        .iter()
        .map(|u| (u.to_string(), names.get(u).cloned().unwrap_or_default()));
    let mut named = std::collections::HashMap::new();
    if let Some(m) = page.matter {
        let people = kind.fields.iter().filter(|f| f.kind == FieldKind::Person);
        for f in people {
            if let Some(id) = m
                .content
                .values
                .get(&f.code)
                .and_then(|v| v.parse::<PersonId>().ok())
            {
                let mut names = s.organization.person_names(&[id]).await?;
                named.insert(f.code.clone(), names.remove(&id).unwrap_or_default());
            }
        }
    }
    let kept = page.matter.map_or(&[][..], |m| &m.files);
    let kept = kept
        .iter()
        .map(|f| json!({ "sha256": f.sha256, "name": f.name }));
    Ok(
        json!({ "id": page.matter.map(|m| m.id), "kind": kind.code, "kind_name": kind.name.get(lang), "kinds": kinds,
        "about": kind_note(shell, kind), "fields": fields(kind, lang, &named), "personal": kind.personal, "received": kind.received,
        "receivers": receivers.collect::<Vec<_>>(), "may_name": writes, "levels": s.levels.options(lang),
        "text_needed": kind.needs_text(), "kept": kept.collect::<Vec<_>>(), "waiting": waiting(page.files),
        "title_most": TITLE, "most": LONGEST, "short": SHORT, "crumbs": crumbs(shell, page.matter), "form": form }),
    )
}

/// The unit of who writes.
async fn home(s: &Matters, access: &Access) -> Result<Option<UnitId>> {
    match access.principal.person {
        Some(person) => s.organization.unit_of(person, s.env.today()).await,
        None => Ok(None),
    }
}

pub(crate) async fn new(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    let writes = access.principal.scope(WRITE).is_some();
    let mut offered = s.kinds.iter().filter(|k| k.personal || writes);
    let kind = match wanted.kind.as_str() {
        "" => offered.next(),
        code => offered.find(|k| k.code == code),
    };
    let kind = kind.ok_or(Error::NotFound)?;
    let unit = home(&s, &access).await?;
    let mut form = Form::default().with("id", s.env.new_id::<Id>());
    let level = s.levels.take("", kind.level.as_deref());
    form = form.with("level", level.map_or("", |l| l.code.as_str()));
    if let (Some(unit), false) = (unit, kind.personal) {
        let unit = s.organization.unit(unit, &kernel::Scope::All).await?;
        form = form.with("unit", unit.code);
    }
    let page = Page {
        kind,
        matter: None,
        unit,
        files: &[],
    };
    shell.page(
        "matters/form.html",
        context(&s, &shell, &access, page, form).await?,
    )
}

pub(crate) async fn create(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    parts: Multipart,
) -> Result<Response, Failure> {
    let (typed, files, asked) = taken(&s, &access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let kind = s.kinds.get(typed.get("kind")).ok_or(Error::NotFound)?;
    let eyes = Eyes::from(&access);
    let done = async {
        let content = content_of(&s, kind, &typed, &access, None).await?;
        let unit = match kind.personal {
            true => None,
            false => {
                let typed = typed.get("unit");
                let unit = s.organization.unit_picked("unit", typed, &eyes.writes);
                Some(unit.await?.id)
            }
        };
        let person = match typed.get("person").trim() {
            "" => None,
            no => Some(s.person("person", no, &s.named_in(&access).await?).await?),
        };
        let to = match typed.get("to") {
            "" => None,
            id => Some(id.parse().map_err(|_| Error::NotFound)?),
        };
        let new = New {
            id: typed.id("id")?,
            kind: kind.code.clone(),
            unit,
            person,
            to,
            content,
        };
        let kept = s.attachments.keep(&files).await?;
        s.write(&new, &kept, (&eyes, &actor)).await
    };
    match done.await {
        Ok(id) => {
            s.attachments.release(&files).await;
            shell.done(&crate::model::href(id), "matters-done-written")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let page = Page {
                kind,
                matter: None,
                unit: home(&s, &access).await?,
                files: &files,
            };
            shell.refused(
                "matters/form.html",
                context(&s, &shell, &access, page, form).await?,
            )
        }
    }
}

async fn to_mend(s: &Matters, id: &str, access: &Access) -> Result<Whole> {
    let w = s.matter(id_of(id)?, &Eyes::from(access)).await?;
    let open = w.matter.state == State::Draft || w.returned;
    match w.may_write && open {
        true => Ok(w),
        false => Err(Error::NotFound),
    }
}

pub(crate) async fn edit(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let w = to_mend(&s, &id, &access).await?;
    let (m, c) = (&w.matter, &w.matter.content);
    let mut form = Form::default()
        .with("seen", m.version)
        .with("title", &c.title)
        .with("text", &c.text)
        .with("level", &c.level)
        .with("to", m.to.map_or(String::new(), |u| u.to_string()));
    for f in &w.kind.fields {
        let value = c.values.get(&f.code).map_or("", String::as_str);
        let value = match f.kind {
            FieldKind::Person if !value.is_empty() => "=",
            _ => value,
        };
        form = form.with(&format!("v-{}", f.code), value);
    }
    let page = Page {
        kind: &w.kind,
        matter: Some(m),
        unit: Some(m.unit),
        files: &[],
    };
    shell.page(
        "matters/form.html",
        context(&s, &shell, &access, page, form).await?,
    )
}

pub(crate) async fn change(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    parts: Multipart,
) -> Result<Response, Failure> {
    let w = to_mend(&s, &id, &access).await?;
    let (m, eyes) = (&w.matter, Eyes::from(&access));
    let (typed, files, asked) = taken(&s, &access, &mut secrecy, parts).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let done = async {
        let content = content_of(&s, &w.kind, &typed, &access, Some(m)).await?;
        let to = match typed.get("to") {
            "" => None,
            id => Some(id.parse().map_err(|_| Error::NotFound)?),
        };
        let stays = |f: &&Attached| typed.all("keep").any(|sha| sha == f.sha256);
        let mut kept: Vec<Attached> = m.files.iter().filter(stays).cloned().collect();
        kept.extend(s.attachments.keep(&files).await?);
        let seen = typed.seen().ok_or(Error::NotFound)?;
        let what = (&content, to);
        s.change(m.id, seen, what, &kept, (&eyes, &actor)).await
    };
    match done.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&m.href(), "matters-done")
        }
        Err(error) => {
            let form = typed.form().reject(&shell, told(error))?;
            let page = Page {
                kind: &w.kind,
                matter: Some(m),
                unit: Some(m.unit),
                files: &files,
            };
            shell.refused(
                "matters/form.html",
                context(&s, &shell, &access, page, form).await?,
            )
        }
    }
}
