//! What the crate speaks of.

use kernel::{AccountId, Date, Id, PersonId, Timestamp, UnitId};

/// On whose behalf something is done, and from where (操作者).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The account; none for the program itself and for strangers.
    pub account: Option<AccountId>,
    /// In whose place it acts (被代办人), by a delegation.
    pub on_behalf: Option<AccountId>,
    /// Network address; empty when it is not known.
    pub address: String,
}

impl From<AccountId> for Actor {
    fn from(account: AccountId) -> Self {
        Self {
            account: Some(account),
            on_behalf: None,
            address: String::new(),
        }
    }
}

impl Actor {
    /// An entry of the audit trail about what this actor does.
    pub fn audit(
        &self,
        action: &'static str,
        object: (&'static str, impl ToString),
        detail: serde_json::Value,
    ) -> Audit {
        Audit {
            actor: self.account,
            on_behalf: self.on_behalf,
            action,
            object: (object.0, object.1.to_string()),
            detail,
            address: self.address.clone(),
        }
    }
}

/// Who did something, as records keep it (经办人): the account, in whose place, and the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Author {
    /// The account; none for the program itself.
    pub account: Option<AccountId>,
    /// In whose place it acts.
    pub on_behalf: Option<AccountId>,
    /// The person, where it is known.
    pub person: Option<PersonId>,
}

impl From<&Actor> for Author {
    fn from(actor: &Actor) -> Self {
        Self::of(actor, None)
    }
}

impl Author {
    /// An account that acts, and its person.
    pub fn of(actor: &Actor, person: Option<PersonId>) -> Self {
        Self {
            account: actor.account,
            on_behalf: actor.on_behalf,
            person,
        }
    }

    /// Whether two are one and the same, also through a deputy or another account.
    pub fn is_same(&self, other: &Self) -> bool {
        let accounts = |a: &Self| [a.account, a.on_behalf];
        let shared = accounts(self)
            .into_iter()
            .flatten()
            .any(|a| accounts(other).contains(&Some(a)));
        shared || (self.person.is_some() && self.person == other.person)
    }
}

/// An entry of the audit trail (审计记录), to be written with [`crate::record`].
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// Who did it.
    pub actor: Option<AccountId>,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// What was done, for example `account.disabled`.
    pub action: &'static str,
    /// Kind and id of what it was done to.
    pub object: (&'static str, String),
    /// What else is worth knowing; no secrets.
    pub detail: serde_json::Value,
    /// From which network address.
    pub address: String,
}

/// An entry that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Id.
    pub id: Id,
    /// When.
    pub at: Timestamp,
    /// Login name of who did it.
    pub login: Option<String>,
    /// Login name of the one in whose place it was done.
    pub on_behalf: Option<String>,
    /// What was done.
    pub action: String,
    /// Kind of what it was done to.
    pub object_kind: String,
    /// Id of what it was done to.
    pub object_id: String,
    /// JSON.
    pub detail: String,
    /// Network address.
    pub address: String,
}

/// How an account stands (账号状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// In use.
    Active,
    /// Its password is still to be chosen.
    New,
    /// After too many mistakes, for a while.
    Locked,
    /// Disabled.
    Disabled,
}

impl AccountState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::New, Self::Locked, Self::Disabled];

    /// Its code in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::New => "new",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
        }
    }

    /// By its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl Account {
    /// How it stands at an instant.
    pub fn state(&self, now: Timestamp) -> AccountState {
        if self.disabled_at.is_some() {
            AccountState::Disabled
        } else if self.locked_until.is_some_and(|t| t > now) {
            AccountState::Locked
        } else if self.password_changed_at.is_none() {
            AccountState::New
        } else {
            AccountState::Active
        }
    }
}

/// Which accounts are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Part of the login or name; empty: any.
    pub text: String,
    /// That stand so.
    pub state: Option<AccountState>,
    /// That hold this role today.
    pub role: Option<String>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
    /// What was done: the whole action or its first part (`account` finds `account.disabled`).
    pub action: String,
    /// Login name of who did it; part of it is enough.
    pub login: String,
    /// What it was done to: kind, id, or part of an account's login name.
    pub object: String,
    /// Network address; its beginning is enough.
    pub address: String,
    /// On a page, instead of the newest first.
    pub oldest_first: bool,
}

/// A role on a unit, to be granted (授权).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// Code of the role.
    pub role: String,
    /// The top of the subtree it reaches.
    pub unit: UnitId,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
}

/// How a new account gets its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewPassword {
    /// Not yet: nobody can sign in.
    None,
    /// The one given here.
    Given(String),
    /// One made up here and shown once, to be changed at the first sign-in.
    OneTime,
}

