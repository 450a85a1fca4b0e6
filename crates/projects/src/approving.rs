//! What others decide: that a project begins (立项), that there is more time (延期), what came of it (验收).

use approvals::{Approval, By, Kind as Approvable, Line, Summary};
use db::Tx;
use futures::FutureExt;
use futures::future::BoxFuture;
use identity::Actor;
use kernel::{Date, Error, Id, Msg, Result, format_date};
use serde_json::json;

use crate::model::{END, Eyes, More, Outcome, Project, SHORT, State, href, needed};
use crate::service::{Projects, conflict, moved_on};
use crate::store::{self, parts};

/// Kind of approval: a project begins.
const START: &str = "project-start";
/// Kind of approval: more time.
const EXTENSION: &str = "project-extension";
/// Kind of approval: what came of it.
const CLOSING: &str = "project-closing";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Start,
    Extension,
    Closing,
}

/// What is decided about projects; to be registered with the approvals before these are given to the projects.
#[derive(Clone)]
pub struct Decision {
    projects: Projects,
    about: About,
}

impl Decision {
    /// All three.
    pub fn all(projects: &Projects) -> [Self; 3] {
        [About::Start, About::Extension, About::Closing].map(|about| Self {
            projects: projects.clone(),
            about,
        })
    }
}

pub(crate) fn actor(by: &By) -> Actor {
    Actor {
        account: Some(by.account),
        on_behalf: by.on_behalf,
        address: by.address.clone(),
    }
}

fn project_of(a: &Approval) -> Result<Id> {
    let id = a.payload["project"].as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::internal("an approval without its project"))
}

fn day(a: &Approval, name: &str) -> Result<Date> {
    let day = a.payload[name].as_str().and_then(kernel::parse_date);
    day.ok_or_else(|| Error::internal("an approval without its day"))
}

impl Approvable for Decision {
    fn code(&self) -> &'static str {
        match self.about {
            About::Start => START,
            About::Extension => EXTENSION,
            About::Closing => CLOSING,
        }
    }

    fn title(&self) -> &'static str {
        match self.about {
            About::Start => "projects-approve-start",
            About::Extension => "projects-approve-extension",
            About::Closing => "projects-approve-closing",
        }
    }

    fn summaries<'a>(
        &'a self,
        approvals: &'a [Approval],
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Summary>>> {
        let summary = |a: &Approval| {
            let text = |name: &str| a.payload[name].as_str().unwrap_or_default().to_owned();
            let line = |label, before: &str, after: &str| Line {
                label: Msg::new(label),
                before: text(before),
                after: text(after),
            };
            let lines = match self.about {
                About::Start => vec![
                    line("projects-goals", "", "goals"),
                    line("projects-days", "", "days"),
                    line("projects-milestones", "", "milestones"),
                ],
                About::Extension => vec![
                    line("projects-milestone", "", "what"),
                    line("projects-until", "before", "until"),
                    line("projects-reason", "", "reason"),
                ],
                About::Closing => vec![
                    line("projects-outcome", "", "said"),
                    line("projects-goals", "", "goals"),
                    line("projects-what-result", "", "results"),
                ],
            };
            Summary {
                about: text("title"),
                href: project_of(a).ok().map(href),
                lines,
            }
        };
        let all = approvals.iter().map(summary).collect();
        async { Ok(all) }.boxed()
    }

    fn apply<'a>(
        &'a self,
        tx: &'a mut Tx,
        a: &'a Approval,
        by: &'a By,
    ) -> BoxFuture<'a, Result<()>> {
        let actor = actor(by);
        async move {
            match self.about {
                About::Start => self.projects.begin(tx, a, &actor).await,
                About::Extension => self.projects.give_time(tx, a, &actor).await,
                About::Closing => self.projects.close(tx, a, &actor).await,
            }
        }
        .boxed()
    }

    fn dropped<'a>(&'a self, tx: &'a mut Tx, a: &'a Approval) -> BoxFuture<'a, Result<()>> {
        self.projects.refused(tx, a, self.about).boxed()
    }
}

