//! Writing: facts, reversals, definitions.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use db::{Db, Tx};
use kernel::{AccountId, Date, Env, Error, FactId, Id, Msg, Period, PersonId, Result, UnitId};

use crate::fold::{Folded, Places, complete_places};
use crate::memo::Memo;
use crate::store::{self, Head};
use crate::{Component, Definition, Fact, Hash, PlaceId, Reading};

/// A tail longer than this makes bulk writers wait and others get 503 …
pub const TAIL_LIMIT: i64 = 20_000;
/// … and so does one whose first fact waits longer than this.
const TAIL_LIMIT_SECONDS: i64 = 15;

/// The ledger of one tenant; cheap to clone.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) env: Env,
    places: RwLock<Places>,
    /// Components as of a number of definitions, kept while none of them is being computed.
    components: RwLock<Option<(i64, Arc<Vec<Component>>)>>,
    /// Numbers counted from facts, kept while their days get no new ones.
    pub(crate) memo: Memo,
    tail: AtomicI64,
    /// Age of the first fact of the tail when it was measured last, in seconds.
    age: AtomicI64,
}

impl Ledger {
    /// Opens the ledger in a migrated database; makes its head when there is none.
    pub async fn open(db: Db, env: Env) -> Result<Self> {
        let there = { store::head(&mut db.read().await?).await.is_ok() };
        if !there {
            db::transaction!(db, |tx| store::init_head(tx, &env).await)?;
        }
        Ok(Self(Arc::new(Inner {
            db,
            env,
            places: RwLock::default(),
            components: RwLock::default(),
            memo: Memo::default(),
            tail: AtomicI64::new(0),
            age: AtomicI64::new(0),
        })))
    }

    /// The number of a chain of units (root first), written when it is new. Call it in the transaction
    /// that writes the facts.
    pub async fn place(&self, tx: &mut Tx, path: &[UnitId]) -> Result<PlaceId> {
        if path.is_empty() {
            return Err(Error::internal("a fact needs a unit"));
        }
        let id = PlaceId::of(path);
        // Known chains were read from a committed state, so they need no write.
        if !self.read_places().contains_key(&id) {
            store::insert_place(tx, id, path).await?;
        }
        Ok(id)
    }

    /// Refuses new work while the tail is too long, so that it cannot grow without bound.
    ///
    /// # Errors
    /// `Busy`.
    pub fn admit(&self) -> Result<()> {
        let long = self.0.tail.load(Ordering::Relaxed) > TAIL_LIMIT;
        if long || self.0.age.load(Ordering::Relaxed) > TAIL_LIMIT_SECONDS {
            return Err(Error::Busy { retry_after: 2 });
        }
        Ok(())
    }

    /// Writes facts inside the feature's own transaction; they count from its commit on.
    ///
    /// # Errors
    /// `Conflict` for a business date in the future; a planned thing is no fact yet.
    pub async fn append(&self, tx: &mut Tx, facts: &[Fact]) -> Result<()> {
        let today = self.0.env.today();
        if let Some(f) = facts.iter().find(|f| f.date > today) {
            return Err(Error::Conflict(
                Msg::new("fact-in-future").with("date", kernel::format_date(f.date)),
            ));
        }
        store::insert_facts(tx, facts, true).await?;
        self.0.tail.fetch_add(facts.len() as i64, Ordering::Relaxed);
        Ok(())
    }

    /// Writes many facts and seals them in the same transaction. The caller gives at most a few thousand
    /// at once, so that no transaction lasts long.
    pub async fn append_sealed(&self, facts: &[Fact]) -> Result<()> {
        let places = db::transaction!(self.0.db, |tx| {
            let head = store::head(tx).await?;
            if !store::fence(tx, &head, None).await? {
                return Err(Error::Retry("the ledger grew meanwhile".into()));
            }
            store::insert_facts(tx, facts, false).await?;
            self.grow(tx, &head, facts).await?;
            self.places_of(tx, facts).await
        })?;
        self.remember_places(&places);
        Ok(())
    }

    /// Starts a new log after the database was set back to an earlier state (a restored backup), so that
    /// checkpoints of facts that are gone are not taken for tampering. `verify` names it.
    pub async fn start_new_log(&self, reason: &str) -> Result<()> {
        db::transaction!(self.0.db, |tx| {
            let head = store::head(tx).await?;
            if !store::fence(tx, &head, None).await? {
                return Err(Error::Retry("the ledger grew meanwhile".into()));
            }
            store::new_log(tx, &self.0.env, head.size, reason)
                .await
                .map(|_| ())
        })
    }

    /// The facts about a subject that stand.
    pub async fn standing(&self, tx: &mut Tx, subject: Id) -> Result<Vec<Fact>> {
        store::standing(tx, subject).await
    }

    /// The facts of some kinds about these people that stand, sealed or not, by person and day.
    pub async fn of_people(
        &self,
        tx: &mut Tx,
        kinds: &[String],
        people: &[PersonId],
        period: Period,
    ) -> Result<Vec<Fact>> {
        store::of_people(tx, kinds, people, period).await
    }

