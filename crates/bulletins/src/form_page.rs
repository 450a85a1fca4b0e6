//! The form of a bulletin: a new one, free or from something that was held, and another version.

use axum::extract::{Multipart, Path, Query, State as With};
use axum::response::Response;
use desk::Waiting;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope};
use organization::Unit;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::flow::href;
use crate::kind::BulletinKind;
use crate::model::{Attached, Bulletin, Given, New};
use crate::pages::crumbs;
use crate::service::Bulletins;
use crate::store;

type Pairs = Vec<(String, String)>;

fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    let found = pairs.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.as_str())
}

fn all<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    let found = pairs.iter().filter(move |(n, _)| n == name);
    found.map(|(_, v)| v.as_str())
}

fn given(pairs: &Pairs) -> Given {
    let of = |name: &str| value(pairs, name).to_owned();
    Given {
        title: of("title"),
        section: of("section"),
        text: of("text"),
        author: of("author"),
        level: of("level"),
        house: value(pairs, "house") == "on",
        to: ["report-to", "send-to", "issue-to"].map(of),
        pictures: Vec::new(),
        about: value(pairs, "about").parse().ok(),
    }
}

/// What came with a form: its fields, and pictures that are held; or the page that asks about words in them.
enum Arrived {
    Form(Pairs, Vec<Waiting>),
    Asks(Response),
}

async fn arrived(
    s: &Bulletins,
    secrecy: &mut Secrecy,
    access: &Access,
    form: &mut Multipart,
) -> Result<Arrived, Failure> {
    let (mut files, fields) = s.attachments.parts(access.principal.account, form).await?;
    let mut pairs = Pairs::new();
    for (name, text) in fields {
        match name.as_str() {
            "held" => files.push(Waiting::read(&text)?),
            Secrecy::FIELD => secrecy.said(text),
            _ => pairs.push((name, text)),
        }
    }
    // A form in parts is looked through here, its texts and its files.
    let mut found = s.attachments.words_in(secrecy, &files).await?;
    for (_, text) in &pairs {
        secrecy.look(text, &mut found);
    }
    if secrecy.asks(&found) {
        let mut again = pairs.clone();
        again.extend(files.iter().map(|w| ("held".to_owned(), w.text())));
        return Ok(Arrived::Asks(secrecy.ask(&found, &again, true)?));
    }
    secrecy.keep(&found).await?;
    Ok(Arrived::Form(pairs, files))
}

/// What a form knows besides what was typed.
struct Around<'a> {
    kind: &'a BulletinKind,
    unit: Option<&'a Unit>,
    /// The bulletin that is changed.
    bulletin: Option<&'a Bulletin>,
    kept: Vec<&'a Attached>,
    waiting: &'a [Waiting],
}

async fn context(s: &Bulletins, shell: &Shell, a: &Around<'_>, form: Form) -> Result<Value> {
    let lang = shell.lang().code();
    let kinds = s
        .kinds
        .iter()
        .filter(|k| a.unit.is_none_or(|u| k.is_for(&u.category)));
    let code = |u: &Unit| format!("&unit={}", web::encode(&u.code));
    let unit_part = a.unit.map(code).unwrap_or_default();
    let kinds: Vec<Value> = kinds
        .map(|k| {
            json!({ "label": k.name.get(lang), "current": k.code == a.kind.code,
                "href": format!("/bulletins/new?kind={}{unit_part}", k.code) })
        })
        .collect();
    let mut sections = vec![(String::new(), shell.t("bulletin-choose"))];
    let named = a.kind.sections.iter();
    sections.extend(named.map(|c| (c.code.clone(), c.name.get(lang).to_owned())));
    let mut recent = Vec::new();
    if let (None, Some(unit)) = (a.bulletin, a.unit) {
        recent = s.recent(unit.id).await?;
    }
    let kept: Vec<Value> = a
        .kept
        .iter()
        .map(|f| json!({ "sha256": f.sha256, "name": f.name }))
        .collect();
    let held: Vec<Value> = a
        .waiting
        .iter()
        .map(|w| json!({ "value": w.text(), "name": w.name }))
        .collect();
    Ok(json!({
        "form": form, "crumbs": crumbs(shell), "kind": a.kind.code, "name": a.kind.name.get(lang), "kinds": kinds,
        "unit": a.unit.map(|u| u.code.clone()), "unit_name": a.unit.map(|u| u.name.clone()),
        "bulletin": a.bulletin.map(|b| json!({ "id": b.id, "version": b.version, "title": b.content.title })),
        "sections": if a.kind.sections.is_empty() { Value::Null } else { json!(sections) }, "house": a.kind.house,
        "levels": s.levels.options(lang), "kept": kept, "held": held,
        "recent": recent.iter().map(|(id, title)| (id.to_string(), title)).collect::<Vec<_>>(),
    }))
}

