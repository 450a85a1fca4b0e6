//! The second factor (二次验证): time-based codes of an authenticator, and recovery codes for the day it is lost.
//! The secret is sealed with the account's key; without a vault nobody can enrol.

use crypt::Vault;
use db::{Tx, transaction};
use kernel::{AccountId, Error, Id, Msg, Result, Scope, Timestamp};
use serde_json::json;
use totp_rs::{Builder, Totp};

use crate::activation::{code_hash, new_code};
use crate::service::{Holder, hash_of, record};
use crate::{Actor, Identity, store};

/// Name of the sealed field; never changes.
const FIELD: &str = "totp";
/// Recovery codes that are made at once.
const RECOVERY: usize = 10;

/// What an authenticator needs to know; shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret, to be typed in.
    pub secret: String,
    /// The same as `otpauth://…`, to be scanned.
    pub url: String,
}

fn totp(secret: &[u8], login: &str) -> Result<Totp> {
    Builder::new()
        .with_secret(secret.to_vec())
        .with_account_name(login)
        .with_issuer(Some("Suneng"))
        .build()
        .map_err(Error::internal)
}

impl Identity {
    /// The same with a vault, in which the secrets of second factors are sealed.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    fn vault(&self) -> Result<&Vault> {
        let none = || Error::Unavailable(Msg::new("identity-second-no-vault"));
        self.vault.as_ref().ok_or_else(none)
    }

    /// Since when an account has a second factor, and how many recovery codes are left.
    pub(crate) async fn second(&self, account: AccountId) -> Result<Option<(Timestamp, i64)>> {
        let mut tx = self.db.read().await?;
        let Some(since) = store::second::since(&mut tx, account).await? else {
            return Ok(None);
        };
        Ok(Some((since, store::second::left(&mut tx, account).await?)))
    }

    /// Begins to enrol: makes a secret that holds once a code of it was given.
    pub async fn begin_second(&self, actor: &Actor, current: &str) -> Result<Enrolment> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        let vault = self.vault()?;
        let owner = self.account(account, &Scope::All).await?;
        self.knows_password(actor, &owner, current).await?;
        let secret = self.env.random::<20>();
        let plain = hex::encode(secret);
        transaction!(self.db, |tx| {
            let keys = vault.make(tx, &[Id::from(account)]).await?;
            let sealed = keys.seal(account, FIELD, &plain)?;
            if !store::second::put(tx, account, &sealed).await? {
                return Err(Error::Conflict(Msg::new("identity-second-already")));
            }
            let entry = actor.audit("second.begun", ("account", account), json!({}));
            record(tx, &self.env, &entry).await
        })?;
        enrolment(&totp(&secret, &owner.login)?)
    }

    /// The enrolment that was begun, to be shown again after a wrong code.
    pub(crate) async fn begun_second(&self, account: AccountId) -> Result<Enrolment> {
        let login = self.account(account, &Scope::All).await?.login;
        let mut tx = self.db.read().await?;
        if store::second::since(&mut tx, account).await?.is_some() {
            return Err(Error::NotFound);
        }
        enrolment(&self.factor(&mut tx, account, &login).await?)
    }

    async fn factor(&self, tx: &mut Tx, account: AccountId, login: &str) -> Result<Totp> {
        let sealed = store::second::sealed(tx, account).await?;
        let sealed = sealed.ok_or(Error::NotFound)?;
        let keys = self.vault()?.keys(tx, &[Id::from(account)]).await?;
        let opened = keys.open(account, FIELD, &sealed)?;
        let plain = opened.text().ok_or(Error::NotFound)?;
        totp(&hex::decode(plain).map_err(Error::internal)?, login)
    }

    /// Ends the enrolment with a code; gives the recovery codes, which are shown once. Every other session
    /// of the account ends.
    pub async fn confirm_second(
        &self,
        actor: &Actor,
        code: &str,
        token: &str,
    ) -> Result<Vec<String>> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        let login = self.account(account, &Scope::All).await?.login;
        let now = self.env.now();
        let codes: Vec<String> = (0..RECOVERY).map(|_| new_code(&self.env)).collect();
        transaction!(self.db, |tx| {
            let factor = self.factor(tx, account, &login).await?;
            let Some(step) = step_of(&factor, code, now) else {
                return Err(Error::field("code", Msg::new("identity-second-wrong")));
            };
            if !store::second::confirm(tx, account, step, now).await? {
                return Err(Error::Conflict(Msg::new("identity-second-already")));
            }
            let hashes: Vec<Vec<u8>> = codes.iter().map(|c| code_hash(c)).collect();
            store::second::put_recovery(tx, account, &hashes).await?;
            store::end_sessions(tx, account, &hash_of(token)).await?;
            let entry = actor.audit("second.enrolled", ("account", account), json!({}));
            record(tx, &self.env, &entry).await
        })?;
        Ok(codes)
    }

    /// New recovery codes in place of those before, for whoever knows the password; they are shown once.
    ///
    /// # Errors
    /// `Invalid` for a wrong password; `NotFound` without a second factor.
    pub async fn renew_recovery(&self, actor: &Actor, current: &str) -> Result<Vec<String>> {
        let account = actor.account.ok_or(Error::Unauthenticated)?;
        let owner = self.account(account, &Scope::All).await?;
        self.knows_password(actor, &owner, current).await?;
        let codes: Vec<String> = (0..RECOVERY).map(|_| new_code(&self.env)).collect();
        transaction!(self.db, |tx| {
            if store::second::since(tx, account).await?.is_none() {
                return Err(Error::NotFound);
            }
            let hashes: Vec<Vec<u8>> = codes.iter().map(|c| code_hash(c)).collect();
            store::second::put_recovery(tx, account, &hashes).await?;
            let entry = actor.audit("second.recovery-renewed", ("account", account), json!({}));
            record(tx, &self.env, &entry).await
        })?;
        Ok(codes)
    }

    /// The second step of signing in: a code of the authenticator, each step of time once, or a recovery
    /// code. Tries count like those of the password.
    pub async fn second_step(&self, token: &str, code: &str, address: &str) -> Result<()> {
        let hash = hash_of(token);
        let now = self.env.now();
        let known = self.lookup(false, &hash).await?;
        let known = known.filter(|k| k.second_due && self.lasts(k, now));
        let known = known.ok_or(Error::Unauthenticated)?;
        let (account, login) = (known.account, &known.login);
        let (most, lock) = (self.settings.most_failures, self.settings.lock_seconds);
        let actor = Actor {
            on_behalf: None,
            account: Some(account),
            address: address.to_owned(),
        };
        let passed = transaction!(self.db, |tx| {
            let until = now.plus_seconds(lock);
            let counted = store::count_attempt(tx, login, most, now, until, false).await?;
            let factor = self.factor(tx, account, login).await?;
            let by = if !counted {
                None
            } else if let Some(step) = step_of(&factor, code, now) {
                let fresh = store::second::pass(tx, account, step).await?;
                fresh.then_some("code")
            } else {
                let used = store::second::take_recovery(tx, account, &code_hash(code)).await?;
                used.then_some("recovery")
            };
            let object = ("account", account);
            let Some(by) = by else {
                let reason = if counted { "code" } else { "locked" };
                let entry = actor.audit("second.refused", object, json!({ "reason": reason }));
                record(tx, &self.env, &entry).await?;
                if counted {
                    self.record_lock(tx, account, address).await?;
                }
                return Ok(false);
            };
            store::activation::forgive(tx, account).await?;
            store::second::let_in(tx, &hash).await?;
            let entry = actor.audit("second.passed", object, json!({ "by": by }));
            record(tx, &self.env, &entry).await?;
            Ok(true)
        })?;
        if passed {
            return Ok(());
        }
        let message = Msg::new("identity-second-refused").with("most", most);
        Err(Error::field("code", message.with("minutes", lock / 60)))
    }

    /// Takes the second factor off an account whose owner has lost it, face to face; its sessions end.
    pub async fn reset_second(&self, actor: &Actor, id: AccountId, scope: &Scope) -> Result<()> {
        transaction!(self.db, |tx| {
            self.managed(tx, actor, id, scope).await?;
            if store::second::remove(tx, id).await? {
                store::end_sessions(tx, id, &[]).await?;
                let entry = actor.audit("second.reset", ("account", id), json!({}));
                record(tx, &self.env, &entry).await?;
            }
            Ok(())
        })
    }

    /// Whether a holder must enrol before anything else.
    pub(crate) fn must_enrol(&self, known: &store::Known) -> bool {
        let lacking = known.duty && !known.has_second && !known.trusted;
        self.settings.duty_second && lacking && self.vault.is_some()
    }
}

fn enrolment(totp: &Totp) -> Result<Enrolment> {
    Ok(Enrolment {
        secret: totp.secret().to_base32(),
        url: totp.to_url().map_err(Error::internal)?,
    })
}

/// The step of time that a code belongs to, if it is right.
fn step_of(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now.0 / Timestamp::SECOND).ok()?;
    totp.check(&digits, seconds)
        .and_then(|step| i64::try_from(step).ok())
}

impl Holder {
    /// Where a request must go first, if it must.
    pub(crate) fn detour(&self, path: &str) -> Option<&'static str> {
        use crate::service::Hold::{Enrol, OneTime, SecondStep, TooOld};
        let (to, open): (_, &[&str]) = match self.hold? {
            SecondStep => ("/sign-in/second", &["/api/v1/session/second"]),
            OneTime | TooOld => ("/account", &["/account/password"]),
            Enrol => ("/account/second", &["/account/second/confirm"]),
        };
        let always = ["/sign-out", "/preferences", "/api/v1/session"];
        let goes_on = path == to || open.contains(&path) || always.contains(&path);
        (!goes_on).then_some(to)
    }
}
