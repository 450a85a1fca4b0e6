//! Identity: accounts (账号), sessions (会话), roles (角色) and the audit trail (审计).
//!
//! Roles are data from packs; a grant gives a role on the subtree of a unit from one day to another. The
//! duties of administrators (三员) exclude each other.
//! [`Identity::layer`] resolves the cookie of a request, or the token of a client, to a `web::Principal`
//! with a scope for every permission. [`record`] writes the audit trail inside the transaction that it is about; no code
//! changes what was written, and a chain of hashes shows it if somebody does.

mod accounts;
mod activation;
mod api;
mod auth;
mod chain;
mod clients;
mod delegation;
mod duties;
mod erasure;
mod holders;
mod ldap;
mod model;
mod module;
mod oidc;
mod outgoing;
mod pages;
mod password;
mod roles;
mod scim;
mod searching;
mod second;
mod service;
mod settings;
mod store;

pub use accounts::check_login;
pub use activation::{Activation, Slip};
pub use chain::{AuditReport, verify_audit};
pub use clients::{Client, NewClient};
pub use delegation::{Delegation, DelegationFilter, NewDelegation};
pub use holders::Held;
pub use model::{
    Account, AccountFilter, AccountState, Actor, Audit, AuditFilter, AuditRow, Author, Door, Duty,
    Grant, NewAccount, NewGrant, NewPassword, Office, OfficeRole, Opened, Role, Session, SignIn,
};
pub use module::module;
pub use roles::Roles;
pub use second::Enrolment;
pub use service::{Identity, record, tell_list};
pub use settings::{Binding, LdapSettings, OidcSettings, Secret, SecuritySettings};
pub use store::MIGRATIONS;

/// Permission to see accounts and their roles.
pub const READ: &str = "identity.read";
/// Permission to open accounts.
pub const MANAGE: &str = "identity.manage";
/// Permission to issue codes and one-time passwords, to disable and enable accounts.
pub const RESET: &str = "identity.reset";
/// Permission to grant roles.
pub const GRANT: &str = "identity.grant";
/// Permission to make API clients, with what one holds oneself.
pub const CLIENT: &str = "identity.client";
/// Permission to provision accounts from a directory (SCIM).
pub const SCIM: &str = "identity.scim";
/// Permission to read the audit trail.
pub const AUDIT: &str = "audit.read";

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/identity.ftl")),
    ("en", include_str!("../locales/en/identity.ftl")),
];
