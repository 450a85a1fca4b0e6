//! The chain of the audit trail (审计链): every entry gets a number and a hash over the one before, so that
//! nothing is changed, taken out or slipped in unseen.
//!
//! Whoever writes an entry leaves it on a tail, in the same transaction; about a second after, one node takes
//! the tail in order of ids. So no row is hot. What the chain cannot tell by itself is that its end was cut
//! off together with the head: whoever keeps heads outside of the database gives them to [`verify_audit`].
//! (The head may become part of the ledger's signed checkpoints.)

use std::time::Duration;

use db::{Db, transaction};
use kernel::{Error, Result, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::service::record;
use crate::{Actor, Identity, SecuritySettings, store};
use store::chain::Entry;

/// Entries that are linked, or expire, in one transaction.
const MOST: i64 = 500;
/// How long a node that linked entries is left alone by the others.
const LEASE_SECONDS: i64 = 5;

/// The hash of an entry at its place: over the hash before it, its number and every field of it.
fn link_hash(before: &str, seq: i64, entry: &Entry) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    add(b"suneng-audit-1");
    add(before.as_bytes());
    add(&seq.to_be_bytes());
    add(&entry.id.0);
    if let Some(fields) = &entry.fields {
        add(&fields.at.0.to_be_bytes());
        add(fields.account.as_ref().map_or(&[], |a| &a.0.0[..]));
        for text in &fields.texts {
            add(text.as_bytes());
        }
        // Entries from before there were delegations keep their hashes.
        if let Some(of) = &fields.on_behalf {
            add(b"on-behalf");
            add(&of.0.0);
        }
    }
    hex::encode(hasher.finalize())
}

/// What a verification of the audit trail found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct AuditReport {
    /// Number of the last entry that has expired; the chain begins after it.
    pub anchor: i64,
    /// Number of the last entry.
    pub size: i64,
    /// Its hash: kept outside, it proves that the end was not cut off.
    pub head: String,
    /// Entries whose place was checked.
    pub entries: i64,
    /// Entries that wait to be linked.
    pub waiting: i64,
    /// Heads from outside that were compared.
    pub compared: usize,
    /// What is wrong; empty when all is well. At most a hundred.
    pub problems: Vec<String>,
}

impl AuditReport {
    fn problem(&mut self, text: String) {
        if self.problems.len() < 100 {
            self.problems.push(text);
        }
    }
}

/// Verifies the audit trail in one snapshot, beside a running server too. `outside` are numbers and hashes
/// that were kept elsewhere.
pub async fn verify_audit(db: &Db, outside: &[(i64, String)]) -> Result<AuditReport> {
    let mut tx = db.read().await?;
    let state = store::chain::state(&mut tx).await?;
    let mut report = AuditReport {
        anchor: state.anchor,
        size: state.size,
        head: state.head.clone(),
        waiting: store::chain::waiting(&mut tx).await?,
        ..AuditReport::default()
    };
    let mut last = state.anchor;
    // Unknown after a gap: the first entry behind it cannot be checked.
    let mut before = Some(state.anchor_hash.clone());
    loop {
        let page = store::chain::links(&mut tx, last, 4 * MOST).await?;
        if page.is_empty() {
            break;
        }
        for link in page {
            if link.seq != last + 1 {
                report.problem(missing(last + 1, link.seq - 1));
                before = None;
            }
            let (id, seq) = (link.entry.id, link.seq);
            if link.entry.fields.is_none() {
                report.problem(format!("entry {id} (number {seq}) is missing"));
            } else if before.is_some_and(|b| link_hash(&b, seq, &link.entry) != link.hash) {
                report.problem(format!("entry {id} (number {seq}) or its link was changed"));
            }
            for (_, hash) in outside.iter().filter(|(n, _)| *n == seq) {
                report.compared += 1;
                if *hash != link.hash {
                    let text = format!("number {seq} is not the entry whose hash was kept outside");
                    report.problem(text);
                }
            }
            report.entries += 1;
            last = seq;
            before = Some(link.hash);
        }
    }
    if last < state.size {
        report.problem(missing(last + 1, state.size));
    } else if last > state.size {
        report.problem(format!("the head says {}, the last is {last}", state.size));
    } else if before.is_some_and(|b| b != state.head) {
        report.problem("the head is not the hash of the last entry".to_owned());
    }
    for (seq, _) in outside.iter().filter(|(seq, _)| *seq > last) {
        report.problem(format!(
            "number {seq}, whose hash was kept outside, is missing"
        ));
    }
    for id in store::chain::strays(&mut tx, 100).await? {
        report.problem(format!("entry {id} was put in beside the chain"));
    }
    for id in store::chain::lost(&mut tx, 100).await? {
        report.problem(format!("entry {id}, which waits to be linked, is missing"));
    }
    Ok(report)
}

