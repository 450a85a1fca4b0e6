//! What the crate speaks of.

use kernel::{AccountId, Date, Error, Id, Msg, PersonId, Result, Timestamp, UnitId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use web::Access;

use crate::case::{Case, State};

/// Who acts, with which account, from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person.
    pub person: PersonId,
    /// Their account.
    pub account: AccountId,
    /// In whose place the account acted, where it acts for another.
    pub on_behalf: Option<AccountId>,
    /// Network address; empty when it is not known.
    pub address: String,
}

impl By {
    /// Who asks.
    ///
    /// # Errors
    /// `Conflict` for an account that belongs to no person: only people ask and decide.
    pub fn of(access: &Access) -> Result<Self> {
        let nobody = || Error::Conflict(Msg::new("approvals-person-only"));
        Ok(Self {
            person: access.principal.person.ok_or_else(nobody)?,
            account: access.principal.account,
            on_behalf: access.on_behalf,
            address: access.address.clone(),
        })
    }
}

/// Something to be asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct New {
    /// Its id, made with the form: what is sent twice is asked for once.
    pub id: Id,
    /// Code of the kind.
    pub kind: &'static str,
    /// The unit in which it is decided.
    pub unit: UnitId,
    /// Whom it is about.
    pub subject: Option<PersonId>,
    /// What the kind applies in the end, with all that a reader must know to decide.
    pub payload: Value,
}

/// An approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit in which it is decided.
    pub unit: UnitId,
    /// What was asked for in the present round.
    pub payload: Value,
    /// SHA-256 of that, as it was stored.
    pub hash: String,
    /// Whether the content still has the hash it was sent with.
    pub intact: bool,
    /// Who, which route, how it stands.
    pub case: Case,
    /// The unit in which those of the present step were found.
    pub at_unit: UnitId,
    /// Until when the present step is to be decided.
    pub due: Option<Date>,
    /// When its content was erased along with the personal data of whom it was about; hashes and signatures stay.
    pub erased_at: Option<Timestamp>,
    /// When it was first sent.
    pub created_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
    pub(crate) version: i64,
}

/// The hash of what is asked for and signed.
pub(crate) fn hash_of(id: Id, round: i64, payload: &str) -> String {
    hex::encode(Sha256::digest(format!("{id}\n{round}\n{payload}")))
}

/// Something that happened to an approval (流转记录); nothing changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the approval, from 1.
    pub seq: i64,
    /// In which round.
    pub round: i64,
    /// At which step.
    pub step: i64,
    /// What: `sent`, `agreed`, `returned`, `refused`, `delegated`, `added`, `withdrawn`, `reminded`, `passed-on`,
    /// `overdue`, `not-applied`, `applied`.
    pub act: String,
    /// Who; none: by the clock.
    pub person: Option<PersonId>,
    /// For whom they acted.
    pub acted_for: Option<PersonId>,
    /// Who was brought in.
    pub other: Option<PersonId>,
    /// What was said.
    pub reason: String,
    /// Why it could not be done: message key and arguments.
    pub problem: Option<(String, Vec<(String, String)>)>,
    /// The hash that was signed.
    pub signed: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What somebody wants to do to an approval.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `agree`, `return`, `refuse`, `delegate`, `add`, `withdraw` or `remind`.
    pub act: String,
    /// Round and step that they looked at.
    pub seen: (i64, i64),
    /// What they say.
    pub reason: String,
    /// Staff number of who is brought in.
    pub other: String,
    /// Their password, where agreeing is a signature.
    pub password: String,
}

/// Which approvals are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// Those that wait for me (待我审批).
    #[default]
    Waiting,
    /// Those I asked for (我发起的).
    Mine,
    /// Those I had a part in (我已办的).
    Done,
    /// All in the units where I may look (全部).
    All,
}

impl Tab {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Mine, Self::Done, Self::All];

    /// Its word in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Mine => "mine",
            Self::Done => "done",
            Self::All => "all",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }
}

/// An approval that waits for somebody, for the home page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Id.
    pub id: Id,
    /// Message key of the kind's name.
    pub title: &'static str,
    /// What it is about.
    pub about: String,
    /// The unit.
    pub unit: UnitId,
    /// Until when.
    pub due: Option<Date>,
    /// Where it is decided.
    pub href: String,
    /// Message key of what to do.
    pub verb: &'static str,
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; so it stands now.
    Done(State),
    /// All agreed, but a rule forbids it: it stays open. The message says why.
    NotApplied(Msg),
}
