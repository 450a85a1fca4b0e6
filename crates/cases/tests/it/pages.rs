//! Pages, export, import, papers and API, through HTTP.

use cases::Reporter;
use serde_json::json;
use testkit::{on_both, on_sqlite};

use crate::house::{App, House, Sees as _, hidden, migrations};

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = h.template_problems(cases::module(h.cases.clone()));
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn a_problem_goes_round_the_loop_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [raiser, supervisor, owner, lonely] =
            [h.raiser, h.supervisor, h.owner, h.lonely].map(|w| h.app(w));
        assert_eq!(
            lonely.get("/cases/new").await.0,
            404,
            "only who may raise has the form"
        );
        assert_eq!(
            lonely.get("/cases").await.0,
            200,
            "everybody has a list of their own"
        );
        let (_, page) = raiser.get("/cases/new?kind=problem").await;
        let id = hidden(&page, "id");
        let mut fields = vec![
            ("id", id.as_str()),
            ("kind", "problem"),
            ("title", "排队<b>过长</b>"),
            ("detail", "第一行\n第二行"),
            ("severity", "none"),
            ("area", "service"),
            ("source", "inspection"),
            ("from", "B"),
            ("unit", "O1"),
            ("v-standard", "不超过十五分钟"),
        ];
        let (status, page) = raiser.parts("/cases", &fields, None).await;
        assert!(
            status == 422 && page.contains("请从清单中选择") && page.contains("第二行"),
            "{page}"
        );
        fields[4] = ("severity", "serious");
        let (status, path) = raiser.parts("/cases", &fields, None).await;
        assert_eq!(
            (status, path.as_str()),
            (303, format!("/cases/{id}").as_str())
        );
        assert_eq!(lonely.get(&path).await.0, 404);
        let act =
            async |app: &App, verb: &str, more: &[(&str, &str)], file: Option<(&str, &[u8])>| {
                let (_, page) = app.get(&path).await;
                let seen = hidden(&page, "seen");
                let fields = [&[("seen", seen.as_str())], more].concat();
                app.parts(&format!("{path}/acts/{verb}"), &fields, file)
                    .await
            };
        let (status, page) = act(&supervisor, "assign", &[("owner", "99")], None).await;
        assert!(
            status == 422 && page.contains("99") && page.contains("工号"),
            "{page}"
        );
        let (status, told) = act(
            &supervisor,
            "assign",
            &[("owner", "4"), ("co", "5"), ("supervisor", "2")],
            None,
        )
        .await;
        assert_eq!(status, 303, "{told}");
        let (_, page) = owner.get(&path).await;
        assert!(
            page.contains("查因定策")
                && !page.contains("验收销号")
                && page.contains("排队&lt;b&gt;"),
            "{page}"
        );
        let (status, page) = act(
            &owner,
            "plan",
            &[("cause", "职责不清"), ("measures", "修订制度|4|某天")],
            None,
        )
        .await;
        assert!(
            status == 422 && page.contains("第 1 行的期限") && page.contains("职责不清"),
            "what was typed stays"
        );
        let (status, told) = act(
            &owner,
            "plan",
            &[
                ("cause", "职责不清"),
                ("measures", "修订制度|4|2026-12-20\n增设窗口"),
            ],
            None,
        )
        .await;
        assert_eq!(status, 303, "{told}");
        for no in ["1", "2"] {
            let on = [("no", no), ("day", "2026-11-20")];
            assert_eq!(act(&owner, "measure", &on, None).await.0, 303);
        }
        let said = [("text", "已整改"), ("of", "2026-11-19")];
        assert_eq!(
            act(&owner, "submit", &said, Some(("照片.pdf", b"%PDF 1")))
                .await
                .0,
            303
        );
        let (_, page) = supervisor.get(&path).await;
        assert!(
            page.contains("照片.pdf")
                && page.contains("反映 2026-11-19")
                && page.contains("验收销号"),
            "{page}"
        );
        let sha256 = commons::files::FileHash::of(b"%PDF 1");
        assert_eq!(
            supervisor.get(&format!("{path}/files/{sha256}")).await,
            (200, "%PDF 1".into())
        );
        assert_eq!(lonely.get(&format!("{path}/files/{sha256}")).await.0, 404);
        // What was looked at before is told to be old.
        let old = supervisor
            .parts(&format!("{path}/acts/accept"), &[("seen", "1")], None)
            .await;
        assert!(old.0 == 422 && old.1.contains("有了新的进展"), "{}", old.1);
        assert_eq!(act(&supervisor, "accept", &[], None).await.0, 303);
        let (_, list) = supervisor.get("/cases?view=closed").await;
        assert!(
            list.contains("ZG-2026-0001") && list.contains("已销号"),
            "{list}"
        );
        let (_, list) = owner.get("/cases?tab=owned&view=closed").await;
        assert!(list.contains("ZG-2026-0001"));
        let found = supervisor.get("/search?q=%E6%8E%92%E9%98%9F").await.1;
        assert!(found.contains(&path), "{found}");
        for page in [
            "/cases/board",
            "/cases/wall",
            "/cases/tasks",
            "/cases?q=%E6%8E%92%E9%98%9F&view=all",
        ] {
            assert_eq!(supervisor.get(page).await.0, 200, "{page}");
        }
        for paper in ["urging", "notice", "feedback"] {
            let (status, bytes, _) = supervisor
                .send("GET", &format!("{path}/papers/{paper}"), "", vec![])
                .await;
            assert!(status == 200 && bytes.starts_with(b"PK"), "{paper}");
        }
        assert_eq!(supervisor.get(&format!("{path}/papers/other")).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn several_are_assigned_and_urged_at_once() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let one = h.raise(&h.problem("甲问题")).await.unwrap().to_string();
        let two = h.raise(&h.problem("乙问题")).await.unwrap().to_string();
        let closed = h.solved("丙问题").await.to_string();
        let app = h.app(h.supervisor);
        let fields = [
            ("pick", one.as_str()),
            ("pick", &two),
            ("pick", &closed),
            ("owner", "4"),
            ("act", "assign"),
            ("back", "/cases?view=all"),
        ];
        let (status, page) = app.post("/cases/batch", &fields).await;
        assert!(
            status == 200 && page.contains("已办 2 项，未办 1 项") && page.contains("ZG-2026-0003"),
            "{page}"
        );
        assert!(h.app(h.raiser).post("/cases/batch", &fields).await.0 == 404);
    })
    .await;
}

