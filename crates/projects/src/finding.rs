//! What became of problems and difficulties: read from the facts of the cases, never typed a second time.

use std::collections::HashMap;

use db::Tx;
use identity::Actor;
use kernel::{Id, Result, UnitId};

use crate::facts::{PAIR_SOLVED, SOLVED, Writing};
use crate::kind::Finds;
use crate::model::Raised;
use crate::service::Projects;
use crate::store::{self, found, visits};

/// Cases looked at in one transaction of the clock.
const PIECE: i64 = 200;

/// How a raised problem stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Number of the case.
    pub(crate) number: String,
    /// Where the case is shown.
    pub(crate) href: String,
    /// `open`, `solved`, or `ended` otherwise (transferred, explained).
    pub(crate) state: &'static str,
}

impl Projects {
    /// Whether the facts of a case say that it is solved.
    async fn is_solved(&self, tx: &mut Tx, finds: &Finds, case: Id) -> Result<bool> {
        let facts = self.ledger.standing(tx, case).await?;
        Ok(facts.iter().any(|f| finds.solved_by.matches(f)))
    }

    /// How the problems of a source stand, by case.
    pub(crate) async fn standing(
        &self,
        (kind, id): (&'static str, Id),
        finds: &Finds,
        raised: &[&Raised],
    ) -> Result<HashMap<Id, Standing>> {
        let Some(intake) = self.intake.as_ref().filter(|_| !raised.is_empty()) else {
            return Ok(HashMap::new());
        };
        let mut tx = self.db.read().await?;
        let cases = intake.of_source(&mut tx, kind, id).await?;
        let mut standing = HashMap::new();
        for case in cases {
            // An open case is not asked; a closed one has few facts.
            let state = match case.closed {
                false => "open",
                true if self.is_solved(&mut tx, finds, case.id).await? => "solved",
                true => "ended",
            };
            let found = Standing {
                number: case.number,
                href: case.href,
                state,
            };
            standing.insert(case.id, found);
        }
        Ok(standing)
    }

    /// Writes the facts of what was solved since, and takes back those of what was opened again; gives how many changed. For a
    /// job of every morning; two nodes at once write one fact.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_found(&self) -> Result<usize> {
        let mut changed = 0;
        let mut after = Id([0; 16]);
        loop {
            let list = found::all_problems(&mut self.db.read().await?, after, PIECE).await?;
            let Some((_, last)) = list.last() else { break };
            after = last.id;
            for (project, raised) in &list {
                let done = db::transaction!(self.db, |tx| self
                    .settle_problem(tx, *project, raised)
                    .await)?;
                changed += usize::from(done);
            }
        }
        let mut after = Id([0; 16]);
        loop {
            let list = visits::all_raised(&mut self.db.read().await?, after, PIECE).await?;
            let Some((_, last)) = list.last() else { break };
            after = last.id;
            for (visit, raised) in &list {
                let done = db::transaction!(self.db, |tx| self
                    .settle_difficulty(tx, *visit, raised)
                    .await)?;
                changed += usize::from(done);
            }
        }
        Ok(changed)
    }

    async fn settle_problem(&self, tx: &mut Tx, project: Id, raised: &Raised) -> Result<bool> {
        let Some(p) = store::one(tx, project, self.env.today()).await? else {
            return Ok(false);
        };
        let kind = self.rule(tx, &p.rule).await?;
        let Some(finds) = &kind.finds else {
            return Ok(false);
        };
        let solved = self.is_solved(tx, finds, raised.case).await?;
        if solved == raised.solved || !found::mark_problem(tx, raised.id, solved).await? {
            return Ok(false);
        }
        self.count_solved(tx, SOLVED, (p.unit, raised.id), kind.category(), solved)
            .await?;
        Ok(true)
    }

    async fn settle_difficulty(&self, tx: &mut Tx, visit: Id, raised: &Raised) -> Result<bool> {
        let Some(v) = visits::one(tx, visit).await? else {
            return Ok(false);
        };
        let Some(kind) = self.kinds.visit(&v.kind) else {
            return Ok(false);
        };
        let solved = self.is_solved(tx, &kind.finds, raised.case).await?;
        if solved == raised.solved || !visits::mark(tx, raised.id, solved).await? {
            return Ok(false);
        }
        self.count_solved(tx, PAIR_SOLVED, (v.unit, raised.id), &v.kind, solved)
            .await?;
        Ok(true)
    }

    async fn count_solved(
        &self,
        tx: &mut Tx,
        kind: &str,
        (unit, subject): (UnitId, Id),
        category: &str,
        solved: bool,
    ) -> Result<()> {
        let nobody = Actor::default();
        if !solved {
            return self.take_back(tx, subject, &[kind], &nobody).await;
        }
        let day = self.env.today();
        // A unit that was merged or split counts where its successor is.
        let unit = organization::finding::successor(tx, unit, day).await?;
        let key = (unit, day);
        let mut w = Writing::begin(self, tx, &[key], &nobody).await?;
        w.add(kind, key, subject).category = Some(category.to_owned());
        w.write(tx).await
    }
}
