//! Monthly reports and their lines.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use identity::Author;
use kernel::{Date, Error, Id, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::Window;

use super::coded;
use crate::model::{Line, Report, ReportState};

const REPORT: &str = "r.id, r.unit, r.month, r.due, r.state, r.summary, r.problems, r.upcoming, r.handed_on, r.accepted_on,
    r.returns, r.omitted, r.version";

fn report(row: &Row) -> Result<Report> {
    let state: String = row.get(4)?;
    Ok(Report {
        id: row.get(0)?,
        unit: row.get(1)?,
        month: row.get(2)?,
        due: row.get(3)?,
        state: coded(ReportState::from_code(&state))?,
        summary: row.get(5)?,
        problems: row.get(6)?,
        next: row.get(7)?,
        handed_on: row.get(8)?,
        accepted_on: row.get(9)?,
        returns: row.get(10)?,
        omitted: row.get(11)?,
        version: row.get(12)?,
    })
}

/// Opens reports; a unit that has one of the month keeps it. `remind`: the first day on which its unit is reminded.
pub(crate) async fn open(tx: &mut Tx, list: &[(Report, Date)], now: Timestamp) -> Result<u64> {
    let mut rows = Args::new();
    for (r, remind) in list {
        rows.add(r.id);
        rows.add(r.unit);
        rows.add(r.month);
        rows.add(r.due);
        rows.add(*remind);
        rows.add(r.state.code());
        for _ in 0..3 {
            rows.add("");
        }
        for _ in 0..3 {
            rows.add(0_i64);
        }
        rows.add(false);
        rows.add(now);
    }
    let head = "INSERT INTO task_report (id, unit, month, due, remind, state, summary, problems, upcoming, returns, omitted,
        version, judged, updated_at) VALUES";
    tx.insert_many(head, 14, "ON CONFLICT DO NOTHING", rows)
        .await
}

/// A report, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Report>> {
    let sql = format!("SELECT {REPORT} FROM task_report r WHERE r.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(report).transpose()
}

/// A report of a unit in one of some scopes.
pub(crate) async fn seen(tx: &mut Tx, id: Id, scopes: &[&Scope]) -> Result<Report> {
    let mut a = args![id];
    let within: Vec<String> = scopes
        .iter()
        .map(|s| scope_sql(s, "r.unit", &mut a))
        .collect();
    let within = within.join(" OR ");
    let sql = format!("SELECT {REPORT} FROM task_report r WHERE r.id = $1 AND ({within})");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(report).transpose()?.ok_or(Error::NotFound)
}

/// Takes the row, so that those who act follow one another; none when there is none.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Option<Report>> {
    let sql = "UPDATE task_report SET version = version WHERE id = $1";
    match tx.execute(sql, args![id]).await? {
        1 => one(tx, id).await,
        _ => Ok(None),
    }
}

/// Keeps how a report stands now, with what was done.
pub(crate) async fn save(
    tx: &mut Tx,
    r: &mut Report,
    (act, reason): (&str, &str),
    author: Author,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE task_report SET state = $3, summary = $4, problems = $5, upcoming = $6, handed_on = $7, accepted_on = $8,
            returns = $9, omitted = $10, updated_at = $11, version = version + 1 WHERE id = $1 AND version = $2";
    let values = args![
        r.id,
        r.version,
        r.state.code(),
        &r.summary,
        &r.problems,
        &r.next,
        r.handed_on,
        r.accepted_on,
        r.returns,
        r.omitted,
        now
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("a report was changed meanwhile".into()));
    }
    r.version += 1;
    let sql = "INSERT INTO task_word (report, seq, act, reason, account, on_behalf, person, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = args![
        r.id,
        r.version,
        act,
        reason,
        author.account,
        author.on_behalf,
        author.person,
        now
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// What was done with a report, the last first.
pub(crate) async fn words(tx: &mut Tx, id: Id) -> Result<Vec<super::Event>> {
    let sql = "SELECT w.act, CAST(NULL AS TEXT), w.reason, COALESCE(h.name, c.login), w.at FROM task_word w
            LEFT JOIN account c ON c.id = w.account LEFT JOIN person h ON h.id = c.person
        WHERE w.report = $1 ORDER BY w.seq DESC LIMIT 200";
    tx.query(sql, args![id])
        .await?
        .iter()
        .map(super::event)
        .collect()
}

