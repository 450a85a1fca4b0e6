//! From facts to hours (折算): a pure function of rules and facts. Value and rows are one thing: a number is the sum
//! of its credits.

use std::collections::HashMap;

use kernel::{Date, FactId, PersonId};
use ledger::Fact;

use crate::rules::{Count, HourRules, RuleVersion};

/// What one fact brings (学时明细); hours and days in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// The fact.
    pub fact: Fact,
    /// Whose.
    pub person: PersonId,
    /// Which rule, by its place.
    pub rule: usize,
    /// Way of learning.
    pub way: String,
    /// Content.
    pub content: Option<String>,
    /// Hours before limits.
    pub before: i64,
    /// Hours that count.
    pub hours: i64,
    /// Days that count.
    pub days: i64,
}

/// Hours and days of one fact by a version, before the limits of day and year.
fn amount(version: &RuleVersion, fact: &Fact) -> (i64, i64) {
    let minutes = fact.minutes.unwrap_or(0).max(0);
    let (hours, days) = match &version.count {
        Count::Minutes { per } => (minutes.saturating_mul(1000) / per, 0),
        Count::Session { hours } => (*hours, 0),
        Count::HalfDays { day, .. } if minutes >= day.1 => (day.0, 1000),
        Count::HalfDays { half, .. } if minutes >= half.1 => (half.0, 500),
        Count::HalfDays { .. } => (0, 0),
        Count::Recognised => (
            fact.quantity.unwrap_or(0).max(0),
            fact.score.unwrap_or(0).max(0).saturating_mul(10),
        ),
    };
    let hours = hours.saturating_mul(version.factor) / 100;
    let most = version.each_most.unwrap_or(i64::MAX);
    (hours.min(most), days)
}

/// What facts that stand bring by the rules that were in force on their days. Limits of days and years are spent in
/// order of time, whatever the order of the facts; give whole years, so that they are spent by what came first.
pub fn credits(rules: &HourRules, facts: &[Fact]) -> Vec<Credit> {
    let mut found: Vec<(Credit, &RuleVersion)> = Vec::new();
    for fact in facts {
        let Some(person) = fact.person else { continue };
        let held = rules.rules.iter().enumerate().find_map(|(n, rule)| {
            let version = rule.version_on(fact.date)?;
            rule.matches(fact).then_some((n, rule, version))
        });
        let Some((n, rule, version)) = held else {
            continue;
        };
        let Some(way) = rule.way.clone().or_else(|| fact.category.clone()) else {
            continue;
        };
        let own = || fact.role.clone().filter(|r| rules.content(r).is_some());
        let (hours, days) = amount(version, fact);
        let credit = Credit {
            fact: fact.clone(),
            person,
            rule: n,
            way,
            content: rule.content.clone().or_else(own),
            before: hours,
            hours,
            days,
        };
        found.push((credit, version));
    }
    found.sort_by_key(|(a, _)| order(a));
    let mut of_day: HashMap<(PersonId, usize, Date), i64> = HashMap::new();
    let mut of_year: HashMap<(PersonId, usize, i16), i64> = HashMap::new();
    for (credit, version) in &mut found {
        let (who, rule, date) = (credit.person, credit.rule, credit.fact.date);
        let day = of_day.entry((who, rule, date)).or_default();
        let year = of_year.entry((who, rule, date.year())).or_default();
        let left = |most: Option<i64>, used: i64| most.map_or(i64::MAX, |m| (m - used).max(0));
        let hours = credit
            .before
            .min(left(version.day_most, *day))
            .min(left(version.year_most, *year));
        if hours < credit.before {
            credit.days = credit.days * hours / credit.before.max(1);
            credit.hours = hours;
        }
        *day += hours;
        *year += hours;
    }
    found.into_iter().map(|(credit, _)| credit).collect()
}

fn order(c: &Credit) -> (PersonId, Date, FactId) {
    (c.person, c.fact.date, c.fact.id)
}

/// Hours and days of some credits.
pub fn total<'c>(credits: impl IntoIterator<Item = &'c Credit>) -> (i64, i64) {
    let each = credits.into_iter().map(|c| (c.hours, c.days));
    each.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}
