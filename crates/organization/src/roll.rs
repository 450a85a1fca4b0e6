//! The units and how many people each has, kept in memory as of a version: pages of long rosters and large
//! trees are found by arithmetic instead of being counted and sorted each time.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::{Tx, args};
use futures::future::try_join;
use kernel::{Date, Error, Period, Result, Scope, UnitId};
use web::table::Window;

use crate::audience::Rule;
use crate::model::{RosterEntry, Unit};
use crate::service::Organization;
use crate::store::{self, Half, RosterQuery, Spell};

/// Counts that are kept.
const KEPT: usize = 16;
/// From so many units on they are counted by halves.
const MANY_UNITS: usize = 500;
/// How long a second connection is waited for.
const A_MOMENT: Duration = Duration::from_millis(5);

/// All time.
const ALWAYS: Period = Period {
    from: Date::MIN,
    to: Date::MAX,
};

/// A day and the rule that people follow; empty: everybody.
type Asked = (Date, String);

/// All units by place and code, and who stands below whom.
#[derive(Debug)]
pub(crate) struct Roll {
    version: i64,
    units: Vec<Unit>,
    place: HashMap<UnitId, usize>,
    parent: Vec<Option<usize>>,
    below: Vec<Vec<usize>>,
    /// Every unit after the one above it.
    order: Vec<usize>,
    /// Each unit's own people who follow a rule on a day.
    own: Mutex<HashMap<Asked, Arc<Vec<i64>>>>,
    /// Who served where from when until when; loaded when many units are asked about.
    spells: Mutex<Option<Arc<Vec<Spell>>>>,
}

impl Roll {
    fn new(version: i64, units: Vec<Unit>) -> Self {
        let place: HashMap<UnitId, usize> = units.iter().map(|u| u.id).zip(0..).collect();
        let above = |u: &Unit| u.parent.and_then(|p| place.get(&p)).copied();
        let parent: Vec<Option<usize>> = units.iter().map(above).collect();
        let mut below = vec![Vec::new(); units.len()];
        for (n, parent) in parent.iter().enumerate() {
            if let Some(parent) = parent {
                below[*parent].push(n);
            }
        }
        let mut order: Vec<usize> = (0..units.len()).filter(|n| parent[*n].is_none()).collect();
        let mut at = 0;
        while at < order.len() {
            order.extend(&below[order[at]]);
            at += 1;
        }
        Self {
            version,
            units,
            place,
            parent,
            below,
            order,
            own: Mutex::default(),
            spells: Mutex::default(),
        }
    }

    /// Which units a scope reaches, by place.
    fn reached(&self, scope: &Scope) -> Vec<bool> {
        let Scope::Under(roots) = scope else {
            return vec![true; self.units.len()];
        };
        let mut reached = vec![false; self.units.len()];
        for root in roots.iter().filter_map(|r| self.place.get(r)) {
            reached[*root] = true;
        }
        for n in &self.order {
            if self.parent[*n].is_some_and(|p| reached[p]) {
                reached[*n] = true;
            }
        }
        reached
    }

    /// A unit and, if wanted, all below it, in the order of rosters.
    fn under(&self, unit: UnitId, subtree: bool) -> Vec<usize> {
        let mut found: Vec<usize> = self.place.get(&unit).copied().into_iter().collect();
        let mut at = 0;
        while subtree && at < found.len() {
            found.extend(&self.below[found[at]]);
            at += 1;
        }
        found.sort_unstable();
        found
    }

    async fn own(&self, tx: &mut Tx, date: Date) -> Result<Arc<Vec<i64>>> {
        self.counted((date, String::new()), store::own_counts(tx, date))
            .await
    }

    /// How many people each unit and the units below it have on a day.
    async fn people(&self, tx: &mut Tx, date: Date) -> Result<Vec<i64>> {
        let mut people = self.own(tx, date).await?.to_vec();
        for n in self.order.iter().rev() {
            if let Some(parent) = self.parent[*n] {
                people[parent] += people[*n];
            }
        }
        Ok(people)
    }

