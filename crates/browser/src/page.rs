//! A page and what a person does on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide::cdp::browser_protocol::input::InsertTextParams;
use chromiumoxide::cdp::browser_protocol::network::{
    EmulateNetworkConditionsByRuleParams, NetworkConditions,
};
use chromiumoxide::cdp::browser_protocol::page::{CaptureScreenshotFormat, PrintToPdfParams};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::page::ScreenshotParams;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::axe::{self, Violation};
use crate::console::Console;
use crate::keys;
use crate::{PHONE, Size};

/// How long to wait for a state before the journey fails.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often to look.
const INTERVAL: Duration = Duration::from_millis(20);

const READY: &str = "document.documentElement.hasAttribute('data-ready')";

/// A page of the browser; cheap to clone. Selectors are CSS. Every helper fails the test, with the
/// selector in its message, when what it wants does not come about in time.
#[derive(Clone)]
pub struct Page {
    inner: chromiumoxide::Page,
    console: Arc<Console>,
    size: Size,
    context: BrowserContextId,
}

impl Page {
    pub(crate) async fn new(
        inner: chromiumoxide::Page,
        size: Size,
        context: BrowserContextId,
    ) -> Self {
        let console = Arc::new(Console::of(&inner).await);
        let page = Self {
            inner,
            console,
            size,
            context,
        };
        page.set_size().await;
        page
    }

    pub(crate) fn context(&self) -> BrowserContextId {
        self.context.clone()
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Brings the tab to the front: one behind another is not clicked.
    pub async fn front(&self) {
        let front = self.inner.bring_to_front().await;
        front.expect("the tab comes to the front");
    }

    /// Cuts the page off from the network, or connects it again.
    pub async fn offline(&self, offline: bool) {
        let conditions = EmulateNetworkConditionsByRuleParams::new(
            offline,
            vec![NetworkConditions::new("", 0.0, -1.0, -1.0)],
        );
        let set = self.inner.execute(conditions).await;
        set.expect("the network can be cut");
    }

    async fn set_size(&self) {
        let Size { width, height } = self.size;
        let metrics = SetDeviceMetricsOverrideParams::new(
            i64::from(width),
            i64::from(height),
            1.0,
            self.size == PHONE,
        );
        let set = self.inner.execute(metrics).await;
        set.expect("the size is set");
    }

    /// Opens an address and waits until the page is ready.
    pub async fn goto(&self, url: &str) {
        let gone = self.inner.goto(url).await;
        gone.unwrap_or_else(|e| panic!("{url} does not open: {e}"));
        self.wait_ready().await;
    }

    /// Waits for `data-ready` on `<html>`.
    pub async fn wait_ready(&self) {
        self.wait_until(READY, "a page that is ready").await;
    }

    /// Clicks what leads to another page (link, submit button) and waits until that is ready.
    pub async fn follow(&self, selector: &str) {
        self.leave_by(self.click(selector)).await;
    }

    /// Does what leads to another page and waits until that is ready.
    pub async fn leave_by(&self, step: impl Future<Output = ()>) {
        let () = self
            .eval("void (window.journeyLeaves = true) || null")
            .await;
        step.await;
        let arrived = format!("!window.journeyLeaves && {READY}");
        self.wait_until(&arrived, "another page").await;
    }

    /// Waits until an element exists and is visible.
    pub async fn wait_for(&self, selector: &str) {
        let visible = format!(
            "(e => !!e && e.getClientRects().length > 0)(document.querySelector({}))",
            quote(selector)
        );
        self.wait_until(&visible, selector).await;
    }

    /// Waits until no element matches.
    pub async fn wait_gone(&self, selector: &str) {
        let gone = format!("!document.querySelector({})", quote(selector));
        self.wait_until(&gone, &format!("no {selector}")).await;
    }

    /// Waits until an element's text contains something.
    pub async fn wait_text(&self, selector: &str, part: &str) {
        let there = format!(
            "((document.querySelector({}) || {{}}).textContent || '').includes({})",
            quote(selector),
            quote(part)
        );
        self.wait_until(&there, &format!("{selector} with {part:?}"))
            .await;
    }

    /// Waits until a JavaScript condition holds.
    pub async fn wait_until(&self, condition: &str, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // While one page gives way to the next there is nobody to ask: look again.
            if let Ok(true) = self.try_eval::<bool>(condition).await {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Clicks an element with the mouse, after it has come into view.
    pub async fn click(&self, selector: &str) {
        self.wait_for(selector).await;
        // To the middle, away from bars that stick to an edge.
        let () = self
            .eval(&format!(
                "void document.querySelector({}).scrollIntoView({{ block: 'center' }}) || null",
                quote(selector)
            ))
            .await;
        let element = self.inner.find_element(selector).await;
        let element = element.unwrap_or_else(|e| panic!("no {selector}: {e}"));
        let clicked = element.click().await;
        clicked.unwrap_or_else(|e| panic!("{selector} cannot be clicked: {e}"));
    }

    /// Replaces the value of a field (text, date, choice) as a person would: what listens to the
    /// field hears of it.
    pub async fn fill(&self, selector: &str, value: &str) {
        self.wait_for(selector).await;
        let typed: bool = self
            .eval(&format!(
                "((e, value) => {{
                    e.focus();
                    const typed = e.tagName === 'TEXTAREA'
                        || ['text', 'search', 'password', 'email', 'tel', 'url', 'number'].includes(e.type);
                    if (typed) {{ e.select(); return true; }}
                    e.value = value;
                    for (const kind of ['input', 'change'])
                        e.dispatchEvent(new Event(kind, {{ bubbles: true }}));
                    return false;
                }})(document.querySelector({}), {})",
                quote(selector),
                quote(value)
            ))
            .await;
        if typed && value.is_empty() {
            self.press("Delete").await;
        } else if typed {
            self.insert(value).await;
        }
    }

