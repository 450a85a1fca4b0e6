//! The SQL of lists of what posts answer for, and of yearly self-reports.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::Window;

use crate::lists::{Item, List, Report, ReportState, Version};

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

const LIST: &str = "l.id, l.sample, l.title, l.unit, l.holder, l.newest, l.used";

fn list(row: &Row) -> Result<List> {
    Ok(List {
        id: row.get(0)?,
        sample: row.get(1)?,
        title: row.get(2)?,
        unit: row.get(3)?,
        holder: row.get(4)?,
        newest: row.get(5)?,
        used: row.get(6)?,
    })
}

/// Writes a list; false when its id is there already.
pub(crate) async fn insert(tx: &mut Tx, l: &List) -> Result<bool> {
    let sql = "INSERT INTO answer_list (id, sample, title, unit, holder, newest) VALUES ($1, $2, $3, $4, $5, 0)
        ON CONFLICT (id) DO NOTHING";
    let values = args![l.id, &l.sample, &l.title, l.unit, l.holder];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Writes the next version; false when another one was written meanwhile.
pub(crate) async fn put_version(tx: &mut Tx, id: Id, v: &Version) -> Result<bool> {
    let sql = "UPDATE answer_list SET newest = $3 WHERE id = $1 AND newest = $2";
    if tx.execute(sql, args![id, v.n - 1, v.n]).await? != 1 {
        return Ok(false);
    }
    let sql = "INSERT INTO answer_version (list, n, items, reason, account, at) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = args![id, v.n, json(&v.items)?, &v.reason, v.author, v.at];
    tx.execute(sql, values).await.map(|_| true)
}

/// Puts a version to use; false when it is not the newest, or is in use.
pub(crate) async fn put_to_use(
    tx: &mut Tx,
    id: Id,
    n: i64,
    by: AccountId,
    on: Date,
) -> Result<bool> {
    let sql =
        "UPDATE answer_list SET used = $2 WHERE id = $1 AND newest = $3 AND COALESCE(used, 0) < $4";
    if tx.execute(sql, args![id, n, n, n]).await? != 1 {
        return Ok(false);
    }
    let sql = "UPDATE answer_version SET used_on = $3, used_by = $4 WHERE list = $1 AND n = $2";
    tx.execute(sql, args![id, n, on, by]).await.map(|_| true)
}

/// Somebody else answers for it from now on.
pub(crate) async fn hand_over(tx: &mut Tx, id: Id, holder: PersonId) -> Result<()> {
    let sql = "UPDATE answer_list SET holder = $2 WHERE id = $1";
    tx.execute(sql, args![id, holder]).await.map(|_| ())
}

/// A list, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<List>> {
    let sql = format!("SELECT {LIST} FROM answer_list l WHERE l.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(list).transpose()
}

/// Lists of units in a scope, and those that somebody answers for.
pub(crate) async fn all(
    tx: &mut Tx,
    scope: &Scope,
    me: Option<PersonId>,
    window: Window,
) -> Result<(i64, Vec<List>)> {
    let mut a = Args::new();
    let mut seen = scope_sql(scope, "l.unit", &mut a);
    if let Some(me) = me {
        seen = format!("({seen} OR l.holder = {})", a.push(me));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM answer_list l WHERE {seen}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {LIST} FROM answer_list l WHERE {seen} ORDER BY l.unit, l.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(list).collect::<Result<_>>()?))
}

/// Lists in use: for the clock.
pub(crate) async fn in_use(tx: &mut Tx) -> Result<Vec<List>> {
    let sql = format!("SELECT {LIST} FROM answer_list l WHERE l.used IS NOT NULL ORDER BY l.id");
    tx.query(sql, args![]).await?.iter().map(list).collect()
}

