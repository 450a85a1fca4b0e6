//! Sessions: sign in, who is it, sign out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use db::{BatchReader, Db, GroupRead, Tx, transaction};
use futures::future::BoxFuture;
use kernel::{AccountId, Env, Error, Id, Msg, Result, Scope, Timestamp, UnitId};
use organization::Organization;
use serde_json::json;
use sha2::{Digest, Sha256};
use web::Principal;

use crate::delegation::may_be_lent;
use crate::ldap::{Ldap, Verdict};
use crate::oidc::Oidc;
use crate::password::Hasher;
use crate::{Actor, Audit, Door, Role, SecuritySettings, Session, SignIn, store};

/// How far a clock may have been set back before a session no longer counts.
const CLOCK_SLACK: i64 = 5 * 60;
/// How often the last use of a session is written down, in seconds.
pub(crate) const TOUCH_EVERY: i64 = 60;

/// Accounts, sessions, roles and the audit trail; cheap to clone.
#[derive(Clone)]
pub struct Identity {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) settings: SecuritySettings,
    pub(crate) hasher: Hasher,
    known: GroupRead<Sessions>,
    /// Tells this node from the others.
    pub(crate) node: Id,
    /// Where secrets of second factors are sealed.
    pub(crate) vault: Option<crypt::Vault>,
    /// Where a directory writes people.
    pub(crate) organization: Option<Organization>,
    /// The directory whose passwords count.
    pub(crate) ldap: Option<Arc<Ldap>>,
    /// The provider that says who somebody is.
    pub(crate) oidc: Option<Arc<Oidc>>,
}

/// Looks sessions and tokens of clients up: every request brings one.
struct Sessions(Env);

/// What a request brings.
#[derive(Debug, Clone)]
struct Brought {
    /// Hash of the token.
    hash: Vec<u8>,
    /// It is a client's token, not a session's.
    bearer: bool,
}

impl BatchReader for Sessions {
    type Key = Brought;
    type Found = Option<store::Known>;

    fn read<'a>(
        &'a self,
        tx: &'a mut Tx,
        brought: &'a [Brought],
    ) -> BoxFuture<'a, Result<Vec<Option<store::Known>>>> {
        Box::pin(async move {
            let of = |bearer| {
                let some = brought.iter().filter(move |b| b.bearer == bearer);
                some.map(|b| b.hash.clone()).collect::<Vec<_>>()
            };
            let (sessions, tokens, today) = (of(false), of(true), self.0.today());
            let mut found = HashMap::new();
            if !sessions.is_empty() {
                found.extend(store::known(tx, &sessions, today).await?);
            }
            let mut clients = HashMap::new();
            if !tokens.is_empty() {
                clients.extend(store::clients::known(tx, &tokens, today).await?);
            }
            let known = |b: &Brought| {
                let of = if b.bearer { &clients } else { &found };
                of.get(&b.hash).cloned()
            };
            Ok(brought.iter().map(known).collect())
        })
    }
}

/// Somebody who has shown who they are.
pub(crate) struct Arrival {
    pub account: AccountId,
    pub door: Door,
    /// The second step is to come.
    pub second_due: bool,
    /// There was a second step where they came from.
    pub trusted: bool,
}

/// Who holds a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub principal: Principal,
    /// What must be done before anything else.
    pub hold: Option<Hold>,
}

/// What must be done before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The second step of signing in.
    SecondStep,
    /// Somebody else knows the password: it is a one-time password.
    OneTime,
    /// The password has been in use for too long.
    TooOld,
    /// The account has a duty and no second factor yet.
    Enrol,
}

/// The SHA-256 of a token, which is all that is kept of it.
pub(crate) fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Adds an entry to the audit trail inside the caller's transaction: what is recorded has happened,
/// and what has happened is recorded.
pub async fn record(tx: &mut Tx, env: &Env, entry: &Audit) -> Result<()> {
    store::audit::add(tx, env.new_id(), env.now(), entry).await
}

/// Writes down that a list left the program.
pub async fn tell_list(
    db: &Db,
    env: &Env,
    actor: &Actor,
    list: &'static str,
    rows: usize,
) -> Result<()> {
    let entry = actor.audit("list.exported", (list, ""), json!({ "rows": rows }));
    transaction!(db, |tx| record(tx, env, &entry).await)
}

