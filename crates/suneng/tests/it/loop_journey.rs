//! The loop of problems (点题→破题→解题→验题→销号) on its pages, by four people: one raises, the unit that owns it finds the
//! cause and mends, a colleague proves a measure on the phone, and somebody else refuses, accepts and looks back when the
//! clock says so.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use browser::{Browser, DESKTOP, PHONE, Page};
use kernel::{Env, TestClock};
use suneng::Config;
use suneng::serve::Background;
use tempfile::TempDir;

use crate::approvals::{House, PASSWORD};
use crate::bank_journey::choose;

const DAY: i64 = 86_400;
/// A picture as a phone takes it, as far as its first bytes tell.
const PHOTO: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a counter without a queue \xff\xd9";

/// A program in the test, on a clock that it moves.
struct Stage {
    at: String,
    clock: Arc<TestClock>,
    house: House,
    background: Background,
    _folder: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let folder = TempDir::new().unwrap();
        let data = folder.path().display().to_string();
        // A look back lies further ahead than a password lasts, which is not what is told here.
        let flags = |s: &suneng::settings::Setting| match s.flag {
            "data" => Some(vec![data.clone()]),
            "lang" => Some(vec!["zh".to_owned()]),
            "password-days" => Some(vec!["365".to_owned()]),
            "tenant-name" => Some(vec!["澜州市司法局".to_owned()]),
            _ => None,
        };
        let config = Config::resolve(&flags, &|_| None).unwrap();
        let clock = TestClock::noon(2026, 11, 20);
        let house = House::with(config, Env::with_clock(clock.clone())).await;
        let bureau = house.unit(None, "市司法局").await;
        let office = house.unit(Some(bureau), "窗口").await;
        house.someone("officer", "training-officer", bureau).await;
        house.someone("supervisor", "supervisor", bureau).await;
        house.someone("clerk", "clerk", office).await;
        house.someone("staff", "staff", office).await;
        let (at, background) = house.open().await;
        Self {
            at,
            clock,
            house,
            background,
            _folder: folder,
        }
    }

    async fn open(&self, page: &Page, path: &str) {
        page.goto(&format!("{}{path}", self.at)).await;
    }

    async fn sign_in(&self, page: &Page, login: &str) {
        self.open(page, "/sign-in").await;
        page.fill("#f-login", login).await;
        page.fill("#f-password", PASSWORD).await;
        page.follow(".signin-form button").await;
    }

    /// Opens a page until the program has done by itself what the clock asks for.
    async fn until(&self, page: &Page, path: &str, part: &str) {
        for _ in 0..240 {
            self.open(page, path).await;
            if page.text("main").await.contains(part) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("{path} never says {part:?}");
    }
}

/// Nothing is wrong with the page; a picture of it is kept.
async fn check(page: &Page, name: &str) {
    page.screenshot(&format!("loop-{name}")).await;
    page.assert_fits().await;
    page.assert_accessible().await;
}

/// Opens the form of a verb, as one does with the mouse.
async fn begin(page: &Page, verb: &str) -> String {
    let form = match verb.split_once(' ') {
        // One of several measures.
        Some((verb, no)) => {
            format!("form[action$='/acts/{verb}']:has([name=no][value='{no}'])")
        }
        None => format!("form[action$='/acts/{verb}']"),
    };
    let closed: bool = page
        .eval(&format!(
            "(d => {{ d.querySelector('summary').id = 'the-verb'; return !d.open; }})(document.querySelector(\"{form}\").closest('details'))"
        ))
        .await;
    if closed {
        page.click("#the-verb").await;
    }
    form
}

/// Fills in the form of a verb and sends it.
async fn act(page: &Page, verb: &str, fields: &[(&str, &str)]) {
    let form = begin(page, verb).await;
    for (field, value) in fields {
        page.fill(&format!("{form} [name={field}]"), value).await;
    }
    page.follow(&format!("{form} button")).await;
}

/// The verbs that the page offers.
async fn verbs(page: &Page) -> Vec<String> {
    page.eval("Array.from(document.querySelectorAll(\"form[action*='/acts/']\"), f => f.action.split('/').pop())")
        .await
}

/// Raises a problem of the office; gives where it is shown.
async fn raise(stage: &Stage, page: &Page, title: &str, clause: &str) -> String {
    stage.open(page, "/cases/new?kind=problem").await;
    for (field, value) in [
        ("title", title),
        ("detail", "自查时调取叫号记录，上午平均等候四十分钟。"),
        ("severity", "common"),
        ("source", "self-check"),
        ("area", "service"),
        ("clause", clause),
        ("v-standard", "平均等候不超过十五分钟"),
        ("from", "市司法局"),
        ("unit", "窗口"),
    ] {
        page.fill(&format!("#f-{field}"), value).await;
    }
    page.follow("form[action='/cases'] .btn-primary").await;
    let url = page.url().await;
    let path = url.strip_prefix(&stage.at).unwrap();
    path.split('?').next().unwrap().to_owned()
}

