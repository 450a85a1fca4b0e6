//! Units and people on both engines.

mod audience;
mod bodies;
mod changes;
mod fields;
mod forms;
mod import;
mod lists;
mod numbers;
mod pages;
mod requests;
mod tie_import;
mod ties;
mod trail;
mod tree;
mod uploads;

use kernel::{Date, Scope, UnitId};
use organization::{NewUnit, Organization};
use testkit::TestDb;

fn organization(t: &TestDb) -> Organization {
    Organization::new(t.db.clone(), t.env.clone())
}

fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

async fn add(org: &Organization, parent: Option<UnitId>, code: &str) -> UnitId {
    let new = NewUnit {
        parent,
        code: code.into(),
        name: format!("单位{code}"),
        category: String::new(),
        from: day(1, 1),
    };
    org.add_unit(new, "", None, &Scope::All).await.unwrap()
}

/// Key of the message of an error.
fn key<T: std::fmt::Debug>(result: kernel::Result<T>) -> &'static str {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => errors[0].message.key,
        kernel::Error::Conflict(message) => message.key,
        kernel::Error::NotFound => "not-found",
        kernel::Error::Forbidden => "forbidden",
        other => panic!("{other}"),
    }
}
