//! Pages and API over HTTP, as somebody with a scope sees them.

use kernel::{Id, Scope};
use serde_json::{Value, json};
use testkit::{TestDb, on_both, on_sqlite};

use crate::house::{Answer, App, House, hidden, migrations, modules, scan, with};

fn form(t: &TestDb) -> Vec<(String, String)> {
    [
        ("id", t.env.new_id::<Id>().to_string()),
        ("unit", "O1".into()),
        ("title", "村民用水纠纷".into()),
        ("date", "2026-11-18".into()),
        ("level", "internal".into()),
        ("v-kind", "land".into()),
        ("v-count", "3".into()),
        ("v-story", "第一行\n第二行".into()),
        ("person-0", "001".into()),
        ("role-0", "lead".into()),
        ("people", "002、003（主办）".into()),
    ]
    .map(|(n, v)| (n.to_owned(), v))
    .into()
}

async fn send(
    app: &App,
    path: &str,
    fields: &[(String, String)],
    change: &[(&str, &str)],
) -> Answer {
    let mut all: Vec<(&str, &str)> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .filter(|(n, _)| !change.iter().any(|(c, _)| c == n))
        .collect();
    all.extend(change);
    app.post(path, &all).await
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
async fn what_is_entered_is_shown_corrected_closed_and_reversed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::All);
        let page = app.get("/registers").await.page(200);
        assert!(page.contains("荣誉") && page.contains("/registers/disputes/new"));
        let page = app.get("/registers/disputes").await.page(200);
        assert!(page.contains("还没有登记"));
        let page = app.get("/registers/disputes/new?unit=O1").await.page(200);
        assert!(
            page.contains("name=\"v-count\"")
                && page.contains("单位O1")
                && page.contains("data-guard")
        );
        let fields = form(&t);
        // What is wrong stands beside its field, and typing is kept.
        for (name, value, text) in [
            ("title", "", "请填写标题"),
            ("v-count", "很多", "请填写数字"),
            ("unit", "nope", "role=\"alert\""),
            ("people", "777", "777"),
            ("date", "soon", "role=\"alert\""),
            ("file", "a.pdf", "没有启用脚本"),
        ] {
            let page = send(
                &app,
                "/registers/disputes/entries",
                &fields,
                &[(name, value)],
            )
            .await
            .page(422);
            assert!(page.contains(text), "{name}: {page}");
            assert!(
                name == "title" || page.contains("value=\"村民用水纠纷\""),
                "{name}"
            );
            assert!(page.contains("第二行"), "{name}");
        }
        let upload = app.lay_down("调解书.pdf", b"%PDF first").await;
        let done = send(
            &app,
            "/registers/disputes/entries",
            &fields,
            &[("upload", &upload)],
        )
        .await;
        done.page(303);
        let at = done.to.clone();
        let again = send(
            &app,
            "/registers/disputes/entries",
            &fields,
            &[("upload", &upload)],
        )
        .await;
        assert_eq!(again.to, at, "sent twice: {}", again.text());
        let page = app.get(&at).await.page(200);
        for text in [
            "村民用水纠纷",
            "第一行<br>第二行",
            "土地",
            "甲某",
            "主办",
            "调解书.pdf",
            "SHA-256",
            "录入",
            "001",
        ] {
            assert!(page.contains(text), "{text}");
        }
        // Evidence comes back as it was sent, under its name.
        let sha256 = commons::files::FileHash::of(b"%PDF first").to_string();
        let file = app.get(&format!("{at}/evidence/{sha256}")).await;
        assert_eq!(
            (file.bytes.as_slice(), file.kind.as_str()),
            (&b"%PDF first"[..], "application/octet-stream")
        );
        assert!(
            file.name.contains("%E8%B0%83%E8%A7%A3%E4%B9%A6.pdf"),
            "{}",
            file.name
        );
        app.get(&format!("{at}/evidence/{}", scan("x").sha256))
            .await
            .page(404);
        let more = app
            .upload(&format!("{at}/evidence"), &[("b.txt", b"two")])
            .await;
        more.page(303);
        app.upload(&format!("{at}/evidence"), &[]).await.page(422);
        // Corrected: one file goes, what was stays to be read.
        let page = app.get(&format!("{at}/edit")).await.page(200);
        assert!(page.contains("value=\"001\"") && page.contains("value=\"land\" selected"));
        let kept = hidden(&page, "keep");
        assert_eq!(kept.len(), 2);
        let change = [
            ("v-count", "4"),
            ("version", "2"),
            ("reason", "数字有误"),
            ("keep", &*kept[1]),
        ];
        send(&app, &at, &fields, &[("version", "2"), ("reason", "")])
            .await
            .page(422);
        send(&app, &at, &fields, &change).await.page(303);
        send(&app, &at, &fields, &change).await.page(409);
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("历史版本（2）") && page.contains("数字有误") && page.contains("b.txt")
        );
        app.get(&format!("{at}/evidence/{sha256}")).await.page(200);
        // Closed and opened again.
        app.post(
            &format!("{at}/closing"),
            &[("closed", "2026-11-19"), ("note", "")],
        )
        .await
        .page(422);
        app.post(
            &format!("{at}/closing"),
            &[("closed", "2026-11-19"), ("note", "已调解")],
        )
        .await
        .page(303);
        assert!(
            app.get("/registers/disputes?closed=yes")
                .await
                .page(200)
                .contains("2026-11-19 办结")
        );
        assert!(
            !app.get("/registers/disputes?closed=no")
                .await
                .page(200)
                .contains("村民用水")
        );
        app.post(&format!("{at}/reopening"), &[("reason", "当事人反悔")])
            .await
            .page(303);
        // Taken back with the word and a reason.
        let path = format!("{at}/reversal");
        for fields in [
            &[("reason", "误登一条")][..],
            &[("reason", ""), ("confirm", "冲正")],
        ] {
            app.post(&path, fields).await.page(422);
        }
        let good = [("reason", "误登一条"), ("confirm", "冲正")];
        app.post(&path, &good).await.page(303);
        app.post(&path, &good).await.page(409);
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("误登一条")
                && !page.contains("name=\"confirm\"")
                && !page.contains("/edit")
        );
    })
    .await;
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = h.new_entry(&t, "disputes", "内部纠纷", with(&[("count", "3")]));
        let id = h.record(&new).await.unwrap();
        let at = format!("/registers/disputes/entries/{id}");
        let stranger = App::all(&h, &t, Scope::Under(vec![h.elsewhere]));
        assert!(
            !stranger
                .get("/registers/disputes")
                .await
                .page(200)
                .contains("内部纠纷")
        );
        for path in [
            at.clone(),
            format!("{at}/edit"),
            format!("{at}/evidence/{}", scan("x").sha256),
            format!("/api/v1/registers/disputes/entries/{id}"),
            "/registers/nothing".into(),
            "/registers/nothing/new".into(),
            "/registers/disputes/entries/x".into(),
            "/registers/disputes/entries/%00".into(),
            format!("/registers/disputes?unit={}", h.bureau),
        ] {
            stranger.get(&path).await.page(404);
        }
        for path in ["closing", "reopening", "recheck", "reversal"] {
            let fields = [
                ("reason", "误登一条"),
                ("note", "已办结"),
                ("closed", "2026-11-19"),
                ("confirm", "冲正"),
            ];
            stranger
                .post(&format!("{at}/{path}"), &fields)
                .await
                .page(404);
        }
        let fields = form(&t);
        let typed = send(&stranger, "/registers/disputes/entries", &fields, &[])
            .await
            .page(422);
        assert!(!typed.contains("单位O1"), "the unit is out of scope");
        // An entry of another register has no page here.
        let all = App::all(&h, &t, Scope::All);
        all.get(&format!("/registers/honours/entries/{id}"))
            .await
            .page(404);
        // Who only reads changes nothing.
        let reader = App::new(&h, &t, h.leader, &[(registers::READ, Scope::All)]);
        let page = reader.get(&at).await.page(200);
        assert!(!page.contains("/edit") && !page.contains("name=\"confirm\""));
        reader.get("/registers/disputes/new").await.page(404);
        reader.get("/registers/review").await.page(404);
        reader.post(&at, &[("reason", "x")]).await.page(404);
        // Hostile questions: an empty list or a refusal, never a broken page.
        for query in [
            "page=9223372036854775807",
            "after=x",
            "before=2026-01-01.x",
            "class=%00",
            "q=%25%27",
            "from=9999-99-99",
            "unit=zzz",
        ] {
            let status = all
                .get(&format!("/registers/disputes?{query}"))
                .await
                .status;
            assert!(!status.is_server_error(), "{query}: {status}");
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_texts_stay_texts_and_lists_are_turned() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut given = with(&[("count", "3"), ("story", "<img src=x onerror=alert(1)>")]);
        given.people = vec![("002".into(), String::new())];
        let bad = h.new_entry(&t, "disputes", "<script>alert(1)</script>", given);
        let id = h.record(&bad).await.unwrap();
        for n in 1..=45 {
            let mut new = h.new_entry(
                &t,
                "disputes",
                &format!("纠纷{n:02}号"),
                with(&[("count", "1")]),
            );
            new.given.date = format!("2026-{:02}-10", n % 10 + 1);
            h.record(&new).await.unwrap();
        }
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let page = app
            .get(&format!("/registers/disputes/entries/{id}"))
            .await
            .page(200);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>alert"));
        assert!(!page.contains("<img src=x") && !page.contains("<b>乙</b>"));
        // Every entry is on one page, whichever way one turns.
        for sort in ["-date", "date", "-recorded", "recorded"] {
            let mut seen = std::collections::BTreeSet::new();
            let mut path = format!("/registers/disputes?sort={sort}");
            let mut last = String::new();
            for page in 1..=3 {
                let text = app.get(&path).await.page(200);
                let titles = (1..=45).filter(|n| text.contains(&format!("纠纷{n:02}号")));
                let before = seen.len();
                seen.extend(titles);
                assert!(seen.len() - before <= 20);
                let next = text
                    .split("rel=\"next\"")
                    .next()
                    .and_then(|t| t.rsplit("href=\"").next());
                last.clone_from(&path);
                path = next
                    .unwrap()
                    .trim_end_matches("\" ")
                    .replace("&amp;", "&")
                    .replace("&#x2f;", "/");
                assert!(page == 3 || path.contains("after="), "{sort}: {path}");
            }
            assert_eq!(seen.len(), 45, "{sort}");
            let text = app.get(&last).await.page(200);
            let back = text
                .split("rel=\"prev\"")
                .next()
                .and_then(|t| t.rsplit("href=\"").next());
            let back = back
                .unwrap()
                .trim_end_matches("\" ")
                .replace("&amp;", "&")
                .replace("&#x2f;", "/");
            assert!(back.contains("before="), "{back}");
            let middle = app.get(&back).await.page(200);
            assert_eq!(middle.matches("class=\"ttl\"").count(), 20, "{sort}");
        }
        for (query, yes, no) in [
            ("q=纠纷07", "纠纷07号", "纠纷08号"),
            ("from=2026-10-01", "纠纷09号", "纠纷08号"),
            ("state=reversed", "没有符合条件", "纠纷07号"),
            ("class=land", "没有符合条件", "纠纷07号"),
            (
                "columns=level,recorded",
                "data-label=\"密级\"",
                "data-label=\"单位\"",
            ),
        ] {
            let text = app
                .get(&format!(
                    "/registers/disputes?{}",
                    query.replace("纠纷", "%E7%BA%A0%E7%BA%B7")
                ))
                .await
                .page(200);
            assert!(text.contains(yes) && !text.contains(no), "{query}");
        }
        let found = app
            .get(&format!("/search?q={}", web::encode("纠纷07")))
            .await
            .page(200);
        assert!(found.contains("/registers/disputes/entries/"), "{found}");
    })
    .await;
}

