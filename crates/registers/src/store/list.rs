//! The SQL of lists and counts of entries.

use std::collections::HashMap;

use db::{Args, Tx, args};
use kernel::{AccountId, Date, Id, Result, Scope, UnitId};

use super::{COLUMNS, FROM, read};
use crate::model::{Entry, State};

/// What a list of entries asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) register: Option<String>,
    pub(crate) under: Option<UnitId>,
    pub(crate) class: Option<String>,
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) state: Option<State>,
    pub(crate) level: Option<String>,
    /// Closed or still open.
    pub(crate) closed: Option<bool>,
    /// To be looked over by this day.
    pub(crate) recheck_by: Option<Date>,
    /// Totals that were declared, or entries.
    pub(crate) declared: Option<bool>,
    /// A part of the title, as titles are compared.
    pub(crate) title: Option<String>,
    /// Whose pending version none of these wrote.
    pub(crate) not_of: Vec<AccountId>,
}

impl Filter {
    fn sql(&self, scope: &Scope, a: &mut Args) -> String {
        let mut sql = organization::scope_sql(scope, "e.unit", a);
        if let Some(unit) = self.under {
            let under = organization::scope_sql(&Scope::Under(vec![unit]), "e.unit", a);
            sql += &format!(" AND {under}");
        }
        if let Some(register) = &self.register {
            sql += &format!(" AND e.register = {}", a.push(register));
        }
        if let Some(class) = &self.class {
            sql += &format!(" AND e.class = {}", a.push(class));
        }
        if let Some(from) = self.from {
            sql += &format!(" AND e.date >= {}", a.push(from));
        }
        if let Some(to) = self.to {
            sql += &format!(" AND e.date <= {}", a.push(to));
        }
        if let Some(state) = self.state {
            sql += &format!(" AND e.state = {}", a.push(state.code()));
        }
        if let Some(level) = &self.level {
            sql += &format!(" AND e.level = {}", a.push(level));
        }
        match self.closed {
            Some(true) => sql += " AND e.closed_on IS NOT NULL",
            Some(false) => sql += " AND e.closed_on IS NULL AND e.state <> 'reversed'",
            None => {}
        }
        if let Some(day) = self.recheck_by {
            let day = a.push(day);
            sql += &format!(" AND e.recheck_on <= {day} AND e.state <> 'reversed'");
        }
        match self.declared {
            Some(true) => sql += " AND e.declared IS NOT NULL",
            Some(false) => sql += " AND e.declared IS NULL",
            None => {}
        }
        if let Some(title) = &self.title {
            // What the reader typed holds no wildcards.
            let plain = title
                .replace('!', "!!")
                .replace('%', "!%")
                .replace('_', "!_");
            let part = a.push(format!("%{plain}%"));
            sql += &format!(" AND e.title_key LIKE {part} ESCAPE '!'");
        }
        if !self.not_of.is_empty() {
            let list = a.list(self.not_of.iter().copied());
            sql += &format!(
                " AND NOT EXISTS (SELECT 1 FROM register_version w WHERE w.entry = e.id
                    AND w.n > COALESCE(e.accepted, 0) AND (w.by_account IN ({list}) OR w.on_behalf IN ({list})))"
            );
        }
        sql
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct By {
    /// By business date; otherwise by the time of entering.
    pub(crate) date: bool,
    /// From the last to the first.
    pub(crate) down: bool,
}

/// Where a page begins: behind an entry, in the order of the list or against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) date: Date,
    pub(crate) id: Id,
}

impl Mark {
    /// The place of an entry.
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            date: entry.content.date,
            id: entry.id,
        }
    }

    /// As addresses have it.
    pub(crate) fn text(&self) -> String {
        format!("{}.{}", kernel::format_date(self.date), self.id)
    }

    /// From an address.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (date, id) = text.split_once('.')?;
        Some(Self {
            date: kernel::parse_date(date)?,
            id: id.parse().ok()?,
        })
    }
}

/// A page of entries in a scope: those behind the mark, or with `back` those before it, always in the order of the
/// list.
pub(crate) async fn page(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    by: By,
    mark: Option<Mark>,
    back: bool,
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut a = Args::new();
    let mut conditions = filter.sql(scope, &mut a);
    let down = by.down != back;
    let (sign, order) = if down { ("<", "DESC") } else { (">", "ASC") };
    if let Some(mark) = mark {
        let id = a.push(mark.id);
        conditions += &match by.date {
            true => {
                let date = a.push(mark.date);
                format!(" AND (e.date {sign} {date} OR (e.date = {date} AND e.id {sign} {id}))")
            }
            false => format!(" AND e.id {sign} {id}"),
        };
    }
    let order = match by.date {
        true => format!("e.date {order}, e.id {order}"),
        false => format!("e.id {order}"),
    };
    let limit = a.push(limit);
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE {conditions} ORDER BY {order} LIMIT {limit}");
    let rows = tx.query(sql, a).await?;
    let mut found: Vec<Entry> = rows.iter().map(read).collect::<Result<_>>()?;
    if back {
        found.reverse();
    }
    Ok(found)
}

/// How many there are.
pub(crate) async fn count(tx: &mut Tx, scope: &Scope, filter: &Filter) -> Result<i64> {
    let mut a = Args::new();
    let conditions = filter.sql(scope, &mut a);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM register_entry e WHERE {conditions}");
    tx.one(sql, a).await?.get(0)
}

/// Numbers of a register in a scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Entries that count, from a day to a day.
    pub(crate) entries: i64,
    /// Those that wait for review.
    pub(crate) waiting: i64,
    /// Those that count and are not closed.
    pub(crate) open: i64,
    /// Those that are to be looked over.
    pub(crate) due: i64,
}

/// Numbers of all registers: entries from a day to a day, and what waits on that last day.
pub(crate) async fn numbers(
    tx: &mut Tx,
    scope: &Scope,
    from: Date,
    to: Date,
) -> Result<HashMap<String, Numbers>> {
    let mut a = args![from, to];
    let scope = organization::scope_sql(scope, "e.unit", &mut a);
    let counts = "e.accepted IS NOT NULL AND e.state <> 'reversed'";
    let sql = format!(
        "SELECT e.register,
           CAST(SUM(CASE WHEN {counts} AND e.declared IS NULL AND e.date >= $1 AND e.date <= $2 THEN 1 ELSE 0 END) AS BIGINT),
           CAST(SUM(CASE WHEN e.state = 'proposed' THEN 1 ELSE 0 END) AS BIGINT),
           CAST(SUM(CASE WHEN {counts} AND e.declared IS NULL AND e.closed_on IS NULL THEN 1 ELSE 0 END) AS BIGINT),
           CAST(SUM(CASE WHEN {counts} AND e.recheck_on <= $2 THEN 1 ELSE 0 END) AS BIGINT)
         FROM register_entry e WHERE {scope} GROUP BY e.register"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|r| {
            let numbers = Numbers {
                entries: r.get(1)?,
                waiting: r.get(2)?,
                open: r.get(3)?,
                due: r.get(4)?,
            };
            Ok((r.get(0)?, numbers))
        })
        .collect()
}
