//! SQL of the room: who sits just now, what is said to them, what happened.

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Timestamp, UnitId};

use crate::room::{Deed, Happened, News, Seat, Signal};

/// The tables of the room.
pub(super) const TABLES: Migration = Migration {
    name: "exams_20261122_room",
    sql: "
    CREATE TABLE exam_incident (
        id {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, attempt {blob}, kind TEXT NOT NULL,
        seconds BIGINT, text TEXT NOT NULL, made_at BIGINT NOT NULL, made_by {blob} NOT NULL);
    CREATE INDEX exam_incident_exam ON exam_incident (exam, made_at);
    CREATE TABLE exam_news (
        exam {blob} NOT NULL REFERENCES exam, number BIGINT NOT NULL, text TEXT NOT NULL, made_at BIGINT NOT NULL,
        made_by {blob} NOT NULL, PRIMARY KEY (exam, number)) {clustered};
    CREATE TABLE exam_heard (
        attempt {blob} PRIMARY KEY, number BIGINT NOT NULL, at BIGINT NOT NULL) {clustered};
    CREATE TABLE exam_signal (
        attempt {blob} NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, amount BIGINT NOT NULL, got BIGINT NOT NULL,
        PRIMARY KEY (attempt, at, kind)) {clustered};
    CREATE TABLE exam_appeal (
        attempt {blob} NOT NULL, item BIGINT NOT NULL, request {blob} NOT NULL, PRIMARY KEY (attempt, item)) {clustered};
    CREATE UNIQUE INDEX exam_appeal_request ON exam_appeal (request);
    CREATE INDEX exam_candidate_room ON exam_candidate (exam, id);
    ",
};

/// Everybody on the list of an examination with their last attempt, in two statements however many they are.
pub(crate) async fn seats(tx: &mut Tx, exam: Id) -> Result<Vec<Seat>> {
    let rows = tx
        .query(
            "SELECT c.id, c.person, c.unit, c.name, a.id, a.number, a.began, a.deadline, a.seen, a.submitted, a.how,
                CAST(CASE WHEN a.device = '' AND a.seat > 1 THEN 1 ELSE 0 END AS BIGINT), COALESCE(h.number, 0)
             FROM exam_candidate c
             LEFT JOIN exam_attempt a ON a.candidate = c.id AND NOT EXISTS (
                SELECT 1 FROM exam_attempt b WHERE b.candidate = c.id AND b.number > a.number)
             LEFT JOIN exam_heard h ON h.attempt = a.id
             WHERE c.exam = $1 AND c.revoked IS NULL ORDER BY c.id",
            args![exam],
        )
        .await?;
    let mut seats: Vec<Seat> = rows.iter().map(seat_of).collect::<Result<_>>()?;
    let rows = tx
        .query(
            "SELECT s.attempt, CAST(COUNT(*) AS BIGINT) FROM exam_signal s JOIN exam_attempt a ON a.id = s.attempt
             WHERE a.exam = $1 GROUP BY s.attempt",
            args![exam],
        )
        .await?;
    let mut signals = std::collections::HashMap::new();
    for row in rows {
        signals.insert(row.get::<Id>(0)?, row.get::<i64>(1)?);
    }
    for seat in &mut seats {
        let of = seat.attempt.and_then(|attempt| signals.get(&attempt));
        seat.signals = of.copied().unwrap_or_default();
    }
    Ok(seats)
}

fn seat_of(row: &Row) -> Result<Seat> {
    let attempt: Option<Id> = row.get(4)?;
    Ok(Seat {
        candidate: row.get(0)?,
        person: row.get(1)?,
        unit: row.get(2)?,
        name: row.get(3)?,
        unit_name: String::new(),
        attempt,
        number: row.get::<Option<i64>>(5)?.unwrap_or_default(),
        began: row.get(6)?,
        deadline: row.get(7)?,
        seen: row.get(8)?,
        submitted: row.get(9)?,
        how: row.get::<Option<String>>(10)?.unwrap_or_default(),
        unlocked: row.get::<i64>(11)? == 1,
        heard: row.get(12)?,
        signals: 0,
    })
}

/// Writes down what happened in the room.
pub(crate) async fn note(tx: &mut Tx, id: Id, exam: Id, deed: &Deed) -> Result<()> {
    tx.execute(
        "INSERT INTO exam_incident (id, exam, attempt, kind, seconds, text, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            id,
            exam,
            deed.attempt,
            deed.kind.code(),
            deed.seconds,
            &deed.text,
            deed.at,
            deed.by
        ],
    )
    .await?;
    Ok(())
}

