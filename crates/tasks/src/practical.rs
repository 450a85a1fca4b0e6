//! Practical things for people (办实事): promised, reported on, done with evidence, confirmed by somebody else, and then those
//! for whom they were done are asked, by slips with one-time codes; fewer answers than the pack wants are not shown.

use db::Tx;
use desk::{Attached, Waiting};
use identity::{Actor, Author};
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, UnitId};
use sha2::{Digest, Sha256};

use crate::REVIEW;
use crate::facts::{DONE, SATISFACTION};
use crate::kind::PracticalKind;
use crate::model::{Eyes, LONGEST, conflict, line_of, moved_on, reason_of, tidy, unfit};
use crate::service::Tasks;
use crate::store::practicals;

/// Slips of one thing.
pub(crate) const SLIPS: i64 = 2_000;
/// Letters of a code: none that look alike.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Where a practical thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PracticalState {
    /// Being done (推进中).
    Running,
    /// Its owner says it is done; somebody else has to confirm it (待确认).
    Done,
    /// Confirmed (已办结).
    Confirmed,
    /// Its satisfaction is settled (已评价).
    Settled,
    /// Taken out, with the reason (已撤销).
    Dropped,
}

impl PracticalState {
    /// Every one, in order.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Done,
        Self::Confirmed,
        Self::Settled,
        Self::Dropped,
    ];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Confirmed => "confirmed",
            Self::Settled => "settled",
            Self::Dropped => "dropped",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// A practical thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Practical {
    /// Id.
    pub id: Id,
    /// Its kind, as it was when it was promised.
    pub kind: PracticalKind,
    /// The unit that promised it.
    pub unit: UnitId,
    /// Its number among those of the unit in that year.
    pub serial: i64,
    /// The year.
    pub year: i16,
    /// What.
    pub title: String,
    /// For whom (服务对象).
    pub served: String,
    /// What else there is to say.
    pub detail: String,
    /// Who does it.
    pub person: Option<PersonId>,
    /// Promised by when.
    pub due: Date,
    /// When it was promised.
    pub promised_on: Date,
    /// Where it stands.
    pub state: PracticalState,
    /// How far it has come, in percent.
    pub percent: i64,
    /// What was last said of it.
    pub said: String,
    /// When it was done.
    pub done_on: Option<Date>,
    /// Evidence.
    pub files: Vec<Attached>,
    /// What the page of those who are asked is found by.
    pub code: Option<String>,
    /// When its satisfaction was settled.
    pub settled_on: Option<Date>,
    /// The mean score, in thousandths.
    pub mean: Option<i64>,
    /// How many answered.
    pub asked: i64,
    /// Raised by everything that happens.
    pub version: i64,
}

impl Practical {
    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/tasks/practical/{}", self.id)
    }

    /// How it is called.
    pub fn call(&self) -> String {
        format!("{}-{}", self.year, self.serial)
    }

    /// Whether it is past its day and not done.
    pub fn is_late(&self, today: Date) -> bool {
        match self.done_on {
            Some(on) => on > self.due,
            None => self.state == PracticalState::Running && self.due < today,
        }
    }
}

/// A practical thing to be promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPractical {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit that promises it.
    pub unit: UnitId,
    /// What.
    pub title: String,
    /// For whom.
    pub served: String,
    /// What else there is to say.
    pub detail: String,
    /// Who does it.
    pub person: Option<PersonId>,
    /// Promised by when.
    pub due: Date,
}

/// A practical thing with what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) practical: Practical,
    pub(crate) events: Vec<crate::Event>,
    /// Slips given out, and used.
    pub(crate) slips: (i64, i64),
    /// Scores: how many and their mean in thousandths; the mean only of enough.
    pub(crate) scores: (i64, Option<i64>),
    /// What was said with scores; only when enough answered.
    pub(crate) words: Vec<String>,
    pub(crate) may_report: bool,
    pub(crate) may_review: bool,
}

/// The mean of scores in thousandths; none of fewer than enough.
pub(crate) fn mean(n: i64, sum: i64, smallest: i64) -> Option<i64> {
    (n >= smallest.max(1)).then(|| sum * 1_000 / n)
}

fn hash(practical: Id, code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_uppercase();
    hex::encode(Sha256::digest(format!("{practical}\n{plain}")))
}

impl Tasks {
    fn code(&self) -> String {
        let random: [u8; 10] = self.env.random();
        let letter = |b: &u8| char::from(LETTERS[usize::from(*b) % LETTERS.len()]);
        let text: String = random.iter().map(letter).collect();
        format!("{}-{}", &text[..5], &text[5..])
    }

