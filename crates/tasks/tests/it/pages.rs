//! The pages and the API by forms and addresses.

use serde_json::json;
use tasks::{EntryFilter, PlanAct};
use testkit::{on_both, on_sqlite};
use web::table::{Order, Window};

use crate::house::{House, Sees as _, hidden, migrations};
use crate::reports::reports;

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = h.template_problems(tasks::module(h.tasks.clone()));
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn from_the_form_of_a_plan_to_an_accepted_report() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [planner, leader, reporter] = [h.planner, h.leader, h.reporters[0]].map(|w| h.app(w));
        assert_eq!(reporter.get("/tasks/new").await.0, 404);
        let (_, page) = planner.get("/tasks/new").await;
        let id = hidden(&page, "id");
        let empty = planner
            .post(
                "/tasks/plans",
                &[
                    ("id", &id),
                    ("kind", "annual"),
                    ("unit", "B"),
                    ("year", "2026"),
                ],
            )
            .await;
        assert!(
            empty.0 == 422 && empty.1.contains("2 到 200"),
            "{}",
            empty.1
        );
        let fields = [
            ("id", id.as_str()),
            ("kind", "annual"),
            ("unit", "B"),
            ("year", "2026"),
            ("title", "2026年<目标>"),
            ("goals", "队伍建设\n执法质量"),
        ];
        let (status, plan) = planner.post("/tasks/plans", &fields).await;
        assert_eq!(status, 303, "{plan}");
        let (_, page) = planner.get(&format!("{plan}/entries/new")).await;
        let entry = hidden(&page, "id");
        let base = [
            ("id", entry.as_str()),
            ("parent", ""),
            ("text", "评查案件"),
            ("target", "两次"),
            ("goal", "2"),
            ("unit", "O1"),
            ("owner", "leaders"),
            ("from", "2026-01"),
            ("to", "2026-12"),
            ("milestones", "2026-06 | 上半年评查\n2026-11 | 年终评查"),
            ("claim", "activities"),
            ("wanted", "2"),
        ];
        let wrong = planner.post(&format!("{plan}/entries"), &base).await;
        assert!(
            wrong.0 == 422 && wrong.1.contains("必须写明责任人"),
            "{}",
            wrong.1
        );
        let with = [&base[..], &[("person", "6"), ("leader", "2")]].concat();
        let (status, to) = planner.post(&format!("{plan}/entries"), &with).await;
        assert_eq!(status, 303, "{to}");
        let (_, page) = planner.get(&plan).await;
        assert!(
            page.contains("2026年&lt;目标&gt;")
                && page.contains("评查案件")
                && page.contains("班子成员"),
            "{page}"
        );
        assert_eq!(reporter.get(&plan).await.0, 404, "a draft");
        let act = async |app: &crate::house::App, act: &str| {
            let v = hidden(&app.get(&plan).await.1, "seen");
            app.post(
                &format!("{plan}/acts/{act}"),
                &[("seen", &v), ("reason", "")],
            )
            .await
        };
        assert_eq!(act(&planner, "ask").await.0, 303);
        assert_eq!(act(&leader, "issue").await.0, 303);
        assert!(
            planner
                .get(&format!("{plan}/versions/1"))
                .await
                .1
                .contains("评查案件")
        );
        let (_, wall) = planner.get(&format!("{plan}/wall")).await;
        assert!(
            wall.contains("上半年评查") && wall.contains("年终评查"),
            "{wall}"
        );
        let (_, lists) = leader.get("/tasks/lists?year=2026").await;
        assert!(
            lists.contains("县级干部") && lists.contains("评查案件"),
            "{lists}"
        );
        let (_, list) = leader.get("/tasks/entries?owner=leaders&q=评查").await;
        assert!(list.contains("2026-1"), "{list}");
        assert!(
            !leader
                .get("/tasks/entries?state=late")
                .await
                .1
                .contains("评查案件")
        );
        assert_eq!(
            &leader.bytes("/tasks/entries/list.xlsx").await.1[..2],
            b"PK"
        );
        // Found by the words of an entry, within one's scope.
        let (_, found) = leader
            .get(&format!("/search?q={}", web::encode("评查")))
            .await;
        assert!(found.contains(&plan), "{found}");
        let other = h.app(h.reporters[1]);
        let (_, none) = other
            .get(&format!("/search?q={}", web::encode("评查")))
            .await;
        assert!(!none.contains(&plan), "{none}");
        // The responsible person sees it without any permission, and nothing else.
        let member = h.app(h.member);
        assert!(member.get("/tasks").await.1.contains("评查案件"));
        assert_eq!(member.get(&format!("/tasks/entries/{entry}")).await.0, 200);
        assert_eq!(member.get("/tasks/entries").await.0, 404);
        // The report, written from what is known.
        let report = format!("/tasks/reports/{}", reports(&h).await[0].id);
        let (_, page) = reporter.get(&report).await;
        assert!(
            page.contains("本月节点：年终评查") && page.contains("0</a> / "),
            "{page}"
        );
        let v = hidden(&page, "seen");
        let said = format!("said-{entry}");
        let percent = format!("percent-{entry}");
        let reached = format!("reached-{entry}");
        let send = async |percent_of: &str, act: &str| {
            let fields = [
                ("seen", v.as_str()),
                (said.as_str(), "完成<两次>"),
                (percent.as_str(), percent_of),
                (reached.as_str(), ""),
                ("summary", "总体顺利"),
                ("problems", ""),
                ("next", "继续"),
                ("act", act),
            ];
            reporter.post(&report, &fields).await
        };
        let wrong = send("很多", "hand-in").await;
        assert!(
            wrong.0 == 422 && wrong.1.contains("请填数字") && wrong.1.contains("完成&lt;两次&gt;"),
            "{}",
            wrong.1
        );
        assert_eq!(send("60", "hand-in").await.0, 303);
        assert_eq!(send("60", "keep").await.0, 422, "it is handed in");
        let (_, page) = leader.get(&report).await;
        assert!(
            page.contains("完成&lt;两次&gt;") && page.contains("60%"),
            "{page}"
        );
        let (status, paper) = leader.bytes(&format!("{report}/paper.docx")).await;
        assert_eq!((status, &paper[..2]), (200, &b"PK"[..]));
        let v = hidden(&page, "seen");
        let judged = leader
            .post(
                &format!("{report}/judgement"),
                &[("seen", &v), ("act", "accept"), ("reason", "")],
            )
            .await;
        assert_eq!(judged.0, 303, "{}", judged.1);
        let (_, matrix) = leader.get("/tasks/reports?year=2026").await;
        assert!(
            matrix.contains("单位O1") && matrix.contains("已通过"),
            "{matrix}"
        );
        assert!(
            !h.app(h.reporters[1])
                .get("/tasks/reports?year=2026")
                .await
                .1
                .contains("单位O1")
        );
        assert_eq!(
            &leader.bytes("/tasks/reports/list.xlsx?year=2026").await.1[..2],
            b"PK"
        );
        assert!(
            member
                .get(&format!("/tasks/entries/{entry}"))
                .await
                .1
                .contains("60%")
        );
    })
    .await;
}

