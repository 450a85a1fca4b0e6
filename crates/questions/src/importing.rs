//! Files into a bank and out of it. Nothing of a file is lost: what is fine becomes questions, what is faulty waits in
//! quarantine until somebody mends it, what is there already is counted and shown beside its twin.

use std::collections::{HashMap, HashSet};

use identity::Actor;
use kernel::words::Words;
use kernel::{Error, Id, Msg, Result, Scope};
use serde_json::json;
use web::table::{Order, Window};

use crate::bank::{CANDIDATES, Filter, Head, Questions, State};
use crate::formats::{self, Batch, Format, Item, Limits, Written};
use crate::model::Question;
use crate::similar::{Likeness, Prints};
use crate::store;
use crate::writing::Fresh;

/// What a question of a file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// A question of the bank.
    Question(Id),
    /// Another one of the file, by its place from 0.
    Item(usize),
}

/// A question of a file with what would become of it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The question and its faults.
    pub item: Item,
    /// What it is like, and how much.
    pub twin: Option<(Likeness, Twin)>,
    prints: Prints,
}

/// What becomes of a question of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It becomes a question.
    New,
    /// It waits in quarantine.
    Faulty,
    /// It is there already, or nearly.
    Duplicate,
}

/// What a file would bring into a bank.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The format it was taken for.
    pub format: Format,
    /// Its questions.
    pub items: Vec<Planned>,
    /// Those of the bank that they are like, with their content.
    pub others: HashMap<Id, (Head, Question)>,
}

/// How a file is taken into a bank.
#[derive(Clone, Copy)]
pub struct Taking<'t> {
    /// The bank.
    pub bank: Id,
    /// Name of the file.
    pub file: &'t str,
    /// Whether what is nearly like another question comes in, too.
    pub near: bool,
    /// Draft, or in use where the importer answers for all of it.
    pub state: State,
    /// Says what was wrong with an item.
    pub note: &'t (dyn Fn(&Item) -> String + Sync),
}

/// What an import brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Became questions.
    pub imported: usize,
    /// Wait in quarantine.
    pub quarantined: usize,
    /// Were left out, since they are there already.
    pub duplicates: usize,
}

impl Planned {
    /// What becomes of it; with `near` also when it is nearly like another one.
    pub fn fate(&self, near: bool) -> Fate {
        match self.twin {
            Some((Likeness::Same, _)) => Fate::Duplicate,
            _ if !self.item.faults.is_empty() => Fate::Faulty,
            Some((Likeness::Near, _)) if !near => Fate::Duplicate,
            _ => Fate::New,
        }
    }
}

impl Plan {
    /// How many there are of each fate.
    pub fn counts(&self, near: bool) -> Counts {
        let of = |fate: Fate| self.items.iter().filter(|p| p.fate(near) == fate).count();
        Counts {
            imported: of(Fate::New),
            quarantined: of(Fate::Faulty),
            duplicates: of(Fate::Duplicate),
        }
    }
}

