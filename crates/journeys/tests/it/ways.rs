//! Short ways through the program: by keys alone, in another language, astray, and after a long pause.

use browser::{DESKTOP, PHONE, Page, journey};

use crate::program::Program;
use crate::story::tab_to;

async fn type_keys(page: &Page, text: &str) {
    for key in text.chars() {
        page.press(&key.to_string()).await;
    }
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

            // What was typed is not thrown away: the page says so and signs in beside it.
            program.open(&page, "/activities/new").await;
            page.click("[data-all]").await;
            program.clock.advance(31 * 60);
            page.follow(".formbar .btn-primary").await;
            page.expect_error("401").await;
            page.assert_accessible().await;
            page.screenshot(&format!("ways-{}-401", size.width)).await;
            assert_eq!(page.texts(".errorpage a[target=_blank]").await.len(), 1);
        })
        .await;
    }
    program.stop().await;
}
