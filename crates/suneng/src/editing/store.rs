//! All SQL of edited packs.

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Result, Timestamp};

/// The tables: versions are added and never changed; which one is in use is one row a pack.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "packs_20261122_versions",
    sql: "
    CREATE TABLE pack_version (
        pack TEXT NOT NULL, n BIGINT NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL, note TEXT NOT NULL,
        by_account {blob} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (pack, n)) {clustered};
    CREATE TABLE pack_use (pack TEXT PRIMARY KEY, n BIGINT NOT NULL, by_account {blob} NOT NULL, at BIGINT NOT NULL);
    ",
}];

/// A version of a pack that somebody saved (版本).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Number, from 1.
    pub n: i64,
    /// Hash of the text.
    pub sha256: String,
    /// Why it was made.
    pub note: String,
    /// Name of who made it; none when there is no such account.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The versions of a pack, the newest first.
pub(super) async fn versions(tx: &mut Tx, pack: &str) -> Result<Vec<Version>> {
    let sql = "SELECT v.n, v.sha256, v.note, COALESCE(p.name, a.login), v.at FROM pack_version v
        LEFT JOIN account a ON a.id = v.by_account LEFT JOIN person p ON p.id = a.person
        WHERE v.pack = $1 ORDER BY v.n DESC";
    let read = |row: &Row| {
        Ok(Version {
            n: row.get(0)?,
            sha256: row.get(1)?,
            note: row.get(2)?,
            name: row.get(3)?,
            at: row.get(4)?,
        })
    };
    tx.query(sql, args![pack]).await?.iter().map(read).collect()
}

/// The text of a version.
pub(super) async fn text(tx: &mut Tx, pack: &str, n: i64) -> Result<Option<String>> {
    let sql = "SELECT text FROM pack_version WHERE pack = $1 AND n = $2";
    let row = tx.optional(sql, args![pack, n]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Adds a version; false when there is one with its number.
pub(super) async fn insert(
    tx: &mut Tx,
    pack: &str,
    (n, text, sha256): (i64, &str, &str),
    note: &str,
    (by, at): (AccountId, Timestamp),
) -> Result<bool> {
    let sql = "INSERT INTO pack_version (pack, n, text, sha256, note, by_account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pack, n) DO NOTHING";
    let args = args![pack, n, text, sha256, note, by, at];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Packs with the versions that are in use, and their texts.
pub(super) async fn in_use(tx: &mut Tx) -> Result<Vec<(String, i64, String)>> {
    let sql = "SELECT u.pack, u.n, v.text FROM pack_use u JOIN pack_version v ON v.pack = u.pack AND v.n = u.n
        ORDER BY u.pack";
    let rows = tx.query(sql, args![]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .collect()
}

/// Packs with the versions that are in use.
pub(super) async fn chosen(tx: &mut Tx) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT pack, n FROM pack_use WHERE n > 0 ORDER BY pack";
    let rows = tx.query(sql, args![]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Packs of which there are versions.
pub(super) async fn saved(tx: &mut Tx) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT pack FROM pack_version ORDER BY pack";
    let rows = tx.query(sql, args![]).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// The text of the newest version of a pack.
pub(super) async fn newest(tx: &mut Tx, pack: &str) -> Result<Option<String>> {
    let sql = "SELECT text FROM pack_version WHERE pack = $1 ORDER BY n DESC LIMIT 1";
    let row = tx.optional(sql, args![pack]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The version of a pack that is in use; 0 is the program's own.
pub(super) async fn used(tx: &mut Tx, pack: &str) -> Result<i64> {
    let sql = "SELECT n FROM pack_use WHERE pack = $1";
    let row = tx.optional(sql, args![pack]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Puts a version to use where another was; false when that one is not any more.
pub(super) async fn put_to_use(
    tx: &mut Tx,
    pack: &str,
    (before, n): (i64, i64),
    (by, at): (AccountId, Timestamp),
) -> Result<bool> {
    if before == 0 {
        let sql = "INSERT INTO pack_use (pack, n, by_account, at) VALUES ($1, 0, $2, $3) ON CONFLICT (pack) DO NOTHING";
        tx.execute(sql, args![pack, by, at]).await?;
    }
    let sql = "UPDATE pack_use SET n = $3, by_account = $4, at = $5 WHERE pack = $1 AND n = $2";
    let changed = tx.execute(sql, args![pack, before, n, by, at]).await?;
    Ok(changed == 1)
}

/// Where records name codes of packs: table of the pack, table and column of the records.
const USES: &[(&str, &str, &str)] = &[
    ("activity-kind", "activity", "kind"),
    ("activity-kind", "activity_plan", "kind"),
    ("activity-kind", "activity_series", "kind"),
    ("agenda-item", "activity_agenda", "item"),
    ("register", "register_entry", "register"),
    ("bulletin", "bulletin", "kind"),
    ("inspection-kind", "inspection_plan", "kind"),
    ("form", "inspection_plan", "form"),
    ("campaign-kind", "campaign", "kind"),
    ("letter-kind", "letter_round", "kind"),
    ("answer-list", "answer_list", "sample"),
    ("task-plan", "task_plan", "kind"),
    ("task-owner", "task_entry", "owner"),
    ("task-practical", "task_practical", "kind"),
    ("project-kind", "project", "kind"),
    ("visit-kind", "pair_visit", "kind"),
    ("matter-kind", "matter", "kind"),
    ("role", "role_grant", "role"),
    ("body-kind", "body", "kind"),
    ("pairing-kind", "tie", "kind"),
    ("person-attribute", "person_attribute", "attribute"),
    ("report", "report", "template"),
    ("approval-route", "approval", "route"),
    ("case-kind", "case_matter", "kind"),
    ("exam-kind", "exam", "kind"),
    ("request-kind", "request", "kind"),
    ("obligation", "obligation_excuse", "rule"),
    ("obligation", "obligation_draw", "rule"),
    ("secrecy-level", "activity", "level"),
    ("secrecy-level", "register_entry", "level"),
    ("secrecy-level", "report", "level"),
    ("secrecy-level", "bulletin", "level"),
    ("secrecy-level", "matter", "level"),
];

/// A code that records use: the table of its pack, the code, the table of the records, how many there are.
pub(super) type Use = (&'static str, String, &'static str, i64);

/// Which of some codes records use.
pub(super) async fn uses(tx: &mut Tx, lost: &[(String, String)]) -> Result<Vec<Use>> {
    let mut found = Vec::new();
    for (pack_table, table, column) in USES {
        let codes = lost.iter().filter(|(t, _)| t == pack_table);
        let codes: Vec<&str> = codes.map(|(_, code)| code.as_str()).collect();
        if codes.is_empty() {
            continue;
        }
        let mut a = Args::new();
        let list = a.list(codes);
        let sql = format!(
            "SELECT {column}, CAST(COUNT(*) AS BIGINT) FROM {table} WHERE {column} IN ({list}) GROUP BY {column} ORDER BY {column}"
        );
        for row in &tx.query(sql, a).await? {
            found.push((*pack_table, row.get(0)?, *table, row.get(1)?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_where_records_name_codes_has_a_name() {
        let texts = [
            include_str!("../../locales/zh-CN/packs.ftl"),
            include_str!("../../locales/en/packs.ftl"),
        ];
        for (_, table, _) in USES {
            let line = format!("\npacks-where-{} = ", table.replace('_', "-"));
            assert!(texts.iter().all(|t| t.contains(&line)), "{line}");
        }
    }
}
