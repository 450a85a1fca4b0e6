//! The SQL of units that take part beside the host.

use db::{Args, Tx, args};
use kernel::{ActivityId, Id, Result, Scope, UnitId};
use organization::scope_sql;

pub(super) const TABLES: &str = "
    CREATE TABLE activity_unit (
        activity {blob} NOT NULL REFERENCES activity, unit {blob} NOT NULL REFERENCES unit,
        PRIMARY KEY (activity, unit)) {clustered};
    CREATE INDEX activity_unit_unit ON activity_unit (unit);
    CREATE TABLE activity_plan_unit (
        plan {blob} NOT NULL REFERENCES activity_plan, unit {blob} NOT NULL REFERENCES unit,
        PRIMARY KEY (plan, unit)) {clustered};
    CREATE INDEX activity_plan_unit_unit ON activity_plan_unit (unit);
";

pub(crate) async fn add(tx: &mut Tx, activity: ActivityId, units: &[UnitId]) -> Result<()> {
    let mut a = Args::with_capacity(units.len() * 2);
    for unit in units {
        a.add(activity);
        a.add(*unit);
    }
    let head = "INSERT INTO activity_unit (activity, unit) VALUES";
    tx.insert_many(head, 2, "ON CONFLICT DO NOTHING", a).await?;
    Ok(())
}

pub(crate) async fn add_to_plan(tx: &mut Tx, plan: Id, units: &[UnitId]) -> Result<()> {
    let mut a = Args::with_capacity(units.len() * 2);
    for unit in units {
        a.add(plan);
        a.add(*unit);
    }
    let head = "INSERT INTO activity_plan_unit (plan, unit) VALUES";
    tx.insert_many(head, 2, "ON CONFLICT DO NOTHING", a).await?;
    Ok(())
}

pub(crate) async fn of(tx: &mut Tx, activity: ActivityId) -> Result<Vec<UnitId>> {
    let sql = "SELECT unit FROM activity_unit WHERE activity = $1 ORDER BY unit";
    let rows = tx.query(sql, args![activity]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) async fn of_plan(tx: &mut Tx, plan: Id) -> Result<Vec<UnitId>> {
    let sql = "SELECT unit FROM activity_plan_unit WHERE plan = $1 ORDER BY unit";
    let rows = tx.query(sql, args![plan]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Takes a unit away; false when it was not there.
pub(crate) async fn drop(tx: &mut Tx, activity: ActivityId, unit: UnitId) -> Result<bool> {
    let sql = "DELETE FROM activity_unit WHERE activity = $1 AND unit = $2";
    Ok(tx.execute(sql, args![activity, unit]).await? == 1)
}

/// The condition on an activity, named `a`, that a unit of a scope takes part in it; what is confidential is nobody else's.
pub(crate) fn taking_part(scope: &Scope, args: &mut Args) -> String {
    let unit = scope_sql(scope, "u.unit", args);
    format!(
        "(NOT a.confidential AND a.id IN (SELECT u.activity FROM activity_unit u WHERE {unit}))"
    )
}
