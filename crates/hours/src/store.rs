//! All SQL of hours.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Env, Error, Id, PersonId, Result, Scope, Timestamp};

use crate::model::{Entry, People, Record, Stage};
use crate::service::Event;

/// The tables. What a record says stands in its versions; the record repeats what lists ask for. `known` is by what
/// a record is known again; it is empty once it was taken back.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "hours_20261122_tables",
    sql: "
    CREATE TABLE hour_record (
        id {blob} PRIMARY KEY, person {blob} NOT NULL REFERENCES person, unit {blob} NOT NULL REFERENCES unit,
        known TEXT UNIQUE, title TEXT NOT NULL, date TEXT NOT NULL, version BIGINT NOT NULL, accepted BIGINT,
        hours BIGINT, days BIGINT, stage TEXT NOT NULL, source TEXT NOT NULL, recorded_at BIGINT NOT NULL,
        recorded_by {blob} NOT NULL);
    CREATE INDEX hour_record_person ON hour_record (person, date);
    CREATE INDEX hour_record_stage ON hour_record (stage, date, id);
    CREATE TABLE hour_version (
        record {blob} NOT NULL REFERENCES hour_record, n BIGINT NOT NULL, content TEXT NOT NULL,
        by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (record, n)) {clustered};
    CREATE TABLE hour_event (
        id {blob} PRIMARY KEY, record {blob} NOT NULL REFERENCES hour_record, act TEXT NOT NULL,
        version BIGINT NOT NULL, by_account {blob} NOT NULL, on_behalf {blob}, reason TEXT NOT NULL,
        at BIGINT NOT NULL);
    CREATE INDEX hour_event_record ON hour_event (record, id);
    CREATE TABLE hour_import (
        id {blob} PRIMARY KEY, name TEXT NOT NULL, records BIGINT NOT NULL, by_account {blob} NOT NULL,
        at BIGINT NOT NULL);
    ",
}];

const COLUMNS: &str = "r.id, r.person, r.unit, v.content, r.version, r.accepted, r.hours, r.days, r.stage, r.source, \
     r.recorded_at, r.recorded_by";
const FROM: &str = "FROM hour_record r JOIN hour_version v ON v.record = r.id AND v.n = r.version";

fn read(row: &Row) -> Result<Record> {
    let stage: String = row.get(8)?;
    let (hours, days): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Record {
        id: row.get(0)?,
        person: row.get(1)?,
        unit: row.get(2)?,
        entry: content(row, 3)?,
        version: row.get(4)?,
        accepted: row.get(5)?,
        recognised: hours.map(|h| (h, days.unwrap_or(0))),
        stage: Stage::from_code(&stage).ok_or_else(|| Error::internal("no such stage"))?,
        source: row.get(9)?,
        recorded_at: row.get(10)?,
        recorded_by: row.get(11)?,
    })
}

fn content(row: &Row, column: usize) -> Result<Entry> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn json(entry: &Entry) -> Result<String> {
    serde_json::to_string(entry).map_err(Error::internal)
}

/// Who wrote a version, and in whose place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author {
    pub(crate) by: AccountId,
    pub(crate) on_behalf: Option<AccountId>,
}

const VERSION: &str =
    "INSERT INTO hour_version (record, n, content, by_account, on_behalf, at) VALUES";

/// Writes new records with their first versions; gives those that were neither there nor known.
pub(crate) async fn insert(tx: &mut Tx, records: &[Record], author: Author) -> Result<Vec<Id>> {
    const WIDTH: usize = 11;
    let mut added: Vec<Id> = Vec::new();
    for chunk in records.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * WIDTH);
        for r in chunk {
            a.add(r.id);
            a.add(r.person);
            a.add(r.unit);
            a.add(r.entry.key(r.person));
            a.add(&r.entry.title);
            a.add(r.entry.to);
            a.add(r.version);
            a.add(r.stage.code());
            a.add(r.source.as_str());
            a.add(r.recorded_at);
            a.add(r.recorded_by);
        }
        let sql = format!(
            "INSERT INTO hour_record (id, person, unit, known, title, date, version, stage, source, recorded_at,
             recorded_by) VALUES {} ON CONFLICT DO NOTHING RETURNING id",
            Args::values(chunk.len(), WIDTH)
        );
        for row in &tx.query(sql, a).await? {
            added.push(row.get(0)?);
        }
    }
    let mut rows = Args::new();
    for r in records.iter().filter(|r| added.contains(&r.id)) {
        rows.add(r.id);
        rows.add(r.version);
        rows.add(json(&r.entry)?);
        rows.add(author.by);
        rows.add(author.on_behalf);
        rows.add(r.recorded_at);
    }
    tx.insert_many(VERSION, 6, "", rows).await?;
    Ok(added)
}

