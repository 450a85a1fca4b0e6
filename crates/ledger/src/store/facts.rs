//! Facts, places, the tail and the leaves.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{Date, Error, FactId, Id, Period, PersonId, Result, UnitId};

use crate::{Axis, Definition, Fact, Hash, PlaceId, Value};

const COLUMNS: &str = "f.id, f.kind, f.category, f.host, f.unit, f.body, f.person, f.other, f.role, f.date, \
    f.starts, f.ends, f.minutes, f.quantity, f.qualifier, f.score, f.subject, f.evidence, f.source, \
    f.recorded_at, f.recorded_by, f.late, f.sign, f.reverses";

fn read_fact(row: &Row) -> Result<Fact> {
    let evidence: Option<String> = row.get(17)?;
    Ok(Fact {
        id: row.get(0)?,
        kind: row.get(1)?,
        category: row.get(2)?,
        host: PlaceId(row.get(3)?),
        unit: row.get::<Option<i64>>(4)?.map(PlaceId),
        body: row.get(5)?,
        person: row.get(6)?,
        other: row.get(7)?,
        role: row.get(8)?,
        date: row.get(9)?,
        starts: row.get(10)?,
        ends: row.get(11)?,
        minutes: row.get(12)?,
        quantity: row.get(13)?,
        qualifier: row.get(14)?,
        score: row.get(15)?,
        subject: row.get(16)?,
        evidence: evidence.map_or_else(Vec::new, |e| e.split(' ').map(str::to_owned).collect()),
        source: row.get(18)?,
        recorded_at: row.get(19)?,
        recorded_by: row.get(20)?,
        late: row.get(21)?,
        sign: row.get(22)?,
        reverses: row.get(23)?,
    })
}

/// Writes facts; `unsealed` rows too unless they are sealed in the same transaction.
pub(crate) async fn insert_facts(tx: &mut Tx, facts: &[Fact], to_tail: bool) -> Result<()> {
    let mut a = Args::with_capacity(facts.len() * 24);
    for f in facts {
        a.add(f.id);
        a.add(f.kind.as_str());
        a.add(f.category.as_deref());
        a.add(f.host.0);
        a.add(f.unit.map(|p| p.0));
        a.add(f.body);
        a.add(f.person);
        a.add(f.other);
        a.add(f.role.as_deref());
        a.add(f.date);
        a.add(f.starts);
        a.add(f.ends);
        a.add(f.minutes);
        a.add(f.quantity);
        a.add(f.qualifier.as_deref());
        a.add(f.score);
        a.add(f.subject);
        a.add((!f.evidence.is_empty()).then(|| f.evidence.join(" ")));
        a.add(f.source.as_str());
        a.add(f.recorded_at);
        a.add(f.recorded_by);
        a.add(f.late);
        a.add(f.sign);
        a.add(f.reverses);
    }
    tx.insert_many(
        "INSERT INTO fact (id, kind, category, host, unit, body, person, other, role, date, starts, ends, minutes, \
         quantity, qualifier, score, subject, evidence, source, recorded_at, recorded_by, late, sign, reverses) VALUES",
        24,
        "",
        a,
    )
    .await?;
    if to_tail {
        let mut a = Args::with_capacity(facts.len());
        for f in facts {
            a.add(f.id);
        }
        tx.insert_many("INSERT INTO unsealed (fact) VALUES", 1, "", a)
            .await?;
    }
    Ok(())
}

/// The facts with these ids that are there.
pub(crate) async fn facts_by_id(tx: &mut Tx, ids: &[FactId]) -> Result<Vec<Fact>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let rows = tx
            .query(
                format!("SELECT {COLUMNS} FROM fact f WHERE f.id IN ({list}) ORDER BY f.id"),
                a,
            )
            .await?;
        for row in &rows {
            found.push(read_fact(row)?);
        }
    }
    Ok(found)
}

/// The facts about a subject that still stand: neither reversals nor reversed.
pub(crate) async fn standing(tx: &mut Tx, subject: Id) -> Result<Vec<Fact>> {
    let rows = tx
        .query(
            format!(
                "SELECT {COLUMNS} FROM fact f WHERE f.subject = $1 AND f.sign = 1
                 AND NOT EXISTS (SELECT 1 FROM fact r WHERE r.reverses = f.id) ORDER BY f.id"
            ),
            args![subject],
        )
        .await?;
    rows.iter().map(read_fact).collect()
}

