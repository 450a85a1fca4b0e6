//! The door of a sitting: what somebody reads before they begin, which examinations are theirs, and what a sitting
//! came to, question by question.

use std::collections::HashMap;

use db::Tx;
use kernel::{Error, Id, Msg, PersonId, Result, Timestamp};
use questions::{Answer, Key};
use serde_json::Value;

use crate::model::{Attempt, Candidate, Exam, Stage, Standing};
use crate::paper::{Mark, Paper};
use crate::service::{Exams, Proof, holder};
use crate::sitting::Open;
use crate::store::{self, Marked};
use crate::ticket;
use crate::writer::Holder;

/// Days after its close for which a ticket still finds its examination.
const FOUND: i64 = 30;
/// Examinations among which a ticket is looked for.
const MOST_OPEN: i64 = 1_000;
/// Examinations of somebody that are listed.
const MOST_MINE: i64 = 200;

/// How somebody stands before an examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// It opens later (未开始).
    Before,
    /// They may begin (可以开始).
    Open,
    /// They have begun and may go on (作答中).
    Running,
    /// They have no attempt left (已完成).
    Used,
    /// Too late, or called off (已结束).
    Closed,
}

impl Door {
    /// As the API has it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Open => "open",
            Self::Running => "running",
            Self::Used => "used",
            Self::Closed => "closed",
        }
    }
}

/// What somebody reads before they begin (考试须知).
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The examination.
    pub exam: Exam,
    /// Questions that they get.
    pub items: usize,
    /// Full marks, in thousandths.
    pub full: i64,
    /// The name on the list; empty for a person of the house.
    pub name: String,
    /// How they stand.
    pub door: Door,
    /// Attempts that they have, and that they used.
    pub attempts: (i64, i64),
    /// Until when they may begin.
    pub until: Timestamp,
    /// Their attempts, the last one last, with when each was handed in.
    pub sat: Vec<(Id, Option<Timestamp>)>,
}

/// Somebody on the list, by what they proved.
pub(crate) async fn candidate(
    tx: &mut Tx,
    open: &Open,
    holder: &Holder,
) -> Result<Option<Candidate>> {
    let found = match holder {
        Holder::Ticket(ticket) => store::with_tickets(tx, std::slice::from_ref(ticket)).await?,
        Holder::Person(person) => store::with_persons(tx, open.exam.id, &[*person]).await?,
    };
    let mut mine = found.into_iter().map(|(candidate, _)| candidate);
    Ok(mine.find(|c| c.exam == open.exam.id && c.revoked.is_none()))
}

fn about(
    open: &Open,
    stage: Stage,
    candidate: &Candidate,
    own: &[(Attempt, Standing)],
    now: Timestamp,
) -> About {
    let terms = &open.exam.terms;
    let (allowed, used) = (terms.attempts + candidate.more, own.len() as i64);
    let extra = candidate.extra * Timestamp::SECOND;
    let until = terms.late.map_or(terms.closes.0 + extra, |late| {
        (terms.opens.0 + late * Timestamp::SECOND + extra).min(terms.closes.0 + extra)
    });
    let running = own.iter().any(|(_, s)| {
        s.submitted.is_none() && now.0 <= s.deadline.0 + terms.grace * Timestamp::SECOND
    });
    let door = match stage {
        _ if running && stage == Stage::Published => Door::Running,
        Stage::Published if used >= allowed => Door::Used,
        Stage::Published if now < terms.opens => Door::Before,
        Stage::Published if now.0 < until => Door::Open,
        _ if used > 0 => Door::Used,
        _ => Door::Closed,
    };
    let mut sat: Vec<&(Attempt, Standing)> = own.iter().collect();
    sat.sort_by_key(|(a, _)| a.number);
    About {
        exam: Exam {
            stage,
            ..open.exam.clone()
        },
        items: open.paper.length(),
        full: open.paper.full(),
        name: candidate.name.clone(),
        door,
        attempts: (allowed, used),
        until: Timestamp(until),
        sat: sat.iter().map(|(a, s)| (a.id, s.submitted)).collect(),
    }
}

/// A question as it was answered and marked (逐题结果).
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Its number on this paper, from 1.
    pub number: usize,
    /// Its number in the paper.
    pub item: u16,
    /// As it was seen, without its key.
    pub seen: questions::Question,
    /// What was answered, and what is right, in letters as they were seen.
    pub answer: Answer,
    /// What is right.
    pub key: Key,
    /// The keys of the parts of a case.
    pub part_keys: Vec<Key>,
    /// What it brought.
    pub mark: Mark,
    /// Why.
    pub explanation: String,
    /// The article of law.
    pub article: String,
    /// What to study.
    pub points: Vec<String>,
}

