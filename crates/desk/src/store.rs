//! The SQL of the desk.

use db::{Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Timestamp};

use crate::uploads::Upload;

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "desk_20261122_tables",
        sql: "
        CREATE TABLE draft (
            account {blob} NOT NULL,
            place TEXT NOT NULL,
            fields TEXT NOT NULL,
            saved_at BIGINT NOT NULL,
            PRIMARY KEY (account, place));
        CREATE INDEX draft_saved ON draft (saved_at);
        CREATE TABLE saved_view (
            id {blob} PRIMARY KEY,
            account {blob} NOT NULL,
            path TEXT NOT NULL,
            name TEXT NOT NULL,
            place TEXT NOT NULL,
            UNIQUE (account, path, name))",
    },
    Migration {
        name: "desk_20261122_uploads",
        sql: "
        CREATE TABLE upload (
            id {blob} PRIMARY KEY,
            account {blob} NOT NULL,
            name TEXT NOT NULL,
            size BIGINT NOT NULL,
            received BIGINT NOT NULL,
            begun_at BIGINT NOT NULL);
        CREATE INDEX upload_account ON upload (account, begun_at);
        CREATE TABLE upload_piece (
            upload {blob} NOT NULL REFERENCES upload (id),
            start BIGINT NOT NULL,
            bytes {blob} NOT NULL,
            PRIMARY KEY (upload, start))",
    },
];

/// What was typed into a form and not sent (草稿).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Names and values, in the order of the form.
    pub fields: Vec<(String, String)>,
    /// When it was last saved.
    pub saved_at: Timestamp,
}

/// The filters of a list under a name (常用视图).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Path and query that show it.
    pub place: String,
}

pub(crate) async fn keep_draft(
    tx: &mut Tx,
    of: AccountId,
    place: &str,
    fields: &str,
    at: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO draft (account, place, fields, saved_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account, place) DO UPDATE SET fields = excluded.fields, saved_at = excluded.saved_at";
    tx.execute(sql, args![of, place, fields, at]).await?;
    Ok(())
}

pub(crate) async fn draft(tx: &mut Tx, of: AccountId, place: &str) -> Result<Option<Draft>> {
    let sql = "SELECT fields, saved_at FROM draft WHERE account = $1 AND place = $2";
    let row = tx.optional(sql, args![of, place]).await?;
    row.map(|row| {
        let fields: String = row.get(0)?;
        Ok(Draft {
            fields: serde_json::from_str(&fields).map_err(Error::internal)?,
            saved_at: row.get(1)?,
        })
    })
    .transpose()
}

pub(crate) async fn drop_draft(tx: &mut Tx, of: AccountId, place: &str) -> Result<()> {
    let sql = "DELETE FROM draft WHERE account = $1 AND place = $2";
    tx.execute(sql, args![of, place]).await?;
    Ok(())
}

/// Keeps the newest of an account.
pub(crate) async fn drop_oldest_drafts(tx: &mut Tx, of: AccountId, most: i64) -> Result<()> {
    let sql = "SELECT place FROM draft WHERE account = $1 ORDER BY saved_at DESC, place LIMIT 1000 OFFSET $2";
    let rows = tx.query(sql, args![of, most]).await?;
    for row in rows {
        let place: String = row.get(0)?;
        drop_draft(tx, of, &place).await?;
    }
    Ok(())
}

pub(crate) async fn expire_drafts(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute("DELETE FROM draft WHERE saved_at < $1", args![before])
        .await
}

fn view(row: &Row) -> Result<View> {
    Ok(View {
        id: row.get(0)?,
        name: row.get(1)?,
        place: row.get(2)?,
    })
}

pub(crate) async fn views(tx: &mut Tx, of: AccountId, path: &str) -> Result<Vec<View>> {
    let sql =
        "SELECT id, name, place FROM saved_view WHERE account = $1 AND path = $2 ORDER BY name";
    let rows = tx.query(sql, args![of, path]).await?;
    rows.iter().map(view).collect()
}

