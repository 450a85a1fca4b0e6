//! What the clock does: milestones are reminded of before their day and told upwards after it; the calendar of a person; what
//! was solved is counted.

use futures::future::BoxFuture;
use kernel::{Date, Msg, PersonId, Result, format_date};
use notices::{CalendarSource, Event, When};
use organization::Organization;

use crate::model::{Milestone, Project};
use crate::service::Projects;
use crate::store::{self, parts};

/// How far a milestone is past its day, or before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rung {
    /// Its owner is reminded.
    Soon,
    /// Its owner hears that it is late.
    Late,
    /// Who leads hears of it.
    Lead,
    /// Who is in charge of the unit hears of it.
    Charge,
}

/// The rungs that were reached by a day; after days without a server all of them are, each is told once.
pub(crate) fn rungs(m: &Milestone, timers: crate::Timers, today: Date) -> Vec<Rung> {
    if !m.is_open() {
        return Vec::new();
    }
    let days = i64::from((today - m.until).get_days());
    let mut found = Vec::new();
    if days > 0 {
        found.push(Rung::Late);
        if days >= timers.lead_after.max(1) {
            found.push(Rung::Lead);
        }
        if days >= timers.charge_after.max(1) {
            found.push(Rung::Charge);
        }
    } else if -days <= timers.before {
        found.push(Rung::Soon);
    }
    found
}

impl Projects {
    /// Reminds of milestones and counts what was solved; gives how many projects were looked at and how many problems changed.
    /// Run again, or on another node, nobody is told twice. For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<(usize, usize)> {
        let today = self.env.today();
        let running = store::running(&mut self.db.read().await?, today).await?;
        for p in &running {
            db::transaction!(self.db, |tx| self.remind_of(tx, p).await)?;
        }
        Ok((running.len(), self.settle_found().await?))
    }

    async fn remind_of(&self, tx: &mut db::Tx, p: &Project) -> Result<()> {
        let today = self.env.today();
        let kind = self.rule(tx, &p.rule).await?;
        for m in parts::milestones(tx, p.id).await? {
            for rung in rungs(&m, kind.timers, today) {
                let (people, key, once): (Vec<PersonId>, _, _) = match rung {
                    Rung::Soon => (vec![m.owner], "projects-notice-soon", "soon"),
                    Rung::Late => (vec![m.owner], "projects-notice-late", "late"),
                    // Whoever leads and owns it heard of it already.
                    Rung::Lead if p.lead == m.owner => continue,
                    Rung::Lead => (vec![p.lead], "projects-notice-late", "lead"),
                    Rung::Charge => {
                        let charge = Organization::in_charge(tx, p.unit, today).await?;
                        (charge, "projects-notice-late", "charge")
                    }
                };
                let message = Msg::new(key)
                    .with("text", &m.text)
                    .with("due", format_date(m.until));
                let once = format!("{once}-{}-{}", m.no, format_date(m.until));
                self.tell(tx, p, &people, message, &once).await?;
            }
        }
        if p.is_late(today) {
            let message = Msg::new("projects-notice-over").with("due", format_date(p.until));
            let once = format!("over-{}", format_date(p.until));
            self.tell(tx, p, &[p.lead], message, &once).await?;
        }
        Ok(())
    }
}

/// Milestones of a person, in their calendar.
impl CalendarSource for Projects {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let owed = store::owed(&mut self.db.read().await?, person, to).await?;
            let within = owed.into_iter().filter(|o| o.4 >= from);
            let event = |(id, title, no, text, due, _): (_, String, i64, String, Date, _)| Event {
                uid: format!("project-{id}-{no}"),
                title: Msg::new("projects-calendar")
                    .with("title", title)
                    .with("text", text),
                when: When::Day(due),
                href: crate::model::href(id),
                updated: self.env.now(),
            };
            Ok(within.map(event).collect())
        })
    }
}
