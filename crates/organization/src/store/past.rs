//! The SQL of imports that lie behind.

use db::{Tx, args};
use kernel::{AccountId, Id, Result, Timestamp};
use web::table::{Order, Window};

use super::import::import;
use crate::import::record::{Import, State};

/// A page of the imports of an account with when they were sent, and how many there are.
pub(crate) async fn imports_of(
    tx: &mut Tx,
    account: AccountId,
    state: Option<State>,
    order: Order,
    window: Window,
) -> Result<(Vec<(Import, Timestamp)>, i64)> {
    let mut args = args![account];
    let state = match state {
        Some(state) => format!("state = {}", args.push(state.code())),
        None => "1=1".to_owned(),
    };
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM import WHERE account = $1 AND {state}");
    let total: i64 = tx.one(sql, args.clone()).await?.get(0)?;
    let (size, offset) = (args.push(window.size), args.push(window.offset(total)));
    let (by, way) = match order.by {
        "state" => ("state", order.way()),
        _ => ("created_at", order.way()),
    };
    let sql = format!(
        "SELECT id, account, state, files, done, total, summary, touched_at, created_at FROM import
         WHERE account = $1 AND {state} ORDER BY {by} {way}, id {way} LIMIT {size} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    let found: Result<Vec<_>> = rows
        .iter()
        .map(|row| Ok((import(row)?, row.get(8)?)))
        .collect();
    Ok((found?, total))
}

/// Imports that nobody touched since an instant, done ones since another.
pub(crate) async fn old_imports(
    tx: &mut Tx,
    before: Timestamp,
    done_before: Timestamp,
) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM import
        WHERE touched_at < CASE WHEN state = 'done' THEN CAST($2 AS BIGINT) ELSE CAST($1 AS BIGINT) END";
    let rows = tx.query(sql, args![before, done_before]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
