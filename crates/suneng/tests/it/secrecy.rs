//! Words of secrecy in uploaded files, before an import is published and in a report, with the real packs.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use commons::sheets::write::{Value, xlsx};
use kernel::Scope;
use organization::NewUnit;

use crate::approvals::{FORM, House, Someone};
use crate::program::PATIENCE;

const HEAD: [&str; 6] = ["工号", "姓名", "单位编码", "职务", "起始日期", "截止日期"];
const MULTIPART: &str = "multipart/form-data; boundary=xx";
const IMPORT: &str = "/organization/import";

/// A form in parts: name, file name, content.
fn parts(list: &[(&str, Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (name, file, content) in list {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        body += &format!(
            "--xx\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        );
    }
    body + "--xx--\r\n"
}

fn value(page: &str, name: &str) -> String {
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    value.unwrap_or_else(|| panic!("{name}: {page}")).to_owned()
}

/// The choices of a form with selects as a browser would send them.
fn proposed(page: &str) -> String {
    let mut pairs = Vec::new();
    for select in page.split("<select ").skip(1) {
        let select = select.split("</select>").next().expect("its end");
        let name = select
            .split("name=\"")
            .nth(1)
            .and_then(|n| n.split('"').next());
        let chosen = select
            .split(" selected")
            .next()
            .filter(|_| select.contains(" selected"));
        let chosen = chosen.and_then(|c| c.rsplit("value=\"").next());
        let chosen = chosen.and_then(|c| c.split('"').next()).unwrap_or_default();
        pairs.push(format!("{}={chosen}", name.expect("a name")));
    }
    pairs.join("&")
}

async fn rests(house: &House, who: &Someone, place: &str) -> String {
    let begun = Instant::now();
    while house.asked(who, &format!("{place}/progress")).await.0 == StatusCode::OK {
        assert!(begun.elapsed() < PATIENCE, "the import does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    house.asked(who, place).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_looked_through_when_uploaded_and_before_they_are_published() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let admin = house.someone("admin", "system-admin", top).await;
    let sheet = format!("{}\n002,甲某,1,机 密件管理员,2026-01-01,\n", HEAD.join(","));
    let file = parts(&[("file", Some("t.csv"), &sheet)]);

    // Asked: nothing is opened, nothing is traced, and the file waits for the answer.
    let (status, page) = house.posted(&admin, IMPORT, MULTIPART, &file).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(
        page.contains("内容里出现了：机密") && page.contains("multipart/form-data"),
        "{page}"
    );
    assert!(!house.get(&admin, IMPORT).await.contains("t.csv"));
    assert_eq!(house.audited("secrecy.confirmed").await.len(), 0);
    let upload = value(&page, "upload");
    // Another's answer opens nothing; an answer for another word asks again.
    let again = |words: &str| {
        parts(&[
            ("upload", None, &upload),
            ("secrecy-confirmed", None, words),
        ])
    };
    let other = house.someone("other", "system-admin", top).await;
    let (status, _) = house
        .posted(&other, IMPORT, MULTIPART, &again("机密"))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, page) = house
        .posted(&admin, IMPORT, MULTIPART, &again("绝密"))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    let upload = value(&page, "upload");
    let again = parts(&[
        ("upload", None, &upload),
        ("secrecy-confirmed", None, "机密"),
    ]);
    let (status, place) = house.posted(&admin, IMPORT, MULTIPART, &again).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{place}");
    let traced = house.audited("secrecy.confirmed").await;
    assert_eq!((traced.len(), traced[0].object_id.as_str()), (1, IMPORT));
    assert!(traced[0].detail.contains("机密"), "{}", traced[0].detail);

    // Published, it is asked for once more.
    let page = house.get(&admin, &place).await;
    house
        .post(&admin, &format!("{place}/check"), &proposed(&page))
        .await;
    let page = rests(&house, &admin, &place).await;
    assert!(page.contains("新增人员"), "{page}");
    let publish = format!("{place}/publish");
    let (status, page) = house.posted(&admin, &publish, FORM, "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("内容里出现了：机密"), "{page}");
    let answer = format!("secrecy-confirmed={}", web::encode("机密"));
    house.post(&admin, &publish, &answer).await;
    rests(&house, &admin, &place).await;
    assert_eq!(house.audited("secrecy.confirmed").await.len(), 2);
    let people = house.get(&admin, "/organization").await;
    assert!(people.contains("甲某"), "{people}");

    // A workbook in pieces, and one in which nothing stands.
    let row = |post: &str| {
        vec!["003", "乙某", "1", post, "2026-01-01", ""]
            .into_iter()
            .map(|t| Value::Text(t.into()))
            .collect()
    };
    let desk = async |post: &str| {
        let rows: [Vec<Value>; 1] = [row(post)];
        let bytes = xlsx("人员", &HEAD, rows).unwrap();
        let id = house
            .world
            .desk()
            .begin_upload(admin.account, "t.xlsx", bytes.len() as u64)
            .await
            .unwrap();
        house
            .world
            .desk()
            .put_piece(admin.account, id, 0, &bytes)
            .await
            .unwrap();
        let form = parts(&[("upload", None, &id.to_string())]);
        house.posted(&admin, IMPORT, MULTIPART, &form).await
    };
    let (status, page) = desk("绝密级").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(page.contains("内容里出现了：绝密"), "{page}");
    assert_eq!(desk("商业机密法务").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_looked_through_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let new = NewUnit {
        parent: None,
        code: "1".into(),
        name: "澜州机密处".into(),
        category: String::new(),
        from: house.world.env.today(),
    };
    let org = &house.world.organization;
    let top = org.add_unit(new, "", None, &Scope::All).await.unwrap();
    let leader = house.someone("leader", "leader", top).await;
    let page = house.get(&leader, "/reports/new").await;
    let today = kernel::format_date(house.world.env.today());
    let form = format!(
        "id={}&template=study-brief&unit={top}&period=year&at={today}&level=",
        value(&page, "id")
    );
    let (status, page) = house.posted(&leader, "/reports", FORM, &form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
    assert!(
        page.contains("内容里出现了：机密") && page.contains("study-brief"),
        "{page}"
    );
    assert_eq!(house.audited("report.made").await.len(), 0);
    let answer = format!("{form}&secrecy-confirmed={}", web::encode("机密"));
    house.post(&leader, "/reports", &answer).await;
    assert_eq!(house.audited("report.made").await.len(), 1);
    let traced = house.audited("secrecy.confirmed").await;
    assert!(traced[0].detail.contains("机密") && traced[0].object_id == "/reports");
}
