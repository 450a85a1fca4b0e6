//! Duty catalogues of units.

use db::{Row, Tx, args};
use kernel::{AccountId, Date, Result, Timestamp, UnitId};

use crate::duties::{Catalogued, Duty};

/// A unit's catalogue as it stands on a day: its last version that is in effect.
pub(crate) async fn on(tx: &mut Tx, unit: UnitId, day: Date) -> Result<Option<Catalogued>> {
    let sql = "SELECT c.n, c.effective, c.duties, c.reason, c.at FROM task_catalogue c
        WHERE c.unit = $1 AND c.effective <= $2 ORDER BY c.n DESC LIMIT 1";
    let row = tx.optional(sql, args![unit, day]).await?;
    row.as_ref().map(catalogue).transpose()
}

/// All versions of a unit's catalogue, the last first.
pub(crate) async fn versions(tx: &mut Tx, unit: UnitId) -> Result<Vec<Catalogued>> {
    let sql = "SELECT c.n, c.effective, c.duties, c.reason, c.at FROM task_catalogue c WHERE c.unit = $1 ORDER BY c.n DESC";
    tx.query(sql, args![unit])
        .await?
        .iter()
        .map(catalogue)
        .collect()
}

fn catalogue(row: &Row) -> Result<Catalogued> {
    let duties: Vec<Duty> = row.json(2)?;
    Ok(Catalogued {
        n: row.get(0)?,
        effective: row.get(1)?,
        duties,
        reason: row.get(3)?,
        at: row.get(4)?,
    })
}

/// Another version of a catalogue; false when somebody wrote that version before.
pub(crate) async fn put(
    tx: &mut Tx,
    unit: UnitId,
    c: &Catalogued,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO task_catalogue (unit, n, effective, duties, reason, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let values = args![
        unit,
        c.n,
        c.effective,
        db::json(&c.duties)?,
        &c.reason,
        account,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}
