//! Approvals (审批): a feature asks, the people on a route of the packs agree one after the other, and with the
//! last agreement what was asked for is done, in the same transaction.
//!
//! * What can be asked for is a [`Kind`], registered in code: how it reads, and what is done in the end.
//! * Who decides is a [`Route`] of the packs: steps in order, each with who, how many of them, until when. The
//!   route is frozen in the approval when it is asked for.
//! * [`Case`] is the state machine, without input or output. [`Approvals`] keeps it in tables: the state in
//!   conditional updates, what happened as events that nothing changes.
//!
//! Who asked, and whom it is about, never decides; nobody decides twice in a round. What only the program
//! knows (who holds a role where, passwords, the audit trail) comes through the traits of [`hooks`].

mod api;
mod case;
pub mod hooks;
mod lists;
mod model;
mod module;
mod page_parts;
mod pages;
mod route;
mod service;
mod store;
mod time;

pub use case::{Act, Case, Next, State, Task, TaskState};
pub use hooks::{Deed, Deputies, Directory, Kind, Known, Line, Nobody, Signers, Summary, Trail};
pub use model::{Approval, Asked, By, Event, New, Outcome, Tab, Waiting};
pub use module::module;
pub use notices::term;
pub use route::{At, Mode, Overdue, Route, Routes, Step, Who};
pub use service::Approvals;
pub use store::MIGRATIONS;

/// Permission to see the approvals of a unit in which one has no part.
pub const READ: &str = "approval.read";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/approvals.ftl")),
    ("en", include_str!("../locales/en/approvals.ftl")),
];
