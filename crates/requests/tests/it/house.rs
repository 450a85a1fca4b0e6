//! An invented bureau with two offices, people in roles, and a kind that a feature answers itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use commons::packs::Packs;
use db::{Db, Migration, Tx, args};
use desk::{Attachments, Desk};
use futures::future::BoxFuture;
use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{AccountId, Calendar, Date, Env, Id, PersonId, Result, Scope, UnitId};
use notices::{Contacts, Notices, Reader, Settings};
use organization::{By, NewAssignment, NewPerson, NewUnit, Organization};
use requests::{Ask, Due, Eyes, Owner, Request, RequestKinds, Requests, Said};
use testkit::TestDb;

pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        requests::MIGRATIONS,
    ]
    .concat()
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
    let files = vec![
        ("requests-cn.toml".to_owned(), own.to_owned()),
        ("more.toml".to_owned(), PACK.to_owned()),
    ];
    Packs::load(files).unwrap()
}

struct Nobody;

impl Contacts for Nobody {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }
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

/// Somebody with a role in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub account: AccountId,
    pub person: PersonId,
}

impl Who {
    pub fn actor(self) -> Actor {
        self.account.into()
    }
}

#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub env: Env,
    pub org: Organization,
    pub notices: Notices,
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

fn on(db: &Db, env: &Env, tester: &Tester) -> (Organization, Notices, Requests) {
    let org = Organization::new(db.clone(), env.clone());
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Nobody);
    let desk = Desk::new(db.clone(), env.clone());
    let requests = Requests::new(
        (db.clone(), env.clone()),
        org.clone(),
        notices.clone(),
        (RequestKinds::read(&packs()).unwrap(), Calendar::default()),
        Attachments::new(desk, commons::files::Files::memory(env.clone())),
    )
    .with_owner(tester.clone());
    (org, notices, requests)
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let tester = Tester::default();
        let (org, notices, requests) = on(&t.db, &t.env, &tester);
        let identity = Identity::new(t.db.clone(), t.env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let roles = Roles::read(&packs(), &[requests::ASK, requests::ANSWER]).unwrap();
        identity.sync_roles(&roles).await.unwrap();
        let add = async |parent, code: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: format!("单位{code}"),
                category: String::new(),
                from: Date::constant(2024, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let bureau = add(None, "B").await;
        let offices = [add(Some(bureau), "O1").await, add(Some(bureau), "O2").await];
        let who = async |no: &str, unit, role: &str, on| {
            let new = NewPerson {
                staff_no: no.into(),
                name: format!("人员{no}"),
                assignment: NewAssignment {
                    unit,
                    post: String::new(),
                    from: Date::constant(2024, 1, 1),
                    to: None,
                    primary: true,
                    nature: Default::default(),
                },
            };
            let person = org
                .add_person(&new, By::default(), &Scope::All)
                .await
                .unwrap();
            let grants = match role {
                "" => vec![],
                role => vec![NewGrant {
                    role: role.into(),
                    unit: on,
                    from: t.env.today(),
                    to: None,
                }],
            };
            let new = NewAccount {
                login: format!("user{no}"),
                person: Some(person),
                unit: None,
                password: NewPassword::None,
                grants,
            };
            let nobody = Actor::default();
            let opened = identity.create_account(&nobody, &new, &Scope::All).await;
            let account = opened.unwrap().account;
            Who { account, person }
        };
        let asker = who("1", bureau, "asker", bureau).await;
        let other = who("2", bureau, "asker", bureau).await;
        let worker = who("3", offices[0], "worker", offices[0]).await;
        let lonely = who("4", offices[1], "", offices[1]).await;
        Self {
            db: t.db.clone(),
            env: t.env.clone(),
            org,
            notices,
            requests,
            tester,
            bureau,
            offices,
            asker,
            other,
            worker,
            lonely,
        }
    }

    /// A second node on the same database.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let (org, notices, requests) = on(&db, &t.env, &self.tester);
        Self {
            db,
            org,
            notices,
            requests,
            ..self.clone()
        }
    }

    /// What somebody sees: the bureau's for who asks, the first office's for who works there.
    pub fn eyes(&self, who: Who) -> Eyes {
        let under = |yes: bool, unit| match yes {
            true => Scope::Under(vec![unit]),
            false => Scope::nothing(),
        };
        Eyes {
            account: who.account,
            person: Some(who.person),
            asks: under(who == self.asker || who == self.other, self.bureau),
            answers: under(who == self.worker, self.offices[0]),
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

    /// Keys of what somebody was told, the oldest first.
    pub async fn told(&self, who: Who) -> Vec<String> {
        let of = [Reader::Person(who.person)];
        let rows = self.notices.list(&of, false, None, 100).await.unwrap();
        rows.into_iter().rev().map(|r| r.key).collect()
    }

    pub async fn audited(&self, action: &'static str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
        tx.one(sql, args![action]).await.unwrap().get(0).unwrap()
    }
}

/// Field and key of what was refused.
pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => errors
            .into_iter()
            .map(|e| (e.field, e.message.key))
            .collect(),
        kernel::Error::Conflict(m) => vec![("conflict".into(), m.key)],
        kernel::Error::NotFound => vec![(String::new(), "not-found")],
        kernel::Error::Forbidden => vec![(String::new(), "forbidden")],
        other => panic!("{other}"),
    }
}

pub fn why(field: &str, key: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.into(), key)]
}