/// Names and contacts of tellers as they lie in the database, and whether they are sealed beside.
pub(crate) async fn open_names(db: &db::Db) -> Vec<(String, String, bool)> {
    let sql = "SELECT name, contact, name_sealed IS NOT NULL FROM case_reporter";
    let rows = db.read().await.unwrap().query(sql, db::args![]).await;
    let read = |r: &db::Row| (r.get(0).unwrap(), r.get(1).unwrap(), r.get(2).unwrap());
    rows.unwrap().iter().map(read).collect()
}

#[tokio::test]
async fn a_name_told_in_confidence_leaves_the_house_nowhere() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut told = h.problem("收费不规范");
        told.reporter = Some(Reporter {
            name: "秘密人".into(),
            contact: "13900000000".into(),
            confidential: true,
        });
        let id = h.raise(&told).await.unwrap();
        let [raiser, supervisor] = [h.raiser, h.supervisor].map(|w| h.app(w));
        let pages = [
            format!("/cases/{id}"),
            "/cases".into(),
            "/cases/board".into(),
            "/cases/wall".into(),
            "/cases/list.xlsx".into(),
            "/search?q=%E7%A7%98%E5%AF%86%E4%BA%BA".into(),
            format!("/api/v1/cases/{id}"),
            "/api/v1/cases".into(),
        ];
        for app in [&raiser, &supervisor] {
            for page in &pages {
                let (status, bytes, _) = app.send("GET", page, "", vec![]).await;
                assert_eq!(status, 200, "{page}");
                let text = match page.ends_with("xlsx") {
                    true => format!(
                        "{:?}",
                        commons::sheets::read("x.xlsx", &bytes, &Default::default())
                            .unwrap()
                            .cells()
                            .map(|c| c.text.to_owned())
                            .collect::<Vec<_>>()
                    ),
                    false => String::from_utf8_lossy(&bytes).into_owned(),
                };
                // The search shows what was asked for, and finds nothing.
                let leaks = text.contains("13900000000")
                    || (text.contains("秘密人") && !page.contains("search"));
                assert!(
                    !(leaks || page.contains("search") && text.contains("ZG-2026")),
                    "{page}"
                );
            }
        }
        let shown = format!("/cases/{id}/reporter");
        assert_eq!(supervisor.post(&shown, &[]).await.0, 404);
        assert!(raiser.post(&shown, &[]).await.1.contains("秘密人"));
        // Nor does it lie open in the database, and what did before there was a vault is sealed by the next morning.
        assert_eq!(open_names(&h.db).await, [("".into(), "".into(), true)]);
        let sql = "UPDATE case_reporter SET name = '秘密人', contact = '1', name_sealed = NULL, contact_sealed = NULL";
        let opened: kernel::Result<u64> =
            db::transaction!(h.db, |tx| tx.execute(sql, db::args![]).await);
        assert_eq!(opened.unwrap(), 1);
        assert_eq!(h.cases.seal_reporters().await.unwrap(), 1);
        assert_eq!(h.cases.seal_reporters().await.unwrap(), 0, "once");
        assert_eq!(open_names(&h.db).await, [("".into(), "".into(), true)]);
        assert!(raiser.post(&shown, &[]).await.1.contains("秘密人"));
    })
    .await;
}

