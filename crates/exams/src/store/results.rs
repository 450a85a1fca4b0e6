//! SQL of results: who reached what, what counts, facts that were written, marks after a key was corrected.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};

use super::parts;

/// A candidate with one of their attempts, or with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sat {
    pub(crate) candidate: Id,
    pub(crate) person: Option<PersonId>,
    pub(crate) unit: Option<UnitId>,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) place: String,
    pub(crate) extra: i64,
    pub(crate) attempt: Option<Tried>,
}

/// An attempt with its last marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) id: Id,
    pub(crate) number: i64,
    pub(crate) began: Timestamp,
    pub(crate) submitted: Option<Timestamp>,
    /// Revision, points, full marks, questions right, questions that wait for a person.
    pub(crate) marked: Option<(i64, i64, i64, i64, i64)>,
    /// Why it does not count.
    pub(crate) void: Option<String>,
}

fn sat(row: &Row) -> Result<Sat> {
    let attempt: Option<Id> = row.get(7)?;
    let attempt = match attempt {
        None => None,
        Some(id) => {
            let revision: Option<i64> = row.get(11)?;
            let marked = match revision {
                Some(revision) => Some((
                    revision,
                    row.get(12)?,
                    row.get(13)?,
                    row.get(14)?,
                    row.get(15)?,
                )),
                None => None,
            };
            Some(Tried {
                id,
                number: row.get(8)?,
                began: row.get(9)?,
                submitted: row.get(10)?,
                marked,
                void: row.get(16)?,
            })
        }
    };
    Ok(Sat {
        candidate: row.get(0)?,
        person: row.get(1)?,
        unit: row.get(2)?,
        name: row.get(3)?,
        number: row.get(4)?,
        place: row.get(5)?,
        extra: row.get(6)?,
        attempt,
    })
}

/// One on a list with all attempts, by their number.
pub(crate) async fn of_candidate(tx: &mut Tx, candidate: Id) -> Result<Vec<Sat>> {
    let rows = tx
        .query(
            "SELECT c.id, c.person, c.unit, COALESCE(p.name, c.name), COALESCE(p.staff_no, c.number), c.place, c.extra,
                a.id, a.number, a.began, a.submitted, r.revision, r.points, r.total, r.correct, r.waiting, v.reason
             FROM exam_candidate c LEFT JOIN person p ON p.id = c.person
             LEFT JOIN exam_attempt a ON a.candidate = c.id
             LEFT JOIN exam_result r ON r.attempt = a.id
                AND r.revision = (SELECT MAX(x.revision) FROM exam_result x WHERE x.attempt = a.id)
             LEFT JOIN exam_void v ON v.attempt = a.id
             WHERE c.id = $1 ORDER BY a.number",
            args![candidate],
        )
        .await?;
    rows.iter().map(sat).collect()
}

