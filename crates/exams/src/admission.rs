//! Admission (考务): who may sit an examination, with how much time, where; tickets, which are sealed so that they can
//! be printed again.

use std::collections::{HashMap, HashSet};

use commons::sheets::{Column, Limits, read};
use db::transaction;
use identity::Actor;
use kernel::{Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde_json::json;

use crate::model::Stage;
use crate::office::{Held, Office, changed, reason, who};
use crate::store::admission::{self, Entry, Listed};
use crate::store::{making, results};
use crate::ticket;

/// People on one list.
const MOST: usize = 20_000;
/// Rows of one sheet.
const MOST_ROWS: usize = 5_000;
/// Minutes of extra time.
const MOST_EXTRA: i64 = 720;

/// Somebody who is put on the list, as typed or imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Staff number; empty: somebody without an account here.
    pub staff_no: String,
    /// Name of somebody without an account.
    pub name: String,
    /// Their number, such as that of an identity card's end.
    pub number: String,
    /// Room or batch (场次).
    pub place: String,
    /// Minutes of extra time.
    pub extra: i64,
    /// Why.
    pub reason: String,
    /// Where it stands, for what is wrong with it: a field, or a cell of a sheet.
    pub at: String,
}

/// What is changed of one on the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Room or batch.
    pub place: String,
    /// Minutes of extra time.
    pub extra: i64,
    /// Attempts beyond those that everybody has.
    pub more: i64,
    /// Why, when there is extra time or a further attempt.
    pub reason: String,
    /// Whether they are off the list.
    pub revoked: bool,
}

/// A ticket to be printed.
pub(crate) struct Card {
    pub(crate) who: Listed,
    pub(crate) ticket: String,
}

fn field_of(candidate: Id) -> String {
    format!("ticket:{candidate}")
}

fn short_text(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.contains(char::is_control)
}

impl Office {
    /// An examination to which people can still be admitted.
    async fn admitting(&self, id: Id, scope: &Scope) -> Result<Held> {
        let held = self.held(id, scope).await?;
        match held.exam.stage {
            Stage::Cancelled => Err(changed()),
            _ => Ok(held),
        }
    }

