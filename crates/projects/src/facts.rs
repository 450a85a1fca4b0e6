//! The facts of projects and visits. They hold ids, codes and numbers only.

use std::collections::HashMap;

use db::Tx;
use identity::Actor;
use kernel::{Date, Error, FactId, Id, Msg, PersonId, Result, UnitId};
use ledger::{Fact, PlaceId};

use crate::kind::ProjectKind;
use crate::model::{Outcome, Project, Report};
use crate::service::Projects;
use crate::store::parts;

/// One a project that was approved; role: its class, person: who leads.
pub(crate) const STARTED: &str = "project-started";
/// One a project that was closed; role: what came of it.
pub(crate) const PROJECT: &str = "project";
/// One a project that was handed in by its day and reached its goals, or some.
pub(crate) const ON_TIME: &str = "project-on-time";
/// One a member of a project that was closed; role: their part.
pub(crate) const MEMBER: &str = "project-member";
/// One a visit, hearing or result; role: which.
pub(crate) const ENTRY: &str = "project-entry";
/// One a report that was accepted.
pub(crate) const REPORT: &str = "project-report";
/// One a recommendation of it; quantity: its number, in thousandths as all quantities.
pub(crate) const ADVICE: &str = "project-advice";
/// One a recommendation that was adopted.
pub(crate) const ADOPTED: &str = "advice-adopted";
/// One a problem that became a case.
pub(crate) const PROBLEM: &str = "project-problem";
/// One a problem that was solved.
pub(crate) const SOLVED: &str = "project-solved";
/// One a visit to somebody paired with; person: who came, other: the second person of a pair.
pub(crate) const VISIT: &str = "pair-visit";
/// One a pair and quarter, by its first visit.
pub(crate) const QUARTER: &str = "pair-quarter";
/// One a difficulty that became a case.
pub(crate) const DIFFICULTY: &str = "pair-difficulty";
/// One a difficulty that was solved.
pub(crate) const PAIR_SOLVED: &str = "pair-solved";
/// All of them.
pub(crate) const KINDS: [&str; 14] = [
    STARTED,
    PROJECT,
    ON_TIME,
    MEMBER,
    ENTRY,
    REPORT,
    ADVICE,
    ADOPTED,
    PROBLEM,
    SOLVED,
    VISIT,
    QUARTER,
    DIFFICULTY,
    PAIR_SOLVED,
];

/// Facts on their way into the ledger.
pub(crate) struct Writing<'p> {
    projects: &'p Projects,
    places: HashMap<(UnitId, Date), PlaceId>,
    by: Option<kernel::AccountId>,
    facts: Vec<Fact>,
}

impl<'p> Writing<'p> {
    /// Facts for units on days; a unit that did not stand on its day is refused for the field `day`.
    pub(crate) async fn begin(
        projects: &'p Projects,
        tx: &mut Tx,
        wanted: &[(UnitId, Date)],
        actor: &Actor,
    ) -> Result<Self> {
        let paths = projects.organization.paths_on(tx, wanted).await?;
        let mut places = HashMap::new();
        for key in wanted {
            let path = paths
                .get(key)
                .ok_or_else(|| Error::field("day", Msg::new("projects-unit-not-there")))?;
            places.insert(*key, projects.ledger.place(tx, path).await?);
        }
        Ok(Self {
            projects,
            places,
            by: actor.account,
            facts: Vec::new(),
        })
    }

    /// One more fact for a unit on a day.
    pub(crate) fn add(
        &mut self,
        kind: &str,
        (unit, day): (UnitId, Date),
        subject: Id,
    ) -> &mut Fact {
        let env = &self.projects.env;
        let host = self.places[&(unit, day)];
        let id: FactId = env.new_id();
        let mut fact = Fact::new(id, kind, host, day, subject, "form", env.now());
        fact.recorded_by = self.by;
        self.facts.push(fact);
        let last = self.facts.len() - 1;
        &mut self.facts[last]
    }

    /// The place of a unit on a day, which was asked for in the beginning.
    pub(crate) fn place(&self, unit: UnitId, day: Date) -> PlaceId {
        self.places[&(unit, day)]
    }

