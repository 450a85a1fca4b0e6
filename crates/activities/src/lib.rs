//! Activities (活动): study sessions and the like, recorded by roster. Writes facts: `held` once for the
//! organising unit, `attendance` once for each person of the roster.

mod api;
mod attendance;
mod confirm;
mod confirm_pages;
mod kind;
mod levels;
mod list_page;
mod model;
mod pages;
mod samples;
mod searching;
mod service;
mod source;
mod store;

pub use attendance::{Late, LateWriter};
pub use confirm::{History, Outcome};
pub use kind::{ActivityKind, ActivityKinds};
pub use model::{Activity, Confirmation, Mark, New, Part, Role};
pub use pages::module;

pub use service::Activities;
pub use source::ActivityFacts;
pub use store::MIGRATIONS;

/// Permission to see activities and their rosters.
pub const READ: &str = "activity.read";
/// Permission to record and correct them.
pub const RECORD: &str = "activity.record";
/// Permission to take a whole activity back.
pub const REVERSE: &str = "activity.reverse";
/// Permission to confirm what others recorded.
pub const CONFIRM: &str = "activity.confirm";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/activities.ftl")),
    ("en", include_str!("../locales/en/activities.ftl")),
];
