//! An invented bureau with two offices and a station, people in roles, the product's checklists, one node of the program.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::findings::{Finder, Finding, Found, Intake, Mended};
use commons::packs::{Name, PackProblem, Packs};
use db::{Db, Migration, Tx};
use desk::{Attachments, Desk};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use identity::Actor;
use inspections::{Checklists, Eyes, FindingWords, Inspections};
use kernel::{AccountId, Calendar, Date, Id, PersonId, Scope, UnitId};
use ledger::{Fact, Ledger};
use notices::{Contacts, Notices, Settings};
use organization::{By, NewAssignment, NewPerson, NewUnit, Organization};
use requests::{RequestKinds, Requests};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub fn migrations() -> Vec<Migration> {
    [
        db::jobs::MIGRATIONS,
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        requests::MIGRATIONS,
        inspections::MIGRATIONS,
    ]
    .concat()
}

pub const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "测试", en = "Test" }

[[inspection-kind]]
code = "self"
mode = "self"
name = { zh = "自查", en = "Self-check" }
origin = "self-check"

[[inspection-kind]]
code = "inspection"
mode = "inspection"
name = { zh = "督导检查", en = "Inspection" }
recusal-months = 24
objection-days = 5
case-kind = "problem"
origin = "supervision"

[[inspection-kind]]
code = "review"
mode = "review"
name = { zh = "案卷评查", en = "File review" }
objection-days = 5

[[request-kind]]
code = "inspection"
name = { zh = "检查", en = "Inspection" }
days = 10

[[form]]
code = "upper"
version = 1
from = "2026-01-01"
name = { zh = "学习督导表", en = "Study" }
basis = { zh = "督导方案", en = "Plan" }
[[form.section]]
code = "held"
title = { zh = "组织学习", en = "Held" }
[[form.section.item]]
code = "plan"
text = { zh = "有学习计划", en = "There is a plan" }
kind = { is = "check" }
points = 40000
severity = "minor"
field = "political"
[[form.section.item]]
code = "times"
text = { zh = "学习次数", en = "How often" }
kind = { is = "count", at-least = 4 }
points = 60000
[[form.section]]
code = "words"
title = { zh = "意见", en = "Words" }
[[form.section.item]]
code = "advice"
text = { zh = "意见", en = "Advice" }
kind = { is = "text", most = 100 }
required = false
"#;

pub fn packs(text: &str) -> Packs {
    Packs::load(vec![("t.toml".into(), text.into())]).expect("a pack")
}

/// Line and key of each problem.
pub fn problems(list: &[PackProblem]) -> Vec<String> {
    let told = list.iter().map(|p| format!("{}:{}", p.line, p.reason.key));
    told.collect()
}

/// Somebody who keeps findings: the same key once.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<(Id, Finding)>>, pub Mutex<Vec<Mended>>);

impl Intake for Kept {
    fn raise<'a>(
        &'a self,
        _: &'a mut Tx,
        finding: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, kernel::Result<Id>> {
        async move {
            let mut kept = self.0.lock().unwrap();
            if let Some((id, _)) = kept.iter().find(|(_, f)| f.key == finding.key) {
                return Ok(*id);
            }
            let n = kept.len() as u8 + 1;
            kept.push((Id([n; 16]), finding.clone()));
            Ok(Id([n; 16]))
        }
        .boxed()
    }

    fn raise_mended<'a>(
        &'a self,
        tx: &'a mut Tx,
        finding: &'a Finding,
        mended: &'a Mended,
        by: &'a Finder,
    ) -> BoxFuture<'a, kernel::Result<Id>> {
        self.1.lock().unwrap().push(mended.clone());
        self.raise(tx, finding, by)
    }

    fn of_source<'a>(
        &'a self,
        _: &'a mut Tx,
        _: &'a str,
        id: Id,
    ) -> BoxFuture<'a, kernel::Result<Vec<Found>>> {
        async move {
            let kept = self.0.lock().unwrap();
            let of = kept.iter().filter(|(_, f)| f.source_id == id);
            let found = of.map(|(id, f)| Found {
                id: *id,
                key: f.key.clone(),
                number: format!("问〔{}〕", id.0[0]),
                href: format!("/cases/{id}"),
                closed: false,
            });
            Ok(found.collect())
        }
        .boxed()
    }
}

struct Mailboxes;

