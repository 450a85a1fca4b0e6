//! Entries of plans.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{Date, Error, Id, PersonId, Result, Scope, Timestamp, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use super::coded;
use crate::kind::PlanKind;
use crate::model::{Entry, EntryState, Eyes};

const ENTRY: &str = "e.id, e.plan, e.number, e.parent, e.carried_from, e.content, e.state, e.percent, e.said, e.reported,
    e.ended_on, e.parts, p.year, e.version";

fn entry(row: &Row) -> Result<Entry> {
    let (state, year): (String, i64) = (row.get(6)?, row.get(12)?);
    Ok(Entry {
        id: row.get(0)?,
        plan: row.get(1)?,
        number: row.get(2)?,
        parent: row.get(3)?,
        carried_from: row.get(4)?,
        content: row.json(5)?,
        state: coded(EntryState::from_code(&state))?,
        percent: row.get(7)?,
        said: row.get(8)?,
        reported: row.get(9)?,
        ended_on: row.get(10)?,
        parts: row.get(11)?,
        year: i16::try_from(year).map_err(Error::internal)?,
        version: row.get(13)?,
    })
}

/// A number such that texts of it are in the order of the numbers: `0007.0002`.
fn sort_of(number: &str) -> String {
    let parts = number
        .split('.')
        .map(|n| format!("{:04}", n.parse::<u32>().unwrap_or(0)));
    parts.collect::<Vec<_>>().join(".")
}

/// Writes a new entry; false when its id is there already, or what it carries on was carried on before.
pub(crate) async fn insert(tx: &mut Tx, e: &Entry, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO task_entry (id, plan, number, sort, parent, carried_from, content, line, owner, duty, unit, person,
            leader, starts, ends, state, percent, said, parts, version, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 0, 0, $19)
        ON CONFLICT DO NOTHING";
    let c = &e.content;
    let values = args![
        e.id,
        e.plan,
        &e.number,
        sort_of(&e.number),
        e.parent,
        e.carried_from,
        db::json(c)?,
        &c.text,
        &c.owner,
        &c.duty,
        c.unit,
        c.person,
        c.leader,
        c.from,
        c.to,
        e.state.code(),
        e.percent,
        &e.said,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Keeps how an entry stands now.
pub(crate) async fn save(tx: &mut Tx, e: &mut Entry, now: Timestamp) -> Result<()> {
    let sql = "UPDATE task_entry SET content = $3, line = $4, owner = $5, duty = $6, unit = $7, person = $8, leader = $9, starts = $10,
            ends = $11, state = $12, percent = $13, said = $14, reported = $15, ended_on = $16, parts = $17, updated_at = $18,
            version = version + 1 WHERE id = $1 AND version = $2";
    let c = &e.content;
    let values = args![
        e.id,
        e.version,
        db::json(c)?,
        &c.text,
        &c.owner,
        &c.duty,
        c.unit,
        c.person,
        c.leader,
        c.from,
        c.to,
        e.state.code(),
        e.percent,
        &e.said,
        e.reported,
        e.ended_on,
        e.parts,
        now
    ];
    if tx.execute(sql, values).await? != 1 {
        return Err(Error::Retry("an entry was changed meanwhile".into()));
    }
    e.version += 1;
    Ok(())
}

/// Takes an entry out of a draft.
pub(crate) async fn remove(tx: &mut Tx, id: Id) -> Result<()> {
    tx.execute(
        "UPDATE task_event SET entry = NULL WHERE entry = $1",
        args![id],
    )
    .await?;
    tx.execute("DELETE FROM task_entry WHERE id = $1", args![id])
        .await
        .map(|_| ())
}

/// An entry, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.id = $1"
    );
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(entry).transpose()
}

/// The entries of a plan in the order of their numbers.
pub(crate) async fn of_plan(tx: &mut Tx, plan: Id) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.plan = $1 ORDER BY e.sort"
    );
    tx.query(sql, args![plan])
        .await?
        .iter()
        .map(entry)
        .collect()
}

