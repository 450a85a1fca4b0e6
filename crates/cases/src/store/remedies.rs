//! What people have to learn because of cases.

use db::{Args, Row, Tx, args};
use kernel::{Error, Id, PersonId, Result};

use super::{MATTER, matter};
use crate::case::{Case, Remedy};
use crate::model::{Matter, Part};

/// Writes what is asked for because of a case, instead of what was there; `open_by` is the day while it is open.
pub(crate) async fn put(tx: &mut Tx, id: Id, case: &Case) -> Result<()> {
    tx.execute("DELETE FROM case_remedy WHERE matter = $1", args![id])
        .await?;
    let mut rows = Args::new();
    for r in &case.remedies {
        rows.add(id);
        rows.add(r.no);
        rows.add(r.person);
        rows.add(case.end.is_none().then_some(r.by));
        rows.add(serde_json::to_string(r).map_err(Error::internal)?);
    }
    if !case.remedies.is_empty() {
        let head = "INSERT INTO case_remedy (matter, no, person, open_by, body) VALUES";
        tx.insert_many(head, 5, "", rows).await?;
    }
    Ok(())
}

/// What is asked for because of some cases.
pub(crate) async fn of_cases(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Id, Remedy)>> {
    let mut a = Args::new();
    let list = a.list(ids.iter().copied());
    let sql = format!(
        "SELECT matter, body FROM case_remedy WHERE matter IN ({list}) ORDER BY matter, no"
    );
    let read = |row: &Row| {
        let body: String = row.get(1)?;
        let remedy = serde_json::from_str(&body).map_err(Error::internal)?;
        Ok((row.get(0)?, remedy))
    };
    tx.query(sql, a).await?.iter().map(read).collect()
}

/// Open cases because of which somebody has to learn something.
pub(crate) async fn open_of(tx: &mut Tx, person: PersonId) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM case_matter c WHERE c.id IN
         (SELECT r.matter FROM case_remedy r WHERE r.person = $1 AND r.open_by IS NOT NULL) ORDER BY c.id"
    );
    let rows = tx.query(sql, args![person]).await?;
    rows.iter().map(matter).collect()
}

/// Cases in which somebody has a part, or because of which they have to learn something, the newest first.
pub(crate) async fn of_person(tx: &mut Tx, person: PersonId, most: i64) -> Result<Vec<Matter>> {
    let sql = format!(
        "SELECT {MATTER} FROM case_matter c WHERE c.id IN (
             SELECT p.matter FROM case_person p WHERE p.person = $1 AND p.part <> $2
             UNION SELECT r.matter FROM case_remedy r WHERE r.person = $3)
         ORDER BY c.id DESC LIMIT $4"
    );
    let args = args![person, Part::Named.code(), person, most];
    let rows = tx.query(sql, args).await?;
    rows.iter().map(matter).collect()
}
