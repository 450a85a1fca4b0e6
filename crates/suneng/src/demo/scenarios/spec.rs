//! What a scenario says: its units and people, and what happened when. Read from the files beside this one.

use std::collections::BTreeMap;

use jiff::ToSpan;
use kernel::{Calendar, Date, Error, Result, Shift};
use serde::Deserialize;

/// A scenario (情景): an invented agency, and what its records were on a fixed day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Number.
    pub number: u8,
    /// Code of its unit.
    pub root: String,
    /// The day on which its figures are read.
    pub as_of: String,
    /// The first day of the stretch that its figures are read over.
    pub since: String,
    /// When its units and people began.
    pub founded: String,
    /// A unit a line: code, code of the unit above, name, category, people.
    pub units: String,
    /// The municipal agencies of a city below its unit: beginning of their codes, name of the city, people in each.
    #[serde(default)]
    pub agencies: Option<(String, String, usize)>,
    /// Codes of the reports that are drafted from it, of a unit below with its code in front (`X41:…`).
    #[serde(default)]
    pub reports: Vec<String>,
    #[serde(default)]
    pub body: Vec<BodySpec>,
    #[serde(default)]
    pub audience: Vec<AudienceSpec>,
    #[serde(default)]
    pub held: Vec<Held>,
    #[serde(default)]
    pub talk: Vec<Talk>,
    #[serde(default)]
    pub entry: Vec<EntrySpec>,
    #[serde(default)]
    pub campaign: Vec<CampaignSpec>,
    #[serde(default)]
    pub case: Vec<CaseSpec>,
    #[serde(default)]
    pub exam: Vec<ExamSpec>,
    #[serde(default)]
    pub checked: Vec<CheckSpec>,
}

/// A body with its members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BodySpec {
    pub kind: String,
    pub name: String,
    pub unit: String,
    pub from: String,
    #[serde(default)]
    pub charter: String,
    /// Who and as what: `X101/1:head`, `X101/2-9:member`.
    pub members: Vec<String>,
}

/// An audience: everybody at or below a unit, in units of some categories, with a part of the post.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AudienceSpec {
    pub name: String,
    pub unit: String,
    #[serde(default)]
    pub categories: Vec<String>,
    #[serde(default)]
    pub post: String,
    /// Who belongs to it besides.
    #[serde(default)]
    pub people: Vec<String>,
}

/// When: on some days, or so many times between two days, or on every working day between them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct When {
    #[serde(default)]
    pub on: Vec<String>,
    #[serde(default)]
    pub between: Option<(String, String)>,
    /// None: every working day.
    #[serde(default)]
    pub times: Option<usize>,
}

/// A value, or several that take turns.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Turns {
    One(String),
    Many(Vec<String>),
}

impl Turns {
    /// The one whose turn it is.
    pub fn at(&self, n: usize) -> &str {
        match self {
            Self::One(text) => text,
            Self::Many(list) => list.get(n % list.len().max(1)).map_or("", String::as_str),
        }
    }
}

/// Activities of a kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Held {
    pub kind: String,
    pub unit: String,
    /// Name of the body or audience that was expected.
    #[serde(default)]
    pub of: Option<Turns>,
    pub titles: Turns,
    pub when: When,
    #[serde(default)]
    pub starts: Option<String>,
    #[serde(default)]
    pub minutes: Option<i64>,
    #[serde(default)]
    pub place: String,
    /// How many of those expected were there; none: all.
    #[serde(default)]
    pub present: Option<usize>,
    /// Who came where nobody is expected.
    #[serde(default)]
    pub came: Option<Turns>,
    #[serde(default)]
    pub roles: BTreeMap<String, Turns>,
    #[serde(default)]
    pub fields: BTreeMap<String, Turns>,
    /// Codes of agenda items, with a title behind `=`.
    #[serde(default)]
    pub agenda: Vec<String>,
    #[serde(default)]
    pub series: String,
    /// Sessions of each issue; empty: one.
    #[serde(default)]
    pub sessions: Vec<i64>,
    /// Whether there is evidence, and its name.
    #[serde(default)]
    pub evidence: Option<String>,
}

