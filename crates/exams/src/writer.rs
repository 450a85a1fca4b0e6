//! What examinees do, written by those who come together: beginnings, answers and handing in share one durable
//! transaction and are acknowledged after it is on disk. Each attempt is held while its answers are written, so that
//! it cannot be handed in between a check and a write, on whatever node.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use db::{BatchWriter, Tx};
use futures::future::BoxFuture;
use kernel::{Env, Error, Id, Msg, PersonId, Result, Timestamp};
use questions::Answer;
use serde_json::Value;

use crate::model::{Attempt, Candidate, How, Stage, Standing};
use crate::receipt;
use crate::sitting::{Open, Sitting};
use crate::store::{self, Kept, Marked};

/// How old the note of when something last came from an attempt may be, in seconds: a small part of the silence after which a
/// board says that somebody is offline.
const SEEN: i64 = 5;

/// Who sits, as they prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// By a ticket: what is kept of it.
    Ticket(Vec<u8>),
    /// By an account.
    Person(PersonId),
}

/// What is asked for.
pub(crate) enum Act {
    /// To begin, or to go on where one was.
    Begin {
        open: Arc<Open>,
        holder: Holder,
        device: String,
        attempt: Id,
        seed: u64,
    },
    /// To keep answers.
    Save {
        sitting: Arc<Sitting>,
        /// The device that is let in; none: one that was never bound.
        seat: Option<u32>,
        answers: Vec<Kept>,
    },
    /// To hand in.
    Submit {
        sitting: Arc<Sitting>,
        seat: Option<u32>,
        how: How,
    },
}

impl Act {
    /// What one examinee does is written in the order in which it comes.
    pub(crate) fn lane(&self) -> u8 {
        let of = match self {
            Self::Begin { holder, .. } => match holder {
                Holder::Ticket(kept) => kept.last(),
                Holder::Person(person) => person.as_bytes().last(),
            },
            Self::Save { sitting, .. } | Self::Submit { sitting, .. } => {
                sitting.attempt.id.0.last()
            }
        };
        of.copied().unwrap_or_default()
    }
}

/// What was done.
pub(crate) enum Done {
    Begun(Begun),
    Saved { deadline: Timestamp },
    Submitted(Marked),
}

/// An attempt that was begun or is gone on with.
pub(crate) struct Begun {
    pub(crate) attempt: Attempt,
    pub(crate) standing: Standing,
    pub(crate) person: Option<PersonId>,
    /// What was answered before, in letters of the paper.
    pub(crate) answers: Vec<Kept>,
}

/// Writes them.
pub(crate) struct Writer {
    pub(crate) env: Env,
}

impl BatchWriter for Writer {
    type Item = Act;
    type Ack = Done;

    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [Act],
    ) -> BoxFuture<'a, Result<Vec<Result<Done>>>> {
        Box::pin(async move {
            let now = self.env.now();
            metrics::counter!("exam_batches_total").increment(1);
            metrics::counter!("exam_acts_total").increment(items.len() as u64);
            let mut done: Vec<Option<Result<Done>>> = items.iter().map(|_| None).collect();
            begin(tx, items, &self.env, now, &mut done).await?;
            save(tx, items, &self.env, now, &mut done).await?;
            submit(tx, items, now, &mut done).await?;
            let missing = || Err(Error::internal("an act was not answered"));
            Ok(done
                .into_iter()
                .map(|d| d.unwrap_or_else(missing))
                .collect())
        })
    }
}

/// A copy of what is said to several who asked for the same.
fn said(error: &Error) -> Error {
    match error {
        Error::Conflict(message) => Error::Conflict(message.clone()),
        Error::NotFound => Error::NotFound,
        other => Error::internal(other),
    }
}

