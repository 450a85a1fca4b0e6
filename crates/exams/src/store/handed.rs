//! SQL of files that were handed in with attempts.

use db::{Migration, Row, Tx, args};
use kernel::{Error, Id, Result, Timestamp};

use super::standing_of;
use crate::handed::Handed;
use crate::model::Standing;

/// Which files belong to which attempt; their content is in the store of files.
pub(crate) const MIGRATION: Migration = Migration {
    name: "exams_20261122_files",
    sql: "
    CREATE TABLE exam_file (
        attempt {blob} NOT NULL REFERENCES exam_attempt, hash TEXT NOT NULL, upload {blob} NOT NULL, name TEXT NOT NULL,
        size BIGINT NOT NULL, mime TEXT NOT NULL, made_at BIGINT NOT NULL, PRIMARY KEY (attempt, hash)) {clustered};
    ",
};

fn file(row: &Row) -> Result<Handed> {
    let size: i64 = row.get(2)?;
    Ok(Handed {
        hash: row.get(0)?,
        name: row.get(1)?,
        size: u64::try_from(size).map_err(Error::internal)?,
        mime: row.get(3)?,
    })
}

/// The files of an attempt, as they came.
pub(crate) async fn all(tx: &mut Tx, attempt: Id) -> Result<Vec<Handed>> {
    let sql =
        "SELECT hash, name, size, mime FROM exam_file WHERE attempt = $1 ORDER BY made_at, hash";
    let rows = tx.query(sql, args![attempt]).await?;
    rows.iter().map(file).collect()
}

/// A file by the upload that brought it.
pub(crate) async fn by_upload(tx: &mut Tx, attempt: Id, upload: Id) -> Result<Option<Handed>> {
    let sql = "SELECT hash, name, size, mime FROM exam_file WHERE attempt = $1 AND upload = $2";
    let row = tx.optional(sql, args![attempt, upload]).await?;
    row.as_ref().map(file).transpose()
}

/// Notes a file; the same content sent again stays as it was, under its newer name.
pub(crate) async fn put(
    tx: &mut Tx,
    (attempt, upload): (Id, Id),
    file: &Handed,
    at: Timestamp,
) -> Result<()> {
    let size = i64::try_from(file.size).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO exam_file (attempt, hash, upload, name, size, mime, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (attempt, hash) DO UPDATE SET upload = excluded.upload, name = excluded.name",
        args![attempt, &file.hash, upload, &file.name, size, &file.mime, at],
    )
    .await?;
    Ok(())
}

/// How an attempt stands.
pub(crate) async fn standing(tx: &mut Tx, attempt: Id) -> Result<Standing> {
    let sql = "SELECT deadline, device, seat, seen, submitted FROM exam_attempt WHERE id = $1";
    let row = tx.optional(sql, args![attempt]).await?;
    standing_of(&row.ok_or(Error::NotFound)?, 0)
}
