//! Rules as packs write them (`[[obligation]]`, `[[obligation-set]]`), with every mistake named by its line.

use std::collections::BTreeMap;

use commons::deadlines::Step;
use commons::packs::{Name, PackProblem, PackRef, Packs};
use jiff::civil::{Time, Weekday};
use kernel::{Date, Msg, Shift};
use ledger::{Axis, Column, Definition, Predicate, Scalar, Test, Value};
use serde::Deserialize;
use toml::Spanned;

use crate::rule::{
    Cadence, Change, Checklist, Joiners, Named, On, Rule, RuleSet, Rules, Subject, To, Version, Who,
};

/// No rule of a year warns or waits longer.
const MOST_DAYS: i64 = 92;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawVersion {
    from: String,
    to: Option<String>,
    every: Cadence,
    on: Option<RawOn>,
    at: Option<String>,
    times: Option<i64>,
    minutes: Option<i64>,
    shift: Shift,
    #[serde(default)]
    soon_days: i64,
    #[serde(default)]
    grace: i64,
    within: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawOn {
    Day(i8),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRule {
    code: String,
    name: Name,
    document: Name,
    article: Name,
    url: Option<String>,
    #[serde(default)]
    subject: Subject,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    who: Who,
    #[serde(default)]
    away: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    kinds: Vec<String>,
    pairing: Option<String>,
    #[serde(default)]
    joiners: Joiners,
    after: Option<Definition>,
    on: Option<String>,
    ranks: Option<RawRanks>,
    done_by: Definition,
    made_up_by: Option<Definition>,
    remind_to: Option<String>,
    remind: Option<Vec<String>>,
    escalate: Option<Vec<RawEscalation>>,
    version: Vec<Spanned<RawVersion>>,
}

/// An attribute with its values, the lowest first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRanks {
    attribute: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEscalation {
    after: String,
    to: String,
}

impl RawEscalation {
    /// Never before it is overdue.
    fn read(&self) -> Option<(Step, To)> {
        let step = Step::parse(&self.after).filter(|s| s.days > 0)?;
        Some((step, To::parse(&self.to)?))
    }
}

/// Codes that addresses of pages take.
const RESERVED: [&str; 5] = ["mine", "excuses", "reminders", "draws", "packs"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    code: String,
    name: Name,
    rules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChecklist {
    code: String,
    name: Name,
    #[serde(default)]
    obligations: Vec<String>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    registers: Vec<String>,
}

/// What checklists may name of other rooms.
#[derive(Deserialize)]
struct Coded {
    code: String,
    name: Name,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    obligation: Vec<Spanned<RawRule>>,
    #[serde(default)]
    obligation_set: Vec<Spanned<RawSet>>,
    #[serde(default)]
    inspection_checklist: Vec<Spanned<RawChecklist>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Others {
    #[serde(default)]
    activity_kind: Vec<Coded>,
    #[serde(default)]
    register: Vec<Coded>,
}

/// Those with these codes, in their order; none when one is unknown or named twice.
fn chosen(codes: &[String], known: &[Named]) -> Option<Vec<Named>> {
    let once = codes
        .iter()
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        == codes.len();
    let found = codes.iter().map(|c| known.iter().find(|k| k.code == *c));
    found
        .map(Option::<&Named>::cloned)
        .collect::<Option<_>>()
        .filter(|_| once)
}

impl RawChecklist {
    /// The checklist, if all that it names is there and it names anything.
    fn read(self, rules: &Rules, kinds: &[Named], registers: &[Named]) -> Option<Checklist> {
        let known = self.obligations.iter().all(|r| rules.get(r).is_some());
        let again = rules.checklists.iter().any(|c| c.code == self.code);
        let empty = [&self.obligations, &self.kinds, &self.registers]
            .iter()
            .all(|l| l.is_empty());
        let sound = known && !again && !empty && commons::packs::is_kebab(&self.code);
        sound.then_some(Checklist {
            kinds: chosen(&self.kinds, kinds)?,
            registers: chosen(&self.registers, registers)?,
            code: self.code,
            name: self.name,
            obligations: self.obligations,
        })
    }
}

/// All checklists, read when all that they may name is known.
fn checklists(
    packs: &Packs,
    found: &mut Rules,
    problems: &mut Vec<PackProblem>,
    raw: Vec<(PackRef, Spanned<RawChecklist>)>,
) -> Result<(), Vec<PackProblem>> {
    if raw.is_empty() {
        return Ok(());
    }
    let (mut kinds, mut registers) = (Vec::new(), Vec::new());
    let named = |c: Coded| Named {
        code: c.code,
        name: c.name,
    };
    for (_, others) in packs.read::<Others>()? {
        kinds.extend(others.activity_kind.into_iter().map(named));
        registers.extend(others.register.into_iter().map(named));
    }
    for (pack, spanned) in raw {
        let span = spanned.span();
        let raw = spanned.into_inner();
        let code = raw.code.clone();
        match raw.read(found, &kinds, &registers) {
            Some(list) => found.checklists.push(list),
            None => {
                let message = Msg::new("inspection-checklist").with("code", code);
                problems.push(pack.problem_at(span, message));
            }
        }
    }
    Ok(())
}

impl Rules {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut found = Self::default();
        let mut problems = Vec::new();
        let sections = packs.read::<Section>()?;
        let (mut sets, mut lists) = (Vec::new(), Vec::new());
        for (pack, section) in sections {
            for spanned in section.obligation {
                let span = spanned.span();
                let raw = spanned.into_inner();
                let code = raw.code.clone();
                let mut wrong = |key: &'static str| {
                    let message = Msg::new(key).with("code", &code);
                    problems.push(pack.problem_at(span.clone(), message));
                };
                let reserved = RESERVED.contains(&code.as_str());
                if reserved || !commons::packs::is_kebab(&code) || found.get(&code).is_some() {
                    wrong("obligation-code");
                }
                for key in raw.mistakes() {
                    wrong(key);
                }
                let mut versions: Vec<Version> = Vec::new();
                for v in &raw.version {
                    let later = |from: Date| versions.last().is_none_or(|last| last.from < from);
                    match v.get_ref().read().filter(|v| later(v.from)) {
                        Some(version) => versions.push(version),
                        None => problems.push(pack.problem_at(
                            v.span(),
                            Msg::new("obligation-version").with("code", &code),
                        )),
                    }
                }
                found.rules.push(raw.rule(versions));
            }
            let of_pack = section.obligation_set.into_iter();
            sets.extend(of_pack.map(|set| (pack.clone(), set)));
            let of_pack = section.inspection_checklist.into_iter();
            lists.extend(of_pack.map(|list| (pack.clone(), list)));
        }
        for (pack, spanned) in sets {
            let span = spanned.span();
            let set = spanned.into_inner();
            let unknown = set.rules.iter().any(|r| found.get(r).is_none());
            let twice = found.sets.iter().any(|s| s.code == set.code);
            if unknown || twice || set.rules.is_empty() || !commons::packs::is_kebab(&set.code) {
                let message = Msg::new("obligation-set").with("code", &set.code);
                problems.push(pack.problem_at(span, message));
            }
            found.sets.push(RuleSet {
                code: set.code,
                name: set.name,
                rules: set.rules,
            });
        }
        checklists(packs, &mut found, &mut problems, lists)?;
        if problems.is_empty() {
            Ok(found)
        } else {
            Err(problems)
        }
    }
}

impl RawRule {
    /// Keys of what is wrong with the rule itself.
    fn mistakes(&self) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        let unsaid = match self.subject {
            Subject::Unit => self.categories.is_empty(),
            Subject::Person => false,
            Subject::Post => self.who == Who::default(),
            Subject::Body => self.kinds.is_empty(),
            Subject::Pair => self.pairing.is_none(),
        };
        if unsaid {
            wrong.push("obligation-nobody");
        }
        let people = matches!(self.subject, Subject::Person | Subject::Post);
        let idle = (!people && (self.who != Who::default() || !self.away.is_empty()))
            || (self.subject != Subject::Body && !self.kinds.is_empty())
            || (self.subject != Subject::Pair && self.pairing.is_some())
            || self.who.seats.iter().any(|s| s.body.is_some());
        if idle {
            wrong.push("obligation-subject");
        }
        if self.version.is_empty() {
            wrong.push("obligation-no-version");
        }
        let mistaken = |d: &Definition| !d.predicate.mistakes().is_empty();
        let others = [&self.after, &self.made_up_by];
        if mistaken(&self.done_by) || others.into_iter().flatten().any(mistaken) {
            wrong.push("obligation-predicate");
        }
        let follows = self.after.is_some() || self.on.is_some();
        if self.made_up_by.is_some() && (self.subject != Subject::Person || follows) {
            wrong.push("obligation-makeup");
        }
        let event = |v: &Spanned<RawVersion>| v.get_ref().every == Cadence::Event;
        let follows = match (&self.after, &self.on) {
            (None, None) => Some(false),
            (Some(_), None) => Some(true),
            (None, Some(_)) => self.change().map(|_| true),
            (Some(_), Some(_)) => None,
        };
        let idle = self.ranks.is_some() && self.on.as_deref() != Some("promoted");
        if idle || self.version.iter().any(|v| Some(event(v)) != follows) {
            wrong.push("obligation-after");
        }
        let timers = self.remind_to.iter().all(|to| To::parse(to).is_some())
            && self
                .remind
                .iter()
                .flatten()
                .all(|s| Step::parse(s).is_some())
            && self.escalate.iter().flatten().all(|e| e.read().is_some());
        if !timers {
            wrong.push("obligation-timer");
        }
        if let Some(url) = &self.url
            && !url.starts_with("https://")
            && !url.starts_with("http://")
        {
            wrong.push("obligation-url");
        }
        wrong
    }

    /// The change that is named, where it suits the subject.
    fn change(&self) -> Option<Change> {
        let person = self.subject == Subject::Person;
        let founded = matches!(self.subject, Subject::Unit | Subject::Body);
        match (self.on.as_deref()?, &self.ranks) {
            ("joined", None) if person => Some(Change::Joined),
            ("appointed", None) if person => Some(Change::Appointed),
            ("founded", None) if founded => Some(Change::Founded),
            ("promoted", Some(r)) if person && r.values.len() > 1 => {
                Some(Change::Promoted(r.attribute.clone(), r.values.clone()))
            }
            _ => None,
        }
    }

    /// What usually makes up for a period: the same as fulfils it, as facts of the kind `makeup`, which have no role.
    fn makeup(&self) -> Option<Definition> {
        let is = |text: &str| Test::Is(Scalar::Text(text.into()));
        let tests = &self.done_by.predicate.0;
        let attended = tests.get(&Column::Kind) == Some(&is("attendance"));
        // Whoever had to give a lecture does not make up for it by hearing one.
        let present = tests.get(&Column::Role).is_none_or(|r| *r == is("present"));
        let follows = self.after.is_some() || self.on.is_some();
        (self.subject == Subject::Person && attended && present && !follows).then(|| {
            let mut tests = tests.clone();
            tests.remove(&Column::Role);
            tests.insert(Column::Kind, is("makeup"));
            Definition {
                predicate: Predicate(tests),
                ..self.done_by.clone()
            }
        })
    }

    fn rule(self, versions: Vec<Version>) -> Rule {
        // Obligations look at what each did themselves, day by day.
        let minutes = versions.iter().any(|v| v.minutes > 0);
        let on = self.change();
        let own = |definition: Definition| Definition {
            axis: match self.subject {
                Subject::Unit => definition.axis,
                Subject::Person | Subject::Post => Axis::Person,
                Subject::Body => Axis::Body,
                Subject::Pair => Axis::Pair,
            },
            progress: true,
            ..definition
        };
        let made_up_by = self.made_up_by.clone().or_else(|| self.makeup());
        let made_up_by = made_up_by.map(|definition| {
            let value = match minutes {
                true => Value::Minutes,
                false => definition.value,
            };
            own(Definition {
                value,
                ..definition
            })
        });
        let value = match minutes {
            true => Value::Minutes,
            false => self.done_by.value,
        };
        Rule {
            done_by: own(Definition {
                value,
                ..self.done_by
            }),
            made_up_by,
            after: self.after.map(own),
            on,
            code: self.code,
            name: self.name,
            document: self.document,
            article: self.article,
            url: self.url,
            subject: self.subject,
            categories: self.categories,
            who: self.who,
            away: self.away,
            kinds: self.kinds,
            pairing: self.pairing,
            joiners: self.joiners,
            tell: self.remind_to.as_deref().and_then(To::parse),
            remind: self
                .remind
                .map(|steps| steps.iter().filter_map(|s| Step::parse(s)).collect()),
            escalate: self
                .escalate
                .map(|all| all.iter().filter_map(RawEscalation::read).collect()),
            versions,
        }
    }
}

/// `30d`, `6m`, `1y` as months and days.
fn within(text: &str) -> Option<(i64, i64)> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let n: i64 = number.parse().ok()?;
    let found = match unit {
        "d" => (0, n),
        "m" => (n, 0),
        "y" => (12 * n, 0),
        _ => return None,
    };
    (n > 0 && found.0 <= 36 && found.1 <= 1_000).then_some(found)
}

