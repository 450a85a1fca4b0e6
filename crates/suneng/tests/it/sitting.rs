//! Sitting an examination in a real browser, against the real program: the network is cut, the server is killed, the
//! page is loaded again, another tab and another device come, and no answer is lost.

use std::path::Path;

use browser::{Browser, DESKTOP, PHONE, Page, Size};
use exams::{Item, Paper, Proof, Section, Shows, Takes, Terms};
use kernel::{AccountId, Id, Scope, Timestamp, UnitId};
use questions::{Key, Kind, Question, Rule};
use serde_json::Value;
use tempfile::TempDir;

use crate::approvals::{House, PASSWORD, Someone};
use crate::program::Server;

fn item(question: Question) -> Item {
    Item {
        question: Question {
            points: vec![format!("行政法/{}", question.kind.code())],
            explanation: "见教材第三章。".into(),
            article: "《示例条例》第三条".into(),
            ..question
        },
        points: 5_000,
        from: None,
    }
}

fn options(kind: Kind, stem: String, key: Key) -> Question {
    Question {
        options: [
            "应当说明理由并告知救济途径",
            "可以口头告知",
            "由窗口人员自行决定",
            "三十日内不得补正",
        ]
        .map(str::to_owned)
        .into(),
        key,
        ..Question::new(kind, stem)
    }
}

/// Twenty questions of every kind that is answered on a page.
fn paper() -> Paper {
    let choices = |letters: &str| Key::Choices(letters.parse().unwrap());
    let mut first: Vec<Item> = (1..=8)
        .map(|n| {
            item(options(
                Kind::Single,
                format!("第{n}题：作出不予行政许可的书面决定，下列做法正确的是（　　）。"),
                choices("A"),
            ))
        })
        .collect();
    let several = [
        Kind::Multiple,
        Kind::Multiple,
        Kind::Multiple,
        Kind::Indefinite,
    ];
    first.extend(
        several.map(|kind| item(options(kind, "下列哪些说法正确？".into(), choices("AB")))),
    );
    let truth = |stem: &str| {
        item(Question {
            key: Key::Truth(true),
            ..Question::new(Kind::Judgement, stem)
        })
    };
    let blanks = Question {
        key: Key::Blanks {
            blanks: vec![vec!["六十日".into()], vec!["十五日".into()]],
            unordered: false,
        },
        ..Question::new(Kind::FillIn, "申请复议的期限是____，起诉的期限是____。")
    };
    let order = options(
        Kind::Ordering,
        "按先后排列：".into(),
        Key::Order("ABCD".parse().unwrap()),
    );
    let pairs = Question {
        targets: ["甲", "乙", "丙"].map(str::to_owned).into(),
        ..options(
            Kind::Matching,
            "连线：".into(),
            Key::Pairs(vec![0, 1, 2, 0]),
        )
    };
    let case = Question {
        parts: vec![
            options(Kind::Single, "该决定是否合法？".into(), choices("B")),
            Question::new(Kind::Short, "说明理由。"),
        ],
        ..Question::new(
            Kind::Case,
            "材料：某市行政审批局作出不予许可决定。\n当事人不服。",
        )
    };
    let rest = vec![
        truth("行政许可应当公开。"),
        truth("口头决定一律无效。"),
        item(blanks),
        item(order),
        item(pairs),
        item(Question::new(Kind::Short, "简述行政许可的原则。")),
        item(Question::new(Kind::Essay, "论述依法行政的基本要求。")),
        item(case),
    ];
    let section = |title: &str, items: Vec<Item>| Section {
        title: title.to_owned(),
        rule: Rule::Exact,
        pick: items.len(),
        items,
    };
    Paper {
        title: "季度测试".into(),
        sections: vec![section("一、选择题", first), section("二、其他", rest)],
        mixed: false,
        mixed_options: true,
    }
}

pub async fn publish(house: &House, unit: UnitId, paper: &Paper, shows: Shows) -> Id {
    let (exams, all) = (&house.rooms.exams, Scope::All);
    let now = house.world.env.now();
    let terms = Terms {
        unit,
        kind: "quarterly-test".into(),
        title: "2026 年度依法行政知识测试".into(),
        opens: now,
        closes: Timestamp(now.0 + 7_200 * Timestamp::SECOND),
        seconds: 2_700,
        grace: 120,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: Some(5_000),
        shows,
    };
    let by = AccountId(house.world.env.new_id());
    let exam = exams.create(paper, terms, &all, by).await.unwrap();
    exams.publish(exam, &all, by).await.unwrap();
    exam
}

