//! How obligations stand, for many units in one reading.

use std::sync::Arc;

use jiff::ToSpan;
use kernel::{Calendar, Date, Env, Error, Period, PeriodKind, Result, Scope, UnitId};
use ledger::Ledger;
use organization::{Organization, Unit};

use crate::state::{Occurrence, State, occurrences, state};
use crate::{Rule, Rules};

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Obligations {
    pub(crate) env: Env,
    ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) rules: Arc<Rules>,
    pub(crate) calendar: Arc<Calendar>,
}

/// How one unit stands over a period.
#[derive(Debug, Clone)]
pub struct Line {
    /// The unit.
    pub unit: Unit,
    /// Each occurrence, its state, and the day on which it was first done.
    pub occurrences: Vec<(Occurrence, State, Option<Date>)>,
}

impl Line {
    /// How many were fulfilled and how many should have been by now.
    pub fn tally(&self) -> (usize, usize) {
        let counts = self
            .occurrences
            .iter()
            .filter(|(_, s, _)| s.counts())
            .count();
        let done = self
            .occurrences
            .iter()
            .filter(|(_, s, _)| s.fulfilled())
            .count();
        (done, counts)
    }
}

/// Something to do, for the home page.
#[derive(Debug, Clone)]
pub struct Todo {
    /// Code of the rule.
    pub rule: String,
    /// The unit that must do it.
    pub unit: Unit,
    /// Due day.
    pub due: Date,
    /// Soon or overdue.
    pub state: State,
}

impl Obligations {
    /// The reading over a ledger, with the rules and the working calendar of the packs.
    pub fn new(
        env: Env,
        ledger: Ledger,
        organization: Organization,
        rules: Rules,
        calendar: Calendar,
    ) -> Self {
        Self {
            env,
            ledger,
            organization,
            rules: Arc::new(rules),
            calendar: Arc::new(calendar),
        }
    }

    /// The units of a scope that a rule binds, under a unit if one is named.
    pub async fn bound(
        &self,
        rule: &Rule,
        scope: &Scope,
        under: Option<UnitId>,
    ) -> Result<Vec<Unit>> {
        let below = match under {
            Some(unit) => Some(self.organization.units_under(unit).await?),
            None => None,
        };
        let mut units = self.organization.units(scope).await?;
        units.retain(|u| {
            rule.categories.contains(&u.category)
                && below.as_ref().is_none_or(|b| b.contains(&u.id))
        });
        Ok(units)
    }

    /// How these units stand: one reading for all. `None` while old facts are still being counted.
    pub async fn lines(
        &self,
        rule: &Rule,
        units: Vec<Unit>,
        period: Period,
    ) -> Result<Option<Vec<Line>>> {
        let today = self.env.today();
        let all = occurrences(rule, &self.calendar, period);
        let (Some(first), Some(last)) = (all.first(), all.last()) else {
            return Ok(Some(
                units
                    .into_iter()
                    .map(|unit| Line {
                        unit,
                        occurrences: Vec::new(),
                    })
                    .collect(),
            ));
        };
        let reach = Period {
            from: first.window.from,
            to: last.window.to,
        };
        let ids: Vec<UnitId> = units.iter().map(|u| u.id).collect();
        let Some(progress) = self
            .ledger
            .reading()
            .await?
            .progress(&rule.done_by, &ids, reach)
            .await?
        else {
            return Ok(None);
        };
        let lines = units
            .into_iter()
            .map(|unit| {
                let done: Vec<Date> = progress
                    .range((unit.id, reach.from)..=(unit.id, reach.to))
                    .map(|((_, date), _)| *date)
                    .collect();
                // A unit is bound from its first whole window on, until it ends.
                let bound = |o: &&Occurrence| {
                    unit.from <= o.window.from && unit.to.is_none_or(|to| to >= o.window.to)
                };
                let occurrences = all
                    .iter()
                    .filter(bound)
                    .map(|o| {
                        let first = done.iter().copied().filter(|d| o.window.contains(*d)).min();
                        (*o, state(o, first, today), first)
                    })
                    .collect();
                Line { unit, occurrences }
            })
            .collect();
        Ok(Some(lines))
    }

    /// What is due soon or overdue in a scope within the last four weeks and the next, by due day.
    pub async fn todo(&self, scope: &Scope, limit: usize) -> Result<Vec<Todo>> {
        let today = self.env.today();
        let week = Period::containing(PeriodKind::Week, today);
        let period = Period {
            from: week.from.saturating_sub(4.weeks()),
            to: week.to,
        };
        let mut todo = Vec::new();
        for rule in self.rules.iter() {
            let units = self.bound(rule, scope, None).await?;
            for line in self.lines(rule, units, period).await?.unwrap_or_default() {
                for (o, state, _) in &line.occurrences {
                    if let (Some(due), State::Soon | State::Overdue) = (o.due, state) {
                        todo.push(Todo {
                            rule: rule.code.clone(),
                            unit: line.unit.clone(),
                            due,
                            state: *state,
                        });
                    }
                }
            }
        }
        todo.sort_by(|a, b| (a.due, &a.unit.code).cmp(&(b.due, &b.unit.code)));
        todo.truncate(limit);
        Ok(todo)
    }

    /// The name of a rule in a language.
    pub fn rule_name(&self, code: &str, lang: &str) -> Option<String> {
        self.rules.get(code).map(|r| r.name.get(lang).to_owned())
    }

    /// The category of the facts that fulfil a rule, which names the kind of activity to record.
    pub fn category(&self, code: &str) -> Option<String> {
        let rule = self.rules.get(code)?;
        match rule.done_by.predicate.0.get(&ledger::Column::Category)? {
            ledger::Test::Is(ledger::Scalar::Text(category)) => Some(category.clone()),
            _ => None,
        }
    }

    pub(crate) fn rule(&self, code: &str) -> Result<&Rule> {
        self.rules.get(code).ok_or(Error::NotFound)
    }
}
