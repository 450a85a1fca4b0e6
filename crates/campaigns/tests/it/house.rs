//! An invented bureau with three offices, people in roles, approvals along the routes of the product's pack.

use std::ops::Deref;
use std::sync::Arc;

use approvals::Approvals;
use campaigns::{
    CampaignFacts, CampaignKinds, Campaigns, Content, Eyes, Issue, Measure, New, Taken,
};
use commons::packs::Packs;
use db::Migration;
use kernel::{Date, Id, UnitId};
use ledger::Sources;
use testhouse::Ground;
use testkit::TestDb;

pub use testhouse::{App, Who, hidden};

pub fn migrations() -> Vec<Migration> {
    testhouse::migrations(campaigns::MIGRATIONS)
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "planner"
name = { zh = "策划", en = "Planner" }
permissions = ["campaign.read", "campaign.plan"]
[[role]]
code = "leader"
name = { zh = "领导", en = "Leader" }
permissions = ["campaign.read"]
[[role]]
code = "reporter"
name = { zh = "报送", en = "Reporter" }
permissions = ["campaign.read", "campaign.report"]
[[role]]
code = "inspector"
name = { zh = "检查", en = "Inspector" }
permissions = ["campaign.read", "campaign.score"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/campaigns-cn.toml");
    testhouse::packs(&[("campaigns-cn.toml", own), ("more.toml", PACK)])
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
            plans: self.holds(&["planner"]),
            reports: self.holds(&["reporter"]),
            scores: self.holds(&["inspector"]),
        }
    }
}

#[derive(Clone)]
pub struct House {
    ground: Ground,
    pub approvals: Approvals,
    pub campaigns: Campaigns,
    pub bureau: UnitId,
    pub offices: [UnitId; 3],
    /// Plans for the bureau.
    pub planner: Who,
    /// Leads the bureau: decides about plans.
    pub leader: Who,
    /// Reports for the first office.
    pub reporter: Who,
    /// Inspects the bureau and all below.
    pub inspector: Who,
    /// The same.
    pub second: Who,
    /// Inspects too, but belongs to the first office.
    pub inside: Who,
    /// Reports for the third office.
    pub far: Who,
    /// Plans for the second office.
    pub local: Who,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

fn rooms(g: &Ground) -> (Approvals, Campaigns) {
    let campaigns = Campaigns::new(
        g.place(),
        g.ledger.clone(),
        g.org.clone(),
        g.notices.clone(),
        CampaignKinds::read(&packs()).unwrap(),
        g.attachments(),
    )
    .with_sources(Sources::new(vec![Arc::new(CampaignFacts)]))
    .with_intake(Arc::new(g.problems()));
    let approvals = g.approvals(&packs()).with_kind(Issue(campaigns.clone()));
    (approvals.clone(), campaigns.with_approvals(approvals))
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let g = Ground::new(t).await;
        let (approvals, campaigns) = rooms(&g);
        let permissions = [
            campaigns::READ,
            campaigns::PLAN,
            campaigns::REPORT,
            campaigns::SCORE,
        ];
        let identity = g.identity(&packs(), &permissions).await;
        let bureau = g.unit(None, "B").await;
        let offices = [
            g.unit(Some(bureau), "O1").await,
            g.unit(Some(bureau), "O2").await,
            g.unit(Some(bureau), "O3").await,
        ];
        let who = async |no, unit, role, on| g.who(&identity, (no, unit), role, on).await;
        Self {
            planner: who("1", bureau, "planner", bureau).await,
            leader: who("2", bureau, "leader", bureau).await,
            reporter: who("3", offices[0], "reporter", offices[0]).await,
            inspector: who("4", bureau, "inspector", bureau).await,
            second: who("5", bureau, "inspector", bureau).await,
            inside: who("6", offices[0], "inspector", bureau).await,
            far: who("7", offices[2], "reporter", offices[2]).await,
            local: who("8", offices[1], "planner", offices[1]).await,
            approvals,
            campaigns,
            bureau,
            offices,
            ground: g,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let ground = self.second_node(t).await;
        let (approvals, campaigns) = rooms(&ground);
        Self {
            ground,
            approvals,
            campaigns,
            ..self.clone()
        }
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let eyes = who.eyes();
        let held = [
            (campaigns::READ, eyes.reads),
            (campaigns::PLAN, eyes.plans),
            (campaigns::REPORT, eyes.reports),
            (campaigns::SCORE, eyes.scores),
        ];
        let room = campaigns::module(self.campaigns.clone());
        self.ground.app(room, Some(who), held)
    }

    pub fn content(&self, title: &str) -> Content {
        let kind = self.campaigns.kinds().get("quality").unwrap();
        let from = Date::constant(2026, 11, 1);
        let (phases, to) = Content::laid_out(kind, from);
        let claims = kind
            .tracks
            .iter()
            .flat_map(|t| t.claims.iter().map(|c| (&t.code, c)));
        let taken = |(track, code): (&String, &String)| Taken {
            track: track.clone(),
            claim: self.campaigns.kinds().claim(code).unwrap().clone(),
            categories: vec![],
        };
        Content {
            title: title.into(),
            goals: "提升素质".into(),
            group: None,
            office: None,
            lead: Some(self.leader.person),
            from,
            to,
            phases,
            measures: vec![Measure {
                no: 1,
                text: "集中学习".into(),
                unit: self.offices[0],
                due: Date::constant(2026, 12, 1),
            }],
            claims: claims.map(taken).collect(),
        }
    }

    /// A campaign of the bureau.
    pub async fn made(&self, title: &str) -> Id {
        let new = New {
            id: self.env.new_id(),
            kind: "quality".into(),
            unit: self.bureau,
            parent: None,
            node: None,
            content: self.content(title),
        };
        let (eyes, actor) = (self.planner.eyes(), self.planner.actor());
        self.campaigns.create(&new, &eyes, &actor).await.unwrap()
    }

    /// The leader decides about the approval that waits.
    pub async fn decide(&self, act: &str) {
        assert!(testhouse::decide(&self.approvals, self.leader, 0, act).await);
    }
}
