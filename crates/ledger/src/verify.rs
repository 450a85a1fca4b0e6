//! Verification: prove the tree, recount the rollups, list the tail.

use std::collections::HashMap;
use std::sync::Arc;

use db::Db;
use kernel::Result;

use crate::append::leaf_hash;
use crate::checkpoint::Checkpoint;
use crate::fold::{Folded, Places};
use crate::merkle::Frontier;
use crate::store;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The log.
    pub log: String,
    /// Earlier logs: id, size at which the present one took over, why.
    pub earlier_logs: Vec<(String, i64, String)>,
    /// Sealed facts.
    pub size: i64,
    /// Head of the tree, hex, recomputed from the facts.
    pub root: String,
    /// Facts that wait to be sealed.
    pub tail: i64,
    /// Checkpoints whose signature and head were compared.
    pub checkpoints: usize,
    /// Cells, presence and progress rows recounted.
    pub rollups: usize,
    /// Components that are still being computed and were left out of the recount.
    pub computing: usize,
    /// What is wrong; empty when all is well. At most a hundred.
    pub problems: Vec<String>,
}

impl Report {
    fn problem(&mut self, text: String) {
        if self.problems.len() < 100 {
            self.problems.push(text);
        }
    }
}

/// Verifies the ledger in one snapshot, beside a running server too.
pub async fn verify(db: &Db, checkpoints: &[Checkpoint]) -> Result<Report> {
    let mut tx = db.read().await?;
    let head = store::head(&mut tx).await?;
    let mut report = Report {
        log: head.log.to_string(),
        size: head.size,
        ..Report::default()
    };
    let logs = store::logs(&mut tx).await?;
    report.earlier_logs = logs
        .windows(2)
        .map(|pair| (pair[0].0.to_string(), pair[1].2, pair[1].3.clone()))
        .collect();
    report.tail = store::tail_size(&mut tx).await?.0;
    let places: Places = store::places(&mut tx, None)
        .await?
        .into_iter()
        .map(|(id, path)| (id, Arc::from(path)))
        .collect();
    for (id, path) in &places {
        if crate::PlaceId::of(path) != *id {
            report.problem(format!("place {} does not match its chain of units", id.0));
        }
    }

    let mut due: HashMap<i64, Vec<&Checkpoint>> = HashMap::new();
    for c in checkpoints {
        if !c.signature_holds() {
            report.problem(format!(
                "checkpoint {} of log {} has a wrong signature",
                c.size, c.log
            ));
        } else if c.log == head.log && c.size > head.size {
            report.problem(format!(
                "checkpoint {} is beyond the ledger, which has {} facts",
                c.size, head.size
            ));
        } else if c.log == head.log {
            due.entry(c.size).or_default().push(c);
        }
    }

    let components = store::components(&mut tx).await?;
    report.computing = components.iter().filter(|c| c.computing()).count();
    let settled: Vec<_> = components.into_iter().filter(|c| !c.computing()).collect();
    let mut tree = Frontier::default();
    let mut folded = Folded::default();
    while (tree.size() as i64) < head.size {
        let from = tree.size() as i64;
        let page = store::leaves(&mut tx, from, head.size, 2_000).await?;
        if page.is_empty() {
            report.problem(format!("leaf {from} is missing"));
            break;
        }
        for (seq, stored, fact) in &page {
            if *seq != tree.size() as i64 {
                report.problem(format!("leaf {} is missing or out of order", tree.size()));
                return Ok(report);
            }
            match leaf_hash(fact, &places) {
                Ok(hash) => {
                    if hash[..] != stored[..] {
                        report.problem(format!(
                            "fact {} (leaf {seq}) was changed after it was sealed",
                            fact.id
                        ));
                    }
                    tree.append(hash);
                }
                Err(e) => {
                    report.problem(e.to_string());
                    return Ok(report);
                }
            }
            if let Some(list) = due.remove(&(tree.size() as i64)) {
                let root = hex::encode(tree.root());
                for c in list {
                    report.checkpoints += 1;
                    if c.root != root {
                        report.problem(format!(
                            "the tree at checkpoint {} is not the one that was signed",
                            c.size
                        ));
                    }
                }
            }
        }
        folded.add(page.iter().map(|(_, _, f)| f), &settled, &places);
    }
    report.root = hex::encode(tree.root());
    if tree != head.frontier {
        report.problem("the stored frontier is not that of the facts".into());
    }
    let (stray, leaves) = store::stray_counts(&mut tx).await?;
    if stray != 0 {
        report.problem(format!("{stray} facts are neither sealed nor waiting"));
    }
    if leaves != head.size {
        report.problem(format!(
            "there are {leaves} leaves, the head says {}",
            head.size
        ));
    }

    folded.count_persons(&HashMap::new(), &places);
    let known: std::collections::HashSet<i64> = settled.iter().map(|c| c.id).collect();
    let cells = store::all_cells(&mut tx).await?;
    report.rollups += cells.len();
    let stored = cells
        .into_iter()
        .filter(|(k, _)| known.contains(&k.0))
        .collect();
    compare(&mut report, "cell", &folded.cells, stored);
    let presence: HashMap<_, _> = folded
        .presence
        .iter()
        .flat_map(|(key, rows)| rows.iter().map(|(place, n)| ((*key, *place), *n)))
        .collect();
    let stored = store::all_presence(&mut tx).await?;
    report.rollups += stored.len();
    compare(
        &mut report,
        "presence",
        &presence,
        stored
            .into_iter()
            .filter(|(k, _)| known.contains(&k.0.0))
            .collect(),
    );
    let stored = store::all_progress(&mut tx).await?;
    report.rollups += stored.len();
    let progress = folded.progress.into_iter().collect();
    compare(
        &mut report,
        "progress",
        &progress,
        stored
            .into_iter()
            .filter(|(k, _)| known.contains(&k.0))
            .collect(),
    );
    Ok(report)
}

/// Compares recounted numbers with stored ones; a row of zeros equals a missing row.
fn compare<K, V>(report: &mut Report, what: &str, counted: &HashMap<K, V>, stored: HashMap<K, V>)
where
    K: std::hash::Hash + Eq + std::fmt::Debug,
    V: Default + PartialEq + std::fmt::Debug + Copy,
{
    for (key, value) in counted {
        let found = stored.get(key).copied().unwrap_or_default();
        if found != *value {
            report.problem(format!("{what} {key:?} is {found:?}, counted {value:?}"));
        }
    }
    for (key, value) in stored {
        if !counted.contains_key(&key) && value != V::default() {
            report.problem(format!("{what} {key:?} is {value:?}, counted nothing"));
        }
    }
}
