//! Reports drafted by the clock (周报、月报、通报): for every unit of the categories that a template names, once a
//! period, as drafts that somebody keeps or drops.

use std::collections::HashSet;

use guard::Switch;
use identity::{Actor, Held, Identity};
use jiff::ToSpan;
use kernel::{
    AccountId, Date, Error, Id, Msg, Period, PeriodKind, ReportId, Result, Scope, UnitId,
};
use notices::{Notice, Reader};
use serde::Deserialize;
use serde_json::json;

use crate::checks::Warning;
use crate::store::drafts;
use crate::{Reports, Saved, State, Template, WRITE, store};

/// Units of one reading of the ledger.
const CHUNK: usize = 100;

/// When a template is drafted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Every week, month, quarter …, about the one that has ended.
    pub every: PeriodKind,
    /// On which day of the next one; 1 is its first day, Monday in a week.
    pub day: i64,
    /// Categories of the units.
    #[serde(rename = "for")]
    pub units: Vec<String>,
}

impl Schedule {
    /// The days that there are in every period of the kind.
    pub(crate) fn is_possible(&self) -> bool {
        let most = match self.every {
            PeriodKind::Week => 7,
            _ => 28,
        };
        (1..=most).contains(&self.day) && !self.units.is_empty()
    }

    /// The period that is due on a day: the last that has ended, once its day has come.
    pub(crate) fn due(&self, today: Date) -> Option<Period> {
        let now = Period::containing(self.every, today);
        let from = now.from.saturating_add((self.day - 1).days());
        let before = now.from.saturating_sub(1.day());
        (from <= today).then(|| Period::containing(self.every, before))
    }
}

impl Reports {
    /// Drafts what is due and not drafted yet; how many. Several servers may do it at once.
    ///
    /// # Errors
    /// `Busy` when the ledger does not come to rest; what was drafted stays, the rest is drafted next time.
    pub async fn draft_due(&self) -> Result<usize> {
        let (today, mut done) = (self.env.today(), 0);
        for template in self.templates.iter() {
            let Some(schedule) = &template.schedule else {
                continue;
            };
            let Some(period) = schedule.due(today) else {
                continue;
            };
            let mut units = self.units_of(schedule, period).await?;
            if schedule.every == PeriodKind::Week {
                self.keep_allowed(&mut units).await?;
            }
            let have = {
                let mut tx = self.db.read().await?;
                drafts::drafted(&mut tx, &template.code, period).await?
            };
            let have: HashSet<UnitId> = have.into_iter().collect();
            let missing: Vec<(UnitId, String)> = units
                .into_iter()
                .filter(|(id, _)| !have.contains(id))
                .collect();
            for chunk in missing.chunks(CHUNK) {
                done += self.draft_for(template, period, chunk).await?;
            }
        }
        Ok(done)
    }

    /// The units of a schedule that stood at the end of a period.
    async fn units_of(&self, schedule: &Schedule, period: Period) -> Result<Vec<(UnitId, String)>> {
        let all = self.organization.units(&Scope::All).await?.into_iter();
        let meant = all.filter(|unit| {
            let stood = unit.from <= period.to && unit.to.is_none_or(|to| to >= period.to);
            stood && schedule.units.contains(&unit.category)
        });
        Ok(meant.map(|unit| (unit.id, unit.name)).collect())
    }

    /// Keeps the units for which circulars of every week are switched on (减负护栏).
    async fn keep_allowed(&self, units: &mut Vec<(UnitId, String)>) -> Result<()> {
        let ids: Vec<UnitId> = units.iter().map(|(id, _)| *id).collect();
        let allowed = match &self.guard {
            Some(guard) => guard.units_on(Switch::WeeklyDigest, &ids).await?,
            None => HashSet::new(),
        };
        units.retain(|(id, _)| allowed.contains(id));
        Ok(())
    }

    async fn draft_for(
        &self,
        template: &Template,
        period: Period,
        units: &[(UnitId, String)],
    ) -> Result<usize> {
        let which = self.printed(template)?;
        let ids: Vec<UnitId> = units.iter().map(|(id, _)| *id).collect();
        let (mut figures, as_of) = self.settled_figures(&ids, period, &which).await?;
        let level = self.levels.take("", template.level.as_deref())?;
        let mut done = 0;
        for (unit, name) in units {
            let figures = figures.remove(unit).unwrap_or_default();
            // Next time, then.
            if figures.iter().any(|f| f.computing) {
                continue;
            }
            let body = self.body(template, name, period, &figures)?;
            let saved = Saved {
                id: self.env.new_id(),
                template: template.code.clone(),
                unit: *unit,
                period,
                as_of,
                title: body.title.0.clone(),
                body,
                created_at: self.env.now(),
                created_by: AccountId(Id::NIL),
                level: level.code.clone(),
                state: State::Draft,
            };
            done += usize::from(self.keep_draft(&saved).await?);
        }
        Ok(done)
    }

