//! Findings (发现问题): what one room finds and another keeps until it is mended. A feature raises a finding in its own
//! transaction through [`Intake`], and knows nothing of who takes it.

use db::Tx;
use futures::future::BoxFuture;
use kernel::{AccountId, Id, PersonId, Result, UnitId};

/// Something that was found and has to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What makes it one and the same within its source: the same key twice is one finding.
    pub key: String,
    /// What sort of record found it: `activity`, `inspection`, …
    pub source_kind: &'static str,
    /// Its id.
    pub source_id: Id,
    /// What that is called.
    pub source_title: String,
    /// Where that is shown.
    pub source_href: String,
    /// Where findings of this sort come from, by the vocabulary of the packs (问题来源).
    pub origin: String,
    /// Kind of case, by the packs; empty: the first.
    pub kind: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What else there is to say.
    pub detail: String,
    /// How grave, by the packs; empty: the least.
    pub severity: String,
    /// Field of work, by the packs; may be empty.
    pub area: String,
    /// Article that is broken, by the packs; may be empty.
    pub clause: String,
    /// The unit that has to mend it.
    pub unit: UnitId,
    /// The person who has to.
    pub owner: Option<PersonId>,
    /// The unit that found it.
    pub from: UnitId,
}

/// What proves that something was mended (佐证).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its name on the sender's machine.
    pub name: String,
    /// Hash of its content.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// How a finding was mended on the spot, before it was raised (即知即改). Its owner is who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// How.
    pub how: String,
    /// What proves it.
    pub files: Vec<Proof>,
}

/// On whose account a finding is raised; none: the program's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finder {
    /// The account.
    pub account: Option<AccountId>,
    /// In whose place it acts.
    pub on_behalf: Option<AccountId>,
    /// Network address; empty when it is not known.
    pub address: String,
}

/// How a finding stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id where it is kept.
    pub id: Id,
    /// The key that it was raised with.
    pub key: String,
    /// Its number.
    pub number: String,
    /// Where it is shown.
    pub href: String,
    /// Whether it is mended or ended otherwise.
    pub closed: bool,
}

/// Whoever keeps findings until they are mended.
pub trait Intake: Send + Sync {
    /// Takes a finding in the transaction of whoever found it; one that was raised before stays as it is.
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        finding: &'a Finding,
        by: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>>;

    /// Takes a finding that was mended on the spot: it is looked at by somebody else and then closed. Where nobody knows
    /// such a short path it is taken as any other.
    fn raise_mended<'a>(
        &'a self,
        tx: &'a mut Tx,
        finding: &'a Finding,
        mended: &'a Mended,
        by: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        let _ = mended;
        self.raise(tx, finding, by)
    }

    /// What came of the findings of a record.
    fn of_source<'a>(
        &'a self,
        tx: &'a mut Tx,
        kind: &'a str,
        id: Id,
    ) -> BoxFuture<'a, Result<Vec<Found>>>;
}