/// The form again, as it was typed.
fn again(pairs: &Pairs, error: Error, shell: &Shell) -> Result<Form, Failure> {
    let mut form = Form::default();
    let skipped = ["held", "keep", "act"];
    for (name, text) in pairs.iter().filter(|(n, _)| !skipped.contains(&n.as_str())) {
        form = form.with(name, text);
    }
    form.reject(shell, error)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewQuery {
    kind: String,
    unit: String,
    about: String,
}

/// The unit that a form is for: the one asked for, one's own, or the only one.
async fn unit_for(s: &Bulletins, access: &Access, asked: &str) -> Result<Option<Unit>> {
    if !asked.trim().is_empty() {
        let picked = s.organization.unit_picked("unit", asked, &access.scope);
        return Ok(Some(picked.await.map_err(|_| Error::NotFound)?));
    }
    if let Some(person) = access.principal.person
        && let Some(own) = s.organization.unit_of(person, s.env.today()).await?
        && s.organization.reaches(&access.scope, own).await?
    {
        return Ok(Some(s.organization.unit(own, &access.scope).await?));
    }
    match &access.scope {
        Scope::Under(roots) if roots.len() == 1 => {
            let units = s.organization.units_by_id(roots, &access.scope).await?;
            Ok(units.into_iter().next())
        }
        _ => Ok(None),
    }
}

pub(crate) async fn new_form(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    Query(q): Query<NewQuery>,
) -> Result<Response, Failure> {
    let mut form = Form::default().with("id", s.env.new_id::<Id>());
    let mut unit = unit_for(&s, &access, &q.unit).await?;
    if let Ok(about) = q.about.parse::<Id>() {
        let told = s.told_of(about, &access.scope).await?;
        let told = told.ok_or(Error::NotFound)?;
        let host = s.organization.unit(told.host, &access.scope).await?;
        let (date, present) = (kernel::format_date(told.date), told.present.to_string());
        let said = [
            ("unit", host.name.as_str()),
            ("date", &date),
            ("title", &told.title),
            ("present", &present),
        ];
        form = form
            .with("about", about)
            .with("title", shell.t_with("bulletin-about-title", &said))
            .with("text", shell.t_with("bulletin-about-text", &said));
        unit.get_or_insert(host);
    }
    let fits = |k: &&BulletinKind| unit.as_ref().is_none_or(|u| k.is_for(&u.category));
    let kind = match q.kind.as_str() {
        "" => s.kinds.iter().find(fits).ok_or(Error::NotFound)?,
        code => s.kind(code)?,
    };
    let level = s.levels.take("", kind.level.as_deref());
    form = form.with("level", level.map_or("", |l| l.code.as_str()));
    if let Some(unit) = &unit {
        form = form.with("unit", &unit.code);
    }
    let around = Around {
        kind,
        unit: unit.as_ref(),
        bulletin: None,
        kept: Vec::new(),
        waiting: &[],
    };
    let context = context(&s, &shell, &around, form).await?;
    shell.page("bulletins/form.html", context)
}

pub(crate) async fn write(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let (pairs, files) = match arrived(&s, &mut secrecy, &access, &mut form).await? {
        Arrived::Form(pairs, files) => (pairs, files),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let kind = s.kind(value(&pairs, "kind"))?;
    let propose = value(&pairs, "act") == "propose";
    let typed = value(&pairs, "unit");
    let unit = s
        .organization
        .unit_picked("unit", typed, &access.scope)
        .await;
    let result = async {
        let unit = unit.as_ref().map_err(|_| unit_wrong())?;
        let mut given = given(&pairs);
        given.pictures = s.pictures(&files).await?;
        let new = New {
            id,
            kind: kind.code.clone(),
            unit: unit.id,
            given,
            propose,
        };
        s.write(&new, &access.scope, actor).await
    };
    match result.await {
        Ok(_) => {
            s.attachments.release(&files).await;
            shell.done(&href(id), done_key(propose))
        }
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let around = Around {
                kind,
                unit: unit.as_ref().ok(),
                bulletin: None,
                kept: Vec::new(),
                waiting: &files,
            };
            let context = context(&s, &shell, &around, form).await?;
            shell.refused("bulletins/form.html", context)
        }
    }
}

fn unit_wrong() -> Error {
    Error::field("unit", Msg::new("bulletin-unit-wrong"))
}

fn done_key(propose: bool) -> &'static str {
    match propose {
        true => "bulletin-proposed-done",
        false => "bulletin-saved-done",
    }
}

