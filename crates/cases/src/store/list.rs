//! Lists and numbers of cases, from indexed columns and counters only.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{Date, Id, PersonId, Result, Scope, UnitId};
use organization::scope_sql;
use web::table::{Order, Window};

use super::{MATTER, matter};
use crate::case::Measure;
use crate::kind::Stage;
use crate::model::{Eyes, Filter, Matter, Tab, Task, View};

/// Up to here rows of units are gathered and put in order; where there are more, the order is walked.
const GATHERED: i64 = 5_000;
/// Rows that a list counts where no counter knows; it says "more than" beyond.
pub(crate) const COUNTED: i64 = 2_000;

/// What restricts a list to a scope, a unit and those below it, and the filter's vocabulary.
fn narrowed(filter: &Filter, a: &mut Args) -> String {
    let mut sql = String::new();
    let mut is = |column: &str, value: &str| {
        if !value.is_empty() {
            sql += &format!(" AND c.{column} = {}", a.push(value));
        }
    };
    is("kind", &filter.kind);
    is("area", &filter.area);
    is("severity", &filter.severity);
    is("source", &filter.source);
    if let Some(stage) = filter.stage {
        is("stage", stage.code());
    }
    if let Some(today) = filter.late {
        sql += &format!(" AND c.open_until < {}", a.push(today));
    }
    if let Some((from, to)) = filter.soon {
        sql += &format!(" AND c.open_until >= {}", a.push(from));
        sql += &format!(" AND c.open_until <= {}", a.push(to));
    }
    if let Some((from, to)) = filter.raised {
        sql += &format!(" AND c.raised_on >= {}", a.push(from));
        sql += &format!(" AND c.raised_on <= {}", a.push(to));
    }
    if let Some(text) = &filter.text {
        let text = text.to_lowercase().replace(['!', '%', '_'], " ");
        let like = a.push(format!("%{}%", text.trim()));
        sql += &format!(" AND (LOWER(c.title) LIKE {like} OR LOWER(c.number) LIKE {like})");
    }
    if let Some(ids) = &filter.ids {
        sql += &format!(" AND c.id IN ({})", a.list(ids.iter().copied()));
    }
    if filter.recurring {
        sql += " AND c.recurred > 0";
    }
    if filter.looking {
        sql += " AND c.looking AND c.closed_on IS NOT NULL";
    }
    sql += match filter.view {
        View::Problems | View::Duties if !filter.looking => " AND c.open_until IS NOT NULL",
        View::Closed => " AND c.closed_on IS NOT NULL",
        _ => "",
    };
    sql
}

/// A scope narrowed to a unit and those below it: the unit leads to the rows, the scope only lets them through.
fn within(scope: &Scope, unit: Option<UnitId>, column: &str, a: &mut Args) -> String {
    match unit {
        Some(unit) => {
            let below = scope_sql(&Scope::Under(vec![unit]), column, a);
            let through = scope_sql(scope, &format!("COALESCE({column}, {column})"), a);
            format!("{below} AND {through}")
        }
        None => scope_sql(scope, column, a),
    }
}

/// How many cases units own, by kind, stage and field of work.
pub(crate) async fn counts(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
) -> Result<Vec<(Stage, i64)>> {
    let mut a = Args::new();
    let mut sql = within(scope, filter.unit, "c.unit", &mut a);
    for (column, value) in [("kind", &filter.kind), ("area", &filter.area)] {
        if !value.is_empty() {
            sql += &format!(" AND c.{column} = {}", a.push(value.as_str()));
        }
    }
    let sql = format!(
        "SELECT c.stage, CAST(SUM(c.n) AS BIGINT) FROM case_count c WHERE {sql} GROUP BY c.stage"
    );
    let rows = tx.query(sql, a).await?;
    let read = |row: &Row| {
        let stage: String = row.get(0)?;
        Ok((
            Stage::from_code(&stage).unwrap_or(Stage::Point),
            row.get(1)?,
        ))
    };
    rows.iter().map(read).collect()
}

