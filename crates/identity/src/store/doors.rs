//! The SQL of sign-ins that are on their way to a provider and back.

use db::{Row, Tx, args};
use kernel::{AccountId, Result, Timestamp};

/// A sign-in that has gone to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Hash of what the provider sends back.
    pub state: Vec<u8>,
    /// Hash of the browser's cookie.
    pub browser: Vec<u8>,
    pub nonce: String,
    pub verifier: String,
    pub next: String,
    pub expires_at: Timestamp,
}

/// Keeps a sign-in until it comes back.
pub(crate) async fn put_flow(tx: &mut Tx, flow: &Flow) -> Result<()> {
    let sql = "INSERT INTO oidc_flow (state_hash, browser_hash, nonce, verifier, next, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let args = args![
        &flow.state[..],
        &flow.browser[..],
        &flow.nonce,
        &flow.verifier,
        &flow.next,
        flow.expires_at,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Takes a sign-in that has come back: once, and for the browser that left.
pub(crate) async fn take_flow(
    tx: &mut Tx,
    state: &[u8],
    browser: &[u8],
    now: Timestamp,
) -> Result<Option<Flow>> {
    let sql = "DELETE FROM oidc_flow WHERE state_hash = $1 AND browser_hash = $2
        RETURNING nonce, verifier, next, expires_at";
    let read = |row: &Row| {
        Ok(Flow {
            state: state.to_vec(),
            browser: browser.to_vec(),
            nonce: row.get(0)?,
            verifier: row.get(1)?,
            next: row.get(2)?,
            expires_at: row.get(3)?,
        })
    };
    let row = tx.optional(sql, args![state, browser]).await?;
    let flow: Option<Flow> = row.as_ref().map(read).transpose()?;
    Ok(flow.filter(|flow| now < flow.expires_at))
}

/// Removes the sign-ins that never came back.
pub(crate) async fn purge_flows(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let sql = "DELETE FROM oidc_flow WHERE expires_at <= $1";
    tx.execute(sql, args![now]).await
}

/// Takes the counted attempts back for somebody whom a directory knows; gives whether the account is enabled.
pub(crate) async fn clear_attempts(tx: &mut Tx, account: AccountId) -> Result<bool> {
    let sql = "UPDATE account SET failures = 0, locked_until = NULL
        WHERE id = $1 AND disabled_at IS NULL";
    Ok(tx.execute(sql, args![account]).await? == 1)
}
