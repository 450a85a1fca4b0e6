//! Reminders (提醒) and escalation (督办): who is told of what is still to be done, on working days, once for each
//! step, in one notice a run. What was told is kept.

use std::collections::{BTreeMap, HashMap};

use commons::deadlines::Step;
use db::Tx;
use identity::{Held, Identity};
use jiff::ToSpan;
use kernel::{Calendar, Date, Id, Msg, Period, PersonId, Result, Scope, Timestamp, UnitId};
use notices::{Notice, Reader};
use organization::finding;

use crate::rule::{Subject as Kind, Timer, To};
use crate::state::{Standing, State, occurrences};
use crate::subjects::Subject;
use crate::{Obligations, Rule, store};

/// A step that no server took on its day is taken within so many days; an older one is passed over.
const LATE: i64 = 5;
/// The farthest that a step may be from its day, and days off with it.
const FAR: i64 = 92 + 31;
/// The longest window.
const YEAR: i64 = 366;
/// Reminders written, and people told, in one transaction.
const CHUNK: usize = 200;
/// Who heads a unit: the first of these that somebody there has.
const HEADS: [(&str, &str); 2] = [("leading", "chief"), ("leading", "middle")];

/// A step to be taken about somebody.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Whom it is about.
    pub subject: Subject,
    /// First day of the window.
    pub begin: Date,
    /// The day from which the step counts.
    pub due: Date,
    /// The day of the step.
    pub day: Date,
    /// What is to be done, and to whom.
    pub timer: Timer,
    /// How they stand.
    pub state: State,
}

/// A step that was taken (提醒记录).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// Id.
    pub id: Id,
    /// Code of the rule.
    pub rule: String,
    /// Whom it is about.
    pub subject: Id,
    /// The unit under which they were.
    pub unit: UnitId,
    /// First day of the window.
    pub begin: Date,
    /// The day from which the step counted.
    pub due: Date,
    /// The step, as packs write it.
    pub step: String,
    /// Whether others were told.
    pub escalates: bool,
    /// When.
    pub at: Timestamp,
}

/// The steps of one occurrence whose day lies in a period; none once it is done or nothing is owed.
pub fn hits(
    s: &Standing,
    timers: &[Timer],
    calendar: &Calendar,
    period: Period,
) -> Vec<(Timer, Date, Date)> {
    let open = matches!(
        s.state,
        State::Upcoming | State::Soon | State::Extended | State::Overdue
    );
    let (Some(due), Some(until), true) = (s.occurrence.due, s.occurrence.until, open) else {
        return Vec::new();
    };
    let mut found: Vec<(Timer, Date, Date)> = Vec::new();
    for timer in timers {
        let from = s
            .extended
            .unwrap_or(if timer.escalates { until } else { due });
        let day = timer.step.day(from, calendar);
        if period.contains(day) {
            found.push((timer.clone(), from, day));
        }
    }
    // After days without a server one reminder is enough; escalations go to others and all stay.
    let last = found
        .iter()
        .filter(|(t, ..)| !t.escalates)
        .map(|f| f.2)
        .max();
    found.retain(|(t, _, day)| t.escalates || Some(*day) == last);
    found
}

impl Obligations {
    /// The steps about those of a scope whose day lies in a period, as they stand now.
    pub async fn planned(
        &self,
        rule: &Rule,
        scope: &Scope,
        period: Period,
    ) -> Result<Vec<Planned>> {
        let timers = |begin: Date| {
            let version = rule.version_on(begin);
            version.map_or_else(Vec::new, |v| rule.timers(v.every))
        };
        // The windows that can have such a step: by their own days, and where more time was given.
        let mut begins: Vec<Date> = match rule.follows() {
            true => vec![
                period.from.saturating_sub((FAR + rule.span()).days()),
                period.to.min(self.env.today()),
            ],
            false => {
                let wide = Period {
                    from: period.from.saturating_sub((YEAR + FAR).days()),
                    to: period.to,
                };
                let all = occurrences(rule, &self.calendar, wide);
                let near = all.iter().filter(|o| {
                    let days = [o.due, o.until].into_iter().flatten();
                    let timers = timers(o.window.from);
                    let mut steps = timers
                        .iter()
                        .flat_map(|t| days.clone().map(|d| t.step.day(d, &self.calendar)));
                    steps.any(|day| period.contains(day))
                });
                near.map(|o| o.window.from).collect()
            }
        };
        let reach = Period {
            from: period.from.saturating_sub(FAR.days()),
            to: period.to.saturating_add(FAR.days()),
        };
        begins.extend(store::extended(&mut self.db.read().await?, &rule.code, reach).await?);
        let (Some(first), Some(last)) = (begins.iter().min(), begins.iter().max()) else {
            return Ok(Vec::new());
        };
        let windows = Period {
            from: *first,
            to: *last,
        };
        let units = self.bound(rule, scope, None).await?;
        let subjects = self.subjects(rule, &units, windows).await?;
        let lines = self.lines(rule, subjects, windows).await?;
        // While old facts are counted nobody is reminded of what may have been done.
        let mut planned = Vec::new();
        for line in lines.unwrap_or_default() {
            for s in &line.occurrences {
                let timers = timers(s.occurrence.window.from);
                for (timer, due, day) in hits(s, &timers, &self.calendar, period) {
                    planned.push(Planned {
                        subject: line.subject.clone(),
                        begin: s.occurrence.window.from,
                        due,
                        day,
                        timer,
                        state: s.state,
                    });
                }
            }
        }
        Ok(planned)
    }

