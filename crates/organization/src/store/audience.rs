//! The SQL of audiences.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, Result, Scope, Timestamp, UnitId};
use web::table::{Order, Window};

use super::{ON_DAY, ROSTER, ROSTER_FROM, anywhere, entry, scope_sql};
use crate::audience::{Asked, Audience, Seat};
use crate::model::RosterEntry;

/// What a rule asks of people, wherever they serve; begins with the day.
fn conditions(asked: &Asked) -> (String, Args) {
    let rule = asked.rule;
    let mut args = args![asked.date];
    let mut sql = "1=1".to_owned();
    // Given only when people who serve elsewhere are added by name.
    if let Some(under) = rule.under {
        let under = args.push(under);
        sql += &match rule.own {
            true => format!(" AND a.unit = {under}"),
            false => {
                format!(
                    " AND a.unit IN (SELECT w.unit FROM unit_tree w WHERE w.ancestor = {under})"
                )
            }
        };
    }
    if !rule.categories.is_empty() {
        let list = args.list(rule.categories.iter());
        sql += &format!(" AND u.category IN ({list})");
    }
    for (code, values) in &rule.attributes {
        let code = args.push(code);
        let list = args.list(values.iter());
        sql += &format!(
            " AND (SELECT x.value FROM person_attribute x WHERE x.person = a.person
                AND x.attribute = {code} AND x.from_date <= $1
                ORDER BY x.from_date DESC LIMIT 1) IN ({list})"
        );
    }
    if !rule.post.trim().is_empty() {
        let like = args.push(anywhere(&rule.post));
        sql += &format!(" AND LOWER(a.post) LIKE {like} ESCAPE '!'");
    }
    let begun =
        "(SELECT MIN(b.from_date) FROM assignment b WHERE b.person = a.person AND b.is_primary)";
    if let Some(by) = asked.begun_by {
        sql += &format!(" AND {begun} <= {}", args.push(by));
    }
    if let Some(since) = asked.begun_since {
        sql += &format!(" AND {begun} >= {}", args.push(since));
    }
    if let Some(by) = asked.posted_by {
        sql += &format!(" AND a.from_date <= {}", args.push(by));
    }
    if let Some(since) = asked.posted_since {
        sql += &format!(" AND a.from_date >= {}", args.push(since));
    }
    for (code, years) in &rule.years {
        let (first, last) = years.months(asked.date);
        let (code, first, last) = (args.push(code), args.push(first), args.push(last));
        sql += &format!(
            " AND (SELECT x.value FROM person_attribute x WHERE x.person = a.person
                AND x.attribute = {code} AND x.from_date <= $1
                ORDER BY x.from_date DESC LIMIT 1) BETWEEN {first} AND {last}"
        );
    }
    for (seats, not) in [(&rule.seats, ""), (&rule.without, "NOT ")] {
        if seats.is_empty() {
            continue;
        }
        let any: Vec<String> = seats.iter().map(|seat| one_of(seat, &mut args)).collect();
        sql += &format!(
            " AND {not}EXISTS (SELECT 1 FROM body_member m JOIN body o ON o.id = m.body
                WHERE m.person = a.person AND m.from_date <= $1
                    AND (m.to_date IS NULL OR m.to_date >= $1) AND ({}))",
            any.join(" OR ")
        );
    }
    if !rule.plus.is_empty() {
        let list = args.list(rule.plus.iter().copied());
        sql = format!("({sql} OR a.person IN ({list}))");
    }
    if !rule.minus.is_empty() {
        let list = args.list(rule.minus.iter().copied());
        sql += &format!(" AND a.person NOT IN ({list})");
    }
    (format!("{ON_DAY} AND {sql}"), args)
}

/// Whether a membership is a place in a body.
fn one_of(seat: &Seat, args: &mut Args) -> String {
    let mut sql = format!("o.kind = {}", args.push(&seat.kind));
    if let Some(body) = seat.body {
        sql += &format!(" AND o.id = {}", args.push(body));
    }
    if !seat.role.is_empty() {
        sql += &format!(" AND m.role = {}", args.push(&seat.role));
    }
    format!("({sql})")
}

/// A part of all units, by id.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Half {
    Below(UnitId),
    From(UnitId),
}

