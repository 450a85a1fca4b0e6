//! The tree of programmes.

use db::{Row, Tx, args};
use identity::Author;
use kernel::{Error, Id, Result, Scope, Timestamp};
use organization::scope_sql;

use super::Event;
use crate::nodes::{Level, Node};

const NODE: &str =
    "n.id, n.code, n.level, n.parent, n.unit, n.name, n.claims, n.from_day, n.to_day, n.version";

fn node(row: &Row) -> Result<Node> {
    let level: String = row.get(2)?;
    Ok(Node {
        id: row.get(0)?,
        code: row.get(1)?,
        level: Level::from_code(&level).ok_or_else(|| Error::internal("no such level"))?,
        parent: row.get(3)?,
        unit: row.get(4)?,
        name: row.get(5)?,
        claims: row.json(6)?,
        from: row.get(7)?,
        to: row.get(8)?,
        version: row.get(9)?,
    })
}

/// Writes a new node; false when its id or code is taken.
pub(crate) async fn insert(tx: &mut Tx, n: &Node, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO campaign_node (id, code, level, parent, unit, name, claims, from_day, to_day, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
    let values = args![
        n.id,
        &n.code,
        n.level.code(),
        n.parent,
        n.unit,
        &n.name,
        db::json(&n.claims)?,
        n.from,
        n.to,
        n.version,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Changes a node; false when it is not as it was looked at.
pub(crate) async fn change(tx: &mut Tx, n: &Node) -> Result<bool> {
    let sql = "UPDATE campaign_node SET name = $3, claims = $4, from_day = $5, to_day = $6, version = version + 1
        WHERE id = $1 AND version = $2";
    let values = args![n.id, n.version, &n.name, db::json(&n.claims)?, n.from, n.to];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Writes down what a node was from now on, and why.
pub(crate) async fn note(
    tx: &mut Tx,
    n: &Node,
    reason: &str,
    by: Author,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO campaign_node_event (node, seq, body, reason, account, at) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = args![n.id, n.version, db::json(n)?, reason, by.account, now];
    tx.execute(sql, values).await.map(|_| ())
}

/// What happened to a node, the last first.
pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql =
        "SELECT e.seq, e.body, e.reason, COALESCE(p.name, a.login), e.at FROM campaign_node_event e
            LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person
        WHERE e.node = $1 ORDER BY e.seq DESC";
    let read = |row: &Row| {
        let seq: i64 = row.get(0)?;
        Ok(Event {
            seq,
            act: if seq == 1 { "made" } else { "changed" }.to_owned(),
            body: row.json(1)?,
            reason: row.get(2)?,
            name: row.get(3)?,
            at: row.get(4)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// All nodes of units in a scope, by code.
pub(crate) async fn all(tx: &mut Tx, scope: &Scope) -> Result<Vec<Node>> {
    let mut a = db::Args::new();
    let scope = scope_sql(scope, "n.unit", &mut a);
    let sql = format!("SELECT {NODE} FROM campaign_node n WHERE {scope} ORDER BY n.code");
    tx.query(sql, a).await?.iter().map(node).collect()
}

/// A node of a unit in a scope.
pub(crate) async fn one(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Node> {
    let mut a = args![id];
    let scope = scope_sql(scope, "n.unit", &mut a);
    let sql = format!("SELECT {NODE} FROM campaign_node n WHERE n.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(node).transpose()?.ok_or(Error::NotFound)
}
