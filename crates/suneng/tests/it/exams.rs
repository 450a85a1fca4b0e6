//! An examination over the API, as programs and load generators use it: signed in by a password, or with a ticket.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use exams::{Item, Paper, Section, Shows, Takes, Terms};
use kernel::{Id, Scope, Timestamp};
use questions::{Key, Kind, Question, Rule};
use serde_json::{Value, json};

use crate::approvals::{House, PASSWORD};

fn paper() -> Paper {
    let item = |n: usize| Item {
        question: Question {
            options: ["甲说", "乙说", "丙说"].map(|o| format!("{o}{n}")).into(),
            key: Key::Choices("B".parse().unwrap()),
            ..Question::new(Kind::Single, format!("第{n}题？<script>alert(1)</script>"))
        },
        points: 1_500,
        from: None,
    };
    Paper {
        title: "季度测试".into(),
        sections: vec![Section {
            title: "单项选择题".into(),
            rule: Rule::Exact,
            pick: 2,
            items: (0..2).map(item).collect(),
        }],
        mixed: true,
        mixed_options: true,
    }
}

struct Api<'a> {
    house: &'a House,
    proof: String,
    language: &'static str,
}

impl Api<'_> {
    async fn ask(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "suneng.test")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT_LANGUAGE, self.language)
            .header(header::AUTHORIZATION, &self.proof)
            .body(Body::from(body));
        let (status, text) = self.house.send(request.unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

/// The letter of what is right, as it is seen.
fn right(item: &Value) -> &'static str {
    let options = item["options"].as_array().unwrap();
    let at = options
        .iter()
        .position(|o| o.as_str().unwrap().starts_with("乙说"));
    ["A", "B", "C"][at.unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_sat_by_account_and_by_ticket_at_fixed_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "局").await;
    let officer = house.someone("officer", "clerk", unit).await;
    house.someone("stranger", "clerk", unit).await;
    let exams = &house.rooms.exams;
    let now = house.world.env.now();
    let terms = Terms {
        unit,
        kind: "quarterly-test".into(),
        title: "第四季度测试".into(),
        opens: now,
        closes: Timestamp(now.0 + 3_600 * Timestamp::SECOND),
        seconds: 1_800,
        grace: 60,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: Some(1_500),
        shows: Shows::AtOnce,
    };
    let all = Scope::All;
    let exam = exams
        .create(&paper(), terms, &all, officer.account)
        .await
        .unwrap();
    let begin = format!("/api/v1/exams/{exam}/attempts");
    let login = async |name: &str| {
        let nobody = Api {
            house: &house,
            proof: String::new(),
            language: "zh-CN",
        };
        let body = json!({ "username": name, "password": PASSWORD });
        let (status, body) = nobody.ask("POST", "/api/v1/login", body).await;
        assert_eq!(status, StatusCode::OK);
        Api {
            house: &house,
            proof: format!("Bearer {}", body["token"].as_str().unwrap()),
            language: "zh-CN",
        }
    };
    let me = login("officer").await;
    let (status, body) = me.ask("GET", "/api/v1/me", Value::Null).await;
    assert_eq!(
        (status, &body["person"]),
        (StatusCode::OK, &json!(officer.person)),
        "{body}"
    );
    let wrong = json!({ "username": "officer", "password": "x" });
    let (status, _) = me.ask("POST", "/api/v1/login", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    let (status, _) = me.ask("POST", &begin, Value::Null).await;
    assert_eq!(
        status,
        StatusCode::NOT_FOUND,
        "a draft with nobody on the list"
    );
    let seat = [(officer.person, unit)];
    assert_eq!(
        exams
            .admit(exam, &seat, &all, officer.account)
            .await
            .unwrap(),
        1
    );
    let (status, body) = me.ask("POST", &begin, Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        body["detail"].as_str().unwrap().contains("没有发布"),
        "{body}"
    );
    let english = Api {
        language: "en",
        ..login("officer").await
    };
    let (_, body) = english.ask("POST", &begin, Value::Null).await;
    assert!(
        body["detail"].as_str().unwrap().contains("not published"),
        "{body}"
    );
    exams.publish(exam, &all, officer.account).await.unwrap();
    let names = ["外单位考生".to_owned()];
    let issued = exams
        .issue(exam, &names, &all, officer.account)
        .await
        .unwrap();
    let guest = Api {
        house: &house,
        proof: format!("Ticket {}", issued[0].ticket.to_lowercase()),
        language: "zh-CN",
    };
    let (status, _) = login("stranger")
        .await
        .ask("POST", &begin, Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "not on the list");

    for api in [&me, &guest] {
        let (status, begun) = api.ask("POST", &begin, Value::Null).await;
        assert_eq!(status, StatusCode::CREATED, "{begun}");
        let items = begun["items"].as_array().unwrap();
        assert!(!begun.to_string().contains("\"key\""));
        assert!(begun["deadline"].as_i64() > begun["server_time"].as_i64());
        let attempt = begun["attempt"].as_str().unwrap();
        let path = |what: &str| format!("/api/v1/attempts/{attempt}/{what}");
        let answers: Vec<Value> = items
            .iter()
            .map(|i| json!({ "item": i["item"], "seq": 1, "value": right(i) }))
            .collect();
        let body = json!({ "answers": answers });
        let (status, saved) = api.ask("PUT", &path("answers"), body.clone()).await;
        assert_eq!(status, StatusCode::OK, "{saved}");
        assert_eq!(saved["saved"].as_array().unwrap().len(), 2);
        let strange = json!({ "answers": [{ "item": items[0]["item"], "seq": 2, "value": "F" }] });
        let (status, problem) = api.ask("PUT", &path("answers"), strange).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        let (status, _) = api
            .ask("PUT", &path("answers"), json!({ "answers": "all" }))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let huge = json!({ "answers": [{ "item": 1, "seq": 3, "value": "x".repeat(5 << 20) }] });
        let (status, _) = api.ask("PUT", &path("answers"), huge).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let other = Api {
            house: &house,
            proof: "Bearer x".into(),
            language: "zh-CN",
        };
        let (status, _) = other.ask("PUT", &path("answers"), body.clone()).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let none = Api {
            house: &house,
            proof: String::new(),
            language: "zh-CN",
        };
        let (status, _) = none.ask("PUT", &path("answers"), body).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let (status, _) = api.ask("GET", &path("result"), Value::Null).await;
        assert_eq!(status, StatusCode::CONFLICT, "not handed in");
        let (status, handed_in) = api.ask("POST", &path("submission"), Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        let (_, again) = api.ask("POST", &path("submission"), Value::Null).await;
        assert_eq!(again, handed_in);
        let (status, result) = api.ask("GET", &path("result"), Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&result["points"], &result["full"]),
            (&json!(3.0), &json!(3.0))
        );
        assert_eq!(
            (&result["passed"], &result["correct"]),
            (&json!(true), &json!(2))
        );
        assert_eq!(result["receipt"], handed_in["receipt"]);
    }
    let (status, _) = me
        .ask("POST", "/api/v1/exams/x/attempts", Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let nothing = format!("/api/v1/attempts/{}/result", Id::NIL);
    assert_eq!(
        me.ask("GET", &nothing, Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_does_not_end_a_sitting() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(folder.path()).await;
    let unit = house.unit(None, "局").await;
    let someone = house.someone("sitter", "clerk", unit).await;
    let exams = &house.rooms.exams;
    let now = house.world.env.now();
    let terms = Terms {
        unit,
        kind: "quarterly-test".into(),
        title: "第四季度测试".into(),
        opens: now,
        closes: Timestamp(now.0 + 3_600 * Timestamp::SECOND),
        seconds: 1_800,
        grace: 60,
        late: None,
        attempts: 1,
        takes: Takes::Best,
        pass: None,
        shows: Shows::AtOnce,
    };
    let all = Scope::All;
    let exam = exams
        .create(&paper(), terms, &all, someone.account)
        .await
        .unwrap();
    exams.publish(exam, &all, someone.account).await.unwrap();
    exams
        .admit(exam, &[(someone.person, unit)], &all, someone.account)
        .await
        .unwrap();
    let nobody = Api {
        house: &house,
        proof: String::new(),
        language: "zh-CN",
    };
    let body = json!({ "username": "sitter", "password": PASSWORD });
    let (_, body) = nobody.ask("POST", "/api/v1/login", body).await;
    let proof = format!("Bearer {}", body["token"].as_str().unwrap());
    let me = Api {
        house: &house,
        proof,
        language: "zh-CN",
    };
    let begin = format!("/api/v1/exams/{exam}/attempts");
    let (_, begun) = me.ask("POST", &begin, json!({ "device": "desk" })).await;
    let proof = format!("Bearer {}", begun["token"].as_str().unwrap());
    let sitting = Api {
        house: &house,
        proof,
        language: "zh-CN",
    };
    let attempt = begun["attempt"].as_str().unwrap();
    let path = format!("/api/v1/attempts/{attempt}/answers");
    let item = &begun["items"][0];
    let save = |seq: i64| json!({ "answers": [{ "item": item["item"], "seq": seq, "value": right(item) }] });
    assert_eq!(sitting.ask("PUT", &path, save(1)).await.0, StatusCode::OK);
    let (status, _) = me.ask("DELETE", "/api/v1/session", Value::Null).await;
    assert!(status.is_success(), "{status}");
    let (status, _) = me.ask("PUT", &path, save(2)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "the session is over");
    assert_eq!(
        sitting.ask("PUT", &path, save(3)).await.0,
        StatusCode::OK,
        "the sitting is not"
    );
    let (status, receipt) = sitting
        .ask("POST", &path.replace("answers", "submission"), Value::Null)
        .await;
    assert_eq!(
        (status, &receipt["receipt"]["answered"]),
        (StatusCode::OK, &json!(1))
    );
}
