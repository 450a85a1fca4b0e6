//! Delegation (委托代办): an account lets another act in its place, with some of its permissions on one of its
//! units, from a day until a day. Nothing is copied: at every request it reaches what the giver holds at that moment.
//! Whoever acts in another's place says so first, so that every act belongs to one of the two powers; the audit
//! trail names both.

use db::{Tx, transaction};
use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId,
};
use serde_json::json;
use web::table::{Order, Window};

use crate::service::{hash_of, permissions_of, record};
use crate::store::delegations::Which;
use crate::{Actor, Identity, store};

/// Longest reason.
pub(crate) const LONGEST_REASON: usize = 200;
/// Delegations shown at once.
const MOST: i64 = 500;
/// The newest first.
pub(crate) const NEWEST: Order = Order {
    by: "made",
    down: true,
};

/// Which delegations are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DelegationFilter {
    /// Part of the name or login of giver or taker; empty: any.
    pub text: String,
    /// Those too that are over or were ended.
    pub over_too: bool,
}

/// A delegation to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelegation {
    /// Login name or staff number of whoever will act.
    pub taker: String,
    /// On this unit and those below it …
    pub unit: UnitId,
    /// … these permissions;
    pub permissions: Vec<String>,
    /// and approvals are decided too.
    pub decides: bool,
    /// Why.
    pub reason: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// A delegation (委托).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Id.
    pub id: Id,
    /// Who gave it.
    pub giver: AccountId,
    /// Their name.
    pub giver_name: String,
    /// Who acts.
    pub taker: AccountId,
    /// Their name.
    pub taker_name: String,
    /// On this unit and those below it.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// What was chosen; no more than the giver holds reaches through.
    pub permissions: Vec<String>,
    /// Approvals are decided too.
    pub decides: bool,
    /// Why.
    pub reason: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

impl Delegation {
    /// Whether it stands on a day.
    pub fn holds(&self, day: Date) -> bool {
        self.ended_at.is_none() && self.from <= day && day <= self.to
    }
}

/// Whether a permission may be handed on: nothing that makes accounts, roles or other power, and nothing of the
/// auditor.
pub(crate) fn may_be_lent(permission: &str) -> bool {
    let kept = [
        crate::GRANT,
        crate::MANAGE,
        crate::RESET,
        crate::CLIENT,
        crate::SCIM,
        crate::AUDIT,
    ];
    !kept.contains(&permission)
}

impl Identity {
    /// What an account can hand on today, with the units it holds each on: nothing of a duty, nothing that was
    /// lent to it.
    pub async fn lendable(&self, account: AccountId) -> Result<Vec<(String, Vec<UnitId>)>> {
        lendable(&mut self.db.read().await?, account, self.env.today()).await
    }

