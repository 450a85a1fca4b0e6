//! Forms of entries: a new one, a declared total of a past year, a correction.

use axum::Form as Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use web::view::Crumb;
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::model::{Attached, Entry, Given, New, input};
use crate::pages::crumbs;
use crate::register::{Evidence, Kind, Register};
use crate::review::href;
use crate::service::RegisterBook;
use desk::Waiting;

type Pairs = Vec<(String, String)>;

/// Lines for people that stand empty in a form.
const SPARE_PEOPLE: usize = 3;
/// Lines for people that a form reads.
const MOST_LINES: usize = 60;

fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    let found = pairs.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, v)| v.as_str())
}

fn all<'p>(pairs: &'p Pairs, name: &'p str) -> impl Iterator<Item = &'p str> {
    let found = pairs.iter().filter(move |(n, _)| n == name);
    found.map(|(_, v)| v.as_str())
}

/// Staff numbers with parts, as somebody writes a list of them: `001、002（组长）`, a line each or with commas.
pub(crate) fn people_of(text: &str) -> Vec<(String, String)> {
    let parts = text.split(['、', ',', '，', ';', '；', '\n']);
    let one = |part: &str| {
        let part = part.trim().trim_end_matches([')', '）']);
        let (no, role) = part.split_once(['(', '（']).unwrap_or((part, ""));
        (no.trim().to_owned(), role.trim().to_owned())
    };
    parts.map(one).filter(|(no, _)| !no.is_empty()).collect()
}

/// What a form says; years of declared totals become their last day.
fn given(register: &Register, pairs: &Pairs, declared: bool) -> Given {
    let mut people: Vec<(String, String)> = (0..MOST_LINES)
        .map(|n| {
            let of = |name: &str| value(pairs, &format!("{name}-{n}")).trim().to_owned();
            (of("person"), of("role"))
        })
        .filter(|(no, _)| !no.is_empty())
        .collect();
    people.extend(people_of(value(pairs, "people")));
    let values = register.fields.iter().map(|f| {
        let typed = value(pairs, &input(&f.code));
        (f.code.clone(), typed.to_owned())
    });
    let (date, total) = match declared {
        true => (
            format!("{}-12-31", value(pairs, "year").trim()),
            Some(value(pairs, "count").trim().parse().unwrap_or(0)),
        ),
        false => (value(pairs, "date").to_owned(), None),
    };
    Given {
        title: value(pairs, "title").to_owned(),
        date,
        level: value(pairs, "level").to_owned(),
        values: values
            .filter(|(_, v): &(_, String)| !v.trim().is_empty())
            .collect(),
        people,
        evidence: Vec::new(),
        declared: total,
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
    s: &RegisterBook,
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
    Ok(Arrived::Files(files, no_script(pairs)))
}

/// What a form knows besides what was typed.
struct Around<'a> {
    register: &'a Register,
    /// The entry that is corrected.
    entry: Option<&'a Entry>,
    declared: bool,
    waiting: &'a [Waiting],
    /// Files of the entry that stay.
    kept: Vec<&'a Attached>,
    unit_name: String,
    /// Lines of people with something in them.
    lines: usize,
}

