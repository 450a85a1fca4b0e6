//! An invented bureau with two offices, heads, and people with passwords.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use commitments::{AnswerLists, Answering, Commitments, ISSUE, LetterKinds, READ};
use commons::packs::Packs;
use db::{Db, Migration};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use identity::{Actor, Identity, NewAccount, NewPassword, SecuritySettings};
use kernel::{AccountId, Date, Env, PersonId, Result, Scope, UnitId};
use ledger::Ledger;
use notices::{Contacts, Notices, Reader, Settings};
use organization::{By, NewAssignment, NewPerson, NewTie, NewUnit, Organization, RESPONSIBILITY};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub const PASSWORD: &str = "Qingshan-lvshui-89";

pub fn migrations() -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        commitments::MIGRATIONS,
    ]
    .concat()
}

pub fn packs() -> Packs {
    let own = include_str!("../../../../packs/commitments-cn.toml");
    Packs::load(vec![("commitments-cn.toml".to_owned(), own.to_owned())]).unwrap()
}

fn answering(commitments: &Commitments) -> Answering {
    let own = include_str!("../../../../packs/answering-cn.toml");
    let packs = Packs::load(vec![("answering-cn.toml".to_owned(), own.to_owned())]).unwrap();
    let lists = AnswerLists::read(&packs).unwrap();
    Answering::new(commitments.clone(), lists, kernel::Calendar::default())
}

struct Mailboxes;

impl Contacts for Mailboxes {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, Result<HashMap<PersonId, String>>> {
        async { Ok(HashMap::new()) }.boxed()
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, Result<bool>> {
        async { Ok(true) }.boxed()
    }
}

/// Somebody in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub account: AccountId,
    pub person: PersonId,
    /// Whether they give letters out for the bureau.
    pub issues: bool,
}

#[derive(Clone)]
pub struct House {
    pub env: Env,
    pub db: Db,

    pub ledger: Ledger,
    pub notices: Notices,
    pub commitments: Commitments,
    pub answering: Answering,
    pub org: Organization,
    identity: Identity,

    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    /// Leads the bureau and gives letters out.
    pub head: Who,
    /// In charge of the first and the second office.
    pub heads: [Who; 2],
    /// Of the first office.
    pub member: Who,
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let (db, env) = (t.db.clone(), t.env.clone());
        let org = Organization::new(db.clone(), env.clone());
        let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
        let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
        let identity = Identity::new(db.clone(), env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let kinds = LetterKinds::read(&packs()).unwrap();
        let parts = (db.clone(), env.clone());
        let commitments = Commitments::new(
            parts,
            ledger.clone(),
            org.clone(),
            notices.clone(),
            identity.clone(),
            kinds,
        );
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
        let who = async |no: &str, unit, charge: &str| {
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
            if !charge.is_empty() {
                let tie = NewTie {
                    kind: RESPONSIBILITY.into(),
                    staff_no: no.into(),
                    end: charge.into(),
                    to: None,
                    basis: String::new(),
                };
                let kinds = organization::BodyKinds::default();
                let from = Date::constant(2024, 1, 1);
                org.tie(&kinds, &tie, from, By::default(), &Scope::All)
                    .await
                    .unwrap();
            }
            let new = NewAccount {
                login: format!("user{no}"),
                person: Some(person),
                unit: None,
                password: NewPassword::Given(PASSWORD.into()),
                grants: vec![],
            };
            let opened = identity
                .create_account(&Actor::default(), &new, &Scope::All)
                .await;
            Who {
                account: opened.unwrap().account,
                person,
                issues: charge == "B",
            }
        };
        Self {
            head: who("1", bureau, "B").await,
            heads: [
                who("2", offices[0], "O1").await,
                who("3", offices[1], "O2").await,
            ],
            member: who("4", offices[0], "").await,

            db,
            env,

            ledger,
            notices,
            answering: answering(&commitments),
            commitments,
            org,
            identity,
            bureau,
            offices,
        }
    }

    /// Lists and reports on another node over the same database.
    pub async fn over(&self, db: Db) -> Answering {
        let ledger = Ledger::open(db.clone(), self.env.clone()).await.unwrap();
        let notices = Notices::new(db.clone(), self.env.clone(), Settings::default(), Mailboxes);
        let commitments = Commitments::new(
            (db.clone(), self.env.clone()),
            ledger,
            Organization::new(db, self.env.clone()),
            notices,
            self.identity.clone(),
            LetterKinds::read(&packs()).unwrap(),
        );
        answering(&commitments)
    }

    pub fn scope(&self) -> Scope {
        Scope::Under(vec![self.bureau])
    }

    pub async fn told(&self, who: Who) -> Vec<String> {
        let of = [Reader::Person(who.person)];
        let rows = self.notices.list(&of, false, None, 50).await.unwrap();
        rows.into_iter().map(|r| r.key).collect()
    }

    pub fn modules(&self) -> Vec<Module> {
        let commons = Module {
            name: "commons",
            messages: [commons::MESSAGES, identity::MESSAGES]
                .into_iter()
                .flatten()
                .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
                .collect(),
            ..Module::default()
        };
        vec![
            commons,
            commitments::module(self.commitments.clone(), self.answering.clone()),
            organization::module(
                self.org.clone(),
                commons::files::Files::memory(self.env.clone()),
                organization::Attributes::default(),
                organization::BodyKinds::default(),
            ),
        ]
    }

    /// The program as somebody sees it.
    pub fn app(&self, who: Who) -> App {
        let mut principal = Principal::new(who.account, "某人");
        principal.person = Some(who.person);
        if who.issues {
            principal = principal.with(READ, self.scope()).with(ISSUE, self.scope());
        }
        let mut options = Options::new(self.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        App(web::assemble(self.modules(), options).expect("they fit together"))
    }
}

pub struct App(Router);

impl App {
    pub async fn send(&self, method: &str, path: &str, body: String) -> (u16, Vec<u8>, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let to = response.headers().get(header::LOCATION);
        let to = to
            .map(|to| to.to_str().unwrap().to_owned())
            .unwrap_or_default();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, bytes.to_vec(), to)
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let (status, bytes, _) = self.send("GET", path, String::new()).await;
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let pairs = fields.iter();
        let pairs = pairs.map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let (status, bytes, to) = self
            .send("POST", path, pairs.collect::<Vec<_>>().join("&"))
            .await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, if to.is_empty() { text } else { to })
    }
}
