//! Entries: written down, handed down to lower units and people, changed, taken out, carried over, corrected.

use identity::Actor;
use kernel::{Error, Id, Msg, Result};

use crate::model::{
    Content, ENTRIES, Entry, EntryState, Eyes, Plan, PlanState, conflict, moved_on, reason_of, tidy,
};
use crate::service::Tasks;
use crate::store::{self, Event, entries};

/// An entry with what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) entry: Entry,
    pub(crate) plan: Plan,
    pub(crate) parent: Option<Entry>,
    pub(crate) parts: Vec<Entry>,
    pub(crate) carried_from: Option<Entry>,
    pub(crate) carried_to: Option<Entry>,
    pub(crate) reports: Vec<(crate::Report, crate::Line)>,
    pub(crate) events: Vec<Event>,
    /// Whether the reader may change it: plans for the unit of the plan, or hands it down further.
    pub(crate) may_plan: bool,
    pub(crate) may_part: bool,
    /// Plans into which it can be carried.
    pub(crate) later: Vec<Plan>,
}

impl Tasks {
    pub(crate) async fn check(
        &self,
        tx: &mut db::Tx,
        plan: &Plan,
        c: &Content,
        eyes: &Eyes,
    ) -> Result<()> {
        let owner = match c.owner.as_str() {
            "" => None,
            code => {
                let unknown = || Error::field("owner", Msg::new("tasks-owner-unknown"));
                Some(self.words.owner(code).ok_or_else(unknown)?)
            }
        };
        c.check(plan.year, plan.goals.len(), owner.is_some_and(|o| o.person))?;
        let reached = Self::within(tx, &eyes.plans, c.unit).await?
            || Self::within(tx, &eyes.reads, c.unit).await?;
        match reached {
            true => Ok(()),
            false => Err(Error::field("unit", Msg::new("tasks-unit-unknown"))),
        }
    }

    pub(crate) fn tidied(content: &Content) -> Content {
        let mut c = content.clone();
        c.text = tidy(&c.text);
        c.target = tidy(&c.target);
        c.milestones.sort_by_key(|m| m.month);
        c
    }

    /// Writes an entry down, of a plan or as a part of another entry; sent twice with the same id it is written once. Parts
    /// are also made by those who plan for the unit that has to do the entry, for units below it.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when the plan is waiting or closed, or the entry is ended; `Forbidden`, `NotFound`.
    pub async fn add(
        &self,
        (id, plan): (Id, Id),
        parent: Option<Id>,
        content: &Content,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        let content = Self::tidied(content);
        db::transaction!(self.db, |tx| {
            store::seen(tx, plan, eyes).await?;
            let mut plan = store::hold(tx, plan).await?.ok_or(Error::NotFound)?;
            if let Some(known) = entries::one(tx, id).await? {
                return match known.plan == plan.id {
                    true => Ok(id),
                    false => Err(Error::NotFound),
                };
            }
            let above = match parent {
                Some(parent) => {
                    let above = entries::seen(tx, parent, eyes).await?;
                    if above.plan != plan.id {
                        return Err(Error::NotFound);
                    }
                    Some(above)
                }
                None => None,
            };
            self.may_add(tx, &plan, above.as_ref(), &content, eyes)
                .await?;
            let reason = self.opened(&mut plan, reason)?;
            self.check(tx, &plan, &content, eyes).await?;
            let number = self.number(tx, &mut plan, above).await?;
            let entry = Entry {
                id,
                plan: plan.id,
                number,
                parent,
                carried_from: None,
                content: content.clone(),
                state: EntryState::Open,
                percent: 0,
                said: String::new(),
                reported: None,
                ended_on: None,
                parts: 0,
                year: plan.year,
                version: 0,
            };
            if !entries::insert(tx, &entry, self.env.now()).await? {
                return Err(Error::Retry("an entry came first".into()));
            }
            self.happened(tx, &mut plan, ("added", Some(id), &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor))
                .await?;
            self.tell_owners(tx, &plan, &entry).await?;
            Ok(id)
        })
    }

    /// The next number: of the plan, or of the entry that it is a part of.
    pub(crate) async fn number(
        &self,
        tx: &mut db::Tx,
        plan: &mut Plan,
        above: Option<Entry>,
    ) -> Result<String> {
        match above {
            Some(mut above) => {
                above.parts += 1;
                entries::save(tx, &mut above, self.env.now()).await?;
                Ok(format!("{}.{}", above.number, above.parts))
            }
            None if plan.numbered >= ENTRIES => Err(Error::Conflict(
                Msg::new("tasks-plan-full").with("most", ENTRIES),
            )),
            None => {
                plan.numbered += 1;
                Ok(plan.numbered.to_string())
            }
        }
    }

