//! The ledger of study hours (学时台账). Hours of activities come from attendance facts by rules of packs, never stored
//! twice; outside training is entered, reviewed by somebody else and written as facts of kind `hours`; how people
//! stand with what they must reach is computed from both.

mod api;
mod book;
mod credit;
mod evidence;
mod form_page;
mod import;
mod import_page;
mod list_page;
mod model;
mod pack;
mod pages;
mod record_page;
mod review_page;
mod rules;
mod samples;
mod service;
mod sheet_page;
mod source;
mod standing;
mod store;

pub use book::PersonYear;
pub use credit::{Credit, credits, total};
pub use kernel::Spans;
pub use model::{Attached, Entry, Given, New, Record, Stage, print, thousandths};
pub use pages::module;
pub use rules::{
    Basis, Confidence, Content, Count, Form, HourRules, Joiners, LeaveLimit, Part, Requirement,
    RequirementVersion, Rule, RuleVersion, Slot, Way, Which, Who, Window,
};
pub use service::{Event, Hours, Outcome, Verdict};
pub use source::HourFacts;
pub use standing::{Around, PartStanding, Span, Standing, State, spans, standing};
pub use store::MIGRATIONS;

/// Permission to see the hours of others.
pub const READ: &str = "hours.read";
/// Permission to enter outside training for others, to import it and to take it back.
pub const RECORD: &str = "hours.record";
/// Permission to accept or return what others entered.
pub const REVIEW: &str = "hours.review";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/hours.ftl")),
    ("en", include_str!("../locales/en/hours.ftl")),
];
