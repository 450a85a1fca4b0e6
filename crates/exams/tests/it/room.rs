//! The room and the door: who sits, what is said to them, what was noticed, what somebody reads before they begin.

use exams::room::{Happened, SILENT, SeatState, Signal, SignalKind};
use exams::{Door, Proof, Shows};
use identity::Actor;
use kernel::{AccountId, Id, Scope, Timestamp};
use testkit::{TestDb, on_both};

use crate::house::{House, choices, given, key, migrations, right};

fn actor(t: &TestDb) -> Actor {
    Actor::from(AccountId(t.env.new_id()))
}

/// Waits until the shared board shows something: it is read once a second for all.
async fn counts(house: &House, wanted: [usize; 4]) {
    let mut board = house.exams.board(house.exam, &Scope::All).await.unwrap();
    let seen = board.wait_for(|board| board.counts() == wanted);
    let seen = tokio::time::timeout(std::time::Duration::from_secs(30), seen);
    assert!(seen.await.is_ok(), "never {wanted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_counts_everybody_once() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let exams = &house.exams;
        counts(&house, [3, 0, 0, 0]).await;
        let one = exams
            .begin(house.exam, &house.tickets[0], "a")
            .await
            .unwrap();
        let two = exams
            .begin(house.exam, &house.tickets[1], "b")
            .await
            .unwrap();
        counts(&house, [1, 2, 0, 0]).await;
        t.clock.advance(SILENT + 1);
        let token = Proof::Token(two.token.clone());
        let told = exams.word(two.attempt, &token, &[], 0).await.unwrap();
        assert_eq!((told.now, told.deadline), (t.env.now(), two.deadline));
        counts(&house, [1, 1, 1, 0]).await;
        exams.submit(two.attempt, &token).await.unwrap();
        counts(&house, [1, 0, 1, 1]).await;
        assert_eq!(
            key(exams.word(two.attempt, &token, &[], 0).await),
            "exam-submitted"
        );
        let seat = exams
            .seat(house.exam, one.attempt, &Scope::All)
            .await
            .unwrap();
        assert_eq!(
            (seat.name.as_str(), seat.state(t.env.now())),
            ("钱一", SeatState::Offline)
        );
        let elsewhere = Scope::Under(vec![]);
        assert_eq!(
            key(exams.board(house.exam, &elsewhere).await.map(drop)),
            "not-found"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_the_room_has_a_reason_and_a_trace() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, all, by) = (&house.exams, Scope::All, actor(&t));
        let begun = exams
            .begin(house.exam, &house.tickets[0], "a")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        let item = choices(&begun.items).next().unwrap();
        exams
            .save(begun.attempt, &token, &[given(item, 1, right(item))])
            .await
            .unwrap();
        let act = async |kind, attempt, seconds, reason: &str| {
            exams
                .in_room(house.exam, (kind, attempt, seconds), reason, &all, &by)
                .await
        };
        let one = Some(begun.attempt);
        assert_eq!(
            key(act(Happened::Extended, one, Some(600), " ").await),
            "exam-room-text"
        );
        for wrong in [None, Some(0), Some(59), Some(86_401)] {
            let refused = act(Happened::Extended, one, wrong, "停电").await;
            assert_eq!(key(refused), "exam-room-minutes");
        }
        assert_eq!(
            act(Happened::Extended, None, Some(600), "全场停电")
                .await
                .unwrap(),
            1
        );
        act(Happened::Extended, one, Some(60), "键盘故障")
            .await
            .unwrap();
        act(Happened::Noted, None, None, "三号机房空调故障")
            .await
            .unwrap();
        let told = exams.word(begun.attempt, &token, &[], 0).await.unwrap();
        assert_eq!(told.deadline.0 - begun.deadline.0, 660 * Timestamp::SECOND);
        let other = house.again(&t).await;
        let strange = exams
            .in_room(
                other.exam,
                (Happened::Unlocked, one, None),
                "换机",
                &all,
                &by,
            )
            .await;
        assert_eq!(key(strange), "not-found", "of another examination");
        act(Happened::Unlocked, one, None, "换机").await.unwrap();
        act(Happened::Collected, one, None, "提前离场")
            .await
            .unwrap();
        let twice = act(Happened::Unlocked, one, None, "换机").await;
        assert_eq!(key(twice), "exam-room-nobody");
        let log = exams.happened(house.exam, None, &all).await.unwrap();
        let kinds: Vec<_> = log.iter().map(|d| d.kind.code()).collect();
        assert_eq!(
            kinds,
            ["collected", "unlocked", "noted", "extended", "extended"]
        );
        assert_eq!(
            exams.happened(house.exam, one, &all).await.unwrap().len(),
            3
        );
        let mut tx = t.db.read().await.unwrap();
        let audited = tx
            .one(
                "SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE action LIKE 'exam.%'
                    AND action NOT IN ('exam.made', 'exam.published', 'exam.tickets-issued')",
                db::args![],
            )
            .await
            .unwrap();
        assert_eq!(audited.get::<i64>(0).unwrap(), 5);
        drop(tx);
        let result = exams.result(begun.attempt, &token).await.unwrap();
        assert_eq!(result.receipt.answered, 1, "what was saved counts");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_reach_everybody_and_are_confirmed_and_never_unconfirmed() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, all, by) = (&house.exams, Scope::All, actor(&t));
        let begun = exams
            .begin(house.exam, &house.tickets[0], "a")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        let word = async |heard| {
            let told = exams.word(begun.attempt, &token, &[], heard).await.unwrap();
            let news = told.news.iter();
            news.map(|n| (n.number, n.text.clone())).collect::<Vec<_>>()
        };
        assert!(word(9).await.is_empty(), "nothing to confirm yet");
        assert_eq!(
            key(exams.announce(house.exam, "\u{7}", &all, &by).await),
            "exam-room-text"
        );
        exams
            .announce(house.exam, "第 3 题改正", &all, &by)
            .await
            .unwrap();
        // Another node announces too; each is heard everywhere once what is known has aged.
        let there = house.on_another(&t).await;
        there
            .announce(house.exam, "延长十分钟", &all, &by)
            .await
            .unwrap();
        t.clock.advance(3);
        assert_eq!(word(1).await.len(), 2);
        word(7).await;
        word(1).await;
        let seat = exams.seat(house.exam, begun.attempt, &all).await.unwrap();
        let mut board = exams.board(house.exam, &all).await.unwrap();
        let heard = board.wait_for(|b| b.seats.iter().any(|s| s.heard == 2));
        let heard = tokio::time::timeout(std::time::Duration::from_secs(30), heard);
        assert!(heard.await.is_ok(), "{seat:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_are_kept_once_and_bounded_and_decide_nothing() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, all) = (&house.exams, Scope::All);
        let begun = exams
            .begin(house.exam, &house.tickets[0], "a")
            .await
            .unwrap();
        let token = Proof::Token(begun.token.clone());
        let now = t.env.now().0;
        let signal = |kind, n: i64| Signal {
            kind,
            amount: n,
            at: Timestamp(now + n * 1_000),
        };
        let some = [
            signal(SignalKind::FocusLost, 12),
            signal(SignalKind::Pasted, 300),
            // Before it began, and far ahead of the clock.
            signal(SignalKind::Pasted, -9_000_000),
            signal(SignalKind::Pasted, 9_000_000),
        ];
        for _ in 0..2 {
            exams.word(begun.attempt, &token, &some, 0).await.unwrap();
        }
        let kept = exams
            .noticed(house.exam, begun.attempt, &all)
            .await
            .unwrap();
        assert_eq!(kept, some[..2]);
        for batch in 0..30 {
            let many: Vec<Signal> = (0..60)
                .map(|n| signal(SignalKind::FocusLost, 1_000 + batch * 60 + n))
                .collect();
            exams.word(begun.attempt, &token, &many, 0).await.unwrap();
        }
        let kept = exams.noticed(house.exam, begun.attempt, &all).await;
        assert_eq!(kept.unwrap().len(), 500);
        // Another device is noticed by the server itself.
        let second = exams
            .begin(house.exam, &house.tickets[1], "b")
            .await
            .unwrap();
        let other = exams.begin(house.exam, &house.tickets[1], "c").await;
        assert_eq!(key(other), "exam-other-device");
        let kept = exams
            .noticed(house.exam, second.attempt, &all)
            .await
            .unwrap();
        assert_eq!(kept[0].kind, SignalKind::OtherDevice);
        exams.submit(begun.attempt, &token).await.unwrap();
        let result = exams.result(begun.attempt, &token).await.unwrap();
        assert_eq!(result.correct, Some((0, 0)), "as if there were none");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_says_how_somebody_stands() {
    on_both(&migrations(), async |t| {
        let house = House::with(&t, |terms| {
            terms.opens = Timestamp(terms.opens.0 + 600 * Timestamp::SECOND);
            terms.late = Some(900);
            terms.shows = Shows::ByHand;
        })
        .await;
        let exams = &house.exams;
        let Proof::Ticket(code) = &house.tickets[0] else {
            unreachable!()
        };
        let about = exams
            .by_ticket(&code.to_lowercase().replace('-', " "))
            .await
            .unwrap();
        assert_eq!((about.door, about.items), (Door::Before, 6));
        assert_eq!((about.name.as_str(), about.exam.id), ("钱一", house.exam));
        assert_eq!(
            key(exams.by_ticket("0000-0000-0000-0000").await),
            "not-found"
        );
        assert_eq!(key(exams.by_ticket("钱一").await), "not-found");
        let door = async || {
            let about = exams.about(house.exam, &house.tickets[0]).await.unwrap();
            (about.door, about.attempts)
        };
        t.clock.advance(600);
        assert_eq!(door().await, (Door::Open, (1, 0)));
        let begun = exams
            .begin(house.exam, &house.tickets[0], "a")
            .await
            .unwrap();
        assert_eq!(door().await, (Door::Running, (1, 1)));
        let token = Proof::Token(begun.token.clone());
        exams.submit(begun.attempt, &token).await.unwrap();
        assert_eq!(door().await, (Door::Used, (1, 1)));
        t.clock.advance(900);
        let late = exams.about(house.exam, &house.tickets[1]).await.unwrap();
        assert_eq!(late.door, Door::Closed);
        let nobody = Proof::Person(kernel::PersonId(t.env.new_id()));
        assert_eq!(key(exams.about(house.exam, &nobody).await), "not-found");
        assert_eq!(
            key(exams.about(Id::NIL, &house.tickets[0]).await),
            "not-found"
        );
        // A picture that is not on the paper, or for whose attempt it is not.
        let hash = "0".repeat(64);
        assert_eq!(
            key(exams.picture(begun.attempt, &token, &hash).await),
            "not-found"
        );
        assert_eq!(
            key(exams.picture(begun.attempt, &house.tickets[1], &hash).await),
            "not-found"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_result_is_shown_as_it_was_seen_and_to_nobody_else() {
    on_both(&migrations(), async |t| {
        let house = House::new(&t).await;
        let (exams, all) = (&house.exams, Scope::All);
        let (me, other) = (
            kernel::PersonId(t.env.new_id()),
            kernel::PersonId(t.env.new_id()),
        );
        exams
            .admit(house.exam, &[(me, house.unit)], &all, house.by)
            .await
            .unwrap();
        let proof = Proof::Person(me);
        assert_eq!(exams.mine(me).await.unwrap()[0].door, Door::Open);
        assert!(exams.mine(other).await.unwrap().is_empty());
        let begun = exams.begin(house.exam, &proof, "a").await.unwrap();
        let token = Proof::Token(begun.token.clone());
        let items: Vec<_> = choices(&begun.items).cloned().collect();
        let answers: Vec<_> = items
            .iter()
            .map(|item| given(item, 1, right(item)))
            .collect();
        exams
            .save(begun.attempt, &token, &answers[..3])
            .await
            .unwrap();
        let early = exams.outturn(begun.attempt, me).await.map(drop);
        assert_eq!(key(early), "exam-not-submitted");
        exams.submit(begun.attempt, &token).await.unwrap();
        let out = exams.outturn(begun.attempt, me).await.unwrap();
        assert_eq!(out.result, Some((6_000, 30_000, 3, 0)));
        assert_eq!(out.items.len(), 6);
        for item in &out.items[..5] {
            let questions::Key::Choices(key) = &item.key else {
                panic!("{item:?}")
            };
            let seen = &items[item.number - 1];
            assert_eq!(key.to_string(), right(seen), "in letters as they were seen");
            let options = seen["options"].as_array().unwrap();
            assert!(options.iter().zip(&item.seen.options).all(|(a, b)| a == b));
        }
        assert_eq!(
            key(exams.outturn(begun.attempt, other).await.map(drop)),
            "not-found"
        );
        assert_eq!(exams.mine(me).await.unwrap()[0].door, Door::Used);
    })
    .await;
}
