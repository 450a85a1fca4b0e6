//! Single attendances that arrive one by one (a late-comer, another system): group-committed.

use std::collections::{HashMap, HashSet};

use db::{BatchWriter, Tx};
use futures::future::BoxFuture;
use kernel::{AccountId, ActivityId, Error, FactId, Msg, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use organization::Organization;

use crate::{Activities, Activity, Part, Role, store};

/// One attendance, checked and ready to be written.
#[derive(Debug, Clone)]
pub struct Late {
    activity: Activity,
    part: Part,
    fact: FactId,
    late: bool,
    at: kernel::Timestamp,
    by: AccountId,
}

/// Writes attendances that arrive together in one transaction.
pub struct LateWriter {
    pub(crate) ledger: Ledger,
}

impl BatchWriter for LateWriter {
    type Item = Late;
    /// Whether it was new; false when the person already had that part.
    type Ack = bool;

    fn write<'a>(
        &'a self,
        tx: &'a mut Tx,
        items: &'a [Late],
    ) -> BoxFuture<'a, Result<Vec<Result<bool>>>> {
        Box::pin(async move {
            let mut ids: Vec<ActivityId> = items.iter().map(|i| i.activity.id).collect();
            ids.sort_unstable();
            ids.dedup();
            let standing: HashSet<_> = store::hold_standing(tx, &ids).await?.into_iter().collect();
            // One statement must not name a line twice; of two alike the first counts.
            let mut seen = HashSet::new();
            let lines: Vec<_> = items
                .iter()
                .filter(|i| {
                    standing.contains(&i.activity.id) && seen.insert((i.activity.id, i.part.person))
                })
                .map(|i| (i.activity.id, i.part.clone(), i.fact))
                .collect();
            let mut added: HashSet<_> =
                store::insert_parts(tx, &lines).await?.into_iter().collect();

            let mut units: Vec<UnitId> = items
                .iter()
                .flat_map(|i| [i.part.unit, i.activity.host])
                .collect();
            units.sort_unstable();
            units.dedup();
            let paths = Organization::paths_in(tx, &units).await?;
            let mut places = HashMap::new();
            for unit in units {
                let path = paths.get(&unit).ok_or(Error::NotFound)?;
                places.insert(unit, self.ledger.place(tx, path).await?);
            }
            let mut facts = Vec::new();
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                let key = (item.activity.id, item.part.person);
                answers.push(if added.remove(&key) {
                    let host = places[&item.activity.host];
                    let mut f = item.activity.attendance(
                        item.fact,
                        host,
                        places[&item.part.unit],
                        &item.part,
                    );
                    (f.recorded_at, f.recorded_by) = (item.at, Some(item.by));
                    f.late |= item.late;
                    "api".clone_into(&mut f.source);
                    facts.push(f);
                    Ok(true)
                } else if standing.contains(&item.activity.id) {
                    Ok(false)
                } else {
                    Err(Error::Conflict(Msg::new("activity-reversed")))
                });
            }
            self.ledger.append(tx, &facts).await?;
            Ok(answers)
        })
    }
}

impl Activities {
    /// Adds one person's attendance to a recorded activity; acknowledged when it is on disk. Sent again
    /// it changes nothing and says `false`.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when the person belonged nowhere on that day; `Conflict` when the activity was
    /// taken back or the person already has another part; `Busy` under flood.
    pub async fn attend(
        &self,
        id: ActivityId,
        person: PersonId,
        role: Role,
        scope: &Scope,
        by: AccountId,
    ) -> Result<bool> {
        self.ledger.admit()?;
        let activity = store::activity(&mut self.db.read().await?, id, scope).await?;
        let Some(unit) = self.organization.unit_of(person, activity.date).await? else {
            let date = kernel::format_date(activity.date);
            return Err(Error::field(
                "person",
                Msg::new("roster-person-unknown").with("date", date),
            ));
        };
        if role != Role::Observer && !self.organization.reaches(scope, unit).await? {
            return Err(Error::NotFound);
        }
        let kind = self.kinds.get(&activity.kind);
        let item = Late {
            late: kind.is_some_and(|k| self.is_late(k, activity.date)),
            part: Part { person, unit, role },
            fact: self.env.new_id(),
            at: self.env.now(),
            by,
            activity,
        };
        let added = self.late.submit(item).await?;
        if !added {
            let parts = store::parts(&mut self.db.read().await?, id).await?;
            let known = parts
                .iter()
                .find(|(p, _)| p.person == person)
                .map(|(p, _)| p.role);
            if known != Some(role) {
                return Err(Error::Conflict(Msg::new("already-on-roster")));
            }
        }
        Ok(added)
    }
}
