//! Obligations (义务): who must do what how often. Rules come from packs with versions; evidence comes
//! from facts by itself; the state is a pure function of both and of today.

mod api;
mod changes;
mod draw;
mod draw_pages;
mod excuse;
mod excuse_pages;
mod excusing;
mod inspection;
mod inspection_page;
mod inspection_pages;
mod inspection_zip;
mod pack;
mod pages;
mod reminder_pages;
mod reminding;
mod rule;
mod rule_page;
mod samples;
mod searching;
mod service;
mod state;
mod states_export;
mod store;
mod subjects;

pub use draw::{Draw, Wanted, draw, seed_of, seed_text};
pub use excuse::{ExcuseKind, Term, settle};
pub use excusing::{Act, Asker, Excuse, ExcuseFilter, ExcuseState, NewExcuse};
pub use inspection::{INSPECTION_JOB, InspectionPack, InspectionState, Wanted as PackWanted};
pub use kernel::Spans;
pub use pages::module;
pub use reminding::{Planned, Reminder, hits};
pub use rule::{
    Cadence, Change, Checklist, Joiners, Named, On, Rule, RuleSet, Rules, Subject as SubjectKind,
    Timer, To, Version, Who,
};
pub use service::{Counts, Line, Obligations, Todo};
pub use state::{Need, Occurrence, Standing, State, after, occurrences, owed, standing};
pub use store::MIGRATIONS;
pub use subjects::Subject;

/// Permission to see obligations and how they stand.
pub const READ: &str = "obligation.read";

/// Permission to grant or refuse excuses that somebody else asked for.
pub const EXCUSE: &str = "obligation.excuse";

/// Permission to make inspection packs.
pub const PACK: &str = "obligation.pack";

/// Permission to have people's names written out in them.
pub const NAMES: &str = "obligation.names";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/obligations.ftl")),
    ("en", include_str!("../locales/en/obligations.ftl")),
];
