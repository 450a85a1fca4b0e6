//! One person (人员): who they are, where they served, what their attributes were, and the changes of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use db::{Tx, transaction};
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::attributes::{Attributes, Traits};
use crate::model::{Assignment, Nature, Person, lay};
use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::trail::By;

/// All that is known of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCard {
    /// Who it is.
    pub person: Person,
    /// Assignments in order of their first days.
    pub assignments: Vec<Assignment>,
    /// Attributes.
    pub traits: Traits,
    /// When the personal data were erased, if they were.
    pub erased: Option<Timestamp>,
}

impl PersonCard {
    /// Refuses to change what was erased.
    pub(crate) fn standing(&self) -> Result<()> {
        match self.erased {
            Some(_) => Err(Error::Conflict(Msg::new("person-erased-stays"))),
            None => Ok(()),
        }
    }
}

/// A person to be added, with the first assignment.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// Staff number, unique.
    pub staff_no: String,
    /// Name.
    pub name: String,
    /// Where the person is counted.
    pub assignment: NewAssignment,
}

/// An assignment (任职) to be laid over what is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAssignment {
    /// The unit.
    pub unit: UnitId,
    /// Post; may be empty.
    pub post: String,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
    /// Whether the person is counted there.
    pub primary: bool,
    /// How the person serves there when they are not counted there.
    #[serde(default, skip_serializing_if = "is_ordinary")]
    pub nature: Nature,
}

fn is_ordinary(nature: &Nature) -> bool {
    *nature == Nature::Ordinary
}

impl NewAssignment {
    fn check(&self, errors: &mut Vec<FieldError>) {
        errors.extend(check_text(&self.post, 100).map(|message| FieldError {
            field: "post".into(),
            message,
        }));
        if self.primary && self.nature != Nature::Ordinary {
            errors.push(FieldError {
                field: "kind".into(),
                message: Msg::new("organization-nature-primary"),
            });
        }
        if let Some(to) = self.to.filter(|to| *to < self.from) {
            let message = Msg::new("organization-ends-before")
                .with("to", kernel::format_date(to))
                .with("from", kernel::format_date(self.from));
            errors.push(FieldError {
                field: "to".into(),
                message,
            });
        }
    }
}

/// A change of what is known of a person (人员信息变更): done at once by who manages, or asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum PersonChange {
    /// Another name.
    Rename {
        /// The name.
        name: String,
    },
    /// An assignment: transferred, or a second post.
    Assign(NewAssignment),
    /// The end of an assignment.
    End {
        /// Which.
        assignment: Id,
        /// Last day.
        last: Date,
    },
    /// Another value of an attribute.
    Describe {
        /// The attribute.
        attribute: String,
        /// Its value; empty: none any more.
        value: String,
        /// From which day on.
        from: Date,
    },
}

/// Somebody lent to a unit or by it (借调、挂职).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    /// Who.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// The other unit: home of who serves here, or where one's own serve.
    pub other: UnitId,
    /// How.
    pub nature: Nature,
    /// Whether they serve here.
    pub here: bool,
}

impl Organization {
    /// Who is lent to a unit and by it on a day, for a page that a scope already let through.
    pub async fn lent(&self, unit: UnitId, day: Date) -> Result<Vec<Lent>> {
        let found = store::lent(&mut self.db.read().await?, unit, day).await?;
        let lent = found
            .into_iter()
            .map(|(person, name, other, nature, here)| Lent {
                person,
                name,
                other,
                nature,
                here,
            });
        Ok(lent.collect())
    }

    /// A person with all that is known; whoever serves outside the scope does not exist.
    pub async fn person(&self, id: PersonId, scope: &Scope) -> Result<PersonCard> {
        let mut tx = self.db.read().await?;
        let reach = store::tree(&mut tx).await?.reach(scope);
        self.card(&mut tx, id, reach.as_ref()).await
    }

    pub(crate) async fn card(
        &self,
        tx: &mut Tx,
        id: PersonId,
        reach: Option<&HashSet<UnitId>>,
    ) -> Result<PersonCard> {
        let person = store::person(tx, id).await?.ok_or(Error::NotFound)?;
        let known = store::people(tx, &[person.staff_no.as_str()]).await?;
        let assignments = known.into_values().next().map_or(Vec::new(), |(_, a)| a);
        let today = self.env.today();
        // Who serves nowhere any more belongs to where they served last.
        let mut holding: Vec<&Assignment> = assignments
            .iter()
            .filter(|a| a.to.is_none_or(|to| to >= today))
            .collect();
        if holding.is_empty() {
            holding.extend(assignments.iter().max_by_key(|a| (a.primary, a.to, a.from)));
        }
        if reach.is_some_and(|reach| !holding.iter().any(|a| reach.contains(&a.unit))) {
            return Err(Error::NotFound);
        }
        let traits = store::traits(tx, id).await?;
        let erased = store::erased_at(tx, id).await?;
        Ok(PersonCard {
            erased,
            person,
            assignments,
            traits,
        })
    }

