//! Recording, correcting and taking back activities.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use commons::packs::levels::Levels;
use db::{Db, GroupCommit, Tx};
use identity::Actor;
use kernel::{
    AccountId, ActivityId, Env, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope, UnitId,
};
use ledger::{Fact, Ledger};
use notices::Notices;
use organization::Organization;
use serde_json::json;
use web::table::Order;

use crate::attendance::LateWriter;
use crate::store::{self, Filter};
use crate::{Activity, ActivityKinds, New, Part, Role};

/// The feature; cheap to clone.
#[derive(Clone)]
pub struct Activities {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) kinds: Arc<ActivityKinds>,
    pub(crate) late: GroupCommit<LateWriter>,
    pub(crate) notices: Option<Notices>,
    pub(crate) levels: Arc<Levels>,
}

impl Activities {
    /// The feature on a database; starts the group-commit writer of single attendances, so it must be
    /// called inside the runtime.
    pub fn new(
        db: Db,
        env: Env,
        ledger: Ledger,
        organization: Organization,
        kinds: ActivityKinds,
    ) -> Self {
        let kinds = Arc::new(kinds);
        let writer = Arc::new(LateWriter {
            ledger: ledger.clone(),
            organization: organization.clone(),
            env: env.clone(),
            kinds: kinds.clone(),
        });
        let late = GroupCommit::start(db.clone(), writer, 4_096, 512);
        Self {
            db,
            env,
            ledger,
            organization,
            kinds,
            late,
            notices: None,
            levels: Arc::default(),
        }
    }