    /// Into the ledger.
    pub(crate) async fn write(self, tx: &mut Tx) -> Result<()> {
        self.projects.ledger.append(tx, &self.facts).await
    }
}

impl Projects {
    /// Takes back the standing facts of some kinds about a thing.
    pub(crate) async fn take_back(
        &self,
        tx: &mut Tx,
        subject: Id,
        kinds: &[&str],
        actor: &Actor,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, subject).await?;
        let own = standing.iter().filter(|f| kinds.contains(&f.kind.as_str()));
        let ids: Vec<FactId> = own.map(|f| f.id).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => self
                .ledger
                .reverse(tx, &ids, actor.account)
                .await
                .map(|_| ()),
        }
    }

    /// A project was approved.
    pub(crate) async fn started(
        &self,
        tx: &mut Tx,
        p: &Project,
        kind: &ProjectKind,
        actor: &Actor,
    ) -> Result<()> {
        let key = (p.unit, self.env.today());
        let home = (self.unit_of(p.lead, p.unit).await?, key.1);
        let mut w = Writing::begin(self, tx, &[key, home], actor).await?;
        let own = w.place(home.0, home.1);
        let fact = w.add(STARTED, key, p.id);
        // Whoever owes a project of their own has it by this.
        (fact.person, fact.unit) = (Some(p.lead), Some(own));
        fact.category = Some(kind.category().to_owned());
        fact.role = kind
            .class
            .as_ref()
            .and_then(|c| p.content.values.get(c).cloned());
        w.write(tx).await
    }

    /// A project is closed today: what came of it, whether in time, who took part.
    pub(crate) async fn closed(
        &self,
        tx: &mut Tx,
        p: &Project,
        kind: &ProjectKind,
        actor: &Actor,
    ) -> Result<()> {
        let today = self.env.today();
        let outcome = p.outcome.ok_or_else(|| Error::internal("no outcome"))?;
        let members = parts::members(tx, p.id).await?;
        let people: Vec<PersonId> = members.iter().map(|m| m.person).collect();
        // Who moved meanwhile counts where they are now; who left the house, where they were.
        let now = self.organization.units_of(&people, today).await?;
        let unit = |m: &crate::Member| now.get(&m.person).copied().unwrap_or(m.unit);
        let mut wanted: Vec<_> = members.iter().map(|m| (unit(m), today)).collect();
        let standing = self.organization.paths_on(tx, &wanted).await?;
        wanted.retain(|key| standing.contains_key(key));
        wanted.push((p.unit, today));
        let key = (p.unit, today);
        let mut w = Writing::begin(self, tx, &wanted, actor).await?;
        let category = Some(kind.category().to_owned());
        let fact = w.add(PROJECT, key, p.id);
        fact.category.clone_from(&category);
        fact.role = Some(outcome.code().to_owned());
        if outcome != Outcome::Ended && p.handed_on.is_some_and(|on| on <= p.until) {
            w.add(ON_TIME, key, p.id).category.clone_from(&category);
        }
        for m in &members {
            let own = (unit(m), today);
            let place = match standing.contains_key(&own) {
                true => w.place(own.0, today),
                false => w.place(p.unit, today),
            };
            let fact = w.add(MEMBER, key, p.id);
            fact.category.clone_from(&category);
            (fact.person, fact.unit) = (Some(m.person), Some(place));
            fact.role = Some(m.role.clone());
        }
        w.write(tx).await
    }

    /// A report was accepted today: it and its recommendations, in the place of those of an earlier version.
    pub(crate) async fn reported(
        &self,
        tx: &mut Tx,
        (p, kind): (&Project, &ProjectKind),
        report: &Report,
        actor: &Actor,
    ) -> Result<()> {
        self.take_back(tx, p.id, &[REPORT, ADVICE], actor).await?;
        let key = (p.unit, self.env.today());
        let mut w = Writing::begin(self, tx, &[key], actor).await?;
        let category = Some(kind.category().to_owned());
        w.add(REPORT, key, p.id).category.clone_from(&category);
        for line in &report.parts.advice {
            let fact = w.add(ADVICE, key, p.id);
            fact.category.clone_from(&category);
            fact.quantity = Some(line.no * 1_000);
        }
        w.write(tx).await
    }
}
