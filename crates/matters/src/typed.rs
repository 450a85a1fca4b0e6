//! What the pages share: forms as they were typed, names, crumbs, tags, fields in words.

use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use db::Tx;
use desk::Waiting;
use kernel::words::Words;
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use organization::finding;
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::kind::{FieldKind, MatterKind};
use crate::model::{Content, Matter, Outcome, State};
use crate::service::Matters;
use crate::{READ, WRITE};

pub(crate) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What a form held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed(pub(crate) Vec<(String, String)>);

impl Typed {
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v.as_str())
    }

    pub(crate) fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t str> {
        let named = self.0.iter().filter(move |(n, _)| n == name);
        named.map(|(_, v)| v.as_str())
    }

    pub(crate) fn form(&self) -> Form {
        let skip = ["held", Secrecy::FIELD];
        let kept = self.0.iter().filter(|(n, _)| !skip.contains(&n.as_str()));
        kept.fold(Form::default(), |form, (n, v)| form.with(n, v))
    }

    pub(crate) fn id(&self, name: &str) -> Result<Id> {
        self.get(name).parse().map_err(|_| Error::NotFound)
    }

    pub(crate) fn seen(&self) -> Option<i64> {
        self.get("seen").parse().ok()
    }
}

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn paragraphs(text: &str) -> Vec<&str> {
    text.lines().filter(|l| !l.trim().is_empty()).collect()
}

/// What was refused because of how things stand is told on the page that shows it.
pub(crate) fn told(error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    }
}

pub(crate) fn crumbs(shell: &Shell, of: Option<&Matter>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("matters-menu"),
        href: "/matters".into(),
    }];
    crumbs.extend(of.map(|m| Crumb {
        label: m.content.title.clone(),
        href: m.href(),
    }));
    crumbs
}

pub(crate) fn tag(shell: &Shell, m: &Matter) -> Tag {
    if let (State::Done, Some(outcome)) = (m.state, m.outcome) {
        return Tag {
            text: shell.t(&format!("matters-outcome-{}", outcome.code())),
            tone: match outcome {
                Outcome::Agreed | Outcome::Noted => Tone::Ok,
                Outcome::Partly => Tone::Warn,
                Outcome::Refused => Tone::Bad,
            },
            icon: matches!(outcome, Outcome::Agreed | Outcome::Noted).then_some("check"),
        };
    }
    Tag {
        text: shell.t(&format!("matters-state-{}", m.state.code())),
        tone: match m.state {
            State::Draft => Tone::Warn,
            State::Asked | State::Sent | State::Received => Tone::Brand,
            State::Done | State::Withdrawn => Tone::Plain,
        },
        icon: None,
    }
}

/// Fields with what was filled in, in words; people by name.
pub(crate) async fn field_lines(
    tx: &mut Tx,
    kind: &MatterKind,
    content: &Content,
    lang: &str,
) -> Result<Vec<(String, String)>> {
    let people = kind.fields.iter().filter(|f| f.kind == FieldKind::Person);
    let people: Vec<PersonId> = people
        .filter_map(|f| content.values.get(&f.code)?.parse().ok())
        .collect();
    let names = match people.is_empty() {
        true => Default::default(),
        false => finding::person_names(tx, &people).await?,
    };
    let line = |f: &crate::Field| {
        let value = content.values.get(&f.code)?;
        let value = match f.kind {
            FieldKind::Choice => {
                let choice = f.values.iter().find(|c| c.code == *value);
                choice.map_or(value.as_str(), |c| c.name.get(lang))
            }
            FieldKind::Person => {
                let person = value.parse::<PersonId>().ok();
                person
                    .and_then(|p| names.get(&p))
                    .map_or("—", String::as_str)
            }
            _ => value,
        };
        Some((f.name.get(lang).to_owned(), value.to_owned()))
    };
    Ok(kind.fields.iter().filter_map(line).collect())
}

/// A form in parts, looked through for words of secrecy; what is asked first is the answer of the page.
pub(crate) async fn taken(
    s: &Matters,
    access: &Access,
    secrecy: &mut Secrecy,
    mut parts: Multipart,
) -> Result<(Typed, Vec<Waiting>, Option<Response>), Failure> {
    let of = access.principal.account;
    let (mut files, fields) = s.attachments.parts(of, &mut parts).await?;
    let typed = Typed(fields);
    for held in typed.all("held") {
        files.push(Waiting::read(held)?);
    }
    secrecy.said(typed.get(Secrecy::FIELD).to_owned());
    let mut words = s.attachments.words_in(secrecy, &files).await?;
    for (name, text) in typed.0.iter().filter(|(n, _)| n != Secrecy::FIELD) {
        if name != "held" {
            secrecy.look(text, &mut words);
        }
    }
    if secrecy.asks(&words) {
        let keep = |(n, _): &&(String, String)| n != "held" && n != Secrecy::FIELD;
        let mut again: Vec<(String, String)> = typed.0.iter().filter(keep).cloned().collect();
        again.extend(files.iter().map(|f| ("held".to_owned(), f.text())));
        let asked = secrecy.ask(&words, &again, true)?;
        return Ok((typed, files, Some(asked)));
    }
    secrecy.keep(&words).await?;
    Ok((typed, files, None))
}

/// Files that wait in a form.
pub(crate) fn waiting(files: &[Waiting]) -> Vec<Value> {
    let file = |w: &Waiting| json!({ "value": w.text(), "name": w.name });
    files.iter().map(file).collect()
}

impl Matters {
    /// Where those may be who are named: where one writes or looks, and one's own unit.
    pub(crate) async fn named_in(&self, access: &Access) -> Result<Scope> {
        let held = |permission: &str| access.principal.scope(permission).cloned();
        let scopes = [WRITE, READ, organization::READ]
            .into_iter()
            .filter_map(held);
        let both = |own: Scope, scope: Scope| match (own, scope) {
            (Scope::All, _) | (_, Scope::All) => Scope::All,
            (Scope::Under(a), Scope::Under(b)) => Scope::Under([a, b].concat()),
        };
        let mut all = scopes.fold(Scope::nothing(), both);
        if let Some(person) = access.principal.person {
            let home = self.organization.unit_of(person, self.env.today()).await?;
            all = both(all, Scope::Under(home.into_iter().collect()));
        }
        Ok(all)
    }

    /// One person by staff number, within a scope.
    pub(crate) async fn person(&self, field: &str, text: &str, scope: &Scope) -> Result<PersonId> {
        let (no, today) = (text.trim(), self.env.today());
        let unknown = || Error::field(field, Msg::new("matters-person-unknown").with("no", no));
        let person = finding::serving(&mut self.db.read().await?, no, today).await?;
        let person = person.ok_or_else(unknown)?;
        let home = self.organization.unit_of(person, today).await?;
        match self
            .organization
            .reaches(scope, home.ok_or_else(unknown)?)
            .await?
        {
            true => Ok(person),
            false => Err(unknown()),
        }
    }
}

type Query = axum::extract::Query<Vec<(String, String)>>;

/// The units that a field offers while one types.
pub(crate) async fn unit_options(
    Shared(s): Shared<Matters>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = s.named_in(&access).await?;
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The people that a field offers while one types.
pub(crate) async fn people_options(
    Shared(s): Shared<Matters>,
    shell: Shell,
    access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let words = Words::new(&typed).list;
    let scope = s.named_in(&access).await?;
    let found = s.organization.people_named(&words, &scope, 20).await?;
    let option =
        |p: organization::RosterEntry| [p.staff_no, format!("{} · {}", p.name, p.unit_name)];
    let list: Vec<[String; 2]> = found.into_iter().map(option).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}