    /// The counts that are kept, or those that are loaded.
    async fn counted(
        &self,
        asked: Asked,
        load: impl Future<Output = Result<Vec<(UnitId, i64)>>>,
    ) -> Result<Arc<Vec<i64>>> {
        let kept = || self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = kept().get(&asked) {
            return Ok(own.clone());
        }
        let mut own = vec![0; self.units.len()];
        for (unit, count) in load.await? {
            if let Some(n) = self.place.get(&unit) {
                own[*n] = count;
            }
        }
        let own = Arc::new(own);
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(asked, own.clone());
        Ok(own)
    }

    /// Of some units: how many people they have in all, which of them hold the rows of a part, and how many
    /// rows of the first of those are before it.
    fn part(
        &self,
        units: impl Iterator<Item = usize>,
        own: &[i64],
        scope: &Scope,
        from: impl Fn(i64) -> i64,
        size: i64,
    ) -> (i64, Vec<UnitId>, i64) {
        let reached = self.reached(scope);
        let units: Vec<usize> = units.filter(|n| reached[*n] && own[*n] > 0).collect();
        let total: i64 = units.iter().map(|n| own[*n]).sum();
        let (part, skipped) = window(&units, own, from(total), size);
        let ids = units[part].iter().map(|n| self.units[*n].id).collect();
        (total, ids, skipped)
    }
}

/// The units that somebody sees on a day, and how many people each has with those below it.
#[derive(Debug, Clone)]
pub struct TreeView {
    roll: Arc<Roll>,
    seen: Vec<bool>,
    people: Vec<i64>,
}

impl TreeView {
    /// How many units are seen.
    pub fn len(&self) -> usize {
        self.seen.iter().filter(|seen| **seen).count()
    }

    /// Whether none is seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A unit that is seen.
    pub fn get(&self, id: UnitId) -> Option<&Unit> {
        let n = *self.roll.place.get(&id)?;
        self.seen[n].then(|| &self.roll.units[n])
    }

    /// The units with nothing above them that is seen.
    pub fn tops(&self) -> impl Iterator<Item = &Unit> {
        let above = |n: usize| self.roll.parent[n].is_some_and(|p| self.seen[p]);
        let tops = (0..self.seen.len()).filter(move |n| self.seen[*n] && !above(*n));
        tops.map(|n| &self.roll.units[n])
    }

    /// The units directly below one.
    pub fn below(&self, id: UnitId) -> impl Iterator<Item = &Unit> {
        let below = self.roll.place.get(&id).map(|n| &self.roll.below[*n]);
        let below = below.into_iter().flatten().filter(|n| self.seen[**n]);
        below.map(|n| &self.roll.units[*n])
    }

    /// How many people a unit and the units below it have.
    pub fn people(&self, id: UnitId) -> i64 {
        self.roll.place.get(&id).map_or(0, |n| self.people[*n])
    }
}

impl Organization {
    /// The units as of the version that a transaction sees.
    async fn roll(&self, tx: &mut Tx) -> Result<Arc<Roll>> {
        let version = store::version(tx).await?;
        let kept = || self.roll.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(roll) = kept().as_ref().filter(|roll| roll.version == version) {
            return Ok(roll.clone());
        }
        let units = store::units(tx, &Scope::All, "1=1", args![]).await?;
        let roll = Arc::new(Roll::new(version, units));
        let mut kept = kept();
        // A snapshot that is older than what is kept keeps its own.
        if kept.as_ref().is_none_or(|kept| kept.version < version) {
            *kept = Some(roll.clone());
        }
        Ok(roll)
    }

    /// The units in a scope, by place and code.
    pub async fn units(&self, scope: &Scope) -> Result<Vec<Unit>> {
        let roll = self.roll(&mut self.db.read().await?).await?;
        let reached = roll.reached(scope).into_iter();
        let units = roll
            .units
            .iter()
            .zip(reached)
            .filter(|(_, reached)| *reached);
        Ok(units.map(|(unit, _)| unit.clone()).collect())
    }

