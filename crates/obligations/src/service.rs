//! How obligations stand, for many in one reading.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use db::Db;
use jiff::ToSpan;
use jiff::civil::DateTime;
use kernel::{Calendar, Date, Env, Error, Id, Period, PersonId, Result, Scope, UnitId};
use ledger::{Done, Ledger, Progress, Sources};
use notices::Notices;
use organization::{Organization, Unit, finding};

use crate::excuse::{ExcuseKind, make_up, settle};
use crate::rule::Subject as Kind;
use crate::state::{Occurrence, Standing, State, after, occurrences, owed, standing};
use crate::subjects::{self, Subject};
use crate::{Rule, Rules, changes, store};

/// What fell due longer ago is no longer listed as something to do.
const STALE: i64 = 28;
/// The longest window.
const YEAR: i64 = 366;

/// The reading; cheap to clone.
#[derive(Clone)]
pub struct Obligations {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) rules: Arc<Rules>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) notices: Option<Notices>,
    pub(crate) sources: Sources,
    pub(crate) files: Option<commons::files::Files>,
}

/// How one subject stands over a period.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who is bound.
    pub subject: Subject,
    /// Each occurrence that binds it.
    pub occurrences: Vec<Standing>,
}

impl Line {
    /// How many were fulfilled and how many should have been by now.
    pub fn tally(&self) -> (usize, usize) {
        let count = |which: fn(State) -> bool| {
            let states = self.occurrences.iter().map(|s| s.state);
            states.filter(|s| which(*s)).count()
        };
        (count(State::fulfilled), count(State::counts))
    }
}

/// How many stand how (各状态数).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(pub BTreeMap<State, usize>);

impl Counts {
    /// How many stand so.
    pub fn of(&self, state: State) -> usize {
        self.0.get(&state).copied().unwrap_or(0)
    }

