//! Plans (活动安排): what is to come. A plan makes no fact; it is moved or cancelled with a reason, and when the time
//! has come it is recorded by roster with everything filled in that is known.

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{
    AccountId, ActivityId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp,
    UnitId,
};
use notices::{CalendarSource, Event, When};
use serde_json::json;

use crate::door::Door;
use crate::service::who;
use crate::store::{participants, plans};
use crate::{Activities, RosterOf};

/// How far ahead one can plan, in days.
const AHEAD: i64 = 800;

/// How far a plan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Is to come (已安排).
    Planned,
    /// Was held and recorded (已登记).
    Held,
    /// Will not be (已取消).
    Cancelled,
}

impl PlanState {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Planned, Self::Held, Self::Cancelled]
            .into_iter()
            .find(|s| s.code() == code)
    }
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// Organising unit.
    pub host: UnitId,
    /// Title.
    pub title: String,
    /// Day.
    pub date: Date,
    /// Begin.
    pub starts: Timestamp,
    /// End.
    pub ends: Timestamp,
    /// Where.
    pub location: String,
    /// The body that is expected.
    pub body: Option<Id>,
    /// The fields of the form, with which it is recorded.
    pub typed: Vec<(String, String)>,
    /// Who planned it.
    pub planned_by: AccountId,
    /// How far it has come.
    pub state: PlanState,
    /// The activity as which it was recorded.
    pub activity: Option<ActivityId>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Plan {
    /// The body or audience that is expected.
    pub(crate) fn expects(&self) -> Option<Id> {
        let typed = self.typed.iter().find(|(name, _)| name == "of");
        self.body.or_else(|| typed?.1.parse().ok())
    }
}

/// A change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// `moved` or `cancelled`.
    pub act: String,
    /// When it was to be before.
    pub was: String,
    /// Why.
    pub reason: String,
    /// By whom, the name as it is today.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What is entered to plan something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlan {
    /// Made when the form was opened.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// Organising unit.
    pub host: UnitId,
    /// Title.
    pub title: String,
    /// Day.
    pub date: Date,
    /// Begin.
    pub starts: Time,
    /// End; not later than the begin means the next day.
    pub ends: Time,
    /// Where.
    pub location: String,
    /// The body or audience that is expected.
    pub of: Option<Id>,
    /// The fields of the form.
    pub typed: Vec<(String, String)>,
}

fn reason_checked(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    let length = reason.chars().count();
    if !(2..=200).contains(&length) || reason.contains(char::is_control) {
        return Err(Error::field("reason", Msg::new("plan-reason-missing")));
    }
    Ok(reason)
}

impl Activities {
    /// Begin and end as instants; errors stand at their fields.
    fn plan_span(&self, date: Date, starts: Time, ends: Time) -> Result<(Timestamp, Timestamp)> {
        let today = self.env.today();
        if date < today {
            return Err(Error::field("date", Msg::new("plan-in-past")));
        }
        if date > today.saturating_add(AHEAD.days()) {
            let message = Msg::new("plan-too-far").with("days", AHEAD);
            return Err(Error::field("date", message));
        }
        let next = match ends <= starts {
            true => date.saturating_add(1.day()),
            false => date,
        };
        let instant = |date: Date, time: Time| {
            let zoned = date.to_datetime(time).to_zoned(self.env.zone().clone());
            zoned
                .map(|z| Timestamp(z.timestamp().as_microsecond()))
                .map_err(|_| Error::field("date", Msg::new("activity-date-wrong")))
        };
        Ok((instant(date, starts)?, instant(next, ends)?))
    }

    /// Plans an activity. Sent twice with the same id it is planned once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope.
    pub async fn plan(&self, new: &NewPlan, scope: &Scope, actor: impl Into<Actor>) -> Result<Id> {
        self.plan_with(new, &[], scope, actor).await
    }

    /// The same, in which these units take part beside the host.
    ///
    /// # Errors
    /// As [`Activities::plan`].
    pub async fn plan_with(
        &self,
        new: &NewPlan,
        units: &[UnitId],
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let (actor, by) = who(actor)?;
        let host = self.organization.unit(new.host, scope).await?;
        let kind = self.kinds.get(&new.kind).ok_or(Error::NotFound)?;
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let text = |text: &str| text.chars().count() > 100 || text.chars().any(char::is_control);
        if new.title.trim().is_empty() {
            wrong("title", Msg::new("activity-title-missing"));
        } else if text(new.title.trim()) {
            wrong("title", Msg::new("activity-title-long").with("most", 100));
        }
        if text(new.location.trim()) {
            wrong(
                "location",
                Msg::new("activity-location-long").with("most", 100),
            );
        }
        if !kind.is_for(&host.category) {
            let message = Msg::new("activity-kind-not-here");
            wrong("kind", message.with("unit", host.name));
        }
        if kind.confidential.is_some() {
            wrong("kind", Msg::new("plan-confidential"));
        }
        Self::check_participants(units, new.host, &mut errors);
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        if new
            .typed
            .iter()
            .map(|(n, v)| n.len() + v.len())
            .sum::<usize>()
            > 60_000
        {
            wrong("title", Msg::new("plan-too-long"));
        }
        let span = match self.plan_span(new.date, new.starts, new.ends) {
            Ok(span) => Some(span),
            Err(Error::Invalid(more)) => {
                errors.extend(more);
                None
            }
            Err(other) => return Err(other),
        };
        Error::if_any(errors)?;
        let (starts, ends) = span.ok_or_else(|| Error::internal("a checked span"))?;
        let minutes = (ends.0 - starts.0) / (60 * Timestamp::SECOND);
        if minutes > kind.longest {
            let message = Msg::new("activity-too-long").with("minutes", minutes);
            return Err(Error::field("ends", message.with("most", kind.longest)));
        }
        let plan = Plan {
            id: new.id,
            kind: kind.code.clone(),
            host: new.host,
            title: new.title.trim().to_owned(),
            date: new.date,
            starts,
            ends,
            location: new.location.trim().to_owned(),
            body: new.of.filter(|_| kind.roster == RosterOf::Body),
            typed: new.typed.clone(),
            planned_by: by,
            state: PlanState::Planned,
            activity: None,
            changed_at: self.env.now(),
        };
        db::transaction!(self.db, |tx| {
            if !plans::insert(tx, &plan).await? {
                let known = plans::plan(tx, plan.id, scope).await?;
                return match known.planned_by == by {
                    true => Ok(()),
                    false => Err(Error::NotFound),
                };
            }
            participants::add_to_plan(tx, plan.id, units).await?;
            self.build_door(tx, &plan).await?;
            let detail = json!({ "kind": plan.kind, "date": plan.date.to_string() });
            self.audit_plan(tx, &actor, "activity.planned", plan.id, detail)
                .await
        })?;
        Ok(plan.id)
    }

