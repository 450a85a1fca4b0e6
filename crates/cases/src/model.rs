//! What the crate speaks of.

use std::collections::BTreeMap;

use kernel::{AccountId, Date, Id, PersonId, Scope, Timestamp, UnitId};
use web::Access;

use crate::case::{End, Evidence, Measure};
use crate::kind::Stage;
use crate::{HANDLE, RAISE, READ, REPORTER, SUPERVISE};

/// Because of which record a case was raised (来由).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What sort of record.
    pub kind: String,
    /// Its id.
    pub id: Id,
    /// What it was called then.
    pub title: String,
    /// Where it is shown.
    pub href: String,
}

/// Who told of it, where that is not who raised it (反映人). When it is confidential it leaves the page of the case nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reporter {
    /// Name.
    pub name: String,
    /// How to reach them.
    pub contact: String,
    /// Whether it must not be known.
    pub confidential: bool,
}

/// What is to be raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// Made with the form: what is sent twice is raised once.
    pub id: Id,
    /// Code of the kind.
    pub kind: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What else there is to say.
    pub detail: String,
    /// How grave.
    pub severity: String,
    /// Field of work.
    pub area: String,
    /// Where it comes from.
    pub source: String,
    /// The article that is broken.
    pub clause: String,
    /// Further fields.
    pub values: BTreeMap<String, String>,
    /// The unit that has to mend it.
    pub unit: UnitId,
    /// The unit that raises it.
    pub from: UnitId,
    /// The owner.
    pub owner: Option<PersonId>,
    /// Co-owners.
    pub co: Vec<PersonId>,
    /// The supervisor.
    pub supervisor: Option<PersonId>,
    /// Who told of it.
    pub reporter: Option<Reporter>,
    /// Because of which record.
    pub origin: Option<Origin>,
    /// The same within its origin is one case.
    pub key: Option<String>,
    /// Whether what looks like a recurrence is one; none: not asked yet.
    pub recurs: Option<bool>,
    /// What was done on the spot, with the files that show it (即知即改).
    pub fixed: Option<(String, Vec<Evidence>)>,
}

/// A case (问题、督办件、任务……), as lists have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter {
    /// Id.
    pub id: Id,
    /// Its number.
    pub number: String,
    /// Code of the kind.
    pub kind: String,
    /// The kind as it was when it began.
    pub rule: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What else there is to say.
    pub detail: String,
    /// How grave.
    pub severity: String,
    /// Field of work.
    pub area: String,
    /// Where it comes from.
    pub source: String,
    /// The article that is broken.
    pub clause: String,
    /// Further fields.
    pub values: BTreeMap<String, String>,
    /// The unit that has to mend it.
    pub unit: UnitId,
    /// The unit that raised it.
    pub from: UnitId,
    /// The account that raised it; none: the program.
    pub raiser: Option<AccountId>,
    /// The owner.
    pub owner: Option<PersonId>,
    /// The supervisor.
    pub supervisor: Option<PersonId>,
    /// Its state.
    pub state: String,
    /// The stage of that.
    pub stage: Stage,
    /// How it is closed.
    pub end: Option<End>,
    /// Until when it was to be mended first.
    pub due: Date,
    /// The day that counts.
    pub until: Date,
    /// When it was raised.
    pub raised_on: Date,
    /// When it was closed.
    pub closed_on: Option<Date>,
    /// Measures.
    pub measures: i64,
    /// Those that are done.
    pub done: i64,
    /// How often more time was given.
    pub extensions: i64,
    /// How often it was opened again.
    pub reopenings: i64,
    /// How many of the same unit and clause there were before it.
    pub recurred: i64,
    /// When somebody looks back at it next.
    pub look_on: Option<Date>,
    /// Whether that is due.
    pub looking: bool,
    /// The next day on which somebody is reminded of it.
    pub next_on: Option<Date>,
    /// Taken over from an old ledger.
    pub declared: bool,
    /// Whether who told of it must not be known: mail about it says nothing.
    pub confidential: bool,
    /// Because of which record.
    pub origin: Option<Origin>,
    /// How often something happened to it: whoever acts says which state they looked at.
    pub version: i64,
    /// When it was raised.
    pub created_at: Timestamp,
    /// When something last happened.
    pub updated_at: Timestamp,
}

impl Matter {
    /// Its page.
    pub fn href(&self) -> String {
        href(self.id)
    }

    /// Whether it is to be mended since before a day.
    pub fn is_late(&self, today: Date) -> bool {
        self.end.is_none() && self.until < today
    }
}

