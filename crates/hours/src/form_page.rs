//! Forms of outside training: a new record, for oneself or by an officer for somebody else, and a correction.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Error, Id, Msg, PersonId, Result};
use serde_json::{Value, json};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::RECORD;
use crate::model::{Attached, Given, New, Record, Stage, print};
use crate::pages::{crumbs, held};
use crate::service::{Hours, href};
use desk::Waiting;

pub(crate) type Pairs = Vec<(String, String)>;

pub(crate) fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    let found = pairs.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.as_str())
}

fn all<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    let found = pairs.iter().filter(move |(n, _)| n == name);
    found.map(|(_, v)| v.as_str())
}

fn given(pairs: &Pairs, declared: bool) -> Given {
    let of = |name: &str| value(pairs, name).to_owned();
    Given {
        title: of("title"),
        organiser: of("organiser"),
        way: of("way"),
        content: of("content"),
        from: of("from"),
        to: of("to"),
        hours: of("hours"),
        days: of("days"),
        class: of("class"),
        leave: of("leave"),
        reference: of("reference"),
        evidence: Vec::new(),
        declared,
    }
}

/// What the files of a form come to.
enum Arrived {
    /// They are held; or what was wrong with those sent just now.
    Files(Vec<Waiting>, Result<()>),
    /// Words in them call for care: the page that asks.
    Asks(Response),
}

/// The files of a form: those that were sent just now are taken off the desk and looked through.
async fn files_of(
    s: &Hours,
    secrecy: &Secrecy,
    access: &Access,
    pairs: &Pairs,
) -> Result<Arrived, Failure> {
    let held: Result<Vec<Waiting>> = all(pairs, "held").map(Waiting::read).collect();
    let mut files = held?;
    let uploads: Result<Vec<Id>, _> = all(pairs, "upload").map(str::parse).collect();
    let uploads = uploads.map_err(|_| Error::NotFound)?;
    match s.attachments.take(access.principal.account, &uploads).await {
        Ok(more) => files.extend(more),
        Err(error @ Error::Invalid(_)) => return Ok(Arrived::Files(files, Err(error))),
        Err(other) => return Err(other.into()),
    }
    let found = s.attachments.words_in(secrecy, &files).await?;
    if secrecy.asks(&found) {
        let others = pairs.iter().filter(|(n, _)| n != "upload" && n != "held");
        let mut again: Pairs = others.cloned().collect();
        again.extend(files.iter().map(|w| ("held".to_owned(), w.text())));
        return Ok(Arrived::Asks(secrecy.ask(&found, &again, false)?));
    }
    secrecy.keep(&found).await?;
    let sent = match all(pairs, "file").any(|name| !name.is_empty()) {
        true => Err(Error::field("file", Msg::new("hours-upload-script"))),
        false => Ok(()),
    };
    Ok(Arrived::Files(files, sent))
}

/// Choices after the one that chooses nothing.
pub(crate) fn listed(
    first: &(String, String),
    more: impl Iterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    std::iter::once(first.clone()).chain(more).collect()
}

/// What a form knows besides what was typed.
struct Around<'a> {
    record: Option<&'a Record>,
    declared: bool,
    /// Whether somebody else can be named.
    officer: bool,
    waiting: &'a [Waiting],
    kept: Vec<&'a Attached>,
    whose: String,
}

fn context(s: &Hours, shell: &Shell, access: &Access, a: &Around<'_>, form: Form) -> Value {
    let lang = shell.lang().code();
    let choose = (String::new(), shell.t("hours-choose"));
    let ways = s.rules.ways.iter().filter(|w| w.outside);
    let ways = ways.map(|w| (w.code.clone(), w.name.get(lang).to_owned()));
    let contents = s.rules.contents.iter();
    let contents = contents.map(|c| (c.code.clone(), c.name.get(lang).to_owned()));
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
    json!({
        "form": form, "ways": listed(&choose, ways),
        "contents": listed(&choose, contents), "declared": a.declared, "officer": a.officer,
        "record": a.record.map(|r| json!({ "id": r.id, "version": r.version })), "whose": a.whose,
        "kept": kept, "held": held, "crumbs": crumbs(shell, access),
    })
}

/// The form again, as it was typed.
fn again(pairs: &Pairs, error: Error, shell: &Shell) -> Result<Form, Failure> {
    let mut form = Form::default();
    let skipped = ["upload", "held", "keep", "file"];
    for (name, text) in pairs.iter().filter(|(n, _)| !skipped.contains(&n.as_str())) {
        form = form.with(name, text);
    }
    form.reject(shell, error)
}

pub(crate) async fn new_form(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    let officer = access.principal.scope(RECORD).is_some();
    if access.principal.person.is_none() && !officer {
        return Err(Error::NotFound.into());
    }
    let form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("person", value(&pairs, "person"));
    let around = Around {
        record: None,
        declared: value(&pairs, "declared") == "1",
        officer,
        waiting: &[],
        kept: Vec::new(),
        whose: access.principal.name.clone(),
    };
    shell.page(
        "hours/form.html",
        context(&s, &shell, &access, &around, form),
    )
}