/// The facts that somebody typed in instead of recording what they sum up, and that stand.
pub(crate) async fn declared(tx: &mut Tx, period: Period, limit: i64) -> Result<Vec<Fact>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM fact f WHERE f.source = 'declared' AND f.date >= $1 AND f.date <= $2 AND f.sign = 1
             AND NOT EXISTS (SELECT 1 FROM fact r WHERE r.reverses = f.id) ORDER BY f.date LIMIT $3"
    );
    let rows = tx.query(sql, args![period.from, period.to, limit]).await?;
    rows.iter().map(read_fact).collect()
}

/// The facts of some kinds about these people that stand, between two days; one indexed look-up for each 500 people.
pub(crate) async fn of_people(
    tx: &mut Tx,
    kinds: &[String],
    people: &[PersonId],
    period: Period,
) -> Result<Vec<Fact>> {
    let mut found = Vec::new();
    if kinds.is_empty() {
        return Ok(found);
    }
    for chunk in people.chunks(500) {
        let mut a = Args::new();
        let people = a.list(chunk.iter().copied());
        let (from, to) = (a.push(period.from), a.push(period.to));
        let kinds = a.list(kinds.iter());
        let sql = format!(
            "SELECT {COLUMNS} FROM fact f WHERE f.person IN ({people}) AND f.date >= {from} AND f.date <= {to}
             AND f.kind IN ({kinds}) AND f.sign = 1
             AND NOT EXISTS (SELECT 1 FROM fact r WHERE r.reverses = f.id) ORDER BY f.person, f.date, f.id"
        );
        for row in &tx.query(sql, a).await? {
            found.push(read_fact(row)?);
        }
    }
    Ok(found)
}

/// The first facts of the tail by id.
pub(crate) async fn tail(tx: &mut Tx, limit: i64) -> Result<Vec<Fact>> {
    let rows = tx
        .query(
            format!("SELECT {COLUMNS} FROM unsealed u JOIN fact f ON f.id = u.fact ORDER BY u.fact LIMIT $1"),
            args![limit],
        )
        .await?;
    rows.iter().map(read_fact).collect()
}

/// How many facts wait to be sealed, and the id of the first.
pub(crate) async fn tail_size(tx: &mut Tx) -> Result<(i64, Option<FactId>)> {
    let row = tx
        .one("SELECT CAST(COUNT(*) AS BIGINT) FROM unsealed", args![])
        .await?;
    let first = tx
        .optional("SELECT fact FROM unsealed ORDER BY fact LIMIT 1", args![])
        .await?;
    Ok((row.get(0)?, first.map(|r| r.get(0)).transpose()?))
}

/// Takes facts off the tail; they must all be there.
pub(crate) async fn remove_from_tail(tx: &mut Tx, facts: &[Fact]) -> Result<()> {
    let mut removed = 0;
    for chunk in facts.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().map(|f| f.id));
        removed += tx
            .execute(format!("DELETE FROM unsealed WHERE fact IN ({list})"), a)
            .await?;
    }
    if removed != facts.len() as u64 {
        return Err(Error::Retry("the tail was sealed by another".into()));
    }
    Ok(())
}

/// Writes leaves from `first` on.
pub(crate) async fn insert_leaves(
    tx: &mut Tx,
    first: i64,
    leaves: &[(FactId, Hash)],
) -> Result<()> {
    let mut a = Args::with_capacity(leaves.len() * 3);
    for (seq, (fact, hash)) in (first..).zip(leaves) {
        a.add(seq);
        a.add(*fact);
        a.add(&hash[..]);
    }
    tx.insert_many("INSERT INTO leaf (seq, fact, hash) VALUES", 3, "", a)
        .await?;
    Ok(())
}

/// Sealed facts from `from` on, in the order of the tree, with sequence and stored hash.
pub(crate) async fn leaves(
    tx: &mut Tx,
    from: i64,
    below: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>, Fact)>> {
    let rows = tx
        .query(
            format!(
                "SELECT {COLUMNS}, l.seq, l.hash FROM leaf l JOIN fact f ON f.id = l.fact
                 WHERE l.seq >= $1 AND l.seq < $2 ORDER BY l.seq LIMIT $3"
            ),
            args![from, below, limit],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(24)?, row.get(25)?, read_fact(row)?)))
        .collect()
}

/// Facts in the table that are neither sealed nor on the tail (must be none), and leaves in all.
pub(crate) async fn stray_counts(tx: &mut Tx) -> Result<(i64, i64)> {
    let stray = tx
        .one(
            "SELECT CAST(COUNT(*) AS BIGINT) FROM fact f
             WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.fact = f.id)
             AND NOT EXISTS (SELECT 1 FROM unsealed u WHERE u.fact = f.id)",
            args![],
        )
        .await?;
    let leaves = tx
        .one("SELECT CAST(COUNT(*) AS BIGINT) FROM leaf", args![])
        .await?;
    Ok((stray.get(0)?, leaves.get(0)?))
}

