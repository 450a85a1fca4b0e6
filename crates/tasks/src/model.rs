//! What the crate speaks of, and the rules that need no database.

use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};
use web::Access;

use crate::kind::{Claim, Count, PlanKind};
use crate::{ISSUE, PLAN, READ, REPORT, REVIEW};

/// Longest title and line.
pub(crate) const TITLE: usize = 200;
/// Longest text.
pub(crate) const LONGEST: usize = 4_000;
/// Longest line that says why.
pub(crate) const REASON: usize = 1_000;
/// Entries of a plan.
pub(crate) const ENTRIES: i64 = 2_000;
/// Greatest weight.
const HEAVIEST: i64 = 1_000;

/// Where a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// Being written (起草).
    Draft,
    /// Waits for somebody else to issue it (待下达).
    Asked,
    /// Issued (已下达).
    Issued,
    /// Closed: nothing of it is open any more (已结束).
    Closed,
}

impl PlanState {
    /// Every one, in order.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Asked, Self::Issued, Self::Closed];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Asked => "asked",
            Self::Issued => "issued",
            Self::Closed => "closed",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether it is only seen by those who write and issue it.
    pub fn is_draft(self) -> bool {
        matches!(self, Self::Draft | Self::Asked)
    }
}

/// What moves a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanAct {
    /// Somebody else is asked to issue it (报请下达).
    Ask,
    /// It goes back to be written (退回修改).
    Back,
    /// It is issued (下达).
    Issue,
    /// It is closed (结束).
    Close,
}

impl PlanAct {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Ask, Self::Back, Self::Issue, Self::Close];

    /// Its word in addresses and records.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Back => "back",
            Self::Issue => "issue",
            Self::Close => "close",
        }
    }

    /// The act with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.code() == code)
    }

    /// Where it takes a plan; none: it cannot be done there.
    pub fn after(self, state: PlanState) -> Option<PlanState> {
        match (self, state) {
            (Self::Ask, PlanState::Draft) => Some(PlanState::Asked),
            (Self::Back, PlanState::Asked) => Some(PlanState::Draft),
            (Self::Issue, PlanState::Asked) => Some(PlanState::Issued),
            (Self::Close, PlanState::Issued) => Some(PlanState::Closed),
            _ => None,
        }
    }
}

/// A yearly plan of a unit (年度目标任务).
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Id.
    pub id: Id,
    /// Its kind, as it was when the plan began.
    pub kind: PlanKind,
    /// The unit whose plan it is.
    pub unit: UnitId,
    /// The year.
    pub year: i16,
    /// Title.
    pub title: String,
    /// Goals, in order (目标); entries name them by number.
    pub goals: Vec<String>,
    /// Where it stands.
    pub state: PlanState,
    /// Entries numbered so far.
    pub numbered: i64,
    /// Version of what it says; 0 before it is issued.
    pub n: i64,
    /// When it was issued.
    pub issued_on: Option<Date>,
    /// When it was closed.
    pub closed_on: Option<Date>,
    /// Raised by everything that happens.
    pub version: i64,
    /// When it was last touched.
    pub updated_at: Timestamp,
}

impl Plan {
    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/tasks/plans/{}", self.id)
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// To be done (推进中).
    Open,
    /// Reached, and accepted by somebody else (已完成).
    Reached,
    /// Taken out, with the reason (已撤销).
    Dropped,
    /// Carried over into a later plan (已结转).
    Carried,
}

impl EntryState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Open, Self::Reached, Self::Dropped, Self::Carried];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Reached => "reached",
            Self::Dropped => "dropped",
            Self::Carried => "carried",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// What is to be there by the end of a month (时间节点).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// First day of the month.
    pub month: Date,
    /// What.
    pub text: String,
}

/// What an entry says; changed only in a version of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Number of the goal that it serves; 0: none.
    pub goal: usize,
    /// What is to be done (任务).
    pub text: String,
    /// What is to be reached (目标要求).
    pub target: String,
    /// What is counted of the ledger.
    pub claim: Option<Claim>,
    /// How many of it.
    pub wanted: Option<i64>,
    /// Owner kind, by the packs; may be empty.
    pub owner: String,
    /// The unit that has to do it (责任单位).
    pub unit: UnitId,
    /// The responsible person (责任人).
    pub person: Option<PersonId>,
    /// The leader in charge (分管领导).
    pub leader: Option<PersonId>,
    /// First day of its first month.
    pub from: Date,
    /// Last day of its last month: when it is due.
    pub to: Date,
    /// Its milestones, by month.
    pub milestones: Vec<Milestone>,
    /// Weight among its siblings; none: 1.
    pub weight: Option<i64>,
    /// Code of the duty that it serves.
    pub duty: String,
}

