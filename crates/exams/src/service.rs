//! Examinations: made, published, sat, marked.

use std::sync::Arc;
use std::time::Duration;

use commons::files::Files;
use db::{BatchReader, Db, GroupCommit, GroupRead, Tx, transaction};
use futures::future::BoxFuture;
use kernel::{AccountId, Env, Error, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId};
use organization::Organization;
use requests::Requests;
use serde_json::json;

use crate::Paper;
use crate::model::{Candidate, Exam, How, Stage, Terms};
use crate::room::Boards;
use crate::signals::Signals;
use crate::sitting::{Given, Memory, Open, Sitting};
use crate::store::{self, Marked, NewCandidate};
use crate::ticket::{self, Key, Token};
use crate::writer::{Act, Done, Holder, Writer};

/// Acts that may wait, and that share a transaction, at most.
const WAITING: usize = 20_000;
const TOGETHER: usize = 512;
/// Attempts that one sweep hands in.
const SWEPT: i64 = 500;
/// How often attempts whose time is over are looked for.
const SWEEP: Duration = Duration::from_secs(2);

/// Examinations; cheap to clone.
#[derive(Clone)]
pub struct Exams {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) organization: Organization,
    pub(crate) memory: Arc<Memory>,
    pub(crate) vault: Option<crypt::Vault>,
    writer: GroupCommit<Writer>,
    results: GroupRead<Results>,
    tickets: GroupRead<Tickets>,
    pub(crate) signals: GroupCommit<Signals>,
    pub(crate) boards: Arc<Boards>,
    pub(crate) files: Option<Files>,
    pub(crate) requests: Option<Requests>,
    pub(crate) notices: Option<notices::Notices>,
    pub(crate) inbox: Option<crate::handed::Inbox>,
}

/// What is asked of results together.
struct Results;

impl BatchReader for Results {
    type Key = Id;
    type Found = Option<(Marked, Option<String>)>;

    fn read<'a>(
        &'a self,
        tx: &'a mut Tx,
        keys: &'a [Id],
    ) -> BoxFuture<'a, Result<Vec<Self::Found>>> {
        Box::pin(async move {
            let mut ids = keys.to_vec();
            ids.sort_unstable();
            ids.dedup();
            let found = store::results(tx, &ids).await?;
            let void = store::results::void_reasons(tx, &ids).await?;
            let of = |id: &Id| {
                let marked = found.iter().find(|m| m.attempt == *id)?;
                Some((marked.clone(), void.get(id).cloned()))
            };
            Ok(keys.iter().map(of).collect())
        })
    }
}

/// Whose tickets are, asked together: one that was issued anew is void on every node at once.
struct Tickets;

impl BatchReader for Tickets {
    type Key = Vec<u8>;
    type Found = Option<Id>;

    fn read<'a>(
        &'a self,
        tx: &'a mut Tx,
        keys: &'a [Vec<u8>],
    ) -> BoxFuture<'a, Result<Vec<Option<Id>>>> {
        Box::pin(async move {
            let found = store::with_tickets(tx, keys).await?;
            let of = |kept: &Vec<u8>| {
                let mut found = found.iter();
                let (candidate, _) = found.find(|(_, ticket)| ticket.as_ref() == Some(kept))?;
                Some(candidate.id)
            };
            Ok(keys.iter().map(of).collect())
        })
    }
}

/// Who asks, as they prove it (身份凭证).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A ticket as it was typed or scanned (准考证码).
    Ticket(String),
    /// The token that the beginning of the attempt gave (作答令牌).
    Token(String),
    /// An account whose person is on the list.
    Person(PersonId),
}

