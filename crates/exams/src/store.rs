//! All SQL of examinations.

pub(crate) mod room;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};

use crate::model::{Attempt, Candidate, Exam, How, Shows, Stage, Standing, Takes, Terms};
use crate::ticket::Key;

pub(crate) mod admission;
pub(crate) mod handed;
pub(crate) mod making;
pub(crate) mod reached;
pub(crate) mod results;
pub(crate) mod tallies;

/// The tables.
pub const MIGRATIONS: &[Migration] = &[
    TABLES,
    making::MIGRATION,
    room::TABLES,
    tallies::MIGRATION,
    handed::MIGRATION,
];

const TABLES: Migration = Migration {
    name: "exams_20261122_tables",
    sql: "
    CREATE TABLE exam_paper (
        id {blob} PRIMARY KEY, unit {blob} NOT NULL REFERENCES unit, title TEXT NOT NULL, content TEXT NOT NULL,
        items BIGINT NOT NULL, points BIGINT NOT NULL, made_at BIGINT NOT NULL, made_by {blob} NOT NULL);
    CREATE TABLE exam (
        id {blob} PRIMARY KEY, unit {blob} NOT NULL REFERENCES unit, kind TEXT NOT NULL, title TEXT NOT NULL,
        paper {blob} NOT NULL REFERENCES exam_paper, opens BIGINT NOT NULL, closes BIGINT NOT NULL,
        seconds BIGINT NOT NULL, grace BIGINT NOT NULL, late BIGINT, attempts BIGINT NOT NULL, takes TEXT NOT NULL,
        pass BIGINT, shows TEXT NOT NULL, stage TEXT NOT NULL, released BIGINT, secret {blob} NOT NULL,
        made_at BIGINT NOT NULL, made_by {blob} NOT NULL);
    CREATE INDEX exam_unit ON exam (unit, opens);
    CREATE TABLE exam_candidate (
        id {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, person {blob}, unit {blob}, name TEXT NOT NULL,
        ticket {blob}, extra BIGINT NOT NULL, more BIGINT NOT NULL, revoked BIGINT,
        made_at BIGINT NOT NULL, made_by {blob} NOT NULL) {clustered};
    CREATE UNIQUE INDEX exam_candidate_person ON exam_candidate (exam, person) WHERE person IS NOT NULL;
    CREATE UNIQUE INDEX exam_candidate_ticket ON exam_candidate (ticket) WHERE ticket IS NOT NULL;
    CREATE TABLE exam_attempt (
        id {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, candidate {blob} NOT NULL,
        number BIGINT NOT NULL, seed BIGINT NOT NULL, began BIGINT NOT NULL, deadline BIGINT NOT NULL,
        device TEXT NOT NULL, seat BIGINT NOT NULL, seen BIGINT NOT NULL, submitted BIGINT, how TEXT) {clustered};
    CREATE UNIQUE INDEX exam_attempt_number ON exam_attempt (candidate, number);
    CREATE INDEX exam_attempt_exam ON exam_attempt (exam, id);
    CREATE INDEX exam_attempt_open ON exam_attempt (deadline) WHERE submitted IS NULL;
    CREATE TABLE exam_answer (
        attempt {blob} NOT NULL, item BIGINT NOT NULL, seq BIGINT NOT NULL, value TEXT NOT NULL,
        at BIGINT NOT NULL, stamped BIGINT NOT NULL, late BOOLEAN NOT NULL, PRIMARY KEY (attempt, item)) {clustered};
    CREATE TABLE exam_result (
        attempt {blob} NOT NULL, revision BIGINT NOT NULL, points BIGINT NOT NULL, total BIGINT NOT NULL,
        answered BIGINT NOT NULL, correct BIGINT NOT NULL, waiting BIGINT NOT NULL, marks TEXT NOT NULL,
        receipt {blob} NOT NULL, reason TEXT NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (attempt, revision)) {clustered};
    ",
};

/// So many rows in one statement: sizes are few, so that statements are prepared once.
const SIZES: [usize; 4] = [128, 32, 8, 1];

/// Cuts rows into parts of those sizes.
fn parts<T>(mut rows: &[T]) -> Vec<&[T]> {
    let mut parts = Vec::new();
    for size in SIZES {
        while rows.len() >= size {
            let (part, rest) = rows.split_at(size);
            parts.push(part);
            rows = rest;
        }
    }
    parts
}

pub(crate) async fn put_paper(
    tx: &mut Tx,
    (id, unit, by, at): (Id, UnitId, AccountId, Timestamp),
    paper: &crate::Paper,
    (content, sealed): crate::office::Kept,
) -> Result<()> {
    let (items, points) = (paper.length() as i64, paper.full());
    tx.execute(
        "INSERT INTO exam_paper (id, unit, title, content, sealed, items, points, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            id,
            unit,
            &paper.title,
            content,
            sealed,
            items,
            points,
            at,
            by
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn put_exam(
    tx: &mut Tx,
    exam: &Exam,
    key: &Key,
    (at, by): (Timestamp, AccountId),
) -> Result<()> {
    let t = &exam.terms;
    tx.execute(
        "INSERT INTO exam (id, unit, kind, title, paper, opens, closes, seconds, grace, late, attempts, takes, pass,
            shows, stage, secret, made_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        args![
            exam.id,
            t.unit,
            &t.kind,
            &t.title,
            exam.paper,
            t.opens,
            t.closes,
            t.seconds,
            t.grace,
            t.late,
            t.attempts,
            t.takes.code(),
            t.pass,
            t.shows.code(),
            exam.stage.code(),
            key.0.to_vec(),
            at,
            by
        ],
    )
    .await?;
    Ok(())
}

/// Moves an examination on; false when it is not at that stage any more.
pub(crate) async fn step(tx: &mut Tx, id: Id, from: Stage, to: Stage) -> Result<bool> {
    let sql = "UPDATE exam SET stage = $1 WHERE id = $2 AND stage = $3";
    let changed = tx.execute(sql, args![to.code(), id, from.code()]).await?;
    Ok(changed == 1)
}

const EXAM: &str = "e.id, e.unit, e.kind, e.title, e.paper, e.opens, e.closes, e.seconds, e.grace, e.late, \
    e.attempts, e.takes, e.pass, e.shows, e.stage, e.released, e.secret";

fn unknown(what: &str) -> Error {
    Error::internal(format!("no such {what}"))
}

fn exam_of(row: &Row) -> Result<(Exam, Key)> {
    let code = |n| row.get::<String>(n);
    let secret: Vec<u8> = row.get(16)?;
    let secret = secret.try_into().map_err(|_| unknown("key"))?;
    let exam = Exam {
        id: row.get(0)?,
        paper: row.get(4)?,
        terms: Terms {
            unit: row.get(1)?,
            kind: row.get(2)?,
            title: row.get(3)?,
            opens: row.get(5)?,
            closes: row.get(6)?,
            seconds: row.get(7)?,
            grace: row.get(8)?,
            late: row.get(9)?,
            attempts: row.get(10)?,
            takes: Takes::of_code(&code(11)?).ok_or_else(|| unknown("rule"))?,
            pass: row.get(12)?,
            shows: Shows::of_code(&code(13)?).ok_or_else(|| unknown("rule"))?,
        },
        stage: Stage::of_code(&code(14)?).ok_or_else(|| unknown("stage"))?,
        released: row.get(15)?,
    };
    Ok((exam, Key(secret)))
}

/// Examinations by id, with their keys.
pub(crate) async fn exams_by_id(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Exam, Key)>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT {EXAM} FROM exam e WHERE e.id IN ({list})");
    tx.query(sql, args).await?.iter().map(exam_of).collect()
}

/// The examinations of a scope, the latest first.
pub(crate) async fn exams(tx: &mut Tx, scope: &Scope, limit: i64) -> Result<Vec<Exam>> {
    let mut args = Args::new();
    let here = organization::scope_sql(scope, "e.unit", &mut args);
    let limit = args.push(limit);
    let sql =
        format!("SELECT {EXAM} FROM exam e WHERE {here} ORDER BY e.opens DESC, e.id LIMIT {limit}");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| Ok(exam_of(row)?.0)).collect()
}

/// Somebody for the list, with what is kept of their ticket.
pub(crate) struct NewCandidate {
    pub(crate) candidate: Candidate,
    pub(crate) ticket: Option<[u8; 32]>,
}

/// Puts people on the list; who is on it already stays as they are.
pub(crate) async fn put_candidates(
    tx: &mut Tx,
    new: &[NewCandidate],
    (at, by): (Timestamp, AccountId),
) -> Result<u64> {
    let mut args = Args::new();
    for n in new {
        let c = &n.candidate;
        args.push(c.id);
        args.push(c.exam);
        args.push(c.person);
        args.push(c.unit);
        args.push(&c.name);
        args.push(n.ticket.map(|t| t.to_vec()));
        args.push(c.extra);
        args.push(c.more);
        args.push(at);
        args.push(by);
    }
    tx.insert_many(
        "INSERT INTO exam_candidate (id, exam, person, unit, name, ticket, extra, more, made_at, made_by) VALUES",
        10,
        "ON CONFLICT (exam, person) WHERE person IS NOT NULL DO NOTHING",
        args,
    )
    .await
}

const CANDIDATE: &str =
    "c.id, c.exam, c.person, c.unit, c.name, c.extra, c.more, c.revoked, c.ticket";

fn candidate_of(row: &Row) -> Result<(Candidate, Option<Vec<u8>>)> {
    let candidate = Candidate {
        id: row.get(0)?,
        exam: row.get(1)?,
        person: row.get(2)?,
        unit: row.get(3)?,
        name: row.get(4)?,
        extra: row.get(5)?,
        more: row.get(6)?,
        revoked: row.get(7)?,
    };
    Ok((candidate, row.get(8)?))
}

/// Those with these tickets, and what is kept of each.
pub(crate) async fn with_tickets(
    tx: &mut Tx,
    tickets: &[Vec<u8>],
) -> Result<Vec<(Candidate, Option<Vec<u8>>)>> {
    let mut found = Vec::new();
    for part in parts(tickets) {
        let mut args = Args::new();
        let list = args.list(part.iter().cloned());
        let sql = format!("SELECT {CANDIDATE} FROM exam_candidate c WHERE c.ticket IN ({list})");
        for row in tx.query(sql, args).await? {
            found.push(candidate_of(&row)?);
        }
    }
    Ok(found)
}

/// These people on the list of an examination.
pub(crate) async fn with_persons(
    tx: &mut Tx,
    exam: Id,
    persons: &[PersonId],
) -> Result<Vec<(Candidate, Option<Vec<u8>>)>> {
    let mut args = args![exam];
    let list = args.list(persons.iter().copied());
    let sql = format!(
        "SELECT {CANDIDATE} FROM exam_candidate c WHERE c.exam = $1 AND c.person IN ({list})"
    );
    tx.query(sql, args)
        .await?
        .iter()
        .map(candidate_of)
        .collect()
}

/// Somebody on the lists of some examinations.
pub(crate) async fn mine_candidates(
    tx: &mut Tx,
    person: PersonId,
    exams: &[Id],
) -> Result<Vec<Candidate>> {
    let mut args = args![person];
    let list = args.list(exams.iter().copied());
    let sql = format!(
        "SELECT {CANDIDATE} FROM exam_candidate c WHERE c.person = $1 AND c.exam IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| Ok(candidate_of(row)?.0)).collect()
}

const ATTEMPT: &str = "a.id, a.exam, a.candidate, a.number, a.seed, a.began";
const STANDING: &str = "a.deadline, a.device, a.seat, a.seen, a.submitted";

fn attempt_of(row: &Row) -> Result<Attempt> {
    let seed: i64 = row.get(4)?;
    Ok(Attempt {
        id: row.get(0)?,
        exam: row.get(1)?,
        candidate: row.get(2)?,
        number: row.get(3)?,
        seed: seed.cast_unsigned(),
        began: row.get(5)?,
    })
}

fn standing_of(row: &Row, first: usize) -> Result<Standing> {
    let seat: i64 = row.get(first + 2)?;
    Ok(Standing {
        deadline: row.get(first)?,
        device: row.get(first + 1)?,
        seat: u32::try_from(seat).map_err(Error::internal)?,
        seen: row.get(first + 3)?,
        submitted: row.get(first + 4)?,
    })
}

/// The attempts of these candidates.
pub(crate) async fn attempts_of(
    tx: &mut Tx,
    candidates: &[Id],
) -> Result<Vec<(Attempt, Standing)>> {
    let mut found = Vec::new();
    for part in parts(candidates) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql = format!(
            "SELECT {ATTEMPT}, {STANDING} FROM exam_attempt a WHERE a.candidate IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            found.push((attempt_of(&row)?, standing_of(&row, 6)?));
        }
    }
    Ok(found)
}

/// Begins attempts; those that another node began meanwhile are left out.
pub(crate) async fn begin(tx: &mut Tx, new: &[(Attempt, Standing)]) -> Result<Vec<Id>> {
    let mut begun = Vec::new();
    for part in parts(new) {
        let mut args = Args::new();
        for (a, s) in part {
            args.push(a.id);
            args.push(a.exam);
            args.push(a.candidate);
            args.push(a.number);
            args.push(a.seed.cast_signed());
            args.push(a.began);
            args.push(s.deadline);
            args.push(&s.device);
            args.push(i64::from(s.seat));
            args.push(s.seen);
        }
        let sql = format!(
            "INSERT INTO exam_attempt (id, exam, candidate, number, seed, began, deadline, device, seat, seen)
             VALUES {} ON CONFLICT (candidate, number) DO NOTHING RETURNING id",
            Args::values(part.len(), 10)
        );
        for row in tx.query(sql, args).await? {
            begun.push(row.get(0)?);
        }
    }
    Ok(begun)
}

/// Holds open attempts against being handed in, moved or given more time meanwhile; alone to hand them in. Ids in order, so
/// that two never wait for each other.
pub(crate) async fn hold(tx: &mut Tx, ids: &[Id], alone: bool) -> Result<Vec<(Id, Standing)>> {
    let mut found = Vec::new();
    for part in parts(ids) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql = format!(
            "SELECT a.id, {STANDING} FROM exam_attempt a WHERE a.id IN ({list}) AND a.submitted IS NULL
             ORDER BY a.id {}",
            tx.held(alone)
        );
        for row in tx.query(sql, args).await? {
            found.push((row.get(0)?, standing_of(&row, 1)?));
        }
    }
    Ok(found)
}

/// Notes that something came from attempts, where the last note is older than a moment.
pub(crate) async fn note_seen(
    tx: &mut Tx,
    ids: &[Id],
    now: Timestamp,
    before: Timestamp,
) -> Result<()> {
    for part in parts(ids) {
        let mut args = args![now];
        let list = args.list(part.iter().copied());
        let sql = format!(
            "UPDATE exam_attempt SET seen = $1 WHERE id IN ({list}) AND seen < {}",
            args.push(before)
        );
        tx.execute(sql, args).await?;
    }
    Ok(())
}

/// An attempt and the person whose it is; none: by a ticket.
pub(crate) struct Known {
    pub(crate) attempt: Attempt,
    pub(crate) person: Option<PersonId>,
}

pub(crate) async fn known(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Known>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!(
        "SELECT {ATTEMPT}, c.person
         FROM exam_attempt a JOIN exam_candidate c ON c.id = a.candidate WHERE a.id IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    let known = |row: &Row| {
        Ok(Known {
            attempt: attempt_of(row)?,
            person: row.get(6)?,
        })
    };
    rows.iter().map(known).collect()
}

/// An answer as it is kept, in letters of the paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) item: u16,
    pub(crate) seq: i64,
    pub(crate) value: String,
    pub(crate) at: Timestamp,
    pub(crate) stamped: Timestamp,
    pub(crate) late: bool,
}

/// Keeps answers, one row for each attempt and question; an older one never takes the place of a newer one.
pub(crate) async fn put_answers(tx: &mut Tx, answers: &[(Id, &Kept)]) -> Result<()> {
    for part in parts(answers) {
        let mut args = Args::new();
        for (attempt, k) in part {
            args.push(*attempt);
            args.push(i64::from(k.item));
            args.push(k.seq);
            args.push(&k.value);
            args.push(k.at);
            args.push(k.stamped);
            args.push(k.late);
        }
        let sql = format!(
            "INSERT INTO exam_answer (attempt, item, seq, value, at, stamped, late) VALUES {}
             ON CONFLICT (attempt, item) DO UPDATE SET seq = excluded.seq, value = excluded.value,
                at = excluded.at, stamped = excluded.stamped, late = excluded.late
             WHERE excluded.seq >= exam_answer.seq",
            Args::values(part.len(), 7)
        );
        tx.execute(sql, args).await?;
    }
    Ok(())
}

/// The answers of some attempts.
pub(crate) async fn answers(tx: &mut Tx, attempts: &[Id]) -> Result<Vec<(Id, Kept)>> {
    let mut found = Vec::new();
    for part in parts(attempts) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql = format!(
            "SELECT attempt, item, seq, value, at, stamped, late FROM exam_answer
             WHERE attempt IN ({list}) ORDER BY attempt, item"
        );
        for row in tx.query(sql, args).await? {
            let item: i64 = row.get(1)?;
            found.push((
                row.get(0)?,
                Kept {
                    item: u16::try_from(item).map_err(Error::internal)?,
                    seq: row.get(2)?,
                    value: row.get(3)?,
                    at: row.get(4)?,
                    stamped: row.get(5)?,
                    late: row.get(6)?,
                },
            ));
        }
    }
    Ok(found)
}

