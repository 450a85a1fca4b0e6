//! What several devices answered to one item.

use std::collections::HashMap;

use db::{Row, Tx, args};
use kernel::{Error, Id, Result};

use super::json_of;
use crate::putting::Rival;

/// Which device wrote what stands, by item; forms without script and choices of files leave none.
pub(crate) async fn devices(tx: &mut Tx, task: Id) -> Result<HashMap<String, String>> {
    let sql = "SELECT item, device FROM inspection_answer WHERE task = $1 AND device IS NOT NULL";
    let rows = tx.query(sql, args![task]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Keeps what a device answered beside what stands; its newer answer takes the place of its older one.
pub(crate) async fn keep(tx: &mut Tx, task: Id, r: &Rival) -> Result<()> {
    let sql = "INSERT INTO inspection_rival (task, item, device, answer, place, by_account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (task, item, device) DO UPDATE SET answer = $4, place = $5, by_account = $6, at = $7";
    let text = serde_json::to_string(&r.answer).map_err(Error::internal)?;
    let args = args![
        task,
        r.item.as_str(),
        r.device.as_str(),
        text,
        r.place.as_str(),
        r.by,
        r.at
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// All that wait for a choice, by item.
pub(crate) async fn of(tx: &mut Tx, task: Id) -> Result<Vec<Rival>> {
    let sql =
        "SELECT item, device, answer, place, by_account, at FROM inspection_rival WHERE task = $1
        ORDER BY item, at, device";
    let one = |row: &Row| {
        Ok(Rival {
            item: row.get(0)?,
            device: row.get(1)?,
            answer: json_of(row, 2)?,
            place: row.get(3)?,
            by: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![task]).await?.iter().map(one).collect()
}

/// Somebody chose.
pub(crate) async fn clear(tx: &mut Tx, task: Id, item: &str) -> Result<()> {
    let sql = "DELETE FROM inspection_rival WHERE task = $1 AND item = $2";
    tx.execute(sql, args![task, item]).await.map(|_| ())
}
