//! Making, listing and refusing reports over HTTP.

use kernel::{ReportId, Scope};
use testkit::{TestDb, on_both, on_sqlite};

use crate::house::{App, House, migrations, texts};

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(h.modules(), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

/// Sends the form of a report.
async fn send(app: &App, t: &TestDb, fields: [&str; 4], status: u16) -> String {
    let id: ReportId = t.env.new_id();
    send_as(app, id, fields, status).await
}

async fn send_as(app: &App, id: ReportId, fields: [&str; 4], status: u16) -> String {
    let [template, unit, period, at] = fields;
    let id = id.to_string();
    let fields = [
        ("id", id.as_str()),
        ("template", template),
        ("unit", unit),
        ("period", period),
        ("at", at),
    ];
    app.post("/reports", &fields, status).await
}

#[tokio::test]
async fn made_twice_with_the_same_id_is_made_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All, true);
        assert!(app.get("/reports", 200).await.contains("还没有报告"));
        let form = app.get("/reports/new", 200).await;
        for text in ["集中学习情况简报", "/reports/unit-options", "2026-11-20"] {
            assert!(form.contains(text), "{text}: {form}");
        }
        let id: ReportId = t.env.new_id();
        let fields = ["study-brief", &h.top.to_string(), "year", "2026-11-20"];
        send_as(&app, id, fields, 303).await;
        let first = h.reports.report(id, &Scope::All).await.unwrap();
        h.session(&t, h.a, crate::house::day(2026, 11, 20), &[3])
            .await;
        send_as(&app, id, fields, 303).await;
        assert_eq!(h.reports.report(id, &Scope::All).await.unwrap(), first);
        let list = app.get("/reports", 200).await;
        assert_eq!(
            list.matches(&format!("href=\"/reports/{id}\"")).count(),
            1,
            "{list}"
        );
        assert!(list.contains("2026年1月1日至11月20日"), "{list}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_made_says_why() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All, true);
        let top = h.top.to_string();
        for (unit, at, want) in [
            (top.as_str(), "2026-11-21", "这一天还没有到，不能生成报告。"),
            (&top, "2026-02-30", "日期不正确。"),
            (&top, "", "日期不正确。"),
            ("", "2026-11-20", "请选择单位。"),
            ("x", "2026-11-20", "没有编码为“x”的单位"),
        ] {
            let page = send(&app, &t, ["study-brief", unit, "year", at], 422).await;
            assert!(page.contains(want), "{want}: {page}");
            assert!(page.contains(&format!("value=\"{at}\"")), "kept: {page}");
        }
        send(&app, &t, ["nothing", &top, "year", "2026-11-20"], 404).await;
        for query in [
            "page=x",
            "page=-9223372036854775808",
            "page=9223372036854775807",
        ] {
            app.get(&format!("/reports?{query}"), 200).await;
        }
        assert!(app.get("/reports", 200).await.contains("还没有报告"));
    })
    .await;
}

#[tokio::test]
async fn out_of_scope_does_not_exist() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (theirs, mine): (ReportId, ReportId) = (t.env.new_id(), t.env.new_id());
        h.make(theirs, h.b).await;
        h.make(mine, h.a).await;
        let app = h.app(&t, Scope::Under(vec![h.a]), true);
        for id in [
            theirs.to_string(),
            t.env.new_id::<ReportId>().to_string(),
            "x".into(),
        ] {
            app.get(&format!("/reports/{id}"), 404).await;
            app.get(&format!("/reports/{id}/report.docx"), 404).await;
            app.get(&format!("/api/v1/reports/{id}"), 404).await;
        }
        let list = app.get("/reports", 200).await;
        assert!(list.contains("甲科") && !list.contains("乙科"), "{list}");
        let offered = app.get("/reports/unit-options?unit=%E7%A7%91", 200).await;
        assert!(
            offered.contains("甲科") && !offered.contains("乙科"),
            "{offered}"
        );
        let fields = ["study-brief", &h.b.to_string(), "year", "2026-11-20"];
        send(&app, &t, fields, 404).await;
        let theirs = send(&app, &t, ["study-brief", "B", "year", "2026-11-20"], 422).await;
        assert!(theirs.contains("没有编码为“B”的单位"), "{theirs}");
        send(&app, &t, ["study-brief", " A", "year", "2026-11-20"], 303).await;
        let reader = h.app(&t, Scope::All, false);
        reader.get("/reports/new", 404).await;
        send(&reader, &t, fields, 404).await;
        h.app(&t, Scope::nothing(), false)
            .get("/reports", 404)
            .await;
    })
    .await;
}

