//! What the clock does: reports are opened, units reminded, reports judged by their day, owners told of what is past its
//! month; and a person's calendar.

use std::collections::HashMap;

use futures::future::BoxFuture;
use jiff::ToSpan;
use kernel::{Date, Error, Msg, PersonId, Result, format_date};
use notices::{CalendarSource, Event, When};
use web::table::{Order, Window};

use crate::REPORT;
use crate::model::{EntryState, Eyes, month_text};
use crate::service::Tasks;
use crate::store::entries::EntryFilter;
use crate::store::{self, entries, practicals, reports};

impl Tasks {
    /// Opens the reports of the month, reminds of those to be written, and says of those whose day has passed whether they
    /// came in time. Run again, or on another node, nothing is done or told twice. Gives how many reports were looked at.
    /// For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        let today = self.env.today();
        db::transaction!(self.db, |tx| self.open_reports(tx).await)?;
        let mut tx = self.db.read().await?;
        let waiting = reports::to_remind(&mut tx, today).await?;
        let passed = reports::to_judge(&mut tx, today).await?;
        let ended = entries::ended_on(&mut tx, today.saturating_sub(1.day())).await?;
        let promised = practicals::due(&mut tx, today).await?;
        drop(tx);
        let mut known = HashMap::new();
        for chunk in waiting.chunks(200) {
            let mut kept = known.clone();
            db::transaction!(self.db, |tx| {
                for r in chunk {
                    let people = self.holders(tx, REPORT, r.unit, &mut kept).await?;
                    let (key, once) = match r.due < today {
                        true => ("tasks-notice-late", "late"),
                        false => ("tasks-notice-soon", "soon"),
                    };
                    let message = Msg::new(key)
                        .with("unit", store::unit_name(tx, r.unit).await?)
                        .with("month", month_text(r.month))
                        .with("due", format_date(r.due));
                    self.tell(tx, &people, message, r.href(), (r.id, once))
                        .await?;
                }
                Ok(())
            })?;
            known = kept;
        }
        for id in &passed {
            db::transaction!(self.db, |tx| {
                if !reports::judge(tx, *id).await? {
                    return Ok(());
                }
                let report = reports::one(tx, *id).await?.ok_or(Error::NotFound)?;
                self.report_due(tx, &report).await
            })?;
        }
        for e in &ended {
            let people: Vec<PersonId> = [e.content.person, e.content.leader]
                .into_iter()
                .flatten()
                .collect();
            let message = Msg::new("tasks-notice-entry-late")
                .with("number", e.call())
                .with("text", &e.content.text);
            let once = format!("late-{}", format_date(e.content.to));
            db::transaction!(self.db, |tx| {
                self.tell(tx, &people, message.clone(), e.href(), (e.id, &once))
                    .await
            })?;
        }
        for p in &promised {
            let people: Vec<PersonId> = p.person.into_iter().collect();
            let message = Msg::new("tasks-notice-practical")
                .with("title", &p.title)
                .with("due", format_date(p.due));
            let once = format!("due-{}", format_date(p.due));
            db::transaction!(self.db, |tx| {
                self.tell(tx, &people, message.clone(), p.href(), (p.id, &once))
                    .await
            })?;
        }
        Ok(waiting.len() + passed.len())
    }

    /// Entries of a person that are open, the first due first: for the home page and the calendar.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entries_of(
        &self,
        person: PersonId,
        most: i64,
    ) -> Result<(i64, Vec<crate::Entry>)> {
        let eyes = Eyes::of_person(person);
        let filter = EntryFilter {
            person: Some(person),
            state: Some(EntryState::Open),
            issued: true,
            ..EntryFilter::default()
        };
        let order = Order {
            by: "due",
            down: false,
        };
        self.list(&filter, &eyes, order, Window::new(1, most)).await
    }
}

/// The last days of a person's entries and practical things, in their calendar.
impl CalendarSource for Tasks {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let (_, open) = self.entries_of(person, 500).await?;
            let within = |day: Date| (from..=to).contains(&day);
            let due = open.iter().filter(|e| within(e.content.to));
            let event = |e: &crate::Entry| Event {
                uid: format!("task-entry-{}", e.id),
                title: Msg::new("tasks-calendar-entry")
                    .with("number", e.call())
                    .with("text", &e.content.text),
                when: When::Day(e.content.to),
                href: e.href(),
                updated: self.env.now(),
            };
            let mut events: Vec<Event> = due.map(event).collect();
            for p in self.practicals_of(person).await? {
                if within(p.due) {
                    events.push(Event {
                        uid: format!("task-practical-{}", p.id),
                        title: Msg::new("tasks-calendar-practical").with("title", &p.title),
                        when: When::Day(p.due),
                        href: p.href(),
                        updated: self.env.now(),
                    });
                }
            }
            Ok(events)
        })
    }
}