/// The page of a case.
pub(crate) fn href(id: Id) -> String {
    format!("/cases/{id}")
}

/// A measure with its case, for the list of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The case.
    pub id: Id,
    /// Its number.
    pub number: String,
    /// What is wrong.
    pub title: String,
    /// The unit that has to mend it.
    pub unit: UnitId,
    /// The measure.
    pub measure: Measure,
}

/// What part a person has in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Raised it.
    Raiser,
    /// Owner.
    Owner,
    /// Co-owner, or does a measure.
    Co,
    /// Supervises it.
    Supervisor,
    /// Was named in a comment.
    Named,
}

impl Part {
    /// Its word in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::Raiser => "raiser",
            Self::Owner => "owner",
            Self::Co => "co",
            Self::Supervisor => "supervisor",
            Self::Named => "named",
        }
    }
}

/// Who looks, and where they may do what.
#[derive(Debug, Clone)]
pub struct Eyes {
    /// The account.
    pub account: AccountId,
    /// Its person, where they act for themselves: whose cases they see.
    pub person: Option<PersonId>,
    /// Its person, in whosever place they act: who judges.
    pub me: Option<PersonId>,
    /// The account in whose place it acts.
    pub on_behalf: Option<AccountId>,
    /// Where they may look.
    pub reads: Scope,
    /// Where they may raise.
    pub raises: Scope,
    /// Where they handle for units.
    pub handles: Scope,
    /// Where they supervise.
    pub supervises: Scope,
    /// Where they may know who told of it in confidence.
    pub reporters: Scope,
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
            me: principal.person,
            on_behalf: principal.on_behalf.as_ref().map(|of| of.account),
            reads: held(READ),
            raises: held(RAISE),
            handles: held(HANDLE),
            supervises: held(SUPERVISE),
            reporters: held(REPORTER),
        }
    }
}

/// Which cases a list is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// Those of units (单位问题).
    #[default]
    Unit,
    /// Those that units raised (本单位交办).
    Given,
    /// Those that the reader owns (我牵头).
    Owned,
    /// Those that the reader helps with (我协办).
    Co,
    /// Those that the reader supervises (我督办).
    Supervised,
    /// Those that the reader raised (我登记).
    Raised,
}

impl Tab {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Unit,
        Self::Given,
        Self::Owned,
        Self::Co,
        Self::Supervised,
        Self::Raised,
    ];

    /// Its word in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Given => "given",
            Self::Owned => "owned",
            Self::Co => "co",
            Self::Supervised => "supervised",
            Self::Raised => "raised",
        }
    }

    /// The tab with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.code() == code)
    }

    /// The part that the reader has in these.
    pub fn part(self) -> Option<Part> {
        Some(match self {
            Self::Unit | Self::Given => return None,
            Self::Owned => Part::Owner,
            Self::Co => Part::Co,
            Self::Supervised => Part::Supervisor,
            Self::Raised => Part::Raiser,
        })
    }
}

/// The lists that people ask for (清单).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    /// What is open (问题清单).
    #[default]
    Problems,
    /// Who has to mend what by when (责任清单).
    Duties,
    /// What is closed (销号清单).
    Closed,
    /// Everything (全部).
    All,
}

impl View {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Problems, Self::Duties, Self::Closed, Self::All];

    /// Its word in addresses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Problems => "problems",
            Self::Duties => "duties",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }

    /// The view with this word.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.code() == code)
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Cases of which list.
    pub view: View,
    /// In a stage.
    pub stage: Option<Stage>,
    /// Of a kind.
    pub kind: String,
    /// Of a field of work.
    pub area: String,
    /// Of a severity.
    pub severity: String,
    /// From a source.
    pub source: String,
    /// Of a unit and those below it.
    pub unit: Option<UnitId>,
    /// Late on this day.
    pub late: Option<Date>,
    /// Due from one day to another.
    pub soon: Option<(Date, Date)>,
    /// Raised from one day to another.
    pub raised: Option<(Date, Date)>,
    /// Recurring ones.
    pub recurring: bool,
    /// Those that somebody has to look back at.
    pub looking: bool,
    /// With this in its title or number.
    pub text: Option<String>,
    /// These alone: what a search found.
    pub ids: Option<Vec<Id>>,
}

impl Filter {
    /// Whether the counters of units know how many these are.
    pub(crate) fn is_counted(&self) -> bool {
        self.severity.is_empty()
            && self.source.is_empty()
            && self.late.is_none()
            && self.soon.is_none()
            && self.raised.is_none()
            && !self.recurring
            && !self.looking
            && self.ids.is_none()
            && self.text.is_none()
    }
}
