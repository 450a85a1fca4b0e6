//! The SQL of inspection packs.

use db::{Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Timestamp};

use crate::inspection::{InspectionPack, InspectionState};

pub(super) const TABLES: &str = "
    CREATE TABLE obligation_pack (
        id {blob} PRIMARY KEY, wanted TEXT NOT NULL, by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL,
        state TEXT NOT NULL, done BIGINT NOT NULL, total BIGINT NOT NULL, held TEXT, size BIGINT NOT NULL,
        sha256 TEXT NOT NULL, files BIGINT NOT NULL, missing BIGINT NOT NULL, trouble TEXT NOT NULL);
    CREATE INDEX obligation_pack_account ON obligation_pack (by_account, id);
    CREATE INDEX obligation_pack_at ON obligation_pack (at);
";

const COLUMNS: &str = "id, wanted, by_account, on_behalf, at, state, done, total, held, size, sha256, files, missing, trouble";

fn read(row: &Row) -> Result<InspectionPack> {
    let (wanted, state): (String, String) = (row.get(1)?, row.get(5)?);
    let (held, trouble): (Option<String>, String) = (row.get(8)?, row.get(13)?);
    Ok(InspectionPack {
        id: row.get(0)?,
        wanted: serde_json::from_str(&wanted).map_err(Error::internal)?,
        by: row.get(2)?,
        on_behalf: row.get(3)?,
        at: row.get(4)?,
        state: InspectionState::from_code(&state)
            .ok_or_else(|| Error::internal("no such state"))?,
        done: row.get(6)?,
        total: row.get(7)?,
        held: held.map(|h| h.parse()).transpose()?,
        size: row.get(9)?,
        sha256: row.get(10)?,
        files: row.get(11)?,
        missing: row.get(12)?,
        trouble,
    })
}

/// Keeps what is asked for.
pub(crate) async fn ask(tx: &mut Tx, p: &InspectionPack) -> Result<()> {
    let wanted = serde_json::to_string(&p.wanted).map_err(Error::internal)?;
    let sql = "INSERT INTO obligation_pack (id, wanted, by_account, on_behalf, at, state, done, total, size, sha256, files,
               missing, trouble) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, '', 0, 0, '')";
    let args = args![
        p.id,
        wanted,
        p.by,
        p.on_behalf,
        p.at,
        p.state.code(),
        p.total
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// One of them.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<InspectionPack>> {
    let sql = format!("SELECT {COLUMNS} FROM obligation_pack WHERE id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(read).transpose()
}

/// Those of an account, newest first.
pub(crate) async fn of(tx: &mut Tx, account: AccountId, most: i64) -> Result<Vec<InspectionPack>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM obligation_pack WHERE by_account = $1 ORDER BY id DESC LIMIT $2"
    );
    let rows = tx.query(sql, args![account, most]).await?;
    rows.iter().map(read).collect()
}

/// Those that were asked for before an instant.
pub(crate) async fn before(tx: &mut Tx, at: Timestamp) -> Result<Vec<InspectionPack>> {
    let sql = format!("SELECT {COLUMNS} FROM obligation_pack WHERE at < $1 ORDER BY at");
    let rows = tx.query(sql, args![at]).await?;
    rows.iter().map(read).collect()
}

/// Names of the files that are held for packs.
pub(crate) async fn held(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT held FROM obligation_pack WHERE held IS NOT NULL";
    let rows = tx.query(sql, args![]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How far one is.
pub(crate) async fn progress(tx: &mut Tx, id: Id, done: i64) -> Result<()> {
    let sql = "UPDATE obligation_pack SET state = 'working', done = $2
               WHERE id = $1 AND state IN ('waiting', 'working')";
    tx.execute(sql, args![id, done]).await?;
    Ok(())
}

/// Puts a finished one down, once; false when another node was faster or it is gone.
pub(crate) async fn finish(tx: &mut Tx, p: &InspectionPack) -> Result<bool> {
    let held = p.held.as_ref().map(ToString::to_string);
    let sql = "UPDATE obligation_pack SET state = $2, done = $3, held = $4, size = $5, sha256 = $6, files = $7,
               missing = $8, trouble = $9 WHERE id = $1 AND state IN ('waiting', 'working')";
    let args = args![
        p.id,
        p.state.code(),
        p.done,
        held,
        p.size,
        p.sha256.as_str(),
        p.files,
        p.missing,
        p.trouble.as_str()
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Takes one away.
pub(crate) async fn remove(tx: &mut Tx, id: Id) -> Result<()> {
    tx.execute("DELETE FROM obligation_pack WHERE id = $1", args![id])
        .await?;
    Ok(())
}
