//! What belongs to a campaign: units, measures done, plans, documents, reports.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use desk::Attached;
use identity::Author;
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Timestamp, UnitId};
use ledger::SourceFile;

use crate::model::Taking;
use crate::plans::{Plan, PlanState};

/// Names a unit, or changes whether it takes part.
pub(crate) async fn put_unit(tx: &mut Tx, campaign: Id, t: &Taking) -> Result<()> {
    let sql = "INSERT INTO campaign_unit (campaign, unit, joined, reason, since) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (campaign, unit) DO UPDATE SET joined = excluded.joined, reason = excluded.reason, since = excluded.since";
    let values = args![campaign, t.unit, t.joined, &t.reason, t.since];
    tx.execute(sql, values).await.map(|_| ())
}

/// Names units that are not named yet; they take part.
pub(crate) async fn add_units(
    tx: &mut Tx,
    campaign: Id,
    units: &[UnitId],
    since: Date,
) -> Result<()> {
    let head = "INSERT INTO campaign_unit (campaign, unit, joined, reason, since) VALUES";
    let mut rows = Args::new();
    for unit in units {
        rows.add(campaign);
        rows.add(*unit);
        rows.add(true);
        rows.add("");
        rows.add(since);
    }
    tx.insert_many(head, 5, "ON CONFLICT DO NOTHING", rows)
        .await
        .map(|_| ())
}

/// Takes a unit off the list, as long as nobody was told.
pub(crate) async fn drop_unit(tx: &mut Tx, campaign: Id, unit: UnitId) -> Result<bool> {
    let sql = "DELETE FROM campaign_unit WHERE campaign = $1 AND unit = $2";
    Ok(tx.execute(sql, args![campaign, unit]).await? == 1)
}

/// Units named in a campaign.
pub(crate) async fn units(tx: &mut Tx, campaign: Id) -> Result<Vec<Taking>> {
    let sql =
        "SELECT unit, joined, reason, since FROM campaign_unit WHERE campaign = $1 ORDER BY unit";
    let read = |row: &Row| {
        Ok(Taking {
            unit: row.get(0)?,
            joined: row.get(1)?,
            reason: row.get(2)?,
            since: row.get(3)?,
        })
    };
    tx.query(sql, args![campaign])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// How many units take part, and how many do not.
pub(crate) async fn count_units(tx: &mut Tx, campaign: Id) -> Result<(i64, i64)> {
    let sql =
        "SELECT CAST(SUM(CASE WHEN joined THEN 1 ELSE 0 END) AS BIGINT), CAST(COUNT(*) AS BIGINT)
        FROM campaign_unit WHERE campaign = $1";
    let row = tx.one(sql, args![campaign]).await?;
    let (joined, all): (Option<i64>, i64) = (row.get(0)?, row.get(1)?);
    let joined = joined.unwrap_or(0);
    Ok((joined, all - joined))
}

/// A measure that is done: when, and what was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub on: Date,
    /// What was said.
    pub said: String,
}

