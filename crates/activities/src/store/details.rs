//! The SQL of what a kind asks for beyond the roster, and of series.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Date, Error, FactId, Id, PersonId, Result, Timestamp, UnitId};
use organization::RosterEntry;

use crate::details::Item;
use crate::{Activity, View};

/// The columns and tables of this.
pub(super) const TABLES: &str = "
    ALTER TABLE activity ADD COLUMN confidential BOOLEAN NOT NULL DEFAULT FALSE;
    ALTER TABLE activity ADD COLUMN body {blob};
    ALTER TABLE activity ADD COLUMN audience {blob};
    ALTER TABLE activity ADD COLUMN fields TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE activity ADD COLUMN series {blob};
    ALTER TABLE activity ADD COLUMN issue BIGINT;
    ALTER TABLE activity ADD COLUMN session BIGINT;
    ALTER TABLE activity ADD COLUMN pair_person {blob};
    ALTER TABLE activity ADD COLUMN pair_other {blob};
    CREATE INDEX activity_series_of ON activity (series, issue, session);
    CREATE TABLE activity_series (
        id {blob} PRIMARY KEY, host {blob} NOT NULL REFERENCES unit, kind TEXT NOT NULL, name TEXT NOT NULL,
        UNIQUE (host, kind, name));
    CREATE TABLE activity_session (
        series {blob} NOT NULL REFERENCES activity_series, issue BIGINT NOT NULL, session BIGINT NOT NULL,
        activity {blob} NOT NULL REFERENCES activity, PRIMARY KEY (series, issue, session)) {clustered};
    CREATE TABLE activity_issue (
        series {blob} NOT NULL REFERENCES activity_series, issue BIGINT NOT NULL,
        activity {blob} NOT NULL REFERENCES activity, fact {blob} NOT NULL, PRIMARY KEY (series, issue)) {clustered};
    CREATE TABLE activity_role (
        activity {blob} NOT NULL REFERENCES activity, role TEXT NOT NULL, person {blob} NOT NULL REFERENCES person,
        unit {blob} NOT NULL, fact {blob} NOT NULL, PRIMARY KEY (activity, role, person)) {clustered};
    CREATE TABLE activity_agenda (
        activity {blob} NOT NULL REFERENCES activity, place BIGINT NOT NULL, item TEXT NOT NULL, title TEXT NOT NULL,
        fact {blob}, PRIMARY KEY (activity, place)) {clustered};
    CREATE TABLE activity_version (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, held TEXT NOT NULL, reason TEXT NOT NULL,
        by_account {blob} NOT NULL, on_behalf {blob}, at BIGINT NOT NULL);
    CREATE INDEX activity_version_activity ON activity_version (activity, id);
";

/// A part that a person had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) role: String,
    pub(crate) person: PersonId,
    pub(crate) unit: UnitId,
    pub(crate) fact: FactId,
}

/// Fields as they are stored.
pub(crate) fn fields_text(fields: &BTreeMap<String, String>) -> Result<String> {
    serde_json::to_string(fields).map_err(Error::internal)
}

pub(crate) async fn insert_roles(tx: &mut Tx, id: ActivityId, roles: &[Held]) -> Result<()> {
    let mut args = Args::new();
    for held in roles {
        args.add(id);
        args.add(held.role.as_str());
        args.add(held.person);
        args.add(held.unit);
        args.add(held.fact);
    }
    let sql = "INSERT INTO activity_role (activity, role, person, unit, fact) VALUES";
    tx.insert_many(sql, 5, "", args).await?;
    Ok(())
}

