//! All SQL of registers.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{
    AccountId, Date, Env, Error, Id, PersonId, Result, Scope, Timestamp, UnitId, format_date,
};

use ledger::SourceFile;

pub(crate) mod list;

use crate::model::{Content, Entry, State, title_key};
use crate::service::Event;

/// The tables. What an entry says stands in its versions; the entry repeats what lists ask for.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "registers_20261122_tables",
    sql: "
    CREATE TABLE register_entry (
        id {blob} PRIMARY KEY, register TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        title TEXT NOT NULL, title_key TEXT NOT NULL, date TEXT NOT NULL, class TEXT, level TEXT NOT NULL,
        version BIGINT NOT NULL, accepted BIGINT, state TEXT NOT NULL, source TEXT NOT NULL,
        late BOOLEAN NOT NULL, declared BIGINT, recorded_at BIGINT NOT NULL, recorded_by {blob} NOT NULL,
        recorded_for {blob}, closed_on TEXT, closed_note TEXT, rechecked_on TEXT, recheck_on TEXT);
    CREATE INDEX register_entry_date ON register_entry (register, date, id);
    CREATE INDEX register_entry_unit ON register_entry (unit, register, date);
    CREATE INDEX register_entry_title ON register_entry (title_key);
    CREATE INDEX register_entry_state ON register_entry (state, id);
    CREATE TABLE register_version (
        entry {blob} NOT NULL REFERENCES register_entry, n BIGINT NOT NULL, content TEXT NOT NULL,
        by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (entry, n)) {clustered};
    CREATE TABLE register_event (
        id {blob} PRIMARY KEY, entry {blob} NOT NULL REFERENCES register_entry, act TEXT NOT NULL,
        version BIGINT NOT NULL, by_account {blob} NOT NULL, on_behalf {blob}, reason TEXT NOT NULL,
        day TEXT, at BIGINT NOT NULL);
    CREATE INDEX register_event_entry ON register_event (entry, id);
    CREATE TABLE register_turn (unit {blob} PRIMARY KEY) {clustered};
    CREATE TABLE register_import (
        id {blob} PRIMARY KEY, register TEXT NOT NULL, name TEXT NOT NULL, entries BIGINT NOT NULL,
        by_account {blob} NOT NULL, at BIGINT NOT NULL);
    ",
}];

const COLUMNS: &str = "e.id, e.register, e.unit, e.version, e.accepted, e.state, v.content, e.source, e.late, \
     e.recorded_at, e.recorded_by, e.recorded_for, e.closed_on, e.closed_note, e.rechecked_on, e.recheck_on";
const FROM: &str =
    "FROM register_entry e JOIN register_version v ON v.entry = e.id AND v.n = e.version";

fn read(row: &Row) -> Result<Entry> {
    let state: String = row.get(5)?;
    Ok(Entry {
        id: row.get(0)?,
        register: row.get(1)?,
        unit: row.get(2)?,
        version: row.get(3)?,
        accepted: row.get(4)?,
        state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        content: content(row, 6)?,
        source: row.get(7)?,
        late: row.get(8)?,
        recorded_at: row.get(9)?,
        recorded_by: row.get(10)?,
        recorded_for: row.get(11)?,
        closed_on: row.get(12)?,
        closed_note: row.get(13)?,
        rechecked_on: row.get(14)?,
        recheck_on: row.get(15)?,
    })
}

fn content(row: &Row, column: usize) -> Result<Content> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

fn json(content: &Content) -> Result<String> {
    serde_json::to_string(content).map_err(Error::internal)
}

/// Who wrote a version, and in whose place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author {
    pub(crate) by: AccountId,
    pub(crate) on_behalf: Option<AccountId>,
}

/// Writes new entries with their first versions; gives those whose id was not there yet.
pub(crate) async fn insert(
    tx: &mut Tx,
    entries: &[(Entry, Option<String>)],
    author: Author,
) -> Result<Vec<Id>> {
    const WIDTH: usize = 20;
    let mut added = Vec::new();
    for chunk in entries.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * WIDTH);
        for (e, class) in chunk {
            a.add(e.id);
            a.add(&e.register);
            a.add(e.unit);
            a.add(&e.content.title);
            a.add(title_key(&e.content.title));
            a.add(e.content.date);
            a.add(class.clone());
            a.add(&e.content.level);
            a.add(e.version);
            a.add(e.accepted);
            a.add(e.state.code());
            a.add(e.source.as_str());
            a.add(e.late);
            a.add(e.content.declared);
            a.add(e.recorded_at);
            a.add(e.recorded_by);
            a.add(e.recorded_for);
            a.add(e.closed_on);
            a.add(e.closed_note.clone());
            a.add(e.recheck_on);
        }
        let sql = format!(
            "INSERT INTO register_entry (id, register, unit, title, title_key, date, class, level, version, accepted,
             state, source, late, declared, recorded_at, recorded_by, recorded_for, closed_on, closed_note, recheck_on)
             VALUES {} ON CONFLICT (id) DO NOTHING RETURNING id",
            Args::values(chunk.len(), WIDTH)
        );
        for row in &tx.query(sql, a).await? {
            added.push(row.get(0)?);
        }
    }
    let new = entries.iter().filter(|(e, _)| added.contains(&e.id));
    let mut rows = Args::new();
    for (e, _) in new {
        rows.add(e.id);
        rows.add(e.version);
        rows.add(json(&e.content)?);
        rows.add(author.by);
        rows.add(author.on_behalf);
        rows.add(e.recorded_at);
    }
    tx.insert_many(VERSION, 6, "", rows).await?;
    Ok(added)
}

