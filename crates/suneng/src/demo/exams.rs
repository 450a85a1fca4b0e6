//! An examination of the demo: a bank of a few questions, a quarterly test that was sat, and the next one.

use ::exams::{Given, Paper, Proof, Section, Shows, Takes, Terms};
use ::questions::formats::{Limits, read};
use ::questions::{Bank, Rule};
use kernel::{AccountId, Error, PersonId, Result, Scope, TestClock, Timestamp};
use serde_json::Value;

use crate::World;
use crate::rooms::Rooms;

const FILE: &str = "questions.txt";
const TEXT: &str = include_str!("questions.txt");
/// Who sits, by staff number, and how many questions each leaves unanswered.
const SITTERS: [(&str, usize); 5] = [
    ("LZ0102", 0),
    ("LZ0103", 1),
    ("LZ0105", 0),
    ("LZ0106", 4),
    ("LZ0107", 6),
];
const HOUR: i64 = 3_600;

/// Fills the bank, holds the test of the quarter, plans the next one.
pub async fn hold(world: &World, rooms: &Rooms, clock: &TestClock) -> Result<()> {
    let unit = world.organization.unit_by_code("LZ", &Scope::All).await?;
    let office = world.organization.unit_by_code("LZ01", &Scope::All).await?;
    let account = async |login: &str| -> Result<AccountId> {
        let account = rooms.identity.account_by_login(login).await?;
        Ok(account.ok_or(Error::NotFound)?.id)
    };
    let officer = account("officer").await?;
    let bank = Bank {
        id: world.env.new_id(),
        unit: unit.id,
        name: "业务测试题库".to_owned(),
        sealed: false,
    };
    rooms
        .questions
        .keep_bank(&bank, &Scope::All, officer)
        .await?;
    let bytes = TEXT.as_bytes().to_vec();
    let nothing = |_: &::questions::formats::Item| String::new();
    rooms
        .questions
        .import(FILE, bytes, bank.id, &nothing)
        .await?;
    let batch = read(FILE, TEXT.as_bytes(), Limits::default())?;
    let items = batch.items.into_iter().map(|item| ::exams::Item {
        question: item.question,
        points: 10_000,
        from: None,
    });
    let items: Vec<_> = items.collect();
    let section = Section {
        title: "业务知识".to_owned(),
        rule: Rule::Proportional,
        pick: items.len(),
        items,
    };
    let paper = |title: &str| Paper {
        title: title.to_owned(),
        sections: vec![section.clone()],
        mixed: true,
        mixed_options: true,
    };
    let terms = |title: &str, opens: Timestamp| Terms {
        unit: unit.id,
        kind: "quarterly-test".to_owned(),
        title: title.to_owned(),
        opens,
        closes: opens.plus_seconds(2 * HOUR),
        seconds: HOUR,
        grace: 120,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: Some(30_000),
        shows: Shows::AfterClose,
    };
    let exams = &rooms.exams;
    let (past, coming) = ("业务知识季度测试", "业务知识季度测试（下一期）");
    let held = terms(past, world.env.now());
    let held = exams
        .create(&paper(past), held, &Scope::All, officer)
        .await?;
    exams.publish(held, &Scope::All, officer).await?;
    let mut people = Vec::new();
    for (staff_no, left) in SITTERS {
        let person = rooms
            .identity
            .person_by_staff_no(staff_no, &Scope::All)
            .await?;
        people.push((person, left));
    }
    let listed: Vec<_> = people
        .iter()
        .map(|(person, _)| (*person, office.id))
        .collect();
    exams.admit(held, &listed, &Scope::All, officer).await?;
    for (person, left) in people {
        sit(rooms, held, person, left).await?;
    }
    clock.advance(2 * HOUR + 300);
    rooms.exam_office.settle_due().await?;
    let next = world.env.now().plus_seconds(30 * 24 * HOUR);
    let next = terms(coming, next);
    let next = exams
        .create(&paper(coming), next, &Scope::All, officer)
        .await?;
    exams.publish(next, &Scope::All, officer).await?;
    exams.admit(next, &listed, &Scope::All, officer).await?;
    Ok(())
}

/// Answers all but the last few by the first option that is there.
async fn sit(rooms: &Rooms, exam: kernel::Id, person: PersonId, left: usize) -> Result<()> {
    let exams = &rooms.exams;
    let begun = exams.begin(exam, &Proof::Person(person), "").await?;
    let token = Proof::Token(begun.token.clone());
    let answered = begun.items.len().saturating_sub(left);
    let mut given = Vec::new();
    for item in &begun.items[..answered] {
        let value: Value = match item["kind"].as_str().unwrap_or_default() {
            "judgement" => "T".into(),
            "multiple" => "ABCD".into(),
            "fill-in" => vec!["违法必究"].into(),
            _ => "A".into(),
        };
        let number = item["item"].as_u64().unwrap_or_default();
        given.push(Given {
            item: u16::try_from(number).map_err(Error::internal)?,
            seq: 1,
            value,
            at: None,
        });
    }
    exams.save(begun.attempt, &token, &given).await?;
    exams.submit(begun.attempt, &token).await?;
    Ok(())
}
