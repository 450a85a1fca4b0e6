//! What stands behind the facts of inspections.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::{FINDING, INSPECTION};
use crate::kind::Checklists;
use crate::planning::task_href;
use crate::service::FindingWords;
use crate::store;
use crate::view::name_of;

/// The inspections behind facts.
#[derive(Debug, Clone)]
pub struct InspectionFacts(pub Arc<Checklists>, pub FindingWords);

impl Source for InspectionFacts {
    fn owns(&self, kind: &str) -> bool {
        [INSPECTION, FINDING].contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        task_href(fact.subject)
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        let name = match fact.kind == INSPECTION {
            true => self.0.kind(role).map_or(role, |k| k.name.get(lang)),
            false if self.1.severities.iter().any(|(code, _)| code == role) => {
                name_of(&self.1.severities, role, lang)
            }
            false => return Some(Label::Key("inspection-severity-unsaid".into())),
        };
        Some(Label::Text(name.to_owned()))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::results::titles(tx, subjects).boxed()
    }

    fn files<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, Vec<SourceFile>>>> {
        store::results::files(tx, subjects).boxed()
    }
}