/// Who wrote or handed in a report: none of them accepts it.
pub(crate) async fn authors(tx: &mut Tx, id: Id) -> Result<Vec<Author>> {
    let sql = "SELECT DISTINCT w.account, w.on_behalf, w.person FROM task_word w
        WHERE w.report = $1 AND w.act IN ('kept', 'handed')";
    let read = |row: &Row| {
        Ok(Author {
            account: row.get(0)?,
            on_behalf: row.get(1)?,
            person: row.get(2)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// The lines of reports, by report.
pub(crate) async fn lines(tx: &mut Tx, reports: &[Id]) -> Result<HashMap<Id, Vec<Line>>> {
    let mut found: HashMap<Id, Vec<Line>> = HashMap::new();
    for chunk in reports.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT l.report, l.entry, l.percent, l.said, l.reached_on, l.counted FROM task_line l WHERE l.report IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.entry(row.get(0)?).or_default().push(Line {
                entry: row.get(1)?,
                percent: row.get(2)?,
                said: row.get(3)?,
                reached_on: row.get(4)?,
                counted: row.get(5)?,
            });
        }
    }
    Ok(found)
}

/// Keeps the lines of a report in the place of those before.
pub(crate) async fn put_lines(tx: &mut Tx, report: Id, lines: &[Line]) -> Result<()> {
    tx.execute("DELETE FROM task_line WHERE report = $1", args![report])
        .await?;
    let mut rows = Args::new();
    for l in lines {
        rows.add(report);
        rows.add(l.entry);
        rows.add(l.percent);
        rows.add(&l.said);
        rows.add(l.reached_on);
        rows.add(l.counted);
    }
    let head = "INSERT INTO task_line (report, entry, percent, said, reached_on, counted) VALUES";
    tx.insert_many(head, 6, "", rows).await.map(|_| ())
}

/// What accepted and other reports said of an entry, the last month first.
pub(crate) async fn of_entry(tx: &mut Tx, entry: Id) -> Result<Vec<(Report, Line)>> {
    let sql = format!(
        "SELECT {REPORT}, l.entry, l.percent, l.said, l.reached_on, l.counted FROM task_line l JOIN task_report r ON r.id = l.report
        WHERE l.entry = $1 AND r.state IN ('handed', 'accepted') ORDER BY r.month DESC LIMIT 120"
    );
    let read = |row: &Row| {
        let line = Line {
            entry: row.get(13)?,
            percent: row.get(14)?,
            said: row.get(15)?,
            reached_on: row.get(16)?,
            counted: row.get(17)?,
        };
        Ok((report(row)?, line))
    };
    tx.query(sql, args![entry])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Units with reports in a year, in a scope, in the order of the tree; with how many there are.
pub(crate) async fn units(
    tx: &mut Tx,
    scope: &Scope,
    year: i16,
    window: Window,
) -> Result<(i64, Vec<UnitId>)> {
    let mut a = args![format!("{year:04}-01-01"), format!("{year:04}-12-01")];
    let within = scope_sql(scope, "r.unit", &mut a);
    let of = format!("r.month >= $1 AND r.month <= $2 AND {within}");
    let sql =
        format!("SELECT CAST(COUNT(DISTINCT r.unit) AS BIGINT) FROM task_report r WHERE {of}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT u.id FROM unit u WHERE u.id IN (SELECT r.unit FROM task_report r WHERE {of})
        ORDER BY u.code, u.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let units = rows.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
    Ok((total, units))
}

/// The reports of units in a year.
pub(crate) async fn of_units(tx: &mut Tx, units: &[UnitId], year: i16) -> Result<Vec<Report>> {
    let mut found = Vec::new();
    for chunk in units.chunks(500) {
        let mut a = args![format!("{year:04}-01-01"), format!("{year:04}-12-01")];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {REPORT} FROM task_report r WHERE r.month >= $1 AND r.month <= $2 AND r.unit IN ({list}) ORDER BY r.month, r.unit"
        );
        for row in tx.query(sql, a).await? {
            found.push(report(&row)?);
        }
    }
    Ok(found)
}

/// What a list of reports is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// On this month.
    pub month: Option<Date>,
    /// Of this unit or one below it.
    pub unit: Option<UnitId>,
    /// Of these very units.
    pub units: Option<Vec<UnitId>>,
    /// Whose unit is reminded by this day.
    pub reminded: Option<Date>,
    /// In one of these states; none: any.
    pub states: Vec<ReportState>,
    /// Not handed in by its day, as of this one.
    pub late: Option<Date>,
}

/// A page of reports of units in a scope, the earliest day first, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    f: &ReportFilter,
    window: Window,
) -> Result<(i64, Vec<Report>)> {
    let mut a = Args::new();
    let mut narrowed = scope_sql(scope, "r.unit", &mut a);
    if let Some(month) = f.month {
        narrowed += &format!(" AND r.month = {}", a.push(month));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "r.unit", &mut a);
        narrowed += &format!(" AND {under}");
    }
    if let Some(units) = &f.units {
        narrowed += &format!(" AND r.unit IN ({})", a.list(units.iter().copied()));
    }
    if let Some(day) = f.reminded {
        narrowed += &format!(" AND r.remind <= {}", a.push(day));
    }
    if !f.states.is_empty() {
        let states = a.list(f.states.iter().map(|s| s.code()));
        narrowed += &format!(" AND r.state IN ({states})");
    }
    if let Some(day) = f.late {
        narrowed += &format!(" AND r.handed_on IS NULL AND r.due < {}", a.push(day));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM task_report r WHERE {narrowed}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT {REPORT} FROM task_report r WHERE {narrowed} ORDER BY r.due, r.id LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(report).collect::<Result<_>>()?))
}