/// An account to be opened (开户).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Login name; kept in lower case.
    pub login: String,
    /// Whose it is; none for a technical account.
    pub person: Option<PersonId>,
    /// The unit whose administrators look after it, besides that of its person.
    pub unit: Option<UnitId>,
    /// Its password.
    pub password: NewPassword,
    /// Its first roles.
    pub grants: Vec<NewGrant>,
}

/// An account that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub account: AccountId,
    /// The one-time password, when one was asked for. It is kept nowhere.
    pub one_time: Option<String>,
}

/// An account (账号).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Login name.
    pub login: String,
    /// Whose it is.
    pub person: Option<PersonId>,
    /// Staff number of that person.
    pub staff_no: Option<String>,
    /// Name of that person.
    pub name: Option<String>,
    /// When its holder last chose the password; none: never.
    pub password_changed_at: Option<Timestamp>,
    /// Since when nobody can sign in with it.
    pub disabled_at: Option<Timestamp>,
    /// Until when it is locked after failed sign-ins.
    pub locked_until: Option<Timestamp>,
    /// When it was opened.
    pub created_at: Timestamp,
}

impl Account {
    /// What its password may not contain.
    pub(crate) fn names(&self) -> [&str; 2] {
        [&self.login, self.staff_no.as_deref().unwrap_or_default()]
    }
}

/// A role on a unit, granted to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Id.
    pub id: Id,
    /// To whom.
    pub account: AccountId,
    /// Code of the role.
    pub role: String,
    /// Where.
    pub unit: UnitId,
    /// Name of the unit.
    pub unit_name: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it holds on a day.
    pub fn holds(&self, day: Date) -> bool {
        self.revoked_at.is_none() && self.from <= day && self.to.is_none_or(|to| day <= to)
    }
}

/// A role (角色).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Code.
    pub code: String,
    /// Name in both languages.
    pub name: commons::packs::Name,
    /// What its holders may do.
    pub permissions: Vec<String>,
    /// The duty that goes with it.
    pub duty: Option<Duty>,
    /// It is granted with a last day or not at all.
    pub needs_end: bool,
    /// The offices in bodies that bring it.
    pub offices: Vec<Office>,
}

/// An office in bodies of a kind (组织职务), such as secretary of a party branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Kind of the body.
    pub kind: String,
    /// Role in the body.
    pub code: String,
    /// Name of that role in both languages.
    pub name: commons::packs::Name,
}

/// A role held through an office, while that lasts (因职授权): on the unit that keeps the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeRole {
    /// Who holds it.
    pub account: AccountId,
    /// Code of the role.
    pub role: String,
    /// Where.
    pub unit: UnitId,
    /// Name of that unit.
    pub unit_name: String,
    /// Name of the body.
    pub body: String,
    /// Name of the office.
    pub office: commons::packs::Name,
    /// First day in office.
    pub from: Date,
    /// Last day.
    pub to: Option<Date>,
}

/// A duty of an administrator (三员); no account has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// System administrator (系统管理员): units, settings, accounts.
    System,
    /// Security administrator (安全管理员): roles and grants.
    Security,
    /// Auditor (审计管理员): the audit trail.
    Audit,
}

impl Duty {
    /// Its word in packs and tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Security => "security",
            Self::Audit => "audit",
        }
    }

    /// The duty with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::System, Self::Security, Self::Audit]
            .into_iter()
            .find(|duty| duty.code() == code)
    }
}

/// Through which door somebody signs in (登录途径).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Door {
    /// The password kept here.
    #[default]
    Password,
    /// The password of an LDAP directory.
    Ldap,
    /// An OpenID Connect provider.
    Oidc,
}

impl Door {
    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Ldap => "ldap",
            Self::Oidc => "oidc",
        }
    }

    /// Message key of its name.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Password => "identity-door-password",
            Self::Ldap => "identity-door-ldap",
            Self::Oidc => "identity-door-oidc",
        }
    }

    /// The door with this word.
    pub(crate) fn from_code(code: &str) -> Self {
        let all = [Self::Ldap, Self::Oidc];
        let found = all.into_iter().find(|door| door.code() == code);
        found.unwrap_or_default()
    }
}

/// A session (会话), as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its token.
    pub hash: Vec<u8>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// Network address.
    pub address: String,
    /// Browser, in its own words.
    pub agent: String,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Through which door it came.
    pub door: Door,
    /// A second factor was asked for at the provider.
    pub trusted: bool,
}

/// A sign-in attempt.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// Login name as typed.
    pub login: String,
    /// Password as typed.
    pub password: String,
    /// Network address.
    pub address: String,
    /// The browser's own words.
    pub agent: String,
    /// Token that the browser held before; its session ends.
    pub replaces: Option<String>,
}
