//! Examinations made, changed, published, called off; papers drawn and sealed; over services and HTTP.

use exams::{Details, Terms};
use kernel::{Id, Scope};
use questions::Kind;
use testkit::{on_both, on_sqlite};

use crate::office::{App, Bureau, PACK, hidden, kinds, migrations, modules, refused};

#[tokio::test]
async fn every_template_renders_in_every_language() {
    on_sqlite(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let problems = web::samples::problems(modules(&b, &t), &t.env);
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
}

#[test]
fn kinds_of_packs_are_read_and_faults_named_with_their_line() {
    assert_eq!(
        kinds(PACK).unwrap().name("quarterly-test", "zh-CN"),
        "季度测试"
    );
    let twice = format!(
        "{PACK}\n[[exam-kind]]\ncode = \"quarterly-test\"\nname = {{ zh = \"x\", en = \"x\" }}\n"
    );
    assert!(kinds(&twice).unwrap_err()[0].ends_with("exam-kind-twice"));
    assert!(
        kinds(&PACK.replace("quarterly-test", "Quarterly")).unwrap_err()[0]
            .ends_with("exam-kind-code")
    );
}

#[tokio::test]
async fn a_draft_changes_and_what_is_published_never_does() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let (office, clerk) = (&b.office, b.clerk);
        let terms = b.terms(&t);
        let id: Id = t.env.new_id();
        let wrong = Terms {
            kind: "festival".into(),
            title: " ".into(),
            attempts: 0,
            ..terms.clone()
        };
        let about = Details::default();
        let told = refused(office.make(id, &wrong, &about, &Scope::All, clerk).await);
        assert_eq!(
            told.iter().map(|(f, _)| f.as_str()).collect::<Vec<_>>(),
            ["kind", "title", "attempts"]
        );
        assert_eq!(b.audited(&t, "exam.made").await, 0, "nothing half done");
        office
            .make(id, &terms, &about, &Scope::All, clerk)
            .await
            .unwrap();
        office
            .make(id, &terms, &about, &Scope::All, clerk)
            .await
            .unwrap();
        assert_eq!(
            b.audited(&t, "exam.made").await,
            1,
            "sent twice it is made once"
        );
        let elsewhere = Scope::Under(vec![b.offices[0]]);
        assert_eq!(refused(office.held(id, &elsewhere).await)[0].1, "not-found");
        // A paper, and a pass mark that it does not reach.
        assert_eq!(
            refused(office.publish(id, 1, &Scope::All, clerk).await),
            [("sections".into(), "exam-paper-size")]
        );
        b.stock(&t, 3, Kind::Single, "刑法", 2).await;
        draw(&b, &t, id, "业务题库：刑法", "3").await;
        let version = office.held(id, &Scope::All).await.unwrap().version;
        let high = Terms {
            pass: Some(7_000),
            ..terms.clone()
        };
        let change = (&high, &about);
        office
            .change(id, version, change, &Scope::All, clerk)
            .await
            .unwrap();
        let stale = office.change(id, version, change, &Scope::All, clerk).await;
        assert_eq!(refused(stale)[0].1, "exam-changed-meanwhile");
        let version = version + 1;
        assert_eq!(
            refused(office.publish(id, version, &Scope::All, clerk).await),
            [("pass".into(), "exam-pass")]
        );
        let fine = (&terms, &about);
        office
            .change(id, version, fine, &Scope::All, clerk)
            .await
            .unwrap();
        let version = version + 1;
        office
            .publish(id, version, &Scope::All, clerk)
            .await
            .unwrap();
        let again = office.publish(id, version + 1, &Scope::All, clerk).await;
        assert_eq!(refused(again)[0].1, "exam-changed-meanwhile");
        let late = office
            .change(id, version + 1, fine, &Scope::All, clerk)
            .await;
        assert_eq!(refused(late)[0].1, "exam-changed-meanwhile");
        assert_eq!(b.audited(&t, "exam.changed").await, 2);
        assert_eq!(b.audited(&t, "exam.published").await, 1);
        let off = office
            .call_off(id, version + 1, " ", &Scope::All, clerk)
            .await;
        assert_eq!(refused(off), [("reason".into(), "exam-reason")]);
        office
            .call_off(id, version + 1, "停电", &Scope::All, clerk)
            .await
            .unwrap();
        assert_eq!(b.audited(&t, "exam.cancelled").await, 1);
    })
    .await;
}

