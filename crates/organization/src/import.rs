//! Importing units and people: what a sheet states is laid over what is known. The same plan is made
//! for the preview and, again, when it is published. Small lists of the program go in one transaction
//! ([`Organization::import`]); what people upload is staged (see `staged` and `publish`).

pub(crate) mod export;
pub(crate) mod forms;
pub(crate) mod numbers;
pub(crate) mod pages;
pub(crate) mod past;
mod people;
mod publish;
pub(crate) mod record;
pub(crate) mod staged;
mod tidy;
mod ties;
mod units;

use std::collections::HashMap;

use db::{Tx, transaction};
use kernel::{Date, Error, FieldError, Msg, Result, Scope};
use serde_json::json;

use crate::history::State;
use crate::model::{Nature, Tree, Unit};
use crate::service::Organization;
use crate::sheet::{At, Rows};
use crate::store;
use crate::trail::By;

pub(crate) use numbers::{Seen, Stated, plan_numbers};
pub(crate) use people::{Decision, PeoplePlan, plan_people};
pub(crate) use ties::{Places, TieRow, TiesPlan, plan_ties};
pub(crate) use units::{Ground, UnitPlan, plan_units};

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
    /// Unified social credit code; none: as it was.
    pub credit_code: At<Option<String>>,
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
    /// How the person serves there when they are not counted there.
    pub nature: Nature,
    /// Attributes that are stated.
    pub traits: Vec<TraitRow>,
}

/// A stated attribute of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraitRow {
    /// Code of the attribute.
    pub code: String,
    /// Code of the value.
    pub value: At<String>,
    /// First day; none: the first day of a new person, today of a known one.
    pub from: Option<Date>,
    /// Whether it only counts where nothing is known.
    pub fills: bool,
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
    /// A person gets another staff number.
    PersonRenumbered,
    /// A person's assignments change.
    PersonMoved,
    /// A person's attributes change.
    PersonDescribed,
    /// A person's identity number is recorded or corrected, and nothing else.
    PersonIdentified,
    /// Somebody gets a role in a body.
    MemberAdded,
    /// A membership gets a last day.
    MemberEnded,
    /// A pairing or a line of responsibility is added.
    TieAdded,
    /// A pairing or a line of responsibility gets a last day.
    TieEnded,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::UnitAdded,
        Self::UnitChanged,
        Self::UnitMoved,
        Self::PersonAdded,
        Self::PersonRenamed,
        Self::PersonRenumbered,
        Self::PersonMoved,
        Self::PersonDescribed,
        Self::PersonIdentified,
        Self::MemberAdded,
        Self::MemberEnded,
        Self::TieAdded,
        Self::TieEnded,
    ];

    /// Its code, by which it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnitAdded => "unit-added",
            Self::UnitChanged => "unit-changed",
            Self::UnitMoved => "unit-moved",
            Self::PersonAdded => "person-added",
            Self::PersonRenamed => "person-renamed",
            Self::PersonRenumbered => "person-renumbered",
            Self::PersonMoved => "person-moved",
            Self::PersonDescribed => "person-described",
            Self::PersonIdentified => "person-identified",
            Self::MemberAdded => "member-added",
            Self::MemberEnded => "member-ended",
            Self::TieAdded => "pairing-added",
            Self::TieEnded => "pairing-ended",
        }
    }
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

struct Plan {
    units: UnitPlan,
    people: PeoplePlan,
}

impl Organization {
    /// What an import would do, without doing it. All that is wrong is listed with its cells.
    pub async fn preview(&self, rows: &Rows, scope: &Scope) -> Result<Preview> {
        let mut tx = self.db.read().await?;
        let version = store::version(&mut tx).await?;
        let before = store::tree(&mut tx).await?;
        Ok(preview(
            self.plan(&mut tx, rows, &[], &before, scope).await?,
            version,
        ))
    }

