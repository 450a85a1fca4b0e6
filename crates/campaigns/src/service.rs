//! Campaigns: written down, changed, moved on, documents and measures.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use approvals::Approvals;
use commons::findings::Intake;
use commons::packs::{Kept, hash_of};
use db::{Db, Tx};
use desk::{Attachments, Waiting};
use identity::Actor;
use kernel::{Date, Env, Error, Id, Msg, Result, Scope, UnitId};
use ledger::{Ledger, Sources};
use notices::Notices;
use organization::{Organization, finding};
use serde_json::{Value, json};

use crate::kind::{CampaignKind, CampaignKinds};
use crate::model::{Act, Campaign, Content, Eyes, Filter, New, State, Taking, reason_of, tidy};
use crate::plans::{Plan, PlanState};
use crate::store::parts::{Done, Paper, Report};
use crate::store::{self, Event, parts};
use crate::{searching, store::scores};

/// Campaigns above one another, at most.
const DEEPEST: usize = 5;

/// Campaigns; cheap to clone.
#[derive(Clone)]
pub struct Campaigns {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) kinds: Arc<CampaignKinds>,
    pub(crate) attachments: Attachments,
    pub(crate) approvals: Option<Approvals>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    pub(crate) sources: Sources,
    rules: Kept<CampaignKind>,
}

/// A campaign with what belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// As lists have it.
    pub campaign: Campaign,
    /// Its kind, as it was when it began.
    pub kind: Arc<CampaignKind>,
    /// Units named in it.
    pub units: Vec<Taking>,
    /// Measures that are done.
    pub(crate) done: HashMap<i64, Done>,
    /// Versions of the plan, the last first.
    pub plans: Vec<Plan>,
    /// Documents that were handed in.
    pub(crate) papers: Vec<Paper>,
    /// The last report of each unit.
    pub(crate) reports: HashMap<UnitId, Report>,
    /// The campaign above it, as far as the reader may see it.
    pub above: Option<Campaign>,
    /// Those below it that the reader may see.
    pub below: Vec<Campaign>,
    /// Which measures of those are done, by campaign.
    pub below_done: HashMap<Id, Vec<i64>>,
    /// What happened, the last first.
    pub events: Vec<Event>,
    /// Whether the reader may plan and run it.
    pub may_plan: bool,
    /// Units of it for which the reader reports.
    pub reports_for: Vec<UnitId>,
    /// Units of it that the reader inspects.
    pub inspects: Vec<UnitId>,
    /// Units of it of which the reader sees more than that they are named.
    pub visible: HashSet<UnitId>,
    /// The programme that it hangs on, as far as the reader may see it.
    pub(crate) node: Option<crate::Node>,
}

impl Whole {
    /// The issued plan.
    pub fn issued(&self) -> Option<&Plan> {
        self.plans.iter().find(|p| p.state == PlanState::Issued)
    }

    /// Units that take part.
    pub fn joined(&self) -> impl Iterator<Item = UnitId> {
        self.units.iter().filter(|t| t.joined).map(|t| t.unit)
    }
}

pub(crate) fn moved_on() -> Error {
    Error::Conflict(Msg::new("campaigns-moved-on"))
}

