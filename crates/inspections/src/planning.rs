//! Plans (检查计划): who looks at whom, with which checklist, by when; teams with recusal; files drawn; rounds that come
//! again.

use std::collections::{HashMap, HashSet};

use identity::Actor;
use jiff::ToSpan;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use organization::Body;
use requests::{Ask, Due, Source};
use serde_json::json;

use crate::forms::Version;
use crate::kind::Mode;
use crate::model::{Drawn, NewPlan, Plan, PlanState, Reach, Task, TaskState, Team, is_recused};
use crate::service::{Eyes, Inspections, changed, reached, reasoned, who, wrong};
use crate::store;

/// Units of one plan, at most.
pub(crate) const MOST_UNITS: usize = 2_000;
/// The longest plan, in days.
const LONGEST: i32 = 400;
/// The kind of the requests by which tasks stand in to-do lists.
pub(crate) const REQUEST: &str = "inspection";
/// What sort of record asks.
pub(crate) const TASK: &str = "inspection-task";

/// Where a plan is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/inspections/{id}")
}

/// Where a task is shown.
pub(crate) fn task_href(id: Id) -> String {
    format!("/inspections/tasks/{id}")
}

/// A plan with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The plan.
    pub plan: Plan,
    /// Its teams.
    pub teams: Vec<Team>,
    /// Its tasks, by unit.
    pub tasks: Vec<Task>,
    /// Who told that they do not look at which unit, and why.
    pub recusals: Vec<(UnitId, PersonId, String)>,
    /// The draws of files.
    pub draws: Vec<Drawn>,
    /// Who may not look at which unit: they belong to it, or did lately.
    pub barred: HashSet<(UnitId, PersonId)>,
}

impl Whole {
    /// Whether somebody may look at a unit.
    pub fn may_look(&self, unit: UnitId, person: PersonId) -> bool {
        let told = |(u, p, _): &(UnitId, PersonId, String)| *u == unit && *p == person;
        !self.barred.contains(&(unit, person)) && !self.recusals.iter().any(told)
    }

    /// The units that are looked at, each once, in order.
    pub fn units(&self) -> Vec<UnitId> {
        let mut units: Vec<UnitId> = Vec::new();
        // Those of one unit stand together.
        for task in &self.tasks {
            if units.last() != Some(&task.unit) {
                units.push(task.unit);
            }
        }
        units
    }

    pub(crate) fn team(&self, id: Option<Id>) -> Option<&Team> {
        self.teams.iter().find(|t| Some(t.id) == id)
    }
}

impl Inspections {
    /// Plans an inspection; nobody is asked for anything before it is started.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the host is out of scope.
    pub async fn plan(&self, new: &NewPlan, scope: &Scope, actor: &Actor) -> Result<Id> {
        let by = who(actor)?;
        let host = self.organization.unit(new.host, scope).await?;
        let kind = self.kind(&new.kind)?;
        let mut errors = Vec::new();
        let title = new.title.trim();
        if !(2..=60).contains(&title.chars().count()) || title.contains(char::is_control) {
            errors.push(wrong(
                "title",
                Msg::new("inspection-text-wrong").with("most", 60),
            ));
        }
        let basis = new.basis.trim();
        if !(2..=300).contains(&basis.chars().count()) || basis.contains(char::is_control) {
            errors.push(wrong(
                "basis",
                Msg::new("inspection-text-wrong").with("most", 300),
            ));
        }
        let today = self.env.today();
        let days = (new.until - new.opens).get_days();
        if new.until < new.opens || days > LONGEST || new.until < today {
            errors.push(wrong(
                "until",
                Msg::new("inspection-window").with("days", LONGEST),
            ));
        }
        let seen = self.versions(scope).await?;
        let holds = seen.get(&new.form);
        let form: Option<&Version> =
            holds.and_then(|v| v.iter().find(|v| v.from <= new.opens.max(today)));
        if form.is_none() {
            errors.push(wrong("form", Msg::new("inspection-form-none")));
        }
        // A unit looks at what lies below it, and at itself.
        let reach = Scope::Under(vec![host.id]);
        let under = self.organization.unit(new.under, &reach).await;
        if matches!(under, Err(Error::NotFound)) {
            errors.push(wrong("under", Msg::new("inspection-under")));
        }
        Error::if_any(errors)?;
        let form = form.ok_or(Error::NotFound)?;
        let whom = self.looked_at(new, new.opens.max(today)).await?;
        if !new.bodies.is_empty() && kind.mode == Mode::Review {
            return Err(Error::field(
                "bodies",
                Msg::new("inspection-bodies-no-files"),
            ));
        }
        if whom.is_empty() || whom.len() > MOST_UNITS {
            let message = Msg::new("inspection-units-none").with("most", MOST_UNITS);
            return Err(Error::field("under", message));
        }
        let plan = Plan {
            id: new.id,
            kind: kind.code.clone(),
            host: host.id,
            form: (form.code.clone(), form.version),
            title: title.to_owned(),
            basis: basis.to_owned(),
            opens: new.opens,
            until: new.until,
            repeats: new.repeats,
            state: PlanState::Preparing,
            seq: 1,
            series: new.id,
            round: 1,
            by,
            at: self.env.now(),
        };
        let tasks: Vec<Task> = whom
            .iter()
            .map(|(unit, body)| self.place_of(&plan, (*unit, body.as_ref()), None))
            .collect();
        db::transaction!(self.db, |tx| {
            if !store::plans::add(tx, &plan).await? {
                let known = store::plans::held(tx, new.id, scope).await?;
                return match known.by == by {
                    true => Ok(()),
                    false => Err(Error::NotFound),
                };
            }
            self.index(tx, &plan).await?;
            store::tasks::add(tx, &tasks).await?;
            let detail = json!({ "kind": plan.kind, "form": plan.form, "units": tasks.len() });
            self.trace(
                tx,
                actor,
                "inspection.planned",
                ("inspection-plan", plan.id),
                detail,
            )
            .await
        })?;
        Ok(new.id)
    }

