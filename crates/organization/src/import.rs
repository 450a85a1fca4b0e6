//! Importing units and people: what a sheet states is laid over what is known. The same plan is made
//! for the preview and, again, inside the transaction that publishes it.

use std::collections::{BTreeMap, HashMap, HashSet};

use db::transaction;
use kernel::{Date, Env, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId, format_date};
use serde_json::json;

use crate::history::State;
use crate::model::{Assignment, Person, Tree, Unit, lay};
use crate::service::Organization;
use crate::sheet::{At, Rows, read_rows};
use crate::store::{self, Known};
use crate::trail::By;

/// A stated unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRow {
    /// Code of the unit above; empty for a top unit.
    pub parent: At<String>,
    /// Code.
    pub code: At<String>,
    /// Name.
    pub name: At<String>,
    /// Kind of unit.
    pub category: At<String>,
    /// Place among its siblings; none: as it was, or in the order of the rows.
    pub sort: Option<i64>,
    /// First day; none: as it was, or today.
    pub from: Option<Date>,
    /// Last day; none while it stands.
    pub to: At<Option<Date>>,
}

/// A stated assignment of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// Staff number.
    pub staff_no: At<String>,
    /// Name.
    pub name: At<String>,
    /// Code of the unit.
    pub unit: At<String>,
    /// Post; may be empty.
    pub post: String,
    /// First day; needed for people who are new or move.
    pub from: At<Option<Date>>,
    /// Last day; none: until the next assignment begins.
    pub to: At<Option<Date>>,
    /// Whether the person is counted in this unit.
    pub primary: bool,
}

/// What happens to a unit or a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// A unit is added.
    UnitAdded,
    /// A unit gets another name, kind, place or dates.
    UnitChanged,
    /// A unit comes under another one.
    UnitMoved,
    /// A person is added.
    PersonAdded,
    /// A person gets another name.
    PersonRenamed,
    /// A person's assignments change.
    PersonMoved,
}

/// One line of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happens.
    pub kind: ChangeKind,
    /// Code of the unit or staff number.
    pub code: String,
    /// Its name from then on.
    pub name: String,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// What changes, units first.
    pub changes: Vec<Change>,
    /// Stated units and people that are as stated already.
    pub unchanged: usize,
    /// The state it was made against; give it to [`Organization::import`].
    pub version: i64,
}

/// What an import did.
pub type Imported = Preview;

#[derive(Default)]
struct Plan {
    after: Tree,
    units: Vec<Unit>,
    people: Vec<Person>,
    assignments: Vec<(PersonId, Assignment)>,
    changes: Vec<Change>,
    unchanged: usize,
}

impl Organization {
    /// What an import would do, without doing it. All that is wrong is listed with its cells.
    pub async fn preview(&self, rows: &Rows, scope: &Scope) -> Result<Preview> {
        let mut tx = self.db.read().await?;
        let version = store::version(&mut tx).await?;
        let before = store::tree(&mut tx).await?;
        let known = store::people(&mut tx, &staff_nos(rows)).await?;
        let plan = plan(rows, &before, &known, scope, &self.env)?;
        Ok(preview(plan, version))
    }

    /// Reads a file and makes a preview of it; lists what cannot be read and what cannot be done
    /// together.
    pub async fn check_file(
        &self,
        file_name: &str,
        bytes: Vec<u8>,
        scope: &Scope,
    ) -> Result<(Rows, Preview)> {
        let name = file_name.to_owned();
        let read = tokio::task::spawn_blocking(move || read_rows(&name, &bytes));
        let (rows, mut errors) = read.await.map_err(Error::internal)??;
        match self.preview(&rows, scope).await {
            Ok(preview) if errors.is_empty() => return Ok((rows, preview)),
            Ok(_) => {}
            Err(Error::Invalid(more)) => errors.extend(more),
            Err(other) => return Err(other),
        }
        Err(Error::Invalid(errors))
    }

    /// Imports everything or, when anything is wrong, nothing. With the version of a preview it is
    /// refused when units or people have changed since.
    pub async fn import(
        &self,
        rows: &Rows,
        scope: &Scope,
        version: Option<i64>,
    ) -> Result<Imported> {
        self.import_by(rows, scope, version, None).await
    }

