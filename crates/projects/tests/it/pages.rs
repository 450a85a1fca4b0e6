//! The pages over HTTP, as people with and without a role see them.

use serde_json::{Value, json};
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, hidden, migrations};

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = h.template_problems(projects::module(h.projects.clone()));
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn research_is_proposed_run_and_reported_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [officer, leader, second, member, far] =
            [h.officer, h.leader, h.second, h.member, h.far].map(|w| h.app(w));
        assert_eq!(member.get("/projects/new").await.0, 404);
        assert!(officer.get("/projects").await.1.contains("还没有项目"));
        let (_, page) = officer.get("/projects/new?kind=research").await;
        assert!(page.contains("调研提纲"), "{page}");
        let id = hidden(&page, "id");
        let day = |n: i64| kernel::format_date(h.today().saturating_add(jiff::Span::new().days(n)));
        let (from, due, first) = (day(0), day(90), day(30));
        let usual = [
            ("id", id.as_str()),
            ("kind", "research"),
            ("unit", "B"),
            ("lead", "2"),
            ("title", "基层<人手>调研"),
            ("goals", "摸清底数"),
            ("question", "为什么缺人"),
            ("from", &from),
            ("due", &due),
        ];
        let (status, page) = officer.post("/projects", &usual).await;
        assert!(
            status == 422 && page.contains("f-outline") && page.contains("摸清底数"),
            "{page}"
        );
        let whole = [&usual[..], &[("outline", "一看二问")]].concat();
        for _ in 0..2 {
            let (status, to) = officer.post("/projects", &whole).await;
            assert_eq!(
                (status, to.as_str()),
                (303, format!("/projects/{id}").as_str())
            );
        }
        let at = format!("/projects/{id}");
        assert_eq!(
            member.get(&at).await.0,
            404,
            "who is no member does not see it"
        );
        assert_eq!(far.get(&at).await.0, 404, "the county neither");
        let (_, page) = officer.get(&at).await;
        assert!(
            page.contains("基层&lt;人手&gt;调研") && page.contains("缺"),
            "{page}"
        );
        let asked = officer.post(&format!("{at}/acts/ask"), &[]).await;
        assert!(
            asked.0 == 422 && asked.1.contains("成员至少 2 人，现有 1 人"),
            "{}",
            asked.1
        );
        let members = format!("{at}/members");
        let nobody = officer
            .post(&members, &[("person", "99"), ("role", "writer")])
            .await;
        assert!(
            nobody.0 == 422 && nobody.1.contains("没有工号为 99 的在职人员"),
            "{}",
            nobody.1
        );
        assert_eq!(
            officer
                .post(&members, &[("person", "4"), ("role", "writer")])
                .await
                .0,
            303
        );
        let milestone = [
            ("text", "完成走访"),
            ("owner", "4"),
            ("due", first.as_str()),
        ];
        assert_eq!(
            officer
                .post(&format!("{at}/milestones"), &milestone)
                .await
                .0,
            303
        );
        assert_eq!(officer.post(&format!("{at}/acts/ask"), &[]).await.0, 303);
        assert!(officer.get(&at).await.1.contains("等待审批"));
        h.decide(h.second, "agree").await;
        let number = format!("DY-{}-001", h.today().year());
        let (_, page) = member.get(&at).await;
        assert!(page.contains(&number) && page.contains("记一笔"), "{page}");
        assert!(
            member.get("/projects").await.1.contains(&number),
            "members list it"
        );
        assert!(!far.get("/projects").await.1.contains(&number));
        // Field work by the member, with a file that only those who see the project can fetch.
        let entry = hidden(&page, "id");
        let said = [
            ("id", entry.as_str()),
            ("what", "hearing"),
            ("day", &from),
            ("place", "澜东县"),
            ("heard", "所长 12 人"),
            ("text", "<b>人手不足</b>"),
        ];
        let (status, to) = member
            .parts(
                &format!("{at}/entries"),
                &said,
                Some(("纪要.txt", "要点".as_bytes())),
            )
            .await;
        assert_eq!(status, 303, "{to}");
        let (_, page) = officer.get(&at).await;
        assert!(
            page.contains("&lt;b&gt;人手不足") && page.contains("纪要.txt"),
            "{page}"
        );
        let file = page.split_once("/files/").unwrap().1;
        let file = format!("{at}/files/{}", &file[..64]);
        assert_eq!(member.get(&file).await, (200, "要点".to_owned()));
        assert_eq!(far.get(&file).await.0, 404);
        assert_eq!(officer.get(&format!("/projects/of/{entry}")).await.0, 303);
        assert_eq!(far.get(&format!("/projects/of/{entry}")).await.0, 404);
        // Done by its owner with evidence; more time needs a day that is later.
        let late = member
            .parts(
                &format!("{at}/milestones/1/time"),
                &[("until", &from), ("reason", "x")],
                None,
            )
            .await;
        assert!(late.0 == 422 && late.1.contains("延期要晚于"), "{}", late.1);
        let done = [("day", from.as_str()), ("reason", "走访 3 县")];
        assert_eq!(
            member
                .parts(
                    &format!("{at}/milestones/1/done"),
                    &done,
                    Some(("照片.txt", b"x"))
                )
                .await
                .0,
            303
        );
        assert!(officer.get(&at).await.1.contains("按期办结"));
        // The report begins with what was written down.
        let report = format!("{at}/report");
        let (_, page) = member.get(&report).await;
        assert!(page.contains("召开座谈会，听取所长 12 人意见"), "{page}");
        let parts = [
            ("overview", "现状"),
            ("problems", "人手不足\n标准不一"),
            ("causes", "原因"),
            ("advice", "统一标准"),
        ];
        let (status, page) = member.post(&report, &[("overview", "现状")]).await;
        assert!(status == 422 && page.contains("f-advice"), "{page}");
        assert_eq!(member.post(&report, &parts).await.0, 303);
        assert_eq!(member.post(&format!("{report}/1/send"), &[]).await.0, 303);
        assert_eq!(second.post(&format!("{report}/1/accept"), &[]).await.0, 303);
        let (status, bytes, _) = leader
            .send("GET", &format!("{report}/1.docx"), "", vec![])
            .await;
        assert!(status == 200 && bytes.starts_with(b"PK"));
        let wrong = officer
            .post(&format!("{at}/problems/1"), &[("unit", "XX")])
            .await;
        assert_eq!(wrong.0, 422);
        assert_eq!(
            officer
                .post(&format!("{at}/problems/1"), &[("unit", "C1")])
                .await
                .0,
            303
        );
        let (_, page) = officer.get(&report).await;
        assert!(
            page.contains("ZG-1")
                && page.contains("办理中")
                && page.contains("已转办 1 件，解决 0 件"),
            "{page}"
        );
        h.problems.end(&h.db, true).await;
        let (_, page) = officer.get(&report).await;
        assert!(page.contains("已解决") && page.contains("100%"), "{page}");
        let adopt = [("document", "澜司发〔2026〕8号"), ("day", from.as_str())];
        assert_eq!(officer.post(&format!("{at}/advice/1"), &adopt).await.0, 303);
        assert!(officer.get(&report).await.1.contains("采纳 1/1 条"));
        // Board, list, sheet.
        let (_, page) = officer.get("/projects/board?kind=research").await;
        assert!(
            page.contains("实地调研") && page.contains("完成走访"),
            "{page}"
        );
        let (_, page) = officer
            .get("/projects?q=dy-&state=running&kind=research&year=")
            .await;
        assert!(page.contains(&number), "{page}");
        assert!(
            officer
                .get("/projects?late=1")
                .await
                .1
                .contains("没有符合条件")
        );
        let (status, bytes, _) = officer.send("GET", "/projects/list.xlsx", "", vec![]).await;
        assert!(status == 200 && bytes.starts_with(b"PK"));
    })
    .await;
}

