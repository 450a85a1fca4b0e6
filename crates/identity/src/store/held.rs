//! What accounts hold: roles that were granted, and roles that an office in a body brings while it lasts.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Result, Scope};
use organization::scope_sql;

use crate::{Office, OfficeRole, Role};

/// A query for `account, role, unit` of what accounts hold on a day. `accounts` is a list of ids or a query of
/// them; `day` is written first, so that it may come first among the arguments too.
pub(crate) fn held_sql(accounts: &str, day: &str) -> String {
    let by_office = by_office_sql(day);
    format!(
        "SELECT hg.account, hg.role, hg.unit FROM role_grant hg WHERE hg.revoked_at IS NULL
            AND hg.from_date <= {day} AND (hg.to_date IS NULL OR hg.to_date >= {day})
            AND hg.account IN ({accounts})
         UNION ALL SELECT ha.id, ho.role, hb.unit {by_office} AND ha.id IN ({accounts})"
    )
}

/// Who holds an office that brings a role on a day: an administrator of the three holds none this way, since
/// whoever keeps the bodies could give it to them.
pub(crate) fn by_office_sql(day: &str) -> String {
    format!(
        "FROM role_office ho JOIN body hb ON hb.kind = ho.kind
            JOIN body_member hm ON hm.body = hb.id AND hm.role = ho.office
            JOIN account ha ON ha.person = hm.person
         WHERE hb.from_date <= {day} AND (hb.to_date IS NULL OR hb.to_date >= {day})
            AND hm.from_date <= {day} AND (hm.to_date IS NULL OR hm.to_date >= {day})
            AND NOT EXISTS (SELECT 1 FROM role_grant hx JOIN role hr ON hr.code = hx.role
                WHERE hx.account = ha.id AND hr.duty IS NOT NULL AND hx.revoked_at IS NULL
                    AND (hx.to_date IS NULL OR hx.to_date >= {day}))"
    )
}

/// Writes which offices bring which roles.
pub(crate) async fn put_offices<'r>(
    tx: &mut Tx,
    roles: impl Iterator<Item = &'r Role>,
) -> Result<()> {
    tx.execute("DELETE FROM role_office", args![]).await?;
    let mut rows = Args::new();
    for role in roles {
        for office in &role.offices {
            rows.add(&role.code);
            rows.add(&office.kind);
            rows.add(&office.code);
            rows.add(&office.name.zh);
            rows.add(&office.name.en);
        }
    }
    let sql = "INSERT INTO role_office (role, kind, office, name_zh, name_en) VALUES";
    tx.insert_many(sql, 5, "ON CONFLICT DO NOTHING", rows)
        .await?;
    Ok(())
}

/// Which offices bring which roles: role, office.
pub(crate) async fn offices(tx: &mut Tx) -> Result<Vec<(String, Office)>> {
    let sql =
        "SELECT role, kind, office, name_zh, name_en FROM role_office ORDER BY role, kind, office";
    let read = |row: &Row| {
        let office = Office {
            kind: row.get(1)?,
            code: row.get(2)?,
            name: commons::packs::Name {
                zh: row.get(3)?,
                en: row.get(4)?,
            },
        };
        Ok((row.get(0)?, office))
    };
    tx.query(sql, args![]).await?.iter().map(read).collect()
}

/// The roles that these accounts hold today through their offices, within a scope.
pub(crate) async fn by_office(
    tx: &mut Tx,
    accounts: &[AccountId],
    scope: &Scope,
    today: Date,
) -> Result<Vec<OfficeRole>> {
    let mut args = args![today];
    let from = by_office_sql("$1");
    let list = args.list(accounts.iter().copied());
    let scope = scope_sql(scope, "hb.unit", &mut args);
    let sql = format!(
        "SELECT ha.id, ho.role, hb.unit, hb.name, ho.name_zh, ho.name_en, hm.from_date, hm.to_date,
            (SELECT u.name FROM unit u WHERE u.id = hb.unit)
         {from} AND ha.id IN ({list}) AND {scope} ORDER BY hb.name, ho.role"
    );
    let read = |row: &Row| {
        Ok(OfficeRole {
            account: row.get(0)?,
            role: row.get(1)?,
            unit: row.get(2)?,
            unit_name: row.get(8)?,
            body: row.get(3)?,
            office: commons::packs::Name {
                zh: row.get(4)?,
                en: row.get(5)?,
            },
            from: row.get(6)?,
            to: row.get(7)?,
        })
    };
    tx.query(sql, args).await?.iter().map(read).collect()
}
