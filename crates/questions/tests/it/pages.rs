//! Pages over HTTP, as somebody with a scope sees them.

use kernel::Scope;
use questions::{READ, REVIEW, WRITE};
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, hidden, migrations, modules, numbered};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nsmall";

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = web::samples::problems(modules(&h, &t), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_question_is_written_mended_proposed_and_accepted_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let all = |account, grants: &[&'static str]| {
            let grants: Vec<(&str, Scope)> = grants
                .iter()
                .map(|p| (*p, Scope::Under(vec![h.bureau])))
                .collect();
            App::new(&h, &t, account, &grants)
        };
        let (writer, reviewer) = (
            all(h.writer, &[READ, WRITE]),
            all(h.reviewer, &[READ, REVIEW]),
        );
        let page = writer.get("/questions").await.page(200);
        assert!(page.contains("还没有题目"));
        for kind in questions::Kind::ALL {
            writer
                .get(&format!("/questions/new?kind={}", kind.code()))
                .await
                .page(200);
        }
        let form = writer.get("/questions/new?kind=multiple").await.page(200);
        let (id, bank) = (hidden(&form, "id"), h.bank.id.to_string());
        let fields = [
            ("id", &*id),
            ("bank", &*bank),
            ("kind", "multiple"),
            ("stem", "下列哪些属于<b>公开</b>的内容？"),
            ("option0", "机构职能"),
            ("option2", "办事流程"),
            ("option3", "个人住址"),
            ("right0", "on"),
            ("points", "行政法/公开"),
            ("difficulty", "2"),
            ("score", "1.5"),
        ];
        let page = writer.parts("/questions", &fields, &[]).await.page(422);
        assert!(page.contains("多项选择题只有一个答案"), "{page}");
        let mut right = fields.to_vec();
        right.push(("right2", "on"));
        let sent = writer
            .parts("/questions", &right, &[("picture", "图.png", PNG)])
            .await;
        let path = format!("/questions/{id}");
        assert_eq!(sent.led(), path);
        let page = writer.get(&path).await.page(200);
        assert!(page.contains("下列哪些属于&lt;b&gt;公开"), "{page}");
        assert!(page.contains("AB") && page.contains("行政法/公开") && page.contains("1.5"));
        let hash = commons::files::FileHash::of(PNG);
        let picture = writer.get(&format!("{path}/pictures/{hash}")).await;
        assert_eq!(
            (picture.status.as_u16(), picture.kind.as_str()),
            (200, "image/png")
        );
        assert_eq!(picture.bytes, PNG);
        writer
            .get(&format!(
                "{path}/pictures/{}",
                commons::files::FileHash::of(b"x")
            ))
            .await
            .page(404);
        let edit = writer.get(&format!("{path}/edit")).await.page(200);
        assert_eq!(hidden(&edit, "before"), "1");
        let mut changed = right.clone();
        changed.extend([
            ("before", "1"),
            ("explanation", "见条例"),
            ("note", "补解析"),
        ]);
        changed[3].1 = "下列哪些属于公开的内容？";
        writer.parts("/questions", &changed, &[]).await.led();
        let page = writer.get(&path).await.page(200);
        assert!(page.contains("<del>") && page.contains("见条例"));
        let pick = format!("{id}:2");
        let sent = writer
            .post("/questions/propose", &[("pick", &pick), ("back", &path)])
            .await;
        assert_eq!(sent.led(), path);
        writer
            .post("/questions/review", &[("pick", &pick), ("act", "accept")])
            .await
            .page(404);
        let page = reviewer
            .get("/questions?state=review&q=%E5%85%AC%E5%BC%80&point=%E8%A1%8C%E6%94%BF%E6%B3%95")
            .await
            .page(200);
        assert!(page.contains(&id), "{page}");
        reviewer
            .post("/questions/review", &[("pick", &pick), ("act", "return")])
            .await
            .page(409);
        reviewer
            .post(
                "/questions/review",
                &[("pick", &pick), ("act", "accept"), ("back", &path)],
            )
            .await
            .led();
        assert!(reviewer.get(&path).await.page(200).contains("使用中"));
        let stranger = App::new(
            &h,
            &t,
            h.reviewer,
            &[(READ, Scope::Under(vec![h.elsewhere]))],
        );
        stranger.get(&path).await.page(404);
        assert!(!stranger.get("/questions").await.page(200).contains(&id));
        stranger.get("/questions/new").await.page(404);
        assert!(
            reviewer
                .get("/questions/banks")
                .await
                .page(200)
                .contains("业务题库")
        );
        let found = format!("/search?q={}", web::encode("公开"));
        assert!(reviewer.get(&found).await.page(200).contains(&path));
        assert!(!stranger.get(&found).await.page(200).contains(&path));
        let sealed = questions::Bank {
            sealed: true,
            ..h.bank.clone()
        };
        h.questions
            .keep_bank(&sealed, &Scope::All, h.writer)
            .await
            .unwrap();
        assert!(
            !reviewer.get(&found).await.page(200).contains(&path),
            "a sealed stem is in no list"
        );
        let page = reviewer.get("/questions").await.page(200);
        assert!(page.contains("密封题目") && !page.contains("下列哪些属于"));
        let looks = h.audited("questions.looked").await;
        reviewer.get(&path).await.page(200);
        assert_eq!(h.audited("questions.looked").await, looks + 1);
    })
    .await;
}

