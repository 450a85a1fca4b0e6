//! Duties by forms: taken from a pack, versions, gaps that become entries and cases.

use testkit::on_both;

use crate::house::{House, hidden, migrations};

#[tokio::test]
async fn a_catalogue_comes_from_a_pack_changes_with_a_reason_and_shows_its_gaps() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(h.planner);
        let at = format!("/tasks/duties?unit={}&year=2026", h.bureau);
        assert!(app.get(&at).await.1.contains("还没有职责目录"));
        let edit = format!("/tasks/duties/edit?unit={}&from=team-building", h.bureau);
        let (_, page) = app.get(&edit).await;
        assert!(page.contains("theory-study | 组织理论学习"), "{page}");
        let unit = h.bureau.to_string();
        let keep = async |seen: &str, duties: &str, reason: &str| {
            let fields = [("unit", unit.as_str()), ("seen", seen), ("duties", duties), ("reason", reason)];
            app.post("/tasks/duties", &fields).await
        };
        for (line, told) in [
            ("study", "职责为 2 到"),
            ("Study x | 学习", "编码用小写字母"),
            ("study | 学习 | | | 有时", "频次请写"),
            ("study | 学习 | | | 每月 | | nothing", "没有这个计数口径"),
            ("study | 学习\nstudy | 再学", "编码用小写字母"),
        ] {
            let wrong = keep("0", line, "").await;
            assert!(wrong.0 == 422 && wrong.1.contains(told), "{line}: {}", wrong.1);
        }
        let lines = "study | 组织学习 | 条例 | 第三条 | 每月 | 内勤 | activities\nreport | 请示报告 | | | 按需";
        assert_eq!(keep("0", lines, "").await.0, 303);
        let (_, page) = app.get(&at).await;
        assert!(page.contains("2 项职责中，1 项有缺口") && page.contains("本年没有任务") && page.contains("没有记录"), "{page}");
        let silent = keep("1", lines, "").await;
        assert_eq!(silent.0, 422, "a later version says why");
        assert_eq!(keep("1", lines, "修订").await.0, 303);
        let stale = keep("1", lines, "修订").await;
        assert!(stale.0 == 422 && stale.1.contains("先办理"), "{}", stale.1);
        // As a case, once.
        let raise = [("unit", unit.as_str()), ("year", "2026"), ("code", "study")];
        assert_eq!(app.post("/tasks/duties/cases", &raise).await.0, 303);
        assert_eq!(app.post("/tasks/duties/cases", &raise).await.0, 303);
        assert!(app.get(&at).await.1.contains("href=\"/cases/"));
        let none = [("unit", unit.as_str()), ("year", "2026"), ("code", "report")];
        assert_eq!(app.post("/tasks/duties/cases", &none).await.0, 404, "no gap");
        // As an entry: the form knows the duty; with a person the gap is closed but for the record.
        let plan = h.plan(2026).await;
        let form = format!("/tasks/plans/{plan}/entries/new?duty=study&text=x&unit=B");
        let (_, page) = app.get(&form).await;
        assert!(page.contains("value=\"study\""), "{page}");
        let id = hidden(&page, "id");
        let fields = [
            ("id", id.as_str()), ("parent", ""), ("text", "组织学习"), ("goal", "1"), ("unit", "B"), ("person", "6"),
            ("from", "2026-01"), ("to", "2026-12"), ("milestones", "2026-06 | 半年小结"), ("duty", "study"),
        ];
        let (status, to) = app.post(&format!("/tasks/plans/{plan}/entries"), &fields).await;
        assert_eq!(status, 303, "{to}");
        let (_, page) = app.get(&at).await;
        assert!(!page.contains("本年没有任务") && page.contains("没有记录"), "{page}");
        // Whoever only reads cannot write, and another office's reporter sees nothing of it.
        assert_eq!(h.app(h.leader).get("/tasks/duties/edit").await.0, 404);
        assert_eq!(h.app(h.reporters[0]).get(&at).await.0, 404);
    })
    .await;
}