#[tokio::test]
async fn the_queue_is_worked_off_in_one_go() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        for n in 0..3 {
            let new = h.new_entry(
                &t,
                "honours",
                &format!("先进集体{n}"),
                with(&[("level", "national")]),
            );
            h.record(&new).await.unwrap();
        }
        let own = App::all(&h, &t, Scope::All);
        assert!(
            own.get("/registers/review")
                .await
                .page(200)
                .contains("没有待审核的登记")
        );
        let grants = [registers::READ, registers::REVIEW].map(|p| (p, Scope::All));
        let leader = App::new(&h, &t, h.leader, &grants);
        assert!(
            leader
                .get("/registers")
                .await
                .page(200)
                .contains("3 条等待审核")
        );
        let page = leader.get("/registers/review").await.page(200);
        let picks = hidden(&page, "pick");
        assert_eq!(picks.len(), 3);
        let act = async |act: &str, reason: &str, picks: &[&String]| {
            let mut fields = vec![("act", act), ("reason", reason)];
            fields.extend(picks.iter().map(|p| ("pick", p.as_str())));
            leader.post("/registers/review", &fields).await
        };
        act("return", "", &[&picks[0]]).await.page(422);
        act("nonsense", "", &[&picks[0]]).await.page(404);
        let done = act("return", "级别有误", &[&picks[0]]).await.page(200);
        assert!(done.contains("退回 1 条"), "{done}");
        let done = act("accept", "", &[&picks[0], &picks[1], &picks[2]])
            .await
            .page(200);
        assert!(
            done.contains("通过 2 条，未办理 1 条") && done.contains("刚刚有人办理"),
            "{done}"
        );
        assert!(
            leader
                .get("/registers/review")
                .await
                .page(200)
                .contains("没有待审核")
        );
        let page = own.get("/registers/honours?state=returned").await.page(200);
        assert_eq!(page.matches("class=\"ttl\"").count(), 1);
        // The one that was returned says why, on its page.
        let at = page
            .split("class=\"ttl\" href=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert!(
            own.get(&at.replace("&#x2f;", "/"))
                .await
                .page(200)
                .contains("级别有误")
        );
    })
    .await;
}

