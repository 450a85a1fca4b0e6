//! What is looked at before a report is kept: names of other units, subjects that do not fit, numbers that were
//! typed where figures belong. Warnings only: whoever keeps it anyway says why.

use std::collections::HashSet;

use commons::packs::Name;
use indicators::IndicatorList;
use kernel::{Result, Scope};
use serde::Deserialize;

use crate::template::{Piece, pieces};
use crate::{Reports, Saved};

/// Words by which a kind of unit speaks of itself (本院, 本局, 全县).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Code.
    pub code: String,
    /// The words.
    pub words: Vec<String>,
    /// They fit a unit whose category, or that of a unit above it, has one of these in it.
    #[serde(rename = "for")]
    pub fits: Vec<String>,
}

/// What is doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Name of a unit that is neither this one nor above or below it.
    OtherUnit,
    /// A subject that does not fit the unit.
    Subject,
    /// A typed number with the measure of an indicator.
    TypedNumber,
}

/// A doubt and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) doubt: Doubt,
    /// Number of the paragraph; nought: the title.
    pub(crate) paragraph: usize,
    /// The words.
    pub(crate) what: String,
}

impl Doubt {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::OtherUnit => "report-doubt-unit",
            Self::Subject => "report-doubt-subject",
            Self::TypedNumber => "report-doubt-number",
        }
    }
}

/// Names of others that stand in a text, the longest first; `own` ones and what is part of them do not count.
fn others_in<'n>(text: &str, own: &HashSet<String>, others: &'n [String]) -> Vec<&'n str> {
    let mut names: Vec<(&str, Option<&'n str>)> = own.iter().map(|n| (n.as_str(), None)).collect();
    let foreign = others
        .iter()
        .filter(|n| n.chars().count() >= 3 && !own.contains(*n));
    names.extend(foreign.map(|n| (n.as_str(), Some(n.as_str()))));
    names.retain(|(name, _)| !name.is_empty() && text.contains(name));
    names.sort_by_key(|(name, other)| (std::cmp::Reverse(name.len()), other.is_some()));
    let (mut rest, mut found) = (text.to_owned(), Vec::new());
    for (name, other) in names {
        if rest.contains(name) {
            rest = rest.replace(name, "\n");
            found.extend(other.filter(|n| !found.contains(n)));
        }
    }
    found
}

/// Typed numbers of a text that a measure follows, such as `12场`.
fn typed_numbers(text: &str, measures: &[&str]) -> Vec<String> {
    let digit = |c: char| c.is_ascii_digit() || ('０'..='９').contains(&c);
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(digit) {
        let ordinal = rest[..at].ends_with('第');
        let tail = &rest[at..];
        let end = tail
            .find(|c: char| !digit(c) && !matches!(c, '.' | ',' | '，'))
            .unwrap_or(tail.len());
        let (number, after) = tail.split_at(end);
        let measure = measures
            .iter()
            .filter(|m| after.trim_start().starts_with(**m))
            .max_by_key(|m| m.len());
        if let Some(measure) = measure.filter(|_| !ordinal) {
            found.push(format!("{number}{measure}"));
        }
        rest = after;
    }
    found
}

/// The texts of a template as they were typed, without what is filled in.
fn typed(text: &Name) -> String {
    let typed = pieces(&text.zh).unwrap_or_default();
    let texts = typed.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        _ => "\n".to_owned(),
    });
    texts.collect()
}

fn measures(list: &IndicatorList) -> Vec<&str> {
    let all = list.iter().map(|i| i.unit.zh.as_str());
    all.filter(|unit| !unit.is_empty()).collect()
}

impl Reports {
    /// What is doubtful about a report that was drafted from a template.
    pub(crate) async fn doubts(&self, r: &Saved, scope: &Scope) -> Result<Vec<Warning>> {
        let Some(template) = self.templates.get(&r.template) else {
            return Ok(Vec::new());
        };
        let mut kin = self.organization.ancestors(r.unit).await?;
        kin.push(r.unit);
        let mut categories = HashSet::new();
        for unit in self.organization.units_by_id(&kin, &Scope::All).await? {
            categories.insert(unit.category);
        }
        kin.extend(self.organization.units_under(r.unit).await?);
        let own: HashSet<String> = self.organization.names(&kin).await?.into_values().collect();
        let others = self.organization.units(scope).await?.into_iter();
        let others: Vec<String> = others.map(|unit| unit.name).collect();
        let fits = |check: &&Check| {
            let fit = |c: &String| check.fits.iter().any(|part| c.contains(part));
            !categories.iter().any(fit)
        };
        let wrong: Vec<&Check> = self.templates.checks().iter().filter(fits).collect();
        let measures = measures(self.indicators.list());
        let mut found = Vec::new();
        let texts = [&template.title].into_iter().chain(&template.paragraphs);
        for (paragraph, text) in texts.enumerate() {
            let text = typed(text);
            let mut doubt = |doubt, what: String| {
                found.push(Warning {
                    doubt,
                    paragraph,
                    what,
                });
            };
            for name in others_in(&text, &own, &others) {
                doubt(Doubt::OtherUnit, name.to_owned());
            }
            for word in wrong.iter().flat_map(|c| &c.words) {
                if text.contains(word.as_str()) {
                    doubt(Doubt::Subject, word.clone());
                }
            }
            for number in typed_numbers(&text, &measures) {
                doubt(Doubt::TypedNumber, number);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn names_of_others_are_found_and_own_ones_are_not() {
        let own = set(&["澜州市司法局", "办公室"]);
        let others: Vec<String> = [
            "澜江县司法局",
            "澜江县",
            "办公室",
            "甲科",
            "澜州市司法局乙分局",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(
            others_in("澜州市司法局和澜江县司法局的办公室、甲科", &own, &others),
            ["澜江县司法局"]
        );
        assert_eq!(others_in("澜江县的工作", &own, &others), ["澜江县"]);
        assert_eq!(
            others_in("澜州市司法局乙分局", &own, &others),
            ["澜州市司法局乙分局"],
            "a longer name is not its beginning"
        );
    }

    #[test]
    fn numbers_with_a_measure_are_typed_figures() {
        let measures = ["场", "人次", "人", "%"];
        let find = |text: &str| typed_numbers(text, &measures);
        assert_eq!(
            find("学习12场，参学 1,204 人次，占 87.5%"),
            ["12场", "1,204人次", "87.5%"]
        );
        assert_eq!(find("１２场"), ["１２场"]);
        assert_eq!(
            find("2026年第3场，第12人，共\n场，12345热线"),
            Vec::<String>::new()
        );
    }
}
