//! What stands behind the facts of activities.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::store;

/// The activities behind facts.
#[derive(Debug, Clone, Copy)]
pub struct ActivityFacts;

impl Source for ActivityFacts {
    fn owns(&self, kind: &str) -> bool {
        matches!(kind, "held" | "attendance")
    }

    fn href(&self, fact: &Fact) -> String {
        format!("/activities/{}", fact.activity())
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        fact.role
            .as_ref()
            .map(|role| Label::Key(format!("role-{role}")))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
