//! Kinds of activity (活动类型), brought by packs: what is entered about one, and what must be.

use commons::packs::levels::Levels;
use commons::packs::{Name, PackProblem, PackRef, Packs, is_kebab};
use jiff::ToSpan;
use jiff::civil::{Time, Weekday};
use kernel::{Date, Msg};
use organization::{Attributes, BodyKinds};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::Role;
use crate::reflection::ReflectionOf;
use crate::votes::{PassOf, Quorum};

/// Who is expected (应到范围).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RosterOf {
    /// The people of the organising unit and of those below it.
    #[default]
    Unit,
    /// An audience that was kept (人员范围).
    Audience,
    /// The members of a body (党支部、中心组、专班 …).
    Body,
    /// Nobody is expected; who came is entered by staff number.
    Open,
}

/// Who may see one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidential {
    /// The two people of a pair, whoever entered it, and who holds the permission for it (仅当事人可见).
    Parties,
}

/// Whether files belong to it (佐证材料).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// They may.
    #[default]
    Optional,
    /// They must: without one it is marked.
    Required,
}

/// How people sign in for themselves (签到).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CheckIn {
    /// From so many minutes before the begin.
    pub opens_before: i64,
    /// Until so many minutes after the begin; none: until the end.
    pub closes_after: Option<i64>,
    /// Whether people who are not expected may come, as observers (列席).
    pub outsiders: bool,
}

impl Default for CheckIn {
    fn default() -> Self {
        Self {
            opens_before: 30,
            closes_after: None,
            outsiders: false,
        }
    }
}

/// A part that people have beside being there (主持、主讲、记录 …).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRole {
    /// Code, the role of its facts.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Whether somebody must have it.
    #[serde(default)]
    pub required: bool,
    /// How many may have it.
    #[serde(default = "one")]
    pub most: usize,
    /// Who may have it; none: anybody.
    #[serde(default)]
    pub of: Option<RoleOf>,
}

/// Who may have a part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleOf {
    /// Attributes with a value (`leading.chief`), one of which a person must have on that day.
    pub attribute: OneOrMany,
}

/// One text or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// All of them, split into attribute and value.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        let all = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        };
        let split = |text: &String| text.find('.').map_or(text.len(), |at| at);
        all.iter()
            .map(|t| (&t[..split(t)], t.get(split(t) + 1..).unwrap_or("")))
            .collect()
    }
}

/// What else is entered (登记项目).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindField {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be filled in.
    #[serde(default)]
    pub required: bool,
    /// What can be chosen.
    #[serde(default)]
    pub values: Vec<Choice>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A line.
    Text,
    /// Several lines.
    Long,
    /// A number.
    Number,
    /// A day.
    Date,
    /// One of its values.
    Choice,
}

/// A value to choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

/// Something that can be on an agenda (议题).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgendaItem {
    /// Code, the category of its facts.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Must be the first one wherever it is on the agenda (第一议题).
    #[serde(default)]
    pub first: bool,
    /// The document that asks for it.
    #[serde(default)]
    pub document: Option<Name>,
}

/// Kinds that belong together (类别).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindGroup {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Name,
}

fn one() -> usize {
    1
}

