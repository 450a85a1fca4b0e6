//! Units that take part beside the host (参与单位): their people stand on the roster as their own, counted in their own
//! unit as always, and whoever records for them fills their part of it.

use std::collections::{HashMap, HashSet};

use identity::Actor;
use kernel::{ActivityId, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::Fact;
use organization::RosterEntry;
use serde_json::json;

use crate::service::who;
use crate::store::participants as rows;
use crate::{Activities, Activity, Mark, Part, View, store};

/// Units of one activity beside the host.
pub(crate) const MOST: usize = 100;

impl Activities {
    /// The units that take part in an activity beside its host.
    pub async fn participants(&self, id: ActivityId) -> Result<Vec<UnitId>> {
        rows::of(&mut self.db.read().await?, id).await
    }

    /// The units that take part in what is planned.
    pub async fn participants_of_plan(&self, id: Id) -> Result<Vec<UnitId>> {
        rows::of_plan(&mut self.db.read().await?, id).await
    }

    /// Units that are named as taking part: not the host, each once, not too many.
    pub(crate) fn check_participants(units: &[UnitId], host: UnitId, errors: &mut Vec<FieldError>) {
        let distinct: HashSet<&UnitId> = units.iter().collect();
        if units.contains(&host) || distinct.len() != units.len() || units.len() > MOST {
            errors.push(FieldError {
                field: "units".into(),
                message: Msg::new("participants-wrong").with("most", MOST),
            });
        }
    }

    /// Names a unit that takes part, or takes it away while none of its people is on the roster.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for the host; `Conflict` when the activity was taken back, or people of it are there.
    pub async fn set_participant(
        &self,
        id: ActivityId,
        (unit, there): (UnitId, bool),
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let below: HashSet<UnitId> = self
            .organization
            .units_under(unit)
            .await?
            .into_iter()
            .collect();
        db::transaction!(self.db, |tx| {
            let a = store::activity(tx, id, &view).await?;
            if a.confidential || a.pair.is_some() {
                return Err(Error::NotFound);
            }
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let mut units = rows::of(tx, id).await?;
            let action = match there {
                true if units.contains(&unit) => return Ok(()),
                true => {
                    units.push(unit);
                    let mut errors = Vec::new();
                    Self::check_participants(&units, a.host, &mut errors);
                    Error::if_any(errors)?;
                    rows::add(tx, id, &[unit]).await?;
                    "activity.unit-joined"
                }
                false => {
                    let parts = store::parts(tx, id).await?;
                    if parts.iter().any(|(p, _)| below.contains(&p.unit)) {
                        return Err(Error::Conflict(Msg::new("participants-people")));
                    }
                    if !rows::drop(tx, id, unit).await? {
                        return Err(Error::NotFound);
                    }
                    "activity.unit-left"
                }
            };
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            self.audit(tx, &actor, action, id, json!({ "unit": unit }))
                .await
        })
    }

    /// The activity and those of a unit that takes part who are expected, with the part they have by now.
    ///
    /// # Errors
    /// `NotFound` when the unit does not take part, or is out of the scope.
    pub async fn part_of_unit(
        &self,
        id: ActivityId,
        unit: UnitId,
        scope: &Scope,
    ) -> Result<(Activity, Vec<(RosterEntry, Option<Part>)>)> {
        self.organization.unit(unit, scope).await?;
        let mut tx = self.db.read().await?;
        let a = store::activity(&mut tx, id, &View::from(&Scope::All)).await?;
        if !rows::of(&mut tx, id).await?.contains(&unit) {
            return Err(Error::NotFound);
        }
        let parts = store::parts(&mut tx, id).await?;
        drop(tx);
        let mut parts: HashMap<PersonId, Part> =
            parts.into_iter().map(|(p, _)| (p.person, p)).collect();
        let roster = self
            .organization
            .roster(unit, a.date, true, &Scope::All)
            .await?;
        let lines = roster.into_iter().map(|line| {
            let part = parts.remove(&line.person);
            (line, part)
        });
        Ok((a, lines.collect()))
    }

    /// Fills the part of the roster that is a participating unit's: who is not on it is added, who is there otherwise is
    /// corrected. Filled twice alike it changes nothing.
    ///
    /// # Errors
    /// `Invalid` on `roster` for people of other units; `NotFound`; `Conflict` when the activity was taken back.
    pub async fn fill_part(
        &self,
        id: ActivityId,
        unit: UnitId,
        marks: &[Mark],
        scope: &Scope,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        self.ledger.admit()?;
        let (a, roster) = self.part_of_unit(id, unit, scope).await?;
        let own: HashSet<PersonId> = roster.iter().map(|(line, _)| line.person).collect();
        let mut seen = HashSet::new();
        if marks
            .iter()
            .any(|m| !own.contains(&m.person) || !seen.insert(m.person))
        {
            let message = Msg::new("roster-person-unknown");
            let date = kernel::format_date(a.date);
            return Err(Error::field("roster", message.with("date", date)));
        }
        let people: Vec<PersonId> = seen.into_iter().collect();
        let units = self.organization.units_of(&people, a.date).await?;
        let kind = self.kinds.get(&a.kind);
        db::transaction!(self.db, |tx| {
            let held = store::hold(tx, &[id]).await?;
            let Some(a) = held.get(&id).filter(|a| a.reversed_at.is_none()) else {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            };
            if !rows::of(tx, id).await?.contains(&unit) {
                return Err(Error::NotFound);
            }
            let known = store::parts(tx, id).await?;
            let places = self
                .places(tx, units.values().copied().chain([a.host]), a.date)
                .await?;
            let mut facts: Vec<Fact> = Vec::new();
            let mut new: Vec<(ActivityId, Part, FactId)> = Vec::new();
            for mark in marks {
                let old = known.iter().find(|(p, _)| p.person == mark.person);
                if old.is_some_and(|(p, _)| p.role == mark.role) {
                    continue;
                }
                if mark.role.studied() && store::leave::made_up(tx, id, mark.person).await? {
                    return Err(Error::Conflict(Msg::new("makeup-there")));
                }
                let home = units.get(&mark.person).copied().unwrap_or(unit);
                let part = Part {
                    person: mark.person,
                    unit: old.map_or(home, |(p, _)| p.unit),
                    role: mark.role,
                    minutes: None,
                };
                let floor = old.map_or(Id::NIL, |(_, fact)| fact.0);
                let fact: FactId = self.env.new_id_above(floor);
                let place = places.get(&part.unit).ok_or(Error::NotFound)?;
                let mut f = a.attendance(fact, places[&a.host], *place, &part);
                (f.recorded_at, f.recorded_by) = (self.env.now(), Some(by));
                f.late |= kind.is_some_and(|k| k.is_late(a.date, self.env.today()));
                facts.push(f);
                match old {
                    Some((_, old)) => {
                        self.ledger.reverse(tx, &[*old], Some(by)).await?;
                        if !store::change_part(tx, id, part.person, *old, part.role, fact).await? {
                            return Err(Error::Conflict(Msg::new("changed-meanwhile")));
                        }
                    }
                    None => new.push((id, part, fact)),
                }
            }
            if facts.is_empty() {
                return Ok(());
            }
            if store::insert_parts(tx, &new).await?.len() != new.len() {
                return Err(Error::Retry("a roster was filled meanwhile".into()));
            }
            self.ledger.append(tx, &facts).await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "unit": unit, "lines": facts.len() });
            self.audit(tx, &actor, "activity.part-entered", id, detail)
                .await
        })
    }
}
