//! What meetings decide asks people, and no longer when it is taken back.

use activities::{Duty, NewDecision, NewResolution, READ, RECORD, REVERSE, Role};
use kernel::{ActivityId, Id, Scope};
use requests::{Act, Request, Said, State};
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

fn decision(h: &House, title: &str) -> NewDecision {
    NewDecision {
        item: "传达学习".into(),
        title: title.into(),
        duties: h
            .offices
            .iter()
            .map(|unit| Duty {
                unit: Some(*unit),
                due: Some(day(12, 1)),
                ..Duty::default()
            })
            .collect(),
    }
}

async fn sitting(h: &House, t: &TestDb, decisions: Vec<NewDecision>) -> activities::New {
    let mut new = h.session(t, day(11, 20));
    new.kind = "sitting".into();
    new.host = h.bureau;
    new.marks = h.marks(&[
        ("001", Role::Present),
        ("002", Role::Present),
        ("003", Role::Present),
    ]);
    new.details.decisions = decisions;
    new
}

async fn asked(h: &House, id: ActivityId) -> Vec<Request> {
    let (_, all) = h.activities.decisions(id).await.unwrap();
    let mut all: Vec<Request> = all.into_values().flatten().collect();
    all.sort_by_key(|r| r.id);
    all
}

fn states(all: &[Request]) -> Vec<State> {
    all.iter().map(|r| r.case.state).collect()
}

/// The requests of sources that may be gone.
async fn one(h: &House, t: &TestDb, id: Id) -> State {
    let requests = crate::house::asking(t, &h.db, &h.org);
    let mut tx = h.db.read().await.unwrap();
    requests.state(&mut tx, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn recording_a_meeting_asks_those_it_names_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = sitting(&h, &t, vec![decision(&h, "各处室报送年度总结")]).await;
        let id = h.record(&new).await.unwrap();
        h.record(&new).await.unwrap();
        let found = asked(&h, id).await;
        assert_eq!(found.len(), 2, "sent twice they are asked once");
        let first = &found[0];
        assert_eq!(
            (first.title.as_str(), first.case.due, first.from, first.home),
            ("各处室报送年度总结", day(12, 1), h.bureau, h.offices[0])
        );
        let source = first.source.as_ref().unwrap();
        assert_eq!(
            (source.title.as_str(), source.href.as_str()),
            ("周五集中学习", format!("/activities/{id}").as_str())
        );
        // One is answered; the meeting is taken back: the other is withdrawn.
        let said = Said {
            text: "已报送".into(),
            ..Said::default()
        };
        let requests = crate::house::asking(&t, &h.db, &h.org);
        let other = h.people["003"];
        assert_ne!(Some(other), first.person);
        let actor = identity::Actor::from(t.env.new_id::<kernel::AccountId>());
        db::transaction!(h.db, |tx| requests
            .act_in(tx, found[0].id, Act::Answer, &said, &actor)
            .await)
        .unwrap();
        h.activities
            .reverse(id, "重复登记", &Scope::All, h.clerk)
            .await
            .unwrap();
        assert_eq!(
            states(&asked(&h, id).await),
            [State::Answered, State::Withdrawn]
        );
        // Nothing is asked by what cannot be recorded.
        let mut bad = sitting(&h, &t, vec![decision(&h, "甲")]).await;
        assert_eq!(
            refused(h.record(&bad).await),
            why("decision-title-0", "decision-title")
        );
        bad.details.decisions = vec![NewDecision {
            duties: vec![Duty::default()],
            ..decision(&h, "无人承办")
        }];
        assert_eq!(
            refused(h.record(&bad).await),
            why("unit", "requests-nobody")
        );
        assert_eq!(h.audited("request.asked").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_resolution_that_passed_asks_and_taken_back_withdraws() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = sitting(&h, &t, vec![]).await;
        let (a, all, id) = (&h.activities, Scope::All, h.record(&new).await.unwrap());
        let vote = |in_favour, against| NewResolution {
            title: "通过年度计划".into(),
            in_favour,
            against,
            duties: decision(&h, "").duties,
            ..NewResolution::default()
        };
        let resolution: Id = t.env.new_id();
        let failed = a
            .resolve((id, resolution), &vote(0, 3), &all, h.clerk)
            .await;
        assert_eq!(refused(failed), why("duty-unit", "votes-duty-not-passed"));
        for _ in 0..2 {
            a.resolve((id, resolution), &vote(3, 0), &all, h.clerk)
                .await
                .unwrap();
        }
        let found = asked(&h, id).await;
        assert_eq!(states(&found), [State::Asked; 2]);
        // Another is asked instead: the first is withdrawn, with the reason.
        let instead = Duty {
            person: Some(h.people["003"]),
            due: Some(day(12, 4)),
            ..Duty::default()
        };
        a.change_duty((id, found[0].id), &instead, "承办人调整", &all, h.clerk)
            .await
            .unwrap();
        let again = a
            .change_duty((id, found[0].id), &instead, "承办人调整", &all, h.clerk)
            .await;
        assert_eq!(refused(again), why("conflict", "duty-answered"));
        let now = asked(&h, id).await;
        assert_eq!(states(&now), [State::Withdrawn, State::Asked, State::Asked]);
        assert_eq!(
            (now[2].person, now[2].title.as_str()),
            (Some(h.people["003"]), "通过年度计划")
        );
        let stranger = a
            .change_duty((id, t.env.new_id()), &instead, "承办人调整", &all, h.clerk)
            .await;
        assert_eq!(refused(stranger), why("", "not-found"));
        a.take_resolution_back((id, resolution), "票数有误", &all, h.clerk)
            .await
            .unwrap();
        for r in now {
            assert_eq!(one(&h, &t, r.id).await, State::Withdrawn);
        }
    })
    .await;
}