#[tokio::test]
async fn a_visit_is_written_by_form_and_the_quarter_shows_who_was_not_visited() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let tie = h.paired().await;
        let [leader, officer, member] = [h.leader, h.officer, h.member].map(|w| h.app(w));
        let (_, page) = leader.get("/visits").await;
        assert!(
            page.contains("已走访 0/1 对") && page.contains("未走访"),
            "{page}"
        );
        assert!(member.get("/visits").await.1.contains("没有结对"));
        let at = format!("/visits/pairs/{tie}");
        assert_eq!(member.get(&at).await.0, 404);
        let (_, page) = leader.get(&at).await;
        let id = hidden(&page, "id");
        let today = kernel::format_date(h.today());
        let (status, page) = leader
            .parts(
                &at,
                &[("id", &id), ("day", &today), ("difficulties", "缺人")],
                None,
            )
            .await;
        assert!(
            status == 422 && page.contains("缺人") && page.contains("f-looked"),
            "{page}"
        );
        let said = [
            ("id", id.as_str()),
            ("day", &today),
            ("looked", "调解室"),
            ("difficulties", "缺一名<调解员>"),
            ("promised", "月底前答复"),
        ];
        let (status, to) = leader.parts(&at, &said, Some(("照片.txt", b"x"))).await;
        assert_eq!((status, to.as_str()), (303, at.as_str()));
        let (_, page) = officer.get(&at).await;
        assert!(
            page.contains("缺一名&lt;调解员&gt;") && page.contains("本季度已走访"),
            "{page}"
        );
        assert!(
            leader
                .get("/visits?show=missing")
                .await
                .1
                .contains("已走访 1/1 对，100%")
        );
        let visit = format!("/visits/{id}");
        assert!(page.contains("value=\"C1\""), "the unit visited is offered");
        assert_eq!(
            leader
                .post(&format!("{visit}/difficulties/1"), &[("unit", "C1")])
                .await
                .0,
            303
        );
        let twice = leader
            .post(&format!("{visit}/difficulties/1"), &[("unit", "C1")])
            .await;
        assert!(
            twice.0 == 422 && twice.1.contains("已经转办过"),
            "{}",
            twice.1
        );
        assert!(leader.get(&visit).await.1.contains("ZG-1"));
        let no = leader
            .post(&format!("{visit}/strike"), &[("reason", "")])
            .await;
        assert_eq!(no.0, 422);
        assert_eq!(
            leader
                .post(&format!("{visit}/strike"), &[("reason", "日期写错")])
                .await
                .0,
            303
        );
        assert!(leader.get(&at).await.1.contains("已冲正"));
        assert!(
            leader
                .get("/visits?show=missing")
                .await
                .1
                .contains("已走访 0/1 对")
        );
        let (status, bytes, _) = leader
            .send("GET", "/visits/list.xlsx?quarter=2026Q1", "", vec![])
            .await;
        assert!(status == 200 && bytes.starts_with(b"PK"));
    })
    .await;
}