impl Identity {
    /// Identity in a database.
    pub fn new(db: Db, env: Env, settings: SecuritySettings) -> Self {
        let reader = Arc::new(Sessions(env.clone()));
        Self {
            known: GroupRead::start(db.clone(), reader, 4_096, 256),
            db,
            node: env.new_id(),
            env,
            settings,
            hasher: Hasher::new(),
            vault: None,
            organization: None,
            ldap: None,
            oidc: None,
        }
    }

    /// The same with the doors that the settings name: a directory, a provider.
    ///
    /// # Errors
    /// `Conflict` when a file with authorities cannot be read.
    pub fn with_doors(mut self) -> Result<Self> {
        if let Some(ldap) = &self.settings.ldap {
            self.ldap = Some(Arc::new(Ldap::new(ldap.clone())?));
        }
        if let Some(oidc) = &self.settings.oidc {
            self.oidc = Some(Arc::new(Oidc::new(oidc.clone())?));
        }
        Ok(self)
    }

    /// The same with units and people, which a directory may then provision.
    pub fn with_organization(mut self, organization: Organization) -> Self {
        self.organization = Some(organization);
        self
    }

    /// All roles that still let their holders do something.
    pub async fn roles(&self) -> Result<Vec<Role>> {
        let mut roles = Vec::new();
        let mut tx = self.db.read().await?;
        let offices = store::held::offices(&mut tx).await?;
        for (mut role, permissions) in store::roles(&mut tx).await? {
            role.permissions = permissions_of(&permissions)?;
            let brings = offices.iter().filter(|(code, _)| *code == role.code);
            role.offices = brings.map(|(_, office)| office.clone()).collect();
            if !role.permissions.is_empty() {
                roles.push(role);
            }
        }
        Ok(roles)
    }

    /// Adds an entry to the audit trail in a transaction of its own.
    pub async fn record_now(&self, entry: Audit) -> Result<()> {
        transaction!(self.db, |tx| record(tx, &self.env, &entry).await)
    }

    /// Begins a session and gives its token. An unknown login, a wrong password, a disabled and a
    /// locked account get the same answer after the same time. Where there is a directory it is asked for
    /// accounts without a password, or for all.
    pub async fn sign_in(&self, attempt: SignIn) -> Result<String> {
        let login = attempt.login.trim().to_lowercase();
        let settings = &self.settings;
        let now = self.env.now();
        let lock_until = now.plus_seconds(settings.lock_seconds);
        let (counted, known) = transaction!(self.db, |tx| {
            let (most, here) = (settings.most_failures, self.ldap.is_none());
            let counted = store::count_attempt(tx, &login, most, now, lock_until, here).await?;
            Ok((counted, store::credentials(tx, &login).await?))
        })?;
        let asked = known.as_ref().filter(|_| counted);
        let verdict = match (&self.ldap, asked) {
            (Some(ldap), Some(known)) if ldap.asks(known.password.is_some()) => {
                Some(ldap.check(&login, &attempt.password).await)
            }
            _ => None,
        };
        let hash = asked.and_then(|k| k.password.as_deref());
        let hash = hash.filter(|_| !matches!(verdict, Some(Verdict::Right | Verdict::Wrong)));
        let right = self.hasher.verify(&attempt.password, hash).await?;

        let by = |account| Actor {
            on_behalf: None,
            account,
            address: attempt.address.clone(),
        };
        let Some(known) = &known else {
            // Something that is no login name may be a password in the wrong field: not kept.
            let typed = if crate::accounts::check_login(&login).is_ok() {
                &*login
            } else {
                ""
            };
            let detail = json!({ "reason": "unknown" });
            let entry = by(None).audit("session.refused", ("login", typed), detail);
            self.record_now(entry).await?;
            return Err(self.refused());
        };
        let account = known.account;
        let away = hash.is_none() && verdict == Some(Verdict::Away);
        let token = hex::encode(self.env.random::<32>());
        let began = transaction!(self.db, |tx| {
            let second_due = store::second::since(tx, account).await?.is_some();
            let most = settings.most_failures;
            let door = match verdict {
                Some(Verdict::Right) => Door::Ldap,
                _ => Door::Password,
            };
            let right = match (door, hash) {
                // Guesses at the code are not forgiven for a right password.
                (Door::Ldap, _) if second_due => {
                    store::second::uncount(tx, account, None, most).await?
                }
                (Door::Ldap, _) => store::doors::clear_attempts(tx, account).await?,
                (_, Some(hash)) if right && second_due => {
                    store::second::uncount(tx, account, Some(hash), most).await?
                }
                (_, Some(hash)) if right => store::clear_attempts(tx, account, hash).await?,
                _ => false,
            };
            if !right {
                let reason = match (counted, known.disabled) {
                    (_, true) => "disabled",
                    _ if away => "directory-away",
                    (false, _) if known.password.is_some() || self.ldap.is_some() => "locked",
                    (false, _) => "no-password",
                    (true, _) => "password",
                };
                let detail = json!({ "reason": reason });
                let entry =
                    by(Some(account)).audit("session.refused", ("account", account), detail);
                record(tx, &self.env, &entry).await?;
                if away {
                    // Nothing was guessed.
                    store::second::uncount(tx, account, None, most).await?;
                } else if counted && known.locked_until.is_some() {
                    self.record_lock(tx, account, &attempt.address).await?;
                }
                return Ok(false);
            }
            let arrival = Arrival {
                account,
                door,
                second_due,
                trusted: false,
            };
            self.begin(tx, &arrival, &attempt, &token).await?;
            Ok(true)
        })?;
        match (began, away) {
            (true, _) => Ok(token),
            (false, true) => Err(Error::field("login", Msg::new("identity-ldap-away"))),
            (false, false) => Err(self.refused()),
        }
    }

