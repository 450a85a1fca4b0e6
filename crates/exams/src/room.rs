//! The room (考场): who sits just now, more time, another device, announcements, incidents. All who look at a board
//! on one node share one snapshot a second; nobody's look costs a query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use db::transaction;
use identity::Actor;
use kernel::{AccountId, Error, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId};
use serde_json::json;
use tokio::sync::watch;

use crate::model::How;
use crate::service::Exams;
pub use crate::signals::{Signal, SignalKind};
use crate::sit::candidate;
use crate::sitting::Open;
use crate::store;
use crate::store::room as rows;
use crate::writer::Holder;

/// How often a board that somebody looks at is read.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds without anybody after which it is let go.
const ROUNDS: u32 = 15;
/// Seconds without a word after which somebody is called offline: two words and some.
pub const SILENT: i64 = 75;
/// Characters of an announcement, a reason, an incident.
const LONGEST: usize = 500;
/// Signals of one word.
const MOST_SIGNALS: usize = 50;

/// How somebody on the list stands (考生状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatState {
    /// Has not begun (未开始).
    NotStarted,
    /// Sits, and was heard of (作答中).
    Sitting,
    /// Sits, and was not heard of for a while (失去联系).
    Offline,
    /// Handed in (已交卷).
    Submitted,
}

impl SeatState {
    /// Every one, in the order in which a board counts them.
    pub const ALL: [Self; 4] = [
        Self::NotStarted,
        Self::Sitting,
        Self::Offline,
        Self::Submitted,
    ];

    /// As addresses have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotStarted => "not-started",
            Self::Sitting => "sitting",
            Self::Offline => "offline",
            Self::Submitted => "submitted",
        }
    }

    /// From an address.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// Somebody on the list with their last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The candidate.
    pub candidate: Id,
    /// The person; none: by a ticket.
    pub person: Option<PersonId>,
    /// Their unit.
    pub unit: Option<UnitId>,
    /// Their name.
    pub name: String,
    /// The unit's name.
    pub unit_name: String,
    /// The attempt.
    pub attempt: Option<Id>,
    /// The how manieth.
    pub number: i64,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ends.
    pub deadline: Option<Timestamp>,
    /// When something last came from it.
    pub seen: Option<Timestamp>,
    /// When it was handed in.
    pub submitted: Option<Timestamp>,
    /// By whom.
    pub how: String,
    /// Whether it waits for another device.
    pub unlocked: bool,
    /// Which announcement they confirmed last.
    pub heard: i64,
    /// Signals to be looked at.
    pub signals: i64,
}

impl Seat {
    /// How it stands at a moment.
    pub fn state(&self, now: Timestamp) -> SeatState {
        match (self.attempt, self.submitted, self.seen) {
            (None, ..) => SeatState::NotStarted,
            (_, Some(_), _) => SeatState::Submitted,
            (_, None, Some(seen)) if now.0 - seen.0 <= SILENT * Timestamp::SECOND => {
                SeatState::Sitting
            }
            _ => SeatState::Offline,
        }
    }
}

/// A board at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// When it was read.
    pub at: Timestamp,
    /// Everybody on the list.
    pub seats: Vec<Seat>,
    /// What was announced.
    pub news: Vec<News>,
}

impl Board {
    /// How many stand how, in the order of [`SeatState::ALL`].
    pub fn counts(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for seat in &self.seats {
            counts[seat.state(self.at) as usize] += 1;
        }
        counts
    }

    /// Whether somebody who looks would see no difference.
    fn looks_like(&self, other: &Self) -> bool {
        let minute = |t: Option<Timestamp>| t.map(|t| t.0 / (10 * Timestamp::SECOND));
        self.news == other.news
            && self.seats.len() == other.seats.len()
            && self.seats.iter().zip(&other.seats).all(|(a, b)| {
                let alike = Seat {
                    seen: b.seen,
                    ..a.clone()
                };
                alike == *b && minute(a.seen) == minute(b.seen)
            })
            && self.counts() == other.counts()
    }
}

/// Something announced (公告).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Its number, from 1.
    pub number: i64,
    /// What.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: AccountId,
}

