//! Asking, deciding, applying, on both engines.

use approvals::{Asked, Outcome, State, Tab};
use kernel::{Msg, Scope};
use notices::Reader;
use testkit::on_both;

use crate::house::{MIGRATIONS, OFFICE, TOP, asked, by, done, house, key, new, p};

#[tokio::test]
async fn it_goes_along_its_route_and_is_done_once() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, house) = house(&t);
        let none = Scope::nothing();
        let ask = new(&t, "word", "甲");
        let id = approvals.start(&ask, &by(1)).await.unwrap();
        assert_eq!(
            approvals.start(&ask, &by(1)).await.unwrap(),
            id,
            "sent twice, asked for once"
        );
        assert_eq!(
            key(approvals.start(&ask, &by(2)).await),
            "approvals-id-taken"
        );
        let act = async |who: u8, asked: &Asked| approvals.act(id, asked, &by(who), &none).await;
        let (a, _, turn) = approvals.approval(id, Some(p(2)), &none).await.unwrap();
        assert_eq!(turn, Some(p(2)));
        assert_eq!(
            a.case.waiting().collect::<Vec<_>>(),
            [p(2), p(3)],
            "not who asked, although a leader"
        );
        assert_eq!(
            a.due.unwrap().to_string(),
            "2026-11-24",
            "two working days after a Friday"
        );
        assert!(a.intact);

        // Who has no part in it sees nothing; a reader of the unit sees it, and cannot decide.
        assert_eq!(
            key(approvals.approval(id, Some(p(7)), &none).await),
            "not-found"
        );
        assert_eq!(key(act(7, &asked("agree", 1, 0)).await), "not-found");
        let office = Scope::Under(vec![OFFICE]);
        approvals.approval(id, Some(p(7)), &office).await.unwrap();
        let theirs = approvals
            .act(id, &asked("agree", 1, 0), &by(7), &office)
            .await;
        assert_eq!(key(theirs), "approvals-not-your-turn");
        assert_eq!(key(act(1, &asked("agree", 1, 0)).await), "approvals-own");
        assert_eq!(
            key(act(2, &asked("agree", 1, 1)).await),
            "approvals-moved-on"
        );
        let mute = Asked {
            reason: " ".into(),
            ..asked("refuse", 1, 0)
        };
        assert_eq!(key(act(2, &mute).await), "approvals-reason-missing");

        assert_eq!(
            act(2, &asked("agree", 1, 0)).await.unwrap(),
            Outcome::Done(State::Open)
        );
        assert_eq!(
            key(act(3, &asked("agree", 1, 0)).await),
            "approvals-moved-on"
        );
        let (a, _, _) = approvals.approval(id, Some(p(5)), &none).await.unwrap();
        assert_eq!(
            a.case.waiting().collect::<Vec<_>>(),
            [p(5), p(6)],
            "2 has decided before"
        );
        act(5, &asked("agree", 1, 1)).await.unwrap();
        assert!(done(&t.db).await.is_empty());
        assert_eq!(
            act(6, &asked("agree", 1, 1)).await.unwrap(),
            Outcome::Done(State::Applied)
        );
        assert_eq!(done(&t.db).await, ["甲"]);
        assert_eq!(
            key(act(6, &asked("agree", 1, 1)).await),
            "approvals-not-open"
        );
        assert_eq!(
            key(act(1, &asked("withdraw", 0, 0)).await),
            "approvals-not-open"
        );

        let (_, events, _) = approvals.approval(id, Some(p(1)), &none).await.unwrap();
        let acts: Vec<(i64, &str)> = events.iter().map(|e| (e.seq, e.act.as_str())).collect();
        assert_eq!(
            acts,
            [
                (1, "sent"),
                (2, "agreed"),
                (3, "agreed"),
                (4, "agreed"),
                (5, "applied")
            ]
        );
        let deeds = house.deeds.lock().unwrap().clone();
        assert_eq!(deeds.iter().filter(|d| **d == "approval.agreed").count(), 3);
        assert_eq!(deeds.last(), Some(&"approval.applied"));
    })
    .await;
}