/// An entry of a plan (条目).
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Id.
    pub id: Id,
    /// Its plan.
    pub plan: Id,
    /// Its number: `7`, a part of it `7.2`.
    pub number: String,
    /// The entry that it is a part of.
    pub parent: Option<Id>,
    /// The entry of an earlier plan that it carries on.
    pub carried_from: Option<Id>,
    /// What it says.
    pub content: Content,
    /// Where it stands.
    pub state: EntryState,
    /// How far it has come, in percent, by the last accepted report.
    pub percent: i64,
    /// What that report said.
    pub said: String,
    /// Its month.
    pub reported: Option<Date>,
    /// The day on which it was reached, taken out or carried over.
    pub ended_on: Option<Date>,
    /// Parts numbered so far.
    pub parts: i64,
    /// Its year, that of its plan.
    pub year: i16,
    /// Raised by every change.
    pub version: i64,
}

impl Entry {
    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/tasks/entries/{}", self.id)
    }

    /// How it is called: year and number.
    pub fn call(&self) -> String {
        format!("{}-{}", self.year, self.number)
    }

    /// How many entries stand above it.
    pub fn depth(&self) -> i64 {
        self.number.matches('.').count() as i64
    }

    /// Whether it is past its last month and not done.
    pub fn is_late(&self, today: Date) -> bool {
        self.state == EntryState::Open && self.content.to < today
    }

    /// Whether it was reached by its last month.
    pub fn in_time(&self) -> bool {
        self.state == EntryState::Reached && self.ended_on.is_some_and(|on| on <= self.content.to)
    }

    /// Whether a unit has to report on it in a month: it has begun and is not ended.
    pub fn is_owed(&self, month: Date) -> bool {
        self.state == EntryState::Open && self.content.from <= month.last_of_month()
    }
}

/// How far parts have come together, in percent: their mean by weight, those that were taken out or carried over left out.
/// None when nothing counts.
pub fn rolled<'e>(parts: impl IntoIterator<Item = &'e Entry>) -> Option<i64> {
    let (mut sum, mut weights) = (0, 0);
    for part in parts {
        let percent = match part.state {
            EntryState::Open => part.percent.min(99),
            EntryState::Reached => 100,
            EntryState::Dropped | EntryState::Carried => continue,
        };
        let weight = part.content.weight.unwrap_or(1);
        sum += percent * weight;
        weights += weight;
    }
    (weights > 0).then(|| sum / weights)
}

/// A figure as it is written: minutes as hours with one decimal.
pub(crate) fn figure(claim: &Claim, n: i64) -> String {
    match claim.count {
        Count::Minutes if n % 60 != 0 => format!("{}.{}", n / 60, n % 60 * 10 / 60),
        Count::Minutes => (n / 60).to_string(),
        _ => n.to_string(),
    }
}

/// What is wanted, as the ledger counts it: hours are minutes there.
pub(crate) fn counted(claim: &Claim, wanted: i64) -> i64 {
    match claim.count {
        Count::Minutes => wanted * 60,
        _ => wanted,
    }
}

/// Where a monthly report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// To be written (待报送).
    Open,
    /// Handed in (待审核).
    Handed,
    /// Given back (已退回).
    Returned,
    /// Accepted (已通过).
    Accepted,
}

impl ReportState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Open, Self::Handed, Self::Returned, Self::Accepted];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Handed => "handed",
            Self::Returned => "returned",
            Self::Accepted => "accepted",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether it can be written.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Returned)
    }
}

/// The report of a unit on a month (月报).
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Id.
    pub id: Id,
    /// The unit.
    pub unit: UnitId,
    /// First day of the month.
    pub month: Date,
    /// When it is due, by the rule of the day on which it was opened.
    pub due: Date,
    /// Where it stands.
    pub state: ReportState,
    /// What was done, on the whole (综述).
    pub summary: String,
    /// What went wrong (存在问题).
    pub problems: String,
    /// What comes next (下月打算).
    pub next: String,
    /// The day on which it was first handed in.
    pub handed_on: Option<Date>,
    /// The day on which it was accepted.
    pub accepted_on: Option<Date>,
    /// How often it was given back.
    pub returns: i64,
    /// Entries that it leaves out, when it was handed in.
    pub omitted: i64,
    /// Raised by everything that happens.
    pub version: i64,
}

impl Report {
    /// Where it is shown.
    pub fn href(&self) -> String {
        format!("/tasks/reports/{}", self.id)
    }

    /// Whether it came, or comes, after its day.
    pub fn is_late(&self, today: Date) -> bool {
        self.handed_on.unwrap_or(today) > self.due
    }
}

/// What a report says of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The entry.
    pub entry: Id,
    /// How far it has come, in percent.
    pub percent: i64,
    /// What was done.
    pub said: String,
    /// The day on which it was reached, as the unit says.
    pub reached_on: Option<Date>,
    /// What the ledger counted when the report was handed in.
    pub counted: Option<i64>,
}

