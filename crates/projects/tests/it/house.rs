//! An invented bureau with an office and a county, people in roles, approvals along the routes of the product's pack.

use std::ops::Deref;
use std::sync::Arc;

use approvals::Approvals;
use commons::packs::Packs;
use db::Migration;
use jiff::ToSpan;
use kernel::{Date, Id, Scope, UnitId};
use organization::By;
use projects::{Content, Decision, Eyes, New, ProjectKinds, Projects};
use testhouse::{Ground, Problems};
use testkit::TestDb;

pub use testhouse::{App, Who, hidden};

pub fn migrations() -> Vec<Migration> {
    testhouse::migrations(projects::MIGRATIONS)
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "officer"
name = { zh = "干事", en = "Officer" }
permissions = ["project.read", "project.write"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["project.read", "project.review"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/projects-cn.toml");
    testhouse::packs(&[("projects-cn.toml", own), ("more.toml", PACK)])
}

/// What somebody may see and do.
pub trait Sees {
    fn eyes(self) -> Eyes;
}

impl Sees for Who {
    fn eyes(self) -> Eyes {
        Eyes {
            account: self.account,
            person: Some(self.person),
            reads: self.reads(),
            writes: self.holds(&["officer"]),
            reviews: self.holds(&["leader"]),
        }
    }
}

#[derive(Clone)]
pub struct House {
    ground: Ground,
    pub approvals: Approvals,
    pub projects: Projects,
    pub problems: Problems,
    pub bureau: UnitId,
    pub office: UnitId,
    pub county: UnitId,
    /// Proposes and runs for the bureau.
    pub officer: Who,
    /// Leads the bureau: decides, reviews, leads projects, visits the county.
    pub leader: Who,
    /// Reviews too.
    pub second: Who,
    /// Somebody of the office without any role.
    pub member: Who,
    /// Proposes for the county only.
    pub far: Who,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

fn rooms(g: &Ground) -> (Approvals, Projects, Problems) {
    let problems = g.problems();
    let projects = Projects::new(
        g.place(),
        g.ledger.clone(),
        g.org.clone(),
        g.notices.clone(),
        ProjectKinds::read(&packs()).unwrap(),
        g.attachments(),
    )
    .with_intake(Arc::new(problems.clone()));
    let kinds = Decision::all(&projects).into_iter();
    let approvals = kinds.fold(g.approvals(&packs()), |all, kind| all.with_kind(kind));
    (
        approvals.clone(),
        projects.with_approvals(approvals),
        problems,
    )
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let g = Ground::new(t).await;
        let (approvals, projects, problems) = rooms(&g);
        let permissions = [projects::READ, projects::WRITE, projects::REVIEW];
        let identity = g.identity(&packs(), &permissions).await;
        let bureau = g.unit(None, "B").await;
        let office = g.unit(Some(bureau), "O1").await;
        let county = g.unit(Some(bureau), "C1").await;
        let who = async |no, unit, role, on| g.who(&identity, (no, unit), role, on).await;
        Self {
            officer: who("1", bureau, "officer", bureau).await,
            leader: who("2", bureau, "leader", bureau).await,
            second: who("3", bureau, "leader", bureau).await,
            member: who("4", office, "", office).await,
            far: who("5", county, "officer", county).await,
            approvals,
            projects,
            problems,
            bureau,
            office,
            county,
            ground: g,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let ground = self.second_node(t).await;
        let (approvals, projects, problems) = rooms(&ground);
        Self {
            ground,
            approvals,
            projects,
            problems,
            ..self.clone()
        }
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let eyes = who.eyes();
        let held = [
            (projects::READ, eyes.reads),
            (projects::WRITE, eyes.writes),
            (projects::REVIEW, eyes.reviews),
        ];
        let room = projects::module(self.projects.clone());
        self.ground.app(room, Some(who), held)
    }

    pub fn today(&self) -> Date {
        self.env.today()
    }

    pub fn content(&self, title: &str) -> Content {
        let from = self.today();
        Content {
            title: title.into(),
            goals: "摸清底数，提出办法".into(),
            basis: String::new(),
            values: [
                ("level", "municipal"),
                ("new", "新办法"),
                ("kind", "front-line"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
            question: "基层人手为什么不足".into(),
            outline: "一看二问三比".into(),
            method: String::new(),
            from,
            due: from.saturating_add(60.days()),
        }
    }

    /// A proposal of the bureau with a member and a milestone, led by somebody.
    pub async fn proposed(&self, kind: &str, title: &str, lead: Who) -> Id {
        let new = New {
            id: self.env.new_id(),
            kind: kind.into(),
            unit: self.bureau,
            lead: lead.person,
            content: self.content(title),
        };
        let (eyes, actor) = (self.officer.eyes(), self.officer.actor());
        let by = (&eyes, &actor);
        let id = self.projects.propose(&new, &eyes, &actor).await.unwrap();
        let role = match kind {
            "research" => "writer",
            "hands-on-projects" => "trained",
            _ => "member",
        };
        let member = (self.member.person, role);
        if lead != self.member {
            self.projects.take_in(id, member, by).await.unwrap();
        }
        let due = self.today().saturating_add(30.days());
        let milestone = ("完成第一步", self.member.person, due);
        self.projects
            .add_milestone(id, milestone, by)
            .await
            .unwrap();
        id
    }

    /// The same, approved.
    pub async fn running(&self, kind: &str, title: &str) -> Id {
        let id = self.proposed(kind, title, self.leader).await;
        let (eyes, by) = (self.officer.eyes(), self.officer.by());
        self.projects.ask_start(id, None, &eyes, &by).await.unwrap();
        self.decide(self.second, "agree").await;
        id
    }

    /// Somebody decides about the approval that waits for them.
    pub async fn decide(&self, who: Who, act: &str) {
        assert!(testhouse::decide(&self.approvals, who, 0, act).await);
    }

    /// Whether something waits for somebody to decide.
    pub async fn waits_for(&self, who: Who) -> bool {
        testhouse::waiting(&self.approvals, who).await > 0
    }

    /// Somebody agrees to the n-th of what waits for them; whether they were in time.
    pub async fn try_decide(&self, who: Who, n: usize) -> bool {
        testhouse::decide(&self.approvals, who, n, "agree").await
    }

    /// The leader's pairing with the county.
    pub async fn paired(&self) -> Id {
        let pack = include_str!("../../../../packs/people-cn.toml");
        let packs = Packs::load(vec![("people-cn.toml".to_owned(), pack.to_owned())]).unwrap();
        let kinds = organization::BodyKinds::read(&packs).unwrap();
        let tie = organization::NewTie {
            kind: "contact-point".into(),
            staff_no: "2".into(),
            end: "C1".into(),
            to: None,
            basis: "联系点制度".into(),
        };
        let from = Date::constant(2025, 1, 1);
        self.org
            .tie(&kinds, &tie, from, By::default(), &Scope::All)
            .await
            .unwrap()
    }

    pub async fn kinds_of(&self, subject: Id) -> Vec<String> {
        let facts = self.standing(subject).await.into_iter();
        facts.map(|f| f.kind).collect()
    }
}
