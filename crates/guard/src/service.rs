//! Asking whether something is on; proposing, confirming, taking back.

use std::collections::HashSet;

use db::Db;
use identity::Actor;
use kernel::{AccountId, Date, Env, Error, Id, Msg, Result, Scope, UnitId};
use organization::Organization;
use serde_json::json;

use crate::model::{Basis, Case, Standing, Switch, check};
use crate::store;

/// The guard; cheap to clone.
#[derive(Clone)]
pub struct Guard {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) organization: Organization,
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Made when the form was opened: sent twice, it is proposed once.
    pub id: Id,
    /// Which switch.
    pub switch: Switch,
    /// The top of the units.
    pub unit: UnitId,
    /// What allows it.
    pub basis: Basis,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

impl Guard {
    /// The guard in a database.
    pub fn new(db: Db, env: Env, organization: Organization) -> Self {
        Self {
            db,
            env,
            organization,
        }
    }

    /// Whether a switch is on for a unit today: never, unless a confirmed case says so.
    pub async fn is_on(&self, switch: Switch, unit: UnitId) -> Result<bool> {
        Ok(!self.units_on(switch, &[unit]).await?.is_empty())
    }

    /// Those of some units for which a switch is on today.
    pub async fn units_on(&self, switch: Switch, units: &[UnitId]) -> Result<HashSet<UnitId>> {
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        let found = store::units_on(&mut tx, switch, units, today).await?;
        Ok(found.into_iter().collect())
    }

    /// All cases that are on today, everywhere: anybody who signed in may know.
    pub async fn on(&self) -> Result<Vec<Case>> {
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        store::on(&mut tx, today).await
    }

    /// All cases of units in a scope, the newest first.
    pub async fn cases(&self, scope: &Scope) -> Result<Vec<Case>> {
        store::cases(&mut self.db.read().await?, scope).await
    }

    /// Proposes that something is switched on; nothing is on yet.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope.
    pub async fn propose(&self, new: &New, scope: &Scope, actor: impl Into<Actor>) -> Result<Id> {
        let (actor, by) = who(actor)?;
        self.organization.unit(new.unit, scope).await?;
        let (from, to) = check(&new.basis, new.from, new.to, self.env.today())?;
        let trim = |text: &String| text.trim().to_owned();
        let case = Case {
            id: new.id,
            switch: new.switch,
            unit: new.unit,
            basis: Basis {
                document: trim(&new.basis.document),
                number: trim(&new.basis.number),
                article: trim(&new.basis.article),
                text: trim(&new.basis.text),
            },
            from,
            to,
            proposed: (by, self.env.now()),
            confirmed: None,
            ended: None,
            reason: String::new(),
            names: [None, None, None],
        };
        db::transaction!(self.db, |tx| {
            if store::insert(tx, &case).await? {
                self.trace(tx, &case, "guard.proposed", "", &actor).await?;
            }
            Ok(case.id)
        })
    }

    /// Confirms what somebody else proposed: from its first day on it is on.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for what one proposed oneself, for what is decided or over.
    pub async fn confirm(&self, id: Id, scope: &Scope, actor: impl Into<Actor>) -> Result<()> {
        let (actor, by) = who(actor)?;
        db::transaction!(self.db, |tx| {
            let case = store::case(tx, id, scope).await?;
            if [Some(by), actor.on_behalf].contains(&Some(case.proposed.0)) {
                return Err(Error::Conflict(Msg::new("guard-own")));
            }
            let waits = case.standing(self.env.today()) == Standing::Proposed;
            if !waits || !store::confirm(tx, id, by, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("guard-decided")));
            }
            self.trace(tx, &case, "guard.confirmed", "", &actor).await
        })
    }

    /// Declines what waits, or takes back at once what is on.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` for what is over.
    pub async fn end(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) || reason.contains(char::is_control) {
            return Err(Error::field("reason", Msg::new("guard-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            let case = store::case(tx, id, scope).await?;
            let action = match case.standing(self.env.today()) {
                Standing::Proposed => "guard.declined",
                Standing::On | Standing::Later => "guard.ended",
                _ => return Err(Error::Conflict(Msg::new("guard-decided"))),
            };
            if !store::end(tx, id, by, self.env.now(), reason).await? {
                return Err(Error::Conflict(Msg::new("guard-decided")));
            }
            self.trace(tx, &case, action, reason, &actor).await
        })
    }

    async fn trace(
        &self,
        tx: &mut db::Tx,
        c: &Case,
        action: &'static str,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        let (from, to) = (kernel::format_date(c.from), kernel::format_date(c.to));
        let detail = json!({ "switch": c.switch.code(), "unit": c.unit, "document": c.basis.document,
            "number": c.basis.number, "article": c.basis.article, "from": from, "to": to, "reason": reason });
        let entry = actor.audit(action, ("guard", c.id), detail);
        identity::record(tx, &self.env, &entry).await
    }
}

/// Who acts; the program itself switches nothing.
fn who(actor: impl Into<Actor>) -> Result<(Actor, AccountId)> {
    let actor = actor.into();
    let by = actor.account.ok_or(Error::Forbidden)?;
    Ok((actor, by))
}
