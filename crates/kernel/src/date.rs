//! Instants and dates. Instants are UTC microseconds; business dates are civil dates in the
//! tenant's time zone and are written `YYYY-MM-DD`.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// An instant: microseconds since 1970-01-01 UTC.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// One second in microseconds.
    pub const SECOND: i64 = 1_000_000;

    /// This instant plus so many seconds.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(Self::SECOND)))
    }

    /// The date and time in a zone.
    pub fn zoned(self, zone: &TimeZone) -> jiff::Zoned {
        jiff::Timestamp::from_microsecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(zone.clone())
    }

    /// The business date in a zone.
    pub fn date(self, zone: &TimeZone) -> Date {
        self.zoned(zone).date()
    }

    /// `YYYY-MM-DD HH:MM` in a zone.
    pub fn minute_text(self, zone: &TimeZone) -> String {
        self.zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// RFC 3339 in UTC, for machines.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_string()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// `YYYY-MM-DD`, the form that databases, forms and URLs use.
pub fn format_date(date: Date) -> String {
    date.strftime("%Y-%m-%d").to_string()
}

/// Reads `YYYY-MM-DD`, and what people type or paste instead: `2026/1/3`, `2026.1.3`, `2026年1月3日`,
/// `20260103`. `None` when it is no date.
pub fn parse_date(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return civil(
            text[..4].parse().ok()?,
            text[4..6].parse().ok()?,
            text[6..].parse().ok()?,
        );
    }
    let text = text.strip_suffix('日').unwrap_or(text);
    let mut parts = text.split(['-', '/', '.', '年', '月']);
    let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || y.len() != 4 {
        return None;
    }
    civil(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?)
}

fn civil(year: i16, month: i8, day: i8) -> Option<Date> {
    // Years outside this range are typing errors, never study sessions.
    if !(1900..=2200).contains(&year) {
        return None;
    }
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_people_type_are_read() {
        let want = Date::constant(2026, 1, 3);
        for text in [
            "2026-01-03",
            "2026/1/3",
            "2026.1.3",
            "2026年1月3日",
            "20260103",
            " 2026-1-3 ",
        ] {
            assert_eq!(parse_date(text), Some(want), "{text}");
        }
        for text in [
            "",
            "2026-13-01",
            "2026-02-30",
            "26-01-03",
            "2026-01-03-04",
            "0026-01-01",
            "一月",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn business_date_follows_the_zone() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let late = jiff::civil::date(2025, 12, 31)
            .at(23, 30, 0, 0)
            .to_zoned(zone.clone())
            .unwrap();
        let at = Timestamp(late.timestamp().as_microsecond());
        assert_eq!(format_date(at.date(&zone)), "2025-12-31");
        assert_eq!(format_date(at.plus_seconds(3600).date(&zone)), "2026-01-01");
    }
}