    /// Whom a plan looks at: units, or the bodies that they keep.
    async fn looked_at(&self, new: &NewPlan, day: Date) -> Result<Vec<(UnitId, Option<Body>)>> {
        let scope = Scope::Under(vec![new.under]);
        let units = self.organization.units(&scope).await?;
        let fits = |u: &&organization::Unit| {
            let reached = match new.reach {
                Reach::Itself => u.id == new.under,
                Reach::Below => u.parent == Some(new.under),
                Reach::All => u.id != new.under,
            };
            let category = new.categories.is_empty() || new.categories.contains(&u.category);
            reached && category && u.stands(day)
        };
        let units: Vec<UnitId> = units.iter().filter(fits).map(|u| u.id).collect();
        if new.bodies.is_empty() {
            return Ok(units.into_iter().map(|unit| (unit, None)).collect());
        }
        let bodies = self.organization.bodies(&scope).await?.into_iter();
        let wanted = bodies
            .filter(|b| new.bodies.contains(&b.kind) && units.contains(&b.unit) && stands(b, day));
        Ok(wanted.map(|body| (body.unit, Some(body))).collect())
    }

    /// A task about a unit or one of its bodies.
    fn place_of(
        &self,
        plan: &Plan,
        (unit, body): (UnitId, Option<&Body>),
        team: Option<&Team>,
    ) -> Task {
        let object = body.map_or("", |b| &b.name);
        Task {
            body: body.map(|b| b.id),
            ..self.place(plan, unit, object, team)
        }
    }

    /// A task of a plan that has not started.
    pub(crate) fn place(
        &self,
        plan: &Plan,
        unit: UnitId,
        object: &str,
        team: Option<&Team>,
    ) -> Task {
        let window = team
            .and_then(|t| t.window)
            .unwrap_or((plan.opens, plan.until));
        let id: Id = self.env.new_id();
        Task {
            id,
            plan: plan.id,
            unit,
            team: team.map(|t| t.id),
            object: object.to_owned(),
            body: None,
            leg: None,
            opens: window.0,
            until: window.1,
            state: TaskState::Preparing,
            code: printed_code(self.env.random()),
            request: None,
            version: 0,
            share: None,
            findings: 0,
            done_on: None,
        }
    }

