//! Practical things: done with evidence, confirmed by somebody else, rated with slips that work once.

use kernel::{Date, Id};
use testkit::on_both;

use crate::house::{App, House, Sees as _, hidden, migrations};

async fn promised(h: &House) -> (App, String) {
    let app = h.app(h.reporters[0]);
    let (_, page) = app.get("/tasks/practical/new").await;
    let id = hidden(&page, "id");
    let fields = [
        ("id", id.as_str()),
        ("kind", "people"),
        ("unit", "O1"),
        ("title", "窗口<延时>服务"),
        ("served", "办事群众"),
        ("due", "2026-12-01"),
    ];
    let missing = app.post("/tasks/practical", &fields[..4]).await;
    assert!(
        missing.0 == 422 && missing.1.contains("请填日期"),
        "{}",
        missing.1
    );
    let (status, to) = app.post("/tasks/practical", &fields).await;
    assert_eq!(status, 303, "{to}");
    // Sent twice it is promised once.
    assert_eq!(app.post("/tasks/practical", &fields).await.1, to);
    (app, to)
}

async fn seen(app: &App, path: &str) -> String {
    hidden(&app.get(path).await.1, "seen")
}

fn id_of(path: &str) -> Id {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn it_is_done_with_evidence_confirmed_by_another_and_rated_without_an_account() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (app, at) = promised(&h).await;
        let leader = h.app(h.leader);
        assert!(app.get(&at).await.1.contains("窗口&lt;延时&gt;服务"));
        assert_eq!(h.app(h.reporters[1]).get(&at).await.0, 404);
        let v = seen(&app, &at).await;
        let progress = [
            ("seen", v.as_str()),
            ("percent", "50"),
            ("said", "已开两个窗口"),
        ];
        assert_eq!(
            app.parts(&format!("{at}/acts/progress"), &progress, None)
                .await
                .0,
            303
        );
        let v = seen(&app, &at).await;
        let finish = [
            ("seen", v.as_str()),
            ("day", "2026-11-20"),
            ("said", "全部开通"),
        ];
        let bare = app.parts(&format!("{at}/acts/finish"), &finish, None).await;
        assert!(
            bare.0 == 422 && bare.1.contains("请附上佐证材料"),
            "{}",
            bare.1
        );
        let file = Some(("照片.txt", "照片".as_bytes()));
        let done = app.parts(&format!("{at}/acts/finish"), &finish, file).await;
        assert_eq!(done.0, 303, "{}", done.1);
        assert!(h.standing(id_of(&at)).await.is_empty(), "not confirmed yet");
        let v = seen(&leader, &at).await;
        let confirm = [("seen", v.as_str())];
        assert_eq!(
            app.parts(&format!("{at}/acts/confirm"), &confirm, None)
                .await
                .0,
            404
        );
        assert_eq!(
            leader
                .parts(&format!("{at}/acts/confirm"), &confirm, None)
                .await
                .0,
            303
        );
        assert_eq!(h.roles(id_of(&at)).await, ["task-practical/in-time"]);
        assert_eq!(h.standing(id_of(&at)).await[0].evidence.len(), 1);
        // Six slips; five answer.
        let v = seen(&leader, &at).await;
        let asked = [("seen", v.as_str()), ("slips", "6")];
        let (status, page) = leader.post(&format!("{at}/slips"), &asked).await;
        assert_eq!(status, 200, "{page}");
        let codes: Vec<String> = page
            .split("<p><b class=\"num\">")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect();
        assert_eq!(codes.len(), 6);
        assert_eq!(page.matches("crispEdges").count(), 6, "a picture on each");
        let score = page.split("/score/").nth(1).unwrap()[..24].to_owned();
        let score = format!("/score/{score}");
        let stranger = h.stranger();
        let (status, page) = stranger.get(&score).await;
        assert!(
            status == 200 && page.contains("办事群众") && !page.contains("人员"),
            "{page}"
        );
        let scanned = stranger.get(&format!("{score}?code={}", codes[0])).await.1;
        let filled = format!("value=\"{}\"", codes[0]);
        assert!(scanned.contains(&filled), "{scanned}");
        assert_eq!(stranger.get("/score/nothing").await.0, 404);
        let wrong = stranger
            .post(&score, &[("code", "AAAAA-BBBBB"), ("score", "5")])
            .await;
        assert!(
            wrong.0 == 422 && wrong.1.contains("评价码不对"),
            "{}",
            wrong.1
        );
        let high = stranger
            .post(&score, &[("code", codes[0].as_str()), ("score", "6")])
            .await;
        assert!(
            high.0 == 422 && high.1.contains("请选一个评分"),
            "{}",
            high.1
        );
        for (n, code) in codes[..4].iter().enumerate() {
            let score_of = if n == 0 { "3" } else { "5" };
            let typed = code.to_lowercase().replace('-', " ");
            let sent = stranger
                .post(&score, &[("code", &typed), ("score", score_of)])
                .await;
            assert_eq!(sent.0, 303, "{}", sent.1);
            let twice = stranger
                .post(&score, &[("code", code), ("score", "1")])
                .await;
            assert_eq!(twice.0, 422);
        }
        // Four of at least five: no mean, no words, nothing to settle.
        let (_, page) = leader.get(&at).await;
        assert!(page.contains("不足 5 份"), "{page}");
        let v = hidden(&page, "seen");
        let few = leader
            .parts(&format!("{at}/acts/settle"), &[("seen", &v)], None)
            .await;
        assert!(few.0 == 422 && few.1.contains("至少要有 5 份"), "{}", few.1);
        let last = [
            ("code", codes[4].as_str()),
            ("score", "5"),
            ("said", "很方便"),
        ];
        assert_eq!(stranger.post(&score, &last).await.0, 303);
        let (_, page) = leader.get(&at).await;
        assert!(page.contains("4.60") && page.contains("很方便"), "{page}");
        let settled = leader
            .parts(&format!("{at}/acts/settle"), &[("seen", &v)], None)
            .await;
        assert_eq!(settled.0, 303, "{}", settled.1);
        let facts = h.standing(id_of(&at)).await;
        let fact = facts
            .iter()
            .find(|f| f.kind == "task-satisfaction")
            .unwrap();
        assert_eq!(
            (fact.role.as_deref(), fact.quantity),
            (Some("asked"), Some(4_600))
        );
        let over = stranger
            .post(&score, &[("code", codes[5].as_str()), ("score", "1")])
            .await;
        assert!(
            over.0 == 422 && over.1.contains("评价已经结束"),
            "{}",
            over.1
        );
        // Opened again for a correction, all of it goes back.
        let v = seen(&leader, &at).await;
        let again = [("seen", v.as_str()), ("reason", "登记有误")];
        assert_eq!(
            leader
                .parts(&format!("{at}/acts/reopen"), &again, None)
                .await
                .0,
            303
        );
        assert!(h.standing(id_of(&at)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_confirms_or_rates_what_they_did_and_ratings_from_elsewhere_are_marked() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (eyes, actor) = (h.all.eyes(), h.all.actor());
        let new = tasks::NewPractical {
            id: h.env.new_id(),
            kind: "people".into(),
            unit: h.bureau,
            title: "延时服务".into(),
            served: "群众".into(),
            detail: String::new(),
            person: Some(h.leader.person),
            due: Date::constant(2026, 11, 20),
        };
        let id = h.tasks.promise(&new, &eyes, &actor).await.unwrap();
        let at = format!("/tasks/practical/{id}");
        let all = h.app(h.all);
        t.clock.advance(24 * 3600);
        let v = seen(&all, &at).await;
        let finish = [
            ("seen", v.as_str()),
            ("day", "2026-11-21"),
            ("said", "办好"),
        ];
        let file = Some(("a.txt", &b"a"[..]));
        assert_eq!(
            all.parts(&format!("{at}/acts/finish"), &finish, file)
                .await
                .0,
            303
        );
        let v = seen(&all, &at).await;
        let confirm = [("seen", v.as_str())];
        let own = all
            .parts(&format!("{at}/acts/confirm"), &confirm, None)
            .await;
        assert!(own.0 == 422 && own.1.contains("承办的人不能"), "{}", own.1);
        // The leader is the one who had to do it.
        let leader = h.app(h.leader);
        let own = leader
            .parts(&format!("{at}/acts/confirm"), &confirm, None)
            .await;
        assert!(own.0 == 422 && own.1.contains("承办的人不能"), "{}", own.1);
    })
    .await;
}
