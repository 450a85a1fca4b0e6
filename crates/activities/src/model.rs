//! Activities, rosters and the rules about them. No input or output.

use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{AccountId, ActivityId, Date, Env, FieldError, Id, Msg, PersonId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use crate::details::{Details, Pair};
use crate::{ActivityKind, ActivityKinds, RosterOf};

/// A person's part in an activity (到会情况).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Was there (实到).
    Present,
    /// Asked for leave (请假).
    Leave,
    /// Was not there (缺席).
    Absent,
    /// Was there without being on the roster (列席).
    Observer,
}

impl Role {
    /// All parts, in the order of the keys 1 to 4.
    pub const ALL: [Self; 4] = [Self::Present, Self::Leave, Self::Absent, Self::Observer];

    /// The code in facts, forms and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Leave => "leave",
            Self::Absent => "absent",
            Self::Observer => "observer",
        }
    }

    /// The part with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.code() == code)
    }

    /// Whether the person's time counts as study.
    pub fn studied(self) -> bool {
        matches!(self, Self::Present | Self::Observer)
    }
}

/// One line of what is entered: a person's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The person.
    pub person: PersonId,
    /// Their part.
    pub role: Role,
}

/// What is entered to record an activity that took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Made when the form was opened: sent twice, it is recorded once.
    pub id: ActivityId,
    /// Code of its kind.
    pub kind: String,
    /// Organising unit.
    pub host: UnitId,
    /// Title.
    pub title: String,
    /// Day on which it began.
    pub date: Date,
    /// Time of day at which it began.
    pub starts: Time,
    /// Time of day at which it ended; not later than the begin means the next day.
    pub ends: Time,
    /// Where.
    pub location: String,
    /// Code of its level of secrecy; empty: the one usual for its kind.
    pub level: String,
    /// The roster with each person's part.
    pub marks: Vec<Mark>,
    /// Staff numbers of people who were there without being on the roster.
    pub observers: Vec<String>,
    /// Whether another one of the same kind on the same day is known and meant.
    pub another: bool,
    /// What its kind asks for beyond the roster.
    pub details: Details,
}

/// Checked begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) starts: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) minutes: i64,
}

impl New {
    /// Checks all that needs no database.
    pub(crate) fn check(
        &self,
        kind: &ActivityKind,
        kinds: &ActivityKinds,
        env: &Env,
        errors: &mut Vec<FieldError>,
    ) -> Option<Span> {
        self.details.check(kind, kinds, errors);
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.into(),
                message,
            })
        };
        let title = self.title.trim();
        if title.is_empty() {
            wrong("title", Msg::new("activity-title-missing"));
        } else if title.chars().count() > 100 || title.chars().any(char::is_control) {
            wrong("title", Msg::new("activity-title-long").with("most", 100));
        }
        if self.location.chars().count() > 100 || self.location.chars().any(char::is_control) {
            wrong(
                "location",
                Msg::new("activity-location-long").with("most", 100),
            );
        }
        let listed = !self.marks.is_empty()
            || kind.roster == RosterOf::Open && self.observers.iter().any(|o| !o.trim().is_empty());
        if !kind.pair && !listed {
            let field = match kind.roster {
                RosterOf::Open => "observers",
                _ => "roster",
            };
            wrong(field, Msg::new("roster-empty"));
        }
        if kind.pair && (!self.marks.is_empty() || !self.observers.is_empty()) {
            wrong("pair-person", Msg::new("pair-roster"));
        }
        let mut seen = std::collections::HashSet::new();
        if self.marks.iter().any(|m| !seen.insert(m.person)) {
            wrong("roster", Msg::new("roster-person-twice"));
        }
        // An end that is not after the begin lies on the next day: sessions cross midnight, and New Year.
        let next = if self.ends <= self.starts {
            self.date.saturating_add(1.day())
        } else {
            self.date
        };
        let instant = |date: Date, time: Time| {
            let zoned = date.to_datetime(time).to_zoned(env.zone().clone());
            zoned
                .map(|z| Timestamp(z.timestamp().as_microsecond()))
                .ok()
        };
        let (Some(starts), Some(ends)) =
            (instant(self.date, self.starts), instant(next, self.ends))
        else {
            wrong("date", Msg::new("activity-date-wrong"));
            return None;
        };
        let minutes = (ends.0 - starts.0) / (60 * Timestamp::SECOND);
        if let Some(wrong_one) = self
            .details
            .minutes
            .values()
            .find(|m| !(1..=minutes).contains(m))
        {
            let message = Msg::new("part-minutes-wrong").with("minutes", wrong_one);
            wrong("roster", message.with("most", minutes));
        }
        if minutes > kind.longest {
            wrong(
                "ends",
                Msg::new("activity-too-long")
                    .with("minutes", minutes)
                    .with("most", kind.longest),
            );
        }
        if starts > env.now() {
            wrong("date", Msg::new("activity-in-future"));
        }
        Some(Span {
            starts,
            ends,
            minutes,
        })
    }
}

