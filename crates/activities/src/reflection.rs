//! Reflections (心得体会): kinds that ask for one have it handed in by those who were there, looked at, accepted or
//! returned. Similarity informs whoever looks at it and decides nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use identity::{Actor, Identity};
use jiff::ToSpan;
use kernel::{ActivityId, Date, Error, FactId, Id, Msg, PersonId, Result, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::service::who;
use crate::store::reflection as rows;
use crate::{Activities, Activity, ActivityKind, Role, View, store};

/// What a kind asks of a reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReflectionOf {
    /// Due so many days after the activity.
    pub due_days: i64,
    /// Characters at least.
    pub least: usize,
    /// Characters at most.
    pub most: usize,
}

/// How far a reflection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReflectionState {
    /// Handed in (待审阅).
    Submitted,
    /// Accepted (已采纳).
    Accepted,
    /// Accepted and selected (优秀).
    Excellent,
    /// Returned to be mended (退回修改).
    Returned,
}

impl ReflectionState {
    const ALL: [Self; 4] = [
        Self::Submitted,
        Self::Accepted,
        Self::Excellent,
        Self::Returned,
    ];

    /// Its code; of those that count, the role of the fact.
    pub fn code(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Excellent => "excellent",
            Self::Returned => "returned",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    fn counts(self) -> bool {
        matches!(self, Self::Accepted | Self::Excellent)
    }
}

/// A reflection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reflection {
    /// Id.
    pub id: Id,
    /// Of which activity.
    pub activity: ActivityId,
    /// Whose.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// What it says.
    pub text: String,
    /// How far it has come.
    pub state: ReflectionState,
    /// When it was handed in.
    pub submitted_at: Timestamp,
    /// What was said about it.
    pub note: String,
    /// Its fact, while it counts.
    pub fact: Option<FactId>,
}

/// Something that a reflection can be written about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToReflect {
    /// The activity.
    pub activity: ActivityId,
    /// Its title.
    pub title: String,
    /// Code of its kind.
    pub kind: String,
    /// Its day.
    pub date: Date,
    /// How far one's own has come; none: not handed in.
    pub state: Option<ReflectionState>,
}

/// Characters that are compared at a time.
const GRAM: usize = 4;

/// What a text is made of: every run of four letters and digits.
fn grams(text: &str) -> HashSet<u64> {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let hash = |run: &[char]| {
        let mut hasher = DefaultHasher::new();
        run.hash(&mut hasher);
        hasher.finish()
    };
    letters.windows(GRAM).map(hash).collect()
}

/// How much of the shorter of two texts stands in the other, in percent.
pub fn similarity(one: &str, other: &str) -> u8 {
    share(&grams(one), &grams(other))
}

fn share(one: &HashSet<u64>, other: &HashSet<u64>) -> u8 {
    let least = one.len().min(other.len());
    if least == 0 {
        return 0;
    }
    u8::try_from(one.intersection(other).count() * 100 / least).unwrap_or(100)
}

/// For each text the one it is most like: how much, and whose; of those that are somebody else's or older.
pub(crate) fn likest(texts: &[Reflection], older: &[Reflection]) -> HashMap<Id, (u8, Id)> {
    let all: Vec<(&Reflection, HashSet<u64>)> = texts
        .iter()
        .chain(older)
        .map(|r| (r, grams(&r.text)))
        .collect();
    let mut found = HashMap::new();
    for (text, own) in &all[..texts.len()] {
        let others = all.iter().filter(|(o, _)| o.id != text.id);
        let others = others.filter(|(o, _)| o.activity == text.activity || o.person == text.person);
        let best = others.map(|(o, grams)| (share(own, grams), o.id)).max();
        found.extend(
            best.filter(|(percent, _)| *percent > 0)
                .map(|best| (text.id, best)),
        );
    }
    found
}

