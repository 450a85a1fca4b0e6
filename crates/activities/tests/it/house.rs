//! A bureau with two offices and six people, the pack of weekly study, and what counts it.

use std::collections::{BTreeMap, HashMap};

use activities::{Activities, ActivityKinds, Mark, New, Role};
use commons::packs::Packs;
use commons::packs::levels::Levels;
use db::{Db, Migration};
use futures::future::BoxFuture;
use jiff::civil::{Time, time};
use kernel::{AccountId, ActivityId, Date, PersonId, Scope, UnitId};
use ledger::{
    Axis, Column, Definition, Distinct, Fact, Ledger, Predicate, Scalar, Test, Total, Value,
};
use organization::{NewUnit, Organization, read_rows};
use testkit::TestDb;

/// What the feature needs in a database.
pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        search::MIGRATIONS,
        desk::MIGRATIONS,
        identity::MIGRATIONS,
        ledger::MIGRATIONS,
        notices::MIGRATIONS,
        requests::MIGRATIONS,
        activities::MIGRATIONS,
    ]
    .concat()
}

struct Nobody;

impl notices::Contacts for Nobody {
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

/// Requests with the kinds of the pack that the product brings.
pub fn asking(t: &TestDb, db: &Db, org: &Organization) -> requests::Requests {
    let text = include_str!("../../../../packs/requests-cn.toml");
    let packs = Packs::load(vec![("requests-cn.toml".into(), text.into())]).unwrap();
    let settings = notices::Settings::default();
    requests::Requests::new(
        (db.clone(), t.env.clone()),
        org.clone(),
        notices::Notices::new(db.clone(), t.env.clone(), settings, Nobody),
        (
            requests::RequestKinds::read(&packs).unwrap(),
            kernel::Calendar::default(),
        ),
        desk::Attachments::new(
            desk::Desk::new(db.clone(), t.env.clone()),
            commons::files::Files::memory(t.env.clone()),
        ),
    )
    .with_owner(activities::OpinionOwner)
}

/// A kind that only offices hold.
const OFFICE: &str = r#"
[pack]
code = "office"
version = "1"
name = { zh = "处室", en = "Office" }
[[activity-kind]]
code = "office-study"
name = { zh = "处室学习", en = "Office study" }
title = { zh = "处室学习", en = "Office study" }
categories = ["处室"]
starts = "09:00"
minutes = 60
longest = 720
late-after-days = 3
[[activity-kind]]
code = "sitting"
name = { zh = "会议", en = "Sitting" }
title = { zh = "会议", en = "Sitting" }
starts = "09:00"
minutes = 60
longest = 720
late-after-days = 3
quorum = "half"
votes = true
reflection = { due-days = 7, least = 10, most = 60 }
[[activity-kind]]
code = "open-night"
name = { zh = "夜学", en = "Night study" }
title = { zh = "夜学", en = "Night study" }
starts = "23:30"
minutes = 90
longest = 720
late-after-days = 3
[activity-kind.check-in]
opens-before = 10
closes-after = 60
outsiders = true
"#;

/// The packs of activities that the product brings, and what they name.
pub fn all_packs() -> Packs {
    let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    Packs::load(vec![
        own(
            "weekly-study.toml",
            include_str!("../../../../packs/weekly-study.toml"),
        ),
        own(
            "party-life-cn.toml",
            include_str!("../../../../packs/party-life-cn.toml"),
        ),
        own(
            "training-cn.toml",
            include_str!("../../../../packs/training-cn.toml"),
        ),
        own(
            "people-cn.toml",
            include_str!("../../../../packs/people-cn.toml"),
        ),
        own("office.toml", OFFICE),
    ])
    .unwrap()
}

/// Their kinds.
pub fn kinds() -> ActivityKinds {
    ActivityKinds::read(&all_packs()).unwrap()
}

/// The levels of secrecy of the pack that the product brings; work secrets may not be here.
pub fn levels() -> Levels {
    let text = include_str!("../../../../packs/secrecy-cn.toml");
    let packs = Packs::load(vec![("secrecy-cn.toml".into(), text.into())]).unwrap();
    Levels::read(&packs).unwrap()
}

fn where_is(tests: &[(Column, &str)]) -> Predicate {
    let is = |(c, text): &(Column, &str)| (*c, Test::Is(Scalar::Text((*text).into())));
    Predicate(tests.iter().map(is).collect::<BTreeMap<_, _>>())
}

/// Sessions held, for the host.
pub fn sessions() -> Definition {
    Definition {
        predicate: where_is(&[(Column::Kind, "held"), (Column::Category, "friday-study")]),
        axis: Axis::Host,
        progress: true,
        ..Definition::default()
    }
}

/// Rows of persons present with their minutes, for their own unit.
pub fn attendances() -> Definition {
    Definition {
        predicate: where_is(&[
            (Column::Kind, "attendance"),
            (Column::Category, "friday-study"),
            (Column::Role, "present"),
        ]),
        value: Value::Minutes,
        axis: Axis::Unit,
        distinct: Some(Distinct::Year),
        progress: false,
    }
}

pub fn day(month: i8, day: i8) -> Date {
    Date::constant(2026, month, day)
}

/// 001 and 002 in the first office, 003 in the second, 004 moves from the first to the second on
/// 1 July, 005 leaves in June, 006 is in another bureau.
const PERSONS: &str = "工号,姓名,单位编码,职务,起始日期,截止日期
001,甲某,O1,科长,2024-01-01,
002,<b>乙</b>,O1,,2024-01-01,
003,丙某,O2,,2024-01-01,
004,丁某,O1,,2024-01-01,2026-06-30
004,丁某,O2,,2026-07-01,
005,戊某,O1,,2024-01-01,2026-06-30
006,己某,X1,,2024-01-01,
";

/// One node of the program with its units and people.
#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub ledger: Ledger,
    pub org: Organization,
    pub activities: Activities,
    pub bureau: UnitId,
    pub offices: [UnitId; 2],
    pub elsewhere: UnitId,
    pub people: BTreeMap<&'static str, PersonId>,
    pub clerk: AccountId,
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
                from: Date::constant(2024, 1, 1),
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
        let other_office = add(Some(elsewhere), "X1", "处室").await;
        let (rows, errors) = read_rows("t.csv", PERSONS.as_bytes()).unwrap();
        assert_eq!(errors, []);
        org.import(&rows, &Scope::All, None).await.unwrap();
        let mut people = BTreeMap::new();
        for unit in [offices[0], offices[1], other_office] {
            for date in [day(6, 1), day(7, 1)] {
                for line in org.roster(unit, date, false, &Scope::All).await.unwrap() {
                    for no in ["001", "002", "003", "004", "005", "006"] {
                        if line.staff_no == no {
                            people.insert(no, line.person);
                        }
                    }
                }
            }
        }
        assert_eq!(people.len(), 6);
        let clerk = t.env.new_id();
        let house = Self::node(
            t,
            t.db.clone(),
            org,
            bureau,
            offices,
            elsewhere,
            people,
            clerk,
        )
        .await;
        house
            .ledger
            .define(&[sessions(), attendances()])
            .await
            .unwrap();
        house
    }

    #[expect(clippy::too_many_arguments, reason = "all that two nodes share")]
    async fn node(
        t: &TestDb,
        db: Db,
        org: Organization,
        bureau: UnitId,
        offices: [UnitId; 2],
        elsewhere: UnitId,
        people: BTreeMap<&'static str, PersonId>,
        clerk: AccountId,
    ) -> Self {
        let ledger = Ledger::open(db.clone(), t.env.clone()).await.unwrap();
        let activities = Activities::new(
            db.clone(),
            t.env.clone(),
            ledger.clone(),
            org.clone(),
            kinds(),
        )
        .with_levels(levels())
        .with_files(
            commons::files::Files::memory(t.env.clone()),
            desk::Desk::new(db.clone(), t.env.clone()),
        )
        .with_requests(asking(t, &db, &org));
        Self {
            db,
            ledger,
            org,
            activities,
            bureau,
            offices,
            elsewhere,
            people,
            clerk,
        }
    }

    /// A second node on the same database.
    pub async fn second(&self, t: &TestDb) -> Self {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        let people = self.people.clone();
        Self::node(
            t,
            db,
            org,
            self.bureau,
            self.offices,
            self.elsewhere,
            people,
            self.clerk,
        )
        .await
    }

    /// A Friday session of the first office: 001 present, 002 on leave.
    pub fn session(&self, t: &TestDb, date: Date) -> New {
        New {
            id: t.env.new_id(),
            kind: "friday-study".into(),
            host: self.offices[0],
            title: "周五集中学习".into(),
            date,
            starts: time(9, 0, 0, 0),
            ends: time(10, 30, 0, 0),
            location: "三楼会议室".into(),
            level: String::new(),
            marks: self.marks(&[("001", Role::Present), ("002", Role::Leave)]),
            observers: vec![],
            another: false,
            details: Default::default(),
        }
    }

    pub fn marks(&self, list: &[(&'static str, Role)]) -> Vec<Mark> {
        let mark = |(no, role): &(&'static str, Role)| Mark {
            person: self.people[no],
            role: *role,
        };
        list.iter().map(mark).collect()
    }

    pub async fn record(&self, new: &New) -> kernel::Result<ActivityId> {
        self.activities.record(new, &Scope::All, self.clerk).await
    }

    /// What the audit trail says of an action, the oldest first: object and detail.
    pub async fn audited(&self, action: &'static str) -> Vec<(String, String)> {
        let mut tx = self.db.read().await.unwrap();
        let sql = "SELECT object_id, detail FROM audit WHERE action = $1 ORDER BY id";
        let rows = tx.query(sql, db::args![action]).await.unwrap();
        let read = |r: &db::Row| (r.get(0).unwrap(), r.get(1).unwrap());
        rows.iter().map(read).collect()
    }

    pub async fn total(&self, definition: &Definition, unit: UnitId, year: i16) -> Total {
        let year = kernel::Period::containing(kernel::PeriodKind::Year, Date::constant(year, 1, 1));
        let mut reading = self.ledger.reading().await.unwrap();
        reading.total(definition, unit, year, true).await.unwrap()
    }

    /// Present rows, minutes and distinct persons of a unit in 2026, and sessions it held.
    pub async fn numbers(&self, unit: UnitId) -> (i64, i64, i64, i64) {
        let a = self.total(&attendances(), unit, 2026).await;
        let held = self.total(&sessions(), unit, 2026).await;
        (a.n, a.sum, a.persons.unwrap(), held.n)
    }

    pub async fn standing(&self, id: ActivityId) -> Vec<Fact> {
        let mut tx = self.db.read().await.unwrap();
        self.ledger.standing(&mut tx, id.0).await.unwrap()
    }

    /// The numbers of both offices and the bureau are the same before and after sealing, and the
    /// ledger proves itself.
    pub async fn proven(&self) {
        let units = [self.bureau, self.offices[0], self.offices[1]];
        let mut before = Vec::new();
        for unit in units {
            before.push(self.numbers(unit).await);
        }
        self.ledger.settle().await.unwrap();
        for (unit, before) in units.into_iter().zip(before) {
            assert_eq!(self.numbers(unit).await, before, "sealing changed a number");
        }
        let report = ledger::verify(&self.db, &[]).await.unwrap();
        assert_eq!((report.problems, report.tail), (vec![], 0));
    }
}

pub fn clock(text: &str) -> Time {
    Time::strptime("%H:%M", text).unwrap()
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