/// A sitting that was begun or is gone on with.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The attempt.
    pub attempt: Id,
    /// The how manieth it is.
    pub number: i64,
    /// Title of the examination.
    pub title: String,
    /// Proves this device from now on, whatever becomes of the session.
    pub token: String,
    /// When it ends.
    pub deadline: Timestamp,
    /// Seconds after that in which answers given in time are still taken.
    pub grace: i64,
    /// The server's clock.
    pub now: Timestamp,
    /// The questions as they are seen, with what was answered before.
    pub items: Vec<serde_json::Value>,
}

/// What was handed in (交卷回执).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The attempt.
    pub attempt: Id,
    /// Questions that were answered.
    pub answered: i64,
    /// Hash over all answers as they are kept, in hexadecimal digits.
    pub hash: String,
    /// When.
    pub at: Timestamp,
}

/// What an attempt reached (成绩).
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The receipt.
    pub receipt: Receipt,
    /// Points in thousandths, of how many, and whether they are enough; none until results are shown.
    pub points: Option<(i64, i64, Option<bool>)>,
    /// Questions that are right, and those that a person still has to mark.
    pub correct: Option<(i64, i64)>,
    /// Why it does not count, where a person made it void.
    pub void: Option<String>,
}

/// Tickets that were issued: each is told once, here, and never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The name on it.
    pub name: String,
    /// The ticket.
    pub ticket: String,
}

fn receipt(marked: &Marked) -> Receipt {
    Receipt {
        attempt: marked.attempt,
        answered: marked.answered,
        hash: hex::encode(&marked.receipt),
        at: marked.at,
    }
}

/// Who a proof of the door stands for.
pub(crate) fn holder(open: &Open, proof: &Proof) -> Result<Holder> {
    match proof {
        Proof::Ticket(text) => {
            let plain = ticket::plain(text).ok_or(Error::NotFound)?;
            Ok(Holder::Ticket(open.key.ticket(&plain).to_vec()))
        }
        Proof::Person(person) => Ok(Holder::Person(*person)),
        Proof::Token(_) => Err(Error::NotFound),
    }
}

impl Exams {
    /// Examinations in a database.
    pub fn new(db: Db, env: Env, organization: Organization) -> Self {
        let writer = Arc::new(Writer { env: env.clone() });
        let signals = Arc::new(Signals(env.clone()));
        Self {
            signals: GroupCommit::start(db.clone(), signals, WAITING, TOGETHER),
            boards: Arc::default(),
            files: None,
            requests: None,
            notices: None,
            inbox: None,
            writer: GroupCommit::in_lanes(db.clone(), writer, WAITING, TOGETHER),
            results: GroupRead::start(db.clone(), Arc::new(Results), WAITING, TOGETHER),
            tickets: GroupRead::start(db.clone(), Arc::new(Tickets), WAITING, TOGETHER),
            memory: Arc::default(),
            vault: None,
            db,
            env,
            organization,
        }
    }

    /// With the files in which pictures of questions are, and into which examinees hand in.
    pub fn with_files(mut self, files: Files) -> Self {
        let desk = desk::Desk::new(self.db.clone(), self.env.clone());
        self.inbox = Some(crate::handed::Inbox::new(desk, files.clone()));
        self.files = Some(files);
        self
    }

    /// With the requests by which a result can be asked about.
    pub fn with_requests(mut self, requests: Requests) -> Self {
        self.requests = Some(requests);
        self
    }

    /// Makes a draft of an examination with its paper.
    ///
    /// # Errors
    /// `NotFound` outside the scope; `Invalid` for what is wrong with paper or rules.
    pub async fn create(
        &self,
        paper: &Paper,
        terms: Terms,
        scope: &Scope,
        by: AccountId,
    ) -> Result<Id> {
        self.organization.unit(terms.unit, scope).await?;
        paper.check()?;
        terms.check(paper.full())?;
        let (id, sheet, now) = (self.env.new_id(), self.env.new_id(), self.env.now());
        let exam = Exam {
            id,
            paper: sheet,
            terms,
            stage: Stage::Draft,
            released: None,
        };
        let key = Key(self.env.random());
        transaction!(self.db, |tx| {
            let kept = self.sealed(tx, sheet, paper).await?;
            store::put_paper(tx, (sheet, exam.terms.unit, by, now), paper, kept).await?;
            store::put_exam(tx, &exam, &key, (now, by)).await?;
            let detail = json!({ "title": exam.terms.title, "items": paper.length() });
            self.trace(tx, &by.into(), "exam.made", id, detail).await
        })?;
        Ok(id)
    }

