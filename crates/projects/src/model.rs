//! What the crate speaks of, and the rules that need no database.

use std::collections::{BTreeMap, HashSet};

use desk::Attached;
use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};
use web::Access;

use crate::kind::{FieldKind, Need, ProjectKind};
use crate::{READ, REVIEW, WRITE};

/// Longest title.
pub(crate) const TITLE: usize = 120;
/// Longest text.
pub(crate) const LONGEST: usize = 20_000;
/// Longest reason and other short texts.
pub(crate) const SHORT: usize = 500;
/// Most milestones, members, problems and recommendations of a project.
pub(crate) const MOST: usize = 100;
/// The number by which the end of the project itself goes among its milestones.
pub(crate) const END: i64 = 0;
/// Longest project, in days.
const DAYS: i32 = 3_660;

/// Where a project stands (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Proposed (拟立项).
    Draft,
    /// Somebody was asked to approve it (送审).
    Asked,
    /// Approved (推进中).
    Running,
    /// Somebody was asked to review it (验收中).
    Checking,
    /// Closed (已结项).
    Closed,
    /// Given up before it was approved (已撤回).
    Dropped,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Draft,
        Self::Asked,
        Self::Running,
        Self::Checking,
        Self::Closed,
        Self::Dropped,
    ];

    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Asked => "asked",
            Self::Running => "running",
            Self::Checking => "checking",
            Self::Closed => "closed",
            Self::Dropped => "dropped",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Whether work on it may be written down.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Dropped)
    }
}

/// What came of a project (结项结论).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its goals were reached (达到目标).
    Reached,
    /// Some of them (部分达到).
    Partly,
    /// Ended before (终止).
    Ended,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Reached, Self::Partly, Self::Ended];

    /// Its word in tables, and the role of the fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Partly => "partly",
            Self::Ended => "ended",
        }
    }

    /// The outcome with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}

/// What a project says (立项内容).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Title.
    pub title: String,
    /// What is to be reached.
    pub goals: String,
    /// What it is based on (依据).
    #[serde(default)]
    pub basis: String,
    /// Fields of the kind.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// What research asks (调研问题).
    #[serde(default)]
    pub question: String,
    /// Outline of research (提纲).
    #[serde(default)]
    pub outline: String,
    /// How it is done (方法).
    #[serde(default)]
    pub method: String,
    /// First day.
    pub from: Date,
    /// Last day, as it was approved.
    pub due: Date,
}

/// A project (项目、课题).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The kind as it was, by hash.
    pub rule: String,
    /// Its number, once approved.
    pub number: Option<String>,
    /// The unit that runs it.
    pub unit: UnitId,
    /// Where it stands.
    pub state: State,
    /// Code of the stage.
    pub stage: String,
    /// Who leads.
    pub lead: PersonId,
    /// What it says.
    pub content: Content,
    /// Last day, with the time that was given.
    pub until: Date,
    /// When it was approved.
    pub started_on: Option<Date>,
    /// When it was handed in for review.
    pub handed_on: Option<Date>,
    /// When it was closed.
    pub closed_on: Option<Date>,
    /// What came of it; while it is reviewed, what was asked for.
    pub outcome: Option<Outcome>,
    /// The approval that was asked for last.
    pub approval: Option<Id>,
    /// Milestones, those done or let go, those late on the day of reading.
    pub counts: [i64; 3],
    /// How often it was changed.
    pub version: i64,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Where a project is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/projects/{id}")
}

impl Project {
    /// Where it is shown.
    pub fn href(&self) -> String {
        href(self.id)
    }

    /// Whether it should have been handed in by now.
    pub fn is_late(&self, today: Date) -> bool {
        self.state == State::Running && self.until < today
    }
}

/// A project to be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its id, made with the form.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit that runs it.
    pub unit: UnitId,
    /// Who leads.
    pub lead: PersonId,
    /// What it says.
    pub content: Content,
}

/// A milestone (里程碑).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Milestone {
    /// Its number in the project, from 1.
    pub no: i64,
    /// What is to be there.
    pub text: String,
    /// Who answers for it.
    pub owner: PersonId,
    /// Its day; never changes.
    pub due: Date,
    /// Its day with the time that was given.
    pub until: Date,
    /// When it was done.
    pub done_on: Option<Date>,
    /// What was said then, or why it was let go.
    pub said: String,
    /// Files that show it.
    pub files: Vec<Attached>,
    /// Whether it was let go (不再需要).
    pub dropped: bool,
}

impl Milestone {
    /// Whether it still has to be done.
    pub fn is_open(&self) -> bool {
        self.done_on.is_none() && !self.dropped
    }

    /// `done`, `done-late`, `dropped`, `late`, `soon` (within some days) or `open`.
    pub fn stands(&self, today: Date, soon: i64) -> &'static str {
        match self.done_on {
            Some(on) if on <= self.until => "done",
            Some(_) => "done-late",
            None if self.dropped => "dropped",
            None if self.until < today => "late",
            None if i64::from((self.until - today).get_days()) <= soon => "soon",
            None => "open",
        }
    }
}