    /// Promises a practical thing; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope.
    pub async fn promise(&self, new: &NewPractical, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("tasks-kind-unknown"));
        let kind = self.words.practical(&new.kind).ok_or_else(unknown)?;
        let today = self.env.today();
        let mut errors = Vec::new();
        let title = line_of("title", &new.title, &mut errors);
        let served = line_of("served", &new.served, &mut errors);
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        if unfit(&new.detail, LONGEST) {
            wrong("detail", Msg::new("tasks-text-wrong").with("most", LONGEST));
        }
        if new.due < today || new.due.year() > today.year() + 2 {
            wrong("due", Msg::new("tasks-due-wrong"));
        }
        Error::if_any(errors)?;
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.reports, new.unit).await? {
                return Err(Error::NotFound);
            }
            if let Some(known) = practicals::one(tx, new.id).await? {
                return match known.unit == new.unit {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            let year = today.year();
            let mut p = Practical {
                id: new.id,
                kind: kind.clone(),
                unit: new.unit,
                serial: practicals::last(tx, new.unit, year).await? + 1,
                year,
                title: title.clone(),
                served: served.clone(),
                detail: tidy(&new.detail),
                person: new.person,
                due: new.due,
                promised_on: today,
                state: PracticalState::Running,
                percent: 0,
                said: String::new(),
                done_on: None,
                files: Vec::new(),
                code: None,
                settled_on: None,
                mean: None,
                asked: 0,
                version: 0,
            };
            if !practicals::insert(tx, &p, self.env.now()).await? {
                return Err(Error::Retry("another number was taken".into()));
            }
            self.moved(tx, &mut p, ("promised", ""), eyes, actor)
                .await?;
            let people: Vec<PersonId> = p.person.into_iter().collect();
            let message = Msg::new("tasks-notice-promised").with("title", &p.title);
            self.tell(tx, &people, message, p.href(), (p.id, "promised"))
                .await?;
            Ok(p.id)
        })
    }

    async fn moved(
        &self,
        tx: &mut Tx,
        p: &mut Practical,
        (act, said): (&'static str, &str),
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let author = Author::of(actor, eyes.person);
        practicals::save(tx, p, (act, said), author, self.env.now()).await?;
        self.record(tx, actor, "task.practical", ("task-practical", p.id), act)
            .await
    }

    /// Takes a practical thing on which somebody may act.
    async fn taken(
        &self,
        tx: &mut Tx,
        (id, seen): (Id, i64),
        states: &[PracticalState],
        (eyes, reviewing): (&Eyes, bool),
    ) -> Result<Practical> {
        let p = practicals::hold(tx, id).await?.ok_or(Error::NotFound)?;
        let scope = if reviewing {
            &eyes.reviews
        } else {
            &eyes.reports
        };
        if !Self::within(tx, scope, p.unit).await? {
            return Err(Error::NotFound);
        }
        if p.version != seen || !states.contains(&p.state) {
            return Err(moved_on());
        }
        Ok(p)
    }

    /// Refuses whoever promised a thing, reported on it or is to do it.
    async fn refuse_owner(&self, tx: &mut Tx, p: &Practical, me: &Author) -> Result<()> {
        let authors = practicals::authors(tx, p.id).await?;
        let owner = p.person.is_some() && p.person == me.person;
        match owner || authors.iter().any(|a| a.is_same(me)) {
            true => Err(conflict("tasks-practical-own")),
            false => Ok(()),
        }
    }

    /// Reports how far a practical thing has come.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since or is not running; `NotFound` out of scope.
    pub async fn progress(
        &self,
        of: (Id, i64),
        (percent, said): (i64, &str),
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        if !(0..=100).contains(&percent) {
            return Err(Error::field("percent", Msg::new("tasks-percent-wrong")));
        }
        let said = self.said(said)?;
        db::transaction!(self.db, |tx| {
            let mut p = self
                .taken(tx, of, &[PracticalState::Running], (eyes, false))
                .await?;
            (p.percent, p.said) = (percent, said.clone());
            self.moved(tx, &mut p, ("reported", &said), eyes, actor)
                .await
        })
    }

    fn said(&self, text: &str) -> Result<String> {
        if unfit(text, LONGEST) || text.trim().is_empty() {
            let message = Msg::new("tasks-said-wrong").with("most", LONGEST);
            return Err(Error::field("said", message));
        }
        Ok(tidy(text))
    }

    /// Says that a practical thing is done, with evidence; somebody else has to confirm it.
    ///
    /// # Errors
    /// `Invalid` for `said`, `day` or `file`; `Conflict` when it was changed since or is not running; `NotFound`.
    pub async fn finish(
        &self,
        of: (Id, i64),
        (on, said): (Date, &str),
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = self.said(said)?;
        if files.is_empty() {
            return Err(Error::field("file", Msg::new("tasks-file-missing")));
        }
        let kept = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            let mut p = self
                .taken(tx, of, &[PracticalState::Running], (eyes, false))
                .await?;
            if on > self.env.today() || on < p.promised_on {
                return Err(Error::field("day", Msg::new("tasks-day-wrong")));
            }
            (p.state, p.percent, p.said) = (PracticalState::Done, 100, said.clone());
            p.done_on = Some(on);
            for file in &kept {
                if p.files.iter().all(|f| f.sha256 != file.sha256) {
                    p.files.push(file.clone());
                }
            }
            self.moved(tx, &mut p, ("done", &said), eyes, actor).await?;
            let people = self
                .holders(tx, REVIEW, p.unit, &mut Default::default())
                .await?;
            let message = Msg::new("tasks-notice-done").with("title", &p.title);
            let once = format!("done-{}", p.version);
            self.tell(tx, &people, message, p.href(), (p.id, &once))
                .await
        })
    }

    /// Confirms that a practical thing is done, or gives it back with the reason; nobody confirms what they did.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Conflict` when it was changed since, does not wait, or is one's own; `NotFound`.
    pub async fn confirm(
        &self,
        of: (Id, i64),
        accept: bool,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let reason = reason_of(reason, !accept)?;
        db::transaction!(self.db, |tx| {
            let mut p = self
                .taken(tx, of, &[PracticalState::Done], (eyes, true))
                .await?;
            let me = Author::of(actor, eyes.person);
            self.refuse_owner(tx, &p, &me).await?;
            if accept {
                p.state = PracticalState::Confirmed;
                self.moved(tx, &mut p, ("confirmed", &reason), eyes, actor)
                    .await?;
                return self.practical_done(tx, &p, actor).await;
            }
            (p.state, p.done_on) = (PracticalState::Running, None);
            p.percent = p.percent.min(99);
            self.moved(tx, &mut p, ("returned", &reason), eyes, actor)
                .await
        })
    }

    /// Takes a practical thing out, with the reason, or opens one again that was confirmed, settled or taken out; its facts
    /// are reversed then.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Conflict` when it was changed since or stands otherwise; `NotFound`.
    pub async fn correct(
        &self,
        of: (Id, i64),
        open: bool,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        use PracticalState::{Confirmed, Done, Dropped, Running, Settled};
        self.ledger.admit()?;
        let reason = reason_of(reason, true)?;
        db::transaction!(self.db, |tx| {
            let from: &[PracticalState] = match open {
                true => &[Confirmed, Settled, Dropped],
                false => &[Running, Done],
            };
            let mut p = self.taken(tx, of, from, (eyes, true)).await?;
            if !open {
                p.state = Dropped;
                return self
                    .moved(tx, &mut p, ("dropped", &reason), eyes, actor)
                    .await;
            }
            if matches!(p.state, Confirmed | Settled) {
                let kinds = [DONE, SATISFACTION];
                self.take_facts_back(tx, (p.id, &kinds), actor).await?;
            }
            p.state = Running;
            (p.done_on, p.settled_on, p.mean) = (None, None, None);
            p.percent = p.percent.min(99);
            self.moved(tx, &mut p, ("reopened", &reason), eyes, actor)
                .await
        })
    }

    /// Gives out slips with one-time codes to those for whom it was done; each code is shown this once and never again.
    ///
    /// # Errors
    /// `Invalid` for `slips`; `Conflict` when it was changed since, is not confirmed, or is one's own; `NotFound`.
    pub async fn slips(
        &self,
        of: (Id, i64),
        count: i64,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<(Practical, Vec<String>)> {
        let wrong = || {
            let message = Msg::new("tasks-slips-wrong").with("most", SLIPS);
            Error::field("slips", message)
        };
        db::transaction!(self.db, |tx| {
            let mut p = self
                .taken(tx, of, &[PracticalState::Confirmed], (eyes, true))
                .await?;
            self.refuse_owner(tx, &p, &Author::of(actor, eyes.person))
                .await?;
            let (given, _) = practicals::slips(tx, p.id).await?;
            if count < 1 || given + count > SLIPS {
                return Err(wrong());
            }
            let mut codes: Vec<String> = (0..count).map(|_| self.code()).collect();
            codes.sort_unstable();
            codes.dedup();
            let hashes: Vec<String> = codes.iter().map(|c| hash(p.id, c)).collect();
            practicals::put_slips(tx, p.id, &hashes).await?;
            if p.code.is_none() {
                p.code = Some(hex::encode(self.env.random::<12>()));
            }
            let said = codes.len().to_string();
            self.moved(tx, &mut p, ("asked", &said), eyes, actor)
                .await?;
            Ok((p, codes))
        })
    }

    /// The practical thing of which a page asks.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn asked_by(&self, code: &str) -> Result<Practical> {
        let mut tx = self.db.read().await?;
        practicals::of_code(&mut tx, code)
            .await?
            .ok_or(Error::NotFound)
    }

    /// A score with a slip; each slip once. Which slip said what is not kept.
    ///
    /// # Errors
    /// `Invalid` for `code`, `score` or `said`; `Conflict` when it is over; `NotFound` when nothing is asked there.
    pub async fn score(&self, page: &str, slip: &str, score: i64, said: &str) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let p = practicals::of_code(tx, page)
                .await?
                .ok_or(Error::NotFound)?;
            if p.state != PracticalState::Confirmed {
                return Err(conflict("tasks-score-over"));
            }
            if !(1..=p.kind.best).contains(&score) {
                return Err(Error::field("score", Msg::new("tasks-score-wrong")));
            }
            if unfit(said, 500) {
                let message = Msg::new("tasks-text-wrong").with("most", 500);
                return Err(Error::field("said", message));
            }
            if !practicals::use_slip(tx, p.id, &hash(p.id, slip)).await? {
                return Err(Error::field("code", Msg::new("tasks-slip-wrong")));
            }
            // An id without time, so that the order says nothing.
            let id = Id(self.env.random());
            practicals::put_score(tx, p.id, id, score, &tidy(said)).await
        })
    }

    /// Settles the satisfaction: by the scores of those who were asked, or, with evidence, by a mean from elsewhere, which is
    /// marked as declared.
    ///
    /// # Errors
    /// `Invalid` for `mean`, `asked` or `file`; `Conflict` when it was changed since, too few answered, or it is one's own;
    /// `NotFound`.
    pub async fn settle(
        &self,
        of: (Id, i64),
        declared: Option<(i64, i64)>,
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        if declared.is_some() && files.is_empty() {
            return Err(Error::field("file", Msg::new("tasks-file-missing")));
        }
        let kept = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            let mut p = self
                .taken(tx, of, &[PracticalState::Confirmed], (eyes, true))
                .await?;
            self.refuse_owner(tx, &p, &Author::of(actor, eyes.person))
                .await?;
            let (n, sum) = practicals::scores(tx, p.id).await?;
            let (role, n, mean) = match declared {
                Some((thousandths, n)) => {
                    if !(1_000..=p.kind.best * 1_000).contains(&thousandths) {
                        let message = Msg::new("tasks-mean-wrong").with("best", p.kind.best);
                        return Err(Error::field("mean", message));
                    }
                    if n < p.kind.smallest_group {
                        let message =
                            Msg::new("tasks-few-asked").with("least", p.kind.smallest_group);
                        return Err(Error::field("asked", message));
                    }
                    ("declared", n, thousandths)
                }
                None => {
                    let few = || {
                        let least = p.kind.smallest_group;
                        Error::Conflict(Msg::new("tasks-few-asked").with("least", least))
                    };
                    (
                        "asked",
                        n,
                        mean(n, sum, p.kind.smallest_group).ok_or_else(few)?,
                    )
                }
            };
            p.state = PracticalState::Settled;
            (p.settled_on, p.mean, p.asked) = (Some(self.env.today()), Some(mean), n);
            p.files.extend(kept.iter().cloned());
            self.moved(tx, &mut p, (role, ""), eyes, actor).await?;
            self.practical_settled(tx, &p, (role, mean), actor).await
        })
    }

    /// A practical thing with what belongs to it; what one may not see does not exist.
    pub(crate) async fn practical(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let p = practicals::seen(&mut tx, id, eyes).await?;
        let (n, sum) = practicals::scores(&mut tx, id).await?;
        let mean = mean(n, sum, p.kind.smallest_group);
        Ok(Whole {
            events: practicals::events(&mut tx, id).await?,
            slips: practicals::slips(&mut tx, id).await?,
            scores: (n, mean),
            words: match mean {
                Some(_) => practicals::words(&mut tx, id).await?,
                None => Vec::new(),
            },
            may_report: Self::within(&mut tx, &eyes.reports, p.unit).await?,
            may_review: Self::within(&mut tx, &eyes.reviews, p.unit).await?,
            practical: p,
        })
    }

    /// A page of practical things that somebody may see, and how many there are.
    pub async fn practicals(
        &self,
        filter: &practicals::PracticalFilter,
        eyes: &Eyes,
        window: web::table::Window,
    ) -> Result<(i64, Vec<Practical>)> {
        practicals::list(&mut self.db.read().await?, eyes, filter, window).await
    }

    /// Practical things that a person is doing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn practicals_of(&self, person: PersonId) -> Result<Vec<Practical>> {
        let filter = practicals::PracticalFilter {
            person: Some(person),
            states: vec![PracticalState::Running],
            ..Default::default()
        };
        let window = web::table::Window::new(1, 200);
        Ok(self
            .practicals(&filter, &Eyes::of_person(person), window)
            .await?
            .1)
    }
}
