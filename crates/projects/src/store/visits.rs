//! The SQL of visits to those one is paired with.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Id, Result};

use crate::model::Raised;
use crate::visiting::{Difficulty, Visit};

const VISIT: &str = "v.id, v.tie, v.kind, v.person, v.unit, v.other, v.day, v.looked, v.promised, v.files,
    COALESCE(p.name, a.login), v.at, v.struck
    FROM pair_visit v LEFT JOIN account a ON a.id = v.account LEFT JOIN person p ON p.id = a.person";

fn visit(row: &Row) -> Result<Visit> {
    Ok(Visit {
        id: row.get(0)?,
        tie: row.get(1)?,
        kind: row.get(2)?,
        person: row.get(3)?,
        unit: row.get(4)?,
        other: row.get(5)?,
        day: row.get(6)?,
        looked: row.get(7)?,
        promised: row.get(8)?,
        files: row.json(9)?,
        name: row.get(10)?,
        at: row.get(11)?,
        struck: row.get(12)?,
        difficulties: Vec::new(),
    })
}

/// Writes a visit with what was told; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, v: &Visit, account: Option<AccountId>) -> Result<bool> {
    let sql = "INSERT INTO pair_visit (id, tie, kind, person, unit, other, day, looked, promised, files, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING";
    let values = args![
        v.id,
        v.tie,
        &v.kind,
        v.person,
        v.unit,
        v.other,
        v.day,
        &v.looked,
        &v.promised,
        db::json(&v.files)?,
        account,
        v.at,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Ok(false);
    }
    if v.difficulties.is_empty() {
        return Ok(true);
    }
    let mut rows = Args::new();
    for d in &v.difficulties {
        rows.add(v.id);
        rows.add(d.no);
        rows.add(d.id);
        rows.add(&d.text);
        rows.add(false);
    }
    let head = "INSERT INTO pair_difficulty (visit, no, id, body, solved) VALUES";
    tx.insert_many(head, 5, "", rows).await?;
    Ok(true)
}

async fn with_difficulties(tx: &mut Tx, mut visits: Vec<Visit>) -> Result<Vec<Visit>> {
    let mut told: HashMap<Id, Vec<Difficulty>> = HashMap::new();
    let ids: Vec<Id> = visits.iter().map(|v| v.id).collect();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT id, no, unit, case_id, raised_on, solved, body, visit FROM pair_difficulty WHERE visit IN ({list}) ORDER BY visit, no"
        );
        for row in tx.query(sql, a).await? {
            told.entry(row.get(7)?).or_default().push(difficulty(&row)?);
        }
    }
    for v in &mut visits {
        v.difficulties = told.remove(&v.id).unwrap_or_default();
    }
    Ok(visits)
}

fn difficulty(row: &Row) -> Result<Difficulty> {
    let case: Option<Id> = row.get(3)?;
    Ok(Difficulty {
        id: row.get(0)?,
        no: row.get(1)?,
        text: row.get(6)?,
        raised: match case {
            Some(_) => Some(super::found::raised(row)?),
            None => None,
        },
    })
}

/// A visit, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Visit>> {
    let sql = format!("SELECT {VISIT} WHERE v.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    let found: Vec<Visit> = row.as_ref().map(visit).transpose()?.into_iter().collect();
    Ok(with_difficulties(tx, found).await?.pop())
}

/// Takes the row, so that those who act follow one another.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Visit>> {
    let sql = "UPDATE pair_visit SET at = at WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// The visits of some pairs from a day to a day, the last first.
pub(crate) async fn of_ties(
    tx: &mut Tx,
    ties: &[Id],
    (from, to): (Date, Date),
) -> Result<Vec<Visit>> {
    let mut found = Vec::new();
    for chunk in ties.chunks(500) {
        let mut a = args![from, to];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {VISIT} WHERE v.day >= $1 AND v.day <= $2 AND v.tie IN ({list}) ORDER BY v.day DESC, v.id DESC"
        );
        for row in tx.query(sql, a).await? {
            found.push(visit(&row)?);
        }
    }
    with_difficulties(tx, found).await
}

/// Takes a visit back; false when it was before.
pub(crate) async fn strike(tx: &mut Tx, id: Id, reason: &str) -> Result<bool> {
    let sql = "UPDATE pair_visit SET struck = $2 WHERE id = $1 AND struck IS NULL";
    Ok(tx.execute(sql, args![id, reason]).await? == 1)
}

/// Writes down that a difficulty became a case; false when it did before.
pub(crate) async fn put_raised(tx: &mut Tx, visit: Id, r: &Raised) -> Result<bool> {
    let sql = "UPDATE pair_difficulty SET unit = $3, case_id = $4, raised_on = $5
        WHERE visit = $1 AND no = $2 AND case_id IS NULL";
    let values = args![visit, r.no, r.unit, r.case, r.on];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Every difficulty that became a case, with its visit: for the clock.
pub(crate) async fn all_raised(tx: &mut Tx, after: Id, most: i64) -> Result<Vec<(Id, Raised)>> {
    let sql = "SELECT id, no, unit, case_id, raised_on, solved, visit FROM pair_difficulty
        WHERE id > $1 AND case_id IS NOT NULL ORDER BY id LIMIT $2";
    let rows = tx.query(sql, args![after, most]).await?;
    rows.iter()
        .map(|row| Ok((row.get(6)?, super::found::raised(row)?)))
        .collect()
}

/// Keeps whether a difficulty is solved; false when that is known.
pub(crate) async fn mark(tx: &mut Tx, id: Id, solved: bool) -> Result<bool> {
    let sql = "UPDATE pair_difficulty SET solved = $2 WHERE id = $1 AND solved <> $2";
    Ok(tx.execute(sql, args![id, solved]).await? == 1)
}

/// The visit in which a difficulty was told.
pub(crate) async fn visit_of(tx: &mut Tx, difficulty: Id) -> Result<Option<Id>> {
    let sql = "SELECT visit FROM pair_difficulty WHERE id = $1";
    let row = tx.optional(sql, args![difficulty]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The first visit of a pair that stands, from a day to a day.
pub(crate) async fn first(tx: &mut Tx, tie: Id, (from, to): (Date, Date)) -> Result<Option<Id>> {
    let sql =
        "SELECT id FROM pair_visit WHERE tie = $1 AND day >= $2 AND day <= $3 AND struck IS NULL
        ORDER BY day, id LIMIT 1";
    let row = tx.optional(sql, args![tie, from, to]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The visit that a quarter of a pair counts by.
pub(crate) async fn quarter(tx: &mut Tx, tie: Id, quarter: Date) -> Result<Option<Id>> {
    let sql = "SELECT visit FROM pair_quarter WHERE tie = $1 AND quarter = $2";
    let row = tx.optional(sql, args![tie, quarter]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Takes the row of a quarter, so that of two visits at once one counts for it.
pub(crate) async fn hold_quarter(tx: &mut Tx, tie: Id, quarter: Date) -> Result<()> {
    let sql = "INSERT INTO pair_quarter (tie, quarter) VALUES ($1, $2) ON CONFLICT (tie, quarter) DO UPDATE SET visit = pair_quarter.visit";
    tx.execute(sql, args![tie, quarter]).await.map(|_| ())
}

/// Keeps by which visit a quarter counts.
pub(crate) async fn set_quarter(
    tx: &mut Tx,
    tie: Id,
    quarter: Date,
    visit: Option<Id>,
) -> Result<()> {
    let sql = "UPDATE pair_quarter SET visit = $3 WHERE tie = $1 AND quarter = $2";
    tx.execute(sql, args![tie, quarter, visit])
        .await
        .map(|_| ())
}
