//! The main story: a report carries the figures of its moment, for ever.

use kernel::{ReportId, Scope};
use testkit::on_both;

use crate::house::{App, House, migrations, so_far, texts};

/// The address of the rows under a figure of a report, from its page.
async fn rows_link(app: &App, report: &str, code: &str) -> String {
    let page = app.get(report, 200).await;
    let begin = format!("/indicators/{code}?");
    let mut hrefs = page.split("href=\"").filter_map(|h| h.split('"').next());
    hrefs.find(|h| h.starts_with(&begin)).unwrap().to_owned()
}

#[tokio::test]
async fn a_report_keeps_the_figures_of_the_indicators() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for (unit, want) in [
            (h.top, ["2", "4", "3", "8.0", "75.0"]),
            (h.a, ["1", "3", "2", "6.0", "66.7"]),
            (h.b, ["1", "1", "1", "2.0", "100.0"]),
        ] {
            let id: ReportId = t.env.new_id();
            h.make(id, unit).await;
            let saved = h.reports.report(id, &Scope::All).await.unwrap();
            assert_eq!(saved.body.figures, h.figures(unit).await);
            assert_eq!(texts(&saved.body.figures), want);
            // Three sessions of eight facts and a roster row each: all sealed when it was made.
            assert_eq!(saved.as_of, 9);
            assert_eq!((saved.unit, saved.period), (unit, so_far()));
            assert_eq!(saved.created_by, h.clerk);
        }
    })
    .await;
}

#[tokio::test]
async fn page_and_document_print_the_same_numbers() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: ReportId = t.env.new_id();
        h.make(id, h.top).await;
        let app = h.app(&t, Scope::All, false);
        let page = app.get(&format!("/reports/{id}"), 200).await;
        let docx = app.docx(&format!("/reports/{id}/report.docx")).await;
        for text in [
            "澜州市司法局2026年1月1日至11月20日集中学习情况简报",
            "2场",
            "4人次",
            "3人",
            "8.0学时",
            "75.0%",
            "学习场次上升100.0%",
            "参学人次上升100.0%",
            "学习覆盖率上升25.0个百分点",
            "定稿时台账条数：9",
            "参学人数 ÷ 期末在册人数",
            "2026年11月20日",
        ] {
            assert!(docx.contains(text), "{text}: {docx}");
            // On the page a figure is a link of its own.
            let bare = page.replace("</a>", "");
            let bare: String = bare
                .split("<a ")
                .enumerate()
                .map(|(i, s)| {
                    if i == 0 {
                        s
                    } else {
                        s.split_once('>').unwrap().1
                    }
                })
                .collect();
            assert!(bare.contains(text), "{text}: {bare}");
        }
        let line = "共组织集中学习2场，参学4人次，参学人数3人，累计8.0学时，学习覆盖率75.0%。";
        assert!(docx.contains(line), "{docx}");
        assert!(!page.contains("现在的数字已有变化"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_reversal_changes_nothing_in_it_but_is_named() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: ReportId = t.env.new_id();
        h.make(id, h.top).await;
        let app = h.app(&t, Scope::All, false);
        let path = format!("/reports/{id}");
        let before = h.reports.report(id, &Scope::All).await.unwrap();
        let docx = app.docx(&format!("{path}/report.docx")).await;
        h.reverse_last(&t).await;
        for sealed in [false, true] {
            if sealed {
                h.ledger.settle().await.unwrap();
            }
            assert_eq!(
                texts(&h.figures(h.top).await),
                ["1", "2", "2", "4.0", "50.0"]
            );
            assert_eq!(h.reports.report(id, &Scope::All).await.unwrap(), before);
            assert_eq!(app.docx(&format!("{path}/report.docx")).await, docx);
            let page = app.get(&path, 200).await;
            for text in [
                "定稿后，现在的数字已有变化",
                "学习场次：定稿 2场，现在 1场",
                "参学人次：定稿 4人次，现在 2人次",
                "学习覆盖率：定稿 75.0%，现在 50.0%",
                ">75.0%</a>",
            ] {
                assert!(page.contains(text), "sealed: {sealed}, {text}: {page}");
            }
            // The figure still opens to its old rows.
            let link = rows_link(&app, &path, "study-attendances").await;
            assert!(link.ends_with("&as_of=9"), "{link}");
            let rows = app.get(&link, 200).await;
            assert_eq!(rows.matches("data-label=\"日期\"").count(), 4, "{rows}");
            for text in ["丁某", "共 4 条", "台账第 9 条时的明细"] {
                assert!(rows.contains(text), "sealed: {sealed}, {text}: {rows}");
            }
            // The number above them is the frozen one too, with its parts.
            let link = rows_link(&app, &path, "study-coverage").await;
            let coverage = app.get(&link, 200).await;
            for text in ["75.0", "参学人数 3 ÷ 期末在册 4 人"] {
                assert!(coverage.contains(text), "{text}: {coverage}");
            }
            assert!(!coverage.contains("50.0"), "{coverage}");
            let csv = link.replacen('?', "/rows.csv?", 1);
            let csv = app.get(&csv, 200).await;
            assert_eq!(csv.lines().count(), 5, "{csv}");
            let live = app.get(link.trim_end_matches("&as_of=9"), 200).await;
            assert_eq!(live.matches("data-label=\"日期\"").count(), 2);
            assert!(!live.contains("丁某"), "{live}");
        }
        // A new one has the new figures.
        let new: ReportId = t.env.new_id();
        h.make(new, h.top).await;
        let saved = h.reports.report(new, &Scope::All).await.unwrap();
        assert_eq!(saved.as_of, 12);
        assert_eq!(saved.body.figures, h.figures(h.top).await);
    })
    .await;
}
