//! Cases of another system taken in with all that happened to them there (迁入): many in one transaction. What it says of
//! them is taken as declared; the machine of this house says where they stand.

use std::collections::BTreeMap;

use commons::packs::hash_of;
use db::Tx;
use jiff::ToSpan;
use kernel::{Error, FactId, Id, Result, UnitId};
use ledger::{Fact, PlaceId};

use crate::case::{Case, End, Event};
use crate::facts::{ACCEPTED, AREA, CASE, CLOSED, ON_TIME};
use crate::kind::{Kind, Stage};
use crate::model::Matter;
use crate::searching;
use crate::service::Cases;
use crate::store;

/// A case as another system kept it.
#[derive(Debug, Clone)]
pub struct Past {
    /// Id.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// What is wrong, in a line.
    pub title: String,
    /// How grave.
    pub severity: String,
    /// Field of work.
    pub area: String,
    /// Where it comes from.
    pub source: String,
    /// The unit that raised it.
    pub from: UnitId,
    /// What happened, in order, beginning with its being raised; each with the state after it.
    pub events: Vec<Event>,
}

impl Cases {
    /// Takes in cases with what happened to them, all or none.
    ///
    /// # Errors
    /// `NotFound` for a kind or a unit that there is not; `Internal` for events that do not begin with being raised.
    pub async fn take_in(&self, list: &[Past]) -> Result<()> {
        db::transaction!(self.db, |tx| self.take_in_one(tx, list).await)
    }

    async fn take_in_one(&self, tx: &mut Tx, list: &[Past]) -> Result<()> {
        let yesterday = self.env.today().saturating_sub(1.day());
        let mut matters: Vec<(Matter, &Kind)> = Vec::with_capacity(list.len());
        let mut cases = Vec::with_capacity(list.len());
        for past in list {
            let kind = self.kinds.get(&past.kind).ok_or(Error::NotFound)?;
            let case = Case::of(kind, &past.events)?;
            let at = |e: &Event| e.at.date(self.env.zone());
            let [first, .., last] = past.events.as_slice() else {
                return Err(Error::internal("a case needs more than one event"));
            };
            let (raised_on, year) = (at(first), at(first).year());
            let no = store::next_number(tx, &kind.code, year).await?;
            let mut m = Matter {
                id: past.id,
                number: kind.number_of(year, no),
                kind: kind.code.clone(),
                rule: hash_of(kind)?,
                title: past.title.clone(),
                detail: String::new(),
                severity: past.severity.clone(),
                area: past.area.clone(),
                source: past.source.clone(),
                clause: String::new(),
                values: BTreeMap::new(),
                unit: case.unit,
                from: past.from,
                raiser: None,
                owner: None,
                supervisor: None,
                state: String::new(),
                stage: Stage::Point,
                end: None,
                due: case.due,
                until: case.due,
                raised_on,
                closed_on: case.end.map(|_| at(last)),
                measures: 0,
                done: 0,
                extensions: 0,
                reopenings: 0,
                recurred: 0,
                look_on: None,
                looking: false,
                next_on: None,
                declared: true,
                confidential: false,
                origin: None,
                version: past.events.len() as i64,
                created_at: first.at,
                updated_at: last.at,
            };
            self.project(&mut m, kind, &case);
            if m.end.is_none() {
                m.next_on = self.next_rung(kind, m.until, yesterday);
            }
            matters.push((m, kind));
            cases.push(case);
        }
        let mut kinds: Vec<&str> = Vec::new();
        for (m, kind) in &matters {
            if !kinds.contains(&m.rule.as_str()) {
                store::put_rule(tx, &m.rule, kind).await?;
                kinds.push(&m.rule);
            }
        }
        for ((m, kind), case) in matters.iter().zip(&cases) {
            if !store::insert(tx, m, None).await? {
                return Err(Error::internal("a case is there already"));
            }
            store::put_parts(tx, m.id, case, None).await?;
            searching::index(tx, kind, m).await?;
        }
        store::note_history(tx, list).await?;
        self.facts_of(tx, matters.iter().map(|(m, _)| m)).await
    }

    /// Writes the facts of cases that were taken in.
    async fn facts_of(&self, tx: &mut Tx, matters: impl Iterator<Item = &Matter>) -> Result<()> {
        let mut wanted = Vec::new();
        for m in matters {
            if matches!(m.end, Some(End::Duplicate | End::Rejected)) {
                continue;
            }
            wanted.push((m, CASE, m.raised_on, m.severity.as_str()));
            if !m.area.is_empty() {
                wanted.push((m, AREA, m.raised_on, m.area.as_str()));
            }
            if let (Some(end), Some(day)) = (m.end, m.closed_on) {
                wanted.push((m, CLOSED, day, end.code()));
                if end == End::Solved {
                    wanted.push((m, ACCEPTED, day, m.severity.as_str()));
                    if day <= m.until {
                        wanted.push((m, ON_TIME, day, m.severity.as_str()));
                    }
                }
            }
        }
        let asked: Vec<_> = wanted.iter().map(|(m, _, day, _)| (m.unit, *day)).collect();
        let paths = self.organization.paths_on(tx, &asked).await?;
        let mut places: Vec<&Vec<UnitId>> = paths.values().collect();
        places.sort_unstable();
        places.dedup();
        for path in places {
            self.ledger.place(tx, path).await?;
        }
        let now = self.env.now();
        let mut facts = Vec::with_capacity(wanted.len());
        for (m, kind, day, role) in wanted {
            let path = paths.get(&(m.unit, day)).ok_or(Error::NotFound)?;
            let id: FactId = self.env.new_id();
            let mut fact = Fact::new(id, kind, PlaceId::of(path), day, m.id, "declared", now);
            fact.category = Some(m.kind.clone());
            fact.role = Some(role.to_owned());
            facts.push(fact);
        }
        self.ledger.append(tx, &facts).await
    }
}