const VERSION: &str =
    "INSERT INTO register_version (entry, n, content, by_account, on_behalf, at) VALUES";

/// Another version of an entry; false when it is not in the state any more in which it was looked at.
pub(crate) async fn change(
    tx: &mut Tx,
    before: &Entry,
    now: &Entry,
    class: Option<&str>,
    author: Author,
    at: Timestamp,
) -> Result<bool> {
    let c = &now.content;
    let changed = tx
        .execute(
            "UPDATE register_entry SET title = $4, title_key = $5, date = $6, class = $7, level = $8, version = $9,
             accepted = $10, state = $11, recheck_on = $12, late = $13
             WHERE id = $1 AND version = $2 AND state = $3",
            args![
                before.id, before.version, before.state.code(), c.title.as_str(), title_key(&c.title), c.date,
                class, c.level.as_str(), now.version, now.accepted, now.state.code(), now.recheck_on, now.late
            ],
        )
        .await?;
    if changed != 1 {
        return Ok(false);
    }
    let mut rows = args![now.id, now.version, json(c)?];
    rows.add(author.by);
    rows.add(author.on_behalf);
    rows.add(at);
    tx.insert_many(VERSION, 6, "", rows).await?;
    Ok(true)
}

/// Takes an entry back; false when it was changed meanwhile.
pub(crate) async fn reverse(tx: &mut Tx, entry: &Entry) -> Result<bool> {
    let sql = "UPDATE register_entry SET state = 'reversed' WHERE id = $1 AND version = $2 AND state = $3";
    let args = args![entry.id, entry.version, entry.state.code()];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Closes an entry that counts, or opens it again; false when it was changed meanwhile.
pub(crate) async fn close(tx: &mut Tx, id: Id, closed: Option<(Date, &str)>) -> Result<bool> {
    let (sql, args) = match closed {
        Some((day, note)) => (
            "UPDATE register_entry SET closed_on = $2, closed_note = $3
             WHERE id = $1 AND closed_on IS NULL AND accepted IS NOT NULL AND state <> 'reversed'",
            args![id, day, note],
        ),
        None => (
            "UPDATE register_entry SET closed_on = NULL, closed_note = NULL
             WHERE id = $1 AND closed_on IS NOT NULL AND state <> 'reversed'",
            args![id],
        ),
    };
    Ok(tx.execute(sql, args).await? == 1)
}

/// Notes when an entry was looked over and when it is due next.
pub(crate) async fn recheck(tx: &mut Tx, id: Id, on: Date, next: Option<Date>) -> Result<bool> {
    let sql = "UPDATE register_entry SET rechecked_on = $2, recheck_on = $3
        WHERE id = $1 AND accepted IS NOT NULL AND state <> 'reversed'";
    Ok(tx.execute(sql, args![id, on, next]).await? == 1)
}

/// Those of these entries whose waiting version was decided on just now.
pub(crate) async fn decide(tx: &mut Tx, ids: &[Id], accept: bool) -> Result<Vec<(Id, i64)>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let set = match accept {
        true => "state = 'accepted', accepted = version",
        false => "state = 'returned'",
    };
    let sql = format!(
        "UPDATE register_entry SET {set} WHERE id IN ({list}) AND state = 'proposed' RETURNING id, version"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Who wrote the versions of these entries that do not count yet.
pub(crate) async fn pending_authors(
    tx: &mut Tx,
    ids: &[Id],
) -> Result<Vec<(Id, AccountId, Option<AccountId>)>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT e.id, v.by_account, v.on_behalf FROM register_entry e JOIN register_version v ON v.entry = e.id
         WHERE e.id IN ({list}) AND v.n > COALESCE(e.accepted, 0)"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .collect()
}

/// An entry of a register in a scope.
pub(crate) async fn entry(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Entry> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "e.unit", &mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE e.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// These entries, the newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Entry>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let scope = organization::scope_sql(scope, "e.unit", &mut a);
    let sql =
        format!("SELECT {COLUMNS} {FROM} WHERE e.id IN ({list}) AND {scope} ORDER BY e.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// The titles of entries.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, title FROM register_entry WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// The files of entries, of the version that was accepted.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT e.id, v.content FROM register_entry e
             JOIN register_version v ON v.entry = e.id AND v.n = e.accepted WHERE e.id IN ({list})"
        );
        for row in &tx.query(sql, a).await? {
            let evidence = content(row, 1)?.evidence.into_iter();
            let files = evidence.map(|f| SourceFile {
                name: f.name,
                sha256: f.sha256,
                size: f.size as i64,
            });
            found.insert(row.get(0)?, files.collect());
        }
    }
    Ok(found)
}

