//! What a meeting decided (议定事项), with or without a vote, and who is to do what by when: each of these is a request,
//! asked in the same transaction and withdrawn when what it rests on is taken back.

use std::collections::HashMap;

use db::Tx;
use identity::Actor;
use kernel::{
    AccountId, ActivityId, Date, Error, FieldError, Id, Msg, PersonId, Result, Timestamp, UnitId,
};
use requests::{Act, Ask, Due, Request, Said, Source};
use serde_json::json;

use crate::findings::DutyWay;
use crate::service::who;
use crate::store::decisions as rows;
use crate::store::votes;
use crate::{Activities, Activity, View, store};

/// What is asked for because of a vote, as requests name their source.
const RESOLUTION: &str = "resolution";
/// Because of something decided without one.
const DECISION: &str = "decision";
/// The kind of request.
const TASK: &str = "task";
/// Duties of one decision.
const MOST: usize = 50;

/// Who is to do what by when (承办).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duty {
    /// The unit.
    pub unit: Option<UnitId>,
    /// The person.
    pub person: Option<PersonId>,
    /// What; empty: what was decided.
    pub what: String,
    /// Until when; none: so long as such things usually take.
    pub due: Option<Date>,
    /// Whether an answer is asked for, or a case is raised.
    pub way: DutyWay,
}

/// What is entered of a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewDecision {
    /// The line of the agenda on which it was decided; may be empty.
    pub item: String,
    /// What was decided.
    pub title: String,
    /// Who is to do what.
    pub duties: Vec<Duty>,
}

/// Something decided without a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Id.
    pub id: Id,
    /// The line of the agenda.
    pub item: String,
    /// What was decided.
    pub title: String,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: AccountId,
}

impl NewDecision {
    /// Checks all that needs no database; errors are named with this before the field.
    pub(crate) fn check(&self, before: &str, errors: &mut Vec<FieldError>) {
        let title = self.title.trim();
        if !(2..=200).contains(&title.chars().count()) || title.contains(char::is_control) {
            errors.push(FieldError {
                field: before.to_owned(),
                message: Msg::new("decision-title"),
            });
        }
        if self.duties.len() > MOST {
            errors.push(FieldError {
                field: before.to_owned(),
                message: Msg::new("decision-many").with("most", MOST),
            });
        }
    }
}

impl Activities {
    /// The same, whose decisions ask people for what they are to do.
    pub fn with_requests(mut self, requests: requests::Requests) -> Self {
        self.requests = Some(requests);
        self
    }

    fn asking(&self) -> Result<&requests::Requests> {
        self.requests.as_ref().ok_or(Error::NotFound)
    }

    /// Asks those who are to do something, because of a decision.
    async fn raise(
        &self,
        tx: &mut Tx,
        a: &Activity,
        (kind, id, title): (&str, Id, &str),
        duties: &[Duty],
        actor: &Actor,
    ) -> Result<()> {
        for duty in duties {
            let what = match duty.what.trim() {
                "" => title,
                what => what,
            };
            if duty.way != DutyWay::Request {
                self.raise_case(tx, a, (id, what), duty, actor).await?;
                continue;
            }
            let usual = self.asking()?.kinds().get(TASK);
            let ask = Ask {
                id: self.env.new_id(),
                kind: TASK.to_owned(),
                // A long decision is told in full on the page.
                title: what.chars().take(100).collect(),
                detail: match what.chars().count() > 100 {
                    true => what.to_owned(),
                    false => String::new(),
                },
                unit: duty.unit,
                person: duty.person,
                due: match (duty.due, usual) {
                    (Some(day), _) => Due::On(day),
                    (None, Some(kind)) => Due::In {
                        days: kind.days,
                        working: kind.working,
                    },
                    (None, None) => Due::On(self.env.today()),
                },
                source: Some(Source {
                    kind: kind.to_owned(),
                    id,
                    title: a.title.clone(),
                    href: format!("/activities/{}", a.id),
                }),
                from: a.host,
            };
            self.asking()?.ask(tx, &ask, actor).await?;
        }
        Ok(())
    }

    /// Asks those who are to do something, because of a resolution that passed.
    pub(crate) async fn raise_resolution(
        &self,
        tx: &mut Tx,
        a: &Activity,
        (id, title): (Id, &str),
        duties: &[Duty],
        actor: &Actor,
    ) -> Result<()> {
        self.raise(tx, a, (RESOLUTION, id, title), duties, actor)
            .await
    }

    /// Takes back what a resolution asked for and nobody answered yet.
    pub(crate) async fn withdraw_resolution(
        &self,
        tx: &mut Tx,
        id: Id,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        if let Some(requests) = &self.requests {
            requests
                .withdraw_of(tx, (RESOLUTION, id), reason, actor)
                .await?;
        }
        Ok(())
    }

    /// Writes decisions with what they ask, in the transaction that records the activity.
    pub(crate) async fn write_decisions(
        &self,
        tx: &mut Tx,
        a: &Activity,
        new: &[(Id, NewDecision)],
        (actor, by): (&Actor, AccountId),
    ) -> Result<()> {
        for (id, decision) in new {
            let row = Decision {
                id: *id,
                item: decision.item.trim().chars().take(200).collect(),
                title: decision.title.trim().to_owned(),
                recorded_at: self.env.now(),
                recorded_by: by,
            };
            rows::insert(tx, a.id, &row).await?;
            let source = (DECISION, *id, row.title.as_str());
            self.raise(tx, a, source, &decision.duties, actor).await?;
        }
        Ok(())
    }

