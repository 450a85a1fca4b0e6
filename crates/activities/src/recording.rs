//! Recording an activity: everything that was entered is checked, then written with its facts at once.

use std::collections::{HashMap, HashSet};

use db::Tx;
use identity::Actor;
use kernel::{
    AccountId, ActivityId, Date, Error, FactId, FieldError, Id, Msg, PersonId, Result, Scope,
    UnitId,
};
use ledger::{Fact, PlaceId};
use organization::RosterEntry;
use serde_json::json;

use crate::details::{Item, Pair, next_session, session_fits};
use crate::service::who;
use crate::store::details::{self, Held};
use crate::store::files::{self, FiledEvidence};
use crate::store::{participants, plans};
use crate::{
    Activities, Activity, ActivityKind, InSeries, New, Part, Role, RosterOf, Session, View, store,
};

/// People that an audience may bring to one roster.
const MOST: i64 = 5_000;

/// A part that a person had beside being there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Code of the part.
    pub role: String,
    /// Who.
    pub person: PersonId,
    /// Their unit as of the activity.
    pub unit: UnitId,
}

/// All people of an activity, each with the unit they were counted in.
struct People {
    parts: Vec<Part>,
    roles: Vec<HeldRole>,
    talked: Option<(Pair, UnitId)>,
    files: Vec<FiledEvidence>,
}

