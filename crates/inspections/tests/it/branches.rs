//! Branches (支部) are looked at besides units, half a year after half a year; routes of teams; what was mended on the spot;
//! plans found by their words.

use std::collections::BTreeMap;

use desk::Attached;
use inspections::{NewPlan, Repeats, Said, Way};
use kernel::{Date, Id, Scope};
use organization::{Body, BodyKinds, By};
use testkit::{TestDb, on_both};

use crate::filling::{put, running};
use crate::house::{App, House, PACK, migrations, packs, refused};
use crate::plans::{new_plan, start, team, whole};

const KINDS: &str = r#"
[[body-kind]]
code = "branch"
name = { zh = "党支部", en = "Branch" }
roles = [{ code = "member", name = { zh = "党员", en = "Member" } }]
"#;

/// Two branches of O1 and one of O2, of which one has ended; the inspector belongs to the one of O2.
async fn branches(h: &House, t: &TestDb) -> Vec<Id> {
    let kinds = BodyKinds::read(&packs(&format!("{PACK}{KINDS}"))).unwrap();
    let mut made = Vec::new();
    let ended = Some(Date::constant(2025, 12, 31));
    let wanted = [
        ("第一支部", 0, None),
        ("第二支部", 0, None),
        ("机关支部", 1, None),
        ("旧支部", 0, ended),
    ];
    for (name, office, to) in wanted {
        let body = Body {
            id: t.env.new_id(),
            kind: "branch".into(),
            name: name.into(),
            unit: h.offices[office],
            charter: String::new(),
            from: Date::constant(2020, 1, 1),
            to,
        };
        h.org
            .keep_body(&kinds, &body, By::default(), &Scope::All)
            .await
            .unwrap();
        made.push(body.id);
    }
    let from = Date::constant(2024, 1, 1);
    h.org
        .join(
            &kinds,
            made[2],
            "005",
            "member",
            from,
            By::default(),
            &Scope::All,
        )
        .await
        .unwrap();
    made
}

fn half_yearly(h: &House, t: &TestDb) -> NewPlan {
    NewPlan {
        repeats: Repeats::HalfYear,
        bodies: vec!["branch".into()],
        ..new_plan(h, t, "inspection")
    }
}

#[tokio::test]
async fn branches_times_periods_each_branch_has_its_form_and_its_fact() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let bodies = branches(&h, &t).await;
        let (all, actor) = (Scope::All, h.planner.actor());
        let review = NewPlan {
            kind: "review".into(),
            ..half_yearly(&h, &t)
        };
        let told = refused(h.room.plan(&review, &all, &actor).await);
        assert_eq!(told[0], ("bodies".into(), "inspection-bodies-no-files"));
        let id = h
            .room
            .plan(&half_yearly(&h, &t), &all, &actor)
            .await
            .unwrap();
        let of = |w: &inspections::Whole| -> Vec<(String, Option<Id>)> {
            w.tasks.iter().map(|t| (t.object.clone(), t.body)).collect()
        };
        let w = whole(&h, id).await;
        let mut told = of(&w);
        told.sort();
        let mut wanted = vec![
            ("第一支部".to_owned(), Some(bodies[0])),
            ("第二支部".to_owned(), Some(bodies[1])),
            ("机关支部".to_owned(), Some(bodies[2])),
        ];
        wanted.sort();
        assert_eq!(told, wanted, "none that has ended");
        // Who belongs to a branch does not look at it, although they belong to another unit.
        let first = team(&h, id, "甲", &["005"]).await.unwrap();
        team(&h, id, "乙", &["001"]).await.unwrap();
        let w = whole(&h, id).await;
        assert!(w.barred.contains(&(h.offices[1], h.inspector.person)));
        assert!(!w.barred.contains(&(h.offices[0], h.inspector.person)));
        h.room.spread((id, w.plan.seq), &all, &actor).await.unwrap();
        let w = whole(&h, id).await;
        let own = |t: &&inspections::Task| t.team == Some(first);
        assert!(w.tasks.iter().filter(own).all(|t| t.unit == h.offices[0]));
        start(&h, id).await.unwrap();
        let task = w.tasks.iter().find(|t| t.body == Some(bodies[0])).unwrap();
        let eyes = match task.team == Some(first) {
            true => h.inspector.bare(),
            false => h.planner.bare(),
        };
        let puts = [
            put(0, "plan", &[("v-plan", "yes")]),
            put(0, "times", &[("v-times", "4")]),
        ];
        h.room.put(task.id, "", &puts, &eyes).await.unwrap();
        let by = if eyes.account == h.inspector.account {
            h.inspector
        } else {
            h.planner
        };
        h.room
            .hand_in(task.id, 0, &[], (None, ""), &eyes, &by.actor())
            .await
            .unwrap();
        // The fact names the branch: an obligation of branches counts it.
        let facts = h.standing(task.id).await;
        assert_eq!(facts.len(), 1);
        assert_eq!(
            (facts[0].kind.as_str(), facts[0].body),
            ("inspection", Some(bodies[0]))
        );
        // The next half year has the branches that still stand.
        t.clock.advance(169 * 24 * 3600);
        assert_eq!(h.room.repeat().await.unwrap(), 1);
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT id FROM inspection_plan WHERE round = 2";
        let next: Id = tx.one(sql, db::args![]).await.unwrap().get(0).unwrap();
        drop(tx);
        let mut told = of(&whole(&h, next).await);
        told.sort();
        assert_eq!(told, wanted);
    })
    .await;
}

