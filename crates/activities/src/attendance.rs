//! Single attendances that arrive one by one (a late-comer, another system): group-committed. All that
//! they need is read and checked once for those that arrive together, in the transaction that writes them.

use std::collections::{HashMap, HashSet};

use db::{BatchWriter, Tx};
use futures::future::BoxFuture;
use kernel::{
    AccountId, ActivityId, Date, Env, Error, FactId, Msg, PersonId, Result, Scope, UnitId,
};
use ledger::Ledger;
use organization::Organization;

use crate::{Activities, Activity, ActivityKinds, Part, Role, store};

/// One attendance as it was asked for.
#[derive(Debug, Clone)]
pub struct Late {
    activity: ActivityId,
    person: PersonId,
    role: Role,
    scope: Scope,
    fact: FactId,
    at: kernel::Timestamp,
    by: AccountId,
}

/// Writes attendances that arrive together in one transaction.
pub struct LateWriter {
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) env: Env,
    pub(crate) kinds: std::sync::Arc<ActivityKinds>,
}

/// What the checks of a batch look at.
struct Known {
    activities: HashMap<ActivityId, Activity>,
    units: HashMap<(PersonId, Date), UnitId>,
    /// Chains of units on the days of the activities and, for the scopes, today.
    paths: HashMap<(UnitId, Date), Vec<UnitId>>,
    today: Date,
}

impl Known {
    async fn read(
        organization: &Organization,
        tx: &mut Tx,
        items: &[Late],
        today: Date,
    ) -> Result<Self> {
        let mut ids: Vec<ActivityId> = items.iter().map(|i| i.activity).collect();
        ids.sort_unstable();
        ids.dedup();
        let activities = store::hold(tx, &ids).await?;
        let wanted: Vec<(PersonId, Date)> = items
            .iter()
            .filter_map(|i| Some((i.person, activities.get(&i.activity)?.date)))
            .collect();
        let units = Organization::units_on(tx, &wanted).await?;
        let hosts = activities.values().map(|a| (a.host, a.date));
        let own = units.iter().map(|((_, date), unit)| (*unit, *date));
        let chains: Vec<(UnitId, Date)> = hosts
            .chain(own)
            .flat_map(|(unit, date)| [(unit, date), (unit, today)])
            .collect();
        Ok(Self {
            paths: organization.paths_on(tx, &chains).await?,
            activities,
            units,
            today,
        })
    }

    /// The chain of units that scopes look at: today's.
    fn path(&self, unit: UnitId) -> &[UnitId] {
        let path = self.paths.get(&(unit, self.today));
        path.map_or(&[], Vec::as_slice)
    }

    /// The activity and the line that an item adds, if it may.
    fn check(&self, item: &Late) -> Result<(&Activity, Part)> {
        let activity = self
            .activities
            .get(&item.activity)
            .filter(|a| a.pair.is_none() && item.scope.reaches(self.path(a.host)))
            .ok_or(Error::NotFound)?;
        let Some(unit) = self.units.get(&(item.person, activity.date)) else {
            let date = kernel::format_date(activity.date);
            return Err(Error::field(
                "person",
                Msg::new("roster-person-unknown").with("date", date),
            ));
        };
        // A roster holds one's own people; whoever comes from elsewhere is an observer.
        if item.role != Role::Observer && !item.scope.reaches(self.path(*unit)) {
            return Err(Error::NotFound);
        }
        if activity.reversed_at.is_some() {
            return Err(Error::Conflict(Msg::new("activity-reversed")));
        }
        let part = Part {
            person: item.person,
            unit: *unit,
            role: item.role,
            minutes: None,
        };
        Ok((activity, part))
    }
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
            let today = self.env.today();
            let known = Known::read(&self.organization, tx, items, today).await?;
            let checked: Vec<Result<(&Activity, Part)>> =
                items.iter().map(|item| known.check(item)).collect();
            // One statement must not name a line twice; of two alike the first counts.
            let mut seen = HashSet::new();
            let lines: Vec<_> = items
                .iter()
                .zip(&checked)
                .filter_map(|(item, checked)| {
                    let (activity, part) = checked.as_ref().ok()?;
                    seen.insert((activity.id, part.person))
                        .then(|| (activity.id, part.clone(), item.fact))
                })
                .collect();
            let mut added: HashSet<_> =
                store::insert_parts(tx, &lines).await?.into_iter().collect();
            let old: Vec<_> = lines
                .iter()
                .map(|(activity, part, _)| (*activity, part.person))
                .filter(|line| !added.contains(line))
                .collect();
            let mut roles = store::roles(tx, &old).await?;

            let mut places = HashMap::new();
            for (activity, part) in checked.iter().flatten() {
                for key in [(activity.host, activity.date), (part.unit, activity.date)] {
                    let path = known.paths.get(&key).ok_or(Error::NotFound)?;
                    places.insert(key, self.ledger.place(tx, path).await?);
                }
            }
            let mut facts = Vec::new();
            let mut changed = Vec::new();
            let mut answers = Vec::with_capacity(items.len());
            for (item, checked) in items.iter().zip(checked) {
                answers.push(checked.and_then(|(activity, part)| {
                    let line = (activity.id, part.person);
                    if !added.remove(&line) {
                        return if roles.get(&line) == Some(&part.role) {
                            Ok(false)
                        } else {
                            Err(Error::Conflict(Msg::new("already-on-roster")))
                        };
                    }
                    roles.insert(line, part.role);
                    changed.push((activity.id, item.by, None));
                    let date = activity.date;
                    let (host, unit) = (places[&(activity.host, date)], places[&(part.unit, date)]);
                    let mut f = activity.attendance(item.fact, host, unit, &part);
                    (f.recorded_at, f.recorded_by) = (item.at, Some(item.by));
                    let kind = self.kinds.get(&activity.kind);
                    f.late |= kind.is_some_and(|k| k.is_late(date, today));
                    "api".clone_into(&mut f.source);
                    facts.push(f);
                    Ok(true)
                }));
            }
            self.ledger.append(tx, &facts).await?;
            changed.sort_unstable_by_key(|(id, ..)| *id);
            changed.dedup_by_key(|(id, ..)| *id);
            store::confirmation::change(tx, &changed, &self.env).await?;
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
        let item = Late {
            activity: id,
            person,
            role,
            scope: scope.clone(),
            fact: self.env.new_id(),
            at: self.env.now(),
            by,
        };
        self.late.submit(item).await
    }
}