    /// A plan that somebody may see, with all that belongs to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn whole(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let plan = store::plans::one(&mut tx, id, sight(eyes)).await?;
        self.with_all(&mut tx, plan).await
    }

    pub(crate) async fn with_all(&self, tx: &mut db::Tx, plan: Plan) -> Result<Whole> {
        let teams = store::plans::teams(tx, plan.id).await?;
        let tasks = store::tasks::of_plan(tx, plan.id).await?;
        let recusals = store::plans::recusals(tx, plan.id).await?;
        let draws = store::plans::draws(tx, plan.id).await?;
        let mut whole = Whole {
            plan,
            teams,
            tasks,
            recusals,
            draws,
            barred: HashSet::new(),
        };
        whole.barred = self.barred(tx, &whole).await?;
        Ok(whole)
    }

    /// Who of the teams belongs to a unit that is looked at, or did within the months that the kind says.
    async fn barred(&self, tx: &mut db::Tx, w: &Whole) -> Result<HashSet<(UnitId, PersonId)>> {
        let months = self
            .checklists
            .kind(&w.plan.kind)
            .map_or(0, |k| k.recusal_months);
        let people: Vec<PersonId> = w.teams.iter().flat_map(|t| t.members.clone()).collect();
        if people.is_empty() {
            return Ok(HashSet::new());
        }
        let since = w.plan.opens.saturating_sub(months.months());
        let spells = store::plans::belonged(tx, &people, since).await?;
        let units: Vec<UnitId> = spells.iter().map(|s| s.unit).collect();
        let paths = reached(tx, &units).await?;
        let mut barred = HashSet::new();
        for unit in w.units() {
            for person in &people {
                if is_recused(&spells, *person, unit, &paths, since) {
                    barred.insert((unit, *person));
                }
            }
        }
        // Who belongs to a body that is looked at looks at nothing of its unit.
        barred.extend(store::tasks::in_bodies(tx, w.plan.id, since).await?);
        Ok(barred)
    }

    /// Does something to a plan that is being prepared, in a transaction that nobody else does something meanwhile.
    pub(crate) async fn prepared(
        &self,
        tx: &mut db::Tx,
        (id, seq): (Id, i64),
        scope: &Scope,
    ) -> Result<Whole> {
        let plan = store::plans::held(tx, id, scope).await?;
        if plan.seq != seq || plan.state != PlanState::Preparing {
            return Err(changed());
        }
        if !store::plans::turn(tx, &plan, PlanState::Preparing).await? {
            return Err(changed());
        }
        self.with_all(tx, plan).await
    }

    /// Starts a plan: everybody who has a task is asked.
    ///
    /// # Errors
    /// `Invalid` naming what is missing: teams, files, who is recused, days gone by; `Conflict`; `NotFound`.
    pub async fn start(&self, at: (Id, i64), scope: &Scope, actor: &Actor) -> Result<usize> {
        let names = self.names_of(at.0, scope).await?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let mut whole = self.prepared(tx, at, scope).await?;
            let mode = self.kind(&whole.plan.kind)?.mode;
            let mut errors = Vec::new();
            if whole.plan.until < today {
                errors.push(wrong(
                    "until",
                    Msg::new("inspection-window").with("days", LONGEST),
                ));
            }
            for task in &whole.tasks {
                let unit = names.unit(task.unit);
                if mode == Mode::Review && task.object.is_empty() {
                    errors.push(wrong(
                        "files",
                        Msg::new("inspection-files-missing").with("unit", &unit),
                    ));
                }
                if mode == Mode::Own {
                    continue;
                }
                match whole.team(task.team) {
                    None => errors.push(wrong(
                        "teams",
                        Msg::new("inspection-team-missing").with("unit", &unit),
                    )),
                    Some(team) => {
                        for person in &team.members {
                            if whole.barred.contains(&(task.unit, *person)) {
                                errors.push(wrong("teams", names.recused(task.unit, *person)));
                            }
                        }
                        if !team.members.iter().any(|p| whole.may_look(task.unit, *p)) {
                            errors.push(wrong(
                                "teams",
                                Msg::new("inspection-team-nobody").with("unit", &unit),
                            ));
                        }
                        if task.until < today {
                            errors.push(wrong(
                                "teams",
                                Msg::new("inspection-team-past").with("team", &team.name),
                            ));
                        }
                    }
                }
            }
            errors.dedup();
            errors.truncate(20);
            Error::if_any(errors)?;
            whole.plan.seq += 1;
            if !store::plans::turn(tx, &whole.plan, PlanState::Running).await? {
                return Err(changed());
            }
            for task in &whole.tasks {
                self.give(tx, &whole, task, &names.unit(task.unit), actor)
                    .await?;
            }
            let detail = json!({ "tasks": whole.tasks.len() });
            self.trace(
                tx,
                actor,
                "inspection.started",
                ("inspection-plan", whole.plan.id),
                detail,
            )
            .await?;
            Ok(whole.tasks.len())
        })
    }

    /// Opens a task, and asks those who do it.
    async fn give(
        &self,
        tx: &mut db::Tx,
        w: &Whole,
        task: &Task,
        unit: &str,
        actor: &Actor,
    ) -> Result<()> {
        let mut request = None;
        if let Some(requests) = &self.requests {
            let head = w.team(task.team).and_then(|team| {
                let mut members = team.members.iter();
                members.find(|p| w.may_look(task.unit, **p)).copied()
            });
            let title = match task.object.as_str() {
                "" => format!("{}：{unit}", w.plan.title),
                object => format!("{}：{unit} {object}", w.plan.title),
            };
            let title: String = title.chars().take(100).collect();
            let ask = Ask {
                id: self.env.new_id(),
                kind: REQUEST.to_owned(),
                title,
                detail: w.plan.basis.clone(),
                unit: head.is_none().then_some(task.unit),
                person: head,
                due: Due::On(task.until),
                source: Some(Source {
                    kind: TASK.to_owned(),
                    id: task.id,
                    title: w.plan.title.clone(),
                    href: task_href(task.id),
                }),
                from: w.plan.host,
            };
            request = Some(requests.ask(tx, &ask, actor).await?);
        }
        match store::tasks::open(tx, task.id, request).await? {
            true => Ok(()),
            false => Err(changed()),
        }
    }

    /// Ends a plan, or gives it up for a reason: what is not handed in is not wanted any more.
    ///
    /// # Errors
    /// `Invalid` without a reason; `Conflict`; `NotFound`.
    pub async fn finish(
        &self,
        (id, seq): (Id, i64),
        to: PlanState,
        reason: &str,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let reason = reasoned("reason", reason, 200)?;
        db::transaction!(self.db, |tx| {
            let plan = store::plans::held(tx, id, scope).await?;
            let fits = match to {
                PlanState::Ended => plan.state == PlanState::Running,
                PlanState::Withdrawn => {
                    matches!(plan.state, PlanState::Preparing | PlanState::Running)
                }
                _ => false,
            };
            if !fits || plan.seq != seq || !store::plans::turn(tx, &plan, to).await? {
                return Err(changed());
            }
            for task in store::tasks::of_plan(tx, id).await? {
                if task.state == TaskState::Open
                    && let Some(requests) = &self.requests
                {
                    let about = (TASK, task.id);
                    requests.withdraw_of(tx, about, &reason, actor).await?;
                }
            }
            let left = store::tasks::withdraw_open(tx, id).await?;
            let action = match to {
                PlanState::Ended => "inspection.ended",
                _ => "inspection.withdrawn",
            };
            let detail = json!({ "left": left, "reason": reason });
            self.trace(tx, actor, action, ("inspection-plan", id), detail)
                .await
        })
    }

    /// Prepares the next round of plans that come again, once its first day is within two weeks; gives how many. The
    /// checklist is the version that holds then; teams and units are those of the last round that still stand.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn repeat(&self) -> Result<usize> {
        let today = self.env.today();
        let near = today.saturating_add(14.days());
        let due = store::plans::repeating(&mut self.db.read().await?).await?;
        let mut made = 0;
        for last in due {
            let Some(opens) = last.repeats.after(last.opens).filter(|day| *day <= near) else {
                continue;
            };
            let until = last.repeats.after(last.until).unwrap_or(last.until);
            let versions = self.versions_of(&last.form.0, &Scope::All).await?;
            let version = versions.iter().find(|v| v.from <= opens);
            let mut next = Plan {
                id: self.env.new_id(),
                opens,
                until: until.max(opens),
                state: PlanState::Preparing,
                seq: 1,
                round: last.round + 1,
                at: self.env.now(),
                ..last.clone()
            };
            next.form.1 = version.map_or(last.form.1, |v| v.version);
            let added: Result<bool> = db::transaction!(self.db, |tx| {
                // Another node was first.
                if !store::plans::add(tx, &next).await? {
                    return Ok(false);
                }
                self.index(tx, &next).await?;
                let whole = self.with_all(tx, last.clone()).await?;
                let mut teams: HashMap<Id, Team> = HashMap::new();
                for team in &whole.teams {
                    let copy = Team {
                        id: self.env.new_id(),
                        window: None,
                        ..team.clone()
                    };
                    store::plans::add_team(tx, next.id, &copy).await?;
                    teams.insert(team.id, copy);
                }
                let standing = self
                    .organization
                    .units_by_id(&whole.units(), &Scope::All)
                    .await?;
                let kept = Scope::Under(standing.iter().map(|u| u.id).collect());
                let bodies = match whole.tasks.iter().any(|t| t.body.is_some()) {
                    true => self.organization.bodies(&kept).await?,
                    false => Vec::new(),
                };
                let mut tasks = Vec::new();
                for unit in standing.iter().filter(|u| u.stands(opens)) {
                    let before = whole.tasks.iter().find(|t| t.unit == unit.id);
                    let team = before.and_then(|t| teams.get(&t.team?));
                    let leg = before.and_then(|t| t.leg);
                    let own = whole.tasks.iter().filter(|t| t.unit == unit.id);
                    let looked: Vec<Id> = own.filter_map(|t| t.body).collect();
                    let first = tasks.len();
                    if looked.is_empty() {
                        tasks.push(self.place(&next, unit.id, "", team));
                    }
                    for id in looked {
                        let body = bodies.iter().find(|b| b.id == id && stands(b, opens));
                        let place = |body| self.place_of(&next, (unit.id, Some(body)), team);
                        tasks.extend(body.map(place));
                    }
                    tasks[first..].iter_mut().for_each(|t| t.leg = leg);
                }
                store::tasks::add(tx, &tasks).await?;
                let detail =
                    json!({ "kind": next.kind, "round": next.round, "units": tasks.len() });
                let actor = Actor::default();
                let object = ("inspection-plan", next.id);
                self.trace(tx, &actor, "inspection.planned", object, detail)
                    .await?;
                let planner = self.reader(tx, last.by).await?;
                let message = Msg::new("notice-inspection-round")
                    .with("title", &next.title)
                    .with("day", kernel::format_date(opens));
                self.tell(tx, &[planner], message, href(next.id), next.id)
                    .await?;
                Ok(true)
            });
            made += usize::from(added?);
        }
        Ok(made)
    }

    /// What units and people of a plan are called, for messages.
    pub(crate) async fn names_of(&self, id: Id, scope: &Scope) -> Result<Called> {
        let mut tx = self.db.read().await?;
        store::plans::held(&mut tx, id, scope).await?;
        let tasks = store::tasks::of_plan(&mut tx, id).await?;
        let teams = store::plans::teams(&mut tx, id).await?;
        drop(tx);
        let units: Vec<UnitId> = tasks.iter().map(|t| t.unit).collect();
        let people: Vec<PersonId> = teams.into_iter().flat_map(|t| t.members).collect();
        Ok(Called {
            units: self.organization.names(&units).await?,
            people: self.organization.person_names(&people).await?,
        })
    }
}