/// Hands attempts in that are open; those it was done to.
pub(crate) async fn submit(
    tx: &mut Tx,
    ids: &[Id],
    how: How,
    now: Timestamp,
) -> Result<Vec<(Id, Standing)>> {
    let mut found = Vec::new();
    for part in parts(ids) {
        let mut args = args![now, how.code()];
        let list = args.list(part.iter().copied());
        let sql = format!(
            "UPDATE exam_attempt SET submitted = $1, how = $2 WHERE id IN ({list}) AND submitted IS NULL
             RETURNING id, deadline, device, seat, seen, submitted"
        );
        for row in tx.query(sql, args).await? {
            found.push((row.get(0)?, standing_of(&row, 1)?));
        }
    }
    Ok(found)
}

/// What an attempt reached, as it was marked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) attempt: Id,
    pub(crate) revision: i64,
    pub(crate) points: i64,
    pub(crate) total: i64,
    pub(crate) answered: i64,
    pub(crate) correct: i64,
    pub(crate) waiting: i64,
    pub(crate) marks: String,
    pub(crate) receipt: Vec<u8>,
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
}

pub(crate) async fn put_results(tx: &mut Tx, results: &[Marked]) -> Result<()> {
    for part in parts(results) {
        let mut args = Args::new();
        for m in part {
            args.push(m.attempt);
            args.push(m.revision);
            args.push(m.points);
            args.push(m.total);
            args.push(m.answered);
            args.push(m.correct);
            args.push(m.waiting);
            args.push(&m.marks);
            args.push(m.receipt.clone());
            args.push(&m.reason);
            args.push(m.at);
        }
        let sql = format!(
            "INSERT INTO exam_result (attempt, revision, points, total, answered, correct, waiting, marks, receipt,
                reason, at) VALUES {}",
            Args::values(part.len(), 11)
        );
        tx.execute(sql, args).await?;
    }
    Ok(())
}