    /// Writes a draft and tells who may write reports; false when there is one.
    async fn keep_draft(&self, saved: &Saved) -> Result<bool> {
        let detail =
            json!({ "template": saved.template, "unit": saved.unit, "as_of": saved.as_of });
        let entry = Actor::default().audit("report.drafted", ("report", saved.id), detail);
        db::transaction!(self.db, |tx| {
            store::insert(tx, saved).await?;
            if !drafts::note(tx, saved).await? {
                store::remove(tx, saved.id).await?;
                return Ok(false);
            }
            identity::record(tx, &self.env, &entry).await?;
            self.tell_writers(tx, saved).await?;
            Ok(true)
        })
    }

    /// Tells those who may write reports on the nearest unit that has somebody.
    async fn tell_writers(&self, tx: &mut db::Tx, saved: &Saved) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let mut paths = organization::finding::paths(tx, &[saved.unit]).await?;
        let path = paths.remove(&saved.unit).unwrap_or_default();
        for unit in path.into_iter().rev() {
            let held = Held::Permission(WRITE);
            let found = Identity::holders(tx, held, unit, self.env.today()).await?;
            if found.is_empty() {
                continue;
            }
            let readers: Vec<Reader> = found.into_iter().map(Reader::Person).collect();
            let notice = Notice {
                message: Msg::new("notice-report-drafted").with("title", &saved.title),
                href: format!("/reports/{}", saved.id),
                about: ("report", saved.id.to_string()),
                dedupe: Some(format!("report-drafted-{}", saved.id)),
                confidential: false,
            };
            return notices.send(tx, &readers, &notice).await;
        }
        Ok(())
    }

    /// Keeps a draft with the figures it was drafted with, or drops it.
    ///
    /// # Errors
    /// `NotFound` when it is out of scope or no draft any more; `Conflict` when somebody decided meanwhile.
    pub(crate) async fn decide(
        &self,
        id: ReportId,
        keep: bool,
        doubts: &[Warning],
        reason: &str,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let by = actor.account.ok_or(Error::Forbidden)?;
        let (to, action) = match keep {
            true => (State::Kept, "report.made"),
            false => (State::Dropped, "report.dropped"),
        };
        db::transaction!(self.db, |tx| {
            let known = store::report(tx, id, scope).await?;
            if known.state != State::Draft || !drafts::decide(tx, id, to, by).await? {
                return Err(Error::Conflict(Msg::new("report-changed-meanwhile")));
            }
            if keep {
                crate::searching::index(tx, &known).await?;
            }
            let detail = crate::service::made_detail(&known, doubts, reason);
            let entry = actor.audit(action, ("report", id), detail);
            identity::record(tx, &self.env, &entry).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_due_once_its_day_has_come() {
        let due = |every, day, today: (i16, i8, i8)| {
            let schedule = Schedule {
                every,
                day,
                units: vec!["局".into()],
            };
            let today = Date::constant(today.0, today.1, today.2);
            schedule
                .due(today)
                .map(|p| (p.from.to_string(), p.to.to_string()))
        };
        let some = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        let week = some("2026-11-09", "2026-11-15");
        // 16 November 2026 is a Monday.
        assert_eq!(due(PeriodKind::Week, 1, (2026, 11, 16)), week);
        assert_eq!(due(PeriodKind::Week, 1, (2026, 11, 22)), week);
        assert_eq!(due(PeriodKind::Week, 3, (2026, 11, 17)), None);
        assert_eq!(due(PeriodKind::Week, 3, (2026, 11, 18)), week);
        let february = some("2028-02-01", "2028-02-29");
        assert_eq!(due(PeriodKind::Month, 1, (2028, 3, 1)), february);
        assert_eq!(due(PeriodKind::Month, 5, (2028, 3, 4)), None);
        assert_eq!(
            due(PeriodKind::Year, 10, (2027, 1, 10)),
            some("2026-01-01", "2026-12-31")
        );
    }
}
