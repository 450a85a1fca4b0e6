//! The SQL of requests.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp};
use organization::scope_sql;
use web::table::{Order, Window};

use crate::case::{Case, State};
use crate::model::{Event, Request, Source, Tab};
use crate::service::Eyes;

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "requests_20261122_tables",
    sql: "
    CREATE TABLE request (
        id {blob} PRIMARY KEY,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        detail TEXT NOT NULL,
        unit {blob},
        person {blob},
        home {blob} NOT NULL,
        from_unit {blob} NOT NULL,
        asked_by {blob} NOT NULL,
        asked_person {blob},
        due TEXT NOT NULL,
        extended TEXT,
        wanted TEXT,
        state TEXT NOT NULL,
        answered_by {blob},
        source_kind TEXT,
        source_id {blob},
        source_title TEXT,
        source_href TEXT,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE INDEX request_home ON request (home, state);
    CREATE INDEX request_person ON request (person, state);
    CREATE INDEX request_from ON request (from_unit, state);
    CREATE INDEX request_asked_by ON request (asked_by, state);
    CREATE INDEX request_source ON request (source_kind, source_id);
    CREATE INDEX request_open ON request (due) WHERE state IN ('asked', 'accepted');
    CREATE TABLE request_event (
        request {blob} NOT NULL REFERENCES request,
        seq BIGINT NOT NULL,
        act TEXT NOT NULL,
        account {blob},
        person {blob},
        day TEXT,
        said TEXT NOT NULL,
        files TEXT NOT NULL,
        refs TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (request, seq)) {clustered};
    CREATE INDEX request_event_person ON request_event (person);
    CREATE TABLE request_step (
        request {blob} NOT NULL REFERENCES request,
        due TEXT NOT NULL,
        step TEXT NOT NULL,
        escalates BOOLEAN NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (request, due, step, escalates)) {clustered}",
}];

const REQUEST: &str =
    "r.id, r.kind, r.title, r.detail, r.unit, r.person, r.home, r.from_unit, r.asked_by,
    r.asked_person, r.due, r.extended, r.wanted, r.state, r.answered_by, r.source_kind, r.source_id, r.source_title,
    r.source_href, r.version, r.created_at, r.updated_at";

/// The day that counts.
const UNTIL: &str = "COALESCE(r.extended, r.due)";
const OPEN: &str = "r.state IN ('asked', 'accepted')";

fn request(row: &Row) -> Result<Request> {
    let state: String = row.get(13)?;
    let source: Option<String> = row.get(15)?;
    let source = match source {
        Some(kind) => Some(Source {
            kind,
            id: row.get(16)?,
            title: row.get(17)?,
            href: row.get(18)?,
        }),
        None => None,
    };
    Ok(Request {
        id: row.get(0)?,
        kind: row.get(1)?,
        title: row.get(2)?,
        detail: row.get(3)?,
        unit: row.get(4)?,
        person: row.get(5)?,
        home: row.get(6)?,
        from: row.get(7)?,
        asked_by: row.get(8)?,
        asked_person: row.get(9)?,
        source,
        case: Case {
            state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
            due: row.get(10)?,
            extended: row.get(11)?,
            wanted: row.get(12)?,
            answered_by: row.get(14)?,
        },
        version: row.get(19)?,
        created_at: row.get(20)?,
        updated_at: row.get(21)?,
    })
}

