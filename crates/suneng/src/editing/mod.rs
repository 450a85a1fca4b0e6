//! Packs edited in the product (业务包修改), and packs added to it: versions are saved, checked as at the start, and one is
//! put to use, which takes effect on every node within seconds ([`crate::renewing`]). A code that records use cannot
//! disappear; the program's own text is one click away.

mod pages;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use commons::packs::{PackProblem, PackRef, Packs};
use db::Db;
use identity::Actor;
use kernel::{Error, Msg, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

pub(crate) use pages::{routes, shown, text_of};
pub use store::{MIGRATIONS, Version};

use crate::World;
use crate::doctor::State;
use crate::modules::PACK_TABLES;
use crate::rooms::Vocabulary;
use crate::world::load_packs;

/// May save versions of packs and put them to use.
pub const EDIT: &str = "pack.edit";

pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What keeps a version from being put to use.
#[derive(Debug)]
pub(crate) enum Hindrance {
    /// A mistake, as the start would name it.
    Mistake(PackProblem),
    /// A code that records use is gone.
    Lost(store::Use),
}

/// Name of the file of a pack that was added in the product, whose folder nobody else uses.
pub(crate) fn file_of(code: &str) -> String {
    format!("added/{code}.toml")
}

/// The packs of the program with other texts of some, and with those that were added.
pub(crate) fn overlaid(
    own: &Packs,
    texts: &BTreeMap<String, String>,
) -> Result<Packs, Vec<PackProblem>> {
    let files = own.iter().map(|p| {
        let text = texts.get(&p.code).unwrap_or(&p.text);
        (p.source_file.clone(), text.clone())
    });
    let is_own = |code: &str| own.iter().any(|o| o.code == code);
    let added = texts.iter().filter(|(code, _)| !is_own(code));
    let added = added.map(|(code, text)| (file_of(code), text.clone()));
    let packs = Packs::load(files.chain(added).collect())?;
    let renamed = |p: &&PackRef| !is_own(&p.code) && !texts.contains_key(&p.code);
    if let Some(renamed) = packs.iter().find(renamed) {
        let message = Msg::new("pack-code-kept").with("code", &renamed.code);
        return Err(vec![renamed.problem_at(0..0, message)]);
    }
    packs.check_tables(PACK_TABLES)?;
    Vocabulary::read(&packs)?;
    Ok(packs)
}

/// Packs with the versions that were put to use.
pub(crate) type Chosen = Vec<(String, i64)>;

/// What is put to use now.
pub(crate) async fn chosen(db: &Db) -> Result<Chosen> {
    store::chosen(&mut db.read().await?).await
}

/// A text that can be read as a pack by itself.
fn alone(code: &str, text: String) -> Option<PackRef> {
    let packs = Packs::load(vec![(file_of(code), text)]).ok()?;
    packs.iter().next().cloned()
}

/// The packs that a start uses: those of the program, with the versions that were put to use. What does not fit any
/// more, because the program changed, is left out as a whole, with a warning.
pub(crate) async fn running(db: &Db, own: Packs) -> Result<Packs> {
    let used = store::in_use(&mut db.read().await?).await?;
    if used.is_empty() {
        return Ok(own);
    }
    let texts = used.into_iter().map(|(pack, _, text)| (pack, text));
    match overlaid(&own, &texts.collect()) {
        Ok(packs) => Ok(packs),
        Err(problems) => {
            for problem in problems {
                tracing::error!(%problem, "edited packs are not used: the program's own are");
            }
            Ok(own)
        }
    }
}

/// Codes of all tables of packs, as `(table, code)`.
fn codes(packs: &Packs) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for pack in packs.iter() {
        let Ok(tables) = pack.text.parse::<toml::Table>() else {
            continue;
        };
        for (table, list) in tables {
            for entry in list.as_array().into_iter().flatten() {
                if let Some(code) = entry.get("code").and_then(toml::Value::as_str) {
                    found.insert((table.clone(), code.to_owned()));
                }
            }
        }
    }
    found
}

impl World {
    /// A pack that runs, or one that was added and is not in use.
    ///
    /// # Errors
    /// `NotFound` for no such pack.
    pub(crate) async fn pack(&self, code: &str) -> Result<PackRef> {
        if let Some(pack) = self.packs.iter().find(|p| p.code == code) {
            return Ok(pack.clone());
        }
        let mut tx = self.db.read().await?;
        let text = store::newest(&mut tx, code).await?;
        text.and_then(|text| alone(code, text))
            .ok_or(Error::NotFound)
    }

