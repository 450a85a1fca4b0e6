//! Asking and answering on both engines.

use db::transaction;
use kernel::Date;
use requests::{Act, Ask, Due, RequestKinds, Said, Source, State};
use testkit::on_both;

use crate::house::{House, migrations, refused, why};

#[tokio::test]
async fn what_is_asked_is_taken_on_answered_sent_back_and_confirmed() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let ask = h.task("报送整改情况");
        let id = h.ask(&ask).await.unwrap();
        assert_eq!(
            h.ask(&ask).await.unwrap(),
            id,
            "sent twice it is asked once"
        );
        let twisted = Ask {
            title: "别的事".into(),
            ..ask.clone()
        };
        assert_eq!(
            refused(h.ask(&twisted).await),
            why("conflict", "requests-id-taken")
        );
        // Friday, and five working days.
        let (r, events) = h.seen(id, h.worker).await.unwrap();
        assert_eq!(r.case.due, Date::constant(2026, 11, 27));
        assert_eq!(events, ["asked"]);
        assert_eq!(h.told(h.worker).await, ["requests-notice-asked"]);
        // Somebody else's does not exist, and who asked does not answer.
        assert_eq!(refused(h.seen(id, h.lonely).await), why("", "not-found"));
        assert_eq!(
            refused(h.act(id, Act::Accept, h.lonely).await),
            why("", "not-found")
        );
        assert_eq!(
            refused(h.act(id, Act::Answer, h.asker).await),
            why("", "forbidden")
        );
        assert_eq!(
            h.act(id, Act::Accept, h.worker).await.unwrap(),
            State::Accepted
        );
        let later = Date::constant(2026, 12, 4);
        h.act(id, Act::WantTime(later), h.worker).await.unwrap();
        h.act(id, Act::GiveTime, h.other).await.unwrap();
        assert_eq!(
            h.act(id, Act::Answer, h.worker).await.unwrap(),
            State::Answered
        );
        h.act(id, Act::SendBack, h.asker).await.unwrap();
        h.act(id, Act::Answer, h.worker).await.unwrap();
        assert_eq!(
            h.act(id, Act::Confirm, h.asker).await.unwrap(),
            State::Confirmed
        );
        let (r, events) = h.seen(id, h.asker).await.unwrap();
        assert_eq!(
            (r.case.due, r.case.extended),
            (Date::constant(2026, 11, 27), Some(later)),
            "the first day stays beside the second"
        );
        let all = [
            "asked",
            "accepted",
            "time-wanted",
            "time-given",
            "answered",
            "sent-back",
            "answered",
            "confirmed",
        ];
        assert_eq!(events, all);
        for act in [Act::Accept, Act::Answer, Act::Decline] {
            assert_eq!(
                refused(h.act(id, act, h.worker).await),
                why("conflict", "requests-ended")
            );
        }
        assert_eq!(h.audited("request.answered").await, 2);
        let told = h.told(h.asker).await;
        assert_eq!(
            told.iter()
                .filter(|k| *k == "requests-notice-answered")
                .count(),
            2
        );
        assert_eq!(
            h.told(h.worker).await.last().unwrap(),
            "requests-notice-confirmed"
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_named_by_field() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let bad = Ask {
            kind: "nothing".into(),
            title: "甲".into(),
            detail: "字".repeat(2_001),
            unit: None,
            due: Due::On(Date::constant(2026, 11, 19)),
            ..h.task("")
        };
        let all = [
            why("kind", "requests-kind-missing"),
            why("title", "requests-title"),
            why("detail", "requests-text"),
            why("unit", "requests-nobody"),
            why("due", "requests-due"),
        ];
        assert_eq!(refused(h.ask(&bad).await), all.concat());
        // Only for units for which one asks.
        let eyes = h.eyes(h.worker);
        let (task, actor) = (h.task("报送"), h.worker.actor());
        let asked = h.requests.ask_now(&task, &eyes, &actor).await;
        assert_eq!(refused(asked), why("", "not-found"));
        let id = h.ask(&h.task("报送")).await.unwrap();
        let silent = h
            .requests
            .act(
                id,
                Act::Decline,
                &Said::default(),
                &h.eyes(h.worker),
                &h.worker.actor(),
            )
            .await;
        assert_eq!(refused(silent), why("text", "requests-reason-missing"));
        let outside = Said {
            text: "已办".into(),
            refs: vec![requests::Ref {
                title: "别处".into(),
                href: "https://example.org".into(),
            }],
            ..Said::default()
        };
        let sent = h
            .requests
            .act(
                id,
                Act::Answer,
                &outside,
                &h.eyes(h.worker),
                &h.worker.actor(),
            )
            .await;
        assert_eq!(refused(sent), why("ref", "requests-ref"));
        let early = h.act(id, Act::WantTime(t.env.today()), h.worker).await;
        assert_eq!(refused(early), why("day", "requests-time-earlier"));
    })
    .await;
}