/// What happened in the room, the latest first; of one attempt or of all.
pub(crate) async fn happened(
    tx: &mut Tx,
    exam: Id,
    attempt: Option<Id>,
    limit: i64,
) -> Result<Vec<Deed>> {
    let rows = tx
        .query(
            "SELECT attempt, kind, seconds, text, made_at, made_by FROM exam_incident
             WHERE exam = $1 AND ($2 IS NULL OR attempt = $2) ORDER BY made_at DESC, id DESC LIMIT $3",
            args![exam, attempt, limit],
        )
        .await?;
    let deed = |row: &Row| {
        Ok(Deed {
            attempt: row.get(0)?,
            kind: Happened::of_code(&row.get::<String>(1)?).unwrap_or(Happened::Noted),
            seconds: row.get(2)?,
            text: row.get(3)?,
            at: row.get(4)?,
            by: row.get(5)?,
        })
    };
    rows.iter().map(deed).collect()
}

/// Announces something under the next number; false when somebody else took that.
pub(crate) async fn announce(
    tx: &mut Tx,
    exam: Id,
    text: &str,
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let last = tx
        .one(
            "SELECT COALESCE(MAX(number), 0) FROM exam_news WHERE exam = $1",
            args![exam],
        )
        .await?;
    let number: i64 = last.get::<i64>(0)? + 1;
    let changed = tx
        .execute(
            "INSERT INTO exam_news (exam, number, text, made_at, made_by) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (exam, number) DO NOTHING",
            args![exam, number, text, at, by],
        )
        .await?;
    Ok(changed == 1)
}

/// What was announced, in order.
pub(crate) async fn news(tx: &mut Tx, exam: Id) -> Result<Vec<News>> {
    let rows = tx
        .query(
            "SELECT number, text, made_at, made_by FROM exam_news WHERE exam = $1 ORDER BY number",
            args![exam],
        )
        .await?;
    let one = |row: &Row| {
        Ok(News {
            number: row.get(0)?,
            text: row.get(1)?,
            at: row.get(2)?,
            by: row.get(3)?,
        })
    };
    rows.iter().map(one).collect()
}

/// Somebody confirmed what was announced up to a number; it never goes back.
pub(crate) async fn heard(tx: &mut Tx, attempt: Id, number: i64, at: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO exam_heard (attempt, number, at) VALUES ($1, $2, $3)
         ON CONFLICT (attempt) DO UPDATE SET number = excluded.number, at = excluded.at
         WHERE excluded.number > exam_heard.number",
        args![attempt, number, at],
    )
    .await?;
    Ok(())
}

