//! Signing in at the door (签到): while it is open, people sign in for themselves by the code on the screen, or at a
//! kiosk. What is acknowledged is on disk; it becomes facts when the activity is recorded (docs/decisions/0020).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use db::Tx;
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, PersonId, Result, Scope, Timestamp};
use serde_json::json;

use crate::service::who;
use crate::store::{door as rows, plans};
use crate::{Activities, ActivityKind, Plan, PlanState, Role, RosterOf};

pub(crate) mod codes;
pub(crate) mod pages;
pub(crate) mod public;
pub(crate) mod writer;

use codes::Key;
use writer::Coming;

/// How long what is known of who is expected serves those who sign in, in seconds.
const FRESH: i64 = 5;
/// Wrong tries at one door in that time before it makes everybody wait, and before they fill the trail.
const WRONG_MOST: u32 = 20;
const WRONG_SECONDS: i64 = 300;

/// The way in which somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By the code on the screen (扫码).
    Code,
    /// At the kiosk (自助终端).
    Kiosk,
}

impl Way {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Kiosk => "kiosk",
        }
    }
}

/// The door of a planned activity.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) key: Key,
    pub(crate) opens: Timestamp,
    pub(crate) closes: Timestamp,
}

impl Door {
    /// Whether it was open at a moment.
    pub(crate) fn open_at(&self, at: Timestamp) -> bool {
        self.opens <= at && at < self.closes
    }

    /// From when to when it is open: as the kind says, else from half an hour before the begin to the end.
    pub(crate) fn times(
        kind: &ActivityKind,
        starts: Timestamp,
        ends: Timestamp,
    ) -> (Timestamp, Timestamp) {
        let opens = starts.plus_seconds(-60 * kind.check_in.opens_before);
        let after = kind.check_in.closes_after;
        (
            opens,
            after.map_or(ends, |minutes| starts.plus_seconds(60 * minutes)),
        )
    }
}

/// That somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// When.
    pub at: Timestamp,
    /// As what: present, or an observer.
    pub role: Role,
    /// Whether it was only now.
    pub first: bool,
}

/// Who came to a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The person.
    pub person: PersonId,
    /// Staff number.
    pub staff_no: String,
    /// Name.
    pub name: String,
    /// As what.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// In which way, a code.
    pub way: String,
}

/// What those who sign in are checked against.
struct Known {
    plan: Plan,
    expected: HashSet<PersonId>,
    at: Timestamp,
}

/// What one node remembers of doors: who is expected, and wrong tries.
#[derive(Default)]
pub(crate) struct Memory {
    known: Mutex<HashMap<Id, Arc<Known>>>,
    turn: tokio::sync::Mutex<()>,
    /// By door, and at the kiosk or not: whoever guesses addresses must not close the kiosk.
    wrong: Mutex<HashMap<(Id, bool), (Timestamp, u32)>>,
}

impl Memory {
    /// Counts a wrong try at a door; false when there were too many lately.
    pub(crate) fn wrong(&self, plan: Id, kiosk: bool, now: Timestamp) -> bool {
        let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (since, _)| since.plus_seconds(WRONG_SECONDS) > now);
        let (_, tries) = all.entry((plan, kiosk)).or_insert((now, 0));
        *tries = tries.saturating_add(1);
        *tries <= WRONG_MOST
    }

    /// Whether there were too many wrong tries at a kiosk lately.
    pub(crate) fn tired(&self, plan: Id, now: Timestamp) -> bool {
        let all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = all
            .get(&(plan, true))
            .filter(|(since, _)| since.plus_seconds(WRONG_SECONDS) > now);
        tries.is_some_and(|(_, tries)| *tries >= WRONG_MOST)
    }
}

