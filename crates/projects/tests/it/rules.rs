//! Rules that need no database, as properties.

use kernel::Date;
use projects::{Has, Line, Milestone, Need, lines, missing};
use proptest::prelude::*;

fn line(no: i64, text: &str) -> Line {
    Line {
        no,
        text: text.into(),
    }
}

#[test]
fn lines_are_read_as_they_are_typed() {
    let before = [line(1, "甲"), line(2, "乙")];
    let found = lines("2. 乙改\n\n丙\n1、甲\n9. 丁\n2.5公里", &before);
    let nos: Vec<i64> = found.iter().map(|l| l.no).collect();
    assert_eq!(nos, [2, 3, 1, 4, 5]);
    let texts: Vec<&str> = found.iter().map(|l| l.text.as_str()).collect();
    assert_eq!(texts, ["乙改", "丙", "甲", "丁", "2.5公里"]);
}

proptest! {
    /// Whatever is typed: numbers are unique, those kept were there before, new ones come after all that ever were.
    #[test]
    fn numbers_of_lines_are_never_given_twice(typed in prop::collection::vec("([0-9]{1,2}[.、])?[a-z]{0,4}", 0..12), before in 0_i64..8) {
        let known: Vec<Line> = (1..=before).map(|n| line(n, "x")).collect();
        let found = lines(&typed.join("\n"), &known);
        let mut nos: Vec<i64> = found.iter().map(|l| l.no).collect();
        nos.sort_unstable();
        let all = nos.len();
        nos.dedup();
        prop_assert_eq!(nos.len(), all);
        let written = typed.iter().filter(|t| !t.trim().is_empty()).count();
        prop_assert_eq!(found.len(), written);
        let new: Vec<i64> = found.iter().map(|l| l.no).filter(|n| *n > before).collect();
        prop_assert!(new.windows(2).all(|w| w[1] == w[0] + 1));
        prop_assert!(new.first().is_none_or(|n| *n == before + 1));
    }

    /// What is missing is exactly what is short, and nothing is when there is enough of everything.
    #[test]
    fn a_stage_is_complete_when_nothing_is_short(needs in prop::collection::vec((0_usize..9, 1_i64..5, 0_i64..6), 0..9)) {
        let wanted: Has = needs.iter().map(|(i, n, _)| (Need::ALL[*i], *n)).collect();
        let there: Has = needs.iter().map(|(i, _, h)| (Need::ALL[*i], *h)).collect();
        let short = missing(&wanted, &there);
        for (need, n) in &wanted {
            let has = there[need];
            prop_assert_eq!(short.contains(&(*need, has, *n)), has < *n);
        }
        prop_assert_eq!(missing(&wanted, &wanted), vec![]);
    }

    /// A milestone stands in one way; more time never makes it worse.
    #[test]
    fn more_time_never_makes_a_milestone_later(due in 0_i32..60, more in 0_i32..60, today in 0_i32..120, soon in 0_i64..10) {
        let day = |n: i32| Date::constant(2026, 1, 1).saturating_add(jiff::Span::new().days(n));
        let milestone = |until: i32| Milestone {
            no: 1, text: String::new(), owner: kernel::PersonId::from(kernel::Id([1; 16])), due: day(due), until: day(until),
            done_on: None, said: String::new(), files: vec![], dropped: false,
        };
        let rank = |m: &Milestone| ["open", "soon", "late"].iter().position(|s| *s == m.stands(day(today), soon)).unwrap();
        prop_assert!(rank(&milestone(due + more)) <= rank(&milestone(due)));
        prop_assert_eq!(milestone(due).stands(day(today), soon) == "late", today > due);
    }
}
