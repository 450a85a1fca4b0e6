//! The figures of published reports, counted from the records of the demo's scenarios.

use jiff::tz::TimeZone;
use kernel::{Env, Period, Scope, TestClock, Timestamp, parse_date};
use suneng::rooms::{Rooms, Vocabulary};
use suneng::{Config, World, demo, figures};

/// Some years after the scenarios: nothing in them may lean on today.
fn env_of_2031() -> Env {
    let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
    let noon = parse_date("2031-07-09").expect("a day").at(12, 0, 0, 0);
    let noon = noon.to_zoned(zone).expect("a time").timestamp();
    Env::with_clock(TestClock::at(Timestamp(noon.as_microsecond())))
}

/// Figures of which one record is taken back.
const MOVED: [&str; 8] = [
    "jb-leader-lectures",
    "jb-class-attendances",
    "jb-title-years",
    "pl-party-work",
    "pl-talks",
    "pl-verdicts",
    "lo-forum-lessons",
    "lo-ministerial-policies",
];

/// The county's forms: what is filled in, and which blanks stay open.
const FORMS: [(&str, [&str; 2], &str); 4] = [
    (
        "county-court-form",
        ["走访群众234户", "化解15件"],
        "挂职锻炼",
    ),
    (
        "county-procuratorate-form",
        ["讲习所开讲30期", "14名走上讲堂"],
        "",
    ),
    (
        "county-police-form",
        ["智能测试152人次", "参训400人次"],
        "脱产调训人次",
    ),
    (
        "county-justice-form",
        ["输送2名", "约谈28人次"],
        "向上级输送、身边的好人",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_comes_out_of_its_records_years_later_and_moves_with_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("demo").display().to_string();
    let flags = |s: &suneng::settings::Setting| (s.flag == "data").then(|| vec![data.clone()]);
    let config = Config::resolve(&flags, &|_| None).expect("settings");
    let env = env_of_2031();
    demo::fill(&config, &env).await.expect("the demo");
    let world = World::open(config, env).await.expect("the world");
    let vocabulary = Vocabulary::read(&world.packs).expect("packs");
    let rooms = Rooms::open(&world, vocabulary).await.expect("rooms");

    let lines = figures::lines(&world, &rooms, None).await.expect("figures");
    assert_eq!(lines.len(), 71);
    let wrong: Vec<_> = lines.iter().filter(|l| !l.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        figures::lines(&world, &rooms, Some(3))
            .await
            .expect("some")
            .len(),
        5
    );

    let none = figures::lines(&world, &rooms, Some(9)).await;
    assert!(
        none.is_err(),
        "a scenario that is not there is not all well"
    );

    let said = |report: String| -> String {
        let body: serde_json::Value = serde_json::from_str(&report).expect("a report");
        let paragraphs = body["paragraphs"][0].as_array().expect("paragraphs").iter();
        let texts = paragraphs.flat_map(|p| p.as_array().expect("a paragraph"));
        texts.map(|s| s["text"].as_str().expect("a text")).collect()
    };
    let mut tx = world.db.read().await.expect("a transaction");
    for (form, filled, open) in FORMS {
        let sql = "SELECT body FROM report WHERE template = $1";
        let row = tx.one(sql, db::args![form]).await.expect("one report");
        let text = said(row.get(0).expect("a body"));
        for part in filled {
            assert!(text.contains(part), "{form}: {part} in {text}");
        }
        let listed = text.split_once("未填写：").map_or("", |(_, list)| list);
        assert_eq!(listed.trim_end_matches('。'), open, "{form}: {text}");
    }
    drop(tx);

    let account = rooms.identity.account_by_login("scenario").await;
    let clerk = account.expect("asked").expect("the clerk").id;
    for code in MOVED {
        let line = lines
            .iter()
            .find(|l| l.address.contains(&format!("/{code}?")));
        let line = line.expect("a figure");
        let part = |name: &str| {
            let rest = line
                .address
                .split(&format!("{name}="))
                .nth(1)
                .expect("a part");
            rest.split('&').next().expect("a part").to_owned()
        };
        let period = Period {
            from: parse_date(&part("from")).expect("a day"),
            to: parse_date(&part("to")).expect("a day"),
        };
        let unit = part("unit").parse().expect("a unit");
        let definition = rooms
            .indicators
            .indicator(code)
            .expect("known")
            .facts()
            .cloned();
        let definition = definition.expect("made of facts");
        let mut reading = world.ledger.reading().await.expect("a reading");
        let page = reading.rows(&definition, unit, period, None, None, 1).await;
        let fact = page.expect("rows").facts.remove(0);
        drop(reading);
        if ["entry", "entry-number", "entry-person"].contains(&fact.kind.as_str()) {
            let done = rooms
                .registers
                .reverse(fact.subject, "录入有误", &Scope::All, clerk);
            done.await.expect("taken back");
        } else {
            let id = kernel::ActivityId(fact.subject);
            let done = rooms.activities.reverse(id, "录入有误", &Scope::All, clerk);
            done.await.expect("taken back");
        }
        world.ledger.settle().await.expect("sealed");
        let again = figures::lines(&world, &rooms, Some(line.source))
            .await
            .expect("figures");
        let again = again
            .iter()
            .find(|l| l.address == line.address)
            .expect("the figure");
        assert_ne!(again.computed, line.computed, "{code} stands still");
    }
}
