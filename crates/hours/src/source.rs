//! What stands behind the facts of hours.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::rules::HourRules;
use crate::{service, store};

/// Recognised hours of outside training: category = way, role = content, quantity = hours in thousandths, score = days
/// in hundredths, minutes = hours by the minutes of the way.
pub(crate) const HOURS: &str = "hours";

/// The records behind facts.
#[derive(Debug, Clone)]
pub struct HourFacts(pub Arc<HourRules>);

impl Source for HourFacts {
    fn owns(&self, kind: &str) -> bool {
        kind == HOURS
    }

    fn href(&self, fact: &Fact) -> String {
        service::href(fact.subject)
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        let content = self.0.content(role);
        let name = content.map_or(role, |c| c.name.get(lang));
        Some(Label::Text(name.to_owned()))
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