impl Contacts for Mailboxes {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, kernel::Result<std::collections::HashMap<PersonId, String>>> {
        async { Ok(std::collections::HashMap::new()) }.boxed()
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, kernel::Result<bool>> {
        async { Ok(true) }.boxed()
    }
}

/// Somebody with an account; where they may what is said with each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub account: AccountId,
    pub person: PersonId,
}

impl Who {
    pub fn actor(self) -> Actor {
        self.account.into()
    }

    pub fn eyes(self, plans: Scope, fills: Scope, reviews: Scope) -> Eyes {
        Eyes {
            account: self.account,
            on_behalf: None,
            person: Some(self.person),
            reads: Scope::nothing(),
            plans,
            fills,
            reviews,
        }
    }

    /// A member of a team without any permission.
    pub fn bare(self) -> Eyes {
        self.eyes(Scope::nothing(), Scope::nothing(), Scope::nothing())
    }
}

#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub ledger: Ledger,
    pub org: Organization,
    pub requests: Requests,
    pub room: Inspections,
    pub files: Files,
    pub kept: Arc<Kept>,
    pub bureau: UnitId,
    /// O1 and O2, offices (处室).
    pub offices: [UnitId; 2],
    /// S1, a station (所) below O1.
    pub station: UnitId,
    /// Of the bureau: plans.
    pub planner: Who,
    /// Of the bureau: decides.
    pub leader: Who,
    /// Of O1.
    pub clerk: Who,
    /// Of O2, of O1 until 2026-06.
    pub moved: Who,
    /// Of the bureau: inspects.
    pub inspector: Who,
}

fn words() -> FindingWords {
    let name = |zh: &str| Name {
        zh: zh.into(),
        en: zh.into(),
    };
    FindingWords {
        severities: vec![
            ("grave".into(), name("严重")),
            ("minor".into(), name("一般")),
        ],
        areas: vec![("political".into(), name("政治建设"))],
    }
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        Self::with(t, PACK).await
    }

    pub async fn with(t: &TestDb, pack: &str) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let add = async |parent, code: &str, category: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: format!("单位{code}"),
                category: category.into(),
                from: Date::constant(2020, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let bureau = add(None, "B", "县区局").await;
        let offices = [
            add(Some(bureau), "O1", "处室").await,
            add(Some(bureau), "O2", "处室").await,
        ];
        let station = add(Some(offices[0]), "S1", "所").await;
        let day = Date::constant;
        let who = async |no: &str, unit, until: Option<(Date, UnitId)>| {
            let assignment = |unit, from, to| NewAssignment {
                unit,
                post: String::new(),
                from,
                to,
                primary: true,
                nature: Default::default(),
            };
            let before = until.map(|(day, _)| day.yesterday().unwrap());
            let new = NewPerson {
                staff_no: no.into(),
                name: format!("人员{no}"),
                assignment: assignment(unit, day(2024, 1, 1), before),
            };
            let person = org
                .add_person(&new, By::default(), &Scope::All)
                .await
                .unwrap();
            if let Some((day, unit)) = until {
                let next = assignment(unit, day, None);
                org.assign(person, &next, By::default(), &Scope::All)
                    .await
                    .unwrap();
            }
            let account = t.env.new_id();
            Self::account(&t.db, account, person, no).await;
            Who { account, person }
        };
        let planner = who("001", bureau, None).await;
        let leader = who("002", bureau, None).await;
        let clerk = who("003", offices[0], None).await;
        let moved = who("004", offices[0], Some((day(2026, 6, 1), offices[1]))).await;
        let inspector = who("005", bureau, None).await;
        let files = Files::memory(t.env.clone());
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        let kept = Arc::new(Kept::default());
        let (requests, room) = Self::rooms(t, &t.db, (&ledger, &org, &files), pack, &kept);
        assert_eq!(problems(&room.keep_packs().await.unwrap()), [""; 0]);
        Self {
            db: t.db.clone(),
            ledger,
            org,
            requests,
            room,
            files,
            kept,
            bureau,
            offices,
            station,
            planner,
            leader,
            clerk,
            moved,
            inspector,
        }
    }

    async fn account(db: &Db, account: AccountId, person: PersonId, login: &str) {
        let sql = "INSERT INTO account (id, login, person, failures, created_at) VALUES ($1, $2, $3, 0, 0)";
        let done: kernel::Result<u64> = db::transaction!(db, |tx| tx
            .execute(sql, db::args![account, login, person])
            .await);
        done.unwrap();
    }

    fn rooms(
        t: &TestDb,
        db: &Db,
        (ledger, org, files): (&Ledger, &Organization, &Files),
        pack: &str,
        kept: &Arc<Kept>,
    ) -> (Requests, Inspections) {
        let packs = packs(pack);
        let parts = || (db.clone(), t.env.clone());
        let notices = Notices::new(db.clone(), t.env.clone(), Settings::default(), Mailboxes);
        let requests = Requests::new(
            parts(),
            org.clone(),
            notices.clone(),
            (RequestKinds::read(&packs).unwrap(), Calendar::default()),
            Attachments::new(Desk::new(db.clone(), t.env.clone()), files.clone()),
        );
        let lists = Checklists::read(&packs).unwrap();
        let room = Inspections::new(parts(), ledger.clone(), org.clone(), lists, files.clone())
            .with_notices(notices)
            .with_requests(requests.clone())
            .with_intake(kept.clone(), words());
        (requests, room)
    }

    /// A second node on the same database and files.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        let parts = (&ledger, &org, &self.files);
        let (requests, room) = Self::rooms(t, &db, parts, PACK, &self.kept);
        Self {
            db,
            ledger,
            org,
            requests,
            room,
            ..self.clone()
        }
    }

    pub async fn standing(&self, id: Id) -> Vec<Fact> {
        let mut tx = self.db.read().await.unwrap();
        self.ledger.standing(&mut tx, id).await.unwrap()
    }

    pub async fn audited(&self, action: &str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
        let row = tx.one(sql, db::args![action]).await.unwrap();
        row.get(0).unwrap()
    }
}