/// How many open cases units own in fields of work (热力图).
pub(crate) async fn heat(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
) -> Result<HashMap<(UnitId, String), i64>> {
    let mut a = args![Stage::Closed.code()];
    let mut sql = within(scope, filter.unit, "c.unit", &mut a);
    if !filter.kind.is_empty() {
        sql += &format!(" AND c.kind = {}", a.push(filter.kind.as_str()));
    }
    let sql = format!(
        "SELECT c.unit, c.area, CAST(SUM(c.n) AS BIGINT) FROM case_count c WHERE c.stage <> $1 AND {sql}
         GROUP BY c.unit, c.area HAVING SUM(c.n) <> 0"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
        .collect()
}

/// How many open cases units own that were raised in stretches of days (长期未结), each counted along the index of its units.
pub(crate) async fn ages(
    tx: &mut Tx,
    scope: &Scope,
    filter: &Filter,
    stretches: &[(Date, Date)],
) -> Result<Vec<i64>> {
    let mut a = Args::new();
    let mut sums = Vec::new();
    for (from, to) in stretches {
        let days = format!(
            "c.raised_on >= {} AND c.raised_on <= {}",
            a.push(*from),
            a.push(*to)
        );
        let mut sql = within(scope, filter.unit, "c.unit", &mut a);
        for (column, value) in [("kind", &filter.kind), ("area", &filter.area)] {
            if !value.is_empty() {
                sql += &format!(" AND c.{column} = {}", a.push(value.as_str()));
            }
        }
        sums.push(format!(
            "(SELECT CAST(COUNT(*) AS BIGINT) FROM case_matter c WHERE c.open_until IS NOT NULL AND {days} AND {sql})"
        ));
    }
    let row = tx.one(format!("SELECT {}", sums.join(", ")), a).await?;
    (0..stretches.len()).map(|n| row.get(n)).collect()
}

fn counted(view: View, stage: Option<Stage>, counts: &[(Stage, i64)]) -> i64 {
    let wanted = |s: Stage| match (stage, view) {
        (Some(stage), _) => s == stage,
        (None, View::Problems | View::Duties) => s != Stage::Closed,
        (None, View::Closed) => s == Stage::Closed,
        (None, View::All) => true,
    };
    let wanted = counts.iter().filter(|(s, _)| wanted(*s));
    wanted.map(|(_, n)| n).sum()
}

/// A page of cases in an order, and how many there are in all: exactly where counters know, else up to 2,000.
pub(crate) async fn list(
    tx: &mut Tx,
    tab: Tab,
    filter: &Filter,
    eyes: &Eyes,
    order: Order,
    window: Window,
) -> Result<(i64, Vec<Matter>)> {
    let mut a = Args::new();
    let (mut from, mut total) = ("case_matter c", None);
    let scope = &eyes.reads;
    let conditions = match tab.part() {
        Some(part) => {
            from = "case_person p JOIN case_matter c ON c.id = p.matter";
            let Some(person) = eyes.person else {
                return Ok((0, Vec::new()));
            };
            let (person, part) = (a.push(person), a.push(part.code()));
            format!("p.person = {person} AND p.part = {part}")
        }
        None => {
            let owned = tab == Tab::Unit;
            let column = if owned { "unit" } else { "from_unit" };
            let mut rough = GATHERED + 1;
            if owned {
                let counts = counts(tx, scope, filter).await?;
                rough = counts.iter().map(|(_, n)| n).sum();
                let exact = filter.is_counted();
                total = exact.then(|| counted(filter.view, filter.stage, &counts));
            }
            // Few: their rows are gathered by unit. Many: the order is walked, and what lies elsewhere passed over.
            match rough > GATHERED {
                true => within(
                    scope,
                    filter.unit,
                    &format!("COALESCE(c.{column}, c.{column})"),
                    &mut a,
                ),
                false => within(scope, filter.unit, &format!("c.{column}"), &mut a),
            }
        }
    };
    let conditions = format!("{conditions}{}", narrowed(filter, &mut a));
    let total = match total {
        Some(total) => total,
        None => {
            let sql = format!(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM {from} WHERE {conditions} LIMIT {}) n",
                COUNTED + 1
            );
            tx.one(sql, a.clone()).await?.get(0)?
        }
    };
    if total == 0 {
        return Ok((0, Vec::new()));
    }
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "due" => format!("c.open_until {way}, c.id {way}"),
        "closed" => format!("c.closed_on {way}, c.id {way}"),
        _ => format!("c.id {way}"),
    };
    // First which, from an index alone; then what they say.
    let sql = format!(
        "SELECT c.id FROM {from} WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let ids: Result<Vec<Id>> = rows.iter().map(|row| row.get(0)).collect();
    let ids = ids?;
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!("SELECT {MATTER} FROM case_matter c WHERE c.id IN ({list})");
    let rows = tx.query(sql, a).await?;
    let found: Result<Vec<Matter>> = rows.iter().map(matter).collect();
    let mut found: HashMap<Id, Matter> = found?.into_iter().map(|m| (m.id, m)).collect();
    let found = ids.iter().filter_map(|id| found.remove(id)).collect();
    Ok((total, found))
}

