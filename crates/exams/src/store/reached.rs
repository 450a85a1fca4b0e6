//! SQL of what candidates reached: which attempt counts is worked out by the database, so that figures of twenty
//! thousand are a few rows, and a list is read by pages behind a mark.

use db::{Args, Row, Tx, args};
use kernel::{Id, PersonId, Result, Scope, Timestamp, UnitId};
use web::table::Order;

use crate::model::{Exam, Takes};
use crate::results::{Figures, State};

/// Whose lines are wanted.
pub(crate) enum Whose<'c> {
    /// All on the list of the examination.
    All,
    /// These of them.
    These(&'c [Id]),
}

/// What a list of results asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Part of a name or number.
    pub(crate) text: String,
    /// Of this unit and those below it.
    pub(crate) under: Option<UnitId>,
    pub(crate) state: Option<State>,
    /// Those of whom something counts.
    pub(crate) counted: bool,
}

/// One on the list with what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) candidate: Id,
    pub(crate) person: Option<PersonId>,
    pub(crate) unit: Option<UnitId>,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) place: String,
    pub(crate) attempts: i64,
    pub(crate) state: State,
    /// The attempt that counts.
    pub(crate) counts: Option<Counts>,
}

/// The attempt that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) attempt: Id,
    pub(crate) began: Timestamp,
    pub(crate) submitted: Timestamp,
    pub(crate) revision: i64,
    pub(crate) points: i64,
    pub(crate) full: i64,
    pub(crate) correct: i64,
}

/// The rows of candidates with what counts of each, as a table `l`; what is asked of it stands behind it. The
/// attempt that counts is ranked first: of the best one that a person still marks comes before all others, since it
/// may become the best. Only tables with indexes are joined, so that a database that has not looked at its rows yet
/// does not go through all attempts for each candidate.
fn lines(exam: &Exam, whose: &Whose<'_>, a: &mut Args) -> String {
    let order = match exam.terms.takes {
        Takes::Best => "CASE WHEN r.waiting > 0 THEN 0 ELSE 1 END, r.points DESC, b.number",
        Takes::Last => "b.number DESC",
        Takes::First => "b.number",
    };
    // Arguments stand in the order of the text.
    let judged = match exam.terms.pass {
        None => "'sat'".to_owned(),
        Some(pass) => format!(
            "CASE WHEN s.points >= {} THEN 'passed' ELSE 'failed' END",
            a.push(pass)
        ),
    };
    let listed = match whose {
        Whose::All => format!("c.exam = {}", a.push(exam.id)),
        Whose::These(ids) => format!("c.id IN ({})", a.list(ids.iter().copied())),
    };
    format!(
        "WITH l AS (
            SELECT s.id, s.person, s.unit, COALESCE(p.name, s.name) AS name,
                COALESCE(p.staff_no, s.number) AS number, s.place, s.tries,
                CASE WHEN s.counts = 1 THEN {judged} WHEN s.tries = 0 THEN 'absent'
                    WHEN s.sitting > 0 THEN 'sitting' WHEN s.voids = s.tries THEN 'void' ELSE 'waiting' END AS state,
                CASE WHEN s.counts = 1 THEN s.attempt END AS attempt, s.began, s.submitted, s.revision,
                CASE WHEN s.counts = 1 THEN s.points END AS points, s.total, s.correct
            FROM (
                SELECT c.id, c.person, c.unit, c.name, c.number, c.place, c.revoked, b.id AS attempt, b.began,
                    b.submitted, r.revision, r.points, r.total, r.correct,
                    CASE WHEN r.waiting = 0 AND v.attempt IS NULL THEN 1 ELSE 0 END AS counts,
                    CAST(COUNT(b.id) OVER (PARTITION BY c.id) AS BIGINT) AS tries,
                    SUM(CASE WHEN b.id IS NOT NULL AND b.submitted IS NULL THEN 1 ELSE 0 END)
                        OVER (PARTITION BY c.id) AS sitting,
                    SUM(CASE WHEN v.attempt IS NULL THEN 0 ELSE 1 END) OVER (PARTITION BY c.id) AS voids,
                    ROW_NUMBER() OVER (PARTITION BY c.id
                        ORDER BY CASE WHEN r.attempt IS NULL OR v.attempt IS NOT NULL THEN 1 ELSE 0 END, {order}) AS nth
                FROM exam_candidate c LEFT JOIN exam_attempt b ON b.candidate = c.id
                LEFT JOIN exam_result r ON r.attempt = b.id
                    AND r.revision = (SELECT MAX(x.revision) FROM exam_result x WHERE x.attempt = b.id)
                LEFT JOIN exam_void v ON v.attempt = b.id
                WHERE {listed}) s
            LEFT JOIN person p ON p.id = s.person
            WHERE s.nth = 1 AND (s.revoked IS NULL OR s.tries > 0))"
    )
}

