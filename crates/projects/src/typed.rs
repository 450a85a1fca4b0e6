//! What the pages share: forms as they were typed, names, crumbs, tags.

use axum::extract::State as Shared;
use axum::response::Response;
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Shell};

use crate::finding::Standing;
use crate::kind::ProjectKind;
use crate::model::{Project, State, href};
use crate::service::Projects;
use crate::{READ, WRITE};

pub(crate) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

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

/// Where those may be who are named: where one writes or looks.
pub(crate) fn named_in(access: &Access) -> Scope {
    access.principal.reach(&[WRITE, READ, organization::READ])
}

impl Projects {
    /// One person by staff number, within a scope.
    pub(crate) async fn person(&self, field: &str, text: &str, scope: &Scope) -> Result<PersonId> {
        let missing = || Error::field(field, Msg::new("projects-person-missing"));
        let picked = self.organization.person_picked(field, text, scope).await?;
        picked.ok_or_else(missing)
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
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::people_options(&s.organization, &shell, &access, pairs).await
}
