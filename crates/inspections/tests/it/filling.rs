//! Filling in, handing in, findings, facts, corrections, looking over, objections.

use inspections::{Eyes, Fields, Paper, Put, Said, TaskState, Way};
use kernel::{Id, Scope, UnitId};
use ledger::Fact;
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, Who, migrations, refused};
use crate::plans::{new_plan, start, team, whole};

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

pub fn put(seq: i64, item: &str, pairs: &[(&str, &str)]) -> Put {
    Put {
        seq,
        item: item.into(),
        seen: None,
        fields: fields(pairs),
    }
}

/// A running plan, and the task about a unit.
pub async fn running(h: &House, t: &TestDb, kind: &str, unit: UnitId) -> (Id, Id) {
    let new = new_plan(h, t, kind);
    let id = h
        .room
        .plan(&new, &Scope::All, &h.planner.actor())
        .await
        .unwrap();
    if kind != "self" {
        team(h, id, "甲", &["005", "001"]).await.unwrap();
        let seq = whole(h, id).await.plan.seq;
        h.room
            .spread((id, seq), &Scope::All, &h.planner.actor())
            .await
            .unwrap();
    }
    start(h, id).await.unwrap();
    let w = whole(h, id).await;
    let task = w.tasks.iter().find(|t| t.unit == unit).unwrap().id;
    (id, task)
}

/// Fills in for a unit.
pub fn clerk(h: &House) -> Eyes {
    let own = Scope::Under(vec![h.offices[0]]);
    h.clerk.eyes(Scope::nothing(), own, Scope::nothing())
}

/// Decides.
pub fn leader(h: &House) -> Eyes {
    h.leader
        .eyes(Scope::nothing(), Scope::nothing(), Scope::All)
}

async fn fill(h: &House, task: Id, eyes: &Eyes, times: &str, plan: &str) {
    let puts = [
        put(
            0,
            "plan",
            &[
                ("v-plan", plan),
                ("n-plan", "没有找到"),
                ("p-plan", "二楼档案室"),
            ],
        ),
        put(0, "times", &[("v-times", times)]),
    ];
    let taken = h.room.put(task, "", &puts, eyes).await.unwrap();
    assert_eq!(taken.faults, []);
}

async fn hand_in(
    h: &House,
    task: Id,
    version: i64,
    said: &[Said],
    why: &str,
    who: (Who, &Eyes),
) -> kernel::Result<i64> {
    h.room
        .hand_in(task, version, said, (None, why), who.1, &who.0.actor())
        .await
}

fn told(facts: &[Fact]) -> Vec<(&str, &str, Option<i64>)> {
    let mut told: Vec<_> = facts
        .iter()
        .map(|f| (f.kind.as_str(), f.role.as_deref().unwrap_or(""), f.quantity))
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn what_a_device_sends_is_taken_once_and_in_order() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        let send = async |puts: &[Put]| h.room.put(task, "d-1", puts, &eyes).await;
        let first = [
            put(1, "plan", &[("v-plan", "yes")]),
            put(2, "times", &[("v-times", "3")]),
        ];
        assert_eq!(send(&first).await.unwrap().seq, 2);
        assert_eq!(
            send(&[put(3, "times", &[("v-times", "5")])])
                .await
                .unwrap()
                .seq,
            3
        );
        // What comes again late changes nothing, and is acknowledged.
        assert_eq!(send(&first).await.unwrap().seq, 3);
        let s = h.room.standing(task, &eyes).await.unwrap();
        let value = |s: &inspections::Standing, item: &str| s.filled.answers[item].value.clone();
        assert_eq!(value(&s, "times"), commons::forms::Value::Number(5));
        // What cannot be meant is told, and what was there stays.
        let taken = send(&[put(4, "times", &[("v-times", "many")])])
            .await
            .unwrap();
        assert_eq!(
            (
                taken.seq,
                taken.faults.len(),
                taken.faults[0].field.as_str()
            ),
            (4, 1, "v-times")
        );
        let s = h.room.standing(task, &eyes).await.unwrap();
        assert_eq!(value(&s, "times"), commons::forms::Value::Number(5));
        // Another device has numbers of its own.
        let taken = h
            .room
            .put(task, "d-2", &[put(1, "times", &[("v-times", "6")])], &eyes)
            .await
            .unwrap();
        assert_eq!(taken.seq, 1);
        assert_eq!(
            refused(h.room.put(task, "x y", &first, &eyes).await)[0].0,
            "device"
        );
        // Nobody else fills it in; the unit itself does not see what is being written.
        assert_eq!(
            refused(h.room.put(task, "d-3", &first, &clerk(&h)).await)[0].1,
            "not-found"
        );
        let s = h.room.standing(task, &clerk(&h)).await.unwrap();
        assert!(s.filled.answers.is_empty() && s.hand.own);
        let stranger = h.moved.bare();
        assert_eq!(
            refused(h.room.standing(task, &stranger).await)[0].1,
            "not-found"
        );
        // What is taken back is not answered.
        h.room
            .put(task, "d-2", &[put(2, "times", &[])], &eyes)
            .await
            .unwrap();
        let s = h.room.standing(task, &eyes).await.unwrap();
        assert!(!s.filled.answers.contains_key("times"));
    })
    .await;
}