    /// Puts people on the list, all of them or none; who is on it already stays as they are. How many are new.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for each that is unknown, out of scope, or without a name; `Conflict` for a list that
    /// would be too long.
    pub async fn admit(
        &self,
        id: Id,
        people: &[Admitted],
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<u64> {
        let (actor, mut errors) = (actor.into(), Vec::new());
        let held = self.admitting(id, scope).await?;
        if people.is_empty() {
            return Err(Error::field("people", Msg::new("exam-admit-nobody")));
        }
        let numbers: Vec<String> = people
            .iter()
            .map(|p| p.staff_no.clone())
            .filter(|n| !n.is_empty())
            .collect();
        let known: HashMap<String, PersonId> = {
            let mut tx = self.exams.db.read().await?;
            let mut known = HashMap::new();
            for part in numbers.chunks(1_000) {
                known.extend(admission::people(&mut tx, part).await?);
            }
            known
        };
        let ids: Vec<PersonId> = known.values().copied().collect();
        let units = self.units(&held, &ids, scope).await?;
        let mut entries = Vec::new();
        for p in people {
            let mut wrong = |message: Msg| {
                let field = p.at.clone();
                errors.push(FieldError { field, message });
            };
            if !short_text(&p.place, 60) || !short_text(&p.number, 60) {
                wrong(Msg::new("exam-admit-place"));
                continue;
            }
            let extra = (0..=MOST_EXTRA).contains(&p.extra);
            if !extra || (p.extra > 0 && reason(&p.reason).is_err()) {
                wrong(Msg::new("exam-admit-extra").with("most", MOST_EXTRA));
                continue;
            }
            let (person, unit) = match p.staff_no.as_str() {
                "" => (None, None),
                number => match known
                    .get(number)
                    .and_then(|id| Some((*id, *units.get(id)?)))
                {
                    Some((person, unit)) => (Some(person), Some(unit)),
                    None => {
                        wrong(Msg::new("exam-admit-unknown").with("number", number));
                        continue;
                    }
                },
            };
            let name = p.name.trim();
            if person.is_none() && (name.is_empty() || !short_text(name, 100)) {
                wrong(Msg::new("exam-name"));
                continue;
            }
            entries.push(Entry {
                id: self.exams.env.new_id(),
                person,
                unit,
                name: if person.is_some() {
                    String::new()
                } else {
                    name.to_owned()
                },
                number: p.number.trim().to_owned(),
                place: p.place.trim().to_owned(),
                extra: p.extra * 60,
                reason: p.reason.trim().to_owned(),
            });
        }
        Error::if_any(errors)?;
        self.put(&held, &entries, "by-name", &actor).await
    }

    /// The units in scope that people are counted in on the day of the examination.
    async fn units(
        &self,
        held: &Held,
        people: &[PersonId],
        scope: &Scope,
    ) -> Result<HashMap<PersonId, UnitId>> {
        let (env, org) = (&self.exams.env, &self.exams.organization);
        let day = held.exam.terms.opens.date(env.zone());
        let mut units = org.units_of(people, day).await?;
        let mut all: Vec<UnitId> = units.values().copied().collect();
        all.sort_unstable();
        all.dedup();
        let reached: HashSet<UnitId> = {
            let found = org.units_by_id(&all, scope).await?;
            found.into_iter().map(|u| u.id).collect()
        };
        units.retain(|_, unit| reached.contains(unit));
        Ok(units)
    }

    async fn put(&self, held: &Held, entries: &[Entry], way: &str, actor: &Actor) -> Result<u64> {
        let (id, by, now) = (held.exam.id, who(actor)?, self.exams.env.now());
        transaction!(self.exams.db, |tx| {
            let there = making::admitted(tx, &[id])
                .await?
                .get(&id)
                .copied()
                .unwrap_or(0);
            if entries.len() + usize::try_from(there).unwrap_or(MOST) > MOST {
                return Err(Error::Conflict(
                    Msg::new("exam-admit-many").with("most", MOST),
                ));
            }
            let new = admission::put(tx, id, entries, (now, by)).await?;
            if new > 0 && held.exam.stage == Stage::Published {
                let people = entries
                    .iter()
                    .filter_map(|e| Some((e.person?, e.place.clone())));
                let people: Vec<_> = people.collect();
                self.exams.tell_admitted(tx, &held.exam, &people).await?;
            }
            if new > 0 {
                let detail = json!({ "count": new, "by": way });
                self.trace(tx, actor, "exam.admitted", id, detail).await?;
            }
            Ok(new)
        })
    }

    /// Puts all of an audience, or of a unit with those below it, on the list as of the day of the examination.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for a list that would be too long.
    pub async fn admit_all(
        &self,
        id: Id,
        of: Of,
        place: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<u64> {
        let actor = actor.into();
        let held = self.admitting(id, scope).await?;
        if !short_text(place, 60) {
            return Err(Error::field("place", Msg::new("exam-admit-place")));
        }
        let (env, org) = (&self.exams.env, &self.exams.organization);
        let day = held.exam.terms.opens.date(env.zone());
        let (roster, way) = match of {
            Of::Audience(id) => {
                let audience = org.audience(id, scope).await?;
                let most = MOST as i64 + 1;
                let (_, people) = org
                    .audience_page(&audience.rule, day, scope, most, 0)
                    .await?;
                (people, "audience")
            }
            Of::Unit(unit) => (org.roster(unit, day, true, scope).await?, "unit"),
        };
        let people: Vec<PersonId> = roster.iter().map(|r| r.person).collect();
        let units = self.units(&held, &people, scope).await?;
        let entry = |person: &PersonId| {
            Some(Entry {
                id: env.new_id(),
                person: Some(*person),
                unit: Some(*units.get(person)?),
                name: String::new(),
                number: String::new(),
                place: place.trim().to_owned(),
                extra: 0,
                reason: String::new(),
            })
        };
        let entries: Vec<Entry> = people.iter().filter_map(entry).collect();
        self.put(&held, &entries, way, &actor).await
    }

    /// Reads a sheet of names and puts them on the list, all of them or none.
    ///
    /// # Errors
    /// `Invalid` for what is wrong with the sheet, by cell; as [`Self::admit`].
    pub async fn admit_sheet(
        &self,
        id: Id,
        (name, bytes): (&str, &[u8]),
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<u64> {
        let limits = Limits {
            rows: MOST_ROWS + 30,
            ..Limits::default()
        };
        let sheet = read(name, bytes, &limits)?;
        let wanted = SHEET.map(|(key, names)| Column::optional(key, names));
        let table = sheet.columns(&wanted)?;
        let (mut people, mut errors) = (Vec::new(), Vec::new());
        for row in table.rows() {
            let text = |key: &str| row.get(key).text.trim().to_owned();
            let extra = match text("extra").as_str() {
                "" => 0,
                minutes => minutes.parse().unwrap_or_else(|_| {
                    errors.push(row.get("extra").error(Msg::new("exam-number-wrong")));
                    0
                }),
            };
            let at = if text("staff_no").is_empty() {
                row.get("name")
            } else {
                row.get("staff_no")
            };
            people.push(Admitted {
                staff_no: text("staff_no"),
                name: text("name"),
                number: text("number"),
                place: text("place"),
                extra,
                reason: text("reason"),
                at: at.address(),
            });
        }
        Error::if_any(errors)?;
        if people.is_empty() || people.len() > MOST_ROWS {
            let message = Msg::new("exam-admit-rows").with("most", MOST_ROWS);
            return Err(Error::field("file", message));
        }
        self.admit(id, &people, scope, actor).await
    }

    /// Changes what was said of one on the list; extra time and further attempts need a reason.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` per field.
    pub async fn change_candidate(
        &self,
        id: Id,
        candidate: Id,
        to: &Change,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = actor.into();
        who(&actor)?;
        let held = self.held(id, scope).await?;
        let mut found = Vec::new();
        let mut unless = |good: bool, field: &str, message: Msg| {
            let field = field.to_owned();
            if !good {
                found.push(FieldError { field, message });
            }
        };
        unless(
            short_text(&to.place, 60),
            "place",
            Msg::new("exam-admit-place"),
        );
        let fine = (0..=MOST_EXTRA).contains(&to.extra);
        unless(
            fine,
            "extra",
            Msg::new("exam-admit-extra").with("most", MOST_EXTRA),
        );
        unless(
            (0..=20).contains(&to.more),
            "more",
            Msg::new("exam-admit-more"),
        );
        let now = self.exams.env.now();
        Error::if_any(found)?;
        transaction!(self.exams.db, |tx| {
            let before = admission::one(tx, id, candidate).await?;
            let revoked = match (to.revoked, before.revoked) {
                (true, None) => Some(now),
                (true, since) => since,
                (false, _) => None,
            };
            let after = Listed {
                place: to.place.trim().to_owned(),
                extra: to.extra * 60,
                more: to.more,
                reason: to.reason.trim().to_owned(),
                revoked,
                ..before.clone()
            };
            let plain = (before.extra, before.more, before.revoked.is_some());
            if plain != (after.extra, after.more, after.revoked.is_some()) {
                reason(&to.reason)?;
            }
            if after == before {
                return Ok(());
            }
            if !admission::set(tx, id, &after).await? {
                return Err(Error::NotFound);
            }
            if let Some(person) = before
                .person
                .filter(|_| held.exam.stage == Stage::Published)
            {
                self.exams
                    .tell_changed(tx, &held.exam, person, &after)
                    .await?;
            }
            if before.extra != after.extra {
                // Somebody may still begin: what counts is looked at again.
                results::changed(tx, id).await?;
            }
            let detail = json!({ "candidate": candidate, "place": after.place, "extra": after.extra, "more": after.more,
                "revoked": to.revoked, "reason": after.reason });
            self.trace(tx, &actor, "exam.candidate-changed", id, detail)
                .await
        })
    }

    /// Issues tickets: to all on the list who have none, or to one anew, whose ticket before is void. How many.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` without a keyring.
    pub async fn issue_tickets(
        &self,
        id: Id,
        only: Option<Id>,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<usize> {
        let actor = actor.into();
        who(&actor)?;
        self.admitting(id, scope).await?;
        let env = &self.exams.env;
        transaction!(self.exams.db, |tx| {
            let (_, key) = making::held(tx, id, scope).await?;
            let whom = match only {
                Some(one) => vec![admission::one(tx, id, one).await?.id],
                None => admission::without_ticket(tx, id).await?,
            };
            if whom.is_empty() {
                return Ok(0);
            }
            let keys = self.exams.vault()?.make(tx, &[id]).await?;
            let mut tickets = Vec::with_capacity(whom.len());
            for candidate in whom {
                let fresh = ticket::fresh(env);
                let plain = ticket::plain(&fresh).ok_or_else(|| Error::internal("a ticket"))?;
                let sealed = keys.seal(id, &field_of(candidate), &fresh)?;
                tickets.push((candidate, key.ticket(&plain), sealed));
            }
            admission::put_tickets(tx, id, &tickets).await?;
            let detail = json!({ "count": tickets.len(), "candidate": only });
            self.trace(tx, &actor, "exam.tickets-issued", id, detail)
                .await?;
            Ok(tickets.len())
        })
    }

    /// Opens tickets for print: of one, of a place, or of all; each time is written down.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` without a keyring.
    pub(crate) async fn cards(
        &self,
        id: Id,
        (only, place): (Option<Id>, Option<&str>),
        scope: &Scope,
        actor: &Actor,
    ) -> Result<(Held, Vec<Card>)> {
        let held = self.held(id, scope).await?;
        let cards = transaction!(self.exams.db, |tx| {
            let sealed = admission::sealed(tx, id, only, place).await?;
            let mut cards = Vec::with_capacity(sealed.len());
            if sealed.is_empty() {
                return Ok(cards);
            }
            let keys = self.exams.vault()?.keys(tx, &[id]).await?;
            for (who, sealed) in sealed {
                let opened = keys.open(id, &field_of(who.id), &sealed)?;
                let ticket = opened.text().unwrap_or_default().to_owned();
                cards.push(Card { who, ticket });
            }
            let detail = json!({ "count": cards.len(), "candidate": only, "place": place });
            self.trace(tx, actor, "exam.tickets-printed", id, detail)
                .await?;
            Ok(cards)
        })?;
        Ok((held, cards))
    }
}

/// Whose people are admitted all at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// An audience (对象范围).
    Audience(Id),
    /// A unit with those below it.
    Unit(UnitId),
}

/// Columns of a sheet of names.
pub(crate) const SHEET: [(&str, &[&str]); 6] = [
    ("staff_no", &["工号", "Staff number"]),
    ("name", &["姓名", "Name"]),
    ("number", &["编号", "Number", "证号"]),
    ("place", &["场次", "Room", "考场"]),
    ("extra", &["加时（分钟）", "Extra minutes", "加时"]),
    ("reason", &["加时原因", "Reason", "原因"]),
];
