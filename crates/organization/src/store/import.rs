//! The SQL of imports: what was uploaded, its rows, what is found in them, and batches of people that stay
//! unseen until they are complete.

use std::collections::{HashMap, HashSet};

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp};

use super::{Known, ON_DAY, scope_sql};
use crate::attributes::Traits;
use crate::import::record::{Finding, Import, State, Summary, Upload};
use crate::import::{Decision, PeoplePlan};
use crate::model::{Assignment, Nature, Person};
use crate::sheet::Columns;

pub(super) const MIGRATION: Migration = Migration {
    name: "organization_20261122_imports",
    // Units of a batch are written when it is shown, after the rows that name them.
    sql: "
        ALTER TABLE organization_version ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE organization_version ADD COLUMN shown BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE organization_version ADD COLUMN lease BIGINT NOT NULL DEFAULT 0;
        CREATE TABLE assignment_row (
            id {blob} PRIMARY KEY,
            person {blob} NOT NULL REFERENCES person (id),
            unit {blob} NOT NULL,
            post TEXT NOT NULL,
            from_date TEXT NOT NULL,
            to_date TEXT,
            is_primary BOOLEAN NOT NULL,
            batch BIGINT NOT NULL DEFAULT 0);
        INSERT INTO assignment_row (id, person, unit, post, from_date, to_date, is_primary)
            SELECT id, person, unit, post, from_date, to_date, is_primary FROM assignment;
        DROP TABLE assignment;
        CREATE INDEX assignment_person ON assignment_row (person, from_date);
        CREATE INDEX assignment_unit ON assignment_row (unit, from_date);
        CREATE UNIQUE INDEX assignment_primary ON assignment_row (person, from_date) WHERE is_primary;
        CREATE VIEW assignment AS
            SELECT r.id, r.person, r.unit, r.post, r.from_date, r.to_date, r.is_primary FROM assignment_row r
            WHERE r.batch <= (SELECT v.shown FROM organization_version v WHERE v.id = 1);
        CREATE INDEX person_name ON person (name);
        CREATE TABLE import (
            id {blob} PRIMARY KEY,
            account {blob},
            state TEXT NOT NULL,
            files TEXT NOT NULL,
            done BIGINT NOT NULL,
            total BIGINT NOT NULL,
            summary TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            touched_at BIGINT NOT NULL);
        CREATE TABLE import_row (
            import {blob} NOT NULL REFERENCES import (id),
            kind TEXT NOT NULL,
            code TEXT NOT NULL,
            n BIGINT NOT NULL,
            head BIGINT NOT NULL,
            number BIGINT NOT NULL,
            texts TEXT NOT NULL,
            PRIMARY KEY (import, kind, code, n)) {clustered};
        CREATE TABLE import_finding (
            import {blob} NOT NULL REFERENCES import (id),
            kind TEXT NOT NULL,
            n BIGINT NOT NULL,
            address TEXT NOT NULL,
            code TEXT NOT NULL,
            name TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (import, kind, n)) {clustered};
        CREATE TABLE import_decision (
            import {blob} NOT NULL REFERENCES import (id),
            code TEXT NOT NULL,
            decision TEXT NOT NULL,
            person {blob},
            PRIMARY KEY (import, code)) {clustered};
        CREATE TABLE import_header (
            header TEXT PRIMARY KEY,
            columns TEXT NOT NULL,
            used_at BIGINT NOT NULL)",
};

/// A batch that is not renewed for so long is given up.
const LEASE_SECONDS: i64 = 60;