impl Line {
    /// Whether nothing is said of the entry.
    pub fn is_omitted(&self) -> bool {
        self.said.trim().is_empty()
    }
}

/// What a reader may do and see.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// Their account.
    pub account: AccountId,
    /// Who they are.
    pub person: Option<PersonId>,
    /// Where they see tasks.
    pub reads: Scope,
    /// Where they plan.
    pub plans: Scope,
    /// Where they issue plans.
    pub issues: Scope,
    /// Where they report.
    pub reports: Scope,
    /// Where they accept what others reported.
    pub reviews: Scope,
}

impl From<&Access> for Eyes {
    fn from(access: &Access) -> Self {
        let principal = &access.principal;
        let held = |permission| {
            let scope = principal.scope(permission).cloned();
            scope.unwrap_or_else(Scope::nothing)
        };
        Self {
            account: principal.account,
            person: principal.person.filter(|_| principal.on_behalf.is_none()),
            reads: held(READ),
            plans: held(PLAN),
            issues: held(ISSUE),
            reports: held(REPORT),
            reviews: held(REVIEW),
        }
    }
}

impl Eyes {
    /// Those of somebody who only looks.
    pub(crate) fn reading(reads: Scope) -> Self {
        let nothing = Scope::nothing;
        Self {
            account: AccountId(Id([0; 16])),
            person: None,
            reads,
            plans: nothing(),
            issues: nothing(),
            reports: nothing(),
            reviews: nothing(),
        }
    }

    /// Those of a person for what is theirs.
    pub(crate) fn of_person(person: PersonId) -> Self {
        Self {
            person: Some(person),
            ..Self::reading(Scope::nothing())
        }
    }
}

pub(crate) fn unfit(text: &str, most: usize) -> bool {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars().count() > most || text.chars().any(odd)
}

pub(crate) fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

pub(crate) fn conflict(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

pub(crate) fn moved_on() -> Error {
    conflict("tasks-moved-on")
}

/// Why, in words.
///
/// # Errors
/// `Invalid` for the field `reason` when it is missing where it is needed, or too long.
pub(crate) fn reason_of(text: &str, needed: bool) -> Result<String> {
    if unfit(text, REASON) || (needed && text.trim().is_empty()) {
        let message = Msg::new("tasks-reason-wrong").with("most", REASON);
        return Err(Error::field("reason", message));
    }
    Ok(tidy(text))
}

/// A line of text that must be there.
pub(crate) fn line_of(field: &str, text: &str, errors: &mut Vec<FieldError>) -> String {
    let text = text.trim();
    if text.chars().count() < 2 || text.chars().count() > TITLE || text.contains(char::is_control) {
        errors.push(FieldError {
            field: field.to_owned(),
            message: Msg::new("tasks-line-wrong").with("most", TITLE),
        });
    }
    text.to_owned()
}

impl Content {
    /// What is wrong with it: fields by name, days within the year of the plan.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub fn check(&self, year: i16, goals: usize, needs_person: bool) -> Result<()> {
        let mut errors = Vec::new();
        line_of("text", &self.text, &mut errors);
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        if unfit(&self.target, LONGEST) {
            wrong("target", Msg::new("tasks-text-wrong").with("most", LONGEST));
        }
        if self.goal > goals {
            wrong("goal", Msg::new("tasks-goal-unknown"));
        }
        if self.from.year() != year || self.to.year() != year || self.to < self.from {
            wrong("to", Msg::new("tasks-months-wrong").with("year", year));
        }
        if self.claim.is_some() != self.wanted.is_some_and(|n| n > 0) {
            wrong("wanted", Msg::new("tasks-wanted-wrong"));
        }
        if self.weight.is_some_and(|w| !(1..=HEAVIEST).contains(&w)) {
            wrong(
                "weight",
                Msg::new("tasks-weight-wrong").with("most", HEAVIEST),
            );
        }
        if needs_person && self.person.is_none() {
            wrong("person", Msg::new("tasks-person-missing"));
        }
        let months = self.milestones.iter();
        let outside = months
            .clone()
            .find(|m| m.month < self.from || m.month > self.to);
        if let Some(m) = outside {
            let message = Msg::new("tasks-milestone-outside").with("month", month_text(m.month));
            wrong("milestones", message);
        }
        if months.clone().any(|m| m.text.chars().count() > TITLE) || self.milestones.len() > 24 {
            wrong(
                "milestones",
                Msg::new("tasks-line-wrong").with("most", TITLE),
            );
        }
        Error::if_any(errors)
    }
}

/// A month as it is written in addresses and forms: `2026-11`.
pub fn month_text(month: Date) -> String {
    format!("{:04}-{:02}", month.year(), month.month())
}

/// The first day of a month written so.
pub fn month_of(text: &str) -> Option<Date> {
    let (year, month) = text.trim().split_once('-')?;
    let digits = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
    if year.len() != 4 || !digits(year) || !digits(month) {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()
}
