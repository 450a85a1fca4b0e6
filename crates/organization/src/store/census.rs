//! The SQL of counts of the organization itself.

use std::collections::HashMap;

use db::{Args, Tx, args};
use kernel::{Period, Result, UnitId};

use crate::census::{Census, Counted, Things};

/// The tables with what is counted, its conditions, and the expression that tells one thing from another.
/// `t` leads from a unit to what lies below it, `$1` is the last day and `$2` the first.
fn source(census: &Census, period: Period) -> (String, &'static str, Args) {
    let mut args = args![period.to, period.from];
    let mut only = |column: &str, list: &[String]| {
        if list.is_empty() {
            return String::new();
        }
        format!(" AND {column} IN ({})", args.list(list.iter()))
    };
    // Names and categories as they were on the day.
    let units = "unit_tree t JOIN unit u ON u.id = t.unit
        JOIN unit_state s ON s.unit = u.id AND s.from_date = (SELECT MAX(x.from_date) FROM unit_state x
            WHERE x.unit = u.id AND x.from_date <= $1)
        WHERE u.from_date <= $1 AND (u.to_date IS NULL OR u.to_date >= $1) AND $2 <= $1";
    let bodies = "unit_tree t JOIN body b ON b.unit = t.unit";
    let standing = "b.from_date <= $1 AND (b.to_date IS NULL OR b.to_date >= $1)";
    let (from, thing) = match census.of {
        Things::Units => (
            units.to_owned() + &only("s.category", &census.categories),
            "u.id",
        ),
        Things::Categories => (
            units.to_owned() + " AND s.category <> ''" + &only("s.category", &census.categories),
            "s.category",
        ),
        Things::Bodies => (
            format!(
                "{bodies} WHERE {standing} AND $2 <= $1{}",
                only("b.kind", &census.kinds)
            ),
            "b.id",
        ),
        Things::Formed => (
            format!(
                "{bodies} WHERE b.from_date <= $1 AND b.from_date >= $2{}",
                only("b.kind", &census.kinds)
            ),
            "b.id",
        ),
        Things::Members => {
            let kinds = only("b.kind", &census.kinds);
            let roles = only("m.role", &census.roles);
            (
                format!(
                    "{bodies} JOIN body_member m ON m.body = b.id JOIN person p ON p.id = m.person
                     WHERE {standing} AND m.from_date <= $1 AND (m.to_date IS NULL OR m.to_date >= $1)
                        AND $2 <= $1{kinds}{roles}"
                ),
                "m.person",
            )
        }
    };
    (from, thing, args)
}

pub(crate) async fn census(
    tx: &mut Tx,
    census: &Census,
    units: &[UnitId],
    period: Period,
) -> Result<HashMap<UnitId, i64>> {
    let mut found = HashMap::new();
    for chunk in units.chunks(500) {
        let (from, thing, mut args) = source(census, period);
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT t.ancestor, CAST(COUNT(DISTINCT {thing}) AS BIGINT) FROM {from}
             AND t.ancestor IN ({list}) GROUP BY t.ancestor"
        );
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// The units that are counted, by the unit they lie under.
pub(crate) async fn places(
    tx: &mut Tx,
    census: &Census,
    units: &[UnitId],
    period: Period,
) -> Result<Vec<(UnitId, UnitId)>> {
    let mut found = Vec::new();
    for chunk in units.chunks(500) {
        let (from, thing, mut args) = source(census, period);
        let list = args.list(chunk.iter().copied());
        let sql = format!("SELECT t.ancestor, {thing} FROM {from} AND t.ancestor IN ({list})");
        for row in tx.query(sql, args).await? {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

pub(crate) async fn census_list(
    tx: &mut Tx,
    census: &Census,
    unit: UnitId,
    period: Period,
    limit: i64,
    offset: i64,
) -> Result<Vec<Counted>> {
    let (from, thing, mut args) = source(census, period);
    let (id, name, detail) = match census.of {
        Things::Units => ("u.id", "MIN(s.name)", "MIN(s.category)"),
        Things::Categories => ("NULL", "s.category", "CAST(COUNT(*) AS TEXT)"),
        Things::Bodies | Things::Formed => ("b.id", "MIN(b.name)", "MIN(b.from_date)"),
        Things::Members => ("m.person", "MIN(p.name)", "MIN(b.name)"),
    };
    let unit = args.push(unit);
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "SELECT {id}, {name}, {detail} FROM {from} AND t.ancestor = {unit}
         GROUP BY {thing} ORDER BY 2, 1 LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| {
            Ok(Counted {
                id: row.get(0)?,
                name: row.get(1)?,
                detail: row.get(2)?,
            })
        })
        .collect()
}
