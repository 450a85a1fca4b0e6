//! The SQL of data keys.

use std::collections::HashMap;

use db::{Args, Migration, Tx, args};
use kernel::{Id, Result, Timestamp};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "crypt_20261122_data_key",
    sql: "
        CREATE TABLE data_key (
            id {blob} PRIMARY KEY,
            algorithm TEXT NOT NULL,
            master TEXT NOT NULL,
            wrapped {blob},
            created_at BIGINT NOT NULL,
            erased_at BIGINT);
        CREATE INDEX data_key_master ON data_key (master, id) WHERE wrapped IS NOT NULL;
        CREATE TABLE blind_index (
            id BIGINT PRIMARY KEY,
            fingerprint TEXT NOT NULL,
            created_at BIGINT NOT NULL)",
}];

/// A data key as it is stored.
pub(crate) struct DataKey {
    pub(crate) id: Id,
    pub(crate) algorithm: String,
    pub(crate) master: String,
    /// `None` once erased.
    pub(crate) wrapped: Option<Vec<u8>>,
    pub(crate) erased_at: Option<Timestamp>,
}

fn data_key(row: &db::Row) -> Result<DataKey> {
    Ok(DataKey {
        id: row.get(0)?,
        algorithm: row.get(1)?,
        master: row.get(2)?,
        wrapped: row.get(3)?,
        erased_at: row.get(4)?,
    })
}

const COLUMNS: &str = "id, algorithm, master, wrapped, erased_at";

/// The keys of these records, as many as there are.
pub(crate) async fn keys(tx: &mut Tx, records: &[Id]) -> Result<HashMap<Id, DataKey>> {
    let mut found = HashMap::with_capacity(records.len());
    for chunk in records.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!("SELECT {COLUMNS} FROM data_key WHERE id IN ({list})");
        for row in tx.query(sql, args).await? {
            let key = data_key(&row)?;
            found.insert(key.id, key);
        }
    }
    Ok(found)
}

/// Writes keys of records that have none yet; gives how many were written.
pub(crate) async fn add(tx: &mut Tx, keys: &[DataKey], now: Timestamp) -> Result<u64> {
    put(tx, keys, "ON CONFLICT (id) DO NOTHING", now).await
}

/// Writes keys that were wrapped anew, but not over an erasure.
pub(crate) async fn rewrap(tx: &mut Tx, keys: &[DataKey], now: Timestamp) -> Result<u64> {
    let again =
        "ON CONFLICT (id) DO UPDATE SET master = excluded.master, wrapped = excluded.wrapped
                 WHERE data_key.erased_at IS NULL";
    put(tx, keys, again, now).await
}

async fn put(tx: &mut Tx, keys: &[DataKey], tail: &'static str, now: Timestamp) -> Result<u64> {
    let mut rows = Args::with_capacity(keys.len() * 5);
    for key in keys {
        rows.add(key.id);
        rows.add(&key.algorithm);
        rows.add(&key.master);
        rows.add(key.wrapped.clone());
        rows.add(now);
    }
    let head = "INSERT INTO data_key (id, algorithm, master, wrapped, created_at) VALUES";
    tx.insert_many(head, 5, tail, rows).await
}

/// Destroys keys, also those that were never made, so that none can be made later.
pub(crate) async fn erase(tx: &mut Tx, records: &[Id], now: Timestamp) -> Result<u64> {
    let mut rows = Args::with_capacity(records.len() * 5);
    for record in records {
        rows.add(*record);
        rows.add("");
        rows.add("");
        rows.add(now);
        rows.add(now);
    }
    tx.insert_many(
        "INSERT INTO data_key (id, algorithm, master, created_at, erased_at) VALUES",
        5,
        "ON CONFLICT (id) DO UPDATE SET wrapped = NULL, erased_at = excluded.erased_at
         WHERE data_key.erased_at IS NULL",
        rows,
    )
    .await
}

/// Records erased since an instant.
pub(crate) async fn erased(tx: &mut Tx, since: Timestamp) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM data_key WHERE erased_at >= $1 ORDER BY id";
    let rows = tx.query(sql, args![since]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many keys each master key wraps.
pub(crate) async fn usage(tx: &mut Tx) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT master, CAST(COUNT(*) AS BIGINT) FROM data_key WHERE wrapped IS NOT NULL
               GROUP BY master ORDER BY master";
    let rows = tx.query(sql, args![]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The first keys that a master key wraps.
pub(crate) async fn wrapped_by(tx: &mut Tx, master: &str, most: u32) -> Result<Vec<DataKey>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM data_key WHERE wrapped IS NOT NULL AND master = $1 ORDER BY id LIMIT $2"
    );
    let rows = tx.query(sql, args![master, most]).await?;
    rows.iter().map(data_key).collect()
}

/// Whether a database has never met a keyring.
pub(crate) async fn unused(tx: &mut Tx) -> Result<bool> {
    let sql = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM blind_index)
                    + (SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT id FROM data_key LIMIT 1) AS k)";
    let met: i64 = tx.one(sql, args![]).await?.get(0)?;
    Ok(met == 0)
}

/// Remembers the first index key and gives the fingerprint that is remembered.
pub(crate) async fn fingerprint(tx: &mut Tx, mine: &str, now: Timestamp) -> Result<String> {
    tx.execute(
        "INSERT INTO blind_index (id, fingerprint, created_at) VALUES (1, $1, $2)
         ON CONFLICT (id) DO NOTHING",
        args![mine, now],
    )
    .await?;
    let sql = "SELECT fingerprint FROM blind_index WHERE id = 1";
    tx.one(sql, args![]).await?.get(0)
}
