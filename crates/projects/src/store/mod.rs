//! The SQL of projects.

pub(crate) mod found;
pub(crate) mod parts;
pub(crate) mod visits;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use identity::Author;
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use crate::kind::ProjectKind;
use crate::model::{Eyes, Filter, Outcome, Project, State};

/// The tables of this crate. What a project said stands in its versions (`project_content`); its row repeats the last.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "projects_20261123_tables",
    sql: "
    CREATE TABLE project_rule (
        hash TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE project (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL REFERENCES project_rule, number TEXT,
        unit {blob} NOT NULL REFERENCES unit, state TEXT NOT NULL, stage TEXT NOT NULL, lead_person {blob} NOT NULL,
        title TEXT NOT NULL, starts TEXT NOT NULL, due TEXT NOT NULL, until_day TEXT NOT NULL, content TEXT NOT NULL,
        started_on TEXT, handed_on TEXT, closed_on TEXT, outcome TEXT, approval {blob}, version BIGINT NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX project_number ON project (number);
    CREATE INDEX project_unit ON project (unit, starts);
    CREATE INDEX project_state ON project (state, starts, id);
    CREATE TABLE project_counter (
        prefix TEXT NOT NULL, year BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (prefix, year)) {clustered};
    CREATE TABLE project_content (
        project {blob} NOT NULL REFERENCES project, n BIGINT NOT NULL, content TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (project, n)) {clustered};
    CREATE TABLE project_event (
        project {blob} NOT NULL REFERENCES project, seq BIGINT NOT NULL, act TEXT NOT NULL, body TEXT NOT NULL,
        reason TEXT NOT NULL, account {blob}, on_behalf {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (project, seq)) {clustered};
    CREATE TABLE project_member (
        project {blob} NOT NULL REFERENCES project, person {blob} NOT NULL, role TEXT NOT NULL, unit {blob} NOT NULL,
        said TEXT NOT NULL, since TEXT NOT NULL, left_on TEXT, PRIMARY KEY (project, person)) {clustered};
    CREATE INDEX project_member_person ON project_member (person, project);
    CREATE TABLE project_milestone (
        project {blob} NOT NULL REFERENCES project, no BIGINT NOT NULL, what TEXT NOT NULL, owner {blob} NOT NULL,
        due TEXT NOT NULL, until_day TEXT NOT NULL, done_on TEXT, said TEXT NOT NULL, files TEXT NOT NULL,
        dropped BOOLEAN NOT NULL, settled BOOLEAN NOT NULL, PRIMARY KEY (project, no)) {clustered};
    CREATE INDEX project_milestone_owner ON project_milestone (owner, settled, until_day);
    CREATE INDEX project_milestone_open ON project_milestone (settled, until_day);
    CREATE TABLE project_more (
        project {blob} NOT NULL REFERENCES project, no BIGINT NOT NULL, approval {blob} NOT NULL, until_day TEXT NOT NULL,
        reason TEXT NOT NULL, state TEXT NOT NULL, decided_by {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (project, no, approval)) {clustered};
    CREATE TABLE project_entry (
        id {blob} PRIMARY KEY, project {blob} NOT NULL REFERENCES project, what TEXT NOT NULL, day TEXT NOT NULL,
        place TEXT NOT NULL, heard TEXT NOT NULL, body TEXT NOT NULL, files TEXT NOT NULL, person {blob}, account {blob},
        at BIGINT NOT NULL, struck TEXT);
    CREATE INDEX project_entry_of ON project_entry (project, day);
    CREATE INDEX project_entry_person ON project_entry (person);
    CREATE TABLE project_report (
        project {blob} NOT NULL REFERENCES project, n BIGINT NOT NULL, parts TEXT NOT NULL, state TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, said TEXT NOT NULL, reviewed_by {blob}, reviewed_at BIGINT,
        PRIMARY KEY (project, n)) {clustered};
    CREATE INDEX project_report_state ON project_report (state);
    CREATE TABLE project_problem (
        id {blob} PRIMARY KEY, project {blob} NOT NULL REFERENCES project, no BIGINT NOT NULL, unit {blob} NOT NULL,
        case_id {blob} NOT NULL, raised_on TEXT NOT NULL, solved BOOLEAN NOT NULL);
    CREATE UNIQUE INDEX project_problem_once ON project_problem (project, no);
    CREATE TABLE project_adoption (
        id {blob} PRIMARY KEY, project {blob} NOT NULL REFERENCES project, no BIGINT NOT NULL, document TEXT NOT NULL,
        adopted_on TEXT NOT NULL, account {blob}, at BIGINT NOT NULL);
    CREATE UNIQUE INDEX project_adoption_once ON project_adoption (project, no);
    CREATE TABLE pair_visit (
        id {blob} PRIMARY KEY, tie {blob} NOT NULL, kind TEXT NOT NULL, person {blob} NOT NULL, unit {blob} NOT NULL,
        other {blob}, day TEXT NOT NULL, looked TEXT NOT NULL, promised TEXT NOT NULL, files TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, struck TEXT);
    CREATE INDEX pair_visit_tie ON pair_visit (tie, day);
    CREATE INDEX pair_visit_person ON pair_visit (person);
    CREATE TABLE pair_quarter (
        tie {blob} NOT NULL, quarter TEXT NOT NULL, visit {blob}, PRIMARY KEY (tie, quarter)) {clustered};
    CREATE TABLE pair_difficulty (
        visit {blob} NOT NULL REFERENCES pair_visit, no BIGINT NOT NULL, id {blob} NOT NULL, body TEXT NOT NULL,
        unit {blob}, case_id {blob}, raised_on TEXT, solved BOOLEAN NOT NULL, PRIMARY KEY (visit, no)) {clustered};
    CREATE UNIQUE INDEX pair_difficulty_id ON pair_difficulty (id)",
}];

/// A project as lists have it; `$1` is today.
const PROJECT: &str = "p.id, p.kind, p.rule, p.number, p.unit, p.state, p.stage, p.lead_person, p.content, p.until_day,
    p.started_on, p.handed_on, p.closed_on, p.outcome, p.approval, p.version, p.created_at, p.updated_at,
    (SELECT CAST(COUNT(*) AS BIGINT) FROM project_milestone m WHERE m.project = p.id),
    (SELECT CAST(COUNT(*) AS BIGINT) FROM project_milestone m WHERE m.project = p.id AND m.settled),
    (SELECT CAST(COUNT(*) AS BIGINT) FROM project_milestone m WHERE m.project = p.id AND NOT m.settled AND m.until_day < $1)";

fn project(row: &Row) -> Result<Project> {
    let (state, outcome): (String, Option<String>) = (row.get(5)?, row.get(13)?);
    Ok(Project {
        id: row.get(0)?,
        kind: row.get(1)?,
        rule: row.get(2)?,
        number: row.get(3)?,
        unit: row.get(4)?,
        state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        stage: row.get(6)?,
        lead: row.get(7)?,
        content: row.json(8)?,
        until: row.get(9)?,
        started_on: row.get(10)?,
        handed_on: row.get(11)?,
        closed_on: row.get(12)?,
        outcome: outcome.as_deref().and_then(Outcome::from_code),
        approval: row.get(14)?,
        version: row.get(15)?,
        created_at: row.get(16)?,
        updated_at: row.get(17)?,
        counts: [row.get(18)?, row.get(19)?, row.get(20)?],
    })
}

/// Keeps a kind as it is now, once.
pub(crate) async fn put_rule(tx: &mut Tx, hash: &str, kind: &ProjectKind) -> Result<()> {
    let sql = "INSERT INTO project_rule (hash, kind, body) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    let values = args![hash, kind.code.as_str(), db::json(kind)?];
    tx.execute(sql, values).await.map(|_| ())
}

/// Kinds as they were kept.
pub(crate) async fn rules(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<(String, ProjectKind)>> {
    let mut a = Args::new();
    let list = a.list(hashes.iter().map(|h| (*h).to_owned()));
    let sql = format!("SELECT hash, body FROM project_rule WHERE hash IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.json(1)?)))
        .collect()
}

/// Writes a new project with its first version; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, p: &Project, author: Author) -> Result<bool> {
    let sql = "INSERT INTO project (id, kind, rule, unit, state, stage, lead_person, title, starts, due, until_day, content,
            version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $13) ON CONFLICT (id) DO NOTHING";
    let values = args![
        p.id,
        &p.kind,
        &p.rule,
        p.unit,
        p.state.code(),
        &p.stage,
        p.lead,
        &p.content.title,
        p.content.from,
        p.content.due,
        db::json(&p.content)?,
        p.version,
        p.created_at,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Ok(false);
    }
    put_content(tx, p, "", author).await?;
    Ok(true)
}

/// Another version of what a project says.
pub(crate) async fn put_content(
    tx: &mut Tx,
    p: &Project,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql = "INSERT INTO project_content (project, n, content, reason, account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        p.id,
        p.version,
        db::json(&p.content)?,
        reason,
        author.account,
        author.on_behalf,
        p.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id, today: Date) -> Result<Option<Project>> {
    let sql = "UPDATE project SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id, today).await,
        _ => Ok(None),
    }
}

/// Keeps how a project stands now, one version further.
pub(crate) async fn save(tx: &mut Tx, p: &mut Project, now: Timestamp) -> Result<()> {
    let sql = "UPDATE project SET number = $3, state = $4, stage = $5, lead_person = $6, title = $7, starts = $8, due = $9,
            until_day = $10, content = $11, started_on = $12, handed_on = $13, closed_on = $14, outcome = $15, approval = $16,
            updated_at = $17, version = version + 1
        WHERE id = $1 AND version = $2";
    let values = args![
        p.id,
        p.version,
        p.number.clone(),
        p.state.code(),
        &p.stage,
        p.lead,
        &p.content.title,
        p.content.from,
        p.content.due,
        p.until,
        db::json(&p.content)?,
        p.started_on,
        p.handed_on,
        p.closed_on,
        p.outcome.map(Outcome::code),
        p.approval,
        now,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a project was changed meanwhile".into()));
    }
    p.version += 1;
    p.updated_at = now;
    Ok(())
}

/// The next number of a sort of projects in a year; a transaction that fails leaves no hole.
pub(crate) async fn next_number(tx: &mut Tx, prefix: &str, year: i16) -> Result<i64> {
    let sql = "INSERT INTO project_counter (prefix, year, last) VALUES ($1, $2, 1)
        ON CONFLICT (prefix, year) DO UPDATE SET last = project_counter.last + 1 RETURNING last";
    tx.one(sql, args![prefix, i64::from(year)]).await?.get(0)
}

/// Something that happened (办理记录); nothing changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, which is the version that it made.
    pub seq: i64,
    /// What.
    pub act: String,
    /// With what.
    pub body: serde_json::Value,
    /// Why.
    pub reason: String,
    /// Name of who did it; none: by the clock.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Writes down what happened, as the present version.
pub(crate) async fn note(
    tx: &mut Tx,
    p: &Project,
    act: &str,
    body: &serde_json::Value,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql = "INSERT INTO project_event (project, seq, act, body, reason, account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = args![
        p.id,
        p.version,
        act,
        body.to_string(),
        reason,
        author.account,
        author.on_behalf,
        p.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// What happened to a project, the last first.
pub(crate) async fn events(tx: &mut Tx, id: Id, most: i64) -> Result<Vec<Event>> {
    let sql = "SELECT e.seq, e.act, e.body, e.reason, COALESCE(p.name, a.login), e.at FROM project_event e
            LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person
        WHERE e.project = $1 ORDER BY e.seq DESC LIMIT $2";
    let read = |row: &Row| {
        Ok(Event {
            seq: row.get(0)?,
            act: row.get(1)?,
            body: row.json(2)?,
            reason: row.get(3)?,
            name: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![id, most])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// A project, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id, today: Date) -> Result<Option<Project>> {
    let sql = format!("SELECT {PROJECT} FROM project p WHERE p.id = $2");
    let row = tx.optional(sql, args![today, id]).await?;
    row.as_ref().map(project).transpose()
}

/// What somebody may see: projects of units in their scope, and those of which they are or were a member or owe a milestone.
fn seen_sql(eyes: &Eyes, a: &mut Args) -> String {
    let own = scope_sql(&eyes.reads, "p.unit", a);
    let Some(person) = eyes.person else {
        return own;
    };
    let (member, owner) = (a.push(person), a.push(person));
    format!(
        "({own} OR EXISTS (SELECT 1 FROM project_member b WHERE b.project = p.id AND b.person = {member})
            OR EXISTS (SELECT 1 FROM project_milestone m WHERE m.project = p.id AND m.owner = {owner}))"
    )
}

/// A project that somebody may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes, today: Date) -> Result<Project> {
    let mut a = args![today, id];
    let seen = seen_sql(eyes, &mut a);
    let sql = format!("SELECT {PROJECT} FROM project p WHERE p.id = $2 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref()
        .map(project)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// These of the projects of units in a scope, the newest first.
pub(crate) async fn some(
    tx: &mut Tx,
    ids: &[Id],
    scope: &Scope,
    today: Date,
) -> Result<Vec<Project>> {
    let mut a = args![today];
    let list = a.list(ids.iter().copied());
    let seen = scope_sql(scope, "p.unit", &mut a);
    let sql = format!(
        "SELECT {PROJECT} FROM project p WHERE p.id IN ({list}) AND {seen} ORDER BY p.id DESC"
    );
    tx.query(sql, a).await?.iter().map(project).collect()
}

/// A page of what somebody may see, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &Filter,
    (order, window): (Order, Window),
    today: Date,
) -> Result<(i64, Vec<Project>)> {
    let mut a = Args::new();
    let mut conditions = conditions(eyes, f, &mut a);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM project p WHERE {conditions}");
    let total: i64 = tx.one(sql, a).await?.get(0)?;
    let mut a = args![today];
    conditions.clear();
    conditions += &self::conditions(eyes, f, &mut a);
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("p.title {way}, p.id"),
        "due" => format!("p.until_day {way}, p.id {way}"),
        "number" => format!("p.number {way}, p.id {way}"),
        _ => format!("p.starts {way}, p.id {way}"),
    };
    let sql = format!(
        "SELECT {PROJECT} FROM project p WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(project).collect::<Result<_>>()?))
}

fn conditions(eyes: &Eyes, f: &Filter, a: &mut Args) -> String {
    let mut conditions = seen_sql(eyes, a);
    if !f.text.trim().is_empty() {
        let text = f.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let (title, number) = (a.push(format!("%{text}%")), a.push(format!("%{text}%")));
        conditions += &format!(
            " AND (LOWER(p.title) LIKE {title} ESCAPE '!' OR LOWER(p.number) LIKE {number} ESCAPE '!')"
        );
    }
    if let Some(state) = f.state {
        conditions += &format!(" AND p.state = {}", a.push(state.code()));
    }
    for (column, code) in [("p.kind", &f.kind), ("p.stage", &f.stage)] {
        if !code.is_empty() {
            conditions += &format!(" AND {column} = {}", a.push(code));
        }
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "p.unit", a);
        conditions += &format!(" AND {under}");
    }
    if let Some(person) = f.person {
        let (member, owner) = (a.push(person), a.push(person));
        conditions += &format!(
            " AND (EXISTS (SELECT 1 FROM project_member b WHERE b.project = p.id AND b.person = {member})
                OR EXISTS (SELECT 1 FROM project_milestone m WHERE m.project = p.id AND m.owner = {owner}))"
        );
    }
    if let Some(year) = f.year {
        let last = a.push(format!("{year:04}-12-31"));
        let first = a.push(format!("{year:04}-01-01"));
        conditions += &format!(" AND p.starts <= {last} AND p.until_day >= {first}");
    }
    if let Some(today) = f.late {
        let (own, of) = (a.push(today), a.push(today));
        conditions += &format!(
            " AND p.state = 'running' AND (p.until_day < {own} OR EXISTS (SELECT 1 FROM project_milestone m
                WHERE m.project = p.id AND NOT m.settled AND m.until_day < {of}))"
        );
    }
    conditions
}