    /// Takes facts back (冲正). Gives the reversals.
    ///
    /// # Errors
    /// `Conflict` when one is itself a reversal or was reversed before; `NotFound` when one does not exist.
    pub async fn reverse(
        &self,
        tx: &mut Tx,
        targets: &[FactId],
        by: Option<AccountId>,
    ) -> Result<Vec<Fact>> {
        let facts = store::facts_by_id(tx, targets).await?;
        let distinct: HashSet<_> = targets.iter().collect();
        if facts.len() != distinct.len() {
            return Err(Error::NotFound);
        }
        if facts.iter().any(|f| f.sign < 0) {
            return Err(Error::Conflict(Msg::new("reversal-of-reversal")));
        }
        let now = self.0.env.now();
        let reversals: Vec<_> = facts
            .iter()
            .map(|f| f.reversal(self.0.env.new_id_above(f.id.0), now, by))
            .collect();
        match store::insert_facts(tx, &reversals, true).await {
            Err(Error::Conflict(_)) => return Err(Error::Conflict(Msg::new("already-reversed"))),
            other => other?,
        }
        self.0
            .tail
            .fetch_add(reversals.len() as i64, Ordering::Relaxed);
        Ok(reversals)
    }

    /// Makes the components of these definitions; equal ones exist once. Old facts are folded in the
    /// background, until when a number of theirs is "computing".
    pub async fn define(&self, definitions: &[Definition]) -> Result<()> {
        for d in definitions {
            db::transaction!(self.0.db, |tx| {
                let head = store::head(tx).await?;
                let known = store::components(tx).await?;
                if known.iter().any(|c| c.definition == *d) {
                    return Ok(());
                }
                if !store::fence(tx, &head, None).await? {
                    return Err(Error::Retry("the ledger grew meanwhile".into()));
                }
                store::add_component(tx, d, head.size).await
            })?;
        }
        Ok(())
    }

    /// A snapshot to read numbers and rows from.
    pub async fn reading(&self) -> Result<Reading> {
        Reading::open(self).await
    }

    /// Facts that wait to be sealed, and the age of the first in seconds.
    pub async fn tail(&self) -> Result<(i64, f64)> {
        let (n, first) = store::tail_size(&mut self.0.db.read().await?).await?;
        self.0.tail.store(n, Ordering::Relaxed);
        let age = first.map_or(0.0, |id| {
            (self.0.env.now().0 / 1000 - id.0.millis() as i64).max(0) as f64 / 1000.0
        });
        self.0.age.store(age as i64, Ordering::Relaxed);
        Ok((n, age))
    }

    /// Log, size and head of the tree (hex) as a snapshot has them.
    pub async fn head(tx: &mut Tx) -> Result<(Id, i64, String)> {
        let head = store::head(tx).await?;
        Ok((head.log, head.size, hex::encode(head.frontier.root())))
    }

    /// When the newest sealed fact was recorded: a clock before it was set back.
    pub async fn last_recorded(tx: &mut Tx) -> Result<Option<kernel::Timestamp>> {
        store::last_recorded(tx).await
    }

    /// How many facts are sealed.
    pub async fn size(&self) -> Result<i64> {
        Ok(store::head(&mut self.0.db.read().await?).await?.size)
    }

    fn read_places(&self) -> std::sync::RwLockReadGuard<'_, Places> {
        self.0.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The chains of all places that these facts name.
    pub(crate) async fn places_of(&self, tx: &mut Tx, facts: &[Fact]) -> Result<Places> {
        let wanted: HashSet<PlaceId> = facts
            .iter()
            .flat_map(|f| [Some(f.host), f.unit])
            .flatten()
            .collect();
        let mut found: Places = {
            let known = self.read_places();
            wanted
                .iter()
                .filter_map(|id| known.get(id).map(|p| (*id, p.clone())))
                .collect()
        };
        complete_places(tx, &mut found, wanted.into_iter()).await?;
        Ok(found)
    }

    /// Remembers places once they are known to be committed.
    pub(crate) fn remember_places(&self, places: &Places) {
        let new = {
            let known = self.read_places();
            places.keys().any(|id| !known.contains_key(id))
        };
        if new {
            let mut known = self
                .0
                .places
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            known.extend(places.iter().map(|(id, p)| (*id, p.clone())));
        }
    }

    /// The components as of the head that was read in this transaction.
    pub(crate) async fn components(&self, tx: &mut Tx, head: &Head) -> Result<Arc<Vec<Component>>> {
        let cached = self
            .0
            .components
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((defs, list)) = cached
            && defs == head.defs
        {
            return Ok(list);
        }
        let list = Arc::new(store::components(tx).await?);
        if !list.iter().any(Component::computing) {
            *self
                .0
                .components
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Some((head.defs, list.clone()));
        }
        Ok(list)
    }

    /// Behind the fence: appends facts to the tree and folds them into the rollups.
    pub(crate) async fn grow(&self, tx: &mut Tx, head: &Head, facts: &[Fact]) -> Result<()> {
        let components = self.components(tx, head).await?;
        let places = self.places_of(tx, facts).await?;
        let mut frontier = head.frontier.clone();
        let mut leaves = Vec::with_capacity(facts.len());
        for fact in facts {
            let hash = leaf_hash(fact, &places)?;
            frontier.append(hash);
            leaves.push((fact.id, hash));
        }
        store::insert_leaves(tx, head.size, &leaves).await?;
        let days: BTreeSet<Date> = facts.iter().map(|f| f.date).collect();
        store::touch_days(tx, &days, head.size + facts.len() as i64).await?;
        let mut folded = Folded::default();
        folded.add(facts, &components, &places);
        folded.apply(tx, places).await?;
        store::set_tree(tx, &frontier).await
    }
}

/// The leaf hash of a fact whose places are known.
pub(crate) fn leaf_hash(fact: &Fact, places: &Places) -> Result<Hash> {
    let path = |place: PlaceId| {
        places
            .get(&place)
            .ok_or_else(|| Error::internal(format!("fact {} names an unknown place", fact.id)))
    };
    let unit = fact.unit.map(path).transpose()?;
    Ok(fact.leaf_hash(path(fact.host)?, unit.map_or(&[], |u| u)))
}