fn missing(from: i64, to: i64) -> String {
    if from == to {
        format!("number {from} is missing")
    } else {
        format!("numbers {from} to {to} are missing")
    }
}

impl Identity {
    /// Verifies the audit trail, see [`verify_audit`].
    pub async fn verify_audit(&self, outside: &[(i64, String)]) -> Result<AuditReport> {
        verify_audit(&self.db, outside).await
    }

    /// Links what waits on the tail, unless another node is at it; gives how many entries.
    pub async fn chain_audit(&self) -> Result<usize> {
        let mut linked = 0;
        // Looked at in a snapshot first: an idle house writes nothing.
        while store::chain::waiting(&mut self.db.read().await?).await? > 0 {
            let round = self.chain_round().await?;
            linked += round;
            if (round as i64) < MOST {
                break;
            }
        }
        Ok(linked)
    }

    async fn chain_round(&self) -> Result<usize> {
        let now = self.env.now();
        transaction!(self.db, |tx| {
            tx.bound_waits(10).await?;
            let state = store::chain::state(tx).await?;
            // A lease far in the future comes from a clock that was set back since: it does not bind.
            let left = state.lease_until.0 - now.0;
            let binding = left > 0 && left <= 2 * LEASE_SECONDS * Timestamp::SECOND;
            if binding && state.node != Some(self.node) {
                return Ok(0);
            }
            let entries = store::chain::tail(tx, MOST).await?;
            if entries.is_empty() {
                return Ok(0);
            }
            let (mut seq, mut head) = (state.size, state.head.clone());
            let mut links = Vec::with_capacity(entries.len());
            for entry in &entries {
                seq += 1;
                head = link_hash(&head, seq, entry);
                links.push((seq, entry.id, head.clone()));
            }
            let until = now.plus_seconds(LEASE_SECONDS);
            if !store::chain::advance(tx, &state, seq, &head, self.node, until).await? {
                return Err(Error::Retry("the audit chain grew meanwhile".into()));
            }
            store::chain::link(tx, &links).await?;
            Ok(links.len())
        })
    }

    /// Links about once a second until told to stop.
    pub async fn keep_chain(self, mut stop: watch::Receiver<bool>) {
        loop {
            if let Err(e) = self.chain_audit().await {
                tracing::warn!(error = %e, "the audit trail could not be linked; it waits for the next round");
            }
            if *stop.borrow() {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Removes the entries at the front that were kept long enough; the hash of the last of them stays as the
    /// anchor on which the chain rests. Gives how many.
    pub async fn expire_audit(&self) -> Result<usize> {
        let least = SecuritySettings::LEAST_AUDIT_DAYS;
        let days = self.settings.audit_days.max(least);
        let end = self.env.now().plus_seconds(-days * 24 * 3600);
        let mut removed = 0;
        loop {
            let chunk = transaction!(self.db, |tx| {
                let state = store::chain::state(tx).await?;
                let front = store::chain::links(tx, state.anchor, MOST).await?;
                // What is missing or out of order stays, for the verification to name.
                let mut expected = state.anchor;
                let old = front.into_iter().take_while(|link| {
                    expected += 1;
                    let at = link.entry.fields.as_ref().map(|f| f.at);
                    link.seq == expected && at.is_some_and(|at| at < end)
                });
                let old: Vec<_> = old.collect();
                let Some(last) = old.last() else {
                    return Ok(0);
                };
                if !store::chain::expire(tx, &state, &old).await? {
                    return Err(Error::Retry("the audit chain's front moved".into()));
                }
                let detail = json!({ "entries": old.len(), "last": last.seq });
                let entry = Actor::default().audit("audit.expired", ("audit", ""), detail);
                record(tx, &self.env, &entry).await?;
                Ok(old.len())
            })?;
            if chunk == 0 {
                return Ok(removed);
            }
            removed += chunk;
        }
    }
}