/// A file as it is printed, in text.
fn pdf_text(file: &std::path::Path) -> String {
    let out = Command::new("pdftotext")
        .arg("-layout")
        .arg(file)
        .arg("-")
        .output();
    let out = out.expect("pdftotext (`cargo xtask packages`)");
    assert!(out.status.success());
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_people_close_the_loop_and_the_clock_looks_back() {
    let stage = Stage::set().await;
    let browser = Browser::launch().await;
    let officer = browser.page(DESKTOP).await;
    let supervisor = browser.page(DESKTOP).await;
    let clerk = browser.page(DESKTOP).await;
    let phone = browser.page(PHONE).await;

    // Raised (点题): an empty form says what is missing, then two problems stand.
    stage.sign_in(&officer, "officer").await;
    stage.open(&officer, "/cases/new?kind=problem").await;
    officer.follow("form[action='/cases'] .btn-primary").await;
    officer.expect_error("422").await;
    officer.wait_for(".alertbar.bad").await;
    check(&officer, "raise-refused").await;
    let first = raise(&stage, &officer, "窗口等候时间偏长", "time-limit").await;
    let second = raise(&stage, &officer, "叫号记录不完整", "record").await;
    let offered = verbs(&officer).await;
    assert!(
        offered.contains(&"assign".to_owned()) && !offered.contains(&"accept".to_owned()),
        "{offered:?}"
    );
    check(&officer, "raised").await;

    // Given to an owner, by who supervises.
    stage.sign_in(&supervisor, "supervisor").await;
    for path in [&first, &second] {
        stage.open(&supervisor, path).await;
        act(
            &supervisor,
            "assign",
            &[("owner", "clerk"), ("supervisor", "supervisor")],
        )
        .await;
    }

    // Cause and plan (破题): the owner was told, and writes measures with their people and days.
    stage.sign_in(&clerk, "clerk").await;
    stage.open(&clerk, "/notices").await;
    clerk.wait_text("main", "窗口等候时间偏长").await;
    stage.open(&clerk, &first).await;
    act(
        &clerk,
        "plan",
        &[
            ("cause", "高峰时段只开一个窗口"),
            ("measures", "增开窗口|nobody|"),
        ],
    )
    .await;
    clerk.expect_error("422").await;
    clerk.wait_text("main", "nobody").await;
    check(&clerk, "plan-refused").await;
    act(
        &clerk,
        "plan",
        &[(
            "measures",
            "增开一个综合窗口||2026-12-04\n每天记录等候时间|staff|2026-12-18",
        )],
    )
    .await;
    clerk.wait_text("main", "高峰时段只开一个窗口").await;
    check(&clerk, "planned").await;
    stage.open(&clerk, &second).await;
    act(
        &clerk,
        "plan",
        &[
            ("cause", "没有专人登记"),
            ("measures", "指定专人登记||2026-12-04"),
        ],
    )
    .await;

    // Mended (解题): a colleague proves a measure by a photo, on the phone.
    stage.sign_in(&phone, "staff").await;
    stage.open(&phone, "/cases/tasks?mine=1").await;
    phone.wait_text("main", "每天记录等候时间").await;
    check(&phone, "phone-tasks").await;
    phone.follow("main table a, main .tb a").await;
    let form = begin(&phone, "measure 2").await;
    choose(
        &phone,
        &format!("{form} input[type=file]"),
        "叫号屏.jpg",
        PHOTO,
    )
    .await;
    phone
        .fill(&format!("{form} [name=text]"), "连续两周记录，等候十二分钟")
        .await;
    check(&phone, "phone-measure").await;
    phone.follow(&format!("{form} button")).await;
    phone.wait_text("main", "叫号屏.jpg").await;
    check(&phone, "phone-done").await;

    // Handed in before all is done it is refused, then not any more.
    stage.open(&clerk, &first).await;
    act(&clerk, "submit", &[("text", "已整改")]).await;
    clerk.expect_error("422").await;
    clerk.wait_for(".alertbar.bad").await;
    act(&clerk, "measure", &[]).await;
    act(&clerk, "submit", &[("text", "两项措施完成，请验收")]).await;
    let offered = verbs(&clerk).await;
    assert!(
        !offered.iter().any(|v| v == "accept" || v == "refuse"),
        "who mends never accepts: {offered:?}"
    );
    stage.open(&clerk, &second).await;
    act(&clerk, "measure", &[]).await;
    act(&clerk, "submit", &[("text", "已指定专人，请验收")]).await;

    // What hangs on the wall, on paper too.
    stage.open(&supervisor, "/cases/board").await;
    check(&supervisor, "board").await;
    stage.open(&supervisor, "/cases/wall").await;
    check(&supervisor, "wall").await;
    let wall = pdf_text(&supervisor.print_pdf("loop-wall").await);
    for part in [
        "窗口等候时间偏长",
        "叫号记录不完整",
        "甲clerk",
        "甲supervisor",
    ] {
        assert!(wall.contains(part), "{part} is not in {wall}");
    }

    // Checked (验题): refused once with a reason, handed in again, accepted (销号) by somebody else.
    stage.open(&supervisor, &first).await;
    act(&supervisor, "refuse", &[]).await;
    supervisor.expect_error("422").await;
    act(
        &supervisor,
        "refuse",
        &[("text", "下午仍有积压，请再观察一周")],
    )
    .await;
    stage.open(&clerk, &first).await;
    clerk.wait_text("main", "下午仍有积压").await;
    stage.clock.advance(7 * DAY);
    stage.sign_in(&clerk, "clerk").await;
    stage.open(&clerk, &first).await;
    act(&clerk, "submit", &[("text", "一周观察，下午等候十分钟")]).await;
    stage.sign_in(&supervisor, "supervisor").await;
    for path in [&first, &second] {
        stage.open(&supervisor, path).await;
        act(&supervisor, "accept", &[("text", "现场查看属实")]).await;
        supervisor.wait_text("main", "已销号").await;
    }
    check(&supervisor, "accepted").await;

    // The look back (回头看) comes by itself, not a day early, and its supervisor is told.
    stage.clock.advance(89 * DAY);
    stage.sign_in(&supervisor, "supervisor").await;
    stage.open(&supervisor, &first).await;
    let early = verbs(&supervisor).await;
    assert!(!early.contains(&"hold".to_owned()), "{early:?}");
    stage.clock.advance(DAY);
    stage.sign_in(&supervisor, "supervisor").await;
    stage.until(&supervisor, &first, "回头看到期").await;
    stage.open(&supervisor, "/notices").await;
    supervisor.wait_text("main", "回头看").await;

    // One held.
    stage.open(&supervisor, &first).await;
    check(&supervisor, "look-due").await;
    act(
        &supervisor,
        "hold",
        &[("text", "抽查五天，平均等候十一分钟")],
    )
    .await;
    supervisor.wait_text("main", "抽查五天").await;
    assert!(!verbs(&supervisor).await.contains(&"hold".to_owned()));

    // The other did not: it is opened again, keeps what it was, is mended and accepted once more.
    stage.until(&supervisor, &second, "回头看到期").await;
    act(
        &supervisor,
        "reopen",
        &[("text", "三月有四天没有登记"), ("day", "2027-04-30")],
    )
    .await;
    supervisor.wait_text("main", "三月有四天没有登记").await;
    check(&supervisor, "reopened").await;
    stage.sign_in(&clerk, "clerk").await;
    stage.open(&clerk, &second).await;
    clerk.wait_text("main", "没有专人登记").await;
    act(
        &clerk,
        "plan",
        &[
            ("cause", "专人请假时无人顶岗"),
            ("measures", "明确AB岗||2027-04-10"),
        ],
    )
    .await;
    act(&clerk, "measure", &[]).await;
    act(&clerk, "submit", &[("text", "AB岗已排班")]).await;
    stage.open(&supervisor, &second).await;
    act(&supervisor, "accept", &[("text", "排班表属实")]).await;
    supervisor.wait_text("main", "已销号").await;
    check(&supervisor, "again").await;
    supervisor.print_pdf("loop-case").await;

    // The number: of two look backs one held.
    stage.house.world.ledger.settle().await.unwrap();
    let looked = "/indicators/case-held-rate?from=2027-01-01&to=2027-03-31";
    stage.open(&supervisor, looked).await;
    let shown = supervisor.text("main").await;
    assert!(shown.contains("50.0"), "{shown}");
    // The board says the same, what of what, and opens to it.
    stage.open(&supervisor, "/cases/board").await;
    let board = supervisor.text("main").await;
    let plain: String = board.split_whitespace().collect();
    assert!(plain.contains("50.0%回头看已巩固1÷回头看2"), "{board}");
    supervisor
        .follow("a[href^='/indicators/case-held-rate']")
        .await;
    supervisor.wait_text("main", "50.0").await;
    for page in [&officer, &supervisor, &clerk, &phone] {
        let errors = page.console_errors().await;
        assert!(errors.is_empty(), "{errors:#?}");
    }
    browser.close().await;
    stage.background.stop().await;
}
