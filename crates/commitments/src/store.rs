//! The SQL of commitments.

pub(crate) mod lists;

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::Window;

use crate::kind::LetterKind;
use crate::model::{Letter, Round, RoundState};

/// The tables of this crate. A person has one letter in a round; signing and countersigning are conditional updates.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "commitments_20261122_tables",
    sql: "
    CREATE TABLE letter_rule (
        hash TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE letter_round (
        id {blob} PRIMARY KEY, kind TEXT NOT NULL, rule TEXT NOT NULL REFERENCES letter_rule,
        unit {blob} NOT NULL REFERENCES unit, title TEXT NOT NULL, due TEXT NOT NULL, issued_on TEXT NOT NULL,
        state TEXT NOT NULL, replaces {blob}, account {blob}, at BIGINT NOT NULL);
    CREATE INDEX letter_round_unit ON letter_round (unit, issued_on);
    CREATE INDEX letter_round_open ON letter_round (state, due);
    CREATE TABLE letter (
        id {blob} PRIMARY KEY, round {blob} NOT NULL REFERENCES letter_round, person {blob} NOT NULL,
        unit {blob} NOT NULL, superior {blob}, given TEXT NOT NULL, hash TEXT, signed_at BIGINT, counter_hash TEXT,
        countersigned_at BIGINT, whole BOOLEAN NOT NULL);
    CREATE UNIQUE INDEX letter_once ON letter (round, person);
    CREATE INDEX letter_round_whole ON letter (round, whole, unit);
    CREATE INDEX letter_person ON letter (person, whole);
    CREATE INDEX letter_superior ON letter (superior, whole)",
}, Migration {
    name: "commitments_20261124_lists",
    sql: "
    CREATE TABLE answer_list (
        id {blob} PRIMARY KEY, sample TEXT NOT NULL, title TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        holder {blob} NOT NULL, newest BIGINT NOT NULL, used BIGINT);
    CREATE INDEX answer_list_unit ON answer_list (unit);
    CREATE INDEX answer_list_holder ON answer_list (holder);
    CREATE TABLE answer_version (
        list {blob} NOT NULL REFERENCES answer_list, n BIGINT NOT NULL, items TEXT NOT NULL, reason TEXT NOT NULL,
        account {blob}, at BIGINT NOT NULL, used_on TEXT, used_by {blob}, PRIMARY KEY (list, n)) {clustered};
    CREATE TABLE answer_report (
        id {blob} PRIMARY KEY, list {blob} NOT NULL REFERENCES answer_list, year BIGINT NOT NULL, holder {blob} NOT NULL,
        unit {blob} NOT NULL, items TEXT NOT NULL, said TEXT NOT NULL, figures TEXT NOT NULL, due TEXT NOT NULL,
        state TEXT NOT NULL, handed_on TEXT, remark TEXT NOT NULL, judged_by {blob}, judged_on TEXT, version BIGINT NOT NULL);
    CREATE UNIQUE INDEX answer_report_once ON answer_report (list, year);
    CREATE INDEX answer_report_unit ON answer_report (unit, year);
    CREATE INDEX answer_report_state ON answer_report (state, holder);
    CREATE TABLE answer_event (
        report {blob} NOT NULL REFERENCES answer_report, seq BIGINT NOT NULL, act TEXT NOT NULL, said TEXT NOT NULL,
        figures TEXT NOT NULL, remark TEXT NOT NULL, account {blob}, at BIGINT NOT NULL,
        PRIMARY KEY (report, seq)) {clustered}",
}];

const ROUND: &str =
    "r.id, r.kind, r.rule, r.unit, r.title, r.due, r.issued_on, r.state, r.replaces,
    (SELECT CAST(COUNT(*) AS BIGINT) FROM letter l WHERE l.round = r.id),
    (SELECT CAST(COUNT(*) AS BIGINT) FROM letter l WHERE l.round = r.id AND l.whole)";

