//! Answers on their way (填报): what forms and devices send is understood, taken once, and never lost to another device;
//! files go with answers.

use std::collections::BTreeMap;

use commons::forms::{Answer, Form, Kind, Value, check};
use desk::Attached;
use identity::Actor;
use kernel::{AccountId, Error, FieldError, Id, Msg, Result, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::drafting::thousandths;
use crate::filling::Standing;
use crate::model::{PlanState, TaskState};
use crate::service::{Eyes, Inspections, wrong};
use crate::store;

/// Characters of where something was found, at most.
const PLACE: usize = 60;

/// What is typed about one item: the fields of its form.
pub type Fields = Vec<(String, String)>;

/// One thing that a device sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Its number on the device, from 1.
    pub seq: i64,
    /// The item.
    pub item: String,
    /// What is typed.
    pub fields: Fields,
    /// The mark of what stood there when it was typed ([`mark`]); none: whatever stood there.
    pub seen: Option<String>,
}

/// What came of what a device sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The number up to which all is taken.
    pub seq: i64,
    /// What could not be understood, by item.
    pub faults: Vec<FieldError>,
    /// What stands now, of the items that were sent.
    pub marks: BTreeMap<String, String>,
    /// Items that somebody else had answered otherwise meanwhile: both answers are kept.
    pub rivals: Vec<String>,
}

/// What was answered on another device meanwhile (另一台设备的填写): kept beside what stands until somebody chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// The item.
    pub item: String,
    /// The device; empty: a form without script.
    pub device: String,
    /// What was answered.
    pub answer: Answer,
    /// Where.
    pub place: String,
    /// By whom.
    pub by: AccountId,
    /// When it arrived.
    pub at: Timestamp,
}

/// The mark of an answer: another one has another mark. Files do not count, they come after.
pub fn mark(answer: Option<&Answer>, place: &str) -> String {
    let Some(answer) = answer else {
        return "-".to_owned();
    };
    let text = serde_json::to_vec(&(&answer.value, &answer.note, place)).unwrap_or_default();
    hex::encode(&Sha256::digest(text)[..8])
}

/// The answer that fields mean; none where nothing is answered.
///
/// # Errors
/// Why they mean none.
pub(crate) fn read_answer(
    form: &Form,
    item: &str,
    fields: &Fields,
) -> Result<(Option<Answer>, String), Msg> {
    let of = |prefix: &str| {
        let name = format!("{prefix}-{item}");
        let found = fields.iter().filter(move |(n, _)| *n == name);
        found.map(|(_, v)| v.trim()).filter(|v| !v.is_empty())
    };
    let found = form
        .item(item)
        .ok_or_else(|| Msg::new("form-item-unknown"))?;
    let place: String = of("p")
        .next()
        .unwrap_or_default()
        .chars()
        .take(PLACE)
        .collect();
    let note = of("n").next().unwrap_or_default().replace("\r\n", "\n");
    let mut values = of("v");
    let unknown = || Msg::new("form-answer-unknown");
    let value = if of("na").next().is_some() {
        Some(Value::NotApplicable)
    } else {
        match &found.kind {
            Kind::Check => match values.next() {
                Some("yes") => Some(Value::Yes(true)),
                Some("no") => Some(Value::Yes(false)),
                Some(_) => return Err(unknown()),
                None => None,
            },
            Kind::Choice { .. } => values.next().map(|v| Value::Chosen(vec![v.to_owned()])),
            Kind::Several { .. } => {
                let chosen: Vec<String> = values.map(str::to_owned).collect();
                // None of them is an answer only where somebody said so.
                (!chosen.is_empty()).then_some(Value::Chosen(chosen))
            }
            Kind::Count { .. } => match values.next() {
                Some(text) => Some(Value::Number(text.parse().map_err(|_| unknown())?)),
                None => None,
            },
            Kind::Score { .. } => match values.next() {
                Some(text) => Some(Value::Number(thousandths(text).ok_or_else(unknown)?)),
                None => None,
            },
            Kind::Text { .. } => values.next().map(|v| Value::Text(v.replace("\r\n", "\n"))),
            Kind::Day => match values.next() {
                Some(text) => Some(Value::Day(kernel::parse_date(text).ok_or_else(unknown)?)),
                None => None,
            },
        }
    };
    if value.is_none() && !(note.is_empty() && place.is_empty()) {
        return Err(Msg::new("inspection-note-alone"));
    }
    let answer = value.map(|value| Answer {
        value,
        note,
        files: Vec::new(),
    });
    if let Some(answer) = &answer {
        let one = BTreeMap::from([(item.to_owned(), answer.clone())]);
        if let Some(fault) = check(form, &one, false).into_iter().next() {
            return Err(fault.message);
        }
    }
    Ok((answer, place))
}