impl Questions {
    /// Reads a file and compares it with a bank; nothing is kept.
    pub async fn plan(
        &self,
        name: &str,
        bytes: Vec<u8>,
        limits: Limits,
        bank: Id,
        scope: &Scope,
    ) -> Result<Plan> {
        let bank = self.bank(bank, scope).await?;
        let name = name.to_owned();
        // Reading thousands of questions would hold up the requests of this thread.
        let read = tokio::task::spawn_blocking(move || {
            let batch = formats::read(&name, &bytes, limits)?;
            let prints: Vec<Prints> = batch
                .items
                .iter()
                .map(|i| Prints::of(&i.question))
                .collect();
            Ok::<_, Error>((batch, prints))
        });
        let (Batch { format, items }, prints) = read.await.map_err(Error::internal)??;
        let mut tx = self.db.read().await?;
        let digests: Vec<[u8; 32]> = prints.iter().map(Prints::digest).collect();
        let there: HashMap<Vec<u8>, Id> = store::by_digest(&mut tx, bank.id, &digests)
            .await?
            .into_iter()
            .collect();
        let mut bands: Vec<i64> = prints
            .iter()
            .flat_map(|p| p.bands().iter().copied())
            .collect();
        bands.sort_unstable();
        bands.dedup();
        let mut by_band: HashMap<i64, Vec<Twin>> = HashMap::new();
        for (band, id) in store::by_bands(&mut tx, bank.id, &bands).await? {
            by_band.entry(band).or_default().push(Twin::Question(id));
        }
        let mut wanted: HashSet<Id> = there.values().copied().collect();
        let mut candidates: Vec<Vec<Twin>> = Vec::with_capacity(prints.len());
        for (at, own) in prints.iter().enumerate() {
            let mut times: HashMap<Option<Id>, HashMap<usize, usize>> = HashMap::new();
            for twin in own.bands().iter().filter_map(|b| by_band.get(b)).flatten() {
                let key = match twin {
                    Twin::Question(id) => (Some(*id), 0),
                    Twin::Item(at) => (None, *at),
                };
                *times.entry(key.0).or_default().entry(key.1).or_default() += 1;
            }
            let mut found: Vec<(usize, Twin)> = Vec::new();
            for (id, places) in times {
                for (place, count) in places {
                    found.push((count, id.map_or(Twin::Item(place), Twin::Question)));
                }
            }
            found.sort_by_key(|(count, twin)| (std::cmp::Reverse(*count), order_of(*twin)));
            found.truncate(CANDIDATES);
            let found: Vec<Twin> = found.into_iter().map(|(_, twin)| twin).collect();
            wanted.extend(found.iter().filter_map(|twin| match twin {
                Twin::Question(id) => Some(*id),
                Twin::Item(_) => None,
            }));
            candidates.push(found);
            // Those that come later may be like this one.
            for band in own.bands() {
                let list = by_band.entry(*band).or_default();
                if list.len() < 50 {
                    list.push(Twin::Item(at));
                }
            }
        }
        let ids: Vec<Id> = wanted.into_iter().collect();
        let mut contents: HashMap<Id, Question> = HashMap::new();
        for (id, version) in store::newest(&mut tx, &ids).await? {
            contents.insert(id, version.question);
        }
        let heads = store::heads(&mut tx, &ids, &Scope::All).await?;
        drop(tx);
        let compared: HashMap<Id, Prints> = contents
            .iter()
            .map(|(id, q)| (*id, Prints::of(q)))
            .collect();
        let mut first: HashMap<[u8; 32], usize> = HashMap::new();
        let mut planned = Vec::with_capacity(items.len());
        for (at, (item, own)) in items.into_iter().zip(&prints).enumerate() {
            let same = there.get(&own.digest()[..]).map(|id| Twin::Question(*id));
            let same = same.or_else(|| first.get(&own.digest()).map(|at| Twin::Item(*at)));
            first.entry(own.digest()).or_insert(at);
            let likely = candidates[at].iter().filter_map(|twin| {
                let other = match twin {
                    Twin::Question(id) => compared.get(id)?,
                    Twin::Item(place) => &prints[*place],
                };
                Some((own.likeness(other)?, *twin))
            });
            let twin = match same {
                Some(twin) => Some((Likeness::Same, twin)),
                None => likely.min_by_key(|(likeness, twin)| (*likeness, order_of(*twin))),
            };
            planned.push(Planned {
                item,
                twin,
                prints: own.clone(),
            });
        }
        let heads = heads
            .into_iter()
            .filter_map(|h| Some((h.id, (h.clone(), contents.remove(&h.id)?))));
        Ok(Plan {
            format,
            items: planned,
            others: heads.collect(),
        })
    }

