//! The SQL of cases: writing them, reading one.

pub(crate) mod list;
pub(crate) mod remedies;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, UnitId};
use organization::scope_sql;

use crate::case::{Act, Case, End, Event, Evidence};
use crate::history::Past;
use crate::kind::{Kind, Stage};
use crate::model::{Eyes, Matter, Origin, Part, Reporter};

/// The tables of this crate. `open_until` is the day that counts while a case is open. The indexes hold what lists are
/// narrowed by, so that a page is found without reading rows that are not on it; `case_count` has the number of cases of each unit, kind, stage and field, written with every case.
pub const MIGRATIONS: &[Migration] = &[
    TABLES,
    Migration {
        name: "cases_20261123_sealed_reporter",
        sql: "
    ALTER TABLE case_reporter ADD COLUMN name_sealed {blob};
    ALTER TABLE case_reporter ADD COLUMN contact_sealed {blob}",
    },
    Migration {
        name: "cases_20261123_remedies",
        sql: "
    CREATE TABLE case_remedy (
        matter {blob} NOT NULL REFERENCES case_matter,
        no BIGINT NOT NULL,
        person {blob} NOT NULL,
        open_by TEXT,
        body TEXT NOT NULL,
        PRIMARY KEY (matter, no)) {clustered};
    CREATE INDEX case_remedy_person ON case_remedy (person, open_by)",
    },
    Migration {
        name: "cases_20261124_raised",
        sql: "
    CREATE INDEX case_matter_unit_raised ON case_matter (unit, raised_on, kind, area) WHERE open_until IS NOT NULL",
    },
    crate::exposing::store::MIGRATION,
];