    /// Withdraws all that an activity asked for and nobody answered yet.
    pub(crate) async fn withdraw_all(
        &self,
        tx: &mut Tx,
        id: ActivityId,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        let Some(requests) = &self.requests else {
            return Ok(());
        };
        for r in votes::of_activity(tx, id).await? {
            requests
                .withdraw_of(tx, (RESOLUTION, r.id), reason, actor)
                .await?;
        }
        for d in rows::of_activity(tx, id).await? {
            requests
                .withdraw_of(tx, (DECISION, d.id), reason, actor)
                .await?;
        }
        Ok(())
    }

    /// The activity, held, if something can still be decided about it.
    async fn decidable(&self, tx: &mut Tx, id: ActivityId, view: &View) -> Result<Activity> {
        let a = store::activity(tx, id, view).await?;
        if a.pair.is_some() || a.confidential {
            return Err(Error::NotFound);
        }
        let held = store::hold(tx, &[id]).await?;
        if held.values().all(|a| a.reversed_at.is_some()) {
            return Err(Error::Conflict(Msg::new("activity-reversed")));
        }
        Ok(a)
    }

    /// Enters what a meeting decided without a vote, and asks those who are to do something. Sent twice with the same id
    /// it is there once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn decide(
        &self,
        (id, decision): (ActivityId, Id),
        new: &NewDecision,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let mut errors = Vec::new();
        new.check("decision", &mut errors);
        Error::if_any(errors)?;
        db::transaction!(self.db, |tx| {
            let a = self.decidable(tx, id, &view).await?;
            if rows::of_activity(tx, id)
                .await?
                .iter()
                .any(|d| d.id == decision)
            {
                return Ok(());
            }
            let all = [(decision, new.clone())];
            self.write_decisions(tx, &a, &all, (&actor, by)).await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "decision": decision, "duties": new.duties.len() });
            self.audit(tx, &actor, "activity.decided", id, detail).await
        })
    }

    /// Takes a decision back (冲正), with a reason; what it asked for and nobody answered yet is withdrawn.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn take_decision_back(
        &self,
        (id, decision): (ActivityId, Id),
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = checked(reason)?;
        db::transaction!(self.db, |tx| {
            self.decidable(tx, id, &view).await?;
            if !rows::take_back(tx, id, decision, (self.env.now(), reason)).await? {
                return Err(Error::NotFound);
            }
            if let Some(requests) = &self.requests {
                requests
                    .withdraw_of(tx, (DECISION, decision), reason, &actor)
                    .await?;
            }
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "decision": decision, "reason": reason });
            self.audit(tx, &actor, "activity.decision-reversed", id, detail)
                .await
        })
    }

    /// Changes who is to do what by when, with a reason: what was asked is withdrawn and asked anew. What was answered
    /// stays as it is.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` for what this activity did not ask; `Conflict` when it was answered.
    pub async fn change_duty(
        &self,
        (id, request): (ActivityId, Id),
        new: &Duty,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = checked(reason)?;
        let requests = self.asking()?;
        // What was asked stays a request: it is answered or withdrawn.
        let new = &Duty {
            way: DutyWay::Request,
            ..new.clone()
        };
        db::transaction!(self.db, |tx| {
            let a = self.decidable(tx, id, &view).await?;
            let all = self.asked_in(tx, id).await?;
            let old = all.values().flatten().find(|r| r.id == request);
            let old = old.ok_or(Error::NotFound)?;
            if !old.case.state.is_open() {
                return Err(Error::Conflict(Msg::new("duty-answered")));
            }
            let source = old.source.as_ref().ok_or(Error::NotFound)?;
            let said = Said {
                text: reason.to_owned(),
                ..Said::default()
            };
            requests
                .act_in(tx, request, Act::Withdraw, &said, &actor)
                .await?;
            let (kind, title) = (source.kind.as_str(), old.title.as_str());
            let duties = std::slice::from_ref(new);
            self.raise(tx, &a, (kind, source.id, title), duties, &actor)
                .await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "request": request, "reason": reason });
            self.audit(tx, &actor, "activity.duty-changed", id, detail)
                .await
        })
    }

    /// What an activity asked for, by the resolution or decision because of which.
    async fn asked_in(&self, tx: &mut Tx, id: ActivityId) -> Result<HashMap<Id, Vec<Request>>> {
        let mut all: HashMap<Id, Vec<Request>> = HashMap::new();
        let Some(requests) = &self.requests else {
            return Ok(all);
        };
        let resolutions = votes::of_activity(tx, id).await?;
        let resolutions: Vec<Id> = resolutions.iter().map(|r| r.id).collect();
        let decisions = rows::of_activity(tx, id).await?;
        let decisions: Vec<Id> = decisions.iter().map(|d| d.id).collect();
        for (kind, ids) in [(RESOLUTION, resolutions), (DECISION, decisions)] {
            for r in requests.of_source(tx, kind, &ids).await? {
                if let Some(source) = &r.source {
                    all.entry(source.id).or_default().push(r);
                }
            }
        }
        Ok(all)
    }

    /// What an activity decided without a vote, and all that it asked for by what it rests on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decisions(
        &self,
        id: ActivityId,
    ) -> Result<(Vec<Decision>, HashMap<Id, Vec<Request>>)> {
        let mut tx = self.db.read().await?;
        let all = rows::of_activity(&mut tx, id).await?;
        let asked = self.asked_in(&mut tx, id).await?;
        Ok((all, asked))
    }
}

fn checked(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if !(2..=200).contains(&reason.chars().count()) {
        return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
    }
    Ok(reason)
}