#[tokio::test]
async fn it_is_returned_mended_refused_or_withdrawn() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "word", "旧"), &by(1))
            .await
            .unwrap();
        let act = async |who: u8, asked: &Asked| approvals.act(id, asked, &by(who), &none).await;
        let mended = serde_json::json!({ "word": "新" });
        assert_eq!(
            key(approvals.resubmit(id, &mended, &by(1)).await),
            "approvals-not-returned"
        );
        act(3, &asked("return", 1, 0)).await.unwrap();
        assert_eq!(
            key(act(2, &asked("agree", 1, 0)).await),
            "approvals-not-open"
        );
        assert_eq!(
            key(approvals.resubmit(id, &mended, &by(2)).await),
            "not-found"
        );
        approvals.resubmit(id, &mended, &by(1)).await.unwrap();
        let (a, events, _) = approvals.approval(id, Some(p(1)), &none).await.unwrap();
        assert_eq!(
            (a.case.round, a.payload["word"].as_str(), a.intact),
            (2, Some("新"), true)
        );
        assert_eq!(
            (events.len(), events[1].reason.as_str()),
            (3, "理由"),
            "history stays"
        );
        assert_eq!(
            key(act(2, &asked("agree", 1, 0)).await),
            "approvals-moved-on",
            "not what was looked at"
        );
        act(2, &asked("agree", 2, 0)).await.unwrap();
        let refused = act(5, &asked("refuse", 2, 1)).await.unwrap();
        assert_eq!(refused, Outcome::Done(State::Refused));

        let other = approvals
            .start(&new(&t, "word", "撤"), &by(1))
            .await
            .unwrap();
        let remind = approvals
            .act(other, &asked("remind", 0, 0), &by(1), &none)
            .await;
        assert_eq!(remind.unwrap(), Outcome::Done(State::Open));
        let theirs = approvals
            .act(other, &asked("withdraw", 0, 0), &by(2), &none)
            .await;
        assert_eq!(key(theirs), "approvals-not-withdrawn");
        let taken = approvals
            .act(other, &asked("withdraw", 0, 0), &by(1), &none)
            .await;
        assert_eq!(taken.unwrap(), Outcome::Done(State::Withdrawn));
        assert!(done(&t.db).await.is_empty());

        let notices = notices::Notices::new(
            t.db.clone(),
            t.env.clone(),
            notices::Settings::default(),
            crate::house::House::default(),
        );
        let keys = async |n: u8| {
            let all = notices
                .list(&[Reader::Person(p(n))], false, None, 20)
                .await
                .unwrap();
            all.into_iter().rev().map(|n| n.key).collect::<Vec<_>>()
        };
        assert_eq!(
            keys(1).await,
            ["approvals-notice-returned", "approvals-notice-refused"]
        );
        let two = keys(2).await;
        assert_eq!(
            two,
            [
                "approvals-notice-turn",
                "approvals-notice-turn",
                "approvals-notice-turn",
                "approvals-notice-reminder",
                "approvals-notice-withdrawn"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_done_stays_open_and_says_why() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, house) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "word", "禁止"), &by(1))
            .await
            .unwrap();
        let act = async |who: u8, step| {
            approvals
                .act(id, &asked("agree", 1, step), &by(who), &none)
                .await
        };
        act(2, 0).await.unwrap();
        act(5, 1).await.unwrap();
        let outcome = act(6, 1).await.unwrap();
        assert_eq!(
            outcome,
            Outcome::NotApplied(Msg::new("approvals-object-gone"))
        );
        assert!(done(&t.db).await.is_empty(), "what it wrote is undone");
        let (a, events, turn) = approvals.approval(id, Some(p(6)), &none).await.unwrap();
        assert_eq!((a.case.state, turn), (State::Open, Some(p(6))));
        let last = events.last().unwrap();
        assert_eq!(
            (last.act.as_str(), last.problem.as_ref().unwrap().0.as_str()),
            ("not-applied", "approvals-object-gone")
        );
        assert_eq!(
            house.deeds.lock().unwrap().last(),
            Some(&"approval.not-applied")
        );

        let stuck = approvals.start(&new(&t, "nobody", "x"), &by(1)).await;
        assert_eq!(key(stuck), "approvals-nobody");
        // The only leader left above asks: nobody decides for them.
        house
            .roles
            .lock()
            .unwrap()
            .insert((OFFICE, "leader"), vec![4]);
        assert_eq!(
            key(approvals.start(&new(&t, "word", "x"), &by(4)).await),
            "approvals-nobody"
        );
        house
            .roles
            .lock()
            .unwrap()
            .insert((OFFICE, "leader"), vec![1]);
        let up = approvals
            .start(&new(&t, "word", "x"), &by(1))
            .await
            .unwrap();
        let (a, _, _) = approvals.approval(up, Some(p(4)), &none).await.unwrap();
        assert_eq!(
            (a.at_unit, a.case.waiting().next()),
            (TOP, Some(p(4))),
            "the unit above decides"
        );
    })
    .await;
}

