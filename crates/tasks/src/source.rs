//! What stands behind the facts of tasks.

use std::collections::HashMap;

use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Id, Result};
use ledger::{Fact, Label, Source, SourceFile};

use crate::facts::{ENTRY, KINDS};
use crate::store;

/// The entries, reports and practical things behind facts.
#[derive(Debug, Clone, Copy)]
pub struct TaskFacts;

impl Source for TaskFacts {
    fn owns(&self, kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    fn href(&self, fact: &Fact) -> String {
        let room = match fact.kind.as_str() {
            ENTRY => "entries",
            kind if kind.starts_with("task-report") => "reports",
            _ => "practical",
        };
        format!("/tasks/{room}/{}", fact.subject)
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        let role = fact.role.as_deref()?;
        Some(Label::Key(format!("tasks-role-{role}")))
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
        store::practicals::files(tx, subjects).boxed()
    }
}
