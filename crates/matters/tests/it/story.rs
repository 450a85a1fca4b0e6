//! A matter from its first draft to its facts, and back.

use jiff::ToSpan;
use kernel::{Error, Id};
use matters::{Answer, Filter, Matter, Outcome, State};
use testkit::{on_both, on_postgres};
use web::table::{Order, Window};

use crate::house::{House, Who, migrations};

fn refused<T: std::fmt::Debug>(done: kernel::Result<T>) -> &'static str {
    match done.unwrap_err() {
        Error::Conflict(m) => m.key,
        Error::Invalid(all) => all[0].message.key,
        Error::NotFound => "not found",
        Error::Forbidden => "forbidden",
        other => panic!("{other}"),
    }
}

fn answer(outcome: Outcome, text: &str) -> Answer {
    Answer {
        outcome,
        text: text.into(),
        document: "批〔2026〕3号".into(),
    }
}

async fn now(h: &House, id: Id, who: Who) -> Matter {
    h.matters.matter(id, &who.eyes()).await.unwrap().matter
}

async fn listed(h: &House, who: Who, filter: Filter) -> Vec<Id> {
    let order = Order {
        by: "new",
        down: false,
    };
    let found = h
        .matters
        .list(&filter, &who.eyes(), order, Window::new(1, 50))
        .await;
    found.unwrap().1.into_iter().map(|m| m.id).collect()
}

#[tokio::test]
async fn what_is_asked_passes_its_route_is_received_and_answered_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let area = [("area", "other")];
        let nobody = h.written("major-request", h.member, &area).await;
        assert_eq!(
            refused(nobody),
            "not found",
            "who does not write for the unit"
        );
        let id = h.written("major-request", h.officer, &area).await.unwrap();
        // A draft is its writer's alone.
        for who in [h.leader, h.chief, h.member, h.far] {
            let seen = h.matters.matter(id, &who.eyes()).await;
            assert_eq!(refused(seen.map(|_| ())), "not found");
        }
        h.send(id, h.officer).await.unwrap();
        let m = now(&h, id, h.officer).await;
        let number = format!("请示〔{}〕1号", h.today().year());
        assert_eq!(
            (m.state, m.number.as_deref()),
            (State::Asked, Some(number.as_str()))
        );
        assert_eq!(refused(h.send(id, h.officer).await), "matters-moved-on");
        let own = (h.officer.eyes(), h.officer.actor());
        let withdrawn = h.matters.withdraw(id, None, "x", (&own.0, &own.1)).await;
        assert_eq!(refused(withdrawn), "matters-on-route");
        // What is on its route has not come yet; the chief sees it because they decide.
        assert!(
            listed(
                &h,
                h.leader,
                Filter {
                    incoming: true,
                    ..Filter::default()
                }
            )
            .await
            .is_empty()
        );
        assert!(h.matters.matter(id, &h.chief.eyes()).await.is_ok());
        h.decide(h.chief, "agree").await;
        let m = now(&h, id, h.leader).await;
        assert_eq!((m.state, m.to), (State::Sent, Some(h.bureau)));
        assert!(m.reply_due > Some(h.today()));
        assert!(
            h.told(h.leader)
                .await
                .contains(&"matters-notice-asked".to_owned())
        );
        let (eyes, actor) = (h.leader.eyes(), h.leader.actor());
        let by = (&eyes, &actor);
        // Neither the county's own people nor strangers answer.
        let chief = (h.chief.eyes(), h.chief.actor());
        let own = h.matters.receive(id, None, "", (&chief.0, &chief.1)).await;
        assert_eq!(refused(own), "forbidden");
        h.matters.receive(id, None, "", by).await.unwrap();
        assert_eq!(
            refused(h.matters.receive(id, None, "", by).await),
            "matters-moved-on"
        );
        let m = now(&h, id, h.officer).await;
        assert_eq!(
            (m.state, m.received_on, m.received_by),
            (State::Received, Some(h.today()), Some(h.leader.account))
        );
        assert_eq!(h.facts(id).await, []);
        // Sent back for more, mended, sent along its route again; it keeps its number.
        assert_eq!(
            refused(h.matters.send_back(id, None, " ", by).await),
            "matters-said-missing"
        );
        h.matters.send_back(id, None, "缺方案", by).await.unwrap();
        let mut content = h.content(&area);
        content.text = "附方案，请批示。".into();
        let writer = (h.officer.eyes(), h.officer.actor());
        let seen = now(&h, id, h.officer).await.version;
        h.matters
            .change(id, seen, (&content, None), &[], (&writer.0, &writer.1))
            .await
            .unwrap();
        h.send(id, h.officer).await.unwrap();
        h.decide(h.chief, "agree").await;
        assert_eq!(
            now(&h, id, h.leader).await.number.as_deref(),
            Some(number.as_str())
        );
        let empty = answer(Outcome::Agreed, "");
        assert_eq!(
            refused(h.matters.answer(id, None, (&empty, &[]), by).await),
            "matters-said-missing"
        );
        let noted = answer(Outcome::Noted, "x");
        assert_eq!(
            refused(h.matters.answer(id, None, (&noted, &[]), by).await),
            "matters-choice-unknown"
        );
        let agreed = answer(Outcome::Agreed, "同意设立。");
        h.matters
            .answer(id, None, (&agreed, &[]), by)
            .await
            .unwrap();
        let again = h.matters.answer(id, None, (&agreed, &[]), by).await;
        assert_eq!(refused(again), "matters-moved-on");
        let m = now(&h, id, h.officer).await;
        assert_eq!(
            (m.state, m.outcome, m.reply.text.as_str()),
            (State::Done, Some(Outcome::Agreed), "同意设立。")
        );
        assert!(
            h.told(h.officer)
                .await
                .contains(&"matters-notice-answered".to_owned())
        );
        let both = [("matter", "agreed"), ("matter-reply", "in-time")];
        assert_eq!(
            h.facts(id).await,
            both.map(|(k, r)| (k.to_owned(), r.to_owned()))
        );
        // Withdrawn, its facts are taken back; it can still be read, and the next one has the next number.
        h.matters
            .withdraw(id, None, "情况变化", (&writer.0, &writer.1))
            .await
            .unwrap();
        assert_eq!(h.facts(id).await, []);
        assert_eq!(now(&h, id, h.officer).await.state, State::Withdrawn);
        let next = h.came().await;
        let number = format!("请示〔{}〕2号", h.today().year());
        assert_eq!(now(&h, next, h.leader).await.number, Some(number));
    })
    .await;
}

