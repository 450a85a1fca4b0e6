//! Ties of people, from a day until a day: pairings (结对) with a unit or another person, of kinds that packs say,
//! and lines of responsibility (分管), of which there is always one kind.

use std::collections::HashMap;

use commons::packs::Name;
use db::{Tx, transaction};
use kernel::{Date, Error, FieldError, Id, Msg, PersonId, Result, Scope, UnitId};
use serde::Deserialize;
use serde_json::json;
use web::table::{Order, Window};

use crate::bodies::BodyKinds;
use crate::service::{Organization, check_text};
use crate::store;
use crate::trail::By;

/// The kind of a line of responsibility (分管): a leader is in charge of a unit.
pub const RESPONSIBILITY: &str = "responsibility";

/// What stands at the other end of a pairing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Between {
    /// A person and a unit.
    PersonUnit,
    /// A person and another one.
    PersonPerson,
}

/// A kind of pairing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairingKind {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What is paired.
    pub between: Between,
    /// How many one person may have at once; none: as many as there are.
    #[serde(default)]
    pub most: Option<usize>,
}

/// The other end of a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// A unit.
    Unit(UnitId),
    /// A person.
    Person(PersonId),
}

/// A pairing or a line of responsibility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// Id.
    pub id: Id,
    /// Its kind.
    pub kind: String,
    /// The leader or mentor.
    pub person: PersonId,
    /// Their name.
    pub name: String,
    /// Their staff number.
    pub staff_no: String,
    /// The other end.
    pub end: End,
    /// Its name.
    pub end_name: String,
    /// First day.
    pub from: Date,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
    /// What it rests on; may be empty.
    pub basis: String,
}

impl Tie {
    /// Whether it holds on a day.
    pub fn covers(&self, date: Date) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }
}

/// A tie to be made; people are named by staff number, units by code.
#[derive(Debug, Clone, Default)]
pub struct NewTie {
    /// Kind.
    pub kind: String,
    /// Staff number of the leader or mentor.
    pub staff_no: String,
    /// Code of the unit or staff number of the other person.
    pub end: String,
    /// Last day; none while it lasts.
    pub to: Option<Date>,
    /// What it rests on.
    pub basis: String,
}

/// Which ties are asked for.
#[derive(Debug, Clone, Default)]
pub struct TieQuery {
    /// Of this kind; none: all pairings, no lines of responsibility.
    pub kind: Option<String>,
    /// With an end under this unit.
    pub unit: Option<UnitId>,
    /// That hold on this day.
    pub day: Option<Date>,
    /// Part of a name or staff number of either end; empty: any.
    pub text: String,
}

fn wrong(field: &str, message: Msg) -> Error {
    Error::field(field, message)
}