/// Writes a chain of units; nothing happens when it is known.
pub(crate) async fn insert_place(tx: &mut Tx, id: PlaceId, path: &[UnitId]) -> Result<()> {
    let bytes: Vec<u8> = path.iter().flat_map(|u| u.0.0).collect();
    let added = tx
        .execute(
            "INSERT INTO place (id, path) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
            args![id.0, bytes],
        )
        .await?;
    if added == 1 {
        let mut a = Args::new();
        for unit in path {
            a.add(*unit);
            a.add(id.0);
        }
        tx.insert_many(
            "INSERT INTO place_node (node, place) VALUES",
            2,
            "ON CONFLICT DO NOTHING",
            a,
        )
        .await?;
    }
    Ok(())
}

/// Chains of units by number; all of them when `ids` is `None`.
pub(crate) async fn places(
    tx: &mut Tx,
    ids: Option<&[PlaceId]>,
) -> Result<HashMap<PlaceId, Vec<UnitId>>> {
    let mut a = Args::new();
    let sql = match ids {
        Some(ids) => format!(
            "SELECT id, path FROM place WHERE id IN ({})",
            a.list(ids.iter().map(|p| p.0))
        ),
        None => "SELECT id, path FROM place".to_owned(),
    };
    let mut found = HashMap::new();
    for row in tx.query(sql, a).await? {
        let path: Vec<u8> = row.get(1)?;
        let units = path
            .chunks_exact(16)
            .map(|c| Id::from_slice(c).map(UnitId).map_err(Error::internal));
        found.insert(PlaceId(row.get(0)?), units.collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}

/// Conditions on `fact f` for a component, under nodes, between two days, as of a size.
pub(crate) struct Where<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) period: Period,
    /// Only facts sealed below this sequence.
    pub(crate) as_of: Option<i64>,
}

impl Where<'_> {
    fn place_column(&self) -> &'static str {
        match self.definition.axis {
            Axis::Host | Axis::Body | Axis::Pair => "f.host",
            Axis::Unit | Axis::Person => "f.unit",
        }
    }

    fn sql(&self, args: &mut Args) -> String {
        let mut sql = self.definition.predicate.sql(args);
        let (from, to) = (args.push(self.period.from), args.push(self.period.to));
        sql += &format!(" AND f.date >= {from} AND f.date <= {to}");
        if let Some(size) = self.as_of {
            let size = args.push(size);
            sql += &format!(
                " AND EXISTS (SELECT 1 FROM leaf l WHERE l.fact = f.id AND l.seq < {size})"
            );
        }
        sql
    }

    /// That a fact was not taken back; as of an earlier size it still stood if its reversal came after.
    fn stands(&self, args: &mut Args) -> String {
        let reversed = match self.as_of {
            None => String::new(),
            Some(size) => {
                let size = args.push(size);
                format!(
                    " AND EXISTS (SELECT 1 FROM leaf rl WHERE rl.fact = r.id AND rl.seq < {size})"
                )
            }
        };
        format!(
            " AND f.sign = 1 AND NOT EXISTS (SELECT 1 FROM fact r WHERE r.reverses = f.id{reversed})"
        )
    }
}

