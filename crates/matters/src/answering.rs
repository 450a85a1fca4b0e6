//! What came is received (签收), answered (批复), sent back to be mended, or withdrawn by its writer.

use desk::Attached;
use identity::Actor;
use kernel::{Error, Id, Msg, Result};

use crate::model::{Answer, Eyes, LONGEST, Matter, Outcome, SHORT, Said, State, needed, optional};
use crate::service::{Matters, conflict, few_enough, moved_on};
use crate::store;

impl Matters {
    fn receive_now(&self, m: &mut Matter, actor: &Actor) {
        if m.received_on.is_none() {
            m.received_on = Some(self.env.today());
            m.received_by = actor.account;
        }
    }

    /// Receives what came: it says by whom and when. What only tells is done with that, with a word about it if there is one.
    ///
    /// # Errors
    /// `Forbidden` for those who may not, and for one's own; `Conflict` when it was received before.
    pub async fn receive(
        &self,
        id: Id,
        seen: Option<i64>,
        said: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = optional("text", said, LONGEST)?;
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.hold(tx, id, seen, eyes).await?;
            if !self.answers(tx, &m, eyes).await? {
                return Err(Error::Forbidden);
            }
            if m.state != State::Sent {
                return Err(moved_on());
            }
            self.receive_now(&mut m, actor);
            let key = match kind.asks {
                true => {
                    m.state = State::Received;
                    "matters-notice-received"
                }
                false => {
                    m.reply.text.clone_from(&said);
                    self.end(tx, &mut m, &kind, Outcome::Noted, actor).await?;
                    "matters-notice-noted"
                }
            };
            self.happened(tx, &mut m, "received", "", actor).await?;
            let owners = self.owners(tx, &m).await?;
            let once = format!("received-{}", m.version);
            self.tell(tx, (&m, &kind), &owners, Msg::new(key), &once)
                .await
        })
    }

    /// Answers what was asked, once; an answer receives it as well.
    ///
    /// # Errors
    /// `Invalid` for `text`, `outcome`, `document`; `Forbidden` for those who may not, and for one's own; `Conflict` when it was
    /// answered before.
    pub async fn answer(
        &self,
        id: Id,
        seen: Option<i64>,
        (answer, files): (&Answer, &[Attached]),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let text = needed("text", &answer.text, LONGEST)?;
        let document = optional("document", &answer.document, 60)?;
        if answer.outcome == Outcome::Noted {
            return Err(Error::field("outcome", Msg::new("matters-choice-unknown")));
        }
        few_enough(files)?;
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.hold(tx, id, seen, eyes).await?;
            if !self.answers(tx, &m, eyes).await? {
                return Err(Error::Forbidden);
            }
            if !kind.asks || !matches!(m.state, State::Sent | State::Received) {
                return Err(moved_on());
            }
            self.receive_now(&mut m, actor);
            m.reply = Said {
                text: text.clone(),
                document: document.clone(),
                files: files.to_vec(),
            };
            self.end(tx, &mut m, &kind, answer.outcome, actor).await?;
            self.happened(tx, &mut m, "answered", "", actor).await?;
            let owners = self.owners(tx, &m).await?;
            let message = Msg::new("matters-notice-answered");
            let once = format!("answered-{}", m.version);
            self.tell(tx, (&m, &kind), &owners, message, &once).await
        })
    }

    /// Sends back what came, for more: its writer mends it and sends it again.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Forbidden` for those who may not; `Conflict` when it was answered.
    pub async fn send_back(
        &self,
        id: Id,
        seen: Option<i64>,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = needed("reason", reason, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.hold(tx, id, seen, eyes).await?;
            if !self.answers(tx, &m, eyes).await? {
                return Err(Error::Forbidden);
            }
            if !matches!(m.state, State::Sent | State::Received) {
                return Err(moved_on());
            }
            m.state = State::Draft;
            (m.received_on, m.received_by, m.reply_due) = (None, None, None);
            self.happened(tx, &mut m, "sent-back", &reason, actor)
                .await?;
            let owners = self.owners(tx, &m).await?;
            let message = Msg::new("matters-notice-sent-back");
            let once = format!("back-{}", m.version);
            self.tell(tx, (&m, &kind), &owners, message, &once).await
        })
    }

    /// Withdraws a matter. What it came to in the ledger is taken back; what was written and answered stays to be read.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Forbidden` for those who do not write it; `Conflict` when it is on its route or withdrawn.
    pub async fn withdraw(
        &self,
        id: Id,
        seen: Option<i64>,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = needed("reason", reason, SHORT)?;
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut m, kind) = self.run(tx, id, seen, eyes).await?;
            match m.state {
                State::Withdrawn => return Err(moved_on()),
                State::Asked => return Err(conflict("matters-on-route")),
                _ => {}
            }
            let people = self.at_door(tx, &m).await?;
            let came = !matches!(m.state, State::Draft);
            m.state = State::Withdrawn;
            self.take_back(tx, &m, actor).await?;
            self.happened(tx, &mut m, "withdrawn", &reason, actor)
                .await?;
            match came {
                true => {
                    let message = Msg::new("matters-notice-withdrawn");
                    self.tell(tx, (&m, &kind), &people, message, "withdrawn")
                        .await
                }
                false => Ok(()),
            }
        })
    }

    /// A file of a matter that somebody may see.
    pub(crate) async fn file(&self, id: Id, sha256: &str, eyes: &Eyes) -> Result<Attached> {
        let w = self.matter(id, eyes).await?;
        let found = w.matter.all_files().find(|f| f.sha256 == sha256).cloned();
        found.ok_or(Error::NotFound)
    }

    /// Whether a matter exists for somebody: a cheaper question than [`Self::matter`].
    pub(crate) async fn is_seen(&self, id: Id, eyes: &Eyes) -> Result<bool> {
        store::is_seen(&mut self.db.read().await?, id, eyes).await
    }
}