    /// Puts what a file brings into a bank, in one transaction.
    pub async fn publish(
        &self,
        plan: &Plan,
        taking: &Taking<'_>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<Counts> {
        let Taking {
            bank,
            file,
            near,
            state,
            note,
        } = *taking;
        let actor = actor.into();
        for planned in plan
            .items
            .iter()
            .filter(|p| p.fate(near) != Fate::Duplicate)
        {
            self.keep_pictures(&planned.item.question).await?;
        }
        db::transaction!(self.db, |tx| {
            let bank = store::bank_by_id(tx, bank, scope)
                .await?
                .ok_or(Error::NotFound)?;
            let digests: Vec<[u8; 32]> = plan.items.iter().map(|p| p.prints.digest()).collect();
            let there = store::by_digest(tx, bank.id, &digests).await?;
            let mut there: HashSet<Vec<u8>> = there.into_iter().map(|(digest, _)| digest).collect();
            let mut counts = Counts::default();
            let mut fresh = Vec::new();
            for planned in &plan.items {
                let fate = planned.fate(near);
                if fate == Fate::Duplicate || !there.insert(planned.prints.digest().to_vec()) {
                    counts.duplicates += 1;
                    continue;
                }
                let faulty = fate == Fate::Faulty;
                *(if faulty {
                    &mut counts.quarantined
                } else {
                    &mut counts.imported
                }) += 1;
                fresh.push(Fresh {
                    id: self.env.new_id(),
                    question: planned.item.question.clone(),
                    prints: planned.prints.clone(),
                    state: if faulty { State::Quarantined } else { state },
                    note: if faulty {
                        note(&planned.item)
                    } else {
                        String::new()
                    },
                    act: "imported",
                });
            }
            for chunk in fresh.chunks(500) {
                self.add(tx, &bank, chunk, &actor).await?;
            }
            let detail = json!({
                "file": file, "imported": counts.imported, "quarantined": counts.quarantined,
                "duplicates": counts.duplicates, "state": state.code(),
            });
            let entry = actor.audit("questions.imported", ("question-bank", bank.id), detail);
            identity::record(tx, &self.env, &entry).await?;
            Ok(counts)
        })
    }

    /// Imports a file from the command line: what is fine becomes drafts, near duplicates are left out.
    pub async fn import(
        &self,
        name: &str,
        bytes: Vec<u8>,
        bank: Id,
        note: &(dyn Fn(&Item) -> String + Sync),
    ) -> Result<Counts> {
        let limits = Limits {
            questions: 50_000,
            bytes: 1 << 30,
            ..Limits::default()
        };
        let plan = self.plan(name, bytes, limits, bank, &Scope::All).await?;
        let taking = Taking {
            bank,
            file: name,
            near: false,
            state: State::Draft,
            note,
        };
        self.publish(&plan, &taking, &Scope::All, Actor::default())
            .await
    }

    /// The newest versions of all that match, as a file, and what it does not carry.
    ///
    /// # Errors
    /// `Conflict` when there are more than a file takes.
    pub async fn export(
        &self,
        format: Format,
        scope: &Scope,
        filter: &Filter,
        words: &Words,
        order: Order,
        actor: impl Into<Actor>,
    ) -> Result<Written> {
        let (heads, total) = self
            .page(scope, filter, words, order, Window::EXPORT)
            .await?;
        Window::fits(total)?;
        let ids: Vec<Id> = heads.iter().map(|h| h.id).collect();
        let mut tx = self.db.read().await?;
        let mut contents: HashMap<Id, Question> = HashMap::new();
        for (id, version) in store::newest(&mut tx, &ids).await? {
            contents.insert(id, version.question);
        }
        drop(tx);
        let mut questions: Vec<Question> =
            ids.iter().filter_map(|id| contents.remove(id)).collect();
        if questions.is_empty() {
            return Err(Error::Conflict(Msg::new("question-export-none")));
        }
        for media in questions.iter_mut().flat_map(|q| &mut q.media) {
            media.bytes = self
                .attachments
                .files()
                .get(media.hash.parse()?)
                .await?
                .to_vec();
        }
        let written = tokio::task::spawn_blocking(move || formats::write(format, &questions));
        let written = written.await.map_err(Error::internal)??;
        let detail = json!({ "format": format.code(), "rows": total, "bank": filter.bank });
        let entry = actor
            .into()
            .audit("questions.exported", ("question-bank", ""), detail);
        db::transaction!(self.db, |tx| identity::record(tx, &self.env, &entry).await)?;
        Ok(written)
    }
}

fn order_of(twin: Twin) -> (u8, Id, usize) {
    match twin {
        Twin::Question(id) => (0, id, 0),
        Twin::Item(at) => (1, Id::NIL, at),
    }
}
