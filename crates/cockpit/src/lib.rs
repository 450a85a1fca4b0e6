//! The leader's page (领导驾驶舱): one sentence first, then what needs attention, then numbers; every number opens to
//! what it is made of, and every picture is a table as well. Views are data of the packs.

mod attention;
mod chart;
mod page;
mod samples;
mod view;

pub use attention::{Concern, Desk, Event, Put};
pub use page::{Cockpit, module};
pub use view::{View, Views};

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/cockpit.ftl")),
    ("en", include_str!("../locales/en/cockpit.ftl")),
];