#[tokio::test]
async fn a_signature_asks_for_the_password_and_keeps_the_hash() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, house) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "signed", "印"), &by(1))
            .await
            .unwrap();
        let sign = async |who: u8, password: &str| {
            let asked = Asked {
                password: password.into(),
                ..asked("agree", 1, 0)
            };
            approvals.act(id, &asked, &by(who), &none).await
        };
        assert_eq!(key(sign(7, "").await), "not-found", "told nothing of it");
        assert_eq!(key(sign(2, "").await), "approvals-password");
        assert_eq!(key(sign(2, "wrong").await), "approvals-password");
        let over = Asked {
            other: "8".into(),
            ..asked("delegate", 1, 0)
        };
        assert_eq!(
            key(approvals.act(id, &over, &by(2), &none).await),
            "approvals-not-delegated"
        );
        // Somebody who acts for a leader signs with their own password; it is kept for whom.
        house.deputies.lock().unwrap().insert(8, 3);
        let (total, waiting) = approvals.waiting(Some(p(8)), 5, "zh-CN").await.unwrap();
        assert_eq!(
            (total, waiting[0].id, waiting[0].about.as_str()),
            (1, id, "印")
        );
        assert_eq!(
            sign(8, "right").await.unwrap(),
            Outcome::Done(State::Applied)
        );
        let (a, events, _) = approvals.approval(id, Some(p(8)), &none).await.unwrap();
        assert_eq!(
            (events[1].person, events[1].acted_for),
            (Some(p(8)), Some(p(3)))
        );
        assert_eq!(events[1].signed.as_deref(), Some(a.hash.as_str()));
        assert_eq!(a.hash.len(), 64);
    })
    .await;
}

