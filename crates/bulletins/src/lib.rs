//! Bulletins (简报、信息): written by a unit, free or from something that was held, reviewed by somebody else,
//! published with an issue number that is given once and never again. Which kinds there are comes from packs. Writes
//! facts `bulletin`: one a published bulletin.

mod api;
mod facts;
mod flow;
mod form_page;
mod kind;
mod list_page;
mod model;
mod pages;
mod paper;
mod samples;
mod searching;
mod service;
mod show_page;
mod source;
mod store;

pub use flow::Verdict;
pub use kind::{BulletinKind, BulletinKinds, Counter, Reviewers, Section};
pub use model::{Bulletin, Content, Given, Issue, New, State};
pub use pages::module;
pub use service::{Bulletins, Sight};
pub use source::BulletinFacts;
pub use store::{Event, MIGRATIONS};

/// Permission to read what is published, and what was.
pub const READ: &str = "bulletin.read";
/// Permission to write bulletins for units and to hand them in.
pub const WRITE: &str = "bulletin.write";
/// Permission to publish what others wrote, to return it, to withdraw what is published.
pub const REVIEW: &str = "bulletin.review";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/bulletins.ftl")),
    ("en", include_str!("../locales/en/bulletins.ftl")),
];
