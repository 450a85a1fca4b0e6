//! All SQL of bulletins.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Env, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use ledger::SourceFile;
use web::table::{Order, Window};

use crate::model::{Bulletin, Content, Issue, State};
use crate::service::Sight;

/// The tables. What a bulletin says stands in its versions; the bulletin repeats what lists ask for. Numbers are
/// unique by unit, kind and year; the counter is raised by the transaction that publishes.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "bulletins_20261122_tables",
    sql: "
    CREATE TABLE bulletin (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit, state TEXT NOT NULL,
        version BIGINT NOT NULL, title TEXT NOT NULL, level TEXT NOT NULL, house BOOLEAN NOT NULL,
        written_at BIGINT NOT NULL, written_by {blob} NOT NULL, year BIGINT, issue BIGINT, published_on TEXT);
    CREATE UNIQUE INDEX bulletin_issue ON bulletin (unit, kind, year, issue);
    CREATE INDEX bulletin_state ON bulletin (state, published_on, id);
    CREATE TABLE bulletin_version (
        bulletin {blob} NOT NULL REFERENCES bulletin, n BIGINT NOT NULL, content TEXT NOT NULL,
        by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (bulletin, n)) {clustered};
    CREATE TABLE bulletin_event (
        id {blob} PRIMARY KEY, bulletin {blob} NOT NULL REFERENCES bulletin, act TEXT NOT NULL,
        version BIGINT NOT NULL, by_account {blob} NOT NULL, on_behalf {blob}, reason TEXT NOT NULL, at BIGINT NOT NULL);
    CREATE INDEX bulletin_event_of ON bulletin_event (bulletin, id);
    CREATE TABLE bulletin_counter (
        unit {blob} NOT NULL REFERENCES unit, kind TEXT NOT NULL, year BIGINT NOT NULL, last BIGINT NOT NULL,
        PRIMARY KEY (unit, kind, year)) {clustered};
    ",
}];

const COLUMNS: &str = "b.id, b.kind, b.unit, b.state, b.version, v.content, b.written_at, b.written_by, b.year, b.issue, b.published_on";
const FROM: &str =
    "FROM bulletin b JOIN bulletin_version v ON v.bulletin = b.id AND v.n = b.version";

fn read(row: &Row) -> Result<Bulletin> {
    let (state, year, issue): (String, Option<i64>, Option<i64>) =
        (row.get(3)?, row.get(8)?, row.get(9)?);
    Ok(Bulletin {
        id: row.get(0)?,
        kind: row.get(1)?,
        unit: row.get(2)?,
        state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        version: row.get(4)?,
        content: content(row, 5)?,
        written_at: row.get(6)?,
        written_by: row.get(7)?,
        issue: year.zip(issue).map(|(year, number)| Issue { year, number }),
        published_on: row.get(10)?,
    })
}

fn content(row: &Row, column: usize) -> Result<Content> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// Who acted, and in whose place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Author {
    pub(crate) by: AccountId,
    pub(crate) on_behalf: Option<AccountId>,
}

impl Sight {
    /// What of the bulletins somebody may see: published ones where they may read and those of the whole house,
    /// withdrawn ones where they may read, everything where they write or review.
    fn sql(&self, a: &mut Args) -> String {
        let read = organization::scope_sql(&self.read, "b.unit", a);
        let mut sql = format!(
            "b.state <> 'dropped' AND ((b.state = 'published' AND b.house) OR (b.state IN ('published', 'withdrawn') AND {read})"
        );
        for desk in &self.desk {
            let desk = organization::scope_sql(desk, "b.unit", a);
            sql += &format!(" OR {desk}");
        }
        sql + ")"
    }
}

/// Writes a new bulletin with its first version; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, b: &Bulletin, author: Author) -> Result<bool> {
    let c = &b.content;
    let sql = "INSERT INTO bulletin (id, kind, unit, state, version, title, level, house, written_at, written_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
    let args = args![
        b.id,
        b.kind.as_str(),
        b.unit,
        b.state.code(),
        b.version,
        c.title.as_str(),
        c.level.as_str(),
        c.house,
        b.written_at,
        b.written_by
    ];
    let added = tx.execute(sql, args).await? == 1;
    if added {
        version(tx, b, author, b.written_at).await?;
    }
    Ok(added)
}

async fn version(tx: &mut Tx, b: &Bulletin, author: Author, at: Timestamp) -> Result<()> {
    let content = serde_json::to_string(&b.content).map_err(Error::internal)?;
    let sql = "INSERT INTO bulletin_version (bulletin, n, content, by_account, on_behalf, at) VALUES ($1, $2, $3, $4, $5, $6)";
    let args = args![b.id, b.version, content, author.by, author.on_behalf, at];
    tx.execute(sql, args).await.map(|_| ())
}

