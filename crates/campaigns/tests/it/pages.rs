//! Pages, sheets, papers and API, through HTTP.

use kernel::Date;
use serde_json::{Value, json};
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, Sees as _, hidden, migrations};
use crate::story::running;

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = h.template_problems(campaigns::module(h.campaigns.clone()));
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn a_campaign_is_planned_run_and_reported_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [planner, reporter, far, local] =
            [h.planner, h.reporter, h.far, h.local].map(|w| h.app(w));
        assert_eq!(
            reporter.get("/campaigns/new").await.0,
            404,
            "only who plans has the form"
        );
        assert!(planner.get("/campaigns").await.1.contains("还没有专项行动"));
        let (_, page) = planner
            .get("/campaigns/new?kind=quality&from=2026-11-01")
            .await;
        let id = hidden(&page, "id");
        let mut fields = vec![
            ("id", id.as_str()),
            ("kind", "quality"),
            ("title", "队伍<b>素质</b>提升"),
            ("unit", "B"),
            ("goals", "第一行\n第二行"),
            ("from", "2026-11-01"),
            ("to", "2027-01-31"),
            ("from-mobilise", "2026-11-01"),
            ("to-mobilise", "2026-11-15"),
            ("from-study", "2026-11-10"),
            ("to-study", "2026-12-15"),
            ("from-check", "2026-12-16"),
            ("to-check", "2027-01-19"),
            ("from-conclude", "2027-01-20"),
            ("to-conclude", "2027-01-31"),
            (
                "measures",
                "集中学习 | O1 | 2026-12-01\n自查自纠 | O9 | 2026-12-10",
            ),
            ("claim", "learn/activities"),
            ("cat-learn-activities", "friday-study"),
            ("lead", "2"),
        ];
        let (status, page) = planner.post("/campaigns", &fields).await;
        assert!(
            status == 422 && page.contains("第 2 行的单位编码"),
            "{page}"
        );
        fields[15] = (
            "measures",
            "集中学习 | O1 | 2026-12-01\n自查自纠 | O2 | 2026-12-10",
        );
        let (status, page) = planner.post("/campaigns", &fields).await;
        assert!(
            status == 422 && page.contains("不能重叠") && page.contains("第二行"),
            "{page}"
        );
        fields[9] = ("from-study", "2026-11-16");
        let (status, to) = planner.post("/campaigns", &fields).await;
        assert_eq!(
            (status, to.as_str()),
            (303, format!("/campaigns/{id}/units").as_str()),
            "{to}"
        );
        let path = format!("/campaigns/{id}");
        let units = format!("{path}/units");
        let (status, page) = planner
            .post(&units, &[("by", "codes"), ("codes", "O1 X9")])
            .await;
        assert!(status == 422 && page.contains("X9"), "{page}");
        assert_eq!(
            planner
                .post(&units, &[("by", "category"), ("category", "科室")])
                .await
                .0,
            303
        );
        let w = h
            .campaigns
            .campaign(id.parse().unwrap(), &h.planner.eyes())
            .await
            .unwrap();
        assert_eq!(w.campaign.joined, 4, "the bureau is of that category too");
        let drop = format!("{units}/{}", h.bureau);
        assert_eq!(planner.post(&drop, &[("take", "drop")]).await.0, 303);
        let out = format!("{units}/{}", h.offices[2]);
        assert_eq!(
            planner
                .post(&out, &[("take", "absent"), ("reason", "撤并中")])
                .await
                .0,
            303
        );
        let (_, page) = planner.get(&format!("{units}?show=absent")).await;
        assert!(
            page.contains("撤并中") && !page.contains("单位O1"),
            "{page}"
        );
        let (_, page) = planner.get(&path).await;
        assert!(
            page.contains("队伍&lt;b&gt;") && page.contains("2 / ") || page.contains(">2</a>"),
            "{page}"
        );
        assert_eq!(reporter.get(&path).await.0, 404, "units are not told yet");
        // The plan is drafted from data.
        let (_, page) = planner.get(&format!("{path}/plans")).await;
        assert!(page.contains("集中学习（责任单位：单位O1"), "{page}");
        let said = [("title", "方案"), ("body", "正文"), ("mark", "澜司-发")];
        assert_eq!(
            planner.parts(&format!("{path}/plans"), &said, None).await.0,
            422
        );
        let said = [("title", "方案"), ("body", "正文"), ("mark", "澜司发")];
        assert_eq!(
            planner
                .parts(
                    &format!("{path}/plans"),
                    &said,
                    Some(("附件.pdf", b"%PDF 1"))
                )
                .await
                .0,
            303
        );
        assert_eq!(
            planner.post(&format!("{path}/plans/1/ask"), &[]).await.0,
            303
        );
        let (_, page) = planner.get(&path).await;
        assert!(page.contains("方案正在审批"));
        h.decide("agree").await;
        let (_, page) = planner.get(&path).await;
        let seen = hidden(&page, "seen");
        let old = planner
            .post(&format!("{path}/acts/start"), &[("seen", "1")])
            .await;
        assert!(old.0 == 422 && old.1.contains("情况已有变化"), "{}", old.1);
        assert_eq!(
            planner
                .post(&format!("{path}/acts/start"), &[("seen", &seen)])
                .await
                .0,
            303
        );
        // The office sees it now, its file too; the other one that takes no part is named and sees it; nobody outside.
        let sha256 = commons::files::FileHash::of(b"%PDF 1");
        assert_eq!(
            reporter.get(&format!("{path}/files/{sha256}")).await,
            (200, "%PDF 1".into())
        );
        assert_eq!(far.get(&path).await.0, 200);
        assert_eq!(reporter.get(&format!("{path}/edit")).await.0, 404);
        let unit = h.offices[0].to_string();
        let send = async |app: &App, percent: &str| {
            let said = [
                ("unit", unit.as_str()),
                ("percent", percent),
                ("said", "已学三次"),
            ];
            app.parts(
                &format!("{path}/reports"),
                &said,
                Some(("照片.png", b"png")),
            )
            .await
        };
        assert_eq!(send(&reporter, "101").await.0, 422);
        assert_eq!(send(&reporter, "40").await.0, 303);
        assert_eq!(
            send(&far, "40").await.0,
            404,
            "nobody reports for another unit"
        );
        assert_eq!(
            local.parts(&format!("{path}/reports"), &[], None).await.0,
            404
        );
        let done = [("day", "2026-11-18"), ("reason", "三次")];
        assert_eq!(
            reporter.post(&format!("{path}/measures/1"), &done).await.0,
            303
        );
        h.fact(
            "held",
            "friday-study",
            h.offices[0],
            Date::constant(2026, 11, 18),
            h.env.new_id(),
        )
        .await;
        let (_, page) = planner.get(&format!("{path}/cockpit")).await;
        let cell = format!("{path}/rows?claim=0&unit={unit}&phase=study\">1</a>");
        assert!(page.replace("&amp;", "&").contains(&cell), "{page}");
        assert!(
            page.contains("1 家未报进展") && page.contains("缺少文件"),
            "{page}"
        );
        let paper = planner
            .parts(
                &format!("{path}/documents/mobilisation"),
                &[],
                Some(("材料.pdf", b"%PDF 2")),
            )
            .await;
        assert_eq!(paper.0, 303);
        for page in [
            "",
            "/units",
            "/plans",
            "/checklist",
            "/scores",
            "/problems",
            "/summary",
            "/cockpit",
        ] {
            let (status, text) = reporter.get(&format!("{path}{page}")).await;
            assert_eq!(status, 200, "{page}: {text}");
        }
        for sheet in [
            "/campaigns/list.xlsx".to_owned(),
            format!("{units}.xlsx"),
            format!("{path}/plans/1.docx"),
        ] {
            let (status, bytes, _) = planner.send("GET", &sheet, "", vec![]).await;
            assert!(status == 200 && bytes.starts_with(b"PK"), "{sheet}");
        }
        let (_, list) = planner
            .get("/campaigns?state=running&year=2027&taking=O1")
            .await;
        assert!(list.contains(&path), "{list}");
        assert!(
            !planner.get("/campaigns?taking=O3").await.1.contains(&path),
            "it takes no part"
        );
        let found = planner.get("/search?q=%E7%B4%A0%E8%B4%A8").await.1;
        assert!(found.contains(&path), "{found}");
        // Changed with a reason; what is typed wrong stays.
        let (_, page) = planner.get(&format!("{path}/edit")).await;
        assert!(page.contains("1. 集中学习 | O1 | 2026-12-01"), "{page}");
        let seen = hidden(&page, "seen");
        fields[0] = ("seen", seen.as_str());
        fields[18] = ("lead", "=");
        fields[15] = (
            "measures",
            "1. 集中学习 | O1 | 2026-12-01\n2. 自查自纠 | O2 | 2026-12-11",
        );
        let (status, page) = planner.post(&path, &fields).await;
        assert!(status == 422 && page.contains("请写明理由"), "{page}");
        fields.push(("reason", "推迟一天"));
        assert_eq!(planner.post(&path, &fields).await.0, 303);
        let (_, page) = planner.get(&path).await;
        assert!(
            page.contains("2026-12-11") && page.contains("推迟一天"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn scores_survey_and_summary_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = running(&h).await;
        let [planner, reporter, inspector, far] =
            [h.planner, h.reporter, h.inspector, h.far].map(|w| h.app(w));
        let path = format!("/campaigns/{id}");
        let at = format!("{path}/scores/{}", h.offices[0]);
        let items = [
            "pol-study",
            "pol-discipline",
            "duty-service",
            "work-ability",
            "style-rules",
        ];
        let names = items.map(|i| format!("p-{i}"));
        let fields: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "18.5")).collect();
        let wrong: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "十")).collect();
        let (status, page) = reporter.post(&format!("{at}/own"), &wrong).await;
        assert!(
            status == 422 && page.contains("请填数字") && page.contains("十"),
            "{page}"
        );
        assert_eq!(reporter.post(&format!("{at}/own"), &fields).await.0, 303);
        assert_eq!(
            reporter.post(&format!("{at}/inspection"), &fields).await.0,
            404
        );
        assert_eq!(
            inspector.post(&format!("{at}/inspection"), &fields).await.0,
            303
        );
        let (_, page) = reporter.get(&at).await;
        assert!(page.contains("92.5") && page.contains("提出异议"), "{page}");
        assert_eq!(
            reporter
                .post(&format!("{at}/objection"), &[("said", "有异议")])
                .await
                .0,
            303
        );
        let answer = [("n", "1"), ("upheld", "yes"), ("answer", "维持")];
        let (status, page) = inspector.post(&format!("{at}/answer"), &answer).await;
        assert!(
            status == 422 && page.contains("不能答复对本人评分的异议"),
            "{page}"
        );
        let second = h.app(h.second);
        assert_eq!(second.post(&format!("{at}/answer"), &answer).await.0, 303);
        let (_, page) = planner.get(&format!("{path}/scores")).await;
        assert!(page.contains("+0") && page.contains("92.5"), "{page}");
        let act = async |word: &str| {
            let (_, page) = planner.get(&path).await;
            let seen = hidden(&page, "seen");
            planner
                .post(
                    &format!("{path}/acts/{word}"),
                    &[("seen", &seen), ("reason", "提前")],
                )
                .await
        };
        assert_eq!(act("conclude").await.0, 303);
        assert_eq!(
            far.get(&format!("{path}/survey")).await.0,
            404,
            "it is not open"
        );
        let days = [("opens", "2026-11-20"), ("closes", "2026-11-25")];
        assert_eq!(
            planner.post(&format!("{path}/survey/open"), &days).await.0,
            303
        );
        let (status, page) = far.get(&format!("{path}/survey")).await;
        assert!(status == 200 && page.contains("不记名"), "{page}");
        assert_eq!(
            planner.get(&format!("{path}/survey")).await.0,
            404,
            "the bureau takes no part"
        );
        let survey = format!("{path}/survey");
        let (status, page) = far.post(&survey, &[("q-content", "much")]).await;
        assert_eq!(status, 422, "{page}");
        let said = [("q-content", "much"), ("q-mended", "yes")];
        assert_eq!(far.post(&survey, &said).await.0, 303);
        assert!(far.get(&survey).await.1.contains("您已参加"));
        assert_eq!(far.post(&survey, &said).await.0, 422);
        let summary = format!("{path}/summary");
        let (_, page) = planner.get(&summary).await;
        assert!(
            page.contains("按数据起草") && page.contains("{joined=3}"),
            "{page}"
        );
        assert_eq!(planner.post(&summary, &[("body", " ")]).await.0, 422);
        assert_eq!(
            planner
                .post(
                    &summary,
                    &[("body", "参加{joined=1}家"), ("lessons", "抓早")]
                )
                .await
                .0,
            303
        );
        assert_eq!(act("close").await.0, 303);
        let (_, page) = planner.get(&path).await;
        assert!(page.contains("已结束"), "{page}");
        assert_eq!(act("start").await.0, 422, "closed is closed");
    })
    .await;
}

