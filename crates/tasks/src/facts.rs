//! The facts of tasks: one an entry that ended, one a monthly report whose day has passed, one a report that was accepted, one
//! a practical thing that was done, one its satisfaction.

use db::Tx;
use identity::Actor;
use kernel::{AccountId, Date, Error, FactId, Id, Msg, Result};
use ledger::Fact;

use crate::model::{Entry, EntryState, Plan, Report};
use crate::practical::Practical;
use crate::service::Tasks;

/// One an entry that ended; role `in-time`, `late`, `dropped` or `carried`; quantity: its weight.
pub(crate) const ENTRY: &str = "task-entry";
/// One a report whose day has passed; role `in-time` or `missed`, by that day.
pub(crate) const DUE: &str = "task-report";
/// One a report that was accepted; role `in-time` or `late`.
pub(crate) const ACCEPTED: &str = "task-report-accepted";
/// One a practical thing that was done; role `in-time` or `late`.
pub(crate) const DONE: &str = "task-practical";
/// One the satisfaction of a practical thing; role `asked` or `declared`, quantity: the mean score in thousandths.
pub(crate) const SATISFACTION: &str = "task-satisfaction";
/// All of them.
pub(crate) const KINDS: [&str; 5] = [ENTRY, DUE, ACCEPTED, DONE, SATISFACTION];

fn in_time(yes: bool, no: &'static str) -> &'static str {
    if yes { "in-time" } else { no }
}

impl Tasks {
    pub(crate) async fn entry_ended(
        &self,
        tx: &mut Tx,
        plan: &Plan,
        e: &Entry,
        actor: &Actor,
    ) -> Result<()> {
        let on = e.ended_on.unwrap_or_else(|| self.env.today());
        let wanted = [(e.content.unit, on), (plan.unit, on)];
        let places = self.places(tx, &wanted, e.content.from).await?;
        let id: FactId = self.env.new_id();
        let host = places[&plan.unit];
        let mut fact = Fact::new(id, ENTRY, host, on, e.id, "form", self.env.now());
        fact.unit = Some(places[&e.content.unit]);
        fact.person = e.content.person;
        fact.category = Some(plan.kind.code.clone());
        let role = match e.state {
            EntryState::Reached => in_time(e.in_time(), "late"),
            EntryState::Dropped => "dropped",
            EntryState::Carried => "carried",
            EntryState::Open => return Err(Error::internal("an open entry has no end")),
        };
        fact.role = Some(role.to_owned());
        fact.quantity = Some(e.content.weight.unwrap_or(1) * 1_000);
        fact.recorded_by = actor.account;
        self.ledger.append(tx, &[fact]).await
    }

    /// A report by its day: whether it was handed in by then.
    pub(crate) async fn report_due(&self, tx: &mut Tx, r: &Report) -> Result<()> {
        let there = r.handed_on.is_some_and(|on| on <= r.due);
        self.report_fact(tx, (DUE, in_time(there, "missed")), r, r.due, None)
            .await
    }

    pub(crate) async fn report_accepted(
        &self,
        tx: &mut Tx,
        r: &Report,
        actor: &Actor,
    ) -> Result<()> {
        let today = self.env.today();
        let role = in_time(!r.is_late(today), "late");
        self.report_fact(tx, (ACCEPTED, role), r, today, actor.account)
            .await
    }

    async fn report_fact(
        &self,
        tx: &mut Tx,
        (kind, role): (&str, &str),
        r: &Report,
        on: Date,
        by: Option<AccountId>,
    ) -> Result<()> {
        let places = self.places(tx, &[(r.unit, on)], r.month).await?;
        let id: FactId = self.env.new_id();
        let source = if by.is_some() { "form" } else { "clock" };
        let mut fact = Fact::new(id, kind, places[&r.unit], on, r.id, source, self.env.now());
        fact.role = Some(role.to_owned());
        fact.recorded_by = by;
        self.ledger.append(tx, &[fact]).await
    }

    pub(crate) async fn practical_done(
        &self,
        tx: &mut Tx,
        p: &Practical,
        actor: &Actor,
    ) -> Result<()> {
        let on = p.done_on.unwrap_or_else(|| self.env.today());
        let role = in_time(on <= p.due, "late");
        self.practical_fact(tx, (DONE, role, None), p, on, actor)
            .await
    }

    pub(crate) async fn practical_settled(
        &self,
        tx: &mut Tx,
        p: &Practical,
        (role, mean): (&str, i64),
        actor: &Actor,
    ) -> Result<()> {
        let today = self.env.today();
        self.practical_fact(tx, (SATISFACTION, role, Some(mean)), p, today, actor)
            .await
    }

    async fn practical_fact(
        &self,
        tx: &mut Tx,
        (kind, role, quantity): (&str, &str, Option<i64>),
        p: &Practical,
        on: Date,
        actor: &Actor,
    ) -> Result<()> {
        let places = self.places(tx, &[(p.unit, on)], p.promised_on).await?;
        let id: FactId = self.env.new_id();
        let source = if role == "declared" {
            "declared"
        } else {
            "form"
        };
        let mut fact = Fact::new(id, kind, places[&p.unit], on, p.id, source, self.env.now());
        fact.role = Some(role.to_owned());
        fact.category = Some(p.kind.code.clone());
        fact.quantity = quantity;
        fact.evidence = p.files.iter().map(|f| f.sha256.clone()).collect();
        fact.recorded_by = actor.account;
        self.ledger.append(tx, &[fact]).await
    }

    /// Takes back the facts of some kinds about something.
    pub(crate) async fn take_facts_back(
        &self,
        tx: &mut Tx,
        (subject, kinds): (Id, &[&str]),
        actor: &Actor,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, subject).await?;
        let own = standing.iter().filter(|f| kinds.contains(&f.kind.as_str()));
        let ids: Vec<FactId> = own.map(|f| f.id).collect();
        match ids.is_empty() {
            true => Err(Error::Conflict(Msg::new("tasks-moved-on"))),
            false => self
                .ledger
                .reverse(tx, &ids, actor.account)
                .await
                .map(|_| ()),
        }
    }
}
