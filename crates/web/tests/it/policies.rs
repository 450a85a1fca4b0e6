use axum::http::StatusCode;

use crate::app::{ask, get, module};

const READ: (&str, &str) = ("x-test-grants", "note.read");

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back() {
    let answer = get("/notes?page=2&q=%E4%B8%AD", &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.header("location"),
        "/sign-in?next=/notes%3Fpage%3D2%26q%3D%25E4%25B8%25AD"
    );
    let answer = get("/notes", &[("hx-request", "true")]).await;
    assert_eq!(answer.header("hx-redirect"), "/sign-in?next=/notes");
}

#[tokio::test]
async fn a_sent_form_without_session_keeps_the_typing_in_history() {
    let answer = ask("POST", "/notes", &[], "title=a").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("登录已失效"), "{}", answer.body);
    assert!(answer.body.contains("href=\"/sign-in?next=/\""));
}

#[tokio::test]
async fn the_api_answers_strangers_with_a_problem() {
    let answer = get("/api/v1/notes", &[("accept-language", "en-GB,zh;q=0.5")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.header("content-language"), "en");
    let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["instance"], "/api/v1/notes");
}

#[tokio::test]
async fn what_one_may_not_see_does_not_exist() {
    for grants in ["other.read", "nowhere", ""] {
        for path in ["/notes", "/api/v1/notes"] {
            let answer = get(path, &[("x-test-grants", grants)]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{grants} {path}");
        }
        let nowhere = get("/no-such-page", &[("x-test-grants", grants)]).await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    }
    let refused = ask("POST", "/notes", &[READ], "title=a").await;
    assert_eq!(
        refused.status,
        StatusCode::NOT_FOUND,
        "reading is not writing"
    );
}

#[tokio::test]
async fn holders_come_in_with_their_scope() {
    let answer = get("/notes", &[READ]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("in one unit"));
    let mine = get("/mine", &[READ]).await;
    assert_eq!(
        mine.body, "林晓岚 true",
        "signed in only: the scope is nothing"
    );
    assert_eq!(get("/mine", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(get("/open", &[]).await.body, "open");
}

#[tokio::test]
async fn posts_from_other_sites_are_refused() {
    let write = ("x-test-grants", "note.write");
    let foreign = [
        [("sec-fetch-site", "cross-site"), write],
        [("origin", "https://evil.example"), write],
        [("origin", "null"), write],
    ];
    for headers in foreign {
        let answer = ask("POST", "/notes", &headers, "title=a").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(answer.body.contains("其他网站"));
    }
    for headers in [
        [("sec-fetch-site", "same-origin"), write],
        [("origin", "http://suneng.test"), write],
    ] {
        let answer = ask("POST", "/notes", &headers, "title=a").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{headers:?}");
    }
}

#[test]
fn the_route_table_is_complete() {
    let table: Vec<String> = web::route_table(&[module()])
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        table,
        [
            "GET /api/v1/fail/{kind} public",
            "GET /api/v1/notes note.read",
            "GET /api/v1/search signed-in",
            "GET /fail/{kind} public",
            "GET /mine signed-in",
            "GET /notes note.read",
            "POST /notes note.write",
            "GET /open public",
            "GET /openapi.json public",
            "POST /preferences public",
            "GET /search signed-in",
            "GET /sign-in public",
            "GET /styleguide signed-in",
            "GET /styleguide/look signed-in",
            "GET /styleguide/options signed-in",
        ]
    );
}