    /// The same on somebody's behalf.
    pub async fn import_by(
        &self,
        rows: &Rows,
        scope: &Scope,
        version: Option<i64>,
        by: impl Into<By>,
    ) -> Result<Imported> {
        let by = by.into();
        if !rows.unread.is_empty() {
            return Err(Error::internal(
                "rows that could not be read are not imported",
            ));
        }
        transaction!(self.db, |tx| {
            let found = store::lock(tx).await?;
            if version.is_some_and(|seen| seen != found) {
                return Err(Error::Conflict(Msg::new("organization-changed-meanwhile")));
            }
            let before = store::tree(tx).await?;
            let known = store::people(tx, &staff_nos(rows)).await?;
            let plan = plan(rows, &before, &known, scope, &self.env)?;
            store::put_units(tx, &before, &plan.after, &plan.units).await?;
            // A sheet says what is: of a known unit from today on, of a new one from its first day.
            let today = self.env.today();
            let states: Vec<_> = plan
                .units
                .iter()
                .filter(|unit| before.get(unit.id).is_none_or(|old| !alike(old, unit)))
                .map(|unit| {
                    let state = State {
                        from: before.get(unit.id).map_or(unit.from, |_| today),
                        parent: unit.parent,
                        name: unit.name.clone(),
                        category: unit.category.clone(),
                    };
                    (unit.id, state)
                })
                .collect();
            if !states.is_empty() {
                store::put_states(tx, &states).await?;
            }
            store::put_people(tx, &plan.people, &plan.assignments, self.env.now()).await?;
            let detail = json!({ "changes": plan.changes.len(), "people": plan.people.len(), "units": plan.units.len() });
            self.tell(tx, &by, "people.imported", ("organization", ""), detail)
                .await?;
            Ok(preview(plan, found + 1))
        })
    }
}

fn alike(a: &Unit, b: &Unit) -> bool {
    (a.parent, &a.name, &a.category) == (b.parent, &b.name, &b.category)
}

fn preview(plan: Plan, version: i64) -> Preview {
    Preview {
        changes: plan.changes,
        unchanged: plan.unchanged,
        version,
    }
}