fn context(s: &RegisterBook, shell: &Shell, a: &Around<'_>, form: Form) -> Value {
    let lang = shell.lang().code();
    let r = a.register;
    let class = |code: &str| r.class.as_deref() == Some(code);
    let fields = r.fields.iter().filter(|f| !a.declared || class(&f.code));
    let fields: Vec<Value> = fields
        .map(|f| {
            let mut options = vec![(String::new(), shell.t("register-choose"))];
            options.extend(
                f.values
                    .iter()
                    .map(|v| (v.code.clone(), v.name.get(lang).to_owned())),
            );
            json!({
                "name": input(&f.code), "label": f.name.get(lang), "kind": match f.kind {
                    Kind::Text => "text", Kind::Long => "textarea", Kind::Number => "decimal",
                    Kind::Date => "date", Kind::Choice => "select", Kind::Unit => "unit",
                },
                "required": f.required, "options": options,
            })
        })
        .collect();
    let people = r.people.as_ref().filter(|_| !a.declared).map(|p| {
        let mut roles = vec![(String::new(), shell.t("register-choose"))];
        roles.extend(p.roles.iter().map(|r| (r.code.clone(), r.name.get(lang).to_owned())));
        let lines = match p.most {
            Some(1) => 1,
            _ => (a.lines + SPARE_PEOPLE).min(MOST_LINES),
        };
        json!({
            "name": p.name.get(lang), "required": p.required, "lines": lines, "one": p.most == Some(1),
            "roles": if p.roles.is_empty() { json!(null) } else { json!(roles) },
        })
    });
    let mut crumbs = crumbs(shell);
    crumbs.push(Crumb {
        label: r.name.get(lang).to_owned(),
        href: format!("/registers/{}", r.code),
    });
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
        "form": form, "code": r.code, "name": r.name.get(lang), "unit": r.unit.get(lang),
        "note": r.note.as_ref().map(|n| n.get(lang)), "fields": fields, "people": people,
        "levels": s.levels.options(lang), "crumbs": crumbs, "declared": a.declared,
        "entry": a.entry.map(|e| json!({ "id": e.id, "version": e.version, "title": e.content.title })),
        "unit_name": a.unit_name, "kept": kept, "held": held, "review": r.review,
        "evidence_required": r.evidence == Evidence::Required || a.declared,
        "today": kernel::format_date(s.env.today()),
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

fn lines_in(pairs: &Pairs) -> usize {
    let filled = |n: &usize| !value(pairs, &format!("person-{n}")).trim().is_empty();
    (0..MOST_LINES).rev().find(filled).map_or(0, |n| n + 1)
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct NewQuery {
    unit: Option<String>,
}

pub(crate) async fn new_form(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<NewQuery>,
) -> Result<Response, Failure> {
    blank(&s, &shell, &access, &code, q, false).await
}

pub(crate) async fn declare_form(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Path(code): Path<String>,
    Query(q): Query<NewQuery>,
) -> Result<Response, Failure> {
    blank(&s, &shell, &access, &code, q, true).await
}

async fn blank(
    s: &RegisterBook,
    shell: &Shell,
    access: &Access,
    code: &str,
    q: NewQuery,
    declared: bool,
) -> Result<Response, Failure> {
    let register = s.register(code)?;
    let unit = match q.unit.as_deref().filter(|u| !u.trim().is_empty()) {
        Some(text) => {
            let picked = s.organization.unit_picked("unit", text, &access.scope);
            Some(picked.await.map_err(|_| Error::NotFound)?)
        }
        None => own_unit(s, access).await?,
    };
    let today = s.env.today();
    let level = s.levels.take("", register.level.as_deref());
    let mut form = Form::default()
        .with("id", s.env.new_id::<Id>())
        .with("date", kernel::format_date(today))
        .with(
            "level",
            level.map_or_else(|_| String::new(), |l| l.code.clone()),
        );
    if let Some(unit) = &unit {
        form = form.with("unit", &unit.code);
    }
    if declared {
        form = form.with("year", today.year() - 1);
    }
    let around = Around {
        register,
        entry: None,
        declared,
        waiting: &[],
        kept: Vec::new(),
        unit_name: unit.map_or_else(String::new, |u| u.name),
        lines: 0,
    };
    shell.page("registers/form.html", context(s, shell, &around, form))
}

async fn own_unit(s: &RegisterBook, access: &Access) -> Result<Option<organization::Unit>> {
    if let Some(person) = access.principal.person
        && let Some(own) = s.organization.unit_of(person, s.env.today()).await?
        && s.organization.reaches(&access.scope, own).await?
    {
        return Ok(Some(s.organization.unit(own, &access.scope).await?));
    }
    // Whoever has one unit only need not name it.
    match &access.scope {
        Scope::Under(roots) if roots.len() == 1 => Ok(s
            .organization
            .units_by_id(roots, &access.scope)
            .await?
            .pop()),
        _ => Ok(None),
    }
}

/// What every form is looked through for: files that a browser without script could not send.
fn no_script(pairs: &Pairs) -> Result<()> {
    match all(pairs, "file").any(|name| !name.is_empty()) {
        true => Err(Error::field("file", Msg::new("register-upload-script"))),
        false => Ok(()),
    }
}

/// Errors of a declared total stand beside the fields that its form has.
fn as_declared(error: Error, declared: bool) -> Error {
    match error {
        Error::Invalid(mut errors) if declared => {
            for e in errors.iter_mut().filter(|e| e.field == "date") {
                e.field = "year".into();
            }
            Error::Invalid(errors)
        }
        other => other,
    }
}

pub(crate) async fn record(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path(code): Path<String>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let id: Id = value(&pairs, "id").parse().map_err(|_| Error::NotFound)?;
    let declared = value(&pairs, "declared") == "1";
    let to = format!("/registers/{code}/entries/{id}");
    // Sent twice: the first one stands.
    if let Ok(known) = s.entry(id, &access.scope).await
        && known.recorded_by == access.principal.account
        && known.register == code
    {
        return shell.redirect(&to);
    }
    let (files, sent) = match files_of(&s, &secrecy, &access, &pairs).await? {
        Arrived::Files(files, sent) => (files, sent),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let mut unit_name = String::new();
    let result = async {
        sent?;
        let unit = s
            .organization
            .unit_picked("unit", value(&pairs, "unit"), &access.scope)
            .await?;
        unit_name.clone_from(&unit.name);
        let mut given = given(register, &pairs, declared);
        given.evidence = s.attachments.keep(&files).await?;
        let new = New {
            id,
            register: code.clone(),
            unit: unit.id,
            given,
            source: if declared { "declared" } else { "form" },
            another: value(&pairs, "another") == "on",
        };
        s.record(&new, &access.scope, actor).await
    };
    match result.await {
        Ok(_) => {
            s.attachments.release(&files).await;
            let said = if register.review {
                "register-proposed"
            } else {
                "register-recorded"
            };
            shell.done(&to, said)
        }
        Err(e) => {
            let form = again(&pairs, as_declared(e, declared), &shell)?;
            let around = Around {
                register,
                entry: None,
                declared,
                waiting: &files,
                kept: Vec::new(),
                unit_name,
                lines: lines_in(&pairs),
            };
            shell.refused("registers/form.html", context(&s, &shell, &around, form))
        }
    }
}

/// An entry of this register, for a path that names both.
pub(crate) async fn find(
    s: &RegisterBook,
    code: &str,
    id: &str,
    scope: &Scope,
) -> Result<(Id, Entry)> {
    s.register(code)?;
    let id: Id = id.parse().map_err(|_| Error::NotFound)?;
    let entry = s.entry(id, scope).await?;
    match entry.register == code {
        true => Ok((id, entry)),
        false => Err(Error::NotFound),
    }
}

/// What an entry says, as a form has it.
async fn filled(s: &RegisterBook, register: &Register, e: &Entry) -> Result<Form> {
    let c = &e.content;
    let mut form = Form::default()
        .with("title", &c.title)
        .with("date", kernel::format_date(c.date))
        .with("level", &c.level)
        .with("version", e.version);
    if let Some(total) = c.declared {
        form = form.with("year", c.date.year()).with("count", total);
    }
    let units = s.unit_codes(register, [c]).await?;
    for field in &register.fields {
        if let Some(value) = c.values.get(&field.code) {
            let shown = match field.kind {
                Kind::Unit => units.get(value).map_or(value, |(code, _)| code),
                _ => value,
            };
            form = form.with(&input(&field.code), shown);
        }
    }
    let people = s.people_of([c]).await?;
    for (n, named) in c.people.iter().enumerate() {
        let no = people.get(&named.person).map_or("", |(no, _)| no.as_str());
        form = form.with(&format!("person-{n}"), no).with(
            &format!("role-{n}"),
            named.role.as_deref().unwrap_or_default(),
        );
    }
    Ok(form)
}

pub(crate) async fn edit_form(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Path((code, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let (_, entry) = find(&s, &code, &id, &access.scope).await?;
    let form = filled(&s, register, &entry).await?;
    let names = s.organization.names(&[entry.unit]).await?;
    let around = Around {
        register,
        entry: Some(&entry),
        declared: entry.content.declared.is_some(),
        waiting: &[],
        kept: entry.content.evidence.iter().collect(),
        unit_name: names.get(&entry.unit).cloned().unwrap_or_default(),
        lines: entry.content.people.len(),
    };
    shell.page("registers/form.html", context(&s, &shell, &around, form))
}

pub(crate) async fn correct(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    actor: Actor,
    secrecy: Secrecy,
    Path((code, id)): Path<(String, String)>,
    Body(pairs): Body<Pairs>,
) -> Result<Response, Failure> {
    let register = s.register(&code)?;
    let (id, entry) = find(&s, &code, &id, &access.scope).await?;
    let declared = entry.content.declared.is_some();
    let version = value(&pairs, "version")
        .parse()
        .map_err(|_| Error::NotFound)?;
    let kept: Vec<&Attached> = {
        let ticked: Vec<&str> = all(&pairs, "keep").collect();
        let files = entry.content.evidence.iter();
        files
            .filter(|f| ticked.contains(&f.sha256.as_str()))
            .collect()
    };
    let (files, sent) = match files_of(&s, &secrecy, &access, &pairs).await? {
        Arrived::Files(files, sent) => (files, sent),
        Arrived::Asks(asked) => return Ok(asked),
    };
    let result = async {
        sent?;
        let mut given = given(register, &pairs, declared);
        given.evidence = kept.iter().map(|f| (*f).clone()).collect();
        given.evidence.extend(s.attachments.keep(&files).await?);
        let reason = value(&pairs, "reason");
        s.correct(id, version, &given, reason, &access.scope, actor)
            .await
    };
    match result.await {
        Ok(()) => {
            s.attachments.release(&files).await;
            shell.done(&href(&entry), "register-corrected")
        }
        Err(e) => {
            let form = again(&pairs, as_declared(e, declared), &shell)?;
            let names = s.organization.names(&[entry.unit]).await?;
            let around = Around {
                register,
                entry: Some(&entry),
                declared,
                waiting: &files,
                kept,
                unit_name: names.get(&entry.unit).cloned().unwrap_or_default(),
                lines: lines_in(&pairs),
            };
            shell.refused("registers/form.html", context(&s, &shell, &around, form))
        }
    }
}

/// The units that the form offers while one types.
pub(crate) async fn unit_options(
    State(s): State<RegisterBook>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failure> {
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The last day of a year that was typed.
pub(crate) fn declared_year(year: &str, errors: &mut Vec<FieldError>) -> Option<Date> {
    let year = year.trim().trim_end_matches('年').parse::<i16>().ok();
    let date = year.filter(|y| (1949..=9999).contains(y));
    let date = date.and_then(|y| Date::new(y, 12, 31).ok());
    if date.is_none() {
        errors.push(FieldError {
            field: "year".into(),
            message: Msg::new("register-year-wrong"),
        });
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_written_in_many_ways() {
        let said = |text: &str| {
            let people = people_of(text).into_iter();
            people
                .map(|(no, role)| format!("{no}:{role}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(said("001、002（组长）"), ["001:", "002:组长"]);
        assert_eq!(said(" 001 (lead), 002\n003;"), ["001:lead", "002:", "003:"]);
        assert_eq!(said("，、 "), Vec::<String>::new());
    }
}
