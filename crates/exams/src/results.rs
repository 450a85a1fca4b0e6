//! Results (成绩): which attempt counts, how many passed, which questions were right; released, made void, marked anew.

use std::collections::{BTreeMap, HashMap};

use db::{Tx, transaction};
use identity::Actor;
use kernel::{Error, Id, Msg, Result, Scope, UnitId};
use questions::{Answer, Question};
use serde_json::json;

use crate::Mark;
use crate::model::{Shows, Stage, Takes};
use crate::office::{Held, Office, reason, who};
use crate::store::making::{self, Correction};
use crate::store::results::{self, Sat, Tried};
use crate::store::tallies::{self, Tally};
use crate::store::{self, Marked, reached};
use crate::telling::Turned;

/// Attempts that are marked anew in one transaction.
const TOGETHER: usize = 100;

/// A candidate with all attempts.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) of: Sat,
    pub(crate) attempts: Vec<Tried>,
}

impl Line {
    /// The attempt that counts; none while it is not sat, or waits for a person who marks.
    pub(crate) fn counts(&self, takes: Takes) -> Option<&Tried> {
        let stand = |t: &&Tried| t.void.is_none() && t.submitted.is_some() && t.marked.is_some();
        let standing: Vec<&Tried> = self.attempts.iter().filter(stand).collect();
        let waits = |t: &Tried| t.marked.is_none_or(|m| m.4 > 0);
        let chosen = match takes {
            Takes::Best if standing.iter().any(|t| waits(t)) => None,
            // Of equal ones the first.
            Takes::Best => standing
                .into_iter()
                .rev()
                .max_by_key(|t| t.marked.map_or(0, |m| m.1)),
            Takes::Last => standing.last().copied(),
            Takes::First => standing.first().copied(),
        };
        chosen.filter(|t| !waits(t))
    }
}

/// How somebody stands in the results (成绩状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Enough points (合格).
    Passed,
    /// Too few (不合格).
    Failed,
    /// Something counts where nobody passes or fails (有成绩).
    Sat,
    /// Never began (缺考).
    Absent,
    /// Sits just now (作答中).
    Sitting,
    /// All attempts are void (已作废).
    Void,
    /// A person still marks (待阅卷).
    Waiting,
}

impl State {
    /// Every one, in the order in which a list offers them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Passed,
        Self::Failed,
        Self::Sat,
        Self::Absent,
        Self::Sitting,
        Self::Waiting,
        Self::Void,
    ];

    /// As tables and addresses have it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Sat => "sat",
            Self::Absent => "absent",
            Self::Sitting => "sitting",
            Self::Void => "void",
            Self::Waiting => "waiting",
        }
    }

    /// From a table or an address.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A candidate with all attempts.
pub(crate) async fn line(tx: &mut Tx, candidate: Id) -> Result<Line> {
    let rows = results::of_candidate(tx, candidate).await?;
    let attempts = rows.iter().filter_map(|sat| sat.attempt.clone()).collect();
    let of = rows.into_iter().next().ok_or(Error::NotFound)?;
    Ok(Line { of, attempts })
}

/// Figures of some candidates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) admitted: i64,
    pub(crate) sat: i64,
    pub(crate) counted: i64,
    pub(crate) passed: i64,
    /// Sum of the points that count.
    pub(crate) points: i64,
}

impl Figures {
    pub(crate) fn add(&mut self, more: &Self) {
        self.admitted += more.admitted;
        self.sat += more.sat;
        self.counted += more.counted;
        self.passed += more.passed;
        self.points += more.points;
    }
}

