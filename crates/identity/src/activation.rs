//! Activation codes (激活码): handed over face to face, good once, for setting one's own password.

use db::{Tx, transaction};
use kernel::{AccountId, Env, Error, Msg, Result, Scope, Timestamp, UnitId};
use serde_json::json;

use crate::accounts::check_login;
use crate::service::{hash_of, record};
use crate::{Actor, Identity, store};

/// Most people for whom codes are issued at once: more nobody hands out in a day.
const MOST: i64 = 500;
/// Capital letters and digits that nobody takes for another one.
const LETTERS: &[u8] = b"23456789ACDEFGHJKMNPQRTVWXY";
/// Letters of a code: 71 random bits.
const LENGTH: usize = 15;

/// A code that was issued, for its slip (激活码条); it is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Whose code it is.
    pub account: AccountId,
    /// Login name.
    pub login: String,
    /// Staff number.
    pub staff_no: Option<String>,
    /// Name of the person.
    pub name: Option<String>,
    /// Name of the unit.
    pub unit: Option<String>,
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub until: Timestamp,
}

/// An attempt to set a password with a code.
#[derive(Debug, Clone, Default)]
pub struct Activation {
    /// Login name or staff number as typed.
    pub who: String,
    /// Code as typed.
    pub code: String,
    /// The password that its owner chooses.
    pub password: String,
    /// Network address.
    pub address: String,
}

/// Three groups of five letters.
pub(crate) fn new_code(env: &Env) -> String {
    let mut code = String::new();
    while code.len() < LENGTH + 2 {
        // Bytes above the last whole multiple would favour the first letters.
        let [byte] = env.random::<1>();
        let byte = usize::from(byte);
        if byte >= LETTERS.len() * (256 / LETTERS.len()) {
            continue;
        }
        if code.len() % 6 == 5 {
            code.push('-');
        }
        code.push(char::from(LETTERS[byte % LETTERS.len()]));
    }
    code
}

/// What is kept of a code, however it was typed.
pub(crate) fn code_hash(code: &str) -> Vec<u8> {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    hash_of(&letters.map(|c| c.to_ascii_uppercase()).collect::<String>())
}

impl Identity {
    /// Issues a code for an account; an older one ends, a locked account is unlocked. The present password
    /// stays until the code is used.
    pub async fn issue_code(&self, actor: &Actor, id: AccountId, scope: &Scope) -> Result<Slip> {
        let code = new_code(&self.env);
        transaction!(self.db, |tx| {
            let account = self.managed(tx, actor, id, scope).await?;
            if account.disabled_at.is_some() {
                return Err(Error::Conflict(Msg::new("identity-code-disabled")));
            }
            let slip = self.slip(account, None, code.clone());
            self.issue(tx, actor, std::slice::from_ref(&slip)).await?;
            Ok(slip)
        })
    }

    /// Issues codes for the people of a unit and those below it: for all, or for those who have not chosen
    /// a password yet. Whoever has a duty or holds a role outside the scope, and oneself, are left out.
    pub async fn issue_codes(
        &self,
        actor: &Actor,
        unit: UnitId,
        all: bool,
        scope: &Scope,
    ) -> Result<Vec<Slip>> {
        let today = self.env.today();
        transaction!(self.db, |tx| {
            if !store::reaches(tx, scope, unit).await? {
                let message = Msg::new("identity-unit-unknown");
                return Err(Error::field("unit", message));
            }
            let found =
                store::activation::candidates(tx, unit, all, scope, today, MOST + 1).await?;
            if found.len() as i64 > MOST {
                let message = Msg::new("identity-codes-many").with("most", MOST);
                return Err(Error::field("unit", message));
            }
            let others = found
                .into_iter()
                .filter(|(a, _)| Some(a.id) != actor.account);
            let slips = others.map(|(a, unit)| self.slip(a, Some(unit), new_code(&self.env)));
            let slips: Vec<Slip> = slips.collect();
            self.issue(tx, actor, &slips).await?;
            Ok(slips)
        })
    }

    /// Opens accounts for the people of a unit and those below it who have none: the staff number is the
    /// login name. Gives how many, and the staff numbers that make no login name or a taken one.
    pub async fn open_accounts(
        &self,
        actor: &Actor,
        unit: UnitId,
        scope: &Scope,
    ) -> Result<(usize, Vec<String>)> {
        let (today, now) = (self.env.today(), self.env.now());
        transaction!(self.db, |tx| {
            if !store::reaches(tx, scope, unit).await? {
                let message = Msg::new("identity-unit-unknown");
                return Err(Error::field("unit", message));
            }
            let people = store::activation::without(tx, unit, scope, today, MOST + 1).await?;
            if people.len() as i64 > MOST {
                let message = Msg::new("identity-codes-many").with("most", MOST);
                return Err(Error::field("unit", message));
            }
            let logins = people.iter().map(|(_, number)| number.to_lowercase());
            let taken = store::activation::taken(tx, logins.collect()).await?;
            let (mut new, mut left) = (Vec::new(), Vec::new());
            for (person, number) in people {
                let login = number.to_lowercase();
                if check_login(&login).is_err() || taken.contains(&login) {
                    left.push(number);
                } else {
                    new.push((self.env.new_id(), login, person));
                }
            }
            store::activation::open(tx, &new, now).await?;
            for (id, login, person) in &new {
                let detail = json!({ "login": login, "person": person });
                let entry = actor.audit("account.opened", ("account", *id), detail);
                record(tx, &self.env, &entry).await?;
            }
            Ok((new.len(), left))
        })
    }

