//! Practical things for people, their slips and scores. Which slip gave which score is two tables that nothing joins.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use desk::Attached;
use identity::Author;
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use ledger::SourceFile;
use organization::scope_sql;
use web::table::Window;

use super::coded;
use crate::model::Eyes;
use crate::practical::{Practical, PracticalState};

const PRACTICAL: &str = "t.id, t.rule, t.unit, t.serial, t.year, t.title, t.served, t.detail, t.person, t.due, t.promised_on, t.state,
    t.percent, t.said, t.done_on, t.files, t.code, t.settled_on, t.mean, t.asked, t.version";

fn practical(row: &Row) -> Result<Practical> {
    let (year, state): (i64, String) = (row.get(4)?, row.get(11)?);
    Ok(Practical {
        id: row.get(0)?,
        kind: row.json(1)?,
        unit: row.get(2)?,
        serial: row.get(3)?,
        year: i16::try_from(year).map_err(Error::internal)?,
        title: row.get(5)?,
        served: row.get(6)?,
        detail: row.get(7)?,
        person: row.get(8)?,
        due: row.get(9)?,
        promised_on: row.get(10)?,
        state: coded(PracticalState::from_code(&state))?,
        percent: row.get(12)?,
        said: row.get(13)?,
        done_on: row.get(14)?,
        files: row.json(15)?,
        code: row.get(16)?,
        settled_on: row.get(17)?,
        mean: row.get(18)?,
        asked: row.get(19)?,
        version: row.get(20)?,
    })
}

/// The last number of a unit in a year.
pub(crate) async fn last(tx: &mut Tx, unit: UnitId, year: i16) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(MAX(t.serial), 0) AS BIGINT) FROM task_practical t WHERE t.unit = $1 AND t.year = $2";
    tx.one(sql, args![unit, i64::from(year)]).await?.get(0)
}

