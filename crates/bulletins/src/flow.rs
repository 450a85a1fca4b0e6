//! The way of a bulletin: handed in, taken back, returned, published by somebody else, withdrawn.

use identity::Actor;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, Result, Scope};
use notices::{Notice, Reader};

use crate::kind::{Counter, Reviewers};
use crate::model::{Bulletin, Issue, State};
use crate::service::{Bulletins, as_seen, changed, who};
use crate::store;

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// It is published; where counting has not begun, with this number.
    Publish(Option<i64>),
    /// Whoever wrote it looks at it again, for a reason.
    Return(&'r str),
}

impl Bulletins {
    /// Hands in a draft.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it was changed since `version` or is handed in already.
    pub async fn propose(
        &self,
        id: Id,
        version: i64,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let open = |s: State| s.is_open();
        self.turn(
            (id, version),
            open,
            State::Proposed,
            "proposed",
            scope,
            actor,
        )
        .await
    }

    /// Takes back what was handed in and not decided yet.
    ///
    /// # Errors
    /// As [`Self::propose`].
    pub async fn recall(
        &self,
        id: Id,
        version: i64,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let waits = |s: State| s == State::Proposed;
        self.turn((id, version), waits, State::Draft, "recalled", scope, actor)
            .await
    }

    /// Gives up what was never published.
    ///
    /// # Errors
    /// As [`Self::propose`].
    pub async fn discard(
        &self,
        id: Id,
        version: i64,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let open = |s: State| s.is_open();
        self.turn((id, version), open, State::Dropped, "dropped", scope, actor)
            .await
    }

    async fn turn(
        &self,
        (id, version): (Id, i64),
        from: impl Fn(State) -> bool,
        to: State,
        act: &'static str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, _) = who(actor)?;
        db::transaction!(self.db, |tx| {
            let b = store::held(tx, id, scope).await?;
            as_seen(&b, version)?;
            if !from(b.state) || !store::turn(tx, &b, to).await? {
                return Err(changed());
            }
            if to == State::Dropped {
                self.forget(tx, &b).await?;
            }
            self.trace(tx, &b, act, "", &actor).await
        })
    }

    /// Where somebody who reviews in a scope may review a bulletin of its kind.
    pub(crate) async fn reviews(&self, b: &Bulletin, scope: &Scope) -> Result<bool> {
        let by_above = self.kinds.get(&b.kind).map(|k| k.review) == Some(Reviewers::Above);
        let unit = match by_above {
            true => {
                let path = self.organization.paths(&[b.unit]).await?;
                let path = path.get(&b.unit).map_or(&[][..], Vec::as_slice);
                let above = path.len().checked_sub(2).and_then(|at| path.get(at));
                above.copied().unwrap_or(b.unit)
            }
            false => b.unit,
        };
        self.organization.reaches(scope, unit).await
    }

