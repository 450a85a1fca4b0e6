//! The web kit: page shell, components, routes with policies, failures, languages, assets.
//!
//! A crate exports one [`Module`]; [`assemble`] makes a router of all of them. Handlers take a
//! [`Shell`] (renders pages for this reader) and an [`Access`] (who asks, and where the route's
//! permission is held) and return `Result<Response, Failure>`.
//!
//! ```no_run
//! use axum::response::Response;
//! use kernel::Error;
//! use web::{Access, Failure, Form, Module, Policy, Routes, Shell};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Note { title: String }
//!
//! async fn list(shell: Shell, access: Access) -> Result<Response, Failure> {
//!     let rows: Vec<String> = read(&access.scope)?;
//!     shell.page("notes/list.html", serde_json::json!({ "rows": rows }))
//! }
//!
//! async fn create(shell: Shell, axum::Form(note): axum::Form<Note>) -> Result<Response, Failure> {
//!     match write(&note) {
//!         Ok(()) => shell.done("/notes", "notes-saved"),
//!         Err(e) => {
//!             // Only refused input comes back here, with what was typed; other errors are pages.
//!             let form = Form::of(&note).reject(&shell, e)?;
//!             shell.refused("notes/form.html", serde_json::json!({ "form": form }))
//!         }
//!     }
//! }
//!
//! fn module() -> Module {
//!     Module {
//!         name: "notes",
//!         routes: Routes::new()
//!             .get("/notes", Policy::Permission("note.read"), list)
//!             .post("/notes", Policy::Permission("note.write"), create),
//!         ..Module::default()
//!     }
//! }
//! # fn read(_: &kernel::Scope) -> Result<Vec<String>, Error> { Ok(vec![]) }
//! # fn write(_: &Note) -> Result<(), Error> { Ok(()) }
//! ```
//!
//! In templates: `t("key", name=value)`, `icon("name")`, `asset("app.css")`, `spark(values)`,
//! `bar(percent, "ok")`, filters `number`, `date`, `datetime` (microseconds), and the macros of
//! `components.html`. `shell` holds what `layout.html` shows of the reader. Nothing (null) prints
//! nothing; an undefined name is an error.

mod assemble;
mod assets;
mod failure;
mod form;
mod lang;
mod module;
mod own;
mod policy;
mod qr;
mod render;
pub mod samples;
mod searching;
mod secrecy;
mod shell;
pub mod table;
pub mod view;

pub use assemble::{Options, RequestId, assemble};
pub use failure::Failure;
pub use form::{Form, FormError};
pub use lang::{Catalog, Lang};
pub use module::{MenuEntry, MenuGroup, Module, route_table};
pub use policy::{
    Access, ClientAddress, OnBehalf, Policy, Principal, RouteRow, Routes, is_local_path, safe_next,
};
pub use qr::{Origin, qr};
pub use searching::{Asked, Hit, Hits, SearchSource};
pub use secrecy::{Secrecy, SecrecyCheck};
pub use shell::{Brand, CSV, Shell, Tenant, XLSX, attachment, cookie, encode};

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/web.ftl")),
    ("en", include_str!("../locales/en/web.ftl")),
];
