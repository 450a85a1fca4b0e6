//! The SQL of ties: pairings and lines of responsibility.

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Date, Id, PersonId, Result, Scope, Timestamp, UnitId};

use web::table::{Order, Window};

use super::scope_sql;
use crate::import::TiesPlan;
use crate::ties::{End, RESPONSIBILITY, Tie, TieQuery};

pub(super) const MIGRATION: Migration = Migration {
    name: "organization_20261122_ties",
    sql: "
        CREATE TABLE tie (
            id {blob} PRIMARY KEY,
            kind TEXT NOT NULL,
            person {blob} NOT NULL REFERENCES person (id),
            unit {blob} REFERENCES unit (id),
            other {blob} REFERENCES person (id),
            from_date TEXT NOT NULL,
            to_date TEXT,
            basis TEXT NOT NULL,
            recorded_at BIGINT NOT NULL,
            recorded_by {blob});
        CREATE UNIQUE INDEX tie_unit ON tie (unit, kind, person) WHERE to_date IS NULL AND unit IS NOT NULL;
        CREATE UNIQUE INDEX tie_other ON tie (other, kind, person) WHERE to_date IS NULL AND other IS NOT NULL;
        CREATE INDEX tie_person ON tie (person)",
};

fn tie(row: &Row) -> Result<Tie> {
    let (unit, other): (Option<UnitId>, Option<PersonId>) = (row.get(5)?, row.get(7)?);
    let (unit_name, other_name): (Option<String>, Option<String>) = (row.get(6)?, row.get(8)?);
    let end = match (unit, other) {
        (Some(unit), _) => End::Unit(unit),
        (None, Some(other)) => End::Person(other),
        (None, None) => return Err(kernel::Error::internal("a tie has one end")),
    };
    Ok(Tie {
        id: row.get(0)?,
        kind: row.get(1)?,
        person: row.get(2)?,
        name: row.get(3)?,
        staff_no: row.get(4)?,
        end,
        end_name: unit_name.or(other_name).unwrap_or_default(),
        from: row.get(9)?,
        to: row.get(10)?,
        basis: row.get(11)?,
    })
}

const TIE: &str = "t.id, t.kind, t.person, p.name, p.staff_no, t.unit, u.name, t.other, o.name,
    t.from_date, t.to_date, t.basis";
const TIE_FROM: &str =
    "FROM tie t JOIN person p ON p.id = t.person LEFT JOIN unit u ON u.id = t.unit
        LEFT JOIN person o ON o.id = t.other";

/// A tie by its id, past every scope.
pub(crate) async fn tie_by_id(tx: &mut Tx, id: Id) -> Result<Option<Tie>> {
    let row = tx
        .optional(
            format!("SELECT {TIE} {TIE_FROM} WHERE t.id = $1"),
            args![id],
        )
        .await?;
    row.as_ref().map(tie).transpose()
}

/// All ties of one person, or of one unit; oldest first.
pub(crate) async fn ties_of(tx: &mut Tx, end: End) -> Result<Vec<Tie>> {
    let (which, id) = match end {
        End::Unit(unit) => ("t.unit = $1", unit.0),
        End::Person(person) => ("(t.person = $1 OR t.other = $1)", person.0),
    };
    let sql = format!("SELECT {TIE} {TIE_FROM} WHERE {which} ORDER BY t.from_date, t.id");
    let rows = tx.query(sql, args![id]).await?;
    rows.iter().map(tie).collect()
}

/// Which ties have one end in a scope as of a day.
fn which(asked: &TieQuery, scope: &Scope, args: &mut Args) -> String {
    let within = |column: &str, condition: &str| {
        format!(
            "(t.unit IN (SELECT {column}) OR EXISTS (SELECT 1 FROM assignment a
                WHERE (a.person = t.person OR a.person = t.other) AND a.from_date <= $1
                    AND (a.to_date IS NULL OR a.to_date >= $1) AND {condition}))"
        )
    };
    let mut sql = match scope {
        Scope::All => "1=1".to_owned(),
        scope => {
            let of_unit = scope_sql(scope, "w.id", args);
            let of_person = scope_sql(scope, "a.unit", args);
            within(&format!("w.id FROM unit w WHERE {of_unit}"), &of_person)
        }
    };
    if let Some(unit) = asked.unit {
        let top = args.push(unit);
        let below = format!("s.unit FROM unit_tree s WHERE s.ancestor = {top}");
        let condition = format!("a.unit IN (SELECT {below})");
        sql += &format!(" AND {}", within(&below, &condition));
    }
    if let Some(kind) = &asked.kind {
        sql += &format!(" AND t.kind = {}", args.push(kind));
    } else {
        sql += &format!(" AND t.kind <> {}", args.push(RESPONSIBILITY));
    }
    if let Some(day) = asked.day {
        let day = args.push(day);
        sql += &format!(" AND t.from_date <= {day} AND (t.to_date IS NULL OR t.to_date >= {day})");
    }
    if !asked.text.trim().is_empty() {
        let text = args.push(super::anywhere(&asked.text));
        let like = |column: &str| format!("LOWER({column}) LIKE {text} ESCAPE '!'");
        let columns = ["p.name", "p.staff_no", "o.name", "o.staff_no", "u.name"].map(like);
        sql += &format!(" AND ({})", columns.join(" OR "));
    }
    sql
}

