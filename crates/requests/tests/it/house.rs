//! An invented bureau with two offices, people in roles, and a kind that a feature answers itself.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use commons::packs::Packs;
use db::{Migration, Tx};
use futures::future::BoxFuture;
use kernel::{Calendar, Id, Result, UnitId};
use requests::{Ask, Due, Eyes, Owner, Request, RequestKinds, Requests, Said};
use testhouse::{App, Ground};
use testkit::TestDb;

pub use testhouse::{Who, hidden, refused, why};

pub fn migrations() -> Vec<Migration> {
    testhouse::migrations(requests::MIGRATIONS)
}

const PACK: &str = r#"
[pack]
code = "more"
version = "1"
name = { zh = "甲", en = "A" }
[[role]]
code = "asker"
name = { zh = "提出", en = "Asker" }
permissions = ["request.ask"]
[[role]]
code = "worker"
name = { zh = "承办", en = "Worker" }
permissions = ["request.answer"]
[[request-kind]]
code = "test"
name = { zh = "测验", en = "Test" }
days = 5
"#;

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/requests-cn.toml");
    testhouse::packs(&[("requests-cn.toml", own), ("more.toml", PACK)])
}

/// Answers the kind `test` itself, and remembers what it was told.
#[derive(Clone, Default)]
pub struct Tester(pub Arc<Mutex<Vec<&'static str>>>);

impl Owner for Tester {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn href(&self, request: &Request) -> String {
        format!("/tests/{}", request.id)
    }

    fn changed<'a>(
        &'a self,
        _: &'a mut Tx,
        _: &'a Request,
        act: &'static str,
    ) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().push(act);
        Box::pin(async { Ok(()) })
    }
}

#[derive(Clone)]
pub struct House {
    ground: Ground,
    pub requests: Requests,
    pub tester: Tester,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    /// Asks for the bureau.
    pub asker: Who,
    /// The same.
    pub other: Who,
    /// Answers for the first office.
    pub worker: Who,
    /// Of the second office, in which nobody answers.
    pub lonely: Who,
}

impl Deref for House {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

fn room(g: &Ground, tester: &Tester) -> Requests {
    Requests::new(
        g.place(),
        g.org.clone(),
        g.notices.clone(),
        (RequestKinds::read(&packs()).unwrap(), Calendar::default()),
        g.attachments(),
    )
    .with_owner(tester.clone())
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let (g, tester) = (Ground::new(t).await, Tester::default());
        let permissions = [requests::ASK, requests::ANSWER];
        let identity = g.identity(&packs(), &permissions).await;
        let bureau = g.unit(None, "B").await;
        let offices = [
            g.unit(Some(bureau), "O1").await,
            g.unit(Some(bureau), "O2").await,
        ];
        let who = async |no, unit, role, on| g.who(&identity, (no, unit), role, on).await;
        Self {
            asker: who("1", bureau, "asker", bureau).await,
            other: who("2", bureau, "asker", bureau).await,
            worker: who("3", offices[0], "worker", offices[0]).await,
            lonely: who("4", offices[1], "", offices[1]).await,
            requests: room(&g, &tester),
            tester,
            bureau,
            offices,
            ground: g,
        }
    }

    /// A second node on the same database.
    pub async fn second(&self, t: &TestDb) -> Self {
        let ground = self.second_node(t).await;
        let requests = room(&ground, &self.tester);
        Self {
            ground,
            requests,
            ..self.clone()
        }
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let eyes = self.eyes(who);
        let held = [(requests::ASK, eyes.asks), (requests::ANSWER, eyes.answers)];
        let room = requests::module(self.requests.clone());
        self.ground.app(room, Some(who), held)
    }

    /// What somebody sees: the bureau's for who asks, the first office's for who works there.
    pub fn eyes(&self, who: Who) -> Eyes {
        Eyes {
            account: who.account,
            person: Some(who.person),
            asks: who.holds(&["asker"]),
            answers: who.holds(&["worker"]),
        }
    }

    pub fn task(&self, title: &str) -> Ask {
        Ask {
            id: self.env.new_id(),
            kind: "task".into(),
            title: title.into(),
            detail: "按要求办理。".into(),
            unit: Some(self.offices[0]),
            person: None,
            due: Due::In {
                days: 5,
                working: true,
            },
            source: None,
            from: self.bureau,
        }
    }

    pub async fn ask(&self, ask: &Ask) -> Result<Id> {
        let eyes = self.eyes(self.asker);
        self.requests.ask_now(ask, &eyes, &self.asker.actor()).await
    }

    pub async fn act(&self, id: Id, act: requests::Act, who: Who) -> Result<requests::State> {
        let said = Said {
            text: "按期办结".into(),
            ..Said::default()
        };
        let eyes = self.eyes(who);
        self.requests.act(id, act, &said, &eyes, &who.actor()).await
    }

    pub async fn seen(&self, id: Id, who: Who) -> Result<(Request, Vec<String>)> {
        let (r, events, _) = self.requests.request(id, &self.eyes(who)).await?;
        Ok((r, events.into_iter().map(|e| e.act).collect()))
    }
}
