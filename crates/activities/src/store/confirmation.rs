//! The SQL of confirmations: rows are added, the activity says what holds.

use std::collections::HashSet;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Env, Id, Result, Timestamp};

use crate::View;
use crate::confirm::History;

/// What happened to an activity's confirmation.
pub(crate) struct Line {
    pub(crate) activity: ActivityId,
    pub(crate) act: &'static str,
    pub(crate) by: AccountId,
    pub(crate) on_behalf: Option<AccountId>,
    pub(crate) reason: String,
}

/// Writes lines of the history.
pub(crate) async fn note(tx: &mut Tx, lines: &[Line], env: &Env) -> Result<()> {
    let mut rows = Args::new();
    for line in lines {
        rows.add(env.new_id::<Id>());
        rows.add(line.activity);
        rows.add(line.act);
        rows.add(line.by);
        rows.add(line.on_behalf);
        rows.add(line.reason.as_str());
        rows.add(env.now());
    }
    let sql = "INSERT INTO activity_confirmation (id, activity, act, by_account, on_behalf, reason, at) VALUES";
    tx.insert_many(sql, 7, "", rows).await?;
    Ok(())
}

/// The history of one, the oldest first.
pub(crate) async fn history(tx: &mut Tx, id: ActivityId) -> Result<Vec<History>> {
    let sql = "SELECT c.act, c.by_account, COALESCE(p.name, a.login), COALESCE(q.name, b.login), c.reason, c.at
        FROM activity_confirmation c
            LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
            LEFT JOIN account b ON b.id = c.on_behalf LEFT JOIN person q ON q.id = b.person
        WHERE c.activity = $1 ORDER BY c.id";
    let read = |row: &Row| {
        Ok(History {
            act: row.get(0)?,
            by: row.get(1)?,
            name: row.get(2)?,
            on_behalf: row.get(3)?,
            reason: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// Those of these activities that a scope reaches.
pub(crate) async fn seen(
    tx: &mut Tx,
    ids: &[ActivityId],
    view: &View,
) -> Result<HashSet<ActivityId>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let scope = view.sql(&mut args);
    let sql = format!("SELECT a.id FROM activity a WHERE a.id IN ({list}) AND {scope}");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Marks activities as confirmed; how many were not before.
pub(crate) async fn confirm(
    tx: &mut Tx,
    ids: &[ActivityId],
    by: AccountId,
    at: Timestamp,
) -> Result<u64> {
    let mut args = args![at, by];
    let list = args.list(ids.iter().copied());
    let sql = format!(
        "UPDATE activity SET confirmed_at = $1, confirmed_by = $2, returned_at = NULL
         WHERE id IN ({list}) AND confirmed_at IS NULL AND reversed_at IS NULL"
    );
    tx.execute(sql, args).await
}

/// Marks one as returned; false when that is not possible any more.
pub(crate) async fn give_back(tx: &mut Tx, id: ActivityId, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE activity SET returned_at = $2, confirmed_at = NULL, confirmed_by = NULL
        WHERE id = $1 AND returned_at IS NULL AND reversed_at IS NULL";
    Ok(tx.execute(sql, args![id, at]).await? == 1)
}

/// The rosters of these changed, by whom and in whose place: what was confirmed or returned waits again.
pub(crate) async fn change(
    tx: &mut Tx,
    changed: &[(ActivityId, AccountId, Option<AccountId>)],
    env: &Env,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut args = Args::new();
    let list = args.list(changed.iter().map(|(id, ..)| *id));
    let sql = format!(
        "UPDATE activity SET changes = changes + 1, returned_at = NULL WHERE id IN ({list})
         RETURNING id, confirmed_at"
    );
    let mut confirmed = Vec::new();
    for row in tx.query(sql, args).await? {
        if row.get::<Option<Timestamp>>(1)?.is_some() {
            confirmed.push(row.get::<ActivityId>(0)?);
        }
    }
    if confirmed.is_empty() {
        return Ok(());
    }
    let mut args = Args::new();
    let list = args.list(confirmed.iter().copied());
    let sql = format!(
        "UPDATE activity SET confirmed_at = NULL, confirmed_by = NULL WHERE id IN ({list})"
    );
    tx.execute(sql, args).await?;
    let taken = changed.iter().filter(|(id, ..)| confirmed.contains(id));
    let taken = taken.map(|(activity, by, on_behalf)| Line {
        activity: *activity,
        act: "taken-back",
        by: *by,
        on_behalf: *on_behalf,
        reason: String::new(),
    });
    note(tx, &taken.collect::<Vec<_>>(), env).await
}
