//! What the pages share: forms as they were typed, names, crumbs, the tabs of a campaign.

use axum::extract::State as Shared;
use axum::response::Response;
use kernel::words::Words;
use kernel::{Id, Result, Scope};
use serde_json::{Value, json};
use web::view::{Crumb, Tag, Tone};
use web::{Access, Failure, Shell};

use crate::model::{Campaign, State, href};
use crate::service::Campaigns;
use crate::{PLAN, READ};

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

/// Where those may be who are named: where one plans or looks.
pub(crate) fn named_in(access: &Access) -> Scope {
    access.principal.reach(&[PLAN, READ, organization::READ])
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
    mut access: Access,
    axum::extract::Query(pairs): Query,
) -> Result<Response, Failure> {
    access.scope = named_in(&access);
    organization::people_options(&s.organization, &shell, &access, pairs).await
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