#[tokio::test]
async fn programmes_by_forms_and_campaigns_over_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [planner, reporter, far] = [h.planner, h.reporter, h.far].map(|w| h.app(w));
        let (_, page) = planner.get("/campaigns/nodes/new").await;
        let id = hidden(&page, "id");
        let mut fields = vec![
            ("id", id.as_str()),
            ("parent", ""),
            ("code", "2026 强基"),
            ("level", "strategy"),
            ("unit", "B"),
            ("name", "强基工程"),
            ("from", "2026-01-01"),
            ("to", "2026-12-31"),
            ("claim", "/activities"),
            ("cat--activities", "friday-study"),
        ];
        let (status, page) = planner.post("/campaigns/nodes", &fields).await;
        assert!(status == 422 && page.contains("字母、数字"), "{page}");
        fields[2] = ("code", "2026.qj");
        let (status, path) = planner.post("/campaigns/nodes", &fields).await;
        assert_eq!(
            (status, path.as_str()),
            (303, format!("/campaigns/nodes/{id}").as_str())
        );
        h.fact(
            "held",
            "friday-study",
            h.offices[0],
            Date::constant(2026, 11, 6),
            h.env.new_id(),
        )
        .await;
        let (_, page) = planner.get(&path).await;
        assert!(
            page.contains("开展活动") && page.contains(">1</a>"),
            "{page}"
        );
        let (status, page) = planner.get(&format!("{path}/rows?claim=0")).await;
        assert!(status == 200 && page.contains("2026-11-06"), "{page}");
        assert_eq!(far.get(&path).await.0, 404);
        assert!(planner.get("/campaigns/nodes").await.1.contains("2026.qj"));
        let (_, page) = planner.get(&format!("{path}/edit")).await;
        let seen = hidden(&page, "seen");
        let change = [
            ("seen", seen.as_str()),
            ("name", "强基固本"),
            ("from", "2026-01-01"),
            ("to", "2026-12-31"),
            ("reason", "改名"),
        ];
        assert_eq!(planner.post(&path, &change).await.0, 303);
        // The API.
        let id = running(&h).await;
        let api = format!("/api/v1/campaigns/{id}");
        let (status, one) = reporter.json("GET", &api, Value::Null).await;
        assert_eq!(
            (status, &one["plan_number"]),
            (200, &json!("澜司发〔2026〕1号"))
        );
        let said = json!({ "unit": h.offices[0], "percent": 60, "text": "过半" });
        let (status, told) = reporter
            .json("POST", &format!("{api}/reports"), said.clone())
            .await;
        assert_eq!((status, &told["seq"]), (200, &json!(1)));
        assert_eq!(
            far.json("POST", &format!("{api}/reports"), said.clone())
                .await
                .0,
            404
        );
        let (status, problem) = reporter
            .json(
                "POST",
                &format!("{api}/reports"),
                json!({ "unit": h.offices[0], "percent": -1, "text": "x" }),
            )
            .await;
        assert_eq!(status, 422, "{problem}");
        let (_, list) = far
            .json("GET", "/api/v1/campaigns?state=running", Value::Null)
            .await;
        assert_eq!(list["total"], 1);
        let (_, list) = reporter
            .json(
                "GET",
                &format!("/api/v1/campaigns?unit={}", h.offices[0]),
                Value::Null,
            )
            .await;
        assert_eq!(list["total"], 0);
    })
    .await;
}
