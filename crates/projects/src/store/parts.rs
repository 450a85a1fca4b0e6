//! The SQL of what belongs to a project: milestones, members, entries, more time.

use std::collections::HashMap;

use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, PersonId, Result, Timestamp, UnitId};

use crate::model::{Entry, Member, Milestone, More, What};

const MILESTONE: &str = "no, what, owner, due, until_day, done_on, said, files, dropped";

fn milestone(row: &Row) -> Result<Milestone> {
    Ok(Milestone {
        no: row.get(0)?,
        text: row.get(1)?,
        owner: row.get(2)?,
        due: row.get(3)?,
        until: row.get(4)?,
        done_on: row.get(5)?,
        said: row.get(6)?,
        files: row.json(7)?,
        dropped: row.get(8)?,
    })
}

/// The milestones of a project.
pub(crate) async fn milestones(tx: &mut Tx, project: Id) -> Result<Vec<Milestone>> {
    let mut found = milestones_of(tx, &[project]).await?;
    Ok(found.remove(&project).unwrap_or_default())
}

/// The milestones of some projects.
pub(crate) async fn milestones_of(
    tx: &mut Tx,
    projects: &[Id],
) -> Result<HashMap<Id, Vec<Milestone>>> {
    let mut found: HashMap<Id, Vec<Milestone>> = HashMap::new();
    for chunk in projects.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT {MILESTONE}, project FROM project_milestone WHERE project IN ({list}) ORDER BY project, until_day, no"
        );
        for row in tx.query(sql, a).await? {
            found.entry(row.get(9)?).or_default().push(milestone(&row)?);
        }
    }
    Ok(found)
}

/// Writes a new milestone.
pub(crate) async fn put_milestone(tx: &mut Tx, project: Id, m: &Milestone) -> Result<()> {
    let sql = "INSERT INTO project_milestone (project, no, what, owner, due, until_day, said, files, dropped, settled)
        VALUES ($1, $2, $3, $4, $5, $6, '', '[]', $7, $7)";
    let values = args![project, m.no, &m.text, m.owner, m.due, m.until, false];
    tx.execute(sql, values).await.map(|_| ())
}

/// Takes a milestone away, before the project was approved.
pub(crate) async fn remove_milestone(tx: &mut Tx, project: Id, no: i64) -> Result<bool> {
    let sql = "DELETE FROM project_milestone WHERE project = $1 AND no = $2";
    Ok(tx.execute(sql, args![project, no]).await? == 1)
}