pub async fn tickets(house: &House, exam: Id, names: &[&str]) -> Vec<String> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let by = AccountId(house.world.env.new_id());
    let issued = house.rooms.exams.issue(exam, &names, &Scope::All, by);
    issued
        .await
        .unwrap()
        .into_iter()
        .map(|i| i.ticket)
        .collect()
}

pub fn serve(folder: &Path, at: Option<&str>) -> Server {
    let data = folder.display().to_string();
    match at {
        None => Server::start(&["--data", &data, "--lang", "zh"]),
        Some(address) => Server::start_at(address, &["--data", &data, "--lang", "zh"]),
    }
}

pub async fn open(page: &Page, server: &Server, path: &str) {
    page.goto(&format!("http://{}{path}", server.address)).await;
}

pub async fn sign_in(page: &Page, server: &Server, login: &str, next: &str) {
    open(page, server, &format!("/sign-in?next={next}")).await;
    page.fill("#f-login", login).await;
    page.fill("#f-password", PASSWORD).await;
    page.follow(".signin-form button").await;
}

pub async fn unsent(page: &Page, count: usize) {
    let there = format!(
        "(document.querySelector('.saved') || {{ getAttribute() {{}} }}).getAttribute('data-unsent') === '{count}'"
    );
    page.wait_until(&there, &format!("{count} unsent")).await;
}

pub async fn at_question(page: &Page, number: usize) {
    page.wait_text("#q-title", &format!("第 {number} 题")).await;
}

pub async fn next(page: &Page, size: Size) {
    let button = if size == PHONE {
        ".exam-bar .btn-primary"
    } else {
        ".q-nav .btn-primary"
    };
    page.click(button).await;
}

/// Answers the question that is shown, as a person would.
async fn answer(page: &Page, number: usize) {
    at_question(page, number).await;
    match number {
        1..=8 => {
            page.click(&format!(".opt:nth-of-type({})", 1 + number % 4))
                .await
        }
        9..=12 => {
            page.click(".opt:nth-of-type(1)").await;
            page.click(".opt:nth-of-type(3)").await;
        }
        13 | 14 => page.click(".opt:nth-of-type(2)").await,
        15 => {
            page.fill(".sit-blank:nth-of-type(1) input", "六十日").await;
            page.fill(".sit-blank:nth-of-type(2) input", "十五日").await;
        }
        16 => page.click(".sit-order li:nth-child(1) [data-down]").await,
        17 => {
            page.fill(".sit-pair:nth-of-type(1) select", "B").await;
            page.fill(".sit-pair:nth-of-type(3) select", "A").await;
        }
        18 | 19 => {
            page.fill(
                ".sit-text",
                &format!("第{number}题的回答：依法、合理、公开。"),
            )
            .await
        }
        _ => {
            page.click(".sit-part:nth-of-type(1) .opt:nth-of-type(2)")
                .await;
            page.fill(".sit-part:nth-of-type(2) .sit-text", "理由不成立。")
                .await;
        }
    }
}

pub async fn jump(page: &Page, size: Size, to: usize) {
    if size == PHONE {
        page.click(".exam-bar [aria-controls=sheet]").await;
    }
    page.click(&format!(".ans button[data-n='{}']", to - 1))
        .await;
    at_question(page, to).await;
}

pub const DEVICE: &str = "new Promise(ok => { const r = indexedDB.open('suneng-sitting'); r.onsuccess = () => {
    const g = r.result.transaction('kept').objectStore('kept').get('device'); g.onsuccess = () => ok(g.result); }; })";
pub const KEPT: &str = "new Promise(ok => { const r = indexedDB.open('suneng-sitting'); r.onsuccess = () => {
    const g = r.result.transaction('kept').objectStore('kept').getAll(IDBKeyRange.bound('a:', 'a:~'));
    g.onsuccess = () => ok(g.result.map(a => ({ item: a.item, value: a.value, sent: a.sent }))); }; })";

