//! Who is bound by a rule, from when until when: units, people, posts, bodies and pairs, as they were on each day.

use std::collections::{BTreeMap, HashMap, HashSet};

use db::Db;
use jiff::ToSpan;
use kernel::{Date, Id, Period, PersonId, Result, Scope, UnitId};
use organization::{End, Organization, TieQuery, Unit, finding};
use smallvec::{SmallVec, smallvec};

use crate::Rule;
use crate::rule::{Subject as Kind, Who};
use kernel::Spans;

/// Whose deeds count for a subject; most act for themselves alone.
pub type Doers = SmallVec<[(Id, Spans); 1]>;

/// Somebody or something that a rule binds (义务主体).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which: id of the unit (also for its post), the person, the body or the pair.
    pub id: Id,
    /// The unit under which it is shown: of a person the last one in the period.
    pub unit: UnitId,
    /// Name; of a person empty until asked for.
    pub name: String,
    /// The days on which it is bound.
    pub bound: Spans,
    /// Whose deeds count, and on which days.
    pub by: Doers,
    /// The two of a pair.
    pub pair: Option<Box<[PersonId; 2]>>,
}

impl Subject {
    fn itself(id: Id, unit: UnitId, name: String, bound: Spans) -> Self {
        // What was done counts on any day; being bound is another matter.
        let by = smallvec![(id, Spans::always())];
        Self {
            id,
            unit,
            name,
            bound,
            by,
            pair: None,
        }
    }

    /// Whether its own deeds count, on any day, and nobody else's.
    pub(crate) fn acts_alone(&self) -> bool {
        matches!(self.by.as_slice(), [(id, days)] if *id == self.id && *days == Spans::always())
    }

    /// The people it consists of: who may not decide about it.
    pub(crate) fn people(&self, kind: Kind) -> Vec<PersonId> {
        match kind {
            Kind::Person => vec![PersonId(self.id)],
            Kind::Post => self.by.iter().map(|(id, _)| PersonId(*id)).collect(),
            Kind::Pair => self.pair.iter().flat_map(|p| p.iter().copied()).collect(),
            Kind::Unit | Kind::Body => Vec::new(),
        }
    }
}

fn ends(to: Option<Date>) -> Date {
    to.unwrap_or(Date::MAX)
}

/// The days of people, in order of their ids.
struct People(Vec<(PersonId, Days)>);

/// One person's days in one unit after another; most have one.
type Days = SmallVec<[(UnitId, Period); 1]>;

/// Those whom a rule binds among some units in a period, in no order. A person who moves belongs to the last of their units,
/// and is bound in all that the rule means (`meant`).
pub(crate) async fn of_rule(
    organization: &Organization,
    db: &Db,
    rule: &Rule,
    (units, meant): (&[Unit], &[Unit]),
    period: Period,
) -> Result<Vec<Subject>> {
    let here: HashSet<UnitId> = units.iter().map(|u| u.id).collect();
    match rule.subject {
        Kind::Unit => {
            let itself = |u: &Unit| {
                let bound = Spans::one(u.from, ends(u.to));
                Subject::itself(u.id.0, u.id, u.name.clone(), bound)
            };
            Ok(units.iter().map(itself).collect())
        }
        Kind::Person | Kind::Post => {
            let ids: Vec<UnitId> = units.iter().map(|u| u.id).collect();
            let mut spells = organization.spells(&ids, period).await?;
            let mut tx = db.read().await?;
            if rule.subject == Kind::Person && units.len() < meant.len() {
                let mut people: Vec<PersonId> = spells.iter().map(|s| s.person).collect();
                people.dedup();
                spells = finding::spells_of(&mut tx, &people, period).await?;
            }
            let mut found = people(&mut tx, rule, spells, period, meant).await?;
            if units.len() < meant.len() {
                found.retain(|s| here.contains(&s.unit));
            }
            Ok(found)
        }
        Kind::Body => {
            let mut bodies = organization.bodies(&Scope::All).await?;
            bodies.retain(|b| rule.kinds.contains(&b.kind) && here.contains(&b.unit));
            let itself = |b: organization::Body| {
                let bound = Spans::one(b.from, ends(b.to));
                Subject::itself(b.id, b.unit, b.name, bound)
            };
            Ok(bodies.into_iter().map(itself).collect())
        }
        Kind::Pair => pairs(organization, rule, units, period).await,
    }
}

