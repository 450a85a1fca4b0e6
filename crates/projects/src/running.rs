//! A project on its way: milestones, members, what is written down.

use db::Tx;
use desk::Waiting;
use identity::Actor;
use kernel::{Date, Error, Id, Msg, PersonId, Result, format_date};
use serde_json::json;

use crate::facts::{ENTRY, Writing};
use crate::model::{
    Entry, Eyes, LONGEST, MOST, Milestone, NewEntry, Project, SHORT, State, What, needed, optional,
};
use crate::service::{Held, Projects, conflict};
use crate::store::parts;

/// What is done about a milestone.
#[derive(Debug, Clone)]
pub(crate) enum Settle<'f> {
    /// It is there since a day, as files show.
    Done(Date, &'f [Waiting]),
    /// It is not needed any more.
    LetGo,
    /// It was said too early.
    Again,
}

fn working(p: &Project) -> Result<()> {
    match p.state {
        State::Draft | State::Running => Ok(()),
        _ => Err(conflict("projects-not-now")),
    }
}

impl Projects {
    /// Adds a milestone.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` while somebody decides about the project, or when it is over.
    pub async fn add_milestone(
        &self,
        id: Id,
        (text, owner, due): (&str, PersonId, Date),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<i64> {
        let text = needed("text", text, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, None, eyes).await?;
            working(&p)?;
            if due < p.content.from || due > p.until {
                let message = Msg::new("projects-milestone-day")
                    .with("from", format_date(p.content.from))
                    .with("to", format_date(p.until));
                return Err(Error::field("due", message));
            }
            let there = parts::milestones(tx, id).await?;
            if there.len() >= MOST {
                return Err(conflict("projects-too-many"));
            }
            let m = Milestone {
                no: there.iter().map(|m| m.no).max().unwrap_or(0) + 1,
                text: text.clone(),
                owner,
                due,
                until: due,
                done_on: None,
                said: String::new(),
                files: Vec::new(),
                dropped: false,
            };
            parts::put_milestone(tx, id, &m).await?;
            let body = json!({ "no": m.no });
            self.happened(tx, &mut p, "milestone", body, "", actor)
                .await?;
            if p.state == State::Running {
                let message = Msg::new("projects-notice-milestone").with("due", format_date(due));
                let once = format!("milestone-{}", m.no);
                self.tell(tx, &p, &[owner], message, &once).await?;
            }
            Ok(m.no)
        })
    }

    /// Takes a milestone out of a proposal; once the project was approved it can only be let go.
    ///
    /// # Errors
    /// `Conflict` once it was sent.
    pub async fn remove_milestone(
        &self,
        id: Id,
        no: i64,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, None, eyes).await?;
            if p.state != State::Draft {
                return Err(conflict("projects-not-now"));
            }
            if !parts::remove_milestone(tx, id, no).await? {
                return Err(Error::NotFound);
            }
            self.happened(tx, &mut p, "removed", json!({ "no": no }), "", actor)
                .await
        })
    }

    /// Says that a milestone is there, is not needed any more (with a reason), or is open again (with a reason). Who answers for
    /// it may say that it is there; the rest is for those who run the project.
    ///
    /// # Errors
    /// `Invalid` for `day` and `reason`; `Conflict` when it stands otherwise; `Forbidden`.
    pub(crate) async fn settle(
        &self,
        id: Id,
        no: i64,
        (how, said): (Settle<'_>, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = match how {
            Settle::Done(..) => optional("reason", said, SHORT)?,
            _ => needed("reason", said, SHORT)?,
        };
        let kept = match how {
            Settle::Done(_, files) => self.attachments.keep(files).await?,
            _ => Vec::new(),
        };
        db::transaction!(self.db, |tx| {
            let Held {
                project: mut p,
                writes,
                ..
            } = self.hold(tx, id, None, eyes).await?;
            let there = parts::milestones(tx, id).await?;
            let m = there.into_iter().find(|m| m.no == no);
            let mut m = m.ok_or(Error::NotFound)?;
            let mine = eyes.person == Some(m.owner) && matches!(how, Settle::Done(..));
            if !writes && !mine {
                return Err(Error::Forbidden);
            }
            if p.state != State::Running {
                return Err(conflict("projects-not-running"));
            }
            if m.is_open() == matches!(how, Settle::Again) {
                return Err(conflict("projects-milestone-settled"));
            }
            let act = match how {
                Settle::Done(day, _) => {
                    if day > self.env.today() || day < p.content.from {
                        return Err(Error::field("day", Msg::new("projects-day-wrong")));
                    }
                    (m.done_on, m.files) = (Some(day), kept.clone());
                    "done"
                }
                Settle::LetGo => {
                    m.dropped = true;
                    "let-go"
                }
                Settle::Again => "reopened-milestone",
            };
            m.said.clone_from(&said);
            let changed = match how {
                Settle::Again => parts::open_again(tx, id, no).await?,
                _ => parts::settle(tx, id, &m).await?,
            };
            if !changed {
                return Err(conflict("projects-milestone-settled"));
            }
            let files: Vec<&str> = m.files.iter().map(|f| f.sha256.as_str()).collect();
            let body = json!({ "no": no, "files": files });
            self.happened(tx, &mut p, act, body, &said, actor).await
        })
    }

    /// Says that a milestone is there since a day, without a file.
    ///
    /// # Errors
    /// As those of a milestone that is settled on its page.
    pub async fn milestone_done(
        &self,
        id: Id,
        no: i64,
        on: Date,
        by: (&Eyes, &Actor),
    ) -> Result<()> {
        self.settle(id, no, (Settle::Done(on, &[]), ""), by).await
    }

    /// Takes somebody in, or gives them another part.
    ///
    /// # Errors
    /// `Invalid` for `role`; `Conflict` for another part of who leads.
    pub async fn take_in(
        &self,
        id: Id,
        (person, role): (PersonId, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, None, eyes).await?;
            working(&p)?;
            if kind.role(role).is_none() {
                return Err(Error::field("role", Msg::new("projects-choice-unknown")));
            }
            // One leads; who that is, is changed with what the project says.
            if (person == p.lead) != (role == kind.lead) {
                return Err(conflict("projects-lead-stays"));
            }
            let there = parts::members(tx, id).await?;
            if there.len() >= MOST && there.iter().all(|m| m.person != person) {
                return Err(conflict("projects-too-many"));
            }
            let unit = self.unit_of(person, p.unit).await?;
            let member = parts::member(person, role, unit, self.env.today());
            parts::put_member(tx, id, &member).await?;
            let body = json!({ "person": person, "role": role });
            self.happened(tx, &mut p, "member", body, "", actor).await?;
            let message = Msg::new("projects-notice-member");
            let once = format!("member-{person}-{role}");
            self.tell(tx, &p, &[person], message, &once).await
        })
    }

    /// Somebody leaves; what they contributed stays.
    ///
    /// # Errors
    /// `Conflict` for who leads; `NotFound` for who is no member.
    pub async fn leave(
        &self,
        id: Id,
        person: PersonId,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, None, eyes).await?;
            working(&p)?;
            if person == p.lead {
                return Err(conflict("projects-lead-stays"));
            }
            if !parts::leave(tx, id, person, self.env.today()).await? {
                return Err(Error::NotFound);
            }
            let body = json!({ "person": person });
            self.happened(tx, &mut p, "left", body, "", actor).await
        })
    }

    /// Keeps what a member contributed: they say it themselves, or those who run the project do.
    ///
    /// # Errors
    /// `Invalid` for `said`; `Forbidden`.
    pub async fn contribute(
        &self,
        id: Id,
        person: PersonId,
        said: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = needed("said", said, SHORT)?;
        db::transaction!(self.db, |tx| {
            let Held {
                project: mut p,
                writes,
                ..
            } = self.hold(tx, id, None, eyes).await?;
            if !writes && eyes.person != Some(person) {
                return Err(Error::Forbidden);
            }
            if p.state != State::Running {
                return Err(conflict("projects-not-running"));
            }
            if !parts::contribute(tx, id, person, &said).await? {
                return Err(Error::NotFound);
            }
            let body = json!({ "person": person });
            self.happened(tx, &mut p, "contributed", body, "", actor)
                .await
        })
    }

    /// Writes something down: members and those who run the project. Sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when the project is not running; `Forbidden`.
    pub async fn write_down(
        &self,
        id: Id,
        new: &NewEntry,
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        let text = needed("text", &new.text, LONGEST)?;
        let mut place = optional("place", &new.place, SHORT)?;
        let mut heard = optional("heard", &new.heard, SHORT)?;
        match new.what {
            What::Visit => place = needed("place", &place, SHORT)?,
            What::Hearing => {
                place = needed("place", &place, SHORT)?;
                heard = needed("heard", &heard, SHORT)?;
            }
            What::Note | What::Result => (place, heard) = Default::default(),
        }
        let kept = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, None, eyes).await?;
            let mut p = held.project;
            if !held.writes && !held.member {
                return Err(Error::Forbidden);
            }
            if p.state != State::Running {
                return Err(conflict("projects-not-running"));
            }
            if new.what.is_field_work() && !held.kind.research {
                return Err(Error::field("what", Msg::new("projects-choice-unknown")));
            }
            if new.day > self.env.today() || new.day < p.content.from {
                return Err(Error::field("day", Msg::new("projects-day-wrong")));
            }
            let entry = Entry {
                id: new.id,
                project: id,
                what: new.what,
                day: new.day,
                place: place.clone(),
                heard: heard.clone(),
                text: text.clone(),
                files: kept.clone(),
                name: None,
                at: self.env.now(),
                struck: None,
            };
            if !parts::put_entry(tx, &entry, (eyes.person, actor.account)).await? {
                let known = parts::one_entry(tx, new.id).await?;
                return match known.is_some_and(|e| e.project == id) {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            self.count_entry(tx, &p, held.kind.category(), &entry, actor)
                .await?;
            let body = json!({ "what": new.what.code(), "entry": new.id });
            self.happened(tx, &mut p, "entry", body, "", actor).await?;
            Ok(new.id)
        })
    }

    /// The fact of a visit, hearing or result; a note of progress is none.
    async fn count_entry(
        &self,
        tx: &mut Tx,
        p: &Project,
        category: &str,
        e: &Entry,
        actor: &Actor,
    ) -> Result<()> {
        if e.what == What::Note {
            return Ok(());
        }
        let key = (p.unit, e.day);
        let mut w = Writing::begin(self, tx, &[key], actor).await?;
        let fact = w.add(ENTRY, key, e.id);
        fact.category = Some(category.to_owned());
        fact.role = Some(e.what.code().to_owned());
        fact.evidence = e.files.iter().map(|f| f.sha256.clone()).collect();
        w.write(tx).await
    }

    /// Takes back what was written down, with a reason: it stays to be read and counts no more.
    ///
    /// # Errors
    /// `Conflict` when it was before, or the project is not running; `Forbidden` for those who do not run it.
    pub async fn strike(
        &self,
        id: Id,
        entry: Id,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let reason = needed("reason", reason, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, None, eyes).await?;
            let found = parts::one_entry(tx, entry).await?;
            let found = found.filter(|e| e.project == id).ok_or(Error::NotFound)?;
            if p.state != State::Running {
                return Err(conflict("projects-not-running"));
            }
            if !parts::strike(tx, entry, &reason).await? {
                return Err(conflict("projects-struck-before"));
            }
            self.take_back(tx, entry, &[ENTRY], actor).await?;
            let body = json!({ "what": found.what.code(), "entry": entry });
            self.happened(tx, &mut p, "struck", body, &reason, actor)
                .await
        })
    }
}