/// Another version of a record, which waits; false when it is not any more as it was looked at.
pub(crate) async fn change(
    tx: &mut Tx,
    before: &Record,
    now: &Record,
    author: Author,
    at: Timestamp,
) -> Result<bool> {
    let e = &now.entry;
    let changed = tx
        .execute(
            "UPDATE hour_record SET known = $4, title = $5, date = $6, version = $7, stage = $8, unit = $9
             WHERE id = $1 AND version = $2 AND stage = $3",
            args![
                before.id, before.version, before.stage.code(), e.key(now.person), e.title.as_str(), e.to,
                now.version, now.stage.code(), now.unit
            ],
        )
        .await?;
    if changed != 1 {
        return Ok(false);
    }
    let mut rows = args![now.id, now.version, json(e)?];
    rows.add(author.by);
    rows.add(author.on_behalf);
    rows.add(at);
    tx.insert_many(VERSION, 6, "", rows).await?;
    Ok(true)
}

/// Takes a record back; false when it was changed meanwhile.
pub(crate) async fn reverse(tx: &mut Tx, record: &Record) -> Result<bool> {
    let sql = "UPDATE hour_record SET stage = 'reversed', known = NULL, hours = NULL, days = NULL, accepted = NULL
        WHERE id = $1 AND version = $2 AND stage = $3";
    let args = args![record.id, record.version, record.stage.code()];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Accepts or returns a version that waits; false when somebody was there before.
pub(crate) async fn decide(
    tx: &mut Tx,
    record: &Record,
    recognised: Option<(i64, i64)>,
) -> Result<bool> {
    let (id, version) = (record.id, record.version);
    let done = match recognised {
        Some((hours, days)) => {
            tx.execute(
                "UPDATE hour_record SET stage = 'accepted', accepted = version, hours = $3, days = $4
                 WHERE id = $1 AND version = $2 AND stage = 'proposed'",
                args![id, version, hours, days],
            )
            .await?
        }
        None => {
            tx.execute(
                "UPDATE hour_record SET stage = 'returned' WHERE id = $1 AND version = $2 AND stage = 'proposed'",
                args![id, version],
            )
            .await?
        }
    };
    Ok(done == 1)
}

/// Who wrote the versions of these records that do not count yet.
pub(crate) async fn pending_authors(
    tx: &mut Tx,
    ids: &[Id],
) -> Result<Vec<(Id, i64, AccountId, Option<AccountId>)>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT r.id, v.n, v.by_account, v.on_behalf FROM hour_record r JOIN hour_version v ON v.record = r.id
         WHERE r.id IN ({list}) AND v.n > COALESCE(r.accepted, 0) ORDER BY r.id, v.n"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .collect()
}

/// Whose records one may see: those of a scope, and one's own.
#[derive(Debug, Clone)]
pub(crate) struct Sight<'s> {
    pub(crate) scope: &'s Scope,
    pub(crate) person: Option<PersonId>,
}

impl Sight<'_> {
    fn sql(&self, a: &mut Args) -> String {
        let scope = organization::scope_sql(self.scope, "r.unit", a);
        match self.person {
            Some(person) => format!("({scope} OR r.person = {})", a.push(person)),
            None => scope,
        }
    }
}

/// A record that one may see.
pub(crate) async fn record(tx: &mut Tx, id: Id, sight: &Sight<'_>) -> Result<Record> {
    let mut a = args![id];
    let seen = sight.sql(&mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE r.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// These records.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], sight: &Sight<'_>) -> Result<Vec<Record>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let seen = sight.sql(&mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE r.id IN ({list}) AND {seen} ORDER BY r.id");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// The records of a person that touch a stretch by their last day, the newest first.
pub(crate) async fn of_person(
    tx: &mut Tx,
    person: PersonId,
    from: Date,
    to: Date,
) -> Result<Vec<Record>> {
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE r.person = $1 AND r.date >= $2 AND r.date <= $3 ORDER BY r.date DESC, r.id DESC"
    );
    let rows = tx.query(sql, args![person, from, to]).await?;
    rows.iter().map(read).collect()
}

/// Conditions for what waits for the word of these accounts in a scope: neither of their own hand nor their own hours.
fn waits(scope: &Scope, not_of: &[AccountId], me: Option<PersonId>, a: &mut Args) -> String {
    let scope = organization::scope_sql(scope, "r.unit", a);
    let mine = match me {
        Some(me) => format!("r.person <> {}", a.push(me)),
        None => "1=1".to_owned(),
    };
    let (by, of) = (
        a.list(not_of.iter().copied()),
        a.list(not_of.iter().copied()),
    );
    format!(
        "r.stage = 'proposed' AND {scope} AND {mine} AND NOT EXISTS (SELECT 1 FROM hour_version w
         WHERE w.record = r.id AND w.n > COALESCE(r.accepted, 0) AND (w.by_account IN ({by}) OR w.on_behalf IN ({of})))"
    )
}

