//! Pages, import and API over HTTP, as somebody with a scope sees them and as oneself.

use kernel::{Date, Id, Scope};
use serde_json::Value;
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, day, hidden, migrations, modules, scan};

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
async fn one_enters_ones_own_and_another_reviews_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let me = h.person("001").await;
        h.set("001", "level", "township", Date::constant(2020, 1, 1))
            .await;
        let own = App::oneself(&h, &t, me);
        let page = own.get("/hours/mine").await.page(200);
        assert!(
            page.contains("每年 90 学时")
                && page.contains("还没有学时")
                && page.contains("/hours/records/new")
        );
        own.get("/hours").await.page(404);
        own.get("/hours/review").await.page(404);
        own.get("/hours/import").await.page(404);
        own.get(&format!("/hours/people/{me}")).await.page(404);
        let form = own.get("/hours/records/new").await.page(200);
        assert!(
            form.contains("林晓岚")
                && form.contains("网络学习平台")
                && !form.contains("单位组织的培训")
        );
        let id = t.env.new_id::<Id>().to_string();
        let upload = own.lay_down("结业证.pdf", b"%PDF one").await;
        let fields = |change: &[(&'static str, &'static str)]| {
            let mut all = vec![
                ("title", "全省司法所长培训班"),
                ("organiser", "省委党校"),
                ("way", "upper-class"),
                ("content", "professional"),
                ("from", "2026-05-11"),
                ("to", "2026-05-13"),
                ("hours", "22.5"),
                ("days", "3"),
            ];
            all.retain(|(n, _)| !change.iter().any(|(c, _)| c == n));
            all.extend(change);
            all
        };
        // What is wrong stands beside its field, and typing is kept.
        for (change, text) in [
            (("hours", "许多"), "请填写数字"),
            (("way", ""), "请选择学习途径"),
            (("title", ""), "请填写"),
            (("person", "002"), "没有这个工号"),
        ] {
            let mut wrong = fields(&[change]);
            wrong.push(("id", &id));
            let page = own.post("/hours/records", &wrong).await.page(422);
            assert!(page.contains(text) && page.contains("省委党校"), "{text}");
        }
        let mut sent = fields(&[]);
        sent.extend([("id", &*id), ("upload", &*upload)]);
        let done = own.post("/hours/records", &sent).await;
        done.page(303);
        let at = done.to.clone();
        assert!(at.starts_with("/hours/records/"), "{at}");
        let page = own.get(&at).await.page(200);
        for text in [
            "全省司法所长培训班",
            "待审核",
            "22.5",
            "上级调训",
            "结业证.pdf",
            "登记",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("name=\"pick\""), "nobody reviews their own");
        let sha256 = commons::files::FileHash::of(b"%PDF one").to_string();
        assert_eq!(
            own.get(&format!("{at}/files/{sha256}")).await.bytes,
            b"%PDF one"
        );
        own.get(&format!("{at}/files/{}", scan("x").sha256))
            .await
            .page(404);
        // Others out of scope see nothing of it.
        let stranger = App::oneself(&h, &t, h.person("002").await);
        stranger.get(&at).await.page(404);
        App::all(&h, &t, Scope::Under(vec![h.elsewhere]))
            .get(&at)
            .await
            .page(404);
        // Somebody else accepts fewer hours.
        let officer = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let queue = officer.get("/hours/review").await.page(200);
        assert!(queue.contains("全省司法所长培训班") && queue.contains("甲某"));
        let pick = format!("{}.1", at.rsplit('/').next().unwrap());
        let page = officer.get(&at).await.page(200);
        assert!(page.contains(&pick));
        let refused = officer
            .post(
                "/hours/review",
                &[
                    ("pick", &pick),
                    ("act", "recognise"),
                    ("hours", "30"),
                    ("days", "0"),
                ],
            )
            .await;
        assert!(refused.page(422).contains("不超过申报数"));
        officer
            .post(
                "/hours/review",
                &[("pick", &pick), ("act", "return"), ("reason", "")],
            )
            .await
            .page(422);
        let done = officer
            .post(
                "/hours/review",
                &[
                    ("pick", &pick),
                    ("act", "recognise"),
                    ("hours", "20"),
                    ("days", "2.5"),
                ],
            )
            .await;
        assert!(done.page(200).contains("通过 1 条"));
        let page = own.get("/hours/mine").await.page(200);
        assert!(
            page.contains("全省司法所长培训班") && page.contains("合计 20 学时，2.5 天"),
            "{page}"
        );
        // Each number opens its rows, of that requirement and of a year before.
        let page = own.get("/hours/mine?of=year-90").await.page(200);
        assert!(page.contains("全部明细") && page.contains("合计 20 学时"));
        let page = own.get("/hours/mine?year=2025").await.page(200);
        assert!(page.contains("未完成") && page.contains("合计 0 学时"));
        // Corrected with a reason; what was recognised counts until then.
        own.get(&format!("{at}/edit")).await.page(200);
        let kept = hidden(&own.get(&format!("{at}/edit")).await.page(200), "keep");
        let mut change = fields(&[("hours", "23")]);
        change.extend([("version", "1"), ("keep", &*kept[0])]);
        own.post(&at, &change).await.page(422);
        change.push(("reason", "证书更正"));
        own.post(&at, &change).await.page(303);
        let page = own.get(&at).await.page(200);
        assert!(page.contains("更正等待审核") && page.contains("历史版本（1）"));
        // What was recognised is taken back by an officer, with the word and a reason.
        let back = format!("{at}/reversal");
        own.post(&back, &[("confirm", "冲正"), ("reason", "不再需要")])
            .await
            .page(409);
        officer
            .post(&back, &[("confirm", ""), ("reason", "登记有误")])
            .await
            .page(422);
        officer
            .post(&back, &[("confirm", "冲正"), ("reason", "登记有误")])
            .await
            .page(303);
        assert!(
            own.get("/hours/mine")
                .await
                .page(200)
                .contains("合计 0 学时")
        );
    })
    .await;
}

