//! The SQL of plans: what is to come, until it was recorded or cancelled.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Date, Error, Id, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;

use crate::plan::{Plan, PlanChange, PlanState};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_plan (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, host {blob} NOT NULL REFERENCES unit, title TEXT NOT NULL,
        date TEXT NOT NULL, starts BIGINT NOT NULL, ends BIGINT NOT NULL, location TEXT NOT NULL, body {blob},
        typed TEXT NOT NULL, planned_at BIGINT NOT NULL, planned_by {blob} NOT NULL, state TEXT NOT NULL,
        activity {blob} REFERENCES activity, changed_at BIGINT NOT NULL);
    CREATE INDEX activity_plan_host ON activity_plan (host, date);
    CREATE INDEX activity_plan_date ON activity_plan (date);
    CREATE INDEX activity_plan_activity ON activity_plan (activity);
    CREATE TABLE activity_plan_change (
        id {blob} PRIMARY KEY, plan {blob} NOT NULL REFERENCES activity_plan, act TEXT NOT NULL, was TEXT NOT NULL,
        reason TEXT NOT NULL, by_account {blob} NOT NULL, at BIGINT NOT NULL);
    CREATE INDEX activity_plan_change_plan ON activity_plan_change (plan, id);
";

const COLUMNS: &str = "a.id, a.kind, a.host, a.title, a.date, a.starts, a.ends, a.location, a.body, a.typed, \
     a.planned_by, a.state, a.activity, a.changed_at";

fn read(r: &Row) -> Result<Plan> {
    let (typed, state): (String, String) = (r.get(9)?, r.get(11)?);
    Ok(Plan {
        id: r.get(0)?,
        kind: r.get(1)?,
        host: r.get(2)?,
        title: r.get(3)?,
        date: r.get(4)?,
        starts: r.get(5)?,
        ends: r.get(6)?,
        location: r.get(7)?,
        body: r.get(8)?,
        typed: serde_json::from_str(&typed).map_err(Error::internal)?,
        planned_by: r.get(10)?,
        state: PlanState::from_code(&state)
            .ok_or_else(|| Error::internal(format!("no such state: {state}")))?,
        activity: r.get(12)?,
        changed_at: r.get(13)?,
    })
}

