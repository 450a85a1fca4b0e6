//! The state machine under random acts, against what was agreed as the test remembers it.

use std::collections::{HashMap, HashSet};

use approvals::{Act, Case, Mode, Next, Route, State, Step, TaskState, Who};
use commons::packs::Name;
use kernel::{Id, PersonId};
use proptest::prelude::*;

pub(crate) fn person(n: u8) -> PersonId {
    PersonId(Id([n; 16]))
}

pub(crate) fn step(mode: Mode) -> Step {
    Step {
        name: Name {
            zh: "步骤".into(),
            en: "Step".into(),
        },
        who: Who::Role("leader".into()),
        at: approvals::At::Nearest,
        mode,
        days: None,
        overdue: approvals::Overdue::Remind,
        delegate: true,
        signature: false,
    }
}

pub(crate) fn route(steps: Vec<Step>) -> Route {
    Route {
        kind: "x".into(),
        from: "2026-01-01".into(),
        own: false,
        four_eyes: true,
        steps,
    }
}

/// Who asked, and whom it is about.
const APPLICANT: u8 = 0;
const SUBJECT: u8 = 1;
/// Everybody.
const PEOPLE: u8 = 9;

#[derive(Debug, Clone)]
enum Doing {
    Act(u8, u8, u8, u8),
    Resubmit(u8),
    PassOn(Vec<u8>),
}

fn doing() -> impl Strategy<Value = Doing> {
    let p = 0..PEOPLE;
    prop_oneof![
        12 => (p.clone(), p.clone(), 0u8..12, p.clone()).prop_map(|(a, b, c, d)| Doing::Act(a, b, c, d)),
        1 => p.clone().prop_map(Doing::Resubmit),
        1 => proptest::collection::vec(p, 0..3).prop_map(Doing::PassOn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_applied_twice_or_without_all_who_must_agree(
        steps in proptest::collection::vec((any::<bool>(), proptest::collection::hash_set(0..PEOPLE, 1..5)), 1..4),
        acts in proptest::collection::vec(doing(), 1..80),
    ) {
        let modes = steps.iter().map(|(all, _)| step(if *all { Mode::All } else { Mode::Any }));
        let mut case = Case::new(person(APPLICANT), Some(person(SUBJECT)), route(modes.collect()));
        let of_step = |n: usize| -> Vec<PersonId> { steps[n].1.iter().map(|p| person(*p)).collect() };
        if case.begin(&of_step(0)).is_err() {
            prop_assert!(steps[0].1.iter().all(|p| *p <= SUBJECT));
            return Ok(());
        }
        let mut applied = 0;
        // Who agreed, by round and step, as this test saw it.
        let mut agreed: HashMap<(i64, usize), Vec<(PersonId, PersonId)>> = HashMap::new();
        for doing in acts {
            let before = case.clone();
            let at = (case.round, case.step);
            match doing {
                Doing::Resubmit(who) => {
                    if case.resubmit(person(who)).is_ok() {
                        prop_assert_eq!((before.state, who), (State::Returned, APPLICANT));
                        case.begin(&of_step(0)).unwrap();
                    } else {
                        prop_assert_eq!(&case, &before);
                    }
                }
                Doing::PassOn(people) => {
                    let people: Vec<PersonId> = people.into_iter().map(person).collect();
                    if !case.pass_on(&people) {
                        prop_assert_eq!(&case, &before);
                    }
                }
                Doing::Act(me, of, what, other) => {
                    let (me, of, other) = (person(me), person(of), person(other));
                    let act = match what {
                        0..=5 => Act::Agree,
                        6 => Act::Return,
                        7 => Act::Refuse,
                        8 => Act::Delegate(other),
                        9 => Act::Add(other),
                        10 => Act::Withdraw,
                        _ => Act::Remind,
                    };
                    match case.act(me, of, act) {
                        Err(_) => prop_assert_eq!(&case, &before, "a refused act changes nothing"),
                        Ok(next) => {
                            if !matches!(act, Act::Withdraw | Act::Remind) {
                                prop_assert!(me != person(APPLICANT) && me != person(SUBJECT));
                            }
                            if act == Act::Agree {
                                agreed.entry(at).or_default().push((me, of));
                            }
                            match next {
                                Next::Step if case.begin(&of_step(case.step)).is_err() => {
                                    // The engine rolls this back; so does the test.
                                    case = before;
                                    agreed.get_mut(&at).unwrap().pop();
                                }
                                Next::Apply => {
                                    applied += 1;
                                    case.applied();
                                }
                                _ => {}
                            }
                        }
                    }
                }
            }
            prop_assert!(applied <= 1);
            prop_assert_eq!(applied == 1, case.state == State::Applied);
            prop_assert_eq!(case.state == State::Open, case.waiting().next().is_some(), "somebody's turn while open");
            for task in &case.tasks {
                let who = [Some(task.person), task.done_by];
                prop_assert!(!who.contains(&Some(person(APPLICANT))) && !who.contains(&Some(person(SUBJECT))));
            }
        }
        if case.state == State::Applied {
            let mut seen = HashSet::new();
            for n in 0..steps.len() {
                let here = agreed.get(&(case.round, n)).cloned().unwrap_or_default();
                prop_assert!(!here.is_empty(), "every step was agreed to");
                for (me, _) in &here {
                    prop_assert!(seen.insert(*me), "nobody decides twice in a round");
                }
                // Whoever must agree, and was not replaced, did.
                let parts = case.tasks.iter().filter(|t| t.step == n && t.must && t.state != TaskState::Passed);
                for part in parts {
                    prop_assert!(here.iter().any(|(_, of)| *of == part.person), "{part:?}");
                }
            }
        }
    }
}

#[test]
fn a_countersigner_is_waited_for_and_a_delegate_stands_in() {
    let [a, b, c] = [2, 3, 4].map(person);
    let mut case = Case::new(person(APPLICANT), None, route(vec![step(Mode::Any)]));
    case.begin(&[a, b, person(APPLICANT)]).unwrap();
    assert_eq!(case.waiting().collect::<Vec<_>>(), [a, b], "not who asked");
    assert_eq!(case.act(a, a, Act::Add(c)).unwrap(), Next::Stays);
    assert_eq!(
        case.act(a, a, Act::Agree).unwrap(),
        Next::Stays,
        "c is waited for"
    );
    case.act(a, a, Act::Agree).unwrap_err();
    case.act(c, c, Act::Delegate(a)).unwrap_err();
    let d = person(5);
    assert_eq!(case.act(c, c, Act::Delegate(d)).unwrap(), Next::Stays);
    case.act(c, c, Act::Agree).unwrap_err();
    assert_eq!(case.act(d, d, Act::Agree).unwrap(), Next::Apply);
}

#[test]
fn a_deputy_counts_once() {
    let [a, b, deputy] = [2, 3, 4].map(person);
    let mut case = Case::new(person(APPLICANT), None, route(vec![step(Mode::All)]));
    case.begin(&[a, b]).unwrap();
    assert_eq!(case.turn(deputy, &[b]), Some(b));
    assert_eq!(
        case.turn(person(APPLICANT), &[b]),
        None,
        "who asked decides for nobody"
    );
    assert_eq!(case.act(deputy, a, Act::Agree).unwrap(), Next::Stays);
    case.act(deputy, b, Act::Agree).unwrap_err();
    assert_eq!(case.act(b, b, Act::Agree).unwrap(), Next::Apply);
}