/// Counts on the version and holds its row until the end of the transaction, so that changes to
/// units and people follow one another and each sees the one before. Gives the version before. What a
/// batch left that was never shown is taken away first.
///
/// # Errors
/// `Busy` while a batch is being written.
pub(crate) async fn lock(tx: &mut Tx, now: Timestamp) -> Result<i64> {
    let sql = "UPDATE organization_version SET version = version + 1 WHERE id = 1 AND lease <= $1";
    if tx.execute(sql, args![now]).await? != 1 {
        let sql = "SELECT 1 FROM organization_version WHERE id = 1";
        return Err(match tx.optional(sql, args![]).await? {
            Some(_) => Error::Busy { retry_after: 2 },
            None => Error::internal("the organization's version row is missing"),
        });
    }
    let sql = "SELECT version, begun, shown FROM organization_version WHERE id = 1";
    let row = tx.one(sql, args![]).await?;
    let (version, begun, shown): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    if begun > shown {
        drop_unseen(tx, shown).await?;
        let sql = "UPDATE organization_version SET shown = begun WHERE id = 1";
        tx.execute(sql, args![]).await?;
    }
    Ok(version - 1)
}

async fn drop_unseen(tx: &mut Tx, shown: i64) -> Result<()> {
    let sql = "SELECT DISTINCT r.person FROM assignment_row r WHERE r.batch > $1
        AND NOT EXISTS (SELECT 1 FROM assignment_row o WHERE o.person = r.person AND o.batch <= $1)";
    let rows = tx.query(sql, args![shown]).await?;
    let people: Result<Vec<PersonId>> = rows.iter().map(|row| row.get(0)).collect();
    let sql = "DELETE FROM assignment_row WHERE batch > $1";
    tx.execute(sql, args![shown]).await?;
    for chunk in people?.chunks(5_000) {
        for (table, column) in [
            ("person_attribute", "person"),
            ("person_identity", "person"),
            ("person", "id"),
        ] {
            let mut args = Args::new();
            let list = args.list(chunk.iter().copied());
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({list})");
            tx.execute(sql, args).await?;
        }
    }
    Ok(())
}

/// Begins a batch: from now on nobody else changes units and people. Gives its number and the version
/// that stands meanwhile.
pub(crate) async fn begin_batch(tx: &mut Tx, now: Timestamp) -> Result<(i64, i64)> {
    let version = lock(tx, now).await?;
    let sql = "UPDATE organization_version SET begun = begun + 1, lease = $1 WHERE id = 1";
    tx.execute(sql, args![now.plus_seconds(LEASE_SECONDS)])
        .await?;
    let sql = "SELECT begun FROM organization_version WHERE id = 1";
    Ok((tx.one(sql, args![]).await?.get(0)?, version))
}

/// Keeps a batch; refuses when it was given up meanwhile.
pub(crate) async fn renew_batch(tx: &mut Tx, batch: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE organization_version SET lease = $2
        WHERE id = 1 AND begun = $1 AND shown < $1 AND lease > 0";
    let until = now.plus_seconds(LEASE_SECONDS);
    batch_held(tx.execute(sql, args![batch, until]).await?)
}

/// Shows a whole batch at once.
pub(crate) async fn show_batch(tx: &mut Tx, batch: i64) -> Result<()> {
    let sql = "UPDATE organization_version SET shown = $1, lease = 0, version = version + 1
        WHERE id = 1 AND begun = $1 AND shown < $1 AND lease > 0";
    batch_held(tx.execute(sql, args![batch]).await?)
}

/// Gives a batch up; the next change takes its rows away.
pub(crate) async fn give_up_batch(tx: &mut Tx, batch: i64) -> Result<()> {
    let sql = "UPDATE organization_version SET lease = 0 WHERE id = 1 AND begun = $1";
    tx.execute(sql, args![batch]).await?;
    Ok(())
}

fn batch_held(rows: u64) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::internal("the batch was given up meanwhile"))
}

