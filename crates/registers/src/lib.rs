//! Registers (台账登记册): honours, rules, reports, visits, disputes and whatever else is counted though nobody
//! attends it. What there is and what an entry says comes from packs. Writes facts: `entry`, `entry-person`,
//! `entry-number`, `entry-closed`.

mod api;
mod closing;
mod entry_page;
mod evidence;
mod facts;
mod form_page;
mod import;
mod import_page;
mod list_page;
mod model;
mod pages;
mod register;
mod review;
mod review_page;
mod samples;
mod searching;
mod service;
mod sheet;
mod source;
mod store;

pub use model::{Attached, Content, Entry, Given, Named, New, State};
pub use pages::module;
pub use register::{Choice, Evidence, Field, Kind, People, Register, Registers};
pub use review::{Outcome, Verdict};
pub use service::{Event, RegisterBook};
pub use source::RegisterFacts;
pub use store::MIGRATIONS;

/// Permission to see entries and their evidence.
pub const READ: &str = "register.read";
/// Permission to enter, correct and close.
pub const WRITE: &str = "register.write";
/// Permission to accept or return what others entered.
pub const REVIEW: &str = "register.review";
/// Permission to take an entry back.
pub const REVERSE: &str = "register.reverse";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/registers.ftl")),
    ("en", include_str!("../locales/en/registers.ftl")),
];
