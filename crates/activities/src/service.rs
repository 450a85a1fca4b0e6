//! Recording, correcting and taking back activities.

use std::sync::Arc;

use commons::findings::Intake;
use commons::packs::levels::Levels;
use db::{Db, GroupCommit, Tx};
use identity::Actor;
use kernel::{AccountId, ActivityId, Env, Error, FactId, Id, Msg, PersonId, Result};
use ledger::{Fact, Ledger};
use notices::Notices;
use organization::Organization;
use serde_json::json;
use web::table::Order;

use crate::attendance::LateWriter;
use crate::door::Memory;
use crate::door::writer::DoorWriter;
use crate::evidence::Keeper;
use crate::store::{self, Filter};
use crate::{Activity, ActivityKinds, Part, Role, View};

/// The feature; cheap to clone.
#[derive(Clone)]
pub struct Activities {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) kinds: Arc<ActivityKinds>,
    pub(crate) late: GroupCommit<LateWriter>,
    pub(crate) notices: Option<Notices>,
    pub(crate) requests: Option<requests::Requests>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) levels: Arc<Levels>,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) address: web::Origin,
    pub(crate) coming: GroupCommit<DoorWriter>,
    pub(crate) doors: Arc<Memory>,
}

impl Activities {
    /// The feature on a database; starts the group-commit writer of single attendances, so it must be
    /// called inside the runtime.
    pub fn new(
        db: Db,
        env: Env,
        ledger: Ledger,
        organization: Organization,
        kinds: ActivityKinds,
    ) -> Self {
        let kinds = Arc::new(kinds);
        let writer = Arc::new(LateWriter {
            ledger: ledger.clone(),
            organization: organization.clone(),
            env: env.clone(),
            kinds: kinds.clone(),
        });
        let late = GroupCommit::start(db.clone(), writer, 4_096, 512);
        let coming = GroupCommit::start(db.clone(), Arc::new(DoorWriter), 8_192, 512);
        Self {
            db,
            env,
            ledger,
            organization,
            kinds,
            late,
            notices: None,
            requests: None,
            intake: None,
            levels: Arc::default(),
            keeper: None,
            address: web::Origin::default(),
            coming,
            doors: Arc::default(),
        }
    }

    /// The same, whose records may have these levels of secrecy.
    pub fn with_levels(mut self, levels: Levels) -> Self {
        self.levels = Arc::new(levels);
        self
    }

    /// The same, reached at this address (empty: the one that was asked), by https or not.
    pub fn with_address(mut self, url: &str, secure: bool) -> Self {
        self.address = web::Origin::new(url, secure);
        self
    }

    /// The address of this server in what a phone reads.
    pub(crate) fn origin(&self, headers: &axum::http::HeaderMap) -> String {
        self.address.of(headers)
    }

    /// The same, in which whoever recorded something hears that it was returned.
    pub fn with_notices(mut self, notices: Notices) -> Self {
        self.notices = Some(notices);
        self
    }

