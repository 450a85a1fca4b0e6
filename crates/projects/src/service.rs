//! Projects: proposed, changed, handed on; what belongs to them.

use std::collections::HashMap;
use std::sync::Arc;

use approvals::Approvals;
use commons::findings::Intake;
use commons::packs::{Kept, hash_of};
use db::{Db, Tx};
use desk::Attachments;
use identity::Actor;
use kernel::{Date, Env, Error, Id, Msg, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use notices::{Notice, Notices, Reader};
use organization::Organization;
use serde_json::{Value, json};
use web::table::{Order, Window};

use crate::kind::{Need, ProjectKind, ProjectKinds};
use crate::model::{
    Adopted, Content, Entry, Eyes, Filter, Has, Member, Milestone, More, New, Project, Raised,
    Report, ReportState, SHORT, State, What, needed, optional,
};
use crate::searching;
use crate::store::{self, Event, found, parts};

/// Projects; cheap to clone.
#[derive(Clone)]
pub struct Projects {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) ledger: Ledger,
    pub(crate) organization: Organization,
    pub(crate) notices: Notices,
    pub(crate) kinds: Arc<ProjectKinds>,
    pub(crate) attachments: Attachments,
    pub(crate) approvals: Option<Approvals>,
    pub(crate) intake: Option<Arc<dyn Intake>>,
    rules: Kept<ProjectKind>,
}

/// A project with what belongs to it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// As lists have it.
    pub project: Project,
    /// Its kind, as it was when it was proposed.
    pub kind: Arc<ProjectKind>,
    /// Milestones by day.
    pub milestones: Vec<Milestone>,
    /// More time that was asked for.
    pub more: Vec<More>,
    /// Members, those who left last.
    pub members: Vec<Member>,
    /// What was written down, the last day first.
    pub entries: Vec<Entry>,
    /// Versions of the report, the last first.
    pub reports: Vec<Report>,
    /// Problems that became cases.
    pub problems: Vec<Raised>,
    /// Recommendations that were adopted.
    pub adopted: Vec<Adopted>,
    /// What happened, the last first.
    pub events: Vec<Event>,
    /// Whether the reader runs it.
    pub may_write: bool,
    /// Whether the reader is a member.
    pub member: bool,
    /// Whether the reader reviews in its unit.
    pub may_review: bool,
}

impl Whole {
    /// The last version of the report that was accepted.
    pub fn accepted(&self) -> Option<&Report> {
        self.reports
            .iter()
            .find(|r| r.state == ReportState::Accepted)
    }

    /// What it has of what stages need.
    pub fn has(&self) -> Has {
        has(
            &self.milestones,
            &self.members,
            &self.entries,
            &self.reports,
        )
    }
}

/// What a project has of what stages need.
pub(crate) fn has(
    milestones: &[Milestone],
    members: &[Member],
    entries: &[Entry],
    reports: &[Report],
) -> Has {
    let of = |what: What| {
        entries
            .iter()
            .filter(move |e| e.what == what && e.struck.is_none())
    };
    let count = |what: What| of(what).count() as i64;
    let open = milestones.iter().any(Milestone::is_open);
    let accepted = reports.iter().any(|r| r.state == ReportState::Accepted);
    let count_of = |need| match need {
        Need::Members => members.iter().filter(|m| m.left_on.is_none()).count() as i64,
        Need::Milestones => milestones.iter().filter(|m| !m.dropped).count() as i64,
        Need::Settled => i64::from(!open),
        Need::Notes => count(What::Note),
        Need::Results => count(What::Result),
        Need::Evidence => of(What::Result).map(|e| e.files.len() as i64).sum(),
        Need::Visits => count(What::Visit),
        Need::Hearings => count(What::Hearing),
        Need::Report => i64::from(accepted),
    };
    Need::ALL.into_iter().map(|n| (n, count_of(n))).collect()
}

pub(crate) fn conflict(key: &'static str) -> Error {
    Error::Conflict(Msg::new(key))
}

pub(crate) fn moved_on() -> Error {
    conflict("projects-moved-on")
}

/// Who may do what about a project that was taken to act on it.
pub(crate) struct Held {
    pub(crate) project: Project,
    pub(crate) kind: Arc<ProjectKind>,
    pub(crate) writes: bool,
    pub(crate) member: bool,
}