#[tokio::test]
async fn content_that_was_tampered_with_is_not_applied() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let id = approvals
            .start(&new(&t, "word", "真"), &by(1))
            .await
            .unwrap();
        db::transaction!(t.db, |tx| tx
            .execute(
                "UPDATE approval_round SET payload = '{\"word\":\"假\"}'",
                db::args![]
            )
            .await)
        .unwrap();
        for (who, step) in [(2, 0), (5, 1)] {
            approvals
                .act(id, &asked("agree", 1, step), &by(who), &none)
                .await
                .unwrap();
        }
        let last = approvals
            .act(id, &asked("agree", 1, 1), &by(6), &none)
            .await
            .unwrap();
        assert_eq!(last, Outcome::NotApplied(Msg::new("approvals-not-intact")));
        assert!(done(&t.db).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn tabs_hold_what_they_say() {
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let first = approvals
            .start(&new(&t, "word", "一"), &by(1))
            .await
            .unwrap();
        let second = approvals
            .start(&new(&t, "signed", "二"), &by(1))
            .await
            .unwrap();
        approvals
            .act(first, &asked("agree", 1, 0), &by(2), &none)
            .await
            .unwrap();
        let list = async |tab, filter, who: u8, scope: &Scope| {
            let (total, rows) = approvals
                .list(tab, filter, Some(p(who)), scope, (1, 10))
                .await
                .unwrap();
            assert_eq!(total as usize, rows.len());
            rows.into_iter().map(|a| a.id).collect::<Vec<_>>()
        };
        let any = ("", None);
        assert_eq!(list(Tab::Waiting, any, 2, &none).await, [second]);
        assert_eq!(list(Tab::Waiting, any, 5, &none).await, [first]);
        assert_eq!(list(Tab::Done, any, 2, &none).await, [first]);
        assert_eq!(list(Tab::Done, any, 3, &none).await, [], "others decided");
        assert_eq!(list(Tab::Mine, any, 1, &none).await, [second, first]);
        assert_eq!(list(Tab::Mine, ("word", None), 1, &none).await, [first]);
        assert_eq!(
            list(Tab::Mine, ("", Some(State::Applied)), 1, &none).await,
            []
        );
        assert_eq!(list(Tab::All, any, 7, &none).await, []);
        assert_eq!(
            list(Tab::All, any, 7, &Scope::Under(vec![OFFICE])).await,
            [second, first]
        );
        let (total, page) = approvals
            .list(Tab::Mine, any, Some(p(1)), &none, (2, 1))
            .await
            .unwrap();
        assert_eq!((total, page[0].id), (2, first));
    })
    .await;
}

/// Acts of random people on random approvals, as the engine keeps them.
#[tokio::test]
async fn random_acts_leave_what_was_done_and_what_was_agreed_in_step() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    on_both(MIGRATIONS, |t| async move {
        let (approvals, _) = house(&t);
        let none = Scope::nothing();
        let words = [
            "agree", "agree", "agree", "agree", "return", "refuse", "delegate", "add", "withdraw",
        ];
        let acts = proptest::collection::vec((1u8..12, 0..words.len(), 1u8..12), 30);
        let (mut runner, mut applied) = (TestRunner::deterministic(), Vec::new());
        for n in 0..20 {
            let word = format!("词{n:02}");
            let id = approvals
                .start(&new(&t, "word", &word), &by(1))
                .await
                .unwrap();
            for (who, act, other) in acts.new_tree(&mut runner).unwrap().current() {
                let Ok((a, _, _)) = approvals.approval(id, Some(p(1)), &none).await else {
                    panic!("its applicant sees it");
                };
                let asked = Asked {
                    other: other.to_string(),
                    ..asked(words[act], a.case.round, a.case.step as i64)
                };
                let done = approvals.act(id, &asked, &by(who), &none).await;
                let decides = !matches!(words[act], "withdraw");
                assert!(
                    done.is_err() || !decides || ![1, 9].contains(&who),
                    "{who} {asked:?}"
                );
                if matches!(done, Ok(Outcome::Done(State::Returned))) {
                    let payload = serde_json::json!({ "word": word });
                    approvals.resubmit(id, &payload, &by(1)).await.unwrap();
                }
            }
            let (a, events, _) = approvals.approval(id, Some(p(1)), &none).await.unwrap();
            let times = events.iter().filter(|e| e.act == "applied").count();
            assert_eq!(times, usize::from(a.case.state == State::Applied));
            if times == 1 {
                applied.push(word);
                let agreed = events
                    .iter()
                    .filter(|e| e.act == "agreed" && e.round == a.case.round);
                let mut who: Vec<_> = agreed.clone().map(|e| e.person).collect();
                let steps: std::collections::HashSet<i64> = agreed.map(|e| e.step).collect();
                assert_eq!(steps.len(), 2, "every step");
                who.sort();
                who.dedup();
                assert!(
                    who.len() >= 3,
                    "one leader and two who countersign: {who:?}"
                );
            }
            assert!(
                events.iter().map(|e| e.seq).eq(1..=events.len() as i64),
                "no event is missing"
            );
        }
        assert!(applied.len() > 2, "some get to the end: {applied:?}");
        assert_eq!(done(&t.db).await, applied);
    })
    .await;
}