/// Figures of the parts of a unit: of those below it, and under itself those of its own people. The whole of them,
/// and what belongs to no part of it.
pub(crate) fn by_unit(
    units: &[(Option<UnitId>, Figures)],
    paths: &HashMap<UnitId, Vec<UnitId>>,
    node: UnitId,
) -> (BTreeMap<UnitId, Figures>, Figures, Figures) {
    let (mut whole, mut others) = (Figures::default(), Figures::default());
    let mut parts = BTreeMap::<_, Figures>::new();
    for (unit, figures) in units {
        let path = unit
            .and_then(|u| paths.get(&u))
            .map_or(&[][..], Vec::as_slice);
        match path.iter().position(|u| *u == node) {
            Some(at) => {
                let part = path.get(at + 1).copied().unwrap_or(node);
                parts.entry(part).or_default().add(figures);
                whole.add(figures);
            }
            None => others.add(figures),
        }
    }
    (parts, whole, others)
}

impl Office {
    /// Releases results by hand: examinees see them, and they count in the ledger.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when they are not released by hand, were released, or somebody may still be sitting.
    pub async fn release(&self, id: Id, scope: &Scope, actor: impl Into<Actor>) -> Result<()> {
        let actor = actor.into();
        let by = who(&actor)?;
        let now = self.exams.env.now();
        transaction!(self.exams.db, |tx| {
            let (held, _) = making::held(tx, id, scope).await?;
            let t = &held.exam.terms;
            if t.shows != Shows::ByHand {
                return Err(Error::Conflict(Msg::new("exam-release-itself")));
            }
            if now <= t.closes || results::open(tx, id).await? > 0 {
                return Err(Error::Conflict(Msg::new("exam-release-early")));
            }
            if !results::release(tx, id, now).await? {
                return Err(Error::Conflict(Msg::new("exam-release-twice")));
            }
            let detail = json!({ "title": t.title });
            self.trace(tx, &actor, "exam.released", id, detail).await
        })?;
        self.settle(id, Some(by)).await.map(|_| ())
    }

    /// Makes an attempt count no more (作废), or count again; a person says why.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it stood so already.
    pub async fn void(
        &self,
        attempt: Id,
        void: bool,
        why: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let by = who(&actor)?;
        let why = reason(why)?;
        let now = self.exams.env.now();
        let exam = transaction!(self.exams.db, |tx| {
            let exam = results::exam_of(tx, attempt, scope).await?;
            let said = void.then_some(why);
            if !results::void(tx, (attempt, exam), said, (now, by)).await? {
                return Err(Error::Conflict(Msg::new("exam-changed-meanwhile")));
            }
            results::changed(tx, exam).await?;
            let (held, _) = making::held(tx, exam, scope).await?;
            let turned = if void { Turned::Void } else { Turned::Restored };
            self.exams
                .tell_turned(tx, &held.exam, Some(&[attempt]), turned)
                .await?;
            let action = match void {
                true => "exam.attempt-voided",
                false => "exam.attempt-restored",
            };
            let detail = json!({ "attempt": attempt, "reason": why });
            self.trace(tx, &actor, action, exam, detail).await?;
            Ok(exam)
        })?;
        self.settle(exam, Some(by)).await.map(|_| ())
    }

