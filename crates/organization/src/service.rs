//! What other crates ask of the organization.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use db::{Db, Tx, args};
use kernel::words::{Words, fold};
use kernel::{Date, Env, Error, FieldError, Msg, PersonId, Result, Scope, UnitId};

use crate::history::History;
use crate::model::{RosterEntry, Unit, initials};
use crate::roll::Roll;
use crate::store::{self, RosterQuery};
use crate::trail::{Traces, Trail};

/// What units were on any day, as of a number of changes.
type Known = (i64, Arc<History>);

/// Units and people; cheap to clone.
#[derive(Clone)]
pub struct Organization {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) history: Arc<RwLock<Option<Known>>>,
    pub(crate) roll: Arc<Mutex<Option<Arc<Roll>>>>,
    pub(crate) trail: Option<Arc<dyn Trail>>,
    pub(crate) traces: Option<Arc<dyn Traces>>,
    /// Where identity numbers are kept sealed.
    pub(crate) vault: Option<crypt::Vault>,
    /// Where changes are asked for by those who may not make them.
    pub(crate) approvals: Option<approvals::Approvals>,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Units by name or code.
    pub units: Vec<Unit>,
    /// People by name, pinyin initials or staff number.
    pub people: Vec<RosterEntry>,
}

impl Organization {
    /// The organization in a database.
    pub fn new(db: Db, env: Env) -> Self {
        Self {
            db,
            env,
            history: Arc::default(),
            roll: Arc::default(),
            trail: None,
            traces: None,
            vault: None,
            approvals: None,
        }
    }

    /// The same, whose pages let people ask for changes.
    pub fn with_approvals(mut self, approvals: approvals::Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// A unit; outside the scope it does not exist.
    pub async fn unit(&self, id: UnitId, scope: &Scope) -> Result<Unit> {
        let mut tx = self.db.read().await?;
        let found = store::units(&mut tx, scope, "u.id = $1", args![id]).await?;
        found.into_iter().next().ok_or(Error::NotFound)
    }

    /// Those of these units that are in a scope.
    pub async fn units_by_id(&self, ids: &[UnitId], scope: &Scope) -> Result<Vec<Unit>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = db::Args::new();
        let list = args.list(ids.iter().copied());
        let mut tx = self.db.read().await?;
        store::units(&mut tx, scope, &format!("u.id IN ({list})"), args).await
    }

    /// The names of those of these units that are in a scope.
    pub async fn names_in(&self, ids: &[UnitId], scope: &Scope) -> Result<HashMap<UnitId, String>> {
        let found = self.units_by_id(ids, scope).await?;
        Ok(found.into_iter().map(|u| (u.id, u.name)).collect())
    }

    /// A unit by its code; outside the scope it does not exist.
    pub async fn unit_by_code(&self, code: &str, scope: &Scope) -> Result<Unit> {
        let mut tx = self.db.read().await?;
        let found = store::units(&mut tx, scope, "u.code = $1", args![code]).await?;
        found.into_iter().next().ok_or(Error::NotFound)
    }

    /// The unit whose code was typed into a field of a form.
    ///
    /// # Errors
    /// `Invalid` for the field when it is empty or names no unit in the scope.
    pub(crate) async fn unit_typed(
        &self,
        field: &str,
        code: &str,
        scope: &Scope,
    ) -> Result<UnitId> {
        let code = code.trim();
        match self.unit_by_code(code, scope).await {
            Ok(unit) => Ok(unit.id),
            Err(Error::NotFound) if code.is_empty() => {
                Err(Error::field(field, Msg::new("organization-empty")))
            }
            Err(Error::NotFound) => {
                let message = Msg::new("organization-code-unknown").with("code", code);
                Err(Error::field(field, message))
            }
            Err(other) => Err(other),
        }
    }

    /// The units directly below one.
    pub async fn children(&self, parent: UnitId, scope: &Scope) -> Result<Vec<Unit>> {
        let mut tx = self.db.read().await?;
        store::units(&mut tx, scope, "u.parent = $1", args![parent]).await
    }

    /// The units from the top down to this one, itself included.
    pub async fn ancestors(&self, unit: UnitId) -> Result<Vec<UnitId>> {
        let mut paths = self.paths(&[unit]).await?;
        paths.remove(&unit).ok_or(Error::NotFound)
    }

    /// The same for several units in one query.
    pub async fn paths(&self, units: &[UnitId]) -> Result<HashMap<UnitId, Vec<UnitId>>> {
        store::paths(&mut self.db.read().await?, units).await
    }

