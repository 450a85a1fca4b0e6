//! The leader's page over everything that is beneath it.

use activities::{Mark, New, Role};
use axum::http::StatusCode;
use jiff::civil::Time;
use kernel::Scope;

use crate::approvals::House;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_sees_what_waits_and_every_number_opens() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let office = house.unit(Some(top), "11").await;
    let other = house.unit(Some(top), "12").await;
    let clerk = house.someone("clerk", "clerk", office).await;
    let leader = house.someone("leader", "leader", office).await;

    let today = house.world.env.today();
    let mark = |person| Mark {
        person,
        role: Role::Present,
    };
    let new = New {
        id: house.world.env.new_id(),
        kind: "friday-study".into(),
        host: office,
        title: "周五学习".into(),
        date: today,
        starts: Time::MIN,
        ends: Time::constant(0, 1, 0, 0),
        location: String::new(),
        level: String::new(),
        marks: vec![mark(clerk.person), mark(leader.person)],
        observers: Vec::new(),
        another: false,
        details: Default::default(),
    };
    let recorded = house
        .rooms
        .activities
        .record(&new, &Scope::All, clerk.account);
    recorded.await.unwrap();

    let page = house.get(&leader, "/cockpit").await;
    assert!(page.contains("5 项核心指标，上年同期无数据。"), "{page}");
    assert!(page.contains("有 1 场活动登记等您确认"), "{page}");
    assert!(page.contains("/activities/confirm"), "{page}");
    assert!(
        page.contains("<svg class=\"chart\""),
        "the months are drawn"
    );
    assert!(page.contains("查看数据表"), "and stand in a table");
    assert!(page.contains("class=\"tb heatmap\""), "{page}");
    // A number leads to its rows.
    let link = format!("/indicators/study-attendances?unit={office}");
    let href = page.split('"').find(|part| part.starts_with(&link));
    let rows = house
        .get(&leader, &href.unwrap().replace("&amp;", "&"))
        .await;
    assert!(
        rows.contains("甲clerk") && rows.contains("甲leader"),
        "{rows}"
    );

    // What one may not see is not there; what is no unit is said.
    for unit in [top, other] {
        let path = format!("/cockpit?unit={unit}");
        let (status, _) = house.asked(&leader, &path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let page = house
        .get(&leader, "/cockpit?unit=NOPE&period=century")
        .await;
    assert!(page.contains("没有编码为“NOPE”的单位"), "{page}");
    let inspector = house.someone("auditor", "auditor", top).await;
    let (status, _) = house.asked(&inspector, "/cockpit").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "no permission, no page");
}