/// A bulletin that may be changed, and its unit.
async fn open(s: &Bulletins, id: &str, access: &Access) -> Result<(Bulletin, Unit)> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let b = store::held(&mut s.db.read().await?, id, &access.scope).await?;
    let unit = s.organization.unit(b.unit, &access.scope).await?;
    Ok((b, unit))
}

pub(crate) async fn edit_form(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (b, unit) = open(&s, &id, &access).await?;
    if !b.state.is_open() {
        return shell.redirect(&href(b.id));
    }
    let c = &b.content;
    let author = s.author_of(c.author).await?;
    let mut form = Form::default()
        .with("version", b.version)
        .with("title", &c.title)
        .with("section", c.section.as_deref().unwrap_or_default())
        .with("text", &c.text)
        .with("author", author.map_or_else(String::new, |(no, _)| no))
        .with("level", &c.level)
        .with("report-to", &c.report_to)
        .with("send-to", &c.send_to)
        .with("issue-to", &c.issue_to);
    if c.house {
        form = form.with("house", "on");
    }
    if let Some(about) = c.about {
        form = form.with("about", about);
    }
    let around = Around {
        kind: s.kind(&b.kind)?,
        unit: Some(&unit),
        bulletin: Some(&b),
        kept: c.pictures.iter().collect(),
        waiting: &[],
    };
    let context = context(&s, &shell, &around, form).await?;
    shell.page("bulletins/form.html", context)
}

pub(crate) async fn change(
    With(s): With<Bulletins>,
    shell: Shell,
    access: Access,
    actor: Actor,
    mut secrecy: Secrecy,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response, Failure> {
    let (b, unit) = open(&s, &id, &access).await?;
    let (pairs, files) = match arrived(&s, &mut secrecy, &access, &mut form).await? {
        Arrived::Form(pairs, files) => (pairs, files),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let version = value(&pairs, "version");
    let version = version.parse().map_err(|_| Error::NotFound)?;
    let propose = value(&pairs, "act") == "propose";
    let kept: Vec<&Attached> = {
        let ticked: Vec<&str> = all(&pairs, "keep").collect();
        let pictures = b.content.pictures.iter();
        pictures
            .filter(|f| ticked.contains(&f.sha256.as_str()))
            .collect()
    };
    let result = async {
        let mut given = given(&pairs);
        given.pictures = kept.iter().map(|f| (*f).clone()).collect();
        given.pictures.extend(s.pictures(&files).await?);
        s.change(b.id, version, &given, propose, &access.scope, actor)
            .await
    };
    match result.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&href(b.id), done_key(propose))
        }
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let around = Around {
                kind: s.kind(&b.kind)?,
                unit: Some(&unit),
                bulletin: Some(&b),
                kept,
                waiting: &files,
            };
            let context = context(&s, &shell, &around, form).await?;
            shell.refused("bulletins/form.html", context)
        }
    }
}
