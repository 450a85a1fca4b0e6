//! Tasks (目标任务): the year's goals decomposed into entries with owner and months; monthly reports, written from what is
//! known and accepted by somebody else; duties and the gaps in them; practical things for people with their satisfaction.
//!
//! * A plan is issued by somebody who did not write it; after that it changes by versions with a reason, never silently.
//! * What an entry counts is counted from the ledger; nothing is reset at New Year: unfinished entries are carried over by a
//!   deed that links both.
//! * An entry is reached when its unit reported so and somebody else accepted the report; then it is a fact `task-entry`.

mod api;
mod duties;
mod duties_page;
mod entries;
mod entry_form;
mod entry_page;
mod facts;
mod figures;
mod importing;
mod kind;
mod list_page;
mod matrix_page;
mod minding;
mod model;
mod module;
mod plan_page;
mod plans;
mod practical;
mod practical_page;
mod report_page;
mod reports;
mod samples;
mod scores_page;
mod searching;
mod service;
mod source;
mod store;
mod typed;

pub use duties::{Catalogued, Duty, Gap, gaps};
pub use kind::{
    Catalogue, Claim, Count, Frequency, OwnerKind, PackDuty, PlanKind, PracticalKind, TaskWords,
};
pub use model::{
    Content, Entry, EntryState, Eyes, Line, Milestone, Plan, PlanAct, PlanState, Report,
    ReportState, month_of, month_text, rolled,
};
pub use module::module;
pub use plans::NewPlan;
pub use practical::{NewPractical, Practical, PracticalState};
pub use reports::{Judgement, Owed, Written};
pub use service::Tasks;
pub use source::TaskFacts;
pub use store::entries::EntryFilter;
pub use store::reports::ReportFilter;
pub use store::{Event, MIGRATIONS, PlanFilter, Version, erase};

/// Permission to see plans, reports, duties and practical things of units.
pub const READ: &str = "task.read";
/// Permission to write plans of units, to hand entries down, to change them with a reason, to keep duties.
pub const PLAN: &str = "task.plan";
/// Permission to issue plans that somebody else wrote.
pub const ISSUE: &str = "task.issue";
/// Permission to report for units.
pub const REPORT: &str = "task.report";
/// Permission to accept what somebody else reported.
pub const REVIEW: &str = "task.review";

/// Days before its end on which an entry stands in its person's to-do list.
pub const SOON: i64 = 14;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/tasks.ftl")),
    ("en", include_str!("../locales/en/tasks.ftl")),
];
