//! Entries and the rules about them. No input or output.

use std::collections::{BTreeMap, HashMap, HashSet};

use commons::packs::levels::Levels;
use commons::sheets::squeeze;
pub use desk::Attached;
use jiff::ToSpan;
use kernel::words::fold;
use kernel::{AccountId, Date, Error, FieldError, Id, Msg, PersonId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::register::{Evidence, Field, Kind, Register};

/// The longest title, and the longest line, in characters.
pub(crate) const LONGEST_LINE: usize = 200;
/// The longest paragraphs, in characters.
const LONGEST_TEXT: usize = 5_000;
/// Files of one entry.
pub(crate) const MOST_FILES: usize = 20;
/// People of one entry.
const MOST_PEOPLE: usize = 500;
/// Entries of one unit with the same title within so many days may be the same thing.
pub(crate) const SIMILAR_DAYS: i64 = 30;
/// Things that one declared total can stand for where each is a fact.
pub(crate) const MOST_DECLARED: i64 = 2_000;

/// How far an entry is (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its last version waits for somebody else (待审核).
    Proposed,
    /// Its last version was returned to whoever entered it (已退回).
    Returned,
    /// It stands (有效).
    Accepted,
    /// It was taken back (已冲正).
    Reversed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Proposed,
        Self::Returned,
        Self::Accepted,
        Self::Reversed,
    ];

    /// Its code in the database, addresses and the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Returned => "returned",
            Self::Accepted => "accepted",
            Self::Reversed => "reversed",
        }
    }

    /// The one with a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// Somebody whom an entry names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Who.
    pub person: PersonId,
    /// Their unit as of the entry's date.
    pub unit: UnitId,
    /// Their part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// What a version of an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Title.
    pub title: String,
    /// Business date.
    pub date: Date,
    /// Code of its level of secrecy.
    pub level: String,
    /// Values by code of the field: numbers as decimals, choices by code, units by id.
    pub values: BTreeMap<String, String>,
    /// The people it names.
    #[serde(default)]
    pub people: Vec<Named>,
    /// Its evidence.
    #[serde(default)]
    pub evidence: Vec<Attached>,
    /// What a declared total (申报) of a past year comes to; none: an entry like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<i64>,
}

impl Content {
    /// The value of the field that is the role of the fact.
    pub fn class(&self, register: &Register) -> Option<&str> {
        let code = register.class.as_ref()?;
        self.values.get(code).map(String::as_str)
    }

    /// A number in thousandths.
    pub fn quantity(&self, field: &str) -> Option<i64> {
        thousandths(self.values.get(field)?)
    }
}

/// An entry (条目) with what its last version says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id, the subject of its facts.
    pub id: Id,
    /// Code of its register.
    pub register: String,
    /// The unit it is counted for.
    pub unit: UnitId,
    /// Number of its last version, from 1.
    pub version: i64,
    /// The version that counts; none: it does not yet.
    pub accepted: Option<i64>,
    /// How far it is.
    pub state: State,
    /// What the last version says.
    pub content: Content,
    /// How it came in: `form`, `import`, `api`, `declared`.
    pub source: String,
    /// Entered later than its register allows (补录).
    pub late: bool,
    /// When it was first entered.
    pub recorded_at: Timestamp,
    /// Who entered it first.
    pub recorded_by: AccountId,
    /// In whose place.
    pub recorded_for: Option<AccountId>,
    /// When it was closed (办结日期).
    pub closed_on: Option<Date>,
    /// How.
    pub closed_note: Option<String>,
    /// When it was last looked over (复核).
    pub rechecked_on: Option<Date>,
    /// When it is to be looked over next.
    pub recheck_on: Option<Date>,
}

impl Entry {
    /// Whether it is in the numbers.
    pub fn counts(&self) -> bool {
        self.accepted.is_some() && self.state != State::Reversed
    }

    /// Whether a version that differs from the one that counts is on its way.
    pub fn has_pending(&self) -> bool {
        self.accepted.is_some_and(|n| n != self.version) && self.state != State::Reversed
    }

    /// When it is to be looked over next, by its register.
    pub(crate) fn next_recheck(&self, register: &Register) -> Option<Date> {
        let from = self.rechecked_on.unwrap_or(self.content.date);
        let every = register.review_every?;
        Some(from.saturating_add(every.years.years()))
    }
}

/// What is typed in, by whatever door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Title.
    pub title: String,
    /// Business date.
    pub date: String,
    /// Code of its level of secrecy; empty: the usual one.
    pub level: String,
    /// Values by code of the field.
    pub values: BTreeMap<String, String>,
    /// Staff numbers and parts.
    pub people: Vec<(String, String)>,
    /// Files that are kept already.
    pub evidence: Vec<Attached>,
    /// What a declared total comes to.
    pub declared: Option<i64>,
}

