//! How somebody stands with a requirement (达标情况): a pure function of the rule, their days, their credits and today.

use jiff::ToSpan;
use kernel::{Calendar, Date, Period};
use serde::Serialize;

use crate::credit::{Credit, total};
use crate::rules::{HourRules, Joiners, Part, Requirement, RequirementVersion, Which, Window};
use kernel::{Spans, days};

/// How it stands (状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Time is up and hours are missing (未完成).
    Missed,
    /// What is missing can no longer be reached (已无法完成).
    Lost,
    /// Behind the pace of the days that passed (有风险).
    AtRisk,
    /// In step (正常推进).
    OnTrack,
    /// Reached (已达标).
    Met,
}

impl State {
    /// All, most pressing first.
    pub const ALL: [Self; 5] = [
        Self::Missed,
        Self::Lost,
        Self::AtRisk,
        Self::OnTrack,
        Self::Met,
    ];

    /// Its code, as addresses and messages have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Lost => "lost",
            Self::AtRisk => "at-risk",
            Self::OnTrack => "on-track",
            Self::Met => "met",
        }
    }

    /// The state of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
}

/// Days over which a requirement looks, for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The days on which it must be reached.
    pub period: Period,
    /// From which day on hours count: before its first day where what was learnt before counts too.
    pub counts_from: Date,
    /// The hours of these days before are taken off.
    pub short_of: Option<Period>,
}

/// Asked for, there, missing; thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartStanding {
    /// Its code.
    pub code: String,
    /// Hours asked for.
    pub hours: Option<i64>,
    /// Days asked for.
    pub days: Option<i64>,
    /// Share asked for, percent.
    pub share: Option<i64>,
    /// Hours that are there.
    pub has: i64,
    /// Days that are there.
    pub has_days: i64,
    /// Hours that are missing; of days and shares those that would do.
    pub missing: i64,
}

/// How one person stands with one requirement; hours and days in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Over which days.
    pub span: Span,
    /// How many days of it the person is bound, and how many it has.
    pub bound: (i64, i64),
    /// Hours asked for.
    pub hours: Option<i64>,
    /// Or so many days.
    pub days: Option<i64>,
    /// Hours that count.
    pub has: i64,
    /// Days that count.
    pub has_days: i64,
    /// Hours that are missing.
    pub missing: i64,
    /// Hours that can still be reached in what is left; none when time is up.
    pub reachable: Option<i64>,
    /// Parts.
    pub parts: Vec<PartStanding>,
    /// How it stands.
    pub state: State,
}

fn year(year: i16) -> Period {
    Period {
        from: Date::constant(year, 1, 1),
        to: Date::constant(year, 12, 31),
    }
}

/// The spans of a requirement that touch a year, for somebody bound on some days: one that ends with the year, or
/// one for each event.
pub fn spans(requirement: &Requirement, bound: &Spans, asked: i16) -> Vec<Span> {
    let of_year = year(asked);
    match requirement.window {
        Window::Years(years) => {
            let from = year(asked - (years - 1)).from;
            vec![Span {
                period: Period {
                    from,
                    to: of_year.to,
                },
                counts_from: from,
                short_of: None,
            }]
        }
        Window::Within {
            months,
            before,
            short_of_years,
        } => {
            let one = |event: Period| {
                let from = event.from;
                requirement.version_on(from)?;
                let to = from.saturating_add(months.months()).saturating_sub(1.day());
                let period = Period { from, to };
                let touches = period.from <= of_year.to && period.to >= of_year.from;
                let eve = from.saturating_sub(1.day());
                touches.then_some(Span {
                    period,
                    counts_from: from.saturating_sub(before.months()),
                    short_of: short_of_years.map(|years| Period {
                        from: from.saturating_sub(years.years()),
                        to: eve,
                    }),
                })
            };
            bound.iter().filter_map(one).collect()
        }
    }
}

/// What somebody owes who is bound on some days of a span; none: nothing.
fn owed(joiners: Joiners, window: Window, bound: i64, of: i64, amount: i64) -> Option<i64> {
    let whole = matches!(window, Window::Within { .. });
    match joiners {
        _ if whole => Some(amount),
        _ if bound <= 0 => None,
        Joiners::Full => Some(amount),
        Joiners::Whole => (bound >= of).then_some(amount),
        Joiners::ProRata => Some(amount * bound / of.max(1)),
    }
}

/// What else there is to know: the rules, the working calendar and today.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// All rules.
    pub rules: &'a HourRules,
    /// Working days.
    pub calendar: &'a Calendar,
    /// Today.
    pub today: Date,
}

