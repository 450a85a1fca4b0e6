//! Records that are older than the search.

use db::{Db, Tx};
use futures::future::BoxFuture;
use kernel::{Id, Result, UnitId};

use crate::{filled, index, to_fill};

/// A record and what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub record: Id,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// Its words.
    pub words: String,
}

/// Writes the words of old records of a kind, a chunk in a transaction; may be cut off and run again. `next` gives
/// some records after an id, in order of id, and nothing at the end.
pub async fn fill(
    db: &Db,
    kind: &str,
    next: impl for<'t> Fn(&'t mut Tx, Id) -> BoxFuture<'t, Result<Vec<Entry>>>,
) -> Result<()> {
    let mut last = Id::NIL;
    loop {
        let done = db::transaction!(db, |tx| {
            if !to_fill(tx).await?.iter().any(|k| k == kind) {
                return Ok(None);
            }
            let chunk = next(tx, last).await?;
            for entry in &chunk {
                index(tx, kind, entry.record, entry.unit, &entry.words).await?;
            }
            match chunk.last() {
                Some(entry) => Ok(Some(entry.record)),
                None => filled(tx, kind).await.map(|()| None),
            }
        })?;
        match done {
            Some(id) => last = id,
            None => return Ok(()),
        }
    }
}
