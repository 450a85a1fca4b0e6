//! Attributes of people (人员属性): which there are is said by packs; each has a value from a day on.

use std::collections::BTreeMap;

use commons::lrmx::Month;
use commons::packs::{Name, PackProblem, Packs};
use commons::sheets::squeeze;
use kernel::{Date, Msg, Result};
use serde::Deserialize;
use toml::Spanned;

/// An attribute that people can have, such as their class or level.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attribute {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The values it can take, in their order; none when it is typed in.
    #[serde(default)]
    pub values: Vec<AttributeValue>,
    /// What is typed in.
    #[serde(default)]
    pub format: Option<Format>,
    /// What its column is called in sheets, beside its name.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The element of an appointment form that says it, such as `ChuShengNianYue` (出生年月).
    #[serde(default)]
    pub lrmx: Option<String>,
    /// What the full years since a month are called, such as 年龄 or 工龄; audiences can ask for them.
    #[serde(default)]
    pub years: Option<Name>,
    /// Whether an import takes the month of birth from an identity number where nothing else is known.
    #[serde(default)]
    pub from_identity: bool,
}

/// What is typed in as an attribute that has no list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A mail address.
    Email,
    /// A month of the past, `1985-03`: the same for ever, so that a correction replaces it.
    Month,
}

/// The first day of what holds for ever.
pub(crate) const EVER: Date = Date::constant(1900, 1, 1);

/// A month as people write it: `1985-03`, `1985.03`, `198503`, `1985年3月`, a whole date. `1985.1` is none, since
/// spreadsheets write October so too.
fn month(text: &str) -> Option<String> {
    let day = text.trim().split([' ', 'T']).next().unwrap_or_default();
    let squeezed = squeeze(text);
    let doubtful = |t: &str| t.len() == 6 && t.ends_with(".1");
    let found = [day, &squeezed]
        .into_iter()
        .find_map(|t| Month::read(t).filter(|_| !doubtful(t)))?;
    Some(format!("{:04}-{:02}", found.year, found.month))
}

/// How many years are full since a month on a day: a year is full with the first day of the month.
pub(crate) fn full_years(month: &str, date: Date) -> Option<i32> {
    let (year, month) = month.split_once('-')?;
    let (year, month): (i32, i8) = (year.parse().ok()?, month.parse().ok()?);
    Some(i32::from(date.year()) - year - i32::from(date.month() < month))
}

impl Format {
    /// What a text says, as it is kept.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(self, text: &str, today: Date) -> Result<String, Msg> {
        match self {
            Self::Email if Self::is_mail(text) => Ok(text.to_owned()),
            Self::Email => Err(Msg::new("attribute-email")),
            Self::Month => {
                let read = month(text).ok_or_else(|| Msg::new("attribute-month"))?;
                if *read > *today.strftime("%Y-%m").to_string() {
                    return Err(Msg::new("attribute-month-future"));
                }
                Ok(read)
            }
        }
    }

    /// For mail a name, an `@` and a host, without blanks.
    fn is_mail(text: &str) -> bool {
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic());
        let host =
            |h: &str| plain(h) && h.contains('.') && !h.starts_with('.') && !h.ends_with('.');
        text.len() <= 254
            && text.split_once('@').is_some_and(|(name, rest)| {
                plain(name)
                    && host(rest)
                    && !rest.contains('@')
                    && !text.contains(['<', '>', ',', ';', '"'])
            })
    }
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeValue {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The element of an appointment form whose month is the first of this value, such as
    /// `RuDangShiJian` (入党时间).
    #[serde(default)]
    pub lrmx: Option<String>,
    /// Whether lists of people say it beside the name, such as that somebody is on leave.
    #[serde(default)]
    pub mark: bool,
}

impl Attribute {
    /// What was typed or chosen as its value, as it is kept; an empty one ends it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self, text: &str, today: Date) -> Result<String, Msg> {
        match self.format {
            _ if text.is_empty() => Ok(String::new()),
            Some(format) => format.read(text, today),
            None => match self.value(text) {
                Some(value) => Ok(value.code.clone()),
                None => Err(Msg::new("attribute-value-unknown")),
            },
        }
    }

    /// Whether it is the same for ever, from whatever day on it is said.
    pub fn is_timeless(&self) -> bool {
        self.format == Some(Format::Month)
    }

    /// The day from which on a value is kept that was said to hold from a day on.
    pub(crate) fn first_day(&self, from: Date) -> Date {
        if self.is_timeless() { EVER } else { from }
    }

    /// A value by its code.
    pub fn value(&self, code: &str) -> Option<&AttributeValue> {
        self.values.iter().find(|v| v.code == code)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    person_attribute: Vec<Spanned<Attribute>>,
}

