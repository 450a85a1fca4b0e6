//! What stands behind the facts of matters.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::facts::{KINDS, MATTER};
use crate::store;

/// Matters behind facts.
#[derive(Debug, Clone, Copy)]
pub struct MatterFacts;

impl Source for MatterFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        crate::model::href(fact.subject)
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        let word = match fact.kind.as_str() {
            MATTER => format!("matters-outcome-{role}"),
            _ => format!("matters-{role}"),
        };
        Some(Label::Key(word))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
