//! Examinations (考试): papers, who may sit them, sittings that never lose an answer, results.
//!
//! Each answer is kept when it changes and acknowledged when it is on disk; those that come together share one
//! transaction. What somebody gets follows from the paper and a seed, which is kept, so that it can be rebuilt.

mod admission;
mod admission_page;
mod blueprint;
mod blueprint_page;
mod drawing;
mod exam_api;
mod exam_pages;
mod facts;
mod kinds;
mod lane;
mod making;
mod making_samples;
mod model;
mod office;
mod paper;
mod paper_page;
mod print;
mod question_view;
mod receipt;
mod results;
mod results_page;
mod service;
mod sitting;
mod store;
mod ticket;
mod writer;

pub use admission::{Admitted, Change, Of};
pub use blueprint::{Blueprint, Row};
pub use facts::ExamFacts;
pub use kinds::{ExamKind, ExamKinds};
pub use model::{Attempt, Candidate, Exam, How, Refusal, Shows, Stage, Standing, Takes, Terms};
pub use office::{Details, Held, Office};
pub use paper::{Item, MOST_ITEMS, Mark, Paper, Place, Section};
pub use service::{Begun, Exams, Issued, Outcome, Proof, Receipt};
pub use sitting::Given;
pub use store::MIGRATIONS;

/// Permission to see examinations.
pub const READ: &str = "exam.read";
/// Permission to make and publish examinations, and to admit people.
pub const WRITE: &str = "exam.write";
/// Permission to run the room: more time, other devices, incidents.
pub const SUPERVISE: &str = "exam.supervise";
/// Permission to read results, to release them, to mark anew.
pub const RESULTS: &str = "exam.results";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/exams.ftl")),
    ("zh-CN", include_str!("../locales/zh-CN/exams-make.ftl")),
    ("en", include_str!("../locales/en/exams.ftl")),
    ("en", include_str!("../locales/en/exams-make.ftl")),
];

/// What the crate brings to the house.
pub fn module(office: Office, identity: identity::Identity) -> web::Module {
    let texts = MESSAGES.iter();
    let texts = texts.filter_map(|(tag, text)| Some((web::Lang::from_code(tag)?, *text)));
    web::Module {
        name: "exams",
        direct: lane::routes(office.exams.clone(), identity),
        routes: making::routes().with_state(office),
        menu: vec![making::menu()],
        messages: texts.collect(),
        templates: making::TEMPLATES.to_vec(),
        samples: making_samples::all(),
        openapi: Some(exam_api::openapi()),
        ..web::Module::default()
    }
}