/// One person, if a rule binds them at all in a period.
pub(crate) async fn of_person(
    db: &Db,
    rule: &Rule,
    person: PersonId,
    meant: &[Unit],
    period: Period,
) -> Result<Option<Subject>> {
    let mut tx = db.read().await?;
    let spells = finding::spells_of(&mut tx, &[person], period).await?;
    let found = people(&mut tx, rule, spells, period, meant).await?;
    Ok(found.into_iter().next())
}

async fn people(
    tx: &mut db::Tx,
    rule: &Rule,
    mut spells: Vec<finding::Spell>,
    period: Period,
    units: &[Unit],
) -> Result<Vec<Subject>> {
    let post = rule.who.post.trim().to_lowercase();
    let among: HashSet<UnitId> = units.iter().map(|u| u.id).collect();
    spells.sort_by_key(|s| s.person);
    let mut found = People(Vec::with_capacity(spells.len()));
    for s in spells {
        if !among.contains(&s.unit) {
            continue;
        }
        if post.is_empty() || s.post.to_lowercase().contains(&post) {
            let days = Period {
                from: s.from,
                to: ends(s.to),
            };
            match found.0.last_mut() {
                Some((person, all)) if *person == s.person => all.push((s.unit, days)),
                _ => found.0.push((s.person, smallvec![(s.unit, days)])),
            }
        }
    }
    let meant = found.meant(tx, &rule.who, &rule.away, period).await?;
    Ok(match rule.subject {
        Kind::Post => found.posts(&meant, units),
        _ => found.each(&meant),
    })
}

/// Puts subjects in the order of their units.
pub(crate) fn sort(subjects: &mut [Subject], units: &[Unit]) {
    let order: HashMap<UnitId, usize> = units.iter().map(|u| u.id).zip(0..).collect();
    subjects.sort_by_cached_key(|s| (order.get(&s.unit).copied(), s.id));
}

impl People {
    /// On which days each of them is meant, as far as attributes and seats say; none: on all.
    async fn meant(
        &mut self,
        tx: &mut db::Tx,
        who: &Who,
        away: &BTreeMap<String, Vec<String>>,
        period: Period,
    ) -> Result<HashMap<PersonId, Spans>> {
        let mut meant: HashMap<PersonId, Spans> = HashMap::new();
        if who.attributes.is_empty() && who.seats.is_empty() && away.is_empty() {
            return Ok(meant);
        }
        let always = Spans::one(Date::MIN, Date::MAX);
        let all: Vec<PersonId> = self.0.iter().map(|(person, _)| *person).collect();
        for (attribute, values) in &who.attributes {
            let held = of_trait(tx, attribute, values, &all, period.to).await?;
            for person in &all {
                let held = held.get(person).cloned().unwrap_or_default();
                let before = meant.entry(*person).or_insert_with(|| always.clone());
                *before = before.and(&held);
            }
        }
        if !who.seats.is_empty() {
            let mut held: HashMap<PersonId, Vec<Period>> = HashMap::new();
            for seat in &who.seats {
                let which = (seat.kind.as_str(), seat.role.as_str());
                for (person, from, to) in finding::seat_spells(tx, which, &all, period).await? {
                    let days = Period { from, to: ends(to) };
                    held.entry(person).or_default().push(days);
                }
            }
            for person in &all {
                let held = Spans::of(held.remove(person).unwrap_or_default());
                let before = meant.entry(*person).or_insert_with(|| always.clone());
                *before = before.and(&held);
            }
        }
        for (attribute, values) in away {
            let gone = of_trait(tx, attribute, values, &all, period.to).await?;
            for (person, gone) in gone {
                if all.binary_search(&person).is_ok() {
                    let before = meant.entry(person).or_insert_with(|| always.clone());
                    *before = before.without(&gone);
                }
            }
        }
        Ok(meant)
    }

