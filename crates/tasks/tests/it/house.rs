//! An invented bureau with two offices: who plans, who issues and judges, who reports, and a member of staff.

use std::ops::Deref;
use std::sync::Arc;

use commons::packs::Packs;
use db::Migration;
use kernel::{Calendar, Date, Id, Result, Scope, UnitId};
use ledger::Sources;
use tasks::{
    Content, Eyes, ISSUE, NewPlan, PLAN, PlanAct, READ, REPORT, REVIEW, TaskFacts, TaskWords, Tasks,
};
use testhouse::Ground;
use testkit::TestDb;

pub use testhouse::{App, Who, hidden};

const ROLES: &str = r#"
[pack]
code = "roles"
version = "1"
name = { zh = "角色", en = "Roles" }
[[role]]
code = "planner"
name = { zh = "起草", en = "Planner" }
permissions = ["task.read", "task.plan"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["task.read", "task.issue", "task.review"]
[[role]]
code = "reporter"
name = { zh = "报送", en = "Reporter" }
permissions = ["task.read", "task.report"]
[[role]]
code = "all"
name = { zh = "全部", en = "All" }
permissions = ["task.read", "task.plan", "task.issue", "task.report", "task.review"]
"#;

const PERMISSIONS: &[&str] = &[READ, PLAN, ISSUE, REPORT, REVIEW];

pub fn migrations() -> Vec<Migration> {
    testhouse::migrations(tasks::MIGRATIONS)
}

pub fn own_pack() -> &'static str {
    include_str!("../../../../packs/tasks-cn.toml")
}

pub fn packs() -> Packs {
    testhouse::packs(&[("tasks-cn.toml", own_pack())])
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
            plans: self.holds(&["planner", "all"]),
            issues: self.holds(&["leader", "all"]),
            reports: self.holds(&["reporter", "all"]),
            reviews: self.holds(&["leader", "all"]),
        }
    }
}

#[derive(Clone)]
pub struct House {
    ground: Ground,
    pub tasks: Tasks,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    /// Plans for the bureau.
    pub planner: Who,
    /// Issues and judges for the bureau.
    pub leader: Who,
    /// Reports for the first and the second office.
    pub reporters: [Who; 2],
    /// Plans for the first office only.
    pub local: Who,
    /// Of the first office, without any role.
    pub member: Who,
    /// May do everything in the bureau.
    pub all: Who,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

fn room(g: &Ground) -> Tasks {
    Tasks::new(
        g.place(),
        g.ledger.clone(),
        g.org.clone(),
        g.notices.clone(),
        (TaskWords::read(&packs()).unwrap(), Calendar::default()),
        g.attachments(),
    )
    .with_intake(Arc::new(g.problems()))
    .with_sources(Sources::new(vec![Arc::new(TaskFacts)]))
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let g = Ground::new(t).await;
        let roles = testhouse::packs(&[("roles.toml", ROLES)]);
        let identity = g.identity(&roles, PERMISSIONS).await;
        let bureau = g.unit(None, "B").await;
        let offices = [
            g.unit(Some(bureau), "O1").await,
            g.unit(Some(bureau), "O2").await,
        ];
        let who = async |no, unit, role, on| g.who(&identity, (no, unit), role, on).await;
        Self {
            planner: who("1", bureau, "planner", bureau).await,
            leader: who("2", bureau, "leader", bureau).await,
            reporters: [
                who("3", offices[0], "reporter", offices[0]).await,
                who("4", offices[1], "reporter", offices[1]).await,
            ],
            local: who("5", offices[0], "planner", offices[0]).await,
            member: who("6", offices[0], "", offices[0]).await,
            all: who("7", bureau, "all", bureau).await,
            tasks: room(&g),
            bureau,
            offices,
            ground: g,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let ground = self.second_node(t).await;
        let tasks = room(&ground);
        Self {
            ground,
            tasks,
            ..self.clone()
        }
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let eyes = who.eyes();
        let held = [
            (READ, eyes.reads),
            (PLAN, eyes.plans),
            (ISSUE, eyes.issues),
            (REPORT, eyes.reports),
            (REVIEW, eyes.reviews),
        ];
        let room = tasks::module(self.tasks.clone());
        self.ground.app(room, Some(who), held)
    }

    /// The program as a stranger sees it.
    pub fn stranger(&self) -> App {
        self.ground.app(tasks::module(self.tasks.clone()), None, [])
    }

    pub fn scope(&self) -> Scope {
        Scope::Under(vec![self.bureau])
    }

    /// An entry of the whole year for a unit.
    pub fn content(&self, unit: UnitId, text: &str) -> Content {
        Content {
            goal: 1,
            text: text.into(),
            target: "全部完成".into(),
            claim: None,
            wanted: None,
            owner: String::new(),
            unit,
            person: None,
            leader: None,
            from: Date::constant(2026, 1, 1),
            to: Date::constant(2026, 12, 31),
            milestones: vec![],
            weight: None,
            duty: String::new(),
        }
    }

    pub async fn plan(&self, year: i16) -> Id {
        let new = NewPlan {
            id: self.env.new_id(),
            kind: "annual".into(),
            unit: self.bureau,
            year,
            title: format!("{year}年度目标任务"),
            goals: vec!["队伍建设".into()],
        };
        let (eyes, actor) = (self.planner.eyes(), self.planner.actor());
        self.tasks.create(&new, &eyes, &actor).await.unwrap()
    }

    pub async fn entry(&self, plan: Id, content: &Content) -> Id {
        let (eyes, actor) = (self.planner.eyes(), self.planner.actor());
        let of = (self.env.new_id(), plan);
        let added = self.tasks.add(of, None, content, "", (&eyes, &actor)).await;
        added.unwrap()
    }

    pub async fn act(&self, plan: Id, act: PlanAct, who: Who, reason: &str) -> Result<()> {
        let by = (&who.eyes(), &who.actor());
        self.tasks.act((plan, None), act, reason, by).await
    }

    /// The leader issues what the planner asks for.
    pub async fn issue(&self, plan: Id) {
        for (act, who) in [(PlanAct::Ask, self.planner), (PlanAct::Issue, self.leader)] {
            self.act(plan, act, who, "").await.unwrap();
        }
    }

    /// An issued plan of 2026 with an entry for each office.
    pub async fn issued(&self) -> (Id, [Id; 2]) {
        let plan = self.plan(2026).await;
        let first = self
            .entry(plan, &self.content(self.offices[0], "评查案件"))
            .await;
        let second = self
            .entry(plan, &self.content(self.offices[1], "组织培训"))
            .await;
        self.issue(plan).await;
        (plan, [first, second])
    }

    /// Kind and part of the facts about something that stand.
    pub async fn roles(&self, subject: Id) -> Vec<String> {
        let facts = self.standing(subject).await.into_iter();
        let mut roles: Vec<String> = facts
            .map(|f| format!("{}/{}", f.kind, f.role.unwrap_or_default()))
            .collect();
        roles.sort();
        roles
    }
}
