//! The switches, and the cases that turn them.

use kernel::{AccountId, Date, Error, FieldError, Id, Msg, Result, Timestamp, UnitId};

/// What is off until a legal basis switches it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Switch {
    /// Points that people collect (积分).
    Points,
    /// Units or people put in the order of their figures (排行).
    Boards,
    /// Circulars drafted every week (周报通报).
    WeeklyDigest,
    /// Checking in by device that nobody may replace by the roster (强制签到).
    CompulsoryCheckIn,
    /// Statistics of time online (时长统计).
    DurationStatistics,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Points,
        Self::Boards,
        Self::WeeklyDigest,
        Self::CompulsoryCheckIn,
        Self::DurationStatistics,
    ];

    /// Its code in the database and in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Boards => "boards",
            Self::WeeklyDigest => "weekly-digest",
            Self::CompulsoryCheckIn => "compulsory-check-in",
            Self::DurationStatistics => "duration-statistics",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Message key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Points => "guard-points",
            Self::Boards => "guard-boards",
            Self::WeeklyDigest => "guard-weekly-digest",
            Self::CompulsoryCheckIn => "guard-compulsory-check-in",
            Self::DurationStatistics => "guard-duration-statistics",
        }
    }

    /// Whether the program has anything that it would switch on.
    pub fn is_built(self) -> bool {
        matches!(self, Self::Boards | Self::WeeklyDigest)
    }
}

/// What allows it (法律依据).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// Name of the document.
    pub document: String,
    /// Its number.
    pub number: String,
    /// Article.
    pub article: String,
    /// What that says.
    pub text: String,
}

/// How a case stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for the security administrator.
    Proposed,
    /// It was not confirmed.
    Declined,
    /// It is confirmed and begins later.
    Later,
    /// It is on.
    On,
    /// It was taken back.
    TakenBack,
    /// Its time is over.
    Over,
}

/// A switch turned on for some units (开启记录).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Id.
    pub id: Id,
    /// Which switch.
    pub switch: Switch,
    /// The top of the units.
    pub unit: UnitId,
    /// What allows it.
    pub basis: Basis,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Who proposed it, when.
    pub proposed: (AccountId, Timestamp),
    /// Who confirmed it, when.
    pub confirmed: Option<(AccountId, Timestamp)>,
    /// Who ended or declined it, when.
    pub ended: Option<(AccountId, Timestamp)>,
    /// Why.
    pub reason: String,
    /// Names of these three, as accounts have them.
    pub names: [Option<String>; 3],
}

impl Case {
    /// How it stands on a day.
    pub fn standing(&self, today: Date) -> Standing {
        match (self.confirmed, self.ended) {
            (None, Some(_)) => Standing::Declined,
            (Some(_), Some(_)) => Standing::TakenBack,
            _ if today > self.to => Standing::Over,
            (None, None) => Standing::Proposed,
            (Some(_), None) if today < self.from => Standing::Later,
            (Some(_), None) => Standing::On,
        }
    }
}

/// What is wrong with a basis and its days; a year at most.
pub(crate) fn check(
    basis: &Basis,
    from: Option<Date>,
    to: Option<Date>,
    today: Date,
) -> Result<(Date, Date)> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: Msg| {
        errors.push(FieldError {
            field: field.to_owned(),
            message,
        });
    };
    let lines = [
        ("document", &basis.document, 200),
        ("number", &basis.number, 100),
        ("article", &basis.article, 100),
        ("text", &basis.text, 1_000),
    ];
    for (field, text, most) in lines {
        let control = |c: char| c.is_control() && (field != "text" || !"\r\n".contains(c));
        if !(1..=most).contains(&text.trim().chars().count()) || text.contains(control) {
            wrong(field, Msg::new("guard-basis-wrong").with("most", most));
        }
    }
    let year = |from: Date| from.saturating_add(jiff::Span::new().years(1));
    match (from, to) {
        (Some(from), Some(to)) => {
            if from < today {
                wrong("from", Msg::new("guard-from-past"));
            }
            if to < from || to >= year(from) {
                wrong("to", Msg::new("guard-to-wrong"));
            }
        }
        (from, to) => {
            if from.is_none() {
                wrong("from", Msg::new("guard-date-wrong"));
            }
            if to.is_none() {
                wrong("to", Msg::new("guard-date-wrong"));
            }
        }
    }
    Error::if_any(errors)?;
    from.zip(to).ok_or(Error::NotFound)
}
