//! The state machine under random acts, against what was done as the test remembers it.

use std::collections::BTreeSet;

use cases::{Act, Case, CaseKinds, End, Event, Hand, Kind, Measure, Side, Stage};
use commons::packs::Packs;
use jiff::ToSpan;
use kernel::{Date, Error, Id, PersonId, Timestamp, UnitId};
use proptest::prelude::*;

const DUE: Date = Date::constant(2026, 12, 1);
const TODAY: Date = Date::constant(2026, 11, 22);

fn kinds() -> CaseKinds {
    let own = include_str!("../../../../packs/cases-cn.toml");
    CaseKinds::read(&Packs::load(vec![("cases-cn.toml".into(), own.into())]).unwrap()).unwrap()
}

fn person(n: u8) -> PersonId {
    PersonId(Id([n; 16]))
}

fn unit(n: u8) -> UnitId {
    UnitId(Id([n; 16]))
}

fn measure(no: i64, owner: u8) -> Measure {
    Measure {
        no,
        text: "修订制度".into(),
        owner: person(owner),
        due: DUE,
        done: None,
    }
}

fn act() -> impl Strategy<Value = Act> {
    let end = prop_oneof![Just(End::Transferred), Just(End::Explained)];
    prop_oneof![
        3 => (0u8..6, proptest::collection::vec(0u8..6, 0..3)).prop_map(|(o, co)| Act::Assigned {
            unit: unit(1), owner: Some(person(o)), co: co.into_iter().map(person).collect(), supervisor: Some(person(5)),
        }),
        1 => Just(Act::Rejected),
        4 => (1i64..5, 0u8..6).prop_map(|(no, o)| Act::Planned { cause: "职责不清".into(), measures: vec![measure(no, o)] }),
        2 => Just(Act::Reported),
        5 => (1i64..5).prop_map(|no| Act::MeasureDone { no, on: TODAY }),
        5 => Just(Act::Submitted),
        6 => Just(Act::Accepted),
        3 => Just(Act::Refused),
        3 => (-5i64..60).prop_map(|n| Act::TimeWanted { until: DUE.saturating_add(n.days()), approval: Id::NIL }),
        2 => end.prop_map(|end| Act::EndWanted { end, approval: Id::NIL }),
        1 => Just(Act::Duplicate { of: Id([9; 16]) }),
        1 => Just(Act::Urged),
        2 => Just(Act::Held),
        3 => (-3i64..60).prop_map(|n| Act::Reopened { until: TODAY.saturating_add(n.days()) }),
    ]
}

/// What the program does by itself between the acts of people.
#[derive(Debug, Clone)]
enum Turn {
    Act(Act, u8, Vec<Side>, Vec<u8>, bool),
    Given,
    NotGiven,
    LookDue,
}

fn turn() -> impl Strategy<Value = Turn> {
    let side = prop_oneof![
        Just(Side::Raiser),
        Just(Side::Owner),
        Just(Side::Supervisor)
    ];
    let sides = proptest::collection::vec(side, 0..4);
    let by = (
        act(),
        0u8..7,
        sides,
        proptest::collection::vec(0u8..7, 0..2),
        proptest::bool::weighted(0.2),
    );
    prop_oneof![
        12 => by.prop_map(|(a, who, sides, of, below)| Turn::Act(a, who, sides, of, below)),
        2 => Just(Turn::Given),
        1 => Just(Turn::NotGiven),
        2 => Just(Turn::LookDue),
    ]
}

fn event(seq: usize, act: Act, state: &str, by: Option<PersonId>) -> Event {
    Event {
        seq: seq as i64,
        act,
        state: state.into(),
        account: None,
        person: by,
        text: String::new(),
        files: vec![],
        at: Timestamp(seq as i64 * 1_000),
    }
}

