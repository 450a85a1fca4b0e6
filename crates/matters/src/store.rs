//! The SQL of matters.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use crate::kind::MatterKind;
use crate::model::{Eyes, Filter, Matter, Outcome, State};

/// The tables of this crate. What a matter said stands in its versions (`matter_content`); its row repeats the last.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "matters_20261124_tables",
    sql: "
    CREATE TABLE matter_rule (
        hash TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE matter (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL REFERENCES matter_rule, number TEXT,
        unit {blob} NOT NULL REFERENCES unit, to_unit {blob}, person {blob}, author {blob}, state TEXT NOT NULL,
        sealed BOOLEAN NOT NULL, level TEXT NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL, files TEXT NOT NULL,
        starts TEXT, ends TEXT, sent_on TEXT, late BOOLEAN NOT NULL, received_on TEXT, received_by {blob}, reply_due TEXT,
        outcome TEXT, reply TEXT NOT NULL, replied_on TEXT, replied_by {blob}, after_due TEXT, after_on TEXT,
        afterwards TEXT NOT NULL, approval {blob}, version BIGINT NOT NULL, created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE UNIQUE INDEX matter_number ON matter (number);
    CREATE INDEX matter_unit ON matter (unit, created_at);
    CREATE INDEX matter_to ON matter (to_unit, state);
    CREATE INDEX matter_person ON matter (person, state);
    CREATE INDEX matter_author ON matter (author, state);
    CREATE INDEX matter_state ON matter (state, reply_due);
    CREATE INDEX matter_after ON matter (after_due, after_on);
    CREATE TABLE matter_counter (
        prefix TEXT NOT NULL, year BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (prefix, year)) {clustered};
    CREATE TABLE matter_content (
        matter {blob} NOT NULL REFERENCES matter, n BIGINT NOT NULL, content TEXT NOT NULL, files TEXT NOT NULL,
        account {blob}, on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (matter, n)) {clustered};
    CREATE TABLE matter_event (
        matter {blob} NOT NULL REFERENCES matter, seq BIGINT NOT NULL, act TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, on_behalf {blob}, at BIGINT NOT NULL, PRIMARY KEY (matter, seq)) {clustered}",
}];

const MATTER: &str = "m.id, m.kind, m.rule, m.number, m.unit, m.to_unit, m.person, m.author, m.state, m.sealed, m.content, m.files,
    m.starts, m.ends, m.sent_on, m.late, m.received_on, m.received_by, m.reply_due, m.outcome, m.reply, m.replied_on,
    m.replied_by, m.after_due, m.after_on, m.afterwards, m.approval, m.version, m.created_at, m.updated_at";

