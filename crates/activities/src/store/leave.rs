//! The SQL of leave and of make-up study.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Date, Error, FactId, Id, PersonId, Result, Scope, Timestamp};
use organization::scope_sql;

use crate::leave::{Leave, LeaveState, WaitingLeave};
use crate::makeup::{MakeUp, Missed};

pub(super) const TABLES: &str = "
    CREATE TABLE activity_leave (
        id {blob} PRIMARY KEY, plan {blob} NOT NULL REFERENCES activity_plan, person {blob} NOT NULL REFERENCES person,
        reason TEXT NOT NULL, state TEXT NOT NULL, asked_at BIGINT NOT NULL, decided_at BIGINT, decided_by {blob},
        answer TEXT NOT NULL, UNIQUE (plan, person));
    CREATE INDEX activity_leave_state ON activity_leave (state, plan);
    CREATE TABLE activity_makeup (
        id {blob} PRIMARY KEY, activity {blob} NOT NULL REFERENCES activity, person {blob} NOT NULL REFERENCES person,
        date TEXT NOT NULL, minutes BIGINT NOT NULL, content TEXT NOT NULL, fact {blob} NOT NULL,
        recorded_at BIGINT NOT NULL, recorded_by {blob} NOT NULL, reversed_at BIGINT, reversal_reason TEXT);
    CREATE INDEX activity_makeup_activity ON activity_makeup (activity, person);
";

/// Takes away what somebody wrote, and what was answered.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE activity_leave SET reason = CASE WHEN reason = '' THEN '' ELSE $2 END,
        answer = CASE WHEN answer = '' THEN '' ELSE $2 END WHERE person = $1";
    tx.execute(sql, args![person, mark]).await?;
    let sql = "UPDATE activity_makeup SET content = $2,
        reversal_reason = CASE WHEN reversal_reason IS NULL THEN NULL ELSE $2 END WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}

/// Asks for leave; false when it was asked for before and not taken back.
pub(crate) async fn ask(
    tx: &mut Tx,
    id: Id,
    plan: Id,
    person: PersonId,
    reason: &str,
    at: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO activity_leave (id, plan, person, reason, state, asked_at, answer)
        VALUES ($1, $2, $3, $4, 'asked', $5, '')
        ON CONFLICT (plan, person) DO UPDATE SET reason = excluded.reason, state = 'asked', asked_at = excluded.asked_at
        WHERE activity_leave.state = 'withdrawn'";
    Ok(tx.execute(sql, args![id, plan, person, reason, at]).await? == 1)
}

pub(crate) async fn withdraw(tx: &mut Tx, plan: Id, person: PersonId) -> Result<bool> {
    let sql = "UPDATE activity_leave SET state = 'withdrawn' WHERE plan = $1 AND person = $2
        AND state IN ('asked', 'granted')";
    Ok(tx.execute(sql, args![plan, person]).await? == 1)
}

pub(crate) async fn decide(
    tx: &mut Tx,
    id: Id,
    state: LeaveState,
    answer: &str,
    (by, at): (AccountId, Timestamp),
) -> Result<bool> {
    let sql = "UPDATE activity_leave SET state = $2, answer = $3, decided_by = $4, decided_at = $5
        WHERE id = $1 AND state = 'asked'";
    Ok(tx
        .execute(sql, args![id, state.code(), answer, by, at])
        .await?
        == 1)
}

pub(crate) async fn of_plan(tx: &mut Tx, plan: Id) -> Result<Vec<Leave>> {
    some(tx, "l.plan = $1", args![plan]).await
}

/// The leaves of a person from some plans.
pub(crate) async fn of_person(tx: &mut Tx, person: PersonId, plans: &[Id]) -> Result<Vec<Leave>> {
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let mut a = args![person];
    let list = a.list(plans.iter().copied());
    some(tx, &format!("l.person = $1 AND l.plan IN ({list})"), a).await
}

async fn some(tx: &mut Tx, condition: &str, a: Args) -> Result<Vec<Leave>> {
    let sql = format!(
        "SELECT l.id, l.plan, l.person, p.name, l.reason, l.state, l.asked_at, l.answer FROM activity_leave l
         JOIN person p ON p.id = l.person WHERE {condition} ORDER BY l.asked_at, l.id"
    );
    let read = |r: &Row| {
        let state: String = r.get(5)?;
        Ok(Leave {
            id: r.get(0)?,
            plan: r.get(1)?,
            person: r.get(2)?,
            name: r.get(3)?,
            reason: r.get(4)?,
            state: LeaveState::from_code(&state)
                .ok_or_else(|| Error::internal("a state of a leave"))?,
            asked_at: r.get(6)?,
            answer: r.get(7)?,
        })
    };
    tx.query(sql, a).await?.iter().map(read).collect()
}