    /// Begins a session of somebody who has shown who they are.
    pub(crate) async fn begin(
        &self,
        tx: &mut Tx,
        arrival: &Arrival,
        attempt: &SignIn,
        token: &str,
    ) -> Result<()> {
        if let Some(old) = &attempt.replaces {
            store::end_session(tx, &hash_of(old)).await?;
        }
        let (account, now) = (arrival.account, self.env.now());
        let session = Session {
            hash: hash_of(token),
            created_at: now,
            last_seen_at: now,
            address: attempt.address.clone(),
            agent: attempt.agent.chars().take(200).collect(),
            expires_at: now.plus_seconds(self.settings.absolute_seconds),
            door: arrival.door,
            trusted: arrival.trusted,
        };
        store::add_session(tx, account, &session, arrival.second_due).await?;
        let actor = Actor {
            on_behalf: None,
            account: Some(account),
            address: attempt.address.clone(),
        };
        let detail = json!({ "door": arrival.door.code() });
        let entry = actor.audit("session.began", ("account", account), detail);
        record(tx, &self.env, &entry).await
    }

    /// Records that the attempt counted just now has locked the account, if it has.
    pub(crate) async fn record_lock(
        &self,
        tx: &mut Tx,
        account: AccountId,
        address: &str,
    ) -> Result<()> {
        if !store::is_locked(tx, account, self.env.now()).await? {
            return Ok(());
        }
        let nobody = Actor {
            on_behalf: None,
            account: None,
            address: address.to_owned(),
        };
        let detail = json!({ "seconds": self.settings.lock_seconds });
        let entry = nobody.audit("account.locked", ("account", account), detail);
        record(tx, &self.env, &entry).await
    }

    pub(crate) fn refused(&self) -> Error {
        let message = Msg::new("identity-refused")
            .with("most", self.settings.most_failures)
            .with("minutes", self.settings.lock_seconds / 60);
        Error::field("login", message)
    }

    /// Ends the session of a token, if it has one.
    pub async fn sign_out(&self, token: &str, address: &str) -> Result<()> {
        transaction!(self.db, |tx| {
            if let Some(account) = store::end_session(tx, &hash_of(token)).await? {
                let actor = Actor {
                    on_behalf: None,
                    account: Some(account),
                    address: address.to_owned(),
                };
                let entry = actor.audit("session.ended", ("account", account), json!({}));
                record(tx, &self.env, &entry).await?;
            }
            Ok(())
        })
    }

    /// Who holds a session; nobody when it has ended.
    pub async fn principal(&self, token: &str) -> Result<Option<Principal>> {
        Ok(self.holder(token).await?.map(|h| h.principal))
    }

    pub(crate) async fn lookup(&self, bearer: bool, hash: &[u8]) -> Result<Option<store::Known>> {
        let hash = hash.to_vec();
        self.known.find(Brought { hash, bearer }).await
    }

