//! Who holds a role or a permission on a unit, for rules that name people by it, and whether an account may still
//! be used.

use db::Tx;
use kernel::{AccountId, Date, Error, FieldError, PersonId, Result, UnitId};

use crate::{Actor, Identity, store};

/// What people hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'a> {
    /// A role.
    Role(&'a str),
    /// A permission, through whatever role.
    Permission(&'a str),
}

impl Identity {
    /// The people to whom it was granted on exactly this unit and who can sign in.
    pub async fn holders(
        tx: &mut Tx,
        held: Held<'_>,
        unit: UnitId,
        day: Date,
    ) -> Result<Vec<PersonId>> {
        let mut found = Vec::new();
        for (person, role, permissions) in store::holders::grants(tx, unit, day).await? {
            let holds = match held {
                Held::Role(code) => role == code,
                Held::Permission(name) => crate::service::permissions_of(&permissions)?
                    .iter()
                    .any(|p| p == name),
            };
            if holds && !found.contains(&person) {
                found.push(person);
            }
        }
        Ok(found)
    }

    /// Those of these people who have an account that is open.
    pub async fn able(tx: &mut Tx, people: Vec<PersonId>) -> Result<Vec<PersonId>> {
        let able = store::holders::able(tx, &people).await?;
        Ok(people.into_iter().filter(|p| able.contains(p)).collect())
    }

    /// Whether an account is open and belongs to a person.
    pub async fn is_open(&self, account: AccountId, person: PersonId) -> Result<bool> {
        let able = store::holders::of(&mut self.db.read().await?, account).await?;
        Ok(able == Some(person))
    }

    /// The person of an account that is open, if it belongs to one.
    pub async fn person_of(tx: &mut Tx, account: AccountId) -> Result<Option<PersonId>> {
        store::holders::of(tx, account).await
    }

    /// Asks for the password of the one who acts once more, as before a signature. Guesses count like guesses
    /// at sign-in.
    ///
    /// # Errors
    /// `Invalid` for the field `password`.
    pub async fn confirm(&self, actor: &Actor, password: &str) -> Result<()> {
        let id = actor.account.ok_or(Error::Unauthenticated)?;
        let mut tx = self.db.read().await?;
        let all = kernel::Scope::All;
        let owner = store::one_account(&mut tx, id, &all, self.env.today()).await?;
        drop(tx);
        let owner = owner.ok_or(Error::Unauthenticated)?;
        let asked = self.knows_password(actor, &owner, password).await;
        asked.map_err(|error| match error {
            Error::Invalid(fields) => Error::Invalid(
                fields
                    .into_iter()
                    .map(|f| FieldError {
                        field: "password".into(),
                        message: f.message,
                    })
                    .collect(),
            ),
            other => other,
        })
    }
}