/// These cases of units in a scope, newest first: for the search.
pub(crate) async fn some(tx: &mut Tx, ids: &[Id], scope: &Scope) -> Result<Vec<Matter>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let scope = scope_sql(scope, "c.unit", &mut a);
    let sql = format!(
        "SELECT {MATTER} FROM case_matter c WHERE c.id IN ({list}) AND {scope} ORDER BY c.id DESC"
    );
    tx.query(sql, a).await?.iter().map(matter).collect()
}

/// Measures that are not done, by day: those of units, or those of a person (任务清单).
pub(crate) async fn tasks(
    tx: &mut Tx,
    (scope, unit): (&Scope, Option<UnitId>),
    person: Option<PersonId>,
    window: Window,
) -> Result<(i64, Vec<Task>)> {
    let mut a = Args::new();
    let mut conditions = "m.open_due IS NOT NULL".to_owned();
    match person {
        Some(person) => conditions += &format!(" AND m.owner = {}", a.push(person)),
        None => {
            let filter = Filter {
                unit,
                ..Filter::default()
            };
            let counts = counts(tx, scope, &filter).await?;
            // As in lists: where there are many, the order is walked, and what lies elsewhere passed over.
            let column = match counts.iter().map(|(_, n)| n).sum::<i64>() > GATHERED {
                true => "COALESCE(c.unit, c.unit)",
                false => "c.unit",
            };
            conditions += &format!(" AND {}", within(scope, unit, column, &mut a));
        }
    }
    let from = "case_measure m JOIN case_matter c ON c.id = m.matter";
    let sql = format!(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM {from} WHERE {conditions} LIMIT {}) n",
        COUNTED + 1
    );
    let total: i64 = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let sql = format!(
        "SELECT c.id, c.number, c.title, c.unit, m.no, m.said, m.owner, m.due, m.done_on FROM {from} WHERE {conditions}
         ORDER BY m.open_due, m.matter, m.no LIMIT {limit} OFFSET {offset}"
    );
    let read = |row: &Row| {
        Ok(Task {
            id: row.get(0)?,
            number: row.get(1)?,
            title: row.get(2)?,
            unit: row.get(3)?,
            measure: Measure {
                no: row.get(4)?,
                text: row.get(5)?,
                owner: row.get(6)?,
                due: row.get(7)?,
                done: row.get(8)?,
            },
        })
    };
    let rows = tx.query(sql, a).await?;
    let found: Result<Vec<_>> = rows.iter().map(read).collect();
    Ok((total, found?))
}

/// Open cases of a person that are due within a stretch of days.
pub(crate) async fn due_of(
    tx: &mut Tx,
    person: PersonId,
    (from, to): (Date, Date),
) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM case_person p JOIN case_matter c ON c.id = p.matter
         WHERE p.person = $1 AND p.part = 'owner' AND c.open_until >= $2 AND c.open_until <= $3 ORDER BY c.id"
    );
    let rows = tx.query(sql, args![person, from, to]).await?;
    rows.iter().map(matter).collect()
}

/// Files of cases, for facts.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<ledger::SourceFile>>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT matter, name, sha256, size FROM case_evidence WHERE matter IN ({list}) ORDER BY matter, seq, no"
    );
    let mut found: HashMap<Id, Vec<ledger::SourceFile>> = HashMap::new();
    for row in tx.query(sql, a).await? {
        found
            .entry(row.get(0)?)
            .or_default()
            .push(ledger::SourceFile {
                name: row.get(1)?,
                sha256: row.get(2)?,
                size: row.get(3)?,
            });
    }
    Ok(found)
}

/// The case with a number, whoever may see it.
pub(crate) async fn by_number(tx: &mut Tx, number: &str) -> Result<Option<Id>> {
    let sql = "SELECT id FROM case_matter WHERE number = $1";
    let row = tx.optional(sql, args![number]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// Which of these numbers of old ledgers are there already.
pub(crate) async fn known_numbers(tx: &mut Tx, numbers: &[String]) -> Result<Vec<String>> {
    let mut a = Args::new();
    let list = a.list(numbers.iter().cloned());
    let sql = format!("SELECT number FROM case_matter WHERE number IN ({list})");
    let rows = tx.query(sql, a).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Staff numbers of people.
pub(crate) async fn staff_numbers(
    tx: &mut Tx,
    people: &[PersonId],
) -> Result<HashMap<PersonId, String>> {
    let mut found = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT p.id, p.staff_no FROM person p WHERE p.id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Cases of a kind of records with these words, for the list: ids in a scope.
pub(crate) async fn found(
    tx: &mut Tx,
    words: &kernel::words::Words,
    scope: &Scope,
) -> Result<Vec<Id>> {
    let within = |column: &str, args: &mut Args| scope_sql(scope, column, args);
    search::find(tx, crate::searching::KIND, words, within, 500).await
}
