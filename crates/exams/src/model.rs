//! Examinations (考试), who sits them and how a sitting stands. Pure.

use kernel::{Env, Error, FieldError, Id, Msg, PersonId, Result, Timestamp, UnitId};

/// Microseconds of a second.
const SECOND: i64 = Timestamp::SECOND;

/// Which of several attempts counts (取分规则).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// The one with the most points (最高分).
    Best,
    /// The last one (最后一次).
    Last,
    /// The first one; the others are practice (首次).
    First,
}

/// When examinees see what they reached (成绩公布).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Right after handing in (交卷即知).
    AtOnce,
    /// When nobody can sit it any more (考试结束后).
    AfterClose,
    /// When somebody releases the results (人工公布).
    ByHand,
}

macro_rules! codes {
    ($name:ident { $($value:ident = $code:literal),* }) => {
        impl $name {
            /// As tables and addresses have it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$value => $code),* }
            }

            /// From a table or an address.
            pub fn of_code(code: &str) -> Option<Self> {
                [$(Self::$value),*].into_iter().find(|v| v.code() == code)
            }
        }
    };
}

codes!(Takes { Best = "best", Last = "last", First = "first" });
codes!(Shows { AtOnce = "at-once", AfterClose = "after-close", ByHand = "by-hand" });
codes!(Stage { Draft = "draft", Published = "published", Cancelled = "cancelled" });
codes!(How { Hand = "hand", Time = "time", Invigilator = "invigilator" });

/// How far an examination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Still changed; nobody can sit it (草稿).
    Draft,
    /// Fixed: sat in its window (已发布).
    Published,
    /// Called off; what was answered stays (已取消).
    Cancelled,
}

/// Who handed an attempt in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The examinee (主动交卷).
    Hand,
    /// The server, when time was over (到时自动交卷).
    Time,
    /// An invigilator (监考收卷).
    Invigilator,
}

/// Why the clock or the state of an attempt refuses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It opens at this moment.
    NotYet(Timestamp),
    /// It was possible until this moment.
    Closed(Timestamp),
    /// The attempt ended at this moment.
    Over(Timestamp),
    /// The attempt was handed in.
    Submitted,
}

impl Refusal {
    /// As it is said, in the time of the house.
    pub(crate) fn told(self, env: &Env) -> Error {
        let at =
            |key, name, moment: Timestamp| Msg::new(key).with(name, moment.minute_text(env.zone()));
        Error::Conflict(match self {
            Self::NotYet(opens) => at("exam-not-open", "opens", opens),
            Self::Closed(closed) => at("exam-closed", "closed", closed),
            Self::Over(deadline) => at("exam-time-over", "deadline", deadline),
            Self::Submitted => Msg::new("exam-submitted"),
        })
    }
}

/// The rules of an examination (考试安排).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The unit that holds it.
    pub unit: UnitId,
    /// Its kind in the words of the packs (季度测试 …).
    pub kind: String,
    /// Its title.
    pub title: String,
    /// When the first may begin.
    pub opens: Timestamp,
    /// When all is over, but for those who were given more time.
    pub closes: Timestamp,
    /// Seconds from the beginning of an attempt to its end.
    pub seconds: i64,
    /// Seconds after the end in which answers that were given in time are still taken (宽限).
    pub grace: i64,
    /// Seconds after the opening in which one may begin; none: until it closes (迟到).
    pub late: Option<i64>,
    /// Attempts of each examinee.
    pub attempts: i64,
    /// Which of them counts.
    pub takes: Takes,
    /// Points that are enough, in thousandths; none: nobody passes or fails.
    pub pass: Option<i64>,
    /// When results are shown.
    pub shows: Shows,
}

/// The longest examination, the longest grace, and the most attempts.
const MOST_SECONDS: i64 = 24 * 3_600;
const MOST_GRACE: i64 = 3_600;
const MOST_ATTEMPTS: i64 = 100;

impl Terms {
    /// What is wrong with them, by field; `full` marks of the paper.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn check(&self, full: i64) -> Result<()> {
        let mut found = Vec::new();
        let mut unless = |good: bool, field: &str, message: Msg| {
            if !good {
                let field = field.to_owned();
                found.push(FieldError { field, message });
            }
        };
        let title = self.title.trim();
        unless(
            !title.is_empty() && title.chars().count() <= 200,
            "title",
            Msg::new("exam-title"),
        );
        unless(
            self.opens < self.closes,
            "closes",
            Msg::new("exam-closes-before"),
        );
        let within = (60..=MOST_SECONDS).contains(&self.seconds);
        unless(
            within,
            "minutes",
            Msg::new("exam-minutes").with("most", MOST_SECONDS / 60),
        );
        let within = (0..=MOST_GRACE).contains(&self.grace);
        unless(
            within,
            "grace",
            Msg::new("exam-grace").with("most", MOST_GRACE),
        );
        unless(
            self.late.is_none_or(|s| s >= 0),
            "late",
            Msg::new("exam-late"),
        );
        let within = (1..=MOST_ATTEMPTS).contains(&self.attempts);
        unless(
            within,
            "attempts",
            Msg::new("exam-attempts").with("most", MOST_ATTEMPTS),
        );
        let within = self.pass.is_none_or(|p| (0..=full).contains(&p));
        unless(within, "pass", Msg::new("exam-pass"));
        Error::if_any(found)
    }

    /// When an attempt ends that begins now.
    pub fn deadline(&self, begins: Timestamp, extra: i64) -> Timestamp {
        let own = begins.0 + (self.seconds + extra) * SECOND;
        Timestamp(own.min(self.closes.0 + extra * SECOND))
    }

    /// Whether somebody with so much extra time may begin now.
    ///
    /// # Errors
    /// From when, or until when it was.
    pub fn admits(&self, now: Timestamp, extra: i64) -> Result<(), Refusal> {
        let last = self.late.map_or(self.closes.0, |late| {
            (self.opens.0 + (late + extra) * SECOND).min(self.closes.0 + extra * SECOND)
        });
        if now < self.opens {
            return Err(Refusal::NotYet(self.opens));
        }
        if now.0 >= last {
            return Err(Refusal::Closed(Timestamp(last)));
        }
        Ok(())
    }
}

