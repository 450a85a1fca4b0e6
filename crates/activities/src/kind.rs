//! Kinds of activity (活动类型), brought by packs.

use commons::packs::levels::Levels;
use commons::packs::{Name, PackProblem, Packs};
use jiff::ToSpan;
use jiff::civil::Time;
use kernel::{Date, Msg};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

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
    /// Minutes that a new one starts with.
    pub minutes: i64,
    /// Longest that one can last, in minutes; more is a typing error.
    pub longest: i64,
    /// Entered more than so many days later it is marked as a late entry (补录).
    pub late_after_days: i64,
    /// Level of secrecy of one of which nothing else is said; none: the usual one.
    #[serde(default)]
    pub level: Option<String>,
}

impl ActivityKind {
    /// Whether what is entered today about a day is a late entry (补录).
    pub(crate) fn is_late(&self, date: Date, today: Date) -> bool {
        today > date.saturating_add(self.late_after_days.days())
    }
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
}

/// All kinds of all packs.
#[derive(Debug, Clone, Default)]
pub struct ActivityKinds(Vec<ActivityKind>);

impl ActivityKinds {
    /// Reads them from packs; names every mistake with its line.
    pub fn read(packs: &Packs) -> Result<Self, Vec<PackProblem>> {
        let mut kinds: Vec<ActivityKind> = Vec::new();
        let mut problems = Vec::new();
        // Mistakes in the levels are named by whoever reads them.
        let levels = Levels::read(packs).unwrap_or_default();
        for (pack, section) in packs.read::<Section>()? {
            for spanned in section.activity_kind {
                let span = spanned.span();
                let kind = spanned.into_inner();
                if !commons::packs::is_kebab(&kind.code) {
                    problems.push(pack.problem_at(
                        span.clone(),
                        Msg::new("activity-kind-code").with("code", &kind.code),
                    ));
                }
                if kinds.iter().any(|k| k.code == kind.code) {
                    problems.push(pack.problem_at(
                        span.clone(),
                        Msg::new("activity-kind-twice").with("code", &kind.code),
                    ));
                }
                if let Some(level) = kind.level.as_ref().filter(|l| levels.get(l).is_none()) {
                    let wrong = Msg::new("activity-kind-level").with("code", &kind.code);
                    problems.push(pack.problem_at(span.clone(), wrong.with("level", level)));
                }
                if kind.minutes < 1 || kind.longest < kind.minutes || kind.late_after_days < 0 {
                    problems.push(pack.problem_at(
                        span,
                        Msg::new("activity-kind-numbers").with("code", &kind.code),
                    ));
                }
                kinds.push(kind);
            }
        }
        if problems.is_empty() {
            Ok(Self(kinds))
        } else {
            Err(problems)
        }
    }

    /// A kind by its code.
    pub fn get(&self, code: &str) -> Option<&ActivityKind> {
        self.0.iter().find(|k| k.code == code)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ActivityKind> {
        self.0.iter()
    }
}
