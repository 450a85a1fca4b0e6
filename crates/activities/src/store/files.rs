//! The SQL of evidence: rows are added and never changed.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Date, Id, Result, Timestamp};
use ledger::SourceFile;

pub(super) const TABLES: &str = "
    CREATE TABLE activity_file (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, name TEXT NOT NULL, sha256 TEXT NOT NULL,
        size BIGINT NOT NULL, dated TEXT NOT NULL, later BOOLEAN NOT NULL, by_account {blob} NOT NULL,
        on_behalf {blob}, at BIGINT NOT NULL, UNIQUE (activity, sha256));
";

/// A file with an activity (佐证材料).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledEvidence {
    /// Id.
    pub id: Id,
    /// Name.
    pub name: String,
    /// Hash of its content, as facts carry it.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// Day of the thing that it shows.
    pub dated: Date,
    /// Whether it was added after the activity was recorded.
    pub later: bool,
    /// By which account.
    pub by: AccountId,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When it was added.
    pub at: Timestamp,
}

/// Adds a file; false when the same content is there already.
pub(crate) async fn add(tx: &mut Tx, activity: ActivityId, f: &FiledEvidence) -> Result<bool> {
    let sql = "INSERT INTO activity_file (id, activity, name, sha256, size, dated, later, by_account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (activity, sha256) DO NOTHING";
    let args = args![
        f.id,
        activity,
        f.name.as_str(),
        f.sha256.as_str(),
        f.size,
        f.dated,
        f.later,
        f.by,
        f.on_behalf,
        f.at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The files of an activity, the oldest first.
pub(crate) async fn of(tx: &mut Tx, activity: ActivityId) -> Result<Vec<FiledEvidence>> {
    let sql =
        "SELECT id, name, sha256, size, dated, later, by_account, on_behalf, at FROM activity_file
        WHERE activity = $1 ORDER BY id";
    let read = |r: &Row| {
        Ok(FiledEvidence {
            id: r.get(0)?,
            name: r.get(1)?,
            sha256: r.get(2)?,
            size: r.get(3)?,
            dated: r.get(4)?,
            later: r.get(5)?,
            by: r.get(6)?,
            on_behalf: r.get(7)?,
            at: r.get(8)?,
        })
    };
    tx.query(sql, args![activity])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The files of many activities, the oldest first; of confidential ones none.
pub(crate) async fn of_many(
    tx: &mut Tx,
    activities: &[Id],
) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found: HashMap<Id, Vec<SourceFile>> = HashMap::new();
    for chunk in activities.chunks(500) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT f.activity, f.name, f.sha256, f.size FROM activity_file f JOIN activity a ON a.id = f.activity
             WHERE NOT a.confidential AND f.activity IN ({list}) ORDER BY f.id"
        );
        for row in &tx.query(sql, args).await? {
            let file = SourceFile {
                name: row.get(1)?,
                sha256: row.get(2)?,
                size: row.get(3)?,
            };
            found.entry(row.get(0)?).or_default().push(file);
        }
    }
    Ok(found)
}
