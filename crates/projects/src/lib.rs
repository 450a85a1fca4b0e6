//! Projects (改革创新项目、创新课题、“事上练”、试点), research (调研课题) and visits to those one is paired with (结对联系).
//!
//! * Kinds with their stages, roles and what a stage needs are data of packs ([`ProjectKinds`]); a project keeps its kind.
//! * Nobody approves what they proposed, reviews what they wrote, or gives themselves more time: approvals decide, and the day
//!   that was first set stays beside the one that was given.
//! * What is written down on the way is taken back with a reason, never edited; what is closed becomes facts.
//! * Problems of a report and difficulties told during a visit become cases through `commons::findings::Intake`; what is solved
//!   is read from the facts of the case.

mod api;
mod approving;
mod board_page;
mod facts;
mod finding;
mod form_page;
mod kind;
mod list_page;
mod minding;
mod model;
mod module;
mod report_page;
mod reporting;
mod running;
mod samples;
mod searching;
mod service;
mod show_page;
mod source;
mod store;
mod typed;
mod visit_pages;
mod visiting;

pub use approving::Decision;
pub use kind::{
    Choice, Field, FieldKind, Finds, Need, ProjectKind, ProjectKinds, Role, Stage, Timers,
    VisitKind,
};
pub use model::{
    Adopted, Content, Entry, Eyes, Filter, Has, Line, Member, Milestone, More, New, NewEntry,
    Outcome, Parts, Project, Raised, Report, ReportState, State, What, lines, missing,
};
pub use module::module;
pub use reporting::Written;
pub use service::{Projects, Waits, Whole};
pub use source::ProjectFacts;
pub use store::{MIGRATIONS, erase};
pub use visiting::{Difficulty, NewVisit, Pair, Visit, quarter_of};

/// Permission to look at projects and visits of units.
pub const READ: &str = "project.read";
/// Permission to propose and run projects, and to write down visits, of units.
pub const WRITE: &str = "project.write";
/// Permission to review reports and what came of projects of units.
pub const REVIEW: &str = "project.review";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/projects.ftl")),
    ("en", include_str!("../locales/en/projects.ftl")),
];