async fn begin(
    tx: &mut Tx,
    items: &[Act],
    env: &Env,
    now: Timestamp,
    done: &mut [Option<Result<Done>>],
) -> Result<()> {
    let mut tickets = Vec::new();
    let mut persons: BTreeMap<Id, Vec<PersonId>> = BTreeMap::new();
    for act in items {
        match act {
            Act::Begin {
                holder: Holder::Ticket(ticket),
                ..
            } => tickets.push(ticket.clone()),
            Act::Begin {
                holder: Holder::Person(person),
                open,
                ..
            } => {
                persons.entry(open.exam.id).or_default().push(*person);
            }
            _ => {}
        }
    }
    if tickets.is_empty() && persons.is_empty() {
        return Ok(());
    }
    let mut candidates = store::with_tickets(tx, &tickets).await?;
    for (exam, persons) in &persons {
        candidates.extend(store::with_persons(tx, *exam, persons).await?);
    }
    let ids: Vec<Id> = candidates.iter().map(|(c, _)| c.id).collect();
    let mut known: HashMap<Id, Vec<(Attempt, Standing)>> = HashMap::new();
    for (attempt, standing) in store::attempts_of(tx, &ids).await? {
        let of = known.entry(attempt.candidate).or_default();
        of.push((attempt, standing));
    }
    let stages = stages(tx, items).await?;
    let mut new: Vec<(Attempt, Standing)> = Vec::new();
    // The attempt of each act, as it stands after it.
    let mut chosen: Vec<Option<(Attempt, Standing)>> = items.iter().map(|_| None).collect();
    for (n, act) in items.iter().enumerate() {
        let Act::Begin {
            open,
            holder,
            device,
            attempt,
            seed,
        } = act
        else {
            continue;
        };
        let mine = candidates.iter().find(|(c, ticket)| {
            c.exam == open.exam.id
                && match holder {
                    Holder::Ticket(t) => ticket.as_ref() == Some(t),
                    Holder::Person(p) => c.person == Some(*p),
                }
        });
        let Some((candidate, _)) = mine else {
            done[n] = Some(Err(Error::NotFound));
            continue;
        };
        let own = known.entry(candidate.id).or_default();
        let asked = Asked {
            open,
            candidate,
            device,
            env,
            now,
        };
        match asked.choose(own, stages.get(&open.exam.id).copied()) {
            Ok(Choice::GoOn(attempt, standing)) => chosen[n] = Some((attempt, standing)),
            Ok(Choice::Bind(attempt, standing)) => {
                if store::bind(tx, attempt.id, device).await? {
                    let bound = own.iter_mut().find(|(a, _)| a.id == attempt.id);
                    bound
                        .into_iter()
                        .for_each(|(_, s)| s.device.clone_from(device));
                    chosen[n] = Some((attempt, standing));
                } else {
                    done[n] = Some(Err(other_device()));
                }
            }
            Ok(Choice::Begin(number)) => {
                let begun = asked.begun(*attempt, *seed, number);
                own.push(begun.clone());
                new.push(begun.clone());
                chosen[n] = Some(begun);
            }
            Err(e) => done[n] = Some(Err(e)),
        }
    }
    let begun: HashSet<Id> = store::begin(tx, &new).await?.into_iter().collect();
    let lost = |id: Id| new.iter().any(|(a, _)| a.id == id) && !begun.contains(&id);
    let before: Vec<Id> = chosen.iter().flatten().map(|(a, _)| a.id).collect();
    let before: Vec<Id> = before
        .into_iter()
        .filter(|id| !begun.contains(id))
        .collect();
    let mut answers: HashMap<Id, Vec<Kept>> = HashMap::new();
    for (attempt, kept) in store::answers(tx, &before).await? {
        answers.entry(attempt).or_default().push(kept);
    }
    for (n, chosen) in chosen.into_iter().enumerate() {
        let Some((attempt, standing)) = chosen else {
            continue;
        };
        done[n] = Some(match lost(attempt.id) {
            // Another node was first: whoever asks again goes on with what it began.
            true => Err(Error::Busy { retry_after: 1 }),
            false => {
                let of = candidates.iter().find(|(c, _)| c.id == attempt.candidate);
                let person = of.and_then(|(c, _)| c.person);
                let answers = answers.get(&attempt.id).cloned().unwrap_or_default();
                Ok(Done::Begun(Begun {
                    attempt,
                    standing,
                    person,
                    answers,
                }))
            }
        });
    }
    Ok(())
}

