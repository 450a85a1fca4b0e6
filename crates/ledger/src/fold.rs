//! Folding: facts become net changes of cells, presence and progress.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use db::Tx;
use kernel::{Period, Result, UnitId};

use crate::store::{self, CellKey, Delta, PresenceKey, ProgressKey};
use crate::{Component, Distinct, Fact, PlaceId};

/// Chains of units by place, root first.
pub(crate) type Places = HashMap<PlaceId, Arc<[UnitId]>>;

/// Net changes of a batch.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) cells: HashMap<CellKey, Delta>,
    pub(crate) presence: HashMap<PresenceKey, Vec<(PlaceId, i64)>>,
    pub(crate) progress: BTreeMap<ProgressKey, Delta>,
}

/// The period code under which a component keeps distinct persons.
pub(crate) fn distinct_period(distinct: Distinct, date: kernel::Date) -> i64 {
    match distinct {
        Distinct::Month => Period::month_code(date),
        Distinct::Year => i64::from(date.year()),
    }
}

impl Folded {
    /// Adds facts to the net changes.
    pub(crate) fn add<'a>(
        &mut self,
        facts: impl IntoIterator<Item = &'a Fact>,
        components: &[Component],
        places: &Places,
    ) {
        for fact in facts {
            let month = Period::month_code(fact.date);
            for c in components {
                if !c.definition.predicate.matches(fact) {
                    continue;
                }
                let Some(place) = c.definition.place(fact) else {
                    continue;
                };
                let Some(path) = places.get(&place) else {
                    continue;
                };
                let amount = c.definition.amount(fact);
                for node in path.iter() {
                    let d = self.cells.entry((c.id, *node, month)).or_default();
                    d.n += fact.sign;
                    d.sum += amount;
                }
                if let (Some(distinct), Some(person)) = (c.definition.distinct, fact.person) {
                    let period = distinct_period(distinct, fact.date);
                    let rows = self.presence.entry((c.id, period, person)).or_default();
                    match rows.iter_mut().find(|(p, _)| *p == place) {
                        Some((_, n)) => *n += fact.sign,
                        None => rows.push((place, fact.sign)),
                    }
                }
                if c.definition.progress
                    && let Some(subject) = c.definition.subject(fact, path.last().copied())
                {
                    let key = (c.id, subject, fact.date);
                    let d = self.progress.entry(key).or_default();
                    d.n += fact.sign;
                    d.sum += amount;
                }
            }
        }
    }

    /// Adds to the cells how the number of distinct persons changes, given where they counted before.
    pub(crate) fn count_persons(
        &mut self,
        before: &HashMap<PresenceKey, Vec<(PlaceId, i64)>>,
        places: &Places,
    ) {
        for (key, changes) in &self.presence {
            let old = before.get(key).map_or(&[][..], Vec::as_slice);
            for (node, change) in person_changes(old, changes, places) {
                self.cells.entry((key.0, node, key.1)).or_default().persons += change;
            }
        }
    }

    /// Writes all of it.
    pub(crate) async fn apply(mut self, tx: &mut Tx, mut places: Places) -> Result<()> {
        if !self.presence.is_empty() {
            let mut keys: Vec<_> = self.presence.keys().copied().collect();
            keys.sort_unstable();
            let before = store::presence(tx, &keys).await?;
            // A person may count elsewhere too: those places are not in the batch.
            complete_places(
                tx,
                &mut places,
                before.values().flatten().map(|(place, _)| *place),
            )
            .await?;
            self.count_persons(&before, &places);
            let rows: BTreeMap<_, _> = self
                .presence
                .iter()
                .flat_map(|(key, rows)| rows.iter().map(|(place, n)| ((*key, *place), *n)))
                .filter(|(_, n)| *n != 0)
                .collect();
            store::add_presence(tx, &rows).await?;
        }
        // Key order, so that two writers never wait for each other crosswise.
        let cells: BTreeMap<_, _> = self
            .cells
            .into_iter()
            .filter(|(_, d)| !d.is_zero())
            .collect();
        store::add_cells(tx, &cells).await?;
        self.progress.retain(|_, d| !d.is_zero());
        store::add_progress(tx, &self.progress).await
    }
}

/// For one person: the nodes at which they begin (+1) or cease (−1) to count.
pub(crate) fn person_changes(
    old: &[(PlaceId, i64)],
    changes: &[(PlaceId, i64)],
    places: &Places,
) -> Vec<(UnitId, i64)> {
    let path = |place: &PlaceId| places.get(place).map_or(&[][..], |p| &p[..]);
    let nodes: BTreeSet<UnitId> = changes
        .iter()
        .flat_map(|(place, _)| path(place).iter().copied())
        .collect();
    let at = |rows: &[(PlaceId, i64)], node: UnitId| -> i64 {
        rows.iter()
            .filter(|(place, _)| path(place).contains(&node))
            .map(|(_, n)| n)
            .sum()
    };
    nodes
        .into_iter()
        .map(|node| {
            let before = at(old, node);
            let after = before + at(changes, node);
            (node, i64::from(after > 0) - i64::from(before > 0))
        })
        .filter(|(_, change)| *change != 0)
        .collect()
}

/// Adds the chains of places that are not there yet.
pub(crate) async fn complete_places(
    tx: &mut Tx,
    places: &mut Places,
    wanted: impl Iterator<Item = PlaceId>,
) -> Result<()> {
    let missing: BTreeSet<PlaceId> = wanted.filter(|p| !places.contains_key(p)).collect();
    for chunk in missing.into_iter().collect::<Vec<_>>().chunks(500) {
        let read = store::places(tx, Some(chunk)).await?;
        places.extend(read.into_iter().map(|(id, path)| (id, path.into())));
    }
    Ok(())
}
