//! Requests (事项): somebody wants something of a unit or a person by a day, because of something, until it is
//! answered and who asked confirms it.
//!
//! * [`Case`] is the state machine, without input or output. [`Requests`] keeps it in tables: the state in conditional
//!   updates, what happened as events that nothing changes.
//! * What kinds there are, and who is reminded when, is data of packs ([`RequestKinds`]). A feature that does a kind
//!   itself is its [`Owner`]; any other kind is answered by hand.
//! * A feature asks in its own transaction ([`Requests::ask`]) and shows what came of it ([`Requests::of_source`]).

mod api;
mod case;
mod form_page;
mod kind;
mod list_page;
mod model;
mod module;
mod pages;
mod reminding;
mod searching;
mod service;
mod store;

pub use case::{Act, Case, Hand, State};
pub use form_page::reach;
pub use kind::{RequestKind, RequestKinds};
pub use model::{Ask, Due, Event, Owner, Ref, Request, Said, Source, Tab};
pub use module::module;
pub use pages::tag;
pub use service::{Eyes, Requests};
pub use store::{MIGRATIONS, erase};

/// Permission to ask on behalf of units, and to see what they asked.
pub const ASK: &str = "request.ask";
/// Permission to answer on behalf of units, and to see what they are asked.
pub const ANSWER: &str = "request.answer";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/requests.ftl")),
    ("en", include_str!("../locales/en/requests.ftl")),
];