fn matter(row: &Row) -> Result<Matter> {
    let (state, outcome): (String, Option<String>) = (row.get(8)?, row.get(19)?);
    Ok(Matter {
        id: row.get(0)?,
        kind: row.get(1)?,
        rule: row.get(2)?,
        number: row.get(3)?,
        unit: row.get(4)?,
        to: row.get(5)?,
        person: row.get(6)?,
        author: row.get(7)?,
        state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        sealed: row.get(9)?,
        content: parsed(row, 10)?,
        files: parsed(row, 11)?,
        starts: row.get(12)?,
        ends: row.get(13)?,
        sent_on: row.get(14)?,
        late: row.get(15)?,
        received_on: row.get(16)?,
        received_by: row.get(17)?,
        reply_due: row.get(18)?,
        outcome: outcome.as_deref().and_then(Outcome::from_code),
        reply: parsed(row, 20)?,
        replied_on: row.get(21)?,
        replied_by: row.get(22)?,
        after_due: row.get(23)?,
        after_on: row.get(24)?,
        after: parsed(row, 25)?,
        approval: row.get(26)?,
        version: row.get(27)?,
        created_at: row.get(28)?,
        updated_at: row.get(29)?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

/// Keeps a kind as it is now, once.
pub(crate) async fn put_rule(tx: &mut Tx, hash: &str, kind: &MatterKind) -> Result<()> {
    let sql = "INSERT INTO matter_rule (hash, kind, body) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    let values = args![hash, kind.code.as_str(), json(kind)?];
    tx.execute(sql, values).await.map(|_| ())
}

/// Kinds as they were kept.
pub(crate) async fn rules(tx: &mut Tx, hashes: &[&str]) -> Result<Vec<(String, MatterKind)>> {
    let mut a = Args::new();
    let list = a.list(hashes.iter().map(|h| (*h).to_owned()));
    let sql = format!("SELECT hash, body FROM matter_rule WHERE hash IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, parsed(row, 1)?)))
        .collect()
}

/// Writes a new matter; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, m: &Matter) -> Result<bool> {
    let sql = "INSERT INTO matter (id, kind, rule, unit, to_unit, person, author, state, sealed, level, title, content, files,
            starts, ends, late, reply, afterwards, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
        ON CONFLICT (id) DO NOTHING";
    let values = args![
        m.id,
        &m.kind,
        &m.rule,
        m.unit,
        m.to,
        m.person,
        m.author,
        m.state.code(),
        m.sealed,
        &m.content.level,
        &m.content.title,
        json(&m.content)?,
        json(&m.files)?,
        m.starts,
        m.ends,
        m.late,
        json(&m.reply)?,
        json(&m.after)?,
        m.version,
        m.created_at,
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Matter>> {
    let sql = "UPDATE matter SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// Keeps how a matter stands now, one version further.
pub(crate) async fn save(tx: &mut Tx, m: &mut Matter, now: Timestamp) -> Result<()> {
    let sql = "UPDATE matter SET number = $3, to_unit = $4, state = $5, level = $6, title = $7, content = $8, files = $9,
            starts = $10, ends = $11, sent_on = $12, late = $13, received_on = $14, received_by = $15, reply_due = $16,
            outcome = $17, reply = $18, replied_on = $19, replied_by = $20, after_due = $21, after_on = $22, afterwards = $23,
            approval = $24, updated_at = $25, version = version + 1
        WHERE id = $1 AND version = $2";
    let values = args![
        m.id,
        m.version,
        m.number.clone(),
        m.to,
        m.state.code(),
        &m.content.level,
        &m.content.title,
        json(&m.content)?,
        json(&m.files)?,
        m.starts,
        m.ends,
        m.sent_on,
        m.late,
        m.received_on,
        m.received_by,
        m.reply_due,
        m.outcome.map(Outcome::code),
        json(&m.reply)?,
        m.replied_on,
        m.replied_by,
        m.after_due,
        m.after_on,
        json(&m.after)?,
        m.approval,
        now,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a matter was changed meanwhile".into()));
    }
    m.version += 1;
    m.updated_at = now;
    Ok(())
}

/// Who wrote something.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Author {
    account: Option<AccountId>,
    on_behalf: Option<AccountId>,
}

impl From<&identity::Actor> for Author {
    fn from(actor: &identity::Actor) -> Self {
        Self {
            account: actor.account,
            on_behalf: actor.on_behalf,
        }
    }
}

/// Keeps what a matter says now, as its present version.
pub(crate) async fn put_content(tx: &mut Tx, m: &Matter, author: Author) -> Result<()> {
    let sql = "INSERT INTO matter_content (matter, n, content, files, account, on_behalf, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        m.id,
        m.version,
        json(&m.content)?,
        json(&m.files)?,
        author.account,
        author.on_behalf,
        m.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Something that happened (办理记录); nothing changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number, which is the version that it made.
    pub seq: i64,
    /// What.
    pub act: String,
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
    m: &Matter,
    act: &str,
    reason: &str,
    author: Author,
) -> Result<()> {
    let sql = "INSERT INTO matter_event (matter, seq, act, reason, account, on_behalf, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        m.id,
        m.version,
        act,
        reason,
        author.account,
        author.on_behalf,
        m.updated_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// What happened to a matter, the last first.
pub(crate) async fn events(tx: &mut Tx, id: Id, most: i64) -> Result<Vec<Event>> {
    let sql = "SELECT e.seq, e.act, e.reason, COALESCE(p.name, a.login), e.at FROM matter_event e
            LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person
        WHERE e.matter = $1 ORDER BY e.seq DESC LIMIT $2";
    let read = |row: &Row| {
        Ok(Event {
            seq: row.get(0)?,
            act: row.get(1)?,
            reason: row.get(2)?,
            name: row.get(3)?,
            at: row.get(4)?,
        })
    };
    tx.query(sql, args![id, most])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Names of accounts: of their people, else what they sign in with.
pub(crate) async fn account_names(
    tx: &mut Tx,
    ids: &[AccountId],
) -> Result<HashMap<AccountId, String>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT a.id, COALESCE(p.name, a.login) FROM account a LEFT JOIN person p ON p.id = a.person WHERE a.id IN ({list})"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The person of an account.
pub(crate) async fn person_of(tx: &mut Tx, account: AccountId) -> Result<Option<PersonId>> {
    let sql = "SELECT person FROM account WHERE id = $1";
    let row = tx.optional(sql, args![account]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// The next number of a sort of matters in a year; a transaction that fails leaves no hole.
pub(crate) async fn next_number(tx: &mut Tx, prefix: &str, year: i16) -> Result<i64> {
    let sql = "INSERT INTO matter_counter (prefix, year, last) VALUES ($1, $2, 1)
        ON CONFLICT (prefix, year) DO UPDATE SET last = matter_counter.last + 1 RETURNING last";
    tx.one(sql, args![prefix, i64::from(year)]).await?.get(0)
}

/// A matter, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Matter>> {
    let sql = format!("SELECT {MATTER} FROM matter m WHERE m.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(matter).transpose()
}

/// What is somebody's own.
fn own_sql(eyes: &Eyes, a: &mut Args) -> String {
    let mut own = Vec::new();
    if let Some(account) = eyes.account {
        own.push(format!("m.author = {}", a.push(account)));
    }
    if let Some(person) = eyes.person {
        own.push(format!("m.person = {}", a.push(person)));
    }
    match own.is_empty() {
        true => "1 = 0".to_owned(),
        false => format!("({})", own.join(" OR ")),
    }
}

/// What came to units in a scope: a draft is its writer's, what is on its route has not come yet.
fn came_sql(eyes: &Eyes, a: &mut Args) -> String {
    let to = scope_sql(&eyes.answers, "m.to_unit", a);
    format!("({to} AND m.state IN ('sent', 'received', 'done'))")
}

/// What somebody may see.
fn seen_sql(eyes: &Eyes, a: &mut Args) -> String {
    let own = own_sql(eyes, a);
    let came = came_sql(eyes, a);
    let open = scope_sql(&eyes.reads, "m.unit", a);
    let written = scope_sql(&eyes.writes, "m.unit", a);
    let sealed = scope_sql(&eyes.sealed, "m.unit", a);
    format!(
        "({own} OR {came} OR (NOT m.sealed AND m.state <> 'draft' AND {open}) OR (NOT m.sealed AND m.person IS NULL AND {written})
            OR (m.sealed AND m.state <> 'draft' AND {sealed}))"
    )
}

/// Whether somebody may see a matter.
pub(crate) async fn is_seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<bool> {
    let mut a = args![id];
    let seen = seen_sql(eyes, &mut a);
    let sql = format!("SELECT 1 FROM matter m WHERE m.id = $1 AND {seen}");
    Ok(tx.optional(sql, a).await?.is_some())
}

/// These of the matters of units in a scope that are not sealed, the newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Matter>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let seen = scope_sql(scope, "m.unit", &mut a);
    let sql = format!(
        "SELECT {MATTER} FROM matter m WHERE m.id IN ({list}) AND {seen} AND NOT m.sealed AND m.state <> 'draft' ORDER BY m.id DESC"
    );
    tx.query(sql, a).await?.iter().map(matter).collect()
}

/// A page of what somebody may see, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &Filter,
    (order, window): (Order, Window),
) -> Result<(i64, Vec<Matter>)> {
    let mut a = Args::new();
    let conditions = conditions(eyes, f, &mut a);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM matter m WHERE {conditions}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("m.title {way}, m.id"),
        "number" => format!("m.number {way}, m.id {way}"),
        "sent" => format!("m.sent_on {way}, m.id {way}"),
        "starts" => format!("m.starts {way}, m.id {way}"),
        "due" => format!("COALESCE(m.after_due, m.reply_due) {way}, m.id {way}"),
        _ => format!("m.id {way}"),
    };
    let sql = format!(
        "SELECT {MATTER} FROM matter m WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(matter).collect::<Result<_>>()?))
}

fn conditions(eyes: &Eyes, f: &Filter, a: &mut Args) -> String {
    let mut conditions = seen_sql(eyes, a);
    let text = f.text.trim().to_lowercase();
    if !text.is_empty() {
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let (title, number) = (a.push(format!("%{text}%")), a.push(format!("%{text}%")));
        conditions += &format!(
            " AND (LOWER(m.title) LIKE {title} ESCAPE '!' OR LOWER(m.number) LIKE {number} ESCAPE '!')"
        );
    }
    if let Some(state) = f.state {
        conditions += &format!(" AND m.state = {}", a.push(state.code()));
    }
    if !f.kind.is_empty() {
        conditions += &format!(" AND m.kind = {}", a.push(&f.kind));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "m.unit", a);
        conditions += &format!(" AND {under}");
    }
    if f.mine {
        let own = own_sql(eyes, a);
        conditions += &format!(" AND {own}");
    }
    if f.incoming {
        let to = scope_sql(&eyes.answers, "m.to_unit", a);
        let own = own_sql(eyes, a);
        // Without an owner the comparison knows nothing, which is not the same as no.
        conditions += &format!(
            " AND {to} AND m.state IN ('sent', 'received') AND NOT COALESCE({own}, 1 = 0)"
        );
    }
    if let Some(year) = f.year {
        let first = a.push(format!("{year:04}-01-01"));
        let last = a.push(format!("{year:04}-12-31"));
        conditions += &format!(" AND m.sent_on >= {first} AND m.sent_on <= {last}");
    }
    if f.late {
        conditions += " AND m.late";
    }
    if let Some(today) = f.overdue {
        let (reply, after) = (a.push(today), a.push(today));
        conditions += &format!(
            " AND ((m.state IN ('sent', 'received') AND m.reply_due < {reply})
                OR (m.state = 'done' AND m.after_due < {after} AND m.after_on IS NULL))"
        );
    }
    conditions
}

/// What waits for an answer or for a report afterwards: for the clock.
pub(crate) async fn owed(tx: &mut Tx) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM matter m WHERE m.state IN ('sent', 'received')
            OR (m.state = 'done' AND m.after_due IS NOT NULL AND m.after_on IS NULL) ORDER BY m.id"
    );
    tx.query(sql, args![]).await?.iter().map(matter).collect()
}

/// What is a person's own and begins, ends or is owed between two days.
pub(crate) async fn of_person(
    tx: &mut Tx,
    person: PersonId,
    (from, to): (Date, Date),
) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM matter m WHERE m.state = 'done' AND m.outcome <> 'refused'
            AND (m.person = $1 OR (m.person IS NULL AND m.author IN (SELECT id FROM account WHERE person = $2)))
            AND ((m.starts <= $3 AND COALESCE(m.ends, m.starts) >= $4) OR (m.after_due >= $5 AND m.after_due <= $6))
        ORDER BY m.id"
    );
    tx.query(sql, args![person, person, to, from, from, to])
        .await?
        .iter()
        .map(matter)
        .collect()
}

