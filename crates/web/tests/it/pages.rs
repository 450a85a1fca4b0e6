use axum::http::StatusCode;
use kernel::{Env, TestClock};
use web::{Lang, Module};

use crate::app::{HOSTILE, ask, get, module};

const READ: (&str, &str) = ("x-test-grants", "note.read,note.write");

#[tokio::test]
async fn hostile_text_stays_text() {
    let page = get("/notes", &[READ]).await.body;
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(!page.contains("\" onload=\""));
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[tokio::test]
async fn a_refused_form_keeps_the_typing_and_points_at_the_field() {
    let typed = "title=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22+onload%3D%22x";
    let answer = ask("POST", "/notes", &[READ], typed).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.body.contains(HOSTILE));
    for part in [
        "value=\"&lt;script&gt;alert(1)",
        "href=\"#f-title\"",
        "id=\"f-title\"",
        "aria-describedby=\"e-title\"",
        "aria-invalid=\"true\"",
        "有 1 处需要修改",
        "标题须为 1—20 字",
    ] {
        assert!(answer.body.contains(part), "{part} not in {}", answer.body);
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    for path in [
        "/open",
        "/notes",
        "/fail/500",
        "/fail/panic",
        "/nowhere",
        "/openapi.json",
    ] {
        let answer = get(path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(
            get(path, &[READ]).await.header("cache-control"),
            "no-store",
            "{path}"
        );
    }
}

#[tokio::test]
async fn assets_are_cached_for_ever_under_their_hash() {
    let page = get("/notes", &[READ]).await.body;
    let mut seen = 0;
    for url in page.split('"').filter(|part| part.starts_with("/assets/")) {
        let answer = get(url, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{url}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
    let old = get("/assets/000000000000/app.css", &[]).await;
    assert_eq!(
        (old.status, old.header("cache-control")),
        (StatusCode::OK, "no-cache")
    );
    for bad in [
        "/assets/0/none.css",
        "/assets/0/../Cargo.toml",
        "/assets/0/%2e%2e/Cargo.toml",
    ] {
        assert_eq!(get(bad, &[]).await.status, StatusCode::NOT_FOUND, "{bad}");
    }
    let packed = get(
        page.split('"')
            .find(|p| p.ends_with("app.css"))
            .expect("style"),
        &[("accept-encoding", "identity")],
    );
    assert_eq!(
        packed.await.header("content-type"),
        "text/css; charset=utf-8"
    );
}

#[tokio::test]
async fn preferences_are_kept_and_lead_back() {
    let body = "lang=en&size=xl&theme=dark&next=%2Fnotes%3Fpage%3D2";
    let answer = ask("POST", "/preferences", &[], body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/notes?page=2");
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 3);
    assert_eq!(
        cookies[0],
        "lang=en; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    );

    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "",
    ] {
        let body = format!("size=nonsense&next={next}");
        let answer = ask("POST", "/preferences", &[], &body).await;
        assert_eq!(answer.header("location"), "/");
        assert!(!answer.headers.contains_key("set-cookie"));
    }

    let cookie = ("cookie", "lang=en; size=xl; theme=dark; brand=\"><script>");
    let page = get("/notes", &[READ, cookie]).await.body;
    let html = "<html lang=\"en\" data-bs-theme=\"dark\" data-brand=\"blue\" data-size=\"xl\">";
    assert!(page.contains(html), "{page}");
    assert!(page.contains(">Notes</a>"));
}

#[tokio::test]
async fn a_message_is_shown_once_on_the_next_page() {
    let answer = ask("POST", "/notes", &[READ], "title=a").await;
    assert_eq!(answer.header("location"), "/notes");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("notice=notes-saved; ")
    );
    let page = get("/notes", &[READ, ("cookie", "notice=notes-saved")]).await;
    assert!(page.body.contains("便笺已保存"));
    assert!(
        page.header("set-cookie")
            .starts_with("notice=; Path=/; Max-Age=0")
    );
    let page = get("/notes", &[READ, ("cookie", "notice=no-such-key")]).await;
    assert!(!page.body.contains("no-such-key"));
}

#[tokio::test]
async fn strangers_see_the_way_in() {
    let page = get("/fail/404", &[]).await.body;
    assert!(page.contains("href=\"/sign-in?next=/fail/404\""), "{page}");
    assert!(!page.contains("id=\"side\""), "no menu");
    let page = get("/sign-in?next=/notes", &[]).await.body;
    assert!(
        !page.contains("href=\"/sign-in"),
        "not on the sign-in page itself"
    );
}

#[tokio::test]
async fn the_menu_shows_what_the_reader_may_use() {
    let page = get("/notes", &[READ]).await.body;
    assert!(page.contains("<a href=\"/notes\" aria-current=\"page\">"));
    assert!(page.contains("不是涉密系统"));
    let other = get("/nowhere", &[("x-test-grants", "other")]).await.body;
    assert!(!other.contains("href=\"/notes\""));
}

#[tokio::test]
async fn the_component_sheet_and_the_api_description() {
    assert_eq!(get("/styleguide", &[]).await.status, StatusCode::SEE_OTHER);
    for (cookie, title) in [("lang=zh-CN", "组件样张"), ("lang=en", "Components")] {
        let page = get("/styleguide", &[READ, ("cookie", cookie)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains(title));
        for (part, within) in [
            ("table", "class=\"tools\""),
            ("table", "aria-sort=\"descending\""),
            ("table", "class=\"chip\""),
            ("table", "/desk/views?at="),
            ("table", "data-columns"),
            ("table", "role=\"switch\""),
            ("table", "data-batchbar"),
            ("table", "data-look=\""),
            ("table", "class=\"pager\""),
            ("tree", "class=\"treelist\" data-roving=\"a\""),
            ("picker", "list=\"o-picked\""),
            ("drawer", "data-dialog=\"sheet-filters\""),
            ("form", "href=\"#f-problem\""),
            ("form", "value=\"2026-10-01\""),
            ("course", "class=\"stepper n4\""),
            ("upload", "<progress max=\"100\" value=\"62\""),
            ("notices", "alertbar bad"),
            ("secrecy", "shield-lock"),
            ("empty-yet", "class=\"empty\""),
            ("empty-match", "class=\"empty\""),
            ("empty-denied", "class=\"empty\""),
            ("presets", "data-brand=\"red\" data-bs-theme=\"dark\""),
            ("presets", "name=\"size\" value=\"xl\""),
            ("paper", "class=\"paper-sign\""),
        ] {
            let shown = page.body.split(&format!("id=\"part-{part}\"")).nth(1);
            let shown = shown.and_then(|rest| rest.split("id=\"part-").next());
            assert!(
                shown.is_some_and(|s| s.contains(within)),
                "{part}: {within}"
            );
        }
        for whole in [
            "class=\"timeline\"",
            "<dialog class=\"dlg\" id=\"sheet-dialog\"",
            "<dialog class=\"drawer\" id=\"sheet-filters\"",
            "<dialog class=\"drawer\" id=\"look\"",
        ] {
            assert!(page.body.contains(whole), "{whole}");
        }
    }
    // The table's state stands in the address.
    let page = get("/styleguide?sort=unit&dense=1&columns=people", &[READ]).await;
    assert!(
        page.body.contains("aria-sort=\"ascending\"") && page.body.contains("data-density=\"s\"")
    );
    assert!(
        !page.body.contains("class=\"cellbar\""),
        "columns not chosen"
    );
    // The drawer takes a part, whoever follows the link gets a page.
    let part = get("/styleguide/look", &[READ, ("hx-request", "true")]).await;
    assert!(part.body.contains("class=\"facts\"") && !part.body.contains("<html"));
    assert!(
        get("/styleguide/look", &[READ])
            .await
            .body
            .contains("<html")
    );
    let offered = get("/styleguide/options?picked=b", &[READ]).await.body;
    assert_eq!(offered.matches("<option").count(), 1, "{offered}");
    let api: serde_json::Value =
        serde_json::from_str(&get("/openapi.json", &[]).await.body).expect("JSON");
    assert_eq!(api["openapi"], "3.1.0");
    assert!(api["paths"]["/api/v1/notes"]["get"].is_object());
    assert!(api["components"]["schemas"]["Note"].is_object());
}

#[test]
fn samples_render_without_fault() {
    let env = Env::with_clock(TestClock::noon(2026, 10, 21));
    let problems = web::samples::problems(vec![module()], &env);
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn sample_check_names_every_fault() {
    let env = Env::with_clock(TestClock::noon(2026, 10, 21));
    let broken = Module {
        name: "broken",
        messages: vec![(Lang::Zh, "broken-a = 甲\n")],
        templates: vec![
            (
                "broken/a.html",
                "{{ t(\"broken-none\") }}<p style=\"x\">{{ t(key) }}",
            ),
            ("broken/b.html", "{{ missing.value }}"),
            ("other/c.html", "c"),
        ],
        samples: vec![
            (
                "broken/a.html",
                serde_json::json!({ "key": "broken-dynamic" }),
            ),
            ("broken/b.html", serde_json::json!({})),
        ],
        ..Module::default()
    };
    let problems = web::samples::problems(vec![broken], &env).join("\n");
    for part in [
        "en: broken-a is missing",
        "broken/a.html: no text for broken-none",
        "broken/a.html (en): inline style",
        "broken/a.html (zh-CN): text is missing: ⟦broken-none⟧",
        "broken/b.html (zh-CN): internal",
        "other/c.html: not under the prefix broken/",
        "other/c.html: no sample",
    ] {
        assert!(problems.contains(part), "{part} not in\n{problems}");
    }
}

#[tokio::test]
async fn the_search_asks_every_room_that_one_may_look_into() {
    let find = async |query: &str, headers: &[(&str, &str)]| {
        get(&format!("/search?{query}"), headers).await
    };
    let page = find("q=%E8%A1%8C%E6%94%BF", &[READ]).await.body;
    assert_eq!(page.matches("<mark>行政</mark>复议").count(), 6, "{page}");
    assert!(page.contains("/search?q=%E8%A1%8C%E6%94%BF&amp;in=notes"));
    let all = find("q=%E8%A1%8C%E6%94%BF&in=notes", &[READ]).await.body;
    assert_eq!(all.matches("<mark>行政</mark>复议").count(), 50);
    assert!(all.contains("只列出最前面的"), "{all}");
    // Pages of the menu are found by their name; texts stay texts.
    assert!(
        find("q=%E4%BE%BF%E7%AC%BA", &[READ])
            .await
            .body
            .contains("<mark>便笺</mark>")
    );
    let hostile = find("q=script", &[READ]).await.body;
    assert!(!hostile.contains("<script>alert"));
    assert!(hostile.contains("&lt;<mark>script</mark>&gt;"), "{hostile}");
    // Nothing, only blanks, too much.
    assert!(
        find("q=%E6%B2%A1%E6%9C%89", &[READ])
            .await
            .body
            .contains("没有找到")
    );
    assert!(find("q=+", &[READ]).await.body.contains("想找什么"));
    let long = find(&format!("q={}", "a".repeat(101)), &[READ]).await;
    assert!(long.body.contains("不能超过 100 个字"), "{}", long.body);
    // Who may read no notes finds none; strangers sign in first.
    let other = find("q=%E8%A1%8C%E6%94%BF", &[("x-test-grants", "other")])
        .await
        .body;
    assert!(other.contains("没有找到") && !other.contains("复议"));
    assert_eq!(find("q=x", &[]).await.status, StatusCode::SEE_OTHER);
    let api = get("/api/v1/search?q=%E8%A1%8C%E6%94%BF", &[READ])
        .await
        .body;
    let api: serde_json::Value = serde_json::from_str(&api).expect("JSON");
    assert_eq!(api["groups"]["notes"]["more"], true);
    assert_eq!(api["groups"]["notes"]["hits"][0]["title"], "行政复议 0");
}

#[tokio::test]
async fn texts_with_words_of_secrecy_are_asked_for_and_answered_for() {
    let send = async |body: &str| ask("POST", "/notes", &[READ], body).await;
    // 机密 in the title: nothing is saved, the page names the word and carries the whole form.
    let secret = "title=%E6%9C%BA%E5%AF%86%3Cb%3E&other=1";
    let asked = send(secret).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in [
        "内容里出现了：机密",
        "name=\"title\" value=\"机密&lt;b&gt;\"",
        "name=\"other\" value=\"1\"",
        "action=\"/notes\"",
    ] {
        assert!(asked.body.contains(part), "{part} not in {}", asked.body);
    }
    let confirmed = send(&format!("{secret}&secrecy-confirmed=%E6%9C%BA%E5%AF%86")).await;
    assert_eq!(
        confirmed.status,
        StatusCode::SEE_OTHER,
        "{}",
        confirmed.body
    );
    // An answer for one word is none for another; one that cannot be kept is none at all.
    let other = send("title=%E7%BB%9D%E5%AF%86&secrecy-confirmed=%E6%9C%BA%E5%AF%86").await;
    assert!(other.body.contains("内容里出现了：绝密"), "{}", other.body);
    let unkept = send("title=%E7%BB%9D%E5%AF%86&secrecy-confirmed=%E7%BB%9D%E5%AF%86").await;
    assert_eq!(unkept.status, StatusCode::FORBIDDEN);
    // A needless answer changes nothing.
    assert_eq!(
        send("title=x&secrecy-confirmed=y").await.status,
        StatusCode::SEE_OTHER
    );
    // Programs get the same as a problem, whatever way the characters are written.
    let json = async |extra: &[(&str, &str)], body: &str| {
        let headers = [
            &[
                READ,
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
            extra,
        ]
        .concat();
        ask("POST", "/notes", &headers, body).await
    };
    for body in [
        "{\"title\":\"机密\"}",
        "{\"a\":[{\"b\":\"\\u673a\\u5bc6\"}]}",
    ] {
        let answer = json(&[], body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.body
        );
        assert!(answer.body.contains("机密"), "{}", answer.body);
        // The handler takes forms only: it is reached and says so.
        let yes = json(&[("x-secrecy-confirmed", "yes")], body).await;
        assert_eq!(
            yes.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{}",
            yes.body
        );
    }
}
