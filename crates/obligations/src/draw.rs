//! Random samples (随机抽查) of the records behind an obligation, which anybody can draw again: the seed is a hash of the
//! head of the ledger and of what was asked for, so nobody chooses it, and every record is as likely as any other.

use std::collections::BTreeMap;

use identity::Actor;
use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, Period, Result, Scope, Timestamp, UnitId,
};
use ledger::{Fact, Ledger};
use serde_json::json;
use sha2::{Digest, Sha256};
use web::table::Window;

use crate::{Obligations, Rule, store};

/// The largest sample.
pub const MOST: usize = 100;
/// The most records out of which one is drawn; more are drawn from part by part.
const MOST_RECORDS: usize = 100_000;
/// Facts read at once.
const PAGE: usize = 5_000;
/// The longest stretch, in days.
const LONGEST: i32 = 800;

/// What was asked for (抽查条件).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Code of the rule.
    pub rule: String,
    /// Of the records of this unit and those below.
    pub unit: UnitId,
    /// With a date in it.
    pub period: Period,
    /// So many.
    pub n: usize,
}

/// A sample as it was drawn (抽查结果).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Id.
    pub id: Id,
    /// What was asked for.
    pub wanted: Wanted,
    /// The ledger's log.
    pub log: Id,
    /// Its size.
    pub size: i64,
    /// The head of its tree, hex.
    pub root: String,
    /// How many records there were.
    pub records: usize,
    /// Hash of all of them in order, hex.
    pub digest: String,
    /// Those that were drawn, in the order of the draw.
    pub picked: Vec<Id>,
    /// By whom.
    pub by: AccountId,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// The text that is hashed to the seed.
pub fn seed_text(log: Id, size: i64, root: &str, wanted: &Wanted) -> String {
    let (from, to) = (
        kernel::format_date(wanted.period.from),
        kernel::format_date(wanted.period.to),
    );
    format!(
        "suneng draw\n{log}\n{size}\n{root}\n{}\n{}\n{from}\n{to}\n{}\n",
        wanted.rule, wanted.unit, wanted.n
    )
}

/// Draws: each record's place is the SHA-256 of the seed and its id as text, and the first so many are taken. The order in
/// which records are given, and giving one twice, change nothing.
pub fn draw(seed: &[u8; 32], records: &[Id], n: usize) -> Vec<Id> {
    let place = |id: &Id| -> [u8; 32] {
        let hash = Sha256::new().chain_update(seed);
        hash.chain_update(id.to_string()).finalize().into()
    };
    let mut places: Vec<([u8; 32], Id)> = records.iter().map(|id| (place(id), *id)).collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(n);
    places.into_iter().map(|(_, id)| id).collect()
}

/// The seed of a text.
pub fn seed_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// A hash of sorted records, a line each.
fn digest(records: &[Id]) -> String {
    let mut hash = Sha256::new();
    for id in records {
        hash.update(id.to_string());
        hash.update("\n");
    }
    hex::encode(hash.finalize())
}

impl Obligations {
    /// Draws a sample and keeps it. Every draw stays listed, so that nobody draws until it suits them.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope; `Conflict` when there are too many records.
    pub async fn sample(
        &self,
        wanted: Wanted,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Draw> {
        let actor = actor.into();
        let by = actor.account.ok_or(Error::Forbidden)?;
        let rule = self.rule(&wanted.rule)?;
        self.organization.unit(wanted.unit, scope).await?;
        let mut errors = Vec::new();
        let Period { from, to } = wanted.period;
        if to < from || (to - from).get_days() > LONGEST {
            errors.push(FieldError {
                field: "to".into(),
                message: Msg::new("obligation-period"),
            });
        }
        if !(1..=MOST).contains(&wanted.n) {
            errors.push(FieldError {
                field: "n".into(),
                message: Msg::new("draw-number").with("most", MOST),
            });
        }
        Error::if_any(errors)?;
        // Everything that was acknowledged is in the tree before its head is taken.
        self.ledger.settle().await?;
        let mut reading = self.ledger.reading().await?;
        let (log, size, root) = Ledger::head(reading.tx()).await?;
        drop(reading);
        let records = self.records(rule, &wanted, size).await?;
        let seed = seed_of(&seed_text(log, size, &root, &wanted));
        let drawn = Draw {
            id: self.env.new_id(),
            picked: draw(&seed, &records, wanted.n),
            records: records.len(),
            digest: digest(&records),
            wanted,
            log,
            size,
            root,
            by,
            on_behalf: actor.on_behalf,
            at: self.env.now(),
        };
        db::transaction!(self.db, |tx| {
            store::keep_draw(tx, &drawn).await?;
            let detail = json!({ "rule": drawn.wanted.rule, "unit": drawn.wanted.unit, "n": drawn.wanted.n, "size": size });
            let entry = actor.audit("draw.made", ("obligation-draw", drawn.id), detail);
            identity::record(tx, &self.env, &entry).await
        })?;
        Ok(drawn)
    }

    /// The records behind a rule as they stood when the ledger had a size, in order.
    async fn records(&self, rule: &Rule, wanted: &Wanted, size: i64) -> Result<Vec<Id>> {
        let mut reading = self.ledger.reading().await?;
        let mut found = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let (unit, period) = (wanted.unit, wanted.period);
            let rows = reading.rows(&rule.done_by, unit, period, Some(size), after, PAGE);
            let page = rows.await?;
            // A reading of today reaches past it: only what was asked for.
            let inside = page.facts.iter().filter(|f| period.contains(f.date));
            found.extend(inside.map(|f| f.subject));
            if found.len() > MOST_RECORDS {
                let message = Msg::new("draw-too-many").with("most", MOST_RECORDS);
                return Err(Error::Conflict(message));
            }
            after = page.next;
            if after.is_none() {
                return Ok(found.into_iter().collect());
            }
        }
    }

