//! The SQL of approvals.

use db::{Args, Migration, Row, Tx, args};
use kernel::{Date, Error, Id, Msg, PersonId, Result, Scope, Timestamp};
use web::table::{Order, Window};

use crate::case::{Case, State, Task, TaskState};
use crate::hooks::Directory;
use crate::model::{Approval, By, Event, Tab, hash_of};

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "approvals_20261122_tables",
        sql: "
    CREATE TABLE approval (
        id {blob} PRIMARY KEY,
        kind TEXT NOT NULL,
        unit {blob} NOT NULL,
        applicant {blob} NOT NULL,
        subject {blob},
        route TEXT NOT NULL,
        state TEXT NOT NULL,
        round BIGINT NOT NULL,
        step BIGINT NOT NULL,
        at_unit {blob} NOT NULL,
        due_date TEXT,
        reminded_on TEXT,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL);
    CREATE INDEX approval_applicant ON approval (applicant, id);
    CREATE INDEX approval_unit ON approval (unit, id);
    CREATE INDEX approval_due ON approval (due_date) WHERE state = 'open';
    CREATE TABLE approval_round (
        approval {blob} NOT NULL REFERENCES approval (id),
        round BIGINT NOT NULL,
        payload TEXT NOT NULL,
        hash TEXT NOT NULL,
        sent_at BIGINT NOT NULL,
        PRIMARY KEY (approval, round)) {clustered};
    CREATE TABLE approval_task (
        approval {blob} NOT NULL REFERENCES approval (id),
        round BIGINT NOT NULL,
        step BIGINT NOT NULL,
        person {blob} NOT NULL,
        must BOOLEAN NOT NULL,
        state TEXT NOT NULL,
        done_by {blob},
        passed_from {blob},
        PRIMARY KEY (approval, round, step, person)) {clustered};
    CREATE INDEX approval_task_person ON approval_task (person, state);
    CREATE INDEX approval_task_done_by ON approval_task (done_by);
    CREATE TABLE approval_event (
        approval {blob} NOT NULL REFERENCES approval (id),
        seq BIGINT NOT NULL,
        round BIGINT NOT NULL,
        step BIGINT NOT NULL,
        act TEXT NOT NULL,
        person {blob},
        account {blob},
        address TEXT NOT NULL,
        acted_for {blob},
        other {blob},
        reason TEXT NOT NULL,
        problem TEXT,
        signed TEXT,
        at BIGINT NOT NULL,
        PRIMARY KEY (approval, seq)) {clustered}",
    },
    Migration {
        name: "approvals_20261122_erased",
        sql: "
    ALTER TABLE approval ADD COLUMN erased_at BIGINT;
    CREATE INDEX approval_subject ON approval (subject)",
    },
];

const APPROVAL: &str = "a.id, a.kind, a.unit, a.applicant, a.subject, a.route, a.state, a.round, a.step, a.at_unit, a.due_date, a.version, a.created_at, a.updated_at, r.payload, r.hash, a.erased_at";
const FROM: &str =
    "FROM approval a JOIN approval_round r ON r.approval = a.id AND r.round = a.round";