/// Draws the paper of a draft over HTTP.
pub async fn draw(b: &Bureau, t: &testkit::TestDb, id: Id, point: &str, count: &str) {
    let version = b
        .office
        .held(id, &Scope::All)
        .await
        .unwrap()
        .version
        .to_string();
    let fields = [
        ("version", version.as_str()),
        ("kind", "single"),
        ("point", point),
        ("difficulty", ""),
        ("count", count),
        ("each", "2"),
        ("pool", ""),
        ("rule", "exact"),
        ("act", "draw"),
    ];
    let app = App::officer(b, t);
    let done = app.post(&format!("/exams/{id}/blueprint"), &fields).await;
    assert_eq!(done.status, 303, "{}", done.text());
}

#[tokio::test]
async fn an_examination_goes_from_the_form_to_its_publication() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        assert!(app.get("/exams").await.page(200).contains("还没有考试"));
        let page = app.get("/exams/new").await.page(200);
        let id = hidden(&page, "id");
        let day = kernel::format_date(t.env.today().tomorrow().unwrap());
        let (opens, closes) = (format!("{day}T09:00"), format!("{day}T11:00"));
        let mut fields = vec![
            ("id", id.as_str()),
            ("unit", "B"),
            ("title", "第三季度<b>测试"),
            ("kind", "quarterly-test"),
            ("notice", "诚信应考\n独立作答"),
            ("opens", ""),
            ("closes", &closes),
            ("minutes", "90"),
            ("grace", "60"),
            ("late", ""),
            ("attempts", "2"),
            ("takes", "last"),
            ("pass", "4.5"),
            ("shows", "by-hand"),
            ("level", "internal"),
        ];
        let page = app.post("/exams", &fields).await.page(422);
        assert!(
            page.contains("请填写日期和时间") && page.contains("独立作答"),
            "{page}"
        );
        fields[5] = ("opens", &opens);
        let done = app.post("/exams", &fields).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let at = format!("/exams/{id}");
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("第三季度&lt;b&gt;测试")
                && page.contains("取最后一次")
                && page.contains("4.5"),
            "{page}"
        );
        let form = app.get(&format!("{at}/edit")).await.page(200);
        assert!(
            form.contains(&format!("value=\"{opens}\"")) && form.contains("value=\"90\""),
            "{form}"
        );
        fields.push(("version", "1"));
        fields[2] = ("title", "第四季度测试");
        assert_eq!(app.post(&at, &fields).await.status, 303);
        // Who reads elsewhere finds nothing; who reads here makes nothing.
        let reader = App::new(
            &b,
            &t,
            t.env.new_id(),
            &[(exams::READ, Scope::Under(vec![b.bureau]))],
        );
        assert!(reader.get(&at).await.page(200).contains("第四季度测试"));
        assert_eq!(reader.get("/exams/new").await.status, 404);
        assert_eq!(reader.get(&format!("{at}/paper")).await.status, 404);
        let other = App::new(
            &b,
            &t,
            t.env.new_id(),
            &[(exams::READ, Scope::Under(vec![b.offices[0]]))],
        );
        assert_eq!(other.get(&at).await.status, 404);
        assert!(!other.get("/exams").await.page(200).contains("第四季度"));
        // Nothing to publish yet.
        let page = app
            .post(&format!("{at}/publication"), &[("version", "2")])
            .await
            .page(422);
        assert!(page.contains("试卷至少一道"), "{page}");
        b.stock(&t, 4, Kind::Single, "刑法/总则", 2).await;
        draw(&b, &t, id.parse().unwrap(), "业务题库：刑法", "3").await;
        assert_eq!(
            app.post(&format!("{at}/publication"), &[("version", "3")])
                .await
                .status,
            303
        );
        let list = app
            .get("/exams?state=coming&q=季度&unit=B&kind=quarterly-test")
            .await
            .page(200);
        assert!(
            list.contains("第四季度测试") && list.contains("待开考"),
            "{list}"
        );
        assert!(
            !app.get("/exams?state=draft")
                .await
                .page(200)
                .contains("第四季度")
        );
        let sheet = app.get("/exams/list.xlsx").await;
        assert_eq!(sheet.status, 200);
        assert!(sheet.bytes.starts_with(b"PK"));
        let off = app
            .post(
                &format!("{at}/cancellation"),
                &[("version", "4"), ("reason", "停电"), ("confirm", "x")],
            )
            .await;
        assert_eq!(off.status, 422);
        let off = app
            .post(
                &format!("{at}/cancellation"),
                &[("version", "4"), ("reason", "停电"), ("confirm", "取消")],
            )
            .await;
        assert_eq!(off.status, 303);
        assert!(app.get(&at).await.page(200).contains("已取消"));
    })
    .await;
}

