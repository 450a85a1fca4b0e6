//! The SQL of resolutions.

use db::{Row, Tx, args};
use kernel::{ActivityId, Error, FactId, Id, Result, Timestamp};

use crate::votes::{Outcome, Resolution, Voters};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_resolution (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, title TEXT NOT NULL,
        in_favour BIGINT NOT NULL, against BIGINT NOT NULL, abstained BIGINT NOT NULL, expected BIGINT NOT NULL,
        present BIGINT NOT NULL, outcome TEXT NOT NULL, fact {blob}, recorded_at BIGINT NOT NULL,
        recorded_by {blob} NOT NULL, reversed_at BIGINT, reversal_reason TEXT);
    CREATE INDEX activity_resolution_activity ON activity_resolution (activity, id);
";

pub(crate) async fn insert(tx: &mut Tx, activity: ActivityId, r: &Resolution) -> Result<()> {
    let sql = "INSERT INTO activity_resolution (id, activity, title, in_favour, against, abstained, expected, present,
        outcome, fact, recorded_at, recorded_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let args = args![
        r.id,
        activity,
        r.title.as_str(),
        r.in_favour,
        r.against,
        r.abstained,
        r.voters.expected,
        r.voters.present,
        r.outcome.code(),
        r.fact,
        r.recorded_at,
        r.recorded_by
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Those that stand, in order.
pub(crate) async fn of_activity(tx: &mut Tx, activity: ActivityId) -> Result<Vec<Resolution>> {
    let sql = "SELECT id, title, in_favour, against, abstained, expected, present, outcome, fact, recorded_at, recorded_by
        FROM activity_resolution WHERE activity = $1 AND reversed_at IS NULL ORDER BY recorded_at, id";
    let read = |r: &Row| {
        let outcome: String = r.get(7)?;
        Ok(Resolution {
            id: r.get(0)?,
            title: r.get(1)?,
            in_favour: r.get(2)?,
            against: r.get(3)?,
            abstained: r.get(4)?,
            voters: Voters {
                expected: r.get(5)?,
                present: r.get(6)?,
            },
            outcome: Outcome::from_code(&outcome).ok_or_else(|| Error::internal("an outcome"))?,
            fact: r.get(8)?,
            recorded_at: r.get(9)?,
            recorded_by: r.get(10)?,
        })
    };
    tx.query(sql, args![activity])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Takes one back; its fact, if it has one. None when there is no such one that stands.
pub(crate) async fn take_back(
    tx: &mut Tx,
    activity: ActivityId,
    id: Id,
    at: Timestamp,
    reason: &str,
) -> Result<Option<Option<FactId>>> {
    let sql = "UPDATE activity_resolution SET reversed_at = $3, reversal_reason = $4
        WHERE activity = $1 AND id = $2 AND reversed_at IS NULL RETURNING fact";
    let row = tx.optional(sql, args![activity, id, at, reason]).await?;
    row.as_ref().map(|r| r.get(0)).transpose()
}
