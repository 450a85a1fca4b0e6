//! What the page wrote to its console: errors, uncaught exceptions, breaches of policy, failed
//! requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chromiumoxide::Page;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use futures::stream::{BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;

/// Begins the text by which we find our place in the stream of events.
const MARK: &str = "journey mark ";

enum Event {
    Error(String),
    Mark(u64),
    Other,
}

/// Collects errors while the page lives.
pub struct Console {
    errors: Arc<Mutex<Vec<String>>>,
    marks: watch::Receiver<u64>,
    next: Mutex<u64>,
}

impl Console {
    pub async fn of(page: &Page) -> Self {
        let log = page.event_listener::<EventEntryAdded>().await;
        let log = log.expect("log entries").map(|e| {
            let place = e.entry.url.as_deref().unwrap_or_default();
            match e.entry.level {
                LogEntryLevel::Error => Event::Error(format!("{} {place}", e.entry.text)),
                _ => Event::Other,
            }
        });
        let calls = page.event_listener::<EventConsoleApiCalled>().await;
        let calls = calls.expect("console calls").map(|e| read_call(&e));
        let thrown = page.event_listener::<EventExceptionThrown>().await;
        let thrown = thrown.expect("exceptions").map(|e| {
            let details = &e.exception_details;
            let exception = details.exception.as_ref();
            let text = exception.and_then(|x| x.description.as_deref());
            Event::Error(text.unwrap_or(&details.text).to_owned())
        });
        page.enable_log().await.expect("the log is on");
        page.enable_runtime().await.expect("the console is on");

        let errors = Arc::<Mutex<Vec<String>>>::default();
        let (marked, marks) = watch::channel(0);
        let streams = [log.boxed(), calls.boxed(), thrown.boxed()];
        let all: SelectAll<BoxStream<'static, Event>> = streams.into_iter().collect();
        tokio::spawn(collect(all, errors.clone(), marked));
        Self {
            errors,
            marks,
            next: Mutex::new(1),
        }
    }

    /// The errors up to this moment: a mark written to the console now has come back.
    pub async fn errors(&self, page: &Page) -> Vec<String> {
        let mark = {
            let mut next = lock(&self.next);
            *next += 1;
            *next
        };
        let call = format!("console.debug('{MARK}' + {mark})");
        let mut marks = self.marks.clone();
        if page.evaluate_expression(call).await.is_ok() {
            let came_back = marks.wait_for(|seen| *seen >= mark);
            tokio::time::timeout(Duration::from_secs(10), came_back)
                .await
                .expect("the console answers in time")
                .expect("the console is read");
        }
        lock(&self.errors).clone()
    }

    /// Takes one expected error out; gives whether there was one.
    pub fn take(&self, part: &str) -> bool {
        let mut errors = lock(&self.errors);
        let found = errors.iter().position(|e| e.contains(part));
        found.map(|at| errors.remove(at)).is_some()
    }
}

async fn collect(
    mut all: SelectAll<BoxStream<'static, Event>>,
    errors: Arc<Mutex<Vec<String>>>,
    marked: watch::Sender<u64>,
) {
    while let Some(event) = all.next().await {
        match event {
            Event::Error(text) => lock(&errors).push(text),
            Event::Other => {}
            Event::Mark(mark) => {
                // What came before the mark may still wait in another stream.
                while let Some(Some(event)) = all.next().now_or_never() {
                    if let Event::Error(text) = event {
                        lock(&errors).push(text);
                    }
                }
                marked.send_replace(mark);
            }
        }
    }
}

fn read_call(call: &EventConsoleApiCalled) -> Event {
    let texts = call.args.iter().map(|arg| {
        let value = arg.value.as_ref();
        let text = value.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        text.or_else(|| arg.description.clone()).unwrap_or_default()
    });
    let text = texts.collect::<Vec<_>>().join(" ");
    match call.r#type {
        ConsoleApiCalledType::Error | ConsoleApiCalledType::Assert => Event::Error(text),
        _ => match text.strip_prefix(MARK).and_then(|n| n.parse().ok()) {
            Some(mark) => Event::Mark(mark),
            None => Event::Other,
        },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
