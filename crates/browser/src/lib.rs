//! For journeys: a real browser (Debian's Chromium, over its devtools protocol).
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_clerk_records_the_friday_session() {
//!     browser::journey("friday-session", browser::DESKTOP, |page| async move {
//!         page.goto(&format!("{server}/sign-in")).await;
//!         page.fill("#name", "clerk").await;
//!         page.follow("button[type=submit]").await;
//!         assert_eq!(page.text("h1").await, "今天要做的事");
//!         page.assert_accessible().await;
//!     })
//!     .await;
//! }
//! ```
//!
//! Nothing sleeps to be in step with a page: helpers wait for a state with a deadline. A page says
//! that it is ready by `data-ready` on `<html>`. A failed journey leaves a picture, the HTML and the
//! console in `test-output/`; an error on the console, a breach of the content security policy
//! included, fails a journey that was fine otherwise.

mod axe;
mod console;
mod keys;
mod launch;
mod page;

pub use axe::Violation;
pub use launch::{Browser, DESKTOP, PHONE, Size, journey};
pub use page::Page;