/// More time that was asked for (延期).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// Of which milestone; [`END`] the end of the project.
    pub no: i64,
    /// Until when.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// `asked`, `given` or `refused`.
    pub state: String,
    /// The approval.
    pub approval: Id,
    /// Name of who decided last.
    pub by: Option<String>,
}

/// A member (成员).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// In which part.
    pub role: String,
    /// The unit that they belonged to when they came.
    pub unit: UnitId,
    /// What they contributed (贡献).
    pub said: String,
    /// From when.
    pub since: Date,
    /// Until when, if they left.
    pub left_on: Option<Date>,
}

/// What sort of thing is written down on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// Progress (进展).
    Note,
    /// A result (成果).
    Result,
    /// A field visit (实地走访).
    Visit,
    /// A hearing (座谈会).
    Hearing,
}

impl What {
    /// Every sort.
    pub const ALL: [Self; 4] = [Self::Note, Self::Result, Self::Visit, Self::Hearing];

    /// Its word in tables, and the role of the fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Result => "result",
            Self::Visit => "visit",
            Self::Hearing => "hearing",
        }
    }

    /// The sort with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.code() == code)
    }

    /// Whether it is field work, which only research has.
    pub fn is_field_work(self) -> bool {
        matches!(self, Self::Visit | Self::Hearing)
    }
}

/// Something written down on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id.
    pub id: Id,
    /// The project.
    pub project: Id,
    /// What it is.
    pub what: What,
    /// The day that it tells of.
    pub day: Date,
    /// Where.
    pub place: String,
    /// Who was heard: units and posts (听取了谁).
    pub heard: String,
    /// What is to be said.
    pub text: String,
    /// Files: records, photos, evidence.
    pub files: Vec<Attached>,
    /// Name of who wrote it.
    pub name: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// Why it was taken back (冲正), if it was.
    pub struck: Option<String>,
}

/// Something to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its id, made with the form.
    pub id: Id,
    /// What it is.
    pub what: What,
    /// The day that it tells of.
    pub day: Date,
    /// Where.
    pub place: String,
    /// Who was heard.
    pub heard: String,
    /// What is to be said.
    pub text: String,
}

/// A line that keeps its number through all versions: a problem, a recommendation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Number.
    pub no: i64,
    /// Text.
    pub text: String,
}

/// The four parts of a report (现状、问题、原因、对策).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// How things are (现状).
    pub overview: String,
    /// What is wrong (问题), a line each.
    pub problems: Vec<Line>,
    /// Why (原因).
    pub causes: String,
    /// What to do (对策), a line each.
    pub advice: Vec<Line>,
}

/// Lines as they are typed: one a line; a number in front is that of a line that was there before.
pub fn lines(text: &str, before: &[Line]) -> Vec<Line> {
    let mut next = before.iter().map(|l| l.no).max().unwrap_or(0);
    let mut taken: HashSet<i64> = HashSet::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        // `2.5 km` is no number of a line.
        let split = line.split_once(['.', '．', '、']);
        let split = split.filter(|(_, rest)| !rest.starts_with(|c: char| c.is_ascii_digit()));
        let numbered = split.and_then(|(n, rest)| Some((n.trim().parse::<i64>().ok()?, rest)));
        let known = numbered.filter(|(n, _)| before.iter().any(|l| l.no == *n) && taken.insert(*n));
        let (no, text) = match (known, numbered) {
            (Some((no, rest)), _) => (no, rest),
            // A number that nobody gave is only in the way: the line gets one of its own.
            (None, numbered) => {
                next += 1;
                (next, numbered.map_or(line, |(_, rest)| rest))
            }
        };
        found.push(Line {
            no,
            text: text.trim().to_owned(),
        });
    }
    found
}

/// Lines as they stand in the form.
pub(crate) fn typed_lines(lines: &[Line]) -> String {
    let lines = lines.iter().map(|l| format!("{}. {}", l.no, l.text));
    lines.collect::<Vec<_>>().join("\n")
}

/// Where a version of a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Written (起草).
    Draft,
    /// Sent for review (送审).
    Sent,
    /// Accepted (审定).
    Accepted,
    /// Sent back (退回).
    Returned,
}

impl ReportState {
    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Returned => "returned",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Draft, Self::Sent, Self::Accepted, Self::Returned]
            .into_iter()
            .find(|s| s.code() == code)
    }
}

/// A version of a report (报告版本).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number in the project, from 1.
    pub n: i64,
    /// What it says.
    pub parts: Parts,
    /// Where it stands.
    pub state: ReportState,
    /// Who wrote it.
    pub author: Option<AccountId>,
    /// Name of who wrote it.
    pub name: Option<String>,
    /// When it was written.
    pub at: Timestamp,
    /// What the reviewer said.
    pub said: String,
    /// Name of the reviewer.
    pub reviewer: Option<String>,
    /// When it was reviewed.
    pub reviewed_at: Option<Timestamp>,
}

/// A problem or difficulty that became a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Id of this row: what its facts are about.
    pub id: Id,
    /// Number of the problem.
    pub no: i64,
    /// The responsible unit.
    pub unit: UnitId,
    /// The case.
    pub case: Id,
    /// When it was raised.
    pub on: Date,
    /// Whether its fact of being solved stands.
    pub solved: bool,
}

