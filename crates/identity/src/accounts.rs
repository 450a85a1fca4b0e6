//! Accounts and what they may do. Whoever manages accounts reaches those in their scope; an account
//! that also holds a role elsewhere can be seen, but not taken over.

use std::collections::BTreeMap;

use db::{Tx, transaction};
use kernel::{AccountId, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp};
use serde_json::json;
use web::table::{Order, Window};

use crate::ldap::Verdict;
use crate::service::{hash_of, record};
use crate::{
    Account, AccountFilter, Actor, AuditFilter, AuditRow, Door, Grant, Identity, NewAccount,
    NewGrant, NewPassword, OfficeRole, Opened, password, store,
};

/// Refuses login names that are hard to read out or to type: 2 to 64 small letters, digits and
/// `._-@`, a letter or digit first.
pub fn check_login(login: &str) -> Result<()> {
    let fine = (2..=64).contains(&login.len())
        && login.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && login
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b));
    if fine {
        return Ok(());
    }
    Err(Error::field("login", Msg::new("identity-login")))
}

fn fields(result: Result<()>, errors: &mut Vec<FieldError>) -> Result<()> {
    match result {
        Err(Error::Invalid(more)) => errors.extend(more),
        other => other?,
    }
    Ok(())
}

impl Identity {
    /// Opens an account with its first roles, all within the scope.
    pub async fn create_account(
        &self,
        actor: &Actor,
        new: &NewAccount,
        scope: &Scope,
    ) -> Result<Opened> {
        let login = new.login.trim().to_lowercase();
        let staff_no = match new.person {
            Some(person) => store::staff_no(&mut self.db.read().await?, person).await?,
            None => None,
        };
        let mut errors = Vec::new();
        fields(check_login(&login), &mut errors)?;
        if let NewPassword::Given(given) = &new.password {
            let names = [&*login, staff_no.as_deref().unwrap_or_default()];
            let checked = self.settings.check_password("password", given, &names);
            fields(checked, &mut errors)?;
        }
        Error::if_any(errors)?;
        let one_time =
            (new.password == NewPassword::OneTime).then(|| password::one_time(&self.env, &login));
        let plain = match &new.password {
            NewPassword::Given(given) => Some(given),
            _ => one_time.as_ref(),
        };
        let hash = match plain {
            Some(plain) => Some(self.hasher.hash(&self.env, plain).await?),
            None => None,
        };
        let now = self.env.now();
        let account = Account {
            id: self.env.new_id(),
            login,
            person: new.person,
            staff_no,
            name: None,
            password_changed_at: (hash.is_some() && one_time.is_none()).then_some(now),
            disabled_at: None,
            locked_until: None,
            created_at: now,
        };
        transaction!(self.db, |tx| {
            let mut errors = Vec::new();
            if store::login_taken(tx, &account.login).await? {
                let message = Msg::new("identity-login-taken").with("login", &account.login);
                fields(Err(Error::field("login", message)), &mut errors)?;
            }
            if let Some(person) = account.person
                && store::person_taken(tx, person).await?
            {
                let message = Msg::new("identity-person-taken");
                fields(Err(Error::field("person", message)), &mut errors)?;
            }
            for grant in &new.grants {
                fields(self.check_grant(tx, actor, grant, scope).await, &mut errors)?;
            }
            if let Some(unit) = new.unit
                && !store::reaches(tx, scope, unit).await?
            {
                let message = Msg::new("identity-unit-unknown");
                fields(Err(Error::field("unit", message)), &mut errors)?;
            }
            Error::if_any(errors)?;
            store::add_account(tx, &account, new.unit, hash.as_deref()).await?;
            if let (Some(hash), Some(at)) = (&hash, account.password_changed_at) {
                self.remember(tx, account.id, hash, at).await?;
            }
            let detail = json!({ "login": account.login, "person": account.person });
            let entry = actor.audit("account.opened", ("account", account.id), detail);
            record(tx, &self.env, &entry).await?;
            for grant in &new.grants {
                self.add_grant(tx, actor, account.id, grant).await?;
            }
            Ok(())
        })?;
        Ok(Opened {
            account: account.id,
            one_time,
        })
    }

