//! The form by which something is asked for.

use axum::Form as Body;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, PersonId, Result, Scope, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::view::Crumb;
use web::{Access, Failure, Form, Shell};

use crate::model::{Ask, Due};
use crate::service::{Eyes, LONGEST, Requests, TITLE};

/// People that a field offers while one types.
const OFFERED: usize = 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    id: String,
    kind: String,
    title: String,
    detail: String,
    from: String,
    unit: String,
    person: String,
    due: String,
    days: String,
    working: String,
}

/// Where those may be who are named in a form: where one asks, and where one may look.
pub fn reach(access: &Access, own: &Scope) -> Scope {
    let read = access.principal.scope(organization::READ);
    read.map_or_else(|| own.clone(), |read| own.clone().or(read))
}

pub(crate) fn crumbs(shell: &Shell) -> Vec<Crumb> {
    vec![Crumb {
        label: shell.t("requests-menu"),
        href: "/requests".into(),
    }]
}

async fn context(
    s: &Requests,
    shell: &Shell,
    access: &Access,
    mut form: Form,
) -> Result<serde_json::Value> {
    let lang = shell.lang().code();
    let kinds = s.kinds.iter();
    let kinds: Vec<(&str, &str)> = kinds.map(|k| (k.code.as_str(), k.name.get(lang))).collect();
    let mut from = Vec::new();
    // One who asks for one unit need not choose it; many are picked by typing.
    let units = s.organization.units(&access.scope).await?;
    let today = s.env.today();
    for unit in units.iter().filter(|u| u.stands(today)).take(200) {
        from.push((unit.code.clone(), unit.name.clone()));
    }
    if !form.values.contains_key("id") {
        let first = s.kinds.iter().next();
        form = form.with("id", s.env.new_id::<Id>());
        if let Some(kind) = first {
            form = form.with("days", kind.days);
            form = form.with("working", if kind.working { "on" } else { "" });
        }
    }
    Ok(json!({
        "form": form, "kinds": kinds, "from": from, "most": LONGEST, "title_most": TITLE, "crumbs": crumbs(shell),
        "many": units.len() > 200,
    }))
}

pub(crate) async fn form(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
) -> Result<Response, Failure> {
    let context = context(&s, &shell, &access, Form::default()).await?;
    shell.page("requests/form.html", context)
}

impl Requests {
    /// The unit and the person that are named, by code and staff number, within a scope.
    ///
    /// # Errors
    /// `Invalid` for `unit` and `person`.
    pub async fn named(
        &self,
        unit: &str,
        staff_no: &str,
        scope: &Scope,
    ) -> Result<(Option<UnitId>, Option<PersonId>)> {
        let unit = match unit.trim() {
            "" => None,
            text => Some(self.organization.unit_picked("unit", text, scope).await?.id),
        };
        let picked = self.organization.person_picked("person", staff_no, scope);
        Ok((unit, picked.await?))
    }
}

async fn asked(s: &Requests, access: &Access, typed: &Typed) -> Result<Ask> {
    let from = s
        .organization
        .unit_picked("from", &typed.from, &access.scope)
        .await?;
    let scope = reach(access, &access.scope);
    let (unit, person) = s.named(&typed.unit, &typed.person, &scope).await?;
    let wrong = || Error::field("due", Msg::new("requests-due-wrong"));
    let due = match (typed.due.trim(), typed.days.trim()) {
        ("", days) => Due::In {
            days: days.parse().map_err(|_| wrong())?,
            working: typed.working == "on",
        },
        (day, _) => Due::On(kernel::parse_date(day).ok_or_else(wrong)?),
    };
    Ok(Ask {
        id: typed.id.parse().map_err(|_| Error::NotFound)?,
        kind: typed.kind.clone(),
        title: typed.title.clone(),
        detail: typed.detail.clone(),
        unit,
        person,
        due,
        source: None,
        from: from.id,
    })
}

pub(crate) async fn keep(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    actor: Actor,
    Body(typed): Body<Typed>,
) -> Result<Response, Failure> {
    let done = match asked(&s, &access, &typed).await {
        Ok(ask) => s.ask_now(&ask, &Eyes::from(&access), &actor).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(id) => shell.done(&format!("/requests/{id}"), "requests-done-asked"),
        Err(error) => {
            let form = Form::of(&typed).reject(&shell, error)?;
            let context = context(&s, &shell, &access, form).await?;
            shell.refused("requests/form.html", context)
        }
    }
}

pub(crate) async fn unit_options(
    Shared(s): Shared<Requests>,
    shell: Shell,
    mut access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    access.scope = reach(&access, &access.scope);
    organization::unit_options(&s.organization, &shell, &access, pairs).await
}

pub(crate) async fn people_options(
    Shared(s): Shared<Requests>,
    shell: Shell,
    access: Access,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let typed = pairs.into_iter().next().map_or_else(String::new, |p| p.1);
    let (words, scope) = (Words::new(&typed).list, reach(&access, &access.scope));
    let found = s.organization.people_named(&words, &scope, OFFERED).await?;
    let list: Vec<[String; 2]> = found
        .into_iter()
        .map(|p| [p.staff_no, format!("{} · {}", p.name, p.unit_name)])
        .collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}