impl Campaigns {
    /// Campaigns in a database; plans cannot be issued yet.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        kinds: CampaignKinds,
        attachments: Attachments,
    ) -> Self {
        Self {
            db,
            env,
            ledger,
            organization,
            notices,
            kinds: kinds.into(),
            attachments,
            approvals: None,
            intake: None,
            sources: Sources::default(),
            rules: Kept::default(),
        }
    }

    /// The same, whose plans are issued by approvals; these must know [`crate::Issue`].
    pub fn with_approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The same, in which problems can be raised.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// The same, which knows what stands behind facts.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The kinds that there are now.
    pub fn kinds(&self) -> &Arc<CampaignKinds> {
        &self.kinds
    }

    /// Kinds as campaigns keep them, by hash.
    pub(crate) async fn rules(
        &self,
        tx: &mut Tx,
        hashes: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Arc<CampaignKind>>> {
        let (mut found, missing) = self.rules.of(hashes);
        if !missing.is_empty() {
            let read = store::rules(tx, &missing).await?;
            self.rules.learn(&mut found, read);
        }
        Ok(found)
    }

    pub(crate) async fn rule(&self, tx: &mut Tx, hash: &str) -> Result<Arc<CampaignKind>> {
        let missing = || Error::internal("a campaign without its kind");
        self.rules(tx, [hash])
            .await?
            .remove(hash)
            .ok_or_else(missing)
    }

    /// Whether a scope reaches a unit, in a transaction.
    pub(crate) async fn within(tx: &mut Tx, scope: &Scope, unit: UnitId) -> Result<bool> {
        let paths = finding::paths(tx, &[unit]).await?;
        Ok(paths.get(&unit).is_some_and(|path| scope.reaches(path)))
    }

    /// Takes a campaign that somebody may plan, to act on it.
    pub(crate) async fn planned(
        &self,
        tx: &mut Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<(Campaign, Arc<CampaignKind>)> {
        store::seen(tx, id, eyes).await?;
        let c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
        if !Self::within(tx, &eyes.plans, c.unit).await? {
            return Err(Error::Forbidden);
        }
        if seen.is_some_and(|seen| seen != c.version) {
            return Err(moved_on());
        }
        let kind = self.rule(tx, &c.rule).await?;
        Ok((c, kind))
    }

    /// Saves a campaign one version further, with what happened and an entry of the audit trail.
    pub(crate) async fn happened(
        &self,
        tx: &mut Tx,
        c: &mut Campaign,
        act: &str,
        body: Value,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        store::save(tx, c, self.env.now()).await?;
        store::note(tx, c, act, &body, reason, actor.into()).await?;
        let action = match act {
            "made" => "campaign.made",
            "start" | "conclude" | "close" | "reopen" | "call-off" => "campaign.moved",
            "issued" => "campaign.issued",
            "scored" | "objected" | "answered" => "campaign.scored",
            "reported" | "measure" | "document" => "campaign.reported",
            _ => "campaign.changed",
        };
        let detail = json!({ "act": act, "kind": c.kind, "version": c.version, "body": body });
        let entry = actor.audit(action, ("campaign", c.id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    async fn check_place(
        &self,
        tx: &mut Tx,
        kind: &CampaignKind,
        (id, unit): (Id, UnitId),
        (parent, node): (Option<Id>, Option<Id>),
        content: &Content,
        eyes: &Eyes,
    ) -> Result<()> {
        let mut above = None;
        if let Some(parent) = parent {
            let unknown = || Error::field("parent", Msg::new("campaigns-parent-unknown"));
            let found = match store::seen(tx, parent, eyes).await {
                Err(Error::NotFound) => return Err(unknown()),
                other => other?,
            };
            let path = finding::paths(tx, &[unit]).await?.remove(&unit);
            let below = path.is_some_and(|path| path.contains(&found.unit));
            if !below || !found.state.is_open() {
                return Err(unknown());
            }
            let (mut up, mut depth) = (found.parent, 1);
            while let Some(next) = up {
                depth += 1;
                if next == id || parent == id || depth > DEEPEST {
                    return Err(unknown());
                }
                up = store::one(tx, next).await?.and_then(|c| c.parent);
            }
            above = Some(found.content);
        }
        if let Some(node) = node {
            let unknown = |_| Error::field("node", Msg::new("campaigns-node-unknown"));
            store::nodes::one(tx, node, &Scope::All)
                .await
                .map_err(unknown)?;
        }
        content.check(kind, above.as_ref())
    }

    /// Writes a campaign down; sent twice with the same id it is written once.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope or the id is another's.
    pub async fn create(&self, new: &New, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("campaigns-kind-unknown"));
        let kind = self.kinds.get(&new.kind).ok_or_else(unknown)?;
        let rule = hash_of(kind)?;
        let mut content = new.content.clone();
        content.title = tidy(&content.title);
        content.goals = tidy(&content.goals);
        let now = self.env.now();
        db::transaction!(self.db, |tx| {
            if !Self::within(tx, &eyes.plans, new.unit).await? {
                return Err(Error::NotFound);
            }
            let place = (new.parent, new.node);
            self.check_place(tx, kind, (new.id, new.unit), place, &content, eyes)
                .await?;
            self.check_units(tx, &content, eyes).await?;
            store::put_rule(tx, &rule, kind).await?;
            let mut c = Campaign {
                id: new.id,
                kind: kind.code.clone(),
                rule: rule.clone(),
                unit: new.unit,
                parent: new.parent,
                node: new.node,
                state: State::Planned,
                told: false,
                content: content.clone(),
                closed_on: None,
                version: 0,
                joined: 0,
                absent: 0,
                created_at: now,
                updated_at: now,
            };
            if !store::insert(tx, &c, actor.into()).await? {
                let known = store::one(tx, new.id).await?.ok_or(Error::NotFound)?;
                return match Self::within(tx, &eyes.plans, known.unit).await? {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            self.first_list(tx, &c, kind, actor).await?;
            self.happened(tx, &mut c, "made", json!({}), "", actor)
                .await?;
            searching::index(tx, kind, &c).await?;
            Ok(new.id)
        })
    }

    /// Units of measures must be ones that somebody may name.
    async fn check_units(&self, tx: &mut Tx, content: &Content, eyes: &Eyes) -> Result<()> {
        let units: Vec<UnitId> = content.measures.iter().map(|m| m.unit).collect();
        let paths = finding::paths(tx, &units).await?;
        let reached = |unit: &UnitId| {
            let path = paths.get(unit);
            path.is_some_and(|p| eyes.plans.reaches(p) || eyes.reads.reaches(p))
        };
        match units.iter().all(reached) {
            true => Ok(()),
            false => Err(Error::field("measures", Msg::new("campaigns-measure-unit"))),
        }
    }

    /// Changes what a campaign says; what it said stays. Once it is told to units, somebody says why.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since or is over; `Forbidden`, `NotFound`.
    pub async fn change(
        &self,
        id: Id,
        seen: i64,
        content: &Content,
        (parent, node): (Option<Id>, Option<Id>),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let mut content = content.clone();
        content.title = tidy(&content.title);
        content.goals = tidy(&content.goals);
        db::transaction!(self.db, |tx| {
            let (mut c, kind) = self.planned(tx, id, Some(seen), eyes).await?;
            if !c.state.is_open() {
                return Err(Error::Conflict(Msg::new("campaigns-over")));
            }
            let reason = reason_of(reason, c.told)?;
            self.check_place(tx, &kind, (id, c.unit), (parent, node), &content, eyes)
                .await?;
            self.check_units(tx, &content, eyes).await?;
            // A measure that is done stays as it is.
            let done = parts::done(tx, id).await?;
            let kept = |m: &&crate::Measure| done.contains_key(&m.no);
            if c.content
                .measures
                .iter()
                .filter(kept)
                .any(|m| !content.measures.contains(m))
            {
                let message = Msg::new("campaigns-measure-done-changed");
                return Err(Error::field("measures", message));
            }
            (c.content, c.parent, c.node) = (content.clone(), parent, node);
            self.happened(tx, &mut c, "changed", json!({}), &reason, actor)
                .await?;
            store::put_content(tx, &c, &reason, actor.into()).await?;
            searching::index(tx, &kind, &c).await
        })
    }

    /// Moves a campaign on.
    ///
    /// # Errors
    /// `Conflict` when it stands otherwise, or something is missing that must be there first; `Invalid` for `reason`.
    pub async fn act(
        &self,
        id: Id,
        seen: Option<i64>,
        act: Act,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        self.ledger.admit()?;
        let refuse = |key| Err(Error::Conflict(Msg::new(key)));
        db::transaction!(self.db, |tx| {
            let (mut c, kind) = self.planned(tx, id, seen, eyes).await?;
            let to = c.state.after(act).ok_or_else(moved_on)?;
            let early = act == Act::Conclude && self.env.today() < c.content.to;
            let back = act == Act::Start && c.state == State::Closing;
            let reason = reason_of(reason, act.needs_reason() || early || back)?;
            match act {
                Act::Start => {
                    let plans = parts::plans(tx, id).await?;
                    if kind.needs_plan && plans.iter().all(|p| p.state != PlanState::Issued) {
                        return refuse("campaigns-plan-first");
                    }
                    if c.joined == 0 {
                        return refuse("campaigns-units-first");
                    }
                }
                Act::Close => {
                    if scores::summary(tx, id).await?.is_none() {
                        return refuse("campaigns-summary-first");
                    }
                    if !scores::waiting(tx, id).await?.is_empty() {
                        return refuse("campaigns-objections-first");
                    }
                    self.close(tx, &mut c, actor).await?;
                }
                Act::Reopen => self.open_again(tx, &mut c, actor).await?,
                Act::Conclude | Act::CallOff => {}
            }
            let first = !c.told && act == Act::Start;
            c.told |= act == Act::Start;
            c.state = to;
            self.happened(tx, &mut c, act.code(), json!({}), &reason, actor)
                .await?;
            let key = match act {
                Act::Start if first => "campaigns-notice-named",
                Act::Start => return Ok(()),
                Act::Conclude => "campaigns-notice-conclude",
                Act::Close => "campaigns-notice-close",
                Act::Reopen => "campaigns-notice-reopen",
                Act::CallOff if !c.told => return Ok(()),
                Act::CallOff => "campaigns-notice-call-off",
            };
            self.tell_units(tx, &c, key).await
        })
    }

    /// Says that a measure is done.
    ///
    /// # Errors
    /// `Invalid` for `day`; `Conflict` when it was done before or the campaign is not running.
    pub async fn measure_done(
        &self,
        id: Id,
        no: i64,
        on: Date,
        said: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let said = reason_of(said, false)?;
        db::transaction!(self.db, |tx| {
            store::seen(tx, id, eyes).await?;
            let mut c = store::hold(tx, id).await?.ok_or(Error::NotFound)?;
            let m = c.content.measures.iter().find(|m| m.no == no);
            let m = m.ok_or(Error::NotFound)?;
            let mine = Self::within(tx, &eyes.reports, m.unit).await?
                || Self::within(tx, &eyes.plans, c.unit).await?;
            if !mine {
                return Err(Error::Forbidden);
            }
            if on > self.env.today() || on < c.content.from {
                return Err(Error::field("day", Msg::new("campaigns-day-wrong")));
            }
            if !matches!(c.state, State::Running | State::Closing) {
                return Err(Error::Conflict(Msg::new("campaigns-not-running")));
            }
            let done = Done {
                on,
                said: said.clone(),
            };
            let now = self.env.now();
            if !parts::put_done(tx, id, no, &done, actor.into(), now).await? {
                return Err(Error::Conflict(Msg::new("campaigns-measure-done-before")));
            }
            self.happened(tx, &mut c, "measure", json!({ "no": no }), &said, actor)
                .await
        })
    }

    /// Hands in an expected document.
    ///
    /// # Errors
    /// `NotFound` when no such one is expected; `Invalid` without a file.
    pub(crate) async fn hand_in(
        &self,
        id: Id,
        code: &str,
        files: &[Waiting],
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        if files.is_empty() {
            return Err(Error::field("file", Msg::new("campaigns-file-missing")));
        }
        let kept = self.attachments.keep(files).await?;
        db::transaction!(self.db, |tx| {
            let (mut c, kind) = self.planned(tx, id, None, eyes).await?;
            if !kind
                .documents
                .iter()
                .any(|d| d.code == code && d.code != "plan")
            {
                return Err(Error::NotFound);
            }
            if c.state == State::CalledOff {
                return Err(Error::Conflict(Msg::new("campaigns-over")));
            }
            for file in &kept {
                let paper = Paper {
                    code: code.to_owned(),
                    file: file.clone(),
                    at: self.env.now(),
                };
                let id = (self.env.new_id(), c.id);
                parts::put_paper(tx, id, &paper, actor.into()).await?;
            }
            let body = json!({ "code": code, "files": kept.len() });
            self.happened(tx, &mut c, "document", body, "", actor).await
        })
    }

    /// A campaign with all there is to know; what one may not see does not exist.
    pub async fn campaign(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let c = store::seen(&mut tx, id, eyes).await?;
        let kind = self.rule(&mut tx, &c.rule).await?;
        let units = parts::units(&mut tx, id).await?;
        let above = match c.parent {
            Some(parent) => store::some(&mut tx, &[parent], &eyes.reads).await?.pop(),
            None => None,
        };
        let filter = Filter {
            parent: Some(id),
            ..Filter::default()
        };
        let order = web::table::Order {
            by: "from",
            down: false,
        };
        let window = web::table::Window::new(1, 200);
        let (_, below) = store::list(&mut tx, &eyes.reads, &filter, order, window).await?;
        let ids: Vec<Id> = below.iter().map(|c| c.id).collect();
        let below_done = parts::done_of(&mut tx, &ids).await?;
        let ids: Vec<UnitId> = units.iter().map(|t| t.unit).chain([c.unit]).collect();
        let paths = finding::paths(&mut tx, &ids).await?;
        let reached =
            |scope: &Scope, unit: &UnitId| paths.get(unit).is_some_and(|p| scope.reaches(p));
        let joined: Vec<UnitId> = units.iter().filter(|t| t.joined).map(|t| t.unit).collect();
        let of = |scope: &Scope| {
            joined
                .iter()
                .copied()
                .filter(|u| reached(scope, u))
                .collect()
        };
        // Who looks after the campaign sees all of it; who is named sees their own.
        let wide = reached(&eyes.reads, &c.unit);
        let own = |u: &UnitId| wide || reached(&eyes.reads, u);
        let visible: HashSet<UnitId> = units.iter().map(|t| t.unit).filter(own).collect();
        let node = match c.node {
            Some(node) => store::nodes::one(&mut tx, node, &eyes.reads).await.ok(),
            None => None,
        };
        let mut reports = parts::last_reports(&mut tx, id).await?;
        reports.retain(|unit, _| visible.contains(unit));
        let mut events = store::events(&mut tx, id, 200).await?;
        events.retain(|e| {
            let unit = e.body["unit"].as_str().and_then(|u| u.parse().ok());
            unit.is_none_or(|u: UnitId| wide || visible.contains(&u))
        });
        let may_plan = reached(&eyes.plans, &c.unit);
        let reports_for = of(&eyes.reports);
        let inspects = of(&eyes.scores);
        Ok(Whole {
            done: parts::done(&mut tx, id).await?,
            plans: parts::plans(&mut tx, id).await?,
            papers: parts::papers(&mut tx, id).await?,
            reports,
            events,
            may_plan,
            reports_for,
            inspects,
            visible,
            node,
            campaign: c,
            kind,
            units,
            above,
            below,
            below_done,
        })
    }

    /// A page of campaigns, and how many there are in all.
    pub async fn list(
        &self,
        filter: &Filter,
        eyes: &Eyes,
        order: web::table::Order,
        window: web::table::Window,
    ) -> Result<(i64, Vec<Campaign>)> {
        let mut tx = self.db.read().await?;
        store::list(&mut tx, &eyes.reads, filter, order, window).await
    }
}
