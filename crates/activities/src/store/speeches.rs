//! The SQL of what was said.

use db::{Row, Tx, args};
use kernel::{AccountId, ActivityId, Id, PersonId, Result, Timestamp};

use crate::speeches::Speech;

pub(super) const TABLES: &str = "
    CREATE TABLE activity_speech (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, person {blob} NOT NULL REFERENCES person,
        place BIGINT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, file {blob}, recorded_at BIGINT NOT NULL,
        recorded_by {blob} NOT NULL, reversed_at BIGINT, reversal_reason TEXT);
    CREATE INDEX activity_speech_activity ON activity_speech (activity, place, id);
    CREATE INDEX activity_speech_person ON activity_speech (person);
";

/// Writes one; false when it is there already.
pub(crate) async fn insert(
    tx: &mut Tx,
    activity: ActivityId,
    s: &Speech,
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let sql = "INSERT INTO activity_speech (id, activity, person, place, title, text, file, recorded_at, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING";
    let (title, text) = (s.title.as_str(), s.text.as_str());
    let values = args![
        s.id, activity, s.person, s.place, title, text, s.file, at, by
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Those that stand, in order.
pub(crate) async fn of(tx: &mut Tx, activity: ActivityId) -> Result<Vec<Speech>> {
    let sql = "SELECT id, person, place, title, text, file FROM activity_speech
        WHERE activity = $1 AND reversed_at IS NULL ORDER BY place, id";
    let read = |r: &Row| {
        Ok(Speech {
            id: r.get(0)?,
            person: r.get(1)?,
            place: r.get(2)?,
            title: r.get(3)?,
            text: r.get(4)?,
            file: r.get(5)?,
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
    let sql = "UPDATE activity_speech SET reversed_at = $3, reversal_reason = $4
        WHERE activity = $1 AND id = $2 AND reversed_at IS NULL";
    Ok(tx.execute(sql, args![activity, id, at, reason]).await? == 1)
}

/// Takes away what somebody said; that they spoke stays.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE activity_speech SET text = CASE WHEN text = '' THEN '' ELSE $2 END, title = $2 WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}
