//! Units that take part, and opinions that are asked for, given and decided.

use activities::{Mark, NewCall, READ, RECORD, Role, Verdict};
use kernel::{AccountId, ActivityId, Id, Scope, UnitId};
use ledger::Fact;
use requests::{ANSWER, Eyes};
use testkit::{TestDb, on_both};
use web::Principal;

use crate::house::{House, day, migrations, refused, why};
use crate::pages::App;

fn call(h: &House, t: &TestDb, activity: Option<ActivityId>) -> NewCall {
    NewCall {
        id: t.env.new_id(),
        host: h.bureau,
        plan: None,
        activity,
        title: "工作规则（征求意见稿）".into(),
        text: "第一条\n第二条".into(),
        due: day(11, 27),
        units: h.offices.to_vec(),
        people: vec![h.people["006"]],
    }
}

/// Somebody who may answer for a unit.
fn answers(t: &TestDb, unit: UnitId) -> Eyes {
    Eyes {
        account: t.env.new_id::<AccountId>(),
        person: None,
        asks: Scope::nothing(),
        answers: Scope::Under(vec![unit]),
    }
}

async fn facts(h: &House, call: Id) -> Vec<Fact> {
    let mut tx = h.db.read().await.unwrap();
    let mut all = h.ledger.standing(&mut tx, call).await.unwrap();
    all.sort_by_key(|f| f.id);
    all
}

fn roles(all: &[Fact]) -> Vec<Option<&str>> {
    all.iter().map(|f| f.role.as_deref()).collect()
}

