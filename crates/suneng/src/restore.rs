//! `suneng restore`: a backup into an empty place, checked before and after.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use commons::files::Files;
use db::Db;
use db::copy::{Kind, Table};
use kernel::{Env, Error, Msg, Result};
use ledger::CheckpointStore;
use sha2::{Digest, Sha256};

use crate::archive::{self, Entry, FORMAT, MANIFEST, Manifest};
use crate::checkpoints::{self, Checkpoints};
use crate::modules::migrations;
use crate::texts::{Texts, say};
use crate::world::{make_folder, open_database, open_files};
use crate::{Config, World, verify};

/// Rows are inserted in lots of this many.
const LOT: usize = 1_000;

/// Restores, verifies and says what was done; gives whether the verification found all well.
pub async fn run(config: Config, env: Env, from: &Path, texts: &Texts) -> Result<bool> {
    let manifest = check(from)?;
    make_folder(&config.data)?;
    let not_empty =
        || Error::Conflict(Msg::new("restore-not-empty").with("database", &config.database_url));
    let file = config.sqlite_file();
    if file.as_ref().is_some_and(|file| file.exists()) {
        return Err(not_empty());
    }
    let db = open_database(&config).await?;
    if !db::copy::is_empty(&db).await? {
        return Err(not_empty());
    }
    let files = open_files(&config, &env)?;
    let done = fill(&db, &env, &files, from, &manifest).await;
    db.close().await;
    if let Err(e) = done {
        if let Some(file) = file {
            for suffix in ["", "-wal", "-shm"] {
                // Made by us a moment ago; where one is left the next try says so.
                let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
            }
        }
        return Err(e);
    }
    let (world, _) = World::create(config, env).await?;
    say(texts.msg(
        &Msg::new("restore-done")
            .with("rows", manifest.tables.iter().map(|t| t.rows).sum::<i64>())
            .with(
                "files",
                manifest
                    .entries
                    .iter()
                    .filter(|e| e.path.starts_with("files/"))
                    .count(),
            )
            .with("size", manifest.ledger_size)
            .with("version", &manifest.version),
    ));
    if !world.config.operation.keyring.exists() && !crypt::Vault::is_new(&world.db).await? {
        let keyring = world.config.operation.keyring.display();
        say(texts.msg(&Msg::new("restore-keyring").with("file", keyring)));
    }
    let beyond = Checkpoints(world.files.clone())
        .all()
        .await?
        .iter()
        .any(|c| c.log.to_string() == manifest.log && c.size > manifest.ledger_size);
    if beyond {
        world.ledger.start_new_log("restored from backup").await?;
        say(texts.get("restore-new-log"));
    }
    let report = verify::check(&world, false).await?;
    let same =
        report.ledger.size == manifest.ledger_size && report.ledger.root == manifest.ledger_root;
    if !same {
        say(texts.get("restore-other-root"));
    }
    verify::print(&report, texts);
    world.db.close().await;
    Ok(same && report.is_well())
}

fn unreadable(from: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Conflict(
        Msg::new("archive-unreadable")
            .with("file", from.display())
            .with("reason", reason),
    )
}

/// Reads the whole archive and compares it with its manifest.
pub fn check(from: &Path) -> Result<Manifest> {
    let wrong = |e: std::io::Error| unreadable(from, &e);
    let mut found = Vec::new();
    let mut manifest = None;
    let mut archive = archive::open(from).map_err(wrong)?;
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.to_string_lossy().into_owned();
        if path == MANIFEST {
            let read: Manifest =
                serde_json::from_reader(&mut entry).map_err(|e| unreadable(from, &e))?;
            manifest = Some(read);
            continue;
        }
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = entry.read(&mut buffer).map_err(wrong)?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
        }
        found.push(Entry {
            path,
            size: entry.size(),
            sha256: hex::encode(hash.finalize()),
        });
    }
    let manifest = manifest.ok_or_else(|| unreadable(from, &"manifest.json is missing"))?;
    if manifest.format != FORMAT {
        return Err(unreadable(
            from,
            &format_args!("format {}", manifest.format),
        ));
    }
    let said: HashMap<&str, &Entry> = manifest
        .entries
        .iter()
        .map(|e| (e.path.as_str(), e))
        .collect();
    if let Some(e) = found.iter().find(|e| said.get(e.path.as_str()) != Some(e)) {
        let message = Msg::new("archive-damaged")
            .with("file", from.display())
            .with("entry", &e.path);
        return Err(Error::Conflict(message));
    }
    if found.len() != said.len() {
        return Err(unreadable(
            from,
            &format_args!("{} / {}", found.len(), said.len()),
        ));
    }
    Ok(manifest)
}

