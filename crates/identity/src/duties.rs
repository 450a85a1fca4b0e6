//! Separation of administrators (三员分立), and who may grant what to whom.

use db::{Tx, transaction};
use kernel::{AccountId, Error, FieldError, Id, Msg, Result, Scope};
use serde_json::json;

use crate::service::{permissions_of, record};
use crate::{Actor, Duty, GRANT, Identity, NewGrant, Roles, store};

impl Identity {
    /// Writes the roles of the packs into the database and sees that no account holds two duties; at every
    /// start. An account that does, because a pack gave its roles duties later, keeps the first: the others
    /// are taken back, and the audit trail says so.
    pub async fn sync_roles(&self, roles: &Roles) -> Result<()> {
        let today = self.env.today();
        let (emptied, conflicts) = transaction!(self.db, |tx| {
            let emptied = store::put_roles(tx, roles.iter()).await?;
            store::held::put_offices(tx, roles.iter()).await?;
            let mut conflicts = 0;
            for held in store::duties::held(tx, today).await? {
                if self.take_duty(tx, held.account, held.duty).await? {
                    continue;
                }
                conflicts += 1;
                store::revoke(tx, held.grant, None, self.env.now()).await?;
                let detail = json!({ "grant": held.grant, "role": held.role });
                let object = ("account", held.account);
                let entry = Actor::default().audit("duty.conflict", object, detail);
                record(tx, &self.env, &entry).await?;
            }
            Ok((emptied, conflicts))
        })?;
        if emptied > 0 {
            tracing::warn!(
                emptied,
                "roles that no pack brings any more let nobody do anything"
            );
        }
        if conflicts > 0 {
            tracing::warn!(conflicts, "second duties of accounts were taken back");
        }
        Ok(())
    }

    /// Takes a duty for an account; gives whether it holds that one and no other.
    pub(crate) async fn take_duty(
        &self,
        tx: &mut Tx,
        account: AccountId,
        duty: Duty,
    ) -> Result<bool> {
        store::duties::release(tx, account, self.env.today()).await?;
        Ok(store::duties::take(tx, account, duty, self.env.now()).await? == duty.code())
    }

    /// Refuses a grant that is no grant, and one that the actor may not make: whoever is not security
    /// administrator gives only what they hold themselves on that subtree, and no duty.
    pub(crate) async fn check_grant(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        new: &NewGrant,
        scope: &Scope,
    ) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, key| {
            errors.push(FieldError {
                field: field.to_owned(),
                message: Msg::new(key),
            });
        };
        let role = store::duties::role(tx, &new.role).await?;
        match &role {
            None => wrong("role", "identity-role-unknown"),
            Some((_, _, true)) if new.to.is_none() => wrong("to", "identity-grant-needs-end"),
            Some(_) => {}
        }
        if !store::reaches(tx, scope, new.unit).await? {
            wrong("unit", "identity-unit-unknown");
        } else if let (Some((permissions, duty, _)), Some(by)) = (role, actor.account)
            && !self.may_give(tx, by, new, &permissions, duty).await?
        {
            wrong("role", "identity-grant-beyond");
        }
        if new.to.is_some_and(|to| to < new.from) {
            wrong("to", "identity-grant-ends-before");
        }
        Error::if_any(errors)
    }

    async fn may_give(
        &self,
        tx: &mut Tx,
        by: AccountId,
        new: &NewGrant,
        permissions: &str,
        duty: Option<String>,
    ) -> Result<bool> {
        let mut own = Vec::new();
        let mut security = false;
        for (held, duty) in store::duties::power(tx, by, new.unit, self.env.today()).await? {
            own.extend(permissions_of(&held)?);
            security |= duty.as_deref() == Some(Duty::Security.code());
        }
        let has = |permission: &String| own.contains(permission);
        let all = permissions_of(permissions)?.iter().all(has);
        Ok(has(&GRANT.to_owned()) && (security || (duty.is_none() && all)))
    }

    /// Refuses to lay hands on somebody above oneself: who granted one's own roles, directly or through
    /// others; who holds a role, or belongs, above everything that one administers.
    pub(crate) async fn not_above(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: AccountId,
        scope: &Scope,
    ) -> Result<()> {
        let today = self.env.today();
        let granter = match actor.account {
            Some(by) => store::duties::granted_by(tx, by, account, today).await?,
            None => false,
        };
        if granter || store::duties::stands_above(tx, account, scope, today).await? {
            return Err(Error::Conflict(Msg::new("identity-above")));
        }
        Ok(())
    }

    /// Refuses to lay hands on an account with a duty, unless one is security administrator: whoever resets
    /// an auditor's password could be the auditor.
    pub(crate) async fn not_a_duty(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: AccountId,
    ) -> Result<()> {
        let Some(by) = actor.account else {
            return Ok(());
        };
        store::duties::release(tx, account, self.env.today()).await?;
        let theirs = store::duties::of(tx, account).await?;
        if theirs.is_some() {
            let mine = store::duties::of(tx, by).await?;
            if mine.as_deref() != Some(Duty::Security.code()) {
                return Err(Error::Conflict(Msg::new("identity-duty-hands")));
            }
        }
        Ok(())
    }

    /// Writes a grant and takes its duty.
    pub(crate) async fn add_grant(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        account: AccountId,
        new: &NewGrant,
    ) -> Result<Id> {
        let duty = store::duties::role(tx, &new.role).await?;
        let duty = duty.and_then(|(_, duty, _)| duty);
        if let Some(duty) = duty.as_deref().and_then(Duty::from_code)
            && !self.take_duty(tx, account, duty).await?
        {
            let message = Msg::new("identity-duty-taken");
            return Err(Error::field("role", message));
        }
        let id: Id = self.env.new_id();
        store::add_grant(tx, id, account, new, actor.account, self.env.now()).await?;
        let detail = json!({
            "grant": id, "role": new.role, "unit": new.unit,
            "from": new.from.to_string(), "to": new.to.map(|d| d.to_string()),
        });
        let entry = actor.audit("role.granted", ("account", account), detail);
        record(tx, &self.env, &entry).await?;
        Ok(id)
    }
}