/// Writes what is new of a plan into a batch, unseen.
pub(crate) async fn put_unseen(
    tx: &mut Tx,
    batch: i64,
    plan: &PeoplePlan,
    now: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    let mut rows = Args::with_capacity(plan.people.len() * 5);
    for p in plan.people.iter().filter(|p| plan.is_new(p.id)) {
        rows.add(p.id);
        rows.add(&p.staff_no);
        rows.add(&p.name);
        rows.add(p.words());
        rows.add(now);
    }
    let sql = "INSERT INTO person (id, staff_no, name, words, created_at) VALUES";
    tx.insert_many(sql, 5, "", rows).await?;
    let mut rows = Args::with_capacity(plan.assignments.len() * 9);
    for (person, a) in plan
        .assignments
        .iter()
        .filter(|(_, a)| !plan.known.contains(&a.id))
    {
        rows.add(a.id);
        rows.add(*person);
        rows.add(a.unit);
        rows.add(&a.post);
        rows.add(a.from);
        rows.add(a.to);
        rows.add(a.primary);
        rows.add(a.nature.code());
        rows.add(batch);
    }
    let sql = "INSERT INTO assignment_row
        (id, person, unit, post, from_date, to_date, is_primary, nature, batch) VALUES";
    tx.insert_many(sql, 9, "", rows).await?;
    let traits = plan
        .traits
        .iter()
        .filter(|(person, ..)| plan.is_new(*person));
    put_traits(tx, traits, now, by).await
}

/// Says what attributes of people are from a day on.
pub(crate) async fn put_traits<'t>(
    tx: &mut Tx,
    traits: impl IntoIterator<Item = &'t (PersonId, String, Date, String)>,
    now: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    let mut rows = Args::new();
    for (person, code, from, value) in traits {
        rows.add(*person);
        rows.add(code);
        rows.add(*from);
        rows.add(value);
        rows.add(now);
        rows.add(by);
    }
    tx.insert_many(
        "INSERT INTO person_attribute (person, attribute, from_date, value, recorded_at, recorded_by) VALUES",
        6,
        "ON CONFLICT (person, attribute, from_date) DO UPDATE SET value = excluded.value,
            recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        rows,
    )
    .await?;
    Ok(())
}

/// The attributes of people.
pub(crate) async fn traits_of(
    tx: &mut Tx,
    people: &[PersonId],
) -> Result<HashMap<PersonId, Traits>> {
    let mut found: HashMap<PersonId, Vec<(String, Date, String)>> = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT person, attribute, from_date, value FROM person_attribute WHERE person IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            let of = found.entry(row.get(0)?).or_default();
            of.push((row.get(1)?, row.get(2)?, row.get(3)?));
        }
    }
    let found = found.into_iter();
    Ok(found
        .map(|(person, list)| (person, Traits::new(list)))
        .collect())
}

