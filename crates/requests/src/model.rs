//! What the crate speaks of.

use db::Tx;
use desk::Attached;
use futures::future::BoxFuture;
use kernel::{AccountId, Date, Id, PersonId, Result, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::case::Case;

/// Because of what something is asked for (来由).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What sort of record: `activity`, …
    pub kind: String,
    /// Its id.
    pub id: Id,
    /// What it was called then.
    pub title: String,
    /// Where it is shown.
    pub href: String,
}

/// Until when (期限).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A day.
    On(Date),
    /// So many days from today; one that ends on a day off ends on the next working day.
    In {
        /// How many.
        days: i64,
        /// Whether only working days are counted.
        working: bool,
    },
}

/// What is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Made with the form: what is sent twice is asked for once.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// What is wanted, in a line.
    pub title: String,
    /// What else there is to say.
    pub detail: String,
    /// The unit of which it is asked.
    pub unit: Option<UnitId>,
    /// The person of whom it is asked.
    pub person: Option<PersonId>,
    /// Until when.
    pub due: Due,
    /// Because of what.
    pub source: Option<Source>,
    /// The unit that asks.
    pub from: UnitId,
}

/// A request (事项、办理请求).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Id.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// What is wanted, in a line.
    pub title: String,
    /// What else there is to say.
    pub detail: String,
    /// The unit of which it is asked.
    pub unit: Option<UnitId>,
    /// The person of whom it is asked.
    pub person: Option<PersonId>,
    /// The unit whose people answer it: the one named, else that of the person when it was asked.
    pub home: UnitId,
    /// The unit that asks.
    pub from: UnitId,
    /// The account that asked.
    pub asked_by: AccountId,
    /// Its person.
    pub asked_person: Option<PersonId>,
    /// Because of what.
    pub source: Option<Source>,
    /// How it stands.
    pub case: Case,
    /// How often something happened to it: whoever acts says which state they looked at.
    pub version: i64,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
}

impl Request {
    /// Its page.
    pub fn href(&self) -> String {
        format!("/requests/{}", self.id)
    }
}

/// A record that an answer points to (相关记录).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    /// What it is called.
    pub title: String,
    /// Where it is shown, on this server.
    pub href: String,
}

/// What is said with an act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The version that was looked at; none: whatever it is.
    pub seen: Option<i64>,
    /// In words.
    pub text: String,
    /// Files that show it.
    pub files: Vec<Attached>,
    /// Records that show it.
    pub refs: Vec<Ref>,
}

/// Something that happened to a request (办理经过); nothing changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number in the request, from 1.
    pub seq: i64,
    /// What: `asked`, the code of an act, `reminded`, `escalated`.
    pub act: String,
    /// Who; none: by the clock.
    pub account: Option<AccountId>,
    /// Their person.
    pub person: Option<PersonId>,
    /// A day that belongs to it.
    pub day: Option<Date>,
    /// What was said.
    pub text: String,
    /// Files.
    pub files: Vec<Attached>,
    /// Records.
    pub refs: Vec<Ref>,
    /// When.
    pub at: Timestamp,
}

/// Which requests are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What waits for the reader (待我办).
    #[default]
    Todo,
    /// What the reader asked for (我提出的).
    Asked,
    /// What units ask or are asked where the reader may look (本单位的).
    Unit,
}

impl Tab {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Todo, Self::Asked, Self::Unit];

    /// Its word in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Asked => "asked",
            Self::Unit => "unit",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }
}

/// A feature that answers a kind itself: what is asked for is done on its pages, and the feature says when it is.
pub trait Owner: Send + Sync {
    /// Code of the kind.
    fn kind(&self) -> &'static str;

    /// Where it is done.
    fn href(&self, request: &Request) -> String;

    /// Something happened to a request of the kind, in the transaction in which it did.
    fn changed<'a>(
        &'a self,
        tx: &'a mut Tx,
        request: &'a Request,
        act: &'static str,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (tx, request, act);
        Box::pin(async { Ok(()) })
    }
}