    async fn may_add(
        &self,
        tx: &mut db::Tx,
        plan: &Plan,
        above: Option<&Entry>,
        content: &Content,
        eyes: &Eyes,
    ) -> Result<()> {
        let plans = Self::within(tx, &eyes.plans, plan.unit).await?;
        let Some(above) = above else {
            return plans.then_some(()).ok_or(Error::Forbidden);
        };
        let hands_down = plan.state == PlanState::Issued
            && Self::within(tx, &eyes.plans, above.content.unit).await?;
        if !plans && !hands_down {
            return Err(Error::Forbidden);
        }
        if above.state != EntryState::Open {
            return Err(conflict("tasks-entry-ended"));
        }
        if above.depth() + 1 >= plan.kind.levels {
            let message = Msg::new("tasks-too-deep").with("levels", plan.kind.levels);
            return Err(Error::Conflict(message));
        }
        let path = organization::finding::paths(tx, &[content.unit]).await?;
        let below = path
            .get(&content.unit)
            .is_some_and(|p| p.contains(&above.content.unit));
        if !below {
            return Err(Error::field("unit", Msg::new("tasks-part-unit")));
        }
        if content.from < above.content.from || content.to > above.content.to {
            return Err(Error::field("to", Msg::new("tasks-part-months")));
        }
        Ok(())
    }

    pub(crate) async fn tell_owners(&self, tx: &mut db::Tx, plan: &Plan, e: &Entry) -> Result<()> {
        if plan.state != PlanState::Issued {
            return Ok(());
        }
        let people: Vec<_> = [e.content.person, e.content.leader]
            .into_iter()
            .flatten()
            .collect();
        let message = Msg::new("tasks-notice-entry")
            .with("number", e.call())
            .with("text", &e.content.text);
        let once = format!("entry-{}", e.version);
        self.tell(tx, &people, message, e.href(), (e.id, &once))
            .await
    }

    /// Takes an entry that somebody may change: who plans for the unit of its plan; a part also who plans for the unit of
    /// the entry above it.
    async fn held(&self, tx: &mut db::Tx, id: Id, seen: i64, eyes: &Eyes) -> Result<(Plan, Entry)> {
        let plan = entries::seen(tx, id, eyes).await?.plan;
        let plan = store::hold(tx, plan).await?.ok_or(Error::NotFound)?;
        let entry = entries::one(tx, id).await?.ok_or(Error::NotFound)?;
        let mut may = Self::within(tx, &eyes.plans, plan.unit).await?;
        if let (false, Some(parent)) = (may, entry.parent) {
            let above = entries::one(tx, parent).await?.ok_or(Error::NotFound)?;
            may = Self::within(tx, &eyes.plans, above.content.unit).await?;
        }
        if !may {
            return Err(Error::Forbidden);
        }
        if entry.version != seen {
            return Err(moved_on());
        }
        Ok((plan, entry))
    }

    /// Changes what an entry says; in an issued plan with a reason, as another version of it.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since or is ended, or the plan waits or is closed; `Forbidden`,
    /// `NotFound`.
    pub async fn change_entry(
        &self,
        (id, seen): (Id, i64),
        content: &Content,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let content = Self::tidied(content);
        db::transaction!(self.db, |tx| {
            let (mut plan, mut entry) = self.held(tx, id, seen, eyes).await?;
            if entry.state != EntryState::Open {
                return Err(conflict("tasks-entry-ended"));
            }
            let reason = self.opened(&mut plan, reason)?;
            self.check(tx, &plan, &content, eyes).await?;
            if let Some(parent) = entry.parent {
                let above = entries::one(tx, parent).await?.ok_or(Error::NotFound)?;
                self.may_add(tx, &plan, Some(&above), &content, eyes)
                    .await?;
            }
            for part in entries::parts(tx, &[id]).await? {
                if part.content.from < content.from || part.content.to > content.to {
                    return Err(Error::field("to", Msg::new("tasks-part-outside")));
                }
            }
            let before = std::mem::replace(&mut entry.content, content.clone());
            entries::save(tx, &mut entry, self.env.now()).await?;
            self.happened(tx, &mut plan, ("entry", Some(id), &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor))
                .await?;
            let moved = (before.person, before.leader, before.unit)
                != (content.person, content.leader, content.unit);
            match moved {
                true => self.tell_owners(tx, &plan, &entry).await,
                false => Ok(()),
            }
        })
    }