    /// The same, whose records may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = Arc::new(levels);
        self
    }

    /// The same, in which whoever recorded something hears that it was returned.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// Records an activity with its roster: one transaction, `held` and `attendance` facts. Sent twice
    /// with the same id it is recorded once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope; `Busy` when the ledger is flooded.
    pub async fn record(
        &self,
        new: &New,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<ActivityId> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        self.organization.unit(new.host, scope).await?;
        let kind = self.kinds.get(&new.kind).ok_or(Error::NotFound)?;
        let mut errors = Vec::new();
        let span = new.check(kind, &self.env, &mut errors);
        let level = match self.levels.take(&new.level, kind.level.as_deref()) {
            Ok(level) => level.code.clone(),
            Err(Error::Invalid(more)) => {
                errors.extend(more);
                String::new()
            }
            Err(other) => return Err(other),
        };
        Error::if_any(errors)?;
        let Some(span) = span else {
            return Err(Error::internal("a checked span"));
        };
        let now = self.env.now();
        let activity = Activity {
            id: new.id,
            kind: kind.code.clone(),
            host: new.host,
            title: new.title.trim().to_owned(),
            date: new.date,
            starts: span.starts,
            ends: span.ends,
            minutes: span.minutes,
            location: new.location.trim().to_owned(),
            late: kind.is_late(new.date, self.env.today()),
            recorded_at: now,
            recorded_by: by,
            reversed_at: None,
            reversed_by: None,
            reversal_reason: None,
            recorded_for: actor.on_behalf,
            changes: 0,
            confirmed_at: None,
            confirmed_by: None,
            returned_at: None,
            level,
        };
        let parts = self.parts(new, scope).await?;
        db::transaction!(self.db, |tx| {
            if !store::insert(tx, &activity).await? {
                // The form was sent twice: the first one stands, if it is the same person's.
                let known = store::activity(tx, activity.id, scope).await?;
                return if known.recorded_by == by {
                    Ok(())
                } else {
                    Err(Error::NotFound)
                };
            }
            self.index(tx, &activity).await?;
            store::take_turn(tx, activity.host).await?;
            if !new.another && store::overlaps(tx, &activity).await? {
                return Err(Error::field("another", Msg::new("activity-overlaps")));
            }
            self.write_facts(tx, &activity, &parts).await?;
            let detail = json!({ "kind": activity.kind, "date": activity.date.to_string(), "lines": parts.len() });
            self.audit(tx, &actor, "activity.recorded", activity.id, detail)
                .await
        })?;
        Ok(activity.id)
    }

    /// The frozen roster: everybody with the unit they were counted in on that day.
    async fn parts(&self, new: &New, scope: &Scope) -> Result<Vec<Part>> {
        let persons: Vec<PersonId> = new.marks.iter().map(|m| m.person).collect();
        let units = self.organization.units_of(&persons, new.date).await?;
        // A roster holds one's own people; whoever comes from elsewhere is an observer.
        let reach: HashSet<UnitId> = self
            .organization
            .units(scope)
            .await?
            .into_iter()
            .map(|u| u.id)
            .collect();
        let mut errors = Vec::new();
        let mut parts = Vec::new();
        for mark in &new.marks {
            match units.get(&mark.person).filter(|u| reach.contains(u)) {
                Some(unit) => parts.push(Part {
                    person: mark.person,
                    unit: *unit,
                    role: mark.role,
                }),
                None => errors.push(FieldError {
                    field: "roster".into(),
                    message: Msg::new("roster-person-unknown")
                        .with("date", kernel::format_date(new.date)),
                }),
            }
        }
        let mut wanted: Vec<String> = Vec::new();
        for number in new
            .observers
            .iter()
            .map(|n| n.trim())
            .filter(|n| !n.is_empty())
        {
            if !wanted.iter().any(|w| w == number) {
                wanted.push(number.to_owned());
            }
        }
        if !wanted.is_empty() {
            let found =
                store::people_by_staff_no(&mut self.db.read().await?, &wanted, new.date).await?;
            let listed: HashSet<_> = persons.iter().copied().collect();
            for number in wanted {
                let message = match found.iter().find(|(n, ..)| *n == number) {
                    Some((_, person, _)) if listed.contains(person) => {
                        Msg::new("observer-on-roster")
                    }
                    Some((_, person, Some(unit))) => {
                        parts.push(Part {
                            person: *person,
                            unit: *unit,
                            role: Role::Observer,
                        });
                        continue;
                    }
                    _ => Msg::new("observer-unknown"),
                };
                errors.push(FieldError {
                    field: "observers".into(),
                    message: message.with("number", number),
                });
            }
        }
        Error::if_any(errors)?;
        Ok(parts)
    }

    async fn write_facts(&self, tx: &mut Tx, activity: &Activity, parts: &[Part]) -> Result<()> {
        let mut units: Vec<UnitId> = parts
            .iter()
            .map(|p| p.unit)
            .chain([activity.host])
            .collect();
        units.sort_unstable();
        units.dedup();
        // A late entry counts where the units stood on its day.
        let wanted: Vec<_> = units.iter().map(|unit| (*unit, activity.date)).collect();
        let paths = self.organization.paths_on(tx, &wanted).await?;
        let mut places = HashMap::new();
        for wanted in wanted {
            let path = paths.get(&wanted).ok_or(Error::NotFound)?;
            places.insert(wanted.0, self.ledger.place(tx, path).await?);
        }
        let host = places[&activity.host];
        let mut facts = vec![activity.fact(self.env.new_id(), "held", host)];
        let mut lines = Vec::with_capacity(parts.len());
        for part in parts {
            let id: FactId = self.env.new_id();
            facts.push(activity.attendance(id, host, places[&part.unit], part));
            lines.push((activity.id, part.clone(), id));
        }
        if store::insert_parts(tx, &lines).await?.len() != parts.len() {
            return Err(Error::field("roster", Msg::new("roster-person-twice")));
        }
        self.ledger.append(tx, &facts).await
    }

    /// Corrects one person's part: the old fact is reversed, a new one stands in its place.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the activity was taken back or the line changed meanwhile.
    pub async fn correct(
        &self,
        id: ActivityId,
        person: PersonId,
        role: Role,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        db::transaction!(self.db, |tx| {
            let activity = store::activity(tx, id, scope).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let parts = store::parts(tx, id).await?;
            let Some((part, old)) = parts.into_iter().find(|(p, _)| p.person == person) else {
                return Err(Error::NotFound);
            };
            if part.role == role {
                return Ok(());
            }
            let reversed = self.ledger.reverse(tx, &[old], Some(by)).await?;
            let (Some(host), Some(unit)) = (
                reversed.first().map(|f| f.host),
                reversed.first().and_then(|f| f.unit),
            ) else {
                return Err(Error::internal("an attendance without its places"));
            };
            let new: FactId = self.env.new_id_above(old.0);
            let mut fact = activity.attendance(
                new,
                host,
                unit,
                &Part {
                    role,
                    ..part.clone()
                },
            );
            (fact.recorded_at, fact.recorded_by) = (self.env.now(), Some(by));
            let kind = self.kinds.get(&activity.kind);
            fact.late |= kind.is_some_and(|k| k.is_late(activity.date, self.env.today()));
            if !store::change_part(tx, id, person, old, role, new).await? {
                return Err(Error::Conflict(Msg::new("changed-meanwhile")));
            }
            self.ledger.append(tx, &[fact]).await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "person": person, "from": part.role, "to": role });
            self.audit(tx, &actor, "activity.corrected", id, detail)
                .await
        })
    }

    /// Takes a whole activity back (冲正): every standing fact of it is reversed, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was taken back before.
    pub async fn reverse(
        &self,
        id: ActivityId,
        reason: &str,
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let reason = reason.trim();
        if reason.chars().count() < 2 || reason.chars().count() > 200 {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            store::activity(tx, id, scope).await?;
            if !store::reverse(tx, id, self.env.now(), by, reason).await? {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let facts: Vec<FactId> = self
                .ledger
                .standing(tx, id.0)
                .await?
                .iter()
                .map(|f| f.id)
                .collect();
            self.ledger.reverse(tx, &facts, Some(by)).await?;
            self.audit(
                tx,
                &actor,
                "activity.reversed",
                id,
                json!({ "facts": facts.len() }),
            )
            .await
        })
    }

    /// What was done is in the audit trail by the same transaction.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: ActivityId,
        detail: serde_json::Value,
    ) -> Result<()> {
        identity::record(
            tx,
            &self.env,
            &actor.audit(action, ("activity", id), detail),
        )
        .await
    }

    /// An activity with its roster.
    pub async fn activity(&self, id: ActivityId, scope: &Scope) -> Result<(Activity, Vec<Part>)> {
        let mut tx = self.db.read().await?;
        let activity = store::activity(&mut tx, id, scope).await?;
        let parts = store::parts(&mut tx, id).await?;
        Ok((activity, parts.into_iter().map(|(p, _)| p).collect()))
    }

    /// A page of activities, newest first, each with present and expected, and how many there are.
    pub(crate) async fn list(
        &self,
        scope: &Scope,
        filter: &Filter,
        order: Order,
        page: i64,
        size: i64,
    ) -> Result<(Vec<(Activity, i64, i64)>, i64)> {
        if let Some(unit) = filter.under {
            self.organization.unit(unit, scope).await?;
        }
        let offset = (page - 1).saturating_mul(size);
        let mut tx = self.db.read().await?;
        let total = store::count(&mut tx, scope, filter).await?;
        let rows = store::list(&mut tx, scope, filter, order, size, offset).await?;
        Ok((rows, total))
    }
}

