//! All SQL of inspections.

pub(crate) mod forms;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx};
use kernel::{AccountId, Error, Result};
use serde::de::DeserializeOwned;

/// The tables. A version of a checklist is never changed; a draft is changed by those who saw its last change.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "inspections_20261122_checklists",
    sql: "
    CREATE TABLE checklist (
        code TEXT NOT NULL, version BIGINT NOT NULL, template TEXT NOT NULL, unit {blob} REFERENCES unit, pack TEXT NOT NULL,
        from_date TEXT NOT NULL, note TEXT NOT NULL, by_account {blob}, used_by {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (code, version)) {clustered};
    CREATE TABLE checklist_draft (
        id {blob} PRIMARY KEY, unit {blob} NOT NULL REFERENCES unit, template TEXT NOT NULL, from_date TEXT NOT NULL,
        note TEXT NOT NULL, state TEXT NOT NULL, seq BIGINT NOT NULL, writers TEXT NOT NULL, returned TEXT NOT NULL,
        at BIGINT NOT NULL);
    CREATE INDEX checklist_draft_state ON checklist_draft (state, id);
    ",
}];

/// A column that holds JSON.
pub(crate) fn json_of<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// What accounts are called: by their people, else by their sign-in names.
pub(crate) async fn account_names(
    tx: &mut Tx,
    ids: &[AccountId],
) -> Result<HashMap<AccountId, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT a.id, COALESCE(p.name, a.login) FROM account a LEFT JOIN person p ON p.id = a.person WHERE a.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}
