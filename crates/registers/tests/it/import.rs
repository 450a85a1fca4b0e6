//! Sheets in and out over HTTP: the template, faults with their cells, publication, exports that come in again.

use commons::sheets::{Limits, read};
use kernel::Scope;
use testkit::on_both;

use crate::house::{App, House, hidden, migrations};

const GOOD: &str = "标题,单位编码,日期,类型,数量（件）,耗时,情况,协办单位,办理人,办结日期,办结说明
土地纠纷,O1,2026-11-01,土地,3,12.5,河滩边界,O2,001（主办）、003,2026-11-10,已调解
邻里纠纷,O2,2026/11/2,,2,,,,,,
";

/// What the form of a preview sends.
fn publication(page: &str) -> Vec<(String, String)> {
    let fields = ["mode", "id", "sheet", "scan", "fine", "faulty"].iter();
    let pairs = fields.flat_map(|name| {
        let values = hidden(page, name).into_iter();
        values
            .map(|v| ((*name).to_owned(), v.replace("&#x2f;", "/")))
            .collect::<Vec<_>>()
    });
    pairs.collect()
}

async fn publish(
    app: &App,
    code: &str,
    fields: &[(String, String)],
    more: &[(&str, &str)],
) -> crate::house::Answer {
    let mut all: Vec<(&str, &str)> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    all.extend(more);
    app.post(&format!("/registers/{code}/import/publish"), &all)
        .await
}

#[tokio::test]
async fn a_sheet_comes_in_whole_and_its_export_is_known_again() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let template = app.get("/registers/disputes/import/template.xlsx").await;
        let sheet = read("t.xlsx", &template.bytes, &Limits::default()).unwrap();
        let heads: Vec<_> = sheet.cells().map(|c| c.text.to_owned()).collect();
        assert_eq!(heads[..5], ["标题", "单位编码", "日期", "类型", "件数"]);
        app.get("/registers/disputes/import").await.page(200);
        let page = app
            .upload("/registers/disputes/import", &[("a.csv", GOOD.as_bytes())])
            .await
            .page(200);
        assert!(page.contains("导入 2 行"), "{page}");
        assert_eq!(h.audited("register.imported").await, 0);
        let fields = publication(&page);
        publish(&app, "disputes", &fields, &[]).await.page(303);
        let again = publish(&app, "disputes", &fields, &[]).await;
        assert_eq!(
            again.status.as_u16(),
            409,
            "the sheet is gone: {}",
            again.text()
        );
        let list = app.get("/registers/disputes").await.page(200);
        assert!(
            list.contains("土地纠纷")
                && list.contains("邻里纠纷")
                && list.contains("2026-11-10 办结")
        );
        let mut tx = h.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM fact WHERE source = 'import'";
        let n: i64 = tx.one(sql, db::args![]).await.unwrap().get(0).unwrap();
        drop(tx);
        assert_eq!(n, 6, "two entries, a number, two people, a closing");
        // The export is what the import reads, and is known again.
        let book = app.get("/registers/disputes/export.xlsx").await;
        assert!(book.kind.contains("spreadsheetml"));
        let page = app
            .upload("/registers/disputes/import", &[("b.xlsx", &book.bytes)])
            .await
            .page(200);
        assert!(
            page.contains("已有相近条目") && !page.contains("错误</h2>"),
            "{page}"
        );
        let fields = publication(&page);
        publish(&app, "disputes", &fields, &[]).await.page(422);
        publish(&app, "disputes", &fields, &[("another", "on")])
            .await
            .page(303);
        let csv = app.get("/registers/disputes/export.csv").await;
        let text = csv.text();
        assert_eq!(
            text.lines().filter(|l| l.contains("土地纠纷")).count(),
            2,
            "{text}"
        );
        assert!(text.contains("001（主办）") && h.audited("registers.exported").await == 2);
        let stranger = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        assert!(
            !stranger
                .get("/registers/disputes/export.csv")
                .await
                .text()
                .contains("土地纠纷")
        );
    })
    .await;
}

