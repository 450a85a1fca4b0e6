//! Rules as packs write them (`[[hour-way]]`, `[[hour-content]]`, `[[hour-rule]]`, `[[hour-requirement]]`,
//! `[[hour-leave-limit]]`), with every mistake named by its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use commons::packs::{Name, PackProblem, PackRef, Packs, is_kebab};
use kernel::{Date, Msg};
use ledger::Predicate;
use serde::Deserialize;
use toml::Spanned;

use crate::rules::{
    Basis, Confidence, Content, Count, Form, HourRules, Joiners, LeaveLimit, Part, Requirement,
    RequirementVersion, Rule, RuleVersion, Slot, Way, Which, Who, Window,
};

/// No rule asks for more hours, in thousandths.
const MOST: i64 = 100_000_000;

/// Hours or days as packs write them, `90` or `7.5`, in thousandths.
#[derive(Clone, Copy)]
struct Amount(i64);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let n = f64::deserialize(d)?;
        Ok(Self((n * 1000.0).round() as i64))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawWay {
    code: String,
    name: Name,
    form: Form,
    slot: Slot,
    #[serde(default)]
    off_job: bool,
    minutes: i64,
    #[serde(default)]
    outside: bool,
    #[serde(default)]
    proof: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContent {
    code: String,
    name: Name,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum RawCount {
    Minutes,
    Session,
    HalfDays,
    Recognised,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRuleVersion {
    from: String,
    to: Option<String>,
    count: RawCount,
    minutes: Option<i64>,
    hours: Option<Amount>,
    half_day: Option<Amount>,
    half_day_minutes: Option<i64>,
    day: Option<Amount>,
    day_minutes: Option<i64>,
    factor: Option<i64>,
    each_most: Option<Amount>,
    day_most: Option<Amount>,
    year_most: Option<Amount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    code: String,
    name: Name,
    basis: Basis,
    #[serde(rename = "where")]
    predicate: Predicate,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    way: Option<String>,
    content: Option<String>,
    #[serde(default)]
    version: Vec<Spanned<RawRuleVersion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWindow {
    years: Option<i16>,
    months: Option<i32>,
    #[serde(default)]
    before: i32,
    #[serde(rename = "short-of-years")]
    short_of_years: Option<i32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    code: String,
    name: Name,
    #[serde(default, rename = "of")]
    which: Which,
    hours: Option<Amount>,
    days: Option<Amount>,
    share: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawRequirementVersion {
    from: String,
    to: Option<String>,
    hours: Option<Amount>,
    days: Option<Amount>,
    day_most: Amount,
    #[serde(default)]
    slack: i64,
    #[serde(default)]
    parts: Vec<RawPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequirement {
    code: String,
    name: Name,
    basis: Basis,
    #[serde(default)]
    off: bool,
    #[serde(default)]
    who: Who,
    #[serde(default)]
    away: BTreeMap<String, Vec<String>>,
    window: RawWindow,
    #[serde(default, rename = "of")]
    which: Which,
    #[serde(default)]
    joiners: Joiners,
    #[serde(default)]
    version: Vec<Spanned<RawRequirementVersion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawLeaveLimit {
    basis: Basis,
    from: String,
    to: Option<String>,
    one_in: i64,
}

/// What is taken of kinds of activities: rules may name a group of them.
#[derive(Deserialize)]
struct Activity {
    code: String,
    #[serde(default)]
    group: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    activity_kind: Vec<Activity>,
    #[serde(default)]
    hour_way: Vec<Spanned<RawWay>>,
    #[serde(default)]
    hour_content: Vec<Spanned<RawContent>>,
    #[serde(default)]
    hour_rule: Vec<Spanned<RawRule>>,
    #[serde(default)]
    hour_requirement: Vec<Spanned<RawRequirement>>,
    #[serde(default)]
    hour_leave_limit: Vec<Spanned<RawLeaveLimit>>,
}

/// Collects what is wrong, with its place.
struct Wrong(Vec<PackProblem>);

impl Wrong {
    fn say(&mut self, pack: &PackRef, span: Range<usize>, key: &'static str, code: &str) {
        let message = Msg::new(key).with("code", code);
        self.0.push(pack.problem_at(span, message));
    }
}

impl HourRules {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut found = Self::default();
        let mut wrong = Wrong(Vec::new());
        let mut sections = packs.read::<Section>()?;
        // Words first: rules of any pack may use those of any other.
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        for (pack, section) in &mut sections {
            for kind in section.activity_kind.drain(..) {
                kinds.insert(kind.code.clone());
                groups
                    .entry(kind.group.unwrap_or_default())
                    .or_default()
                    .push(kind.code);
            }
            for spanned in section.hour_way.drain(..) {
                let (span, w) = (spanned.span(), spanned.into_inner());
                if !is_kebab(&w.code)
                    || found.way(&w.code).is_some()
                    || !(1..=600).contains(&w.minutes)
                {
                    wrong.say(pack, span, "hour-way-wrong", &w.code);
                }
                found.ways.push(Way {
                    code: w.code,
                    name: w.name,
                    form: w.form,
                    slot: w.slot,
                    off_job: w.off_job,
                    minutes: w.minutes,
                    outside: w.outside,
                    proof: w.proof,
                });
            }
            for spanned in section.hour_content.drain(..) {
                let (span, c) = (spanned.span(), spanned.into_inner());
                if !is_kebab(&c.code) || found.content(&c.code).is_some() {
                    wrong.say(pack, span, "hour-content-wrong", &c.code);
                }
                found.contents.push(Content {
                    code: c.code,
                    name: c.name,
                });
            }
        }
        for (pack, section) in sections {
            for spanned in section.hour_rule {
                found.take_rule(&pack, spanned, (&groups, &kinds), &mut wrong);
            }
            for spanned in section.hour_requirement {
                found.take_requirement(&pack, spanned, &mut wrong);
            }
            for spanned in section.hour_leave_limit {
                let (span, raw) = (spanned.span(), spanned.into_inner());
                let days = days(&raw.from, raw.to.as_deref());
                let later = |from| found.leave_limits.last().is_none_or(|l| l.from < from);
                match days.filter(|(from, _)| later(*from) && (1..=1000).contains(&raw.one_in)) {
                    Some((from, to)) => found.leave_limits.push(LeaveLimit {
                        basis: raw.basis,
                        from,
                        to,
                        one_in: raw.one_in,
                    }),
                    None => wrong.say(&pack, span, "hour-leave-limit-wrong", ""),
                }
            }
        }
        if wrong.0.is_empty() {
            Ok(found)
        } else {
            Err(wrong.0)
        }
    }

    fn take_rule(
        &mut self,
        pack: &PackRef,
        spanned: Spanned<RawRule>,
        (groups, kinds): (&BTreeMap<String, Vec<String>>, &BTreeSet<String>),
        wrong: &mut Wrong,
    ) {
        let (span, raw) = (spanned.span(), spanned.into_inner());
        let code = raw.code.clone();
        let mut say = |key| wrong.say(pack, span.clone(), key, &code);
        if !is_kebab(&code) || self.rules.iter().any(|r| r.code == code) {
            say("hour-rule-code");
        }
        if raw.groups.iter().any(|g| !groups.contains_key(g)) {
            say("hour-rule-group");
        }
        if raw.categories.iter().any(|c| !kinds.contains(c)) {
            say("hour-rule-category");
        }
        let named = raw.way.as_deref().is_none_or(|w| self.way(w).is_some())
            && raw
                .content
                .as_deref()
                .is_none_or(|c| self.content(c).is_some());
        if !named {
            say("hour-rule-words");
        }
        if raw.basis.unsound() {
            say("hour-basis-wrong");
        }
        let some = !raw.groups.is_empty() || !raw.categories.is_empty();
        let of_groups = raw.groups.iter().filter_map(|g| groups.get(g)).flatten();
        let categories: BTreeSet<String> = of_groups.chain(&raw.categories).cloned().collect();
        let recognised = |v: &Spanned<RawRuleVersion>| v.get_ref().count == RawCount::Recognised;
        // What was recognised brings its own way; other facts have none.
        if raw.version.is_empty() || (raw.way.is_none() && !raw.version.iter().all(recognised)) {
            say("hour-rule-way");
        }
        let mut versions: Vec<RuleVersion> = Vec::new();
        for v in &raw.version {
            let later = |from: Date| versions.last().is_none_or(|last| last.from < from);
            match v.get_ref().read().filter(|v| later(v.from)) {
                Some(version) => versions.push(version),
                None => wrong.say(pack, v.span(), "hour-rule-version", &code),
            }
        }
        let rule = Rule {
            code: raw.code,
            name: raw.name,
            basis: raw.basis,
            predicate: raw.predicate,
            categories: some.then_some(categories),
            way: raw.way,
            content: raw.content,
            versions,
        };
        if rule.kinds().is_empty() || !rule.predicate.mistakes().is_empty() {
            wrong.say(pack, span, "hour-rule-predicate", &code);
        }
        self.rules.push(rule);
    }

    fn take_requirement(
        &mut self,
        pack: &PackRef,
        spanned: Spanned<RawRequirement>,
        wrong: &mut Wrong,
    ) {
        let (span, raw) = (spanned.span(), spanned.into_inner());
        let code = raw.code.clone();
        let mut say = |key| wrong.say(pack, span.clone(), key, &code);
        if !is_kebab(&code) || self.requirement(&code).is_some() {
            say("hour-requirement-code");
        }
        let window = raw.window.read();
        if window.is_none() {
            say("hour-requirement-window");
        }
        if raw.basis.unsound() {
            say("hour-basis-wrong");
        }
        // Nobody is held to numbers that nobody has read.
        if raw.basis.confidence == Confidence::Unverified && !raw.off {
            say("hour-requirement-unverified");
        }
        if raw.version.is_empty() || self.unknown(&raw.which) {
            say("hour-requirement-words");
        }
        let mut versions: Vec<RequirementVersion> = Vec::new();
        for v in raw.version {
            let later = |from: Date| versions.last().is_none_or(|last| last.from < from);
            let (span, v) = (v.span(), v.into_inner());
            let parts = v.parts.iter().all(|p| {
                let one = [p.hours.is_some(), p.days.is_some(), p.share.is_some()];
                let share = p.share.is_none_or(|s| (1..=100).contains(&s));
                is_kebab(&p.code) && one.contains(&true) && share && !self.unknown(&p.which)
            });
            // What is missing from earlier years is said in hours.
            let short = matches!(
                window,
                Some(Window::Within {
                    short_of_years: Some(_),
                    ..
                })
            );
            let fine = |v: &RequirementVersion| !short || v.hours.is_some();
            match v.read().filter(|v| later(v.from) && parts && fine(v)) {
                Some(version) => versions.push(version),
                None => wrong.say(pack, span, "hour-requirement-version", &code),
            }
        }
        self.requirements.push(Requirement {
            code: raw.code,
            name: raw.name,
            basis: raw.basis,
            off: raw.off,
            who: raw.who,
            away: raw.away,
            window: window.unwrap_or(Window::Years(1)),
            which: raw.which,
            joiners: raw.joiners,
            versions,
        });
    }

    fn unknown(&self, which: &Which) -> bool {
        which.ways.iter().any(|w| self.way(w).is_none())
            || which.contents.iter().any(|c| self.content(c).is_none())
    }
}

impl Basis {
    fn unsound(&self) -> bool {
        let url = self.url.as_deref().unwrap_or("https://");
        !url.starts_with("https://") && !url.starts_with("http://")
    }
}

/// First and last day, if they are days in order.
fn days(from: &str, to: Option<&str>) -> Option<(Date, Option<Date>)> {
    let from = kernel::parse_date(from)?;
    match to {
        Some(to) => Some((from, Some(kernel::parse_date(to).filter(|to| *to >= from)?))),
        None => Some((from, None)),
    }
}

/// Numbers that make sense.
fn sound(list: &[Option<Amount>]) -> bool {
    list.iter().flatten().all(|a| (1..=MOST).contains(&a.0))
}

impl RawRuleVersion {
    fn read(&self) -> Option<RuleVersion> {
        let (from, to) = days(&self.from, self.to.as_deref())?;
        let minutes = |m: Option<i64>| m.filter(|m| (1..=1440).contains(m));
        let count = match self.count {
            RawCount::Minutes => Count::Minutes {
                per: minutes(self.minutes)?,
            },
            RawCount::Session => Count::Session {
                hours: self.hours?.0,
            },
            RawCount::HalfDays => {
                let half = (self.half_day?.0, minutes(self.half_day_minutes)?);
                let day = (self.day?.0, minutes(self.day_minutes)?);
                (half.0 <= day.0 && half.1 <= day.1).then_some(())?;
                Count::HalfDays { half, day }
            }
            RawCount::Recognised => Count::Recognised,
        };
        // What was recognised may stand for many days: no day limits it.
        let capped = self.each_most.is_some() || self.day_most.is_some();
        if self.count == RawCount::Recognised && capped {
            return None;
        }
        let factor = self.factor.unwrap_or(100);
        let amounts = [
            self.hours,
            self.half_day,
            self.day,
            self.each_most,
            self.day_most,
            self.year_most,
        ];
        (sound(&amounts) && (1..=10_000).contains(&factor)).then_some(RuleVersion {
            from,
            to,
            count,
            factor,
            each_most: self.each_most.map(|a| a.0),
            day_most: self.day_most.map(|a| a.0),
            year_most: self.year_most.map(|a| a.0),
        })
    }
}

impl RawWindow {
    fn read(&self) -> Option<Window> {
        match (self.years, self.months) {
            (Some(years), None) => {
                let plain = self.before == 0 && self.short_of_years.is_none();
                ((1..=10).contains(&years) && plain).then_some(Window::Years(years))
            }
            (None, Some(months)) => {
                let fine = (1..=120).contains(&months)
                    && (0..=60).contains(&self.before)
                    && self.short_of_years.is_none_or(|y| (1..=10).contains(&y));
                fine.then_some(Window::Within {
                    months,
                    before: self.before,
                    short_of_years: self.short_of_years,
                })
            }
            _ => None,
        }
    }
}

impl RawRequirementVersion {
    fn read(self) -> Option<RequirementVersion> {
        let (from, to) = days(&self.from, self.to.as_deref())?;
        let mut amounts = vec![self.hours, self.days, Some(self.day_most)];
        amounts.extend(self.parts.iter().flat_map(|p| [p.hours, p.days]));
        let asks = self.hours.is_some() || self.days.is_some();
        (asks && sound(&amounts) && (0..=100).contains(&self.slack)).then_some(())?;
        let parts = self.parts.into_iter().map(|p| Part {
            code: p.code,
            name: p.name,
            which: p.which,
            hours: p.hours.map(|a| a.0),
            days: p.days.map(|a| a.0),
            share: p.share,
        });
        Some(RequirementVersion {
            from,
            to,
            hours: self.hours.map(|a| a.0),
            days: self.days.map(|a| a.0),
            day_most: self.day_most.0,
            slack: self.slack,
            parts: parts.collect(),
        })
    }
}
