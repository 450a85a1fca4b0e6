//! What the crate speaks of, and the rules that need no database.

use kernel::{
    AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId,
    format_date,
};
use serde::{Deserialize, Serialize};
use web::Access;

use crate::kind::{CampaignKind, Claim};
use crate::{PLAN, READ, REPORT, SCORE};

/// Longest title.
pub(crate) const TITLE: usize = 120;
/// Longest text.
pub(crate) const LONGEST: usize = 20_000;
/// Longest line that says why.
pub(crate) const REASON: usize = 1_000;
/// Measures of a campaign.
const MEASURES: usize = 200;
/// Days that a campaign may take.
const DAYS: i32 = 1_100;

/// Where a campaign stands (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being planned (筹备).
    Planned,
    /// Running (推进).
    Running,
    /// Being wound up: surveyed, scored, summed up (总结).
    Closing,
    /// Closed (已结束).
    Closed,
    /// Called off (已取消).
    CalledOff,
}

/// What moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Begins (启动).
    Start,
    /// Goes over to winding up (转入总结).
    Conclude,
    /// Closes (结束).
    Close,
    /// Is opened again for a correction (更正).
    Reopen,
    /// Is called off (取消).
    CallOff,
}

impl State {
    /// Every one, in order.
    pub const ALL: [Self; 5] = [
        Self::Planned,
        Self::Running,
        Self::Closing,
        Self::Closed,
        Self::CalledOff,
    ];

    /// Its word in tables and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::CalledOff => "called-off",
        }
    }

    /// The state with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// Where an act leads from here; none where it is not possible.
    pub fn after(self, act: Act) -> Option<Self> {
        match (self, act) {
            (Self::Planned, Act::Start) | (Self::Closing, Act::Start) => Some(Self::Running),
            (Self::Running, Act::Conclude) | (Self::Closed, Act::Reopen) => Some(Self::Closing),
            (Self::Closing, Act::Close) => Some(Self::Closed),
            (Self::Planned | Self::Running | Self::Closing, Act::CallOff) => Some(Self::CalledOff),
            _ => None,
        }
    }

    /// Whether something can still be changed in it.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::CalledOff)
    }
}

impl Act {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Conclude,
        Self::Close,
        Self::Reopen,
        Self::CallOff,
    ];

    /// Its word in addresses and events.
    pub fn code(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Conclude => "conclude",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::CallOff => "call-off",
        }
    }

    /// The act with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.code() == code)
    }

    /// Whether somebody has to say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Self::Reopen | Self::CallOff)
    }
}

/// A phase with its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Code of the phase.
    pub code: String,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

impl Stretch {
    /// How it lies to a day: `done`, `now` or `wait`.
    pub fn stands(&self, today: Date) -> &'static str {
        match today {
            day if day > self.to => "done",
            day if day >= self.from => "now",
            _ => "wait",
        }
    }
}

/// A measure of the plan (措施).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its number, which it keeps.
    pub no: i64,
    /// What is to be done.
    pub text: String,
    /// The unit that does it.
    pub unit: UnitId,
    /// By when.
    pub due: Date,
}

/// A claim that a campaign or programme took up (归集口径).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The track it belongs to; empty: to none.
    pub track: String,
    /// Which facts, as it was then.
    pub claim: Claim,
    /// Only those of these categories; empty: all.
    pub categories: Vec<String>,
}

/// What a campaign says; every change is another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Title.
    pub title: String,
    /// What it is for (目标任务).
    pub goals: String,
    /// The leading group (领导小组), a body.
    pub group: Option<Id>,
    /// Its office (办公室), a body.
    pub office: Option<Id>,
    /// The person responsible first (第一责任人).
    pub lead: Option<PersonId>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Phases in order.
    pub phases: Vec<Stretch>,
    /// Measures in order.
    pub measures: Vec<Measure>,
    /// What it claims of the ledger.
    pub claims: Vec<Taken>,
}

/// A campaign, as lists have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Id.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// Hash of its kind as it was when it began.
    pub rule: String,
    /// The unit that runs it.
    pub unit: UnitId,
    /// The campaign above it (上级行动).
    pub parent: Option<Id>,
    /// The programme that it hangs on.
    pub node: Option<Id>,
    /// Where it stands.
    pub state: State,
    /// Whether the units in it see it.
    pub told: bool,
    /// What it says now.
    pub content: Content,
    /// When it was closed.
    pub closed_on: Option<Date>,
    /// Raised by whatever happens to it.
    pub version: i64,
    /// Units that take part.
    pub joined: i64,
    /// Units that do not.
    pub absent: i64,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
}

impl Campaign {
    /// Where it is shown.
    pub fn href(&self) -> String {
        href(self.id)
    }
}

/// Where a campaign is shown.
pub(crate) fn href(id: Id) -> String {
    format!("/campaigns/{id}")
}

/// A campaign to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its id, made with the form: what is sent twice is written once.
    pub id: Id,
    /// Code of its kind.
    pub kind: String,
    /// The unit that runs it.
    pub unit: UnitId,
    /// The campaign above it.
    pub parent: Option<Id>,
    /// The programme that it hangs on.
    pub node: Option<Id>,
    /// What it says.
    pub content: Content,
}

/// A unit named in a campaign (参加单位、不参加单位).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taking {
    /// The unit.
    pub unit: UnitId,
    /// Whether it takes part.
    pub joined: bool,
    /// Why it does not.
    pub reason: String,
    /// Since when.
    pub since: Date,
}