/// Versions of a list, the newest first.
pub(crate) async fn versions(tx: &mut Tx, id: Id) -> Result<Vec<Version>> {
    let sql = "SELECT n, items, reason, account, at, used_on FROM answer_version WHERE list = $1 ORDER BY n DESC";
    let read = |row: &Row| {
        Ok(Version {
            n: row.get(0)?,
            items: parsed(row, 1)?,
            reason: row.get(2)?,
            author: row.get(3)?,
            at: row.get(4)?,
            used_on: row.get(5)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// Items of a version.
pub(crate) async fn items(tx: &mut Tx, id: Id, n: i64) -> Result<Vec<Item>> {
    let sql = "SELECT items FROM answer_version WHERE list = $1 AND n = $2";
    parsed(&tx.one(sql, args![id, n]).await?, 0)
}

const REPORT: &str = "r.id, r.list, l.title, r.year, r.holder, r.unit, r.items, r.said, r.figures, r.due, r.state, r.handed_on,
    r.remark, r.judged_by, r.judged_on, r.version";

fn report(row: &Row) -> Result<Report> {
    let (year, state): (i64, String) = (row.get(3)?, row.get(10)?);
    Ok(Report {
        id: row.get(0)?,
        list: row.get(1)?,
        title: row.get(2)?,
        year: i16::try_from(year).map_err(Error::internal)?,
        holder: row.get(4)?,
        unit: row.get(5)?,
        items: parsed(row, 6)?,
        said: parsed(row, 7)?,
        figures: parsed(row, 8)?,
        due: row.get(9)?,
        state: ReportState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        handed_on: row.get(11)?,
        comment: row.get(12)?,
        judged_by: row.get(13)?,
        judged_on: row.get(14)?,
        version: row.get(15)?,
    })
}

/// Opens the report of a year; false when it was opened before.
pub(crate) async fn open(tx: &mut Tx, r: &Report) -> Result<bool> {
    let sql = "INSERT INTO answer_report (id, list, year, holder, unit, items, said, figures, due, state, remark, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 1) ON CONFLICT DO NOTHING";
    let values = args![
        r.id,
        r.list,
        i64::from(r.year),
        r.holder,
        r.unit,
        json(&r.items)?,
        json(&r.said)?,
        json(&r.figures)?,
        r.due,
        r.state.code()
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Keeps how a report stands; false when it was changed since.
pub(crate) async fn save(tx: &mut Tx, r: &mut Report) -> Result<bool> {
    let sql = "UPDATE answer_report SET said = $3, figures = $4, state = $5, handed_on = $6, remark = $7, judged_by = $8,
            judged_on = $9, version = version + 1 WHERE id = $1 AND version = $2";
    let values = args![
        r.id,
        r.version,
        json(&r.said)?,
        json(&r.figures)?,
        r.state.code(),
        r.handed_on,
        &r.comment,
        r.judged_by,
        r.judged_on
    ];
    let done = tx.execute(sql, values).await? == 1;
    r.version += i64::from(done);
    Ok(done)
}

/// Writes down what happened to a report, with what it said and showed then.
pub(crate) async fn note(
    tx: &mut Tx,
    r: &Report,
    act: &str,
    account: Option<AccountId>,
    at: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO answer_event (report, seq, act, said, figures, remark, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = args![
        r.id,
        r.version,
        act,
        json(&r.said)?,
        json(&r.figures)?,
        &r.comment,
        account,
        at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// What happened to a report: act, words, name of who did it, when; the last first.
pub(crate) async fn events(
    tx: &mut Tx,
    id: Id,
) -> Result<Vec<(String, String, Option<String>, Timestamp)>> {
    let sql = "SELECT e.act, e.remark, COALESCE(p.name, a.login), e.at FROM answer_event e
            LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person
        WHERE e.report = $1 ORDER BY e.seq DESC LIMIT 100";
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// A report, whoever may see it.
pub(crate) async fn report_of(tx: &mut Tx, id: Id) -> Result<Option<Report>> {
    let sql = format!(
        "SELECT {REPORT} FROM answer_report r JOIN answer_list l ON l.id = r.list WHERE r.id = $1"
    );
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(report).transpose()
}

/// Reports of units in a scope and one's own: of a year, or of a list.
pub(crate) async fn reports(
    tx: &mut Tx,
    (scope, me): (&Scope, Option<PersonId>),
    (year, of, missing): (Option<i16>, Option<Id>, bool),
    window: Window,
) -> Result<(i64, Vec<Report>)> {
    let mut a = Args::new();
    let mut seen = scope_sql(scope, "r.unit", &mut a);
    if let Some(me) = me {
        seen = format!("({seen} OR r.holder = {})", a.push(me));
    }
    if let Some(year) = year {
        seen += &format!(" AND r.year = {}", a.push(i64::from(year)));
    }
    if let Some(of) = of {
        seen += &format!(" AND r.list = {}", a.push(of));
    }
    if missing {
        seen += " AND r.state IN ('open', 'returned')";
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM answer_report r WHERE {seen}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {REPORT} FROM answer_report r JOIN answer_list l ON l.id = r.list WHERE {seen}
        ORDER BY r.year DESC, r.unit, r.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(report).collect::<Result<_>>()?))
}

/// Reports that are not handed in: for the clock, and for the home page of their holder.
pub(crate) async fn missing(tx: &mut Tx, holder: Option<PersonId>) -> Result<Vec<Report>> {
    let mut a = Args::new();
    let own = match holder {
        Some(holder) => format!(" AND r.holder = {}", a.push(holder)),
        None => String::new(),
    };
    let sql = format!(
        "SELECT {REPORT} FROM answer_report r JOIN answer_list l ON l.id = r.list WHERE r.state IN ('open', 'returned'){own} ORDER BY r.id"
    );
    tx.query(sql, a).await?.iter().map(report).collect()
}

/// What reports that facts are about are called.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id], found: &mut HashMap<Id, String>) -> Result<()> {
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT r.id, l.title, r.year FROM answer_report r JOIN answer_list l ON l.id = r.list WHERE r.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            let (title, year): (String, i64) = (row.get(1)?, row.get(2)?);
            found.insert(row.get(0)?, format!("{title} {year}"));
        }
    }
    Ok(())
}

/// The unit where somebody may look, and whether a scope reaches it.
pub(crate) async fn reaches(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
    super::within(tx, scope, unit).await
}

/// Takes away what a person wrote in their reports; that they were handed in, and the numbers, stay.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId) -> Result<()> {
    let sql = "UPDATE answer_event SET said = '{}', remark = '' WHERE report IN (SELECT id FROM answer_report WHERE holder = $1)";
    tx.execute(sql, args![person]).await?;
    let sql = "UPDATE answer_report SET said = '{}', remark = '' WHERE holder = $1";
    tx.execute(sql, args![person]).await.map(|_| ())
}
