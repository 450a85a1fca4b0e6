//! The SQL of erasure.

use db::{Tx, args};
use kernel::{AccountId, PersonId, Result, Timestamp};

/// The account of a person.
pub(crate) async fn account_of(tx: &mut Tx, person: PersonId) -> Result<Option<AccountId>> {
    let sql = "SELECT id FROM account WHERE person = $1";
    let row = tx.optional(sql, args![person]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Takes away all that an account tells and lets in.
pub(crate) async fn erase(
    tx: &mut Tx,
    account: AccountId,
    login: &str,
    now: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    for table in [
        "session",
        "password_history",
        "activation",
        "second_factor",
        "recovery_code",
        "scim_member",
    ] {
        let sql = format!("DELETE FROM {table} WHERE account = $1");
        tx.execute(sql, args![account]).await?;
    }
    let sql = "UPDATE account SET login = $2, password = NULL, password_changed_at = NULL,
        disabled_at = COALESCE(disabled_at, $3), failures = 0, locked_until = NULL WHERE id = $1";
    tx.execute(sql, args![account, login, now]).await?;
    let sql = "UPDATE role_grant SET revoked_by = $2, revoked_at = $3
        WHERE account = $1 AND revoked_at IS NULL";
    tx.execute(sql, args![account, by, now]).await?;
    let sql = "UPDATE scim_user SET external_id = NULL, document = '{}', modified_at = $2,
        closed_at = COALESCE(closed_at, $2) WHERE account = $1";
    tx.execute(sql, args![account, now]).await?;
    // Why somebody was away is theirs too.
    let sql = "UPDATE delegation SET reason = '***' WHERE giver = $1";
    tx.execute(sql, args![account]).await?;
    Ok(())
}
