//! Plans: units, teams with recusal, files drawn, started, ended, coming again.

use std::collections::BTreeMap;

use inspections::{NewPlan, NewTeam, PlanState, Reach, Repeats, TaskState, Whole, draw};
use kernel::{Date, Id, PersonId, Scope, UnitId};
use sha2::Digest;
use testkit::{TestDb, on_both, on_postgres};

use crate::house::{House, Who, migrations, refused};

pub fn new_plan(h: &House, t: &TestDb, kind: &str) -> NewPlan {
    let today = t.env.today();
    NewPlan {
        id: t.env.new_id(),
        kind: kind.into(),
        host: h.bureau,
        form: "upper".into(),
        title: "政治理论学习督导".into(),
        basis: "督导工作方案".into(),
        opens: today,
        until: today.checked_add(jiff::Span::new().days(20)).unwrap(),
        repeats: Repeats::Never,
        under: h.bureau,
        reach: Reach::Below,
        categories: vec![],
        bodies: vec![],
    }
}

pub fn planner(h: &House) -> inspections::Eyes {
    h.planner
        .eyes(Scope::All, Scope::nothing(), Scope::nothing())
}

pub async fn whole(h: &House, id: Id) -> Whole {
    h.room.whole(id, &planner(h)).await.unwrap()
}

pub async fn team(h: &House, id: Id, name: &str, members: &[&str]) -> kernel::Result<Id> {
    let seq = whole(h, id).await.plan.seq;
    let team = NewTeam {
        name: name.into(),
        members: members.iter().map(|m| (*m).to_owned()).collect(),
        ..NewTeam::default()
    };
    h.room
        .add_team((id, seq), &team, &Scope::All, &h.planner.actor())
        .await?;
    let w = whole(h, id).await;
    Ok(w.teams.iter().find(|t| t.name == name).unwrap().id)
}

async fn assign(h: &House, id: Id, wanted: &[(UnitId, Option<Id>)]) -> kernel::Result<()> {
    let seq = whole(h, id).await.plan.seq;
    let wanted: BTreeMap<UnitId, Option<Id>> = wanted.iter().copied().collect();
    h.room
        .assign((id, seq), &wanted, &Scope::All, &h.planner.actor())
        .await
}

pub async fn start(h: &House, id: Id) -> kernel::Result<usize> {
    let seq = whole(h, id).await.plan.seq;
    h.room
        .start((id, seq), &Scope::All, &h.planner.actor())
        .await
}

async fn requests_of(h: &House, who: Who) -> Vec<(String, String)> {
    let eyes = requests::Eyes {
        account: who.account,
        person: Some(who.person),
        asks: Scope::nothing(),
        answers: Scope::nothing(),
    };
    let (_, list) = h.requests.waiting(&eyes, 50).await.unwrap();
    list.into_iter().map(|r| (r.title, r.kind)).collect()
}

#[tokio::test]
async fn a_plan_names_its_units_by_subtree_and_category() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let by = h.planner.actor();
        let plan = async |change: &dyn Fn(&mut NewPlan)| {
            let mut new = new_plan(&h, &t, "inspection");
            change(&mut new);
            let id = h.room.plan(&new, &Scope::All, &by).await?;
            let w = whole(&h, id).await;
            Ok::<_, kernel::Error>(w.units())
        };
        assert_eq!(plan(&|_| ()).await.unwrap(), h.offices);
        assert_eq!(plan(&|p| p.reach = Reach::All).await.unwrap().len(), 3);
        let stations = |p: &mut NewPlan| {
            p.reach = Reach::All;
            p.categories = vec!["所".into()];
        };
        assert_eq!(plan(&stations).await.unwrap(), [h.station]);
        let wrong = |p: &mut NewPlan| {
            p.title = " ".into();
            p.basis = String::new();
            p.form = "gone".into();
            p.until = p.opens.yesterday().unwrap();
        };
        let fields: Vec<String> = refused(plan(&wrong).await)
            .into_iter()
            .map(|(f, _)| f)
            .collect();
        assert_eq!(fields, ["title", "basis", "until", "form"]);
        // One looks at what lies below, and at nobody above.
        let up = |p: &mut NewPlan| {
            p.host = h.offices[0];
            p.under = h.bureau;
        };
        assert_eq!(
            refused(plan(&up).await),
            [("under".into(), "inspection-under")]
        );
        assert_eq!(
            refused(plan(&|p| p.categories = vec!["厅".into()]).await)[0].0,
            "under"
        );
        // Sent twice it is planned once; out of scope there is no such host.
        let new = new_plan(&h, &t, "self");
        h.room.plan(&new, &Scope::All, &by).await.unwrap();
        h.room.plan(&new, &Scope::All, &by).await.unwrap();
        let own = Scope::Under(vec![h.offices[0]]);
        let other = NewPlan {
            id: t.env.new_id(),
            ..new.clone()
        };
        assert_eq!(
            refused(h.room.plan(&other, &own, &by).await)[0].1,
            "not-found"
        );
        assert_eq!(h.audited("inspection.planned").await, 4);
    })
    .await;
}