    async fn audit_plan(
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

    /// A plan with its changes.
    pub async fn planned(&self, id: Id, scope: &Scope) -> Result<(Plan, Vec<PlanChange>)> {
        let mut tx = self.db.read().await?;
        let plan = plans::seen(&mut tx, id, scope).await?;
        Ok((plan, plans::changes(&mut tx, id).await?))
    }

    /// Moves a plan to another day or time, with a reason.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when it was held or cancelled.
    pub async fn move_plan(
        &self,
        id: Id,
        (date, starts, ends): (Date, Time, Time),
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let reason = reason_checked(reason)?;
        let (begin, end) = self.plan_span(date, starts, ends)?;
        db::transaction!(self.db, |tx| {
            let mut plan = plans::plan(tx, id, scope).await?;
            let was = plan.starts.minute_text(self.env.zone());
            (plan.date, plan.starts, plan.ends) = (date, begin, end);
            for (name, value) in &mut plan.typed {
                match name.as_str() {
                    "date" => *value = kernel::format_date(date),
                    "starts" => *value = starts.strftime("%H:%M").to_string(),
                    "ends" => *value = ends.strftime("%H:%M").to_string(),
                    _ => {}
                }
            }
            if !plans::shift(tx, &plan, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("plan-not-open")));
            }
            if let Some(kind) = self.kinds.get(&plan.kind) {
                crate::store::door::set_times(tx, id, Door::times(kind, begin, end)).await?;
            }
            let at = (self.env.new_id(), self.env.now());
            plans::note(tx, at, id, ("moved", &was, reason), by).await?;
            let detail = json!({ "from": was, "to": date.to_string(), "reason": reason });
            self.audit_plan(tx, &actor, "activity.moved", id, detail)
                .await
        })
    }

    /// Cancels a plan, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was held or cancelled.
    pub async fn cancel_plan(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let reason = reason_checked(reason)?;
        db::transaction!(self.db, |tx| {
            let plan = plans::plan(tx, id, scope).await?;
            if !plans::cancel(tx, id, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("plan-not-open")));
            }
            let was = plan.starts.minute_text(self.env.zone());
            let at = (self.env.new_id(), self.env.now());
            plans::note(tx, at, id, ("cancelled", &was, reason), by).await?;
            let detail = json!({ "reason": reason });
            self.audit_plan(tx, &actor, "activity.cancelled", id, detail)
                .await
        })
    }

    /// What is to come from a day to a day.
    pub async fn plans(
        &self,
        span: (Date, Date),
        scope: &Scope,
        under: Option<UnitId>,
    ) -> Result<Vec<Plan>> {
        plans::between(&mut self.db.read().await?, span, scope, under, 1_000).await
    }
}

impl Activities {
    /// What a person is expected at: plans of their unit and of those above it, and of the bodies and audiences they
    /// belong to.
    pub async fn expected_of(&self, person: PersonId, from: Date, to: Date) -> Result<Vec<Plan>> {
        let today = self.env.today();
        let Some(unit) = self.organization.unit_of(person, today).await? else {
            return Ok(Vec::new());
        };
        let mut units = self.organization.ancestors(unit).await?;
        units.push(unit);
        let bodies = self.organization.memberships(person).await?;
        let bodies: Vec<Id> = bodies
            .into_iter()
            .filter(|(m, _)| m.covers(today))
            .map(|(_, body)| body.id)
            .collect();
        let mut tx = self.db.read().await?;
        let found = plans::of_these(&mut tx, (from, to), &units, &bodies).await?;
        drop(tx);
        let mut expected = Vec::new();
        for plan in found {
            let Some(kind) = self.kinds.get(&plan.kind).filter(|k| !k.pair) else {
                continue;
            };
            let there = match kind.roster {
                RosterOf::Body => plan.body.is_some(),
                RosterOf::Unit => true,
                RosterOf::Audience => self.expects(plan.id, person).await?,
                RosterOf::Open => false,
            };
            if there {
                expected.push(plan);
            }
        }
        Ok(expected)
    }
}

impl CalendarSource for Activities {
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>> {
        async move {
            let found = self.expected_of(person, from, to).await?;
            let event = |p: Plan| Event {
                uid: format!("activity-plan-{}", p.id),
                title: Msg::new("calendar-activity").with("title", p.title),
                when: When::Span(p.starts, p.ends),
                href: format!("/activities/plans/{}", p.id),
                updated: p.changed_at,
            };
            Ok(found.into_iter().map(event).collect())
        }
        .boxed()
    }
}
