//! The SQL of audiences.

use db::{Args, Tx, args};
use kernel::{AccountId, Error, Id, Result, Scope, Timestamp};

use super::{ON_DAY, ROSTER, ROSTER_FROM, anywhere, entry, scope_sql};
use crate::audience::{Asked, Audience};
use crate::model::RosterEntry;

/// The rows of a rule, from `assignment` on: one query, whatever the rule asks.
fn rows(asked: &Asked, scope: &Scope) -> (String, Args) {
    let rule = asked.rule;
    let mut args = args![asked.date];
    let mut sql = format!("{ROSTER_FROM} WHERE {ON_DAY}");
    sql += &format!(" AND {}", scope_sql(scope, "a.unit", &mut args));
    if let Some(under) = rule.under {
        let under = args.push(under);
        sql += &if rule.own {
            format!(" AND a.unit = {under}")
        } else {
            format!(" AND a.unit IN (SELECT unit FROM unit_tree WHERE ancestor = {under})")
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
    (sql, args)
}

pub(crate) async fn audience(
    tx: &mut Tx,
    asked: &Asked<'_>,
    scope: &Scope,
    limit: i64,
    offset: i64,
) -> Result<Vec<RosterEntry>> {
    let (from, mut args) = rows(asked, scope);
    let (limit, offset) = (args.push(limit), args.push(offset));
    let sql = format!(
        "{ROSTER} {from} ORDER BY u.sort, u.code, p.staff_no LIMIT {limit} OFFSET {offset}"
    );
    tx.query(sql, args).await?.iter().map(entry).collect()
}

pub(crate) async fn audience_count(tx: &mut Tx, asked: &Asked<'_>, scope: &Scope) -> Result<i64> {
    let (from, args) = rows(asked, scope);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
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
    rows.iter()
        .map(|row| {
            let rule: String = row.get(3)?;
            Ok(Audience {
                id: row.get(0)?,
                name: row.get(1)?,
                unit: row.get(2)?,
                rule: serde_json::from_str(&rule).map_err(Error::internal)?,
            })
        })
        .collect()
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

pub(crate) async fn categories(tx: &mut Tx, scope: &Scope) -> Result<Vec<String>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "id", &mut args);
    let sql = format!(
        "SELECT DISTINCT category FROM unit WHERE category <> '' AND {scope} ORDER BY category"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