/// An activity as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Id, the subject of its facts.
    pub id: ActivityId,
    /// Code of its kind.
    pub kind: String,
    /// Organising unit.
    pub host: UnitId,
    /// Title.
    pub title: String,
    /// Business date.
    pub date: Date,
    /// Begin.
    pub starts: Timestamp,
    /// End.
    pub ends: Timestamp,
    /// Minutes that count.
    pub minutes: i64,
    /// Where.
    pub location: String,
    /// Entered later than the kind allows (补录).
    pub late: bool,
    /// When it was entered.
    pub recorded_at: Timestamp,
    /// Who entered it.
    pub recorded_by: AccountId,
    /// When it was taken back (冲正); none while it stands.
    pub reversed_at: Option<Timestamp>,
    /// Who took it back.
    pub reversed_by: Option<AccountId>,
    /// Why.
    pub reversal_reason: Option<String>,
    /// In whose place it was entered.
    pub recorded_for: Option<AccountId>,
    /// How often its roster was changed since: whoever confirms says which state they looked at.
    pub changes: i64,
    /// When it was confirmed (确认); none: not yet, or changed since.
    pub confirmed_at: Option<Timestamp>,
    /// Who confirmed it.
    pub confirmed_by: Option<AccountId>,
    /// When it was returned to whoever entered it (退回); none: not, or changed since.
    pub returned_at: Option<Timestamp>,
    /// Code of its level of secrecy (密级).
    pub level: String,
    /// Whether it is there for its two people, who entered it and who holds the permission alone.
    pub confidential: bool,
    /// The body that was expected (党支部、中心组 …).
    pub body: Option<Id>,
    /// The audience that was expected.
    pub audience: Option<Id>,
    /// Fields by code.
    pub fields: BTreeMap<String, String>,
    /// Its place in a series.
    pub session: Option<InSeries>,
    /// The two of a talk.
    pub pair: Option<Pair>,
}

/// Place in a series (期、节).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InSeries {
    /// The series.
    pub series: Id,
    /// Issue (期).
    pub issue: i64,
    /// Session (节).
    pub session: i64,
}

/// How far an activity has been confirmed (确认情况).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// Waits for it (待确认).
    Waiting,
    /// Was confirmed (已确认).
    Confirmed,
    /// Was returned and not changed since (已退回).
    Returned,
}

impl Confirmation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Confirmed, Self::Returned];

    /// Its code in addresses and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Confirmed => "confirmed",
            Self::Returned => "returned",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.code() == code)
    }
}

impl Activity {
    /// How far it has been confirmed.
    pub fn confirmation(&self) -> Confirmation {
        match (self.confirmed_at, self.returned_at) {
            (Some(_), _) => Confirmation::Confirmed,
            (None, Some(_)) => Confirmation::Returned,
            (None, None) => Confirmation::Waiting,
        }
    }
}

/// A line of the frozen roster (应到名册).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The person.
    pub person: PersonId,
    /// Their unit as of the activity.
    pub unit: UnitId,
    /// Their part.
    pub role: Role,
    /// Minutes of their own; none: those of the activity.
    pub minutes: Option<i64>,
}
