//! Attributes of people (人员属性): which there are is said by packs; each has a value from a day on.

use std::collections::BTreeMap;

use commons::packs::{Name, PackProblem, Packs};
use kernel::{Date, Error, Msg, Result};
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
}

/// What is typed in as an attribute that has no list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A mail address.
    Email,
}

impl Format {
    /// Whether a text is one: for mail a name, an `@` and a host, without blanks.
    fn holds(self, text: &str) -> bool {
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
}

impl Attribute {
    /// Whether a value is one of it; an empty one ends it.
    ///
    /// # Errors
    /// `Invalid` for the value.
    pub fn check(&self, value: &str) -> Result<()> {
        let (fine, key) = match self.format {
            _ if value.is_empty() => return Ok(()),
            Some(format) => (format.holds(value), "attribute-email"),
            None => (self.value(value).is_some(), "attribute-value-unknown"),
        };
        if fine {
            Ok(())
        } else {
            Err(Error::field("value", Msg::new(key)))
        }
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
            assert!(Format::Email.holds(good), "{good}");
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
            assert!(!Format::Email.holds(bad), "{bad}");
        }
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
