//! Confirming (确认): what one entered, another answers for. Facts and numbers count from the moment they are
//! entered and do not change by it; the state says that somebody with the power to do so has looked.

use db::Tx;
use identity::Actor;
use kernel::{AccountId, ActivityId, Error, Msg, Result, Timestamp};
use notices::{Notice, Reader};
use serde_json::json;
use web::table::Order;

use crate::service::who;
use crate::store::confirmation::{self, Line};
use crate::store::{self, Filter};
use crate::{Activities, Activity, Confirmation, View};

/// Activities confirmed in one go.
pub(crate) const MOST: usize = 200;

/// A line of the history of confirmations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// `confirmed`, `returned` or `taken-back`.
    pub act: String,
    /// By which account.
    pub by: AccountId,
    /// Name of its holder; none when there is no such account.
    pub name: Option<String>,
    /// Name of the one in whose place.
    pub on_behalf: Option<String>,
    /// Why; empty where none is needed.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What became of one that was to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The activity.
    pub activity: Activity,
    /// Why it was not confirmed; none: it was.
    pub refused: Option<Msg>,
}

/// Why an actor may not confirm an activity in the state in which they looked at it.
fn refusal(a: &Activity, changes: i64, actor: &Actor) -> Option<Msg> {
    let key = if a.reversed_at.is_some() {
        "activity-reversed"
    } else if a.confirmed_at.is_some() {
        "confirm-already"
    } else if !may_confirm(a, actor) {
        "confirm-own"
    } else if a.changes != changes {
        "confirm-changed"
    } else {
        return None;
    };
    Some(Msg::new(key))
}

/// Whether an actor had no part in entering an activity: not themselves, not for another, not through another.
pub(crate) fn may_confirm(a: &Activity, actor: &Actor) -> bool {
    let acting = [actor.account, actor.on_behalf];
    let entered = [Some(a.recorded_by), a.recorded_for];
    !acting
        .iter()
        .flatten()
        .any(|one| entered.contains(&Some(*one)))
}

impl Activities {
    /// Confirms activities in one transaction, each with the number of changes it had when it was looked at.
    /// What is out of scope is left out of the answer.
    pub async fn confirm(
        &self,
        picks: &[(ActivityId, i64)],
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<Vec<Outcome>> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        if picks.len() > MOST {
            let message = Msg::new("confirm-too-many").with("most", MOST);
            return Err(Error::Conflict(message));
        }
        let mut ids: Vec<ActivityId> = picks.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        db::transaction!(self.db, |tx| {
            let seen = confirmation::seen(tx, &ids, &view).await?;
            let seen: Vec<ActivityId> =
                ids.iter().copied().filter(|id| seen.contains(id)).collect();
            if seen.is_empty() {
                return Ok(Vec::new());
            }
            let mut held = store::hold(tx, &seen).await?;
            let mut outcomes = Vec::new();
            for (id, changes) in picks {
                if let Some(activity) = held.remove(id) {
                    let refused = refusal(&activity, *changes, &actor);
                    outcomes.push(Outcome { activity, refused });
                }
            }
            let fine = outcomes.iter().filter(|o| o.refused.is_none());
            let fine: Vec<ActivityId> = fine.map(|o| o.activity.id).collect();
            if fine.is_empty() {
                return Ok(outcomes);
            }
            let done = confirmation::confirm(tx, &fine, by, self.env.now()).await?;
            if done != fine.len() as u64 {
                return Err(Error::Retry("an activity was confirmed meanwhile".into()));
            }
            let line = |id: &ActivityId| Line {
                activity: *id,
                act: "confirmed",
                by,
                on_behalf: actor.on_behalf,
                reason: String::new(),
            };
            let lines: Vec<Line> = fine.iter().map(line).collect();
            confirmation::note(tx, &lines, &self.env).await?;
            for id in fine {
                self.audit(tx, &actor, "activity.confirmed", id, json!({}))
                    .await?;
            }
            Ok(outcomes)
        })
    }

    /// Returns one to whoever entered it, who is told why; a confirmation is taken back by it.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was reversed, returned, or entered by the actor.
    pub async fn give_back(
        &self,
        id: ActivityId,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        let length = reason.chars().count();
        if !(2..=200).contains(&length) || reason.contains(char::is_control) {
            return Err(Error::field("reason", Msg::new("return-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            let activity = store::activity(tx, id, &view).await?;
            if !may_confirm(&activity, &actor) {
                return Err(Error::Conflict(Msg::new("confirm-own")));
            }
            if !confirmation::give_back(tx, id, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("return-not-now")));
            }
            let line = Line {
                activity: id,
                act: "returned",
                by,
                on_behalf: actor.on_behalf,
                reason: reason.to_owned(),
            };
            confirmation::note(tx, &[line], &self.env).await?;
            self.audit(tx, &actor, "activity.returned", id, json!({}))
                .await?;
            self.tell_returned(tx, &activity, reason).await
        })
    }

    async fn tell_returned(&self, tx: &mut Tx, a: &Activity, reason: &str) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let message = Msg::new("notice-activity-returned");
        let notice = Notice {
            message: message.with("title", &a.title).with("reason", reason),
            href: format!("/activities/{}", a.id),
            about: ("activity", a.id.to_string()),
            dedupe: None,
            confidential: false,
        };
        let person = identity::Identity::person_of(tx, a.recorded_by).await?;
        let reader = person.map_or(Reader::Account(a.recorded_by), Reader::Person);
        notices.send(tx, &[reader], &notice).await
    }

    /// The rosters of these changed: what was confirmed or returned waits again.
    pub(crate) async fn changed(
        &self,
        tx: &mut Tx,
        changed: &[(ActivityId, AccountId, Option<AccountId>)],
    ) -> Result<()> {
        confirmation::change(tx, changed, &self.env).await
    }

    /// What was confirmed, returned and taken back of an activity, the oldest first.
    pub async fn confirmations(
        &self,
        id: ActivityId,
        view: impl Into<View>,
    ) -> Result<Vec<History>> {
        let mut tx = self.db.read().await?;
        store::activity(&mut tx, id, &view.into()).await?;
        confirmation::history(&mut tx, id).await
    }

    /// What waits for an actor's confirmation in a scope, the oldest first, and how many there are: not what they
    /// entered themselves.
    pub async fn unconfirmed(
        &self,
        view: impl Into<View>,
        actor: &Actor,
        most: i64,
    ) -> Result<(i64, Vec<Activity>)> {
        let (rows, total) = self.waiting(view, actor, 1, most).await?;
        Ok((total, rows.into_iter().map(|(a, ..)| a).collect()))
    }

    pub(crate) async fn waiting(
        &self,
        view: impl Into<View>,
        actor: &Actor,
        page: i64,
        size: i64,
    ) -> Result<(Vec<(Activity, i64, i64)>, i64)> {
        let filter = Filter {
            confirmation: Some(Confirmation::Waiting),
            not_of: [actor.account, actor.on_behalf]
                .into_iter()
                .flatten()
                .collect(),
            ..Filter::default()
        };
        let order = Order {
            by: "date",
            down: false,
        };
        self.list(view, &filter, order, page, size).await
    }
}
