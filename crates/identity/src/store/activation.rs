//! The SQL of activation codes.

use std::collections::HashSet;

use db::{Args, Tx, args};
use kernel::{AccountId, Date, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;

use crate::Account;

/// Puts codes in place of the older ones and unlocks their accounts.
pub(crate) async fn put(
    tx: &mut Tx,
    codes: impl Iterator<Item = (AccountId, Vec<u8>, Timestamp)>,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<()> {
    let (mut rows, mut accounts) = (Args::new(), Vec::new());
    for (account, code, until) in codes {
        accounts.push(account);
        rows.add(account);
        rows.add(code);
        rows.add(until);
        rows.add(by);
        rows.add(now);
    }
    if accounts.is_empty() {
        return Ok(());
    }
    tx.insert_many(
        "INSERT INTO activation (account, code_hash, expires_at, issued_by, issued_at) VALUES",
        5,
        "ON CONFLICT (account) DO UPDATE SET code_hash = excluded.code_hash,
            expires_at = excluded.expires_at, issued_by = excluded.issued_by,
            issued_at = excluded.issued_at",
        rows,
    )
    .await?;
    let mut args = Args::new();
    let list = args.list(accounts);
    let sql = format!("UPDATE account SET failures = 0, locked_until = NULL WHERE id IN ({list})");
    tx.execute(sql, args).await?;
    Ok(())
}

/// People of a unit and those below it whose codes a scope may issue, with the names of their units.
/// Without `all`, those who have not chosen a password yet.
pub(crate) async fn candidates(
    tx: &mut Tx,
    unit: UnitId,
    all: bool,
    scope: &Scope,
    today: Date,
    most: i64,
) -> Result<Vec<(Account, String)>> {
    let mut args = args![unit, today, all, most];
    let belongs = scope_sql(scope, "s.unit", &mut args);
    let held = scope_sql(scope, "g.unit", &mut args);
    let sql = format!(
        "SELECT {}, u.name FROM account a JOIN person p ON p.id = a.person
            JOIN assignment s ON s.person = p.id JOIN unit u ON u.id = s.unit
         WHERE s.is_primary AND s.from_date <= $2 AND (s.to_date IS NULL OR s.to_date >= $2)
            AND s.unit IN (SELECT unit FROM unit_tree WHERE ancestor = $1) AND {belongs}
            AND a.disabled_at IS NULL AND ($3 OR a.password_changed_at IS NULL)
            AND a.id NOT IN (SELECT d.account FROM account_duty d)
            AND a.id NOT IN (SELECT g.account FROM role_grant g WHERE g.revoked_at IS NULL
                AND (g.to_date IS NULL OR g.to_date >= $2) AND NOT ({held}))
         ORDER BY u.code, a.login LIMIT $4",
        super::ACCOUNT
    );
    let rows = tx.query(sql, args).await?;
    let read = |row: &db::Row| Ok((super::account(row)?, row.get(super::ACCOUNT_COLUMNS)?));
    rows.iter().map(read).collect()
}

/// People of a unit and those below it who have no account, with their staff numbers.
pub(crate) async fn without(
    tx: &mut Tx,
    unit: UnitId,
    scope: &Scope,
    today: Date,
    most: i64,
) -> Result<Vec<(PersonId, String)>> {
    let mut args = args![unit, today, most];
    let belongs = scope_sql(scope, "s.unit", &mut args);
    let sql = format!(
        "SELECT p.id, p.staff_no FROM person p JOIN assignment s ON s.person = p.id
         WHERE s.is_primary AND s.from_date <= $2 AND (s.to_date IS NULL OR s.to_date >= $2)
            AND s.unit IN (SELECT unit FROM unit_tree WHERE ancestor = $1) AND {belongs}
            AND NOT EXISTS (SELECT 1 FROM account a WHERE a.person = p.id)
         ORDER BY p.staff_no LIMIT $3"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Which of these login names are taken.
pub(crate) async fn taken(tx: &mut Tx, logins: Vec<String>) -> Result<HashSet<String>> {
    if logins.is_empty() {
        return Ok(HashSet::new());
    }
    let mut args = Args::new();
    let list = args.list(logins);
    let sql = format!("SELECT login FROM account WHERE login IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Opens accounts without a password.
pub(crate) async fn open(
    tx: &mut Tx,
    new: &[(AccountId, String, PersonId)],
    now: Timestamp,
) -> Result<()> {
    let mut rows = Args::new();
    for (id, login, person) in new {
        rows.add(*id);
        rows.add(login);
        rows.add(*person);
        rows.add(0_i64);
        rows.add(now);
    }
    let head = "INSERT INTO account (id, login, person, failures, created_at) VALUES";
    tx.insert_many(head, 5, "", rows).await?;
    Ok(())
}

/// What activation needs to know of an account.
pub(crate) struct Known {
    pub account: AccountId,
    pub login: String,
    pub disabled: bool,
    /// Hash of its code and until when it is good.
    pub code: Option<(Vec<u8>, Timestamp)>,
}

/// The account with a login name or, failing that, of the person with a staff number.
pub(crate) async fn find(tx: &mut Tx, who: &str) -> Result<Option<Known>> {
    const KNOWN: &str = "SELECT a.id, a.login, a.disabled_at, v.code_hash, v.expires_at
        FROM account a LEFT JOIN activation v ON v.account = a.id";
    let by_login = format!("{KNOWN} WHERE a.login = $1");
    let mut row = tx.optional(by_login, args![who.to_lowercase()]).await?;
    if row.is_none() {
        let by_number = format!("{KNOWN} JOIN person p ON p.id = a.person WHERE p.staff_no = $1");
        row = tx.optional(by_number, args![who]).await?;
    }
    let Some(row) = row else { return Ok(None) };
    let disabled: Option<Timestamp> = row.get(2)?;
    let (hash, until): (Option<Vec<u8>>, Option<Timestamp>) = (row.get(3)?, row.get(4)?);
    Ok(Some(Known {
        account: row.get(0)?,
        login: row.get(1)?,
        disabled: disabled.is_some(),
        code: hash.zip(until),
    }))
}

/// Takes the counted tries back.
pub(crate) async fn forgive(tx: &mut Tx, account: AccountId) -> Result<()> {
    let sql = "UPDATE account SET failures = 0, locked_until = NULL WHERE id = $1";
    tx.execute(sql, args![account]).await?;
    Ok(())
}

/// Uses a code up; gives whether it was still there.
pub(crate) async fn take(tx: &mut Tx, account: AccountId, hash: &[u8]) -> Result<bool> {
    let sql = "DELETE FROM activation WHERE account = $1 AND code_hash = $2";
    Ok(tx.execute(sql, args![account, hash]).await? == 1)
}