    /// Types text into an element, after what is there.
    pub async fn type_text(&self, selector: &str, text: &str) {
        self.click(selector).await;
        self.insert(text).await;
    }

    async fn insert(&self, text: &str) {
        // As an input method does it: Chinese has no keys.
        let typed = self.inner.execute(InsertTextParams::new(text)).await;
        typed.expect("text can be typed");
    }

    /// Presses a key where the focus is: `Enter`, `ArrowDown`, `Shift+Tab`, `Control+Enter`.
    pub async fn press(&self, key: &str) {
        for event in keys::press(key) {
            self.inner
                .execute(event)
                .await
                .expect("a key can be pressed");
        }
    }

    /// Visible text of an element, without blanks around it.
    pub async fn text(&self, selector: &str) -> String {
        self.wait_for(selector).await;
        let text = format!(
            "document.querySelector({}).innerText.trim()",
            quote(selector)
        );
        self.eval(&text).await
    }

    /// Visible texts of all elements that match, none included.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        self.eval(&format!(
            "Array.from(document.querySelectorAll({}), e => e.innerText.trim())",
            quote(selector)
        ))
        .await
    }

    /// HTML of the whole page as it stands.
    pub async fn html(&self) -> String {
        self.eval("document.documentElement.outerHTML").await
    }

    /// The address.
    pub async fn url(&self) -> String {
        self.eval("location.href").await
    }

    /// Value of a JavaScript expression; promises are awaited.
    pub async fn eval<T: DeserializeOwned>(&self, expression: &str) -> T {
        let value = self.try_eval(expression).await;
        value.unwrap_or_else(|e| panic!("{e}\nin {expression}"))
    }

    async fn try_eval<T: DeserializeOwned>(&self, expression: &str) -> Result<T, String> {
        let mut call = EvaluateParams::new(expression);
        call.await_promise = Some(true);
        call.return_by_value = Some(true);
        let result = self.inner.execute(call).await.map_err(|e| e.to_string())?;
        if let Some(thrown) = &result.exception_details {
            let exception = thrown.exception.as_ref();
            let text = exception.and_then(|e| e.description.clone());
            return Err(text.unwrap_or_else(|| thrown.text.clone()));
        }
        let value = result.result.result.value.unwrap_or_default();
        serde_json::from_value(value).map_err(|e| e.to_string())
    }

    /// Errors on the console so far: calls of `console.error`, exceptions, breaches of the content
    /// security policy, requests that failed.
    pub async fn console_errors(&self) -> Vec<String> {
        self.console.errors(&self.inner).await
    }

    /// Takes one expected error (the 422 of a refused form) off the list; fails when it is not there.
    pub async fn expect_error(&self, part: &str) {
        let errors = self.console_errors().await;
        assert!(
            self.console.take(part),
            "no error with {part:?} on the console: {errors:#?}"
        );
    }

    /// Grave accessibility violations (serious, critical) by WCAG 2.2 AA.
    pub async fn axe(&self) -> Vec<Violation> {
        let loaded = "typeof axe !== 'undefined'";
        if !self.eval::<bool>(loaded).await {
            let script = format!("{}; null", axe::SOURCE);
            let () = self.eval(&script).await;
        }
        // A target that a bar covers while one scrolls is no small target: bars lie in the page meanwhile.
        let () = self.eval(&bars("static")).await;
        let mut all: Vec<Violation> = self.eval(axe::RUN).await;
        let () = self.eval(&bars("")).await;
        all.retain(Violation::is_grave);
        all
    }

    /// Fails when people are kept out.
    pub async fn assert_accessible(&self) {
        let violations = self.axe().await;
        assert!(violations.is_empty(), "{violations:#?}");
    }

    /// Fails when the page is wider than the window.
    pub async fn assert_fits(&self) {
        let page: u32 = self.eval("document.documentElement.scrollWidth").await;
        let window = self.size.width;
        assert!(page <= window, "{page} px of page in {window} px of window");
    }

    /// Keeps a picture of the whole page as `test-output/<name>.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let params = ScreenshotParams::builder()
            .format(CaptureScreenshotFormat::Png)
            .full_page(true)
            .build();
        let picture = self.inner.screenshot(params).await.expect("a picture");
        // A picture of the whole page leaves the window at the browser's own size.
        self.set_size().await;
        keep(&format!("{name}.png"), &picture)
    }

    /// Keeps the printed page as `test-output/<name>.pdf`.
    pub async fn print_pdf(&self, name: &str) -> PathBuf {
        let params = PrintToPdfParams::builder()
            .print_background(true)
            .prefer_css_page_size(true)
            .build();
        let pdf = self.inner.pdf(params).await.expect("a printed page");
        keep(&format!("{name}.pdf"), &pdf)
    }

    /// Keeps picture, HTML and console of a failed journey; must not fail itself.
    pub(crate) async fn keep_evidence(&self, name: &str) {
        let params = ScreenshotParams::builder().full_page(true).build();
        if let Ok(picture) = self.inner.screenshot(params).await {
            let path = keep(&format!("{name}-failed.png"), &picture);
            eprintln!("the page looked like {}", path.display());
        }
        if let Ok(html) = self
            .try_eval::<String>("document.documentElement.outerHTML")
            .await
        {
            keep(&format!("{name}-failed.html"), html.as_bytes());
        }
        let console = self.console_errors().await.join("\n");
        keep(&format!("{name}-failed.txt"), console.as_bytes());
    }
}

/// A JavaScript string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../test-output");
    std::fs::create_dir_all(&folder).expect("test-output can be made");
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("test-output can be written");
    path
}

/// Puts the bars that stay at the edges of the window into the flow of the page, or back.
fn bars(position: &str) -> String {
    format!(
        "(document.querySelectorAll('.topbar, .tabbar, .formbar, .batchbar')
            .forEach(e => {{ e.style.position = '{position}'; }}), null)"
    )
}