    /// How many stand in one of these ways.
    pub fn sum(&self, which: fn(State) -> bool) -> usize {
        let chosen = self.0.iter().filter(|(state, _)| which(**state));
        chosen.map(|(_, n)| n).sum()
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Adds one.
    pub fn add(&mut self, state: State) {
        self.add_many(state, 1);
    }

    /// Adds so many; none leaves no trace.
    fn add_many(&mut self, state: State, count: usize) {
        if count > 0 {
            *self.0.entry(state).or_default() += count;
        }
    }
}

/// Something to do, for the home page.
#[derive(Debug, Clone)]
pub struct Todo {
    /// Code of the rule.
    pub rule: String,
    /// The unit that must do it, or under which it must be done.
    pub unit: Unit,
    /// The body, pair or person that must do it; none: the unit, or its post.
    pub who: Option<String>,
    /// Due day.
    pub due: Date,
    /// Soon or overdue.
    pub state: State,
}

impl Obligations {
    /// The reading over a ledger, with the rules and the working calendar of the packs.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        rules: Rules,
        calendar: Calendar,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            rules: Arc::new(rules),
            calendar: Arc::new(calendar),
            notices: None,
            sources: Sources::default(),
            files: None,
        }
    }

    /// The same, which knows where records are shown.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The same, which tells people of what is asked for and decided.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The units of a scope that a rule binds, or in which it binds somebody; under a unit if one is named.
    pub async fn bound(
        &self,
        rule: &Rule,
        scope: &Scope,
        under: Option<UnitId>,
    ) -> Result<Vec<Unit>> {
        let below: Option<HashSet<UnitId>> = match under {
            Some(unit) => {
                let below = self.organization.units_under(unit).await?;
                Some(below.into_iter().collect())
            }
            None => None,
        };
        let mut units = self.organization.units(scope).await?;
        units.retain(|u| {
            (rule.categories.is_empty() || rule.categories.contains(&u.category))
                && below.as_ref().is_none_or(|b| b.contains(&u.id))
        });
        Ok(units)
    }

    /// Whom a rule binds in some units, on the days of a period, in the order of these; people have no names yet, see
    /// [`Self::name`].
    pub async fn subjects(
        &self,
        rule: &Rule,
        units: &[Unit],
        period: Period,
    ) -> Result<Vec<Subject>> {
        let mut subjects = self.unsorted(rule, units, period).await?;
        if matches!(rule.subject, Kind::Person | Kind::Post) {
            subjects::sort(&mut subjects, units);
        }
        Ok(subjects)
    }

    /// The same in no order, for counting.
    async fn unsorted(&self, rule: &Rule, units: &[Unit], period: Period) -> Result<Vec<Subject>> {
        let everywhere = match rule.subject {
            Kind::Person => self.bound(rule, &Scope::All, None).await?,
            _ => Vec::new(),
        };
        let meant = match rule.subject {
            Kind::Person => everywhere.as_slice(),
            _ => units,
        };
        let (organization, db) = (&self.organization, &self.db);
        subjects::of_rule(organization, db, rule, (units, meant), period).await
    }

    /// Gives people their names.
    pub async fn name(&self, rule: &Rule, subjects: &mut [&mut Subject]) -> Result<()> {
        if rule.subject == Kind::Person {
            let ids: Vec<PersonId> = subjects.iter().map(|s| PersonId(s.id)).collect();
            let names = finding::person_names(&mut self.db.read().await?, &ids).await?;
            for subject in subjects {
                let name = names.get(&PersonId(subject.id));
                subject.name = name.cloned().unwrap_or_default();
            }
        }
        Ok(())
    }

    /// The moment, in the time of the house.
    pub(crate) fn moment(&self) -> DateTime {
        self.env.now().zoned(self.env.zone()).datetime()
    }

    /// How these stand over the windows that begin in a period: one reading for all. `None` while old facts are
    /// still being counted.
    pub async fn lines(
        &self,
        rule: &Rule,
        subjects: Vec<Subject>,
        period: Period,
    ) -> Result<Option<Vec<Line>>> {
        let granted = {
            let mut tx = self.db.read().await?;
            let whom: Vec<Id> = subjects.iter().map(|s| s.id).collect();
            store::terms(&mut tx, &rule.code, &whom, period).await?
        };
        // Time given to an earlier window may reach into this period and take what is done in it.
        let given = granted.values().flatten();
        let given = given.filter(|t| t.kind == ExcuseKind::Extended);
        let (mut begin, mut until) = (period.from, None);
        for term in given {
            begin = begin.min(term.from);
            until = until.max(term.day);
        }
        let wide = Period {
            from: begin,
            to: period.to,
        };
        let mut ids: Vec<Id> = subjects
            .iter()
            .flat_map(|s| s.by.iter().map(|b| b.0))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let mut reading = self.ledger.reading().await?;
        let mut makeups = Progress::default();
        if let Some(definition) = &rule.made_up_by {
            let to = period.to.max(self.env.today());
            match reading
                .progress_of(definition, &ids, Period { to, ..wide })
                .await?
            {
                Some(found) => makeups = found,
                None => return Ok(None),
            }
        }
        // What was made up after the period may belong to a later one.
        let last_makeup = makeups.iter().map(|((_, day), _)| *day).max();
        let wide = Period {
            to: wide.to.max(last_makeup.unwrap_or(wide.to)),
            ..wide
        };
        let all = occurrences(rule, &self.calendar, wide);
        let changed = match &rule.on {
            Some(change) => {
                let mut tx = self.db.read().await?;
                changes::days(&mut tx, change, &subjects, wide).await?
            }
            None => HashMap::new(),
        };
        let mut asked = Progress::default();
        if let Some(definition) = &rule.after {
            match reading.progress_of(definition, &ids, wide).await? {
                Some(found) => asked = found,
                None => return Ok(None),
            }
        }
        let first = all.first().map_or(wide.from, |o| o.window.from);
        let last = all.last().map_or(wide.to, |o| o.window.to);
        // What follows an event may be done some days later.
        let last = match rule.follows() {
            true => last.saturating_add(rule.span().days()),
            false => last,
        };
        let reach = Period {
            from: first,
            to: last.max(until.unwrap_or(last)),
        };
        let Some(done) = reading.progress_of(&rule.done_by, &ids, reach).await? else {
            return Ok(None);
        };
        let now = self.moment();
        let line = |subject: Subject| {
            let events;
            let due: &[Occurrence] = match rule.follows() {
                true => {
                    let asked = days_of(&asked, &subject, wide);
                    let asked = asked.into_iter().map(|(day, _)| day);
                    let changed = changed.get(&subject.id).into_iter().flatten().copied();
                    events = asked
                        .chain(changed)
                        .filter_map(|day| after(rule, &self.calendar, day))
                        .collect::<Vec<_>>();
                    &events
                }
                false => &all,
            };
            let due = due
                .iter()
                .filter_map(|o| Some((*o, owed(rule.joiners, o, &subject.bound)?)));
            let done = days_of(&done, &subject, reach);
            let terms = granted.get(&subject.id).map_or(&[][..], Vec::as_slice);
            let mut occurrences = settle(due, done, terms, now);
            if !makeups.is_empty() {
                make_up(&mut occurrences, days_of(&makeups, &subject, wide));
            }
            occurrences.retain(|s| {
                let begin = s.occurrence.window.from;
                begin >= period.from && (rule.follows() || begin <= period.to)
            });
            Line {
                subject,
                occurrences,
            }
        };
        Ok(Some(subjects.into_iter().map(line).collect()))
    }

    /// The window of a rule that runs on a day, or the last one before it.
    pub fn window_on(&self, rule: &Rule, day: Date) -> Option<Occurrence> {
        let period = Period {
            from: day.saturating_sub(YEAR.days()),
            to: day,
        };
        occurrences(rule, &self.calendar, period).pop()
    }

    /// How many in each of these units stand how in the window that runs on a day. `None` while computing.
    pub async fn counts(
        &self,
        rule: &Rule,
        units: &[Unit],
        day: Date,
    ) -> Result<Option<HashMap<UnitId, Counts>>> {
        let period = match (self.window_on(rule, day), rule.follows()) {
            (Some(now), _) => now.window,
            // What was asked for this month; where there is time, what may still be open.
            (None, true) => Period {
                from: match rule.on {
                    Some(_) => day.saturating_sub(rule.span().days()),
                    None => day.first_of_month(),
                },
                to: day,
            },
            (None, false) => return Ok(Some(HashMap::new())),
        };
        let mut subjects = self.unsorted(rule, units, period).await?;
        // Windows that begin with this one: it alone.
        let begin = match rule.follows() {
            true => period,
            false => Period {
                from: period.from,
                to: period.from,
            },
        };
        let mut counts: HashMap<UnitId, Counts> = HashMap::new();
        if !rule.follows() {
            let Some(rest) = self.tally(rule, subjects, begin, &mut counts).await? else {
                return Ok(None);
            };
            subjects = rest;
        }
        if subjects.is_empty() {
            return Ok(Some(counts));
        }
        let Some(lines) = self.lines(rule, subjects, begin).await? else {
            return Ok(None);
        };
        for line in lines {
            for standing in &line.occurrences {
                let counts = counts.entry(line.subject.unit).or_default();
                counts.add(standing.state);
            }
        }
        Ok(Some(counts))
    }

    /// Counts those who owe all that the rule says, to whom nothing was granted, who made nothing up and whose own
    /// deeds alone count, in the window that begins on a day; gives the others back. `None` while computing.
    async fn tally(
        &self,
        rule: &Rule,
        subjects: Vec<Subject>,
        begin: Period,
        counts: &mut HashMap<UnitId, Counts>,
    ) -> Result<Option<Vec<Subject>>> {
        let all = occurrences(rule, &self.calendar, begin);
        let [window] = all.as_slice() else {
            return Ok(Some(subjects));
        };
        let granted = {
            let mut tx = self.db.read().await?;
            let whom: Vec<Id> = subjects.iter().map(|s| s.id).collect();
            store::terms(&mut tx, &rule.code, &whom, begin).await?
        };
        let mut reading = self.ledger.reading().await?;
        let made_up = match &rule.made_up_by {
            Some(definition) => {
                let to = begin.to.max(self.env.today());
                reading.busy(definition, Period { to, ..begin }).await?
            }
            None => Some(HashSet::new()),
        };
        let Some(made_up) = made_up else {
            return Ok(None);
        };
        let plain = |s: &Subject| {
            s.acts_alone()
                && !granted.contains_key(&s.id)
                && !made_up.contains(&s.id)
                && owed(rule.joiners, window, &s.bound) == Some(window.need)
        };
        let mut place: HashMap<UnitId, i64> = HashMap::new();
        let mut asked: Vec<(Id, i64)> = Vec::with_capacity(subjects.len());
        let mut rest = Vec::new();
        for subject in subjects {
            match plain(&subject) {
                true => {
                    let next = place.len() as i64;
                    asked.push((subject.id, *place.entry(subject.unit).or_insert(next)));
                }
                false => rest.push(subject),
            }
        }
        let least = Done {
            n: window.need.times,
            sum: window.need.minutes,
        };
        let mut reached = async |to: Date| {
            let days = Period {
                from: window.window.from,
                to,
            };
            reading.reached(&rule.done_by, &asked, days, least).await
        };
        let last = window.window.to;
        let until = window.until.unwrap_or(last);
        let Some(in_time) = reached(until).await? else {
            return Ok(None);
        };
        let all_in_time = in_time.values().sum::<i64>() == asked.len() as i64;
        let in_all = match until < last && !all_in_time {
            true => reached(last).await?.unwrap_or_default(),
            false => in_time.clone(),
        };
        let open = standing(window, window.need, [], self.moment()).state;
        let mut all = vec![0i64; place.len()];
        for (_, unit) in &asked {
            all[*unit as usize] += 1;
        }
        let of = |found: &HashMap<i64, i64>, n: i64| found.get(&n).copied().unwrap_or(0);
        for (unit, n) in place {
            let (done, ever) = (of(&in_time, n), of(&in_all, n));
            let counts = counts.entry(unit).or_default();
            for (state, how_many) in [
                (State::Done, done),
                (State::MadeUp, ever - done),
                (open, all[n as usize] - ever),
            ] {
                counts.add_many(state, how_many as usize);
            }
        }
        Ok(Some(rest))
    }

    /// What a person owes by the rules for persons, over the windows that begin in a period.
    pub async fn owed_by(&self, person: PersonId, period: Period) -> Result<Vec<(Rule, Line)>> {
        let mut owed = Vec::new();
        for rule in self.rules.iter().filter(|r| r.subject == Kind::Person) {
            let meant = self.bound(rule, &Scope::All, None).await?;
            let found = subjects::of_person(&self.db, rule, person, &meant, period).await?;
            let lines = self
                .lines(rule, found.into_iter().collect(), period)
                .await?;
            let line = lines.unwrap_or_default().into_iter().next();
            owed.extend(line.map(|line| (rule.clone(), line)));
        }
        owed.retain(|(_, line)| !line.occurrences.is_empty());
        Ok(owed)
    }

    /// The windows of a rule in which something may be to do now: due not too long ago, or soon.
    fn pressing(&self, rule: &Rule) -> Option<Period> {
        let today = self.env.today();
        let recent = today.saturating_sub(STALE.days());
        if rule.follows() {
            let back = match rule.on {
                Some(_) => rule.span(),
                None => 0,
            };
            return Some(Period {
                from: recent.saturating_sub(back.days()),
                to: today,
            });
        }
        let period = Period {
            from: today.saturating_sub((YEAR + STALE).days()),
            to: today,
        };
        let all = occurrences(rule, &self.calendar, period);
        let mut now = all
            .iter()
            .filter(|o| o.until.is_some_and(|d| d >= recent) && o.soon <= today);
        let first = now.next()?;
        let last = now.next_back().unwrap_or(first);
        Some(Period {
            from: first.window.from,
            to: last.window.from,
        })
    }

    /// What is due soon or overdue in a scope within the last four weeks, by due day: of units, posts, bodies and
    /// pairs; people see their own, see [`Self::owed_by`].
    pub async fn todo(&self, scope: &Scope, limit: usize) -> Result<Vec<Todo>> {
        let recent = self.env.today().saturating_sub(STALE.days());
        let mut todo = Vec::new();
        // Many rules bind the same categories.
        let all = self.organization.units(scope).await?;
        let mut bound: HashMap<&[String], Vec<Unit>> = HashMap::new();
        for rule in self.rules.iter().filter(|r| r.subject != Kind::Person) {
            let Some(period) = self.pressing(rule) else {
                continue;
            };
            let of = &rule.categories;
            let units = bound.entry(of.as_slice()).or_insert_with(|| {
                let means = |u: &&Unit| of.is_empty() || of.contains(&u.category);
                all.iter().filter(means).cloned().collect()
            });
            let subjects = self.subjects(rule, units, period).await?;
            let units: HashMap<UnitId, &Unit> = units.iter().map(|u| (u.id, u)).collect();
            for line in self
                .lines(rule, subjects, period)
                .await?
                .unwrap_or_default()
            {
                let Some(unit) = units.get(&line.subject.unit) else {
                    continue;
                };
                let own = matches!(rule.subject, Kind::Unit | Kind::Post);
                for s in &line.occurrences {
                    if let Some(due) = s.presses_by()
                        && due >= recent
                    {
                        todo.push(Todo {
                            rule: rule.code.clone(),
                            unit: (*unit).clone(),
                            who: (!own).then(|| line.subject.name.clone()),
                            due,
                            state: s.state,
                        });
                    }
                }
            }
        }
        todo.sort_by(|a, b| (a.due, &a.unit.code, &a.who).cmp(&(b.due, &b.unit.code, &b.who)));
        todo.truncate(limit);
        Ok(todo)
    }

    /// What a person owes that is due soon, or has been overdue for no more than four weeks, by due day.
    pub async fn todo_of(&self, person: PersonId) -> Result<Vec<Todo>> {
        let recent = self.env.today().saturating_sub(STALE.days());
        let mut todo = Vec::new();
        for rule in self.rules.iter().filter(|r| r.subject == Kind::Person) {
            let Some(period) = self.pressing(rule) else {
                continue;
            };
            let meant = self.bound(rule, &Scope::All, None).await?;
            let found = subjects::of_person(&self.db, rule, person, &meant, period).await?;
            let lines = self
                .lines(rule, found.into_iter().collect(), period)
                .await?;
            for line in lines.unwrap_or_default() {
                let unit = meant.iter().find(|u| u.id == line.subject.unit);
                for s in &line.occurrences {
                    if let (Some(due), Some(unit)) = (s.presses_by(), unit)
                        && due >= recent
                    {
                        todo.push(Todo {
                            rule: rule.code.clone(),
                            unit: unit.clone(),
                            who: None,
                            due,
                            state: s.state,
                        });
                    }
                }
            }
        }
        todo.sort_by_key(|t| t.due);
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

    /// The rule with a code; without one, or with an unknown one, the first in force, and those that begin later after it.
    pub(crate) fn chosen(&self, code: Option<&str>) -> Option<&Rule> {
        let today = self.env.today();
        let named = code.and_then(|c| self.rules.get(c));
        named
            .or_else(|| self.rules.iter().find(|r| r.version_on(today).is_some()))
            .or_else(|| self.rules.iter().next())
    }

    pub(crate) fn rule(&self, code: &str) -> Result<&Rule> {
        self.rules.get(code).ok_or(Error::NotFound)
    }
}

/// What was done for a subject in a period, day by day.
fn days_of(progress: &Progress, subject: &Subject, period: Period) -> Vec<(Date, Done)> {
    let mut days: Vec<(Date, Done)> = Vec::new();
    for (id, held) in &subject.by {
        let all = progress.days(*id, period).iter();
        days.extend(
            all.filter(|((_, day), _)| held.contains(*day))
                .map(|((_, day), done)| (*day, *done)),
        );
    }
    if subject.by.len() > 1 {
        days.sort_by_key(|(day, _)| *day);
    }
    days
}
