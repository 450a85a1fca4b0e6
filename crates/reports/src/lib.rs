//! Reports (报告): text and figures from a template of a pack, frozen at a size of the ledger. The page and
//! the docx print the same stored figures, and each opens down to the rows it was made of.

mod api;
mod checks;
mod document;
mod drafts;
mod form_page;
mod pages;
mod paper;
mod paper_page;
mod samples;
mod searching;
mod service;
mod sheet;
mod store;
mod template;

pub use checks::Check;
pub use drafts::Schedule;
pub use pages::module;
pub use paper::{Paper, Version};
pub use service::{Body, Reports, Saved, Segment, State, Wanted};
pub use store::MIGRATIONS;
pub use template::{Template, Templates};

/// Permission to see reports.
pub const READ: &str = "report.read";
/// Permission to make them.
pub const WRITE: &str = "report.write";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/reports.ftl")),
    ("en", include_str!("../locales/en/reports.ftl")),
];