/// The last marks of some attempts.
pub(crate) async fn results(tx: &mut Tx, attempts: &[Id]) -> Result<Vec<Marked>> {
    let mut found: Vec<Marked> = Vec::new();
    for part in parts(attempts) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql = format!(
            "SELECT attempt, revision, points, total, answered, correct, waiting, marks, receipt, reason, at
             FROM exam_result WHERE attempt IN ({list}) ORDER BY attempt, revision"
        );
        for row in tx.query(sql, args).await? {
            let marked = Marked {
                attempt: row.get(0)?,
                revision: row.get(1)?,
                points: row.get(2)?,
                total: row.get(3)?,
                answered: row.get(4)?,
                correct: row.get(5)?,
                waiting: row.get(6)?,
                marks: row.get(7)?,
                receipt: row.get(8)?,
                reason: row.get(9)?,
                at: row.get(10)?,
            };
            match found.last_mut() {
                Some(last) if last.attempt == marked.attempt => *last = marked,
                _ => found.push(marked),
            }
        }
    }
    Ok(found)
}

/// How many attempts an examination has, and how many results they have together.
pub(crate) async fn counted(tx: &mut Tx, exam: Id) -> Result<(i64, i64)> {
    let row = tx
        .one(
            "SELECT CAST(COUNT(DISTINCT a.id) AS BIGINT), CAST(COUNT(r.attempt) AS BIGINT)
             FROM exam_attempt a LEFT JOIN exam_result r ON r.attempt = a.id WHERE a.exam = $1",
            args![exam],
        )
        .await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// Open attempts whose end lies before a moment, by examination, the oldest first.
pub(crate) async fn over(
    tx: &mut Tx,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(Id, Id, Timestamp)>> {
    let rows = tx
        .query(
            "SELECT id, exam, deadline FROM exam_attempt WHERE submitted IS NULL AND deadline < $1
             ORDER BY deadline, id LIMIT $2",
            args![before, limit],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// Gives open attempts more time: one, or all of an examination.
pub(crate) async fn extend(tx: &mut Tx, exam: Id, attempt: Option<Id>, micros: i64) -> Result<u64> {
    tx.execute(
        "UPDATE exam_attempt SET deadline = deadline + $1
         WHERE exam = $2 AND submitted IS NULL AND ($3 IS NULL OR id = $3)",
        args![micros, exam, attempt],
    )
    .await
}

/// Lets another device in: the next one that comes is bound, the one before is shut out.
pub(crate) async fn unlock(tx: &mut Tx, exam: Id, attempt: Id) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE exam_attempt SET device = '', seat = seat + 1
             WHERE id = $1 AND exam = $2 AND submitted IS NULL",
            args![attempt, exam],
        )
        .await?;
    Ok(changed == 1)
}

/// Binds an attempt that is bound to no device; false when another one was first.
pub(crate) async fn bind(tx: &mut Tx, attempt: Id, device: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE exam_attempt SET device = $1 WHERE id = $2 AND device = ''",
            args![device, attempt],
        )
        .await?;
    Ok(changed == 1)
}
