//! Changes of units (机构变更): added, changed, moved, merged, split, closed, each from a day on and with what
//! it rests on. What was recorded before stays where it was.

use std::collections::HashSet;
use std::sync::Arc;

use commons::identifiers::CreditCode;
use db::{Tx, transaction};
use jiff::ToSpan;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde_json::json;

use crate::history::{History, State};
use crate::model::{Assignment, Tree, Unit, lay};
use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::trail::By;

/// A unit to be added.
#[derive(Debug, Clone)]
pub struct NewUnit {
    /// The unit above; none for a top unit, which only the program itself adds.
    pub parent: Option<UnitId>,
    /// Code, unique.
    pub code: String,
    /// Name.
    pub name: String,
    /// Kind of unit.
    pub category: String,
    /// First day.
    pub from: Date,
}

/// What of a unit becomes different; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct UnitEdit {
    /// Another name.
    pub name: Option<String>,
    /// Another kind.
    pub category: Option<String>,
    /// Another unit above it.
    pub parent: Option<UnitId>,
    /// Another unified social credit code, as it is typed; empty: none.
    pub credit_code: Option<String>,
}

/// From when a change holds, what it rests on (依据: a document and its number), who enters it.
#[derive(Debug, Clone)]
pub struct Basis {
    /// First day of the new state; today or earlier.
    pub date: Date,
    /// Document; may be empty.
    pub text: String,
    /// Who enters it.
    pub by: By,
}

/// Kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitChangeKind {
    /// Added (设立).
    Added,
    /// Another name or kind (更名).
    Renamed,
    /// Under another unit (划转).
    Moved,
    /// Several became one (合并).
    Merged,
    /// One became several (拆分).
    Split,
    /// Ended (撤销).
    Closed,
}

impl UnitChangeKind {
    /// Code, as stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Merged => "merged",
            Self::Split => "split",
            Self::Closed => "closed",
        }
    }

    /// The action in the audit trail.
    fn action(self) -> &'static str {
        match self {
            Self::Added => "unit.added",
            Self::Renamed => "unit.renamed",
            Self::Moved => "unit.moved",
            Self::Merged => "unit.merged",
            Self::Split => "unit.split",
            Self::Closed => "unit.closed",
        }
    }

    pub(crate) fn from_code(code: &str) -> Result<Self> {
        let all = [
            Self::Added,
            Self::Renamed,
            Self::Moved,
            Self::Merged,
            Self::Split,
            Self::Closed,
        ];
        let found = all.into_iter().find(|k| k.code() == code);
        found.ok_or_else(|| Error::internal(format!("no such change of units: {code}")))
    }
}

/// What a unit is in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitPart {
    /// What was before: the merged ones, the split one.
    Old,
    /// What is after.
    New,
}

impl UnitPart {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Old => "1-old",
            Self::New => "2-new",
        }
    }

    pub(crate) fn from_code(code: &str) -> Result<Self> {
        let found = [Self::Old, Self::New]
            .into_iter()
            .find(|p| p.code() == code);
        found.ok_or_else(|| Error::internal(format!("no such part in a change: {code}")))
    }
}

/// A change as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitChange {
    /// Its kind.
    pub kind: UnitChangeKind,
    /// First day of the new state.
    pub date: Date,
    /// What it rests on; may be empty.
    pub basis: String,
    /// Who entered it.
    pub by: Option<AccountId>,
    /// The units that take part.
    pub units: Vec<(UnitId, UnitPart)>,
}

/// A new unit that part of another one becomes.
#[derive(Debug, Clone)]
pub struct SplitOff {
    /// Code, unique.
    pub code: String,
    /// Name.
    pub name: String,
    /// Who goes there.
    pub people: Vec<PersonId>,
}