    /// Corrects one person's part: the old fact is reversed, a new one stands in its place.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the activity was taken back or the line changed meanwhile.
    pub async fn correct(
        &self,
        id: ActivityId,
        person: PersonId,
        role: Role,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        db::transaction!(self.db, |tx| {
            let activity = store::activity(tx, id, &view).await?;
            let held = store::hold(tx, &[id]).await?;
            if held.values().all(|a| a.reversed_at.is_some()) {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let parts = store::parts(tx, id).await?;
            let Some((part, old)) = parts.into_iter().find(|(p, _)| p.person == person) else {
                return Err(Error::NotFound);
            };
            if part.role == role {
                return Ok(());
            }
            if role.studied() && store::leave::made_up(tx, id, person).await? {
                return Err(Error::Conflict(Msg::new("makeup-there")));
            }
            let reversed = self.ledger.reverse(tx, &[old], Some(by)).await?;
            let (Some(host), Some(unit)) = (
                reversed.first().map(|f| f.host),
                reversed.first().and_then(|f| f.unit),
            ) else {
                return Err(Error::internal("an attendance without its places"));
            };
            let new: FactId = self.env.new_id_above(old.0);
            let mut fact = activity.attendance(
                new,
                host,
                unit,
                &Part {
                    role,
                    ..part.clone()
                },
            );
            (fact.recorded_at, fact.recorded_by) = (self.env.now(), Some(by));
            let kind = self.kinds.get(&activity.kind);
            fact.late |= kind.is_some_and(|k| k.is_late(activity.date, self.env.today()));
            if !store::change_part(tx, id, person, old, role, new).await? {
                return Err(Error::Conflict(Msg::new("changed-meanwhile")));
            }
            self.ledger.append(tx, &[fact]).await?;
            self.changed(tx, &[(id, by, actor.on_behalf)]).await?;
            let detail = json!({ "person": person, "from": part.role, "to": role });
            self.audit(tx, &actor, "activity.corrected", id, detail)
                .await
        })
    }

    /// Takes a whole activity back (冲正): every standing fact of it is reversed, with a reason.
    ///
    /// # Errors
    /// `Invalid` without a reason; `NotFound`; `Conflict` when it was taken back before.
    pub async fn reverse(
        &self,
        id: ActivityId,
        reason: &str,
        view: impl Into<View>,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let (actor, by) = who(actor)?;
        let view = view.into().by(by);
        let reason = reason.trim();
        if reason.chars().count() < 2 || reason.chars().count() > 200 {
            return Err(Error::field("reason", Msg::new("reversal-reason-missing")));
        }
        db::transaction!(self.db, |tx| {
            let activity = store::activity(tx, id, &view).await?;
            store::take_turn(tx, activity.host).await?;
            if !store::reverse(tx, id, self.env.now(), by, reason).await? {
                return Err(Error::Conflict(Msg::new("activity-reversed")));
            }
            let facts: Vec<FactId> = self
                .ledger
                .standing(tx, id.0)
                .await?
                .iter()
                .map(|f| f.id)
                .collect();
            self.ledger.reverse(tx, &facts, Some(by)).await?;
            store::plans::reopen(tx, id, self.env.now()).await?;
            self.withdraw_all(tx, id, reason, &actor).await?;
            if let Some(at) = activity.session {
                self.leave_series(tx, &activity, at, by).await?;
            }
            self.audit(
                tx,
                &actor,
                "activity.reversed",
                id,
                json!({ "facts": facts.len() }),
            )
            .await
        })
    }

    /// What was done is in the audit trail by the same transaction.
    pub(crate) async fn audit(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: &'static str,
        id: ActivityId,
        detail: serde_json::Value,
    ) -> Result<()> {
        identity::record(
            tx,
            &self.env,
            &actor.audit(action, ("activity", id), detail),
        )
        .await
    }

    /// An activity with its roster.
    pub async fn activity(
        &self,
        id: ActivityId,
        view: impl Into<View>,
    ) -> Result<(Activity, Vec<Part>)> {
        let mut tx = self.db.read().await?;
        let activity = store::activity(&mut tx, id, &view.into()).await?;
        let parts = store::parts(&mut tx, id).await?;
        Ok((activity, parts.into_iter().map(|(p, _)| p).collect()))
    }

    /// A page of activities, newest first, each with present and expected, and how many there are.
    pub(crate) async fn list(
        &self,
        view: impl Into<View>,
        filter: &Filter,
        order: Order,
        page: i64,
        size: i64,
    ) -> Result<(Vec<(Activity, i64, i64)>, i64)> {
        let view = view.into();
        if let Some(unit) = filter.under {
            self.organization.unit(unit, &view.scope).await?;
        }
        let offset = (page - 1).saturating_mul(size);
        let mut tx = self.db.read().await?;
        let total = store::count(&mut tx, &view, filter).await?;
        let rows = store::list(&mut tx, &view, filter, order, size, offset).await?;
        Ok((rows, total))
    }
}

impl Activity {
    pub(crate) fn fact(&self, id: FactId, kind: &str, host: ledger::PlaceId) -> Fact {
        let mut f = Fact::new(
            id,
            kind,
            host,
            self.date,
            Id::from(self.id),
            "roster",
            self.recorded_at,
        );
        f.category = Some(self.kind.clone());
        (f.starts, f.ends, f.minutes) = (Some(self.starts), Some(self.ends), Some(self.minutes));
        (f.recorded_by, f.late) = (Some(self.recorded_by), self.late);
        f.body = self.body;
        f
    }

    pub(crate) fn attendance(
        &self,
        id: FactId,
        host: ledger::PlaceId,
        unit: ledger::PlaceId,
        part: &Part,
    ) -> Fact {
        let mut f = self.fact(id, "attendance", host);
        (f.person, f.unit, f.role) = (
            Some(part.person),
            Some(unit),
            Some(part.role.code().to_owned()),
        );
        let minutes = part.minutes.unwrap_or(self.minutes);
        f.minutes = Some(if part.role.studied() { minutes } else { 0 });
        f
    }
}

/// Who acts; the program itself records nothing.
pub(crate) fn who(actor: impl Into<Actor>) -> Result<(Actor, AccountId)> {
    let actor = actor.into();
    let account = actor.account.ok_or(Error::Forbidden)?;
    Ok((actor, account))
}
