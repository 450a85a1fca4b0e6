//! Migrations: forward only, named by feature and time, one transaction each.
//!
//! A migration claims its name by a unique key in the same transaction that changes the schema. A
//! second node that starts at the same moment waits on that key and then finds the work done; a run
//! that was cut off is taken up again where it stopped. No lock service is needed.

use std::collections::HashMap;

use kernel::{Env, Error, Result};
use sha2::{Digest, Sha256};

use crate::{Db, Engine, args};

/// One step of the schema. The text may use `{blob}` (BLOB or BYTEA) and `{clustered}` (WITHOUT ROWID
/// on SQLite).
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// `feature_yyyymmdd_what`, unique for ever.
    pub name: &'static str,
    /// DDL and data statements.
    pub sql: &'static str,
}

impl Migration {
    fn text(&self, engine: Engine) -> String {
        let (blob, clustered) = match engine {
            Engine::Sqlite => ("BLOB", "WITHOUT ROWID"),
            Engine::Postgres => ("BYTEA", ""),
        };
        self.sql
            .replace("{blob}", blob)
            .replace("{clustered}", clustered)
    }

    fn checksum(&self) -> String {
        hex::encode(Sha256::digest(self.sql.as_bytes()))
    }
}

async fn prepare(db: &Db) -> Result<()> {
    let made = crate::transaction!(db, |tx| {
        tx.script(
            "CREATE TABLE IF NOT EXISTS schema_migration (
                name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)"
                .into(),
        )
        .await
    });
    match made {
        // Two nodes made the table at once: PostgreSQL reports the loser a duplicate.
        Err(Error::Conflict(_)) => Ok(()),
        other => other,
    }
}

/// The names already applied, with their checksums; empty for a database that was never migrated.
pub async fn applied(db: &Db) -> Result<HashMap<String, String>> {
    let mut tx = db.read().await?;
    let exists = match db.engine() {
        Engine::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_name = 'schema_migration' AND table_schema = current_schema()"
        }
    };
    if tx.optional(exists, args![]).await?.is_none() {
        return Ok(HashMap::new());
    }
    tx.query("SELECT name, checksum FROM schema_migration", args![])
        .await?
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The migrations that are not applied yet.
///
/// # Errors
/// `Internal` when an applied migration's text has changed since, or the database knows migrations
/// that this program does not (it was written by a newer one).
pub async fn pending(db: &Db, migrations: &[Migration]) -> Result<Vec<Migration>> {
    let mut done = applied(db).await?;
    let mut left = Vec::new();
    for m in migrations {
        match done.remove(m.name) {
            None => left.push(*m),
            Some(sum) if sum == m.checksum() => {}
            Some(_) => {
                return Err(Error::Internal(format!(
                    "migration {} has changed since it was applied",
                    m.name
                )));
            }
        }
    }
    if let Some(name) = done.keys().next() {
        return Err(Error::Internal(format!(
            "the database knows the migration {name}, this program does not: it was used by a newer version"
        )));
    }
    Ok(left)
}

/// Applies what is missing, in order; gives the names applied by this call.
pub async fn migrate(db: &Db, env: &Env, migrations: &[Migration]) -> Result<Vec<&'static str>> {
    prepare(db).await?;
    let mut names = Vec::new();
    for m in pending(db, migrations).await? {
        let claimed = crate::transaction!(db, |tx| {
            let claimed = tx
                .execute(
                    "INSERT INTO schema_migration (name, checksum, applied_at) VALUES ($1, $2, $3)
                     ON CONFLICT (name) DO NOTHING",
                    args![m.name, m.checksum(), env.now()],
                )
                .await?;
            if claimed == 1 {
                tx.script(m.text(db.engine())).await?;
            }
            Ok(claimed == 1)
        })
        .map_err(|e| match e {
            // A database that is away may be waited for.
            Error::Unavailable(_) | Error::Busy { .. } => e,
            e => Error::Internal(format!("migration {}: {e}", m.name)),
        })?;
        if claimed {
            names.push(m.name);
        }
    }
    Ok(names)
}
