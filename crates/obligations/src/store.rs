//! All SQL of obligations: what was asked for and granted, and who was told of what.

pub(crate) mod inspections;

use std::collections::{BTreeMap, HashMap, HashSet};

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, Period, PersonId, Result, Scope, Timestamp};
use web::table::{Order, Window};

use crate::draw::{Draw, Wanted};
use crate::excuse::{ExcuseKind, Term};
use crate::excusing::{Act, Excuse, ExcuseFilter, ExcuseState};
use crate::reminding::Reminder;

/// The tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
    name: "obligations_20261122_excuses",
    sql: "
    CREATE TABLE obligation_excuse (
        id {blob} PRIMARY KEY, rule TEXT NOT NULL, subject {blob} NOT NULL,
        unit {blob} NOT NULL REFERENCES unit, kind TEXT NOT NULL, from_day TEXT NOT NULL, to_day TEXT, day TEXT,
        reason TEXT NOT NULL, document TEXT NOT NULL, record TEXT NOT NULL, state TEXT NOT NULL,
        asked_by {blob} NOT NULL, asked_for {blob}, asked_at BIGINT NOT NULL);
    CREATE INDEX obligation_excuse_rule ON obligation_excuse (rule, state, from_day);
    CREATE INDEX obligation_excuse_unit ON obligation_excuse (unit, id);
    CREATE UNIQUE INDEX obligation_excuse_asked ON obligation_excuse (rule, subject, kind, from_day)
        WHERE state = 'asked';
    CREATE TABLE obligation_excuse_act (
        excuse {blob} NOT NULL REFERENCES obligation_excuse, act TEXT NOT NULL, by_account {blob} NOT NULL,
        on_behalf {blob}, note TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (excuse, act)) {clustered};
    ",
    },
    Migration {
        name: "obligations_20261122_reminders",
        sql: "
    CREATE TABLE obligation_reminder (
        id {blob} PRIMARY KEY, rule TEXT NOT NULL, subject {blob} NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        begin_day TEXT NOT NULL, due TEXT NOT NULL, step TEXT NOT NULL, escalates BOOLEAN NOT NULL, at BIGINT NOT NULL,
        UNIQUE (rule, subject, begin_day, due, step, escalates));
    CREATE INDEX obligation_reminder_at ON obligation_reminder (at, id);
    CREATE INDEX obligation_reminder_unit ON obligation_reminder (unit, at);
    CREATE TABLE obligation_told (
        reminder {blob} NOT NULL REFERENCES obligation_reminder, person {blob} NOT NULL, at BIGINT,
        PRIMARY KEY (reminder, person)) {clustered};
    CREATE INDEX obligation_told_person ON obligation_told (person, at);
    CREATE INDEX obligation_told_open ON obligation_told (person) WHERE at IS NULL;
    ",
    },
    Migration {
        name: "obligations_20261122_draws",
        sql: "
    CREATE TABLE obligation_draw (
        id {blob} PRIMARY KEY, rule TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit, from_day TEXT NOT NULL,
        to_day TEXT NOT NULL, wanted BIGINT NOT NULL, log {blob} NOT NULL, size BIGINT NOT NULL, root TEXT NOT NULL,
        records BIGINT NOT NULL, digest TEXT NOT NULL, picked TEXT NOT NULL, by_account {blob} NOT NULL,
        on_behalf {blob}, at BIGINT NOT NULL);
    CREATE INDEX obligation_draw_unit ON obligation_draw (unit, id);
    ",
    },
    Migration {
        name: "obligations_20261122_inspection_packs",
        sql: inspections::TABLES,
    },
];

/// So many names in one list.
const CHUNK: usize = 5_000;
/// Of more subjects all that was granted by a rule is read: it is little.
const FEW: usize = 200;

