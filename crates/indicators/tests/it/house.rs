//! A bureau with two offices and six people, and sessions written as facts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{Next, from_fn};
use commons::packs::Packs;
use db::{Migration, Tx};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use indicators::{Figure, IndicatorList, Indicators, READ, Ratio};
use kernel::{Date, FactId, Id, Period, PersonId, Scope, UnitId};
use ledger::{Fact, Label, Ledger, Source, Sources};
use organization::{Body as Group, BodyKinds, NewUnit, Organization, read_rows};
use testkit::TestDb;
use tower::ServiceExt;
use web::{Lang, Module, Options, Principal};

pub fn migrations() -> Vec<Migration> {
    [organization::MIGRATIONS, ledger::MIGRATIONS].concat()
}

pub fn list() -> IndicatorList {
    let text = include_str!("../../../../packs/weekly-study.toml");
    let packs = Packs::load(vec![("weekly-study.toml".into(), text.into())]).unwrap();
    IndicatorList::read(&packs).unwrap()
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

/// 1, 2 and 3 in office A, 4 and 5 in office B, 6 in office A until the end of June 2026.
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期
1,=甲某,A,,2024-01-01,
2,<b>乙</b>,A,,2024-01-01,
3,丙某,A,,2024-01-01,
4,丁某,B,,2024-01-01,
5,戊某,B,,2024-01-01,
6,己某,A,,2024-01-01,2026-06-30
";

pub const EVERYBODY: [(usize, &str); 5] = [
    (1, "present"),
    (2, "present"),
    (3, "present"),
    (4, "present"),
    (5, "present"),
];

/// What a feature knows of the sessions below.
struct Sessions;

impl Source for Sessions {
    fn owns(&self, kind: &str) -> bool {
        matches!(kind, "held" | "attendance")
    }

    fn href(&self, fact: &Fact) -> String {
        format!("/activities/{}", fact.activity())
    }

    fn part(&self, fact: &Fact, _: &str) -> Option<Label> {
        let role = fact.role.as_ref()?;
        Some(Label::Text(format!("as {role}")))
    }

    fn titles<'a>(
        &'a self,
        _: &'a mut Tx,
        subjects: &'a [Id],
    ) -> BoxFuture<'a, kernel::Result<HashMap<Id, String>>> {
        let titles = subjects
            .iter()
            .map(|s| (*s, "周五学习".to_owned()))
            .collect();
        async move { Ok(titles) }.boxed()
    }
}

pub struct House {
    pub ledger: Ledger,
    pub org: Organization,
    pub indicators: Indicators,
    pub top: UnitId,
    pub a: UnitId,
    pub b: UnitId,
    people: BTreeMap<usize, PersonId>,
}

impl House {
    pub async fn new(t: &TestDb) -> Self {
        Self::with(t, list()).await
    }

    /// A house with other indicators.
    pub async fn with(t: &TestDb, list: IndicatorList) -> Self {
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
        let mut people = BTreeMap::new();
        for unit in [a, b] {
            let roster = org.roster(unit, day(2026, 6, 1), false, &Scope::All).await;
            for line in roster.unwrap() {
                people.insert(line.staff_no.parse().unwrap(), line.person);
            }
        }
        assert_eq!(people.len(), 6);
        let ledger = Ledger::open(t.db.clone(), t.env.clone()).await.unwrap();
        ledger.define(&list.definitions()).await.unwrap();
        let sources = Sources::new(vec![Arc::new(Sessions)]);
        let indicators = Indicators::new(t.env.clone(), ledger.clone(), org.clone(), list, sources);
        Self {
            ledger,
            org,
            indicators,
            top,
            a,
            b,
            people,
        }
    }

    /// A study group with members.
    pub async fn group(&self, t: &TestDb, unit: UnitId, from: Date, members: &[&str]) {
        let text = "[pack]\ncode = \"b\"\nversion = \"1\"\nname = { zh = \"b\", en = \"b\" }\n[[body-kind]]\ncode = \"study-group\"\nname = { zh = \"学习小组\", en = \"Study group\" }\nroles = [{ code = \"member\", name = { zh = \"组员\", en = \"Member\" } }]\n";
        let packs = Packs::load(vec![("b.toml".into(), text.into())]).unwrap();
        let kinds = BodyKinds::read(&packs).unwrap();
        let body = Group {
            id: t.env.new_id(),
            kind: "study-group".into(),
            name: "青年学习小组".into(),
            unit,
            charter: String::new(),
            from,
            to: None,
        };
        let kept = self.org.keep_body(&kinds, &body, None, &Scope::All).await;
        kept.unwrap();
        for member in members {
            let joined = self
                .org
                .join(&kinds, body.id, member, "member", from, None, &Scope::All)
                .await;
            joined.unwrap();
        }
    }

