//! Two nodes at once: what may happen once happens once.

use campaigns::{Act, Side, State, Window};
use commons::forms::{Answer, Answers, Value};
use kernel::{Date, Error, Result};
use testkit::on_postgres;

use crate::house::{House, Sees as _, migrations};
use crate::story::{ITEMS, running};

fn won<T>(results: impl IntoIterator<Item = Result<T>>) -> usize {
    let ok = |r: Result<T>| match r {
        Ok(_) => true,
        Err(Error::Conflict(_)) => false,
        Err(other) => panic!("{other}"),
    };
    results.into_iter().map(ok).filter(|ok| *ok).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_closed_once_and_a_voice_is_heard_once() {
    on_postgres(&migrations(), |t| async move {
        let a = House::new(&t).await;
        let id = running(&a).await;
        let b = a.node(&t).await;
        let (eyes, actor) = (a.planner.eyes(), a.planner.actor());
        let by = (&eyes, &actor);
        a.campaigns
            .act(id, None, Act::Conclude, "总结", by)
            .await
            .unwrap();
        let (opens, closes) = (Date::constant(2026, 11, 20), Date::constant(2026, 11, 30));
        a.campaigns
            .open_survey(id, Window { opens, closes }, by)
            .await
            .unwrap();
        let of = |value| Answer {
            value,
            note: String::new(),
            files: vec![],
        };
        let said: Answers = [
            ("content".to_owned(), of(Value::Chosen(vec!["much".into()]))),
            ("mended".to_owned(), of(Value::Yes(true))),
        ]
        .into();
        let me = a.reporter.person;
        let (x, y) = tokio::join!(
            a.campaigns.speak(id, me, &said),
            b.campaigns.speak(id, me, &said)
        );
        assert_eq!(won([x, y]), 1);
        // Two who inspect the same unit: one score stands.
        let mark = |code: &str| (code.to_owned(), of(Value::Number(18_000)));
        let marks: Answers = ITEMS.iter().map(|code| mark(code)).collect();
        let at = (id, a.offices[0], Side::Inspection);
        let (one, two) = (a.inspector, a.second);
        let (one_eyes, one_actor) = (one.eyes(), one.actor());
        let (two_eyes, two_actor) = (two.eyes(), two.actor());
        let (x, y) = tokio::join!(
            a.campaigns.score(at, &marks, (&one_eyes, &one_actor)),
            b.campaigns.score(at, &marks, (&two_eyes, &two_actor)),
        );
        assert_eq!(won([x, y]), 1);
        a.campaigns
            .keep_summary(id, ("总结", ""), "zh-CN", by)
            .await
            .unwrap();
        let (x, y) = tokio::join!(
            a.campaigns.act(id, None, Act::Close, "", by),
            b.campaigns.act(id, None, Act::Close, "", by),
        );
        assert_eq!(won([x, y]), 1);
        let mut tx = a.db.read().await.unwrap();
        let facts = a.ledger.standing(&mut tx, id).await.unwrap();
        assert_eq!(facts.len(), 4, "one for the campaign, one a unit");
        drop(tx);
        let w = a.campaigns.campaign(id, &eyes).await.unwrap();
        assert_eq!(w.campaign.state, State::Closed);
    })
    .await;
}