/// Keeps that a milestone is done or let go; false when it was before.
pub(crate) async fn settle(tx: &mut Tx, project: Id, m: &Milestone) -> Result<bool> {
    let sql = "UPDATE project_milestone SET done_on = $3, said = $4, files = $5, dropped = $6, settled = $7
        WHERE project = $1 AND no = $2 AND NOT settled";
    let values = args![
        project,
        m.no,
        m.done_on,
        &m.said,
        db::json(&m.files)?,
        m.dropped,
        true
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Opens a milestone again; false when it is open.
pub(crate) async fn open_again(tx: &mut Tx, project: Id, no: i64) -> Result<bool> {
    let sql = "UPDATE project_milestone SET done_on = NULL, dropped = $3, settled = $3
        WHERE project = $1 AND no = $2 AND settled";
    Ok(tx.execute(sql, args![project, no, false]).await? == 1)
}

/// Gives a milestone more time.
pub(crate) async fn extend(tx: &mut Tx, project: Id, no: i64, until: Date) -> Result<bool> {
    let sql = "UPDATE project_milestone SET until_day = $3 WHERE project = $1 AND no = $2 AND NOT settled";
    Ok(tx.execute(sql, args![project, no, until]).await? == 1)
}

/// More time that was asked for, in order.
pub(crate) async fn more(tx: &mut Tx, project: Id) -> Result<Vec<More>> {
    let sql = "SELECT m.no, m.until_day, m.reason, m.state, m.approval, p.name FROM project_more m
            LEFT JOIN account a ON a.id = m.decided_by LEFT JOIN person p ON p.id = a.person
        WHERE m.project = $1 ORDER BY m.no, m.at, m.approval";
    let read = |row: &Row| {
        Ok(More {
            no: row.get(0)?,
            until: row.get(1)?,
            reason: row.get(2)?,
            state: row.get(3)?,
            approval: row.get(4)?,
            by: row.get(5)?,
        })
    };
    tx.query(sql, args![project])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Writes down that more time was asked for.
pub(crate) async fn ask_more(tx: &mut Tx, project: Id, m: &More, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO project_more (project, no, approval, until_day, reason, state, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![project, m.no, m.approval, m.until, &m.reason, &m.state, at];
    tx.execute(sql, values).await.map(|_| ())
}

/// What was decided about more time; false when it was decided before.
pub(crate) async fn decide_more(
    tx: &mut Tx,
    approval: Id,
    state: &str,
    by: Option<AccountId>,
) -> Result<bool> {
    let sql = "UPDATE project_more SET state = $2, decided_by = $3 WHERE approval = $1 AND state = 'asked'";
    Ok(tx.execute(sql, args![approval, state, by]).await? == 1)
}

/// The members of a project, those who left last.
pub(crate) async fn members(tx: &mut Tx, project: Id) -> Result<Vec<Member>> {
    let sql = "SELECT person, role, unit, said, since, left_on FROM project_member
        WHERE project = $1 ORDER BY since, person";
    let read = |row: &Row| {
        Ok(Member {
            person: row.get(0)?,
            role: row.get(1)?,
            unit: row.get(2)?,
            said: row.get(3)?,
            since: row.get(4)?,
            left_on: row.get(5)?,
        })
    };
    let rows = tx.query(sql, args![project]).await?;
    let mut found: Vec<Member> = rows.iter().map(read).collect::<Result<_>>()?;
    found.sort_by_key(|m| m.left_on.is_some());
    Ok(found)
}

/// Makes somebody a member, gives them another part, or takes them in again.
pub(crate) async fn put_member(tx: &mut Tx, project: Id, m: &Member) -> Result<()> {
    let sql = "INSERT INTO project_member (project, person, role, unit, said, since) VALUES ($1, $2, $3, $4, '', $5)
        ON CONFLICT (project, person) DO UPDATE SET role = $3, left_on = NULL";
    let values = args![project, m.person, &m.role, m.unit, m.since];
    tx.execute(sql, values).await.map(|_| ())
}

/// Keeps what somebody contributed.
pub(crate) async fn contribute(
    tx: &mut Tx,
    project: Id,
    person: PersonId,
    said: &str,
) -> Result<bool> {
    let sql = "UPDATE project_member SET said = $3 WHERE project = $1 AND person = $2";
    Ok(tx.execute(sql, args![project, person, said]).await? == 1)
}

/// Somebody leaves; false when they are no member.
pub(crate) async fn leave(tx: &mut Tx, project: Id, person: PersonId, on: Date) -> Result<bool> {
    let sql = "UPDATE project_member SET left_on = $3 WHERE project = $1 AND person = $2 AND left_on IS NULL";
    Ok(tx.execute(sql, args![project, person, on]).await? == 1)
}

const ENTRY: &str = "e.id, e.project, e.what, e.day, e.place, e.heard, e.body, e.files, COALESCE(p.name, a.login), e.at, e.struck
    FROM project_entry e LEFT JOIN account a ON a.id = e.account LEFT JOIN person p ON p.id = a.person";

fn entry(row: &Row) -> Result<Entry> {
    let what: String = row.get(2)?;
    Ok(Entry {
        id: row.get(0)?,
        project: row.get(1)?,
        what: What::from_code(&what).ok_or_else(|| Error::internal("no such entry"))?,
        day: row.get(3)?,
        place: row.get(4)?,
        heard: row.get(5)?,
        text: row.get(6)?,
        files: row.json(7)?,
        name: row.get(8)?,
        at: row.get(9)?,
        struck: row.get(10)?,
    })
}

/// What was written down about a project, the last day first.
pub(crate) async fn entries(tx: &mut Tx, project: Id) -> Result<Vec<Entry>> {
    let sql = format!(
        "SELECT {ENTRY} WHERE e.project = $1 ORDER BY e.day DESC, e.at DESC, e.id DESC LIMIT 1000"
    );
    tx.query(sql, args![project])
        .await?
        .iter()
        .map(entry)
        .collect()
}

/// One entry.
pub(crate) async fn one_entry(tx: &mut Tx, id: Id) -> Result<Option<Entry>> {
    let sql = format!("SELECT {ENTRY} WHERE e.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref().map(entry).transpose()
}

/// Writes an entry; false when its id is there already.
pub(crate) async fn put_entry(
    tx: &mut Tx,
    e: &Entry,
    (person, account): (Option<PersonId>, Option<AccountId>),
) -> Result<bool> {
    let sql = "INSERT INTO project_entry (id, project, what, day, place, heard, body, files, person, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";
    let values = args![
        e.id,
        e.project,
        e.what.code(),
        e.day,
        &e.place,
        &e.heard,
        &e.text,
        db::json(&e.files)?,
        person,
        account,
        e.at,
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Takes an entry back; false when it was before.
pub(crate) async fn strike(tx: &mut Tx, id: Id, reason: &str) -> Result<bool> {
    let sql = "UPDATE project_entry SET struck = $2 WHERE id = $1 AND struck IS NULL";
    Ok(tx.execute(sql, args![id, reason]).await? == 1)
}

/// The unit a person is counted in is kept with them, so that facts know it though they moved since.
pub(crate) fn member(person: PersonId, role: &str, unit: UnitId, since: Date) -> Member {
    Member {
        person,
        role: role.to_owned(),
        unit,
        said: String::new(),
        since,
        left_on: None,
    }
}