    /// Gives points for an answer that a person marks (人工评分); may be done again, each time with its reason. What was
    /// marked before stays as history.
    ///
    /// # Errors
    /// `Invalid` for points beyond the full marks or without a reason; `NotFound`; `Conflict` while it may still be
    /// sat, or for a question that no person marks.
    pub async fn score(
        &self,
        (attempt, item): (Id, u16),
        points: i64,
        why: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        let by = who(&actor)?;
        let why = reason(why)?;
        let now = self.exams.env.now();
        let exam = transaction!(self.exams.db, |tx| {
            let exam = results::exam_of(tx, attempt, scope).await?;
            // Holds the examination, so that of two who mark the second sees what the first gave.
            results::changed(tx, exam).await?;
            let (held, _) = making::held(tx, exam, scope).await?;
            if now <= held.exam.terms.closes {
                return Err(Error::Conflict(Msg::new("exam-paper-early")));
            }
            let paper = self.exams.paper_as_marked(tx, &held.exam).await?;
            let (_, known) = paper.item(item).ok_or(Error::NotFound)?;
            if !by_person(&known.question) {
                return Err(Error::Conflict(Msg::new("exam-score-not")));
            }
            let before = store::results(tx, &[attempt]).await?.pop();
            let before = before.ok_or(Error::NotFound)?;
            let mut marks: Vec<Mark> =
                serde_json::from_str(&before.marks).map_err(Error::internal)?;
            let mark = marks.iter_mut().find(|m| m.item == item);
            let mark = mark.ok_or(Error::NotFound)?;
            if !(0..=mark.full).contains(&points) {
                let most = crate::exam_pages::points_text(mark.full);
                let message = Msg::new("exam-score-points").with("most", most);
                return Err(Error::field("points", message));
            }
            let old = *mark;
            mark.scored = questions::Scored {
                points,
                right: points == mark.full,
                needs_person: false,
            };
            let revision = remarked(before, &marks, why, now)?;
            store::put_results(tx, &[revision]).await?;
            let detail = json!({ "attempt": attempt, "item": item, "points": [old.scored.points, points],
                "waited": old.scored.needs_person, "reason": why });
            self.trace(tx, &actor, "exam.scored", exam, detail).await?;
            Ok(exam)
        })?;
        self.settle(exam, Some(by)).await.map(|_| ())
    }

    /// Counts how each question went, up to what counts now (试题统计): what counts no more is taken off again. May be
    /// done at any time, by several at once, and again after a crash.
    ///
    /// # Errors
    /// `Busy` when results changed meanwhile; what the database says.
    pub(crate) async fn tally(&self, held: &Held) -> Result<()> {
        let exam = &held.exam;
        let left = reached::untallied(&mut self.exams.db.read().await?, exam).await?;
        for part in left.chunks(TOGETHER) {
            transaction!(self.exams.db, |tx| {
                if !tallies::hold(tx, exam.id, held.changes).await? {
                    return Err(Error::Busy { retry_after: 1 });
                }
                let before = tallies::counted(tx, part).await?;
                let now: Vec<(Id, Option<tallies::Marked>)> = reached::of(tx, exam, part)
                    .await?
                    .into_iter()
                    .map(|l| (l.candidate, l.counts.map(|c| (c.attempt, c.revision))))
                    .filter(|(candidate, marked)| before.get(candidate) != marked.as_ref())
                    .collect();
                let turns = now.iter().flat_map(|(candidate, marked)| {
                    let old = before.get(candidate).map(|m| (*m, -1));
                    old.into_iter().chain(marked.map(|m| (m, 1)))
                });
                let turns: Vec<(tallies::Marked, i64)> = turns.collect();
                let wanted: Vec<tallies::Marked> = turns.iter().map(|(m, _)| *m).collect();
                let texts = tallies::marks(tx, &wanted).await?;
                let mut more: BTreeMap<u16, Tally> = BTreeMap::new();
                for (marked, sign) in &turns {
                    let text = texts.get(marked).ok_or(Error::NotFound)?;
                    let marks: Vec<Mark> = serde_json::from_str(text).map_err(Error::internal)?;
                    for m in marks {
                        let of = more.entry(m.item).or_default();
                        of.asked += sign;
                        of.right += sign * i64::from(m.scored.right);
                        of.points += sign * m.scored.points;
                        of.full += sign * m.full;
                    }
                }
                tallies::put_counted(tx, exam.id, &now).await?;
                tallies::add(tx, exam.id, &more).await
            })?;
        }
        Ok(())
    }