/// Another version; false when the bulletin is not any more as it was looked at.
pub(crate) async fn change(
    tx: &mut Tx,
    before: &Bulletin,
    now: &Bulletin,
    author: Author,
    at: Timestamp,
) -> Result<bool> {
    let c = &now.content;
    let sql = "UPDATE bulletin SET version = $4, state = $5, title = $6, level = $7, house = $8
        WHERE id = $1 AND version = $2 AND state = $3";
    let args = args![
        before.id,
        before.version,
        before.state.code(),
        now.version,
        now.state.code(),
        c.title.as_str(),
        c.level.as_str(),
        c.house
    ];
    if tx.execute(sql, args).await? != 1 {
        return Ok(false);
    }
    version(tx, now, author, at).await?;
    Ok(true)
}

/// Moves a bulletin to another state; false when it is not any more as it was looked at.
pub(crate) async fn turn(tx: &mut Tx, b: &Bulletin, to: State) -> Result<bool> {
    let sql = "UPDATE bulletin SET state = $4 WHERE id = $1 AND version = $2 AND state = $3";
    let args = args![b.id, b.version, b.state.code(), to.code()];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Publishes a bulletin that waits, under the next number of its unit, kind and year; none when it does not wait any
/// more as it was looked at. `first` is where the counting begins, if it has not yet.
pub(crate) async fn publish(
    tx: &mut Tx,
    b: &Bulletin,
    year: i64,
    first: i64,
    on: Date,
) -> Result<Option<Issue>> {
    if !turn(tx, b, State::Published).await? {
        return Ok(None);
    }
    let sql = "INSERT INTO bulletin_counter (unit, kind, year, last) VALUES ($1, $2, $3, $4)
        ON CONFLICT (unit, kind, year) DO UPDATE SET last = bulletin_counter.last + 1 RETURNING last";
    let row = tx.one(sql, args![b.unit, b.kind.as_str(), year, first]);
    let number: i64 = row.await?.get(0)?;
    let sql = "UPDATE bulletin SET year = $2, issue = $3, published_on = $4 WHERE id = $1";
    tx.execute(sql, args![b.id, year, number, on]).await?;
    Ok(Some(Issue { year, number }))
}

/// The last number of a unit's kind in a year; none where nothing was counted yet.
pub(crate) async fn last_issue(
    tx: &mut Tx,
    unit: UnitId,
    kind: &str,
    year: i64,
) -> Result<Option<i64>> {
    let sql = "SELECT last FROM bulletin_counter WHERE unit = $1 AND kind = $2 AND year = $3";
    let row = tx.optional(sql, args![unit, kind, year]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// A bulletin that somebody may see.
pub(crate) async fn bulletin(tx: &mut Tx, id: Id, sight: &Sight) -> Result<Bulletin> {
    let mut a = args![id];
    let seen = sight.sql(&mut a);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE b.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// A bulletin of a unit in a scope, to act on.
pub(crate) async fn held(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Bulletin> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "b.unit", &mut a);
    let sql =
        format!("SELECT {COLUMNS} {FROM} WHERE b.id = $1 AND b.state <> 'dropped' AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// These of what somebody may see, the newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], sight: &Sight) -> Result<Vec<Bulletin>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let seen = sight.sql(&mut a);
    let sql =
        format!("SELECT {COLUMNS} {FROM} WHERE b.id IN ({list}) AND {seen} ORDER BY b.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Part of the title.
    pub(crate) text: String,
    pub(crate) under: Option<UnitId>,
    pub(crate) kind: Option<String>,
    /// In these states.
    pub(crate) states: Vec<State>,
    /// Published in this year.
    pub(crate) year: Option<i16>,
}

/// A page of what somebody may see, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    sight: &Sight,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<(Vec<Bulletin>, i64)> {
    let mut a = Args::new();
    let mut conditions = sight.sql(&mut a);
    let states = a.list(filter.states.iter().map(|s| s.code()));
    conditions += &format!(" AND b.state IN ({states})");
    if !filter.text.trim().is_empty() {
        let text = filter.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        conditions += &format!(" AND LOWER(b.title) LIKE {text} ESCAPE '!'");
    }
    if let Some(unit) = filter.under {
        let under = organization::scope_sql(&Scope::Under(vec![unit]), "b.unit", &mut a);
        conditions += &format!(" AND {under}");
    }
    if let Some(kind) = &filter.kind {
        conditions += &format!(" AND b.kind = {}", a.push(kind));
    }
    if let Some(year) = filter.year {
        let from = a.push(format!("{year:04}-01-01"));
        let to = a.push(format!("{year:04}-12-31"));
        conditions += &format!(" AND b.published_on >= {from} AND b.published_on <= {to}");
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM bulletin b WHERE {conditions}");
    let total = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("b.title {way}, b.id"),
        // What is not published yet comes first where the newest does.
        _ => format!("COALESCE(b.published_on, '9999') {way}, b.id {way}"),
    };
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((rows.iter().map(read).collect::<Result<_>>()?, total))
}

/// How many wait for the word of somebody who reviews in a scope and wrote none of it; `above` are the kinds that
/// the unit above reviews.
pub(crate) async fn waiting(
    tx: &mut Tx,
    scope: &Scope,
    above: &[&str],
    not_of: &[AccountId],
) -> Result<i64> {
    let mut a = Args::new();
    let mut reviewed = organization::scope_sql(scope, "b.unit", &mut a);
    if !above.is_empty() {
        let kinds = a.list(above.iter().copied());
        let upper = organization::scope_sql(scope, "COALESCE(u.parent, u.id)", &mut a);
        reviewed = format!(
            "((b.kind NOT IN ({kinds}) AND {reviewed}) OR (b.kind IN ({kinds})
              AND EXISTS (SELECT 1 FROM unit u WHERE u.id = b.unit AND {upper})))"
        );
    }
    if !not_of.is_empty() {
        let list = a.list(not_of.iter().copied());
        reviewed += &format!(
            " AND NOT EXISTS (SELECT 1 FROM bulletin_version w WHERE w.bulletin = b.id
               AND (w.by_account IN ({list}) OR w.on_behalf IN ({list})))"
        );
    }
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM bulletin b WHERE b.state = 'proposed' AND {reviewed}"
    );
    tx.one(sql, a).await?.get(0)
}