    pub(crate) async fn holder(&self, token: &str) -> Result<Option<Holder>> {
        let hash = hash_of(token);
        let now = self.env.now();
        let found = self.lookup(false, &hash).await?;
        let Some(known) = found.filter(|k| self.lasts(k, now)) else {
            return Ok(None);
        };
        if known.last_seen_at.plus_seconds(TOUCH_EVERY) <= now {
            let touched = transaction!(self.db, |tx| store::touch(tx, &hash, now).await);
            if let Err(e) = touched {
                // The next request tries again; this one need not fail for it.
                tracing::warn!(error = %e, "the last use of a session could not be written");
            }
        }
        let hold = if known.second_due {
            Some(Hold::SecondStep)
        } else {
            let enrol = self.must_enrol(&known).then_some(Hold::Enrol);
            let own = known.door == Door::Password;
            let change = self.must_change(known.password_changed_at);
            change.filter(|_| own).or(enrol)
        };
        let mut roots: BTreeMap<String, Vec<UnitId>> = BTreeMap::new();
        // Half signed in, nobody holds anything.
        let lent = known.lent.as_ref().filter(|_| !known.second_due);
        // Whoever acts in another's place has that one's permissions, not their own as well: every act belongs
        // to one of the two.
        let (held, chosen) = match lent {
            Some(lent) => (&lent.held, Some(permissions_of(&lent.chosen)?)),
            None => (&known.grants, None),
        };
        let reaches = |permission: &String| {
            let chosen = chosen.as_ref();
            chosen.is_none_or(|c| c.contains(permission) && may_be_lent(permission))
        };
        for (permissions, unit) in held.iter().filter(|_| !known.second_due) {
            for permission in permissions_of(permissions)?.into_iter().filter(reaches) {
                let units = roots.entry(permission).or_default();
                if !units.contains(unit) {
                    units.push(*unit);
                }
            }
        }
        let principal = Principal {
            account: known.account,
            person: known.person,
            on_behalf: lent.map(|lent| lent.of.clone()),
            name: known.name.unwrap_or(known.login),
            grants: roots
                .into_iter()
                .map(|(permission, units)| (permission, Scope::Under(units)))
                .collect(),
        };
        Ok(Some(Holder { principal, hold }))
    }

    /// Whether, and why, a password must be changed before anything else.
    pub(crate) fn must_change(&self, chosen_at: Option<Timestamp>) -> Option<Hold> {
        match chosen_at {
            None => Some(Hold::OneTime),
            Some(at) if self.settings.too_old(at, self.env.now()) => Some(Hold::TooOld),
            Some(_) => None,
        }
    }

    /// Whether a session still counts. A clock that was set back does not make it last: its end is
    /// fixed when it begins, and one from the future is none.
    pub(crate) fn lasts(&self, known: &store::Known, now: Timestamp) -> bool {
        now < known.expires_at
            && now < known.last_seen_at.plus_seconds(self.settings.idle_seconds)
            && now.plus_seconds(CLOCK_SLACK) >= known.created_at
    }

    fn idle_since(&self) -> Timestamp {
        self.env.now().plus_seconds(-self.settings.idle_seconds)
    }

    /// The sessions of an account that still count.
    pub async fn sessions(&self, account: AccountId) -> Result<Vec<Session>> {
        let mut tx = self.db.read().await?;
        store::sessions(&mut tx, account, self.env.now(), self.idle_since()).await
    }

    /// Ends every session of an account but that of a token.
    pub async fn sign_out_others(&self, actor: &Actor, token: &str) -> Result<u64> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        transaction!(self.db, |tx| {
            let ended = store::end_sessions(tx, account, &hash_of(token)).await?;
            let detail = json!({ "others": ended });
            let entry = actor.audit("session.ended", ("account", account), detail);
            record(tx, &self.env, &entry).await?;
            Ok(ended)
        })
    }

    /// Ends one session of the actor's, named by its hash.
    ///
    /// # Errors
    /// `NotFound` when it has ended or is another's.
    pub async fn end_session(&self, actor: &Actor, hash: &[u8]) -> Result<()> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        transaction!(self.db, |tx| {
            if !store::end_one_session(tx, account, hash).await? {
                return Err(Error::NotFound);
            }
            let entry = actor.audit(
                "session.ended",
                ("account", account),
                json!({ "one": true }),
            );
            record(tx, &self.env, &entry).await
        })
    }

    /// Removes the sessions that have ended; once an hour is enough.
    pub async fn purge_sessions(&self) -> Result<u64> {
        let (now, idle_since) = (self.env.now(), self.idle_since());
        transaction!(self.db, |tx| {
            store::doors::purge_flows(tx, now).await?;
            store::purge(tx, now, idle_since).await
        })
    }
}

pub(crate) fn permissions_of(json: &str) -> Result<Vec<String>> {
    serde_json::from_str(json).map_err(Error::internal)
}
