//! The SQL of the audit chain (审计链).

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Id, Result, Timestamp};

/// Where the chain stands.
pub(crate) struct State {
    /// Number of the last entry.
    pub size: i64,
    /// Its hash; empty before the first.
    pub head: String,
    /// Number of the last entry that has expired.
    pub anchor: i64,
    /// Its hash.
    pub anchor_hash: String,
    /// Which node linked last.
    pub node: Option<Id>,
    /// Until when the others leave it alone.
    pub lease_until: Timestamp,
}

/// An entry; without fields when it is gone.
pub(crate) struct Entry {
    pub id: Id,
    pub fields: Option<Fields>,
}

/// All that was written down of an entry.
pub(crate) struct Fields {
    pub at: Timestamp,
    pub account: Option<AccountId>,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// Action, kind and id of the object, detail, address.
    pub texts: [String; 5],
}

/// An entry at its place.
pub(crate) struct Link {
    pub seq: i64,
    pub hash: String,
    pub entry: Entry,
}

const FIELDS: &str =
    "e.at, e.account, e.action, e.object_kind, e.object_id, e.detail, e.address, e.on_behalf";

/// Reads [`FIELDS`] from a column on.
fn entry(row: &Row, id: Id, from: usize) -> Result<Entry> {
    let fields = match row.get::<Option<Timestamp>>(from)? {
        None => None,
        Some(at) => Some(Fields {
            at,
            account: row.get(from + 1)?,
            on_behalf: row.get(from + 7)?,
            texts: [
                row.get(from + 2)?,
                row.get(from + 3)?,
                row.get(from + 4)?,
                row.get(from + 5)?,
                row.get(from + 6)?,
            ],
        }),
    };
    Ok(Entry { id, fields })
}

pub(crate) async fn state(tx: &mut Tx) -> Result<State> {
    let sql =
        "SELECT size, head, anchor, anchor_hash, node, lease_until FROM audit_chain WHERE id = 1";
    let row = tx.one(sql, args![]).await?;
    Ok(State {
        size: row.get(0)?,
        head: row.get(1)?,
        anchor: row.get(2)?,
        anchor_hash: row.get(3)?,
        node: row.get(4)?,
        lease_until: row.get(5)?,
    })
}

/// How many entries wait.
pub(crate) async fn waiting(tx: &mut Tx) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit_tail";
    tx.one(sql, args![]).await?.get(0)
}

/// Entries that wait, in order of ids.
pub(crate) async fn tail(tx: &mut Tx, most: i64) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT t.entry, {FIELDS} FROM audit_tail t LEFT JOIN audit e ON e.id = t.entry
         ORDER BY t.entry LIMIT $1"
    );
    let rows = tx.query(sql, args![most]).await?;
    rows.iter().map(|r| entry(r, r.get(0)?, 1)).collect()
}

/// Entries at their places after a number.
pub(crate) async fn links(tx: &mut Tx, after: i64, most: i64) -> Result<Vec<Link>> {
    let sql = format!(
        "SELECT l.seq, l.hash, l.entry, {FIELDS} FROM audit_link l LEFT JOIN audit e ON e.id = l.entry
         WHERE l.seq > $1 ORDER BY l.seq LIMIT $2"
    );
    let read = |r: &Row| {
        Ok(Link {
            seq: r.get(0)?,
            hash: r.get(1)?,
            entry: entry(r, r.get(2)?, 3)?,
        })
    };
    let rows = tx.query(sql, args![after, most]).await?;
    rows.iter().map(read).collect()
}

/// Moves the head; only one node passes from each place.
pub(crate) async fn advance(
    tx: &mut Tx,
    from: &State,
    size: i64,
    head: &str,
    node: Id,
    until: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE audit_chain SET size = $3, head = $4, node = $5, lease_until = $6
        WHERE id = 1 AND size = $1 AND head = $2";
    let args = args![from.size, &from.head, size, head, node, until];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Puts entries at their places and takes them off the tail.
pub(crate) async fn link(tx: &mut Tx, links: &[(i64, Id, String)]) -> Result<()> {
    let (mut rows, mut off) = (Args::new(), Args::new());
    for (seq, entry, hash) in links {
        rows.add(*seq);
        rows.add(*entry);
        rows.add(hash);
    }
    let head = "INSERT INTO audit_link (seq, entry, hash) VALUES";
    tx.insert_many(head, 3, "", rows).await?;
    let list = off.list(links.iter().map(|(_, entry, _)| *entry));
    let sql = format!("DELETE FROM audit_tail WHERE entry IN ({list})");
    tx.execute(sql, off).await?;
    Ok(())
}

/// Moves the anchor over the entries at the front and removes them: the only way in which an entry goes.
pub(crate) async fn expire(tx: &mut Tx, from: &State, old: &[Link]) -> Result<bool> {
    let Some(last) = old.last() else {
        return Ok(true);
    };
    let sql = "UPDATE audit_chain SET anchor = $2, anchor_hash = $3 WHERE id = 1 AND anchor = $1";
    if tx
        .execute(sql, args![from.anchor, last.seq, &last.hash])
        .await?
        != 1
    {
        return Ok(false);
    }
    let sql = "DELETE FROM audit_link WHERE seq <= $1";
    tx.execute(sql, args![last.seq]).await?;
    let mut args = Args::new();
    let list = args.list(old.iter().map(|link| link.entry.id));
    let sql = format!("DELETE FROM audit WHERE id IN ({list})");
    tx.execute(sql, args).await?;
    Ok(true)
}

/// Entries that are neither linked nor waiting.
pub(crate) async fn strays(tx: &mut Tx, most: i64) -> Result<Vec<Id>> {
    let sql = "SELECT e.id FROM audit e
        WHERE NOT EXISTS (SELECT 1 FROM audit_link l WHERE l.entry = e.id)
            AND NOT EXISTS (SELECT 1 FROM audit_tail t WHERE t.entry = e.id)
        ORDER BY e.id LIMIT $1";
    let rows = tx.query(sql, args![most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// What waits and is no longer there.
pub(crate) async fn lost(tx: &mut Tx, most: i64) -> Result<Vec<Id>> {
    let sql = "SELECT t.entry FROM audit_tail t LEFT JOIN audit e ON e.id = t.entry
        WHERE e.id IS NULL ORDER BY t.entry LIMIT $1";
    let rows = tx.query(sql, args![most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}
