//! The SQL of identity numbers and of erasure.

use std::collections::HashMap;

use db::{Args, Migration, Tx, args};
use kernel::{AccountId, PersonId, Result, Timestamp};

pub(super) const MIGRATION: Migration = Migration {
    name: "organization_20261122_identity_numbers",
    sql: "
        CREATE TABLE person_identity (
            person {blob} PRIMARY KEY REFERENCES person (id),
            sealed {blob} NOT NULL,
            blind {blob} NOT NULL UNIQUE,
            recorded_at BIGINT NOT NULL,
            recorded_by {blob});
        ALTER TABLE person ADD COLUMN erased_at BIGINT",
};

/// A sealed number and its blind index.
pub(crate) struct SealedNumber {
    pub person: PersonId,
    pub sealed: Vec<u8>,
    pub blind: [u8; 16],
}

/// The sealed numbers of these people.
pub(crate) async fn sealed_numbers(
    tx: &mut Tx,
    people: &[PersonId],
) -> Result<HashMap<PersonId, (Vec<u8>, Vec<u8>)>> {
    let mut found = HashMap::new();
    for chunk in people.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().copied());
        let sql =
            format!("SELECT person, sealed, blind FROM person_identity WHERE person IN ({list})");
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
        }
    }
    Ok(found)
}

/// Who has these numbers, by blind index.
pub(crate) async fn holders(
    tx: &mut Tx,
    blinds: &[[u8; 16]],
) -> Result<HashMap<Vec<u8>, PersonId>> {
    let mut found = HashMap::new();
    for chunk in blinds.chunks(5_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().map(|b| b.to_vec()));
        let sql = format!("SELECT blind, person FROM person_identity WHERE blind IN ({list})");
        for row in tx.query(sql, args).await? {
            found.insert(row.get(0)?, row.get(1)?);
        }
    }
    Ok(found)
}

/// Writes sealed numbers, new and corrected ones alike.
pub(crate) async fn put_numbers(
    tx: &mut Tx,
    numbers: &[SealedNumber],
    at: Timestamp,
    by: Option<AccountId>,
) -> Result<()> {
    let mut rows = Args::with_capacity(numbers.len() * 5);
    for number in numbers {
        rows.add(number.person);
        rows.add(number.sealed.clone());
        rows.add(number.blind.to_vec());
        rows.add(at);
        rows.add(by);
    }
    tx.insert_many(
        "INSERT INTO person_identity (person, sealed, blind, recorded_at, recorded_by) VALUES",
        5,
        "ON CONFLICT (person) DO UPDATE SET sealed = excluded.sealed, blind = excluded.blind,
            recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by",
        rows,
    )
    .await?;
    Ok(())
}

/// When the personal data of somebody were erased, if they were.
pub(crate) async fn erased_at(tx: &mut Tx, person: PersonId) -> Result<Option<Timestamp>> {
    let sql = "SELECT erased_at FROM person WHERE id = $1";
    let row = tx.optional(sql, args![person]).await?;
    row.map_or(Ok(None), |row| row.get(0))
}

/// Takes away all that tells who somebody was; id, assignments and memberships stay.
pub(crate) async fn erase_person(
    tx: &mut Tx,
    person: PersonId,
    staff_no: &str,
    (mark, number): (&str, &str),
    at: Timestamp,
) -> Result<()> {
    for table in ["person_attribute", "person_identity"] {
        let sql = format!("DELETE FROM {table} WHERE person = $1");
        tx.execute(sql, args![person]).await?;
    }
    // An upload that names them is taken away as soon as uploads are tidied.
    let sql = "UPDATE import SET touched_at = 0 WHERE state NOT IN ('checking', 'publishing')
        AND id IN (SELECT import FROM import_row WHERE code = $1)";
    tx.execute(sql, args![staff_no]).await?;
    for table in ["import_row", "import_finding", "import_decision"] {
        let sql = format!("DELETE FROM {table} WHERE code = $1");
        tx.execute(sql, args![staff_no]).await?;
    }
    let sql =
        "UPDATE person SET name = $2, words = $2, staff_no = $3, erased_at = $4 WHERE id = $1";
    tx.execute(sql, args![person, mark, number, at]).await?;
    Ok(())
}
