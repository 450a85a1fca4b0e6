//! The period that a page is about: chosen by kind and a day in it, kept in the URL.

use kernel::{Date, Period, PeriodKind};
use serde::Deserialize;

/// What a URL asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Span {
    /// `month`, `quarter`, `half` or `year`.
    pub period: Option<String>,
    /// A day in it; today when missing.
    pub at: Option<String>,
    /// Exact first day, instead of a kind.
    pub from: Option<String>,
    /// Exact last day.
    pub to: Option<String>,
}

/// The kinds that can be chosen.
pub(crate) const KINDS: [(&str, PeriodKind); 4] = [
    ("month", PeriodKind::Month),
    ("quarter", PeriodKind::Quarter),
    ("half", PeriodKind::Half),
    ("year", PeriodKind::Year),
];

/// The period asked for, cut off today, and the code of its kind (none for exact days). What makes no
/// sense is read as this year so far.
pub fn span_of(span: &Span, today: Date) -> (Period, Option<&'static str>) {
    let date = |text: &Option<String>| text.as_deref().and_then(kernel::parse_date);
    if let (Some(from), Some(to)) = (date(&span.from), date(&span.to))
        && from <= to
    {
        return (
            Period {
                from,
                to: to.min(today).max(from),
            },
            None,
        );
    }
    let asked = span.period.as_deref().unwrap_or("year");
    let (code, kind) = KINDS
        .into_iter()
        .find(|(code, _)| *code == asked)
        .unwrap_or(KINDS[3]);
    let at = date(&span.at).unwrap_or(today).min(today);
    let period = Period::containing(kind, at);
    (period.up_to(today).unwrap_or(period), Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_this_year_so_far() {
        let today = Date::constant(2026, 11, 21);
        let so_far = Period {
            from: Date::constant(2026, 1, 1),
            to: today,
        };
        let ask = |period: &str, at: &str, from: &str, to: &str| {
            let some = |t: &str| Some(t.to_owned());
            span_of(
                &Span {
                    period: some(period),
                    at: some(at),
                    from: some(from),
                    to: some(to),
                },
                today,
            )
        };
        assert_eq!(span_of(&Span::default(), today), (so_far, Some("year")));
        assert_eq!(ask("century", "x", "2026-02-30", "y").0, so_far);
        assert_eq!(
            ask("month", "2026-10-09", "", "").0,
            Period::containing(PeriodKind::Month, Date::constant(2026, 10, 9))
        );
        assert_eq!(ask("", "", "2026-03-01", "2027-01-01").0.to, today);
        assert_eq!(
            ask("year", "2030-01-01", "", "").0,
            so_far,
            "the future has no figures"
        );
    }
}
