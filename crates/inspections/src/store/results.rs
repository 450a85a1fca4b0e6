//! Answers on their way, results, what was found, objections.

use std::collections::{BTreeMap, HashMap};

use commons::forms::Answer;
use db::{Args, Row, Tx, args};
use kernel::{AccountId, Date, Error, Id, Result, Timestamp};
use ledger::SourceFile;

use super::json_of;
use crate::model::{Filled, Outcome, Task, Way};

/// What was answered to a task so far.
pub(crate) async fn answers(tx: &mut Tx, task: Id) -> Result<Filled> {
    let sql = "SELECT item, answer, place FROM inspection_answer WHERE task = $1";
    let mut filled = Filled::default();
    for row in &tx.query(sql, args![task]).await? {
        let item: String = row.get(0)?;
        let place: String = row.get(2)?;
        if !place.is_empty() {
            filled.places.insert(item.clone(), place);
        }
        filled.answers.insert(item, json_of(row, 1)?);
    }
    Ok(filled)
}

/// Saves an answer; none takes it back.
pub(crate) async fn put(
    tx: &mut Tx,
    task: Id,
    (item, answer, place): (&str, Option<&Answer>, &str),
    device: &str,
    (by, at): (AccountId, Timestamp),
) -> Result<()> {
    let Some(answer) = answer else {
        let sql = "DELETE FROM inspection_answer WHERE task = $1 AND item = $2";
        return tx.execute(sql, args![task, item]).await.map(|_| ());
    };
    let sql = "INSERT INTO inspection_answer (task, item, answer, place, by_account, at, device) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (task, item) DO UPDATE SET answer = $3, place = $4, by_account = $5, at = $6, device = $7";
    let text = serde_json::to_string(answer).map_err(Error::internal)?;
    let args = args![task, item, text, place, by, at, device];
    tx.execute(sql, args).await.map(|_| ())
}

/// The number of the last thing that a device sent and that was taken.
pub(crate) async fn taken(tx: &mut Tx, task: Id, device: &str) -> Result<i64> {
    let sql = "SELECT seq FROM inspection_device WHERE task = $1 AND device = $2";
    let row = tx.optional(sql, args![task, device]).await?;
    row.map_or(Ok(0), |row| row.get(0))
}

/// Keeps it; false when the device was further already.
pub(crate) async fn take(tx: &mut Tx, task: Id, device: &str, seq: i64) -> Result<bool> {
    let sql = "INSERT INTO inspection_device (task, device, seq) VALUES ($1, $2, $3)
        ON CONFLICT (task, device) DO UPDATE SET seq = $3 WHERE inspection_device.seq < $3";
    Ok(tx.execute(sql, args![task, device, seq]).await? == 1)
}

/// Writes the next result of a task and moves it on; false when there is one already that was not looked at.
pub(crate) async fn add(tx: &mut Tx, t: &Task, o: &Outcome, findings: i64) -> Result<bool> {
    let sql = "UPDATE inspection_task SET state = 'handed-in', version = $3, share = $4, findings = $5, done_on = $6
        WHERE id = $1 AND version = $2 AND state = $7";
    let share = o.score.share();
    let args = args![t.id, t.version, o.n, share, findings, o.on, t.state.code()];
    if tx.execute(sql, args).await? != 1 {
        return Ok(false);
    }
    let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
    let sql = "INSERT INTO inspection_result (task, n, answers, places, score, done_on, paper, reason, by_account, on_behalf, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let args = args![
        t.id,
        o.n,
        json(serde_json::to_string(&o.filled.answers))?,
        json(serde_json::to_string(&o.filled.places))?,
        json(serde_json::to_string(&(
            o.score.points,
            o.score.full,
            o.score.open
        )))?,
        o.on,
        json(serde_json::to_string(&o.paper))?,
        o.reason.as_str(),
        o.by,
        o.on_behalf,
        o.at
    ];
    tx.execute(sql, args).await?;
    Ok(true)
}