    /// A session with its roster, as a feature writes it.
    pub async fn session(
        &self,
        t: &TestDb,
        host: UnitId,
        date: Date,
        minutes: i64,
        roster: &[(usize, &str)],
    ) -> Vec<FactId> {
        let people: Vec<PersonId> = roster.iter().map(|(no, _)| self.people[no]).collect();
        let units = self.org.units_of(&people, date).await.unwrap();
        let mut all: Vec<UnitId> = units.values().copied().collect();
        all.push(host);
        let paths = self.org.paths(&all).await.unwrap();
        let subject: Id = t.env.new_id();
        let facts = db::transaction!(t.db, |tx| {
            let host = self.ledger.place(tx, &paths[&host]).await?;
            let fact = |kind: &str| {
                let (id, now) = (t.env.new_id(), t.env.now());
                let mut f = Fact::new(id, kind, host, date, subject, "roster", now);
                (f.category, f.minutes) = (Some("friday-study".into()), Some(minutes));
                f
            };
            let mut facts = vec![fact("held")];
            for (person, (_, role)) in people.iter().zip(roster) {
                let mut f = fact("attendance");
                f.unit = Some(self.ledger.place(tx, &paths[&units[person]]).await?);
                (f.person, f.role) = (Some(*person), Some((*role).to_owned()));
                f.minutes = Some(if *role == "present" { minutes } else { 0 });
                facts.push(f);
            }
            self.ledger.append(tx, &facts).await?;
            Ok(facts)
        })
        .unwrap();
        facts.iter().map(|f| f.id).collect()
    }

    pub async fn reverse(&self, t: &TestDb, facts: &[FactId]) {
        db::transaction!(t.db, |tx| self.ledger.reverse(tx, facts, None).await).unwrap();
    }

    /// Two sessions the year before, of which the second is after the same stretch, and three this year.
    /// Returns the facts of the last.
    pub async fn two_years(&self, t: &TestDb) -> Vec<FactId> {
        let here = |no| (no, "present");
        let (a, b) = (self.a, self.b);
        self.session(t, a, day(2025, 3, 7), 90, &[here(1), here(2), here(6)])
            .await;
        self.session(t, a, day(2025, 11, 21), 90, &[here(3)]).await;
        let march = [here(1), here(2), here(6), (3, "leave")];
        self.session(t, a, day(2026, 3, 6), 90, &march).await;
        self.session(t, a, day(2026, 11, 6), 90, &[here(1), here(2)])
            .await;
        let visit = [here(4), here(1), (5, "absent")];
        self.session(t, b, day(2026, 11, 13), 60, &visit).await
    }

    pub async fn figures(&self, unit: UnitId, period: Period) -> Vec<Figure> {
        let mut reading = self.ledger.reading().await.unwrap();
        let units = [self.top, self.a, self.b];
        let which = self.indicators.shown_for(self.top).await.unwrap();
        let found = self
            .indicators
            .figures(&mut reading, &units, period, &which, true)
            .await;
        found.unwrap().remove(&unit).unwrap()
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
        let organization = organization::module(
            self.org.clone(),
            commons::files::Files::memory(kernel::Env::system()),
            organization::Attributes::default(),
            organization::BodyKinds::default(),
        );
        vec![
            commons,
            organization,
            indicators::module(self.indicators.clone()),
        ]
    }

    /// The program as somebody with a scope sees it.
    pub fn app(&self, t: &TestDb, scope: Scope) -> App {
        let principal = Principal::new(t.env.new_id(), "林晓岚").with(READ, scope);
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

/// The values of figures as printed, in the order of the pack.
pub fn texts(figures: &[Figure]) -> Vec<String> {
    let text = |f: &Figure| f.value.map_or_else(|| "–".into(), Ratio::text);
    figures.iter().map(text).collect()
}

pub struct App(Router);

impl App {
    /// The body with this status, entities of HTML resolved.
    pub async fn get(&self, path: &str, status: u16) -> String {
        let request = Request::get(path).header(header::HOST, "suneng.test");
        let request = request.body(Body::empty()).expect("a request");
        let response = self.0.clone().oneshot(request).await.expect("infallible");
        let found = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a whole body");
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        assert_eq!(found, status, "{path}: {text}");
        text.replace("&#x2f;", "/").replace("&amp;", "&")
    }

    /// The addresses a page links to that begin like this, in order.
    pub async fn links(&self, path: &str, begin: &str) -> Vec<String> {
        let page = self.get(path, 200).await;
        let hrefs = page.split("href=\"").skip(1);
        hrefs
            .filter_map(|h| h.split('"').next())
            .filter(|h| h.starts_with(begin))
            .map(str::to_owned)
            .collect()
    }
}