/// Who had which part, with the fact of each.
pub(crate) async fn roles(tx: &mut Tx, id: ActivityId) -> Result<Vec<Held>> {
    let sql = "SELECT r.role, r.person, r.unit, r.fact FROM activity_role r JOIN person p ON p.id = r.person
        WHERE r.activity = $1 ORDER BY r.role, p.staff_no";
    let read = |row: &Row| {
        Ok(Held {
            role: row.get(0)?,
            person: row.get(1)?,
            unit: row.get(2)?,
            fact: row.get(3)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// Takes parts away; false when one was changed meanwhile.
pub(crate) async fn drop_roles(tx: &mut Tx, id: ActivityId, roles: &[Held]) -> Result<bool> {
    let mut done = 0;
    for held in roles {
        let sql = "DELETE FROM activity_role WHERE activity = $1 AND role = $2 AND person = $3 AND fact = $4";
        let args = args![id, held.role.as_str(), held.person, held.fact];
        done += tx.execute(sql, args).await?;
    }
    Ok(done == roles.len() as u64)
}

/// Writes an agenda in place of the one before.
pub(crate) async fn put_agenda(
    tx: &mut Tx,
    id: ActivityId,
    items: &[(Item, Option<FactId>)],
) -> Result<()> {
    tx.execute("DELETE FROM activity_agenda WHERE activity = $1", args![id])
        .await?;
    let mut args = Args::new();
    for (place, (item, fact)) in items.iter().enumerate() {
        args.add(id);
        args.add(place as i64);
        args.add(item.code.as_str());
        args.add(item.title.as_str());
        args.add(*fact);
    }
    let sql = "INSERT INTO activity_agenda (activity, place, item, title, fact) VALUES";
    tx.insert_many(sql, 5, "", args).await?;
    Ok(())
}

/// The agenda in order, with the fact of each item that packs know.
pub(crate) async fn agenda(tx: &mut Tx, id: ActivityId) -> Result<Vec<(Item, Option<FactId>)>> {
    let sql = "SELECT item, title, fact FROM activity_agenda WHERE activity = $1 ORDER BY place";
    let read = |row: &Row| {
        let item = Item {
            code: row.get(0)?,
            title: row.get(1)?,
        };
        Ok((item, row.get(2)?))
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

pub(crate) async fn set_fields(
    tx: &mut Tx,
    id: ActivityId,
    fields: &BTreeMap<String, String>,
) -> Result<()> {
    let sql = "UPDATE activity SET fields = $2 WHERE id = $1";
    tx.execute(sql, args![id, fields_text(fields)?]).await?;
    Ok(())
}

/// Keeps what held before a change, and why it was changed.
pub(crate) async fn note_version(
    tx: &mut Tx,
    (id, at): (Id, Timestamp),
    activity: ActivityId,
    held: &str,
    reason: &str,
    (by, on_behalf): (AccountId, Option<AccountId>),
) -> Result<()> {
    let sql = "INSERT INTO activity_version (id, activity, held, reason, by_account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let args = args![id, activity, held, reason, by, on_behalf, at];
    tx.execute(sql, args).await?;
    Ok(())
}

/// A change of what was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What held before, as JSON.
    pub held: String,
    /// Why it was changed.
    pub reason: String,
    /// By whom, the name as it is today.
    pub name: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The changes of one, the oldest first.
pub(crate) async fn versions(tx: &mut Tx, id: ActivityId) -> Result<Vec<Version>> {
    let sql = "SELECT v.held, v.reason, COALESCE(p.name, a.login), v.at FROM activity_version v
            LEFT JOIN account a ON a.id = v.by_account LEFT JOIN person p ON p.id = a.person
        WHERE v.activity = $1 ORDER BY v.id";
    let read = |row: &Row| {
        Ok(Version {
            held: row.get(0)?,
            reason: row.get(1)?,
            name: row.get(2)?,
            at: row.get(3)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// The series of a unit and kind, by name.
pub(crate) async fn series_of(tx: &mut Tx, host: UnitId, kind: &str) -> Result<Vec<(Id, String)>> {
    let sql = "SELECT id, name FROM activity_series WHERE host = $1 AND kind = $2 ORDER BY name";
    let rows = tx.query(sql, args![host, kind]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// The series with a name, which is made if it is not there.
pub(crate) async fn series_named(
    tx: &mut Tx,
    new: Id,
    host: UnitId,
    kind: &str,
    name: &str,
) -> Result<Id> {
    let sql = "INSERT INTO activity_series (id, host, kind, name) VALUES ($1, $2, $3, $4)
        ON CONFLICT (host, kind, name) DO NOTHING";
    tx.execute(sql, args![new, host, kind, name]).await?;
    let sql = "SELECT id FROM activity_series WHERE host = $1 AND kind = $2 AND name = $3";
    tx.one(sql, args![host, kind, name]).await?.get(0)
}

/// Names of series.
pub(crate) async fn series_names(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT id, name FROM activity_series WHERE id IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Issues and sessions of a series that stand.
pub(crate) async fn taken(tx: &mut Tx, series: Id) -> Result<BTreeSet<(i64, i64)>> {
    let sql = "SELECT issue, session FROM activity_session WHERE series = $1";
    let rows = tx.query(sql, args![series]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Takes a place in a series; false when it was taken meanwhile.
pub(crate) async fn take_session(
    tx: &mut Tx,
    series: Id,
    (issue, session): (i64, i64),
    activity: ActivityId,
) -> Result<bool> {
    let sql =
        "INSERT INTO activity_session (series, issue, session, activity) VALUES ($1, $2, $3, $4)
        ON CONFLICT (series, issue, session) DO NOTHING";
    let args = args![series, issue, session, activity];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Frees a place in a series.
pub(crate) async fn free_session(tx: &mut Tx, series: Id, at: (i64, i64)) -> Result<()> {
    let sql = "DELETE FROM activity_session WHERE series = $1 AND issue = $2 AND session = $3";
    tx.execute(sql, args![series, at.0, at.1]).await?;
    Ok(())
}

/// The session of an issue that stands for it: the first one.
pub(crate) async fn first_of_issue(
    tx: &mut Tx,
    series: Id,
    issue: i64,
) -> Result<Option<ActivityId>> {
    let sql = "SELECT activity FROM activity_session WHERE series = $1 AND issue = $2
        ORDER BY session LIMIT 1";
    let row = tx.optional(sql, args![series, issue]).await?;
    row.map(|r| r.get(0)).transpose()
}

/// Says which activity carries the fact of an issue; false when the issue has one.
pub(crate) async fn put_issue(
    tx: &mut Tx,
    series: Id,
    issue: i64,
    activity: ActivityId,
    fact: FactId,
) -> Result<bool> {
    let sql = "INSERT INTO activity_issue (series, issue, activity, fact) VALUES ($1, $2, $3, $4)
        ON CONFLICT (series, issue) DO NOTHING";
    let args = args![series, issue, activity, fact];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Takes the issue from an activity that carried its fact; whether it did.
pub(crate) async fn drop_issue(
    tx: &mut Tx,
    series: Id,
    issue: i64,
    activity: ActivityId,
) -> Result<bool> {
    let sql = "DELETE FROM activity_issue WHERE series = $1 AND issue = $2 AND activity = $3";
    Ok(tx.execute(sql, args![series, issue, activity]).await? == 1)
}

/// The sessions of a series that stand, the newest first.
pub(crate) async fn siblings(tx: &mut Tx, series: Id, view: &View) -> Result<Vec<Activity>> {
    let mut a = args![series];
    let seen = view.sql(&mut a);
    let columns = super::COLUMNS;
    let sql = format!(
        "SELECT {columns} FROM activity a WHERE a.series = $1 AND a.reversed_at IS NULL AND {seen}
         ORDER BY a.issue DESC, a.session DESC LIMIT 200"
    );
    tx.query(sql, a).await?.iter().map(super::read).collect()
}

/// The last standing one of a kind and host.
pub(crate) async fn last(
    tx: &mut Tx,
    host: UnitId,
    kind: &str,
    view: &View,
) -> Result<Option<Activity>> {
    let mut a = args![host, kind];
    let seen = view.sql(&mut a);
    let columns = super::COLUMNS;
    let sql = format!(
        "SELECT {columns} FROM activity a WHERE a.host = $1 AND a.kind = $2 AND a.reversed_at IS NULL AND {seen}
         ORDER BY a.date DESC, a.id DESC LIMIT 1"
    );
    tx.optional(sql, a)
        .await?
        .as_ref()
        .map(super::read)
        .transpose()
}

/// These people with the unit that they are counted in on a day, by unit and staff number; who is nowhere is left out.
pub(crate) async fn lines(
    tx: &mut Tx,
    people: &[PersonId],
    date: Date,
) -> Result<Vec<RosterEntry>> {
    let mut found = Vec::new();
    for chunk in people.chunks(500) {
        let mut a = args![date];
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT p.id, p.staff_no, p.name, s.unit, u.name, s.post FROM person p
             JOIN assignment s ON s.person = p.id AND s.is_primary AND s.from_date <= $1
               AND (s.to_date IS NULL OR s.to_date >= $1)
             JOIN unit u ON u.id = s.unit WHERE p.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            found.push(RosterEntry {
                person: row.get(0)?,
                staff_no: row.get(1)?,
                name: row.get(2)?,
                unit: row.get(3)?,
                unit_name: row.get(4)?,
                post: row.get(5)?,
            });
        }
    }
    found.sort_by(|a, b| (&a.unit_name, &a.staff_no).cmp(&(&b.unit_name, &b.staff_no)));
    Ok(found)
}