#[tokio::test]
async fn the_api_gives_the_frozen_figures() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: ReportId = t.env.new_id();
        h.make(id, h.top).await;
        let figures = h.figures(h.top).await;
        h.reverse_last(&t).await;
        let app = h.app(&t, Scope::All, false);
        let body = app.get(&format!("/api/v1/reports/{id}"), 200).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["figures"], serde_json::json!(figures));
        assert_eq!(texts(&figures), ["2", "4", "3", "8.0", "75.0"]);
        assert_eq!(body["ledger_size"], 9);
        assert_eq!(body["unit"], h.top.to_string());
        assert_eq!(
            (&body["from"], &body["to"]),
            (&"2026-01-01".into(), &"2026-11-20".into())
        );
    })
    .await;
}

#[tokio::test]
async fn a_report_has_a_level_on_page_and_paper_and_what_leaves_is_traced() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All, true);
        let top = h.top.to_string();
        let id: ReportId = t.env.new_id();
        let text = id.to_string();
        let fields = |level| {
            [
                ("id", text.as_str()),
                ("template", "study-brief"),
                ("unit", &top),
                ("period", "year"),
                ("at", "2026-11-20"),
                ("level", level),
            ]
        };
        let page = app.post("/reports", &fields("confidential"), 422).await;
        assert!(page.contains("“机密”属于国家秘密"), "{page}");
        app.post("/reports", &fields(""), 303).await;
        let path = format!("/reports/{id}");
        assert!(app.get(&path, 200).await.contains("<b>内部</b>"));
        let word = app.docx(&format!("{path}/report.docx")).await;
        assert!(word.starts_with("内部"), "{word}");
        let before = h.reports.report(id, &Scope::All).await.unwrap();
        let change = [("level", "public"), ("level-reason", "已在网站公布")];
        let place = format!("{path}/level");
        app.post(&place, &[("level", "public"), ("level-reason", "")], 422)
            .await;
        app.post(
            &place,
            &[("level", "work-secret"), ("level-reason", "误定")],
            422,
        )
        .await;
        app.post(&place, &change, 303).await;
        let after = h.reports.report(id, &Scope::All).await.unwrap();
        assert_eq!(after.level, "public");
        let same = reports::Saved {
            level: before.level.clone(),
            ..after
        };
        assert_eq!(same, before, "the frozen report is the same");
        let word = app.docx(&format!("{path}/report.docx")).await;
        assert!(!word.starts_with("公开"), "{word}");
        assert!(app.get("/reports?level=public", 200).await.contains(&path));
        assert!(
            !app.get("/reports?level=internal", 200)
                .await
                .contains(&path)
        );
        h.app(&t, Scope::All, false)
            .post(&place, &change, 404)
            .await;
        h.app(&t, Scope::Under(vec![h.a]), true)
            .post(&place, &change, 404)
            .await;
        app.get("/indicators/study-attendances/rows.csv", 200).await;
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT action FROM audit WHERE action <> 'report.made' ORDER BY id";
        let rows = tx.query(sql, db::args![]).await.unwrap();
        let actions: Vec<String> = rows.iter().map(|r| r.get(0).unwrap()).collect();
        assert_eq!(
            actions,
            [
                "report.exported",
                "report.level-changed",
                "report.exported",
                "indicators.exported"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn blanks_of_a_form_without_records_stay_open_and_are_listed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All, true);
        let id: ReportId = t.env.new_id();
        let (text, top) = (id.to_string(), h.top.to_string());
        let fields = [
            ("id", text.as_str()),
            ("template", "study-form"),
            ("unit", &top),
            ("period", "year"),
            ("at", "2026-11-20"),
        ];
        app.post("/reports", &fields, 303).await;
        let path = format!("/reports/{id}");
        let plain = |page: &str| -> String {
            let pieces = page.split('<').filter_map(|p| p.split_once('>'));
            pieces.map(|(_, text)| text).collect()
        };
        let page = app.get(&path, 200).await;
        let told = plain(&page);
        assert!(
            told.contains("学习2场，参学4人次，走访【无数据】。"),
            "{told}"
        );
        assert!(
            told.contains("以下各项本期没有记录，未填写：走访。"),
            "{told}"
        );
        assert!(page.contains("/indicators/visits"), "{page}");
        let word = app.docx(&format!("{path}/report.docx")).await;
        assert!(word.contains("未填写：走访。"), "{word}");
    })
    .await;
}
