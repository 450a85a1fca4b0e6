//! A bureau with two offices, a bank of questions, a keyring, and the office of examinations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::findings::{Finder, Finding, Found, Intake};
use commons::packs::Packs;
use crypt::{Keyring, Vault};
use db::{Migration, Tx};
use exams::{Details, ExamKinds, Exams, Office, Shows, Takes, Terms};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use identity::{Identity, SecuritySettings};
use kernel::{AccountId, Date, Env, Id, PersonId, Scope, Timestamp, UnitId};
use ledger::{Fact, Ledger};
use notices::{Contacts, Notices, Settings};
use organization::{NewUnit, Organization, read_rows};
use questions::{Bank, Draft, Key, Kind, Question, Questions, Verdict};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub fn migrations() -> Vec<Migration> {
    [
        crypt::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        organization::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        notices::MIGRATIONS,
        questions::MIGRATIONS,
        exams::MIGRATIONS,
    ]
    .concat()
}

pub fn kinds(text: &str) -> Result<ExamKinds, Vec<String>> {
    let packs = Packs::load(vec![("t.toml".into(), text.into())]).expect("a pack");
    let told = |p: Vec<commons::packs::PackProblem>| {
        let told = p
            .into_iter()
            .map(|p| format!("{}:{}", p.line, p.reason.key));
        told.collect()
    };
    ExamKinds::read(&packs).map_err(told)
}

/// Problems that somebody keeps, for whom the program has cases.
pub type Raised = Arc<Mutex<Vec<(Id, Finding)>>>;

struct Taken(Env, Raised);

impl Intake for Taken {
    fn raise<'a>(
        &'a self,
        _: &'a mut Tx,
        finding: &'a Finding,
        _: &'a Finder,
    ) -> BoxFuture<'a, kernel::Result<Id>> {
        let mut all = self.1.lock().unwrap();
        let same =
            |(_, f): &&(Id, Finding)| f.key == finding.key && f.source_id == finding.source_id;
        let known = all.iter().find(same).map(|(id, _)| *id);
        let id = known.unwrap_or_else(|| {
            let id = self.0.new_id();
            all.push((id, finding.clone()));
            id
        });
        Box::pin(async move { Ok(id) })
    }

    fn of_source<'a>(
        &'a self,
        _: &'a mut Tx,
        kind: &'a str,
        id: Id,
    ) -> BoxFuture<'a, kernel::Result<Vec<Found>>> {
        let all = self.1.lock().unwrap();
        let of = all
            .iter()
            .filter(|(_, f)| f.source_kind == kind && f.source_id == id);
        let found = |(n, (id, f)): (usize, &(Id, Finding))| Found {
            id: *id,
            key: f.key.clone(),
            number: format!("ZG-{n}"),
            href: format!("/cases/{id}"),
            closed: false,
        };
        let found: Vec<Found> = of.enumerate().map(found).collect();
        Box::pin(async move { Ok(found) })
    }
}

pub const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "测试", en = "Test" }

[[exam-kind]]
code = "quarterly-test"
gap = { below = 60, case = "problem", origin = "exam", area = "ability" }
name = { zh = "季度测试", en = "Quarterly test" }
"#;

/// Nobody has an address.
struct Nobody;

impl Contacts for Nobody {
    fn addresses<'a>(
        &'a self,
        _: &'a [PersonId],
    ) -> BoxFuture<'a, kernel::Result<HashMap<PersonId, String>>> {
        Box::pin(async { Ok(HashMap::new()) })
    }

    fn is_open(&self, _: AccountId, _: PersonId) -> BoxFuture<'_, kernel::Result<bool>> {
        Box::pin(async { Ok(true) })
    }
}

pub struct Bureau {
    pub office: Office,
    pub exams: Exams,
    pub questions: Questions,
    pub ledger: Ledger,
    pub org: Organization,
    pub identity: Identity,
    pub files: Files,
    pub bank: Bank,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    pub people: Vec<PersonId>,
    pub clerk: AccountId,
    pub reviewer: AccountId,
    pub vault: Vault,
    /// What was raised as problems.
    pub raised: Raised,
    pub notices: Notices,
    _ring: tempfile::TempDir,
}