/// How far the examinations are now, whatever is kept in memory of them.
async fn stages(tx: &mut Tx, items: &[Act]) -> Result<HashMap<Id, Stage>> {
    let mut ids: Vec<Id> = items
        .iter()
        .filter_map(|act| match act {
            Act::Begin { open, .. } => Some(open.exam.id),
            _ => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let found = store::exams_by_id(tx, &ids).await?;
    Ok(found.into_iter().map(|(e, _)| (e.id, e.stage)).collect())
}

fn other_device() -> Error {
    Error::Conflict(Msg::new("exam-other-device"))
}

struct Asked<'a> {
    open: &'a Open,
    candidate: &'a Candidate,
    device: &'a str,
    env: &'a Env,
    now: Timestamp,
}

enum Choice {
    GoOn(Attempt, Standing),
    Bind(Attempt, Standing),
    Begin(i64),
}

impl Asked<'_> {
    /// To go on with the attempt that is open, or to begin the next one.
    fn choose(&self, own: &[(Attempt, Standing)], stage: Option<Stage>) -> Result<Choice> {
        if self.candidate.revoked.is_some() {
            return Err(Error::Conflict(Msg::new("exam-revoked")));
        }
        if stage != Some(Stage::Published) {
            return Err(Error::Conflict(Msg::new("exam-not-published")));
        }
        let terms = &self.open.exam.terms;
        let open = own.iter().find(|(_, s)| {
            s.submitted.is_none() && self.now.0 <= s.deadline.0 + terms.grace * Timestamp::SECOND
        });
        if let Some((attempt, standing)) = open {
            let mut standing = standing.clone();
            if standing.device == self.device {
                return Ok(Choice::GoOn(attempt.clone(), standing));
            }
            if standing.device.is_empty() && standing.seat > 1 {
                self.device.clone_into(&mut standing.device);
                return Ok(Choice::Bind(attempt.clone(), standing));
            }
            return Err(other_device());
        }
        let admitted = terms.admits(self.now, self.candidate.extra);
        admitted.map_err(|refusal| refusal.told(self.env))?;
        let number = own.iter().map(|(a, _)| a.number).max().unwrap_or(0) + 1;
        if number > terms.attempts + self.candidate.more {
            let message = Msg::new("exam-attempts-used").with("count", number - 1);
            return Err(Error::Conflict(message));
        }
        Ok(Choice::Begin(number))
    }

    fn begun(&self, id: Id, seed: u64, number: i64) -> (Attempt, Standing) {
        let attempt = Attempt {
            id,
            exam: self.open.exam.id,
            candidate: self.candidate.id,
            number,
            seed,
            began: self.now,
        };
        let standing = Standing {
            deadline: self
                .open
                .exam
                .terms
                .deadline(self.now, self.candidate.extra),
            device: self.device.to_owned(),
            seat: 1,
            seen: self.now,
            submitted: None,
        };
        (attempt, standing)
    }
}

/// Whether a device is the one that is let in.
pub(crate) fn seated(seat: Option<u32>, standing: &Standing) -> Result<()> {
    let right = match seat {
        Some(seat) => seat == standing.seat,
        None => standing.device.is_empty() && standing.seat == 1,
    };
    right.then_some(()).ok_or_else(other_device)
}