    /// Marks a question anew by the version that is in use in the bank now (改判): what was marked before stays as
    /// history, what counts in the ledger follows. How many results changed.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` while somebody may still be sitting, when the bank has no
    /// other version, or when more of the question changed than what is right.
    pub async fn remark(
        &self,
        id: Id,
        item: u16,
        why: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<usize> {
        let actor = actor.into();
        let by = who(&actor)?;
        let why = reason(why)?;
        let conflict = |key| Error::Conflict(Msg::new(key));
        let mut tx = self.exams.db.read().await?;
        let (held, _) = making::held(&mut tx, id, scope).await?;
        let now = self.exams.env.now();
        let fixed = held.exam.stage == Stage::Published && now > held.exam.terms.closes;
        if !fixed || results::open(&mut tx, id).await? > 0 {
            return Err(conflict("exam-remark-early"));
        }
        let paper = self.exams.paper_as_marked(&mut tx, &held.exam).await?;
        let number = results::corrected(&mut tx, id, item).await? + 1;
        drop(tx);
        let (_, known) = paper.item(item).ok_or(Error::NotFound)?;
        let (question, version) = known.from.ok_or_else(|| conflict("exam-remark-none"))?;
        let newest = self.questions.in_use(&[question]).await?.remove(&question);
        let newest = newest.filter(|v| v.version != version);
        let newest = newest.ok_or_else(|| conflict("exam-remark-same"))?;
        if !only_the_key(&known.question, &newest.question) {
            return Err(conflict("exam-remark-other"));
        }
        transaction!(self.exams.db, |tx| {
            let correction = Correction {
                exam: id,
                item,
                number,
                version: newest.version,
                question: &newest.question,
                reason: why,
            };
            if !making::put_correction(tx, &correction, (now, by)).await? {
                return Err(conflict("exam-changed-meanwhile"));
            }
            results::changed(tx, id).await?;
            let detail = json!({ "item": item, "question": question, "version": newest.version, "reason": why });
            self.trace(tx, &actor, "exam.remarked", id, detail).await
        })?;
        self.exams.memory.forget(id);
        let changed = self.mark_anew(&held).await?;
        self.settle(id, Some(by)).await?;
        Ok(changed)
    }

    /// Marks the questions whose key was corrected anew, in attempts of which that says something else; the others
    /// stay as they are. May be done again at any time.
    pub(crate) async fn mark_anew(&self, held: &Held) -> Result<usize> {
        let id = held.exam.id;
        let mut tx = self.exams.db.read().await?;
        let corrected = making::corrections(&mut tx, id).await?;
        if corrected.is_empty() {
            return Ok(0);
        }
        let why = results::why(&mut tx, id).await?;
        let paper = self.exams.paper_as_marked(&mut tx, &held.exam).await?;
        let attempts = results::handed_in(&mut tx, id).await?;
        drop(tx);
        let now = self.exams.env.now();
        let mut changed = 0;
        for part in attempts.chunks(TOGETHER) {
            let ids: Vec<Id> = part.iter().map(|(id, _)| *id).collect();
            changed += transaction!(self.exams.db, |tx| {
                let known = store::results(tx, &ids).await?;
                let mut answers: HashMap<Id, HashMap<u16, Answer>> = HashMap::new();
                for (attempt, kept) in store::answers(tx, &ids).await? {
                    let Some((_, item)) = paper.item(kept.item) else {
                        continue;
                    };
                    let value: serde_json::Value =
                        serde_json::from_str(&kept.value).map_err(Error::internal)?;
                    let answer = Answer::parse(&item.question, &value)
                        .map_err(|f| Error::internal(f.message.key))?;
                    answers
                        .entry(attempt)
                        .or_default()
                        .insert(kept.item, answer);
                }
                let mut new: Vec<Marked> = Vec::new();
                for (attempt, seed) in part {
                    let Some(before) = known.iter().find(|m| m.attempt == *attempt) else {
                        continue;
                    };
                    let mut marks: Vec<Mark> =
                        serde_json::from_str(&before.marks).map_err(Error::internal)?;
                    let own = answers.remove(attempt).unwrap_or_default();
                    let fresh = paper.mark(&paper.drawn(*seed), &own);
                    let old = marks.clone();
                    for mark in &mut marks {
                        let anew = corrected.iter().any(|(item, ..)| *item == mark.item);
                        if let Some(now) = fresh.iter().find(|m| anew && m.item == mark.item) {
                            *mark = *now;
                        }
                    }
                    if marks != old {
                        new.push(remarked(before.clone(), &marks, &why, now)?);
                    }
                }
                store::put_results(tx, &new).await?;
                if held.exam.shown(now) {
                    let ids: Vec<Id> = new.iter().map(|m| m.attempt).collect();
                    self.exams
                        .tell_turned(tx, &held.exam, Some(&ids), Turned::Marked)
                        .await?;
                }
                Ok(new.len())
            })?;
        }
        Ok(changed)
    }
}

/// The next revision of what an attempt reached.
fn remarked(before: Marked, marks: &[Mark], why: &str, at: kernel::Timestamp) -> Result<Marked> {
    let count = |which: fn(&Mark) -> bool| marks.iter().filter(|m| which(m)).count() as i64;
    Ok(Marked {
        revision: before.revision + 1,
        points: marks.iter().map(|m| m.scored.points).sum(),
        correct: count(|m| m.scored.right),
        waiting: count(|m| m.scored.needs_person),
        marks: serde_json::to_string(marks).map_err(Error::internal)?,
        reason: why.to_owned(),
        at,
        ..before
    })
}

/// Whether a person marks a question, or a part of it.
pub(crate) fn by_person(question: &Question) -> bool {
    question.kind.needs_person() || question.parts.iter().any(by_person)
}

/// Whether nothing that examinees saw is another one.
fn only_the_key(before: &Question, now: &Question) -> bool {
    let parts = before.parts.iter().zip(&now.parts);
    before.kind == now.kind
        && before.options == now.options
        && before.targets == now.targets
        && before.blanks() == now.blanks()
        && before.parts.len() == now.parts.len()
        && parts.into_iter().all(|(a, b)| only_the_key(a, b))
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn line(points: &[(i64, i64, bool)]) -> Line {
        let attempts = points
            .iter()
            .enumerate()
            .map(|(n, (points, waiting, void))| Tried {
                id: Id([n as u8 + 1; 16]),
                number: n as i64 + 1,
                began: Timestamp(0),
                submitted: Some(Timestamp(1)),
                marked: Some((1, *points, 100, 0, *waiting)),
                void: void.then(|| "x".to_owned()),
            });
        Line {
            of: Sat {
                candidate: Id::NIL,
                person: None,
                unit: None,
                name: String::new(),
                number: String::new(),
                place: String::new(),
                extra: 0,
                attempt: None,
            },
            attempts: attempts.collect(),
        }
    }

    #[test]
    fn the_rule_says_which_attempt_counts() {
        let counts = |takes, points: &[_]| line(points).counts(takes).map(|t| t.number);
        let three = [(50, 0, false), (80, 0, false), (60, 0, false)];
        assert_eq!(counts(Takes::Best, &three), Some(2));
        assert_eq!(counts(Takes::Last, &three), Some(3));
        assert_eq!(counts(Takes::First, &three), Some(1));
        let void = [(50, 0, true), (80, 0, true), (60, 0, false)];
        assert_eq!(counts(Takes::Best, &void), Some(3));
        assert_eq!(counts(Takes::First, &void), Some(3));
        // What a person still marks may become the best.
        let waits = [(50, 0, false), (10, 1, false)];
        assert_eq!(counts(Takes::Best, &waits), None);
        assert_eq!(counts(Takes::First, &waits), Some(1));
        assert_eq!(counts(Takes::Last, &[]), None);
    }

    proptest! {
        #[test]
        fn the_best_is_never_beaten_by_one_that_stands(points in prop::collection::vec((0i64..100, Just(0), any::<bool>()), 0..6)) {
            let line = line(&points);
            let best = line.counts(Takes::Best).and_then(|t| t.marked).map(|m| m.1);
            prop_assert_eq!(best, points.iter().filter(|p| !p.2).map(|p| p.0).max());
        }
    }
}
