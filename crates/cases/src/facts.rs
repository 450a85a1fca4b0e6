//! The facts of cases: raised, accepted, on time, closed, held.

use db::Tx;
use kernel::{AccountId, Date, Error, FactId, Result};
use ledger::{Fact, PlaceId};

use crate::case::End;
use crate::kind::{FieldType, Kind};
use crate::model::Matter;
use crate::service::Cases;

/// One a case that was taken on; its part is the severity.
pub(crate) const CASE: &str = "case";
/// One a case that was closed; its part is how.
pub(crate) const CLOSED: &str = "case-closed";
/// One a case that was accepted; its part is the severity.
pub(crate) const ACCEPTED: &str = "case-accepted";
/// One a case that was accepted by its day.
pub(crate) const ON_TIME: &str = "case-on-time";
/// One a look back; its part is `held` or `relapsed`.
pub(crate) const HELD: &str = "case-held";
/// One a case that has a field of work; its part is that field.
pub(crate) const AREA: &str = "case-area";
/// One a question that those concerned were asked after it was closed; its part is the field.
pub(crate) const ASKED: &str = "case-asked";
/// One a question that they answered with yes.
pub(crate) const PRAISED: &str = "case-praised";
/// All of them.
pub(crate) const KINDS: [&str; 8] = [CASE, CLOSED, ACCEPTED, ON_TIME, HELD, AREA, ASKED, PRAISED];

impl Cases {
    async fn fact(
        &self,
        tx: &mut Tx,
        m: &Matter,
        kind: &str,
        date: Date,
        by: Option<AccountId>,
    ) -> Result<Fact> {
        let paths = self.organization.paths_on(tx, &[(m.unit, date)]).await?;
        // A unit that has ended counts where it stood when the case was raised.
        let path = match paths.get(&(m.unit, date)) {
            Some(path) => path.clone(),
            None => {
                let then = self
                    .organization
                    .paths_on(tx, &[(m.unit, m.raised_on)])
                    .await?;
                then.get(&(m.unit, m.raised_on))
                    .cloned()
                    .ok_or(Error::NotFound)?
            }
        };
        self.ledger.place(tx, &path).await?;
        let (id, now): (FactId, _) = (self.env.new_id(), self.env.now());
        let source = if m.declared { "declared" } else { "form" };
        let mut fact = Fact::new(id, kind, PlaceId::of(&path), date, m.id, source, now);
        fact.category = Some(m.kind.clone());
        fact.role = Some(m.severity.clone());
        fact.recorded_by = by;
        Ok(fact)
    }

    /// Writes that a case was taken on.
    pub(crate) async fn write_raised(
        &self,
        tx: &mut Tx,
        m: &Matter,
        by: Option<AccountId>,
    ) -> Result<()> {
        let mut facts = vec![self.fact(tx, m, CASE, m.raised_on, by).await?];
        facts.extend(self.area_of(m, &facts[0]));
        self.ledger.append(tx, &facts).await
    }

    /// The fact about the field of work, beside the one of the case.
    pub(crate) fn area_of(&self, m: &Matter, case: &Fact) -> Option<Fact> {
        (!m.area.is_empty()).then(|| Fact {
            id: self.env.new_id(),
            kind: AREA.to_owned(),
            role: Some(m.area.clone()),
            ..case.clone()
        })
    }

    /// Writes what those concerned said today; what they said before is taken back.
    pub(crate) async fn write_evaluated(
        &self,
        tx: &mut Tx,
        m: &Matter,
        kind: &Kind,
        by: Option<AccountId>,
    ) -> Result<()> {
        self.take_back(tx, m, &[ASKED, PRAISED], by).await?;
        let day = match m.declared {
            true => m.closed_on.unwrap_or_else(|| self.env.today()),
            false => self.env.today(),
        };
        let mut facts = Vec::new();
        for field in kind.asked().filter(|f| f.kind == FieldType::YesNo) {
            let Some(value) = m.values.get(&field.code) else {
                continue;
            };
            let praised = value == "yes";
            for what in [Some(ASKED), praised.then_some(PRAISED)]
                .into_iter()
                .flatten()
            {
                let mut fact = self.fact(tx, m, what, day, by).await?;
                fact.role = Some(field.code.clone());
                facts.push(fact);
            }
        }
        match facts.is_empty() {
            true => Ok(()),
            false => self.ledger.append(tx, &facts).await,
        }
    }

    /// Writes how a case was closed. What turned out to be none, or the same as another, does not count as a case.
    pub(crate) async fn write_ended(
        &self,
        tx: &mut Tx,
        m: &Matter,
        end: End,
        by: Option<AccountId>,
    ) -> Result<()> {
        let day = m.closed_on.unwrap_or_else(|| self.env.today());
        if matches!(end, End::Duplicate | End::Rejected) {
            return self.take_back(tx, m, &[CASE, AREA], by).await;
        }
        let mut closed = self.fact(tx, m, CLOSED, day, by).await?;
        closed.role = Some(end.code().to_owned());
        let mut facts = vec![closed];
        if end == End::Solved {
            facts.push(self.fact(tx, m, ACCEPTED, day, by).await?);
            if day <= m.until {
                facts.push(self.fact(tx, m, ON_TIME, day, by).await?);
            }
        }
        self.ledger.append(tx, &facts).await
    }

    /// Takes back that a case was closed: it was opened again. Where somebody looked back, it did not hold.
    pub(crate) async fn take_back_end(
        &self,
        tx: &mut Tx,
        m: &Matter,
        by: Option<AccountId>,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, m.id).await?;
        let was_solved = standing.iter().any(|f| f.kind == ACCEPTED);
        // That it did not hold an earlier time stays true.
        let ids: Vec<FactId> = standing
            .iter()
            .filter(|f| match f.kind.as_str() {
                CLOSED | ACCEPTED | ON_TIME | ASKED | PRAISED => true,
                HELD => f.role.as_deref() == Some("held"),
                _ => false,
            })
            .map(|f| f.id)
            .collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, by).await?;
        }
        match was_solved {
            true => self.write_held(tx, m, false, by).await,
            false => Ok(()),
        }
    }

    async fn take_back(
        &self,
        tx: &mut Tx,
        m: &Matter,
        kinds: &[&str],
        by: Option<AccountId>,
    ) -> Result<()> {
        let standing = self.ledger.standing(tx, m.id).await?;
        let these = standing.iter().filter(|f| kinds.contains(&f.kind.as_str()));
        let ids: Vec<FactId> = these.map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, by).await?;
        }
        Ok(())
    }

    /// Writes what a look back found.
    pub(crate) async fn write_held(
        &self,
        tx: &mut Tx,
        m: &Matter,
        held: bool,
        by: Option<AccountId>,
    ) -> Result<()> {
        let mut fact = self.fact(tx, m, HELD, self.env.today(), by).await?;
        fact.role = Some(if held { "held" } else { "relapsed" }.to_owned());
        self.ledger.append(tx, &[fact]).await
    }
}