fn round(row: &Row) -> Result<Round> {
    let state: String = row.get(7)?;
    Ok(Round {
        id: row.get(0)?,
        kind: row.get(1)?,
        rule: row.get(2)?,
        unit: row.get(3)?,
        title: row.get(4)?,
        due: row.get(5)?,
        issued_on: row.get(6)?,
        state: RoundState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        replaces: row.get(8)?,
        named: row.get(9)?,
        signed: row.get(10)?,
    })
}

const LETTER: &str = "l.id, l.round, l.person, l.unit, l.superior, l.given, l.hash, l.signed_at, l.counter_hash, l.countersigned_at";

fn letter(row: &Row) -> Result<Letter> {
    let given: String = row.get(5)?;
    Ok(Letter {
        id: row.get(0)?,
        round: row.get(1)?,
        person: row.get(2)?,
        unit: row.get(3)?,
        superior: row.get(4)?,
        given: serde_json::from_str(&given).map_err(Error::internal)?,
        hash: row.get(6)?,
        signed_at: row.get(7)?,
        counter_hash: row.get(8)?,
        countersigned_at: row.get(9)?,
    })
}

/// Keeps a kind as it is now, once.
pub(crate) async fn put_rule(tx: &mut Tx, hash: &str, kind: &LetterKind) -> Result<()> {
    let body = serde_json::to_string(kind).map_err(Error::internal)?;
    let sql = "INSERT INTO letter_rule (hash, kind, body) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    tx.execute(sql, args![hash, kind.code.as_str(), body])
        .await
        .map(|_| ())
}

/// A kind as it was kept.
pub(crate) async fn rule(tx: &mut Tx, hash: &str) -> Result<LetterKind> {
    let sql = "SELECT body FROM letter_rule WHERE hash = $1";
    let body: String = tx.one(sql, args![hash]).await?.get(0)?;
    serde_json::from_str(&body).map_err(Error::internal)
}

/// Writes a round; false when its id is there already.
pub(crate) async fn insert(
    tx: &mut Tx,
    r: &Round,
    account: Option<kernel::AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO letter_round (id, kind, rule, unit, title, due, issued_on, state, replaces, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";
    let values = args![
        r.id,
        &r.kind,
        &r.rule,
        r.unit,
        &r.title,
        r.due,
        r.issued_on,
        r.state.code(),
        r.replaces,
        account,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Gives letters out; who has one keeps it.
pub(crate) async fn give(tx: &mut Tx, letters: &[Letter]) -> Result<()> {
    let mut rows = Args::new();
    for l in letters {
        rows.add(l.id);
        rows.add(l.round);
        rows.add(l.person);
        rows.add(l.unit);
        rows.add(l.superior);
        rows.add("{}");
        rows.add(false);
    }
    let head = "INSERT INTO letter (id, round, person, unit, superior, given, whole) VALUES";
    tx.insert_many(head, 7, "ON CONFLICT DO NOTHING", rows)
        .await
        .map(|_| ())
}

/// Moves a round from open to another state; false when it is not open.
pub(crate) async fn turn(tx: &mut Tx, id: Id, to: RoundState) -> Result<bool> {
    let sql = "UPDATE letter_round SET state = $2 WHERE id = $1 AND state = 'open'";
    Ok(tx.execute(sql, args![id, to.code()]).await? == 1)
}

/// A round of a unit in a scope.
pub(crate) async fn one(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Round> {
    let mut a = args![id];
    let scope = scope_sql(scope, "r.unit", &mut a);
    let sql = format!("SELECT {ROUND} FROM letter_round r WHERE r.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(round).transpose()?.ok_or(Error::NotFound)
}

/// A page of rounds of units in a scope, the newest first.
pub(crate) async fn rounds(
    tx: &mut Tx,
    scope: &Scope,
    window: Window,
) -> Result<(i64, Vec<Round>)> {
    let mut a = Args::new();
    let scope = scope_sql(scope, "r.unit", &mut a);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM letter_round r WHERE {scope}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {ROUND} FROM letter_round r WHERE {scope} ORDER BY r.issued_on DESC, r.id DESC LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(round).collect::<Result<_>>()?))
}

/// A page of the letters of a round; `whole` narrows them.
pub(crate) async fn letters(
    tx: &mut Tx,
    id: Id,
    whole: Option<bool>,
    window: Window,
) -> Result<(i64, Vec<Letter>)> {
    let mut a = args![id];
    let narrowed = match whole {
        Some(whole) => format!(" AND l.whole = {}", a.push(whole)),
        None => String::new(),
    };
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM letter l WHERE l.round = $1{narrowed}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {LETTER} FROM letter l WHERE l.round = $1{narrowed} ORDER BY l.unit, l.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(letter).collect::<Result<_>>()?))
}

/// A letter with its round, whoever may see it.
pub(crate) async fn letter_of(tx: &mut Tx, id: Id) -> Result<(Letter, Round)> {
    let sql = format!("SELECT {LETTER} FROM letter l WHERE l.id = $1");
    let row = tx.optional(sql, args![id]).await?.ok_or(Error::NotFound)?;
    let l = letter(&row)?;
    let r = one(tx, l.round, &Scope::All).await?;
    Ok((l, r))
}

/// The letters of a person: their own, and those that they countersign.
pub(crate) async fn of_person(tx: &mut Tx, person: PersonId, most: i64) -> Result<Vec<Letter>> {
    let sql = format!(
        "SELECT {LETTER} FROM letter l WHERE l.person = $1 OR l.superior = $1 ORDER BY l.whole, l.id DESC LIMIT $2"
    );
    tx.query(sql, args![person, most])
        .await?
        .iter()
        .map(letter)
        .collect()
}

/// Rounds by id.
pub(crate) async fn rounds_of(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Round>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {ROUND} FROM letter_round r WHERE r.id IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| round(row).map(|r| (r.id, r)))
        .collect()
}

