//! Pages and API over HTTP, as people with scopes see them.

use kernel::{Id, Scope};
use ledger::{Fact, PlaceId};
use testkit::{TestDb, on_both, on_sqlite};

use crate::house::{App, House, hidden, migrations, modules};

/// The head of a PNG of 40 by 20 pixels.
const PNG: [u8; 33] = [
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 40, 0, 0, 0, 20, 8, 2,
    0, 0, 0, 0, 0, 0, 0,
];

fn writer(h: &House, t: &TestDb) -> App {
    let scope = Scope::Under(vec![h.offices[0]]);
    let grants = [bulletins::READ, bulletins::WRITE];
    App::new(h, t, h.clerk, &grants.map(|p| (p, scope.clone())))
}

fn reviewer(h: &House, t: &TestDb) -> App {
    let scope = Scope::Under(vec![h.bureau]);
    let grants = [bulletins::READ, bulletins::REVIEW];
    App::new(h, t, h.leader, &grants.map(|p| (p, scope.clone())))
}

/// Somebody of the other office who reads there.
fn reader(h: &House, t: &TestDb) -> App {
    let scope = Scope::Under(vec![h.offices[1]]);
    App::new(h, t, t.env.new_id(), &[(bulletins::READ, scope)])
}

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
async fn a_bulletin_goes_from_the_form_to_its_readers_and_onto_paper() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (writer, reviewer, reader) = (writer(&h, &t), reviewer(&h, &t), reader(&h, &t));
        assert!(
            writer
                .get("/bulletins")
                .await
                .page(200)
                .contains("还没有简报")
        );
        let page = writer
            .get("/bulletins/new?kind=work&unit=O1")
            .await
            .page(200);
        let id = hidden(&page, "id");
        let fields = |change: (&'static str, &'static str)| {
            let mut all = vec![
                ("kind", "work"),
                ("unit", "O1"),
                ("title", "办<b>学习班"),
                ("section", "news"),
                ("text", "第一段\n第二段"),
                ("level", "internal"),
                ("house", "on"),
                ("report-to", "市局"),
                ("issue-to", "各所"),
                ("act", "propose"),
            ];
            all.retain(|(n, _)| *n != change.0);
            all.push(change);
            all
        };
        let mut wrong = fields(("title", ""));
        wrong.push(("id", &id));
        let page = writer.parts("/bulletins", &wrong, &[]).await.page(422);
        assert!(
            page.contains("请填写标题") && page.contains("第二段"),
            "{page}"
        );
        // What is no picture is refused; words of secrecy are asked about.
        let mut fine = fields(("level", "internal"));
        fine.push(("id", &id));
        let page = writer
            .parts("/bulletins", &fine, &[("a.png", b"<svg/>")])
            .await
            .page(422);
        assert!(page.contains("不是 PNG 或 JPEG"), "{page}");
        let mut secret = fields(("text", "这是绝密"));
        secret.push(("id", &id));
        let page = writer.parts("/bulletins", &secret, &[]).await.page(422);
        assert!(
            page.contains("绝密") && page.contains("secrecy-confirmed"),
            "{page}"
        );
        let done = writer.parts("/bulletins", &fine, &[("a.png", &PNG)]).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let at = format!("/bulletins/{id}");
        assert!(done.to.starts_with(&at));
        // Until it is published nobody but those at the desk sees it.
        assert_eq!(reader.get(&at).await.status, 404);
        assert!(
            !reader
                .get("/bulletins?show=desk")
                .await
                .page(200)
                .contains("学习班")
        );
        let desk = reviewer
            .get("/bulletins?show=desk&state=proposed")
            .await
            .page(200);
        assert!(
            desk.contains("办&lt;b&gt;学习班") && desk.contains("待审核"),
            "{desk}"
        );
        let page = reviewer.get(&at).await.page(200);
        assert!(
            page.contains("首期期号") && page.contains("单位O1工作简报"),
            "{page}"
        );
        assert_eq!(
            writer
                .post(
                    &format!("{at}/review"),
                    &[("act", "publish"), ("version", "1")]
                )
                .await
                .status,
            404
        );
        let page = reviewer
            .post(
                &format!("{at}/review"),
                &[("act", "return"), ("version", "1")],
            )
            .await
            .page(422);
        assert!(page.contains("请填写理由"), "{page}");
        let done = reviewer
            .post(
                &format!("{at}/review"),
                &[("act", "publish"), ("version", "1"), ("first", "38")],
            )
            .await;
        assert_eq!(done.status, 303, "{}", done.text());
        // Open to the house it is read by others, with its picture and as a file.
        let page = reader.get(&at).await.page(200);
        assert!(
            page.contains("第38期") && page.contains("【工作动态】") && page.contains("报：市局"),
            "{page}"
        );
        assert!(!page.contains("提交审核"), "the desk is not the reader's");
        let picture = page
            .split_once("/pictures/")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned();
        let picture = reader.get(&format!("{at}/pictures/{picture}")).await;
        assert_eq!(
            (picture.kind.as_str(), picture.bytes.as_slice()),
            ("image/png", &PNG[..])
        );
        assert_eq!(
            reader
                .get(&format!("{at}/pictures/{}", "0".repeat(64)))
                .await
                .status,
            404
        );
        let docx = reader.get(&format!("{at}/bulletin.docx")).await;
        assert!(docx.bytes.starts_with(b"PK"), "{}", docx.text());
        assert_eq!(h.audited("bulletin.exported").await, 1);
        let list = reader
            .get("/bulletins?kind=work&q=%E5%AD%A6%E4%B9%A0")
            .await
            .page(200);
        assert!(
            list.contains("第38期") && list.contains("全系统可读"),
            "{list}"
        );
        assert!(
            reader
                .get("/bulletins/list.xlsx")
                .await
                .bytes
                .starts_with(b"PK")
        );
        let found = reader
            .get("/search?q=%E5%AD%A6%E4%B9%A0%E7%8F%AD")
            .await
            .page(200);
        assert!(found.contains(&at), "{found}");
        let json: serde_json::Value =
            serde_json::from_slice(&reader.get("/api/v1/bulletins").await.bytes).unwrap();
        assert_eq!(
            (json["total"].as_i64(), json["items"][0]["issue"].as_i64()),
            (Some(1), Some(38))
        );
        let json: serde_json::Value =
            serde_json::from_slice(&reader.get(&format!("/api/v1{at}")).await.bytes).unwrap();
        assert_eq!(json["paragraphs"][1], "第二段");
        // Withdrawn, its text is there for those who answer for it only.
        let path = format!("{at}/withdrawal");
        let page = reviewer
            .post(&path, &[("reason", "数字有误"), ("confirm", "")])
            .await
            .page(422);
        assert!(page.contains("请输入“撤回”"), "{page}");
        let done = reviewer
            .post(&path, &[("reason", "数字有误"), ("confirm", "撤回")])
            .await;
        assert_eq!(done.status, 303, "{}", done.text());
        assert_eq!(
            reader.get(&at).await.status,
            404,
            "out of its scope it is gone"
        );
        let page = reviewer.get(&at).await.page(200);
        assert!(
            page.contains("第二段") && page.contains("数字有误"),
            "{page}"
        );
        let only = App::new(
            &h,
            &t,
            t.env.new_id(),
            &[(bulletins::READ, Scope::Under(vec![h.offices[0]]))],
        );
        let page = only.get(&at).await.page(200);
        assert!(
            page.contains("不再提供正文") && !page.contains("第二段"),
            "{page}"
        );
        assert_eq!(only.get(&format!("{at}/bulletin.docx")).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn what_was_held_begins_a_bulletin() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let writer = writer(&h, &t);
        let hold = async |unit: usize| -> Id {
            let (subject, today) = (t.env.new_id::<Id>(), t.env.today());
            let path = [h.bureau, h.offices[unit]];
            let fact = |kind: &str| {
                Fact::new(
                    t.env.new_id(),
                    kind,
                    PlaceId::of(&path),
                    today,
                    subject,
                    "roster",
                    t.env.now(),
                )
            };
            let mut part = fact("attendance");
            part.role = Some("present".into());
            db::transaction!(h.db, |tx| {
                h.ledger.place(tx, &path).await?;
                h.ledger.append(tx, &[fact("held"), part.clone()]).await
            })
            .unwrap();
            subject
        };
        let (own, others) = (hold(0).await, hold(1).await);
        let page = writer
            .get("/bulletins/new?kind=work&unit=O1")
            .await
            .page(200);
        assert!(
            page.contains(&own.to_string()) && page.contains("周五学习"),
            "{page}"
        );
        let page = writer
            .get(&format!("/bulletins/new?kind=work&about={own}"))
            .await
            .page(200);
        assert!(
            page.contains("单位O1开展周五学习") && page.contains("1人参加"),
            "{page}"
        );
        assert_eq!(
            writer
                .get(&format!("/bulletins/new?about={others}"))
                .await
                .status,
            404
        );
        let id = hidden(&page, "id");
        let fields = [
            ("id", &*id),
            ("kind", "work"),
            ("unit", "O1"),
            ("title", "学习"),
            ("section", "news"),
            ("text", "x"),
            ("about", &own.to_string()),
            ("act", "save"),
        ];
        assert_eq!(
            writer
                .parts("/bulletins", &fields, &[("a.png", &PNG)])
                .await
                .status,
            303
        );
        let at = format!("/bulletins/{id}");
        let page = writer.get(&at).await.page(200);
        assert!(
            page.contains(&format!("/activities/{own}")) && page.contains("草稿"),
            "{page}"
        );
        // Changed, its picture goes only when it is not kept.
        let page = writer.get(&format!("{at}/edit")).await.page(200);
        let keep = hidden(&page, "keep");
        let change = |more: &'static str| {
            vec![
                ("version", more),
                ("title", "学习二"),
                ("section", "news"),
                ("text", "y"),
                ("act", "save"),
            ]
        };
        let mut kept = change("1");
        kept.push(("keep", &keep));
        assert_eq!(writer.parts(&at, &kept, &[]).await.status, 303);
        assert!(writer.get(&at).await.page(200).contains("/pictures/"));
        assert_eq!(writer.parts(&at, &change("2"), &[]).await.status, 303);
        let page = writer.get(&at).await.page(200);
        assert!(
            !page.contains("/pictures/") && page.contains("以前的版本（2）"),
            "{page}"
        );
        let turned = writer
            .post(
                &format!("{at}/turn"),
                &[("act", "propose"), ("version", "3")],
            )
            .await;
        assert_eq!(turned.status, 303);
        assert_eq!(
            writer.get(&format!("{at}/edit")).await.status,
            303,
            "what is handed in is not edited"
        );
        assert_eq!(
            writer
                .post(
                    &format!("{at}/turn"),
                    &[("act", "recall"), ("version", "3")]
                )
                .await
                .status,
            303
        );
        assert_eq!(
            writer
                .post(
                    &format!("{at}/turn"),
                    &[("act", "discard"), ("version", "3")]
                )
                .await
                .status,
            303
        );
        assert_eq!(writer.get(&at).await.status, 404);
    })
    .await;
}
