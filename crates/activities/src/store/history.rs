//! The SQL of past activities that were taken in from sheets.

use db::{Args, Row, Tx, args};
use desk::Attached;
use kernel::{AccountId, ActivityId, Date, Error, Id, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;

use crate::history::{Import, Total};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_import (
        id {blob} PRIMARY KEY, name TEXT NOT NULL, evidence TEXT NOT NULL, recorded_at BIGINT NOT NULL,
        recorded_by {blob} NOT NULL, reversed_at BIGINT, reversal_reason TEXT);
    CREATE TABLE activity_imported (
        activity {blob} PRIMARY KEY REFERENCES activity, import {blob} NOT NULL REFERENCES activity_import) {clustered};
    CREATE INDEX activity_imported_by ON activity_imported (import);
    CREATE TABLE activity_total (
        id {blob} PRIMARY KEY, import {blob} NOT NULL REFERENCES activity_import, kind TEXT NOT NULL,
        host {blob} NOT NULL REFERENCES unit, date TEXT NOT NULL, title TEXT NOT NULL, sessions BIGINT NOT NULL,
        present BIGINT NOT NULL, minutes BIGINT NOT NULL);
    CREATE INDEX activity_total_import ON activity_total (import, id);
    CREATE INDEX activity_total_host ON activity_total (host, kind, date);
";

/// Writes an import; false when it is there already.
pub(crate) async fn insert(
    tx: &mut Tx,
    (id, name): (Id, &str),
    evidence: &[Attached],
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let evidence = serde_json::to_string(evidence).map_err(Error::internal)?;
    let sql = "INSERT INTO activity_import (id, name, evidence, recorded_at, recorded_by)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
    Ok(tx.execute(sql, args![id, name, evidence, at, by]).await? == 1)
}

pub(crate) async fn note(tx: &mut Tx, import: Id, activities: &[ActivityId]) -> Result<()> {
    let mut a = Args::with_capacity(activities.len() * 2);
    for activity in activities {
        a.add(*activity);
        a.add(import);
    }
    let head = "INSERT INTO activity_imported (activity, import) VALUES";
    tx.insert_many(head, 2, "", a).await?;
    Ok(())
}

pub(crate) async fn put_totals(tx: &mut Tx, import: Id, totals: &[Total]) -> Result<()> {
    let mut a = Args::with_capacity(totals.len() * 9);
    for t in totals {
        a.add(t.id);
        a.add(import);
        a.add(t.kind.as_str());
        a.add(t.host);
        a.add(t.date);
        a.add(t.title.as_str());
        a.add(t.sessions);
        a.add(t.present);
        a.add(t.minutes);
    }
    let head = "INSERT INTO activity_total (id, import, kind, host, date, title, sessions, present, minutes) VALUES";
    tx.insert_many(head, 9, "", a).await?;
    Ok(())
}

const IMPORT: &str =
    "i.id, i.name, i.evidence, i.recorded_at, i.recorded_by, i.reversed_at, i.reversal_reason";

fn import(r: &Row) -> Result<Import> {
    let evidence: String = r.get(2)?;
    Ok(Import {
        id: r.get(0)?,
        name: r.get(1)?,
        evidence: serde_json::from_str(&evidence).map_err(Error::internal)?,
        recorded_at: r.get(3)?,
        recorded_by: r.get(4)?,
        reversed_at: r.get(5)?,
        reason: r.get(6)?,
    })
}

/// The condition that all an import brought lies in a scope.
fn within(scope: &Scope, a: &mut Args) -> String {
    let host = scope_sql(scope, "x.host", a);
    let total = scope_sql(scope, "t.host", a);
    format!(
        "NOT EXISTS (SELECT 1 FROM activity_imported m JOIN activity x ON x.id = m.activity
            WHERE m.import = i.id AND NOT ({host}))
         AND NOT EXISTS (SELECT 1 FROM activity_total t WHERE t.import = i.id AND NOT ({total}))"
    )
}

