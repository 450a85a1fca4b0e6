//! What stands behind the facts of cases.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::{AREA, ASKED, CLOSED, HELD, KINDS, PRAISED};
use crate::kind::CaseKinds;
use crate::model::href;
use crate::store;

/// The cases behind facts.
#[derive(Debug, Clone)]
pub struct CaseFacts(pub Arc<CaseKinds>);

impl Source for CaseFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        href(fact.subject)
    }

    fn part(&self, fact: &Fact, lang: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        if fact.kind == CLOSED || fact.kind == HELD {
            return Some(Label::Key(format!("cases-end-{role}")));
        }
        let kind = fact.category.as_deref().and_then(|code| self.0.get(code));
        let name = kind.map_or(role, |kind| match fact.kind.as_str() {
            AREA => kind.area_name(role, lang),
            ASKED | PRAISED => kind.field_name(role, lang),
            _ => kind.severity_name(role, lang),
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
        store::list::files(tx, subjects).boxed()
    }
}