/// Schema as it was, rows in one transaction, then files and checkpoints.
async fn fill(db: &Db, env: &Env, files: &Files, from: &Path, manifest: &Manifest) -> Result<()> {
    let all = migrations();
    let known: Vec<_> = all
        .into_iter()
        .filter(|m| manifest.migrations.contains_key(m.name))
        .collect();
    if known.len() != manifest.migrations.len() {
        let message = Msg::new("archive-newer").with("version", &manifest.version);
        return Err(Error::Conflict(message));
    }
    db::migrate(db, env, &known).await?;
    if db::applied(db).await? != manifest.migrations.clone().into_iter().collect() {
        return Err(unreadable(
            from,
            &"the migrations are not those of this program",
        ));
    }
    db::transaction!(db, |tx| {
        let there = db::copy::tables(tx).await?;
        db::copy::clear(tx, &there).await?;
        let tables = matched(&there, manifest).ok_or_else(|| unreadable(from, &"other tables"))?;
        let mut archive = archive::open(from).map_err(|e| unreadable(from, &e))?;
        for entry in archive.entries().map_err(|e| unreadable(from, &e))? {
            let entry = entry.map_err(|e| unreadable(from, &e))?;
            let path = entry
                .path()
                .map_err(|e| unreadable(from, &e))?
                .to_string_lossy()
                .into_owned();
            let Some(table) = table_of(&path).and_then(|name| tables.get(name)) else {
                continue;
            };
            let mut lot = Vec::with_capacity(LOT);
            for line in BufReader::new(entry).lines() {
                let line = line.map_err(|e| unreadable(from, &e))?;
                let row =
                    archive::row(&line, &table.columns).ok_or_else(|| unreadable(from, &path))?;
                lot.push(row);
                if lot.len() == LOT {
                    table.insert(tx, std::mem::take(&mut lot)).await?;
                }
            }
            table.insert(tx, lot).await?;
        }
        Ok(())
    })?;
    let mut archive = archive::open(from).map_err(|e| unreadable(from, &e))?;
    for entry in archive.entries().map_err(|e| unreadable(from, &e))? {
        let mut entry = entry.map_err(|e| unreadable(from, &e))?;
        let path = entry
            .path()
            .map_err(|e| unreadable(from, &e))?
            .to_string_lossy()
            .into_owned();
        if path.starts_with("files/") {
            let size = entry.size();
            let pieces = futures::stream::iter(std::iter::from_fn(|| {
                let mut piece = Vec::with_capacity(1 << 18);
                match entry.by_ref().take(1 << 18).read_to_end(&mut piece) {
                    Ok(0) => None,
                    Ok(_) => Some(Ok(piece.into())),
                    Err(e) => Some(Err(unreadable(from, &e))),
                }
            }));
            // A file that was damaged when it was saved comes back under the hash it has now.
            files.put_stream(pieces, size).await?;
        } else if path.starts_with(checkpoints::FOLDER) {
            let mut bytes = Vec::new();
            entry
                .read_to_end(&mut bytes)
                .map_err(|e| unreadable(from, &e))?;
            files.put_named(&path, bytes).await?;
        }
    }
    Ok(())
}

/// The table of an entry `tables/003-unit/000000.jsonl`.
fn table_of(path: &str) -> Option<&str> {
    path.strip_prefix("tables/")?
        .split('/')
        .next()?
        .split_once('-')
        .map(|(_, name)| name)
}

/// The tables by name, with the columns in the order of the archive.
fn matched(there: &[Table], manifest: &Manifest) -> Option<HashMap<String, Table>> {
    if there.len() != manifest.tables.len() {
        return None;
    }
    let one = |info: &archive::TableInfo| {
        let columns = info
            .columns
            .iter()
            .map(|(name, kind)| Some((name.clone(), Kind::from_name(kind)?)));
        let table = there.iter().find(|t| t.name == info.name)?;
        let table = table.with_columns(columns.collect::<Option<_>>()?)?;
        Some((info.name.clone(), table))
    };
    manifest.tables.iter().map(one).collect()
}
