//! Tasks: given, moved, found.

use db::{Args, Row, Tx, args};
use kernel::{Date, Error, Id, PersonId, Result, UnitId};

use crate::model::{Task, TaskState};

const COLUMNS: &str = "t.id, t.plan, t.unit, t.team, t.object, t.opens, t.until, t.state, t.code, t.request, t.version, t.share,
    t.findings, t.done_on, t.body, t.leg";

fn read(row: &Row) -> Result<Task> {
    let state: String = row.get(7)?;
    Ok(Task {
        id: row.get(0)?,
        plan: row.get(1)?,
        unit: row.get(2)?,
        team: row.get(3)?,
        object: row.get(4)?,
        opens: row.get(5)?,
        until: row.get(6)?,
        state: TaskState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        code: row.get(8)?,
        request: row.get(9)?,
        version: row.get(10)?,
        share: row.get(11)?,
        findings: row.get(12)?,
        done_on: row.get(13)?,
        body: row.get(14)?,
        leg: row.get(15)?,
    })
}

/// Writes new tasks; what is there already stays.
pub(crate) async fn add(tx: &mut Tx, tasks: &[Task]) -> Result<()> {
    let mut a = Args::new();
    for t in tasks {
        a.push(t.id);
        a.push(t.plan);
        a.push(t.unit);
        a.push(t.team);
        a.push(t.object.as_str());
        a.push(t.opens);
        a.push(t.until);
        a.push(t.state.code());
        a.push(t.code.as_str());
        a.push(t.version);
        a.push(t.findings);
        a.push(t.body);
        a.push(t.leg);
    }
    if tasks.is_empty() {
        return Ok(());
    }
    let head = "INSERT INTO inspection_task (id, plan, unit, team, object, opens, until, state, code, version, findings, body, leg) VALUES ";
    tx.insert_many(head, 13, " ON CONFLICT DO NOTHING", a)
        .await
        .map(|_| ())
}

/// Takes units off a plan that has not started.
pub(crate) async fn drop_units(tx: &mut Tx, plan: Id, units: &[UnitId]) -> Result<u64> {
    let mut a = args![plan];
    let list = a.list(units.iter().copied());
    let sql = format!(
        "DELETE FROM inspection_task WHERE plan = $1 AND state = 'preparing' AND unit IN ({list})"
    );
    tx.execute(sql, a).await
}

/// The place of a unit without a file goes once files were drawn.
pub(crate) async fn drop_place(tx: &mut Tx, plan: Id, unit: UnitId) -> Result<bool> {
    let sql = "DELETE FROM inspection_task WHERE plan = $1 AND unit = $2 AND object = '' AND state = 'preparing'";
    Ok(tx.execute(sql, args![plan, unit]).await? == 1)
}

/// Gives the tasks of a unit to a team, with its days.
pub(crate) async fn assign(
    tx: &mut Tx,
    plan: Id,
    unit: UnitId,
    team: Option<Id>,
    (opens, until): (Date, Date),
) -> Result<()> {
    let sql = "UPDATE inspection_task SET team = $3, opens = $4, until = $5 WHERE plan = $1 AND unit = $2 AND state IN ('preparing', 'open')";
    let args = args![plan, unit, team, opens, until];
    tx.execute(sql, args).await.map(|_| ())
}

/// Holds a task until the transaction ends: who fills it in on two nodes at once comes one after the other.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<()> {
    let sql = "UPDATE inspection_task SET version = version WHERE id = $1";
    tx.execute(sql, args![id]).await.map(|_| ())
}

/// Puts a unit at a place of the route of its team, or at none.
pub(crate) async fn route(tx: &mut Tx, plan: Id, unit: UnitId, leg: Option<i64>) -> Result<()> {
    let sql =
        "UPDATE inspection_task SET leg = $3 WHERE plan = $1 AND unit = $2 AND state = 'preparing'";
    tx.execute(sql, args![plan, unit, leg]).await.map(|_| ())
}

/// Who of the teams of a plan belongs to a body that is looked at, or did from a day on: the unit of the body, the person.
pub(crate) async fn in_bodies(
    tx: &mut Tx,
    plan: Id,
    since: Date,
) -> Result<Vec<(UnitId, PersonId)>> {
    let sql = "SELECT DISTINCT t.unit, m.person FROM inspection_task t JOIN body_member m ON m.body = t.body
        JOIN inspection_member i ON i.person = m.person JOIN inspection_team g ON g.id = i.team AND g.plan = t.plan
        WHERE t.plan = $1 AND (m.to_date IS NULL OR m.to_date >= $2)";
    let rows = tx.query(sql, args![plan, since]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Opens a task with its request.
pub(crate) async fn open(tx: &mut Tx, id: Id, request: Option<Id>) -> Result<bool> {
    let sql = "UPDATE inspection_task SET state = 'open', request = $2 WHERE id = $1 AND state IN ('preparing', 'open')";
    Ok(tx.execute(sql, args![id, request]).await? == 1)
}

/// Moves a task from a state and a version to another state.
pub(crate) async fn turn(tx: &mut Tx, t: &Task, to: TaskState) -> Result<bool> {
    let sql = "UPDATE inspection_task SET state = $4 WHERE id = $1 AND state = $2 AND version = $3";
    let args = args![t.id, t.state.code(), t.version, to.code()];
    Ok(tx.execute(sql, args).await? == 1)
}

/// All that is not handed in is not wanted any more; gives their requests.
pub(crate) async fn withdraw_open(tx: &mut Tx, plan: Id) -> Result<u64> {
    let sql = "UPDATE inspection_task SET state = 'withdrawn' WHERE plan = $1 AND state IN ('preparing', 'open')";
    tx.execute(sql, args![plan]).await
}

/// The day of a task is another, because its request was given more time.
pub(crate) async fn extend(tx: &mut Tx, request: Id, until: Date) -> Result<()> {
    let sql = "UPDATE inspection_task SET until = $2 WHERE request = $1 AND until < $2";
    tx.execute(sql, args![request, until]).await.map(|_| ())
}

/// A task.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM inspection_task t WHERE t.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(read).transpose()
}

/// The task whose code stands on a printed form.
pub(crate) async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<Task>> {
    let sql = format!("SELECT {COLUMNS} FROM inspection_task t WHERE t.code = $1");
    let row = tx.optional(sql, args![code]).await?;
    row.as_ref().map(read).transpose()
}

/// The tasks of a plan, by unit and file.
pub(crate) async fn of_plan(tx: &mut Tx, plan: Id) -> Result<Vec<Task>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM inspection_task t JOIN unit u ON u.id = t.unit WHERE t.plan = $1
         ORDER BY COALESCE(t.leg, 1000000), u.sort, u.code, t.object"
    );
    tx.query(sql, args![plan]).await?.iter().map(read).collect()
}