fn outcome(row: &Row) -> Result<Outcome> {
    let (points, full, open) = json_of(row, 3)?;
    Ok(Outcome {
        n: row.get(0)?,
        filled: Filled {
            answers: json_of(row, 1)?,
            places: json_of::<BTreeMap<String, String>>(row, 2)?,
        },
        score: commons::forms::Score {
            points,
            full,
            sections: Vec::new(),
            open,
        },
        on: row.get(4)?,
        paper: json_of(row, 5)?,
        reason: row.get(6)?,
        by: row.get(7)?,
        on_behalf: row.get(8)?,
        at: row.get(9)?,
    })
}

/// All results of a task, the newest first.
pub(crate) async fn outcomes(tx: &mut Tx, task: Id) -> Result<Vec<Outcome>> {
    let sql = "SELECT n, answers, places, score, done_on, paper, reason, by_account, on_behalf, at FROM inspection_result
        WHERE task = $1 ORDER BY n DESC";
    tx.query(sql, args![task])
        .await?
        .iter()
        .map(outcome)
        .collect()
}

/// A deficiency of a result (问题项).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundItem {
    /// The result.
    pub n: i64,
    /// The item.
    pub item: String,
    /// What is done with it.
    pub way: Way,
    /// How grave.
    pub severity: String,
    /// In a line.
    pub title: String,
    /// How it was mended.
    pub note: String,
    /// Where it is kept until it is mended.
    pub kept: Option<Id>,
}

/// Writes the deficiencies of a result.
pub(crate) async fn add_found(tx: &mut Tx, task: Id, found: &[FoundItem]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let mut a = Args::new();
    for f in found {
        a.push(task);
        a.push(f.item.as_str());
        a.push(f.n);
        a.push(match f.way {
            Way::Case => "case",
            Way::Mended => "mended",
        });
        a.push(f.severity.as_str());
        a.push(f.title.as_str());
        a.push(f.note.as_str());
        a.push(f.kept);
    }
    let head =
        "INSERT INTO inspection_finding (task, item, n, way, severity, title, note, kept) VALUES ";
    tx.insert_many(head, 8, "", a).await.map(|_| ())
}

/// The deficiencies of all results of a task.
pub(crate) async fn found(tx: &mut Tx, task: Id) -> Result<Vec<FoundItem>> {
    let sql = "SELECT n, item, way, severity, title, note, kept FROM inspection_finding WHERE task = $1 ORDER BY n, item";
    let one = |row: &Row| {
        let way: String = row.get(2)?;
        Ok(FoundItem {
            n: row.get(0)?,
            item: row.get(1)?,
            way: if way == "case" {
                Way::Case
            } else {
                Way::Mended
            },
            severity: row.get(3)?,
            title: row.get(4)?,
            note: row.get(5)?,
            kept: row.get(6)?,
        })
    };
    tx.query(sql, args![task]).await?.iter().map(one).collect()
}

/// What a unit says against a result (异议).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Id.
    pub id: Id,
    /// The result.
    pub n: i64,
    /// What is said.
    pub text: String,
    /// By whom.
    pub by: AccountId,
    /// In whose place.
    pub on_behalf: Option<AccountId>,
    /// When.
    pub at: Timestamp,
    /// Whether it is upheld; none while nobody decided.
    pub upheld: Option<bool>,
    /// What was answered.
    pub answer: String,
    /// By whom.
    pub decided_by: Option<AccountId>,
}

