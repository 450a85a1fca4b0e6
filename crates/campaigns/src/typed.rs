//! What the pages share: forms as they were typed, names, crumbs, the tabs of a campaign.

use axum::extract::{Multipart, State as Shared};
use axum::response::Response;
use desk::Waiting;
use kernel::words::Words;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use organization::finding;
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Form, Secrecy, Shell};

use crate::model::{Campaign, State, href};
use crate::service::Campaigns;
use crate::{PLAN, READ};

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

pub(crate) fn unit_of(text: &str) -> Result<UnitId> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) fn day(field: &str, text: &str) -> Result<Date> {
    let wrong = || Error::field(field, Msg::new("campaigns-day-unread"));
    kernel::parse_date(text.trim()).ok_or_else(wrong)
}

pub(crate) fn paragraphs(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// What was refused because of how things stand is told on the page that shows it.
pub(crate) fn told(error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::field("act", message),
        other => other,
    }
}

pub(crate) fn crumbs(shell: &Shell, of: Option<&Campaign>) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb {
        label: shell.t("campaigns-menu"),
        href: "/campaigns".into(),
    }];
    crumbs.extend(of.map(|c| Crumb {
        label: c.content.title.clone(),
        href: c.href(),
    }));
    crumbs
}

/// The pages of a campaign.
pub(crate) fn tabs(shell: &Shell, id: Id, current: &str) -> Vec<Value> {
    let at = href(id);
    let tab = |code: &str| {
        let path = if code.is_empty() {
            at.clone()
        } else {
            format!("{at}/{code}")
        };
        let word = if code.is_empty() { "overview" } else { code };
        json!({ "label": shell.t(&format!("campaigns-tab-{word}")), "href": path, "current": code == current })
    };
    [
        "",
        "cockpit",
        "units",
        "plans",
        "checklist",
        "scores",
        "problems",
        "summary",
    ]
    .map(tab)
    .to_vec()
}

pub(crate) fn tag(shell: &Shell, state: State) -> Tag {
    Tag {
        text: shell.t(&format!("campaigns-state-{}", state.code())),
        tone: match state {
            State::Planned => Tone::Warn,
            State::Running | State::Closing => Tone::Brand,
            State::Closed => Tone::Ok,
            State::CalledOff => Tone::Plain,
        },
        icon: (state == State::Closed).then_some("check"),
    }
}

/// A form in parts, looked through for words of secrecy; what is asked first is the answer of the page.
pub(crate) async fn taken(
    s: &Campaigns,
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

/// Where those may be who are named: where one plans or looks.
pub(crate) fn named_in(access: &Access) -> Scope {
    let held = |permission: &str| access.principal.scope(permission).cloned();
    let scopes = [PLAN, READ, organization::READ]
        .into_iter()
        .filter_map(held);
    scopes.fold(Scope::nothing(), |own, scope| match (own, scope) {
        (Scope::All, _) | (_, Scope::All) => Scope::All,
        (Scope::Under(a), Scope::Under(b)) => Scope::Under([a, b].concat()),
    })
}

impl Campaigns {
    /// One person by staff number, within a scope; empty: nobody.
    pub(crate) async fn person(
        &self,
        field: &str,
        text: &str,
        scope: &Scope,
    ) -> Result<Option<PersonId>> {
        let no = text.trim();
        if no.is_empty() {
            return Ok(None);
        }
        let today = self.env.today();
        let unknown = || Error::field(field, Msg::new("campaigns-person-unknown").with("no", no));
        let person = finding::serving(&mut self.db.read().await?, no, today).await?;
        let person = person.ok_or_else(unknown)?;
        let home = self.organization.unit_of(person, today).await?;
        match self
            .organization
            .reaches(scope, home.ok_or_else(unknown)?)
            .await?
        {
            true => Ok(Some(person)),
            false => Err(unknown()),
        }
    }
}

type Query = axum::extract::Query<Vec<(String, String)>>;

/// The units that a field offers while one types.
pub(crate) async fn unit_options(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

/// The people that a field offers while one types.
pub(crate) async fn people_options(
    Shared(s): Shared<Campaigns>,
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

/// The bodies that a field offers while one types.
pub(crate) async fn body_options(
    Shared(s): Shared<Campaigns>,
    shell: Shell,
    access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let words = Words::new(&typed).list;
    let fits = |name: &str| {
        !words.is_empty()
            && words
                .iter()
                .all(|w| name.to_lowercase().contains(w.as_str()))
    };
    let all = s.organization.bodies(&named_in(&access)).await?;
    let found = all.into_iter().filter(|b| fits(&b.name)).take(20);
    let list: Vec<[String; 2]> = found.map(|b| [b.id.to_string(), b.name]).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}