/// The imports all of which lies in a scope, the newest first.
pub(crate) async fn list(tx: &mut Tx, scope: &Scope) -> Result<Vec<Import>> {
    let mut a = Args::new();
    let within = within(scope, &mut a);
    let sql = format!(
        "SELECT {IMPORT} FROM activity_import i WHERE {within} ORDER BY i.id DESC LIMIT 200"
    );
    tx.query(sql, a).await?.iter().map(import).collect()
}

pub(crate) async fn one(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Import> {
    let mut a = args![id];
    let within = within(scope, &mut a);
    let sql = format!("SELECT {IMPORT} FROM activity_import i WHERE i.id = $1 AND {within}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(import).transpose()?.ok_or(Error::NotFound)
}

/// Takes an import back; false when it was before.
pub(crate) async fn reverse(tx: &mut Tx, id: Id, (at, reason): (Timestamp, &str)) -> Result<bool> {
    let sql = "UPDATE activity_import SET reversed_at = $2, reversal_reason = $3 WHERE id = $1 AND reversed_at IS NULL";
    Ok(tx.execute(sql, args![id, at, reason]).await? == 1)
}

/// The activities of an import.
pub(crate) async fn activities(tx: &mut Tx, id: Id) -> Result<Vec<ActivityId>> {
    let sql = "SELECT activity FROM activity_imported WHERE import = $1 ORDER BY activity";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The totals of an import.
pub(crate) async fn totals(tx: &mut Tx, id: Id) -> Result<Vec<Total>> {
    let sql = "SELECT id, kind, host, date, title, sessions, present, minutes FROM activity_total
        WHERE import = $1 ORDER BY date, id";
    tx.query(sql, args![id]).await?.iter().map(total).collect()
}

fn total(r: &Row) -> Result<Total> {
    Ok(Total {
        id: r.get(0)?,
        kind: r.get(1)?,
        host: r.get(2)?,
        date: r.get(3)?,
        title: r.get(4)?,
        sessions: r.get(5)?,
        present: r.get(6)?,
        minutes: r.get(7)?,
    })
}

/// Whether an activity came in by an import, and which.
pub(crate) async fn import_of(tx: &mut Tx, activity: ActivityId) -> Result<Option<Id>> {
    let sql = "SELECT import FROM activity_imported WHERE activity = $1";
    let row = tx.optional(sql, args![activity]).await?;
    row.as_ref().map(|r| r.get(0)).transpose()
}

/// What is there already of these units within a stretch of days: kind, unit, day, title, sessions, how many were there.
pub(crate) async fn known(
    tx: &mut Tx,
    units: &[UnitId],
    (from, to): (Date, Date),
) -> Result<Vec<(String, UnitId, Date, String, i64, i64)>> {
    let mut found = Vec::new();
    let read = |r: &Row| {
        Ok((
            r.get(0)?,
            r.get(1)?,
            r.get(2)?,
            r.get(3)?,
            r.get(4)?,
            r.get(5)?,
        ))
    };
    for chunk in units.chunks(500) {
        let mut a = args![from, to];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT a.kind, a.host, a.date, a.title, CAST(1 AS BIGINT), CAST((SELECT COUNT(*) FROM activity_part p
                WHERE p.activity = a.id AND p.role IN ('present', 'observer')) AS BIGINT)
             FROM activity a WHERE a.reversed_at IS NULL AND NOT a.confidential AND a.date >= $1 AND a.date <= $2
                AND a.host IN ({list})
             UNION ALL SELECT t.kind, t.host, t.date, t.title, t.sessions, t.present FROM activity_total t
             JOIN activity_import i ON i.id = t.import
             WHERE i.reversed_at IS NULL AND t.date >= $1 AND t.date <= $2 AND t.host IN ({list})"
        );
        let rows = tx.query(sql, a).await?;
        let all: Result<Vec<_>> = rows.iter().map(read).collect();
        found.extend(all?);
    }
    Ok(found)
}

/// The names of imports.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Id, String)>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, name FROM activity_import WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}