    /// The person with a staff number who belongs to the scope today.
    pub async fn person_by_staff_no(&self, staff_no: &str, scope: &Scope) -> Result<PersonId> {
        let mut tx = self.db.read().await?;
        let today = self.env.today();
        let found = store::person_by_staff_no(&mut tx, staff_no.trim(), today, scope).await?;
        let message = || Msg::new("identity-person-unknown").with("number", staff_no.trim());
        found.ok_or_else(|| Error::field("person", message()))
    }

    /// An account by its login name: for the command line.
    pub async fn account_by_login(&self, login: &str) -> Result<Option<Account>> {
        let login = login.trim().to_lowercase();
        store::account_by_login(&mut self.db.read().await?, &login).await
    }

    /// A page of the accounts in a scope, with how many there are in all.
    pub async fn accounts(
        &self,
        scope: &Scope,
        filter: &AccountFilter,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Account>, i64)> {
        let (mut tx, when) = (self.db.read().await?, (self.env.today(), self.env.now()));
        store::accounts(&mut tx, scope, when, filter, order, window).await
    }

    /// An account; outside the scope it does not exist.
    pub async fn account(&self, id: AccountId, scope: &Scope) -> Result<Account> {
        self.seen(&mut self.db.read().await?, id, scope).await
    }

    /// What these accounts were granted within a scope, newest first.
    pub async fn grants(&self, accounts: &[AccountId], scope: &Scope) -> Result<Vec<Grant>> {
        store::grants(&mut self.db.read().await?, accounts, scope).await
    }

