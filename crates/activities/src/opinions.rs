//! Opinions (征求意见): before or at an activity units and people are asked for what they think of something by a day. Each
//! answers once and may change it until then; having nothing to say is an answer. Whoever asked says what became of it.
//!
//! Each of them is asked by a request of the kind `opinion`, which is answered on a page of this crate; so reminders
//! and what waits for somebody are those of requests. What was written stays here: the ledger holds that there was one.

use db::Tx;
use identity::Actor;
use jiff::ToSpan;
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope,
    Timestamp, UnitId,
};
use ledger::Fact;
use organization::Organization;
use requests::{Act, Ask, Due, Eyes, Owner, Request, Said, Source, State};
use serde_json::json;

use crate::service::who;
use crate::store::opinions as rows;
use crate::{Activities, View, store};

/// What requests name as their source.
const CALL: &str = "opinion-call";
/// The kind of request.
pub(crate) const KIND: &str = "opinion";
/// Those who can be asked at once.
const MOST: usize = 500;
/// The longest opinion, and the longest text of what it is about, in characters.
pub(crate) const LONGEST: usize = 4_000;
/// How far ahead a day may lie.
const AHEAD: i64 = 366;

/// What became of an opinion (采纳情况).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Adopted (采纳).
    Adopted,
    /// Adopted in part (部分采纳).
    Partly,
    /// Not adopted (不采纳).
    Rejected,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Adopted, Self::Partly, Self::Rejected];

    /// Its code, the role of the fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Partly => "partly",
            Self::Rejected => "rejected",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.code() == code)
    }
}

/// What is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// Made when the form was opened.
    pub id: Id,
    /// The unit that asks.
    pub host: UnitId,
    /// For which plan.
    pub plan: Option<Id>,
    /// For which activity.
    pub activity: Option<ActivityId>,
    /// What it is about.
    pub title: String,
    /// The text of which it is asked.
    pub text: String,
    /// Until when.
    pub due: Date,
    /// Units that are asked.
    pub units: Vec<UnitId>,
    /// People who are asked.
    pub people: Vec<PersonId>,
}

/// Opinions that are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Id, the subject of its facts.
    pub id: Id,
    /// The unit that asks.
    pub host: UnitId,
    /// For which plan.
    pub plan: Option<Id>,
    /// For which activity.
    pub activity: Option<ActivityId>,
    /// The kind of that activity; empty without one.
    pub kind: String,
    /// What it is about.
    pub title: String,
    /// The text of which it is asked.
    pub text: String,
    /// Until when.
    pub due: Date,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// By whom.
    pub asked_by: AccountId,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
}

/// What somebody who was asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// Id, that of the request too.
    pub id: Id,
    /// To which call it belongs.
    pub call: Id,
    /// The unit that was asked, or that of the person.
    pub unit: UnitId,
    /// The person who was asked.
    pub person: Option<PersonId>,
    /// What they said.
    pub text: String,
    /// Whether they have nothing to say.
    pub nothing: bool,
    /// When they answered; none: not yet.
    pub answered_at: Option<Timestamp>,
    /// Who did.
    pub answered_by: Option<AccountId>,
    /// What became of it.
    pub verdict: Option<Verdict>,
    /// Why.
    pub reason: String,
    /// Its fact.
    pub fact: Option<FactId>,
}

/// Answers requests of the kind `opinion` on the page of the opinion.
pub struct OpinionOwner;

impl Owner for OpinionOwner {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn href(&self, request: &Request) -> String {
        format!("/activities/opinions/{}", request.id)
    }
}

