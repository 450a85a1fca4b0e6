//! The SQL of tasks.

pub(crate) mod duties;
pub(crate) mod entries;
pub(crate) mod practicals;
pub(crate) mod reports;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use identity::Author;
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::{finding, scope_sql};
use web::table::Window;

use crate::model::{Eyes, Plan, PlanState};

/// The tables of this crate. What an issued plan says stands in its versions (`task_version`, the whole of it), its entries
/// repeat the last; a unit has one report a month, opened with the day on which it is due.
/// An entry names the one that it carries on without a reference: what refers to itself twice cannot be copied parents first.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "tasks_20261123_tables",
    sql: "
    CREATE TABLE task_plan (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        year BIGINT NOT NULL, title TEXT NOT NULL, goals TEXT NOT NULL, state TEXT NOT NULL, numbered BIGINT NOT NULL,
        n BIGINT NOT NULL, issued_on TEXT, closed_on TEXT, version BIGINT NOT NULL, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX task_plan_once ON task_plan (unit, kind, year);
    CREATE INDEX task_plan_year ON task_plan (year, unit);
    CREATE TABLE task_version (
        plan {blob} NOT NULL REFERENCES task_plan, n BIGINT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (plan, n)) {clustered};
    CREATE TABLE task_entry (
        id {blob} PRIMARY KEY, plan {blob} NOT NULL REFERENCES task_plan, number TEXT NOT NULL, sort TEXT NOT NULL,
        parent {blob} REFERENCES task_entry, carried_from {blob}, content TEXT NOT NULL,
        line TEXT NOT NULL, owner TEXT NOT NULL, duty TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit, person {blob},
        leader {blob}, starts TEXT NOT NULL, ends TEXT NOT NULL, state TEXT NOT NULL, percent BIGINT NOT NULL,
        said TEXT NOT NULL, reported TEXT, ended_on TEXT, parts BIGINT NOT NULL, version BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX task_entry_number ON task_entry (plan, number);
    CREATE UNIQUE INDEX task_entry_carried ON task_entry (carried_from);
    CREATE INDEX task_entry_order ON task_entry (plan, sort);
    CREATE INDEX task_entry_unit ON task_entry (unit, state, ends);
    CREATE INDEX task_entry_person ON task_entry (person, state);
    CREATE INDEX task_entry_leader ON task_entry (leader, state);
    CREATE INDEX task_entry_due ON task_entry (state, ends);
    CREATE INDEX task_entry_parent ON task_entry (parent);
    CREATE TABLE task_event (
        plan {blob} NOT NULL REFERENCES task_plan, seq BIGINT NOT NULL, entry {blob} REFERENCES task_entry, act TEXT NOT NULL,
        reason TEXT NOT NULL, account {blob}, on_behalf {blob}, person {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (plan, seq)) {clustered};
    CREATE INDEX task_event_entry ON task_event (entry, seq);
    CREATE TABLE task_report (
        id {blob} PRIMARY KEY, unit {blob} NOT NULL REFERENCES unit, month TEXT NOT NULL, due TEXT NOT NULL, remind TEXT NOT NULL,
        state TEXT NOT NULL, summary TEXT NOT NULL, problems TEXT NOT NULL, upcoming TEXT NOT NULL, handed_on TEXT,
        accepted_on TEXT, returns BIGINT NOT NULL, omitted BIGINT NOT NULL, judged BOOLEAN NOT NULL, version BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX task_report_once ON task_report (unit, month);
    CREATE INDEX task_report_month ON task_report (month, state, unit);
    CREATE INDEX task_report_state ON task_report (state, remind);
    CREATE INDEX task_report_judged ON task_report (judged, due);
    CREATE TABLE task_line (
        report {blob} NOT NULL REFERENCES task_report, entry {blob} NOT NULL REFERENCES task_entry, percent BIGINT NOT NULL,
        said TEXT NOT NULL, reached_on TEXT, counted BIGINT, PRIMARY KEY (report, entry)) {clustered};
    CREATE INDEX task_line_entry ON task_line (entry);
    CREATE TABLE task_word (
        report {blob} NOT NULL REFERENCES task_report, seq BIGINT NOT NULL, act TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, on_behalf {blob}, person {blob}, at BIGINT NOT NULL, PRIMARY KEY (report, seq)) {clustered};
    CREATE TABLE task_catalogue (
        unit {blob} NOT NULL REFERENCES unit, n BIGINT NOT NULL, effective TEXT NOT NULL, duties TEXT NOT NULL,
        reason TEXT NOT NULL, account {blob}, at BIGINT NOT NULL, PRIMARY KEY (unit, n)) {clustered};
    CREATE TABLE task_practical (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit, serial BIGINT NOT NULL,
        year BIGINT NOT NULL, title TEXT NOT NULL, served TEXT NOT NULL, detail TEXT NOT NULL, person {blob}, due TEXT NOT NULL,
        promised_on TEXT NOT NULL, state TEXT NOT NULL, percent BIGINT NOT NULL, said TEXT NOT NULL, done_on TEXT,
        files TEXT NOT NULL, code TEXT, settled_on TEXT, mean BIGINT, asked BIGINT NOT NULL, version BIGINT NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX task_practical_number ON task_practical (unit, year, serial);
    CREATE UNIQUE INDEX task_practical_code ON task_practical (code);
    CREATE INDEX task_practical_unit ON task_practical (unit, state, due);
    CREATE INDEX task_practical_person ON task_practical (person, state);
    CREATE TABLE task_practical_event (
        practical {blob} NOT NULL REFERENCES task_practical, seq BIGINT NOT NULL, act TEXT NOT NULL, said TEXT NOT NULL,
        account {blob}, on_behalf {blob}, person {blob}, at BIGINT NOT NULL, PRIMARY KEY (practical, seq)) {clustered};
    CREATE TABLE task_slip (
        practical {blob} NOT NULL REFERENCES task_practical, hash TEXT NOT NULL, used BOOLEAN NOT NULL,
        PRIMARY KEY (practical, hash)) {clustered};
    CREATE TABLE task_score (
        practical {blob} NOT NULL REFERENCES task_practical, id {blob} NOT NULL, score BIGINT NOT NULL, said TEXT NOT NULL,
        PRIMARY KEY (practical, id)) {clustered}",
}];

pub(crate) fn coded<T>(found: Option<T>) -> Result<T> {
    found.ok_or_else(|| Error::internal("no such state"))
}

const PLAN: &str = "p.id, p.rule, p.unit, p.year, p.title, p.goals, p.state, p.numbered, p.n, p.issued_on, p.closed_on, p.version,
    p.updated_at";

fn plan(row: &Row) -> Result<Plan> {
    let (year, state): (i64, String) = (row.get(3)?, row.get(6)?);
    Ok(Plan {
        id: row.get(0)?,
        kind: row.json(1)?,
        unit: row.get(2)?,
        year: i16::try_from(year).map_err(Error::internal)?,
        title: row.get(4)?,
        goals: row.json(5)?,
        state: coded(PlanState::from_code(&state))?,
        numbered: row.get(7)?,
        n: row.get(8)?,
        issued_on: row.get(9)?,
        closed_on: row.get(10)?,
        version: row.get(11)?,
        updated_at: row.get(12)?,
    })
}

/// Writes a new plan; false when its id is there already, or the unit has one of that kind in that year.
pub(crate) async fn insert(tx: &mut Tx, p: &Plan) -> Result<bool> {
    let sql = "INSERT INTO task_plan (id, kind, rule, unit, year, title, goals, state, numbered, n, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $9) ON CONFLICT DO NOTHING";
    let values = args![
        p.id,
        &p.kind.code,
        db::json(&p.kind)?,
        p.unit,
        i64::from(p.year),
        &p.title,
        db::json(&p.goals)?,
        p.state.code(),
        p.updated_at
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Plan>> {
    let sql = "UPDATE task_plan SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// A plan, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Plan>> {
    let sql = format!("SELECT {PLAN} FROM task_plan p WHERE p.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(plan).transpose()
}

/// Keeps how a plan stands now, with what happened to it or to one of its entries.
pub(crate) async fn save(
    tx: &mut Tx,
    p: &mut Plan,
    (act, entry, reason): (&str, Option<Id>, &str),
    author: Author,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE task_plan SET title = $3, goals = $4, state = $5, numbered = $6, n = $7, issued_on = $8, closed_on = $9,
            updated_at = $10, version = version + 1 WHERE id = $1 AND version = $2";
    let values = args![
        p.id,
        p.version,
        &p.title,
        db::json(&p.goals)?,
        p.state.code(),
        p.numbered,
        p.n,
        p.issued_on,
        p.closed_on,
        now
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a plan was changed meanwhile".into()));
    }
    p.version += 1;
    p.updated_at = now;
    let sql =
        "INSERT INTO task_event (plan, seq, entry, act, reason, account, on_behalf, person, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = args![
        p.id,
        p.version,
        entry,
        act,
        reason,
        author.account,
        author.on_behalf,
        author.person,
        now
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Something that happened (办理记录); nothing changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What.
    pub act: String,
    /// Number of the entry that it happened to.
    pub number: Option<String>,
    /// Why.
    pub reason: String,
    /// Name of who did it; none: by the clock.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

pub(crate) fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        act: row.get(0)?,
        number: row.get(1)?,
        reason: row.get(2)?,
        name: row.get(3)?,
        at: row.get(4)?,
    })
}

/// What happened to a plan or to one entry of it, the last first.
pub(crate) async fn events(
    tx: &mut Tx,
    id: Id,
    entry: Option<Id>,
    most: i64,
) -> Result<Vec<Event>> {
    let mut a = args![id];
    let narrowed = match entry {
        Some(entry) => format!(" AND v.entry = {}", a.push(entry)),
        None => String::new(),
    };
    let most = a.push(most);
    let sql = format!(
        "SELECT v.act, e.number, v.reason, COALESCE(h.name, c.login), v.at FROM task_event v
            LEFT JOIN task_entry e ON e.id = v.entry LEFT JOIN account c ON c.id = v.account LEFT JOIN person h ON h.id = c.person
        WHERE v.plan = $1{narrowed} ORDER BY v.seq DESC LIMIT {most}"
    );
    tx.query(sql, a).await?.iter().map(event).collect()
}

/// Who wrote a plan or asked for it to be issued: nobody of them issues it.
pub(crate) async fn authors(tx: &mut Tx, id: Id) -> Result<Vec<Author>> {
    let sql = "SELECT DISTINCT v.account, v.on_behalf, v.person FROM task_event v WHERE v.plan = $1 AND v.act <> 'back'";
    let read = |row: &Row| {
        Ok(Author {
            account: row.get(0)?,
            on_behalf: row.get(1)?,
            person: row.get(2)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// Another version of what a plan says.
pub(crate) async fn put_version(
    tx: &mut Tx,
    p: &Plan,
    content: &serde_json::Value,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql = "INSERT INTO task_version (plan, n, content, reason, account, on_behalf, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        p.id,
        p.n,
        content.to_string(),
        reason,
        author.account,
        author.on_behalf,
        p.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// A version of what a plan said (版本).
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Its number.
    pub n: i64,
    /// What it says; empty in a list of versions.
    pub content: serde_json::Value,
    /// Why it was made.
    pub reason: String,
    /// Name of who made it.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The versions of a plan, the last first, without what they say.
pub(crate) async fn versions(tx: &mut Tx, id: Id) -> Result<Vec<Version>> {
    let sql = "SELECT v.n, CAST('null' AS TEXT), v.reason, COALESCE(h.name, c.login), v.at FROM task_version v
            LEFT JOIN account c ON c.id = v.account LEFT JOIN person h ON h.id = c.person WHERE v.plan = $1 ORDER BY v.n DESC LIMIT 500";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(version).collect()
}

/// A version of a plan.
pub(crate) async fn version_of(tx: &mut Tx, id: Id, n: i64) -> Result<Option<Version>> {
    let sql = "SELECT v.n, v.content, v.reason, COALESCE(h.name, c.login), v.at FROM task_version v
            LEFT JOIN account c ON c.id = v.account LEFT JOIN person h ON h.id = c.person WHERE v.plan = $1 AND v.n = $2";
    let row = tx.optional(sql, args![id, n]).await?;
    row.as_ref().map(version).transpose()
}

fn version(row: &Row) -> Result<Version> {
    Ok(Version {
        n: row.get(0)?,
        content: row.json(1)?,
        reason: row.get(2)?,
        name: row.get(3)?,
        at: row.get(4)?,
    })
}

/// What somebody may see of plans: those of units where they write or issue them, those issued in units where they look,
/// and those in which a unit where they look, or they themselves, have an entry.
pub(crate) fn seen_sql(eyes: &Eyes, a: &mut Args) -> String {
    let plans = scope_sql(&eyes.plans, "p.unit", a);
    let issues = scope_sql(&eyes.issues, "p.unit", a);
    let reads = scope_sql(&eyes.reads, "p.unit", a);
    let owned = scope_sql(&eyes.reads, "o.unit", a);
    let me = match eyes.person {
        Some(me) => {
            let (person, leader) = (a.push(me), a.push(me));
            format!(" OR o.person = {person} OR o.leader = {leader}")
        }
        None => String::new(),
    };
    format!(
        "({plans} OR {issues} OR (p.state IN ('issued', 'closed') AND ({reads}
            OR EXISTS (SELECT 1 FROM task_entry o WHERE o.plan = p.id AND ({owned}{me})))))"
    )
}

/// A plan that somebody may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Plan> {
    let mut a = args![id];
    let seen = seen_sql(eyes, &mut a);
    let sql = format!("SELECT {PLAN} FROM task_plan p WHERE p.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(plan).transpose()?.ok_or(Error::NotFound)
}

/// What a list of plans is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this year.
    pub year: Option<i16>,
    /// In this state.
    pub state: Option<PlanState>,
    /// Of this unit or one below it.
    pub unit: Option<UnitId>,
}

/// A page of plans, the newest year first, with how many of their entries were reached and how many count.
pub(crate) async fn list(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &PlanFilter,
    window: Window,
) -> Result<(i64, Vec<(Plan, i64, i64)>)> {
    let mut a = Args::new();
    let mut narrowed = seen_sql(eyes, &mut a);
    if let Some(year) = f.year {
        narrowed += &format!(" AND p.year = {}", a.push(i64::from(year)));
    }
    if let Some(state) = f.state {
        narrowed += &format!(" AND p.state = {}", a.push(state.code()));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "p.unit", &mut a);
        narrowed += &format!(" AND {under}");
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM task_plan p WHERE {narrowed}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {PLAN},
            (SELECT CAST(COUNT(*) AS BIGINT) FROM task_entry e WHERE e.plan = p.id AND e.state = 'reached'),
            (SELECT CAST(COUNT(*) AS BIGINT) FROM task_entry e WHERE e.plan = p.id AND e.state <> 'dropped')
        FROM task_plan p WHERE {narrowed} ORDER BY p.year DESC, p.id DESC LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let read = |row: &Row| Ok((plan(row)?, row.get(13)?, row.get(14)?));
    Ok((total, rows.iter().map(read).collect::<Result<_>>()?))
}

/// Plans into which an entry can be carried: later ones that are not closed.
pub(crate) async fn later(tx: &mut Tx, eyes: &Eyes, year: i16) -> Result<Vec<Plan>> {
    let mut a = args![i64::from(year)];
    let scope = scope_sql(&eyes.plans, "p.unit", &mut a);
    let sql = format!(
        "SELECT {PLAN} FROM task_plan p WHERE p.year > $1 AND p.state <> 'closed' AND {scope} ORDER BY p.year, p.id LIMIT 100"
    );
    tx.query(sql, a).await?.iter().map(plan).collect()
}

/// Plans that the words of a search found, of those that somebody may see.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], eyes: &Eyes) -> Result<Vec<Plan>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let seen = seen_sql(eyes, &mut a);
    let sql = format!("SELECT {PLAN} FROM task_plan p WHERE p.id IN ({list}) AND {seen}");
    tx.query(sql, a).await?.iter().map(plan).collect()
}

/// Whether a scope reaches a unit.
pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    let paths = finding::paths(tx, &[unit]).await?;
    Ok(paths.get(&unit).is_some_and(|path| scope.reaches(path)))
}

/// What a unit is called.
pub(crate) async fn unit_name(tx: &mut Tx, unit: UnitId) -> Result<String> {
    let sql = "SELECT u.name FROM unit u WHERE u.id = $1";
    let row = tx.optional(sql, args![unit]).await?;
    row.map_or(Ok(String::new()), |row| row.get(0))
}

/// What facts of this crate are about: entries, reports of units on months, practical things.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT e.id, p.year, e.number, e.line FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.id IN ({list})"
        );
        for row in tx.query(sql, a.clone()).await? {
            let (year, number, line): (i64, String, String) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            found.insert(row.get(0)?, format!("{year}-{number} {line}"));
        }
        let sql = format!(
            "SELECT r.id, u.name, r.month FROM task_report r JOIN unit u ON u.id = r.unit WHERE r.id IN ({list})"
        );
        for row in tx.query(sql, a.clone()).await? {
            let (unit, month): (String, Date) = (row.get(1)?, row.get(2)?);
            let month = crate::model::month_text(month);
            found.insert(row.get(0)?, format!("{unit} {month}"));
        }
        let sql = format!("SELECT t.id, t.title FROM task_practical t WHERE t.id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Takes away what a person wrote about their work in the name of their unit; that they did stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    for sql in [
        "UPDATE task_event SET reason = $2 WHERE person = $1 AND reason <> ''",
        "UPDATE task_word SET reason = $2 WHERE person = $1 AND reason <> ''",
        "UPDATE task_practical_event SET said = $2 WHERE person = $1 AND said <> ''",
    ] {
        tx.execute(sql, args![person, mark]).await?;
    }
    Ok(())
}