/// Errors that a network that was cut leaves on the console.
pub async fn forget_network_errors(page: &Page) {
    for error in page.console_errors().await {
        assert!(
            error.contains("net::ERR_") || error.contains("Failed to load resource"),
            "{error}"
        );
        page.expect_error(&error).await;
    }
}

async fn begin_by_ticket(page: &Page, server: &Server, ticket: &str) {
    // The address of a picture on a ticket.
    open(page, server, &format!("/sit#{ticket}")).await;
    page.wait_until("location.pathname.startsWith('/sit/')", "the rules")
        .await;
    page.wait_for("#read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_is_sat_through_a_cut_network_and_a_killed_server() {
    let folder = TempDir::new().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "市司法局").await;
    let exam = publish(&house, unit, &paper(), Shows::ByHand).await;
    let tickets = tickets(&house, exam, &["林晓岚", "沈一"]).await;
    let mut server = serve(folder.path(), None);
    let browser = Browser::launch().await;
    for (size, ticket) in [DESKTOP, PHONE].into_iter().zip(&tickets) {
        let page = browser.page(size).await;
        let shot = async |name: &str| {
            page.screenshot(&format!("sitting-{}-{name}", size.width))
                .await;
        };
        open(&page, &server, "/sit").await;
        page.assert_accessible().await;
        shot("door").await;
        page.fill("#f-ticket", "0000-0000-0000-0000").await;
        page.click("#ticket button").await;
        page.wait_for("#ticket .alertbar").await;
        page.expect_error("404").await;
        begin_by_ticket(&page, &server, ticket).await;
        page.assert_accessible().await;
        page.assert_fits().await;
        shot("rules").await;
        page.click("#main .btn-primary").await;
        page.wait_text(".err", "请先阅读").await;
        page.click("#read").await;
        page.click("#main .btn-primary").await;
        for number in 1..=7 {
            answer(&page, number).await;
            next(&page, size).await;
        }
        unsent(&page, 0).await;
        page.assert_accessible().await;
        page.assert_fits().await;
        at_question(&page, 8).await;
        page.press("m").await;
        shot("question").await;

        // Off the network one goes on; what is not sent is counted and kept.
        page.offline(true).await;
        for number in 8..=12 {
            answer(&page, number).await;
            next(&page, size).await;
        }
        unsent(&page, 5).await;
        page.wait_for("[data-note=offline]").await;
        page.assert_accessible().await;
        page.assert_fits().await;
        shot("offline").await;
        if size == PHONE {
            page.click(".exam-bar [aria-controls=sheet]").await;
            page.wait_for("#sheet .ans").await;
            page.screenshot(&format!("sitting-{}-sheet", size.width))
                .await;
            page.press("Escape").await;
        }
        page.offline(false).await;
        unsent(&page, 0).await;
        page.wait_gone("[data-note=offline]").await;

        // The server dies under the sitting and comes back.
        let address = server.address.clone();
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        for number in 13..=15 {
            answer(&page, number).await;
            next(&page, size).await;
        }
        unsent(&page, 3).await;
        server = serve(folder.path(), Some(&address));
        unsent(&page, 0).await;
        forget_network_errors(&page).await;

        // The page is lost in the middle of typing, without a network: the next one goes on where it was.
        for number in 16..=18 {
            answer(&page, number).await;
            next(&page, size).await;
        }
        unsent(&page, 0).await;
        page.offline(true).await;
        answer(&page, 19).await;
        unsent(&page, 1).await;
        shot("essay").await;
        let (lost, page) = (page.clone(), browser.beside(&page).await);
        open(&page, &server, &format!("/sit#{ticket}")).await;
        at_question(&page, 1).await;
        lost.wait_text("h1", "另一个标签页").await;
        page.wait_text("#sheet h2", "19 / 20").await;
        unsent(&page, 0).await;
        let shot = async |name: &str| {
            page.screenshot(&format!("sitting-{}-{name}", size.width))
                .await;
        };
        // And so does one that is loaded again.
        open(&page, &server, &format!("/sit/{exam}")).await;
        at_question(&page, 1).await;
        page.wait_text("#sheet h2", "19 / 20").await;
        let chosen: String = page
            .eval("document.querySelector('.opt input:checked').value")
            .await;
        assert_eq!(chosen, "B", "the second was clicked");
        jump(&page, size, 20).await;
        answer(&page, 20).await;
        shot("case").await;
        jump(&page, size, 5).await;
        at_question(&page, 5).await;
        page.click(".q-foot button").await;
        unsent(&page, 0).await;

        // What the server has is what this device has.
        let kept: Vec<Value> = page.eval(KEPT).await;
        assert_eq!(kept.len(), 20);
        assert!(kept.iter().all(|k| k["sent"] == true), "{kept:?}");
        let device: String = page.eval(DEVICE).await;
        let proof = Proof::Ticket(ticket.clone());
        let stored = house
            .rooms
            .exams
            .begin(exam, &proof, &device)
            .await
            .unwrap();
        for k in &kept {
            let there = stored
                .items
                .iter()
                .find(|i| i["item"] == k["item"])
                .unwrap();
            assert_eq!(there["value"], k["value"], "{there}");
        }

        if size == PHONE {
            page.click(".exam-bar [aria-controls=sheet]").await;
            page.click(".sheet-act .btn-primary").await;
        } else {
            page.click(".exam-act .btn-plain").await;
        }
        page.wait_text("dialog", "未答 1 题").await;
        page.assert_accessible().await;
        shot("hand-in").await;
        page.click("[data-sure]").await;
        page.wait_for(".sit-receipt").await;
        page.assert_accessible().await;
        page.assert_fits().await;
        shot("receipt").await;
        let receipt = page.text(".sit-receipt").await;
        assert!(receipt.contains("作答题数\n19"), "{receipt}");
        let left: Vec<Value> = page.eval(KEPT).await;
        assert!(left.is_empty(), "the next one at this desk finds nothing");
        page.follow("a[href^='/receipts']").await;
        page.wait_text("main", "一致：").await;
        page.assert_accessible().await;
        let forged = format!(
            "/receipts?attempt={}&hash={}",
            stored.attempt,
            "0".repeat(64)
        );
        open(&page, &server, &forged).await;
        page.wait_text("main", "不一致").await;
        // Loaded again there is the receipt, and no second attempt.
        open(&page, &server, &format!("/sit/{exam}")).await;
        page.wait_for(".sit-receipt").await;
        let errors = page.console_errors().await;
        assert!(errors.is_empty(), "{errors:#?}");
    }
    browser.close().await;
    assert!(server.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_alone_sit_a_paper_and_time_ends_it() {
    let folder = TempDir::new().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "市司法局").await;
    let exam = publish(&house, unit, &paper(), Shows::AtOnce).await;
    let ticket = tickets(&house, exam, &["沈二", "沈三"]).await;
    let server = serve(folder.path(), None);
    let browser = Browser::launch().await;
    let page = browser.page(DESKTOP).await;
    begin_by_ticket(&page, &server, &ticket[0]).await;
    let () = page
        .eval("(document.querySelector('#try-keys').focus(), null)")
        .await;
    page.press("Tab").await;
    page.press(" ").await;
    page.press("Tab").await;
    page.press("Enter").await;
    at_question(&page, 1).await;
    for number in 1..=14 {
        at_question(&page, number).await;
        page.press(if number % 2 == 0 { "a" } else { "b" }).await;
        if number == 3 {
            page.press("m").await;
        }
        page.press(if number % 2 == 0 {
            "Enter"
        } else {
            "ArrowRight"
        })
        .await;
    }
    at_question(&page, 15).await;
    unsent(&page, 0).await;
    page.press("ArrowLeft").await;
    at_question(&page, 14).await;
    assert_eq!(page.texts(".ans .mk").await, ["3"]);
    let checked: Vec<String> = page
        .eval("Array.from(document.querySelectorAll('.opt input:checked'), i => i.value)")
        .await;
    assert_eq!(checked, ["T"]);
    // Paper is not printed; what is printed says why.
    page.print_pdf("sitting-print").await;
    // More time, and then none: the server's end counts, not the device's clock.
    let seats = house.rooms.exams.board(exam, &Scope::All).await.unwrap();
    let attempt = seats.borrow().seats.iter().find_map(|s| s.attempt).unwrap();
    drop(seats);
    let running = "/^4[45]:/.test(document.querySelector('.timer').innerText.trim())";
    page.wait_until(running, "the time that is left").await;
    house
        .rooms
        .exams
        .extend(exam, Some(attempt), 900, &Scope::All)
        .await
        .unwrap();
    page.press("b").await;
    page.wait_until(
        "/^59:/.test(document.querySelector('.timer').innerText.trim())",
        "more time",
    )
    .await;
    let micros = -3_600 * Timestamp::SECOND;
    let ended = db::transaction!(house.world.db, |tx| {
        let sql = "UPDATE exam_attempt SET deadline = deadline + $1 WHERE id = $2";
        tx.execute(sql, db::args![micros, attempt]).await
    });
    assert_eq!(ended.unwrap(), 1);
    page.press("a").await;
    page.wait_for(".sit-receipt").await;
    page.wait_text("main", "得分").await;
    let receipt = page.text(".sit-receipt").await;
    assert!(receipt.contains("作答题数\n14"), "{receipt}");
    let errors = page.console_errors().await;
    assert!(errors.iter().all(|e| e.contains("409")), "{errors:#?}");
    browser.close().await;
    assert!(server.stop());
}

async fn listed(house: &House, exam: Id, people: &[(&Someone, UnitId)]) {
    let people: Vec<_> = people
        .iter()
        .map(|(who, unit)| (who.person, *unit))
        .collect();
    let by = AccountId(house.world.env.new_id());
    house
        .rooms
        .exams
        .admit(exam, &people, &Scope::All, by)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tab_another_device_the_room_and_a_question_about_the_result() {
    let folder = TempDir::new().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "市司法局").await;
    let mut short = paper();
    short.sections.truncate(1);
    short.sections[0].items.truncate(3);
    short.sections[0].pick = 3;
    let exam = publish(
        &house,
        unit,
        &Paper {
            mixed_options: false,
            ..short
        },
        Shows::AtOnce,
    )
    .await;
    let taker = house.someone("taker", "staff", unit).await;
    let rival = house.someone("rival", "staff", unit).await;
    let officer = house.someone("officer", "training-officer", unit).await;
    listed(
        &house,
        exam,
        &[(&taker, unit), (&rival, unit), (&officer, unit)],
    )
    .await;
    let server = serve(folder.path(), None);
    let browser = Browser::launch().await;
    let page = browser.page(DESKTOP).await;
    sign_in(&page, &server, "taker", "/my/exams").await;
    page.wait_text("main", "现在可以参加").await;
    page.assert_accessible().await;
    page.screenshot("sitting-1440-mine").await;
    page.follow("main .btn-primary").await;
    page.click("#read").await;
    page.click("#main .btn-primary").await;
    at_question(&page, 1).await;
    page.press("b").await;
    unsent(&page, 0).await;

    // The newer tab goes on, the older one says so.
    let beside = browser.beside(&page).await;
    open(&beside, &server, &format!("/sit/{exam}")).await;
    at_question(&beside, 1).await;
    page.wait_text("h1", "另一个标签页").await;
    page.assert_accessible().await;
    assert_eq!(beside.texts(".opt input:checked").await.len(), 1);
    beside.press("ArrowRight").await;
    beside.press("a").await;
    unsent(&beside, 0).await;
    page.front().await;
    page.click("main .btn-primary").await;
    at_question(&page, 1).await;
    beside.wait_text("h1", "另一个标签页").await;
    page.wait_text("#sheet h2", "2 / 3").await;

    // Another device waits until the room lets it in.
    let phone = browser.page(PHONE).await;
    sign_in(&phone, &server, "taker", &format!("/sit/{exam}")).await;
    phone.wait_text("h1", "另一台设备").await;
    phone.expect_error("409").await;
    phone.assert_accessible().await;
    let desk = browser.page(DESKTOP).await;
    sign_in(&desk, &server, "officer", &format!("/exams/{exam}/room")).await;
    desk.wait_text("#board", "作答中").await;
    desk.assert_accessible().await;
    desk.assert_fits().await;
    desk.screenshot("room-1440").await;
    desk.fill("#f-text", "第 2 题选项 C 有误字，请注意。").await;
    desk.follow("form[action$='/news'] button").await;
    // The sitting hears of it with its next answer, and confirms it.
    page.press("c").await;
    page.wait_for("[data-news]").await;
    page.screenshot("sitting-1440-news").await;
    page.assert_accessible().await;
    page.click("[data-news] button").await;
    page.wait_gone("[data-news]").await;
    // The board is a second old at most.
    for _ in 0..100 {
        open(&desk, &server, &format!("/exams/{exam}/room")).await;
        if desk.text("main").await.contains("1 人已确认") {
            break;
        }
        desk.wait_until(
            "new Promise(done => setTimeout(() => done(true), 100))",
            "a moment",
        )
        .await;
    }
    desk.wait_text("main", "1 人已确认").await;
    desk.follow("#board tbody a").await;
    desk.wait_text("main", "另一台设备请求进入").await;
    desk.assert_accessible().await;
    desk.screenshot("room-1440-seat").await;
    desk.fill("#f-unlock", "键盘故障").await;
    desk.follow("main .btn-primary").await;
    desk.wait_text("main", "键盘故障").await;
    phone.click("main .btn-primary").await;
    at_question(&phone, 1).await;
    phone.wait_text("#sheet h2", "2 / 3").await;
    page.press("d").await;
    page.wait_text("h1", "另一台设备").await;
    page.expect_error("409").await;
    phone.click(".exam-bar .btn-primary").await;
    at_question(&phone, 2).await;
    phone.click(".exam-bar .btn-primary").await;
    at_question(&phone, 3).await;
    phone.click(".opt:nth-of-type(3)").await;
    unsent(&phone, 0).await;

    // The board follows by itself.
    open(&desk, &server, &format!("/exams/{exam}/room")).await;
    phone.click(".exam-bar [aria-controls=sheet]").await;
    phone.click(".sheet-act .btn-primary").await;
    phone.click("[data-sure]").await;
    phone.wait_for(".sit-receipt").await;
    phone.screenshot("sitting-390-result").await;
    desk.wait_text("#board tbody", "已交卷").await;
    let narrow = browser.page(PHONE).await;
    sign_in(&narrow, &server, "officer", &format!("/exams/{exam}/room")).await;
    narrow.assert_fits().await;
    narrow.screenshot("room-390").await;

    // The result, question by question, and a question about it that somebody else answers.
    beside.front().await;
    open(&beside, &server, "/my/exams").await;
    beside.follow("main a[href^='/my/exams/']").await;
    beside.wait_text("main", "需要学习的知识点").await;
    beside.wait_text("main", "《示例条例》第三条").await;
    beside.assert_accessible().await;
    beside.assert_fits().await;
    beside.screenshot("sitting-1440-items").await;
    beside.click("#item-1 summary").await;
    beside
        .fill("#appeal-1", "选项 A 与法条不符，请复核。")
        .await;
    beside.follow("#item-1 form button").await;
    beside.wait_text("main", "复核申请已提交").await;
    open(&desk, &server, "/requests").await;
    desk.follow("main a.ttl").await;
    desk.follow("main a[href^='/exams/appeals/']").await;
    desk.assert_accessible().await;
    desk.fill("#f-text", "经复核，答案无误。").await;
    desk.screenshot("sitting-1440-appeal").await;
    desk.follow("main form .btn-primary").await;
    beside
        .leave_by(async {
            let () = beside.eval("(location.reload(), null)").await;
        })
        .await;
    beside.wait_text("#item-1", "经复核，答案无误。").await;
    // What belongs to somebody else does not exist.
    let attempt = beside.url().await;
    let path = attempt.split_once("/my/").unwrap().1.to_owned();
    let narrow = browser.page(PHONE).await;
    sign_in(&narrow, &server, "rival", "/my/exams").await;
    open(&narrow, &server, &format!("/my/{path}")).await;
    narrow.expect_error("404").await;
    open(&narrow, &server, &format!("/exams/{exam}/room")).await;
    narrow.expect_error("404").await;
    for action in ["exam.announced", "exam.unlocked"] {
        assert_eq!(house.audited(action).await.len(), 1, "{action}");
    }
    browser.close().await;
    assert!(server.stop());
}
