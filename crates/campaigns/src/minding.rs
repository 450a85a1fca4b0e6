//! What the clock does: units hear that a phase begins, and that a measure of theirs is late; and a person's calendar.

use futures::future::BoxFuture;
use kernel::{Date, Msg, PersonId, Result, UnitId, format_date};
use notices::{CalendarSource, Event, When};

use crate::model::Campaign;
use crate::service::Campaigns;
use crate::store::{self, parts};

impl Campaigns {
    /// Tells units of phases that begin and of measures that are late; gives how many campaigns were looked at. Run again,
    /// or on another node, nobody is told twice. For a job of every morning.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(&self) -> Result<usize> {
        let running = store::running(&mut self.db.read().await?).await?;
        for c in &running {
            db::transaction!(self.db, |tx| self.remind_of(tx, c).await)?;
        }
        Ok(running.len())
    }

    async fn remind_of(&self, tx: &mut db::Tx, c: &Campaign) -> Result<()> {
        let today = self.env.today();
        let kind = self.rule(tx, &c.rule).await?;
        let units = parts::units(tx, c.id).await?;
        let joined: Vec<UnitId> = units.iter().filter(|t| t.joined).map(|t| t.unit).collect();
        // After days without a server the present phase is enough.
        if let Some(phase) = c.content.phases.iter().find(|p| p.stands(today) == "now") {
            let people = self.reporters(tx, &joined).await?;
            let name = kind
                .phase(&phase.code)
                .map_or(phase.code.as_str(), |p| p.name.zh.as_str());
            let message = Msg::new("campaigns-notice-phase")
                .with("phase", name)
                .with("to", format_date(phase.to));
            let once = format!("phase-{}-{}", phase.code, format_date(phase.from));
            self.say(tx, c, &people, message, &once).await?;
        }
        let done = parts::done(tx, c.id).await?;
        let late = |m: &&crate::Measure| m.due < today && !done.contains_key(&m.no);
        for m in c.content.measures.iter().filter(late) {
            let mut people = self.reporters(tx, &[m.unit]).await?;
            people.extend(c.content.lead);
            let message = Msg::new("campaigns-notice-late")
                .with("no", m.no)
                .with("due", format_date(m.due));
            let once = format!("late-{}-{}", m.no, format_date(m.due));
            self.say(tx, c, &people, message, &once).await?;
        }
        Ok(())
    }
}

/// The last day of surveys that wait for a person, in their calendar.
impl CalendarSource for Campaigns {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let open = self.surveys_of(person).await?.into_iter();
            let within = open.filter(|(_, closes)| (from..=to).contains(closes));
            let event = |(c, closes): (Campaign, Date)| Event {
                uid: format!("campaign-survey-{}", c.id),
                title: Msg::new("campaigns-calendar-survey").with("title", &c.content.title),
                when: When::Day(closes),
                href: format!("{}/survey", c.href()),
                updated: c.updated_at,
            };
            Ok(within.map(event).collect())
        })
    }
}