const TABLES: Migration = Migration {
    name: "cases_20261122_tables",
    sql: "
    CREATE TABLE case_rule (
        hash TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        body TEXT NOT NULL);
    CREATE TABLE case_matter (
        id {blob} PRIMARY KEY,
        number TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        rule TEXT NOT NULL REFERENCES case_rule,
        title TEXT NOT NULL,
        detail TEXT NOT NULL,
        severity TEXT NOT NULL,
        area TEXT NOT NULL,
        source TEXT NOT NULL,
        clause TEXT NOT NULL,
        field_values TEXT NOT NULL,
        unit {blob} NOT NULL,
        from_unit {blob} NOT NULL,
        raiser {blob},
        owner {blob},
        supervisor {blob},
        state TEXT NOT NULL,
        stage TEXT NOT NULL,
        ended TEXT,
        due TEXT NOT NULL,
        until TEXT NOT NULL,
        open_until TEXT,
        raised_on TEXT NOT NULL,
        closed_on TEXT,
        measures BIGINT NOT NULL,
        done BIGINT NOT NULL,
        extensions BIGINT NOT NULL,
        reopenings BIGINT NOT NULL,
        recurred BIGINT NOT NULL,
        look_on TEXT,
        looking BOOLEAN NOT NULL,
        next_on TEXT,
        declared BOOLEAN NOT NULL,
        confidential BOOLEAN NOT NULL,
        origin_kind TEXT,
        origin_id {blob},
        origin_title TEXT,
        origin_href TEXT,
        origin_key TEXT,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE INDEX case_matter_open ON case_matter (open_until, id, unit, from_unit, stage, kind, area, severity, source)
        WHERE open_until IS NOT NULL;
    CREATE INDEX case_matter_stage ON case_matter (stage, open_until, id, unit, from_unit, kind, area, severity, source)
        WHERE open_until IS NOT NULL;
    CREATE INDEX case_matter_closed ON case_matter (closed_on, id, unit, from_unit, stage, kind, area, severity, source)
        WHERE closed_on IS NOT NULL;
    CREATE INDEX case_matter_source_open ON case_matter (source, open_until, id, unit, from_unit) WHERE open_until IS NOT NULL;
    CREATE INDEX case_matter_source_closed ON case_matter (source, closed_on, id, unit, from_unit) WHERE closed_on IS NOT NULL;
    CREATE INDEX case_matter_severity_open ON case_matter (severity, open_until, id, unit, from_unit)
        WHERE open_until IS NOT NULL;
    CREATE INDEX case_matter_severity_closed ON case_matter (severity, closed_on, id, unit, from_unit)
        WHERE closed_on IS NOT NULL;
    CREATE INDEX case_matter_all ON case_matter (id, unit, from_unit, stage, kind, area, severity, source);
    CREATE INDEX case_matter_unit ON case_matter (unit, open_until, closed_on, id, stage, kind, area, severity, source);
    CREATE INDEX case_matter_from ON case_matter (from_unit, open_until, closed_on, id, stage, kind, area, severity, source);
    CREATE INDEX case_matter_recurred ON case_matter (id, unit) WHERE recurred > 0;
    CREATE INDEX case_matter_looking ON case_matter (closed_on, id, unit) WHERE looking;
    CREATE INDEX case_matter_clause ON case_matter (unit, clause, raised_on);
    CREATE INDEX case_matter_next ON case_matter (next_on, id) WHERE next_on IS NOT NULL;
    CREATE INDEX case_matter_look ON case_matter (look_on, id) WHERE look_on IS NOT NULL;
    CREATE UNIQUE INDEX case_matter_origin ON case_matter (origin_kind, origin_id, origin_key);
    CREATE TABLE case_event (
        matter {blob} NOT NULL REFERENCES case_matter,
        seq BIGINT NOT NULL,
        act TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL,
        account {blob},
        person {blob},
        said TEXT NOT NULL,
        files TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (matter, seq)) {clustered};
    CREATE INDEX case_event_person ON case_event (person);
    CREATE TABLE case_evidence (
        matter {blob} NOT NULL REFERENCES case_matter,
        seq BIGINT NOT NULL,
        no BIGINT NOT NULL,
        name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size BIGINT NOT NULL,
        of_day TEXT,
        sent_at BIGINT NOT NULL,
        PRIMARY KEY (matter, seq, no)) {clustered};
    CREATE TABLE case_person (
        person {blob} NOT NULL,
        part TEXT NOT NULL,
        matter {blob} NOT NULL REFERENCES case_matter,
        PRIMARY KEY (person, part, matter)) {clustered};
    CREATE INDEX case_person_matter ON case_person (matter);
    CREATE TABLE case_measure (
        matter {blob} NOT NULL REFERENCES case_matter,
        no BIGINT NOT NULL,
        said TEXT NOT NULL,
        owner {blob} NOT NULL,
        due TEXT NOT NULL,
        open_due TEXT,
        done_on TEXT,
        PRIMARY KEY (matter, no)) {clustered};
    CREATE INDEX case_measure_owner ON case_measure (owner, open_due);
    CREATE INDEX case_measure_due ON case_measure (open_due, matter) WHERE open_due IS NOT NULL;
    CREATE TABLE case_link (
        matter {blob} NOT NULL REFERENCES case_matter,
        way TEXT NOT NULL,
        other {blob} NOT NULL REFERENCES case_matter,
        PRIMARY KEY (matter, way, other)) {clustered};
    CREATE INDEX case_link_other ON case_link (other);
    CREATE TABLE case_reporter (
        matter {blob} PRIMARY KEY REFERENCES case_matter,
        name TEXT NOT NULL,
        contact TEXT NOT NULL,
        confidential BOOLEAN NOT NULL);
    CREATE TABLE case_counter (
        kind TEXT NOT NULL,
        year BIGINT NOT NULL,
        last BIGINT NOT NULL,
        PRIMARY KEY (kind, year)) {clustered};
    CREATE TABLE case_count (
        unit {blob} NOT NULL,
        kind TEXT NOT NULL,
        stage TEXT NOT NULL,
        area TEXT NOT NULL,
        n BIGINT NOT NULL,
        PRIMARY KEY (unit, kind, stage, area)) {clustered}",
};

pub(crate) const MATTER: &str =
    "c.id, c.number, c.kind, c.rule, c.title, c.detail, c.severity, c.area, c.source, c.clause,
    c.field_values, c.unit, c.from_unit, c.raiser, c.owner, c.supervisor, c.state, c.stage, c.ended, c.due, c.until,
    c.raised_on, c.closed_on, c.measures, c.done, c.extensions, c.reopenings, c.recurred, c.look_on, c.looking,
    c.next_on, c.declared, c.origin_kind, c.origin_id, c.origin_title, c.origin_href, c.version, c.created_at,
    c.updated_at, c.confidential";

pub(crate) fn matter(row: &Row) -> Result<Matter> {
    let (stage, end): (String, Option<String>) = (row.get(17)?, row.get(18)?);
    let values: String = row.get(10)?;
    let origin: Option<String> = row.get(32)?;
    let origin = match origin {
        Some(kind) => Some(Origin {
            kind,
            id: row.get(33)?,
            title: row.get(34)?,
            href: row.get(35)?,
        }),
        None => None,
    };
    let stage = Stage::from_code(&stage);
    Ok(Matter {
        id: row.get(0)?,
        number: row.get(1)?,
        kind: row.get(2)?,
        rule: row.get(3)?,
        title: row.get(4)?,
        detail: row.get(5)?,
        severity: row.get(6)?,
        area: row.get(7)?,
        source: row.get(8)?,
        clause: row.get(9)?,
        values: serde_json::from_str(&values).map_err(Error::internal)?,
        unit: row.get(11)?,
        from: row.get(12)?,
        raiser: row.get(13)?,
        owner: row.get(14)?,
        supervisor: row.get(15)?,
        state: row.get(16)?,
        stage: stage.ok_or_else(|| Error::internal("no such stage"))?,
        end: end.and_then(|code| End::ALL.into_iter().find(|e| e.code() == code)),
        due: row.get(19)?,
        until: row.get(20)?,
        raised_on: row.get(21)?,
        closed_on: row.get(22)?,
        measures: row.get(23)?,
        done: row.get(24)?,
        extensions: row.get(25)?,
        reopenings: row.get(26)?,
        recurred: row.get(27)?,
        look_on: row.get(28)?,
        looking: row.get(29)?,
        next_on: row.get(30)?,
        declared: row.get(31)?,
        origin,
        version: row.get(36)?,
        created_at: row.get(37)?,
        updated_at: row.get(38)?,
        confidential: row.get(39)?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Keeps a kind as it is now, once.
pub(crate) async fn put_rule(tx: &mut Tx, hash: &str, kind: &Kind) -> Result<()> {
    let sql = "INSERT INTO case_rule (hash, kind, body) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    let values = args![hash, kind.code.as_str(), json(kind)?];
    tx.execute(sql, values).await.map(|_| ())
}

/// Kinds as they were kept.
pub(crate) async fn rules(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<(String, Kind)>> {
    let mut a = Args::new();
    let list = a.list(hashes.iter().map(|h| (*h).to_owned()));
    let sql = format!("SELECT hash, body FROM case_rule WHERE hash IN ({list})");
    let rows = tx.query(sql, a).await?;
    let read = |row: &Row| {
        let body: String = row.get(1)?;
        Ok((
            row.get(0)?,
            serde_json::from_str(&body).map_err(Error::internal)?,
        ))
    };
    rows.iter().map(read).collect()
}

/// The next number of a kind in a year: one after the other, without holes.
pub(crate) async fn next_number(tx: &mut Tx, kind: &str, year: i16) -> Result<i64> {
    let sql = "INSERT INTO case_counter (kind, year, last) VALUES ($1, $2, 1)
        ON CONFLICT (kind, year) DO UPDATE SET last = case_counter.last + 1 RETURNING last";
    tx.one(sql, args![kind, i64::from(year)]).await?.get(0)
}

fn open_until(m: &Matter) -> Option<Date> {
    m.end.is_none().then_some(m.until)
}

/// Writes a new case; false when its id, or its key within its origin, is already there.
pub(crate) async fn insert(tx: &mut Tx, m: &Matter, key: Option<&str>) -> Result<bool> {
    let origin = m.origin.as_ref();
    let sql = "INSERT INTO case_matter (id, number, kind, rule, title, detail, severity, area, source, clause, field_values, unit,
            from_unit, raiser, owner, supervisor, state, stage, ended, due, until, open_until, raised_on, closed_on,
            measures, done, extensions, reopenings, recurred, look_on, looking, next_on, declared, origin_kind, origin_id,
            origin_title, origin_href, origin_key, version, created_at, updated_at, confidential)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
            $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $40, $41)
        ON CONFLICT DO NOTHING";
    let values = args![
        m.id,
        &m.number,
        &m.kind,
        &m.rule,
        &m.title,
        &m.detail,
        &m.severity,
        &m.area,
        &m.source,
        &m.clause,
        json(&m.values)?,
        m.unit,
        m.from,
        m.raiser,
        m.owner,
        m.supervisor,
        &m.state,
        m.stage.code(),
        m.end.map(End::code),
        m.due,
        m.until,
        open_until(m),
        m.raised_on,
        m.closed_on,
        m.measures,
        m.done,
        m.extensions,
        m.reopenings,
        m.recurred,
        m.look_on,
        m.looking,
        m.next_on,
        m.declared,
        origin.map(|o| o.kind.as_str()),
        origin.map(|o| o.id),
        origin.map(|o| o.title.as_str()),
        origin.map(|o| o.href.as_str()),
        key,
        m.version,
        m.created_at,
        m.confidential,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Ok(false);
    }
    count(tx, m, 1).await?;
    Ok(true)
}

/// Changes the counters by a case.
async fn count(tx: &mut Tx, m: &Matter, by: i64) -> Result<()> {
    let sql = "INSERT INTO case_count (unit, kind, stage, area, n) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (unit, kind, stage, area) DO UPDATE SET n = case_count.n + excluded.n";
    let values = args![m.unit, &m.kind, m.stage.code(), &m.area, by];
    tx.execute(sql, values).await.map(|_| ())
}

/// Takes the row, so that those who act follow one another; false when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "UPDATE case_matter SET version = version WHERE id = $1";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Keeps how a case stands now. The day on which it was due first is not among what can change.
pub(crate) async fn save(tx: &mut Tx, before: &Matter, m: &Matter) -> Result<()> {
    let sql = "UPDATE case_matter SET unit = $3, owner = $4, supervisor = $5, state = $6, stage = $7, ended = $8, until = $9,
            open_until = $10, closed_on = $11, measures = $12, done = $13, extensions = $14, reopenings = $15,
            recurred = $16, look_on = $17, looking = $18, next_on = $19, updated_at = $20, field_values = $21, version = version + 1
        WHERE id = $1 AND version = $2";
    let values = args![
        m.id,
        before.version,
        m.unit,
        m.owner,
        m.supervisor,
        &m.state,
        m.stage.code(),
        m.end.map(End::code),
        m.until,
        open_until(m),
        m.closed_on,
        m.measures,
        m.done,
        m.extensions,
        m.reopenings,
        m.recurred,
        m.look_on,
        m.looking,
        m.next_on,
        m.updated_at,
        json(&m.values)?,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a case was changed meanwhile".into()));
    }
    if (before.unit, before.stage) != (m.unit, m.stage) {
        // In one order always, so that two cases never wait for each other's counters.
        let mut turns = [(before, -1), (m, 1)];
        turns.sort_by_key(|(m, _)| (m.unit, m.stage.code()));
        for (m, by) in turns {
            count(tx, m, by).await?;
        }
    }
    Ok(())
}

/// Adds an event. Its number is unique, so of two who add the same one, one runs again.
pub(crate) async fn note(tx: &mut Tx, id: Id, e: &Event) -> Result<()> {
    let sql =
        "INSERT INTO case_event (matter, seq, act, body, state, account, person, said, files, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = args![
        id,
        e.seq,
        e.act.code(),
        json(&e.act)?,
        &e.state,
        e.account,
        e.person,
        &e.text,
        json(&e.files)?,
        e.at,
    ];
    tx.execute(sql, values).await?;
    let mut rows = Args::new();
    for (no, f) in e.files.iter().enumerate() {
        rows.add(id);
        rows.add(e.seq);
        rows.add(no as i64);
        rows.add(f.name.as_str());
        rows.add(f.sha256.as_str());
        rows.add(f.size as i64);
        rows.add(f.of);
        rows.add(e.at);
    }
    if !e.files.is_empty() {
        let head = "INSERT INTO case_evidence (matter, seq, no, name, sha256, size, of_day, sent_at) VALUES";
        tx.insert_many(head, 8, "", rows).await?;
    }
    Ok(())
}

/// Adds events of the clock to many cases at once: the next number of each is its version plus one.
pub(crate) async fn note_many(tx: &mut Tx, list: &[(Id, Event)]) -> Result<()> {
    let mut rows = Args::new();
    for (id, e) in list {
        rows.add(*id);
        rows.add(e.seq);
        rows.add(e.act.code());
        rows.add(json(&e.act)?);
        rows.add(e.state.as_str());
        rows.add("");
        rows.add("[]");
        rows.add(e.at);
    }
    let head = "INSERT INTO case_event (matter, seq, act, body, state, said, files, at) VALUES";
    tx.insert_many(head, 8, "", rows).await?;
    Ok(())
}

/// Adds all events of cases that were taken in.
pub(crate) async fn note_history(tx: &mut Tx, list: &[Past]) -> Result<()> {
    let mut rows = Args::new();
    for past in list {
        for e in &past.events {
            rows.add(past.id);
            rows.add(e.seq);
            rows.add(e.act.code());
            rows.add(json(&e.act)?);
            rows.add(e.state.as_str());
            rows.add(e.account);
            rows.add(e.person);
            rows.add(e.text.as_str());
            rows.add("[]");
            rows.add(e.at);
        }
    }
    let head = "INSERT INTO case_event (matter, seq, act, body, state, account, person, said, files, at) VALUES";
    tx.insert_many(head, 10, "", rows).await?;
    Ok(())
}

/// Sets when somebody is next reminded of cases, where nothing happened to them meanwhile; how many that was.
pub(crate) async fn set_next(tx: &mut Tx, list: &[(&Matter, Option<Date>, i64)]) -> Result<u64> {
    let mut by: HashMap<(Option<Date>, i64), Vec<Id>> = HashMap::new();
    for (m, next, events) in list {
        by.entry((*next, *events)).or_default().push(m.id);
    }
    let mut changed = 0;
    for ((next, events), ids) in by {
        let mut a = args![next, events];
        let ids = a.list(ids);
        let sql = format!(
            "UPDATE case_matter SET next_on = $1, version = version + $2 WHERE id IN ({ids})"
        );
        changed += tx.execute(sql, a).await?;
    }
    Ok(changed)
}

pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT seq, body, state, account, person, said, files, at FROM case_event WHERE matter = $1 ORDER BY seq";
    let read = |row: &Row| {
        let (body, files): (String, String) = (row.get(1)?, row.get(6)?);
        Ok(Event {
            seq: row.get(0)?,
            act: serde_json::from_str::<Act>(&body).map_err(Error::internal)?,
            state: row.get(2)?,
            account: row.get(3)?,
            person: row.get(4)?,
            text: row.get(5)?,
            files: serde_json::from_str::<Vec<Evidence>>(&files).map_err(Error::internal)?,
            at: row.get(7)?,
        })
    };
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(read).collect()
}

/// Writes who has which part in a case and its measures, instead of what was there.
pub(crate) async fn put_parts(
    tx: &mut Tx,
    id: Id,
    case: &Case,
    raiser: Option<PersonId>,
) -> Result<()> {
    let sql = "DELETE FROM case_person WHERE matter = $1 AND part <> $2";
    tx.execute(sql, args![id, Part::Named.code()]).await?;
    let doers = case.measures.iter().map(|m| m.owner);
    let mut all: Vec<(PersonId, Part)> = raiser.map(|p| (p, Part::Raiser)).into_iter().collect();
    all.extend(case.owner.map(|p| (p, Part::Owner)));
    all.extend(case.co.iter().copied().chain(doers).map(|p| (p, Part::Co)));
    all.extend(case.supervisor.map(|p| (p, Part::Supervisor)));
    all.sort_unstable();
    all.dedup();
    name_parts(tx, id, &all).await?;
    tx.execute("DELETE FROM case_measure WHERE matter = $1", args![id])
        .await?;
    let mut rows = Args::new();
    for m in &case.measures {
        rows.add(id);
        rows.add(m.no);
        rows.add(m.text.as_str());
        rows.add(m.owner);
        rows.add(m.due);
        rows.add((m.done.is_none() && case.end.is_none()).then_some(m.due));
        rows.add(m.done);
    }
    if !case.measures.is_empty() {
        let head =
            "INSERT INTO case_measure (matter, no, said, owner, due, open_due, done_on) VALUES";
        tx.insert_many(head, 7, "", rows).await?;
    }
    Ok(())
}

/// Adds parts of people; those that are there stay.
pub(crate) async fn name_parts(tx: &mut Tx, id: Id, all: &[(PersonId, Part)]) -> Result<()> {
    let mut rows = Args::new();
    for (person, part) in all {
        rows.add(*person);
        rows.add(part.code());
        rows.add(id);
    }
    if !all.is_empty() {
        let head = "INSERT INTO case_person (person, part, matter) VALUES";
        tx.insert_many(head, 3, "ON CONFLICT DO NOTHING", rows)
            .await?;
    }
    Ok(())
}

/// Ties a case to another.
pub(crate) async fn link(tx: &mut Tx, id: Id, way: &str, other: Id) -> Result<()> {
    let sql =
        "INSERT INTO case_link (matter, way, other) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![id, way, other]).await.map(|_| ())
}

/// The cases tied to a case, and how: those that it points to, and those that point to it (`true`).
pub(crate) async fn links(tx: &mut Tx, id: Id) -> Result<Vec<(String, bool, Matter)>> {
    let sql = format!(
        "SELECT {MATTER}, l.way, l.matter FROM case_link l
         JOIN case_matter c ON c.id = CASE WHEN l.matter = $1 THEN l.other ELSE l.matter END
         WHERE l.matter = $1 OR l.other = $1 ORDER BY c.id"
    );
    let rows = tx.query(sql, args![id]).await?;
    let read = |row: &Row| {
        let from: Id = row.get(41)?;
        Ok((row.get(40)?, from != id, matter(row)?))
    };
    rows.iter().map(read).collect()
}

/// Who told of a case as it is kept: in the open, or sealed.
pub(crate) struct Told {
    pub(crate) reporter: Reporter,
    /// Name and contact.
    pub(crate) sealed: Option<(Vec<u8>, Vec<u8>)>,
}

/// Keeps who told of a case.
pub(crate) async fn put_reporter(tx: &mut Tx, id: Id, told: &Told) -> Result<()> {
    let sql =
        "INSERT INTO case_reporter (matter, name, contact, confidential, name_sealed, contact_sealed)
         VALUES ($1, $2, $3, $4, $5, $6)";
    let r = &told.reporter;
    let (name, contact) = told.sealed.clone().unzip();
    let values = args![id, &r.name, &r.contact, r.confidential, name, contact];
    tx.execute(sql, values).await.map(|_| ())
}

/// Who told of a case.
pub(crate) async fn reporter(tx: &mut Tx, id: Id) -> Result<Option<Told>> {
    let sql = "SELECT name, contact, confidential, name_sealed, contact_sealed FROM case_reporter WHERE matter = $1";
    let row = tx.optional(sql, args![id]).await?;
    let read = |row: Row| {
        let (name, contact): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.get(3)?, row.get(4)?);
        Ok(Told {
            reporter: Reporter {
                name: row.get(0)?,
                contact: row.get(1)?,
                confidential: row.get(2)?,
            },
            sealed: name.zip(contact),
        })
    };
    row.map(read).transpose()
}

