//! The shape of a fact and its hash.

use kernel::{AccountId, ActivityId, Date, FactId, Id, PersonId, Timestamp, UnitId};
use sha2::{Digest, Sha256};

/// SHA-256, the hash of the tree.
pub type Hash = [u8; 32];

/// A place (归属): a unit with its chain of ancestors as they stood on the business date, interned. Its
/// number is the hash of that chain, so every node gives the same chain the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(pub i64);

impl PlaceId {
    /// The number of a chain of units, root first.
    pub fn of(path: &[UnitId]) -> Self {
        let mut hash = Sha256::new();
        for unit in path {
            hash.update(unit.as_bytes());
        }
        let digest = hash.finalize();
        let mut eight = [0; 8];
        eight.copy_from_slice(&digest[..8]);
        Self(i64::from_be_bytes(eight) & i64::MAX)
    }
}

/// One thing that happened. Holds ids, codes and numbers only, never names or free text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its id.
    pub id: FactId,
    /// What kind of thing: `held` (an activity took place), `attendance` (a person's part in it) …
    pub kind: String,
    /// The kind of activity or thing, a code of a pack (`friday-study`).
    pub category: Option<String>,
    /// The organising unit (主办单位) as of the event.
    pub host: PlaceId,
    /// The person's own unit as of the event; the host for facts about no person.
    pub unit: Option<PlaceId>,
    /// Party branch, group or team (组织).
    pub body: Option<Id>,
    /// The person, if it is about one.
    pub person: Option<PersonId>,
    /// The other person of a pair (talks, mentoring).
    pub other: Option<PersonId>,
    /// The person's part: `present`, `leave`, `absent`, `observer` …
    pub role: Option<String>,
    /// Business date, on which it counts.
    pub date: Date,
    /// Begin of the time span.
    pub starts: Option<Timestamp>,
    /// End of the time span.
    pub ends: Option<Timestamp>,
    /// Minutes that count as study time.
    pub minutes: Option<i64>,
    /// A quantity in thousandths.
    pub quantity: Option<i64>,
    /// How exact the quantity is (`over`, `at-least`, `nearly`, `unknown`); none means exact.
    pub qualifier: Option<String>,
    /// A score in hundredths.
    pub score: Option<i64>,
    /// What it is about: the feature's row (an activity, an attempt, a case).
    pub subject: Id,
    /// Hashes of evidence files.
    pub evidence: Vec<String>,
    /// How it came in: `roster`, `import`, `api`, `declared` …
    pub source: String,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// Who entered it; none for the program itself.
    pub recorded_by: Option<AccountId>,
    /// Entered later than the rule allows (补录).
    pub late: bool,
    /// 1, or −1 for a reversal.
    pub sign: i64,
    /// The fact that this one takes back.
    pub reverses: Option<FactId>,
}

impl Fact {
    /// A fact with the fields that every fact has; the others are empty.
    pub fn new(
        id: FactId,
        kind: &str,
        host: PlaceId,
        date: Date,
        subject: Id,
        source: &str,
        recorded_at: Timestamp,
    ) -> Self {
        Self {
            id,
            kind: kind.to_owned(),
            category: None,
            host,
            unit: Some(host),
            body: None,
            person: None,
            other: None,
            role: None,
            date,
            starts: None,
            ends: None,
            minutes: None,
            quantity: None,
            qualifier: None,
            score: None,
            subject,
            evidence: Vec::new(),
            source: source.to_owned(),
            recorded_at,
            recorded_by: None,
            late: false,
            sign: 1,
            reverses: None,
        }
    }

    /// The fact that takes this one back: same columns, sign −1.
    pub fn reversal(
        &self,
        id: FactId,
        recorded_at: Timestamp,
        recorded_by: Option<AccountId>,
    ) -> Self {
        Self {
            id,
            recorded_at,
            recorded_by,
            sign: -self.sign,
            reverses: Some(self.id),
            ..self.clone()
        }
    }

    /// The activity it is about, for facts whose subject is one.
    pub fn activity(&self) -> ActivityId {
        ActivityId(self.subject)
    }