/// What was granted by a rule to these about windows that begin in a period, and the time given to earlier ones
/// that reaches into it.
pub(crate) async fn terms(
    tx: &mut Tx,
    rule: &str,
    subjects: &[Id],
    period: Period,
) -> Result<HashMap<Id, Vec<Term>>> {
    let mut args = args![rule, period.from, period.to];
    let whom = match subjects.len() {
        0..=FEW => format!("AND subject IN ({})", args.list(subjects.iter().copied())),
        _ => String::new(),
    };
    let sql = format!(
        "SELECT subject, from_day, to_day, kind, day FROM obligation_excuse
         WHERE rule = $1 AND state = 'granted' AND from_day <= $3
             AND (to_day IS NULL OR to_day >= $2 OR (kind = 'extended' AND day >= $2)) {whom}"
    );
    let mut found: HashMap<Id, Vec<Term>> = HashMap::new();
    for row in &tx.query(sql, args).await? {
        let term = Term {
            from: row.get(1)?,
            to: row.get(2)?,
            kind: kind(row, 3)?,
            day: row.get(4)?,
        };
        found.entry(row.get(0)?).or_default().push(term);
    }
    Ok(found)
}

fn kind(row: &Row, column: usize) -> Result<ExcuseKind> {
    let code: String = row.get(column)?;
    ExcuseKind::from_code(&code).ok_or_else(|| Error::internal("no such kind"))
}

const COLUMNS: &str = "e.id, e.rule, e.subject, e.unit, e.kind, e.from_day, e.to_day, e.day, e.reason, e.document, \
     e.record, e.state, e.asked_by, e.asked_for, e.asked_at";

fn read(row: &Row) -> Result<Excuse> {
    let state: String = row.get(11)?;
    Ok(Excuse {
        id: row.get(0)?,
        rule: row.get(1)?,
        subject: row.get(2)?,
        unit: row.get(3)?,
        kind: kind(row, 4)?,
        from: row.get(5)?,
        to: row.get(6)?,
        day: row.get(7)?,
        reason: row.get(8)?,
        document: row.get(9)?,
        record: row.get(10)?,
        state: ExcuseState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        asked_by: row.get(12)?,
        asked_for: row.get(13)?,
        asked_at: row.get(14)?,
    })
}

/// Writes what is asked for; false when the same waits already.
pub(crate) async fn ask(tx: &mut Tx, e: &Excuse) -> Result<bool> {
    let mut a = Args::with_capacity(15);
    a.add(e.id);
    a.add(&e.rule);
    a.add(e.subject);
    a.add(e.unit);
    a.add(e.kind.code());
    a.add(e.from);
    a.add(e.to);
    a.add(e.day);
    a.add(&e.reason);
    a.add(&e.document);
    a.add(&e.record);
    a.add(e.state.code());
    a.add(e.asked_by);
    a.add(e.asked_for);
    a.add(e.asked_at);
    let sql = format!(
        "INSERT INTO obligation_excuse (id, rule, subject, unit, kind, from_day, to_day, day, reason, document, record,
         state, asked_by, asked_for, asked_at) VALUES {} ON CONFLICT DO NOTHING",
        Args::values(1, 15)
    );
    Ok(tx.execute(sql, a).await? == 1)
}

/// Moves one from a state to another, once, and writes down who did; false when it is not in that state any more.
pub(crate) async fn step(
    tx: &mut Tx,
    id: Id,
    (from, to): (ExcuseState, ExcuseState),
    (by, on_behalf): (AccountId, Option<AccountId>),
    note: &str,
    at: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE obligation_excuse SET state = $3 WHERE id = $1 AND state = $2";
    if tx.execute(sql, args![id, from.code(), to.code()]).await? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO obligation_excuse_act (excuse, act, by_account, on_behalf, note, at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, args![id, to.code(), by, on_behalf, note, at])
        .await?;
    Ok(true)
}

/// One of them, wherever it is.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Excuse>> {
    let sql = format!("SELECT {COLUMNS} FROM obligation_excuse e WHERE e.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(read).transpose()
}