/// Who gave a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The unit of itself (自评).
    Own,
    /// Somebody else of it (检查评分).
    Inspection,
}

impl Side {
    /// Its word in tables and addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Inspection => "inspection",
        }
    }

    /// The side with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Own, Self::Inspection]
            .into_iter()
            .find(|s| s.code() == code)
    }
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
    /// Where they plan and run.
    pub plans: Scope,
    /// Where they report.
    pub reports: Scope,
    /// Where they inspect.
    pub scores: Scope,
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
            person: principal.person,
            reads: held(READ),
            plans: held(PLAN),
            reports: held(REPORT),
            scores: held(SCORE),
        }
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// With this in its title.
    pub text: String,
    /// In this state.
    pub state: Option<State>,
    /// Of this kind.
    pub kind: String,
    /// Run by this unit or one below it.
    pub unit: Option<UnitId>,
    /// In which this unit takes part.
    pub taking: Option<UnitId>,
    /// With a day in this year.
    pub year: Option<i16>,
    /// Below this campaign.
    pub parent: Option<Id>,
    /// Hanging on one of these programmes.
    pub nodes: Option<Vec<Id>>,
}

/// Whether a text is too long or has characters that none should have.
pub(crate) fn unfit(text: &str, most: usize) -> bool {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars().count() > most || text.chars().any(odd)
}

pub(crate) fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

/// Why, in words.
///
/// # Errors
/// `Invalid` for the field `reason` when it is missing where it is needed, or too long.
pub(crate) fn reason_of(text: &str, needed: bool) -> Result<String> {
    if unfit(text, REASON) || (needed && text.trim().is_empty()) {
        let message = Msg::new("campaigns-reason-wrong").with("most", REASON);
        return Err(Error::field("reason", message));
    }
    Ok(tidy(text))
}

impl Content {
    /// What is wrong with it; `within` is the campaign above.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub fn check(&self, kind: &CampaignKind, within: Option<&Content>) -> Result<()> {
        let mut errors: Vec<FieldError> = Vec::new();
        let mut wrong = |field: &str, message: Msg| {
            errors.push(FieldError {
                field: field.to_owned(),
                message,
            });
        };
        let title = self.title.trim();
        if title.chars().count() < 2 || unfit(title, TITLE) || title.contains('\n') {
            wrong(
                "title",
                Msg::new("campaigns-title-wrong").with("most", TITLE),
            );
        }
        if unfit(&self.goals, LONGEST) {
            wrong(
                "goals",
                Msg::new("campaigns-text-wrong").with("most", LONGEST),
            );
        }
        if self.to < self.from || (self.to - self.from).get_days() > DAYS {
            wrong("to", Msg::new("campaigns-days-wrong").with("days", DAYS));
        }
        if let Some(above) = within
            && (self.from < above.from || self.to > above.to)
        {
            let message = Msg::new("campaigns-outside-parent")
                .with("from", format_date(above.from))
                .with("to", format_date(above.to));
            wrong("from", message);
        }
        let codes = self.phases.iter().map(|p| p.code.as_str());
        if !codes.eq(kind.phases.iter().map(|p| p.code.as_str())) {
            wrong("phases", Msg::new("campaigns-phases-unknown"));
        }
        let mut before: Option<&Stretch> = None;
        for phase in &self.phases {
            let field = format!("from-{}", phase.code);
            if phase.to < phase.from || phase.from < self.from || phase.to > self.to {
                wrong(&field, Msg::new("campaigns-phase-outside"));
            } else if before.is_some_and(|b| phase.from < b.from || phase.from <= b.to) {
                wrong(&field, Msg::new("campaigns-phase-order"));
            }
            before = Some(phase);
        }
        let bad = |m: &Measure| m.text.trim().chars().count() < 2 || unfit(&m.text, 500);
        if self.measures.len() > MEASURES || self.measures.iter().any(bad) {
            wrong(
                "measures",
                Msg::new("campaigns-measure-wrong").with("most", MEASURES),
            );
        }
        if let Some(m) = self
            .measures
            .iter()
            .find(|m| m.due < self.from || m.due > self.to)
        {
            let message = Msg::new("campaigns-measure-outside").with("no", m.no);
            wrong("measures", message);
        }
        if self.claims.len() > 40 {
            wrong("claims", Msg::new("campaigns-claims-many").with("most", 40));
        }
        Error::if_any(errors)
    }

    /// The phases of a kind, one after the other from a day on, the last to the end.
    pub fn laid_out(kind: &CampaignKind, from: Date) -> (Vec<Stretch>, Date) {
        let (mut at, mut phases) = (from, Vec::new());
        for phase in &kind.phases {
            let to = at.saturating_add(jiff::Span::new().days(phase.days - 1));
            phases.push(Stretch {
                code: phase.code.clone(),
                from: at,
                to,
            });
            at = to.tomorrow().unwrap_or(to);
        }
        let to = phases.last().map_or(from, |p| p.to);
        (phases, to)
    }
}

/// A number of thousandths as it is shown: `92.5`.
pub(crate) struct Solid(pub(crate) i64);

impl std::fmt::Display for Solid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let rest = format!("{rest:03}");
        write!(f, "{whole}.{}", rest.trim_end_matches('0'))
    }
}