#[tokio::test]
async fn faults_are_named_by_cell_and_the_rest_comes_in() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let sheet = "标题,单位编码,日期,类型,件数,办理人,办结日期
好的一行,O1,2026-11-01,土地,3,001,
,O1,2026-11-01,土地,3,,
坏单位,X1,2026-11-01,土地,3,,
坏日期,O1,昨天,土地,3,,
坏类型,O1,2026-11-01,外太空,3,,
坏数字,O1,2026-11-01,土地,很多,,
坏人员,O1,2026-11-01,土地,3,009,
坏办结,O1,2026-11-05,土地,3,,2026-11-01
好的一行,O1,2026-11-01,土地,3,,
=cmd(),O2,2026-11-03,家庭,1,,
";
        let page = app
            .upload("/registers/disputes/import", &[("a.csv", sheet.as_bytes())])
            .await
            .page(200);
        for cell in ["A3", "B4", "C5", "D6", "E7", "F8", "G9", "A10"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        assert!(page.contains("只导入正确的 2 行"), "{page}");
        let fields = publication(&page);
        // What was agreed to is what is done.
        let mut other = fields.clone();
        other
            .iter_mut()
            .filter(|(n, _)| n == "fine")
            .for_each(|(_, v)| *v = "3".into());
        publish(&app, "disputes", &other, &[]).await.page(422);
        publish(&app, "disputes", &fields, &[]).await.page(303);
        let list = app.get("/registers/disputes").await.page(200);
        assert_eq!(list.matches("class=\"ttl\"").count(), 2);
        // No table, no column, no sheet, no evidence.
        for (name, bytes, text) in [
            ("a.csv", &b""[..], "role=\"alert\""),
            ("a.csv", "甲,乙\n1,2\n".as_bytes(), "标题"),
            ("a.csv", "标题,日期\nx,2026-11-01\n".as_bytes(), "单位编码"),
            ("a.xlsx", &b"PK\x03\x04broken"[..], "role=\"alert\""),
            ("a.pdf", &b"%PDF"[..], "没有找到表格"),
        ] {
            let page = app
                .upload("/registers/disputes/import", &[(name, bytes)])
                .await
                .page(422);
            assert!(page.contains(text), "{name}: {page}");
        }
        let page = app
            .upload(
                "/registers/reports/import",
                &[("a.csv", "标题,单位编码,日期\nx,O1,2026-11-01\n".as_bytes())],
            )
            .await;
        assert!(page.page(422).contains("扫描件"));
    })
    .await;
}

#[tokio::test]
async fn totals_of_past_years_come_in_with_their_scan() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        let sheet = "单位编码,年份,数量,依据
O1,2023,48,2023 年度工作总结
O1,2024年,35,2024 年度工作总结
O2,明年,35,总结
O2,2026,35,总结
O2,2022,1.5,总结
";
        let path = "/registers/reports/import?mode=declared";
        app.get(path).await.page(200);
        app.upload(path, &[("a.csv", sheet.as_bytes())]).await.page(422);
        let files = [("a.csv", sheet.as_bytes()), ("总结.pdf", &b"%PDF scan"[..])];
        let page = app.upload(path, &files).await.page(200);
        for cell in ["B4", "B5", "C6"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        publish(&app, "reports", &publication(&page), &[]).await.page(303);
        let list = app.get("/registers/reports?declared=yes").await.page(200);
        assert!(list.contains("2023 年度工作总结") && list.contains("申报"), "{list}");
        let mut tx = h.db.read().await.unwrap();
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM fact WHERE source = 'declared' AND kind = 'entry'";
        let n: i64 = tx.one(sql, db::args![]).await.unwrap().get(0).unwrap();
        drop(tx);
        assert_eq!(n, 48 + 35);
        // By form: the same, with its own fields.
        let form = app.get("/registers/disputes/declare?unit=O1").await.page(200);
        assert!(form.contains("name=\"year\"") && !form.contains("name=\"v-story\""));
        let upload = app.lay_down("台账.pdf", b"%PDF book").await;
        let id = hidden(&form, "id")[0].clone();
        let fields = [("id", &*id), ("declared", "1"), ("unit", "O1"), ("year", "2023"), ("title", "2023 年度总结"), ("level", "internal")];
        let mut wrong = fields.to_vec();
        wrong.push(("count", "many"));
        let page = app.post("/registers/disputes/entries", &wrong).await.page(422);
        assert!(page.contains("请上传佐证"), "{page}");
        let mut good = fields.to_vec();
        good.extend([("count", "3500"), ("upload", &*upload)]);
        let done = app.post("/registers/disputes/entries", &good).await;
        done.page(303);
        let page = app.get(&done.to).await.page(200);
        assert!(page.contains("3500") && page.contains("申报"));
        // An export names it, and the import leaves it out.
        let book = app.get("/registers/disputes/export.xlsx").await;
        let page = app.upload("/registers/disputes/import", &[("b.xlsx", &book.bytes)]).await;
        assert!(page.text().contains("1 至 5000 行"), "{}", page.text());
    })
    .await;
}
