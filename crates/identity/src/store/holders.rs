//! The SQL of who holds what where.

use std::collections::HashSet;

use db::{Args, Tx, args};
use kernel::{AccountId, Date, PersonId, Result, UnitId};

/// People, roles and their permissions (JSON) as granted on a unit on a day, to accounts that are open.
pub(crate) async fn grants(
    tx: &mut Tx,
    unit: UnitId,
    day: Date,
) -> Result<Vec<(PersonId, String, String)>> {
    let office = super::held::by_office_sql("$2");
    let sql = format!(
        "SELECT a.person, g.role, r.permissions FROM role_grant g JOIN account a ON a.id = g.account
             JOIN role r ON r.code = g.role
         WHERE g.unit = $1 AND g.revoked_at IS NULL AND g.from_date <= $2
             AND (g.to_date IS NULL OR g.to_date >= $2) AND a.person IS NOT NULL
             AND a.disabled_at IS NULL
         UNION ALL SELECT ha.person, ho.role,
             (SELECT hp.permissions FROM role hp WHERE hp.code = ho.role)
             {office} AND hb.unit = $1 AND ha.disabled_at IS NULL
         ORDER BY 1"
    );
    let rows = tx.query(sql, args![unit, day]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// Those of these people whose account is open.
pub(crate) async fn able(tx: &mut Tx, people: &[PersonId]) -> Result<HashSet<PersonId>> {
    let mut args = Args::new();
    let list = args.list(people.iter().copied());
    let sql =
        format!("SELECT person FROM account WHERE disabled_at IS NULL AND person IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Whose an account is, while it is open.
pub(crate) async fn of(tx: &mut Tx, account: AccountId) -> Result<Option<PersonId>> {
    let sql = "SELECT person FROM account WHERE id = $1 AND disabled_at IS NULL";
    let row = tx.optional(sql, args![account]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}