/// What an attempt came to (成绩单).
#[derive(Debug, Clone, PartialEq)]
pub struct Outturn {
    /// The examination.
    pub exam: Exam,
    /// The attempt.
    pub attempt: Id,
    /// When it was handed in, answers, and the receipt.
    pub handed_in: (Timestamp, i64, String),
    /// Points, of how many, questions right, questions that wait for a person; none until it is shown.
    pub result: Option<(i64, i64, i64, i64)>,
    /// Why it does not count, where a person made it void (作废).
    pub void: Option<String>,
    /// Question by question; empty until it is shown.
    pub items: Vec<Looked>,
}

impl Exams {
    /// The examination of a ticket, with what is read before the beginning.
    ///
    /// # Errors
    /// `NotFound` when no ticket is like that.
    pub async fn by_ticket(&self, typed: &str) -> Result<About> {
        let plain = ticket::plain(typed).ok_or(Error::NotFound)?;
        let since = Timestamp(self.env.now().0 - FOUND * 86_400 * Timestamp::SECOND);
        let mut tx = self.db.read().await?;
        let ids = store::room::published(&mut tx, since, MOST_OPEN).await?;
        let mut hashes = Vec::with_capacity(ids.len());
        for part in ids.chunks(200) {
            let exams = store::exams_by_id(&mut tx, part).await?;
            hashes.extend(exams.iter().map(|(_, key)| key.ticket(&plain).to_vec()));
        }
        let found = store::with_tickets(&mut tx, &hashes).await?;
        drop(tx);
        let (candidate, _) = found.into_iter().next().ok_or(Error::NotFound)?;
        self.about(candidate.exam, &Proof::Ticket(plain)).await
    }

    /// What somebody on the list reads before they begin.
    ///
    /// # Errors
    /// `NotFound` for who is not on it.
    pub async fn about(&self, exam: Id, proof: &Proof) -> Result<About> {
        let open = self.open(exam).await?;
        let holder = holder(&open, proof)?;
        let mut tx = self.db.read().await?;
        let stages = store::exams_by_id(&mut tx, &[exam]).await?;
        let stage = stages.first().map_or(Stage::Draft, |(e, _)| e.stage);
        if stage == Stage::Draft {
            return Err(Error::NotFound);
        }
        let candidate = candidate(&mut tx, &open, &holder).await?;
        let candidate = candidate.ok_or(Error::NotFound)?;
        let own = store::attempts_of(&mut tx, &[candidate.id]).await?;
        Ok(about(&open, stage, &candidate, &own, self.env.now()))
    }

