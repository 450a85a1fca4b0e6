//! All SQL of inspections.

pub(crate) mod forms;
pub(crate) mod plans;
pub(crate) mod results;
pub(crate) mod rivals;
pub(crate) mod tasks;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx};
use kernel::{AccountId, Error, Result};
use serde::de::DeserializeOwned;

/// The tables. A version of a checklist is never changed; a draft is changed by those who saw its last change.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
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
},
    Migration {
    name: "inspections_20261122_plans",
    sql: "
    CREATE TABLE inspection_plan (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, host {blob} NOT NULL REFERENCES unit, form TEXT NOT NULL,
        form_version BIGINT NOT NULL, title TEXT NOT NULL, basis TEXT NOT NULL, opens TEXT NOT NULL, until TEXT NOT NULL,
        repeats TEXT NOT NULL, state TEXT NOT NULL, seq BIGINT NOT NULL, series {blob} NOT NULL, round BIGINT NOT NULL,
        by_account {blob} NOT NULL, at BIGINT NOT NULL);
    CREATE UNIQUE INDEX inspection_plan_round ON inspection_plan (series, round);
    CREATE INDEX inspection_plan_opens ON inspection_plan (opens, id);
    CREATE TABLE inspection_team (
        id {blob} PRIMARY KEY, plan {blob} NOT NULL REFERENCES inspection_plan, name TEXT NOT NULL, region TEXT NOT NULL,
        opens TEXT, until TEXT);
    CREATE INDEX inspection_team_plan ON inspection_team (plan, id);
    CREATE TABLE inspection_member (
        team {blob} NOT NULL REFERENCES inspection_team, person {blob} NOT NULL, place BIGINT NOT NULL,
        PRIMARY KEY (team, person)) {clustered};
    CREATE INDEX inspection_member_person ON inspection_member (person);
    CREATE TABLE inspection_recusal (
        plan {blob} NOT NULL REFERENCES inspection_plan, unit {blob} NOT NULL, person {blob} NOT NULL, reason TEXT NOT NULL,
        by_account {blob} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (plan, unit, person)) {clustered};
    CREATE TABLE inspection_task (
        id {blob} PRIMARY KEY, plan {blob} NOT NULL REFERENCES inspection_plan, unit {blob} NOT NULL REFERENCES unit,
        team {blob} REFERENCES inspection_team, object TEXT NOT NULL, opens TEXT NOT NULL, until TEXT NOT NULL,
        state TEXT NOT NULL, code TEXT NOT NULL, request {blob}, version BIGINT NOT NULL, share BIGINT,
        findings BIGINT NOT NULL, done_on TEXT);
    CREATE UNIQUE INDEX inspection_task_object ON inspection_task (plan, unit, object);
    CREATE UNIQUE INDEX inspection_task_code ON inspection_task (code);
    CREATE INDEX inspection_task_unit ON inspection_task (unit, state);
    CREATE INDEX inspection_task_request ON inspection_task (request);
    CREATE TABLE inspection_draw (
        plan {blob} NOT NULL REFERENCES inspection_plan, unit {blob} NOT NULL, log {blob} NOT NULL, size BIGINT NOT NULL,
        root TEXT NOT NULL, numbers TEXT NOT NULL, picked TEXT NOT NULL, by_account {blob} NOT NULL, at BIGINT NOT NULL,
        PRIMARY KEY (plan, unit)) {clustered};
    ",
},
    Migration {
    name: "inspections_20261122_results",
    sql: "
    CREATE TABLE inspection_answer (
        task {blob} NOT NULL REFERENCES inspection_task, item TEXT NOT NULL, answer TEXT NOT NULL, place TEXT NOT NULL,
        by_account {blob} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (task, item)) {clustered};
    CREATE TABLE inspection_file (
        task {blob} NOT NULL REFERENCES inspection_task, sha256 TEXT NOT NULL, name TEXT NOT NULL, size BIGINT NOT NULL,
        at BIGINT NOT NULL, PRIMARY KEY (task, sha256)) {clustered};
    CREATE TABLE inspection_device (
        task {blob} NOT NULL REFERENCES inspection_task, device TEXT NOT NULL, seq BIGINT NOT NULL,
        PRIMARY KEY (task, device)) {clustered};
    CREATE TABLE inspection_result (
        task {blob} NOT NULL REFERENCES inspection_task, n BIGINT NOT NULL, answers TEXT NOT NULL, places TEXT NOT NULL,
        score TEXT NOT NULL, done_on TEXT NOT NULL, paper TEXT NOT NULL, reason TEXT NOT NULL, by_account {blob} NOT NULL,
        on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (task, n)) {clustered};
    CREATE TABLE inspection_finding (
        task {blob} NOT NULL REFERENCES inspection_task, item TEXT NOT NULL, n BIGINT NOT NULL, way TEXT NOT NULL,
        severity TEXT NOT NULL, title TEXT NOT NULL, note TEXT NOT NULL, kept {blob}, PRIMARY KEY (task, n, item)) {clustered};
    CREATE TABLE inspection_objection (
        id {blob} PRIMARY KEY, task {blob} NOT NULL REFERENCES inspection_task, n BIGINT NOT NULL, text TEXT NOT NULL,
        by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL, upheld BOOLEAN, answer TEXT NOT NULL,
        decided_by {blob}, decided_at BIGINT);
    CREATE UNIQUE INDEX inspection_objection_task ON inspection_objection (task, n);
    ",
},
    Migration {
    name: "inspections_20261124_rivals",
    sql: "
    INSERT INTO search_fill (kind) VALUES ('inspection-plan');
    ALTER TABLE inspection_answer ADD COLUMN device TEXT;
    ALTER TABLE inspection_task ADD COLUMN body {blob} REFERENCES body;
    ALTER TABLE inspection_task ADD COLUMN leg BIGINT;
    CREATE TABLE inspection_rival (
        task {blob} NOT NULL REFERENCES inspection_task, item TEXT NOT NULL, device TEXT NOT NULL, answer TEXT NOT NULL,
        place TEXT NOT NULL, by_account {blob} NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (task, item, device)) {clustered};
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
