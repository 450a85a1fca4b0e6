//! Where problems are kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commons::findings::{Finder, Finding, Found, Intake};
use db::{Db, Tx};
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Env, FactId, Id, Result};
use ledger::{Fact, Ledger, PlaceId};
use organization::Organization;

use crate::Ground;

type Kept = Vec<(Id, Found)>;

/// A room that keeps problems: it writes a fact of each, and one when it is solved, as cases do.
#[derive(Clone)]
pub struct Problems {
    org: Organization,
    ledger: Ledger,
    env: Env,
    kept: Arc<Mutex<Kept>>,
}

impl Problems {
    pub(crate) fn new(ground: &Ground) -> Self {
        Self {
            org: ground.org.clone(),
            ledger: ground.ledger.clone(),
            env: ground.env.clone(),
            kept: Arc::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every case: solved, or otherwise.
    pub async fn end(&self, db: &Db, solved: bool) {
        let cases: Vec<Id> = {
            let mut kept = self.kept();
            kept.iter_mut().for_each(|(_, f)| f.closed = true);
            kept.iter().map(|(_, f)| f.id).collect()
        };
        db::transaction!(db, |tx| {
            for id in &cases {
                let standing = self.ledger.standing(tx, *id).await?;
                let mut fact = standing[0].clone();
                fact.id = self.env.new_id();
                fact.kind = "case-closed".into();
                fact.role = Some(if solved { "solved" } else { "transferred" }.into());
                self.ledger.append(tx, &[fact]).await?;
            }
            Ok(())
        })
        .expect("facts");
    }

    /// Opens every case again: its closing is taken back.
    pub async fn again(&self, db: &Db) {
        let cases: Vec<Id> = {
            let mut kept = self.kept();
            kept.iter_mut().for_each(|(_, f)| f.closed = false);
            kept.iter().map(|(_, f)| f.id).collect()
        };
        db::transaction!(db, |tx| {
            for id in &cases {
                let standing = self.ledger.standing(tx, *id).await?;
                let ends = standing.iter().filter(|f| f.kind == "case-closed");
                let ends: Vec<FactId> = ends.map(|f| f.id).collect();
                self.ledger.reverse(tx, &ends, None).await?;
            }
            Ok(())
        })
        .expect("facts");
    }
}

impl Intake for Problems {
    fn raise<'a>(
        &'a self,
        tx: &'a mut Tx,
        f: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        async move {
            let known = |all: &Kept| all.iter().find(|(_, x)| x.key == f.key).map(|(_, x)| x.id);
            if let Some(id) = known(&self.kept()) {
                return Ok(id);
            }
            let (id, day): (Id, _) = (self.env.new_id(), self.env.today());
            let path = self
                .org
                .paths_on(tx, &[(f.unit, day)])
                .await?
                .remove(&(f.unit, day))
                .expect("facts");
            self.ledger.place(tx, &path).await?;
            let now = self.env.now();
            let mut fact = Fact::new(
                self.env.new_id(),
                "case",
                PlaceId::of(&path),
                day,
                id,
                "form",
                now,
            );
            fact.category = Some(f.kind.clone());
            self.ledger.append(tx, &[fact]).await?;
            let found = Found {
                id,
                key: f.key.clone(),
                number: "ZG-1".into(),
                href: format!("/cases/{id}"),
                closed: false,
            };
            self.kept().push((f.source_id, found));
            Ok(id)
        }
        .boxed()
    }

    fn of_source<'a>(
        &'a self,
        _: &'a mut Tx,
        _: &'a str,
        id: Id,
    ) -> BoxFuture<'a, Result<Vec<Found>>> {
        let kept = self.kept();
        let of = kept
            .iter()
            .filter(|(source, _)| *source == id)
            .map(|(_, f)| f.clone());
        let found: Vec<Found> = of.collect();
        async move { Ok(found) }.boxed()
    }
}
