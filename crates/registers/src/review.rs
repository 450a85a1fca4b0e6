//! Reviewing (审核): where a register asks for it, what one entered counts once another accepted it.

use std::collections::HashMap;

use db::Tx;
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope};
use notices::{Notice, Reader};
use serde_json::json;

use crate::facts::Counted;
use crate::model::{Entry, State};
use crate::service::{RegisterBook, reason_wrong, who};
use crate::store::list::{self, By, Filter, Mark};
use crate::store::{self, Author, Line};

/// Entries decided on in one go.
pub(crate) const MOST: usize = 200;

/// What became of one that was to be decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The entry.
    pub entry: Entry,
    /// Why nothing was decided; none: it was.
    pub refused: Option<Msg>,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'r> {
    /// It counts from now on (通过).
    Accept,
    /// Whoever entered it looks at it again, for a reason (退回).
    Return(&'r str),
}

impl RegisterBook {
    /// Accepts or returns versions in one transaction, each in the state in which it was looked at. What is out of
    /// scope is left out of the answer.
    ///
    /// # Errors
    /// `Invalid` without a reason for a return; `Conflict` when there are too many.
    pub async fn review(
        &self,
        picks: &[(Id, i64)],
        verdict: Verdict<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Vec<Outcome>> {
        let (actor, by) = who(actor)?;
        let reason = match verdict {
            Verdict::Accept => "",
            Verdict::Return(reason) => {
                Error::if_any(reason_wrong(reason))?;
                reason.trim()
            }
        };
        if picks.len() > MOST {
            let message = Msg::new("register-review-many").with("most", MOST);
            return Err(Error::Conflict(message));
        }
        let picked: HashMap<Id, i64> = picks.iter().copied().collect();
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        self.ledger.admit()?;
        let ids: Vec<Id> = picked.keys().copied().collect();
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        db::transaction!(self.db, |tx| {
            let entries = store::some(tx, &ids, scope).await?;
            let seen: Vec<Id> = entries.iter().map(|e| e.id).collect();
            let authors = store::pending_authors(tx, &seen).await?;
            let acting: Vec<_> = [actor.account, actor.on_behalf]
                .into_iter()
                .flatten()
                .collect();
            let own = |id: Id| {
                authors.iter().any(|(entry, by, of)| {
                    *entry == id
                        && (acting.contains(by) || of.is_some_and(|of| acting.contains(&of)))
                })
            };
            let mut outcomes: Vec<Outcome> = entries
                .into_iter()
                .map(|entry| {
                    let key = match entry.state {
                        State::Reversed => Some("register-reversed"),
                        State::Accepted | State::Returned => Some("register-review-done"),
                        State::Proposed if own(entry.id) => Some("register-review-own"),
                        State::Proposed if picked[&entry.id] != entry.version => {
                            Some("register-changed-meanwhile")
                        }
                        State::Proposed => None,
                    };
                    let refused = key.map(Msg::new);
                    Outcome { entry, refused }
                })
                .collect();
            let fine = |outcomes: &[Outcome]| -> Vec<Id> {
                let fine = outcomes.iter().filter(|o| o.refused.is_none());
                fine.map(|o| o.entry.id).collect()
            };
            let wanted = fine(&outcomes);
            if wanted.is_empty() {
                return Ok(outcomes);
            }
            let done = store::decide(tx, &wanted, verdict == Verdict::Accept).await?;
            for outcome in &mut outcomes {
                let decided = done.iter().find(|(id, _)| *id == outcome.entry.id);
                match decided {
                    // Somebody corrected it between our look and our word.
                    Some((_, version)) if *version != outcome.entry.version => {
                        return Err(Error::Retry("an entry was changed meanwhile".into()));
                    }
                    None if outcome.refused.is_none() => {
                        outcome.refused = Some(Msg::new("register-review-done"));
                    }
                    _ => {}
                }
            }
            let decided = fine(&outcomes);
            let changed = outcomes.iter_mut().filter(|o| o.refused.is_none());
            for outcome in changed {
                let entry = &mut outcome.entry;
                match verdict {
                    Verdict::Accept => {
                        entry.accepted = Some(entry.version);
                        entry.state = State::Accepted;
                    }
                    Verdict::Return(_) => entry.state = State::Returned,
                }
            }
            if verdict == Verdict::Accept {
                self.count(tx, &decided).await?;
            }
            let act = match verdict {
                Verdict::Accept => ("accepted", "register.accepted"),
                Verdict::Return(_) => ("returned", "register.returned"),
            };
            let lines = outcomes
                .iter()
                .filter(|o| o.refused.is_none())
                .map(|o| Line {
                    entry: o.entry.id,
                    act: act.0,
                    version: o.entry.version,
                    reason: reason.to_owned(),
                    day: None,
                });
            store::note(tx, &lines.collect::<Vec<_>>(), author, &self.env).await?;
            for outcome in outcomes.iter().filter(|o| o.refused.is_none()) {
                let entry = &outcome.entry;
                let detail = json!({ "register": entry.register, "version": entry.version });
                self.audit(tx, &actor, act.1, entry.id, detail).await?;
                if let Verdict::Return(_) = verdict {
                    self.tell_returned(tx, entry, &authors, reason).await?;
                }
            }
            Ok(outcomes)
        })
    }

    /// Writes the facts of entries that were just accepted, as their rows are now.
    async fn count(&self, tx: &mut Tx, ids: &[Id]) -> Result<()> {
        // Whose word it was: a version counts under the name of who wrote it.
        let mut entries = store::some(tx, ids, &Scope::All).await?;
        let writers = store::writers(tx, ids).await?;
        entries.sort_by_key(|e| e.id);
        let mut counted = Vec::new();
        for entry in &entries {
            let by = writers.get(&(entry.id, entry.version)).copied();
            counted.push(Counted {
                register: self.register(&entry.register)?,
                entry,
                by: by.unwrap_or(entry.recorded_by),
            });
        }
        self.write_facts(tx, &counted).await
    }

    async fn tell_returned(
        &self,
        tx: &mut Tx,
        entry: &Entry,
        authors: &[(Id, kernel::AccountId, Option<kernel::AccountId>)],
        reason: &str,
    ) -> Result<()> {
        let Some(notices) = &self.notices else {
            return Ok(());
        };
        let message = Msg::new("notice-register-returned");
        let notice = Notice {
            message: message
                .with("title", &entry.content.title)
                .with("reason", reason),
            href: href(entry),
            about: ("register-entry", entry.id.to_string()),
            dedupe: None,
            confidential: false,
        };
        let mut accounts: Vec<_> = authors
            .iter()
            .filter(|(id, ..)| *id == entry.id)
            .map(|(_, by, _)| *by)
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts {
            let person = identity::Identity::person_of(tx, account).await?;
            let reader = person.map_or(Reader::Account(account), Reader::Person);
            notices.send(tx, &[reader], &notice).await?;
        }
        Ok(())
    }

    /// What waits for an actor's word in a scope, the oldest first, and how many there are: not what they wrote
    /// themselves.
    pub async fn waiting(
        &self,
        scope: &Scope,
        actor: &Actor,
        most: i64,
    ) -> Result<(Vec<Entry>, i64)> {
        self.waiting_after(scope, actor, None, most).await
    }

    pub(crate) async fn waiting_after(
        &self,
        scope: &Scope,
        actor: &Actor,
        mark: Option<Mark>,
        most: i64,
    ) -> Result<(Vec<Entry>, i64)> {
        let filter = Filter {
            state: Some(State::Proposed),
            not_of: [actor.account, actor.on_behalf]
                .into_iter()
                .flatten()
                .collect(),
            ..Filter::default()
        };
        let by = By {
            date: true,
            down: false,
        };
        let mut tx = self.db.read().await?;
        let total = list::count(&mut tx, scope, &filter).await?;
        let rows = list::page(&mut tx, scope, &filter, by, mark, false, most).await?;
        Ok((rows, total))
    }
}

/// Where an entry is shown.
pub(crate) fn href(entry: &Entry) -> String {
    format!("/registers/{}/entries/{}", entry.register, entry.id)
}
