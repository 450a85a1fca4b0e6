//! Reports that the clock drafted.

use db::{Args, Tx, args};
use kernel::{AccountId, Period, ReportId, Result, Scope, UnitId};

use crate::{Saved, State};

/// The units for which a template was drafted for a period.
pub(crate) async fn drafted(tx: &mut Tx, template: &str, period: Period) -> Result<Vec<UnitId>> {
    let sql =
        "SELECT unit FROM report_draft WHERE template = $1 AND from_date = $2 AND to_date = $3";
    let rows = tx
        .query(sql, args![template, period.from, period.to])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Notes that a report is the draft of its template, unit and period; false when there is one.
pub(crate) async fn note(tx: &mut Tx, r: &Saved) -> Result<bool> {
    let added = tx
        .execute(
            "INSERT INTO report_draft (template, unit, from_date, to_date, report) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (template, unit, from_date, to_date) DO NOTHING",
            args![r.template.as_str(), r.unit, r.period.from, r.period.to, r.id],
        )
        .await?;
    Ok(added == 1)
}

/// Keeps or drops a draft; false when somebody did before.
pub(crate) async fn decide(tx: &mut Tx, id: ReportId, to: State, by: AccountId) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE report SET state = $2, created_by = $3 WHERE id = $1 AND state = 'draft'",
            args![id, to.code(), by],
        )
        .await?;
    Ok(changed == 1)
}

/// How many drafts wait in a scope.
pub(crate) async fn count(tx: &mut Tx, scope: &Scope) -> Result<i64> {
    let mut a = Args::new();
    let scope = organization::scope_sql(scope, "r.unit", &mut a);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM report r WHERE r.state = 'draft' AND {scope}"
    );
    tx.one(sql, a).await?.get(0)
}
