//! What stands behind the facts of projects and visits.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source};

use crate::facts::{DIFFICULTY, KINDS, MEMBER, PAIR_SOLVED, PROJECT, QUARTER, STARTED, VISIT};
use crate::kind::ProjectKinds;
use crate::model::href;
use crate::store;

/// Projects, entries and visits behind facts.
#[derive(Debug, Clone)]
pub struct ProjectFacts(pub std::sync::Arc<ProjectKinds>);

impl Source for ProjectFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        match fact.kind.as_str() {
            VISIT | QUARTER => format!("/visits/{}", fact.subject),
            DIFFICULTY | PAIR_SOLVED => format!("/visits/of/{}", fact.subject),
            crate::facts::ENTRY | crate::facts::ADOPTED => format!("/projects/of/{}", fact.subject),
            crate::facts::PROBLEM | crate::facts::SOLVED => {
                format!("/projects/of/{}", fact.subject)
            }
            _ => href(fact.subject),
        }
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        match fact.kind.as_str() {
            PROJECT => Some(Label::Key(format!("projects-outcome-{role}"))),
            crate::facts::ENTRY => Some(Label::Key(format!("projects-what-{role}"))),
            MEMBER => {
                let mut roles = self.0.iter().filter_map(|k| k.role(role));
                Some(Label::Text(roles.next()?.name.get(lang).to_owned()))
            }
            STARTED => {
                let values = self
                    .0
                    .iter()
                    .flat_map(|k| &k.fields)
                    .flat_map(|f| &f.values);
                let mut named = values.filter(|v| v.code == role);
                Some(Label::Text(named.next()?.name.get(lang).to_owned()))
            }
            _ => None,
        }
    }

    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>> {
        store::titles(tx, subjects).boxed()
    }
}
