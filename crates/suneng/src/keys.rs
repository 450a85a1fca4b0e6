//! `suneng keys`: the keyring (密钥文件) that personal data is sealed with.

use crypt::{Keyring, Vault};
use db::Db;
use identity::Actor;
use kernel::{Env, Msg, Result};
use serde_json::json;

use crate::doctor::State;
use crate::texts::{Texts, say};
use crate::{Config, World};

/// Records wrapped anew in one transaction.
const CHUNK: u32 = 1000;

/// What to do with the keyring.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Keys {
    /// 列出主密钥和各自加密的记录数 / List master keys and how many records each seals
    List,
    /// 换用新的主密钥（--keyring-algorithm），并重新加密全部记录的密钥 / A new master key, and all records' keys wrapped by it
    Rotate,
}

/// Runs a command; gives whether all records can be read.
pub async fn run(config: Config, env: Env, what: Keys, texts: &Texts) -> Result<bool> {
    let world = World::open(config, env).await?;
    let well = match what {
        Keys::List => list(&world, texts).await?,
        Keys::Rotate => rotate(&world, texts).await.map(|()| true)?,
    };
    world.db.close().await;
    Ok(well)
}

async fn list(world: &World, texts: &Texts) -> Result<bool> {
    let ring = Keyring::open(&world.config.operation.keyring)?;
    let masters: Vec<(String, &str)> = ring
        .masters()
        .map(|(id, algorithm)| (id.to_owned(), algorithm))
        .collect();
    let active = ring.active().to_owned();
    let vault = Vault::open(&world.db, &world.env, ring).await?;
    let usage = vault.usage(&mut world.db.read().await?).await?;
    for (id, algorithm) in masters {
        let used = usage.iter().find(|used| used.master == id);
        let key = if id == active {
            "keys-active"
        } else {
            "keys-master"
        };
        let line = Msg::new(key).with("id", id).with("algorithm", algorithm);
        say(texts.msg(&line.with("records", used.map_or(0, |used| used.records))));
    }
    let unknown: Vec<_> = usage.iter().filter(|used| !used.known).collect();
    for used in &unknown {
        let line = Msg::new("keys-unknown").with("id", &used.master);
        say(texts.msg(&line.with("records", used.records)));
    }
    Ok(unknown.is_empty())
}

async fn rotate(world: &World, texts: &Texts) -> Result<()> {
    let operation = &world.config.operation;
    // Only the keyring of this database is changed.
    world.vault().await?;
    let ring = Keyring::rotate(&operation.keyring, &world.env, operation.keyring_algorithm)?;
    let id = ring.active().to_owned();
    let vault = Vault::open(&world.db, &world.env, ring).await?;
    let detail = json!({ "algorithm": operation.keyring_algorithm });
    let entry = Actor::default().audit("keyring.rotated", ("keyring", &id), detail);
    db::transaction!(world.db, |tx| {
        identity::record(tx, &world.env, &entry).await
    })?;
    let line = Msg::new("keys-rotated").with("id", &id);
    say(texts.msg(&line.with("algorithm", operation.keyring_algorithm)));
    rewrap(&world.db, &vault, |done, left| {
        say(texts.msg(
            &Msg::new("keys-progress")
                .with("done", done)
                .with("left", left),
        ));
    })
    .await?;
    say(texts.get("keys-done"));
    Ok(())
}

/// Wraps the keys of all records by the active master key, in short transactions; tells after each how
/// many are done and left.
pub async fn rewrap(db: &Db, vault: &Vault, tell: impl Fn(u64, i64)) -> Result<u64> {
    let mut all = 0;
    loop {
        let step = db::transaction!(db, |tx| vault.rewrap(tx, CHUNK).await)?;
        all += step.done;
        if step.done > 0 {
            tell(all, step.left);
        }
        if step.left == 0 {
            return Ok(all);
        }
    }
}

type Finding = (State, Result<Msg>);

/// What `doctor` says about the keyring.
pub async fn findings(config: &Config, env: &Env, db: &Db) -> Vec<Finding> {
    look(config, env, db)
        .await
        .unwrap_or_else(|e| vec![(State::Bad, Err(e))])
}

async fn look(config: &Config, env: &Env, db: &Db) -> Result<Vec<Finding>> {
    let path = &config.operation.keyring;
    if !path.exists() && Vault::is_new(db).await? {
        let msg = Msg::new("doctor-keyring-new").with("file", path.display());
        return Ok(vec![(State::Warn, Ok(msg))]);
    }
    let ring = Keyring::open(path)?;
    let active = ring.active().to_owned();
    let msg = Msg::new("doctor-keyring")
        .with("file", path.display())
        .with("masters", ring.masters().count())
        .with("active", &active);
    let mut found = vec![(State::Ok, Ok(msg))];
    let warnings = ring.warnings().iter().cloned();
    found.extend(warnings.map(|warning| (State::Warn, Ok(warning))));
    if config
        .sqlite_file()
        .is_some_and(|file| file.parent() == path.parent())
    {
        found.push((State::Warn, Ok(Msg::new("doctor-keyring-beside"))));
    }
    if Vault::is_new(db).await? {
        return Ok(found);
    }
    let vault = Vault::open(db, env, ring).await?;
    let mut left = 0;
    for used in vault.usage(&mut db.read().await?).await? {
        if !used.known {
            let msg = Msg::new("doctor-keyring-unknown").with("id", &used.master);
            found.push((State::Bad, Ok(msg.with("records", used.records))));
        } else if used.master != active {
            left += used.records;
        }
    }
    if left > 0 {
        let msg = Msg::new("doctor-keyring-left").with("records", left);
        found.push((State::Warn, Ok(msg)));
    }
    Ok(found)
}