impl Organization {
    /// Makes a tie from a day on. Who makes it must have its second end, the unit or the other person, in scope.
    ///
    /// # Errors
    /// `Invalid` per field.
    pub async fn tie(
        &self,
        kinds: &BodyKinds,
        new: &NewTie,
        from: Date,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<Id> {
        let by = by.into();
        let (between, most) = match kinds.pairing(&new.kind) {
            Some(kind) => (kind.between, kind.most),
            None if new.kind == RESPONSIBILITY => (Between::PersonUnit, None),
            None => return Err(wrong("kind", Msg::new("pairing-kind-unknown"))),
        };
        let mut errors = Vec::new();
        errors.extend(check_text(&new.basis, 200).map(|message| FieldError {
            field: "basis".into(),
            message,
        }));
        Error::if_any(errors)?;
        if let Some(to) = new.to.filter(|to| *to < from) {
            return Err(wrong("to", ends_before(from, to)));
        }
        let id: Id = self.env.new_id();
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let tree = store::tree(tx).await?;
            let reach = tree.reach(scope);
            let known = |staff_no: &str| {
                let message = Msg::new("body-person-unknown").with("staff_no", staff_no);
                move |field: &str| wrong(field, message)
            };
            let people = [new.staff_no.trim(), new.end.trim()];
            let mut found = store::people(tx, &people).await?;
            let (person, assignments) = match found.get(people[0]) {
                Some(found) => found.clone(),
                None => return Err(known(people[0])("staff_no")),
            };
            if !assignments.iter().any(|a| a.covers(from)) {
                let message = Msg::new("pairing-not-serving")
                    .with("name", &person.name)
                    .with("date", kernel::format_date(from));
                return Err(wrong("staff_no", message));
            }
            let (end, end_name) = match between {
                Between::PersonUnit => {
                    let unit = tree.iter().find(|u| u.code == people[1]);
                    let unit = unit.filter(|u| reach.as_ref().is_none_or(|r| r.contains(&u.id)));
                    let Some(unit) = unit else {
                        let message = Msg::new("organization-code-unknown").with("code", people[1]);
                        return Err(wrong("end", message));
                    };
                    if !unit.stands(from) {
                        let message = Msg::new("organization-not-standing")
                            .with("name", &unit.name)
                            .with("date", kernel::format_date(from));
                        return Err(wrong("from", message));
                    }
                    (End::Unit(unit.id), unit.name.clone())
                }
                Between::PersonPerson => {
                    let Some((other, serves)) = found.remove(people[1]) else {
                        return Err(known(people[1])("end"));
                    };
                    if other.id == person.id {
                        return Err(wrong("end", Msg::new("pairing-with-oneself")));
                    }
                    let near = |a: &&crate::Assignment| {
                        a.covers(from) && reach.as_ref().is_none_or(|r| r.contains(&a.unit))
                    };
                    if !serves.iter().any(|a| near(&a)) {
                        return Err(known(people[1])("end"));
                    }
                    (End::Person(other.id), other.name)
                }
            };
            let held = store::ties_of(tx, End::Person(person.id)).await?;
            let held = held
                .iter()
                .filter(|t| t.kind == new.kind && t.person == person.id);
            let meets =
                |t: &&Tie| t.to.is_none_or(|to| to >= from) && new.to.is_none_or(|to| t.from <= to);
            let held: Vec<&Tie> = held.filter(meets).collect();
            if let Some(other) = held.iter().find(|t| t.end == end) {
                let other = kernel::format_date(other.from);
                let message = Msg::new("pairing-there-already").with("other", other);
                return Err(wrong("end", message));
            }
            if most.is_some_and(|most| held.len() >= most) {
                let message = Msg::new("pairing-too-many")
                    .with("name", &person.name)
                    .with("most", most.unwrap_or_default());
                return Err(wrong("staff_no", message));
            }
            let tie = Tie {
                id,
                kind: new.kind.clone(),
                person: person.id,
                name: person.name,
                staff_no: person.staff_no,
                end,
                end_name,
                from,
                to: new.to,
                basis: new.basis.trim().to_owned(),
            };
            store::add_tie(tx, &tie, self.env.now(), by.account).await?;
            let mut detail = said(&tie);
            detail["from"] = json!(from.to_string());
            let action = action(&tie, "responsibility.given", "pairing.made");
            self.tell(tx, &by, action, ("person", tie.person), detail)
                .await?;
            Ok(id)
        })
    }

    /// Ends a tie on a day.
    ///
    /// # Errors
    /// `Invalid` for a day before its first or after its last; `NotFound` when its second end is out of scope.
    pub async fn untie(&self, id: Id, last: Date, by: impl Into<By>, scope: &Scope) -> Result<()> {
        let by = by.into();
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let tie = store::tie_by_id(tx, id).await?.ok_or(Error::NotFound)?;
            let reach = store::tree(tx).await?.reach(scope);
            match tie.end {
                End::Unit(unit) if reach.as_ref().is_some_and(|r| !r.contains(&unit)) => {
                    return Err(Error::NotFound);
                }
                End::Unit(_) => {}
                End::Person(other) => {
                    self.card(tx, other, reach.as_ref()).await?;
                }
            }
            if last < tie.from {
                return Err(wrong("last", ends_before(tie.from, last)));
            }
            if tie.to.is_some_and(|to| to < last) {
                return Err(wrong("last", Msg::new("pairing-has-ended")));
            }
            store::end_tie(tx, id, last).await?;
            let mut detail = said(&tie);
            detail["last"] = json!(last.to_string());
            let action = action(&tie, "responsibility.ended", "pairing.ended");
            self.tell(tx, &by, action, ("person", tie.person), detail)
                .await
        })
    }

    /// Ties of which one end is in a scope.
    pub async fn ties(&self, asked: &TieQuery, scope: &Scope) -> Result<Vec<Tie>> {
        let today = self.env.today();
        store::ties(&mut self.db.read().await?, asked, today, scope).await
    }

    /// A page of them, and how many there are in all.
    pub(crate) async fn tie_page(
        &self,
        asked: &TieQuery,
        scope: &Scope,
        order: Order,
        window: Window,
    ) -> Result<(Vec<Tie>, i64)> {
        let (mut tx, today) = (self.db.read().await?, self.env.today());
        store::tie_page(&mut tx, asked, today, scope, order, window).await
    }

    /// All ties of a person or a unit, for pages that a scope already let through.
    pub async fn ties_of(&self, end: End) -> Result<Vec<Tie>> {
        store::ties_of(&mut self.db.read().await?, end).await
    }

    /// Who is in charge (分管) of a unit on a day: of the unit itself, or of the nearest above it that has somebody.
    pub async fn in_charge(tx: &mut Tx, unit: UnitId, date: Date) -> Result<Vec<PersonId>> {
        let mut paths = store::paths(tx, &[unit]).await?;
        let path = paths.remove(&unit).unwrap_or_default();
        let mut found: HashMap<UnitId, Vec<PersonId>> = HashMap::new();
        for (unit, person) in store::in_charge_of(tx, &path, date).await? {
            found.entry(unit).or_default().push(person);
        }
        let nearest = path.iter().rev().find_map(|unit| found.remove(unit));
        Ok(nearest.unwrap_or_default())
    }
}

fn ends_before(from: Date, to: Date) -> Msg {
    Msg::new("organization-ends-before")
        .with("to", kernel::format_date(to))
        .with("from", kernel::format_date(from))
}

fn action(tie: &Tie, responsibility: &'static str, pairing: &'static str) -> &'static str {
    if tie.kind == RESPONSIBILITY {
        responsibility
    } else {
        pairing
    }
}

fn said(tie: &Tie) -> serde_json::Value {
    match tie.end {
        End::Unit(unit) => json!({ "kind": tie.kind, "unit": unit }),
        End::Person(other) => json!({ "kind": tie.kind, "with": other }),
    }
}
