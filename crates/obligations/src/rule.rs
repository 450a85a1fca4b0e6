//! Rules (义务规则), brought by packs: a document and article, who is bound, done by which facts, and versions
//! that each open on a day. No regulation's number is in code.

use std::collections::BTreeMap;

use commons::deadlines::Step;
use commons::packs::Name;
use jiff::civil::{Time, Weekday};
use kernel::{Date, PeriodKind, Shift};
use ledger::Definition;
use organization::Seat;
use serde::Deserialize;

/// How often (周期).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// Every day (每日).
    Day,
    /// Every working day (每个工作日).
    Workday,
    /// Once a week (每周).
    Week,
    /// Once a month (每月).
    Month,
    /// Once a quarter (每季度).
    Quarter,
    /// Once in half a year (每半年).
    Half,
    /// Once a year (每年).
    Year,
    /// Each time something else happens (逢事必办): see [`Rule::after`].
    Event,
}

impl Cadence {
    /// The kind of period, where it is longer than a day.
    pub fn period(self) -> Option<PeriodKind> {
        match self {
            Self::Day | Self::Workday | Self::Event => None,
            Self::Week => Some(PeriodKind::Week),
            Self::Month => Some(PeriodKind::Month),
            Self::Quarter => Some(PeriodKind::Quarter),
            Self::Half => Some(PeriodKind::Half),
            Self::Year => Some(PeriodKind::Year),
        }
    }
}

/// The day of a period on which something falls due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum On {
    /// The last day of the period.
    #[default]
    Last,
    /// Its last working day.
    LastWorkday,
    /// Its first working day.
    FirstWorkday,
    /// A day of the week.
    Weekday(Weekday),
    /// A day of the period's last month; a month that is shorter ends it.
    Day(i8),
    /// A day of the year.
    MonthDay(i8, i8),
}

/// What becomes of those who are bound for a part of a period only (新进、调离、请假).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Joiners {
    /// They are bound from their first whole period on (整期适用).
    #[default]
    Whole,
    /// They owe the part of their days, rounded down (按比例).
    ProRata,
    /// They owe all of it (全额).
    Full,
}

/// Who must do it (义务主体).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The unit (单位).
    #[default]
    Unit,
    /// Each person (个人).
    Person,
    /// A post of the unit, whoever holds it (岗位).
    Post,
    /// Each body (组织).
    Body,
    /// Each pair of people (结对).
    Pair,
}

/// A change of the organisation that asks for something (变动事由).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A person's first day, also after a pause (新进).
    Joined,
    /// A post taken up (任职): another post, or one in another unit.
    Appointed,
    /// A higher value of an attribute (晋升); the lowest of them first.
    Promoted(String, Vec<String>),
    /// A unit or body founded (新设).
    Founded,
}

/// Which people are meant (人员范围), day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Who {
    /// One of the values of each of these attributes.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// A part of the post.
    pub post: String,
    /// One of these seats in bodies.
    pub seats: Vec<Seat>,
}

/// To whom a timer of a rule speaks (提醒对象).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum To {
    /// The people themselves: the person, both of a pair, whoever holds the post (本人).
    Own,
    /// The heads of the unit, of a unit or body those of the one above; never themselves (上级).
    Superior,
    /// Whoever is in charge (分管领导) of the unit.
    InCharge,
    /// Those who hold a role on the unit.
    Role(String),
    /// Those who hold a permission on the unit.
    Permission(String),
    /// Those of the unit of whom an attribute has a value.
    Attribute(String, String),
}

impl To {
    /// As packs write it.
    pub fn parse(text: &str) -> Option<Self> {
        let kebab = |t: &str| commons::packs::is_kebab(t).then(|| t.to_owned());
        Some(match text.split_once(':') {
            None if text == "self" => Self::Own,
            None if text == "superior" => Self::Superior,
            None if text == "responsible-leader" => Self::InCharge,
            Some(("role", code)) => Self::Role(kebab(code)?),
            Some(("permission", name)) => {
                let (room, deed) = name.split_once('.')?;
                Self::Permission(format!("{}.{}", kebab(room)?, kebab(deed)?))
            }
            Some(("attribute", name)) => {
                let (attribute, value) = name.split_once('.')?;
                Self::Attribute(kebab(attribute)?, kebab(value)?)
            }
            _ => return None,
        })
    }
}

/// When somebody is told of what is still to be done (提醒、督办).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// How many days before or after the day it counts from.
    pub step: Step,
    /// To whom.
    pub to: To,
    /// Whether it goes past those who must do it (督办): it counts from the end of grace, not from the due day.
    pub escalates: bool,
}