/// What is somebody's own and waits for them: sent back to be mended, or to be reported on.
pub(crate) async fn mine(tx: &mut Tx, eyes: &Eyes, most: i64) -> Result<Vec<Matter>> {
    let mut a = Args::new();
    let own = own_sql(eyes, &mut a);
    let limit = a.push(most);
    let sql = format!(
        "SELECT {MATTER} FROM matter m WHERE {own} AND ((m.state = 'draft' AND m.number IS NOT NULL)
            OR (m.state = 'done' AND m.after_due IS NOT NULL AND m.after_on IS NULL)) ORDER BY m.id LIMIT {limit}"
    );
    tx.query(sql, a).await?.iter().map(matter).collect()
}

/// Whether a unit is a place that a scope reaches.
pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    let paths = organization::finding::paths(tx, &[unit]).await?;
    Ok(paths.get(&unit).is_some_and(|path| scope.reaches(path)))
}

/// What matters that facts are about are called: of sealed ones only the number.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT id, CASE WHEN sealed THEN COALESCE(number, '***') ELSE title END FROM matter WHERE id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Takes away what is said about a person; that there was something, and when, stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let nothing = |title: &str| {
        json(&crate::Content {
            title: title.to_owned(),
            ..crate::Content::default()
        })
    };
    let (content, said) = (nothing(mark)?, json(&crate::Said::default())?);
    let sql = "UPDATE matter_content SET content = $2, files = '[]'
        WHERE matter IN (SELECT id FROM matter WHERE person = $1)";
    tx.execute(sql, args![person, &content]).await?;
    let sql = "UPDATE matter_event SET reason = '' WHERE matter IN (SELECT id FROM matter WHERE person = $1)";
    tx.execute(sql, args![person]).await?;
    let sql = "UPDATE matter SET title = $2, content = $3, files = '[]', reply = $4, afterwards = $5 WHERE person = $1";
    tx.execute(sql, args![person, mark, &content, &said, &said])
        .await
        .map(|_| ())
}
