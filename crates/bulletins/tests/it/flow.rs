//! From draft to published and back, on both engines and between two nodes.

use bulletins::{Given, Sight, State, Verdict};
use futures::future::join_all;
use kernel::{AccountId, Scope};
use testkit::{on_both, on_postgres};

use crate::house::{House, PACK, kinds, migrations, refused};

fn why(field: &str, key: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.into(), key)]
}

const PUBLISH: Verdict<'static> = Verdict::Publish(None);

#[tokio::test]
async fn a_bulletin_is_written_returned_published_and_withdrawn() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (b, all) = (&h.bulletins, Scope::All);
        let sight = Sight {
            read: Scope::All,
            desk: vec![Scope::All],
        };
        let mut new = h.new_one(&t, "work", "办学习班");
        new.propose = false;
        new.given.author = "001".into();
        let id = b.write(&new, &all, h.clerk).await.unwrap();
        assert_eq!(
            b.write(&new, &all, h.clerk).await.unwrap(),
            id,
            "sent twice it is written once"
        );
        assert_eq!(
            refused(b.write(&new, &all, h.leader).await),
            why("", "not-found")
        );
        assert_eq!(
            refused(b.decide(id, 1, PUBLISH, &all, h.leader).await),
            why("conflict", "bulletin-changed-meanwhile")
        );
        b.propose(id, 1, &all, h.clerk).await.unwrap();
        assert_eq!(
            refused(b.change(id, 1, &new.given, false, &all, h.clerk).await),
            why("conflict", "bulletin-not-open")
        );
        assert_eq!(
            refused(b.decide(id, 1, PUBLISH, &all, h.clerk).await),
            why("conflict", "bulletin-review-own")
        );
        assert_eq!(
            refused(b.decide(id, 1, Verdict::Return(" "), &all, h.leader).await),
            why("reason", "bulletin-reason-missing")
        );
        b.decide(id, 1, Verdict::Return("数字有误"), &all, h.leader)
            .await
            .unwrap();
        assert_eq!(h.standing(id).await, []);
        let given = Given {
            text: "改过的正文".into(),
            ..new.given.clone()
        };
        assert_eq!(
            refused(b.change(id, 2, &given, true, &all, h.clerk).await),
            why("conflict", "bulletin-changed-meanwhile")
        );
        b.change(id, 1, &given, true, &all, h.clerk).await.unwrap();
        assert_eq!(
            refused(b.decide(id, 1, PUBLISH, &all, h.leader).await),
            why("conflict", "bulletin-changed-meanwhile")
        );
        let issue = b
            .decide(id, 2, PUBLISH, &all, h.leader)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (issue.year, issue.number),
            (i64::from(t.env.today().year()), 1)
        );
        let facts = h.standing(id).await;
        assert_eq!(facts.len(), 1);
        let fact = &facts[0];
        assert_eq!(
            (
                fact.kind.as_str(),
                fact.category.as_deref(),
                fact.role.as_deref()
            ),
            ("bulletin", Some("work"), Some("news"))
        );
        assert_eq!(
            (fact.date, fact.person, fact.recorded_by),
            (t.env.today(), Some(h.person().await), Some(h.clerk))
        );
        let found = b.bulletin(id, &sight).await.unwrap();
        assert_eq!(
            (found.state, found.version, found.published_on),
            (State::Published, 2, Some(t.env.today()))
        );
        assert_eq!(
            refused(b.withdraw(id, "", &all, h.leader).await),
            why("reason", "bulletin-reason-missing")
        );
        b.withdraw(id, "内容有误", &all, h.leader).await.unwrap();
        assert_eq!(h.standing(id).await, []);
        assert_eq!(
            refused(b.withdraw(id, "内容有误", &all, h.leader).await),
            why("conflict", "bulletin-changed-meanwhile")
        );
        // Its number stays used.
        let next = h.proposed(&t, "work", "又一期").await;
        let issue = b
            .decide(next, 1, PUBLISH, &all, h.leader)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(issue.number, 2);
        for (action, times) in [
            ("bulletin.written", 2),
            ("bulletin.proposed", 3),
            ("bulletin.returned", 1),
            ("bulletin.changed", 1),
            ("bulletin.published", 2),
            ("bulletin.withdrawn", 1),
        ] {
            assert_eq!(h.audited(action).await, times, "{action}");
        }
        h.ledger.settle().await.unwrap();
        assert_eq!(
            ledger::verify(&h.db, &[]).await.unwrap().problems,
            [] as [String; 0]
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_named_and_what_is_given_up_is_gone() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (b, all) = (&h.bulletins, Scope::All);
        let mut new = h.new_one(&t, "work", " ");
        new.given.text = String::new();
        new.given.section = "other".into();
        new.given.author = "999".into();
        new.given.to = [String::new(), "x".repeat(201), "a\nb".into()];
        let fields: Vec<String> = refused(b.write(&new, &all, h.clerk).await)
            .into_iter()
            .map(|(f, _)| f)
            .collect();
        assert_eq!(
            fields,
            ["title", "text", "section", "send-to", "issue-to", "author"]
        );
        let mut new = h.new_one(&t, "drill", "练兵");
        new.given.house = true;
        assert_eq!(
            refused(b.write(&new, &all, h.clerk).await),
            why("house", "bulletin-house-wrong")
        );
        new.unit = h.bureau;
        assert_eq!(
            refused(b.write(&new, &all, h.clerk).await),
            why("kind", "bulletin-not-for-unit")
        );
        let id = h.proposed(&t, "work", "草稿").await;
        assert_eq!(
            refused(b.discard(id, 1, &all, h.clerk).await),
            why("conflict", "bulletin-changed-meanwhile")
        );
        b.recall(id, 1, &all, h.clerk).await.unwrap();
        let elsewhere = Scope::Under(vec![h.offices[1]]);
        assert_eq!(
            refused(b.discard(id, 1, &elsewhere, h.clerk).await),
            why("", "not-found")
        );
        b.discard(id, 1, &all, h.clerk).await.unwrap();
        let sight = Sight {
            read: Scope::All,
            desk: vec![Scope::All],
        };
        assert_eq!(refused(b.bulletin(id, &sight).await), why("", "not-found"));
    })
    .await;
}

