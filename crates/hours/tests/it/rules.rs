//! Conversion and standing as properties: order does not matter, limits are never passed, windows tile and roll,
//! parts of those who come and go sum up.

use commons::packs::Packs;
use hours::{Around, Credit, HourRules, Spans, State, credits, spans, standing, total};
use jiff::ToSpan;
use kernel::{Calendar, Date, FactId, Id, Period, PersonId, Timestamp};
use ledger::{Fact, PlaceId};
use proptest::prelude::*;

const PACK: &str = r#"
[pack]
code = "t"
version = "1"
name = { zh = "测", en = "T" }

[[activity-kind]]
code = "class"
group = "training"

[[hour-way]]
code = "unit"
name = { zh = "单位", en = "Unit" }
form = "offline"
slot = "unit"
minutes = 45

[[hour-way]]
code = "net"
name = { zh = "网络", en = "Network" }
form = "online"
slot = "daily"
minutes = 45
outside = true

[[hour-content]]
code = "theory"
name = { zh = "理论", en = "Theory" }

[[hour-rule]]
code = "speakers"
name = { zh = "授课", en = "Lectures" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
where = { kind = "attendance", role = "speaker" }
way = "unit"
version = [{ from = "2020-01-01", count = "session", hours = 2, factor = 150 }]

[[hour-rule]]
code = "classes"
name = { zh = "班", en = "Classes" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
where = { kind = "attendance", role = "present" }
groups = ["training"]
way = "unit"
content = "theory"
version = [
  { from = "2020-01-01", count = "minutes", minutes = 60, each-most = 6, day-most = 8, year-most = 40 },
  { from = "2026-07-01", count = "half-days", half-day = 4, half-day-minutes = 120, day = 8, day-minutes = 300, day-most = 8, year-most = 40 },
]

[[hour-rule]]
code = "recognised"
name = { zh = "认定", en = "Recognised" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
where = { kind = "hours" }
version = [{ from = "2020-01-01", count = "recognised", year-most = 50 }]

[[hour-requirement]]
code = "year"
name = { zh = "每年", en = "Year" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
window = { years = 1 }
version = [{ from = "2020-01-01", hours = 90, days = 12, day-most = 8, parts = [{ code = "theory", name = { zh = "理论", en = "Theory" }, of = { contents = ["theory"] }, share = 30 }] }]

[[hour-requirement]]
code = "five"
name = { zh = "五年", en = "Five years" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
window = { years = 5 }
version = [{ from = "2020-01-01", hours = 100, day-most = 8 }]

[[hour-requirement]]
code = "event"
name = { zh = "任职", en = "Appointed" }
basis = { document = { zh = "文", en = "D" }, article = { zh = "条", en = "A" }, confidence = "local" }
window = { months = 12, before = 2, short-of-years = 5 }
version = [{ from = "2020-01-01", hours = 60, day-most = 8 }]
"#;

fn rules() -> HourRules {
    let packs = Packs::load(vec![("t.toml".into(), PACK.into())]).unwrap();
    HourRules::read(&packs).unwrap()
}

fn day(year: i16, month: i8, day: i8) -> Date {
    Date::constant(year, month, day)
}

fn of_year(year: i16) -> Period {
    Period {
        from: day(year, 1, 1),
        to: day(year, 12, 31),
    }
}

fn fact(n: u8, kind: &str, role: &str, date: Date) -> Fact {
    let (id, place) = (FactId(Id([n; 16])), PlaceId(1));
    let mut f = Fact::new(id, kind, place, date, Id([n; 16]), "roster", Timestamp(0));
    (f.category, f.role) = (Some("class".into()), Some(role.into()));
    f.person = Some(PersonId(Id([9; 16])));
    f
}

fn present(n: u8, date: Date, minutes: i64) -> Fact {
    let mut f = fact(n, "attendance", "present", date);
    f.minutes = Some(minutes);
    f
}

fn recognised(n: u8, date: Date, hours: i64, days: i64) -> Fact {
    let mut f = fact(n, "hours", "theory", date);
    f.category = Some("net".into());
    (f.quantity, f.score) = (Some(hours * 1000), Some(days * 100));
    f
}

fn sum(facts: &[Fact]) -> (i64, i64) {
    total(&credits(&rules(), facts))
}

#[test]
fn each_fact_counts_once_by_the_rule_of_its_day() {
    // By the minute and no more than six hours; from July on by half days.
    assert_eq!(sum(&[present(1, day(2026, 3, 2), 90)]), (1_500, 0));
    assert_eq!(sum(&[present(1, day(2026, 3, 2), 600)]), (6_000, 0));
    assert_eq!(sum(&[present(1, day(2026, 7, 1), 119)]), (0, 0));
    assert_eq!(sum(&[present(1, day(2026, 7, 1), 120)]), (4_000, 500));
    assert_eq!(sum(&[present(1, day(2026, 7, 1), 300)]), (8_000, 1_000));
    assert_eq!(
        sum(&[present(1, day(2019, 7, 1), 300)]),
        (0, 0),
        "before any rule"
    );
    // Two hours by half as much again.
    assert_eq!(
        sum(&[fact(1, "attendance", "speaker", day(2026, 3, 2))]),
        (3_000, 0)
    );
    assert_eq!(
        sum(&[fact(1, "attendance", "absent", day(2026, 3, 2))]),
        (0, 0)
    );
    // What was made up counts like being there, another kind of activity does not.
    let mut made_up = present(1, day(2026, 3, 2), 60);
    (made_up.kind, made_up.role) = ("makeup".into(), None);
    assert_eq!(sum(&[made_up]), (1_000, 0));
    let mut other = present(1, day(2026, 3, 2), 60);
    other.category = Some("dinner".into());
    assert_eq!(sum(&[other]), (0, 0));
    // What was recognised brings its way and content along.
    let found = credits(&rules(), &[recognised(1, day(2026, 3, 2), 24, 3)]);
    assert_eq!(
        (found[0].way.as_str(), found[0].content.as_deref()),
        ("net", Some("theory"))
    );
    assert_eq!((found[0].hours, found[0].days), (24_000, 3_000));
    // Where a year's limit cuts hours, days are cut with them.
    let facts = [
        recognised(1, day(2026, 3, 2), 40, 5),
        recognised(2, day(2026, 4, 2), 20, 4),
    ];
    assert_eq!(sum(&facts), (50_000, 7_000));
}

/// How 2026 stands for somebody bound on some days.
fn year(facts: &[Fact], bound: &Spans, today: Date) -> Option<hours::Standing> {
    by("year", 2026, facts, bound, today).into_iter().next()
}

fn by(code: &str, asked: i16, facts: &[Fact], bound: &Spans, today: Date) -> Vec<hours::Standing> {
    let rules = rules();
    let requirement = rules.requirement(code).unwrap();
    let found = credits(&rules, facts);
    let calendar = Calendar::default();
    let around = Around {
        rules: &rules,
        calendar: &calendar,
        today,
    };
    let each = spans(requirement, bound, asked).into_iter();
    each.filter_map(|span| standing(requirement, span, bound, &found, around))
        .collect()
}

#[test]
fn a_year_says_what_is_missing_and_whether_it_can_be_reached() {
    let all = Spans::always();
    let (spring, autumn) = (day(2026, 3, 2), day(2026, 11, 20));
    // In January nobody is behind yet.
    let s = year(&[], &all, day(2026, 1, 1)).unwrap();
    assert_eq!(
        (s.state, s.hours, s.days, s.missing),
        (State::OnTrack, Some(90_000), Some(12_000), 90_000)
    );
    // Limits: 40 hours of classes, 50 of what is recognised, any number of lectures.
    assert_eq!(year(&[], &all, spring).unwrap().state, State::AtRisk);
    let s = year(&[], &all, day(2026, 12, 20)).unwrap();
    assert_eq!(
        (s.state, s.reachable),
        (State::Lost, Some(9 * 8_000)),
        "nine working days are left"
    );
    assert_eq!(
        year(&[], &all, day(2027, 1, 1)).unwrap().state,
        State::Missed
    );
    // Days will do as well as hours, the share of theory is looked at by itself.
    let s = year(&[recognised(1, spring, 40, 12)], &all, autumn).unwrap();
    assert_eq!((s.state, s.missing, s.parts[0].missing), (State::Met, 0, 0));
    // The limit of a rule is part of what can be reached: 50 hours a year are spent, 40 of classes are open.
    let mut spent = recognised(1, spring, 50, 1);
    spent.role = None;
    let s = year(&[spent], &all, day(2026, 12, 1)).unwrap();
    assert_eq!((s.has, s.missing), (50_000, 40_000));
    assert_eq!(s.parts[0].missing, 27_000);
}

#[test]
fn five_years_roll_and_events_open_their_own() {
    let all = Spans::always();
    let facts = [
        recognised(1, day(2022, 6, 1), 50, 0),
        recognised(2, day(2026, 6, 1), 50, 0),
    ];
    let at = |asked: i16| by("five", asked, &facts, &all, day(2026, 12, 1)).remove(0);
    assert_eq!((at(2026).has, at(2026).state), (100_000, State::Met));
    assert_eq!(at(2026).span.period.from, day(2022, 1, 1));
    assert_eq!(
        (at(2027).has, at(2027).missing),
        (50_000, 50_000),
        "2022 has rolled out"
    );
    assert_eq!(at(2021).has, 0);
    // Appointed on 10 May 2026: what was learnt in the five years before is taken off, and what was learnt two
    // months before counts.
    let bound = Spans::of([Period {
        from: day(2026, 5, 10),
        to: Date::MAX,
    }]);
    let facts = [recognised(1, day(2023, 6, 1), 40, 0)];
    let found = by("event", 2026, &facts, &bound, day(2026, 6, 1));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].hours, found[0].has), (Some(20_000), 0));
    assert_eq!(found[0].span.period.to, day(2027, 5, 9));
    assert_eq!(
        by("event", 2027, &facts, &bound, day(2026, 6, 1)).len(),
        1,
        "it reaches into the next year"
    );
    assert_eq!(by("event", 2028, &facts, &bound, day(2026, 6, 1)).len(), 0);
    let enough = [
        recognised(1, day(2023, 6, 1), 50, 0),
        recognised(2, day(2024, 6, 1), 50, 0),
    ];
    assert_eq!(
        by("event", 2026, &enough, &bound, day(2026, 6, 1)).len(),
        0,
        "nothing was missing"
    );
}

fn some() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0i64..800, 0u8..4, 0i64..700).prop_map(|(offset, kind, minutes)| {
        let date = day(2025, 6, 1).saturating_add(offset.days());
        (date, kind, minutes)
    });
    prop::collection::vec(one, 0..40).prop_map(|list| {
        let each = list.into_iter().zip(1u8..);
        each.map(|((date, kind, minutes), n)| match kind {
            0 => fact(n, "attendance", "speaker", date),
            1 => recognised(n, date, minutes / 20, 0),
            _ => present(n, date, minutes),
        })
        .collect()
    })
}

