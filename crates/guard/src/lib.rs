//! The burden guard (减负护栏): what central rules call a burden (points, rankings, weekly digests, compulsory check-in,
//! durations online) is off. A row switches one on: with its legal basis, for a subtree of units, for a year at most,
//! proposed by the system administrator and confirmed by the security administrator. It ends by itself, and either
//! takes it back at once. Every room asks here before it does such a thing.

mod model;
mod pages;
mod samples;
mod service;
mod store;

pub use model::{Basis, Case, Standing, Switch};
pub use pages::module;
pub use service::{Guard, New};
pub use store::MIGRATIONS;

/// Permission to see what was proposed, and to take back what is on.
pub const READ: &str = "guard.read";
/// Permission to propose that something is switched on.
pub const PROPOSE: &str = "guard.propose";
/// Permission to confirm or decline what somebody else proposed.
pub const CONFIRM: &str = "guard.confirm";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/guard.ftl")),
    ("en", include_str!("../locales/en/guard.ftl")),
];
