//! A bureau with two offices and four people, its sessions of two years, and the program over it.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use commons::packs::Packs;
use commons::packs::levels::Levels;
use db::Migration;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use indicators::{Figure, IndicatorList, Indicators, Ratio};
use kernel::{AccountId, Date, FactId, Id, Period, PersonId, ReportId, Result, Scope, UnitId};
use ledger::{Fact, Ledger, Sources};
use notices::{Contacts, Notices, Settings};
use organization::{NewUnit, Organization, read_rows};
use reports::{Reports, Templates, Wanted};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub fn migrations() -> Vec<Migration> {
    let all = [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        ledger::MIGRATIONS,
        identity::MIGRATIONS,
        guard::MIGRATIONS,
        notices::MIGRATIONS,
        reports::MIGRATIONS,
    ];
    all.concat()
}

pub fn day(year: i16, month: i8, day: i8) -> Date {
    Date::constant(year, month, day)
}

/// This year so far: the clock stands at 20 November 2026.
pub fn so_far() -> Period {
    Period {
        from: day(2026, 1, 1),
        to: day(2026, 11, 20),
    }
}

const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期
1,甲某,A,,2024-01-01,
2,乙某,A,,2024-01-01,
3,丙某,A,,2024-01-01,
4,丁某,B,,2024-01-01,
";

/// A form with three blanks, one of which no record fills.
const FORM: &str = r#"
[pack]
code = "form"
version = "1"
name = { zh = "填报", en = "Form" }

[[indicator]]
code = "visits"
name = { zh = "走访", en = "Visits" }
unit = { zh = "次", en = "visits" }
definition = { zh = "走访的场次", en = "Visits, by session" }
shown-for = ["县法院"]
measure = "count"
of = { where = { kind = "held", category = "visit" }, axis = "host" }

[[report]]
code = "study-form"
form = true
name = { zh = "学习填报", en = "Study form" }
title = { zh = "{unit}学习填报", en = "Study form of {unit}" }
paragraphs = [
  { zh = "学习{study-sessions}，参学{study-attendances}，走访{visits}。", en = "Studied {study-sessions} with {study-attendances}, visited {visits}." },
]
table = ["study-sessions"]

[[report]]
code = "weekly"
schedule = { every = "week", day = 1, for = ["处室"] }
name = { zh = "周报", en = "Weekly" }
title = { zh = "{unit}{period}学习周报", en = "Week of {unit}, {period}" }
paragraphs = [
  { zh = "本周学习{study-sessions}。", en = "Studied {study-sessions}." },
]
table = ["study-sessions"]

[[report]]
code = "doubtful"
name = { zh = "通报", en = "Circular" }
title = { zh = "{unit}学习通报", en = "Circular of {unit}" }
paragraphs = [
  { zh = "参学{study-attendances}。", en = "With {study-attendances}." },
  { zh = "本院和澜江县司法局共学习12场。", en = "Studied with others." },
]
table = ["study-sessions"]
"#;

/// Ledger, indicators and reports over a database of the test.
async fn rooms(t: &TestDb, db: db::Db, org: &Organization) -> (Ledger, Indicators, Reports) {
    let text = include_str!("../../../../packs/weekly-study.toml");
    let checks = include_str!("../../../../packs/papers-cn.toml");
    let packs = Packs::load(vec![
        ("weekly-study.toml".into(), text.into()),
        ("papers-cn.toml".into(), checks.into()),
        ("form.toml".into(), FORM.into()),
    ]);
    let packs = packs.unwrap();
    let list = IndicatorList::read(&packs).unwrap();
    let templates = Templates::read(&packs, &list).unwrap();
    let env = t.env.clone();
    let ledger = Ledger::open(db.clone(), env.clone()).await.unwrap();
    ledger.define(&list.definitions()).await.unwrap();
    let indicators = Indicators::new(
        env.clone(),
        ledger.clone(),
        org.clone(),
        list,
        Sources::default(),
    )
    .with_audit(db.clone());
    let text = include_str!("../../../../packs/secrecy-cn.toml");
    let packs = Packs::load(vec![("secrecy-cn.toml".into(), text.into())]).unwrap();
    let notices = Notices::new(db.clone(), env.clone(), Settings::default(), Nobody);
    let (db_of, env_of) = (db.clone(), env.clone());
    let reports = Reports::new(db, env, org.clone(), indicators.clone(), templates)
        .with_levels(Levels::read(&packs).unwrap())
        .with_notices(notices)
        .with_guard(guard::Guard::new(db_of, env_of, org.clone()));
    (ledger, indicators, reports)
}

