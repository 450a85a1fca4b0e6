//! Statutory holidays from packs: one `[[holiday]]` per notice of the State Council General Office.

use std::collections::BTreeMap;

use kernel::{Calendar, Date, DayKind, Msg, parse_date};
use serde::Deserialize;
use toml::Spanned;

use super::{PackProblem, Packs, none_or};

/// The top-level table that is read here.
pub const TABLES: &[&str] = &["holiday"];

#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    holiday: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    year: i16,
    #[serde(rename = "notice")]
    _notice: String,
    #[serde(rename = "url", default)]
    _url: Option<String>,
    off: Vec<Spanned<String>>,
    work: Vec<Spanned<String>>,
}

/// The working calendar of all packs together.
pub fn calendar(packs: &Packs) -> Result<Calendar, Vec<PackProblem>> {
    let mut days: BTreeMap<Date, DayKind> = BTreeMap::new();
    let mut problems = Vec::new();
    for (pack, tables) in packs.read::<Tables>()? {
        for notice in tables.holiday {
            let off = notice.off.iter().map(|day| (day, DayKind::Off));
            let work = notice.work.iter().map(|day| (day, DayKind::Work));
            for (day, kind) in off.chain(work) {
                // A notice may reach into the days around its year, no further.
                let date = parse_date(day.get_ref())
                    .filter(|d| (notice.year - 1..=notice.year + 1).contains(&d.year()));
                let reason = match date {
                    None => Msg::new("pack-holiday-date").with("year", notice.year),
                    Some(date) => match days.insert(date, kind) {
                        Some(other) if other != kind => Msg::new("pack-holiday-both"),
                        _ => continue,
                    },
                };
                problems.push(pack.problem_at(day.span(), reason.with("date", day.get_ref())));
            }
        }
    }
    none_or(problems, Calendar::new(days))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<Calendar, Vec<PackProblem>> {
        let head = "[pack]\ncode = \"c\"\nname = { zh = \"历\", en = \"C\" }\nversion = \"1\"\n";
        calendar(&Packs::load(vec![("c.toml".into(), format!("{head}{text}"))]).unwrap())
    }

    #[test]
    fn the_pack_that_is_shipped_knows_its_years() {
        let text = include_str!("../../../../packs/calendar-cn.toml");
        let packs = Packs::load(vec![("calendar-cn.toml".into(), text.into())]).unwrap();
        packs.check_tables(TABLES).unwrap();
        let calendar = calendar(&packs).unwrap();
        let day = Date::constant;
        for off in [
            day(2024, 2, 16),
            day(2025, 10, 8),
            day(2026, 2, 23),
            day(2026, 10, 7),
        ] {
            assert!(!calendar.is_workday(off), "{off}");
        }
        for work in [
            day(2024, 9, 14),
            day(2025, 1, 26),
            day(2026, 1, 4),
            day(2026, 10, 10),
        ] {
            assert!(calendar.is_workday(work), "{work}");
        }
        assert!((2024..=2026).all(|year| calendar.knows_year(year)));
    }

    #[test]
    fn wrong_days_are_named() {
        let day = |off: &str, work: &str| {
            let text = format!(
                "[[holiday]]\nyear = 2026\nnotice = \"n\"\noff = [{off}]\nwork = [{work}]\n"
            );
            with(&text).unwrap_err().remove(0)
        };
        let found = day("\"2026-02-30\"", "");
        assert_eq!(
            (found.line, found.column, found.reason.key),
            (8, 8, "pack-holiday-date")
        );
        assert_eq!(day("\"2020-01-01\"", "").reason.key, "pack-holiday-date");
        let found = day("\"2026-01-01\"", "\"2026-01-01\"");
        assert_eq!((found.line, found.reason.key), (9, "pack-holiday-both"));
    }
}
