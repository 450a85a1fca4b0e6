//! The SQL of one person: everything that is known of them, and the changes of it.

use std::collections::HashMap;

use db::{Args, Tx, args};
use kernel::{AccountId, Date, PersonId, Result, Timestamp, UnitId};

use crate::attributes::Traits;
use crate::model::{Nature, Person};

/// A person and whether they still have their number.
pub(crate) async fn person(tx: &mut Tx, id: PersonId) -> Result<Option<Person>> {
    let sql = "SELECT id, staff_no, name FROM person WHERE id = $1";
    let row = tx.optional(sql, args![id]).await?;
    row.map(|row| {
        Ok(Person {
            id: row.get(0)?,
            staff_no: row.get(1)?,
            name: row.get(2)?,
        })
    })
    .transpose()
}

/// The attributes of a person.
pub(crate) async fn traits(tx: &mut Tx, person: PersonId) -> Result<Traits> {
    let sql = "SELECT attribute, from_date, value FROM person_attribute WHERE person = $1";
    let rows = tx.query(sql, args![person]).await?;
    let list: Result<Vec<_>> = rows
        .iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .collect();
    Ok(Traits::new(list?))
}

/// Says what an attribute of a person is from a day on.
pub(crate) async fn put_trait(
    tx: &mut Tx,
    person: PersonId,
    (attribute, value): (&str, &str),
    from: Date,
    at: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO person_attribute (person, attribute, from_date, value, recorded_at, recorded_by)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (person, attribute, from_date) DO UPDATE SET value = excluded.value,
            recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        args![person, attribute, from, value, at, by],
    )
    .await?;
    Ok(())
}

/// Those of a unit on a day who serve in a post, in their primary or a second one.
pub async fn in_post(tx: &mut Tx, post: &str, unit: UnitId, day: Date) -> Result<Vec<PersonId>> {
    let sql = "SELECT DISTINCT a.person FROM assignment a WHERE a.unit = $1 AND a.post = $2
               AND a.from_date <= $3 AND (a.to_date IS NULL OR a.to_date >= $3) ORDER BY a.person";
    let rows = tx.query(sql, args![unit, post, day]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Who is lent to a unit, or by it, on a day: the person, their name, the other unit, and how.
pub(crate) async fn lent(
    tx: &mut Tx,
    unit: UnitId,
    day: Date,
) -> Result<Vec<(PersonId, String, UnitId, Nature, bool)>> {
    let sql = "SELECT p.id, p.name, h.unit, g.unit, g.nature FROM assignment g
               JOIN assignment h ON h.person = g.person AND h.is_primary
               JOIN person p ON p.id = g.person
               WHERE (g.unit = $1 OR h.unit = $1) AND g.nature <> ''
                   AND g.from_date <= $2 AND (g.to_date IS NULL OR g.to_date >= $2)
                   AND h.from_date <= $2 AND (h.to_date IS NULL OR h.to_date >= $2)
               ORDER BY p.staff_no, g.from_date";
    let rows = tx.query(sql, args![unit, day]).await?;
    rows.iter()
        .map(|row| {
            let (home, guest): (UnitId, UnitId) = (row.get(2)?, row.get(3)?);
            let nature = Nature::from_code(&row.get::<String>(4)?);
            let here = guest == unit;
            let other = if here { home } else { guest };
            Ok((row.get(0)?, row.get(1)?, other, nature, here))
        })
        .collect()
}

/// How those of these people who are lent on a day serve elsewhere.
pub(crate) async fn natures(
    tx: &mut Tx,
    people: &[PersonId],
    day: Date,
) -> Result<Vec<(PersonId, Nature)>> {
    let mut found = Vec::new();
    for chunk in people.chunks(5_000) {
        let mut args: Args = args![day];
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT a.person, a.nature FROM assignment a WHERE a.nature <> '' AND a.from_date <= $1
                AND (a.to_date IS NULL OR a.to_date >= $1) AND a.person IN ({list})"
        );
        for row in tx.query(sql, args).await? {
            found.push((row.get(0)?, Nature::from_code(&row.get::<String>(1)?)));
        }
    }
    Ok(found)
}

/// Those of a unit on a day of whom an attribute has a value on that day.
pub async fn described(
    tx: &mut Tx,
    (attribute, value): (&str, &str),
    unit: UnitId,
    day: Date,
) -> Result<Vec<PersonId>> {
    let sql =
        "SELECT DISTINCT a.person FROM assignment a JOIN person_attribute t ON t.person = a.person
               WHERE a.unit = $1 AND a.is_primary AND a.from_date <= $4
                   AND (a.to_date IS NULL OR a.to_date >= $4) AND t.attribute = $2 AND t.value = $3
                   AND t.from_date = (SELECT MAX(l.from_date) FROM person_attribute l
                       WHERE l.person = t.person AND l.attribute = $2 AND l.from_date <= $4)
               ORDER BY a.person";
    let rows = tx.query(sql, args![unit, attribute, value, day]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The values of an attribute of these people on a day.
pub async fn values_of(
    tx: &mut Tx,
    people: &[PersonId],
    attribute: &str,
    day: Date,
) -> Result<HashMap<PersonId, String>> {
    let mut found = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut args: Args = args![attribute, day];
        let list = args.list(chunk.iter().copied());
        let sql = format!(
            "SELECT person, value FROM person_attribute
             WHERE attribute = $1 AND from_date <= $2 AND person IN ({list}) ORDER BY from_date"
        );
        // The last one that began counts; an empty one ends it.
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get::<String>(1)?);
        }
    }
    found.retain(|_, value| !value.is_empty());
    Ok(found)
}

/// Members on a day of the bodies with a name, in a role or, without one, in any.
pub async fn in_body(tx: &mut Tx, name: &str, role: &str, day: Date) -> Result<Vec<PersonId>> {
    let sql = "SELECT DISTINCT m.person FROM body_member m JOIN body b ON b.id = m.body
               WHERE b.name = $1 AND ($2 = '' OR m.role = $2) AND m.from_date <= $3
                   AND (m.to_date IS NULL OR m.to_date >= $3) AND b.from_date <= $3
                   AND (b.to_date IS NULL OR b.to_date >= $3) ORDER BY m.person";
    let rows = tx.query(sql, args![name, role, day]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The person with a staff number who serves somewhere on a day.
pub async fn serving(tx: &mut Tx, staff_no: &str, day: Date) -> Result<Option<PersonId>> {
    let sql = "SELECT p.id FROM person p JOIN assignment a ON a.person = p.id
               WHERE p.staff_no = $1 AND a.from_date <= $2 AND (a.to_date IS NULL OR a.to_date >= $2)";
    let row = tx.optional(sql, args![staff_no, day]).await?;
    row.map(|row| row.get(0)).transpose()
}
