//! The packs as an administrator reads, takes out, compares, edits and adds them, and how a server takes them up.

use std::time::{Duration, Instant};

use axum::http::StatusCode;

use crate::approvals::{FORM, House, Someone};
use crate::program::{self, PATIENCE, Server};

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

/// What the edit form sends.
fn edited(text: &str, note: &str, base: i64) -> String {
    format!("{}&note={}&base={base}", encoded(text), web::encode(note))
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_are_edited_checked_put_to_use_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let admin = house.someone("admin", "system-admin", top).await;
    let other = house.someone("other", "system-admin", top).await;
    let path = "/admin/packs/weekly-study";
    let edit = format!("{path}/edit");
    let own = house.get(&admin, &format!("{path}/pack.toml")).await;
    assert!(house.get(&admin, &edit).await.contains("target = 95"));
    let send = async |who, text: &str, note: &str, base| {
        house
            .posted(who, &edit, FORM, &edited(text, note, base))
            .await
    };
    // The same checks as at the start, with file, line and reason; what was typed stays.
    let wrong = own.replacen("measure = \"count\"", "measure = \"guess\"", 1);
    let (status, page) = send(&admin, &wrong, "试试", 0).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("weekly-study.toml 第") && page.contains("guess"),
        "{page}"
    );
    let (_, page) = send(&admin, &own, "试试", 0).await;
    assert!(page.contains("没有改动"), "{page}");
    let renamed = own.replacen("code = \"weekly-study\"", "code = \"other\"", 1);
    let (_, page) = send(&admin, &renamed, "试试", 0).await;
    assert!(page.contains("代码不能修改"), "{page}");
    let first = own.replace("target = 95", "target = 96");
    let (_, page) = send(&admin, &first, " ", 0).await;
    assert!(page.contains("请填写修改理由"), "{page}");
    let (status, page) = send(&admin, &first.replace('\n', "\r\n"), "目标调高", 0).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let taken = house
        .get(&admin, &format!("{path}/pack.toml?version=1"))
        .await;
    assert_eq!(taken, first, "taken out it is the same, byte by byte");
    // Two at once: the second is told what the first changed, keeps their own, and saves it then.
    let second = own.replace("target = 95", "target = 97");
    let (status, page) = send(&other, &second, "我的改动", 0).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("甲admin") && page.contains("目标调高"),
        "{page}"
    );
    assert!(
        page.contains("+ target = 96") && page.contains("target = 97"),
        "{page}"
    );
    assert!(page.contains("name=\"base\" value=\"1\""), "{page}");
    let (status, _) = send(&other, &second, "我的改动", 1).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = house.get(&admin, &format!("{path}?version=2")).await;
    assert!(
        page.contains("+ target = 97") && page.contains("第 2 版"),
        "{page}"
    );
    // Put to use it waits until the server takes it up; in this house nothing does.
    let to_use = format!("{path}/use");
    house.post(&admin, &to_use, "n=1&before=0").await;
    let page = house.get(&admin, path).await;
    assert!(page.contains("正在换用"), "{page}");
    let (status, _) = house.posted(&other, &to_use, FORM, "n=2&before=0").await;
    assert_eq!(status, StatusCode::CONFLICT, "another is in use meanwhile");
    let (status, _) = house.posted(&other, &to_use, FORM, "n=9&before=1").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let text_at_start = async || {
        let config = crate::program::config(folder.path(), None);
        let world = suneng::World::open(config, kernel::Env::system())
            .await
            .unwrap();
        let pack = world.packs.iter().find(|p| p.code == "weekly-study");
        let text = pack.unwrap().text.clone();
        world.db.close().await;
        text
    };
    assert_eq!(text_at_start().await, first);
    house.post(&admin, &to_use, "n=0&before=1").await;
    assert_eq!(
        text_at_start().await,
        own,
        "the program's own is one click away"
    );
    for (action, times) in [("pack.saved", 2), ("pack.used", 1), ("pack.returned", 1)] {
        assert_eq!(house.audited(action).await.len(), times, "{action}");
    }
    let leader = house.someone("leader", "leader", top).await;
    let (status, _) = house.asked(&leader, &edit).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_records_use_cannot_disappear() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let admin = house.someone("admin", "system-admin", top).await;
    let text = house.get(&admin, "/admin/packs/roles/pack.toml").await;
    // Nobody is an inspector, so that role may go; somebody is system administrator.
    let unused = text.replace("code = \"inspector\"", "code = \"visitor\"");
    let edit = "/admin/packs/roles/edit";
    let (status, page) = house
        .posted(&admin, edit, FORM, &edited(&unused, "改名", 0))
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    let used = unused.replace("code = \"system-admin\"", "code = \"operator\"");
    let (status, page) = house
        .posted(&admin, edit, FORM, &edited(&used, "改名", 1))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.contains("system-admin") && page.contains("授权中有 1 条记录在用"),
        "{page}"
    );
}

