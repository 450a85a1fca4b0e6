//! Examinations (考试): papers, who may sit them, sittings that never lose an answer, results.
//!
//! Each answer is kept when it changes and acknowledged when it is on disk; those that come together share one
//! transaction. What somebody gets follows from the paper and a seed, which is kept, so that it can be rebuilt.

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
