//! Papers about cases (文书), from packs: what they are called, how they are numbered, and their words with places to fill.

use commons::packs::{Name, PackProblem, Packs, is_kebab};
use kernel::Msg;
use serde::Deserialize;
use toml::Spanned;

/// What can be filled into the words of a paper.
pub(crate) const PLACES: [&str; 9] = [
    "number",
    "title",
    "kind",
    "severity",
    "due",
    "unit",
    "from",
    "owner",
    "supervisor",
];

/// Who sends a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// Who raised the case, to who owns it.
    Raiser,
    /// Who owns it, to who raised it.
    Owner,
}

/// A sort of paper (文书种类).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperKind {
    /// Code, kept with what was issued.
    pub code: String,
    /// Name.
    pub name: Name,
    /// How it is numbered: `TZ-{year}-{n}`.
    pub number: String,
    /// Who sends it.
    pub from: Sender,
    /// Whether it lists the measures.
    pub measures: bool,
    /// Kinds of cases that it is for; none: all.
    pub kinds: Vec<String>,
    /// How it begins.
    pub lead: Name,
    /// How it ends.
    pub close: Name,
    /// Code and version of the pack.
    pub pack: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: String,
    name: Name,
    number: String,
    from: Sender,
    #[serde(default)]
    measures: bool,
    #[serde(default)]
    kinds: Vec<String>,
    lead: Name,
    close: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tables {
    #[serde(default)]
    case_paper: Vec<Spanned<Row>>,
}

/// The words of a paper with its places filled.
pub(crate) fn fill(words: &str, value: impl Fn(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), words);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, then)) = after.split_once('}') else {
            break;
        };
        out += before;
        out += &value(place);
        rest = then;
    }
    out + rest
}

/// The first place in some words that nothing fills.
fn unknown(words: &str) -> Option<String> {
    let mut rest = words;
    while let Some((_, after)) = rest.split_once('{') {
        let place = after.split_once('}').map_or(after, |(place, _)| place);
        if !PLACES.contains(&place) || !after.contains('}') {
            return Some(place.to_owned());
        }
        rest = &after[place.len()..];
    }
    None
}

impl PaperKind {
    /// Reads them from packs; names every mistake with its line.
    pub(crate) fn read(
        packs: &Packs,
        is_kind: impl Fn(&str) -> bool,
        problems: &mut Vec<PackProblem>,
    ) -> Result<Vec<Self>, Vec<PackProblem>> {
        let mut list: Vec<Self> = Vec::new();
        for (pack, tables) in packs.read::<Tables>()? {
            for row in &tables.case_paper {
                let r = row.get_ref();
                let mut tell = |key: &'static str, code: &str| {
                    let message = Msg::new(key).with("code", code);
                    problems.push(pack.problem_at(row.span(), message));
                };
                if !is_kebab(&r.code) || list.iter().any(|k| k.code == r.code) {
                    tell("cases-pack-code", &r.code);
                }
                let numbered = r.number.contains("{n}") && r.number.contains("{year}");
                if !numbered || r.number.len() > 40 {
                    tell("cases-pack-number", &r.code);
                }
                if let Some(kind) = r.kinds.iter().find(|k| !is_kind(k)) {
                    tell("cases-pack-paper-kind", kind);
                }
                for words in [&r.lead.zh, &r.lead.en, &r.close.zh, &r.close.en] {
                    if let Some(place) = unknown(words) {
                        tell("cases-pack-place", &place);
                    }
                }
                list.push(Self {
                    code: r.code.clone(),
                    name: r.name.clone(),
                    number: r.number.clone(),
                    from: r.from,
                    measures: r.measures,
                    kinds: r.kinds.clone(),
                    lead: r.lead.clone(),
                    close: r.close.clone(),
                    pack: format!("{} {}", pack.code, pack.version),
                });
            }
        }
        Ok(list)
    }

    /// Whether it is for a kind of case.
    pub(crate) fn is_for(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|k| k == kind)
    }

    /// Its n-th number in a year.
    pub(crate) fn number_of(&self, year: i16, n: i64) -> String {
        let number = self.number.replace("{year}", &year.to_string());
        number.replace("{n}", &format!("{n:04}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_filled_in_stays_text(value in ".*", before in "[^{}]*", after in "[^{}]*") {
            let words = format!("{before}{{title}}{after}{{number}}");
            prop_assert_eq!(unknown(&words), None);
            let filled = fill(&words, |place| if place == "title" { value.clone() } else { "1".into() });
            prop_assert_eq!(filled, format!("{before}{value}{after}1"), "nothing in a value is filled again");
        }
    }

    #[test]
    fn a_place_that_nothing_fills_is_found() {
        for (words, place) in [
            ("请{nobody}办", "nobody"),
            ("请{title", "title"),
            ("{}", ""),
        ] {
            assert_eq!(unknown(words).as_deref(), Some(place), "{words}");
        }
    }
}
