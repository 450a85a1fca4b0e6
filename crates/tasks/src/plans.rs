//! Plans: written down, asked for, issued by somebody else, changed by versions, closed.

use identity::{Actor, Author};
use kernel::{Error, FieldError, Id, Msg, Result, UnitId};
use serde_json::{Value, json};

use crate::model::{
    Entry, Eyes, Plan, PlanAct, PlanState, TITLE, conflict, line_of, moved_on, reason_of,
};
use crate::service::Tasks;
use crate::store::{self, Event, PlanFilter, Version, entries};
use crate::{ISSUE, searching};

/// Goals of a plan.
const GOALS: usize = 50;

/// A plan to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit whose plan it is.
    pub unit: UnitId,
    /// The year.
    pub year: i16,
    /// Title.
    pub title: String,
    /// Goals, in order.
    pub goals: Vec<String>,
}

/// A plan with what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) plan: Plan,
    /// Those entries that the reader may see, in order.
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<Event>,
    pub(crate) versions: Vec<Version>,
    /// What the reader may do.
    pub(crate) may_plan: bool,
    /// Whether the reader may issue it: has the permission and did not write it.
    pub(crate) may_issue: bool,
}

fn checked(title: &str, goals: &[String]) -> Result<(String, Vec<String>)> {
    let mut errors = Vec::new();
    let title = line_of("title", title, &mut errors);
    let goals: Vec<String> = goals.iter().map(|g| g.trim().to_owned()).collect();
    let long = |g: &String| g.chars().count() > TITLE || g.contains(char::is_control);
    if goals.len() > GOALS || goals.iter().any(long) {
        errors.push(FieldError {
            field: "goals".to_owned(),
            message: Msg::new("tasks-goals-wrong")
                .with("most", GOALS)
                .with("long", TITLE),
        });
    }
    Error::if_any(errors)?;
    Ok((title, goals))
}

/// What a version of a plan keeps.
fn said(plan: &Plan, entries: &[Entry]) -> Value {
    let entry = |e: &Entry| json!({ "id": e.id, "number": e.number, "parent": e.parent, "state": e.state.code(), "content": e.content });
    json!({ "title": plan.title, "goals": plan.goals, "entries": entries.iter().map(entry).collect::<Value>() })
}