/// The staff numbers of people.
pub(crate) async fn numbers_of(
    tx: &mut Tx,
    people: &[PersonId],
) -> Result<HashMap<PersonId, String>> {
    let mut args = Args::new();
    let list = args.list(people.iter().copied());
    let sql = format!("SELECT id, staff_no FROM person WHERE id IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Somebody who is there and looks like somebody stated.
#[derive(Debug, Clone)]
pub(crate) struct Namesake {
    pub person: PersonId,
    pub staff_no: String,
    pub name: String,
    pub unit_code: String,
    pub unit: String,
    pub post: String,
}

/// Who has one of these names on a day, in a scope.
pub(crate) async fn namesakes(
    tx: &mut Tx,
    names: &[&str],
    date: Date,
    scope: &Scope,
) -> Result<Vec<Namesake>> {
    serving_as(tx, "p.name", names, date, scope).await
}

/// Those of these people who serve in a scope on a day.
pub(crate) async fn served(
    tx: &mut Tx,
    people: &[PersonId],
    date: Date,
    scope: &Scope,
) -> Result<Vec<Namesake>> {
    serving_as(tx, "p.id", people, date, scope).await
}

async fn serving_as<V: Copy + Into<db::Arg>>(
    tx: &mut Tx,
    column: &str,
    values: &[V],
    date: Date,
    scope: &Scope,
) -> Result<Vec<Namesake>> {
    let mut found = Vec::new();
    for chunk in values.chunks(5_000) {
        let mut args = args![date];
        let list = args.list(chunk.iter().copied());
        let scope = scope_sql(scope, "a.unit", &mut args);
        let sql = format!(
            "SELECT p.id, p.staff_no, p.name, u.code, u.name, a.post
             FROM person p JOIN assignment a ON a.person = p.id JOIN unit u ON u.id = a.unit
             WHERE {column} IN ({list}) AND {ON_DAY} AND {scope} ORDER BY p.staff_no"
        );
        for row in tx.query(sql, args).await? {
            found.push(Namesake {
                person: row.get(0)?,
                staff_no: row.get(1)?,
                name: row.get(2)?,
                unit_code: row.get(3)?,
                unit: row.get(4)?,
                post: row.get(5)?,
            });
        }
    }
    Ok(found)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

pub(crate) async fn put_import(tx: &mut Tx, import: &Import) -> Result<()> {
    tx.execute(
        "INSERT INTO import (id, account, state, files, done, total, summary, created_at, touched_at)
         VALUES ($1, $2, $3, $4, 0, 0, $5, $6, $6)",
        args![
            import.id,
            import.account,
            import.state.code(),
            json(&import.files)?,
            json(&import.summary)?,
            import.touched_at
        ],
    )
    .await?;
    Ok(())
}

const IMPORT: &str =
    "SELECT id, account, state, files, done, total, summary, touched_at FROM import";

pub(super) fn import(row: &Row) -> Result<Import> {
    let (state, files, summary): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(6)?);
    Ok(Import {
        id: row.get(0)?,
        account: row.get(1)?,
        state: State::from_code(&state)?,
        files: parsed(&files)?,
        done: row.get(4)?,
        total: row.get(5)?,
        summary: parsed(&summary)?,
        touched_at: row.get(7)?,
    })
}

pub(crate) async fn import_by_id(tx: &mut Tx, id: Id) -> Result<Option<Import>> {
    let row = tx
        .optional(format!("{IMPORT} WHERE id = $1"), args![id])
        .await?;
    row.as_ref().map(import).transpose()
}

/// The imports of an account that are not done, newest first.
pub(crate) async fn open_imports(tx: &mut Tx, account: AccountId) -> Result<Vec<Import>> {
    let sql = format!(
        "{IMPORT} WHERE account = $1 AND state <> 'done' ORDER BY created_at DESC, id DESC LIMIT 5"
    );
    tx.query(sql, args![account])
        .await?
        .iter()
        .map(import)
        .collect()
}

/// Where the files of all imports are held.
pub(crate) async fn files_of_imports(tx: &mut Tx) -> Result<HashSet<String>> {
    let rows = tx.query("SELECT files FROM import", args![]).await?;
    let mut held = HashSet::new();
    for row in &rows {
        let files: Vec<Upload> = parsed(&row.get::<String>(0)?)?;
        held.extend(files.into_iter().map(|file| file.held));
    }
    Ok(held)
}

/// Goes from one of some states to another; false when the import is in none of them. Work that nobody
/// goes on with may be taken over.
pub(crate) async fn take_import(
    tx: &mut Tx,
    id: Id,
    from: &[State],
    to: State,
    now: Timestamp,
) -> Result<bool> {
    let mut args = args![id, to.code(), now, now.plus_seconds(-LEASE_SECONDS)];
    let list = args.list(from.iter().map(|s| s.code()));
    let sql = format!(
        "UPDATE import SET state = $2, done = 0, total = 0, touched_at = $3 WHERE id = $1
         AND (state IN ({list}) OR (state IN ('checking', 'publishing') AND touched_at < $4))"
    );
    Ok(tx.execute(sql, args).await? == 1)
}

/// Says how far it is, and that somebody works on it; false when it is in another state meanwhile.
pub(crate) async fn touch_import(
    tx: &mut Tx,
    id: Id,
    state: State,
    done: i64,
    total: i64,
    now: Timestamp,
) -> Result<()> {
    let sql =
        "UPDATE import SET done = $3, total = $4, touched_at = $5 WHERE id = $1 AND state = $2";
    let kept = tx
        .execute(sql, args![id, state.code(), done, total, now])
        .await?;
    if kept == 1 {
        return Ok(());
    }
    Err(Error::internal("the import was taken over meanwhile"))
}

pub(crate) async fn end_import(
    tx: &mut Tx,
    id: Id,
    from: State,
    to: State,
    summary: &Summary,
    now: Timestamp,
) -> Result<()> {
    let sql =
        "UPDATE import SET state = $3, summary = $4, touched_at = $5 WHERE id = $1 AND state = $2";
    let args = args![id, from.code(), to.code(), json(summary)?, now];
    if tx.execute(sql, args).await? == 1 {
        return Ok(());
    }
    Err(Error::internal("the import was taken over meanwhile"))
}

pub(crate) async fn put_files(tx: &mut Tx, id: Id, files: &[Upload]) -> Result<()> {
    let sql = "UPDATE import SET files = $2 WHERE id = $1";
    tx.execute(sql, args![id, json(&files)?]).await?;
    Ok(())
}

/// A row of a sheet as it was staged.
#[derive(Debug)]
pub(crate) struct Staged {
    pub kind: &'static str,
    pub code: String,
    pub n: i64,
    pub head: i64,
    pub number: u32,
    pub texts: Vec<String>,
}

pub(crate) async fn put_rows(tx: &mut Tx, id: Id, rows: &[Staged]) -> Result<()> {
    let mut args = Args::with_capacity(rows.len() * 7);
    for row in rows {
        args.add(id);
        args.add(row.kind);
        args.add(&row.code);
        args.add(row.n);
        args.add(row.head);
        args.add(row.number);
        args.add(json(&row.texts)?);
    }
    let sql = "INSERT INTO import_row (import, kind, code, n, head, number, texts) VALUES";
    tx.insert_many(sql, 7, "", args).await?;
    Ok(())
}

/// Staged rows: code, head, row number, texts.
pub(crate) type RowOf = (String, usize, u32, Vec<String>);

/// The next rows of a kind by code, about so many; all rows of a code come together.
pub(crate) async fn rows_after(
    tx: &mut Tx,
    id: Id,
    kind: &str,
    after: Option<&str>,
    about: i64,
) -> Result<Vec<RowOf>> {
    let mut args = args![id, kind, about];
    let mut condition = "import = $1 AND kind = $2".to_owned();
    if let Some(after) = after {
        condition += &format!(" AND code > {}", args.push(after));
    }
    let sql =
        format!("SELECT code FROM import_row WHERE {condition} ORDER BY code, n LIMIT 1 OFFSET $3");
    let last: Option<String> = match tx.optional(sql, args).await? {
        Some(row) => Some(row.get(0)?),
        None => None,
    };
    let mut args = args![id, kind];
    let mut condition = "import = $1 AND kind = $2".to_owned();
    if let Some(after) = after {
        condition += &format!(" AND code > {}", args.push(after));
    }
    if let Some(last) = last {
        condition += &format!(" AND code <= {}", args.push(last));
    }
    let sql = format!(
        "SELECT code, head, number, texts FROM import_row WHERE {condition} ORDER BY code, n"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| {
            let (head, number, texts): (i64, i64, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let head = usize::try_from(head).map_err(Error::internal)?;
            let number = u32::try_from(number).map_err(Error::internal)?;
            Ok((row.get(0)?, head, number, parsed(&texts)?))
        })
        .collect()
}

/// Gives rows of one code to another one.
pub(crate) async fn move_rows(tx: &mut Tx, id: Id, from: &str, to: &str) -> Result<()> {
    let sql = "UPDATE import_row SET code = $3 WHERE import = $1 AND kind = 'p' AND code = $2";
    tx.execute(sql, args![id, from, to]).await?;
    Ok(())
}

/// Takes away some staged rows of a kind; gives whether there were any.
pub(crate) async fn drop_rows(tx: &mut Tx, id: Id, kind: &str, about: i64) -> Result<bool> {
    let sql = "SELECT code FROM import_row WHERE import = $1 AND kind = $2
        ORDER BY code, n LIMIT 1 OFFSET $3";
    let mut args = args![id, kind];
    let mut condition = "import = $1 AND kind = $2".to_owned();
    if let Some(row) = tx.optional(sql, args![id, kind, about]).await? {
        let last: String = row.get(0)?;
        condition += &format!(" AND code <= {}", args.push(last));
    }
    let sql = format!("DELETE FROM import_row WHERE {condition}");
    Ok(tx.execute(sql, args).await? > 0)
}

/// Takes away the findings of a kind up to a number; gives whether there were any.
pub(crate) async fn drop_findings(tx: &mut Tx, id: Id, kind: &str, up_to: i64) -> Result<bool> {
    let sql = "DELETE FROM import_finding WHERE import = $1 AND kind = $2 AND n <= $3";
    Ok(tx.execute(sql, args![id, kind, up_to]).await? > 0)
}

/// Takes an import away whose rows are gone already.
pub(crate) async fn drop_import(tx: &mut Tx, id: Id) -> Result<()> {
    tx.execute("DELETE FROM import_decision WHERE import = $1", args![id])
        .await?;
    tx.execute("DELETE FROM import WHERE id = $1", args![id])
        .await?;
    Ok(())
}

pub(crate) async fn put_findings(
    tx: &mut Tx,
    id: Id,
    first: &mut HashMap<&'static str, i64>,
    findings: &[Finding],
) -> Result<()> {
    let mut args = Args::with_capacity(findings.len() * 7);
    for finding in findings {
        let n = first.entry(finding.kind).or_insert(0);
        *n += 1;
        args.add(id);
        args.add(finding.kind);
        args.add(*n);
        args.add(finding.address.replace('\0', ""));
        args.add(finding.code.replace('\0', ""));
        args.add(finding.name.replace('\0', ""));
        args.add(json(&finding.detail)?);
    }
    let sql = "INSERT INTO import_finding (import, kind, n, address, code, name, detail) VALUES";
    tx.insert_many(sql, 7, "", args).await?;
    Ok(())
}

/// What was found of some kinds, after a place among them, with their numbers.
pub(crate) async fn findings(
    tx: &mut Tx,
    id: Id,
    kind: &'static str,
    after: i64,
    limit: i64,
) -> Result<Vec<Finding>> {
    let sql = "SELECT address, code, name, detail FROM import_finding
        WHERE import = $1 AND kind = $2 AND n > $3 ORDER BY n LIMIT $4";
    let rows = tx.query(sql, args![id, kind, after, limit]).await?;
    rows.iter()
        .map(|row| {
            let detail: String = row.get(3)?;
            Ok(Finding {
                kind,
                address: row.get(0)?,
                code: row.get(1)?,
                name: row.get(2)?,
                detail: parsed(&detail)?,
            })
        })
        .collect()
}

pub(crate) async fn put_decision(
    tx: &mut Tx,
    id: Id,
    code: &str,
    decision: Decision,
) -> Result<()> {
    let (word, person) = match decision {
        Decision::Same(person) => ("same", Some(person)),
        Decision::Other => ("other", None),
        Decision::Out => ("out", None),
    };
    tx.execute(
        "INSERT INTO import_decision (import, code, decision, person) VALUES ($1, $2, $3, $4)
         ON CONFLICT (import, code) DO UPDATE SET decision = excluded.decision, person = excluded.person",
        args![id, code, word, person],
    )
    .await?;
    Ok(())
}

pub(crate) async fn decisions(tx: &mut Tx, id: Id) -> Result<HashMap<String, Decision>> {
    let sql = "SELECT code, decision, person FROM import_decision WHERE import = $1";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter()
        .map(|row| {
            let (word, person): (String, Option<PersonId>) = (row.get(1)?, row.get(2)?);
            let decision = match (word.as_str(), person) {
                ("same", Some(person)) => Decision::Same(person),
                ("out", _) => Decision::Out,
                _ => Decision::Other,
            };
            Ok((row.get(0)?, decision))
        })
        .collect()
}

/// Which fields the columns of a header filled the last time.
pub(crate) async fn columns_of(tx: &mut Tx, header: &str) -> Result<Option<Columns>> {
    let sql = "SELECT columns FROM import_header WHERE header = $1";
    let Some(row) = tx.optional(sql, args![header]).await? else {
        return Ok(None);
    };
    let columns: String = row.get(0)?;
    parsed(&columns).map(Some)
}

pub(crate) async fn remember_columns(
    tx: &mut Tx,
    header: &str,
    columns: &[(String, usize)],
    now: Timestamp,
) -> Result<()> {
    tx.execute(
        "INSERT INTO import_header (header, columns, used_at) VALUES ($1, $2, $3)
         ON CONFLICT (header) DO UPDATE SET columns = excluded.columns, used_at = excluded.used_at",
        args![header, json(&columns)?, now],
    )
    .await?;
    Ok(())
}

/// A line of an export: an assignment with whom it is of.
pub(crate) struct Exported {
    pub person: Person,
    pub unit_code: String,
    pub assignment: Assignment,
}

/// The assignments of people who serve in a scope on a day or later, in the order of staff numbers, some
/// after a number.
pub(crate) async fn exported(
    tx: &mut Tx,
    scope: &Scope,
    date: Date,
    after: &str,
    limit: i64,
) -> Result<Vec<Exported>> {
    let mut args = args![date, after, limit];
    let scope = scope_sql(scope, "s.unit", &mut args);
    let sql = format!(
        "SELECT p.id, p.staff_no, p.name, u.code, a.id, a.unit, a.post, a.from_date, a.to_date, a.is_primary, a.nature
         FROM (SELECT q.id, q.staff_no, q.name FROM person q WHERE q.staff_no > $2 AND EXISTS
                (SELECT 1 FROM assignment s WHERE s.person = q.id AND (s.to_date IS NULL OR s.to_date >= $1)
                    AND {scope})
               ORDER BY q.staff_no LIMIT $3) p
         JOIN assignment a ON a.person = p.id JOIN unit u ON u.id = a.unit
         ORDER BY p.staff_no, a.from_date, a.id"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| {
            Ok(Exported {
                person: Person {
                    id: row.get(0)?,
                    staff_no: row.get(1)?,
                    name: row.get(2)?,
                },
                unit_code: row.get(3)?,
                assignment: Assignment {
                    id: row.get(4)?,
                    unit: row.get(5)?,
                    post: row.get(6)?,
                    from: row.get(7)?,
                    to: row.get(8)?,
                    primary: row.get(9)?,
                    nature: Nature::from_code(&row.get::<String>(10)?),
                },
            })
        })
        .collect()
}

/// Enters under their new numbers the people who are said to be known under another one.
pub(crate) async fn enter_same(
    tx: &mut Tx,
    known: &mut Known,
    same: &[(&str, PersonId)],
) -> Result<()> {
    if same.is_empty() {
        return Ok(());
    }
    let ids: Vec<PersonId> = same.iter().map(|(_, person)| *person).collect();
    let numbers = numbers_of(tx, &ids).await?;
    let list: Vec<&str> = numbers.values().map(String::as_str).collect();
    let found = super::people(tx, &list).await?;
    for (code, person) in same {
        let of = numbers.get(person).and_then(|number| found.get(number));
        if let Some(of) = of {
            known.insert((*code).to_owned(), of.clone());
        }
    }
    Ok(())
}
