//! SQL of making examinations: what officers say of them, their papers, what papers have used.

use std::collections::HashMap;

use db::{Args, Migration, Row, Tx, args};
use kernel::{AccountId, Error, Id, Result, Scope, Timestamp, UnitId};
use web::table::{Order, Window};

use super::{EXAM, exam_of};
use crate::model::{Exam, Stage};
use crate::office::{Details, Held};
use crate::ticket::Key;

/// What officers need beside the engine's tables.
pub(crate) const MIGRATION: Migration = Migration {
    name: "exams_20261122_making",
    sql: "
    ALTER TABLE exam ADD COLUMN notice TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam ADD COLUMN level TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam ADD COLUMN makes_up {blob};
    ALTER TABLE exam ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
    ALTER TABLE exam ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE exam ADD COLUMN settled BIGINT;
    ALTER TABLE exam_paper ADD COLUMN sealed {blob};
    ALTER TABLE exam_paper ADD COLUMN recipe TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam_paper ADD COLUMN seed BIGINT;
    ALTER TABLE exam_candidate ADD COLUMN number TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam_candidate ADD COLUMN place TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam_candidate ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    ALTER TABLE exam_candidate ADD COLUMN sealed {blob};
    CREATE INDEX exam_closing ON exam (closes, id);
    CREATE INDEX exam_candidate_whose ON exam_candidate (person, exam);
    CREATE TABLE exam_used (
        question {blob} NOT NULL, exam {blob} NOT NULL REFERENCES exam, version BIGINT NOT NULL,
        PRIMARY KEY (question, exam)) {clustered};
    CREATE INDEX exam_used_exam ON exam_used (exam, question);
    CREATE TABLE exam_void (
        attempt {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, reason TEXT NOT NULL,
        made_at BIGINT NOT NULL, made_by {blob} NOT NULL);
    CREATE INDEX exam_void_exam ON exam_void (exam);
    CREATE TABLE exam_key (
        exam {blob} NOT NULL REFERENCES exam, item BIGINT NOT NULL, number BIGINT NOT NULL, version BIGINT NOT NULL,
        question TEXT NOT NULL, reason TEXT NOT NULL, made_at BIGINT NOT NULL, made_by {blob} NOT NULL,
        PRIMARY KEY (exam, item, number)) {clustered};
    CREATE TABLE exam_counted (
        candidate {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, attempt {blob} NOT NULL,
        revision BIGINT NOT NULL, points BIGINT NOT NULL, role TEXT NOT NULL, stands BOOLEAN NOT NULL) {clustered};
    CREATE INDEX exam_counted_exam ON exam_counted (exam, candidate);
    CREATE TABLE exam_item (
        id {blob} PRIMARY KEY, exam {blob} NOT NULL REFERENCES exam, item BIGINT NOT NULL,
        asked BIGINT NOT NULL, correct BIGINT NOT NULL);
    CREATE UNIQUE INDEX exam_item_number ON exam_item (exam, item);
    ",
};

const HELD: &str = "e.notice, e.level, e.makes_up, e.version, e.changes, e.settled, e.made_by";

fn held_of(row: &Row) -> Result<(Held, Key)> {
    let (exam, key) = exam_of(row)?;
    let held = Held {
        exam,
        about: Details {
            notice: row.get(17)?,
            level: row.get(18)?,
            makes_up: row.get(19)?,
        },
        version: row.get(20)?,
        changes: row.get(21)?,
        settled: row.get(22)?,
        by: row.get(23)?,
    };
    Ok((held, key))
}

/// An examination of a scope with all that officers said of it.
pub(crate) async fn held(tx: &mut Tx, id: Id, scope: &Scope) -> Result<(Held, Key)> {
    let mut args = args![id];
    let here = organization::scope_sql(scope, "e.unit", &mut args);
    let sql = format!("SELECT {EXAM}, {HELD} FROM exam e WHERE e.id = $1 AND {here}");
    let row = tx.optional(sql, args).await?;
    row.as_ref()
        .map(held_of)
        .transpose()?
        .ok_or(Error::NotFound)
}

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Part of the title.
    pub(crate) text: String,
    pub(crate) under: Option<UnitId>,
    pub(crate) kind: Option<String>,
    /// `draft`, `coming`, `open`, `over`, `cancelled`; none: all.
    pub(crate) state: Option<&'static str>,
}

/// A page of the examinations of a scope, and how many there are.
pub(crate) async fn list(
    tx: &mut Tx,
    (scope, now): (&Scope, Timestamp),
    filter: &Filter,
    order: Order,
    window: Window,
) -> Result<(Vec<Held>, i64)> {
    let mut a = Args::new();
    let mut conditions = organization::scope_sql(scope, "e.unit", &mut a);
    if !filter.text.trim().is_empty() {
        let text = filter.text.trim().to_lowercase();
        let text = text
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        let text = a.push(format!("%{text}%"));
        conditions += &format!(" AND LOWER(e.title) LIKE {text} ESCAPE '!'");
    }
    if let Some(unit) = filter.under {
        let under = organization::scope_sql(&Scope::Under(vec![unit]), "e.unit", &mut a);
        conditions += &format!(" AND {under}");
    }
    if let Some(kind) = &filter.kind {
        conditions += &format!(" AND e.kind = {}", a.push(kind));
    }
    match filter.state {
        Some("draft") => conditions += " AND e.stage = 'draft'",
        Some("cancelled") => conditions += " AND e.stage = 'cancelled'",
        Some("coming") => {
            conditions += &format!(" AND e.stage = 'published' AND e.opens > {}", a.push(now));
        }
        Some("open") => {
            let (from, to) = (a.push(now), a.push(now));
            conditions +=
                &format!(" AND e.stage = 'published' AND e.opens <= {from} AND e.closes > {to}");
        }
        Some(_) => {
            conditions += &format!(" AND e.stage = 'published' AND e.closes <= {}", a.push(now));
        }
        None => {}
    }
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM exam e WHERE {conditions}");
    let total = tx.one(sql, a.clone()).await?.get(0)?;
    let (limit, offset) = (a.push(window.size), a.push(window.offset(total)));
    let way = order.way();
    let by = match order.by {
        "title" => format!("e.title {way}, e.id"),
        _ => format!("e.opens {way}, e.id {way}"),
    };
    let sql = format!(
        "SELECT {EXAM}, {HELD} FROM exam e WHERE {conditions} ORDER BY {by} LIMIT {limit} OFFSET {offset}"
    );
    let rows = tx.query(sql, a).await?;
    let found = rows.iter().map(|row| Ok(held_of(row)?.0));
    Ok((found.collect::<Result<_>>()?, total))
}

/// How many are on the lists of examinations.
pub(crate) async fn admitted(tx: &mut Tx, exams: &[Id]) -> Result<HashMap<Id, i64>> {
    let mut args = Args::new();
    let list = args.list(exams.iter().copied());
    let sql = format!(
        "SELECT exam, CAST(COUNT(*) AS BIGINT) FROM exam_candidate WHERE exam IN ({list}) AND revoked IS NULL
         GROUP BY exam"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// What officers say of a new examination beside its rules.
pub(crate) async fn put_about(tx: &mut Tx, id: Id, about: &Details) -> Result<()> {
    let sql = "UPDATE exam SET notice = $2, level = $3, makes_up = $4 WHERE id = $1";
    let args = args![id, &about.notice, &about.level, about.makes_up];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Changes a draft; false when it is none any more or was changed since this version.
pub(crate) async fn change(
    tx: &mut Tx,
    exam: &Exam,
    about: &Details,
    version: i64,
) -> Result<bool> {
    let t = &exam.terms;
    let changed = tx
        .execute(
            "UPDATE exam SET kind = $3, title = $4, opens = $5, closes = $6, seconds = $7, grace = $8, late = $9,
                attempts = $10, takes = $11, pass = $12, shows = $13, notice = $14, level = $15, makes_up = $16,
                version = version + 1
             WHERE id = $1 AND version = $2 AND stage = 'draft'",
            args![
                exam.id,
                version,
                &t.kind,
                &t.title,
                t.opens,
                t.closes,
                t.seconds,
                t.grace,
                t.late,
                t.attempts,
                t.takes.code(),
                t.pass,
                t.shows.code(),
                &about.notice,
                &about.level,
                about.makes_up
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Moves an examination on as it was looked at; false when it was changed since.
pub(crate) async fn step(
    tx: &mut Tx,
    id: Id,
    version: i64,
    (from, to): (Stage, Stage),
) -> Result<bool> {
    let sql = "UPDATE exam SET stage = $4, version = version + 1 WHERE id = $1 AND version = $2 AND stage = $3";
    let changed = tx
        .execute(sql, args![id, version, from.code(), to.code()])
        .await?;
    Ok(changed == 1)
}

/// A paper as it is kept: readable, or sealed.
pub(crate) struct PaperRow {
    pub(crate) content: String,
    pub(crate) sealed: Option<Vec<u8>>,
    /// What it was drawn by, as JSON; empty: chosen by hand.
    pub(crate) recipe: String,
    pub(crate) seed: Option<i64>,
}

pub(crate) async fn paper_row(tx: &mut Tx, id: Id) -> Result<PaperRow> {
    let sql = "SELECT content, sealed, recipe, seed FROM exam_paper WHERE id = $1";
    let row = tx.optional(sql, args![id]).await?.ok_or(Error::NotFound)?;
    Ok(PaperRow {
        content: row.get(0)?,
        sealed: row.get(1)?,
        recipe: row.get(2)?,
        seed: row.get(3)?,
    })
}

/// Puts another content in the place of a draft's; the caller holds the draft by its version.
pub(crate) async fn set_paper(
    tx: &mut Tx,
    (id, paper): (Id, &crate::Paper),
    (content, sealed): crate::office::Kept,
    drawn: Option<(&str, u64)>,
) -> Result<()> {
    let (recipe, seed) = drawn.map_or(("", None), |(r, s)| (r, Some(s.cast_signed())));
    tx.execute(
        "UPDATE exam_paper SET title = $2, content = $3, sealed = $4, items = $5, points = $6, recipe = $7, seed = $8
         WHERE id = $1",
        args![
            id,
            &paper.title,
            content,
            sealed,
            paper.length() as i64,
            paper.full(),
            recipe,
            seed
        ],
    )
    .await?;
    Ok(())
}

/// Seals a paper that is still kept readable: an older program left it so.
pub(crate) async fn seal(
    tx: &mut Tx,
    id: Id,
    (content, sealed): crate::office::Kept,
) -> Result<()> {
    let sql = "UPDATE exam_paper SET content = $2, sealed = $3 WHERE id = $1";
    tx.execute(sql, args![id, content, sealed]).await?;
    Ok(())
}

/// Holds a draft for a change of its paper; false when it is none any more or was changed since.
pub(crate) async fn touch_draft(tx: &mut Tx, id: Id, version: i64) -> Result<bool> {
    let sql =
        "UPDATE exam SET version = version + 1 WHERE id = $1 AND version = $2 AND stage = 'draft'";
    Ok(tx.execute(sql, args![id, version]).await? == 1)
}

/// Notes which questions a published paper uses.
pub(crate) async fn put_used(tx: &mut Tx, exam: Id, used: &[(Id, i64)]) -> Result<()> {
    let mut args = Args::new();
    for (question, version) in used {
        args.push(*question);
        args.push(exam);
        args.push(*version);
    }
    let head = "INSERT INTO exam_used (question, exam, version) VALUES";
    tx.insert_many(head, 3, "ON CONFLICT (question, exam) DO NOTHING", args)
        .await?;
    Ok(())
}

/// Questions in the last papers that a unit published.
pub(crate) async fn used_lately(tx: &mut Tx, unit: UnitId, papers: i64) -> Result<Vec<Id>> {
    let rows = tx
        .query(
            "SELECT DISTINCT u.question FROM exam_used u JOIN (
                SELECT e.id FROM exam e WHERE e.unit = $1 AND e.stage = 'published' ORDER BY e.opens DESC, e.id DESC LIMIT $2
             ) l ON l.id = u.exam",
            args![unit, papers],
        )
        .await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Questions in papers since a moment that somebody on this list was admitted to.
pub(crate) async fn used_by_candidates(tx: &mut Tx, exam: Id, since: Timestamp) -> Result<Vec<Id>> {
    let rows = tx
        .query(
            "SELECT DISTINCT u.question FROM exam_used u JOIN exam e ON e.id = u.exam
             WHERE e.opens >= $2 AND e.stage = 'published' AND e.id IN (
                SELECT o.exam FROM exam_candidate c JOIN exam_candidate o ON o.person = c.person WHERE c.exam = $1)",
            args![exam, since],
        )
        .await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// The corrected questions of an examination by item, the last of each.
pub(crate) async fn corrections(
    tx: &mut Tx,
    exam: Id,
) -> Result<Vec<(u16, i64, questions::Question)>> {
    let sql = "SELECT item, version, question FROM exam_key WHERE exam = $1 ORDER BY item, number";
    let rows = tx.query(sql, args![exam]).await?;
    let read = |row: &Row| {
        let item: i64 = row.get(0)?;
        let question: String = row.get(2)?;
        Ok((
            u16::try_from(item).map_err(Error::internal)?,
            row.get(1)?,
            serde_json::from_str(&question).map_err(Error::internal)?,
        ))
    };
    rows.iter().map(read).collect()
}

/// Other examinations of a unit, the latest first, to be made up.
pub(crate) async fn others(tx: &mut Tx, unit: UnitId, but: Id) -> Result<Vec<(Id, String)>> {
    let sql = "SELECT id, title FROM exam WHERE unit = $1 AND id <> $2 AND stage = 'published'
        ORDER BY opens DESC, id LIMIT 50";
    let rows = tx.query(sql, args![unit, but]).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Titles of examinations.
pub(crate) async fn titles(tx: &mut Tx, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut args = Args::new();
    let list = args.list(ids.iter().copied());
    let sql = format!("SELECT id, title FROM exam WHERE id IN ({list})");
    let rows = tx.query(sql, args).await?;
    rows.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}

/// Who made a change, for keys that were corrected.
pub(crate) struct Correction<'q> {
    pub(crate) exam: Id,
    pub(crate) item: u16,
    pub(crate) number: i64,
    pub(crate) version: i64,
    pub(crate) question: &'q questions::Question,
    pub(crate) reason: &'q str,
}

/// Keeps a corrected question; false when another one was kept meanwhile.
pub(crate) async fn put_correction(
    tx: &mut Tx,
    c: &Correction<'_>,
    (at, by): (Timestamp, AccountId),
) -> Result<bool> {
    let question = serde_json::to_string(c.question).map_err(Error::internal)?;
    let sql =
        "INSERT INTO exam_key (exam, item, number, version, question, reason, made_at, made_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (exam, item, number) DO NOTHING";
    let args = args![
        c.exam,
        i64::from(c.item),
        c.number,
        c.version,
        question,
        c.reason,
        at,
        by
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

/// Papers that pin a question: examination, title, version, when it opened; in a scope, the latest first.
pub(crate) async fn pinned(
    tx: &mut Tx,
    question: Id,
    scope: &Scope,
) -> Result<Vec<(Id, String, i64, Timestamp)>> {
    let mut args = args![question];
    let here = organization::scope_sql(scope, "e.unit", &mut args);
    let sql = format!(
        "SELECT e.id, e.title, u.version, e.opens FROM exam_used u JOIN exam e ON e.id = u.exam
         WHERE u.question = $1 AND {here} ORDER BY e.opens DESC, e.id LIMIT 200"
    );
    let rows = tx.query(sql, args).await?;
    rows.iter()
        .map(|r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .collect()
}

/// How many questions somebody gets, and their full marks.
pub(crate) async fn paper_size(tx: &mut Tx, paper: Id) -> Result<(i64, i64)> {
    let sql = "SELECT items, points FROM exam_paper WHERE id = $1";
    let row = tx.one(sql, args![paper]).await?;
    Ok((row.get(0)?, row.get(1)?))
}
