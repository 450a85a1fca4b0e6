//! What the burden guard holds: nothing of it is on by itself, and what there is comes on by its switch only.

use std::collections::BTreeSet;

use activities::{ActivityKinds, Mark, New, Role};
use axum::http::StatusCode;
use commons::packs::Packs;
use guard::Switch;
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{PersonId, Scope, UnitId};
use ledger::{Column, Scalar, Test, Value};
use suneng::rooms::Vocabulary;

use crate::approvals::{FORM, House, Someone};

async fn held(house: &House, by: &Someone, host: UnitId, present: &[PersonId]) {
    let mark = |person: &PersonId| Mark {
        person: *person,
        role: Role::Present,
    };
    let new = New {
        id: house.world.env.new_id(),
        kind: "friday-study".into(),
        host,
        title: "周五学习".into(),
        date: house.world.env.today(),
        starts: Time::MIN,
        ends: Time::constant(0, 1, 0, 0),
        location: String::new(),
        level: String::new(),
        marks: present.iter().map(mark).collect(),
        observers: Vec::new(),
        another: false,
        details: Default::default(),
    };
    let recorded = house.rooms.activities.record(&new, &Scope::All, by.account);
    recorded.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_ranked_only_where_two_administrators_switched_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let few = house.unit(Some(top), "11").await;
    let many = house.unit(Some(top), "12").await;
    let leader = house.someone("leader", "leader", top).await;
    let a = house.someone("clerk-a", "clerk", few).await;
    let b = house.someone("clerk-b", "clerk", many).await;
    let c = house.someone("clerk-c", "clerk", many).await;
    held(&house, &a, few, &[a.person]).await;
    held(&house, &b, many, &[b.person, c.person]).await;

    let path = format!("/cockpit?unit={top}&rank=study-attendances");
    let order = |page: &str| {
        let table = page.split_once("tb-org").unwrap().1;
        let table = table.split_once("</table>").unwrap().0.to_owned();
        table.find("澜州11").unwrap() < table.find("澜州12").unwrap()
    };
    let page = house.get(&leader, &path).await;
    assert!(order(&page), "units stand in their own order");
    let table = page.split_once("tb-org").unwrap().1;
    let table = table.split_once("</table>").unwrap().0;
    assert!(!table.contains("rank="), "nothing offers another: {table}");

    let system = house.someone("system", "system-admin", top).await;
    let security = house.someone("security", "security-admin", top).await;
    let id: kernel::Id = house.world.env.new_id();
    let today = house.world.env.today();
    let to = today.saturating_add(30.days());
    let said = web::encode("依据");
    let body = format!(
        "id={id}&switch=boards&unit=1&document={said}&number=1&article=1&text={said}&from={}&to={}",
        kernel::format_date(today),
        kernel::format_date(to)
    );
    let (status, _) = house.posted(&leader, "/admin/guard", FORM, &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    house.post(&system, "/admin/guard", &body).await;
    assert!(
        order(&house.get(&leader, &path).await),
        "proposed is not on"
    );
    let confirmation = format!("/admin/guard/{id}/confirmation");
    let (status, _) = house.posted(&system, &confirmation, FORM, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "not by who proposed it");
    house.post(&security, &confirmation, "").await;
    let page = house.get(&leader, &path).await;
    assert!(!order(&page), "by attendance, the most first: {page}");
    assert!(page.contains("经依法开启排行"), "and it says why: {page}");
    assert!(order(
        &house.get(&leader, &format!("/cockpit?unit={top}")).await
    ));
    assert!(house.get(&leader, "/guard").await.contains("已开启"));
    let reason = web::encode("不再需要");
    house
        .post(
            &security,
            &format!("/admin/guard/{id}/end"),
            &format!("reason={reason}"),
        )
        .await;
    assert!(
        order(&house.get(&leader, &path).await),
        "taken back at once"
    );
    for action in ["guard.proposed", "guard.confirmed", "guard.ended"] {
        assert_eq!(house.audited(action).await.len(), 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_counts_time_online_points_or_check_ins_without_a_roster() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    for switch in Switch::ALL {
        let on = house.rooms.guard.on().await.unwrap();
        assert!(on.is_empty(), "{} is on in a new house", switch.code());
    }
    // Minutes are those of what was organised and is on a roster or a certificate: never of being signed in.
    let organised: BTreeSet<&str> = ["held", "attendance", "makeup", "talk", "hours"].into();
    let vocabulary = Vocabulary::read(&house.world.packs).unwrap();
    for definition in vocabulary.definitions() {
        let minutes = definition.value == Value::Minutes
            || definition.predicate.0.contains_key(&Column::Minutes);
        let kinds: Vec<&str> = match definition.predicate.0.get(&Column::Kind) {
            Some(Test::Is(Scalar::Text(kind))) => vec![kind],
            Some(Test::In(list)) => list
                .iter()
                .filter_map(|k| match k {
                    Scalar::Text(kind) => Some(kind.as_str()),
                    Scalar::Int(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let fine = !kinds.is_empty() && kinds.iter().all(|k| organised.contains(k));
        assert!(!minutes || fine, "{definition:?}");
    }
    // No table keeps points of people, or how long somebody was there.
    for migration in suneng::modules::migrations() {
        for word in ["CREATE TABLE point", "heartbeat", "online"] {
            assert!(!migration.sql.contains(word), "{}: {word}", migration.name);
        }
    }
    // Checking in cannot be made compulsory: packs have no word for it, and the roster is there for every kind.
    let text = "[pack]\ncode = \"x\"\nversion = \"1\"\nname = { zh = \"x\", en = \"x\" }\n[[activity-kind]]\ncode = \"y\"\nname = { zh = \"y\", en = \"y\" }\ntitle = { zh = \"y\", en = \"y\" }\nstarts = \"09:00\"\nminutes = 60\nlongest = 120\ncheck-in = { compulsory = true }\n";
    let packs = Packs::load(vec![("x.toml".into(), text.into())]).unwrap();
    let problems = ActivityKinds::read(&packs).unwrap_err();
    assert_eq!(problems[0].reason.key, "pack-not-understood");
    assert!(
        problems[0].to_string().contains("compulsory"),
        "{}",
        problems[0]
    );
    let top = house.unit(None, "1").await;
    let clerk = house.someone("clerk", "clerk", top).await;
    let page = house
        .get(&clerk, "/activities/new?kind=friday-study&unit=1")
        .await;
    assert!(
        page.contains("甲clerk"),
        "the roster is beside every way to check in: {page}"
    );
}