#[tokio::test]
async fn what_two_nodes_take_at_once_is_taken_once() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        for round in 0..8 {
            let (old, new) = (2 * round + 1, 2 * round + 2);
            let one = [put(old, "times", &[("v-times", "1")])];
            let both = [one[0].clone(), put(new, "times", &[("v-times", "9")])];
            let (a, b) = tokio::join!(
                h.room.put(task, "d", &one, &eyes),
                other.room.put(task, "d", &both, &eyes),
            );
            assert!(a.unwrap().seq >= old && b.unwrap().seq == new);
            // Whoever came first, the newest is what stays.
            let s = h.room.standing(task, &eyes).await.unwrap();
            assert_eq!(
                s.filled.answers["times"].value,
                commons::forms::Value::Number(9)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn handing_in_makes_result_facts_and_cases_at_once() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (plan, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        let who = (h.inspector, &eyes);
        let missing = refused(hand_in(&h, task, 0, &[], "", who).await);
        assert_eq!(
            missing,
            [
                ("v-plan".into(), "form-missing"),
                ("v-times".into(), "form-missing")
            ]
        );
        fill(&h, task, &eyes, "2", "no").await;
        let said = |way, note: &str| {
            vec![Said {
                owner: String::new(),
                item: "times".into(),
                way,
                severity: "grave".into(),
                title: "学习次数不足".into(),
                note: note.into(),
            }]
        };
        // What was mended on the spot says how.
        assert_eq!(
            refused(hand_in(&h, task, 0, &said(Way::Mended, ""), "", who).await)[0].1,
            "inspection-mended-how"
        );
        assert_eq!(
            hand_in(&h, task, 0, &said(Way::Mended, "当场补学"), "", who)
                .await
                .unwrap(),
            1
        );
        // Handed in twice it is one result.
        assert_eq!(
            refused(hand_in(&h, task, 0, &[], "", who).await)[0].1,
            "inspection-changed-meanwhile"
        );
        {
            let kept = h.kept.0.lock().unwrap();
            assert_eq!(kept.len(), 1);
            let finding = &kept[0].1;
            assert_eq!((finding.unit, finding.from), (h.offices[0], h.bureau));
            assert_eq!(
                (finding.kind.as_str(), finding.origin.as_str()),
                ("problem", "supervision")
            );
            assert_eq!(
                (finding.severity.as_str(), finding.area.as_str()),
                ("minor", "political")
            );
            assert!(finding.detail.contains("二楼档案室") && finding.detail.contains("没有找到"));
        }
        let facts = h.standing(task).await;
        assert_eq!(
            told(&facts),
            [
                ("inspection", "inspection", Some(0)),
                ("inspection-finding", "grave", Some(1_000)),
                ("inspection-finding", "minor", Some(1_000)),
            ]
        );
        let held = facts.iter().find(|f| f.kind == "inspection").unwrap();
        assert_eq!(held.category.as_deref(), Some("upper"));
        assert!(held.unit.is_some() && held.unit != Some(held.host));
        let s = h.room.standing(task, &clerk(&h)).await.unwrap();
        assert_eq!(
            (
                s.task.state,
                s.task.version,
                s.outcomes.len(),
                s.found.len()
            ),
            (TaskState::HandedIn, 1, 1, 2)
        );
        // A correction says why, takes the facts back and keeps the old result; no second case of the same item.
        fill(&h, task, &eyes, "4", "no").await;
        assert_eq!(
            refused(hand_in(&h, task, 1, &[], "", who).await),
            [("reason".into(), "inspection-text-wrong")]
        );
        assert_eq!(
            hand_in(&h, task, 1, &[], "核对后次数达标", who)
                .await
                .unwrap(),
            2
        );
        let facts = h.standing(task).await;
        assert_eq!(
            told(&facts),
            [
                ("inspection", "inspection", Some(600)),
                ("inspection-finding", "minor", Some(1_000))
            ]
        );
        assert_eq!(h.kept.0.lock().unwrap().len(), 1);
        let s = h.room.standing(task, &clerk(&h)).await.unwrap();
        let told: Vec<_> = s
            .outcomes
            .iter()
            .map(|o| (o.n, o.reason.as_str()))
            .collect();
        assert_eq!(told, [(2, "核对后次数达标"), (1, "")]);
        assert_eq!(h.audited("inspection.corrected").await, 1);
        let w = whole(&h, plan).await;
        let done = w.tasks.iter().find(|t| t.id == task).unwrap();
        assert_eq!((done.share, done.findings), (Some(600), 1));
    })
    .await;
}

