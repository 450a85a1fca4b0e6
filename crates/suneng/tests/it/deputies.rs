//! Whoever decides in another's place, from the delegation to the trail, and what is found by whom.

use axum::http::StatusCode;
use identity::{Actor, NewDelegation};

use crate::approvals::{FORM, House, Someone};

/// Somebody asks for another name; gives the id of the approval.
async fn asks(house: &House, staff: &Someone, name: &str) -> String {
    let page = house.get(staff, "/organization/me").await;
    let id = page.split("name=\"approval\" value=\"").nth(1);
    let id = id
        .and_then(|rest| rest.split('"').next())
        .expect("a form that asks");
    let path = format!("/organization/people/{}/ask/rename", staff.person);
    house
        .post(staff, &path, &format!("name={name}&approval={id}"))
        .await;
    id.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deputy_decides_is_named_and_stops_when_the_delegation_ends() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let office = house.unit(Some(top), "11").await;
    let staff = house.someone("staff", "staff", office).await;
    let second = house.someone("second", "staff", office).await;
    let leader = house.someone("leader", "leader", office).await;
    let deputy = house.someone("deputy", "clerk", office).await;
    house.someone("personnel", "personnel-officer", top).await;
    let first = asks(&house, &staff, "%E4%B8%81%E4%B8%80").await;
    let later = asks(&house, &second, "%E4%B8%81%E4%BA%8C").await;

    // The notice says whose it is; who has no part in it yet sees nothing.
    let told = house.get(&leader, "/notices").await;
    assert!(
        told.contains("请您审批：人员信息变更（申请人 甲staff）"),
        "{told}"
    );
    let page = format!("/approvals/{first}");
    assert_eq!(house.asked(&deputy, &page).await.0, StatusCode::NOT_FOUND);
    let agree = format!("{page}/agree");
    let refused = house.posted(&deputy, &agree, FORM, "round=1&step=0").await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND, "{}", refused.1);

    let today = house.world.env.today();
    let new = NewDelegation {
        taker: "deputy".into(),
        unit: office,
        permissions: Vec::new(),
        decides: true,
        reason: "出差".into(),
        from: today,
        to: today,
    };
    let actor = Actor::from(leader.account);
    let identity = &house.rooms.identity;
    let delegation = identity.delegate(&actor, &new).await.unwrap();
    assert!(
        house
            .get(&deputy, "/approvals")
            .await
            .contains(&page.replace('/', "&#x2f;"))
            || house.get(&deputy, "/approvals").await.contains(&page)
    );
    let seen = house.get(&deputy, &page).await;
    assert!(seen.contains("您代 甲leader 审批"), "{seen}");
    house.post(&deputy, &agree, "round=1&step=0").await;

    // Timeline and trail name both; what called the leader to it is read, the other notice is not.
    let seen = house.get(&staff, &page).await;
    assert!(
        seen.contains("代甲leader") && seen.contains("甲deputy"),
        "{seen}"
    );
    let trail = house.audited("approval.agreed").await;
    assert_eq!(trail.len(), 1);
    assert_eq!(trail[0].object_id, first);
    assert_eq!(trail[0].login.as_deref(), Some("deputy"));
    assert!(
        trail[0].detail.contains(&leader.person.to_string()),
        "{}",
        trail[0].detail
    );
    let count = house.get(&leader, "/notices/count").await;
    assert!(count.contains(">1<"), "only the second waits: {count}");

    identity
        .end_own_delegation(&actor, delegation)
        .await
        .unwrap();
    let page = format!("/approvals/{later}");
    assert_eq!(house.asked(&deputy, &page).await.0, StatusCode::NOT_FOUND);
    let over = house
        .posted(&deputy, &format!("{page}/agree"), FORM, "round=1&step=0")
        .await;
    assert_eq!(over.0, StatusCode::NOT_FOUND, "{}", over.1);
    house
        .post(&leader, &format!("{page}/agree"), "round=1&step=0")
        .await;
    let count = house.get(&leader, "/notices/count").await;
    assert!(!count.contains(">1<"), "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_indicators_and_obligations_are_found_by_those_who_may() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let other = house.unit(Some(top), "12").await;
    let admin = house.someone("keeper", "unit-admin", other).await;
    let reader = house.someone("reader", "supervisor", top).await;
    house.someone("elsewhere", "staff", top).await;
    let find = async |who: &Someone, words: &str| {
        let path = format!("/api/v1/search?q={}", web::encode(words));
        house.get(who, &path).await
    };
    let found = find(&admin, "keeper").await;
    assert!(
        found.contains(&format!("/accounts/{}", admin.account)),
        "{found}"
    );
    let found = find(&admin, "elsewhere").await;
    assert!(!found.contains("/accounts/"), "out of scope: {found}");
    assert!(
        !find(&reader, "keeper").await.contains("/accounts/"),
        "without the permission"
    );
    let found = find(&reader, "参学人次").await;
    assert!(found.contains("/indicators/study-attendances"), "{found}");
    let found = find(&reader, "每周五").await;
    assert!(
        found.contains("/obligations?rule=weekly-friday-study"),
        "{found}"
    );
    let found = find(&admin, "参学人次").await;
    assert!(!found.contains("/indicators/"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_offer_the_units_of_ones_scope_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let office = house.unit(Some(top), "11").await;
    house.unit(Some(top), "12").await;
    let manager = house.someone("manager", "system-admin", office).await;
    let officer = house.someone("officer", "training-officer", office).await;
    let asked = [
        (&manager, "/accounts/new/unit-options"),
        (&manager, "/accounts/codes/unit-options"),
        (&manager, "/clients/unit-options"),
        (&officer, "/account/delegations/unit-options"),
        (&officer, "/activities/new/unit-options"),
        (&officer, "/reports/unit-options"),
    ];
    for (who, path) in asked {
        let offered = house.get(who, &format!("{path}?unit=1")).await;
        assert!(offered.contains("value=\"11\""), "{path}: {offered}");
        assert!(!offered.contains("value=\"12\""), "{path}: {offered}");
    }
}