#[tokio::test]
async fn a_trip_that_is_reported_late_is_taken_marked_and_ended_afterwards() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (from, to, far) = (h.day(0), h.day(3), h.day(20));
        let trip = |from: &str, to: &str| {
            [
                ("destination", "外市"),
                ("why", "official"),
                ("from", from),
                ("to", to),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
        };
        let write = async |from: &str, to: &str| {
            let values = trip(from, to);
            let values: Vec<(&str, &str)> = values
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            h.written("leave-town", h.member, &values).await
        };
        assert_eq!(refused(write(&to, &from).await), "matters-ends-before");
        let late = write(&from, &to).await.unwrap();
        h.send(late, h.member).await.unwrap();
        assert!(
            now(&h, late, h.member).await.late,
            "it should have come a day before"
        );
        // Given back by the route, it is mended and sent along it again.
        h.decide(h.chief, "return").await;
        let w = h.matters.matter(late, &h.member.eyes()).await.unwrap();
        assert!(w.returned && w.may_write);
        h.send(late, h.member).await.unwrap();
        h.decide(h.chief, "agree").await;
        let m = now(&h, late, h.member).await;
        assert_eq!((m.state, m.outcome), (State::Done, Some(Outcome::Agreed)));
        assert!(m.after_due > kernel::parse_date(&to));
        assert_eq!(
            h.facts(late).await,
            [("matter".to_owned(), "agreed".to_owned())]
        );
        let early = write(&far, &far).await.unwrap();
        h.send(early, h.member).await.unwrap();
        h.decide(h.chief, "agree").await;
        let kinds: Vec<String> = h.facts(early).await.into_iter().map(|f| f.0).collect();
        assert_eq!(kinds, ["matter", "matter-in-time"]);
        // It is in the calendar of who travels, and waits for them at home.
        let events = notices::CalendarSource::events(
            &h.matters,
            h.member.person,
            h.today(),
            h.today().saturating_add(30.days()),
        );
        let days = events.await.unwrap().len();
        assert_eq!(
            days,
            2 + 1 + 2,
            "begin, end and report of one; a day and report of the other"
        );
        assert_eq!(h.matters.waiting(&h.member.eyes()).await.unwrap().len(), 2);
        // Too late: those in charge hear of it, and it is counted as late when it comes.
        t.clock.advance(9 * 24 * 3600);
        h.matters.remind().await.unwrap();
        let told = h.told(h.member).await.len();
        h.matters.remind().await.unwrap();
        assert_eq!(h.told(h.member).await.len(), told, "nobody is told twice");
        assert!(
            h.told(h.member)
                .await
                .contains(&"matters-notice-owes-after".to_owned())
        );
        let me = (h.member.eyes(), h.member.actor());
        let by = (&me.0, &me.1);
        h.matters
            .report_after(late, None, ("已返回。", &[]), by)
            .await
            .unwrap();
        let twice = h
            .matters
            .report_after(late, None, ("已返回。", &[]), by)
            .await;
        assert_eq!(refused(twice), "matters-nothing-owed");
        assert!(
            h.facts(late)
                .await
                .contains(&("matter-after".to_owned(), "late".to_owned()))
        );
        h.matters.withdraw(late, None, "填错", by).await.unwrap();
        assert_eq!(h.facts(late).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_sealed_matter_is_there_for_its_parties_and_nobody_else() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let values = [
            ("happened", h.day(-2)),
            ("what", "property".into()),
            ("said", "购房一套".into()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let id = h
            .written("personal-change", h.member, &values)
            .await
            .unwrap();
        h.send(id, h.member).await.unwrap();
        for who in [h.member, h.leader, h.chief] {
            assert!(h.matters.matter(id, &who.eyes()).await.is_ok(), "{who:?}");
        }
        // Who reads and writes everything of the unit does not see it.
        for who in [h.officer, h.far] {
            let seen = h.matters.matter(id, &who.eyes()).await;
            assert_eq!(refused(seen.map(|_| ())), "not found");
            assert!(!listed(&h, who, Filter::default()).await.contains(&id));
        }
        // Nobody receives what is their own.
        let own = h
            .written("personal-change", h.leader, &values)
            .await
            .unwrap();
        h.send(own, h.leader).await.unwrap();
        let me = (h.leader.eyes(), h.leader.actor());
        assert_eq!(
            refused(h.matters.receive(own, None, "", (&me.0, &me.1)).await),
            "forbidden"
        );
        assert!(
            !listed(
                &h,
                h.leader,
                Filter {
                    incoming: true,
                    ..Filter::default()
                }
            )
            .await
            .contains(&own)
        );
        let second = (h.second.eyes(), h.second.actor());
        h.matters
            .receive(own, None, "已阅。", (&second.0, &second.1))
            .await
            .unwrap();
        let m = now(&h, own, h.leader).await;
        assert_eq!(
            (m.state, m.outcome, m.reply.text.as_str()),
            (State::Done, Some(Outcome::Noted), "已阅。")
        );
        // Notices do not say what it is about.
        let rows = h
            .notices
            .list(&[notices::Reader::Person(h.leader.person)], false, None, 50)
            .await
            .unwrap();
        let said: Vec<String> = rows
            .iter()
            .flat_map(|r| r.args.iter().map(|a| a.1.clone()))
            .collect();
        assert!(
            !said
                .iter()
                .any(|s| s.contains("请示") || s.contains("专班")),
            "{said:?}"
        );
        // Erasing the person takes away what was said and leaves that it was.
        db::transaction!(h.db, |tx| matters::erase(tx, h.member.person, "***").await).unwrap();
        let m = now(&h, id, h.leader).await;
        assert_eq!(
            (m.content.title.as_str(), m.content.values.len()),
            ("***", 0)
        );
        assert_eq!(m.state, State::Sent);
    })
    .await;
}

#[tokio::test]
async fn of_two_nodes_one_answers_and_numbers_have_no_holes() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.node(&t).await;
        for round in 0..5 {
            let id = h.came().await;
            let (a, b) = (
                (h.leader.eyes(), h.leader.actor()),
                (h.second.eyes(), h.second.actor()),
            );
            let (agreed, not) = (
                answer(Outcome::Agreed, "同意。"),
                answer(Outcome::Refused, "不同意。"),
            );
            let (first, second) = tokio::join!(
                h.matters.answer(id, None, (&agreed, &[]), (&a.0, &a.1)),
                other.matters.answer(id, None, (&not, &[]), (&b.0, &b.1)),
            );
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            let m = now(&h, id, h.officer).await;
            let won = if first.is_ok() {
                Outcome::Agreed
            } else {
                Outcome::Refused
            };
            assert_eq!(m.outcome, Some(won));
            let facts = h.facts(id).await;
            assert_eq!(facts.iter().filter(|f| f.0 == "matter").count(), 1);
            let number = format!("请示〔{}〕{}号", h.today().year(), round + 1);
            assert_eq!(m.number, Some(number));
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_owed_is_reminded_of_and_told_upwards() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.came().await;
        h.matters.remind().await.unwrap();
        let owes = "matters-notice-owes-reply".to_owned();
        assert!(!h.told(h.leader).await.contains(&owes));
        t.clock.advance(15 * 24 * 3600);
        h.matters.remind().await.unwrap();
        assert!(h.told(h.leader).await.contains(&owes));
        assert!(
            listed(
                &h,
                h.leader,
                Filter {
                    overdue: Some(h.today()),
                    ..Filter::default()
                }
            )
            .await
            .contains(&id)
        );
        let by = (h.leader.eyes(), h.leader.actor());
        let agreed = answer(Outcome::Partly, "先试点。");
        h.matters
            .answer(id, None, (&agreed, &[]), (&by.0, &by.1))
            .await
            .unwrap();
        assert!(
            h.facts(id)
                .await
                .contains(&("matter-reply".to_owned(), "late".to_owned()))
        );
        assert!(
            listed(
                &h,
                h.leader,
                Filter {
                    overdue: Some(h.today()),
                    ..Filter::default()
                }
            )
            .await
            .is_empty()
        );
    })
    .await;
}
