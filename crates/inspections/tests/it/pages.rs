//! Plans and tasks over HTTP, as people with scopes see them.

use kernel::Scope;
use testkit::{TestDb, on_both};

use crate::filling::{clerk, fields, running};
use crate::house::{App, House, Who, hidden, migrations};

const PNG: &[u8] = &[137, 80, 78, 71, 13, 10, 26, 10];

fn app(h: &House, t: &TestDb, who: Who, grants: &[(&'static str, Scope)]) -> App {
    App::new(h, t, who, grants)
}

#[tokio::test]
async fn an_inspection_goes_from_its_plan_to_its_results_by_forms() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let all = Scope::All;
        let planner = app(
            &h,
            &t,
            h.planner,
            &[
                (inspections::READ, all.clone()),
                (inspections::PLAN, all.clone()),
            ],
        );
        let inspector = app(&h, &t, h.inspector, &[]);
        let own = Scope::Under(vec![h.offices[0]]);
        let clerk = app(
            &h,
            &t,
            h.clerk,
            &[(inspections::READ, own.clone()), (inspections::FILL, own)],
        );
        let leader = app(
            &h,
            &t,
            h.leader,
            &[(inspections::READ, all.clone()), (inspections::REVIEW, all)],
        );
        let stranger = app(
            &h,
            &t,
            h.moved,
            &[(inspections::READ, Scope::Under(vec![h.offices[1]]))],
        );
        assert!(
            planner
                .get("/inspections")
                .await
                .page(200)
                .contains("还没有检查")
        );
        let id = hidden(&planner.get("/inspections/new").await.page(200), "id");
        let form = |title: &'static str| {
            vec![
                ("id", id.clone()),
                ("kind", "inspection".into()),
                ("title", title.to_owned()),
                ("basis", "督导方案".into()),
                ("form", "upper".into()),
                ("opens", kernel::format_date(t.env.today())),
                ("until", kernel::format_date(t.env.today())),
                ("repeats", "half-year".into()),
                ("host", "B".into()),
                ("under", "B".into()),
                ("reach", "below".into()),
                ("category", "处室".into()),
            ]
        };
        let send = async |app: &App, at: &str, pairs: Vec<(&'static str, String)>| {
            let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.post(at, &pairs).await
        };
        assert!(
            send(&planner, "/inspections", form(""))
                .await
                .page(422)
                .contains("督导方案")
        );
        let at = send(&planner, "/inspections", form("<i>学习督导"))
            .await
            .taken();
        let page = planner.get(&at).await.page(200);
        assert!(
            page.contains("&lt;i&gt;学习督导")
                && page.contains("单位O1")
                && page.contains("每半年"),
            "{page}"
        );
        assert_eq!(inspector.get(&at).await.status, 404);
        assert_eq!(
            inspector
                .post(&at, &[("act", "start"), ("seq", "1")])
                .await
                .status,
            404
        );
        let page = planner
            .post(&at, &[("act", "start"), ("seq", "1")])
            .await
            .page(422);
        assert!(page.contains("单位O1 还没有检查组"), "{page}");
        let seq = hidden(&page, "seq");
        let team = [
            ("act", "team"),
            ("seq", &seq),
            ("name", "第一组"),
            ("members", "005，001"),
            ("region", "城区"),
        ];
        planner.post(&at, &team).await.taken();
        let seq = hidden(&planner.get(&at).await.page(200), "seq");
        planner
            .post(&at, &[("act", "spread"), ("seq", &seq)])
            .await
            .taken();
        let seq = hidden(&planner.get(&at).await.page(200), "seq");
        planner
            .post(&at, &[("act", "start"), ("seq", &seq)])
            .await
            .taken();
        let page = inspector.get(&at).await.page(200);
        assert!(
            page.contains("待检查") && !page.contains("下发任务"),
            "{page}"
        );
        assert!(
            inspector
                .get("/inspections")
                .await
                .page(200)
                .contains("&lt;i&gt;学习督导")
        );
        let task = page
            .split("/inspections/tasks/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let task = format!("/inspections/tasks/{task}");
        let page = inspector.get(&task).await.page(200);
        assert!(
            page.contains("开始填写") && page.contains("还有 2 项未填"),
            "{page}"
        );
        let code = page
            .split(&"表单编号</dt><dd class=\"num\">")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            inspector
                .get(&format!("/inspections/code?code={}", code.to_lowercase()))
                .await
                .taken(),
            task
        );
        assert_eq!(
            stranger
                .get(&format!("/inspections/code?code={code}"))
                .await
                .status,
            404
        );
        assert!(
            inspector
                .get(&format!("{task}/sheet"))
                .await
                .page(200)
                .contains(&code)
        );
        // Why somebody does not look at a unit is not for that unit.
        let page = inspector.get(&at).await.page(200);
        let unit = page
            .split("id=\"f-recuse-unit\"")
            .nth(1)
            .unwrap()
            .split("value=\"")
            .nth(2)
            .unwrap();
        let told = [
            ("recuse-unit", unit.split('"').next().unwrap()),
            ("reason", "亲属任职"),
        ];
        inspector
            .post(&format!("{at}/recusals"), &told)
            .await
            .taken();
        assert!(inspector.get(&at).await.page(200).contains("亲属任职"));
        assert!(planner.get(&at).await.page(200).contains("亲属任职"));
        assert!(!clerk.get(&at).await.page(200).contains("亲属任职"));
        // A section at a time; what is wrong is told beside it, and what was typed stays.
        let fill = format!("{task}/fill");
        let page = inspector.get(&fill).await.page(200);
        assert!(
            page.contains("第 1 部分，共 2 部分") && page.contains("inspecting.js"),
            "{page}"
        );
        let wrong = [
            ("section", "held"),
            ("v-plan", "no"),
            ("v-times", "许多"),
            ("to", "words"),
        ];
        let page = inspector.post(&fill, &wrong).await.page(422);
        assert!(
            page.contains("这不是该项可以填的答案") && page.contains("许多"),
            "{page}"
        );
        let fine = [
            ("section", "held"),
            ("v-plan", "no"),
            ("n-plan", "没有<b>计划"),
            ("p-plan", "二楼"),
            ("v-times", "4"),
            ("to", "words"),
        ];
        let next = inspector.post(&fill, &fine).await.taken();
        assert_eq!(next, format!("{fill}?section=words"));
        assert!(inspector.get(&next).await.page(200).contains("准备提交"));
        // Photos go with an answer.
        let photos = format!("{task}/photos");
        let none = inspector
            .parts(&photos, &[("item", "advice")], &[("file", "a.png", PNG)])
            .await;
        assert!(none.page(422).contains("请先填写"));
        inspector
            .parts(&photos, &[("item", "plan")], &[("file", "a.png", PNG)])
            .await
            .taken();
        let page = inspector
            .get(&format!("{fill}?section=held"))
            .await
            .page(200);
        let photo = page
            .split(&format!("{task}/files/"))
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            inspector.get(&format!("{task}/files/{photo}")).await.bytes,
            PNG
        );
        assert_eq!(
            clerk.get(&format!("{task}/files/{photo}")).await.status,
            404
        );
        assert_eq!(clerk.get(&fill).await.status, 404);
        // What a script sends.
        let json = |text: &str| text.as_bytes().to_vec();
        let sent = json(
            r#"{"device":"d1","puts":[{"seq":1,"item":"advice","fields":[["v-advice","加强"]]}]}"#,
        );
        let answer = inspector
            .send(
                "POST",
                &format!("{task}/answers"),
                "application/json",
                sent.clone(),
            )
            .await;
        assert!(answer.page(200).contains("\"seq\":1"), "{}", answer.text());
        let answer = inspector
            .send("POST", &format!("{task}/answers"), "application/json", sent)
            .await;
        assert!(answer.page(200).contains("\"seq\":1"));
        // Seen before it is handed in: what is found, and what becomes of it.
        let hand = format!("{task}/hand-in");
        let page = inspector.get(&hand).await.page(200);
        assert!(
            page.contains("问题 1 个")
                && page.contains("没有&lt;b&gt;计划")
                && page.contains("60%"),
            "{page}"
        );
        let version = hidden(&page, "version");
        let pairs = [
            ("version", version.as_str()),
            ("way-plan", "mended"),
            ("note-plan", ""),
        ];
        assert!(
            inspector
                .parts(&hand, &pairs, &[])
                .await
                .page(422)
                .contains("请写明怎样改的")
        );
        let pairs = [
            ("version", version.as_str()),
            ("way-plan", "case"),
            ("severity-plan", "grave"),
            ("title-plan", "没有学习计划"),
        ];
        assert_eq!(inspector.parts(&hand, &pairs, &[]).await.taken(), task);
        let page = clerk.get(&task).await.page(200);
        assert!(
            page.contains("没有学习计划") && page.contains("问〔1〕") && page.contains("严重"),
            "{page}"
        );
        assert_eq!(clerk.get(&format!("{task}/files/{photo}")).await.bytes, PNG);
        assert_eq!(stranger.get(&task).await.status, 404);
        // The unit objects, somebody else decides.
        let objection = [
            ("act", "object"),
            ("version", "1"),
            ("objection", "计划在党建办"),
        ];
        assert_eq!(inspector.post(&task, &objection).await.status, 404);
        clerk.post(&task, &objection).await.taken();
        let page = leader.get(&task).await.page(200);
        assert!(page.contains("计划在党建办"), "{page}");
        let objection = hidden(&page, "id");
        let decision = [
            ("act", "refuse"),
            ("id", objection.as_str()),
            ("answer", "现场未见到"),
        ];
        leader.post(&task, &decision).await.taken();
        assert!(clerk.get(&task).await.page(200).contains("异议不成立"));
        // Numbers and papers of the plan.
        let page = planner.get(&at).await.page(200);
        assert!(
            page.contains("1/2") && page.contains("累计发现问题 1 个"),
            "{page}"
        );
        let report = planner.get(&format!("{at}/daily.docx")).await;
        assert!(report.status == 200 && report.kind.contains("word"));
        assert!(
            planner
                .get(&format!("{at}/results"))
                .await
                .page(200)
                .contains("60%")
        );
        assert!(
            planner
                .get(&format!("{at}/results.xlsx"))
                .await
                .kind
                .contains("sheet")
        );
        assert!(
            planner
                .get("/inspections/list.xlsx")
                .await
                .kind
                .contains("sheet")
        );
        assert_eq!(stranger.get(&format!("{at}/daily.docx")).await.status, 404);
        let seq = hidden(&page, "seq");
        planner
            .post(
                &at,
                &[("act", "end"), ("seq", &seq), ("reason", "已经查完")],
            )
            .await
            .taken();
        assert!(
            planner
                .get("/inspections?state=ended")
                .await
                .page(200)
                .contains("已结束")
        );
    })
    .await;
}