/// The parts of entries, in the order of their numbers.
pub(crate) async fn parts(tx: &mut Tx, of: &[Id]) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for chunk in of.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.parent IN ({list}) ORDER BY e.sort"
        );
        for row in tx.query(sql, a).await? {
            found.push(entry(&row)?);
        }
    }
    Ok(found)
}

/// What carries an entry on.
pub(crate) async fn carried_to(tx: &mut Tx, id: Id) -> Result<Option<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.carried_from = $1"
    );
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(entry).transpose()
}

/// What somebody may see of entries: those of plans of units where they write or issue; issued ones of units where they look,
/// of plans of such units, and their own.
fn seen_sql(eyes: &Eyes, a: &mut Args) -> String {
    let plans = scope_sql(&eyes.plans, "p.unit", a);
    let issues = scope_sql(&eyes.issues, "p.unit", a);
    let reads = scope_sql(&eyes.reads, "p.unit", a);
    let owned = scope_sql(&eyes.reads, "e.unit", a);
    let me = match eyes.person {
        Some(me) => {
            let (person, leader) = (a.push(me), a.push(me));
            format!(" OR e.person = {person} OR e.leader = {leader}")
        }
        None => String::new(),
    };
    format!(
        "({plans} OR {issues} OR (p.state IN ('issued', 'closed') AND ({reads} OR {owned}{me})))"
    )
}

/// An entry that somebody may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes) -> Result<Entry> {
    let mut a = args![id];
    let seen = seen_sql(eyes, &mut a);
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.id = $1 AND {seen}"
    );
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(entry).transpose()?.ok_or(Error::NotFound)
}

/// What a list of entries is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// With this in its line.
    pub text: String,
    /// Of this plan.
    pub plan: Option<Id>,
    /// Of a plan of this year.
    pub year: Option<i16>,
    /// In this state.
    pub state: Option<EntryState>,
    /// Of this owner kind.
    pub owner: String,
    /// To be done by this unit or one below it.
    pub unit: Option<UnitId>,
    /// Of this person, responsible or in charge.
    pub person: Option<PersonId>,
    /// Past its last month and open, as of this day.
    pub late: Option<Date>,
    /// Only those that are no parts of others.
    pub tops: bool,
    /// Only of plans that were issued.
    pub issued: bool,
}

/// A page of entries that somebody may see, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    eyes: &Eyes,
    f: &EntryFilter,
    order: Order,
    window: Window,
) -> Result<(i64, Vec<Entry>)> {
    let mut a = Args::new();
    let mut narrowed = seen_sql(eyes, &mut a);
    if !f.text.trim().is_empty() {
        let text = f.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        narrowed += &format!(" AND LOWER(e.line) LIKE {text} ESCAPE '!'");
    }
    if let Some(plan) = f.plan {
        narrowed += &format!(" AND e.plan = {}", a.push(plan));
    }
    if let Some(year) = f.year {
        narrowed += &format!(" AND p.year = {}", a.push(i64::from(year)));
    }
    if let Some(state) = f.state {
        narrowed += &format!(" AND e.state = {}", a.push(state.code()));
    }
    if !f.owner.is_empty() {
        narrowed += &format!(" AND e.owner = {}", a.push(&f.owner));
    }
    if let Some(unit) = f.unit {
        let under = scope_sql(&Scope::Under(vec![unit]), "e.unit", &mut a);
        narrowed += &format!(" AND {under}");
    }
    if let Some(person) = f.person {
        let (own, leads) = (a.push(person), a.push(person));
        narrowed += &format!(" AND (e.person = {own} OR e.leader = {leads})");
    }
    if let Some(day) = f.late {
        narrowed += &format!(" AND e.state = 'open' AND e.ends < {}", a.push(day));
    }
    if f.tops {
        narrowed += " AND e.parent IS NULL";
    }
    if f.issued {
        narrowed += " AND p.state IN ('issued', 'closed')";
    }
    let from = "task_entry e JOIN task_plan p ON p.id = e.plan";
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {from} WHERE {narrowed}");
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "due" => format!("e.ends {way}, e.plan, e.sort"),
        "percent" => format!("e.percent {way}, e.plan, e.sort"),
        _ => format!("p.year DESC, e.plan, e.sort {way}"),
    };
    let sql = format!(
        "SELECT {ENTRY} FROM {from} WHERE {narrowed} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((total, rows.iter().map(entry).collect::<Result<_>>()?))
}

