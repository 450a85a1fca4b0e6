//! Reminders (提醒) and escalation (督办): on the steps of its kind whoever was asked is told of what is due, then whoever
//! is in charge of them and whoever asked. Each step is taken once, by whichever node is first.

use commons::deadlines::Step;
use db::Tx;
use futures::future::BoxFuture;
use jiff::ToSpan;
use kernel::{Date, Msg, Period, PersonId, Result};
use notices::{CalendarSource, Event as Entry, Reader, When};
use organization::Organization;

use crate::model::{Event, Request};
use crate::service::Requests;
use crate::store;

/// A step that no server took on its day is taken within so many days; an older one is passed over.
const LATE: i64 = 5;
/// The farthest that a step may be from its day, and days off with it.
const FAR: i64 = 92 + 31;

impl Requests {
    /// The steps of a request whose day lies in a stretch.
    fn steps(&self, r: &Request, period: Period) -> Vec<(Step, bool)> {
        let Some(kind) = self.kinds.get(&r.kind) else {
            return Vec::new();
        };
        let due = r.case.until();
        let hits = |step: &&Step| period.contains(step.day(due, &self.calendar));
        // After days without a server one reminder is enough; escalations go to others and all stay.
        let last = kind
            .remind
            .iter()
            .filter(hits)
            .max_by_key(|s| s.day(due, &self.calendar));
        let reminders = last.into_iter().map(|s| (*s, false));
        let escalations = kind.escalate.iter().filter(hits).map(|s| (*s, true));
        reminders.chain(escalations).collect()
    }

    /// Takes the steps that are due by now; gives how many were new. Run again, or on another node, it does nothing
    /// twice. For a job that runs on the morning of every day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        let today = self.env.today();
        if !self.calendar.is_workday(today) {
            return Ok(0);
        }
        let near = (
            today.saturating_sub(FAR.days()),
            today.saturating_add(FAR.days()),
        );
        let period = Period {
            from: today.saturating_sub((LATE - 1).days()),
            to: today,
        };
        let open = store::due_between(&mut self.db.read().await?, near).await?;
        let mut taken = 0;
        for r in open.iter().filter(|r| !self.steps(r, period).is_empty()) {
            taken += db::transaction!(self.db, |tx| {
                store::hold(tx, r.id).await?;
                // What was answered meanwhile reminds nobody.
                match store::one(tx, r.id)
                    .await?
                    .filter(|r| r.case.state.is_open())
                {
                    Some(r) => self.take(tx, &r, period).await,
                    None => Ok(0),
                }
            })?;
        }
        Ok(taken)
    }

    async fn take(&self, tx: &mut Tx, r: &Request, period: Period) -> Result<usize> {
        let (now, due) = (self.env.now(), r.case.until());
        let mut taken = 0;
        for (step, escalates) in self.steps(r, period) {
            let name = step.to_string();
            if !store::take_step(tx, (r.id, due), (&name, escalates), now).await? {
                continue;
            }
            taken += 1;
            let mut to = self.asked_of(tx, r).await?;
            let (act, key) = match (escalates, due < self.env.today()) {
                (true, _) => {
                    to = self.above(tx, r).await?;
                    to.extend(Self::asker(r));
                    ("escalated", "requests-notice-escalated")
                }
                (false, true) => ("reminded", "requests-notice-late"),
                (false, false) => ("reminded", "requests-notice-due"),
            };
            let event = Event {
                seq: 0,
                act: act.to_owned(),
                account: None,
                person: None,
                day: Some(due),
                text: String::new(),
                files: Vec::new(),
                refs: Vec::new(),
                at: now,
            };
            store::note(tx, r.id, &event).await?;
            self.say(tx, r, &to, key, None).await?;
        }
        Ok(taken)
    }

    /// Who is in charge of those of whom it is asked: of their unit or of the nearest above it.
    async fn above(&self, tx: &mut Tx, r: &Request) -> Result<Vec<Reader>> {
        let mut found = Organization::in_charge(tx, r.home, self.env.today()).await?;
        found.retain(|person| r.person != Some(*person));
        Ok(found.into_iter().map(Reader::Person).collect())
    }
}

/// Days on which something is due that is asked of a person, in their calendar.
impl CalendarSource for Requests {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Entry>>> {
        Box::pin(async move {
            let mut tx = self.db.read().await?;
            let found = store::due_of(&mut tx, person, (from, to)).await?;
            let entry = |r: Request| Entry {
                uid: format!("request-{}", r.id),
                title: Msg::new("requests-calendar").with("title", &r.title),
                when: When::Day(r.case.until()),
                href: r.href(),
                updated: r.updated_at,
            };
            Ok(found.into_iter().map(entry).collect())
        })
    }
}