impl Organization {
    /// The units from the top down to each of these, itself included, each as of a day: facts freeze these
    /// paths. Units that do not exist are left out.
    pub async fn paths_on(
        &self,
        tx: &mut Tx,
        wanted: &[(UnitId, Date)],
    ) -> Result<std::collections::HashMap<(UnitId, Date), Vec<UnitId>>> {
        let history = self.history_in(tx).await?;
        let path =
            |(unit, date): &(UnitId, Date)| Some(((*unit, *date), history.path(*unit, *date)?));
        Ok(wanted.iter().filter_map(path).collect())
    }

    /// What all units were on any day. Kept between calls while no unit changes; never ask for it in a
    /// transaction that changes units itself.
    async fn history_in(&self, tx: &mut Tx) -> Result<Arc<History>> {
        let version = store::units_version(tx).await?;
        if let Some((known, history)) = &*self.history.read().unwrap_or_else(|e| e.into_inner())
            && *known == version
        {
            return Ok(history.clone());
        }
        let history = Arc::new(store::history(tx).await?);
        *self.history.write().unwrap_or_else(|e| e.into_inner()) = Some((version, history.clone()));
        Ok(history)
    }

    /// The states of a unit in order of time, and the changes in which it took part, newest first.
    pub async fn unit_history(
        &self,
        id: UnitId,
        scope: &Scope,
    ) -> Result<(Vec<State>, Vec<UnitChange>)> {
        self.unit(id, scope).await?;
        let mut tx = self.db.read().await?;
        let history = self.history_in(&mut tx).await?;
        Ok((history.of(id).to_vec(), store::changes(&mut tx, id).await?))
    }

