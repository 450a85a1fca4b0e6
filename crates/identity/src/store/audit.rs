//! The SQL of the audit trail (审计记录): rows are added and read, never changed.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Env, Id, Result, Scope, Timestamp};
use organization::scope_sql;

use crate::{Audit, AuditFilter, AuditRow};

pub(crate) async fn add(tx: &mut Tx, id: Id, at: Timestamp, entry: &Audit) -> Result<()> {
    let sql = "INSERT INTO audit (id, at, account, action, object_kind, object_id, detail, address, on_behalf)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let args = args![
        id,
        at,
        entry.actor,
        entry.action,
        entry.object.0,
        &entry.object.1,
        entry.detail.to_string(),
        &entry.address,
        entry.on_behalf,
    ];
    tx.execute(sql, args).await?;
    // Waits there for its place in the chain.
    let sql = "INSERT INTO audit_tail (entry) VALUES ($1)";
    tx.execute(sql, args![id]).await?;
    Ok(())
}

/// The instant a day begins.
fn midnight(day: Date, env: &Env) -> Timestamp {
    let zoned = day.to_zoned(env.zone().clone());
    Timestamp(zoned.map_or(i64::MAX, |z| z.timestamp().as_microsecond()))
}

/// Ids, as text, of accounts that an object filter names by part of their login.
async fn named(tx: &mut Tx, filter: &AuditFilter) -> Result<Vec<String>> {
    let object = filter.object.trim();
    if object.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT id FROM account WHERE login LIKE $1 ESCAPE '!' ORDER BY login LIMIT 200";
    let rows = tx.query(sql, args![super::anywhere(object)]).await?;
    let id = |row: &Row| Ok(row.get::<AccountId>(0)?.to_string());
    rows.iter().map(id).collect()
}

fn from_sql(
    filter: &AuditFilter,
    named: Vec<String>,
    scope: &Scope,
    env: &Env,
    args: &mut Args,
) -> String {
    let mut sql = String::from(
        "FROM audit e LEFT JOIN account a ON a.id = e.account
        LEFT JOIN account o ON o.id = e.on_behalf WHERE ",
    );
    // What nobody signed in did (refused sign-ins, the program itself) belongs to the whole house.
    let house = scope_sql(scope, "u.id", args);
    let visible = super::visible_sql(scope, "e.account", env.today(), args);
    sql.push_str(&format!(
        "({visible} OR (e.account IS NULL AND EXISTS (SELECT 1 FROM unit u WHERE u.parent IS NULL AND {house})))"
    ));
    if let Some(from) = filter.from {
        let at = args.push(midnight(from, env));
        sql.push_str(&format!(" AND e.at >= {at}"));
    }
    if let Some(next) = filter.to.and_then(|to| to.tomorrow().ok()) {
        let at = args.push(midnight(next, env));
        sql.push_str(&format!(" AND e.at < {at}"));
    }
    let action = filter.action.trim();
    if !action.is_empty() {
        let whole = args.push(action);
        let part = super::anywhere(action);
        let part = args.push(part.trim_matches('%').to_owned() + ".%");
        sql.push_str(&format!(
            " AND (e.action = {whole} OR e.action LIKE {part} ESCAPE '!')"
        ));
    }
    let object = filter.object.trim();
    if !object.is_empty() {
        let whole = args.push(object);
        let ids = args.list(named.into_iter().chain([object.to_owned()]));
        sql.push_str(&format!(
            " AND (e.object_kind = {whole} OR e.object_id IN ({ids}))"
        ));
    }
    let address = filter.address.trim();
    if !address.is_empty() {
        let begin = args.push(super::anywhere(address).trim_start_matches('%').to_owned());
        sql.push_str(&format!(" AND e.address LIKE {begin} ESCAPE '!'"));
    }
    if !filter.login.trim().is_empty() {
        let login = args.push(super::anywhere(&filter.login));
        sql.push_str(&format!(
            " AND (a.login LIKE {login} ESCAPE '!' OR o.login LIKE {login} ESCAPE '!')"
        ));
    }
    sql
}

fn entry(row: &Row) -> Result<AuditRow> {
    Ok(AuditRow {
        id: row.get(0)?,
        at: row.get(1)?,
        login: row.get(2)?,
        action: row.get(3)?,
        object_kind: row.get(4)?,
        object_id: row.get(5)?,
        detail: row.get(6)?,
        address: row.get(7)?,
        on_behalf: row.get(8)?,
    })
}

const ENTRY: &str = "SELECT e.id, e.at, a.login, e.action, e.object_kind, e.object_id, e.detail, e.address, o.login";

pub(crate) async fn count(
    tx: &mut Tx,
    filter: &AuditFilter,
    scope: &Scope,
    env: &Env,
) -> Result<i64> {
    let mut args = Args::new();
    let named = named(tx, filter).await?;
    let from = from_sql(filter, named, scope, env, &mut args);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    tx.one(sql, args).await?.get(0)
}

/// Entries, newest first unless asked otherwise.
pub(crate) async fn page(
    tx: &mut Tx,
    filter: &AuditFilter,
    scope: &Scope,
    env: &Env,
    limit: i64,
    offset: i64,
) -> Result<Vec<AuditRow>> {
    let mut args = Args::new();
    let named = named(tx, filter).await?;
    let from = from_sql(filter, named, scope, env, &mut args);
    let (limit, offset) = (args.push(limit), args.push(offset));
    let way = if filter.oldest_first { "ASC" } else { "DESC" };
    let sql =
        format!("{ENTRY} {from} ORDER BY e.at {way}, e.id {way} LIMIT {limit} OFFSET {offset}");
    tx.query(sql, args).await?.iter().map(entry).collect()
}

/// One entry.
pub(crate) async fn one(tx: &mut Tx, id: Id, scope: &Scope, env: &Env) -> Result<Option<AuditRow>> {
    let mut args = Args::new();
    let from = from_sql(&AuditFilter::default(), Vec::new(), scope, env, &mut args);
    let sql = format!("{ENTRY} {from} AND e.id = {}", args.push(id));
    tx.optional(sql, args)
        .await?
        .as_ref()
        .map(entry)
        .transpose()
}

/// The entries before one, newest first, for reading on through all of them.
pub(crate) async fn before(
    tx: &mut Tx,
    filter: &AuditFilter,
    scope: &Scope,
    env: &Env,
    last: Option<(Timestamp, Id)>,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let mut args = Args::new();
    let named = named(tx, filter).await?;
    let mut from = from_sql(filter, named, scope, env, &mut args);
    if let Some((at, id)) = last {
        let (at, id) = (args.push(at), args.push(id));
        from.push_str(&format!(
            " AND (e.at < {at} OR (e.at = {at} AND e.id < {id}))"
        ));
    }
    let limit = args.push(limit);
    let sql = format!("{ENTRY} {from} ORDER BY e.at DESC, e.id DESC LIMIT {limit}");
    tx.query(sql, args).await?.iter().map(entry).collect()
}

/// The actions that were ever recorded.
pub(crate) async fn actions(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT action FROM audit ORDER BY action";
    let rows = tx.query(sql, args![]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