#[tokio::test]
async fn programs_list_read_and_report_within_their_scope() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, [first, second]) = h.issued().await;
        let reporter = h.app(h.reporters[0]);
        let (_, text) = reporter.get("/api/v1/tasks/entries").await;
        assert!(text.contains(&first.to_string()) && !text.contains(&second.to_string()), "{text}");
        assert_eq!(reporter.get(&format!("/api/v1/tasks/entries/{second}")).await.0, 404);
        let r = reports(&h).await;
        let path = format!("/api/v1/tasks/reports/{}", r[0].id);
        let sent = json!({ "version": 0, "summary": "顺利", "hand_in": true,
            "lines": [{ "entry": first, "percent": 100, "said": "完成", "reached_on": "2026-11-19" }] });
        let (status, answer) = reporter.json("POST", &path, sent.clone()).await;
        assert_eq!((status, &answer["state"]), (200, &json!("handed")), "{answer}");
        assert_eq!(reporter.json("POST", &path, sent).await.0, 409);
        let other = format!("/api/v1/tasks/reports/{}", r[1].id);
        assert_eq!(reporter.json("POST", &other, json!({ "version": 0 })).await.0, 404);
        let (_, text) = reporter.get("/api/v1/tasks/reports?month=2026-11&state=handed").await;
        assert!(text.contains(&r[0].id.to_string()), "{text}");
    })
    .await;
}

#[tokio::test]
async fn what_is_unfinished_is_carried_over_by_a_form() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, [first, _]) = h.issued().await;
        let next = h.plan(2027).await;
        let app = h.app(h.planner);
        let at = format!("/tasks/entries/{first}");
        let (_, page) = app.get(&at).await;
        let (v, new) = (hidden(&page, "seen"), hidden(&page, "new"));
        assert!(page.contains("2027年度目标任务"), "{page}");
        let to = next.to_string();
        let fields = [
            ("seen", v.as_str()),
            ("new", new.as_str()),
            ("to", to.as_str()),
            ("reason", ""),
        ];
        let silent = app.post(&format!("{at}/acts/carry"), &fields).await;
        assert!(
            silent.0 == 422 && silent.1.contains("请说明理由"),
            "{}",
            silent.1
        );
        let fields = [&fields[..3], &[("reason", "跨年")]].concat();
        let (status, to) = app.post(&format!("{at}/acts/carry"), &fields).await;
        assert_eq!(
            (status, to.as_str()),
            (303, format!("/tasks/entries/{new}").as_str())
        );
        let (_, page) = app.get(&to).await;
        assert!(
            page.contains("结转自") && page.contains("2026-1 评查案件"),
            "{page}"
        );
        assert!(app.get(&at).await.1.contains("结转到"));
        let filter = EntryFilter {
            year: Some(2027),
            ..EntryFilter::default()
        };
        let order = Order {
            by: "number",
            down: false,
        };
        let all = h
            .tasks
            .list(&filter, &h.planner.eyes(), order, Window::new(1, 9))
            .await
            .unwrap()
            .1;
        assert_eq!(all.len(), 1);
        assert!(h.act(next, PlanAct::Close, h.planner, "").await.is_err());
    })
    .await;
}
