//! Closing (办结) and opening again, and looking over what is to stay in force (复核).

use db::Tx;
use identity::Actor;
use kernel::{Date, Error, FieldError, Id, Msg, Result, Scope};
use serde_json::json;

use crate::facts::{CLOSED, Counted};
use crate::model::{Content, Entry};
use crate::register::Register;
use crate::service::{RegisterBook, note_wrong, reason_wrong, who};
use crate::store::{self, Author, Line};

impl RegisterBook {
    /// Closes an entry (办结) on a day, with a note.
    ///
    /// # Errors
    /// `Invalid` for day or note; `NotFound`; `Conflict` when it does not count yet, was closed before or taken back.
    pub async fn close(
        &self,
        id: Id,
        day: &str,
        note: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let entry = self.entry(id, scope).await?;
        let register = self.register(&entry.register)?;
        if !register.closes || entry.content.declared.is_some() {
            return Err(Error::NotFound);
        }
        let mut errors = Vec::new();
        let day = commons::sheets::date(day.trim()).ok().flatten();
        let day = day.filter(|d| (entry.content.date..=self.env.today()).contains(d));
        if day.is_none() {
            errors.push(FieldError {
                field: "closed".into(),
                message: Msg::new("register-closing-day"),
            });
        }
        if note_wrong(note) {
            errors.push(FieldError {
                field: "note".into(),
                message: Msg::new("register-note-missing"),
            });
        }
        Error::if_any(errors)?;
        let (note, day) = (note.trim(), day.unwrap_or(entry.content.date));
        let set = Some((day, note));
        self.open_or_close(
            &entry,
            register,
            set,
            ("closed", "register.closed"),
            note,
            actor,
        )
        .await
    }

    /// Opens an entry again that was closed, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it is not closed.
    pub async fn reopen(
        &self,
        id: Id,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let entry = self.entry(id, scope).await?;
        let register = self.register(&entry.register)?;
        Error::if_any(reason_wrong(reason))?;
        let acts = ("reopened", "register.reopened");
        self.open_or_close(&entry, register, None, acts, reason.trim(), actor)
            .await
    }

    async fn open_or_close(
        &self,
        entry: &Entry,
        register: &Register,
        closed: Option<(Date, &str)>,
        (act, action): (&'static str, &'static str),
        reason: &str,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        db::transaction!(self.db, |tx| {
            if !store::close(tx, entry.id, closed).await? {
                return Err(Error::Conflict(Msg::new("register-not-to-close")));
            }
            let mut current = store::entry(tx, entry.id, &Scope::All).await?;
            match closed {
                Some(_) => {
                    // Of what counts: a version that waits has no facts yet.
                    if current.has_pending() {
                        current.content = self.accepted_content(tx, &current).await?;
                    }
                    let counted = Counted {
                        register,
                        entry: &current,
                        by,
                    };
                    self.write_closed(tx, &counted).await?;
                }
                None => {
                    let standing = self.ledger.standing(tx, entry.id).await?;
                    let ids: Vec<_> = standing
                        .iter()
                        .filter(|f| f.kind == CLOSED)
                        .map(|f| f.id)
                        .collect();
                    self.ledger.reverse(tx, &ids, Some(by)).await?;
                }
            }
            let line = Line {
                entry: entry.id,
                act,
                version: current.version,
                reason: reason.to_owned(),
                day: closed.map(|(day, _)| day),
            };
            store::note(tx, &[line], author, &self.env).await?;
            let detail = json!({ "register": register.code, "day": closed.map(|(d, _)| kernel::format_date(d)) });
            self.audit(tx, &actor, action, entry.id, detail).await
        })
    }

    async fn accepted_content(&self, tx: &mut Tx, entry: &Entry) -> Result<Content> {
        let versions = store::versions(tx, entry.id).await?;
        let accepted = versions
            .into_iter()
            .find(|(n, _)| Some(*n) == entry.accepted);
        let (_, content) = accepted.ok_or_else(|| Error::internal("a version that counts"))?;
        Ok(content)
    }

    /// Notes that an entry was looked over (复核) today and stands; the next time follows from it.
    ///
    /// # Errors
    /// `Invalid` without a note; `NotFound`; `Conflict` when it does not count.
    pub async fn recheck(
        &self,
        id: Id,
        note: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let mut entry = self.entry(id, scope).await?;
        let register = self.register(&entry.register)?;
        if register.review_every.is_none() || entry.content.declared.is_some() {
            return Err(Error::NotFound);
        }
        if note_wrong(note) {
            return Err(Error::field("note", Msg::new("register-note-missing")));
        }
        let today = self.env.today();
        entry.rechecked_on = Some(today);
        let next = entry.next_recheck(register);
        let author = Author {
            by,
            on_behalf: actor.on_behalf,
        };
        db::transaction!(self.db, |tx| {
            if !store::recheck(tx, id, today, next).await? {
                return Err(Error::Conflict(Msg::new("register-not-to-close")));
            }
            let line = Line {
                entry: id,
                act: "rechecked",
                version: entry.version,
                reason: note.trim().to_owned(),
                day: next,
            };
            store::note(tx, &[line], author, &self.env).await?;
            let detail = json!({ "register": register.code });
            self.audit(tx, &actor, "register.rechecked", id, detail)
                .await
        })
    }
}