/// A kind of activity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActivityKind {
    /// Code, the category of its facts.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Title that a new one starts with.
    pub title: Name,
    /// Time of day that a new one starts with.
    #[serde(deserialize_with = "time")]
    pub starts: Time,
    /// Day of the week that a new one starts with, the last one there was (`friday`); none: today.
    #[serde(default, deserialize_with = "weekday")]
    pub day: Option<Weekday>,
    /// Minutes that a new one starts with.
    pub minutes: i64,
    /// Longest that one can last, in minutes; more is a typing error.
    pub longest: i64,
    /// Entered more than so many days later it is marked as a late entry (补录).
    pub late_after_days: i64,
    /// Level of secrecy of one of which nothing else is said; none: the usual one.
    #[serde(default)]
    pub level: Option<String>,
    /// The group it belongs to.
    #[serde(default)]
    pub group: Option<String>,
    /// Categories of units that use it; empty: all.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The document that asks for it.
    #[serde(default)]
    pub document: Option<Name>,
    /// Its article.
    #[serde(default)]
    pub article: Option<Name>,
    /// Parts that people have beside being there.
    #[serde(default)]
    pub roles: Vec<KindRole>,
    /// What its agenda offers, in order; free lines are always possible where something is offered.
    #[serde(default)]
    pub agenda: Vec<String>,
    /// What must be on its agenda.
    #[serde(default)]
    pub agenda_required: Vec<String>,
    /// What else is entered.
    #[serde(default)]
    pub fields: Vec<KindField>,
    /// Whether it is held in issues and sessions (期、节).
    #[serde(default)]
    pub series: bool,
    /// Whether it is between two people, without a roster.
    #[serde(default)]
    pub pair: bool,
    /// Who may see it; none: everybody in whose scope it is.
    #[serde(default)]
    pub confidential: Option<Confidential>,
    /// Whether files belong to it.
    #[serde(default)]
    pub evidence: Evidence,
    /// Who is expected.
    #[serde(default)]
    pub roster: RosterOf,
    /// Kinds of bodies whose members can be expected; empty: all.
    #[serde(default)]
    pub bodies: Vec<String>,
    /// How people sign in for themselves.
    #[serde(default)]
    pub check_in: CheckIn,
    /// The reflection that it asks for.
    #[serde(default)]
    pub reflection: Option<ReflectionOf>,
    /// How many of those who may vote must be there.
    #[serde(default)]
    pub quorum: Option<Quorum>,
    /// Whether it has resolutions with votes.
    #[serde(default)]
    pub votes: bool,
    /// Who of those expected may vote; none: all.
    #[serde(default)]
    pub voters: Option<RoleOf>,
    /// Of whom more than half must be for a resolution.
    #[serde(default)]
    pub pass_of: PassOf,
}

impl ActivityKind {
    /// Whether what is entered today about a day is a late entry (补录).
    pub(crate) fn is_late(&self, date: Date, today: Date) -> bool {
        today > date.saturating_add(self.late_after_days.days())
    }

    /// The day most likely meant.
    pub(crate) fn usual_day(&self, today: Date) -> Date {
        match self.day {
            Some(day) => today.saturating_sub(today.weekday().since(day).days()),
            None => today,
        }
    }

    /// Whether units of a category use it.
    pub(crate) fn is_for(&self, category: &str) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|c| c == category)
    }

    /// A part of it.
    pub(crate) fn role(&self, code: &str) -> Option<&KindRole> {
        self.roles.iter().find(|r| r.code == code)
    }

    /// What is wrong in it, by itself.
    fn problems(&self) -> Vec<Msg> {
        let mut found = Vec::new();
        let mut wrong = |key: &'static str, what: &str| {
            let message = Msg::new(key).with("code", &self.code);
            found.push(message.with("what", what));
        };
        if self.minutes < 1 || self.longest < self.minutes || self.late_after_days < 0 {
            wrong("activity-kind-numbers", "");
        }
        let sane = |r: &ReflectionOf| {
            (0..=365).contains(&r.due_days) && 0 < r.least && r.least <= r.most && r.most <= 20_000
        };
        if self.reflection.is_some_and(|r| !sane(&r) || self.pair) {
            wrong("activity-kind-reflection", "");
        }
        let no_votes = self.quorum.is_some() || self.voters.is_some();
        if !self.votes && no_votes || self.votes && self.pair {
            wrong("activity-kind-votes", "");
        }
        let before = self.check_in.opens_before;
        let after = self.check_in.closes_after.unwrap_or(0);
        if !(0..=1_440).contains(&before) || !(0..=self.longest.max(0)).contains(&after) {
            wrong("activity-kind-check-in", "");
        }
        let roles = || self.roles.iter().map(|r| &r.code);
        let fields = || self.fields.iter().map(|f| &f.code);
        for code in roles().chain(fields()).filter(|c| !is_kebab(c)) {
            wrong("activity-kind-part-code", code);
        }
        for code in twice(roles())
            .chain(twice(fields()))
            .chain(twice(self.agenda.iter()))
        {
            wrong("activity-kind-part-twice", code);
        }
        for role in &self.roles {
            if Role::from_code(&role.code).is_some() {
                wrong("activity-kind-role-taken", &role.code);
            }
            if !(1..=9).contains(&role.most) {
                wrong("activity-kind-role-most", &role.code);
            }
        }
        for code in &self.agenda_required {
            if !self.agenda.contains(code) {
                wrong("activity-kind-agenda-required", code);
            }
        }
        for field in &self.fields {
            let choice = field.kind == FieldKind::Choice;
            if choice == field.values.is_empty()
                || twice(field.values.iter().map(|v| &v.code)).next().is_some()
            {
                wrong("activity-kind-values", &field.code);
            }
        }
        if self.confidential.is_some() && !self.pair {
            wrong("activity-kind-confidential", "");
        }
        if self.pair && (self.series || !self.agenda.is_empty() || !self.roles.is_empty()) {
            wrong("activity-kind-pair", "");
        }
        found
    }
}

