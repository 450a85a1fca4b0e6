//! At the edge of the network: proxies and rate limits, over real HTTP.

use db::args;
use kernel::Env;

use crate::program::{Server, good, open, send};

fn sign_in(server: &Server, headers: &str) -> (u16, String, String) {
    let body = r#"{"login":"nobody","password":"wrong-Password-1"}"#;
    let headers = format!("content-type: application/json\r\n{headers}");
    send(
        &server.address,
        "POST /api/v1/session HTTP/1.1",
        &headers,
        body,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_knows_who_is_behind_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    good(&["init", "--data", at]);
    let spoofed = "x-forwarded-for: 198.51.100.9\r\nforwarded: for=198.51.100.9\r\n";
    let chain = "x-forwarded-for: 1.1.1.1, 2001:db8::7, 192.0.2.80\r\n";
    let rubbish = "x-forwarded-for: <b>, ;;\r\n";
    {
        let server = Server::start(&["--data", at]);
        sign_in(&server, spoofed);
        let cookie = server.get("/preferences").1;
        assert!(!cookie.contains("Secure"), "{cookie}");
        assert!(server.stop());
    }
    let server = Server::start(&[
        "--data",
        at,
        "--trusted-proxies",
        "127.0.0.1",
        "--trusted-proxies",
        "192.0.2.0/24",
    ]);
    for headers in [spoofed, chain, rubbish, "x-forwarded-for: \r\n", ""] {
        sign_in(&server, headers);
    }
    assert!(server.stop());
    let world = open(&data, None, Env::system()).await;
    let mut tx = world.db.read().await.unwrap();
    let sql = "SELECT address FROM audit WHERE address <> '' ORDER BY id";
    let rows = tx.query(sql, args![]).await.unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(
        found,
        [
            "127.0.0.1",
            "198.51.100.9",
            "2001:db8::7",
            "127.0.0.1",
            "127.0.0.1",
            "127.0.0.1"
        ]
    );
}

#[test]
fn cookies_are_secure_when_the_proxy_says_https() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let server = Server::start(&["--data", at, "--trusted-proxies", "127.0.0.0/8"]);
    let choose = |headers: &str| {
        let headers = format!(
            "origin: http://{}\r\ncontent-type: application/x-www-form-urlencoded\r\n{headers}",
            server.address
        );
        let line = "POST /preferences HTTP/1.1";
        let (status, head, said) = send(&server.address, line, &headers, "lang=en&next=%2F");
        assert!(status < 400, "{status} {said}");
        let cookie = head.lines().find(|line| line.starts_with("set-cookie"));
        cookie.expect("a cookie").to_owned()
    };
    assert!(!choose("").contains("; Secure"));
    assert!(choose("x-forwarded-proto: https\r\n").ends_with("; Secure"));
    assert!(!choose("x-forwarded-proto: http\r\n").contains("; Secure"));
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let server = Server::start(&[
        "--data",
        at,
        "--trusted-proxies",
        "127.0.0.1",
        "--rate-limit-sign-in",
        "3",
        "--rate-limit",
        "40",
    ]);
    let from = |n: u8| format!("x-forwarded-for: 198.51.100.{n}\r\n");
    for _ in 0..3 {
        assert!(sign_in(&server, &from(1)).0 < 429);
    }
    let (status, head, body) = sign_in(&server, &from(1));
    assert_eq!(status, 429, "{body}");
    let seconds = head.lines().find_map(|l| l.strip_prefix("retry-after: "));
    assert!((1..=20).contains(&seconds.unwrap().parse::<u32>().unwrap()));
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["status"], 429);
    assert!(
        problem["title"].as_str().unwrap().contains("Too many"),
        "{body}"
    );
    assert!(sign_in(&server, &from(2)).0 < 429, "another address");

    let page = |n: u8, more: &str| {
        let headers = from(n) + more;
        send(&server.address, "GET /sign-in HTTP/1.1", &headers, "")
    };
    assert_eq!(page(1, "").0, 200, "pages go on");
    let limited = (0..60)
        .map(|_| page(3, "accept-language: zh-CN\r\ncookie: lang=zh\r\n"))
        .find(|(status, ..)| *status != 200);
    let (status, head, body) = limited.expect("a limit");
    assert!(status == 429 && head.contains("retry-after: "), "{head}");
    assert!(
        body.contains("访问过于频繁") && body.contains("<html"),
        "{body}"
    );
    for path in ["/healthz", "/metrics", "/readyz"] {
        let line = format!("GET {path} HTTP/1.1");
        for _ in 0..60 {
            assert_eq!(send(&server.address, &line, &from(3), "").0, 200);
        }
    }
    let (_, _, metrics) = server.get("/metrics");
    assert!(
        metrics.contains("http_rate_limited_total{limit=\"sign-in\"} 1")
            && metrics.contains("http_rate_limited_total{limit=\"general\"} 1"),
        "{metrics}"
    );
}