impl Bureau {
    pub async fn new(t: &TestDb) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let add = async |parent, code: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: format!("单位{code}"),
                category: String::new(),
                from: Date::constant(2020, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let bureau = add(None, "B").await;
        let offices = [add(Some(bureau), "O1").await, add(Some(bureau), "O2").await];
        let people = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,O1,科长,2024-01-01,\n002,乙某,O1,科员,2024-01-01,\n003,丙某,O2,科员,2024-01-01,\n";
        let (rows, errors) = read_rows("t.csv", people.as_bytes()).unwrap();
        assert_eq!(errors, []);
        org.import(&rows, &Scope::All, None).await.unwrap();
        let roster = org
            .roster(bureau, t.env.today(), true, &Scope::All)
            .await
            .unwrap();
        let files = Files::memory(t.env.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        let ring = Keyring::create(&path, &t.env, crypt::AES).expect("a keyring");
        let vault = Vault::open(&t.db, &t.env, ring).await.expect("a vault");
        let exams = Exams::new(t.db.clone(), t.env.clone(), org.clone()).with_vault(vault.clone());
        let notices = Notices::new(t.db.clone(), t.env.clone(), Settings::default(), Nobody);
        let exams = exams
            .with_notices(notices.clone())
            .with_files(files.clone());
        let questions = Questions::new(t.db.clone(), t.env.clone(), org.clone(), files.clone());
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        let clerk: AccountId = t.env.new_id();
        let bank = Bank {
            id: t.env.new_id(),
            unit: bureau,
            name: "业务题库".into(),
            sealed: false,
        };
        questions
            .keep_bank(&bank, &Scope::All, clerk)
            .await
            .unwrap();
        let raised = Raised::default();
        let office = Office::new(
            exams.clone(),
            questions.clone(),
            ledger.clone(),
            kinds(PACK).expect("kinds"),
            Default::default(),
        )
        .with_address("https://suneng.test", true)
        .with_intake(Arc::new(Taken(t.env.clone(), raised.clone())));
        let identity = Identity::new(t.db.clone(), t.env.clone(), SecuritySettings::default());
        Self {
            office,
            exams,
            questions,
            ledger,
            org,
            identity,
            files,
            bank,
            bureau,
            offices,
            people: roster.iter().map(|r| r.person).collect(),
            clerk,
            reviewer: t.env.new_id(),
            vault,
            notices,
            raised,
            _ring: folder,
        }
    }

    /// Puts a question into the bank, in use.
    pub async fn question(&self, t: &TestDb, question: &Question) -> Id {
        let id: Id = t.env.new_id();
        self.put(id, None, question).await;
        id
    }

    pub async fn put(&self, id: Id, before: Option<i64>, question: &Question) {
        let draft = Draft {
            id,
            bank: self.bank.id,
            before,
            question,
            note: "",
        };
        self.questions
            .write(&draft, &Scope::All, self.clerk)
            .await
            .unwrap();
        let version = before.map_or(1, |v| v + 1);
        let pairs = [(id, version)];
        for (verdict, by) in [
            (Verdict::Propose, self.clerk),
            (Verdict::Accept, self.reviewer),
        ] {
            let told = self
                .questions
                .decide(&pairs, verdict, &Scope::All, by)
                .await
                .unwrap();
            assert!(
                told.iter().all(|(_, refused)| refused.is_none()),
                "{told:?}"
            );
        }
    }

    /// So many questions of a kind, point and difficulty, none like another.
    pub async fn stock(
        &self,
        t: &TestDb,
        count: usize,
        kind: Kind,
        point: &str,
        difficulty: u8,
    ) -> Vec<Id> {
        let mut ids = Vec::new();
        for n in 0..count {
            let mut question = distinct(t, kind, n);
            question.points = vec![point.to_owned()];
            question.difficulty = Some(difficulty);
            ids.push(self.question(t, &question).await);
        }
        ids
    }

    pub fn terms(&self, t: &TestDb) -> Terms {
        let now = t.env.now();
        Terms {
            unit: self.bureau,
            kind: "quarterly-test".into(),
            title: "第三季度业务测试".into(),
            opens: Timestamp(now.0 + 3_600 * Timestamp::SECOND),
            closes: Timestamp(now.0 + 7_200 * Timestamp::SECOND),
            seconds: 3_600,
            grace: 60,
            late: None,
            attempts: 1,
            takes: Takes::Best,
            pass: Some(4_000),
            shows: Shows::ByHand,
        }
    }

    /// A draft of the bureau's.
    pub async fn draft(&self, t: &TestDb) -> Id {
        let (id, terms) = (t.env.new_id(), self.terms(t));
        self.office
            .make(id, &terms, &Details::default(), &Scope::All, self.clerk)
            .await
            .unwrap()
    }

    pub async fn audited(&self, t: &TestDb, action: &str) -> i64 {
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
        let row = tx.one(sql, db::args![action]).await.unwrap();
        row.get(0).unwrap()
    }

    pub async fn standing(&self, t: &TestDb, id: Id) -> Vec<Fact> {
        let mut tx = t.db.read().await.unwrap();
        self.ledger.standing(&mut tx, id).await.unwrap()
    }
}

/// A question unlike every other: its words follow from chance.
pub fn distinct(t: &TestDb, kind: Kind, n: usize) -> Question {
    let word = |length: usize| -> String {
        let random = t.env.random::<32>();
        let letter = |b: &u8| char::from_u32(0x4e00 + u32::from(*b) * 37).unwrap_or('一');
        random.iter().take(length).map(letter).collect()
    };
    let mut question = Question::new(kind, format!("{}第{n}题{}", word(20), word(12)));
    if kind.is_choice() {
        question.options = ["甲说", "乙说", "丙说", "丁说"]
            .map(|o| format!("{o}{}", word(6)))
            .into();
        question.key = Key::Choices(
            if kind == Kind::Multiple { "AB" } else { "B" }
                .parse()
                .unwrap(),
        );
    }
    if kind == Kind::Judgement {
        question.key = Key::Truth(true);
    }
    question
}

/// What was refused.
pub fn refused<T: std::fmt::Debug>(result: kernel::Result<T>) -> Vec<(String, &'static str)> {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => {
            let errors = errors.into_iter();
            errors.map(|e| (e.field, e.message.key)).collect()
        }
        kernel::Error::Conflict(m) => vec![("conflict".into(), m.key)],
        kernel::Error::NotFound => vec![(String::new(), "not-found")],
        other => panic!("{other}"),
    }
}

