//! Leave asked for in advance (请假): somebody who is expected asks with a reason, the organiser or whoever may record
//! grants or refuses. What was granted stands on the roster before anybody is marked; it makes no fact by itself.

use db::Tx;
use identity::{Actor, Identity};
use kernel::{AccountId, Error, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId};
use notices::{Notice, Reader};
use serde_json::json;

use crate::service::who;
use crate::store::{leave as rows, plans};
use crate::{Activities, Plan, PlanState};

/// How far a leave has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveState {
    /// Waits for an answer (待批).
    Asked,
    /// Was granted (准假).
    Granted,
    /// Was refused (不准).
    Refused,
    /// Was taken back by who asked (已撤回).
    Withdrawn,
}

impl LeaveState {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Asked, Self::Granted, Self::Refused, Self::Withdrawn]
            .into_iter()
            .find(|s| s.code() == code)
    }
}

/// A leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Id.
    pub id: Id,
    /// From what.
    pub plan: Id,
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// How far it has come.
    pub state: LeaveState,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What was answered; may be empty.
    pub answer: String,
}

/// A leave that waits, with what it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingLeave {
    /// The plan.
    pub plan: Id,
    /// Its title.
    pub title: String,
    /// Its organising unit.
    pub host: UnitId,
    /// When it begins.
    pub starts: Timestamp,
    /// Who asks.
    pub name: String,
}

fn line(field: &str, text: &str, least: usize) -> Result<String> {
    let text = text.trim();
    let length = text.chars().count();
    if !(least..=200).contains(&length) || text.contains(char::is_control) {
        return Err(Error::field(field, Msg::new("leave-reason-missing")));
    }
    Ok(text.to_owned())
}

impl Activities {
    /// A person asks for leave from what was planned, before it begins.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound` when they are not expected; `Conflict` when it has begun, or was asked
    /// for before.
    pub async fn ask_leave(
        &self,
        plan: Id,
        person: PersonId,
        reason: &str,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, _) = who(actor)?;
        if !self.expects(plan, person).await? {
            return Err(Error::NotFound);
        }
        let reason = line("reason", reason, 2)?;
        let now = self.env.now();
        let id: Id = self.env.new_id();
        db::transaction!(self.db, |tx| {
            let plan = plans::plan(tx, plan, &Scope::All).await?;
            if plan.state != PlanState::Planned || plan.starts <= now {
                return Err(Error::Conflict(Msg::new("leave-too-late")));
            }
            if !rows::ask(tx, id, plan.id, person, &reason, now).await? {
                return Err(Error::Conflict(Msg::new("leave-asked-before")));
            }
            let message = Msg::new("notice-leave-asked").with("title", &plan.title);
            let name = rows::name(tx, person).await?;
            let reader = self.reader(tx, plan.planned_by).await?;
            self.tell(tx, reader, message.with("name", name), &plan)
                .await?;
            self.audit_leave(
                tx,
                &actor,
                "activity.leave-asked",
                plan.id,
                json!({ "person": person }),
            )
            .await
        })
    }

    /// A person takes their leave back, before it begins.
    ///
    /// # Errors
    /// `Conflict` when there is none that stands.
    pub async fn withdraw_leave(
        &self,
        plan: Id,
        person: PersonId,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, _) = who(actor)?;
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            let plan = plans::plan(tx, plan, &Scope::All).await?;
            let open = plan.state == PlanState::Planned && plan.starts > now;
            if !open || !rows::withdraw(tx, plan.id, person).await? {
                return Err(Error::Conflict(Msg::new("leave-not-open")));
            }
            self.audit_leave(
                tx,
                &actor,
                "activity.leave-withdrawn",
                plan.id,
                json!({ "person": person }),
            )
            .await
        })
    }

    /// Grants or refuses a leave; nobody decides their own.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for one's own, and when it was decided or taken back before.
    pub async fn decide_leave(
        &self,
        (plan, leave): (Id, Id),
        grant: bool,
        answer: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let answer = line("answer", answer, usize::from(!grant) * 2)?;
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            let plan = plans::plan(tx, plan, scope).await?;
            let asked = rows::of_plan(tx, plan.id).await?;
            let asked = asked
                .into_iter()
                .find(|l| l.id == leave)
                .ok_or(Error::NotFound)?;
            let own = [Some(by), actor.on_behalf];
            for account in own.into_iter().flatten() {
                if Identity::person_of(tx, account).await? == Some(asked.person) {
                    return Err(Error::Conflict(Msg::new("leave-own")));
                }
            }
            let state = if grant {
                LeaveState::Granted
            } else {
                LeaveState::Refused
            };
            let open = plan.state == PlanState::Planned;
            if !open || !rows::decide(tx, leave, state, &answer, (by, now)).await? {
                return Err(Error::Conflict(Msg::new("leave-not-open")));
            }
            let key = if grant {
                "notice-leave-granted"
            } else {
                "notice-leave-refused"
            };
            let message = Msg::new(key)
                .with("title", &plan.title)
                .with("answer", &answer);
            let reader = Reader::Person(asked.person);
            self.tell(tx, reader, message, &plan).await?;
            let action = if grant {
                "activity.leave-granted"
            } else {
                "activity.leave-refused"
            };
            self.audit_leave(
                tx,
                &actor,
                action,
                plan.id,
                json!({ "person": asked.person }),
            )
            .await
        })
    }

    async fn reader(&self, tx: &mut Tx, account: AccountId) -> Result<Reader> {
        let person = Identity::person_of(tx, account).await?;
        Ok(person.map_or(Reader::Account(account), Reader::Person))
    }

    async fn tell(&self, tx: &mut Tx, to: Reader, message: Msg, plan: &Plan) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let own = message.key != "notice-leave-asked";
        let notice = Notice {
            message,
            href: if own {
                "/activities/mine".into()
            } else {
                format!("/activities/plans/{}", plan.id)
            },
            about: ("activity-plan", plan.id.to_string()),
            dedupe: None,
            // Why somebody is away is nobody else's business.
            confidential: true,
        };
        notices.send(tx, &[to], &notice).await
    }

    async fn audit_leave(
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

    /// The leaves from a plan, the oldest first.
    pub async fn leaves(&self, plan: Id) -> Result<Vec<Leave>> {
        rows::of_plan(&mut self.db.read().await?, plan).await
    }

    /// Leaves that wait for an answer in a scope, the next one first, and how many there are.
    pub async fn waiting_leaves(
        &self,
        scope: &Scope,
        most: i64,
    ) -> Result<(i64, Vec<WaitingLeave>)> {
        rows::waiting(&mut self.db.read().await?, scope, most).await
    }
}