    /// The roles that these accounts hold today through their offices in bodies, within a scope.
    pub async fn office_roles(
        &self,
        accounts: &[AccountId],
        scope: &Scope,
    ) -> Result<Vec<OfficeRole>> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        store::held::by_office(&mut tx, accounts, scope, self.env.today()).await
    }

    async fn seen(&self, tx: &mut Tx, id: AccountId, scope: &Scope) -> Result<Account> {
        let found = store::one_account(tx, id, scope, self.env.today()).await?;
        found.ok_or(Error::NotFound)
    }

    /// An account that this actor may take in hand: not their own, nobody above them, nothing held outside,
    /// no duty.
    pub(crate) async fn managed(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: AccountId,
        scope: &Scope,
    ) -> Result<Account> {
        let account = self.seen(tx, id, scope).await?;
        not_oneself(actor, id)?;
        if store::held_outside(tx, id, scope, self.env.today()).await? {
            return Err(Error::Conflict(Msg::new("identity-held-outside")));
        }
        self.not_above(tx, actor, id, scope).await?;
        self.not_a_duty(tx, actor, id).await?;
        Ok(account)
    }

    /// Changes one's own password; every other session of the account ends.
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: &str,
        new: &str,
        token: &str,
    ) -> Result<()> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        let owner = self.account(account, &Scope::All).await?;
        if current == new {
            return Err(Error::field("new", Msg::new("identity-password-same")));
        }
        self.settings.check_password("new", new, &owner.names())?;
        self.knows_password(actor, &owner, current).await?;
        let now = self.env.now();
        let hash = self.chosen("new", new, &owner).await?;
        transaction!(self.db, |tx| {
            store::passwords::set(tx, account, &hash, Some(now)).await?;
            self.remember(tx, account, &hash, now).await?;
            store::end_sessions(tx, account, &hash_of(token)).await?;
            let entry = actor.audit("password.changed", ("account", account), json!({}));
            record(tx, &self.env, &entry).await
        })
    }

    /// Asks for the present password once more. Guesses at it count like guesses at sign-in; whoever knows it
    /// is not locked out for other mistakes.
    pub(crate) async fn knows_password(
        &self,
        actor: &Actor,
        owner: &Account,
        current: &str,
    ) -> Result<()> {
        let (settings, now) = (&self.settings, self.env.now());
        let lock_until = now.plus_seconds(settings.lock_seconds);
        let (account, login) = (owner.id, &owner.login);
        let known = transaction!(self.db, |tx| {
            let most = settings.most_failures;
            let here = self.ldap.is_none();
            if !store::count_attempt(tx, login, most, now, lock_until, here).await? {
                return Ok(None);
            }
            store::credentials(tx, login).await
        })?;
        let hash = known.as_ref().and_then(|k| k.password.as_deref());
        let right = match (&self.ldap, &known) {
            (Some(ldap), Some(_)) if ldap.asks(hash.is_some()) => {
                match ldap.check(login, current).await {
                    Verdict::Right => true,
                    Verdict::Wrong => false,
                    Verdict::Unknown | Verdict::Away => self.hasher.verify(current, hash).await?,
                }
            }
            _ => self.hasher.verify(current, hash).await?,
        };
        if !right {
            let detail = json!({ "reason": "password" });
            let entry = actor.audit("password.refused", ("account", account), detail);
            self.record_now(entry).await?;
            let message = Msg::new("identity-password-wrong")
                .with("most", settings.most_failures)
                .with("minutes", settings.lock_seconds / 60);
            return Err(Error::field("current", message));
        }
        transaction!(self.db, |tx| store::activation::forgive(tx, account).await)
    }

    /// The hash of a password that its owner chooses: strong enough, and none of the last ones.
    pub(crate) async fn chosen(&self, field: &str, new: &str, owner: &Account) -> Result<String> {
        self.settings.check_password(field, new, &owner.names())?;
        let most = self.settings.history;
        let last = store::passwords::last(&mut self.db.read().await?, owner.id, most).await?;
        for old in last {
            if self.hasher.verify(new, Some(&old)).await? {
                let message = Msg::new("identity-password-used").with("count", most);
                return Err(Error::field(field, message));
            }
        }
        self.hasher.hash(&self.env, new).await
    }

    /// Remembers a password, so that it does not come back too soon.
    pub(crate) async fn remember(
        &self,
        tx: &mut Tx,
        account: AccountId,
        hash: &str,
        at: Timestamp,
    ) -> Result<()> {
        let (id, keep) = (self.env.new_id(), self.settings.history);
        store::passwords::remember(tx, id, account, hash, at, keep).await
    }

    /// Sets the password of an account from the command line; all its sessions end.
    pub async fn set_password(&self, actor: &Actor, id: AccountId, new: &str) -> Result<()> {
        let owner = self.account(id, &Scope::All).await?;
        let hash = self.chosen("password", new, &owner).await?;
        let now = self.env.now();
        transaction!(self.db, |tx| {
            store::passwords::set(tx, id, &hash, Some(now)).await?;
            self.remember(tx, id, &hash, now).await?;
            store::end_sessions(tx, id, &[]).await?;
            let entry = actor.audit("password.changed", ("account", id), json!({}));
            record(tx, &self.env, &entry).await
        })
    }

    /// Gives an account a one-time password, which also unlocks it; all its sessions end.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        id: AccountId,
        scope: &Scope,
    ) -> Result<String> {
        let login = self.account(id, scope).await?.login;
        let one_time = password::one_time(&self.env, &login);
        let hash = self.hasher.hash(&self.env, &one_time).await?;
        transaction!(self.db, |tx| {
            self.managed(tx, actor, id, scope).await?;
            store::passwords::set(tx, id, &hash, None).await?;
            store::end_sessions(tx, id, &[]).await?;
            let entry = actor.audit("password.reset", ("account", id), json!({}));
            record(tx, &self.env, &entry).await
        })?;
        Ok(one_time)
    }

    /// Disables an account (its sessions end at once) or enables it again.
    pub async fn set_disabled(
        &self,
        actor: &Actor,
        id: AccountId,
        disabled: bool,
        scope: &Scope,
    ) -> Result<()> {
        self.set_all_disabled(actor, &[id], disabled, scope).await
    }

    /// The same for many accounts: all of them or none.
    ///
    /// # Errors
    /// What stands against one of them names it as `login`.
    pub async fn set_all_disabled(
        &self,
        actor: &Actor,
        ids: &[AccountId],
        disabled: bool,
        scope: &Scope,
    ) -> Result<()> {
        let now = self.env.now();
        let action = if disabled {
            "account.disabled"
        } else {
            "account.enabled"
        };
        transaction!(self.db, |tx| {
            for id in ids {
                let login = self.seen(tx, *id, scope).await?.login;
                let managed = self.managed(tx, actor, *id, scope).await;
                managed.map_err(|e| match e {
                    Error::Conflict(message) => Error::Conflict(message.with("login", login)),
                    other => other,
                })?;
                if store::set_disabled(tx, *id, disabled.then_some(now)).await? {
                    store::end_sessions(tx, *id, &[]).await?;
                    let entry = actor.audit(action, ("account", id), json!({}));
                    record(tx, &self.env, &entry).await?;
                }
            }
            Ok(())
        })
    }

    /// Grants a role on a unit of the scope.
    pub async fn grant(
        &self,
        actor: &Actor,
        id: AccountId,
        new: &NewGrant,
        scope: &Scope,
    ) -> Result<Id> {
        transaction!(self.db, |tx| {
            self.seen(tx, id, scope).await?;
            not_oneself(actor, id)?;
            self.not_above(tx, actor, id, scope).await?;
            self.check_grant(tx, actor, new, scope).await?;
            self.add_grant(tx, actor, id, new).await
        })
    }

    /// Takes a role back, at once.
    pub async fn revoke(&self, actor: &Actor, grant: Id, scope: &Scope) -> Result<AccountId> {
        transaction!(self.db, |tx| {
            let found = store::one_grant(tx, grant, scope).await?;
            let found = found.ok_or(Error::NotFound)?;
            not_oneself(actor, found.account)?;
            self.not_above(tx, actor, found.account, scope).await?;
            if store::revoke(tx, grant, actor.account, self.env.now()).await? {
                let detail = json!({ "grant": grant, "role": found.role, "unit": found.unit });
                let entry = actor.audit("role.revoked", ("account", found.account), detail);
                record(tx, &self.env, &entry).await?;
                store::duties::release(tx, found.account, self.env.today()).await?;
            }
            Ok(found.account)
        })
    }

    /// A page of the audit trail, newest first, with how many entries there are in all.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        scope: &Scope,
        window: Window,
    ) -> Result<(Vec<AuditRow>, i64)> {
        let mut tx = self.db.read().await?;
        let total = store::audit::count(&mut tx, filter, scope, &self.env).await?;
        let (limit, offset) = (window.size, window.offset(total));
        let rows = store::audit::page(&mut tx, filter, scope, &self.env, limit, offset).await?;
        Ok((rows, total))
    }

    /// An entry of the audit trail; outside the scope it does not exist.
    pub async fn audit_entry(&self, id: Id, scope: &Scope) -> Result<AuditRow> {
        let found = store::audit::one(&mut self.db.read().await?, id, scope, &self.env).await?;
        found.ok_or(Error::NotFound)
    }

    /// The entries that follow one (newest first): for reading through all of them.
    pub async fn audit_after(
        &self,
        filter: &AuditFilter,
        scope: &Scope,
        last: Option<&AuditRow>,
        limit: i64,
    ) -> Result<Vec<AuditRow>> {
        let mut tx = self.db.read().await?;
        let last = last.map(|row| (row.at, row.id));
        store::audit::before(&mut tx, filter, scope, &self.env, last, limit).await
    }

    /// Login names of accounts, for rows that a scope already let through.
    pub(crate) async fn logins(&self, ids: &[AccountId]) -> Result<BTreeMap<AccountId, String>> {
        store::logins(&mut self.db.read().await?, ids).await
    }

    /// The doors through which an account may sign in; none before it has a password.
    pub(crate) async fn doors(&self, login: &str) -> Result<Vec<Door>> {
        let known = store::credentials(&mut self.db.read().await?, login).await?;
        let own = known.is_some_and(|known| known.password.is_some());
        let ldap = self.ldap.as_ref().is_some_and(|ldap| ldap.asks(own));
        let doors = [
            (own, Door::Password),
            (ldap, Door::Ldap),
            (self.oidc.is_some(), Door::Oidc),
        ];
        let open = doors.into_iter().filter(|(open, _)| *open);
        Ok(open.map(|(_, door)| door).collect())
    }

    /// Names of the directory's groups that an account is in.
    pub(crate) async fn groups_of(&self, id: AccountId) -> Result<Vec<String>> {
        let found = store::scim::groups_of(&mut self.db.read().await?, &[id]).await?;
        Ok(found
            .into_values()
            .flatten()
            .map(|(_, name)| name)
            .collect())
    }

    /// The actions that the audit trail knows.
    pub async fn audit_actions(&self) -> Result<Vec<String>> {
        store::audit::actions(&mut self.db.read().await?).await
    }
}

/// What somebody may do is for others to decide.
fn not_oneself(actor: &Actor, account: AccountId) -> Result<()> {
    if actor.account == Some(account) {
        return Err(Error::Conflict(Msg::new("identity-oneself")));
    }
    Ok(())
}
