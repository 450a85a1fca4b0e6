//! Visits to those one is paired with (结对走访): what was looked at, told and promised; difficulties become cases. Pairings
//! themselves are kept by `organization`.

use std::collections::HashMap;

use db::Tx;
use desk::{Attached, Waiting};
use identity::Actor;
use kernel::{
    Date, Error, Id, Msg, Period, PeriodKind, PersonId, Result, Scope, Timestamp, UnitId,
    format_date,
};
use organization::{End, Tie, TieQuery};
use serde_json::json;

use crate::facts::{DIFFICULTY, QUARTER, VISIT, Writing};
use crate::model::{Eyes, LONGEST, Raised, SHORT, lines, needed, optional};
use crate::reporting::Find;
use crate::service::{Projects, conflict};
use crate::store::visits;

/// Kind of record that finds difficulties, as cases know it.
pub(crate) const FINDER: &str = "pair-visit";
/// Most difficulties of a visit.
const MOST: usize = 20;

/// A visit (走访).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Id.
    pub id: Id,
    /// The pairing.
    pub tie: Id,
    /// Its kind.
    pub kind: String,
    /// Who came.
    pub person: PersonId,
    /// The unit visited: the second end, or the one that the second person belonged to.
    pub unit: UnitId,
    /// The second person of a pair.
    pub other: Option<PersonId>,
    /// When.
    pub day: Date,
    /// What was looked at (看了什么).
    pub looked: String,
    /// What was promised (当场答复、承诺).
    pub promised: String,
    /// Files: photos, records.
    pub files: Vec<Attached>,
    /// Difficulties told.
    pub difficulties: Vec<Difficulty>,
    /// Name of who wrote it.
    pub name: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// Why it was taken back, if it was.
    pub struck: Option<String>,
}

/// Something that was told (反映的困难).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difficulty {
    /// Id.
    pub id: Id,
    /// Number in its visit.
    pub no: i64,
    /// What.
    pub text: String,
    /// The case that it became.
    pub raised: Option<Raised>,
}

/// A visit to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVisit {
    /// Its id, made with the form.
    pub id: Id,
    /// The pairing.
    pub tie: Id,
    /// When.
    pub day: Date,
    /// What was looked at.
    pub looked: String,
    /// Difficulties told, one a line.
    pub difficulties: String,
    /// What was promised.
    pub promised: String,
}

/// A pair in a quarter.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The pairing.
    pub tie: Tie,
    /// Its visits in the quarter that stand, the last first.
    pub visits: Vec<Visit>,
}

pub(crate) fn href(id: Id) -> String {
    format!("/visits/{id}")
}

/// The quarter of a day.
pub fn quarter_of(day: Date) -> Period {
    Period::containing(PeriodKind::Quarter, day)
}

impl Projects {
    /// The pairings that somebody may see: those of their scope, and their own.
    async fn ties(&self, eyes: &Eyes) -> Result<Vec<Tie>> {
        let mut found = match eyes.reads.is_empty() {
            true => Vec::new(),
            false => {
                let query = TieQuery::default();
                self.organization.ties(&query, &eyes.reads).await?
            }
        };
        if let Some(person) = eyes.person {
            let own = self.organization.ties_of(End::Person(person)).await?;
            let known: std::collections::HashSet<Id> = found.iter().map(|t| t.id).collect();
            found.extend(own.into_iter().filter(|t| !known.contains(&t.id)));
        }
        found.retain(|t| self.kinds.visit(&t.kind).is_some());
        Ok(found)
    }

    /// A pairing that somebody may see.
    pub(crate) async fn tie(&self, id: Id, eyes: &Eyes) -> Result<Tie> {
        let mut found = self.ties(eyes).await?.into_iter();
        found.find(|t| t.id == id).ok_or(Error::NotFound)
    }