const LINE: &str = "l.id, l.person, l.unit, l.name, l.number, l.place, l.tries, l.state, l.attempt, l.began, \
    l.submitted, l.revision, l.points, l.total, l.correct";

fn line(row: &Row) -> Result<Reached> {
    let attempt: Option<Id> = row.get(8)?;
    let counts = match attempt {
        None => None,
        Some(attempt) => Some(Counts {
            attempt,
            began: row.get(9)?,
            submitted: row.get(10)?,
            revision: row.get(11)?,
            points: row.get(12)?,
            full: row.get(13)?,
            correct: row.get(14)?,
        }),
    };
    let state: String = row.get(7)?;
    Ok(Reached {
        candidate: row.get(0)?,
        person: row.get(1)?,
        unit: row.get(2)?,
        name: row.get(3)?,
        number: row.get(4)?,
        place: row.get(5)?,
        attempts: row.get(6)?,
        state: State::of_code(&state).unwrap_or(State::Waiting),
        counts,
    })
}

impl Filter {
    fn sql(&self, a: &mut Args) -> String {
        let mut conditions = "1=1".to_owned();
        if !self.text.trim().is_empty() {
            let text = self.text.trim().to_lowercase();
            let text = text
                .replace('!', "!!")
                .replace('%', "!%")
                .replace('_', "!_");
            let (name, number) = (a.push(format!("%{text}%")), a.push(format!("%{text}%")));
            conditions += &format!(
                " AND (LOWER(l.name) LIKE {name} ESCAPE '!' OR LOWER(l.number) LIKE {number} ESCAPE '!')"
            );
        }
        if let Some(unit) = self.under {
            let under = organization::scope_sql(&Scope::Under(vec![unit]), "l.unit", a);
            conditions += &format!(" AND {under}");
        }
        if let Some(state) = self.state {
            conditions += &format!(" AND l.state = {}", a.push(state.code()));
        }
        if self.counted {
            conditions += " AND l.attempt IS NOT NULL";
        }
        conditions
    }
}

/// Figures of the candidates of each unit; none: of those of no unit.
pub(crate) async fn by_unit(tx: &mut Tx, exam: &Exam) -> Result<Vec<(Option<UnitId>, Figures)>> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::All, &mut a);
    let sql = format!(
        "{lines} SELECT l.unit, CAST(COUNT(*) AS BIGINT),
            CAST(SUM(CASE WHEN l.tries > 0 THEN 1 ELSE 0 END) AS BIGINT), CAST(COUNT(l.attempt) AS BIGINT),
            CAST(SUM(CASE WHEN l.state = 'passed' THEN 1 ELSE 0 END) AS BIGINT),
            CAST(COALESCE(SUM(l.points), 0) AS BIGINT)
         FROM l GROUP BY l.unit"
    );
    let rows = tx.query(sql, a).await?;
    let figures = |r: &Row| {
        let figures = Figures {
            admitted: r.get(1)?,
            sat: r.get(2)?,
            counted: r.get(3)?,
            passed: r.get(4)?,
            points: r.get(5)?,
        };
        Ok((r.get(0)?, figures))
    };
    rows.iter().map(figures).collect()
}

/// How many lines a list has.
pub(crate) async fn count(tx: &mut Tx, exam: &Exam, filter: &Filter) -> Result<i64> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::All, &mut a);
    let conditions = filter.sql(&mut a);
    let sql = format!("{lines} SELECT CAST(COUNT(*) AS BIGINT) FROM l WHERE {conditions}");
    tx.one(sql, a).await?.get(0)
}

/// What a list is put in order by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rank {
    Text(String),
    Number(i64),
}

/// Where a page begins: behind a line, in the order of the list or against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    rank: Rank,
    candidate: Id,
}

impl Mark {
    /// The place of a line in an order.
    pub(crate) fn of(line: &Reached, order: Order) -> Self {
        let counts = line.counts.as_ref();
        Self {
            rank: match order.by {
                "points" => Rank::Number(counts.map_or(-1, |c| c.points)),
                "at" => Rank::Number(counts.map_or(-1, |c| c.submitted.0)),
                _ => Rank::Text(line.number.clone()),
            },
            candidate: line.candidate,
        }
    }

