//! Two who act at once on two nodes.

use futures::future::join;
use requests::{Act, State};
use testkit::on_postgres;

use crate::house::{House, migrations, refused};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_act_at_once_one_wins_and_the_other_is_told() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.second(&t).await;
        for n in 0..12 {
            let id = here.ask(&here.task("报送整改情况")).await.unwrap();
            let (one, two) = match n % 3 {
                0 => (Act::Accept, Act::Accept),
                1 => (Act::Answer, Act::Decline),
                _ => (Act::Answer, Act::Answer),
            };
            let (a, b) = join(
                here.act(id, one, here.worker),
                there.act(id, two, there.worker),
            )
            .await;
            let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
            won.unwrap();
            let told = refused(lost)[0].1;
            assert!(
                ["requests-moved-on", "requests-ended"].contains(&told),
                "{told}"
            );
            assert_eq!(
                here.seen(id, here.asker).await.unwrap().1.len(),
                2,
                "one act"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_and_its_withdrawal_at_once_leave_one_end() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.second(&t).await;
        for _ in 0..8 {
            let id = here.ask(&here.task("报送整改情况")).await.unwrap();
            here.act(id, Act::Answer, here.worker).await.unwrap();
            let (a, b) = join(
                here.act(id, Act::Confirm, here.asker),
                there.act(id, Act::Withdraw, there.other),
            )
            .await;
            assert!(a.is_ok() != b.is_ok());
            let state = here.seen(id, here.asker).await.unwrap().0.case.state;
            assert_eq!(state == State::Confirmed, a.is_ok());
        }
    })
    .await;
}