    /// One subject a person.
    fn each(self, meant: &HashMap<PersonId, Spans>) -> Vec<Subject> {
        let subject = |(person, days): (PersonId, Days)| {
            let unit = days.iter().max_by_key(|(_, p)| p.from)?.0;
            let served = Spans::of(days.iter().map(|(_, p)| *p));
            let bound = match meant.get(&person) {
                Some(meant) => served.and(meant),
                None => served,
            };
            let name = String::new();
            (!bound.is_empty()).then(|| Subject::itself(person.0, unit, name, bound))
        };
        let mut subjects = Vec::with_capacity(self.0.len());
        subjects.extend(self.0.into_iter().filter_map(subject));
        subjects
    }

    /// One subject a unit, whoever holds the post: only what they did while they held it counts.
    fn posts(self, meant: &HashMap<PersonId, Spans>, units: &[Unit]) -> Vec<Subject> {
        let mut posts: HashMap<UnitId, Doers> = HashMap::new();
        for (person, days) in self.0 {
            for (unit, days) in days {
                let served = Spans::of([days]);
                let held = match meant.get(&person) {
                    Some(meant) => served.and(meant),
                    None => served,
                };
                if !held.is_empty() {
                    posts.entry(unit).or_default().push((person.0, held));
                }
            }
        }
        let subject = |u: &Unit| {
            let by = posts.remove(&u.id)?;
            let bound = by
                .iter()
                .fold(Spans::default(), |all, (_, held)| all.or(held.clone()));
            Some(Subject {
                id: u.id.0,
                unit: u.id,
                name: u.name.clone(),
                bound,
                by,
                pair: None,
            })
        };
        units.iter().filter_map(subject).collect()
    }
}

/// The days on which an attribute had one of some values.
async fn of_trait(
    tx: &mut db::Tx,
    attribute: &str,
    values: &[String],
    people: &[PersonId],
    until: Date,
) -> Result<HashMap<PersonId, Spans>> {
    let rows = finding::trait_spells(tx, attribute, people, until).await?;
    let mut days: HashMap<PersonId, Vec<Period>> = HashMap::new();
    // A value lasts until the next one of the same person begins.
    for (i, (person, from, value)) in rows.iter().enumerate() {
        if values.contains(value) {
            let next = rows.get(i + 1).filter(|(other, ..)| other == person);
            let to = next.map_or(Date::MAX, |(_, next, _)| next.saturating_sub(1.day()));
            let days = days.entry(*person).or_default();
            days.push(Period { from: *from, to });
        }
    }
    let spans = days
        .into_iter()
        .map(|(person, days)| (person, Spans::of(days)));
    Ok(spans.collect())
}

/// Pairs of people of a kind, shown under the unit of the second one, on whom the pairing is kept.
async fn pairs(
    organization: &Organization,
    rule: &Rule,
    units: &[Unit],
    period: Period,
) -> Result<Vec<Subject>> {
    let asked = TieQuery {
        kind: rule.pairing.clone(),
        ..TieQuery::default()
    };
    let ids: Vec<UnitId> = units.iter().map(|u| u.id).collect();
    let spells = organization.spells(&ids, period).await?;
    let mut served: HashMap<PersonId, (UnitId, Vec<Period>)> = HashMap::new();
    for s in spells {
        let (unit, days) = served.entry(s.person).or_insert((s.unit, Vec::new()));
        *unit = s.unit;
        days.push(Period {
            from: s.from,
            to: ends(s.to),
        });
    }
    let mut found: BTreeMap<(String, Id), Subject> = BTreeMap::new();
    for tie in organization.ties(&asked, &Scope::All).await? {
        let End::Person(other) = tie.end else {
            continue;
        };
        let Some((unit, days)) = served.get(&other) else {
            continue;
        };
        let days = Spans::of(days.iter().copied()).and(&Spans::one(tie.from, ends(tie.to)));
        let (id, name) = (
            ledger::pair(tie.person, other),
            format!("{} – {}", tie.name, tie.end_name),
        );
        let key = (name.clone(), id);
        let pair = found
            .entry(key)
            .or_insert_with(|| Subject::itself(id, *unit, name, Spans::default()));
        pair.pair = Some(Box::new([tie.person, other]));
        pair.bound = std::mem::take(&mut pair.bound).or(days);
    }
    found.retain(|_, pair| !pair.bound.is_empty());
    Ok(found.into_values().collect())
}
