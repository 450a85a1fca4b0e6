//! The SQL of what meetings decided without a vote.

use db::{Row, Tx, args};
use kernel::{ActivityId, Id, Result, Timestamp};

use crate::decisions::Decision;

pub(super) const TABLES: &str = "
    CREATE TABLE activity_decision (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, item TEXT NOT NULL, title TEXT NOT NULL,
        recorded_at BIGINT NOT NULL, recorded_by {blob} NOT NULL, reversed_at BIGINT, reversal_reason TEXT);
    CREATE INDEX activity_decision_activity ON activity_decision (activity, id);
";

pub(crate) async fn insert(tx: &mut Tx, activity: ActivityId, d: &Decision) -> Result<()> {
    let sql = "INSERT INTO activity_decision (id, activity, item, title, recorded_at, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let (item, title) = (d.item.as_str(), d.title.as_str());
    let args = args![d.id, activity, item, title, d.recorded_at, d.recorded_by];
    tx.execute(sql, args).await.map(|_| ())
}

/// Those that stand, in order.
pub(crate) async fn of_activity(tx: &mut Tx, activity: ActivityId) -> Result<Vec<Decision>> {
    let sql = "SELECT id, item, title, recorded_at, recorded_by FROM activity_decision
        WHERE activity = $1 AND reversed_at IS NULL ORDER BY recorded_at, id";
    let read = |r: &Row| {
        Ok(Decision {
            id: r.get(0)?,
            item: r.get(1)?,
            title: r.get(2)?,
            recorded_at: r.get(3)?,
            recorded_by: r.get(4)?,
        })
    };
    let rows = tx.query(sql, args![activity]).await?;
    rows.iter().map(read).collect()
}

/// Takes one back; false when there is no such one that stands.
pub(crate) async fn take_back(
    tx: &mut Tx,
    activity: ActivityId,
    id: Id,
    (at, reason): (Timestamp, &str),
) -> Result<bool> {
    let sql = "UPDATE activity_decision SET reversed_at = $3, reversal_reason = $4
        WHERE activity = $1 AND id = $2 AND reversed_at IS NULL";
    Ok(tx.execute(sql, args![activity, id, at, reason]).await? == 1)
}