/// How many projects there are of each kind, state and stage.
pub(crate) async fn counts(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &Filter,
) -> Result<HashMap<(String, String), i64>> {
    let mut a = Args::new();
    let conditions = conditions(eyes, f, &mut a);
    let sql = format!(
        "SELECT p.state, p.stage, CAST(COUNT(*) AS BIGINT) FROM project p WHERE {conditions} GROUP BY p.state, p.stage"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
        .collect()
}

/// Projects that are running: for the clock.
pub(crate) async fn running(tx: &mut Tx, today: Date) -> Result<Vec<Project>> {
    let sql = format!("SELECT {PROJECT} FROM project p WHERE p.state = 'running' ORDER BY p.id");
    tx.query(sql, args![today])
        .await?
        .iter()
        .map(project)
        .collect()
}

/// Open milestones of a person in running projects that are due by a day, the next first.
pub(crate) async fn owed(
    tx: &mut Tx,
    person: PersonId,
    by: Date,
) -> Result<Vec<(Id, String, i64, String, Date, UnitId)>> {
    let sql = "SELECT p.id, p.title, m.no, m.what, m.until_day, p.unit FROM project_milestone m JOIN project p ON p.id = m.project
        WHERE m.owner = $1 AND m.settled = $2 AND m.until_day <= $3 AND p.state = 'running'
        ORDER BY m.until_day, p.id, m.no LIMIT 200";
    let read = |row: &Row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
        ))
    };
    tx.query(sql, args![person, false, by])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Whether a unit is a place that a scope reaches.
pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    let paths = organization::finding::paths(tx, &[unit]).await?;
    Ok(paths.get(&unit).is_some_and(|path| scope.reaches(path)))
}

/// What things that facts are about are called.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    const FROM: [&str; 5] = [
        "SELECT id, title FROM project WHERE id",
        "SELECT e.id, p.title FROM project_entry e JOIN project p ON p.id = e.project WHERE e.id",
        "SELECT e.id, p.title FROM project_problem e JOIN project p ON p.id = e.project WHERE e.id",
        "SELECT e.id, e.document FROM project_adoption e WHERE e.id",
        "SELECT e.id, e.body FROM pair_difficulty e WHERE e.id",
    ];
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        for from in FROM {
            let mut a = Args::new();
            let list = a.list(chunk.iter().copied());
            for row in tx.query(format!("{from} IN ({list})"), a).await? {
                found.insert(row.get(0)?, row.get(1)?);
            }
        }
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT v.id, u.name, v.day FROM pair_visit v JOIN unit u ON u.id = v.unit WHERE v.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            let (unit, day): (String, String) = (row.get(1)?, row.get(2)?);
            found.insert(row.get(0)?, format!("{unit} {day}"));
        }
    }
    Ok(found)
}

/// Takes away what a person wrote; that they wrote, and when, stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE project_member SET said = $2 WHERE person = $1 AND said <> ''";
    tx.execute(sql, args![person, mark]).await?;
    let sql = "UPDATE project_entry SET body = $2, heard = '' WHERE person = $1";
    tx.execute(sql, args![person, mark]).await?;
    let sql = "UPDATE pair_visit SET looked = $2, promised = $2 WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}