#[tokio::test]
async fn who_reviews_is_said_by_the_kind_and_counting_begins_where_it_stood() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let b = &h.bulletins;
        let (office, bureau) = (
            Scope::Under(vec![h.offices[0]]),
            Scope::Under(vec![h.bureau]),
        );
        let leader = identity::Actor::from(h.leader);
        let drill = h.proposed(&t, "drill", "练兵").await;
        let work = h.proposed(&t, "work", "工作").await;
        assert_eq!(
            b.waiting(&office, &leader).await.unwrap(),
            1,
            "drills are reviewed above"
        );
        assert_eq!(b.waiting(&bureau, &leader).await.unwrap(), 2);
        assert_eq!(
            b.waiting(&bureau, &h.clerk.into()).await.unwrap(),
            0,
            "not one's own"
        );
        assert_eq!(
            refused(b.decide(drill, 1, PUBLISH, &office, h.leader).await),
            why("", "not-found")
        );
        let first = Verdict::Publish(Some(204));
        assert_eq!(
            refused(
                b.decide(drill, 1, Verdict::Publish(Some(0)), &bureau, h.leader)
                    .await
            ),
            why("first", "bulletin-first-wrong")
        );
        let issue = b
            .decide(drill, 1, first, &bureau, h.leader)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (issue.year, issue.number),
            (0, 204),
            "a running number has no year"
        );
        let next = h.proposed(&t, "drill", "练兵二").await;
        let issue = b
            .decide(next, 1, first, &bureau, h.leader)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(issue.number, 205, "once it counts it goes on by itself");
        b.decide(work, 1, PUBLISH, &office, h.leader).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_are_given_once_and_without_holes_by_two_nodes() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let nodes = [h.clone(), h.second(&t).await];
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(h.proposed(&t, "work", &format!("第 {n} 篇")).await);
        }
        // Each is published by two reviewers at once: one of them wins.
        let rivals = ids
            .iter()
            .enumerate()
            .flat_map(|(n, id)| [(n, *id), (n + 1, *id)]);
        let rivals = rivals.map(|(n, id)| {
            let (node, by) = (nodes[n % 2].clone(), t.env.new_id::<AccountId>());
            tokio::spawn(async move {
                node.bulletins
                    .decide(id, 1, PUBLISH, &Scope::All, by)
                    .await
                    .ok()
            })
        });
        let rivals: Vec<_> = rivals.collect();
        let done = join_all(rivals)
            .await
            .into_iter()
            .filter_map(|r| r.unwrap());
        let mut numbers: Vec<i64> = done.map(|issue| issue.unwrap().number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        for id in ids {
            assert_eq!(h.standing(id).await.len(), 1);
        }
    })
    .await;
}

#[test]
fn mistakes_of_kinds_are_named_with_their_line() {
    assert!(kinds(PACK).is_ok());
    let changed = |from: &str, to: &str| kinds(&PACK.replace(from, to)).unwrap_err();
    assert_eq!(changed("\"work\"", "\"Work\""), ["7:bulletin-kind-code"]);
    assert_eq!(changed("\"drill\"", "\"work\""), ["14:bulletin-kind-twice"]);
    assert_eq!(changed("{unit}工", "{name}工"), ["7:bulletin-kind-head"]);
    assert_eq!(changed("\"news\"", "\"N\""), ["7:bulletin-kind-section"]);
    assert_eq!(
        changed("house = true", "level = \"x\""),
        ["7:bulletin-kind-level"]
    );
}
