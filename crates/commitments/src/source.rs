//! What stands behind the facts of commitments.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::service::PLEDGE;
use crate::store;

/// The letters behind facts.
#[derive(Debug, Clone, Copy)]
pub struct PledgeFacts;

impl Source for PledgeFacts {
    fn owns(&self, kind: &str) -> bool {
        kind == PLEDGE
    }

    fn href(&self, fact: &Fact) -> String {
        format!("/commitments/letters/{}", fact.subject)
    }

    fn part(&self, _: &Fact, _: &str) -> Option<Label> {
        None
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
