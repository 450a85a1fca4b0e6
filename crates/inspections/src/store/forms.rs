//! Checklists and their drafts.

use commons::forms::Template;
use db::{Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Scope};

use super::json_of;
use crate::forms::{Draft, DraftState, Version};

const VERSION: &str =
    "code, version, template, unit, pack, from_date, note, by_account, used_by, at";

fn version(row: &Row) -> Result<Version> {
    let template: Template = json_of(row, 2)?;
    let by: Option<AccountId> = row.get(7)?;
    let used: Option<AccountId> = row.get(8)?;
    Ok(Version {
        code: row.get(0)?,
        version: row.get(1)?,
        name: template.name,
        extends: template.extends,
        unit: row.get(3)?,
        pack: row.get(4)?,
        from: row.get(5)?,
        note: row.get(6)?,
        by: by.zip(used),
        at: row.get(9)?,
    })
}

/// Keeps a version; false when there is one of this code and number.
pub(crate) async fn keep(tx: &mut Tx, v: &Version, template: &Template) -> Result<bool> {
    let sql = "INSERT INTO checklist (code, version, template, unit, pack, from_date, note, by_account, used_by, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (code, version) DO NOTHING";
    let text = serde_json::to_string(template).map_err(Error::internal)?;
    let args = args![
        v.code.as_str(),
        v.version,
        text,
        v.unit,
        v.pack.as_str(),
        v.from,
        v.note.as_str(),
        v.by.map(|b| b.0),
        v.by.map(|b| b.1),
        v.at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// What a version says.
pub(crate) async fn template(tx: &mut Tx, code: &str, version: i64) -> Result<Option<Template>> {
    let sql = "SELECT template FROM checklist WHERE code = $1 AND version = $2";
    let row = tx.optional(sql, args![code, version]).await?;
    row.as_ref().map(|row| json_of(row, 0)).transpose()
}

/// The number of the last version; 0 where there is none.
pub(crate) async fn last(tx: &mut Tx, code: &str) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(version), 0) FROM checklist WHERE code = $1";
    tx.one(sql, args![code]).await?.get(0)
}

/// All versions, or those of one form, the newest of each first.
pub(crate) async fn versions(tx: &mut Tx, code: Option<&str>) -> Result<Vec<Version>> {
    let sql = format!(
        "SELECT {VERSION} FROM checklist WHERE COALESCE($1, code) = code ORDER BY code, version DESC"
    );
    let rows = tx.query(sql, args![code]).await?;
    rows.iter().map(version).collect()
}

const DRAFT: &str =
    "d.id, d.unit, d.template, d.from_date, d.note, d.state, d.seq, d.writers, d.returned, d.at";

fn draft_of(row: &Row) -> Result<Draft> {
    let state: String = row.get(5)?;
    Ok(Draft {
        id: row.get(0)?,
        unit: row.get(1)?,
        template: json_of(row, 2)?,
        from: row.get(3)?,
        note: row.get(4)?,
        state: DraftState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        seq: row.get(6)?,
        writers: json_of(row, 7)?,
        returned: row.get(8)?,
        at: row.get(9)?,
    })
}

/// Writes a new draft; false when its id is there already.
pub(crate) async fn add_draft(tx: &mut Tx, d: &Draft) -> Result<bool> {
    let sql = "INSERT INTO checklist_draft (id, unit, template, from_date, note, state, seq, writers, returned, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
    let args = args![
        d.id,
        d.unit,
        serde_json::to_string(&d.template).map_err(Error::internal)?,
        d.from,
        d.note.as_str(),
        d.state.code(),
        d.seq,
        serde_json::to_string(&d.writers).map_err(Error::internal)?,
        d.returned.as_str(),
        d.at
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Saves a draft; false when it is not any more as it was looked at.
pub(crate) async fn save_draft(tx: &mut Tx, d: &Draft, seq: i64) -> Result<bool> {
    let sql = "UPDATE checklist_draft SET template = $3, from_date = $4, note = $5, state = $6, seq = $7, writers = $8,
        returned = $9 WHERE id = $1 AND seq = $2";
    let args = args![
        d.id,
        seq,
        serde_json::to_string(&d.template).map_err(Error::internal)?,
        d.from,
        d.note.as_str(),
        d.state.code(),
        d.seq,
        serde_json::to_string(&d.writers).map_err(Error::internal)?,
        d.returned.as_str()
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// A draft of a unit in a scope.
pub(crate) async fn draft(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Draft> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "d.unit", &mut a);
    let sql = format!("SELECT {DRAFT} FROM checklist_draft d WHERE d.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref()
        .map(draft_of)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// Drafts of units in any of these scopes that are open or wait, the newest first.
pub(crate) async fn drafts(tx: &mut Tx, scopes: &[&Scope]) -> Result<Vec<Draft>> {
    let mut a = args![];
    let scopes: Vec<String> = scopes
        .iter()
        .map(|scope| organization::scope_sql(scope, "d.unit", &mut a))
        .collect();
    let sql = format!(
        "SELECT {DRAFT} FROM checklist_draft d WHERE d.state IN ('open', 'proposed') AND ({}) ORDER BY d.id DESC LIMIT 200",
        scopes.join(" OR ")
    );
    tx.query(sql, a).await?.iter().map(draft_of).collect()
}