/// How many people of each unit, or of those of a half, belong to an audience.
pub(crate) async fn audience_counts(
    tx: &mut Tx,
    asked: &Asked<'_>,
    half: Option<Half>,
) -> Result<Vec<(UnitId, i64)>> {
    let (mut conditions, mut args) = conditions(asked);
    match half {
        Some(Half::Below(unit)) => conditions += &format!(" AND a.unit < {}", args.push(unit)),
        Some(Half::From(unit)) => conditions += &format!(" AND a.unit >= {}", args.push(unit)),
        None => {}
    }
    let join = if asked.rule.categories.is_empty() {
        ""
    } else {
        "JOIN unit u ON u.id = a.unit"
    };
    let sql = format!(
        "SELECT a.unit, CAST(COUNT(*) AS BIGINT) FROM assignment a {join} WHERE {conditions} GROUP BY a.unit"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The people of some units, all of them seen, who belong to an audience, in the order of rosters.
pub(crate) async fn audience(
    tx: &mut Tx,
    asked: &Asked<'_>,
    units: &[UnitId],
    limit: i64,
    offset: i64,
) -> Result<Vec<RosterEntry>> {
    let (mut found, mut skip) = (Vec::new(), offset);
    for chunk in units.chunks(5_000) {
        let (conditions, mut args) = conditions(asked);
        let list = args.list(chunk.iter().copied());
        let left = limit.saturating_sub(found.len() as i64);
        let (limit, offset) = (args.push(left), args.push(skip));
        let sql = format!(
            "{ROSTER} {ROSTER_FROM} WHERE {conditions} AND a.unit IN ({list})
             ORDER BY u.sort, u.code, p.staff_no LIMIT {limit} OFFSET {offset}"
        );
        for row in tx.query(sql, args).await? {
            found.push(entry(&row)?);
        }
        // What is left out stands in the first unit.
        skip = 0;
    }
    Ok(found)
}

pub(crate) async fn audiences(tx: &mut Tx, id: Option<Id>, scope: &Scope) -> Result<Vec<Audience>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "unit", &mut args);
    let which = match id {
        Some(id) => format!("id = {}", args.push(id)),
        None => "1=1".to_owned(),
    };
    let sql = format!(
        "SELECT id, name, unit, rule FROM audience
         WHERE dropped_at IS NULL AND {scope} AND {which} ORDER BY name, id"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(kept).collect()
}

/// A page of audiences, and how many there are in all.
pub(crate) async fn audience_list(
    tx: &mut Tx,
    text: &str,
    scope: &Scope,
    order: Order,
    window: Window,
) -> Result<(Vec<Audience>, i64)> {
    let mut args = args![super::anywhere(text)];
    let scope = scope_sql(scope, "x.unit", &mut args);
    let from = format!(
        "FROM audience x JOIN unit u ON u.id = x.unit
         WHERE x.dropped_at IS NULL AND LOWER(x.name) LIKE $1 ESCAPE '!' AND {scope}"
    );
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total = tx.one(count, args.clone()).await?.get(0)?;
    let way = order.way();
    let by = match order.by {
        "unit" => format!("u.sort {way}, u.code {way}, x.name"),
        _ => format!("x.name {way}"),
    };
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let sql = format!(
        "SELECT x.id, x.name, x.unit, x.rule {from} ORDER BY {by}, x.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    Ok((rows.iter().map(kept).collect::<Result<_>>()?, total))
}

fn kept(row: &Row) -> Result<Audience> {
    let rule: String = row.get(3)?;
    Ok(Audience {
        id: row.get(0)?,
        name: row.get(1)?,
        unit: row.get(2)?,
        rule: serde_json::from_str(&rule).map_err(Error::internal)?,
    })
}

/// Writes an audience; false when it was dropped meanwhile.
pub(crate) async fn put_audience(
    tx: &mut Tx,
    audience: &Audience,
    name: &str,
    rule: &str,
    at: Timestamp,
    by: Option<AccountId>,
) -> Result<bool> {
    let kept = tx.execute(
        "INSERT INTO audience (id, name, unit, rule, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit, rule = excluded.rule,
            recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
         WHERE audience.dropped_at IS NULL",
        args![audience.id, name, audience.unit, rule, at, by],
    )
    .await?;
    Ok(kept == 1)
}

pub(crate) async fn drop_audience(tx: &mut Tx, id: Id, at: Timestamp) -> Result<()> {
    let sql = "UPDATE audience SET dropped_at = $2 WHERE id = $1";
    tx.execute(sql, args![id, at]).await?;
    Ok(())
}

pub(crate) async fn categories(tx: &mut Tx, date: Date, scope: &Scope) -> Result<Vec<String>> {
    let mut args = args![date];
    let scope = scope_sql(scope, "id", &mut args);
    let sql = format!(
        "SELECT DISTINCT category FROM unit WHERE category <> '' AND (to_date IS NULL OR to_date >= $1) AND {scope} ORDER BY category"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
