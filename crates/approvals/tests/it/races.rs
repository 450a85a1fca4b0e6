//! Two who decide at once on two nodes.

use approvals::{Asked, Outcome, State};
use kernel::Scope;
use testkit::{on_both, on_postgres};

use crate::house::{MIGRATIONS, asked, by, done, house, key, new, on, p};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_at_once_one_wins_and_the_other_is_told() {
    on_postgres(MIGRATIONS, |t| async move {
        let (here, people) = house(&t);
        let there = on(t.second().await, &t.env, &people);
        let none = Scope::nothing();
        for n in 0..12 {
            let id = here.start(&new(&t, "word", "同"), &by(1)).await.unwrap();
            let (agree, refuse) = (asked("agree", 1, 0), asked("refuse", 1, 0));
            let (two, three) = (by(2), by(3));
            let (a, b) = futures::future::join(
                here.act(id, &agree, &two, &none),
                there.act(id, if n % 2 == 0 { &agree } else { &refuse }, &three, &none),
            )
            .await;
            let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
            won.unwrap();
            let told = key(lost);
            assert!(
                ["approvals-moved-on", "approvals-not-open"].contains(&told),
                "{told}"
            );
            let (_, events, _) = here.approval(id, Some(p(1)), &none).await.unwrap();
            assert_eq!(events.len(), 2, "one decision");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn countersigners_who_agree_at_once_both_count_and_it_is_done_once() {
    on_both(MIGRATIONS, |t| async move {
        let (here, people) = house(&t);
        let there = on(t.second().await, &t.env, &people);
        let none = Scope::nothing();
        for n in 1..=8 {
            let id = here.start(&new(&t, "word", "会"), &by(1)).await.unwrap();
            here.act(id, &asked("agree", 1, 0), &by(2), &none)
                .await
                .unwrap();
            let (agree, five, six) = (asked("agree", 1, 1), by(5), by(6));
            let (a, b) = futures::future::join(
                here.act(id, &agree, &five, &none),
                there.act(id, &agree, &six, &none),
            )
            .await;
            let mut ends = [a.unwrap(), b.unwrap()].map(|o| o == Outcome::Done(State::Applied));
            ends.sort_unstable();
            assert_eq!(ends, [false, true]);
            assert_eq!(done(&t.db).await.len(), n);
        }
    })
    .await;
}

#[tokio::test]
async fn a_delegate_and_a_countersigner_decide_in_the_end() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "word", "转"), &by(1))
            .await
            .unwrap();
        let with = |act: &str, step, other: &str| Asked {
            other: other.into(),
            ..asked(act, 1, step)
        };
        let act = async |who: u8, asked: &Asked| approvals.act(id, asked, &by(who), &none).await;
        assert_eq!(
            key(act(2, &with("delegate", 0, "99")).await),
            "approvals-other-unknown"
        );
        assert_eq!(
            key(act(2, &with("delegate", 0, "1")).await),
            "approvals-other-barred"
        );
        assert_eq!(
            key(act(2, &with("add", 0, "9")).await),
            "approvals-other-barred",
            "it is about them"
        );
        assert_eq!(
            key(act(2, &with("add", 0, "3")).await),
            "approvals-other-there"
        );
        act(2, &with("delegate", 0, "10")).await.unwrap();
        assert_eq!(
            key(act(2, &asked("agree", 1, 0)).await),
            "approvals-not-your-turn"
        );
        act(10, &with("add", 0, "11")).await.unwrap();
        act(10, &asked("agree", 1, 0)).await.unwrap();
        let (a, _, _) = approvals.approval(id, Some(p(11)), &none).await.unwrap();
        assert_eq!(a.case.step, 0, "11 is waited for");
        act(11, &asked("agree", 1, 0)).await.unwrap();
        let (a, events, _) = approvals.approval(id, Some(p(2)), &none).await.unwrap();
        assert_eq!(a.case.step, 1);
        assert_eq!(events[1].other, Some(p(10)));
    })
    .await;
}