/// What is entered as a new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Made when the form was opened: sent twice, it is entered once.
    pub id: Id,
    /// Code of the register.
    pub register: String,
    /// The unit it is counted for.
    pub unit: UnitId,
    /// What it says.
    pub given: Given,
    /// How it comes in: `form`, `import`, `api`, `declared`.
    pub source: &'static str,
    /// Whether a similar one is known and this is another.
    pub another: bool,
}

/// What names in entries mean, read once for all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// People by staff number.
    pub people: HashMap<String, PersonId>,
    /// Where people are counted on a day.
    pub seats: HashMap<(PersonId, Date), UnitId>,
    /// Units in scope, by code and by id.
    pub units: HashMap<String, UnitId>,
    /// The same units.
    pub reach: HashSet<UnitId>,
}

/// A number as it is written (`1,200.5`), in thousandths; nothing when it is none or has more decimals.
pub(crate) fn thousandths(text: &str) -> Option<i64> {
    let text = fold(text).replace([',', ' '], "");
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text.as_str()), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > 3 || !plain(whole) || !plain(part) {
        return None;
    }
    let part: i64 = format!("{part:0<3}").parse().ok()?;
    Some(sign * (whole.parse::<i64>().ok()? * 1000 + part))
}

/// Thousandths as a number is written: no more decimals than it has.
pub(crate) fn decimal(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, part) = (
        thousandths.unsigned_abs() / 1000,
        thousandths.unsigned_abs() % 1000,
    );
    let text = format!("{sign}{whole}.{part:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A title as titles are compared.
pub(crate) fn title_key(title: &str) -> String {
    fold(title).split_whitespace().collect()
}

fn line(text: &str, most: usize, breaks: bool) -> Option<Msg> {
    let odd = |c: char| c.is_control() && !(breaks && c == '\n');
    (text.chars().count() > most || text.chars().any(odd))
        .then(|| Msg::new("register-text-long").with("most", most))
}

/// What was typed into a field, as it is kept; empty says nothing. Units are by code.
fn value(field: &Field, text: &str, known: &Known) -> Result<String, Msg> {
    let cleaned = text.trim().replace("\r\n", "\n");
    let text = cleaned.as_str();
    if text.is_empty() {
        return match field.required {
            true => Err(Msg::new("register-value-missing")),
            false => Ok(String::new()),
        };
    }
    match field.kind {
        Kind::Text | Kind::Long => {
            let long = field.kind == Kind::Long;
            let most = if long { LONGEST_TEXT } else { LONGEST_LINE };
            line(text, most, long).map_or_else(|| Ok(text.to_owned()), Err)
        }
        Kind::Number => {
            let scale = 10_i64.pow(3 - u32::from(field.decimals.min(3)));
            let number = thousandths(text).filter(|n| n % scale == 0);
            let Some(number) = number else {
                return Err(Msg::new("register-number-wrong").with("decimals", field.decimals));
            };
            let least = field.least.unwrap_or(0);
            if number < least.saturating_mul(1000) {
                return Err(Msg::new("register-number-small").with("least", least));
            }
            match field.most {
                Some(most) if number > most.saturating_mul(1000) => {
                    Err(Msg::new("register-number-large").with("most", most))
                }
                _ => Ok(decimal(number)),
            }
        }
        Kind::Date => match commons::sheets::date(text)? {
            Some(date) => Ok(kernel::format_date(date)),
            None => Ok(String::new()),
        },
        Kind::Choice => {
            let said = squeeze(text);
            let named = |name: &str| squeeze(name) == said;
            let found = field.choice(text).or_else(|| {
                let mut values = field.values.iter();
                values.find(|v| named(&v.name.zh) || named(&v.name.en))
            });
            found.map(|v| v.code.clone()).ok_or_else(|| {
                let names = field.values.iter().map(|v| v.name.zh.as_str());
                let names = names.collect::<Vec<_>>().join("、");
                Msg::new("register-choice-unknown").with("known", names)
            })
        }
        Kind::Unit => match known.units.get(text) {
            Some(unit) => Ok(unit.to_string()),
            None => Err(Msg::new("register-unit-unknown")),
        },
    }
}

/// Name of a field in forms and errors.
pub(crate) fn input(code: &str) -> String {
    format!("v-{code}")
}

/// Checks what was typed; names everything that is wrong with it. `before` is what a correction starts from:
/// people who are on it may stay though they are out of sight.
pub(crate) fn check(
    register: &Register,
    given: &Given,
    known: &Known,
    levels: &Levels,
    today: Date,
    before: Option<&Content>,
) -> Result<Content, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: Msg| {
        errors.push(FieldError {
            field: field.to_owned(),
            message,
        });
    };
    let title = given.title.trim();
    if title.is_empty() {
        wrong("title", Msg::new("register-title-missing"));
    } else if let Some(message) = line(title, LONGEST_LINE, false) {
        wrong("title", message);
    }
    let date = match commons::sheets::date(given.date.trim()) {
        Ok(Some(date)) if date > today => {
            wrong("date", Msg::new("register-in-future"));
            None
        }
        Ok(Some(date)) => Some(date),
        Ok(None) => {
            wrong("date", Msg::new("register-value-missing"));
            None
        }
        Err(message) => {
            wrong("date", message);
            None
        }
    };
    let level = match levels.take(&given.level, register.level.as_deref()) {
        Ok(level) => level.code.clone(),
        Err(Error::Invalid(more)) => {
            more.into_iter().for_each(|e| wrong(&e.field, e.message));
            String::new()
        }
        Err(_) => String::new(),
    };
    let mut values = BTreeMap::new();
    for field in &register.fields {
        // Of a total that somebody declared no more is known than its class.
        let counted = register.class.as_ref() == Some(&field.code);
        if given.declared.is_some() && !counted {
            continue;
        }
        let typed = given.values.get(&field.code).map_or("", String::as_str);
        match value(field, typed, known) {
            Ok(text) if text.is_empty() => {}
            Ok(text) => {
                values.insert(field.code.clone(), text);
            }
            Err(message) => wrong(&input(&field.code), message),
        }
    }
    if let Some(unknown) = given.values.keys().find(|c| register.field(c).is_none()) {
        wrong(
            "values",
            Msg::new("register-field-unknown").with("field", unknown),
        );
    }
    let people = match people(register, given, known, date, before) {
        Ok(people) => people,
        Err(message) => {
            wrong("people", message);
            Vec::new()
        }
    };
    let mut seen = HashSet::new();
    let evidence: Vec<Attached> = given
        .evidence
        .iter()
        .filter(|f| seen.insert(&f.sha256))
        .cloned()
        .collect();
    let needed = register.evidence == Evidence::Required || given.declared.is_some();
    if needed && evidence.is_empty() {
        wrong("file", Msg::new("register-evidence-missing"));
    }
    if evidence.len() > MOST_FILES {
        wrong(
            "file",
            Msg::new("register-evidence-many").with("most", MOST_FILES),
        );
    }
    match date {
        Some(date) if errors.is_empty() => Ok(Content {
            title: title.to_owned(),
            date,
            level,
            values,
            people,
            evidence,
            declared: given.declared,
        }),
        _ => Err(errors),
    }
}

