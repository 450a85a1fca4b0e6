//! An invented bureau with two offices and a section, people in roles, approvals along the routes of the product's pack.

use std::ops::Deref;

use approvals::Approvals;
use cases::{Act, Ask, CaseKinds, Cases, Decision, Evidence, Eyes, Measure, Raise, Said, Whole};
use commons::packs::Packs;
use db::Migration;
use kernel::{Calendar, Date, Id, Result, UnitId};
use testhouse::Ground;
use testkit::TestDb;

pub use testhouse::{App, Who, hidden, refused, why};

pub fn migrations() -> Vec<Migration> {
    testhouse::migrations(&[crypt::MIGRATIONS, cases::MIGRATIONS].concat())
}

/// A vault whose keyring is read once, and kept by nobody else.
pub async fn vault(t: &TestDb) -> crypt::Vault {
    let folder = tempfile::tempdir().unwrap();
    let ring = crypt::Keyring::create(&folder.path().join("keyring"), &t.env, crypt::AES);
    crypt::Vault::open(&t.db, &t.env, ring.unwrap())
        .await
        .unwrap()
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "raiser"
name = { zh = "登记", en = "Raiser" }
permissions = ["case.read", "case.raise", "case.reporter"]
[[role]]
code = "handler"
name = { zh = "承办", en = "Handler" }
permissions = ["case.read", "case.handle"]
[[role]]
code = "supervisor"
name = { zh = "督办", en = "Supervisor" }
permissions = ["case.read", "case.supervise"]
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/cases-cn.toml");
    testhouse::packs(&[("cases-cn.toml", own), ("more.toml", PACK)])
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
            me: Some(self.person),
            on_behalf: None,
            reads: self.reads(),
            raises: self.holds(&["raiser"]),
            handles: self.holds(&["handler"]),
            supervises: self.holds(&["supervisor"]),
            reporters: self.holds(&["raiser"]),
        }
    }
}

