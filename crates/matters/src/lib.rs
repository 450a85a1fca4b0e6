//! Matters reported and asked (请示报告): what is asked of those above and waits for an answer, what they are told, where people
//! go and when they are back.
//!
//! * Kinds with fields, route, days ahead and reports afterwards are data of packs ([`MatterKinds`]); a matter keeps its kind.
//! * What comes too late is taken all the same, and marked. Nobody receives or answers what is theirs; a matter is answered once.
//! * A sealed matter is there for its parties, those on its route and those entitled; for everybody else it does not exist.
//! * What was answered or reported becomes facts; a withdrawal takes them back.

mod afterwards;
mod answering;
mod api;
mod approving;
mod facts;
mod form_page;
mod kind;
mod list_page;
mod minding;
mod model;
mod module;
mod paper;
mod samples;
mod searching;
mod service;
mod show_page;
mod source;
mod store;
mod typed;

pub use approving::Decision;
pub use kind::{Afterwards, Ahead, Basis, Choice, Field, FieldKind, MatterKind, MatterKinds};
pub use model::{Answer, Content, Eyes, Filter, Matter, New, Outcome, Said, State, checked};
pub use module::module;
pub use service::{Matters, Waits, Whole};
pub use source::MatterFacts;
pub use store::{MIGRATIONS, erase};

/// Permission to look at matters of units, but sealed ones.
pub const READ: &str = "matter.read";
/// Permission to write matters of units and to send them.
pub const WRITE: &str = "matter.write";
/// Permission to receive and answer what is sent to units.
pub const ANSWER: &str = "matter.answer";
/// Permission to look at sealed matters of units.
pub const SEALED: &str = "matter.sealed";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/matters.ftl")),
    ("en", include_str!("../locales/en/matters.ftl")),
];
