//! Checklists, scores, objections, surveys, summaries.

use std::collections::HashMap;

use commons::forms::{Answers, Section};
use db::{Row, Tx, args};
use identity::Author;
use kernel::{Date, Id, PersonId, Result, Timestamp, UnitId};

use crate::checklist::{Listed, Objected, Scored};
use crate::model::Side;
use crate::survey::Window;

/// Another version of the checklist.
pub(crate) async fn put_list(
    tx: &mut Tx,
    campaign: Id,
    l: &Listed,
    by: Author,
    now: Timestamp,
) -> Result<()> {
    let sql =
        "INSERT INTO campaign_checklist (campaign, n, effective, sections, reason, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        campaign,
        l.n,
        l.effective,
        db::json(&l.sections)?,
        &l.reason,
        by.account,
        now
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Versions of the checklist, the last first.
pub(crate) async fn lists(tx: &mut Tx, campaign: Id) -> Result<Vec<Listed>> {
    let sql = "SELECT k.n, k.effective, k.sections, k.reason, COALESCE(p.name, a.login), k.at FROM campaign_checklist k
            LEFT JOIN account a ON a.id = k.account LEFT JOIN person p ON p.id = a.person
        WHERE k.campaign = $1 ORDER BY k.n DESC";
    let read = |row: &Row| {
        let sections: Vec<Section> = row.json(2)?;
        Ok(Listed {
            n: row.get(0)?,
            effective: row.get(1)?,
            sections,
            reason: row.get(3)?,
            name: row.get(4)?,
            at: row.get(5)?,
        })
    };
    tx.query(sql, args![campaign])
        .await?
        .iter()
        .map(read)
        .collect()
}

const SCORE: &str =
    "s.unit, s.n, s.form, s.marks, s.points, s.full_points, s.share, s.person, s.at";

fn scored(row: &Row) -> Result<Scored> {
    let marks: Answers = row.json(3)?;
    Ok(Scored {
        unit: row.get(0)?,
        n: row.get(1)?,
        sections: row.json(2)?,
        marks,
        points: row.get(4)?,
        full: row.get(5)?,
        share: row.get(6)?,
        person: row.get(7)?,
        at: row.get(8)?,
    })
}

/// Writes a score; false when another one came first.
pub(crate) async fn put_score(
    tx: &mut Tx,
    campaign: Id,
    side: Side,
    s: &Scored,
    by: Author,
) -> Result<bool> {
    let sql = "INSERT INTO campaign_score (campaign, unit, side, n, form, marks, points, full_points, share, person, account, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (campaign, unit, side, n) DO NOTHING";
    let values = args![
        campaign,
        s.unit,
        side.code(),
        s.n,
        db::json(&s.sections)?,
        db::json(&s.marks)?,
        s.points,
        s.full,
        s.share,
        s.person,
        by.account,
        s.at
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Scores of a unit, the last first.
pub(crate) async fn scores(
    tx: &mut Tx,
    campaign: Id,
    unit: UnitId,
    side: Side,
) -> Result<Vec<Scored>> {
    let sql = format!(
        "SELECT {SCORE} FROM campaign_score s WHERE s.campaign = $1 AND s.unit = $2 AND s.side = $3 ORDER BY s.n DESC"
    );
    let rows = tx.query(sql, args![campaign, unit, side.code()]).await?;
    rows.iter().map(scored).collect()
}

/// What each unit reached last on a side, in thousandths.
pub(crate) async fn shares(tx: &mut Tx, campaign: Id, side: Side) -> Result<HashMap<UnitId, i64>> {
    let sql = "SELECT s.unit, s.share FROM campaign_score s WHERE s.campaign = $1 AND s.side = $2 AND s.n =
           (SELECT MAX(z.n) FROM campaign_score z WHERE z.campaign = s.campaign AND z.unit = s.unit AND z.side = s.side)";
    let rows = tx.query(sql, args![campaign, side.code()]).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Objects to a score; false when somebody did before.
pub(crate) async fn put_objection(
    tx: &mut Tx,
    campaign: Id,
    unit: UnitId,
    o: &Objected,
) -> Result<bool> {
    let sql = "INSERT INTO campaign_objection (campaign, unit, n, said, person, at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (campaign, unit, n) DO NOTHING";
    let values = args![campaign, unit, o.n, &o.said, o.person, o.at];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Answers an objection; false when it was answered before.
pub(crate) async fn answer_objection(
    tx: &mut Tx,
    (campaign, unit, n): (Id, UnitId, i64),
    (upheld, answer): (bool, &str),
    person: PersonId,
    now: Timestamp,
) -> Result<bool> {
    let sql =
        "UPDATE campaign_objection SET upheld = $4, answer = $5, answered_by = $6, answered_at = $7
        WHERE campaign = $1 AND unit = $2 AND n = $3 AND answered_at IS NULL";
    let values = args![campaign, unit, n, upheld, answer, person, now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// What a unit objected to, the last first.
pub(crate) async fn objections(tx: &mut Tx, campaign: Id, unit: UnitId) -> Result<Vec<Objected>> {
    let sql = "SELECT n, said, person, at, upheld, answer, answered_by, answered_at FROM campaign_objection
        WHERE campaign = $1 AND unit = $2 ORDER BY n DESC";
    let read = |row: &Row| {
        Ok(Objected {
            n: row.get(0)?,
            said: row.get(1)?,
            person: row.get(2)?,
            at: row.get(3)?,
            upheld: row.get(4)?,
            answer: row.get(5)?,
            answered_by: row.get(6)?,
            answered_at: row.get(7)?,
        })
    };
    tx.query(sql, args![campaign, unit])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Units whose objection waits for an answer.
pub(crate) async fn waiting(tx: &mut Tx, campaign: Id) -> Result<Vec<UnitId>> {
    let sql =
        "SELECT DISTINCT unit FROM campaign_objection WHERE campaign = $1 AND answered_at IS NULL";
    let rows = tx.query(sql, args![campaign]).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Opens a survey from a day to a day, or changes its days.
pub(crate) async fn put_window(tx: &mut Tx, campaign: Id, w: Window) -> Result<()> {
    let sql = "INSERT INTO campaign_survey (campaign, opens, closes) VALUES ($1, $2, $3)
        ON CONFLICT (campaign) DO UPDATE SET opens = excluded.opens, closes = excluded.closes";
    tx.execute(sql, args![campaign, w.opens, w.closes])
        .await
        .map(|_| ())
}

/// The days of a survey.
pub(crate) async fn window(tx: &mut Tx, campaign: Id) -> Result<Option<Window>> {
    let sql = "SELECT opens, closes FROM campaign_survey WHERE campaign = $1";
    let row = tx.optional(sql, args![campaign]).await?;
    let read = |row: Row| {
        Ok(Window {
            opens: row.get::<Date>(0)?,
            closes: row.get::<Date>(1)?,
        })
    };
    row.map(read).transpose()
}

/// Writes down that somebody answered; false when they did before.
pub(crate) async fn put_voice(tx: &mut Tx, campaign: Id, person: PersonId) -> Result<bool> {
    let sql =
        "INSERT INTO campaign_voice (campaign, person) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, args![campaign, person]).await? == 1)
}

/// Whether somebody answered.
pub(crate) async fn spoke(tx: &mut Tx, campaign: Id, person: PersonId) -> Result<bool> {
    let sql = "SELECT 1 FROM campaign_voice WHERE campaign = $1 AND person = $2";
    Ok(tx.optional(sql, args![campaign, person]).await?.is_some())
}

/// Keeps what was answered, by nobody.
pub(crate) async fn put_answer(tx: &mut Tx, campaign: Id, id: Id, body: &Answers) -> Result<()> {
    let sql = "INSERT INTO campaign_answer (campaign, id, body) VALUES ($1, $2, $3)";
    tx.execute(sql, args![campaign, id, db::json(body)?])
        .await
        .map(|_| ())
}

/// All that was answered.
pub(crate) async fn answers(tx: &mut Tx, campaign: Id) -> Result<Vec<Answers>> {
    let sql = "SELECT body FROM campaign_answer WHERE campaign = $1 ORDER BY id";
    let rows = tx.query(sql, args![campaign]).await?;
    rows.iter().map(|row| row.json(0)).collect()
}

/// A version of the summary (总结报告).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub n: i64,
    /// The text.
    pub body: String,
    /// What was learnt (经验教训).
    pub lessons: String,
    /// When.
    pub at: Timestamp,
}

/// Keeps a version of the summary.
pub(crate) async fn put_summary(tx: &mut Tx, campaign: Id, s: &Summary, by: Author) -> Result<()> {
    let sql = "INSERT INTO campaign_summary (campaign, n, body, lessons, account, at) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = args![campaign, s.n, &s.body, &s.lessons, by.account, s.at];
    tx.execute(sql, values).await.map(|_| ())
}

/// The last version of the summary.
pub(crate) async fn summary(tx: &mut Tx, campaign: Id) -> Result<Option<Summary>> {
    let sql = "SELECT n, body, lessons, at FROM campaign_summary WHERE campaign = $1 ORDER BY n DESC LIMIT 1";
    let row = tx.optional(sql, args![campaign]).await?;
    let read = |row: Row| {
        Ok(Summary {
            n: row.get(0)?,
            body: row.get(1)?,
            lessons: row.get(2)?,
            at: row.get(3)?,
        })
    };
    row.map(read).transpose()
}