/// The entries on which a unit has to report in a month: of issued plans, begun by then and open.
pub(crate) async fn owed(tx: &mut Tx, unit: UnitId, month: Date) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan
        WHERE e.unit = $1 AND e.state = 'open' AND e.starts <= $2 AND p.state = 'issued' ORDER BY p.year, e.plan, e.sort"
    );
    let values = args![unit, month.last_of_month()];
    tx.query(sql, values).await?.iter().map(entry).collect()
}

/// These entries.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id]) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan WHERE e.id IN ({list}) ORDER BY p.year, e.plan, e.sort"
        );
        for row in tx.query(sql, a).await? {
            found.push(entry(&row)?);
        }
    }
    Ok(found)
}

/// Units with entries on which they have to report in a month and no report of it yet, with the rules of the plans.
pub(crate) async fn unopened(tx: &mut Tx, month: Date) -> Result<Vec<(UnitId, PlanKind)>> {
    let sql = "SELECT DISTINCT e.unit, p.rule FROM task_entry e JOIN task_plan p ON p.id = e.plan
        WHERE e.state = 'open' AND e.starts <= $1 AND p.state = 'issued'
            AND NOT EXISTS (SELECT 1 FROM task_report r WHERE r.unit = e.unit AND r.month = $2)";
    let rows = tx.query(sql, args![month.last_of_month(), month]).await?;
    let read = |row: &Row| Ok((row.get(0)?, row.json(1)?));
    rows.iter().map(read).collect()
}

/// The lines of the entries of plans, by plan: for the search.
pub(crate) async fn lines(tx: &mut Tx, plans: &[Id]) -> Result<HashMap<Id, Vec<String>>> {
    let mut found: HashMap<Id, Vec<String>> = HashMap::new();
    for chunk in plans.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT e.plan, e.line FROM task_entry e WHERE e.plan IN ({list})");
        for row in tx.query(sql, a).await? {
            found.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(found)
}

/// How many entries of a plan are open.
pub(crate) async fn open_in(tx: &mut Tx, plan: Id) -> Result<i64> {
    let sql =
        "SELECT CAST(COUNT(*) AS BIGINT) FROM task_entry e WHERE e.plan = $1 AND e.state = 'open'";
    tx.one(sql, args![plan]).await?.get(0)
}

/// Open entries of issued plans that came to their end on a day: for the clock.
pub(crate) async fn ended_on(tx: &mut Tx, day: Date) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} FROM task_entry e JOIN task_plan p ON p.id = e.plan
        WHERE e.state = 'open' AND e.ends = $1 AND p.state = 'issued' ORDER BY e.id"
    );
    tx.query(sql, args![day]).await?.iter().map(entry).collect()
}

/// Codes of duties that entries of units serve in a year, with the unit and whether somebody is responsible.
pub(crate) async fn duties(
    tx: &mut Tx,
    unit: UnitId,
    year: i16,
) -> Result<Vec<(String, Option<PersonId>)>> {
    let mut a = args![i64::from(year)];
    let under = scope_sql(&Scope::Under(vec![unit]), "e.unit", &mut a);
    let sql = format!(
        "SELECT e.duty, e.person FROM task_entry e JOIN task_plan p ON p.id = e.plan
        WHERE p.year = $1 AND e.duty <> '' AND e.state <> 'dropped' AND {under}"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}
