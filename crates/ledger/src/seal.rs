//! The sealer: one leased node takes the tail about once a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Error, Result};
use tokio::sync::watch;

use crate::checkpoint::{CheckpointStore, Signer};
use crate::fold::Folded;
use crate::store::{self, Head};
use crate::{Component, Ledger};

/// A round of sealing takes at most this many facts …
const MOST: i64 = 1_000;
/// … and fewer when the last one took longer than this, because nobody else writes meanwhile.
const LONGEST: Duration = Duration::from_millis(10);
/// While nobody has waited longer than this to be sealed, the sealer rests after a round as long as the
/// round took: whoever writes then waits for one short round now and then, not for a row of them.
const PATIENT: Duration = Duration::from_millis(2_500);
/// New definitions are computed for so long between two looks at the tail, half of it at rest.
const TURN: Duration = Duration::from_millis(800);
/// Old facts that are folded in one go, at most.
const MOST_OLD: i64 = 5_000;
/// How long a lease lasts; a dead sealer is replaced after it.
const LEASE_SECONDS: i64 = 5;
/// Checkpoints leave the database at most this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Facts sealed.
    pub sealed: usize,
    /// Size of the ledger after it.
    pub size: i64,
}

impl Ledger {
    /// Seals one round of the tail: fence, leaves, rollups, off the tail, all in one transaction. With an
    /// epoch it fails when the lease was lost.
    pub(crate) async fn seal_round(&self, epoch: Option<i64>, most: i64) -> Result<Round> {
        let (facts, size, places) = db::transaction!(self.0.db, |tx| {
            tx.bound_waits(10).await?;
            let head = store::head(tx).await?;
            self.pass_fence(tx, &head, epoch).await?;
            let facts = store::tail(tx, most).await?;
            if facts.is_empty() {
                return Ok((0, head.size, None));
            }
            self.grow(tx, &head, &facts).await?;
            store::remove_from_tail(tx, &facts).await?;
            let places = self.places_of(tx, &facts).await?;
            Ok((facts.len(), head.size + facts.len() as i64, Some(places)))
        })?;
        if let Some(places) = places {
            self.remember_places(&places);
        }
        Ok(Round {
            sealed: facts,
            size,
        })
    }

    async fn pass_fence(&self, tx: &mut db::Tx, head: &Head, epoch: Option<i64>) -> Result<()> {
        if store::fence(tx, head, epoch).await? {
            return Ok(());
        }
        if epoch.is_some_and(|e| e != head.epoch) {
            return Err(Error::Conflict(kernel::Msg::new("lease-lost")));
        }
        Err(Error::Retry("the ledger grew meanwhile".into()))
    }

    /// Seals all that is on the tail now, whoever holds the lease: frozen figures and reports wait for it.
    /// Gives the size of the ledger after it.
    pub async fn settle(&self) -> Result<i64> {
        loop {
            let round = self.seal_round(None, MOST).await?;
            if (round.sealed as i64) < MOST {
                // Whoever seals without the sealer running is not taken for flooded.
                self.tail().await?;
                return Ok(round.size);
            }
        }
    }

    /// Folds a chunk of old leaves into components defined later. Gives whether more is to do.
    pub(crate) async fn backfill(&self, epoch: Option<i64>, most: i64) -> Result<bool> {
        {
            // Nearly always there is nothing to do: no writer waits for that.
            let mut tx = self.0.db.read().await?;
            let head = store::head(&mut tx).await?;
            let all = self.components(&mut tx, &head).await?;
            if !all.iter().any(Component::computing) {
                return Ok(false);
            }
        }
        db::transaction!(self.0.db, |tx| {
            tx.bound_waits(10).await?;
            let head = store::head(tx).await?;
            let all = store::components(tx).await?;
            let Some(at) = all.iter().filter(|c| c.computing()).map(|c| c.done).min() else {
                return Ok(false);
            };
            let due: Vec<Component> = all
                .into_iter()
                .filter(|c| c.computing() && c.done == at)
                .collect();
            let below = due
                .iter()
                .map(|c| c.upto)
                .min()
                .unwrap_or(at)
                .min(at + most);
            self.pass_fence(tx, &head, epoch).await?;
            let facts: Vec<_> = store::leaves(tx, at, below, most)
                .await?
                .into_iter()
                .map(|(_, _, f)| f)
                .collect();
            let places = self.places_of(tx, &facts).await?;
            let mut folded = Folded::default();
            folded.add(&facts, &due, &places);
            folded.apply(tx, places).await?;
            store::set_done(tx, &due.iter().map(|c| c.id).collect::<Vec<_>>(), below).await?;
            Ok(true)
        })
    }

    /// Computes everything that waits for it (command line, tests).
    pub async fn backfill_all(&self) -> Result<()> {
        while self.backfill(None, MOST_OLD).await? {}
        Ok(())
    }
}

/// Seals in the background while this node holds the lease.
pub struct Sealer {
    ledger: Ledger,
    lease: Option<(i64, i64)>,
    most: i64,
    most_old: i64,
    /// New definitions wait to be computed further.
    computing: bool,
    checkpoints: Option<(Signer, Arc<dyn CheckpointStore>)>,
    last_checkpoint: Option<(Instant, i64)>,
}

