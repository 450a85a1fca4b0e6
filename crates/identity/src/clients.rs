//! API clients (接口客户端): accounts of programs, with a token instead of a password. A client holds permissions
//! on the subtree of a unit, from one day to another, and no more than whoever made it.

use std::collections::BTreeMap;

use db::{Tx, transaction};
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, Result, Scope, Timestamp, UnitId};
use serde_json::json;
use web::Principal;
use web::table::{Order, Window};

use crate::accounts::check_login;
use crate::service::{TOUCH_EVERY, hash_of, permissions_of, record};
use crate::store::clients::{BY_NAME, Wanted};
use crate::{Account, Actor, Identity, store};

/// Longest text about what a client is for.
const LONGEST_PURPOSE: usize = 200;

/// A client to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    /// Its name, a login name.
    pub login: String,
    /// What it is for.
    pub purpose: String,
    /// What it may do …
    pub permissions: Vec<String>,
    /// … on this unit and those below it.
    pub unit: UnitId,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// A client with its present token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its account.
    pub account: AccountId,
    /// Its name.
    pub login: String,
    /// What it is for.
    pub purpose: String,
    /// Name of its unit.
    pub unit: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Login name of who made it.
    pub made_by: Option<String>,
    /// The beginning of its token, to recognise it by.
    pub prefix: String,
    /// First day of the token.
    pub from: Date,
    /// Last day of the token.
    pub to: Date,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_address: String,
    /// When the token was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token that was made; the whole of it is kept nowhere.
pub(crate) struct NewToken {
    pub hash: Vec<u8>,
    pub prefix: String,
    pub from: Date,
    pub to: Date,
    pub by: Option<AccountId>,
}

impl Identity {
    /// A token: a prefix to recognise it by and 160 random bits.
    fn new_token(&self, actor: &Actor, from: Date, to: Date) -> (String, NewToken) {
        let prefix = format!("sn_{}", hex::encode(self.env.random::<4>()));
        let token = format!("{prefix}_{}", hex::encode(self.env.random::<20>()));
        let kept = NewToken {
            hash: hash_of(&token),
            prefix,
            from,
            to,
            by: actor.account,
        };
        (token, kept)
    }

    /// Makes a client; gives its account and its token, which is shown once.
    pub async fn create_client(
        &self,
        actor: &Actor,
        new: &NewClient,
        scope: &Scope,
    ) -> Result<(AccountId, String)> {
        let login = new.login.trim().to_lowercase();
        let purpose = new.purpose.trim();
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        if check_login(&login).is_err() {
            wrong("login", Msg::new("identity-login"));
        }
        if purpose.is_empty() || purpose.chars().count() > LONGEST_PURPOSE {
            let message = Msg::new("identity-client-purpose-wrong");
            wrong("purpose", message.with("longest", LONGEST_PURPOSE));
        }
        if new.permissions.is_empty() {
            wrong("permissions", Msg::new("identity-client-nothing"));
        }
        if new.to < new.from || new.to < self.env.today() {
            wrong("to", Msg::new("identity-client-over"));
        }
        Error::if_any(errors)?;
        let (token, kept) = self.new_token(actor, new.from, new.to);
        let now = self.env.now();
        let account = Account {
            id: self.env.new_id(),
            login,
            person: None,
            staff_no: None,
            name: None,
            password_changed_at: None,
            disabled_at: None,
            locked_until: None,
            created_at: now,
        };
        transaction!(self.db, |tx| {
            if store::login_taken(tx, &account.login).await? {
                let message = Msg::new("identity-login-taken").with("login", &account.login);
                return Err(Error::field("login", message));
            }
            if !store::reaches(tx, scope, new.unit).await? {
                return Err(Error::field("unit", Msg::new("identity-unit-unknown")));
            }
            self.holds_all(tx, actor, new).await?;
            store::add_account(tx, &account, Some(new.unit), None).await?;
            let by = actor.account;
            store::clients::add(tx, account.id, purpose, &new.permissions, new.unit, by).await?;
            store::clients::add_token(tx, account.id, &kept, now).await?;
            let detail = json!({
                "login": account.login, "permissions": new.permissions, "unit": new.unit,
                "from": new.from.to_string(), "to": new.to.to_string(), "token": kept.prefix,
            });
            let entry = actor.audit("client.made", ("account", account.id), detail);
            record(tx, &self.env, &entry).await
        })?;
        Ok((account.id, token))
    }

    /// Refuses to give a client what its maker does not hold on its unit.
    async fn holds_all(&self, tx: &mut Tx, actor: &Actor, new: &NewClient) -> Result<()> {
        let Some(by) = actor.account else {
            return Ok(());
        };
        let mut own = Vec::new();
        for (held, _) in store::duties::power(tx, by, new.unit, self.env.today()).await? {
            own.extend(permissions_of(&held)?);
        }
        match new.permissions.iter().find(|p| !own.contains(p)) {
            None => Ok(()),
            Some(lacking) => {
                let message = Msg::new("identity-client-beyond").with("permission", lacking);
                Err(Error::field("permissions", message))
            }
        }
    }