/// Whether a body stands on a day.
fn stands(body: &Body, day: Date) -> bool {
    body.from <= day && body.to.is_none_or(|to| to >= day)
}

/// What units and people are called.
pub(crate) struct Called {
    units: HashMap<UnitId, String>,
    people: HashMap<PersonId, String>,
}

impl Called {
    pub(crate) fn unit(&self, id: UnitId) -> String {
        self.units.get(&id).cloned().unwrap_or_default()
    }

    pub(crate) fn recused(&self, unit: UnitId, person: PersonId) -> Msg {
        Msg::new("inspection-recused")
            .with(
                "person",
                self.people.get(&person).map_or("", String::as_str),
            )
            .with("unit", self.unit(unit))
    }
}

/// What somebody may see of plans.
pub(crate) fn sight(eyes: &Eyes) -> store::plans::Sight<'_> {
    store::plans::Sight {
        hosts: [&eyes.reads, &eyes.plans, &eyes.reviews],
        looked: [&eyes.reads, &eyes.fills, &eyes.reviews],
        person: eyes.person,
    }
}

/// Ten letters and digits that nobody mistakes for one another: what stands on a printed form.
fn printed_code(random: [u8; 10]) -> String {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = |b: &u8| char::from(LETTERS[usize::from(b & 31)]);
    random.iter().map(letter).collect()
}
