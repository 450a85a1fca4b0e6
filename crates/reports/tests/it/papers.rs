//! Official documents, sheets, and what is looked at before a report is kept.

use db::args;
use kernel::{Error, ReportId, Scope};
use organization::NewUnit;
use reports::Paper;
use testkit::{TestDb, on_both, on_sqlite};

use crate::house::{App, House, day, migrations};

fn paper(number: &str) -> Paper {
    Paper {
        organ: "澜州市司法局文件".into(),
        number: number.into(),
        signer: "林晓岚".into(),
        urgency: "urgent".into(),
        addressees: "局属各单位：".into(),
        copies: "市委办公室".into(),
        attachments: "名单\n\n说明".into(),
        signed_by: "澜州市司法局".into(),
        dated: "2026-11-20".into(),
        printed_by: "澜州市司法局办公室".into(),
        printed_on: "2026-11-21".into(),
    }
}

async fn send(app: &App, id: ReportId, version: &str, p: &Paper, status: u16) -> String {
    let fields = [
        ("version", version),
        ("organ", &p.organ),
        ("number", &p.number),
        ("signer", &p.signer),
        ("urgency", &p.urgency),
        ("addressees", &p.addressees),
        ("copies", &p.copies),
        ("attachments", &p.attachments),
        ("signed_by", &p.signed_by),
        ("dated", &p.dated),
        ("printed_by", &p.printed_by),
        ("printed_on", &p.printed_on),
    ];
    app.post(&format!("/reports/{id}/paper"), &fields, status)
        .await
}

async fn audit(t: &TestDb, action: &'static str) -> Vec<String> {
    let mut tx = t.db.read().await.unwrap();
    let sql = "SELECT detail FROM audit WHERE action = $1 ORDER BY id";
    let rows = tx.query(sql, args![action]).await.unwrap();
    rows.iter().map(|r| r.get(0).unwrap()).collect()
}

#[tokio::test]
async fn a_report_becomes_an_official_document_with_a_number_of_its_own() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(&t, Scope::All, true);
        let (first, second): (ReportId, ReportId) = (t.env.new_id(), t.env.new_id());
        for id in [first, second] {
            h.make(id, h.top).await;
        }
        let before = h.reports.report(first, &Scope::All).await.unwrap();
        let form = app.get(&format!("/reports/{first}/paper"), 200).await;
        assert!(form.contains("value=\"澜州市司法局文件\""), "{form}");
        // What is wrong is said, and what was typed stays.
        let refused = send(&app, first, "0", &paper("澜司发〔2026〕08号"), 422).await;
        for text in ["序号前不加 0", "澜司发〔2026〕08号", "林晓岚"] {
            assert!(refused.contains(text), "{text}: {refused}");
        }
        send(&app, first, "0", &paper("澜司发[2026]8号"), 303).await;
        send(&app, first, "0", &paper("澜司发〔2026〕8号"), 303).await;
        assert_eq!(
            audit(&t, "report.paper-kept").await.len(),
            1,
            "the same is no version"
        );
        let docx = app.docx(&format!("/reports/{first}/report.docx")).await;
        for text in [
            "澜州市司法局文件",
            "澜司发〔2026〕8号签发人：林晓岚",
            "加急",
            "局属各单位：",
            "附件：1.名单2.说明",
            "2026年11月20日",
            "抄送：市委办公室。",
            "澜州市司法局办公室2026年11月21日印发",
            "参学4人次",
        ] {
            assert!(docx.contains(text), "{text}: {docx}");
        }
        assert_eq!(h.reports.report(first, &Scope::All).await.unwrap(), before);
        // The next number of the same word is proposed; a taken one is refused.
        let form = app.get(&format!("/reports/{second}/paper"), 200).await;
        assert!(form.contains("value=\"澜司发〔2026〕9号\""), "{form}");
        let taken = send(&app, second, "0", &paper("澜司发〔2026〕8号"), 422).await;
        assert!(
            taken.contains("下一个可用的是 澜司发〔2026〕9号"),
            "{taken}"
        );
        assert!(
            h.reports
                .papers(second, &Scope::All)
                .await
                .unwrap()
                .is_empty()
        );
        send(&app, second, "0", &paper("澜司发〔2027〕8号"), 303).await;
        // A second version; who typed over the first is told.
        let other = Paper {
            copies: String::new(),
            ..paper("澜司发〔2026〕8号")
        };
        send(&app, first, "1", &other, 303).await;
        send(&app, first, "1", &paper("澜司发〔2026〕8号"), 409).await;
        let versions = h.reports.papers(first, &Scope::All).await.unwrap();
        let kept: Vec<_> = versions
            .iter()
            .map(|v| (v.version, v.paper.copies.as_str()))
            .collect();
        assert_eq!(kept, [(2, ""), (1, "市委办公室")]);
        let page = app.get(&format!("/reports/{first}"), 200).await;
        assert!(
            page.contains("澜司发〔2026〕8号") && page.contains("名单；说明"),
            "{page}"
        );
        // Only those who may write, and within their scope.
        let reader = h.app(&t, Scope::All, false);
        reader.get(&format!("/reports/{first}/paper"), 404).await;
        let elsewhere = h.app(&t, Scope::Under(vec![h.b]), true);
        elsewhere.get(&format!("/reports/{first}/paper"), 404).await;
        send(&elsewhere, first, "2", &paper("澜司发〔2026〕10号"), 404).await;
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_a_number_at_once_one_gets_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.on_another(&t).await;
        let (first, second): (ReportId, ReportId) = (t.env.new_id(), t.env.new_id());
        for id in [first, second] {
            h.make(id, h.top).await;
        }
        let (paper, clerk) = (paper("澜司发〔2026〕1号"), h.clerk.into());
        let (a, b) = tokio::join!(
            h.reports.keep_paper(first, 0, &paper, &Scope::All, &clerk),
            other.keep_paper(second, 0, &paper, &Scope::All, &clerk)
        );
        let refused: Vec<Error> = [a, b].into_iter().filter_map(Result::err).collect();
        assert!(
            matches!(refused.as_slice(), [Error::Invalid(_)]),
            "{refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_table_is_taken_out_with_numbers_as_numbers() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: ReportId = t.env.new_id();
        h.make(id, h.a).await;
        let app = h.app(&t, Scope::All, false);
        let path = format!("/reports/{id}/report.xlsx");
        let cells = app.part(&path, "xl/worksheets/sheet1.xml").await;
        for number in ["<v>66.7</v>", "<v>6</v>", "<v>3</v>"] {
            assert!(cells.contains(number), "{number}: {cells}");
        }
        for text in ["学习覆盖率", "参学人数 ÷ 期末在册人数", "甲科"] {
            assert!(cells.contains(text), "{text}: {cells}");
        }
        assert!(audit(&t, "report.exported").await[0].contains("xlsx"));
        h.app(&t, Scope::Under(vec![h.b]), false)
            .get(&path, 404)
            .await;
    })
    .await;
}