/// Signs a letter; false when it was signed before.
pub(crate) async fn sign(tx: &mut Tx, l: &Letter) -> Result<bool> {
    let given = serde_json::to_string(&l.given).map_err(Error::internal)?;
    let sql = "UPDATE letter SET given = $2, hash = $3, signed_at = $4, whole = $5 WHERE id = $1 AND signed_at IS NULL";
    let values = args![l.id, given, l.hash.clone(), l.signed_at, l.is_whole()];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Countersigns a letter; false when it is not signed, or was countersigned before.
pub(crate) async fn countersign(tx: &mut Tx, l: &Letter) -> Result<bool> {
    let sql = "UPDATE letter SET counter_hash = $2, countersigned_at = $3, whole = $4
        WHERE id = $1 AND signed_at IS NOT NULL AND countersigned_at IS NULL";
    let values = args![l.id, l.counter_hash.clone(), l.countersigned_at, true];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Open rounds that are due by a day: for the clock.
pub(crate) async fn due(tx: &mut Tx, by: Date) -> Result<Vec<Round>> {
    let sql = format!(
        "SELECT {ROUND} FROM letter_round r WHERE r.state = 'open' AND r.due <= $1 ORDER BY r.id"
    );
    tx.query(sql, args![by]).await?.iter().map(round).collect()
}

/// Whom the letters of a round wait for: who signs first, then who countersigns.
pub(crate) async fn waits_for(tx: &mut Tx, id: Id) -> Result<Vec<PersonId>> {
    let sql = "SELECT DISTINCT CASE WHEN l.signed_at IS NULL THEN l.person ELSE l.superior END FROM letter l
        WHERE l.round = $1 AND l.whole = $2";
    let rows = tx.query(sql, args![id, false]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Titles of the rounds of letters.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT l.id, r.title FROM letter l JOIN letter_round r ON r.id = l.round WHERE l.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    lists::titles(tx, ids, &mut found).await?;
    Ok(found)
}

/// Takes away what a person filled in and reported; that and when they signed stays.
///
/// # Errors
/// When the database fails.
pub async fn erase(tx: &mut Tx, person: PersonId) -> Result<()> {
    let sql = "UPDATE letter SET given = '{}' WHERE person = $1";
    tx.execute(sql, args![person]).await?;
    lists::erase(tx, person).await
}

/// Whether a unit is a place where somebody may look.
pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    let paths = organization::finding::paths(tx, &[unit]).await?;
    Ok(paths.get(&unit).is_some_and(|path| scope.reaches(path)))
}
