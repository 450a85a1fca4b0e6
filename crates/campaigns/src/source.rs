//! What stands behind the facts of campaigns.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::KINDS;
use crate::model::href;
use crate::store;

/// The campaigns behind facts.
#[derive(Debug, Clone, Copy)]
pub struct CampaignFacts;

impl Source for CampaignFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        href(fact.subject)
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        Some(Label::Key(format!("campaigns-{role}")))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }

    fn files<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, Vec<SourceFile>>>> {
        store::parts::files(tx, subjects).boxed()
    }
}
