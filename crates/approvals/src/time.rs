//! Time limits, counted in working days.

use std::sync::Arc;

use db::transaction;
use futures::future::BoxFuture;
use jiff::ToSpan;
use kernel::{Calendar, Date, Id, Msg, PersonId, Result};
use notices::{CalendarSource, Event, When, term};

use crate::route::Overdue;
use crate::service::Approvals;
use crate::store::{self, Note};

/// So many working days later.
pub(crate) fn plus_workdays(calendar: &Calendar, from: Date, days: u16) -> Date {
    let mut day = from;
    for _ in 0..days {
        day = day.saturating_add(1.day());
        // Holidays last no month; a calendar that says otherwise is not followed for ever.
        for _ in 0..31 {
            if calendar.is_workday(day) {
                break;
            }
            day = day.saturating_add(1.day());
        }
    }
    day
}

impl Approvals {
    /// Reminds those who are late, or lets it pass on to their superiors, as the route says; once a working
    /// day. For a job that runs often. Gives how many approvals were late.
    pub async fn mind_limits(&self) -> Result<usize> {
        const MOST: i64 = 500;
        let today = self.env.today();
        if !self.calendar.is_workday(today) {
            return Ok(0);
        }
        let late = store::late(&mut self.db.read().await?, today, MOST).await?;
        for id in &late {
            self.mind_limit(*id, today).await?;
        }
        Ok(late.len())
    }

    async fn mind_limit(&self, id: Id, today: Date) -> Result<()> {
        transaction!(self.db, |tx| {
            store::hold(tx, id).await?;
            let Some(mut a) = store::one(tx, id).await? else {
                return Ok(());
            };
            let late = a.due.is_some_and(|due| due < today);
            let Some(rule) = a.case.rule().cloned().filter(|_| late) else {
                return Ok(());
            };
            let at = (a.case.round, a.case.step);
            let now = self.env.now();
            if rule.overdue == Overdue::Superior {
                let (unit, people) = self.superiors(tx, &a).await?;
                if a.case.pass_on(&people) {
                    (a.at_unit, a.due, a.updated_at) = (unit, self.due(&rule), now);
                    store::save(tx, &a).await?;
                    let note = Note {
                        act: "passed-on",
                        ..Note::default()
                    };
                    store::note(tx, &a, at, &note, now).await?;
                    let detail = serde_json::json!({ "step": at.1 + 1 });
                    self.tell(tx, &a, None, "approval.passed-on", detail)
                        .await?;
                    return self.call(tx, &a, "overdue").await;
                }
            }
            if store::note_reminder(tx, &a, today).await? {
                let note = Note {
                    act: "overdue",
                    ..Note::default()
                };
                store::note(tx, &a, at, &note, now).await?;
                self.call(tx, &a, "overdue").await?;
            }
            Ok(())
        })
    }
}

/// Due days of what waits for a person, in their calendar.
impl CalendarSource for Approvals {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        Box::pin(async move {
            let mut tx = self.db.read().await?;
            let found = store::due_between(&mut tx, person, from, to).await?;
            let mut events = Vec::new();
            for a in found {
                let Some(due) = a.due else { continue };
                let who = self.directory.name(&mut tx, a.case.applicant).await?;
                let kind = term(self.kind(&a.kind)?.title());
                events.push(Event {
                    uid: format!("approval-{}", a.id),
                    title: Msg::new("approvals-notice-turn")
                        .with("kind", kind)
                        .with("who", who),
                    when: When::Day(due),
                    href: format!("/approvals/{}", a.id),
                    updated: a.updated_at,
                });
            }
            Ok(events)
        })
    }
}

impl Approvals {
    /// As a source of calendar feeds.
    pub fn calendar_source(&self) -> Arc<dyn CalendarSource> {
        Arc::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::DayKind;

    #[test]
    fn limits_skip_days_off() {
        let day = |d| Date::constant(2026, 11, d);
        let calendar = Calendar::new([(day(23), DayKind::Off), (day(28), DayKind::Work)]);
        // Friday; Monday is off, the next Saturday is worked.
        let due = |n| plus_workdays(&calendar, day(20), n);
        assert_eq!(
            [due(0), due(1), due(4), due(5)],
            [day(20), day(24), day(27), day(28)]
        );
    }
}
