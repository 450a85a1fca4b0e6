//! The packs as an administrator reads, takes out and compares them.

use axum::http::StatusCode;

use crate::approvals::{FORM, House};

fn encoded(text: &str) -> String {
    let body: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    format!("text={body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_are_read_taken_out_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let admin = house.someone("admin", "system-admin", top).await;
    let list = house.get(&admin, "/admin/packs").await;
    assert!(
        list.contains("每周集中学习") && list.contains("obligation × 1"),
        "{list}"
    );

    let path = "/admin/packs/weekly-study";
    let page = house.get(&admin, path).await;
    assert!(page.contains("weekly-friday-study"), "{page}");
    let text = house.get(&admin, &format!("{path}/pack.toml")).await;
    assert!(text.starts_with("# 每周集中学习"), "the file as it is");
    let trail = house.audited("pack.exported").await;
    assert_eq!(trail.len(), 1, "what leaves leaves a trace");

    let compare = format!("{path}/compare");
    let send = async |text: &str| house.posted(&admin, &compare, FORM, &encoded(text)).await;
    let (status, page) = send(&text).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("两个版本相同"), "{page}");
    let (_, page) = send(&text.replace("target = 95", "target = 96")).await;
    assert!(page.contains("新版本没有错误"), "{page}");
    assert!(
        page.contains("- target = 95") && page.contains("+ target = 96"),
        "{page}"
    );
    let wrong = text.replacen("measure = \"count\"", "measure = \"guess\"", 1);
    let (_, page) = send(&wrong).await;
    assert!(
        page.contains("新版本有错误") && page.contains("weekly-study.toml 第"),
        "{page}"
    );
    let (status, page) = send(" ").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("请粘贴新版本的全文"), "{page}");

    let leader = house.someone("leader", "leader", top).await;
    for path in ["/admin/packs", path, "/admin/packs/nothing"] {
        let (status, _) = house.asked(&leader, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let (status, _) = house.asked(&admin, "/admin/packs/nothing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
