//! From a file to a receipt, all on pages: a bank is imported and mended, another person accepts it, a paper of fifty
//! questions is drawn from it, published and sat, with the network cut in the middle and the server killed once.

use browser::{Browser, DESKTOP, PHONE, Page};
use exams::Proof;
use kernel::{Id, Timestamp};
use questions::formats::{Format, write};
use questions::{Key, Kind, Question, SplitMix};
use serde_json::Value;
use tempfile::TempDir;

use crate::approvals::House;
use crate::sitting::{
    DEVICE, KEPT, at_question, forget_network_errors, jump, next, open, serve, sign_in, unsent,
};

/// Questions that are answered by a choice.
const CHOICES: usize = 60;

/// A file as somebody brings it: choices unlike one another, one of them without its key, and two that want files.
fn file() -> Vec<u8> {
    let choice = |n: usize| {
        let mut random = SplitMix::new(n as u64 + 1);
        let mut word = |length: usize| -> String {
            let letters = (0..length).map(|_| 0x4e00 + random.below(3_000) as u32);
            letters.filter_map(char::from_u32).collect()
        };
        let mut question = Question::new(
            Kind::Single,
            format!("第{n}题：关于{}的下列说法，正确的是{}？", word(8), word(6)),
        );
        question.options = (0..4).map(|_| word(8)).collect();
        question.key = match n {
            7 => Key::None,
            _ => Key::Choices("B".parse().unwrap()),
        };
        question.points = vec![["行政法/许可", "行政法/复议", "公文/格式"][n % 3].to_owned()];
        question.difficulty = u8::try_from(n % 5 + 1).ok();
        question
    };
    let mut all: Vec<Question> = (1..=CHOICES).map(choice).collect();
    for what in [
        "请上传一份行政复议决定书的照片。",
        "请上传本人整理的案件目录。",
    ] {
        let mut question = Question::new(Kind::Upload, what);
        question.points = vec!["文书/制作".to_owned()];
        all.push(question);
    }
    write(Format::Csv, &all).unwrap().bytes
}

/// Puts a file into a field, as if it was chosen.
pub async fn choose(page: &Page, selector: &str, name: &str, bytes: &[u8]) {
    let bytes = serde_json::to_string(bytes).unwrap();
    let selector = Value::from(selector);
    let chosen = format!(
        "(() => {{
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array({bytes})], '{name}'));
            const field = document.querySelector({selector});
            field.files = held.files;
            field.dispatchEvent(new Event('change', {{ bubbles: true }}));
            return null;
        }})()"
    );
    let () = page.eval(&chosen).await;
}

/// The first real choice of a list.
async fn first_of(page: &Page, selector: &str) {
    let chosen = format!(
        "(() => {{ const s = document.querySelector('{selector}'); s.value = Array.from(s.options, o => o.value).find(v => v); return null; }})()"
    );
    let () = page.eval(&chosen).await;
}

