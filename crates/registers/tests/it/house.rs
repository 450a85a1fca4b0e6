//! A bureau with two offices and some people, a pack of registers for tests, and one node of the program.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use commons::packs::Packs;
use db::{Db, Migration};
use http_body_util::BodyExt;
use kernel::{AccountId, Date, Id, Scope, UnitId};
use ledger::{Fact, Ledger};
use organization::{NewUnit, Organization, read_rows};
use registers::{Attached, Given, New, RegisterBook, Registers};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

/// What the feature needs in a database.
pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        identity::MIGRATIONS,
        ledger::MIGRATIONS,
        notices::MIGRATIONS,
        registers::MIGRATIONS,
    ]
    .concat()
}

pub const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "测试", en = "Test" }

[[register]]
code = "honours"
name = { zh = "荣誉", en = "Honours" }
unit = { zh = "项", en = "honours" }
group = { zh = "甲", en = "A" }
class = "level"
review = true
late-after-days = 10
fields = [{ code = "level", name = { zh = "级别", en = "Level" }, kind = "choice", required = true, values = [
  { code = "national", name = { zh = "国家级", en = "National" } }, { code = "municipal", name = { zh = "市级", en = "Municipal" } }] }]

[[register]]
code = "disputes"
name = { zh = "纠纷", en = "Disputes" }
unit = { zh = "件", en = "disputes" }
group = { zh = "乙", en = "B" }
class = "kind"
number = "count"
numbers = ["minutes"]
closes = true
fields = [
  { code = "kind", name = { zh = "类型", en = "Kind" }, kind = "choice", values = [{ code = "family", name = { zh = "家庭", en = "Family" } }, { code = "land", name = { zh = "土地", en = "Land" } }] },
  { code = "count", name = { zh = "件数", en = "Number" }, kind = "number", required = true, least = 1, most = 1000, columns = ["数量（件）"] },
  { code = "minutes", name = { zh = "耗时", en = "Minutes" }, kind = "number", decimals = 1 },
  { code = "story", name = { zh = "情况", en = "Story" }, kind = "long" },
  { code = "with", name = { zh = "协办单位", en = "With" }, kind = "unit" },
]
people = { name = { zh = "办理人", en = "By" }, roles = [{ code = "lead", name = { zh = "主办", en = "Lead" } }] }

[[register]]
code = "reports"
name = { zh = "报告", en = "Reports" }
unit = { zh = "份", en = "reports" }
group = { zh = "乙", en = "B" }
categories = ["处室"]
evidence = "required"
review-every = { years = 2 }

[[register]]
code = "scores"
name = { zh = "成绩", en = "Scores" }
unit = { zh = "人次", en = "results" }
group = { zh = "乙", en = "B" }
number = "score"
fields = [{ code = "score", name = { zh = "分", en = "Score" }, kind = "number", required = true, decimals = 1, most = 100 }]
people = { name = { zh = "参加人", en = "Person" }, required = true, most = 1 }
"#;

pub fn registers() -> Registers {
    let packs = Packs::load(vec![("t.toml".into(), PACK.into())]).unwrap();
    Registers::read(&packs).unwrap()
}

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

/// 003 moves from the first to the second office on 1 July; 009 is in another bureau.
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期
001,甲某,O1,科长,2024-01-01,
002,<b>乙</b>,O1,,2024-01-01,
003,丙某,O1,,2024-01-01,2026-06-30
003,丙某,O2,,2026-07-01,
009,己某,X1,,2024-01-01,
";

