//! Publishing an import: written as a batch that nobody sees, shown at once.

use db::transaction;
use kernel::{Error, Id, Msg, PersonId, Result, Scope};
use serde_json::json;

use super::TiesPlan;
use super::record::{Import, State};
use super::staged::{Found, Imports};
use crate::model::{Assignment, Person};
use crate::store;
use crate::trail::By;

impl Imports {
    /// Publishes what was checked, for whoever waits.
    ///
    /// # Errors
    /// `Conflict` when units or people changed so that it would do something else than was said.
    pub async fn publish_checked(&self, id: Id, scope: &Scope, by: impl Into<By>) -> Result<()> {
        self.take(id, &[State::Ready], State::Publishing).await?;
        self.publish(id, scope, by).await
    }

    /// Publishes an import that was taken for it.
    pub(crate) async fn publish(&self, id: Id, scope: &Scope, by: impl Into<By>) -> Result<()> {
        let by = by.into();
        let done = self.published(id, scope, &by).await;
        match &done {
            Ok(()) => {
                // What is left of the staging does nobody harm; the sweep tries again.
                let left = async {
                    self.drop_staged(id).await?;
                    self.drop_files(id).await
                };
                if let Err(error) = left.await {
                    tracing::warn!(%error, "rows or files of an import stay for now");
                }
            }
            Err(error) => self.fail(id, State::Publishing, error).await,
        }
        done
    }

    async fn published(&self, id: Id, scope: &Scope, by: &By) -> Result<()> {
        let found = store::import_by_id(&mut self.org.db.read().await?, id).await?;
        let import = found.ok_or(Error::NotFound)?;
        if import.summary.faults > 0 || import.summary.twins > 0 {
            return Err(Error::Conflict(Msg::new("organization-import-not-ready")));
        }
        let now = self.env().now();
        let (batch, _) = match transaction!(self.org.db, |tx| store::begin_batch(tx, now).await) {
            Ok(begun) => begun,
            Err(error) => {
                // Another import is being published: this one stays as it was checked.
                let mut summary = import.summary.clone();
                summary.note = Some((&Msg::new("organization-import-busy")).into());
                transaction!(self.org.db, |tx| {
                    store::end_import(tx, id, State::Publishing, State::Ready, &summary, now).await
                })?;
                return Err(error);
            }
        };
        let written = self.write(&import, batch, scope, by).await;
        if written.is_err() {
            transaction!(self.org.db, |tx| store::give_up_batch(tx, batch).await)?;
        }
        written
    }

    /// Writes the batch unseen, then shows it.
    async fn write(&self, import: &Import, batch: i64, scope: &Scope, by: &By) -> Result<()> {
        let (id, heads, db) = (import.id, import.heads(), &self.org.db);
        let changed = || Error::Conflict(Msg::new("organization-changed-meanwhile"));
        let mut found = Found::default();
        let (before, units) = self.units(import, &heads, scope, &mut found).await?;
        units.changes.iter().for_each(|c| found.change(c));
        let decisions = store::decisions(&mut db.read().await?, id).await?;
        let mut known: Vec<Person> = Vec::new();
        let mut moved: Vec<(PersonId, Assignment)> = Vec::new();
        let mut traits = Vec::new();
        let mut numbers: Vec<(PersonId, String)> = Vec::new();
        let (mut after, mut done, mut people) = (None, 0, 0);
        while let Some(chunk) = self
            .chunk(
                (import, &heads),
                &units.ground,
                &decisions,
                after.as_deref(),
                &mut found.stated,
            )
            .await?
        {
            if !chunk.errors.is_empty() {
                return Err(changed());
            }
            let plan = chunk.plan;
            plan.changes.iter().for_each(|c| found.change(c));
            found.waiting.clear();
            done += chunk.read;
            people += plan.changes.len();
            let now = self.env().now();
            let (new_numbers, of_known): (Vec<_>, Vec<_>) = plan
                .numbers()
                .into_iter()
                .partition(|(person, _)| plan.is_new(*person));
            numbers.extend(of_known.into_iter().map(|(p, n)| (p, n.to_owned())));
            transaction!(db, |tx| {
                store::renew_batch(tx, batch, now).await?;
                store::put_unseen(tx, batch, &plan, now, by.account).await?;
                self.org.seal_numbers(tx, &new_numbers, by).await?;
                store::touch_import(tx, id, State::Publishing, done, 0, now).await
            })?;
            // What was there before changes in the step that shows the batch.
            known.extend(plan.people.iter().filter(|p| !plan.is_new(p.id)).cloned());
            let of_known = plan
                .assignments
                .iter()
                .filter(|(_, a)| plan.known.contains(&a.id));
            moved.extend(of_known.cloned());
            let of_known = plan.traits.iter().filter(|(p, ..)| !plan.is_new(*p));
            traits.extend(of_known.cloned());
            after = Some(chunk.last);
        }
        let (mut after, mut ties) = (None, TiesPlan::default());
        while let Some(some) = self
            .ties((import, &heads), &before, scope, after.as_deref())
            .await?
        {
            if !some.errors.is_empty() {
                return Err(changed());
            }
            some.plan.changes.iter().for_each(|c| found.change(c));
            found.waiting.clear();
            after = Some(some.last);
            ties.extend(some.plan);
        }
        if found.summary.faults > 0 || found.digest() != import.summary.digest {
            return Err(changed());
        }
        let numbers: Vec<(PersonId, &str)> = numbers.iter().map(|(p, n)| (*p, &**n)).collect();
        let detail = json!({ "changes": units.changes.len() + people, "people": people, "units": units.units.len(),
            "members": ties.members.len(), "pairings": ties.ties.len() });
        let now = self.env().now();
        transaction!(db, |tx| {
            store::show_batch(tx, batch).await?;
            self.org.put_units(tx, &before, &units).await?;
            store::put_people(tx, &known, &moved, now).await?;
            store::put_traits(tx, &traits, now, by.account).await?;
            self.org.seal_numbers(tx, &numbers, by).await?;
            store::put_ties(tx, &ties, now, by.account).await?;
            for head in heads.iter().filter(|h| h.kind.is_some()) {
                store::remember_columns(tx, &head.key(), &head.columns, now).await?;
            }
            let summary = &import.summary;
            store::end_import(tx, id, State::Publishing, State::Done, summary, now).await?;
            self.org
                .tell(
                    tx,
                    by,
                    "people.imported",
                    ("organization", ""),
                    detail.clone(),
                )
                .await
        })
    }
}