impl Activities {
    /// Records an activity with all that its kind asks for: one transaction, a `held` fact, an `attendance` for each
    /// person and part, and one each for agenda, talk and issue. Sent twice with the same id it is recorded once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope; `Busy` when the ledger is flooded.
    pub async fn record(
        &self,
        new: &New,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<ActivityId> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        self.ledger.admit()?;
        let host = self.organization.unit(new.host, &view.scope).await?;
        let kind = self.kinds.get(&new.kind).ok_or(Error::NotFound)?;
        let mut errors = Vec::new();
        let span = new.check(kind, &self.kinds, &self.env, &mut errors);
        if !kind.is_for(&host.category) {
            errors.push(FieldError {
                field: "kind".into(),
                message: Msg::new("activity-kind-not-here").with("unit", host.name),
            });
        }
        let level = match self.levels.take(&new.level, kind.level.as_deref()) {
            Ok(level) => level.code.clone(),
            Err(Error::Invalid(more)) => {
                errors.extend(more);
                String::new()
            }
            Err(other) => return Err(other),
        };
        Self::check_participants(&new.details.units, new.host, &mut errors);
        if !new.details.units.is_empty() && (kind.pair || kind.confidential.is_some()) {
            errors.push(FieldError {
                field: "units".into(),
                message: Msg::new("participants-not-here"),
            });
        }
        Error::if_any(errors)?;
        let Some(span) = span else {
            return Err(Error::internal("a checked span"));
        };
        let now = self.env.now();
        let of = |roster| new.details.of.filter(|_| kind.roster == roster);
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
            confidential: kind.confidential.is_some(),
            body: of(RosterOf::Body),
            audience: of(RosterOf::Audience),
            fields: new.details.filled(),
            session: None,
            pair: new.details.pair,
        };
        let people = People {
            parts: self.parts(new, kind, &view.scope).await?,
            roles: self
                .role_holders(kind, &new.details.roles, new.date)
                .await?,
            talked: self.talked(new.details.pair, new.date).await?,
            files: self
                .keep_files(&new.details.files, new.date, false, (by, actor.on_behalf))
                .await?,
        };
        if !new.details.decisions.is_empty() && (activity.pair.is_some() || activity.confidential) {
            return Err(Error::field(
                "decision-title-0",
                Msg::new("decision-not-here"),
            ));
        }
        let decisions = new.details.decisions.iter();
        let decisions: Vec<_> = decisions.map(|d| (self.env.new_id(), d.clone())).collect();
        db::transaction!(self.db, |tx| {
            store::take_turn(tx, activity.host).await?;
            let mut activity = activity.clone();
            if let Some(session) = &new.details.session {
                activity.session = Some(self.in_series(tx, &activity, session).await?);
            }
            if !store::insert(tx, &activity).await? {
                // The form was sent twice: the first one stands, if it is the same person's.
                let known = store::activity(tx, activity.id, &view).await?;
                return if known.recorded_by == by {
                    Ok(())
                } else {
                    Err(Error::NotFound)
                };
            }
            if !activity.confidential {
                self.index(tx, &activity).await?;
            }
            if !new.another && activity.pair.is_none() && store::overlaps(tx, &activity).await? {
                return Err(Error::field("another", Msg::new("activity-overlaps")));
            }
            self.write_facts(tx, &activity, &people, &new.details.agenda)
                .await?;
            participants::add(tx, activity.id, &new.details.units).await?;
            self.write_decisions(tx, &activity, &decisions, (&actor, by))
                .await?;
            if let Some(plan) = new.details.plan
                && !plans::held(tx, plan, activity.host, activity.id, now).await?
            {
                return Err(Error::Conflict(Msg::new("plan-not-open")));
            }
            let mut left_out = 0;
            if let Some(plan) = new.details.plan {
                let came = people.parts.iter().filter(|p| p.role.studied());
                let came: HashSet<PersonId> = came.map(|p| p.person).collect();
                let missing = self.nobody_left_out(tx, plan, &came).await?;
                left_out = missing.len();
                if left_out > 0 && !new.details.overrule {
                    let names: Vec<&str> =
                        missing.iter().take(8).map(|c| c.name.as_str()).collect();
                    let message = Msg::new("door-left-out").with("count", left_out);
                    return Err(Error::field(
                        "overrule",
                        message.with("names", names.join("、")),
                    ));
                }
            }
            let detail = json!({ "kind": activity.kind, "date": activity.date.to_string(), "lines": people.parts.len(), "left-out": left_out });
            self.audit(tx, &actor, "activity.recorded", activity.id, detail)
                .await
        })?;
        Ok(activity.id)
    }

    /// Who is expected (应到) at an activity of a kind on a day: the roster before anybody is marked.
    ///
    /// # Errors
    /// `NotFound` when unit, body or audience are out of scope; `Conflict` when there are too many.
    pub async fn expected(
        &self,
        kind: &ActivityKind,
        unit: UnitId,
        of: Option<Id>,
        date: Date,
        scope: &Scope,
    ) -> Result<Vec<RosterEntry>> {
        if kind.pair {
            return Ok(Vec::new());
        }
        match (kind.roster, of) {
            (RosterOf::Unit, _) => self.organization.roster(unit, date, true, scope).await,
            (RosterOf::Body, Some(body)) => {
                let (_, members) = self.organization.body(body, scope).await?;
                let people: HashSet<PersonId> = members
                    .iter()
                    .filter(|m| m.covers(date))
                    .map(|m| m.person)
                    .collect();
                let people: Vec<PersonId> = people.into_iter().collect();
                details::lines(&mut self.db.read().await?, &people, date).await
            }
            (RosterOf::Audience, Some(audience)) => {
                let audience = self.organization.audience(audience, scope).await?;
                let asked = self
                    .organization
                    .audience_page(&audience.rule, date, scope, MOST, 0);
                let (total, lines) = asked.await?;
                if total > MOST {
                    let message = Msg::new("audience-too-large").with("total", total);
                    return Err(Error::Conflict(message.with("most", MOST)));
                }
                Ok(lines)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The frozen roster: everybody with the unit they were counted in on that day.
    async fn parts(&self, new: &New, kind: &ActivityKind, scope: &Scope) -> Result<Vec<Part>> {
        if kind.pair {
            return Ok(Vec::new());
        }
        let persons: Vec<PersonId> = new.marks.iter().map(|m| m.person).collect();
        let units = self.organization.units_of(&persons, new.date).await?;
        // A roster holds one's own people, or those of a body or audience of one's own; whoever else comes is an
        // observer.
        let reach: HashSet<UnitId> = self
            .organization
            .units(scope)
            .await?
            .into_iter()
            .map(|u| u.id)
            .collect();
        let mut reach = reach;
        for unit in &new.details.units {
            reach.extend(self.organization.units_under(*unit).await?);
        }
        let members: HashSet<PersonId> = match kind.roster {
            RosterOf::Body | RosterOf::Audience => self
                .expected(kind, new.host, new.details.of, new.date, scope)
                .await?
                .into_iter()
                .map(|line| line.person)
                .collect(),
            _ => HashSet::new(),
        };
        let mut errors = Vec::new();
        let mut parts = Vec::new();
        for mark in &new.marks {
            let unit = units.get(&mark.person);
            match unit.filter(|u| reach.contains(u) || members.contains(&mark.person)) {
                Some(unit) => parts.push(Part {
                    person: mark.person,
                    unit: *unit,
                    role: mark.role,
                    minutes: new.details.minutes.get(&mark.person).copied(),
                }),
                None => errors.push(FieldError {
                    field: "roster".into(),
                    message: Msg::new("roster-person-unknown")
                        .with("date", kernel::format_date(new.date)),
                }),
            }
        }
        // Where nobody is expected, all who came are simply there.
        let came = match kind.roster {
            RosterOf::Open => Role::Present,
            _ => Role::Observer,
        };
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
                            role: came,
                            minutes: new.details.minutes.get(person).copied(),
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

    /// Who had which part, each with their unit on that day and with the attributes that the part asks for.
    pub(crate) async fn role_holders(
        &self,
        kind: &ActivityKind,
        roles: &[(String, PersonId)],
        date: Date,
    ) -> Result<Vec<HeldRole>> {
        if roles.is_empty() {
            return Ok(Vec::new());
        }
        let people: Vec<PersonId> = roles.iter().map(|(_, p)| *p).collect();
        let units = self.organization.units_of(&people, date).await?;
        let mut tx = self.db.read().await?;
        let mut errors = Vec::new();
        let mut held = Vec::new();
        for (code, person) in roles {
            let mut wrong = |message| {
                errors.push(FieldError {
                    field: format!("role-{code}-0"),
                    message,
                })
            };
            let Some(unit) = units.get(person) else {
                let date = kernel::format_date(date);
                wrong(Msg::new("activity-role-nowhere").with("date", date));
                continue;
            };
            let role = kind.role(code);
            if let Some(of) = role.and_then(|r| r.of.as_ref()) {
                let fits = Self::fitting(&mut tx, of, &[*person], date).await?;
                let fits = fits.contains(person);
                if !fits {
                    let name = role.map_or(code.as_str(), |r| &r.name.zh);
                    wrong(Msg::new("activity-role-unfit").with("role", name));
                }
            }
            held.push(HeldRole {
                role: code.clone(),
                person: *person,
                unit: *unit,
            });
        }
        Error::if_any(errors)?;
        Ok(held)
    }

    async fn talked(&self, pair: Option<Pair>, date: Date) -> Result<Option<(Pair, UnitId)>> {
        let Some(pair) = pair else {
            return Ok(None);
        };
        let both = [pair.person, pair.other];
        let units = self.organization.units_of(&both, date).await?;
        for (person, field) in both.iter().zip(["pair-person", "pair-other"]) {
            if !units.contains_key(person) {
                let message = Msg::new("activity-role-nowhere");
                let date = kernel::format_date(date);
                return Err(Error::field(field, message.with("date", date)));
            }
        }
        Ok(Some((pair, units[&pair.person])))
    }

    /// The place in its series that an activity takes.
    async fn in_series(&self, tx: &mut Tx, a: &Activity, asked: &Session) -> Result<InSeries> {
        let new: Id = self.env.new_id();
        let series = details::series_named(tx, new, a.host, &a.kind, asked.series.trim()).await?;
        Ok(InSeries {
            series,
            issue: asked.issue,
            session: asked.session,
        })
    }

    /// Takes the place; gives the fact of the issue when this is its first session.
    async fn take_session(
        &self,
        tx: &mut Tx,
        activity: &Activity,
        at: InSeries,
        host: PlaceId,
    ) -> Result<Option<Fact>> {
        let taken = details::taken(tx, at.series).await?;
        if let Err(key) = session_fits(&taken, (at.issue, at.session)) {
            let (issue, session) = next_session(&taken);
            let message = Msg::new(key).with("issue", issue).with("session", session);
            return Err(Error::field("session", message));
        }
        if !details::take_session(tx, at.series, (at.issue, at.session), activity.id).await? {
            return Err(Error::Retry("a session was taken meanwhile".into()));
        }
        let fact: FactId = self.env.new_id();
        if !details::put_issue(tx, at.series, at.issue, activity.id, fact).await? {
            return Ok(None);
        }
        Ok(Some(activity.fact(fact, "issue", host)))
    }

    /// Frees the place in a series; the fact of the issue goes on to the first session that still stands.
    pub(crate) async fn leave_series(
        &self,
        tx: &mut Tx,
        activity: &Activity,
        at: InSeries,
        by: AccountId,
    ) -> Result<()> {
        details::free_session(tx, at.series, (at.issue, at.session)).await?;
        if !details::drop_issue(tx, at.series, at.issue, activity.id).await? {
            return Ok(());
        }
        let Some(heir) = details::first_of_issue(tx, at.series, at.issue).await? else {
            return Ok(());
        };
        let heir = store::some(tx, &[heir.0]).await?;
        let heir = heir
            .first()
            .ok_or_else(|| Error::internal("a session without its activity"))?;
        let places = self.places(tx, [heir.host], heir.date).await?;
        let fact: FactId = self.env.new_id();
        details::put_issue(tx, at.series, at.issue, heir.id, fact).await?;
        let mut fact = heir.fact(fact, "issue", places[&heir.host]);
        (fact.recorded_at, fact.recorded_by) = (self.env.now(), Some(by));
        self.ledger.append(tx, &[fact]).await
    }

    /// The places of units as they stood on a day: a late entry counts where they were then.
    pub(crate) async fn places(
        &self,
        tx: &mut Tx,
        units: impl IntoIterator<Item = UnitId>,
        date: Date,
    ) -> Result<HashMap<UnitId, PlaceId>> {
        let mut units: Vec<UnitId> = units.into_iter().collect();
        units.sort_unstable();
        units.dedup();
        let wanted: Vec<_> = units.iter().map(|unit| (*unit, date)).collect();
        let paths = self.organization.paths_on(tx, &wanted).await?;
        let mut places = HashMap::new();
        for wanted in wanted {
            let path = paths.get(&wanted).ok_or(Error::NotFound)?;
            places.insert(wanted.0, self.ledger.place(tx, path).await?);
        }
        Ok(places)
    }

    async fn write_facts(
        &self,
        tx: &mut Tx,
        activity: &Activity,
        people: &People,
        agenda: &[Item],
    ) -> Result<()> {
        let parts = people.parts.iter().map(|p| p.unit);
        let roles = people.roles.iter().map(|r| r.unit);
        let talked = people.talked.iter().map(|(_, unit)| *unit);
        let units = parts.chain(roles).chain(talked).chain([activity.host]);
        let places = self.places(tx, units, activity.date).await?;
        let host = places[&activity.host];
        let mut held = activity.fact(self.env.new_id(), "held", host);
        for file in &people.files {
            files::add(tx, activity.id, file).await?;
            held.evidence.push(file.sha256.clone());
        }
        let mut facts = vec![held];
        let mut lines = Vec::with_capacity(people.parts.len());
        for part in &people.parts {
            let id: FactId = self.env.new_id();
            facts.push(activity.attendance(id, host, places[&part.unit], part));
            lines.push((activity.id, part.clone(), id));
        }
        if store::insert_parts(tx, &lines).await?.len() != people.parts.len() {
            return Err(Error::field("roster", Msg::new("roster-person-twice")));
        }
        let mut held = Vec::with_capacity(people.roles.len());
        for role in &people.roles {
            let id: FactId = self.env.new_id();
            facts.push(activity.role_fact(id, host, places[&role.unit], role));
            held.push(Held {
                role: role.role.clone(),
                person: role.person,
                unit: role.unit,
                fact: id,
            });
        }
        details::insert_roles(tx, activity.id, &held).await?;
        let mut items = Vec::with_capacity(agenda.len());
        for item in agenda {
            let fact = (!item.code.is_empty()).then(|| self.env.new_id::<FactId>());
            facts.extend(fact.map(|id| activity.agenda_fact(id, host, item)));
            items.push((item.trimmed(), fact));
        }
        if !items.is_empty() {
            details::put_agenda(tx, activity.id, &items).await?;
        }
        if let Some((pair, unit)) = people.talked {
            let mut fact = activity.fact(self.env.new_id(), "talk", host);
            fact.unit = Some(places[&unit]);
            // The ledger is read by many: of what is confidential it holds the number alone.
            if !activity.confidential {
                (fact.person, fact.other) = (Some(pair.person), Some(pair.other));
            }
            facts.push(fact);
        }
        if let Some(at) = activity.session {
            facts.extend(self.take_session(tx, activity, at, host).await?);
        }
        self.ledger.append(tx, &facts).await
    }
}

impl Item {
    /// The same without blanks around its title.
    pub(crate) fn trimmed(&self) -> Self {
        Self {
            code: self.code.clone(),
            title: self.title.trim().to_owned(),
        }
    }
}

impl Activity {
    /// The fact of a part beside being there.
    pub(crate) fn role_fact(
        &self,
        id: FactId,
        host: PlaceId,
        unit: PlaceId,
        held: &HeldRole,
    ) -> Fact {
        let mut f = self.fact(id, "attendance", host);
        (f.person, f.unit, f.role) = (Some(held.person), Some(unit), Some(held.role.clone()));
        f
    }

    /// The fact of an item of the agenda.
    pub(crate) fn agenda_fact(&self, id: FactId, host: PlaceId, item: &Item) -> Fact {
        let mut f = self.fact(id, "agenda", host);
        f.category = Some(item.code.clone());
        f
    }
}
