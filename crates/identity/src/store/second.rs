//! The SQL of second factors and recovery codes.

use db::{Args, Tx, args};
use kernel::{AccountId, Result, Timestamp};

/// Since when an account has a second factor.
pub(crate) async fn since(tx: &mut Tx, account: AccountId) -> Result<Option<Timestamp>> {
    let sql = "SELECT confirmed_at FROM second_factor WHERE account = $1";
    let row = tx.optional(sql, args![account]).await?;
    Ok(row.map(|r| r.get(0)).transpose()?.flatten())
}

/// Puts a sealed secret that is not confirmed yet; gives whether there was no confirmed one.
pub(crate) async fn put(tx: &mut Tx, account: AccountId, sealed: &[u8]) -> Result<bool> {
    let sql = "INSERT INTO second_factor (account, secret, last_step) VALUES ($1, $2, 0)
        ON CONFLICT (account) DO UPDATE SET secret = excluded.secret, last_step = 0
            WHERE second_factor.confirmed_at IS NULL";
    Ok(tx.execute(sql, args![account, sealed]).await? == 1)
}

pub(crate) async fn sealed(tx: &mut Tx, account: AccountId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT secret FROM second_factor WHERE account = $1";
    let row = tx.optional(sql, args![account]).await?;
    row.map(|r| r.get(0)).transpose()
}

pub(crate) async fn confirm(
    tx: &mut Tx,
    account: AccountId,
    step: i64,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE second_factor SET confirmed_at = $3, last_step = $2
        WHERE account = $1 AND confirmed_at IS NULL";
    Ok(tx.execute(sql, args![account, step, now]).await? == 1)
}

/// Uses a step of time up; gives whether it was not used before, nor a later one.
pub(crate) async fn pass(tx: &mut Tx, account: AccountId, step: i64) -> Result<bool> {
    let sql = "UPDATE second_factor SET last_step = $2
        WHERE account = $1 AND last_step < $2 AND confirmed_at IS NOT NULL";
    Ok(tx.execute(sql, args![account, step]).await? == 1)
}

/// Puts recovery codes in place of those before.
pub(crate) async fn put_recovery(
    tx: &mut Tx,
    account: AccountId,
    hashes: &[Vec<u8>],
) -> Result<()> {
    let sql = "DELETE FROM recovery_code WHERE account = $1";
    tx.execute(sql, args![account]).await?;
    let mut rows = Args::new();
    for hash in hashes {
        rows.add(account);
        rows.add(&hash[..]);
    }
    let head = "INSERT INTO recovery_code (account, code_hash) VALUES";
    tx.insert_many(head, 2, "", rows).await?;
    Ok(())
}

/// Uses a recovery code up; gives whether it was there.
pub(crate) async fn take_recovery(tx: &mut Tx, account: AccountId, hash: &[u8]) -> Result<bool> {
    let sql = "DELETE FROM recovery_code WHERE account = $1 AND code_hash = $2";
    Ok(tx.execute(sql, args![account, hash]).await? == 1)
}

/// How many recovery codes are left.
pub(crate) async fn left(tx: &mut Tx, account: AccountId) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM recovery_code WHERE account = $1";
    tx.one(sql, args![account]).await?.get(0)
}

/// The session needs no second step any more.
pub(crate) async fn let_in(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    let sql = "UPDATE session SET second_due = FALSE WHERE token_hash = $1";
    tx.execute(sql, args![hash]).await?;
    Ok(())
}

/// Removes a second factor with its recovery codes; gives whether there was one.
pub(crate) async fn remove(tx: &mut Tx, account: AccountId) -> Result<bool> {
    let sql = "DELETE FROM recovery_code WHERE account = $1";
    tx.execute(sql, args![account]).await?;
    let sql = "DELETE FROM second_factor WHERE account = $1";
    Ok(tx.execute(sql, args![account]).await? == 1)
}

/// Takes one attempt back: the password was right, the second step is to come. Gives whether the account
/// still has that password; without one it was a directory that knew it.
pub(crate) async fn uncount(
    tx: &mut Tx,
    account: AccountId,
    password: Option<&str>,
    most: i64,
) -> Result<bool> {
    let sql = "UPDATE account SET locked_until = NULL,
            failures = CASE WHEN locked_until IS NULL THEN failures - 1 ELSE $3 - 1 END
        WHERE id = $1 AND (password = $2 OR $2 IS NULL) AND disabled_at IS NULL";
    Ok(tx.execute(sql, args![account, password, most]).await? == 1)
}