#[cfg(test)]
mod tests {
    use kernel::Date;
    use testkit::{TestDb, on_both};

    use super::*;
    use crate::import::PeoplePlan;
    use crate::{NewUnit, Organization, RosterQuery};

    fn new_unit(code: &str, parent: Option<kernel::UnitId>) -> NewUnit {
        NewUnit {
            parent,
            code: code.to_owned(),
            name: code.to_owned(),
            category: String::new(),
            from: Date::constant(2026, 1, 1),
        }
    }

    /// A batch with one new person in a unit, written and not shown.
    async fn unseen(t: &TestDb, org: &Organization) -> (i64, kernel::UnitId, PersonId) {
        let unit = new_unit("u", None);
        let unit = org.add_unit(unit, "", None, &Scope::All).await.unwrap();
        let person = Person {
            id: t.env.new_id(),
            staff_no: "1".into(),
            name: "甲".into(),
        };
        let assignment = Assignment {
            id: t.env.new_id(),
            unit,
            post: String::new(),
            from: Date::constant(2026, 1, 1),
            to: None,
            primary: true,
            nature: Default::default(),
        };
        let id = person.id;
        let plan = PeoplePlan {
            people: vec![person],
            assignments: vec![(id, assignment)],
            traits: vec![(
                id,
                "class".into(),
                Date::constant(2026, 1, 1),
                "judge".into(),
            )],
            ..PeoplePlan::default()
        };
        let now = t.env.now();
        let begun: Result<i64> = transaction!(t.db, |tx| {
            let (batch, _) = store::begin_batch(tx, now).await?;
            store::put_unseen(tx, batch, &plan, now, None).await?;
            Ok(batch)
        });
        (begun.unwrap(), unit, id)
    }

    async fn people(org: &Organization, unit: kernel::UnitId) -> i64 {
        let query = RosterQuery::new(unit, org.env.today(), true);
        let (total, rows) = org
            .roster_page(&query, &Scope::All, web::table::Window::new(1, 50))
            .await
            .unwrap();
        assert_eq!(total, rows.len() as i64);
        assert_eq!(org.headcount(unit, org.env.today()).await.unwrap(), total);
        total
    }

    #[tokio::test]
    async fn a_batch_is_seen_whole_or_not_at_all() {
        on_both(crate::MIGRATIONS, |t| async move {
            let org = Organization::new(t.db.clone(), t.env.clone());
            let (batch, unit, _) = unseen(&t, &org).await;
            assert_eq!(people(&org, unit).await, 0);
            let meanwhile = org
                .add_unit(new_unit("v", Some(unit)), "", None, &Scope::All)
                .await;
            assert!(
                matches!(meanwhile, Err(Error::Busy { .. })),
                "{meanwhile:?}"
            );
            let shown: Result<()> = transaction!(t.db, |tx| store::show_batch(tx, batch).await);
            shown.unwrap();
            assert_eq!(people(&org, unit).await, 1);
            let again: Result<()> = transaction!(t.db, |tx| store::show_batch(tx, batch).await);
            assert!(again.is_err(), "once");
            let later = org
                .add_unit(new_unit("v", Some(unit)), "", None, &Scope::All)
                .await;
            later.unwrap();
            assert_eq!(people(&org, unit).await, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_batch_that_is_given_up_leaves_nothing() {
        on_both(crate::MIGRATIONS, |t| async move {
            let org = Organization::new(t.db.clone(), t.env.clone());
            let (batch, unit, person) = unseen(&t, &org).await;
            // The node that wrote it is gone; after a minute others go on.
            t.clock.advance(61);
            org.add_unit(new_unit("v", Some(unit)), "", None, &Scope::All)
                .await
                .unwrap();
            let late: Result<()> = transaction!(t.db, |tx| store::show_batch(tx, batch).await);
            assert!(late.is_err(), "what was taken away is not shown");
            let now = t.env.now();
            let late: Result<()> =
                transaction!(t.db, |tx| store::renew_batch(tx, batch, now).await);
            assert!(late.is_err());
            assert_eq!(people(&org, unit).await, 0);
            let card = org.person(person, &Scope::All).await;
            assert!(matches!(card, Err(Error::NotFound)));
        })
        .await;
    }
}