impl Sealer {
    /// A sealer that signs checkpoints and sends them out, if it is given where to.
    pub fn new(ledger: Ledger, checkpoints: Option<(Signer, Arc<dyn CheckpointStore>)>) -> Self {
        Self {
            ledger,
            lease: None,
            most: MOST,
            most_old: MOST,
            computing: false,
            checkpoints,
            last_checkpoint: None,
        }
    }

    /// Takes or keeps the lease; false while another node holds it.
    pub async fn hold_lease(&mut self) -> Result<bool> {
        let inner = &self.ledger.0;
        let now = inner.env.now();
        let until = now.plus_seconds(LEASE_SECONDS).0;
        if let Some((epoch, held_until)) = self.lease {
            if held_until - now.0 > LEASE_SECONDS * kernel::Timestamp::SECOND / 2 {
                return Ok(true);
            }
            let kept = db::transaction!(inner.db, |tx| store::renew_lease(tx, epoch, until).await)?;
            self.lease = kept.then_some((epoch, until));
            if kept {
                return Ok(true);
            }
        }
        let head = store::head(&mut inner.db.read().await?).await?;
        // A lease far in the future comes from a clock that was set back since: it does not bind.
        let binding = head.until > now.0
            && head.until - now.0 <= 2 * LEASE_SECONDS * kernel::Timestamp::SECOND;
        if binding {
            return Ok(false);
        }
        let won = db::transaction!(inner.db, |tx| store::take_lease(tx, &head, until).await)?;
        self.lease = won.then_some((head.epoch + 1, until));
        if won {
            tracing::info!(
                ledger.epoch = head.epoch + 1,
                "this node seals the ledger now"
            );
        }
        Ok(won)
    }

    /// One tick: rounds until the tail is empty, then some backfill, then a checkpoint.
    pub async fn tick(&mut self) -> Result<()> {
        if !self.hold_lease().await? {
            return Ok(());
        }
        let epoch = self.lease.map(|(epoch, _)| epoch);
        let ticked = Instant::now();
        loop {
            let begun = Instant::now();
            let asked = self.most;
            let round = self.ledger.seal_round(epoch, asked).await?;
            let took = begun.elapsed();
            if round.sealed > 0 {
                metrics::histogram!("ledger_sealing_seconds").record(took);
            }
            if took > LONGEST {
                self.most = (self.most / 2).max(50);
            } else if took < LONGEST / 2 {
                self.most = (self.most * 3 / 2).min(MOST);
            }
            if (round.sealed as i64) < asked {
                break;
            }
            if !self.hold_lease().await? {
                return Ok(());
            }
            if ticked.elapsed() < PATIENT {
                tokio::time::sleep(took).await;
            }
        }
        self.compute(epoch).await?;
        self.checkpoint(false).await
    }

    /// Folds old facts into new definitions for a while: in short pieces, because nobody else writes meanwhile, and
    /// with a rest after each.
    async fn compute(&mut self, epoch: Option<i64>) -> Result<()> {
        let turn = Instant::now();
        loop {
            let begun = Instant::now();
            self.computing = self.ledger.backfill(epoch, self.most_old).await?;
            let took = begun.elapsed();
            if took > LONGEST {
                self.most_old = (self.most_old / 2).max(50);
            } else if took < LONGEST / 2 {
                self.most_old = (self.most_old * 3 / 2).min(MOST_OLD);
            }
            if !self.computing || turn.elapsed() > TURN {
                return Ok(());
            }
            tokio::time::sleep(took).await;
        }
    }

    /// Signs the tree and sends it out of the database.
    pub async fn checkpoint(&mut self, now: bool) -> Result<()> {
        let Some((signer, target)) = &self.checkpoints else {
            return Ok(());
        };
        let due = self
            .last_checkpoint
            .is_none_or(|(at, _)| at.elapsed() >= CHECKPOINT_EVERY);
        if !due && !now {
            return Ok(());
        }
        let head = store::head(&mut self.ledger.0.db.read().await?).await?;
        if head.size > 0
            && self
                .last_checkpoint
                .is_none_or(|(_, size)| size != head.size)
        {
            let checkpoint = signer.sign(head.log, &head.frontier, self.ledger.0.env.now());
            target.put(&checkpoint).await?;
        }
        self.last_checkpoint = Some((Instant::now(), head.size));
        Ok(())
    }

    /// Seals until told to stop: about once a second, and gives the lease back at the end.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(e) = self.tick().await {
                if matches!(&e, Error::Conflict(m) if m.key == "lease-lost") {
                    self.lease = None;
                }
                tracing::warn!(error = %e, "sealing failed; the tail waits for the next round");
            }
            if let Err(e) = self.ledger.tail().await {
                tracing::debug!(error = %e, "the tail cannot be measured");
            }
            let rest = match self.computing {
                true => Duration::ZERO,
                false => Duration::from_secs(1),
            };
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                _ = stop.changed() => {}
            }
        }
        if let Some((epoch, _)) = self.lease {
            let _ = self.tick().await;
            let _ = self.checkpoint(true).await;
            let _ = db::transaction!(self.ledger.0.db, |tx| store::renew_lease(tx, epoch, 0)
                .await);
        }
    }
}