/// Nobody has an address.
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

pub struct House {
    pub ledger: Ledger,
    pub indicators: Indicators,
    pub reports: Reports,
    pub top: UnitId,
    pub a: UnitId,
    pub b: UnitId,
    pub clerk: AccountId,
    /// The facts of the last session: the persons 1 and 4 at office B.
    pub last: Vec<FactId>,
    pub org: Organization,
    env: kernel::Env,
    pub people: Vec<PersonId>,
}

impl House {
    /// Lets the clock draft every week for all units: proposed by one, confirmed by another.
    pub async fn let_weekly(&self, t: &TestDb) -> kernel::Id {
        let guard = guard::Guard::new(t.db.clone(), t.env.clone(), self.org.clone());
        let today = t.env.today();
        let new = guard::New {
            id: t.env.new_id(),
            switch: guard::Switch::WeeklyDigest,
            unit: self.top,
            basis: guard::Basis {
                document: "澜州市周报办法".into(),
                number: "1号".into(),
                article: "第一条".into(),
                text: "每周通报".into(),
            },
            from: Some(today),
            to: Some(today.saturating_add(jiff::Span::new().days(30))),
        };
        let (by, other): (AccountId, AccountId) = (t.env.new_id(), t.env.new_id());
        guard.propose(&new, &Scope::All, by).await.unwrap();
        guard.confirm(new.id, &Scope::All, other).await.unwrap();
        new.id
    }

    pub async fn new(t: &TestDb) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let add = async |parent, code: &str, name: &str| {
            let new = NewUnit {
                parent,
                code: code.into(),
                name: name.into(),
                category: "处室".into(),
                from: day(2024, 1, 1),
            };
            org.add_unit(new, "", None, &Scope::All).await.unwrap()
        };
        let top = add(None, "T", "澜州市司法局").await;
        let a = add(Some(top), "A", "甲科").await;
        let b = add(Some(top), "B", "乙科").await;
        let (rows, errors) = read_rows("t.csv", PERSONS.as_bytes()).unwrap();
        assert_eq!(errors, []);
        org.import(&rows, &Scope::All, None).await.unwrap();
        let mut people = Vec::new();
        for unit in [a, b] {
            let roster = org.roster(unit, day(2026, 6, 1), false, &Scope::All).await;
            people.extend(
                roster
                    .unwrap()
                    .iter()
                    .map(|l| (l.staff_no.clone(), l.person)),
            );
        }
        people.sort();
        let people = people.into_iter().map(|(_, p)| p).collect();
        let (ledger, indicators, reports) = rooms(t, t.db.clone(), &org).await;
        let mut house = Self {
            ledger,
            indicators,
            reports,
            top,
            a,
            b,
            clerk: t.env.new_id(),
            last: Vec::new(),
            org,
            env: t.env.clone(),
            people,
        };
        house.session(t, a, day(2025, 3, 7), &[1, 2]).await;
        house.session(t, a, day(2026, 3, 6), &[1, 2]).await;
        house.last = house.session(t, b, day(2026, 11, 13), &[1, 4]).await;
        house
    }

    /// Reports on another server over the same database.
    pub async fn on_another(&self, t: &TestDb) -> Reports {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        rooms(t, db, &org).await.2
    }

    /// A session of 90 minutes with everybody present, as a feature writes it.
    pub async fn session(
        &self,
        t: &TestDb,
        host: UnitId,
        date: Date,
        who: &[usize],
    ) -> Vec<FactId> {
        let people: Vec<PersonId> = who.iter().map(|no| self.people[no - 1]).collect();
        let units = self.org.units_of(&people, date).await.unwrap();
        let all = [self.top, self.a, self.b];
        let paths = self.org.paths(&all).await.unwrap();
        let subject: Id = t.env.new_id();
        let facts = db::transaction!(t.db, |tx| {
            let host = self.ledger.place(tx, &paths[&host]).await?;
            let fact = |kind: &str| {
                let (id, now) = (t.env.new_id(), t.env.now());
                let mut f = Fact::new(id, kind, host, date, subject, "roster", now);
                (f.category, f.minutes) = (Some("friday-study".into()), Some(90));
                f
            };
            let mut facts = vec![fact("held")];
            for person in &people {
                let mut f = fact("attendance");
                f.unit = Some(self.ledger.place(tx, &paths[&units[person]]).await?);
                (f.person, f.role) = (Some(*person), Some("present".into()));
                facts.push(f);
            }
            self.ledger.append(tx, &facts).await?;
            Ok(facts)
        })
        .unwrap();
        facts.iter().map(|f| f.id).collect()
    }

    pub async fn reverse_last(&self, t: &TestDb) {
        db::transaction!(t.db, |tx| self.ledger.reverse(tx, &self.last, None).await).unwrap();
    }

    pub async fn figures(&self, unit: UnitId) -> Vec<Figure> {
        let mut reading = self.ledger.reading().await.unwrap();
        let found = self
            .indicators
            .figures(
                &mut reading,
                &[unit],
                so_far(),
                &self.indicators.list().shown(&[]),
                true,
            )
            .await;
        found.unwrap().remove(&unit).unwrap()
    }

    /// Makes a report of this year so far.
    pub async fn make(&self, id: ReportId, unit: UnitId) {
        let made = self
            .reports
            .make(&wanted(id, unit), &Scope::All, &self.clerk.into())
            .await;
        assert_eq!(made.unwrap(), id);
    }

    pub fn modules(&self) -> Vec<Module> {
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
            indicators::module(self.indicators.clone()),
            reports::module(self.reports.clone()),
            organization::module(
                self.org.clone(),
                commons::files::Files::memory(self.env.clone()),
                organization::Attributes::default(),
                organization::BodyKinds::default(),
            ),
        ]
    }

    /// The program as somebody with a scope sees it, who may make reports or not.
    pub fn app(&self, t: &TestDb, scope: Scope, write: bool) -> App {
        let mut principal = Principal::new(self.clerk, "林晓岚")
            .with(reports::READ, scope.clone())
            .with(indicators::READ, scope.clone());
        if write {
            principal = principal.with(reports::WRITE, scope);
        }
        let mut options = Options::new(t.env.clone());
        options.auth = Box::new(move |router| {
            router.layer(from_fn(move |mut request: Request, next: Next| {
                request.extensions_mut().insert(Some(principal.clone()));
                next.run(request)
            }))
        });
        App(web::assemble(self.modules(), options).expect("the modules fit together"))
    }
}