    /// Takes the steps that are due by now and tells everybody once; gives how many steps were new and how many people
    /// were told. Run again, or on another node, it does nothing twice.
    pub async fn remind(&self) -> Result<(usize, usize)> {
        let today = self.env.today();
        let mut taken = 0;
        if self.calendar.is_workday(today) {
            let period = Period {
                from: today.saturating_sub((LATE - 1).days()),
                to: today,
            };
            for rule in self.rules.iter() {
                let planned = self.planned(rule, &Scope::All, period).await?;
                let mut desk = Desk::new(today);
                for chunk in planned.chunks(CHUNK) {
                    taken += db::transaction!(self.db, |tx| {
                        self.take(tx, rule, chunk, &mut desk).await
                    })?;
                }
            }
        }
        Ok((taken, self.tell().await?))
    }

    /// Writes down steps that were not taken before, with those who are to be told.
    async fn take(
        &self,
        tx: &mut Tx,
        rule: &Rule,
        planned: &[Planned],
        desk: &mut Desk,
    ) -> Result<usize> {
        let at = self.env.now();
        let rows: Vec<Reminder> = planned
            .iter()
            .map(|p| Reminder {
                id: self.env.new_id(),
                rule: rule.code.clone(),
                subject: p.subject.id,
                unit: p.subject.unit,
                begin: p.begin,
                due: p.due,
                step: p.timer.step.to_string(),
                escalates: p.timer.escalates,
                at,
            })
            .collect();
        let new = store::take(tx, &rows).await?;
        let mut to: Vec<(Id, PersonId)> = Vec::new();
        for (row, p) in rows.iter().zip(planned) {
            if new.contains(&row.id) {
                let people = desk.people(tx, rule, p).await?;
                to.extend(people.into_iter().map(|person| (row.id, person)));
            }
        }
        store::tell(tx, &to).await?;
        Ok(new.len())
    }

    /// Tells everybody who was not told yet, each in one notice.
    async fn tell(&self) -> Result<usize> {
        let Some(notices) = &self.notices else {
            return Ok(0);
        };
        let mut told = 0;
        loop {
            let people = store::untold(&mut self.db.read().await?, CHUNK).await?;
            if people.is_empty() {
                return Ok(told);
            }
            told += db::transaction!(self.db, |tx| {
                let now = self.env.now();
                // Whoever of two nodes marks them tells them.
                let counts = store::mark_told(tx, &people, now).await?;
                for (person, n) in &counts {
                    let notice = Notice {
                        message: Msg::new("notice-reminded").with("n", n),
                        href: format!("/obligations/reminders/mine?at={}", now.0),
                        about: ("obligation-reminder", now.0.to_string()),
                        dedupe: None,
                        confidential: false,
                    };
                    notices
                        .send(tx, &[Reader::Person(*person)], &notice)
                        .await?;
                }
                Ok(counts.len())
            })?;
        }
    }
}

/// Who is where today; asked once a run for each unit.
struct Desk {
    today: Date,
    known: HashMap<(UnitId, To), Vec<PersonId>>,
    paths: HashMap<UnitId, Vec<UnitId>>,
}

impl Desk {
    fn new(today: Date) -> Self {
        Self {
            today,
            known: HashMap::new(),
            paths: HashMap::new(),
        }
    }

