//! SQL of admission: who is on the list of an examination, extra time, tickets.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Timestamp, UnitId};
use web::table::{Order, Window};

/// Somebody for the list.
pub(crate) struct Entry {
    pub(crate) id: Id,
    pub(crate) person: Option<PersonId>,
    pub(crate) unit: Option<UnitId>,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) place: String,
    pub(crate) extra: i64,
    pub(crate) reason: String,
}

/// Puts people on the list; who is on it already stays as they are. How many are new.
pub(crate) async fn put(
    tx: &mut Tx,
    exam: Id,
    entries: &[Entry],
    (at, by): (Timestamp, AccountId),
) -> Result<u64> {
    let mut args = Args::new();
    for e in entries {
        args.push(e.id);
        args.push(exam);
        args.push(e.person);
        args.push(e.unit);
        args.push(&e.name);
        args.push(&e.number);
        args.push(&e.place);
        args.push(e.extra);
        args.push(0i64);
        args.push(&e.reason);
        args.push(at);
        args.push(by);
    }
    tx.insert_many(
        "INSERT INTO exam_candidate (id, exam, person, unit, name, number, place, extra, more, reason, made_at, made_by) VALUES",
        12,
        "ON CONFLICT (exam, person) WHERE person IS NOT NULL DO NOTHING",
        args,
    )
    .await
}

/// A candidate as officers see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: Id,
    pub(crate) person: Option<PersonId>,
    pub(crate) name: String,
    /// Staff number, or the number that was given.
    pub(crate) number: String,
    pub(crate) unit: String,
    pub(crate) place: String,
    pub(crate) extra: i64,
    pub(crate) more: i64,
    pub(crate) reason: String,
    pub(crate) revoked: Option<Timestamp>,
    pub(crate) ticket: bool,
    pub(crate) attempts: i64,
}

const LISTED: &str = "c.id, c.person, COALESCE(p.name, c.name), COALESCE(p.staff_no, c.number), COALESCE(u.name, ''), c.place, \
    c.extra, c.more, c.reason, c.revoked, c.ticket IS NOT NULL, \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM exam_attempt a WHERE a.candidate = c.id)";
const FROM: &str =
    "FROM exam_candidate c LEFT JOIN person p ON p.id = c.person LEFT JOIN unit u ON u.id = c.unit";

fn listed(row: &Row) -> Result<Listed> {
    Ok(Listed {
        id: row.get(0)?,
        person: row.get(1)?,
        name: row.get(2)?,
        number: row.get(3)?,
        unit: row.get(4)?,
        place: row.get(5)?,
        extra: row.get(6)?,
        more: row.get(7)?,
        reason: row.get(8)?,
        revoked: row.get(9)?,
        ticket: row.get(10)?,
        attempts: row.get(11)?,
    })
}

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Part of a name or number.
    pub(crate) text: String,
    pub(crate) place: Option<String>,
    /// Those without a ticket.
    pub(crate) no_ticket: bool,
    /// Those who were taken off the list, too.
    pub(crate) revoked: bool,
}

/// A page of a list, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    exam: Id,
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<(Vec<Listed>, i64)> {
    let mut a = args![exam];
    let mut conditions = "c.exam = $1".to_owned();
    if !filter.text.trim().is_empty() {
        let text = filter.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let (name, number) = (a.push(format!("%{text}%")), a.push(format!("%{text}%")));
        conditions += &format!(
            " AND (LOWER(COALESCE(p.name, c.name)) LIKE {name} ESCAPE '!'
               OR LOWER(COALESCE(p.staff_no, c.number)) LIKE {number} ESCAPE '!')"
        );
    }
    if let Some(place) = &filter.place {
        conditions += &format!(" AND c.place = {}", a.push(place));
    }
    if filter.no_ticket {
        conditions += " AND c.ticket IS NULL";
    }
    if !filter.revoked {
        conditions += " AND c.revoked IS NULL";
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) {FROM} WHERE {conditions}");
    let total = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "place" => format!("c.place {way}, c.id"),
        "unit" => format!("COALESCE(u.sort, 0) {way}, COALESCE(p.staff_no, c.number), c.id"),
        _ => format!("COALESCE(p.staff_no, c.number) {way}, c.id"),
    };
    let sql = format!(
        "SELECT {LISTED} {FROM} WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    Ok((rows.iter().map(listed).collect::<Result<_>>()?, total))
}

