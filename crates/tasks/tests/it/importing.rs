//! Entries of a plan from a sheet: checked by cell, whole or not at all, once.

use testkit::on_both;

use crate::house::{House, hidden, migrations};

const GOOD: &str = "目标,工作任务,目标要求,责任单位,责任人工号,开始月份,完成月份,权重\n\
    队伍建设,评查案件,每季一次,单位O1,3,2026-01,2026-12,2\n\
    ,组织<培训>,两期,O2,,,2026-06,\n";

#[tokio::test]
async fn entries_come_in_from_a_sheet_whole_or_not_at_all() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let plan = h.plan(2026).await;
        let app = h.app(h.planner);
        let path = format!("/tasks/plans/{plan}/import");
        assert_eq!(
            h.app(h.leader).get(&path).await.0,
            404,
            "who does not plan has no import"
        );
        assert_eq!(
            h.app(h.local).get(&path).await.0,
            404,
            "nor who plans elsewhere"
        );
        let send = async |csv: &str| {
            let file = Some(("清单.csv", csv.as_bytes()));
            app.parts(&path, &[], file).await
        };
        let (status, page) = app.parts(&path, &[], None).await;
        assert!(
            status == 422 && page.contains("请选择 xlsx 或 csv 文件"),
            "{page}"
        );
        let bad = "目标,工作任务,责任单位,责任人工号,完成月份,权重\n\
            没有的目标,甲事,O1,,2026-12,\n\
            ,,O1,,2026-12,\n\
            ,乙事,O9,,2026-12,\n\
            ,丙事,O1,99,2026-12,\n\
            ,丁事,O1,,2027-01,\n\
            ,戊事,O1,,2026-12,重\n\
            ,己事,O1,,2026-12,\n";
        let (status, page) = send(bad).await;
        assert_eq!(status, 200, "{page}");
        for cell in ["A2", "B3", "C4", "D5", "E6", "F7"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        assert!(hidden(&page, "sheet").is_empty(), "nothing can be sent on");
        let (_, page) = send(GOOD).await;
        assert!(page.contains("导入 2 条"), "{page}");
        let (sheet, seen) = (hidden(&page, "sheet"), hidden(&page, "seen"));
        let sent = [("sheet", sheet.as_str()), ("seen", seen.as_str())];
        let publish = format!("{path}/publish");
        assert_eq!(app.post(&publish, &sent).await.0, 303);
        let (_, page) = app.get(&format!("/tasks/plans/{plan}")).await;
        assert!(
            page.contains("评查案件")
                && page.contains("组织&lt;培训&gt;")
                && page.contains("人员3"),
            "{page}"
        );
        assert!(page.contains("从表格导入条目"), "{page}");
        // Sent again it finds that the plan moved on.
        let (_, again) = send(GOOD).await;
        let held = hidden(&again, "sheet");
        let old = [("sheet", held.as_str()), ("seen", seen.as_str())];
        assert_eq!(app.post(&publish, &old).await.0, 422);
        // An issued plan takes more with a reason, as one version.
        h.issue(plan).await;
        let (_, page) = send(GOOD).await;
        let (sheet, seen) = (hidden(&page, "sheet"), hidden(&page, "seen"));
        let mut sent = vec![("sheet", sheet.as_str()), ("seen", seen.as_str())];
        let (status, page) = app.post(&publish, &sent).await;
        assert!(status == 422 && page.contains("f-reason"), "{page}");
        sent.push(("reason", "年中增补"));
        assert_eq!(app.post(&publish, &sent).await.0, 303);
        let whole = app.get(&format!("/tasks/plans/{plan}")).await.1;
        assert!(
            whole.contains("年中增补") && whole.contains("第 2 版"),
            "{whole}"
        );
        assert_eq!(whole.matches("评查案件").count(), 2);
    })
    .await;
}