/// Writes a new request; false when its id is already there.
pub(crate) async fn insert(tx: &mut Tx, r: &Request) -> Result<bool> {
    let source = r.source.as_ref();
    let sql = "INSERT INTO request (id, kind, title, detail, unit, person, home, from_unit, asked_by, asked_person, due,
            state, source_kind, source_id, source_title, source_href, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17)
        ON CONFLICT (id) DO NOTHING";
    let values = args![
        r.id,
        &r.kind,
        &r.title,
        &r.detail,
        r.unit,
        r.person,
        r.home,
        r.from,
        r.asked_by,
        r.asked_person,
        r.case.due,
        r.case.state.code(),
        source.map(|s| s.kind.as_str()),
        source.map(|s| s.id),
        source.map(|s| s.title.as_str()),
        source.map(|s| s.href.as_str()),
        r.created_at,
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Takes the row, so that those who act follow one another; false when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "UPDATE request SET version = version WHERE id = $1";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Keeps how it stands now. The day on which it was due is not among what can change.
pub(crate) async fn save(tx: &mut Tx, r: &Request) -> Result<()> {
    let sql = "UPDATE request SET state = $3, extended = $4, wanted = $5, answered_by = $6, updated_at = $7,
            version = version + 1 WHERE id = $1 AND version = $2";
    let case = &r.case;
    let values = args![
        r.id,
        r.version,
        case.state.code(),
        case.extended,
        case.wanted,
        case.answered_by,
        r.updated_at,
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a request was changed meanwhile".into()));
    }
    Ok(())
}

/// Adds an event. Its number is unique, so of two who add the same one, one runs again.
pub(crate) async fn note(tx: &mut Tx, id: Id, e: &Event) -> Result<()> {
    let sql =
        "INSERT INTO request_event (request, seq, act, account, person, day, said, files, refs, at)
        SELECT $1, CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT), $2, $3, $4, $5, $6, $7, $8, $9
        FROM request_event WHERE request = $1";
    let text = |value: serde_json::Result<String>| value.map_err(Error::internal);
    let values = args![
        id,
        &e.act,
        e.account,
        e.person,
        e.day,
        &e.text,
        text(serde_json::to_string(&e.files))?,
        text(serde_json::to_string(&e.refs))?,
        e.at,
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT seq, act, account, person, day, said, files, refs, at FROM request_event
        WHERE request = $1 ORDER BY seq";
    let read = |row: &Row| {
        let (files, refs): (String, String) = (row.get(6)?, row.get(7)?);
        Ok(Event {
            seq: row.get(0)?,
            act: row.get(1)?,
            account: row.get(2)?,
            person: row.get(3)?,
            day: row.get(4)?,
            text: row.get(5)?,
            files: serde_json::from_str(&files).map_err(Error::internal)?,
            refs: serde_json::from_str(&refs).map_err(Error::internal)?,
            at: row.get(8)?,
        })
    };
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(read).collect()
}

/// The last answers of requests: what was said.
pub(crate) async fn answers(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT request, said FROM request_event WHERE request IN ({list}) AND act IN ('answered', 'declined')
         ORDER BY request, seq"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// A request, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Request>> {
    let sql = format!("SELECT {REQUEST} FROM request r WHERE r.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(request).transpose()
}

/// These requests, newest first.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Request>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {REQUEST} FROM request r WHERE r.id IN ({list}) ORDER BY r.id DESC");
    tx.query(sql, a).await?.iter().map(request).collect()
}

/// The requests of sources of a kind, in the order in which they were asked.
pub(crate) async fn of_sources(tx: &mut Tx, kind: &str, ids: &[Id]) -> Result<Vec<Request>> {
    let mut a = args![kind];
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT {REQUEST} FROM request r WHERE r.source_kind = $1 AND r.source_id IN ({list}) ORDER BY r.id"
    );
    tx.query(sql, a).await?.iter().map(request).collect()
}

impl Eyes {
    /// What they may see at all: what they asked or are asked, and that of units.
    fn sees(&self, a: &mut Args) -> String {
        let account = a.push(self.account);
        let (home, from) = (
            scope_sql(&self.answers, "r.home", a),
            scope_sql(&self.asks, "r.from_unit", a),
        );
        let mine = self.person.map(|person| {
            let person = a.push(person);
            format!(" OR r.person = {person} OR r.asked_person = {person}")
        });
        let mine = mine.unwrap_or_default();
        format!("(r.asked_by = {account} OR {home} OR {from}{mine})")
    }