#[tokio::test]
async fn the_list_has_states_filters_sheets_and_an_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for no in ["001", "002"] {
            h.set(no, "level", "township", Date::constant(2020, 1, 1))
                .await;
        }
        for n in 1..=11 {
            h.attended(&t, "001", "training-class", day(n, 3), 360)
                .await;
            h.attended(&t, "001", "training-class", day(n, 4), 180)
                .await;
        }
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let page = app.get("/hours").await.page(200);
        for text in ["甲某", "&lt;b&gt;乙", "丙某", "已达标", "没有适用的要求"] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("己某"));
        let met = app
            .get("/hours?requirement=year-90&state=met")
            .await
            .page(200);
        assert!(met.contains("甲某") && !met.contains("丙某") && met.contains("of=year-90"));
        assert!(app.get("/hours?unit=O2").await.page(200).contains("丙某"));
        assert!(
            app.get("/hours?unit=X")
                .await
                .page(200)
                .contains("role=\"alert\"")
        );
        let none = app.get("/hours?state=missed").await.page(200);
        assert!(!none.contains("甲某") && none.contains("class=\"chip\""));
        // In English too.
        let page = app.in_english("/hours?requirement=year-90").await.page(200);
        assert!(
            page.contains("Study hours")
                && page.contains("Reached")
                && page.contains("90 hours a year")
        );
        let me = h.person("001").await;
        let page = app
            .in_english(&format!("/hours/people/{me}"))
            .await
            .page(200);
        assert!(page.contains("Still reachable") && page.contains("Training by the unit"));
        let page = app.in_english("/hours/requirements").await.page(200);
        assert!(page.contains("an hour for 45 minutes") && page.contains("or 12 days"));
        let page = app.get("/hours/requirements").await.page(200);
        assert!(
            page.contains("已达标 1")
                && page.contains("停用")
                && page.contains("每 45 分钟 1 学时")
        );
        let sheet = app.get("/hours/export.csv").await;
        let text = sheet.text();
        assert!(
            text.contains("001,甲某,单位O1") && text.contains("132.00"),
            "{text}"
        );
        assert!(app.get("/hours/export.xlsx").await.bytes.starts_with(b"PK"));
        let me = h.person("001").await;
        let page = app.get(&format!("/hours/people/{me}")).await.page(200);
        assert!(page.contains("甲某的学时") && page.contains("（保密或已不可见）"));
        let rows = app
            .get(&format!("/hours/people/{me}/export.csv"))
            .await
            .text();
        assert_eq!(rows.lines().count(), 23, "{rows}");
        app.get(&format!("/hours/people/{}", h.person("009").await))
            .await
            .page(404);
        let api: Value = serde_json::from_slice(&app.get("/api/v1/hours").await.bytes).unwrap();
        assert_eq!(api["total"], 3);
        let path = format!("/api/v1/hours/people/{me}");
        let api: Value = serde_json::from_slice(&app.get(&path).await.bytes).unwrap();
        assert_eq!(api["standings"][0]["recognised"], 132.0);
        assert_eq!(api["rows"].as_array().unwrap().len(), 22);
        app.get(&format!("/api/v1/hours/people/{}", h.person("009").await))
            .await
            .page(404);
        let own = App::oneself(&h, &t, me);
        let api: Value =
            serde_json::from_slice(&own.get("/api/v1/hours/mine").await.bytes).unwrap();
        assert_eq!(api["standings"][0]["state"], "met");
        assert!(
            own.get("/hours/mine/export.xlsx")
                .await
                .bytes
                .starts_with(b"PK")
        );
    })
    .await;
}