/// All versions of an entry, the first first.
pub(crate) async fn versions(tx: &mut Tx, id: Id) -> Result<Vec<(i64, Content)>> {
    let sql = "SELECT n, content FROM register_version WHERE entry = $1 ORDER BY n";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, content(r, 1)?)))
        .collect()
}

/// What happened to an entry.
pub(crate) struct Line {
    pub(crate) entry: Id,
    pub(crate) act: &'static str,
    pub(crate) version: i64,
    pub(crate) reason: String,
    pub(crate) day: Option<Date>,
}

/// Writes lines of timelines.
pub(crate) async fn note(tx: &mut Tx, lines: &[Line], author: Author, env: &Env) -> Result<()> {
    let mut rows = Args::new();
    for line in lines {
        rows.add(env.new_id::<Id>());
        rows.add(line.entry);
        rows.add(line.act);
        rows.add(line.version);
        rows.add(author.by);
        rows.add(author.on_behalf);
        rows.add(line.reason.as_str());
        rows.add(line.day);
        rows.add(env.now());
    }
    let head = "INSERT INTO register_event (id, entry, act, version, by_account, on_behalf, reason, day, at) VALUES";
    tx.insert_many(head, 9, "", rows).await?;
    Ok(())
}

/// The timeline of an entry, the oldest first.
pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT c.act, c.version, c.by_account, COALESCE(p.name, a.login), COALESCE(q.name, b.login), c.reason,
            c.day, c.at
        FROM register_event c
            LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
            LEFT JOIN account b ON b.id = c.on_behalf LEFT JOIN person q ON q.id = b.person
        WHERE c.entry = $1 ORDER BY c.id";
    let read = |row: &Row| {
        Ok(Event {
            act: row.get(0)?,
            version: row.get(1)?,
            by: row.get(2)?,
            name: row.get(3)?,
            on_behalf: row.get(4)?,
            reason: row.get(5)?,
            day: row.get(6)?,
            at: row.get(7)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// Makes those who enter for these units follow one another until the transaction ends, so that none overlooks
/// what another is just writing.
pub(crate) async fn take_turns(tx: &mut Tx, units: &[UnitId]) -> Result<()> {
    // In one order for everybody: nobody waits for who waits for them.
    let mut units = units.to_vec();
    units.sort_unstable();
    units.dedup();
    let rows = units.into_iter().fold(Args::new(), |mut rows, unit| {
        rows.add(unit);
        rows
    });
    let head = "INSERT INTO register_turn (unit) VALUES";
    let tail = "ON CONFLICT (unit) DO UPDATE SET unit = excluded.unit";
    tx.insert_many(head, 1, tail, rows).await?;
    Ok(())
}

/// Unit, title as it is compared, and day of the standing entries of a register that have one of these titles.
pub(crate) async fn namesakes(
    tx: &mut Tx,
    register: &str,
    keys: &[String],
    first: Date,
    last: Date,
) -> Result<Vec<(Id, UnitId, String, Date)>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(500) {
        let mut a = args![register, format_date(first), format_date(last)];
        let list = a.list(chunk.iter());
        let sql = format!(
            "SELECT id, unit, title_key, date FROM register_entry
             WHERE register = $1 AND date >= $2 AND date <= $3 AND title_key IN ({list}) AND state <> 'reversed'"
        );
        for r in &tx.query(sql, a).await? {
            found.push((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?));
        }
    }
    Ok(found)
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

/// Staff numbers and names of people.
pub(crate) async fn people(
    tx: &mut Tx,
    ids: &[PersonId],
) -> Result<HashMap<PersonId, (String, String)>> {
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
    id: Id,
    register: &str,
    name: &str,
    entries: i64,
    by: AccountId,
    at: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO register_import (id, register, name, entries, by_account, at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    let done = tx.execute(sql, args![id, register, name, entries, by, at]);
    Ok(done.await? == 1)
}

/// Who wrote which version of these entries.
pub(crate) async fn writers(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<(Id, i64), AccountId>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT entry, n, by_account FROM register_version WHERE entry IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|r| Ok(((r.get(0)?, r.get(1)?), r.get(2)?)))
        .collect()
}