#[tokio::test]
async fn opinions_are_given_once_changed_until_the_day_and_decided_with_reasons() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let new = call(&h, &t, Some(id));
        for _ in 0..2 {
            assert_eq!(
                a.call_for_opinions(&new, &all, h.clerk).await.unwrap(),
                new.id
            );
        }
        let (known, asked) = a.call(new.id, &all).await.unwrap();
        assert_eq!(
            (known.host, asked.len()),
            (h.offices[0], 3),
            "the host of the activity asks"
        );
        let of = |unit| asked.iter().find(|o| o.unit == unit).unwrap().id;
        let (first, second) = (of(h.offices[0]), of(h.offices[1]));
        let third = asked
            .iter()
            .find(|o| o.person == Some(h.people["006"]))
            .unwrap();
        assert_eq!(h.audited("request.asked").await.len(), 3);
        let mine = answers(&t, h.offices[1]);
        let give = async |id, text: &str, nothing, eyes: &Eyes| {
            a.give_opinion(id, (text, nothing), eyes, eyes.account)
                .await
        };
        // Somebody else's does not exist; nothing and something at once is neither.
        assert_eq!(
            refused(give(first, "同意", false, &mine).await),
            why("", "not-found")
        );
        for (text, nothing) in [("", false), ("有一条", true), ("好", false)] {
            assert_eq!(
                refused(give(second, text, nothing, &mine).await),
                why("text", "opinion-text")
            );
        }
        give(second, "建议修改第二条", false, &mine).await.unwrap();
        assert_eq!(roles(&facts(&h, new.id).await), [None]);
        give(second, "", true, &mine).await.unwrap();
        assert_eq!(roles(&facts(&h, new.id).await), [Some("none")]);
        give(second, "建议修改第二条，补充职责", false, &mine)
            .await
            .unwrap();
        let stands = facts(&h, new.id).await;
        assert_eq!(roles(&stands), [None], "one fact an answer");
        assert_eq!(
            (stands[0].kind.as_str(), stands[0].date),
            ("opinion", day(11, 20))
        );
        let own = Eyes {
            account: t.env.new_id(),
            person: Some(h.people["006"]),
            asks: Scope::nothing(),
            answers: Scope::nothing(),
        };
        give(third.id, "", true, &own).await.unwrap();
        // What became of it.
        let judge = async |id, verdict, reason: &str| {
            a.judge_opinion((new.id, id), (verdict, reason), &all, h.clerk)
                .await
        };
        assert_eq!(
            refused(judge(second, Verdict::Partly, "").await),
            why("reason", "opinion-reason")
        );
        assert_eq!(
            refused(judge(third.id, Verdict::Adopted, "").await),
            why("conflict", "opinion-nothing")
        );
        judge(second, Verdict::Partly, "第二条已改").await.unwrap();
        judge(second, Verdict::Adopted, "").await.unwrap();
        let mut said: Vec<Option<String>> = facts(&h, new.id)
            .await
            .into_iter()
            .map(|f| f.role)
            .collect();
        said.sort();
        assert_eq!(said, [Some("adopted".into()), Some("none".into())]);
        assert_eq!(
            refused(give(second, "又想到一条", false, &mine).await),
            why("conflict", "opinion-closed")
        );
        // After the day an answer is late but taken; it is changed no more.
        t.clock.advance(9 * 24 * 3600);
        let theirs = answers(&t, h.offices[0]);
        give(first, "同意，没有修改", false, &theirs).await.unwrap();
        assert_eq!(
            refused(give(first, "改一下", false, &theirs).await),
            why("conflict", "opinion-closed")
        );
        a.close_call(new.id, "已汇总", &all, h.clerk).await.unwrap();
        assert_eq!(
            refused(a.close_call(new.id, "已汇总", &all, h.clerk).await),
            why("conflict", "opinion-closed")
        );
        let requests = crate::house::asking(&t, &h.db, &h.org);
        let mut tx = h.db.read().await.unwrap();
        for id in [first, second, third.id] {
            let state = requests.state(&mut tx, id).await.unwrap();
            assert_eq!(state, Some(requests::State::Confirmed));
        }
        drop(tx);
        h.ledger.settle().await.unwrap();
        assert!(
            ledger::verify(&h.db, &[])
                .await
                .unwrap()
                .problems
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn who_did_not_answer_is_asked_no_longer_and_wrong_calls_are_refused() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let bad = NewCall {
            title: "甲".into(),
            due: day(11, 19),
            units: vec![],
            people: vec![],
            ..call(&h, &t, None)
        };
        let errors = [
            why("title", "call-title"),
            why("due", "call-due"),
            why("units", "call-nobody"),
        ];
        assert_eq!(
            refused(a.call_for_opinions(&bad, &all, h.clerk).await),
            errors.concat()
        );
        let outside = Scope::Under(vec![h.elsewhere]);
        let new = call(&h, &t, None);
        assert_eq!(
            refused(a.call_for_opinions(&new, &outside, h.clerk).await),
            why("", "not-found")
        );
        a.call_for_opinions(&new, &all, h.clerk).await.unwrap();
        assert_eq!(
            refused(a.call(new.id, &outside).await),
            why("", "not-found")
        );
        a.close_call(new.id, "已汇总", &all, h.clerk).await.unwrap();
        let (_, asked) = a.call(new.id, &all).await.unwrap();
        let eyes = answers(&t, asked[0].unit);
        let late = a
            .give_opinion(asked[0].id, ("同意修改", false), &eyes, eyes.account)
            .await;
        assert_eq!(refused(late), why("conflict", "opinion-closed"));
        assert_eq!(h.audited("request.withdrawn").await.len(), 3);
        assert_eq!(facts(&h, new.id).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn opinions_are_asked_answered_and_printed_on_pages() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let id = h.record(&h.session(&t, day(11, 20))).await.unwrap();
        let app = App::all(&h, &t, Scope::Under(vec![h.bureau]));
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        let new = format!("/activities/calls/new?activity={id}");
        assert!(page.contains(&new), "{page}");
        let page = app.get(&new).await.page(200);
        assert!(page.contains("《周五集中学习》征求意见"));
        let call: Id = t.env.new_id();
        let (call, activity, host) = (call.to_string(), id.to_string(), h.offices[0].to_string());
        let mut fields = vec![
            ("id", call.as_str()),
            ("activity", &activity),
            ("host", &host),
            ("title", "工作规则"),
            ("text", "第一条"),
            ("due", "2026-11-27"),
            ("units", "O2、O9"),
            ("people", "003"),
        ];
        let refused = app.post("/activities/calls", &fields).await.page(422);
        assert!(refused.contains("没有编码为 O9 的单位"), "{refused}");
        fields[6] = ("units", "O2");
        app.post("/activities/calls", &fields).await.page(303);
        let at = format!("/activities/calls/{call}");
        let page = app.get(&at).await.page(200);
        assert!(
            page.contains("单位O2") && page.contains("未答复 2"),
            "{page}"
        );
        let (_, asked) = h
            .activities
            .call(call.parse().unwrap(), &Scope::All)
            .await
            .unwrap();
        let unit = asked.iter().find(|o| o.person.is_none()).unwrap();
        let principal =
            Principal::new(t.env.new_id(), "某人").with(ANSWER, Scope::Under(vec![h.offices[1]]));
        let other = App::seen_by(&h, &t, Some(principal));
        let own = format!("/activities/opinions/{}", unit.id);
        assert_eq!(
            App::person(&h, &t, "006").get(&own).await.status.as_u16(),
            404
        );
        assert!(other.get(&own).await.page(200).contains("第一条"));
        // The request leads there, and is not answered by hand.
        let request = other.get(&format!("/requests/{}", unit.id)).await.page(200);
        assert!(request.contains(&own), "{request}");
        other.post(&own, &[("text", "")]).await.page(422);
        other
            .post(&own, &[("text", "建议<b>修改</b>")])
            .await
            .page(303);
        assert_eq!(
            other.get(&at).await.status.as_u16(),
            404,
            "the summary is whose who asks"
        );
        let judged = format!("{at}/opinions/{}", unit.id);
        app.post(&judged, &[("verdict", "rejected")])
            .await
            .page(422);
        app.post(&judged, &[("verdict", "rejected"), ("reason", "已有规定")])
            .await
            .page(303);
        let page = app.get(&at).await.page(200);
        for text in ["建议&lt;b&gt;修改", "不采纳", "已有规定"] {
            assert!(page.contains(text), "{text}");
        }
        assert!(
            other.get(&own).await.page(200).contains("已有规定"),
            "who answered reads why"
        );
        let sheet = app.get(&format!("{at}/table.xlsx")).await;
        let read = commons::sheets::read("t.xlsx", &sheet.bytes, &Default::default()).unwrap();
        let cells: Vec<String> = read.cells().map(|c| c.text.to_owned()).collect();
        assert!(cells.contains(&"建议<b>修改</b>".to_owned()), "{cells:?}");
        app.post(&format!("{at}/close"), &[]).await.page(303);
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        assert!(page.contains("已答复 1/2"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn participating_units_fill_their_part_and_count_for_themselves() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (a, all) = (&h.activities, Scope::All);
        let [host, part] = h.offices;
        let mut new = h.session(&t, day(11, 20));
        new.details.units = vec![host];
        assert_eq!(
            refused(h.record(&new).await),
            why("units", "participants-wrong")
        );
        new.details.units = vec![part];
        let id = h.record(&new).await.unwrap();
        let own = Scope::Under(vec![part]);
        // It is seen by the other unit, and theirs to read, not to change.
        let seen = activities::View::from(&own).taking_part();
        assert_eq!(a.activity(id, seen).await.unwrap().1.len(), 2);
        assert_eq!(
            refused(a.reverse(id, "不是我们的", &own, h.clerk).await),
            why("", "not-found")
        );
        let mark = |no: &str, role| Mark {
            person: h.people[no],
            role,
        };
        let marks = [mark("003", Role::Present), mark("004", Role::Leave)];
        for _ in 0..2 {
            a.fill_part(id, part, &marks, &own, h.clerk).await.unwrap();
        }
        assert_eq!(h.standing(id).await.len(), 5, "held, and one each");
        let there = h.numbers(part).await;
        assert_eq!(
            (there.0, there.3),
            (1, 0),
            "present in their own unit, held by the host alone"
        );
        a.fill_part(id, part, &[mark("004", Role::Present)], &own, h.clerk)
            .await
            .unwrap();
        assert_eq!(h.numbers(part).await.0, 2);
        let strange = a
            .fill_part(id, part, &[mark("001", Role::Absent)], &own, h.clerk)
            .await;
        assert_eq!(refused(strange), why("roster", "roster-person-unknown"));
        let others = Scope::Under(vec![h.elsewhere]);
        let outside = a.fill_part(id, part, &marks, &others, h.clerk).await;
        assert_eq!(refused(outside), why("", "not-found"));
        let not_there = a.fill_part(id, h.elsewhere, &marks, &all, h.clerk).await;
        assert_eq!(refused(not_there), why("", "not-found"));
        let gone = a.set_participant(id, (part, false), &all, h.clerk).await;
        assert_eq!(refused(gone), why("conflict", "participants-people"));
        a.set_participant(id, (h.elsewhere, true), &all, h.clerk)
            .await
            .unwrap();
        a.set_participant(id, (h.elsewhere, false), &all, h.clerk)
            .await
            .unwrap();
        h.proven().await;
        // Pages.
        let grants = [(READ, own.clone()), (RECORD, own.clone())];
        let app = App::new(&h, &t, &grants);
        let list = app.get("/activities").await.page(200);
        assert!(list.contains("周五集中学习"), "{list}");
        let page = app.get(&format!("/activities/{id}")).await.page(200);
        let at = format!("/activities/{id}/units/{part}");
        assert!(page.contains(&at) && !page.contains("冲正活动"), "{page}");
        let page = app.get(&at).await.page(200);
        assert!(page.contains("丙某") && !page.contains("甲某"));
        app.post(&at, &[]).await.page(422);
        let name = format!("part-{}", h.people["003"]);
        app.post(&at, &[(&name, "absent")]).await.page(303);
        assert_eq!(h.numbers(part).await.0, 1);
        let stranger = App::all(&h, &t, others);
        assert_eq!(
            stranger
                .get(&format!("/activities/{id}"))
                .await
                .status
                .as_u16(),
            404
        );
        assert_eq!(stranger.get(&at).await.status.as_u16(), 404);
    })
    .await;
}

#[tokio::test]
async fn people_of_a_participating_unit_stand_on_the_roster_as_its_own() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let [host, part] = h.offices;
        let own = Scope::Under(vec![host]);
        let mut new = h.session(&t, day(11, 20));
        new.marks = h.marks(&[("001", Role::Present), ("003", Role::Present)]);
        let alone = h.activities.record(&new, &own, h.clerk).await;
        assert_eq!(refused(alone), why("roster", "roster-person-unknown"));
        new.details.units = vec![part];
        let id = h.activities.record(&new, &own, h.clerk).await.unwrap();
        let (_, parts) = h.activities.activity(id, &own).await.unwrap();
        let units: Vec<UnitId> = parts.iter().map(|p| p.unit).collect();
        assert_eq!(units, [host, part]);
        assert_eq!((h.numbers(host).await.0, h.numbers(part).await.0), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_plan_names_units_whose_people_are_expected() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut plan = crate::plans::plan(&h, &t, 11, 27);
        plan.host = h.offices[0];
        let units = [h.offices[1]];
        let bad = h
            .activities
            .plan_with(&plan, &[plan.host], &Scope::All, h.clerk)
            .await;
        assert_eq!(refused(bad), why("units", "participants-wrong"));
        let id = h
            .activities
            .plan_with(&plan, &units, &Scope::All, h.clerk)
            .await
            .unwrap();
        let expected = async |no: &str| {
            let found = h
                .activities
                .expected_of(h.people[no], day(11, 20), day(12, 1))
                .await;
            found.unwrap().len()
        };
        assert_eq!(
            (
                expected("001").await,
                expected("003").await,
                expected("006").await
            ),
            (1, 1, 0)
        );
        let own = Scope::Under(units.to_vec());
        assert_eq!(h.activities.planned(id, &own).await.unwrap().0.id, id);
        let theirs = h.activities.cancel_plan(id, "不参加", &own, h.clerk).await;
        assert_eq!(
            refused(theirs),
            why("", "not-found"),
            "it is the host's to cancel"
        );
    })
    .await;
}