    /// To whom a step speaks: on the nearest unit that has such people other than those it is about.
    async fn people(&mut self, tx: &mut Tx, rule: &Rule, p: &Planned) -> Result<Vec<PersonId>> {
        let own: Vec<PersonId> = match rule.subject {
            // Whoever holds the post today.
            Kind::Post => {
                let held = p.subject.by.iter().filter(|(_, d)| d.contains(self.today));
                held.map(|(id, _)| PersonId(*id)).collect()
            }
            kind => p.subject.people(kind),
        };
        if p.timer.to == To::Own && !own.is_empty() {
            return Ok(own);
        }
        let unit = p.subject.unit;
        if !self.paths.contains_key(&unit) {
            self.paths.extend(finding::paths(tx, &[unit]).await?);
        }
        let path = self.paths.get(&unit).cloned().unwrap_or_default();
        // The superiors of a unit are above it.
        let itself = matches!(rule.subject, Kind::Unit | Kind::Body);
        let skip = usize::from(p.timer.to == To::Superior && itself && path.len() > 1);
        for unit in path.into_iter().rev().skip(skip) {
            let mut found = self.of(tx, unit, &p.timer.to).await?;
            found.retain(|person| !own.contains(person));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    async fn of(&mut self, tx: &mut Tx, unit: UnitId, to: &To) -> Result<Vec<PersonId>> {
        let key = (unit, to.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let day = self.today;
        let found = match to {
            // Nobody is the person behind a unit: those who head it.
            To::Own | To::Superior => {
                let mut heads = Vec::new();
                for head in HEADS {
                    heads = finding::described(tx, head, unit, day).await?;
                    if !heads.is_empty() {
                        break;
                    }
                }
                heads
            }
            To::InCharge => finding::in_charge(tx, unit, day).await?,
            To::Role(code) => Identity::holders(tx, Held::Role(code), unit, day).await?,
            To::Permission(name) => {
                Identity::holders(tx, Held::Permission(name), unit, day).await?
            }
            To::Attribute(name, value) => finding::described(tx, (name, value), unit, day).await?,
        };
        self.known.insert(key, found.clone());
        Ok(found)
    }
}

/// How many subjects of which rule will be reminded, day by day.
pub(crate) fn by_day(planned: &[Planned]) -> BTreeMap<(Date, Step, bool), usize> {
    let mut days = BTreeMap::new();
    for p in planned {
        let key = (p.day, p.timer.step, p.timer.escalates);
        *days.entry(key).or_default() += 1;
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Need, Occurrence};
    use ledger::Done;
    use proptest::prelude::*;

    fn at(n: i64) -> Date {
        Date::constant(2026, 3, 2).saturating_add(n.days())
    }

    fn timers() -> Vec<Timer> {
        let timer = |days, escalates| Timer {
            step: Step::days(days),
            to: To::Own,
            escalates,
        };
        vec![
            timer(-3, false),
            timer(0, false),
            timer(1, false),
            timer(5, true),
        ]
    }

    fn standing(state: State, extended: Option<i64>) -> Standing {
        let need = Need {
            times: 1,
            minutes: 0,
        };
        Standing {
            occurrence: Occurrence {
                window: Period {
                    from: at(0),
                    to: at(27),
                },
                due: Some(at(14)),
                until: Some(at(16)),
                at: None,
                soon: at(10),
                need,
            },
            need,
            state,
            done: None,
            so_far: Done::default(),
            extended: extended.map(at),
        }
    }

    proptest! {
        #[test]
        fn every_step_falls_on_one_day_and_stops_when_it_is_settled(
            state in prop::sample::select(State::ALL.to_vec()),
            extended in prop::option::of(17i64..60),
        ) {
            let s = standing(state, extended);
            let calendar = Calendar::default();
            let mut taken = Vec::new();
            for n in -40..120 {
                let day = Period { from: at(n), to: at(n) };
                taken.extend(hits(&s, &timers(), &calendar, day));
            }
            let open = matches!(state, State::Upcoming | State::Soon | State::Extended | State::Overdue);
            let mut steps: Vec<_> = taken.iter().map(|(t, ..)| (t.step, t.escalates)).collect();
            steps.sort();
            steps.dedup();
            // Steps that meet on a working day are both there.
            prop_assert_eq!(steps.len(), if open { 4 } else { 0 });
            prop_assert!(taken.iter().all(|(_, _, day)| calendar.is_workday(*day)));
            // All at once: the last reminder, and every escalation.
            let all = hits(&s, &timers(), &calendar, Period { from: at(-40), to: at(120) });
            prop_assert_eq!(all.len(), if open { 2 } else { 0 });
        }
    }
}
