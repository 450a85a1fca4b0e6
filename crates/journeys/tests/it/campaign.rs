//! A campaign of 108 units, as whoever runs it sees it: 105 take part, what they found and what of it is solved are
//! counted from cases that they raised and others accepted, and each number opens to what stands behind it.

use browser::{DESKTOP, PHONE, Page, Size, journey};

use crate::program::Program;

/// Units that are named, that take part, and what they found and solved in both rounds.
const NAMED: usize = 108;
const JOINED: usize = 105;
const FOUND: &str = "1326";
const SOLVED: &str = "1212";
/// 1,212 of 1,326.
const RATE: &str = "91.4%";

async fn check(page: &Page, name: &str) {
    page.screenshot(name).await;
    page.assert_fits().await;
    page.assert_accessible().await;
}

/// Follows the link whose text holds a part.
async fn follow_text(page: &Page, part: &str) {
    let found: bool = page
        .eval(&format!(
            "(a => !!a && (a.id = 'the-link', true))(Array.from(document.querySelectorAll('main a')).find(a => a.innerText.includes('{part}')))"
        ))
        .await;
    assert!(found, "no link with {part}");
    page.follow("#the-link").await;
}

fn shown(text: &str) -> String {
    text.replace(',', "")
}

async fn story(program: &Program, page: &Page, name: &str) {
    program.sign_in(page, "scenario").await;
    program.open(page, "/campaigns?state=closed").await;
    follow_text(page, "业务铸魂").await;
    let url = page.url().await;
    let at = url
        .strip_prefix(&program.at)
        .expect("an address")
        .to_owned();

    // The cockpit says how many of whom, and how much is solved.
    program.open(page, &format!("{at}/cockpit")).await;
    let said = shown(&page.text("main").await);
    for part in [&JOINED.to_string(), &NAMED.to_string(), FOUND, SOLVED, RATE] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let heat = page.texts("table.heatmap tbody tr").await;
    assert_eq!(heat.len(), JOINED, "a row for each unit that takes part");
    check(page, &format!("{name}-cockpit")).await;

    // The units open to rows: who takes part, and who does not and why.
    program.open(page, &format!("{at}/units?show=absent")).await;
    let absent = page.text("main").await;
    for reason in ["机构改革", "企业重组", "清算注销"] {
        assert!(absent.contains(reason), "{reason} is not in {absent}");
    }
    check(page, &format!("{name}-absent")).await;

    // The number of problems opens to as many rows, a row to its case, and that was accepted by somebody else.
    program
        .open(page, &format!("{at}/problems?solved=yes"))
        .await;
    let listed = shown(&page.text("main").await);
    assert!(listed.contains(SOLVED), "{listed}");
    check(page, &format!("{name}-problems")).await;
    page.follow("main a[href^='/cases/']").await;
    let case = page.text("main").await;
    assert!(
        case.contains("已办结") && case.contains("业务铸魂") || case.contains("轮排查"),
        "{case}"
    );
    check(page, &format!("{name}-case")).await;

    // What was claimed opens to its rows too, and the summary was drafted from the same numbers.
    program.open(page, &format!("{at}/rows?claim=0")).await;
    let rows = page.texts("main tbody tr").await;
    assert!(!rows.is_empty());
    program.open(page, &format!("{at}/summary")).await;
    let summary = shown(&page.text("main").await);
    for part in ["列入单位108家，参与105家，不参与3家", "1326件", RATE] {
        assert!(summary.contains(part), "{part} is not in {summary}");
    }

    // The board of cases: what is solved stands in the last column, what is not is heat by unit and field.
    program.open(page, "/cases/board?kind=traced&unit=X5").await;
    let board = shown(&page.text("main").await);
    assert!(board.contains(SOLVED), "{board}");
    let cells = page.texts("table.heatmap tbody td a").await;
    assert!(cells.len() > 20, "{cells:?}");
    check(page, &format!("{name}-board")).await;
}

async fn on(name: &str, size: Size) {
    let program = Program::on_sqlite().await;
    let name = format!("{name}-{}", size.width);
    journey(&name, size, |page| async {
        let page = page;
        story(&program, &page, &name).await;
    })
    .await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_108_units_shows_105_and_what_they_solved() {
    on("campaign", DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_campaign_on_a_phone() {
    on("campaign", PHONE).await;
}
