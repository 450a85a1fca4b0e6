//! Notices (通知): short messages to people, written in the transaction of what they are about, read on a page,
//! counted at the bell, and mailed to those who want that. Beside them personal calendar feeds (日历订阅).
//!
//! A notice holds a message key and its arguments, so each reader reads it in their own language. Mail says
//! no more than that line and a link; it is sent by a job, so no request waits for a mail server.

mod api;
mod calendar;
mod mail;
mod model;
mod module;
mod pages;
mod service;
mod store;

pub use calendar::{CalendarSource, Event, When};
pub use mail::{Courier, Delivered, Smtp, Undelivered, is_sender};
pub use model::{Choice, Notice, NoticeRow, Reader, say, term};
pub use module::module;
pub use service::{Contacts, Notices, Settings};
pub use store::MIGRATIONS;

/// The texts of this crate's messages, by language tag (fluent).
pub const MESSAGES: &[(&str, &str)] = &[
    ("zh-CN", include_str!("../locales/zh-CN/notices.ftl")),
    ("en", include_str!("../locales/en/notices.ftl")),
];
