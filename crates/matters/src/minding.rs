//! What the clock does: those who owe an answer or a report afterwards are reminded, then those in charge hear of it; the
//! calendar of a person.

use commons::deadlines::Step;
use futures::future::BoxFuture;
use kernel::{Calendar, Date, Msg, PersonId, Result, format_date};
use notices::{CalendarSource, Event, When};
use organization::Organization;

use crate::kind::steps;
use crate::model::{Matter, State};
use crate::service::Matters;
use crate::store;

/// The steps that were reached by a day, the last one only: after days without a server nobody hears of all of them.
pub(crate) fn reached(steps: &[Step], due: Date, today: Date, calendar: &Calendar) -> Option<Step> {
    let mut reached: Vec<Step> = steps.to_vec();
    reached.retain(|s| s.day(due, calendar) <= today);
    reached.into_iter().max_by_key(|s| s.day(due, calendar))
}

impl Matters {
    /// Reminds of answers and reports that are owed; gives how many matters were looked at. Run again, or on another node, nobody
    /// is told twice. For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        let owed = store::owed(&mut self.db.read().await?).await?;
        for m in &owed {
            db::transaction!(self.db, |tx| self.remind_of(tx, m).await)?;
        }
        Ok(owed.len())
    }

    async fn remind_of(&self, tx: &mut db::Tx, m: &Matter) -> Result<()> {
        let today = self.env.today();
        let kind = self.rule(tx, &m.rule).await?;
        let after = m.state == State::Done;
        let (due, unit) = match after {
            true => (m.after_due, m.unit),
            false => (m.reply_due, m.to.unwrap_or(m.unit)),
        };
        let Some(due) = due else {
            return Ok(());
        };
        let what = if after { "after" } else { "reply" };
        if let Some(step) = reached(&steps(&kind.remind), due, today, &self.calendar) {
            let people: Vec<PersonId> = match after {
                true => self.owners(tx, m).await?,
                false => self.at_door(tx, m).await?,
            };
            let message = Msg::new(match after {
                true => "matters-notice-owes-after",
                false => "matters-notice-owes-reply",
            });
            let once = format!("{what}-{step}-{}", format_date(due));
            let message = message.with("due", format_date(due));
            self.tell(tx, (m, &kind), &people, message, &once).await?;
        }
        if let Some(step) = reached(&steps(&kind.escalate), due, today, &self.calendar) {
            let people = Organization::in_charge(tx, unit, today).await?;
            let message = Msg::new(match after {
                true => "matters-notice-late-after",
                false => "matters-notice-late-reply",
            });
            let once = format!("up-{what}-{step}-{}", format_date(due));
            let message = message.with("due", format_date(due));
            self.tell(tx, (m, &kind), &people, message, &once).await?;
        }
        Ok(())
    }
}

/// The matters of a person, in their calendar: from when to when, and by when they report on them.
impl CalendarSource for Matters {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let mut tx = self.db.read().await?;
            let found = store::of_person(&mut tx, person, (from, to)).await?;
            let mut events = Vec::new();
            for m in &found {
                let kind = self.rule(&mut tx, &m.rule).await?;
                let mut add = |word: &'static str, day: Option<Date>| {
                    if let Some(day) = day.filter(|d| (from..=to).contains(d)) {
                        events.push(Event {
                            uid: format!("matter-{}-{word}", m.id),
                            title: Msg::new(word).with("title", m.called(&kind)),
                            when: When::Day(day),
                            href: m.href(),
                            updated: m.updated_at,
                        });
                    }
                };
                add("matters-calendar-from", m.starts);
                if m.ends != m.starts {
                    add("matters-calendar-to", m.ends);
                }
                add(
                    "matters-calendar-after",
                    m.after_due.filter(|_| m.owes_after()),
                );
            }
            Ok(events)
        })
    }
}
