//! A bureau with a published examination.

use db::Migration;
use exams::{Exams, Given, Item, Paper, Proof, Section, Shows, Takes, Terms};
use kernel::{AccountId, Date, Id, Scope, Timestamp, UnitId};
use organization::{NewUnit, Organization};
use questions::{Key, Kind, Question, Rule};
use serde_json::Value;
use testkit::TestDb;

pub fn migrations() -> Vec<Migration> {
    [
        organization::MIGRATIONS,
        identity::MIGRATIONS,
        exams::MIGRATIONS,
    ]
    .concat()
}

/// Four sayings, one of them right; and a text to write.
pub fn paper(items: usize) -> Paper {
    let choice = |n: usize| Item {
        question: Question {
            options: ["甲说", "乙说", "丙说", "丁说"]
                .map(|o| format!("{o}{n}"))
                .into(),
            key: Key::Choices("B".parse().unwrap()),
            ..Question::new(Kind::Single, format!("第{n}题，下列哪一项正确？"))
        },
        points: 2_000,
        from: None,
    };
    let essay = Item {
        question: Question::new(Kind::Essay, "论述依法行政的基本要求。"),
        points: 20_000,
        from: None,
    };
    let section = |title: &str, items: Vec<Item>| Section {
        title: title.to_owned(),
        rule: Rule::Exact,
        pick: items.len(),
        items,
    };
    Paper {
        title: "季度测试".into(),
        sections: vec![
            section("一、单项选择题", (0..items).map(choice).collect()),
            section("二、论述题", vec![essay]),
        ],
        mixed: true,
        mixed_options: true,
    }
}

pub struct House {
    pub exams: Exams,
    pub unit: UnitId,
    pub by: AccountId,
    pub exam: Id,
    pub tickets: Vec<Proof>,
}

impl House {
    /// One hour from now on, two minutes of grace, results at once; three tickets.
    pub async fn new(t: &TestDb) -> Self {
        Self::with(t, |_| {}).await
    }

    pub async fn with(t: &TestDb, change: impl FnOnce(&mut Terms)) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        let new = NewUnit {
            parent: None,
            code: "T".into(),
            name: "澜州市司法局".into(),
            category: String::new(),
            from: Date::constant(2024, 1, 1),
        };
        let by = AccountId(t.env.new_id());
        let unit = org.add_unit(new, "", None, &Scope::All).await.unwrap();
        Self::in_unit(t, (org, unit, by), change).await
    }

    /// Another examination of the same unit.
    pub async fn again(&self, t: &TestDb) -> Self {
        let org = Organization::new(t.db.clone(), t.env.clone());
        Self::in_unit(t, (org, self.unit, self.by), |_| {}).await
    }

    async fn in_unit(
        t: &TestDb,
        (org, unit, by): (Organization, UnitId, AccountId),
        change: impl FnOnce(&mut Terms),
    ) -> Self {
        let exams = Exams::new(t.db.clone(), t.env.clone(), org);
        let now = t.env.now();
        let mut terms = Terms {
            unit,
            kind: "quarterly-test".into(),
            title: "第三季度业务测试".into(),
            opens: now,
            closes: Timestamp(now.0 + 7_200 * Timestamp::SECOND),
            seconds: 3_600,
            grace: 120,
            late: None,
            attempts: 1,
            takes: Takes::Best,
            pass: Some(4_000),
            shows: Shows::AtOnce,
        };
        change(&mut terms);
        let exam = exams
            .create(&paper(5), terms, &Scope::All, by)
            .await
            .unwrap();
        exams.publish(exam, &Scope::All, by).await.unwrap();
        let names: Vec<String> = ["钱一", "钱二", "钱三"].map(str::to_owned).into();
        let issued = exams.issue(exam, &names, &Scope::All, by).await.unwrap();
        let tickets = issued
            .into_iter()
            .map(|i| Proof::Ticket(i.ticket))
            .collect();
        Self {
            exams,
            unit,
            by,
            exam,
            tickets,
        }
    }

    /// The same house, as another node of the program sees it.
    pub async fn on_another(&self, t: &TestDb) -> Exams {
        let db = t.second().await;
        let org = Organization::new(db.clone(), t.env.clone());
        Exams::new(db, t.env.clone(), org)
    }
}

/// The letter under which an examinee sees the saying of 乙, which is right.
pub fn right(item: &Value) -> String {
    let options = item["options"].as_array().unwrap();
    let at = options
        .iter()
        .position(|o| o.as_str().unwrap().starts_with("乙说"));
    ["A", "B", "C", "D"][at.unwrap()].to_owned()
}

pub fn given(item: &Value, seq: i64, value: impl Into<Value>) -> Given {
    Given {
        item: u16::try_from(item["item"].as_u64().unwrap()).unwrap(),
        seq,
        value: value.into(),
        at: None,
    }
}

pub fn choices(items: &[Value]) -> impl Iterator<Item = &Value> {
    items.iter().filter(|i| i["kind"] == "single")
}

/// What a conflict says.
pub fn key<T: std::fmt::Debug>(refused: kernel::Result<T>) -> &'static str {
    match refused.unwrap_err() {
        kernel::Error::Conflict(message) => message.key,
        kernel::Error::NotFound => "not-found",
        kernel::Error::Invalid(fields) => fields[0].message.key,
        other => panic!("{other}"),
    }
}