impl Inspections {
    /// Whether a task may be filled in just now.
    pub(crate) fn fillable(s: &Standing) -> Result<()> {
        if !s.hand.fills {
            return Err(Error::NotFound);
        }
        let running = matches!(s.whole.plan.state, PlanState::Running | PlanState::Ended);
        match running && (s.task.state == TaskState::Open || s.task.state.is_done()) {
            true => Ok(()),
            false => Err(Error::Conflict(Msg::new("inspection-task-closed"))),
        }
    }

    /// Saves what a device sends, in its order, each once however often it is sent. What somebody else answered otherwise
    /// since the device saw it stays, and what the device says is kept beside it ([`Rival`]).
    ///
    /// # Errors
    /// `NotFound` for others than who fills it in; `Conflict` when it is closed.
    pub async fn put(&self, id: Id, device: &str, puts: &[Put], eyes: &Eyes) -> Result<Taken> {
        if device.len() > 40
            || !device
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            return Err(Error::field("device", Msg::new("inspection-device")));
        }
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            store::tasks::hold(tx, id).await?;
            let s = self.standing_in(tx, id, eyes).await?;
            Self::fillable(&s)?;
            // What was taken is acknowledged again, and changes nothing. A form without a device has no numbers.
            let known = match device {
                "" => i64::MIN,
                device => store::results::taken(tx, id, device).await?,
            };
            let new: Vec<&Put> = puts.iter().filter(|p| p.seq > known).collect();
            let last = new.iter().map(|p| p.seq).fold(known, i64::max);
            let mut taken = Taken {
                seq: last,
                ..Taken::default()
            };
            if last != known
                && !device.is_empty()
                && !store::results::take(tx, id, device, last).await?
            {
                return Err(Error::Retry("a device sent twice at once".into()));
            }
            let mut filled = s.filled;
            let mut wrote = store::rivals::devices(tx, id).await?;
            for put in new {
                let item = put.item.as_str();
                let (mut answer, place) = match read_answer(&s.form, item, &put.fields) {
                    Ok(read) => read,
                    Err(message) => {
                        taken.faults.push(wrong(format!("v-{item}"), message));
                        continue;
                    }
                };
                let there = filled.answers.get(item);
                let old_place = filled.places.get(item).map_or("", String::as_str);
                let (stands, typed) = (mark(there, old_place), mark(answer.as_ref(), &place));
                let own = !device.is_empty() && wrote.get(item).is_some_and(|d| d == device);
                let seen = put.seen.as_deref().filter(|_| !own);
                if typed == stands {
                    continue;
                }
                if let Some(seen) = seen.filter(|seen| *seen != stands && there.is_some()) {
                    // A plain form sends what nobody touched as well; nothing is no answer to keep.
                    let untouched = device.is_empty() && seen == typed;
                    if let Some(answer) = answer.filter(|_| !untouched) {
                        let rival = Rival {
                            item: item.to_owned(),
                            device: device.to_owned(),
                            answer,
                            place,
                            by: eyes.account,
                            at: now,
                        };
                        store::rivals::keep(tx, id, &rival).await?;
                        taken.rivals.push(item.to_owned());
                    }
                    continue;
                }
                if let (Some(answer), Some(there)) = (&mut answer, there) {
                    answer.files.clone_from(&there.files);
                }
                let row = (item, answer.as_ref(), place.as_str());
                store::results::put(tx, id, row, device, (eyes.account, now)).await?;
                wrote.insert(put.item.clone(), device.to_owned());
                filled.places.insert(put.item.clone(), place);
                match answer {
                    Some(answer) => filled.answers.insert(put.item.clone(), answer),
                    None => filled.answers.remove(item),
                };
            }
            for put in puts {
                let place = filled.places.get(&put.item).map_or("", String::as_str);
                let stands = mark(filled.answers.get(&put.item), place);
                taken.marks.insert(put.item.clone(), stands);
            }
            Ok(taken)
        })
    }

    /// Chooses among what devices answered to an item: what stands, or what one of them said. The others are given up.
    ///
    /// # Errors
    /// `NotFound` for others than who fills it in, and where there is nothing to choose; `Conflict` when it is closed.
    pub async fn choose(
        &self,
        (id, item): (Id, &str),
        device: Option<&str>,
        eyes: &Eyes,
        actor: &Actor,
    ) -> Result<()> {
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            store::tasks::hold(tx, id).await?;
            let s = self.standing_in(tx, id, eyes).await?;
            Self::fillable(&s)?;
            let rivals = store::rivals::of(tx, id).await?;
            let mut of = rivals.iter().filter(|r| r.item == item);
            let chosen = match device {
                Some(device) => Some(of.find(|r| r.device == device).ok_or(Error::NotFound)?),
                None => of.next().map(|_| None).ok_or(Error::NotFound)?,
            };
            if let Some(rival) = chosen {
                let mut answer = rival.answer.clone();
                if let Some(there) = s.filled.answers.get(item) {
                    answer.files.clone_from(&there.files);
                }
                let row = (item, Some(&answer), rival.place.as_str());
                store::results::put(tx, id, row, &rival.device, (rival.by, now)).await?;
            }
            store::rivals::clear(tx, id, item).await?;
            let detail = json!({ "item": item, "other": device.is_some() });
            self.trace(
                tx,
                actor,
                "inspection.chosen",
                ("inspection-task", id),
                detail,
            )
            .await
        })
    }

    /// What devices answered otherwise and nobody chose yet.
    pub(crate) async fn rivals(&self, id: Id) -> Result<Vec<Rival>> {
        let mut tx = self.db.read().await?;
        store::rivals::of(&mut tx, id).await
    }

    /// Puts files to the answer of an item, which must be answered.
    ///
    /// # Errors
    /// `Invalid` where nothing is answered yet; otherwise as [`Self::put`].
    pub async fn attach(
        &self,
        id: Id,
        item: &str,
        files: &[Attached],
        drop: &[String],
        eyes: &Eyes,
    ) -> Result<()> {
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            store::tasks::hold(tx, id).await?;
            let s = self.standing_in(tx, id, eyes).await?;
            Self::fillable(&s)?;
            let unanswered =
                || Error::field(format!("v-{item}"), Msg::new("inspection-answer-first"));
            let mut answer = s.filled.answers.get(item).cloned().ok_or_else(unanswered)?;
            answer.files.retain(|f| !drop.contains(f));
            for file in files {
                if !answer.files.contains(&file.sha256) {
                    answer.files.push(file.sha256.clone());
                }
                store::results::add_file(tx, id, file, now).await?;
            }
            let one = BTreeMap::from([(item.to_owned(), answer.clone())]);
            if let Some(fault) = check(&s.form, &one, false).into_iter().next() {
                return Err(Error::field(format!("v-{item}"), fault.message));
            }
            let place = s.filled.places.get(item).map_or("", String::as_str);
            let row = (item, Some(&answer), place);
            let device = store::rivals::devices(tx, id).await?.remove(item);
            let device = device.unwrap_or_default();
            store::results::put(tx, id, row, &device, (eyes.account, now)).await
        })
    }
}
