//! All SQL of the burden guard.

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, Result, Scope, Timestamp, UnitId};

use crate::model::{Basis, Case, Switch};

/// The table: a row a proposal; what it said is never changed.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "guard_20261122_cases",
    sql: "
    CREATE TABLE guard_case (
        id {blob} PRIMARY KEY, switch TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        document TEXT NOT NULL, number TEXT NOT NULL, article TEXT NOT NULL, basis TEXT NOT NULL,
        from_date TEXT NOT NULL, to_date TEXT NOT NULL, proposed_by {blob} NOT NULL, proposed_at BIGINT NOT NULL,
        confirmed_by {blob}, confirmed_at BIGINT, ended_by {blob}, ended_at BIGINT, reason TEXT NOT NULL);
    CREATE INDEX guard_case_switch ON guard_case (switch, to_date);
    ",
}];

const COLUMNS: &str =
    "g.id, g.switch, g.unit, g.document, g.number, g.article, g.basis, g.from_date, g.to_date,
    g.proposed_by, g.proposed_at, g.confirmed_by, g.confirmed_at, g.ended_by, g.ended_at, g.reason,
    COALESCE(pp.name, pa.login), COALESCE(cp.name, ca.login), COALESCE(ep.name, ea.login)";
const FROM: &str = "FROM guard_case g
    LEFT JOIN account pa ON pa.id = g.proposed_by LEFT JOIN person pp ON pp.id = pa.person
    LEFT JOIN account ca ON ca.id = g.confirmed_by LEFT JOIN person cp ON cp.id = ca.person
    LEFT JOIN account ea ON ea.id = g.ended_by LEFT JOIN person ep ON ep.id = ea.person";

fn read(row: &Row) -> Result<Case> {
    let switch: String = row.get(1)?;
    let act = |at: usize| -> Result<Option<(AccountId, Timestamp)>> {
        let (by, when): (Option<AccountId>, Option<Timestamp>) = (row.get(at)?, row.get(at + 1)?);
        Ok(by.zip(when))
    };
    Ok(Case {
        id: row.get(0)?,
        switch: Switch::from_code(&switch).ok_or_else(|| Error::internal("no such switch"))?,
        unit: row.get(2)?,
        basis: Basis {
            document: row.get(3)?,
            number: row.get(4)?,
            article: row.get(5)?,
            text: row.get(6)?,
        },
        from: row.get(7)?,
        to: row.get(8)?,
        proposed: (row.get(9)?, row.get(10)?),
        confirmed: act(11)?,
        ended: act(13)?,
        reason: row.get(15)?,
        names: [row.get(16)?, row.get(17)?, row.get(18)?],
    })
}

/// Writes a proposal; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, c: &Case) -> Result<bool> {
    let (sql, b) = (
        "INSERT INTO guard_case (id, switch, unit, document, number, article, basis, from_date, to_date, proposed_by, proposed_at, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '') ON CONFLICT (id) DO NOTHING",
        &c.basis,
    );
    let args = args![
        c.id,
        c.switch.code(),
        c.unit,
        b.document.as_str(),
        b.number.as_str(),
        b.article.as_str(),
        b.text.as_str(),
        c.from,
        c.to,
        c.proposed.0,
        c.proposed.1
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// A case of a unit in a scope.
pub(crate) async fn case(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Case> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "g.unit", &mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE g.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// All cases of units in a scope, the newest first.
pub(crate) async fn cases(tx: &mut Tx, scope: &Scope) -> Result<Vec<Case>> {
    let mut a = Args::new();
    let scope = organization::scope_sql(scope, "g.unit", &mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE {scope} ORDER BY g.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// What is on on a day, everywhere.
pub(crate) async fn on(tx: &mut Tx, day: Date) -> Result<Vec<Case>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE g.confirmed_at IS NOT NULL AND g.ended_at IS NULL
         AND g.from_date <= $1 AND g.to_date >= $2 ORDER BY g.id"
    );
    let rows = tx.query(sql, args![day, day]).await?;
    rows.iter().map(read).collect()
}

/// Those of some units for which a switch is on on a day.
pub(crate) async fn units_on(
    tx: &mut Tx,
    switch: Switch,
    units: &[UnitId],
    day: Date,
) -> Result<Vec<UnitId>> {
    let mut found = Vec::new();
    for chunk in units.chunks(500) {
        let mut a = args![switch.code(), day, day];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT DISTINCT t.unit FROM guard_case g JOIN unit_tree t ON t.ancestor = g.unit
             WHERE g.switch = $1 AND g.confirmed_at IS NOT NULL AND g.ended_at IS NULL
               AND g.from_date <= $2 AND g.to_date >= $3 AND t.unit IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}

/// Confirms what waits; false when it does not any more.
pub(crate) async fn confirm(tx: &mut Tx, id: Id, by: AccountId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE guard_case SET confirmed_by = $2, confirmed_at = $3
        WHERE id = $1 AND confirmed_at IS NULL AND ended_at IS NULL";
    Ok(tx.execute(sql, args![id, by, at]).await? == 1)
}

/// Ends or declines what is not ended; false when it is.
pub(crate) async fn end(
    tx: &mut Tx,
    id: Id,
    by: AccountId,
    at: Timestamp,
    reason: &str,
) -> Result<bool> {
    let sql = "UPDATE guard_case SET ended_by = $2, ended_at = $3, reason = $4 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql, args![id, by, at, reason]).await? == 1)
}