pub fn modules(b: &Bureau, t: &TestDb) -> Vec<Module> {
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
            b.org.clone(),
            b.files.clone(),
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        ),
        desk::module(desk::Desk::new(t.db.clone(), t.env.clone())),
        questions::module(b.questions.clone()),
        exams::module(b.office.clone(), b.identity.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router);

pub struct Answer {
    pub status: StatusCode,
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
}

impl App {
    pub fn new(b: &Bureau, t: &TestDb, account: AccountId, grants: &[(&str, Scope)]) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
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
        Self(web::assemble(modules(b, t), options).expect("the modules fit together"))
    }

    /// An officer of the whole bureau.
    pub fn officer(b: &Bureau, t: &TestDb) -> Self {
        let grants = [exams::READ, exams::WRITE, exams::RESULTS, questions::READ];
        let scope = Scope::Under(vec![b.bureau]);
        Self::new(b, t, b.clerk, &grants.map(|p| (p, scope.clone())))
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .expect("a request");
        self.answer(request).await
    }

    async fn answer(&self, request: Request) -> Answer {
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let to = response.headers().get(header::LOCATION);
        let to = to.map_or("", |v| v.to_str().unwrap()).to_owned();
        let body = response.into_body().collect().await.expect("a whole body");
        Answer {
            status,
            to,
            bytes: body.to_bytes().to_vec(),
        }
    }

    /// As a sitting asks, which proves itself.
    pub async fn proved(
        &self,
        method: &str,
        path: &str,
        proof: &str,
        (kind, body): (&str, Vec<u8>),
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, kind)
            .header(header::AUTHORIZATION, proof)
            .body(Body::from(body))
            .expect("a request");
        self.answer(request).await
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

    pub async fn json(&self, method: &str, path: &str, body: &serde_json::Value) -> Answer {
        let body = body.to_string().into_bytes();
        self.send(method, path, "application/json", body).await
    }

    /// A form in parts, with a file.
    pub async fn file(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (name, bytes): (&str, &[u8]),
    ) -> Answer {
        let mut body = Vec::new();
        for (name, text) in fields {
            let part = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        self.send("POST", path, "multipart/form-data; boundary=cut", body)
            .await
    }
}

/// The value of a page's hidden input with a name.
pub fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let rest = page
        .split_once(&mark)
        .unwrap_or_else(|| panic!("{name}: {page}"))
        .1;
    rest.split_once('"').unwrap().0.to_owned()
}