impl Activities {
    fn reflects(&self, a: &Activity) -> Result<(&ActivityKind, ReflectionOf)> {
        let kind = self.kinds.get(&a.kind).ok_or(Error::NotFound)?;
        Ok((kind, kind.reflection.ok_or(Error::NotFound)?))
    }

    /// When a reflection on an activity is due; none when its kind asks for none.
    pub(crate) fn reflection_due(&self, kind: &str, date: Date) -> Option<Date> {
        let asked = self.kinds.get(kind)?.reflection?;
        Some(date.saturating_add(asked.due_days.days()))
    }

    /// Somebody who was there hands in their reflection, or mends it until it was accepted.
    ///
    /// # Errors
    /// `Invalid` when it is too short or too long; `NotFound` for who was not there; `Conflict` when it was accepted.
    pub async fn reflect(
        &self,
        id: ActivityId,
        person: PersonId,
        text: &str,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, _) = who(actor)?;
        let (a, _) = self.activity(id, &kernel::Scope::All).await?;
        let (_, asked) = self.reflects(&a)?;
        let text = text.trim().replace("\r\n", "\n");
        let length = text.chars().filter(|c| !c.is_whitespace()).count();
        if !(asked.least..=asked.most).contains(&length)
            || text.contains(|c: char| c.is_control() && c != '\n')
        {
            let message = Msg::new("reflection-length").with("length", length);
            return Err(Error::field(
                "text",
                message.with("least", asked.least).with("most", asked.most),
            ));
        }
        let new: Id = self.env.new_id();
        db::transaction!(self.db, |tx| {
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let roles = store::roles(tx, &[(id, person)]).await?;
            if !roles.get(&(id, person)).is_some_and(|role| role.studied()) {
                return Err(Error::NotFound);
            }
            if !rows::submit(tx, new, (id, person), &text, self.env.now()).await? {
                return Err(Error::Conflict(Msg::new("reflection-accepted")));
            }
            let detail = json!({ "person": person, "characters": length });
            self.audit(tx, &actor, "activity.reflected", id, detail)
                .await
        })
    }

    /// Accepts, selects or returns a reflection; nobody their own. What counts has a fact.
    ///
    /// # Errors
    /// `Invalid` when it is returned without a word; `NotFound`; `Conflict` for one's own and when it changed meanwhile.
    pub async fn review(
        &self,
        (id, reflection): (ActivityId, Id),
        to: ReflectionState,
        note: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        self.ledger.admit()?;
        let note = note.trim();
        let least = usize::from(to == ReflectionState::Returned) * 2;
        if !(least..=200).contains(&note.chars().count())
            || note.contains(char::is_control)
            || to == ReflectionState::Submitted
        {
            return Err(Error::field("note", Msg::new("reflection-note")));
        }
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            let a = store::activity(tx, id, &view).await?;
            let (kind, asked) = self.reflects(&a)?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let all = rows::of_activity(tx, id).await?;
            let known = all
                .iter()
                .find(|r| r.id == reflection)
                .ok_or(Error::NotFound)?;
            for account in [Some(by), actor.on_behalf].into_iter().flatten() {
                if Identity::person_of(tx, account).await? == Some(known.person) {
                    return Err(Error::Conflict(Msg::new("reflection-own")));
                }
            }
            if known.state == to {
                return Ok(());
            }
            if let Some(fact) = known.fact {
                self.ledger.reverse(tx, &[fact], Some(by)).await?;
            }
            let mut fact = None;
            if to.counts() {
                let units =
                    organization::Organization::units_on(tx, &[(known.person, a.date)]).await?;
                let unit = units
                    .get(&(known.person, a.date))
                    .copied()
                    .unwrap_or(a.host);
                let places = self.places(tx, [a.host, unit], a.date).await?;
                let id = self.env.new_id::<FactId>();
                let mut f = a.fact(id, "reflection", places[&a.host]);
                let day = known.submitted_at.date(self.env.zone());
                (f.person, f.unit, f.role) = (
                    Some(known.person),
                    Some(places[&unit]),
                    Some(to.code().to_owned()),
                );
                (f.starts, f.ends, f.minutes) = (None, None, None);
                (f.date, f.recorded_at, f.recorded_by) = (day, now, Some(by));
                f.late = day > a.date.saturating_add(asked.due_days.days())
                    || kind.is_late(day, self.env.today());
                self.ledger.append(tx, &[f]).await?;
                fact = Some(id);
            }
            if !rows::review(tx, known, to, note, (by, now), fact).await? {
                return Err(Error::Conflict(Msg::new("changed-meanwhile")));
            }
            let detail = json!({ "person": known.person, "state": to.code() });
            self.audit(tx, &actor, "activity.reflection-reviewed", id, detail)
                .await
        })
    }

    /// The reflections on an activity in a view, with what each is most like: percent and which.
    pub async fn reflections(
        &self,
        id: ActivityId,
        view: impl Into<View>,
    ) -> Result<Vec<(Reflection, Option<(u8, Reflection)>)>> {
        let mut tx = self.db.read().await?;
        let a = store::activity(&mut tx, id, &view.into()).await?;
        self.reflects(&a)?;
        let all = rows::of_activity(&mut tx, id).await?;
        let older = rows::older(&mut tx, id, a.date).await?;
        drop(tx);
        let compare = move || {
            let likest = likest(&all, &older);
            let by_id: HashMap<Id, &Reflection> =
                all.iter().chain(&older).map(|r| (r.id, r)).collect();
            let like = |r: &Reflection| {
                likest
                    .get(&r.id)
                    .and_then(|(n, id)| Some((*n, (*by_id.get(id)?).clone())))
            };
            all.iter().map(|r| (r.clone(), like(r))).collect()
        };
        tokio::task::spawn_blocking(compare)
            .await
            .map_err(Error::internal)
    }

    /// One's own reflection on an activity, with the activity; `NotFound` for who was not there.
    pub(crate) async fn own_reflection(
        &self,
        id: ActivityId,
        person: PersonId,
    ) -> Result<(Activity, Option<Reflection>)> {
        let (a, parts) = self.activity(id, &kernel::Scope::All).await?;
        self.reflects(&a)?;
        let there = |role: Role| role.studied();
        if a.reversed_at.is_some() || !parts.iter().any(|p| p.person == person && there(p.role)) {
            return Err(Error::NotFound);
        }
        let all = rows::of_activity(&mut self.db.read().await?, id).await?;
        Ok((a, all.into_iter().find(|r| r.person == person)))
    }

    /// What a person may write about since a day, the newest first.
    pub(crate) async fn to_reflect(&self, person: PersonId, since: Date) -> Result<Vec<ToReflect>> {
        let kinds: Vec<&str> = self
            .kinds
            .iter()
            .filter(|k| k.reflection.is_some())
            .map(|k| k.code.as_str())
            .collect();
        rows::to_reflect(&mut self.db.read().await?, person, since, &kinds).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_like_itself_and_alike_both_ways(one in "[一-十a-f，。 ]{0,60}", other in "[一-十a-f，。 ]{0,60}") {
            prop_assert_eq!(similarity(&one, &other), similarity(&other, &one));
            prop_assert!(similarity(&one, &other) <= 100);
            if !grams(&one).is_empty() {
                prop_assert_eq!(similarity(&one, &one), 100);
                // Copied into a longer text it is found, whatever signs stand between.
                prop_assert_eq!(similarity(&one, &format!("{other}{}", one.replace('，', "。\n"))), 100);
            }
        }
    }

    #[test]
    fn different_texts_are_not_alike() {
        assert_eq!(
            similarity("通过学习进一步提高了认识", "结合本职工作谈三点体会和打算"),
            0
        );
        assert_eq!(similarity("", "通过学习"), 0);
    }
}
