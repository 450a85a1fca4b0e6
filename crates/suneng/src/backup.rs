//! `suneng backup`: a consistent copy beside a running server.
//!
//! The rows come from one snapshot. Files are listed after it: a file is kept before a row refers to
//! it, and nothing removes files, so whatever the rows name is there.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use commons::files::FileRef;
use futures::TryStreamExt;
use kernel::{Env, Error, Msg, Result};
use ledger::Ledger;

use crate::archive::{self, FORMAT, MANIFEST, Manifest, TableInfo, Writer};
use crate::checkpoints;
use crate::texts::{Texts, say};
use crate::world::not_written;
use crate::{Config, World};

/// Rows are written in parts of about this many bytes.
const PART: usize = 4 << 20;

/// Backs up to a new file.
pub async fn run(config: Config, env: Env, to: &Path, texts: &Texts) -> Result<()> {
    let world = World::open(config, env).await?;
    let manifest = backup(&world, to).await?;
    for sha256 in &manifest.damaged {
        say(texts.msg(&Msg::new("backup-damaged").with("sha256", sha256)));
    }
    say(texts.msg(
        &Msg::new("backup-done")
            .with("file", to.display())
            .with("rows", manifest.tables.iter().map(|t| t.rows).sum::<i64>())
            .with(
                "files",
                manifest
                    .entries
                    .iter()
                    .filter(|e| e.path.starts_with("files/"))
                    .count(),
            )
            .with("size", manifest.ledger_size),
    ));
    let keyring = world.config.operation.keyring.display();
    say(texts.msg(&Msg::new("backup-keyring").with("file", keyring)));
    world.db.close().await;
    Ok(())
}

/// Writes an archive under a temporary name and renames it when it is whole.
pub async fn backup(world: &World, to: &Path) -> Result<Manifest> {
    let name = to.to_string_lossy();
    if !(name.ends_with(".tar") || name.ends_with(".tar.gz") || name.ends_with(".tgz")) {
        return Err(Error::Conflict(Msg::new("backup-name").with("file", &name)));
    }
    let exists = || Error::Conflict(Msg::new("backup-exists").with("file", to.display()));
    if to.exists() {
        return Err(exists());
    }
    let partial = PathBuf::from(format!("{name}.partial"));
    let written = write(world, &partial, !name.ends_with(".tar")).await;
    let written = written.and_then(|manifest| {
        // A hard link, unlike a rename, never replaces what somebody else wrote meanwhile.
        std::fs::hard_link(&partial, to).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => exists(),
            _ => not_written(to, &e),
        })?;
        Ok(manifest)
    });
    // Of no use any more, whether it was whole or not.
    let _ = std::fs::remove_file(&partial);
    written
}

async fn write(world: &World, path: &Path, compressed: bool) -> Result<Manifest> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let failed = |e: std::io::Error| not_written(path, &e);
    let mut out = Writer::new(options.open(path).map_err(failed)?, compressed);
    let migrations = db::applied(&world.db).await?.into_iter().collect();
    let mut tx = world.db.read().await?;
    let (log, ledger_size, ledger_root) = Ledger::head(&mut tx).await?;
    let mut tables = Vec::new();
    for (number, table) in db::copy::tables(&mut tx).await?.into_iter().enumerate() {
        let folder = format!("tables/{number:03}-{}", table.name);
        let (mut part, mut parts) = (String::new(), 0);
        let rows = table
            .rows(&mut tx, |row| {
                part.push_str(&archive::line(&row)?);
                if part.len() >= PART {
                    out.put(&format!("{folder}/{parts:06}.jsonl"), part.as_bytes())
                        .map_err(failed)?;
                    parts += 1;
                    part.clear();
                }
                Ok(())
            })
            .await?;
        if !part.is_empty() {
            out.put(&format!("{folder}/{parts:06}.jsonl"), part.as_bytes())
                .map_err(failed)?;
        }
        tables.push(TableInfo {
            columns: table
                .columns
                .iter()
                .map(|(c, kind)| (c.clone(), kind.name().to_owned()))
                .collect(),
            name: table.name,
            rows,
        });
    }
    drop(tx);
    let mut damaged = Vec::new();
    let mut files = world.files.list();
    while let Some(file) = files.try_next().await? {
        if !copy_file(world, file, &mut out, path).await? {
            damaged.push(file.sha256.to_string());
        }
    }
    for name in world.files.list_named(checkpoints::FOLDER).await? {
        let bytes = world.files.get_named(&name).await?;
        // A checkpoint that was signed after the snapshot belongs to the next backup.
        let known: Option<ledger::Checkpoint> = serde_json::from_slice(&bytes).ok();
        if known.is_some_and(|c| c.log != log || c.size <= ledger_size) {
            out.put(&name, &bytes).map_err(failed)?;
        }
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: world.env.now().0,
        log: log.to_string(),
        ledger_size,
        ledger_root,
        migrations,
        tables,
        damaged,
        entries: out.entries.clone(),
    };
    let json = serde_json::to_vec_pretty(&manifest).map_err(Error::internal)?;
    out.put(MANIFEST, &json).map_err(failed)?;
    out.finish().map_err(failed)?;
    Ok(manifest)
}

/// Copies a file as it is; gives whether it is whole. A damaged file must not keep the others from being
/// saved.
async fn copy_file(world: &World, file: FileRef, out: &mut Writer, path: &Path) -> Result<bool> {
    let failed = |e: std::io::Error| not_written(path, &e);
    let (size, mut bytes) = world.files.get_stream(file.sha256).await?;
    out.begin(&format!("files/{}", file.sha256), size)
        .map_err(failed)?;
    let whole = loop {
        match bytes.try_next().await {
            Ok(Some(bytes)) => out.write(&bytes).map_err(failed)?,
            Ok(None) => break true,
            Err(Error::Unavailable(msg)) if msg.key == "file-damaged" => break false,
            Err(e) => return Err(e),
        }
    };
    out.end().map_err(failed)?;
    Ok(whole)
}
