//! Examinations (考试): papers, who may sit them, sittings that never lose an answer, results.
//!
//! Each answer is kept when it changes and acknowledged when it is on disk; those that come together share one
//! transaction. What somebody gets follows from the paper and a seed, which is kept, so that it can be rebuilt.

mod appeals;
mod lane;
mod model;
mod paper;
mod receipt;
mod result_pages;
pub mod room;
mod room_pages;
mod service;
mod signals;
mod sit;
mod sit_pages;
mod sit_samples;
mod sitting;
mod store;
mod ticket;
mod writer;

pub use appeals::AppealOwner;
pub use model::{Attempt, Candidate, Exam, How, Refusal, Shows, Stage, Standing, Takes, Terms};
pub use paper::{Item, MOST_ITEMS, Mark, Paper, Place, Section};
pub use service::{Begun, Exams, Issued, Outcome, Proof, Receipt};
pub use sit::{About, Door, Looked, Outturn};
pub use sitting::Given;
pub use store::MIGRATIONS;

/// Permission to supervise examinations: the room, more time, another device, questions about results.
pub const SUPERVISE: &str = "exam.supervise";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/exams.ftl")),
    ("en", include_str!("../locales/en/exams.ftl")),
    ("zh-CN", include_str!("../locales/zh-CN/exams-sit.ftl")),
    ("en", include_str!("../locales/en/exams-sit.ftl")),
];

/// What the crate brings to the house.
pub fn module(exams: Exams, identity: identity::Identity) -> web::Module {
    let messages = MESSAGES.iter();
    let messages = messages.filter_map(|(tag, text)| Some((web::Lang::from_code(tag)?, *text)));
    let pages = sit_pages::routes()
        .merge(result_pages::routes())
        .merge(room_pages::routes());
    web::Module {
        name: "exams",
        routes: pages.with_state(exams.clone()),
        direct: lane::routes(exams, identity),
        menu: vec![web::MenuEntry {
            group: web::MenuGroup::Work,
            order: 26,
            label_key: "menu-my-exams",
            href: "/my/exams",
            icon: "ballpen",
            permission: None,
        }],
        messages: messages.collect(),
        templates: sit_samples::TEMPLATES.to_vec(),
        samples: sit_samples::all(),
        openapi: Some(lane::openapi()),
        ..web::Module::default()
    }
}
