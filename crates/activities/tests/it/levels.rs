//! Levels of secrecy of activities: given, refused, changed, shown, exported.

use axum::http::StatusCode;
use kernel::Scope;
use serde_json::{Value, json};
use testkit::on_both;

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

#[tokio::test]
async fn a_record_has_a_level_that_may_be_here_and_every_change_is_traced() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let scope = Scope::Under(vec![h.bureau]);
        let new = h.session(&t, day(11, 20));
        let id = h.record(&new).await.unwrap();
        let level = async || h.activities.activity(id, &scope).await.unwrap().0.level;
        assert_eq!(level().await, "internal");
        for (level, key) in [
            ("work-secret", "secrecy-level-above"),
            ("secret", "secrecy-level-classified"),
            ("top-secret", "secrecy-level-classified"),
            ("x", "secrecy-level-unknown"),
        ] {
            let mut other = h.session(&t, day(11, 13));
            other.level = level.into();
            assert_eq!(refused(h.record(&other).await), why("level", key));
            let set = h
                .activities
                .set_level(id, level, "误定密级", &scope, h.clerk);
            assert_eq!(refused(set.await), why("level", key));
        }
        let set = async |level: &str, reason: &str, scope: &Scope| {
            h.activities
                .set_level(id, level, reason, scope, h.clerk)
                .await
        };
        assert_eq!(
            refused(set("public", " 无", &scope).await),
            why("level-reason", "level-reason-missing")
        );
        assert_eq!(
            refused(set("", "误定密级", &scope).await),
            why("level", "secrecy-level-unknown")
        );
        let elsewhere = Scope::Under(vec![h.elsewhere]);
        assert_eq!(
            refused(set("public", "可以公开", &elsewhere).await),
            why("", "not-found")
        );
        assert_eq!(h.audited("activity.level-changed").await, []);
        set("public", " 已在网站公布 ", &scope).await.unwrap();
        set("public", "又一次", &scope).await.unwrap();
        assert_eq!(level().await, "public");
        set("internal", "尚未公布", &scope).await.unwrap();
        let traced = h.audited("activity.level-changed").await;
        let detail: Vec<Value> = traced
            .iter()
            .map(|(_, d)| serde_json::from_str(d).unwrap())
            .collect();
        assert_eq!(
            detail,
            [
                json!({ "from": "internal", "to": "public", "reason": "已在网站公布" }),
                json!({ "from": "public", "to": "internal", "reason": "尚未公布" }),
            ]
        );
        assert!(traced.iter().all(|(object, _)| *object == id.to_string()));
    })
    .await;
}

#[tokio::test]
async fn pages_export_and_api_carry_the_level() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let form = app.get("/activities/new").await.page(200);
        assert!(
            form.contains("<option value=\"internal\" selected>内部"),
            "{form}"
        );
        assert!(
            !form.contains("value=\"secret\"") && !form.contains("value=\"work-secret\""),
            "{form}"
        );
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let path = format!("/activities/{id}");
        assert!(app.get(&path).await.page(200).contains("<b>内部</b>"));
        let change = |level| [("level", level), ("level-reason", "已在网站公布")];
        let place = format!("{path}/level");
        let page = app.post(&place, &change("secret")).await.page(422);
        assert!(
            page.contains("保密工作机构") && page.contains("已在网站公布"),
            "{page}"
        );
        let page = app.post(&place, &change("work-secret")).await.page(422);
        assert!(page.contains("本系统最高只能存放“内部”的记录"), "{page}");
        assert_eq!(
            app.post(&place, &change("public")).await.status,
            StatusCode::SEE_OTHER
        );
        assert!(
            !app.get(&path).await.page(200).contains("<b>公开</b>"),
            "nothing is marked"
        );
        for (query, there) in [("level=public", true), ("level=internal", false)] {
            let list = app
                .get(&format!("/activities?{query}&show=title,level"))
                .await
                .page(200);
            assert_eq!(
                list.contains(&format!("href=\"{path}\"").replace('/', "&#x2f;"))
                    || list.contains(&format!("href=\"{path}\"")),
                there,
                "{list}"
            );
            let items = app.get(&format!("/api/v1/activities?{query}")).await.text();
            let items: Value = serde_json::from_str(&items).unwrap();
            assert_eq!(items["total"], i64::from(there));
        }
        let api = format!("/api{}/level", path.replacen("/", "/v1/", 1));
        let put = async |body: Value| {
            let bytes = body.to_string().into_bytes();
            app.send("PUT", &api, "application/json", bytes).await
        };
        let wrong = put(json!({ "level": "secret", "reason": "误定密级" })).await;
        assert_eq!(
            wrong.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            wrong.text()
        );
        let set = put(json!({ "level": "internal", "reason": "尚未公布" })).await;
        assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.text());
        let shown = app
            .get(&format!("/api{}", path.replacen("/", "/v1/", 1)))
            .await;
        let shown: Value = serde_json::from_slice(&shown.bytes).unwrap();
        assert_eq!(shown["level"], "internal");
        // The sheet has the level, and that it was taken out is traced.
        let sheet = app.get("/activities/export?level=internal").await;
        assert_eq!(sheet.status, StatusCode::OK);
        let sheet =
            commons::sheets::read("x.xlsx", &sheet.bytes, &commons::sheets::Limits::default())
                .unwrap();
        let cells: Vec<String> = sheet.cells().map(|c| c.text.to_owned()).collect();
        assert!(
            cells.contains(&"密级".to_owned()) && cells.contains(&"内部".to_owned()),
            "{cells:?}"
        );
        let traced = h.audited("activities.exported").await;
        assert_eq!(traced.len(), 1);
        let detail: Value = serde_json::from_str(&traced[0].1).unwrap();
        assert_eq!(
            (&detail["rows"], &detail["level"]),
            (&json!(1), &json!("internal"))
        );
        // A reader changes nothing.
        let reader = App::new(&h, &t, &[(activities::READ, Scope::All)]);
        assert_eq!(
            reader.post(&place, &change("public")).await.status,
            StatusCode::NOT_FOUND
        );
    })
    .await;
}