    /// Adds a unit below one in the scope.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit above is out of scope; `Forbidden` for a new top.
    pub async fn add_unit(
        &self,
        new: NewUnit,
        basis: &str,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<UnitId> {
        self.add_coded_unit(new, "", basis, by, scope).await
    }

    /// The same with its unified social credit code (统一社会信用代码), as it is typed.
    ///
    /// # Errors
    /// As [`Self::add_unit`]; `Invalid` for a code that is wrong or that another standing unit has.
    pub async fn add_coded_unit(
        &self,
        new: NewUnit,
        credit_code: &str,
        basis: &str,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<UnitId> {
        let id: UnitId = self.env.new_id();
        let basis = Basis {
            date: new.from,
            text: basis.to_owned(),
            by: by.into(),
        };
        transaction!(self.db, |tx| {
            let mut work = Work::begin(self, tx, &basis, scope).await?;
            if new.parent.is_none() && work.reach.is_some() {
                return Err(Error::Forbidden);
            }
            let mut unit = work.new_unit(id, &new, scope)?;
            unit.credit_code = work.credit_code(id, credit_code)?;
            work.put(unit, new.from)?;
            work.finish(self, tx, UnitChangeKind::Added, vec![(id, UnitPart::New)])
                .await
        })?;
        Ok(id)
    }

    /// Gives a unit another name, kind or place from a day on. Nothing happens when it is all that already.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` for a circle; `NotFound` out of scope.
    pub async fn change_unit(
        &self,
        id: UnitId,
        edit: &UnitEdit,
        basis: &Basis,
        scope: &Scope,
    ) -> Result<()> {
        let mut errors = Vec::new();
        let name = edit.name.as_ref();
        let name = name.map(|n| checked("name", n, 100, &mut errors));
        Error::if_any(errors)?;
        transaction!(self.db, |tx| {
            let mut work = Work::begin(self, tx, basis, scope).await?;
            let old = work.reached(id)?;
            let state = work.state(id)?;
            if let Some(parent) = edit.parent {
                work.reached(parent)?;
                work.standing(parent, "parent")?;
            }
            let mut new = Unit {
                parent: state.parent,
                name: state.name.clone(),
                category: state.category.clone(),
                ..old
            };
            if let Some(name) = &name {
                new.name.clone_from(name);
            }
            if let Some(category) = &edit.category {
                category.trim().clone_into(&mut new.category);
            }
            new.parent = edit.parent.or(state.parent);
            let kind = if new.parent == state.parent {
                UnitChangeKind::Renamed
            } else {
                UnitChangeKind::Moved
            };
            let before = new.credit_code.clone();
            if let Some(code) = &edit.credit_code {
                new.credit_code = work.credit_code(id, code)?;
            }
            // The code holds for as long as the unit has been there: it is no change of the unit.
            let coded = (new.credit_code != before).then(|| new.clone());
            if work.put(new, basis.date)? {
                work.finish(self, tx, kind, vec![(id, UnitPart::New)])
                    .await?;
            } else if let Some(unit) = &coded {
                let changed = std::slice::from_ref(unit);
                work.after.put(unit.clone());
                store::put_units(tx, &work.before, &work.after, changed).await?;
            }
            if let Some(unit) = coded {
                let detail = json!({ "credit_code": unit.credit_code });
                self.tell(tx, &basis.by, "unit.coded", ("unit", id), detail)
                    .await?;
            }
            Ok(())
        })
    }

    /// Makes several units one of them or another one: the units below and the people go there from the day
    /// on, the merged ones end the day before. What they did stays theirs.
    ///
    /// # Errors
    /// As [`Self::change_unit`]; `Invalid` when the target is among or below the merged ones.
    pub async fn merge_units(
        &self,
        merged: &[UnitId],
        into: UnitId,
        basis: &Basis,
        scope: &Scope,
    ) -> Result<()> {
        let merged: Vec<UnitId> = merged.iter().copied().filter(|u| *u != into).collect();
        if merged.is_empty() {
            return Err(Error::field("units", Msg::new("organization-merge-none")));
        }
        transaction!(self.db, |tx| {
            let mut work = Work::begin(self, tx, basis, scope).await?;
            work.reached(into)?;
            work.standing(into, "into")?;
            for unit in &merged {
                let old = work.reached(*unit)?;
                work.standing(*unit, "units")?;
                let under = work.history.path(into, basis.date).unwrap_or_default();
                if under.contains(unit) {
                    let message = Msg::new("organization-merge-below").with("name", old.name);
                    return Err(Error::field("into", message));
                }
            }
            for unit in &merged {
                for child in work.children(*unit) {
                    let child = Unit {
                        parent: Some(into),
                        ..child
                    };
                    work.put(child, basis.date)?;
                }
            }
            let from: HashSet<UnitId> = merged.iter().copied().collect();
            self.move_people(tx, &merged, basis.date, |_, unit| {
                from.contains(&unit).then_some(into)
            })
            .await?;
            for unit in &merged {
                work.end(*unit)?;
            }
            let mut parts: Vec<_> = merged.iter().map(|u| (*u, UnitPart::Old)).collect();
            parts.push((into, UnitPart::New));
            work.finish(self, tx, UnitChangeKind::Merged, parts).await
        })
    }

    /// Makes parts of a unit units of their own beside it, with the people who go there. The unit itself ends
    /// the day before when nobody and no unit below is left and `close` is set.
    ///
    /// # Errors
    /// As [`Self::change_unit`]; `Invalid` for a person who is not in the unit on that day or named twice.
    pub async fn split_unit(
        &self,
        id: UnitId,
        parts: &[SplitOff],
        close: bool,
        basis: &Basis,
        scope: &Scope,
    ) -> Result<Vec<UnitId>> {
        if parts.is_empty() {
            return Err(Error::field("name", Msg::new("organization-empty")));
        }
        let ids: Vec<UnitId> = parts.iter().map(|_| self.env.new_id()).collect();
        transaction!(self.db, |tx| {
            let mut work = Work::begin(self, tx, basis, scope).await?;
            work.reached(id)?;
            work.standing(id, "unit")?;
            let state = work.state(id)?;
            if state.parent.is_none() {
                return Err(Error::Conflict(Msg::new("organization-top-whole")));
            }
            let mut goes = std::collections::HashMap::new();
            for (new_id, part) in ids.iter().zip(parts) {
                let new = NewUnit {
                    parent: state.parent,
                    code: part.code.clone(),
                    name: part.name.clone(),
                    category: state.category.clone(),
                    from: basis.date,
                };
                let unit = work.new_unit(*new_id, &new, &Scope::All)?;
                work.put(unit, basis.date)?;
                for person in &part.people {
                    if goes.insert(*person, *new_id).is_some() {
                        return Err(Error::field("people", Msg::new("organization-split-twice")));
                    }
                }
            }
            store::put_units(tx, &work.before, &work.after, &work.changed).await?;
            let moved = self
                .move_people(tx, &[id], basis.date, |person, unit| {
                    (unit == id).then(|| goes.get(&person).copied()).flatten()
                })
                .await?;
            if goes.keys().any(|p| !moved.contains(p)) {
                return Err(Error::field(
                    "people",
                    Msg::new("organization-split-stranger"),
                ));
            }
            if close {
                self.may_end(tx, &work, id, basis.date).await?;
                work.end(id)?;
            }
            let mut list = vec![(id, UnitPart::Old)];
            list.extend(ids.iter().map(|u| (*u, UnitPart::New)));
            work.finish(self, tx, UnitChangeKind::Split, list).await
        })?;
        Ok(ids)
    }

    /// Ends a unit (撤销) the day before; nobody and no unit below it may be left.
    ///
    /// # Errors
    /// `Conflict` naming how many are left; otherwise as [`Self::change_unit`].
    pub async fn close_unit(&self, id: UnitId, basis: &Basis, scope: &Scope) -> Result<()> {
        transaction!(self.db, |tx| {
            let mut work = Work::begin(self, tx, basis, scope).await?;
            let unit = work.reached(id)?;
            work.standing(id, "unit")?;
            if unit.parent.is_none() {
                return Err(Error::Conflict(Msg::new("organization-top-stays")));
            }
            self.may_end(tx, &work, id, basis.date).await?;
            work.end(id)?;
            work.finish(self, tx, UnitChangeKind::Closed, vec![(id, UnitPart::Old)])
                .await
        })
    }

    async fn may_end(&self, tx: &mut Tx, work: &Work, id: UnitId, date: Date) -> Result<()> {
        let (people, units) = (
            store::held_from(tx, id, date).await?,
            work.children(id).len(),
        );
        if people > 0 || units > 0 {
            let message = Msg::new("organization-not-empty");
            let message = message.with("people", people).with("units", units);
            return Err(Error::Conflict(message));
        }
        Ok(())
    }

    /// Lays new assignments from a day on for those whom `goes` sends elsewhere; gives who moved.
    async fn move_people(
        &self,
        tx: &mut Tx,
        units: &[UnitId],
        date: Date,
        goes: impl Fn(PersonId, UnitId) -> Option<UnitId>,
    ) -> Result<HashSet<PersonId>> {
        let staff = store::staff_from(tx, units, date).await?;
        let staff: Vec<&str> = staff.iter().map(String::as_str).collect();
        let (mut moved, mut changed) = (HashSet::new(), Vec::new());
        for (person, known) in store::people(tx, &staff).await?.into_values() {
            let mut after = known.clone();
            for held in known.iter().filter(|a| a.to.is_none_or(|to| to >= date)) {
                let Some(unit) = goes(person.id, held.unit) else {
                    continue;
                };
                moved.insert(person.id);
                if held.from >= date {
                    // It has not begun on that day: it begins in the other unit.
                    let same = after.iter_mut().filter(|a| a.id == held.id);
                    same.for_each(|a| a.unit = unit);
                    continue;
                }
                let new = Assignment {
                    id: self.env.new_id(),
                    unit,
                    from: date,
                    ..held.clone()
                };
                after = lay(&after, new).map_err(|_| {
                    Error::Conflict(
                        Msg::new("organization-move-overlap").with("staff_no", &person.staff_no),
                    )
                })?;
                // A second post in the new unit does not end the one in the old by itself.
                let last = Some(date.saturating_sub(1.day()));
                let old = after.iter_mut().filter(|a| a.id == held.id);
                old.for_each(|a| a.to = last);
            }
            let new = after.into_iter().filter(|a| !known.contains(a));
            changed.extend(new.map(|a| (person.id, a)));
        }
        store::put_people(tx, &[], &changed, self.env.now()).await?;
        Ok(moved)
    }
}

/// A change of units at work: the tree and the history before and after it.
/// Says that another unit has a credit code; who may not see that unit is not told which.
pub(crate) fn taken(code: &str, other: &Unit, reach: Option<&HashSet<UnitId>>) -> Msg {
    if reach.is_some_and(|reach| !reach.contains(&other.id)) {
        return Msg::new("credit-code-taken-elsewhere").with("code", code);
    }
    Msg::new("credit-code-taken")
        .with("code", code)
        .with("name", &other.name)
}

struct Work {
    basis: Basis,
    today: Date,
    now: kernel::Timestamp,
    id: Id,
    reach: Option<HashSet<UnitId>>,
    before: Tree,
    after: Tree,
    history: History,
    changed: Vec<Unit>,
    states: Vec<(UnitId, State)>,
    ended: Vec<UnitId>,
}

impl Work {
    async fn begin(org: &Organization, tx: &mut Tx, basis: &Basis, scope: &Scope) -> Result<Self> {
        let today = org.env.today();
        let mut errors = Vec::new();
        if basis.date > today {
            errors.push(FieldError {
                field: "date".into(),
                message: Msg::new("organization-change-in-future"),
            });
        }
        errors.extend(check_text(&basis.text, 200).map(|message| FieldError {
            field: "basis".into(),
            message,
        }));
        Error::if_any(errors)?;
        store::lock(tx, org.env.now()).await?;
        let before = store::tree(tx).await?;
        Ok(Self {
            basis: basis.clone(),
            today,
            now: org.env.now(),
            id: org.env.new_id(),
            reach: before.reach(scope),
            after: before.clone(),
            before,
            history: store::history(tx).await?,
            changed: Vec::new(),
            states: Vec::new(),
            ended: Vec::new(),
        })
    }

    fn reached(&self, id: UnitId) -> Result<Unit> {
        let within = self.reach.as_ref().is_none_or(|reach| reach.contains(&id));
        let found = self.after.get(id).filter(|_| within);
        found.cloned().ok_or(Error::NotFound)
    }

    /// Refuses a unit that does not stand on the day.
    fn standing(&self, id: UnitId, field: &str) -> Result<()> {
        let unit = self.after.get(id).ok_or(Error::NotFound)?;
        let begun = unit.from <= self.basis.date;
        if begun && unit.to.is_none_or(|to| to >= self.basis.date) {
            return Ok(());
        }
        let message = Msg::new("organization-not-standing")
            .with("name", &unit.name)
            .with("date", kernel::format_date(self.basis.date));
        Err(Error::field(field, message))
    }

    /// The state of a unit on the day of the change.
    fn state(&self, id: UnitId) -> Result<State> {
        let found = self.history.on(id, self.basis.date);
        found.cloned().ok_or(Error::NotFound)
    }

    /// The units below one on the day of the change that have not ended, as they stand then.
    fn children(&self, id: UnitId) -> Vec<Unit> {
        let date = self.basis.date;
        let child = |u: &Unit| {
            let state = self.history.on(u.id, date)?;
            let there = state.parent == Some(id) && u.to.is_none_or(|to| to >= date);
            (there && !self.ended.contains(&u.id)).then(|| Unit {
                parent: state.parent,
                name: state.name.clone(),
                category: state.category.clone(),
                ..u.clone()
            })
        };
        let mut list: Vec<Unit> = self.after.iter().filter_map(child).collect();
        list.sort_by_key(|u| (u.sort, u.id));
        list
    }

    fn new_unit(&self, id: UnitId, new: &NewUnit, scope: &Scope) -> Result<Unit> {
        let mut errors = Vec::new();
        let code = checked("code", &new.code, 32, &mut errors);
        let name = checked("name", &new.name, 100, &mut errors);
        Error::if_any(errors)?;
        if let Some(parent) = new.parent {
            let known = self.after.get(parent).is_some();
            if !known || (*scope != Scope::All && self.reached(parent).is_err()) {
                return Err(Error::NotFound);
            }
        }
        if self.after.by_code(&code).is_some() {
            let message = Msg::new("organization-code-taken").with("code", &code);
            return Err(Error::field("code", message));
        }
        let siblings = self.after.iter().filter(|u| u.parent == new.parent);
        Ok(Unit {
            id,
            parent: new.parent,
            code,
            name,
            category: new.category.trim().to_owned(),
            sort: siblings.map(|u| u.sort + 1).max().unwrap_or(1),
            from: new.from,
            to: None,
            credit_code: String::new(),
        })
    }

    /// A unified social credit code for a unit, as it is typed.
    fn credit_code(&self, id: UnitId, text: &str) -> Result<String> {
        if text.trim().is_empty() {
            return Ok(String::new());
        }
        let wrong = |message| Error::field("credit_code", message);
        let code = CreditCode::read(text).map_err(wrong)?;
        let code = code.as_str();
        let mut holders = self.after.iter().filter(|u| u.credit_code == code);
        match holders.find(|u| u.id != id && u.stands(self.today)) {
            Some(other) => Err(wrong(taken(code, other, self.reach.as_ref()))),
            None => Ok(code.to_owned()),
        }
    }

    /// Lays what a unit is from a day on; false when it is that already.
    fn put(&mut self, unit: Unit, from: Date) -> Result<bool> {
        let state = State {
            from,
            parent: unit.parent,
            name: unit.name.clone(),
            category: unit.category.clone(),
        };
        let alike = |s: &State| {
            (s.parent, &s.name, &s.category) == (state.parent, &state.name, &state.category)
        };
        if self.history.on(unit.id, from).is_some_and(alike) {
            return Ok(false);
        }
        self.history.lay(unit.id, state.clone());
        if self.history.circles(unit.id, from) {
            let message = Msg::new("organization-cycle").with("name", &unit.name);
            return Err(Error::Conflict(message));
        }
        self.states.push((unit.id, state));
        // A change of the past may have been followed by others: today's tree shows what holds today.
        let now = self.history.on(unit.id, self.today);
        let now = now.ok_or_else(|| Error::internal("a unit without a state"))?;
        let unit = Unit {
            parent: now.parent,
            name: now.name.clone(),
            category: now.category.clone(),
            ..unit
        };
        self.after.put(unit.clone());
        self.changed.push(unit);
        Ok(true)
    }

    fn end(&mut self, id: UnitId) -> Result<()> {
        let mut unit = self.after.get(id).cloned().ok_or(Error::NotFound)?;
        unit.to = Some(self.basis.date.saturating_sub(1.day()));
        self.after.put(unit.clone());
        self.changed.retain(|u| u.id != id);
        self.changed.push(unit);
        self.ended.push(id);
        Ok(())
    }

    async fn finish(
        self,
        org: &Organization,
        tx: &mut Tx,
        kind: UnitChangeKind,
        units: Vec<(UnitId, UnitPart)>,
    ) -> Result<()> {
        store::put_units(tx, &self.before, &self.after, &self.changed).await?;
        store::put_states(tx, &self.states).await?;
        let change = UnitChange {
            kind,
            date: self.basis.date,
            basis: self.basis.text.trim().to_owned(),
            by: self.basis.by.account,
            units,
        };
        store::put_change(tx, self.id, &change, self.now).await?;
        let (unit, _) = change.units[change.units.len() - 1];
        let detail = json!({ "date": change.date.to_string(), "basis": change.basis, "units": change.units.len() });
        org.tell(tx, &self.basis.by, kind.action(), ("unit", unit), detail)
            .await
    }
}
