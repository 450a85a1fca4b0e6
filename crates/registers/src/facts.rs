//! The facts of entries: what counts is written anew with every version that counts.

use std::collections::{HashMap, HashSet};

use db::Tx;
use kernel::{AccountId, Date, Error, FactId, Result, UnitId};
use ledger::{Fact, PlaceId};

use crate::model::Entry;
use crate::register::Register;
use crate::service::RegisterBook;

/// Kinds of facts that registers write.
pub(crate) const KINDS: [&str; 4] = [ENTRY, PERSON, NUMBER, CLOSED];
/// One an entry that counts.
pub(crate) const ENTRY: &str = "entry";
/// One a person named in it.
pub(crate) const PERSON: &str = "entry-person";
/// One a further number.
pub(crate) const NUMBER: &str = "entry-number";
/// One when it is closed.
pub(crate) const CLOSED: &str = "entry-closed";

/// Units as they stood on days.
type Places = HashMap<(UnitId, Date), PlaceId>;

/// An entry whose last version counts from now on, and who wrote that.
pub(crate) struct Counted<'e> {
    pub(crate) register: &'e Register,
    pub(crate) entry: &'e Entry,
    pub(crate) by: AccountId,
}

impl RegisterBook {
    /// Takes back the standing facts of entries that counted before and writes those of their last versions.
    ///
    /// # Errors
    /// `NotFound` when a unit has no place.
    pub(crate) async fn write_facts(&self, tx: &mut Tx, counted: &[Counted<'_>]) -> Result<()> {
        for c in counted.iter().filter(|c| c.entry.version > 1) {
            self.take_back(tx, c.entry, c.by).await?;
        }
        let places = self.places(tx, counted).await?;
        let mut facts = Vec::new();
        for c in counted {
            self.facts_of(c, &places, &mut facts)?;
        }
        self.ledger.append(tx, &facts).await
    }

    /// Takes back every standing fact of an entry; how many there were.
    pub(crate) async fn take_back(
        &self,
        tx: &mut Tx,
        entry: &Entry,
        by: AccountId,
    ) -> Result<usize> {
        let standing = self.ledger.standing(tx, entry.id).await?;
        let ids: Vec<FactId> = standing.iter().map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, Some(by)).await?;
        }
        Ok(ids.len())
    }

    /// The places of units as they stood on the days of entries and of their closing.
    async fn places(&self, tx: &mut Tx, counted: &[Counted<'_>]) -> Result<Places> {
        let mut wanted: Vec<(UnitId, Date)> = Vec::new();
        for c in counted {
            let people = c.entry.content.people.iter().map(|p| p.unit);
            let units = people.chain([c.entry.unit]);
            wanted.extend(units.map(|unit| (unit, c.entry.content.date)));
            wanted.extend(c.entry.closed_on.map(|day| (c.entry.unit, day)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let paths = self.organization.paths_on(tx, &wanted).await?;
        let (mut places, mut written) = (Places::new(), HashSet::new());
        for wanted in wanted {
            let Some(path) = paths.get(&wanted) else {
                continue;
            };
            let id = PlaceId::of(path);
            if written.insert(id) {
                self.ledger.place(tx, path).await?;
            }
            places.insert(wanted, id);
        }
        Ok(places)
    }

    fn facts_of(&self, c: &Counted<'_>, places: &Places, facts: &mut Vec<Fact>) -> Result<()> {
        let (register, entry, content) = (c.register, c.entry, &c.entry.content);
        let place = |unit: UnitId| {
            let found = places.get(&(unit, content.date)).copied();
            found.ok_or(Error::NotFound)
        };
        let host = place(entry.unit)?;
        let class = content.class(register).map(str::to_owned);
        let evidence: Vec<String> = content.evidence.iter().map(|f| f.sha256.clone()).collect();
        let new = |kind: &str, date: Date| {
            let (id, now) = (self.env.new_id(), self.env.now());
            let mut f = Fact::new(id, kind, host, date, entry.id, &entry.source, now);
            f.category = Some(register.code.clone());
            (f.recorded_by, f.late) = (Some(c.by), entry.late);
            f
        };
        let mut main = new(ENTRY, content.date);
        main.role.clone_from(&class);
        main.evidence = evidence;
        main.quantity = register.number.as_deref().and_then(|f| content.quantity(f));
        // An entry about one person is counted for them.
        let about_one = register.people.as_ref().is_some_and(|p| p.most == Some(1));
        if let ([one], true) = (&content.people[..], about_one) {
            (main.person, main.unit) = (Some(one.person), Some(place(one.unit)?));
        }
        match content.declared {
            // Where a number is counted, the total is that number; elsewhere it stands for so many entries.
            Some(total) if register.number.is_some() => {
                main.quantity = Some(total.saturating_mul(1000));
                facts.push(main);
            }
            Some(total) => {
                for _ in 0..total {
                    let mut one = main.clone();
                    one.id = self.env.new_id();
                    facts.push(one);
                }
            }
            None => facts.push(main),
        }
        for named in &content.people {
            let mut f = new(PERSON, content.date);
            (f.person, f.unit) = (Some(named.person), Some(place(named.unit)?));
            f.role.clone_from(&named.role);
            facts.push(f);
        }
        for field in &register.numbers {
            if let Some(quantity) = content.quantity(field) {
                let mut f = new(NUMBER, content.date);
                (f.role, f.quantity) = (Some(field.clone()), Some(quantity));
                facts.push(f);
            }
        }
        if let Some(day) = entry.closed_on {
            let mut f = new(CLOSED, day);
            f.role = class;
            f.host = places.get(&(entry.unit, day)).copied().unwrap_or(host);
            f.unit = Some(f.host);
            facts.push(f);
        }
        Ok(())
    }

    /// Writes the fact of a closing alone.
    pub(crate) async fn write_closed(&self, tx: &mut Tx, c: &Counted<'_>) -> Result<()> {
        let places = self.places(tx, std::slice::from_ref(c)).await?;
        let mut all = Vec::new();
        self.facts_of(c, &places, &mut all)?;
        all.retain(|f| f.kind == CLOSED);
        self.ledger.append(tx, &all).await
    }
}