    /// Publishes a draft: nothing of it changes from then on but the time that is given to people.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is no draft any more.
    pub async fn publish(&self, id: Id, scope: &Scope, by: AccountId) -> Result<()> {
        let steps = (Stage::Draft, Stage::Published);
        self.step(id, scope, steps, ("exam.published", by)).await
    }

    /// Calls an examination off; what was answered stays.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not published.
    pub async fn cancel(&self, id: Id, scope: &Scope, by: AccountId) -> Result<()> {
        let steps = (Stage::Published, Stage::Cancelled);
        self.step(id, scope, steps, ("exam.cancelled", by)).await
    }

    async fn step(
        &self,
        id: Id,
        scope: &Scope,
        (from, to): (Stage, Stage),
        (action, by): (&'static str, AccountId),
    ) -> Result<()> {
        let exam = self.exam(id, scope).await?;
        transaction!(self.db, |tx| {
            if !store::step(tx, id, from, to).await? {
                return Err(Error::Conflict(Msg::new("exam-stage")));
            }
            let detail = json!({ "title": exam.terms.title });
            self.trace(tx, &by.into(), action, id, detail).await
        })
    }

    /// An examination; outside the scope it does not exist.
    pub async fn exam(&self, id: Id, scope: &Scope) -> Result<Exam> {
        let found = store::exams_by_id(&mut self.db.read().await?, &[id]).await?;
        let (exam, _) = found.into_iter().next().ok_or(Error::NotFound)?;
        self.organization.unit(exam.terms.unit, scope).await?;
        Ok(exam)
    }

    /// The examinations of a scope, the latest first.
    pub async fn exams(&self, scope: &Scope, limit: i64) -> Result<Vec<Exam>> {
        store::exams(&mut self.db.read().await?, scope, limit).await
    }

    /// Puts people on the list; who is on it stays as they are. How many are new.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn admit(
        &self,
        id: Id,
        people: &[(PersonId, UnitId)],
        scope: &Scope,
        by: AccountId,
    ) -> Result<u64> {
        let exam = self.exam(id, scope).await?;
        let new: Vec<NewCandidate> = people
            .iter()
            .map(|(person, unit)| NewCandidate {
                candidate: self.candidate(&exam, Some((*person, *unit)), ""),
                ticket: None,
            })
            .collect();
        let now = self.env.now();
        transaction!(self.db, |tx| {
            let count = store::put_candidates(tx, &new, (now, by)).await?;
            let detail = json!({ "count": count });
            self.trace(tx, &by.into(), "exam.admitted", id, detail)
                .await?;
            Ok(count)
        })
    }

    fn candidate(&self, exam: &Exam, person: Option<(PersonId, UnitId)>, name: &str) -> Candidate {
        Candidate {
            id: self.env.new_id(),
            exam: exam.id,
            person: person.map(|(person, _)| person),
            unit: person.map(|(_, unit)| unit),
            name: name.to_owned(),
            extra: 0,
            more: 0,
            revoked: None,
        }
    }

