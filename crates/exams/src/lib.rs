//! Examinations (考试): papers, who may sit them, sittings that never lose an answer, results.
//!
//! Each answer is kept when it changes and acknowledged when it is on disk; those that come together share one
//! transaction. What somebody gets follows from the paper and a seed, which is kept, so that it can be rebuilt.

mod lane;
mod model;
mod paper;
mod receipt;
mod service;
mod sitting;
mod store;
mod ticket;
mod writer;

pub use model::{Attempt, Candidate, Exam, How, Refusal, Shows, Stage, Standing, Takes, Terms};
pub use paper::{Item, MOST_ITEMS, Mark, Paper, Place, Section};
pub use service::{Begun, Exams, Issued, Outcome, Proof, Receipt};
pub use sitting::Given;
pub use store::MIGRATIONS;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/exams.ftl")),
    ("en", include_str!("../locales/en/exams.ftl")),
];

/// What the crate brings to the house.
pub fn module(exams: Exams, identity: identity::Identity) -> web::Module {
    web::Module {
        name: "exams",
        direct: lane::routes(exams, identity),
        messages: vec![
            (web::Lang::Zh, MESSAGES[0].1),
            (web::Lang::En, MESSAGES[1].1),
        ],
        openapi: Some(lane::openapi()),
        ..web::Module::default()
    }
}
