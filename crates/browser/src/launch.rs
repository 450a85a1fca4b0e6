//! Starting the browser, and the frame of a journey.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetTimezoneOverrideParams};
use chromiumoxide::cdp::browser_protocol::target::{
    CreateBrowserContextParams, CreateTargetParams, SetAutoAttachParams,
};
use chromiumoxide::{Browser as Chromium, BrowserConfig};
use futures::{FutureExt, StreamExt};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::Page;

/// Width and height of a window in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A clerk's desk.
pub const DESKTOP: Size = Size {
    width: 1440,
    height: 900,
};

/// A phone.
pub const PHONE: Size = Size {
    width: 390,
    height: 844,
};

/// Stops what moves, so that pictures are equal; in the page's own realm, where no policy forbids it.
const STILL: &str = "{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('*, *::before, *::after { animation: none !important; \
    transition: none !important; caret-color: transparent !important; \
    scroll-behavior: auto !important }');
  document.adoptedStyleSheets = [sheet];
}";

/// A running browser with a profile of its own.
pub struct Browser {
    chromium: Chromium,
    events: JoinHandle<()>,
    _profile: TempDir,
}

impl Browser {
    /// Starts Chromium without a window.
    ///
    /// # Panics
    /// When there is no Chromium: the message says what to install.
    pub async fn launch() -> Self {
        let profile = TempDir::new().expect("a temporary folder");
        let config = BrowserConfig::builder()
            .no_sandbox()
            .viewport(None)
            // Machines that test are busy.
            .launch_timeout(Duration::from_secs(60))
            .user_data_dir(profile.path())
            .args([
                "disable-gpu",
                "disable-quic",
                "disable-component-update",
                "no-pings",
            ])
            .build()
            .unwrap_or_else(|why| {
                panic!("no Chromium (Debian package `chromium`; `cargo xtask test` installs it as root): {why}")
            });
        let (chromium, mut handler) = Chromium::launch(config).await.expect("Chromium starts");
        // The protocol runs as long as someone asks for its next event.
        let events = tokio::spawn(async move { while handler.next().await.is_some() {} });
        Self {
            chromium,
            events,
            _profile: profile,
        }
    }

    /// A page with cookies of its own, as if another person sat there: no animations, Beijing time.
    pub async fn page(&self, size: Size) -> Page {
        let context = self
            .chromium
            .create_browser_context(CreateBrowserContextParams::default())
            .await
            .expect("a browser context");
        self.tab(context, size).await
    }

    /// Another tab of the same person.
    pub async fn beside(&self, page: &Page) -> Page {
        self.tab(page.context(), page.size()).await
    }

    async fn tab(&self, context: BrowserContextId, size: Size) -> Page {
        let target = CreateTargetParams::builder()
            .url("about:blank")
            .browser_context_id(context.clone())
            .build()
            .expect("all parameters are given");
        let page = self.chromium.new_page(target).await.expect("a page");
        // Left attached, a service worker waits for a debugger that has gone already, and never starts.
        let alone = SetAutoAttachParams::builder()
            .auto_attach(false)
            .wait_for_debugger_on_start(false)
            .flatten(true)
            .build()
            .expect("all parameters are given");
        page.execute(alone).await.expect("workers start");
        page.execute(SetTimezoneOverrideParams::new("Asia/Shanghai"))
            .await
            .expect("the time zone is set");
        page.emulate_media_features(vec![MediaFeature::new("prefers-reduced-motion", "reduce")])
            .await
            .expect("animations are off");
        page.evaluate_on_new_document(STILL)
            .await
            .expect("animations are off");
        Page::new(page, size, context).await
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        // A browser that is gone already is closed enough.
        let _ = self.chromium.close().await;
        let _ = self.chromium.wait().await;
        self.events.abort();
    }
}

/// Runs a journey on a page of its own. When it fails, `test-output/<name>-<width>.*` keeps what the
/// page looked like; when it passes, the console must be free of errors that it did not expect.
pub async fn journey<F, Fut>(name: &str, size: Size, body: F)
where
    F: FnOnce(Page) -> Fut,
    Fut: Future<Output = ()>,
{
    let browser = Browser::launch().await;
    let page = browser.page(size).await;
    let checked = page.clone();
    let steps = async {
        body(page.clone()).await;
        let errors = checked.console_errors().await;
        assert!(errors.is_empty(), "errors on the console: {errors:#?}");
    };
    let result = AssertUnwindSafe(steps).catch_unwind().await;
    if result.is_err() {
        page.keep_evidence(&format!("{name}-{}", size.width)).await;
    }
    browser.close().await;
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}
