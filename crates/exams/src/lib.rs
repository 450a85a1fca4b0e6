//! Examinations (考试): papers, who may sit them, sittings that never lose an answer, results.
//!
//! Each answer is kept when it changes and acknowledged when it is on disk; those that come together share one
//! transaction. What somebody gets follows from the paper and a seed, which is kept, so that it can be rebuilt.

mod admission;
mod admission_page;
mod appeals;
mod blueprint;
mod blueprint_page;
mod drawing;
mod exam_api;
mod exam_pages;
mod exchange;
mod facts;
mod gaps;
mod handed;
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
mod result_pages;
mod results;
mod results_page;
pub mod room;
mod room_pages;
mod service;
mod signals;
mod sit;
mod sit_pages;
mod sit_samples;
mod sitting;
mod store;
mod telling;
mod ticket;
mod writer;

pub use admission::{Admitted, Change, Of};
pub use appeals::AppealOwner;
pub use blueprint::{Blueprint, Row};
pub use drawing::Titles;
pub use facts::ExamFacts;
pub use handed::Handed;
pub use kinds::{ExamKind, ExamKinds, Gap};
pub use model::{Attempt, Candidate, Exam, How, Refusal, Shows, Stage, Standing, Takes, Terms};
pub use office::{Details, Held, Office};
pub use paper::{Item, MOST_ITEMS, Mark, Paper, Place, Section};
pub use service::{Begun, Exams, Issued, Outcome, Proof, Receipt};
pub use sit::{About, Door, Looked, Outturn};
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
    ("zh-CN", include_str!("../locales/zh-CN/exams-sit.ftl")),
    ("en", include_str!("../locales/en/exams-make.ftl")),
    ("en", include_str!("../locales/en/exams-sit.ftl")),
];

/// What the crate brings to the house.
pub fn module(office: Office, identity: identity::Identity) -> web::Module {
    let messages = MESSAGES.iter();
    let messages = messages.filter_map(|(tag, text)| Some((web::Lang::from_code(tag)?, *text)));
    let exams = office.exams.clone();
    let candidates = sit_pages::routes()
        .merge(result_pages::routes())
        .merge(room_pages::routes())
        .with_state(exams.clone());
    web::Module {
        name: "exams",
        routes: making::routes().with_state(office).merge(candidates),
        direct: lane::routes(exams, identity),
        menu: vec![making::menu(), sit_pages::menu()],
        messages: messages.collect(),
        templates: [making::TEMPLATES, sit_samples::TEMPLATES].concat(),
        samples: [making_samples::all(), sit_samples::all()].concat(),
        openapi: Some(exam_api::openapi()),
        ..web::Module::default()
    }
}
