//! A bureau with two offices and some people, the packs of the product, and the program as one person sees it.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::{FileHash, Files};
use db::Migration;
use hours::{Attached, Given, HourFacts, Hours, New};
use http_body_util::BodyExt;
use kernel::{AccountId, Calendar, Date, Id, PersonId, Scope, UnitId};
use ledger::{Fact, Ledger, Sources};
use organization::{NewUnit, Organization, read_rows};
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
        hours::MIGRATIONS,
    ]
    .concat()
}

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

/// 003 moves from the first to the second office on 1 July; 009 is in another bureau.
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期
001,甲某,O1,科长,2020-01-01,
002,<b>乙</b>,O1,,2020-01-01,
003,丙某,O1,,2020-01-01,2026-06-30
003,丙某,O2,,2026-07-01,
009,己某,X1,,2020-01-01,
";

/// The house.
#[derive(Clone)]
pub struct House {
    pub db: db::Db,
    pub ledger: Ledger,
    pub org: Organization,
    pub hours: Hours,
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
                from: Date::constant(2015, 1, 1),
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
        let rules = crate::packs::product();
        let hours = Hours::new(
            (t.db.clone(), t.env.clone()),
            ledger.clone(),
            org.clone(),
            rules,
            Calendar::default(),
            files.clone(),
        );
        let sources = Sources::new(vec![std::sync::Arc::new(HourFacts(hours.rules().clone()))]);
        let hours = hours.with_sources(sources);
        Self {
            db: t.db.clone(),
            ledger,
            org,
            hours,
            files,
            bureau,
            offices,
            elsewhere,
            clerk: t.env.new_id(),
            leader: t.env.new_id(),
        }
    }

    /// A person by staff number.
    pub async fn person(&self, no: &str) -> PersonId {
        let found = self.org.search(no, &Scope::All, 5).await.unwrap();
        let one = found.people.into_iter().find(|p| p.staff_no == no);
        one.expect("a person").person
    }

    /// Gives a person an attribute from a day on.
    pub async fn set(&self, no: &str, attribute: &str, value: &str, from: Date) {
        let person = self.person(no).await;
        let mut args = db::Args::new();
        args.add(person);
        args.add(attribute);
        args.add(from);
        args.add(value);
        args.add(0i64);
        let sql = "INSERT INTO person_attribute (person, attribute, from_date, value, recorded_at) VALUES ($1, $2, $3, $4, $5)";
        db::transaction!(self.db, |tx| tx.execute(sql, args.clone()).await).unwrap();
    }

    /// An attendance as activities write it.
    pub async fn attended(&self, t: &TestDb, no: &str, category: &str, date: Date, minutes: i64) {
        let person = self.person(no).await;
        let unit = self.org.unit_of(person, date).await.unwrap().unwrap();
        let path = self.org.ancestors(unit).await.unwrap();
        db::transaction!(self.db, |tx| {
            let place = self.ledger.place(tx, &path).await?;
            let (id, subject): (kernel::FactId, Id) = (t.env.new_id(), t.env.new_id());
            let mut f = Fact::new(
                id,
                "attendance",
                place,
                date,
                subject,
                "roster",
                t.env.now(),
            );
            f.category = Some(category.into());
            f.role = Some("present".into());
            (f.person, f.minutes) = (Some(person), Some(minutes));
            self.ledger.append(tx, &[f]).await
        })
        .unwrap();
    }

    pub async fn new_record(&self, t: &TestDb, no: &str, given: Given) -> New {
        New {
            id: t.env.new_id(),
            person: self.person(no).await,
            given,
            source: "form",
        }
    }

    pub async fn standing_facts(&self, id: Id) -> Vec<Fact> {
        let mut tx = self.db.read().await.unwrap();
        self.ledger.standing(&mut tx, id).await.unwrap()
    }
}

/// A class of three days with a scan.
pub fn class(title: &str) -> Given {
    Given {
        title: title.into(),
        organiser: "省委党校".into(),
        way: "upper-class".into(),
        content: "政治理论".into(),
        from: "2026-05-11".into(),
        to: "2026-05-13".into(),
        hours: "22.5".into(),
        days: "3".into(),
        evidence: vec![scan("结业证.pdf")],
        ..Given::default()
    }
}

pub fn scan(name: &str) -> Attached {
    Attached {
        name: name.into(),
        sha256: FileHash::of(name.as_bytes()).to_string(),
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
        hours::module(h.hours.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router);

impl App {
    pub fn new(
        h: &House,
        t: &TestDb,
        (account, person): (AccountId, Option<PersonId>),
        grants: &[(&str, Scope)],
    ) -> Self {
        let mut principal = Principal::new(account, "林晓岚");
        principal.person = person;
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

    /// Somebody who holds nothing and stands for a person.
    pub fn oneself(h: &House, t: &TestDb, person: PersonId) -> Self {
        Self::new(h, t, (h.leader, Some(person)), &[])
    }

    /// Somebody who may do everything in a scope.
    pub fn all(h: &House, t: &TestDb, scope: Scope) -> Self {
        let grants = [hours::READ, hours::RECORD, hours::REVIEW];
        Self::new(h, t, (h.clerk, None), &grants.map(|p| (p, scope.clone())))
    }

    pub async fn send(&self, method: &str, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        self.asked((method, path), ("zh-CN", kind), body).await
    }

    /// A page in English.
    pub async fn in_english(&self, path: &str) -> Answer {
        self.asked(("GET", path), ("en", ""), vec![]).await
    }

    async fn asked(
        &self,
        (method, path): (&str, &str),
        (lang, kind): (&str, &str),
        body: Vec<u8>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::COOKIE, format!("lang={lang}"))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let read = |name| {
            let value = response.headers().get(name);
            value.map_or("", |v| v.to_str().unwrap()).to_owned()
        };
        let to = read(header::LOCATION);
        let body = response.into_body().collect().await.expect("a whole body");
        Answer {
            status,
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

    /// A form in parts with fields and files.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!(
                "--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(head.as_bytes());
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