#[tokio::test]
async fn programs_enter_and_read_over_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let read = async |path: &str| -> Value {
            let answer = app.get(path).await;
            answer.page(200);
            serde_json::from_slice(&answer.bytes).unwrap()
        };
        let all = read("/api/v1/registers").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 4);
        let post = async |body: &Value| {
            let body = serde_json::to_vec(body).unwrap();
            app.send("POST", "/api/v1/registers/disputes/entries", "application/json", body).await
        };
        let upload = app.lay_down("a.pdf", b"%PDF").await;
        let id = t.env.new_id::<Id>();
        let body = json!({ "id": id, "unit": h.offices[0], "title": "接口登记", "date": "2026-11-18",
            "values": { "count": "7", "kind": "land" }, "people": [{ "staff_no": "001", "role": "lead" }], "uploads": [upload] });
        post(&body).await.page(201);
        post(&body).await.page(201);
        assert_eq!(h.facts(id).await.len(), 2);
        assert_eq!(h.standing(id).await[0].source, "api");
        let list = read("/api/v1/registers/disputes/entries?class=land").await;
        assert_eq!((&list["total"], &list["items"][0]["values"]["count"]), (&json!(1), &json!("7")));
        let one = read(&format!("/api/v1/registers/disputes/entries/{id}")).await;
        assert_eq!((&one["timeline"][0]["act"], &one["evidence"][0]["name"]), (&json!("recorded"), &json!("a.pdf")));
        for (field, value) in [("title", json!("")), ("date", json!("2026-13-01")), ("values", json!({ "count": "x" }))] {
            let mut wrong = body.clone();
            wrong["id"] = json!(t.env.new_id::<Id>());
            wrong["uploads"] = json!([]);
            wrong[field] = value;
            post(&wrong).await.page(422);
        }
        let mut outside = body.clone();
        (outside["id"], outside["unit"], outside["uploads"]) = (json!(t.env.new_id::<Id>()), json!(h.elsewhere), json!([]));
        post(&outside).await.page(404);
        for query in ["state=x", "from=x", "after=x"] {
            app.get(&format!("/api/v1/registers/disputes/entries?{query}")).await.page(422);
        }
    })
    .await;
}