/// Cases whose teller must not be known and is kept in the open: what was written before there was a vault.
pub(crate) async fn open_reporters(tx: &mut Tx, most: i64) -> Result<Vec<(Id, Reporter)>> {
    let sql = "SELECT matter, name, contact, confidential FROM case_reporter
        WHERE name_sealed IS NULL ORDER BY matter LIMIT $1";
    let rows = tx.query(sql, args![most]).await?;
    let read = |row: &Row| {
        let reporter = Reporter {
            name: row.get(1)?,
            contact: row.get(2)?,
            confidential: row.get(3)?,
        };
        Ok((row.get(0)?, reporter))
    };
    rows.iter().map(read).collect()
}

/// Seals who told of a case that is kept in the open; gives whether it still was.
pub(crate) async fn seal_reporter(
    tx: &mut Tx,
    id: Id,
    (name, contact): (Vec<u8>, Vec<u8>),
) -> Result<bool> {
    let sql =
        "UPDATE case_reporter SET name = '', contact = '', name_sealed = $1, contact_sealed = $2
        WHERE matter = $3 AND name_sealed IS NULL";
    Ok(tx.execute(sql, args![name, contact, id]).await? == 1)
}

/// A case, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Matter>> {
    let sql = format!("SELECT {MATTER} FROM case_matter c WHERE c.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(matter).transpose()
}