    /// The people with these staff numbers who served in the scope at any time, by number.
    pub(crate) async fn by_numbers(
        &self,
        numbers: &[&str],
        scope: &Scope,
    ) -> Result<BTreeMap<String, PersonId>> {
        let mut tx = self.db.read().await?;
        let reach = store::tree(&mut tx).await?.reach(scope);
        let near = |a: &Assignment| reach.as_ref().is_none_or(|r| r.contains(&a.unit));
        let known = store::people(&mut tx, numbers).await?;
        let known = known.into_iter().filter(|(_, (_, a))| a.iter().any(near));
        Ok(known
            .map(|(number, (person, _))| (number, person.id))
            .collect())
    }

    /// The staff numbers of those of these people who served in the scope at any time.
    pub(crate) async fn numbers_in(
        &self,
        people: &[PersonId],
        scope: &Scope,
    ) -> Result<HashMap<PersonId, String>> {
        let numbers = store::numbers_of(&mut self.db.read().await?, people).await?;
        let list: Vec<&str> = numbers.values().map(String::as_str).collect();
        let near = self.by_numbers(&list, scope).await?;
        Ok(near.into_iter().map(|(number, id)| (id, number)).collect())
    }

    /// Adds a person to a unit in the scope.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope.
    pub async fn add_person(
        &self,
        new: &NewPerson,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<PersonId> {
        let by = by.into();
        let mut errors = Vec::new();
        let staff_no = checked("staff_no", &new.staff_no, 32, &mut errors);
        let name = checked("name", &new.name, 50, &mut errors);
        new.assignment.check(&mut errors);
        Error::if_any(errors)?;
        let person = Person {
            id: self.env.new_id(),
            staff_no,
            name,
        };
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let known = store::people(tx, &[person.staff_no.as_str()]).await?;
            if !known.is_empty() {
                let message =
                    Msg::new("organization-staff-no-taken").with("staff_no", &person.staff_no);
                return Err(Error::field("staff_no", message));
            }
            self.lay_one(tx, &person, &[], &new.assignment, scope)
                .await?;
            let detail = json!({ "unit": new.assignment.unit });
            self.tell(tx, &by, "person.added", ("person", person.id), detail)
                .await
        })?;
        Ok(person.id)
    }

    /// Gives a person another name.
    ///
    /// # Errors
    /// `Invalid` for the name; `NotFound` out of scope.
    pub async fn rename_person(
        &self,
        id: PersonId,
        name: &str,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let change = PersonChange::Rename { name: name.into() };
        let none = Attributes::default();
        self.change_person(&none, id, &change, by, scope).await
    }

    /// Lays an assignment over what is known: a primary one ends the one before it; one that begins on the
    /// same day is corrected.
    ///
    /// # Errors
    /// `Invalid` per field, also when it reaches into the next one; `NotFound` when person or unit are out
    /// of scope.
    pub async fn assign(
        &self,
        id: PersonId,
        new: &NewAssignment,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let change = PersonChange::Assign(new.clone());
        let none = Attributes::default();
        self.change_person(&none, id, &change, by, scope).await
    }

    /// Ends an assignment on a day (离任): whoever has no other one serves nowhere after it.
    ///
    /// # Errors
    /// `Invalid` for a day before its first; `NotFound` out of scope.
    pub async fn end_assignment(
        &self,
        id: PersonId,
        assignment: Id,
        last: Date,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let change = PersonChange::End { assignment, last };
        let none = Attributes::default();
        self.change_person(&none, id, &change, by, scope).await
    }

    /// Says what an attribute of a person is from a day on; an empty value: none any more.
    ///
    /// # Errors
    /// `Invalid` for an unknown attribute or value; `NotFound` out of scope.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the form")]
    pub async fn set_attribute(
        &self,
        attributes: &Attributes,
        id: PersonId,
        code: &str,
        value: &str,
        from: Date,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let change = PersonChange::Describe {
            attribute: code.into(),
            value: value.into(),
            from,
        };
        self.change_person(attributes, id, &change, by, scope).await
    }

    /// Changes what is known of a person.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when person or unit are out of scope.
    pub async fn change_person(
        &self,
        attributes: &Attributes,
        id: PersonId,
        change: &PersonChange,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        transaction!(self.db, |tx| self
            .change_person_in(tx, attributes, id, change, (&by, ""), scope)
            .await)
    }

    /// The same in the caller's transaction; `basis` names what it rests on, such as an approval.
    pub(crate) async fn change_person_in(
        &self,
        tx: &mut Tx,
        attributes: &Attributes,
        id: PersonId,
        change: &PersonChange,
        (by, basis): (&By, &str),
        scope: &Scope,
    ) -> Result<()> {
        store::lock(tx, self.env.now()).await?;
        let reach = store::tree(tx).await?.reach(scope);
        let mut card = self.card(tx, id, reach.as_ref()).await?;
        card.standing()?;
        let (action, mut detail) = match change {
            PersonChange::Rename { name } => {
                let mut errors = Vec::new();
                card.person.name = checked("name", name, 50, &mut errors);
                Error::if_any(errors)?;
                store::put_people(tx, &[card.person], &[], self.env.now()).await?;
                ("person.renamed", json!({}))
            }
            PersonChange::Assign(new) => {
                let mut errors = Vec::new();
                new.check(&mut errors);
                Error::if_any(errors)?;
                self.lay_one(tx, &card.person, &card.assignments, new, scope)
                    .await?;
                let from = new.from.to_string();
                let detail = json!({ "unit": new.unit, "from": from, "primary": new.primary });
                ("person.assigned", detail)
            }
            PersonChange::End { assignment, last } => {
                let ended = end(&card.assignments, *assignment, *last, reach.as_ref())?;
                let detail = json!({ "unit": ended.unit, "last": last.to_string() });
                store::put_people(tx, &[], &[(id, ended)], self.env.now()).await?;
                ("person.left", detail)
            }
            PersonChange::Describe {
                attribute,
                value,
                from,
            } => {
                let known = attributes.get(attribute);
                let unknown = || Error::field("attribute", Msg::new("attribute-unknown"));
                let known = known.ok_or_else(unknown)?;
                let value = known.read(value, self.env.today());
                let value = value.map_err(|message| Error::field("value", message))?;
                let from = known.first_day(*from);
                if card.traits.on(attribute, from).unwrap_or_default() == value {
                    return Ok(());
                }
                let (now, account) = (self.env.now(), by.account);
                store::put_trait(tx, id, (attribute, &value), from, now, account).await?;
                // What was typed may tell who somebody is.
                let mut detail = json!({ "attribute": attribute, "from": from.to_string() });
                if known.format.is_none() {
                    detail["value"] = json!(value);
                }
                ("person.described", detail)
            }
        };
        if !basis.is_empty() {
            detail["basis"] = json!(basis);
        }
        self.tell(tx, by, action, ("person", id), detail).await
    }

    /// Whether a change could be made now, by making it and taking it back.
    pub(crate) async fn try_change(
        &self,
        attributes: &Attributes,
        id: PersonId,
        change: &PersonChange,
    ) -> Result<()> {
        let (by, mut fine) = (By::default(), false);
        let tried: Result<()> = transaction!(self.db, |tx| {
            self.change_person_in(tx, attributes, id, change, (&by, ""), &Scope::All)
                .await?;
            fine = true;
            Err(Error::internal("taken back on purpose"))
        });
        if fine { Ok(()) } else { tried }
    }

    pub(crate) async fn lay_one(
        &self,
        tx: &mut Tx,
        person: &Person,
        known: &[Assignment],
        new: &NewAssignment,
        scope: &Scope,
    ) -> Result<()> {
        let tree = store::tree(tx).await?;
        let unit = tree.get(new.unit).ok_or(Error::NotFound)?;
        if tree.reach(scope).is_some_and(|r| !r.contains(&new.unit)) {
            return Err(Error::NotFound);
        }
        if unit.to.is_some_and(|to| new.to.is_none_or(|end| end > to)) {
            let message = Msg::new("organization-not-standing")
                .with("name", &unit.name)
                .with("date", kernel::format_date(new.to.unwrap_or(new.from)));
            return Err(Error::field("unit_code", message));
        }
        let stated = Assignment {
            id: self.env.new_id(),
            unit: new.unit,
            post: new.post.trim().to_owned(),
            from: new.from,
            to: new.to,
            primary: new.primary,
            nature: new.nature,
        };
        let after = lay(known, stated).map_err(|overlap| {
            let other = kernel::format_date(overlap.other_from);
            Error::field("to", Msg::new("organization-overlap").with("other", other))
        })?;
        let changed: Vec<_> = after
            .into_iter()
            .filter(|a| !known.contains(a))
            .map(|a| (person.id, a))
            .collect();
        let people = std::slice::from_ref(person);
        store::put_people(tx, people, &changed, self.env.now()).await
    }
}

/// An assignment that ends on a day; whoever may not reach its unit does not know it.
fn end(
    known: &[Assignment],
    assignment: Id,
    last: Date,
    reach: Option<&HashSet<UnitId>>,
) -> Result<Assignment> {
    let found = known.iter().find(|a| a.id == assignment);
    let mut ended = found.cloned().ok_or(Error::NotFound)?;
    if reach.is_some_and(|r| !r.contains(&ended.unit)) {
        return Err(Error::NotFound);
    }
    let next = known.iter();
    let next = next.filter(|a| a.primary && ended.primary && a.from > ended.from);
    if let Some(next) = next.map(|a| a.from).min().filter(|next| last >= *next) {
        let other = kernel::format_date(next);
        let message = Msg::new("organization-overlap").with("other", other);
        return Err(Error::field("last", message));
    }
    if last < ended.from {
        let message = Msg::new("organization-ends-before")
            .with("to", kernel::format_date(last))
            .with("from", kernel::format_date(ended.from));
        return Err(Error::field("last", message));
    }
    ended.to = Some(last);
    Ok(ended)
}