/// What happened to one, in order, with the names of those who did it.
pub(crate) async fn acts(tx: &mut Tx, id: Id) -> Result<Vec<Act>> {
    let sql = "SELECT c.act, c.at, c.note, COALESCE(p.name, a.login), COALESCE(q.name, b.login) FROM (
                   SELECT state AS act, asked_at AS at, reason AS note, asked_by AS by_account, asked_for AS on_behalf, 0 AS n
                       FROM obligation_excuse WHERE id = $1
                   UNION ALL SELECT act, at, note, by_account, on_behalf, 1 AS n FROM obligation_excuse_act
                       WHERE excuse = $1) c
               LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
               LEFT JOIN account b ON b.id = c.on_behalf LEFT JOIN person q ON q.id = b.person
               ORDER BY c.n, c.at";
    let rows = tx.query(sql, args![id]).await?;
    let mut acts = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let state: String = row.get(0)?;
        acts.push(Act {
            // The first line is the asking, whatever became of it.
            state: match i {
                0 => ExcuseState::Asked,
                _ => ExcuseState::from_code(&state)
                    .ok_or_else(|| Error::internal("no such state"))?,
            },
            at: row.get(1)?,
            note: row.get(2)?,
            name: row.get(3)?,
            on_behalf: row.get(4)?,
        });
    }
    Ok(acts)
}

/// A page of them in a scope, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    filter: &ExcuseFilter,
    scope: &Scope,
    order: Order,
    window: Window,
) -> Result<(Vec<Excuse>, i64)> {
    let mut a = Args::new();
    let mut sql = organization::scope_sql(scope, "e.unit", &mut a);
    if let Some(rule) = &filter.rule {
        sql += &format!(" AND e.rule = {}", a.push(rule));
    }
    if let Some(kind) = filter.kind {
        sql += &format!(" AND e.kind = {}", a.push(kind.code()));
    }
    if let Some(state) = filter.state {
        sql += &format!(" AND e.state = {}", a.push(state.code()));
    }
    if let Some(unit) = filter.unit {
        sql += &format!(" AND e.unit = {}", a.push(unit));
    }
    if let Some(subject) = filter.subject {
        sql += &format!(" AND e.subject = {}", a.push(subject));
    }
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_excuse e WHERE {sql}");
    let total: i64 = tx.one(count, a.clone()).await?.get(0)?;
    let by = match order.by {
        "from" => "e.from_day",
        "rule" => "e.rule",
        _ => "e.asked_at",
    };
    let way = order.way();
    let (size, offset) = (a.push(window.size), a.push(window.offset(total)));
    let page = format!(
        "SELECT {COLUMNS} FROM obligation_excuse e WHERE {sql} ORDER BY {by} {way}, e.id {way}
         LIMIT {size} OFFSET {offset}"
    );
    let rows = tx.query(page, a).await?;
    let found: Result<Vec<Excuse>> = rows.iter().map(read).collect();
    Ok((found?, total))
}

/// How many wait for a decision in a scope.
pub(crate) async fn waiting(tx: &mut Tx, scope: &Scope) -> Result<i64> {
    let mut a = Args::new();
    let within = organization::scope_sql(scope, "e.unit", &mut a);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_excuse e WHERE e.state = 'asked' AND {within}"
    );
    tx.one(sql, a).await?.get(0)
}