/// The case that was raised with a key by a record.
pub(crate) async fn by_key(tx: &mut Tx, origin: &Origin, key: &str) -> Result<Option<Id>> {
    let sql =
        "SELECT id FROM case_matter WHERE origin_kind = $1 AND origin_id = $2 AND origin_key = $3";
    let row = tx
        .optional(sql, args![&origin.kind, origin.id, key])
        .await?;
    row.map(|row| row.get(0)).transpose()
}

/// The cases of a record with their keys, in the order in which they were raised.
pub(crate) async fn of_origin(tx: &mut Tx, kind: &str, id: Id) -> Result<Vec<(Matter, String)>> {
    let sql = format!(
        "SELECT {MATTER}, COALESCE(c.origin_key, '') FROM case_matter c WHERE c.origin_kind = $1 AND c.origin_id = $2 ORDER BY c.id"
    );
    let rows = tx.query(sql, args![kind, id]).await?;
    rows.iter()
        .map(|row| Ok((matter(row)?, row.get(40)?)))
        .collect()
}

/// Cases of the same unit and clause since a day, the newest first: what may recur.
pub(crate) async fn similar(
    tx: &mut Tx,
    (unit, clause): (UnitId, &str),
    since: Date,
) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM case_matter c WHERE c.unit = $1 AND c.clause = $2 AND c.raised_on >= $3
         AND (c.ended IS NULL OR c.ended NOT IN ('duplicate', 'rejected')) ORDER BY c.id DESC LIMIT 50"
    );
    let rows = tx.query(sql, args![unit, clause, since]).await?;
    rows.iter().map(matter).collect()
}