    /// Imports everything or, when anything is wrong, nothing, in one transaction: for lists that fit into
    /// one. With the version of a preview it is refused when units or people have changed since.
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
        self.import_stating(rows, &[], scope, version, &by.into())
            .await
    }

    /// The same with identity numbers.
    pub(crate) async fn import_stating(
        &self,
        rows: &Rows,
        stated: &[Stated],
        scope: &Scope,
        version: Option<i64>,
        by: &By,
    ) -> Result<Imported> {
        if !rows.unread.is_empty() {
            return Err(Error::internal(
                "rows that could not be read are not imported",
            ));
        }
        transaction!(self.db, |tx| {
            let found = store::lock(tx, self.env.now()).await?;
            if version.is_some_and(|seen| seen != found) {
                return Err(Error::Conflict(Msg::new("organization-changed-meanwhile")));
            }
            let before = store::tree(tx).await?;
            let plan = self.plan(tx, rows, stated, &before, scope).await?;
            self.put_units(tx, &before, &plan.units).await?;
            let now = self.env.now();
            let people = &plan.people;
            store::put_people(tx, &people.people, &people.assignments, now).await?;
            store::put_traits(tx, &people.traits, now, by.account).await?;
            self.seal_numbers(tx, &people.numbers(), by).await?;
            let changes = plan.units.changes.len() + people.changes.len();
            let detail = json!({ "changes": changes, "people": people.people.len(), "units": plan.units.units.len() });
            self.tell(tx, by, "people.imported", ("organization", ""), detail)
                .await?;
            Ok(preview(plan, found + 1))
        })
    }

    async fn plan(
        &self,
        tx: &mut Tx,
        rows: &Rows,
        stated: &[Stated],
        before: &Tree,
        scope: &Scope,
    ) -> Result<Plan> {
        let mut errors = Vec::new();
        let units = plan_units(
            &rows.units,
            &rows.unread,
            before,
            scope,
            &self.env,
            &mut errors,
        );
        let mut known = store::people(tx, &staff_nos(&rows.persons)).await?;
        let traits = store::traits_of(tx, &ids(&known, &rows.persons)).await?;
        let (ground, own) = (&units.ground, numbers::own(&known));
        let mut people = plan_people(
            &rows.persons,
            &mut known,
            &traits,
            &HashMap::new(),
            ground,
            &self.env,
            &mut errors,
        );
        let (none, mut seen) = (HashMap::new(), Seen::new());
        let twins = plan_numbers(
            self,
            tx,
            stated,
            &own,
            &none,
            ground,
            &mut seen,
            &mut people,
            &mut errors,
        )
        .await?;
        // Nobody is asked here: who is there already is named as a mistake.
        let twins = stated
            .iter()
            .filter(|s| twins.contains_key(&s.staff_no.value));
        errors.extend(twins.map(|s| s.number.error(Msg::new("identity-number-taken-elsewhere"))));
        Error::if_any(errors)?;
        Ok(Plan { units, people })
    }

    /// Writes planned units. A sheet says what is: of a known unit from today on, of a new one from its
    /// first day.
    pub(crate) async fn put_units(
        &self,
        tx: &mut Tx,
        before: &Tree,
        plan: &UnitPlan,
    ) -> Result<()> {
        store::put_units(tx, before, &plan.ground.after, &plan.units).await?;
        let today = self.env.today();
        let changed = plan.units.iter();
        let states: Vec<_> = changed
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
        if states.is_empty() {
            return Ok(());
        }
        store::put_states(tx, &states).await
    }
}

fn alike(a: &Unit, b: &Unit) -> bool {
    (a.parent, &a.name, &a.category) == (b.parent, &b.name, &b.category)
}

fn preview(plan: Plan, version: i64) -> Preview {
    let mut changes = plan.units.changes;
    changes.extend(plan.people.changes);
    Preview {
        changes,
        unchanged: plan.units.unchanged + plan.people.unchanged,
        version,
    }
}

pub(crate) fn staff_nos(rows: &[PersonRow]) -> Vec<&str> {
    let mut list: Vec<&str> = rows.iter().map(|p| p.staff_no.value.as_str()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// The known people whose attributes the rows say something about.
pub(crate) fn ids(known: &store::Known, rows: &[PersonRow]) -> Vec<kernel::PersonId> {
    let described = rows.iter().filter(|row| !row.traits.is_empty());
    let mut list: Vec<_> = described
        .filter_map(|row| known.get(&row.staff_no.value))
        .map(|(person, _)| person.id)
        .collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// Nothing ends before it begins.
fn check_days(from: Date, to: &At<Option<Date>>) -> Result<(), FieldError> {
    match to.value.filter(|to| *to < from) {
        Some(day) => Err(to.error(
            Msg::new("organization-ends-before")
                .with("to", kernel::format_date(day))
                .with("from", kernel::format_date(from)),
        )),
        None => Ok(()),
    }
}