/// One node of the program with its units.
#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub ledger: Ledger,
    pub org: Organization,
    pub book: RegisterBook,
    pub files: Files,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    pub elsewhere: UnitId,
    pub clerk: AccountId,
    pub leader: AccountId,
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
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
        let top = add(None, "T", "").await;
        let bureau = add(Some(top), "B", "县区局").await;
        let offices = [
            add(Some(bureau), "O1", "处室").await,
            add(Some(bureau), "O2", "处室").await,
        ];
        let elsewhere = add(Some(top), "X", "县区局").await;
        add(Some(elsewhere), "X1", "处室").await;
        let (rows, errors) = read_rows("t.csv", PERSONS.as_bytes()).unwrap();
        assert_eq!(errors, []);
        org.import(&rows, &Scope::All, None).await.unwrap();
        let files = Files::memory(t.env.clone());
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        let book = Self::book(t, t.db.clone(), &ledger, &org, &files);
        Self {
            db: t.db.clone(),
            ledger,
            org,
            book,
            files,
            bureau,
            offices,
            elsewhere,
            clerk: t.env.new_id(),
            leader: t.env.new_id(),
        }
    }

    fn book(
        t: &TestDb,
        db: Db,
        ledger: &Ledger,
        org: &Organization,
        files: &Files,
    ) -> RegisterBook {
        RegisterBook::new(
            db,
            t.env.clone(),
            ledger.clone(),
            org.clone(),
            registers(),
            files.clone(),
        )
    }

    /// A second node on the same database and files.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        let book = Self::book(t, db.clone(), &ledger, &org, &self.files);
        Self {
            db,
            ledger,
            org,
            book,
            ..self.clone()
        }
    }

    pub fn new_entry(&self, t: &TestDb, register: &str, title: &str, given: Given) -> New {
        New {
            id: t.env.new_id(),
            register: register.into(),
            unit: self.offices[0],
            given: Given {
                title: title.into(),
                date: if given.date.is_empty() {
                    "2026-11-18".into()
                } else {
                    given.date.clone()
                },
                ..given
            },
            source: "form",
            another: false,
        }
    }

    pub async fn record(&self, new: &New) -> kernel::Result<Id> {
        self.book.record(new, &Scope::All, self.clerk).await
    }

    /// Kind, role, quantity, date, of the facts that stand, in order.
    pub async fn facts(&self, id: Id) -> Vec<(String, Option<String>, Option<i64>, Date)> {
        let mut facts: Vec<_> = self
            .standing(id)
            .await
            .into_iter()
            .map(|f| (f.kind, f.role, f.quantity, f.date))
            .collect();
        facts.sort();
        facts
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

pub fn values(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = list.iter();
    pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect()
}

pub fn with(list: &[(&str, &str)]) -> Given {
    Given {
        values: values(list),
        ..Given::default()
    }
}

pub fn scan(name: &str) -> Attached {
    Attached {
        name: name.into(),
        sha256: commons::files::FileHash::of(name.as_bytes()).to_string(),
        size: 3,
    }
}

/// Field and key of what was refused.
pub fn refused<T: std::fmt::Debug>(result: kernel::Result<T>) -> Vec<(String, &'static str)> {
    match result.unwrap_err() {
        kernel::Error::Invalid(errors) => errors
            .into_iter()
            .map(|e| (e.field, e.message.key))
            .collect(),
        kernel::Error::Conflict(m) => vec![("conflict".into(), m.key)],
        kernel::Error::NotFound => vec![("".into(), "not-found")],
        other => panic!("{other}"),
    }
}

/// One entry of [`refused`].
pub fn why(field: &str, key: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.into(), key)]
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
        desk::module(desk::Desk::new(t.db.clone(), t.env.clone())),
        registers::module(h.book.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router);

impl App {
    pub fn new(h: &House, t: &TestDb, account: AccountId, grants: &[(&str, Scope)]) -> Self {
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
        Self(web::assemble(modules(h, t), options).expect("the modules fit together"))
    }

    /// Somebody who may do everything in a scope.
    pub fn all(h: &House, t: &TestDb, scope: Scope) -> Self {
        let grants = [
            registers::READ,
            registers::WRITE,
            registers::REVIEW,
            registers::REVERSE,
        ];
        Self::new(h, t, h.clerk, &grants.map(|p| (p, scope.clone())))
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
        let (kind, name, to) = (
            read(header::CONTENT_TYPE),
            read(header::CONTENT_DISPOSITION),
            read(header::LOCATION),
        );
        let body = response.into_body().collect().await.expect("a whole body");
        Answer {
            status,
            kind,
            name,
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

    /// A form in parts with files.
    pub async fn upload(&self, path: &str, files: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, bytes) in files {
            let head = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--cut--\r\n");
        let kind = "multipart/form-data; boundary=cut";
        self.send("POST", path, kind, body).await
    }

    /// Sends a file to the desk; gives its id.
    pub async fn lay_down(&self, name: &str, bytes: &[u8]) -> String {
        let path = format!(
            "/desk/uploads?name={}&size={}",
            web::encode(name),
            bytes.len()
        );
        let made = self.send("POST", &path, "application/octet-stream", vec![]);
        let made: serde_json::Value = serde_json::from_slice(&made.await.bytes).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/desk/uploads/{id}?from=0");
        let sent = self.send("PUT", &path, "application/octet-stream", bytes.to_vec());
        sent.await.page(200);
        id
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub name: String,
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

/// The values of a page's hidden inputs with a name.
pub fn hidden(page: &str, name: &str) -> Vec<String> {
    let mark = format!("name=\"{name}\" value=\"");
    let values = page.split(&mark).skip(1);
    let ends = values.filter_map(|rest| rest.split_once('"'));
    ends.map(|(value, _)| value.to_owned()).collect()
}
