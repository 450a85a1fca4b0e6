//! The SQL of reports, their problems and recommendations.

use db::{Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Timestamp};

use crate::model::{Adopted, Raised, Report, ReportState};

/// The versions of a report, the last first.
pub(crate) async fn reports(tx: &mut Tx, project: Id) -> Result<Vec<Report>> {
    let sql = "SELECT r.n, r.parts, r.state, r.account, COALESCE(p.name, a.login), r.at, r.said, q.name, r.reviewed_at
        FROM project_report r LEFT JOIN account a ON a.id = r.account LEFT JOIN person p ON p.id = a.person
            LEFT JOIN account b ON b.id = r.reviewed_by LEFT JOIN person q ON q.id = b.person
        WHERE r.project = $1 ORDER BY r.n DESC";
    let read = |row: &Row| {
        let state: String = row.get(2)?;
        Ok(Report {
            n: row.get(0)?,
            parts: row.json(1)?,
            state: ReportState::from_code(&state)
                .ok_or_else(|| Error::internal("no such state"))?,
            author: row.get(3)?,
            name: row.get(4)?,
            at: row.get(5)?,
            said: row.get(6)?,
            reviewer: row.get(7)?,
            reviewed_at: row.get(8)?,
        })
    };
    tx.query(sql, args![project])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Writes a version.
pub(crate) async fn put_report(tx: &mut Tx, project: Id, r: &Report) -> Result<()> {
    let sql = "INSERT INTO project_report (project, n, parts, state, account, at, said)
        VALUES ($1, $2, $3, $4, $5, $6, '')";
    let values = args![
        project,
        r.n,
        db::json(&r.parts)?,
        r.state.code(),
        r.author,
        r.at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Moves a version from one state to another; false when it stands otherwise.
pub(crate) async fn turn_report(
    tx: &mut Tx,
    (project, n): (Id, i64),
    from: ReportState,
    to: ReportState,
) -> Result<bool> {
    let sql = "UPDATE project_report SET state = $4 WHERE project = $1 AND n = $2 AND state = $3";
    let values = args![project, n, from.code(), to.code()];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Keeps what the reviewer said.
pub(crate) async fn reviewed(
    tx: &mut Tx,
    (project, n): (Id, i64),
    said: &str,
    (by, at): (Option<AccountId>, Timestamp),
) -> Result<()> {
    let sql = "UPDATE project_report SET said = $3, reviewed_by = $4, reviewed_at = $5 WHERE project = $1 AND n = $2";
    tx.execute(sql, args![project, n, said, by, at])
        .await
        .map(|_| ())
}

/// Problems of a project that became cases.
pub(crate) async fn problems(tx: &mut Tx, project: Id) -> Result<Vec<Raised>> {
    let sql = "SELECT id, no, unit, case_id, raised_on, solved FROM project_problem WHERE project = $1 ORDER BY no";
    tx.query(sql, args![project])
        .await?
        .iter()
        .map(raised)
        .collect()
}

pub(super) fn raised(row: &Row) -> Result<Raised> {
    Ok(Raised {
        id: row.get(0)?,
        no: row.get(1)?,
        unit: row.get(2)?,
        case: row.get(3)?,
        on: row.get(4)?,
        solved: row.get(5)?,
    })
}

/// Writes down that a problem became a case; false when it did before.
pub(crate) async fn put_problem(tx: &mut Tx, project: Id, r: &Raised) -> Result<bool> {
    let sql = "INSERT INTO project_problem (id, project, no, unit, case_id, raised_on, solved)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, no) DO NOTHING";
    let values = args![r.id, project, r.no, r.unit, r.case, r.on, r.solved];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Every problem with its project: for the clock.
pub(crate) async fn all_problems(tx: &mut Tx, after: Id, most: i64) -> Result<Vec<(Id, Raised)>> {
    let sql = "SELECT id, no, unit, case_id, raised_on, solved, project FROM project_problem WHERE id > $1 ORDER BY id LIMIT $2";
    let rows = tx.query(sql, args![after, most]).await?;
    rows.iter()
        .map(|row| Ok((row.get(6)?, raised(row)?)))
        .collect()
}

/// Keeps whether a problem is solved; false when that is known.
pub(crate) async fn mark_problem(tx: &mut Tx, id: Id, solved: bool) -> Result<bool> {
    let sql = "UPDATE project_problem SET solved = $2 WHERE id = $1 AND solved <> $2";
    Ok(tx.execute(sql, args![id, solved]).await? == 1)
}

/// Recommendations of a project that were adopted.
pub(crate) async fn adopted(tx: &mut Tx, project: Id) -> Result<Vec<Adopted>> {
    let sql =
        "SELECT id, no, document, adopted_on FROM project_adoption WHERE project = $1 ORDER BY no";
    let read = |row: &Row| {
        Ok(Adopted {
            id: row.get(0)?,
            no: row.get(1)?,
            document: row.get(2)?,
            on: row.get(3)?,
        })
    };
    tx.query(sql, args![project])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Writes down that a recommendation was adopted; false when it was before.
pub(crate) async fn put_adopted(
    tx: &mut Tx,
    project: Id,
    a: &Adopted,
    (account, at): (Option<AccountId>, Timestamp),
) -> Result<bool> {
    let sql = "INSERT INTO project_adoption (id, project, no, document, adopted_on, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, no) DO NOTHING";
    let values = args![a.id, project, a.no, &a.document, a.on, account, at];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Takes an adoption back.
pub(crate) async fn drop_adopted(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "DELETE FROM project_adoption WHERE id = $1";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// The project to which an entry, a problem or an adoption belongs, and the day it tells of.
pub(crate) async fn project_of(tx: &mut Tx, id: Id) -> Result<Option<Id>> {
    const FROM: [&str; 3] = ["project_entry", "project_problem", "project_adoption"];
    for table in FROM {
        let sql = format!("SELECT project FROM {table} WHERE id = $1");
        if let Some(row) = tx.optional(sql, args![id]).await? {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

/// Reports that wait for somebody else to review them, with project, title, unit and the day they were sent.
pub(crate) async fn sent(
    tx: &mut Tx,
    scope: &kernel::Scope,
    account: AccountId,
) -> Result<Vec<(Id, String, kernel::UnitId)>> {
    let mut a = args![account];
    let scope = organization::scope_sql(scope, "p.unit", &mut a);
    let sql = format!(
        "SELECT p.id, p.title, p.unit FROM project_report r JOIN project p ON p.id = r.project
         WHERE r.state = 'sent' AND NOT EXISTS (SELECT 1 FROM project_report o WHERE o.project = p.id AND o.account = $1)
           AND {scope} ORDER BY r.at LIMIT 100"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}