impl RawVersion {
    fn read(&self) -> Option<Version> {
        let from = kernel::parse_date(&self.from)?;
        let to = match &self.to {
            Some(to) => Some(kernel::parse_date(to).filter(|to| *to >= from)?),
            None => None,
        };
        let at = match &self.at {
            Some(at) => Some(Time::strptime("%H:%M", at).ok()?),
            None => None,
        };
        let on = match &self.on {
            Some(on) => on.read(self.every)?,
            None => On::Last,
        };
        let within = match (&self.within, self.every) {
            (None, _) => (0, 0),
            (Some(text), Cadence::Event) => within(text)?,
            (Some(_), _) => return None,
        };
        let minutes = self.minutes.unwrap_or(0);
        // Whoever asks for minutes asks for no number of times, unless it is said.
        let times = self.times.unwrap_or(i64::from(minutes == 0));
        let longest = if self.every == Cadence::Week {
            6
        } else {
            MOST_DAYS
        };
        let sound = (0..=366).contains(&times)
            && (0..=500_000).contains(&minutes)
            && times + minutes > 0
            && (0..=longest).contains(&self.soon_days)
            && (0..=MOST_DAYS).contains(&self.grace);
        sound.then_some(Version {
            from,
            to,
            every: self.every,
            on,
            at,
            times,
            minutes,
            shift: self.shift,
            soon_days: self.soon_days,
            grace: self.grace,
            within,
        })
    }
}

impl RawOn {
    /// The day, if it makes sense for the cadence.
    fn read(&self, every: Cadence) -> Option<On> {
        let days = matches!(every, Cadence::Day | Cadence::Workday | Cadence::Event);
        let word = match self {
            Self::Day(day) => {
                let months = !days && every != Cadence::Week;
                return (months && (1..=31).contains(day)).then_some(On::Day(*day));
            }
            Self::Word(word) => word.as_str(),
        };
        let on = match word {
            "last-day" => On::Last,
            "last-workday" => On::LastWorkday,
            "first-workday" => On::FirstWorkday,
            _ => match (weekday(word), word.split_once('-')) {
                (Some(day), _) if every == Cadence::Week => On::Weekday(day),
                (_, Some((month, day))) if every == Cadence::Year => {
                    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
                    // 29 February is a day of some years.
                    Date::new(2024, month, day).ok()?;
                    On::MonthDay(month, day)
                }
                _ => return None,
            },
        };
        (!days).then_some(on)
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}