    /// Draws one again from the ledger as it was; whether it comes out the same, `None` when the rule is gone.
    pub async fn repeats(&self, d: &Draw) -> Result<Option<bool>> {
        let Some(rule) = self.rules.get(&d.wanted.rule) else {
            return Ok(None);
        };
        let records = self.records(rule, &d.wanted, d.size).await?;
        let seed = seed_of(&seed_text(d.log, d.size, &d.root, &d.wanted));
        let same = digest(&records) == d.digest && draw(&seed, &records, d.wanted.n) == d.picked;
        Ok(Some(same))
    }

    /// All records of a draw, for whoever wants to repeat it.
    pub async fn records_of(&self, d: &Draw) -> Result<Vec<Id>> {
        self.records(self.rule(&d.wanted.rule)?, &d.wanted, d.size)
            .await
    }

    /// One of them in a scope.
    pub async fn drawn(&self, id: Id, scope: &Scope) -> Result<Draw> {
        let found = store::draw(&mut self.db.read().await?, id, scope).await?;
        found.ok_or(Error::NotFound)
    }

    /// A page of them in a scope, newest first, and how many there are.
    pub async fn draws(&self, scope: &Scope, window: Window) -> Result<(Vec<Draw>, i64)> {
        store::draws(&mut self.db.read().await?, scope, window).await
    }

    /// A fact of each of these records that stands; those that were taken back since are left out.
    pub(crate) async fn facts_of(&self, rule: &Rule, picked: &[Id]) -> Result<BTreeMap<Id, Fact>> {
        let mut reading = self.ledger.reading().await?;
        let mut found = BTreeMap::new();
        // A sample is small.
        for id in picked {
            let standing = reading.standing(*id).await?;
            let meant = |f: &Fact| rule.done_by.predicate.matches(f);
            found.extend(standing.into_iter().find(meant).map(|f| (*id, f)));
        }
        Ok(found)
    }
}

/// A period of a form.
pub(crate) fn period(from: Option<Date>, to: Option<Date>) -> Option<Period> {
    Some(Period {
        from: from?,
        to: to?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(n: u64) -> Id {
        let mut bytes = [7; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        Id(bytes)
    }

    #[test]
    fn a_draw_can_be_repeated_with_other_tools() {
        // printf 'suneng draw\n' | sha256sum, and so on: the place of a record is the hash of 32 bytes and its text.
        let seed = seed_of("suneng draw\n");
        assert_eq!(hex::encode(seed), SEED);
        let place = Sha256::new()
            .chain_update(seed)
            .chain_update(id(1).to_string());
        assert_eq!(hex::encode(place.finalize()), PLACE);
    }

    const SEED: &str = "7eed5cb61cc7ca34f1f443c1fd7cd8547658c3723297ce8cb3fc8b372e347ee3";
    const PLACE: &str = "1b2bcc48f55d20877961fb7e1ac0e37143455aa4158ebb82ac8b437cccbbe1ee";

    #[test]
    fn every_record_is_as_likely() {
        let records: Vec<Id> = (0..20).map(id).collect();
        let mut times = BTreeMap::<Id, u32>::new();
        for n in 0..4_000 {
            let picked = draw(&seed_of(&format!("{n}")), &records, 5);
            picked
                .iter()
                .for_each(|id| *times.entry(*id).or_default() += 1);
        }
        // Each a quarter of 4,000 draws; five standard deviations are 137.
        assert_eq!(times.len(), 20);
        assert!(times.values().all(|n| n.abs_diff(1_000) < 137), "{times:?}");
    }

    proptest! {
        #[test]
        fn same_inputs_same_draw(
            records in prop::collection::vec(0u64..500, 0..60),
            n in 0usize..30,
            seed in any::<[u8; 32]>(),
            other in any::<[u8; 32]>(),
        ) {
            let records: Vec<Id> = records.into_iter().map(id).collect();
            let picked = draw(&seed, &records, n);
            let mut turned = records.clone();
            turned.reverse();
            turned.extend(records.first());
            prop_assert_eq!(&picked, &draw(&seed, &turned, n));
            let mut distinct = records.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(picked.len(), n.min(distinct.len()));
            prop_assert!(picked.iter().all(|id| distinct.contains(id)));
            // A larger sample begins with the smaller one; another seed is another order.
            prop_assert_eq!(&picked[..], &draw(&seed, &records, n + 5)[..picked.len()]);
            if distinct.len() > 20 && seed != other {
                prop_assert_ne!(draw(&seed, &records, 20), draw(&other, &records, 20));
            }
        }
    }
}