/// Whose hours a form is about: one's own, unless an officer names somebody.
async fn whose(s: &Hours, access: &Access, text: &str) -> Result<PersonId> {
    let text = text.trim();
    let unknown = || Error::field("person", Msg::new("hours-person-unknown"));
    if text.is_empty() {
        let missing = || Error::field("person", Msg::new("hours-person-missing"));
        return access.principal.person.ok_or_else(missing);
    }
    let found = crate::store::people_by_staff_no(&mut s.db.read().await?, &[text]).await?;
    let person = found.get(text).copied().ok_or_else(unknown)?;
    if access.principal.person != Some(person) {
        let reach = held(access, RECORD);
        let seen = s.organization.person(person, &reach).await;
        seen.map_err(|_| unknown())?;
    }
    Ok(person)
}

pub(crate) async fn enter(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let declared = value(&pairs, "declared") == "1";
    let (files, sent) = match files_of(&s, &secrecy, &access, &pairs).await? {
        Arrived::Files(files, sent) => (files, sent),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let (scope, own) = (held(&access, RECORD), access.principal.person);
    let result = async {
        sent?;
        let mut given = given(&pairs, declared);
        given.evidence = s.attachments.measured(&files).await?;
        let person = whose(&s, &access, value(&pairs, "person")).await?;
        // Only what is right is kept for good.
        crate::model::check(&s.rules, &given, s.env.today()).map_err(Error::Invalid)?;
        given.evidence = s.attachments.keep(&files).await?;
        let source = if declared { "declared" } else { "form" };
        let new = New {
            id,
            person,
            given,
            source,
        };
        s.enter(&new, &scope, own, actor).await
    };
    match result.await {
        Ok(id) => {
            s.attachments.release(&files).await;
            shell.done(&href(id), "hours-entered")
        }
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let around = Around {
                record: None,
                declared,
                officer: !scope.is_empty(),
                waiting: &files,
                kept: Vec::new(),
                whose: access.principal.name.clone(),
            };
            shell.refused(
                "hours/form.html",
                context(&s, &shell, &access, &around, form),
            )
        }
    }
}

/// A record that one may correct: one's own, or in the scope of an officer.
async fn mine(s: &Hours, access: &Access, id: &str) -> Result<Record> {
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    s.record(id, &held(access, RECORD), access.principal.person)
        .await
}

async fn name_of(s: &Hours, person: PersonId) -> Result<String> {
    let (mut names, _) = s.names(&[person], &[]).await?;
    Ok(names
        .remove(&person)
        .map_or_else(String::new, |(_, name)| name))
}

pub(crate) async fn edit_form(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let record = mine(&s, &access, &id).await?;
    if record.stage == Stage::Reversed {
        return Err(Error::Conflict(Msg::new("hours-reversed")).into());
    }
    let e = &record.entry;
    let from = match e.declared {
        true => e.from.year().to_string(),
        false => kernel::format_date(e.from),
    };
    let form = Form::default()
        .with("title", &e.title)
        .with("organiser", &e.organiser)
        .with("way", &e.way)
        .with("content", &e.content)
        .with("from", from)
        .with("to", kernel::format_date(e.to))
        .with("hours", print(e.hours))
        .with("days", print(e.days))
        .with("class", e.class.map(print).unwrap_or_default())
        .with("leave", print(e.leave))
        .with("reference", &e.reference)
        .with("version", record.version);
    let around = Around {
        record: Some(&record),
        declared: e.declared,
        officer: false,
        waiting: &[],
        kept: e.evidence.iter().collect(),
        whose: name_of(&s, record.person).await?,
    };
    shell.page(
        "hours/form.html",
        context(&s, &shell, &access, &around, form),
    )
}

pub(crate) async fn correct(
    State(s): State<Hours>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(id): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let record = mine(&s, &access, &id).await?;
    let version = value(&pairs, "version").parse();
    let version = version.map_err(|_| Error::NotFound)?;
    let ticked: Vec<&str> = all(&pairs, "keep").collect();
    let kept = record.entry.evidence.iter();
    let kept: Vec<&Attached> = kept
        .filter(|f| ticked.contains(&f.sha256.as_str()))
        .collect();
    let (files, sent) = match files_of(&s, &secrecy, &access, &pairs).await? {
        Arrived::Files(files, sent) => (files, sent),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let (scope, own) = (held(&access, RECORD), access.principal.person);
    let result = async {
        sent?;
        let mut given = given(&pairs, record.entry.declared);
        given.evidence = kept.iter().map(|f| (*f).clone()).collect();
        given.evidence.extend(s.attachments.keep(&files).await?);
        let reason = value(&pairs, "reason");
        s.correct((record.id, version), &given, reason, &scope, own, actor)
            .await
    };
    match result.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&href(record.id), "hours-corrected")
        }
        Err(e) => {
            let form = again(&pairs, e, &shell)?;
            let around = Around {
                record: Some(&record),
                declared: record.entry.declared,
                officer: false,
                waiting: &files,
                kept,
                whose: name_of(&s, record.person).await?,
            };
            shell.refused(
                "hours/form.html",
                context(&s, &shell, &access, &around, form),
            )
        }
    }
}