    /// This unit and every unit below it.
    pub async fn units_under(&self, top: UnitId) -> Result<Vec<UnitId>> {
        let roll = self.roll(&mut self.db.read().await?).await?;
        let under = roll.under(top, true).into_iter();
        Ok(under.map(|n| roll.units[n].id).collect())
    }

    /// The primary assignments in some units that touch a stretch, person by person in order of their days. Of
    /// many units they are kept in memory as of a version.
    pub async fn spells(&self, units: &[UnitId], period: Period) -> Result<Vec<Spell>> {
        let mut tx = self.db.read().await?;
        if units.len() < MANY_UNITS {
            let mut found = store::spells(&mut tx, Some(units), period).await?;
            found.sort_unstable_by_key(|s| (s.person, s.from));
            return Ok(found);
        }
        let roll = self.roll(&mut tx).await?;
        let kept = || roll.spells.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().clone();
        let all = match known {
            Some(all) => all,
            None => {
                let mut all = store::spells(&mut tx, None, ALWAYS).await?;
                all.sort_unstable_by_key(|s| (s.person, s.from));
                let all = Arc::new(all);
                *kept() = Some(all.clone());
                all
            }
        };
        let mut asked = vec![false; roll.units.len()];
        for unit in units {
            if let Some(n) = roll.place.get(unit) {
                asked[*n] = true;
            }
        }
        let here = |s: &&Spell| {
            s.from <= period.to
                && s.to.is_none_or(|to| to >= period.from)
                && roll.place.get(&s.unit).is_some_and(|n| asked[*n])
        };
        Ok(all.iter().filter(here).cloned().collect())
    }

    /// The units of a scope that stand on a day, and `also` one that does not.
    pub async fn unit_tree(
        &self,
        scope: &Scope,
        date: Date,
        also: Option<UnitId>,
    ) -> Result<TreeView> {
        let mut tx = self.db.read().await?;
        let roll = self.roll(&mut tx).await?;
        let people = roll.people(&mut tx, date).await?;
        let mut seen = roll.reached(scope);
        for (unit, seen) in roll.units.iter().zip(&mut seen) {
            *seen &= unit.stands(date) || also == Some(unit.id);
        }
        Ok(TreeView { roll, seen, people })
    }

    /// How many people several units and the units below them have on a day.
    pub async fn headcounts(&self, units: &[UnitId], date: Date) -> Result<HashMap<UnitId, i64>> {
        let mut tx = self.db.read().await?;
        let roll = self.roll(&mut tx).await?;
        let people = roll.people(&mut tx, date).await?;
        let count = |id: &UnitId| (*id, roll.place.get(id).map_or(0, |n| people[*n]));
        Ok(units.iter().map(count).collect())
    }

    /// A page of a roster, and how many people there are in all.
    pub async fn roster_page(
        &self,
        query: &RosterQuery,
        scope: &Scope,
        window: Window,
    ) -> Result<(i64, Vec<RosterEntry>)> {
        let mut tx = self.db.read().await?;
        if !query.text.trim().is_empty() || query.order.is_some() {
            let total = store::roster_count(&mut tx, query, scope).await?;
            let window = Some((window.size, window.offset(total)));
            let rows = store::roster(&mut tx, query, scope, window).await?;
            return Ok((total, rows));
        }
        let roll = self.roll(&mut tx).await?;
        let own = roll.own(&mut tx, query.date).await?;
        let units = roll.under(query.unit, query.subtree).into_iter();
        let offset = |total| window.offset(total);
        let (total, ids, skipped) = roll.part(units, &own, scope, offset, window.size);
        let rows = store::roster_of(&mut tx, &ids, query.date, window.size, skipped).await?;
        Ok((total, rows))
    }

