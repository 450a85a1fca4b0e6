//! The facts of matters. They hold ids, codes and numbers only.

use db::Tx;
use identity::Actor;
use kernel::{Error, FactId, Msg, Result, UnitId};
use ledger::{Fact, PlaceId};

use crate::kind::MatterKind;
use crate::model::{Matter, Outcome, State};
use crate::service::Matters;

/// One a matter that was answered or taken note of; role: what was answered, person: whom it is about.
pub(crate) const MATTER: &str = "matter";
/// One that was sent by its day, where its kind asks for one.
pub(crate) const IN_TIME: &str = "matter-in-time";
/// One an answer, for the unit that gave it; role: in time or late.
pub(crate) const REPLY: &str = "matter-reply";
/// One a report afterwards; role: in time or late.
pub(crate) const AFTER: &str = "matter-after";
/// All of them.
pub(crate) const KINDS: [&str; 4] = [MATTER, IN_TIME, REPLY, AFTER];

fn timeliness(in_time: bool) -> Option<String> {
    Some(if in_time { "in-time" } else { "late" }.to_owned())
}

impl Matters {
    async fn place(&self, tx: &mut Tx, unit: UnitId) -> Result<PlaceId> {
        let key = (unit, self.env.today());
        let paths = self.organization.paths_on(tx, &[key]).await?;
        let gone = || Error::Conflict(Msg::new("matters-unit-not-there"));
        let path = paths.get(&key).ok_or_else(gone)?;
        self.ledger.place(tx, path).await
    }

    async fn fact(&self, tx: &mut Tx, kind: &str, unit: UnitId, m: &Matter) -> Result<Fact> {
        let (id, day): (FactId, _) = (self.env.new_id(), self.env.today());
        let place = self.place(tx, unit).await?;
        let mut fact = Fact::new(id, kind, place, day, m.id, "form", self.env.now());
        fact.category = Some(m.kind.clone());
        if let Some(person) = m.person {
            (fact.person, fact.unit) = (Some(person), Some(place));
        }
        Ok(fact)
    }

    /// A matter was answered today.
    pub(crate) async fn settled(
        &self,
        tx: &mut Tx,
        (m, kind): (&Matter, &MatterKind),
        actor: &Actor,
    ) -> Result<()> {
        let mut fact = self.fact(tx, MATTER, m.unit, m).await?;
        fact.role = m.outcome.map(|o| o.code().to_owned());
        let mut facts = vec![fact];
        if kind.send.is_some() && !m.late {
            facts.push(self.fact(tx, IN_TIME, m.unit, m).await?);
        }
        if let (Some(due), Some(to)) = (m.reply_due, m.to) {
            let mut fact = self.fact(tx, REPLY, to, m).await?;
            // It counts for the unit that answered, not for whom it is about.
            (fact.person, fact.unit) = (None, None);
            fact.role = timeliness(self.env.today() <= due);
            facts.push(fact);
        }
        facts.iter_mut().for_each(|f| f.recorded_by = actor.account);
        self.ledger.append(tx, &facts).await
    }

    /// It was reported on afterwards today.
    pub(crate) async fn reported(&self, tx: &mut Tx, m: &Matter, actor: &Actor) -> Result<()> {
        let mut fact = self.fact(tx, AFTER, m.unit, m).await?;
        fact.role = timeliness(m.after_due.is_some_and(|due| self.env.today() <= due));
        fact.recorded_by = actor.account;
        self.ledger.append(tx, &[fact]).await
    }

    /// Takes back what stands in the ledger about a matter.
    pub(crate) async fn take_back(&self, tx: &mut Tx, m: &Matter, actor: &Actor) -> Result<()> {
        let standing = self.ledger.standing(tx, m.id).await?;
        let ids: Vec<FactId> = standing.iter().map(|f| f.id).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => self
                .ledger
                .reverse(tx, &ids, actor.account)
                .await
                .map(|_| ()),
        }
    }

    /// Ends a matter with an answer, today.
    pub(crate) async fn end(
        &self,
        tx: &mut Tx,
        m: &mut Matter,
        kind: &MatterKind,
        outcome: Outcome,
        actor: &Actor,
    ) -> Result<()> {
        (m.state, m.outcome) = (State::Done, Some(outcome));
        (m.replied_on, m.replied_by) = (Some(self.env.today()), actor.account);
        if outcome != Outcome::Refused {
            m.after_due = crate::model::after_by(kind, &m.content, &self.calendar);
        }
        self.settled(tx, (m, kind), actor).await
    }
}