/// How somebody stands over a span. `credits` are theirs, of whole years; none: they owe nothing.
pub fn standing(
    requirement: &Requirement,
    span: Span,
    bound: &Spans,
    credits: &[Credit],
    around: Around<'_>,
) -> Option<Standing> {
    let Around { rules, today, .. } = around;
    // The version of the last year it looks at, or of the event.
    let asked = match requirement.window {
        Window::Years(_) => year(span.period.to.year()).from,
        Window::Within { .. } => span.period.from,
    };
    let version = requirement.version_on(asked)?;
    let of = days(span.period);
    let (on, window) = (bound.days_in(span.period), requirement.window);
    let due = |amount: i64| owed(requirement.joiners, window, on, of, amount);
    let (mut hours, mut days_due) = (version.hours.and_then(due), version.days.and_then(due));
    if hours.is_none() && days_due.is_none() {
        return None;
    }
    let means = |which: &Which, c: &Credit| rules.means(which, &c.way, c.content.as_deref());
    let within = |from: Date, to: Date| {
        let which = &requirement.which;
        credits
            .iter()
            .filter(move |c| (from..=to).contains(&c.fact.date) && means(which, c))
    };
    if let (Some(before), Some(whole)) = (span.short_of, hours) {
        let (there, _) = total(within(before.from, before.to));
        if there >= whole {
            return None;
        }
        (hours, days_due) = (Some(whole - there), None);
    }
    let (has, has_days) = total(within(span.counts_from, span.period.to));
    // Either will do; days that are missing are said in hours where no hours are asked for.
    let short_days = days_due.map(|d| (d - has_days).max(0));
    let missing = match (hours, short_days) {
        (_, Some(0)) => 0,
        (Some(hours), _) => (hours - has).max(0),
        (None, short) => short.unwrap_or(0) * version.day_most / 1000,
    };
    let part = |p: &Part| {
        let of_part = within(span.counts_from, span.period.to).filter(|c| means(&p.which, c));
        let (there, there_days) = total(of_part);
        let (h, d) = (p.hours.and_then(due), p.days.and_then(due));
        let day = version.day_most;
        let short = [
            h.map(|h| h - there),
            d.map(|d| (d - there_days).max(0) * day / 1000),
            p.share
                .map(|s| has.max(hours.unwrap_or(0)) * s / 100 - there),
        ];
        PartStanding {
            code: p.code.clone(),
            hours: h,
            days: d,
            share: p.share,
            has: there,
            has_days: there_days,
            missing: short.into_iter().flatten().max().unwrap_or(0).max(0),
        }
    };
    let parts: Vec<PartStanding> = version.parts.iter().map(part).collect();
    let over = span.period.to < today;
    let room = |part: Option<&Which>| {
        let which = [Some(&requirement.which), part];
        reachable(version, (span, which), bound, credits, around)
    };
    let met = missing == 0 && parts.iter().all(|p| p.missing == 0);
    let whole_room = if over { 0 } else { room(None) };
    let lost = || {
        let of_part = |(p, s): (&Part, &PartStanding)| s.missing > room(Some(&p.which));
        missing > whole_room || version.parts.iter().zip(&parts).any(of_part)
    };
    let passed = Period {
        from: span.period.from,
        to: span.period.to.min(today.saturating_sub(1.day())),
    };
    let event = matches!(window, Window::Within { .. });
    let (gone, all) = match event {
        true => (days(passed).max(0), of),
        false => (bound.days_in(passed), on),
    };
    let (there, asked) = match (hours, days_due) {
        (Some(hours), _) => (has, hours),
        (None, days) => (has_days, days.unwrap_or(0)),
    };
    // Behind the pace by more than the slack, percent of the whole.
    let behind = missing > 0 && (asked * gone - there * all) * 100 > asked * all * version.slack;
    let state = match met {
        true => State::Met,
        false if over => State::Missed,
        false if lost() => State::Lost,
        false if behind => State::AtRisk,
        false => State::OnTrack,
    };
    Some(Standing {
        span,
        bound: (if event { of } else { on }, of),
        hours,
        days: days_due,
        has,
        has_days,
        missing,
        reachable: (!over).then_some(whole_room),
        parts,
        state,
    })
}

/// How many hours the working days that are left can bring at most: so many a day, and no more than the limits of
/// the rules by which such hours come.
fn reachable(
    version: &RequirementVersion,
    (span, which): (Span, [Option<&Which>; 2]),
    bound: &Spans,
    credits: &[Credit],
    Around {
        rules,
        calendar,
        today,
    }: Around<'_>,
) -> i64 {
    let mut day = today.max(span.period.from);
    let mut work = 0;
    while day <= span.period.to {
        work += i64::from(calendar.is_workday(day) && bound.contains(day));
        day = day.saturating_add(1.day());
    }
    let most = version.day_most.saturating_mul(work);
    let mut sum: i64 = 0;
    for (n, rule) in rules.rules.iter().enumerate() {
        let Some(held) = rule.version_on(today) else {
            continue;
        };
        let meant = |way: &str, content: Option<&str>| {
            let all = which.iter().flatten();
            all.copied().all(|w| rules.means(w, way, content))
        };
        let ways: Vec<&str> = match &rule.way {
            Some(way) => vec![way],
            None => rules.ways.iter().map(|w| w.code.as_str()).collect(),
        };
        let contents: Vec<Option<&str>> = match &rule.content {
            Some(content) => vec![Some(content)],
            None => {
                let known = rules.contents.iter().map(|c| Some(c.code.as_str()));
                known.chain([None]).collect()
            }
        };
        if !ways
            .iter()
            .any(|way| contents.iter().any(|content| meant(way, *content)))
        {
            continue;
        }
        let by_day = held.day_most.unwrap_or(i64::MAX).min(version.day_most);
        let of_days = by_day.saturating_mul(work);
        let of_years = held.year_most.map_or(i64::MAX, |most| {
            let spent = credits
                .iter()
                .filter(|c| c.rule == n && c.fact.date.year() == today.year());
            let (spent, _) = total(spent);
            let later = i64::from(span.period.to.year() - today.year()).max(0);
            (most - spent)
                .max(0)
                .saturating_add(most.saturating_mul(later))
        });
        sum = sum.saturating_add(of_days.min(of_years));
    }
    sum.min(most)
}