/// One on the list of an examination.
pub(crate) async fn one(tx: &mut Tx, exam: Id, id: Id) -> Result<Listed> {
    let sql = format!("SELECT {LISTED} {FROM} WHERE c.exam = $1 AND c.id = $2");
    let row = tx.optional(sql, args![exam, id]).await?;
    row.as_ref().map(listed).transpose()?.ok_or(Error::NotFound)
}

/// The rooms and batches of an examination.
pub(crate) async fn places(tx: &mut Tx, exam: Id) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT place FROM exam_candidate WHERE exam = $1 AND place <> '' ORDER BY place LIMIT 200";
    let rows = tx.query(sql, args![exam]).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Changes what was said of one on the list.
pub(crate) async fn set(tx: &mut Tx, exam: Id, to: &Listed) -> Result<bool> {
    let sql =
        "UPDATE exam_candidate SET place = $3, extra = $4, more = $5, reason = $6, revoked = $7
        WHERE exam = $1 AND id = $2";
    let args = args![
        exam, to.id, &to.place, to.extra, to.more, &to.reason, to.revoked
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Those on the list who have no ticket yet.
pub(crate) async fn without_ticket(tx: &mut Tx, exam: Id) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM exam_candidate WHERE exam = $1 AND ticket IS NULL AND revoked IS NULL ORDER BY id";
    let rows = tx.query(sql, args![exam]).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Gives tickets: what is kept of each to compare with, and the sealed ticket itself; one before is void.
pub(crate) async fn put_tickets(
    tx: &mut Tx,
    exam: Id,
    tickets: &[(Id, [u8; 32], Vec<u8>)],
) -> Result<()> {
    for (id, kept, sealed) in tickets {
        let sql = "UPDATE exam_candidate SET ticket = $3, sealed = $4 WHERE exam = $1 AND id = $2 AND revoked IS NULL";
        let args = args![exam, *id, kept.to_vec(), sealed.clone()];
        if tx.execute(sql, args).await? != 1 {
            return Err(Error::NotFound);
        }
    }
    Ok(())
}

/// Sealed tickets with whom they are for: of one, of a place, or of all.
pub(crate) async fn sealed(
    tx: &mut Tx,
    exam: Id,
    only: Option<Id>,
    place: Option<&str>,
) -> Result<Vec<(Listed, Vec<u8>)>> {
    let mut a = args![exam];
    let mut conditions = "c.exam = $1 AND c.sealed IS NOT NULL AND c.revoked IS NULL".to_owned();
    if let Some(only) = only {
        conditions += &format!(" AND c.id = {}", a.push(only));
    }
    if let Some(place) = place {
        conditions += &format!(" AND c.place = {}", a.push(place));
    }
    let sql = format!(
        "SELECT {LISTED}, c.sealed {FROM} WHERE {conditions}
         ORDER BY c.place, COALESCE(p.staff_no, c.number), c.id LIMIT 5000"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter().map(|r| Ok((listed(r)?, r.get(12)?))).collect()
}

/// People by staff number.
pub(crate) async fn people(tx: &mut Tx, numbers: &[String]) -> Result<Vec<(String, PersonId)>> {
    let mut args = Args::new();
    let list = args.list(numbers.iter().map(String::as_str));
    let sql = format!("SELECT staff_no, id FROM person WHERE staff_no IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Those on the list who have an account, each with their room.
pub(crate) async fn readers(tx: &mut Tx, exam: Id) -> Result<Vec<(PersonId, String)>> {
    let sql = "SELECT person, place FROM exam_candidate
        WHERE exam = $1 AND person IS NOT NULL AND revoked IS NULL ORDER BY id";
    let rows = tx.query(sql, args![exam]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Those with an account who handed something in.
pub(crate) async fn sat(tx: &mut Tx, exam: Id) -> Result<Vec<PersonId>> {
    let sql =
        "SELECT DISTINCT c.person FROM exam_attempt a JOIN exam_candidate c ON c.id = a.candidate
        WHERE a.exam = $1 AND a.submitted IS NOT NULL AND c.person IS NOT NULL";
    let rows = tx.query(sql, args![exam]).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Whose attempts these are, as far as they have an account.
pub(crate) async fn whose(tx: &mut Tx, attempts: &[Id]) -> Result<Vec<PersonId>> {
    let mut args = Args::new();
    let list = args.list(attempts.iter().copied());
    let sql = format!(
        "SELECT DISTINCT c.person FROM exam_attempt a JOIN exam_candidate c ON c.id = a.candidate
         WHERE a.id IN ({list}) AND c.person IS NOT NULL"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| r.get(0)).collect()
}