#[tokio::test]
async fn a_published_paper_is_sealed_and_every_look_is_traced() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = b.draft(&t).await;
        b.stock(&t, 3, Kind::Single, "刑法", 2).await;
        draw(&b, &t, id, "业务题库：刑法", "3").await;
        let stored = async || -> (String, bool) {
            let mut tx = t.db.read().await.unwrap();
            let sql = "SELECT p.content, p.sealed IS NOT NULL FROM exam_paper p JOIN exam e ON e.paper = p.id WHERE e.id = $1";
            let row = tx.one(sql, db::args![id]).await.unwrap();
            (row.get(0).unwrap(), row.get(1).unwrap())
        };
        assert_eq!(stored().await, (String::new(), true), "a draft is sealed too");
        app.get(&format!("/exams/{id}/paper")).await.page(200);
        assert_eq!(b.audited(&t, "exam.paper-seen").await, 0, "a draft is worked on");
        b.office.publish(id, 2, &Scope::All, b.clerk).await.unwrap();
        assert_eq!(stored().await, (String::new(), true));
        for (at, what) in [("paper", "固定并密封"), ("paper/preview", "甲说"), ("print/questions", "甲说"), ("print/key", "B"), ("print/answers", "[ A ]")] {
            let page = app.get(&format!("/exams/{id}/{at}")).await.page(200);
            assert!(page.contains(what), "{at}: {page}");
        }
        assert_eq!(b.audited(&t, "exam.paper-seen").await, 5);
        // It is sat all the same, opened once and kept in memory.
        let names = ["钱一".to_owned()];
        let issued = b.exams.issue(id, &names, &Scope::All, b.clerk).await.unwrap();
        t.clock.advance(3_601);
        let ticket = exams::Proof::Ticket(issued[0].ticket.clone());
        let begun = b.exams.begin(id, &ticket, "").await.unwrap();
        assert_eq!(begun.items.len(), 3);
        // Another node without the keys does not hand it out.
        let bare = exams::Exams::new(t.db.clone(), t.env.clone(), b.org.clone());
        assert!(bare.begin(id, &ticket, "").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_blueprint_is_drawn_or_every_row_says_what_it_lacks() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = b.draft(&t).await;
        b.stock(&t, 9, Kind::Single, "刑法/总则", 2).await;
        b.stock(&t, 4, Kind::Judgement, "刑法/总则", 3).await;
        b.stock(&t, 4, Kind::Multiple, "民法", 5).await;
        let at = format!("/exams/{id}/blueprint");
        let post = async |rows: &[[&str; 7]], act: &str| {
            let version = b
                .office
                .held(id, &Scope::All)
                .await
                .unwrap()
                .version
                .to_string();
            let mut fields = vec![("version", version.as_str()), ("act", act)];
            for row in rows {
                for (name, value) in [
                    "kind",
                    "point",
                    "difficulty",
                    "count",
                    "each",
                    "pool",
                    "rule",
                ]
                .iter()
                .zip(row)
                {
                    fields.push((name, value));
                }
            }
            app.post(&at, &fields).await
        };
        let single = ["single", "业务题库：刑法", "1-3", "12", "2", "", "exact"];
        // The judgements are wanted twice, by the point and by the one above it.
        let one = ["judgement", "业务题库：刑法", "", "3", "1", "", "exact"];
        let two = [
            "judgement",
            "业务题库：刑法/总则",
            "",
            "3",
            "1",
            "",
            "exact",
        ];
        let page = post(&[single, one, two], "draw").await.page(422);
        assert!(page.contains("第 1 行需要 12 道，题库有 9 道"), "{page}");
        assert!(
            page.contains("第 2、3 行要选同样的试题，合计需要 6 道，合起来只有 4 道"),
            "{page}"
        );
        let page = post(&[["essay", "没有", "9", "x", "0", "", ""]], "draw")
            .await
            .page(422);
        assert!(page.contains("第 1 行：请从列表中选择知识点"), "{page}");
        let count = post(&[single], "count").await.page(200);
        assert!(count.contains(">9</td>"), "{count}");
        let fits = ["single", "业务题库：刑法", "1-3", "6", "2", "", "exact"];
        let pool = ["multiple", "业务题库", "", "2", "4", "4", "half"];
        assert_eq!(
            post(
                &[
                    fits,
                    ["judgement", "业务题库", "", "4", "1", "", "exact"],
                    pool
                ],
                "draw"
            )
            .await
            .status,
            303
        );
        let page = app.get(&format!("/exams/{id}/paper")).await.page(200);
        assert!(
            page.contains("12 道，共 24 分") && page.contains("每人抽 2 道（题池 4 道）"),
            "{page}"
        );
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("value=\"业务题库：刑法\"") && page.contains("value=\"1,2,3\""),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_alike_or_was_met_lately_is_not_drawn_and_twins_share_nothing() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let ids = b.stock(&t, 4, Kind::Single, "刑法", 2).await;
        b.stock(&t, 4, Kind::Single, "刑法", 4).await;
        // Another one with the same stem: one paper holds only one of them.
        let version = b
            .questions
            .in_use(&ids[..1])
            .await
            .unwrap()
            .remove(&ids[0])
            .unwrap();
        let mut twin = version.question.clone();
        twin.options = ["另甲", "另乙", "另丙", "另丁"].map(str::to_owned).into();
        b.question(&t, &twin).await;
        let id = b.draft(&t).await;
        draw(&b, &t, id, "业务题库：刑法", "8").await;
        let used = async |id: Id| -> Vec<Id> {
            let (_, paper) = b
                .office
                .look(id, "paper", &Scope::All, b.clerk)
                .await
                .unwrap();
            let items = paper.sections.iter().flat_map(|s| &s.items);
            items.filter_map(|i| i.from.map(|(id, _)| id)).collect()
        };
        assert_eq!(b.questions.alike(&used(id).await).await.unwrap(), []);
        let app = App::officer(&b, &t);
        let row = |count, act, papers| {
            [
                ("kind", "single"),
                ("point", "业务题库：刑法"),
                ("difficulty", ""),
                ("count", count),
                ("each", "2"),
                ("pool", ""),
                ("rule", "exact"),
                ("papers", papers),
                ("act", act),
            ]
        };
        let with = |version: &'static str, row: [(&'static str, &'static str); 9]| {
            [&[("version", version)][..], &row[..]].concat()
        };
        let at = format!("/exams/{id}/blueprint");
        let page = app
            .post(&at, &with("2", row("9", "draw", "")))
            .await
            .page(422);
        assert!(page.contains("除去近期用过的和雷同的只有 8 道"), "{page}");
        // Two papers that are as hard and share nothing.
        let done = app.post(&at, &with("2", row("4", "twins", ""))).await;
        assert_eq!(done.status, 303, "{}", done.text());
        let twin: Id = done.to.strip_prefix("/exams/").unwrap().parse().unwrap();
        let (one, two) = (used(id).await, used(twin).await);
        assert_eq!((one.len(), two.len()), (4, 4));
        assert!(one.iter().all(|q| !two.contains(q)));
        let hard = async |ids: &[Id]| -> i64 {
            let all = b.questions.in_use(ids).await.unwrap();
            all.values()
                .map(|v| i64::from(v.question.difficulty.unwrap()))
                .sum()
        };
        assert!((hard(&one).await - hard(&two).await).abs() <= 2);
        assert!(
            app.get(&format!("/exams/{twin}"))
                .await
                .page(200)
                .contains("（B卷）")
        );
        // What the last paper used is left out; so is what somebody on the list met.
        b.office.publish(id, 3, &Scope::All, b.clerk).await.unwrap();
        let next = b.draft(&t).await;
        let at = format!("/exams/{next}/blueprint");
        let page = app
            .post(&at, &with("1", row("6", "draw", "1")))
            .await
            .page(422);
        assert!(page.contains("第 1 行需要 6 道，题库有 9 道"), "{page}");
        assert_eq!(
            app.post(&at, &with("1", row("4", "draw", "1")))
                .await
                .status,
            303
        );
        let fresh = used(next).await;
        assert!(fresh.iter().all(|q| !one.contains(q)));
        let met = [(b.people[0], b.offices[0])];
        b.exams.admit(id, &met, &Scope::All, b.clerk).await.unwrap();
        b.exams
            .admit(next, &met, &Scope::All, b.clerk)
            .await
            .unwrap();
        let mut fields = with("2", row("6", "draw", ""));
        fields.push(("months", "6"));
        let page = app.post(&at, &fields).await.page(422);
        assert!(page.contains("第 1 行需要 6 道"), "{page}");
        t.clock.advance(200 * 86_400);
        assert_eq!(app.post(&at, &fields).await.status, 303, "long ago");
    })
    .await;
}