/// All ties of which one end is in a scope as of a day, kind by kind.
pub(crate) async fn ties(
    tx: &mut Tx,
    asked: &TieQuery,
    today: Date,
    scope: &Scope,
) -> Result<Vec<Tie>> {
    let by_kind = Order {
        by: "kind",
        down: false,
    };
    let all = tie_page(tx, asked, today, scope, by_kind, Window::all()).await?;
    Ok(all.0)
}

/// A page of them, and how many there are in all.
pub(crate) async fn tie_page(
    tx: &mut Tx,
    asked: &TieQuery,
    today: Date,
    scope: &Scope,
    order: Order,
    window: Window,
) -> Result<(Vec<Tie>, i64)> {
    let mut args = args![today];
    let which = which(asked, scope, &mut args);
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {TIE_FROM} WHERE {which}");
    let total = tx.one(count, args.clone()).await?.get(0)?;
    let way = order.way();
    let by = match order.by {
        "name" => format!("p.name {way}"),
        "end" => format!("COALESCE(u.name, o.name) {way}"),
        "from" => format!("t.from_date {way}"),
        "to" => format!("COALESCE(t.to_date, '9999-12-31') {way}"),
        _ => format!("t.kind {way}"),
    };
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let sql = format!(
        "SELECT {TIE} {TIE_FROM} WHERE {which} ORDER BY {by}, p.staff_no, u.sort, u.code, o.staff_no, t.from_date, t.id
         LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    Ok((rows.iter().map(tie).collect::<Result<_>>()?, total))
}

/// Who is in charge of each of these units on a day and serves somewhere on it.
pub(crate) async fn in_charge_of(
    tx: &mut Tx,
    units: &[UnitId],
    day: Date,
) -> Result<Vec<(UnitId, PersonId)>> {
    let mut args: Args = args![day, RESPONSIBILITY];
    let list = args.list(units.iter().copied());
    let sql = format!(
        "SELECT DISTINCT t.unit, t.person FROM tie t JOIN assignment a ON a.person = t.person
         WHERE t.kind = $2 AND t.unit IN ({list}) AND t.from_date <= $1
             AND (t.to_date IS NULL OR t.to_date >= $1) AND a.from_date <= $1
             AND (a.to_date IS NULL OR a.to_date >= $1) ORDER BY t.person"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// All ties that begin at these people.
pub(crate) async fn ties_among(tx: &mut Tx, people: &[PersonId]) -> Result<Vec<Tie>> {
    let mut found = Vec::new();
    for chunk in people.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {TIE} {TIE_FROM} WHERE t.person IN ({list}) ORDER BY t.from_date, t.id"
        );
        for row in tx.query(sql, args).await? {
            found.push(tie(&row)?);
        }
    }
    Ok(found)
}

/// Writes memberships and ties that an import planned; what ends does so first.
pub(crate) async fn put_ties(
    tx: &mut Tx,
    plan: &TiesPlan,
    at: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    for (member, last) in &plan.members_end {
        super::end_member(tx, *member, *last).await?;
    }
    for (tie, last) in &plan.ties_end {
        end_tie(tx, *tie, *last).await?;
    }
    let mut rows = Args::with_capacity(plan.members.len() * 6);
    for member in &plan.members {
        rows.add(member.id);
        rows.add(member.body);
        rows.add(member.person);
        rows.add(&member.role);
        rows.add(member.from);
        rows.add(member.to);
    }
    let sql = "INSERT INTO body_member (id, body, person, role, from_date, to_date) VALUES";
    tx.insert_many(sql, 6, "", rows).await?;
    for tie in &plan.ties {
        add_tie(tx, tie, at, by).await?;
    }
    Ok(())
}

pub(crate) async fn add_tie(
    tx: &mut Tx,
    tie: &Tie,
    at: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    let (unit, other) = match tie.end {
        End::Unit(unit) => (Some(unit), None),
        End::Person(person) => (None, Some(person)),
    };
    tx.execute(
        "INSERT INTO tie (id, kind, person, unit, other, from_date, to_date, basis, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            tie.id,
            &tie.kind,
            tie.person,
            unit,
            other,
            tie.from,
            tie.to,
            &tie.basis,
            at,
            by
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn end_tie(tx: &mut Tx, id: Id, last: Date) -> Result<()> {
    let sql = "UPDATE tie SET to_date = $2 WHERE id = $1";
    tx.execute(sql, args![id, last]).await?;
    Ok(())
}
