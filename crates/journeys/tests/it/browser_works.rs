//! The tool itself: what it does on a page, and that it notices what is wrong.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use browser::{Browser, DESKTOP, PHONE, journey};

const FORM: &str = r#"<!doctype html><html lang="zh-CN" data-ready><title>登记</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<main><h1>登记</h1><form action="/saved">
<label>名称 <input name="name" type="text" value="旧"></label>
<label>日期 <input name="date" type="date"></label>
<button>保存</button></form></main></html>"#;

const SAVED: &str = r#"<!doctype html><html lang="zh-CN"><title>已保存</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<main><h1>已保存</h1><p id="later"></p></main><script src="/ready.js"></script></html>"#;

const READY: &str = "setTimeout(() => {
  document.getElementById('later').textContent = decodeURIComponent(location.search);
  document.documentElement.setAttribute('data-ready', '');
}, 200)";

const BAD: &str = r#"<!doctype html><html lang="zh-CN" data-ready><title>坏</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<main><h1>坏</h1><input><div style="width: 3000px">宽</div>
<table width="2000"><tr><td>宽</table></main></html>"#;

/// A server with three pages under the policy that the program has; gives its address.
async fn serve() -> String {
    let page = |html: &'static str| {
        get(move || async move {
            let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:";
            ([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
        })
    };
    let script = get(|| async { ([(CONTENT_TYPE, "text/javascript")], READY) });
    let routes = Router::new()
        .route("/", page(FORM))
        .route("/saved", page(SAVED))
        .route("/ready.js", script)
        .route("/bad", page(BAD));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_form_is_filled_by_mouse_and_keyboard() {
    let server = serve().await;
    for size in [DESKTOP, PHONE] {
        journey("browser-works", size, |page| async {
            let page = page;
            page.goto(&server).await;
            assert_eq!(page.text("h1").await, "登记");
            page.assert_accessible().await;
            page.assert_fits().await;
            page.fill("[name=name]", "周五").await;
            page.type_text("[name=name]", "学习").await;
            page.fill("[name=date]", "2026-11-20").await;
            page.follow("button").await;
            let saved = page.text("#later").await;
            assert_eq!(saved, "?name=周五学习&date=2026-11-20");

            page.goto(&server).await;
            page.fill("[name=name]", "").await;
            page.leave_by(page.press("Enter")).await;
            assert_eq!(page.text("#later").await, "?name=&date=");
            let picture = page.screenshot("browser-works").await;
            assert!(std::fs::metadata(picture).expect("a picture").len() > 1000);
            let pdf = page.print_pdf("browser-works").await;
            assert!(std::fs::read(pdf).expect("a PDF").starts_with(b"%PDF"));
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_noticed() {
    let server = serve().await;
    let browser = Browser::launch().await;
    let page = browser.page(DESKTOP).await;
    page.goto(&format!("{server}/bad")).await;
    let () = page.eval("void console.error('出错', 7)").await;
    let () = page
        .eval("void setTimeout(() => { throw new Error('thrown') }, 0)")
        .await;
    let () = page
        .eval("fetch('/missing').then(() => null, () => null)")
        .await;

    for size in [DESKTOP, PHONE] {
        let wide = browser.page(size).await;
        wide.goto(&format!("{server}/bad")).await;
        let checked = tokio::spawn(async move { wide.assert_fits().await });
        assert!(checked.await.is_err_and(|e| e.is_panic()), "{size:?}");
    }
    let rules: Vec<_> = page.axe().await.into_iter().map(|v| v.rule).collect();
    assert_eq!(rules, ["label"], "the field has no name");
    page.expect_error("出错 7").await;
    page.expect_error("Error: thrown").await;
    page.expect_error("style-src 'self'").await;
    page.expect_error("default-src 'none'").await;
    let rest = page.console_errors().await;
    assert!(rest.iter().all(|e| e.contains("/missing")), "{rest:#?}");
    browser.close().await;
}

#[tokio::test]
async fn a_console_error_fails_a_journey_and_leaves_evidence() {
    let server = serve().await;
    let failed = tokio::spawn(async move {
        journey("browser-fails", DESKTOP, |page| async move {
            page.goto(&format!("{server}/bad")).await;
        })
        .await;
    });
    assert!(failed.await.is_err_and(|e| e.is_panic()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test-output");
    let console = std::fs::read_to_string(format!("{folder}/browser-fails-1440-failed.txt"));
    assert!(console.expect("the console is kept").contains("style-src"));
    for kind in ["png", "html"] {
        let evidence = format!("{folder}/browser-fails-1440-failed.{kind}");
        assert!(std::path::Path::new(&evidence).exists());
    }
}