/// Writes a new one; false when its number was taken meanwhile.
pub(crate) async fn insert(tx: &mut Tx, p: &Practical, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO task_practical (id, kind, rule, unit, serial, year, title, served, detail, person, due, promised_on, state,
            percent, said, files, asked, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, $17, $17) ON CONFLICT DO NOTHING";
    let values = args![
        p.id,
        &p.kind.code,
        db::json(&p.kind)?,
        p.unit,
        p.serial,
        i64::from(p.year),
        &p.title,
        &p.served,
        &p.detail,
        p.person,
        p.due,
        p.promised_on,
        p.state.code(),
        p.percent,
        &p.said,
        db::json(&p.files)?,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Keeps how it stands now, with what happened.
pub(crate) async fn save(
    tx: &mut Tx,
    p: &mut Practical,
    (act, said): (&str, &str),
    author: Author,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE task_practical SET state = $3, percent = $4, said = $5, done_on = $6, files = $7, code = $8, settled_on = $9,
            mean = $10, asked = $11, updated_at = $12, version = version + 1 WHERE id = $1 AND version = $2";
    let values = args![
        p.id,
        p.version,
        p.state.code(),
        p.percent,
        &p.said,
        p.done_on,
        db::json(&p.files)?,
        p.code.clone(),
        p.settled_on,
        p.mean,
        p.asked,
        now
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry(
            "a practical thing was changed meanwhile".into(),
        ));
    }
    p.version += 1;
    let sql = "INSERT INTO task_practical_event (practical, seq, act, said, account, on_behalf, person, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = args![
        p.id,
        p.version,
        act,
        said,
        author.account,
        author.on_behalf,
        author.person,
        now
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// One, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Practical>> {
    let sql = format!("SELECT {PRACTICAL} FROM task_practical t WHERE t.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(practical).transpose()
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Practical>> {
    let sql = "UPDATE task_practical SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// The one that a page of those who are asked is about.
pub(crate) async fn of_code(tx: &mut Tx, code: &str) -> Result<Option<Practical>> {
    let sql = format!("SELECT {PRACTICAL} FROM task_practical t WHERE t.code = $1");
    let row = tx.optional(sql, args![code]).await?;
    row.as_ref().map(practical).transpose()
}

fn seen_sql(eyes: &Eyes, a: &mut Args) -> String {
    let mut parts: Vec<String> = [&eyes.reads, &eyes.reports, &eyes.reviews]
        .into_iter()
        .map(|scope| scope_sql(scope, "t.unit", a))
        .collect();
    parts.extend(eyes.person.map(|me| format!("t.person = {}", a.push(me))));
    format!("({})", parts.join(" OR "))
}

/// One that somebody may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Practical> {
    let mut a = args![id];
    let seen = seen_sql(eyes, &mut a);
    let sql = format!("SELECT {PRACTICAL} FROM task_practical t WHERE t.id = $1 AND {seen}");
    let row = tx.optional(sql, a).await?;
    row.as_ref()
        .map(practical)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PracticalFilter {
    /// Of this year.
    pub year: Option<i16>,
    /// Of this unit or one below it.
    pub unit: Option<UnitId>,
    /// Done by this person.
    pub person: Option<PersonId>,
    /// In one of these states; none: any.
    pub states: Vec<PracticalState>,
}

/// A page of those that somebody may see, the first due first, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &PracticalFilter,
    window: Window,
) -> Result<(i64, Vec<Practical>)> {
    let mut a = Args::new();
    let mut narrowed = seen_sql(eyes, &mut a);
    if let Some(year) = f.year {
        narrowed += &format!(" AND t.year = {}", a.push(i64::from(year)));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "t.unit", &mut a);
        narrowed += &format!(" AND {under}");
    }
    if let Some(person) = f.person {
        narrowed += &format!(" AND t.person = {}", a.push(person));
    }
    if !f.states.is_empty() {
        let states = a.list(f.states.iter().map(|s| s.code()));
        narrowed += &format!(" AND t.state IN ({states})");
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM task_practical t WHERE {narrowed}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {PRACTICAL} FROM task_practical t WHERE {narrowed} ORDER BY t.due, t.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(practical).collect::<Result<_>>()?))
}

/// Those that run and are due by a day: for the clock.
pub(crate) async fn due(tx: &mut Tx, by: Date) -> Result<Vec<Practical>> {
    let sql = format!(
        "SELECT {PRACTICAL} FROM task_practical t WHERE t.state = 'running' AND t.due <= $1 ORDER BY t.id LIMIT 5000"
    );
    tx.query(sql, args![by])
        .await?
        .iter()
        .map(practical)
        .collect()
}

/// What happened, the last first.
pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<super::Event>> {
    let sql = "SELECT v.act, CAST(NULL AS TEXT), v.said, COALESCE(h.name, c.login), v.at FROM task_practical_event v
            LEFT JOIN account c ON c.id = v.account LEFT JOIN person h ON h.id = c.person
        WHERE v.practical = $1 ORDER BY v.seq DESC LIMIT 200";
    tx.query(sql, args![id])
        .await?
        .iter()
        .map(super::event)
        .collect()
}

/// Who promised it and reported on it.
pub(crate) async fn authors(tx: &mut Tx, id: Id) -> Result<Vec<Author>> {
    let sql = "SELECT DISTINCT v.account, v.on_behalf, v.person FROM task_practical_event v
        WHERE v.practical = $1 AND v.act IN ('promised', 'reported', 'done')";
    let read = |row: &Row| {
        Ok(Author {
            account: row.get(0)?,
            on_behalf: row.get(1)?,
            person: row.get(2)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// How many slips there are, and how many of them are used.
pub(crate) async fn slips(tx: &mut Tx, id: Id) -> Result<(i64, i64)> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN s.used THEN 1 ELSE 0 END), 0) AS BIGINT)
        FROM task_slip s WHERE s.practical = $1";
    let row = tx.one(sql, args![id]).await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// Gives slips out, by their hashes.
pub(crate) async fn put_slips(tx: &mut Tx, id: Id, hashes: &[String]) -> Result<()> {
    let mut rows = Args::new();
    for hash in hashes {
        rows.add(id);
        rows.add(hash);
        rows.add(false);
    }
    let head = "INSERT INTO task_slip (practical, hash, used) VALUES";
    tx.insert_many(head, 3, "", rows).await.map(|_| ())
}

/// Uses a slip; false when there is no such one or it was used before.
pub(crate) async fn use_slip(tx: &mut Tx, id: Id, hash: &str) -> Result<bool> {
    let sql = "UPDATE task_slip SET used = $3 WHERE practical = $1 AND hash = $2 AND used = $4";
    Ok(tx.execute(sql, args![id, hash, true, false]).await? == 1)
}

/// Keeps a score.
pub(crate) async fn put_score(tx: &mut Tx, of: Id, id: Id, score: i64, said: &str) -> Result<()> {
    let sql = "INSERT INTO task_score (practical, id, score, said) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![of, id, score, said])
        .await
        .map(|_| ())
}

/// How many scores there are, and their sum.
pub(crate) async fn scores(tx: &mut Tx, id: Id) -> Result<(i64, i64)> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(s.score), 0) AS BIGINT) FROM task_score s WHERE s.practical = $1";
    let row = tx.one(sql, args![id]).await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// What was said with scores, in no order that tells anything.
pub(crate) async fn words(tx: &mut Tx, id: Id) -> Result<Vec<String>> {
    let sql = "SELECT s.said FROM task_score s WHERE s.practical = $1 AND s.said <> '' ORDER BY s.id LIMIT 500";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The evidence of practical things.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT t.id, t.files FROM task_practical t WHERE t.id IN ({list})");
        for row in tx.query(sql, a).await? {
            let files: Vec<Attached> = row.json(1)?;
            let file = |f: Attached| SourceFile {
                sha256: f.sha256,
                name: f.name,
                size: f.size as i64,
            };
            let files: Vec<SourceFile> = files.into_iter().map(file).collect();
            if !files.is_empty() {
                found.insert(row.get(0)?, files);
            }
        }
    }
    Ok(found)
}