/// Writes a plan; false when it is there already.
pub(crate) async fn insert(tx: &mut Tx, p: &Plan) -> Result<bool> {
    let typed = serde_json::to_string(&p.typed).map_err(Error::internal)?;
    let sql = "INSERT INTO activity_plan (id, kind, host, title, date, starts, ends, location, body, typed, planned_at,
        planned_by, state, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (id) DO NOTHING";
    let args = args![
        p.id,
        p.kind.as_str(),
        p.host,
        p.title.as_str(),
        p.date,
        p.starts,
        p.ends,
        p.location.as_str(),
        p.body,
        typed,
        p.changed_at,
        p.planned_by,
        p.state.code(),
        p.changed_at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// A plan in a scope, or in which units of the scope take part.
pub(crate) async fn seen(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Plan> {
    let mut a = args![id];
    let host = scope_sql(scope, "a.host", &mut a);
    let part = scope_sql(scope, "u.unit", &mut a);
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_plan a WHERE a.id = $1 AND ({host}
            OR a.id IN (SELECT u.plan FROM activity_plan_unit u WHERE {part}))"
    );
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// A plan in a scope.
pub(crate) async fn plan(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Plan> {
    let mut a = args![id];
    let scope = scope_sql(scope, "a.host", &mut a);
    let sql = format!("SELECT {COLUMNS} FROM activity_plan a WHERE a.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// Plans that still stand, from a day to a day, in a scope and below a unit.
pub(crate) async fn between(
    tx: &mut Tx,
    (from, to): (Date, Date),
    scope: &Scope,
    under: Option<UnitId>,
    limit: i64,
) -> Result<Vec<Plan>> {
    let mut a = args![from, to];
    let mut seen = scope_sql(scope, "a.host", &mut a);
    if let Some(unit) = under {
        seen += " AND ";
        seen += &scope_sql(&Scope::Under(vec![unit]), "a.host", &mut a);
    }
    let limit = a.push(limit);
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_plan a WHERE a.date >= $1 AND a.date <= $2 AND a.state = 'planned' AND {seen}
         ORDER BY a.date, a.starts LIMIT {limit}"
    );
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Plans from a day to a day of some units, or of some bodies: what somebody who belongs to them is expected at.
pub(crate) async fn of_these(
    tx: &mut Tx,
    (from, to): (Date, Date),
    units: &[UnitId],
    bodies: &[Id],
) -> Result<Vec<Plan>> {
    let mut a: Args = args![from, to];
    let units = a.list(units.iter().copied());
    // Of the host, and of the units that take part beside it.
    let own = format!(
        "a.body IS NULL AND (a.host IN ({units})
            OR a.id IN (SELECT u.plan FROM activity_plan_unit u WHERE u.unit IN ({units})))"
    );
    let either = match bodies.is_empty() {
        true => format!("({own})"),
        false => {
            let bodies = a.list(bodies.iter().copied());
            format!("(({own}) OR a.body IN ({bodies}))")
        }
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_plan a WHERE a.date >= $1 AND a.date <= $2 AND a.state <> 'cancelled'
         AND {either} ORDER BY a.date, a.starts LIMIT 500"
    );
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Moves a plan that still stands; false when it does not.
pub(crate) async fn shift(tx: &mut Tx, p: &Plan, at: Timestamp) -> Result<bool> {
    let typed = serde_json::to_string(&p.typed).map_err(Error::internal)?;
    let sql =
        "UPDATE activity_plan SET date = $2, starts = $3, ends = $4, typed = $5, changed_at = $6
        WHERE id = $1 AND state = 'planned'";
    let args = args![p.id, p.date, p.starts, p.ends, typed, at];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Cancels a plan that still stands; false when it does not.
pub(crate) async fn cancel(tx: &mut Tx, id: Id, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE activity_plan SET state = 'cancelled', changed_at = $2 WHERE id = $1 AND state = 'planned'";
    Ok(tx.execute(sql, args![id, at]).await? == 1)
}

/// Says that a plan was held as this activity; false when it does not stand any more.
pub(crate) async fn held(
    tx: &mut Tx,
    id: Id,
    host: UnitId,
    activity: ActivityId,
    at: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE activity_plan SET state = 'held', activity = $3, changed_at = $4
        WHERE id = $1 AND host = $2 AND state = 'planned'";
    Ok(tx.execute(sql, args![id, host, activity, at]).await? == 1)
}

/// The plan of an activity that was taken back stands again.
pub(crate) async fn reopen(tx: &mut Tx, activity: ActivityId, at: Timestamp) -> Result<()> {
    let sql = "UPDATE activity_plan SET state = 'planned', activity = NULL, changed_at = $2 WHERE activity = $1";
    tx.execute(sql, args![activity, at]).await.map(|_| ())
}

/// Keeps that a plan was moved or cancelled.
pub(crate) async fn note(
    tx: &mut Tx,
    (id, at): (Id, Timestamp),
    plan: Id,
    (act, was, reason): (&str, &str, &str),
    by: AccountId,
) -> Result<()> {
    let sql = "INSERT INTO activity_plan_change (id, plan, act, was, reason, by_account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.execute(sql, args![id, plan, act, was, reason, by, at])
        .await
        .map(|_| ())
}

/// The changes of a plan, the oldest first.
pub(crate) async fn changes(tx: &mut Tx, plan: Id) -> Result<Vec<PlanChange>> {
    let sql =
        "SELECT c.act, c.was, c.reason, COALESCE(p.name, a.login), c.at FROM activity_plan_change c
            LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
        WHERE c.plan = $1 ORDER BY c.id";
    let read = |r: &Row| {
        Ok(PlanChange {
            act: r.get(0)?,
            was: r.get(1)?,
            reason: r.get(2)?,
            name: r.get(3)?,
            at: r.get(4)?,
        })
    };
    tx.query(sql, args![plan]).await?.iter().map(read).collect()
}
