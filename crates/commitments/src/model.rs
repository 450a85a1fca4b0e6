//! What the crate speaks of.

use std::collections::BTreeMap;

use kernel::{Date, Id, PersonId, Timestamp, UnitId, format_date};
use sha2::{Digest, Sha256};

/// Where a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundState {
    /// Letters are being signed (签订中).
    Open,
    /// Closed; what is signed stays (已结束).
    Closed,
    /// A later one took its place (已更新).
    Replaced,
}

impl RoundState {
    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Replaced => "replaced",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Replaced]
            .into_iter()
            .find(|s| s.code() == code)
    }
}

/// Letters of one kind given out together (一批).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The kind as it was, as JSON by hash.
    pub rule: String,
    /// The unit that gives them out.
    pub unit: UnitId,
    /// Title.
    pub title: String,
    /// By when they are to be signed.
    pub due: Date,
    /// When they were given out.
    pub issued_on: Date,
    /// Where it stands.
    pub state: RoundState,
    /// The round whose place it took.
    pub replaces: Option<Id>,
    /// Letters of it.
    pub named: i64,
    /// Those that are whole.
    pub signed: i64,
}

/// Whom letters are given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Everybody of the unit and those below it.
    All,
    /// The people of an audience.
    Audience(Id),
    /// Who is in charge of each unit below, with who is in charge of the unit above that one.
    Heads,
}

/// A round to be given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRound {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit that gives them out.
    pub unit: UnitId,
    /// Title.
    pub title: String,
    /// By when they are to be signed.
    pub due: Date,
    /// To whom.
    pub whom: Whom,
    /// The round whose place it takes.
    pub replaces: Option<Id>,
}

/// A letter of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Id.
    pub id: Id,
    /// Its round.
    pub round: Id,
    /// Who signs.
    pub person: PersonId,
    /// The unit they are counted in.
    pub unit: UnitId,
    /// Who countersigns, where it is a pair.
    pub superior: Option<PersonId>,
    /// What they filled in.
    pub given: BTreeMap<String, String>,
    /// The hash of what was signed.
    pub hash: Option<String>,
    /// When they signed.
    pub signed_at: Option<Timestamp>,
    /// The hash of the countersignature.
    pub counter_hash: Option<String>,
    /// When the superior signed.
    pub countersigned_at: Option<Timestamp>,
}

impl Letter {
    /// Whether all signed who must.
    pub fn is_whole(&self) -> bool {
        match self.superior {
            Some(_) => self.countersigned_at.is_some(),
            None => self.signed_at.is_some(),
        }
    }

    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/commitments/letters/{}", self.id)
    }

    /// What a signature stands for: the text, who, what they filled in, when.
    pub(crate) fn hashed(&self, round: &Round, text: &str, at: Timestamp) -> String {
        let given: Vec<String> = self.given.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let parts = [
            round.id.to_string(),
            round.title.clone(),
            format_date(round.issued_on),
            text.to_owned(),
            self.id.to_string(),
            self.person.to_string(),
            self.superior.map(|p| p.to_string()).unwrap_or_default(),
            given.join("\n"),
            at.0.to_string(),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }

    /// What the countersignature stands for.
    pub(crate) fn counter_hashed(&self, at: Timestamp) -> String {
        let first = self.hash.as_deref().unwrap_or_default();
        let who = self.superior.map(|p| p.to_string()).unwrap_or_default();
        hex::encode(Sha256::digest(format!("{first}\n{who}\n{}", at.0)))
    }
}
