//! Cells, presence and progress.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use db::{Args, Tx};
use kernel::{Date, Id, Period, PersonId, Result, UnitId};

use crate::{Done, PlaceId};

/// Key of a cell: component, node, period.
pub(crate) type CellKey = (i64, UnitId, i64);
/// Key of distinct persons: component, period, person.
pub(crate) type PresenceKey = (i64, i64, PersonId);
/// Key of progress: component, whose it is (a unit, person, body or pair), day.
pub(crate) type ProgressKey = (i64, Id, Date);
/// Net numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) n: i64,
    pub(crate) sum: i64,
    pub(crate) persons: i64,
}

impl Delta {
    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }
}

pub(crate) async fn add_cells(tx: &mut Tx, cells: &BTreeMap<CellKey, Delta>) -> Result<()> {
    let mut a = Args::with_capacity(cells.len() * 6);
    for ((component, node, period), d) in cells {
        a.add(*component);
        a.add(*node);
        a.add(*period);
        a.add(d.n);
        a.add(d.sum);
        a.add(d.persons);
    }
    tx.insert_many(
        "INSERT INTO cell (component, node, period, n, sum, persons) VALUES",
        6,
        "ON CONFLICT (component, node, period) DO UPDATE SET n = cell.n + excluded.n, \
         sum = cell.sum + excluded.sum, persons = cell.persons + excluded.persons",
        a,
    )
    .await?;
    Ok(())
}

/// Notes that days got facts, and how large the ledger is after them.
pub(crate) async fn touch_days(tx: &mut Tx, days: &BTreeSet<Date>, size: i64) -> Result<()> {
    let mut a = Args::with_capacity(days.len() * 2);
    for date in days {
        a.add(*date);
        a.add(size);
    }
    tx.insert_many(
        "INSERT INTO ledger_day (date, size) VALUES",
        2,
        "ON CONFLICT (date) DO UPDATE SET size = excluded.size",
        a,
    )
    .await?;
    Ok(())
}

/// The days that got facts since the ledger had a size.
pub(crate) async fn days_after(tx: &mut Tx, size: i64) -> Result<Vec<(Date, i64)>> {
    let sql = "SELECT date, size FROM ledger_day WHERE size > $1";
    let rows = tx.query(sql, db::args![size]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

pub(crate) async fn add_presence(
    tx: &mut Tx,
    rows: &BTreeMap<(PresenceKey, PlaceId), i64>,
) -> Result<()> {
    let mut a = Args::with_capacity(rows.len() * 5);
    for (((component, period, person), place), n) in rows {
        a.add(*component);
        a.add(*period);
        a.add(*person);
        a.add(place.0);
        a.add(*n);
    }
    tx.insert_many(
        "INSERT INTO presence (component, period, person, place, n) VALUES",
        5,
        "ON CONFLICT (component, period, person, place) DO UPDATE SET n = presence.n + excluded.n",
        a,
    )
    .await?;
    Ok(())
}

pub(crate) async fn add_progress(tx: &mut Tx, rows: &BTreeMap<ProgressKey, Delta>) -> Result<()> {
    let mut a = Args::with_capacity(rows.len() * 5);
    for ((component, subject, date), d) in rows {
        a.add(*component);
        a.add(*subject);
        a.add(*date);
        a.add(d.n);
        a.add(d.sum);
    }
    tx.insert_many(
        "INSERT INTO progress (component, subject, date, n, sum) VALUES",
        5,
        "ON CONFLICT (component, subject, date) DO UPDATE SET n = progress.n + excluded.n, \
         sum = progress.sum + excluded.sum",
        a,
    )
    .await?;
    Ok(())
}

/// Where these persons already count, with how many facts, by key.
pub(crate) async fn presence(
    tx: &mut Tx,
    keys: &[PresenceKey],
) -> Result<HashMap<PresenceKey, Vec<(PlaceId, i64)>>> {
    let mut found: HashMap<PresenceKey, Vec<(PlaceId, i64)>> = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * 3);
        for (component, period, person) in chunk {
            a.add(*component);
            a.add(*period);
            a.add(*person);
        }
        let rows = tx
            .query(
                format!(
                    "WITH want(component, period, person) AS (VALUES {})
                     SELECT p.component, p.period, p.person, p.place, p.n FROM want w
                     CROSS JOIN presence p
                     WHERE p.component = w.component AND p.period = w.period AND p.person = w.person",
                    Args::values(chunk.len(), 3)
                ),
                a,
            )
            .await?;
        for row in &rows {
            let key = (row.get(0)?, row.get(1)?, row.get(2)?);
            found
                .entry(key)
                .or_default()
                .push((PlaceId(row.get(3)?), row.get(4)?));
        }
    }
    Ok(found)
}