    fn slip(&self, account: crate::Account, unit: Option<String>, code: String) -> Slip {
        let days = self.settings.code_days;
        Slip {
            account: account.id,
            login: account.login,
            staff_no: account.staff_no,
            name: account.name,
            unit,
            code,
            until: self.env.now().plus_seconds(days * 24 * 3600),
        }
    }

    async fn issue(&self, tx: &mut Tx, actor: &Actor, slips: &[Slip]) -> Result<()> {
        let rows = slips
            .iter()
            .map(|s| (s.account, code_hash(&s.code), s.until));
        store::activation::put(tx, rows, actor.account, self.env.now()).await?;
        for slip in slips {
            let detail = json!({ "until": slip.until.zoned(self.env.zone()).to_string() });
            let entry = actor.audit("code.issued", ("account", slip.account), detail);
            record(tx, &self.env, &entry).await?;
        }
        Ok(())
    }

    /// Sets a password with a code. An unknown name, a wrong, used or expired code and a locked account get
    /// the same answer; tries count like sign-ins.
    pub async fn activate(&self, attempt: &Activation) -> Result<()> {
        let who = attempt.who.trim();
        let (settings, now) = (&self.settings, self.env.now());
        settings.check_password("new", &attempt.password, &[who])?;
        let (most, lock_until) = (
            settings.most_failures,
            now.plus_seconds(settings.lock_seconds),
        );
        let given = code_hash(&attempt.code);
        let owner = transaction!(self.db, |tx| {
            let known = store::activation::find(tx, who).await?;
            let Some(known) = known else {
                self.refuse_code(tx, attempt, None, "unknown").await?;
                return Ok(None);
            };
            let login = &known.login;
            let counted = store::count_attempt(tx, login, most, now, lock_until, false).await?;
            let reason = match &known.code {
                _ if !counted && known.disabled => "disabled",
                _ if !counted => "locked",
                None => "no-code",
                Some((code, _)) if *code != given => "code",
                Some((_, until)) if *until <= now => "expired",
                Some(_) => {
                    store::activation::forgive(tx, known.account).await?;
                    return Ok(Some(known.account));
                }
            };
            self.refuse_code(tx, attempt, Some(known.account), reason)
                .await?;
            if counted {
                self.record_lock(tx, known.account, &attempt.address)
                    .await?;
            }
            Ok(None)
        })?;
        let Some(account) = owner else {
            return Err(self.wrong_code());
        };
        let owner = self.account(account, &Scope::All).await?;
        let hash = self.chosen("new", &attempt.password, &owner).await?;
        transaction!(self.db, |tx| {
            if !store::activation::take(tx, account, &given).await? {
                return Err(self.wrong_code());
            }
            store::passwords::set(tx, account, &hash, Some(now)).await?;
            self.remember(tx, account, &hash, now).await?;
            store::end_sessions(tx, account, &[]).await?;
            let actor = Actor {
                on_behalf: None,
                account: Some(account),
                address: attempt.address.clone(),
            };
            let entry = actor.audit("account.activated", ("account", account), json!({}));
            record(tx, &self.env, &entry).await
        })
    }

    fn wrong_code(&self) -> Error {
        let message = Msg::new("identity-code-refused")
            .with("most", self.settings.most_failures)
            .with("minutes", self.settings.lock_seconds / 60);
        Error::field("code", message)
    }

    async fn refuse_code(
        &self,
        tx: &mut Tx,
        attempt: &Activation,
        account: Option<AccountId>,
        reason: &str,
    ) -> Result<()> {
        let stranger = Actor {
            on_behalf: None,
            account: None,
            address: attempt.address.clone(),
        };
        let detail = json!({ "reason": reason });
        let entry = match account {
            Some(account) => stranger.audit("code.refused", ("account", account), detail),
            None => stranger.audit("code.refused", ("login", ""), detail),
        };
        record(tx, &self.env, &entry).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_are_read_as_they_are_typed() {
        let env = Env::system();
        let all: std::collections::BTreeSet<String> = (0..200).map(|_| new_code(&env)).collect();
        assert_eq!(all.len(), 200);
        for code in &all {
            assert_eq!(code.len(), 17);
            assert!(code.split('-').all(|group| group.len() == 5), "{code}");
            let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
            assert_eq!(code_hash(&typed), code_hash(code));
        }
        let bits = (LETTERS.len() as f64).log2() * LENGTH as f64;
        assert!(bits >= 60.0, "{bits}");
    }
}