/// Field and key of what was refused.
pub fn refused<T: std::fmt::Debug>(result: kernel::Result<T>) -> Vec<(String, &'static str)> {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => {
            let errors = errors.into_iter();
            errors.map(|e| (e.field, e.message.key)).collect()
        }
        kernel::Error::Conflict(m) => vec![("conflict".into(), m.key)],
        kernel::Error::NotFound => vec![(String::new(), "not-found")],
        kernel::Error::Forbidden => vec![(String::new(), "forbidden")],
        other => panic!("{other}"),
    }
}

pub fn modules(h: &House, t: &TestDb) -> Vec<Module> {
    let texts = commons::MESSAGES.iter();
    let commons = Module {
        name: "commons",
        messages: texts
            .filter_map(|(tag, text)| Some((Lang::from_code(tag)?, *text)))
            .collect(),
        ..Module::default()
    };
    vec![
        commons,
        organization::module(
            h.org.clone(),
            h.files.clone(),
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        ),
        desk::module(Desk::new(t.db.clone(), t.env.clone())),
        inspections::module(h.room.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router);

pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The page, which must have this status.
    pub fn page(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.text()
    }

    /// Where one is led on; the form was taken.
    pub fn taken(&self) -> String {
        assert_eq!(self.status.as_u16(), 303, "{}", self.text());
        self.to.clone()
    }
}

impl App {
    pub fn new(h: &House, t: &TestDb, who: Who, grants: &[(&str, Scope)]) -> Self {
        let mut principal = Principal::new(who.account, "林晓岚");
        principal.person = Some(who.person);
        for (permission, scope) in grants {
            principal = principal.with(*permission, scope.clone());
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(modules(h, t), options).expect("the modules fit together"))
    }

    pub async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let read = |name| {
            let value = response.headers().get(name);
            value.map_or("", |v| v.to_str().unwrap()).to_owned()
        };
        let (kind, to) = (read(header::CONTENT_TYPE), read(header::LOCATION));
        let body = response.into_body().collect().await.expect("a whole body");
        Answer {
            status,
            kind,
            to,
            bytes: body.to_bytes().to_vec(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", vec![]).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs = fields
            .iter()
            .map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&").into_bytes();
        let kind = "application/x-www-form-urlencoded";
        self.send("POST", path, kind, body).await
    }

    /// A form in parts, with files.
    pub async fn parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, text) in fields {
            let part = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        for (field, name, bytes) in files {
            let head = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let kind = "multipart/form-data; boundary=cut";
        self.send("POST", path, kind, body).await
    }
}

/// The value of a page's first hidden input with a name.
pub fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page
        .split_once(&mark)
        .unwrap_or_else(|| panic!("{name}: {page}"))
        .1;
    rest.split_once('"').unwrap().0.to_owned()
}