/// The first days of the windows for which more time was given until a day of a period.
pub(crate) async fn extended(tx: &mut Tx, rule: &str, until: Period) -> Result<Vec<Date>> {
    let sql = "SELECT DISTINCT from_day FROM obligation_excuse
               WHERE rule = $1 AND state = 'granted' AND kind = 'extended' AND day >= $2 AND day <= $3";
    let rows = tx.query(sql, args![rule, until.from, until.to]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Writes down steps; gives those that nobody took before.
pub(crate) async fn take(tx: &mut Tx, rows: &[Reminder]) -> Result<HashSet<Id>> {
    const WIDTH: usize = 9;
    let mut new = HashSet::new();
    for chunk in rows.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * WIDTH);
        for r in chunk {
            a.add(r.id);
            a.add(&r.rule);
            a.add(r.subject);
            a.add(r.unit);
            a.add(r.begin);
            a.add(r.due);
            a.add(&r.step);
            a.add(r.escalates);
            a.add(r.at);
        }
        let sql = format!(
            "INSERT INTO obligation_reminder (id, rule, subject, unit, begin_day, due, step, escalates, at)
             VALUES {} ON CONFLICT DO NOTHING RETURNING id",
            Args::values(chunk.len(), WIDTH)
        );
        for row in &tx.query(sql, a).await? {
            new.insert(row.get(0)?);
        }
    }
    Ok(new)
}

/// Writes down who is to be told of a step.
pub(crate) async fn tell(tx: &mut Tx, to: &[(Id, PersonId)]) -> Result<()> {
    let mut a = Args::with_capacity(to.len() * 2);
    for (reminder, person) in to {
        a.add(*reminder);
        a.add(*person);
    }
    let head = "INSERT INTO obligation_told (reminder, person) VALUES";
    tx.insert_many(head, 2, "ON CONFLICT DO NOTHING", a).await?;
    Ok(())
}