    /// Issues tickets to people without accounts, one for each name.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a name that is empty or too long.
    pub async fn issue(
        &self,
        id: Id,
        names: &[String],
        scope: &Scope,
        by: AccountId,
    ) -> Result<Vec<Issued>> {
        let exam = self.exam(id, scope).await?;
        for (n, name) in names.iter().enumerate() {
            if name.trim().is_empty() || name.chars().count() > 100 {
                return Err(Error::field(format!("names.{n}"), Msg::new("exam-name")));
            }
        }
        let keys = store::exams_by_id(&mut self.db.read().await?, &[id]).await?;
        let (_, key) = keys.into_iter().next().ok_or(Error::NotFound)?;
        let issued: Vec<Issued> = names
            .iter()
            .map(|name| Issued {
                name: name.trim().to_owned(),
                ticket: ticket::fresh(&self.env),
            })
            .collect();
        let new: Vec<NewCandidate> = issued
            .iter()
            .map(|i| NewCandidate {
                candidate: self.candidate(&exam, None, &i.name),
                ticket: ticket::plain(&i.ticket).map(|plain| key.ticket(&plain)),
            })
            .collect();
        let now = self.env.now();
        transaction!(self.db, |tx| {
            store::put_candidates(tx, &new, (now, by)).await?;
            let detail = json!({ "count": new.len() });
            self.trace(tx, &by.into(), "exam.tickets-issued", id, detail)
                .await
        })?;
        Ok(issued)
    }

    pub(crate) async fn open(&self, id: Id) -> Result<Arc<Open>> {
        if let Some(open) = self.memory.open(id) {
            return Ok(open);
        }
        let mut tx = self.db.read().await?;
        let found = store::exams_by_id(&mut tx, &[id]).await?;
        let (exam, key) = found.into_iter().next().ok_or(Error::NotFound)?;
        let paper = self.paper_as_marked(&mut tx, &exam).await?;
        let fixed = exam.stage != Stage::Draft;
        let open = Arc::new(Open { exam, paper, key });
        if fixed {
            self.memory.keep_open(open.clone());
        }
        Ok(open)
    }

    pub(crate) async fn sitting(&self, attempt: Id) -> Result<Arc<Sitting>> {
        if let Some(sitting) = self.memory.sitting(attempt) {
            return Ok(sitting);
        }
        let found = store::known(&mut self.db.read().await?, &[attempt]).await?;
        let known = found.into_iter().next().ok_or(Error::NotFound)?;
        let open = self.open(known.attempt.exam).await?;
        let sitting = Arc::new(Sitting::new(open, known.attempt, known.person));
        self.memory.keep_sitting(sitting.clone());
        Ok(sitting)
    }

    /// The sitting that a proof is for, and the device that its token was given to.
    pub(crate) async fn proven(
        &self,
        attempt: Id,
        proof: &Proof,
    ) -> Result<(Arc<Sitting>, Option<u32>)> {
        let sitting = self.sitting(attempt).await?;
        let key = &sitting.open.key;
        let seat = match proof {
            Proof::Token(text) => Token::read(text)
                .filter(|(token, mac)| token.attempt == attempt && key.proves(*token, mac))
                .map(|(token, _)| Some(token.seat)),
            // What is kept in memory does not know whether it was issued anew meanwhile, perhaps on another node.
            Proof::Ticket(text) => match ticket::plain(text) {
                Some(plain) => {
                    let whose = self.tickets.find(key.ticket(&plain).to_vec()).await?;
                    (whose == Some(sitting.attempt.candidate)).then_some(None)
                }
                None => None,
            },
            Proof::Person(person) => (sitting.person == Some(*person)).then_some(None),
        };
        // Whose attempt it is not, to them it does not exist.
        Ok((sitting, seat.ok_or(Error::NotFound)?))
    }

