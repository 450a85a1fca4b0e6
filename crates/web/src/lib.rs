//! The web kit: page shell, components, routes with policies, failures, languages, assets.
//!
//! A crate exports one [`Module`]; [`assemble`] makes a router of all of them. Handlers take a
//! [`Shell`] (renders pages for this reader) and an [`Access`] (who asks, and where the route's
//! permission is held) and return `Result<Response, Failure>`.

mod assemble;
mod assets;
mod failure;
mod form;
mod lang;
mod module;
mod own;
mod policy;
mod render;
pub mod samples;
mod shell;
pub mod view;

pub use assemble::{Options, RequestId, assemble};
pub use failure::Failure;
pub use form::{Form, FormError};
pub use lang::{Catalog, Lang};
pub use module::{MenuEntry, MenuGroup, Module, route_table};
pub use policy::{Access, Policy, Principal, RouteRow, Routes, is_local_path, safe_next};
pub use shell::{Brand, Shell, Tenant, cookie, encode};