#[tokio::test]
async fn decisions_are_entered_on_the_page_and_printed_with_how_far_they_are() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let grants = [READ, RECORD, REVERSE].map(|p| (p, Scope::Under(vec![h.bureau])));
        let app = App::new(&h, &t, &grants);
        let page = app
            .get(&format!("/activities/new?kind=sitting&unit={}", h.bureau))
            .await
            .page(200);
        assert!(page.contains("name=\"decision-title-0\""), "{page}");
        let new = sitting(&h, &t, vec![]).await;
        let id = h.record(&new).await.unwrap();
        let at = format!("/activities/{id}");
        let decision: Id = t.env.new_id();
        let mut fields = vec![
            ("id", decision.to_string()),
            ("decision", "各处室报送年度总结".to_owned()),
            ("duty-unit", "O1、O9".to_owned()),
            ("duty-due", "2026-12-01".to_owned()),
        ];
        let post = async |path: String, fields: &[(&str, String)]| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            app.post(&path, &fields).await
        };
        let refused = post(format!("{at}/decisions"), &fields).await;
        assert!(refused.page(422).contains("各处室报送年度总结"));
        fields[2].1 = "O1、O2".into();
        for _ in 0..2 {
            post(format!("{at}/decisions"), &fields).await.page(303);
        }
        let page = app.get(&at).await.page(200);
        for text in [
            "各处室报送年度总结",
            "单位O1",
            "单位O2",
            "2026-12-01",
            "待接收",
        ] {
            assert!(page.contains(text), "{text}");
        }
        let minutes = app.get(&format!("{at}/minutes")).await.page(200);
        assert!(
            minutes.contains("由单位O1于 2026-12-01 前办理（待接收）"),
            "{minutes}"
        );
        let back = format!("{at}/decisions/{decision}/reversal");
        post(back.clone(), &[("reason", String::new())])
            .await
            .page(422);
        post(back, &[("reason", "登记有误".into())]).await.page(303);
        assert!(!app.get(&at).await.page(200).contains("各处室报送年度总结"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_and_a_reversal_at_once_leave_one_of_them() {
    on_postgres(&migrations(), |t| async move {
        let here = House::new(&t).await;
        let there = here.second(&t).await;
        for n in 0..6 {
            let mut new = sitting(&here, &t, vec![decision(&here, "各处室报送年度总结")]).await;
            new.date = day(10, 1 + n);
            let id = here.record(&new).await.unwrap();
            let first = asked(&here, id).await[0].id;
            let requests = crate::house::asking(&t, &there.db, &there.org);
            let said = Said {
                text: "已报送".into(),
                ..Said::default()
            };
            let actor = identity::Actor::from(t.env.new_id::<kernel::AccountId>());
            let answer = async {
                db::transaction!(there.db, |tx| requests
                    .act_in(tx, first, Act::Answer, &said, &actor)
                    .await)
            };
            let reversal = here
                .activities
                .reverse(id, "重复登记", &Scope::All, here.clerk);
            let (answered, reversed) = futures::future::join(answer, reversal).await;
            reversed.unwrap();
            let end = one(&here, &t, first).await;
            assert_eq!(end == State::Answered, answered.is_ok());
        }
    })
    .await;
}