/// A brief of this year so far.
pub fn wanted(id: ReportId, unit: UnitId) -> Wanted {
    Wanted {
        id,
        template: "study-brief".into(),
        unit,
        period: so_far(),
        level: String::new(),
    }
}

/// The values of figures as printed, in the order of the pack.
pub fn texts(figures: &[Figure]) -> Vec<String> {
    let text = |f: &Figure| f.value.map_or_else(|| "–".into(), Ratio::text);
    figures.iter().map(text).collect()
}

pub struct App(Router);

impl App {
    async fn send(&self, request: Request, status: u16) -> Vec<u8> {
        let path = request.uri().to_string();
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let found = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole body");
        let bytes = body.to_bytes().to_vec();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(found, status, "{path}: {text}");
        bytes
    }

    pub async fn bytes(&self, path: &str, status: u16) -> Vec<u8> {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        self.send(request.body(Body::empty()).unwrap(), status)
            .await
    }

    /// The body with this status, entities of HTML resolved.
    pub async fn get(&self, path: &str, status: u16) -> String {
        let bytes = self.bytes(path, status).await;
        plain(&bytes)
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)], status: u16) -> String {
        let pairs = fields
            .iter()
            .map(|(n, v)| format!("{n}={}", web::encode(v)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let request = Request::post(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let bytes = self
            .send(request.body(Body::from(body)).unwrap(), status)
            .await;
        plain(&bytes)
    }

    /// A part of a file that is a zip.
    pub async fn part(&self, path: &str, name: &str) -> String {
        let bytes = self.bytes(path, 200).await;
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
        let mut xml = String::new();
        let mut part = archive.by_name(name).expect("the part");
        part.read_to_string(&mut xml).expect("UTF-8");
        xml
    }

    /// The text of a Word document.
    pub async fn docx(&self, path: &str) -> String {
        let xml = self.part(path, "word/document.xml").await;
        let pieces = xml.split('<').filter_map(|tag| tag.split_once('>'));
        pieces.map(|(_, text)| text).collect()
    }
}

fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.replace("&#x2f;", "/").replace("&amp;", "&")
}