    /// Takes an entry out: of a draft it goes, of an issued plan it stays with the reason, and is a fact.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Conflict` when it was changed since, is ended or has open parts; `Forbidden`, `NotFound`.
    pub async fn drop_entry(
        &self,
        (id, seen): (Id, i64),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut plan, mut entry) = self.held(tx, id, seen, eyes).await?;
            let reason = self.opened(&mut plan, reason)?;
            let parts = entries::parts(tx, &[id]).await?;
            let standing =
                |e: &Entry| e.state == EntryState::Open || plan.state == PlanState::Draft;
            if parts.iter().any(standing) {
                return Err(conflict("tasks-parts-first"));
            }
            if plan.state == PlanState::Draft {
                if let Some(from) = entry.carried_from {
                    let old = entries::one(tx, from).await?.ok_or(Error::NotFound)?;
                    self.take_back(tx, old, (eyes, actor)).await?;
                }
                entries::remove(tx, id).await?;
                let said = format!("{} {}", entry.number, entry.content.text);
                return self
                    .happened(tx, &mut plan, ("removed", None, &said), eyes, actor)
                    .await;
            }
            if entry.state != EntryState::Open {
                return Err(conflict("tasks-entry-ended"));
            }
            self.end(
                tx,
                &plan,
                &mut entry,
                (EntryState::Dropped, self.env.today()),
                actor,
            )
            .await?;
            self.happened(tx, &mut plan, ("dropped", Some(id), &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor)).await
        })
    }

    /// An entry that was carried into a draft is open again when it is taken out of that draft.
    async fn take_back(
        &self,
        tx: &mut db::Tx,
        mut old: Entry,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let mut plan = store::hold(tx, old.plan).await?.ok_or(Error::NotFound)?;
        self.open_again(tx, &mut old, actor).await?;
        self.happened(tx, &mut plan, ("taken-back", Some(old.id), ""), eyes, actor)
            .await
    }

    /// Ends an entry: how it stands, and its fact.
    pub(crate) async fn end(
        &self,
        tx: &mut db::Tx,
        plan: &Plan,
        entry: &mut Entry,
        (state, on): (EntryState, kernel::Date),
        actor: &Actor,
    ) -> Result<()> {
        (entry.state, entry.ended_on) = (state, Some(on));
        entries::save(tx, entry, self.env.now()).await?;
        self.entry_ended(tx, plan, entry, actor).await
    }

    async fn open_again(&self, tx: &mut db::Tx, entry: &mut Entry, actor: &Actor) -> Result<()> {
        let standing = self.ledger.standing(tx, entry.id).await?;
        let ids: Vec<_> = standing.iter().map(|f| f.id).collect();
        if !ids.is_empty() {
            self.ledger.reverse(tx, &ids, actor.account).await?;
        }
        (entry.state, entry.ended_on) = (EntryState::Open, None);
        entries::save(tx, entry, self.env.now()).await
    }

    /// Corrects the end of an entry that was reached or taken out: it is open again, its fact is reversed.
    ///
    /// # Errors
    /// `Invalid` for `reason`; `Conflict` when it is open, was carried over, or its plan is closed; `Forbidden`, `NotFound`.
    pub async fn reopen(
        &self,
        (id, seen): (Id, i64),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let (mut plan, mut entry) = self.held(tx, id, seen, eyes).await?;
            if !matches!(entry.state, EntryState::Reached | EntryState::Dropped) {
                return Err(conflict("tasks-entry-not-ended"));
            }
            if let Some(parent) = entry.parent {
                let above = entries::one(tx, parent).await?.ok_or(Error::NotFound)?;
                if above.state != EntryState::Open {
                    return Err(conflict("tasks-entry-ended"));
                }
            }
            let reason = self.opened(&mut plan, reason)?;
            entry.percent = entry.percent.min(99);
            self.open_again(tx, &mut entry, actor).await?;
            self.happened(tx, &mut plan, ("reopened", Some(id), &reason), eyes, actor)
                .await?;
            self.versioned(tx, &mut plan, &reason, (eyes, actor)).await
        })
    }

    /// Carries an unfinished entry over into a later plan (结转): both are linked, nothing is reset.
    ///
    /// # Errors
    /// `Invalid` for `to` or `reason`; `Conflict` when it is ended or has open parts, or was carried before.
    pub async fn carry(
        &self,
        (id, seen): (Id, i64),
        (new, to): (Id, Id),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<Id> {
        self.ledger.admit()?;
        let reason = reason_of(reason, true)?;
        db::transaction!(self.db, |tx| {
            let (mut plan, mut entry) = self.held(tx, id, seen, eyes).await?;
            if entry.state != EntryState::Open || plan.state != PlanState::Issued {
                return Err(conflict("tasks-entry-ended"));
            }
            let parts = entries::parts(tx, &[id]).await?;
            if parts.iter().any(|e| e.state == EntryState::Open) {
                return Err(conflict("tasks-parts-first"));
            }
            let wrong = || Error::field("to", Msg::new("tasks-carry-to"));
            let found = self.planned(tx, to, None, eyes).await;
            let mut target = found.map_err(|_| wrong())?;
            if target.year <= plan.year {
                return Err(wrong());
            }
            self.opened(&mut target, &reason)?;
            let number = self.number(tx, &mut target, None).await?;
            let first = |month: i8| kernel::Date::constant(target.year, month, 1);
            let c = &entry.content;
            let content = Content {
                goal: 0,
                from: first(1),
                to: first(12).last_of_month(),
                milestones: Vec::new(),
                ..c.clone()
            };
            let carried = Entry {
                id: new,
                plan: target.id,
                number,
                parent: None,
                carried_from: Some(id),
                content,
                state: EntryState::Open,
                percent: entry.percent,
                said: entry.said.clone(),
                reported: None,
                ended_on: None,
                parts: 0,
                year: target.year,
                version: 0,
            };
            self.end(
                tx,
                &plan,
                &mut entry,
                (EntryState::Carried, self.env.today()),
                actor,
            )
            .await?;
            if !entries::insert(tx, &carried, self.env.now()).await? {
                return Err(moved_on());
            }
            self.happened(tx, &mut plan, ("carried", Some(id), &reason), eyes, actor)
                .await?;
            self.happened(
                tx,
                &mut target,
                ("carried-in", Some(new), &reason),
                eyes,
                actor,
            )
            .await?;
            self.versioned(tx, &mut target, &reason, (eyes, actor))
                .await?;
            Ok(new)
        })
    }

    /// An entry with what belongs to it; what one may not see does not exist.
    pub(crate) async fn entry(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let entry = entries::seen(&mut tx, id, eyes).await?;
        let plan = store::one(&mut tx, entry.plan)
            .await?
            .ok_or(Error::NotFound)?;
        let related = async |tx: &mut db::Tx, id: Option<Id>| match id {
            Some(id) => match entries::seen(tx, id, eyes).await {
                Ok(found) => Ok(Some(found)),
                Err(Error::NotFound) => Ok(None),
                Err(error) => Err(error),
            },
            None => Ok(None),
        };
        let parent = related(&mut tx, entry.parent).await?;
        let carried_from = related(&mut tx, entry.carried_from).await?;
        let to = entries::carried_to(&mut tx, id).await?.map(|e| e.id);
        let carried_to = related(&mut tx, to).await?;
        let own = Self::within(&mut tx, &eyes.plans, entry.content.unit).await?;
        let whole = Self::within(&mut tx, &eyes.plans, plan.unit).await?;
        let above = match &parent {
            Some(p) => Self::within(&mut tx, &eyes.plans, p.content.unit).await?,
            None => false,
        };
        let open = entry.state == EntryState::Open;
        let deeper = entry.depth() + 1 < plan.kind.levels;
        let draft = plan.state == PlanState::Draft;
        let issued = plan.state == PlanState::Issued;
        Ok(Whole {
            parts: entries::parts(&mut tx, &[id]).await?,
            reports: store::reports::of_entry(&mut tx, id).await?,
            events: store::events(&mut tx, plan.id, Some(id), 200).await?,
            may_plan: (whole && (draft || issued)) || (above && issued),
            may_part: open && deeper && ((whole && (draft || issued)) || (own && issued)),
            later: match whole && open && issued {
                true => store::later(&mut tx, eyes, plan.year).await?,
                false => Vec::new(),
            },
            entry,
            plan,
            parent,
            carried_from,
            carried_to,
        })
    }

    /// A page of entries that somebody may see, and how many there are.
    pub async fn list(
        &self,
        filter: &entries::EntryFilter,
        eyes: &Eyes,
        order: web::table::Order,
        window: web::table::Window,
    ) -> Result<(i64, Vec<Entry>)> {
        let mut tx = self.db.read().await?;
        entries::list(&mut tx, eyes, filter, order, window).await
    }
}
