//! What is kept of an import: how far it is, its files, what was found in it.

use std::collections::BTreeMap;

use kernel::{AccountId, Error, FieldError, Id, Msg, PersonId, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Change;
use crate::sheet::Head;

/// Kind of a finding: something wrong.
pub(crate) const FAULT: &str = "fault";
/// Kind of a finding: somebody new who looks like somebody else.
pub(crate) const TWIN: &str = "twin";

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits for somebody to say what the columns mean.
    Mapping,
    /// It is read and checked.
    Checking,
    /// What it would do is known.
    Ready,
    /// It is written.
    Publishing,
    /// It is done.
    Done,
    /// Reading or publishing failed; the summary says why.
    Failed,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Mapping,
        Self::Checking,
        Self::Ready,
        Self::Publishing,
        Self::Done,
        Self::Failed,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::Checking => "checking",
            Self::Ready => "ready",
            Self::Publishing => "publishing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub fn from_code(code: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|s| s.code() == code);
        found.ok_or_else(|| Error::internal("no such state of an import"))
    }
}

/// A file of an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub name: String,
    /// Where it is held until the import is done or given up.
    pub held: String,
    pub heads: Vec<Head>,
}

/// A message as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub key: String,
    pub args: Vec<(String, String)>,
}

impl From<&Msg> for Note {
    fn from(message: &Msg) -> Self {
        let args = message.args.iter();
        Self {
            key: message.key.to_owned(),
            args: args.map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Changes by code of their kind.
    pub counts: BTreeMap<String, u64>,
    pub unchanged: u64,
    pub left_out: u64,
    pub faults: u64,
    /// People who look like others, and on whom nothing was said yet.
    pub twins: u64,
    /// Tells whether publishing would do what was shown.
    pub digest: String,
    /// What went wrong with the whole.
    pub note: Option<Note>,
}

impl Summary {
    /// How many units and people change.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// An import.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub id: Id,
    pub account: Option<AccountId>,
    pub state: State,
    pub files: Vec<Upload>,
    pub done: i64,
    pub total: i64,
    pub summary: Summary,
    pub touched_at: Timestamp,
}

impl Import {
    /// All heads, in the order by which rows name them.
    pub fn heads(&self) -> Vec<Head> {
        let heads = self.files.iter().flat_map(|f| f.heads.iter().cloned());
        heads.collect()
    }

    /// The names of its files.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
        names.join("、")
    }

    /// Whether somebody began to work on it and was interrupted.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Checking | State::Publishing)
            && self.touched_at.plus_seconds(60) < now
    }
}

/// A change, a fault or a twin of an import.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub kind: &'static str,
    pub address: String,
    pub code: String,
    pub name: String,
    pub detail: Value,
}

/// Somebody a twin looks like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Other {
    /// None: another row of the file.
    pub person: Option<PersonId>,
    pub staff_no: String,
    #[serde(default)]
    pub name: String,
    pub unit: String,
    pub post: String,
    /// Whether the identity number is the same too.
    #[serde(default)]
    pub same_number: bool,
    /// Cell of the other row.
    pub at: String,
}

/// A twin's own row and whom it looks like.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Twin {
    pub unit: String,
    pub post: String,
    pub others: Vec<Other>,
}

impl From<&Change> for Finding {
    fn from(change: &Change) -> Self {
        Self {
            kind: change.kind.code(),
            address: String::new(),
            code: change.code.clone(),
            name: change.name.clone(),
            detail: Value::Null,
        }
    }
}

impl From<&FieldError> for Finding {
    fn from(error: &FieldError) -> Self {
        Self {
            kind: FAULT,
            address: error.field.clone(),
            code: String::new(),
            name: String::new(),
            detail: json!(Note::from(&error.message)),
        }
    }
}

/// The outcome of a check for whoever waits for it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Changes by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// Units and people that are as stated already.
    pub unchanged: u64,
    /// What is wrong, the first thousand.
    pub faults: Vec<FieldError>,
    /// How much is wrong in all.
    pub fault_count: u64,
    /// New staff numbers of people who look like somebody else, with the other's number, the first thousand.
    pub twins: Vec<(String, String)>,
}