    /// The packs that were added and are not in use.
    pub(crate) async fn set_aside(&self) -> Result<Vec<PackRef>> {
        let mut tx = self.db.read().await?;
        let mut found = Vec::new();
        for code in store::saved(&mut tx).await? {
            if self.packs.iter().all(|p| p.code != code)
                && let Some(text) = store::newest(&mut tx, &code).await?
            {
                found.extend(alone(&code, text));
            }
        }
        Ok(found)
    }

    /// The texts of packs that are used instead of the program's own, or were added.
    async fn chosen(&self) -> Result<BTreeMap<String, String>> {
        let used = store::in_use(&mut self.db.read().await?).await?;
        Ok(used
            .into_iter()
            .map(|(pack, _, text)| (pack, text))
            .collect())
    }

    /// What would hinder a pack from having this text; none: the program's own.
    pub(crate) async fn hindrances(
        &self,
        pack: &str,
        text: Option<&str>,
    ) -> Result<Vec<Hindrance>> {
        let own = load_packs(&self.config).map_err(crate::world::pack_errors)?;
        let mut texts = self.chosen().await?;
        match text {
            Some(text) => texts.insert(pack.to_owned(), text.to_owned()),
            None => texts.remove(pack),
        };
        let packs = match overlaid(&own, &texts) {
            Ok(packs) => packs,
            Err(problems) => return Ok(problems.into_iter().map(Hindrance::Mistake).collect()),
        };
        let (before, after) = (codes(&self.packs), codes(&packs));
        let lost: Vec<_> = before.difference(&after).cloned().collect();
        let uses = store::uses(&mut self.db.read().await?, &lost).await?;
        Ok(uses.into_iter().map(Hindrance::Lost).collect())
    }

    /// Saves a version behind the newest that its writer knew of; its number, or none when somebody was quicker.
    ///
    /// # Errors
    /// When it cannot be written; nobody but an account saves versions.
    pub(crate) async fn save_version(
        &self,
        pack: &str,
        newest: i64,
        text: &str,
        note: &str,
        actor: &Actor,
    ) -> Result<Option<i64>> {
        let by = actor.account.ok_or(Error::Forbidden)?;
        let (n, sha256) = (newest + 1, hash(text));
        let detail = json!({ "version": n, "sha256": sha256, "note": note });
        let entry = actor.audit("pack.saved", ("pack", pack), detail);
        db::transaction!(self.db, |tx| {
            let known = store::versions(tx, pack).await?;
            let last = known.first().map_or(0, |v| v.n);
            let row = (n, text, sha256.as_str());
            let made = (by, self.env.now());
            if last != newest || !store::insert(tx, pack, row, note, made).await? {
                return Ok(None);
            }
            identity::record(tx, &self.env, &entry).await?;
            Ok(Some(n))
        })
    }

    /// Puts a version to use; 0 is the program's own. The caller looked for hindrances.
    ///
    /// # Errors
    /// `NotFound` for no version; `Conflict` when another was put to use meanwhile.
    pub(crate) async fn put_to_use(
        &self,
        pack: &str,
        (before, n): (i64, i64),
        actor: &Actor,
    ) -> Result<()> {
        let by = actor.account.ok_or(Error::Forbidden)?;
        let action = match n {
            0 => "pack.returned",
            _ => "pack.used",
        };
        let detail = json!({ "version": n, "before": before });
        let entry = actor.audit(action, ("pack", pack), detail);
        db::transaction!(self.db, |tx| {
            if n != 0 && store::text(tx, pack, n).await?.is_none() {
                return Err(Error::NotFound);
            }
            let made = (by, self.env.now());
            if !store::put_to_use(tx, pack, (before, n), made).await? {
                return Err(Error::Conflict(Msg::new("packs-used-meanwhile")));
            }
            identity::record(tx, &self.env, &entry).await
        })
    }
}

/// What `doctor` says of edited packs.
pub(crate) async fn findings(config: &crate::Config, db: &Db) -> Result<Vec<(State, Msg)>> {
    let used = store::in_use(&mut db.read().await?).await?;
    let Ok(own) = load_packs(config) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (pack, n, _) in &used {
        let message = Msg::new("doctor-pack-edited").with("pack", pack);
        found.push((State::Ok, message.with("version", n)));
    }
    let texts = used.into_iter().map(|(pack, _, text)| (pack, text));
    for problem in overlaid(&own, &texts.collect()).err().into_iter().flatten() {
        let message = Msg::new("doctor-pack-unfit").with("problem", problem);
        found.push((State::Bad, message));
    }
    Ok(found)
}
