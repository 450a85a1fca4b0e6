//! Rules of hours (学时规则), brought by packs: ways and contents of learning, how facts become hours, and what
//! people must reach. Every number stands in a version that opens on a day; none is in code.

use std::collections::{BTreeMap, BTreeSet};

use commons::packs::Name;
use kernel::Date;
use ledger::{Column, Fact, Predicate, Scalar, Test};
use organization::Seat;
use serde::Deserialize;

/// Facts of activities made up for (补课) count as if the person had been present.
const MAKEUP: &str = "makeup";
const ATTENDANCE: &str = "attendance";
const PRESENT: &str = "present";

/// Face to face or on the network (形式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Face to face (面授).
    Offline,
    /// On the network (网络).
    Online,
}

/// Who organises it (组织渠道).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Special classes (专题培训).
    Special,
    /// Daily training (日常培训).
    Daily,
    /// The unit's own (单位组织).
    Unit,
    /// Called up by a higher level (上级调训).
    Upper,
}

impl Form {
    /// Its code, as messages and files have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }
}

impl Slot {
    /// Its code, as messages and files have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Special => "special",
            Self::Daily => "daily",
            Self::Unit => "unit",
            Self::Upper => "upper",
        }
    }
}

/// A way of learning (学习途径).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Code: the category of facts of outside training.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Form.
    pub form: Form,
    /// Who organises it.
    pub slot: Slot,
    /// Whether people leave their work for it (脱产).
    pub off_job: bool,
    /// Minutes of an hour of it.
    pub minutes: i64,
    /// Whether it can be entered as outside training (校外培训).
    pub outside: bool,
    /// Whether an entry needs a proof.
    pub proof: bool,
}

/// A kind of content (内容类别).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Code: the role of facts of outside training.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// Where a rule stands in writing, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The document.
    pub document: Name,
    /// The article.
    pub article: Name,
    /// Where it can be read.
    #[serde(default)]
    pub url: Option<String>,
    /// How sure the numbers are.
    pub confidence: Confidence,
}

/// How sure a number is (可信程度).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Read in the document (已核对原文).
    Verified,
    /// What is usual, or the house's own (习惯做法).
    Local,
    /// Known but not read in the document (未核对).
    Unverified,
}

impl Confidence {
    /// Its code, as messages have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Local => "local",
            Self::Unverified => "unverified",
        }
    }
}

/// How a fact becomes hours (折算方式); hours and days in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Count {
    /// Its minutes, so many to the hour.
    Minutes {
        /// Minutes to the hour.
        per: i64,
    },
    /// So many hours each.
    Session {
        /// Hours.
        hours: i64,
    },
    /// By half days and days.
    HalfDays {
        /// Hours of half a day, from so many minutes on.
        half: (i64, i64),
        /// Hours of a day, from so many minutes on.
        day: (i64, i64),
    },
    /// As it was recognised.
    Recognised,
}

/// Numbers of a rule from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVersion {
    /// First day on which it holds.
    pub from: Date,
    /// Last day on which it holds; none: until the next version.
    pub to: Option<Date>,
    /// How facts become hours.
    pub count: Count,
    /// Factor in hundredths.
    pub factor: i64,
    /// Most hours of one fact.
    pub each_most: Option<i64>,
    /// Most hours by this rule on one day.
    pub day_most: Option<i64>,
    /// Most hours by this rule in a calendar year.
    pub year_most: Option<i64>,
}

/// Which facts are hours of what kind (折算规则). A fact counts by the first rule that holds for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Where it stands.
    pub basis: Basis,
    /// Which facts.
    pub predicate: Predicate,
    /// Categories of them; none: any.
    pub categories: Option<BTreeSet<String>>,
    /// The way; none: that of the fact.
    pub way: Option<String>,
    /// The content; none: that of the fact, if it has one.
    pub content: Option<String>,
    /// Versions, oldest first.
    pub versions: Vec<RuleVersion>,
}

fn version_on<V>(
    versions: &[V],
    date: Date,
    days: impl Fn(&V) -> (Date, Option<Date>),
) -> Option<&V> {
    let version = versions.iter().rev().find(|v| days(v).0 <= date)?;
    days(version)
        .1
        .is_none_or(|to| date <= to)
        .then_some(version)
}

impl Rule {
    /// The version that holds on a day.
    pub fn version_on(&self, date: Date) -> Option<&RuleVersion> {
        version_on(&self.versions, date, |v| (v.from, v.to))
    }

    /// Kinds of facts that it reads.
    pub fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = match self.predicate.0.get(&Column::Kind) {
            Some(Test::Is(Scalar::Text(kind))) => vec![kind],
            Some(Test::In(list)) => list
                .iter()
                .filter_map(|s| match s {
                    Scalar::Text(kind) => Some(kind.as_str()),
                    Scalar::Int(_) => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        if kinds.contains(&ATTENDANCE) {
            kinds.push(MAKEUP);
        }
        kinds
    }

    /// Whether it is about a fact.
    pub fn matches(&self, fact: &Fact) -> bool {
        let named = |c: &String| self.categories.as_ref().is_none_or(|all| all.contains(c));
        let category = match (&fact.category, &self.categories) {
            (Some(category), _) => named(category),
            (None, categories) => categories.is_none(),
        };
        if !category {
            return false;
        }
        if fact.kind == MAKEUP {
            let mut there = fact.clone();
            (there.kind, there.role) = (ATTENDANCE.into(), Some(PRESENT.into()));
            return self.predicate.matches(&there);
        }
        self.predicate.matches(fact)
    }
}

/// Which hours are meant; what is empty means any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Which {
    /// Forms.
    pub forms: Vec<Form>,
    /// Ways.
    pub ways: Vec<String>,
    /// Contents.
    pub contents: Vec<String>,
    /// Off the job only, or never.
    pub off_job: Option<bool>,
}

/// Over which days hours are added up (考核期).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// So many calendar years, up to the end of the one asked for: one is a year, five roll (滚动五年).
    Years(i16),
    /// After an event: the day from which somebody belongs to those who are meant (任职、晋升后).
    Within {
        /// So many months from that day on.
        months: i32,
        /// What was learnt so many months before counts too.
        before: i32,
        /// Only what was missing from the hours of so many years before; none: all of it.
        short_of_years: Option<i32>,
    },
}