/// Texts that were there before.
fn twice<'a>(texts: impl Iterator<Item = &'a String>) -> impl Iterator<Item = &'a String> {
    let mut seen = std::collections::HashSet::new();
    texts.filter(move |text| !seen.insert(*text))
}

fn weekday<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Weekday>, D::Error> {
    const DAYS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let text = String::deserialize(d)?;
    let at = DAYS.iter().position(|day| *day == text);
    let day = at.and_then(|at| Weekday::from_monday_zero_offset(at as i8).ok());
    day.map(Some)
        .ok_or_else(|| serde::de::Error::unknown_variant(&text, &DAYS))
}

fn time<'de, D: Deserializer<'de>>(d: D) -> Result<Time, D::Error> {
    let text = String::deserialize(d)?;
    Time::strptime("%H:%M", &text).map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Section {
    #[serde(default)]
    activity_kind: Vec<Spanned<ActivityKind>>,
    #[serde(default)]
    activity_group: Vec<Spanned<KindGroup>>,
    #[serde(default)]
    agenda_item: Vec<Spanned<AgendaItem>>,
}

/// All kinds of all packs, with their groups and what can be on agendas.
#[derive(Debug, Clone, Default)]
pub struct ActivityKinds {
    kinds: Vec<ActivityKind>,
    groups: Vec<KindGroup>,
    items: Vec<AgendaItem>,
}

impl ActivityKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut all = Self::default();
        let mut problems = Vec::new();
        let mut places = Vec::new();
        for (pack, section) in packs.read::<Section>()? {
            let mut found = Vec::new();
            let mut wrong = |span: &std::ops::Range<usize>, key: &'static str, code: &str| {
                found.push((span.clone(), Msg::new(key).with("code", code)));
            };
            for spanned in section.activity_group {
                let (span, group) = (spanned.span(), spanned.into_inner());
                if !is_kebab(&group.code) || all.group(&group.code).is_some() {
                    wrong(&span, "activity-group-code", &group.code);
                }
                all.groups.push(group);
            }
            for spanned in section.agenda_item {
                let (span, item) = (spanned.span(), spanned.into_inner());
                if !is_kebab(&item.code) || all.item(&item.code).is_some() {
                    wrong(&span, "agenda-item-code", &item.code);
                }
                all.items.push(item);
            }
            for spanned in section.activity_kind {
                let (span, kind) = (spanned.span(), spanned.into_inner());
                if !is_kebab(&kind.code) {
                    wrong(&span, "activity-kind-code", &kind.code);
                }
                if all.get(&kind.code).is_some() {
                    wrong(&span, "activity-kind-twice", &kind.code);
                }
                problems.extend(
                    kind.problems()
                        .into_iter()
                        .map(|m| pack.problem_at(span.clone(), m)),
                );
                places.push((pack.clone(), span));
                all.kinds.push(kind);
            }
            let named = found.into_iter().map(|(span, m)| pack.problem_at(span, m));
            problems.extend(named);
        }
        problems.extend(all.strangers(packs, &places));
        if problems.is_empty() {
            Ok(all)
        } else {
            Err(problems)
        }
    }

    /// What kinds name that no pack knows.
    fn strangers(
        &self,
        packs: &Packs,
        places: &[(PackRef, std::ops::Range<usize>)],
    ) -> Vec<PackProblem> {
        // Mistakes in those are named by whoever reads them.
        let levels = Levels::read(packs).unwrap_or_default();
        let attributes = Attributes::read(packs).unwrap_or_default();
        let bodies = BodyKinds::read(packs).unwrap_or_default();
        let mut problems = Vec::new();
        for (kind, (pack, span)) in self.kinds.iter().zip(places) {
            let mut wrong = |key: &'static str, name: &'static str, what: &str| {
                let message = Msg::new(key).with("code", &kind.code).with(name, what);
                problems.push(pack.problem_at(span.clone(), message));
            };
            if let Some(level) = kind.level.as_ref().filter(|l| levels.get(l).is_none()) {
                wrong("activity-kind-level", "level", level);
            }
            if let Some(group) = kind.group.as_ref().filter(|g| self.group(g).is_none()) {
                wrong("activity-kind-group", "what", group);
            }
            for code in kind.agenda.iter().filter(|c| self.item(c).is_none()) {
                wrong("activity-kind-agenda", "what", code);
            }
            for code in kind.bodies.iter().filter(|c| bodies.get(c).is_none()) {
                wrong("activity-kind-body", "what", code);
            }
            let of_roles = kind.roles.iter().filter_map(|r| r.of.as_ref());
            for of in of_roles.chain(&kind.voters) {
                for (attribute, value) in of.attribute.pairs() {
                    let known = attributes.get(attribute);
                    if known.is_none_or(|a| a.value(value).is_none()) {
                        wrong(
                            "activity-kind-attribute",
                            "what",
                            &format!("{attribute}.{value}"),
                        );
                    }
                }
            }
        }
        problems
    }

    /// A kind by its code.
    pub fn get(&self, code: &str) -> Option<&ActivityKind> {
        self.kinds.iter().find(|k| k.code == code)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ActivityKind> {
        self.kinds.iter()
    }

    /// A group by its code.
    pub fn group(&self, code: &str) -> Option<&KindGroup> {
        self.groups.iter().find(|g| g.code == code)
    }

    /// The groups, as packs list them.
    pub fn groups(&self) -> std::slice::Iter<'_, KindGroup> {
        self.groups.iter()
    }

    /// The codes of the kinds of a group.
    pub(crate) fn in_group(&self, group: &str) -> Vec<String> {
        let kinds = self
            .kinds
            .iter()
            .filter(|k| k.group.as_deref() == Some(group));
        kinds.map(|k| k.code.clone()).collect()
    }

    /// Something that can be on an agenda, by its code.
    pub fn item(&self, code: &str) -> Option<&AgendaItem> {
        self.items.iter().find(|i| i.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_most_likely_meant() {
        let text = include_str!("../../../packs/weekly-study.toml");
        let packs = Packs::load(vec![("p.toml".into(), text.into())]).unwrap();
        let kinds = ActivityKinds::read(&packs).unwrap();
        let kind = kinds.get("friday-study").unwrap();
        let day = |d| Date::constant(2026, 11, d);
        assert_eq!(kind.usual_day(day(20)), day(20));
        assert_eq!(kind.usual_day(day(21)), day(20));
        assert_eq!(kind.usual_day(day(26)), day(20));
        let any = ActivityKind {
            day: None,
            ..kind.clone()
        };
        assert_eq!(any.usual_day(day(26)), day(26));
    }
}