#[tokio::test]
async fn a_person_is_asked_and_nobody_confirms_their_own_answer() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let alone = Ask {
            unit: None,
            person: Some(h.lonely.person),
            ..h.task("准备发言")
        };
        let id = h.ask(&alone).await.unwrap();
        let (r, _) = h.seen(id, h.lonely).await.unwrap();
        assert_eq!((r.home, r.unit), (h.offices[1], None));
        assert_eq!(h.told(h.lonely).await, ["requests-notice-asked"]);
        h.act(id, Act::Answer, h.lonely).await.unwrap();
        // Who asks of themselves answers, and another confirms.
        let own = Ask {
            unit: None,
            person: Some(h.asker.person),
            ..h.task("起草方案")
        };
        let own = h.ask(&own).await.unwrap();
        h.act(own, Act::Answer, h.asker).await.unwrap();
        assert_eq!(
            refused(h.act(own, Act::Confirm, h.asker).await),
            why("conflict", "requests-own-answer")
        );
        h.act(own, Act::Confirm, h.other).await.unwrap();
        // What a unit without such people is asked goes to those above it.
        let up = Ask {
            unit: Some(h.offices[1]),
            ..h.task("无人承办")
        };
        h.ask(&up).await.unwrap();
        assert_eq!(h.told(h.worker).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_feature_asks_shows_and_withdraws_in_its_own_transaction() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let source = Source {
            kind: "meeting".into(),
            id: t.env.new_id(),
            title: "党组会议".into(),
            href: "/activities/1".into(),
        };
        let with = |title: &str| Ask {
            source: Some(source.clone()),
            ..h.task(title)
        };
        let (one, two, three) = (with("第一件"), with("第二件"), with("第三件"));
        let actor = h.asker.actor();
        transaction!(h.db, |tx| {
            for ask in [&one, &two, &three] {
                h.requests.ask(tx, ask, &actor).await?;
            }
            Ok(())
        })
        .unwrap();
        h.act(one.id, Act::Answer, h.worker).await.unwrap();
        h.act(two.id, Act::Accept, h.worker).await.unwrap();
        // What is rolled back was never asked.
        let lost = with("不算数");
        let failed: kernel::Result<()> = transaction!(h.db, |tx| {
            h.requests.ask(tx, &lost, &actor).await?;
            Err(kernel::Error::NotFound)
        });
        assert!(failed.is_err());
        let mut tx = h.db.read().await.unwrap();
        let found = h
            .requests
            .of_source(&mut tx, "meeting", &[source.id])
            .await
            .unwrap();
        let titles: Vec<&str> = found.iter().map(|r| r.title.as_str()).collect();
        assert_eq!(titles, ["第一件", "第二件", "第三件"]);
        assert_eq!(found[0].source.as_ref(), Some(&source));
        let said = h
            .requests
            .answers(&mut tx, &[one.id, two.id])
            .await
            .unwrap();
        assert_eq!(said.get(&one.id).map(String::as_str), Some("按期办结"));
        assert_eq!(
            h.requests.state(&mut tx, two.id).await.unwrap(),
            Some(State::Accepted)
        );
        drop(tx);
        let gone = transaction!(h.db, |tx| {
            let key = ("meeting", source.id);
            h.requests.withdraw_of(tx, key, "会议已撤销", &actor).await
        });
        assert_eq!(gone.unwrap(), 2, "what was answered stays");
        let states = async |id| h.seen(id, h.worker).await.unwrap().0.case.state;
        assert_eq!(states(one.id).await, State::Answered);
        assert_eq!(states(three.id).await, State::Withdrawn);
    })
    .await;
}

#[tokio::test]
async fn a_kind_with_an_owner_is_answered_by_its_owner_alone() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let ask = Ask {
            kind: "test".into(),
            due: Due::In {
                days: 5,
                working: false,
            },
            ..h.task("参加测验")
        };
        let id = h.ask(&ask).await.unwrap();
        let (r, _) = h.seen(id, h.worker).await.unwrap();
        assert_eq!(r.case.due, Date::constant(2026, 11, 25));
        assert_eq!(
            refused(h.act(id, Act::Answer, h.worker).await),
            why("conflict", "requests-answered-there")
        );
        let said = Said {
            text: "测验已完成，90 分".into(),
            ..Said::default()
        };
        let actor = h.worker.actor();
        transaction!(h.db, |tx| h
            .requests
            .act_in(tx, id, Act::Answer, &said, &actor)
            .await)
        .unwrap();
        h.act(id, Act::Confirm, h.asker).await.unwrap();
        assert_eq!(
            *h.tester.0.lock().unwrap(),
            ["asked", "answered", "confirmed"]
        );
    })
    .await;
}

#[tokio::test]
async fn what_somebody_wrote_goes_with_their_personal_data() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.ask(&h.task("报送")).await.unwrap();
        h.act(id, Act::Answer, h.worker).await.unwrap();
        let person = h.worker.person;
        transaction!(h.db, |tx| requests::erase(tx, person, "***").await).unwrap();
        let (_, events, _) = h.requests.request(id, &h.eyes(h.asker)).await.unwrap();
        let said: Vec<&str> = events.iter().map(|e| e.text.as_str()).collect();
        assert_eq!(said, ["", "***"]);
    })
    .await;
}

#[test]
fn mistakes_in_packs_are_named_with_their_line() {
    let read = |change: (&str, &str)| {
        let text =
            include_str!("../../../../packs/requests-cn.toml").replacen(change.0, change.1, 1);
        let packs = commons::packs::Packs::load(vec![("t.toml".into(), text)]).unwrap();
        RequestKinds::read(&packs)
            .map(|k| k.iter().count())
            .map_err(|p| (p[0].line, p[0].reason.key))
    };
    let text = include_str!("../../../../packs/requests-cn.toml");
    assert_eq!(read(("", "")), Ok(text.matches("[[request-kind]]").count()));
    let wrong = Err((9, "requests-kind-wrong"));
    assert_eq!(read(("days = 10", "days = 0")), wrong);
    assert_eq!(read(("\"-3d\"", "\"3 days\"")), wrong);
    let twice = read(("code = \"opinion\"", "code = \"task\""));
    assert_eq!(twice, Err((17, "requests-kind-wrong")));
}
