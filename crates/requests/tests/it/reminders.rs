//! Reminders by the clock: told once each, whoever runs, and no more once it is answered.

use futures::future::join;
use kernel::Scope;
use organization::{BodyKinds, By, NewTie, RESPONSIBILITY};
use requests::Act;
use testkit::{on_both, on_postgres};

use crate::house::{House, migrations};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn who_was_asked_is_reminded_and_who_is_in_charge_told() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        // The second asker is in charge of the first office.
        let tie = NewTie {
            kind: RESPONSIBILITY.into(),
            staff_no: "2".into(),
            end: "O1".into(),
            ..NewTie::default()
        };
        let kinds = BodyKinds::default();
        let made = h
            .org
            .tie(&kinds, &tie, t.env.today(), By::default(), &Scope::All);
        made.await.unwrap();
        // Due on Friday the 27th: reminded on the 24th, the 27th, Monday the 30th, told on on Friday the 4th.
        let id = h.ask(&h.task("报送整改情况")).await.unwrap();
        let answered = h.ask(&h.task("已办的")).await.unwrap();
        h.act(answered, Act::Answer, h.worker).await.unwrap();
        for day in 0..16 {
            assert_eq!(
                h.requests.remind().await.unwrap() > 0,
                [4, 7, 10, 14].contains(&day),
                "{day}"
            );
            assert_eq!(h.requests.remind().await.unwrap(), 0, "nothing twice");
            t.clock.advance(DAY);
        }
        let told = h.told(h.worker).await;
        assert_eq!(
            told,
            [
                "requests-notice-asked",
                "requests-notice-asked",
                "requests-notice-due",
                "requests-notice-due",
                "requests-notice-late",
            ]
        );
        for who in [h.asker, h.other] {
            assert!(
                h.told(who)
                    .await
                    .contains(&"requests-notice-escalated".into())
            );
        }
        let (r, events) = h.seen(id, h.worker).await.unwrap();
        assert_eq!(
            events,
            ["asked", "reminded", "reminded", "reminded", "escalated"]
        );
        assert!(r.case.is_late(t.env.today()));
        let due =
            notices::CalendarSource::events(&h.requests, h.worker.person, r.case.due, r.case.due);
        assert_eq!(
            due.await.unwrap().len(),
            0,
            "a unit's is in nobody's calendar"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_remind_once() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.second(&t).await;
        for _ in 0..4 {
            here.ask(&here.task("报送整改情况")).await.unwrap();
        }
        t.clock.advance(4 * DAY);
        let (a, b) = join(here.requests.remind(), there.requests.remind()).await;
        assert_eq!(a.unwrap() + b.unwrap(), 4);
        let told = here.told(here.worker).await;
        let reminded = told.iter().filter(|k| *k == "requests-notice-due");
        assert_eq!(reminded.count(), 4);
    })
    .await;
}
