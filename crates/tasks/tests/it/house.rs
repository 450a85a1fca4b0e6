//! An invented bureau with two offices: who plans, who issues and judges, who reports, and a member of staff.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::findings::{Finder, Finding, Found, Intake};
use commons::packs::Packs;
use db::{Db, Migration, Tx};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use identity::{Actor, Identity, NewAccount, NewGrant, NewPassword, Roles, SecuritySettings};
use kernel::{AccountId, Calendar, Date, Env, Id, PersonId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, Sources};
use notices::{Contacts, Notices, Reader, Settings};
use organization::{NewAssignment, NewPerson, NewUnit, Organization};
use tasks::{
    Content, Eyes, ISSUE, NewPlan, PLAN, PlanAct, READ, REPORT, REVIEW, TaskFacts, TaskWords, Tasks,
};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

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
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        tasks::MIGRATIONS,
    ]
    .concat()
}

pub fn own_pack() -> &'static str {
    include_str!("../../../../packs/tasks-cn.toml")
}

pub fn packs() -> Packs {
    let files = vec![("tasks-cn.toml".to_owned(), own_pack().to_owned())];
    Packs::load(files).unwrap()
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

/// Keeps what is raised.
#[derive(Clone, Default)]
pub struct Drawer(Arc<Mutex<Vec<(Id, Finding)>>>);

impl Intake for Drawer {
    fn raise<'a>(
        &'a self,
        _: &'a mut Tx,
        f: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, Result<Id>> {
        let mut kept = self.0.lock().unwrap();
        let known = kept
            .iter()
            .find(|(_, k)| k.key == f.key && k.source_id == f.source_id);
        let id = known.map(|(id, _)| *id).unwrap_or_else(|| {
            let id = Id([kept.len() as u8 + 1; 16]);
            kept.push((id, f.clone()));
            id
        });
        async move { Ok(id) }.boxed()
    }

    fn of_source<'a>(
        &'a self,
        _: &'a mut Tx,
        _: &'a str,
        source: Id,
    ) -> BoxFuture<'a, Result<Vec<Found>>> {
        let kept = self.0.lock().unwrap();
        let own = kept.iter().filter(|(_, f)| f.source_id == source);
        let found = own.map(|(id, f)| Found {
            id: *id,
            key: f.key.clone(),
            number: "1".into(),
            href: format!("/cases/{id}"),
            closed: false,
        });
        let found: Vec<Found> = found.collect();
        async move { Ok(found) }.boxed()
    }
}

/// Somebody with a role in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub account: AccountId,
    pub person: PersonId,
    pub role: &'static str,
    pub on: UnitId,
}

impl Who {
    pub fn actor(self) -> Actor {
        self.account.into()
    }

    fn holds(self, role: &str) -> Scope {
        match self.role == role || self.role == "all" {
            true => Scope::Under(vec![self.on]),
            false => Scope::nothing(),
        }
    }

    pub fn eyes(self) -> Eyes {
        Eyes {
            account: self.account,
            person: Some(self.person),
            reads: match self.role {
                "" => Scope::nothing(),
                _ => Scope::Under(vec![self.on]),
            },
            plans: self.holds("planner"),
            issues: self.holds("leader"),
            reports: self.holds("reporter"),
            reviews: self.holds("leader"),
        }
    }
}