impl Activities {
    /// The door that a plan begins with; a talk has none.
    pub(crate) async fn build_door(&self, tx: &mut Tx, plan: &Plan) -> Result<()> {
        let Some(kind) = self.kinds.get(&plan.kind).filter(|k| !k.pair) else {
            return Ok(());
        };
        let (opens, closes) = Door::times(kind, plan.starts, plan.ends);
        let key = Key::from(self.env.random::<32>().to_vec());
        rows::insert(tx, plan.id, &Door { key, opens, closes }).await
    }

    /// A plan with its door; none for what has no door yet.
    pub(crate) async fn door(&self, plan: Id) -> Result<Option<Door>> {
        rows::door(&mut self.db.read().await?, plan).await
    }

    /// Opens the door of a plan now (开始签到); it closes by the time it would have, else in an hour.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was held or cancelled, or is not on this day.
    pub async fn open_door(&self, id: Id, scope: &Scope, actor: impl Into<Actor>) -> Result<()> {
        let (actor, _) = who(actor)?;
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            let plan = self.planned_here(tx, id, scope).await?;
            let kind = self
                .kinds
                .get(&plan.kind)
                .filter(|k| !k.pair)
                .ok_or(Error::NotFound)?;
            let day = 24 * 3600;
            if plan.starts.plus_seconds(-day) > now || plan.ends.plus_seconds(day) < now {
                return Err(Error::Conflict(Msg::new("door-other-day")));
            }
            self.build_door(tx, &plan).await?;
            let (_, closes) = Door::times(kind, plan.starts, plan.ends);
            let closes = match [closes, plan.ends].into_iter().find(|at| *at > now) {
                Some(at) => at,
                None => now.plus_seconds(3600),
            };
            rows::set_times(tx, id, (now, closes)).await?;
            self.audit_door(
                tx,
                &actor,
                "activity.check-in-opened",
                id,
                json!({ "closes": closes.rfc3339() }),
            )
            .await
        })
    }

    /// Closes the door of a plan now (结束签到).
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was held or cancelled, or is not open.
    pub async fn close_door(&self, id: Id, scope: &Scope, actor: impl Into<Actor>) -> Result<()> {
        let (actor, _) = who(actor)?;
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            self.planned_here(tx, id, scope).await?;
            let door = rows::door(tx, id).await?;
            let Some(door) = door.filter(|d| d.closes > now) else {
                return Err(Error::Conflict(Msg::new("door-closed-before")));
            };
            rows::set_times(tx, id, (door.opens.min(now), now)).await?;
            let came = rows::count(tx, id).await?;
            self.audit_door(
                tx,
                &actor,
                "activity.check-in-closed",
                id,
                json!({ "came": came }),
            )
            .await
        })
    }

    /// A plan in a scope that still stands, kept so until the transaction ends.
    async fn planned_here(&self, tx: &mut Tx, id: Id, scope: &Scope) -> Result<Plan> {
        rows::hold(tx, &[id]).await?;
        let plan = plans::plan(tx, id, scope).await?;
        match plan.state {
            PlanState::Planned => Ok(plan),
            _ => Err(Error::Conflict(Msg::new("plan-not-open"))),
        }
    }

    async fn audit_door(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("activity-plan", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// That a code was refused stands in the trail, until there are too many of one door.
    pub(crate) async fn refuse_code(&self, id: Id, why: &'static str, actor: &Actor) -> Result<()> {
        if !self.doors.wrong(id, why == "room", self.env.now()) {
            return Ok(());
        }
        db::transaction!(self.db, |tx| {
            let detail = json!({ "why": why });
            self.audit_door(tx, actor, "activity.check-in-refused", id, detail)
                .await
        })
    }

    /// A plan and who is expected at it; what is a few seconds old serves, unless somebody is missing in it.
    async fn known(&self, id: Id, person: PersonId) -> Result<Arc<Known>> {
        let now = self.env.now();
        let memory = || {
            self.doors
                .known
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        let kept = || memory().get(&id).cloned();
        let serves = |k: &Arc<Known>| {
            let most = if k.expected.contains(&person) {
                FRESH
            } else {
                1
            };
            k.at <= now && now < k.at.plus_seconds(most)
        };
        if let Some(known) = kept().filter(serves) {
            return Ok(known);
        }
        // One looks for all who come at the same moment.
        let _turn = self.doors.turn.lock().await;
        if let Some(known) = kept().filter(serves) {
            return Ok(known);
        }
        let (plan, _) = self.planned(id, &Scope::All).await?;
        let lines = self.expected_at(&plan, &Scope::All).await?;
        let expected = lines.into_iter().map(|l| l.person).collect();
        let known = Arc::new(Known {
            plan,
            expected,
            at: now,
        });
        let mut all = memory();
        all.retain(|_, k| now < k.at.plus_seconds(600));
        all.insert(id, known.clone());
        Ok(known)
    }

    /// Whether somebody is expected at what was planned.
    pub(crate) async fn expects(&self, id: Id, person: PersonId) -> Result<bool> {
        Ok(self.known(id, person).await?.expected.contains(&person))
    }

    /// Somebody signs in at the door of a plan, at the moment they scanned; acknowledged when it is on disk. Twice is
    /// once. Who is not expected is an observer where the kind lets them.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` before and after it is open, for who is not expected, when it was held or cancelled;
    /// `Busy` under flood.
    pub async fn check_in(
        &self,
        id: Id,
        person: PersonId,
        way: Way,
        at: Timestamp,
        by: Option<AccountId>,
    ) -> Result<Receipt> {
        let known = self.known(id, person).await?;
        let kind = self.kinds.get(&known.plan.kind).ok_or(Error::NotFound)?;
        let role = match (kind.roster, known.expected.contains(&person)) {
            (RosterOf::Open, _) | (_, true) => Role::Present,
            (_, false) if kind.check_in.outsiders => Role::Observer,
            (_, false) => {
                let mut tx = self.db.read().await?;
                if let Some(receipt) = rows::receipt(&mut tx, id, person).await? {
                    return Ok(receipt);
                }
                let name = rows::name_of(&mut tx, known.plan.planned_by).await?;
                let message = Msg::new("door-not-expected");
                return Err(Error::Conflict(
                    message.with("name", name.unwrap_or_default()),
                ));
            }
        };
        // Who is on the roster has a unit on that day.
        if !known.expected.contains(&person)
            && self
                .organization
                .unit_of(person, known.plan.date)
                .await?
                .is_none()
        {
            let date = kernel::format_date(known.plan.date);
            let message = Msg::new("roster-person-unknown").with("date", date);
            return Err(Error::Conflict(message));
        }
        self.coming
            .submit(Coming {
                plan: id,
                person,
                role,
                way,
                at,
                by,
            })
            .await
    }

    /// The code on the screen of a plan at this moment; empty when it has no door.
    #[doc(hidden)]
    pub async fn code_now(&self, id: Id) -> String {
        let door = self.door(id).await.ok().flatten();
        door.map_or_else(String::new, |d| d.key.code(id, self.env.now()))
    }

    /// Who signed in, the first one first.
    pub async fn came(&self, id: Id) -> Result<Vec<Came>> {
        rows::came(&mut self.db.read().await?, id).await
    }

    /// Whether somebody signed in, and when.
    pub(crate) async fn receipt(&self, id: Id, person: PersonId) -> Result<Option<Receipt>> {
        rows::receipt(&mut self.db.read().await?, id, person).await
    }

    /// Everybody who signed in is among those who came, unless that is meant otherwise.
    pub(crate) async fn nobody_left_out(
        &self,
        tx: &mut Tx,
        plan: Id,
        came: &HashSet<PersonId>,
    ) -> Result<Vec<Came>> {
        let mut left_out = rows::came(tx, plan).await?;
        left_out.retain(|c| !came.contains(&c.person));
        Ok(left_out)
    }
}
