//! Pure rules: roll-up, due days, gaps; and the packs.

use commons::packs::Packs;
use kernel::{Calendar, Date, Id, Shift, UnitId};
use proptest::prelude::*;
use std::collections::HashMap;
use tasks::{
    Content, Entry, EntryState, Frequency, PlanKind, TaskWords, month_of, month_text, rolled,
};

use crate::house::{own_pack, packs};

fn entry(state: EntryState, percent: i64, weight: Option<i64>) -> Entry {
    let id = Id([1; 16]);
    Entry {
        id,
        plan: id,
        number: "1".into(),
        parent: None,
        carried_from: None,
        content: Content {
            goal: 0,
            text: "任务".into(),
            target: String::new(),
            claim: None,
            wanted: None,
            owner: String::new(),
            unit: UnitId(id),
            person: None,
            leader: None,
            from: Date::constant(2026, 1, 1),
            to: Date::constant(2026, 12, 31),
            milestones: vec![],
            weight,
            duty: String::new(),
        },
        state,
        percent,
        said: String::new(),
        reported: None,
        ended_on: None,
        parts: 0,
        year: 2026,
        version: 0,
    }
}

fn state() -> impl Strategy<Value = EntryState> {
    prop::sample::select(EntryState::ALL.to_vec())
}

proptest! {
    #[test]
    fn a_whole_is_done_only_when_all_its_parts_that_count_are(
        parts in prop::collection::vec((state(), 0_i64..=100, prop::option::of(1_i64..1_000)), 0..12)
    ) {
        let all: Vec<Entry> = parts.iter().map(|(s, p, w)| entry(*s, *p, *w)).collect();
        let counts: Vec<&Entry> = all
            .iter()
            .filter(|e| matches!(e.state, EntryState::Open | EntryState::Reached))
            .collect();
        match rolled(&all) {
            None => prop_assert!(counts.is_empty()),
            Some(percent) => {
                let done = counts.iter().all(|e| e.state == EntryState::Reached);
                prop_assert_eq!(percent == 100, done);
                prop_assert!((0..=100).contains(&percent));
            }
        }
    }

    #[test]
    fn a_report_is_due_after_its_month_on_a_working_day(
        year in 2024_i16..2040, month in 1_i8..=12, day in 1_i8..=28
    ) {
        let calendar = Calendar::default();
        let kind = PlanKind {
            code: "x".into(),
            name: packs_name(),
            report_day: day,
            report_shift: Shift::Later,
            remind_before: 3,
            levels: 4,
        };
        let first = Date::constant(year, month, 1);
        let due = kind.due(first, &calendar);
        prop_assert!(due > first.last_of_month());
        prop_assert!(calendar.is_workday(due));
        // No working day between the day of the rule and the day it moved to.
        let stay = PlanKind { report_shift: Shift::Stay, ..kind };
        let written = stay.due(first, &calendar);
        prop_assert_eq!(written.day(), day);
        let mut at = written;
        while at < due {
            prop_assert!(!calendar.is_workday(at));
            at = at.tomorrow().unwrap();
        }
    }

    #[test]
    fn months_are_read_as_they_are_written(year in 1990_i16..2100, month in 1_i8..=12) {
        let first = Date::constant(year, month, 1);
        prop_assert_eq!(month_of(&month_text(first)), Some(first));
    }
}

fn packs_name() -> commons::packs::Name {
    TaskWords::read(&packs()).unwrap().plans()[0].name.clone()
}

#[test]
fn what_is_no_month_is_not_taken_for_one() {
    for text in [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "26-01",
        "2026-1x",
        "+026-01",
        "2026-01-01",
    ] {
        assert_eq!(month_of(text), None, "{text}");
    }
}

#[test]
fn every_mistake_of_a_pack_is_named() {
    for (from, to, key) in [
        ("report-day = 5", "report-day = 31", "tasks-pack-days"),
        ("levels = 4", "levels = 9", "tasks-pack-days"),
        (
            "code = \"practice\"",
            "code = \"annual\"",
            "tasks-pack-code",
        ),
        (
            "code = \"counties\"",
            "code = \"leaders\"",
            "tasks-pack-code",
        ),
        ("best = 5", "best = 1", "tasks-pack-scores"),
        (
            "claim = \"exams\"",
            "claim = \"nothing\"",
            "tasks-pack-claim",
        ),
        (
            "code = \"law-exam\"",
            "code = \"theory-study\"",
            "tasks-pack-code",
        ),
        (
            "where = { kind = \"held\" }",
            "where = {}",
            "tasks-pack-where",
        ),
    ] {
        let text = own_pack().replacen(from, to, 1);
        assert_ne!(text, own_pack(), "{from}");
        let packs = Packs::load(vec![("x.toml".into(), text)]).unwrap();
        let told = TaskWords::read(&packs).unwrap_err();
        assert!(
            told.iter().any(|p| p.reason.key == key && p.line > 15),
            "{from}: {told:?}"
        );
    }
}

#[test]
fn a_duty_is_a_gap_without_entry_person_or_record_and_never_for_what_has_cause_only() {
    let duty = |code: &str, frequency| tasks::Duty {
        code: code.into(),
        text: "职责".into(),
        source: String::new(),
        article: String::new(),
        frequency,
        post: String::new(),
        claim: None,
    };
    let all = [
        duty("served", Frequency::Year),
        duty("nobody", Frequency::Year),
        duty("nothing", Frequency::Month),
        duty("silent", Frequency::Month),
        duty("cause", Frequency::Cause),
    ];
    let served: HashMap<String, bool> = [
        ("served".to_owned(), true),
        ("nobody".to_owned(), false),
        ("silent".to_owned(), true),
    ]
    .into();
    let records: HashMap<String, i64> = [("served".to_owned(), 3), ("silent".to_owned(), 0)].into();
    let found = tasks::gaps(&all, &served, &records);
    let told: Vec<(bool, bool, bool)> = found
        .iter()
        .map(|g| (g.no_entry, g.nobody, g.no_record))
        .collect();
    assert_eq!(
        told,
        [
            (false, false, false),
            (false, true, false),
            (true, false, false),
            (false, false, true),
            (false, false, false)
        ]
    );
}
