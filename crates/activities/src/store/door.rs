//! The SQL of doors and of who came.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Error, Id, PersonId, Result, Timestamp};

use crate::door::writer::Coming;
use crate::door::{Came, Door, Receipt};
use crate::{PlanState, Role};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_door (
        plan {blob} PRIMARY KEY REFERENCES activity_plan, secret {blob} NOT NULL, opens BIGINT NOT NULL,
        closes BIGINT NOT NULL);
    CREATE TABLE activity_checkin (
        plan {blob} NOT NULL REFERENCES activity_plan, person {blob} NOT NULL REFERENCES person, role TEXT NOT NULL,
        way TEXT NOT NULL, at BIGINT NOT NULL, by_account {blob}, PRIMARY KEY (plan, person)) {clustered};
";

/// Makes a door; one that is there stays.
pub(crate) async fn insert(tx: &mut Tx, plan: Id, d: &Door) -> Result<()> {
    let sql = "INSERT INTO activity_door (plan, secret, opens, closes) VALUES ($1, $2, $3, $4)
        ON CONFLICT (plan) DO NOTHING";
    tx.execute(sql, args![plan, d.key.bytes(), d.opens, d.closes])
        .await
        .map(|_| ())
}

fn read(r: &Row, from: usize) -> Result<Door> {
    let secret: Vec<u8> = r.get(from)?;
    Ok(Door {
        key: secret.into(),
        opens: r.get(from + 1)?,
        closes: r.get(from + 2)?,
    })
}

pub(crate) async fn door(tx: &mut Tx, plan: Id) -> Result<Option<Door>> {
    let sql = "SELECT secret, opens, closes FROM activity_door WHERE plan = $1";
    tx.optional(sql, args![plan])
        .await?
        .as_ref()
        .map(|r| read(r, 0))
        .transpose()
}

/// The doors of these plans.
pub(crate) async fn doors(tx: &mut Tx, plans: &[Id]) -> Result<HashMap<Id, Door>> {
    let mut a = Args::new();
    let list = a.list(plans.iter().copied());
    let sql =
        format!("SELECT plan, secret, opens, closes FROM activity_door WHERE plan IN ({list})");
    tx.query(sql, a)
        .await?
        .iter()
        .map(|r| Ok((r.get(0)?, read(r, 1)?)))
        .collect()
}

/// From when to when a door is open.
pub(crate) async fn set_times(
    tx: &mut Tx,
    plan: Id,
    (opens, closes): (Timestamp, Timestamp),
) -> Result<()> {
    let sql = "UPDATE activity_door SET opens = $2, closes = $3 WHERE plan = $1";
    tx.execute(sql, args![plan, opens, closes])
        .await
        .map(|_| ())
}

/// How far these plans have come, kept from changing until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, plans: &[Id]) -> Result<HashMap<Id, PlanState>> {
    let mut a = Args::new();
    let list = a.list(plans.iter().copied());
    let sql =
        format!("UPDATE activity_plan SET state = state WHERE id IN ({list}) RETURNING id, state");
    let mut found = HashMap::new();
    for row in tx.query(sql, a).await? {
        let state: String = row.get(1)?;
        found.extend(
            PlanState::from_code(&state)
                .map(|s| row.get(0).map(|id| (id, s)))
                .transpose()?,
        );
    }
    Ok(found)
}

fn receipt_of(r: &Row, from: usize) -> Result<Receipt> {
    Ok(Receipt {
        role: super::role(r, from)?,
        at: r.get(from + 1)?,
        first: false,
    })
}

/// What is there of these lines.
pub(crate) async fn receipts(
    tx: &mut Tx,
    lines: &[(Id, PersonId)],
) -> Result<HashMap<(Id, PersonId), Receipt>> {
    let mut found = HashMap::new();
    for chunk in lines.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * 2);
        for (plan, person) in chunk {
            a.add(*plan);
            a.add(*person);
        }
        let sql = format!(
            "SELECT plan, person, role, at FROM activity_checkin WHERE (plan, person) IN (VALUES {})",
            Args::values(chunk.len(), 2)
        );
        for row in tx.query(sql, a).await? {
            found.insert((row.get(0)?, row.get(1)?), receipt_of(&row, 2)?);
        }
    }
    Ok(found)
}

pub(crate) async fn receipt(tx: &mut Tx, plan: Id, person: PersonId) -> Result<Option<Receipt>> {
    let sql = "SELECT role, at FROM activity_checkin WHERE plan = $1 AND person = $2";
    tx.optional(sql, args![plan, person])
        .await?
        .as_ref()
        .map(|r| receipt_of(r, 0))
        .transpose()
}

/// Adds those who came.
pub(crate) async fn add(tx: &mut Tx, came: &[&Coming]) -> Result<()> {
    for chunk in came.chunks(500) {
        let mut a = Args::with_capacity(chunk.len() * 6);
        for c in chunk {
            a.add(c.plan);
            a.add(c.person);
            a.add(c.role.code());
            a.add(c.way.code());
            a.add(c.at);
            a.add(c.by);
        }
        let sql = format!(
            "INSERT INTO activity_checkin (plan, person, role, way, at, by_account) VALUES {}",
            Args::values(chunk.len(), 6)
        );
        if tx.execute(sql, a).await? != chunk.len() as u64 {
            return Err(Error::Retry("somebody signed in meanwhile".into()));
        }
    }
    Ok(())
}

/// Who came, the first one first.
pub(crate) async fn came(tx: &mut Tx, plan: Id) -> Result<Vec<Came>> {
    let sql = "SELECT c.person, p.staff_no, p.name, c.role, c.at, c.way FROM activity_checkin c
        JOIN person p ON p.id = c.person WHERE c.plan = $1 ORDER BY c.at, p.staff_no";
    let read = |r: &Row| {
        Ok(Came {
            person: r.get(0)?,
            staff_no: r.get(1)?,
            name: r.get(2)?,
            role: super::role(r, 3)?,
            at: r.get(4)?,
            way: r.get(5)?,
        })
    };
    tx.query(sql, args![plan]).await?.iter().map(read).collect()
}

/// How many came who were expected.
pub(crate) async fn count(tx: &mut Tx, plan: Id) -> Result<i64> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM activity_checkin WHERE plan = $1 AND role = $2";
    tx.one(sql, args![plan, Role::Present.code()]).await?.get(0)
}

/// The name behind an account.
pub(crate) async fn name_of(tx: &mut Tx, account: AccountId) -> Result<Option<String>> {
    let sql = "SELECT COALESCE(p.name, a.login) FROM account a LEFT JOIN person p ON p.id = a.person WHERE a.id = $1";
    tx.optional(sql, args![account])
        .await?
        .as_ref()
        .map(|r| r.get(0))
        .transpose()
}