#[tokio::test]
async fn sheets_of_platforms_come_in_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        assert!(
            app.get("/hours/import")
                .await
                .page(200)
                .contains("工号、培训名称")
        );
        assert!(
            app.get("/hours/import/template.xlsx")
                .await
                .bytes
                .starts_with(b"PK")
        );
        let sheet = "工号,课程名称,完成时间,获得学时,平台编号
001,宪法专题,2026-03-02,2,A1
001,宪法专题,2026-03-02,2,A1
002,宪法专题,2026-03-03,1.5,A2
009,宪法专题,2026-03-03,2,A3
777,宪法专题,2026-03-03,2,A4
003,宪法专题,昨天,两个,A5
";
        let fields = [
            ("mode", "platform"),
            ("way", "platform"),
            ("content", "law"),
        ];
        let wrong = app
            .upload("/hours/import", &fields, &[("a.pdf", b"x")])
            .await;
        assert!(wrong.page(422).contains("请选择 xlsx 或 csv 表格"));
        let seen = app
            .upload("/hours/import", &fields, &[("平台.csv", sheet.as_bytes())])
            .await
            .page(200);
        for text in ["A5", "A6", "C7", "D7", "没有这个工号", "宪法专题"] {
            assert!(seen.contains(text), "{text}: {seen}");
        }
        let of = |name: &str| hidden(&seen, name).remove(0);
        assert_eq!((of("fine"), of("faulty")), ("2".into(), "3".into()));
        let waiting = || async {
            h.hours
                .waiting(&Scope::All, &h.leader.into(), (10, 0))
                .await
                .unwrap()
        };
        assert_eq!(waiting().await.1, 0, "the check writes nothing");
        let names = [
            "mode", "way", "content", "id", "sheet", "proof", "fine", "faulty",
        ];
        let all: Vec<(&str, String)> = names.iter().map(|n| (*n, of(n))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
        app.post("/hours/import/publish", &all).await.page(303);
        let (records, total) = waiting().await;
        assert_eq!(total, 2);
        assert_eq!(
            (
                records[0].source.as_str(),
                records[0].entry.way.as_str(),
                records[0].entry.hours
            ),
            ("import", "platform", 2_000)
        );
        assert_eq!(records[0].entry.evidence[0].name, "平台.csv");
        // The same sheet again: everything is known.
        let seen = app
            .upload("/hours/import", &fields, &[("平台.csv", sheet.as_bytes())])
            .await
            .page(200);
        assert!(seen.contains("没有可以导入的行"));
        // Past years need a scan and are marked as declared.
        let years =
            "工号,依据,年份,学时\n001,2024 年学时证明,2024,64\n002,2024 年学时证明,2026,64\n";
        let fields = [("mode", "declared"), ("way", "platform"), ("content", "")];
        let bare = app
            .upload("/hours/import", &fields, &[("y.csv", years.as_bytes())])
            .await;
        assert!(bare.page(422).contains("须附扫描件"));
        let seen = app
            .upload(
                "/hours/import",
                &fields,
                &[("y.csv", years.as_bytes()), ("scan.pdf", b"%PDF")],
            )
            .await
            .page(200);
        assert!(
            seen.contains("请填写今年以前的年份") && seen.contains("2024-12-31"),
            "{seen}"
        );
        let of = |name: &str| hidden(&seen, name).remove(0);
        let all: Vec<(&str, String)> = names.iter().map(|n| (*n, of(n))).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (*n, v.as_str())).collect();
        app.post("/hours/import/publish", &all).await.page(303);
        let (records, total) = waiting().await;
        assert_eq!(total, 3);
        let declared = records.iter().find(|r| r.entry.declared).unwrap();
        h.hours
            .review(
                &[(declared.id, 1)],
                hours::Verdict::Accept,
                &Scope::All,
                h.leader,
            )
            .await
            .unwrap();
        let facts = h.standing_facts(declared.id).await;
        assert_eq!(
            (facts[0].source.as_str(), facts[0].quantity, facts[0].date),
            ("declared", Some(64_000), Date::constant(2024, 12, 31))
        );
    })
    .await;
}
