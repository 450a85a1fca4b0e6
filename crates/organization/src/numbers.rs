//! Identity numbers (公民身份号码) of people, sealed in the vault, and the erasure (清除) of personal data.

use std::collections::HashMap;

use commons::identifiers::{ReadId, ResidentId};
use crypt::{Opened, Secret, Vault};
use db::{Tx, transaction};
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use serde_json::json;

use crate::service::{Organization, checked};
use crate::store::{self, SealedNumber};
use crate::trail::By;

/// Permission to see and correct identity numbers.
pub const IDENTITY: &str = "organization.identity";
/// Permission to erase the personal data of people who have left.
pub const ERASE: &str = "organization.erase";

/// The name of the field that is sealed.
pub(crate) const FIELD: &str = "id_number";
/// What stands where a name was erased: the same in every language.
pub(crate) const MARK: &str = "***";

pub(crate) fn no_vault() -> Error {
    Error::Unavailable(Msg::new("identity-number-no-vault"))
}

impl Organization {
    /// The same, which keeps identity numbers sealed in a vault.
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    pub(crate) fn vault(&self) -> Result<&Vault> {
        self.vault.as_ref().ok_or_else(no_vault)
    }

    /// The identity number of somebody as it may be shown: `3401**********1234`; none when none is recorded.
    pub(crate) async fn masked_number(&self, id: PersonId) -> Result<Option<String>> {
        if self.vault.is_none() {
            return Ok(None);
        }
        let found = self.numbers_of(&mut self.db.read().await?, &[id]).await?;
        Ok(found
            .get(&id)
            .map(|n| commons::identifiers::mask_id(n.as_str())))
    }

    /// Opens the numbers of people; who has none is left out.
    pub(crate) async fn numbers_of(
        &self,
        tx: &mut Tx,
        people: &[PersonId],
    ) -> Result<HashMap<PersonId, Secret>> {
        let sealed = store::sealed_numbers(tx, people).await?;
        if sealed.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Id> = sealed.keys().map(|id| id.0).collect();
        let keys = self.vault()?.keys(tx, &ids).await?;
        let mut open = HashMap::new();
        for (person, (sealed, _)) in sealed {
            if let Opened::Text(text) = keys.open(person, FIELD, &sealed)? {
                open.insert(person, text);
            }
        }
        Ok(open)
    }

    /// Shows the identity number of somebody to who says what for; that it was shown is written down first.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound` out of scope or when none is recorded.
    pub async fn show_number(
        &self,
        id: PersonId,
        reason: &str,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<Secret> {
        let by = by.into();
        let mut errors = Vec::new();
        let reason = checked("reason", reason, 200, &mut errors);
        Error::if_any(errors)?;
        transaction!(self.db, |tx| {
            let reach = store::tree(tx).await?.reach(scope);
            self.card(tx, id, reach.as_ref()).await?;
            let mut found = self.numbers_of(tx, &[id]).await?;
            let number = found.remove(&id).ok_or(Error::NotFound)?;
            let detail = json!({ "reason": reason });
            self.tell(tx, &by, "person.identity-shown", ("person", id), detail)
                .await?;
            Ok(number)
        })
    }

    /// Records or corrects the identity number of somebody; gives what they should be told: 15 digits were
    /// converted.
    ///
    /// # Errors
    /// `Invalid` for a number that is wrong or that somebody else has; `NotFound` out of scope.
    pub async fn set_number(
        &self,
        id: PersonId,
        text: &str,
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<Option<Msg>> {
        let by = by.into();
        let wrong = |message| Error::field("number", message);
        let read: ReadId = ResidentId::read(text, self.env.today()).map_err(wrong)?;
        let number = read.id.as_str();
        let vault = self.vault()?;
        let blind = vault.index(FIELD, number);
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let reach = store::tree(tx).await?.reach(scope);
            let card = self.card(tx, id, reach.as_ref()).await?;
            card.standing()?;
            match store::holders(tx, &[blind]).await?.get(&blind[..]) {
                Some(holder) if *holder == id => return Ok(()),
                Some(holder) => {
                    let seen = self.card(tx, *holder, reach.as_ref()).await;
                    let message = match seen {
                        Ok(other) => Msg::new("identity-number-taken")
                            .with("name", &other.person.name)
                            .with("staff_no", &other.person.staff_no),
                        Err(Error::NotFound) => Msg::new("identity-number-taken-elsewhere"),
                        Err(other) => return Err(other),
                    };
                    return Err(wrong(message));
                }
                None => {}
            }
            self.seal_numbers(tx, &[(id, number)], &by).await?;
            self.tell(tx, &by, "person.identified", ("person", id), json!({}))
                .await
        })?;
        Ok(read.notice())
    }

    /// Seals numbers and writes them.
    pub(crate) async fn seal_numbers(
        &self,
        tx: &mut Tx,
        numbers: &[(PersonId, &str)],
        by: &By,
    ) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let vault = self.vault()?;
        let ids: Vec<Id> = numbers.iter().map(|(person, _)| person.0).collect();
        let keys = vault.make(tx, &ids).await?;
        let sealed: Result<Vec<SealedNumber>> = numbers
            .iter()
            .map(|(person, number)| {
                Ok(SealedNumber {
                    person: *person,
                    sealed: keys.seal(*person, FIELD, number)?,
                    blind: vault.index(FIELD, number),
                })
            })
            .collect();
        store::put_numbers(tx, &sealed?, self.env.now(), by.account).await
    }

    /// Erases the personal data of somebody who serves nowhere: the data key is destroyed, name and staff number
    /// are replaced, attributes are taken away, and so is what is kept elsewhere ([`crate::Traces`]). The id,
    /// assignments and everything counted stay. `typed` is the staff number, typed again.
    ///
    /// # Errors
    /// `Invalid` when the staff number is another or no reason is given; `Conflict` while the person serves
    /// somewhere; `NotFound` out of scope.
    pub async fn erase_person(
        &self,
        id: PersonId,
        (typed, reason): (&str, &str),
        by: impl Into<By>,
        scope: &Scope,
    ) -> Result<()> {
        let by = by.into();
        let mut errors = Vec::new();
        let reason = checked("erase_reason", reason, 200, &mut errors);
        Error::if_any(errors)?;
        let vault = self.vault()?;
        let today = self.env.today();
        transaction!(self.db, |tx| {
            store::lock(tx, self.env.now()).await?;
            let reach = store::tree(tx).await?.reach(scope);
            let card = self.card(tx, id, reach.as_ref()).await?;
            card.standing()?;
            let staff_no = &card.person.staff_no;
            if typed.trim() != staff_no {
                let message = Msg::new("person-erase-other").with("staff_no", staff_no);
                return Err(Error::field("typed", message));
            }
            let serves = |to: Option<kernel::Date>| to.is_none_or(|to| to >= today);
            if card.assignments.iter().any(|a| serves(a.to)) {
                return Err(Error::Conflict(Msg::new("person-erase-serves")));
            }
            let text = id.to_string();
            let number = format!("erased-{}", &text[text.len() - 12..]);
            if let Some(traces) = &self.traces {
                traces.erase(tx, id, &by).await?;
            }
            vault.erase(tx, &[id.0]).await?;
            let now = self.env.now();
            store::erase_person(tx, id, staff_no, (MARK, &number), now).await?;
            let detail = json!({ "reason": reason });
            self.tell(tx, &by, "person.erased", ("person", id), detail)
                .await
        })
    }
}