/// What happened in the room (考场记录).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Written down by a person (突发情况).
    Noted,
    /// More time was given (延长时间).
    Extended,
    /// Another device was let in (换机解锁).
    Unlocked,
    /// It was handed in for them (监考收卷).
    Collected,
}

impl Happened {
    /// As tables have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Extended => "extended",
            Self::Unlocked => "unlocked",
            Self::Collected => "collected",
        }
    }

    /// From a table.
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Noted, Self::Extended, Self::Unlocked, Self::Collected]
            .into_iter()
            .find(|h| h.code() == code)
    }

    fn action(self) -> &'static str {
        match self {
            Self::Noted => "exam.incident",
            Self::Extended => "exam.extended",
            Self::Unlocked => "exam.unlocked",
            Self::Collected => "exam.collected",
        }
    }
}

/// Something that happened in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Which attempt; none: all, or none of them.
    pub attempt: Option<Id>,
    /// What.
    pub kind: Happened,
    /// How many seconds were given.
    pub seconds: Option<i64>,
    /// What it was about.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: AccountId,
}

/// What a sitting is told when it gives a word (在场应答).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The server's clock.
    pub now: Timestamp,
    /// When the attempt ends.
    pub deadline: Timestamp,
    /// What was announced.
    pub news: Arc<Vec<News>>,
}

/// What was announced, and when that was read.
type Announced = (Timestamp, Arc<Vec<News>>);

/// The boards that somebody looks at, and what was announced where somebody sits.
#[derive(Default)]
pub(crate) struct Boards {
    watched: Mutex<HashMap<Id, watch::Sender<Arc<Board>>>>,
    news: Mutex<HashMap<Id, Announced>>,
    closing: watch::Sender<bool>,
}

/// How long what was announced is known without asking again.
const FRESH: i64 = 2 * Timestamp::SECOND;

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Boards {
    /// The number of the last announcement, as far as it is known here; asks nobody.
    pub(crate) fn last_news(&self, exam: Id) -> i64 {
        let news = locked(&self.news);
        let last = news.get(&exam).and_then(|(_, all)| all.last());
        last.map_or(0, |n| n.number)
    }
}

fn said(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().count() > LONGEST || text.contains(strange) {
        return Err(Error::field(
            field,
            Msg::new("exam-room-text").with("most", LONGEST),
        ));
    }
    Ok(text.replace("\r\n", "\n"))
}

impl Exams {
    async fn read_board(&self, exam: Id) -> Result<Board> {
        let mut tx = self.db.read().await?;
        let mut seats = rows::seats(&mut tx, exam).await?;
        let news = rows::news(&mut tx, exam).await?;
        drop(tx);
        let people: Vec<PersonId> = seats.iter().filter_map(|s| s.person).collect();
        let mut units: Vec<UnitId> = seats.iter().filter_map(|s| s.unit).collect();
        units.sort_unstable();
        units.dedup();
        let names = self.organization.person_names(&people).await?;
        let units = self.organization.names(&units).await?;
        for seat in &mut seats {
            if let Some(name) = seat.person.and_then(|p| names.get(&p)) {
                seat.name.clone_from(name);
            }
            if let Some(name) = seat.unit.and_then(|u| units.get(&u)) {
                seat.unit_name.clone_from(name);
            }
        }
        Ok(Board {
            at: self.env.now(),
            seats,
            news,
        })
    }

    /// A board that is kept up to date while somebody looks.
    ///
    /// # Errors
    /// `NotFound` outside of the scope.
    pub async fn board(&self, exam: Id, scope: &Scope) -> Result<watch::Receiver<Arc<Board>>> {
        self.exam(exam, scope).await?;
        if let Some(board) = locked(&self.boards.watched).get(&exam) {
            return Ok(board.subscribe());
        }
        let first = Arc::new(self.read_board(exam).await?);
        let (sender, receiver) = {
            let mut watched = locked(&self.boards.watched);
            if let Some(board) = watched.get(&exam) {
                return Ok(board.subscribe());
            }
            let (sender, receiver) = watch::channel(first);
            watched.insert(exam, sender.clone());
            (sender, receiver)
        };
        tokio::spawn(self.clone().keep_board(exam, sender));
        Ok(receiver)
    }

