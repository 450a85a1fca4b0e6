//! Commitments (责任书、承诺书): letters of kinds from packs, given to people alone or to pairs of superior and subordinate,
//! signed with the password once more; who has not signed; replaced by new ones, the old ones stay.
//!
//! * Kinds with text, fields and years to keep are data of packs ([`LetterKinds`]); a round keeps its kind.
//! * Nobody signs for another. A letter of a pair is whole once the superior countersigned; then it is a fact `pledge`.
//! * Lists of what posts answer for (责任清单) and the yearly self-reports on them (年度履责报告) are in [`lists`].
//! * What was signed is hashed with who and when, and the paper carries the hash.

mod kind;
mod lists;
mod model;
mod module;
mod pages;
mod samples;
mod service;
mod source;
mod store;

pub use kind::{Field, LetterKind, LetterKinds};
pub use lists::{
    AnswerList, AnswerLists, Answering, Figure, Item, List, NewList, PackItem, Report, ReportState,
    ReportView, Seen, Version, items_text, read_items, timeliness,
};
pub use model::{Letter, NewRound, Round, RoundState, Whom};
pub use module::module;
pub use service::Commitments;
pub use source::PledgeFacts;
pub use store::{MIGRATIONS, erase};

/// Permission to see who signed in units.
pub const READ: &str = "commitment.read";
/// Permission to give letters to people of units.
pub const ISSUE: &str = "commitment.issue";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/commitments.ftl")),
    ("en", include_str!("../locales/en/commitments.ftl")),
];
