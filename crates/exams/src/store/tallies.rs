//! SQL of tallies (试题统计): how often each question of an examination was asked and right, kept up with what counts.

use std::collections::{BTreeMap, HashMap};

use db::{Args, Migration, Row, Tx, args};
use kernel::{Error, Id, Result};

use super::parts;

/// What is counted, and what it was counted from.
pub(crate) const MIGRATION: Migration = Migration {
    name: "exams_20261122_tallies",
    sql: "
    CREATE TABLE exam_tally (
        exam {blob} NOT NULL REFERENCES exam, item BIGINT NOT NULL, asked BIGINT NOT NULL, correct BIGINT NOT NULL,
        points BIGINT NOT NULL, full_points BIGINT NOT NULL, PRIMARY KEY (exam, item)) {clustered};
    CREATE TABLE exam_tallied (
        candidate {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, attempt {blob}, revision BIGINT) {clustered};
    ",
};

/// How a question went in the attempts that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) asked: i64,
    pub(crate) right: i64,
    pub(crate) points: i64,
    pub(crate) full: i64,
}

/// Which attempt of a candidate counts, and in which revision of its marks.
pub(crate) type Marked = (Id, i64);

/// Holds the results of an examination as they are, so that nobody else counts them at the same time; false when
/// they changed.
pub(crate) async fn hold(tx: &mut Tx, exam: Id, changes: i64) -> Result<bool> {
    let sql = "UPDATE exam SET changes = changes WHERE id = $1 AND changes = $2";
    Ok(tx.execute(sql, args![exam, changes]).await? == 1)
}

/// What was counted of some candidates.
pub(crate) async fn counted(tx: &mut Tx, candidates: &[Id]) -> Result<HashMap<Id, Marked>> {
    let mut args = Args::new();
    let list = args.list(candidates.iter().copied());
    let sql = format!(
        "SELECT candidate, attempt, revision FROM exam_tallied WHERE attempt IS NOT NULL AND candidate IN ({list})"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, (r.get(1)?, r.get(2)?))))
        .collect()
}

/// The marks of attempts in one of their revisions, as JSON.
pub(crate) async fn marks(tx: &mut Tx, wanted: &[Marked]) -> Result<HashMap<Marked, String>> {
    let mut found = HashMap::new();
    let ids: Vec<Id> = wanted.iter().map(|(id, _)| *id).collect();
    for part in parts(&ids) {
        let mut args = Args::new();
        let list = args.list(part.iter().copied());
        let sql =
            format!("SELECT attempt, revision, marks FROM exam_result WHERE attempt IN ({list})");
        for row in tx.query(sql, args).await? {
            let marked = (row.get(0)?, row.get(1)?);
            if wanted.contains(&marked) {
                found.insert(marked, row.get(2)?);
            }
        }
    }
    Ok(found)
}

/// Notes what is counted of some candidates now.
pub(crate) async fn put_counted(tx: &mut Tx, exam: Id, now: &[(Id, Option<Marked>)]) -> Result<()> {
    let mut args = Args::new();
    for (candidate, marked) in now {
        args.push(*candidate);
        args.push(exam);
        args.push(marked.map(|m| m.0));
        args.push(marked.map(|m| m.1));
    }
    tx.insert_many(
        "INSERT INTO exam_tallied (candidate, exam, attempt, revision) VALUES",
        4,
        "ON CONFLICT (candidate) DO UPDATE SET attempt = excluded.attempt, revision = excluded.revision",
        args,
    )
    .await?;
    Ok(())
}

/// Adds to tallies.
pub(crate) async fn add(tx: &mut Tx, exam: Id, more: &BTreeMap<u16, Tally>) -> Result<()> {
    let mut args = Args::new();
    for (item, t) in more {
        args.push(exam);
        args.push(i64::from(*item));
        args.push(t.asked);
        args.push(t.right);
        args.push(t.points);
        args.push(t.full);
    }
    tx.insert_many(
        "INSERT INTO exam_tally (exam, item, asked, correct, points, full_points) VALUES",
        6,
        "ON CONFLICT (exam, item) DO UPDATE SET asked = exam_tally.asked + excluded.asked,
            correct = exam_tally.correct + excluded.correct, points = exam_tally.points + excluded.points,
            full_points = exam_tally.full_points + excluded.full_points",
        args,
    )
    .await?;
    Ok(())
}

/// The tallies of an examination, by the number of the question.
pub(crate) async fn all(tx: &mut Tx, exam: Id) -> Result<BTreeMap<u16, Tally>> {
    let sql = "SELECT item, asked, correct, points, full_points FROM exam_tally WHERE exam = $1 AND asked > 0";
    let rows = tx.query(sql, args![exam]).await?;
    let read = |r: &Row| {
        let item: i64 = r.get(0)?;
        let tally = Tally {
            asked: r.get(1)?,
            right: r.get(2)?,
            points: r.get(3)?,
            full: r.get(4)?,
        };
        Ok((u16::try_from(item).map_err(Error::internal)?, tally))
    };
    rows.iter().map(read).collect()
}