pub(crate) async fn waiting(
    tx: &mut Tx,
    scope: &Scope,
    most: i64,
) -> Result<(i64, Vec<WaitingLeave>)> {
    let mut a = Args::new();
    let seen = scope_sql(scope, "a.host", &mut a);
    let from = format!(
        "FROM activity_leave l JOIN activity_plan a ON a.id = l.plan JOIN person p ON p.id = l.person
         WHERE l.state = 'asked' AND a.state = 'planned' AND {seen}"
    );
    let count = format!("SELECT CAST(COUNT(*) AS BIGINT) {from}");
    let total = tx.one(count, a.clone()).await?.get(0)?;
    let limit = a.push(most);
    let sql = format!(
        "SELECT a.id, a.title, a.host, a.starts, p.name {from} ORDER BY a.starts, l.id LIMIT {limit}"
    );
    let read = |r: &Row| {
        Ok(WaitingLeave {
            plan: r.get(0)?,
            title: r.get(1)?,
            host: r.get(2)?,
            starts: r.get(3)?,
            name: r.get(4)?,
        })
    };
    let rows: Result<Vec<_>> = tx.query(sql, a).await?.iter().map(read).collect();
    Ok((total, rows?))
}

pub(crate) async fn name(tx: &mut Tx, person: PersonId) -> Result<String> {
    let row = tx
        .one("SELECT name FROM person WHERE id = $1", args![person])
        .await?;
    row.get(0)
}

pub(crate) async fn make_up(tx: &mut Tx, id: Id, m: &MakeUp) -> Result<()> {
    let sql = "INSERT INTO activity_makeup (id, activity, person, date, minutes, content, fact, recorded_at, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let content = m.content.as_str();
    let args = args![
        id,
        m.activity,
        m.person,
        m.date,
        m.minutes,
        content,
        m.fact,
        m.recorded_at,
        m.recorded_by
    ];
    tx.execute(sql, args).await.map(|_| ())
}

/// Whether something that was made up stands.
pub(crate) async fn made_up(tx: &mut Tx, id: ActivityId, person: PersonId) -> Result<bool> {
    let sql = "SELECT id FROM activity_makeup WHERE activity = $1 AND person = $2 AND reversed_at IS NULL";
    Ok(tx.optional(sql, args![id, person]).await?.is_some())
}

/// Takes back what was made up; its fact.
pub(crate) async fn unmake(
    tx: &mut Tx,
    id: ActivityId,
    person: PersonId,
    at: Timestamp,
    reason: &str,
) -> Result<Option<FactId>> {
    let sql = "UPDATE activity_makeup SET reversed_at = $3, reversal_reason = $4
        WHERE activity = $1 AND person = $2 AND reversed_at IS NULL RETURNING fact";
    let row = tx.optional(sql, args![id, person, at, reason]).await?;
    row.as_ref().map(|r| r.get(0)).transpose()
}

/// What stands of what was made up.
pub(crate) async fn make_ups(tx: &mut Tx, id: ActivityId) -> Result<Vec<MakeUp>> {
    let sql = "SELECT activity, person, date, minutes, content, fact, recorded_at, recorded_by FROM activity_makeup
        WHERE activity = $1 AND reversed_at IS NULL ORDER BY date, id";
    let read = |r: &Row| {
        Ok(MakeUp {
            activity: r.get(0)?,
            person: r.get(1)?,
            date: r.get(2)?,
            minutes: r.get(3)?,
            content: r.get(4)?,
            fact: r.get(5)?,
            recorded_at: r.get(6)?,
            recorded_by: r.get(7)?,
        })
    };
    tx.query(sql, args![id]).await?.iter().map(read).collect()
}

/// What a person missed since a day: found by their facts, as it stands on the roster now.
pub(crate) async fn missed(tx: &mut Tx, person: PersonId, since: Date) -> Result<Vec<Missed>> {
    let sql = "SELECT a.id, a.title, a.date, a.minutes, p.role, m.date, m.minutes FROM activity a
         JOIN activity_part p ON p.activity = a.id AND p.person = $1 AND p.role IN ('leave', 'absent')
         LEFT JOIN activity_makeup m ON m.activity = a.id AND m.person = p.person AND m.reversed_at IS NULL
         WHERE a.reversed_at IS NULL AND a.id IN
           (SELECT f.subject FROM fact f WHERE f.person = $1 AND f.date >= $2 AND f.kind = 'attendance')
         ORDER BY a.date DESC, a.id DESC LIMIT 100";
    let read = |r: &Row| {
        let (date, minutes): (Option<Date>, Option<i64>) = (r.get(5)?, r.get(6)?);
        Ok(Missed {
            activity: r.get(0)?,
            title: r.get(1)?,
            date: r.get(2)?,
            minutes: r.get(3)?,
            role: super::role(r, 4)?,
            made_up: date.zip(minutes),
        })
    };
    tx.query(sql, args![person, since])
        .await?
        .iter()
        .map(read)
        .collect()
}
