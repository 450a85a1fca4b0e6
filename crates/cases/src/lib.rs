//! Cases (问题台账): something is wrong, or is to be done; somebody owns it until it is mended, somebody else accepts it, and
//! after a while somebody looks back whether it held.
//!
//! * [`Case`] is the state machine, without input or output: what happened, in order, gives how it stands. [`Cases`] keeps
//!   events that nothing changes, and beside them a row for lists.
//! * Kinds with their vocabulary, states, moves, days and ladder of reminders are data of packs ([`CaseKinds`]); a case
//!   keeps its kind as it was when it began.
//! * More time, handing over and closing with an explanation go through approvals; the day a case was due first never
//!   changes.
//! * A feature raises findings in its own transaction through `commons::findings::Intake`, which [`Cases`] is.

// What a page of a case shows is one value of many fields.
#![recursion_limit = "256"]

mod api;
mod approving;
mod board_page;
mod case;
mod evaluating;
mod exposing;
mod facts;
mod form_page;
mod history;
mod import;
mod import_page;
mod intake;
mod kind;
mod list_page;
mod minding;
mod model;
mod module;
mod pages;
mod paper_kind;
mod papers;
mod raising;
mod remedy;
mod remedy_page;
mod samples;
mod searching;
mod service;
mod sheet;
mod source;
mod store;
mod telling;
mod telltale;
mod tracing;

pub use approving::{CLOSING, Decision, EXTENSION};
pub use case::{Act, Case, End, Event, Evidence, Hand, Measure, Pending, Remedy};
pub use history::Past;
pub use kind::{
    CaseKinds, Choice, Field, FieldType, Kind, Move, Need, Reached, RemedyKind, Rung, Severity,
    Side, Stage, StateRule, Verb, When,
};
pub use model::{Eyes, Filter, Matter, Origin, Part, Raise, Reporter, Tab, Task, View};
pub use remedy::{AskRemedy, Asked};

pub use module::module;
pub use paper_kind::{PaperKind, Sender};
pub use service::{Ask, Cases, Said, Whole};
pub use source::CaseFacts;
pub use store::erase;

pub use store::MIGRATIONS;

/// Permission to see cases of units.
pub const READ: &str = "case.read";
/// Permission to raise cases.
pub const RAISE: &str = "case.raise";
/// Permission to mend cases on behalf of units.
pub const HANDLE: &str = "case.handle";
/// Permission to assign, accept and refuse cases of units.
pub const SUPERVISE: &str = "case.supervise";
/// Permission to know who told of a case in confidence.
pub const REPORTER: &str = "case.reporter";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/cases.ftl")),
    ("en", include_str!("../locales/en/cases.ftl")),
];
