//! The SQL of duties (三员) and of who stands where.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Id, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;

use crate::Duty;

/// A role with a duty that somebody holds or will hold.
pub(crate) struct Held {
    pub grant: Id,
    pub account: AccountId,
    pub role: String,
    pub duty: Duty,
}

/// All of them, in the order in which they were granted.
pub(crate) async fn held(tx: &mut Tx, today: Date) -> Result<Vec<Held>> {
    let sql =
        "SELECT g.id, g.account, g.role, r.duty FROM role_grant g JOIN role r ON r.code = g.role
        WHERE r.duty IS NOT NULL AND g.revoked_at IS NULL AND (g.to_date IS NULL OR g.to_date >= $1)
        ORDER BY g.granted_at, g.id";
    let read = |row: &Row| {
        let duty: String = row.get(3)?;
        let duty = Duty::from_code(&duty)
            .ok_or_else(|| kernel::Error::internal(format!("unknown duty {duty}")))?;
        Ok(Held {
            grant: row.get(0)?,
            account: row.get(1)?,
            role: row.get(2)?,
            duty,
        })
    };
    tx.query(sql, args![today])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Gives up the duty of an account that no longer holds a role with it. The row is held until the end of
/// the transaction, so that a grant at the same moment on another node comes before or after, never between.
pub(crate) async fn release(tx: &mut Tx, account: AccountId, today: Date) -> Result<()> {
    let hold = "UPDATE account_duty SET duty = duty WHERE account = $1";
    if tx.execute(hold, args![account]).await? == 0 {
        return Ok(());
    }
    let sql = "DELETE FROM account_duty WHERE account = $1 AND NOT EXISTS (
            SELECT 1 FROM role_grant g JOIN role r ON r.code = g.role
            WHERE g.account = $1 AND r.duty = account_duty.duty AND g.revoked_at IS NULL
                AND (g.to_date IS NULL OR g.to_date >= $2))";
    tx.execute(sql, args![account, today]).await?;
    Ok(())
}

/// Takes a duty, unless the account has one; gives the one it has then. The key is the account, so that two
/// nodes that grant at the same moment cannot give it two.
pub(crate) async fn take(
    tx: &mut Tx,
    account: AccountId,
    duty: Duty,
    now: Timestamp,
) -> Result<String> {
    let sql = "INSERT INTO account_duty (account, duty, taken_at) VALUES ($1, $2, $3)
        ON CONFLICT (account) DO UPDATE SET duty = account_duty.duty";
    tx.execute(sql, args![account, duty.code(), now]).await?;
    let sql = "SELECT duty FROM account_duty WHERE account = $1";
    tx.one(sql, args![account]).await?.get(0)
}

/// The duty of an account.
pub(crate) async fn of(tx: &mut Tx, account: AccountId) -> Result<Option<String>> {
    let sql = "SELECT duty FROM account_duty WHERE account = $1";
    let row = tx.optional(sql, args![account]).await?;
    row.map(|r| r.get(0)).transpose()
}

/// Permissions (JSON) and duty of a role that still lets its holders do something, and whether it needs a last day.
pub(crate) async fn role(
    tx: &mut Tx,
    code: &str,
) -> Result<Option<(String, Option<String>, bool)>> {
    let sql =
        "SELECT permissions, duty, needs_end FROM role WHERE code = $1 AND permissions <> '[]'";
    let row = tx.optional(sql, args![code]).await?;
    row.map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .transpose()
}

/// What an account may do on a unit today: permissions (JSON) and duty of each of its roles.
pub(crate) async fn power(
    tx: &mut Tx,
    account: AccountId,
    unit: UnitId,
    today: Date,
) -> Result<Vec<(String, Option<String>)>> {
    let sql = "SELECT r.permissions, r.duty FROM role_grant g JOIN role r ON r.code = g.role
        WHERE g.account = $1 AND g.revoked_at IS NULL AND g.from_date <= $3
            AND (g.to_date IS NULL OR g.to_date >= $3)
            AND g.unit IN (SELECT ancestor FROM unit_tree WHERE unit = $2)";
    let rows = tx.query(sql, args![account, unit, today]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Whether an account gave another its roles, directly or through others.
pub(crate) async fn granted_by(
    tx: &mut Tx,
    account: AccountId,
    granter: AccountId,
    today: Date,
) -> Result<bool> {
    let sql = "WITH RECURSIVE above(account) AS (
            SELECT granted_by FROM role_grant WHERE account = $1 AND granted_by IS NOT NULL
                AND revoked_at IS NULL AND (to_date IS NULL OR to_date >= $3)
            UNION
            SELECT g.granted_by FROM role_grant g JOIN above a ON g.account = a.account
            WHERE g.granted_by IS NOT NULL AND g.revoked_at IS NULL
                AND (g.to_date IS NULL OR g.to_date >= $3))
        SELECT 1 FROM above WHERE account = $2";
    let found = tx.optional(sql, args![account, granter, today]).await?;
    Ok(found.is_some())
}

/// Whether an account holds a role on, or its person belongs to, a unit above a scope; or acts for somebody there.
pub(crate) async fn stands_above(
    tx: &mut Tx,
    account: AccountId,
    scope: &Scope,
    today: Date,
) -> Result<bool> {
    let Scope::Under(roots) = scope else {
        return Ok(false);
    };
    if roots.is_empty() {
        return Ok(false);
    }
    let mut args = args![account, today];
    let above = |column: &str, args: &mut Args| {
        let list = args.list(roots.iter().copied());
        let inside = scope_sql(scope, column, args);
        format!(
            "{column} IN (SELECT ancestor FROM unit_tree WHERE unit IN ({list})) AND NOT ({inside})"
        )
    };
    let granted = above("g.unit", &mut args);
    let belongs = above("s.unit", &mut args);
    let (by_office, lent) = (above("hb.unit", &mut args), above("d.unit", &mut args));
    let office = super::held::by_office_sql("$2");
    let sql = format!(
        "SELECT 1 FROM role_grant g WHERE g.account = $1 AND g.revoked_at IS NULL
            AND (g.to_date IS NULL OR g.to_date >= $2) AND {granted}
         UNION ALL
         SELECT 1 FROM account a JOIN assignment s ON s.person = a.person WHERE a.id = $1
            AND s.is_primary AND s.from_date <= $2 AND (s.to_date IS NULL OR s.to_date >= $2)
            AND {belongs}
         UNION ALL SELECT 1 {office} AND ha.id = $1 AND {by_office}
         UNION ALL SELECT 1 FROM delegation d WHERE d.taker = $1 AND d.ended_at IS NULL
            AND d.to_date >= $2 AND {lent}"
    );
    Ok(tx.optional(sql, args).await?.is_some())
}