/// The people whom an entry names, each once, with the unit they were counted in.
fn people(
    register: &Register,
    given: &Given,
    known: &Known,
    date: Option<Date>,
    before: Option<&Content>,
) -> Result<Vec<Named>, Msg> {
    let mut named: Vec<Named> = Vec::new();
    let typed = given.people.iter().filter(|(no, _)| !no.trim().is_empty());
    let Some(rule) = &register.people else {
        return match typed.count() {
            0 => Ok(named),
            _ => Err(Msg::new("register-people-none")),
        };
    };
    for (no, part) in typed {
        let (no, part) = (no.trim(), part.trim());
        let unknown = || Msg::new("register-person-unknown").with("number", no);
        let person = *known.people.get(no).ok_or_else(unknown)?;
        // Without a date nobody is anywhere; the date is what is wrong then.
        let Some(date) = date else { continue };
        let unit = *known.seats.get(&(person, date)).ok_or_else(unknown)?;
        let was_there = before.is_some_and(|b| b.people.iter().any(|p| p.person == person));
        if !known.reach.contains(&unit) && !was_there {
            return Err(unknown());
        }
        let said = squeeze(part);
        let role = rule
            .roles
            .iter()
            .find(|r| r.code == part || squeeze(&r.name.zh) == said || squeeze(&r.name.en) == said);
        if role.is_none() && !part.is_empty() {
            return Err(Msg::new("register-role-unknown").with("number", no));
        }
        if named.iter().any(|n| n.person == person) {
            return Err(Msg::new("register-person-twice").with("number", no));
        }
        named.push(Named {
            person,
            unit,
            role: role.map(|r| r.code.clone()),
        });
    }
    let most = rule.most.unwrap_or(MOST_PEOPLE).min(MOST_PEOPLE);
    if named.len() > most {
        return Err(Msg::new("register-people-many").with("most", most));
    }
    if rule.required && named.is_empty() && given.declared.is_none() && date.is_some() {
        return Err(Msg::new("register-people-missing"));
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(n in -999_999_999_999_i64..1_000_000_000_000) {
            prop_assert_eq!(thousandths(&decimal(n)), Some(n));
        }

        #[test]
        fn no_text_breaks_a_number(text in "\\PC{0,20}") {
            if let Some(n) = thousandths(&text) {
                prop_assert_eq!(thousandths(&decimal(n)), Some(n));
            }
        }
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, n) in [
            ("1,200", Some(1_200_000)),
            ("１２．５", Some(12_500)),
            ("0.125", Some(125)),
            ("-3", Some(-3_000)),
            ("0.1254", None),
            ("1e3", None),
            ("", None),
            (".5", None),
            ("十", None),
            ("--1", None),
        ] {
            assert_eq!(thousandths(text), n, "{text}");
        }
        assert_eq!(decimal(1_500), "1.5");
        assert_eq!(decimal(100_000), "100");
        assert_eq!(title_key(" 关于 ＡＢ的 报告 "), "关于ab的报告");
    }
}