/// Net number and net sum per node, counted by index.
pub(crate) async fn counts(
    tx: &mut Tx,
    w: &Where<'_>,
    nodes: &[UnitId],
) -> Result<HashMap<UnitId, (i64, i64)>> {
    let value = match w.definition.value {
        Value::None => "0",
        Value::Minutes => "COALESCE(f.minutes, 0)",
        Value::Quantity => "COALESCE(f.quantity, 0)",
        Value::Score => "COALESCE(f.score, 0)",
    };
    let mut found = HashMap::new();
    for chunk in nodes.chunks(500) {
        let mut a = Args::new();
        let place = w.place_column();
        let conditions = w.sql(&mut a);
        let (inner, outer) = (a.list(chunk.iter().copied()), a.list(chunk.iter().copied()));
        // First by place, of which there are few, so that no fact is looked up once for each of its ancestors.
        let rows = tx
            .query(
                format!(
                    "SELECT p.node, CAST(SUM(s.n) AS BIGINT), CAST(SUM(s.amount) AS BIGINT) FROM (
                       SELECT {place} AS place, SUM(f.sign) AS n, SUM(f.sign * {value}) AS amount FROM fact f
                       WHERE {conditions} AND {place} IN (SELECT q.place FROM place_node q WHERE q.node IN ({inner}))
                       GROUP BY {place}) AS s
                     JOIN place_node p ON p.place = s.place WHERE p.node IN ({outer}) GROUP BY p.node"
                ),
                a,
            )
            .await?;
        for row in &rows {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// Distinct persons per node whose net number is above zero, counted by index.
pub(crate) async fn count_persons(
    tx: &mut Tx,
    w: &Where<'_>,
    nodes: &[UnitId],
) -> Result<HashMap<UnitId, i64>> {
    let mut found = HashMap::new();
    for chunk in nodes.chunks(500) {
        let mut a = Args::new();
        let place = w.place_column();
        let conditions = w.sql(&mut a);
        let (inner, outer) = (a.list(chunk.iter().copied()), a.list(chunk.iter().copied()));
        let rows = tx
            .query(
                format!(
                    "SELECT t.node, CAST(COUNT(*) AS BIGINT) FROM (
                       SELECT p.node AS node, s.person FROM (
                         SELECT {place} AS place, f.person AS person, SUM(f.sign) AS n FROM fact f
                         WHERE {conditions} AND f.person IS NOT NULL
                           AND {place} IN (SELECT q.place FROM place_node q WHERE q.node IN ({inner}))
                         GROUP BY {place}, f.person) AS s
                       JOIN place_node p ON p.place = s.place WHERE p.node IN ({outer})
                       GROUP BY p.node, s.person HAVING SUM(s.n) > 0) AS t GROUP BY t.node"
                ),
                a,
            )
            .await?;
        for row in &rows {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Beyond sums, of the facts that stand: how many distinct parts (roles) they have, and the greatest value, per
/// node. A reversal cannot take back a greatest value, so neither is in the rollups.
pub(crate) async fn spread(
    tx: &mut Tx,
    w: &Where<'_>,
    nodes: &[UnitId],
) -> Result<HashMap<UnitId, (i64, Option<i64>)>> {
    let value = match w.definition.value {
        Value::None => "CAST(NULL AS BIGINT)",
        Value::Minutes => "f.minutes",
        Value::Quantity => "f.quantity",
        Value::Score => "f.score",
    };
    let mut found = HashMap::new();
    for chunk in nodes.chunks(500) {
        let mut a = Args::new();
        let conditions = w.sql(&mut a) + &w.stands(&mut a);
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT p.node, CAST(COUNT(DISTINCT f.role) AS BIGINT), MAX({value})
             FROM fact f JOIN place_node p ON p.place = {}
             WHERE {conditions} AND p.node IN ({list}) GROUP BY p.node",
            w.place_column()
        );
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// Facts under a node that stand and match, newest first, after a cursor. `by_place` chooses which
/// index serves: few matches are gathered by place, many are met walking the dates.
pub(crate) async fn list(
    tx: &mut Tx,
    w: &Where<'_>,
    node: UnitId,
    by_place: bool,
    after: Option<(Date, FactId)>,
    limit: i64,
) -> Result<Vec<Fact>> {
    let mut a = Args::new();
    let mut conditions = w.sql(&mut a);
    // Adding 0 takes the column out of an index's reach, on both engines.
    let column = w.place_column();
    let column = if by_place {
        column.to_owned()
    } else {
        format!("({column} + 0)")
    };
    let node = a.push(node);
    conditions +=
        &format!(" AND {column} IN (SELECT p.place FROM place_node p WHERE p.node = {node})");
    if let Some((date, id)) = after {
        let (date, id) = (a.push(date), a.push(id));
        conditions += &format!(" AND (f.date, f.id) < ({date}, {id})");
    }
    // Sorted by an expression, so that a short list is not read off the index of all dates.
    let order = if by_place { "(f.date || '')" } else { "f.date" };
    conditions += &w.stands(&mut a);
    let limit = a.push(limit);
    let rows = tx
        .query(
            format!(
                "SELECT {COLUMNS} FROM fact f WHERE {conditions}
                 ORDER BY {order} DESC, f.id DESC LIMIT {limit}"
            ),
            a,
        )
        .await?;
    rows.iter().map(read_fact).collect()
}

/// When the newest sealed fact was recorded.
pub(crate) async fn last_recorded(tx: &mut Tx) -> Result<Option<kernel::Timestamp>> {
    let row = tx
        .optional(
            "SELECT f.recorded_at FROM leaf l JOIN fact f ON f.id = l.fact ORDER BY l.seq DESC LIMIT 1",
            args![],
        )
        .await?;
    row.map(|row| row.get(0)).transpose()
}