/// Ticks all of each page of a list and presses a button, until nothing is left.
async fn all_of(page: &Page, server: &crate::program::Server, list: &str, button: &str) -> usize {
    let mut done = 0;
    loop {
        open(page, server, list).await;
        let there: usize = page
            .eval("document.querySelectorAll('[data-tick]').length")
            .await;
        if there == 0 {
            return done;
        }
        page.click("[data-tick-all]").await;
        page.follow(button).await;
        done += there;
        assert!(done < 200, "what is done leaves the list");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_comes_from_a_file_a_paper_from_it_and_every_answer_is_there() {
    let folder = TempDir::new().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "市司法局").await;
    house.someone("officer", "training-officer", unit).await;
    house.someone("leader", "leader", unit).await;
    let staff = house.someone("staff", "staff", unit).await;
    let mut server = serve(folder.path(), None);
    let browser = Browser::launch().await;

    // A bank, and a file looked at before it comes in; the one that is faulty waits to be mended.
    let page = browser.page(DESKTOP).await;
    sign_in(&page, &server, "officer", "/questions/banks").await;
    page.fill("#f-name", "业务题库").await;
    first_of(&page, "#f-unit").await;
    page.follow("form[action='/questions/banks'] button").await;
    open(&page, &server, "/questions/import").await;
    first_of(&page, "#f-bank").await;
    choose(&page, "#f-file", "题库.csv", &file()).await;
    page.click("form[data-upload] button").await;
    page.wait_for("form[action='/questions/import/publish']")
        .await;
    let counts = page.texts(".stats b").await;
    assert_eq!(counts, ["62", "61", "1", "0"], "found, new, faulty, twice");
    page.assert_accessible().await;
    page.screenshot("bank-preview").await;
    page.follow("form[action='/questions/import/publish'] .btn-primary")
        .await;
    page.follow("td a.ttl").await;
    page.follow("a[href$='/edit']").await;
    page.click("input[name=right][value='1']").await;
    page.follow("form[action='/questions'] .btn-primary").await;
    let proposed = all_of(
        &page,
        &server,
        "/questions?state=draft",
        "form[data-batch] .row-wrap .btn-plain",
    );
    assert_eq!(proposed.await, CHOICES + 2, "with the one that was mended");

    // Somebody else accepts.
    let leader = browser.page(DESKTOP).await;
    sign_in(&leader, &server, "leader", "/questions").await;
    let accept = "form[data-batch] button[value=accept]";
    let accepted = all_of(&leader, &server, "/questions?state=review", accept).await;
    assert_eq!(accepted, CHOICES + 2);

    // A paper of fifty by a blueprint, published for one.
    open(&page, &server, "/exams/new").await;
    let now = house.world.env.now();
    let field = |at: Timestamp| at.minute_text(house.world.env.zone()).replace(' ', "T");
    page.fill("#f-unit", "市司法局").await;
    page.fill("#f-title", "年度业务知识测试").await;
    page.fill("#f-kind", "quarterly-test").await;
    page.fill("#f-opens", &field(now.plus_seconds(-120))).await;
    page.fill("#f-closes", &field(now.plus_seconds(7_200)))
        .await;
    page.fill("#f-minutes", "60").await;
    page.follow(".formbar .btn-primary").await;
    let exam: Id = {
        let url = page.url().await;
        url.rsplit('/').next().unwrap().parse().unwrap()
    };
    let at = format!("/exams/{exam}");
    open(&page, &server, &format!("{at}/blueprint")).await;
    let row = async |n: usize, kind: &str, count: &str| {
        page.fill(&format!("#f-row-{n} [name=kind]"), kind).await;
        page.fill(&format!("#f-row-{n} [name=point]"), "业务题库")
            .await;
        page.fill(&format!("#f-row-{n} [name=count]"), count).await;
        page.fill(&format!("#f-row-{n} [name=each]"), "2").await;
    };
    row(1, "single", "49").await;
    page.follow("button[value=count]").await;
    row(2, "upload", "1").await;
    page.follow("button[value=draw]").await;
    open(&page, &server, &format!("{at}/candidates")).await;
    page.fill("#f-people", "staff").await;
    page.follow("form[action$='/candidates'] .btn-primary")
        .await;
    open(&page, &server, &at).await;
    page.follow("form[action$='/publication'] button").await;

    // Whoever is on the list is told, and sits it on a phone.
    let sitter = browser.page(PHONE).await;
    sign_in(&sitter, &server, "staff", "/notices").await;
    sitter.wait_text("main", "年度业务知识测试").await;
    open(&sitter, &server, "/my/exams").await;
    sitter.follow("a[href^='/sit/']").await;
    sitter.wait_for("#read").await;
    sitter.click("#read").await;
    sitter.click("#main .btn-primary").await;
    for number in 1..=49 {
        match number {
            20 => sitter.offline(true).await,
            25 => {
                unsent(&sitter, 5).await;
                sitter.offline(false).await;
                unsent(&sitter, 0).await;
            }
            35 => {
                server.child.kill().unwrap();
                server.child.wait().unwrap();
            }
            38 => {
                unsent(&sitter, 3).await;
                let address = server.address.clone();
                server = serve(folder.path(), Some(&address));
                unsent(&sitter, 0).await;
            }
            _ => {}
        }
        at_question(&sitter, number).await;
        sitter
            .click(&format!(".opt:nth-of-type({})", 1 + number % 4))
            .await;
        next(&sitter, PHONE).await;
    }
    // The last wants a file: chosen while the network is away, kept here; the page is lost, and the next one sends it.
    at_question(&sitter, 50).await;
    unsent(&sitter, 0).await;
    sitter.assert_accessible().await;
    sitter.offline(true).await;
    let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[9; 300_000]].concat();
    choose(&sitter, "input[type=file]", "决定书.png", &picture).await;
    sitter.wait_for("[data-files] li[data-state=going]").await;
    unsent(&sitter, 1).await;
    sitter.assert_fits().await;
    sitter.assert_accessible().await;
    sitter.screenshot("bank-upload-offline").await;
    forget_network_errors(&sitter).await;
    let (lost, sitter) = (sitter.clone(), browser.beside(&sitter).await);
    open(&sitter, &server, &format!("/sit/{exam}")).await;
    at_question(&sitter, 1).await;
    lost.wait_text("h1", "另一个标签页").await;
    unsent(&sitter, 0).await;
    jump(&sitter, PHONE, 50).await;
    sitter.wait_for("[data-files] li[data-state=done]").await;
    sitter.screenshot("bank-upload-sent").await;
    // What the server has is what this device has, to the last answer.
    let kept: Vec<Value> = sitter.eval(KEPT).await;
    assert_eq!(kept.len(), 50);
    let device: String = sitter.eval(DEVICE).await;
    let proof = Proof::Person(staff.person);
    let stored = house.rooms.exams.begin(exam, &proof, &device).await;
    let stored = stored.unwrap();
    for k in &kept {
        let there = stored.items.iter().find(|i| i["item"] == k["item"]);
        assert_eq!(there.unwrap()["value"], k["value"], "{k}");
    }
    sitter.click(".exam-bar [aria-controls=sheet]").await;
    sitter.click(".sheet-act .btn-primary").await;
    sitter.click("[data-sure]").await;
    sitter.wait_for(".sit-receipt").await;
    let receipt = sitter.text(".sit-receipt").await;
    assert!(receipt.contains("作答题数\n50"), "{receipt}");
    sitter.follow("a[href^='/receipts']").await;
    sitter.wait_text("main", "一致：").await;
    for page in [&page, &leader, &sitter] {
        let errors = page.console_errors().await;
        assert!(errors.is_empty(), "{errors:#?}");
    }
    browser.close().await;
    assert!(server.stop());
}
