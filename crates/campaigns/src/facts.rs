//! The facts of campaigns: one a campaign that was closed, one a unit named in it.

use db::Tx;
use identity::Actor;
use kernel::{Error, FactId, Result, UnitId};
use ledger::{Fact, PlaceId};

use crate::model::{Campaign, Side};
use crate::service::Campaigns;
use crate::store::{parts, scores};

/// One a campaign that was closed; quantity: units that took part.
pub(crate) const CAMPAIGN: &str = "campaign";
/// One a unit named in it; role `joined` or `absent`, quantity: what the inspection gave it, of 100 points.
pub(crate) const UNIT: &str = "campaign-unit";
/// All of them.
pub(crate) const KINDS: [&str; 2] = [CAMPAIGN, UNIT];

impl Campaigns {
    /// Closes a campaign today: its facts.
    pub(crate) async fn close(&self, tx: &mut Tx, c: &mut Campaign, actor: &Actor) -> Result<()> {
        let (today, now) = (self.env.today(), self.env.now());
        let units = parts::units(tx, c.id).await?;
        let shares = scores::shares(tx, c.id, Side::Inspection).await?;
        let wanted: Vec<_> = units
            .iter()
            .map(|t| (t.unit, today))
            .chain([(c.unit, today)])
            .collect();
        let mut paths = self.organization.paths_on(tx, &wanted).await?;
        // A unit that has ended counts where it stood when the campaign began.
        let gone: Vec<_> = wanted
            .iter()
            .filter(|w| !paths.contains_key(w))
            .map(|(u, _)| (*u, c.content.from))
            .collect();
        for ((unit, _), path) in self.organization.paths_on(tx, &gone).await? {
            paths.insert((unit, today), path);
        }
        let place = async |tx: &mut Tx, unit: UnitId| {
            let path = paths.get(&(unit, today)).ok_or(Error::NotFound)?;
            self.ledger.place(tx, path).await?;
            Ok::<PlaceId, Error>(PlaceId::of(path))
        };
        let mut facts = Vec::new();
        let mut add = |kind: &str, host, role: Option<&str>, quantity: Option<i64>| {
            let id: FactId = self.env.new_id();
            let mut fact = Fact::new(id, kind, host, today, c.id, "form", now);
            fact.category = Some(c.kind.clone());
            fact.role = role.map(str::to_owned);
            fact.quantity = quantity;
            fact.recorded_by = actor.account;
            facts.push(fact);
        };
        add(
            CAMPAIGN,
            place(tx, c.unit).await?,
            None,
            Some(c.joined * 1_000),
        );
        for t in &units {
            let role = if t.joined { "joined" } else { "absent" };
            let score = shares.get(&t.unit).copied().filter(|_| t.joined);
            add(UNIT, place(tx, t.unit).await?, Some(role), score);
        }
        self.ledger.append(tx, &facts).await?;
        c.closed_on = Some(today);
        Ok(())
    }

    /// Takes the facts of a campaign back: it is opened again.
    pub(crate) async fn open_again(
        &self,
        tx: &mut Tx,
        c: &mut Campaign,
        actor: &Actor,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, c.id).await?;
        let own = standing.iter().filter(|f| KINDS.contains(&f.kind.as_str()));
        let ids: Vec<FactId> = own.map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, actor.account).await?;
        }
        c.closed_on = None;
        Ok(())
    }
}
