//! One examinee, from the beginning to the result.

use exams::{Proof, Shows};
use kernel::{Id, Scope, Timestamp};
use serde_json::json;
use testkit::on_both;

use crate::house::{House, choices, given, key, migrations, right};

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_kept_gone_on_with_marked_and_the_receipt_holds() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, ticket) = (&house.exams, &house.tickets[0]);
        let begun = exams.begin(house.exam, ticket, "hall-1").await.unwrap();
        assert_eq!((begun.number, begun.items.len()), (1, 6));
        let text = serde_json::to_string(&begun.items).unwrap();
        assert!(
            !text.contains("key") && !text.contains("explanation"),
            "{text}"
        );
        let token = Proof::Token(begun.token.clone());
        let items: Vec<_> = choices(&begun.items).cloned().collect();
        for (n, item) in items.iter().enumerate() {
            let answer = [given(item, n as i64 + 1, right(item))];
            let saved = exams.save(begun.attempt, &token, &answer).await;
            let (saved, deadline) = saved.unwrap();
            assert_eq!(saved[0].1, n as i64 + 1);
            assert_eq!(deadline, begun.deadline);
        }
        // What comes late from before changes nothing; what is sent again neither.
        let wrong = if right(&items[0]) == "A" { "B" } else { "A" };
        exams
            .save(begun.attempt, &token, &[given(&items[0], 9, wrong)])
            .await
            .unwrap();
        exams
            .save(
                begun.attempt,
                &token,
                &[given(&items[0], 4, right(&items[0]))],
            )
            .await
            .unwrap();
        exams
            .save(begun.attempt, &token, &[given(&items[0], 9, wrong)])
            .await
            .unwrap();
        // On the same device one goes on, with everything there and seen as before.
        let again = exams.begin(house.exam, ticket, "hall-1").await.unwrap();
        assert_eq!(
            (again.attempt, again.deadline),
            (begun.attempt, begun.deadline)
        );
        for (before, now) in items.iter().zip(choices(&again.items)) {
            assert_eq!(before["options"], now["options"]);
            assert_eq!(before["item"], now["item"]);
        }
        let first = choices(&again.items).next().unwrap();
        assert_eq!((&first["value"], &first["seq"]), (&json!(wrong), &json!(9)));

        let unfinished = exams.result(begun.attempt, &token).await;
        assert_eq!(key(unfinished), "exam-not-submitted");
        let receipt = exams.submit(begun.attempt, &token).await.unwrap();
        assert_eq!(receipt.answered, 5);
        assert_eq!(
            exams.submit(begun.attempt, &token).await.unwrap(),
            receipt,
            "once"
        );
        let late = exams
            .save(begun.attempt, &token, &[given(&items[0], 10, "A")])
            .await;
        assert_eq!(key(late), "exam-submitted");
        assert!(
            exams
                .check_receipt(begun.attempt, &receipt.hash.to_uppercase())
                .await
                .unwrap()
        );
        assert!(
            !exams
                .check_receipt(begun.attempt, &"0".repeat(64))
                .await
                .unwrap()
        );
        let result = exams.result(begun.attempt, ticket).await.unwrap();
        assert_eq!(result.points, Some((8_000, 30_000, Some(true))));
        assert_eq!(result.correct, Some((4, 0)));
        assert_eq!(
            key(exams.begin(house.exam, ticket, "hall-1").await),
            "exam-attempts-used"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_proves_nothing_finds_nothing() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let exams = &house.exams;
        let begun = exams
            .begin(house.exam, &house.tickets[0], "")
            .await
            .unwrap();
        let other = exams
            .begin(house.exam, &house.tickets[1], "")
            .await
            .unwrap();
        let item = choices(&begun.items).next().unwrap();
        let answer = [given(item, 1, "A")];
        for proof in [
            house.tickets[1].clone(),
            Proof::Token(other.token.clone()),
            Proof::Token("x".into()),
            Proof::Ticket("0000-0000-0000-0000".into()),
            Proof::Person(kernel::PersonId(t.env.new_id())),
        ] {
            assert_eq!(
                key(exams.save(begun.attempt, &proof, &answer).await),
                "not-found"
            );
            assert_eq!(key(exams.submit(begun.attempt, &proof).await), "not-found");
            assert_eq!(key(exams.result(begun.attempt, &proof).await), "not-found");
        }
        let forged = Proof::Ticket("0000-0000-0000-0000".into());
        assert_eq!(key(exams.begin(house.exam, &forged, "").await), "not-found");
        assert_eq!(
            key(exams.begin(Id::NIL, &house.tickets[0], "").await),
            "not-found"
        );
        // Of another paper, of no shape, of too many letters, too long.
        let token = Proof::Token(begun.token.clone());
        let save = async |item: u16, value: serde_json::Value| {
            let given = exams::Given {
                item,
                seq: 1,
                value,
                at: None,
            };
            key(exams.save(begun.attempt, &token, &[given]).await)
        };
        assert_eq!(save(99, json!("A")).await, "exam-item-unknown");
        let number = u16::try_from(item["item"].as_u64().unwrap()).unwrap();
        assert_eq!(save(number, json!("E")).await, "answer-outside");
        assert_eq!(
            save(number, json!("AB")).await,
            "answer-single-with-several"
        );
        assert_eq!(
            save(number, json!({ "x": 1 })).await,
            "answer-of-another-question"
        );
        assert_eq!(save(6, json!("字".repeat(5_001))).await, "answer-too-long");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_the_server_ends_it_and_grace_takes_what_was_given_in_time() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let exams = &house.exams;
        let begun = exams
            .begin(house.exam, &house.tickets[0], "")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        let item = choices(&begun.items).next().unwrap();
        let stamped = |seq, at: i64| exams::Given {
            at: Some(at),
            ..given(item, seq, right(item))
        };
        t.clock.advance(3_601);
        assert_eq!(exams.sweep().await.unwrap(), 0, "not within the grace");
        let end = begun.deadline.0;
        let after = exams
            .save(begun.attempt, &token, &[stamped(1, end + 1)])
            .await;
        assert_eq!(key(after), "exam-time-over");
        exams
            .save(begun.attempt, &token, &[stamped(2, end - 1)])
            .await
            .unwrap();
        // A clock that is hours off helps nobody beyond the grace.
        t.clock.advance(120);
        let hours = 5 * 3_600 * Timestamp::SECOND;
        let off = exams
            .save(begun.attempt, &token, &[stamped(3, end - hours)])
            .await;
        assert_eq!(key(off), "exam-time-over");
        assert_eq!(exams.sweep().await.unwrap(), 1);
        assert_eq!(exams.sweep().await.unwrap(), 0);
        let result = exams.result(begun.attempt, &token).await.unwrap();
        assert_eq!(result.points, Some((2_000, 30_000, Some(false))));
        assert_eq!(
            exams.submit(begun.attempt, &token).await.unwrap(),
            result.receipt
        );
        // Who comes now is too late for an hour, but not for the window.
        exams
            .begin(house.exam, &house.tickets[1], "")
            .await
            .unwrap();
        t.clock.advance(3_600);
        assert_eq!(
            key(exams.begin(house.exam, &house.tickets[2], "").await),
            "exam-closed"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_waits_for_an_invigilator_who_may_also_give_time() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, ticket) = (&house.exams, &house.tickets[0]);
        let begun = exams.begin(house.exam, ticket, "phone").await.unwrap();
        let phone = Proof::Token(begun.token.clone());
        let item = choices(&begun.items).next().unwrap();
        exams
            .save(begun.attempt, &phone, &[given(item, 1, "A")])
            .await
            .unwrap();
        assert_eq!(
            key(exams.begin(house.exam, ticket, "desk").await),
            "exam-other-device"
        );
        // A ticket alone does not speak for the device that is bound.
        let bare = exams
            .save(begun.attempt, ticket, &[given(item, 2, "B")])
            .await;
        assert_eq!(key(bare), "exam-other-device");
        exams
            .unlock(house.exam, begun.attempt, &Scope::All)
            .await
            .unwrap();
        let shut_out = exams
            .save(begun.attempt, &phone, &[given(item, 3, "C")])
            .await;
        assert_eq!(key(shut_out), "exam-other-device");
        let desk = exams.begin(house.exam, ticket, "desk").await.unwrap();
        assert_eq!(desk.attempt, begun.attempt);
        assert_eq!(choices(&desk.items).next().unwrap()["value"], "A");
        assert_eq!(
            key(exams.begin(house.exam, ticket, "phone").await),
            "exam-other-device"
        );
        let now = Proof::Token(desk.token.clone());
        let changed = exams
            .extend(house.exam, None, 600, &Scope::All)
            .await
            .unwrap();
        assert_eq!(changed, 1);
        let (_, deadline) = exams
            .save(begun.attempt, &now, &[given(item, 4, "D")])
            .await
            .unwrap();
        assert_eq!(deadline.0 - begun.deadline.0, 600 * Timestamp::SECOND);
        assert_eq!(
            key(exams.submit(begun.attempt, &phone).await),
            "exam-other-device"
        );
        exams.submit(begun.attempt, &now).await.unwrap();
        let elsewhere = Scope::Under(vec![]);
        assert_eq!(
            key(exams.extend(house.exam, None, 60, &elsewhere).await),
            "not-found"
        );
        assert_eq!(
            key(exams.unlock(house.exam, begun.attempt, &elsewhere).await),
            "not-found"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_shown_when_the_rules_say_so_and_a_cancelled_one_begins_no_more() {
    on_both(&migrations(), async |t| {
        let house = House::with(&t, |terms| terms.shows = Shows::AfterClose).await;
        let exams = &house.exams;
        let begun = exams
            .begin(house.exam, &house.tickets[0], "")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        exams.submit(begun.attempt, &token).await.unwrap();
        assert_eq!(
            exams.result(begun.attempt, &token).await.unwrap().points,
            None
        );
        t.clock.advance(7_200 + 121);
        let shown = exams.result(begun.attempt, &token).await.unwrap();
        assert_eq!(shown.points, Some((0, 30_000, Some(false))));
        let house = house.again(&t).await;
        house
            .exams
            .cancel(house.exam, &Scope::All, house.by)
            .await
            .unwrap();
        let refused = house.exams.begin(house.exam, &house.tickets[0], "").await;
        assert_eq!(key(refused), "exam-not-published");
        assert_eq!(
            key(house.exams.publish(house.exam, &Scope::All, house.by).await),
            "exam-stage"
        );
    })
    .await;
}
