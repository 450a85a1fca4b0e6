//! The SQL of opinions that are asked for and given.

use db::{Args, Row, Tx, args};
use kernel::{AccountId, ActivityId, Error, FactId, Id, PersonId, Result, Scope, Timestamp};
use organization::scope_sql;

use crate::opinions::{Call, Opinion, Verdict};

pub(super) const TABLES: &str = "
    CREATE TABLE opinion_call (
        id {blob} PRIMARY KEY, host {blob} NOT NULL REFERENCES unit, plan {blob} REFERENCES activity_plan,
        activity {blob} REFERENCES activity, kind TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL,
        due TEXT NOT NULL, asked_at BIGINT NOT NULL, asked_by {blob} NOT NULL, closed_at BIGINT, closed_by {blob});
    CREATE INDEX opinion_call_plan ON opinion_call (plan);
    CREATE INDEX opinion_call_activity ON opinion_call (activity);
    CREATE INDEX opinion_call_host ON opinion_call (host, id);
    CREATE TABLE opinion (
        id {blob} PRIMARY KEY, asked_in {blob} NOT NULL REFERENCES opinion_call, unit {blob} NOT NULL REFERENCES unit,
        person {blob} REFERENCES person, text TEXT NOT NULL, empty_said BOOLEAN NOT NULL, answered_at BIGINT,
        answered_by {blob}, verdict TEXT, reason TEXT NOT NULL, judged_at BIGINT, judged_by {blob}, fact {blob});
    CREATE INDEX opinion_of_call ON opinion (asked_in, id);
    CREATE INDEX opinion_person ON opinion (person);
";

const CALL: &str = "a.id, a.host, a.plan, a.activity, a.kind, a.title, a.text, a.due, a.asked_at, a.asked_by, a.closed_at";

fn call(r: &Row) -> Result<Call> {
    Ok(Call {
        id: r.get(0)?,
        host: r.get(1)?,
        plan: r.get(2)?,
        activity: r.get(3)?,
        kind: r.get(4)?,
        title: r.get(5)?,
        text: r.get(6)?,
        due: r.get(7)?,
        asked_at: r.get(8)?,
        asked_by: r.get(9)?,
        closed_at: r.get(10)?,
    })
}