    /// As addresses have it.
    pub(crate) fn text(&self) -> String {
        match &self.rank {
            Rank::Text(text) => format!("{}.{text}", self.candidate),
            Rank::Number(number) => format!("{}.{number}", self.candidate),
        }
    }

    /// From an address.
    pub(crate) fn read(text: &str, order: Order) -> Option<Self> {
        let (candidate, rank) = text.split_once('.')?;
        Some(Self {
            rank: match order.by {
                "points" | "at" => Rank::Number(rank.parse().ok()?),
                _ => Rank::Text(rank.to_owned()),
            },
            candidate: candidate.parse().ok()?,
        })
    }
}

/// A page of lines: those behind the mark, or with `back` those before it, always in the order of the list.
pub(crate) async fn page(
    tx: &mut Tx,
    exam: &Exam,
    filter: &Filter,
    order: Order,
    (mark, back): (Option<&Mark>, bool),
    limit: i64,
) -> Result<Vec<Reached>> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::All, &mut a);
    let mut conditions = filter.sql(&mut a);
    let by = match order.by {
        "points" => "COALESCE(l.points, -1)",
        "at" => "CASE WHEN l.attempt IS NULL THEN -1 ELSE l.submitted END",
        _ => "l.number",
    };
    let (sign, way) = if order.down == back {
        (">", "ASC")
    } else {
        ("<", "DESC")
    };
    if let Some(mark) = mark {
        let rank = |a: &mut Args| match &mark.rank {
            Rank::Text(text) => a.push(text),
            Rank::Number(number) => a.push(*number),
        };
        let (past, same) = (rank(&mut a), rank(&mut a));
        let id = a.push(mark.candidate);
        conditions += &format!(" AND ({by} {sign} {past} OR ({by} = {same} AND l.id {sign} {id}))");
    }
    let limit = a.push(limit);
    let sql = format!(
        "{lines} SELECT {LINE} FROM l WHERE {conditions} ORDER BY {by} {way}, l.id {way} LIMIT {limit}"
    );
    let rows = tx.query(sql, a).await?;
    let mut found: Vec<Reached> = rows.iter().map(line).collect::<Result<_>>()?;
    if back {
        found.reverse();
    }
    Ok(found)
}

/// The lines of some candidates.
pub(crate) async fn of(tx: &mut Tx, exam: &Exam, candidates: &[Id]) -> Result<Vec<Reached>> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::These(candidates), &mut a);
    let sql = format!("{lines} SELECT {LINE} FROM l ORDER BY l.id");
    tx.query(sql, a).await?.iter().map(line).collect()
}

/// Candidates with an account of whom something else counts than what stands in the ledger.
pub(crate) async fn unsettled(tx: &mut Tx, exam: &Exam) -> Result<Vec<Id>> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::All, &mut a);
    let sql = format!(
        "{lines} SELECT l.id FROM l LEFT JOIN exam_counted n ON n.candidate = l.id
         WHERE l.person IS NOT NULL AND CASE WHEN n.candidate IS NULL OR NOT n.stands THEN l.attempt IS NOT NULL
            ELSE l.attempt IS NULL OR l.attempt <> n.attempt OR l.revision <> n.revision END
         ORDER BY l.id"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// Candidates of whom something else counts than what the tallies of questions have.
pub(crate) async fn untallied(tx: &mut Tx, exam: &Exam) -> Result<Vec<Id>> {
    let mut a = Args::new();
    let lines = lines(exam, &Whose::All, &mut a);
    let sql = format!(
        "{lines} SELECT l.id FROM l LEFT JOIN exam_tallied n ON n.candidate = l.id
         WHERE CASE WHEN n.attempt IS NULL THEN l.attempt IS NOT NULL
            ELSE l.attempt IS NULL OR l.attempt <> n.attempt OR l.revision <> n.revision END
         ORDER BY l.id"
    );
    let rows = tx.query(sql, a).await?;
    rows.iter().map(|r| r.get(0)).collect()
}

/// The longest extra time on a list, and how many attempts are still open.
pub(crate) async fn running(tx: &mut Tx, exam: Id) -> Result<(i64, i64)> {
    let row = tx
        .one(
            "SELECT (SELECT COALESCE(MAX(c.extra), 0) FROM exam_candidate c WHERE c.exam = $1),
                (SELECT CAST(COUNT(*) AS BIGINT) FROM exam_attempt a WHERE a.exam = $2 AND a.submitted IS NULL)",
            args![exam, exam],
        )
        .await?;
    Ok((row.get(0)?, row.get(1)?))
}