    /// Publishes or returns what waits: never by who wrote any of it. The number is given by the transaction that
    /// publishes, so that none is given twice and none is left out.
    ///
    /// # Errors
    /// `Invalid` without a reason for a return; `NotFound`; `Conflict` for what one wrote oneself and for what was
    /// changed or decided meanwhile; `Busy` when the ledger is flooded.
    pub async fn decide(
        &self,
        id: Id,
        version: i64,
        verdict: Verdict<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Option<Issue>> {
        let (actor, author) = who(actor)?;
        if let Verdict::Return(reason) = verdict {
            Error::if_any(reason_wrong(reason))?;
        }
        if matches!(verdict, Verdict::Publish(Some(first)) if !(1..=99_999).contains(&first)) {
            return Err(Error::field("first", Msg::new("bulletin-first-wrong")));
        }
        let seen = store::held(&mut self.db.read().await?, id, &Scope::All).await?;
        if !self.reviews(&seen, scope).await? {
            return Err(Error::NotFound);
        }
        self.ledger.admit()?;
        let today = self.env.today();
        db::transaction!(self.db, |tx| {
            let mut b = store::held(tx, id, &Scope::All).await?;
            as_seen(&b, version)?;
            if b.state != State::Proposed {
                return Err(changed());
            }
            let writers = store::versions(tx, id).await?;
            let acting = [Some(author.by), author.on_behalf];
            let own = |(_, _, by, of): &(i64, _, AccountId, Option<AccountId>)| {
                acting.contains(&Some(*by)) || of.is_some() && acting.contains(of)
            };
            if writers.iter().any(own) {
                return Err(Error::Conflict(Msg::new("bulletin-review-own")));
            }
            let (act, reason) = match verdict {
                Verdict::Return(reason) => {
                    if !store::turn(tx, &b, State::Returned).await? {
                        return Err(changed());
                    }
                    ("returned", reason.trim())
                }
                Verdict::Publish(first) => {
                    let year = self.counted_in(&b, today)?;
                    let first = first.unwrap_or(1);
                    let issue = store::publish(tx, &b, year, first, today).await?;
                    b.issue = Some(issue.ok_or_else(changed)?);
                    (b.state, b.published_on) = (State::Published, Some(today));
                    let by = writers.last().map_or(author.by, |w| w.2);
                    self.write_fact(tx, &b, by).await?;
                    ("published", "")
                }
            };
            self.trace(tx, &b, act, reason, &actor).await?;
            let accounts = writers.iter().map(|w| w.2);
            self.tell(tx, &b, act, reason, accounts.collect()).await?;
            Ok(b.issue)
        })
    }

    /// The year whose numbers a bulletin published on a day is counted by.
    pub(crate) fn counted_in(&self, b: &Bulletin, day: Date) -> Result<i64> {
        Ok(match self.kind(&b.kind)?.counter {
            Counter::Year => i64::from(day.year()),
            Counter::Running => 0,
        })
    }

    /// Withdraws what is published, for a reason; its number stays used and its fact is reversed.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was withdrawn already.
    pub async fn withdraw(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, author) = who(actor)?;
        Error::if_any(reason_wrong(reason))?;
        let seen = store::held(&mut self.db.read().await?, id, &Scope::All).await?;
        if !self.reviews(&seen, scope).await? {
            return Err(Error::NotFound);
        }
        db::transaction!(self.db, |tx| {
            let b = store::held(tx, id, &Scope::All).await?;
            if b.state != State::Published || !store::turn(tx, &b, State::Withdrawn).await? {
                return Err(changed());
            }
            self.take_back(tx, id, author.by).await?;
            self.trace(tx, &b, "withdrawn", reason.trim(), &actor)
                .await?;
            let writers = store::versions(tx, id).await?;
            let accounts = writers.iter().map(|w| w.2).collect();
            self.tell(tx, &b, "withdrawn", reason.trim(), accounts)
                .await
        })
    }

    /// Tells whoever wrote it what became of it.
    async fn tell(
        &self,
        tx: &mut db::Tx,
        b: &Bulletin,
        act: &str,
        reason: &str,
        mut accounts: Vec<AccountId>,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let message = match act {
            "published" => Msg::new("notice-bulletin-published"),
            "returned" => Msg::new("notice-bulletin-returned"),
            _ => Msg::new("notice-bulletin-withdrawn"),
        };
        let number = b.issue.map_or(0, |i| i.number);
        let message = message.with("title", &b.content.title);
        let notice = Notice {
            message: message.with("reason", reason).with("number", number),
            href: href(b.id),
            about: ("bulletin", b.id.to_string()),
            dedupe: None,
            confidential: false,
        };
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts {
            let person = identity::Identity::person_of(tx, account).await?;
            let reader = person.map_or(Reader::Account(account), Reader::Person);
            notices.send(tx, &[reader], &notice).await?;
        }
        Ok(())
    }

    /// How many wait for an actor's word in a scope: not what they wrote themselves.
    pub async fn waiting(&self, scope: &Scope, actor: &Actor) -> Result<i64> {
        let not_of = [actor.account, actor.on_behalf];
        let not_of: Vec<AccountId> = not_of.into_iter().flatten().collect();
        let mut tx = self.db.read().await?;
        store::waiting(&mut tx, scope, &self.kinds.above(), &not_of).await
    }
}

/// Where a bulletin is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/bulletins/{id}")
}

fn reason_wrong(reason: &str) -> Vec<FieldError> {
    let reason = reason.trim();
    let fine = (2..=200).contains(&reason.chars().count()) && !reason.contains(char::is_control);
    match fine {
        true => Vec::new(),
        false => vec![FieldError {
            field: "reason".into(),
            message: Msg::new("bulletin-reason-missing"),
        }],
    }
}