#[tokio::test]
async fn a_paper_is_previewed_imported_and_its_faulty_question_mended() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let scope = Scope::Under(vec![h.bureau]);
        let app = App::new(&h, &t, h.writer, &[(READ, scope.clone()), (WRITE, scope.clone()), (REVIEW, scope)]);
        h.write(&t, &numbered(7)).await;
        let bank = h.bank.id.to_string();
        let paper = format!(
            "一、单选题\n1. 由谁受理（A）\nA. 甲 B. 乙\n2. 没有答案\nA. 甲 B. 乙\n3. {}\nA. {}\nB. {}\nC. {}\nD. {}\n答案：B\n",
            numbered(7).stem,
            numbered(7).options[0],
            numbered(7).options[1],
            numbered(7).options[2],
            numbered(7).options[3],
        );
        app.get("/questions/import").await.page(200);
        assert!(app.get("/questions/import/template/xlsx").await.bytes.starts_with(b"PK"));
        let fields = [("bank", &*bank)];
        let page = app.parts("/questions/import", &fields, &[("file", "空.txt", b"x")]).await.page(422);
        assert!(page.contains("没有读到试题"));
        app.parts("/questions/import", &fields, &[]).await.page(422);
        let files = [("file", "试卷.txt", paper.as_bytes())];
        let page = app.parts("/questions/import", &fields, &files).await.page(200);
        assert!(page.contains("没有标出正确选项") && page.contains("相同"), "{page}");
        let file = hidden(&page, "file");
        let publish = [("bank", &*bank), ("file", &*file), ("state", "in-use")];
        let sent = app.post("/questions/import/publish", &publish).await;
        assert_eq!(sent.led(), format!("/questions?bank={bank}&state=quarantined"));
        let page = app.get(sent.led()).await.page(200);
        assert!(page.contains("没有答案") && page.contains("待修正"));
        let (_, rest) = page.split_once("href=\"/questions/0").expect("a link to the question");
        let id = format!("0{}", rest.split('"').next().unwrap());
        let shown = app.get(&format!("/questions/{id}")).await.page(200);
        assert!(shown.contains("没有标出正确选项") && shown.contains("试卷.txt"));
        let form = app.get(&format!("/questions/{id}/edit")).await.page(200);
        assert!(form.contains("没有标出正确选项"));
        let mended = [
            ("id", &*id),
            ("bank", &*bank),
            ("kind", "single"),
            ("before", "1"),
            ("stem", "没有答案"),
            ("option0", "甲"),
            ("option1", "乙"),
            ("right", "1"),
        ];
        app.parts("/questions", &mended, &[]).await.led();
        let page = app.get("/questions?state=in-use").await.page(200);
        assert!(page.contains("由谁受理"));
        let sent = app.get("/questions/export?format=jsonl").await;
        assert_eq!((sent.status.as_u16(), sent.kind.as_str()), (200, "application/jsonl"));
        assert_eq!(sent.bytes.iter().filter(|b| **b == b'\n').count(), 3);
        let page = app.get("/questions/export?format=aiken").await.page(200);
        assert!(page.contains("难度没有导出"), "{page}");
        assert_eq!(app.get("/questions/export?format=aiken&anyway=1").await.status.as_u16(), 200);
        app.get("/questions/export?format=doc").await.page(404);
        let new = app.get("/questions/banks").await.page(200);
        let (id, unit) = (hidden(&new, "id"), h.bureau.to_string());
        app.post("/questions/banks", &[("id", &id), ("unit", &unit), ("name", ""), ("sealed", "on")]).await.page(422);
        app.post("/questions/banks", &[("id", &id), ("unit", &unit), ("name", "密封"), ("sealed", "on")]).await.led();
        assert_eq!(h.audited("questions.bank-kept").await, 2);
    })
    .await;
}
