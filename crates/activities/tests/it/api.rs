//! The JSON API over HTTP.

use axum::http::StatusCode;
use kernel::Scope;
use serde_json::{Value, json};
use testkit::on_both;

use crate::house::{House, migrations};
use crate::pages::{Answer, App};

async fn post(app: &App, path: &str, body: &Value) -> Answer {
    let bytes = body.to_string().into_bytes();
    app.send("POST", path, "application/json", bytes).await
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.bytes).expect("JSON")
}

/// What RFC 9457 asks for.
fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.kind, "application/problem+json", "{}", answer.text());
    let body = json_of(answer);
    assert_eq!(body["status"], status);
    assert!(body["title"].is_string());
    body
}

#[tokio::test]
async fn a_session_lives_through_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let body = json!({
            "kind": "friday-study", "host": h.offices[0], "title": "学习", "date": "2026-11-20",
            "starts": "09:00", "ends": "10:30",
            "roster": [{ "person": h.people["001"], "role": "present" }, { "person": h.people["002"], "role": "absent" }],
        });
        let made = post(&app, "/api/v1/activities", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let id = json_of(&made)["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/activities/{id}");
        let shown = json_of(&app.get(&path).await);
        assert_eq!((&shown["minutes"], &shown["late"]), (&json!(90), &json!(false)));
        assert_eq!(shown["roster"].as_array().unwrap().len(), 2);
        let came = json!({ "person": h.people["003"], "role": "present" });
        let attendance = format!("{path}/attendance");
        assert_eq!(post(&app, &attendance, &came).await.status, StatusCode::CREATED);
        assert_eq!(post(&app, &attendance, &came).await.status, StatusCode::OK);
        let list = json_of(&app.get("/api/v1/activities").await);
        assert_eq!((&list["total"], &list["items"][0]["present"]), (&json!(1), &json!(2)));
        assert_eq!(h.numbers(h.bureau).await, (2, 180, 2, 1));
        let reversal = format!("{path}/reversal");
        problem(&post(&app, &reversal, &json!({ "reason": "" })).await, 422);
        let reason = json!({ "reason": "误录一场" });
        assert_eq!(post(&app, &reversal, &reason).await.status, StatusCode::NO_CONTENT);
        problem(&post(&app, &reversal, &reason).await, 409);
        problem(&post(&app, &attendance, &came).await, 409);
        assert_eq!(h.numbers(h.bureau).await, (0, 0, 0, 0));
        h.proven().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_and_what_is_outside_is_not_there() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let good = json!({
            "kind": "friday-study", "host": h.offices[0], "title": "学习", "date": "2026-11-20",
            "starts": "09:00", "ends": "10:30",
            "roster": [{ "person": h.people["001"], "role": "present" }],
        });
        for (field, value, status) in [
            ("title", json!(""), 422),
            ("date", json!("20.11.2026"), 422),
            ("starts", json!("9 Uhr"), 422),
            ("roster", json!([]), 422),
            (
                "roster",
                json!([{ "person": h.people["005"], "role": "present" }]),
                422,
            ),
            ("host", json!(h.elsewhere), 404),
            ("kind", json!("x"), 404),
        ] {
            let mut body = good.clone();
            body[field] = value;
            problem(&post(&app, "/api/v1/activities", &body).await, status);
        }
        // What cannot be read at all is a problem of the client, in the same form.
        for (field, value) in [
            ("host", json!("x")),
            ("title", json!(7)),
            ("surprise", json!(1)),
        ] {
            let mut body = good.clone();
            body[field] = value;
            let answer = post(&app, "/api/v1/activities", &body).await;
            assert!(answer.status.is_client_error(), "{}", answer.text());
            problem(&answer, answer.status.as_u16());
        }
        for path in ["x", "%00", "x/attendance", "x/reversal"] {
            let answer = app.get(&format!("/api/v1/activities/{path}")).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
        }
        problem(&app.get("/api/v1/activities?from=x").await, 422);
        for query in ["page=9223372036854775807", "kind=%00"] {
            let status = app.get(&format!("/api/v1/activities?{query}")).await.status;
            assert!(!status.is_server_error(), "{query}");
        }
        let mut outside = h.session(&t, crate::house::day(11, 20));
        outside.host = h.elsewhere;
        let id = h.record(&outside).await.unwrap();
        let path = format!("/api/v1/activities/{id}");
        problem(&app.get(&path).await, 404);
        let came = json!({ "person": h.people["003"], "role": "present" });
        problem(&post(&app, &format!("{path}/attendance"), &came).await, 404);
        let reason = json!({ "reason": "误录一场" });
        problem(&post(&app, &format!("{path}/reversal"), &reason).await, 404);
        problem(
            &app.get(&format!("/api/v1/activities?unit={}", h.elsewhere))
                .await,
            404,
        );
        assert_eq!(json_of(&app.get("/api/v1/activities").await)["total"], 0);
        let reader = App::new(&h, &t, &[(activities::READ, Scope::All)]);
        problem(&post(&reader, "/api/v1/activities", &good).await, 404);
        problem(
            &post(&reader, &format!("{path}/reversal"), &reason).await,
            404,
        );
        assert_eq!(h.standing(id).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn confirmations_go_through_the_api() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let scope = Scope::Under(vec![h.bureau]);
        let id = h.record(&h.session(&t, crate::house::day(11, 20))).await.unwrap();
        let grants = [activities::READ, activities::CONFIRM].map(|p| (p, scope.clone()));
        let (own, leader) = (App::new(&h, &t, &grants), h.as_other(&t));
        let app = App::new(&leader, &t, &grants);
        let waits = async |app: &App| json_of(&app.get("/api/v1/activities/unconfirmed").await);
        assert_eq!(waits(&own).await["total"], 0, "not one's own");
        let waiting = waits(&app).await;
        assert_eq!((&waiting["total"], &waiting["items"][0]["id"]), (&json!(1), &json!(id)));
        assert_eq!(waiting["items"][0]["changes"], 0);
        let confirm = async |app: &App, changes: i64| {
            let body = json!({ "activities": [{ "id": id, "changes": changes }, { "id": h.elsewhere, "changes": 0 }] });
            json_of(&post(app, "/api/v1/activities/confirmations", &body).await)["items"].clone()
        };
        let said = confirm(&app, 3).await;
        assert_eq!((&said[0]["confirmed"], &said[0]["code"]), (&json!(false), &json!("confirm-changed")));
        assert_eq!(said.as_array().unwrap().len(), 1, "what is not there is not answered");
        assert_eq!(confirm(&own, 0).await[0]["code"], "confirm-own");
        assert_eq!(confirm(&app, 0).await[0]["confirmed"], true);
        let back = format!("/api/v1/activities/{id}/return");
        problem(&post(&app, &back, &json!({ "reason": "" })).await, 422);
        problem(&post(&own, &back, &json!({ "reason": "人数不符" })).await, 409);
        let returned = post(&app, &back, &json!({ "reason": "人数不符" })).await;
        assert_eq!(returned.status, StatusCode::NO_CONTENT, "{}", returned.text());
        let path = format!("/api/v1/activities/{id}/confirmations");
        let history = json_of(&own.get(&path).await);
        let acts: Vec<_> = history["items"].as_array().unwrap().iter().map(|i| i["act"].clone()).collect();
        assert_eq!(acts, ["confirmed", "returned"]);
        assert_eq!(history["items"][1]["reason"], "人数不符");
        let outside = App::new(&h, &t, &[(activities::READ, Scope::Under(vec![h.elsewhere]))]);
        problem(&outside.get(&path).await, 404);
        problem(&post(&outside, &back, &json!({ "reason": "人数不符" })).await, 404);
    })
    .await;
}
