//! The SQL of passwords and of those before them.

use db::{Tx, args};
use kernel::{AccountId, Id, Result, Timestamp};

/// Sets a password, which also unlocks the account. With an instant it is the owner's own choice; without
/// one it must be changed before anything else.
pub(crate) async fn set(
    tx: &mut Tx,
    account: AccountId,
    password: &str,
    chosen_at: Option<Timestamp>,
) -> Result<bool> {
    let sql = "UPDATE account SET password = $2, password_changed_at = $3, failures = 0, locked_until = NULL
        WHERE id = $1";
    Ok(tx.execute(sql, args![account, password, chosen_at]).await? == 1)
}

/// Remembers a password and forgets all but the newest `keep`.
pub(crate) async fn remember(
    tx: &mut Tx,
    id: Id,
    account: AccountId,
    password: &str,
    at: Timestamp,
    keep: i64,
) -> Result<()> {
    let sql =
        "INSERT INTO password_history (id, account, password, set_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![id, account, password, at]).await?;
    let sql = "DELETE FROM password_history WHERE account = $1 AND id NOT IN (
            SELECT id FROM password_history WHERE account = $1 ORDER BY set_at DESC, id DESC LIMIT $2)";
    tx.execute(sql, args![account, keep.max(1)]).await?;
    Ok(())
}

/// Hashes of the last passwords, newest first.
pub(crate) async fn last(tx: &mut Tx, account: AccountId, most: i64) -> Result<Vec<String>> {
    let sql = "SELECT password FROM password_history WHERE account = $1
        ORDER BY set_at DESC, id DESC LIMIT $2";
    let rows = tx.query(sql, args![account, most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