/// A new pack as its form sends it: as text, or as a file.
fn new_pack(text: &str, as_file: bool, note: &str) -> String {
    let (file, typed) = match as_file {
        true => (text, ""),
        false => ("", text),
    };
    format!(
        "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.toml\"\r\n\r\n{file}\r\n\
         --xx\r\ncontent-disposition: form-data; name=\"text\"\r\n\r\n{typed}\r\n\
         --xx\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\n{note}\r\n--xx--\r\n"
    )
}

const ADDED: &str = "[pack]\ncode = \"own-words\"\nversion = \"1\"\nname = { zh = \"本单位用语\", en = \"Own words\" }\n\
    [[secrecy-word]]\nword = \"澜州内部\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_takes_up_packs_that_another_node_puts_to_use() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let top = house.unit(None, "1").await;
    let admin = house.someone("admin", "system-admin", top).await;
    let data = folder.path().display().to_string();
    let server = Server::start(&["--data", &data]);
    let leader = house.someone("leader", "leader", top).await;
    let asked = |who: &Someone, path: &str| {
        let headers = format!("cookie: {}\r\n", who.cookie);
        let line = format!("GET {path} HTTP/1.1");
        program::send(&server.address, &line, &headers, "")
    };
    // This server speaks English.
    let until = async |who: &Someone, path: &str, is: &dyn Fn(&str) -> bool| {
        let begun = Instant::now();
        loop {
            let (status, _, page) = asked(who, path);
            assert_eq!(status, 200, "nobody is cut off meanwhile: {page}");
            if is(&page) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays as it was: {page}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let path = "/admin/packs/weekly-study";
    let own = house.get(&admin, &format!("{path}/pack.toml")).await;
    let text = own.replacen("en = \"Study every Friday\"", "en = \"Friday, renamed\"", 1);
    assert_ne!(text, own);
    let edit = format!("{path}/edit");
    let (status, page) = house
        .posted(&admin, &edit, FORM, &edited(&text, "改名", 0))
        .await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    house
        .post(&admin, &format!("{path}/use"), "n=1&before=0")
        .await;
    until(&admin, path, &|page| {
        page.contains("Friday, renamed") && !page.contains("being taken up")
    })
    .await;
    // The rooms follow, not only the page of the pack.
    until(&leader, "/obligations", &|page| {
        page.contains("Friday, renamed")
    })
    .await;

    // A pack that the program does not bring.
    let add = "/admin/packs/new";
    assert!(house.get(&admin, add).await.contains("multipart/form-data"));
    const PARTS: &str = "multipart/form-data; boundary=xx";
    let send = async |text: &str, as_file, note: &str| {
        let body = new_pack(text, as_file, note);
        house.posted(&admin, add, PARTS, &body).await
    };
    for (text, note, said) in [
        ("", "本单位的词", "请粘贴新版本的全文"),
        (ADDED, "", "请填写修改理由"),
        ("[pack]\ncode = 1", "本单位的词", "第 2 行"),
        (
            &ADDED.replace("own-words", "roles"),
            "本单位的词",
            "已有同一代码",
        ),
        (
            &ADDED.replace("secrecy-word", "secrecy-wrd"),
            "本单位的词",
            "secrecy-wrd",
        ),
    ] {
        let (status, page) = send(text, false, note).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(page.contains(said), "{said}: {page}");
    }
    let (status, to) = send(ADDED, true, "本单位的词").await;
    assert_eq!(
        (status, to.as_str()),
        (StatusCode::SEE_OTHER, "/admin/packs/own-words")
    );
    let list = house.get(&admin, "/admin/packs").await;
    assert!(
        list.contains("本单位用语") && list.contains("未启用"),
        "{list}"
    );
    let page = house.get(&admin, &to).await;
    assert!(page.contains("还没有启用"), "{page}");
    house
        .post(&admin, &format!("{to}/use"), "n=1&before=0")
        .await;
    until(&admin, &to, &|page| !page.contains("is not in use")).await;
    house
        .post(&admin, &format!("{to}/use"), "n=0&before=1")
        .await;
    until(&admin, &to, &|page| page.contains("is not in use")).await;
    assert!(server.stop(), "it ends well after several exchanges");
}