    /// The unit that a pairing leads to on a day.
    async fn end_unit(&self, tie: &Tie, day: Date) -> Result<UnitId> {
        match tie.end {
            End::Unit(unit) => Ok(unit),
            End::Person(person) => {
                let unit = self.organization.unit_of(person, day).await?;
                unit.ok_or_else(|| Error::field("day", Msg::new("projects-unit-not-there")))
            }
        }
    }

    /// Whether somebody may write down visits of a pairing: who comes, and those who write for the unit visited or for that of
    /// who comes.
    pub(crate) async fn may_visit(&self, tie: &Tie, eyes: &Eyes) -> Result<bool> {
        if eyes.person == Some(tie.person) {
            return Ok(true);
        }
        if eyes.writes.is_empty() {
            return Ok(false);
        }
        let today = self.env.today();
        let home = self.organization.unit_of(tie.person, today).await?;
        let end = self.end_unit(tie, today).await.ok();
        let units: Vec<UnitId> = home.into_iter().chain(end).collect();
        let paths = self.organization.paths(&units).await?;
        Ok(paths.values().any(|path| eyes.writes.reaches(path)))
    }

    /// Writes down a visit; sent twice with the same id it is written once. Each line of the difficulties is one.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` for an unknown pairing; `Forbidden` for those who may not write it.
    pub async fn write_visit(
        &self,
        new: &NewVisit,
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        let tie = self.tie(new.tie, eyes).await?;
        if !self.may_visit(&tie, eyes).await? {
            return Err(Error::Forbidden);
        }
        let looked = needed("looked", &new.looked, LONGEST)?;
        let promised = optional("promised", &new.promised, LONGEST)?;
        let told = lines(&new.difficulties, &[]);
        let long = |l: &crate::Line| l.text.chars().count() > SHORT;
        if told.len() > MOST || told.iter().any(long) || new.difficulties.chars().any(|c| c == '\0')
        {
            let message = Msg::new("projects-lines-wrong")
                .with("most", MOST)
                .with("length", SHORT);
            return Err(Error::field("difficulties", message));
        }
        if new.day > self.env.today() || !tie.covers(new.day) {
            let from = format_date(tie.from);
            let message = Msg::new("projects-visit-day").with("from", from);
            return Err(Error::field("day", message));
        }
        let kept = self.attachments.keep(files).await?;
        let (day, unit) = (new.day, self.end_unit(&tie, new.day).await?);
        let home = self.organization.unit_of(tie.person, day).await?;
        let home = home.unwrap_or(unit);
        let quarter = quarter_of(day).from;
        let difficulty = |l: crate::Line| Difficulty {
            id: self.env.new_id(),
            no: l.no,
            text: l.text,
            raised: None,
        };
        let visit = Visit {
            id: new.id,
            tie: tie.id,
            kind: tie.kind.clone(),
            person: tie.person,
            unit,
            other: match tie.end {
                End::Person(person) => Some(person),
                End::Unit(_) => None,
            },
            day,
            looked,
            promised,
            files: kept,
            difficulties: told.into_iter().map(difficulty).collect(),
            name: None,
            at: self.env.now(),
            struck: None,
        };
        db::transaction!(self.db, |tx| {
            visits::hold_quarter(tx, tie.id, quarter).await?;
            if !visits::insert(tx, &visit, actor.account).await? {
                let known = visits::one(tx, new.id).await?;
                return match known.is_some_and(|v| v.tie == tie.id) {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            let wanted = [(unit, day), (home, day)];
            let mut w = Writing::begin(self, tx, &wanted, actor).await?;
            let own = w.place(home, day);
            let fact = w.add(VISIT, (unit, day), visit.id);
            fact.category = Some(visit.kind.clone());
            (fact.person, fact.other) = (Some(visit.person), visit.other);
            fact.unit = Some(own);
            fact.evidence = visit.files.iter().map(|f| f.sha256.clone()).collect();
            w.write(tx).await?;
            self.count_quarter(tx, tie.id, quarter, actor).await?;
            let detail = json!({ "tie": tie.id, "day": format_date(day), "difficulties": visit.difficulties.len() });
            let entry = actor.audit("visit.written", ("visit", visit.id), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok(visit.id)
        })
    }

    /// Writes the fact of a pair's quarter by its first visit that stands; where none is left, or another one comes first now,
    /// the fact before is taken back.
    async fn count_quarter(&self, tx: &mut Tx, tie: Id, from: Date, actor: &Actor) -> Result<()> {
        let to = quarter_of(from).to;
        let first = visits::first(tx, tie, (from, to)).await?;
        let counted = visits::quarter(tx, tie, from).await?;
        // A pair that was counted stays counted by the visit it was counted by, as long as that stands.
        let stands = match counted {
            Some(id) => visits::one(tx, id)
                .await?
                .is_some_and(|v| v.struck.is_none()),
            None => false,
        };
        if stands || (counted.is_none() && first.is_none()) {
            return Ok(());
        }
        if let Some(old) = counted {
            self.take_back(tx, old, &[QUARTER], actor).await?;
        }
        visits::set_quarter(tx, tie, from, first).await?;
        let Some(first) = first else { return Ok(()) };
        let v = visits::one(tx, first).await?.ok_or(Error::NotFound)?;
        let key = (v.unit, v.day);
        let mut w = Writing::begin(self, tx, &[key], actor).await?;
        let fact = w.add(QUARTER, key, v.id);
        fact.category = Some(v.kind.clone());
        (fact.person, fact.other) = (Some(v.person), v.other);
        w.write(tx).await
    }

    /// Takes a visit back, with a reason; difficulties that became cases stay cases.
    ///
    /// # Errors
    /// `Conflict` when it was before; `Forbidden`; `Invalid` without a reason.
    pub async fn strike_visit(
        &self,
        id: Id,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let reason = needed("reason", reason, SHORT)?;
        let (visit, tie) = self.visit(id, eyes).await?;
        if !self.may_visit(&tie, eyes).await? {
            return Err(Error::Forbidden);
        }
        let quarter = quarter_of(visit.day).from;
        db::transaction!(self.db, |tx| {
            visits::hold_quarter(tx, tie.id, quarter).await?;
            if !visits::strike(tx, id, &reason).await? {
                return Err(conflict("projects-struck-before"));
            }
            self.take_back(tx, id, &[VISIT], actor).await?;
            self.count_quarter(tx, tie.id, quarter, actor).await?;
            let detail = json!({ "tie": tie.id, "reason": reason });
            let entry = actor.audit("visit.struck", ("visit", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }

    /// Raises a difficulty as a case of a unit.
    ///
    /// # Errors
    /// `Conflict` when it was raised before, or the visit was taken back; `Forbidden`; `NotFound`.
    pub async fn raise_difficulty(
        &self,
        id: Id,
        no: i64,
        unit: UnitId,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        let (_, tie) = self.visit(id, eyes).await?;
        if !self.may_visit(&tie, eyes).await? {
            return Err(Error::Forbidden);
        }
        let kind = self.kinds.visit(&tie.kind).ok_or(Error::NotFound)?;
        db::transaction!(self.db, |tx| {
            let visit = visits::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let told = visit.difficulties.iter().find(|d| d.no == no);
            let told = told.ok_or(Error::NotFound)?;
            if visit.struck.is_some() {
                return Err(conflict("projects-struck-before"));
            }
            if told.raised.is_some() {
                return Err(conflict("projects-raised-before"));
            }
            let title = format!("{} – {}", tie.name, tie.end_name);
            let find = Find {
                finds: &kind.finds,
                source: (FINDER, id, title, href(id)),
                key: format!("difficulty-{no}"),
                text: &told.text,
                detail: String::new(),
                unit,
                from: visit.unit,
            };
            let case = self.raise(tx, find, actor).await?;
            let today = self.env.today();
            let raised = Raised {
                id: told.id,
                no,
                unit,
                case,
                on: today,
                solved: false,
            };
            if !visits::put_raised(tx, id, &raised).await? {
                return Err(conflict("projects-raised-before"));
            }
            let at = organization::finding::successor(tx, visit.unit, today).await?;
            let mut w = Writing::begin(self, tx, &[(at, today)], actor).await?;
            let fact = w.add(DIFFICULTY, (at, today), told.id);
            fact.category = Some(visit.kind.clone());
            w.write(tx).await?;
            let detail = json!({ "no": no, "case": case });
            let entry = actor.audit("visit.raised", ("visit", id), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok(case)
        })
    }

    /// A visit of a pairing that somebody may see.
    pub async fn visit(&self, id: Id, eyes: &Eyes) -> Result<(Visit, Tie)> {
        let visit = visits::one(&mut self.db.read().await?, id).await?;
        let visit = visit.ok_or(Error::NotFound)?;
        let tie = self.tie(visit.tie, eyes).await?;
        Ok((visit, tie))
    }

    /// The visit in which a difficulty was told.
    pub(crate) async fn visit_of(&self, difficulty: Id) -> Result<Id> {
        let mut tx = self.db.read().await?;
        let found = visits::visit_of(&mut tx, difficulty).await?;
        found.ok_or(Error::NotFound)
    }

    /// Pairs of a quarter with their visits: pairings that stood on a day of it. `kind` and `unit` narrow them.
    pub async fn pairs(
        &self,
        quarter: Period,
        (kind, unit): (&str, Option<UnitId>),
        eyes: &Eyes,
    ) -> Result<Vec<Pair>> {
        let mut ties = self.ties(eyes).await?;
        ties.retain(|t| {
            let stood = t.from <= quarter.to && t.to.is_none_or(|to| to >= quarter.from);
            stood && (kind.is_empty() || t.kind == kind)
        });
        if let Some(unit) = unit {
            let below = Scope::Under(vec![unit]);
            let people: Vec<PersonId> = ties
                .iter()
                .filter_map(|t| match t.end {
                    End::Person(p) => Some(p),
                    End::Unit(_) => None,
                })
                .collect();
            let homes = self
                .organization
                .units_of(&people, quarter.to.min(self.env.today()))
                .await?;
            let at = |t: &Tie| match t.end {
                End::Unit(u) => Some(u),
                End::Person(p) => homes.get(&p).copied(),
            };
            let units: Vec<UnitId> = ties.iter().filter_map(&at).collect();
            let paths = self.organization.paths(&units).await?;
            ties.retain(|t| {
                let path = at(t).and_then(|u| paths.get(&u));
                path.is_some_and(|path| below.reaches(path))
            });
        }
        ties.sort_by(|a, b| (&a.kind, &a.name, &a.end_name).cmp(&(&b.kind, &b.name, &b.end_name)));
        let ids: Vec<Id> = ties.iter().map(|t| t.id).collect();
        let mut tx = self.db.read().await?;
        let all = visits::of_ties(&mut tx, &ids, (quarter.from, quarter.to)).await?;
        let mut by_tie: HashMap<Id, Vec<Visit>> = HashMap::new();
        for v in all.into_iter().filter(|v| v.struck.is_none()) {
            by_tie.entry(v.tie).or_default().push(v);
        }
        let pair = |tie: Tie| Pair {
            visits: by_tie.remove(&tie.id).unwrap_or_default(),
            tie,
        };
        Ok(ties.into_iter().map(pair).collect())
    }

    /// All visits of a pairing, the last first, those that were taken back included.
    pub async fn visits_of(&self, tie: Id, eyes: &Eyes) -> Result<(Tie, Vec<Visit>)> {
        let tie = self.tie(tie, eyes).await?;
        let span = (Date::constant(1900, 1, 1), self.env.today());
        let mut tx = self.db.read().await?;
        let all = visits::of_ties(&mut tx, &[tie.id], span).await?;
        Ok((tie, all))
    }
}