    fn tab(&self, tab: Tab, a: &mut Args) -> String {
        match tab {
            Tab::Asked => format!("r.asked_by = {}", a.push(self.account)),
            Tab::Unit => {
                let home = scope_sql(&self.answers, "r.home", a);
                format!("({home} OR {})", scope_sql(&self.asks, "r.from_unit", a))
            }
            Tab::Todo => {
                let mut own = match &self.answers {
                    Scope::All => "r.person IS NULL".to_owned(),
                    // Units below have people of their own.
                    Scope::Under(units) => {
                        let list = a.list(units.iter().copied());
                        format!("r.person IS NULL AND r.home IN ({list})")
                    }
                };
                if let Some(person) = self.person {
                    own += &format!(" OR r.person = {}", a.push(person));
                }
                let account = a.push(self.account);
                format!(
                    "({OPEN} AND ({own}) OR r.asked_by = {account} AND (r.state = 'answered' OR r.wanted IS NOT NULL))"
                )
            }
        }
    }
}

/// A request that these eyes may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Option<Request>> {
    let mut a = args![id];
    let sees = eyes.sees(&mut a);
    let sql = format!("SELECT {REQUEST} FROM request r WHERE r.id = $1 AND {sees}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(request).transpose()
}

/// Which requests of a tab are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) kind: String,
    pub(crate) state: Option<State>,
    /// Only what is late on this day.
    pub(crate) late: Option<Date>,
}

/// A page of requests in an order, and how many there are in all.
pub(crate) async fn list(
    tx: &mut Tx,
    tab: Tab,
    filter: &Filter,
    eyes: &Eyes,
    order: Order,
    window: Window,
) -> Result<(i64, Vec<Request>)> {
    let mut a = Args::new();
    let mut conditions = eyes.tab(tab, &mut a);
    if !filter.kind.is_empty() {
        conditions += &format!(" AND r.kind = {}", a.push(filter.kind.as_str()));
    }
    if let Some(state) = filter.state {
        conditions += &format!(" AND r.state = {}", a.push(state.code()));
    }
    if let Some(today) = filter.late {
        conditions += &format!(" AND {OPEN} AND {UNTIL} < {}", a.push(today));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM request r WHERE {conditions}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "due" => format!("{UNTIL} {way}, r.id"),
        "title" => format!("r.title {way}, r.id"),
        _ => format!("r.id {way}"),
    };
    let sql = format!(
        "SELECT {REQUEST} FROM request r WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let found: Result<Vec<_>> = rows.iter().map(request).collect();
    Ok((total, found?))
}

/// Open requests whose day lies in a stretch.
pub(crate) async fn due_between(tx: &mut Tx, (from, to): (Date, Date)) -> Result<Vec<Request>> {
    let sql = format!(
        "SELECT {REQUEST} FROM request r WHERE {OPEN} AND {UNTIL} >= $1 AND {UNTIL} <= $2 ORDER BY r.id"
    );
    let rows = tx.query(sql, args![from, to]).await?;
    rows.iter().map(request).collect()
}

/// Open requests of a person that are due within a stretch of days.
pub(crate) async fn due_of(
    tx: &mut Tx,
    person: PersonId,
    (from, to): (Date, Date),
) -> Result<Vec<Request>> {
    let sql = format!(
        "SELECT {REQUEST} FROM request r WHERE r.person = $1 AND {OPEN} AND {UNTIL} >= $2 AND {UNTIL} <= $3
         ORDER BY r.id"
    );
    let rows = tx.query(sql, args![person, from, to]).await?;
    rows.iter().map(request).collect()
}

/// Writes down that a step was taken; false when it was before.
pub(crate) async fn take_step(
    tx: &mut Tx,
    (id, due): (Id, Date),
    (step, escalates): (&str, bool),
    at: Timestamp,
) -> Result<bool> {
    let sql =
        "INSERT INTO request_step (request, due, step, escalates, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![id, due, step, escalates, at]).await? == 1)
}

/// Takes away what a person wrote about requests; who did what when stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE request_event SET said = $2 WHERE person = $1 AND said <> ''";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}

/// The person of an account, if it has one.
pub(crate) async fn person_of(tx: &mut Tx, account: AccountId) -> Result<Option<PersonId>> {
    identity::Identity::person_of(tx, account).await
}
