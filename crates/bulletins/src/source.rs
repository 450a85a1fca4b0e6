//! What stands behind the facts of bulletins.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::BULLETIN;
use crate::flow::href;
use crate::kind::BulletinKinds;
use crate::store;

/// The bulletins behind facts.
#[derive(Debug, Clone)]
pub struct BulletinFacts(pub Arc<BulletinKinds>);

impl Source for BulletinFacts {
    fn owns(&self, kind: &str) -> bool {
        kind == BULLETIN
    }

    fn href(&self, fact: &Fact) -> String {
        href(fact.subject)
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let kind = fact.category.as_deref()?;
        let name = match (&fact.role, self.0.get(kind)) {
            (Some(section), Some(kind)) => kind.section(section, lang),
            _ => self.0.name(kind, lang),
        };
        Some(Label::Text(name.to_owned()))
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
        store::files(tx, subjects).boxed()
    }
}
