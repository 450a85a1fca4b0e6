//! Short ways through the program: by keys alone, in another language, astray, and after a long pause.

use browser::{DESKTOP, PHONE, Page, journey};

use crate::program::Program;
use crate::story::tab_to;

async fn type_keys(page: &Page, text: &str) {
    for key in text.chars() {
        page.press(&key.to_string()).await;
    }
}

/// Scrolls up: under the bar that sticks to the top a part of a target is hidden, and the checker calls it small.
async fn from_the_top(page: &Page) {
    let () = page.eval("(window.scrollTo(0, 0), null)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_alone_sign_in_and_walk_the_menu() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-keys", size, |page| async {
            let page = page;
            program.open(&page, "/sign-in").await;
            page.press("Tab").await;
            assert!(
                page.eval::<bool>("document.activeElement.matches('.skip')")
                    .await
            );
            tab_to(&page, "#f-login").await;
            type_keys(&page, "clerk").await;
            page.press("Tab").await;
            type_keys(&page, program.password("clerk")).await;
            page.leave_by(page.press("Enter")).await;

            let () = page.eval("document.activeElement.blur()").await;
            tab_to(&page, ".skip").await;
            page.press("Enter").await;
            page.wait_until(
                "document.activeElement.id === 'main'",
                "the focus in the page",
            )
            .await;
            page.press("Shift+Tab").await;
            if size == PHONE {
                let () = page
                    .eval("document.querySelector('.menu-open').focus()")
                    .await;
                page.press("Enter").await;
                page.wait_until(
                    "document.activeElement.id === 'side'",
                    "the focus in the menu",
                )
                .await;
                page.assert_accessible().await;
                page.press("Escape").await;
                page.wait_until("location.hash !== '#side'", "a closed menu")
                    .await;
                let () = page
                    .eval("document.querySelector('.menu-open').focus()")
                    .await;
                page.press("Enter").await;
                page.wait_until(
                    "document.activeElement.id === 'side'",
                    "the focus in the menu",
                )
                .await;
            } else {
                let () = page
                    .eval("document.querySelector('.topbar summary').focus()")
                    .await;
            }
            tab_to(&page, ".side a[href='/obligations']").await;
            page.leave_by(page.press("Enter")).await;
            assert!(page.url().await.ends_with("/obligations"));
        })
        .await;
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_language_theme_and_size_stay() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-language", size, |page| async {
            let page = page;
            program.sign_in(&page, "officer").await;
            for (name, value, of_html) in [
                ("lang", "en", "document.documentElement.lang"),
                ("theme", "dark", "document.documentElement.dataset.bsTheme"),
                ("size", "xl", "document.documentElement.dataset.size"),
            ] {
                page.click(".drop-menu summary").await;
                page.follow(&format!("button[name={name}][value={value}]"))
                    .await;
                assert_eq!(page.eval::<String>(of_html).await, value);
                for path in [
                    "/",
                    "/activities",
                    "/activities/new",
                    "/obligations",
                    "/indicators",
                    "/reports",
                ] {
                    program.open(&page, path).await;
                    assert_eq!(page.eval::<String>(of_html).await, value);
                    let file = path.trim_start_matches('/').replace('/', "-");
                    page.screenshot(&format!("ways-{}-{value}-{file}", size.width))
                        .await;
                    page.assert_fits().await;
                    page.assert_accessible().await;
                }
            }
        })
        .await;
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn astray_and_after_a_long_pause_one_finds_back() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-back", size, |page| async {
            let page = page;
            program.sign_in(&page, "clerk").await;
            program.open(&page, "/nothing-here").await;
            page.expect_error("404").await;
            page.assert_fits().await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-404", size.width)).await;
            page.follow(".errorpage a[href='/']").await;

            // Longer than a session lives without a request: the way goes over sign-in to the page.
            program.open(&page, "/activities").await;
            program.clock.advance(31 * 60);
            page.follow("tbody a").await;
            assert_eq!(page.texts("#f-login").await.len(), 1);
            page.fill("#f-login", "clerk").await;
            page.fill("#f-password", program.password("clerk")).await;
            page.follow(".signin-form button").await;
            assert!(
                page.url().await.contains("/activities/"),
                "{}",
                page.url().await
            );

            // What was typed is not thrown away: the page says so, one signs in beside it and goes on.
            program.open(&page, "/activities/new").await;
            page.click("[data-all]").await;
            page.fill("#f-location", "三楼会议室").await;
            let (starts, ends) = if size == PHONE {
                ("08:00", "08:30")
            } else {
                ("07:00", "07:30")
            };
            page.fill("#f-starts", starts).await;
            page.fill("#f-ends", ends).await;
            program.clock.advance(31 * 60);
            page.click(".formbar .btn-primary").await;
            page.wait_for("[data-part='signed-out']").await;
            page.expect_error("401").await;
            page.assert_fits().await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-signed-out", size.width))
                .await;
            assert_eq!(
                page.texts("[data-part='signed-out'] a[target=_blank]")
                    .await
                    .len(),
                1
            );
            let body = format!(
                "login=clerk&password={}&next=/",
                web::encode(program.password("clerk"))
            );
            let () = page
                .eval(&format!(
                    "fetch('/sign-in', {{ method: 'POST', body: '{body}', headers: {{
                       'content-type': 'application/x-www-form-urlencoded' }} }})
                     .then(() => {{ window.dispatchEvent(new Event('focus')); return null; }})"
                ))
                .await;
            page.wait_gone("[data-part='signed-out']").await;
            page.follow(".formbar .btn-primary").await;
            let shown = page.text("main").await;
            assert!(shown.contains("三楼会议室"), "{shown}");
            // It was sent, so no draft is left.
            program.open(&page, "/activities/new").await;
            let () = page
                .eval("new Promise(done => setTimeout(() => done(null), 300))")
                .await;
            assert_eq!(page.texts("[data-part]").await.len(), 0);

            // Whoever leaves, or whose machine dies, finds what was typed.
            page.fill("#f-location", "四楼").await;
            page.wait_until(
                "document.querySelector('form[data-guard]').draftStatus === 204",
                "a saved draft",
            )
            .await;
            let () = page
                .eval("document.querySelector('form[data-guard]').removeAttribute('data-dirty')")
                .await;
            program.open(&page, "/").await;
            program.open(&page, "/activities/new").await;
            page.wait_for("[data-part='found']").await;
            page.assert_fits().await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-draft", size.width)).await;
            page.click("[data-restore]").await;
            assert_eq!(
                page.eval::<String>("document.getElementById('f-location').value")
                    .await,
                "四楼"
            );
            let () = page
                .eval("document.querySelector('form[data-guard]').removeAttribute('data-dirty')")
                .await;
            program.open(&page, "/activities/new").await;
            page.wait_for("[data-part='found']").await;
            page.click("[data-discard]").await;
            page.wait_gone("[data-part='found']").await;
            program.open(&page, "/").await;
        })
        .await;
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_searched_arranged_and_kept_as_views() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-lists", size, |page| async {
            let page = page;
            program.sign_in(&page, "clerk").await;
            // Everything is found from everywhere.
            program.open(&page, "/search").await;
            assert!(
                page.eval::<bool>("document.activeElement.id === 'f-q'")
                    .await
            );
            if size == DESKTOP {
                let () = page.eval("document.activeElement.blur()").await;
                page.press("/").await;
                assert!(
                    page.eval::<bool>("document.activeElement.matches('.topsearch input')")
                        .await
                );
                page.type_text(".topsearch input", "学习").await;
                page.leave_by(page.press("Enter")).await;
            } else {
                page.fill("#f-q", "学习").await;
                page.follow("main form .btn-primary").await;
            }
            assert!(page.texts(".hits mark").await.iter().all(|m| m == "学习"));
            assert!(!page.texts(".hits a").await.is_empty());
            page.assert_fits().await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-search", size.width))
                .await;
            page.follow(".hits a[href^='/activities/']").await;

            // A list in another order, with another column, kept as a view.
            program.open(&page, "/activities").await;
            if size == DESKTOP {
                page.follow("th .sort").await;
                assert!(page.url().await.contains("sort=date"));
                assert_eq!(page.texts("th[aria-sort=ascending]").await.len(), 1);
            } else {
                program.open(&page, "/activities?sort=date").await;
            }
            page.click(".tools details:nth-of-type(2) summary").await;
            page.click("[data-columns] input[value=location]").await;
            from_the_top(&page).await;
            page.assert_accessible().await;
            page.assert_fits().await;
            page.screenshot(&format!("ways-{}-columns", size.width))
                .await;
            page.follow("[data-columns] button").await;
            assert!(!page.texts("td[data-label='地点']").await.is_empty());
            page.click(".tools details:nth-of-type(1) summary").await;
            page.wait_for(".tools input[name=name]").await;
            page.fill(".tools input[name=name]", "最早的在前").await;
            from_the_top(&page).await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-views", size.width)).await;
            page.follow(".tools form[action='/desk/views'] button")
                .await;
            program.open(&page, "/activities").await;
            page.click(".tools details:nth-of-type(1) summary").await;
            page.wait_text(".viewlist a", "最早的在前").await;
            page.follow(".viewlist a").await;
            let url = page.url().await;
            assert!(
                url.contains("sort=date") && url.contains("columns="),
                "{url}"
            );
        })
        .await;
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_opens_beside_the_list_and_gives_the_focus_back() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-look", size, |page| async {
            let page = page;
            program.sign_in(&page, "sysadmin").await;
            program.open(&page, "/organization?sort=name").await;
            let () = page
                .eval("document.querySelector('tbody .look').focus()")
                .await;
            page.press("Enter").await;
            page.wait_for("#look[open] .facts").await;
            let name = page.text("#look-title").await;
            assert!(page.text("tbody .lookrow a").await.contains(&name));
            page.wait_until("document.activeElement.id === 'look-body'", "the focus in it")
                .await;
            // It stays there, and comes back.
            for _ in 0..6 {
                page.press("Tab").await;
                assert!(
                    page.eval::<bool>(
                        "document.activeElement === document.body || !!document.activeElement.closest('#look')"
                    )
                    .await
                );
            }
            page.assert_accessible().await;
            page.assert_fits().await;
            page.screenshot(&format!("ways-{}-look", size.width)).await;
            page.press("Escape").await;
            page.wait_until("!document.getElementById('look').open", "a closed drawer")
                .await;
            assert!(page.eval::<bool>("document.activeElement.matches('.look')").await);
            // From the drawer one goes on to the page.
            page.click("tbody .look").await;
            page.wait_for("#look[open] .facts").await;
            page.follow("[data-look-page]").await;
            assert!(page.url().await.contains("/organization/people/"));
        })
        .await;
    }
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_where_it_stopped() {
    let program = Program::on_sqlite().await;
    for size in [DESKTOP, PHONE] {
        journey("ways-upload", size, |page| async {
            let page = page;
            program.sign_in(&page, "sysadmin").await;
            program.open(&page, "/organization/import").await;
            // Three pieces; the network breaks at the second, and only the pieces are sent again.
            let () = page
                .eval(
                    "(() => {
                       const line = '工号,姓名,单位编码,职务,起始日期,截止日期,说明\\n';
                       const rest = ('X1,甲某,nowhere,,2026-01-01,,' + 'x'.repeat(900) + '\\n').repeat(1400);
                       const sheet = new File([line + rest], '名册.csv', { type: 'text/csv' });
                       const held = new DataTransfer();
                       held.items.add(sheet);
                       document.getElementById('f-file').files = held.files;
                       window.asked = [];
                       const real = window.fetch;
                       window.fetch = (path, options) => {
                         window.asked.push(options.method + ' ' + path.split('?')[1]);
                         if (window.asked.length === 3) return Promise.reject(new TypeError('away'));
                         if (window.asked.length === 4) window.held = true;
                         if (window.held) return new Promise(go => { window.go = () => go(real(path, options)); });
                         return real(path, options);
                       };
                       return null;
                     })()",
                )
                .await;
            page.click("form[action='/organization/import'] button").await;
            page.wait_until("!!window.held", "a second try").await;
            page.wait_text("[data-said]", "接着传").await;
            page.assert_fits().await;
            from_the_top(&page).await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-upload", size.width)).await;
            page.leave_by(async {
                let () = page.eval("(window.held = false, window.go(), null)").await;
            })
            .await;
            let url = page.url().await;
            assert!(url.contains("/organization/import/"), "{url}");
            assert!(page.text("main").await.contains("名册.csv"));
        })
        .await;
    }
    program.stop().await;
}
