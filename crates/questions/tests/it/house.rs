//! A bureau with two offices, its bank, and one node of the program.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use commons::files::Files;
use db::{Db, Migration};
use http_body_util::BodyExt;
use kernel::{AccountId, Date, Id, Scope, UnitId};
use organization::{NewUnit, Organization};
use questions::{Bank, Counts, Draft, Key, Kind, Plan, Question, Questions, State, Taking};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

/// What the bank needs in a database.
pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        identity::MIGRATIONS,
        questions::MIGRATIONS,
    ]
    .concat()
}

/// One node of the program with its units and a bank.
#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub files: Files,
    pub questions: Questions,
    pub bureau: UnitId,
    pub elsewhere: UnitId,
    pub bank: Bank,
    pub writer: AccountId,
    pub reviewer: AccountId,
}

impl House {
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
        let top = add(None, "T").await;
        let bureau = add(Some(top), "B").await;
        let elsewhere = add(Some(top), "X").await;
        let files = Files::memory(t.env.clone());
        let questions = Questions::new(t.db.clone(), t.env.clone(), org.clone(), files.clone());
        let writer: AccountId = t.env.new_id();
        let bank = Bank {
            id: t.env.new_id(),
            unit: bureau,
            name: "业务题库".into(),
            sealed: false,
        };
        questions
            .keep_bank(&bank, &Scope::All, writer)
            .await
            .unwrap();
        Self {
            db: t.db.clone(),
            files,
            questions,
            bureau,
            elsewhere,
            bank,
            writer,
            reviewer: t.env.new_id(),
        }
    }

    /// The same bank seen by another node.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let questions = Questions::new(db.clone(), t.env.clone(), org.clone(), self.files.clone());
        Self {
            db,
            questions,
            ..self.clone()
        }
    }

    pub async fn write(&self, t: &TestDb, question: &Question) -> Id {
        let id: Id = t.env.new_id();
        self.put(id, None, question, &Scope::All).await.unwrap();
        id
    }

    /// Writes a question or a new version of one.
    pub async fn put(
        &self,
        id: Id,
        before: Option<i64>,
        question: &Question,
        scope: &Scope,
    ) -> kernel::Result<()> {
        let draft = Draft {
            id,
            bank: self.bank.id,
            before,
            question,
            note: "",
        };
        self.questions.write(&draft, scope, self.writer).await
    }

    /// Takes a file into the bank.
    pub async fn publish(&self, plan: &Plan, state: State) -> Counts {
        let taking = Taking {
            bank: self.bank.id,
            file: "题.jsonl",
            near: false,
            state,
            note: &|_| "第1行：没有标出正确选项".into(),
        };
        let done = self
            .questions
            .publish(plan, &taking, &Scope::All, self.writer)
            .await;
        done.unwrap()
    }

    pub async fn audited(&self, action: &str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action = $1";
        tx.one(sql, db::args![action])
            .await
            .unwrap()
            .get(0)
            .unwrap()
    }
}

/// A single choice whose stem and options differ from those of every other number.
pub fn numbered(n: usize) -> Question {
    let word = |k: usize| -> String {
        let mut random = questions::SplitMix::new(u64::try_from(n * 31 + k).unwrap());
        let letter = |r: &mut questions::SplitMix| {
            char::from_u32(0x4e00 + u32::try_from(r.below(8_000)).unwrap())
        };
        (0..14).filter_map(|_| letter(&mut random)).collect()
    };
    Question {
        options: (1..5).map(word).collect(),
        key: Key::Choices("B".parse().unwrap()),
        points: vec![format!("行政法/{}", ["复议", "诉讼"][n % 2])],
        difficulty: u8::try_from(n % 5 + 1).ok(),
        ..Question::new(Kind::Single, format!("第{n}题{}？", word(0)))
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
        desk::module(desk::Desk::new(t.db.clone(), t.env.clone())),
        questions::module(h.questions.clone()),
    ]
}

/// The program as one person sees it.
pub struct App(Router);

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub kind: String,
    pub to: String,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn page(&self, status: u16) -> String {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        assert_eq!(self.status.as_u16(), status, "{text}");
        text
    }

    /// Where it led to.
    pub fn led(&self) -> &str {
        assert_eq!(
            self.status,
            StatusCode::SEE_OTHER,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        &self.to
    }
}

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
        self.send("GET", path, "", Vec::new()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(n, v)| format!("{}={}", web::encode(n), web::encode(v)))
            .collect();
        let kind = "application/x-www-form-urlencoded";
        self.send("POST", path, kind, pairs.join("&").into_bytes())
            .await
    }

    /// A form in parts, with files by name and content.
    pub async fn parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .into_bytes(),
            );
        }
        for (name, file, bytes) in files {
            let head = format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        self.send("POST", path, "multipart/form-data; boundary=b", body)
            .await
    }
}

/// What stands in a hidden field.
pub fn hidden(page: &str, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .split_once(&mark)
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    let value = rest.split('"').next().unwrap();
    value.replace("&#x2f;", "/").replace("&amp;", "&")
}