#[derive(Clone)]
pub struct House {
    pub env: Env,
    pub db: Db,
    pub ledger: Ledger,
    pub notices: Notices,
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

async fn on(db: &Db, env: &Env, drawer: &Drawer) -> (Organization, Ledger, Notices, Tasks) {
    let org = Organization::new(db.clone(), env.clone());
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Mailboxes);
    let desk = Desk::new(db.clone(), env.clone());
    let tasks = Tasks::new(
        (db.clone(), env.clone()),
        ledger.clone(),
        org.clone(),
        notices.clone(),
        (TaskWords::read(&packs()).unwrap(), Calendar::default()),
        Attachments::new(desk, Files::memory(env.clone())),
    )
    .with_intake(Arc::new(drawer.clone()))
    .with_sources(Sources::new(vec![Arc::new(TaskFacts)]));
    (org, ledger, notices, tasks)
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        let (db, env) = (t.db.clone(), t.env.clone());
        let (org, ledger, notices, tasks) = on(&db, &env, &Drawer::default()).await;
        let identity = Identity::new(db.clone(), env.clone(), SecuritySettings::default())
            .with_organization(org.clone());
        let roles = Packs::load(vec![("roles.toml".into(), ROLES.into())]).unwrap();
        let roles = Roles::read(&roles, PERMISSIONS).unwrap();
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
        let who = async |no: &str, unit, role: &'static str, on| {
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
            let by = organization::By::default();
            let person = org.add_person(&new, by, &Scope::All).await.unwrap();
            let grant = NewGrant {
                role: role.into(),
                unit: on,
                from: t.env.today(),
                to: None,
            };
            let new = NewAccount {
                login: format!("user{no}"),
                person: Some(person),
                unit: None,
                password: NewPassword::None,
                grants: if role.is_empty() { vec![] } else { vec![grant] },
            };
            let opened = identity
                .create_account(&Actor::default(), &new, &Scope::All)
                .await;
            Who {
                account: opened.unwrap().account,
                person,
                role,
                on,
            }
        };
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
            env,
            db,
            ledger,
            notices,
            tasks,
            bureau,
            offices,
        }
    }

    /// Another node on the same database.
    pub async fn node(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let (_, ledger, notices, tasks) = on(&db, &t.env, &Drawer::default()).await;
        Self {
            db,
            ledger,
            notices,
            tasks,
            ..self.clone()
        }
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

    /// An issued plan of 2026 with an entry for each office.
    pub async fn issued(&self) -> (Id, [Id; 2]) {
        let plan = self.plan(2026).await;
        let first = self
            .entry(plan, &self.content(self.offices[0], "评查案件"))
            .await;
        let second = self
            .entry(plan, &self.content(self.offices[1], "组织培训"))
            .await;
        self.act(plan, PlanAct::Ask, self.planner, "")
            .await
            .unwrap();
        self.act(plan, PlanAct::Issue, self.leader, "")
            .await
            .unwrap();
        (plan, [first, second])
    }

    /// Facts about something that stand: kind and role.
    pub async fn facts(&self, subject: Id) -> Vec<Fact> {
        let mut tx = self.db.read().await.unwrap();
        self.ledger.standing(&mut tx, subject).await.unwrap()
    }

    pub async fn roles(&self, subject: Id) -> Vec<String> {
        let facts = self.facts(subject).await.into_iter();
        let mut roles: Vec<String> = facts
            .map(|f| format!("{}/{}", f.kind, f.role.unwrap_or_default()))
            .collect();
        roles.sort();
        roles
    }

    pub async fn told(&self, who: Who) -> Vec<String> {
        let of = [Reader::Person(who.person)];
        let rows = self.notices.list(&of, false, None, 50).await.unwrap();
        rows.into_iter().map(|r| r.key).collect()
    }

    pub fn modules(&self) -> Vec<Module> {
        let texts = [
            commons::MESSAGES,
            identity::MESSAGES,
            organization::MESSAGES,
            desk::MESSAGES,
        ];
        let commons = Module {
            name: "commons",
            messages: texts
                .into_iter()
                .flatten()
                .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
                .collect(),
            ..Module::default()
        };
        vec![commons, tasks::module(self.tasks.clone())]
    }

    /// The program as somebody sees it; none: a stranger.
    pub fn app(&self, who: Option<Who>) -> App {
        let principal = who.map(|who| {
            let mut principal = Principal::new(who.account, "某人");
            principal.person = Some(who.person);
            let eyes = who.eyes();
            let held = [
                (READ, eyes.reads),
                (PLAN, eyes.plans),
                (ISSUE, eyes.issues),
                (REPORT, eyes.reports),
                (REVIEW, eyes.reviews),
            ];
            let held = held.into_iter().filter(|(_, scope)| !scope.is_empty());
            held.fold(principal, |p, (permission, scope)| {
                p.with(permission, scope)
            })
        });
        let mut options = Options::new(self.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(principal.clone());
                next.run(request)
            }))
        });
        App(web::assemble(self.modules(), options).expect("they fit together"))
    }
}

pub struct App(Router);

impl App {
    async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> (u16, Vec<u8>, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
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

    pub async fn bytes(&self, path: &str) -> (u16, Vec<u8>) {
        let (status, bytes, _) = self.send("GET", path, "text/plain", vec![]).await;
        (status, bytes)
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let (status, bytes) = self.bytes(path).await;
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Sends a form; gives where it leads, or the page that refused it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let pairs = fields.iter();
        let pairs = pairs.map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        let kind = "application/x-www-form-urlencoded";
        let (status, bytes, to) = self.send("POST", path, kind, body).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, if to.is_empty() { text } else { to })
    }

    /// Sends a form in parts, with a file when there is one.
    pub async fn parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &str)>,
    ) -> (u16, String) {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!(
                "--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        if let Some((name, text)) = file {
            body += &format!(
                "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{text}\r\n"
            );
        }
        body += "--cut--\r\n";
        let kind = "multipart/form-data; boundary=cut";
        let (status, bytes, to) = self.send("POST", path, kind, body.into_bytes()).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, if to.is_empty() { text } else { to })
    }

    pub async fn json(&self, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        let sent = body.to_string().into_bytes();
        let (status, bytes, _) = self.send("POST", path, "application/json", sent).await;
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

/// The value of a hidden field of a page.
pub fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page.split_once(&mark).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default().to_owned()
}
