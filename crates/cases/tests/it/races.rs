//! Two who act at once on two nodes.

use cases::{Act, End};
use futures::future::join;
use testkit::on_postgres;

use crate::house::{House, migrations, refused};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_close_at_once_one_wins_and_the_other_is_told() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.node(&t).await;
        for n in 0..8 {
            let id = here.submitted("窗口排队过长").await;
            let other = if n % 2 == 0 {
                Act::Accepted
            } else {
                Act::Refused
            };
            let (a, b) = join(
                here.act(id, Act::Accepted, here.supervisor),
                there.act(id, other, there.second),
            )
            .await;
            let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
            won.unwrap();
            assert_eq!(refused(lost)[0].1, "cases-moved-on");
            let w = here.whole(id).await;
            assert_eq!(w.events.len(), 7, "one act");
            let accepted = here
                .facts(id)
                .await
                .iter()
                .filter(|f| f.0 == "case-accepted")
                .count();
            assert_eq!(accepted, usize::from(w.matter.end == Some(End::Solved)));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_given_at_once_have_no_hole_and_no_twin() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.node(&t).await;
        let raise = |h: House| async move {
            let mut numbers = Vec::new();
            for _ in 0..10 {
                let id = h.raise(&h.problem("窗口排队过长")).await.unwrap();
                numbers.push(h.whole(id).await.matter.number);
            }
            numbers
        };
        let (a, b) = join(raise(here.clone()), raise(there)).await;
        let mut all = [a, b].concat();
        all.sort();
        let wanted: Vec<String> = (1..=20).map(|n| format!("ZG-2026-{n:04}")).collect();
        assert_eq!(all, wanted);
    })
    .await;
}
