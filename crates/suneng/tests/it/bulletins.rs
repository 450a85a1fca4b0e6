//! A bulletin from the clerk to the leader and into the numbers, with the real roles.

use axum::http::StatusCode;

use crate::approvals::House;

/// A form in parts, as a browser sends it.
fn parts(fields: &[(&str, &str)]) -> (&'static str, String) {
    let part = |(name, text): &(&str, &str)| {
        format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let body: String = fields.iter().map(part).collect();
    ("multipart/form-data; boundary=cut", body + "--cut--\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clerk_writes_a_leader_publishes_and_every_number_follows() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let office = house.unit(Some(top), "11").await;
    let clerk = house.someone("clerk", "clerk", office).await;
    let leader = house.someone("leader", "leader", office).await;
    let staff = house.someone("staff", "staff", top).await;

    let id: kernel::Id = house.world.env.new_id();
    let id = id.to_string();
    let fields = [
        ("id", &*id),
        ("kind", "work-bulletin"),
        ("unit", "11"),
        ("title", "开展岗位练兵"),
        ("section", "news"),
        ("text", "第一段"),
        ("author", "clerk"),
        ("house", "on"),
        ("act", "propose"),
    ];
    let (kind, body) = parts(&fields);
    let (status, page) = house.posted(&clerk, "/bulletins", kind, &body).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let home = house.get(&leader, "/").await;
    assert!(home.contains("有 1 期简报等您审核"), "{home}");
    assert!(!house.get(&clerk, "/").await.contains("期简报等您审核"));
    let at = format!("/bulletins/{id}");
    let (status, _) = house.asked(&staff, &at).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let review = format!("{at}/review");
    house.post(&leader, &review, "act=publish&version=1").await;
    let page = house.get(&staff, &at).await;
    assert!(
        page.contains("第1期") && page.contains("澜州11工作简报"),
        "{page}"
    );
    let notices = house.get(&clerk, "/notices").await;
    assert!(notices.contains("已发布，编为第 1 期"), "{notices}");

    // Its number opens to the bulletin, and goes when it is withdrawn.
    let number = format!("/indicators/bulletins-published?unit={office}");
    let page = house.get(&leader, &number).await;
    assert!(
        page.contains("开展岗位练兵") && page.contains(&at),
        "{page}"
    );
    assert!(page.contains("甲clerk"), "by its author: {page}");
    let word = web::encode("撤回");
    let body = format!("reason={}&confirm={word}", web::encode("内容有误"));
    house
        .post(&leader, &format!("{at}/withdrawal"), &body)
        .await;
    let page = house.get(&leader, &number).await;
    assert!(!page.contains("开展岗位练兵"), "{page}");
    assert_eq!(house.audited("bulletin.withdrawn").await.len(), 1);
}