/// What waits, the oldest first, and how many there are.
pub(crate) async fn waiting(
    tx: &mut Tx,
    scope: &Scope,
    not_of: &[AccountId],
    me: Option<PersonId>,
    (size, offset): (i64, i64),
) -> Result<(Vec<Record>, i64)> {
    let mut a = Args::new();
    let conditions = waits(scope, not_of, me, &mut a);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM hour_record r WHERE {conditions}");
    let total = tx.one(sql, a).await?.get(0)?;
    let mut a = Args::new();
    let conditions = waits(scope, not_of, me, &mut a);
    let (size, offset) = (a.push(size), a.push(offset));
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE {conditions} ORDER BY r.date, r.id LIMIT {size} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((rows.iter().map(read).collect::<Result<_>>()?, total))
}

/// Whether a record waits for the word of these accounts.
pub(crate) async fn is_waiting(
    tx: &mut Tx,
    id: Id,
    scope: &Scope,
    not_of: &[AccountId],
    me: Option<PersonId>,
) -> Result<bool> {
    let mut a = args![id];
    let conditions = waits(scope, not_of, me, &mut a);
    let sql = format!("SELECT r.id FROM hour_record r WHERE r.id = $1 AND {conditions}");
    Ok(tx.optional(sql, a).await?.is_some())
}

/// Which of these keys are known already.
pub(crate) async fn known(tx: &mut Tx, keys: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter());
        let sql = format!("SELECT known FROM hour_record WHERE known IN ({list})");
        for row in &tx.query(sql, a).await? {
            found.push(row.get(0)?);
        }
    }
    Ok(found)
}

/// The titles of records.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, title FROM hour_record WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// All versions of a record, the first first.
pub(crate) async fn versions(tx: &mut Tx, id: Id) -> Result<Vec<(i64, Entry)>> {
    let sql = "SELECT n, content FROM hour_version WHERE record = $1 ORDER BY n";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, content(r, 1)?)))
        .collect()
}

/// A line of a timeline.
pub(crate) struct Line {
    pub(crate) record: Id,
    pub(crate) act: &'static str,
    pub(crate) version: i64,
    pub(crate) reason: String,
}

/// Writes lines of timelines.
pub(crate) async fn note(tx: &mut Tx, lines: &[Line], author: Author, env: &Env) -> Result<()> {
    let mut rows = Args::new();
    for line in lines {
        rows.add(env.new_id::<Id>());
        rows.add(line.record);
        rows.add(line.act);
        rows.add(line.version);
        rows.add(author.by);
        rows.add(author.on_behalf);
        rows.add(line.reason.as_str());
        rows.add(env.now());
    }
    let head = "INSERT INTO hour_event (id, record, act, version, by_account, on_behalf, reason, at) VALUES";
    tx.insert_many(head, 8, "", rows).await?;
    Ok(())
}

/// The timeline of a record, the oldest first.
pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT c.act, c.version, COALESCE(p.name, a.login), COALESCE(q.name, b.login), c.reason, c.at
        FROM hour_event c
            LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
            LEFT JOIN account b ON b.id = c.on_behalf LEFT JOIN person q ON q.id = b.person
        WHERE c.record = $1 ORDER BY c.id";
    let read = |row: &Row| {
        Ok(Event {
            act: row.get(0)?,
            version: row.get(1)?,
            name: row.get(2)?,
            on_behalf: row.get(3)?,
            reason: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// People by staff number.
pub(crate) async fn people_by_staff_no(
    tx: &mut Tx,
    numbers: &[&str],
) -> Result<HashMap<String, PersonId>> {
    let mut found = HashMap::new();
    for chunk in numbers.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT p.staff_no, p.id FROM person p WHERE p.staff_no IN ({list})");
        for row in &tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Staff numbers and names.
pub(crate) async fn people(tx: &mut Tx, ids: &[PersonId]) -> Result<People> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT p.id, p.staff_no, p.name FROM person p WHERE p.id IN ({list})");
        for row in &tx.query(sql, a).await? {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// Notes that a sheet was taken; false when it was before.
pub(crate) async fn note_import(
    tx: &mut Tx,
    (id, name): (Id, &str),
    records: i64,
    by: AccountId,
    at: Timestamp,
) -> Result<bool> {
    let sql =
        "INSERT INTO hour_import (id, name, records, by_account, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO NOTHING";
    let done = tx.execute(sql, args![id, name, records, by, at]);
    Ok(done.await? == 1)
}
