//! Units and people picked in the fields of other rooms (选择单位、人员): offered while one types, taken by code or staff number.

use axum::response::Response;
use kernel::words::Words;
use kernel::{Error, Msg, PersonId, Result, Scope, UnitId};
use serde_json::json;
use web::{Access, Failure, Shell};

use crate::finding;
use crate::model::{RosterEntry, Unit};
use crate::service::Organization;

/// Units or people that a field offers while one types.
pub(crate) const OFFERED: usize = 20;

/// What is typed into the field that asks, under whatever name.
pub(crate) fn typed(pairs: Vec<(String, String)>) -> String {
    let first = pairs.into_iter().next();
    first.map_or_else(String::new, |(_, value)| value)
}

/// The units that a field offers, code as value and name as label, within what the asking page may see.
///
/// # Errors
/// When they cannot be read or shown.
pub async fn unit_options(
    org: &Organization,
    shell: &Shell,
    access: &Access,
    pairs: Vec<(String, String)>,
) -> Result<Response, Failure> {
    let words = Words::new(&typed(pairs)).list;
    let found = org.units_named(&words, &access.scope, OFFERED).await?;
    let today = shell.env().today();
    let standing = found.into_iter().filter(|u| u.stands(today));
    let list: Vec<_> = standing.map(|u| [u.code, u.name]).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}

/// The people that a field offers, staff number as value and name as label. Several are named one after the other: the last
/// is being typed.
///
/// # Errors
/// When they cannot be read or shown.
pub async fn people_options(
    org: &Organization,
    shell: &Shell,
    access: &Access,
    pairs: Vec<(String, String)>,
) -> Result<Response, Failure> {
    let typed = typed(pairs);
    let last = typed.rsplit(['、', ',', '，']).next().unwrap_or_default();
    let words = Words::new(last).list;
    let found = org.people_named(&words, &access.scope, OFFERED).await?;
    let option = |p: RosterEntry| [p.staff_no, format!("{} · {}", p.name, p.unit_name)];
    let list: Vec<_> = found.into_iter().map(option).collect();
    shell.partial("organization/options.html", json!({ "options": list }))
}

impl Organization {
    /// The person in service that a field names by staff number; none when it is empty.
    ///
    /// # Errors
    /// `Invalid` for the field when nobody within the scope has that number.
    pub async fn person_picked(
        &self,
        field: &str,
        text: &str,
        scope: &Scope,
    ) -> Result<Option<PersonId>> {
        let (no, today) = (text.trim(), self.env.today());
        if no.is_empty() {
            return Ok(None);
        }
        let unknown = || Error::field(field, Msg::new("picked-person-unknown").with("no", no));
        let person = finding::serving(&mut self.db.read().await?, no, today).await?;
        let person = person.ok_or_else(unknown)?;
        let home = self.unit_of(person, today).await?.ok_or_else(unknown)?;
        match self.reaches(scope, home).await? {
            true => Ok(Some(person)),
            false => Err(unknown()),
        }
    }

    /// The unit that a field or a link names: by its code, as fields offer it, or by its id, as links have it.
    ///
    /// # Errors
    /// `Invalid` for the field when it is empty or names no unit in the scope; `NotFound` for an id out of scope.
    pub async fn unit_picked(&self, field: &str, text: &str, scope: &Scope) -> Result<Unit> {
        let id = match text.trim().parse::<UnitId>() {
            Ok(id) => id,
            Err(_) => self.unit_typed(field, text, scope).await?,
        };
        self.unit(id, scope).await
    }
}
