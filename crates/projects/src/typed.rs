//! What the pages share: forms as they were typed, names, crumbs, tags.

use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use desk::Waiting;
use kernel::words::Words;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope};
use organization::finding;
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::finding::Standing;
use crate::kind::ProjectKind;
use crate::model::{Project, State, href};
use crate::service::Projects;
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

    pub(crate) fn day(&self, field: &str) -> Result<Date> {
        day(field, self.get(field))
    }
}

pub(crate) fn id_of(text: &str) -> Result<Id> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn number_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn person_of(text: &str) -> Result<PersonId> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn day(field: &str, text: &str) -> Result<Date> {
    let wrong = || Error::field(field, Msg::new("projects-day-unread"));
    kernel::parse_date(text.trim()).ok_or_else(wrong)
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

pub(crate) fn crumbs(shell: &Shell, of: Option<&Project>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("projects-menu"),
        href: "/projects".into(),
    }];
    crumbs.extend(of.map(|p| Crumb {
        label: p.content.title.clone(),
        href: p.href(),
    }));
    crumbs
}

/// The pages of a project; only research has a report.
pub(crate) fn tabs(shell: &Shell, id: Id, kind: &ProjectKind, current: &str) -> Vec<Value> {
    let at = href(id);
    let tab = |code: &str| {
        let (path, word) = match code {
            "" => (at.clone(), "overview"),
            code => (format!("{at}/{code}"), code),
        };
        json!({ "label": shell.t(&format!("projects-tab-{word}")), "href": path, "current": code == current })
    };
    match kind.research {
        true => vec![tab(""), tab("report")],
        false => Vec::new(),
    }
}

pub(crate) fn tag(shell: &Shell, p: &Project) -> Tag {
    if let (State::Closed, Some(outcome)) = (p.state, p.outcome) {
        return Tag {
            text: shell.t(&format!("projects-outcome-{}", outcome.code())),
            tone: match outcome {
                crate::Outcome::Reached => Tone::Ok,
                crate::Outcome::Partly => Tone::Warn,
                crate::Outcome::Ended => Tone::Plain,
            },
            icon: (outcome == crate::Outcome::Reached).then_some("check"),
        };
    }
    Tag {
        text: shell.t(&format!("projects-state-{}", p.state.code())),
        tone: match p.state {
            State::Draft => Tone::Warn,
            State::Asked | State::Running | State::Checking => Tone::Brand,
            State::Closed | State::Dropped => Tone::Plain,
        },
        icon: None,
    }
}

/// How a case that a problem became stands.
pub(crate) fn case_tag(shell: &Shell, standing: &Standing) -> Tag {
    Tag {
        text: shell.t(&format!("projects-case-{}", standing.state)),
        tone: match standing.state {
            "solved" => Tone::Ok,
            "open" => Tone::Brand,
            _ => Tone::Plain,
        },
        icon: (standing.state == "solved").then_some("check"),
    }
}

/// A form in parts, looked through for words of secrecy; what is asked first is the answer of the page.
pub(crate) async fn taken(
    s: &Projects,
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

/// Where those may be who are named: where one writes or looks.
pub(crate) fn named_in(access: &Access) -> Scope {
    let held = |permission: &str| access.principal.scope(permission).cloned();
    let scopes = [WRITE, READ, organization::READ]
        .into_iter()
        .filter_map(held);
    scopes.fold(Scope::nothing(), |own, scope| match (own, scope) {
        (Scope::All, _) | (_, Scope::All) => Scope::All,
        (Scope::Under(a), Scope::Under(b)) => Scope::Under([a, b].concat()),
    })
}

impl Projects {
    /// One person by staff number, within a scope.
    pub(crate) async fn person(&self, field: &str, text: &str, scope: &Scope) -> Result<PersonId> {
        let (no, today) = (text.trim(), self.env.today());
        let unknown = || Error::field(field, Msg::new("projects-person-unknown").with("no", no));
        if no.is_empty() {
            return Err(Error::field(field, Msg::new("projects-person-missing")));
        }
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
    Shared(s): Shared<Projects>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The people that a field offers while one types.
pub(crate) async fn people_options(
    Shared(s): Shared<Projects>,
    shell: Shell,
    access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let words = Words::new(&typed).list;
    let found = s
        .organization
        .people_named(&words, &named_in(&access), 20)
        .await?;
    let option =
        |p: organization::RosterEntry| [p.staff_no, format!("{} · {}", p.name, p.unit_name)];
    let list: Vec<[String; 2]> = found.into_iter().map(option).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}