    /// A part of the people an audience has on a day, and how many there are.
    pub async fn audience_page(
        &self,
        rule: &Rule,
        date: Date,
        scope: &Scope,
        limit: i64,
        offset: i64,
    ) -> Result<(i64, Vec<RosterEntry>)> {
        let mut tx = self.db.read().await?;
        // Where people serve is asked of the units, so that all scopes share the counts; but who is added by
        // name may serve anywhere.
        let (rule, under) = match rule.plus.is_empty() {
            true => (
                Rule {
                    under: None,
                    own: false,
                    ..rule.clone()
                },
                rule,
            ),
            false => (rule.clone(), &Rule::default()),
        };
        let asked = rule.on(date);
        let key = serde_json::to_string(&rule).map_err(Error::internal)?;
        let roll = self.roll(&mut tx).await?;
        let load = self.audience_counts(&mut tx, &roll, &asked);
        let own = roll.counted((date, key), load).await?;
        let units = match under.under {
            Some(top) => roll.under(top, !under.own),
            None => (0..roll.units.len()).collect(),
        };
        let units = units.into_iter();
        let (total, ids, skipped) = roll.part(units, &own, scope, |_| offset, limit);
        let rows = store::audience(&mut tx, &asked, &ids, limit, skipped).await?;
        Ok((total, rows))
    }
}

impl Organization {
    /// How many people of each unit belong to an audience. Many units are counted by halves side by side, if both
    /// readers see the same units and people.
    async fn audience_counts(
        &self,
        tx: &mut Tx,
        roll: &Roll,
        asked: &crate::audience::Asked<'_>,
    ) -> Result<Vec<(UnitId, i64)>> {
        // Whoever holds one connection must not wait for another: where none is free, one does it alone.
        let second = match roll.units.len() {
            0..MANY_UNITS => None,
            _ => tokio::time::timeout(A_MOMENT, self.db.read()).await.ok(),
        };
        let Some(second) = second else {
            return store::audience_counts(tx, asked, None).await;
        };
        let mut second = second?;
        if store::version(&mut second).await? != roll.version {
            return store::audience_counts(tx, asked, None).await;
        }
        let mut ids: Vec<UnitId> = roll.units.iter().map(|u| u.id).collect();
        let middle = ids.len() / 2;
        let (_, middle, _) = ids.select_nth_unstable(middle);
        let (below, from) = (Half::Below(*middle), Half::From(*middle));
        let (mut counts, more) = try_join(
            store::audience_counts(tx, asked, Some(below)),
            store::audience_counts(&mut second, asked, Some(from)),
        )
        .await?;
        counts.extend(more);
        Ok(counts)
    }
}

/// Which units the rows from one place on come from, and how many rows of the first of them are before it.
fn window(units: &[usize], own: &[i64], from: i64, size: i64) -> (Range<usize>, i64) {
    let (mut before, mut first, mut skipped) = (0, None, 0);
    for (at, n) in units.iter().enumerate() {
        if first.is_none() && before + own[*n] > from {
            (first, skipped) = (Some(at), from - before);
        }
        before += own[*n];
        if first.is_some() && before >= from.saturating_add(size) {
            return (first.unwrap_or(at)..at + 1, skipped);
        }
    }
    (first.unwrap_or(units.len())..units.len(), skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_together_are_the_whole(own in proptest::collection::vec(1i64..5, 0..20), size in 1i64..7) {
            let units: Vec<usize> = (0..own.len()).collect();
            let all: Vec<(usize, i64)> = units.iter().flat_map(|n| (0..own[*n]).map(move |m| (*n, m))).collect();
            let mut found = Vec::new();
            for from in (0..all.len() as i64).step_by(size as usize) {
                let (part, skipped) = window(&units, &own, from, size);
                prop_assert!(part.len() as i64 <= size);
                let rows = units[part].iter().flat_map(|n| (0..own[*n]).map(move |m| (*n, m)));
                found.extend(rows.skip(skipped as usize).take(size as usize));
            }
            prop_assert_eq!(found, all);
        }
    }
}
