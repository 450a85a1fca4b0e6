//! The state machine under random acts, against what was done as the test remembers it.

use jiff::ToSpan;
use kernel::{AccountId, Date, Error, Id};
use proptest::prelude::*;
use requests::{Act, Case, Hand, State};

const DUE: Date = Date::constant(2026, 12, 1);

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Accept),
        1 => Just(Act::Decline),
        4 => Just(Act::Answer),
        3 => (-5i64..40).prop_map(|n| Act::WantTime(DUE.saturating_add(n.days()))),
        2 => Just(Act::GiveTime),
        1 => Just(Act::RefuseTime),
        3 => Just(Act::Confirm),
        4 => Just(Act::SendBack),
        1 => Just(Act::Withdraw),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_once_the_day_never_changes_and_only_who_may_acts(
        acts in proptest::collection::vec((0u8..4, any::<bool>(), any::<bool>(), act()), 1..60),
    ) {
        let mut case = Case::new(DUE);
        let mut ends = 0;
        let mut answered_by = None;
        let mut granted: Option<Date> = None;
        for (who, asks, answers, act) in acts {
            let hand = Hand { account: AccountId(Id([who; 16])), asks, answers };
            let before = case.clone();
            let may = case.may(hand, act);
            let done = case.act(hand, act);
            prop_assert_eq!(may, done.is_ok());
            prop_assert_eq!(case.due, DUE);
            let side = if act.is_of_asked() { answers } else { asks };
            if !side {
                prop_assert!(matches!(done, Err(Error::Forbidden)));
            }
            if done.is_err() {
                prop_assert_eq!(&case, &before, "what is refused changes nothing");
                continue;
            }
            prop_assert!(!before.state.is_final(), "nothing happens after the end");
            ends += usize::from(case.state.is_final());
            match act {
                Act::Answer => answered_by = Some(hand.account),
                Act::Confirm => {
                    prop_assert_eq!(before.state, State::Answered);
                    prop_assert_ne!(answered_by, Some(hand.account), "nobody confirms their own answer");
                }
                Act::GiveTime => {
                    prop_assert_eq!(case.extended, before.wanted);
                    granted = case.extended;
                }
                Act::WantTime(day) => prop_assert!(day > before.until()),
                _ => {}
            }
            // More time is what was given, and only grows.
            prop_assert_eq!(case.extended, granted);
            prop_assert!(case.until() >= before.until());
            prop_assert!(case.wanted.is_none() || case.state.is_open());
        }
        prop_assert!(ends <= 1);
    }
}

#[test]
fn it_is_late_only_while_an_answer_is_owed() {
    let both = Hand {
        account: AccountId(Id([1; 16])),
        asks: true,
        answers: true,
    };
    let day = |n: i64| DUE.saturating_add(n.days());
    let mut case = Case::new(DUE);
    assert!(!case.is_late(DUE) && case.is_late(day(1)));
    case.act(both, Act::WantTime(day(3))).unwrap();
    assert!(case.is_late(day(1)), "asking for time is no time");
    case.act(both, Act::GiveTime).unwrap();
    assert!(!case.is_late(day(3)) && case.is_late(day(4)));
    case.act(both, Act::Answer).unwrap();
    assert!(!case.is_late(day(9)));
    case.act(both, Act::SendBack).unwrap();
    assert!(case.is_late(day(4)), "sent back it is owed again");
}
