//! Quorum and votes (法定人数、表决): kinds that say so have resolutions, each with how many were for and against it.

use std::collections::HashSet;

use db::Tx;
use identity::Actor;
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, FieldError, Id, Msg, PersonId, Result, Timestamp,
};
use serde::Deserialize;
use serde_json::json;

use crate::decisions::Duty;
use crate::kind::RoleOf;
use crate::service::who;
use crate::store::votes as rows;
use crate::{Activities, Activity, ActivityKind, Part, Role, View, store};

/// How many must be there (法定人数).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quorum {
    /// More than half (过半数).
    Half,
    /// Two thirds or more (三分之二以上).
    TwoThirds,
}

impl Quorum {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Half => "half",
            Self::TwoThirds => "two-thirds",
        }
    }

    /// Whether so many of so many are enough.
    pub fn is_met(self, present: i64, expected: i64) -> bool {
        match self {
            Self::Half => present * 2 > expected,
            Self::TwoThirds => present > 0 && present * 3 >= expected * 2,
        }
    }
}

/// Of whom more than half must be for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassOf {
    /// Of all who may vote (应到有表决权的).
    #[default]
    Expected,
    /// Of those who are there (实到有表决权的).
    Present,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Passed (通过).
    Passed,
    /// Failed (未通过).
    Failed,
    /// Without a quorum: counts for nothing (无效).
    Invalid,
}

impl Outcome {
    /// Its code, the role of its fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::Invalid]
            .into_iter()
            .find(|o| o.code() == code)
    }
}

/// Those who may vote: all, and those who are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voters {
    /// Who may vote.
    pub expected: i64,
    /// Who may and is there.
    pub present: i64,
}

/// What is entered of a resolution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewResolution {
    /// What was voted on.
    pub title: String,
    /// Votes for it.
    pub in_favour: i64,
    /// Votes against it.
    pub against: i64,
    /// Abstentions.
    pub abstained: i64,
    /// Whether it is known to be without a quorum.
    pub invalid: bool,
    /// Who is to do what, if it passed.
    pub duties: Vec<Duty>,
}

/// A resolution (决议).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Id.
    pub id: Id,
    /// What was voted on.
    pub title: String,
    /// Votes for it.
    pub in_favour: i64,
    /// Votes against it.
    pub against: i64,
    /// Abstentions.
    pub abstained: i64,
    /// Who may vote and who of them was there, when it was entered.
    pub voters: Voters,
    /// What came of it.
    pub outcome: Outcome,
    /// Its fact; none when it counts for nothing.
    pub fact: Option<FactId>,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// By whom.
    pub recorded_by: AccountId,
}

impl NewResolution {
    /// What comes of it.
    pub(crate) fn outcome(
        &self,
        kind: &ActivityKind,
        voters: Voters,
        errors: &mut Vec<FieldError>,
    ) -> Outcome {
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let title = self.title.trim();
        if !(2..=200).contains(&title.chars().count()) || title.contains(char::is_control) {
            wrong("resolution", Msg::new("votes-title-missing"));
        }
        let votes = [self.in_favour, self.against, self.abstained];
        let sane = votes.iter().all(|n| (0..=100_000).contains(n));
        let cast: i64 = if sane { votes.iter().sum() } else { i64::MAX };
        if cast == 0 || cast > voters.present {
            wrong(
                "in-favour",
                Msg::new("votes-number").with("present", voters.present),
            );
        }
        let met = kind
            .quorum
            .is_none_or(|q| q.is_met(voters.present, voters.expected));
        if !met && !self.invalid {
            let message = Msg::new("votes-no-quorum").with("present", voters.present);
            wrong("invalid", message.with("expected", voters.expected));
        }
        let of = match kind.pass_of {
            PassOf::Expected => voters.expected,
            PassOf::Present => voters.present,
        };
        let outcome = match (met && !self.invalid, self.in_favour.saturating_mul(2) > of) {
            (false, _) => Outcome::Invalid,
            (true, true) => Outcome::Passed,
            (true, false) => Outcome::Failed,
        };
        if outcome != Outcome::Passed && !self.duties.is_empty() {
            wrong("duty-unit", Msg::new("votes-duty-not-passed"));
        }
        outcome
    }
}

impl Activities {
    /// Those of these people who have on a day what is asked for.
    pub(crate) async fn fitting(
        tx: &mut Tx,
        of: &RoleOf,
        people: &[PersonId],
        date: Date,
    ) -> Result<HashSet<PersonId>> {
        let mut found = HashSet::new();
        for (attribute, value) in of.attribute.pairs() {
            let values = organization::finding::values_of(tx, people, attribute, date).await?;
            found.extend(
                values
                    .into_iter()
                    .filter(|(_, v)| v == value)
                    .map(|(p, _)| p),
            );
        }
        Ok(found)
    }