#[tokio::test]
async fn what_is_doubtful_is_named_and_kept_only_with_a_reason() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = NewUnit {
            parent: None,
            code: "X".into(),
            name: "澜江县司法局".into(),
            category: "县局".into(),
            from: day(2024, 1, 1),
        };
        let other = h.org.add_unit(new, "", None, &Scope::All).await.unwrap();
        let app = h.app(&t, Scope::All, true);
        let id: ReportId = t.env.new_id();
        let (text, top) = (id.to_string(), h.top.to_string());
        let send = async |id: &str, unit: &str, reason: &str, status: u16| {
            let fields = [
                ("id", id),
                ("template", "doubtful"),
                ("unit", unit),
                ("period", "year"),
                ("at", "2026-11-20"),
                ("doubt-reason", reason),
            ];
            app.post("/reports", &fields, status).await
        };
        let refused = send(&text, &top, "", 422).await;
        for text in [
            "第 2 段出现了其他单位的名称“澜江县司法局”",
            "第 2 段的称谓“本院”与单位类别不符",
            "第 2 段的“12场”是模板里写死的数字",
            "写明确认无误的理由",
        ] {
            assert!(refused.contains(text), "{text}: {refused}");
        }
        send(&text, &top, "x", 422).await;
        app.get(&format!("/reports/{id}"), 404).await;
        send(&text, &top, "联合开展的学习", 303).await;
        let kept = audit(&t, "report.made").await;
        assert_eq!(kept.len(), 1);
        for text in ["联合开展的学习", "澜江县司法局", "本院", "12场"] {
            assert!(kept[0].contains(text), "{text}: {kept:?}");
        }
        // Its own name is no other unit's.
        let own = send(
            &t.env.new_id::<ReportId>().to_string(),
            &other.to_string(),
            "",
            422,
        )
        .await;
        assert!(!own.contains("出现了其他单位"), "{own}");
    })
    .await;
}

#[tokio::test]
async fn a_report_is_made_again_from_its_page() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: ReportId = t.env.new_id();
        h.make(id, h.b).await;
        let app = h.app(&t, Scope::All, true);
        let path = format!("/reports/{id}");
        assert!(!app.get(&path, 200).await.contains("再生成一份"));
        h.reverse_last(&t).await;
        let page = app.get(&path, 200).await;
        let link = "/reports/new?template=study-brief&unit=B&from=2026-01-01&to=2026-11-20";
        assert!(page.contains(link), "{page}");
        let form = app.get(link, 200).await;
        for text in [
            "value=\"B\"",
            "value=\"2026-11-20\"",
            "value=\"year\" selected",
        ] {
            assert!(form.contains(text), "{text}: {form}");
        }
    })
    .await;
}