    /// A page of the clients of a scope by part of name or purpose, with how many there are in all.
    pub async fn clients(
        &self,
        scope: &Scope,
        text: &str,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Client>, i64)> {
        let (mut tx, which) = (self.db.read().await?, Wanted::Named(text));
        let total = store::clients::count(&mut tx, scope, &which).await?;
        let part = (order, window.size, window.offset(total));
        let found = store::clients::list(&mut tx, scope, &which, part).await?;
        Ok((found, total))
    }

    /// A client; outside the scope it does not exist.
    pub async fn client(&self, id: AccountId, scope: &Scope) -> Result<Client> {
        one(&mut self.db.read().await?, id, scope).await
    }

    /// Gives a client another token until a day; the older one ends at once.
    pub async fn rotate_client(
        &self,
        actor: &Actor,
        id: AccountId,
        to: Date,
        scope: &Scope,
    ) -> Result<String> {
        let (now, today) = (self.env.now(), self.env.today());
        if to < today {
            return Err(Error::field("to", Msg::new("identity-client-over")));
        }
        let (token, kept) = self.new_token(actor, today, to);
        transaction!(self.db, |tx| {
            let client = one(tx, id, scope).await?;
            let permissions = client.permissions;
            let unit = store::clients::unit(tx, id).await?;
            let same = NewClient {
                login: client.login,
                purpose: client.purpose,
                permissions,
                unit,
                from: today,
                to,
            };
            // Whoever holds the token acts as the client: nobody gets more than they have.
            self.holds_all(tx, actor, &same).await?;
            store::clients::revoke(tx, id, actor.account, now).await?;
            store::clients::add_token(tx, id, &kept, now).await?;
            let detail = json!({
                "before": client.prefix, "token": kept.prefix, "to": to.to_string(),
            });
            let entry = actor.audit("client.rotated", ("account", id), detail);
            record(tx, &self.env, &entry).await
        })?;
        Ok(token)
    }

    /// Ends a client's token, at once.
    pub async fn revoke_client(&self, actor: &Actor, id: AccountId, scope: &Scope) -> Result<()> {
        let now = self.env.now();
        transaction!(self.db, |tx| {
            let client = one(tx, id, scope).await?;
            if store::clients::revoke(tx, id, actor.account, now).await? {
                let detail = json!({ "token": client.prefix });
                let entry = actor.audit("client.revoked", ("account", id), detail);
                record(tx, &self.env, &entry).await?;
            }
            Ok(())
        })
    }

    /// Who brings a token; nobody when it does not hold today.
    pub(crate) async fn bearer(&self, token: &str, address: &str) -> Result<Option<Principal>> {
        let (hash, now) = (hash_of(token), self.env.now());
        let Some(known) = self.lookup(true, &hash).await? else {
            self.refuse_token(&hash, address).await?;
            return Ok(None);
        };
        if known.last_seen_at.plus_seconds(TOUCH_EVERY) <= now {
            let touched = transaction!(self.db, |tx| {
                store::clients::touch(tx, &hash, now, address).await
            });
            if let Err(e) = touched {
                // The next request tries again; this one need not fail for it.
                tracing::warn!(error = %e, "the last use of a token could not be written");
            }
        }
        let mut roots: BTreeMap<String, Vec<UnitId>> = BTreeMap::new();
        for (permission, unit) in known.grants {
            roots.entry(permission).or_default().push(unit);
        }
        let grants = roots.into_iter().map(|(p, units)| (p, Scope::Under(units)));
        Ok(Some(Principal {
            account: known.account,
            person: None,
            name: known.login,
            on_behalf: None,
            grants: grants.collect(),
        }))
    }

    /// Records, at most once a minute, that a token was brought which no longer holds: somebody still has it.
    async fn refuse_token(&self, hash: &[u8], address: &str) -> Result<()> {
        let now = self.env.now();
        let since = now.plus_seconds(-TOUCH_EVERY);
        let known = store::clients::refused(&mut self.db.read().await?, hash, since).await?;
        let Some((account, prefix)) = known else {
            return Ok(());
        };
        transaction!(self.db, |tx| {
            if store::clients::note_refusal(tx, hash, since, now).await? {
                let stranger = Actor {
                    on_behalf: None,
                    account: None,
                    address: address.to_owned(),
                };
                let detail = json!({ "token": prefix });
                let entry = stranger.audit("client.refused", ("account", account), detail);
                record(tx, &self.env, &entry).await?;
            }
            Ok(())
        })
    }
}

async fn one(tx: &mut Tx, id: AccountId, scope: &Scope) -> Result<Client> {
    let found = store::clients::list(tx, scope, &Wanted::One(id), (BY_NAME, 1, 0)).await?;
    found.into_iter().next().ok_or(Error::NotFound)
}

/// Id of a client in a path.
pub(crate) fn client_id(text: &str) -> Result<AccountId> {
    text.parse::<Id>()
        .map(AccountId)
        .map_err(|_| Error::NotFound)
}