#[tokio::test]
async fn two_who_hand_in_at_once_make_one_result() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let (one, two) = (h.inspector.bare(), h.planner.bare());
        fill(&h, task, &one, "4", "yes").await;
        let (a, b) = tokio::join!(
            hand_in(&h, task, 0, &[], "", (h.inspector, &one)),
            hand_in(&other, task, 0, &[], "", (h.planner, &two)),
        );
        assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
        assert_eq!(
            told(&h.standing(task).await),
            [("inspection", "inspection", Some(1_000))]
        );
    })
    .await;
}

#[tokio::test]
async fn a_form_on_paper_is_typed_in_later_and_says_so() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        fill(&h, task, &eyes, "4", "yes").await;
        t.clock.advance(3 * 24 * 3600);
        let on = t.env.today().yesterday().unwrap();
        let file = desk::Attached {
            name: "表.jpg".into(),
            sha256: "ab".repeat(32),
            size: 3,
        };
        let paper = |on, files: Vec<desk::Attached>| Paper { on, files };
        let try_it = async |paper: &Paper| {
            h.room
                .hand_in(task, 0, &[], (Some(paper), ""), &eyes, &h.inspector.actor())
                .await
        };
        let tomorrow = t.env.today().tomorrow().unwrap();
        assert_eq!(
            refused(try_it(&paper(tomorrow, vec![file.clone()])).await)[0].0,
            "paper-on"
        );
        assert_eq!(refused(try_it(&paper(on, vec![])).await)[0].0, "file");
        try_it(&paper(on, vec![file])).await.unwrap();
        let facts = h.standing(task).await;
        assert!(facts[0].late && facts[0].date == on && facts[0].source == "paper");
        assert_eq!(facts[0].evidence, ["ab".repeat(32)]);
    })
    .await;
}

