//! A plan is prepared (筹备): teams with recusal, units given to them, files drawn.

use std::collections::BTreeMap;

use identity::Actor;
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use serde_json::json;

use crate::kind::Mode;
use crate::model::{Drawn, PlanState, Task, Team, draw, spread};
use crate::planning::{MOST_UNITS, href, sight};
use crate::service::{Eyes, Inspections, changed, reached, reasoned, who, wrong};
use crate::store;

/// Files of one unit out of which some are drawn, at most.
const MOST_FILES: usize = 10_000;
/// Members of a team, at most.
const MOST_MEMBERS: usize = 30;

/// What is typed about a team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTeam {
    /// Made with the form.
    pub id: Option<Id>,
    /// What it is called.
    pub name: String,
    /// Where it goes.
    pub region: String,
    /// Its own days.
    pub window: Option<(Date, Date)>,
    /// Staff numbers, the head first.
    pub members: Vec<String>,
}

impl Inspections {
    /// Adds a team.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict`; `NotFound`.
    pub async fn add_team(
        &self,
        at: (Id, i64),
        new: &NewTeam,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        who(actor)?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            let plan = &whole.plan;
            let mut errors = Vec::new();
            let name = new.name.trim();
            if !(1..=30).contains(&name.chars().count()) || name.contains(char::is_control) {
                errors.push(wrong(
                    "name",
                    Msg::new("inspection-text-wrong").with("most", 30),
                ));
            }
            if new.region.chars().count() > 60 || new.region.contains(char::is_control) {
                errors.push(wrong(
                    "region",
                    Msg::new("inspection-text-wrong").with("most", 60),
                ));
            }
            if let Some((opens, until)) = new.window
                && (until < opens || opens < plan.opens || until > plan.until)
            {
                errors.push(wrong("team-until", Msg::new("inspection-team-window")));
            }
            let mut members: Vec<PersonId> = Vec::new();
            for no in &new.members {
                let found = organization::finding::serving(tx, no, today).await?;
                match found {
                    Some(person) if !members.contains(&person) => members.push(person),
                    Some(_) => {}
                    None => {
                        let message = Msg::new("inspection-person-unknown").with("no", no);
                        errors.push(wrong("members", message));
                    }
                }
            }
            if new.members.is_empty() || members.len() > MOST_MEMBERS {
                let message = Msg::new("inspection-members-most").with("most", MOST_MEMBERS);
                errors.push(wrong("members", message));
            }
            let of = |p: &PersonId| whole.teams.iter().any(|t| t.members.contains(p));
            if members.iter().any(of) {
                errors.push(wrong("members", Msg::new("inspection-member-twice")));
            }
            Error::if_any(errors)?;
            let team = Team {
                id: new.id.unwrap_or_else(|| self.env.new_id()),
                name: name.to_owned(),
                region: new.region.trim().to_owned(),
                window: new.window,
                members,
            };
            if !store::plans::add_team(tx, plan.id, &team).await? {
                return Err(changed());
            }
            let detail = json!({ "team": team.name, "members": team.members });
            self.trace(
                tx,
                actor,
                "inspection.team",
                ("inspection-plan", plan.id),
                detail,
            )
            .await
        })
    }

    /// Takes a team away.
    ///
    /// # Errors
    /// `Conflict`; `NotFound`.
    pub async fn drop_team(
        &self,
        at: (Id, i64),
        team: Id,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            if !store::plans::drop_team(tx, whole.plan.id, team).await? {
                return Err(Error::NotFound);
            }
            let detail = json!({ "dropped": team });
            self.trace(
                tx,
                actor,
                "inspection.team",
                ("inspection-plan", whole.plan.id),
                detail,
            )
            .await
        })
    }

    /// Gives units to teams; a unit without one in `wanted` stays as it is.
    ///
    /// # Errors
    /// `Invalid` naming who is recused; `Conflict`; `NotFound`.
    pub async fn assign(
        &self,
        at: (Id, i64),
        wanted: &BTreeMap<UnitId, Option<Id>>,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let names = self.names_of(at.0, scope).await?;
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            let units = whole.units();
            let mut errors = Vec::new();
            for (unit, team) in wanted.iter().filter(|(unit, _)| units.contains(unit)) {
                let found = whole.team(*team);
                if team.is_some() && found.is_none() {
                    return Err(Error::NotFound);
                }
                for person in found.map_or(&[][..], |t| &t.members) {
                    if whole.barred.contains(&(*unit, *person)) {
                        errors.push(wrong("teams", names.recused(*unit, *person)));
                    }
                }
                let plan = &whole.plan;
                let window = found
                    .and_then(|t| t.window)
                    .unwrap_or((plan.opens, plan.until));
                store::tasks::assign(tx, plan.id, *unit, *team, window).await?;
            }
            Error::if_any(errors)?;
            let detail = json!({ "units": wanted.len() });
            self.trace(
                tx,
                actor,
                "inspection.assigned",
                ("inspection-plan", at.0),
                detail,
            )
            .await
        })
    }

    /// Spreads the units evenly over the teams that may look at them; gives how many are left without one.
    ///
    /// # Errors
    /// `Conflict`; `NotFound`.
    pub async fn spread(&self, at: (Id, i64), scope: &Scope, actor: &Actor) -> Result<usize> {
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            let plan = &whole.plan;
            let teams: Vec<Id> = whole.teams.iter().map(|t| t.id).collect();
            let may = |unit: UnitId, team: Id| {
                let members = whole.team(Some(team)).map_or(&[][..], |t| &t.members);
                members.iter().all(|p| whole.may_look(unit, *p))
            };
            let given = spread(&whole.units(), &teams, may);
            let left = given.iter().filter(|(_, team)| team.is_none()).count();
            for (unit, team) in given {
                let found = whole.team(team);
                let window = found
                    .and_then(|t| t.window)
                    .unwrap_or((plan.opens, plan.until));
                store::tasks::assign(tx, plan.id, unit, team, window).await?;
            }
            let detail = json!({ "left": left });
            self.trace(
                tx,
                actor,
                "inspection.assigned",
                ("inspection-plan", plan.id),
                detail,
            )
            .await?;
            Ok(left)
        })
    }

    /// Takes units off.
    ///
    /// # Errors
    /// `Invalid` when none would be left; `Conflict`; `NotFound`.
    pub async fn drop_units(
        &self,
        at: (Id, i64),
        units: &[UnitId],
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            store::tasks::drop_units(tx, whole.plan.id, units).await?;
            if store::tasks::of_plan(tx, whole.plan.id).await?.is_empty() {
                let message = Msg::new("inspection-units-none").with("most", MOST_UNITS);
                return Err(Error::field("units", message));
            }
            let detail = json!({ "dropped": units });
            self.trace(
                tx,
                actor,
                "inspection.assigned",
                ("inspection-plan", whole.plan.id),
                detail,
            )
            .await
        })
    }

    /// Puts units in the order in which their team goes there (路线); units without a number come last.
    ///
    /// # Errors
    /// `Invalid` for a number that is none; `Conflict`; `NotFound`.
    pub async fn route(
        &self,
        at: (Id, i64),
        legs: &BTreeMap<UnitId, Option<i64>>,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<()> {
        let most = MOST_UNITS as i64;
        if legs.values().flatten().any(|leg| !(1..=most).contains(leg)) {
            let message = Msg::new("inspection-leg-wrong").with("most", most);
            return Err(Error::field("units", message));
        }
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            for (unit, leg) in legs {
                store::tasks::route(tx, whole.plan.id, *unit, *leg).await?;
            }
            let detail = json!({ "route": legs.len() });
            let object = ("inspection-plan", whole.plan.id);
            self.trace(tx, actor, "inspection.assigned", object, detail)
                .await
        })
    }

    /// Draws files of a unit: the seed is the head of the ledger, so nobody chooses it, and it is done once.
    ///
    /// # Errors
    /// `Invalid` for `numbers` and `n`; `Conflict` when they were drawn already; `NotFound`.
    pub async fn draw_files(
        &self,
        at: (Id, i64),
        unit: UnitId,
        (numbers, n): (&[String], usize),
        scope: &Scope,
        actor: &Actor,
    ) -> Result<Drawn> {
        let by = who(actor)?;
        let mut list: Vec<String> = Vec::new();
        for number in numbers.iter().map(|x| x.trim()).filter(|x| !x.is_empty()) {
            if number.chars().count() > 60 || number.contains(char::is_control) {
                let message = Msg::new("inspection-file-number").with("number", number);
                return Err(Error::field("numbers", message));
            }
            list.push(number.to_owned());
        }
        list.sort();
        list.dedup();
        if list.is_empty() || list.len() > MOST_FILES {
            let message = Msg::new("inspection-files-many").with("most", MOST_FILES);
            return Err(Error::field("numbers", message));
        }
        if !(1..=100).contains(&n) {
            return Err(Error::field(
                "n",
                Msg::new("inspection-draw-n").with("most", 100),
            ));
        }
        // Everything that was acknowledged is in the tree before its head is taken.
        self.ledger.settle().await?;
        let mut reading = self.ledger.reading().await?;
        let head = Ledger::head(reading.tx()).await?;
        drop(reading);
        let taken = n.min(list.len());
        let mut drawn = Drawn {
            unit,
            head,
            picked: vec![String::new(); taken],
            numbers: list,
            by,
            at: self.env.now(),
        };
        let seed = {
            use sha2::Digest;
            sha2::Sha256::digest(drawn.seed_text(at.0)).into()
        };
        drawn.picked = draw(&seed, &drawn.numbers, taken);
        db::transaction!(self.db, |tx| {
            let whole = self.prepared(tx, at, scope).await?;
            let kind = self.kind(&whole.plan.kind)?;
            let place = whole.tasks.iter().find(|t| t.unit == unit).cloned();
            let Some(place) = place.filter(|_| kind.mode == Mode::Review) else {
                return Err(Error::NotFound);
            };
            if !store::plans::keep_draw(tx, whole.plan.id, &drawn).await?
                || !store::tasks::drop_place(tx, whole.plan.id, unit).await?
            {
                return Err(Error::Conflict(Msg::new("inspection-drawn-already")));
            }
            let team = whole.team(place.team);
            let tasks = drawn.picked.iter();
            let tasks: Vec<Task> = tasks
                .map(|x| self.place(&whole.plan, unit, x, team))
                .collect();
            store::tasks::add(tx, &tasks).await?;
            let detail = json!({ "unit": unit, "files": drawn.numbers.len(), "n": taken, "size": drawn.head.1 });
            self.trace(
                tx,
                actor,
                "inspection.drawn",
                ("inspection-plan", whole.plan.id),
                detail,
            )
            .await
        })?;
        Ok(drawn)
    }

    /// Somebody does not look at a unit: they told it themselves, or whoever plans knows it.
    ///
    /// # Errors
    /// `Invalid` without a reason; `Conflict` once the plan is over; `NotFound`.
    pub async fn recuse(
        &self,
        id: Id,
        (unit, person): (UnitId, PersonId),
        reason: &str,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let by = who(actor)?;
        let reason = reasoned("reason", reason, 200)?;
        db::transaction!(self.db, |tx| {
            let plan = store::plans::one(tx, id, sight(eyes)).await?;
            let own = eyes.person == Some(person);
            let paths = reached(tx, &[plan.host]).await?;
            let plans = paths.get(&plan.host).is_some_and(|p| eyes.plans.reaches(p));
            if !own && !plans {
                return Err(Error::NotFound);
            }
            if !matches!(plan.state, PlanState::Preparing | PlanState::Running) {
                return Err(changed());
            }
            let whole = self.with_all(tx, plan).await?;
            let member = whole.teams.iter().any(|t| t.members.contains(&person));
            if !member || !whole.units().contains(&unit) {
                return Err(Error::NotFound);
            }
            let told = (unit, person, reason.as_str());
            if store::plans::recuse(tx, id, told, (by, self.env.now())).await? {
                let detail = json!({ "unit": unit, "person": person });
                self.trace(
                    tx,
                    actor,
                    "inspection.recused",
                    ("inspection-plan", id),
                    detail,
                )
                .await?;
                let planner = self.reader(tx, whole.plan.by).await?;
                let message =
                    Msg::new("notice-inspection-recused").with("title", &whole.plan.title);
                self.tell(tx, &[planner], message, href(id), id).await?;
            }
            Ok(())
        })
    }
}
