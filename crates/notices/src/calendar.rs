//! Personal calendar feeds (日历订阅): what features know of a person's days, as iCalendar.

use std::sync::Arc;

use futures::future::BoxFuture;
use icalendar::{Calendar, Component, Property};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use kernel::{Date, Msg, PersonId, Result, Timestamp};
use sha2::{Digest, Sha256};
use web::Catalog;

use crate::model::say;
use crate::service::Notices;

/// How far a feed reaches back and forth, in days.
const BACK: i64 = 60;
const AHEAD: i64 = 400;

/// When something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A whole day.
    Day(Date),
    /// From one instant to another.
    Span(Timestamp, Timestamp),
}

/// Something in a person's calendar; no personal data but its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Tells it from all others, also when it is moved.
    pub uid: String,
    /// What it is, in the language of the feed.
    pub title: Msg,
    /// When it is.
    pub when: When,
    /// Where more is said, a path on this server.
    pub href: String,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A feature that knows of a person's days.
pub trait CalendarSource: Send + Sync {
    /// What a person has from a day to a day.
    fn events(&self, person: PersonId, from: Date, to: Date) -> BoxFuture<'_, Result<Vec<Event>>>;
}

fn instant(at: Timestamp) -> String {
    at.zoned(&TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// The text of a feed.
fn print(name: &str, url: &str, events: &[(Event, String)]) -> String {
    let mut calendar = Calendar::new().name(name).done();
    for (event, title) in events {
        let mut out = icalendar::Event::new();
        out.uid(&event.uid).summary(title);
        out.add_property("DTSTAMP", instant(event.updated));
        out.add_property("URL", format!("{url}{}", event.href));
        match event.when {
            When::Day(date) => {
                for (key, date) in [("DTSTART", date), ("DTEND", date.saturating_add(1.day()))] {
                    let mut property = Property::new(key, day(date));
                    out.append_property(property.add_parameter("VALUE", "DATE").done());
                }
                out.add_property("TRANSP", "TRANSPARENT");
            }
            When::Span(from, to) => {
                out.add_property("DTSTART", instant(from));
                out.add_property("DTEND", instant(to));
            }
        }
        calendar.push(out.done());
    }
    fold(&calendar.to_string().replace("\r\n ", ""))
}

/// Breaks lines after 75 octets, never inside a character. The library's own folding lets 76 pass.
fn fold(text: &str) -> String {
    const LIMIT: usize = 75;
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let mut length = 0;
    for c in text.chars() {
        if matches!(c, '\r' | '\n') {
            length = 0;
        } else if length + c.len_utf8() > LIMIT {
            out.push_str("\r\n ");
            length = 1 + c.len_utf8();
        } else {
            length += c.len_utf8();
        }
        out.push(c);
    }
    out
}

impl Notices {
    /// The feed of a token and its entity tag.
    ///
    /// # Errors
    /// `NotFound` when the token is none, or its account was closed.
    pub(crate) async fn feed_text(
        &self,
        token: &str,
        sources: &[Arc<dyn CalendarSource>],
        texts: &Catalog,
    ) -> Result<(String, String)> {
        let (person, lang) = self.feed_of(token).await?;
        let today = self.env.today();
        let (from, to) = (
            today.saturating_sub(BACK.days()),
            today.saturating_add(AHEAD.days()),
        );
        let mut events = Vec::new();
        for source in sources {
            for event in source.events(person, from, to).await? {
                let title = say(texts, lang, event.title.key, &event.title.args);
                events.push((event, title));
            }
        }
        events.sort_by(|(a, _), (b, _)| a.uid.cmp(&b.uid));
        let text = print(
            &texts.say(lang, "product", &[]),
            &self.settings.public_url,
            &events,
        );
        let tag = format!(
            "\"{}\"",
            hex::encode(&Sha256::digest(text.as_bytes())[..16])
        );
        Ok((text, tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(title: &str) -> (Event, String) {
        let event = Event {
            uid: "u-1".into(),
            title: Msg::new("x"),
            when: When::Day(Date::constant(2026, 12, 31)),
            href: "/approvals/1".into(),
            updated: Timestamp(1_000_000),
        };
        (event, title.to_owned())
    }

    #[test]
    fn a_day_is_a_day_and_an_hour_an_hour() {
        let mut hour = event("学习, 讨论; 小结");
        hour.0.when = When::Span(Timestamp(0), Timestamp(3_600_000_000));
        let text = print("素能", "https://s.example", &[event("甲"), hour]);
        for part in [
            "DTSTART;VALUE=DATE:20261231\r\n",
            "DTEND;VALUE=DATE:20270101\r\n",
            "DTSTART:19700101T000000Z\r\n",
            "DTEND:19700101T010000Z\r\n",
            "DTSTAMP:19700101T000001Z\r\n",
            "SUMMARY:学习\\, 讨论\\; 小结\r\n",
            "URL:https://s.example/approvals/1\r\n",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_short_and_unfold_to_what_was_said(title in "[\\PC\n]{0,120}") {
            let text = print("素能", "https://s.example", &[event(&title)]);
            for line in text.split("\r\n") {
                prop_assert!(line.len() <= 75, "{line:?}");
                prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
            }
            let whole = text.replace("\r\n ", "");
            let said = whole.split("SUMMARY:").nth(1).and_then(|s| s.split("\r\n").next()).unwrap();
            let mut plain = String::new();
            let mut chars = said.chars();
            while let Some(c) = chars.next() {
                plain.push(match c {
                    '\\' => match chars.next() { Some('n') => '\n', Some(c) => c, None => '\\' },
                    c => c,
                });
            }
            prop_assert_eq!(plain, title);
        }
    }
}
