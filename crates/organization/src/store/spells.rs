//! The SQL of spells: what held of people from when until when, over a stretch of time.

use std::collections::HashSet;
use std::sync::Arc;

use db::{Args, Row, Tx, args};
use kernel::{Date, Period, PersonId, Result, UnitId};

/// So many names in one list.
const CHUNK: usize = 5_000;

/// A primary assignment that touches a stretch of time (任职期间).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spell {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub unit: UnitId,
    /// Post; may be empty.
    pub post: Arc<str>,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
}

/// The primary assignments that touch a stretch, in some units or in all.
pub(crate) async fn spells(
    tx: &mut Tx,
    units: Option<&[UnitId]>,
    period: Period,
) -> Result<Vec<Spell>> {
    let mut args = args![period.from, period.to];
    let among = match units {
        Some(units) => format!("AND unit IN ({})", args.list(units.iter().copied())),
        None => String::new(),
    };
    let sql = format!(
        "SELECT person, unit, post, from_date, to_date FROM assignment
         WHERE is_primary AND from_date <= $2 AND (to_date IS NULL OR to_date >= $1) {among}"
    );
    spells_from(tx.query(sql, args).await?)
}

/// The primary assignments of some people, wherever they are, that touch a stretch.
pub async fn spells_of(tx: &mut Tx, people: &[PersonId], period: Period) -> Result<Vec<Spell>> {
    let mut found = Vec::new();
    for chunk in people.chunks(CHUNK) {
        let mut args = args![period.from, period.to];
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT person, unit, post, from_date, to_date FROM assignment
             WHERE is_primary AND person IN ({list}) AND from_date <= $2
                 AND (to_date IS NULL OR to_date >= $1)"
        );
        found.extend(spells_from(tx.query(sql, args).await?)?);
    }
    Ok(found)
}

/// Posts have few names: each is kept once.
fn spells_from(rows: Vec<Row>) -> Result<Vec<Spell>> {
    let mut posts: HashSet<Arc<str>> = HashSet::new();
    let spell = |row: &Row| {
        let post: String = row.get(2)?;
        let known = posts.get(post.as_str()).cloned();
        let post = known.unwrap_or_else(|| {
            let post: Arc<str> = post.into();
            posts.insert(post.clone());
            post
        });
        Ok(Spell {
            person: row.get(0)?,
            unit: row.get(1)?,
            post,
            from: row.get(3)?,
            to: row.get(4)?,
        })
    };
    rows.iter().map(spell).collect()
}

/// A list of people as a condition; many are not named, who asks leaves out the others.
fn among(column: &str, people: &[PersonId], args: &mut Args) -> String {
    match people.len() {
        0..=CHUNK => format!("{column} IN ({})", args.list(people.iter().copied())),
        _ => "1=1".to_owned(),
    }
}

/// The values that an attribute took until a day, each with its first day, the oldest first. Of more than 5,000
/// people it may tell of others too.
pub async fn trait_spells(
    tx: &mut Tx,
    attribute: &str,
    people: &[PersonId],
    until: Date,
) -> Result<Vec<(PersonId, Date, String)>> {
    let mut args = args![attribute, until];
    let among = among("person", people, &mut args);
    let sql = format!(
        "SELECT person, from_date, value FROM person_attribute
         WHERE attribute = $1 AND from_date <= $2 AND {among} ORDER BY person, from_date"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}

/// The seats in bodies of a kind, in a role or, without one, in any, that touch a stretch. Of more than 5,000
/// people it may tell of others too.
pub async fn seat_spells(
    tx: &mut Tx,
    (kind, role): (&str, &str),
    people: &[PersonId],
    period: Period,
) -> Result<Vec<(PersonId, Date, Option<Date>)>> {
    let mut args = args![period.from, period.to, kind, role];
    let among = among("m.person", people, &mut args);
    let sql = format!(
        "SELECT m.person, m.from_date, m.to_date FROM body_member m JOIN body b ON b.id = m.body
         WHERE b.kind = $3 AND ($4 = '' OR m.role = $4) AND m.from_date <= $2
             AND (m.to_date IS NULL OR m.to_date >= $1) AND {among}"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect()
}