fn approval(row: &Row) -> Result<Approval> {
    let (route, state, payload): (String, String, String) =
        (row.get(5)?, row.get(6)?, row.get(14)?);
    let (id, round, hash): (Id, i64, String) = (row.get(0)?, row.get(7)?, row.get(15)?);
    let step: i64 = row.get(8)?;
    let erased_at: Option<Timestamp> = row.get(16)?;
    Ok(Approval {
        id,
        kind: row.get(1)?,
        unit: row.get(2)?,
        intact: erased_at.is_some() || hash_of(id, round, &payload) == hash,
        erased_at,
        payload: serde_json::from_str(&payload).map_err(Error::internal)?,
        hash,
        case: Case {
            applicant: row.get(3)?,
            subject: row.get(4)?,
            route: serde_json::from_str(&route).map_err(Error::internal)?,
            state: State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?,
            round,
            step: usize::try_from(step).map_err(Error::internal)?,
            tasks: Vec::new(),
        },
        at_unit: row.get(9)?,
        due: row.get(10)?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
        version: row.get(11)?,
    })
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Writes a new approval; false when its id is already there.
pub(crate) async fn insert(tx: &mut Tx, a: &Approval) -> Result<bool> {
    let route = serde_json::to_string(&a.case.route).map_err(Error::internal)?;
    let added = tx
        .execute(
            "INSERT INTO approval (id, kind, unit, applicant, subject, route, state, round, step, at_unit, due_date, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $13) ON CONFLICT (id) DO NOTHING",
            args![
                a.id, &a.kind, a.unit, a.case.applicant, a.case.subject, route, a.case.state.code(), a.case.round,
                number(a.case.step), a.at_unit, a.due, a.created_at, a.updated_at
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Writes what was asked for in a round.
pub(crate) async fn put_round(
    tx: &mut Tx,
    id: Id,
    round: i64,
    payload: &str,
    at: Timestamp,
) -> Result<()> {
    let hash = hash_of(id, round, payload);
    tx.execute(
        "INSERT INTO approval_round (approval, round, payload, hash, sent_at) VALUES ($1, $2, $3, $4, $5)",
        args![id, round, payload, hash, at],
    )
    .await?;
    Ok(())
}

/// The approvals about a person, those too that somebody asked for about nobody else, and whether they have ended.
pub(crate) async fn about(tx: &mut Tx, person: PersonId) -> Result<Vec<(Id, bool)>> {
    let sql = "SELECT id, state FROM approval
        WHERE (subject = $1 OR (subject IS NULL AND applicant = $1)) AND erased_at IS NULL ORDER BY id";
    let rows = tx.query(sql, args![person]).await?;
    rows.iter()
        .map(|row| {
            let state: String = row.get(1)?;
            let state = State::from_code(&state).ok_or_else(|| Error::internal("no such state"))?;
            Ok((row.get(0)?, !matches!(state, State::Open | State::Returned)))
        })
        .collect()
}

/// Takes away what approvals say.
pub(crate) async fn erase(tx: &mut Tx, ids: &[Id], mark: &str, at: Timestamp) -> Result<()> {
    for id in ids {
        let sql = "UPDATE approval_round SET payload = '{}' WHERE approval = $1";
        tx.execute(sql, args![*id]).await?;
        let sql = "UPDATE approval_event SET problem = NULL,
            reason = CASE WHEN reason = '' THEN '' ELSE $2 END WHERE approval = $1";
        tx.execute(sql, args![*id, mark]).await?;
        let sql = "UPDATE approval SET erased_at = $2, version = version + 1 WHERE id = $1";
        tx.execute(sql, args![*id, at]).await?;
    }
    Ok(())
}

/// Holds an approval until the end of the transaction, so that those who decide follow one another and each sees
/// row and tasks as the one before left them; gives whether there is one.
pub(crate) async fn hold(tx: &mut Tx, id: Id) -> Result<bool> {
    let sql = "UPDATE approval SET version = version + 1 WHERE id = $1";
    Ok(tx.execute(sql, args![id]).await? == 1)
}

/// Writes how an approval stands, unless somebody else did meanwhile: then the transaction runs again and
/// sees what they did.
pub(crate) async fn save(tx: &mut Tx, a: &Approval) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE approval SET state = $3, round = $4, step = $5, at_unit = $6, due_date = $7, reminded_on = NULL,
                updated_at = $8, version = version + 1 WHERE id = $1 AND version = $2",
            args![
                a.id,
                a.version,
                a.case.state.code(),
                a.case.round,
                number(a.case.step),
                a.at_unit,
                a.due,
                a.updated_at
            ],
        )
        .await?;
    if changed != 1 {
        return Err(Error::Retry("an approval was changed meanwhile".into()));
    }
    put_tasks(tx, a).await
}

pub(crate) async fn put_tasks(tx: &mut Tx, a: &Approval) -> Result<()> {
    let mut rows = Args::with_capacity(a.case.tasks.len() * 8);
    for task in &a.case.tasks {
        rows.add(a.id);
        rows.add(a.case.round);
        rows.add(number(task.step));
        rows.add(task.person);
        rows.add(task.must);
        rows.add(task.state.code());
        rows.add(task.done_by);
        rows.add(task.from);
    }
    tx.insert_many(
        "INSERT INTO approval_task (approval, round, step, person, must, state, done_by, passed_from) VALUES",
        8,
        "ON CONFLICT (approval, round, step, person) DO UPDATE SET state = excluded.state,
            done_by = excluded.done_by",
        rows,
    )
    .await?;
    Ok(())
}

/// Notes that those who are late were reminded today; false when they were already.
pub(crate) async fn note_reminder(tx: &mut Tx, a: &Approval, today: Date) -> Result<bool> {
    let sql = "UPDATE approval SET reminded_on = $3
               WHERE id = $1 AND version = $2 AND (reminded_on IS NULL OR reminded_on < $3)";
    Ok(tx.execute(sql, args![a.id, a.version, today]).await? == 1)
}

/// What is noted about an act.
#[derive(Debug, Default)]
pub(crate) struct Note<'a> {
    pub act: &'static str,
    pub by: Option<&'a By>,
    pub acted_for: Option<PersonId>,
    pub other: Option<PersonId>,
    pub reason: &'a str,
    pub problem: Option<&'a Msg>,
    pub signed: Option<String>,
}

/// Adds an event. Its number is unique, so of two who add the same one, one runs again.
pub(crate) async fn note(
    tx: &mut Tx,
    a: &Approval,
    (round, step): (i64, usize),
    note: &Note<'_>,
    at: Timestamp,
) -> Result<()> {
    let problem = note
        .problem
        .map(|m| serde_json::json!([m.key, m.args]).to_string());
    tx.execute(
        "INSERT INTO approval_event (approval, seq, round, step, act, person, account, address, acted_for, other, reason, problem, signed, at)
         SELECT $1, CAST(COALESCE(MAX(seq), 0) + 1 AS BIGINT), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         FROM approval_event WHERE approval = $1",
        args![
            a.id, round, number(step), note.act, note.by.map(|by| by.person), note.by.map(|by| by.account),
            note.by.map_or("", |by| by.address.as_str()), note.acted_for, note.other, note.reason, problem,
            note.signed.as_deref(), at
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn events(tx: &mut Tx, id: Id) -> Result<Vec<Event>> {
    let sql = "SELECT seq, round, step, act, person, acted_for, other, reason, problem, signed, at
               FROM approval_event WHERE approval = $1 ORDER BY seq";
    let rows = tx.query(sql, args![id]).await?;
    rows.iter()
        .map(|row| {
            let problem: Option<String> = row.get(8)?;
            Ok(Event {
                seq: row.get(0)?,
                round: row.get(1)?,
                step: row.get(2)?,
                act: row.get(3)?,
                person: row.get(4)?,
                acted_for: row.get(5)?,
                other: row.get(6)?,
                reason: row.get(7)?,
                problem: problem
                    .map(|p| serde_json::from_str(&p).map_err(Error::internal))
                    .transpose()?,
                signed: row.get(9)?,
                at: row.get(10)?,
            })
        })
        .collect()
}

/// Adds the tasks of their present rounds to approvals: one query.
async fn with_tasks(tx: &mut Tx, mut found: Vec<Approval>) -> Result<Vec<Approval>> {
    for chunk in found.chunks_mut(1_000) {
        let mut args = Args::new();
        let list = args.list(chunk.iter().map(|a| a.id));
        let sql = format!(
            "SELECT t.approval, t.step, t.person, t.must, t.state, t.done_by, t.passed_from
             FROM approval_task t JOIN approval a ON a.id = t.approval AND a.round = t.round
             WHERE t.approval IN ({list}) ORDER BY t.approval, t.step, t.person"
        );
        for row in tx.query(sql, args).await? {
            let (id, step, state): (Id, i64, String) = (row.get(0)?, row.get(1)?, row.get(4)?);
            let task = Task {
                step: usize::try_from(step).map_err(Error::internal)?,
                person: row.get(2)?,
                must: row.get(3)?,
                state: TaskState::from_code(&state)
                    .ok_or_else(|| Error::internal("no such state of a task"))?,
                done_by: row.get(5)?,
                from: row.get(6)?,
            };
            if let Some(a) = chunk.iter_mut().find(|a| a.id == id) {
                a.case.tasks.push(task);
            }
        }
    }
    Ok(found)
}

/// An approval, whoever may see it.
pub(crate) async fn one(tx: &mut Tx, id: Id) -> Result<Option<Approval>> {
    let sql = format!("SELECT {APPROVAL} {FROM} WHERE a.id = $1");
    let rows = tx.query(sql, args![id]).await?;
    let found: Result<Vec<_>> = rows.iter().map(approval).collect();
    Ok(with_tasks(tx, found?).await?.pop())
}

/// Who looks, and from where.
pub(crate) struct Eyes<'a> {
    /// The person and those they act for.
    pub people: &'a [PersonId],
    /// Where they may see the approvals of others.
    pub scope: &'a Scope,
    pub directory: &'a dyn Directory,
}

impl Eyes<'_> {
    fn me(&self) -> Option<PersonId> {
        self.people.first().copied()
    }

    /// What they may see at all: applicants, those who have or had a part, readers of the unit.
    fn sees(&self, args: &mut Args) -> String {
        let within = self.directory.within(self.scope, "a.unit", args);
        if self.people.is_empty() {
            return within;
        }
        let (me, people) = (args.push(self.me()), args.list(self.people.iter().copied()));
        format!(
            "(a.applicant = {me} OR {within} OR a.id IN (SELECT approval FROM approval_task
                WHERE person IN ({people}) OR done_by = {me}))"
        )
    }

    fn tab(&self, tab: Tab, args: &mut Args) -> String {
        let Some(me) = self.me().filter(|_| tab != Tab::All) else {
            return match tab {
                Tab::All => self.directory.within(self.scope, "a.unit", args),
                _ => "1=0".to_owned(),
            };
        };
        match tab {
            Tab::Waiting => {
                let people = args.list(self.people.iter().copied());
                format!(
                    "a.state = 'open' AND a.id IN (SELECT approval FROM approval_task
                        WHERE person IN ({people}) AND state = 'open')"
                )
            }
            Tab::Mine => format!("a.applicant = {}", args.push(me)),
            _ => format!(
                "a.id IN (SELECT approval FROM approval_task WHERE done_by = {})",
                args.push(me)
            ),
        }
    }
}

