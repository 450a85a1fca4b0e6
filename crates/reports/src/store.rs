//! All SQL of reports.

use db::{Args, Migration, Row, Tx, args};
use kernel::{Error, Id, ReportId, Result, Scope};
use web::table::{Order, Window};

use crate::{Saved, State};

pub(crate) mod drafts;
pub(crate) mod papers;

/// The table. A report is written once; only its level of secrecy can change.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "reports_20261121_table",
        sql: "
    CREATE TABLE report (
        id {blob} PRIMARY KEY, template TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit,
        from_date TEXT NOT NULL, to_date TEXT NOT NULL, as_of BIGINT NOT NULL, title TEXT NOT NULL,
        body TEXT NOT NULL, created_at BIGINT NOT NULL, created_by {blob} NOT NULL);
    CREATE INDEX report_unit ON report (unit);
    ",
    },
    Migration {
        name: "reports_20261122_level",
        sql: "ALTER TABLE report ADD COLUMN level TEXT NOT NULL DEFAULT 'internal';",
    },
    Migration {
        name: "reports_20261122_papers",
        sql: "
    CREATE TABLE report_paper (
        report {blob} NOT NULL REFERENCES report, version BIGINT NOT NULL, content TEXT NOT NULL,
        created_at BIGINT NOT NULL, created_by {blob} NOT NULL, PRIMARY KEY (report, version)){clustered};
    CREATE TABLE report_number (
        word TEXT NOT NULL, year BIGINT NOT NULL, serial BIGINT NOT NULL, report {blob} NOT NULL REFERENCES report,
        PRIMARY KEY (word, year, serial)){clustered};
    CREATE INDEX report_number_report ON report_number (report);
    ",
    },
    Migration {
        name: "reports_20261122_drafts",
        sql: "
    ALTER TABLE report ADD COLUMN state TEXT NOT NULL DEFAULT 'kept';
    CREATE TABLE report_draft (
        template TEXT NOT NULL, unit {blob} NOT NULL REFERENCES unit, from_date TEXT NOT NULL, to_date TEXT NOT NULL,
        report {blob} NOT NULL REFERENCES report, PRIMARY KEY (template, unit, from_date, to_date)){clustered};
    ",
    },
];

const COLUMNS: &str = "r.id, r.template, r.unit, r.from_date, r.to_date, r.as_of, r.title, r.body, r.created_at, r.created_by, r.level, r.state";

fn read(row: &Row) -> Result<Saved> {
    let (body, state): (String, String) = (row.get(7)?, row.get(11)?);
    Ok(Saved {
        id: row.get(0)?,
        template: row.get(1)?,
        unit: row.get(2)?,
        period: kernel::Period {
            from: row.get(3)?,
            to: row.get(4)?,
        },
        as_of: row.get(5)?,
        title: row.get(6)?,
        body: serde_json::from_str(&body).map_err(Error::internal)?,
        created_at: row.get(8)?,
        created_by: row.get(9)?,
        level: row.get(10)?,
        state: State::from_code(&state)?,
    })
}

/// Writes a report; false when its id is already there.
pub(crate) async fn insert(tx: &mut Tx, r: &Saved) -> Result<bool> {
    let body = serde_json::to_string(&r.body).map_err(Error::internal)?;
    let added = tx.execute(
        "INSERT INTO report (id, template, unit, from_date, to_date, as_of, title, body, created_at, created_by, level, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
        args![
            r.id, r.template.as_str(), r.unit, r.period.from, r.period.to, r.as_of, r.title.as_str(), body,
            r.created_at, r.created_by, r.level.as_str(), r.state.code()
        ],
    )
    .await?;
    Ok(added == 1)
}

pub(crate) async fn report(tx: &mut Tx, id: ReportId, scope: &Scope) -> Result<Saved> {
    let mut a = args![id];
    let scope = organization::scope_sql(scope, "r.unit", &mut a);
    let row = tx
        .optional(
            format!("SELECT {COLUMNS} FROM report r WHERE r.id = $1 AND r.state <> 'dropped' AND {scope}"),
            a,
        )
        .await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::NotFound)
}

/// Gives a report another level of secrecy; false when it was changed meanwhile.
pub(crate) async fn change_level(tx: &mut Tx, id: ReportId, from: &str, to: &str) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE report SET level = $3 WHERE id = $1 AND level = $2",
            args![id, from, to],
        )
        .await?;
    Ok(changed == 1)
}

/// Takes back what was just written in this transaction.
pub(crate) async fn remove(tx: &mut Tx, id: ReportId) -> Result<()> {
    tx.execute("DELETE FROM report WHERE id = $1", args![id])
        .await?;
    Ok(())
}

/// These reports.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Saved>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {COLUMNS} FROM report r WHERE r.id IN ({list}) ORDER BY r.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Reports after one, in order of id.
pub(crate) async fn after(tx: &mut Tx, id: Id, limit: i64) -> Result<Vec<Saved>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM report r WHERE r.id > $1 AND r.state = 'kept' ORDER BY r.id LIMIT $2"
    );
    tx.query(sql, args![id, limit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Which reports are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Part of the title; empty: any.
    pub(crate) text: String,
    /// Made by this template.
    pub(crate) template: Option<String>,
    /// Of this level of secrecy.
    pub(crate) level: Option<String>,
    /// Drafts instead of what is kept.
    pub(crate) drafts: bool,
}

/// A page of the reports in a scope, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<(Vec<Saved>, i64)> {
    let mut a = Args::new();
    let mut conditions = organization::scope_sql(scope, "r.unit", &mut a);
    let state = if filter.drafts {
        State::Draft
    } else {
        State::Kept
    };
    conditions += &format!(" AND r.state = {}", a.push(state.code()));
    if !filter.text.trim().is_empty() {
        let text = filter.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        conditions += &format!(" AND LOWER(r.title) LIKE {text} ESCAPE '!'");
    }
    if let Some(template) = &filter.template {
        conditions += &format!(" AND r.template = {}", a.push(template));
    }
    if let Some(level) = &filter.level {
        conditions += &format!(" AND r.level = {}", a.push(level));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM report r WHERE {conditions}");
    let total = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("r.title {way}, r.id"),
        "period" => format!("r.from_date {way}, r.to_date {way}, r.id"),
        // Ids rise with the time of making.
        _ => format!("r.id {way}"),
    };
    let rows = tx
        .query(
            format!("SELECT {COLUMNS} FROM report r WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"),
            a,
        )
        .await?;
    Ok((rows.iter().map(read).collect::<Result<_>>()?, total))
}