/// How many signals are kept of some attempts.
pub(crate) async fn signalled(tx: &mut Tx, attempts: &[Id]) -> Result<Vec<(Id, i64)>> {
    let mut args = Args::new();
    let list = args.list(attempts.iter().copied());
    let sql = format!(
        "SELECT attempt, CAST(COUNT(*) AS BIGINT) FROM exam_signal WHERE attempt IN ({list}) GROUP BY attempt"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Keeps signals; what is sent twice is kept once.
pub(crate) async fn put_signals(
    tx: &mut Tx,
    signals: &[(Id, Signal)],
    got: Timestamp,
) -> Result<()> {
    let mut args = Args::new();
    for (attempt, s) in signals {
        args.push(*attempt);
        args.push(s.at);
        args.push(s.kind.code());
        args.push(s.amount);
        args.push(got);
    }
    tx.insert_many(
        "INSERT INTO exam_signal (attempt, at, kind, amount, got) VALUES",
        5,
        "ON CONFLICT (attempt, at, kind) DO NOTHING",
        args,
    )
    .await?;
    Ok(())
}

/// The signals of an attempt, in order.
pub(crate) async fn signals(tx: &mut Tx, attempt: Id) -> Result<Vec<Signal>> {
    let rows = tx
        .query(
            "SELECT kind, amount, at FROM exam_signal WHERE attempt = $1 ORDER BY at, kind",
            args![attempt],
        )
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let code: String = row.get(0)?;
        // What a newer program knows is not shown by an older one.
        if let Some(kind) = crate::room::SignalKind::of_code(&code) {
            found.push(Signal {
                kind,
                amount: row.get(1)?,
                at: row.get(2)?,
            });
        }
    }
    Ok(found)
}

/// The candidate and the open attempt of somebody, for what was tried on another device.
pub(crate) async fn open_attempt(tx: &mut Tx, candidate: Id) -> Result<Option<Id>> {
    let row = tx
        .optional(
            "SELECT id FROM exam_attempt WHERE candidate = $1 AND submitted IS NULL ORDER BY number DESC LIMIT 1",
            args![candidate],
        )
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// Examinations that a person is on the list of, the latest first: candidate, examination, unit.
pub(crate) async fn mine(
    tx: &mut Tx,
    person: PersonId,
    limit: i64,
) -> Result<Vec<(Id, Id, Option<UnitId>)>> {
    let rows = tx
        .query(
            "SELECT c.id, c.exam, c.unit FROM exam_candidate c JOIN exam e ON e.id = c.exam
             WHERE c.person = $1 AND c.revoked IS NULL AND e.stage <> 'draft' ORDER BY e.opens DESC, e.id LIMIT $2",
            args![person, limit],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// Published examinations that are not over for long: tickets are looked for among them.
pub(crate) async fn published(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<Id>> {
    let rows = tx
        .query(
            "SELECT id FROM exam WHERE stage = 'published' AND closes >= $1 ORDER BY opens, id LIMIT $2",
            args![since, limit],
        )
        .await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Notes which question of an attempt a request asks about; false when it was asked about before.
pub(crate) async fn put_appeal(tx: &mut Tx, id: Id, attempt: Id, item: u16) -> Result<bool> {
    let changed = tx
        .execute(
            "INSERT INTO exam_appeal (attempt, item, request) VALUES ($1, $2, $3)
             ON CONFLICT (attempt, item) DO NOTHING",
            args![attempt, i64::from(item), id],
        )
        .await?;
    Ok(changed == 1)
}

/// What was asked about an attempt: the requests with their questions.
pub(crate) async fn appealed(tx: &mut Tx, attempt: Id) -> Result<Vec<(Id, u16)>> {
    let rows = tx
        .query(
            "SELECT request, item FROM exam_appeal WHERE attempt = $1",
            args![attempt],
        )
        .await?;
    let one = |row: &Row| {
        let item: i64 = row.get(1)?;
        Ok((row.get(0)?, u16::try_from(item).map_err(Error::internal)?))
    };
    rows.iter().map(one).collect()
}

/// The attempt that a request asks about.
pub(crate) async fn appeal(tx: &mut Tx, request: Id) -> Result<Option<Id>> {
    let row = tx
        .optional(
            "SELECT attempt FROM exam_appeal WHERE request = $1",
            args![request],
        )
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// The names of those behind accounts.
pub(crate) async fn accounts(tx: &mut Tx, ids: &[AccountId]) -> Result<Vec<(AccountId, String)>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!(
        "SELECT a.id, COALESCE(p.name, a.login) FROM account a LEFT JOIN person p ON p.id = a.person
         WHERE a.id IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}