#[tokio::test]
async fn a_team_goes_its_route_and_plans_are_found_by_their_words() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (all, actor) = (Scope::All, h.planner.actor());
        let id = h
            .room
            .plan(&new_plan(&h, &t, "inspection"), &all, &actor)
            .await
            .unwrap();
        let legs =
            |a: Option<i64>, b: Option<i64>| BTreeMap::from([(h.offices[0], a), (h.offices[1], b)]);
        let seq = whole(&h, id).await.plan.seq;
        let none = legs(Some(0), None);
        let wrong = h.room.route((id, seq), &none, &all, &actor);
        assert_eq!(refused(wrong.await)[0].1, "inspection-leg-wrong");
        assert_eq!(whole(&h, id).await.units(), h.offices);
        h.room
            .route((id, seq), &legs(Some(2), Some(1)), &all, &actor)
            .await
            .unwrap();
        assert_eq!(whole(&h, id).await.units(), [h.offices[1], h.offices[0]]);
        let seq = whole(&h, id).await.plan.seq;
        h.room
            .route((id, seq), &legs(Some(2), None), &all, &actor)
            .await
            .unwrap();
        assert_eq!(
            whole(&h, id).await.units(),
            h.offices,
            "without a number it comes last"
        );
        // On the page, and by the search within one's scope.
        let grants = [
            (inspections::READ, all.clone()),
            (inspections::PLAN, all.clone()),
        ];
        let planner = App::new(&h, &t, h.planner, &grants);
        let page = planner.get(&format!("/inspections/{id}")).await.page(200);
        assert!(
            page.contains(&format!("name=\"leg-{}\" value=\"2\"", h.offices[0])),
            "{page}"
        );
        let link = format!("href=\"/inspections/{id}\"");
        let find = "/search?q=%E7%90%86%E8%AE%BA";
        assert!(planner.get(find).await.page(200).contains(&link));
        let office = Scope::Under(vec![h.offices[0]]);
        let clerk = App::new(&h, &t, h.clerk, &[(inspections::READ, office)]);
        assert!(!clerk.get(find).await.page(200).contains(&link));
        // What is older than the search is filled in once.
        db::transaction!(t.db, |tx| {
            tx.execute("DELETE FROM search_term", db::args![]).await?;
            Ok(())
        })
        .unwrap();
        assert!(!planner.get(find).await.page(200).contains(&link));
        h.room.fill_search().await.unwrap();
        assert!(planner.get(find).await.page(200).contains(&link));
    })
    .await;
}

#[tokio::test]
async fn what_was_mended_on_the_spot_becomes_a_case_that_somebody_else_accepts() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let (_, task) = running(&h, &t, "inspection", h.offices[0]).await;
        let eyes = h.inspector.bare();
        let puts = [
            put(0, "plan", &[("v-plan", "no")]),
            put(0, "times", &[("v-times", "4")]),
        ];
        h.room.put(task, "", &puts, &eyes).await.unwrap();
        let said = |owner: &str| {
            vec![Said {
                item: "plan".into(),
                way: Way::Mended,
                severity: String::new(),
                title: "没有学习计划".into(),
                note: "当场补订并公示".into(),
                owner: owner.into(),
            }]
        };
        let actor = h.inspector.actor();
        let hand = async |said: &[Said]| {
            let rest = (None, "");
            h.room.hand_in(task, 0, said, rest, &eyes, &actor).await
        };
        let told = refused(hand(&said("999")).await);
        assert_eq!(
            told,
            [
                ("owner-plan".into(), "inspection-person-unknown"),
                ("owner-plan".into(), "inspection-mended-photo")
            ]
        );
        let photo = Attached {
            name: "计划.jpg".into(),
            sha256: "ab".repeat(32),
            size: 7,
        };
        h.room
            .attach(task, "plan", &[photo], &[], &eyes)
            .await
            .unwrap();
        hand(&said("003")).await.unwrap();
        let kept = h.kept.0.lock().unwrap();
        assert_eq!((kept.len(), kept[0].1.owner), (1, Some(h.clerk.person)));
        let mended = h.kept.1.lock().unwrap();
        assert_eq!(
            (mended.len(), mended[0].how.as_str()),
            (1, "当场补订并公示")
        );
        assert_eq!(mended[0].files[0].name, "计划.jpg");
    })
    .await;
}