impl Projects {
    fn approvals(&self) -> Result<&approvals::Approvals> {
        let approvals = self.approvals.as_ref();
        approvals.ok_or_else(|| Error::internal("no approvals"))
    }

    /// Sends a proposal to those who approve it, once what its first stage needs is there.
    ///
    /// # Errors
    /// `Conflict` when it is no proposal any more, something is missing, or nobody is there who could approve.
    pub async fn ask_start(&self, id: Id, seen: Option<i64>, eyes: &Eyes, by: &By) -> Result<()> {
        let (approvals, actor) = (self.approvals()?, actor(by));
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, seen, eyes).await?;
            if p.state != State::Draft {
                return Err(moved_on());
            }
            if p.content.due < self.env.today() {
                return Err(conflict("projects-due-past"));
            }
            self.complete(tx, &p, &kind).await?;
            let milestones = parts::milestones(tx, id).await?;
            let lines = milestones
                .iter()
                .map(|m| format!("{}. {} {}", m.no, m.text, format_date(m.due)));
            let days = format!(
                "{} – {}",
                format_date(p.content.from),
                format_date(p.content.due)
            );
            let new = approvals::New {
                id: self.env.new_id(),
                kind: START,
                unit: p.unit,
                // Whoever leads a project does not approve it.
                subject: Some(p.lead),
                payload: json!({ "project": id, "title": p.content.title, "goals": p.content.goals, "days": days,
                    "milestones": lines.collect::<Vec<_>>().join("\n") }),
            };
            (p.state, p.approval) = (State::Asked, Some(new.id));
            self.happened(tx, &mut p, "asked", json!({}), "", &actor)
                .await?;
            approvals.start_in(tx, &new, by).await.map(|_| ())
        })
    }

    /// Asks for more time for a milestone, or with [`END`] for the project itself.
    ///
    /// # Errors
    /// `Invalid` for `until` and `reason`; `Conflict` when it is done, or more time was asked for and nobody decided yet.
    pub async fn ask_time(
        &self,
        id: Id,
        no: i64,
        (until, reason): (Date, &str),
        (eyes, by): (&Eyes, &By),
    ) -> Result<()> {
        let (approvals, actor) = (self.approvals()?, actor(by));
        let reason = needed("reason", reason, SHORT)?;
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, None, eyes).await?;
            let mut p = held.project;
            if p.state != State::Running {
                return Err(conflict("projects-not-running"));
            }
            let milestones = parts::milestones(tx, id).await?;
            let (what, before, owner) = match no {
                END => (p.content.title.clone(), p.until, None),
                no => {
                    let m = milestones.iter().find(|m| m.no == no);
                    let m = m.ok_or(Error::NotFound)?;
                    if !m.is_open() {
                        return Err(conflict("projects-milestone-settled"));
                    }
                    (m.text.clone(), m.until, Some(m.owner))
                }
            };
            if !held.writes && (owner.is_none() || owner != eyes.person) {
                return Err(Error::Forbidden);
            }
            if until <= before || until < self.env.today() {
                return Err(Error::field("until", Msg::new("projects-until-wrong")));
            }
            if no != END && until > p.until {
                return Err(Error::field("until", Msg::new("projects-until-beyond")));
            }
            let asked = parts::more(tx, id).await?;
            if asked.iter().any(|m| m.no == no && m.state == "asked") {
                return Err(conflict("projects-time-waits"));
            }
            let new = approvals::New {
                id: self.env.new_id(),
                kind: EXTENSION,
                unit: p.unit,
                subject: (no == END).then_some(p.lead),
                payload: json!({ "project": id, "title": p.content.title, "no": no, "what": what, "before": format_date(before),
                    "until": format_date(until), "reason": reason }),
            };
            let more = More {
                no,
                until,
                reason: reason.clone(),
                state: "asked".into(),
                approval: new.id,
                by: None,
            };
            parts::ask_more(tx, id, &more, self.env.now()).await?;
            let body = json!({ "no": no, "until": format_date(until) });
            self.happened(tx, &mut p, "time-asked", body, &reason, &actor)
                .await?;
            approvals.start_in(tx, &new, by).await.map(|_| ())
        })
    }

    /// Hands a project in for review with what came of it. Whoever ends it before says why; else its last stage must be complete.
    ///
    /// # Errors
    /// `Conflict` when something is missing, or it is not running.
    pub async fn hand_in(
        &self,
        id: Id,
        seen: Option<i64>,
        (outcome, said): (Outcome, &str),
        (eyes, by): (&Eyes, &By),
    ) -> Result<()> {
        let (approvals, actor) = (self.approvals()?, actor(by));
        let said = needed("reason", said, SHORT)?;
        db::transaction!(self.db, |tx| {
            let (mut p, kind) = self.run(tx, id, seen, eyes).await?;
            if p.state != State::Running {
                return Err(moved_on());
            }
            if parts::more(tx, id)
                .await?
                .iter()
                .any(|m| m.state == "asked")
            {
                return Err(conflict("projects-time-waits"));
            }
            if outcome != Outcome::Ended {
                if kind.after(&p.stage).is_some() {
                    return Err(conflict("projects-stages-first"));
                }
                self.complete(tx, &p, &kind).await?;
            }
            let entries = parts::entries(tx, id).await?;
            let results = entries
                .iter()
                .filter(|e| e.what == crate::What::Result && e.struck.is_none())
                .map(|e| format!("{} {}", format_date(e.day), e.text));
            let new = approvals::New {
                id: self.env.new_id(),
                kind: CLOSING,
                unit: p.unit,
                // Nor do they say what came of it.
                subject: Some(p.lead),
                payload: json!({ "project": id, "title": p.content.title, "goals": p.content.goals, "outcome": outcome.code(),
                    "said": said, "results": results.collect::<Vec<_>>().join("\n"), "on": format_date(self.env.today()) }),
            };
            (p.state, p.approval) = (State::Checking, Some(new.id));
            (p.outcome, p.handed_on) = (Some(outcome), Some(self.env.today()));
            let body = json!({ "outcome": outcome.code() });
            self.happened(tx, &mut p, "handed-in", body, &said, &actor)
                .await?;
            approvals.start_in(tx, &new, by).await.map(|_| ())
        })
    }

    /// The project of an approval, when it still waits for this one.
    async fn decided(&self, tx: &mut Tx, a: &Approval, state: State) -> Result<Project> {
        let p = store::hold(tx, project_of(a)?, self.env.today()).await?;
        let p = p.ok_or(Error::NotFound)?;
        match p.state == state && p.approval == Some(a.id) {
            true => Ok(p),
            false => Err(moved_on()),
        }
    }

    /// A project begins: number, next stage, its people hear of it.
    async fn begin(&self, tx: &mut Tx, a: &Approval, actor: &Actor) -> Result<()> {
        let mut p = self.decided(tx, a, State::Asked).await?;
        let kind = self.rule(tx, &p.rule).await?;
        let today = self.env.today();
        let serial = store::next_number(tx, &kind.number, today.year()).await?;
        p.number = Some(kind.number_of(today.year(), serial));
        (p.state, p.started_on) = (State::Running, Some(today));
        if let Some(next) = kind.after(&p.stage) {
            p.stage.clone_from(&next.code);
        }
        self.started(tx, &p, &kind, actor).await?;
        let body = json!({ "number": p.number });
        self.happened(tx, &mut p, "started", body, "", actor)
            .await?;
        crate::searching::index(tx, &kind, &p).await?;
        let members = parts::members(tx, p.id).await?;
        let mut people: Vec<_> = members.iter().map(|m| m.person).collect();
        people.extend(parts::milestones(tx, p.id).await?.iter().map(|m| m.owner));
        people.sort_unstable();
        people.dedup();
        let message = Msg::new("projects-notice-started");
        self.tell(tx, &p, &people, message, "started").await
    }

    /// More time is given; the day that was set first stays.
    async fn give_time(&self, tx: &mut Tx, a: &Approval, actor: &Actor) -> Result<()> {
        let p = store::hold(tx, project_of(a)?, self.env.today()).await?;
        let mut p = p.ok_or(Error::NotFound)?;
        let (no, until) = (a.payload["no"].as_i64().unwrap_or(-1), day(a, "until")?);
        if p.state != State::Running {
            return Err(conflict("projects-not-running"));
        }
        if !parts::decide_more(tx, a.id, "given", actor.account).await? {
            return Err(moved_on());
        }
        match no {
            END => p.until = until,
            // What was done meanwhile needs no more time.
            no if !parts::extend(tx, p.id, no, until).await? => {
                return Err(conflict("projects-milestone-settled"));
            }
            _ => {}
        }
        let body = json!({ "no": no, "until": format_date(until) });
        self.happened(tx, &mut p, "time-given", body, "", actor)
            .await?;
        let message = Msg::new("projects-notice-time").with("until", format_date(until));
        let lead = [p.lead];
        self.tell(tx, &p, &lead, message, &format!("time-{}", a.id))
            .await
    }

    /// What came of a project was agreed to: it is closed.
    async fn close(&self, tx: &mut Tx, a: &Approval, actor: &Actor) -> Result<()> {
        self.ledger.admit()?;
        let mut p = self.decided(tx, a, State::Checking).await?;
        let kind = self.rule(tx, &p.rule).await?;
        (p.state, p.closed_on) = (State::Closed, Some(self.env.today()));
        self.closed(tx, &p, &kind, actor).await?;
        let body = json!({ "outcome": p.outcome.map(Outcome::code) });
        self.happened(tx, &mut p, "closed", body, "", actor).await?;
        let members = parts::members(tx, p.id).await?;
        let people: Vec<_> = members.iter().map(|m| m.person).collect();
        let once = format!("closed-{}", a.id);
        self.tell(tx, &p, &people, Msg::new("projects-notice-closed"), &once)
            .await
    }

    /// What was refused or withdrawn can be mended and sent again.
    async fn refused(&self, tx: &mut Tx, a: &Approval, about: About) -> Result<()> {
        let nobody = Actor::default();
        let body = json!({});
        if about == About::Extension {
            if !parts::decide_more(tx, a.id, "refused", None).await? {
                return Ok(());
            }
            let p = store::hold(tx, project_of(a)?, self.env.today()).await?;
            let mut p = p.ok_or(Error::NotFound)?;
            let body = json!({ "no": a.payload["no"], "until": a.payload["until"] });
            return self
                .happened(tx, &mut p, "time-refused", body, "", &nobody)
                .await;
        }
        let waited = match about {
            About::Start => State::Asked,
            _ => State::Checking,
        };
        let Ok(mut p) = self.decided(tx, a, waited).await else {
            return Ok(());
        };
        p.state = match about {
            About::Start => State::Draft,
            _ => State::Running,
        };
        (p.outcome, p.handed_on, p.approval) = (None, None, None);
        self.happened(tx, &mut p, "refused", body, "", &nobody)
            .await?;
        let message = Msg::new("projects-notice-refused");
        let (lead, once) = ([p.lead], format!("refused-{}", a.id));
        self.tell(tx, &p, &lead, message, &once).await
    }

    /// Opens a closed project again: its facts are taken back. Only for those who review, with a reason.
    ///
    /// # Errors
    /// `Forbidden` for others; `Conflict` when it is not closed.
    pub async fn reopen(
        &self,
        id: Id,
        seen: Option<i64>,
        reason: &str,
        (eyes, actor): (&Eyes, &Actor),
    ) -> Result<()> {
        let reason = needed("reason", reason, SHORT)?;
        self.ledger.admit()?;
        db::transaction!(self.db, |tx| {
            let held = self.hold(tx, id, seen, eyes).await?;
            let mut p = held.project;
            if !store::within(tx, &eyes.reviews, p.unit).await? {
                return Err(Error::Forbidden);
            }
            if p.state != State::Closed {
                return Err(moved_on());
            }
            let kinds = [
                crate::facts::PROJECT,
                crate::facts::ON_TIME,
                crate::facts::MEMBER,
            ];
            self.take_back(tx, id, &kinds, actor).await?;
            p.state = State::Running;
            (p.closed_on, p.handed_on, p.outcome) = (None, None, None);
            self.happened(tx, &mut p, "reopened", json!({}), &reason, actor)
                .await
        })
    }
}