    /// Begins an attempt, or goes on with the one that is open, on this device.
    ///
    /// # Errors
    /// `NotFound` for who is not on the list; `Conflict` before the opening, after the close, on another device, or
    /// when all attempts are used; `Busy` under flood.
    pub async fn begin(&self, exam: Id, proof: &Proof, device: &str) -> Result<Begun> {
        let open = self.open(exam).await?;
        let holder = holder(&open, proof)?;
        if device.len() > 100 {
            return Err(Error::field("device", Msg::new("exam-device")));
        }
        let act = Act::Begin {
            open: open.clone(),
            holder: holder.clone(),
            device: device.to_owned(),
            attempt: self.env.new_id(),
            seed: u64::from_be_bytes(self.env.random()),
        };
        let done = self.writer.submit_in(act.lane(), act).await;
        if matches!(&done, Err(Error::Conflict(message)) if message.key == "exam-other-device") {
            self.other_device(&open, &holder).await?;
        }
        let Done::Begun(begun) = done? else {
            return Err(Error::internal("another act was answered"));
        };
        let attempt = begun.attempt.id;
        let token = Token {
            attempt,
            exam,
            seat: begun.standing.seat,
        };
        let number = begun.attempt.number;
        let sitting = Sitting::new(open, begun.attempt, begun.person);
        let sitting = Arc::new(sitting);
        self.memory.keep_sitting(sitting.clone());
        Ok(Begun {
            attempt,
            number,
            title: sitting.open.exam.terms.title.clone(),
            token: sitting.open.key.token(token),
            deadline: begun.standing.deadline,
            grace: sitting.open.exam.terms.grace,
            now: self.env.now(),
            items: sitting.items(&begun.answers),
        })
    }

    /// Keeps answers; acknowledged when they are on disk. The numbers are those of the answers, and the end as it
    /// is now.
    ///
    /// # Errors
    /// `NotFound` for whose attempt it is not; `Invalid` for an answer that does not belong to the paper; `Conflict`
    /// after handing in, when time is over, or from a device that is shut out; `Busy` under flood.
    pub async fn save(
        &self,
        attempt: Id,
        proof: &Proof,
        given: &[Given],
    ) -> Result<(Vec<(u16, i64)>, Timestamp)> {
        let (sitting, seat) = self.proven(attempt, proof).await?;
        let answers = sitting
            .read(given, self.env.now())
            .map_err(Error::Invalid)?;
        if sitting.wants_files() {
            self.check_files(&sitting, &answers).await?;
        }
        let saved = answers.iter().map(|k| (k.item, k.seq)).collect();
        let act = Act::Save {
            sitting,
            seat,
            answers,
        };
        match self.writer.submit_in(act.lane(), act).await? {
            Done::Saved { deadline } => Ok((saved, deadline)),
            _ => Err(Error::internal("another act was answered")),
        }
    }