/// Cells of components and nodes between two period codes, summed per component and node.
pub(crate) async fn cells(
    tx: &mut Tx,
    components: &[i64],
    nodes: &[UnitId],
    from: i64,
    to: i64,
) -> Result<HashMap<(i64, UnitId), Delta>> {
    let mut found = HashMap::new();
    for chunk in nodes.chunks(500) {
        let mut a = Args::new();
        let components = a.list(components.iter().copied());
        let nodes = a.list(chunk.iter().copied());
        let (from, to) = (a.push(from), a.push(to));
        let rows = tx
            .query(
                format!(
                    "SELECT component, node, CAST(SUM(n) AS BIGINT), CAST(SUM(sum) AS BIGINT), CAST(SUM(persons) AS BIGINT)
                     FROM cell WHERE component IN ({components}) AND node IN ({nodes})
                     AND period >= {from} AND period <= {to} GROUP BY component, node"
                ),
                a,
            )
            .await?;
        for row in &rows {
            let delta = Delta {
                n: row.get(2)?,
                sum: row.get(3)?,
                persons: row.get(4)?,
            };
            found.insert((row.get(0)?, row.get(1)?), delta);
        }
    }
    Ok(found)
}

/// The monthly cells of one component, by node and month.
pub(crate) async fn months(
    tx: &mut Tx,
    component: i64,
    nodes: &[UnitId],
    from: i64,
    to: i64,
) -> Result<Vec<(UnitId, i64, Delta)>> {
    let mut found = Vec::new();
    for chunk in nodes.chunks(500) {
        let mut a = db::args![component, from, to];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT node, period, n, sum, persons FROM cell
             WHERE component = $1 AND period >= $2 AND period <= $3 AND node IN ({list})"
        );
        for r in tx.query(sql, a).await? {
            let delta = Delta {
                n: r.get(2)?,
                sum: r.get(3)?,
                persons: r.get(4)?,
            };
            found.push((r.get(0)?, r.get(1)?, delta));
        }
    }
    Ok(found)
}

/// Progress of some subjects between two days.
pub(crate) async fn progress(
    tx: &mut Tx,
    component: i64,
    subjects: &[Id],
    from: Date,
    to: Date,
) -> Result<Vec<((Id, Date), Done)>> {
    let mut found = Vec::new();
    for chunk in subjects.chunks(5_000) {
        let mut a = Args::new();
        let component = a.push(component);
        let list = a.list(chunk.iter().copied());
        let (from, to) = (a.push(from), a.push(to));
        let rows = tx
            .query(
                format!(
                    "SELECT subject, date, n, sum FROM progress WHERE component = {component}
                     AND subject IN ({list}) AND date >= {from} AND date <= {to}"
                ),
                a,
            )
            .await?;
        found.reserve(rows.len());
        for row in &rows {
            let (n, sum) = (row.get(2)?, row.get(3)?);
            found.push(((row.get(0)?, row.get(1)?), Done { n, sum }));
        }
    }
    Ok(found)
}

/// Subjects that are looked up together.
const TOGETHER: usize = 5_000;
/// Subjects whose answers come back in one number, a bit each.
const BITS: usize = 60;