/// Writes an objection; false when there is one against this result.
pub(crate) async fn object(tx: &mut Tx, task: Id, o: &Objection) -> Result<bool> {
    let sql =
        "INSERT INTO inspection_objection (id, task, n, text, by_account, on_behalf, at, answer)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '') ON CONFLICT (task, n) DO NOTHING";
    let args = args![o.id, task, o.n, o.text.as_str(), o.by, o.on_behalf, o.at];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Decides about an objection; false when somebody did already.
pub(crate) async fn decide(
    tx: &mut Tx,
    (task, id): (Id, Id),
    (upheld, answer): (bool, &str),
    (by, at): (AccountId, Timestamp),
) -> Result<bool> {
    let sql =
        "UPDATE inspection_objection SET upheld = $3, answer = $4, decided_by = $5, decided_at = $6
        WHERE id = $1 AND task = $2 AND upheld IS NULL";
    let args = args![id, task, upheld, answer, by, at];
    Ok(tx.execute(sql, args).await? == 1)
}

/// The objections against results of a task.
pub(crate) async fn objections(tx: &mut Tx, task: Id) -> Result<Vec<Objection>> {
    let sql = "SELECT id, n, text, by_account, on_behalf, at, upheld, answer, decided_by FROM inspection_objection
        WHERE task = $1 ORDER BY n";
    let one = |row: &Row| {
        Ok(Objection {
            id: row.get(0)?,
            n: row.get(1)?,
            text: row.get(2)?,
            by: row.get(3)?,
            on_behalf: row.get(4)?,
            at: row.get(5)?,
            upheld: row.get(6)?,
            answer: row.get(7)?,
            decided_by: row.get(8)?,
        })
    };
    tx.query(sql, args![task]).await?.iter().map(one).collect()
}

/// What tasks are called: the plan, the unit, the file.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT t.id, p.title, u.name, t.object FROM inspection_task t JOIN inspection_plan p ON p.id = t.plan
             JOIN unit u ON u.id = t.unit WHERE t.id IN ({list})"
        );
        for row in tx.query(sql, a).await? {
            let (plan, unit, object): (String, String, String) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            found.insert(
                row.get(0)?,
                format!("{plan} {unit} {object}").trim().to_owned(),
            );
        }
    }
    Ok(found)
}

/// The files with the last results of tasks, by hash; they have no other name.
pub(crate) async fn files(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, Vec<SourceFile>>> {
    let mut found: HashMap<Id, Vec<SourceFile>> = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut a = Args::new();
        let list = a.list(chunk.iter().copied());
        let sql = format!(
            "SELECT task, sha256, name, size FROM inspection_file WHERE task IN ({list}) ORDER BY task, at"
        );
        for row in tx.query(sql, a).await? {
            let file = SourceFile {
                sha256: row.get(1)?,
                name: row.get(2)?,
                size: row.get(3)?,
            };
            found.entry(row.get(0)?).or_default().push(file);
        }
    }
    Ok(found)
}

/// Keeps what a file with a task is called.
pub(crate) async fn add_file(
    tx: &mut Tx,
    task: Id,
    file: &desk::Attached,
    at: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO inspection_file (task, sha256, name, size, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let size = i64::try_from(file.size).map_err(Error::internal)?;
    let args = args![task, file.sha256.as_str(), file.name.as_str(), size, at];
    tx.execute(sql, args).await.map(|_| ())
}

/// The share of the last self-check of each unit by the same checklist, for the comparison with an inspection.
pub(crate) async fn self_shares(
    tx: &mut Tx,
    form: &str,
    kinds: &[&str],
    until: Date,
) -> Result<HashMap<kernel::UnitId, i64>> {
    let mut a = args![form, until];
    let kinds = a.list(kinds.iter().copied());
    let sql = format!(
        "SELECT t.unit, t.share FROM inspection_task t JOIN inspection_plan p ON p.id = t.plan
         WHERE p.form = $1 AND t.done_on <= $2 AND p.kind IN ({kinds}) AND t.share IS NOT NULL
             AND t.state IN ('handed-in', 'passed') ORDER BY t.done_on, t.id"
    );
    let mut found = HashMap::new();
    for row in tx.query(sql, a).await? {
        // The last one stays.
        found.insert(row.get(0)?, row.get(1)?);
    }
    Ok(found)
}