fn staff_nos(rows: &Rows) -> Vec<&str> {
    let mut list: Vec<&str> = rows
        .persons
        .iter()
        .map(|p| p.staff_no.value.as_str())
        .collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn plan(rows: &Rows, before: &Tree, known: &Known, scope: &Scope, env: &Env) -> Result<Plan> {
    let mut errors = Vec::new();
    let mut plan = Plan {
        after: before.clone(),
        ..Plan::default()
    };
    let mut reach = before.reach(scope);
    plan_units(rows, before, &mut reach, &mut plan, env, &mut errors);
    plan_people(rows, known, reach.as_ref(), &mut plan, env, &mut errors);
    Error::if_any(errors)?;
    Ok(plan)
}

/// Units by code, those of the sheet first; a new unit gets its id here.
fn plan_units(
    rows: &Rows,
    before: &Tree,
    reach: &mut Option<HashSet<UnitId>>,
    plan: &mut Plan,
    env: &Env,
    errors: &mut Vec<FieldError>,
) {
    let mut ids: HashMap<&str, UnitId> = before.iter().map(|u| (u.code.as_str(), u.id)).collect();
    let mut stated: HashMap<&str, &UnitRow> = HashMap::new();
    for row in &rows.units {
        let code = row.code.value.as_str();
        if let Some(first) = stated.get(code) {
            let message = Msg::new("organization-code-twice")
                .with("code", code)
                .with("other", &first.code.at);
            errors.push(row.code.error(message));
            continue;
        }
        stated.insert(code, row);
        ids.entry(code).or_insert_with(|| {
            let id: UnitId = env.new_id();
            // Who may place a unit may fill it; whether it may be placed is checked below.
            reach.iter_mut().for_each(|r| {
                r.insert(id);
            });
            id
        });
    }
    let allowed = |id: UnitId| reach.as_ref().is_none_or(|r| r.contains(&id));
    for (place, row) in (1_i64..).zip(&rows.units) {
        let code = row.code.value.as_str();
        if !std::ptr::eq(stated[code], row) {
            continue;
        }
        let old = before.get(ids[code]);
        let parent = match row.parent.value.as_str() {
            "" => None,
            above => match ids.get(above) {
                Some(id) => Some(*id),
                None => {
                    if !rows.unread.iter().any(|code| code == above) {
                        let message = Msg::new("organization-unit-unknown").with("code", above);
                        errors.push(row.parent.error(message));
                    }
                    continue;
                }
            },
        };
        let from = row
            .from
            .or(old.map(|u| u.from))
            .unwrap_or_else(|| env.today());
        if let Some(to) = row.to.value.filter(|to| *to < from) {
            let message = Msg::new("organization-ends-before")
                .with("to", format_date(to))
                .with("from", format_date(from));
            errors.push(row.to.error(message));
        }
        let unit = Unit {
            id: ids[code],
            parent,
            code: code.to_owned(),
            name: row.name.value.clone(),
            category: row.category.value.clone(),
            sort: row.sort.or(old.map(|u| u.sort)).unwrap_or(place),
            from,
            to: row.to.value,
        };
        if old == Some(&unit) {
            plan.unchanged += 1;
            continue;
        }
        let moved = old.is_none_or(|u| u.parent != parent);
        if old.is_some_and(|u| !allowed(u.id)) {
            let message = Msg::new("organization-outside").with("code", code);
            errors.push(row.code.error(message));
        } else if moved && !parent.map_or(reach.is_none(), allowed) {
            let message = match parent {
                Some(_) => Msg::new("organization-outside").with("code", &row.parent.value),
                None => Msg::new("organization-no-top-unit"),
            };
            errors.push(row.parent.error(message));
        }
        let kind = match old {
            None => ChangeKind::UnitAdded,
            Some(_) if moved => ChangeKind::UnitMoved,
            Some(_) => ChangeKind::UnitChanged,
        };
        plan.changes.push(Change {
            kind,
            code: unit.code.clone(),
            name: unit.name.clone(),
        });
        plan.after.put(unit.clone());
        plan.units.push(unit);
    }
    if !errors.is_empty() {
        return;
    }
    for unit in &plan.units {
        if plan.after.path(unit.id).is_none() {
            let message = Msg::new("organization-cycle").with("name", &unit.name);
            errors.push(stated[unit.code.as_str()].parent.error(message));
        }
    }
}

fn plan_people(
    rows: &Rows,
    known: &Known,
    reach: Option<&HashSet<UnitId>>,
    plan: &mut Plan,
    env: &Env,
    errors: &mut Vec<FieldError>,
) {
    let stated_units = rows.units.iter().map(|u| u.code.value.as_str());
    let unread = rows.unread.iter().map(String::as_str);
    let stated_units: HashSet<&str> = stated_units.chain(unread).collect();
    let units: HashMap<String, UnitId> =
        plan.after.iter().map(|u| (u.code.clone(), u.id)).collect();
    let mut people: BTreeMap<&str, Vec<&PersonRow>> = BTreeMap::new();
    for row in &rows.persons {
        people.entry(&row.staff_no.value).or_default().push(row);
    }
    for (staff_no, mut list) in people {
        // Later assignments end earlier ones, so they are laid in the order of time.
        list.sort_by_key(|row| row.from.value);
        let old = known.get(staff_no);
        let first = list[0];
        if let Some(other) = list.iter().find(|row| row.name.value != first.name.value) {
            let message = Msg::new("organization-staff-no-twice")
                .with("staff_no", staff_no)
                .with("other", &first.staff_no.at);
            errors.push(other.staff_no.error(message));
            continue;
        }
        let (mut person, before) = match old {
            Some((person, assignments)) => (person.clone(), assignments.clone()),
            None => {
                let person = Person {
                    id: env.new_id(),
                    staff_no: staff_no.to_owned(),
                    name: first.name.value.clone(),
                };
                (person, Vec::new())
            }
        };
        let mut after = before.clone();
        let mut overlaps = HashMap::new();
        let wrong = errors.len();
        for row in list {
            let Some(unit) = units.get(&row.unit.value).copied() else {
                // A unit whose own row is wrong is named there.
                if !stated_units.contains(row.unit.value.as_str()) {
                    let message =
                        Msg::new("organization-unit-unknown").with("code", &row.unit.value);
                    errors.push(row.unit.error(message));
                }
                continue;
            };
            if let Err(error) = check_overlap(row, unit, &mut overlaps) {
                errors.push(error);
                continue;
            }
            match stated(row, unit, &after, env) {
                Ok(new) => match lay(&after, new) {
                    Ok(next) => after = next,
                    Err(overlap) => {
                        let message = Msg::new("organization-overlap")
                            .with("other", format_date(overlap.other_from));
                        errors.push(row.to.error(message));
                    }
                },
                Err(error) => errors.push(error),
            }
        }
        if errors.len() > wrong {
            continue;
        }
        let renamed = person.name != first.name.value;
        person.name = first.name.value.clone();
        let changed: Vec<Assignment> = after.into_iter().filter(|a| !before.contains(a)).collect();
        let kind = match old {
            None => ChangeKind::PersonAdded,
            Some(_) if !changed.is_empty() => ChangeKind::PersonMoved,
            Some(_) if renamed => ChangeKind::PersonRenamed,
            Some(_) => {
                plan.unchanged += 1;
                continue;
            }
        };
        // One may change whom one has, and put them where one may.
        let today = env.today();
        let here = before
            .iter()
            .filter(|a| a.primary && a.to.is_none_or(|to| to >= today));
        let mut touched = here.chain(&changed).map(|a| a.unit);
        if touched.any(|unit| reach.is_some_and(|r| !r.contains(&unit))) {
            let message = Msg::new("organization-person-outside").with("staff_no", staff_no);
            errors.push(first.staff_no.error(message));
            continue;
        }
        plan.changes.push(Change {
            kind,
            code: staff_no.to_owned(),
            name: person.name.clone(),
        });
        plan.assignments
            .extend(changed.into_iter().map(|a| (person.id, a)));
        if old.is_none() || renamed {
            plan.people.push(person);
        }
    }
}

/// The assignment a row states.
fn stated(
    row: &PersonRow,
    unit: UnitId,
    known: &[Assignment],
    env: &Env,
) -> Result<Assignment, FieldError> {
    let today = env.today();
    let from = match row.from.value {
        Some(from) => from,
        // Without a first day the row only confirms where the person is.
        None => known
            .iter()
            .find(|a| a.primary == row.primary && a.unit == unit && a.covers(today))
            .map(|a| a.from)
            .ok_or_else(|| row.from.error(Msg::new("organization-from-missing")))?,
    };
    if let Some(to) = row.to.value.filter(|to| *to < from) {
        let message = Msg::new("organization-ends-before")
            .with("to", format_date(to))
            .with("from", format_date(from));
        return Err(row.to.error(message));
    }
    let id: Id = env.new_id();
    Ok(Assignment {
        id,
        unit,
        post: row.post.clone(),
        from,
        to: row.to.value,
        primary: row.primary,
    })
}

/// Two rows of one sheet may not hold on the same day. Rows come in the order of their first days.
fn check_overlap<'r>(
    row: &'r PersonRow,
    unit: UnitId,
    seen: &mut HashMap<Option<UnitId>, &'r PersonRow>,
) -> Result<(), FieldError> {
    // Second posts only exclude each other in one unit.
    let lane = (!row.primary).then_some(unit);
    let Some(other) = seen.insert(lane, row) else {
        return Ok(());
    };
    let clash = match other.to.value {
        Some(to) => row.from.value.is_none_or(|from| from <= to),
        None => row.from.value == other.from.value || row.from.value.is_none(),
    };
    if clash {
        let message = Msg::new("organization-person-twice")
            .with("staff_no", &row.staff_no.value)
            .with("other", &other.staff_no.at);
        return Err(row.staff_no.error(message));
    }
    Ok(())
}