    /// Whether a scope reaches a unit.
    pub async fn reaches(&self, scope: &Scope, unit: UnitId) -> Result<bool> {
        match self.unit(unit, scope).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Who belongs to a unit on a day (应到), by unit and staff number: its own people, or those of
    /// the units below it too. People of units outside the scope are left out.
    pub async fn roster(
        &self,
        unit: UnitId,
        date: Date,
        include_subtree: bool,
        scope: &Scope,
    ) -> Result<Vec<RosterEntry>> {
        let query = RosterQuery::new(unit, date, include_subtree);
        store::roster(&mut self.db.read().await?, &query, scope, None).await
    }

    /// The unit a person is counted in on a day.
    pub async fn unit_of(&self, person: PersonId, date: Date) -> Result<Option<UnitId>> {
        Ok(self.units_of(&[person], date).await?.remove(&person))
    }

    /// The units people are counted in on a day; who is nowhere is left out.
    pub async fn units_of(
        &self,
        people: &[PersonId],
        date: Date,
    ) -> Result<HashMap<PersonId, UnitId>> {
        store::units_of(&mut self.db.read().await?, people, date).await
    }

    /// The units people are counted in, each on a day of its own, in the transaction that writes; who is
    /// nowhere is left out.
    pub async fn units_on(
        tx: &mut Tx,
        wanted: &[(PersonId, Date)],
    ) -> Result<HashMap<(PersonId, Date), UnitId>> {
        store::units_on(tx, wanted).await
    }

    /// How many people a unit and the units below it have on a day.
    pub async fn headcount(&self, unit: UnitId, date: Date) -> Result<i64> {
        let counts = self.headcounts(&[unit], date).await?;
        Ok(counts.get(&unit).copied().unwrap_or(0))
    }

    /// Names of units, for rows that a scope already let through.
    pub async fn names(&self, units: &[UnitId]) -> Result<HashMap<UnitId, String>> {
        store::unit_names(&mut self.db.read().await?, units).await
    }

    /// Names of people, for rows that a scope already let through.
    pub async fn person_names(&self, people: &[PersonId]) -> Result<HashMap<PersonId, String>> {
        store::person_names(&mut self.db.read().await?, people).await
    }

    /// Units and people (as of today) by part of a name, code, staff number or pinyin initials.
    pub async fn search(&self, text: &str, scope: &Scope, limit: u32) -> Result<Found> {
        let words = Words::new(text).list;
        Ok(Found {
            units: self.units_named(&words, scope, limit as usize).await?,
            people: self.people_named(&words, scope, limit as usize).await?,
        })
    }

    /// Units of which each word is part of the name, code, credit code or pinyin initials. There are thousands at most, so
    /// their initials are made while looking.
    pub async fn units_named(
        &self,
        words: &[String],
        scope: &Scope,
        most: usize,
    ) -> Result<Vec<Unit>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let mut all = self.units(scope).await?;
        all.retain(|u| {
            let texts = [
                fold(&u.name),
                fold(&u.code),
                initials(&u.name),
                fold(&u.credit_code),
            ];
            words
                .iter()
                .all(|w| texts.iter().any(|t| t.contains(w.as_str())))
        });
        all.truncate(most);
        Ok(all)
    }

    /// People as of today of whom each word is part of the name, staff number or pinyin initials; with several
    /// words one may be of their unit's name.
    pub async fn people_named(
        &self,
        words: &[String],
        scope: &Scope,
        most: usize,
    ) -> Result<Vec<RosterEntry>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        store::search_people(&mut tx, words, today, scope, most as i64).await
    }
}

/// Trimmed text that is there, not too long and without control characters.
pub(crate) fn checked(
    field: &str,
    text: &str,
    longest: usize,
    errors: &mut Vec<FieldError>,
) -> String {
    let text = text.trim();
    let message = if text.is_empty() {
        Some(Msg::new("organization-empty"))
    } else {
        check_text(text, longest)
    };
    errors.extend(message.map(|message| FieldError {
        field: field.to_owned(),
        message,
    }));
    text.to_owned()
}

/// What is wrong with the length or the characters of a text.
pub(crate) fn check_text(text: &str, longest: usize) -> Option<Msg> {
    if text.chars().count() > longest {
        return Some(Msg::new("organization-too-long").with("longest", longest));
    }
    let odd = text.chars().any(char::is_control);
    odd.then(|| Msg::new("organization-characters"))
}