/// An approval that these eyes may see.
pub(crate) async fn seen(tx: &mut Tx, id: Id, eyes: &Eyes<'_>) -> Result<Option<Approval>> {
    let mut args = args![id];
    let sees = eyes.sees(&mut args);
    let sql = format!("SELECT 1 FROM approval a WHERE a.id = $1 AND {sees}");
    match tx.optional(sql, args).await? {
        Some(_) => one(tx, id).await,
        None => Ok(None),
    }
}

/// A page of approvals in an order, or in the usual one of the tab, and how many there are in all.
pub(crate) async fn list(
    tx: &mut Tx,
    tab: Tab,
    (kind, state): (&str, Option<State>),
    eyes: &Eyes<'_>,
    order: Option<Order>,
    window: Window,
) -> Result<(i64, Vec<Approval>)> {
    let mut args = Args::new();
    let mut conditions = eyes.tab(tab, &mut args);
    if !kind.is_empty() {
        conditions += &format!(" AND a.kind = {}", args.push(kind));
    }
    if let Some(state) = state {
        conditions += &format!(" AND a.state = {}", args.push(state.code()));
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM approval a WHERE {conditions}");
    let total: i64 = tx.one(sql, args.clone()).await?.get(0)?;
    let (limit, offset) = (args.push(window.size), args.push(window.offset(total)));
    let by_due =
        |way| format!("CASE WHEN a.due_date IS NULL THEN 1 ELSE 0 END, a.due_date {way}, a.id");
    // What is due first comes first; elsewhere the newest.
    let order = match order {
        Some(order) if order.by == "due" => by_due(order.way()),
        Some(order) if order.by == "kind" => format!("a.kind {}, a.id DESC", order.way()),
        Some(order) => format!("a.id {}", order.way()),
        None if tab == Tab::Waiting => by_due("ASC"),
        None => "a.id DESC".to_owned(),
    };
    let sql = format!(
        "SELECT {APPROVAL} {FROM} WHERE {conditions} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, args).await?;
    let found: Result<Vec<_>> = rows.iter().map(approval).collect();
    Ok((total, with_tasks(tx, found?).await?))
}

/// Open approvals whose step was due before a day and of which nobody was reminded on that day.
pub(crate) async fn late(tx: &mut Tx, today: Date, most: i64) -> Result<Vec<Id>> {
    let sql = "SELECT id FROM approval WHERE state = 'open' AND due_date < $1
                   AND (reminded_on IS NULL OR reminded_on < $1) ORDER BY due_date, id LIMIT $2";
    let rows = tx.query(sql, args![today, most]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Open approvals that wait for a person and are due within a stretch of days.
pub(crate) async fn due_between(
    tx: &mut Tx,
    person: PersonId,
    from: Date,
    to: Date,
) -> Result<Vec<Approval>> {
    let sql = format!(
        "SELECT {APPROVAL} {FROM} WHERE a.state = 'open' AND a.due_date >= $2 AND a.due_date <= $3
             AND a.id IN (SELECT approval FROM approval_task WHERE person = $1 AND state = 'open')
         ORDER BY a.id"
    );
    let rows = tx.query(sql, args![person, from, to]).await?;
    rows.iter().map(approval).collect()
}