#[tokio::test]
async fn an_old_ledger_is_checked_by_cell_and_taken_in_as_declared() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = h.app(h.raiser);
        let (status, bytes, _) = app
            .send("GET", "/cases/import/template.xlsx", "", vec![])
            .await;
        assert!(status == 200 && bytes.starts_with(b"PK"));
        let csv = "编号,问题,责任单位编码,来源,责任人工号,登记日期,整改期限,结束方式,销号日期\n\
            旧-1,窗口排队,O1,审计,4,2025-01-05,2025-02-05,已整改,2025-02-01\n\
            旧-2,台账不全,O1,巡视巡察,4,2026-10-05,2026-12-05,,\n\
            旧-2,台账不全,X9,没有,99,2026-10-05,2026-09-05,好了,\n";
        let (status, page) = app
            .parts("/cases/import", &[], Some(("台账.csv", csv.as_bytes())))
            .await;
        assert_eq!(status, 200, "{page}");
        for cell in ["A4", "C4", "D4", "E4", "G4", "H4"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        let value = |name| hidden(&page, name);
        let (id, sheet) = (value("id"), value("sheet"));
        let sent = [
            ("id", id.as_str()),
            ("sheet", sheet.as_str()),
            ("fine", "2"),
            ("faulty", "1"),
        ];
        let changed = [sent[0], sent[1], ("fine", "3"), ("faulty", "0")];
        assert_eq!(app.post("/cases/import/publish", &changed).await.0, 422);
        let (status, to) = app.post("/cases/import/publish", &sent).await;
        assert_eq!((status, to.as_str()), (303, "/cases?view=all"));
        let (_, list) = app.get("/cases?view=all").await;
        assert!(
            list.contains("旧-1") && list.contains("旧-2") && list.contains("已销号"),
            "{list}"
        );
        let order = web::table::Order {
            by: "number",
            down: false,
        };
        let filter = cases::Filter {
            view: cases::View::All,
            ..Default::default()
        };
        let found = h
            .cases
            .list(
                cases::Tab::Unit,
                &filter,
                &h.raiser.eyes(),
                order,
                web::table::Window::new(1, 9),
            )
            .await
            .unwrap()
            .1;
        let facts: Vec<String> = h
            .facts(found[0].id)
            .await
            .into_iter()
            .map(|(k, r)| format!("{k}:{r}"))
            .collect();
        assert_eq!(
            facts,
            [
                "case:common",
                "case-closed:solved",
                "case-accepted:common",
                "case-on-time:common"
            ]
        );
        assert_eq!(h.acts(found[0].id).await, ["raised", "declared"]);
        // What is open goes on from here.
        let owner = h.app(h.owner);
        let open = format!("/cases/{}", found[1].id);
        assert!(owner.get(&open).await.1.contains("查因定策"));
        assert_eq!(h.audited("case.imported").await, 1);
        // What was exported can be read again, where its numbers are known already.
        let (_, bytes, _) = app
            .send("GET", "/cases/list.xlsx?view=all", "", vec![])
            .await;
        let (status, page) = app
            .parts("/cases/import", &[], Some(("导出.xlsx", &bytes)))
            .await;
        assert!(status == 200 && page.contains("已经有了"), "{page}");
        assert_eq!(
            app.parts("/cases/import", &[], Some(("坏.xlsx", b"PK broken")))
                .await
                .0,
            422
        );
    })
    .await;
}

