//! Inspections (检查督导): checklists in versions, self-checks, inspections on the spot, reviews of files.
//!
//! * Checklists stand on the forms engine of `commons::forms`. Packs bring them, units extend them ([`Edit`]); a version
//!   is put to use by somebody else than who wrote it, and never changes ([`Inspections::keep_packs`]).
//! * A plan ([`NewPlan`]) says who looks at whom with which version by when; teams are kept from units they belong to.
//! * A task is filled in section by section; what a device sends is taken once ([`Inspections::put`]). Handing in makes a
//!   result that nothing changes, its facts, and findings for whoever keeps them ([`Inspections::hand_in`]).

mod api;
mod checklist_pages;
mod drafting;
mod facts;
mod fill_page;
mod filling;
mod forms;
mod kind;
mod model;
mod module;
mod owner;
mod plan_pages;
mod planning;
mod preparing;
mod putting;
mod results_page;
mod samples;
mod searching;
mod service;
mod source;
mod store;
mod task_pages;
mod view;

pub use drafting::{Change, Edit, TypedItem, compare};
pub use filling::{Hand, Paper, Standing};
pub use forms::{Begin, Draft, DraftState, Version};
pub use kind::{Brought, Checklists, InspectionKind, Mode, write_file};
pub use model::{
    Belonged, Drawn, Filled, NewPlan, Outcome, Plan, PlanState, Reach, Repeats, Said, Task,
    TaskState, Team, Way, draw, is_recused, spread,
};
pub use module::module;
pub use owner::TaskOwner;
pub use planning::Whole;
pub use preparing::NewTeam;
pub use putting::{Fields, Put, Rival, Taken, mark};
pub use service::{Eyes, FindingWords, Inspections};
pub use source::InspectionFacts;
pub use store::MIGRATIONS;
pub use store::results::{FoundItem, Objection};

/// Permission to see checklists, plans and results.
pub const READ: &str = "inspection.read";
/// Permission to draft checklists and to plan inspections.
pub const PLAN: &str = "inspection.plan";
/// Permission to fill in for a unit, and to object for it.
pub const FILL: &str = "inspection.fill";
/// Permission to put checklists to use, to look self-checks over and to decide about objections.
pub const REVIEW: &str = "inspection.review";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/inspections.ftl")),
    ("en", include_str!("../locales/en/inspections.ftl")),
];