/// All attributes of all packs.
#[derive(Debug, Clone, Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> std::result::Result<Self, Vec<PackProblem>> {
        let mut found: Vec<Attribute> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.person_attribute {
                let span = spanned.span();
                let attribute = spanned.into_inner();
                let mut wrong = |key, code: &str| {
                    problems.push(pack.problem_at(span.clone(), Msg::new(key).with("code", code)));
                };
                let codes = attribute.values.iter().map(|v| v.code.as_str());
                for code in codes.clone().chain([attribute.code.as_str()]) {
                    if !commons::packs::is_kebab(code) {
                        wrong("attribute-code", code);
                    }
                }
                let mut seen = std::collections::HashSet::new();
                for code in codes {
                    if !seen.insert(code) {
                        wrong("attribute-value-twice", code);
                    }
                }
                let of_months = attribute.years.is_some() || attribute.from_identity;
                if of_months && !attribute.is_timeless() {
                    wrong("attribute-no-month", &attribute.code);
                }
                if attribute.values.is_empty() == attribute.format.is_none() {
                    wrong("attribute-without-values", &attribute.code);
                }
                if found.iter().any(|a| a.code == attribute.code) {
                    wrong("attribute-twice", &attribute.code);
                }
                found.push(attribute);
            }
        }
        if problems.is_empty() {
            Ok(Self(found))
        } else {
            Err(problems)
        }
    }

    /// An attribute by its code.
    pub fn get(&self, code: &str) -> Option<&Attribute> {
        self.0.iter().find(|a| a.code == code)
    }

    /// Those of which audiences can ask for full years.
    pub(crate) fn with_years(&self) -> impl Iterator<Item = (&Attribute, &Name)> {
        self.0.iter().filter_map(|a| Some((a, a.years.as_ref()?)))
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }
}

/// What a person's attributes became, from which day on; an empty value: none from then on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits(BTreeMap<(String, Date), String>);

impl Traits {
    pub(crate) fn new(list: impl IntoIterator<Item = (String, Date, String)>) -> Self {
        let list = list.into_iter();
        Self(
            list.map(|(code, from, value)| ((code, from), value))
                .collect(),
        )
    }

    /// The value of an attribute on a day.
    pub fn on(&self, code: &str, date: Date) -> Option<&str> {
        let from = (code.to_owned(), Date::MIN);
        let (_, value) = self.0.range(from..=(code.to_owned(), date)).next_back()?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Every change: attribute, first day, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Date, &str)> {
        let list = self.0.iter();
        list.map(|((code, from), value)| (code.as_str(), *from, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_told_from_other_texts() {
        for good in ["a@b.example", "zhang.san+x@mail.bureau.example"] {
            assert!(Format::is_mail(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@b",
            "@b.example",
            "a@",
            "a b@c.example",
            "a@b@c.example",
            "a@b.",
            "甲@b.example",
            "<a@b.example>",
            "a@b.example,c@d.example",
            "a@b.example\r\nBcc: c@d.example",
        ] {
            assert!(!Format::is_mail(bad), "{bad}");
        }
    }

    #[test]
    fn months_are_read_as_people_write_them() {
        let today = Date::constant(2026, 11, 20);
        let read = |text: &str| Format::Month.read(text, today);
        for good in [
            "1985.03",
            "198503",
            "1985-03",
            "1985年3月",
            "1985年03月",
            "1985/3",
            "1985.3",
            " 1985 年 3 月 ",
            "1985-03-12",
            "1985-03-12 00:00:00",
            "19850312",
            "1985年3月12日",
        ] {
            assert_eq!(read(good), Ok("1985-03".to_owned()), "{good}");
        }
        assert_eq!(read("1985.10"), Ok("1985-10".to_owned()));
        for bad in [
            "",
            "85.03",
            "1985",
            "1985.13",
            "1985.1",
            "三月",
            "1985-00",
            "0985-03",
            "<b>1985-03</b>",
        ] {
            assert_eq!(read(bad), Err(Msg::new("attribute-month")), "{bad}");
        }
        assert_eq!(read("2026-11"), Ok("2026-11".to_owned()));
        assert_eq!(read("2026-12"), Err(Msg::new("attribute-month-future")));
    }

    #[test]
    fn a_year_is_full_with_the_first_day_of_the_month() {
        let years = |year, month, day| full_years("1985-03", Date::constant(year, month, day));
        assert_eq!(years(2025, 2, 28), Some(39));
        assert_eq!(years(2025, 3, 1), Some(40));
        assert_eq!(years(1985, 3, 31), Some(0));
        assert_eq!(years(1985, 2, 1), Some(-1));
        assert_eq!(full_years("", Date::constant(2025, 1, 1)), None);
    }

    #[test]
    fn a_value_holds_from_its_day_until_the_next() {
        let day = |n| Date::constant(2026, n, 1);
        let of = |code: &str, n, value: &str| (code.to_owned(), day(n), value.to_owned());
        let traits = Traits::new([
            of("level", 3, "staff"),
            of("level", 6, "township"),
            of("level", 9, ""),
            of("lever", 1, "x"),
        ]);
        let on = |n| traits.on("level", day(n));
        assert_eq!(
            [on(2), on(3), on(5), on(6), on(8), on(9), on(12)],
            [
                None,
                Some("staff"),
                Some("staff"),
                Some("township"),
                Some("township"),
                None,
                None
            ]
        );
        assert_eq!(traits.on("class", day(12)), None);
    }
}