/// Why an attempt does not count, where it was made void.
pub(crate) async fn void_reason(tx: &mut Tx, attempt: Id) -> Result<Option<String>> {
    let sql = "SELECT reason FROM exam_void WHERE attempt = $1";
    let row = tx.optional(sql, args![attempt]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Why attempts do not count, of those that were made void.
pub(crate) async fn void_reasons(tx: &mut Tx, attempts: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for part in parts(attempts) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql = format!("SELECT attempt, reason FROM exam_void WHERE attempt IN ({list})");
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// All revisions of the marks of an attempt: revision, points, why, when.
pub(crate) async fn history(
    tx: &mut Tx,
    attempt: Id,
) -> Result<Vec<(i64, i64, String, Timestamp)>> {
    let sql =
        "SELECT revision, points, reason, at FROM exam_result WHERE attempt = $1 ORDER BY revision";
    let rows = tx.query(sql, args![attempt]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .collect()
}

/// The examination of an attempt, in a scope.
pub(crate) async fn exam_of(tx: &mut Tx, attempt: Id, scope: &Scope) -> Result<Id> {
    let mut a = args![attempt];
    let here = organization::scope_sql(scope, "e.unit", &mut a);
    let sql = format!(
        "SELECT e.id FROM exam_attempt a JOIN exam e ON e.id = a.exam WHERE a.id = $1 AND {here}"
    );
    let row = tx.optional(sql, a).await?.ok_or(Error::NotFound)?;
    row.get(0)
}

/// The examination and number of a counted question.
pub(crate) async fn items_named(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, (Id, i64, String)>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!(
        "SELECT i.id, i.exam, i.item, e.title FROM exam_item i JOIN exam e ON e.id = i.exam WHERE i.id IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))
        .collect()
}

/// Titles of the examinations of attempts.
pub(crate) async fn attempt_titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!(
        "SELECT a.id, e.title FROM exam_attempt a JOIN exam e ON e.id = a.exam WHERE a.id IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Attempts of an examination that are still open.
pub(crate) async fn open(tx: &mut Tx, exam: Id) -> Result<i64> {
    let sql =
        "SELECT CAST(COUNT(*) AS BIGINT) FROM exam_attempt WHERE exam = $1 AND submitted IS NULL";
    tx.one(sql, args![exam]).await?.get(0)
}

/// Releases results by hand; false when they were released before.
pub(crate) async fn release(tx: &mut Tx, exam: Id, at: Timestamp) -> Result<bool> {
    let sql = "UPDATE exam SET released = $2, version = version + 1
        WHERE id = $1 AND released IS NULL AND stage = 'published'";
    Ok(tx.execute(sql, args![exam, at]).await? == 1)
}

/// Says that what counts may be another now.
pub(crate) async fn changed(tx: &mut Tx, exam: Id) -> Result<()> {
    let sql = "UPDATE exam SET changes = changes + 1 WHERE id = $1";
    tx.execute(sql, args![exam]).await?;
    Ok(())
}

/// Makes an attempt count no more, or count again; false when it stood so already.
pub(crate) async fn void(
    tx: &mut Tx,
    (attempt, exam): (Id, Id),
    why: Option<&str>,
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let changed = match why {
        Some(why) => {
            let sql = "INSERT INTO exam_void (attempt, exam, reason, made_at, made_by) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (attempt) DO NOTHING";
            tx.execute(sql, args![attempt, exam, why, at, by]).await?
        }
        None => {
            let sql = "DELETE FROM exam_void WHERE attempt = $1 AND exam = $2";
            tx.execute(sql, args![attempt, exam]).await?
        }
    };
    Ok(changed == 1)
}

/// What of a candidate counts in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) attempt: Id,
    pub(crate) revision: i64,
    pub(crate) points: i64,
    pub(crate) role: String,
    pub(crate) stands: bool,
}

/// What counts of some candidates.
pub(crate) async fn counted(tx: &mut Tx, candidates: &[Id]) -> Result<HashMap<Id, Counted>> {
    let mut args = Args::new();
    let list = args.list(candidates.iter().copied());
    let sql = format!(
        "SELECT candidate, attempt, revision, points, role, stands FROM exam_counted WHERE candidate IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    let read = |r: &Row| {
        let counted = Counted {
            attempt: r.get(1)?,
            revision: r.get(2)?,
            points: r.get(3)?,
            role: r.get(4)?,
            stands: r.get(5)?,
        };
        Ok((r.get(0)?, counted))
    };
    rows.iter().map(read).collect()
}

/// Claims what counts of candidates of whom nothing did; those that somebody else claimed are left out.
pub(crate) async fn count_first(tx: &mut Tx, exam: Id, new: &[(Id, &Counted)]) -> Result<Vec<Id>> {
    let mut claimed = Vec::new();
    for part in parts(new) {
        let mut args = Args::new();
        for (candidate, c) in part {
            args.push(*candidate);
            args.push(exam);
            args.push(c.attempt);
            args.push(c.revision);
            args.push(c.points);
            args.push(&c.role);
            args.push(true);
        }
        let sql = format!(
            "INSERT INTO exam_counted (candidate, exam, attempt, revision, points, role, stands) VALUES {}
             ON CONFLICT (candidate) DO NOTHING RETURNING candidate",
            Args::values(part.len(), 7)
        );
        for row in tx.query(sql, args).await? {
            claimed.push(row.get(0)?);
        }
    }
    Ok(claimed)
}

/// Puts another in the place of what counts, as it was read; false when somebody else did meanwhile.
pub(crate) async fn count_anew(
    tx: &mut Tx,
    candidate: Id,
    old: &Counted,
    new: Option<&Counted>,
) -> Result<bool> {
    let now = new.unwrap_or(old);
    let sql =
        "UPDATE exam_counted SET attempt = $2, revision = $3, points = $4, role = $5, stands = $6
        WHERE candidate = $1 AND attempt = $7 AND revision = $8 AND stands = $9";
    let args = args![
        candidate,
        now.attempt,
        now.revision,
        now.points,
        &now.role,
        new.is_some(),
        old.attempt,
        old.revision,
        old.stands
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Says up to which change facts reflect the results; false when something changed meanwhile, or it was said already.
pub(crate) async fn settle(tx: &mut Tx, exam: Id, changes: i64) -> Result<bool> {
    let sql = "UPDATE exam SET settled = $2 WHERE id = $1 AND changes = $2 AND (settled IS NULL OR settled < $2)";
    Ok(tx.execute(sql, args![exam, changes]).await? == 1)
}

/// Counted questions of an examination: id, number, how often it was asked and right.
pub(crate) async fn items(tx: &mut Tx, exam: Id) -> Result<HashMap<i64, (Id, i64, i64)>> {
    let sql = "SELECT item, id, asked, correct FROM exam_item WHERE exam = $1";
    let rows = tx.query(sql, args![exam]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?, r.get(3)?))))
        .collect()
}

/// Keeps how often a question was asked and right.
pub(crate) async fn put_item(
    tx: &mut Tx,
    exam: Id,
    (id, item): (Id, i64),
    (asked, correct): (i64, i64),
) -> Result<()> {
    let sql = "INSERT INTO exam_item (id, exam, item, asked, correct) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (exam, item) DO UPDATE SET asked = excluded.asked, correct = excluded.correct";
    tx.execute(sql, args![id, exam, item, asked, correct])
        .await?;
    Ok(())
}

/// Examinations whose results are final and not in the ledger yet.
pub(crate) async fn due(tx: &mut Tx, now: Timestamp) -> Result<Vec<Id>> {
    let rows = tx
        .query(
            "SELECT e.id FROM exam e WHERE e.stage = 'published' AND e.closes < $1
                AND (e.settled IS NULL OR e.settled < e.changes) AND (e.shows <> 'by-hand' OR e.released IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM exam_attempt a WHERE a.exam = e.id AND a.submitted IS NULL)
             ORDER BY e.closes DESC LIMIT 50",
            args![now],
        )
        .await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Handed in attempts of an examination with what they were drawn by.
pub(crate) async fn handed_in(tx: &mut Tx, exam: Id) -> Result<Vec<(Id, u64)>> {
    let sql =
        "SELECT id, seed FROM exam_attempt WHERE exam = $1 AND submitted IS NOT NULL ORDER BY id";
    let rows = tx.query(sql, args![exam]).await?;
    let read = |r: &Row| {
        let seed: i64 = r.get(1)?;
        Ok((r.get(0)?, seed.cast_unsigned()))
    };
    rows.iter().map(read).collect()
}

/// How often the key of a question was corrected.
pub(crate) async fn corrected(tx: &mut Tx, exam: Id, item: u16) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM exam_key WHERE exam = $1 AND item = $2";
    tx.one(sql, args![exam, i64::from(item)]).await?.get(0)
}

/// Why the keys of an examination were corrected last.
pub(crate) async fn why(tx: &mut Tx, exam: Id) -> Result<String> {
    let sql = "SELECT reason FROM exam_key WHERE exam = $1 ORDER BY made_at DESC, item LIMIT 1";
    let row = tx.optional(sql, args![exam]).await?;
    row.map_or_else(|| Ok(String::new()), |r| r.get(0))
}