    /// Hands an attempt in. Sent again, the receipt is the same.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub async fn submit(&self, attempt: Id, proof: &Proof) -> Result<Receipt> {
        let (sitting, seat) = self.proven(attempt, proof).await?;
        let marked = self.hand_in(sitting, seat, How::Hand).await?;
        Ok(receipt(&marked))
    }

    pub(crate) async fn hand_in(
        &self,
        sitting: Arc<Sitting>,
        seat: Option<u32>,
        how: How,
    ) -> Result<Marked> {
        let act = Act::Submit { sitting, seat, how };
        match self.writer.submit_in(act.lane(), act).await? {
            Done::Submitted(marked) => Ok(marked),
            _ => Err(Error::internal("another act was answered")),
        }
    }

    /// What an attempt reached, as far as it is shown yet.
    ///
    /// # Errors
    /// `NotFound` for whose attempt it is not; `Conflict` before it was handed in.
    pub async fn result(&self, attempt: Id, proof: &Proof) -> Result<Outcome> {
        let (sitting, _) = self.proven(attempt, proof).await?;
        let unfinished = || Error::Conflict(Msg::new("exam-not-submitted"));
        let found = self.results.find(attempt).await?;
        let (marked, void) = found.ok_or_else(unfinished)?;
        let exam = &sitting.open.exam;
        // A release by hand came after what is kept in memory.
        let shown = match exam.terms.shows {
            crate::Shows::ByHand => {
                let mut tx = self.db.read().await?;
                let now = store::exams_by_id(&mut tx, &[exam.id]).await?;
                now.first().is_some_and(|(e, _)| e.released.is_some())
            }
            _ => exam.shown(self.env.now()),
        };
        let passed = exam.terms.pass.filter(|_| marked.waiting == 0);
        let passed = passed.map(|pass| marked.points >= pass);
        Ok(Outcome {
            receipt: receipt(&marked),
            points: shown.then_some((marked.points, marked.total, passed)),
            correct: shown.then_some((marked.correct, marked.waiting)),
            void,
        })
    }

    /// Whether a receipt is that of the answers as they are stored now.
    ///
    /// # Errors
    /// `NotFound` when nothing was handed in.
    pub async fn check_receipt(&self, attempt: Id, hash: &str) -> Result<bool> {
        let mut tx = self.db.read().await?;
        let handed_in = store::results(&mut tx, &[attempt]).await?;
        handed_in.first().ok_or(Error::NotFound)?;
        let kept = store::answers(&mut tx, &[attempt]).await?;
        let kept: Vec<_> = kept.into_iter().map(|(_, kept)| kept).collect();
        let stored = hex::encode(crate::receipt::hash(attempt, &kept));
        Ok(stored == hash.trim().to_lowercase())
    }

    /// What is kept of some attempts: question and number of each answer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn kept(&self, attempts: &[Id]) -> Result<Vec<(Id, u16, i64)>> {
        let found = store::answers(&mut self.db.read().await?, attempts).await?;
        Ok(found
            .into_iter()
            .map(|(id, k)| (id, k.item, k.seq))
            .collect())
    }

    /// How many attempts an examination has, and how many results they have together.
    ///
    /// # Errors
    /// What the database says.
    pub async fn counted(&self, exam: Id) -> Result<(i64, i64)> {
        store::counted(&mut self.db.read().await?, exam).await
    }

    /// Gives more time to one attempt or to all that are open. How many got it.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for no time or more than a day.
    pub async fn extend(
        &self,
        id: Id,
        attempt: Option<Id>,
        seconds: i64,
        scope: &Scope,
    ) -> Result<u64> {
        self.exam(id, scope).await?;
        if !(1..=86_400).contains(&seconds) {
            return Err(Error::field("seconds", Msg::new("exam-extension")));
        }
        let micros = seconds * Timestamp::SECOND;
        transaction!(self.db, |tx| store::extend(tx, id, attempt, micros).await)
    }

    /// Lets another device go on with an open attempt; the one before is shut out.
    ///
    /// # Errors
    /// `NotFound` when it is not open.
    pub async fn unlock(&self, id: Id, attempt: Id, scope: &Scope) -> Result<()> {
        self.exam(id, scope).await?;
        let done = transaction!(self.db, |tx| store::unlock(tx, id, attempt).await)?;
        done.then_some(()).ok_or(Error::NotFound)
    }

    /// Hands in what is still open after its end and the time of grace. How many it did.
    ///
    /// # Errors
    /// What the database says.
    pub async fn sweep(&self) -> Result<usize> {
        let now = self.env.now();
        let due = store::over(&mut self.db.read().await?, now, SWEPT).await?;
        let mut acts = Vec::new();
        for (attempt, exam, deadline) in due {
            let grace = self.open(exam).await?.exam.terms.grace;
            if now.0 > deadline.0 + grace * Timestamp::SECOND {
                let sitting = self.sitting(attempt).await?;
                acts.push(self.hand_in(sitting, None, How::Time));
            }
        }
        let mut done = 0;
        for result in futures::future::join_all(acts).await {
            result?;
            done += 1;
        }
        Ok(done)
    }

    /// Sweeps until told to stop.
    pub async fn watch(self, mut stopped: tokio::sync::watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
            if let Err(e) = self.sweep().await {
                tracing::warn!(error = %e, "attempts whose time is over could not be handed in; tried again");
            }
        }
    }
}
