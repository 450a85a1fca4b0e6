//! Rules (义务规则), brought by packs: a document and article, for whom, done by which facts, and versions
//! that each open on a day. No regulation's number is in code.

use commons::packs::{Name, PackProblem, Packs};
use jiff::civil::Weekday;
use kernel::{Date, Msg, Shift};
use ledger::Definition;
use serde::Deserialize;
use toml::Spanned;

/// How often, and when it falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// Once a week (每周).
    Week,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A version of a rule: earlier periods keep theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// First day on which it holds.
    pub from: Date,
    /// How often.
    pub every: Cadence,
    /// Day of the week on which it falls due.
    pub on: Weekday,
    /// Where the due day goes when it is a day off.
    pub shift: Shift,
    /// How many days before it falls due it is shown as soon due.
    pub soon_days: i64,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// The document that demands it.
    pub document: Name,
    /// The article.
    pub article: Name,
    /// Categories of units that it binds.
    pub categories: Vec<String>,
    /// The facts that fulfil it.
    pub done_by: Definition,
    /// Versions, oldest first.
    pub versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawVersion {
    from: String,
    every: Cadence,
    on: Day,
    shift: Shift,
    soon_days: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRule {
    code: String,
    name: Name,
    document: Name,
    article: Name,
    categories: Vec<String>,
    done_by: Definition,
    version: Vec<Spanned<RawVersion>>,
}

#[derive(Deserialize)]
struct Section {
    #[serde(default)]
    obligation: Vec<Spanned<RawRule>>,
}

/// All rules of all packs.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut problems = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.obligation {
                let span = spanned.span();
                let raw = spanned.into_inner();
                let mut wrong = |key: &'static str| {
                    problems
                        .push(pack.problem_at(span.clone(), Msg::new(key).with("code", &raw.code)));
                };
                if !commons::packs::is_kebab(&raw.code) || rules.iter().any(|r| r.code == raw.code)
                {
                    wrong("obligation-code");
                }
                if raw.categories.is_empty() {
                    wrong("obligation-nobody");
                }
                if raw.version.is_empty() {
                    wrong("obligation-no-version");
                }
                if !raw.done_by.predicate.mistakes().is_empty() {
                    wrong("obligation-predicate");
                }
                let mut versions: Vec<Version> = Vec::new();
                for v in raw.version {
                    let at = v.span();
                    let v = v.into_inner();
                    let from = kernel::parse_date(&v.from);
                    let later = |from: Date| versions.last().is_none_or(|last| last.from < from);
                    match from {
                        Some(from) if later(from) && (0..=6).contains(&v.soon_days) => versions
                            .push(Version {
                                from,
                                every: v.every,
                                on: weekday(v.on),
                                shift: v.shift,
                                soon_days: v.soon_days,
                            }),
                        _ => problems.push(pack.problem_at(
                            at,
                            Msg::new("obligation-version").with("code", &raw.code),
                        )),
                    }
                }
                // Obligations look at what units did themselves, day by day.
                let done_by = Definition {
                    progress: true,
                    ..raw.done_by
                };
                rules.push(Rule {
                    code: raw.code,
                    name: raw.name,
                    document: raw.document,
                    article: raw.article,
                    categories: raw.categories,
                    done_by,
                    versions,
                });
            }
        }
        if problems.is_empty() {
            Ok(Self(rules))
        } else {
            Err(problems)
        }
    }

    /// A rule by its code.
    pub fn get(&self, code: &str) -> Option<&Rule> {
        self.0.iter().find(|r| r.code == code)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.0.iter()
    }

    /// The components they look at, for the ledger to keep.
    pub fn definitions(&self) -> Vec<Definition> {
        self.0.iter().map(|r| r.done_by.clone()).collect()
    }
}

impl Rule {
    /// The version that holds on a day; none before the first.
    pub fn version_on(&self, date: Date) -> Option<&Version> {
        self.versions.iter().rev().find(|v| v.from <= date)
    }
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Monday => Weekday::Monday,
        Day::Tuesday => Weekday::Tuesday,
        Day::Wednesday => Weekday::Wednesday,
        Day::Thursday => Weekday::Thursday,
        Day::Friday => Weekday::Friday,
        Day::Saturday => Weekday::Saturday,
        Day::Sunday => Weekday::Sunday,
    }
}