#[tokio::test]
async fn programs_list_read_and_note() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.running("hands-on-projects", "实干").await;
        let [officer, far] = [h.officer, h.far].map(|w| h.app(w));
        let json = async |app: &App, method: &str, path: &str, body: Value| {
            let body = body.to_string().into_bytes();
            let (status, bytes, _) = app.send(method, path, "application/json", body).await;
            (
                status,
                serde_json::from_slice::<Value>(&bytes).unwrap_or(Value::Null),
            )
        };
        let (_, all) = json(&officer, "GET", "/api/v1/projects?state=running", json!({})).await;
        assert_eq!(
            (all["total"].as_i64(), all["projects"][0]["id"].as_str()),
            (Some(1), Some(id.to_string().as_str()))
        );
        let (_, none) = json(&far, "GET", "/api/v1/projects", json!({})).await;
        assert_eq!(none["total"], 0);
        let at = format!("/api/v1/projects/{id}");
        assert_eq!(json(&far, "GET", &at, json!({})).await.0, 404);
        let today = kernel::format_date(h.today());
        let note = json!({ "id": h.env.new_id::<kernel::Id>(), "day": today, "text": "驻点一周" });
        for _ in 0..2 {
            assert_eq!(
                json(&officer, "POST", &format!("{at}/notes"), note.clone())
                    .await
                    .0,
                200
            );
        }
        let (_, one) = json(&officer, "GET", &at, json!({})).await;
        assert_eq!(
            one["entries"].as_array().map(Vec::len),
            Some(1),
            "sent twice, written once"
        );
        let bad = json!({ "day": "2026-13-01", "text": "x" });
        assert_eq!(
            json(&officer, "POST", &format!("{at}/notes"), bad).await.0,
            422
        );
    })
    .await;
}