impl Tasks {
    /// Writes a plan down; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field, also when the unit has a plan of the kind in that year; `NotFound` when the unit is out of scope.
    pub async fn create(&self, new: &NewPlan, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("tasks-kind-unknown"));
        let kind = self.words.plan(&new.kind).ok_or_else(unknown)?;
        let (title, goals) = checked(&new.title, &new.goals)?;
        let this = self.env.today().year();
        if !(this - 5..=this + 1).contains(&new.year) {
            let message = Msg::new("tasks-year-wrong")
                .with("from", this - 5)
                .with("to", this + 1);
            return Err(Error::field("year", message));
        }
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.plans, new.unit).await? {
                return Err(Error::NotFound);
            }
            let mut plan = Plan {
                id: new.id,
                kind: kind.clone(),
                unit: new.unit,
                year: new.year,
                title: title.clone(),
                goals: goals.clone(),
                state: PlanState::Draft,
                numbered: 0,
                n: 0,
                issued_on: None,
                closed_on: None,
                version: 0,
                updated_at: self.env.now(),
            };
            if !store::insert(tx, &plan).await? {
                return match store::one(tx, new.id).await? {
                    Some(known) if known.unit == new.unit => Ok(new.id),
                    Some(_) => Err(Error::NotFound),
                    None => Err(Error::field("year", Msg::new("tasks-plan-there"))),
                };
            }
            self.happened(tx, &mut plan, ("made", None, ""), eyes, actor)
                .await?;
            Ok(new.id)
        })
    }

    /// Saves a plan one version further, with what happened, an entry of the audit trail and its words.
    pub(crate) async fn happened(
        &self,
        tx: &mut db::Tx,
        plan: &mut Plan,
        what: (&'static str, Option<Id>, &str),
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let author = Author::of(actor, eyes.person);
        store::save(tx, plan, what, author, self.env.now()).await?;
        let action = match what.0 {
            "issue" => "task.issued",
            "made" => "task.planned",
            "close" => "task.closed",
            _ => "task.changed",
        };
        self.record(tx, actor, action, ("task-plan", plan.id), what.0)
            .await?;
        match what.0 {
            "made" | "changed" | "added" | "imported" | "entry" | "removed" | "carried-in" => {
                searching::index(tx, plan).await
            }
            _ => Ok(()),
        }
    }

    /// Another version of an issued plan, with the entries as they are now.
    pub(crate) async fn put_version(
        &self,
        tx: &mut db::Tx,
        plan: &mut Plan,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let entries = entries::of_plan(tx, plan.id).await?;
        let content = said(plan, &entries);
        store::put_version(tx, plan, &content, reason, Author::of(actor, eyes.person)).await
    }

    /// Takes a plan that somebody may plan, to act on it.
    pub(crate) async fn planned(
        &self,
        tx: &mut db::Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<Plan> {
        store::seen(tx, id, eyes).await?;
        let plan = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
        if !Self::within(tx, &eyes.plans, plan.unit).await? {
            return Err(Error::Forbidden);
        }
        if seen.is_some_and(|seen| seen != plan.version) {
            return Err(moved_on());
        }
        Ok(plan)
    }

    /// Changes title and goals. Once it is issued, somebody says why, and it is another version.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since, waits to be issued or is closed; `Forbidden`, `NotFound`.
    pub async fn change(
        &self,
        (id, seen): (Id, i64),
        (title, goals): (&str, &[String]),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let (title, goals) = checked(title, goals)?;
        db::transaction!(self.db, |tx| {
            let mut plan = self.planned(tx, id, Some(seen), eyes).await?;
            let reason = self.opened(&mut plan, reason)?;
            let entries = entries::of_plan(tx, id).await?;
            if entries.iter().any(|e| e.content.goal > goals.len()) {
                return Err(Error::field("goals", Msg::new("tasks-goal-used")));
            }
            (plan.title, plan.goals) = (title.clone(), goals.clone());
            self.happened(tx, &mut plan, ("changed", None, &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor)).await
        })
    }

    /// Whether a plan can be changed now, and why it is: an issued one comes to another version.
    pub(crate) fn opened(&self, plan: &mut Plan, reason: &str) -> Result<String> {
        match plan.state {
            PlanState::Draft => reason_of(reason, false),
            PlanState::Issued => {
                let reason = reason_of(reason, true)?;
                plan.n += 1;
                Ok(reason)
            }
            PlanState::Asked => Err(conflict("tasks-is-waiting")),
            PlanState::Closed => Err(conflict("tasks-is-closed")),
        }
    }

    /// Keeps the version of an issued plan; a draft has none.
    pub(crate) async fn versioned(
        &self,
        tx: &mut db::Tx,
        plan: &mut Plan,
        reason: &str,
        by: (&Eyes, &Actor),
    ) -> Result<()> {
        if plan.state != PlanState::Issued {
            return Ok(());
        }
        self.put_version(tx, plan, reason, by).await?;
        self.open_reports(tx).await.map(|_| ())
    }

    /// Moves a plan on. Nobody issues what they wrote or asked for; nothing is closed while an entry is open.
    ///
    /// # Errors
    /// `Conflict` when it stands otherwise or something must come first; `Invalid` for `reason`; `Forbidden`, `NotFound`.
    pub async fn act(
        &self,
        (id, seen): (Id, Option<i64>),
        act: PlanAct,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = reason_of(reason, act == PlanAct::Back)?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut plan = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let plans = Self::within(tx, &eyes.plans, plan.unit).await?;
            let issues = Self::within(tx, &eyes.issues, plan.unit).await?;
            let may = match act {
                PlanAct::Ask | PlanAct::Close => plans,
                PlanAct::Issue => issues,
                PlanAct::Back => plans || issues,
            };
            if !may {
                return Err(Error::Forbidden);
            }
            if seen.is_some_and(|seen| seen != plan.version) {
                return Err(moved_on());
            }
            plan.state = act.after(plan.state).ok_or_else(moved_on)?;
            let entries = entries::of_plan(tx, id).await?;
            match act {
                PlanAct::Ask if entries.is_empty() => return Err(conflict("tasks-plan-empty")),
                PlanAct::Issue => {
                    let me = Author::of(actor, eyes.person);
                    let authors = store::authors(tx, id).await?;
                    if authors.iter().any(|a| a.is_same(&me)) {
                        return Err(conflict("tasks-plan-own"));
                    }
                    (plan.n, plan.issued_on) = (1, Some(self.env.today()));
                }
                PlanAct::Close => {
                    if entries::open_in(tx, id).await? > 0 {
                        return Err(conflict("tasks-plan-open-entries"));
                    }
                    plan.closed_on = Some(self.env.today());
                }
                PlanAct::Ask | PlanAct::Back => {}
            }
            self.happened(tx, &mut plan, (act.code(), None, &reason), eyes, actor)
                .await?;
            let mut known = Default::default();
            match act {
                PlanAct::Ask => {
                    let people = self.holders(tx, ISSUE, plan.unit, &mut known).await?;
                    let message = Msg::new("tasks-notice-ask").with("title", &plan.title);
                    let once = (id, &*format!("ask-{}", plan.version));
                    self.tell(tx, &people, message, plan.href(), once).await
                }
                PlanAct::Issue => {
                    self.put_version(tx, &mut plan, &reason, (eyes, actor))
                        .await?;
                    self.open_reports(tx).await?;
                    let people = entries.iter();
                    let people = people.flat_map(|e| [e.content.person, e.content.leader]);
                    let people: Vec<_> = people.flatten().collect();
                    let message = Msg::new("tasks-notice-issued").with("title", &plan.title);
                    self.tell(tx, &people, message, "/tasks".to_owned(), (id, "issued"))
                        .await
                }
                PlanAct::Back | PlanAct::Close => Ok(()),
            }
        })
    }

    /// A plan with what belongs to it; what one may not see does not exist.
    pub(crate) async fn plan(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let plan = store::seen(&mut tx, id, eyes).await?;
        let filter = entries::EntryFilter {
            plan: Some(id),
            ..Default::default()
        };
        let order = web::table::Order {
            by: "number",
            down: false,
        };
        let window = web::table::Window::new(1, crate::model::ENTRIES * 4);
        let (_, seen) = entries::list(&mut tx, eyes, &filter, order, window).await?;
        let may_plan = Self::within(&mut tx, &eyes.plans, plan.unit).await?;
        let whole = may_plan || Self::within(&mut tx, &eyes.reads, plan.unit).await?;
        let issues = Self::within(&mut tx, &eyes.issues, plan.unit).await?;
        let me = Author {
            account: Some(eyes.account),
            on_behalf: None,
            person: eyes.person,
        };
        let authors = store::authors(&mut tx, id).await?;
        Ok(Whole {
            entries: seen,
            // What is said of others' entries is for those who see the whole plan.
            events: match whole || issues {
                true => store::events(&mut tx, id, None, 200).await?,
                false => Vec::new(),
            },
            versions: match whole || issues {
                true => store::versions(&mut tx, id).await?,
                false => Vec::new(),
            },
            may_plan,
            may_issue: issues && !authors.iter().any(|a| a.is_same(&me)),
            plan,
        })
    }

    /// A version of a plan, for those who see the whole of it.
    pub(crate) async fn version(&self, id: Id, n: i64, eyes: &Eyes) -> Result<(Plan, Version)> {
        let mut tx = self.db.read().await?;
        let plan = store::seen(&mut tx, id, eyes).await?;
        let mut whole = false;
        for scope in [&eyes.reads, &eyes.plans, &eyes.issues] {
            whole |= Self::within(&mut tx, scope, plan.unit).await?;
        }
        let found = match whole {
            true => store::version_of(&mut tx, id, n).await?,
            false => None,
        };
        Ok((plan, found.ok_or(Error::NotFound)?))
    }

    /// A page of plans with how many entries are reached of those that count.
    pub async fn plans(
        &self,
        filter: &PlanFilter,
        eyes: &Eyes,
        window: web::table::Window,
    ) -> Result<(i64, Vec<(Plan, i64, i64)>)> {
        store::list(&mut self.db.read().await?, eyes, filter, window).await
    }
}