    /// The leaf hash of RFC 6962 (SHA-256 of 0x00 and the canonical bytes). The chains of units go in
    /// whole, so that a changed place table shows too.
    pub fn leaf_hash(&self, host: &[UnitId], unit: &[UnitId]) -> Hash {
        let mut h = Canonical::new();
        h.bytes(self.id.as_bytes());
        h.text(Some(&self.kind));
        h.text(self.category.as_deref());
        h.path(host);
        h.int(self.unit.map(|_| 1));
        h.path(unit);
        h.opt_bytes(self.body.as_ref().map(|b| &b.0[..]));
        h.opt_bytes(self.person.as_ref().map(PersonId::as_bytes));
        h.opt_bytes(self.other.as_ref().map(PersonId::as_bytes));
        h.text(self.role.as_deref());
        h.text(Some(&kernel::format_date(self.date)));
        h.int(self.starts.map(|t| t.0));
        h.int(self.ends.map(|t| t.0));
        h.int(self.minutes);
        h.int(self.quantity);
        h.text(self.qualifier.as_deref());
        h.int(self.score);
        h.bytes(&self.subject.0);
        h.int(Some(self.evidence.len() as i64));
        for hash in &self.evidence {
            h.text(Some(hash));
        }
        h.text(Some(&self.source));
        h.int(Some(self.recorded_at.0));
        h.opt_bytes(self.recorded_by.as_ref().map(AccountId::as_bytes));
        h.int(Some(i64::from(self.late)));
        h.int(Some(self.sign));
        h.opt_bytes(self.reverses.as_ref().map(FactId::as_bytes));
        h.finish()
    }
}

/// Length-prefixed fields, so that no two facts share their bytes. The second byte is the version of
/// this layout.
struct Canonical(Vec<u8>);

impl Canonical {
    fn new() -> Self {
        let mut bytes = Vec::with_capacity(400);
        bytes.extend_from_slice(&[0x00, 1]);
        Self(bytes)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0
            .extend_from_slice(&(bytes.len() as u32 + 1).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn opt_bytes(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(b) => self.bytes(b),
            None => self.0.extend_from_slice(&[0; 4]),
        }
    }

    fn text(&mut self, text: Option<&str>) {
        self.opt_bytes(text.map(str::as_bytes));
    }

    fn int(&mut self, value: Option<i64>) {
        self.opt_bytes(value.map(i64::to_be_bytes).as_ref().map(|b| &b[..]));
    }

    fn path(&mut self, path: &[UnitId]) {
        self.0.extend_from_slice(&(path.len() as u32).to_be_bytes());
        for unit in path {
            self.0.extend_from_slice(unit.as_bytes());
        }
    }

    fn finish(self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_changes_the_hash() {
        let env = kernel::Env::with_clock(kernel::TestClock::noon(2026, 3, 6));
        let path = [env.new_id::<UnitId>(), env.new_id()];
        let base = Fact::new(
            env.new_id(),
            "held",
            PlaceId::of(&path),
            env.today(),
            env.new_id(),
            "roster",
            env.now(),
        );
        let hash = |f: &Fact| f.leaf_hash(&path, &path);
        type Change = Box<dyn Fn(&mut Fact)>;
        let changes: Vec<Change> = vec![
            Box::new(|f| f.kind.push('x')),
            Box::new(|f| f.category = Some(String::new())),
            Box::new(|f| f.role = Some("present".into())),
            Box::new(|f| f.minutes = Some(0)),
            Box::new(|f| f.score = Some(0)),
            Box::new(|f| f.quantity = Some(0)),
            Box::new(|f| f.unit = None),
            Box::new(|f| f.late = true),
            Box::new(|f| f.sign = -1),
            Box::new(|f| f.evidence.push("a".into())),
            Box::new(|f| f.reverses = Some(f.id)),
            Box::new(|f| f.recorded_at.0 += 1),
            Box::new(|f| f.starts = Some(Timestamp(0))),
            Box::new(|f| f.ends = Some(Timestamp(0))),
            Box::new(|f| f.date = f.date.tomorrow().unwrap()),
        ];
        let mut seen = vec![hash(&base)];
        for change in changes {
            let mut changed = base.clone();
            change(&mut changed);
            let h = hash(&changed);
            assert!(!seen.contains(&h), "{changed:?}");
            seen.push(h);
        }
        assert_ne!(hash(&base), base.leaf_hash(&path[..1], &path));
    }
}
