//! The head: lease, size, frontier; and the components.

use db::{Tx, args};
use kernel::{Env, Error, Id, Result};

use crate::merkle::Frontier;
use crate::{Component, Definition};

/// The one row of `head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) log: Id,
    pub(crate) epoch: i64,
    pub(crate) until: i64,
    pub(crate) size: i64,
    pub(crate) defs: i64,
    pub(crate) frontier: Frontier,
}

/// Makes the head row of an empty ledger; nothing happens when there is one.
pub(crate) async fn init_head(tx: &mut Tx, env: &Env) -> Result<()> {
    let log: Id = env.new_id();
    let made = tx
        .execute(
            "INSERT INTO head (id, log, epoch, until, size, defs, frontier) VALUES (1, $1, 0, 0, 0, 0, $2)
             ON CONFLICT (id) DO NOTHING",
            args![log, Vec::<u8>::new()],
        )
        .await?;
    if made == 1 {
        tx.execute(
            "INSERT INTO ledger_log (log, started_at, from_size, reason) VALUES ($1, $2, 0, 'new')",
            args![log, env.now()],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn head(tx: &mut Tx) -> Result<Head> {
    let row = tx
        .one(
            "SELECT log, epoch, until, size, defs, frontier FROM head WHERE id = 1",
            args![],
        )
        .await?;
    let size: i64 = row.get(3)?;
    let peaks: Vec<u8> = row.get(5)?;
    let frontier = Frontier::from_bytes(size as u64, &peaks).ok_or_else(|| {
        Error::internal("the stored frontier does not fit the size of the ledger")
    })?;
    Ok(Head {
        log: row.get(0)?,
        epoch: row.get(1)?,
        until: row.get(2)?,
        size,
        defs: row.get(4)?,
        frontier,
    })
}

/// Takes the lease by raising the epoch; false when another was faster.
pub(crate) async fn take_lease(tx: &mut Tx, seen: &Head, until: i64) -> Result<bool> {
    let won = tx
        .execute(
            "UPDATE head SET epoch = epoch + 1, until = $3 WHERE id = 1 AND epoch = $1 AND until = $2",
            args![seen.epoch, seen.until, until],
        )
        .await?;
    Ok(won == 1)
}

/// Keeps the lease; false when it was taken by another.
pub(crate) async fn renew_lease(tx: &mut Tx, epoch: i64, until: i64) -> Result<bool> {
    let kept = tx
        .execute(
            "UPDATE head SET until = $2 WHERE id = 1 AND epoch = $1",
            args![epoch, until],
        )
        .await?;
    Ok(kept == 1)
}

/// The fence, first statement of whatever changes the tree: passes only if nobody sealed or defined
/// anything since `seen` was read, and keeps rivals out until the end of the transaction. With an epoch
/// it also asks that the lease was not taken by another.
pub(crate) async fn fence(tx: &mut Tx, seen: &Head, epoch: Option<i64>) -> Result<bool> {
    let passed = match epoch {
        Some(epoch) => {
            tx.execute(
                "UPDATE head SET size = size WHERE id = 1 AND size = $1 AND defs = $2 AND epoch = $3",
                args![seen.size, seen.defs, epoch],
            )
            .await?
        }
        None => {
            tx.execute(
                "UPDATE head SET size = size WHERE id = 1 AND size = $1 AND defs = $2",
                args![seen.size, seen.defs],
            )
            .await?
        }
    };
    Ok(passed == 1)
}

/// Stores the grown tree, behind the fence.
pub(crate) async fn set_tree(tx: &mut Tx, frontier: &Frontier) -> Result<()> {
    tx.execute(
        "UPDATE head SET size = $1, frontier = $2 WHERE id = 1",
        args![frontier.size() as i64, frontier.to_bytes()],
    )
    .await?;
    Ok(())
}

/// Starts a new log after the ledger was set back to an earlier size.
pub(crate) async fn new_log(tx: &mut Tx, env: &Env, size: i64, reason: &str) -> Result<Id> {
    let log: Id = env.new_id();
    tx.execute(
        "UPDATE head SET log = $1, epoch = epoch + 1, until = 0 WHERE id = 1",
        args![log],
    )
    .await?;
    tx.execute(
        "INSERT INTO ledger_log (log, started_at, from_size, reason) VALUES ($1, $2, $3, $4)",
        args![log, env.now(), size, reason],
    )
    .await?;
    Ok(log)
}

/// The logs so far, oldest first: id, when it began, at which size, why.
pub(crate) async fn logs(tx: &mut Tx) -> Result<Vec<(Id, kernel::Timestamp, i64, String)>> {
    let rows = tx
        .query("SELECT log, started_at, from_size, reason FROM ledger_log ORDER BY started_at, from_size", args![])
        .await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .collect()
}

pub(crate) async fn components(tx: &mut Tx) -> Result<Vec<Component>> {
    let rows = tx
        .query(
            "SELECT id, definition, done, upto FROM component ORDER BY id",
            args![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let json: String = row.get(1)?;
            let definition: Definition = serde_json::from_str(&json).map_err(Error::internal)?;
            Ok(Component {
                id: row.get(0)?,
                definition,
                done: row.get(2)?,
                upto: row.get(3)?,
            })
        })
        .collect()
}

/// Adds a component behind the fence, to be folded from the next round on; old leaves are its backfill.
pub(crate) async fn add_component(tx: &mut Tx, definition: &Definition, size: i64) -> Result<()> {
    let next: i64 = tx
        .one(
            "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) FROM component",
            args![],
        )
        .await?
        .get(0)?;
    tx.execute(
        "INSERT INTO component (id, hash, definition, done, upto) VALUES ($1, $2, $3, 0, $4)",
        args![next, definition.hash().to_vec(), definition.json(), size],
    )
    .await?;
    tx.execute("UPDATE head SET defs = defs + 1 WHERE id = 1", args![])
        .await?;
    Ok(())
}

/// Moves the backfill of some components on.
pub(crate) async fn set_done(tx: &mut Tx, ids: &[i64], done: i64) -> Result<()> {
    let mut a = args![done];
    let list = a.list(ids.iter().copied());
    tx.execute(
        format!("UPDATE component SET done = $1 WHERE id IN ({list})"),
        a,
    )
    .await?;
    Ok(())
}