#[tokio::test]
async fn who_belongs_to_a_unit_or_did_lately_does_not_look_at_it() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let new = new_plan(&h, &t, "inspection");
        let id = h
            .room
            .plan(&new, &Scope::All, &h.planner.actor())
            .await
            .unwrap();
        let [o1, o2] = h.offices;
        assert_eq!(
            refused(team(&h, id, "甲", &["404"]).await),
            [("members".into(), "inspection-person-unknown")]
        );
        // 004 is of O2, and was of O1 until this summer; 005 is of the bureau itself.
        let mixed = team(&h, id, "甲", &["005", "004"]).await.unwrap();
        assert_eq!(
            refused(team(&h, id, "乙", &["004"]).await)[0].1,
            "inspection-member-twice"
        );
        let second = team(&h, id, "乙", &["001"]).await.unwrap();
        let told = refused(assign(&h, id, &[(o1, Some(mixed)), (o2, Some(second))]).await);
        assert_eq!(told, [("teams".into(), "inspection-recused")]);
        // Spread evenly, nobody gets what they may not look at.
        let seq = whole(&h, id).await.plan.seq;
        let left = h
            .room
            .spread((id, seq), &Scope::All, &h.planner.actor())
            .await
            .unwrap();
        assert_eq!(left, 0);
        let w = whole(&h, id).await;
        assert!(w.tasks.iter().all(|t| t.team == Some(second)));
        assert_eq!(
            refused(
                h.room
                    .spread((id, seq), &Scope::All, &h.planner.actor())
                    .await
            )[0]
            .1,
            "inspection-changed-meanwhile"
        );
        // What one tells oneself holds too, also later; the planner hears of it.
        let me = h.planner;
        let eyes = me.bare();
        let told = h
            .room
            .recuse(
                id,
                (o2, me.person),
                "与负责人有亲属关系",
                &eyes,
                &me.actor(),
            )
            .await;
        // Before it is started the members do not see it yet; the planner does.
        assert_eq!(refused(told)[0].1, "not-found");
        let eyes = planner(&h);
        h.room
            .recuse(
                id,
                (o2, me.person),
                "与负责人有亲属关系",
                &eyes,
                &me.actor(),
            )
            .await
            .unwrap();
        assert_eq!(
            refused(start(&h, id).await),
            [("teams".into(), "inspection-team-nobody")]
        );
        assign(&h, id, &[(o2, None)]).await.unwrap();
        assert_eq!(
            refused(start(&h, id).await),
            [("teams".into(), "inspection-team-missing")]
        );
        let third = team(&h, id, "丙", &["002"]).await.unwrap();
        assign(&h, id, &[(o2, Some(third))]).await.unwrap();
        assert_eq!(start(&h, id).await.unwrap(), 2);
        // The heads have it in their to-do lists.
        let todo = requests_of(&h, h.leader).await;
        assert_eq!(
            todo,
            [(
                "政治理论学习督导：单位O2".to_owned(),
                "inspection".to_owned()
            )]
        );
        assert_eq!(requests_of(&h, h.planner).await.len(), 1);
        assert_eq!(requests_of(&h, h.inspector).await.len(), 0);
        // Once it is started nothing of it is arranged any more, and ending it takes the rest back.
        assert_eq!(
            refused(team(&h, id, "丁", &["003"]).await)[0].1,
            "inspection-changed-meanwhile"
        );
        let w = whole(&h, id).await;
        assert!(w.tasks.iter().all(|t| t.state == TaskState::Open));
        let at = (id, w.plan.seq);
        let done = h
            .room
            .finish(at, PlanState::Ended, "", &Scope::All, &me.actor())
            .await;
        assert_eq!(refused(done)[0].0, "reason");
        h.room
            .finish(at, PlanState::Ended, "已经查完", &Scope::All, &me.actor())
            .await
            .unwrap();
        assert!(
            whole(&h, id)
                .await
                .tasks
                .iter()
                .all(|t| t.state == TaskState::Withdrawn)
        );
        assert_eq!(requests_of(&h, h.leader).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn files_are_drawn_once_and_anybody_can_draw_them_again() {
    on_both(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let mut new = new_plan(&h, &t, "review");
        new.categories = vec!["处室".into()];
        let by = h.planner.actor();
        let id = h.room.plan(&new, &Scope::All, &by).await.unwrap();
        let [o1, o2] = h.offices;
        let first = team(&h, id, "甲", &["001"]).await.unwrap();
        assign(&h, id, &[(o1, Some(first)), (o2, Some(first))])
            .await
            .unwrap();
        let told = refused(start(&h, id).await);
        assert_eq!(told[0], ("files".into(), "inspection-files-missing"));
        let numbers: Vec<String> = (1..=30).map(|n| format!("澜司罚〔2026〕{n}号")).collect();
        let seq = whole(&h, id).await.plan.seq;
        let draw_of = async |seq, unit, numbers: &[String], n| {
            h.room
                .draw_files((id, seq), unit, (numbers, n), &Scope::All, &by)
                .await
        };
        assert_eq!(refused(draw_of(seq, o1, &[], 3).await)[0].0, "numbers");
        assert_eq!(refused(draw_of(seq, o1, &numbers, 0).await)[0].0, "n");
        let drawn = draw_of(seq, o1, &numbers, 5).await.unwrap();
        assert_eq!(drawn.picked.len(), 5);
        // Nobody draws until it suits them.
        let again = draw_of(seq + 1, o1, &numbers, 5).await;
        assert_eq!(refused(again)[0].1, "inspection-drawn-already");
        let seed: [u8; 32] = sha2::Sha256::digest(drawn.seed_text(id)).into();
        let mut turned = numbers.clone();
        turned.reverse();
        assert_eq!(draw(&seed, &turned, 5), drawn.picked);
        let seq = whole(&h, id).await.plan.seq;
        draw_of(seq, o2, &numbers[..2], 5).await.unwrap();
        assert_eq!(start(&h, id).await.unwrap(), 7);
        let w = whole(&h, id).await;
        let mut kept: Vec<String> = w
            .tasks
            .iter()
            .filter(|t| t.unit == o1)
            .map(|t| t.object.clone())
            .collect();
        let mut picked = drawn.picked.clone();
        kept.sort();
        picked.sort();
        assert_eq!(kept, picked);
        assert_eq!(w.draws.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_half_yearly_plan_is_prepared_again_in_time_and_once() {
    on_postgres(&migrations(), |t| async move {
        let h = House::new(&t).await;
        let other = h.second(&t).await;
        let mut new = new_plan(&h, &t, "inspection");
        new.repeats = Repeats::HalfYear;
        let id = h
            .room
            .plan(&new, &Scope::All, &h.planner.actor())
            .await
            .unwrap();
        team(&h, id, "甲", &["001"]).await.unwrap();
        let seq = whole(&h, id).await.plan.seq;
        h.room
            .spread((id, seq), &Scope::All, &h.planner.actor())
            .await
            .unwrap();
        start(&h, id).await.unwrap();
        assert_eq!(h.room.repeat().await.unwrap(), 0);
        t.clock.advance(169 * 24 * 3600);
        let (a, b) = tokio::join!(h.room.repeat(), other.room.repeat());
        assert_eq!(a.unwrap() + b.unwrap(), 1);
        assert_eq!(h.room.repeat().await.unwrap(), 0);
        let mut tx = t.db.read().await.unwrap();
        let sql = "SELECT id, opens FROM inspection_plan WHERE round = 2";
        let row = tx.one(sql, db::args![]).await.unwrap();
        let (next, opens): (Id, Date) = (row.get(0).unwrap(), row.get(1).unwrap());
        drop(tx);
        assert_eq!(Some(opens), Repeats::HalfYear.after(new.opens));
        let w = whole(&h, next).await;
        assert_eq!(
            (w.plan.state, w.plan.series, w.teams.len()),
            (PlanState::Preparing, id, 1)
        );
        assert_eq!(w.units(), h.offices);
        assert!(w.tasks.iter().all(|t| t.team == Some(w.teams[0].id)));
        let members: Vec<PersonId> = w.teams[0].members.clone();
        assert_eq!(members, [h.planner.person]);
    })
    .await;
}
