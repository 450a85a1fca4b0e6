//! Components: what the rollups count. An indicator is made of one or more of them.

use kernel::{Id, PersonId, UnitId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Fact, Hash, PlaceId, Predicate};

/// What is added up beside the number of facts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing: the number of facts is all.
    #[default]
    None,
    /// Study minutes.
    Minutes,
    /// Quantity, thousandths.
    Quantity,
    /// Score, hundredths.
    Score,
}

/// Whose place a fact counts for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The organising unit.
    Host,
    /// The person's own unit.
    #[default]
    Unit,
    /// The person: progress is kept by person, numbers by their unit.
    Person,
    /// The body: progress is kept by body, numbers by the organising unit.
    Body,
    /// The two people of a pair, whichever comes first: progress is kept by [`pair`], numbers by the
    /// organising unit.
    Pair,
}

/// Over which period distinct persons are kept ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distinct {
    /// Per calendar month.
    Month,
    /// Per calendar year.
    Year,
}

/// The one id of two people, in whichever order they are named.
pub fn pair(one: PersonId, other: PersonId) -> Id {
    let mut hash = Sha256::new();
    hash.update(one.min(other).as_bytes());
    hash.update(one.max(other).as_bytes());
    let digest: Hash = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Id(id)
}

/// A definition: which facts, what of them, for whom. Two equal definitions are one component; a
/// changed one is a new component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Which facts.
    #[serde(rename = "where")]
    pub predicate: Predicate,
    /// What is added up.
    #[serde(default)]
    pub value: Value,
    /// For whom.
    #[serde(default)]
    pub axis: Axis,
    /// Whether distinct persons are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<Distinct>,
    /// Whether obligations look at it: kept by day and by the unit itself, or by whom the axis names.
    #[serde(default)]
    pub progress: bool,
}

/// A definition as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its number in the rollups.
    pub id: i64,
    /// What it counts.
    pub definition: Definition,
    /// Leaves folded by the backfill so far.
    pub done: i64,
    /// Leaves that were there when it was defined.
    pub upto: i64,
}

impl Definition {
    /// Canonical JSON, the identity of the definition.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a definition has only plain fields")
    }

    /// Hash of the canonical JSON.
    pub fn hash(&self) -> Hash {
        Sha256::digest(self.json().as_bytes()).into()
    }

    /// The place for which a fact counts; `None` when it counts for nobody.
    pub fn place(&self, fact: &Fact) -> Option<PlaceId> {
        match self.axis {
            Axis::Host | Axis::Body | Axis::Pair => Some(fact.host),
            Axis::Unit | Axis::Person => fact.unit,
        }
    }

    /// Whose progress a fact is, given the unit for which it counts.
    pub(crate) fn subject(&self, fact: &Fact, own: Option<UnitId>) -> Option<Id> {
        match self.axis {
            Axis::Host | Axis::Unit => own.map(Id::from),
            Axis::Person => fact.person.map(Id::from),
            Axis::Body => fact.body,
            Axis::Pair => Some(pair(fact.person?, fact.other?)),
        }
    }

    /// The number added up for a fact, with its sign.
    pub fn amount(&self, fact: &Fact) -> i64 {
        let value = match self.value {
            Value::None => None,
            Value::Minutes => fact.minutes,
            Value::Quantity => fact.quantity,
            Value::Score => fact.score,
        };
        value.unwrap_or(0) * fact.sign
    }
}

impl Component {
    /// Whether old facts are still being folded: its number is not known yet.
    pub fn computing(&self) -> bool {
        self.done < self.upto
    }
}