#[tokio::test]
async fn programs_raise_read_and_act_over_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [raiser, supervisor, lonely] = [h.raiser, h.supervisor, h.lonely].map(|w| h.app(w));
        let new = json!({ "kind": "problem", "title": "接口登记", "severity": "common", "unit": h.offices[0], "from": h.bureau });
        assert_eq!(supervisor.json("POST", "/api/v1/cases", new.clone()).await.0, 404);
        let (status, made) = raiser.json("POST", "/api/v1/cases", new).await;
        assert_eq!((status, &made["number"]), (200, &json!("ZG-2026-0001")), "{made}");
        let path = format!("/api/v1/cases/{}", made["id"].as_str().unwrap());
        assert_eq!(lonely.json("GET", &path, json!({})).await.0, 404);
        let (_, one) = supervisor.json("GET", &path, json!({})).await;
        assert!(one["verbs"].as_array().unwrap().contains(&json!("assign")), "{one}");
        let assign = json!({ "version": 9, "owner": h.owner.person });
        assert_eq!(supervisor.json("POST", &format!("{path}/assign"), assign).await.0, 409);
        let assign = json!({ "version": 1, "owner": h.owner.person });
        let (status, now) = supervisor.json("POST", &format!("{path}/assign"), assign).await;
        assert_eq!((status, &now["stage"]), (200, &json!("cause")), "{now}");
        let (_, list) = supervisor.json("GET", "/api/v1/cases?stage=cause", json!({})).await;
        assert_eq!(list["total"], json!(1));
        assert_eq!(lonely.json("GET", "/api/v1/cases", json!({})).await.1["total"], json!(0));
    })
    .await;
}

#[tokio::test]
async fn orders_of_a_hotline_come_in_with_who_called_and_go_out_without() {
    on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [app, supervisor] = [h.raiser, h.supervisor].map(|w| h.app(w));
        // The names of columns are those of the hotline; units are named.
        let csv = "工单号,类型,诉求标题,诉求内容,承办单位,受理时间,办理时限,来电人,联系电话,是否保密\n\
            X-1,热线工单,路灯不亮,已三天,单位O1,2026-11-02,2026-11-09,来电人甲,13800000000,\n\
            X-2,热线工单,证明难开,跑了两趟,单位O2,2026-11-03,2026-11-10,来电人乙,13900000000,否\n\
            ,热线工单,没有工单号,,单位O2,2026-11-03,2026-11-10,,,\n\
            X-4,热线工单,单位不明,,单位没有,2026-11-03,2026-11-10,,,\n";
        let file = Some(("工单.csv", csv.as_bytes()));
        let (status, page) = app.parts("/cases/import", &[], file).await;
        assert_eq!(status, 200, "{page}");
        for cell in ["A4", "E5"] {
            assert!(page.contains(&format!(">{cell}<")), "{cell}: {page}");
        }
        let (id, sheet) = (hidden(&page, "id"), hidden(&page, "sheet"));
        let sent = [
            ("id", id.as_str()),
            ("sheet", sheet.as_str()),
            ("fine", "2"),
            ("faulty", "2"),
        ];
        assert_eq!(app.post("/cases/import/publish", &sent).await.0, 303);
        let (_, list) = supervisor.get("/cases?view=all&kind=hotline").await;
        let href = |title: &str| {
            let before = list.split_once(title).expect("it is listed").0;
            let href = before.rsplit_once("href=\"").expect("a link").1;
            href.split('"').next().expect("its end").to_owned()
        };
        let (_, told) = supervisor.get(&href("证明难开")).await;
        assert!(told.contains("来电人乙") && told.contains("X-2"), "{told}");
        let (_, secret) = supervisor.get(&href("路灯不亮")).await;
        assert!(!secret.contains("来电人甲") && !secret.contains("13800000000"), "{secret}");
        let (status, bytes, _) = supervisor.send("GET", "/cases/list.xlsx?view=all", "", vec![]).await;
        assert_eq!(status, 200);
        let limits = commons::sheets::Limits::default();
        let sheet = commons::sheets::read("x.xlsx", &bytes, &limits).unwrap();
        let cells = format!("{sheet:?}");
        assert!(cells.contains("X-1") && cells.contains("工单号"), "{cells}");
        for name in ["来电人甲", "来电人乙", "13900000000"] {
            assert!(!cells.contains(name), "who called goes out nowhere: {cells}");
        }
    })
    .await;
}
