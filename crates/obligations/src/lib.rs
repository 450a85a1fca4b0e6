//! Obligations (义务): who must do what how often. Rules come from packs with versions; evidence comes
//! from facts by itself; the state is a pure function of both and of today.

mod api;
mod pages;
mod rule;
mod samples;
mod searching;
mod service;
mod state;

pub use pages::module;
pub use rule::{Cadence, Rule, Rules, Version};
pub use service::{Line, Obligations, Todo};
pub use state::{Occurrence, State, occurrences, state};

/// Permission to see obligations and how they stand.
pub const READ: &str = "obligation.read";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/obligations.ftl")),
    ("en", include_str!("../locales/en/obligations.ftl")),
];