#[derive(Clone)]
pub struct House {
    ground: Ground,
    pub approvals: Approvals,
    pub cases: Cases,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    /// Raises for the bureau.
    pub raiser: Who,
    /// Supervises the bureau and all below.
    pub supervisor: Who,
    /// The same.
    pub second: Who,
    /// Of the first office, without a role.
    pub owner: Who,
    /// The same.
    pub helper: Who,
    /// Handles for the first office.
    pub handler: Who,
    /// Of the section below the first office, but supervises the bureau.
    pub below: Who,
    /// Of the second office, without a role.
    pub lonely: Who,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

fn rooms(g: &Ground) -> (Approvals, Cases) {
    let cases = Cases::new(
        g.place(),
        g.ledger.clone(),
        g.org.clone(),
        g.notices.clone(),
        (CaseKinds::read(&packs()).unwrap(), Calendar::default()),
        g.attachments(),
    )
    .with_deputies(g.doors());
    let kinds = Decision::both(&cases).into_iter();
    let approvals = kinds.fold(g.approvals(&packs()), |all, kind| all.with_kind(kind));
    (approvals.clone(), cases.with_approvals(approvals))
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let g = Ground::new(t).await;
        let (approvals, cases) = rooms(&g);
        let cases = cases.with_vault(vault(t).await);
        let permissions = [
            cases::READ,
            cases::RAISE,
            cases::HANDLE,
            cases::SUPERVISE,
            cases::REPORTER,
        ];
        let identity = g.identity(&packs(), &permissions).await;
        let bureau = g.unit(None, "B").await;
        let offices = [
            g.unit(Some(bureau), "O1").await,
            g.unit(Some(bureau), "O2").await,
        ];
        let section = g.unit(Some(offices[0]), "S1").await;
        let who = async |no, unit, role, on| g.who(&identity, (no, unit), role, on).await;
        Self {
            raiser: who("1", bureau, "raiser", bureau).await,
            supervisor: who("2", bureau, "supervisor", bureau).await,
            second: who("3", bureau, "supervisor", bureau).await,
            owner: who("4", offices[0], "", bureau).await,
            helper: who("5", offices[0], "", bureau).await,
            handler: who("6", offices[0], "handler", offices[0]).await,
            below: who("7", section, "supervisor", bureau).await,
            lonely: who("8", offices[1], "", bureau).await,
            approvals,
            cases,
            bureau,
            offices,
            ground: g,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let ground = self.second_node(t).await;
        let (approvals, cases) = rooms(&ground);
        Self {
            ground,
            approvals,
            cases,
            ..self.clone()
        }
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let eyes = who.eyes();
        let held = [
            (cases::READ, eyes.reads),
            (cases::RAISE, eyes.raises),
            (cases::HANDLE, eyes.handles),
            (cases::SUPERVISE, eyes.supervises),
            (cases::REPORTER, eyes.reporters),
        ];
        let room = cases::module(self.cases.clone());
        self.ground.app(room, Some(who), held)
    }

    pub fn problem(&self, title: &str) -> Raise {
        Raise {
            id: self.env.new_id(),
            kind: "problem".into(),
            title: title.into(),
            detail: "检查发现。".into(),
            severity: "serious".into(),
            area: "service".into(),
            source: "inspection".into(),
            clause: String::new(),
            values: Default::default(),
            unit: self.offices[0],
            from: self.bureau,
            owner: None,
            co: vec![],
            supervisor: None,
            reporter: None,
            origin: None,
            key: None,
            recurs: None,
            fixed: None,
        }
    }

    pub async fn raise(&self, raise: &Raise) -> Result<Id> {
        self.cases
            .raise(raise, &self.raiser.eyes(), &self.raiser.actor())
            .await
    }

    pub async fn act(&self, id: Id, act: Act, who: Who) -> Result<()> {
        let said = Said {
            text: "已按要求办理".into(),
            ..Said::default()
        };
        self.cases
            .act(id, &act, &said, &who.eyes(), &who.actor())
            .await
    }

    pub async fn ask(&self, id: Id, ask: Ask, who: Who) -> Result<()> {
        let said = Said {
            text: "情况复杂".into(),
            ..Said::default()
        };
        self.cases.ask(id, ask, &said, &who.eyes(), &who.by()).await
    }

    pub fn assigned(&self) -> Act {
        Act::Assigned {
            unit: self.offices[0],
            owner: Some(self.owner.person),
            co: vec![self.helper.person],
            supervisor: Some(self.supervisor.person),
        }
    }

    pub fn planned(&self) -> Act {
        let measure = |owner: Who| Measure {
            no: 0,
            text: "修订制度".into(),
            owner: owner.person,
            due: Date::constant(2026, 12, 20),
            done: None,
        };
        Act::Planned {
            cause: "职责不清".into(),
            measures: vec![measure(self.owner), measure(self.lonely)],
        }
    }

    /// A case that waits to be checked.
    pub async fn submitted(&self, title: &str) -> Id {
        let id = self.raise(&self.problem(title)).await.unwrap();
        self.act(id, self.assigned(), self.supervisor)
            .await
            .unwrap();
        self.act(id, self.planned(), self.owner).await.unwrap();
        let on = self.env.today();
        self.act(id, Act::MeasureDone { no: 1, on }, self.owner)
            .await
            .unwrap();
        self.act(id, Act::MeasureDone { no: 2, on }, self.lonely)
            .await
            .unwrap();
        self.act(id, Act::Submitted, self.owner).await.unwrap();
        id
    }

    /// A case that was accepted.
    pub async fn solved(&self, title: &str) -> Id {
        let id = self.submitted(title).await;
        self.act(id, Act::Accepted, self.supervisor).await.unwrap();
        id
    }

    pub async fn whole(&self, id: Id) -> Whole {
        self.cases.case(id, &self.supervisor.eyes()).await.unwrap()
    }

    pub async fn acts(&self, id: Id) -> Vec<&'static str> {
        self.whole(id)
            .await
            .events
            .iter()
            .map(|e| e.act.code())
            .collect()
    }

    /// Kinds and parts of the facts that stand about a case; that of its field of work, which stands beside it, left out.
    pub async fn facts(&self, id: Id) -> Vec<(String, String)> {
        let mut tx = self.db.read().await.unwrap();
        let mut found: Vec<_> = self.ledger.standing(&mut tx, id).await.unwrap();
        found.sort_by_key(|f| f.id);
        found.retain(|f| f.kind != "case-area");
        let part = |f: &ledger::Fact| f.role.clone().unwrap_or_default();
        found.iter().map(|f| (f.kind.clone(), part(f))).collect()
    }

    pub fn evidence(&self) -> Evidence {
        Evidence {
            name: "整改前后.pdf".into(),
            sha256: commons::files::FileHash::of(b"x").to_string(),
            size: 1,
            of: Some(Date::constant(2026, 11, 20)),
        }
    }
}
