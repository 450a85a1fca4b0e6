//! A sample of each template, for the test that renders all of them.

use serde_json::Value;

/// Every one.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    Vec::new()
}
