//! What all acts on tasks share.

use std::collections::HashMap;
use std::sync::Arc;

use commons::findings::Intake;
use db::{Db, Tx};
use desk::Attachments;
use identity::{Actor, Held, Identity};
use kernel::{Calendar, Date, Env, Error, Msg, PersonId, Result, Scope, UnitId};
use ledger::{Ledger, PlaceId, Sources};
use notices::{Notice, Notices, Reader};
use organization::{Organization, finding};
use serde_json::json;

use crate::kind::TaskWords;
use crate::store;

/// Tasks; cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) words: Arc<TaskWords>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) attachments: Attachments,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) sources: Sources,
    pub(crate) origin: web::Origin,
}

impl Tasks {
    /// Tasks in a database.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        (words, calendar): (TaskWords, Calendar),
        attachments: Attachments,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            notices,
            words: words.into(),
            calendar: calendar.into(),
            attachments,
            intake: None,
            sources: Sources::default(),
            origin: web::Origin::default(),
        }
    }

    /// The same, in which a gap can be raised as a case.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// The same, which knows what stands behind facts.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The same, which writes this address on slips.
    pub fn with_origin(mut self, origin: web::Origin) -> Self {
        self.origin = origin;
        self
    }

    /// What the packs say of tasks.
    pub fn words(&self) -> &TaskWords {
        &self.words
    }

    /// The first day of the present month.
    pub(crate) fn month(&self) -> Date {
        self.env.today().first_of_month()
    }

    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        object: (&'static str, kernel::Id),
        act: &str,
    ) -> Result<()> {
        let entry = actor.audit(action, object, json!({ "act": act }));
        identity::record(tx, &self.env, &entry).await
    }

    /// Those who hold a permission on a unit, or on the nearest above it where somebody does.
    pub(crate) async fn holders(
        &self,
        tx: &mut Tx,
        permission: &'static str,
        unit: UnitId,
        known: &mut HashMap<(UnitId, &'static str), Vec<PersonId>>,
    ) -> Result<Vec<PersonId>> {
        let path = finding::paths(tx, &[unit]).await?.remove(&unit);
        for at in path.unwrap_or_default().into_iter().rev() {
            let people = match known.get(&(at, permission)) {
                Some(people) => people.clone(),
                None => {
                    let held = Held::Permission(permission);
                    let people = Identity::holders(tx, held, at, self.env.today()).await?;
                    known.insert((at, permission), people.clone());
                    people
                }
            };
            if !people.is_empty() {
                return Ok(people);
            }
        }
        Ok(Vec::new())
    }

    /// Tells people of something of tasks, each of them once for the same thing.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        people: &[PersonId],
        message: Msg,
        href: String,
        (id, once): (kernel::Id, &str),
    ) -> Result<()> {
        let to: Vec<Reader> = people.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message,
            href,
            about: ("task", id.to_string()),
            dedupe: Some(format!("task-{id}-{once}")),
            confidential: false,
        };
        self.notices.send(tx, &to, &notice).await
    }

    /// The places of units on a day, for facts; one that has ended counts where it stood on another day.
    pub(crate) async fn places(
        &self,
        tx: &mut Tx,
        wanted: &[(UnitId, Date)],
        before: Date,
    ) -> Result<HashMap<UnitId, PlaceId>> {
        let mut paths = self.organization.paths_on(tx, wanted).await?;
        let gone: Vec<_> = wanted
            .iter()
            .filter(|w| !paths.contains_key(w))
            .map(|(u, _)| (*u, before))
            .collect();
        paths.extend(self.organization.paths_on(tx, &gone).await?);
        let mut places = HashMap::new();
        for ((unit, _), path) in paths {
            places.insert(unit, self.ledger.place(tx, &path).await?);
        }
        if wanted.iter().any(|(unit, _)| !places.contains_key(unit)) {
            return Err(Error::NotFound);
        }
        Ok(places)
    }

    /// One person by staff number, within a scope; empty: nobody; `=`: who it was.
    pub(crate) async fn person(
        &self,
        field: &str,
        text: &str,
        before: Option<PersonId>,
        scope: &Scope,
    ) -> Result<Option<PersonId>> {
        match (text.trim(), before) {
            ("=", Some(before)) => Ok(Some(before)),
            _ => self.organization.person_picked(field, text, scope).await,
        }
    }

    /// Whether a scope reaches a unit, in a transaction.
    pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
        store::within(tx, scope, unit).await
    }
}