    async fn keep_board(self, exam: Id, board: watch::Sender<Arc<Board>>) {
        let (mut alone, mut closing) = (0, self.boards.closing.subscribe());
        loop {
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            alone = match board.receiver_count() {
                0 => alone + 1,
                _ => 0,
            };
            if alone > ROUNDS {
                let mut watched = locked(&self.boards.watched);
                // Somebody may have come just now.
                if board.receiver_count() == 0 {
                    watched.remove(&exam);
                    return;
                }
            }
            match self.read_board(exam).await {
                Ok(now) => {
                    board.send_if_modified(|kept| {
                        let differs = !kept.looks_like(&now);
                        *kept = Arc::new(now);
                        differs
                    });
                }
                Err(e) => tracing::warn!(error = %e, "a board could not be read; tried again"),
            }
        }
    }

    /// Whether the program is about to end: who streams ends first.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.boards.closing.subscribe()
    }

    /// Lets those who look at boards go.
    pub fn close_rooms(&self) {
        self.boards.closing.send_replace(true);
    }

    /// What was announced, as all who sit on this node share it.
    async fn announced(&self, exam: Id) -> Result<Arc<Vec<News>>> {
        let now = self.env.now();
        if let Some((read, news)) = locked(&self.boards.news).get(&exam)
            && (0..FRESH).contains(&(now.0 - read.0))
        {
            return Ok(news.clone());
        }
        let news = Arc::new(rows::news(&mut self.db.read().await?, exam).await?);
        locked(&self.boards.news).insert(exam, (now, news.clone()));
        Ok(news)
    }

    /// The number of the last announcement to a sitting, as far as it is known here; asks nobody.
    pub(crate) fn last_news(&self, attempt: Id) -> i64 {
        let sitting = self.memory.sitting(attempt);
        sitting.map_or(0, |s| self.boards.last_news(s.open.exam.id))
    }

    /// A word from a sitting: it is there, noticed this, and confirmed what was announced up to a number.
    ///
    /// # Errors
    /// As saving.
    pub async fn word(
        &self,
        attempt: Id,
        proof: &crate::Proof,
        signals: &[Signal],
        heard: i64,
    ) -> Result<Told> {
        let (_, deadline) = self.save(attempt, proof, &[]).await?;
        let (sitting, _) = self.proven(attempt, proof).await?;
        let now = self.env.now();
        // A clock that is far off cannot fill the table with moments.
        let signals: Vec<Signal> = signals
            .iter()
            .take(MOST_SIGNALS)
            .filter(|s| {
                (sitting.attempt.began.0..=now.0 + 60 * Timestamp::SECOND).contains(&s.at.0)
            })
            .map(|s| Signal {
                amount: s.amount.clamp(0, 1_000_000),
                ..*s
            })
            .collect();
        if !signals.is_empty() {
            self.signals.submit((attempt, signals)).await?;
        }
        let news = self.announced(sitting.open.exam.id).await?;
        let last = news.last().map_or(0, |n| n.number);
        if heard > 0 && last > 0 {
            let number = heard.min(last);
            transaction!(self.db, |tx| rows::heard(tx, attempt, number, now).await)?;
        }
        Ok(Told {
            now,
            deadline,
            news,
        })
    }

    /// Another device asked for somebody's attempt: seen on the board.
    pub(crate) async fn other_device(&self, open: &Open, holder: &Holder) -> Result<()> {
        let mut tx = self.db.read().await?;
        let Some(candidate) = candidate(&mut tx, open, holder).await? else {
            return Ok(());
        };
        let attempt = rows::open_attempt(&mut tx, candidate.id).await?;
        drop(tx);
        let Some(attempt) = attempt else {
            return Ok(());
        };
        let signal = Signal {
            kind: SignalKind::OtherDevice,
            amount: 0,
            at: self.env.now(),
        };
        self.signals.submit((attempt, vec![signal])).await
    }

    /// The attempt of an examination in the scope, with who sits it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn seat(&self, exam: Id, attempt: Id, scope: &Scope) -> Result<Seat> {
        self.exam(exam, scope).await?;
        let board = self.board(exam, scope).await?;
        let found = |board: &Board| {
            let mut seats = board.seats.iter();
            seats.find(|s| s.attempt == Some(attempt)).cloned()
        };
        let kept = found(&board.borrow());
        match kept {
            Some(seat) => Ok(seat),
            // Begun since the board was read.
            None => found(&self.read_board(exam).await?).ok_or(Error::NotFound),
        }
    }

    /// What happened in the room, the latest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn happened(
        &self,
        exam: Id,
        attempt: Option<Id>,
        scope: &Scope,
    ) -> Result<Vec<Deed>> {
        self.exam(exam, scope).await?;
        rows::happened(&mut self.db.read().await?, exam, attempt, 200).await
    }

    /// The names of those behind accounts.
    pub(crate) async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<(AccountId, String)>> {
        rows::accounts(&mut self.db.read().await?, ids).await
    }

    /// What was noticed of an attempt.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn noticed(&self, exam: Id, attempt: Id, scope: &Scope) -> Result<Vec<Signal>> {
        self.seat(exam, attempt, scope).await?;
        rows::signals(&mut self.db.read().await?, attempt).await
    }

    /// Does something in the room and writes down what and why, in one transaction with the audit trail.
    ///
    /// # Errors
    /// `NotFound` outside of the scope or when the attempt is not open; `Invalid` for `reason` and `seconds`.
    pub async fn in_room(
        &self,
        exam: Id,
        (kind, attempt, seconds): (Happened, Option<Id>, Option<i64>),
        reason: &str,
        scope: &Scope,
        actor: &Actor,
    ) -> Result<u64> {
        self.exam(exam, scope).await?;
        let text = said("reason", reason)?;
        if kind == Happened::Extended && !seconds.is_some_and(|s| (60..=86_400).contains(&s)) {
            return Err(Error::field("minutes", Msg::new("exam-room-minutes")));
        }
        if let Some(attempt) = attempt {
            self.seat(exam, attempt, scope).await?;
        }
        if kind == Happened::Collected {
            let attempt = attempt.ok_or(Error::NotFound)?;
            let sitting = self.sitting(attempt).await?;
            self.hand_in(sitting, None, How::Invigilator).await?;
        }
        let deed = Deed {
            attempt,
            kind,
            seconds: seconds.filter(|_| kind == Happened::Extended),
            text,
            at: self.env.now(),
            by: actor.account.ok_or(Error::Forbidden)?,
        };
        let id = self.env.new_id();
        transaction!(self.db, |tx| {
            let done = match kind {
                Happened::Extended => {
                    let micros = seconds.unwrap_or_default() * Timestamp::SECOND;
                    store::extend(tx, exam, attempt, micros).await?
                }
                Happened::Unlocked => {
                    let attempt = attempt.ok_or(Error::NotFound)?;
                    u64::from(store::unlock(tx, exam, attempt).await?)
                }
                Happened::Noted | Happened::Collected => 1,
            };
            if done == 0 {
                return Err(Error::Conflict(Msg::new("exam-room-nobody")));
            }
            rows::note(tx, id, exam, &deed).await?;
            let detail = json!({ "attempt": attempt, "seconds": deed.seconds, "reason": deed.text, "count": done });
            let entry = actor.audit(kind.action(), ("exam", exam), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok(done)
        })
    }

    /// Announces something to all who sit.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for `text`.
    pub async fn announce(&self, exam: Id, text: &str, scope: &Scope, actor: &Actor) -> Result<()> {
        self.exam(exam, scope).await?;
        let text = said("text", text)?;
        let by = actor.account.ok_or(Error::Forbidden)?;
        let now = self.env.now();
        transaction!(self.db, |tx| {
            if !rows::announce(tx, exam, &text, (now, by)).await? {
                return Err(Error::Retry("the number of an announcement".into()));
            }
            let entry = actor.audit("exam.announced", ("exam", exam), json!({ "text": text }));
            identity::record(tx, &self.env, &entry).await
        })?;
        // Those who sit on this node hear it with their next answer.
        locked(&self.boards.news).remove(&exam);
        self.announced(exam).await.map(drop)
    }
}