/// An examination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exam {
    /// Its id.
    pub id: Id,
    /// The paper.
    pub paper: Id,
    /// Its rules.
    pub terms: Terms,
    /// How far it is.
    pub stage: Stage,
    /// When results were released by hand.
    pub released: Option<Timestamp>,
}

impl Exam {
    /// Whether an examinee may see what they reached.
    pub fn shown(&self, now: Timestamp) -> bool {
        match self.terms.shows {
            Shows::AtOnce => true,
            // Nobody may still be sitting, however much time was given.
            Shows::AfterClose => now.0 > self.terms.closes.0 + self.terms.grace * SECOND,
            Shows::ByHand => self.released.is_some(),
        }
    }
}

/// Somebody who may sit an examination (考生).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Id.
    pub id: Id,
    /// Which examination.
    pub exam: Id,
    /// Who; none: somebody without an account here.
    pub person: Option<PersonId>,
    /// Their unit when they were put on the list.
    pub unit: Option<UnitId>,
    /// The name on the ticket of somebody who is no person here.
    pub name: String,
    /// Extra time in seconds.
    pub extra: i64,
    /// Attempts beyond those that everybody has (补考、重考).
    pub more: i64,
    /// Since when they are off the list.
    pub revoked: Option<Timestamp>,
}

/// An attempt as it was begun (考试场次记录); nothing of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Id.
    pub id: Id,
    /// Which examination.
    pub exam: Id,
    /// Whose.
    pub candidate: Id,
    /// The how manieth of theirs, from 1.
    pub number: i64,
    /// What the paper is drawn by.
    pub seed: u64,
    /// When it began.
    pub began: Timestamp,
}

/// How an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// When it ends, with all time that was given.
    pub deadline: Timestamp,
    /// The device it is sat on; empty: not bound to one.
    pub device: String,
    /// Counts the devices that were let in.
    pub seat: u32,
    /// When something last came from it.
    pub seen: Timestamp,
    /// When it was handed in.
    pub submitted: Option<Timestamp>,
}

impl Standing {
    /// Whether answers that arrive now are taken; `true`: only because they were given in time (宽限期内).
    ///
    /// # Errors
    /// It was handed in, or time is over.
    pub fn takes(&self, at: Timestamp, stamped: Timestamp, grace: i64) -> Result<bool, Refusal> {
        if self.submitted.is_some() {
            return Err(Refusal::Submitted);
        }
        if at <= self.deadline {
            return Ok(false);
        }
        if at.0 <= self.deadline.0 + grace * SECOND && stamped <= self.deadline {
            return Ok(true);
        }
        Err(Refusal::Over(self.deadline))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms() -> Terms {
        Terms {
            unit: UnitId(Id::NIL),
            kind: "quarterly-test".into(),
            title: "第三季度测试".into(),
            opens: Timestamp(9 * 3_600 * SECOND),
            closes: Timestamp(11 * 3_600 * SECOND),
            seconds: 3_600,
            grace: 120,
            late: Some(900),
            attempts: 1,
            takes: Takes::Best,
            pass: Some(60_000),
            shows: Shows::AtOnce,
        }
    }

    fn at(hours: i64, seconds: i64) -> Timestamp {
        Timestamp((hours * 3_600 + seconds) * SECOND)
    }

    #[test]
    fn windows_late_entry_and_extra_time() {
        let terms = terms();
        assert!(terms.check(100_000).is_ok());
        assert!(terms.check(50_000).is_err(), "a pass mark beyond the paper");
        assert!(terms.admits(at(9, -1), 0).is_err());
        assert!(terms.admits(at(9, 0), 0).is_ok());
        assert!(terms.admits(at(9, 899), 0).is_ok());
        assert!(terms.admits(at(9, 900), 0).is_err());
        assert!(terms.admits(at(9, 900), 600).is_ok());
        assert_eq!(terms.deadline(at(9, 100), 0), at(10, 100));
        assert_eq!(terms.deadline(at(9, 100), 600), at(10, 700));
        let free = Terms {
            late: None,
            ..terms
        };
        assert!(free.admits(at(11, -1), 0).is_ok());
        assert_eq!(
            free.deadline(at(11, -60), 0),
            at(11, 0),
            "all is over at the close"
        );
        assert_eq!(free.deadline(at(11, -60), 600), at(11, 600));
    }

    proptest! {
        #[test]
        fn answers_are_taken_in_time_or_when_they_were_given_in_time(arrives in -500i64..500, stamped in -90_000i64..90_000, grace in 0i64..300) {
            let standing = Standing {
                deadline: at(10, 0), device: String::new(), seat: 1, seen: at(9, 0), submitted: None,
            };
            let taken = standing.takes(at(10, arrives), at(10, stamped), grace);
            match taken {
                Ok(false) => prop_assert!(arrives <= 0, "whatever the clock of the client says"),
                Ok(true) => prop_assert!(arrives > 0 && arrives <= grace && stamped <= 0),
                Err(_) => prop_assert!(arrives > 0 && (arrives > grace || stamped > 0)),
            }
            let handed_in = Standing { submitted: Some(at(9, 30)), ..standing };
            prop_assert!(handed_in.takes(at(9, 31), at(9, 31), grace).is_err());
        }
    }
}