/// How many subjects of each group have days of a period that come to at least so much; groups with none are left out.
/// Where so many times are enough, no more than so many days of each are looked at, since each day that counts has one at
/// least. The answers come back as bits: a row for each subject or group would cost more than looking it up.
pub(crate) async fn reached(
    tx: &mut Tx,
    (component, period, least): (i64, Period, Done),
    subjects: &[(Id, i64)],
) -> Result<HashMap<i64, i64>> {
    let mut found: HashMap<i64, i64> = HashMap::new();
    for chunk in subjects.chunks(TOGETHER) {
        let mut a = db::Args::new();
        let mut values = String::with_capacity(chunk.len() * 16);
        for (n, (id, _)) in chunk.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            let id = a.push(*id);
            let _ = write!(values, "{comma}({id}, {n})");
        }
        let component = a.push(component);
        let (from, to) = (a.push(period.from), a.push(period.to));
        let days = format!(
            "SELECT n, sum FROM progress WHERE component = {component} AND subject = column1
                 AND date >= {from} AND date <= {to} AND n > 0"
        );
        let enough = match least.sum {
            ..=0 => {
                let (most, n) = (a.push(least.n.max(1)), a.push(least.n.max(1)));
                format!("(SELECT SUM(n) FROM ({days} ORDER BY date LIMIT {most}) AS days) >= {n}")
            }
            _ => {
                let (n, sum) = (a.push(least.n), a.push(least.sum));
                format!(
                    "(SELECT CASE WHEN SUM(n) >= {n} AND SUM(sum) >= {sum} THEN 1 ELSE 0 END
                     FROM ({days}) AS days) = 1"
                )
            }
        };
        let sql = format!(
            "SELECT CAST(column2 / {BITS} AS BIGINT),
                 CAST(SUM(CAST(1 AS BIGINT) << CAST(column2 % {BITS} AS INTEGER)) AS BIGINT)
             FROM (VALUES {values}) AS asked WHERE {enough} GROUP BY column2 / {BITS}"
        );
        for row in &tx.query(sql, a).await? {
            let (word, bits): (i64, i64) = (row.get(0)?, row.get(1)?);
            let asked = chunk.iter().skip(word as usize * BITS).take(BITS);
            for (bit, (_, group)) in asked.enumerate() {
                if bits >> bit & 1 == 1 {
                    *found.entry(*group).or_default() += 1;
                }
            }
        }
    }
    Ok(found)
}

/// The subjects of a component with anything on the days of a period.
pub(crate) async fn busy(tx: &mut Tx, component: i64, period: Period) -> Result<HashSet<Id>> {
    let sql =
        "SELECT DISTINCT subject FROM progress WHERE component = $1 AND date >= $2 AND date <= $3";
    let rows = tx
        .query(sql, db::args![component, period.from, period.to])
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every cell, for the recount.
pub(crate) async fn all_cells(tx: &mut Tx) -> Result<HashMap<CellKey, Delta>> {
    let rows = tx
        .query(
            "SELECT component, node, period, n, sum, persons FROM cell",
            Args::new(),
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok((
                (r.get(0)?, r.get(1)?, r.get(2)?),
                Delta {
                    n: r.get(3)?,
                    sum: r.get(4)?,
                    persons: r.get(5)?,
                },
            ))
        })
        .collect()
}

/// Every row of progress, for the recount.
pub(crate) async fn all_progress(tx: &mut Tx) -> Result<HashMap<ProgressKey, Delta>> {
    let rows = tx
        .query(
            "SELECT component, subject, date, n, sum FROM progress",
            Args::new(),
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok((
                (r.get(0)?, r.get(1)?, r.get(2)?),
                Delta {
                    n: r.get(3)?,
                    sum: r.get(4)?,
                    persons: 0,
                },
            ))
        })
        .collect()
}

/// Every row of presence, for the recount.
pub(crate) async fn all_presence(tx: &mut Tx) -> Result<HashMap<(PresenceKey, PlaceId), i64>> {
    let rows = tx
        .query(
            "SELECT component, period, person, place, n FROM presence",
            Args::new(),
        )
        .await?;
    rows.iter()
        .map(|r| {
            Ok((
                ((r.get(0)?, r.get(1)?, r.get(2)?), PlaceId(r.get(3)?)),
                r.get(4)?,
            ))
        })
        .collect()
}
