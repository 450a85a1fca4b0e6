//! What stands behind the facts of commitments.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::lists::SELF_REPORT;
use crate::service::PLEDGE;
use crate::store;

/// The letters and self-reports behind facts.
#[derive(Debug, Clone, Copy)]
pub struct PledgeFacts;

impl Source for PledgeFacts {
    fn owns(&self, kind: &str) -> bool {
        [PLEDGE, SELF_REPORT].contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        match fact.kind.as_str() {
            SELF_REPORT => format!("/answering/reports/{}", fact.subject),
            _ => format!("/commitments/letters/{}", fact.subject),
        }
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        Some(Label::Key(format!("commitments-report-{role}")))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