fn rows(found: &[Credit]) -> Vec<(Id, i64, i64)> {
    found
        .iter()
        .map(|c| (c.fact.id.0, c.hours, c.days))
        .collect()
}

proptest! {
    #[test]
    fn order_does_not_matter_and_limits_hold(facts in some(), turn in 0usize..40) {
        let rules = rules();
        let found = credits(&rules, &facts);
        let mut other = facts.clone();
        if !other.is_empty() {
            let by = turn % other.len();
            other.rotate_left(by);
            other.reverse();
        }
        prop_assert_eq!(rows(&found), rows(&credits(&rules, &other)));
        for year in 2025..=2027 {
            let of = |n: usize| found.iter().filter(move |c| c.rule == n && c.fact.date.year() == year);
            prop_assert!(total(of(1)).0 <= 40_000 && total(of(2)).0 <= 50_000);
        }
        for c in &found {
            let day = found.iter().filter(|o| o.rule == 1 && o.fact.date == c.fact.date);
            prop_assert!(total(day).0 <= 8_000);
            prop_assert!(c.hours <= c.before);
        }
    }

    #[test]
    fn years_tile(facts in some()) {
        let all = Spans::always();
        let found = credits(&rules(), &facts);
        let has = |asked: i16| by("year", asked, &facts, &all, day(2026, 6, 1)).remove(0).has;
        let sum: i64 = (2025..=2028).map(has).sum();
        prop_assert_eq!(sum, total(&found).0);
        // Five years are the sum of their years.
        let five = by("five", 2028, &facts, &all, day(2026, 6, 1)).remove(0).has;
        prop_assert_eq!(five, (2024..=2028).map(has).sum::<i64>());
    }

    #[test]
    fn parts_of_a_year_sum_up(cuts in prop::collection::btree_set(1i64..365, 0..5)) {
        // Several people share a year: together they owe what one owes, but for rounding down.
        let mut edges: Vec<i64> = cuts.into_iter().collect();
        edges.insert(0, 0);
        edges.push(365);
        let mut owed = 0;
        for pair in edges.windows(2) {
            let bound = Spans::of([Period {
                from: day(2026, 1, 1).saturating_add(pair[0].days()),
                to: day(2026, 1, 1).saturating_add((pair[1] - 1).days()),
            }]);
            let s = year(&[], &bound, day(2026, 1, 1)).unwrap();
            prop_assert_eq!(s.bound.0, pair[1] - pair[0]);
            owed += s.hours.unwrap();
        }
        let parts = edges.len() as i64 - 1;
        prop_assert!(owed <= 90_000 && owed > 90_000 - parts);
        prop_assert_eq!(year(&[], &Spans::default(), day(2026, 1, 1)), None);
        let whole = Spans::of([of_year(2026)]);
        prop_assert_eq!(year(&[], &whole, day(2026, 1, 1)).unwrap().hours, Some(90_000));
    }

    #[test]
    fn what_is_more_is_never_worse(facts in some(), offset in 0i64..365) {
        let all = Spans::always();
        let today = day(2026, 1, 1).saturating_add(offset.days());
        let before = year(&facts, &all, today).unwrap();
        let mut more = facts.clone();
        more.push(fact(200, "attendance", "speaker", day(2026, 1, 1)));
        let after = year(&more, &all, today).unwrap();
        prop_assert!(after.missing <= before.missing && after.has >= before.has);
    }
}
