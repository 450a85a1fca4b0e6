//! What stands behind the facts of registers.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::{KINDS, NUMBER, PERSON};
use crate::register::Registers;
use crate::store;

/// The entries behind facts.
#[derive(Debug, Clone)]
pub struct RegisterFacts(pub Arc<Registers>);

impl Source for RegisterFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        let register = fact.category.as_deref().unwrap_or_default();
        format!("/registers/{register}/entries/{}", fact.subject)
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        let register = fact.category.as_deref().and_then(|c| self.0.get(c));
        let name = register.map_or(role, |register| match fact.kind.as_str() {
            PERSON => register.role_name(role, lang),
            NUMBER => register.field(role).map_or(role, |f| f.name.get(lang)),
            _ => {
                let class = register.class_field().and_then(|f| f.choice(role));
                class.map_or(role, |c| c.name.get(lang))
            }
        });
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
