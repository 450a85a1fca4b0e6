//! The SQL of bodies and their members.

use db::{Args, Row, Tx, args};
use kernel::{Date, Id, PersonId, Result, Scope, Timestamp};

use web::table::{Order, Window};

use super::scope_sql;
use crate::bodies::{Body, BodyQuery, Member};

const BODY: &str = "b.id, b.kind, b.name, b.unit, b.charter, b.from_date, b.to_date";
const MEMBER: &str = "m.id, m.body, m.person, m.role, m.from_date, m.to_date";

fn body(row: &Row, at: usize) -> Result<Body> {
    Ok(Body {
        id: row.get(at)?,
        kind: row.get(at + 1)?,
        name: row.get(at + 2)?,
        unit: row.get(at + 3)?,
        charter: row.get(at + 4)?,
        from: row.get(at + 5)?,
        to: row.get(at + 6)?,
    })
}

fn member(row: &Row) -> Result<Member> {
    Ok(Member {
        id: row.get(0)?,
        body: row.get(1)?,
        person: row.get(2)?,
        role: row.get(3)?,
        from: row.get(4)?,
        to: row.get(5)?,
    })
}

pub(crate) async fn bodies(tx: &mut Tx, id: Option<Id>, scope: &Scope) -> Result<Vec<Body>> {
    let mut args = Args::new();
    let scope = scope_sql(scope, "b.unit", &mut args);
    let which = match id {
        Some(id) => format!("b.id = {}", args.push(id)),
        None => "1=1".to_owned(),
    };
    let sql = format!(
        "SELECT {BODY} FROM body b WHERE {scope} AND {which} ORDER BY b.kind, b.name, b.id"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|row| body(row, 0)).collect()
}

/// A page of bodies, and how many there are in all.
pub(crate) async fn body_page(
    tx: &mut Tx,
    asked: &BodyQuery,
    today: Date,
    scope: &Scope,
    order: Order,
    window: Window,
) -> Result<(Vec<Body>, i64)> {
    let mut args = Args::new();
    let mut which = scope_sql(scope, "b.unit", &mut args);
    if !asked.text.trim().is_empty() {
        let name = args.push(super::anywhere(&asked.text));
        which += &format!(" AND LOWER(b.name) LIKE {name} ESCAPE '!'");
    }
    if let Some(kind) = &asked.kind {
        which += &format!(" AND b.kind = {}", args.push(kind));
    }
    if let Some(standing) = asked.standing {
        let today = args.push(today);
        which += &match standing {
            true => format!(" AND (b.to_date IS NULL OR b.to_date >= {today})"),
            false => format!(" AND b.to_date < {today}"),
        };
    }
    let from = format!("FROM body b JOIN unit u ON u.id = b.unit WHERE {which}");
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total = tx.one(count, args.clone()).await?.get(0)?;
    let way = order.way();
    let by = match order.by {
        "kind" => format!("b.kind {way}, b.name"),
        "unit" => format!("u.sort {way}, u.code {way}, b.name"),
        "from" => format!("b.from_date {way}"),
        "to" => format!("COALESCE(b.to_date, '9999-12-31') {way}"),
        _ => format!("b.name {way}"),
    };
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let sql = format!("SELECT {BODY} {from} ORDER BY {by}, b.id LIMIT {limit} OFFSET {offset}");
    let rows = tx.query(sql, args).await?;
    Ok((
        rows.iter().map(|row| body(row, 0)).collect::<Result<_>>()?,
        total,
    ))
}

pub(crate) async fn members(tx: &mut Tx, body: Id) -> Result<Vec<Member>> {
    let sql =
        format!("SELECT {MEMBER} FROM body_member m WHERE m.body = $1 ORDER BY m.from_date, m.id");
    let rows = tx.query(sql, args![body]).await?;
    rows.iter().map(member).collect()
}

/// All memberships of these people.
pub(crate) async fn members_among(tx: &mut Tx, people: &[PersonId]) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for chunk in people.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {MEMBER} FROM body_member m WHERE m.person IN ({list}) ORDER BY m.from_date, m.id"
        );
        for row in tx.query(sql, args).await? {
            found.push(member(&row)?);
        }
    }
    Ok(found)
}

/// The memberships of bodies in a scope that last on a day or later, with body, staff number and name.
pub(crate) async fn members_in(
    tx: &mut Tx,
    scope: &Scope,
    day: Date,
) -> Result<Vec<(Member, Body, String, String)>> {
    let mut args = args![day];
    let scope = scope_sql(scope, "b.unit", &mut args);
    let sql = format!(
        "SELECT {MEMBER}, {BODY}, p.staff_no, p.name FROM body_member m JOIN body b ON b.id = m.body
            JOIN person p ON p.id = m.person
         WHERE (m.to_date IS NULL OR m.to_date >= $1) AND {scope}
         ORDER BY b.kind, b.name, b.id, p.staff_no, m.from_date"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((member(row)?, body(row, 6)?, row.get(13)?, row.get(14)?)))
        .collect()
}

pub(crate) async fn memberships(tx: &mut Tx, person: PersonId) -> Result<Vec<(Member, Body)>> {
    let sql = format!(
        "SELECT {MEMBER}, {BODY} FROM body_member m JOIN body b ON b.id = m.body
         WHERE m.person = $1 ORDER BY m.from_date, m.id"
    );
    let rows = tx.query(sql, args![person]).await?;
    rows.iter()
        .map(|row| Ok((member(row)?, body(row, 6)?)))
        .collect()
}

pub(crate) async fn put_body(tx: &mut Tx, body: &Body, at: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO body (id, kind, name, unit, charter, from_date, to_date, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit,
            charter = excluded.charter, from_date = excluded.from_date, to_date = excluded.to_date,
            recorded_at = excluded.recorded_at",
        args![
            body.id,
            &body.kind,
            &body.name,
            body.unit,
            &body.charter,
            body.from,
            body.to,
            at
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn add_member(tx: &mut Tx, member: &Member) -> Result<()> {
    tx.execute(
        "INSERT INTO body_member (id, body, person, role, from_date, to_date)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![
            member.id,
            member.body,
            member.person,
            &member.role,
            member.from,
            member.to
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn end_member(tx: &mut Tx, id: Id, last: Date) -> Result<()> {
    let sql = "UPDATE body_member SET to_date = $2 WHERE id = $1";
    tx.execute(sql, args![id, last]).await?;
    Ok(())
}

/// Ends the memberships of a body that would outlast it.
pub(crate) async fn end_members(tx: &mut Tx, body: Id, last: Date) -> Result<()> {
    let sql = "UPDATE body_member SET to_date = $2
        WHERE body = $1 AND (to_date IS NULL OR to_date > $2)";
    tx.execute(sql, args![body, last]).await?;
    Ok(())
}