/// The id of the view of that name, new or known.
pub(crate) async fn keep_view(
    tx: &mut Tx,
    id: Id,
    of: AccountId,
    path: &str,
    name: &str,
    place: &str,
) -> Result<Id> {
    let sql = "INSERT INTO saved_view (id, account, path, name, place) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account, path, name) DO UPDATE SET place = excluded.place";
    tx.execute(sql, args![id, of, path, name, place]).await?;
    let sql = "SELECT id FROM saved_view WHERE account = $1 AND path = $2 AND name = $3";
    tx.one(sql, args![of, path, name]).await?.get(0)
}

pub(crate) async fn drop_view(tx: &mut Tx, of: AccountId, id: Id) -> Result<String> {
    let sql = "SELECT place FROM saved_view WHERE id = $1 AND account = $2";
    let row = tx.optional(sql, args![id, of]).await?;
    let place = row.ok_or(Error::NotFound)?.get(0)?;
    tx.execute("DELETE FROM saved_view WHERE id = $1", args![id])
        .await?;
    Ok(place)
}

pub(crate) async fn begin_upload(
    tx: &mut Tx,
    id: Id,
    of: AccountId,
    (name, size): (&str, u64),
    at: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO upload (id, account, name, size, received, begun_at)
         VALUES ($1, $2, $3, $4, 0, $5)";
    tx.execute(sql, args![id, of, name, size as i64, at])
        .await?;
    Ok(())
}

/// All of an account but the newest.
pub(crate) async fn oldest_uploads(tx: &mut Tx, of: AccountId, most: i64) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM upload WHERE account = $1 ORDER BY begun_at DESC, id DESC LIMIT 1000 OFFSET $2";
    let rows = tx.query(sql, args![of, most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) async fn old_uploads(tx: &mut Tx, before: Timestamp) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM upload WHERE begun_at < $1";
    let rows = tx.query(sql, args![before]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) async fn upload(tx: &mut Tx, of: AccountId, id: Id) -> Result<Upload> {
    let sql = "SELECT name, size, received FROM upload WHERE id = $1 AND account = $2";
    let row = tx
        .optional(sql, args![id, of])
        .await?
        .ok_or(Error::NotFound)?;
    let (size, received): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(Upload {
        name: row.get(0)?,
        size: size.unsigned_abs(),
        received: received.unsigned_abs(),
    })
}

/// Moves the end of what has arrived; false when it stands elsewhere.
pub(crate) async fn advance_upload(tx: &mut Tx, id: Id, from: u64, to: u64) -> Result<bool> {
    let sql = "UPDATE upload SET received = $3 WHERE id = $1 AND received = $2";
    let changed = tx.execute(sql, args![id, from as i64, to as i64]).await?;
    Ok(changed == 1)
}

pub(crate) async fn put_piece(tx: &mut Tx, id: Id, start: u64, bytes: &[u8]) -> Result<()> {
    let sql = "INSERT INTO upload_piece (upload, start, bytes) VALUES ($1, $2, $3)";
    tx.execute(sql, args![id, start as i64, bytes.to_vec()])
        .await?;
    Ok(())
}

/// The whole file.
pub(crate) async fn pieces(tx: &mut Tx, id: Id) -> Result<Vec<u8>> {
    let sql = "SELECT bytes FROM upload_piece WHERE upload = $1 ORDER BY start";
    let mut whole = Vec::new();
    for row in tx.query(sql, args![id]).await? {
        let piece: Vec<u8> = row.get(0)?;
        whole.extend(piece);
    }
    Ok(whole)
}

pub(crate) async fn drop_upload(tx: &mut Tx, id: Id) -> Result<()> {
    tx.execute("DELETE FROM upload_piece WHERE upload = $1", args![id])
        .await?;
    tx.execute("DELETE FROM upload WHERE id = $1", args![id])
        .await?;
    Ok(())
}