fn unfit(text: &str) -> bool {
    text.chars().count() > LONGEST
        || text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

impl Activities {
    pub(crate) fn asked(&self) -> Result<&requests::Requests> {
        self.requests.as_ref().ok_or(Error::NotFound)
    }

    fn check_call(&self, new: &NewCall) -> Result<()> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let title = new.title.trim();
        if !(2..=100).contains(&title.chars().count()) || title.contains(char::is_control) {
            wrong("title", Msg::new("call-title"));
        }
        if unfit(&new.text) {
            wrong("text", Msg::new("opinion-long").with("most", LONGEST));
        }
        let today = self.env.today();
        if !(today..=today.saturating_add(AHEAD.days())).contains(&new.due) {
            wrong("due", Msg::new("call-due").with("days", AHEAD));
        }
        let many = new.units.len() + new.people.len();
        if many == 0 {
            wrong("units", Msg::new("call-nobody"));
        } else if many > MOST {
            wrong("units", Msg::new("call-many").with("most", MOST));
        }
        Error::if_any(errors)
    }

    /// Asks units and people for opinions. Sent twice with the same id they are asked once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when unit, plan or activity are out of the view.
    pub async fn call_for_opinions(
        &self,
        new: &NewCall,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<Id> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        self.organization.unit(new.host, &view.scope).await?;
        self.check_call(new)?;
        let requests = self.asked()?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let (mut kind, mut host) = (String::new(), new.host);
            if let Some(plan) = new.plan {
                let plan = store::plans::plan(tx, plan, &view.scope).await?;
                (kind, host) = (plan.kind, plan.host);
            }
            if let Some(id) = new.activity {
                let a = store::activity(tx, id, &view).await?;
                if a.confidential || a.pair.is_some() || a.reversed_at.is_some() {
                    return Err(Error::NotFound);
                }
                (kind, host) = (a.kind, a.host);
            }
            let call = Call {
                id: new.id,
                host,
                plan: new.plan,
                activity: new.activity,
                kind,
                title: new.title.trim().to_owned(),
                text: new.text.trim().replace("\r\n", "\n"),
                due: new.due,
                asked_at: self.env.now(),
                asked_by: by,
                closed_at: None,
            };
            if !rows::insert_call(tx, &call).await? {
                let known = rows::one_call(tx, new.id, &view.scope).await?;
                return (known.asked_by == by)
                    .then_some(new.id)
                    .ok_or(Error::NotFound);
            }
            let wanted: Vec<_> = new.people.iter().map(|p| (*p, today)).collect();
            let homes = Organization::units_on(tx, &wanted).await?;
            let mut to: Vec<(UnitId, Option<PersonId>)> = Vec::new();
            for unit in &new.units {
                to.push((*unit, None));
            }
            for person in &new.people {
                // Who belongs nowhere is asked nothing.
                to.extend(
                    homes
                        .get(&(*person, today))
                        .map(|unit| (*unit, Some(*person))),
                );
            }
            to.sort_unstable();
            to.dedup();
            let opinions: Vec<Opinion> = to
                .iter()
                .map(|(unit, person)| Opinion {
                    id: self.env.new_id(),
                    call: call.id,
                    unit: *unit,
                    person: *person,
                    text: String::new(),
                    nothing: false,
                    answered_at: None,
                    answered_by: None,
                    verdict: None,
                    reason: String::new(),
                    fact: None,
                })
                .collect();
            rows::insert(tx, &opinions).await?;
            for o in &opinions {
                let ask = Ask {
                    id: o.id,
                    kind: KIND.to_owned(),
                    title: call.title.clone(),
                    detail: String::new(),
                    unit: o.person.is_none().then_some(o.unit),
                    person: o.person,
                    due: Due::On(call.due),
                    source: Some(Source {
                        kind: CALL.to_owned(),
                        id: call.id,
                        title: call.title.clone(),
                        href: format!("/activities/opinions/{}", o.id),
                    }),
                    from: call.host,
                };
                requests.ask(tx, &ask, &actor).await?;
            }
            let detail = json!({ "call": call.id, "asked": opinions.len() });
            self.audit_call(tx, &actor, "activity.opinions-asked", call.id, detail)
                .await?;
            Ok(call.id)
        })
    }

    async fn audit_call(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: Id,
        detail: serde_json::Value,
    ) -> Result<()> {
        let entry = actor.audit(action, ("opinion-call", id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// The fact of an opinion, in the place of the one it had.
    async fn opinion_fact(
        &self,
        tx: &mut Tx,
        call: &Call,
        o: &Opinion,
        role: Option<&str>,
        by: AccountId,
    ) -> Result<FactId> {
        let given = o
            .answered_at
            .unwrap_or(self.env.now())
            .date(self.env.zone());
        let places = self.places(tx, [call.host, o.unit], given).await?;
        if let Some(old) = o.fact {
            self.ledger.reverse(tx, &[old], Some(by)).await?;
        }
        let id: FactId = self.env.new_id();
        let (host, now) = (places[&call.host], self.env.now());
        let mut fact = Fact::new(id, "opinion", host, given, call.id, "form", now);
        fact.category = Some(call.kind.clone()).filter(|kind| !kind.is_empty());
        (fact.unit, fact.person) = (Some(places[&o.unit]), o.person);
        (fact.role, fact.recorded_by) = (role.map(str::to_owned), Some(by));
        self.ledger.append(tx, &[fact]).await?;
        Ok(id)
    }

    /// Answers for the unit or person that was asked; changed until the day it is due.
    ///
    /// # Errors
    /// `Invalid` on `text`; `NotFound` for who may not see it, `Forbidden` for who may not answer; `Conflict` when it was
    /// closed, judged, or changed after its day.
    pub async fn give_opinion(
        &self,
        id: Id,
        (text, nothing): (&str, bool),
        eyes: &Eyes,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        let requests = self.asked()?;
        let (_, _, hand) = requests.request(id, eyes).await?;
        if !hand.answers {
            return Err(Error::Forbidden);
        }
        let text = text.trim().replace("\r\n", "\n");
        let length = text.chars().count();
        if nothing != (length == 0) || length == 1 {
            return Err(Error::field("text", Msg::new("opinion-text")));
        }
        if unfit(&text) {
            let message = Msg::new("opinion-long").with("most", LONGEST);
            return Err(Error::field("text", message));
        }
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let known = rows::one(tx, id).await?;
            let call = rows::hold(tx, known.call).await?;
            let o = rows::one(tx, id).await?;
            let first = o.answered_at.is_none();
            if call.closed_at.is_some() || o.verdict.is_some() || !first && today > call.due {
                return Err(Error::Conflict(Msg::new("opinion-closed")));
            }
            let o = Opinion {
                answered_at: o.answered_at.or(Some(self.env.now())),
                ..o
            };
            let fact = match o.fact {
                Some(fact) if o.nothing == nothing => fact,
                _ => {
                    let role = nothing.then_some("none");
                    self.opinion_fact(tx, &call, &o, role, by).await?
                }
            };
            let at = (self.env.now(), by);
            if !rows::answer(tx, &o, (&text, nothing), fact, at).await? {
                return Err(Error::Conflict(Msg::new("opinion-closed")));
            }
            if first {
                requests
                    .act_in(tx, id, Act::Answer, &Said::default(), &actor)
                    .await?;
            }
            let detail = json!({ "opinion": id, "nothing": nothing, "first": first });
            self.audit_call(tx, &actor, "activity.opinion-given", call.id, detail)
                .await
        })
    }

    /// Says what became of an opinion; in part or not at all needs a reason.
    ///
    /// # Errors
    /// `Invalid` on `reason`; `NotFound`; `Conflict` for what says nothing.
    pub async fn judge_opinion(
        &self,
        (call, id): (Id, Id),
        (verdict, reason): (Verdict, &str),
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        let reason = reason.trim();
        let least = usize::from(verdict != Verdict::Adopted) * 2;
        if !(least..=500).contains(&reason.chars().count()) || reason.contains(char::is_control) {
            return Err(Error::field("reason", Msg::new("opinion-reason")));
        }
        db::transaction!(self.db, |tx| {
            let known = rows::one_call(tx, call, scope).await?;
            rows::hold(tx, call).await?;
            let o = rows::one(tx, id).await?;
            if o.call != call {
                return Err(Error::NotFound);
            }
            if o.answered_at.is_none() || o.nothing {
                return Err(Error::Conflict(Msg::new("opinion-nothing")));
            }
            let fact = match (o.fact, o.verdict) {
                (Some(fact), Some(same)) if same == verdict => fact,
                _ => {
                    let role = Some(verdict.code());
                    self.opinion_fact(tx, &known, &o, role, by).await?
                }
            };
            rows::judge(tx, &o, (verdict, reason), fact, (self.env.now(), by)).await?;
            self.confirm_opinion(tx, &o, &actor).await?;
            let detail = json!({ "opinion": id, "verdict": verdict.code() });
            self.audit_call(tx, &actor, "activity.opinion-answered", call, detail)
                .await
        })
    }

    /// The request is done with, unless whoever answered it would confirm it themselves.
    async fn confirm_opinion(&self, tx: &mut Tx, o: &Opinion, actor: &Actor) -> Result<()> {
        let requests = self.asked()?;
        let answered = requests.state(tx, o.id).await? == Some(State::Answered);
        if answered && o.answered_by != actor.account {
            requests
                .act_in(tx, o.id, Act::Confirm, &Said::default(), actor)
                .await?;
        }
        Ok(())
    }

    /// Ends a call: nobody answers any more, and who did not is asked no longer.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended.
    pub async fn close_call(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let requests = self.asked()?;
        db::transaction!(self.db, |tx| {
            rows::one_call(tx, id, scope).await?;
            if !rows::close(tx, id, (self.env.now(), by)).await? {
                return Err(Error::Conflict(Msg::new("opinion-closed")));
            }
            let left = requests.withdraw_of(tx, (CALL, id), reason, &actor).await?;
            for o in rows::of_call(tx, id).await? {
                self.confirm_opinion(tx, &o, &actor).await?;
            }
            let detail = json!({ "unanswered": left });
            self.audit_call(tx, &actor, "activity.opinions-closed", id, detail)
                .await
        })
    }

    /// A call whose host lies in a scope, with what was said.
    pub async fn call(&self, id: Id, scope: &Scope) -> Result<(Call, Vec<Opinion>)> {
        let mut tx = self.db.read().await?;
        let call = rows::one_call(&mut tx, id, scope).await?;
        Ok((call, rows::of_call(&mut tx, id).await?))
    }

    /// What somebody was asked, and whether they may answer now.
    pub async fn own_opinion(&self, id: Id, eyes: &Eyes) -> Result<(Call, Opinion, bool)> {
        let (_, _, hand) = self.asked()?.request(id, eyes).await?;
        let mut tx = self.db.read().await?;
        let o = rows::one(&mut tx, id).await?;
        let call = rows::one_call(&mut tx, o.call, &Scope::All).await?;
        let late = o.answered_at.is_some() && self.env.today() > call.due;
        let open = hand.answers && call.closed_at.is_none() && o.verdict.is_none() && !late;
        Ok((call, o, open))
    }

    /// Calls for a plan or an activity, each with how many were asked and how many answered.
    pub(crate) async fn calls_of(
        &self,
        plan: Option<Id>,
        activity: Option<ActivityId>,
    ) -> Result<Vec<(Call, i64, i64)>> {
        let mut tx = self.db.read().await?;
        let calls = rows::calls_of(&mut tx, plan, activity).await?;
        let ids: Vec<Id> = calls.iter().map(|c| c.id).collect();
        let counts = rows::counts(&mut tx, &ids).await?;
        let count = |c: &Call| counts.iter().find(|(id, ..)| *id == c.id);
        let all = calls.into_iter().map(|c| {
            let (asked, answered) = count(&c).map_or((0, 0), |(_, a, n)| (*a, *n));
            (c, asked, answered)
        });
        Ok(all.collect())
    }
}