/// All versions of a bulletin with who wrote each, the first first.
pub(crate) async fn versions(
    tx: &mut Tx,
    id: Id,
) -> Result<Vec<(i64, Content, AccountId, Option<AccountId>)>> {
    let sql = "SELECT n, content, by_account, on_behalf FROM bulletin_version WHERE bulletin = $1 ORDER BY n";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, content(r, 1)?, r.get(2)?, r.get(3)?)))
        .collect()
}

/// What happened to a bulletin (时间线).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `written`, `changed`, `proposed`, `recalled`, `returned`, `published`, `withdrawn` or `dropped`.
    pub act: String,
    /// The version it was about.
    pub version: i64,
    /// Name of who did it; none when there is no such account.
    pub name: Option<String>,
    /// Name of the one in whose place.
    pub on_behalf: Option<String>,
    /// Why; empty where none is needed.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Writes a line of the timeline.
pub(crate) async fn note(
    tx: &mut Tx,
    (id, version): (Id, i64),
    act: &str,
    reason: &str,
    author: Author,
    env: &Env,
) -> Result<()> {
    let sql =
        "INSERT INTO bulletin_event (id, bulletin, act, version, by_account, on_behalf, reason, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let line: Id = env.new_id();
    let args = args![
        line,
        id,
        act,
        version,
        author.by,
        author.on_behalf,
        reason,
        env.now()
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// The timeline of a bulletin, the oldest first.
pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT c.act, c.version, COALESCE(p.name, a.login), COALESCE(q.name, b.login), c.reason, c.at
        FROM bulletin_event c
            LEFT JOIN account a ON a.id = c.by_account LEFT JOIN person p ON p.id = a.person
            LEFT JOIN account b ON b.id = c.on_behalf LEFT JOIN person q ON q.id = b.person
        WHERE c.bulletin = $1 ORDER BY c.id";
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

/// The titles of bulletins.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, title FROM bulletin WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// The pictures of bulletins.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT b.id, v.content {FROM} WHERE b.id IN ({list})");
        for row in &tx.query(sql, a).await? {
            let pictures = content(row, 1)?.pictures.into_iter();
            let files = pictures.map(|f| SourceFile {
                name: f.name,
                sha256: f.sha256,
                size: f.size as i64,
            });
            found.insert(row.get(0)?, files.collect());
        }
    }
    Ok(found)
}

/// A person by staff number.
pub(crate) async fn person(tx: &mut Tx, staff_no: &str) -> Result<Option<PersonId>> {
    let sql = "SELECT p.id FROM person p WHERE p.staff_no = $1";
    let row = tx.optional(sql, args![staff_no]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Staff number and name of a person.
pub(crate) async fn person_of(tx: &mut Tx, id: PersonId) -> Result<Option<(String, String)>> {
    let sql = "SELECT p.staff_no, p.name FROM person p WHERE p.id = $1";
    let row = tx.optional(sql, args![id]).await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}
