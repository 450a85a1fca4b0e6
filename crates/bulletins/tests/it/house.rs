//! A bureau with two offices, a pack of bulletins for tests, and one node of the program.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use bulletins::{BulletinFacts, BulletinKinds, Bulletins, Given, New};
use commons::files::Files;
use commons::packs::Packs;
use db::{Db, Migration};
use http_body_util::BodyExt;
use kernel::{AccountId, Date, Id, PersonId, Scope, UnitId};
use ledger::{Fact, Ledger, Sources};
use organization::{NewUnit, Organization, read_rows};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        identity::MIGRATIONS,
        ledger::MIGRATIONS,
        notices::MIGRATIONS,
        bulletins::MIGRATIONS,
    ]
    .concat()
}

pub const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "测试", en = "Test" }

[[bulletin]]
code = "work"
name = { zh = "工作简报", en = "Work bulletin" }
head = { zh = "{unit}工作简报", en = "Work bulletin of {unit}" }
house = true
sections = [{ code = "news", name = { zh = "工作动态", en = "News" } }]

[[bulletin]]
code = "drill"
name = { zh = "练兵简报", en = "Drills" }
head = { zh = "练兵简报", en = "Drills" }
counter = "running"
review = "above"
categories = ["处室"]
"#;

pub fn kinds(text: &str) -> Result<BulletinKinds, Vec<String>> {
    let packs = Packs::load(vec![("t.toml".into(), text.into())]).expect("a pack");
    let told = |p: Vec<commons::packs::PackProblem>| {
        let told = p
            .into_iter()
            .map(|p| format!("{}:{}", p.line, p.reason.key));
        told.collect()
    };
    BulletinKinds::read(&packs).map_err(told)
}

#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub ledger: Ledger,
    pub org: Organization,
    pub bulletins: Bulletins,
    pub files: Files,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    pub clerk: AccountId,
    pub leader: AccountId,
}

/// Something that was held, as another feature would say it.
struct Held;

impl ledger::Source for Held {
    fn owns(&self, kind: &str) -> bool {
        kind == "held"
    }

    fn href(&self, fact: &Fact) -> String {
        format!("/activities/{}", fact.subject)
    }

    fn part(&self, _: &Fact, _: &str) -> Option<ledger::Label> {
        None
    }

    fn titles<'a>(
        &'a self,
        _: &'a mut db::Tx,
        subjects: &'a [Id],
    ) -> futures::future::BoxFuture<'a, kernel::Result<std::collections::HashMap<Id, String>>> {
        Box::pin(async move {
            let named = subjects.iter().map(|id| (*id, "周五学习".to_owned()));
            Ok(named.collect())
        })
    }
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
        let bureau = add(None, "B", "县区局").await;
        let offices = [
            add(Some(bureau), "O1", "处室").await,
            add(Some(bureau), "O2", "处室").await,
        ];
        let people = "工号,姓名,单位编码,职务,起始日期,截止日期\n001,甲某,O1,科长,2024-01-01,\n";
        let (rows, errors) = read_rows("t.csv", people.as_bytes()).unwrap();
        assert_eq!(errors, []);
        org.import(&rows, &Scope::All, None).await.unwrap();
        let files = Files::memory(t.env.clone());
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        Self {
            bulletins: Self::feature(t, &t.db, &ledger, &org, &files),
            db: t.db.clone(),
            ledger,
            org,
            files,
            bureau,
            offices,
            clerk: t.env.new_id(),
            leader: t.env.new_id(),
        }
    }

    fn feature(
        t: &TestDb,
        db: &Db,
        ledger: &Ledger,
        org: &Organization,
        files: &Files,
    ) -> Bulletins {
        let kinds = kinds(PACK).expect("kinds");
        let parts = (db.clone(), t.env.clone());
        let bulletins = Bulletins::new(parts, ledger.clone(), org.clone(), kinds, files.clone());
        let own = BulletinFacts(bulletins.kinds().clone());
        let sources = Sources::new(vec![std::sync::Arc::new(own), std::sync::Arc::new(Held)]);
        bulletins.with_sources(sources)
    }

    /// A second node on the same database and files.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        Self {
            bulletins: Self::feature(t, &db, &ledger, &org, &self.files),
            db,
            ledger,
            org,
            ..self.clone()
        }
    }

    pub fn new_one(&self, t: &TestDb, kind: &str, title: &str) -> New {
        New {
            id: t.env.new_id(),
            kind: kind.into(),
            unit: self.offices[0],
            given: Given {
                title: title.into(),
                section: if kind == "work" { "news" } else { "" }.into(),
                text: "第一段\n\n第二段".into(),
                ..Given::default()
            },
            propose: true,
        }
    }

    pub async fn proposed(&self, t: &TestDb, kind: &str, title: &str) -> Id {
        let new = self.new_one(t, kind, title);
        self.bulletins
            .write(&new, &Scope::All, self.clerk)
            .await
            .unwrap()
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

    pub async fn person(&self) -> PersonId {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT id FROM person WHERE staff_no = '001'";
        tx.one(sql, db::args![]).await.unwrap().get(0).unwrap()
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
        desk::module(desk::Desk::new(t.db.clone(), t.env.clone())),
        bulletins::module(h.bulletins.clone()),
    ]
}

/// Words of the test, and nothing kept.
struct Words;

impl web::SecrecyCheck for Words {
    fn find(&self, text: &str) -> Vec<String> {
        let found = text.contains("绝密").then(|| "绝密".to_owned());
        found.into_iter().collect()
    }

    fn confirmed<'a>(
        &'a self,
        _: &'a web::Access,
        _: &'a str,
        _: &'a [String],
    ) -> futures::future::BoxFuture<'a, kernel::Result<()>> {
        Box::pin(async { Ok(()) })
    }
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
}

impl App {
    pub fn new(h: &House, t: &TestDb, account: AccountId, grants: &[(&str, Scope)]) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
        for (permission, scope) in grants {
            principal = principal.with(*permission, scope.clone());
        }
        let mut options = Options::new(t.env.clone());
        options.secrecy = Some(std::sync::Arc::new(Words));
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        Self(web::assemble(modules(h, t), options).expect("the modules fit together"))
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
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
        files: &[(&str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, text) in fields {
            let part = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
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