#[tokio::test]
async fn a_paper_is_picked_by_hand() {
    on_both(&migrations(), async |t| {
        let b = Bureau::new(&t).await;
        let app = App::officer(&b, &t);
        let id = b.draft(&t).await;
        let ids = b.stock(&t, 3, Kind::Single, "刑法", 2).await;
        let judged = b.stock(&t, 1, Kind::Judgement, "民法", 1).await;
        let at = format!("/exams/{id}/paper");
        let page = app
            .get(&format!("{at}?kind=single&point=刑法"))
            .await
            .page(200);
        assert!(
            page.contains(&ids[0].to_string()) && !page.contains(&judged[0].to_string()),
            "{page}"
        );
        let [a, c, d] = [ids[0], ids[1], judged[0]].map(|id| id.to_string());
        let none = app
            .post(&at, &[("version", "1"), ("act", "add"), ("points", "2")])
            .await
            .page(422);
        assert!(none.contains("请先勾选试题"));
        let add = [
            ("version", "1"),
            ("act", "add"),
            ("points", "2.5"),
            ("rule", "exact"),
            ("pick", a.as_str()),
            ("pick", &c),
            ("pick", &d),
        ];
        assert_eq!(app.post(&at, &add).await.status, 303);
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("一、单项选择题")
                && page.contains("二、判断题")
                && page.contains("3 道，共 7.5 分"),
            "{page}"
        );
        // On it already, once; nothing of a bank that one may not see.
        let stranger = App::new(
            &b,
            &t,
            b.clerk,
            &[(exams::WRITE, Scope::Under(vec![b.bureau]))],
        );
        let third = ids[2].to_string();
        let hidden_bank = [
            ("version", "2"),
            ("act", "add"),
            ("points", "2"),
            ("pick", third.as_str()),
        ];
        assert_eq!(stranger.post(&at, &hidden_bank).await.status, 404);
        let section = [
            ("version", "2"),
            ("act", "section"),
            ("section", "0"),
            ("title", "选择题"),
            ("of", "1"),
            ("points", "3"),
            ("rule", "half"),
        ];
        assert_eq!(app.post(&at, &section).await.status, 303);
        let page = app.get(&at).await.page(200);
        assert!(page.contains("每人抽 1 道（题池 2 道），共 3 分"), "{page}");
        for (version, fields) in [
            ("3", vec![("act", "up"), ("section", "1")]),
            ("4", vec![("act", "switches"), ("mixed", "on")]),
            ("5", vec![("act", "remove"), ("item", "1")]),
        ] {
            let fields = [vec![("version", version)], fields].concat();
            assert_eq!(app.post(&at, &fields).await.status, 303);
        }
        let (_, paper) = b
            .office
            .look(id, "paper", &Scope::All, b.clerk)
            .await
            .unwrap();
        assert_eq!(
            (paper.sections.len(), paper.mixed, paper.mixed_options),
            (1, true, false)
        );
        assert_eq!(b.audited(&t, "exam.paper-changed").await, 5);
        let stale = app.post(&at, &[("version", "2"), ("act", "clear")]).await;
        assert_eq!(stale.status, 409);
    })
    .await;
}