#[tokio::test]
async fn a_self_check_is_looked_over_by_the_next_level() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "self", h.offices[0]).await;
        let (clerk, leader) = (clerk(&h), leader(&h));
        fill(&h, task, &clerk, "4", "yes").await;
        hand_in(&h, task, 0, &[], "", (h.clerk, &clerk))
            .await
            .unwrap();
        let look = async |back, eyes: &Eyes, who: Who, version| {
            h.room
                .look_over(task, version, back, eyes, &who.actor())
                .await
        };
        // Not by the unit itself, nor by who handed it in.
        let own = Scope::Under(vec![h.offices[0]]);
        let beside = h
            .moved
            .eyes(Scope::nothing(), Scope::nothing(), own.clone());
        assert_eq!(
            refused(look(None, &beside, h.moved, 1).await)[0].1,
            "not-found"
        );
        let both = h.clerk.eyes(Scope::nothing(), own, Scope::All);
        assert_eq!(
            refused(look(None, &both, h.clerk, 1).await)[0].1,
            "inspection-own-result"
        );
        assert_eq!(
            refused(look(Some(""), &leader, h.leader, 1).await)[0].0,
            "back"
        );
        look(Some("次数与台账不符"), &leader, h.leader, 1)
            .await
            .unwrap();
        assert_eq!(h.standing(task).await.len(), 0);
        fill(&h, task, &clerk, "3", "yes").await;
        hand_in(&h, task, 1, &[], "重新核对", (h.clerk, &clerk))
            .await
            .unwrap();
        look(None, &leader, h.leader, 2).await.unwrap();
        let s = h.room.standing(task, &clerk).await.unwrap();
        assert_eq!(s.task.state, TaskState::Passed);
        assert_eq!(
            told(&h.standing(task).await)[0],
            ("inspection", "self", Some(400))
        );
        let request = h
            .requests
            .state(&mut t.db.read().await.unwrap(), s.task.request.unwrap())
            .await
            .unwrap();
        assert_eq!(request, Some(requests::State::Confirmed));
    })
    .await;
}

#[tokio::test]
async fn a_unit_objects_in_time_and_somebody_else_decides() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let (eyes, clerk, leader) = (h.inspector.bare(), clerk(&h), leader(&h));
        fill(&h, task, &eyes, "2", "yes").await;
        let object = async |version, text: &str, eyes: &Eyes, who: Who| {
            h.room.object(task, version, text, eyes, &who.actor()).await
        };
        assert_eq!(
            refused(object(0, "不符", &clerk, h.clerk).await)[0].1,
            "inspection-changed-meanwhile"
        );
        hand_in(&h, task, 0, &[], "", (h.inspector, &eyes))
            .await
            .unwrap();
        assert_eq!(
            refused(object(1, "不符", &eyes, h.inspector).await)[0].1,
            "not-found"
        );
        assert_eq!(
            refused(object(1, "", &clerk, h.clerk).await)[0].0,
            "objection"
        );
        object(1, "漏计两次学习", &clerk, h.clerk).await.unwrap();
        assert_eq!(
            refused(object(1, "漏计两次学习", &clerk, h.clerk).await)[0].1,
            "inspection-objection-twice"
        );
        let s = h.room.standing(task, &leader).await.unwrap();
        let id = s.objections[0].id;
        let decide = async |eyes: &Eyes, who: Who| {
            h.room
                .decide_objection((task, id), true, "情况属实", eyes, &who.actor())
                .await
        };
        let member = h
            .inspector
            .eyes(Scope::nothing(), Scope::nothing(), Scope::All);
        assert_eq!(
            refused(decide(&member, h.inspector).await)[0].1,
            "inspection-own-objection"
        );
        assert_eq!(refused(decide(&clerk, h.clerk).await)[0].1, "not-found");
        decide(&leader, h.leader).await.unwrap();
        assert_eq!(
            refused(decide(&leader, h.leader).await)[0].1,
            "inspection-changed-meanwhile"
        );
        fill(&h, task, &eyes, "4", "yes").await;
        hand_in(&h, task, 1, &[], "异议成立", (h.inspector, &eyes))
            .await
            .unwrap();
        // The days run from each result; then they are over.
        t.clock.advance(6 * 24 * 3600);
        assert_eq!(
            refused(object(2, "再次提出", &clerk, h.clerk).await)[0].1,
            "inspection-objection-late"
        );
    })
    .await;
}
