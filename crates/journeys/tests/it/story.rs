//! The thread of the whole program: a Friday's study is entered once by keyboard and read from there by
//! obligation, indicator and report; reversed, everything goes back and the report says what changed.

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use browser::{DESKTOP, PHONE, Page, Size, journey};
use tokio::time::Instant;

use crate::program::Program;

const NUMBER: &str = "a.kpi[href*='study-attendances']";

/// Nothing is wrong with the page; a picture of it is kept.
async fn check(page: &Page, name: &str) {
    page.screenshot(name).await;
    page.assert_fits().await;
    page.assert_accessible().await;
}

/// Presses Tab until the element has the focus.
pub async fn tab_to(page: &Page, selector: &str) {
    let there = format!(
        "document.activeElement.matches({})",
        serde_json::Value::from(selector)
    );
    for _ in 0..80 {
        if page.eval::<bool>(&there).await {
            return;
        }
        page.press("Tab").await;
    }
    panic!("Tab does not lead to {selector}");
}

fn number(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number in {text:?}"))
}

/// How the political department stands in the week of the story.
async fn week(program: &Program, page: &Page) -> String {
    program.open(page, "/obligations").await;
    let row = "Array.from(document.querySelectorAll('tbody tr')).find(r => r.innerText.includes('政治部'))";
    let () = page
        .eval(&format!(
            "void {row}.querySelector('a').setAttribute('id', 'the-unit') || null"
        ))
        .await;
    page.follow("#the-unit").await;
    let row = "Array.from(document.querySelectorAll('tbody tr')).find(r => r.innerText.includes('2026-11-16'))";
    page.eval(&format!("{row}.querySelector('.tag').innerText.trim()"))
        .await
}

/// How often the home page asks for the study of the week; other rooms ask for other things.
async fn weekly_todos(page: &Page) -> usize {
    let todos = page.texts(".todo li").await;
    todos.iter().filter(|t| t.contains("周五集中学习")).count()
}

/// Attendances of the bureau this year.
async fn attendances(program: &Program, page: &Page) -> i64 {
    program.open(page, "/indicators").await;
    number(&page.text(&format!("{NUMBER} .val b")).await)
}

/// Marks twenty people without touching the mouse; gives the names of those present.
async fn record_by_keyboard(page: &Page, name: &str) -> Vec<String> {
    // Other rooms ask for other things.
    let study = "Array.from(document.querySelectorAll('.todo li')).find(l => l.innerText.includes('周五集中学习'))";
    let () = page
        .eval(&format!(
            "({study}.querySelector('a.btn').id = 'the-study', null)"
        ))
        .await;
    tab_to(page, "#the-study").await;
    page.leave_by(page.press("Enter")).await;
    let begun = Instant::now();
    tab_to(page, "#f-title").await;
    for key in ["End", "1", "a"] {
        page.press(key).await;
    }
    let typed: String = page.eval("document.activeElement.value").await;
    assert!(
        typed.ends_with("1a"),
        "typing in a field marks nobody: {typed}"
    );
    for _ in 0..2 {
        page.press("Backspace").await;
    }
    assert!(page.text("[data-tally]").await.contains("0 / 20"));

    tab_to(page, "[data-line] input").await;
    for key in ["1", "2", "3", "ArrowUp", "1", "ArrowDown", "ArrowUp", "3"] {
        page.press(key).await;
    }
    assert!(page.text("[data-tally]").await.contains("4 / 20"));
    page.press("a").await;
    assert!(page.text("[data-tally]").await.contains("20 / 20"));
    page.wait_text("[data-tally-said]", "20 / 20").await;
    check(page, &format!("{name}-roster")).await;
    let present = page
        .eval(
            "Array.from(document.querySelectorAll('[data-line]')).filter(l => l.querySelector(':checked').value === 'present')
             .map(l => l.querySelector('b').innerText)",
        )
        .await;
    page.leave_by(page.press("Control+Enter")).await;
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(60),
        "twenty people took {took:?}"
    );
    present
}

/// The report as a Word file: its text as we read it, and as another program does.
async fn word_file(page: &Page, name: &str) -> [String; 2] {
    let bytes: String = page
        .eval(
            "fetch(document.querySelector('a[href$=docx]').href).then(r => r.blob()).then(b => new Promise(done => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result.split(',')[1]);
                reader.readAsDataURL(b);
             }))",
        )
        .await;
    let bytes = STANDARD.decode(bytes).expect("base64");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).expect("a zip");
    let mut xml = String::new();
    let mut part = archive.by_name("word/document.xml").expect("a document");
    part.read_to_string(&mut xml).expect("UTF-8");
    let plain = xml
        .split('<')
        .filter_map(|piece| piece.split_once('>').map(|(_, text)| text))
        .collect();

    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join(format!("{name}.docx"));
    std::fs::write(&file, &bytes).expect("written");
    let profile = format!(
        "-env:UserInstallation=file://{}/profile",
        folder.path().display()
    );
    run(Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "pdf", "--outdir"])
        .arg(folder.path())
        .arg(&file));
    [plain, pdf_text(&file.with_extension("pdf"))]
}

fn pdf_text(file: &Path) -> String {
    run(Command::new("pdftotext").arg(file).arg("-"))
}

fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|e| panic!("{command:?} (`cargo xtask packages`): {e}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn story(program: &Program, page: &Page, name: &str) {
    // Before: what leader and clerk see.
    program.sign_in(page, "leader").await;
    let before = attendances(program, page).await;
    program.sign_out(page).await;

    // A wrong password is refused, the login stays.
    program.open(page, "/sign-in").await;
    page.fill("#f-login", "clerk").await;
    page.fill("#f-password", "not-the-password").await;
    page.follow(".signin-form button").await;
    page.expect_error("422").await;
    page.wait_for(".signin-form .alertbar.bad").await;
    check(page, &format!("{name}-refused")).await;
    let login: String = page.eval("document.querySelector('#f-login').value").await;
    assert_eq!(login, "clerk");
    page.fill("#f-password", program.password("clerk")).await;
    page.follow(".signin-form button").await;

    // The open week is to be done; it is entered by keyboard.
    assert_eq!(weekly_todos(page).await, 1);
    check(page, &format!("{name}-home")).await;
    assert_eq!(week(program, page).await, "即将到期");
    program.open(page, "/").await;
    let present = record_by_keyboard(page, name).await;
    assert_eq!(present.len(), 18);
    let activity = page.url().await;
    page.wait_text(".alertbar.ok", "已登记").await;
    assert_eq!(page.texts(".stats b").await, ["20", "18", "1", "1"]);
    check(page, &format!("{name}-activity")).await;

    // The obligation is fulfilled and nothing is left to do.
    assert_eq!(week(program, page).await, "按期完成");
    check(page, &format!("{name}-obligation")).await;
    page.print_pdf(&format!("{name}-obligation")).await;
    program.open(page, "/").await;
    assert_eq!(weekly_todos(page).await, 0);
    check(page, &format!("{name}-home-done")).await;

    // The indicator moved by those present, and opens down to them.
    program.sign_in(page, "leader").await;
    let after = attendances(program, page).await;
    assert_eq!(after, before + 18);
    page.follow(NUMBER).await;
    let counted = page.text(".c8 section .card-h .num").await;
    assert_eq!(number(&counted), after, "as many rows as the number says");
    check(page, &format!("{name}-indicator")).await;
    let () = page
        .eval("void Array.from(document.querySelectorAll('.c4 td a')).find(a => a.innerText === '政治部').setAttribute('id', 'the-unit') || null")
        .await;
    page.follow("#the-unit").await;
    let names: Vec<String> = page
        .eval(
            "Array.from(document.querySelectorAll('.c8 section tbody tr')).filter(r => r.cells[0].innerText === '2026-11-20')
             .map(r => r.cells[1].innerText)",
        )
        .await;
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(names), sorted(present));
    page.follow(".c8 section tbody tr:first-child a").await;
    assert_eq!(
        page.url().await.split('?').next(),
        activity.split('?').next()
    );

    // A report carries the same number, on screen, in Word and on paper.
    program.open(page, "/reports/new").await;
    check(page, &format!("{name}-report-new")).await;
    page.follow(".card button.btn-primary").await;
    let report = page.url().await;
    check(page, &format!("{name}-report")).await;
    let value = "Array.from(document.querySelectorAll('.paper tbody tr')).find(r => r.innerText.includes('参学人次')).cells[1].innerText.trim()";
    let shown: String = page.eval(value).await;
    assert_eq!(number(&shown), after);
    // Programs differ in the gap between number and unit.
    let grouped: String = shown
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .collect();
    for text in word_file(page, name).await {
        assert!(text.contains(&grouped), "{grouped} is not in {text}");
    }
    let pdf = page.print_pdf(&format!("{name}-report")).await;
    let pages = run(Command::new("pdfinfo").arg(&pdf));
    assert!(
        pages
            .lines()
            .any(|l| l.starts_with("Pages:") && l.ends_with(" 1")),
        "{pages}"
    );
    assert!(pdf_text(&pdf).contains(&grouped));

    // A wrong word reverses nothing; the right one takes everything back.
    program.sign_in(page, "officer").await;
    page.goto(&activity).await;
    page.click("[data-dialog=reverse]").await;
    page.fill("#reverse #f-reason", "登记错了日期").await;
    page.fill("#reverse-word", "删除").await;
    page.click("#reverse button").await;
    assert!(page.eval::<bool>("document.querySelector('#reverse').open && document.querySelector('#reverse-word').matches(':invalid')").await);
    check(page, &format!("{name}-reversal")).await;
    let () = page
        .eval("void document.querySelector('#reverse-word').removeAttribute('pattern') || null")
        .await;
    page.follow("#reverse button").await;
    page.expect_error("422").await;
    page.wait_for(".alertbar.bad[data-focus]").await;
    check(page, &format!("{name}-reversal-refused")).await;
    page.click(".alertbar.bad a").await;
    page.wait_for("#reverse[open]").await;
    page.fill("#reverse-word", "冲正").await;
    page.follow("#reverse button").await;
    page.wait_text("main", "登记错了日期").await;
    check(page, &format!("{name}-reversed")).await;

    assert_eq!(week(program, page).await, "即将到期");
    program.sign_in(page, "leader").await;
    assert_eq!(attendances(program, page).await, before);
    page.goto(&report).await;
    assert_eq!(
        page.eval::<String>(value).await,
        shown,
        "what was reported stands"
    );
    let difference = page.text(".alertbar.warn").await;
    assert!(
        difference.contains("参学人次") && difference.contains(&grouped),
        "{difference}"
    );
    check(page, &format!("{name}-report-changed")).await;
    program.sign_in(page, "clerk").await;
    assert_eq!(weekly_todos(page).await, 1);
}

async fn on(program: Program, name: &str, size: Size) {
    let name = format!("{name}-{}", size.width);
    journey(&name, size, |page| async {
        let page = page;
        story(&program, &page, &name).await;
    })
    .await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friday_study_at_a_desk() {
    on(Program::on_sqlite().await, "story", DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friday_study_on_a_phone() {
    on(Program::on_sqlite().await, "story", PHONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_friday_study_on_postgresql() {
    on(Program::on_postgres().await, "story-pg", DESKTOP).await;
}