async fn save(
    tx: &mut Tx,
    items: &[Act],
    env: &Env,
    now: Timestamp,
    done: &mut [Option<Result<Done>>],
) -> Result<()> {
    let mut ids: Vec<Id> = items
        .iter()
        .filter_map(|act| match act {
            Act::Save { sitting, .. } => Some(sitting.attempt.id),
            _ => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    // In one order on every node, so that two never wait for each other.
    ids.sort_unstable();
    ids.dedup();
    // A board knows to some seconds who is there: a row is not written again for each answer. Written before it is held, since
    // two nodes that share it would wait for each other.
    store::note_seen(tx, &ids, now, now.plus_seconds(-SEEN)).await?;
    let held = store::hold(tx, &ids, false).await?;
    let held: HashMap<Id, Standing> = held.into_iter().collect();
    // The newest of each question; of two with one number the later one.
    let mut newest: BTreeMap<(Id, u16), Kept> = BTreeMap::new();
    for (n, act) in items.iter().enumerate() {
        let Act::Save {
            sitting,
            seat,
            answers,
        } = act
        else {
            continue;
        };
        let attempt = sitting.attempt.id;
        let checked = match held.get(&attempt) {
            None => Err(Error::Conflict(Msg::new("exam-submitted"))),
            Some(standing) => check(sitting, standing, (*seat, env), answers),
        };
        done[n] = Some(checked.map(|(late, deadline)| {
            for (kept, late) in answers.iter().zip(late) {
                let kept = Kept {
                    late,
                    ..kept.clone()
                };
                let place = newest.entry((attempt, kept.item));
                let place = place.or_insert_with(|| kept.clone());
                if kept.seq >= place.seq {
                    *place = kept;
                }
            }
            Done::Saved { deadline }
        }));
    }
    let rows: Vec<(Id, &Kept)> = newest.iter().map(|((id, _), kept)| (*id, kept)).collect();
    store::put_answers(tx, &rows).await
}

/// Which of the answers are taken only because they were given in time.
fn check(
    sitting: &Sitting,
    standing: &Standing,
    (seat, env): (Option<u32>, &Env),
    answers: &[Kept],
) -> Result<(Vec<bool>, Timestamp)> {
    seated(seat, standing)?;
    let grace = sitting.open.exam.terms.grace;
    let late = answers.iter().map(|k| {
        let taken = standing.takes(k.at, k.stamped, grace);
        taken.map_err(|refusal| refusal.told(env))
    });
    Ok((late.collect::<Result<_>>()?, standing.deadline))
}

async fn submit(
    tx: &mut Tx,
    items: &[Act],
    now: Timestamp,
    done: &mut [Option<Result<Done>>],
) -> Result<()> {
    let mut sittings: BTreeMap<Id, (&Arc<Sitting>, How, Vec<usize>)> = BTreeMap::new();
    for (n, act) in items.iter().enumerate() {
        if let Act::Submit { sitting, how, .. } = act {
            let of = sittings.entry(sitting.attempt.id);
            let of = of.or_insert_with(|| (sitting, *how, Vec::new()));
            of.2.push(n);
        }
    }
    if sittings.is_empty() {
        return Ok(());
    }
    let ids: Vec<Id> = sittings.keys().copied().collect();
    // Held first, so that a device that is shut out cannot hand in for the one that is let in.
    let held = store::hold(tx, &ids, true).await?;
    let held: HashMap<Id, Standing> = held.into_iter().collect();
    let mut refused: HashMap<Id, Error> = HashMap::new();
    for (id, (_, _, acts)) in &sittings {
        let seats = acts.iter().filter_map(|n| match &items[*n] {
            Act::Submit {
                seat,
                how: How::Hand,
                ..
            } => Some(*seat),
            _ => None,
        });
        if let Some(standing) = held.get(id) {
            let wrong = seats
                .map(|seat| seated(seat, standing))
                .find_map(Result::err);
            refused.extend(wrong.map(|e| (*id, e)));
        }
    }
    let mut results = Vec::new();
    for how in [How::Hand, How::Time, How::Invigilator] {
        let due: Vec<Id> = sittings
            .iter()
            .filter(|(id, (_, h, _))| *h == how && !refused.contains_key(id))
            .map(|(id, _)| *id)
            .collect();
        let handed_in = store::submit(tx, &due, how, now).await?;
        let handed_in: Vec<Id> = handed_in.into_iter().map(|(id, _)| id).collect();
        let mut answers: HashMap<Id, Vec<Kept>> = HashMap::new();
        for (id, kept) in store::answers(tx, &handed_in).await? {
            answers.entry(id).or_default().push(kept);
        }
        for id in handed_in {
            let (sitting, ..) = &sittings[&id];
            let kept = answers.remove(&id).unwrap_or_default();
            results.push(mark(sitting, &kept, now)?);
        }
    }
    store::put_results(tx, &results).await?;
    // Sent again, the receipt is the same.
    let known: HashSet<Id> = results.iter().map(|m| m.attempt).collect();
    let again: Vec<Id> = ids.into_iter().filter(|id| !known.contains(id)).collect();
    results.extend(store::results(tx, &again).await?);
    let results: HashMap<Id, Marked> = results.into_iter().map(|m| (m.attempt, m)).collect();
    for (id, (_, _, acts)) in sittings {
        for n in acts {
            done[n] = Some(match (refused.get(&id), results.get(&id)) {
                (Some(e), _) => Err(said(e)),
                (None, Some(marked)) => Ok(Done::Submitted(marked.clone())),
                (None, None) => Err(Error::NotFound),
            });
        }
    }
    Ok(())
}

/// What an attempt reaches by what was answered.
pub(crate) fn mark(sitting: &Sitting, kept: &[Kept], at: Timestamp) -> Result<Marked> {
    let mut answers = HashMap::new();
    for k in kept {
        let Some((_, item)) = sitting.open.paper.item(k.item) else {
            continue;
        };
        let value: Value = serde_json::from_str(&k.value).map_err(Error::internal)?;
        let answer =
            Answer::parse(&item.question, &value).map_err(|f| Error::internal(f.message.key))?;
        answers.insert(k.item, answer);
    }
    let marks = sitting.open.paper.mark(&sitting.drawn, &answers);
    let count = |which: fn(&crate::Mark) -> bool| marks.iter().filter(|m| which(m)).count() as i64;
    Ok(Marked {
        attempt: sitting.attempt.id,
        revision: 1,
        points: marks.iter().map(|m| m.scored.points).sum(),
        total: marks.iter().map(|m| m.full).sum(),
        answered: answers.values().filter(|a| !a.is_empty()).count() as i64,
        correct: count(|m| m.scored.right),
        waiting: count(|m| m.scored.needs_person),
        marks: serde_json::to_string(&marks).map_err(Error::internal)?,
        receipt: receipt::hash(sitting.attempt.id, kept).to_vec(),
        reason: String::new(),
        at,
    })
}
