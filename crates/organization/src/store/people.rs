//! The SQL of one person: everything that is known of them, and the changes of it.

use db::{Tx, args};
use kernel::{AccountId, Date, PersonId, Result, Timestamp};

use crate::attributes::Traits;
use crate::model::Person;

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

/// Gives a person another staff number.
pub(crate) async fn set_staff_no(tx: &mut Tx, id: PersonId, staff_no: &str) -> Result<()> {
    let sql = "UPDATE person SET staff_no = $2 WHERE id = $1";
    tx.execute(sql, args![id, staff_no]).await?;
    Ok(())
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
