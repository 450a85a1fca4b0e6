//! Pages and API, through HTTP.

use kernel::Id;
use serde_json::json;
use testkit::{on_both, on_sqlite};

use crate::house::{House, hidden, migrations};

#[test]
fn every_template_renders_in_every_language() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(on_sqlite(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let problems = h.template_problems(requests::module(h.requests.clone()));
        assert_eq!(problems, Vec::<String>::new());
    }));
}

#[tokio::test]
async fn it_is_asked_by_a_form_answered_with_a_file_and_confirmed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [asker, worker, lonely] = [h.asker, h.worker, h.lonely].map(|who| h.app(who));
        assert_eq!(
            lonely.get("/requests/new").await.0,
            404,
            "only who may ask has the form"
        );
        let (_, page) = asker.get("/requests/new").await;
        let (_, options) = asker.get("/requests/new/unit-options?unit=O1").await;
        assert!(options.contains("单位O1"), "{options}");
        let id = hidden(&page, "id");
        let mut fields = vec![
            ("id", id.as_str()),
            ("kind", "task"),
            ("title", "报送<b>整改</b>情况"),
            ("detail", "第一行\n第二行"),
            ("from", "B"),
            ("unit", "O1"),
            ("due", "soon"),
        ];
        let (status, page) = asker.post("/requests", &fields).await;
        assert!(
            status == 422 && page.contains("请填写日期") && page.contains("第二行"),
            "{page}"
        );
        fields[6] = ("due", "2026-11-27");
        let (status, to) = asker.post("/requests", &fields).await;
        assert_eq!(
            (status, to.as_str()),
            (303, format!("/requests/{id}").as_str())
        );
        let path = to;
        assert_eq!(lonely.get(&path).await.0, 404);
        let (_, list) = worker.get("/requests").await;
        assert!(
            list.contains("报送&lt;b&gt;整改") && list.contains("2026-11-27"),
            "{list}"
        );
        assert!(lonely.get("/requests").await.1.contains("没有待办的事项"));
        let (_, page) = worker.get(&path).await;
        let seen = hidden(&page, "seen");
        assert!(page.contains("接收") && !page.contains("确认办结"));
        assert_eq!(
            worker
                .post(&format!("{path}/accept"), &[("seen", &seen)])
                .await
                .0,
            303
        );
        // What was looked at before is told to be old.
        let (status, page) = worker
            .post(
                &format!("{path}/decline"),
                &[("seen", &seen), ("text", "不归本室")],
            )
            .await;
        assert!(status == 422 && page.contains("有了新的进展"), "{page}");
        let seen = hidden(&page, "seen");
        let (status, page) = worker
            .parts(
                &format!("/requests/{id}/answer"),
                &[("seen", &seen), ("text", "")],
                Some(("情况.pdf", b"%PDF 1")),
            )
            .await;
        assert!(
            status == 422 && page.contains("请写明办理情况") && page.contains("情况.pdf"),
            "{page}"
        );
        let held = hidden(&page, "held");
        let said = [
            ("seen", seen.as_str()),
            ("text", "已经办结\n附后"),
            ("held", &held),
            ("refs", "/registers/x 台账"),
        ];
        let (status, told) = worker
            .parts(&format!("/requests/{id}/answer"), &said, None)
            .await;
        assert_eq!(status, 303, "{told}");
        let (_, page) = asker.get(&path).await;
        for text in [
            "已经办结",
            "附后",
            "情况.pdf",
            "href=\"/registers/x\"",
            "台账",
            "确认办结",
        ] {
            assert!(page.contains(text), "{text}");
        }
        let sha256 = commons::files::FileHash::of(b"%PDF 1");
        let file = format!("{path}/files/{sha256}");
        assert_eq!(asker.get(&file).await, (200, "%PDF 1".into()));
        assert_eq!(lonely.get(&file).await.0, 404);
        let seen = hidden(&page, "seen");
        assert_eq!(
            worker
                .post(&format!("{path}/confirm"), &[("seen", &seen)])
                .await
                .0,
            403
        );
        assert_eq!(
            asker
                .post(&format!("{path}/confirm"), &[("seen", &seen)])
                .await
                .0,
            303
        );
        let (_, list) = asker.get("/requests?tab=asked&state=confirmed").await;
        assert!(list.contains("已办结"));
        let late = asker.get("/requests?tab=asked&late=1").await.1;
        assert!(!late.contains("2026-11-27"));
        let (_, sheet) = asker.get("/requests/list.csv?tab=unit").await;
        assert!(
            sheet.contains("报送<b>整改</b>情况") && sheet.contains("已办结"),
            "{sheet}"
        );
        assert_eq!(h.audited("list.exported").await, 1);
        let found = worker.get("/search?q=%E6%95%B4%E6%94%B9").await.1;
        assert!(found.contains(&path), "{found}");
    })
    .await;
}

#[tokio::test]
async fn programs_read_and_answer_over_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id: Id = h.ask(&h.task("报送整改情况")).await.unwrap();
        let [worker, lonely] = [h.worker, h.lonely].map(|who| h.app(who));
        let (_, list) = worker.json("GET", "/api/v1/requests", json!({})).await;
        assert_eq!((&list["total"], &list["requests"][0]["state"]), (&json!(1), &json!("asked")));
        let path = format!("/api/v1/requests/{id}");
        assert_eq!(lonely.json("GET", &path, json!({})).await.0, 404);
        let (_, one) = worker.json("GET", &path, json!({})).await;
        assert_eq!((&one["version"], &one["due"]), (&json!(1), &json!("2026-11-27")));
        let answer = format!("{path}/answer");
        let said = json!({ "version": 7, "text": "已办结" });
        assert_eq!(worker.json("POST", &answer, said).await.0, 409);
        let said = json!({ "version": 1, "text": "已办结", "refs": [{ "title": "台账", "href": "/registers/x" }] });
        assert_eq!(worker.json("POST", &answer, said).await, (200, json!({ "state": "answered" })));
        let (_, one) = worker.json("GET", &path, json!({})).await;
        assert_eq!(one["events"][1]["refs"][0]["title"], json!("台账"));
    })
    .await;
}