/// Writes down that a measure is done; false when it was before.
pub(crate) async fn put_done(
    tx: &mut Tx,
    campaign: Id,
    no: i64,
    done: &Done,
    by: Author,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO campaign_done (campaign, no, done_on, said, account, at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (campaign, no) DO NOTHING";
    let values = args![campaign, no, done.on, &done.said, by.account, now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Measures that are done, by number.
pub(crate) async fn done(tx: &mut Tx, campaign: Id) -> Result<HashMap<i64, Done>> {
    let sql = "SELECT no, done_on, said FROM campaign_done WHERE campaign = $1";
    let read = |row: &Row| {
        let done = Done {
            on: row.get(1)?,
            said: row.get(2)?,
        };
        Ok((row.get(0)?, done))
    };
    tx.query(sql, args![campaign])
        .await?
        .iter()
        .map(read)
        .collect()
}

const PLAN: &str = "n, title, body, files, mark, state, approval, number, issued_on, at";

fn plan(row: &Row) -> Result<Plan> {
    let state: String = row.get(5)?;
    Ok(Plan {
        n: row.get(0)?,
        title: row.get(1)?,
        body: row.get(2)?,
        files: row.json(3)?,
        mark: row.get(4)?,
        state: PlanState::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
        approval: row.get(6)?,
        number: row.get(7)?,
        issued_on: row.get(8)?,
        at: row.get(9)?,
    })
}

/// Another version of the plan.
pub(crate) async fn put_plan(tx: &mut Tx, campaign: Id, p: &Plan, by: Author) -> Result<()> {
    let sql =
        "INSERT INTO campaign_plan (campaign, n, title, body, files, mark, state, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = args![
        campaign,
        p.n,
        &p.title,
        &p.body,
        db::json(&p.files)?,
        &p.mark,
        p.state.code(),
        by.account,
        p.at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Versions of the plan, the last first.
pub(crate) async fn plans(tx: &mut Tx, campaign: Id) -> Result<Vec<Plan>> {
    let sql = format!("SELECT {PLAN} FROM campaign_plan WHERE campaign = $1 ORDER BY n DESC");
    tx.query(sql, args![campaign])
        .await?
        .iter()
        .map(plan)
        .collect()
}

/// Moves a version of the plan from one state to another; false when it is not there any more.
pub(crate) async fn turn_plan(
    tx: &mut Tx,
    (campaign, n): (Id, i64),
    from: PlanState,
    to: PlanState,
    approval: Option<Id>,
) -> Result<bool> {
    let sql = "UPDATE campaign_plan SET state = $4, approval = $5 WHERE campaign = $1 AND n = $2 AND state = $3";
    let values = args![campaign, n, from.code(), to.code(), approval];
    Ok(tx.execute(sql, values).await? == 1)
}

/// The next number of a mark in a year: one after the other, without holes.
pub(crate) async fn next_number(tx: &mut Tx, mark: &str, year: i16) -> Result<i64> {
    let sql = "INSERT INTO campaign_counter (mark, year, last) VALUES ($1, $2, 1)
        ON CONFLICT (mark, year) DO UPDATE SET last = campaign_counter.last + 1 RETURNING last";
    tx.one(sql, args![mark, i64::from(year)]).await?.get(0)
}

/// Gives an issued plan its number; the ones issued before are replaced by it and stay.
pub(crate) async fn number_plan(
    tx: &mut Tx,
    (campaign, n): (Id, i64),
    (year, serial, number): (i16, i64, &str),
    on: Date,
) -> Result<()> {
    let sql = "UPDATE campaign_plan SET state = 'replaced' WHERE campaign = $1 AND n <> $2 AND state = 'issued'";
    tx.execute(sql, args![campaign, n]).await?;
    let sql = "UPDATE campaign_plan SET year = $3, serial = $4, number = $5, issued_on = $6 WHERE campaign = $1 AND n = $2";
    let values = args![campaign, n, i64::from(year), serial, number, on];
    tx.execute(sql, values).await.map(|_| ())
}

/// A document that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Which of the expected ones.
    pub code: String,
    /// The file.
    pub file: Attached,
    /// When.
    pub at: Timestamp,
}

/// Adds a document.
pub(crate) async fn put_paper(
    tx: &mut Tx,
    (id, campaign): (Id, Id),
    p: &Paper,
    by: Author,
) -> Result<()> {
    let sql = "INSERT INTO campaign_document (id, campaign, code, name, sha256, size, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let size = i64::try_from(p.file.size).map_err(Error::internal)?;
    let values = args![
        id,
        campaign,
        &p.code,
        &p.file.name,
        &p.file.sha256,
        size,
        by.account,
        p.at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Documents of a campaign, the last first.
pub(crate) async fn papers(tx: &mut Tx, campaign: Id) -> Result<Vec<Paper>> {
    let sql = "SELECT code, name, sha256, size, at FROM campaign_document WHERE campaign = $1 ORDER BY id DESC";
    let read = |row: &Row| {
        let size: i64 = row.get(3)?;
        Ok(Paper {
            code: row.get(0)?,
            file: Attached {
                name: row.get(1)?,
                sha256: row.get(2)?,
                size: size.unsigned_abs(),
            },
            at: row.get(4)?,
        })
    };
    tx.query(sql, args![campaign])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Documents of campaigns, for facts.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found: HashMap<Id, Vec<SourceFile>> = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT campaign, name, sha256, size FROM campaign_document WHERE campaign IN ({list}) ORDER BY id"
        );
        for row in tx.query(sql, a).await? {
            found.entry(row.get(0)?).or_default().push(SourceFile {
                name: row.get(1)?,
                sha256: row.get(2)?,
                size: row.get(3)?,
            });
        }
    }
    Ok(found)
}

/// How far a unit says it is (进展).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The unit.
    pub unit: UnitId,
    /// Its number for the unit, from 1.
    pub seq: i64,
    /// How far, in percent.
    pub percent: i64,
    /// What was said.
    pub said: String,
    /// Files with it.
    pub files: Vec<Attached>,
    /// Who said it.
    pub person: Option<PersonId>,
    /// When.
    pub at: Timestamp,
}

/// Writes a report; false when another one came first.
pub(crate) async fn put_report(
    tx: &mut Tx,
    campaign: Id,
    r: &Report,
    account: Option<AccountId>,
) -> Result<bool> {
    let sql = "INSERT INTO campaign_report (campaign, unit, seq, percent, said, files, person, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (campaign, unit, seq) DO NOTHING";
    let values = args![
        campaign,
        r.unit,
        r.seq,
        r.percent,
        &r.said,
        db::json(&r.files)?,
        r.person,
        account,
        r.at
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

const REPORT: &str = "r.unit, r.seq, r.percent, r.said, r.files, r.person, r.at";

fn report(row: &Row) -> Result<Report> {
    Ok(Report {
        unit: row.get(0)?,
        seq: row.get(1)?,
        percent: row.get(2)?,
        said: row.get(3)?,
        files: row.json(4)?,
        person: row.get(5)?,
        at: row.get(6)?,
    })
}

/// The last report of each unit.
pub(crate) async fn last_reports(tx: &mut Tx, campaign: Id) -> Result<HashMap<UnitId, Report>> {
    let sql = format!(
        "SELECT {REPORT} FROM campaign_report r WHERE r.campaign = $1 AND r.seq =
           (SELECT MAX(s.seq) FROM campaign_report s WHERE s.campaign = r.campaign AND s.unit = r.unit)"
    );
    let rows = tx.query(sql, args![campaign]).await?;
    let found: Result<Vec<Report>> = rows.iter().map(report).collect();
    Ok(found?.into_iter().map(|r| (r.unit, r)).collect())
}

/// Which measures of some campaigns are done.
pub(crate) async fn done_of(tx: &mut Tx, campaigns: &[Id]) -> Result<HashMap<Id, Vec<i64>>> {
    let mut found: HashMap<Id, Vec<i64>> = HashMap::new();
    if campaigns.is_empty() {
        return Ok(found);
    }
    let mut a = Args::new();
    let list = a.list(campaigns.iter().copied());
    let sql = format!("SELECT campaign, no FROM campaign_done WHERE campaign IN ({list})");
    for row in &tx.query(sql, a).await? {
        found.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(found)
}

/// All reports of a unit, the last first.
pub(crate) async fn reports(tx: &mut Tx, campaign: Id, unit: UnitId) -> Result<Vec<Report>> {
    let sql = format!(
        "SELECT {REPORT} FROM campaign_report r WHERE r.campaign = $1 AND r.unit = $2 ORDER BY r.seq DESC"
    );
    tx.query(sql, args![campaign, unit])
        .await?
        .iter()
        .map(report)
        .collect()
}