/// Writes a call; false when it is there already.
pub(crate) async fn insert_call(tx: &mut Tx, c: &Call) -> Result<bool> {
    let sql = "INSERT INTO opinion_call (id, host, plan, activity, kind, title, text, due, asked_at, asked_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING";
    let values = args![
        c.id,
        c.host,
        c.plan,
        c.activity,
        c.kind.as_str(),
        c.title.as_str(),
        c.text.as_str(),
        c.due,
        c.asked_at,
        c.asked_by
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// A call whose host lies in a scope.
pub(crate) async fn one_call(tx: &mut Tx, id: Id, scope: &Scope) -> Result<Call> {
    let mut a = args![id];
    let scope = scope_sql(scope, "a.host", &mut a);
    let sql = format!("SELECT {CALL} FROM opinion_call a WHERE a.id = $1 AND {scope}");
    let row = tx.optional(sql, a).await?;
    row.as_ref().map(call).transpose()?.ok_or(Error::NotFound)
}

/// The call, kept from being closed until the transaction ends.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<Call> {
    let sql = "UPDATE opinion_call SET due = due WHERE id = $1";
    tx.execute(sql, args![id]).await?;
    one_call(tx, id, &Scope::All).await
}

/// Calls for a plan, or for an activity and the plan that it was.
pub(crate) async fn calls_of(
    tx: &mut Tx,
    plan: Option<Id>,
    activity: Option<ActivityId>,
) -> Result<Vec<Call>> {
    let sql = format!(
        "SELECT {CALL} FROM opinion_call a WHERE a.plan = $1 OR a.activity = $2
            OR a.plan IN (SELECT id FROM activity_plan WHERE activity = $2) ORDER BY a.id"
    );
    let rows = tx.query(sql, args![plan, activity]).await?;
    rows.iter().map(call).collect()
}

pub(crate) async fn close(tx: &mut Tx, id: Id, (at, by): (Timestamp, AccountId)) -> Result<bool> {
    let sql = "UPDATE opinion_call SET closed_at = $2, closed_by = $3 WHERE id = $1 AND closed_at IS NULL";
    Ok(tx.execute(sql, args![id, at, by]).await? == 1)
}

const OPINION: &str = "o.id, o.asked_in, o.unit, o.person, o.text, o.empty_said, o.answered_at, o.answered_by, o.verdict, o.reason, o.fact";

fn opinion(r: &Row) -> Result<Opinion> {
    let verdict: Option<String> = r.get(8)?;
    Ok(Opinion {
        id: r.get(0)?,
        call: r.get(1)?,
        unit: r.get(2)?,
        person: r.get(3)?,
        text: r.get(4)?,
        nothing: r.get(5)?,
        answered_at: r.get(6)?,
        answered_by: r.get(7)?,
        verdict: verdict.as_deref().and_then(Verdict::from_code),
        reason: r.get(9)?,
        fact: r.get(10)?,
    })
}

pub(crate) async fn insert(tx: &mut Tx, all: &[Opinion]) -> Result<()> {
    let mut a = Args::with_capacity(all.len() * 7);
    for o in all {
        a.add(o.id);
        a.add(o.call);
        a.add(o.unit);
        a.add(o.person);
        a.add("");
        a.add(false);
        a.add("");
    }
    let head = "INSERT INTO opinion (id, asked_in, unit, person, text, empty_said, reason) VALUES";
    tx.insert_many(head, 7, "", a).await?;
    Ok(())
}

pub(crate) async fn of_call(tx: &mut Tx, call: Id) -> Result<Vec<Opinion>> {
    let sql = format!("SELECT {OPINION} FROM opinion o WHERE o.asked_in = $1 ORDER BY o.id");
    let rows = tx.query(sql, args![call]).await?;
    rows.iter().map(opinion).collect()
}

pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Opinion> {
    let sql = format!("SELECT {OPINION} FROM opinion o WHERE o.id = $1");
    let row = tx.optional(sql, args![id]).await?;
    row.as_ref()
        .map(opinion)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// Keeps an answer with its fact, instead of the one before.
pub(crate) async fn answer(
    tx: &mut Tx,
    o: &Opinion,
    (text, nothing): (&str, bool),
    fact: FactId,
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let sql = "UPDATE opinion SET text = $2, empty_said = $3, fact = $4, answered_at = $5, answered_by = $6
        WHERE id = $1 AND verdict IS NULL";
    Ok(tx
        .execute(sql, args![o.id, text, nothing, fact, at, by])
        .await?
        == 1)
}

/// Keeps what became of an opinion, with its fact.
pub(crate) async fn judge(
    tx: &mut Tx,
    o: &Opinion,
    (verdict, reason): (Verdict, &str),
    fact: FactId,
    (at, by): (Timestamp, AccountId),
) -> Result<()> {
    let sql = "UPDATE opinion SET verdict = $2, reason = $3, fact = $4, judged_at = $5, judged_by = $6 WHERE id = $1";
    let values = args![o.id, verdict.code(), reason, fact, at, by];
    tx.execute(sql, values).await.map(|_| ())
}

/// How many were asked by each of these calls, and how many answered.
pub(crate) async fn counts(tx: &mut Tx, calls: &[Id]) -> Result<Vec<(Id, i64, i64)>> {
    let mut a = Args::new();
    let list = a.list(calls.iter().copied());
    let sql = format!(
        "SELECT asked_in, CAST(COUNT(*) AS BIGINT), CAST(COUNT(answered_at) AS BIGINT) FROM opinion
         WHERE asked_in IN ({list}) GROUP BY asked_in"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .collect()
}

/// The titles of calls.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<Vec<(Id, String)>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!("SELECT id, title FROM opinion_call WHERE id IN ({list})");
        for row in tx.query(sql, a).await? {
            found.push((row.get(0)?, row.get(1)?));
        }
    }
    Ok(found)
}

/// Takes away what a person wrote when they were asked themselves, and what was said of it.
pub(crate) async fn erase(tx: &mut Tx, person: PersonId, mark: &str) -> Result<()> {
    let sql = "UPDATE opinion SET text = CASE WHEN text = '' THEN '' ELSE $2 END,
        reason = CASE WHEN reason = '' THEN '' ELSE $2 END WHERE person = $1";
    tx.execute(sql, args![person, mark]).await.map(|_| ())
}
