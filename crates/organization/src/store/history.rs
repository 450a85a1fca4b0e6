//! The SQL of what units were on a day, and of the changes that made them so.

use std::collections::BTreeMap;

use db::{Args, Tx, args};
use kernel::{AccountId, Date, Id, Result, Timestamp, UnitId};

use crate::history::{History, State};
use crate::units::{UnitChange, UnitChangeKind, UnitPart};

/// Counts the changes of units; a history that was read stays right while it stands still.
pub(crate) async fn units_version(tx: &mut Tx) -> Result<i64> {
    let sql = "SELECT units FROM organization_version WHERE id = 1";
    tx.one(sql, args![]).await?.get(0)
}

/// All states of all units.
pub(crate) async fn history(tx: &mut Tx) -> Result<History> {
    let sql = "SELECT unit, from_date, parent, name, category FROM unit_state";
    let rows = tx.query(sql, args![]).await?;
    let states: Result<Vec<_>> = rows
        .iter()
        .map(|row| {
            let state = State {
                from: row.get(1)?,
                parent: row.get(2)?,
                name: row.get(3)?,
                category: row.get(4)?,
            };
            Ok((row.get(0)?, state))
        })
        .collect();
    Ok(History::new(states?))
}

/// Writes states; one that begins on the same day is replaced.
pub(crate) async fn put_states(tx: &mut Tx, states: &[(UnitId, State)]) -> Result<()> {
    let mut rows = Args::with_capacity(states.len() * 5);
    for (unit, state) in states {
        rows.add(*unit);
        rows.add(state.from);
        rows.add(state.parent);
        rows.add(&state.name);
        rows.add(&state.category);
    }
    tx.insert_many(
        "INSERT INTO unit_state (unit, from_date, parent, name, category) VALUES",
        5,
        "ON CONFLICT (unit, from_date) DO UPDATE SET parent = excluded.parent, name = excluded.name,
            category = excluded.category",
        rows,
    )
    .await?;
    let sql = "UPDATE organization_version SET units = units + 1 WHERE id = 1";
    tx.execute(sql, args![]).await?;
    Ok(())
}

/// Writes a change with the units that take part in it.
pub(crate) async fn put_change(
    tx: &mut Tx,
    id: Id,
    change: &UnitChange,
    at: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO unit_change (id, kind, date, basis, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![
            id,
            change.kind.code(),
            change.date,
            &change.basis,
            at,
            change.by
        ],
    )
    .await?;
    let mut rows = Args::with_capacity(change.units.len() * 3);
    for (unit, part) in &change.units {
        rows.add(id);
        rows.add(*unit);
        rows.add(part.code());
    }
    tx.insert_many(
        "INSERT INTO unit_change_part (change, unit, part) VALUES",
        3,
        "",
        rows,
    )
    .await?;
    Ok(())
}

/// The changes in which a unit took part, newest first.
pub(crate) async fn changes(tx: &mut Tx, unit: UnitId) -> Result<Vec<UnitChange>> {
    let rows = tx
        .query(
            "SELECT c.id, c.kind, c.date, c.basis, c.recorded_by, p.unit, p.part
             FROM unit_change c JOIN unit_change_part p ON p.change = c.id
             WHERE c.id IN (SELECT change FROM unit_change_part WHERE unit = $1)
             ORDER BY c.date, c.id, p.part, p.unit",
            args![unit],
        )
        .await?;
    let mut found: BTreeMap<(Date, Id), UnitChange> = BTreeMap::new();
    for row in &rows {
        let (id, date): (Id, Date) = (row.get(0)?, row.get(2)?);
        let kind: String = row.get(1)?;
        let by: Option<AccountId> = row.get(4)?;
        let change = UnitChange {
            kind: UnitChangeKind::from_code(&kind)?,
            date,
            basis: row.get(3)?,
            by,
            units: Vec::new(),
        };
        let part: String = row.get(6)?;
        let entry = found.entry((date, id)).or_insert(change);
        entry.units.push((row.get(5)?, UnitPart::from_code(&part)?));
    }
    Ok(found.into_values().rev().collect())
}

/// How many people hold an assignment in a unit on a day or later.
pub(crate) async fn held_from(tx: &mut Tx, unit: UnitId, date: Date) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM assignment
        WHERE unit = $1 AND (to_date IS NULL OR to_date >= $2)";
    tx.one(sql, args![unit, date]).await?.get(0)
}

/// The staff numbers of people who hold an assignment in these units on a day or later.
pub(crate) async fn staff_from(tx: &mut Tx, units: &[UnitId], date: Date) -> Result<Vec<String>> {
    let mut args = args![date];
    let list = args.list(units.iter().copied());
    let sql = format!(
        "SELECT DISTINCT p.staff_no FROM assignment a JOIN person p ON p.id = a.person
         WHERE (a.to_date IS NULL OR a.to_date >= $1) AND a.unit IN ({list}) ORDER BY p.staff_no"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