    /// Who may vote in an activity, by its roster as it stands.
    pub(crate) async fn voters(
        tx: &mut Tx,
        kind: &ActivityKind,
        a: &Activity,
        parts: &[Part],
    ) -> Result<Voters> {
        let expected: Vec<&Part> = parts.iter().filter(|p| p.role != Role::Observer).collect();
        let people: Vec<PersonId> = expected.iter().map(|p| p.person).collect();
        let may = match &kind.voters {
            Some(of) => Self::fitting(tx, of, &people, a.date).await?,
            None => people.into_iter().collect(),
        };
        let present = expected
            .iter()
            .filter(|p| p.role == Role::Present && may.contains(&p.person));
        Ok(Voters {
            present: present.count() as i64,
            expected: may.len() as i64,
        })
    }

    /// Records a resolution of an activity; without a quorum only as invalid, which makes no fact. Sent twice with the
    /// same id it is recorded once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound`, also for kinds without votes; `Conflict` when the activity was taken back.
    pub async fn resolve(
        &self,
        (id, resolution): (ActivityId, Id),
        new: &NewResolution,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<Outcome> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        self.ledger.admit()?;
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            let a = store::activity(tx, id, &view).await?;
            let kind = self
                .kinds
                .get(&a.kind)
                .filter(|k| k.votes)
                .ok_or(Error::NotFound)?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            if let Some(known) = rows::of_activity(tx, id)
                .await?
                .iter()
                .find(|r| r.id == resolution)
            {
                return Ok(known.outcome);
            }
            let parts: Vec<Part> = store::parts(tx, id)
                .await?
                .into_iter()
                .map(|(p, _)| p)
                .collect();
            let voters = Self::voters(tx, kind, &a, &parts).await?;
            let mut errors = Vec::new();
            let outcome = new.outcome(kind, voters, &mut errors);
            Error::if_any(errors)?;
            let fact = (outcome != Outcome::Invalid).then(|| self.env.new_id::<FactId>());
            let row = Resolution {
                id: resolution,
                title: new.title.trim().to_owned(),
                in_favour: new.in_favour,
                against: new.against,
                abstained: new.abstained,
                voters,
                outcome,
                fact,
                recorded_at: now,
                recorded_by: by,
            };
            rows::insert(tx, id, &row).await?;
            if let Some(fact) = fact {
                let places = self.places(tx, [a.host], a.date).await?;
                let mut f = a.fact(fact, "resolution", places[&a.host]);
                f.role = Some(outcome.code().to_owned());
                (f.recorded_at, f.recorded_by) = (now, Some(by));
                f.late = kind.is_late(a.date, self.env.today());
                self.ledger.append(tx, &[f]).await?;
            }
            let source = (resolution, row.title.as_str());
            self.raise_resolution(tx, &a, source, &new.duties, &actor)
                .await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "resolution": resolution, "outcome": outcome.code() });
            self.audit(tx, &actor, "activity.resolved", id, detail)
                .await?;
            Ok(outcome)
        })
    }

    /// Takes a resolution back (冲正), with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn take_resolution_back(
        &self,
        (id, resolution): (ActivityId, Id),
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        if !(2..=200).contains(&reason.chars().count()) {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            store::activity(tx, id, &view).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let fact = rows::take_back(tx, id, resolution, self.env.now(), reason).await?;
            let fact = fact.ok_or(Error::NotFound)?;
            if let Some(fact) = fact {
                self.ledger.reverse(tx, &[fact], Some(by)).await?;
            }
            self.withdraw_resolution(tx, resolution, reason, &actor)
                .await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "resolution": resolution, "reason": reason });
            self.audit(tx, &actor, "activity.resolution-reversed", id, detail)
                .await
        })
    }

    /// The resolutions of an activity that stand, and who may vote there; none where there are no votes.
    pub async fn resolutions(
        &self,
        a: &Activity,
        parts: &[Part],
    ) -> Result<Option<(Voters, Vec<Resolution>)>> {
        let Some(kind) = self.kinds.get(&a.kind).filter(|k| k.votes) else {
            return Ok(None);
        };
        let mut tx = self.db.read().await?;
        let voters = Self::voters(&mut tx, kind, a, parts).await?;
        Ok(Some((voters, rows::of_activity(&mut tx, a.id).await?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// More who are there never breaks a quorum; nobody is none; all are one.
        #[test]
        fn a_quorum_grows_with_who_is_there(expected in 1..500i64, present in 0..500i64) {
            for quorum in [Quorum::Half, Quorum::TwoThirds] {
                let present = present.min(expected);
                prop_assert!(quorum.is_met(expected, expected));
                prop_assert!(!quorum.is_met(0, expected));
                if quorum.is_met(present, expected) && present < expected {
                    prop_assert!(quorum.is_met(present + 1, expected));
                }
            }
            prop_assert_eq!(Quorum::Half.is_met(present, expected), present as f64 / expected as f64 > 0.5);
        }
    }

    #[test]
    fn two_thirds_include_two_thirds_and_half_excludes_half() {
        assert!(Quorum::TwoThirds.is_met(2, 3) && !Quorum::TwoThirds.is_met(1, 2));
        assert!(Quorum::Half.is_met(2, 3) && !Quorum::Half.is_met(1, 2));
        assert!(!Quorum::TwoThirds.is_met(0, 0) && !Quorum::Half.is_met(0, 0));
    }
}