    /// The examinations that somebody is on the list of, the latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn mine(&self, person: PersonId) -> Result<Vec<About>> {
        let mut tx = self.db.read().await?;
        let listed = store::room::mine(&mut tx, person, MOST_MINE).await?;
        let exams: Vec<Id> = listed.iter().map(|(_, exam, _)| *exam).collect();
        let candidates: Vec<Id> = listed.iter().map(|(id, ..)| *id).collect();
        let mut own: HashMap<Id, Vec<(Attempt, Standing)>> = HashMap::new();
        for (attempt, standing) in store::attempts_of(&mut tx, &candidates).await? {
            let of = own.entry(attempt.candidate).or_default();
            of.push((attempt, standing));
        }
        let stages: HashMap<Id, Stage> = store::exams_by_id(&mut tx, &exams)
            .await?
            .into_iter()
            .map(|(e, _)| (e.id, e.stage))
            .collect();
        let people = store::mine_candidates(&mut tx, person, &exams).await?;
        drop(tx);
        let mut all = Vec::with_capacity(people.len());
        for (id, exam, _) in listed {
            let Some(candidate) = people.iter().find(|c| c.id == id) else {
                continue;
            };
            let open = self.open(exam).await?;
            let stage = stages.get(&exam).copied().unwrap_or(Stage::Draft);
            let own = own.remove(&id).unwrap_or_default();
            all.push(about(&open, stage, candidate, &own, self.env.now()));
        }
        Ok(all)
    }

    /// What one's own attempt came to, as far as it is shown.
    ///
    /// # Errors
    /// `NotFound` for whose it is not; `Conflict` before it was handed in.
    pub async fn outturn(&self, attempt: Id, person: PersonId) -> Result<Outturn> {
        self.outturn_of(attempt, &Proof::Person(person)).await
    }

    /// The same by whatever proves whose it is.
    ///
    /// # Errors
    /// As [`Self::outturn`].
    pub async fn outturn_of(&self, attempt: Id, proof: &Proof) -> Result<Outturn> {
        let (sitting, _) = self.proven(attempt, proof).await?;
        let mut tx = self.db.read().await?;
        let marked = store::results(&mut tx, &[attempt]).await?.pop();
        let marked = marked.ok_or_else(|| Error::Conflict(Msg::new("exam-not-submitted")))?;
        let exams = store::exams_by_id(&mut tx, &[sitting.open.exam.id]).await?;
        let (exam, _) = exams.into_iter().next().ok_or(Error::NotFound)?;
        let shown = exam.shown(self.env.now());
        let void = store::results::void_reason(&mut tx, attempt).await?;
        let kept = match shown {
            true => store::answers(&mut tx, &[attempt]).await?,
            false => Vec::new(),
        };
        // A key may have been corrected since the paper was opened.
        let paper = match shown {
            true => Some(self.paper_as_marked(&mut tx, &exam).await?),
            false => None,
        };
        drop(tx);
        let mut answers: HashMap<u16, Value> = HashMap::new();
        for (_, kept) in kept {
            let value = serde_json::from_str(&kept.value).map_err(Error::internal)?;
            answers.insert(kept.item, value);
        }
        let items = match &paper {
            Some(paper) => looked(paper, &sitting.drawn, &answers, &marked)?,
            None => Vec::new(),
        };
        Ok(Outturn {
            attempt,
            handed_in: (marked.at, marked.answered, hex::encode(&marked.receipt)),
            result: shown.then_some((marked.points, marked.total, marked.correct, marked.waiting)),
            exam,
            void,
            items,
        })
    }

    /// How many answers a receipt is over, and when it was given.
    ///
    /// # Errors
    /// `NotFound` when nothing was handed in.
    pub(crate) async fn receipt_of(&self, attempt: Id) -> Result<(i64, Timestamp)> {
        let marked = store::results(&mut self.db.read().await?, &[attempt]).await?;
        let marked = marked.first().ok_or(Error::NotFound)?;
        Ok((marked.answered, marked.at))
    }

    /// A picture of a question on the paper of an attempt.
    ///
    /// # Errors
    /// `NotFound` for whose attempt it is not, and for what is not on its paper.
    pub async fn picture(
        &self,
        attempt: Id,
        proof: &Proof,
        hash: &str,
    ) -> Result<(String, Vec<u8>)> {
        let (sitting, _) = self.proven(attempt, proof).await?;
        let places = sitting.drawn.iter();
        let mut media = places
            .filter_map(|place| sitting.open.paper.item(place.item))
            .flat_map(|(_, item)| &item.question.media);
        let found = media.find(|m| m.hash == hash).ok_or(Error::NotFound)?;
        let files = self.files.as_ref().ok_or(Error::NotFound)?;
        let bytes = files.get(hash.parse()?).await?;
        Ok((found.mime.clone(), bytes.to_vec()))
    }
}

fn looked(
    paper: &Paper,
    drawn: &[crate::Place],
    answers: &HashMap<u16, Value>,
    marked: &Marked,
) -> Result<Vec<Looked>> {
    let marks: Vec<Mark> = serde_json::from_str(&marked.marks).map_err(Error::internal)?;
    let one = |(n, place): (usize, &crate::Place)| {
        let (_, item) = paper.item(place.item)?;
        let mark = *marks.iter().find(|m| m.item == place.item)?;
        let question = &item.question;
        let answer = answers.get(&place.item).unwrap_or(&Value::Null);
        let answer = Answer::parse(question, answer).unwrap_or_default();
        let parts = place.shown.parts.iter().zip(&question.parts);
        let part_keys: Vec<Key> = parts
            .clone()
            .map(|(shown, part)| seen_key(shown, &part.key))
            .collect();
        let mut explanation = vec![question.explanation.clone()];
        explanation.extend(question.parts.iter().map(|p| p.explanation.clone()));
        explanation.retain(|text| !text.is_empty());
        let mut points = question.points.clone();
        points.extend(question.parts.iter().flat_map(|p| p.points.clone()));
        points.sort();
        points.dedup();
        Some(Looked {
            number: n + 1,
            item: place.item,
            seen: place.shown.of(question),
            answer: place.shown.forth(answer),
            key: seen_key(&place.shown, &question.key),
            part_keys,
            mark,
            explanation: explanation.join("\n"),
            article: question.article.clone(),
            points,
        })
    };
    Ok(drawn.iter().enumerate().filter_map(one).collect())
}

/// A key in letters as they were seen.
fn seen_key(shown: &questions::Shown, key: &Key) -> Key {
    match key {
        Key::Choices(letters) => match shown.forth(Answer::Choices(letters.clone())) {
            Answer::Choices(letters) => Key::Choices(letters),
            _ => Key::None,
        },
        Key::Order(letters) => match shown.forth(Answer::Order(letters.clone())) {
            Answer::Order(letters) => Key::Order(letters),
            _ => Key::None,
        },
        Key::Pairs(pairs) => {
            let answer = Answer::Pairs(pairs.iter().copied().map(Some).collect());
            match shown.forth(answer) {
                Answer::Pairs(pairs) => Key::Pairs(pairs.into_iter().flatten().collect()),
                _ => Key::None,
            }
        }
        other => other.clone(),
    }
}