/// A recommendation that became part of a document (采纳).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Id of this row: what its fact is about.
    pub id: Id,
    /// Number of the recommendation.
    pub no: i64,
    /// The document.
    pub document: String,
    /// Day of the document.
    pub on: Date,
}

/// Who looks, and where they may do what.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// The account.
    pub account: AccountId,
    /// Its person.
    pub person: Option<PersonId>,
    /// Where they may look.
    pub reads: Scope,
    /// Where they propose and run.
    pub writes: Scope,
    /// Where they review.
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
            // Who acts for another uses what was delegated, not that other's own projects.
            person: principal.person.filter(|_| principal.on_behalf.is_none()),
            reads: held(READ),
            writes: held(WRITE),
            reviews: held(REVIEW),
        }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// With this in its title or number.
    pub text: String,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: String,
    /// In this stage of it.
    pub stage: String,
    /// Run by this unit or one below it.
    pub unit: Option<UnitId>,
    /// Of which this person is a member.
    pub person: Option<PersonId>,
    /// With a day in this year.
    pub year: Option<i16>,
    /// With a milestone or its own end past, on this day.
    pub late: Option<Date>,
}

/// Whether a text is too long or has characters that none should have.
pub(crate) fn unfit(text: &str, most: usize) -> bool {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars().count() > most || text.chars().any(odd)
}

pub(crate) fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

/// A text that is needed.
///
/// # Errors
/// `Invalid` for the field when it is missing or too long.
pub(crate) fn needed(field: &str, text: &str, most: usize) -> Result<String> {
    if unfit(text, most) || text.trim().is_empty() {
        let message = Msg::new("projects-text-needed").with("most", most);
        return Err(Error::field(field, message));
    }
    Ok(tidy(text))
}

/// A text that may be empty.
///
/// # Errors
/// `Invalid` for the field when it is too long.
pub(crate) fn optional(field: &str, text: &str, most: usize) -> Result<String> {
    if unfit(text, most) {
        let message = Msg::new("projects-text-long").with("most", most);
        return Err(Error::field(field, message));
    }
    Ok(tidy(text))
}

impl Content {
    /// The same with texts trimmed and only the fields of the kind.
    pub fn tidied(&self, kind: &ProjectKind) -> Self {
        let value = |f: &crate::Field| {
            let text = tidy(self.values.get(&f.code)?);
            (!text.is_empty()).then(|| (f.code.clone(), text))
        };
        Self {
            title: tidy(&self.title),
            goals: tidy(&self.goals),
            basis: tidy(&self.basis),
            values: kind.fields.iter().filter_map(value).collect(),
            question: tidy(&self.question),
            outline: tidy(&self.outline),
            method: tidy(&self.method),
            ..self.clone()
        }
    }

    /// What is wrong with it.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub fn check(&self, kind: &ProjectKind) -> Result<()> {
        let mut errors: Vec<FieldError> = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let title = &self.title;
        if title.chars().count() < 2 || unfit(title, TITLE) || title.contains('\n') {
            wrong(
                "title",
                Msg::new("projects-title-wrong").with("most", TITLE),
            );
        }
        let question = [("question", &self.question), ("outline", &self.outline)];
        let must = question.into_iter().filter(|_| kind.research);
        for (field, text) in must.chain([("goals", &self.goals)]) {
            if text.is_empty() || unfit(text, LONGEST) {
                wrong(
                    field,
                    Msg::new("projects-text-needed").with("most", LONGEST),
                );
            }
        }
        for (field, text) in [("basis", &self.basis), ("method", &self.method)] {
            if unfit(text, LONGEST) {
                wrong(field, Msg::new("projects-text-long").with("most", LONGEST));
            }
        }
        for f in &kind.fields {
            let field = format!("v-{}", f.code);
            let value = self.values.get(&f.code);
            let most = if f.kind == FieldKind::Long {
                LONGEST
            } else {
                SHORT
            };
            match value {
                None if f.required => {
                    wrong(&field, Msg::new("projects-text-needed").with("most", most))
                }
                Some(v) if f.kind == FieldKind::Choice && f.values.iter().all(|c| c.code != *v) => {
                    wrong(&field, Msg::new("projects-choice-unknown"));
                }
                Some(v) if unfit(v, most) => {
                    wrong(&field, Msg::new("projects-text-long").with("most", most));
                }
                _ => {}
            }
        }
        if self.due <= self.from || (self.due - self.from).get_days() > DAYS {
            wrong("due", Msg::new("projects-days-wrong").with("days", DAYS));
        }
        Error::if_any(errors)
    }
}

/// What a project has, by need.
pub type Has = BTreeMap<Need, i64>;

/// What is missing before a stage may be left: need, how many there are, how many there must be.
pub fn missing(needs: &Has, has: &Has) -> Vec<(Need, i64, i64)> {
    let there = |need: &Need| has.get(need).copied().unwrap_or(0);
    let short = needs.iter().filter(|(need, n)| there(need) < **n);
    short.map(|(need, n)| (*need, there(need), *n)).collect()
}