/// Some of those who are to be told and were not yet.
pub(crate) async fn untold(tx: &mut Tx, most: usize) -> Result<Vec<PersonId>> {
    let sql =
        "SELECT DISTINCT person FROM obligation_told WHERE at IS NULL ORDER BY person LIMIT $1";
    let rows = tx.query(sql, args![most as i64]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Marks what these are told now; gives of how much each, who was not told before.
pub(crate) async fn mark_told(
    tx: &mut Tx,
    people: &[PersonId],
    at: Timestamp,
) -> Result<BTreeMap<PersonId, usize>> {
    let mut a = args![at];
    let list = a.list(people.iter().copied());
    let sql = format!(
        "UPDATE obligation_told SET at = $1 WHERE at IS NULL AND person IN ({list}) RETURNING person"
    );
    let mut counts = BTreeMap::new();
    for row in &tx.query(sql, a).await? {
        *counts.entry(row.get(0)?).or_default() += 1;
    }
    Ok(counts)
}

const REMINDER: &str =
    "r.id, r.rule, r.subject, r.unit, r.begin_day, r.due, r.step, r.escalates, r.at";

fn reminder(row: &Row) -> Result<Reminder> {
    Ok(Reminder {
        id: row.get(0)?,
        rule: row.get(1)?,
        subject: row.get(2)?,
        unit: row.get(3)?,
        begin: row.get(4)?,
        due: row.get(5)?,
        step: row.get(6)?,
        escalates: row.get(7)?,
        at: row.get(8)?,
    })
}

/// A page of the steps taken in a scope, newest first, and how many there are.
pub(crate) async fn reminders(
    tx: &mut Tx,
    rule: Option<&str>,
    scope: &Scope,
    window: Window,
) -> Result<(Vec<Reminder>, i64)> {
    let mut a = Args::new();
    let mut within = organization::scope_sql(scope, "r.unit", &mut a);
    if let Some(rule) = rule {
        within += &format!(" AND r.rule = {}", a.push(rule));
    }
    let count =
        format!("SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_reminder r WHERE {within}");
    let total: i64 = tx.one(count, a.clone()).await?.get(0)?;
    let (size, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {REMINDER} FROM obligation_reminder r WHERE {within} ORDER BY r.at DESC, r.id DESC
         LIMIT {size} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let found: Result<Vec<Reminder>> = rows.iter().map(reminder).collect();
    Ok((found?, total))
}

/// Who was told of these steps.
pub(crate) async fn told(tx: &mut Tx, reminders: &[Id]) -> Result<HashMap<Id, Vec<PersonId>>> {
    let mut found: HashMap<Id, Vec<PersonId>> = HashMap::new();
    for chunk in reminders.chunks(CHUNK) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql =
            format!("SELECT reminder, person FROM obligation_told WHERE reminder IN ({list})");
        for row in &tx.query(sql, a).await? {
            found.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

/// What somebody was told of, at one time or lately, newest first.
pub(crate) async fn reminders_of(
    tx: &mut Tx,
    person: PersonId,
    at: Option<Timestamp>,
    most: i64,
) -> Result<Vec<Reminder>> {
    let mut a = args![person, most];
    let when = match at {
        Some(at) => format!("t.at = {}", a.push(at)),
        None => "t.at IS NOT NULL".to_owned(),
    };
    let sql = format!(
        "SELECT {REMINDER} FROM obligation_told t JOIN obligation_reminder r ON r.id = t.reminder
         WHERE t.person = $1 AND {when} ORDER BY t.at DESC, r.due, r.id LIMIT $2"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter().map(reminder).collect()
}

const DRAW: &str = "d.id, d.rule, d.unit, d.from_day, d.to_day, d.wanted, d.log, d.size, d.root, d.records, d.digest, \
     d.picked, d.by_account, d.on_behalf, d.at";

fn read_draw(row: &Row) -> Result<Draw> {
    let (wanted, records): (i64, i64) = (row.get(5)?, row.get(9)?);
    let picked: String = row.get(11)?;
    Ok(Draw {
        id: row.get(0)?,
        wanted: Wanted {
            rule: row.get(1)?,
            unit: row.get(2)?,
            period: Period {
                from: row.get(3)?,
                to: row.get(4)?,
            },
            n: usize::try_from(wanted).map_err(Error::internal)?,
        },
        log: row.get(6)?,
        size: row.get(7)?,
        root: row.get(8)?,
        records: usize::try_from(records).map_err(Error::internal)?,
        digest: row.get(10)?,
        picked: serde_json::from_str(&picked).map_err(Error::internal)?,
        by: row.get(12)?,
        on_behalf: row.get(13)?,
        at: row.get(14)?,
    })
}

/// Keeps a draw.
pub(crate) async fn keep_draw(tx: &mut Tx, d: &Draw) -> Result<()> {
    let picked = serde_json::to_string(&d.picked).map_err(Error::internal)?;
    let (from, to) = (d.wanted.period.from, d.wanted.period.to);
    let (n, records) = (d.wanted.n as i64, d.records as i64);
    let mut a = args![
        d.id,
        &d.wanted.rule,
        d.wanted.unit,
        from,
        to,
        n,
        d.log,
        d.size
    ];
    a.add(&d.root);
    a.add(records);
    a.add(&d.digest);
    a.add(picked);
    a.add(d.by);
    a.add(d.on_behalf);
    a.add(d.at);
    let head = "INSERT INTO obligation_draw (id, rule, unit, from_day, to_day, wanted, log, size, root, records, digest,
                picked, by_account, on_behalf, at) VALUES";
    tx.insert_many(head, 15, "", a).await?;
    Ok(())
}

/// One draw in a scope.
pub(crate) async fn draw(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Option<Draw>> {
    let mut a = args![id];
    let within = organization::scope_sql(scope, "d.unit", &mut a);
    let sql = format!("SELECT {DRAW} FROM obligation_draw d WHERE d.id = $1 AND {within}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read_draw).transpose()
}

/// A page of draws in a scope, newest first, and how many there are.
pub(crate) async fn draws(tx: &mut Tx, scope: &Scope, window: Window) -> Result<(Vec<Draw>, i64)> {
    let mut a = Args::new();
    let within = organization::scope_sql(scope, "d.unit", &mut a);
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM obligation_draw d WHERE {within}");
    let total: i64 = tx.one(count, a.clone()).await?.get(0)?;
    let (size, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {DRAW} FROM obligation_draw d WHERE {within} ORDER BY d.id DESC LIMIT {size} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let found: Result<Vec<Draw>> = rows.iter().map(read_draw).collect();
    Ok((found?, total))
}
