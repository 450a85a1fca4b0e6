//! What stands behind facts: the features that wrote them say where a thing is shown and what it is called.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use futures::future::BoxFuture;
use kernel::{Id, Result};

use crate::Fact;

/// What something is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// By the messages.
    Key(String),
    /// By a pack.
    Text(String),
}

/// A file that shows what a fact tells of (佐证文件).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// Hash of its content, under which it is kept.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
}

/// A feature that writes facts.
pub trait Source: Send + Sync {
    /// Whether facts of a kind are its own.
    fn owns(&self, kind: &str) -> bool;

    /// Where the thing behind a fact is shown.
    fn href(&self, fact: &Fact) -> String;

    /// What the part that a fact tells of is called, where it has one.
    fn part(&self, fact: &Fact, lang: &str) -> Option<Label>;

    /// What things are called, by subject; those that have no name to show are left out.
    fn titles<'a>(
        &'a self,
        tx: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, String>>>;

    /// The files with things, by subject; of things whose name is not shown none.
    fn files<'a>(
        &'a self,
        _tx: &'a mut Tx,
        _subjects: &'a [Id],
    ) -> BoxFuture<'a, Result<HashMap<Id, Vec<SourceFile>>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }
}

/// All of them.
#[derive(Clone, Default)]
pub struct Sources(Arc<[Arc<dyn Source>]>);

impl Sources {
    /// The features of a house.
    pub fn new(list: Vec<Arc<dyn Source>>) -> Self {
        Self(list.into())
    }

    /// The one that wrote facts of a kind.
    pub fn of(&self, kind: &str) -> Option<&dyn Source> {
        self.0.iter().map(Arc::as_ref).find(|s| s.owns(kind))
    }

    /// What the things behind some facts are called.
    pub async fn titles(&self, tx: &mut Tx, facts: &[Fact]) -> Result<HashMap<Id, String>> {
        let mut found = HashMap::new();
        for source in self.0.iter() {
            let subjects = subjects(source.as_ref(), facts);
            if !subjects.is_empty() {
                found.extend(source.titles(tx, &subjects).await?);
            }
        }
        Ok(found)
    }

    /// The files with the things behind some facts.
    pub async fn files(&self, tx: &mut Tx, facts: &[Fact]) -> Result<HashMap<Id, Vec<SourceFile>>> {
        let mut found = HashMap::new();
        for source in self.0.iter() {
            let subjects = subjects(source.as_ref(), facts);
            if !subjects.is_empty() {
                found.extend(source.files(tx, &subjects).await?);
            }
        }
        Ok(found)
    }
}

/// What a feature's own facts are about, each once.
fn subjects(source: &dyn Source, facts: &[Fact]) -> Vec<Id> {
    let own = facts.iter().filter(|f| source.owns(&f.kind));
    let mut subjects: Vec<Id> = own.map(|f| f.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}