    /// Lets another account act in the actor's place.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub async fn delegate(&self, actor: &Actor, new: &NewDelegation) -> Result<Id> {
        let giver = actor.account.ok_or(Error::Unauthenticated)?;
        let (today, id) = (self.env.today(), self.env.new_id());
        let most = self.settings.delegation_days;
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let days = new
            .from
            .until(new.to)
            .map_or(i64::MAX, |s| i64::from(s.get_days()) + 1);
        if new.to < new.from || new.to < today {
            wrong("to", Msg::new("identity-delegation-over"));
        } else if days > most {
            wrong(
                "to",
                Msg::new("identity-delegation-long").with("most", most),
            );
        }
        let reason = new.reason.trim();
        if reason.is_empty()
            || reason.chars().count() > LONGEST_REASON
            || reason.contains(char::is_control)
        {
            let message = Msg::new("identity-delegation-reason-wrong");
            wrong("reason", message.with("longest", LONGEST_REASON));
        }
        if new.permissions.is_empty() && !new.decides {
            wrong("permissions", Msg::new("identity-delegation-nothing"));
        }
        Error::if_any(errors)?;
        transaction!(self.db, |tx| {
            let taker = store::delegations::taker(tx, new.taker.trim()).await?;
            let taker = match taker {
                Some(taker) if taker != giver => taker,
                Some(_) => {
                    return Err(Error::field(
                        "taker",
                        Msg::new("identity-delegation-oneself"),
                    ));
                }
                None => return Err(Error::field("taker", Msg::new("identity-delegation-taker"))),
            };
            let held = lendable(tx, giver, today).await?;
            if held.is_empty() {
                return Err(Error::field(
                    "permissions",
                    Msg::new("identity-delegation-none"),
                ));
            }
            let everywhere: Vec<UnitId> =
                held.iter().flat_map(|(_, units)| units.clone()).collect();
            if !store::reaches(tx, &Scope::Under(everywhere), new.unit).await? {
                return Err(Error::field("unit", Msg::new("identity-unit-unknown")));
            }
            for permission in &new.permissions {
                let own = held.iter().find(|(name, _)| name == permission);
                let own = Scope::Under(own.map_or_else(Vec::new, |(_, units)| units.clone()));
                if !store::reaches(tx, &own, new.unit).await? {
                    let message =
                        Msg::new("identity-delegation-beyond").with("permission", permission);
                    return Err(Error::field("permissions", message));
                }
            }
            if new.decides && store::duties::of(tx, giver).await?.is_some() {
                return Err(Error::field(
                    "permissions",
                    Msg::new("identity-delegation-duty"),
                ));
            }
            store::delegations::add(tx, id, giver, taker, new, self.env.now()).await?;
            let detail = json!({
                "delegation": id, "unit": new.unit, "permissions": new.permissions, "decides": new.decides,
                "from": new.from.to_string(), "to": new.to.to_string(), "reason": reason,
            });
            let entry = actor.audit("delegation.made", ("account", taker), detail);
            record(tx, &self.env, &entry).await
        })?;
        Ok(id)
    }

    /// What an account gave and received, the newest first.
    pub async fn delegations_of(&self, account: AccountId) -> Result<Vec<Delegation>> {
        list(&mut self.db.read().await?, &Which::Of(account), &Scope::All).await
    }

    /// A page of the delegations of a scope, and how many there are in all.
    pub async fn delegations(
        &self,
        filter: &DelegationFilter,
        scope: &Scope,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Delegation>, i64)> {
        let which = Which::Asked(filter, self.env.today());
        let mut tx = self.db.read().await?;
        let total = store::delegations::count(&mut tx, &which, scope).await?;
        let part = (order, window.size, window.offset(total));
        let found = store::delegations::list(&mut tx, &which, scope, part).await?;
        Ok((full(found)?, total))
    }

    /// Ends one that the actor gave or received, at once.
    pub async fn end_own_delegation(&self, actor: &Actor, id: Id) -> Result<()> {
        let me = actor.account.ok_or(Error::Unauthenticated)?;
        self.end(actor, &[id], &Scope::All, Some(me)).await
    }

    /// Ends some of a scope, at once, all of them or none: for those who grant roles.
    pub async fn end_delegations(&self, actor: &Actor, ids: &[Id], scope: &Scope) -> Result<()> {
        self.end(actor, ids, scope, None).await
    }

    async fn end(
        &self,
        actor: &Actor,
        ids: &[Id],
        scope: &Scope,
        of: Option<AccountId>,
    ) -> Result<()> {
        transaction!(self.db, |tx| {
            for id in ids {
                let found = list(tx, &Which::One(*id), scope).await?.pop();
                let theirs = |d: &Delegation| of.is_none_or(|me| d.giver == me || d.taker == me);
                let found = found.filter(theirs).ok_or(Error::NotFound)?;
                if store::delegations::end(tx, *id, actor.account, self.env.now()).await? {
                    let detail =
                        json!({ "delegation": id, "giver": found.giver, "unit": found.unit });
                    let entry = actor.audit("delegation.ended", ("account", found.taker), detail);
                    record(tx, &self.env, &entry).await?;
                }
            }
            Ok(())
        })
    }

    /// Lets the session of a token act under a delegation from now on, or for itself again.
    ///
    /// # Errors
    /// `NotFound` when it is not the actor's; `Conflict` when it does not stand today.
    pub async fn act_for(&self, actor: &Actor, token: &str, id: Option<Id>) -> Result<()> {
        let me = actor.account.ok_or(Error::Unauthenticated)?;
        let today = self.env.today();
        transaction!(self.db, |tx| {
            let (action, of) = match id {
                Some(id) => {
                    let found = list(tx, &Which::One(id), &Scope::All).await?.pop();
                    let found = found.filter(|d| d.taker == me).ok_or(Error::NotFound)?;
                    if !store::delegations::standing(tx, &[id], today)
                        .await?
                        .contains_key(&id)
                    {
                        return Err(Error::Conflict(Msg::new("identity-delegation-not-now")));
                    }
                    ("delegation.began", Some(found.giver))
                }
                None => ("delegation.left", None),
            };
            if !store::delegations::set_acting(tx, &hash_of(token), id).await? {
                return Err(Error::Unauthenticated);
            }
            let detail = json!({ "delegation": id, "giver": of });
            let entry = actor.audit(action, ("account", me), detail);
            record(tx, &self.env, &entry).await
        })
    }

    /// The people in whose place a person decides approvals on a day.
    pub async fn deciding_for(tx: &mut Tx, me: PersonId, today: Date) -> Result<Vec<PersonId>> {
        store::delegations::deciding_for(tx, me, today).await
    }
}

async fn list(tx: &mut Tx, which: &Which<'_>, scope: &Scope) -> Result<Vec<Delegation>> {
    let part = (NEWEST, MOST, 0);
    full(store::delegations::list(tx, which, scope, part).await?)
}

fn full(found: Vec<(Delegation, String)>) -> Result<Vec<Delegation>> {
    let full = |(mut d, permissions): (Delegation, String)| {
        d.permissions = permissions_of(&permissions)?;
        Ok(d)
    };
    found.into_iter().map(full).collect()
}

async fn lendable(
    tx: &mut Tx,
    account: AccountId,
    today: Date,
) -> Result<Vec<(String, Vec<UnitId>)>> {
    let mut all = std::collections::BTreeMap::<String, Vec<UnitId>>::new();
    for (permissions, unit) in store::delegations::own(tx, account, today).await? {
        for permission in permissions_of(&permissions)?
            .into_iter()
            .filter(|p| may_be_lent(p))
        {
            let units = all.entry(permission).or_default();
            if !units.contains(&unit) {
                units.push(unit);
            }
        }
    }
    Ok(all.into_iter().collect())
}