impl Activity {
    pub(crate) fn fact(&self, id: FactId, kind: &str, host: ledger::PlaceId) -> Fact {
        let mut f = Fact::new(
            id,
            kind,
            host,
            self.date,
            Id::from(self.id),
            "roster",
            self.recorded_at,
        );
        f.category = Some(self.kind.clone());
        (f.starts, f.ends, f.minutes) = (Some(self.starts), Some(self.ends), Some(self.minutes));
        (f.recorded_by, f.late) = (Some(self.recorded_by), self.late);
        f
    }

    pub(crate) fn attendance(
        &self,
        id: FactId,
        host: ledger::PlaceId,
        unit: ledger::PlaceId,
        part: &Part,
    ) -> Fact {
        let mut f = self.fact(id, "attendance", host);
        (f.person, f.unit, f.role) = (
            Some(part.person),
            Some(unit),
            Some(part.role.code().to_owned()),
        );
        f.minutes = Some(if part.role.studied() { self.minutes } else { 0 });
        f
    }
}

/// Who acts; the program itself records nothing.
pub(crate) fn who(actor: impl Into<Actor>) -> Result<(Actor, AccountId)> {
    let actor = actor.into();
    let account = actor.account.ok_or(Error::Forbidden)?;
    Ok((actor, account))
}