#[tokio::test]
async fn a_self_check_is_passed_on_its_page_and_compared_with_an_inspection() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [o1, _] = h.offices;
        let (_, task) = running(&h, &t, "self", o1).await;
        let puts = [("plan", "yes"), ("times", "4")].map(|(item, v)| inspections::Put {
            seq: 0,
            item: item.into(),
            seen: None,
            fields: fields(&[(&format!("v-{item}"), v)]),
        });
        h.room.put(task, "", &puts, &clerk(&h)).await.unwrap();
        h.room
            .hand_in(task, 0, &[], (None, ""), &clerk(&h), &h.clerk.actor())
            .await
            .unwrap();
        let leader = app(&h, &t, h.leader, &[(inspections::REVIEW, Scope::All)]);
        let at = format!("/inspections/tasks/{task}");
        assert!(leader.get(&at).await.page(200).contains("审核自查"));
        let page = leader
            .post(&at, &[("act", "back"), ("version", "1"), ("back", "")])
            .await
            .page(422);
        assert!(page.contains("退回理由"), "{page}");
        leader
            .post(&at, &[("act", "pass"), ("version", "1")])
            .await
            .taken();
        assert!(leader.get(&at).await.page(200).contains("已审核"));
        let (plan, task) = running(&h, &t, "inspection", o1).await;
        let puts = [("plan", "yes"), ("times", "1")].map(|(item, v)| inspections::Put {
            seq: 0,
            item: item.into(),
            seen: None,
            fields: fields(&[(&format!("v-{item}"), v)]),
        });
        let eyes = h.inspector.bare();
        h.room.put(task, "", &puts, &eyes).await.unwrap();
        h.room
            .hand_in(task, 0, &[], (None, ""), &eyes, &h.inspector.actor())
            .await
            .unwrap();
        let page = leader
            .get(&format!("/inspections/{plan}/results"))
            .await
            .page(200);
        assert!(
            page.contains("40%") && page.contains("100%") && page.contains("-60%"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn programs_read_plans_and_the_tasks_that_they_may_see() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (id, task) = running(&h, &t, "self", h.offices[0]).await;
        let reads = |scope: Scope| vec![(inspections::READ, scope)];
        let own = Scope::Under(vec![h.offices[0]]);
        let [wide, narrow] = [
            app(&h, &t, h.planner, &reads(Scope::All)),
            app(&h, &t, h.clerk, &reads(own)),
        ];
        let json = async |app: &App, path: &str| -> serde_json::Value {
            serde_json::from_str(&app.get(path).await.page(200)).unwrap()
        };
        let all = json(&wide, "/api/v1/inspections?state=running").await;
        assert_eq!(
            (&all["total"], &all["inspections"][0]["id"]),
            (&1.into(), &id.to_string().into())
        );
        let none = json(&wide, "/api/v1/inspections?state=ended").await;
        assert_eq!(none["total"], 0);
        let tasks = async |app: &App| {
            let plan = json(app, &format!("/api/v1/inspections/{id}")).await;
            let list = plan["task_list"].as_array().unwrap().clone();
            assert_eq!(plan["tasks"], list.len(), "a number and its rows");
            list
        };
        let (seen, shown) = (tasks(&wide).await, tasks(&narrow).await);
        assert!(seen.len() > shown.len(), "{seen:?} {shown:?}");
        assert!(shown.iter().any(|x| x["id"] == task.to_string()));
        // Without the permission, and of what is not there, there is nothing.
        let stranger = app(&h, &t, h.moved, &[]);
        for (app, path) in [
            (&stranger, "/api/v1/inspections".to_owned()),
            (&stranger, format!("/api/v1/inspections/{id}")),
            (&wide, "/api/v1/inspections/nothing".to_owned()),
        ] {
            app.get(&path).await.page(404);
        }
    })
    .await;
}
