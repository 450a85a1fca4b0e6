//! Which cases stand on the public list of the house.

use db::{Migration, Row, Tx, args};
use kernel::{Date, Id, Result};

/// The table of this list.
pub(crate) const MIGRATION: Migration = Migration {
    name: "cases_20261124_exposed",
    sql:
        "
    CREATE TABLE case_exposed (
        matter {blob} NOT NULL PRIMARY KEY REFERENCES case_matter, since TEXT NOT NULL) {clustered}",
};

/// Puts a case on the list; false when it stands there already.
pub(crate) async fn put(tx: &mut Tx, id: Id, since: Date) -> Result<bool> {
    let sql = "INSERT INTO case_exposed (matter, since) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![id, since]).await? == 1)
}

/// Takes a case off the list; false when it does not stand there.
pub(crate) async fn take(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "DELETE FROM case_exposed WHERE matter = $1";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Since when a case stands on the list.
pub(crate) async fn since(tx: &mut Tx, id: Id) -> Result<Option<Date>> {
    let sql = "SELECT since FROM case_exposed WHERE matter = $1";
    let row = tx.optional(sql, args![id]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The list, those that stand longest first.
pub(crate) async fn all(tx: &mut Tx, most: i64) -> Result<Vec<(Id, Date)>> {
    let sql = "SELECT matter, since FROM case_exposed ORDER BY since, matter LIMIT $1";
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    tx.query(sql, args![most]).await?.iter().map(read).collect()
}
