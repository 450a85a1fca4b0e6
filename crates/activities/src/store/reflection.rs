//! The SQL of reflections.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Date, Error, FactId, Id, PersonId, Result, Timestamp};

use crate::reflection::{Reflection, ReflectionState, ToReflect};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_reflection (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, person {blob} NOT NULL REFERENCES person,
        text TEXT NOT NULL, state TEXT NOT NULL, submitted_at BIGINT NOT NULL, reviewed_at BIGINT, reviewed_by {blob},
        note TEXT NOT NULL, fact {blob}, UNIQUE (activity, person));
    CREATE INDEX activity_reflection_person ON activity_reflection (person, id);
";

/// Takes away what somebody wrote, and what was remarked on it.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql =
        "UPDATE activity_reflection SET text = $2, note = CASE WHEN note = '' THEN '' ELSE $2 END
        WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}

/// Hands one in, or a mended one; false when it was accepted before.
pub(crate) async fn submit(
    tx: &mut Tx,
    id: Id,
    (activity, person): (ActivityId, PersonId),
    text: &str,
    at: Timestamp,
) -> Result<bool> {
    let sql =
        "INSERT INTO activity_reflection (id, activity, person, text, state, submitted_at, note)
        VALUES ($1, $2, $3, $4, 'submitted', $5, '')
        ON CONFLICT (activity, person) DO UPDATE SET text = excluded.text, state = 'submitted',
          submitted_at = excluded.submitted_at
        WHERE activity_reflection.state IN ('submitted', 'returned')";
    Ok(tx
        .execute(sql, args![id, activity, person, text, at])
        .await?
        == 1)
}

/// Says what came of one; false when it changed meanwhile.
pub(crate) async fn review(
    tx: &mut Tx,
    known: &Reflection,
    to: ReflectionState,
    note: &str,
    (by, at): (AccountId, Timestamp),
    fact: Option<FactId>,
) -> Result<bool> {
    let sql = "UPDATE activity_reflection SET state = $3, note = $4, reviewed_by = $5, reviewed_at = $6, fact = $7
        WHERE id = $1 AND state = $2 AND submitted_at = $8";
    let args = args![
        known.id,
        known.state.code(),
        to.code(),
        note,
        by,
        at,
        fact,
        known.submitted_at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

const COLUMNS: &str =
    "r.id, r.activity, r.person, p.name, r.text, r.state, r.submitted_at, r.note, r.fact";

fn read(r: &Row) -> Result<Reflection> {
    let state: String = r.get(5)?;
    Ok(Reflection {
        id: r.get(0)?,
        activity: r.get(1)?,
        person: r.get(2)?,
        name: r.get(3)?,
        text: r.get(4)?,
        state: ReflectionState::from_code(&state)
            .ok_or_else(|| Error::internal("a state of a reflection"))?,
        submitted_at: r.get(6)?,
        note: r.get(7)?,
        fact: r.get(8)?,
    })
}

pub(crate) async fn of_activity(tx: &mut Tx, activity: ActivityId) -> Result<Vec<Reflection>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_reflection r JOIN person p ON p.id = r.person WHERE r.activity = $1
         ORDER BY p.staff_no"
    );
    tx.query(sql, args![activity])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// What those who wrote about an activity wrote before, about others of the last two years.
pub(crate) async fn older(
    tx: &mut Tx,
    activity: ActivityId,
    date: Date,
) -> Result<Vec<Reflection>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM activity_reflection r JOIN person p ON p.id = r.person
         JOIN activity a ON a.id = r.activity
         WHERE r.person IN (SELECT o.person FROM activity_reflection o WHERE o.activity = $1)
           AND r.activity <> $1 AND a.date <= $2 AND a.date >= $3 ORDER BY a.date DESC, r.id DESC LIMIT 2000"
    );
    let since = date.saturating_sub(jiff::Span::new().years(2));
    tx.query(sql, args![activity, date, since])
        .await?
        .iter()
        .map(read)
        .collect()
}

pub(crate) async fn to_reflect(
    tx: &mut Tx,
    person: PersonId,
    since: Date,
    kinds: &[&str],
) -> Result<Vec<ToReflect>> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut a: Args = args![person, since];
    let kinds = a.list(kinds.iter().copied());
    let sql = format!(
        "SELECT a.id, a.title, a.kind, a.date, r.state FROM activity a
         JOIN activity_part p ON p.activity = a.id AND p.person = $1 AND p.role IN ('present', 'observer')
         LEFT JOIN activity_reflection r ON r.activity = a.id AND r.person = p.person
         WHERE a.reversed_at IS NULL AND a.kind IN ({kinds}) AND a.id IN
           (SELECT f.subject FROM fact f WHERE f.person = $1 AND f.date >= $2 AND f.kind = 'attendance')
         ORDER BY a.date DESC, a.id DESC LIMIT 50"
    );
    let read = |r: &Row| {
        let state: Option<String> = r.get(4)?;
        Ok(ToReflect {
            activity: r.get(0)?,
            title: r.get(1)?,
            kind: r.get(2)?,
            date: r.get(3)?,
            state: state.as_deref().and_then(ReflectionState::from_code),
        })
    };
    tx.query(sql, a).await?.iter().map(read).collect()
}
