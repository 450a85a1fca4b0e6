use axum::http::StatusCode;

use crate::app::{ask, get};

/// Kind, status, and a part of the page in Chinese and in English.
const KINDS: [(&str, u16, &str, &str); 8] = [
    ("403", 403, "没有办理权限", "not change it"),
    ("404", 404, "找不到这个页面", "cannot be found"),
    (
        "409",
        409,
        "&lt;b&gt;林&lt;/b&gt; 刚刚修改过",
        "has changed it",
    ),
    ("422", 422, "标题须为 1—20 字", "needs 1 to 20 characters"),
    ("busy", 503, "请等待 7 秒", "in 7 seconds"),
    ("503", 503, "存储暂不可用", "Storage is away"),
    ("500", 500, "错误编号", "Error number"),
    ("panic", 500, "错误编号", "Error number"),
];

#[tokio::test]
async fn every_failure_is_a_whole_page_in_the_readers_language() {
    for (kind, status, zh, en) in KINDS {
        for (lang, part) in [("zh-CN", zh), ("en", en)] {
            let cookie = format!("a=b; lang={lang}");
            let answer = get(&format!("/fail/{kind}"), &[("cookie", &cookie)]).await;
            assert_eq!(answer.status.as_u16(), status, "{kind}");
            assert!(answer.body.contains(part), "{kind} {lang}: {}", answer.body);
            assert!(answer.body.contains(&format!("<html lang=\"{lang}\"")));
            assert!(answer.body.contains("href=\"/\""), "the way out");
            assert!(
                !answer.body.contains("inner"),
                "{kind} tells what is for the log"
            );
            assert_eq!(answer.header("content-language"), lang);
        }
    }
}

#[tokio::test]
async fn every_failure_of_the_api_is_a_problem() {
    for (kind, status, _, en) in KINDS {
        let path = format!("/api/v1/fail/{kind}");
        let answer = get(&path, &[("accept-language", "en")]).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert!(!answer.body.contains("inner"));
        match kind {
            "422" => assert!(
                problem["errors"][0]["detail"]
                    .as_str()
                    .is_some_and(|d| d.contains(en))
            ),
            "500" | "panic" => assert_eq!(problem["number"].as_str().map(str::len), Some(8)),
            _ => assert!(answer.body.contains(en), "{problem}"),
        }
    }
}

#[tokio::test]
async fn busy_says_when_to_come_back() {
    assert_eq!(get("/fail/busy", &[]).await.header("retry-after"), "7");
    assert_eq!(get("/fail/503", &[]).await.header("retry-after"), "30");
    assert_eq!(get("/fail/409", &[]).await.header("retry-after"), "");
}

#[tokio::test]
async fn a_failed_part_takes_the_whole_page() {
    let answer = get("/fail/422", &[("hx-request", "true")]).await;
    assert_eq!(answer.header("hx-retarget"), "body");
    assert_eq!(get("/fail/422", &[]).await.header("hx-retarget"), "");
}

#[tokio::test]
async fn refusals_of_the_http_layer_are_pages_too() {
    let write = ("x-test-grants", "note.write");
    let method = ask("DELETE", "/open", &[], "").await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.body.contains("不支持该操作"));
    let unread = ask("POST", "/notes", &[write], "other=1").await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.body.contains("请求无法识别"), "{}", unread.body);
    let large = format!("title={}", "a".repeat(2 << 20));
    let large = ask("POST", "/notes", &[write], &large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.body.contains("内容太大"));
}
