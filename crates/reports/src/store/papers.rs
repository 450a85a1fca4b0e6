//! The elements of official documents and their numbers.

use db::{Tx, args};
use kernel::{Error, ReportId, Result, UnitId};

use crate::paper::{Number, Version};

/// All versions of a report's elements, the newest first.
pub(crate) async fn versions(tx: &mut Tx, report: ReportId) -> Result<Vec<Version>> {
    let sql = "SELECT version, content, created_at, created_by FROM report_paper WHERE report = $1 ORDER BY version DESC";
    let rows = tx.query(sql, args![report]).await?;
    rows.iter()
        .map(|row| {
            let content: String = row.get(1)?;
            Ok(Version {
                version: row.get(0)?,
                paper: serde_json::from_str(&content).map_err(Error::internal)?,
                at: row.get(2)?,
                by: row.get(3)?,
            })
        })
        .collect()
}

/// Writes a version; false when it is there already.
pub(crate) async fn insert(tx: &mut Tx, report: ReportId, v: &Version) -> Result<bool> {
    let content = serde_json::to_string(&v.paper).map_err(Error::internal)?;
    let added = tx
        .execute(
            "INSERT INTO report_paper (report, version, content, created_at, created_by)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (report, version) DO NOTHING",
            args![report, v.version, content, v.at, v.by],
        )
        .await?;
    Ok(added == 1)
}

/// Gives a number to a report; whose it is now: another's if that had it before.
pub(crate) async fn take(tx: &mut Tx, n: &Number, report: ReportId) -> Result<ReportId> {
    let (word, year) = (n.word.as_str(), i64::from(n.year));
    tx.execute(
        "INSERT INTO report_number (word, year, serial, report) VALUES ($1, $2, $3, $4)
         ON CONFLICT (word, year, serial) DO NOTHING",
        args![word, year, n.serial, report],
    )
    .await?;
    let sql = "SELECT report FROM report_number WHERE word = $1 AND year = $2 AND serial = $3";
    tx.one(sql, args![word, year, n.serial]).await?.get(0)
}

/// The word of the last number that a report about this unit got.
pub(crate) async fn word_of(tx: &mut Tx, unit: UnitId) -> Result<Option<String>> {
    let sql = "SELECT n.word FROM report_number n JOIN report r ON r.id = n.report
               WHERE r.unit = $1 ORDER BY n.year DESC, n.report DESC, n.serial DESC LIMIT 1";
    let row = tx.optional(sql, args![unit]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The highest serial number of a word in a year; nought when none was given.
pub(crate) async fn highest(tx: &mut Tx, word: &str, year: i16) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(MAX(serial), 0) AS BIGINT) FROM report_number WHERE word = $1 AND year = $2";
    tx.one(sql, args![word, i64::from(year)]).await?.get(0)
}
