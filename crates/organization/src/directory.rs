//! People as a directory of the agency tells of them: added and amended in the transaction that also writes
//! their accounts.

use db::Tx;
use kernel::{Error, FieldError, Msg, PersonId, Result, Scope, UnitId};
use serde_json::json;

use crate::model::Person;
use crate::people::NewAssignment;
use crate::service::{Organization, check_text, checked};
use crate::store;
use crate::trail::By;

/// What a directory says of a person; what it does not say stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Staff number.
    pub staff_no: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// The unit the person is counted in.
    pub unit: Option<UnitId>,
    /// Post.
    pub post: Option<String>,
}

impl Told {
    fn checked(&self) -> Result<Self> {
        let mut errors = Vec::new();
        let mut text = |field: &str, text: &Option<String>, longest| {
            text.as_ref()
                .map(|text| checked(field, text, longest, &mut errors))
        };
        let (staff_no, name) = (
            text("staff_no", &self.staff_no, 64),
            text("name", &self.name, 50),
        );
        let post = self.post.as_ref().map(|post| post.trim().to_owned());
        let odd = post.as_ref().and_then(|post| check_text(post, 100));
        errors.extend(odd.map(|message| FieldError {
            field: "post".into(),
            message,
        }));
        Error::if_any(errors)?;
        Ok(Self {
            staff_no,
            name,
            unit: self.unit,
            post,
        })
    }
}

impl Organization {
    /// The person with a staff number, amended; or a new one, in the unit told or else `unit`.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when the number is that of somebody out of the scope; `NotFound` for a
    /// unit out of it.
    pub async fn enrol(
        &self,
        tx: &mut Tx,
        (staff_no, unit): (&str, UnitId),
        told: &Told,
        by: &By,
        scope: &Scope,
    ) -> Result<PersonId> {
        let told = Told {
            staff_no: Some(staff_no.to_owned()),
            ..told.clone()
        };
        let told = told.checked()?;
        store::lock(tx, self.env.now()).await?;
        let number = told.staff_no.clone().unwrap_or_default();
        if let Some((person, _)) = store::people(tx, &[&*number]).await?.remove(&number) {
            return match self.amend(tx, person.id, &told, by, scope).await {
                Err(Error::NotFound) => Err(Error::Conflict(
                    Msg::new("organization-staff-no-taken").with("staff_no", number),
                )),
                done => done.map(|()| person.id),
            };
        }
        let person = Person {
            id: self.env.new_id(),
            name: told.name.clone().unwrap_or_else(|| number.clone()),
            staff_no: number,
        };
        let assignment = NewAssignment {
            unit: told.unit.unwrap_or(unit),
            post: told.post.unwrap_or_default(),
            from: self.env.today(),
            to: None,
            primary: true,
            nature: Default::default(),
        };
        self.lay_one(tx, &person, &[], &assignment, scope).await?;
        let detail = json!({ "unit": assignment.unit });
        self.tell(tx, by, "person.added", ("person", person.id), detail)
            .await?;
        Ok(person.id)
    }

    /// Makes a person what a directory says; a change of unit or post begins today.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when person or unit are out of scope.
    pub async fn amend(
        &self,
        tx: &mut Tx,
        id: PersonId,
        told: &Told,
        by: &By,
        scope: &Scope,
    ) -> Result<()> {
        let told = told.checked()?;
        store::lock(tx, self.env.now()).await?;
        let reach = store::tree(tx).await?.reach(scope);
        let mut card = self.card(tx, id, reach.as_ref()).await?;
        let person = ("person", id);
        if let Some(number) = told.staff_no.filter(|n| *n != card.person.staff_no) {
            if !store::people(tx, &[&*number]).await?.is_empty() {
                let message = Msg::new("organization-staff-no-taken").with("staff_no", number);
                return Err(Error::Conflict(message));
            }
            let detail = json!({ "before": card.person.staff_no, "after": number });
            card.person.staff_no = number;
            let people = std::slice::from_ref(&card.person);
            store::put_people(tx, people, &[], self.env.now()).await?;
            self.tell(tx, by, "person.renumbered", person, detail)
                .await?;
        }
        if let Some(name) = told.name.filter(|name| *name != card.person.name) {
            card.person.name = name;
            let people = std::slice::from_ref(&card.person);
            store::put_people(tx, people, &[], self.env.now()).await?;
            self.tell(tx, by, "person.renamed", person, json!({}))
                .await?;
        }
        let today = self.env.today();
        let now = card
            .assignments
            .iter()
            .find(|a| a.primary && a.covers(today));
        let unit = told.unit.or(now.map(|a| a.unit));
        let post = told
            .post
            .or(now.map(|a| a.post.clone()))
            .unwrap_or_default();
        let Some(unit) = unit else {
            return Ok(());
        };
        if now.is_some_and(|a| a.unit == unit && a.post == post) {
            return Ok(());
        }
        let next = NewAssignment {
            unit,
            post,
            from: today,
            to: now.and_then(|a| a.to),
            primary: true,
            nature: Default::default(),
        };
        self.lay_one(tx, &card.person, &card.assignments, &next, scope)
            .await?;
        let detail = json!({ "unit": unit, "from": today.to_string(), "primary": true });
        self.tell(tx, by, "person.assigned", person, detail).await
    }
}