/// Talks of pairs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Talk {
    pub kind: String,
    pub unit: String,
    pub title: String,
    /// Who was talked with, and who talked.
    pub with: Turns,
    pub by: Turns,
    pub when: When,
    #[serde(default)]
    pub fields: BTreeMap<String, Turns>,
}

/// Entries of a register.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EntrySpec {
    pub register: String,
    /// Codes of units; `*` stands for all below the scenario's unit but those in `except`.
    pub units: Turns,
    #[serde(default)]
    pub except: Vec<String>,
    pub titles: Turns,
    pub when: When,
    #[serde(default)]
    pub values: BTreeMap<String, Turns>,
    #[serde(default)]
    pub people: Option<Turns>,
    /// Whether there is evidence, and its name.
    #[serde(default)]
    pub evidence: Option<String>,
    /// How many are closed later, and after how many days.
    #[serde(default)]
    pub closed: Option<(usize, i64)>,
}

/// A day of the file.
pub fn day(text: &str) -> Result<Date> {
    kernel::parse_date(text).ok_or_else(|| Error::internal(format!("no date: {text}")))
}

impl When {
    /// The days, in order.
    pub fn days(&self, calendar: &Calendar) -> Result<Vec<Date>> {
        let mut days = Vec::new();
        for text in &self.on {
            days.push(day(text)?);
        }
        if let Some((from, to)) = &self.between {
            let (from, to) = (day(from)?, day(to)?);
            match self.times {
                Some(times) => {
                    let length = i64::from(from.until(to).map_err(Error::internal)?.get_days());
                    let gaps = times.saturating_sub(1).max(1) as i64;
                    for n in 0..times as i64 {
                        let at = from.saturating_add((length * n / gaps).days());
                        let at = calendar.shift(at, Shift::Earlier);
                        days.push(at.max(calendar.shift(from, Shift::Later)));
                    }
                }
                None => {
                    let mut at = from;
                    while at <= to {
                        if calendar.is_workday(at) {
                            days.push(at);
                        }
                        at = at.tomorrow().map_err(Error::internal)?;
                    }
                }
            }
        }
        Ok(days)
    }
}

/// A campaign: its units, and when it was closed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CampaignSpec {
    /// By which cases and campaigns below name it.
    pub key: String,
    pub kind: String,
    #[serde(default)]
    pub above: Option<String>,
    pub unit: String,
    pub title: String,
    pub goals: String,
    pub from: String,
    pub closed: String,
    /// Units of these categories below its unit are named in it.
    pub categories: Vec<String>,
    /// Codes of those that do not take part, and why.
    #[serde(default)]
    pub absent: BTreeMap<String, String>,
}

/// Cases of a kind; the first person of a unit owns them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CaseSpec {
    pub kind: String,
    /// The campaign from which they were raised.
    #[serde(default)]
    pub campaign: Option<String>,
    /// As those of entries.
    pub units: Turns,
    #[serde(default)]
    pub except: Vec<String>,
    pub titles: Turns,
    #[serde(default)]
    pub source: String,
    pub areas: Turns,
    pub when: When,
    pub accepted: Accepted,
    /// Of those that were accepted, how many of whom each question was answered with yes.
    #[serde(default)]
    pub answers: BTreeMap<String, usize>,
}

/// Who accepted how many, and after how many days.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    pub first: usize,
    pub days: i64,
    pub by: String,
}

/// An examination of questions that are right or wrong, sat on one evening.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExamSpec {
    pub kind: String,
    pub unit: String,
    pub title: String,
    pub on: String,
    pub questions: usize,
    /// Wrong answers of each, in turns.
    pub wrong: Vec<usize>,
    pub people: Vec<String>,
}

/// What a unit checked of itself by a checklist, finding nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    pub form: String,
    pub unit: String,
    pub title: String,
    pub on: Vec<String>,
}
