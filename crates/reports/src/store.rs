//! All SQL of reports.

use db::{Args, Migration, Row, Tx, args};
use kernel::{Error, Id, ReportId, Result, Scope};
use web::table::{Order, Window};

use crate::Saved;

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
];

const COLUMNS: &str = "r.id, r.template, r.unit, r.from_date, r.to_date, r.as_of, r.title, r.body, r.created_at, r.created_by, r.level";

fn read(row: &Row) -> Result<Saved> {
    let body: String = row.get(7)?;
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
    })
}

/// Writes a report; false when its id is already there.
pub(crate) async fn insert(tx: &mut Tx, r: &Saved) -> Result<bool> {
    let body = serde_json::to_string(&r.body).map_err(Error::internal)?;
    let added = tx.execute(
        "INSERT INTO report (id, template, unit, from_date, to_date, as_of, title, body, created_at, created_by, level)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
        args![
            r.id, r.template.as_str(), r.unit, r.period.from, r.period.to, r.as_of, r.title.as_str(), body,
            r.created_at, r.created_by, r.level.as_str()
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
            format!("SELECT {COLUMNS} FROM report r WHERE r.id = $1 AND {scope}"),
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

/// These reports.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Saved>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {COLUMNS} FROM report r WHERE r.id IN ({list}) ORDER BY r.id DESC");
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Reports after one, in order of id.
pub(crate) async fn after(tx: &mut Tx, id: Id, limit: i64) -> Result<Vec<Saved>> {
    let sql = format!("SELECT {COLUMNS} FROM report r WHERE r.id > $1 ORDER BY r.id LIMIT $2");
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
