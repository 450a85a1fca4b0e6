//! The rows under a number: as many as it says, page by page and as a file.

use std::collections::HashSet;

use kernel::{Period, Scope, UnitId};
use testkit::{TestDb, on_both};

use crate::house::{App, EVERYBODY, House, day, migrations, so_far};

fn address(code: &str, unit: UnitId, period: Period) -> String {
    let (from, to) = (period.from, period.to);
    format!("/indicators/{code}?unit={unit}&from={from}&to={to}")
}

fn shown(page: &str) -> usize {
    page.matches("data-label=\"日期\"").count()
}

/// A file without its mark and header, line by line.
fn lines(csv: &str) -> Vec<Vec<&str>> {
    let csv = csv.strip_prefix('\u{feff}').expect("the mark of UTF-8");
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("日期,人员,归属单位,主办单位,事项,到会情况,数量,分钟,补录,录入时间,事实编号")
    );
    lines.map(|l| l.split(',').collect()).collect()
}

async fn csv(app: &App, address: &str) -> String {
    app.get(&address.replacen('?', "/rows.csv?", 1), 200).await
}

#[tokio::test]
async fn as_many_rows_as_the_number_says_with_names() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::All);
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            for unit in [h.top, h.a, h.b] {
                for f in h.figures(unit, so_far()).await {
                    let address = address(&f.code, unit, so_far());
                    let page = app.get(&address, 200).await;
                    assert_eq!(shown(&page) as i64, f.rows, "{address}: {page}");
                    assert!(page.contains(&format!("共 {} 条", f.rows)), "{page}");
                    assert!(page.contains(&f.value.unwrap().text()), "{page}");
                    assert_eq!(lines(&csv(&app, &address).await).len() as i64, f.rows);
                }
            }
            let page = app
                .get(&address("study-coverage", h.top, so_far()), 200)
                .await;
            for text in [
                "=甲某",
                "己某",
                "&lt;b&gt;乙",
                "甲科",
                "参学人数 4 ÷ 期末在册 5 人",
                "href=\"/activities/",
            ] {
                assert!(page.contains(text), "{text}: {page}");
            }
            // On leave, absent.
            assert!(!page.contains("丙某") && !page.contains("戊某"), "{page}");
            let page = app.get(&address("study-hours", h.top, so_far()), 200).await;
            assert!(page.contains("570 分钟 ÷ 每学时 45 分钟"), "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn names_in_a_file_are_no_formulas() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        h.two_years(&t).await;
        let app = h.app(&t, Scope::All);
        let csv = csv(&app, &address("study-attendances", h.top, so_far())).await;
        let names: Vec<_> = lines(&csv).iter().map(|l| l[1]).collect();
        let count = |name| names.iter().filter(|n| **n == name).count();
        assert_eq!(count("'=甲某"), 3, "{csv}");
        assert_eq!(
            (count("<b>乙</b>"), count("丁某"), count("己某")),
            (2, 1, 1)
        );
        let visit = lines(&csv)
            .into_iter()
            .find(|l| l[0] == "2026-11-13" && l[1] == "'=甲某")
            .unwrap();
        assert_eq!(visit[2..4], ["甲科", "乙科"]);
        assert_eq!(visit[4..8], ["周五学习", "as present", "", "60"]);
    })
    .await;
}

/// Twenty-six sessions of five people: 130 rows.
async fn many(t: &TestDb, h: &House) {
    for i in 0..26 {
        let date = day(2026, 1 + i / 3, 1 + i % 2);
        h.session(t, h.a, date, 90, &EVERYBODY).await;
        if i == 15 {
            h.ledger.settle().await.unwrap();
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_or_doubles() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        many(&t, &h).await;
        let app = h.app(&t, Scope::All);
        for (unit, want) in [(h.top, 130), (h.a, 78), (h.b, 52)] {
            let base = address("study-attendances", unit, so_far());
            let csv = csv(&app, &base).await;
            let file: Vec<(String, String)> = lines(&csv)
                .iter()
                .map(|l| (l[0].to_owned(), l[1].trim_start_matches('\'').to_owned()))
                .collect();
            assert_eq!(file.len(), want);
            let ids: HashSet<_> = lines(&csv).iter().map(|l| l[10].to_owned()).collect();
            assert_eq!(ids.len(), want, "each fact once");
            // The pages show the very rows of the file, in its order.
            let mut seen = Vec::new();
            let mut address = base.clone();
            let mut pages = Vec::new();
            loop {
                let page = app.get(&address, 200).await;
                assert!(page.contains(&format!("共 {want} 条")), "{page}");
                pages.push(shown(&page));
                let cell = |row: &str, label: &str| -> String {
                    let rest = row.split(&format!("data-label=\"{label}\">")).nth(1);
                    let text = rest.unwrap().split("</td>").next().unwrap();
                    text.replace("&lt;", "<").replace("&gt;", ">")
                };
                for row in page.split("<tr>").filter(|r| shown(r) == 1) {
                    seen.push((cell(row, "日期"), cell(row, "人员")));
                }
                let next = page.split("<a href=\"").skip(1).find_map(|a| {
                    let (href, rest) = a.split_once('"')?;
                    rest.starts_with(" rel=\"next\"").then(|| href.to_owned())
                });
                match next {
                    Some(next) => address = next,
                    None => break,
                }
            }
            assert_eq!(seen, file);
            assert!(
                pages[..pages.len() - 1].iter().all(|n| *n == 50),
                "{pages:?}"
            );
            assert_eq!(pages.iter().sum::<usize>(), want);
        }
    })
    .await;
}
