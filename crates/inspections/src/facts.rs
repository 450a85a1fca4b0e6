//! The facts of inspections: one a task with a result, and how much was found, by how grave it is.

use std::collections::BTreeMap;

use db::Tx;
use kernel::{AccountId, Error, FactId, Result};
use ledger::{Fact, PlaceId};

use crate::model::{Outcome, Plan, Task};
use crate::service::Inspections;

/// One a task with a result: host the unit that inspects, unit the one that is looked at, part the kind, quantity the
/// share of the points.
pub(crate) const INSPECTION: &str = "inspection";
/// One a degree of gravity: its quantity is how many were found, its part how grave they are.
pub(crate) const FINDING: &str = "inspection-finding";
/// The part of findings about which nobody said how grave they are.
const UNSAID: &str = "unsaid";

impl Inspections {
    /// Writes the facts of a result; those of the one before are taken back.
    pub(crate) async fn write_facts(
        &self,
        tx: &mut Tx,
        (p, t): (&Plan, &Task),
        o: &Outcome,
        severities: &[String],
        by: AccountId,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, t.id).await?;
        let ids: Vec<FactId> = standing.iter().map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, Some(by)).await?;
        }
        let wanted = [(p.host, o.on), (t.unit, o.on)];
        let paths = self.organization.paths_on(tx, &wanted).await?;
        for path in paths.values() {
            self.ledger.place(tx, path).await?;
        }
        let place = |unit| paths.get(&(unit, o.on)).map(|path| PlaceId::of(path));
        let host = place(p.host).ok_or(Error::NotFound)?;
        let unit = place(t.unit).ok_or(Error::NotFound)?;
        let now = self.env.now();
        let source = if o.paper.is_empty() { "form" } else { "paper" };
        let fact = |kind: &str, role: &str, quantity: Option<i64>| {
            let mut fact = Fact::new(self.env.new_id(), kind, host, o.on, t.id, source, now);
            fact.unit = Some(unit);
            fact.body = t.body;
            fact.category = Some(p.form.0.clone());
            fact.role = Some(role.to_owned());
            fact.quantity = quantity;
            fact.recorded_by = Some(by);
            fact.late = !o.paper.is_empty();
            fact
        };
        let mut held = fact(INSPECTION, &p.kind, o.score.share());
        let files = o.filled.answers.values().flat_map(|a| &a.files);
        held.evidence = files
            .chain(o.paper.iter().map(|f| &f.sha256))
            .cloned()
            .collect();
        held.evidence.sort();
        held.evidence.dedup();
        let mut facts = vec![held];
        let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
        for severity in severities {
            let role = if severity.is_empty() {
                UNSAID
            } else {
                severity
            };
            *counted.entry(role).or_default() += 1;
        }
        let found = counted.into_iter();
        facts.extend(found.map(|(role, n)| fact(FINDING, role, Some(n * 1_000))));
        self.ledger.append(tx, &facts).await
    }
}