/// How a month stands in a scope: reports owed, handed in, accepted, and not there by their day.
pub(crate) async fn month(
    tx: &mut Tx,
    scope: &Scope,
    month: Date,
    today: Date,
) -> Result<[i64; 4]> {
    let mut a = args![today, month];
    let within = scope_sql(scope, "r.unit", &mut a);
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT), CAST(COUNT(r.handed_on) AS BIGINT), CAST(COUNT(r.accepted_on) AS BIGINT),
            CAST(COALESCE(SUM(CASE WHEN r.handed_on IS NULL AND r.due < $1 THEN 1 ELSE 0 END), 0) AS BIGINT)
        FROM task_report r WHERE r.month = $2 AND {within}"
    );
    let row = tx.one(sql, a).await?;
    Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
}

/// Reports to be written whose unit is to be reminded by a day: for the clock.
pub(crate) async fn to_remind(tx: &mut Tx, today: Date) -> Result<Vec<Report>> {
    let sql = format!(
        "SELECT {REPORT} FROM task_report r WHERE r.state IN ('open', 'returned') AND r.remind <= $1 ORDER BY r.id LIMIT 5000"
    );
    tx.query(sql, args![today])
        .await?
        .iter()
        .map(report)
        .collect()
}

/// Reports whose day has passed and of which it was not said yet whether they came in time.
pub(crate) async fn to_judge(tx: &mut Tx, today: Date) -> Result<Vec<Id>> {
    let sql = "SELECT r.id FROM task_report r WHERE r.judged = $1 AND r.due < $2 ORDER BY r.id LIMIT 5000";
    let rows = tx.query(sql, args![false, today]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Says that it was judged; false when somebody did before.
pub(crate) async fn judge(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "UPDATE task_report SET judged = $2 WHERE id = $1 AND judged = $3";
    Ok(tx.execute(sql, args![id, true, false]).await? == 1)
}