/// A case that these eyes may see: of a unit of theirs, raised by one, or one in which they have a part.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Option<Matter>> {
    let mut a = args![id];
    let mut sees = vec![format!("c.raiser = {}", a.push(eyes.account))];
    for scope in [&eyes.reads, &eyes.handles, &eyes.supervises] {
        sees.push(scope_sql(scope, "c.unit", &mut a));
        sees.push(scope_sql(scope, "c.from_unit", &mut a));
    }
    if let Some(person) = eyes.person {
        let person = a.push(person);
        sees.push(format!(
            "EXISTS (SELECT 1 FROM case_person p WHERE p.matter = c.id AND p.person = {person})"
        ));
    }
    let sees = sees.join(" OR ");
    let sql = format!("SELECT {MATTER} FROM case_matter c WHERE c.id = $1 AND ({sees})");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(matter).transpose()
}

/// Takes open cases of which somebody is to be reminded by a day, a batch of them, so that who acts on one of them
/// waits.
pub(crate) async fn to_remind(tx: &mut Tx, by: Date, most: i64) -> Result<Vec<Matter>> {
    let sql = "UPDATE case_matter SET version = version WHERE id IN
        (SELECT c.id FROM case_matter c WHERE c.next_on <= $1 ORDER BY c.next_on, c.id LIMIT $2) AND next_on <= $1
        RETURNING id";
    let rows = tx.query(sql, args![by, most]).await?;
    let ids: Result<Vec<Id>> = rows.iter().map(|row| row.get(0)).collect();
    let mut a = Args::new();
    let list = a.list(ids?);
    let sql = format!("SELECT {MATTER} FROM case_matter c WHERE c.id IN ({list}) ORDER BY c.id");
    let rows = tx.query(sql, a).await?;
    rows.iter().map(matter).collect()
}

/// Closed cases to be looked back at by a day, a batch of them.
pub(crate) async fn to_look(tx: &mut Tx, by: Date, most: i64) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM case_matter WHERE look_on <= $1 ORDER BY look_on, id LIMIT $2";
    let rows = tx.query(sql, args![by, most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Co-owners of cases.
pub(crate) async fn helpers(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<PersonId>>> {
    let mut a = args![Part::Co.code()];
    let list = a.list(ids.iter().copied());
    let sql =
        format!("SELECT matter, person FROM case_person WHERE part = $1 AND matter IN ({list})");
    let mut found: HashMap<Id, Vec<PersonId>> = HashMap::new();
    for row in tx.query(sql, a).await? {
        found.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(found)
}

/// The person of an account, if it has one.
pub(crate) async fn person_of(tx: &mut Tx, account: AccountId) -> Result<Option<PersonId>> {
    identity::Identity::person_of(tx, account).await
}

/// Titles of cases.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT id, number, title FROM case_matter WHERE id IN ({list})");
    let read = |row: &Row| {
        let (number, title): (String, String) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, format!("{number} {title}")))
    };
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Takes away what a person wrote about cases; who did what when stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE case_event SET said = $2 WHERE person = $1 AND said <> ''";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}
