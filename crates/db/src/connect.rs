//! Opening a database: pools, settings, health.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use futures::future::BoxFuture;
use kernel::{Error, Result};
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

use crate::error::convert;
use crate::{Tx, args};

/// Which engine a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded default.
    Sqlite,
    /// For more than one node.
    Postgres,
}

/// How many connections, and how patient.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// Connections for reading (SQLite) or in all (PostgreSQL).
    pub connections: u32,
    /// How long to wait for a connection or a busy database.
    pub patience: Duration,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            connections: 8,
            patience: Duration::from_secs(5),
        }
    }
}

/// A database; cheap to clone.
#[derive(Clone)]
pub struct Db(pub(crate) Pools);

#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite { write: SqlitePool, read: SqlitePool },
    Pg { pool: PgPool },
}

/// Whether a connection that lay in the pool may be used. When writing fails (a full disk), SQLite ends the
/// transaction by itself and the driver does not notice: that connection would refuse every transaction
/// that follows, so it is closed and another opened.
fn sound(
    connection: &mut SqliteConnection,
    _: PoolConnectionMetadata,
) -> BoxFuture<'_, sqlx::Result<bool>> {
    let sound = !connection.is_in_transaction();
    Box::pin(async move { Ok(sound) })
}

impl Db {
    /// Opens the SQLite file at a path, created when missing: WAL, `synchronous=FULL`, one writer,
    /// a pool of readers.
    pub async fn open_sqlite(path: &Path, options: &DbOptions) -> Result<Self> {
        let base = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.patience)
            .pragma("journal_size_limit", "67108864")
            .optimize_on_close(true, None)
            // Slow ones are told of in few words: see `Tx`.
            .disable_statement_logging();
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(sound)
            .acquire_timeout(options.patience)
            .connect_with(
                base.clone()
                    .create_if_missing(true)
                    .statement_cache_capacity(200)
                    .pragma("cache_size", "-16000")
                    .pragma("wal_autocheckpoint", "4000"),
            )
            .await
            .map_err(convert)?;
        let read = SqlitePoolOptions::new()
            .max_connections(options.connections)
            .before_acquire(sound)
            .acquire_timeout(options.patience)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(base.pragma("query_only", "1").pragma("cache_size", "-4000"));
        Ok(Self(Pools::Sqlite { write, read }))
    }

    /// Connects to PostgreSQL by URL.
    pub async fn open_postgres(url: &str, options: &DbOptions) -> Result<Self> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| Error::Internal("the database URL cannot be read".into()))?
            .application_name("suneng")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .acquire_timeout(options.patience)
            .connect_with(connect)
            .await
            .map_err(convert)?;
        Ok(Self(Pools::Pg { pool }))
    }

    /// Opens `postgres://…`, `sqlite:PATH` or a plain path.
    pub async fn open(url: &str, options: &DbOptions) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url, options).await
        } else {
            let path = url
                .strip_prefix("sqlite://")
                .or_else(|| url.strip_prefix("sqlite:"));
            Self::open_sqlite(Path::new(path.unwrap_or(url)), options).await
        }
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        match self.0 {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Pg { .. } => Engine::Postgres,
        }
    }

    /// A read-only snapshot: every statement in it sees the same state.
    pub async fn read(&self) -> Result<Tx> {
        Tx::read(self).await
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        tx.query("SELECT CAST(1 AS BIGINT)", args![]).await?;
        Ok(())
    }

    /// The settings that durability rests on, by name, as the engine reports them.
    pub async fn durability(&self) -> Result<Vec<(&'static str, String)>> {
        let mut found = Vec::new();
        match &self.0 {
            Pools::Sqlite { write, .. } => {
                let mut conn = write.acquire().await.map_err(convert)?;
                let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
                    .fetch_one(&mut *conn)
                    .await
                    .map_err(convert)?;
                let sync: i64 = sqlx::query_scalar("PRAGMA synchronous")
                    .fetch_one(&mut *conn)
                    .await
                    .map_err(convert)?;
                found.push(("journal_mode", mode));
                found.push((
                    "synchronous",
                    ["OFF", "NORMAL", "FULL", "EXTRA"]
                        .get(sync as usize)
                        .unwrap_or(&"?")
                        .to_string(),
                ));
            }
            Pools::Pg { pool } => {
                for (name, sql) in [
                    ("fsync", "SHOW fsync"),
                    ("synchronous_commit", "SHOW synchronous_commit"),
                ] {
                    let value: String = sqlx::query_scalar(sql)
                        .fetch_one(pool)
                        .await
                        .map_err(convert)?;
                    found.push((name, value));
                }
            }
        }
        Ok(found)
    }

    /// Writes a consistent copy of a SQLite database to a new file while others write on.
    ///
    /// # Errors
    /// `Internal` on PostgreSQL, whose own tools make backups of the server.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        match &self.0 {
            Pools::Sqlite { read, .. } => {
                let mut conn = read.acquire().await.map_err(convert)?;
                // VACUUM INTO writes the target only, but query_only forbids it all the same.
                sqlx::query("PRAGMA query_only=0")
                    .execute(&mut *conn)
                    .await
                    .map_err(convert)?;
                let done = sqlx::query("VACUUM INTO $1")
                    .bind(path.to_string_lossy().into_owned())
                    .execute(&mut *conn)
                    .await
                    .map_err(convert);
                sqlx::query("PRAGMA query_only=1")
                    .execute(&mut *conn)
                    .await
                    .map_err(convert)?;
                done?;
                // VACUUM INTO does not wait for the disk.
                let file = tokio::fs::OpenOptions::new().write(true).open(path).await;
                file.map_err(Error::internal)?
                    .sync_all()
                    .await
                    .map_err(Error::internal)
            }
            Pools::Pg { .. } => Err(Error::Internal(
                "a PostgreSQL database is copied table by table".into(),
            )),
        }
    }

    /// Closes all connections; waits for those in use.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Pg { pool } => pool.close().await,
        }
    }
}