impl Projects {
    /// Projects in a database; they cannot be approved yet.
    pub fn new(
        (db, env): (Db, Env),
        ledger: Ledger,
        organization: Organization,
        notices: Notices,
        kinds: ProjectKinds,
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
            rules: Kept::default(),
        }
    }

    /// The same, which are approved by approvals; these must know [`crate::Decision`].
    pub fn with_approvals(mut self, approvals: Approvals) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// The same, in which what was found can be raised.
    pub fn with_intake(mut self, intake: Arc<dyn Intake>) -> Self {
        self.intake = Some(intake);
        self
    }

    /// The kinds that there are now.
    pub fn kinds(&self) -> &Arc<ProjectKinds> {
        &self.kinds
    }

    /// Kinds as projects keep them, by hash.
    pub(crate) async fn rules(
        &self,
        tx: &mut Tx,
        hashes: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, Arc<ProjectKind>>> {
        let (mut found, missing) = self.rules.of(hashes);
        if !missing.is_empty() {
            let read = store::rules(tx, &missing).await?;
            self.rules.learn(&mut found, read);
        }
        Ok(found)
    }

    pub(crate) async fn rule(&self, tx: &mut Tx, hash: &str) -> Result<Arc<ProjectKind>> {
        let missing = || Error::internal("a project without its kind");
        self.rules(tx, [hash])
            .await?
            .remove(hash)
            .ok_or_else(missing)
    }

    /// Takes a project that somebody may see, to act on it.
    pub(crate) async fn hold(
        &self,
        tx: &mut Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<Held> {
        let today = self.env.today();
        store::seen(tx, id, eyes, today).await?;
        let project = store::hold(tx, id, today).await?.ok_or(Error::NotFound)?;
        let kind = self.rule(tx, &project.rule).await?;
        if seen.is_some_and(|seen| seen != project.version) {
            return Err(moved_on());
        }
        let leads = eyes.person == Some(project.lead);
        let writes = leads || store::within(tx, &eyes.writes, project.unit).await?;
        let members = parts::members(tx, id).await?;
        let mine = |m: &Member| eyes.person == Some(m.person) && m.left_on.is_none();
        let member = leads || members.iter().any(mine);
        Ok(Held {
            project,
            kind,
            writes,
            member,
        })
    }

    /// The same, for those who run it.
    pub(crate) async fn run(
        &self,
        tx: &mut Tx,
        id: Id,
        seen: Option<i64>,
        eyes: &Eyes,
    ) -> Result<(Project, Arc<ProjectKind>)> {
        let held = self.hold(tx, id, seen, eyes).await?;
        match held.writes {
            true => Ok((held.project, held.kind)),
            false => Err(Error::Forbidden),
        }
    }

    /// Saves a project one version further, with what happened and an entry of the audit trail.
    pub(crate) async fn happened(
        &self,
        tx: &mut Tx,
        p: &mut Project,
        act: &str,
        body: Value,
        reason: &str,
        actor: &Actor,
    ) -> Result<()> {
        store::save(tx, p, self.env.now()).await?;
        store::note(tx, p, act, &body, reason, actor.into()).await?;
        let action = match act {
            "made" => "project.made",
            "changed" | "milestone" | "removed" | "member" | "left" => "project.changed",
            "report" | "report-sent" | "report-accepted" | "report-returned" => "project.reported",
            "raised" | "adopted" | "unadopted" => "project.used",
            "entry" | "struck" | "done" | "let-go" | "reopened-milestone" | "contributed" => {
                "project.worked"
            }
            _ => "project.moved",
        };
        let detail = json!({ "act": act, "kind": p.kind, "version": p.version, "body": body });
        let entry = actor.audit(action, ("project", p.id), detail);
        identity::record(tx, &self.env, &entry).await
    }

    /// Tells people about a project, each once with the same word.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        p: &Project,
        people: &[PersonId],
        message: Msg,
        once: &str,
    ) -> Result<()> {
        let to: Vec<Reader> = people.iter().copied().map(Reader::Person).collect();
        let notice = Notice {
            message: message.with("title", &p.content.title),
            href: p.href(),
            about: ("project", p.id.to_string()),
            dedupe: Some(format!("project-{}-{once}", p.id)),
            confidential: false,
        };
        self.notices.send(tx, &to, &notice).await
    }

    /// Proposes a project; sent twice with the same id it is proposed once. Who leads is its first member.
    ///
    /// # Errors
    /// `Invalid` per field; `NotFound` when the unit is out of scope or the id is another's.
    pub async fn propose(&self, new: &New, eyes: &Eyes, actor: &Actor) -> Result<Id> {
        let unknown = || Error::field("kind", Msg::new("projects-kind-unknown"));
        let kind = self.kinds.get(&new.kind).ok_or_else(unknown)?;
        let rule = hash_of(kind)?;
        let content = new.content.tidied(kind);
        content.check(kind)?;
        let (today, now) = (self.env.today(), self.env.now());
        let first = kind.stages.first().map_or("", |s| s.code.as_str());
        db::transaction!(self.db, |tx| {
            if !store::within(tx, &eyes.writes, new.unit).await? {
                return Err(Error::NotFound);
            }
            store::put_rule(tx, &rule, kind).await?;
            let mut p = Project {
                id: new.id,
                kind: kind.code.clone(),
                rule: rule.clone(),
                number: None,
                unit: new.unit,
                state: State::Draft,
                stage: first.to_owned(),
                lead: new.lead,
                content: content.clone(),
                until: content.due,
                started_on: None,
                handed_on: None,
                closed_on: None,
                outcome: None,
                approval: None,
                counts: [0; 3],
                version: 0,
                created_at: now,
                updated_at: now,
            };
            if !store::insert(tx, &p, actor.into()).await? {
                let known = store::one(tx, new.id, today).await?;
                let known = known.ok_or(Error::NotFound)?;
                return match store::within(tx, &eyes.writes, known.unit).await? {
                    true => Ok(new.id),
                    false => Err(Error::NotFound),
                };
            }
            let unit = self.unit_of(new.lead, new.unit).await?;
            let member = parts::member(new.lead, &kind.lead, unit, today);
            parts::put_member(tx, new.id, &member).await?;
            self.happened(tx, &mut p, "made", json!({}), "", actor)
                .await?;
            searching::index(tx, kind, &p).await?;
            Ok(new.id)
        })
    }

    /// The unit that a person is counted in today; else the one that is given.
    pub(crate) async fn unit_of(&self, person: PersonId, or: UnitId) -> Result<UnitId> {
        let unit = self.organization.unit_of(person, self.env.today()).await?;
        Ok(unit.unwrap_or(or))
    }

    /// Changes what a project says; what it said stays. Once it was approved somebody says why, and its days and goals stay:
    /// more time is asked for, and whoever wants other goals ends it.
    ///
    /// # Errors
    /// `Invalid` per field; `Conflict` when it was changed since, is being decided about, or is over.
    pub async fn change(
        &self,
        id: Id,
        seen: i64,
        (content, lead): (&Content, PersonId),
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, Some(seen), eyes).await?;
            if !matches!(p.state, State::Draft | State::Running) {
                return Err(conflict("projects-not-now"));
            }
            let content = content.tidied(&kind);
            content.check(&kind)?;
            let running = p.state == State::Running;
            let reason = match running {
                true => needed("reason", reason, SHORT)?,
                false => optional("reason", reason, SHORT)?,
            };
            if running && (content.from, content.due) != (p.content.from, p.content.due) {
                return Err(Error::field("due", Msg::new("projects-days-fixed")));
            }
            if running && content.goals != p.content.goals {
                return Err(Error::field("goals", Msg::new("projects-goals-fixed")));
            }
            if !running {
                p.until = content.due;
                let late = |m: &Milestone| m.due > content.due || m.due < content.from;
                if let Some(m) = parts::milestones(tx, id).await?.iter().find(|m| late(m)) {
                    let message = Msg::new("projects-milestone-outside").with("no", m.no);
                    return Err(Error::field("due", message));
                }
            }
            p.content = content;
            if lead != p.lead {
                let today = self.env.today();
                let unit = self.unit_of(lead, p.unit).await?;
                // Whoever led leaves that part; they may be taken in with another one.
                parts::leave(tx, id, p.lead, today).await?;
                parts::put_member(tx, id, &parts::member(lead, &kind.lead, unit, today)).await?;
                p.lead = lead;
            }
            self.happened(tx, &mut p, "changed", json!({}), &reason, actor)
                .await?;
            store::put_content(tx, &p, &reason, actor.into()).await?;
            searching::index(tx, &kind, &p).await
        })
    }

    /// Gives a proposal up before it was approved.
    ///
    /// # Errors
    /// `Conflict` when it was sent or approved.
    pub async fn drop_proposal(
        &self,
        id: Id,
        seen: Option<i64>,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = needed("reason", reason, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, _) = self.run(tx, id, seen, eyes).await?;
            if p.state != State::Draft {
                return Err(moved_on());
            }
            p.state = State::Dropped;
            self.happened(tx, &mut p, "dropped", json!({}), &reason, actor)
                .await
        })
    }

    /// Moves a running project into its next stage, once what this one needs is there.
    ///
    /// # Errors
    /// `Conflict` when something is missing, or it is in its last stage.
    pub async fn advance(
        &self,
        id: Id,
        seen: Option<i64>,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, seen, eyes).await?;
            if p.state != State::Running {
                return Err(moved_on());
            }
            let next = kind.after(&p.stage).ok_or_else(moved_on)?.code.clone();
            self.complete(tx, &p, &kind).await?;
            let body = json!({ "from": p.stage, "to": next });
            p.stage = next;
            self.happened(tx, &mut p, "advanced", body, "", actor).await
        })
    }

    /// Refuses when something is missing that the stage of a project needs.
    pub(crate) async fn complete(
        &self,
        tx: &mut Tx,
        p: &Project,
        kind: &ProjectKind,
    ) -> Result<()> {
        let Some(stage) = kind.stage(&p.stage) else {
            return Err(Error::internal("no such stage"));
        };
        let has = has(
            &parts::milestones(tx, p.id).await?,
            &parts::members(tx, p.id).await?,
            &parts::entries(tx, p.id).await?,
            &found::reports(tx, p.id).await?,
        );
        match crate::model::missing(&stage.needs, &has).first() {
            None => Ok(()),
            Some((need, there, n)) => {
                let key = match need {
                    Need::Members => "projects-needs-members",
                    Need::Milestones => "projects-needs-milestones",
                    Need::Settled => "projects-needs-settled",
                    Need::Notes => "projects-needs-notes",
                    Need::Results => "projects-needs-results",
                    Need::Evidence => "projects-needs-evidence",
                    Need::Visits => "projects-needs-visits",
                    Need::Hearings => "projects-needs-hearings",
                    Need::Report => "projects-needs-report",
                };
                let message = Msg::new(key).with("there", there).with("n", n);
                Err(Error::Conflict(message))
            }
        }
    }

    /// A project with all there is to know; what one may not see does not exist.
    pub async fn project(&self, id: Id, eyes: &Eyes) -> Result<Whole> {
        let mut tx = self.db.read().await?;
        let project = store::seen(&mut tx, id, eyes, self.env.today()).await?;
        let kind = self.rule(&mut tx, &project.rule).await?;
        let members = parts::members(&mut tx, id).await?;
        let leads = eyes.person == Some(project.lead);
        let mine = |m: &Member| eyes.person == Some(m.person) && m.left_on.is_none();
        Ok(Whole {
            milestones: parts::milestones(&mut tx, id).await?,
            more: parts::more(&mut tx, id).await?,
            entries: parts::entries(&mut tx, id).await?,
            reports: found::reports(&mut tx, id).await?,
            problems: found::problems(&mut tx, id).await?,
            adopted: found::adopted(&mut tx, id).await?,
            events: store::events(&mut tx, id, 200).await?,
            may_write: leads || store::within(&mut tx, &eyes.writes, project.unit).await?,
            may_review: store::within(&mut tx, &eyes.reviews, project.unit).await?,
            member: leads || members.iter().any(mine),
            members,
            project,
            kind,
        })
    }

    /// A page of projects, and how many there are in all.
    pub async fn list(
        &self,
        filter: &Filter,
        eyes: &Eyes,
        order: Order,
        window: Window,
    ) -> Result<(i64, Vec<Project>)> {
        let mut tx = self.db.read().await?;
        store::list(&mut tx, eyes, filter, (order, window), self.env.today()).await
    }

    /// How many projects there are by state and stage.
    pub async fn counts(
        &self,
        filter: &Filter,
        eyes: &Eyes,
    ) -> Result<HashMap<(String, String), i64>> {
        store::counts(&mut self.db.read().await?, eyes, filter).await
    }

    /// The project to which an entry, a problem or an adoption belongs.
    pub(crate) async fn project_of(&self, id: Id) -> Result<Id> {
        let mut tx = self.db.read().await?;
        found::project_of(&mut tx, id).await?.ok_or(Error::NotFound)
    }

    /// What waits for somebody: milestones that are theirs and due within some days, and reports to review. For the home page.
    pub async fn waiting(&self, eyes: &Eyes, by: Date) -> Result<Vec<Waits>> {
        let mut tx = self.db.read().await?;
        let mut all = Vec::new();
        if let Some(person) = eyes.person {
            for (id, title, _, text, due, unit) in store::owed(&mut tx, person, by).await? {
                all.push(Waits {
                    title: format!("{title}：{text}"),
                    href: crate::model::href(id),
                    unit,
                    due: Some(due),
                });
            }
        }
        if eyes.reviews != Scope::nothing() {
            for (id, title, unit) in found::sent(&mut tx, &eyes.reviews, eyes.account).await? {
                all.push(Waits {
                    title,
                    href: format!("{}/report", crate::model::href(id)),
                    unit,
                    due: None,
                });
            }
        }
        Ok(all)
    }
}

/// Something that waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// What.
    pub title: String,
    /// Where.
    pub href: String,
    /// The unit that runs the project.
    pub unit: UnitId,
    /// By when; none: a report to be reviewed.
    pub due: Option<Date>,
}
