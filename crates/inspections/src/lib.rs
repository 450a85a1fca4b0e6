//! Inspections (检查督导): checklists in versions, self-checks, inspections on the spot, reviews of files.
//!
//! * Checklists stand on the forms engine of `commons::forms`. Packs bring them, units extend them ([`Edit`]); a version
//!   is put to use by somebody else than who wrote it, and never changes ([`Inspections::keep_packs`]).
mod checklist_pages;
mod drafting;
mod forms;
mod kind;
mod module;
mod samples;
mod service;
mod store;
mod view;

pub use drafting::{Change, Edit, TypedItem, compare};
pub use forms::{Begin, Draft, DraftState, Version};
pub use kind::{Brought, Checklists, InspectionKind, Mode, write_file};
pub use module::module;
pub use service::{Eyes, FindingWords, Inspections};
pub use store::MIGRATIONS;

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