/// A version of a rule: earlier periods keep theirs. It holds for the periods that begin on its days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// First day on which it holds.
    pub from: Date,
    /// Last day on which it holds; none: until the next version.
    pub to: Option<Date>,
    /// How often.
    pub every: Cadence,
    /// Day of the period on which it falls due.
    pub on: On,
    /// Time of that day.
    pub at: Option<Time>,
    /// How many times in a period.
    pub times: i64,
    /// How many minutes in a period, all together.
    pub minutes: i64,
    /// Where the due day goes when it is a day off.
    pub shift: Shift,
    /// How many days before it falls due it is shown as soon due.
    pub soon_days: i64,
    /// How many days after the due day it is still on time.
    pub grace: i64,
    /// How many months and days after an event it is due.
    pub within: (i64, i64),
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
    /// Where the document can be read.
    pub url: Option<String>,
    /// Who must do it.
    pub subject: Subject,
    /// Categories of units that it binds, or in which it binds people, bodies and pairs; empty: all.
    pub categories: Vec<String>,
    /// Which people, for persons and posts.
    pub who: Who,
    /// Values of attributes during which somebody is away and owes nothing.
    pub away: BTreeMap<String, Vec<String>>,
    /// Kinds of bodies.
    pub kinds: Vec<String>,
    /// Kind of pairing.
    pub pairing: Option<String>,
    /// What becomes of those bound for a part of a period.
    pub joiners: Joiners,
    /// The facts that ask for it, for those that follow an event.
    pub after: Option<Definition>,
    /// The change that asks for it, for those that follow one.
    pub on: Option<Change>,
    /// The facts that fulfil it.
    pub done_by: Definition,
    /// The facts that make up for a period that was missed (补学), for rules of persons.
    pub made_up_by: Option<Definition>,
    /// Who is reminded; none: the people themselves, of units and bodies those who record.
    pub tell: Option<To>,
    /// When they are reminded; none: as is usual for the cadence.
    pub remind: Option<Vec<Step>>,
    /// When others are told; none: as is usual for the cadence.
    pub escalate: Option<Vec<(Step, To)>>,
    /// Versions, oldest first.
    pub versions: Vec<Version>,
}

/// Who records activities for a unit, unless a rule names others to be reminded.
const RECORDERS: &str = "activity.record";

impl Cadence {
    /// When people are reminded unless the rule says otherwise.
    fn reminds(self) -> &'static [i64] {
        match self {
            Self::Day | Self::Workday => &[],
            Self::Week => &[-1, 1],
            Self::Event => &[1],
            Self::Month => &[-3, 0, 1],
            Self::Quarter | Self::Half | Self::Year => &[-14, -3, 1],
        }
    }

    /// When their superiors are told unless the rule says otherwise.
    fn escalates(self) -> Option<i64> {
        match self {
            Self::Day | Self::Workday | Self::Week | Self::Event => None,
            Self::Month | Self::Quarter | Self::Half | Self::Year => Some(5),
        }
    }
}

impl Rule {
    /// When who is told of what a version asks for.
    pub fn timers(&self, every: Cadence) -> Vec<Timer> {
        let usual = match self.subject {
            Subject::Unit | Subject::Body => To::Permission(RECORDERS.into()),
            Subject::Person | Subject::Post | Subject::Pair => To::Own,
        };
        let remind = match &self.remind {
            Some(steps) => steps.clone(),
            None => every.reminds().iter().map(|d| Step::days(*d)).collect(),
        };
        let escalate = match &self.escalate {
            Some(steps) => steps.clone(),
            None => {
                let step = every.escalates().map(Step::days);
                step.map(|s| (s, To::Superior)).into_iter().collect()
            }
        };
        let tell = self.tell.as_ref().unwrap_or(&usual);
        let reminds = remind.into_iter().map(|step| Timer {
            step,
            to: tell.clone(),
            escalates: false,
        });
        let escalates = escalate.into_iter().map(|(step, to)| Timer {
            step,
            to,
            escalates: true,
        });
        reminds.chain(escalates).collect()
    }

    /// Whether it has no periods of its own, but follows events.
    pub fn follows(&self) -> bool {
        self.after.is_some() || self.on.is_some()
    }

    /// The most days from an event until its grace is over, and some for days off.
    pub(crate) fn span(&self) -> i64 {
        let each = self.versions.iter();
        let days = each.map(|v| v.within.0 * 31 + v.within.1 + v.grace);
        days.max().unwrap_or(0) + 31
    }

    /// The version that holds on a day; none before the first.
    pub fn version_on(&self, date: Date) -> Option<&Version> {
        let version = self.versions.iter().rev().find(|v| v.from <= date)?;
        version.to.is_none_or(|to| date <= to).then_some(version)
    }
}

/// Rules that belong together (制度组合), such as a course of the year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Codes of its rules.
    pub rules: Vec<String>,
}

/// What an inspection asks for (迎检清单).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Codes of rules.
    pub obligations: Vec<String>,
    /// Kinds of activities: all that were held.
    pub kinds: Vec<Named>,
    /// Registers: all entries.
    pub registers: Vec<Named>,
}

/// The code of something of another room, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// All rules of all packs.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) sets: Vec<RuleSet>,
    pub(crate) checklists: Vec<Checklist>,
}

impl Rules {
    /// A rule by its code.
    pub fn get(&self, code: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.code == code)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// All checklists of inspections.
    pub fn checklists(&self) -> std::slice::Iter<'_, Checklist> {
        self.checklists.iter()
    }

    /// All sets.
    pub fn sets(&self) -> std::slice::Iter<'_, RuleSet> {
        self.sets.iter()
    }

    /// The components they look at, for the ledger to keep.
    pub fn definitions(&self) -> Vec<Definition> {
        let of_rule = |r: &Rule| {
            [
                Some(r.done_by.clone()),
                r.after.clone(),
                r.made_up_by.clone(),
            ]
        };
        self.rules.iter().flat_map(of_rule).flatten().collect()
    }
}
