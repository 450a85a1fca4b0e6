//! A sitting (作答): what is known of an attempt while it runs. Nothing of it changes, so it is kept in memory; what
//! changes (its end, its device, whether it was handed in) is asked of the database each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::{FieldError, Id, Msg, PersonId, Timestamp};
use questions::{Answer, Question};
use serde_json::Value;

use crate::handed::wants_files;
use crate::model::{Attempt, Exam};
use crate::paper::{Paper, Place};
use crate::store::Kept;
use crate::ticket::Key;

/// Examinations and sittings that are kept in memory; more are read again.
const MOST_OPEN: usize = 64;
const MOST_SITTINGS: usize = 50_000;

/// A published examination with its paper: both are fixed.
pub(crate) struct Open {
    pub(crate) exam: Exam,
    pub(crate) paper: Paper,
    pub(crate) key: Key,
}

/// An attempt with what belongs to it.
pub(crate) struct Sitting {
    pub(crate) open: Arc<Open>,
    pub(crate) attempt: Attempt,
    pub(crate) person: Option<PersonId>,
    /// The questions in the order in which they are seen.
    pub(crate) drawn: Vec<Place>,
    files: bool,
}

/// An answer as it is sent (作答提交).
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Given {
    /// The question's number as the paper gave it.
    pub item: u16,
    /// Counts the changes on the client: a later one has a higher number.
    pub seq: i64,
    /// The answer, in letters as they are seen.
    pub value: Value,
    /// When it was given, by the server's clock as the client knows it, in microseconds; none: when it arrived.
    #[serde(default)]
    pub at: Option<i64>,
}

impl Sitting {
    pub(crate) fn new(open: Arc<Open>, attempt: Attempt, person: Option<PersonId>) -> Self {
        let drawn = open.paper.drawn(attempt.seed);
        let mut items = drawn.iter().filter_map(|place| open.paper.item(place.item));
        let files = items.any(|(_, item)| wants_files(&item.question));
        Self {
            open,
            attempt,
            person,
            drawn,
            files,
        }
    }

    /// Whether some question of its paper wants files.
    pub(crate) fn wants_files(&self) -> bool {
        self.files
    }

    fn place(&self, item: u16) -> Option<(&Place, &Question)> {
        let place = self.drawn.iter().find(|p| p.item == item)?;
        let (_, item) = self.open.paper.item(item)?;
        Some((place, &item.question))
    }

    /// Answers as they are kept, in letters of the paper.
    ///
    /// # Errors
    /// For each that does not belong to this paper, which and why.
    pub(crate) fn read(
        &self,
        given: &[Given],
        now: Timestamp,
    ) -> Result<Vec<Kept>, Vec<FieldError>> {
        let (mut kept, mut wrong) = (Vec::with_capacity(given.len()), Vec::new());
        for (n, g) in given.iter().enumerate() {
            let Some((place, question)) = self.place(g.item) else {
                let message = Msg::new("exam-item-unknown").with("item", g.item);
                wrong.push(FieldError {
                    field: format!("answers.{n}.item"),
                    message,
                });
                continue;
            };
            match Answer::parse(question, &g.value) {
                Ok(answer) => kept.push(Kept {
                    item: g.item,
                    seq: g.seq,
                    value: place.shown.back(answer).to_value().to_string(),
                    at: now,
                    stamped: g.at.map_or(now, Timestamp),
                    late: false,
                }),
                Err(fault) => wrong.push(FieldError {
                    field: format!("answers.{n}.value"),
                    message: fault.message,
                }),
            }
        }
        match wrong.is_empty() {
            true => Ok(kept),
            false => Err(wrong),
        }
    }

    /// The questions as they are seen, without keys, each with what was answered before.
    pub(crate) fn items(&self, kept: &[Kept]) -> Vec<Value> {
        let kept: HashMap<u16, &Kept> = kept.iter().map(|k| (k.item, k)).collect();
        let item = |place: &Place| {
            let (section, item) = self.open.paper.item(place.item)?;
            let seen = place.shown.of(&item.question);
            let mut value = serde_json::json!({
                "item": place.item, "kind": seen.kind, "stem": seen.stem, "points": item.points,
                "section": section.title,
            });
            let fields = value.as_object_mut()?;
            let mut put = |name: &str, of: Value| fields.insert(name.to_owned(), of);
            if !seen.options.is_empty() {
                put("options", seen.options.clone().into());
            }
            if !seen.targets.is_empty() {
                put("targets", seen.targets.clone().into());
            }
            if seen.blanks() == 0 && item.question.blanks() > 0 {
                put("blanks", item.question.blanks().into());
            }
            if !seen.parts.is_empty() {
                let parts = item.question.parts.iter().zip(&seen.parts);
                let parts = parts.map(|(own, seen)| {
                    serde_json::json!({
                        "kind": seen.kind, "stem": seen.stem, "options": seen.options,
                        "targets": seen.targets, "blanks": own.blanks(),
                    })
                });
                put("parts", parts.collect());
            }
            if !seen.media.is_empty() {
                put("media", serde_json::to_value(&seen.media).ok()?);
            }
            if let Some(longest) = seen.longest {
                put("longest", longest.into());
            }
            if let Some(kept) = kept.get(&place.item) {
                let value: Value = serde_json::from_str(&kept.value).ok()?;
                let answer = Answer::parse(&item.question, &value).ok()?;
                put("value", place.shown.forth(answer).to_value());
                put("seq", kept.seq.into());
            }
            Some(value)
        };
        self.drawn.iter().filter_map(item).collect()
    }
}

/// What is kept in memory.
#[derive(Default)]
pub(crate) struct Memory {
    open: Mutex<HashMap<Id, Arc<Open>>>,
    sittings: Mutex<HashMap<Id, Arc<Sitting>>>,
}

fn keep<T>(all: &Mutex<HashMap<Id, Arc<T>>>, most: usize, id: Id, one: Arc<T>) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= most {
        all.clear();
    }
    all.insert(id, one);
}

fn kept<T>(all: &Mutex<HashMap<Id, Arc<T>>>, id: Id) -> Option<Arc<T>> {
    let all = all.lock().unwrap_or_else(PoisonError::into_inner);
    all.get(&id).cloned()
}

impl Memory {
    pub(crate) fn open(&self, id: Id) -> Option<Arc<Open>> {
        kept(&self.open, id)
    }

    pub(crate) fn keep_open(&self, open: Arc<Open>) {
        keep(&self.open, MOST_OPEN, open.exam.id, open);
    }

    /// Forgets an examination and all sittings: they are read again.
    pub(crate) fn forget(&self, id: Id) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&id);
        let mut all = self.sittings.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, s| s.open.exam.id != id);
    }

    pub(crate) fn sitting(&self, id: Id) -> Option<Arc<Sitting>> {
        kept(&self.sittings, id)
    }

    pub(crate) fn keep_sitting(&self, sitting: Arc<Sitting>) {
        keep(&self.sittings, MOST_SITTINGS, sitting.attempt.id, sitting);
    }
}