/// What becomes of those who are bound for a part of the window only (新进、请假、任期变化).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Joiners {
    /// They owe the part of their days, rounded down (按比例).
    #[default]
    ProRata,
    /// They owe nothing until they are bound for a whole window (整期适用).
    Whole,
    /// They owe all of it (全额).
    Full,
}

impl Joiners {
    /// Its code, as messages have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::ProRata => "pro-rata",
            Self::Whole => "whole",
            Self::Full => "full",
        }
    }
}

/// A part of a requirement that is looked at by itself (其中).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Which hours.
    pub which: Which,
    /// Hours asked for.
    pub hours: Option<i64>,
    /// Days asked for.
    pub days: Option<i64>,
    /// Its share of what was recognised, percent.
    pub share: Option<i64>,
}

/// Numbers of a requirement from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementVersion {
    /// First day on which it holds.
    pub from: Date,
    /// Last day on which it holds; none: until the next version.
    pub to: Option<Date>,
    /// Hours asked for.
    pub hours: Option<i64>,
    /// Or so many days: either will do.
    pub days: Option<i64>,
    /// Most hours that a working day can bring, for what can still be reached.
    pub day_most: i64,
    /// How far, in percent of the whole, one may be behind the pace before it is a risk.
    pub slack: i64,
    /// Parts of it.
    pub parts: Vec<Part>,
}

/// Which people (人员范围), day by day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Who {
    /// One of the values of each of these attributes.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// A part of the post.
    pub post: String,
    /// One of these seats in bodies.
    pub seats: Vec<Seat>,
    /// Categories of units; none: any.
    pub categories: Vec<String>,
}

/// What people must reach (学时要求).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Where it stands.
    pub basis: Basis,
    /// Whether nobody is held to it: numbers nobody has checked yet.
    pub off: bool,
    /// Whom it binds.
    pub who: Who,
    /// Values of attributes during which somebody owes nothing.
    pub away: BTreeMap<String, Vec<String>>,
    /// Over which days.
    pub window: Window,
    /// Which hours count.
    pub which: Which,
    /// What becomes of those bound for a part of it.
    pub joiners: Joiners,
    /// Versions, oldest first.
    pub versions: Vec<RequirementVersion>,
}

impl Requirement {
    /// The version that holds on a day.
    pub fn version_on(&self, date: Date) -> Option<&RequirementVersion> {
        version_on(&self.versions, date, |v| (v.from, v.to))
    }
}

/// How much leave a class allows (请假上限): more than one part in so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveLimit {
    /// Where it stands.
    pub basis: Basis,
    /// First day on which it holds.
    pub from: Date,
    /// Last day on which it holds.
    pub to: Option<Date>,
    /// One part in so many.
    pub one_in: i64,
}

/// All rules of all packs.
#[derive(Debug, Clone, Default)]
pub struct HourRules {
    pub(crate) ways: Vec<Way>,
    pub(crate) contents: Vec<Content>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) leave_limits: Vec<LeaveLimit>,
}

impl HourRules {
    /// A way by its code.
    pub fn way(&self, code: &str) -> Option<&Way> {
        self.ways.iter().find(|w| w.code == code)
    }

    /// A content by its code.
    pub fn content(&self, code: &str) -> Option<&Content> {
        self.contents.iter().find(|c| c.code == code)
    }

    /// A requirement by its code.
    pub fn requirement(&self, code: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|r| r.code == code)
    }

    /// All rules of conversion.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// All requirements, also those to which nobody is held.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Requirements to which people are held.
    pub fn in_force(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(|r| !r.off)
    }

    /// Kinds of facts that some rule reads.
    pub fn kinds(&self) -> Vec<String> {
        let kinds: BTreeSet<&str> = self.rules.iter().flat_map(Rule::kinds).collect();
        kinds.into_iter().map(str::to_owned).collect()
    }

    /// Whether leave of a class was more than is allowed (hours in thousandths).
    pub fn too_much_leave(&self, on: Date, class: i64, leave: i64) -> Option<&LeaveLimit> {
        let limit = version_on(&self.leave_limits, on, |v| (v.from, v.to))?;
        (leave.saturating_mul(limit.one_in) > class).then_some(limit)
    }

    /// Whether hours of a way and content are among those meant.
    pub fn means(&self, which: &Which, way: &str, content: Option<&str>) -> bool {
        let known = self.way(way);
        let form = which.forms.is_empty() || known.is_some_and(|w| which.forms.contains(&w.form));
        let off = which
            .off_job
            .is_none_or(|off| known.is_some_and(|w| w.off_job == off));
        let one = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|v| list.iter().any(|l| l == v))
        };
        form && off && one(&which.ways, Some(way)) && one(&which.contents, content)
    }
}
