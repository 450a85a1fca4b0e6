//! The state machine of one request: who may do what, what follows. No input or output.

use kernel::{AccountId, Date, Error, Msg, Result};

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Asked, and nobody has taken it yet (待接收).
    Asked,
    /// Somebody works on it (办理中).
    Accepted,
    /// It will not be done, with a reason (不予办理).
    Declined,
    /// Answered, and not yet confirmed (已答复).
    Answered,
    /// Who asked confirmed the answer (已办结).
    Confirmed,
    /// Who asked took it back (已撤回).
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Asked,
        Self::Accepted,
        Self::Declined,
        Self::Answered,
        Self::Confirmed,
        Self::Withdrawn,
    ];

    /// Its word in tables, addresses and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Answered => "answered",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether nothing can happen any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Declined | Self::Confirmed | Self::Withdrawn)
    }

    /// Whether an answer is still owed.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted)
    }
}

/// What can be done to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Take it on (接收).
    Accept,
    /// Say that it will not be done (不予办理).
    Decline,
    /// Answer it (答复).
    Answer,
    /// Ask for more time, until a day (申请延期).
    WantTime(Date),
    /// Give the time that was asked for (同意延期).
    GiveTime,
    /// Refuse it (不同意延期).
    RefuseTime,
    /// The answer is what was wanted (确认办结).
    Confirm,
    /// The answer is not (退回).
    SendBack,
    /// It is not wanted any more (撤回).
    Withdraw,
}

impl Act {
    /// Its word in the timeline.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accept => "accepted",
            Self::Decline => "declined",
            Self::Answer => "answered",
            Self::WantTime(_) => "time-wanted",
            Self::GiveTime => "time-given",
            Self::RefuseTime => "time-refused",
            Self::Confirm => "confirmed",
            Self::SendBack => "sent-back",
            Self::Withdraw => "withdrawn",
        }
    }

    /// Whether it is for whoever was asked; the others are for whoever asked.
    pub fn is_of_asked(self) -> bool {
        matches!(
            self,
            Self::Accept | Self::Decline | Self::Answer | Self::WantTime(_)
        )
    }

    /// Whether it says why.
    pub fn needs_reason(self) -> bool {
        matches!(
            self,
            Self::Decline
                | Self::Answer
                | Self::WantTime(_)
                | Self::RefuseTime
                | Self::SendBack
                | Self::Withdraw
        )
    }
}

/// Who acts, and on which side they stand; on both where they asked themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// The account.
    pub account: AccountId,
    /// Whether they asked, or may ask for the unit that did.
    pub asks: bool,
    /// Whether it was asked of them, or they may answer for the unit of which it was.
    pub answers: bool,
}

/// A request as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// How it stands.
    pub state: State,
    /// Until when it was asked for; never changes.
    pub due: Date,
    /// Until when more time was given.
    pub extended: Option<Date>,
    /// Until when more time is asked for.
    pub wanted: Option<Date>,
    /// Who answered last.
    pub answered_by: Option<AccountId>,
}

impl Case {
    /// What was just asked for.
    pub fn new(due: Date) -> Self {
        Self {
            state: State::Asked,
            due,
            extended: None,
            wanted: None,
            answered_by: None,
        }
    }

    /// The day that counts: that of the extension, if there is one.
    pub fn until(&self) -> Date {
        self.extended.unwrap_or(self.due)
    }

    /// Whether an answer is owed since before a day.
    pub fn is_late(&self, today: Date) -> bool {
        self.state.is_open() && self.until() < today
    }

    /// Whether somebody may do something now.
    pub fn may(&self, hand: Hand, act: Act) -> bool {
        self.clone().act(hand, act).is_ok()
    }

    /// Does something; what is refused changes nothing.
    ///
    /// # Errors
    /// `Forbidden` for the other side; `Conflict` when it stands otherwise; `Invalid` for a day that is no later one.
    pub fn act(&mut self, hand: Hand, act: Act) -> Result<()> {
        let no = |key| Err(Error::Conflict(Msg::new(key)));
        let side = match act.is_of_asked() {
            true => hand.answers,
            false => hand.asks,
        };
        if !side {
            return Err(Error::Forbidden);
        }
        if self.state.is_final() {
            return no("requests-ended");
        }
        match (act, self.state) {
            (Act::Accept, State::Asked) => self.state = State::Accepted,
            (Act::Decline, State::Asked | State::Accepted) => self.end(State::Declined),
            (Act::Answer, State::Asked | State::Accepted) => {
                self.end(State::Answered);
                self.answered_by = Some(hand.account);
            }
            (Act::WantTime(day), State::Asked | State::Accepted) => {
                if day <= self.until() {
                    return Err(Error::field("day", Msg::new("requests-time-earlier")));
                }
                self.wanted = Some(day);
            }
            (Act::GiveTime, State::Asked | State::Accepted) if self.wanted.is_some() => {
                self.extended = self.wanted.take();
            }
            (Act::RefuseTime, State::Asked | State::Accepted) if self.wanted.is_some() => {
                self.wanted = None;
            }
            (Act::Confirm, State::Answered) => {
                // Nobody confirms what they answered themselves.
                if self.answered_by == Some(hand.account) {
                    return no("requests-own-answer");
                }
                self.end(State::Confirmed);
            }
            (Act::SendBack, State::Answered) => self.state = State::Accepted,
            (Act::Withdraw, _) => self.end(State::Withdrawn),
            _ => return no("requests-moved-on"),
        }
        Ok(())
    }

    fn end(&mut self, state: State) {
        (self.state, self.wanted) = (state, None);
    }
}
