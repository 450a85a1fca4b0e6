//! The fact of a published bulletin.

use db::Tx;
use kernel::{AccountId, Error, FactId, Id, Result};
use ledger::{Fact, PlaceId};
use organization::Organization;

use crate::model::Bulletin;
use crate::service::Bulletins;

/// One a published bulletin.
pub(crate) const BULLETIN: &str = "bulletin";

impl Bulletins {
    /// Writes the fact of a bulletin on the day it is published.
    pub(crate) async fn write_fact(&self, tx: &mut Tx, b: &Bulletin, by: AccountId) -> Result<()> {
        let date = b.published_on.ok_or(Error::NotFound)?;
        let author = match b.content.author {
            Some(person) => Organization::units_on(tx, &[(person, date)])
                .await?
                .remove(&(person, date))
                .map(|unit| (person, unit)),
            None => None,
        };
        let mut wanted = vec![(b.unit, date)];
        wanted.extend(author.map(|(_, unit)| (unit, date)));
        wanted.sort_unstable();
        wanted.dedup();
        let paths = self.organization.paths_on(tx, &wanted).await?;
        for path in paths.values() {
            self.ledger.place(tx, path).await?;
        }
        let place = |unit| paths.get(&(unit, date)).map(|path| PlaceId::of(path));
        let host = place(b.unit).ok_or(Error::NotFound)?;
        let id: FactId = self.env.new_id();
        let mut fact = Fact::new(id, BULLETIN, host, date, b.id, "form", self.env.now());
        fact.category = Some(b.kind.clone());
        fact.role.clone_from(&b.content.section);
        fact.recorded_by = Some(by);
        if let Some((person, unit)) = author {
            fact.person = Some(person);
            fact.unit = place(unit).or(Some(host));
        }
        fact.evidence = b
            .content
            .pictures
            .iter()
            .map(|p| p.sha256.clone())
            .collect();
        self.ledger.append(tx, &[fact]).await
    }

    /// Takes back what stands of a bulletin.
    pub(crate) async fn take_back(&self, tx: &mut Tx, id: Id, by: AccountId) -> Result<()> {
        let standing = self.ledger.standing(tx, id).await?;
        let ids: Vec<FactId> = standing.iter().map(|f| f.id).collect();
        self.ledger.reverse(tx, &ids, Some(by)).await.map(|_| ())
    }
}