fn raised(kind: &Kind, by: u8) -> Event {
    let act = Act::Raised {
        due: DUE,
        unit: unit(1),
    };
    event(1, act, &kind.states[0].code, Some(person(by)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn it_is_never_judged_by_who_mends_it_and_keeps_its_day(
        which in 0usize..5,
        turns in proptest::collection::vec(turn(), 1..80),
    ) {
        let kinds = kinds();
        let kind = kinds.iter().nth(which).unwrap();
        let mut events = vec![raised(kind, 0)];
        let mut case = Case::of(kind, &events).unwrap();
        let (mut doers, mut given, mut measures): (BTreeSet<PersonId>, Vec<Date>, usize) = Default::default();
        for t in turns {
            let before = case.clone();
            let seq = events.len() + 1;
            let e = match t {
                Turn::Act(act, who, sides, of, below) => {
                    let hand = Hand {
                        person: Some(person(who)),
                        sides: sides.iter().copied().collect(),
                        stands_for: of.into_iter().map(person).collect(),
                        below,
                    };
                    let can = case.can(kind, &hand, act.verb().unwrap());
                    let done = case.decide(kind, &hand, &act, ("已经办理", 1), TODAY);
                    prop_assert_eq!(&case, &before, "deciding changes nothing");
                    let Ok(state) = done else {
                        continue;
                    };
                    prop_assert!(can, "what is done was offered");
                    prop_assert!(!sides.is_empty(), "who stands on no side does nothing");
                    match &act {
                        Act::Assigned { owner, co, .. } => doers.extend(owner.iter().chain(co)),
                        Act::Planned { measures, .. } => doers.extend(measures.iter().map(|m| m.owner)),
                        Act::MeasureDone { .. } | Act::Submitted | Act::Reported => { doers.insert(person(who)); }
                        Act::Accepted | Act::Refused | Act::Held => {
                            prop_assert!(!doers.contains(&person(who)), "whoever mended it judges it");
                            prop_assert!(!hand.stands_for.iter().any(|p| doers.contains(p)), "a deputy of theirs judges it");
                            prop_assert!(!below, "somebody below judges it");
                        }
                        Act::Rejected => prop_assert_ne!(who, 0, "the raiser turns it down"),
                        _ => {}
                    }
                    event(seq, act, &state, Some(person(who)))
                }
                Turn::Given => match case.give(kind) {
                    Ok((act, state)) => {
                        if let Act::TimeGiven { until } = act {
                            prop_assert!(before.end.is_none() && until > before.until());
                            given.push(until);
                        }
                        event(seq, act, &state, None)
                    }
                    Err(_) => continue,
                },
                Turn::NotGiven if case.pending.is_some() => event(seq, Act::NotGiven, &case.state, None),
                Turn::LookDue if case.end == Some(End::Solved) => {
                    event(seq, Act::LookDue { no: case.looked + 1, unit: unit(2) }, &case.state, None)
                }
                _ => continue,
            };
            case.apply(kind, &e);
            events.push(e);
            let act = &events.last().unwrap().act;
            prop_assert_eq!(case.due, DUE, "the first day never changes");
            prop_assert_eq!(&case.doers, &doers);
            // Closed only by what closes: accepted, with approval, duplicate, or turned down at the door.
            if case.end != before.end {
                let right = match case.end {
                    None => matches!(act, Act::Reopened { .. }),
                    Some(End::Solved) => {
                        matches!(act, Act::Accepted) && before.stage(kind) == Stage::Check
                    }
                    Some(End::Transferred | End::Explained) => matches!(act, Act::EndGiven { .. }),
                    Some(End::Duplicate) => matches!(act, Act::Duplicate { .. }),
                    Some(End::Rejected) => matches!(act, Act::Rejected) && before.stage(kind) == Stage::Point,
                };
                prop_assert!(right, "{:?} by {:?}", case.end, act);
            }
            prop_assert_eq!(case.end.is_some(), case.stage(kind) == Stage::Closed);
            prop_assert_eq!(case.extensions as usize, given.len());
            // What was done stays done, whatever is planned or opened again.
            prop_assert!(case.done() >= measures);
            measures = case.done();
            // Time: what it spent in its states is all the time there was.
            let spent: i64 = case.spent.values().sum();
            prop_assert_eq!(spent + events.last().unwrap().at.0 - case.since.0, events.last().unwrap().at.0 - events[0].at.0);
        }
        prop_assert_eq!(Case::of(kind, &events).unwrap(), case, "the events are all there is");
    }
}

fn hand(n: u8, side: Side) -> Hand {
    Hand {
        person: Some(person(n)),
        sides: [side].into(),
        stands_for: vec![],
        below: false,
    }
}

#[test]
fn looking_at_a_case_and_reminders_change_no_day_and_no_state() {
    let kinds = kinds();
    let kind = kinds.get("problem").unwrap();
    let mut case = Case::of(kind, &[raised(kind, 0)]).unwrap();
    let before = case.clone();
    for act in [
        Act::Reminded { step: "-5d".into() },
        Act::Escalated {
            step: "+5wd".into(),
        },
        Act::Commented { named: vec![] },
        Act::Recurs { of: Id([9; 16]) },
    ] {
        case.apply(kind, &event(2, act, &before.state, None));
        assert_eq!(case, before);
    }
    assert!(case.is_late(DUE.saturating_add(1.day())) && !case.is_late(DUE));
}

#[test]
fn what_is_missing_is_told_at_its_field() {
    let kinds = kinds();
    let kind = kinds.get("problem").unwrap();
    let mut case = Case::of(kind, &[raised(kind, 0)]).unwrap();
    let assigned = Act::Assigned {
        unit: unit(1),
        owner: Some(person(1)),
        co: vec![],
        supervisor: None,
    };
    let to = case
        .decide(kind, &hand(0, Side::Raiser), &assigned, ("", 0), TODAY)
        .unwrap();
    case.apply(kind, &event(2, assigned, &to, Some(person(0))));
    let told = |case: &Case, act: Act, text: &str| match case.decide(
        kind,
        &hand(1, Side::Owner),
        &act,
        (text, 0),
        TODAY,
    ) {
        Err(Error::Invalid(e)) => format!("{}: {}", e[0].field, e[0].message.key),
        Err(Error::Conflict(m)) => m.key.to_owned(),
        other => format!("{other:?}"),
    };
    let plan = |cause: &str, measures| Act::Planned {
        cause: cause.into(),
        measures,
    };
    assert_eq!(
        told(&case, plan("", vec![]), ""),
        "cause: cases-cause-missing"
    );
    assert_eq!(
        told(&case, plan("职责不清", vec![]), ""),
        "measures: cases-measures-missing"
    );
    assert_eq!(told(&case, Act::Reported, ""), "text: cases-text-missing");
    assert_eq!(told(&case, Act::Submitted, "好了"), "cases-moved-on");
    let wanted = Act::TimeWanted {
        until: DUE,
        approval: Id::NIL,
    };
    assert_eq!(told(&case, wanted, "材料未齐"), "day: cases-time-earlier");
    let planned = plan("职责不清", vec![measure(1, 2)]);
    case.apply(kind, &event(3, planned, "solving", Some(person(1))));
    assert_eq!(told(&case, Act::Submitted, "好了"), "cases-measures-open");
    let tomorrow = TODAY.saturating_add(1.day());
    assert_eq!(
        told(
            &case,
            Act::MeasureDone {
                no: 1,
                on: tomorrow
            },
            ""
        ),
        "day: cases-day-future"
    );
    assert_eq!(
        told(&case, Act::MeasureDone { no: 7, on: TODAY }, ""),
        "cases-measure-done"
    );
    // Whoever only does a measure never judges, on whatever side they stand.
    case.apply(kind, &event(4, Act::Submitted, "checking", Some(person(1))));
    let judged = case.decide(
        kind,
        &hand(2, Side::Supervisor),
        &Act::Accepted,
        ("", 0),
        TODAY,
    );
    assert!(matches!(judged, Err(Error::Conflict(m)) if m.key == "cases-judge-doer"));
    let nobody = Hand {
        person: None,
        ..hand(3, Side::Supervisor)
    };
    assert!(
        case.decide(kind, &nobody, &Act::Accepted, ("", 0), TODAY)
            .is_err()
    );
    assert!(
        case.decide(
            kind,
            &hand(3, Side::Supervisor),
            &Act::Accepted,
            ("", 0),
            TODAY
        )
        .is_ok()
    );
}
